"""Scores against closed forms and against sums done by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.validation import scores


def test_crps_of_a_point_is_the_distance() -> None:
    assert scores.crps([3.0], 5.0) == pytest.approx(2.0)
    assert scores.crps([[3.0], [3.0]], [5.0, 1.0]) == pytest.approx([2.0, 2.0])
    assert scores.crps(np.full(50, 3.0), 5.0, fair=False) == pytest.approx(2.0)


def test_crps_by_hand() -> None:
    # Draws 0 and 2, observed 1: E|X - y| = 1; exact E|X - X'| = 1, fair E|X - X'| = 2.
    assert scores.crps([0.0, 2.0], 1.0, fair=False) == pytest.approx(0.5)
    assert scores.crps([0.0, 2.0], 1.0, fair=True) == pytest.approx(0.0)


def test_crps_of_a_normal_is_its_closed_form() -> None:
    draws = np.random.default_rng(1).normal(1.5, 2.0, 200_000)
    for y in (-3.0, 1.5, 6.0):
        assert scores.crps(draws, y) == pytest.approx(float(scores.crps_normal(1.5, 2.0, y)), rel=5e-3)
    # At its own mean, with unit spread: 2 phi(0) - 1 / sqrt(pi).
    assert scores.crps_normal(0.0, 1.0, 0.0) == pytest.approx(2 / math.sqrt(2 * math.pi) - 1 / math.sqrt(math.pi))


def test_weights_are_repeats() -> None:
    assert scores.crps([1.0, 4.0], 2.0, weights=[3.0, 1.0], fair=False) == pytest.approx(
        float(scores.crps([1.0, 1.0, 1.0, 4.0], 2.0, fair=False))
    )


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=12), st.floats(-50, 50))
@settings(max_examples=60, deadline=None)
def test_one_pass_equals_all_pairs(draws: list[float], y: float) -> None:
    x = np.asarray(draws)
    n = len(x)
    pairs = np.abs(x[:, None] - x[None, :]).sum()
    assert scores.crps(x, y, fair=False) == pytest.approx(np.abs(x - y).mean() - pairs / (2 * n * n), abs=1e-9)
    assert scores.crps(x, y) == pytest.approx(np.abs(x - y).mean() - pairs / (2 * n * (n - 1)), abs=1e-9)


def test_crps_needs_a_draw() -> None:
    with pytest.raises(ValueError, match="at least one draw"):
        scores.crps([], 1.0)


def test_weighted_quantiles() -> None:
    assert scores.quantiles([1.0, 2.0, 3.0], [0.5]).tolist() == [2.0]
    assert scores.quantiles([3.0, 1.0, 2.0], [0.05, 0.5, 0.95], [0.8, 0.1, 0.1]).tolist() == [1.0, 3.0, 3.0]
    assert scores.quantiles(np.ones((4, 3)), [0.1, 0.9], np.ones(3)).shape == (2, 4)


def test_interval_score_by_hand() -> None:
    assert scores.interval_score(1.0, 3.0, 2.0) == pytest.approx(2.0)
    assert scores.interval_score(1.0, 3.0, 4.0) == pytest.approx(2.0 + 20.0)
    assert scores.interval_score([1.0, 1.0], [3.0, 3.0], [0.5, 3.0], level=0.5) == pytest.approx([4.0, 2.0])


def test_coverage_counts_the_ends() -> None:
    assert scores.coverage([0, 0, 0], [1, 1, 1], [0, 1, 2]) == pytest.approx(2 / 3)
    assert math.isnan(scores.coverage([], [], []))


def test_bootstrap_by_group() -> None:
    first, second = np.array([1.0, 1.0, 3.0, 3.0]), np.array([2.0, 2.0, 2.0, 2.0])
    each = scores.paired_bootstrap(first, second, ["a", "b", "c", "d"])
    paired = scores.paired_bootstrap(first, second, ["x", "x", "y", "y"])
    assert each.mean == paired.mean == 0.0
    # s.e. of a mean of n draws from {-1, +1} is 1 / sqrt(n): four events against two groups.
    assert each.standard_error == pytest.approx(0.5, rel=0.05)
    assert paired.standard_error == pytest.approx(math.sqrt(0.5), rel=0.05)
    assert scores.paired_bootstrap(first, second, ["x", "x", "y", "y"]) == paired


def test_one_group_proves_nothing() -> None:
    found = scores.paired_bootstrap([1.0, 1.0], [5.0, 5.0], ["same", "same"])
    assert found.mean == -4.0
    assert not found.better()
    assert not found.worse()


def test_bootstrap_refuses_what_does_not_pair() -> None:
    with pytest.raises(ValueError, match="as many"):
        scores.paired_bootstrap([1.0], [1.0], ["a", "b"])


def test_leaving_one_episode_out_takes_the_best_rival_left() -> None:
    left = scores.leave_one_group_out(
        [1.0, 1.0, 4.0], {"near": [2.0, 2.0, 2.0], "far": [3.0, 3.0, 1.0]}, ["early", "early", "late"]
    )
    assert [x.group for x in left] == ["early", "late"]
    assert (left[0].rival, left[0].rival_score, left[0].skill) == ("far", 1.0, pytest.approx(-3.0))
    assert (left[1].rival, left[1].skill) == ("near", pytest.approx(0.5))
