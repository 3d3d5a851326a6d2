"""Whatever stands in a file of a register: it loads, or a `RegisterError` says what is wrong. Nothing else is ever raised."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import RegisterError
from isthmus.register import Register
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
