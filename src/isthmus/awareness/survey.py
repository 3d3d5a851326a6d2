"""Everything that `isthmus awareness` shows, as frames and as one document."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from isthmus.awareness import declared, exercises, flows, probing, statements
from isthmus.awareness.readiness import hour_claims, materiel_claims
from isthmus.awareness.series import changes, trends

if TYPE_CHECKING:
    import pandas as pd

    from isthmus.register.register import Register

NO_CAUSE: Final = "Described, not explained: no figure here says why a series moved."


@dataclass(frozen=True, eq=False)
class Awareness:
    """One picture at a date. Each frame's columns are named where its function is; numbers keep the unit of the series."""

    date: str | None
    """The date asked for; None: everything in the register."""
    register_hash: str
    claims: pd.DataFrame
    """`flows.claims`: every stated flow among the rivals."""
    bands: pd.DataFrame
    """`flows.bands`: what had arrived in all, low, mode and high, at each date at which a claim ends."""
    contradictions: pd.DataFrame
    """`flows.contradictions`."""
    points: pd.DataFrame
    """`probing.points`: pressure, responses and attacks."""
    series: pd.DataFrame
    """`probing.series`, each with its breaks."""
    trends: pd.DataFrame
    """`series.trends`, by segment between breaks."""
    changes: pd.DataFrame
    """`series.changes`."""
    readiness: pd.DataFrame
    """`probing.readiness`."""
    hours: pd.DataFrame
    """`readiness.hour_claims`: share of hours, days and aircraft that each mission takes."""
    materiel: pd.DataFrame
    """`readiness.materiel_claims`: weapons used in fights that no study holds, against stocks and purchases."""
    exercise_rows: pd.DataFrame
    exercises: pd.DataFrame
    """`exercises.by_year`."""
    statement_rows: pd.DataFrame
    statements: pd.DataFrame
    """`statements.by_topic`."""
    cells: pd.DataFrame
    """`declared.cells`: actors and items that were declared."""
    shares: pd.DataFrame
    curves: pd.DataFrame
    """`declared.shares`."""

    def document(self) -> dict[str, Any]:
        """The picture as one JSON document; its form is in docs/reference/commands.md."""
        spent = set(self.readiness["series_id"])
        return {
            "date": self.date,
            "register": self.register_hash[:16],
            "note": NO_CAUSE,
            "flows": {
                "bands": records(self.bands),
                "claims": records(self.claims),
                "contradictions": records(self.contradictions),
            },
            "probing": {
                "series": records(self.series),
                "points": records(self.points),
                "trends": records(self.trends),
                "changes": records(self.changes),
            },
            "readiness": {
                "series": records(self.series[self.series["series_id"].isin(spent)]),
                "points": records(self.readiness),
                "hours": records(self.hours),
                "materiel": records(self.materiel),
            },
            "exercises": {
                "coverage": exercises.COVERAGE,
                "by_year": records(self.exercises),
                "rows": records(self.exercise_rows),
            },
            "statements": {
                "coverage": statements.COVERAGE,
                "by_topic": records(self.statements),
                "rows": records(self.statement_rows),
            },
            "declared_to_done": {
                "shares": records(self.shares),
                "curves": records(self.curves),
                "cells": records(self.cells),
            },
        }


