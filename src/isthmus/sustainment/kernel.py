"""The campaign, one week a step, for a tile of futures at a time. Arrays in, arrays out.

State is ``(row, lane)``: a lane is a future, lanes are contiguous, and no reduction crosses them, so a result does not
depend on how futures are cut into chunks or threads. The plain twin of this file is :mod:`isthmus.sustainment.reference`;
the equations and their reasons are in ``docs/model.md``.
"""

from __future__ import annotations

import os
import platform
from concurrent.futures import ThreadPoolExecutor
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
from isthmus.sustainment.vectors import WIDTH, eight, gather, largest, some, where

# Whoever imported numba first may have fixed the processor of this machine: read the settings again.
numba_config.reload_config()

F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]

LANES: Final = 128
"""Futures a tile. Inputs are padded to whole tiles."""

KERNEL_TARGET: Final = f"{os.environ.get('NUMBA_CPU_NAME', 'host')}-lanes{LANES}-v7"
"""Stands in every manifest: two runs are byte-identical only on the same target."""

FAST: Final = {"nsz", "arcp", "contract", "afn", "reassoc"}

RING: Final = 32
"""Weeks of shipments that the pipeline can hold: lags are shorter, and inputs are checked for it."""

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
    sides: int
    years: int
    wearing: int
    ring: int
    grants: int
    bundles: int
    joints: int
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
    edge_bundle: int
    edge_grant: int
    joint_row: int
    grant_cell: int
    desk_grants: int
    bundle_pool: int
    bundle_mode: int
    bundle_hub: int
    bundle_joint: int
    bundle_plain: int
    still_edge: int
    bundle_still: int
    moving_edge: int
    bundle_moving: int
    pool_bundles: int
    pool_cell: int
    pool_near: int
    pool_far: int
    pool_group: int
    cell_pool: int
    cell_pools: int
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


class _Slots(NamedTuple):
    """Where each part of a tile's memory begins. Units as in :class:`Lanes`."""

    made: int  # rows, units made so far
    net: int  # edges: usable part of what stood above the floor at the start
    net_kept: int  # edges: the same less what transfer loses
    given: int  # grants: share of the lot that is decided
    still: int  # bundles: decided lots of rows that no line fills
    still_kept: int  # bundles: the same less what transfer loses
    drawn: int  # bundles: units drawn so far from rows that one front draws on
    drawn_kept: int  # bundles: the same less what transfer loses
    free: int  # bundles: units that may be drawn now from such rows
    free_kept: int  # bundles: the same less what transfer loses
    joint_free: int  # bundles: units that may be drawn now from rows that two fronts draw on
    joint_free_kept: int  # bundles: the same less what transfer loses
    joint_sent: int  # bundles: what such rows send this week, less what transfer loses
    pair_above: int  # joints x 2: what stood above the floor at the start
    pair_drawn: int  # joints x 2: units drawn so far
    pair_free: int  # joints x 2: units that may be drawn now
    pair_cut: int  # joints x 2: share of what was asked that the row can give
    spare: int  # joints: what stood above the row's floor at the start
    spared: int  # joints: share of the row that a donor at war at home spares
    ring: int  # pools with NEAR or FAR x weeks of the ring, units that left in a week
    on_hand: int  # pools
    transit: int  # pools
    used: int  # pools
    rest: int  # pools: units that the other front plans with
    forward_lost: int  # pools: units that stood forward x share lost in transfer, which they escape
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
    sent_hub: int  # cells, of it from the hub
    sent_far: int  # cells, of it from outside the theater
    tonnes: int  # fronts, asked from outside the theater this week; then the share that lift carries
    spell: int  # duels x 2: weeks of the running spell against defence, against attack
    force: int  # views: share of the force that is left
    replaced: int  # views: share of the force that came back so far
    reference: int  # views: weighted reference need
    account: int  # sides x PER_SIDE: money booked up to the last year's end
    nowhere: int  # a row that nobody reads
    zeros: int  # a row of zeros
    ones: int  # a row of ones
    work: int  # scratch


def _pack(network: Network, lanes: Lanes, starts: I32, weeks: int) -> tuple[I32, _At, _Of, _Slots, int]:
    """One array of indices, and where everything stands: few arguments keep compilation and calls short."""
    arrays = {name: np.asarray(a, np.int32) for name, a in network._asdict().items() if name in _At._fields}
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
        # A power of two above the longest lag, so that the place of a week is a mask.
        "ring": 1 << int(lanes.lag.max(initial=0)).bit_length(),
    }
    view_duel = np.full(sizes["views"], -1, np.int32)
    for d, (va, vd) in enumerate(zip(network.duel_attacker, network.duel_defender, strict=True)):
        if network.duel_kind[d] == BY_RATIO:
            view_duel[va], view_duel[vd] = d, d
    arrays["view_duel"] = view_duel
    arrays |= drawn_on(network, starts, weeks)
    sizes |= {"grants": arrays["grant_cell"].size, "bundles": arrays["bundle_pool"].size, "joints": arrays["joint_row"].size}
    begins = np.cumsum([0, *(a.size for a in arrays.values())])
    at = _At(**sizes, **{name: int(s) for name, s in zip(arrays, begins, strict=False)})
    values = np.cumsum([0, *(a.shape[1] for a in lanes)])
    of = _Of(**{name: int(s) for name, s in zip(Lanes._fields, values, strict=False)})
    e, p, c, d, b, j = (sizes[n] for n in ("edges", "pools", "cells", "duels", "bundles", "joints"))
    rings = int(max(arrays["pool_near"].max(initial=-1), arrays["pool_far"].max(initial=-1))) + 1
    lengths = (
        [sizes["rows"], e, e, sizes["grants"]]
        + [b] * 9
        + [2 * j] * 4
        + [j] * 2
        + [rings * sizes["ring"]]
        + [p] * 5
        + [sizes["desks"]] * 3
        + [c] * 15
        + [c * 4]
        + [c] * 5
        + [sizes["fronts"], 2 * d]
        + [sizes["views"]] * 3
        + [sizes["sides"] * len(PER_SIDE), 1, 1, 1, 6]
    )
    slots = np.cumsum([0, *lengths])
    return np.concatenate(list(arrays.values())), at, of, _Slots(*(int(s) for s in slots[:-1])), int(slots[-1])


