"""Plain twin of the kernel: one future, float64, plain Python. Kept to test :mod:`isthmus.sustainment.kernel`, nothing else.

It follows ``docs/model.md`` step by step and shares no code with the kernel but the names of the inputs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from isthmus.interop.output import KNOT_WEEKS
from isthmus.sustainment import kernel as k


def _future(lanes: k.Lanes, tile: int, lane: int) -> dict[str, list[float]]:
    return {name: [float(x) for x in array[tile, :, lane]] for name, array in lanes._asdict().items()}


class Campaign:
    """State of one future. `step(t)` advances it by a week; `close()` gives the outcomes."""

    def __init__(self, network: k.Network, lanes: k.Lanes, starts: Sequence[int], tile: int = 0, lane: int = 0) -> None:
        self.n = network
        self.x = _future(lanes, tile, lane)
        self.starts = [int(s) for s in starts]
        x = self.x
        self.stock = list(x["stock"])
        self.made = [0.0] * len(self.stock)
        self.drawn = [0.0] * len(network.edge_row)
        self.due: dict[tuple[int, int], float] = defaultdict(float)
        self.pool = [{"on_hand": 0.0, "transit": 0.0, "used": 0.0, "lost": 0.0} for _ in network.pool_cell]
        self.decided = [0] * len(network.desk_front)
        self.next_decision = list(x["tranche_first"])
        cells = range(len(network.cell_front))
        self.order = [0.0 for _ in cells]
        self.urgent = [0.0 for _ in cells]
        self.use = [0.0 for _ in cells]
        self.need = [0.0 for _ in cells]
        self.inflow = [0.0 for _ in cells]
        self.left_over = [0.0 for _ in cells]
        self.fade = [1.0 for _ in cells]
        self.past: list[list[float]] = [[] for _ in cells]
        self.lag_sum = [0.0 for _ in cells]
        self.lag_weight = [0.0 for _ in cells]
        self.view = [dict.fromkeys(k.PER_FRONT, 0.0) for _ in network.view_front]
        self.fill: list[list[float]] = [[] for _ in network.view_front]
        self.spell = [[0, 0] for _ in network.duel_kind]
        self.verdict = [[0, 0] for _ in network.duel_kind]
        self.force = [1.0 for _ in network.view_front]
        self.replaced = [0.0 for _ in network.view_front]
        self.books = [dict.fromkeys(k.PER_SIDE, 0.0) for _ in range(network.n_sides)]
        self.accounts: dict[tuple[int, str], list[float]] = defaultdict(list)

    def at_war(self, front: int, t: int) -> bool:
        return 0 <= self.starts[front] <= t

    def given(self, e: int, c: int) -> float:
        """Authorised share of an edge's lot."""
        a = int(self.n.edge_desk[e])
        return min(1.0, self.decided[a] * self.x["tranche_size"][a] * self.x["tranche_unit"][c])

    def step(self, t: int) -> None:
        self._produce(t)
        self._decide(t)
        sent, remaining = self._allocate(t)
        held, under_way = self._arrive(t)
        for c, f in enumerate(self.n.cell_front):
            if self.at_war(int(f), t):
                self._fight(c, t, held, under_way, remaining)
        self._judge(t, sent)
        self._spells(t)
        if self.n.exchange:
            self._exchange(t)
        if (t + 1) % k.YEAR == 0:
            self._account()

    def output(self, line: int, t: int) -> float:
        """Output of a line in a week: linear between the knots of its path."""
        path = self.x["line_path"][line :: len(self.n.line_row)]
        knot, part = divmod(t, KNOT_WEEKS)
        return path[knot] + (path[knot + 1] - path[knot]) * part / KNOT_WEEKS

    def _produce(self, t: int) -> None:
        for line, r in enumerate(self.n.line_row):
            output = self.output(line, t)
            self.stock[r] += output
            self.made[r] += output

    def _decide(self, t: int) -> None:
        for a, f in enumerate(self.n.desk_front):
            if self.at_war(int(f), t):
                age = t - self.starts[int(f)]
                if age >= self.next_decision[a] and age < self.x["tranche_stop"][a]:
                    self.decided[a] += 1
                    self.next_decision[a] += self.x["tranche_gap"][a]

    def _allocate(self, t: int) -> tuple[list[float], list[float]]:
        n, x = self.n, self.x
        sent = [0.0] * len(n.cell_front)
        remaining = [0.0] * len(n.cell_front)
        offered = [[0.0, 0.0] for _ in n.cell_front]
        free: dict[int, float] = {}
        for c, f in enumerate(n.cell_front):
            if self.starts[int(f)] == t:
                self.order[c] = x["cover"][c] * x["reference_need"][c]
                self.urgent[c] = self.order[c]
        live = [e for e in range(len(n.edge_row)) if self.at_war(int(n.cell_front[n.pool_cell[n.edge_pool[e]]]), t)]
        self._forward([e for e in live if self.starts[int(n.cell_front[n.pool_cell[n.edge_pool[e]]])] == t], t, sent)
        for e in live:
            p = int(n.edge_pool[e])
            free[e] = self.lot(e, t)
            c = int(n.pool_cell[p])
            net = free[e] * (1 - x["loss"][e]) * x["effect"][p]
            offered[c][0 if n.edge_mode[e] == k.HOME else 1] += net
            self.lag_sum[c] += net * self.lag(e)
            self.lag_weight[c] += net
        asked = self._ask(live, free, offered)
        self._ration(asked)
        tonnes: dict[int, float] = defaultdict(float)
        for e in live:
            if n.edge_mode[e] == k.FAR:
                tonnes[int(n.cell_front[n.pool_cell[n.edge_pool[e]]])] += asked[e] * float(n.pool_mass_t[n.edge_pool[e]])
        for e in live:
            self._send(e, t, asked[e], free[e], self._plan_share(e, free), tonnes, sent, remaining)
        return sent, remaining

    def lot(self, e: int, t: int) -> float:
        """What an edge may draw this week."""
        n, x = self.n, self.x
        r, c = int(n.edge_row[e]), int(n.pool_cell[n.edge_pool[e]])
        if n.edge_wait[e] >= 0 and t - self.starts[int(n.cell_front[c])] < x["wait"][int(n.edge_wait[e])]:
            return 0.0
        whole = x["access"][e] * (x["stock"][r] - x["floor"][e] + self.made[r])
        lot = whole * self.given(e, c)
        home = int(n.edge_home_front[e])
        if home >= 0 and self.at_war(home, t):
            lot *= x["joint"][r]
        free = min(lot - self.drawn[e], self.stock[r] - x["floor"][e])
        return free if free > k.LEAST_LOT * whole else 0.0

    def lag(self, e: int) -> int:
        """Weeks under way on an edge."""
        front = int(self.n.cell_front[self.n.pool_cell[self.n.edge_pool[e]]])
        if self.n.edge_mode[e] == k.HOME:
            return 0
        return int(self.x["lag"][self.n.n_fronts + front if self.n.edge_mode[e] == k.FAR else front])

    def _ask(self, live: list[int], free: dict[int, float], offered: list[list[float]]) -> dict[int, float]:
        """Home lots give their part of the order, or what the depot lacks of its cover; further lots give the rest."""
        asked = {}
        for e in live:
            c = int(self.n.pool_cell[self.n.edge_pool[e]])
            home, away = offered[c]
            near = min(home, max(self.order[c] * home / max(k.TINY, home + away), self.urgent[c]))
            if self.n.edge_mode[e] == k.HOME:
                asked[e] = free[e] * near / max(k.TINY, home)
            else:
                asked[e] = free[e] * min(1.0, max(0.0, self.order[c] - near) / max(k.TINY, away))
        return asked

    def _forward(self, opening: list[int], t: int, sent: list[float]) -> None:
        """What stands forward is at the front on its first day; one row's two forward shares are cut alike if they exceed it."""
        n, x = self.n, self.x
        placed = {e: x["forward"][e] * self.lot(e, t) for e in opening}
        wanted: dict[int, float] = defaultdict(float)
        for e, amount in placed.items():
            wanted[int(n.edge_row[e])] += amount
        left = {r: max(0.0, self.stock[r] - x["row_floor"][r]) for r in wanted}
        for e, amount in placed.items():
            r, p = int(n.edge_row[e]), int(n.edge_pool[e])
            c = int(n.pool_cell[p])
            amount *= min(1.0, left[r] / max(k.TINY, wanted[r]))
            self.stock[r] -= amount
            self.drawn[e] += amount
            self.pool[p]["on_hand"] += amount
            effect = amount * x["effect"][p]
            sent[c] += effect
            if n.edge_hub[e]:
                self.view[int(n.cell_view[c])]["shipped_hub"] += effect * x["weight"][c]

    def _ration(self, asked: dict[int, float]) -> None:
        n, x = self.n, self.x
        for r in range(len(self.stock)):
            home, away = int(n.row_home_edge[r]), int(n.row_away_edge[r])
            if home < 0 or away < 0:
                continue
            h, a = asked.get(home, 0.0), asked.get(away, 0.0)
            left = max(0.0, self.stock[r] - x["row_floor"][r])
            even = min(1.0, left / max(k.TINY, h + a))
            j = x["joint"][r]
            if home in asked:
                asked[home] = h * (j * even + (1 - j) * min(1.0, left / max(k.TINY, h)))
            if away in asked:
                asked[away] = a * (j * even + (1 - j) * min(1.0, max(0.0, left - h) / max(k.TINY, a)))

    def _plan_share(self, e: int, free: dict[int, float]) -> float:
        """Part of a common lot that the front of edge `e` may plan with."""
        r = int(self.n.edge_row[e])
        home, away = int(self.n.row_home_edge[r]), int(self.n.row_away_edge[r])
        if home < 0 or away < 0:
            return 1.0
        if self.x["plan_share"][e] > 1:
            return 1.0
        weights = {i: self.x["plan_share"][i] * free.get(i, 0.0) for i in (home, away)}
        return weights[e] / max(k.TINY, sum(weights.values()))

    def _send(
        self,
        e: int,
        t: int,
        amount: float,
        free: float,
        plan_share: float,
        tonnes: dict[int, float],
        sent: list[float],
        remaining: list[float],
    ) -> None:
        n, x = self.n, self.x
        r, p = int(n.edge_row[e]), int(n.edge_pool[e])
        c = int(n.pool_cell[p])
        f = int(n.cell_front[c])
        far = n.edge_mode[e] == k.FAR
        if far:
            amount *= min(1.0, x["lift"][f] / max(k.TINY, tonnes[f]))
        kept = 1 - x["loss"][e]
        self.stock[r] -= amount
        self.drawn[e] += amount
        self.pool[p]["lost"] += amount * (1 - kept)
        remaining[c] += (free - amount) * kept * x["effect"][p] * plan_share
        arriving = amount * kept
        effect = arriving * x["effect"][p]
        if n.edge_mode[e] == k.HOME:
            self.pool[p]["on_hand"] += arriving
        else:
            self.due[p, t + self.lag(e)] += arriving
            self.pool[p]["transit"] += arriving
        sent[c] += effect
        weighted = effect * x["weight"][c]
        view = self.view[int(n.cell_view[c])]
        view["shipped_hub"] += weighted if n.edge_hub[e] else 0.0
        view["shipped_far"] += weighted if far else 0.0

    def _arrive(self, t: int) -> tuple[list[float], list[float]]:
        held = [0.0] * len(self.n.cell_front)
        under_way = [0.0] * len(self.n.cell_front)
        for p, pool in enumerate(self.pool):
            come = self.due.pop((p, t), 0.0)
            pool["on_hand"] += come
            pool["transit"] = max(0.0, pool["transit"] - come)
            c = int(self.n.pool_cell[p])
            held[c] += pool["on_hand"] * self.x["effect"][p]
            under_way[c] += pool["transit"] * self.x["effect"][p]
        return held, under_way

    def _fight(self, c: int, t: int, held: list[float], under_way: list[float], remaining: list[float]) -> None:
        """Need, planned use, use and the next order of one cell."""
        n, x = self.n, self.x
        first = t == self.starts[int(n.cell_front[c])]
        if n.cell_kind[c] == k.PATH:
            self.need[c] = x["need_plateau"][c] + (x["need_open"][c] - x["need_plateau"][c]) * self.fade[c]
            self.fade[c] *= x["need_fade"][c]
        elif n.cell_kind[c] == k.REACTIVE:
            pairs = [(i, int(n.reaction_source[i])) for i in range(len(n.reaction_cell)) if n.reaction_cell[i] == c]
            self.need[c] = sum(x["reaction"][i] * self.use[s] for i, s in pairs)
        enemy = self._enemy(int(n.cell_view[c]))
        if n.exchange and enemy is not None and n.cell_kind[c] == k.PATH:
            self.need[c] *= max(self.force[int(n.cell_view[c])], self.force[enemy])
        can = held[c] + under_way[c] + remaining[c]
        if first:
            self.inflow[c] = self._known_output(c, t)
        else:
            self.inflow[c] += (max(0.0, can - self.left_over[c]) - self.inflow[c]) / k.SMOOTHING_WEEKS
        keep = x["reserve"][c] * x["reference_need"][c]
        rate = self.inflow[c] + max(0.0, can - keep) / x["plan_weeks"][c]
        if n.cell_kind[c] == k.UNSTATED:
            self.need[c] = rate
        nothing = k.NEGLIGIBLE * x["reference_need"][c]
        if self.need[c] <= nothing:
            self.need[c] = 0.0
        need = self.need[c]
        released = min(self.inflow[c] + can / x["plan_weeks"][c], k.RESERVE_RELEASE * need)
        use = min(need, max(rate, released), held[c], x["cap"][c] * self.force[int(n.cell_view[c])])
        if use <= nothing:
            use = 0.0
        self.use[c] = use
        self.left_over[c] = can - use
        share = use / max(k.TINY, held[c])
        for p, pool in enumerate(self.pool):
            if n.pool_cell[p] == c:
                spent = pool["on_hand"] * share
                pool["on_hand"] -= spent
                pool["used"] += spent
        self.past[c] = ([need] * 3 if first else self.past[c][-3:]) + [need]
        mean = sum(self.past[c]) / 4
        lag = self.lag_sum[c] / max(k.TINY, self.lag_weight[c])
        short = (x["cover"][c] + lag) * mean - (held[c] - use) - under_way[c]
        self.order[c] = min(k.ORDER_BOUND * mean, max(0.0, short))
        self.urgent[c] = max(0.0, x["cover"][c] * mean - (held[c] - use))
        self.lag_sum[c] *= 0.9
        self.lag_weight[c] *= 0.9

    def _known_output(self, c: int, t: int) -> float:
        n, x = self.n, self.x
        total = 0.0
        for line, r in enumerate(n.line_row):
            output = self.output(line, t)
            for e in (int(n.row_home_edge[r]), int(n.row_away_edge[r])):
                if e < 0 or n.pool_cell[n.edge_pool[e]] != c or (n.edge_wait[e] >= 0 and x["wait"][int(n.edge_wait[e])] > 0):
                    continue
                total += x["access"][e] * self.given(e, c) * (1 - x["loss"][e]) * x["effect"][int(n.edge_pool[e])] * output
        return total

    def _judge(self, t: int, sent: list[float]) -> None:
        n, x = self.n, self.x
        for v, f in enumerate(n.view_front):
            if not self.at_war(int(f), t):
                self.fill[v].append(-1.0)
                continue
            cells = [c for c in range(len(n.cell_view)) if n.cell_view[c] == v]
            used = sum(self.use[c] * x["weight"][c] for c in cells)
            needed = sum(self.need[c] * x["weight"][c] for c in cells)
            if n.view_rule[v] == k.WEAKEST:
                level = min([1.0] + [self.use[c] / self.need[c] for c in cells if self.need[c] > k.TINY])
            else:
                level = min(1.0, used / needed) if needed > k.TINY else 1.0
            self.fill[v].append(level)
            state = "weeks_met" if level >= k.MET else "weeks_rationed" if level >= k.STARVED else "weeks_starved"
            self.view[v][state] += 1
            self.view[v]["used"] += used
            self.view[v]["needed"] += needed
            self.view[v]["shipped"] += sum(sent[c] * x["weight"][c] for c in cells)

    def _spells(self, t: int) -> None:
        n, x = self.n, self.x
        for d, kind in enumerate(n.duel_kind):
            va, vd = int(n.duel_attacker[d]), int(n.duel_defender[d])
            start = self.starts[int(n.view_front[vd])]
            if not 0 <= start <= t or self.starts[int(n.view_front[va])] != start:
                continue
            attack = sum(self.use[c] * x["weight"][c] for c in range(len(n.cell_view)) if n.cell_view[c] == va)
            cells = [c for c in range(len(n.cell_view)) if n.cell_view[c] == vd]
            defence = sum(self.use[c] * x["weight"][c] for c in cells)
            attacker_starved = self.fill[va][t] < k.STARVED
            if kind == k.BY_RATIO:
                bad = self.fill[vd][t] < k.STARVED and attack > x["ratio"][d] * defence
                good = attacker_starved and defence > x["ratio"][d] * attack
            else:
                bad = any(
                    self.use[c] < k.STARVED * self.need[c]
                    and self.need[c] > k.TINY
                    and self.need[c] >= x["pressure"][d] * x["need_open"][c]
                    for c in cells
                )
                good = attacker_starved and not bad
            self.spell[d] = [self.spell[d][0] + 1 if bad else 0, self.spell[d][1] + 1 if good else 0]
            if self.verdict[d][0] == 0 and max(self.spell[d]) >= k.SPELL_WEEKS:
                self.verdict[d] = [1 if self.spell[d][0] >= k.SPELL_WEEKS else 2, t - start + 1]

    def _enemy(self, view: int) -> int | None:
        """The view on the other side of the duel that is decided by fire."""
        for attacker, defender, kind in zip(self.n.duel_attacker, self.n.duel_defender, self.n.duel_kind, strict=True):
            if kind == k.BY_RATIO and view in (attacker, defender):
                return int(defender if view == attacker else attacker)
        return None

    def _exchange(self, t: int) -> None:
        n, x = self.n, self.x
        for d, kind in enumerate(n.duel_kind):
            pair = int(n.duel_attacker[d]), int(n.duel_defender[d])
            start = self.starts[int(n.view_front[pair[1]])]
            if kind != k.BY_RATIO or not 0 <= start <= t or self.starts[int(n.view_front[pair[0]])] != start:
                continue
            cells = {v: [c for c in range(len(n.cell_view)) if n.cell_view[c] == v] for v in pair}
            fire = {v: sum(self.use[c] * x["weight"][c] for c in cells[v]) for v in pair}
            full = {v: sum(x["reference_need"][c] * x["weight"][c] for c in cells[v]) for v in pair}
            for mine, theirs in (pair, pair[::-1]):
                left = max(0.0, self.force[mine] - x["wear"][d] * fire[theirs] / max(k.TINY, full[theirs]))
                back = max(0.0, min(x["mend"][d] * (1 - left), x["replace"][d] - self.replaced[mine]))
                self.replaced[mine] += back
                self.force[mine] = min(1.0, left + back)

    def _account(self) -> None:
        """Book what this year's output and use cost."""
        n = self.n
        for s in range(n.n_sides):
            groups = [g for g in range(n.n_groups) if n.group_side[g] == s]
            made = sum(self.made[r] * self.x["cost"][int(g)] for r, g in enumerate(n.row_group) if g in groups)
            used = sum(
                pool["used"] * self.x["cost"][int(n.pool_group[p])]
                for p, pool in enumerate(self.pool)
                if n.pool_group[p] in groups
            )
            for name, total in zip(k.PER_SIDE, (made, used), strict=True):
                self.accounts[s, name].append(total - self.books[s][name])
                self.books[s][name] = total

    def _supplied(self, weeks: int) -> None:
        n, x = self.n, self.x
        for v, view in enumerate(self.view):
            view["arrived"] = view["shipped"]
            view["force_left"] = self.force[v]
        for e, p in enumerate(n.edge_pool):
            c, r = int(n.pool_cell[p]), int(n.edge_row[e])
            if 0 <= self.starts[int(n.cell_front[c])] < weeks:
                lot = x["access"][e] * (x["stock"][r] - x["floor"][e] + self.made[r])
                self.view[int(n.cell_view[c])]["authorised"] += self.given(e, c) * lot * x["effect"][int(p)] * x["weight"][c]
        for p, pool in enumerate(self.pool):
            c = int(n.pool_cell[p])
            self.view[int(n.cell_view[c])]["arrived"] -= pool["transit"] * x["effect"][p] * x["weight"][c]

    def close(self, weeks: int) -> list[float]:
        """Outcome values in the order of :func:`isthmus.sustainment.kernel.columns`."""
        n, x = self.n, self.x
        self._supplied(weeks)
        if weeks % k.YEAR:
            self._account()
        values = [view[name] for view in self.view for name in k.PER_FRONT]
        values += [float(v) for verdict in self.verdict for v in verdict]
        residual = 0.0
        for g in range(n.n_groups):
            rows = [r for r in range(len(self.stock)) if n.row_group[r] == g]
            pools = [pool for p, pool in enumerate(self.pool) if n.pool_group[p] == g]
            had = sum(x["stock"][r] for r in rows)
            left = sum(self.stock[r] for r in rows) + sum(pool["on_hand"] + pool["transit"] for pool in pools)
            spent = sum(pool["used"] + pool["lost"] for pool in pools)
            made = sum(self.made[r] for r in rows)
            rate = 0.0
            for line, r in enumerate(n.line_row):
                if n.row_group[r] == g:
                    rate += self.output(line, weeks - 1)
            deficit = had - left
            years = min(k.NEVER_YEARS, max(0.0, deficit) / max(k.TINY, rate * k.WEEKS_PER_YEAR))
            values.append(years if deficit > 1e-4 * had else 0.0)
            residual = max(residual, abs(had + made - spent - left) / max(1.0, had + made))
        values += [v for s in range(n.n_sides) for name in k.PER_SIDE for v in self.accounts[s, name]]
        return [*values, residual]


def run_one(
    network: k.Network, lanes: k.Lanes, starts: Sequence[int], weeks: int, tile: int = 0, lane: int = 0
) -> tuple[list[float], list[list[float]]]:
    """One future: outcome values and fill per view and week."""
    campaign = Campaign(network, lanes, starts, tile, lane)
    for t in range(weeks):
        campaign.step(t)
    return campaign.close(weeks), campaign.fill
