"""Rearmed distribution of military capabilities 1970-2014 (Gannon). Derived from the IISS Military Balance: do not pass on."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from isthmus.register.importers import _files, _tables, states
from isthmus.register.importers._tables import Field

FILES = ("rDMC_wide*.csv",)
_FIRST = ("cow_code", "country", "year")


def read_rdmc(path: Path) -> pd.DataFrame:
    """Long: actor, cow_code, country, year, category ('aircraft'), system ('fighter'), number of items.

    The publisher's wide file has a column a category and system ('aircraft_fighter'). NA is not stated and gives no row; 0 is zero.
    """

    def system(name: str) -> Field | None:
        return Field(name, name, "float", missing=("NA",), low=0) if "_" in name else None

    fields = (
        Field("ccode", "cow_code", "int", blank=False, low=1),
        Field("country", "country", blank=False),
        Field("year", "year", "int", blank=False, low=1900),
    )
    path = _files.one(path, *FILES)
    wide = _tables.read_table(path, fields, rest=system)
    if len(wide.columns) == len(_FIRST):
        _tables.fail(path.name, "no column of a system", "columns such as aircraft_fighter", "missing columns", row=1)
    long = wide.melt(list(_FIRST), var_name="name", value_name="number").dropna(subset="number")
    parts = long.pop("name").astype("string").str.split("_", n=1, expand=True)
    long.insert(3, "category", parts[0])
    long.insert(4, "system", parts[1])
    long.insert(0, "actor", states.by_cow(long["cow_code"]))
    return long.sort_values(["cow_code", "year"], kind="stable", ignore_index=True)
