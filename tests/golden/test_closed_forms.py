"""Cases whose answer fits on paper. Every expected number comes from a closed form written beside it, never from a run.

The kernel works in float32: an answer that is exact on paper is met to about a part in 100,000. Weeks are counted from 0 in
arrays, so "exhausted at time x" means: weeks 0 … floor(x) − 1 are served in full and week ceil(x) − 1 is the last with any use.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from isthmus.interop.output import KNOT_WEEKS
from isthmus.sustainment import kernel as k
from isthmus.sustainment.engagement import expected_mission_use, salvo_kill, shoot_look_shoot
from isthmus.sustainment.reference import Campaign
from tests.networks import PLENTY, permuted, simple

EPS = 1e-5
LANE = np.arange(k.LANES) % 128
"""Number of the case that a lane is; wider tiles repeat them."""
Outcome = dict[str, npt.NDArray[np.float64]]


def run(weeks: int, **case: Any) -> tuple[Outcome, npt.NDArray[np.float64]]:
    """Outcomes by column, ``(LANES,)`` each, and fill ``(fronts, weeks, LANES)``, of a simple network at war from week 0."""
    return run_network(weeks, *simple(**case))


def run_network(weeks: int, network: k.Network, lanes: k.Lanes) -> tuple[Outcome, npt.NDArray[np.float64]]:
    out, fill = k.run_tiles(network, lanes, np.zeros(network.n_fronts, np.int32), weeks, threads=1)
    views = tuple(str(v) for v in range(network.view_front.size))
    names = k.columns(
        network,
        views,
        ("duel",) * network.duel_kind.size,
        tuple(str(g) for g in range(network.n_groups)),
        tuple(str(s) for s in range(network.n_sides)),
        weeks,
    )
    assert np.isfinite(out).all()
    assert (out[0, -1] < 1e-4).all(), "conservation holds in every case of this file"
    return {name: out[0, i].astype(np.float64) for i, name in enumerate(names)}, fill[0].astype(np.float64)


def first_short(fill: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """The first week that is not served in full, per lane; the number of weeks where all are."""
    short = fill < 1 - EPS
    return np.where(short.any(axis=0), short.argmax(axis=0), fill.shape[0])


# Stock, output and ramp against a constant need


def test_a_stock_is_exhausted_at_stock_by_use() -> None:
    stock, need, weeks = 10.0 * (LANE + 1), 30.0, 60
    outcome, fill = run(weeks, stock=stock[None], need=need, forward=1.0)
    np.testing.assert_array_equal(first_short(fill[0]), stock // need)
    np.testing.assert_array_equal((fill[0] > EPS).sum(axis=0), np.ceil(stock / need))
    t = np.arange(weeks)[:, None]
    np.testing.assert_allclose(fill[0], np.clip(stock / need - t, 0, 1), atol=EPS)
    np.testing.assert_allclose(outcome["used.0"], stock, rtol=EPS)


def test_output_below_use_exhausts_at_stock_by_their_difference() -> None:
    stock, need, output, weeks = 10.0 * (LANE + 1), 30.0, 12.0, 90
    outcome, fill = run(weeks, stock=stock[None], output=output, need=need, forward=1.0)
    end = stock / (need - output)
    np.testing.assert_array_equal(first_short(fill[0]), np.floor(end))
    t = np.arange(weeks)[:, None]
    expected = np.where(t < np.floor(end), 1.0, np.where(t < end, (end - t) * (1 - output / need), 0.0) + output / need)
    np.testing.assert_allclose(fill[0], expected, atol=EPS)
    np.testing.assert_allclose(outcome["used.0"], stock + weeks * output, rtol=EPS)


@pytest.mark.parametrize("output", [30.0, 45.0])
def test_output_of_at_least_the_use_is_never_exhausted(output: float) -> None:
    outcome, fill = run(156, output=output, need=30.0, forward=1.0)
    np.testing.assert_allclose(fill, 1.0, atol=EPS)
    np.testing.assert_array_equal(outcome["weeks_met.0"], 156)


def test_a_linear_ramp_exhausts_at_the_root_of_its_parabola() -> None:
    """Output p + g·t: S + (p − D)·t + g·t²/2 = 0. A ramp begun half a week early makes the weekly sum that parabola."""
    stock, p, g, need, ramp, weeks = 10.0 * (LANE + 1) + 0.37, 10.0, 0.1, 30.0, 200.0, 100
    root = ((need - p) - np.sqrt((need - p) ** 2 - 2 * g * stock)) / g
    n = np.arange(weeks + 1)[:, None]
    for ramp_start, produced in ((0.0, p * n + g * n * (n - 1) / 2), (-0.5, p * n + g * n**2 / 2)):
        case = {"stock": stock[None], "output": p, "gain": g * ramp, "ramp": ramp, "ramp_start": ramp_start}
        _, fill = run(weeks, need=need, forward=1.0, **case)
        served = np.cumprod(stock + produced - need * n >= 0, axis=0).sum(axis=0) - 1
        np.testing.assert_array_equal(first_short(fill[0]), served)
        assert (np.abs(served + 0.5 - root) <= 1.0).all()
        if ramp_start:
            np.testing.assert_array_equal(served, np.floor(root))


def test_output_is_linear_between_the_knots_of_its_path() -> None:
    """Need above all output: what is used a week is what is made that week."""
    start, ramp = 2 * KNOT_WEEKS, 3 * KNOT_WEEKS
    _, fill = run(100, output=10.0, gain=40.0, ramp_start=start, ramp=ramp, need=100.0, forward=1.0)
    made = 10 + 40 * np.clip((np.arange(100) - start) / ramp, 0, 1)
    np.testing.assert_allclose(fill[0], np.broadcast_to(made[:, None] / 100, (100, k.LANES)), atol=EPS)


def test_money_is_booked_in_the_year_in_which_it_falls() -> None:
    """Output 10 a week at 3 a unit, all used: a full year is 52 weeks, the last one what is left of the horizon."""
    outcome, _ = run(110, output=10.0, need=100.0, forward=1.0, cost=3.0)
    for year, weeks in ((1, 52), (2, 52), (3, 6)):
        np.testing.assert_allclose(outcome[f"cost_of_output.0.year{year}"], 30.0 * weeks, rtol=1e-5)
        np.testing.assert_allclose(outcome[f"cost_of_use.0.year{year}"], 30.0 * weeks, rtol=1e-5)


def test_what_is_authorised_and_what_has_arrived() -> None:
    """A donor gives a tenth of his lot every 4 weeks; what was sent in the last 3 weeks is still under way."""
    outcome, _ = run(
        17, stock=1000.0, need=10.0, mode=k.FAR, far_lag=3.0, tranche_gap=4.0, tranche_size=1.0, tranche_unit=0.1, cover=50.0
    )
    np.testing.assert_allclose(outcome["authorised.0"], 500.0, rtol=1e-5)
    late, _ = run(
        20, stock=1000.0, need=10.0, mode=k.FAR, far_lag=3.0, tranche_gap=4.0, tranche_size=1.0, tranche_unit=0.1, cover=50.0
    )
    np.testing.assert_allclose(late["arrived.0"], outcome["shipped.0"], rtol=1e-4)
    assert (outcome["arrived.0"] < outcome["shipped.0"]).all()


def test_forces_worn_by_equal_fire_fall_in_a_straight_line_and_their_use_with_them() -> None:
    """Both sides fire all that they need, so X falls by `wear` a week, and the need, which follows it, in step with it."""
    wear = np.linspace(0.005, 0.02, k.LANES)
    outcome, fill = run(
        21, fronts=2, duel=k.BY_RATIO, stock=PLENTY, need=100.0, forward=1.0, wear=wear[None], ratio=5.0, cap=100.0
    )
    for f in range(2):
        # X(t+1) = X(t) − wear·X(t): fire is X times the reference need.
        np.testing.assert_allclose(outcome[f"force_left.{f}"], (1 - wear) ** 21, rtol=1e-4)
        used = 100 * (1 - (1 - wear) ** 21) / wear
        np.testing.assert_allclose(outcome[f"used.{f}"], used, rtol=1e-4)
    np.testing.assert_allclose(fill, 1.0, atol=EPS)


def test_a_force_that_dies_does_not_report_full_fill() -> None:
    """One side has nothing to fire with: it wears away, and its need stays that of the side that is whole."""
    stock = [PLENTY, 0.0]
    outcome, _ = run(60, fronts=2, duel=k.BY_RATIO, stock=stock, need=100.0, forward=1.0, wear=0.05, cap=100.0)
    np.testing.assert_allclose(outcome["force_left.0"], 1.0, atol=EPS)
    np.testing.assert_allclose(outcome["force_left.1"], 0.0, atol=EPS)
    np.testing.assert_allclose(outcome["needed.1"], 60 * 100.0, rtol=1e-4)
    assert (outcome["outcome.duel"] == 1).all()


def test_replacements_run_out() -> None:
    """What comes back over the war is bounded: a force under constant fire ends at 1 − loss + replacements."""
    outcome, _ = run(
        40, fronts=2, duel=k.BY_RATIO, stock=[PLENTY, 0.0], need=100.0, forward=1.0, wear=0.01, mend=1.0, replace=0.2, cap=100.0
    )
    np.testing.assert_allclose(outcome["force_left.1"], 1 - 0.01 * 40 + 0.2, atol=1e-3)


def test_a_planner_who_spreads_his_stock_uses_it_up_geometrically() -> None:
    """Without inflow U = Q / T, so Q falls by 1 − 1/T a week."""
    spread = 4.0 + LANE
    _, fill = run(40, stock=1000.0, need=2000.0, forward=1.0, plan_weeks=spread[None])
    t = np.arange(40)[:, None]
    np.testing.assert_allclose(2000 * fill[0], 1000 / spread * (1 - 1 / spread) ** t, rtol=1e-4, atol=0.05)


def test_launchers_cap_use() -> None:
    _, fill = run(10, stock=PLENTY, forward=1.0, need=100.0, cap=(LANE + 1.0)[None])
    np.testing.assert_allclose(fill[0], np.broadcast_to(np.minimum(1, (LANE + 1) / 100), (10, k.LANES)), atol=EPS)


def test_an_unstated_need_opens_at_the_current_output_of_lines_that_are_open() -> None:
    """R = F̄ + Q/T with T without end and an empty stock: the need is the output, also where the ramp was run before the war."""
    case = {
        "output": 10.0,
        "gain": 40.0,
        "ramp_start": -100.0,
        "ramp": 50.0,
        "kind": k.UNSTATED,
        "plan_weeks": PLENTY,
        "forward": 1.0,
    }
    outcome, fill = run(30, reference_need=50.0, **case)
    np.testing.assert_allclose(outcome["needed.0"], 30 * 50.0, rtol=1e-3)
    np.testing.assert_allclose(fill, 1.0, atol=1e-3)
    shut, _ = run(1, reference_need=50.0, wait=5.0, **case)
    np.testing.assert_array_equal(shut["needed.0"], 0.0)


# Pipelines


@pytest.mark.parametrize("loss", [0.0, 0.25, 0.5])
def test_an_infinite_donor_fills_every_need(loss: float) -> None:
    cover, lag = 1.0 + 0.5 * (LANE % 6), (LANE // 6) % 21
    case = {"stock": PLENTY, "mode": k.NEAR, "loss": loss, "cover": cover[None], "near_lag": lag[None], "plan_weeks": 8.0}
    outcome, fill = run(100, need=100.0, **case)
    t = np.arange(100)[:, None]
    assert (fill[0][t < lag] == 0).all(), "nothing comes before it can"
    assert (fill[0][t >= lag] > 1 - EPS).all()
    np.testing.assert_allclose(outcome["used.0"], 100.0 * (100 - lag), rtol=EPS)
    # Sent but not used is held or under way: (cover + lag) weeks of need, less last week's use, which is ordered next week.
    np.testing.assert_allclose(outcome["shipped.0"] - outcome["used.0"], 100.0 * (cover + lag - 1), rtol=1e-4, atol=0.5)


@pytest.mark.parametrize("loss", [0.0, 0.5])
@pytest.mark.parametrize(("before", "after"), [(50.0, 100.0), (100.0, 20.0)])
@pytest.mark.parametrize("fade", [0.0, 0.7])
def test_a_step_in_need_is_followed_without_late_oscillation(before: float, after: float, fade: float, loss: float) -> None:
    """A need path runs from opening to plateau. With a fade of 0 it is at the plateau in week 1: a step one week into the war."""
    cover, lag = 1.0 + 0.5 * (LANE % 6), (LANE // 6) % 21
    case = {"stock": PLENTY, "mode": k.NEAR, "loss": loss, "plan_weeks": 8.0, "need_open": before, "need": after, "fade": fade}
    _, fill = run(140, cover=cover[None], near_lag=lag[None], **case)
    settled = 2 * lag + 14 + (20 if fade else 0)
    assert (fill[0][np.arange(140)[:, None] >= settled] > 1 - EPS).all()
    for lane in (0, 23, 76, 125):
        sent = weekly_shipments(140, cover=cover[lane], near_lag=float(lag[lane]), **case)
        np.testing.assert_allclose(sent[110:], after, rtol=1e-6)


def weekly_shipments(weeks: int, **case: Any) -> npt.NDArray[np.float64]:
    """What reaches or will reach front 0, by week sent, from the twin."""
    network, lanes = simple(**case)
    twin = Campaign(network, lanes, [0] * network.n_fronts)
    total = [0.0]
    for t in range(weeks):
        twin.step(t)
        total.append(sum(sum(pool[part] for part in ("on_hand", "transit", "used")) for pool in twin.pool))
    return np.diff(total)


@pytest.mark.parametrize("mode", [k.HOME, k.NEAR, k.FAR])
def test_lag_zero_arrives_the_week_it_was_sent(mode: int) -> None:
    _, fill = run(5, stock=PLENTY, mode=mode)
    np.testing.assert_allclose(fill, 1.0, atol=EPS)


@pytest.mark.parametrize(("mode", "name"), [(k.NEAR, "near_lag"), (k.FAR, "far_lag")])
def test_the_first_arrival_is_the_lag(mode: int, name: str) -> None:
    lag = LANE % 32
    _, fill = run(40, stock=PLENTY, mode=mode, **{name: lag[None]})
    np.testing.assert_array_equal((fill[0] > EPS).argmax(axis=0), lag)


def test_lift_binds_exactly() -> None:
    """Lift L tonnes a week, mass w, loss s: L / w leave and (1 − s) of them arrive, up to the need."""
    lift, mass, loss, weeks = 0.5 * (LANE + 1), 0.5, 0.25, 30
    outcome, fill = run(weeks, stock=PLENTY, mode=k.FAR, lift=lift[None], mass_t=mass, loss=loss)
    arrives = np.minimum(100.0, lift / mass * (1 - loss))
    np.testing.assert_allclose(fill[0], np.broadcast_to(arrives / 100, (weeks, k.LANES)), atol=EPS)
    np.testing.assert_allclose(outcome["shipped.0"], weeks * arrives, rtol=EPS)
    np.testing.assert_allclose(outcome["shipped_far.0"], outcome["shipped.0"], rtol=EPS)


def test_lift_does_not_bind_what_comes_from_within_the_theater() -> None:
    outcome, fill = run(10, stock=PLENTY, mode=k.NEAR, lift=0.0)
    np.testing.assert_allclose(fill, 1.0, atol=EPS)
    np.testing.assert_array_equal(outcome["shipped_far.0"], 0.0)


def test_the_hub_is_credited_with_its_own_part() -> None:
    """Equal lots are drawn pro rata: one donor of four is the hub, and a quarter is his."""
    outcome, _ = run(12, donors=4, hub=[1, 0, 0, 0], stock=PLENTY, mode=k.NEAR)
    np.testing.assert_allclose(outcome["shipped_hub.0"], 0.25 * outcome["shipped.0"], rtol=EPS)


# Lots, decisions, floors, waits


@pytest.mark.parametrize(
    ("first", "gap", "stop", "size", "decided_at"),
    [
        (3.0, 4.0, PLENTY, 5.0, [3, 7, 11, 15, 19]),
        (3.0, 4.0, 15.0, 5.0, [3, 7, 11]),
        (3.0, 4.0, 16.0, 5.0, [3, 7, 11, 15]),
        (2.5, 3.5, PLENTY, 7.5, [3, 6, 10, 13]),
        (0.0, 1.0, PLENTY, 2.0, list(range(13))),
        (0.0, 1.0, 0.0, 2.0, []),
        (0.0, 1.0, PLENTY, PLENTY, [0]),
        (0.0, 1.0, PLENTY, 0.0, []),
    ],
)
def test_tranches_give_their_share_in_the_weeks_of_decision(
    first: float, gap: float, stop: float, size: float, decided_at: list[int]
) -> None:
    """Decision j falls in week ceil(first + j·gap), before `stop`; each gives size × unit of the lot c·(S − floor), 1 at most."""
    case = {"tranche_first": first, "tranche_gap": gap, "tranche_stop": stop, "tranche_size": size, "tranche_unit": 0.04}
    outcome, fill = run(30, stock=1000.0, access=0.8, floor=100.0, need=1000.0, **case)
    lot = 0.8 * (1000 - 100)
    share = np.array([min(1.0, 0.04 * size * sum(week <= t for week in decided_at)) for t in range(30)])
    np.testing.assert_allclose(
        1000 * fill[0].cumsum(axis=0), np.broadcast_to(lot * share[:, None], (30, k.LANES)), rtol=1e-4, atol=1e-3
    )
    assert (outcome["used.0"] <= lot * (1 + EPS)).all()


def test_floors_are_never_drawn_below() -> None:
    floor = 8.0 * LANE
    outcome, _ = run(30, stock=1000.0, output=5.0, floor=floor[None], need=200.0)
    np.testing.assert_allclose(outcome["used.0"], np.maximum(0, 1000 + 30 * 5.0 - floor), rtol=EPS, atol=1e-2)


def test_a_stock_below_its_floor_gives_nothing() -> None:
    outcome, _ = run(30, stock=50.0, floor=100.0, forward=0.5)
    np.testing.assert_array_equal(outcome["shipped.0"], 0.0)


def test_an_integration_wait_opens_in_the_first_week_that_is_not_before_it() -> None:
    wait = LANE / 2
    _, fill = run(80, stock=PLENTY, wait=wait[None], forward=0.3)
    np.testing.assert_array_equal((fill[0] > EPS).argmax(axis=0), np.ceil(wait))


def test_the_reserve_is_released_only_when_starved() -> None:
    """Two weeks of need in reserve and five above: five weeks in full, then 0.4 of need for 2 / 0.4 = 5 weeks, then nothing."""
    outcome, fill = run(15, stock=700.0, need=100.0, reserve=2.0, forward=1.0)
    expected = np.array([1.0] * 5 + [0.4] * 5 + [0.0] * 5)
    np.testing.assert_allclose(fill[0], np.broadcast_to(expected[:, None], (15, k.LANES)), atol=EPS)
    for name, weeks in (("met", 5), ("rationed", 5), ("starved", 5)):
        np.testing.assert_array_equal(outcome[f"weeks_{name}.0"], weeks)


# Two fronts that draw on one stock


def test_two_fronts_never_draw_more_than_there_is() -> None:
    """910 may be drawn in week 0, 520 in week 1, 130 in week 2, then the output of 10; joint 0 serves home first, 1 pro rata."""
    joint = LANE / (k.LANES - 1)
    outcome, fill = run(30, fronts=2, shared=True, stock=1000.0, output=10.0, floor=100.0, need=200.0, joint=joint[None])
    left = np.array([200.0, 200.0, 130.0] + [10.0] * 27)
    np.testing.assert_allclose(200 * fill[0], np.outer(left, 1 - joint / 2) + np.outer(left == 200, 100 * joint), atol=0.01)
    np.testing.assert_allclose(200 * fill[1], np.outer(left, joint / 2) + np.outer(left == 200, 200 - 100 * joint), atol=0.01)
    np.testing.assert_allclose(outcome["shipped.0"] + outcome["shipped.1"], 1000 - 100 + 30 * 10, rtol=EPS)


def test_the_home_front_is_whole_where_it_comes_first() -> None:
    """Output 150 and two needs of 100: home has 1 and away 0.5, or 0.75 each where they share."""
    joint = (LANE % 2).astype(float)
    _, fill = run(40, fronts=2, shared=True, output=150.0, need=100.0, joint=joint[None])
    np.testing.assert_allclose(fill[0, :, joint == 0], 1.0, atol=EPS)
    np.testing.assert_allclose(fill[1, :, joint == 0], 0.5, atol=EPS)
    np.testing.assert_allclose(fill[:, :, joint == 1], 0.75, atol=EPS)


def test_a_donor_at_war_at_home_spares_a_share_of_his_lot_once() -> None:
    """Share j of a lot of 900, not j of what is left every week: that would release nearly all of it within a quarter."""
    joint = LANE / (k.LANES - 1)
    case = {"fronts": 2, "shared": True, "home_war": True, "stock": 1000.0, "floor": 100.0, "need": [0.0, 200.0]}
    outcome, _ = run(40, joint=joint[None], **case)
    np.testing.assert_allclose(outcome["shipped.1"], 900 * joint, rtol=1e-4, atol=0.01)


@pytest.mark.parametrize(
    ("forward", "placed"), [((0.5, 0.25), (50.0, 25.0)), ((0.6, 0.6), (50.0, 50.0)), ((1.0, 0.25), (80.0, 20.0))]
)
def test_what_stands_forward_at_two_fronts_is_shared_whatever_their_order(
    forward: tuple[float, float], placed: tuple[float, float]
) -> None:
    network, lanes = simple(fronts=2, shared=True, stock=100.0, forward=forward, cover=0.0)
    for seed in range(4):
        other, other_lanes, _, order = permuted(seed, network, lanes, np.zeros(2, np.int32))
        outcome, _ = run_network(1, other, other_lanes)
        for new, old in enumerate(order["views"]):
            np.testing.assert_allclose(outcome[f"shipped.{new}"], placed[old], rtol=EPS)


# Supply states and duels


@pytest.mark.parametrize(
    ("stock", "verdict"), [((PLENTY, 500.0), 1), ((500.0, PLENTY), 2), ((500.0, 500.0), 0), ((PLENTY, PLENTY), 0)]
)
def test_a_spell_of_thirteen_weeks_decides_and_one_of_twelve_does_not(stock: tuple[float, float], verdict: int) -> None:
    """Stock for five weeks: the spell begins in the sixth and ends a duel in the eighteenth."""
    case = {"fronts": 2, "duel": k.BY_RATIO, "stock": stock, "forward": 1.0, "need": 100.0}
    twelve, _ = run(5 + 12, **case)
    np.testing.assert_array_equal(twelve["outcome.duel"], 0)
    thirteen, _ = run(5 + 13, **case)
    np.testing.assert_array_equal(thirteen["outcome.duel"], verdict)
    np.testing.assert_array_equal(thirteen["outcome_week.duel"], 18 if verdict else 0)


def test_a_week_of_supply_breaks_a_spell() -> None:
    """Half the stock on the first day and half in week 17: starved in weeks 5–16 and from week 22, twelve weeks at first."""
    case = {"fronts": 2, "duel": k.BY_RATIO, "stock": [PLENTY, 1000.0], "need": 100.0, "cover": 2.0}
    tranches = {"tranche_gap": 17.0, "tranche_stop": 34.0, "tranche_size": [PLENTY, 0.5]}
    for weeks, verdict in ((34, 0), (35, 1)):
        outcome, _ = run(weeks, **case, **tranches)
        np.testing.assert_array_equal(outcome["outcome.duel"], verdict)
        np.testing.assert_array_equal(outcome["weeks_starved.1"], weeks - 10)


def test_relative_fire_must_exceed_the_ratio() -> None:
    """The defender gets 0.2 of his need and the attacker 1.0 of an equal one: relative fire is 5."""
    ratio = 3.0 + 4.0 * LANE / k.LANES
    outcome, _ = run(20, fronts=2, duel=k.BY_RATIO, output=[100.0, 20.0], need=100.0, forward=1.0, ratio=ratio[None])
    clear = np.abs(ratio - 5) > 1e-3
    np.testing.assert_array_equal(outcome["outcome.duel"][clear], np.where(ratio < 5, 1, 0)[clear])


def test_two_empty_sides_decide_nothing() -> None:
    """Both stocks end in the same week; what rounding leaves of them must not count as fire that outshoots nothing."""
    weeks = np.random.default_rng(7).uniform(2, 20, k.LANES)
    stock = np.stack([weeks * 77.7, weeks * 3.3])
    outcome, _ = run(60, fronts=2, duel=k.BY_RATIO, stock=stock, need=[77.7, 3.3], forward=1.0, ratio=30.0)
    np.testing.assert_array_equal(outcome["outcome.duel"], 0)


def test_a_need_that_answers_launches_ends_with_them() -> None:
    """Two shots a launch. When the launcher's stock is empty there is nothing to stop, and nobody starves."""
    stock, launches = np.random.default_rng(8).uniform(100, 2000, k.LANES), 77.7
    network, lanes = simple(
        fronts=2, stock=np.stack([stock, np.zeros(k.LANES)]), need=launches, access=0.37, loss=0.1, forward=0.3
    )
    usable = 0.37 * stock * (1 - 0.1 * 0.7)
    network = network._replace(
        cell_kind=np.array([k.PATH, k.REACTIVE], np.int32),
        reaction_cell=np.array([1], np.int32),
        reaction_source=np.array([0], np.int32),
    )
    lanes = lanes._replace(reaction=np.full((1, 1, k.LANES), 2.0, np.float32))
    outcome, fill = run_network(60, network, lanes)
    np.testing.assert_allclose(outcome["needed.1"], 2 * usable, rtol=1e-4)
    np.testing.assert_array_equal(outcome["weeks_starved.1"], np.ceil(usable / launches))
    np.testing.assert_array_equal(fill[1], (np.arange(60)[:, None] >= np.ceil(usable / launches)).astype(float))


