"""Exercises by theater, side, kind and year: how many, by how many actors, and how many joined the two theaters.

The register looked for exercises unevenly: by name, more for recent years and for the Indo-Pacific. A rise from one year to the next
may be a rise in looking. Shares inside a year and side are firmer than counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from isthmus.awareness.periods import first_day

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from isthmus.register.register import Register

ELSEWHERE: Final = "elsewhere"
PLANNED: Final = "(planned)"
COVERAGE: Final = (
    "Exercises were looked for by name, unevenly: recent years and the Indo-Pacific more than the rest. Counts of different years or "
    "sides do not show who exercises more."
)
COLUMNS: Final = (
    "year",
    "theater_id",
    "side",
    "exercise_kind",
    "exercises",
    "planned",
    "participants_median",
    "participants_distinct",
    "cross_theater",
    "cross_theater_share",
)


def exercise_rows(register: Register) -> pd.DataFrame:
    """One row an exercise: exercise_id, name, year, theater_id ('elsewhere' where blank), side, kind, planned, participants, cross_theater.

    side: of its participants that are allied or rival; mixed where both take part, neutral where neither does. cross_theater: an actor
    of one of the two sides whose home is another theater takes part in a theater. Actors without a home theater, the hub among
    them, never make an exercise cross. At a date: exercises of that year count only if their row refers to a day before it.
    """
    import pandas as pd

    actors = register.table("actors").set_index("actor_id")
    sides, homes = actors["side"].to_dict(), actors["home_theater"].to_dict()
    rows = [_row(row, sides, homes) for row in register.table("exercises").to_dict("records") if _held_by(row, register.date)]
    names = ("exercise_id", "name", "year", "theater_id", "side", "exercise_kind", "planned", "participants", "cross_theater")
    return pd.DataFrame(rows, columns=[*names, "source_id", "fact_id"]).astype({"planned": bool, "cross_theater": bool})


def by_year(rows: pd.DataFrame) -> pd.DataFrame:
    """Counts by year, theater, side and kind; columns `COLUMNS`. Planned exercises are counted apart, and in nothing else.

    `cross_theater_share` is of the exercises held in a theater; blank where there is none.
    """
    import pandas as pd

    out = []
    for key, part in rows.groupby(["year", "theater_id", "side", "exercise_kind"], sort=True):
        held = part[~part["planned"]]
        sizes = [len(p) for p in held["participants"]]
        in_theater = key[1] != ELSEWHERE and len(held) > 0
        crossing = int(held["cross_theater"].sum())
        out.append(
            (
                *key,
                len(held),
                int(part["planned"].sum()),
                float(pd.Series(sizes).median()) if sizes else None,
                len({a for p in held["participants"] for a in p}),
                crossing,
                crossing / len(held) if in_theater else None,
            )
        )
    return pd.DataFrame(out, columns=list(COLUMNS))


def _row(row: Mapping[Any, Any], sides: Mapping[str, str], homes: Mapping[str, Any]) -> dict[str, Any]:
    participants = sorted({one.strip() for one in row["participants"].split(";") if one.strip()})
    found = {sides[a] for a in participants} & {"allied", "rival"}
    theater = row["theater_id"] or ELSEWHERE
    away = [a for a in participants if sides[a] in found and isinstance(homes[a], str) and homes[a] != theater]
    kind = str(row["exercise_kind"])
    return {
        "exercise_id": row["exercise_id"],
        "name": row["name"],
        "year": row["year"],
        "theater_id": theater,
        "side": "mixed" if len(found) > 1 else next(iter(found), "neutral"),
        "exercise_kind": kind.removesuffix(PLANNED).strip(),
        "planned": kind.endswith(PLANNED),
        "participants": participants,
        "cross_theater": theater != ELSEWHERE and bool(away),
        "source_id": row["source_id"],
        "fact_id": row["fact_id"],
    }


def _held_by(row: Mapping[Any, Any], at: str | None) -> bool:
    if at is None:
        return True
    day = first_day(at)
    return bool(row["year"] < day.year or (row["year"] == day.year and row["as_of"] and first_day(row["as_of"]) <= day))
