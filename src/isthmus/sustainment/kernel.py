"""The campaign, one week a step, for a tile of futures at a time. Arrays in, arrays out.

State is ``(row, lane)``: a lane is a future, lanes are contiguous, and no reduction crosses them, so a result does not
depend on how futures are cut into chunks or threads. The plain twin of this file is :mod:`isthmus.sustainment.reference`;
the equations and their reasons are in ``docs/model.md``.
"""

from __future__ import annotations

import os
import platform
from concurrent.futures import ThreadPoolExecutor
from threading import local
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

if platform.machine() in ("x86_64", "AMD64"):
    # One instruction set for every x86-64 machine, so that the same inputs give the same bytes (AVX2 with FMA).
    os.environ.setdefault("NUMBA_CPU_NAME", "haswell")
    os.environ.setdefault("NUMBA_CPU_FEATURES", "")

import numba
from numba.core import config as numba_config

from isthmus.interop.output import KNOT_WEEKS

# Whoever imported numba first may have fixed the processor of this machine: read the settings again.
numba_config.reload_config()

F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]

LANES: Final = 256
"""Futures a tile. Inputs are padded to whole tiles."""

KERNEL_TARGET: Final = f"{os.environ.get('NUMBA_CPU_NAME', 'host')}-lanes{LANES}-v6"
"""Stands in every manifest: two runs are byte-identical only on the same target."""

FAST: Final = {"nsz", "arcp", "contract", "afn", "reassoc"}

RING: Final = 32
"""Longest lag in weeks that the pipeline holds; inputs are checked against it."""

LEAST_LOT: Final = 5e-7
"""Share of a lot up to which what is left of it is nothing: float32 cannot book so small a draw, and would repeat it weekly."""

SMOOTHING_WEEKS: Final = 13.0
SPELL_WEEKS: Final = 13.0
RESERVE_RELEASE: Final = 0.4
STARVED: Final = 0.3999
"""Starved is below 0.4; the reserve is released up to exactly 0.4, so the test stands a rounding below it."""

MET: Final = 0.8
ORDER_BOUND: Final = 4.0
"""Largest order of a week, in weeks of mean need."""
NEVER_YEARS: Final = 100.0
"""Cap of years to rebuild: read it as "not at this rate"."""

WEEKS_PER_YEAR: Final = 52.18
TINY: Final = 1e-9
NEGLIGIBLE: Final = 1e-5
"""Share of the reference need up to which a week's need or use is none. Float32 leaves shots of 1e-8 in an empty stock: they
must neither starve the side that answers them nor outshoot one that has nothing."""

PATH: Final = 0
REACTIVE: Final = 1
UNSTATED: Final = 2

HOME: Final = 0
NEAR: Final = 1
FAR: Final = 2

POOLED: Final = 0
WEAKEST: Final = 1

BY_RATIO: Final = 0
BY_PRESSURE: Final = 1

PER_FRONT: Final = (
    "weeks_met",
    "weeks_rationed",
    "weeks_starved",
    "used",
    "needed",
    "shipped",
    "shipped_hub",
    "shipped_far",
    "authorised",
    "arrived",
    "force_left",
)
PER_DUEL: Final = ("outcome", "outcome_week")
PER_SIDE: Final = ("cost_of_output", "cost_of_use")
VIEW: Final = len(PER_FRONT)
(MET_AT, RATIONED_AT, STARVED_AT, USED_AT, NEEDED_AT, SHIPPED_AT, HUB_AT, FAR_AT, AUTHORISED_AT, ARRIVED_AT, FORCE_AT) = range(
    VIEW
)
YEAR: Final = 52
"""Weeks of a year of account: costs are summed over weeks 0 to 51, 52 to 103, and so on."""


class Network(NamedTuple):
    """Who could supply what to whom: index arrays, equal for all futures.

    A row is an (actor, materiel) stock; a cell a (front, class) need; a pool the (cell, materiel) held at a front; an edge
    joins a row to a pool (`edge_home_front`: for the away edge of a row, the front at its home, else -1); a desk is the
    (actor, front) that decides what may be given; a view is a (front, mission).
    """

    row_group: I32
    row_home_edge: I32
    row_away_edge: I32
    line_row: I32
    edge_row: I32
    edge_home_front: I32
    edge_pool: I32
    edge_desk: I32
    edge_mode: I32
    edge_wait: I32
    edge_hub: I32
    pool_cell: I32
    pool_group: I32
    pool_mass_t: F32
    cell_front: I32
    cell_view: I32
    cell_kind: I32
    reaction_cell: I32
    reaction_source: I32
    desk_front: I32
    view_front: I32
    view_rule: I32
    duel_attacker: I32
    duel_defender: I32
    duel_kind: I32
    group_side: I32
    n_groups: int
    n_fronts: int
    n_sides: int
    exchange: int
    """1: forces wear each other down by volume of fire (`wear`, `mend`, `replace`); 0: they do not."""


class Lanes(NamedTuple):
    """What differs between futures: arrays of shape ``(tiles, n, LANES)``; n stands behind each name.

    Units: stock, floor in units of materiel; effect in units of effect per unit of materiel; need in units of effect a week;
    times in weeks; lift in tonnes a week; the rest are shares.
    """

    stock: F32  # rows
    row_floor: F32  # rows: lowest of the floors below which no front may draw
    joint: F32  # rows: 0 home front first, 1 both fronts pro rata; also what a donor at war at home spares for another front
    line_path: F32  # lines x knots: output a week at every KNOT_WEEKS-th week, linear between
    cost: F32  # groups: money per unit of materiel
    access: F32  # edges: share of the holding that the front could employ
    floor: F32  # edges: units that the donor keeps
    loss: F32  # edges: share lost in transfer and integration
    forward: F32  # edges: share of the lot that stands at the front when it opens
    plan_share: F32  # edges: weight of the front where two draw on one row (its part of their needs); 2: lots split beforehand
    wait: F32  # waits: weeks of integration before an edge opens
    lag: F32  # 2 x fronts: whole weeks under way, near then far
    lift: F32  # fronts
    effect: F32  # pools
    tranche_first: F32  # desks: week of the first decision
    tranche_gap: F32  # desks: weeks between decisions
    tranche_stop: F32  # desks: week from which nothing more is decided
    tranche_size: F32  # desks: weeks of need a tranche; 0 never gives, very large gives all
    tranche_unit: F32  # cells: share of the lots that one week of need is
    need_open: F32  # cells
    need_plateau: F32  # cells
    need_fade: F32  # cells: factor a week by which opening fades to plateau
    reference_need: F32  # cells: need at which orders start
    reaction: F32  # reactions: shots needed per launch
    weight: F32  # cells: weight of a class in the mission's effect
    cap: F32  # cells: most that launchers can fire a week
    cover: F32  # cells: weeks of need kept at the front
    plan_weeks: F32  # cells: weeks over which a planner spreads what he can draw on
    reserve: F32  # cells: weeks of reference need released only when starved
    ratio: F32  # duels: r*, the relative fire above which a starved side cannot hold
    pressure: F32  # duels: share of the opening rate above which an attack counts as going on
    wear: F32  # duels: share of a force lost a week under the fire that the enemy needs at the start
    mend: F32  # duels: share of what is lost that comes back a week
    replace: F32  # duels: what may come back over the whole war, as a share of the force