@pytest.mark.parametrize(("fade", "pressed"), [(0.8, 10), (0.83, 12), (0.85, 14)])
def test_only_weeks_under_pressure_count(fade: float, pressed: int) -> None:
    """A need that fades from 100 to 10 stays above a fifth of its opening for the weeks in which fade^t ≥ 1/9."""
    assert sum(fade**t >= 1 / 9 for t in range(60)) == pressed
    case = {"need_open": 100.0, "need": 10.0, "fade": fade, "stock": [PLENTY, 0.0], "forward": 1.0, "pressure": 0.2}
    outcome, _ = run(60, fronts=2, duel=k.BY_PRESSURE, reference_need=100.0, **case)
    np.testing.assert_array_equal(outcome["outcome.duel"], 1 if pressed >= 13 else 0)
    np.testing.assert_array_equal(outcome["outcome_week.duel"], 13 if pressed >= 13 else 0)


# No links, one actor, conservation


def test_without_links_everybody_starves_and_nothing_is_undefined() -> None:
    outcome, fill = run(26, fronts=2, donors=0, duel=k.BY_RATIO)
    np.testing.assert_array_equal(fill, 0.0)
    for v in range(2):
        np.testing.assert_array_equal(outcome[f"weeks_starved.{v}"], 26)
        for name in ("used", "shipped", "shipped_hub", "shipped_far"):
            np.testing.assert_array_equal(outcome[f"{name}.{v}"], 0.0)
        np.testing.assert_array_equal(outcome[f"years_to_rebuild.{v}"], 0.0)
    np.testing.assert_array_equal(outcome["outcome.duel"], 0)


