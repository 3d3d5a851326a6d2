"""Common high priority list: goods that Russia needs for weapons, by HS code and tier (US, EU, UK and Japan; February 2024)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from isthmus.register.importers import _files, _tables
from isthmus.register.importers._tables import Field

FILES = ("chpl*.csv",)


def read_chpl(path: Path) -> pd.DataFrame:
    """hs6 (six digits, text) and tier (1, 2, 3A, 3B, 4A, 4B)."""
    path = _files.one(path, *FILES)
    fields = (Field("hs6", "hs6", blank=False), Field("tier", "tier", blank=False, choices=("1", "2", "3A", "3B", "4A", "4B")))
    frame = _tables.read_table(path, fields, rows=True)
    wrong = frame[~frame["hs6"].str.fullmatch(r"\d{6}")]
    if len(wrong):
        row, code = int(wrong["row"].iloc[0]), str(wrong["hs6"].iloc[0])
        _tables.fail(path.name, f"'{code}'", "six digits", "not an HS6 code", row=row, column="hs6")
    return frame.drop(columns="row")
