"""United States Department of Defense: Exhibit P-1, the procurement programs of a budget request, line by line."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from isthmus.errors import InputError, Problem
from isthmus.register.csvfile import quoted
from isthmus.register.importers import _files, _tables, _workbook
from isthmus.register.importers._tables import Field
from isthmus.register.importers._workbook import Row, text

FILES = ("p1_display*.xlsx", "p1*.xlsx")
_FIELDS = (
    Field("Account", "account"),
    Field("Account Title", "account_title"),
    Field("Organization", "organization"),
    Field("Budget Activity", "budget_activity"),
    Field("Budget Activity Title", "budget_activity_title"),
    Field("Line Number", "line_number"),
    Field("BSA", "sub_activity"),
    Field("Budget SubActivity (BSA) Title", "sub_activity_title"),
    Field("Budget Line Item", "line_item"),
    Field("Budget Line Item (BLI) Title", "line_item_title"),
    Field("Cost Type", "cost_type"),
    Field("Cost Type Title", "cost_type_title"),
    Field("Add/Non-Add", "add", choices=("Add", "Non-Add")),
)
_FIGURE = re.compile(r"FY (\d{4}) (.+?) (Quantity|Amount)\*?$")


def read_p1(path: Path) -> pd.DataFrame:
    """One row a budget line and fiscal year: account to cost type, add, fiscal_year, column, quantity, amount_kusd.

    Quantities are items, amounts thousands of US dollars of the year. `column` is the publisher's ('Actuals', 'Request', ...).
    Lines with `add` 'Non-Add' show what is counted elsewhere: leave them out of sums. A line without a figure has no row.
    """
    path = _files.one(path, *FILES)
    title, at, rows = _sheet(path)
    label = f"{path.name} [{title}]"
    header = [re.sub(r"\s+", " ", text(cell)) for cell in rows[at]]
    used = _tables.columns_of(label, header, _FIELDS, row=at + 1)
    figures = {place: found.groups() for place, name in enumerate(header) if (found := _FIGURE.match(name))}
    if not figures:
        _tables.fail(label, "no such column", "columns such as 'FY 2025 Request Quantity'", "no year in the header", row=at + 1)
    problems: list[Problem] = []
    records: list[dict[str, object]] = []
    for number, row in enumerate(rows[at + 1 :], at + 2):
        row = (*row, *([None] * (len(header) - len(row))))
        keys = {field.name: text(row[place]) for place, field in used}
        if keys["account"] and keys["line_item"]:
            records += _line(label, number, keys, {p: row[p] for p in figures}, figures, problems)
    if problems:
        raise InputError(problems[: _tables.MOST_PROBLEMS])
    if not records:
        _tables.fail(label, "a header and no budget line", "at least one line with a figure", "no data")
    frame = pd.DataFrame(records)
    names = [field.name for _, field in used] + ["column"]
    return frame.astype(
        {**dict.fromkeys(names, "string"), "fiscal_year": "Int64", "quantity": "float64", "amount_kusd": "float64"}
    )


def _line(
    label: str,
    number: int,
    keys: dict[str, str],
    cells: dict[int, object],
    figures: dict[int, tuple[str, ...]],
    problems: list[Problem],
) -> list[dict[str, object]]:
    years: dict[tuple[str, str], dict[str, float | None]] = {}
    if keys["add"] not in ("Add", "Non-Add"):
        problems.append(Problem(label, number, "Add/Non-Add", quoted(keys["add"]), "Add or Non-Add", "unknown value"))
    for place, (year, column, what) in figures.items():
        word = text(cells[place]).replace(",", "")
        try:
            value = float(word) if word else None
        except ValueError:
            name = f"FY {year} {column} {what}"
            problems.append(Problem(label, number, name, quoted(word), "a number, or blank", "text in a number"))
            continue
        years.setdefault((year, column), {})[what] = value
    return [
        {
            **keys,
            "fiscal_year": int(year),
            "column": column,
            "quantity": pair.get("Quantity"),
            "amount_kusd": pair.get("Amount"),
        }
        for (year, column), pair in years.items()
        if any(value is not None for value in pair.values())
    ]


def _sheet(path: Path) -> tuple[str, int, list[Row]]:
    sheets = _workbook.read_sheets(path)
    found = [
        (title, at, rows)
        for title, rows in sheets.items()
        for at, row in enumerate(rows[:10])
        if {"Account", "Budget Line Item"} <= {text(cell) for cell in row}
    ]
    if not found:
        names = ", ".join(sheets) or "no sheet"
        _tables.fail(path.name, names, "a sheet with Account and Budget Line Item", "this is another workbook")
    return found[0]
