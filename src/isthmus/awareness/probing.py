"""Pressure below the threshold, attacks, and the readiness they consume: points of every series, with the breaks of its counting.

Points come from the register (`probing`, and the monthly attack counts of `observations`) and, where the user has them, from the
daily files of Taiwan's and Japan's ministries and of the attacks on Ukraine. Counts of one period by several counters stand
side by side; no series joins two counters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from isthmus.awareness.periods import DAYS_PER_MONTH, Period, first_day, last_day, month_period, parse_period
from isthmus.awareness.series import LevelBreak, breaks_of, segment_of
from isthmus.errors import InputError, Problem

if TYPE_CHECKING:
    import pandas as pd

    from isthmus.register.register import Register

POINT_COLUMNS: Final = (
    "series_id",
    "actor_id",
    "target_id",
    "theater_id",
    "activity",
    "unit",
    "role",
    "period_from",
    "period_to",
    "months",
    "monthly",
    "count",
    "per_month",
    "days_stated",
    "complete",
    "segment",
    "origin",
    "source_id",
    "confidence",
    "note",
    "kind",
    "fact_id",
)
SERIES_COLUMNS: Final = ("series_id", "activity", "unit", "role", "points", "period_from", "period_to", "breaks")

RESPONSES: Final = frozenset(("scrambles", "scrambles_total", "scrambles_baltic", "drone_responses", "response_sorties"))
"""Activities that the target's forces fly in answer: readiness of the target. Patrols and naval days spend that of the actor."""

PATROLS: Final = "patrol_days"

FEWEST_DAYS: Final = 10
"""A month of a daily series with fewer days stated is shown and enters no trend."""

FEWEST_SHARE: Final = 2 / 3
"""A month of which less than this lies inside the file (its first, its last, or the month of `--at`) enters no trend."""

TAIWAN_FILE: Final = "JapanandBattleship.csv"
ATTACKS_FILE: Final = "missile_attacks_daily.csv"
_METRICS: Final = ("launched", "destroyed", "not_reach_goal")
_CLAIM: Final = "Claim of the Ukrainian Air Force."
_NONE_CLAIMED: Final = "No attack of this type claimed in the month."


def points(register: Register, data: Path | None = None) -> pd.DataFrame:
    """Every point of every series up to the register's date; columns `POINT_COLUMNS`, by series and period.

    `per_month`: count per month of equal length (365.25/12 days), so that a year, a quarter and a month can be drawn together;
    blank for longest runs. A series read from `data` takes the place of the register's of the same id.
    Raises `InputError` for a folder without any of the files, or a file that its reader refuses.
    """
    import pandas as pd

    theaters = register.table("actors").set_index("actor_id")["home_theater"].to_dict()
    theaters = {actor: theater for actor, theater in theaters.items() if isinstance(theater, str)}
    rows = [*_register_rows(register), *_observed_rows(register, theaters)]
    if data is not None:
        at = first_day(register.date) if register.date else None
        brought = list(_file_rows(data, at, theaters))
        ids = {row["series_id"] for row in brought}
        rows = [row for row in rows if row["series_id"] not in ids] + brought
    frame = pd.DataFrame(rows, columns=list(POINT_COLUMNS))
    frame = frame.astype({"segment": "Int64", "days_stated": "Int64", "complete": bool, "monthly": bool})
    return frame.sort_values(["series_id", "period_from", "period_to", "source_id"], ignore_index=True)


def series(found: pd.DataFrame) -> pd.DataFrame:
    """One row a series: what it counts, how many points, from when to when, and every break of its counting (list of dicts)."""
    import pandas as pd

    rows = []
    for series_id, part in found.groupby("series_id", sort=True):
        first = part.iloc[0]
        marks = [b.as_dict() for b in breaks_of(first["target_id"], first["activity"])]
        dates = (part["period_from"].min(), part["period_to"].max())
        rows.append((series_id, first["activity"], first["unit"], first["role"], len(part), *dates, marks))
    return pd.DataFrame(rows, columns=list(SERIES_COLUMNS))


def readiness(found: pd.DataFrame) -> pd.DataFrame:
    """Points that cost readiness: scrambles (of the target, who flies them) and patrols (of the actor); `spent_by` says whose."""
    kept = found[(found["role"] == "response") | found["activity"].str.startswith(PATROLS)].copy()
    kept.insert(1, "spent_by", kept["target_id"].where(kept["role"] == "response", kept["actor_id"]))
    return kept.reset_index(drop=True)


