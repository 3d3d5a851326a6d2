"""Deterrence, the two systems and awareness in the report: the numbers of their functions, or one sentence why not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from isthmus.awareness.survey import Awareness
from isthmus.awareness.survey import survey as aware_survey
from isthmus.deterrence.summary import tables as deter_tables
from isthmus.interop.network_survey import Survey
from isthmus.interop.network_survey import survey as network_survey
from isthmus.register import Register
from isthmus.report import wording
from isthmus.report.html import write_report
from isthmus.report.panels import decimal_year
from isthmus.report.systems import DRAWS, SINCE
from isthmus.study import Study, deterring
from isthmus.study.plan import Plan, make_plan
from isthmus.study.results import Results
from isthmus.study.runner import start
from tests.unit.test_report import Reader

NEW = ("deterrence", "systems", "awareness")


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(Study.load("reference"), Register.reference(), futures=64)


@pytest.fixture(scope="module")
def results(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Results:
    out = tmp_path_factory.mktemp("systems") / "run"
    start(plan, out, layers=False)
    return Results.open(out)


@pytest.fixture(scope="module")
def read(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    return Reader(write_report(results, tmp_path_factory.mktemp("out"))[0].read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def networks(plan: Plan) -> Survey:
    return network_survey(plan.register, plan.study.date, draws=DRAWS, since=SINCE)


@pytest.fixture(scope="module")
def awareness(plan: Plan) -> Awareness:
    return aware_survey(plan.register, plan.study.date)


@pytest.fixture(scope="module")
def deterrence(plan: Plan, results: Results) -> deterring.Row:
    return deterring.document(results, plan.register)


def test_the_sections_are_there_with_their_figures(read: Reader) -> None:
    assert set(NEW) <= {a["id"] for t, a in read.tags if t == "section"}
    figures = {a["id"] for t, a in read.tags if t == "figure"}
    assert {"fig-systems", "fig-aware-flows", "fig-aware-probing", "fig-regions-0", "fig-regions-1"} <= figures
    assert "Ties were looked for unevenly." in read.text
    assert "A margin is no probability of war" in read.text


def test_headings_are_numbered_in_order(results: Results, tmp_path: Path) -> None:
    text = write_report(results, tmp_path)[0].read_text(encoding="utf-8")
    numbers = [int(part.split(".", 1)[0]) for part in text.split("<h2>")[1:]]
    assert numbers == list(range(1, len(numbers) + 1))


def test_measures_equal_the_survey(networks: Survey, read: Reader) -> None:
    rows = {r[0].split(":")[0]: r for r in read.tables["t-systems"][1:]}
    for one in networks.measures.to_dict("records"):
        row = rows[wording.plain(one["measure"])]
        first = 1 + 4 * list(dict.fromkeys(networks.measures["scope"])).index(one["scope"])
        known = one["value"] == one["value"]
        assert row[first] == (f"{one['value']:.2f}" if known else "–")
        assert row[first + 2] == (wording.percent(one["null_position"]) if known else "–")


def test_removals_equal_the_history_at_every_date(networks: Survey, read: Reader) -> None:
    rows = [r[-11:] for r in read.tables["t-systems-hub"][1:]]
    assert [r[0] for r in rows] == ["1991-01", "2014-01", "2022-01", "2026-07"] * 2
    history = networks.history.sort_values("scope", kind="stable")
    for row, (_, one) in zip(rows, history.iterrows(), strict=True):
        assert row[2] == str(one["bonds"])
        assert row[4] == wording.percent(one["without_hub_ties_connected"])
        assert row[5] == wording.percent(one["without_hub_agreements_connected"])


def test_coverage_equals_the_survey(networks: Survey, read: Reader) -> None:
    rows = read.tables["t-systems-coverage"][1:]
    assert [r[-3] for r in rows] == [
        f"{k} of {p}" for k, p in zip(networks.coverage["pairs_known"], networks.coverage["pairs_possible"], strict=True)
    ]


def test_flows_and_contradictions_equal_the_survey(awareness: Awareness, read: Reader) -> None:
    newest = awareness.bands.sort_values("date").groupby("series_id").tail(1)
    shown = newest[newest["claims"] > 1]
    rows = {tuple(r[2:5]) for r in read.tables["t-aware-flows"][1:]}
    assert rows == {tuple(wording.number(float(v)) for v in line) for line in shown[["low", "mode", "high"]].to_numpy()}
    ratios = [r[5] for r in read.tables["t-aware-contradictions"][1:]]
    assert ratios == [wording.number(float(v)) for v in awareness.contradictions["ratio"]]


def test_probing_shows_only_series_with_a_break_and_says_which(awareness: Awareness, read: Reader) -> None:
    label = next(a["aria-label"] for t, a in read.tags if t == "svg" and a["aria-label"].startswith("Pressure and attacks"))
    assert "Pla count: " in label
    counts = {wording.number(float(v)) for v in awareness.points["count"]}
    assert {r[1] for r in read.tables["t-aware-probing"][1:] if len(r) == 3} <= counts


def test_statements_and_what_was_done_equal_the_survey(awareness: Awareness, read: Reader) -> None:
    codings = sum(int(r[-4]) for r in read.tables["t-aware-statements"][1:])
    assert codings == awareness.statements["codings"].sum()
    shares = awareness.shares.set_index(["group", "reading"])
    row = next(r for r in read.tables["t-aware-done"] if r[0] == "all")
    slow, fast = (shares.loc[("all", reading)] for reading in ("slow", "fast"))
    assert row[1:4] == [str(slow[c]) for c in ("cells", "items", "done")]
    assert row[6] == f"{wording.percent(slow['share_2y'])} to {wording.percent(fast['share_2y'])}"


def test_margins_are_ranges_over_the_grid(deterrence: deterring.Row, read: Reader) -> None:
    rows = [r for r in read.tables["t-margins"][1:] if len(r) > 1]
    assert len(rows) == len(deterrence["margins"])
    for one in deterrence["margins"]:
        for w in range(len(deterrence["grid"]["cost_weight"])):
            values = [line[w] for plane in one["by_grid"] for line in plane]
            low, high = (wording.signed(v, 2) for v in (min(values), max(values)))
            cell = low if low == high else f"{low} to {high}"
            assert any(
                r[0] == wording.plain(one["ecosystem"])
                and r[2 + w] == cell
                and r[1] == wording.spread(one["p_low"], one["p"], one["p_high"], wording.percent)
                for r in rows
            )


def test_opportunism_equals_what_deter_prints(deterrence: deterring.Row, read: Reader) -> None:
    rows = [r for r in read.tables["t-opportunism"][1:] if len(r) > 1]
    heavy = [w > 0 for w in deterrence["grid"]["cost_weight"]]
    expected = [
        (
            wording.plain(one["ecosystem"]),
            wording.change(f"{one['p_alone']:.3f}", f"{one['p_with_first_war']:.3f}"),
            wording.percent(one["share_of_draws_falling"]),
            "never" if one["change_flips_at_cost_weight"] is None else wording.number(one["change_flips_at_cost_weight"]),
            wording.percent(
                max(v for plane in one["opened_by_grid"] for line in plane for v, h in zip(line, heavy, strict=True) if h)
            ),
        )
        for one in deterrence["opportunism"]
    ]
    assert sorted((r[0], r[1], r[5], r[6], r[7]) for r in rows) == sorted(expected)
    printed = next(t for t in deter_tables(deterrence) if t.title.startswith("Opportunism")).rows
    assert {f"{one['p alone']}\u00a0→\u00a0{one['p with the first war']}" for one in printed} <= {r[1] for r in rows}


def test_regions_equal_the_document_and_every_assumption_is_listed(deterrence: deterring.Row, read: Reader) -> None:
    here = [r for r in deterrence["regions"] if r["game"] == "attack_or_not"]
    rows = read.tables["t-regions-0"]
    assert rows[0][1] == "neither attacks"
    assert [r[1] for r in rows[1:]] == [wording.percent(r["share_of_worlds"].get("neither", 0.0)) for r in here]
    reasons = [r[-1] for r in read.tables["t-margin-assumptions"][1:]]
    assert reasons == [r["reason"] for r in deterrence["assumptions"]]


def test_without_the_register_each_section_is_one_sentence(results: Results, tmp_path: Path) -> None:
    changed = replace(results)
    changed.__dict__["manifest"] = results.manifest | {"register": results.manifest["register"] | {"hash": "0" * 64}}
    text = write_report(changed, tmp_path)[0].read_text(encoding="utf-8")
    for name in NEW:
        section = text.split(f'<section id="{name}">', 1)[1].split("</section>", 1)[0]
        assert section.count("<p") == 1
        assert "Left out: the run was made with the register 0000000000000000" in section
        assert "<table" not in section


def test_a_run_without_a_plain_war_case_has_no_margins(tmp_path: Path) -> None:
    data = Study.load("exchange").model_dump(by_alias=True) | {"futures": 8}
    data["war_cases"] = [c for c in data["war_cases"] if c["name"] == "europe_alone_exchange"]
    start(make_plan(Study.model_validate(data), Register.reference()), tmp_path / "run", layers=False)
    read = Reader(write_report(Results.open(tmp_path / "run"), tmp_path / "out")[0].read_text(encoding="utf-8"))
    assert "t-margins" not in read.tables
    assert "war cases without force exchange, and this run has none" in read.text


def test_days_become_decimal_years() -> None:
    assert decimal_year("2024-01-01") == 2024.0
    assert decimal_year("2023-12-31", end=True) == pytest.approx(2024, abs=0.01)
