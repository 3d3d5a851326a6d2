"""Margins, opportunism and regions: closed forms, an independent brute force over the grid, and a run end to end."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import fields, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus import cli
from isthmus.deterrence.games import REGIONS, Gains
from isthmus.deterrence.inputs import PRICES, Duel, Inputs, Prices, Verdicts, WarCases, draw_prices
from isthmus.deterrence.results import (
    absence_rows,
    balance_rows,
    change_rows,
    fallen,
    margin_rows,
    opportunism_rows,
    region_rows,
    restoration_rows,
)
from isthmus.deterrence.solve import (
    COST_WEIGHT,
    FEAR,
    STATUS_QUO,
    WEEKS_PER_YEAR,
    Chances,
    attack_or_not,
    break_even,
    flip,
    margin_grid,
    moves,
    now_or_later,
    part_of,
    price_shares,
    region_map,
    share,
    thirds,
)
from isthmus.ensemble import Uncertainty
from isthmus.errors import InputError
from isthmus.register import Register
from isthmus.report import wording
from isthmus.report.context import Context
from isthmus.report.margins import MarginSection, _sign
from isthmus.study import Study, absences, deterring, turning
from isthmus.study.plan import make_plan
from isthmus.study.results import Results
from isthmus.study.runner import start
from tests import campaign_register as paper

F64 = npt.NDArray[np.float64]

RANGES: dict[str, tuple[str, float, float, float]] = {
    "deter.losses": ("pert", 0.02, 0.15, 0.6),
    "deter.punishment": ("pert", 0.0, 0.1, 0.6),
    "deter.cutoff": ("pert", 0.0, 0.1, 0.4),
    "deter.cost_weight": ("loguniform", 0.33, 1.0, 3.0),
    "deter.status_quo": ("pert", 0.0, 0.3, 0.9),
    "deter.fear": ("pert", 0.0, 0.1, 0.5),
    "deter.attention": ("pert", 0.4, 0.8, 1.1),
    "deter.years": ("pert", 2.0, 5.0, 15.0),
}


def ranges() -> dict[str, Uncertainty]:
    return {
        name: Uncertainty(name, shape, low, mode, high, "share", "assumption")  # type: ignore[arg-type]
        for name, (shape, low, mode, high) in RANGES.items()
    }


def prices(**given: float) -> Prices:
    """One draw."""
    base = {
        "losses": 0.2,
        "punishment": 0.1,
        "cutoff": 0.1,
        "weight": 1.0,
        "status_quo": 0.3,
        "fear": 0.1,
        "attention": 0.5,
        "years": 4.0,
    }
    return Prices(**{name: np.array([value]) for name, value in (base | given).items()})


def drawn(count: int, seed: int = 1) -> tuple[Prices, Prices]:
    found = draw_prices(ranges(), ["west", "east"], seed, count)
    return found["west"], found["east"]


# Closed forms


def test_the_tie_chance_is_where_attack_and_status_quo_pay_the_same() -> None:
    one = prices()
    tie = float(one.tie()[0])
    assert tie == pytest.approx(0.3 - 0.1 + 0.2 + 0.1 + 0.1)
    assert tie - float(one.cost()[0]) == pytest.approx(0.3 - 0.1)
    assert float(one.tie(bound=True)[0]) == pytest.approx(0.2 + 0.2 + 0.5 * 0.2)
    assert float(one.tie(weight=2.0, fear=0.0, status_quo=0.5)[0]) == pytest.approx(0.5 + 2 * 0.4)


shares = st.floats(0, 1).map(lambda x: round(x, 6))


@given(shares, shares, shares, shares, st.floats(0.01, 0.5))
def test_signs_of_the_tie_chance(value: float, fall: float, weight: float, loss: float, step: float) -> None:
    one = prices(status_quo=value, fear=fall, weight=weight, losses=loss)
    here = float(one.tie()[0])
    assert float(replace(one, status_quo=one.status_quo + step).tie()[0]) > here
    assert float(replace(one, fear=one.fear + step).tie()[0]) < here
    assert float(replace(one, weight=one.weight + step).tie()[0]) >= here
    assert float(replace(one, losses=one.losses + step).tie()[0]) >= here
    assert float(one.tie(bound=True)[0]) <= here, "less punishment never deters more"


def test_the_margin_falls_one_for_one_with_the_chance_of_success() -> None:
    one, _ = drawn(64)
    np.testing.assert_allclose(margin_grid(one, 0.1) - margin_grid(one, 0.6), 0.5)
    assert margin_grid(one, 0.1).shape == (len(FEAR), len(STATUS_QUO), len(COST_WEIGHT))


@pytest.mark.parametrize("p", [0.05, 0.4, 0.9])
def test_at_a_break_even_the_median_margin_is_nil(p: float) -> None:
    one, _ = drawn(501)
    found = break_even(one, p)
    for name in ("status_quo", "fear"):
        value = getattr(found, name)
        if value is not None:
            assert np.median(one.tie(**{name: value})) - p == pytest.approx(0, abs=1e-9)
    if found.cost_weight is not None:
        assert np.median(one.tie(weight=found.cost_weight)) - p == pytest.approx(0, abs=1e-9)
    assert found.success == pytest.approx(np.median(one.tie()))


def test_no_break_even_is_made_up() -> None:
    found = break_even(prices(status_quo=0.9, fear=0.0), 0.1)
    assert found.cost_weight is None, "even without costs the status quo is worth more"
    assert found.status_quo is None, "even a worthless status quo would be kept"
    assert found.fear == pytest.approx(0.9 + 0.4 - 0.1)


def test_opportunism_is_the_change_of_p_and_of_what_is_still_inflicted() -> None:
    found = flip(prices(), p_alone=0.2, p_with=0.35)
    assert found.change[1] == pytest.approx(-0.15 - 0.5 * 0.2)
    assert found.freed == pytest.approx(-0.5 * 0.2)
    assert found.flips_at_weight is None, "both push the same way at every weight of costs"
    gained = flip(prices(), p_alone=0.35, p_with=0.3)
    assert gained.flips_at_weight == pytest.approx(0.05 / (0.5 * 0.2))
    at = flip(prices(weight=gained.flips_at_weight or 0.0), p_alone=0.35, p_with=0.3)
    assert at.change[1] == pytest.approx(0)


def test_undivided_attention_leaves_the_campaigns_alone() -> None:
    found = flip(prices(attention=1.0), p_alone=0.2, p_with=0.35)
    assert found.change[1] == pytest.approx(-0.15)
    assert found.freed == 0


def test_a_share_of_nil_in_ten_worlds_may_be_28_percent() -> None:
    """Wilson's interval at 0 of 10 (Wilson 1927): z²/(n + z²)."""
    found = share(np.zeros(10, bool))
    assert (found.value, found.low) == (0, pytest.approx(0, abs=1e-12))
    assert found.high == pytest.approx(1.96**2 / (10 + 1.96**2))


