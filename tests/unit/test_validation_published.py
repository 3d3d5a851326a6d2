"""Published figures, and the functions of magazine depth and engagement that give them back. Numbers come from the pages named."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.errors import InputError
from isthmus.register.register import Register
from isthmus.sustainment import magazine
from isthmus.sustainment.engagement import leak_share, leak_share_with_tails, leak_table, salvo_kill
from isthmus.validation.case import Case
from isthmus.validation.published import NOT_TESTED_HERE, published_cases


@pytest.fixture(scope="module")
def register() -> Register:
    return Register.reference()


@pytest.fixture(scope="module")
def cases(register: Register) -> dict[str, Case]:
    return {case.case: case for case in published_cases(register)}


# The cases


def test_every_published_case_passes(cases: dict[str, Case]) -> None:
    assert [name for name, case in cases.items() if not case.passed] == []


def test_every_case_says_what_it_compared(cases: dict[str, Case]) -> None:
    assert len(cases) == 19
    for case in cases.values():
        assert case.kind == "published"
        assert case.observed is not None
        assert case.why.endswith((".", ")."))
        assert case.tests
        assert case.unit


def test_every_source_is_in_the_register(cases: dict[str, Case], register: Register) -> None:
    known = set(register.table("sources")["source_id"])
    assert {source for case in cases.values() for source in case.sources} <= known


def test_twice_gives_the_same(cases: dict[str, Case], register: Register) -> None:
    assert published_cases(register) == list(cases.values())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("thaad_loaded", 384),
        ("thaad_reload", 150),
        ("thaad_loaded_of_two", 96),
        ("thaad_drawn_by_150", 54),
        ("thaad_left_after_150", 96),
        ("thaad_drawn_by_200", 104),
        ("thaad_left_after_200", 46),
        ("two_interceptors", 0.91),
        ("leak_subsonic", 5.6),
        ("leak_supersonic", 7.4),
        ("two_shot", 2.0),
        ("shoot_look_shoot", 1.1),
        ("same_kill", 0.99),
    ],
)
def test_published_figures(cases: dict[str, Case], name: str, value: float) -> None:
    assert cases[f"published.{name}"].median == pytest.approx(value)
    assert cases[f"published.{name}"].observed == value


def test_a_register_that_disagrees_fails_the_case(register: Register) -> None:
    """Twice the stock of LRASM lasts longer than a week at the study's use."""
    stocks = register.table("stocks").copy()
    lrasm = (stocks["materiel_id"] == "lrasm") & (stocks["measure"] == "on_hand")
    stocks.loc[lrasm, ["low", "mode", "high"]] *= 2
    other = replace(register, tables=MappingProxyType({**register.tables, "stocks": stocks}))
    case = next(c for c in published_cases(other) if c.case == "published.lrasm_first_week")
    assert not case.passed
    assert case.median is not None
    assert case.median > 1.0


@pytest.mark.parametrize(
    ("table", "column", "value", "named"),
    [
        ("stocks", "materiel_id", "lrasm", "stocks.csv"),
        ("consumption", "materiel_id", "jassm", "consumption.csv"),
        ("uncertainties", "uncertainty_id", "fights.hub", "uncertainties.csv"),
    ],
)
def test_a_missing_row_is_named(register: Register, table: str, column: str, value: str, named: str) -> None:
    rows = register.table(table)
    tables = {**register.tables, table: rows[rows[column] != value].reset_index(drop=True)}
    with pytest.raises(InputError) as error:
        published_cases(replace(register, tables=MappingProxyType(tables)))
    assert error.value.problems[0].file == named
    assert value in error.value.problems[0].allowed


def test_what_is_not_tested_says_where_it_is() -> None:
    assert len(NOT_TESTED_HERE) == 7
    assert all(u.statement and u.why for u in NOT_TESTED_HERE)


# Magazine depth

amounts = st.floats(0, 1e6)


