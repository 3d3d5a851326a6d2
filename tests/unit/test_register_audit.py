"""The audit finds what stands on one side only, and counts rows per state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from isthmus import Register
from isthmus.register.audit import EVERY, audit
from tests.conftest import FACT, TINY, csv_text, write_tiny


def rewrite(folder: Path, table: str, rows: list[dict[str, str]]) -> None:
    (folder / f"{table}.csv").write_text(csv_text(table, rows), encoding="utf-8")


def lines(actors: list[str]) -> list[dict[str, str]]:
    return [{**TINY["lines"][0], "actor_id": actor, "line_id": f"line_{i}"} for i, actor in enumerate(actors)]


def find(rows: list[dict[str, Any]], table: str, kind: str) -> dict[str, Any] | None:
    return next((row for row in rows if (row["table"], row["kind"]) == (table, kind)), None)


def test_a_kind_of_one_side_only_has_no_ratio(tiny_register: Path) -> None:
    found = find(audit(Register.load(tiny_register)), "stocks", "measure on_hand")
    assert found == {"table": "stocks", "kind": "measure on_hand", "allied": 3, "rival": 0, "ratio": None, "denser": "allied"}


@pytest.mark.parametrize(
    ("allied", "rival", "ratio", "denser"),
    [(3, 1, 1.0, "allied"), (1, 1, 3.0, "rival"), (15, 1, 5.0, "allied"), (18, 1, 6.0, "allied"), (1, 2, 6.0, "rival")],
)
def test_rows_are_counted_per_state(tiny_register: Path, allied: int, rival: int, ratio: float, denser: str) -> None:
    """The tiny register has three allied states and one rival: n and m rows are n/3 and m per state."""
    rewrite(tiny_register, "lines", lines(["USA"] * allied + ["CHN"] * rival))
    register = Register.load(tiny_register)
    row = find(audit(register, everything=True), "lines", "measure complete")
    assert row is not None
    assert (row["allied"], row["rival"]) == (allied, rival)
    assert row["ratio"] == pytest.approx(ratio)
    assert row["denser"] == denser
    assert (find(audit(register), "lines", "measure complete") is not None) == (ratio > 5)


def test_a_tie_across_the_sides_counts_for_both(tiny_register: Path) -> None:
    across = {"actor_a": "USA", "actor_b": "CHN", "tie_type": "pact", "name": "Hot line", **FACT}
    rewrite(tiny_register, "ties", [*TINY["ties"], across])
    row = find(audit(Register.load(tiny_register), everything=True), "ties", "tie_type pact")
    assert row is not None
    assert (row["allied"], row["rival"]) == (2, 1)


def test_an_adoption_counts_under_the_layer_of_its_item(tiny_register: Path) -> None:
    row = find(audit(Register.load(tiny_register)), "adoptions", "layer standard")
    assert row is not None
    assert row["allied"] == 3


def test_materiel_and_its_cost_count_for_those_who_have_it(tiny_register: Path) -> None:
    rewrite(tiny_register, "lines", lines(["USA", "CHN"]))
    rows = audit(Register.load(tiny_register), everything=True)
    for table in ("materiel", "unit_costs"):
        row = find(rows, table, "all rows")
        assert row is not None
        assert (row["allied"], row["rival"]) == (1, 1)


def test_evidence_is_counted_over_all_tables(tiny_register: Path) -> None:
    rows = audit(Register.load(tiny_register), everything=True)
    assumption = find(rows, EVERY, "kind assumption")
    assert assumption is not None
    assert (assumption["allied"], assumption["rival"]) == (2, 0), "an adoption and a stock of Poland"
    assert find(rows, EVERY, "grade B") is not None
    assert find(rows, EVERY, "host press_or_thinktank") is not None


def test_swapping_the_sides_swaps_the_answer(tmp_path: Path) -> None:
    """The audit itself must be neutral."""
    plain, swapped = write_tiny(tmp_path / "plain"), write_tiny(tmp_path / "swapped")
    other = {"allied": "rival", "rival": "allied"}
    for table in ("actors", "items"):
        rewrite(swapped, table, [{**row, "side": other[row["side"]]} for row in TINY[table]])
    a = {(r["table"], r["kind"]): r for r in audit(Register.load(plain), everything=True)}
    b = {(r["table"], r["kind"]): r for r in audit(Register.load(swapped), everything=True)}
    assert a.keys() == b.keys()
    for key, row in a.items():
        assert (row["allied"], row["rival"], row["ratio"]) == (b[key]["rival"], b[key]["allied"], b[key]["ratio"])


def test_the_reference_register_can_be_audited() -> None:
    rows = audit(Register.reference())
    assert all(row["ratio"] is None or row["ratio"] > 5 for row in rows)
    assert all(row["ratio"] is not None or 0 in (row["allied"], row["rival"]) for row in rows)
    keys = [(row["table"], row["kind"]) for row in rows]
    assert len(keys) == len(set(keys))
