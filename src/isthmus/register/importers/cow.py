"""Correlates of War: National Material Capabilities (Singer, Bremer and Stuckey 1972; Singer 1987), state by year from 1816."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from isthmus.register.importers import _tables, states
from isthmus.register.importers._files import one
from isthmus.register.importers._tables import Field

FILES = ("cow_nmc.csv", "nmc*.csv")
_MISSING = ("-9", "-9.0", "NA")


def _amount(name: str) -> Field:
    return Field(name, name, "float", missing=_MISSING, low=0)


_FIELDS = (
    Field("ccode", "cow_code", "int", blank=False, low=1),
    Field("year", "year", "int", blank=False, low=1816),
    *(_amount(name) for name in ("cinc", "milex", "milper", "irst", "pec", "tpop", "upop")),
)


def read_nmc(path: Path) -> pd.DataFrame:
    """State-years: actor, cow_code, mapped, year, cinc, milex, milper, irst, pec, tpop, upop. Missing (-9) is NaN.

    `actor` is the ISO3 code of a state of the register, or 'COW' and the code where `mapped` is false. Units: cinc share of the
    world's capabilities (0-1); milex thousand pounds to 1913, thousand current US dollars after; milper, tpop and upop
    thousand people; irst thousand tons of iron and steel; pec thousand tons of coal equivalent.
    """
    path = one(path, *FILES)
    frame = _tables.read_table(path, _FIELDS)
    twice = frame.duplicated(["cow_code", "year"])
    if twice.any():
        at = int(twice.to_numpy().argmax())
        found = f"{frame.cow_code[at]}, {frame.year[at]}"
        _tables.fail(path.name, found, "each state and year once", "state and year twice", column="ccode")
    frame.insert(0, "actor", states.by_cow(frame["cow_code"]))
    frame.insert(2, "mapped", frame["cow_code"].isin(list(states.COW_TO_ISO3)).astype(bool))
    return frame
