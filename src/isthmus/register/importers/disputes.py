"""What the sets of militarized interstate disputes share: their codes, participants, pairs of opponents.

Whatever the format, pairs come out alike: one row a dispute and two opponents, the first of them on side A, which took the first
militarized action (Palmer et al. 2015). Codes are those of the COW codebook: hostility 1 no militarized action, 2 threat, 3 display,
4 use of force, 5 war (0 stands in a row or two); fatality 0-6. Negative codes, −9 above all, are 'missing' and become NA.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from isthmus.errors import InputError, Problem
from isthmus.register.importers import _files, _tables, states
from isthmus.register.importers._tables import MOST_PROBLEMS, Field

MISSING = ("-9", "-8", "-7", "NA", ".")
KEY = ("dispute", "cow_a", "cow_b")
PAIR_COLUMNS = (
    *KEY,
    "start_year",
    "end_year",
    "revisionist_a",
    "revisionist_b",
    "hostility_a",
    "hostility_b",
    "originator_a",
    "originator_b",
)
_BOM = b"\xef\xbb\xbf"


def code(source: str, name: str, low: float = 0, high: float | None = None, *, required: bool = True) -> Field:
    """A column of codes, with −9 and NA for 'missing'. Bounded above only where a code out of bounds would change a pair."""
    return Field(source, name, "int", required=required, missing=MISSING, low=low, high=high)


def key(source: str, name: str, *also: str, low: float = 1) -> Field:
    """A column that must be filled."""
    return Field(source, name, "int", blank=False, low=low, also=also)


NUMBER = key("dispnum", "dispute", "dispnum3")
"""The number of the dispute; editions before 5.0 call it dispnum3."""

_DATES = (
    code("stday", "start_day", high=31),
    code("stmon", "start_month", high=12),
    key("styear", "start_year", low=1800),
    code("endday", "end_day", high=31),
    code("endmon", "end_month", high=12),
    code("endyear", "end_year", 1800),
)
_DISPUTE = (
    NUMBER,
    *_DATES,
    code("outcome", "outcome"),
    code("settle", "settlement"),
    code("fatality", "fatality", high=6),
    code("hiact", "highest_action"),
    code("hostlev", "hostility", high=5),
    code("recip", "reciprocated"),
)
_PARTICIPANT = (
    NUMBER,
    key("ccode", "cow_code"),
    *_DATES,
    code("sidea", "side_a", high=1),
    code("revstate", "revisionist", high=1),
    code("revtype1", "revision_type"),
    code("fatality", "fatality", high=6),
    code("hiact", "highest_action"),
    code("hostlev", "hostility", high=5),
    code("orig", "originator", high=1),
)


def _sided(source: str, name: str, high: float, *, required: bool = True) -> tuple[Field, ...]:
    """The columns of the first and the second state of a dyad-year."""
    return tuple(code(f"{source}{i}", f"{name}_{i}", high=high, required=required) for i in (1, 2))


DYAD_YEAR = (
    NUMBER,
    key("ccode1", "cow_1"),
    key("ccode2", "cow_2"),
    key("year", "year", low=1800),
    *_sided("sidea", "side_a", 1),
    *_sided("revstate", "revisionist", 1, required=False),
    *_sided("hostlev", "hostility", 5),
    *_sided("orig", "originator", 1),
)
"""Dyadic dispute-years, as the GML set ships them and as the R package peacesciencer holds them; directed or not."""


def read(path: Path, fields: Sequence[Field], patterns: Sequence[str]) -> pd.DataFrame:
    """One table of a set, with the column `row`. Files without a byte-order mark are read as Latin-1: COW's are, and only codes are used."""
    path = _files.one(path, *patterns)
    _tables.check_is_file(path, "a CSV file")
    with path.open("rb") as stream:
        marked = stream.read(len(_BOM)) == _BOM
    return _tables.read_table(path, fields, encoding="utf-8-sig" if marked else "latin-1", rows=True)


def read_disputes(path: Path, *patterns: str) -> pd.DataFrame:
    """One row a dispute: dispute, start and end dates, outcome, settlement, fatality, highest_action, hostility, reciprocated."""
    path = _files.one(path, *patterns)
    frame = read(path, _DISPUTE, patterns)
    _check_once(path.name, frame, ["dispute"], NUMBER.source, "dispute twice")
    return frame.drop(columns="row")


