"""Delimited text of a publisher to a typed frame: header first, then row by row in batches, every fault with its place.

Rows are counted as a spreadsheet counts them (the header is row 1). Text becomes `string`, whole numbers `Int64`, other
numbers `float64`, dates `datetime64`; a blank or a publisher's own code for 'missing' becomes NA or NaN, never zero.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NoReturn

import numpy as np
import pandas as pd

from isthmus.errors import InputError, Problem
from isthmus.register.csvfile import quoted

Kind = Literal["text", "int", "float", "date"]
MOST_PROBLEMS = 50
_BATCH = 20_000
_ALLOWED = {"text": "text", "int": "a whole number", "float": "a number", "date": "a date"}


@dataclass(frozen=True)
class Field:
    """One column: its name in the publisher's file, its name in the frame, what may stand in it."""

    source: str
    name: str
    kind: Kind = "text"
    required: bool = True
    """The file must have this column."""
    blank: bool = True
    """A cell may be empty or hold one of `missing`."""
    missing: tuple[str, ...] = ()
    low: float | None = None
    choices: tuple[str, ...] = ()
    formats: tuple[str, ...] = ("%Y-%m-%d",)
    high: float | None = None
    also: tuple[str, ...] = ()
    """Names of the same column in other editions."""


Rest = Callable[[str], Field | None]


def fail(file: str, found: str, allowed: str, message: str, *, row: int | None = None, column: str | None = None) -> NoReturn:
    """Raise `InputError` with one problem."""
    raise InputError([Problem(file, row, column, found, allowed, message)])


def check_is_file(path: Path, what: str) -> None:
    """Raise unless `path` is a file with something in it."""
    if path.is_dir():
        fail(path.name, "a folder", what, "not a file")
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        fail(path.name, "no such file", what, "missing file")
    except (OSError, ValueError) as error:
        fail(path.name, str(error), what, "unreadable file")
    if size == 0:
        fail(path.name, "an empty file", what, "no data")


def read_table(
    path: Path, fields: Sequence[Field], *, rest: Rest | None = None, encoding: str = "utf-8-sig", rows: bool = False
) -> pd.DataFrame:
    """Read one comma-separated file. `rest` gives a field for a column beyond `fields`, or None to leave it out.

    With `rows`, the frame has a column `row`, the row of the file. Raises `InputError` with up to 50 problems.
    """
    check_is_file(path, "a CSV file")
    problems: list[Problem] = []
    frames: list[pd.DataFrame] = []
    try:
        with path.open(encoding=encoding, newline="") as stream:
            reader = csv.reader(stream, strict=True)
            header = [cell.strip() for cell in next(reader, [])]
            used = columns_of(path.name, header, fields, rest)
            for start, batch in _batches(reader):
                frames.append(_typed(path.name, _whole(path.name, start, batch, len(header), problems), used, problems, rows))
                if len(problems) >= MOST_PROBLEMS:
                    break
    except UnicodeDecodeError as error:
        _fail_encoding(path, encoding, error)
    except csv.Error as error:
        fail(path.name, str(error), "standard CSV text", "the file cannot be read as CSV", row=reader.line_num)
    except OSError as error:
        fail(path.name, error.strerror or "an unreadable file", "a CSV file", "unreadable file")
    if problems:
        raise InputError(problems[:MOST_PROBLEMS])
    if not frames or all(frame.empty for frame in frames):
        fail(path.name, "a header and no rows", "at least one row", "no data", row=2)
    return pd.concat(frames, ignore_index=True)


def columns_of(
    file: str, header: Sequence[str], fields: Sequence[Field], rest: Rest | None = None, row: int = 1
) -> list[tuple[int, Field]]:
    """Places of the fields in a header. Raises `InputError` for a wrong file, a missing column or a column twice."""
    needed = [f.source for f in fields if f.required]
    allowed = "columns: " + ", ".join(needed)
    if not any(header):
        fail(file, "a blank first row", allowed, "no header", row=row)
    names = {f.source: {f.source, *f.also} for f in fields}
    missing = [name for name in needed if not names[name] & set(header)]
    if needed and len(missing) == len(needed):
        separator = next((w for m, w in ((";", "semicolons"), ("\t", "tabs")) if len(header) == 1 and m in header[0]), None)
        if separator:
            fail(file, f"cells separated by {separator}", "cells separated by commas", "wrong separator", row=row)
        fail(file, quoted(",".join(header)), allowed, "this is another file: none of its columns is expected", row=row)
    problems = [Problem(file, row, name, "no such column", allowed, f"missing column '{name}'") for name in missing]
    known = {name: f for f in fields for name in (f.source, *f.also)}
    used: list[tuple[int, Field]] = []
    for place, name in enumerate(header):
        field = known.get(name) or (rest(name) if rest and name else None)
        if field is None:
            continue
        before = names.get(field.source, {name}) & set(header[:place])
        if before:
            found = f"'{name}' twice" if name in before else f"'{name}' beside '{before.pop()}'"
            problems.append(Problem(file, row, name, found, "each column once", "column twice"))
        used.append((place, field))
    if problems:
        raise InputError(problems)
    order = {f.source: i for i, f in enumerate(fields)}
    return sorted(used, key=lambda pair: (order.get(pair[1].source, len(order)), pair[0]))


