"""Declared against done: which share of declared adoptions became implemented, and how long it took.

A cell is an actor and an item with a row 'declared' or 'agreed'. Its clock runs from the first such date to the first date of a row
'implemented'; a cell not known to be done is censored. Unknown is not none: nobody may have looked since. So every curve is given twice,
as two ends between which the answer lies if the dates are right:

- `slow`: what is not recorded as done is not done, up to the register's date; what was done on an unknown day was done on the day
  its row refers to.
- `fast`: what is not recorded as done is known to be undone only up to the newest row about the cell; what was done on an unknown day was
  done at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from isthmus.awareness.periods import DAYS_PER_YEAR, first_day, last_day, middle_day

if TYPE_CHECKING:
    import pandas as pd

    from isthmus.register.register import Register

F64 = npt.NDArray[np.float64]

WORDS: Final = ("declared", "agreed")
LEAST_EVENTS: Final = 5
"""Fewer deeds than this: no curve, 'not estimable'."""

LEAST_AT_RISK: Final = 10
"""Where fewer cells than this are still watched, nothing is read off a curve."""

HORIZONS: Final = (1, 2, 5, 10)
"""Years at which a share is read off."""

REPLICATES: Final = 400
READINGS: Final = ("slow", "fast")

CELL_COLUMNS: Final = (
    "actor_id",
    "item_id",
    "layer",
    "side",
    "step",
    "started",
    "state",
    "done",
    "years_slow",
    "event_slow",
    "years_fast",
    "event_fast",
)
SHARE_COLUMNS: Final = (
    "group",
    "layer",
    "side",
    "step",
    "cells",
    "items",
    "done",
    "share_done",
    "timed",
    "timed_items",
    "events",
    "event_items",
    "done_undated",
    "done_before",
    "reading",
    "median_years",
    *(f"share_{h}y{end}" for h in HORIZONS for end in ("", "_low", "_high")),
    "why_not",
)
CURVE_COLUMNS: Final = ("group", "reading", "years", "at_risk", "events", "share_done", "low", "high")


@dataclass(frozen=True)
class Curve:
    """Kaplan–Meier estimate at the distinct times of events and ends (J. Am. Stat. Assoc. 53:457, 1958)."""

    years: F64
    at_risk: F64
    events: F64
    share_done: F64
    """1 − S just after each time."""

    def watched(self, year: float) -> float:
        """Cells neither done nor out of sight before a year."""
        later = int(np.searchsorted(self.years, year, side="left"))
        return float(self.at_risk[later]) if later < len(self.years) else 0.0

    def at(self, year: float) -> float | None:
        """Share done by a year; None where fewer than `LEAST_AT_RISK` cells are still watched."""
        if self.watched(year) < LEAST_AT_RISK:
            return None
        before = int(np.searchsorted(self.years, year, side="right"))
        return float(self.share_done[before - 1]) if before else 0.0

    def reached(self, share: float) -> float | None:
        """First time at which this share is done, years; None if it never is while `LEAST_AT_RISK` cells are watched."""
        found = np.flatnonzero((self.share_done >= share - 1e-12) & (self.at_risk >= LEAST_AT_RISK))
        return float(self.years[found[0]]) if len(found) else None


def kaplan_meier(years: F64, events: npt.NDArray[np.bool_]) -> Curve:
    """Product-limit estimate, every cell counting once; at a tie deeds come before ends of watching."""
    times, (at_risk, done) = _tables(years, events, np.ones((1, len(years))))
    return Curve(times, at_risk[0], done[0], _share_done(at_risk, done)[0])


def _tables(years: F64, events: npt.NDArray[np.bool_], often: F64) -> tuple[F64, tuple[F64, F64]]:
    """Times (T), and cells at risk and deeds at each (R, T), where replicate r counts cell c `often[r, c]` times."""
    times, place = np.unique(years, return_inverse=True)
    of_time = np.zeros((len(years), len(times)))
    of_time[np.arange(len(years)), place] = 1.0
    at_risk = (often @ of_time)[:, ::-1].cumsum(axis=1)[:, ::-1]
    return times, (at_risk, (often * events) @ of_time)


def _share_done(at_risk: F64, done: F64) -> F64:
    """1 − S after each time (R, T); a time at which nobody is left changes nothing."""
    left = np.where(at_risk > 0, 1.0 - done / np.where(at_risk > 0, at_risk, 1.0), 1.0)
    shares: F64 = 1.0 - left.cumprod(axis=1)
    return shares


def cells(register: Register, at: str | None = None) -> pd.DataFrame:
    """One row a declared cell; columns `CELL_COLUMNS`. `at`: the register's date; its newest row where it has none.

    state: open; done; done_undated (a row says implemented, none says since when); done_before (the deed is older than the words: nothing
    to wait for); withdrawn (the words ended). Years are blank where the words have no date, or the deed came before them. A partial
    date counts as the middle of its period.
    """
    import pandas as pd

    day = at or register.date
    until = first_day(day) if day else last_day(register.newest())
    items = register.table("items").set_index("item_id")[["layer", "side"]]
    table = register.table("adoptions")
    said = table[table["maturity"].isin(WORDS)]
    chosen = table.merge(said[["actor_id", "item_id"]].drop_duplicates(), on=["actor_id", "item_id"])
    layers, sides = items["layer"].to_dict(), items["side"].to_dict()
    grouped: dict[tuple[str, str], list[dict[Any, Any]]] = {}
    for row in chosen.to_dict("records"):
        grouped.setdefault((row["actor_id"], row["item_id"]), []).append(row)
    rows = [
        {"actor_id": actor, "item_id": item, "layer": layers[item], "side": sides[item], **_cell(part, until)}
        for (actor, item), part in sorted(grouped.items())
    ]
    return pd.DataFrame(rows, columns=list(CELL_COLUMNS))


def shares(found: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Shares done (`SHARE_COLUMNS`) and curves (`CURVE_COLUMNS`) of all cells, by side, layer, layer and side, and step.

    Intervals (95%) draw whole items with replacement: one agreement of thirty members is one observation, not thirty. They cover that
    chance, not what was never looked up. Groups below `LEAST_EVENTS` deeds have counts and no curve.
    """
    import pandas as pd

    rows, curves = [], []
    for name, key, part in _groups(found):
        timed = part[part["years_slow"].notna()]
        head: dict[str, Any] = dict.fromkeys(SHARE_COLUMNS)
        done = part["state"].isin(("done", "done_undated", "done_before"))
        head |= {"group": name, **key, "cells": len(part), "items": part["item_id"].nunique()}
        head |= {"done": int(done.sum()), "share_done": float(done.mean())}
        head |= {"timed": len(timed), "timed_items": timed["item_id"].nunique(), "events": int(timed["event_slow"].sum())}
        head["event_items"] = timed.loc[timed["event_slow"].astype(bool), "item_id"].nunique()
        head |= {state: int((part["state"] == state).sum()) for state in ("done_undated", "done_before")}
        for reading in READINGS:
            row = head | {"reading": reading}
            if row["events"] < LEAST_EVENTS:
                row["why_not"] = f"not estimable: {row['events']} deeds of {row['event_items']} items"
            else:
                curve, low, high = _curve(timed, reading)
                row |= _read_off(curve, low, high)
                curves += [
                    (name, reading, *map(float, values))
                    for values in zip(curve.years, curve.at_risk, curve.events, curve.share_done, low, high, strict=True)
                ]
            rows.append(row)
    return pd.DataFrame(rows, columns=list(SHARE_COLUMNS)), pd.DataFrame(curves, columns=list(CURVE_COLUMNS))


