"""ATOP, Alliance Treaty Obligations and Provisions (Leeds, Ritter, Mitchell and Long 2002)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from isthmus.register.importers import _files, _tables, states
from isthmus.register.importers._tables import Field

ALLIANCES = ("atop-alliance-level.csv", "atop*_a.csv", "atop*al.csv")
MEMBERS = ("atop-member-level.csv", "atop*m.csv")
DYAD_YEARS = ("atop*dyadyear*.csv", "atop*dy.csv")
DYAD_SPELLS = ("atop*dyad_spells*.csv",)
_OBLIGATIONS = ("defense", "offense", "neutral", "nonagg", "consul")
_MEMBER = re.compile(r"mem\d+$")


@dataclass(frozen=True)
class Atop:
    """The parts of the set; None where the folder has no such file."""

    alliances: pd.DataFrame | None
    members: pd.DataFrame | None
    dyad_years: pd.DataFrame | None
    dyad_spells: pd.DataFrame | None


def _key(source: str, name: str | None = None) -> Field:
    return Field(source, name or source, "int", blank=False)


def _number(source: str, name: str | None = None) -> Field:
    return Field(source, name or source, "int")


def _other(name: str) -> Field:
    return Field(name, name, "float" if name in ("version", "v") else "int", missing=("NA",))


def read_alliances(path: Path) -> pd.DataFrame:
    """One row an alliance (745 in 4.01): begin and end dates, `ended`, `terminated`, obligations (0 or 1), all other codes.

    `end_year` 0 in the file is 'in force at the end of the data' and becomes NA. `terminated` follows `term` (1-3; 0 is no
    termination): an alliance may have an end and no termination, since a new phase of the same alliance also ends a row.
    `members` holds the COW codes, separated by semicolons.
    """
    path = _files.one(path, *ALLIANCES)
    fields = (
        _key("atopid", "alliance_id"),
        _key("begyr", "begin_year"),
        _number("begmo", "begin_month"),
        _number("begday", "begin_day"),
        _number("endyr", "end_year"),
        _number("endmo", "end_month"),
        _number("endday", "end_day"),
        _number("term"),
        *(_number(name) for name in _OBLIGATIONS),
        _number("mem1"),
    )
    frame = _tables.read_table(path, fields, rest=_other)
    for name in ("begin_month", "begin_day", "end_year", "end_month", "end_day"):
        frame[name] = frame[name].mask(frame[name] == 0)
    frame.insert(7, "ended", frame["end_year"].notna())
    frame.insert(8, "terminated", (frame["term"].fillna(0) > 0).astype(bool))
    codes = [name for name in frame.columns if _MEMBER.match(name)]
    listed = frame[codes].apply(lambda row: ";".join(str(code) for code in row.dropna() if code != 0), axis=1)
    out = frame.drop(columns=codes)
    out.insert(1, "members", listed.astype("string"))
    return out


def read_members(path: Path) -> pd.DataFrame:
    """One row a member and alliance (2,398 in 4.01): actor, cow_code, entry and exit dates, obligations, all other codes."""
    fields = (
        _key("atopid", "alliance_id"),
        _key("member", "cow_code"),
        _key("yrent", "entry_year"),
        _number("moent", "entry_month"),
        _number("dayent", "entry_day"),
        _number("yrexit", "exit_year"),
        _number("moexit", "exit_month"),
        _number("dayexit", "exit_day"),
        *(_number(name) for name in _OBLIGATIONS),
    )
    frame = _tables.read_table(_files.one(path, *MEMBERS), fields, rest=_other)
    for name in ("entry_month", "entry_day", "exit_year", "exit_month", "exit_day"):
        frame[name] = frame[name].mask(frame[name] == 0)
    frame.insert(1, "actor", states.by_cow(frame["cow_code"]))
    return frame


def read_dyad_years(path: Path) -> pd.DataFrame:
    """Undirected dyad-years: actor_a, actor_b, COW codes, year, one 0/1 column an obligation. A folder may hold several files."""
    fields = (
        _key("ccode1", "cow_a"),
        _key("ccode2", "cow_b"),
        _key("year"),
        *(_key(f"atop_{name}", name) for name in _OBLIGATIONS),
    )
    found = _files.matching(path, *DYAD_YEARS)
    if not found:
        _tables.fail(path.name, "no such file", "files named " + " or ".join(DYAD_YEARS), "missing file")
    frame = pd.concat([_tables.read_table(p, fields) for p in found], ignore_index=True)
    if frame.duplicated(["cow_a", "cow_b", "year"]).any():
        _tables.fail(path.name, "a dyad and year twice", "each dyad and year once", "rows twice, perhaps in two files")
    return _with_actors(frame)


def read_dyad_spells(path: Path) -> pd.DataFrame:
    """Unbroken spells of obligation between two states: start and end year, years, right_censored, kind, CINC at the start."""
    fields = (
        _key("ccode1", "cow_a"),
        _key("ccode2", "cow_b"),
        _key("start", "start_year"),
        _key("end", "end_year"),
        Field("kind", "kind", blank=False),
        _key("years"),
        _key("right_censored"),
        *(_number(f"any_{name}", name) for name in _OBLIGATIONS),
        Field("cinc1_start", "cinc_a_start", "float", low=0),
        Field("cinc2_start", "cinc_b_start", "float", low=0),
        _number("major1", "major_a"),
        _number("major2", "major_b"),
    )
    return _with_actors(_tables.read_table(_files.one(path, *DYAD_SPELLS), fields))


def read_atop(folder: Path) -> Atop:
    """Every part of the set that the folder holds."""
    _files.check_folder(folder, *ALLIANCES, *MEMBERS, *DYAD_YEARS, *DYAD_SPELLS)
    return Atop(
        alliances=read_alliances(folder) if _files.matching(folder, *ALLIANCES) else None,
        members=read_members(folder) if _files.matching(folder, *MEMBERS) else None,
        dyad_years=read_dyad_years(folder) if _files.matching(folder, *DYAD_YEARS) else None,
        dyad_spells=read_dyad_spells(folder) if _files.matching(folder, *DYAD_SPELLS) else None,
    )


def _with_actors(frame: pd.DataFrame) -> pd.DataFrame:
    frame.insert(0, "actor_a", states.by_cow(frame["cow_a"]))
    frame.insert(1, "actor_b", states.by_cow(frame["cow_b"]))
    return frame
