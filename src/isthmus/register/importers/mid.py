"""Correlates of War: Militarized Interstate Disputes, version 5.0 (Palmer et al. 2021), and the dyadic set 4.0x (Maoz et al. 2018).

Also the frames `cow_mid_dirdisps` and `cow_mid_ddydisps` of the R package peacesciencer, written as CSV.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from isthmus.register.importers import _files, disputes
from isthmus.register.importers.disputes import code, key

DISPUTES = ("MIDA*.csv",)
PARTICIPANTS = ("MIDB*.csv",)
DYADS = ("dyadic_mid*.csv",)
DYAD_YEARS = ("cow_mid_d*disps*.csv",)

_DYAD = (
    key("disno", "dispute"),
    key("statea", "cow_1"),
    key("stateb", "cow_2"),
    key("year", "year", low=1800),
    key("strtyr", "start_year", low=1800),
    code("endyear", "end_year", 1800),
    code("sideaa", "side_a_1", high=1),
    code("sideab", "side_a_2", high=1),
    code("revstata", "revisionist_1", high=1),
    code("revstatb", "revisionist_2", high=1),
    code("hihosta", "hostility_1", high=5),
    code("hihostb", "hostility_2", high=5),
    code("orignata", "originator_1", high=1),
    code("orignatb", "originator_2", high=1),
)


@dataclass(frozen=True)
class Mid:
    """The parts of the set; None where the folder has no such file."""

    disputes: pd.DataFrame | None
    participants: pd.DataFrame | None
    pairs: pd.DataFrame | None
    """Of the dyadic set where the folder has it, else of peacesciencer's frame."""


def read_disputes(path: Path) -> pd.DataFrame:
    """MIDA: one row a dispute; dates, outcome, settlement, fatality, highest_action, hostility, reciprocated."""
    return disputes.read_disputes(path, *DISPUTES)


def read_participants(path: Path) -> pd.DataFrame:
    """MIDB: one row a dispute and state; actor, cow_code, dates, side_a, revisionist, hostility, originator and other codes."""
    return disputes.read_participants(path, *PARTICIPANTS)


def read_dyads(path: Path) -> pd.DataFrame:
    """The dyadic set: one row a dispute and pair, the first state on side A; columns as in `opposed`. Directed or not, by year or not."""
    frame = disputes.read(path, _DYAD, DYADS)
    frame["end_year"] = frame["end_year"].fillna(frame["year"])
    return disputes.paired_sides(frame)


def read_dyad_years(path: Path) -> pd.DataFrame:
    """Dyadic dispute-years of peacesciencer: one row a dispute and pair, the first state on side A; columns as in `opposed`."""
    return disputes.read_dyad_years(path, *DYAD_YEARS)


def read_mid(folder: Path) -> Mid:
    """Every part of the set that the folder holds."""
    _files.check_folder(folder, *DISPUTES, *PARTICIPANTS, *DYADS, *DYAD_YEARS)
    pairs = None
    if _files.matching(folder, *DYADS):
        pairs = read_dyads(folder)
    elif _files.matching(folder, *DYAD_YEARS):
        pairs = read_dyad_years(folder)
    return Mid(
        disputes=read_disputes(folder) if _files.matching(folder, *DISPUTES) else None,
        participants=read_participants(folder) if _files.matching(folder, *PARTICIPANTS) else None,
        pairs=pairs,
    )
