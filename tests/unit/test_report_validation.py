"""The validation in the report: every case as it is, failures as failures, and said plainly where the register is another one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from isthmus.errors import InputError
from isthmus.register import Register
from isthmus.report.html import write_report
from isthmus.report.validated import _observed
from isthmus.study import Study
from isthmus.study.plan import make_plan
from isthmus.study.results import Results
from isthmus.study.runner import start
from tests.unit.test_report import Reader
from tests.validation_document import case, document

Shown = Callable[[dict[str, Any]], Reader]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    out = tmp_path_factory.mktemp("validated") / "run"
    start(make_plan(Study.load("reference"), Register.reference(), futures=16), out, layers=False)
    return Results.open(out)


@pytest.fixture(scope="module")
def shown(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Shown:
    def show(validation: dict[str, Any]) -> Reader:
        out = tmp_path_factory.mktemp("out")
        return Reader(write_report(results, out, validation=validation)[0].read_text(encoding="utf-8"))

    return show


@pytest.fixture(scope="module")
def read(shown: Shown) -> Reader:
    return shown(document())


def test_every_case_is_there_with_its_verdict(read: Reader) -> None:
    for one in document()["cases"]:
        rows = [r for r in read.tables[f"t-cases-{one['kind'].replace('_', '-')}"] if one["title"] in r[1]]
        assert [r[0] for r in rows] == ["pass" if one["passed"] else "FAIL"]
        assert rows[0][-1].strip() == one["why"]
        assert f"({one['case']}" in rows[0][1]


def test_failed_cases_are_listed_first_and_marked_as_passed_ones_are(read: Reader) -> None:
    failed = [c for c in document()["cases"] if not c["passed"]]
    listed = read.tables["t-failed"][1:]
    assert [r[0] for r in listed] == ["FAIL"] * len(failed)
    assert all(c["title"] in r[1] for c, r in zip(failed, listed, strict=True))
    assert listed[1][2].strip() == "Failed: does not beat mass_balance by more than one s.e."
    assert [r[0] for r in read.tables["t-cases-hindcast"][1:]] == ["FAIL", "pass"]
    classes = [a.get("class") for t, a in read.tags if t == "tr" and a.get("class") in ("pass", "fail")]
    assert {"pass", "fail"} <= set(classes)
    assert "4 of 7 validation cases pass and 3 fail" in read.text


def test_the_tally_counts_by_kind(read: Reader) -> None:
    assert [r[1:] for r in read.tables["t-tally"][1:]] == [
        ["1", "1", "0"],
        ["1", "0", "1"],
        ["1", "1", "0"],
        ["2", "1", "1"],
        ["2", "1", "1"],
        ["7", "4", "3"],
    ]


def test_scores_stand_beside_those_of_rivals_and_better_ones_are_named(read: Reader) -> None:
    cell = next(r for r in read.tables["t-cases-hindcast"] if "artillery.scored" in r[1])[4]
    said = "model 0.240 mass balance 0.230 (better) persistence 0.360 95% in the 90% interval worst skill with an episode left out −14%"
    assert cell.replace(" ", "").replace("\n", "") == said.replace(" ", "")


def test_what_was_fitted_held_back_not_identified_and_untested_is_said(read: Reader) -> None:
    assert "2 parameters on 2 observations of 2 events up to 2023-10-31" in read.text
    assert "1 observations after 2023-10-31, never fitted" in read.text
    assert "1 months and types after 2024-08, nothing refitted" in read.text
    assert "reserve.RUS (weeks)" in read.text
    assert "plan.RUS (weeks)" not in read.text
    assert "No war was fought in two ecosystems." in read.text
    assert "in 38% of draws at r* = 3 and in 84% at r* = 8" in read.text


def test_tables_equal_the_document(read: Reader) -> None:
    events = [r for r in read.tables["t-artillery-events"] if len(r) > 2][1:]
    assert [(r[3], r[4], r[5]) for r in events] == [
        ("11,000", "12,500 (5,000–20,000)", "inside"),
        ("30,000", "12,500 (5,000–20,000)", "outside"),
        ("9,000", "12,500 (5,000–20,000)", "inside"),
        ("9,000", "21,000 (2,000–40,000)", "inside"),
    ]
    assert [r[1] for r in read.tables["t-artillery-months"][1:]] == ["10,000 (5,000–20,000)"] * 5
    assert [r[1:] for r in read.tables["t-parsimony"][1:]] == [
        ["0.240", "0.230", "+0.010\u00a0±\u00a00.002", "0.003", "worse than without: assumption, not supported"]
    ]
    assert [(r[0], r[4], r[5]) for r in read.tables["t-identifiability"][1:]] == [
        ("reserve.RUS", "0.99", "not identified"),
        ("plan.RUS", "0.78", "identified"),
    ]
    assert [r[1:] for r in read.tables["t-outcome-rule"][1:]] == [["38%", "62%"], ["84%", "16%"]]
    assert [(r[1], r[2], r[4]) for r in read.tables["t-air-months"] if len(r) > 2][1:] == [
        ("fit window", "50%", "inside"),
        ("fit window", "60%", "inside"),
        ("fit window", "70%", "inside"),
        ("held back", "10%", "outside"),
    ]
    assert [r[-1] for r in read.tables["t-natural-0"][1:]] == ["–", "–", "2.2", "–", "–"]
    assert read.tables["t-delays"][1][-5:] == ["65", "25 (9–130)", "7", "156", "inside"]
    assert [r[2] for r in read.tables["t-natural"][1:]] == ["compatibility wins", "the rival wins"]


def test_figures_are_drawn_for_what_was_observed(read: Reader) -> None:
    figures = {a["id"] for t, a in read.tags if t == "figure"}
    assert {"fig-artillery", "fig-artillery-events", "fig-air-defence", "fig-natural-0", "fig-delays"} <= figures
    assert "fig-natural-1" not in figures  # nothing was seen of it
    assert "extrapolated" in read.text


def test_another_register_is_said_plainly(read: Reader, results: Results, shown: Shown) -> None:
    mine = results.manifest["register"]["hash"]
    assert f"made with another register than the run: {'a' * 16} (up to 2026-07) against {mine[:16]}" in read.text
    same = document()
    same["register"]["hash"] = mine
    assert "another register than the run" not in shown(same).text


def test_changed_inputs_of_the_fit_are_named(shown: Shown) -> None:
    stale = document()
    stale["artillery"]["stale"] = ["arrivals"]
    assert "Changed since: arrivals." in shown(stale).text


def test_a_document_that_lacks_a_part_is_refused(shown: Shown) -> None:
    with pytest.raises(InputError, match="no natural"):
        shown({k: v for k, v in document().items() if k != "natural"})


@pytest.mark.parametrize(
    ("unit", "expected"), [("ln weeks", "65.2 weeks"), ("nats", "65.2"), ("share", "65.2 share"), (None, "65.2")]
)
def test_a_unit_of_the_score_is_not_put_on_the_observation(unit: str | None, expected: str) -> None:
    assert _observed(case("a", "natural_experiment", passed=True, unit=unit, observed=65.225)) == expected
