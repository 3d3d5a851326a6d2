"""Observed rates of a war: from the register's table `observations`, or from a file of the user, and which of them are scored.

A row is scored where it gives one number of its own. Bounds, ranges without a central value, quotients of levels that are rows
themselves, rows across the end of the fit window, local rows and repeats are not: each keeps the reason. Rows of the register
carry their role, event, speaker and episode, given by hand with the reason in their note; rows of a user's file get theirs by
the rules below (docs/reference/validation.md), unless the register holds the same row (metric, actor, period and address),
whose role then stands.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import pandas as pd

from isthmus.errors import InputError, Problem
from isthmus.register.csvfile import Cells, closest, quoted, read_cells
from isthmus.register.register import Register

Form = Literal["artillery", "air_defence"]
Role = Literal["input", "fit", "held", "not_scored"]

FIT_END: Final = date(2023, 10, 31)
"""Last day of the fit window of the artillery case: every choice was made on rows that end by then."""

EPISODES: Final[tuple[tuple[date, str], ...]] = (
    (date(2022, 2, 24), "opening_2022"),
    (date(2022, 4, 9), "donbas_2022"),
    (date(2022, 9, 1), "autumn_2022"),
    (date(2023, 1, 1), "winter_2023"),
    (date(2023, 6, 1), "summer_2023"),
    (date(2023, 11, 1), "winter_2024"),
    (date(2024, 6, 1), "recovery_2024"),
)
"""First day and name of each phase of the war; from 2025 on every half year is one."""

WIDEST_RANGE: Final = 2.0
"""High over low up to which a range without a central value counts as one number: its geometric mean."""

_COMMON = (
    "metric",
    "actor",
    "period_start",
    "period_end",
    "low",
    "mode",
    "high",
    "unit",
    "source_url",
    "source_title",
    "confidence",
    "role",
)
COLUMNS: Final[dict[Form, tuple[str, ...]]] = {
    "artillery": (*_COMMON, "basis", "note"),
    "air_defence": (*_COMMON[:2], "type_group", *_COMMON[2:], "partial_month", "n_attack_rows", "note"),
}
"""Columns of a user's file; further ones are passed over."""

FIRE: Final[dict[str, tuple[str, ...]]] = {
    "fire_rate": ("rounds/day", "rounds/week", "rounds/month", "rounds/year"),
    "monthly_fire_total": ("rounds/month", "rounds"),
    "monthly_fire_155mm": ("rounds/month", "rounds"),
    "annual_fire_total": ("rounds", "rounds/year"),
    "fire_ratio_rus_per_ukr": ("ratio",),
    "shell_hunger_flag": ("0/1",),
}
"""Metrics of fire that the artillery model speaks to, with their units."""

_SCORED_ROLES = ("obs", "held", "hold", "fit", "test")
ROLES_ALLOWED: Final = "input, not_scored, or a role that begins with obs, held, hold, fit or test"
"""What a user's file may say in `role`."""

_ACTORS = {"fire_ratio_rus_per_ukr": ("RUS:UKR",)}
_SIDES = ("RUS", "UKR")
_PER_WEEK = {"rounds/day": 7.0, "rounds/week": 1.0, "rounds/month": 7 / 30.4375, "rounds/year": 7 / 365.25}
_BOUND_WORDS = re.compile(
    r"\b(up to|at least|more than|less than|no more than|as many as|as much as|high point|ceiling|projection|projected)\b", re.I
)
_LOCAL_WORDS = re.compile(
    r"\b(some areas|in places|locally|sector|axis|section of the front|brigade"
    r"|(?:in|at|near|around) (?:the )?(?:Donbas|Bakhmut|Avdiivka|Pokrovsk|Toretsk|Kharkiv|Kursk|Kherson|Zaporizh\w*))\b",
    re.I,
)
_SAID_BY = re.compile(r"(?:\b(?:19|20)\d\d(?:-\d\d(?:-\d\d)?)?|\bciting [^:]+): +(?:the )?(\w[\w'’-]*)", re.I)


