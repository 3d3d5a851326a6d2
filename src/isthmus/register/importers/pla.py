"""Chinese activity around Taiwan (Taiwan's Ministry of National Defense) and Japan (Joint Staff Office), day by day."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from isthmus.register.importers import _files, _tables
from isthmus.register.importers._tables import Field

FILES = ("JapanandBattleship.csv",)
LEVEL_BREAK = pd.Timestamp(2022, 8, 1)
"""From here on the ministry counts something else: do not join the two series, nor compare their levels."""
_JAPAN = {
    "空中": "air",
    "聯合演訓": "joint_exercise",
    "艦通過": "ship_passage",
    "航母活動": "carrier",
    "與那國": "yonaguni",
    "宮古": "miyako",
    "大禹": "osumi",
    "對馬": "tsushima",
    "進": "inbound",
    "出": "outbound",
}


@dataclass(frozen=True)
class PlaActivity:
    """The two series of the file."""

    taiwan: pd.DataFrame
    """date, aircraft (sorties), vessels (ships), series ('to_2022_07' or 'from_2022_08')"""
    japan: pd.DataFrame
    """date, ten 0/1 columns (kind of activity, strait, direction), ship_class, note, nation; days with a Japanese report only"""


def read_pla(path: Path) -> PlaActivity:
    """Both series of the file. Days without a report are missing: not stated, not zero. Text stays in Chinese."""
    fields = (
        Field("date", "date", "date", blank=False, formats=("%Y/%m/%d", "%Y-%m-%d")),
        Field("pla_aircraft_sorties", "aircraft", "int", low=0),
        Field("plan_vessel_sorties", "vessels", "int", low=0),
        *(Field(source, name, "int", low=0) for source, name in _JAPAN.items()),
        Field("艦型", "ship_class"),
        Field("備考", "note"),
        Field("國家", "nation", required=False),
    )
    path = _files.one(path, *FILES)
    frame = _tables.read_table(path, fields)
    twice = frame["date"].duplicated()
    if twice.any():
        _tables.fail(path.name, str(frame["date"][twice].iloc[0].date()), "each day once", "a day twice", column="date")
    taiwan = frame[["date", "aircraft", "vessels"]].dropna(subset=["aircraft", "vessels"], how="all").reset_index(drop=True)
    names = {True: "from_2022_08", False: "to_2022_07"}
    taiwan["series"] = (taiwan["date"] >= LEVEL_BREAK).map(names).astype("string")
    flags = list(_JAPAN.values())
    rest = [name for name in ("ship_class", "note", "nation") if name in frame.columns]
    japan = frame[["date", *flags, *rest]].dropna(subset=[*flags, *rest], how="all").reset_index(drop=True)
    return PlaActivity(taiwan=taiwan, japan=japan)
