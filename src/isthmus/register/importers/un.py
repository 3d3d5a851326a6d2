"""United Nations General Assembly: roll calls, votes by state, issues, ideal points (Bailey, Strezhnev and Voeten 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from isthmus.register.importers import _files, _tables, states
from isthmus.register.importers._tables import Field

VOTES = ("un_votes_wide*.csv",)
ROLL_CALLS = ("un_roll_calls.csv",)
ISSUES = ("un_roll_call_issues.csv",)
COUNTRIES = ("countries.csv",)
IDEAL_POINTS = ("ideal*points*.csv",)
_VOTES = {"1": "yes", "2": "abstain", "3": "no"}
_RCID = Field("rcid", "rcid", "int", blank=False)


@dataclass(frozen=True)
class UnitedNations:
    """The parts of the set; None where the folder has no such file."""

    votes: pd.DataFrame | None
    roll_calls: pd.DataFrame | None
    issues: pd.DataFrame | None
    countries: pd.DataFrame | None
    ideal_points: pd.DataFrame | None


def read_votes(path: Path) -> pd.DataFrame:
    """Votes cast: rcid, session, country, actor, vote (yes, abstain, no). Absent and not a member are no rows.

    The publisher's wide files have a row a roll call and a column a state, with 1 yes, 2 abstain, 3 no. A folder may hold several.
    """
    found = _files.matching(path, *VOTES)
    if not found:
        _tables.fail(path.name, "no such file", "files named " + VOTES[0], "missing file")
    frames = [_long(p) for p in found]
    out = pd.concat(frames, ignore_index=True)
    out["country"] = out["country"].astype("string")
    out["vote"] = out["vote"].astype(pd.CategoricalDtype(["yes", "abstain", "no"]))
    if out.duplicated(["rcid", "country"]).any():
        _tables.fail(path.name, "a roll call twice", "each roll call once", "rows twice, perhaps in two files", column="rcid")
    out.insert(3, "actor", states.by_name(out["country"]))
    return out


def _long(path: Path) -> pd.DataFrame:
    fields = (_RCID, Field("session", "session", "int", blank=False))
    choices = tuple(_VOTES)

    def vote(name: str) -> Field:
        return Field(name, name, choices=choices, missing=("NA",))

    wide = _tables.read_table(path, fields, rest=vote)
    if len(wide.columns) < 3:
        _tables.fail(path.name, "no column of a state", "a column a state, with 1, 2, 3 or blank", "missing columns", row=1)
    long = wide.melt(["rcid", "session"], var_name="country", value_name="vote").dropna(subset="vote")
    long["vote"] = long["vote"].map(_VOTES).astype(object)
    return long


def read_roll_calls(path: Path) -> pd.DataFrame:
    """Roll calls: rcid, session, date, resolution, title, important (US State Department), amendment, paragraph (0 or 1)."""
    fields = (
        _RCID,
        Field("session", "session", "int", blank=False),
        Field("date", "date", "date", blank=False),
        Field("unres", "resolution"),
        Field("short", "title"),
        Field("importantvote", "important", "int", missing=("NA",)),
        Field("amend", "amendment", "int", missing=("NA",)),
        Field("para", "paragraph", "int", missing=("NA",)),
    )
    return _tables.read_table(_files.one(path, *ROLL_CALLS), fields)


def read_issues(path: Path) -> pd.DataFrame:
    """Issues of roll calls, at most six a roll call: rcid, code, issue."""
    fields = (_RCID, Field("short_name", "code", blank=False), Field("issue", "issue", blank=False))
    return _tables.read_table(_files.one(path, *ISSUES), fields)


def read_countries(path: Path) -> pd.DataFrame:
    """Names of states in the votes and their ISO2 codes ('NA' is Namibia; former states have none)."""
    fields = (Field("country", "country", blank=False), Field("country_code", "iso2"))
    return _tables.read_table(_files.one(path, *COUNTRIES), fields)


def read_ideal_points(path: Path) -> pd.DataFrame:
    """Published ideal points by state and year: mean, 5% and 95% bounds, number of votes. No unit; higher is more Western."""
    fields = (
        Field("ccode", "cow_code", "int", blank=False),
        Field("iso3c", "iso3", missing=("NA",)),
        Field("countryname", "country", missing=("NA",)),
        Field("year", "year", "int", blank=False, low=1946),
        Field("idealpointall", "ideal_point", "float", missing=("NA",)),
        Field("q5all", "low_5", "float", missing=("NA",)),
        Field("q95all", "high_95", "float", missing=("NA",)),
        Field("nvotesall", "votes", "int", missing=("NA",)),
        Field("idealpointfp", "ideal_point_final_passage", "float", required=False, missing=("NA",)),
        Field("idealpointlegacy", "ideal_point_legacy", "float", required=False, missing=("NA",)),
    )
    frame = _tables.read_table(_files.one(path, *IDEAL_POINTS), fields)
    frame.insert(0, "actor", states.by_cow(frame["cow_code"]))
    return frame


def read_un(folder: Path) -> UnitedNations:
    """Every part of the set that the folder holds."""
    _files.check_folder(folder, *VOTES, *ROLL_CALLS, *ISSUES, *COUNTRIES, *IDEAL_POINTS)
    return UnitedNations(
        votes=read_votes(folder) if _files.matching(folder, *VOTES) else None,
        roll_calls=read_roll_calls(folder) if _files.matching(folder, *ROLL_CALLS) else None,
        issues=read_issues(folder) if _files.matching(folder, *ISSUES) else None,
        countries=read_countries(folder) if _files.matching(folder, *COUNTRIES) else None,
        ideal_points=read_ideal_points(folder) if _files.matching(folder, *IDEAL_POINTS) else None,
    )
