"""Output over time: paths and the area under them, lines that share inputs, and what stages, plans and delays do to a line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.interop.access import access
from isthmus.interop.output import KNOT_WEEKS, InputUse, fill_progressively, knots, output_to, ramped
from isthmus.register import Register
from isthmus.study.plan import Plan
from tests import campaign_register as paper
from tests.campaign_register import EAS_A_WEEK, HUB_A_WEEK, WEEKS_A_YEAR

F64 = npt.NDArray[np.float64]
EPS = 1e-9


# Paths


@pytest.mark.parametrize(("horizon", "last"), [(1, 13), (13, 13), (14, 26), (52, 52), (156, 156), (157, 169)])
def test_knots_reach_the_end_of_the_horizon(horizon: int, last: int) -> None:
    weeks = knots(horizon)
    assert (weeks[0], weeks[-1]) == (0, last)
    np.testing.assert_array_equal(np.diff(weeks), KNOT_WEEKS)


def test_a_ramp_rises_to_its_end_and_stays() -> None:
    path = ramped(np.array([[10.0]]), np.array([[20.0]]), np.array([[26.0]]), knots(52))
    np.testing.assert_allclose(path[0, :, 0], [10, 20, 30, 30, 30])


@given(
    st.lists(st.floats(0, 1e4), min_size=2, max_size=14),
    st.floats(0, 1),
)
def test_output_to_is_the_area_under_the_path(values: list[float], part: float) -> None:
    """Against the trapezoid rule on a fine grid that has every knot among its points."""
    path = np.array(values)[:, None]
    end = part * KNOT_WEEKS * (len(values) - 1)
    at = KNOT_WEEKS * np.arange(len(values))
    grid = np.union1d(np.linspace(0, end, 2001), at[at <= end])
    area = np.trapezoid(np.interp(grid, at, values), grid)
    assert output_to(path, end)[0] == pytest.approx(area, rel=1e-9, abs=1e-6)


def test_output_beyond_the_last_knot_is_refused() -> None:
    path = np.ones((3, 1))
    assert output_to(path, 26)[0] == 26
    with pytest.raises(ValueError, match=r"a path of 3 knots ends before week 26\.5"):
        output_to(path, 26.5)


# Inputs that lines share


def shared(wanted: list[float], *uses: tuple[dict[int, float], float]) -> F64:
    """Output of lines at one knot in one future. A use: line → units of the input for one of output, and the capacity."""
    made = [
        InputUse(tuple(sorted(of)), np.array([[of[line]] for line in sorted(of)]), np.array([[capacity]]))
        for of, capacity in uses
    ]
    return fill_progressively(np.array(wanted)[:, None, None], made)[:, 0, 0]


def test_lines_without_inputs_make_what_they_want() -> None:
    np.testing.assert_allclose(shared([5, 7]), [5, 7])


def test_an_input_binds_one_line_at_its_capacity() -> None:
    np.testing.assert_allclose(shared([10], ({0: 2.0}, 8)), [4])


def test_two_lines_share_an_input_by_what_they_want() -> None:
    """Equal shares of the wish: x = 60 / (10 + 20 × 2) = 1.2, so nobody is cut; with 25 both get half."""
    np.testing.assert_allclose(shared([10, 20], ({0: 1.0, 1: 2.0}, 60)), [10, 20])
    np.testing.assert_allclose(shared([10, 20], ({0: 1.0, 1: 2.0}, 25)), [5, 10])


def test_what_one_line_cannot_use_goes_to_the_others() -> None:
    """Line 0 is held at 2 of 10 by an input of its own; of the common 12, 10 are left for line 1, which wants 10."""
    np.testing.assert_allclose(shared([10, 10], ({0: 1.0, 1: 1.0}, 12), ({0: 1.0}, 2)), [2, 10])


def test_the_least_input_bounds_a_line() -> None:
    np.testing.assert_allclose(shared([10], ({0: 1.0}, 7), ({0: 1.0}, 3), ({0: 1.0}, 5)), [3])


def test_no_capacity_no_output() -> None:
    np.testing.assert_allclose(shared([10, 4], ({0: 1.0}, 0)), [0, 4])


def test_three_links_of_bertsekas_and_gallager() -> None:
    """A long line over two inputs of 10 and two short ones: all rise to 5, the short ones cannot rise further."""
    np.testing.assert_allclose(shared([10, 10, 10], ({0: 1.0, 1: 1.0}, 10), ({0: 1.0, 2: 1.0}, 10)), [5, 5, 5])
    np.testing.assert_allclose(shared([10, 10, 10], ({0: 1.0, 1: 1.0}, 10), ({0: 1.0, 2: 1.0}, 16)), [5, 5, 10])


@st.composite
def industries(draw: st.DrawFn) -> tuple[list[float], list[tuple[dict[int, float], float]]]:
    lines = draw(st.integers(1, 6))
    wanted = draw(st.lists(st.floats(0.1, 100), min_size=lines, max_size=lines))
    uses = [
        (dict.fromkeys(sorted(draw(st.sets(st.integers(0, lines - 1), min_size=1))), 1.0), draw(st.floats(0, 150)))
        for _ in range(draw(st.integers(0, 5)))
    ]
    return wanted, [({line: draw(st.floats(0.1, 5)) for line in of}, capacity) for of, capacity in uses]


@given(industries())
def test_nobody_can_rise_without_taking_from_one_no_better_off(
    industry: tuple[list[float], list[tuple[dict[int, float], float]]],
) -> None:
    """Max–min fairness: a line is at its wish, or takes an input that is used up and in which no other line has a larger share."""
    wanted, uses = industry
    made = shared(wanted, *uses)
    level = made / wanted
    assert (made >= -EPS).all()
    assert (level <= 1 + EPS).all()
    loads = [sum(made[line] * per for line, per in of.items()) for of, _ in uses]
    for (_, capacity), load in zip(uses, loads, strict=True):
        assert load <= capacity * (1 + 1e-7) + 1e-7
    for line in range(len(wanted)):
        full = [
            of
            for (of, capacity), load in zip(uses, loads, strict=True)
            if line in of and load >= capacity - 1e-6 * max(1.0, capacity)
        ]
        fair = any(all(level[line] >= level[other] - 1e-6 for other in of) for of in full)
        assert level[line] >= 1 - 1e-6 or fair


@given(industries(), st.randoms(use_true_random=False))
def test_the_order_of_lines_and_inputs_does_not_matter(
    industry: tuple[list[float], list[tuple[dict[int, float], float]]],
    random: Random,
) -> None:
    wanted, uses = industry
    order = list(range(len(wanted)))
    random.shuffle(order)
    place = {line: i for i, line in enumerate(order)}
    mixed = [({place[line]: per for line, per in of.items()}, capacity) for of, capacity in uses]
    random.shuffle(mixed)
    np.testing.assert_allclose(
        shared([wanted[line] for line in order], *mixed), shared(wanted, *uses)[order], rtol=1e-9, atol=1e-9
    )


def test_futures_and_knots_do_not_see_each_other() -> None:
    rng = np.random.default_rng(3)
    wanted = rng.uniform(1, 10, (3, 4, 5))
    uses = [
        InputUse((0, 1), rng.uniform(0.5, 2, (2, 5)), rng.uniform(1, 20, (4, 5))),
        InputUse((1, 2), rng.uniform(0.5, 2, (2, 5)), rng.uniform(1, 20, (4, 5))),
    ]
    whole = fill_progressively(wanted, uses)
    for k in range(4):
        for f in range(5):
            part = [InputUse(u.lines, u.per_unit[:, f : f + 1], u.capacity[k : k + 1, f : f + 1]) for u in uses]
            one = fill_progressively(wanted[:, k : k + 1, f : f + 1], part)
            np.testing.assert_allclose(one[:, 0, 0], whole[:, k, f], rtol=1e-12)


# From the register


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., Register]:
    def build(**other: list[dict[str, str]]) -> Register:
        return Register.load(paper.write(tmp_path / "register", {**paper.tables(), **other}))

    return build


def stage(
    name: str, actor: str, measure: str, a_week: float, per_unit: float = 1, kind: str = "charge", **more: str
) -> dict[str, str]:
    amount = f"{a_week * WEEKS_A_YEAR:.6f}"
    taken = {f"per_unit_{k}": str(per_unit) for k in ("low", "mode", "high")}
    row = {"input_id": name, "name": name, "stage": kind, "actor_ids": actor, "materiel_ids": "shell_155", "measure": measure}
    return {**row, **taken, "unit": f"{kind}s/year", "low": amount, "mode": amount, "high": amount, **paper.GUESS, **more}


def weekly(plan: Plan, actor: str) -> F64:
    """Output of an actor's line at the knots, units a week, in the first future."""
    held = access(plan.supply, plan.study.ecosystems[0].rule(), plan.design.draw(0, 4)).stocks
    found = [i for i, line in enumerate(plan.supply.lines) if plan.supply.rows[line.row].actor_id == actor]
    assert len(found) == 1
    return held.output[found[0], :, 0]