@given(stock=amounts, use=st.floats(0.1, 1e4), output=st.floats(0, 1e4))
def test_depth_is_used_up_exactly(stock: float, use: float, output: float) -> None:
    weeks = float(magazine.depth_weeks(stock, use, output))
    if output >= use:
        assert weeks == np.inf
    else:
        assert stock + output * weeks == pytest.approx(use * weeks, rel=1e-6, abs=1e-6)
        assert float(magazine.stock_required(use, 7 * weeks, output)) == pytest.approx(stock, rel=1e-6, abs=1e-6)


@given(delivered=amounts, units=st.floats(0, 100), each=st.floats(0, 100), fired=amounts, engaged=st.floats(0, 100))
def test_reload_is_conserved(delivered: float, units: float, each: float, fired: float, engaged: float) -> None:
    reload_ = float(magazine.reload_stock(delivered, units, each))
    left = float(magazine.reload_left(delivered, units, each, fired, engaged))
    assert 0 <= left <= reload_ <= delivered
    if left > 0:
        assert reload_ - left == pytest.approx(float(magazine.drawn_from_reload(fired, engaged, each)), rel=1e-6, abs=1e-6)


def test_years_to_rebuild() -> None:
    np.testing.assert_allclose(
        magazine.years_to_rebuild(np.array([100.0, 0.0, 100.0, 0.0]), np.array([50.0, 0.0, 0.0, 5.0])), [2, 0, np.inf, 0]
    )
    assert float(magazine.years_to_rebuild(100.0, 50.0, 25.0)) == 4.0
    assert float(magazine.years_to_rebuild(100.0, 50.0, 50.0)) == np.inf


def test_arrays_of_futures_keep_their_shape() -> None:
    stock = np.array([[10.0, 20.0], [30.0, 40.0]])
    np.testing.assert_allclose(magazine.depth_weeks(stock, 10.0), stock / 10)
    np.testing.assert_allclose(magazine.weekly_rate(stock, 2.0), stock / 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: magazine.loaded(-1.0, 48.0), "launch units must be finite"),
        (lambda: magazine.depth_weeks(float("nan"), 1.0), "stock must be finite"),
        (lambda: magazine.depth_weeks(1.0, float("inf")), "use must be finite"),
        (lambda: magazine.weekly_rate(10.0, 0.0), "weeks must be above 0"),
        (lambda: magazine.years_to_rebuild(1.0, -2.0), "output must be finite"),
        (lambda: magazine.stock_required(1.0, -7.0), "days must be finite"),
    ],
)
def test_amounts_that_cannot_be_are_refused(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=message):
        call()


# Leaks

shares = st.floats(0, 1)


@given(shares, shares, shares, shares)
def test_a_leak_is_a_share_and_falls_with_every_stage(f: float, s: float, t: float, m: float) -> None:
    leak = leak_share(f, s, t, m)
    assert 0 <= leak <= min(1 - f, 1 - s, 1 - t, 1 - m) + 1e-12


@given(leak=st.floats(0, 0.4), undefended=st.floats(0.5, 1))
def test_a_table_without_blunders_has_the_mean_of_its_binomial(leak: float, undefended: float) -> None:
    """2,000 faces: the quantiles between the first and the last face average to salvo × leak."""
    table = leak_table(25, leak, undefended, faces=2002)
    assert np.mean(table[1:-1]) == pytest.approx(25 * leak, abs=0.02)
    assert table[0] == 0
    assert table[-1] == round(25 * undefended)


def test_the_die_and_the_formula_agree_but_for_rounding() -> None:
    leak, undefended = leak_share(0.15, salvo_kill(0.7, 2), 0.7, 0.1), leak_share(0.15, 0.0, 0.0, 0.1)
    fine = leak_table(2500, leak, undefended, faces=20)
    assert sum(fine) / (2500 * 20) == pytest.approx(leak_share_with_tails(leak, undefended, 0.05, 0.05), abs=2e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: leak_share(1.1, 0.0, 0.0, 0.0), "within 0 and 1"),
        (lambda: leak_share_with_tails(0.1, 0.5, 0.6, 0.6), "within 0 and 1"),
        (lambda: leak_table(0, 0.1, 0.5), "at least 1 missile"),
        (lambda: leak_table(25, 0.1, 0.5, faces=2), "at least 3 faces"),
    ],
)
def test_leaks_that_cannot_be_are_refused(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=message):
        call()