@dataclass(frozen=True)
class Observation:
    """One row. Numbers are in `unit`; None is "not stated"."""

    observation_id: str
    metric: str
    actor: str
    """RUS, UKR or RUS:UKR in the artillery case."""
    subject: str | None
    """Calibre, or type of missile as the source counts it."""
    start: date
    end: date
    low: float | None
    mode: float | None
    high: float | None
    unit: str
    basis: str | None
    role: Role
    event: str | None
    speaker: str | None
    episode: str | None
    source: str
    """source_id of the register, or the address in a user's file."""
    confidence: str | None
    note: str
    """For a row that is not scored: why."""
    partial: bool = False
    """The period is not covered whole (air defence)."""

    @property
    def middle(self) -> date:
        return self.start + (self.end - self.start) / 2

    @property
    def central(self) -> float | None:
        """The one number of the row in its unit: its mode, or the geometric mean of a narrow range; None where it has none."""
        if self.mode is not None:
            return self.mode
        if self.low and self.high and self.high <= WIDEST_RANGE * self.low:
            return math.sqrt(self.low * self.high)
        return None

    def weekly(self) -> float:
        """Rounds a week of a row of fire, or the ratio itself.

        Raises:
            ValueError: where the row has no central value or its unit is no rate of fire.
        """
        value = self.central
        if value is None:
            raise ValueError(f"{self.observation_id} has no central value")
        if self.unit == "ratio":
            return value
        if self.unit == "rounds":
            return value * 7 / ((self.end - self.start).days + 1)
        if self.unit not in _PER_WEEK:
            raise ValueError(f"{self.observation_id}: {self.unit} is no rate of fire")
        return value * _PER_WEEK[self.unit]


@dataclass(frozen=True)
class ObservationFile:
    """A user's file of observations."""

    form: Form
    path: Path
    rows: tuple[Observation, ...]

    @property
    def scored(self) -> tuple[Observation, ...]:
        """Rows that are scored without having been fitted."""
        return tuple(row for row in self.rows if row.role == "held")


def is_scored(role: str) -> bool:
    """Whether a user's row of this role is an observation."""
    return role.startswith(_SCORED_ROLES)


def episode(day: date) -> str:
    """Name of the phase of the war in which a day lies; a day before the war counts to the first."""
    if day.year >= 2025:
        return f"{day.year}_h{1 if day.month <= 6 else 2}"
    return next((name for first, name in reversed(EPISODES) if first <= day), EPISODES[0][1])


def register_observations(register: Register, case: str) -> tuple[Observation, ...]:
    """Rows of one case of the register's table `observations`, in file order. Raises `InputError` for a date that is not a day."""
    frame = register.table("observations")
    rows, problems = [], []
    for number, row in enumerate(frame.loc[frame["case"] == case].to_dict("records"), 1):
        days: dict[str, date] = {}
        for column in ("period_start", "period_end"):
            try:
                days[column] = date.fromisoformat(str(row[column]))
            except ValueError:
                problems.append(
                    Problem("observations.csv", number, column, quoted(str(row[column])), "a day YYYY-MM-DD", "not a day")
                )
        if len(days) < 2:
            continue
        rows.append(
            Observation(
                observation_id=str(row["observation_id"]),
                metric=str(row["metric"]),
                actor=str(row["actor"]),
                subject=_text(row["subject"]),
                start=days["period_start"],
                end=days["period_end"],
                low=_number(row["low"]),
                mode=_number(row["mode"]),
                high=_number(row["high"]),
                unit=str(row["unit"]),
                basis=_text(row["basis"]),
                role=row["role"],
                event=_text(row["event"]),
                speaker=_text(row["speaker"]),
                episode=_text(row["episode"]),
                source=str(row["source_id"]),
                confidence=_text(row["confidence"]),
                note=_text(row["note"]) or "",
            )
        )
    if problems:
        raise InputError(problems)
    return tuple(rows)


def read_observations(path: Path, register: Register | None = None) -> ObservationFile:
    """Read a user's file in the form of the artillery or the air defence case; the header decides which.

    Args:
        path: CSV in UTF-8 with the columns of `COLUMNS`.
        register: where given, a row that it holds too keeps the role, event, speaker and episode that it has there.

    Raises:
        InputError: with every problem of the file.
    """
    label = str(path)
    form = _form(path)
    cells = read_cells(path, label, COLUMNS[form])
    problems = [p for p in cells.problems if p.message != "unknown column"]
    rows = _typed(cells, form, label, problems) if set(COLUMNS[form]) <= set(cells.columns) else []
    if not problems and not rows:
        problems.append(Problem(label, None, None, "no rows", "at least one observation", "the file holds no observation"))
    if problems:
        raise InputError(problems)
    if form == "artillery":
        rows = _judged(rows, _known(register) if register is not None else {})
    return ObservationFile(form, path, tuple(rows))


