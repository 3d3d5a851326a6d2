"""Audits of numbers, the weakest inputs of the scoreboard, and comparisons of runs that never stand in memory whole."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from isthmus import cli
from isthmus.deterrence.results import break_even_rows, margin_rows, opportunism_rows
from isthmus.errors import InputError, RunError
from isthmus.register import Register
from isthmus.report.html import write_report
from isthmus.report.scoreboard import print_scoreboard
from isthmus.study import Study, audit, deterring, results, runner
from isthmus.study.drivers import analyse
from isthmus.study.plan import Plan, make_plan
from isthmus.study.results import OUTCOME_CODES, Results, compare
from isthmus.study.schema import Override
from isthmus.study.targets import Target
from tests.unit.test_report import Reader

FUTURES = 256
DUEL = ("euro_atlantic", "air_missile_defence")


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Two ecosystems; each theater alone, and both at once."""
    study = Study.load("reference").model_copy(update={"futures": FUTURES})
    kept = {
        "ecosystems": (study.ecosystems[0], study.ecosystems[-1]),
        "war_cases": tuple(c for c in study.war_cases if not any(c.starts.values())),
    }
    return make_plan(study.model_copy(update=kept), Register.reference())


@pytest.fixture(scope="module")
def run(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Results:
    out = tmp_path_factory.mktemp("audit") / "run"
    runner.start(plan, out, layers=False)
    return Results.open(out)


@pytest.fixture(scope="module")
def other(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The same futures with every lift halved in its range."""
    name = next(n for n in plan.design.by_name if n.startswith("plan.weeks"))
    u = plan.design.by_name[name]
    change = {name: Override(shape="constant", low=u.low, mode=u.low, high=u.low, reason="to have something to compare")}
    out = tmp_path_factory.mktemp("audit") / "other"
    changed = plan.study.model_copy(update={"uncertainties": {**plan.study.uncertainties, **change}})
    runner.start(make_plan(changed, plan.register), out, layers=False)
    return Results.open(out)


@pytest.fixture
def isthmus(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs a command in this process: exit code, standard output, standard error."""

    def call(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["isthmus", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        captured = capsys.readouterr()
        return int(stop.value.code or 0), captured.out, captured.err

    return call


# Reading a run


def test_a_selection_holds_what_was_asked_for(run: Results) -> None:
    column = "used.euro_atlantic.allied.land_fires"
    found = run.select([column], ecosystems=["full"], war_cases=["both_at_once"])
    whole = run.outcomes
    mine = whole[(whole["ecosystem"] == "full") & (whole["war_case"] == "both_at_once")]
    assert list(found.columns) == ["future", "ecosystem", "war_case", column]
    assert found[column].tolist() == mine[column].tolist()
    assert found["future"].tolist() == list(range(FUTURES))
    assert set(whole.columns) == {"future", "ecosystem", "war_case", *run.manifest["columns"]}


def test_a_selection_names_all_that_the_run_does_not_have(run: Results) -> None:
    with pytest.raises(RunError) as caught:
        run.select(["victory"], ecosystems=["fuller"], war_cases=["both_at_once", "never"])
    assert sorted((p.column, p.found) for p in caught.value.problems) == [
        ("ecosystem", "fuller"),
        ("outcome", "victory"),
        ("war_case", "never"),
    ]
    assert "as_is, full" in str(caught.value)


@pytest.mark.parametrize(("held", "selected"), [(10**9, 10**9), (1, 40)], ids=["at once", "piece by piece"])
def test_a_comparison_is_that_of_whole_frames(
    held: int, selected: int, run: Results, other: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every row against quantiles and means of the two frames, whatever is held at a time."""
    monkeypatch.setattr(results, "HELD", held)
    monkeypatch.setattr(results, "SELECTED", selected)
    monkeypatch.setitem(run.manifest, "chunk_futures", 64) if held == 1 else None
    found = compare(run, other).set_index(["ecosystem", "war_case", "outcome", "front_mission"])
    keys = ["ecosystem", "war_case", "future"]
    before, after = (r.outcomes.astype({"ecosystem": str, "war_case": str}).set_index(keys).sort_index() for r in (run, other))
    assert (found["share_changed"] > 0).any()
    for (eco, case, outcome, place), row in found.iterrows():
        old, new = (f.loc[(eco, case)] for f in (before, after))
        if outcome.startswith("share_"):
            code = next(c for c, name in OUTCOME_CODES.items() if outcome == f"share_{name}")
            change = (new[f"outcome.{place}"] == code).astype(float) - (old[f"outcome.{place}"] == code).astype(float)
        else:
            change = new[f"{outcome}.{place}"] - old[f"{outcome}.{place}"]
        values = change.to_numpy(np.float64)
        np.testing.assert_allclose(
            row[["low", "median", "high"]].astype(float), np.quantile(values, (0.05, 0.5, 0.95)), rtol=1e-6
        )
        assert row["mean"] == pytest.approx(values.mean(), rel=1e-6, abs=1e-9)
        assert row["share_changed"] == pytest.approx((np.abs(values) > 1e-6).mean())


def test_runs_without_a_common_war_case_do_not_compare(run: Results, plan: Plan, tmp_path: Path) -> None:
    alone = plan.study.model_copy(update={"war_cases": (plan.study.war_cases[0].model_copy(update={"name": "another"}),)})
    runner.start(make_plan(alone, plan.register), tmp_path / "run", layers=False)
    with pytest.raises(RunError, match="some that both runs have"):
        compare(run, Results.open(tmp_path / "run"))


# Audits


@pytest.mark.parametrize(
    "outcome", ["share_defence_unsustained", "weeks_starved", "reach", "years_to_rebuild", "cost_of_use", "margin"]
)
def test_any_result_leads_to_its_inputs(outcome: str, run: Results, isthmus: Callable[..., tuple[int, str, str]]) -> None:
    more = {"years_to_rebuild": ("--mission", "shell_155mm"), "cost_of_use": ("--front", "allied", "--mission", "year1")}
    place = more.get(outcome, ("--mission", "air_missile_defence"))
    code, out, _ = isthmus("results", run.folder.root, "--why", outcome, *place, "--json")
    assert code == 0
    found = json.loads(out)
    assert found
    for one in found:
        assert one["outcome"] == outcome
        counts = one["rests_on"]
        assert counts["inputs"] == sum(counts[k] for k in ("facts", "estimates", "assumptions", "chance"))
        assert (one["statement"] is None) == (outcome == "cost_of_use")
        assert one["low"] <= one["median"] <= one["high"]
    code, text, _ = isthmus("results", run.folder.root, "--why", outcome, *place)
    assert code == 0
    assert "Rests on" in text


def test_an_unknown_result_is_told_with_what_is_allowed(run: Results, isthmus: Callable[..., tuple[int, str, str]]) -> None:
    code, _, err = isthmus("results", run.folder.root, "--why", "victory")
    assert code == 2
    for name in ("margin", "reach", "weeks_starved", "years_to_rebuild", "share_undecided", "cost_of_use", "dividend"):
        assert name in err
    code, _, err = isthmus("results", run.folder.root, "--why", "margin", "--front", "mars", "--war-case", "never")
    assert code == 2
    assert "euro_atlantic, indo_pacific" in err
    assert "both_at_once" in err
    code, _, err = isthmus("results", run.folder.root, "--why", "margin", "--front", "indo_pacific", "--war-case", "europe_alone")
    assert code == 2
    assert "occur together" in err


def test_a_margin_rests_on_p_and_on_what_is_assumed_of_the_challenger(run: Results, plan: Plan) -> None:
    found = audit.why(run, plan, 5, outcome="margin", front=DUEL[0], mission=DUEL[1], war_case="europe_alone")
    [one] = found
    inputs = deterring.from_run(run, plan.register)
    keys = {"ecosystem": "as_is", "war_case": "europe_alone", "theater": DUEL[0], "mission": DUEL[1]}
    margin, even = (
        next(r for r in rows if all(r[k] == v for k, v in keys.items()))
        for rows in (margin_rows(inputs), break_even_rows(inputs))
    )
    assert one["median"] == margin["median"]
    tie = float(np.median(inputs.prices[DUEL[0]].tie(bound=False)))
    assert one["holds"] == (margin["p"] <= tie)
    by = {p["input"]: p for p in one["prices"]}
    assert by["deter.status_quo"]["median_margin_nil_at"] == even["status_quo"]
    assert not by["deter.losses"]["sought"]
    assert all(p["kind"] == "assumption" and p["rests_on"] for p in one["prices"])
    shares = [p["share_of_variance"] for p in one["prices"]]
    assert shares == sorted(shares, reverse=True)
    rows = audit.audit_rows(found)
    assert {r["input"] for r in rows} >= set(by)


@pytest.mark.parametrize(
    ("outcome", "level"),
    [
        ("reach", 0.5),
        ("scale_ratio", 1.0),
        ("weeks_starved", 78.0),
        ("years_to_rebuild", 3.0),
        ("fill", None),
        ("cost_of_use", None),
    ],
)
def test_levels_of_statements(outcome: str, level: float | None, run: Results) -> None:
    found = audit.with_level(run, Target(outcome, "as_is", "both_at_once", "a", "b"))
    assert getattr(found, "least", None) == level
    statement = found.statement()
    assert (statement is None) == (outcome == "cost_of_use")
    if level is not None and statement is not None:
        values = np.array([level, level + 1, level - 1e-6])
        assert statement.event(values).tolist() == [1, 1, 0]
        assert statement.holds(np.array([level, level, level - 1]))
        assert not statement.holds(np.array([level, level - 1, level - 1]))


# The scoreboard


@pytest.fixture(scope="module")
def board(run: Results, plan: Plan) -> str:
    console = Console(width=160, record=True, file=StringIO())
    print_scoreboard(run, console=console, plan=plan)
    return console.export_text()


def test_rows_stand_in_the_order_of_the_picture(board: str) -> None:
    titles = (
        "Reach:",
        "Weeks met, rationed and starved",
        "Share of worlds:",
        "Margin of deterrence p* - p",
        "What the first war does to the second challenger",
        "Where the dividend comes from",
        "Years to rebuild",
        "Weakest inputs:",
    )
    places = [board.index(t) for t in titles]
    assert places == sorted(places)
    assert "never a probability of war" in " ".join(board.split())


def test_margins_of_the_scoreboard_are_those_of_deter(board: str, run: Results, plan: Plan) -> None:
    inputs = deterring.from_run(run, plan.register)
    for row in margin_rows(inputs):
        assert f"{row['median']:+.2f} ({row['low']:.2f} to {row['high']:.2f})" in board
    for row in opportunism_rows(inputs):
        assert f"{row['from_campaigns']:+.3f}±{row['p_change_standard_error']:.3f}" in board


def test_weakest_inputs_are_the_drivers_that_are_no_facts(board: str, run: Results, plan: Plan) -> None:
    judged = analyse(audit.analysis_of(run, plan, audit.headlines(run)))
    assert any(j.drivers for j in judged)
    part = board[board.index("Weakest inputs") :]
    for j in judged:
        shown = audit.weakest(j, 4)
        assert [d.input for d in shown] == [d.input for d in j.drivers if d.kind != "fact"][:4]
        for d in shown:
            line = next(x for x in part.splitlines() if x.startswith(d.input))
            assert ("no value in its range flips it" in line) == (d.flips_at is None)


def test_a_run_too_small_or_without_a_duel_says_what_is_left_out(plan: Plan, tmp_path: Path) -> None:
    small = plan.study.model_copy(update={"futures": 8, "ecosystems": plan.study.ecosystems[:1]})
    runner.start(make_plan(small, plan.register), tmp_path / "run", layers=False)
    console = Console(width=160, record=True, file=StringIO())
    print_scoreboard(Results.open(tmp_path / "run"), console=console)
    text = console.export_text()
    assert "Weakest inputs: left out, as it takes 256 futures" in text
    assert "Where the dividend comes from: not asked of this run" in text
    with pytest.raises(InputError, match="no such one"):
        audit.asked(Results.open(tmp_path / "run"), outcome="dividend")


# The report


@pytest.fixture(scope="module")
def read(run: Results, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    return Reader(write_report(run, tmp_path_factory.mktemp("audit"))[0].read_text(encoding="utf-8"))


def test_reach_outcomes_and_margins_lead_to_inputs_with_kinds_sources_and_flips(read: Reader, run: Results, plan: Plan) -> None:
    for name in ("reach-0", "fan-0", "outcome-0", "margins"):
        table = read.tables[f"t-basis-{name}"]
        assert table[0][:3] == ["Input", "Name", "Kind"]
        rows = [r for r in table[1:] if len(r) == 7 and r[1] != "–"]
        assert all(r[2] in ("fact", "estimate", "assumption", "chance") and r[-1].strip() for r in rows)
    judged = analyse(audit.analysis_of(run, plan, audit.headlines(run)))
    first = next(j for j in judged if (j.target.front, j.target.mission) == DUEL)
    table = next(
        t for t in (read.tables[f"t-basis-outcome-{i}"] for i in range(3)) if "Air and missile" in t[1][0] and "Euro" in t[1][0]
    )
    assert [r[1] for r in table if len(r) == 7][1 : 1 + len(first.drivers)] == [d.input for d in first.drivers[:5]]
    prices = [r[1] for r in read.tables["t-basis-margins"] if len(r) == 7 and r[1].startswith("deter.")]
    assert "deter.status_quo" in prices


def test_every_result_says_how_many_of_its_inputs_are_facts(read: Reader, run: Results, plan: Plan) -> None:
    counts = audit.rests_on(
        audit.analysis_of(run, plan, []), Target("fill", "as_is", "both_at_once", "euro_atlantic.allied", "land_fires")
    )
    assert counts is not None
    said = f"What this rests on: {counts['inputs']:,} inputs, of which {counts['facts']:,} facts"
    # need met by front, lost defences, weeks, deliveries, years, costs, margins
    assert read.text.count(said) >= len(run.manifest["views"]) + len(run.manifest["duels"]) + 5
