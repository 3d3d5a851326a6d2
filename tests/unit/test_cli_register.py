"""`isthmus register`: what it prints, as text and as JSON, and how it exits."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from isthmus import cli
from tests.conftest import TINY, csv_text

HEAVY = ("numpy", "pandas", "numba", "scipy", "pyarrow", "pydantic", "dask", "dash")


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    monkeypatch.setattr(sys, "argv", ["isthmus", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


@pytest.fixture
def isthmus(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    return lambda *words: run(monkeypatch, capsys, *words)


def ten_faults(folder: Path) -> list[dict[str, str | int | None]]:
    """Plant ten faults in a register; give what the answer must say."""

    def put(table: str, rows: list[dict[str, str]]) -> None:
        (folder / f"{table}.csv").write_text(csv_text(table, rows))

    stock = TINY["stocks"][0]
    put(
        "stocks",
        [
            {**stock, "actor_id": "POLL"},
            {**stock, "source_id": ""},
            {**stock, "low": "150", "high": "200", "note": "first"},
            {**stock, "unit": "tonnes", "note": "second"},
            {**stock, "note": "third"},
            {**stock, "note": "third"},
            {**stock, "as_of": "06/2025"},
        ],
    )
    put(
        "adoptions",
        [
            {**TINY["adoptions"][0], "maturity": "adopted"},
            {**TINY["adoptions"][1], "item_id": "round_standards"},
        ],
    )
    put("unit_costs", [{**TINY["unit_costs"][0], "mode": "abc"}])
    transfers = csv_text("transfers", TINY["transfers"])
    (folder / "transfers.csv").write_text(transfers.replace("mode_of_transfer,", "", 1).replace("sale,", "", 1))
    key = ["actor_id", "materiel_id", "measure", "as_of", "source_id", "note"]
    same = "actor_id 'POL', materiel_id 'shell_155', measure 'on_hand', as_of '2025-06', source_id 'gazette', note 'third'"
    ladder = "none, declared, agreed, implemented, exercised"
    columns = (
        "supplier, recipient, materiel_id, measure, mode_of_transfer, unit, period_from, period_to, "
        "low, mode, high, kind, source_id, as_of, confidence, rule, note"
    )
    said = [
        ("adoptions.csv", 2, "maturity", "'adopted'", ladder, "unknown maturity"),
        (
            "adoptions.csv",
            3,
            "item_id",
            "'round_standards'",
            "an id of items.csv; closest: round_standard",
            "orphan item: no such row in items.csv",
        ),
        ("stocks.csv", 2, "actor_id", "'POLL'", "an id of actors.csv; closest: POL", "unknown actor"),
        ("stocks.csv", 3, "source_id", "(blank)", "a fact needs source_id, as_of and confidence", "missing source"),
        ("stocks.csv", 4, "low", "low 150, mode 100", "low <= mode <= high", "low > mode"),
        ("stocks.csv", 5, "unit", "'tonnes'", "units", "wrong unit"),
        ("stocks.csv", 7, ", ".join(key), same, f"one row for each {' + '.join(key)}", "duplicate key: the same as row 6"),
        ("stocks.csv", 8, "as_of", "'06/2025'", "a date as YYYY, YYYY-MM or YYYY-MM-DD", "bad date"),
        ("transfers.csv", 1, "mode_of_transfer", "no such column", f"columns: {columns}", "missing column 'mode_of_transfer'"),
        ("unit_costs.csv", 2, "mode", "'abc'", "a number >= 0", "text in a number"),
    ]
    return [dict(zip(("file", "row", "column", "found", "allowed", "message"), one, strict=True)) for one in said]


def test_ten_planted_faults_come_back_in_one_answer(isthmus: Any, tiny_register: Path) -> None:
    expected = ten_faults(tiny_register)
    code, out, err = isthmus("register", "check", "--register", tiny_register, "--json")
    answer = json.loads(out)
    assert code == 2
    assert answer == {"ok": False, "problems": expected, "counts": None}
    code, out, err = isthmus("register", "check", "--register", tiny_register)
    assert (code, out) == (2, "")
    assert err.endswith("10 problems.\n")
    for problem in expected:
        assert f"{problem['file']}, row {problem['row']}, column {problem['column']}: {problem['message']}" in err
        assert f"found:   {problem['found']}\n    allowed: {problem['allowed']}" in err


def test_check_of_a_clean_register(isthmus: Any, tiny_register: Path) -> None:
    code, out, err = isthmus("register", "check", "--register", tiny_register, "--json")
    answer = json.loads(out)
    assert (code, err, answer["ok"], answer["problems"]) == (0, "", True, [])
    assert answer["counts"] == {"facts": 18, "estimates": 0, "assumptions": 3, "sources": 3, "actors": 5, "items": 2}
    code, out, _ = isthmus("register", "check", "--register", tiny_register)
    assert (code, out[:11]) == (0, "No problems")


def test_show_answers_how_far_japan_is_on_standards(isthmus: Any, tiny_register: Path) -> None:
    words = (
        "register",
        "show",
        "adoptions",
        "--actor",
        "Japan",
        "--layer",
        "standard",
        "--at",
        "2023",
        "--register",
        tiny_register,
    )
    code, out, _ = isthmus(*words, "--json")
    (row,) = json.loads(out)
    assert code == 0
    assert (row["actor_id"], row["item_name"], row["maturity"], row["since"]) == ("JPN", "One standard round", "declared", "2019")
    assert (row["source_title"], row["publisher"], row["url"]) == ("Gazette", "Ministry", "https://example.org/gazette")
    _, out, _ = isthmus(*words)
    assert "declared" in out
    assert "https://example.org/gazette" in out


def test_show_as_csv_has_every_column(isthmus: Any, tiny_register: Path) -> None:
    _, out, _ = isthmus("register", "show", "stocks", "--materiel", "shell_155", "--csv", "--register", tiny_register)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["mode"] for row in rows] == ["100.0", "70.0", "50.0"]
    assert rows[1]["source_title"] == "Paper, daily"
    assert rows[0]["fact_id"].startswith("stocks:POL|shell_155|")


def test_show_why_says_what_was_discarded(isthmus: Any, tiny_register: Path) -> None:
    code, out, _ = isthmus("register", "show", "stocks", "--actor", "POL", "--why", "--json", "--register", tiny_register)
    rows = json.loads(out)
    assert code == 0
    assert [row["role"] for row in rows] == ["resolved", "used", "used", "discarded"]
    assert rows[0]["mode"] == 70
    assert rows[0]["high"] == pytest.approx(120 * 1.25)
    assert rows[3]["reason"] == "a fact exists"


def test_show_finds_an_actor_in_a_list(isthmus: Any, tiny_register: Path) -> None:
    _, out, _ = isthmus("register", "show", "exercises", "--actor", "JPN", "--json", "--register", tiny_register)
    assert [row["exercise_id"] for row in json.loads(out)] == ["shield_2024"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("stokcs",), "closest: stocks"),
        (("stocks", "--actor", "POLL"), "closest: POL"),
        (("stocks", "--actor", "Polland"), "closest: Poland"),
        (("stocks", "--at", "June"), "YYYY, YYYY-MM or YYYY-MM-DD"),
        (("stocks", "--layer", "standards"), "closest: standard"),
        (("adoptions", "--item", "one_standard"), "unknown item"),
        (("stocks", "--item", "round_standard"), "stocks has no column for item"),
        (("ties", "--why"), "nothing to resolve"),
    ],
)
def test_a_word_that_the_register_does_not_know(words: tuple[str, ...], said: str, isthmus: Any, tiny_register: Path) -> None:
    code, out, err = isthmus("register", "show", *words, "--register", tiny_register)
    assert (code, out) == (2, "")
    assert said in err
    code, out, _ = isthmus("register", "show", *words, "--register", tiny_register, "--json")
    assert code == 2
    assert json.loads(out)["ok"] is False


def test_sources_that_no_row_cites(isthmus: Any, tiny_register: Path) -> None:
    _, out, _ = isthmus("register", "sources", "--unused", "--json", "--register", tiny_register)
    assert [row["source_id"] for row in json.loads(out)] == ["unread"]
    _, out, _ = isthmus("register", "sources", "--json", "--register", tiny_register)
    assert {row["source_id"]: row["rows"] for row in json.loads(out)} == {"gazette": 17, "paper": 1, "unread": 0}


def test_coverage(isthmus: Any, tiny_register: Path) -> None:
    _, out, _ = isthmus("register", "coverage", "--json", "--register", tiny_register)
    assert {"stage", "field", "elements", "facts", "estimates", "assumptions"} <= set(json.loads(out)[0])
    _, out, _ = isthmus("register", "coverage", "--csv", "--register", tiny_register)
    assert out.startswith("stage,field,elements,facts,estimates,assumptions,unknown\n")


def test_package_writes_the_descriptor(isthmus: Any, tiny_register: Path, tmp_path: Path) -> None:
    code, _, _ = isthmus("register", "package", "--register", tiny_register)
    assert code == 0
    assert json.loads((tiny_register / "datapackage.json").read_text())["name"] == "isthmus-register"
    assert isthmus("register", "package", "--register", tmp_path / "nowhere")[0] == 2


def test_a_misspelt_command_and_no_command(isthmus: Any) -> None:
    assert isthmus("register", "shw")[0] == 2
    assert isthmus("--version")[0] == 0


def test_an_interrupt_exits_with_3(isthmus: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "load_register", interrupt)
    assert isthmus("register", "coverage")[0] == 3


def test_help_loads_no_numeric_library() -> None:
    code = (
        "import sys; from isthmus import cli; sys.argv = ['isthmus', '--help']\n"
        "try: cli.main()\n"
        "except SystemExit as stop: assert not stop.code\n"
        f"loaded = [m for m in {HEAVY!r} if m in sys.modules]; assert not loaded, loaded"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "register" in done.stdout


def test_an_empty_cell_says_whether_it_is_unknown_or_does_not_apply(isthmus: Any, tiny_register: Path) -> None:
    for actor, item, answer in (
        ("JPN", "shared_stock", "unknown: the item applies"),
        ("japan", "Shared stock", "unknown: the item applies"),
        ("CHN", "round_standard", "the item does not apply"),
        ("JPN", "round_standard", "did not exist at 2005; it is since 2009"),
    ):
        at = ("--at", "2005") if "2005" in answer else ()
        words = ("--actor", actor, "--item", item, *at, "--json", "--register", tiny_register)
        code, out, err = isthmus("register", "show", "adoptions", *words)
        assert code == 0
        assert json.loads(out) == []
        assert answer in err


def test_who_holds_the_standard_for_a_materiel(isthmus: Any, tiny_register: Path) -> None:
    words = ("--materiel", "shell_155", "--json", "--register", tiny_register)
    _, out, err = isthmus("register", "show", "adoptions", "--actor", "JPN", *words)
    assert [(r["item_id"], r["maturity"], r["since"], r["publisher"]) for r in json.loads(out)] == [
        ("round_standard", "declared", "2019", "Ministry"),
        ("round_standard", "agreed", "2024", "Ministry"),
    ]
    assert err == ""
    _, out, err = isthmus("register", "show", "adoptions", "--actor", "USA", *words)
    assert json.loads(out) == []
    assert "USA, round_standard (One standard round): unknown" in err
    _, out, _ = isthmus("register", "show", "items", *words)
    assert [row["item_id"] for row in json.loads(out)] == ["round_standard"]


def test_coverage_counts_the_inputs_of_the_reference_study(isthmus: Any) -> None:
    _, out, err = isthmus("register", "coverage", "--json")
    rows = json.loads(out)
    assert {tuple(row) for row in rows} == {("stage", "field", "elements", "facts", "estimates", "assumptions", "unknown")}
    campaign = {row["field"]: row for row in rows if row["stage"] == "campaign"}
    assert {"stock", "line.base", "line.plan", "effect", "launchers"} <= set(campaign)
    for row in campaign.values():
        assert row["facts"] + row["estimates"] + row["assumptions"] == row["elements"] > 0
    assert err == ""


def test_coverage_by_actor_adds_up(isthmus: Any, tiny_register: Path) -> None:
    _, out, err = isthmus("register", "coverage", "--by-actor", "--json", "--register", tiny_register)
    rows = {row["field"]: row for row in json.loads(out)}
    of_actors = [row for field, row in rows.items() if field.startswith("adoptions.standard.allied.")]
    assert len(of_actors) == 3
    for name in ("elements", "facts", "assumptions", "unknown"):
        assert sum(row[name] for row in of_actors) == rows["adoptions.standard.allied"][name]
    assert "Inputs of campaigns are left out" in err


def test_rows_of_an_overlay_are_marked(isthmus: Any, tiny_register: Path, tmp_path: Path) -> None:
    overlay = tmp_path / "mine"
    overlay.mkdir()
    (overlay / "stocks.csv").write_text(csv_text("stocks", [{**TINY["stocks"][0], "note": "my count", "low": "1", "mode": "1"}]))
    words = ("--register", tiny_register, "--overlay", overlay)
    _, out, _ = isthmus("register", "show", "stocks", *words)
    assert "overlay" in out.splitlines()[0]
    _, out, _ = isthmus("register", "show", "stocks", "--why", "--csv", *words)
    assert [r["overlay"] for r in csv.DictReader(io.StringIO(out)) if r["note"] == "my count"] == ["True"]
    _, out, _ = isthmus("register", "coverage", "--json", *words)
    rows = {row["field"]: row for row in json.loads(out)}
    assert (rows["stocks"]["overlay"], rows["lines"]["overlay"]) == (1, 0)
    _, out, _ = isthmus("register", "contradictions", "--json", *words)
    assert any(", overlay)" in row["used"] for row in json.loads(out))