def _cell(rows: Sequence[dict[Any, Any]], until: date) -> dict[str, Any]:
    words = [r for r in rows if r["maturity"] in WORDS]
    deeds = [r for r in rows if r["maturity"] == "implemented"]
    dated = sorted((r for r in words if r["since"]), key=lambda r: first_day(r["since"]))
    first = dated[0] if dated else None
    out: dict[str, Any] = dict.fromkeys(CELL_COLUMNS[4:])
    out |= {"step": (first or words[0])["maturity"], "started": first["since"] if first else None}
    days = sorted((r["since"] for r in deeds if r["since"]), key=first_day)
    out["state"] = "open" if not deeds else "done" if days else "done_undated"
    out["done"] = days[0] if days else None
    if first is None:
        return out
    start = middle_day(first["since"])
    if days and last_day(days[0]) < first_day(first["since"]):
        return out | {"state": "done_before"}
    if days:
        took = _years(start, middle_day(days[0]))
        return out | {"years_slow": took, "event_slow": True, "years_fast": took, "event_fast": True}
    if deeds:
        stated = min((middle_day(r["as_of"]) for r in deeds if r["as_of"]), default=until)
        return out | {"years_slow": _years(start, stated), "event_slow": True, "years_fast": 0.0, "event_fast": True}
    ended = [first_day(r["until"]) for r in words if r["until"]]
    if ended and len(ended) == len(words):
        over = _years(start, max(ended))
        return out | {"state": "withdrawn", "years_slow": over, "event_slow": False, "years_fast": over, "event_fast": False}
    looked = max((min(middle_day(r["as_of"]), until) for r in rows if r["as_of"]), default=start)
    return out | {
        "years_slow": _years(start, until),
        "event_slow": False,
        "years_fast": _years(start, looked),
        "event_fast": False,
    }


def _years(start: date, end: date) -> float:
    return max(0.0, (end - start).days / DAYS_PER_YEAR)


def _groups(found: pd.DataFrame) -> Iterable[tuple[str, dict[str, Any], pd.DataFrame]]:
    """Name, key and cells of each group: all, then by one or two columns."""
    if found.empty:
        return
    yield "all", {}, found
    for columns in (("side",), ("layer",), ("layer", "side"), ("step",)):
        for values, part in found.groupby(list(columns), sort=True):
            key = dict(zip(columns, values, strict=True))
            yield ".".join(map(str, values)), key, part


def _curve(timed: pd.DataFrame, reading: str) -> tuple[Curve, F64, F64]:
    """The estimate, and low and high of the share done at its times, by drawing items with replacement."""
    years = timed[f"years_{reading}"].to_numpy(dtype=float)
    events = timed[f"event_{reading}"].to_numpy(dtype=bool)
    curve = kaplan_meier(years, events)
    names, place = np.unique(timed["item_id"].to_numpy(dtype=str), return_inverse=True)
    draws = np.random.default_rng(0).multinomial(len(names), np.full(len(names), 1 / len(names)), size=REPLICATES)
    _, (at_risk, done) = _tables(years, events, draws[:, place].astype(float))
    drawn = _share_done(at_risk, done)
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    return curve, low, high


def _read_off(curve: Curve, low: F64, high: F64) -> dict[str, Any]:
    ends = {"": curve, "_low": _with(curve, low), "_high": _with(curve, high)}
    out: dict[str, Any] = {"median_years": curve.reached(0.5)}
    for horizon, (end, one) in itertools.product(HORIZONS, ends.items()):
        out[f"share_{horizon}y{end}"] = one.at(horizon)
    return out


def _with(curve: Curve, share: F64) -> Curve:
    return Curve(curve.years, curve.at_risk, curve.events, share)
