"""Missile and drone attacks on Ukraine by day and type, from posts of the Ukrainian Air Force (Petro Ivaniuk's data set).

Every figure is a claim of the Ukrainian Air Force. Drones 'not reaching the goal' (lost, jammed) are counted only from 2024 on,
and their counting changes from late 2024. Outcomes are blank in part of the data: blank is not stated, not zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from isthmus.register.importers import _files, _tables
from isthmus.register.importers._tables import Field

DAILY = ("missile_attacks_daily.csv",)
TYPES = ("missiles_and_uavs.csv",)
_COUNTS = ("launched", "destroyed", "not_reach_goal", "still_attacking")
_TIMES = ("%Y-%m-%d %H:%M", "%Y-%m-%d")
UNMAPPED = "unmapped"
TYPE_GROUPS: dict[str, tuple[str, ...]] = {
    "ballistic_aeroballistic": (
        "Iskander-M",
        "KN-23",
        "Iskander-M/KN-23",
        "X-47 Kinzhal",
        "X-47 Kinzhal and Iskander-M",
        "X-47 Kinzhal and Iskander-M/KN-23",
        "Ballistic Missile",
        "Intercontinental Ballistic Missile",
        "Intercontinental ballistic missile",
    ),
    "cruise": (
        "X-101/X-555",
        "Kalibr",
        "Iskander-K",
        "Banderol",
        "Iskander-K and Kalibr",
        "X-101/X-555 and Iskander-K",
        "X-101/X-555 and Kalibr",
        "X-101/X-555 and Kalibr and Iskander-K",
        # Mostly cruise missiles; the source does not split them.
        "X-101/X-555 and Kalibr and X-22",
        "X-101/X-555 and Kalibr and X-59/X-69",
        "X-101/X-555 and Kalibr and Iskander-K and X-59",
    ),
    "kh22_32_supersonic_asm": ("X-22", "X-32", "X-22 and X-32"),
    "kh59_69_31_35_guided_asm": ("X-59", "X-59MK2", "X-69", "X-59/X-69", "X-59 and X-35", "X-31", "X-31P", "X-31PD", "X-35"),
    "oniks_zircon": ("P-800 Oniks", "3M22 Zircon"),
    "s300_s400_ground_attack": (
        "C-300",
        "C-400",
        "C-300/C-400",
        "C-300 and Iskander-M",
        "C-400 and Iskander-M",
        "C-300/C-400 and Iskander-M",
    ),
    "shahed_and_decoy_uav": ("Shahed-136/131", "Shahed-136/131 and Lancet"),
    "recon_or_other_uav": (
        "Reconnaissance UAV",
        "Unknown UAV",
        "Orlan-10",
        "Orlan-30",
        "Orlan-10 and Supercam",
        "Orlan-10 and ZALA",
        "Orlan-10 and ZALA and Supercam",
        "Orlan-10 and Orlan-30 and ZALA and Supercam",
        "Supercam",
        "ZALA",
        "Lancet",
        "Молнія",
        "Молнія and Lancet",
        "Merlin-VR",
        "Orion",
        "Mohajer-6",
        "Kub",
        "Forpost",
        "Eleron",
        "Granat-4",
    ),
    "guided_bomb": ("GBU",),
    "unknown_missile": ("Unknown Missile",),
}
"""Type group -> names of types in the source. A type, or a mix of types, that is not listed is 'unmapped': never guessed."""


@dataclass(frozen=True)
class Missiles:
    """The parts of the set; None where the folder has no such file."""

    daily: pd.DataFrame | None
    types: pd.DataFrame | None


def read_daily(path: Path) -> pd.DataFrame:
    """One row an attack and type: start, end, month, model, type_group, launched, destroyed, not_reach_goal, still_attacking.

    Counts are weapons. `month` ('2024-08') is the month of the start. Newest first in the file; oldest first here.
    """
    fields = (
        Field("time_start", "start", "date", blank=False, formats=_TIMES),
        Field("time_end", "end", "date", blank=False, formats=(*_TIMES, "%Y-%m-%d %H:%M:%S")),
        Field("model", "model", blank=False),
        *(Field(name, name, "float", low=0) for name in _COUNTS),
        Field("target", "target", required=False),
        Field("launch_place", "launch_place", required=False),
        Field("carrier", "carrier", required=False),
        Field("source", "source", required=False),
    )
    frame = _tables.read_table(_files.one(path, *DAILY), fields)
    groups = {model: group for group, models in TYPE_GROUPS.items() for model in models}
    frame.insert(2, "month", frame["start"].dt.strftime("%Y-%m").astype("string"))
    frame.insert(4, "type_group", frame["model"].map(groups).fillna(UNMAPPED).astype("string"))
    return frame.sort_values("start", kind="stable", ignore_index=True)


def totals(daily: pd.DataFrame) -> pd.DataFrame:
    """By month and type group: rows, launched, destroyed, not_reach_goal, still_attacking. A sum of blanks only is NaN."""
    groups = daily.groupby(["month", "type_group"], sort=True)
    return groups[list(_COUNTS)].sum(min_count=1).assign(rows=groups.size()).reset_index()


def read_types(path: Path) -> pd.DataFrame:
    """Types of weapons in the daily file: model, category, origin, type, launch platform, maker."""
    fields = (
        Field("model", "model", blank=False),
        Field("category", "category", blank=False),
        Field("national_origin", "origin"),
        Field("type", "type"),
        Field("launch_platform", "launch_platform"),
        Field("name", "name"),
        Field("name_NATO", "name_nato"),
        Field("manufacturer", "manufacturer", required=False),
    )
    return _tables.read_table(_files.one(path, *TYPES), fields)


def read_missiles(folder: Path) -> Missiles:
    """Every part of the set that the folder holds."""
    _files.check_folder(folder, *DAILY, *TYPES)
    return Missiles(
        daily=read_daily(folder) if _files.matching(folder, *DAILY) else None,
        types=read_types(folder) if _files.matching(folder, *TYPES) else None,
    )
