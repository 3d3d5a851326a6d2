"""International Crisis Behavior (Brecher, Wilkenfeld, Beardsley, James and Quinn), version 13: crises and crisis actors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from isthmus.register.importers import _files, _tables, states
from isthmus.register.importers._tables import Field

CRISES = ("icb1v*.csv",)
ACTORS = ("icb2v*.csv",)


@dataclass(frozen=True)
class Icb:
    """The parts of the set; None where the folder has no such file."""

    crises: pd.DataFrame | None
    actors: pd.DataFrame | None


def _code(name: str) -> Field | None:
    return None if name in ("icb1", "icb2") else Field(name, name, "int", missing=("NA", "."))


_TRIGGER = (
    Field("yrtrig", "trigger_year", "int", low=1918),
    Field("motrig", "trigger_month", "int"),
    Field("datrig", "trigger_day", "int"),
    Field("yrterm", "end_year", "int"),
    Field("moterm", "end_month", "int"),
    Field("daterm", "end_day", "int"),
)


def read_crises(path: Path) -> pd.DataFrame:
    """One row a crisis: crisis_id, name, trigger and end dates, and every code under its name in the codebook."""
    fields = (
        Field("crisno", "crisis_id", "int", blank=False),
        Field("crisname", "name", blank=False),
        *_TRIGGER,
        Field("viol", "viol", "int"),
        Field("gravcr", "gravcr", "int"),
    )
    return _tables.read_table(_files.one(path, *CRISES), fields, rest=_code)


def read_actors(path: Path) -> pd.DataFrame:
    """One row a crisis and state: crisis_id, actor, cow_code, abbreviation, dates, and every code under its name in the codebook."""
    fields = (
        Field("crisno", "crisis_id", "int", blank=False),
        Field("cracid", "cow_code", "int", blank=False),
        Field("actor", "abbreviation", blank=False),
        Field("crisname", "name", blank=False),
        *_TRIGGER,
        Field("outcom", "outcom", "int"),
    )
    frame = _tables.read_table(_files.one(path, *ACTORS), fields, rest=_code)
    frame.insert(1, "actor", states.by_cow(frame["cow_code"]))
    return frame


def read_icb(folder: Path) -> Icb:
    """Every part of the set that the folder holds."""
    _files.check_folder(folder, *CRISES, *ACTORS)
    return Icb(
        crises=read_crises(folder) if _files.matching(folder, *CRISES) else None,
        actors=read_actors(folder) if _files.matching(folder, *ACTORS) else None,
    )
