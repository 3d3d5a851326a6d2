"""Two-action games: every equilibrium, against enumeration in exact fractions, textbook games, and pygambit where it is installed."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from isthmus.deterrence.games import PROFILES, REGIONS, Gains, regions, regret, solve

F64 = npt.NDArray[np.float64]
Profile = tuple[Fraction, Fraction]
ZERO, ONE = Fraction(0), Fraction(1)

# Row's payoffs, then column's; action 0 first. From Osborne and Rubinstein, A Course in Game Theory (1994), sections 2.3 and 3.2.
DILEMMA = ([[3, 0], [4, 1]], [[3, 4], [0, 1]])
CHICKEN = ([[6, 2], [7, 0]], [[6, 7], [2, 0]])
STAG = ([[4, 0], [3, 3]], [[4, 3], [0, 3]])
PENNIES = ([[1, -1], [-1, 1]], [[-1, 1], [1, -1]])


def game(payoffs: tuple[list[list[int]], list[list[int]]]) -> tuple[F64, F64]:
    row, column = (np.array(p, np.float64)[None] for p in payoffs)
    return row, column


def found(row: F64, column: F64) -> list[set[tuple[float, float]]]:
    profiles = solve(Gains.of(row, column)).profiles()
    return [{(float(x), float(q)) for x, q in one if np.isfinite(x)} for one in profiles]


def enumerated(row: F64, column: F64) -> set[Profile]:
    """Extreme equilibria of one game by the definition: every pair of candidate parts, each checked against both pure deviations."""
    a, b = ([[Fraction(float(x)) for x in line] for line in p] for p in (row, column))

    def crossing(first: Fraction, second: Fraction) -> list[Fraction]:
        return [first / (first - second)] if first != second and ZERO < first / (first - second) < ONE else []

    # Row's part makes column indifferent, and the other way round.
    xs = [ZERO, ONE, *crossing(b[0][1] - b[0][0], b[1][1] - b[1][0])]
    qs = [ZERO, ONE, *crossing(a[1][0] - a[0][0], a[1][1] - a[0][1])]
    out = set()
    for x, q in product(xs, qs):
        rows = [a[i][0] * (1 - q) + a[i][1] * q for i in (0, 1)]
        columns = [b[0][j] * (1 - x) + b[1][j] * x for j in (0, 1)]
        if rows[0] * (1 - x) + rows[1] * x == max(rows) and columns[0] * (1 - q) + columns[1] * q == max(columns):
            out.add((x, q))
    return out


@pytest.mark.parametrize(
    ("payoffs", "expected", "region"),
    [
        (DILEMMA, {(1.0, 1.0)}, "both"),
        (CHICKEN, {(0.0, 1.0), (1.0, 0.0), (1 / 3, 1 / 3)}, "one_or_the_other"),
        (STAG, {(0.0, 0.0), (1.0, 1.0), (0.25, 0.25)}, "neither_or_both"),
        (PENNIES, {(0.5, 0.5)}, "mixed_only"),
    ],
    ids=["prisoners' dilemma", "chicken", "stag hunt", "matching pennies"],
)
def test_textbook_games(
    payoffs: tuple[list[list[int]], list[list[int]]], expected: set[tuple[float, float]], region: str
) -> None:
    row, column = game(payoffs)
    (profiles,) = found(row, column)
    assert {(round(x, 12), round(q, 12)) for x, q in profiles} == {(round(x, 12), round(q, 12)) for x, q in expected}
    assert REGIONS[regions(Gains.of(row, column))[0]] == region


def test_the_stag_hunts_safe_equilibrium_is_risk_dominant_and_chickens_is_not_told() -> None:
    """Losses from leaving: 1 · 1 at stag, 3 · 3 at hare (Harsanyi and Selten 1988)."""
    solved = solve(Gains.of(*game(STAG)))
    assert PROFILES[solved.risk_dominant()[0]] == "11"
    assert solve(Gains.of(*game(CHICKEN))).risk_dominant()[0] == -1, "symmetric chicken has no risk-dominant equilibrium"


def test_random_games_equal_enumeration() -> None:
    rng = np.random.default_rng(1)
    row, column = rng.normal(size=(2, 1000, 2, 2))
    for i, profiles in enumerate(found(row, column)):
        exact = sorted((float(x), float(q)) for x, q in enumerated(row[i], column[i]))
        np.testing.assert_allclose(sorted(profiles), exact, atol=1e-12)


def test_every_game_of_three_payoffs_equals_enumeration() -> None:
    """6,561 games of payoffs -1, 0 and 1: most are degenerate."""
    cells = np.array(list(product((-1.0, 0.0, 1.0), repeat=8)))
    row, column = cells[:, :4].reshape(-1, 2, 2), cells[:, 4:].reshape(-1, 2, 2)
    seen = {}
    for i, profiles in enumerate(found(row, column)):
        gains = (*(row[i][1] - row[i][0]), *(column[i][:, 1] - column[i][:, 0]))
        if gains not in seen:
            seen[gains] = {(float(x), float(q)) for x, q in enumerated(row[i], column[i])}
        assert profiles == seen[gains]


def test_a_continuum_is_said_and_is_a_knife_edge() -> None:
    nothing = np.zeros((1, 2, 2))
    solved = solve(Gains.of(nothing, nothing))
    assert solved.continua()[0]
    assert REGIONS[solved.region[0]] == "knife_edge"
    assert not solve(Gains.of(*game(STAG))).continua()[0]


def test_a_tie_that_no_equilibrium_meets_is_no_knife_edge() -> None:
    """Attack dominates for the row player; column is indifferent only where row stays out, which he never does."""
    gains = Gains(*(np.array([x]) for x in (1.0, 1.0, 0.0, -1.0)))
    assert REGIONS[regions(gains)[0]] == "first_only"


def test_lines_between_extreme_equilibria_are_equilibria() -> None:
    rng = np.random.default_rng(2)
    row, column = rng.integers(-1, 2, size=(2, 500, 2, 2)).astype(float)
    for i, profiles in enumerate(found(row, column)):
        for first, second in product(profiles, repeat=2):
            if first[0] == second[0] or first[1] == second[1]:
                middle = np.array([[[(a + b) / 2 for a, b in zip(first, second, strict=True)]]])
                assert regret(row[i : i + 1], column[i : i + 1], middle)[0, 0] <= 1e-12


payoffs = arrays(np.float64, (5, 2, 2), elements=st.floats(-1e3, 1e3, allow_nan=False).map(lambda x: round(x, 3)))


@given(payoffs, payoffs)
def test_there_is_always_an_equilibrium_and_none_is_regretted(row: F64, column: F64) -> None:
    solved = solve(Gains.of(row, column))
    assert solved.held.any(axis=1).all()
    spread = max(1.0, float(np.abs(row).max()), float(np.abs(column).max()))
    assert np.nanmax(regret(row, column, solved.profiles())) <= 1e-9 * spread


whole = arrays(np.float64, (8, 2, 2), elements=st.integers(-2, 2).map(float))
close = arrays(
    np.float64, (8, 2, 2), elements=st.tuples(st.integers(-2, 2), st.integers(-3, 3)).map(lambda x: x[0] + x[1] * 1e-12)
)


@given(whole, whole)
def test_no_profile_of_a_degenerate_game_is_regretted(row: F64, column: F64) -> None:
    """Ties and equal payoffs: one of three such games or so has infinitely many equilibria."""
    solved = solve(Gains.of(row, column))
    assert solved.held.any(axis=1).all()
    assert np.nanmax(regret(row, column, solved.profiles())) <= 1e-9


@given(close, close)
def test_no_profile_of_a_game_that_is_all_but_degenerate_is_regretted(row: F64, column: F64) -> None:
    solved = solve(Gains.of(row, column))
    assert solved.held.any(axis=1).all()
    assert np.nanmax(regret(row, column, solved.profiles())) <= 1e-9


@given(payoffs, payoffs)
def test_swapping_the_players_swaps_the_profiles(row: F64, column: F64) -> None:
    turned = found(column.transpose(0, 2, 1), row.transpose(0, 2, 1))
    assert [{(q, x) for x, q in one} for one in turned] == found(row, column)


@given(payoffs, payoffs)
def test_generic_games_have_one_or_three_equilibria(row: F64, column: F64) -> None:
    """Wilson (1971): almost all games have an odd number."""
    gains = Gains.of(row, column)
    solved = solve(gains)
    generic = np.all([g != 0 for g in (gains.row_0, gains.row_1, gains.column_0, gains.column_1)], axis=0)
    assert set(solved.held[generic].sum(axis=1)) <= {1, 3}
    assert not (solved.region[generic] == REGIONS.index("knife_edge")).any()
    assert not solved.continua()[generic].any()


@pytest.mark.parametrize("bad", [np.zeros((1, 2, 3)), np.zeros((2, 2))])
def test_other_shapes_are_refused(bad: F64) -> None:
    with pytest.raises(ValueError, match="payoffs must be"):
        Gains.of(bad, bad)


def test_payoffs_that_are_no_numbers_are_refused() -> None:
    bad = np.full((1, 2, 2), np.nan)
    with pytest.raises(ValueError, match="finite"):
        Gains.of(bad, np.zeros((1, 2, 2)))


def test_pygambit_finds_the_same_in_1000_random_games() -> None:
    pygambit = pytest.importorskip("pygambit", reason="pygambit is not installed: an optional oracle")
    kind = pygambit.Game if hasattr(pygambit.Game, "from_arrays") else pygambit.StrategicGame
    rng = np.random.default_rng(3)
    # Integers, so that pygambit counts in fractions; of these games one in six or so is degenerate.
    row, column = rng.integers(-9, 10, size=(2, 1000, 2, 2)).astype(float)
    for i, profiles in enumerate(found(row, column)):
        made = kind.from_arrays(row[i].astype(int), column[i].astype(int))
        theirs = set()
        for equilibrium in pygambit.nash.enummixed_solve(made, rational=True).equilibria:
            # Players and strategies are objects up to version 16, labels from 17 on.
            names = [(p, p.strategies if hasattr(p, "strategies") else made.get_strategies(p)) for p in made.players]
            first, second = (equilibrium[player][list(own)[1]] for player, own in names)
            theirs.add((float(first), float(second)))
        np.testing.assert_allclose(sorted(profiles), sorted(theirs), atol=1e-12)
