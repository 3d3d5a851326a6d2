"""Closed forms of a single engagement: how many shots a target takes, and what missions use. Pure functions.

A value is one number or an array of futures, and the answer has its shape. Shots are independent of each other: where one
cause spoils all shots of a salvo (a wrong track, a decoy), these forms flatter the defence.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

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