def test_shares_of_spread_find_the_one_price_that_varies() -> None:
    n = 400
    flat = {f.name: np.full(n, 0.1) for f in fields(Prices)}
    one = Prices(**{**flat, "status_quo": np.linspace(0, 1, n)})
    first, *others = price_shares(one)
    assert first.name == "status_quo"
    assert first.share_of_variance > 0.95
    assert all(x.share_of_variance == pytest.approx(0, abs=1e-9) for x in others)


worlds = st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=3, max_size=40)


@given(worlds)
def test_the_part_brought_back_is_a_quotient_of_counts(found: list[tuple[bool, bool, bool]]) -> None:
    without, whole, mended = (np.array(x, bool) for x in zip(*found, strict=True))
    if without.sum() == whole.sum():
        return
    part, error = part_of(without, whole, mended)
    assert part == pytest.approx((without.sum() - mended.sum()) / (without.sum() - whole.sum()))
    assert part_of(without, whole, whole) == (pytest.approx(1), pytest.approx(0, abs=1e-12))
    assert part_of(without, whole, without) == (0, 0)
    assert error >= 0


def test_the_error_of_a_part_is_that_of_many_samples() -> None:
    """Standard deviation over 2,000 samples of 400 worlds, by brute force."""
    rng = np.random.default_rng(8)

    def sample() -> tuple[float, float]:
        u = rng.random(400)
        return part_of(u < 0.5, u < 0.2, u < 0.3 + 0.1 * (rng.random(400) < 0.5))

    parts = np.array([sample() for _ in range(2000)])
    assert parts[:, 0].mean() == pytest.approx(0.5, abs=0.01), "0.5 - 0.35 of 0.5 - 0.2"
    assert parts[:, 1].mean() == pytest.approx(parts[:, 0].std(), rel=0.1)


def test_thirds_are_counted() -> None:
    lost = np.array([1, 1, 0, 1, 0, 0, 0, 0, 0], bool)
    low, high, gap, error = thirds(lost, np.arange(9.0))
    assert (low, high, gap) == (pytest.approx(2 / 3), 0, pytest.approx(2 / 3))
    assert error == pytest.approx(np.sqrt((1 / 3) / 3)), "variance of 1, 1, 0 is a third"
    assert np.isnan(thirds(lost[:4], np.arange(4.0))).all(), "a third of four worlds is none to speak of"


def test_prices_are_paired_by_name_and_independent_of_who_else_is_asked() -> None:
    both = draw_prices(ranges(), ["west", "east"], 3, 64)
    alone = draw_prices(ranges(), ["east"], 3, 64)
    np.testing.assert_array_equal(both["east"].losses, alone["east"].losses)
    assert not np.array_equal(both["east"].losses, both["west"].losses)


def test_a_missing_price_is_named() -> None:
    some = ranges()
    del some["deter.fear"], some["deter.losses"]
    with pytest.raises(InputError) as caught:
        draw_prices(some, ["west"], 1)
    assert {p.found for p in caught.value.problems} == {"no row"}
    assert {p.allowed for p in caught.value.problems} == {"deter.fear", "deter.losses"}


# Regions, against a brute force that shares nothing with the solver but the numbers


