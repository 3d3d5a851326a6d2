"""The campaigns that the benchmark runs."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from isthmus.sustainment import kernel as k


class Case(NamedTuple):
    """One ecosystem in one war case: what :func:`isthmus.sustainment.kernel.run_tiles` takes."""

    network: k.Network
    lanes: k.Lanes
    starts: k.I32
    weeks: int


STAND_IN = "random network of the size of the reference study"
REFERENCE = "reference study"


def reference_inputs(futures: int) -> tuple[str, list[Case]]:
    """Where the inputs come from, and one case per ecosystem and war case. `futures` is rounded up to whole tiles."""
    # PLUG IN HERE: return REFERENCE, [Case(network, lanes, starts, weeks), ...], one per ecosystem × war case of the study.
    network, lanes = random_inputs(futures)
    peace, now, later = -1, 0, 26
    wars = [(now, peace), (peace, now), (now, now), (now, later), (later, now)]
    return STAND_IN, [Case(network, lanes, np.repeat(np.array(war, np.int32), 2), 156) for war in wars]


def one_tile(case: Case, tile: int = 0) -> Case:
    """The same case with one tile of futures."""
    return case._replace(lanes=k.Lanes(*(np.ascontiguousarray(a[tile : tile + 1]) for a in case.lanes)))


def _nodes(
    classes: tuple[int, int], materiel: tuple[int, int]
) -> tuple[list[tuple[int, int, int]], list[tuple[int, int]], list[int]]:
    """Cells (front, side, class), pools (cell, materiel) and their groups, for two theaters of two sides each."""
    # Side 1 stands first, so that a reactive cell follows the cells that it reacts to.
    cells = [(2 * theater + side, side, c) for side in (1, 0) for theater in (0, 1) for c in range(classes[side])]
    pools = [(i, m) for i, (_, side, c) in enumerate(cells) for m in range(materiel[side]) if m % classes[side] == c]
    groups = [m + (materiel[0] if cells[i][1] else 0) for i, m in pools]
    return cells, pools, groups


def random_network(
    rng: np.random.Generator, *, actors: tuple[int, int] = (24, 11), rows: tuple[int, int] = (90, 40)
) -> k.Network:
    """About 130 rows, 200 edges, 45 pools, 14 cells, 4 fronts and 70 desks."""
    classes, materiel = (4, 3), (15, 8)
    cells, pools, pool_group = _nodes(classes, materiel)
    pool_of = {(cells[i][0], m): p for p, (i, m) in enumerate(pools)}
    stocks = []
    for side in (0, 1):
        pairs = [(side, a, m) for a in range(actors[side]) for m in range(materiel[side])]
        stocks += [pairs[i] for i in np.sort(rng.permutation(len(pairs))[: rows[side]])]
    home_edge, away_edge = np.full(len(stocks), -1), np.full(len(stocks), -1)
    desk = {fa: i for i, fa in enumerate((2 * theater + s, a) for theater in (0, 1) for s in (0, 1) for a in range(actors[s]))}
    edges: list[tuple[int, ...]] = []
    waits = 0
    for r, (side, a, m) in enumerate(stocks):
        home = a % 2
        for theater in (home, 1 - home):
            if theater != home and rng.random() > 0.55:
                continue
            front = 2 * theater + side
            mode = int(rng.choice([k.HOME, k.NEAR])) if theater == home else int(rng.choice([k.NEAR, k.FAR], p=[0.3, 0.7]))
            waiting = rng.random() < 0.3
            (home_edge if theater == home else away_edge)[r] = len(edges)
            edges.append(
                (
                    r,
                    pool_of[front, m],
                    desk[front, a],
                    mode,
                    waits if waiting else -1,
                    int(a == 0),
                    -1 if theater == home else 2 * home + side,
                )
            )
            waits += int(waiting)
    kind = [k.REACTIVE if side == 0 and c == 1 else k.UNSTATED if side == 1 and c == 2 else k.PATH for _, side, c in cells]
    reactions = [
        (i, j)
        for i, (front, _, _) in enumerate(cells)
        if kind[i] == k.REACTIVE
        for j, (other, side, _) in enumerate(cells)
        if side == 1 and other // 2 == front // 2
    ]
    view = [2 * front + (0 if c == 1 else 1) for front, _, c in cells]  # two missions a front
    lines = np.sort(rng.integers(0, len(stocks), 90))
    column: Any = np.array(edges, np.int32).T
    pairs = [(4 * t + 2 + m, 4 * t + m, b) for t in (0, 1) for m, b in ((0, k.BY_PRESSURE), (1, k.BY_RATIO))]

    def i32(x: Any) -> k.I32:
        return np.array(x, np.int32).reshape(-1)

    return k.Network(
        row_group=i32([m + (materiel[0] if side else 0) for side, _, m in stocks]),
        row_home_edge=i32(home_edge),
        row_away_edge=i32(away_edge),
        line_row=i32(lines),
        edge_row=i32(column[0]),
        edge_home_front=i32(column[6]),
        edge_pool=i32(column[1]),
        edge_desk=i32(column[2]),
        edge_mode=i32(column[3]),
        edge_wait=i32(column[4]),
        edge_hub=i32(column[5]),
        pool_cell=i32([i for i, _ in pools]),
        pool_group=i32(pool_group),
        pool_mass_t=rng.uniform(0.01, 1, len(pools)).astype(np.float32),
        cell_front=i32([front for front, _, _ in cells]),
        cell_view=i32(view),
        cell_kind=i32(kind),
        reaction_cell=i32([i for i, _ in reactions]),
        reaction_source=i32([j for _, j in reactions]),
        desk_front=i32([front for front, _ in desk]),
        view_front=i32([v // 2 for v in range(8)]),
        view_rule=i32([k.POOLED, k.WEAKEST] * 4),
        duel_attacker=i32([p[0] for p in pairs]),
        duel_defender=i32([p[1] for p in pairs]),
        duel_kind=i32([p[2] for p in pairs]),
        n_groups=sum(materiel),
        n_fronts=4,
    )


def random_inputs(futures: int, seed: int = 20261123) -> tuple[k.Network, k.Lanes]:
    """A network and what differs between its futures."""
    rng = np.random.default_rng(seed)
    n = random_network(rng)
    tiles = -(-futures // k.LANES)
    rows, lines, edges, pools = n.row_group.size, n.line_row.size, n.edge_row.size, n.pool_cell.size
    cells, desks, fronts, duels = n.cell_front.size, n.desk_front.size, n.n_fronts, n.duel_kind.size

    def u(count: int, low: float, high: float) -> k.F32:
        return (low + (high - low) * rng.random((tiles, count, k.LANES), np.float32)).astype(np.float32)

    stock = u(rows, 0, 2000)
    floor = stock[:, n.edge_row] * rng.uniform(0, 0.4, (1, edges, 1)).astype(np.float32)
    row_floor = np.zeros_like(stock)
    for r, pair in enumerate(zip(n.row_home_edge, n.row_away_edge, strict=True)):
        row_floor[:, r] = np.min([floor[:, e] for e in pair if e >= 0], axis=0)
    lag = rng.integers(1, 12, (tiles, 2 * fronts, k.LANES)).astype(np.float32)
    lanes = k.Lanes(
        stock=stock,
        row_floor=row_floor,
        joint=u(rows, 0, 1),
        line_base=u(lines, 0, 10),
        line_gain=u(lines, 0, 20),
        line_start=u(lines, -20, 80),
        line_ramp=u(lines, 1, 50),
        access=u(edges, 0.2, 1),
        floor=floor,
        loss=u(edges, 0, 0.3),
        forward=u(edges, 0, 0.4) * (rng.random((1, edges, 1)) < 0.3).astype(np.float32),
        plan_share=u(edges, 0.3, 1),
        wait=u(max(1, int(n.edge_wait.max()) + 1), 0, 60),
        lag=lag,
        lift=u(fronts, 10, 200),
        effect=u(pools, 0.3, 2),
        tranche_first=u(desks, 0, 30),
        tranche_gap=u(desks, 1, 30),
        tranche_stop=u(desks, 0, 200),
        tranche_size=u(desks, 0, 20),
        tranche_unit=u(cells, 0.01, 0.1),
        need_open=u(cells, 100, 900),
        need_plateau=u(cells, 20, 300),
        need_fade=u(cells, 0.8, 1),
        reference_need=u(cells, 50, 500),
        reaction=u(n.reaction_cell.size, 0.1, 2),
        weight=u(cells, 0.5, 2),
        cap=np.where(u(cells, 0, 1) < 0.5, np.float32(1e30), u(cells, 50, 500)).astype(np.float32),
        cover=u(cells, 1, 6),
        plan_weeks=u(cells, 4, 150),
        reserve=u(cells, 0, 4),
        ratio=u(duels, 1, 4),
        pressure=u(duels, 0.1, 0.5),
    )
    return n, lanes
