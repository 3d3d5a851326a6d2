"""Militarized interstate disputes as corrected by Gibler, Miller and Little (2016), versions 2.x.

Also the frames `gml_dirdisp` and `gml_mid_ddydisps` of the R package peacesciencer, written as CSV.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from isthmus.register.importers import _files, disputes

DISPUTES = ("gml-mida*.csv",)
PARTICIPANTS = ("gml-midb*.csv",)
DYAD_YEARS = ("gml-ddy*.csv", "gml-ndy*.csv", "gml_dirdisp*.csv", "gml_mid_ddydisps*.csv")


@dataclass(frozen=True)
class Gml:
    """The parts of the set; None where the folder has no such file."""

    disputes: pd.DataFrame | None
    participants: pd.DataFrame | None
    pairs: pd.DataFrame | None


def read_disputes(path: Path) -> pd.DataFrame:
    """gml-mida: one row a dispute; dates, outcome, settlement, fatality, highest_action, hostility, reciprocated."""
    return disputes.read_disputes(path, *DISPUTES)


def read_participants(path: Path) -> pd.DataFrame:
    """gml-midb: one row a dispute and state; actor, cow_code, dates, side_a, revisionist, hostility, originator and other codes."""
    return disputes.read_participants(path, *PARTICIPANTS)


def read_dyad_years(path: Path) -> pd.DataFrame:
    """Dispute-years of pairs, directed or not: one row a dispute and pair, the first state on side A; columns as in `opposed`."""
    return disputes.read_dyad_years(path, *DYAD_YEARS)


def read_gml(folder: Path) -> Gml:
    """Every part of the set that the folder holds. Raises InputError where it has the same dispute-years in two files."""
    _files.check_folder(folder, *DISPUTES, *PARTICIPANTS, *DYAD_YEARS)
    return Gml(
        disputes=read_disputes(folder) if _files.matching(folder, *DISPUTES) else None,
        participants=read_participants(folder) if _files.matching(folder, *PARTICIPANTS) else None,
        pairs=read_dyad_years(folder) if _files.matching(folder, *DYAD_YEARS) else None,
    )
