"""Every fault of a register is found, named in plain English, and reported with all others."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from isthmus import Register
from isthmus.errors import InputError, RegisterError
from isthmus.register import package
from isthmus.register.columns import columns
from isthmus.register.load import load_tables, read_tables
from isthmus.register.records import TABLES
from isthmus.register.register import check, reference_root
from tests.conftest import TINY, csv_text, write_tiny

BAD = Path(__file__).parent.parent / "data" / "bad"


def lay(fault: Path, register: Path) -> Path:
    """Put the files of one fault over a register; `remove.txt` names files to take away."""
    for path in fault.iterdir():
        target = register / path.name
        if path.name == "remove.txt":
            for name in path.read_text().split():
                (register / name).unlink()
        elif path.is_dir():
            target.unlink()
            shutil.copytree(path, target)
        elif path.name != "expected.txt":
            shutil.copy(path, target)
    return register


@pytest.mark.parametrize("fault", sorted(p for p in BAD.iterdir() if (p / "expected.txt").exists()), ids=lambda p: p.name)
def test_each_fault_has_its_exact_message(fault: Path, tiny_register: Path) -> None:
    with pytest.raises(RegisterError) as caught:
        read_tables(lay(fault, tiny_register))
    assert str(caught.value) + "\n" == (fault / "expected.txt").read_text(encoding="utf-8")


def test_a_clean_register_gives_typed_rows(tiny_register: Path) -> None:
    tables = read_tables(tiny_register)
    assert set(tables) == {model.table for model in TABLES}
    assert {name: len(rows) for name, rows in tables.items()} == {model.table: len(TINY.get(model.table, [])) for model in TABLES}


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace(",", " , "),
        lambda text: text + "\n\n" + "," * text.splitlines()[0].count(",") + "\n",
        lambda text: text.removesuffix("\n"),
        lambda text: "\n".join(",".join(reversed(line.split(","))) for line in text.splitlines()),
        lambda text: text.replace("100", "1e2").replace("120", "120.0"),
    ],
    ids=[
        "byte order mark",
        "CRLF",
        "blanks",
        "blank rows",
        "no last newline",
        "columns in another order",
        "numbers in another form",
    ],
)
def test_what_spreadsheets_do_to_a_file_changes_nothing(rewrite: Callable[[str], str], tiny_register: Path) -> None:
    before = Register.load(tiny_register)
    path = tiny_register / "stocks.csv"
    path.write_bytes(rewrite(path.read_text()).encode())
    assert Register.load(tiny_register).hash == before.hash


def test_a_broken_table_does_not_orphan_the_rows_that_point_to_it(tiny_register: Path) -> None:
    (tiny_register / "actors.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RegisterError) as caught:
        read_tables(tiny_register)
    assert [(p.file, p.message) for p in caught.value.problems] == [("actors.csv", "wrong encoding")]


def test_a_row_with_too_few_cells_still_counts_as_a_target(tiny_register: Path) -> None:
    path = tiny_register / "actors.csv"
    path.write_text(path.read_text().replace("POL,Poland,", "POL,"))
    with pytest.raises(RegisterError) as caught:
        read_tables(tiny_register)
    assert [p.message for p in caught.value.problems] == ["too few cells"]


@pytest.mark.parametrize(
    ("maturity", "since", "fault"),
    [
        ("agreed", "2008", True),
        ("implemented", "2008-12-31", True),
        ("agreed", "2009", False),
        ("agreed", "2009-05", False),
        ("declared", "2001", False),
        ("agreed", "", False),
    ],
)
def test_nobody_holds_what_does_not_exist_yet(maturity: str, since: str, fault: bool, tiny_register: Path) -> None:
    row = {**TINY["adoptions"][1], "maturity": maturity, "since": since}
    (tiny_register / "adoptions.csv").write_text(csv_text("adoptions", [row]))
    if not fault:
        Register.load(tiny_register)
        return
    with pytest.raises(RegisterError) as caught:
        read_tables(tiny_register)
    assert [(p.file, p.row, p.column, p.message) for p in caught.value.problems] == [
        ("adoptions.csv", 2, "since", f"{maturity} before the item existed")
    ]


@pytest.mark.parametrize(
    ("table", "old", "new", "message"),
    [
        ("actors", b"Poland", "Polônia".encode().decode("cp1252").encode(), "letters were lost in another encoding"),
        ("actors", b"Poland", "Pol\ufffdnia".encode(), "letters were lost in another encoding"),
        ("actors", b"Poland", "Pol\u202eand".encode(), "control character or NUL byte in a cell"),
        ("sources", b"https://example.org/unread", b"https://[::1", "not an address"),
        ("sources", b"https://example.org/unread", b"https:///unread", "not an address"),
        ("exercises", b"USA;JPN", b";", "a list without an id"),
        ("exercises", b"USA;JPN", b"JPN;JPN", "an id stands twice in the list"),
    ],
)
def test_what_looks_right_and_is_not(table: str, old: bytes, new: bytes, message: str, tiny_register: Path) -> None:
    path = tiny_register / f"{table}.csv"
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
    with pytest.raises(RegisterError) as caught:
        read_tables(tiny_register)
    assert [p.message for p in caught.value.problems] == [message]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("actor_id,name\nJPN,Japan\n".encode("utf-16-le"), "UTF-16 without a byte order mark"),
        (b"PK\x03\x04\x14\x00", "a workbook or another ZIP archive"),
        (b"<!DOCTYPE html><html><body>sign in</body></html>", "a web page"),
    ],
)
def test_a_file_of_another_format_is_named(content: bytes, found: str, tiny_register: Path) -> None:
    (tiny_register / "actors.csv").write_bytes(content)
    with pytest.raises(RegisterError) as caught:
        read_tables(tiny_register)
    assert [(p.file, p.found) for p in caught.value.problems] == [("actors.csv", found)]


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(RegisterError, match="no such folder"):
        read_tables(tmp_path / "nowhere")


def test_overlay_rows_are_added_or_replace_their_key_and_are_marked(tiny_register: Path, tmp_path: Path) -> None:
    overlay = tmp_path / "mine"
    overlay.mkdir()
    own = [{**TINY["stocks"][0], "mode": "110"}, {**TINY["stocks"][0], "note": "another count"}]
    (overlay / "stocks.csv").write_text(csv_text("stocks", own))
    stocks = Register.load(tiny_register, overlay).table("stocks")
    assert stocks["overlay"].tolist() == [False, False, True, True]
    assert stocks["mode"].tolist() == [70, 50, 110, 100]
    assert stocks["fact_id"].is_unique


def test_overlay_faults_name_the_overlay(tiny_register: Path, tmp_path: Path) -> None:
    overlay = tmp_path / "mine"
    overlay.mkdir()
    (overlay / "stocks.csv").write_text(csv_text("stocks", [{**TINY["stocks"][0], "actor_id": "POLL"}]))
    with pytest.raises(RegisterError) as caught:
        load_tables(tiny_register, overlay)
    assert [(p.file, p.row, p.column) for p in caught.value.problems] == [("overlay/stocks.csv", 2, "actor_id")]


def test_an_overlay_without_a_table_is_a_fault(tiny_register: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(RegisterError, match="the overlay is empty"):
        load_tables(tiny_register, tmp_path / "empty")


def test_frames_are_typed(tiny_register: Path) -> None:
    register = Register.load(tiny_register)
    for model in TABLES:
        frame = register.table(model.table)
        wanted = {c.name: {"number": "float64", "integer": "int64"}.get(c.kind, "object") for c in columns(model)}
        assert {c: str(t) for c, t in frame.dtypes.items()} == {**wanted, "fact_id": "object", "overlay": "bool"}
        assert frame["fact_id"].is_unique
    assert register.table("stocks")["fact_id"][0] == "stocks:POL|shell_155|on_hand|2025-06|gazette|"


def test_hash_does_not_depend_on_order_but_on_values(tiny_register: Path) -> None:
    before = Register.load(tiny_register).hash
    (tiny_register / "stocks.csv").write_text(csv_text("stocks", TINY["stocks"][::-1]))
    assert Register.load(tiny_register).hash == before
    (tiny_register / "stocks.csv").write_text(csv_text("stocks", TINY["stocks"][1:]))
    assert Register.load(tiny_register).hash != before


@pytest.mark.parametrize(
    ("date", "adoptions", "stocks", "exercises"),
    [
        ("2018", 1, 1, 0),
        ("2019", 2, 1, 0),
        ("2023-12-31", 2, 1, 0),
        ("2024", 2, 1, 1),
        ("2025-05-31", 2, 1, 1),
        ("2025-06", 2, 2, 1),
        ("2025-09-01", 2, 3, 1),
    ],
)
def test_a_view_holds_what_was_known_at_its_date(
    date: str, adoptions: int, stocks: int, exercises: int, tiny_register: Path
) -> None:
    register = Register.load(tiny_register)
    view = register.at(date)
    assert (len(view.table("adoptions")), len(view.table("stocks")), len(view.table("exercises"))) == (
        adoptions,
        stocks,
        exercises,
    )
    assert (view.date, view.hash) == (date, register.hash)
    assert view.counts()["actors"] == 5


def test_a_step_of_the_ladder_ends_where_the_next_begins(tiny_register: Path) -> None:
    register = Register.load(tiny_register)
    steps = {}
    for year in ("2020", "2024"):
        rows = register.at(year).table("adoptions")
        steps[year] = rows.loc[rows["actor_id"] == "JPN", "maturity"].tolist()
    assert steps == {"2020": ["declared"], "2024": ["agreed"]}


def test_adoptions_go_with_their_item(tiny_register: Path) -> None:
    assert Register.load(tiny_register).at("2008").table("adoptions").empty


def test_a_view_refuses_what_is_no_date(tiny_register: Path) -> None:
    with pytest.raises(InputError, match="bad date"):
        Register.load(tiny_register).at("soon")


def test_counts_and_newest(tiny_register: Path) -> None:
    register = Register.load(tiny_register)
    assert register.counts() == {"facts": 18, "estimates": 0, "assumptions": 3, "sources": 3, "actors": 5, "items": 2}
    assert register.newest() == "2025-09"
    assert check(tiny_register) == (register.counts(), register.hash)


def test_a_date_after_today_is_not_the_newest(tiny_register: Path) -> None:
    (tiny_register / "stocks.csv").write_text(csv_text("stocks", [{**TINY["stocks"][0], "as_of": "2099"}]))
    assert Register.load(tiny_register).newest() == "2025-06"


def test_an_unknown_table_is_named_with_the_closest(tiny_register: Path) -> None:
    with pytest.raises(InputError, match="closest: stocks"):
        Register.load(tiny_register).table("stock")


def test_the_reference_register_is_clean() -> None:
    register = Register.reference()
    assert register.counts()["actors"] > 100
    assert register.newest() >= "2025-01"


def test_the_committed_datapackage_is_up_to_date() -> None:
    committed = (reference_root() / package.FILE).read_text(encoding="utf-8")
    assert committed == package.text(), "run `isthmus register package`"


def test_the_datapackage_describes_every_table() -> None:
    resources = {r["name"]: r["schema"] for r in package.datapackage()["resources"]}
    assert list(resources) == [m.table for m in TABLES]
    assert resources["actors"]["primaryKey"] == ["actor_id"]
    assert {"fields": ["actor_id"], "reference": {"resource": "actors", "fields": ["actor_id"]}} in resources["stocks"][
        "foreignKeys"
    ]
    unit = next(f for f in resources["stocks"]["fields"] if f["name"] == "unit")
    assert unit["constraints"] == {"required": True, "enum": ["units"]}


def test_two_copies_of_the_tiny_register_are_one(tmp_path: Path) -> None:
    assert Register.load(write_tiny(tmp_path / "a")).hash == Register.load(write_tiny(tmp_path / "b")).hash
