"""The same campaign in plain NumPy: arrays ``(n, futures)``, Python loops over weeks, edges and cells, no compiled code.

It is what a careful modeller writes first, kept as the fair opponent of the kernel and checked against it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.interop.output import KNOT_WEEKS
from isthmus.sustainment import kernel as k

F32 = npt.NDArray[np.float32]
ZERO, ONE, TINY = np.float32(0), np.float32(1), np.float32(k.TINY)
RESERVE, STARVED, SMOOTHING = np.float32(k.RESERVE_RELEASE), np.float32(k.STARVED), np.float32(k.SMOOTHING_WEEKS)


def flatten(lanes: k.Lanes, futures: int) -> k.Lanes:
    """Lanes cut in tiles, laid side by side: every array becomes ``(n, futures)``."""
    return k.Lanes(*(np.ascontiguousarray(np.moveaxis(a, 0, 1).reshape(a.shape[1], -1)[:, :futures]) for a in lanes))


class Campaigns:
    """State of many futures at once. It follows :class:`isthmus.sustainment.reference.Campaign` step by step."""

    def __init__(self, network: k.Network, lanes: k.Lanes, starts: k.I32, weeks: int) -> None:
        self.n, self.x = network, lanes
        self.starts = [int(s) for s in starts]
        self.weeks = weeks
        self.futures = lanes.stock.shape[1]
        self.lane = np.arange(self.futures)
        rows, edges, pools = network.row_group.size, network.edge_row.size, network.pool_cell.size
        cells, views, duels = network.cell_front.size, network.view_front.size, network.duel_kind.size
        self.stock, self.made = lanes.stock.copy(), self._zeros(rows)
        self.drawn, self.free, self.asked = self._zeros(edges), self._zeros(edges), self._zeros(edges)
        self.on_hand, self.transit, self.used, self.lost = (self._zeros(pools) for _ in range(4))
        self.ring = np.zeros((k.RING, pools, self.futures), np.float32)
        self.decided, self.next_decision = self._zeros(network.desk_front.size), lanes.tranche_first.copy()
        self.order, self.use, self.need, self.inflow, self.left_over, self.lag_sum, self.lag_weight = (
            self._zeros(cells) for _ in range(7)
        )
        self.offered, self.at_home, self.urgent = (self._zeros(cells) for _ in range(3))
        self.plannable, self.sent, self.held, self.under_way = (self._zeros(cells) for _ in range(4))
        self.fade = np.ones((cells, self.futures), np.float32)
        self.past = np.zeros((4, cells, self.futures), np.float32)
        self.view = {name: self._zeros(views) for name in k.PER_FRONT}
        self.fill = np.full((views, weeks, self.futures), -ONE, np.float32)
        self.spell, self.verdict = np.zeros((duels, 2, self.futures)), np.zeros((duels, 2, self.futures), np.float32)
        # Plain lists: indexing a NumPy array by one element costs more than the arithmetic of a few futures.
        self.edges: list[tuple[int, ...]] = list(
            zip(
                range(edges),
                *(a.tolist() for a in (network.edge_row, network.edge_pool, network.edge_desk)),
                *(a.tolist() for a in (network.edge_mode, network.edge_wait, network.edge_hub, network.edge_home_front)),
                network.pool_cell[network.edge_pool].tolist(),
                network.cell_front[network.pool_cell[network.edge_pool]].tolist(),
                strict=True,
            )
        )
        self.pools_of = [np.flatnonzero(network.pool_cell == c) for c in range(cells)]
        self.cells_of = [np.flatnonzero(network.cell_view == v) for v in range(views)]
        shared = [r for r in range(rows) if network.row_home_edge[r] >= 0 and network.row_away_edge[r] >= 0]
        self.shared = np.array(shared, int)
        self.kept = ONE - lanes.loss
        self.share = np.ones((edges, self.futures), np.float32)
        self.accounts: dict[tuple[int, int], list[F32]] = {(s, kind): [] for s in range(network.n_sides) for kind in range(2)}
        if network.exchange:
            raise ValueError("the plain model has no force exchange")

    def _zeros(self, n: int) -> F32:
        return np.zeros((n, self.futures), np.float32)

    def at_war(self, front: int, t: int) -> bool:
        return 0 <= self.starts[front] <= t

    def given(self, desk: int, c: int) -> F32:
        return np.asarray(np.minimum(ONE, self.decided[desk] * self.x.tranche_size[desk] * self.x.tranche_unit[c]), np.float32)

    def run(self) -> tuple[F32, F32]:
        for t in range(self.weeks):
            self._produce(t)
            self._decide(t)
            live = [edge for edge in self.edges if self.at_war(edge[9], t)]
            self._offer(live, t)
            self._ration(live)
            self._ship(live, t)
            self._arrive(t)
            for c, f in enumerate(self.n.cell_front):
                if self.at_war(f, t):
                    self._fight(c, t, first=t == self.starts[f])
            self._judge(t)
            self._spells(t)
            if t % k.YEAR == k.YEAR - 1 or t == self.weeks - 1:
                self._account()
        return self._close(), self.fill

    def _output(self, t: int) -> F32:
        """Output of every line in a week: linear between the knots of its path."""
        lines = self.n.line_row.size
        knot, part = divmod(t, KNOT_WEEKS)
        low, high = (self.x.line_path[i * lines : (i + 1) * lines] for i in (knot, knot + 1))
        return np.asarray(low + (high - low) * np.float32(part / KNOT_WEEKS), np.float32)

    def _produce(self, t: int) -> None:
        output = self._output(t)
        np.add.at(self.stock, self.n.line_row, output)
        np.add.at(self.made, self.n.line_row, output)

    def _decide(self, t: int) -> None:
        x = self.x
        for f, start in enumerate(self.starts):
            if self.at_war(f, t):
                desks = np.flatnonzero(self.n.desk_front == f)
                gives = (t - start >= self.next_decision[desks]) & (t - start < x.tranche_stop[desks])
                self.decided[desks] += gives
                self.next_decision[desks] += np.where(gives, x.tranche_gap[desks], ZERO)

    def _offer(self, live: list[tuple[int, ...]], t: int) -> None:
        x = self.x
        self.offered[:], self.at_home[:], self.plannable[:], self.sent[:] = 0, 0, 0, 0
        opening = [c for c, f in enumerate(self.n.cell_front) if self.starts[f] == t]
        self.order[opening] = x.cover[opening] * x.reference_need[opening]
        self.urgent[opening] = self.order[opening]
        self._forward([edge for edge in live if self.starts[edge[9]] == t], t)
        for edge in live:
            e, _, p, *_, c, _ = edge
            self.free[e] = free = self._lot(edge, t)
            net = free * self.kept[e] * x.effect[p]
            self.offered[c] += net
            self.lag_weight[c] += net
            if edge[4] == k.HOME:
                self.at_home[c] += net
            else:
                self.lag_sum[c] += net * x.lag[self.n.n_fronts + edge[9] if edge[4] == k.FAR else edge[9]]

    def _lot(self, edge: tuple[int, ...], t: int) -> F32:
        """What an edge may draw this week."""
        x = self.x
        e, r, _, desk, _, wait, _, home, c, f = edge
        lot = x.access[e] * self.given(desk, c) * (x.stock[r] - x.floor[e] + self.made[r])
        if home >= 0 and self.at_war(home, t):
            lot = lot * x.joint[r]
        free = np.minimum(lot - self.drawn[e], self.stock[r] - x.floor[e])
        free = np.where(free > np.float32(k.LEAST_LOT) * (self.stock[r] + self.drawn[e]), free, ZERO)
        if wait >= 0:
            free = np.where(t - self.starts[f] >= x.wait[wait], free, ZERO)
        return np.asarray(free, np.float32)

    def _forward(self, opening: list[tuple[int, ...]], t: int) -> None:
        """What stands forward is at the front on its first day; one row's two forward shares are cut alike if they exceed it."""
        x = self.x
        placed = {edge: x.forward[edge[0]] * self._lot(edge, t) for edge in opening}
        rows = {edge[1] for edge in opening}
        wanted = {r: np.sum([amount for edge, amount in placed.items() if edge[1] == r], axis=0) for r in rows}
        left = {r: np.maximum(ZERO, self.stock[r] - x.row_floor[r]) for r in rows}
        for (e, r, p, *_, hub, _, c, _), amount in placed.items():
            put = amount * np.minimum(ONE, left[r] / np.maximum(TINY, wanted[r]))
            self.stock[r] -= put
            self.drawn[e] += put
            self.on_hand[p] += put
            effect = put * x.effect[p]
            self.sent[c] += effect
            if hub:
                self.view["shipped_hub"][self.n.cell_view[c]] += effect * x.weight[c]

    def _ration(self, live: list[tuple[int, ...]]) -> None:
        x, n = self.x, self.n
        self.asked[:] = 0
        part = self.order * (self.at_home / np.maximum(TINY, self.offered))
        near = np.minimum(self.at_home, np.maximum(part, self.urgent))
        away = np.maximum(ZERO, self.order - near) / np.maximum(TINY, self.offered - self.at_home)
        share = near / np.maximum(TINY, self.at_home), np.minimum(ONE, away)
        for edge in live:
            self.asked[edge[0]] = self.free[edge[0]] * share[0 if edge[4] == k.HOME else 1][edge[8]]
        home, away = n.row_home_edge[self.shared], n.row_away_edge[self.shared]
        h, a, j = self.asked[home], self.asked[away], x.joint[self.shared]
        left = np.maximum(ZERO, self.stock[self.shared] - x.row_floor[self.shared])
        even = np.minimum(ONE, left / np.maximum(TINY, h + a))
        self.asked[home] = h * (j * even + (ONE - j) * np.minimum(ONE, left / np.maximum(TINY, h)))
        self.asked[away] = a * (j * even + (ONE - j) * np.minimum(ONE, np.maximum(ZERO, left - h) / np.maximum(TINY, a)))
        # A planner counts on the part of a common lot that his need and what he may draw give him.
        at_home, abroad = x.plan_share[home] * self.free[home], x.plan_share[away] * self.free[away]
        self.share[home] = at_home / np.maximum(TINY, at_home + abroad)
        self.share[away] = abroad / np.maximum(TINY, at_home + abroad)

    def _ship(self, live: list[tuple[int, ...]], t: int) -> None:
        x, n = self.x, self.n
        tonnes = self._zeros(n.n_fronts)
        for e, _, p, _, mode, *_, f in live:
            if mode == k.FAR:
                tonnes[f] += self.asked[e] * n.pool_mass_t[p]
        carried = np.minimum(ONE, x.lift / np.maximum(TINY, tonnes))
        for e, r, p, _, mode, _, hub, _, c, f in live:
            amount = self.asked[e] * carried[f] if mode == k.FAR else self.asked[e]
            arriving = amount * self.kept[e]
            self.stock[r] -= amount
            self.drawn[e] += amount
            self.lost[p] += amount - arriving
            self.plannable[c] += (self.free[e] - amount) * self.kept[e] * x.effect[p] * self.share[e]
            effect = arriving * x.effect[p]
            if mode == k.HOME:
                self.on_hand[p] += arriving
            else:
                lag = x.lag[n.n_fronts + f if mode == k.FAR else f]
                self.ring[(t + lag.astype(int)) % k.RING, p, self.lane] += arriving
                self.transit[p] += arriving
            self.sent[c] += effect
            weighted = effect * x.weight[c]
            if hub:
                self.view["shipped_hub"][n.cell_view[c]] += weighted
            if mode == k.FAR:
                self.view["shipped_far"][n.cell_view[c]] += weighted

    def _arrive(self, t: int) -> None:
        come = self.ring[t % k.RING]
        self.on_hand += come
        self.transit = np.maximum(ZERO, self.transit - come)
        come[:] = 0
        for c, pools in enumerate(self.pools_of):
            self.held[c] = np.sum(self.on_hand[pools] * self.x.effect[pools], axis=0)
            self.under_way[c] = np.sum(self.transit[pools] * self.x.effect[pools], axis=0)

    def _need(self, c: int) -> None:
        x, n = self.x, self.n
        if n.cell_kind[c] == k.PATH:
            self.need[c] = x.need_plateau[c] + (x.need_open[c] - x.need_plateau[c]) * self.fade[c]
            self.fade[c] *= x.need_fade[c]
        elif n.cell_kind[c] == k.REACTIVE:
            reactions = np.flatnonzero(n.reaction_cell == c)
            self.need[c] = np.sum(x.reaction[reactions] * self.use[n.reaction_source[reactions]], axis=0)

    def _fight(self, c: int, t: int, *, first: bool) -> None:
        """Need, planned use, use and the next order of one cell."""
        x, n = self.x, self.n
        self._need(c)
        can = self.held[c] + self.under_way[c] + self.plannable[c]
        if first:
            self.inflow[c] = self._known_output(c, t)
        else:
            self.inflow[c] += (np.maximum(ZERO, can - self.left_over[c]) - self.inflow[c]) / SMOOTHING
        rate = self.inflow[c] + np.maximum(ZERO, can - x.reserve[c] * x.reference_need[c]) / x.plan_weeks[c]
        if n.cell_kind[c] == k.UNSTATED:
            self.need[c] = rate
        nothing = np.float32(k.NEGLIGIBLE) * x.reference_need[c]
        self.need[c] = np.where(self.need[c] > nothing, self.need[c], ZERO)
        need = self.need[c]
        released = np.minimum(self.inflow[c] + can / x.plan_weeks[c], RESERVE * need)
        use = np.minimum(np.minimum(need, np.maximum(rate, released)), np.minimum(self.held[c], x.cap[c]))
        use = np.where(use > nothing, use, ZERO)
        self.use[c] = use
        self.left_over[c] = can - use
        spent = self.on_hand[self.pools_of[c]] * (use / np.maximum(TINY, self.held[c]))
        self.on_hand[self.pools_of[c]] -= spent
        self.used[self.pools_of[c]] += spent
        if first:
            self.past[:, c] = need
        self.past[t % 4, c] = need
        mean = self.past[:, c].sum(axis=0) / np.float32(4)
        lag = self.lag_sum[c] / np.maximum(TINY, self.lag_weight[c])
        short = (x.cover[c] + lag) * mean - (self.held[c] - use) - self.under_way[c]
        self.order[c] = np.minimum(np.float32(k.ORDER_BOUND) * mean, np.maximum(ZERO, short))
        self.urgent[c] = np.maximum(ZERO, x.cover[c] * mean - (self.held[c] - use))
        self.lag_sum[c] *= np.float32(0.9)
        self.lag_weight[c] *= np.float32(0.9)

    def _known_output(self, c: int, t: int) -> F32:
        n, x = self.n, self.x
        total = np.zeros(self.futures, np.float32)
        output = self._output(t)
        for line, r in enumerate(n.line_row):
            for e in (n.row_home_edge[r], n.row_away_edge[r]):
                if e < 0 or n.pool_cell[n.edge_pool[e]] != c:
                    continue
                net = x.access[e] * self.given(int(n.edge_desk[e]), c) * self.kept[e] * x.effect[n.edge_pool[e]]
                shut = n.edge_wait[e] >= 0 and x.wait[n.edge_wait[e]] > 0
                total += np.where(shut, ZERO, net * output[line])
        return total

    def _judge(self, t: int) -> None:
        n, x, view = self.n, self.x, self.view
        for v, f in enumerate(n.view_front):
            if not self.at_war(f, t):
                continue
            cells = self.cells_of[v]
            used = np.sum(self.use[cells] * x.weight[cells], axis=0)
            needed = np.sum(self.need[cells] * x.weight[cells], axis=0)
            if n.view_rule[v] == k.WEAKEST:
                part = self.use[cells] / np.maximum(TINY, self.need[cells])
                level = np.min(np.where(self.need[cells] > TINY, part, ONE), axis=0, initial=1)
            else:
                level = np.where(needed > TINY, np.minimum(ONE, used / np.maximum(TINY, needed)), ONE)
            self.fill[v, t] = level
            view["weeks_met"][v] += level >= np.float32(k.MET)
            view["weeks_rationed"][v] += (level < np.float32(k.MET)) & (level >= STARVED)
            view["weeks_starved"][v] += level < STARVED
            view["used"][v] += used
            view["needed"][v] += needed
            view["shipped"][v] += np.sum(self.sent[cells] * x.weight[cells], axis=0)

    def _spells(self, t: int) -> None:
        n, x = self.n, self.x
        for d, kind in enumerate(n.duel_kind):
            va, vd = int(n.duel_attacker[d]), int(n.duel_defender[d])
            start = self.starts[n.view_front[vd]]
            if not 0 <= start <= t or self.starts[n.view_front[va]] != start:
                continue
            ca, cd = self.cells_of[va], self.cells_of[vd]
            attack, defence = np.sum(self.use[ca] * x.weight[ca], axis=0), np.sum(self.use[cd] * x.weight[cd], axis=0)
            starved = self.fill[va, t] < STARVED
            if kind == k.BY_RATIO:
                bad = (self.fill[vd, t] < STARVED) & (attack > x.ratio[d] * defence)
                good = starved & (defence > x.ratio[d] * attack)
            else:
                need = self.need[cd]
                pressed = (self.use[cd] < STARVED * need) & (need > TINY) & (need >= x.pressure[d] * x.need_open[cd])
                bad = pressed.any(axis=0)
                good = starved & ~bad
            self.spell[d, 0] = np.where(bad, self.spell[d, 0] + 1, 0)
            self.spell[d, 1] = np.where(good, self.spell[d, 1] + 1, 0)
            code = np.where(self.spell[d, 0] >= k.SPELL_WEEKS, 1, np.where(self.spell[d, 1] >= k.SPELL_WEEKS, 2, 0))
            new = (self.verdict[d, 0] == 0) & (code > 0)
            self.verdict[d, 0] = np.where(new, code, self.verdict[d, 0])
            self.verdict[d, 1] = np.where(new, t - start + 1, self.verdict[d, 1])

    def _close(self) -> F32:
        n, x = self.n, self.x
        self._supplied()
        out = [self.view[name][v] for v in range(n.view_front.size) for name in k.PER_FRONT]
        out += list(self.verdict.reshape(-1, self.futures))
        residual = np.zeros(self.futures, np.float32)
        rate_of_line = self._output(self.weeks - 1)
        for g in range(n.n_groups):
            rows, pools, lines = n.row_group == g, n.pool_group == g, n.row_group[n.line_row] == g
            had, made = x.stock[rows].sum(axis=0), self.made[rows].sum(axis=0)
            left = self.stock[rows].sum(axis=0) + (self.on_hand + self.transit)[pools].sum(axis=0)
            spent = (self.used + self.lost)[pools].sum(axis=0)
            rate = rate_of_line[lines].sum(axis=0) * np.float32(k.WEEKS_PER_YEAR)
            years = np.minimum(np.float32(k.NEVER_YEARS), np.maximum(ZERO, had - left) / np.maximum(TINY, rate))
            out.append(np.where(had - left > np.float32(1e-4) * had, years, ZERO))
            residual = np.maximum(residual, np.abs(had + made - spent - left) / np.maximum(ONE, had + made))
        out += [year for s in range(n.n_sides) for kind in range(2) for year in self.accounts[s, kind]]
        return np.stack([*out, residual]).astype(np.float32)

    def _supplied(self) -> None:
        n, x = self.n, self.x
        self.view["arrived"][:] = self.view["shipped"]
        self.view["force_left"][:] = ONE
        for e, r, p, desk, *_, c, f in self.edges:
            if 0 <= self.starts[f] < self.weeks:
                lot = x.access[e] * (x.stock[r] - x.floor[e] + self.made[r])
                self.view["authorised"][n.cell_view[c]] += self.given(desk, c) * lot * x.effect[p] * x.weight[c]
        for p, c in enumerate(n.pool_cell):
            self.view["arrived"][n.cell_view[c]] -= self.transit[p] * x.effect[p] * x.weight[c]
        np.maximum(self.view["arrived"], ZERO, out=self.view["arrived"])

    def _account(self) -> None:
        """What the output and the use of this year came to."""
        n, x = self.n, self.x
        for s in range(n.n_sides):
            for kind, (units, groups) in enumerate(((self.made, n.row_group), (self.used, n.pool_group))):
                mine = n.group_side[groups] == s
                total = np.sum(units[mine] * x.cost[groups[mine]], axis=0)
                booked = np.sum(self.accounts[s, kind], axis=0) if self.accounts[s, kind] else ZERO
                self.accounts[s, kind].append(np.maximum(ZERO, total - booked))


