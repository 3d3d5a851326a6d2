"""The picture as a few short tables for a terminal. Everything is in the document; this is the part to read first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from isthmus.awareness import exercises, statements
from isthmus.awareness.declared import LEAST_AT_RISK
from isthmus.awareness.readiness import WINDOW_YEARS
from isthmus.awareness.series import LEAST_FOR_CHANGES
from isthmus.awareness.survey import NO_CAUSE, Awareness, records

if TYPE_CHECKING:
    import pandas as pd

SHOWN_YEARS: Final = 3
"""Exercises and statements of so many years."""

SHOWN_PERIODS: Final = 4
"""Periods of each series of readiness."""


READINESS_NOTES: Final = (
    "Missions of one actor overlap and are not added. No hours enter a campaign: it has no aircraft or hulls.",
    "Not found: hours of a scramble in Japan and Korea, Taiwan's hours after 2020, Russia's patrols, "
    "days at sea of the Philippines, Malaysia and Vietnam.",
)
MATERIEL_NOTES: Final = (
    f"Mean of {WINDOW_YEARS:g} years, by episode; 12 months: mean (5% to 95%) after what is bought. Rows of several types together are left out.",
    "A study takes months of it from its opening stocks with the key peacetime; without the key nothing is taken.",
)


@dataclass(frozen=True)
class Table:
    """Rows under a title, with what must be known to read them."""

    title: str
    rows: list[dict[str, Any]]
    notes: tuple[str, ...] = ()


def summary(found: Awareness) -> list[Table]:
    """Tables of the picture, in the order of the document; empty ones are left out."""
    tables = (_flows(found), _contradictions(found), _series(found), _changes(found), _readiness(found))
    more = (_hours(found), _materiel(found), _exercises(found), _statements(found), _declared(found))
    return [table for table in (*tables, *more) if table.rows]


def _flows(found: Awareness) -> Table:
    newest = found.bands.sort_values("date").groupby("series_id", sort=True).tail(1)
    disputed = newest[newest["claims"] > 1].sort_values("series_id")
    rows = [
        {"supplier": r["supplier"], "recipient": r["recipient"], "goods": r["goods"], "by": r["date"]}
        | _three(r)
        | {"unit": r["unit"], "claims": r["claims"]}
        for r in records(disputed)
    ]
    one = len(newest) - len(disputed)
    notes = (
        f"The band holds every claim, least to greatest; {one} more flows rest on a single claim (--json).",
        "Announced amounts are not in it. A cumulative figure replaces its source's earlier one; it is never added.",
    )
    return Table("Flows among the rivals: arrived in all, where several sources speak", rows, notes)


def _contradictions(found: Awareness) -> Table:
    rows = [
        {
            "flow": f"{r['supplier']}>{r['recipient']} {r['goods']}",
            "longer period": f"{r['longer_from'][:7]} to {r['longer_to'][:7]}: at most {r['longer_high']:,.0f}",
            "shorter inside it": f"{r['shorter_from'][:7]} to {r['shorter_to'][:7]}: at least {r['shorter_low']:,.0f}",
            "ratio": _rounded(r["ratio"]),
            "beyond grades": "yes" if r["beyond_grades"] else "no",
        }
        for r in records(found.contradictions)
    ]
    return Table("Claims that cannot both be true", rows)


def _series(found: Awareness) -> Table:
    """Series with a trend, or a break of counting, one row a segment."""
    marks = {r["series_id"]: r["breaks"] for r in records(found.series)}
    rows = []
    for r in records(found.trends):
        broken = marks[r["series_id"]]
        if not broken and not r["level"]:  # too few points, or a type that is hardly ever seen
            continue
        slope = "" if r["slope_per_year"] is None else f"{r['slope_per_year']:+,.4g} ({r['low']:+,.4g} to {r['high']:+,.4g})"
        rows.append(
            {
                "series": r["series_id"],
                "from": r["period_from"][:7],
                "to": r["period_to"][:7],
                "n": r["n"],
                "median a month": _rounded(r["level"]),
                "change of it a year (95%)": slope or r["why_not"],
                "breaks": ", ".join(f"{b['name']} {b['first'][:7]}" for b in broken),
            }
        )
    notes = tuple(sorted({f"{b['name']}: {b['what']}." for many in marks.values() for b in many}))
    left_out = len(marks) - len({row["series"] for row in rows})
    return Table(
        "Pressure and attacks by month, each segment between breaks on its own",
        rows,
        (*notes, f"{left_out} series more, with few points or mostly zero, are in --json. {NO_CAUSE}"),
    )


def _changes(found: Awareness) -> Table:
    searched = int((found.trends["n"] >= LEAST_FOR_CHANGES).sum())
    rows = [
        {
            "series": r["series_id"],
            "from": r["period_from"][:7],
            "before": _rounded(r["before"]),
            "after": _rounded(r["after"]),
            "ratio": _rounded(r["ratio"]),
        }
        for r in records(found.changes)
    ]
    note = f"Searched in {searched} segments, without a correction for that; some may be chance (docs/explanation/awareness.md)."
    return Table("Months from which another line fits better (rates a month)", rows, (note,))


def _readiness(found: Awareness) -> Table:
    newest = found.readiness.sort_values("period_from").groupby("series_id", sort=True).tail(SHOWN_PERIODS)
    rows = [
        {
            "spent by": r["spent_by"],
            "activity": r["activity"],
            "against": r["actor_id"] if r["role"] == "response" else r["target_id"],
            "from": r["period_from"],
            "to": r["period_to"],
            "count": r["count"],
            "unit": r["unit"],
            "a month": _rounded(r["per_month"]),
        }
        for r in records(newest.sort_values(["spent_by", "series_id", "period_from"]))
    ]
    note = f"The newest {SHOWN_PERIODS} periods of each series; all of them with --json."
    return Table("Readiness spent", rows, (note,))


def _hours(found: Awareness) -> Table:
    rows = [
        {
            "actor": r["actor_id"],
            "resource": r["resource"],
            "mission": r["mission"],
            "to": r["as_of"],
            "a year": _rounded(r["consumed"]),
            "of": _rounded(r["capacity"]),
            "unit": r["unit"],
            "share (5-95%)": _share(r),
            "assumed": ", ".join(r["assumed"]),
            "": r["why_not"],
        }
        for r in records(found.hours)
    ]
    return Table("Readiness claimed: hours, days and aircraft", rows, READINESS_NOTES)


def _materiel(found: Awareness) -> Table:
    rows = [
        {
            "actor": r["actor_id"],
            "materiel": r["materiel_id"],
            "to": r["as_of"],
            "episodes": r["episodes"],
            "used a year": _rounded(r["use"]),
            "bought a year": _rounded(r["bought"]),
            "stock": _rounded(r["stock"]),
            "share of stock (5-95%)": _share(r),
            "12 months take": f"{r['drawn_mean']:,.0f} (0 to {r['drawn_high']:,.0f})",
            "": r["why_not"],
        }
        for r in records(found.materiel)
    ]
    return Table("Readiness claimed: weapons used in fights that no study holds", rows, MATERIEL_NOTES)


def _share(row: Mapping[str, Any]) -> str | None:
    if row["share"] is None:
        return None
    return f"{row['share']:.1%} ({row['share_low']:.1%} to {row['share_high']:.1%})"


def _exercises(found: Awareness) -> Table:
    held = found.exercise_rows[~found.exercise_rows["planned"]]
    rows = []
    for (year, theater, side), part in _recent(held).groupby(["year", "theater_id", "side"], sort=True):
        share = None if theater == exercises.ELSEWHERE else _rounded(float(part["cross_theater"].mean()))
        actors = len({a for of in part["participants"] for a in of})
        rows.append(
            {
                "year": int(year),
                "theater": theater,
                "side": side,
                "exercises": len(part),
                "actors": actors,
                "cross-theater": share,
            }
        )
    return Table("Exercises", rows, (exercises.COVERAGE,))


def _statements(found: Awareness) -> Table:
    keyed = found.statements.groupby(["family", "side"], sort=True)[["codings", *statements.LEVELS]].sum()
    rows = [
        {"family": family, "side": side, **{str(k): int(v) for k, v in part.items()}} for (family, side), part in keyed.iterrows()
    ]
    return Table("Statements by family of topic and concreteness, all years", rows, (statements.COVERAGE,))


def _declared(found: Awareness) -> Table:
    rows = []
    for slow, fast in _pairs(records(found.shares)):
        rows.append(
            {
                "group": slow["group"],
                "cells": slow["cells"],
                "items": slow["items"],
                "done": slow["done"],
                "timed": slow["timed"],
                "deeds": slow["events"],
                "of items": slow["event_items"],
                **{f"done in {h}y": _between(slow[f"share_{h}y"], fast[f"share_{h}y"]) for h in (2, 5)},
                "": slow["why_not"] or (None if slow["share_2y"] is not None else f"fewer than {LEAST_AT_RISK} cells watched"),
            }
        )
    note = "From the slow to the fast reading: unknown is not none. Sides and layers were not looked up evenly; do not rank them by this."
    return Table("Declared against done", rows, (note,))


def _pairs(rows: list[dict[str, Any]]) -> Iterable[tuple[dict[str, Any], dict[str, Any]]]:
    fast = {r["group"]: r for r in rows if r["reading"] == "fast"}
    return ((r, fast[r["group"]]) for r in rows if r["reading"] == "slow")


def _between(slow: float | None, fast: float | None) -> str | None:
    if slow is None and fast is None:
        return None
    return " to ".join("?" if v is None else f"{v:.2f}" for v in (slow, fast))


def _recent(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["year"] > frame["year"].max() - SHOWN_YEARS] if len(frame) else frame


def _three(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("low", "mode", "high")}


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")
