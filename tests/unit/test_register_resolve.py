"""The rule that makes one range of several observations, and coverage, on cases small enough to work out by hand."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from isthmus import Register
from isthmus.register.coverage import applicable, coverage
from isthmus.register.resolve import resolve, resolve_by


def rows(*observations: tuple[str, str, str | None, str | None, float, float, float]) -> pd.DataFrame:
    """Observations (fact_id, kind, as_of, confidence, low, mode, high)."""
    return pd.DataFrame(observations, columns=["fact_id", "kind", "as_of", "confidence", "low", "mode", "high"])


def test_a_single_fact_is_widened_by_its_grade() -> None:
    one = resolve(rows(("a", "fact", "2025", "B", 100, 100, 100)))
    assert one is not None
    assert (one.low, one.mode, one.high) == (100 / 1.25, 100, 100 * 1.25)
    assert (one.kind, one.grade, one.used, one.discarded) == ("fact", "B", ("a",), ())


def test_an_assumption_is_not_widened() -> None:
    one = resolve(rows(("a", "assumption", None, None, 10, 50, 90)))
    assert one is not None
    assert (one.low, one.mode, one.high, one.grade) == (10, 50, 90, None)


def test_an_estimate_without_grade_is_widened_as_grade_c() -> None:
    one = resolve(rows(("a", "estimate", "2025", None, 30, 30, 30)))
    assert one is not None
    assert (one.low, one.high, one.grade) == (20, 45, None)


def test_facts_discard_estimates_and_assumptions() -> None:
    one = resolve(
        rows(
            ("f", "fact", "2020", "C", 3, 3, 3), ("e", "estimate", "2025", "A", 1, 1, 1), ("x", "assumption", None, None, 0, 5, 9)
        )
    )
    assert one is not None
    assert one.used == ("f",)
    assert one.discarded == (("e", "a fact exists"), ("x", "a fact exists"))


def test_estimates_win_over_assumptions() -> None:
    one = resolve(rows(("e", "estimate", "2025", "A", 1, 1, 1), ("x", "assumption", None, None, 0, 5, 9)))
    assert one is not None
    assert one.discarded == (("x", "an estimate exists"),)


def test_a_sound_grade_gives_the_mode_and_all_rows_the_range() -> None:
    one = resolve(rows(("a", "fact", "2024-06", "A", 90, 100, 110), ("c", "fact", "2025-06", "C", 30, 300, 330)))
    assert one is not None
    assert (one.low, one.mode, one.high) == pytest.approx((30 / 1.1, 100, 330 * 1.1))
    assert one.grade == "A"


def test_the_latest_of_the_sound_rows_gives_the_mode_and_the_better_grade_breaks_a_tie() -> None:
    one = resolve(rows(("a", "fact", "2024-06", "A", 1, 1, 1), ("b", "fact", "2025-06", "B", 5, 5, 5)))
    assert one is not None
    assert (one.mode, one.grade) == (5, "B")
    two = resolve(rows(("a", "fact", "2025-06", "A", 1, 1, 1), ("b", "fact", "2025-06", "B", 5, 5, 5)))
    assert two is not None
    assert (two.mode, two.grade) == (1, "A")


def test_among_rows_of_one_grade_the_latest_gives_the_mode() -> None:
    one = resolve(rows(("a", "fact", "2024-06", "A", 1, 1, 1), ("b", "fact", "2024-07", "A", 2, 2, 2)))
    assert one is not None
    assert one.mode == 2


def test_rows_of_one_grade_and_date_give_the_middle_of_their_modes() -> None:
    one = resolve(rows(*((name, "fact", "2024", "A", m, m, m) for name, m in (("a", 1.0), ("b", 7.0), ("c", 2.0)))))
    assert one is not None
    assert one.mode == 2


@pytest.mark.parametrize(("as_of", "used"), [("2023-06", ("a", "b")), ("2023-05", ("b",))])
def test_the_window_holds_24_months(as_of: str, used: tuple[str, ...]) -> None:
    one = resolve(rows(("a", "fact", as_of, "A", 1, 1, 1), ("b", "fact", "2025-06-30", "C", 2, 2, 2)))
    assert one is not None
    assert one.used == used


def test_rows_after_the_date_are_left_out() -> None:
    both = rows(("a", "fact", "2020", "A", 1, 1, 1), ("b", "fact", "2025", "A", 2, 2, 2))
    one = resolve(both, at="2021")
    assert one is not None
    assert (one.used, one.discarded) == (("a",), (("b", "dated after 2021"),))
    assert resolve(both, at="2019") is None


def test_an_undated_row_yields_to_a_dated_one() -> None:
    one = resolve(rows(("a", "estimate", None, "A", 1, 1, 1), ("b", "estimate", "2025", "C", 2, 2, 2)))
    assert one is not None
    assert one.discarded == (("a", "no date, while a dated row exists"),)


def test_nothing_resolves_to_nothing() -> None:
    assert resolve(rows()) is None


def test_two_units_are_not_one_quantity() -> None:
    frame = rows(("a", "fact", "2025", "A", 1, 1, 1), ("b", "fact", "2025", "A", 2, 2, 2)).assign(
        unit=["units/day", "units/year"]
    )
    with pytest.raises(ValueError, match="units/day"):
        resolve(frame)
    with pytest.raises(ValueError, match="units/day"):
        resolve_by(frame.assign(actor_id="POL"), ["actor_id"])
    assert len(resolve_by(frame, ["unit"])) == 2


def test_resolve_by_is_resolve_on_each_group(tiny_register: Path) -> None:
    stocks = Register.load(tiny_register).table("stocks")
    both = pd.concat([stocks, stocks.assign(actor_id="JPN", low=0.0)])
    grouped = resolve_by(both, ["actor_id", "materiel_id"])
    assert list(grouped) == [("POL", "shell_155"), ("JPN", "shell_155")]
    assert grouped["POL", "shell_155"] == resolve(stocks)
    assert (grouped["POL", "shell_155"].low, grouped["POL", "shell_155"].mode) == (60 / 1.25, 70)  # the later row, of grade B


def test_an_item_applies_to_members_of_its_blocs_or_to_its_side(tiny_register: Path) -> None:
    assert applicable(Register.load(tiny_register)) == {
        *((actor, "round_standard") for actor in ("USA", "POL", "JPN")),
        *((actor, "shared_stock") for actor in ("USA", "POL", "JPN")),
    }


def test_membership_counts_from_its_date(tiny_register: Path) -> None:
    at = applicable(Register.load(tiny_register).at("1990")) | applicable(Register.load(tiny_register).at("2010"))
    assert ("POL", "round_standard") in at
    assert ("POL", "round_standard") not in applicable(Register.load(tiny_register).at("1990"))


def test_coverage_counts_rows_and_unknown_cells(tiny_register: Path) -> None:
    rows_of = {row["field"]: row for row in coverage(Register.load(tiny_register))}
    assert rows_of["stocks"] == {
        "stage": "register",
        "field": "stocks",
        "elements": 3,
        "facts": 2,
        "estimates": 0,
        "assumptions": 1,
        "unknown": None,
    }
    standard = rows_of["adoptions.standard"]
    assert [standard[k] for k in ("elements", "facts", "estimates", "assumptions", "unknown")] == [3, 1, 0, 1, 1]
    assert rows_of["adoptions.concept.allied"]["unknown"] == 3
