"""Kiel Institute: Ukraine Support Tracker, the workbook with one row an item of aid (cite Trebesch et al.)."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pandas as pd

from isthmus.errors import InputError, Problem
from isthmus.register.csvfile import quoted
from isthmus.register.importers import _files, _tables, _workbook, states
from isthmus.register.importers._tables import Field
from isthmus.register.importers._workbook import Row, text

FILES = ("UkraineTracker*.xlsx", "Ukraine_Support_Tracker*.xlsx")
_MISSING = (".", "undisclosed", "no price", "not given", "no value available", "unknown", "na", "n/a")
_COMMA = re.compile(r"-?\d+,\d{1,2}$")


def _number(source: str, name: str) -> Field:
    return Field(source, name, "float")


_FIELDS = (
    Field("activity_id", "activity_id", blank=False),
    Field("sub_activity_id", "sub_activity_id"),
    Field("donor", "donor", blank=False),
    Field("announcement_date", "announced_text"),
    Field("aid_type_general", "aid_type", blank=False),
    Field("aid_type_specific", "aid_type_specific"),
    Field("measure", "measure", choices=("Allocation", "Commitment"), blank=False),
    Field("item", "item"),
    Field("item_type", "item_type"),
    Field("item_sub_type", "item_sub_type"),
    _number("item_soviet_origin", "soviet_origin"),
    _number("item_numb", "items"),
    _number("item_numb_deliv", "items_delivered"),
    _number("item_price_USD", "price_usd"),
    _number("item_value_estimate_USD", "value_estimate_usd"),
    _number("item_value_estimate_deliv_USD", "value_estimate_delivered_usd"),
    Field("reporting_currency", "currency"),
    _number("tot_activity_value_EUR", "activity_eur"),
    _number("tot_sub_activity_value_EUR", "sub_activity_eur"),
    _number("tot_sub_activity_value_EUR_redistr", "sub_activity_eur_redistributed"),
    _number("tot_value_deliv_EUR", "delivered_eur"),
    Field("source_of_aid_1", "source"),
    Field("explanation", "explanation"),
)


def read_kiel(path: Path) -> pd.DataFrame:
    """One row an item of aid: donor, actor, announced, aid type, measure (Allocation, Commitment), item, numbers, prices, values.

    `items` and `items_delivered` count pieces; prices are US dollars apiece, `*_eur` are current euros. Cells such as '.' and
    'No price' become NaN; `items_undisclosed` marks 'undisclosed'. `announced` is NaT where the source gives a span ('until
    12/31/2022', kept in `announced_text`). A commitment and the allocations made under it are different rows: do not add them.
    """
    path = _files.one(path, *FILES)
    title, rows = _sheet(path)
    label = f"{path.name} [{title}]"
    used = _tables.columns_of(label, [text(cell) for cell in rows[0]], _FIELDS)
    width = len(rows[0])
    filled = [(number, row) for number, row in enumerate(rows[1:], 2) if any(text(cell) for cell in row)]
    body = [(number, (*row, *([None] * (width - len(row))))) for number, row in filled]
    if not body:
        _tables.fail(label, "a header and no rows", "at least one row", "no data", row=2)
    problems: list[Problem] = []
    frame = pd.DataFrame({field.name: _column(label, body, place, field, problems) for place, field in used})
    if problems:
        raise InputError(problems[: _tables.MOST_PROBLEMS])
    dates = [row[next(p for p, f in used if f.name == "announced_text")] for _, row in body]
    frame.insert(3, "announced", pd.to_datetime(pd.Series([d if isinstance(d, dt.datetime) else None for d in dates])))
    raw = [text(row[next(p for p, f in used if f.name == "items")]).lower() for _, row in body]
    frame["items_undisclosed"] = [cell == "undisclosed" for cell in raw]
    frame.insert(3, "actor", states.by_name(frame["donor"]))
    return frame


def _sheet(path: Path) -> tuple[str, list[Row]]:
    sheets = _workbook.read_sheets(path)
    found = [(title, rows) for title, rows in sheets.items() if rows and "activity_id" in [text(cell) for cell in rows[0]]]
    if not found:
        names = ", ".join(sheets) or "no sheet"
        _tables.fail(path.name, names, "a sheet whose first row has activity_id", "this is another workbook")
    return found[0]


def _column(label: str, body: list[tuple[int, Row]], place: int, field: Field, problems: list[Problem]) -> pd.Series:
    words = [text(row[place]) for _, row in body]
    if field.kind == "text":
        clean = pd.Series([re.sub(r" 00:00:00$", "", word) for word in words], dtype=object)
        out, bad = _tables.convert(clean, field if field.choices else Field(field.source, field.name, missing=(".",)))
    else:
        numbers = [word.replace(",", ".") if _COMMA.match(word) else word for word in words]
        out, bad = _tables.convert(pd.Series(["" if w.lower() in _MISSING else w for w in numbers], dtype=object), field)
    for i in bad[bad].index:
        message = "unknown value" if field.kind == "text" else "text in a number"
        problems.append(Problem(label, body[i][0], field.source, quoted(words[i]), _tables.allowed_in(field), message))
    return out