def drawn_on(network: Network, starts: I32, weeks: int) -> dict[str, I32]:
    """What the wars of a case draw on, and how it is summed.

    Orders draw on all lots of a (cell, mode) pro rata. What the rows that one front draws on hold free is therefore linear in
    what was drawn before, and can be kept in sum: a bundle is a (pool, mode, hub or not). Only a row on which two fronts at
    war draw is kept by itself (a joint row). A grant is a (desk, cell): what its decisions are worth as a share of lots. Edges
    whose lot changes with output or waits are summed every week, the others when a grant changed.
    """
    edges, desks, cells = network.edge_row.size, network.desk_front.size, network.cell_front.size
    pools = network.pool_cell.size
    made = np.isin(np.arange(network.row_group.size), network.line_row)
    cell = network.pool_cell[network.edge_pool]
    war = (starts >= 0) & (starts < weeks)
    live = war[network.cell_front[cell]]
    home, away = network.row_home_edge, network.row_away_edge
    two = (home >= 0) & (away >= 0)
    joint = np.flatnonzero(two & live[home] & live[away])
    apart = np.zeros(edges, bool)
    apart[home[joint]] = apart[away[joint]] = True
    key = (network.edge_pool * 3 + network.edge_mode) * 2 + network.edge_hub
    bundles = np.unique(key[live])
    bundle = np.where(live, np.searchsorted(bundles, key), -1)
    desk_cell = network.edge_desk * cells + cell
    grants = np.unique(desk_cell[live])
    moving = made[network.edge_row] | (network.edge_wait >= 0)
    pool = bundles // 6

    def listed(mask: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        found = np.flatnonzero(mask)
        found = found[np.argsort(bundle[found], kind="stable")]
        return found, np.searchsorted(bundle[found], np.arange(len(bundles) + 1))

    still_edge, bundle_still = listed(live & ~apart & ~moving)
    moving_edge, bundle_moving = listed(live & ~apart & moving)
    mode = bundles // 2 % 3
    streams = {m: np.unique(pool[mode == m]) for m in (NEAR, FAR)}
    ring = {NEAR: np.full(pools, -1), FAR: np.full(pools, -1)}
    for m, first in ((NEAR, 0), (FAR, len(streams[NEAR]))):
        ring[m][streams[m]] = first + np.arange(len(streams[m]))
    cell_pool = np.argsort(network.pool_cell, kind="stable")
    found = {
        "row_made": made,
        "edge_bundle": bundle,
        "edge_grant": np.where(live, np.searchsorted(grants, desk_cell), -1),
        "joint_row": joint,
        "grant_cell": grants % cells if cells else grants,
        "desk_grants": np.searchsorted(grants // cells if cells else grants, np.arange(desks + 1)),
        "bundle_pool": pool,
        "bundle_mode": mode,
        "bundle_hub": bundles % 2,
        "bundle_joint": np.isin(np.arange(len(bundles)), bundle[apart]),
        "bundle_plain": np.diff(bundle_still) + np.diff(bundle_moving) > 0,
        "still_edge": still_edge,
        "bundle_still": bundle_still,
        "moving_edge": moving_edge,
        "bundle_moving": bundle_moving,
        "pool_bundles": np.searchsorted(pool, np.arange(pools + 1)),
        "pool_near": ring[NEAR],
        "pool_far": ring[FAR],
        "cell_pool": cell_pool,
        "cell_pools": np.searchsorted(network.pool_cell[cell_pool], np.arange(cells + 1)),
    }
    return {name: np.asarray(a, np.int32) for name, a in found.items()}


def run_tiles(network: Network, lanes: Lanes, starts: I32, weeks: int, threads: int | None = None) -> tuple[F32, F32]:
    """Run every tile. `starts` gives each front's first week of war, -1 for peace.

    Returns outcomes ``(tiles, columns, LANES)`` and fill ``(tiles, views, weeks, LANES)``: use by need, -1 at peace.
    """
    begin = np.asarray(starts, np.int32)
    index, at, of, sl, slots = _pack(network, lanes, begin, weeks)
    mass = np.asarray(network.pool_mass_t, np.float32)
    tiles, held = lanes.stock.shape[0], sum(a.shape[1] for a in lanes)
    wide = at.views * VIEW + at.duels * len(PER_DUEL) + at.groups + at.sides * len(PER_SIDE) * at.years + 1
    out = np.zeros((tiles, wide, LANES), np.float32)
    fill = np.empty((tiles, at.views, weeks, LANES), np.float32)

    def one(tile: int) -> None:
        # Fresh memory costs a fault a page, for which threads would queue: blocks are used again and again.
        memory = _block(slots + held)
        now, values = memory[:slots], memory[slots : slots + held]
        now.fill(0.0)
        np.concatenate([a[tile] for a in lanes], out=values)
        _tile(index, values, mass, now, at, of, sl, begin, weeks, out[tile], fill[tile])
        _SPARE.append(memory)

    # The kernel holds no lock of the interpreter; tiles are independent, so threads change no value.
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        list(pool.map(one, range(tiles)))
    return out, fill


def _block(rows: int) -> F32:
    """At least so many rows of lanes, not cleared, that begin on a large page.

    A tile jumps between rows, and every small page costs a look-up. NumPy asks for large pages where an array takes 4 MiB or
    more; other systems than Linux give small ones.
    """
    try:
        spare = _SPARE.pop()  # Another thread may have taken the last one.
    except IndexError:
        spare = None
    if spare is not None and len(spare) >= rows:
        return spare
    size, page = rows * LANES * 4, 2 << 20
    raw = np.empty(size + 2 * page, np.uint8)
    begin = -raw.ctypes.data % page
    return raw[begin : begin + size].view(np.float32).reshape(rows, LANES)


_SPARE: Final[list[F32]] = []
"""Memory of tiles that no thread uses now, at most as many blocks as threads ever ran at once."""


def _jit(**options: Any) -> Any:
    return numba.njit(fastmath=FAST, error_model="numpy", nogil=True, **{"cache": True, **options})


_part: Final = _jit(cache=False, no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""For what becomes part of `_tile`: a door to Python and a file of its own would take longer to compile than the loops."""


@_part
def _begin(ix, val, now, at, of, sl, last):
    """The first day: what stands above the floors, and until when a desk decides."""
    one = np.float32(1.0)
    for j in range(0, LANES, WIDTH):
        i = eight(j)
        now[sl.ones, i] = one
    for a in range(at.desks):
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            now[sl.next_decision + a, i] = val[of.tranche_first + a, i]
            last[a] = max(last[a], largest(val[of.tranche_stop + a, i]))
    for c in range(at.cells):
        v = ix[at.cell_view + c]
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            now[sl.fade + c, i] = one
            now[sl.reference + v, i] += val[of.reference_need + c, i] * val[of.weight + c, i]
    for v in range(at.views):
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            now[sl.force + v, i] = one
    for e in range(at.edges):
        if ix[at.edge_bundle + e] < 0:
            continue
        r = ix[at.edge_row + e]
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            lot = val[of.access + e, i] * (val[of.stock + r, i] - val[of.floor + e, i])
            now[sl.net + e, i] = lot
            now[sl.net_kept + e, i] = max(np.float32(0.0), lot) * (one - val[of.loss + e, i])
    for s in range(at.joints):
        r = ix[at.joint_row + s]
        h, a = ix[at.row_home_edge + r], ix[at.row_away_edge + r]
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            now[sl.pair_above + 2 * s, i] = val[of.stock + r, i] - val[of.floor + h, i]
            now[sl.pair_above + 2 * s + 1, i] = val[of.stock + r, i] - val[of.floor + a, i]
            now[sl.spare + s, i] = val[of.stock + r, i] - val[of.row_floor + r, i]
            now[sl.spared + s, i] = val[of.joint + r, i]


@_part
def _output(ix, val, now, at, of, sl, t):
    """Step 1: the week's complete output of every line."""
    part = np.float32((t % KNOT_WEEKS) / KNOT_WEEKS)
    knot = of.line_path + (t // KNOT_WEEKS) * at.lines
    for n in range(at.lines):
        r = ix[at.line_row + n]
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            now[sl.made + r, i] += val[knot + n, i] + (val[knot + at.lines + n, i] - val[knot + n, i]) * part


@_part
def _decide(ix, val, now, at, of, sl, starts, last, moved, t):
    """Step 2: donors decide in tranches, counted per desk; notes in `moved` which grants changed."""
    zero, one = np.float32(0.0), np.float32(1.0)
    for a in range(at.desks):
        start = starts[ix[at.desk_front + a]]
        if start < 0 or t < start:
            continue
        age = np.float32(t - start)
        # A desk that can decide no more, or has given all in every lane, changes nothing.
        over = age >= last[a]
        if not over:
            for j in range(0, LANES, WIDTH):
                i = eight(j)
                gives = (now[sl.next_decision + a, i] <= age) & (val[of.tranche_stop + a, i] > age)
                now[sl.decided + a, i] += where(gives, one, zero)
                now[sl.granted + a, i] = now[sl.decided + a, i] * val[of.tranche_size + a, i]
                now[sl.next_decision + a, i] += where(gives, val[of.tranche_gap + a, i], zero)
        part = False
        for g in range(ix[at.desk_grants + a], ix[at.desk_grants + a + 1]):
            moved[g] = False
            if over:
                continue
            c = ix[at.grant_cell + g]
            for j in range(0, LANES, WIDTH):
                i = eight(j)
                given = min(one, now[sl.granted + a, i] * val[of.tranche_unit + c, i])
                moved[g] = moved[g] or some(given > now[sl.given + g, i])
                part = part or some(given < one)
                now[sl.given + g, i] = given
        if not over and not part:
            last[a] = zero


@_part
def _joint_free(ix, val, now, at, of, sl, starts, t, tally):
    """What each of two fronts may draw from a common row: its lot as far as decided, less what it drew, above its floor."""
    zero, one, least = np.float32(0.0), np.float32(1.0), np.float32(LEAST_LOT)
    if tally:
        for b in range(at.bundles):
            if ix[at.bundle_joint + b]:
                for j in range(0, LANES, WIDTH):
                    i = eight(j)
                    now[sl.joint_free + b, i] = zero
                    now[sl.joint_free_kept + b, i] = zero
    for s in range(at.joints):
        r = ix[at.joint_row + s]
        h, a = ix[at.row_home_edge + r], ix[at.row_away_edge + r]
        front = ix[at.edge_home_front + a]
        spared = sl.spared + s if front >= 0 and starts[front] >= 0 and t >= starts[front] else sl.ones
        made = sl.made + r if ix[at.row_made + r] else sl.zeros
        gh, ga = sl.given + ix[at.edge_grant + h], sl.given + ix[at.edge_grant + a]
        dh, da = sl.pair_drawn + 2 * s, sl.pair_drawn + 2 * s + 1
        fh, fa = sl.pair_free + 2 * s, sl.pair_free + 2 * s + 1
        bh, ba = ix[at.edge_bundle + h], ix[at.edge_bundle + a]
        waits = ix[at.edge_wait + h] >= 0 or ix[at.edge_wait + a] >= 0
        kh, ka = (sl.joint_free_kept + bh, sl.joint_free_kept + ba) if tally and not waits else (sl.nowhere, sl.nowhere)
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            here = now[sl.pair_above + 2 * s, i] + now[made, i]
            there = now[sl.pair_above + 2 * s + 1, i] + now[made, i]
            lot_h, lot_a = val[of.access + h, i] * here, val[of.access + a, i] * there
            x = min(now[gh, i] * lot_h, here - now[da, i]) - now[dh, i]
            y = min(now[ga, i] * now[spared, i] * lot_a, there - now[dh, i]) - now[da, i]
            x = where(x > least * lot_h, x, zero)
            y = where(y > least * lot_a, y, zero)
            now[fh, i] = x
            now[fa, i] = y
            now[kh, i] += x * (one - val[of.loss + h, i])
            now[ka, i] += y * (one - val[of.loss + a, i])
        for side in range(2):
            e, f, b = (h, fh, bh) if side == 0 else (a, fa, ba)
            w = ix[at.edge_wait + e]
            if w >= 0:
                age = np.float32(t - starts[ix[at.cell_front + ix[at.pool_cell + ix[at.edge_pool + e]]]])
                for j in range(0, LANES, WIDTH):
                    i = eight(j)
                    now[f, i] = where(val[of.wait + w, i] <= age, now[f, i], zero)
            if tally and waits:
                for j in range(0, LANES, WIDTH):
                    i = eight(j)
                    now[sl.joint_free_kept + b, i] += now[f, i] * (one - val[of.loss + e, i])
            if tally and ix[at.edge_mode + e] == FAR:
                for j in range(0, LANES, WIDTH):
                    i = eight(j)
                    now[sl.joint_free + b, i] += now[f, i]


@_part
def _lot(ix, val, now, at, of, sl, e, age, lot):
    """Decided lot of an edge into row `lot`; nothing before its wait ends."""
    g, w = sl.given + ix[at.edge_grant + e], ix[at.edge_wait + e]
    made = sl.made + ix[at.edge_row + e]
    for j in range(0, LANES, WIDTH):
        i = eight(j)
        # A stock below its floor gives nothing until output has filled it.
        now[lot, i] = now[g, i] * max(np.float32(0.0), now[sl.net + e, i] + val[of.access + e, i] * now[made, i])
    if w >= 0:
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            now[lot, i] = where(val[of.wait + w, i] <= age, now[lot, i], np.float32(0.0))


@_part
def _free(ix, val, now, at, of, sl, starts, moved, t):
    """What the bundles hold free: decided lots less what was drawn."""
    zero, one, least = np.float32(0.0), np.float32(1.0), np.float32(LEAST_LOT)
    lot = sl.work + 1
    for b in range(at.bundles):
        start = starts[ix[at.cell_front + ix[at.pool_cell + ix[at.bundle_pool + b]]]]
        if t < start or not ix[at.bundle_plain + b]:
            continue
        g, k = sl.still + b, sl.still_kept + b
        first, end = ix[at.bundle_still + b], ix[at.bundle_still + b + 1]
        more = False
        for n in range(first, end):
            more = more or moved[ix[at.edge_grant + ix[at.still_edge + n]]]
        if more:
            for j in range(0, LANES, WIDTH):
                i = eight(j)
                now[g, i] = zero
                now[k, i] = zero
            for n in range(first, end):
                e = ix[at.still_edge + n]
                q = sl.given + ix[at.edge_grant + e]
                for j in range(0, LANES, WIDTH):
                    i = eight(j)
                    now[g, i] += now[q, i] * max(zero, now[sl.net + e, i])
                    now[k, i] += now[q, i] * now[sl.net_kept + e, i]
        first, end = ix[at.bundle_moving + b], ix[at.bundle_moving + b + 1]
        if first < end:
            for j in range(0, LANES, WIDTH):
                i = eight(j)
                now[sl.free + b, i] = now[g, i]
                now[sl.free_kept + b, i] = now[k, i]
            g, k = sl.free + b, sl.free_kept + b
            for n in range(first, end):
                e = ix[at.moving_edge + n]
                _lot(ix, val, now, at, of, sl, e, np.float32(t - start), lot)
                for j in range(0, LANES, WIDTH):
                    i = eight(j)
                    now[g, i] += now[lot, i]
                    now[k, i] += now[lot, i] * (one - val[of.loss + e, i])
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            kept = now[k, i] - now[sl.drawn_kept + b, i]
            left = kept > least * now[k, i]
            now[sl.free + b, i] = where(left, now[g, i] - now[sl.drawn + b, i], zero)
            now[sl.free_kept + b, i] = where(left, kept, zero)


@_part
def _forward(ix, val, now, at, of, sl, starts, t):
    """What stands forward is at the front on its first day; a row that stands forward at two is rationed once for both."""
    zero, one, tiny = np.float32(0.0), np.float32(1.0), np.float32(TINY)
    lot = sl.work + 1
    for n in range(ix[at.bundle_still + at.bundles] + ix[at.bundle_moving + at.bundles]):
        still = n < ix[at.bundle_still + at.bundles]
        e = ix[at.still_edge + n] if still else ix[at.moving_edge + n - ix[at.bundle_still + at.bundles]]
        p, b = ix[at.edge_pool + e], ix[at.edge_bundle + e]
        c = ix[at.pool_cell + p]
        if starts[ix[at.cell_front + c]] != t:
            continue
        _lot(ix, val, now, at, of, sl, e, zero, lot)
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            x = val[of.forward + e, i] * now[lot, i]
            now[lot, i] = x
            now[sl.drawn + b, i] += x
            now[sl.drawn_kept + b, i] += x * (one - val[of.loss + e, i])
        _place(ix, val, now, at, of, sl, e, lot)
    _joint_free(ix, val, now, at, of, sl, starts, t, at.edges < 0)
    for s in range(at.joints):
        r = ix[at.joint_row + s]
        h, a = ix[at.row_home_edge + r], ix[at.row_away_edge + r]
        opens_h = np.float32(starts[ix[at.cell_front + ix[at.pool_cell + ix[at.edge_pool + h]]]] == t)
        opens_a = np.float32(starts[ix[at.cell_front + ix[at.pool_cell + ix[at.edge_pool + a]]]] == t)
        made = sl.made + r
        dh, da = sl.pair_drawn + 2 * s, sl.pair_drawn + 2 * s + 1
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            x = val[of.forward + h, i] * now[sl.pair_free + 2 * s, i] * opens_h
            y = val[of.forward + a, i] * now[sl.pair_free + 2 * s + 1, i] * opens_a
            left = max(zero, now[sl.spare + s, i] + now[made, i] - now[dh, i] - now[da, i])
            even = min(one, left / max(tiny, x + y))
            now[dh, i] += x * even
            now[da, i] += y * even
            now[lot, i] = x * even
            now[lot + 1, i] = y * even
        _place(ix, val, now, at, of, sl, h, lot)
        _place(ix, val, now, at, of, sl, a, lot + 1)


@_part
def _place(ix, val, now, at, of, sl, e, row):
    """Book what stands forward, the units of row `row`."""
    p = ix[at.edge_pool + e]
    c = ix[at.pool_cell + p]
    hub = np.float32(ix[at.bundle_hub + ix[at.edge_bundle + e]])
    for j in range(0, LANES, WIDTH):
        i = eight(j)
        x = now[row, i]
        now[sl.on_hand + p, i] += x
        now[sl.forward_lost + p, i] += x * val[of.loss + e, i]
        now[sl.sent + c, i] += x * val[of.effect + p, i]
        now[sl.sent_hub + c, i] += hub * x * val[of.effect + p, i]


@_part
def _offer(ix, val, mass, now, at, of, sl, starts, moved, t):
    """Step 3a: what may be drawn now, and what share of it orders draw; what stands forward is there on the first day."""
    zero, one = np.float32(0.0), np.float32(1.0)
    opening = False
    for f in range(at.fronts):
        opening = opening or starts[f] == t
    for c in range(at.cells):
        f = ix[at.cell_front + c]
        if starts[f] < 0 or t < starts[f]:
            continue
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            now[sl.at_home + c, i] = zero
            now[sl.near_offer + c, i] = zero
            now[sl.far_offer + c, i] = zero
            now[sl.far_mass + c, i] = zero
            now[sl.sent + c, i] = zero
            now[sl.sent_hub + c, i] = zero
            now[sl.sent_far + c, i] = zero
        if starts[f] == t:
            for j in range(0, LANES, WIDTH):
                i = eight(j)
                now[sl.order + c, i] = val[of.cover + c, i] * val[of.reference_need + c, i]
                now[sl.urgent + c, i] = now[sl.order + c, i]
    for f in range(at.fronts):
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            now[sl.tonnes + f, i] = zero
    if opening:
        _forward(ix, val, now, at, of, sl, starts, t)
    _joint_free(ix, val, now, at, of, sl, starts, t, at.edges >= 0)
    _free(ix, val, now, at, of, sl, starts, moved, t)
    for b in range(at.bundles):
        p, mode = ix[at.bundle_pool + b], ix[at.bundle_mode + b]
        c = ix[at.pool_cell + p]
        if t < starts[ix[at.cell_front + c]]:
            continue
        offer = (sl.at_home if mode == HOME else sl.near_offer if mode == NEAR else sl.far_offer) + c
        joint_kept = sl.joint_free_kept + b if ix[at.bundle_joint + b] else sl.zeros
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            now[offer, i] += (now[sl.free_kept + b, i] + now[joint_kept, i]) * val[of.effect + p, i]
        if mode == FAR:
            joint = sl.joint_free + b if ix[at.bundle_joint + b] else sl.zeros
            for j in range(0, LANES, WIDTH):
                i = eight(j)
                now[sl.far_mass + c, i] += (now[sl.free + b, i] + now[joint, i]) * mass[p]
    for c in range(at.cells):
        f = ix[at.cell_front + c]
        if starts[f] < 0 or t < starts[f]:
            continue
        near_lag, far_lag = of.lag + f, of.lag + at.fronts + f
        for j in range(0, LANES, WIDTH):
            i = eight(j)
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


@_part
def _ration(ix, val, mass, now, at, of, sl, cuts):
    """Step 3b: orders draw on all lots pro rata; a row that two fronts draw on is rationed once for both.

    Leaves in `pair_cut` what an edge of such a row keeps of what it asked, and in `tonnes` the share that lift carries.
    """
    zero, one, tiny = np.float32(0.0), np.float32(1.0), np.float32(TINY)
    for s in range(at.joints):
        r = ix[at.joint_row + s]
        h, a = ix[at.row_home_edge + r], ix[at.row_away_edge + r]
        ph, pa = ix[at.edge_pool + h], ix[at.edge_pool + a]
        ch, ca = ix[at.pool_cell + ph], ix[at.pool_cell + pa]
        oh = (sl.at_home if ix[at.edge_mode + h] == HOME else sl.offered) + ch
        oa = (sl.at_home if ix[at.edge_mode + a] == HOME else sl.offered) + ca
        fh, fa = sl.pair_free + 2 * s, sl.pair_free + 2 * s + 1
        dh, da = sl.pair_drawn + 2 * s, sl.pair_drawn + 2 * s + 1
        made = sl.made + r if ix[at.row_made + r] else sl.zeros
        cuts[s] = False
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            asked = now[fh, i] * now[oh, i] + now[fa, i] * now[oa, i]
            left = max(zero, now[sl.spare + s, i] + now[made, i] - now[dh, i] - now[da, i])
            cuts[s] = cuts[s] or some(asked > left)
        # Where no lane is short nothing is cut: the test saves time and changes no value.
        if not cuts[s]:
            continue
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            at_home = now[fh, i] * now[oh, i]
            abroad = now[fa, i] * now[oa, i]
            left = max(zero, now[sl.spare + s, i] + now[made, i] - now[dh, i] - now[da, i])
            even = min(one, left / max(tiny, at_home + abroad))
            first = min(one, left / max(tiny, at_home))
            second = min(one, max(zero, left - at_home) / max(tiny, abroad))
            j = now[sl.spared + s, i]
            now[sl.pair_cut + 2 * s, i] = j * even + (one - j) * first
            now[sl.pair_cut + 2 * s + 1, i] = j * even + (one - j) * second
        # What is cut needs no lift.
        for side in range(2):
            e, p, c, o = (h, ph, ch, oh) if side == 0 else (a, pa, ca, oa)
            if ix[at.edge_mode + e] == FAR:
                f = ix[at.cell_front + c]
                for j in range(0, LANES, WIDTH):
                    i = eight(j)
                    spared = (one - now[sl.pair_cut + 2 * s + side, i]) * now[fh + side, i] * now[o, i] * mass[p]
                    now[sl.tonnes + f, i] = max(zero, now[sl.tonnes + f, i] - spared)
    for f in range(at.fronts):
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            now[sl.tonnes + f, i] = min(one, val[of.lift + f, i] / max(tiny, now[sl.tonnes + f, i]))


@_part
def _ship_joint(ix, val, now, at, of, sl, cuts):
    """Step 3c for rows that two fronts draw on: what leaves the donor, and what the other front plans with."""
    zero, one, tiny = np.float32(0.0), np.float32(1.0), np.float32(TINY)
    mine, theirs = sl.work + 1, sl.work + 2
    for b in range(at.bundles):
        if ix[at.bundle_joint + b]:
            p = ix[at.bundle_pool + b]
            for j in range(0, LANES, WIDTH):
                i = eight(j)
                now[sl.joint_sent + b, i] = zero
                now[sl.rest + p, i] = zero
    for s in range(at.joints):
        r = ix[at.joint_row + s]
        h, a = ix[at.row_home_edge + r], ix[at.row_away_edge + r]
        ph, pa, mh, ma = ix[at.edge_pool + h], ix[at.edge_pool + a], ix[at.edge_mode + h], ix[at.edge_mode + a]
        ch, ca = ix[at.pool_cell + ph], ix[at.pool_cell + pa]
        oh = (sl.at_home if mh == HOME else sl.offered) + ch
        oa = (sl.at_home if ma == HOME else sl.offered) + ca
        lh = sl.tonnes + ix[at.cell_front + ch] if mh == FAR else sl.ones
        la = sl.tonnes + ix[at.cell_front + ca] if ma == FAR else sl.ones
        kh, ka = (sl.pair_cut + 2 * s, sl.pair_cut + 2 * s + 1) if cuts[s] else (sl.ones, sl.ones)
        fh, fa = sl.pair_free + 2 * s, sl.pair_free + 2 * s + 1
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            free_h, free_a = now[fh, i], now[fa, i]
            x = free_h * now[oh, i] * now[kh, i] * now[lh, i]
            y = free_a * now[oa, i] * now[ka, i] * now[la, i]
            now[sl.pair_drawn + 2 * s, i] += x
            now[sl.pair_drawn + 2 * s + 1, i] += y
            kept_h, kept_a = one - val[of.loss + h, i], one - val[of.loss + a, i]
            now[mine, i] = x * kept_h
            now[theirs, i] = y * kept_a
            # A planner counts on the part of a common lot that his need and what he may draw give him; parts that are above 1
            # belong to lots that are split beforehand, and each front plans with all of its own.
            weight_h, weight_a = val[of.plan_share + h, i], val[of.plan_share + a, i]
            part = one / max(tiny, weight_h * free_h + weight_a * free_a)
            left_h = where(weight_h <= one, one - weight_h * free_h * part, zero)
            left_a = where(weight_a <= one, one - weight_a * free_a * part, zero)
            now[sl.rest + ph, i] += (free_h - x) * kept_h * left_h
            now[sl.rest + pa, i] += (free_a - y) * kept_a * left_a
        bh, ba = sl.joint_sent + ix[at.edge_bundle + h], sl.joint_sent + ix[at.edge_bundle + a]
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            now[bh, i] += now[mine, i]
            now[ba, i] += now[theirs, i]


@_part
def _ship(ix, val, now, at, of, sl, starts, t):
    """Steps 3c and 4: what was asked leaves the donors, within lift, and is lost in part; what is due joins the pools.

    The rest of the offer stays plannable. Lag 0 arrives the week it was sent.
    """
    zero = np.float32(0.0)
    home, come = sl.work + 1, sl.work + 2
    slot = t & (at.ring - 1)
    for c in range(at.cells):
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            now[sl.held + c, i] = zero
            now[sl.under_way + c, i] = zero
    for p in range(at.pools):
        c = ix[at.pool_cell + p]
        f = ix[at.cell_front + c]
        if starts[f] < 0 or t < starts[f]:
            continue
        near, far = ix[at.pool_near + p], ix[at.pool_far + p]
        near_now = sl.ring + at.ring * near + slot if near >= 0 else sl.zeros
        far_now = sl.ring + at.ring * far + slot if far >= 0 else sl.zeros
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            now[home, i] = zero
            now[come, i] = zero
        if near >= 0:
            for j in range(0, LANES, WIDTH):
                i = eight(j)
                now[near_now, i] = zero
        if far >= 0:
            for j in range(0, LANES, WIDTH):
                i = eight(j)
                now[far_now, i] = zero
        joint = False
        for b in range(ix[at.pool_bundles + p], ix[at.pool_bundles + p + 1]):
            mode = ix[at.bundle_mode + b]
            joint = joint or ix[at.bundle_joint + b] > 0
            into = home if mode == HOME else near_now if mode == NEAR else far_now
            asked = (sl.at_home if mode == HOME else sl.offered) + c
            lift = sl.tonnes + f if mode == FAR else sl.ones
            beside = sl.joint_sent + b if ix[at.bundle_joint + b] else sl.zeros
            sent = sl.sent_hub + c if ix[at.bundle_hub + b] else sl.nowhere
            if ix[at.bundle_plain + b]:
                for j in range(0, LANES, WIDTH):
                    i = eight(j)
                    share = now[asked, i] * now[lift, i]
                    now[sl.drawn + b, i] += now[sl.free + b, i] * share
                    kept = now[sl.free_kept + b, i] * share
                    now[sl.drawn_kept + b, i] += kept
                    kept += now[beside, i]
                    now[sent, i] += kept * val[of.effect + p, i]
                    now[into, i] += kept
            else:
                for j in range(0, LANES, WIDTH):
                    i = eight(j)
                    kept = now[beside, i]
                    now[sent, i] += kept * val[of.effect + p, i]
                    now[into, i] += kept
        if near >= 0:
            for j in range(0, LANES, WIDTH):
                i = eight(j)
                now[come, i] += gather(now, sl.ring + at.ring * near, at.ring - 1, t, val[of.lag + f, i], i)
        if far >= 0:
            for j in range(0, LANES, WIDTH):
                i = eight(j)
                now[come, i] += gather(now, sl.ring + at.ring * far, at.ring - 1, t, val[of.lag + at.fronts + f, i], i)
        rest = sl.rest + p if joint else sl.zeros
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            unit = val[of.effect + p, i]
            away = now[near_now, i] + now[far_now, i]
            effect = (now[home, i] + away) * unit
            now[sl.sent + c, i] += effect
            now[sl.sent_far + c, i] += now[far_now, i] * unit
            now[sl.plannable + c, i] -= effect + now[rest, i] * unit
            on_hand = now[sl.on_hand + p, i] + now[home, i] + now[come, i]
            # Float32 may leave less than nothing of a small difference.
            transit = max(zero, now[sl.transit + p, i] + away - now[come, i])
            now[sl.on_hand + p, i] = on_hand
            now[sl.transit + p, i] = transit
            now[sl.held + c, i] += on_hand * unit
            now[sl.under_way + c, i] += transit * unit
    for c in range(at.cells):
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            now[sl.plannable + c, i] = max(zero, now[sl.plannable + c, i])


@_part
def _need(ix, val, now, at, of, sl, c):
    """Step 5: need of a cell, stated as a path or following from what the other side launches this week."""
    zero = np.float32(0.0)
    if ix[at.cell_kind + c] == PATH:
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            plateau = val[of.need_plateau + c, i]
            now[sl.need + c, i] = plateau + (val[of.need_open + c, i] - plateau) * now[sl.fade + c, i]
            now[sl.fade + c, i] *= val[of.need_fade + c, i]
    elif ix[at.cell_kind + c] == REACTIVE:
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            now[sl.need + c, i] = zero
        for x in range(at.reactions):
            if ix[at.reaction_cell + x] == c:
                s = ix[at.reaction_source + x]
                for j in range(0, LANES, WIDTH):
                    i = eight(j)
                    now[sl.need + c, i] += val[of.reaction + x, i] * now[sl.use + s, i]
    v = ix[at.cell_view + c]
    d = ix[at.view_duel + v]
    if at.wearing and d >= 0 and ix[at.cell_kind + c] == PATH:
        # A dying force must not report that its needs are met: the need follows the larger of the two forces.
        va, vd = ix[at.duel_attacker + d], ix[at.duel_defender + d]
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            now[sl.need + c, i] *= max(now[sl.force + va, i], now[sl.force + vd, i])


@_part
def _opening_inflow(ix, val, now, at, of, sl, c, t):
    """The inflow that a planner knows of on the first day: the current output of lines he may draw on."""
    zero, one = np.float32(0.0), np.float32(1.0)
    part = np.float32((t % KNOT_WEEKS) / KNOT_WEEKS)
    knot = of.line_path + (t // KNOT_WEEKS) * at.lines
    for j in range(0, LANES, WIDTH):
        i = eight(j)
        now[sl.inflow + c, i] = np.float32(0.0)
    for n in range(at.lines):
        r = ix[at.line_row + n]
        for side in range(2):
            e = ix[at.row_home_edge + r] if side == 0 else ix[at.row_away_edge + r]
            if e < 0 or ix[at.pool_cell + ix[at.edge_pool + e]] != c:
                continue
            p, a, w = ix[at.edge_pool + e], ix[at.edge_desk + e], ix[at.edge_wait + e]
            for j in range(0, LANES, WIDTH):
                i = eight(j)
                given = min(one, now[sl.decided + a, i] * val[of.tranche_size + a, i] * val[of.tranche_unit + c, i])
                net = val[of.access + e, i] * given * (one - val[of.loss + e, i]) * val[of.effect + p, i]
                shut = val[of.wait + w, i] > zero if w >= 0 else now[sl.zeros, i] > zero
                output = val[knot + n, i] + (val[knot + at.lines + n, i] - val[knot + n, i]) * part
                now[sl.inflow + c, i] += where(shut, zero, net * output)


@_part
def _use(ix, val, now, at, of, sl, c, t, first):
    """Step 6: planned use and use. Armies ration: they plan with inflow and a share of what they can still draw on."""
    zero, tiny, release = np.float32(0.0), np.float32(TINY), np.float32(RESERVE_RELEASE)
    if first:
        _opening_inflow(ix, val, now, at, of, sl, c, t)
    else:
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            can = now[sl.held + c, i] + now[sl.under_way + c, i] + now[sl.plannable + c, i]
            come = max(zero, can - now[sl.left_over + c, i])
            now[sl.inflow + c, i] += (come - now[sl.inflow + c, i]) / np.float32(SMOOTHING_WEEKS)
    unstated = ix[at.cell_kind + c] == UNSTATED
    v = ix[at.cell_view + c]
    for j in range(0, LANES, WIDTH):
        i = eight(j)
        can = now[sl.held + c, i] + now[sl.under_way + c, i] + now[sl.plannable + c, i]
        keep = val[of.reserve + c, i] * val[of.reference_need + c, i]
        rate = now[sl.inflow + c, i] + max(zero, can - keep) / val[of.plan_weeks + c, i]
        bare = now[sl.inflow + c, i] + can / val[of.plan_weeks + c, i]
        want = rate if unstated else now[sl.need + c, i]
        nothing = np.float32(NEGLIGIBLE) * val[of.reference_need + c, i]
        want = where(want > nothing, want, zero)
        now[sl.need + c, i] = want
        rate = max(rate, min(bare, release * want))
        spend = min(min(want, rate), min(now[sl.held + c, i], val[of.cap + c, i] * now[sl.force + v, i]))
        spend = where(spend > nothing, spend, zero)
        now[sl.use + c, i] = spend
        now[sl.left_over + c, i] = can - spend
        now[sl.work, i] = spend / max(tiny, now[sl.held + c, i])
        now[sl.held + c, i] -= spend
    for n in range(ix[at.cell_pools + c], ix[at.cell_pools + c + 1]):
        p = ix[at.cell_pool + n]
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            x = now[sl.on_hand + p, i] * now[sl.work, i]
            now[sl.on_hand + p, i] -= x
            now[sl.used + p, i] += x


@_part
def _order(val, now, of, sl, c, t, first):
    """Step 7: order up to (cover + mean lag of recent offers) × the mean need of four weeks."""
    zero, tiny = np.float32(0.0), np.float32(TINY)
    if first:
        for k in range(4):
            for j in range(0, LANES, WIDTH):
                i = eight(j)
                now[sl.past + 4 * c + k, i] = now[sl.need + c, i]
    for j in range(0, LANES, WIDTH):
        i = eight(j)
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


@_part
def _judge(ix, val, now, at, of, sl, starts, t, out, fill):
    """Step 8: supply state of every front and mission."""
    zero, one, tiny = np.float32(0.0), np.float32(1.0), np.float32(TINY)
    met, starved = np.float32(MET), np.float32(STARVED)
    used, needed, worst = now[sl.work + 1], now[sl.work + 2], now[sl.work + 3]
    for v in range(at.views):
        start = starts[ix[at.view_front + v]]
        if start < 0 or t < start:
            for j in range(0, LANES, WIDTH):
                fill[v, t, eight(j)] = np.float32(-1.0)
            continue
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            used[i] = zero
            needed[i] = zero
            worst[i] = one
        for c in range(at.cells):
            if ix[at.cell_view + c] != v:
                continue
            for j in range(0, LANES, WIDTH):
                i = eight(j)
                w = val[of.weight + c, i]
                used[i] += now[sl.use + c, i] * w
                needed[i] += now[sl.need + c, i] * w
                part = now[sl.use + c, i] / max(tiny, now[sl.need + c, i])
                worst[i] = min(worst[i], where(now[sl.need + c, i] > tiny, part, one))
                out[v * VIEW + SHIPPED_AT, i] += now[sl.sent + c, i] * w
            for j in range(0, LANES, WIDTH):
                i = eight(j)
                w = val[of.weight + c, i]
                out[v * VIEW + HUB_AT, i] += now[sl.sent_hub + c, i] * w
                out[v * VIEW + FAR_AT, i] += now[sl.sent_far + c, i] * w
        weakest = ix[at.view_rule + v] == WEAKEST
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            whole = used[i] / max(tiny, needed[i])
            whole = where(needed[i] > tiny, min(one, whole), one)
            level = worst[i] if weakest else whole
            fill[v, t, i] = level
            out[v * VIEW + MET_AT, i] += where(level >= met, one, zero)
            out[v * VIEW + RATIONED_AT, i] += where((level < met) & (level >= starved), one, zero)
            out[v * VIEW + STARVED_AT, i] += where(level < starved, one, zero)
            out[v * VIEW + USED_AT, i] += used[i]
            out[v * VIEW + NEEDED_AT, i] += needed[i]


@_part
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
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            attack[i] = zero
            defence[i] = zero
            pressed[i] = zero
        for c in range(at.cells):
            if ix[at.cell_view + c] == va:
                for j in range(0, LANES, WIDTH):
                    i = eight(j)
                    attack[i] += now[sl.use + c, i] * val[of.weight + c, i]
            if ix[at.cell_view + c] == vd:
                for j in range(0, LANES, WIDTH):
                    i = eight(j)
                    defence[i] += now[sl.use + c, i] * val[of.weight + c, i]
                    need = now[sl.need + c, i]
                    short = (now[sl.use + c, i] < starved_below * need) & (need > tiny)
                    hard = need >= val[of.pressure + d, i] * val[of.need_open + c, i]
                    pressed[i] = where(short & hard, one, pressed[i])
        by_ratio = ix[at.duel_kind + d] == BY_RATIO
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            r = val[of.ratio + d, i]
            attack_starved = fill[va, t, i] < starved_below
            out_shot = (fill[vd, t, i] < starved_below) & (attack[i] > r * defence[i])
            out_lasted = attack_starved & (defence[i] > r * attack[i])
            bad = out_shot if by_ratio else pressed[i] > zero
            good = out_lasted if by_ratio else attack_starved & (pressed[i] == zero)
            now[sl.spell + 2 * d, i] = where(bad, now[sl.spell + 2 * d, i] + one, zero)
            now[sl.spell + 2 * d + 1, i] = where(good, now[sl.spell + 2 * d + 1, i] + one, zero)
            code = where(now[sl.spell + 2 * d + 1, i] >= enough, np.float32(2.0), zero)
            code = where(now[sl.spell + 2 * d, i] >= enough, one, code)
            new = (out[base + 2 * d, i] == zero) & (code > zero)
            out[base + 2 * d, i] = where(new, code, out[base + 2 * d, i])
            out[base + 2 * d + 1, i] = where(new, np.float32(t - start + 1), out[base + 2 * d + 1, i])


@_part
def _exchange(ix, val, now, at, of, sl, starts, t):
    """Step 10, off by default: fire wears forces down by its volume; what is lost comes back while replacements last."""
    zero, one, tiny = np.float32(0.0), np.float32(1.0), np.float32(TINY)
    for d in range(at.duels):
        va, vd = ix[at.duel_attacker + d], ix[at.duel_defender + d]
        start = starts[ix[at.view_front + vd]]
        if ix[at.duel_kind + d] != BY_RATIO or start < 0 or t < start or starts[ix[at.view_front + va]] != start:
            continue
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            now[sl.work + 1, i] = zero
            now[sl.work + 2, i] = zero
        for c in range(at.cells):
            side = 1 if ix[at.cell_view + c] == va else 2
            if ix[at.cell_view + c] != va and ix[at.cell_view + c] != vd:
                continue
            for j in range(0, LANES, WIDTH):
                i = eight(j)
                now[sl.work + side, i] += now[sl.use + c, i] * val[of.weight + c, i]
        for side in range(2):
            mine, theirs = (va, vd) if side == 0 else (vd, va)
            fire = sl.work + (2 if side == 0 else 1)
            for j in range(0, LANES, WIDTH):
                i = eight(j)
                lost = val[of.wear + d, i] * now[fire, i] / max(tiny, now[sl.reference + theirs, i])
                left = max(zero, now[sl.force + mine, i] - lost)
                back = min(val[of.mend + d, i] * (one - left), val[of.replace + d, i] - now[sl.replaced + mine, i])
                back = max(zero, back)
                now[sl.replaced + mine, i] += back
                now[sl.force + mine, i] = min(one, left + back)


@_part
def _account(ix, val, now, at, of, sl, t, out):
    """Money that a side's output and use of this year came to, at the cost of a unit."""
    base = at.views * VIEW + at.duels * 2 + at.groups
    spent = now[sl.work + 1]
    for s in range(at.sides):
        for what in range(2):
            for j in range(0, LANES, WIDTH):
                i = eight(j)
                spent[i] = np.float32(0.0)
            for n in range(at.rows if what == 0 else at.pools):
                g = ix[(at.row_group if what == 0 else at.pool_group) + n]
                if ix[at.group_side + g] != s:
                    continue
                units = (sl.made if what == 0 else sl.used) + n
                for j in range(0, LANES, WIDTH):
                    i = eight(j)
                    spent[i] += now[units, i] * val[of.cost + g, i]
            book, column = sl.account + 2 * s + what, base + (2 * s + what) * at.years + t // YEAR
            for j in range(0, LANES, WIDTH):
                i = eight(j)
                out[column, i] = max(np.float32(0.0), spent[i] - now[book, i])
                now[book, i] = spent[i]


@_part
def _supplied(ix, val, now, at, of, sl, out):
    """What was decided for a front by the end, and what of the shipments had arrived."""
    for e in range(at.edges):
        if ix[at.edge_bundle + e] < 0:
            continue
        p = ix[at.edge_pool + e]
        c = ix[at.pool_cell + p]
        r, v, g = ix[at.edge_row + e], ix[at.cell_view + c], sl.given + ix[at.edge_grant + e]
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            lot = now[sl.net + e, i] + val[of.access + e, i] * now[sl.made + r, i]
            out[v * VIEW + AUTHORISED_AT, i] += now[g, i] * lot * val[of.effect + p, i] * val[of.weight + c, i]
    for v in range(at.views):
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            out[v * VIEW + ARRIVED_AT, i] = out[v * VIEW + SHIPPED_AT, i]
            out[v * VIEW + FORCE_AT, i] = now[sl.force + v, i]
    for p in range(at.pools):
        c = ix[at.pool_cell + p]
        v = ix[at.cell_view + c]
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            coming = now[sl.transit + p, i] * val[of.effect + p, i] * val[of.weight + c, i]
            # Float32 may leave less than nothing of a small difference.
            out[v * VIEW + ARRIVED_AT, i] = max(np.float32(0.0), out[v * VIEW + ARRIVED_AT, i] - coming)


@_part
def _close(ix, val, now, at, of, sl, weeks, out):
    """Years to rebuild every stock at the last week's output, and the largest breach of the balance of materiel."""
    zero, one = np.float32(0.0), np.float32(1.0)
    tiny = np.float32(TINY)
    base = at.views * VIEW + at.duels * 2
    last = weeks - 1
    part = np.float32((last % KNOT_WEEKS) / KNOT_WEEKS)
    knot = of.line_path + (last // KNOT_WEEKS) * at.lines
    had, drawn, rate = now[sl.work], now[sl.work + 1], now[sl.work + 2]
    flow, spent, there = now[sl.work + 3], now[sl.work + 4], now[sl.work + 5]
    residual = out[base + at.groups + 2 * at.sides * at.years]
    for g in range(at.groups):
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            had[i] = zero
            drawn[i] = zero
            rate[i] = zero
            flow[i] = zero
            spent[i] = zero
            there[i] = zero
        for r in range(at.rows):
            if ix[at.row_group + r] == g:
                for j in range(0, LANES, WIDTH):
                    i = eight(j)
                    had[i] += val[of.stock + r, i]
                    flow[i] += now[sl.made + r, i]
        for p in range(at.pools):
            if ix[at.pool_group + p] == g:
                for j in range(0, LANES, WIDTH):
                    i = eight(j)
                    there[i] += now[sl.on_hand + p, i] + now[sl.transit + p, i]
                    spent[i] += now[sl.used + p, i] - now[sl.forward_lost + p, i]
        for b in range(at.bundles):
            if ix[at.pool_group + ix[at.bundle_pool + b]] == g:
                for j in range(0, LANES, WIDTH):
                    i = eight(j)
                    drawn[i] += now[sl.drawn + b, i]
                    spent[i] += now[sl.drawn + b, i] - now[sl.drawn_kept + b, i]
        for s in range(at.joints):
            r = ix[at.joint_row + s]
            if ix[at.row_group + r] == g:
                h, a = ix[at.row_home_edge + r], ix[at.row_away_edge + r]
                for j in range(0, LANES, WIDTH):
                    i = eight(j)
                    x, y = now[sl.pair_drawn + 2 * s, i], now[sl.pair_drawn + 2 * s + 1, i]
                    drawn[i] += x + y
                    spent[i] += x * val[of.loss + h, i] + y * val[of.loss + a, i]
        for n in range(at.lines):
            if ix[at.row_group + ix[at.line_row + n]] == g:
                for j in range(0, LANES, WIDTH):
                    i = eight(j)
                    rate[i] += val[knot + n, i] + (val[knot + at.lines + n, i] - val[knot + n, i]) * part
        for j in range(0, LANES, WIDTH):
            i = eight(j)
            gone = drawn[i] - flow[i] - there[i]
            years = max(zero, gone) / max(tiny, rate[i] * np.float32(WEEKS_PER_YEAR))
            # A deficit within rounding of the balance is none.
            out[base + g, i] = where(gone > np.float32(1e-4) * had[i], min(np.float32(NEVER_YEARS), years), zero)
            breach = drawn[i] - spent[i] - there[i]
            off = max(breach, zero - breach) / max(one, had[i] + flow[i])
            residual[i] = max(residual[i], off)


@_jit()
def _tile(ix, val, mass, now, at, of, sl, starts, weeks, out, fill):
    cuts = np.zeros(max(1, at.joints), np.bool_)
    moved = np.zeros(max(1, at.grants), np.bool_)
    last = np.zeros(max(1, at.desks), np.float32)
    _begin(ix, val, now, at, of, sl, last)
    for t in range(weeks):
        _output(ix, val, now, at, of, sl, t)
        _decide(ix, val, now, at, of, sl, starts, last, moved, t)
        _offer(ix, val, mass, now, at, of, sl, starts, moved, t)
        _ration(ix, val, mass, now, at, of, sl, cuts)
        _ship_joint(ix, val, now, at, of, sl, cuts)
        _ship(ix, val, now, at, of, sl, starts, t)
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
    _supplied(ix, val, now, at, of, sl, out)
    _close(ix, val, now, at, of, sl, weeks, out)