def test_an_actor_alone_with_nothing_starves() -> None:
    outcome, fill = run(26)
    np.testing.assert_array_equal(fill, 0.0)
    np.testing.assert_array_equal(outcome["weeks_starved.0"], 26)


def test_no_need_is_met() -> None:
    outcome, fill = run(10, need=0.0, stock=100.0, forward=1.0)
    np.testing.assert_array_equal(fill, 1.0)
    np.testing.assert_array_equal(outcome["used.0"], 0.0)


def test_years_to_rebuild_are_what_is_gone_by_what_is_made() -> None:
    """A stock of 1000 is used up; lines make 10 a week, used as they come: 1000 / (52.18 × 10) years. Without: never."""
    gone, _ = run(60, stock=1000.0, output=10.0, need=100.0, forward=1.0)
    np.testing.assert_allclose(gone["years_to_rebuild.0"], 1000 / (52.18 * 10), rtol=EPS)
    never, _ = run(60, stock=1000.0, need=100.0, forward=1.0)
    np.testing.assert_array_equal(never["years_to_rebuild.0"], k.NEVER_YEARS)


def test_every_materiel_is_conserved_in_every_week() -> None:
    """Initial + produced = used + lost + held by the donor, at the front and under way: recounted from the twin."""
    case = {"donors": 2, "materiels": 3, "mode": k.FAR, "far_lag": 5.0, "loss": 0.2, "forward": 0.1, "effect": [0.5, 1.0, 2.0]}
    stock, output = np.arange(6) * 100.0, np.arange(6) * 3.0
    network, lanes = simple(stock=stock, output=output, cover=3.0, plan_weeks=6.0, lift=90.0, **case)
    twin = Campaign(network, lanes, [0])
    for t in range(52):
        twin.step(t)
        for m in range(3):
            pool = twin.pool[m]
            due = sum(amount for (p, _), amount in twin.due.items() if p == m)
            assert due == pytest.approx(pool["transit"], abs=1e-9)
            there = sum(twin.stock[m::3]) + pool["on_hand"] + due + pool["used"] + pool["lost"]
            assert there == pytest.approx(stock[m::3].sum() + (t + 1) * output[m::3].sum(), rel=1e-12)
    run_network(52, network, lanes)


