"""Small networks for the tests of the campaign kernel: tiny ones with a closed form, and random ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.interop.output import KNOT_WEEKS
from isthmus.sustainment import kernel as k

Value = float | Sequence[float] | npt.NDArray[Any]

PLENTY = 1e6
"""Stands for infinite: units of a bottomless stock, weeks that never come. Float32 still resolves 0.06 beside it."""

NO_CAP = 1e30

SIMPLE_KNOTS = 26
"""Knots of a simple line's path: enough for 312 weeks."""

KNOTS = 14
"""Knots of a random line's path: enough for 168 weeks."""


def _lanes(value: Value, n: int, tiles: int = 1) -> k.F32:
    """``(tiles, n, LANES)``: from one number, a number for each of n, ``(n, LANES)`` or ``(1, LANES)``."""
    array = np.asarray(value, np.float32)
    if array.ndim == 1:
        array = array[:, None]
    return np.ascontiguousarray(np.broadcast_to(array, (tiles, n, k.LANES)))


def _index(values: Any) -> k.I32:
    return np.asarray(values, np.int32).reshape(-1)


def simple(  # One argument for each lever of a closed form: the point of this builder.
    *,
    fronts: int = 1,
    donors: int = 1,
    shared: bool = False,
    materiels: int = 1,
    home_war: bool = False,
    mode: int | Sequence[int] = k.HOME,
    hub: Sequence[int] = (),
    kind: int = k.PATH,
    duel: int | None = None,
    stock: Value = 0.0,
    output: Value = 0.0,
    gain: Value = 0.0,
    ramp_start: float = 0.0,
    ramp: float = 1.0,
    need: Value = 100.0,
    need_open: Value | None = None,
    fade: Value = 0.0,
    reference_need: Value | None = None,
    access: Value = 1.0,
    floor: Value = 0.0,
    joint: Value = 1.0,
    loss: Value = 0.0,
    forward: Value = 0.0,
    plan_share: Value = 1.0,
    wait: Value | None = None,
    near_lag: Value = 0.0,
    far_lag: Value = 0.0,
    lift: Value = PLENTY,
    mass_t: float = 1.0,
    effect: Value = 1.0,
    tranche_first: Value = 0.0,
    tranche_gap: Value = 1.0,
    tranche_stop: Value = PLENTY,
    tranche_size: Value = PLENTY,
    tranche_unit: Value = 1.0,
    cap: Value = NO_CAP,
    cover: Value = 1.0,
    plan_weeks: Value = 1.0,
    reserve: Value = 0.0,
    ratio: Value = 3.0,
    pressure: Value = 0.2,
    cost: Value = 0.0,
    wear: Value | None = None,
    mend: Value = 0.0,
    replace: Value = 0.0,
) -> tuple[k.Network, k.Lanes]:
    """A network of one class, one cell a front and one mission, with every donor giving all of his lot on the first day.

    Rows are ordered front, donor, materiel; with `shared`, two fronts draw on the same rows (front 0 is home to them) and rows
    are ordered donor, materiel; with `home_war` the donors are themselves at war on front 0. Edges are ordered front, donor,
    materiel; a donor has one desk a front. Every row has one line.
    Output follows `gain` times a ramp that the knots resolve: linear between every KNOT_WEEKS-th week.
    `need` is the plateau; `need_open` is the first week's need and equals it unless given. With `plan_weeks` 1 a planner
    rations nothing: he plans with all that he can draw on. `duel` makes front 0 attack front 1. Values as in :func:`_lanes`.
    """
    owners = 1 if shared else fronts
    row_of = {
        (f, d, m): (0 if shared else f) * donors * materiels + d * materiels + m
        for f in range(fronts)
        for d in range(donors)
        for m in range(materiels)
    }
    edges = list(row_of)
    n_rows, n_edges, n_pools = owners * donors * materiels, len(edges), fronts * materiels
    home, away = np.full(n_rows, -1), np.full(n_rows, -1)
    for e, key in enumerate(edges):
        (away if shared and key[0] == 1 else home)[row_of[key]] = e
    modes = [mode] * n_edges if isinstance(mode, int) else list(mode)
    network = k.Network(
        row_group=_index([(0 if shared else r // (donors * materiels)) * materiels + r % materiels for r in range(n_rows)]),
        row_home_edge=_index(home),
        row_away_edge=_index(away),
        line_row=_index(range(n_rows)),
        edge_row=_index([row_of[key] for key in edges]),
        edge_home_front=_index([0 if home_war and shared and f == 1 else -1 for f, _, _ in edges]),
        edge_pool=_index([f * materiels + m for f, _, m in edges]),
        edge_desk=_index([f * donors + d for f, d, _ in edges]),
        edge_mode=_index(modes),
        edge_wait=_index(range(n_edges) if wait is not None else [-1] * n_edges),
        edge_hub=_index(hub or [0] * n_edges),
        pool_cell=_index([p // materiels for p in range(n_pools)]),
        pool_group=_index([(0 if shared else p // materiels) * materiels + p % materiels for p in range(n_pools)]),
        pool_mass_t=np.full(n_pools, mass_t, np.float32),
        cell_front=_index(range(fronts)),
        cell_view=_index(range(fronts)),
        cell_kind=_index([kind] * fronts),
        reaction_cell=_index([]),
        reaction_source=_index([]),
        desk_front=_index([f for f in range(fronts) for _ in range(donors)]),
        view_front=_index(range(fronts)),
        view_rule=_index([k.POOLED] * fronts),
        duel_attacker=_index([] if duel is None else [0]),
        duel_defender=_index([] if duel is None else [1]),
        duel_kind=_index([] if duel is None else [duel]),
        group_side=_index([0] * materiels if shared else [f for f in range(fronts) for _ in range(materiels)]),
        n_groups=owners * materiels,
        n_fronts=fronts,
        n_sides=owners,
        exchange=int(wear is not None),
    )
    n_desks, n_duels = fronts * donors, 0 if duel is None else 1
    floors = _lanes(floor, n_edges)
    row_floor = np.zeros((1, n_rows, k.LANES), np.float32)
    for r in range(n_rows):
        row_floor[:, r] = np.min([floors[:, e] for e in (home[r], away[r]) if e >= 0], axis=0)
    lags = np.concatenate([_lanes(near_lag, fronts), _lanes(far_lag, fronts)], axis=1)
    needs = _lanes(need, fronts)
    lanes = k.Lanes(
        stock=_lanes(stock, n_rows),
        row_floor=row_floor,
        joint=_lanes(joint, n_rows),
        line_path=np.concatenate(
            [
                _lanes(output, n_rows) + _lanes(gain, n_rows) * np.float32(np.clip((t - ramp_start) / ramp, 0, 1))
                for t in KNOT_WEEKS * np.arange(SIMPLE_KNOTS)
            ],
            axis=1,
        ),
        cost=_lanes(cost, owners * materiels),
        access=_lanes(access, n_edges),
        floor=floors,
        loss=_lanes(loss, n_edges),
        forward=_lanes(forward, n_edges),
        plan_share=_lanes(plan_share, n_edges),
        wait=_lanes(0.0 if wait is None else wait, n_edges),
        lag=lags,
        lift=_lanes(lift, fronts),
        effect=_lanes(effect, n_pools),
        tranche_first=_lanes(tranche_first, n_desks),
        tranche_gap=_lanes(tranche_gap, n_desks),
        tranche_stop=_lanes(tranche_stop, n_desks),
        tranche_size=_lanes(tranche_size, n_desks),
        tranche_unit=_lanes(tranche_unit, fronts),
        need_open=needs if need_open is None else _lanes(need_open, fronts),
        need_plateau=needs,
        need_fade=_lanes(fade, fronts),
        reference_need=needs if reference_need is None else _lanes(reference_need, fronts),
        reaction=_lanes(0.0, 0),
        weight=_lanes(1.0, fronts),
        cap=_lanes(cap, fronts),
        cover=_lanes(cover, fronts),
        plan_weeks=_lanes(plan_weeks, fronts),
        reserve=_lanes(reserve, fronts),
        ratio=_lanes(ratio, n_duels),
        pressure=_lanes(pressure, n_duels),
        wear=_lanes(0.0 if wear is None else wear, n_duels),
        mend=_lanes(mend, n_duels),
        replace=_lanes(replace, n_duels),
    )
    return network, lanes


def random_network(
    seed: int, tiles: int = 1, theaters: int | None = None, actors: int = 3, materiels: int = 2
) -> tuple[k.Network, k.Lanes, k.I32]:
    """A random network, its futures and the fronts' first weeks, so that every branch of the kernel is taken by some seed.

    Front 2t is the allied one of theater t, front 2t + 1 the rival one, where the attack is. The allied front has two cells, of
    which the second answers what the rival cells launch; cells that are reacted to come first, as the kernel asks. A row is
    drawn on by at most one edge of each theater. Times of decisions are multiples of 1/8 of a week, which float32 holds
    exactly: the twin and the kernel must not differ by a week for rounding alone.
    """
    rng = np.random.default_rng(seed)
    theaters = int(rng.integers(1, 3)) if theaters is None else theaters
    n_fronts = 2 * theaters
    side = [f % 2 for f in range(n_fronts)]
    rows = [(s, a, m) for s in range(2) for a in range(actors) for m in range(materiels)]
    cells = [(f, 0) for f in range(n_fronts) if side[f]] + [(f, c) for f in range(n_fronts) if not side[f] for c in range(2)]
    pools = [(c, m) for c, (f, kind) in enumerate(cells) for m in range(materiels) if side[f] or m % 2 == kind]
    home, away = np.full(len(rows), -1), np.full(len(rows), -1)
    edges: list[tuple[int, int]] = []
    for p, (c, m) in enumerate(pools):
        for r, (s, _, rm) in enumerate(rows):
            if s == side[cells[c][0]] and rm == m and rng.random() < 0.85:
                (home if home[r] < 0 else away)[r] = len(edges)
                edges.append((r, p))
    desk_of = {(f, a): f * actors + a for f in range(n_fronts) for a in range(actors)}
    front_of = [cells[pools[p][0]][0] for _, p in edges]
    at_home = [front_of[home[r]] if away[r] == e and rng.random() < 0.5 else -1 for e, (r, _) in enumerate(edges)]
    has_wait = rng.random(len(edges)) < 0.2
    kinds = [k.REACTIVE if not side[f] and c == 1 else int(rng.choice([k.PATH, k.PATH, k.UNSTATED])) for f, c in cells]
    reactions = [
        (c, s) for c, (f, _) in enumerate(cells) if kinds[c] == k.REACTIVE for s, (g, _) in enumerate(cells) if g == f + 1
    ]
    line_row = [r for r in range(len(rows)) for _ in range(int(rng.integers(0, 3)))]
    network = k.Network(
        row_group=_index([s * materiels + m for s, _, m in rows]),
        row_home_edge=_index(home),
        row_away_edge=_index(away),
        line_row=_index(line_row),
        edge_row=_index([r for r, _ in edges]),
        edge_home_front=_index(at_home),
        edge_pool=_index([p for _, p in edges]),
        edge_desk=_index([desk_of[cells[pools[p][0]][0], rows[r][1]] for r, p in edges]),
        edge_mode=_index(rng.integers(0, 3, len(edges))),
        edge_wait=_index(np.where(has_wait, np.cumsum(has_wait) - 1, -1)),
        edge_hub=_index([int(rows[r][1] == 0) for r, _ in edges]),
        pool_cell=_index([c for c, _ in pools]),
        pool_group=_index([side[cells[c][0]] * materiels + m for c, m in pools]),
        pool_mass_t=rng.uniform(0.01, 1.0, len(pools)).astype(np.float32),
        cell_front=_index([f for f, _ in cells]),
        cell_view=_index([f for f, _ in cells]),
        cell_kind=_index(kinds),
        reaction_cell=_index([c for c, _ in reactions]),
        reaction_source=_index([s for _, s in reactions]),
        desk_front=_index([f for f in range(n_fronts) for _ in range(actors)]),
        view_front=_index(range(n_fronts)),
        view_rule=_index(rng.integers(0, 2, n_fronts)),
        duel_attacker=_index(range(1, n_fronts, 2)),
        duel_defender=_index(range(0, n_fronts, 2)),
        duel_kind=_index(rng.integers(0, 2, theaters)),
        group_side=_index([s for s in range(2) for _ in range(materiels)]),
        n_groups=2 * materiels,
        n_fronts=n_fronts,
        n_sides=2,
        exchange=int(rng.integers(0, 2)),
    )

    def u(n: int, low: float, high: float) -> k.F32:
        return rng.uniform(low, high, (tiles, n, k.LANES)).astype(np.float32)

    def eighths(n: int, low: int, high: int) -> k.F32:
        return (rng.integers(8 * low, 8 * high, (tiles, n, k.LANES)) / 8).astype(np.float32)

    n_rows, n_lines, n_edges, n_cells = len(rows), len(line_row), len(edges), len(cells)
    stock = u(n_rows, 0, 2000)
    floor = stock[:, network.edge_row] * u(n_edges, 0, 0.4)
    row_floor = np.zeros_like(stock)
    for r in range(n_rows):
        drawn_by = [floor[:, e] for e in (home[r], away[r]) if e >= 0]
        if drawn_by:
            row_floor[:, r] = np.min(drawn_by, axis=0)
    lanes = k.Lanes(
        stock=stock,
        row_floor=row_floor,
        joint=u(n_rows, 0, 1),
        line_path=u(n_lines * KNOTS, 1, 30),
        cost=u(2 * materiels, 0, 5),
        access=u(n_edges, 0.2, 1),
        floor=floor,
        loss=u(n_edges, 0, 0.3),
        forward=u(n_edges, 0, 0.9) * (rng.random((1, n_edges, 1)) < 0.4).astype(np.float32),
        plan_share=_split(u(n_edges, 0.3, 1), home, away, rng),
        wait=u(int(has_wait.sum()), 0, 60),
        lag=rng.integers(0, 12, (tiles, 2 * n_fronts, k.LANES)).astype(np.float32),
        lift=u(n_fronts, 10, 200),
        effect=u(len(pools), 0.3, 2),
        tranche_first=eighths(len(desk_of), 0, 30),
        tranche_gap=eighths(len(desk_of), 1, 30),
        tranche_stop=eighths(len(desk_of), 0, 200),
        tranche_size=u(len(desk_of), 0, 20),
        tranche_unit=u(n_cells, 0.01, 0.1),
        need_open=u(n_cells, 20, 120),
        need_plateau=u(n_cells, 5, 60),
        need_fade=u(n_cells, 0.8, 1),
        reference_need=u(n_cells, 20, 100),
        reaction=u(len(reactions), 0.1, 2),
        weight=u(n_cells, 0.5, 2),
        cap=np.where(u(n_cells, 0, 1) < 0.5, np.float32(NO_CAP), u(n_cells, 10, 60)),
        cover=u(n_cells, 1, 6),
        plan_weeks=u(n_cells, 4, 150),
        reserve=u(n_cells, 0, 4),
        ratio=u(theaters, 2, 6),
        pressure=u(theaters, 0.1, 0.5),
        wear=u(theaters, 0, 0.05),
        mend=u(theaters, 0, 0.1),
        replace=u(theaters, 0, 0.5),
    )
    starts = np.repeat(rng.choice([0, 26, -1, 10], theaters, p=[0.5, 0.2, 0.1, 0.2]), 2).astype(np.int32)
    return network, lanes, starts


def _split(plan_share: k.F32, home: npt.NDArray[Any], away: npt.NDArray[Any], rng: np.random.Generator) -> k.F32:
    """Some of the rows that two fronts draw on are split between them beforehand."""
    for h, a in zip(home, away, strict=True):
        if h >= 0 and a >= 0 and rng.random() < 0.3:
            plan_share[:, [h, a]] = 2.0
    return plan_share


_POINTS_TO = {
    "row_group": ("rows", "groups"),
    "row_home_edge": ("rows", "edges"),
    "row_away_edge": ("rows", "edges"),
    "edge_row": ("edges", "rows"),
    "edge_home_front": ("edges", "fronts"),
    "edge_pool": ("edges", "pools"),
    "edge_desk": ("edges", "desks"),
    "edge_mode": ("edges", ""),
    "edge_wait": ("edges", "waits"),
    "edge_hub": ("edges", ""),
    "pool_cell": ("pools", "cells"),
    "pool_group": ("pools", "groups"),
    "pool_mass_t": ("pools", ""),
    "cell_front": ("cells", "fronts"),
    "cell_view": ("cells", "views"),
    "cell_kind": ("cells", ""),
    "reaction_cell": ("reactions", "cells"),
    "reaction_source": ("reactions", "cells"),
    "desk_front": ("desks", "fronts"),
    "view_front": ("views", "fronts"),
    "view_rule": ("views", ""),
    "duel_attacker": ("duels", "views"),
    "duel_defender": ("duels", "views"),
    "duel_kind": ("duels", ""),
    "group_side": ("groups", ""),
}
"""For every index array: what it is about, and what its values point to."""

_ABOUT = {
    "rows": ("stock", "row_floor", "joint"),
    "edges": ("access", "floor", "loss", "forward", "plan_share"),
    "waits": ("wait",),
    "fronts": ("lift",),
    "pools": ("effect",),
    "desks": ("tranche_first", "tranche_gap", "tranche_stop", "tranche_size"),
    "cells": (
        "tranche_unit",
        "need_open",
        "need_plateau",
        "need_fade",
        "reference_need",
        "weight",
        "cap",
        "cover",
        "plan_weeks",
        "reserve",
    ),
    "reactions": ("reaction",),
    "duels": ("ratio", "pressure", "wear", "mend", "replace"),
    "groups": ("cost",),
}
"""For every kind of thing: the lane values that belong to it."""


def permuted(
    seed: int, network: k.Network, lanes: k.Lanes, starts: k.I32
) -> tuple[k.Network, k.Lanes, k.I32, dict[str, npt.NDArray[np.int64]]]:
    """The same case with everything listed in another order. Also returns, per kind of thing, the old place of each new one.

    Cells keep one rule of order: those that are reacted to stand before those that react.
    """
    rng = np.random.default_rng(seed)
    sizes = {about: getattr(lanes, names[0]).shape[1] for about, names in _ABOUT.items()}
    sizes["views"] = network.view_front.size
    order = {about: rng.permutation(n) for about, n in sizes.items()}
    reacts = network.cell_kind[order["cells"]] == k.REACTIVE
    order["cells"] = np.concatenate([order["cells"][~reacts], order["cells"][reacts]])
    place = {about: np.argsort(o) for about, o in order.items()}
    index: dict[str, Any] = {}
    for name, (about, target) in _POINTS_TO.items():
        values = getattr(network, name)[order[about]]
        index[name] = np.where(values < 0, -1, np.append(place[target], -1)[values]).astype(np.int32) if target else values
    lag_order = np.concatenate([order["fronts"], network.n_fronts + order["fronts"]])
    values = {name: getattr(lanes, name)[:, order[about]] for about, names in _ABOUT.items() for name in names}
    values["lag"] = lanes.lag[:, lag_order]
    lines = network.line_row.size
    order["lines"] = rng.permutation(lines)
    paths = lanes.line_path.reshape(len(lanes.line_path), -1, lines, k.LANES)[:, :, order["lines"]]
    values["line_path"] = paths.reshape(lanes.line_path.shape)
    index["line_row"] = place["rows"][network.line_row[order["lines"]]].astype(np.int32)
    return network._replace(**index), lanes._replace(**values), starts[order["fronts"]], order
