"""Whatever stands in a file of a register: it loads, or a `RegisterError` says what is wrong. Nothing else is ever raised."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import RegisterError
from isthmus.register import Register
from isthmus.register.columns import Column, columns
from isthmus.register.register import MODELS
from tests.conftest import TINY, csv_text, write_tiny

table = st.sampled_from(sorted(TINY))
odd_cell = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", " ", "nan", "-inf", "1e999", "1,000", "=1+1", "NULL", "0x1F", "٣", "²", "2025-02-30", "0000", ";", "a;;b", '"']
    ),
)


@pytest.fixture(scope="module")
def folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="isthmus-mutations-"))


def load(folder: Path) -> None:
    """Load, and check that a refusal says something of every problem."""
    refusal = None
    try:
        Register.load(folder)
    except RegisterError as error:
        refusal = error
    assert refusal is None or (refusal.problems and all(p.file and p.message and p.found and p.allowed for p in refusal.problems))


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


@given(table, st.data())
@settings(max_examples=150, deadline=None)
def test_any_cell(folder: Path, name: str, data: st.DataObject) -> None:
    lines = [line.split(",") for line in csv_text(name, TINY[name]).replace('"Paper, daily"', "Paper").splitlines()]
    for _ in range(data.draw(st.integers(1, 4))):
        line = data.draw(st.integers(0, len(lines) - 1))
        lines[line][data.draw(st.integers(0, len(lines[line]) - 1))] = quoted(data.draw(odd_cell))
    (write_tiny(folder) / f"{name}.csv").write_text("\n".join(",".join(line) for line in lines), encoding="utf-8", newline="")
    load(folder)


@given(table, st.data())
@settings(max_examples=100, deadline=None)
def test_any_bytes_put_in_or_taken_out(folder: Path, name: str, data: st.DataObject) -> None:
    content = csv_text(name, TINY[name]).encode()
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 40)))
    (write_tiny(folder) / f"{name}.csv").write_bytes(content[:start] + data.draw(st.binary(max_size=12)) + content[end:])
    load(folder)


@given(table, st.binary(max_size=200))
@settings(max_examples=60, deadline=None)
def test_any_file(folder: Path, name: str, content: bytes) -> None:
    (write_tiny(folder) / f"{name}.csv").write_bytes(content)
    load(folder)


@given(table, st.data())
@settings(max_examples=60, deadline=None)
def test_columns_dropped_doubled_or_swapped(folder: Path, name: str, data: st.DataObject) -> None:
    lines = [line.split(",") for line in csv_text(name, TINY[name]).replace('"Paper, daily"', "Paper").splitlines()]
    order = data.draw(st.lists(st.integers(0, len(lines[0]) - 1), max_size=len(lines[0]) + 2))
    (write_tiny(folder) / f"{name}.csv").write_text(
        "\n".join(",".join(line[i] for i in order) for line in lines), encoding="utf-8"
    )
    load(folder)


# Mutations that leave nothing to doubt: the register must refuse every one of them, and name the file.

BAD_CELL = {
    "number": ["nan", "inf", "1e999", "1,000", "12 000", "5%", "0x1F", "٣", "many", "-1"],
    "integer": ["2024.5", "two", "1e3", "٢٠٢٤", "9" * 30],
    "date": ["2026-13", "2025-02-30", "13/02/2026", "20260101", "June 2026", "0000", "2026-1"],
    "enum": ["Nonsense", "ALLIED!", "0", "fact "[::-1]],
    "id": ["a b", "ä", "-x", "x" * 81, "a;b", "no_such_row"],
    "address": ["example.org", "ftp://x.org", "https://a b", "https://[::1", "javascript:1"],
}


def is_checked(column: Column) -> bool:
    """Not every id points somewhere: one that names its own row may be any id."""
    return column.kind != "text" and (column.kind != "id" or column.reference is not None)


def harm(name: str, data: st.DataObject) -> bytes:
    """The file of a table after one harmful mutation."""
    specs = {c.name: c for c in columns(MODELS[name])}
    header, *rows = list(csv.reader(io.StringIO(csv_text(name, TINY[name]))))
    row = data.draw(st.sampled_from(rows))
    checked = [i for i, c in enumerate(header) if is_checked(specs[c])]
    required = [i for i, c in enumerate(header) if specs[c].required]
    how = data.draw(st.sampled_from(["swapped", "dropped", "mistyped", "re-encoded", "renamed", "ragged", "doubled"]))
    encoding = "utf-8"
    if how == "swapped":
        pairs = [(i, j) for i in checked for j in checked if i != j and row[i] and unlike(specs[header[i]], specs[header[j]])]
        if pairs:
            i, j = data.draw(st.sampled_from(pairs))
            row[i], row[j] = row[j], row[i]
        else:
            how = "renamed"
    if how == "dropped":
        row[data.draw(st.sampled_from(required))] = ""
    elif how == "mistyped":
        i = data.draw(st.sampled_from(checked or required))
        row[i] = data.draw(st.sampled_from(BAD_CELL[specs[header[i]].kind]) if checked else st.just(""))
    elif how == "re-encoded":
        encoding = data.draw(st.sampled_from(["latin-1", "utf-16", "utf-16-le", "utf-32", "cp1252 read, utf-8 stored"]))
        row[header.index("name") if "name" in header else len(header) - 1] = "Gdańsk é".replace("ń", "ñ")
    elif how == "renamed":
        i = data.draw(st.integers(0, len(header) - 1))
        header[i] = data.draw(st.sampled_from([header[i].upper(), header[i] + "s", "Unnamed: 0", "", header[i - 1]]))
    elif how == "ragged":
        row.append("more") if data.draw(st.booleans()) else row.pop()
    elif how == "doubled":
        rows.append(list(row))
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    if encoding.startswith("cp1252"):
        return out.getvalue().encode().decode("cp1252").encode()
    return out.getvalue().encode(encoding)


def unlike(first: Column, second: Column) -> bool:
    """No cell that fits the first fits the second: an id or address is no number, a number no date, a date no choice."""
    fits = {"number": 0, "integer": 0, "date": 1, "enum": 2, "address": 4}
    return first.kind in fits and second.kind in fits and fits[first.kind] > fits[second.kind]


@given(table, st.data())
@settings(max_examples=250, deadline=None)
def test_no_harm_passes_in_silence(folder: Path, name: str, data: st.DataObject) -> None:
    content = harm(name, data)
    (write_tiny(folder) / f"{name}.csv").write_bytes(content)
    with pytest.raises(RegisterError) as caught:
        Register.load(folder)
    problems = caught.value.problems
    assert any(p.file == f"{name}.csv" for p in problems), problems
    assert all(p.message and p.found and p.allowed for p in problems)
