"""Force exchange beside its twin, excursions beside their base, and figures that rest on a private overlay."""

from __future__ import annotations

import json
import shutil
from io import StringIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from isthmus.errors import InputError
from isthmus.register import Register
from isthmus.register.register import reference_root
from isthmus.report import wording
from isthmus.report.exchange import Comparison, Difference
from isthmus.report.html import write_report
from isthmus.report.overlay import MARK, Marks, marks, read_marks, write_marks
from isthmus.report.scoreboard import print_scoreboard
from isthmus.study import Study
from isthmus.study.excursions import read_scorecard, run_excursions, shipped, write_scorecard
from isthmus.study.plan import Plan, make_plan
from isthmus.study.results import Results
from isthmus.study.runner import start
from tests.unit.test_report import Reader

DUEL = "outcome.euro_atlantic.land_fires"


def read_report(results: Results, out: Path, **more: object) -> Reader:
    return Reader(write_report(results, out, **more)[0].read_text(encoding="utf-8"))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def exchanged(tmp_path_factory: pytest.TempPathFactory) -> Results:
    out = tmp_path_factory.mktemp("exchange") / "run"
    start(make_plan(Study.load("exchange"), Register.reference(), futures=16), out, layers=False)
    return Results.open(out)


def with_losses(results: Results, out: Path, *, without: float, with_it: float) -> Results:
    """The run with the defence of land fires lost in a share of worlds of the full ecosystem alone, in none and in half of the first."""
    shutil.copytree(results.folder.root, out)
    path = out / "chunks" / "chunk-000000" / "outcomes.parquet"
    table = pq.read_table(path)
    frame = table.select(["future", "ecosystem", "war_case"]).to_pandas()
    lost = np.where((frame["ecosystem"] == "as_is") & (frame["future"] % 2 == 0), 1, 0)
    for case, share in (("europe_alone", without), ("europe_alone_exchange", with_it)):
        here = ((frame["ecosystem"] == "full") & (frame["war_case"] == case)).to_numpy()
        lost[here] = np.where(frame["future"][here] < share * 16, 1, 0)
    place = table.column_names.index(DUEL)
    pq.write_table(table.set_column(place, DUEL, pa.array(lost.astype(np.float32))), path)
    return Results.open(out)


def test_a_sign_that_turns_with_the_exchange_is_said_to_depend_on_it(exchanged: Results, tmp_path: Path) -> None:
    read = read_report(with_losses(exchanged, tmp_path / "run", without=0.0, with_it=1.0), tmp_path)
    assert (
        "whether sharing raises or lowers the share of worlds with the defence unsustained depends on the exchange" in read.text
    )
    row = next(
        r
        for r in read.tables["t-exchange"]
        if r[:2] == ["Europe alone: share of worlds with the defence unsustained", "full"] and r[2].startswith("−50.0")
    )
    assert row[3].startswith("+50.0")
    assert row[-1] == "depends on the exchange"


def test_a_sign_that_stays_does_not(exchanged: Results, tmp_path: Path) -> None:
    read = read_report(with_losses(exchanged, tmp_path / "run", without=0.0, with_it=0.0), tmp_path)
    assert "sharing raises or lowers the share of worlds with the defence unsustained" not in read.text


@pytest.mark.parametrize(
    ("without", "with_it", "expected"),
    [
        (Difference(0.2, 0.01), Difference(-0.2, 0.01), "depends on the exchange"),
        (Difference(0.01, 0.02), Difference(-0.01, 0.02), "depends on the exchange; neither is told from zero"),
        (Difference(0.2, 0.01), Difference(0.01, 0.02), "seen only without the exchange"),
        (Difference(0.0, 0.0), Difference(0.2, 0.01), "seen only with the exchange"),
        (Difference(0.2, 0.01), Difference(0.1, 0.01), "same sign"),
        (Difference(0.0, 0.0), Difference(0.0, 0.0), "not told from zero in either"),
    ],
)
def test_how_a_comparison_reads(without: Difference, with_it: Difference, expected: str) -> None:
    assert Comparison("a", "need met", "one", "two", "full", without, with_it, 1.0).verdict == expected


def test_exchange_without_its_twin_must_not_be_read_alone(tmp_path: Path) -> None:
    data = Study.load("exchange").model_dump(by_alias=True) | {"futures": 8}
    data["war_cases"] = [c for c in data["war_cases"] if c["name"] == "europe_alone_exchange"]
    start(make_plan(Study.model_validate(data), Register.reference()), tmp_path / "run", layers=False)
    read = read_report(Results.open(tmp_path / "run"), tmp_path / "out")
    assert "must not be read alone" in read.text
    assert "t-exchange" not in read.tables


def test_differences_with_and_without_exchange_equal_the_outcomes(exchanged: Results, tmp_path: Path) -> None:
    frame = exchanged.outcomes.set_index(["ecosystem", "war_case", "future"]).sort_index()
    view = "euro_atlantic.allied.land_fires"
    met = frame[f"used.{view}"] / frame[f"needed.{view}"]
    change = met["full", "europe_alone_exchange"] - met["as_is", "europe_alone_exchange"]
    read = read_report(exchanged, tmp_path)
    rows = read.tables["t-exchange"]
    begin = next(i for i, r in enumerate(rows) if r == ["Euro-Atlantic, allied: Land fires"])
    row = next(r for r in rows[begin:] if r[:2] == ["Europe alone: need met", "full"])
    assert row[3] == wording.points_error(float(change.mean()), float(change.std() / 4))