def _point(actor: str, target: str, activity: str, unit: str, period: Period, count: float, **more: Any) -> dict[str, Any]:
    breaks: Sequence[LevelBreak] = breaks_of(target, activity)
    consecutive = activity.endswith("_consecutive")  # a longest run is no sum over a period
    row = {
        "series_id": f"{actor}>{target}|{activity}|{unit}",
        "actor_id": actor,
        "target_id": target,
        "activity": activity,
        "unit": unit,
        "role": "response" if activity in RESPONSES else "attack" if "." in activity else "pressure",
        "period_from": period.first.isoformat(),
        "period_to": period.last.isoformat(),
        "months": period.months,
        "monthly": period.first.day == 1 and (period.first.year, period.first.month) == (period.last.year, period.last.month),
        "count": count,
        "per_month": None if consecutive else count / period.months,
        "complete": True,
        "segment": segment_of(period, breaks),
    }
    return dict.fromkeys(POINT_COLUMNS) | row | more


def _register_rows(register: Register) -> Iterable[dict[str, Any]]:
    at = first_day(register.date) if register.date else None
    for row in register.table("probing").to_dict("records"):
        period = parse_period(row["period"], counted_by=row["target_id"])
        if period is None or (at is not None and period.last > at):  # a period not over was not counted yet
            continue
        more = {c: row[c] for c in ("theater_id", "source_id", "confidence", "note", "kind", "fact_id")} | {"origin": "register"}
        yield _point(row["actor_id"], row["target_id"], row["activity"], row["unit"], period, row["count"], **more)


def _observed_rows(register: Register, theaters: dict[str, str]) -> Iterable[dict[str, Any]]:
    """Monthly attack counts of the air-defence case. The set behind them begins and ends inside a month: those two enter no trend.

    A month inside a series of launches without a row is 0: nobody claimed one (see :func:`_attack_rows`).
    """
    table = register.table("observations")
    chosen = table[(table["case"] == "air_defence") & table["metric"].isin(_METRICS) & table["actor"].isin(("RUS", "UKR"))]
    chosen = chosen[chosen["mode"].notna() & chosen["subject"].notna()]
    chosen = chosen[chosen["period_start"].str[:7] == chosen["period_end"].str[:7]]
    at = first_day(register.date) if register.date else None
    if at is not None:
        chosen = chosen.loc[[last_day(d) <= at for d in chosen["period_end"]]]
    if chosen.empty:
        return
    ends = (min(chosen["period_start"])[:7], max(chosen["period_start"])[:7])
    for (metric, subject), part in chosen.groupby(["metric", "subject"], sort=True):
        stated = {row["period_start"][:7]: row for row in part.to_dict("records")}
        last = ends[1] if metric == "launched" and len(stated) > 1 else max(stated)
        for month in _every_month(min(stated), last):
            row = stated.get(month)
            if row is None and metric != "launched":
                continue
            columns = ("source_id", "confidence", "note", "kind", "fact_id")
            more = {c: row[c] for c in columns} if row else {"note": _NONE_CLAIMED}
            yield _point(
                "RUS",
                "UKR",
                f"{metric}.{subject}",
                "weapons",
                month_period(month),
                row["mode"] if row else 0.0,
                theater_id=theaters.get("UKR"),
                complete=month not in ends,
                origin="register",
                **more,
            )


def _file_rows(folder: Path, at: date | None, theaters: dict[str, str]) -> Iterable[dict[str, Any]]:
    """Points of the daily files in a folder, or in folders directly inside it, up to a day."""
    taiwan, attacks = (_find(folder, name) for name in (TAIWAN_FILE, ATTACKS_FILE))
    if taiwan is None and attacks is None:
        _refuse(folder, "none of the files", f"{TAIWAN_FILE}, {ATTACKS_FILE}, or folders that hold them", "no data set to read")
    if taiwan is not None:
        from isthmus.register.importers.pla import read_pla

        activity = read_pla(taiwan)
        yield from _taiwan_rows(activity.taiwan, at, theaters.get("TWN"))
        yield from _japan_rows(activity.japan, at, theaters.get("JPN"))
    if attacks is not None:
        from isthmus.register.importers.missiles import read_daily

        yield from _attack_rows(read_daily(attacks), at, theaters.get("UKR"))


def holds_daily(folder: Path) -> bool:
    """Whether a folder, or one directly inside it, has a daily file that :func:`points` reads."""
    places = [folder, *folder.iterdir()] if folder.is_dir() else []
    return any((place / name).is_file() for place in places for name in (TAIWAN_FILE, ATTACKS_FILE))