def _form(path: Path) -> Form:
    try:
        with path.open(encoding="utf-8-sig") as file:
            header = file.readline()
    except (OSError, UnicodeDecodeError):
        return "artillery"
    return "air_defence" if "type_group" in header else "artillery"


def _text(value: object) -> str | None:
    return None if value is None or value != value or value == "" else str(value)


def _number(value: object) -> float | None:
    return None if value is None or pd.isna(value) else float(str(value))


def _typed(cells: Cells, form: Form, label: str, problems: list[Problem]) -> list[Observation]:
    rows = []
    for number, row in cells.rows:
        before = len(problems)
        start, end = (_day(row[c], label, number, c, problems) for c in ("period_start", "period_end"))
        if start and end and end < start:
            problems.append(
                Problem(
                    label,
                    number,
                    "period_end",
                    f"{start} to {end}",
                    "period_start <= period_end",
                    "the period ends before it starts",
                )
            )
        low, mode, high = (_value(row[c], label, number, c, problems) for c in ("low", "mode", "high"))
        given = [v for v in (low, mode, high) if v is not None]
        if given != sorted(given):
            found = ", ".join(f"{v:g}" for v in given)
            problems.append(Problem(label, number, "low, mode, high", found, "low <= mode <= high", "range out of order"))
        for column in ("metric", "actor", "unit"):
            if not row[column]:
                problems.append(Problem(label, number, column, "(blank)", "a value", f"'{column}' is not stated"))
        role = row["role"]
        if role not in ("input", "not_scored") and not is_scored(role):
            problems.append(Problem(label, number, "role", quoted(role), ROLES_ALLOWED, "unknown role"))
        if form == "artillery" and role != "input":
            _check_fire(row, given, label, number, problems)
        if len(problems) > before or start is None or end is None:
            continue
        rows.append(
            Observation(
                observation_id=f"{Path(label).name}:{number}",
                metric=row["metric"],
                actor=row["actor"],
                subject=row.get("type_group") or None,
                start=start,
                end=end,
                low=low,
                mode=mode,
                high=high,
                unit=row["unit"],
                basis=row.get("basis") or None,
                role="input" if role == "input" else "not_scored" if role == "not_scored" else "held",
                event=None,
                speaker=speaker(row["source_title"], row["source_url"]),
                episode=episode(start + (end - start) / 2),
                source=row["source_url"],
                confidence=row["confidence"] or None,
                note=row["note"],
                partial=row.get("partial_month") == "yes",
            )
        )
    return rows


def _check_fire(row: dict[str, str], given: list[float], label: str, number: int, problems: list[Problem]) -> None:
    metric, unit, actor = row["metric"], row["unit"], row["actor"]
    if metric not in FIRE:
        return
    if unit not in FIRE[metric]:
        problems.append(
            Problem(label, number, "unit", quoted(unit), " or ".join(FIRE[metric]) + closest(unit, FIRE[metric]), "unknown unit")
        )
    allowed = _ACTORS.get(metric, _SIDES)
    if actor not in allowed:
        problems.append(Problem(label, number, "actor", quoted(actor), " or ".join(allowed), f"unknown actor for {metric}"))
    if metric == "shell_hunger_flag":
        if given not in ([0.0], [1.0]):
            problems.append(Problem(label, number, "mode", str(given), "0 or 1", "a flag is 0 or 1"))
    elif any(v <= 0 for v in given):
        problems.append(Problem(label, number, "low, mode, high", str(given), "above 0", "a rate of fire is above 0"))


def _day(cell: str, label: str, number: int, column: str, problems: list[Problem]) -> date | None:
    try:
        return date.fromisoformat(cell)
    except ValueError:
        problems.append(Problem(label, number, column, quoted(cell), "a day YYYY-MM-DD", "not a day of the calendar"))
        return None


def _value(cell: str, label: str, number: int, column: str, problems: list[Problem]) -> float | None:
    if cell == "":
        return None
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        problems.append(Problem(label, number, column, quoted(cell), "a number, or blank where not stated", "not a number"))
        return None
    return value


def speaker(title: str, address: str) -> str:
    """Who counted, by rule: the name after the colon that follows a date or "citing …"; else the first word of the title.

    `Censor.net 2024-08-20: Syrskyi on ammunition` gives syrskyi, `RUSI Meatgrinder: Russian Tactics` gives rusi. An untitled page
    counts under its host.
    """
    said = _SAID_BY.search(title)
    words = [w for w in re.findall(r"\w[\w'’.-]*", title) if w.lower() not in ("a", "an", "the")]
    name = said.group(1) if said else words[0] if words else urlsplit(address).netloc
    return re.sub(r"[^\w]+", "_", name.lower()).strip("_") or "unknown"