PLANNED = EAS_A_WEEK + EAS_A_WEEK * np.minimum(1, np.arange(0, 53, 13) / 56)
"""Base 10 a week; the plan of 30, funded by half, adds 10 over the 56 weeks to its date."""


def test_without_stages_a_line_follows_its_plan(changed: Callable[..., Register]) -> None:
    np.testing.assert_allclose(weekly(paper.plan(changed()), "EAS"), PLANNED)


def test_a_stage_bounds_the_line_at_plan(changed: Callable[..., Register]) -> None:
    """Charges for 12 a week: the line rises until it takes them all."""
    plan = paper.plan(changed(line_inputs=[stage("charges", "EAS", "capacity", 12)]))
    np.testing.assert_allclose(weekly(plan, "EAS"), np.minimum(PLANNED, 12))


def test_per_unit_counts(changed: Callable[..., Register]) -> None:
    plan = paper.plan(changed(line_inputs=[stage("charges", "EAS", "capacity", 24, per_unit=2)]))
    np.testing.assert_allclose(weekly(plan, "EAS"), np.minimum(PLANNED, 12))


def test_a_stage_below_what_is_made_today_holds_the_line_where_it_is(changed: Callable[..., Register]) -> None:
    """The output was seen, so a stated capacity of 3 a week counts as the 10 that it takes."""
    plan = paper.plan(changed(line_inputs=[stage("charges", "EAS", "capacity", 3)]))
    np.testing.assert_allclose(weekly(plan, "EAS"), EAS_A_WEEK)