# Engagements


def test_two_interceptors_of_070_give_091() -> None:
    assert salvo_kill(0.7, 2) == pytest.approx(0.91)


def test_shoot_look_shoot_takes_11_shots_for_the_kill_of_two() -> None:
    assert shoot_look_shoot(0.9, 2) == pytest.approx(1.1)
    assert salvo_kill(0.9, 2) == pytest.approx(0.99)


@pytest.mark.parametrize("salvos", [0, 1, 2, 5])
def test_shoot_look_shoot_is_a_geometric_sum(salvos: int) -> None:
    kill = np.linspace(0, 1, 11)
    shots = shoot_look_shoot(kill, salvos)
    np.testing.assert_allclose(shots[1:], (1 - (1 - kill[1:]) ** salvos) / kill[1:])
    assert shots[0] == salvos
    np.testing.assert_allclose(kill * shots, salvo_kill(kill, salvos), atol=1e-12)


@pytest.mark.parametrize(("kill", "shots"), [(-0.1, 2), (1.1, 2), (math.nan, 2), (0.5, -1)])
def test_what_is_no_chance_is_refused(kill: float, shots: int) -> None:
    with pytest.raises(ValueError, match="must"):
        salvo_kill(kill, shots)
    with pytest.raises(ValueError, match="must"):
        shoot_look_shoot(kill, shots)


def test_engagements_agree_with_shots_drawn_one_by_one() -> None:
    rng, targets = np.random.default_rng(20), 200_000
    for kill, salvos in ((0.7, 2), (0.9, 2), (0.4, 4)):
        hits = rng.random((targets, salvos)) < kill
        stopped = hits.any(axis=1)
        fired = np.where(stopped, hits.argmax(axis=1) + 1, salvos)
        for drawn, expected in ((stopped, salvo_kill(kill, salvos)), (fired, shoot_look_shoot(kill, salvos))):
            assert abs(drawn.mean() - expected) < 4 * drawn.std() / math.sqrt(targets)


def test_poisson_missions_use_rate_by_duration_by_use() -> None:
    """A check of expected annual demand: missions begin at random and last exponentially long."""
    rng, years, rate, duration, use = np.random.default_rng(30), 100_000, 3.0, 4.0, 25.0
    count = rng.poisson(rate, years)
    drawn = use * rng.gamma(np.maximum(count, 1e-12), duration)
    assert expected_mission_use(rate, duration, use) == 300.0
    assert abs(drawn.mean() - 300.0) < 4 * drawn.std() / math.sqrt(years)
