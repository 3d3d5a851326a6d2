"""Check one row against its schema and say every fault of it in plain English.

The schema (`records.py`) decides; this module only translates. Checks over a whole row (low <= mode <= high, a fact needs a
source) do not run while a single cell is faulty, so the row is checked again with each faulty cell replaced by a harmless one,
until nothing new comes up: all faults of a row are reported, and none that only follows from another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from isthmus.errors import Problem
from isthmus.register.columns import Column, columns
from isthmus.register.csvfile import closest, quoted
from isthmus.register.records import Record

_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,15}")
_SEPARATED = re.compile(r"[+-]?[0-9]{1,3}([,' \u00a0\u202f_][0-9]{3})+(\.[0-9]+)?|[0-9]+,[0-9]+")
_NEEDS = re.compile(r"kind '(\w+)' needs (.+)")
_FAULTY = object()
_MISSING = {
    "source_id": "missing source",
    "as_of": "missing date",
    "confidence": "missing grade",
    "rule": "missing rule",
    "note": "missing reason",
}
_NEEDED_BY = {
    "fact": "a fact needs source_id, as_of and confidence",
    "estimate": "an estimate needs source_id and rule",
    "assumption": "an assumption needs its reason in note",
}
_MAX_PASSES = 6


def check_row(
    model: type[Record], label: str, row: int, cells: Mapping[str, str], absent: frozenset[str]
) -> Record | list[Problem]:
    """The row as a record, or every fault of it. `absent`: columns that the file lacks, reported once for the file."""
    specs = {c.name: c for c in columns(model)}
    values: dict[str, Any] = {name: cell for name, cell in cells.items() if cell != "" and name in specs}
    for name, cell in values.items():
        kind = specs[name].kind
        if (kind == "number" and not _NUMBER.fullmatch(cell)) or (kind == "integer" and not _WHOLE.fullmatch(cell)):
            values[name] = _FAULTY
    try:
        if not absent:
            return model.model_validate(values)
    except ValidationError:
        pass
    return _all_faults(model, specs, label, row, cells, values, absent)


def _all_faults(
    model: type[Record],
    specs: dict[str, Column],
    label: str,
    row: int,
    cells: Mapping[str, str],
    values: dict[str, Any],
    absent: frozenset[str],
) -> list[Problem]:
    problems: list[Problem] = []
    patched: set[str] = set()

    def patch(names: set[str]) -> None:
        patched.update(names)
        for name in names:
            values.pop(name, None)
        for name in names:
            values[name] = _harmless(specs[name], values)

    if absent:
        patch(set(absent))
    for _ in range(_MAX_PASSES):
        try:
            model.model_validate(values)
        except ValidationError as error:
            faulty: set[str] = set()
            for detail in error.errors(include_url=False, include_input=False):
                name = str(detail["loc"][0]) if detail["loc"] else ""
                if name:
                    faulty.add(name)
                    if not (
                        specs[name].reference and detail["type"].startswith("string_") and cells.get(name)
                    ):  # said with the references
                        problems.append(_cell_fault(specs[name], detail["type"], label, row, cells.get(name, "")))
                else:
                    found, names = _row_faults(detail["msg"].removeprefix("Value error, "), specs, label, row, cells, patched)
                    problems.extend(found)
                    faulty |= names
            faulty -= patched if not faulty - patched else set()
            if not faulty:
                break
            patch(faulty)
        else:
            break
    return problems


def _harmless(spec: Column, values: Mapping[str, Any]) -> Any:
    """A value that is allowed in the column and breaks no check over the row."""
    if spec.kind in ("number", "integer"):
        for mine, others in (("low", ("mode", "high")), ("mode", ("low", "high")), ("high", ("mode", "low"))):
            if spec.name.endswith(mine):
                stem = spec.name.removesuffix(mine)
                usable = [values[stem + o] for o in others if isinstance(values.get(stem + o), str)]
                if usable:
                    return usable[0]
        return str(int(spec.minimum or 0))
    return {"enum": spec.values[0] if spec.values else "", "date": "2000", "address": "http://x"}.get(spec.kind, "x")


def _cell_fault(spec: Column, error: str, label: str, row: int, cell: str) -> Problem:
    found, allowed, message = quoted(cell), spec.allowed, f"not allowed in {spec.name}"
    if cell == "":
        message = "blank cell"
    elif spec.kind == "enum":
        message = "wrong unit" if spec.name == "unit" else f"unknown {spec.name}"
        allowed += closest(cell, spec.values)
    elif spec.kind == "date":
        message = "bad date"
        if re.fullmatch(spec.pattern or "", cell):
            allowed = "a day that the calendar has"
    elif spec.kind in ("number", "integer"):
        message, allowed = _number_fault(spec, cell)
    elif error == "string_too_long":
        found, message = f"{len(cell)} characters", "text too long"
        allowed = f"at most {spec.max_length} characters"
    elif spec.kind in ("id", "address"):
        message = "not an id" if spec.kind == "id" else "not an address"
    return Problem(label, row, spec.name, found, allowed, message)


def _number_fault(spec: Column, cell: str) -> tuple[str, str]:
    if _SEPARATED.fullmatch(cell):
        return "number with a separator", f"{spec.allowed}, digits only and a point for decimals, such as 1000 or 0.5"
    if cell.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        return "not a finite number", spec.allowed + ("" if spec.required else ", or a blank cell where it is not stated")
    if not _NUMBER.fullmatch(cell):
        return "text in a number", spec.allowed
    if spec.kind == "integer" and not _WHOLE.fullmatch(cell):
        return "not a whole number", spec.allowed
    if float(cell) in (float("inf"), float("-inf")):
        return "not a finite number", spec.allowed
    return "number out of range", spec.allowed


def _row_faults(
    text: str, specs: Mapping[str, Column], label: str, row: int, cells: Mapping[str, str], patched: set[str]
) -> tuple[list[Problem], set[str]]:
    """Translate the message of a check over the whole row; also give the columns that the next pass replaces."""
    needs = _NEEDS.fullmatch(text)
    if needs is not None:
        kind, names = needs[1], set(needs[2].split(", "))
        if "kind" in patched:
            return [], names
        return [Problem(label, row, n, "(blank)", _NEEDED_BY[kind], _MISSING[n]) for n in sorted(names)], names
    stem = next((s for s in ("effect_", "weeks_", "") if f"{s}low <= " in text), None)
    if stem is not None:
        triple = [stem + part for part in ("low", "mode", "high")]
        given = [cells.get(name, "") for name in triple]
        problems = []
        if all(_NUMBER.fullmatch(g) for g in given):
            low, mode, high = (float(g) for g in given)
            problems = [
                Problem(label, row, column, f"{a} {x:g}, {b} {y:g}", f"{triple[0]} <= {triple[1]} <= {triple[2]}", f"{a} > {b}")
                for a, x, b, y, column in (
                    (triple[0], low, triple[1], mode, triple[0]),
                    (triple[1], mode, triple[2], high, triple[2]),
                )
                if x > y
            ]
        elif not set(triple) & patched:
            blank = next(n for n, g in zip(triple, given, strict=True) if g == "")
            problems = [Problem(label, row, blank, "(blank)", text, "blank cell")]
        return problems, set(triple)
    column = next((n for n in specs if re.search(rf"\b{n}\b", text)), None)
    if column is not None and column in patched:
        return [], set()
    return [
        Problem(label, row, column, quoted(cells.get(column, "")) if column else "this row", text, "the row contradicts itself")
    ], set()
