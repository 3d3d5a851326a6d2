"""Closed forms through the kernel: every case passes, a wrong answer would not, and the network takes no unknown name."""

from __future__ import annotations

import numpy as np
import pytest

from isthmus.sustainment import kernel as k
from isthmus.validation import closed_forms
from isthmus.validation.case import Case
from isthmus.validation.closed_forms import closed_form_cases, lanes, run


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return closed_form_cases()


def test_every_closed_form_is_met(cases: list[Case]) -> None:
    assert [c.case for c in cases if not c.passed] == []
    assert [c.case.removeprefix("closed_form.") for c in cases] == [
        "stock",
        "output",
        "ramp",
        "poisson",
        "poisson_use",
        "two_shots",
        "shoot_look_shoot",
        "conservation",
        "infinite_donor",
    ]


def test_every_case_is_a_closed_form_without_sources(cases: list[Case]) -> None:
    for case in cases:
        assert case.kind == "closed_form"
        assert case.sources == ()
        assert case.why
        assert case.unit


def test_twice_gives_the_same(cases: list[Case]) -> None:
    assert closed_form_cases() == cases


def test_a_kernel_that_loses_a_part_in_a_thousand_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def leaky(weeks: int, **values: object) -> object:
        outcome, fill = run(weeks, **values)  # type: ignore[arg-type]
        return outcome, fill * 0.999

    monkeypatch.setattr(closed_forms, "run", leaky)
    failed = {c.case for c in closed_form_cases() if not c.passed}
    assert {"closed_form.stock", "closed_form.output", "closed_form.ramp", "closed_form.infinite_donor"} <= failed


def test_a_finite_donor_does_not_pass_for_an_infinite_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closed_forms, "PLENTY", 5000.0)
    case = closed_form_cases()[-1]
    assert case.case == "closed_form.infinite_donor"
    assert not case.passed


def test_futures_fill_whole_tiles() -> None:
    made = lanes(30, stock=np.arange(3.0 * k.LANES), need=5.0)
    assert made.stock.shape == (3, 1, k.LANES)
    assert made.lag.shape == (3, 2, k.LANES)
    assert made.wait.shape == (3, 0, k.LANES)
    np.testing.assert_array_equal(made.stock.reshape(-1), np.arange(3.0 * k.LANES))


def test_growth_is_linear_between_knots() -> None:
    """Need above all output: what is used a week is what is made that week."""
    _, fill = run(40, output=10.0, growth=0.5, need=100.0, forward=1.0)
    np.testing.assert_allclose(100 * fill[:, 0], 10 + 0.5 * np.arange(40), rtol=1e-5)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="no such value of the kernel: stcok"):
        lanes(10, stcok=3.0)
