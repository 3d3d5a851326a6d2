"""Oryx: visually confirmed losses in Ukraine, as counted day by day by D. Scarnecchia (CC BY 4.0).

Counts are vehicles and pieces of equipment seen in pictures: a lower bound of what was lost.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from isthmus.register.importers import _files, _tables, states
from isthmus.register.importers._tables import Field

DAILY = ("daily_count.csv",)
BY_TYPE = ("totals_by_type.csv",)
BY_SYSTEM = ("totals_by_system_wide.csv",)
_SUM = re.compile(r"^(All Types|Losses excluding Recon Drones and Trucks|Losses of Armoured Combat Vehicles)\b.*$", re.DOTALL)
_STATES = ("destroyed", "abandoned", "captured", "damaged")


@dataclass(frozen=True)
class Oryx:
    """The parts of the set; None where the folder has no such file."""

    daily: pd.DataFrame | None
    by_type: pd.DataFrame | None
    by_system: pd.DataFrame | None


def _counts(total: str) -> tuple[Field, ...]:
    return (*(Field(n, n, "int", blank=False, low=0) for n in _STATES), Field(total, "total", "int", blank=False, low=0))


def read_daily(path: Path) -> pd.DataFrame:
    """Counts up to a day: actor, country, equipment_type, subtotal, date, destroyed, abandoned, captured, damaged, total.

    Days without a record are missing, and a later count may be lower (corrections). Rows with `subtotal` are sums of others.
    """
    fields = (
        Field("country", "country", blank=False, choices=("Russia", "Ukraine")),
        Field("equipment_type", "equipment_type", blank=False),
        Field("date_recorded", "date", "date", blank=False),
        *_counts("type_total"),
    )
    return _tidy(_tables.read_table(_files.one(path, *DAILY), fields))


def read_totals_by_type(path: Path) -> pd.DataFrame:
    """Latest totals by type of equipment, columns as in the daily counts without the date."""
    fields = (
        Field("country", "country", blank=False, choices=("Russia", "Ukraine")),
        Field("equipment_type", "equipment_type", blank=False),
        *_counts("type_total"),
    )
    return _tidy(_tables.read_table(_files.one(path, *BY_TYPE), fields))


def read_totals_by_system(path: Path) -> pd.DataFrame:
    """Latest totals by system ('T-72B3 tank'): actor, country, system, the four states, total."""
    fields = (
        Field("country", "country", blank=False, choices=("Russia", "Ukraine")),
        Field("system", "system", blank=False),
        *_counts("total"),
    )
    frame = _tables.read_table(_files.one(path, *BY_SYSTEM), fields)
    frame.insert(0, "actor", states.by_name(frame["country"]))
    return frame


def read_oryx(folder: Path) -> Oryx:
    """Every part of the set that the folder holds."""
    _files.check_folder(folder, *DAILY, *BY_TYPE, *BY_SYSTEM)
    return Oryx(
        daily=read_daily(folder) if _files.matching(folder, *DAILY) else None,
        by_type=read_totals_by_type(folder) if _files.matching(folder, *BY_TYPE) else None,
        by_system=read_totals_by_system(folder) if _files.matching(folder, *BY_SYSTEM) else None,
    )


def _tidy(frame: pd.DataFrame) -> pd.DataFrame:
    frame.insert(0, "actor", states.by_name(frame["country"]))
    names = frame["equipment_type"].str.replace(_SUM, lambda found: found.group(1), regex=True)
    frame.insert(3, "subtotal", frame["equipment_type"].str.match(_SUM).astype(bool))
    return frame.assign(equipment_type=names.astype("string"))