def run(network: k.Network, lanes: k.Lanes, starts: k.I32, weeks: int) -> tuple[F32, F32]:
    """Outcomes ``(columns, futures)`` and fill ``(views, weeks, futures)``; `lanes` as :func:`flatten` gives them."""
    return Campaigns(network, lanes, starts, weeks).run()


def check(network: k.Network, lanes: k.Lanes, starts: k.I32, weeks: int, futures: int) -> dict[str, Any]:
    """Compare with the kernel. A level within rounding of a threshold may fall on either side of it: counted, not hidden.

    Raises when a continuous outcome is off by more than 1e-3, or when more than one count in a thousand differs. This model
    books every stock week by week in float32 and is a few 1e-4 off its float64 twin; the kernel, which keeps sums, a few 1e-6.
    """
    first = k.Lanes(*(a[: -(-futures // k.LANES)] for a in lanes))
    kernel = np.moveaxis(k.run_tiles(network, first, starts, weeks)[0], 0, 1)
    a = kernel.reshape(kernel.shape[0], -1)[:, :futures].astype(float)
    b = run(network, flatten(first, futures), starts, weeks)[0].astype(float)
    off = np.abs(a - b) / np.maximum(1, np.abs(b))
    views, duels = network.view_front.size, network.duel_kind.size
    counts = [len(k.PER_FRONT) * v + i for v in range(views) for i in range(3)]
    counts += range(len(k.PER_FRONT) * views, len(k.PER_FRONT) * views + 2 * duels)
    continuous = np.setdiff1d(np.arange(len(a) - 1), counts)
    worst, ties = float(off[continuous].max()), int((off[counts] > 1e-4).sum())
    if worst > 1e-3 or ties > 1e-3 * off[counts].size:
        raise AssertionError(
            f"NumPy and kernel differ: worst relative difference {worst:.2g}, {ties} counts of {off[counts].size}"
        )
    return {"futures": futures, "worst": worst, "ties": ties, "counts": int(off[counts].size)}
