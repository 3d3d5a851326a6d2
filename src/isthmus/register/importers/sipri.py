"""SIPRI: military expenditure workbook, trend-indicator values, trade register. © SIPRI: cite, do not pass the files on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from isthmus.errors import InputError, Problem
from isthmus.register.csvfile import quoted
from isthmus.register.importers import _files, _tables, _workbook, states
from isthmus.register.importers._tables import Field
from isthmus.register.importers._workbook import Row, text

MILEX = ("*milex*.xlsx",)
TIV = ("tiv_supplier_recipient_year.csv", "*tiv*.csv")
REGISTER = ("trade_register.csv", "trade-register*.csv")
_SHEETS = (
    (re.compile(r"constant \((\d{4})\) us\$$"), "constant_usd", "million US$ of {}"),
    (re.compile(r"current us\$$"), "current_usd", "million current US$"),
    (re.compile(r"share of gdp$"), "share_of_gdp", "fraction of GDP"),
    (re.compile(r"per capita$"), "per_capita", "current US$ a person"),
    (re.compile(r"share of govt\. spending$"), "share_of_government", "fraction of government spending"),
    (re.compile(r"local currency calendar years$"), "local_currency", "million units of local currency"),
)
_STATUS = {"...": "not_available", ". .": "not_available", "..": "not_available", "": "not_available", "xxx": "no_state"}


@dataclass(frozen=True)
class Sipri:
    """The parts of the set; None where the folder has no such file."""

    milex: pd.DataFrame | None
    tiv: pd.DataFrame | None
    register: pd.DataFrame | None


def read_milex(path: Path) -> pd.DataFrame:
    """Military expenditure: country, actor, region, year, measure, unit, value, status, notes; one row a state, year and measure.

    `status` is figure, not_available ('...') or no_state ('xxx'); the value of the last two is NaN. `notes` are SIPRI's marks
    (see its sheet Footnotes). SIPRI marks its estimates by colour alone, which is not read: any figure may be an estimate.
    """
    path = _files.one(path, *MILEX)
    sheets = _workbook.read_sheets(path)
    problems: list[Problem] = []
    records: list[tuple[object, ...]] = []
    for title, rows in sheets.items():
        for pattern, measure, unit in _SHEETS:
            if found := pattern.search(title.strip().lower()):
                records += _sheet(f"{path.name} [{title}]", rows, measure, unit.format(*found.groups()), problems)
    if problems:
        raise InputError(problems[: _tables.MOST_PROBLEMS])
    if not records:
        found_sheets = ", ".join(sheets) or "no sheet"
        _tables.fail(
            path.name, found_sheets, "sheets such as 'Constant (2023) US$' and 'Share of GDP'", "this is another workbook"
        )
    frame = pd.DataFrame(records, columns=["country", "region", "notes", "measure", "unit", "year", "value", "status"])
    for name in ("country", "region", "notes", "measure", "unit", "status"):
        frame[name] = frame[name].astype("string")
    frame["year"] = frame["year"].astype("Int64")
    frame["value"] = frame["value"].astype("float64")
    frame.insert(1, "actor", states.by_name(frame["country"]))
    return frame


def _sheet(label: str, rows: list[Row], measure: str, unit: str, problems: list[Problem]) -> list[tuple[object, ...]]:
    at = next((i for i, row in enumerate(rows) if row and text(row[0]) == "Country"), None)
    years = {} if at is None else {i: int(text(c)) for i, c in enumerate(rows[at]) if re.fullmatch(r"(19|20)\d\d", text(c))}
    if at is None or not years:
        problems.append(Problem(label, None, None, "no header", "a row with 'Country' and years", "no header"))
        return []
    notes = next((i for i, cell in enumerate(rows[at]) if text(cell) == "Notes"), None)
    region = ""
    records: list[tuple[object, ...]] = []
    for number, row in enumerate(rows[at + 1 :], at + 2):
        name = text(row[0]) if row else ""
        if not name:
            continue
        cells = {year: row[i] if i < len(row) else None for i, year in years.items()}
        if all(cell is None or text(cell) == "" for cell in cells.values()):
            region = name
            continue
        note = "" if notes is None or notes >= len(row) else text(row[notes])
        for year, cell in cells.items():
            value, status = _figure(cell)
            if status is None:
                problems.append(
                    Problem(label, number, str(year), quoted(text(cell)), "a number, '...' or 'xxx'", "text in a number")
                )
            records.append((name, region, note, measure, unit, year, value, status))
    return records


def _figure(cell: object) -> tuple[float | None, str | None]:
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return float(cell), "figure"
    return None, _STATUS.get(text(cell))


def read_tiv(path: Path) -> pd.DataFrame:
    """Deliveries of major arms: supplier, recipient, ISO3 codes, year, tiv (million trend-indicator values: volume, not money)."""
    fields = (
        Field("supplier", "supplier", blank=False),
        Field("recipient", "recipient", blank=False),
        Field("year", "year", "int", blank=False, low=1950),
        Field("tiv", "tiv", "float", blank=False, low=0),
        Field("supplier_iso3", "supplier_iso3", required=False),
        Field("recipient_iso3", "recipient_iso3", required=False),
    )
    frame = _tables.read_table(_files.one(path, *TIV), fields)
    return _with_actors(frame)


def read_trade_register(path: Path) -> pd.DataFrame:
    """Orders of major arms: numbers ordered and delivered (items), years, status, tiv per unit, of the order and delivered.

    The publisher writes Windows-1252. `*_estimate` is true where SIPRI sets a question mark. `delivery_years` stays text
    ('2007; 2008'): SIPRI does not split the number over the years. A line break in a comment cuts a few rows of the publisher's
    file in two; such halves are put together again.
    """
    path = _files.one(path, *REGISTER)
    fields = (
        Field("Recipient", "recipient"),
        Field("Supplier", "supplier", blank=False),
        Field("Year of order", "order_year", "float"),
        Field("Year of order estimate", "order_year_estimate"),
        Field("Number ordered", "ordered", "float", low=0),
        Field("Number ordered estimate", "ordered_estimate"),
        Field("Weapon designation", "designation"),
        Field("Weapon description", "description"),
        Field("Number delivered", "delivered", "float", low=0),
        Field("Number delivered estimate", "delivered_estimate"),
        Field("Year(s) of delivery", "delivery_years"),
        Field("status", "condition"),
        Field("SIPRI TIV per unit", "tiv_per_unit", "float", low=0),
        Field("SIPRI TIV for total order", "tiv_ordered", "float", low=0),
        Field("SIPRI TIV of delivered weapons", "tiv_delivered", "float", low=0),
        Field("Comments", "comments"),
    )
    frame = _joined(path.name, _tables.read_table(path, fields, encoding="cp1252", rows=True))
    for name in ("order_year_estimate", "ordered_estimate", "delivered_estimate"):
        frame[name] = (frame[name].fillna("") == "?").astype(bool)
    return _with_actors(frame)


def _joined(file: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Rows cut in two put together: the second half starts with a blank cell and then holds the three values of the first."""
    halves = frame.index[frame["recipient"].isna()]
    tiv = ["tiv_per_unit", "tiv_ordered", "tiv_delivered"]
    values = pd.DataFrame(
        {
            "tiv_per_unit": pd.to_numeric(frame["supplier"][halves], errors="coerce"),
            "tiv_ordered": frame["order_year"][halves],
            "tiv_delivered": pd.to_numeric(frame["order_year_estimate"][halves], errors="coerce"),
        }
    ).astype("float64")
    whole = [i for i in halves if i and values.loc[i].notna().all() and frame.loc[i - 1, tiv].isna().all()]
    for i in whole:
        frame.loc[i - 1, tiv] = values.loc[i]
    frame = frame.drop(index=whole)
    wrong = frame[frame["recipient"].isna() | ~((frame["order_year"] % 1 == 0) | frame["order_year"].isna())]
    if len(wrong):
        found = [
            Problem(file, int(row), "Recipient", "a broken row", "a recipient and a year", "broken row") for row in wrong["row"]
        ]
        raise InputError(found[: _tables.MOST_PROBLEMS])
    frame["order_year"] = frame["order_year"].astype("Int64")
    return frame.drop(columns="row").reset_index(drop=True)


def read_sipri(folder: Path) -> Sipri:
    """Every part of the set that the folder holds."""
    _files.check_folder(folder, *MILEX, *TIV, *REGISTER)
    return Sipri(
        milex=read_milex(folder) if _files.matching(folder, *MILEX) else None,
        tiv=read_tiv(folder) if _files.matching(folder, *TIV) else None,
        register=read_trade_register(folder) if _files.matching(folder, *REGISTER) else None,
    )


def _with_actors(frame: pd.DataFrame) -> pd.DataFrame:
    frame.insert(0, "supplier_actor", states.by_name(frame["supplier"]))
    frame.insert(1, "recipient_actor", states.by_name(frame["recipient"]))
    return frame