def _find(folder: Path, name: str) -> Path | None:
    if not folder.is_dir():
        found = "no such folder" if not folder.exists() else "a file"
        _refuse(folder, found, "a folder with the files of the data sets", "not a folder")
    places = [folder, *sorted(p for p in folder.iterdir() if p.is_dir())]
    held = [p / name for p in places if (p / name).is_file()]
    if len(held) > 1:
        _refuse(folder, ", ".join(str(p.relative_to(folder)) for p in held), f"one {name}", "more than one file fits")
    return held[0] if held else None


def _refuse(folder: Path, found: str, allowed: str, message: str) -> None:
    raise InputError([Problem(str(folder), None, "--data", found, allowed, message)])


def _taiwan_rows(daily: pd.DataFrame, at: date | None, theater: str | None) -> Iterable[dict[str, Any]]:
    """Aircraft and vessels that Taiwan's ministry reports, by month.

    From the level break on a day is stated or not, so a month's rate is the mean of the days stated. Before it the reports name days
    with entries only, so a month's rate spreads what was stated over all its days: a lower bound.
    """
    daily = _until(daily, "date", at)
    for column, activity, unit in (("aircraft", "aircraft_reported", "sorties"), ("vessels", "vessels_reported", "ships")):
        stated = daily.dropna(subset=[column])
        if stated.empty:
            continue
        end = max(stated["date"].dt.date)
        for (month, count_name), part in stated.groupby([stated["date"].dt.strftime("%Y-%m"), "series"], sort=True):
            whole = month_period(month)
            period = Period(whole.first, min(whole.last, end))
            total, days = float(part[column].sum()), len(part)
            every_day = count_name != "to_2022_07"
            yield _point(
                "CHN",
                "TWN",
                activity,
                unit,
                period,
                total,
                theater_id=theater,
                monthly=True,
                per_month=total / (days if every_day else period.days) * DAYS_PER_MONTH,
                days_stated=days,
                complete=days >= FEWEST_DAYS and period.days >= FEWEST_SHARE * whole.days,
                origin="data: pla",
                confidence="A",
                note="All that the ministry detects." if every_day else "Days with a report only.",
            )


def _japan_rows(daily: pd.DataFrame, at: date | None, theater: str | None) -> Iterable[dict[str, Any]]:
    """Days of a month on which Japan's Joint Staff reports activity, of any nation: the file does not name it in every row."""
    daily = _until(daily, "date", at)
    if daily.empty:
        return
    months = daily.groupby(daily["date"].dt.strftime("%Y-%m")).size().to_dict()
    end = max(daily["date"].dt.date)
    for month in _every_month(min(months), max(months)):
        whole = month_period(month)
        period = Period(whole.first, min(whole.last, end))
        more = {"theater_id": theater, "monthly": True, "complete": period.days >= FEWEST_SHARE * whole.days}
        note = "Reports of the Joint Staff on ships and aircraft of any nation, as one collector filed them."
        count = float(months.get(month, 0))
        yield _point(
            "WLD", "JPN", "days_with_staff_report", "days", period, count, origin="data: pla", confidence="A", note=note, **more
        )


def _attack_rows(daily: pd.DataFrame, at: date | None, theater: str | None) -> Iterable[dict[str, Any]]:
    """Weapons launched, destroyed and lost on the way, by month and type group. A blank outcome is not stated and gives no point.

    A month inside a series without any attack of the type is 0 launched: nobody claimed one.
    """
    daily = _until(daily, "end", at)
    if daily.empty:
        return
    first, end = min(daily["start"].dt.date), max(daily["start"].dt.date)
    for group, part in daily.groupby("type_group", sort=True):
        for metric in _METRICS:
            by_month = part.groupby("month")[metric].sum(min_count=1).dropna().to_dict()
            if not by_month:
                continue
            last = end.isoformat()[:7] if metric == "launched" else max(by_month)
            for month in _every_month(min(by_month), last):
                if month not in by_month and metric != "launched":
                    continue
                whole = month_period(month)
                period = Period(max(whole.first, first), min(whole.last, end))
                yield _point(
                    "RUS",
                    "UKR",
                    f"{metric}.{group}",
                    "weapons",
                    period,
                    float(by_month.get(month, 0.0)),
                    theater_id=theater,
                    monthly=True,
                    complete=period.days >= FEWEST_SHARE * whole.days,
                    origin="data: missiles",
                    confidence="C",
                    note=_CLAIM if month in by_month else _NONE_CLAIMED,
                )


def _until(frame: pd.DataFrame, column: str, at: date | None) -> pd.DataFrame:
    """Rows of days up to and including `at`."""
    return frame if at is None else frame[frame[column].dt.date <= at]


def _every_month(first: str, last: str) -> Iterable[str]:
    year, month = int(first[:4]), int(first[5:])
    while f"{year:04d}-{month:02d}" <= last:
        yield f"{year:04d}-{month:02d}"
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