def _known(register: Register) -> dict[tuple[str, str, date, date, str], Observation]:
    sources = register.table("sources")
    address = dict(zip(sources["source_id"], sources["url"], strict=True))
    return {
        (row.metric, row.actor, row.start, row.end, _bare(address.get(row.source, ""))): row
        for row in register_observations(register, "artillery")
    }


def _bare(address: str) -> str:
    return re.sub(r"^https?://(www\.)?", "", address.lower()).rstrip("/")


def _judged(rows: Iterable[Observation], known: dict[tuple[str, str, date, date, str], Observation]) -> list[Observation]:
    """Roles of a user's rows: those of the register where it has the row, else by rule."""
    rows = list(rows)
    found: list[Observation] = []
    for row in rows:
        twin = known.get((row.metric, row.actor, row.start, row.end, _bare(row.source)))
        if row.role == "input":
            found.append(row)
        elif twin is not None:
            note = twin.note if twin.role == "not_scored" else row.note
            found.append(replace(row, role=twin.role, event=twin.event, speaker=twin.speaker, episode=twin.episode, note=note))
        else:
            event = f"{row.speaker}_{row.middle:%Y_%m}"
            reason = row.note if row.role == "not_scored" else _unscored(row, rows, found)
            found.append(replace(row, event=event, role="not_scored" if reason else "held", note=reason or row.note))
    return found


def _unscored(row: Observation, rows: list[Observation], before: list[Observation]) -> str | None:
    """Why a row is not scored; None where it is."""
    if row.metric not in FIRE:
        return "Not an outcome of the artillery model."
    if row.start <= FIT_END < row.end:
        return f"Across the end of the fit window ({FIT_END})."
    if row.metric == "shell_hunger_flag":
        return None
    if row.mode is None and row.low is not None and row.high is not None:
        if row.central is None:
            return f"A range without a central value, high over low above {WIDEST_RANGE:g}."
    elif row.mode is None:
        return "A bound: one end only."
    elif (row.low is None) != (row.high is None) and row.mode == (row.high if row.low is None else row.low):
        return "A bound: the value is its own upper or lower end."
    elif row.low is None and row.high is None and _BOUND_WORDS.search(row.note):
        return "A bound, by its note."
    if _LOCAL_WORDS.search(row.note):
        return "Local, by its note."
    if stream(row) is None:
        return "No counting basis that the model knows (narrow, broad, 155 mm, ratio)."
    if row.metric == "fire_ratio_rus_per_ukr":
        sides = {
            r.actor for r in rows if r.actor in _SIDES and r.speaker == row.speaker and r.metric in FIRE and _overlap(r, row)
        }
        if len(sides) == 2:
            return "A quotient of two levels by the same speaker."
    for other in before:
        if other.role != "held" or stream(other) is None or stream(other) != stream(row):
            continue
        same = math.isclose(other.weekly(), row.weekly(), rel_tol=0.01)
        if _overlap(other, row) and (same or other.speaker == row.speaker):
            return f"Repeats {other.observation_id}."
    return None


def _touch(first: Observation, second: Observation) -> bool:
    return first.start <= second.end and second.start <= first.end


def _overlap(first: Observation, second: Observation) -> bool:
    """Whether two periods share more than half of the longer one."""
    day = timedelta(days=1)
    shared = min(first.end, second.end) - max(first.start, second.start) + day
    return 2 * shared > max(first.end - first.start, second.end - second.start) + day


def stream(row: Observation) -> str | None:
    """The quantity of the model that a row of fire observes: RUS.narrow, RUS.broad, UKR.narrow, UKR.broad, UKR.155mm or ratio."""
    basis = (row.basis or "").lower()
    if row.metric == "fire_ratio_rus_per_ukr":
        return "ratio"
    if row.actor not in _SIDES or row.metric not in FIRE or row.metric == "shell_hunger_flag":
        return None
    if row.metric == "monthly_fire_155mm" or basis.startswith("155"):
        return "UKR.155mm" if row.actor == "UKR" else None
    for name in ("narrow", "broad"):
        if basis.startswith(name):
            return f"{row.actor}.{name}"
    return None