def convert(cells: pd.Series, field: Field) -> tuple[pd.Series, pd.Series]:
    """Stripped text to the type of the field, and a mask of the cells that do not fit it."""
    empty = cells.isin(["", *field.missing])
    bad = pd.Series(data=False, index=cells.index) if field.blank else empty
    if field.kind == "text":
        if field.choices:
            bad = bad | (~empty & ~cells.isin(field.choices))
        return cells.astype("string").mask(empty), bad
    if field.kind == "date":
        dates = pd.Series(pd.NaT, index=cells.index, dtype="datetime64[ns]")
        for pattern in field.formats:
            dates = dates.fillna(pd.to_datetime(cells.mask(empty), format=pattern, errors="coerce"))
        return dates, bad | (dates.isna() & ~empty)
    numbers = pd.to_numeric(cells.mask(empty), errors="coerce").astype("float64")
    bad = bad | (~np.isfinite(numbers) & ~empty)
    if field.low is not None:
        bad = bad | (numbers < field.low)
    if field.high is not None:
        bad = bad | (numbers > field.high)
    if field.kind == "float":
        return numbers, bad
    bad = bad | (~empty & ((numbers % 1 != 0) | (numbers.abs() > 2**53)))
    return numbers.mask(bad).astype("Int64"), bad


def allowed_in(field: Field) -> str:
    """What a cell of the field may hold, in words."""
    text = "one of: " + ", ".join(field.choices) if field.choices else _ALLOWED[field.kind]
    if field.low is not None:
        text += f" of at least {field.low:g}" + ("" if field.high is None else f" and at most {field.high:g}")
    if field.kind == "date":
        text += " such as " + " or ".join(pd.Timestamp(2024, 8, 31, 18, 30).strftime(pattern) for pattern in field.formats)
    if field.blank:
        text += ", or blank" + (f" or {' or '.join(field.missing)}" if field.missing else "")
    return text


def _batches(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[list[str]]]]:
    row = 2
    while batch := list(islice(reader, _BATCH)):
        yield row, batch
        row += len(batch)


def _whole(file: str, start: int, batch: Iterable[list[str]], width: int, problems: list[Problem]) -> list[tuple[int, list[str]]]:
    kept = []
    for row, cells in enumerate(batch, start):
        if not cells:
            continue
        if len(cells) != width:
            message = "too many cells" if len(cells) > width else "too few cells"
            problems.append(Problem(file, row, None, f"{len(cells)} cells", f"{width} cells, as in the header", message))
            continue
        kept.append((row, cells))
    return kept


def _typed(
    file: str,
    batch: list[tuple[int, list[str]]],
    used: Sequence[tuple[int, Field]],
    problems: list[Problem],
    rows: bool,
) -> pd.DataFrame:
    index = pd.Index([row for row, _ in batch], dtype="int64")
    out: dict[str, Any] = {"row": pd.Series(index, index=index)} if rows else {}
    for place, field in used:
        cells = pd.Series([cells[place].strip() for _, cells in batch], index=index, dtype=object)
        out[field.name], bad = convert(cells, field)
        for row in index[bad.to_numpy(dtype=bool)][:MOST_PROBLEMS]:
            message = _fault(cells[row], field)
            problems.append(Problem(file, int(row), field.source, quoted(cells[row]), allowed_in(field), message))
    return pd.DataFrame(out, index=index).reset_index(drop=True)


def _fault(cell: str, field: Field) -> str:
    if cell == "" or cell in field.missing:
        return "blank cell"
    if field.kind in ("text", "date"):
        return "unknown value" if field.kind == "text" else "not a date"
    try:
        return "number out of range" if np.isfinite(float(cell)) else "not a number"
    except ValueError:
        return "text in a number"


def _fail_encoding(path: Path, encoding: str, error: UnicodeDecodeError) -> NoReturn:
    with path.open("rb") as stream:
        head = stream.read(4)
    allowed = "text in " + ("UTF-8" if encoding.startswith("utf-8") else encoding)
    if head[:2] == b"PK":
        fail(path.name, "a workbook or ZIP archive", "a CSV file: unpack it or save it as CSV", "not a text file")
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        fail(path.name, "UTF-16", allowed, "wrong encoding")
    fail(path.name, f"byte 0x{error.object[error.start]:02x}", allowed, "wrong encoding", row=_row_of_fault(path, encoding))


def _row_of_fault(path: Path, encoding: str) -> int | None:
    with path.open("rb") as stream:
        for row, line in enumerate(stream, 1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError:
                return row
    return None
