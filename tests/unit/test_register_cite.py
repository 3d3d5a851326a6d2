"""Citations name what identifies the register; references of sources survive the marks of TeX and RIS."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from isthmus import Register
from isthmus.errors import InputError
from isthmus.register import package
from isthmus.register.cite import bibtex, cite, reference_line, references, release, ris
from isthmus.register.records import TABLES
from tests.conftest import TINY, csv_text

SOURCE: dict[str, Any] = {
    "source_id": "daily",
    "title": "Shells: 5% more & cheaper",
    "publisher": "The Daily",
    "url": "https://www.daily.example/a_b?c={1}",
    "published": "2025-03-07",
    "accessed": "2026-11",
    "host_class": "press_or_thinktank",
    "original": None,
}


def described(folder: Path, **more: str) -> Register:
    (folder / package.FILE).write_text(json.dumps({**package.datapackage(), **more}), encoding="utf-8")
    return Register.load(folder)


def test_a_citation_names_what_identifies_the_register(tiny_register: Path) -> None:
    register = described(tiny_register, title="Tiny", version="3")
    rows = sum(len(rows) for rows in TINY.values())
    assert cite(register) == (
        f"Tiny. Release 3. Content hash {register.hash[:16]}. {rows} rows in {len(TABLES)} tables, the newest of 2025-09. 3 sources. "
        "Licence: Apache-2.0."
    )
    assert cite(register, "stocks") == (
        f"Tiny, table stocks. Release 3. Content hash {register.hash[:16]}. 3 rows, the newest of 2025-09. 2 sources. "
        "Licence: Apache-2.0."
    )
    assert cite(register.at("2024-05"), "exercises").endswith(
        "As it stood at 2024-05. 1 row, the newest of 2025-06. 1 source. Licence: Apache-2.0."
    )
    assert ". 2 rows. Licence" in cite(register, "theaters"), "a vocabulary has neither date nor source"
    assert ". 3 rows. Licence" in cite(register, "sources")


def test_what_is_not_stated_is_said(tiny_register: Path) -> None:
    register = Register.load(tiny_register)
    assert release(register) is None
    assert cite(register).startswith("Register register. Unreleased. ")
    assert cite(register).endswith("Licence not stated.")
    (tiny_register / package.FILE).write_text("[1", encoding="utf-8")
    assert release(register) is None


def test_rows_of_an_overlay_are_told(tiny_register: Path, tmp_path: Path) -> None:
    overlay = tmp_path / "own"
    overlay.mkdir()
    (overlay / "theaters.csv").write_text(csv_text("theaters", [{"theater_id": "north", "name": "North"}]), encoding="utf-8")
    assert "3 rows, 1 of them of an overlay." in cite(Register.load(tiny_register, overlay), "theaters")


def test_an_unknown_table_is_an_input_error(tiny_register: Path) -> None:
    for function in (cite, references, bibtex, ris):
        with pytest.raises(InputError, match="unknown table"):
            function(Register.load(tiny_register), "stock")


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({}, "The Daily: Shells: 5% more & cheaper. 2025-03-07. {url} (accessed 2026-11)."),
        ({"published": None, "accessed": None}, "The Daily: Shells: 5% more & cheaper. Undated. {url}."),
        ({"title": "The Daily: shells."}, "The Daily: shells. 2025-03-07. {url} (accessed 2026-11)."),
        (
            {"host_class": "repost_or_aggregator", "original": "Reuters"},
            "Reuters (copied by The Daily): Shells: 5% more & cheaper. 2025-03-07. {url} (accessed 2026-11).",
        ),
        (
            {"host_class": "repost_or_aggregator", "publisher": "Reuters", "original": "Reuters"},
            "Reuters (copied by daily.example): Shells: 5% more & cheaper. 2025-03-07. {url} (accessed 2026-11).",
        ),
        (
            {"host_class": "repost_or_aggregator", "publisher": "Daily"},
            "Daily (copy, original publisher not stated): Shells: 5% more & cheaper. 2025-03-07. {url} (accessed 2026-11).",
        ),
    ],
)
def test_a_reference_line_names_the_original_of_a_copy(more: dict[str, Any], line: str) -> None:
    assert reference_line({**SOURCE, **more}) == line.replace("{url}", SOURCE["url"])


@pytest.fixture
def marked(tiny_register: Path) -> Register:
    """A register whose sources hold every mark that means something to TeX, BibTeX or RIS."""
    title = r"50% of $1, R&D #1_a ~ x^2 {b} \end"
    rows = [{**TINY["sources"][0], "title": title, "published": "2025-03-07", "accessed": "2026", "url": SOURCE["url"]}]
    rows += [
        {**TINY["sources"][1], "title": "TY  - ER", "host_class": "repost_or_aggregator", "original": "Ügency"},
        TINY["sources"][2],
    ]
    (tiny_register / "sources.csv").write_text(csv_text("sources", rows), encoding="utf-8")
    return Register.load(tiny_register)


def test_bibtex_escapes_what_tex_would_read(marked: Register) -> None:
    assert bibtex(marked, "lines") == (
        "@misc{gazette,\n"
        "  author = {{Ministry}},\n"
        r"  title = {{50\% of \$1, R\&D \#1\_a \textasciitilde{} x\textasciicircum{}2 \{b\} \textbackslash{}end}}," + "\n"
        "  year = {2025},\n"
        "  month = {3},\n"
        "  url = {https://www.daily.example/a_b?c=%7B1%7D},\n"
        "  urldate = {2026},\n"
        "}\n"
    )
    whole = bibtex(marked)
    assert "author = {{Ügency}}" in whole
    assert "note = {copied by Press}" in whole
    assert whole.count("@misc{") == 3


def test_ris_has_one_field_a_line(marked: Register) -> None:
    records = ris(marked).split("ER  - \r\n")
    assert len(records) == 4
    assert records[3] == ""
    assert records[0].split("\r\n") == [
        "TY  - ELEC",
        "ID  - gazette",
        r"TI  - 50% of $1, R&D #1_a ~ x^2 {b} \end",
        "PB  - Ministry",
        "PY  - 2025",
        "DA  - 2025/03/07/",
        "UR  - https://www.daily.example/a_b?c={1}",
        "Y2  - 2026///",
        "",
    ]
    assert "TI  - TY - ER" in records[1].split("\r\n"), "no second mark of a field"
    assert "PB  - Ügency" in records[1]
    assert "N1  - copied by Press" in records[1]


def test_every_source_of_the_reference_register_can_be_cited() -> None:
    register = Register.reference()
    count = len(register.table("sources"))
    lines = references(register)
    assert len(lines) == count
    assert len(set(lines)) == count
    assert all("\n" not in line and line.endswith(".") for line in lines)
    assert 0 < len(references(register, "stocks")) < count
    assert references(register, "layers") == []
    entries = bibtex(register)
    assert len(set(re.findall(r"^@misc\{(\S+),$", entries, re.MULTILINE))) == count
    for entry in entries.split("\n\n"):
        bare = re.sub(r"\\[\\{}]", "", entry)
        assert bare.count("{") == bare.count("}"), entry
    for line in ris(register).split("\r\n"):
        assert line == "" or re.match(r"[A-Z][A-Z0-9]  - ", line), line