def equilibria(u: list[list[float]], v: list[list[float]]) -> tuple[set[tuple[int, int]], bool]:
    """Pure equilibria by looking at every deviation, and whether the mix that makes both indifferent exists inside."""
    pure = {(i, j) for i, j in product((0, 1), repeat=2) if u[i][j] >= u[1 - i][j] and v[i][j] >= v[i][1 - j]}
    bend_u = u[0][0] - u[1][0] - u[0][1] + u[1][1]
    bend_v = v[0][0] - v[0][1] - v[1][0] + v[1][1]
    if bend_u == 0 or bend_v == 0:
        return pure, False
    q, x = (u[0][0] - u[1][0]) / bend_u, (v[0][0] - v[0][1]) / bend_v
    return pure, 0 < q < 1 and 0 < x < 1


def name_of(pure: set[tuple[int, int]], mixed: bool) -> str:
    names = {
        frozenset({(0, 0)}): "neither",
        frozenset({(0, 1)}): "second_only",
        frozenset({(1, 0)}): "first_only",
        frozenset({(1, 1)}): "both",
        frozenset({(0, 0), (1, 1)}): "neither_or_both",
        frozenset({(0, 1), (1, 0)}): "one_or_the_other",
        frozenset(): "mixed_only",
    }
    assert mixed == (len(pure) != 1), "one pure equilibrium alone, or a mixed one beside"
    return names[frozenset(pure)]


def scalars(one: Prices, k: int) -> dict[str, float]:
    return {f.name: float(getattr(one, f.name)[k]) for f in fields(Prices)}


# Chances that lie between the points of the grid: on one, a player without costs would be indifferent.
CHANCES = (
    Chances((0.31, 0.17), (0.44, 0.29), (0.36, 0.21), (0.41, 0.24), 26),
    Chances((0.62, 0.55), (0.38, 0.47), (0.51, 0.52), (0.44, 0.49), 52),
    Chances((0.353, 0.613), (0.717, 0.333), (0.41, 0.52), (0.61, 0.43), 13),
)


@pytest.mark.parametrize("chances", CHANCES, ids=["two wars help", "two wars hurt", "they help one"])
def test_the_map_of_attack_or_not_equals_brute_force(chances: Chances) -> None:
    both = drawn(12)
    found = region_map(attack_or_not(both, chances)).region
    for (f, fear), (s, value), (w, weight), k in product(
        enumerate(FEAR), enumerate(STATUS_QUO), enumerate(COST_WEIGHT), range(12)
    ):
        payoff = []
        for i in (0, 1):
            x = scalars(both[i], k)
            stay = value - fear
            alone = chances.alone[i] - weight * (x["losses"] + x["punishment"] + x["cutoff"])
            pressed = chances.together[i] - weight * (x["losses"] + x["attention"] * (x["punishment"] + x["cutoff"]))
            payoff.append((stay, alone, pressed))
        (stay_a, alone_a, both_a), (stay_b, alone_b, both_b) = payoff
        u = [[stay_a, stay_a], [alone_a, both_a]]
        v = [[stay_b, alone_b], [stay_b, both_b]]
        assert REGIONS[found[f, s, w, k]] == name_of(*equilibria(u, v)), (fear, value, weight, k)


@pytest.mark.parametrize("chances", CHANCES, ids=["26 weeks", "52 weeks", "13 weeks"])
def test_the_map_of_now_or_later_equals_brute_force(chances: Chances) -> None:
    both = drawn(12, seed=2)
    found = region_map(now_or_later(both, chances)).region
    assert chances.leading is not None
    assert chances.following is not None
    for (f, fear), (s, value), (w, weight), k in product(
        enumerate(FEAR), enumerate(STATUS_QUO), enumerate(COST_WEIGHT), range(12)
    ):
        tables = []
        for i in (0, 1):
            x = scalars(both[i], k)
            cost = weight * (x["losses"] + x["attention"] * (x["punishment"] + x["cutoff"]))
            t = min(1.0, chances.lag_weeks / WEEKS_PER_YEAR / x["years"])

            def waits(p: float, t: float = t, cost: float = cost, value: float = value, fear: float = fear) -> float:
                # The fall grows from nil to twice its mean over the years looked ahead: to t of them its mean is t · fear.
                return t * (value - t * fear) + (1 - t) * (p - cost)

            now_now, now_later = chances.together[i] - cost, chances.leading[i] - cost
            tables.append([[now_now, now_later], [waits(chances.following[i]), waits(chances.together[i])]])
        u, own = tables
        v = [[own[0][0], own[1][0]], [own[0][1], own[1][1]]]
        assert REGIONS[found[f, s, w, k]] == name_of(*equilibria(u, v)), (fear, value, weight, k)


