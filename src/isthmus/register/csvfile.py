"""Bytes of one CSV file to cells, with every fault of the file named. Knows nothing about what the cells mean."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol

from isthmus.errors import Problem

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
"""Controls of terminals, and marks that turn the direction of text: what is shown would not be what is stored."""
_UTF8 = "UTF-8 (in a spreadsheet: save as 'CSV UTF-8')"
_SHOWN = 60


@dataclass
class Cells:
    """The cells of a file, stripped of outer blanks. `rows` holds (row as a spreadsheet counts it, column -> cell)."""

    columns: tuple[str, ...] = ()
    rows: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    ragged: list[list[str]] = field(default_factory=list)
    """Rows with too many or too few cells: reported, and kept out of `rows`."""
    complete: bool = True
    """False where the file, or its end, could not be read: what it lacks says nothing."""
    problems: list[Problem] = field(default_factory=list)


def quoted(value: str) -> str:
    """A cell as a message shows it: in quotes, with control characters escaped, cut at 60 characters."""
    if value == "":
        return "(blank)"
    text = value if len(value) <= _SHOWN else value[:_SHOWN] + "…"
    return "'" + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text) + "'"


def closest(word: str, choices: Iterable[str]) -> str:
    """`'; closest: X'`, or nothing where no choice is close to the word."""
    by_lower = {c.lower(): c for c in choices}
    near = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f"; closest: {by_lower[near[0]]}" if near else ""


def read_cells(path: Path, label: str, expected: tuple[str, ...]) -> Cells:
    """Read one file. `label` names it in messages, `expected` are the columns that it must have. Never raises on content."""
    out = Cells()

    def fault(row: int | None, column: str | None, found: str, allowed: str, message: str, *, broken: bool = False) -> None:
        out.problems.append(Problem(label, row, column, found, allowed, message))
        if broken:
            out.complete = False

    text = _decode(path, fault)
    if text is None:
        return out
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = 0
    records: list[tuple[int, list[str]]] = []
    try:
        for number, record in enumerate(reader, 1):
            cells = [c.strip() for c in record]
            if any(cells) or number == 1:
                records.append((number, cells))
    except csv.Error as error:
        unterminated = "unexpected end of data" in str(error)
        message = "a quotation mark is opened and never closed" if unterminated else f"the row cannot be read: {error}"
        fault(
            number + 1,
            None,
            "an unreadable row",
            'standard CSV: cells with commas or "" inside stand in quotes',
            message,
            broken=True,
        )
    if not records or not any(records[0][1]):
        if out.complete:
            found = "an empty file" if not text.strip() else "a blank first row"
            fault(1, None, found, "a header: " + ", ".join(expected), "no header", broken=True)
        return out
    header = records[0][1]
    _check_header(header, expected, fault)
    if not set(header) & set(expected):
        out.complete = False
        return out
    out.columns = tuple(header)
    for number, cells in records[1:]:
        if len(cells) != len(header):
            fault(
                number,
                None,
                f"{len(cells)} cells",
                f"{len(header)} cells, as in the header",
                "too many cells" if len(cells) > len(header) else "too few cells",
            )
            out.ragged.append(cells)
            continue
        for column, cell in zip(header, cells, strict=True):
            if not cell.isprintable() and _CONTROL.search(cell):
                fault(number, column, quoted(cell), "text without control characters", "control character or NUL byte in a cell")
            elif not cell.isascii() and _is_garbled(cell):
                fault(
                    number, column, quoted(cell), "the letters as the source writes them", "letters were lost in another encoding"
                )
        out.rows.append((number, dict(zip(header, cells, strict=True))))
    return out


def _decode(path: Path, fault: _Fault) -> str | None:
    if path.is_dir():
        fault(None, None, "a folder", "a CSV file", "not a file", broken=True)
        return None
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        fault(None, None, "no such file", "a CSV file with at least its header", "missing file", broken=True)
        return None
    except OSError as error:
        fault(None, None, error.strerror or "an unreadable file", "a CSV file that can be read", "unreadable file", broken=True)
        return None
    other = _other_format(data)
    if other is not None:
        fault(1, None, other, _UTF8, "wrong encoding" if other.startswith("UTF") else "not a CSV file", broken=True)
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
        fault(row, None, f"byte 0x{data[error.start]:02x}", _UTF8, "wrong encoding", broken=True)
        return None


def _other_format(data: bytes) -> str | None:
    """What a file is that cannot be a table in UTF-8, from its first bytes; None where nothing speaks against it."""
    start = data[:200]
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "UTF-16"
    if start[:4] == b"PK\x03\x04":
        return "a workbook or another ZIP archive"
    if start.lstrip()[:1] == b"<" and b"html" in start.lower():
        return "a web page"
    # Every other byte of Latin text in UTF-16 is zero.
    return "UTF-16 without a byte order mark" if len(start) > 8 and start.count(0) > len(start) // 3 else None


def _is_garbled(cell: str) -> bool:
    """A letter was replaced by the sign for 'no letter', or UTF-8 was read as Windows-1252 and stored again ('Ã©' for 'é')."""
    if "\ufffd" in cell:
        return True
    try:
        return cell.encode("cp1252").decode("utf-8") != cell
    except UnicodeError:
        return False


def _check_header(header: list[str], expected: tuple[str, ...], fault: _Fault) -> None:
    if len(header) == 1 and len(expected) > 1 and header[0] not in expected:
        marks = {";": "semicolons", "\t": "tabs", "|": "bars"}
        word = next((word for mark, word in marks.items() if mark in header[0]), None)
        if word is not None:
            fault(1, None, f"cells separated by {word}", "cells separated by commas", "wrong separator")
            return
    missing = [c for c in expected if c not in header]
    for column in missing:
        fault(1, column, "no such column", "columns: " + ", ".join(expected), f"missing column '{column}'")
    for position, column in enumerate(header, 1):
        if column == "":
            fault(1, None, f"no name over column {position}", "columns: " + ", ".join(expected), "column without a name")
        elif column not in expected:
            fault(1, column, quoted(column), "columns: " + ", ".join(expected) + closest(column, missing), "unknown column")
        elif column in header[: position - 1]:
            fault(1, column, f"'{column}' twice", "each column once", "column twice")


class _Fault(Protocol):
    """Signature of the function that notes a fault."""

    def __call__(
        self, row: int | None, column: str | None, found: str, allowed: str, message: str, *, broken: bool = False
    ) -> None: ...
