"""Multinational military exercises 1980-2010, version 7 (D'Orazio, doi:10.7910/DVN/KHFODX)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from isthmus.register.importers import _files, _tables, states
from isthmus.register.importers._tables import Field

FILES = ("mme*.csv",)
_STATE = re.compile(r"State[A-Z]{1,2}$")
_FLAGS = ("CPX", "Air", "Land", "Sea", "Amphibious", "Cyber", "Warfighting", "Peacekeeping", "Humanitarian")
_UNKNOWN = ("xx", "NA", "-9", "-99")


@dataclass(frozen=True)
class Exercises:
    """Exercises and who took part. `row` (the row of the file) joins the two: the publisher's ids are not unique."""

    events: pd.DataFrame
    """row, exercise_id, name, series, location, lat, lon, start_* and end_* (year, month, day), nine 0/1 columns, focus"""
    participants: pd.DataFrame
    """row, state (as written), actor (ISO3, NA where the register has no such state)"""


def _when(source: str, name: str) -> Field:
    return Field(source, name, "int", missing=_UNKNOWN)


def read_exercises(path: Path) -> Exercises:
    """Both frames. Unknown days ('xx') are NA. Old states (Federal Republic of Germany) keep their name and have no actor."""
    fields = (
        Field("MMEID", "exercise_id", blank=False),
        Field("Ex_Name", "name"),
        Field("Series_Name", "series"),
        Field("Location", "location"),
        Field("lat", "lat", "float", missing=_UNKNOWN),
        Field("lon", "lon", "float", missing=_UNKNOWN),
        *(_when(f"s.{part}", f"start_{part}") for part in ("year", "month", "day")),
        *(_when(f"e.{part}", f"end_{part}") for part in ("year", "month", "day")),
        *(Field(name, name.lower(), "int", missing=_UNKNOWN) for name in _FLAGS),
        Field("FocusDescription", "focus", required=False),
        Field("StateA", "StateA", missing=_UNKNOWN),
    )
    frame = _tables.read_table(
        _files.one(path, *FILES),
        fields,
        rest=lambda name: Field(name, name, missing=_UNKNOWN) if _STATE.match(name) else None,
        rows=True,
    )
    places = [name for name in frame.columns if _STATE.match(name)]
    long = frame.melt("row", places, value_name="state").dropna(subset="state").drop(columns="variable")
    long = long.drop_duplicates().sort_values("row", kind="stable", ignore_index=True)
    long["state"] = long["state"].astype("string")
    long["actor"] = states.by_name(long["state"])
    return Exercises(events=frame.drop(columns=places), participants=long)
