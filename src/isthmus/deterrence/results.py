"""The answer as plain rows: margins, local balance, attribution, break-evens, opportunism, regions. Every row stands on the grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.deterrence.games import REGIONS, Gains
from isthmus.deterrence.inputs import SHORT_TERM, Duel, Inputs
from isthmus.deterrence.solve import (
    COST_WEIGHT,
    FEAR,
    QUANTILES,
    STATUS_QUO,
    Chances,
    RegionMap,
    attack_or_not,
    break_even,
    chances_of,
    flip,
    margin_grid,
    moves,
    now_or_later,
    paired,
    part_of,
    price_shares,
    quantiles,
    region_map,
    share,
    thirds,
)

F64 = npt.NDArray[np.float64]
Row = dict[str, Any]

DIGITS = 4

READING = (
    "A margin is p* - p: by how much the chance of success falls short of what would make attack worth it. It is no probability of war.",
    "p is a share of model worlds in which the defence is unsustained on one mission; other missions, and what no model holds, are left out.",
    "p* rests on assumptions about a challenger's costs and values that no source states; so every result is given over a grid of them.",
    "No figure says that a war would be won or lost, nor when, nor by whom it would be begun.",
)

ATTACK_NAMES = dict(zip(REGIONS, REGIONS, strict=True))
WAIT_NAMES = {
    "neither": "both_now",
    "second_only": "second_waits",
    "first_only": "first_waits",
    "both": "both_wait",
    "neither_or_both": "both_now_or_both_wait",
    "one_or_the_other": "one_waits",
    "mixed_only": "mixed_only",
    "knife_edge": "knife_edge",
}
"""Regions of the game of now or later, whose action 1 is to wait."""

GAMES = {"attack_or_not": ATTACK_NAMES, "now_or_later": WAIT_NAMES}

SELECTION = {
    "attack_or_not": ("neither", "second_only", "first_only", "both"),
    "now_or_later": ("both_now", "second_waits", "first_waits", "both_wait"),
}


def grid() -> Row:
    """The axes: nested lists of every row run over fear, then status quo, then cost weight."""
    return {
        "fear": list(FEAR),
        "status_quo": list(STATUS_QUO),
        "cost_weight": list(COST_WEIGHT),
        "order": ["fear", "status_quo", "cost_weight"],
    }


def margin_rows(inputs: Inputs) -> list[Row]:
    """A row per ecosystem, war case and duel: p, tie chance, margin over draws, and the margin over the grid."""
    rows = []
    for ecosystem, case, duel in _fought(inputs):
        verdicts, prices = inputs.verdicts[ecosystem, case, duel.name], inputs.prices[duel.theater]
        lost = verdicts.lost(inputs.window)
        p = share(lost)
        bound = len(inputs.cases.starts[case]) > 1
        tie = prices.tie(bound=bound)
        points = margin_grid(prices, p.value, bound=bound)
        low, median, high = quantiles(tie - p.value)
        # Undecided worlds count for the defence; this is the other end.
        worst = float(1 - verdicts.spent(inputs.window).mean())
        rows.append(
            {
                **_names(ecosystem, case, duel),
                "p": _r(p.value),
                "p_low": _r(p.low),
                "p_high": _r(p.high),
                "p_if_undecided_counts": _r(worst),
                "tie_chance": dict(zip(("low", "median", "high"), map(_r, quantiles(tie)), strict=True)),
                "low": _r(low),
                "median": _r(median),
                "high": _r(high),
                "median_if_undecided_counts": _r(float(np.median(tie)) - worst),
                "share_of_draws_positive": _r(float((tie > p.value).mean())),
                "share_of_grid_positive": _r(float((points > 0).mean())),
                "by_grid": _nested(points),
            }
        )
    return rows


def balance_rows(inputs: Inputs) -> list[Row]:
    """Local balance, apart from the margin and from weeks: what the defender can reach by what the attacker can, before any war.

    With it, whether the balance tells lost worlds from others: p in the lowest and in the highest third of worlds by balance, in
    the war of that theater alone. Worlds in which an attacker has nothing to reach (an infinite balance) count as the highest.
    """
    rows = []
    for ecosystem in inputs.ecosystems:
        for duel in inputs.duels:
            balance = inputs.balance.get((ecosystem, duel.name))
            case = inputs.cases.alone(duel.theater)
            if balance is None or case is None:
                continue
            lost = inputs.verdicts[ecosystem, case, duel.name].lost(inputs.window)
            known = ~np.isnan(balance)
            # Of an infinite balance there is no mean: quantiles that are values.
            low, median, high = np.quantile(balance[known], QUANTILES, method="inverted_cdf") if known.any() else (np.nan,) * 3
            worst, best, gap, error = thirds(lost[known], balance[known])
            rows.append(
                {
                    **_names(ecosystem, case, duel),
                    "ratio_low": _r(low),
                    "ratio_median": _r(median),
                    "ratio_high": _r(high),
                    "share_of_worlds_ahead": _r(float((balance[known] > 1).mean())) if known.any() else None,
                    "p_in_lowest_third": _r(worst),
                    "p_in_highest_third": _r(best),
                    "difference": _r(gap),
                    "standard_error": _r(error),
                }
            )
    return rows


def sustained_rows(inputs: Inputs) -> list[Row]:
    """Weeks each side is sustained, and the worlds in which it collapses in the short term."""
    rows = []
    for ecosystem, case, duel in _fought(inputs):
        v = inputs.verdicts[ecosystem, case, duel.name]
        for who, weeks in (("defender", v.defended), ("attacker", v.attacked)):
            low, median, high = quantiles(weeks)
            row = {
                **_names(ecosystem, case, duel),
                "who": who,
                "weeks_low": _r(low),
                "weeks_median": _r(median),
                "weeks_high": _r(high),
            }
            short = {
                f"unsustained_in_{w}_weeks": _r(float((v.lost(w) if who == "defender" else v.spent(w)).mean()))
                for w in SHORT_TERM
            }
            rows.append({**row, **short})
    return rows


def change_rows(inputs: Inputs) -> list[Row]:
    """From the first ecosystem to each other one: the change of the margin, paired. All of it is the change of p: see `attribution`."""
    rows = []
    first = inputs.ecosystems[0]
    for ecosystem, case, duel in _fought(inputs):
        before = inputs.at_war(first, case, duel)
        if ecosystem == first or before is None:
            continue
        change, error = paired(before.lost(inputs.window), inputs.verdicts[ecosystem, case, duel.name].lost(inputs.window))
        rows.append({**_names(ecosystem, case, duel), "against": first, "change": _r(-change), "standard_error": _r(error)})
    return rows


def break_even_rows(inputs: Inputs) -> list[Row]:
    """Values of the three things nobody knows at which the median margin is nil."""
    rows = []
    for ecosystem, case, duel in _fought(inputs):
        p = float(inputs.verdicts[ecosystem, case, duel.name].lost(inputs.window).mean())
        found = break_even(inputs.prices[duel.theater], p, bound=len(inputs.cases.starts[case]) > 1)
        rows.append(
            {
                **_names(ecosystem, case, duel),
                "p": _r(p),
                "success_needed": _r(found.success),
                "status_quo": _maybe(found.status_quo),
                "fear": _maybe(found.fear),
                "cost_weight": _maybe(found.cost_weight),
            }
        )
    return rows


def price_rows(inputs: Inputs) -> list[Row]:
    """Which assumption about a challenger moves his tie chance most."""
    return [
        {
            "theater": duel.theater,
            "challenger": duel.challenger,
            "input": f"deter.{'cost_weight' if x.name == 'weight' else x.name}",
            "share_of_variance": _r(x.share_of_variance),
            "tie_chance_in_lowest_tenth": _r(x.at_low),
            "tie_chance_in_highest_tenth": _r(x.at_high),
        }
        for duel in {d.theater: d for d in inputs.duels}.values()
        for x in price_shares(inputs.prices[duel.theater])
    ]


def opportunism_rows(inputs: Inputs) -> list[Row]:
    """What a first war does to the margin of whoever comes second, by the weeks in between.

    Against the second war alone, begun in the same week where the run has that case: months of peace change stocks as well.
    """
    rows = []
    for a, b in inputs.pairs():
        for first, second in ((a, b), (b, a)):
            together = inputs.cases.together(first.theater, second.theater)
            lagged = [(0, together)] if together else []
            lagged += inputs.cases.after(first.theater, second.theater)
            for ecosystem in inputs.ecosystems:
                for lag, case in lagged:
                    start = inputs.cases.starts[case][second.theater]
                    alone = inputs.cases.alone(second.theater, start) or inputs.cases.alone(second.theater)
                    if alone is not None:
                        rows.append(_opportunism(inputs, ecosystem, first, second, alone, case, lag))
    return rows


def _opportunism(inputs: Inputs, ecosystem: str, first: Duel, second: Duel, alone: str, case: str, lag: int) -> Row:
    before = inputs.verdicts[ecosystem, alone, second.name].lost(inputs.window)
    after = inputs.verdicts[ecosystem, case, second.name].lost(inputs.window)
    change, error = paired(before, after)
    found = flip(inputs.prices[second.theater], float(before.mean()), float(after.mean()))
    return {
        "ecosystem": ecosystem,
        "first": first.theater,
        "second": second.theater,
        "challenger": second.challenger,
        "mission": second.mission,
        "war_case": case,
        "lag_weeks": lag,
        "against": alone,
        "weeks_of_peace_in_the_change": inputs.cases.starts[case][second.theater] - inputs.cases.starts[alone][second.theater],
        "p_alone": _r(float(before.mean())),
        "p_with_first_war": _r(float(after.mean())),
        "p_change": _r(change),
        "p_change_standard_error": _r(error),
        "margin_change_low": _r(found.change[0]),
        "margin_change_median": _r(found.change[1]),
        "margin_change_high": _r(found.change[2]),
        "from_campaigns": _r(-change),
        "from_divided_attention": _r(found.freed),
        "share_of_draws_falling": _r(found.share_falling),
        "change_flips_at_cost_weight": _maybe(found.flips_at_weight),
        "opened_by_grid": _nested(found.opened),
        "closed_by_grid": _nested(found.closed),
    }


def region_rows(inputs: Inputs) -> tuple[list[Row], list[Row]]:
    """Equilibrium regions of both games over the grid, and which worlds go from one region to another from first to last ecosystem."""
    rows: list[Row] = []
    moved: list[Row] = []
    for a, b in inputs.pairs():
        maps: dict[tuple[str, str], RegionMap] = {}
        for ecosystem in inputs.ecosystems:
            chances = chances_of(inputs, ecosystem, inputs.duels.index(a), inputs.duels.index(b))
            for game, gains in _games(inputs, a, b, chances):
                found = maps[game, ecosystem] = region_map(gains)
                rows.append({**_pair(game, a, b), "ecosystem": ecosystem, **_region_row(game, found)})
        first, last = inputs.ecosystems[0], inputs.ecosystems[-1]
        for game, names in GAMES.items():
            if first == last or (game, first) not in maps:
                continue
            table = moves(maps[game, first], maps[game, last])
            for i, j in zip(*np.nonzero(table), strict=True):
                if i != j:
                    points = ((maps[game, first].region == i) & (maps[game, last].region == j)).mean(axis=-1)
                    where = {"from": names[REGIONS[i]], "to": names[REGIONS[j]], "share_of_worlds": round(float(table[i, j]), 6)}
                    ends = {"from_ecosystem": first, "to_ecosystem": last}
                    moved.append({**_pair(game, a, b), **ends, **where, "by_grid": _nested(points)})
    return rows, sorted(moved, key=lambda r: (r["game"], r["first"], r["mission"], -r["share_of_worlds"]))


def _games(inputs: Inputs, a: Duel, b: Duel, chances: Chances | None) -> list[tuple[str, Gains]]:
    if chances is None:
        return []
    prices = inputs.prices[a.theater], inputs.prices[b.theater]
    found = [("attack_or_not", attack_or_not(prices, chances))]
    if chances.leading is not None:
        found.append(("now_or_later", now_or_later(prices, chances)))
    return found


def _pair(game: str, a: Duel, b: Duel) -> Row:
    mission = a.mission if a.mission == b.mission else f"{a.mission}, {b.mission}"
    return {
        "game": game,
        "first": a.theater,
        "second": b.theater,
        "challengers": [a.challenger, b.challenger],
        "mission": mission,
    }


def _region_row(game: str, found: RegionMap) -> Row:
    names = GAMES[game]
    overall = found.shares.mean(axis=(0, 1, 2))
    pure = dict(zip(("00", "01", "10", "11"), SELECTION[game], strict=True))
    return {
        "share_of_worlds": {names[r]: _r(float(s)) for r, s in zip(REGIONS, overall, strict=True) if s > 0},
        "where_several_are_stable_risk_dominance_picks": {pure.get(k, k): _r(v) for k, v in found.selected.items() if v > 0},
        "commonest_by_grid": [
            [[names[REGIONS[int(c)]] for c in line] for line in plane] for plane in found.shares.argmax(axis=-1)
        ],
        "shares_by_grid": {names[r]: _nested(found.shares[..., i]) for i, r in enumerate(REGIONS) if found.shares[..., i].any()},
    }


def absence_rows(base: Inputs, other: Inputs, name: str) -> list[Row]:
    """What the margin loses in another run of the same futures, and how much of that each of its ecosystems brings back."""
    rows = []
    start = base.ecosystems[0]
    for ecosystem, case, duel in _fought(other):
        reference = base.at_war(ecosystem, case, duel)
        outset = base.at_war(start, case, duel)
        bare = other.at_war(start, case, duel)
        if reference is None or outset is None or bare is None:
            continue
        now = other.verdicts[ecosystem, case, duel.name].lost(other.window)
        change, error = paired(reference.lost(other.window), now)
        fall, fall_error = paired(outset.lost(other.window), bare.lost(other.window))
        gap, _ = paired(outset.lost(other.window), now)
        # A share of a fall that may be nil says nothing.
        restored = 1 - gap / fall if fall > 2 * fall_error else None
        prices = base.prices[duel.theater]
        tie = prices.tie(bound=len(other.cases.starts[case]) > 1)
        low, median, high = quantiles(tie - float(now.mean()))
        rows.append(
            {
                "without": name,
                **_names(ecosystem, case, duel),
                "p": _r(float(reference.lost(other.window).mean())),
                "p_without": _r(float(now.mean())),
                "margin_change": _r(-change),
                "standard_error": _r(error),
                "low": _r(low),
                "median": _r(median),
                "high": _r(high),
                "restored_of_fall": _maybe(restored),
                "by_grid": _nested(margin_grid(prices, float(now.mean()), bound=len(other.cases.starts[case]) > 1)),
            }
        )
    return rows


def fallen(base: Inputs, bare: Inputs) -> tuple[str, ...]:
    """War cases in which a margin of the first ecosystem falls by more than two standard errors."""
    start = base.ecosystems[0]
    found = []
    for ecosystem, case, duel in _fought(bare):
        reference = base.at_war(start, case, duel)
        if ecosystem == start and reference is not None:
            fall, error = paired(reference.lost(bare.window), bare.verdicts[start, case, duel.name].lost(bare.window))
            if fall > 2 * error:
                found.append(case)
    return tuple(dict.fromkeys(found))


def restoration_rows(base: Inputs, bare: Inputs, mended: Sequence[tuple[Row, Inputs]], name: str) -> list[Row]:
    """Of what a margin of the first ecosystem falls by, how much each effort brings back: the most first, by war case and duel.

    `bare`: without what is missing; `mended`: the same with an effort, and what the effort is. All of the same futures. A fall
    within two standard errors of nil has no rows: a share of it would say nothing.
    """
    rows: list[Row] = []
    start = base.ecosystems[0]
    for ecosystem, case, duel in _fought(bare):
        reference = base.at_war(ecosystem, case, duel)
        if ecosystem != start or reference is None:
            continue
        whole, none = reference.lost(bare.window), bare.verdicts[start, case, duel.name].lost(bare.window)
        fall, fall_error = paired(whole, none)
        if fall <= 2 * fall_error:
            continue
        lost = [found.verdicts[start, case, duel.name].lost(bare.window) for _, found in mended]
        order = sorted(range(len(lost)), key=lambda i: float(lost[i].mean()))
        prices, bound = base.prices[duel.theater], len(bare.cases.starts[case]) > 1
        for rank, i in enumerate(order, 1):
            gain, error = paired(lost[i], none)
            behind, behind_error = paired(lost[order[0]], lost[i])
            part, part_error = part_of(none, whole, lost[i])
            points = margin_grid(prices, float(lost[i].mean()), bound=bound)
            rows.append(
                {
                    "without": name,
                    **_names(start, case, duel),
                    **mended[i][0],
                    "rank": rank,
                    "p": _r(float(whole.mean())),
                    "p_without": _r(float(none.mean())),
                    "p_with_effort": _r(float(lost[i].mean())),
                    "margin_change": _r(gain),
                    "standard_error": _r(error),
                    "restored_of_fall": _r(part),
                    "restored_standard_error": _r(part_error),
                    "behind_the_first": _r(behind),
                    "behind_standard_error": _r(behind_error),
                    "share_of_grid_positive": _r(float((points > 0).mean())),
                    "by_grid": _nested(points),
                }
            )
    return rows


def _fought(inputs: Inputs) -> list[tuple[str, str, Duel]]:
    """Every ecosystem, war case and duel that was fought, in the run's order."""
    return [
        (e, c, d)
        for e in inputs.ecosystems
        for c in inputs.cases.starts
        for d in inputs.duels
        if (e, c, d.name) in inputs.verdicts
    ]


def _names(ecosystem: str, case: str, duel: Duel) -> Row:
    return {
        "ecosystem": ecosystem,
        "war_case": case,
        "theater": duel.theater,
        "challenger": duel.challenger,
        "mission": duel.mission,
    }


def _r(value: float) -> float | None:
    return round(value, DIGITS) + 0.0 if np.isfinite(value) else None


def _maybe(value: float | None) -> float | None:
    return None if value is None else _r(value)


def _nested(values: F64) -> list[Any]:
    found: list[Any] = (np.round(values, DIGITS) + 0.0).tolist()
    return found