def survey(register: Register, at: str | None = None, data: Path | None = None) -> Awareness:
    """The picture at a date, with the daily files under `data` where given. `register` is the whole one, not its view at a date.

    Raises `InputError` for a bad date, a folder without the files, or a file that its reader refuses.
    """
    view = register if at is None else register.at(at)
    claimed = flows.claims(view)
    points = probing.points(view, data)
    held = exercises.exercise_rows(view)
    said = statements.statement_rows(register, at)
    found = declared.cells(view)
    shares, curves = declared.shares(found)
    return Awareness(
        date=at,
        register_hash=register.hash,
        claims=claimed,
        bands=flows.bands(claimed),
        contradictions=flows.contradictions(claimed),
        points=points,
        series=probing.series(points),
        trends=trends(points),
        changes=changes(points),
        readiness=probing.readiness(points),
        hours=hour_claims(view),
        materiel=materiel_claims(view),
        exercise_rows=held,
        exercises=exercises.by_year(held),
        statement_rows=said,
        statements=statements.by_topic(said),
        cells=found,
        shares=shares,
        curves=curves,
    )


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a frame with None where a value is missing."""
    return [{str(k): _plain(v) for k, v in row.items()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    import pandas as pd

    if isinstance(value, list | dict):
        return value
    if value is None or value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value.item() if hasattr(value, "item") else value


LONG_COLUMNS: Final = (
    "section",
    "series",
    "period_from",
    "period_to",
    "measure",
    "low",
    "mode",
    "high",
    "unit",
    "n",
    "break",
    "source_id",
    "note",
)


def long_rows(found: Awareness) -> list[dict[str, Any]]:
    """Every figure in one table, for CSV: `LONG_COLUMNS`. A break of counting stands in its own rows, measure 'level_break'."""
    return [{**dict.fromkeys(LONG_COLUMNS), **row} for row in _long(found)]


def _long(found: Awareness) -> Iterable[dict[str, Any]]:
    for row in records(found.bands):
        yield (
            {"section": "flows", "series": row["series_id"], "period_to": row["date"], "measure": "cumulative_band"}
            | _range(row)
            | {"n": row["claims"]}
        )
    for row in records(found.claims):
        yield (
            {"section": "flows", "series": row["series_id"], "measure": f"claim_{row['status']}_{row['measure']}"}
            | _range(row)
            | {c: row[c] for c in ("period_from", "period_to", "source_id", "note")}
        )
    for row in records(found.points):
        yield (
            {"section": "probing", "series": row["series_id"], "measure": row["role"], "mode": row["count"], "unit": row["unit"]}
            | {c: row[c] for c in ("period_from", "period_to", "source_id", "note")}
            | {"n": row["days_stated"]}
        )
    for row in records(found.series):
        for mark in row["breaks"]:
            yield {"section": "probing", "series": row["series_id"], "measure": "level_break", "break": mark["name"]} | {
                "period_from": mark["first"],
                "period_to": mark["resumes"],
                "note": mark["what"],
            }
    for row in records(found.trends):
        yield (
            {"section": "probing", "series": row["series_id"], "measure": "trend_per_year", "mode": row["slope_per_year"]}
            | {c: row[c] for c in ("period_from", "period_to", "low", "high", "n")}
            | {"note": row["why_not"]}
        )
    for row in records(found.changes):
        yield {"section": "probing", "series": row["series_id"], "measure": "change_ratio", "mode": row["ratio"]} | {
            "period_from": row["period_from"]
        }
    for row in records(found.hours):
        name = f"{row['actor_id']}|{row['resource']}|{row['mission']}"
        for measure, unit in (("consumed", row["unit"]), ("capacity", row["unit"]), ("share", "share")):
            yield {"section": "readiness", "series": name, "measure": measure, "unit": unit, "note": row["why_not"]} | _middle(
                row, measure
            )
    for row in records(found.materiel):
        name = f"{row['actor_id']}|{row['materiel_id']}"
        for measure, unit in (("use", "units/year"), ("bought", "units/year"), ("stock", "units"), ("share", "share")):
            yield (
                {"section": "readiness", "series": name, "measure": measure, "unit": unit, "note": row["why_not"]}
                | _middle(row, measure)
                | {"n": row["episodes"]}
            )
    for row in records(found.exercises):
        name = ".".join((row["theater_id"], row["side"], row["exercise_kind"]))
        yield _counted("exercises", name, row["year"], "exercises", row["exercises"], row["participants_distinct"])
    for row in records(found.statements):
        for level in statements.LEVELS:
            yield _counted("statements", f"{row['side']}.{row['topic']}", row["year"], level, row[level], row["statements"])
    for row in records(found.curves):
        yield {
            "section": "declared_to_done",
            "series": f"{row['group']}.{row['reading']}",
            "measure": f"share_done_{row['years']:.2f}y",
        } | {
            "low": row["low"],
            "mode": row["share_done"],
            "high": row["high"],
            "n": row["at_risk"],
        }


def _range(row: Mapping[str, Any]) -> dict[str, Any]:
    return {c: row[c] for c in ("low", "mode", "high", "unit")}


def _middle(row: Mapping[str, Any], measure: str) -> dict[str, Any]:
    return {"low": row[f"{measure}_low"], "mode": row[measure], "high": row[f"{measure}_high"], "period_to": row["as_of"]}


def _counted(section: str, name: str, year: int, measure: str, count: int, n: int) -> dict[str, Any]:
    period = {"period_from": f"{year}-01-01", "period_to": f"{year}-12-31"}
    return {"section": section, "series": name, "measure": measure, "mode": count, "n": n, **period}
