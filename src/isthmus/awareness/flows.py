"""Flows among the rivals: every claim kept, cumulative bands over time, and claims that cannot both be true.

Three kinds of figure are never mixed: what was announced, what arrived, and rates. A cumulative figure replaces the earlier figure
of its source and is never added to anything. Figures of dated deliveries are added, since their periods are parts.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final, Literal

from isthmus.awareness.periods import DAYS_PER_MONTH, Period, first_day, last_day
from isthmus.axes import GRADE_WIDENING, Side

if TYPE_CHECKING:
    import pandas as pd

    from isthmus.register.register import Register

CURRENT_MONTHS: Final = 12
"""A cumulative figure older than this no longer speaks for the total of the day."""

Status = Literal["announced", "delivered", "rate"]

KEY: Final = ("supplier", "recipient", "goods", "unit")
CLAIM_COLUMNS: Final = (
    "series_id",
    *KEY,
    "kind_of_goods",
    "status",
    "measure",
    "period_from",
    "period_to",
    "low",
    "mode",
    "high",
    "kind",
    "confidence",
    "as_of",
    "source_id",
    "note",
    "fact_id",
)
BAND_COLUMNS: Final = ("series_id", *KEY, "kind_of_goods", "date", "low", "mode", "high", "claims", "fact_ids")
CONTRADICTION_COLUMNS: Final = (
    "series_id",
    *KEY,
    "longer_from",
    "longer_to",
    "longer_high",
    "longer_source",
    "shorter_from",
    "shorter_to",
    "shorter_low",
    "shorter_source",
    "ratio",
    "beyond_grades",
    "longer_fact",
    "shorter_fact",
)


@dataclass(frozen=True)
class Amount:
    """One figure of an amount over a period, as a row states it."""

    fact_id: str
    source_id: str
    cumulative: bool
    period: Period
    low: float
    mode: float
    high: float
    widening: float
    """Of its grade: the figure is read as [low/(1+w), high·(1+w)] where the register widens it."""


def claims(register: Register, side: Side | None = "rival") -> pd.DataFrame:
    """Every row of flows between two actors of one side (None: of all), columns `CLAIM_COLUMNS`, by series and date.

    At the register's date, arrivals whose period is over by then.
    status: announced; delivered (amounts, a cumulative one included); rate (per month, per year, or a unit per day).
    """
    flows = register.table("flows")
    if side is not None:
        sides = register.table("actors").set_index("actor_id")["side"]
        flows = flows[(flows["supplier"].map(sides) == side) & (flows["recipient"].map(sides) == side)]
    frame = flows.copy()
    frame["status"] = [_status(m, u) for m, u in zip(frame["measure"], frame["unit"], strict=True)]
    if register.date is not None:
        at = first_day(register.date)
        kept = [
            status != "delivered" or to is None or last_day(to) <= at
            for status, to in zip(frame["status"], frame["period_to"], strict=True)
        ]
        frame = frame.loc[kept]
    frame["series_id"] = [
        f"{s}>{r}|{g}|{u}"
        for s, r, g, u in zip(frame["supplier"], frame["recipient"], frame["goods"], frame["unit"], strict=True)
    ]
    order = ["series_id", "status", "period_to", "period_from", "fact_id"]
    return frame.sort_values(order, na_position="last", ignore_index=True)[list(CLAIM_COLUMNS)]


def bands(claimed: pd.DataFrame) -> pd.DataFrame:
    """What had arrived in all by each date at which a claim ends, by supplier, recipient and goods; columns `BAND_COLUMNS`.

    Claimants at a date: the newest cumulative figure of each source that ended within `CURRENT_MONTHS`, and the sum of deliveries whose
    period has ended (:func:`_delivered_sum`). low and high are the least and the greatest of them, mode the median of their
    modes. A total cannot fall, so each is carried forward. The band is an envelope of claims, not an interval of an estimate:
    starts of counting differ between sources, and a sum of deliveries misses those that nobody dated.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for series_id, part in claimed[claimed["status"] == "delivered"].groupby("series_id", sort=True):
        amounts = _amounts(part.to_dict("records"))
        floor = (0.0, 0.0, 0.0)
        head = {"series_id": series_id, **{c: part[c].iloc[0] for c in (*KEY, "kind_of_goods")}}
        for day in sorted({a.period.last for a in amounts}):
            found = _claimants(amounts, day)
            if not found:
                continue
            low, mode, high = min(f[0] for f in found), statistics.median(f[1] for f in found), max(f[2] for f in found)
            floor = (max(floor[0], low), max(floor[1], mode), max(floor[2], high))
            facts = sorted({fact for f in found for fact in f[3]})
            figures = dict(zip(("low", "mode", "high"), floor, strict=True))
            rows.append(head | {"date": day.isoformat(), **figures, "claims": len(found), "fact_ids": facts})
    return pd.DataFrame(rows, columns=list(BAND_COLUMNS))


