"""Contradictions are found as their definition says, and the committed page shows those of the reference register."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from isthmus import Register
from isthmus.register.contradictions import PAGE, Contradiction, contradiction_rows, contradictions, quantity_name, text, write
from isthmus.register.register import reference_root
from isthmus.register.resolve import QUANTITIES, resolve_by
from tests.conftest import TINY, csv_text

COMMITTED = Path(__file__).parents[2] / PAGE
UPDATE = (
    "the register has changed: run python -c 'from isthmus import Register; from isthmus.register.contradictions import write, PAGE; "
    "from pathlib import Path; write(Register.reference(), Path(PAGE))'"
)


def found(folder: Path, *figures: tuple[str, str, str]) -> list[Contradiction]:
    """Contradictions of one stock that is reported as (figure or low-mode-high, date, grade), each by a source of its own note."""
    rows = []
    for number, (figure, date, grade) in enumerate(figures):
        parts = (figure.split("-") * 3)[:3]
        kind = {"kind": "assumption", "note": f"guess {number}"} if grade == "?" else {"kind": "fact", "confidence": grade}
        dated = {"as_of": date, "source_id": "paper", "note": f"row {number}"}
        rows.append(
            {**TINY["stocks"][0], "confidence": "", **dated, **kind, **dict(zip(("low", "mode", "high"), parts, strict=True))}
        )
    (folder / "stocks.csv").write_text(csv_text("stocks", rows), encoding="utf-8")
    return contradictions(Register.load(folder))


@pytest.mark.parametrize(
    ("figures", "ratio"),
    [
        ([("100", "2025", "A"), ("121", "2025", "A")], None),  # 100 × 1.1 = 121 / 1.1: they touch
        ([("100", "2025", "A"), ("122", "2025", "A")], 1.22),  # apart
        ([("100", "2025", "A"), ("137", "2025", "B")], None),  # 110 > 137 / 1.25
        ([("100", "2025", "C"), ("150", "2025", "C")], None),  # not more than the factor
        ([("100", "2025", "C"), ("151", "2025", "C")], 1.51),
        ([("50-100-300", "2025", "A"), ("200-250-300", "2025", "A")], 2.5),  # overlap, but the modes are far
        ([("0", "2025", "A"), ("0", "2025", "B")], None),
        ([("100", "2025", "A"), ("500", "2020", "A")], None),  # outside the window
        ([("100", "2025", "A"), ("500", "2025", "?")], None),  # a fact exists
        ([("100", "2025", "A")], None),
        ([("100", "2025", "C"), ("140", "2025", "C"), ("190", "2025", "C")], 1.9),
    ],
)
def test_what_is_a_contradiction(tiny_register: Path, figures: list[tuple[str, str, str]], ratio: float | None) -> None:
    got = found(tiny_register, *figures)
    assert [c.ratio for c in got] == ([] if ratio is None else [pytest.approx(ratio)])


def test_plans_for_different_dates_are_different_quantities(tiny_register: Path) -> None:
    plan = {**TINY["lines"][0], "measure": "plan", "low": "10", "mode": "10", "high": "10"}
    more = {**plan, "low": "50", "mode": "50", "high": "50", "source_id": "paper"}

    def quantities(first: str, second: str) -> list[str]:
        (tiny_register / "lines.csv").write_text(csv_text("lines", [{**plan, "due": first}, {**more, "due": second}]))
        return [quantity_name(c) for c in contradictions(Register.load(tiny_register)) if c.table == "lines"]

    assert len(quantities("2026", "2026")) == 1
    assert quantities("2026", "2028") == []
    assert quantities("2026", "") == []


def test_the_page_shows_what_was_counted_where_the_ratio_is_high(tiny_register: Path) -> None:
    found(tiny_register, ("100", "2025", "A"), ("200", "2025", "A"))
    assert "row 0" not in text(Register.load(tiny_register))
    found(tiny_register, ("100", "2025", "A"), ("300", "2025", "A"))
    assert "row 0" in text(Register.load(tiny_register))


def test_nothing_against_something_has_no_ratio(tiny_register: Path) -> None:
    (one,) = found(tiny_register, ("0", "2025", "A"), ("5", "2025", "A"))
    assert one.ratio is None
    assert one.apart
    assert "| from 0 |" in text(Register.load(tiny_register))


def test_a_contradiction_shows_rows_used_and_discarded(tiny_register: Path) -> None:
    (one,) = found(tiny_register, ("100", "2025-06", "A"), ("300", "2024-06", "B"), ("700", "2020", "A"), ("9", "", "?"))
    assert quantity_name(one) == "POL, shell_155, on_hand"
    assert [(o.mode, o.publisher, o.reason) for o in one.used] == [(100, "Press", None), (300, "Press", None)]
    assert {(o.mode, o.reason) for o in one.discarded} == {(700, "older than the window"), (9, "a fact exists")}
    assert (one.resolved.mode, one.apart, one.same_year, one.sources) == (100, True, False, 1)
    rows, names = contradiction_rows(Register.load(tiny_register))
    assert list(rows[0]) == names
    assert rows[0]["used"] == "100 (2025-06, A, paper); 300 (2024-06, B, paper)"


def test_a_date_hides_what_was_said_later(tiny_register: Path) -> None:
    found(tiny_register, ("100", "2024", "A"), ("300", "2025", "A"))
    register = Register.load(tiny_register)
    assert len(contradictions(register)) == 1
    assert contradictions(register.at("2024-12")) == []


def test_marks_of_markdown_in_a_source_do_no_harm(tiny_register: Path) -> None:
    sources = [{**row, "publisher": "A|B [c]*", "url": row["url"] + "(x)|y"} for row in TINY["sources"]]
    (tiny_register / "sources.csv").write_text(csv_text("sources", sources), encoding="utf-8")
    found(tiny_register, ("100", "2025", "A"), ("300", "2025", "A"))
    assert r"[A\|B \[c\]\*](https://example.org/paper%28x%29%7Cy)" in text(Register.load(tiny_register))


def test_write_writes_the_text(tiny_register: Path, tmp_path: Path) -> None:
    register = Register.load(tiny_register)
    assert write(register, tmp_path / "page.md").read_text(encoding="utf-8") == text(register)


@pytest.fixture(scope="module")
def reference() -> Register:
    return Register.reference()


@pytest.mark.skipif(not (reference_root().parents[1] / "docs").is_dir(), reason="no documents beside this register")
def test_the_committed_page_is_up_to_date(reference: Register) -> None:
    assert COMMITTED.read_text(encoding="utf-8") == text(reference), UPDATE


def test_every_row_of_the_page_has_all_its_cells(reference: Register) -> None:
    rows = [line for line in text(reference).splitlines() if line.startswith("| ")]
    widths = {len(re.split(r"(?<!\\)\|", line)) - 2 for line in rows}
    assert widths == {5, 6}


def test_each_contradiction_agrees_with_the_resolution(reference: Register) -> None:
    for one in contradictions(reference):
        resolved = resolve_by(reference.table(one.table), QUANTITIES[one.table])
        assert one.resolved in resolved.values()
        assert {o.fact_id for o in one.used} == set(one.resolved.used)
        assert {(o.fact_id, o.reason) for o in one.discarded} == set(one.resolved.discarded)
        assert one.resolved.low <= min(o.low for o in one.used)
        assert one.resolved.high >= max(o.high for o in one.used)
