"""What differs between two registers, row by row and cell by cell.

Rows are the same row where they are equal in the key columns of their schema. A key may hold a date, a source or a note: a row in
which one of these was edited counts as one removed and one added.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, Literal

from isthmus.errors import Problem, RegisterError
from isthmus.register.columns import columns
from isthmus.register.records import Record
from isthmus.register.register import MODELS, Register
from isthmus.register.show import clean

REFERENCE: Final = "reference"
"""Name that stands for the register that ships with Isthmus, where a folder is asked for."""

Kind = Literal["added", "removed", "changed"]
Cell = str | int | float | None
_Key = tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """A row that one register has and the other has not (`column` None), or one cell of a row of both.

    `key` are the parts of the key joined by `|`, as in fact_id. `before` and `after` are the cell, None for "not stated"; of a row
    removed or added, its stated cells outside the key as text: "low=90; mode=100".
    """

    table: str
    key: str
    change: Kind
    column: str | None
    before: Cell
    after: Cell


NAMES: Final[tuple[str, ...]] = tuple(f.name for f in fields(Change))


def diff(a: Register, b: Register) -> list[Change]:
    """What changed from `a` to `b`: by table in schema order, then key, then column. Empty where both hold the same rows.

    Works on views at a date too. Whether a row comes from an overlay is not compared.
    """
    return [change for model in MODELS.values() for change in _table(model, _rows(a, model), _rows(b, model))]


def summary(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Rows {table, added, removed, changed, cells}: how many rows of each table that differs; `cells` are those of changed rows."""
    out: dict[str, dict[str, Any]] = {}
    changed: set[tuple[str, str]] = set()
    for one in changes:
        counts = out.setdefault(one.table, {"table": one.table, "added": 0, "removed": 0, "changed": 0, "cells": 0})
        if one.change != "changed":
            counts[one.change] += 1
            continue
        counts["cells"] += 1
        counts["changed"] += (one.table, one.key) not in changed
        changed.add((one.table, one.key))
    return list(out.values())


def diff_rows(a: Path | str, b: Path | str) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows and columns of `diff` for two registers, each a folder or `REFERENCE`. A row has the fields of `Change`.

    Raises `RegisterError` with every problem of both, each under the name of its folder.
    """
    registers: list[Register] = []
    problems: list[Problem] = []
    for name in dict.fromkeys((str(a), str(b))):
        try:
            registers.append(Register.reference() if name == REFERENCE else Register.load(name))
        except RegisterError as error:
            problems += [p if p.file.startswith(name) else replace(p, file=f"{name}/{p.file}") for p in error.problems]
    if problems:
        raise RegisterError(problems)
    return [asdict(change) for change in diff(registers[0], registers[-1])], list(NAMES)


def _rows(register: Register, model: type[Record]) -> dict[_Key, dict[str, Cell]]:
    """Key -> the row's cells in schema order."""
    frame = register.table(model.table)
    names = [c.name for c in columns(model)]
    out: dict[_Key, dict[str, Cell]] = {}
    for values in zip(*(frame[name].tolist() for name in names), strict=True):
        row = {name: clean(value) for name, value in zip(names, values, strict=True)}
        out[tuple("" if row[k] is None else str(row[k]) for k in model.key)] = row
    return out


def _table(model: type[Record], a: Mapping[_Key, dict[str, Cell]], b: Mapping[_Key, dict[str, Cell]]) -> Iterable[Change]:
    for key in sorted(a.keys() | b.keys()):
        label = "|".join(key)
        if key not in b:
            yield Change(model.table, label, "removed", None, _stated(model, a[key]), None)
        elif key not in a:
            yield Change(model.table, label, "added", None, None, _stated(model, b[key]))
        else:
            for column, before in a[key].items():
                if before != b[key][column]:
                    yield Change(model.table, label, "changed", column, before, b[key][column])


def _stated(model: type[Record], row: Mapping[str, Cell]) -> str:
    stated = {name: cell for name, cell in row.items() if cell is not None and name not in model.key}
    return "; ".join(f"{name}={cell:.15g}" if isinstance(cell, float) else f"{name}={cell}" for name, cell in stated.items())
