"""Closed forms of a single engagement: how many shots a target takes, and what missions use. Pure functions.

A value is one number or an array of futures, and the answer has its shape. Shots are independent of each other: where one
cause spoils all shots of a salvo (a wrong track, a decoy), these forms flatter the defence.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr

F64 = npt.NDArray[np.float64]
Value = TypeVar("Value", float, F64)


def salvo_kill(kill: Value, shots: int) -> Value:
    """Chance (share) that a target is stopped by a salvo: ``1 − (1 − p)^n``.

    `kill` is the kill chance p of one shot (share), `shots` the number n fired at the target before anyone looks.
    Source: Center for Strategic and International Studies, The First Battle of the Next War, 9 January 2023: two interceptors
    of 0.70 give 0.91. Raises ValueError where p is no share or n is negative.
    """
    _check(kill, shots)
    return 1.0 - (1.0 - kill) ** shots


def shoot_look_shoot(kill: Value, salvos: int) -> Value:
    """Expected shots a target where the next is fired only after the last is seen to miss: ``Σ (1 − p)^k, k = 0 … n − 1``.

    That is ``(1 − (1 − p)^n) / p``, and n where p = 0. `kill` is the kill chance p of one shot (share), `salvos` the number n of
    single shots that there is time for. The target is stopped with the chance of :func:`salvo_kill` for n shots.
    Source: Royal United Services Institute, November 2024: a doctrine of two shots takes 2.0 interceptors a target,
    shoot-look-shoot 1.1 at the same 0.99, which is p = 0.9 and n = 2. Raises ValueError where p is no share or n is negative.
    """
    _check(kill, salvos)
    missed = 1.0 - kill
    fired = kill * 0.0
    for _ in range(salvos):
        fired = fired * missed + 1.0
    return fired


def leak_share(launch_failure: Value, stopped: Value, terminal: Value, guidance_miss: Value) -> Value:
    """Share of missiles fired that hit: ``(1 − f) · (1 − s) · (1 − t) · (1 − m)``, every stage independent of the others.

    `launch_failure` f, share that fails at launch; `stopped` s, share of the rest that interceptors stop (:func:`salvo_kill`);
    `terminal` t, share of the rest that terminal defence and jamming stop; `guidance_miss` m, share of the rest that misses.
    Source: Center for Strategic and International Studies, The First Battle of the Next War, 9 January 2023, box on anti-ship
    missile interception. Raises ValueError where an argument is no share.
    """
    for share in (launch_failure, stopped, terminal, guidance_miss):
        _check(share, 0)
    return (1.0 - launch_failure) * (1.0 - stopped) * (1.0 - terminal) * (1.0 - guidance_miss)


def leak_share_with_tails(leak: Value, undefended: Value, attacker_blunder: Value, defender_blunder: Value) -> Value:
    """Share of missiles fired that hit, with rare failures of a whole side: ``(1 − a − d) · leak + d · undefended``.

    `leak` is the share where both sides do their work, `undefended` where nothing is stopped (:func:`leak_share` with s = t = 0);
    `attacker_blunder` a is the chance that the whole salvo is wasted, `defender_blunder` d that the whole defence fails; the two
    exclude each other. Source as in :func:`leak_share`. Raises ValueError where an argument, or a + d, is no share.
    """
    for share in (leak, undefended, attacker_blunder, defender_blunder, attacker_blunder + defender_blunder):
        _check(share, 0)
    return (1.0 - attacker_blunder - defender_blunder) * leak + defender_blunder * undefended


def leak_table(salvo: int, leak: float, undefended: float, faces: int = 20) -> tuple[int, ...]:
    """Missiles of a salvo that hit, for each face of a die: how a wargame tabulates :func:`leak_share_with_tails`.

    The first face is the attacker's blunder (none hits), the last the defender's (the mean of an undefended salvo, rounded); the
    faces between are the quantiles of a binomial of `salvo` missiles at `leak`, each at the middle of its share of the faces.
    `salvo` is a number of missiles, `leak` and `undefended` are shares. Source: as in :func:`leak_share`, salvoes of 25 missiles
    and a die of 20 faces. Raises ValueError where a share is none, a salvo is empty or a die has fewer than 3 faces.
    """
    _check(leak, 0)
    _check(undefended, 0)
    if salvo < 1 or faces < 3:
        raise ValueError(f"a salvo needs at least 1 missile and a die at least 3 faces: {salvo}, {faces}")
    middles = (np.arange(faces - 2) + 0.5) / (faces - 2)
    reached = bdtr(np.arange(salvo + 1.0), salvo, leak)
    ordinary = np.searchsorted(reached, middles)
    return (0, *(int(hits) for hits in ordinary), round(salvo * undefended))


def expected_mission_use(rate: Value, duration: Value, use: Value) -> Value:
    """Expected use a year of missions that begin at random: ``f · D · u``.

    `rate` is the Poisson rate f of missions (missions/year), `duration` their mean length D (weeks), `use` what one uses
    (units/week); the answer is in units/year. Lengths may be spread in any way that is independent of the number of missions
    (Wald's identity). Source: expected annual demand = rate × duration × use, the kind of check made for FEAST, Defence Research
    and Development Canada (2023).
    """
    return rate * duration * use


def _check(kill: float | F64, shots: int) -> None:
    if not (np.all(np.asarray(kill) >= 0.0) and np.all(np.asarray(kill) <= 1.0)):
        raise ValueError(f"a kill chance must lie within 0 and 1: {kill}")
    if shots < 0:
        raise ValueError(f"shots must not be negative: {shots}")