def test_a_stage_grows_by_its_own_plan(changed: Callable[..., Register]) -> None:
    """Charges from 10 to 14 a week, funded by half: 12 in the end, over the same 56 weeks."""
    rows = [
        stage("charges", "EAS", "capacity", 10),
        stage("charges", "EAS", "plan", 14, due="2027-10", as_of="2026-06"),
    ]
    expected = np.minimum(PLANNED, 10 + 2 * np.minimum(1, np.arange(0, 53, 13) / 56))
    np.testing.assert_allclose(weekly(paper.plan(changed(line_inputs=rows)), "EAS"), expected)


def test_two_lines_that_share_an_input_rise_as_shares_of_their_wish(changed: Callable[..., Register]) -> None:
    """Room for 115 a week between lines that want 100 and 10 to 20: both stop at the share 115 / wish."""
    plan = paper.plan(changed(line_inputs=[stage("powder", "EAS;HUB", "capacity", 115)]))
    share = np.minimum(1, 115 / (HUB_A_WEEK + PLANNED))
    np.testing.assert_allclose(weekly(plan, "EAS"), PLANNED * share)
    np.testing.assert_allclose(weekly(plan, "HUB"), HUB_A_WEEK * share)


def test_an_input_that_no_line_takes_changes_nothing(changed: Callable[..., Register]) -> None:
    plan = paper.plan(changed(line_inputs=[stage("charges", "WES", "capacity", 1)]))
    assert plan.supply.stages == ()
    np.testing.assert_allclose(weekly(plan, "EAS"), PLANNED)


def test_a_delay_moves_the_plan_and_not_what_is_made_today(changed: Callable[..., Register]) -> None:
    plan = paper.plan(changed(), delays=[{"actor": "EAS", "materiel": "shell_155", "weeks": 28}])
    np.testing.assert_allclose(weekly(plan, "EAS"), EAS_A_WEEK * (1 + np.arange(0, 53, 13) / 84))
    np.testing.assert_allclose(weekly(plan, "HUB"), HUB_A_WEEK)
