"""United States troops by country and year, 1950 on (Allen, Flynn and Machain; from the Defense Manpower Data Center)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from isthmus.register.importers import _files, _tables
from isthmus.register.importers._tables import Field

FILES = ("troopdata*.csv",)


def read_troops(path: Path) -> pd.DataFrame:
    """Country-years: iso3, cow_code, country, region, year, troops_ad (active duty, people) and every other count of the file.

    Counts are people, mostly at the end of September (June and December reports in part of the years). `iso3` is NA for places that
    are no states. Large moves between two years can be changes in reporting: staff in transit or in a war may be left out.
    """
    fields = (
        Field("iso3c", "iso3", missing=("NA",)),
        Field("ccode", "cow_code", "int", missing=("NA",)),
        Field("countryname", "country", blank=False),
        Field("region", "region", missing=("NA",)),
        Field("year", "year", "int", blank=False, low=1950),
        Field("troops_ad", "troops_ad", "int", missing=("NA",), low=0),
    )
    return _tables.read_table(_files.one(path, *FILES), fields, rest=lambda name: Field(name, name, "int", missing=("NA",)))