def columns(
    network: Network,
    views: tuple[str, ...],
    duels: tuple[str, ...],
    groups: tuple[str, ...],
    sides: tuple[str, ...],
    weeks: int,
) -> tuple[str, ...]:
    """Names of the outcome columns, in the order in which :func:`run_tiles` writes them."""
    names = [f"{o}.{v}" for v in views for o in PER_FRONT]
    names += [f"{o}.{d}" for d in duels for o in PER_DUEL]
    names += [f"years_to_rebuild.{g}" for g in groups]
    names += [f"{o}.{s}.year{y + 1}" for s in sides for o in PER_SIDE for y in range(years(weeks))]
    names.append("mass_balance_residual")
    if (
        len(views) != len(network.view_front)
        or len(duels) != len(network.duel_kind)
        or len(groups) != network.n_groups
        or len(sides) != network.n_sides
    ):
        raise ValueError("labels do not fit the network")
    return tuple(names)


def years(weeks: int) -> int:
    """Years of account that a horizon touches."""
    return -(-weeks // YEAR)


class _At(NamedTuple):
    """Sizes of the network, and where each of its arrays begins in the packed index array."""

    rows: int
    lines: int
    edges: int
    pools: int
    cells: int
    reactions: int
    desks: int
    views: int
    duels: int
    groups: int
    fronts: int
    shared: int
    sides: int
    years: int
    wearing: int
    row_group: int
    row_home_edge: int
    row_away_edge: int
    row_made: int
    line_row: int
    edge_row: int
    edge_home_front: int
    edge_pool: int
    edge_desk: int
    edge_mode: int
    edge_wait: int
    edge_hub: int
    edge_shared: int
    shared_row: int
    pool_cell: int
    pool_near: int
    pool_far: int
    pool_group: int
    cell_front: int
    cell_view: int
    cell_kind: int
    reaction_cell: int
    reaction_source: int
    desk_front: int
    view_front: int
    view_rule: int
    duel_attacker: int
    duel_defender: int
    duel_kind: int
    group_side: int
    view_duel: int


class _Of(NamedTuple):
    """Where each array of :class:`Lanes` begins in the packed lane values."""

    stock: int
    row_floor: int
    joint: int
    line_path: int
    cost: int
    access: int
    floor: int
    loss: int
    forward: int
    plan_share: int
    wait: int
    lag: int
    lift: int
    effect: int
    tranche_first: int
    tranche_gap: int
    tranche_stop: int
    tranche_size: int
    tranche_unit: int
    need_open: int
    need_plateau: int
    need_fade: int
    reference_need: int
    reaction: int
    weight: int
    cap: int
    cover: int
    plan_weeks: int
    reserve: int
    ratio: int
    pressure: int
    wear: int
    mend: int
    replace: int
    pool_mass: int
    ones: int


class _Slots(NamedTuple):
    """Where each part of a tile's memory begins. Units as in :class:`Lanes`."""

    stock: int  # rows, units
    made: int  # rows, units made so far
    drawn: int  # edges, units drawn so far
    free: int  # edges, units that may be drawn now
    net: int  # edges: usable part of what stood above the floor at the start
    placed: int  # edges, units that stand at the front on its first day
    forwarded: int  # edges, units that stood forward when the front opened
    cut: int  # edges: share of what was asked that a row drawn on by two fronts can give
    ring: int  # pools x RING, units that arrive in a coming week
    on_hand: int  # pools
    transit: int  # pools
    used: int  # pools
    decided: int  # desks, tranches decided so far
    granted: int  # desks, weeks of need decided so far
    next_decision: int  # desks, week
    order: int  # cells, effect
    urgent: int  # cells, effect that the depot lacks of its cover
    offered: int  # cells: share of every lot from outside home that orders draw
    at_home: int  # cells, effect offered at home; then the share of every home lot that orders draw
    near_offer: int  # cells, effect offered from elsewhere in the theater
    far_offer: int  # cells, effect offered from outside the theater
    far_mass: int  # cells, tonnes of what is offered from outside the theater
    plannable: int  # cells, effect
    left_over: int  # cells: what last week's plan left
    inflow: int  # cells: exponentially weighted net inflow, effect a week
    held: int  # cells, effect
    under_way: int  # cells, effect
    need: int  # cells
    use: int  # cells
    fade: int  # cells
    past: int  # cells x 4 weeks of need
    lag_sum: int  # cells: recent offers x lag
    lag_weight: int  # cells: recent offers
    sent: int  # cells, effect shipped this week
    tonnes: int  # fronts, asked from outside the theater this week
    spell: int  # duels x 2: weeks of the running spell against defence, against attack
    force: int  # views: share of the force that is left
    replaced: int  # views: share of the force that came back so far
    reference: int  # views: weighted reference need
    account: int  # sides x PER_SIDE: money booked up to the last year's end
    intake: int  # pools x 5: shipped this week, net, from HOME, NEAR and FAR, then from the hub; units that the other front plans with
    ones: int  # a row of ones
    work: int  # scratch


def _pack(network: Network, lanes: Lanes, weeks: int) -> tuple[I32, F32, _At, _Of, _Slots, int]:
    """One array of indices, one of lane values: few arguments keep compilation and calls short."""
    arrays = {name: np.asarray(a, np.int32) for name, a in network._asdict().items() if name in _At._fields}
    for name, mode in (("pool_near", NEAR), ("pool_far", FAR)):
        arrays[name] = np.isin(np.arange(network.pool_cell.size), network.edge_pool[network.edge_mode == mode]).astype(np.int32)
    sizes = {
        "rows": network.row_group.size,
        "lines": network.line_row.size,
        "edges": network.edge_row.size,
        "pools": network.pool_cell.size,
        "cells": network.cell_front.size,
        "reactions": network.reaction_cell.size,
        "desks": network.desk_front.size,
        "views": network.view_front.size,
        "duels": network.duel_kind.size,
        "groups": int(network.n_groups),
        "fronts": int(network.n_fronts),
        "sides": int(network.n_sides),
        "years": years(weeks),
        "wearing": int(network.exchange),
    }
    view_duel = np.full(sizes["views"], -1, np.int32)
    for d, (va, vd) in enumerate(zip(network.duel_attacker, network.duel_defender, strict=True)):
        if network.duel_kind[d] == BY_RATIO:
            view_duel[va], view_duel[vd] = d, d
    arrays["view_duel"] = view_duel
    arrays["row_made"] = np.isin(np.arange(sizes["rows"]), network.line_row).astype(np.int32)
    arrays["edge_shared"] = (network.row_away_edge[network.edge_row] >= 0).astype(np.int32)
    arrays["shared_row"] = np.flatnonzero((network.row_home_edge >= 0) & (network.row_away_edge >= 0)).astype(np.int32)
    sizes["shared"] = arrays["shared_row"].size
    starts = np.cumsum([0, *(a.size for a in arrays.values())])
    at = _At(**sizes, **{name: int(s) for name, s in zip(arrays, starts, strict=False)})
    mass = np.broadcast_to(
        np.asarray(network.pool_mass_t, np.float32)[None, :, None], (lanes.stock.shape[0], sizes["pools"], LANES)
    )
    values = {
        **{name: np.asarray(a, np.float32) for name, a in lanes._asdict().items()},
        "pool_mass": mass,
        "ones": np.ones((lanes.stock.shape[0], 1, LANES), np.float32),
    }
    begins = np.cumsum([0, *(a.shape[1] for a in values.values())])
    of = _Of(**{name: int(s) for name, s in zip(values, begins, strict=False)})
    e, p, c, d = sizes["edges"], sizes["pools"], sizes["cells"], sizes["duels"]
    lengths = (
        [sizes["rows"]] * 2
        + [e] * 6
        + [p * RING]
        + [p] * 3
        + [sizes["desks"]] * 3
        + [c] * 15
        + [c * 4]
        + [c] * 3
        + [sizes["fronts"], 2 * d]
        + [sizes["views"]] * 3
        + [sizes["sides"] * len(PER_SIDE), 5 * p, 1, 5]
    )
    slots = np.cumsum([0, *lengths])
    sl = _Slots(*(int(s) for s in slots[:-1]))
    return (
        np.concatenate(list(arrays.values())),
        np.ascontiguousarray(np.concatenate(list(values.values()), axis=1)),
        at,
        of,
        sl,
        int(slots[-1]),
    )


def run_tiles(network: Network, lanes: Lanes, starts: I32, weeks: int, threads: int | None = None) -> tuple[F32, F32]:
    """Run every tile. `starts` gives each front's first week of war, -1 for peace.

    Returns outcomes ``(tiles, columns, LANES)`` and fill ``(tiles, views, weeks, LANES)``: use by need, -1 at peace.
    """
    index, values, at, of, sl, slots = _pack(network, lanes, weeks)
    wide = at.views * VIEW + at.duels * len(PER_DUEL) + at.groups + at.sides * len(PER_SIDE) * at.years + 1
    out = np.zeros((values.shape[0], wide, LANES), np.float32)
    fill = np.full((values.shape[0], at.views, weeks, LANES), -1.0, np.float32)
    begin = np.asarray(starts, np.int32)

    memory = local()

    def one(tile: int) -> None:
        # A thread clears and uses one block again and again: fresh memory costs a fault a page, for which threads would queue.
        if not hasattr(memory, "state"):
            memory.state = np.empty((slots, LANES), np.float32)
        memory.state.fill(0.0)
        _tile(index, values[tile], memory.state, at, of, sl, begin, weeks, out[tile], fill[tile])

    # The kernel holds no lock of the interpreter; tiles are independent, so threads change no value.
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        list(pool.map(one, range(values.shape[0])))
    return out, fill


def _jit(**options: Any) -> Any:
    return numba.njit(cache=True, fastmath=FAST, error_model="numpy", nogil=True, **options)


@_jit()
def _output(ix, val, now, at, of, sl, t):
    """Step 1: add the week's complete output of every line to its row."""
    part = np.float32((t % KNOT_WEEKS) / KNOT_WEEKS)
    knot = of.line_path + (t // KNOT_WEEKS) * at.lines
    for n in range(at.lines):
        r = ix[at.line_row + n]
        for i in range(LANES):
            x = val[knot + n, i] + (val[knot + at.lines + n, i] - val[knot + n, i]) * part
            now[sl.stock + r, i] += x
            now[sl.made + r, i] += x


@_jit()
def _decide(ix, val, now, at, of, sl, starts, t):
    """Step 2: donors decide in tranches, counted per desk."""
    zero, one = np.float32(0.0), np.float32(1.0)
    for a in range(at.desks):
        start = starts[ix[at.desk_front + a]]
        if start < 0 or t < start:
            continue
        age = np.float32(t - start)
        for i in range(LANES):
            gives = (age >= now[sl.next_decision + a, i]) & (age < val[of.tranche_stop + a, i])
            now[sl.decided + a, i] += one if gives else zero
            now[sl.granted + a, i] = now[sl.decided + a, i] * val[of.tranche_size + a, i]
            now[sl.next_decision + a, i] += val[of.tranche_gap + a, i] if gives else zero


@_jit()
def _lots(ix, val, now, at, of, sl, starts, t, tally):
    """What an edge may draw now: its lot as far as decided, less what it drew, above the floor; nothing before its wait ends.

    A lot never exceeds what stands above the floor, so only a row that two fronts draw on needs to look at its stock.
    """
    zero, one, least = np.float32(0.0), np.float32(1.0), np.float32(LEAST_LOT)
    for e in range(at.edges):
        p = ix[at.edge_pool + e]
        c = ix[at.pool_cell + p]
        start = starts[ix[at.cell_front + c]]
        if start < 0 or t < start:
            continue
        r, a, w = ix[at.edge_row + e], ix[at.edge_desk + e], ix[at.edge_wait + e]
        if ix[at.edge_shared + e]:
            h = ix[at.edge_home_front + e]
            spared = of.joint + r if h >= 0 and starts[h] >= 0 and t >= starts[h] else of.ones
            for i in range(LANES):
                given = min(one, now[sl.granted + a, i] * val[of.tranche_unit + c, i]) * val[spared, i]
                lot = now[sl.net + e, i] + val[of.access + e, i] * now[sl.made + r, i]
                free = min(given * lot - now[sl.drawn + e, i], now[sl.stock + r, i] - val[of.floor + e, i])
                now[sl.free + e, i] = free if free > least * lot else zero
        elif ix[at.row_made + r]:
            for i in range(LANES):
                given = min(one, now[sl.granted + a, i] * val[of.tranche_unit + c, i])
                lot = now[sl.net + e, i] + val[of.access + e, i] * now[sl.made + r, i]
                free = given * lot - now[sl.drawn + e, i]
                now[sl.free + e, i] = free if free > least * lot else zero
        else:
            for i in range(LANES):
                given = min(one, now[sl.granted + a, i] * val[of.tranche_unit + c, i])
                lot = now[sl.net + e, i]
                free = given * lot - now[sl.drawn + e, i]
                now[sl.free + e, i] = free if free > least * lot else zero
        if w >= 0:
            age = np.float32(t - start)
            for i in range(LANES):
                now[sl.free + e, i] = now[sl.free + e, i] if age >= val[of.wait + w, i] else zero
        if not tally:
            continue
        mode = ix[at.edge_mode + e]
        offer = (sl.at_home if mode == HOME else sl.near_offer if mode == NEAR else sl.far_offer) + c
        for i in range(LANES):
            now[offer, i] += now[sl.free + e, i] * (one - val[of.loss + e, i]) * val[of.effect + p, i]
        if mode == FAR:
            for i in range(LANES):
                now[sl.far_mass + c, i] += now[sl.free + e, i] * val[of.pool_mass + p, i]


@_jit()
def _forward(ix, val, now, at, of, sl, starts, t, out):
    """What stands forward is at the front on its first day; a row that stands forward at two is rationed once for both."""
    zero, one, tiny = np.float32(0.0), np.float32(1.0), np.float32(TINY)
    for e in range(at.edges):
        first = starts[ix[at.cell_front + ix[at.pool_cell + ix[at.edge_pool + e]]]] == t
        for i in range(LANES):
            now[sl.placed + e, i] = val[of.forward + e, i] * now[sl.free + e, i] if first else zero
    for r in range(at.rows):
        h, a = ix[at.row_home_edge + r], ix[at.row_away_edge + r]
        if h < 0 or a < 0:
            continue
        for i in range(LANES):
            left = max(zero, now[sl.stock + r, i] - val[of.row_floor + r, i])
            even = min(one, left / max(tiny, now[sl.placed + h, i] + now[sl.placed + a, i]))
            now[sl.placed + h, i] *= even
            now[sl.placed + a, i] *= even
    for e in range(at.edges):
        p = ix[at.edge_pool + e]
        c = ix[at.pool_cell + p]
        if starts[ix[at.cell_front + c]] != t:
            continue
        r, v = ix[at.edge_row + e], ix[at.cell_view + c]
        hub = np.float32(ix[at.edge_hub + e])
        for i in range(LANES):
            x = now[sl.placed + e, i]
            now[sl.stock + r, i] -= x
            now[sl.drawn + e, i] += x
            now[sl.on_hand + p, i] += x
            now[sl.forwarded + e, i] = x
            effect = x * val[of.effect + p, i]
            now[sl.sent + c, i] += effect
            out[v * VIEW + HUB_AT, i] += hub * effect * val[of.weight + c, i]


@_jit()
def _offer(ix, val, now, at, of, sl, starts, t, out):
    """Step 3a: what every edge may draw now; what stands forward is at the front on its first day."""
    zero, one = np.float32(0.0), np.float32(1.0)
    for c in range(at.cells):
        first = starts[ix[at.cell_front + c]] == t
        for i in range(LANES):
            now[sl.at_home + c, i] = zero
            now[sl.near_offer + c, i] = zero
            now[sl.far_offer + c, i] = zero
            now[sl.far_mass + c, i] = zero
            now[sl.plannable + c, i] = zero
            now[sl.sent + c, i] = zero
            if first:
                now[sl.order + c, i] = val[of.cover + c, i] * val[of.reference_need + c, i]
                now[sl.urgent + c, i] = now[sl.order + c, i]
    for f in range(at.fronts):
        for i in range(LANES):
            now[sl.tonnes + f, i] = zero
    opening = False
    for f in range(at.fronts):
        opening = opening or starts[f] == t
    if opening:
        _lots(ix, val, now, at, of, sl, starts, t, at.edges < 0)
        _forward(ix, val, now, at, of, sl, starts, t, out)
    _lots(ix, val, now, at, of, sl, starts, t, at.edges >= 0)
    for c in range(at.cells):
        f = ix[at.cell_front + c]
        near_lag, far_lag = of.lag + f, of.lag + at.fronts + f
        for i in range(LANES):
            home, near, far = now[sl.at_home + c, i], now[sl.near_offer + c, i], now[sl.far_offer + c, i]
            offered = home + near + far
            # Orders reckon with the mean lag of what is on offer: that of shipments would hunt where lift cuts the far ones.
            now[sl.lag_weight + c, i] += offered
            now[sl.lag_sum + c, i] += near * val[near_lag, i] + far * val[far_lag, i]
            now[sl.plannable + c, i] = offered
            # Home lots give their part of the order, or more where the depot lacks its cover; the rest comes from further away.
            part = now[sl.order + c, i] * (home / max(np.float32(TINY), offered))
            at_home = min(home, max(part, now[sl.urgent + c, i]))
            now[sl.at_home + c, i] = at_home / max(np.float32(TINY), home)
            rest = max(zero, now[sl.order + c, i] - at_home) / max(np.float32(TINY), near + far)
            now[sl.offered + c, i] = min(one, rest)
            now[sl.tonnes + f, i] += now[sl.offered + c, i] * now[sl.far_mass + c, i]


@_jit()
def _both_at_war(ix, at, starts, t, h, a):
    """Whether both fronts that draw on a row are at war."""
    fh = ix[at.cell_front + ix[at.pool_cell + ix[at.edge_pool + h]]]
    fa = ix[at.cell_front + ix[at.pool_cell + ix[at.edge_pool + a]]]
    return min(starts[fh], starts[fa]) >= 0 and t >= max(starts[fh], starts[fa])


@_jit()
def _ration(ix, val, now, at, of, sl, starts, cuts, t):
    """Step 3b: orders draw on all lots pro rata; a row that two fronts draw on is rationed once for both.

    Leaves in `cut` what an edge of such a row keeps of what it asked, and in `tonnes` the share that lift carries.
    """
    zero, one, tiny = np.float32(0.0), np.float32(1.0), np.float32(TINY)
    for s in range(at.shared):
        r = ix[at.shared_row + s]
        h, a = ix[at.row_home_edge + r], ix[at.row_away_edge + r]
        if not _both_at_war(ix, at, starts, t, h, a):
            continue
        ph, pa = ix[at.edge_pool + h], ix[at.edge_pool + a]
        ch, ca = ix[at.pool_cell + ph], ix[at.pool_cell + pa]
        oh = (sl.at_home if ix[at.edge_mode + h] == HOME else sl.offered) + ch
        oa = (sl.at_home if ix[at.edge_mode + a] == HOME else sl.offered) + ca
        worst = zero
        for i in range(LANES):
            asked = now[sl.free + h, i] * now[oh, i] + now[sl.free + a, i] * now[oa, i]
            worst = max(worst, asked - max(zero, now[sl.stock + r, i] - val[of.row_floor + r, i]))
        # Where no lane is short nothing is cut: the test saves time and changes no value.
        if worst <= zero:
            if cuts[s]:
                cuts[s] = 0
                for i in range(LANES):
                    now[sl.cut + h, i] = one
                    now[sl.cut + a, i] = one
            continue
        cuts[s] = 1
        for i in range(LANES):
            at_home = now[sl.free + h, i] * now[oh, i]
            abroad = now[sl.free + a, i] * now[oa, i]
            left = max(zero, now[sl.stock + r, i] - val[of.row_floor + r, i])
            even = min(one, left / max(tiny, at_home + abroad))
            first = min(one, left / max(tiny, at_home))
            second = min(one, max(zero, left - at_home) / max(tiny, abroad))
            j = val[of.joint + r, i]
            now[sl.cut + h, i] = j * even + (one - j) * first
            now[sl.cut + a, i] = j * even + (one - j) * second
        # What is cut needs no lift.
        for side in range(2):
            e, p, c, o = (h, ph, ch, oh) if side == 0 else (a, pa, ca, oa)
            if ix[at.edge_mode + e] == FAR:
                f = ix[at.cell_front + c]
                for i in range(LANES):
                    spared = (one - now[sl.cut + e, i]) * now[sl.free + e, i] * now[o, i] * val[of.pool_mass + p, i]
                    now[sl.tonnes + f, i] = max(zero, now[sl.tonnes + f, i] - spared)
    for f in range(at.fronts):
        for i in range(LANES):
            now[sl.tonnes + f, i] = min(one, val[of.lift + f, i] / max(tiny, now[sl.tonnes + f, i]))


@_jit()
def _ship(ix, val, now, at, of, sl, starts, t, out):
    """Step 3c: what was asked leaves the donor, within lift, and is lost in part; the rest stays plannable."""
    zero, one, tiny = np.float32(0.0), np.float32(1.0), np.float32(TINY)
    near, far, hub, rest = sl.intake + at.pools, sl.intake + 2 * at.pools, sl.intake + 3 * at.pools, sl.intake + 4 * at.pools
    mine, theirs = sl.work + 1, sl.work + 2
    for e in range(at.edges):
        p = ix[at.edge_pool + e]
        c = ix[at.pool_cell + p]
        f = ix[at.cell_front + c]
        if starts[f] < 0 or t < starts[f]:
            continue
        r, mode = ix[at.edge_row + e], ix[at.edge_mode + e]
        if ix[at.edge_shared + e] and _both_at_war(ix, at, starts, t, ix[at.row_home_edge + r], ix[at.row_away_edge + r]):
            continue
        into = sl.intake + mode * at.pools + p
        drawn = (sl.at_home if mode == HOME else sl.offered) + c
        lift = sl.tonnes + f if mode == FAR else sl.ones
        for i in range(LANES):
            x = now[sl.free + e, i] * now[drawn, i] * now[lift, i]
            now[sl.stock + r, i] -= x
            now[sl.drawn + e, i] += x
            now[mine, i] = x * (one - val[of.loss + e, i])
            now[into, i] += now[mine, i]
        if ix[at.edge_hub + e]:
            for i in range(LANES):
                now[hub + p, i] += now[mine, i]
    for s in range(at.shared):
        r = ix[at.shared_row + s]
        h, a = ix[at.row_home_edge + r], ix[at.row_away_edge + r]
        if not _both_at_war(ix, at, starts, t, h, a):
            continue
        ph, pa, mh, ma = ix[at.edge_pool + h], ix[at.edge_pool + a], ix[at.edge_mode + h], ix[at.edge_mode + a]
        ch, ca = ix[at.pool_cell + ph], ix[at.pool_cell + pa]
        oh = (sl.at_home if mh == HOME else sl.offered) + ch
        oa = (sl.at_home if ma == HOME else sl.offered) + ca
        lh = sl.tonnes + ix[at.cell_front + ch] if mh == FAR else sl.ones
        la = sl.tonnes + ix[at.cell_front + ca] if ma == FAR else sl.ones
        into_h, into_a = sl.intake + mh * at.pools + ph, sl.intake + ma * at.pools + pa
        for i in range(LANES):
            free_h, free_a = now[sl.free + h, i], now[sl.free + a, i]
            x = free_h * now[oh, i] * now[sl.cut + h, i] * now[lh, i]
            y = free_a * now[oa, i] * now[sl.cut + a, i] * now[la, i]
            now[sl.stock + r, i] -= x + y
            now[sl.drawn + h, i] += x
            now[sl.drawn + a, i] += y
            kept_h, kept_a = one - val[of.loss + h, i], one - val[of.loss + a, i]
            now[mine, i] = x * kept_h
            now[theirs, i] = y * kept_a
            # A planner counts on the part of a common lot that his need and what he may draw give him; parts that are above 1
            # belong to lots that are split beforehand, and each front plans with all of its own.
            weight_h, weight_a = val[of.plan_share + h, i], val[of.plan_share + a, i]
            part = one / max(tiny, weight_h * free_h + weight_a * free_a)
            left_h = one - weight_h * free_h * part if weight_h <= one else zero
            left_a = one - weight_a * free_a * part if weight_a <= one else zero
            now[rest + ph, i] += (free_h - x) * kept_h * left_h
            now[rest + pa, i] += (free_a - y) * kept_a * left_a
        for i in range(LANES):
            now[into_h, i] += now[mine, i]
            now[into_a, i] += now[theirs, i]
        if ix[at.edge_hub + h]:
            for i in range(LANES):
                now[hub + ph, i] += now[mine, i]
                now[hub + pa, i] += now[theirs, i]
    for p in range(at.pools):
        c = ix[at.pool_cell + p]
        f, v = ix[at.cell_front + c], ix[at.cell_view + c]
        if starts[f] < 0 or t < starts[f]:
            continue
        ring = sl.ring + RING * p
        if ix[at.pool_near + p]:
            for i in range(LANES):
                now[ring + ((t + int(val[of.lag + f, i])) & (RING - 1)), i] += now[near + p, i]
        if ix[at.pool_far + p]:
            for i in range(LANES):
                now[ring + ((t + int(val[of.lag + at.fronts + f, i])) & (RING - 1)), i] += now[far + p, i]
        for i in range(LANES):
            unit = val[of.effect + p, i]
            now[sl.on_hand + p, i] += now[sl.intake + p, i]
            now[sl.transit + p, i] += now[near + p, i] + now[far + p, i]
            effect = (now[sl.intake + p, i] + now[near + p, i] + now[far + p, i]) * unit
            now[sl.sent + c, i] += effect
            # What is left of the offer stays plannable.
            now[sl.plannable + c, i] = max(zero, now[sl.plannable + c, i] - effect - now[rest + p, i] * unit)
        for i in range(LANES):
            unit = val[of.effect + p, i] * val[of.weight + c, i]
            out[v * VIEW + HUB_AT, i] += now[hub + p, i] * unit
            out[v * VIEW + FAR_AT, i] += now[far + p, i] * unit
            now[sl.intake + p, i] = zero
            now[near + p, i] = zero
            now[far + p, i] = zero
            now[hub + p, i] = zero
            now[rest + p, i] = zero


@_jit()
def _arrive(ix, val, now, at, of, sl, starts, t):
    """Step 4: what is due this week joins the pool; lag 0 arrives the week it was sent."""
    zero = np.float32(0.0)
    slot = t & (RING - 1)
    for c in range(at.cells):
        for i in range(LANES):
            now[sl.held + c, i] = zero
            now[sl.under_way + c, i] = zero
    for p in range(at.pools):
        c = ix[at.pool_cell + p]
        start = starts[ix[at.cell_front + c]]
        if start < 0 or t < start:
            continue
        for i in range(LANES):
            come = now[sl.ring + RING * p + slot, i]
            now[sl.ring + RING * p + slot, i] = zero
            now[sl.on_hand + p, i] += come
            now[sl.transit + p, i] = max(zero, now[sl.transit + p, i] - come)
            now[sl.held + c, i] += now[sl.on_hand + p, i] * val[of.effect + p, i]
            now[sl.under_way + c, i] += now[sl.transit + p, i] * val[of.effect + p, i]


@_jit()
def _need(ix, val, now, at, of, sl, c):
    """Step 5: need of a cell, stated as a path or following from what the other side launches this week."""
    zero = np.float32(0.0)
    if ix[at.cell_kind + c] == PATH:
        for i in range(LANES):
            plateau = val[of.need_plateau + c, i]
            now[sl.need + c, i] = plateau + (val[of.need_open + c, i] - plateau) * now[sl.fade + c, i]
            now[sl.fade + c, i] *= val[of.need_fade + c, i]
    elif ix[at.cell_kind + c] == REACTIVE:
        for i in range(LANES):
            now[sl.need + c, i] = zero
        for x in range(at.reactions):
            if ix[at.reaction_cell + x] == c:
                s = ix[at.reaction_source + x]
                for i in range(LANES):
                    now[sl.need + c, i] += val[of.reaction + x, i] * now[sl.use + s, i]
    v = ix[at.cell_view + c]
    d = ix[at.view_duel + v]
    if at.wearing and d >= 0 and ix[at.cell_kind + c] == PATH:
        # A dying force must not report that its needs are met: the need follows the larger of the two forces.
        va, vd = ix[at.duel_attacker + d], ix[at.duel_defender + d]
        for i in range(LANES):
            now[sl.need + c, i] *= max(now[sl.force + va, i], now[sl.force + vd, i])


@_jit()
def _opening_inflow(ix, val, now, at, of, sl, c, t):
    """The inflow that a planner knows of on the first day: the current output of lines he may draw on."""
    zero, one = np.float32(0.0), np.float32(1.0)
    part = np.float32((t % KNOT_WEEKS) / KNOT_WEEKS)
    knot = of.line_path + (t // KNOT_WEEKS) * at.lines
    for i in range(LANES):
        now[sl.inflow + c, i] = np.float32(0.0)
    for n in range(at.lines):
        r = ix[at.line_row + n]
        for side in range(2):
            e = ix[at.row_home_edge + r] if side == 0 else ix[at.row_away_edge + r]
            if e < 0 or ix[at.pool_cell + ix[at.edge_pool + e]] != c:
                continue
            p, a, w = ix[at.edge_pool + e], ix[at.edge_desk + e], ix[at.edge_wait + e]
            for i in range(LANES):
                given = min(one, now[sl.decided + a, i] * val[of.tranche_size + a, i] * val[of.tranche_unit + c, i])
                net = val[of.access + e, i] * given * (one - val[of.loss + e, i]) * val[of.effect + p, i]
                shut = w >= 0 and val[of.wait + max(w, 0), i] > zero
                output = val[knot + n, i] + (val[knot + at.lines + n, i] - val[knot + n, i]) * part
                now[sl.inflow + c, i] += zero if shut else net * output


@_jit()
def _use(ix, val, now, at, of, sl, c, t, first):
    """Step 6: planned use and use. Armies ration: they plan with inflow and a share of what they can still draw on."""
    zero, tiny, release = np.float32(0.0), np.float32(TINY), np.float32(RESERVE_RELEASE)
    if first:
        _opening_inflow(ix, val, now, at, of, sl, c, t)
    else:
        for i in range(LANES):
            can = now[sl.held + c, i] + now[sl.under_way + c, i] + now[sl.plannable + c, i]
            come = max(zero, can - now[sl.left_over + c, i])
            now[sl.inflow + c, i] += (come - now[sl.inflow + c, i]) / np.float32(SMOOTHING_WEEKS)
    unstated = ix[at.cell_kind + c] == UNSTATED
    v = ix[at.cell_view + c]
    for i in range(LANES):
        can = now[sl.held + c, i] + now[sl.under_way + c, i] + now[sl.plannable + c, i]
        keep = val[of.reserve + c, i] * val[of.reference_need + c, i]
        rate = now[sl.inflow + c, i] + max(zero, can - keep) / val[of.plan_weeks + c, i]
        bare = now[sl.inflow + c, i] + can / val[of.plan_weeks + c, i]
        want = rate if unstated else now[sl.need + c, i]
        nothing = np.float32(NEGLIGIBLE) * val[of.reference_need + c, i]
        want = want if want > nothing else zero
        now[sl.need + c, i] = want
        rate = max(rate, min(bare, release * want))
        spend = min(min(want, rate), min(now[sl.held + c, i], val[of.cap + c, i] * now[sl.force + v, i]))
        spend = spend if spend > nothing else zero
        now[sl.use + c, i] = spend
        now[sl.left_over + c, i] = can - spend
        now[sl.work, i] = spend / max(tiny, now[sl.held + c, i])
        now[sl.held + c, i] -= spend
    for p in range(at.pools):
        if ix[at.pool_cell + p] == c:
            for i in range(LANES):
                x = now[sl.on_hand + p, i] * now[sl.work, i]
                now[sl.on_hand + p, i] -= x
                now[sl.used + p, i] += x


@_jit()
def _order(val, now, of, sl, c, t, first):
    """Step 7: order up to (cover + mean lag of recent offers) × the mean need of four weeks."""
    zero, tiny = np.float32(0.0), np.float32(TINY)
    if first:
        for k in range(4):
            for i in range(LANES):
                now[sl.past + 4 * c + k, i] = now[sl.need + c, i]
    for i in range(LANES):
        now[sl.past + 4 * c + (t & 3), i] = now[sl.need + c, i]
        mean = (
            now[sl.past + 4 * c, i] + now[sl.past + 4 * c + 1, i] + now[sl.past + 4 * c + 2, i] + now[sl.past + 4 * c + 3, i]
        ) * np.float32(0.25)
        lag = now[sl.lag_sum + c, i] / max(tiny, now[sl.lag_weight + c, i])
        short = (val[of.cover + c, i] + lag) * mean - now[sl.held + c, i] - now[sl.under_way + c, i]
        now[sl.order + c, i] = min(np.float32(ORDER_BOUND) * mean, max(zero, short))
        now[sl.urgent + c, i] = max(zero, val[of.cover + c, i] * mean - now[sl.held + c, i])
        now[sl.lag_sum + c, i] *= np.float32(0.9)
        now[sl.lag_weight + c, i] *= np.float32(0.9)


@_jit()
def _judge(ix, val, now, at, of, sl, starts, t, out, fill):
    """Step 8: supply state of every front and mission."""
    zero, one, tiny = np.float32(0.0), np.float32(1.0), np.float32(TINY)
    met, starved = np.float32(MET), np.float32(STARVED)
    used, needed, worst = now[sl.work + 1], now[sl.work + 2], now[sl.work + 3]
    for v in range(at.views):
        start = starts[ix[at.view_front + v]]
        if start < 0 or t < start:
            continue
        for i in range(LANES):
            used[i] = zero
            needed[i] = zero
            worst[i] = one
        for c in range(at.cells):
            if ix[at.cell_view + c] != v:
                continue
            for i in range(LANES):
                w = val[of.weight + c, i]
                used[i] += now[sl.use + c, i] * w
                needed[i] += now[sl.need + c, i] * w
                part = now[sl.use + c, i] / max(tiny, now[sl.need + c, i])
                worst[i] = min(worst[i], part if now[sl.need + c, i] > tiny else one)
                out[v * VIEW + SHIPPED_AT, i] += now[sl.sent + c, i] * w
        weakest = ix[at.view_rule + v] == WEAKEST
        for i in range(LANES):
            whole = used[i] / max(tiny, needed[i])
            whole = min(one, whole) if needed[i] > tiny else one
            level = worst[i] if weakest else whole
            fill[v, t, i] = level
            out[v * VIEW + MET_AT, i] += one if level >= met else zero
            out[v * VIEW + RATIONED_AT, i] += one if (level < met) & (level >= starved) else zero
            out[v * VIEW + STARVED_AT, i] += one if level < starved else zero
            out[v * VIEW + USED_AT, i] += used[i]
            out[v * VIEW + NEEDED_AT, i] += needed[i]


@_jit()
def _spells(ix, val, now, at, of, sl, starts, t, out, fill):
    """Step 9: 13 weeks of adverse supply on end decide a duel; 1 defence unsustained, 2 attack unsustained."""
    zero, one, tiny = np.float32(0.0), np.float32(1.0), np.float32(TINY)
    starved_below, enough = np.float32(STARVED), np.float32(SPELL_WEEKS)
    attack, defence, pressed = now[sl.work + 1], now[sl.work + 2], now[sl.work + 4]
    base = at.views * VIEW
    for d in range(at.duels):
        va, vd = ix[at.duel_attacker + d], ix[at.duel_defender + d]
        start = starts[ix[at.view_front + vd]]
        if start < 0 or t < start or starts[ix[at.view_front + va]] != start:
            continue
        for i in range(LANES):
            attack[i] = zero
            defence[i] = zero
            pressed[i] = zero
        for c in range(at.cells):
            if ix[at.cell_view + c] == va:
                for i in range(LANES):
                    attack[i] += now[sl.use + c, i] * val[of.weight + c, i]
            if ix[at.cell_view + c] == vd:
                for i in range(LANES):
                    defence[i] += now[sl.use + c, i] * val[of.weight + c, i]
                    need = now[sl.need + c, i]
                    short = (now[sl.use + c, i] < starved_below * need) & (need > tiny)
                    hard = need >= val[of.pressure + d, i] * val[of.need_open + c, i]
                    pressed[i] = one if short & hard else pressed[i]
        by_ratio = ix[at.duel_kind + d] == BY_RATIO
        for i in range(LANES):
            r = val[of.ratio + d, i]
            attack_starved = fill[va, t, i] < starved_below
            out_shot = (fill[vd, t, i] < starved_below) & (attack[i] > r * defence[i])
            out_lasted = attack_starved & (defence[i] > r * attack[i])
            bad = out_shot if by_ratio else pressed[i] > zero
            good = out_lasted if by_ratio else attack_starved & (pressed[i] == zero)
            now[sl.spell + 2 * d, i] = now[sl.spell + 2 * d, i] + one if bad else zero
            now[sl.spell + 2 * d + 1, i] = now[sl.spell + 2 * d + 1, i] + one if good else zero
            code = np.float32(2.0) if now[sl.spell + 2 * d + 1, i] >= enough else zero
            code = one if now[sl.spell + 2 * d, i] >= enough else code
            new = (out[base + 2 * d, i] == zero) & (code > zero)
            out[base + 2 * d, i] = code if new else out[base + 2 * d, i]
            out[base + 2 * d + 1, i] = np.float32(t - start + 1) if new else out[base + 2 * d + 1, i]


@_jit()
def _exchange(ix, val, now, at, of, sl, starts, t):
    """Step 10, off by default: fire wears forces down by its volume; what is lost comes back while replacements last."""
    zero, one, tiny = np.float32(0.0), np.float32(1.0), np.float32(TINY)
    for d in range(at.duels):
        va, vd = ix[at.duel_attacker + d], ix[at.duel_defender + d]
        start = starts[ix[at.view_front + vd]]
        if ix[at.duel_kind + d] != BY_RATIO or start < 0 or t < start or starts[ix[at.view_front + va]] != start:
            continue
        for i in range(LANES):
            now[sl.work + 1, i] = zero
            now[sl.work + 2, i] = zero
        for c in range(at.cells):
            side = 1 if ix[at.cell_view + c] == va else 2
            if ix[at.cell_view + c] != va and ix[at.cell_view + c] != vd:
                continue
            for i in range(LANES):
                now[sl.work + side, i] += now[sl.use + c, i] * val[of.weight + c, i]
        for side in range(2):
            mine, theirs = (va, vd) if side == 0 else (vd, va)
            fire = sl.work + (2 if side == 0 else 1)
            for i in range(LANES):
                lost = val[of.wear + d, i] * now[fire, i] / max(tiny, now[sl.reference + theirs, i])
                left = max(zero, now[sl.force + mine, i] - lost)
                back = min(val[of.mend + d, i] * (one - left), val[of.replace + d, i] - now[sl.replaced + mine, i])
                back = max(zero, back)
                now[sl.replaced + mine, i] += back
                now[sl.force + mine, i] = min(one, left + back)


@_jit()
def _account(ix, val, now, at, of, sl, t, out):
    """Money that a side's output and use of this year came to, at the cost of a unit."""
    base = at.views * VIEW + at.duels * 2 + at.groups
    spent = now[sl.work + 1]
    for s in range(at.sides):
        for what in range(2):
            for i in range(LANES):
                spent[i] = np.float32(0.0)
            for n in range(at.rows if what == 0 else at.pools):
                g = ix[(at.row_group if what == 0 else at.pool_group) + n]
                if ix[at.group_side + g] != s:
                    continue
                units = (sl.made if what == 0 else sl.used) + n
                for i in range(LANES):
                    spent[i] += now[units, i] * val[of.cost + g, i]
            book, column = sl.account + 2 * s + what, base + (2 * s + what) * at.years + t // YEAR
            for i in range(LANES):
                out[column, i] = max(np.float32(0.0), spent[i] - now[book, i])
                now[book, i] = spent[i]


@_jit()
def _supplied(ix, val, now, at, of, sl, starts, weeks, out):
    """What was decided for a front by the end, and what of the shipments had arrived."""
    one = np.float32(1.0)
    for e in range(at.edges):
        p = ix[at.edge_pool + e]
        c = ix[at.pool_cell + p]
        start = starts[ix[at.cell_front + c]]
        if start < 0 or start >= weeks:
            continue
        r, a, v = ix[at.edge_row + e], ix[at.edge_desk + e], ix[at.cell_view + c]
        for i in range(LANES):
            given = min(one, now[sl.granted + a, i] * val[of.tranche_unit + c, i])
            lot = now[sl.net + e, i] + val[of.access + e, i] * now[sl.made + r, i]
            out[v * VIEW + AUTHORISED_AT, i] += given * lot * val[of.effect + p, i] * val[of.weight + c, i]
    for v in range(at.views):
        for i in range(LANES):
            out[v * VIEW + ARRIVED_AT, i] = out[v * VIEW + SHIPPED_AT, i]
            out[v * VIEW + FORCE_AT, i] = now[sl.force + v, i]
    for p in range(at.pools):
        c = ix[at.pool_cell + p]
        v = ix[at.cell_view + c]
        for i in range(LANES):
            coming = now[sl.transit + p, i] * val[of.effect + p, i] * val[of.weight + c, i]
            # Float32 may leave less than nothing of a small difference.
            out[v * VIEW + ARRIVED_AT, i] = max(np.float32(0.0), out[v * VIEW + ARRIVED_AT, i] - coming)


@_jit()
def _close(ix, val, now, at, of, sl, weeks, out):
    """Years to rebuild every stock at the last week's output, and the largest breach of the balance of materiel."""
    zero, one = np.float32(0.0), np.float32(1.0)
    tiny = np.float32(TINY)
    base = at.views * VIEW + at.duels * 2
    last = weeks - 1
    part = np.float32((last % KNOT_WEEKS) / KNOT_WEEKS)
    knot = of.line_path + (last // KNOT_WEEKS) * at.lines
    had, left, rate = now[sl.work], now[sl.work + 1], now[sl.work + 2]
    flow, spent = now[sl.work + 3], now[sl.work + 4]
    residual = out[base + at.groups + 2 * at.sides * at.years]
    for g in range(at.groups):
        for i in range(LANES):
            had[i] = zero
            left[i] = zero
            rate[i] = zero
            flow[i] = zero
            spent[i] = zero
        for r in range(at.rows):
            if ix[at.row_group + r] == g:
                for i in range(LANES):
                    had[i] += val[of.stock + r, i]
                    left[i] += now[sl.stock + r, i]
                    flow[i] += now[sl.made + r, i]
        for p in range(at.pools):
            if ix[at.pool_group + p] == g:
                for i in range(LANES):
                    left[i] += now[sl.on_hand + p, i] + now[sl.transit + p, i]
                    spent[i] += now[sl.used + p, i]
        for e in range(at.edges):
            if ix[at.row_group + ix[at.edge_row + e]] == g:
                for i in range(LANES):
                    spent[i] += (now[sl.drawn + e, i] - now[sl.forwarded + e, i]) * val[of.loss + e, i]
        for n in range(at.lines):
            if ix[at.row_group + ix[at.line_row + n]] == g:
                for i in range(LANES):
                    rate[i] += val[knot + n, i] + (val[knot + at.lines + n, i] - val[knot + n, i]) * part
        for i in range(LANES):
            years = max(zero, had[i] - left[i]) / max(tiny, rate[i] * np.float32(WEEKS_PER_YEAR))
            # A deficit within rounding of the balance is none.
            out[base + g, i] = min(np.float32(NEVER_YEARS), years) if had[i] - left[i] > np.float32(1e-4) * had[i] else zero
            off = abs(had[i] + flow[i] - spent[i] - left[i]) / max(one, had[i] + flow[i])
            residual[i] = max(residual[i], off)


@_jit()
def _tile(ix, val, now, at, of, sl, starts, weeks, out, fill):
    for i in range(LANES):
        for r in range(at.rows):
            now[sl.stock + r, i] = val[of.stock + r, i]
        for a in range(at.desks):
            now[sl.next_decision + a, i] = val[of.tranche_first + a, i]
        for c in range(at.cells):
            now[sl.fade + c, i] = np.float32(1.0)
            now[sl.reference + ix[at.cell_view + c], i] += val[of.reference_need + c, i] * val[of.weight + c, i]
        for v in range(at.views):
            now[sl.force + v, i] = np.float32(1.0)
        now[sl.ones, i] = np.float32(1.0)
        for e in range(at.edges):
            r = ix[at.edge_row + e]
            now[sl.cut + e, i] = np.float32(1.0)
            now[sl.net + e, i] = val[of.access + e, i] * (val[of.stock + r, i] - val[of.floor + e, i])
    cuts = np.zeros(max(1, at.shared), np.int32)
    for t in range(weeks):
        _output(ix, val, now, at, of, sl, t)
        _decide(ix, val, now, at, of, sl, starts, t)
        _offer(ix, val, now, at, of, sl, starts, t, out)
        _ration(ix, val, now, at, of, sl, starts, cuts, t)
        _ship(ix, val, now, at, of, sl, starts, t, out)
        _arrive(ix, val, now, at, of, sl, starts, t)
        for c in range(at.cells):
            start = starts[ix[at.cell_front + c]]
            if start < 0 or t < start:
                continue
            _need(ix, val, now, at, of, sl, c)
            _use(ix, val, now, at, of, sl, c, t, t == start)
            _order(val, now, of, sl, c, t, t == start)
        _judge(ix, val, now, at, of, sl, starts, t, out, fill)
        _spells(ix, val, now, at, of, sl, starts, t, out, fill)
        if at.wearing:
            _exchange(ix, val, now, at, of, sl, starts, t)
        if t % YEAR == YEAR - 1 or t == weeks - 1:
            _account(ix, val, now, at, of, sl, t, out)
    _supplied(ix, val, now, at, of, sl, starts, weeks, out)
    _close(ix, val, now, at, of, sl, weeks, out)