def contradictions(claimed: pd.DataFrame) -> pd.DataFrame:
    """Pairs of claims of one series that cannot both be true; columns `CONTRADICTION_COLUMNS`, the greatest ratio first.

    A longer period cannot hold less than a shorter one inside it: the pair contradicts itself where the greatest figure of the longer
    period is below the least of the shorter. Deliveries of one source are parts and contradict nothing of
    theirs. A rate counts as the amount of its own period. `ratio`: shorter over longer;
    `beyond_grades`: still so after each is widened by its grade, as the register widens it. Announced amounts are left out.
    """
    import pandas as pd

    rows = []
    for series_id, part in claimed[claimed["status"] != "announced"].groupby("series_id", sort=True):
        records = [r for r in part.to_dict("records") if r["status"] == "delivered" or r["measure"] in _YEARS]
        amounts = _amounts(records)
        head = {"series_id": series_id, **{c: part[c].iloc[0] for c in KEY}}
        for longer in amounts:
            for shorter in amounts:
                parts = longer.source_id == shorter.source_id and not longer.cumulative and not shorter.cumulative
                if longer is shorter or parts or not longer.period.contains(shorter.period) or longer.high >= shorter.low:
                    continue
                widened = longer.high * (1 + longer.widening) < shorter.low / (1 + shorter.widening)
                rows.append(head | _pair(longer, shorter) | {"beyond_grades": widened})
    frame = pd.DataFrame(rows, columns=list(CONTRADICTION_COLUMNS))
    return frame.sort_values(["ratio", "longer_fact"], ascending=[False, True], ignore_index=True)


_YEARS: Final = {"per_month": 12.0, "per_year": 1.0}
"""Measure of a rate -> periods in a year."""


def _status(measure: str, unit: str) -> Status:
    if measure == "announced":
        return "announced"
    return "rate" if measure in _YEARS or "/" in unit else "delivered"


def _amounts(records: Iterable[dict[Any, Any]]) -> list[Amount]:
    """Rows as amounts. A row without an end counts to the date it refers to; one without a beginning, from that end."""
    out = []
    for row in records:
        end = row["period_to"] or row["as_of"] or row["period_from"]
        if end is None:
            continue
        last = last_day(end)
        first = first_day(row["period_from"]) if row["period_from"] else last
        if first > last:
            continue
        period = Period(first, last)
        times = _YEARS[row["measure"]] * period.calendar_months / 12 if row["measure"] in _YEARS else 1.0
        figures = (row["low"] * times, row["mode"] * times, row["high"] * times)
        width = 0.0 if row["kind"] == "assumption" else GRADE_WIDENING[row["confidence"] or "C"]
        out.append(
            Amount(row["fact_id"], row["source_id"] or row["fact_id"], row["measure"] == "cumulative", period, *figures, width)
        )
    return out


_Claimant = tuple[float, float, float, list[str]]


def _claimants(amounts: Sequence[Amount], day: date) -> list[_Claimant]:
    """low, mode, high and fact_ids of each voice on the total of a day."""
    newest: dict[str, list[Amount]] = {}
    for one in (a for a in amounts if a.cumulative and a.period.last <= day):
        known = newest.get(one.source_id, [])
        if not known or one.period.last > known[0].period.last:
            newest[one.source_id] = [one]
        elif one.period.last == known[0].period.last:
            known.append(one)
    found = [
        (min(a.low for a in of), statistics.median(a.mode for a in of), max(a.high for a in of), [a.fact_id for a in of])
        for of in newest.values()
        if (day - of[0].period.last).days <= CURRENT_MONTHS * DAYS_PER_MONTH
    ]
    ended = [a for a in amounts if not a.cumulative and a.period.last <= day]
    return found + ([_delivered_sum(ended)] if ended else [])


def _delivered_sum(parts: Sequence[Amount]) -> _Claimant:
    """Sum of deliveries. Parts of one source add up; where periods of several sources overlap, they are alternatives.

    Alternatives: the least, the median and the greatest of what each source says for the overlapping stretch.
    """
    low = mode = high = 0.0
    for cluster in _clusters(parts):
        by_source: dict[str, list[Amount]] = {}
        for one in cluster:
            by_source.setdefault(one.source_id, []).append(one)
        sums = [(sum(a.low for a in s), sum(a.mode for a in s), sum(a.high for a in s)) for s in by_source.values()]
        low += min(s[0] for s in sums)
        mode += statistics.median(s[1] for s in sums)
        high += max(s[2] for s in sums)
    return low, mode, high, [a.fact_id for a in parts]


def _clusters(parts: Sequence[Amount]) -> list[list[Amount]]:
    """Stretches of overlapping periods."""
    out: list[list[Amount]] = []
    reach = date.min
    for one in sorted(parts, key=lambda a: (a.period.first, a.period.last)):
        if out and one.period.first <= reach:
            out[-1].append(one)
        else:
            out.append([one])
        reach = max(reach, one.period.last)
    return out


def _pair(longer: Amount, shorter: Amount) -> dict[str, Any]:
    return {
        "longer_from": longer.period.first.isoformat(),
        "longer_to": longer.period.last.isoformat(),
        "longer_high": longer.high,
        "longer_source": longer.source_id,
        "shorter_from": shorter.period.first.isoformat(),
        "shorter_to": shorter.period.last.isoformat(),
        "shorter_low": shorter.low,
        "shorter_source": shorter.source_id,
        "ratio": shorter.low / longer.high if longer.high > 0 else None,
        "longer_fact": longer.fact_id,
        "shorter_fact": shorter.fact_id,
    }