def test_the_scorecard_of_excursions_equals_what_was_saved(exchanged: Results, tmp_path: Path) -> None:
    base, register = Study.load("reference"), Register.reference()
    files = [p for p in shipped() if p.stem in ("lift_halved", "hub_out")]
    frame = run_excursions("reference", files, register, tmp_path / "exc", futures=8)
    write_scorecard(frame, base, register, 8, tmp_path / "exc")
    saved = read_scorecard(tmp_path / "exc")
    assert saved["register"] == register.hash
    assert len(saved["rows"]) == len(frame)
    read = read_report(exchanged, tmp_path / "out", excursions=saved)
    here = frame[
        (frame["excursion"] == "hub_out")
        & (frame["ecosystem"] == "as_is")
        & (frame["war_case"] == "both_at_once")
        & (frame["front"] == "indo_pacific.allied")
        & (frame["outcome"] == "need_met")
    ].iloc[0]
    head = read.tables["t-scorecard"][0]
    row = next(r for r in read.tables["t-scorecard"] if r[0] == here["title"])
    cell = row[head.index("Indo-Pacific, allied: Air and missile defence: need met")]
    assert cell == wording.points_error(here["difference"], here["standard_error"])
    assert "Their base is the study reference, and this run is of exchange." in read.text
    other = saved | {"register": "b" * 64}
    assert f"run with another register ({'b' * 16})" in read_report(exchanged, tmp_path / "o2", excursions=other).text


@pytest.mark.parametrize("text", ["", "{}", "[]", json.dumps({"study": "x"})])
def test_a_file_that_is_no_scorecard_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "scorecard.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError):
        read_scorecard(tmp_path)


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Results]:
    """A run whose stock of 155 mm rounds of Portugal rests on a row of an overlay, which stands in the place of the public one."""
    folder = tmp_path_factory.mktemp("private")
    (folder / "mine").mkdir()
    stocks = Register.reference().table("stocks")
    own = stocks[(stocks["actor_id"] == "PRT") & (stocks["materiel_id"] == "shell_155mm")].drop(columns=["fact_id", "overlay"])
    own.assign(note="A figure of our own").to_csv(folder / "mine" / "stocks.csv", index=False)
    plan = make_plan(Study.load("reference"), Register.load(reference_root(), folder / "mine"), futures=16)
    start(plan, folder / "run", layers=False)
    results = Results.open(folder / "run")
    write_marks(results.folder, plan)
    return plan, results


def test_marks_follow_the_materiel_and_the_actor(private: tuple[Plan, Results]) -> None:
    plan, results = private
    found = marks(plan)
    assert found is not None
    assert found.tables == (("stocks", 1),)
    assert ("stock", "PRT:shell_155mm") in found.inputs
    assert ("euro_atlantic.allied", "land_fires") in found.places
    assert ("euro_atlantic.allied", "air_missile_defence") not in found.places
    assert found.campaign
    assert read_marks(results) == found
    assert marks(make_plan(Study.load("reference"), Register.reference(), futures=8)) is None


@pytest.mark.parametrize("at_hand", [True, False], ids=["overlay at hand", "overlay not at hand"])
def test_figures_that_rest_on_an_overlay_are_marked(private: tuple[Plan, Results], at_hand: bool, tmp_path: Path) -> None:
    plan, results = private
    read = read_report(results, tmp_path, register=plan.register if at_hand else None)
    titles = [r[0] for r in read.tables["t-reach-0"] if len(r) == 7]
    assert any(t.lower().startswith("land fires (campaign)") and t.endswith(MARK) for t in titles)
    assert not any("defence" in t and t.endswith(MARK) for t in titles)
    marked = [a for t, a in read.tags if t == "abbr" and a.get("class") == "overlay"]
    assert len(marked) > 20
    assert "Figures marked ‡ rest on 1 row of a private overlay (1 in stocks)" in read.text
    assert ("t-inputs" in read.tables) == at_hand
    if at_hand:
        assert [r[0] for r in read.tables["t-inputs"] if f"{MARK} private overlay" in r[-1]] == ["155 mm artillery round"]


def test_the_scoreboard_is_marked_too(private: tuple[Plan, Results]) -> None:
    console = Console(width=160, record=True, file=StringIO())
    print_scoreboard(private[1], console=console)
    text = console.export_text()
    assert f"land fires (campaign) {MARK}" in text
    assert f"air missile defence (campaign) {MARK}" not in text
    assert f"undecided {MARK}" in text
    assert "private overlay (1 in stocks)" in text


def test_a_public_run_carries_no_mark(exchanged: Results, tmp_path: Path) -> None:
    read = read_report(exchanged, tmp_path)
    assert MARK not in read.text
    assert read_marks(exchanged) is None


def test_rows_that_no_figure_uses_are_counted_and_mark_nothing() -> None:
    found = Marks((("statements", 2),), (), frozenset(), campaign=False)
    assert found.sentence().endswith("no figure rests on them.")