def test_moves_between_regions_add_up() -> None:
    both = drawn(32)
    before, after = (region_map(attack_or_not(both, c)) for c in CHANCES[:2])
    table = moves(before, after)
    assert table.sum() == pytest.approx(1)
    np.testing.assert_allclose(table.sum(axis=1), before.shares.mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(table.sum(axis=0), after.shares.mean(axis=(0, 1, 2)))
    assert np.trace(moves(before, before)) == pytest.approx(1)


def test_where_risk_dominance_is_tied_it_is_not_said_to_pick_staying_out() -> None:
    """Losses from leaving either equilibrium are alike: 1 · 1 at both (Harsanyi and Selten 1988)."""
    points = len(FEAR) * len(STATUS_QUO) * len(COST_WEIGHT)
    stay, go = np.full(points, -1.0), np.full(points, 1.0)
    found = region_map(Gains(stay, go, stay, go))
    assert (found.region == REGIONS.index("neither_or_both")).all()
    assert {name: share for name, share in found.selected.items() if share} == {"tied": 1.0}
    leaning = region_map(Gains(stay, 2 * go, stay, go))
    assert {name: share for name, share in leaning.selected.items() if share} == {"11": 1.0}


def test_a_lag_is_needed_for_now_or_later() -> None:
    with pytest.raises(ValueError, match="who comes first"):
        now_or_later(drawn(4), Chances((0.1, 0.1), (0.2, 0.2)))


# Rows from campaigns made by hand


def by_hand(lost: dict[tuple[str, str], int], n: int = 100) -> Inputs:
    """Worlds of two duels; `lost` of `n` are lost in week 20, by war case and duel, in one ecosystem less by 5 than in the other."""
    duels = (Duel("west", "fires", "RIV"), Duel("east", "fires", "RIE"))
    cases = WarCases({"w": {"west": 0}, "e": {"east": 0}, "both": {"west": 0, "east": 0}, "late": {"west": 0, "east": 26}})
    verdicts = {}
    for (eco, less), (case, starts), duel in product((("as_is", 0), ("full", 5)), cases.starts.items(), duels):
        if duel.theater in starts:
            code = (np.arange(n) < lost[case, duel.theater] - less).astype(np.int8)
            verdicts[eco, case, duel.name] = Verdicts(code, 20.0 * code, np.full(n, 30.0), np.full(n, 40.0))
    return Inputs(("as_is", "full"), cases, duels, verdicts, draw_prices(ranges(), ["west", "east"], 1, 128), 130)


LOST = {
    ("w", "west"): 30,
    ("e", "east"): 20,
    ("both", "west"): 45,
    ("both", "east"): 35,
    ("late", "west"): 40,
    ("late", "east"): 25,
}


def test_rows_say_what_the_worlds_say() -> None:
    inputs = by_hand(LOST)
    rows = {(r["ecosystem"], r["war_case"], r["theater"]): r for r in margin_rows(inputs)}
    assert rows["as_is", "w", "west"]["p"] == 0.30
    assert rows["full", "both", "east"]["p"] == 0.30
    row = rows["as_is", "w", "west"]
    tie = float(np.median(inputs.prices["west"].tie()))
    assert row["median"] == pytest.approx(tie - 0.30, abs=1e-4)
    assert np.shape(row["by_grid"]) == (len(FEAR), len(STATUS_QUO), len(COST_WEIGHT))
    assert row["p_low"] < row["p"] < row["p_high"]
    assert row["p_if_undecided_counts"] == 1.0, "nobody's attack was unsustained"
    changes = {(r["war_case"], r["theater"]): r["change"] for r in change_rows(inputs)}
    assert set(changes.values()) == {0.05}


def test_only_the_same_weeks_of_every_war_count() -> None:
    inputs = replace(by_hand(LOST), window=19)
    assert {r["p"] for r in margin_rows(inputs)} == {0.0}


def test_opportunism_is_paired_and_by_lag() -> None:
    rows = opportunism_rows(by_hand(LOST))
    found = {(r["ecosystem"], r["second"], r["lag_weeks"]): r["p_change"] for r in rows}
    assert found["as_is", "east", 0] == 0.15
    assert found["as_is", "east", 26] == 0.05
    assert found["as_is", "west", 0] == 0.15
    assert ("as_is", "west", 26) not in found, "no case in which the west comes second"


def test_a_late_war_is_set_against_one_that_begins_as_late_alone() -> None:
    inputs = by_hand(LOST)
    rows = {r["lag_weeks"]: r for r in opportunism_rows(inputs) if r["second"] == "east" and r["ecosystem"] == "as_is"}
    assert (rows[26]["against"], rows[26]["weeks_of_peace_in_the_change"]) == ("e", 26)
    starts = {**inputs.cases.starts, "e_late": {"east": 26}}
    late = {(eco, "e_late", "east.fires"): inputs.verdicts[eco, "both", "east.fires"] for eco in inputs.ecosystems}
    both = replace(inputs, cases=WarCases(starts), verdicts={**inputs.verdicts, **late})
    rows = {r["lag_weeks"]: r for r in opportunism_rows(both) if r["second"] == "east" and r["ecosystem"] == "as_is"}
    assert (rows[26]["against"], rows[26]["weeks_of_peace_in_the_change"]) == ("e_late", 0)
    assert rows[26]["p_change"] == -0.10
    assert rows[0]["against"] == "e"


def test_regions_come_with_moves_and_with_the_whole_grid() -> None:
    rows, moved = region_rows(by_hand(LOST))
    assert {r["game"] for r in rows} == {"attack_or_not"}, "now or later needs a lag both ways"
    for row in rows:
        assert sum(row["share_of_worlds"].values()) == pytest.approx(1, abs=1e-3)
        total = sum(np.array(v) for v in row["shares_by_grid"].values())
        np.testing.assert_allclose(total, 1, atol=1e-3)
    assert all(m["from"] != m["to"] and m["share_of_worlds"] > 0 for m in moved)


def test_an_absence_costs_margin_and_says_what_restores_it() -> None:
    base, out = by_hand(LOST), by_hand({key: value + 10 for key, value in LOST.items()})
    rows = {(r["ecosystem"], r["war_case"], r["theater"]): r for r in absence_rows(base, out, "HUB")}
    bare, mended = rows["as_is", "w", "west"], rows["full", "w", "west"]
    assert bare["margin_change"] == -0.10
    assert bare["restored_of_fall"] == 0.0
    assert mended["restored_of_fall"] == pytest.approx(0.5), "5 of the 10 worlds come back"


def test_moves_by_point_of_the_grid_are_those_of_the_whole() -> None:
    _, moved = region_rows(by_hand(LOST))
    assert moved
    for row in moved:
        assert np.mean(row["by_grid"]) == pytest.approx(row["share_of_worlds"], abs=1e-4)


def test_efforts_are_ranked_by_what_they_bring_back_of_a_fall() -> None:
    base = by_hand(LOST)
    bare = by_hand({key: value + 20 for key, value in LOST.items()})
    labels = [{"effort": name, "lever": "", "size": 0.5, "holds_for": "defenders"} for name in ("little", "much")]
    mended = [by_hand({key: value + left for key, value in LOST.items()}) for left in (18, 4)]
    rows = [r for r in restoration_rows(base, bare, list(zip(labels, mended, strict=True)), "HUB") if r["war_case"] == "w"]
    assert [(r["effort"], r["rank"], r["restored_of_fall"]) for r in rows] == [("much", 1, 0.8), ("little", 2, 0.1)]
    assert [r["margin_change"] for r in rows] == [0.16, 0.02]
    assert rows[1]["behind_the_first"] == 0.14
    # 16 of 100 worlds change from lost to not, the others stay: the error of a mean of noughts and ones.
    assert rows[0]["standard_error"] == pytest.approx(np.sqrt(0.16 * 0.84 / 99), abs=1e-4)
    assert {r["ecosystem"] for r in rows} == {"as_is"}
    tie = np.median(base.prices["west"].tie(fear=0.0, status_quo=0.0, weight=0.25))
    assert rows[0]["by_grid"][0][0][1] == pytest.approx(tie - 0.34, abs=1e-4)


def test_a_fall_that_chance_explains_has_nothing_to_bring_back() -> None:
    base = by_hand(LOST)
    bare = by_hand({key: value + 2 for key, value in LOST.items()})
    assert fallen(base, bare) == ()
    assert restoration_rows(base, bare, [], "HUB") == []
    assert set(fallen(base, by_hand({key: value + 20 for key, value in LOST.items()}))) == {"w", "e", "both", "late"}


def test_the_local_balance_is_apart_from_weeks_and_told_by_thirds() -> None:
    inputs = by_hand(LOST)
    assert balance_rows(inputs) == [], "nobody asked for it"
    # The first 30 of 100 worlds are lost in the west. The worst-balanced third are the first 34, the best the last 33.
    balance = {("as_is", "west.fires"): np.linspace(0.1, 1.09, 100)}
    (row,) = balance_rows(replace(inputs, balance=balance))
    assert (row["theater"], row["war_case"]) == ("west", "w")
    assert (row["p_in_lowest_third"], row["p_in_highest_third"]) == (round(30 / 34, 4), 0.0)
    assert row["share_of_worlds_ahead"] == 0.09
    unknown = {("as_is", "west.fires"): np.where(np.arange(100) < 50, np.nan, np.inf)}
    (row,) = balance_rows(replace(inputs, balance=unknown))
    assert row["ratio_median"] is None, "no limit"
    assert row["share_of_worlds_ahead"] == 1.0


@given(st.lists(st.floats(0, 1), min_size=2, max_size=11), st.floats(0, 1))
def test_a_bracket_holds_a_turn_of_the_sign(p: list[float], tie: float) -> None:
    values = [float(i) for i in range(len(p))]
    found = turning._bracket(values, np.array(p), tie)
    turns = [(values[i], values[i + 1]) for i in range(len(p) - 1) if (p[i] <= tie) != (p[i + 1] <= tie)]
    assert (found is None) == (not turns)
    assert found is None or tuple(found) in turns


# A run, end to end


def made(folder: Path, **changes: Any) -> Path:
    """A run of the war on paper, with a range of every price."""
    tables = paper.tables()
    for name, (shape, low, mode, high) in RANGES.items():
        row = {"uncertainty_id": name, "name": name, "shape": shape, "unit": "share", **paper.GUESS}
        tables["uncertainties"].append({**row, "low": str(low), "mode": str(mode), "high": str(high)})
    register = Register.load(paper.write(folder / "register", tables))
    paper.write_study(folder / "paper.yaml", uncertainties=paper.SPREAD, **changes)
    start(make_plan(Study.load(folder / "paper.yaml"), register), folder / "run", layers=False)
    return folder / "run"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the hub almost nothing is lost."""
    cases = [*paper.STUDY["war_cases"], {"name": "east_then_west", "starts": {"east": 0, "west": 13}}]
    cases.append({"name": "worn", "starts": {"west": 0, "east": 0}, "exchange": True})
    return made(tmp_path_factory.mktemp("deterrence"), futures=256, war_cases=cases)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without it the west is lost in about half of all worlds."""
    return made(tmp_path_factory.mktemp("bare"), futures=512, absent=["HUB"])


def call(*words: str) -> int:
    import sys

    before = sys.argv
    sys.argv = ["isthmus", *words]
    try:
        with pytest.raises(SystemExit) as stop:
            cli.main()
    finally:
        sys.argv = before
    return int(stop.value.code or 0)


def test_the_command_prints_one_document_whose_shares_are_those_of_the_run(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("deter", str(run), "--json") == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert document["window_weeks"] == 52 - 13
    frame = Results.open(run).outcomes
    for row in document["margins"]:
        part = frame[(frame["ecosystem"] == row["ecosystem"]) & (frame["war_case"] == row["war_case"])]
        duel = f"{row['theater']}.{row['mission']}"
        lost = (part[f"outcome.{duel}"] == 1) & (part[f"outcome_week.{duel}"] <= 39)
        assert row["p"] == pytest.approx(lost.mean(), abs=1e-4)
    assert {r["challenger"] for r in document["margins"]} == {"RIV", "RIE"}
    assert "worn" not in {r["war_case"] for r in document["margins"]}, (
        "with exchange stands beside without it, and is no case of its own"
    )
    assert {r["lag_weeks"] for r in document["opportunism"]} == {0, 13}
    assert {r["game"] for r in document["regions"]} == {"attack_or_not", "now_or_later"}
    assert {r["input"] for r in document["assumptions"]} == set(PRICES)
    assert {r["kind"] for r in document["assumptions"]} == {"assumption"}


def test_no_output_names_a_probability_of_war_and_every_one_has_its_grid(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("deter", str(run)) == 0
    text = capsys.readouterr().out
    assert text.count("probability of war") == text.count("no probability of war") == 1
    assert "over the grid" in text
    assert call("deter", str(run), "--csv") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    points = len(FEAR) * len(STATUS_QUO) * len(COST_WEIGHT)
    assert len(rows) % points == 0
    assert all(r["fear"] and r["status_quo"] and r["cost_weight"] for r in rows)


def test_a_run_against_itself_changes_nothing_and_an_absent_hub_never_helps(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("deter", str(run), "--against", str(run), "--without", "HUB", "--json") == 0
    rows = json.loads(capsys.readouterr().out)["absences"]
    itself = [r for r in rows if r["without"] == "Two theaters on paper"]
    assert {r["margin_change"] for r in itself} == {0.0}
    absent = [r for r in rows if r["without"] == "HUB"]
    assert {r["ecosystem"] for r in absent} == {"as_is", "full"}
    assert all(r["margin_change"] <= 2 * r["standard_error"] for r in absent)


def test_the_hub_may_be_divided_otherwise(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("deter", str(run), "--split", "0", "--split", "1", "--json") == 0
    rows = json.loads(capsys.readouterr().out)["absences"]
    names = ["hub split: west 0, east 1", "hub split: west 1, east 0"]
    assert list(dict.fromkeys(r["without"] for r in rows)) == names
    lost = {(r["without"], r["theater"], r["ecosystem"], r["war_case"]): r["p_without"] for r in rows}
    for (name, theater, eco, case), p in lost.items():
        if name == names[0]:
            worse, better = (
                (p, lost[names[1], theater, eco, case]) if theater == "west" else (lost[names[1], theater, eco, case], p)
            )
            assert worse >= better, "a theater is no better off without the hub's stocks"
    assert call("deter", str(run), "--split", "2", "--json") == 2


def test_a_study_laid_over_a_run_is_the_run_with_what_it_changes(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paper.write_study(tmp_path / "base.yaml")
    (tmp_path / "out.yaml").write_text("base: base.yaml\nstudy: out\ntitle: HUB\nabsent: [HUB]\n", encoding="utf-8")
    assert call("deter", str(run), "--against", str(tmp_path / "out.yaml"), "--without", "HUB", "--json") == 0
    rows = json.loads(capsys.readouterr().out)["absences"]
    first, second = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    assert first == second, "the same by its name and by a file"
    assert call("deter", str(run), "--against", "nowhere", "--json") == 2
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert problem["found"] == "nowhere"
    assert "bases-refused" in problem["allowed"]
    assert "hub_out" in problem["allowed"]


def test_shipped_cases_change_what_they_state_and_keep_the_rest_of_the_run() -> None:
    plan = make_plan(Study.load("opportunism"), Register.reference(), futures=8)
    found = absences.laid_over(plan, ["bases-refused", "consent-withheld", "hub_out"])
    for one, vetoes, absent in zip(found, (1, 2, 0), ((), (), ("USA",)), strict=True):
        assert (len(one.plan.study.vetoes), one.plan.study.absent) == (vetoes, absent)
        assert one.plan.study.war_cases == plan.study.war_cases, "those of the run, not of the reference study"
        assert one.plan.study.ecosystems == plan.study.ecosystems
    ashore = set(found[0].plan.study.vetoes[0].materiel)
    fires = Register.reference().table("fires")
    afloat = set(fires[fires["element_id"].str.contains("ship")]["materiel_id"])
    assert not ashore & afloat, "ships keep what they fire"


def test_efforts_bring_back_what_a_study_with_the_same_factors_does(bare: Path) -> None:
    """The multiplied draws of an effort are those of a study that says `times` for the same uncertainties."""
    results = Results.open(bare)
    plan = absences.plan_of(results.manifest)
    assert plan is not None
    ranges = deterring.price_ranges(results)
    for effort in absences.efforts(plan, 0.5):
        assert effort.factors
        # A study with a range of its own for a name cannot also say `times`: leave those to the other names.
        factors = {n: f for n, f in effort.factors.items() if n not in plan.study.uncertainties and not n.startswith("desk")}
        times = {n: {"times": f, "reason": "a test"} for n, f in factors.items()}
        data = plan.study.model_dump(mode="json", by_alias=True, exclude_none=True)
        data["uncertainties"] = {**data["uncertainties"], **times}
        other = make_plan(Study.model_validate(data), plan.register)
        ours = deterring.simulate(plan, 64, ["as_is"], ranges, factors)
        theirs = deterring.simulate(other, 64, ["as_is"], ranges)
        for key, verdicts in ours.verdicts.items():
            np.testing.assert_array_equal(verdicts.code, theirs.verdicts[key].code)
            np.testing.assert_allclose(verdicts.defended, theirs.verdicts[key].defended)
        assert any(v.code.any() for v in ours.verdicts.values()), "some worlds are decided"


def test_efforts_are_those_of_the_defenders_or_say_that_they_are_both_sides(run: Path) -> None:
    plan = absences.plan_of(Results.open(run).manifest)
    assert plan is not None
    by = {e.name: e for e in absences.efforts(plan, 1.0)}
    assert set(by["larger stocks"].factors or ()) == {f"stock:{a}:shell_155" for a in paper.STOCK}
    assert set((by["larger stocks"].factors or {}).values()) == {2.0}
    assert {n for n in by["more output"].factors or () if ":RI" in n} == set()
    assert by["lower floors"].holds_for == "both sides"
    assert set((by["lower floors"].factors or {}).values()) == {0.5}
    assert {e.holds_for for e in absences.layer_efforts(plan)} == {"both sides"}
    with pytest.raises(InputError):
        absences.efforts(plan, 0.0)


def test_all_layers_are_the_last_ecosystem(run: Path) -> None:
    plan = absences.plan_of(Results.open(run).manifest)
    assert plan is not None
    everything = absences.layer_efforts(plan)[-1].applied(plan).study.ecosystems[0]
    last = plan.study.ecosystems[-1].rule()
    assert replace(everything.rule(), name="full", complete=last.complete) == last
    assert set(everything.rule().complete) == set(last.complete)
    nothing = absences._mixed(plan.study, ())
    assert nothing.rule() == plan.study.ecosystems[0].rule()


def test_what_restores_a_margin_is_ranked(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("deter", str(run), "--without", "HUB", "--restore", "1", "--json") == 0
    rows = json.loads(capsys.readouterr().out)["restorations"]
    assert rows
    for row in rows:
        assert row["p_without"] > row["p"]
        fall, gain = row["p_without"] - row["p"], row["p_without"] - row["p_with_effort"]
        assert row["restored_of_fall"] == pytest.approx(gain / fall, abs=2e-3 / fall)
    groups: dict[tuple[str, str], list[Any]] = {}
    for row in rows:
        groups.setdefault((row["war_case"], row["theater"]), []).append(row)
    for found in groups.values():
        assert [r["rank"] for r in found] == list(range(1, len(found) + 1))
        assert [r["p_with_effort"] for r in found] == sorted(r["p_with_effort"] for r in found)
    assert call("deter", str(run), "--without", "HUB", "--restore", "1", "--csv") == 0
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {r["effort"] for r in lines if r["table"] == "restorations"} == {r["effort"] for r in rows}
    assert call("deter", str(run), "--without", "HUB", "--restore", "1") == 0
    assert "What restores the margin without HUB" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--restore", "0.5"], ["--without", "HUB", "--restore", "0"]], ids=["nothing out", "no size"])
def test_no_effort_without_an_absence_and_none_of_no_size(
    run: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert call("deter", str(run), *words, "--json") == 2
    assert json.loads(capsys.readouterr().out)["problems"][0]["column"] == "--restore"


def test_break_evens_of_inputs_are_those_of_campaigns_with_the_input_fixed(
    bare: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("deter", str(bare), "--confirm", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    rows = [r for r in document["attribution"]["inputs_run_again"] if r["against"] is None]
    assert {r["input"] for r in rows} >= {"duel.ratio", "stock:RIV:shell_152"}, "the two that move the west most"
    row = next(r for r in rows if r["input"] == "stock:RIV:shell_152" and r["ecosystem"] == "as_is")
    assert [x["p"] for x in row["p_at"]] == sorted(x["p"] for x in row["p_at"]), "more shells of the attacker save nobody"
    results = Results.open(bare)
    plan = absences.plan_of(results.manifest)
    assert plan is not None
    probe = row["p_at"][4]
    data = plan.study.model_dump(mode="json", by_alias=True, exclude_none=True)
    data["uncertainties"] = {**data["uncertainties"], row["input"]: paper.constant(probe["value"])}
    fixed = deterring.simulate(
        make_plan(Study.model_validate(data), plan.register), 512, [row["ecosystem"]], deterring.price_ranges(results)
    )
    lost = fixed.verdicts[row["ecosystem"], row["war_case"], f"{row['theater']}.{row['mission']}"].lost(fixed.window)
    assert probe["p"] == pytest.approx(lost.mean(), abs=0.01), "the value is printed to four figures"
    base = deterring.from_run(results)
    at = {x["value"]: x["p"] for x in row["p_at"]}
    for (f, fear), (s, value), (w, weight) in product(enumerate(FEAR), enumerate(STATUS_QUO), enumerate(COST_WEIGHT)):
        between = row["turns_between_by_grid"][f][s][w]
        tie = float(np.median(base.prices[row["theater"]].tie(status_quo=value, weight=weight, fear=fear, bound=True)))
        signs = [x <= tie for x in at.values()]
        assert (between is None) == (len(set(signs)) == 1 or abs(min(abs(x - tie) for x in at.values())) < 1e-4)
        if between is not None:
            assert (at[between[0]] <= tie) != (at[between[1]] <= tie) or min(abs(at[v] - tie) for v in between) < 1e-4
    assert call("deter", str(bare), "--confirm") == 0
    assert "confirmed by running again" in capsys.readouterr().out


def test_the_report_shows_the_grid_of_every_war_by_itself(bare: Path) -> None:
    section = MarginSection(Context(Results.open(bare), Register.load(bare.parent / "register")))
    drawing, balance = section.grid_map, section.balance
    assert drawing is not None
    assert drawing.table is not None
    assert section.layers is None, "the run has no layers"
    alone = {"west": "west_alone", "east": "east_alone"}
    margins = {
        (r["theater"], r["ecosystem"]): r["by_grid"] for r in section.found["margins"] if r["war_case"] == alone[r["theater"]]
    }
    assert len(drawing.table.bodies) == len(alone)
    for theater, body in zip(alone, drawing.table.bodies, strict=True):
        assert len(body.rows) == len(FEAR) * len(STATUS_QUO[::2])
        for row, (f, s) in zip(body.rows, product(range(len(FEAR)), range(0, len(STATUS_QUO), 2)), strict=True):
            assert row.label == f"{FEAR[f]:g}, {STATUS_QUO[s]:g}"
            ends = [[margins[theater, eco][f][s][w] for eco in ("as_is", "full")] for w in range(len(COST_WEIGHT))]
            assert row.cells == tuple(wording.change(*(wording.signed(v, 2) for v in pair)) for pair in ends)
    assert balance is not None
    assert sum(len(b.rows) for b in balance.bodies) == 2 * 4, "two duels in four ecosystems"


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_the_sign_of_two_margins(first: float, last: float) -> None:
    expected = {(True, True): "held", (False, True): "gained", (True, False): "lost", (False, False): "below"}
    assert _sign(first, last) == expected[first > 0, last > 0]


def test_an_actor_nobody_knows_is_bad_input(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("deter", str(run), "--without", "NOBODY", "--json") == 2
    assert json.loads(capsys.readouterr().out)["problems"][0]["found"] == "NOBODY"


def test_everything_that_is_wrong_is_told_at_once(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = ("--without", "NOBODY", "--split", "2", "--against", "nosuch", "--restore", "0")
    assert call("deter", str(run), *wrong, "--json") == 2
    told = capsys.readouterr().err
    assert all(option in told for option in wrong[::2])
    assert "4 problems" in told


def test_a_study_may_set_a_price(run: Path) -> None:
    opened = Results.open(run)
    study = {**opened.study, "uncertainties": {**opened.study["uncertainties"], "deter.fear": paper.constant(0.25)}}
    opened.__dict__["manifest"] = {**opened.manifest, "study": study}
    assert deterring.price_ranges(opened)["deter.fear"].mode == 0.25


def test_signs_are_marked_by_construction_or_result(run: Path) -> None:
    found = deterring.signs(Register.load(run.parent / "register"), str(run.parent / "paper.yaml"), futures=128)
    assert {s.basis for s in found} == {"by construction", "result"}
    by = {s.sign: s for s in found}
    assert by["fear"].held
    assert not by["short_term"].held, "no verdict falls in the first 12 weeks: the model cannot show it, and says so"
    assert {s.basis for name, s in by.items() if name.startswith("opportunism")} == {"result"}
    assert by["weeks_sustained"].basis == "by construction"
    assert {s.basis for name, s in by.items() if name.startswith("local_balance")} == {"result"}