def read_participants(path: Path, *patterns: str) -> pd.DataFrame:
    """One row a dispute and state (twice where it left and came back): actor, cow_code, dates, side_a, revisionist, hostility, originator."""
    path = _files.one(path, *patterns)
    frame = read(path, _PARTICIPANT, patterns)
    _check_once(path.name, frame, [c for c in frame if c != "row"], NUMBER.source, "row twice")
    frame = frame.drop(columns="row")
    frame.insert(1, "actor", states.by_cow(frame["cow_code"]))
    return frame


def read_dyad_years(path: Path, *patterns: str) -> pd.DataFrame:
    """Pairs (see :func:`opposed`) of dyadic dispute-years. Raises InputError where a dyad and year stands twice, or its two directions differ."""
    path = _files.one(path, *patterns)
    frame = read(path, DYAD_YEAR, patterns)
    _check_once(path.name, frame, ["dispute", "cow_1", "cow_2", "year"], "ccode1", "dispute, dyad and year twice")
    frame["start_year"] = frame["end_year"] = frame["year"]
    rows = _sides(frame)
    once = rows.drop_duplicates([c for c in PAIR_COLUMNS if c in rows])
    _check_once(path.name, once, [*KEY, "start_year"], "ccode1", "the two directions of a dyad and year differ")
    return _paired(once)


def paired_sides(frame: pd.DataFrame) -> pd.DataFrame:
    """Pairs (see :func:`opposed`) of rows that have a first and a second state, in either direction."""
    return _paired(_sides(frame))


def opposed(participants: pd.DataFrame) -> pd.DataFrame:
    """Pairs of opponents: every state on side A with every one on the other side that was in the dispute in a year with it.

    One row a dispute and pair: dispute, actor_a, actor_b, cow_a, cow_b, start_year, end_year, revisionist, hostility and originator of
    each (NA where missing). Naive, as such pairs are (Miller 2021): two states may have been on opposite sides of a world war and never
    have met. States without a side are left out.
    """
    wanted = ["dispute", "cow_code", "start_year", "end_year", "revisionist", "hostility", "originator"]
    first, second = (participants[participants["side_a"] == side][wanted] for side in (1, 0))
    rows = first.merge(second, on="dispute", suffixes=("_a", "_b")).rename(columns={"cow_code_a": "cow_a", "cow_code_b": "cow_b"})
    ends = [rows[f"end_year_{x}"].fillna(rows[f"start_year_{x}"]) for x in "ab"]
    rows["start_year"] = rows[["start_year_a", "start_year_b"]].max(axis=1)
    rows["end_year"] = pd.concat(ends, axis=1).min(axis=1)
    return _paired(rows[(rows["start_year"] <= rows["end_year"]) & (rows["cow_a"] != rows["cow_b"])])


def _sides(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows in which one state is on side A and the other is not, that one first, named as pairs are."""
    turned = []
    for first, second in (("1", "2"), ("2", "1")):
        chosen = frame[(frame[f"side_a_{first}"] == 1) & (frame[f"side_a_{second}"] == 0) & (frame["cow_1"] != frame["cow_2"])]
        names = ("cow", "revisionist", "hostility", "originator")
        turned.append(chosen.rename(columns={f"{n}_{x}": f"{n}_{y}" for n in names for x, y in ((first, "a"), (second, "b"))}))
    return pd.concat(turned, ignore_index=True)


def _paired(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a dispute and pair: first and last year, the highest of every code."""
    highest = {f"{n}_{x}": "max" for n in ("revisionist", "hostility", "originator") for x in "ab" if f"{n}_{x}" in rows}
    out = rows.groupby(list(KEY), as_index=False).agg({"start_year": "min", "end_year": "max", **highest})
    out = out.reindex(columns=PAIR_COLUMNS).astype("Int64")
    out.insert(1, "actor_a", states.by_cow(out["cow_a"]))
    out.insert(2, "actor_b", states.by_cow(out["cow_b"]))
    return out


def _check_once(file: str, frame: pd.DataFrame, columns: list[str], column: str, message: str) -> None:
    twice = frame[frame.duplicated(columns)]
    if len(twice):
        shown = [c for c in columns if c in ("dispute", "cow_code", "cow_1", "cow_2", "cow_a", "cow_b", "year", "start_year")]
        raise InputError(
            Problem(file, int(row.row), column, ", ".join(f"{getattr(row, c)}" for c in shown), "each once", message)
            for row in twice.head(MOST_PROBLEMS).itertuples()
        )
