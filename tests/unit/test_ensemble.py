"""Uncertainties and designs: quantiles against SciPy's own distributions, and futures that do not depend on how they are cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from isthmus.axes import Shape
from isthmus.ensemble import Design, Uncertainty

SHARES = np.concatenate([[1e-4], np.linspace(0.001, 0.999, 999), [1 - 1e-4]])
ENDS = np.array([1e-9, 1e-7, 1e-5, 0.5, 1 - 1e-5, 1 - 1e-7, 1 - 1e-9])
"""Probabilities that hardly any future has: a tabulated quantile need only stay in order and within its range there."""
Z95 = float(stats.norm.ppf(0.95))


def uncertainty(shape: Shape, low: float, mode: float, high: float, name: str = "x") -> Uncertainty:
    return Uncertainty(name, shape, low, mode, high, "share", "assumption")


def design(names: str, seed: int = 20261) -> Design:
    return Design(tuple(uncertainty("uniform", 0, 0.5, 1, name) for name in names), seed)


@pytest.mark.parametrize(
    ("low", "mode", "high"),
    [
        (0.4, 0.7, 0.95),
        (0, 1, 2.5),
        (0, 0, 1),
        (0, 1, 1),
        (-0.4, 0.2, 2.3),
        (10, 60, 5000),
        (0.2, 0.2000001, 0.9),
        (1e5, 2e5, 9e6),
    ],
)
def test_pert_is_a_scaled_beta(low: float, mode: float, high: float) -> None:
    """Beta(1 + 4(m − a)/(b − a), 1 + 4(b − m)/(b − a)) on [a, b]: Malcolm et al. 1959."""
    span = high - low
    beta = stats.beta(1 + 4 * (mode - low) / span, 1 + 4 * (high - mode) / span, low, span)
    pert = uncertainty("pert", low, mode, high)
    assert np.abs(pert.quantile(SHARES) - beta.ppf(SHARES)).max() < 1e-3 * span
    for shares in (SHARES, ENDS):
        got = pert.quantile(shares)
        assert (np.diff(got) >= 0).all()
        assert got.min() >= low
        assert got.max() <= high


def test_mean_of_a_pert_is_its_known_formula() -> None:
    """(a + 4m + b) / 6."""
    middles = (np.arange(200_000) + 0.5) / 200_000
    assert uncertainty("pert", 2, 5, 20).quantile(middles).mean() == pytest.approx((2 + 4 * 5 + 20) / 6, rel=1e-4)


def test_uniform_and_loguniform_are_those_of_scipy() -> None:
    np.testing.assert_allclose(uncertainty("uniform", 3, 5, 8).quantile(SHARES), stats.uniform(3, 5).ppf(SHARES), rtol=1e-12)
    np.testing.assert_allclose(
        uncertainty("loguniform", 8, 40, 200).quantile(SHARES), stats.loguniform(8, 200).ppf(SHARES), rtol=1e-9
    )


def test_lognormal_has_its_three_points() -> None:
    """Symmetric in logarithms: 5th percentile, median and 95th percentile are as stated."""
    got = uncertainty("lognormal", 2, 8, 32).quantile(np.array([0.05, 0.5, 0.95]))
    np.testing.assert_allclose(got, [2, 8, 32], rtol=1e-9)
    sigma = np.log(4) / Z95
    want = stats.lognorm(sigma, scale=8).ppf(SHARES)
    np.testing.assert_allclose(uncertainty("lognormal", 2, 8, 32).quantile(SHARES), want, rtol=1e-6)


def test_skewed_lognormal_keeps_its_median_and_the_ratio_of_its_ends() -> None:
    """Three points and two parameters: median and ratio of the ends hold."""
    low, median, high = uncertainty("lognormal", 1, 4, 17).quantile(np.array([0.05, 0.5, 0.95]))
    assert median == pytest.approx(4)
    assert high / low == pytest.approx(17)


@pytest.mark.parametrize("chance", [0.0, 0.1, 0.35, 1.0])
def test_bernoulli_has_its_mean_and_only_two_values(chance: float) -> None:
    middles = (np.arange(10_000) + 0.5) / 10_000
    got = uncertainty("bernoulli", 0, chance, 1).quantile(middles)
    assert set(np.unique(got)) <= {0.0, 1.0}
    assert got.mean() == pytest.approx(chance, abs=1e-4)


def test_bernoulli_of_one_stated_chance_is_still_drawn() -> None:
    assert uncertainty("bernoulli", 0.3, 0.3, 0.3).quantile(np.array([0.1, 0.9])).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("shape", ["pert", "uniform", "loguniform", "lognormal", "constant"])
def test_no_width_is_a_constant(shape: Any) -> None:
    assert (uncertainty(shape, 7, 7, 7).quantile(SHARES) == 7).all()


@pytest.mark.parametrize(("low", "mode", "high"), [(2, 1, 3), (0, 4, 3), (5, 4, 3), (float("nan"), 1, 2), (0, float("nan"), 1)])
def test_bad_ranges_are_refused(low: float, mode: float, high: float) -> None:
    with pytest.raises(ValueError, match="x: low <= mode <= high does not hold"):
        uncertainty("pert", low, mode, high)


@pytest.mark.parametrize("shape", ["loguniform", "lognormal"])
@pytest.mark.parametrize("low", [0.0, -1.0])
def test_logarithmic_shapes_refuse_what_has_no_logarithm(shape: Any, low: float) -> None:
    with pytest.raises(ValueError, match="x"):
        uncertainty(shape, low, 1, 2)


@pytest.mark.parametrize(("low", "mode", "high"), [(-0.2, 0.5, 1), (0, 0.5, 1.5), (0, 1.2, 1.2)])
def test_a_chance_lies_within_0_and_1(low: float, mode: float, high: float) -> None:
    with pytest.raises(ValueError, match="x"):
        uncertainty("bernoulli", low, mode, high)


def test_infinite_ranges_are_refused() -> None:
    with pytest.raises(ValueError, match="x"):
        uncertainty("uniform", 0, 1, float("inf"))


@pytest.mark.parametrize("cuts", [[256] * 4, [1, 2, 3, 250, 512, 256], [1023, 1], [127, 129, 511, 257]])
def test_design_does_not_depend_on_blocks(cuts: list[int]) -> None:
    whole = design("dcba").draw(0, 1024)
    first = np.cumsum([0, *cuts])
    parts = [design("dcba").draw(int(a), n) for a, n in zip(first, cuts, strict=False)]
    for name, values in whole.items():
        assert values.tobytes() == np.concatenate([p[name] for p in parts]).tobytes()


@given(blocks=st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 300)), max_size=6))
def test_one_design_gives_the_same_futures_in_whatever_order_it_is_asked(blocks: list[tuple[int, int]]) -> None:
    """It goes on from where its last block ended, skips forward, or begins anew."""
    one = design("ab")
    for start, count in [(0, 512), (512, 512), *blocks]:
        assert np.array_equal(one.probabilities(start, count), WHOLE[start : start + count])


@given(start=st.integers(0, 5000), count=st.integers(1, 700))
def test_any_block_is_a_part_of_the_whole(start: int, count: int) -> None:
    assert np.array_equal(design("ab").probabilities(start, count), WHOLE[start : start + count])


WHOLE = design("ab").probabilities(0, 8192)


@pytest.mark.parametrize("exponent", [0, 3, 7, 10])
def test_every_dimension_has_one_point_per_stratum(exponent: int) -> None:
    """Sobol (1967): the first 2^k points put one into each of 2^k equal intervals, in every dimension."""
    n = 2**exponent
    points = Design(tuple(uncertainty("uniform", 0, 0.5, 1, f"u{i}") for i in range(40)), 5).probabilities(0, n)
    strata = np.sort((points * n).astype(int), axis=0)
    assert (strata == np.arange(n)[:, None]).all()


def test_probabilities_lie_strictly_within_0_and_1() -> None:
    points = design("abc").probabilities(0, 4096)
    assert points.min() > 0
    assert points.max() < 1


def test_same_seed_same_values_other_seed_other_values() -> None:
    one, same, other = (design("abc", seed).draw(0, 64) for seed in (1, 1, 2))
    for name in "abc":
        assert one[name].tobytes() == same[name].tobytes()
        assert not np.isclose(one[name], other[name]).any()


def test_dimensions_differ_from_each_other() -> None:
    values = design("abc").draw(0, 1024)
    assert abs(np.corrcoef(values["a"], values["b"])[0, 1]) < 0.02
    assert abs(np.corrcoef(values["b"], values["c"])[0, 1]) < 0.02


def test_order_of_declaration_does_not_matter() -> None:
    one, other = design("abc").draw(0, 64), design("cab").draw(0, 64)
    assert all(one[name].tobytes() == other[name].tobytes() for name in "abc")


def test_other_range_same_probability() -> None:
    """A study that widens one range leaves every other draw as it was: comparisons stay paired."""
    changed = Design((uncertainty("uniform", 0, 5, 10, "a"), uncertainty("uniform", 0, 0.5, 1, "b")), 20261).draw(0, 64)
    one = design("ab").draw(0, 64)
    assert one["b"].tobytes() == changed["b"].tobytes()
    np.testing.assert_allclose(changed["a"], 10 * one["a"], rtol=1e-12)


def test_duplicate_names_are_refused() -> None:
    with pytest.raises(ValueError, match="two uncertainties of one name"):
        design("aba").draw(0, 4)


def named(*names: str, seed: int = 7) -> Design:
    return Design(tuple(uncertainty("uniform", 0, 0.5, 1, name) for name in names), seed)


def test_a_draw_of_ones_own_hangs_on_its_name_alone() -> None:
    """A register that gains a row leaves the draws of all others as they were."""
    few, more = named("lag", "stock:A:x", "stock:B:x"), named("lag", "stock:A:w", "stock:A:x", "stock:B:x")
    before, after = few.draw(100, 50), more.draw(100, 50)
    for name in few.order:
        np.testing.assert_array_equal(before[name], after[name])
    assert few.shared == more.shared == ("lag",)


@given(start=st.integers(0, 300), count=st.integers(1, 200))
def test_own_draws_do_not_depend_on_how_they_are_cut(start: int, count: int) -> None:
    one = named("stock:A:x", "stock:B:x")
    whole = one.probabilities(0, 512)
    np.testing.assert_array_equal(one.probabilities(start, count), whole[start : start + count])


def test_own_draws_are_uniform_and_independent() -> None:
    """Kolmogorov-Smirnov for each, and no pair of 60 more correlated than 1/√n allows."""
    points = named(*(f"stock:A:{i}" for i in range(60))).probabilities(0, 4096)
    assert min(stats.kstest(points[:, i], "uniform").pvalue for i in range(60)) > 1e-4
    pairs = np.corrcoef(points.T)[np.triu_indices(60, 1)]
    assert np.abs(pairs).max() < 5 / np.sqrt(4096)
    assert np.abs(np.corrcoef(points[:, 0], named("stock:A:0", seed=8).probabilities(0, 4096)[:, 0])[0, 1]) < 0.08
