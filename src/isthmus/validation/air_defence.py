"""Air defence over Ukraine, launches given: the share stopped, forecast month by month and scored against simple rivals.

Types are fixed: ballistic, cruise, Shahed. The share counts what was shot down and what was lost on the way. Parameters are frozen
on the fit window (:mod:`isthmus.validation.air_defence_model`); months after it move the state of the filter and are scored, and
nothing is refitted. Every figure is a claim of the Ukrainian Air Force: the case tests how claims can be forecast, and through
them the level that a campaign may assume. It tests no lot, no access and no ecosystem.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from isthmus.errors import InputError, Problem
from isthmus.register.importers.missiles import TYPE_GROUPS, UNMAPPED
from isthmus.register.register import Register
from isthmus.validation import air_defence_model as model
from isthmus.validation.air_defence_model import (
    BALLISTIC,
    F64,
    FIT_FROM,
    FIT_TO,
    SCORED,
    SHAHED,
    LevelBreak,
    Month,
    Prior,
    freeze,
    track,
)
from isthmus.validation.case import Block, Case
from isthmus.validation.observations import Observation, ObservationFile, episode, register_observations
from isthmus.validation.scores import coverage, crps, interval_score, leave_one_group_out, paired_bootstrap

METRICS: Final = ("launched", "destroyed", "not_reach_goal")
ORIGINS: Final = ("2023-03", "2023-09", "2024-03")
"""Fixed origins inside the fit window: every sixth month from the sixth on, each scored to the end of the window. After the window
the origin is its end. Three were taken after one alone (August 2023) had covered 36 events of 36: no interval can be judged by one."""

BREAK_MONTHS: Final = ("2024-10", "2024-11", "2024-12")
"""From late 2024 lost drones are counted otherwise; the source gives no day, so the level may step in each of these months."""

LEAST_SKILL: Final = 0.05
LEAST_GAIN: Final = 2.0
"""Fall of AIC from which a further term would count as an improvement."""

COVERAGE: Final = (0.80, 0.97)
_TESTS = "share stopped given launches (air and missile defence); no stock, lot, access or ecosystem"


@dataclass(frozen=True)
class Event:
    """One scored month of one type: the outcome, the forecast made before it was used, and what the rivals said."""

    month: Month
    observed: float
    low: float
    """5% quantile of the forecast, share; median and high (95%) likewise."""
    median: float
    high: float
    score: float
    """CRPS, share."""
    rivals: Mapping[str, float]
    """Rival -> CRPS, share."""
    rival_intervals: Mapping[str, tuple[float, float]]
    """Rivals with a spread -> their 90% interval."""

    @property
    def block(self) -> str:
        """Quarter of the year: months of one quarter are drawn together in the bootstrap."""
        return f"{self.month.month[:4]}q{(int(self.month.month[5:7]) + 2) // 3}"


@dataclass(frozen=True)
class AirDefence:
    """Cases, and the series behind them for tables and figures."""

    cases: tuple[Case, ...]
    events: Mapping[str, tuple[Event, ...]]
    """Case id -> its events, by type, then month."""
    months: Mapping[str, tuple[Month, ...]]
    """Type group -> months, also of types that are shown but not scored."""
    parsimony: tuple[Mapping[str, Any], ...]
    """What each further term would add on the fit window, as found when the parameters were frozen."""
    rolling_origin: Mapping[str, Any]
    """One month ahead inside the fit window with parameters refitted before each month, as found when they were frozen."""
    notes: tuple[str, ...]
    """What of the input was not used, and why."""


def air_defence_cases(
    register: Register, observations: ObservationFile | None = None, until: str | None = None, prior: Prior | None = None
) -> list[Case]:
    """Cases of :func:`score_air_defence`, which see."""
    return list(score_air_defence(register, observations, until, prior).cases)


def score_air_defence(
    register: Register, observations: ObservationFile | None = None, until: str | None = None, prior: Prior | None = None
) -> AirDefence:
    """Score the share stopped, one month ahead and from a fixed origin, on the fit window and on any later month.

    Args:
        register: gives launches of all months and outcomes of the fit window (table `observations`, case air_defence).
        observations: further rows in the form of the air defence case. Months after the fit window are scored without refitting;
            rows of the fit window that differ from the register are reported and passed over.
        until: YYYY, YYYY-MM or YYYY-MM-DD; outcomes of months that end later are not used. None: all.
        prior: frozen parameters; those that ship with Isthmus where None.

    Raises:
        InputError: for rows that cannot be counts, and where the register's fit window is not the one
            that was frozen.
    """
    prior = model.load_prior() if prior is None else prior
    own = [row for row in register_observations(register, "air_defence") if row.metric in (*METRICS, "attacks")]
    notes: list[str] = []
    months = _months(own, (), notes)
    fitted = {name: [m for m in months.get(name, ()) if FIT_FROM <= m.month <= FIT_TO] for name in SCORED}
    if model.rows_hash(fitted) != prior.rows_sha256:
        problem = Problem(
            "observations.csv",
            None,
            None,
            "other rows",
            "the rows that were fitted",
            "air defence: the fit window is not the frozen one",
        )
        raise InputError([problem])
    if observations is not None and observations.form == "air_defence":
        months = _months(own, observations.rows, notes)
        notes += _gaps(months)
    if until is not None:
        end = until + "-12-31"[len(until) - 4 :] if len(until) < 10 else until
        months = {
            name: tuple(m if _last_day(m.month) <= end else Month(name, m.month, m.launched, None, m.attacks) for m in of_type)
            for name, of_type in months.items()
        }
    events: dict[str, tuple[Event, ...]] = {}
    cases = []
    for window, first, last, origins in (
        ("fit_window", FIT_FROM, FIT_TO, ORIGINS),
        ("later", _next(FIT_TO), "9999-12", (FIT_TO,)),
    ):
        blocks: tuple[tuple[Block, tuple[Event, ...]], ...] = (
            ("one_month", _events(months, prior, first, last, None)),
            ("fixed_origin", tuple(e for origin in origins for e in _events(months, prior, _next(origin), last, origin))),
        )
        for block, found in blocks:
            name = f"air_defence.{block}.{window}"
            if found or window == "fit_window":
                events[name] = found
                cases.append(_case(name, block, window, found, prior))
    cases += _terms(prior)
    return AirDefence(
        cases=tuple(cases),
        events=MappingProxyType(events),
        months=MappingProxyType(months),
        parsimony=tuple(prior.checks.get("parsimony", ())),
        rolling_origin=MappingProxyType(dict(prior.checks.get("rolling_origin", {}))),
        notes=tuple(notes),
    )


def _gaps(months: Mapping[str, Sequence[Month]]) -> list[str]:
    """Months of scored types after the fit window, up to the last one with an outcome of any of them, that cannot be scored."""
    later = {name: {m.month: m for m in months.get(name, ()) if m.month > FIT_TO} for name in SCORED}
    ends = [month for of_type in later.values() for month, m in of_type.items() if m.share is not None]
    found = []
    for name, of_type in later.items():
        month = _next(FIT_TO)
        while ends and month <= max(ends):
            if month not in of_type:
                found.append(f"{name} {month}: no launches stated, nothing to score")
            elif of_type[month].launched == 0:
                found.append(f"{name} {month}: no launches, nothing to score")
            elif of_type[month].stopped is None:
                found.append(f"{name} {month}: launches without an outcome, not scored")
            month = _next(month)
    return found


def _last_day(month: str) -> str:
    """'2025-02' -> '2025-02-28'."""
    year, number = int(month[:4]), int(month[5:7])
    return f"{month}-{calendar.monthrange(year, number)[1]:02d}"


def _next(month: str) -> str:
    index = int(month[:4]) * 12 + int(month[5:7])
    return f"{index // 12}-{index % 12 + 1:02d}"


# Months from rows


def _months(own: Iterable[Observation], given: Iterable[Observation], notes: list[str]) -> dict[str, tuple[Month, ...]]:
    """Months by type from the register's rows and a user's; what is not used is added to `notes`.

    Raises `InputError` for a count that is negative or not whole.
    """
    problems: list[Problem] = []
    counts = _counts(own, problems, [])
    frozen = {key: value for key, value in counts.items() if key[1] <= FIT_TO}
    added = _counts(given, problems, notes)
    if problems:
        raise InputError(problems)
    for key, value in added.items():
        if key[1] > FIT_TO:
            if counts.get(key, value) != value:
                notes.append(f"{key[0]} {key[1]}: {key[2]} {value} in the file, {counts[key]} in the register: the file is used")
            counts[key] = value
        elif frozen.get(key, 0) != value and key[0] in SCORED:
            notes.append(f"{key[0]} {key[1]}: {key[2]} {value} in the file differs from the frozen fit window and is not used")
    found: dict[str, list[Month]] = {}
    for name, month in sorted({key[:2] for key in counts}):
        row = {metric: counts.get((name, month, metric)) for metric in (*METRICS, "attacks")}
        found.setdefault(name, []).append(_month(name, month, row, notes))
    return {name: tuple(of_type) for name, of_type in found.items()}


def _month(name: str, month: str, row: Mapping[str, int | None], notes: list[str]) -> Month:
    launched, destroyed, lost = (row[metric] for metric in METRICS)
    if launched is None:
        if destroyed is not None or lost is not None:
            notes.append(f"{name} {month}: an outcome without launches is not scored")
        return Month(name, month, 0, None)
    stopped = None
    if destroyed is not None:
        stopped = destroyed + (lost or 0)
        if lost is None and name == SHAHED and month >= BREAK_MONTHS[0]:
            notes.append(f"{name} {month}: no lost drones stated, counted as none")
        if stopped > launched:
            notes.append(f"{name} {month}: {stopped} stopped of {launched} launched, counted as all")
            stopped = launched
    elif lost is not None:
        notes.append(f"{name} {month}: lost is stated but not shot down: not scored")
    return Month(name, month, launched, stopped, row["attacks"])


def _counts(rows: Iterable[Observation], problems: list[Problem], notes: list[str]) -> dict[tuple[str, str, str], int]:
    """Counts by type, month and metric. Rows that are no monthly count of a known type are named in `notes`."""
    found: dict[tuple[str, str, str], int] = {}
    ids: dict[tuple[str, str, str], str] = {}
    for row in rows:
        reason = _unused(row)
        if reason:
            notes.append(f"{row.observation_id}: {reason}")
            continue
        if row.mode is None:
            notes.append(f"{row.observation_id}: no count is stated: not used")
            continue
        if row.mode < 0 or row.mode != int(row.mode):
            file, _, number = row.observation_id.partition(":")
            line = int(number) if number.isdigit() else None
            problems.append(Problem(file, line, "mode", f"{row.mode:g}", "a whole number from 0", f"{row.metric}: not a count"))
            continue
        key = (str(row.subject), f"{row.start:%Y-%m}", row.metric)
        if found.setdefault(key, int(row.mode)) != int(row.mode):
            notes.append(f"{row.observation_id}: {row.metric} {row.mode:g} beside {found[key]} in {ids[key]}, which is used")
        ids.setdefault(key, row.observation_id)
    return found


def _unused(row: Observation) -> str | None:
    """Why a row is no monthly count; None where it is one."""
    if row.metric not in (*METRICS, "attacks"):
        return f"{row.metric} is not scored"
    if row.subject not in (*TYPE_GROUPS, UNMAPPED):
        return f"type group {row.subject} is not known: not used"
    whole = date(row.start.year, row.start.month, calendar.monthrange(row.start.year, row.start.month)[1])
    if row.partial:
        return "partial month: not used"
    if row.metric in METRICS[1:] and row.role == "not_scored" and row.subject in SCORED:
        return "marked as not scored: not used"
    if row.start.day != 1 or row.end != whole:
        return f"{row.start} to {row.end} is no calendar month: not used"
    return None


# Scores


def _events(months: Mapping[str, Sequence[Month]], prior: Prior, first: str, last: str, blind: str | None) -> tuple[Event, ...]:
    """Events of the scored types from month `first` to `last`; with `blind`, forecast from the end of that month."""
    events: list[Event] = []
    for name in SCORED:
        shift = next((b for b in prior.breaks if b.type_group == name), None)
        shares = np.array(prior.shares[name])
        fitted = [m.month for m in months.get(name, ()) if FIT_FROM <= m.month <= FIT_TO and m.share is not None]
        before: list[Month] = []
        until = max((m.month for m in months.get(name, ()) if m.share is not None and m.month <= last), default="")
        if until < first:
            continue
        seen = [m for m in months[name] if m.month <= until]
        for forecast in track(seen, prior.draws[name], shift, blind)[0]:
            month, observed = forecast.month, forecast.month.share
            known = [m for m in before if blind is None or m.month <= blind]
            before.append(month)
            if not first <= month.month <= last or not known or observed is None:
                continue
            itself = fitted.index(month.month) if month.month in fitted else None
            rivals = _rivals(known[-1].share or 0.0, shares, one_step=blind is None, itself=itself)
            low, median, high = (float(v) for v in np.quantile(forecast.ensemble, (0.05, 0.5, 0.95)))
            events.append(
                Event(
                    month=month,
                    observed=observed,
                    low=low,
                    median=median,
                    high=high,
                    score=float(crps(forecast.ensemble, observed)),
                    rivals={rival: float(crps(draws, observed)) for rival, draws in rivals.items()},
                    rival_intervals={
                        rival: (float(np.quantile(draws, 0.05)), float(np.quantile(draws, 0.95)))
                        for rival, draws in rivals.items()
                        if len(draws) > 1
                    },
                )
            )
    return tuple(events)


def _rivals(last: float, shares: F64, *, one_step: bool, itself: int | None = None) -> dict[str, F64]:
    """Draws of each rival: the last share and the mean share, each as a point and with the spread seen on the fit window.

    The spread of persistence is the change from one month to the next, up and down alike, or between any two months for a fixed
    origin; that of the mean is the shares of the fit window. `itself` is the place of the scored month among them: it is left out,
    since an ensemble that holds the answer is no forecast. Other months, earlier and later, stay, as they do in the parameters.
    All are scored by the fair form of the CRPS, which does not punish a rival for having few draws.
    """
    places = np.arange(len(shares))
    first, second = (places[:-1], places[1:]) if one_step else np.triu_indices(len(shares), 1)
    change, others = shares[second] - shares[first], shares
    if itself is not None:
        change, others = change[(first != itself) & (second != itself)], shares[places != itself]
    return {
        "persistence": np.clip(last + np.concatenate([change, -change]), 0.0, 1.0),
        "mean": others,
        "persistence_point": np.array([last]),
        "mean_point": np.array([others.mean()]),
    }


def _case(name: str, block: Block, window: str, events: tuple[Event, ...], prior: Prior) -> Case:
    when = (
        f"{FIT_FROM} to {FIT_TO}, parameters fitted on the same months"
        if window == "fit_window"
        else f"after {FIT_TO}, nothing refitted"
    )
    ahead = (
        "one month ahead"
        if block == "one_month"
        else "from the end of " + (", ".join(ORIGINS) if window == "fit_window" else FIT_TO) + " on"
    )
    title = f"Share of ballistic, cruise and Shahed launches stopped, launches given, {ahead} ({when})"
    if not events:
        return Case(name, "hindcast", title, passed=False, why="No month can be scored.", block=block, tests=_TESTS)
    score = np.array([e.score for e in events])
    rivals = {rival: np.array([e.rivals[rival] for e in events]) for rival in events[0].rivals}
    covered = coverage([e.low for e in events], [e.high for e in events], [e.observed for e in events])
    left_out = leave_one_group_out(score, dict(rivals), [episode(date.fromisoformat(f"{e.month.month}-15")) for e in events])
    if block == "one_month":
        passed, why = _one_month(events, score, rivals, covered, judged=window == "fit_window")
    else:
        passed, why = _fixed_origin(events, score, rivals, covered)
    why += (
        " By type: "
        + "; ".join(_of_type(name, events) for name in SCORED if any(e.month.type_group == name for e in events))
        + "."
    )
    rolling = prior.checks.get("rolling_origin")
    if name == "air_defence.one_month.fit_window" and rolling:
        why += (
            f" With parameters refitted before each month, {rolling['events']} months: {rolling['crps']['model']:.4f} against persistence "
            f"{rolling['crps']['persistence']:.4f}, mean so far {rolling['crps']['mean']:.4f}, {rolling['cover90']:.0%} covered."
        )
    if window == "later" and any(e.month.month >= BREAK_MONTHS[0] and e.month.type_group == SHAHED for e in events):
        why += (
            f" The level of drones may shift for good in late 2024 (counting), deviation {prior.breaks[0].deviation:.2f} logits."
        )
    return Case(
        case=name,
        kind="hindcast",
        title=title,
        passed=passed,
        why=why,
        block=block,
        unit="share stopped, mean over events",
        observed=float(np.mean([e.observed for e in events])),
        low=float(np.mean([e.low for e in events])),
        median=float(np.mean([e.median for e in events])),
        high=float(np.mean([e.high for e in events])),
        score=float(score.mean()),
        cover90=covered,
        leave_one_out_worst=min((left.skill for left in left_out), default=None),
        rivals={rival: float(values.mean()) for rival, values in rivals.items()},
        sources=("github_github_june_2026_kaggle",),
        tests=_TESTS,
    )


def _of_type(name: str, events: Sequence[Event]) -> str:
    mine = [e for e in events if e.month.type_group == name]
    inside = coverage([e.low for e in mine], [e.high for e in mine], [e.observed for e in mine])
    means = {rival: float(np.mean([e.rivals[rival] for e in mine])) for rival in ("persistence", "mean")}
    score = float(np.mean([e.score for e in mine]))
    return f"{name} {score:.4f} (persistence {means['persistence']:.4f}, mean {means['mean']:.4f}, {inside:.0%} of {len(mine)} covered)"


def _one_month(
    events: Sequence[Event], score: F64, rivals: Mapping[str, F64], covered: float, *, judged: bool
) -> tuple[bool, str]:
    """Passes at 5% CRPS skill and more than one standard error over every rival; on the fit window also with 80 to 97% covered.

    `judged`: whether coverage decides. On later months it is shown only: the score already punishes a wrong width.
    """
    blocks = [e.block for e in events]
    parts, passed = [], not judged or COVERAGE[0] <= covered <= COVERAGE[1]
    for rival, values in rivals.items():
        difference = paired_bootstrap(score, values, blocks)
        skill = 1 - float(score.mean()) / float(values.mean()) if values.mean() > 0 else 0.0
        errors = -difference.mean / difference.standard_error if difference.standard_error > 0 else 0.0
        passed = passed and skill >= LEAST_SKILL and difference.better()
        parts.append(f"{rival} {skill:+.1%} ({errors:+.1f} s.e.)")
    rule = f"at least {LEAST_SKILL:.0%} skill and more than one s.e. (quarters) over each rival"
    rule += f", {COVERAGE[0]:.0%} to {COVERAGE[1]:.0%} covered" if judged else ""
    return (
        passed,
        f"{'Passes' if passed else 'Fails'}: {rule}. CRPS skill over {', '.join(parts)}; {covered:.0%} of {len(events)} covered.",
    )


def _fixed_origin(events: Sequence[Event], score: F64, rivals: Mapping[str, F64], covered: float) -> tuple[bool, str]:
    """Claims no skill: passes where 80 to 97% are covered and the interval score is not worse than a rival's by over one s.e."""
    blocks = [e.block for e in events]
    observed = [e.observed for e in events]
    own = interval_score([e.low for e in events], [e.high for e in events], observed)
    parts, passed = [], COVERAGE[0] <= covered <= COVERAGE[1]
    for rival in events[0].rival_intervals:
        low, high = zip(*(e.rival_intervals[rival] for e in events), strict=True)
        values = interval_score(low, high, observed)
        difference = paired_bootstrap(own, values, blocks)
        passed = passed and not difference.worse()
        parts.append(f"{rival} {values.mean():.3f} (difference {difference.mean:+.3f}, s.e. {difference.standard_error:.3f})")
    skill = ", ".join(f"{rival} {1 - score.mean() / values.mean():+.1%}" for rival, values in rivals.items() if values.mean() > 0)
    rule = f"{COVERAGE[0]:.0%} to {COVERAGE[1]:.0%} covered, interval score not worse than a rival's by more than one s.e.; no skill is claimed"
    text = f"{covered:.0%} of {len(events)} covered; interval score {own.mean():.3f} against {', '.join(parts)}; CRPS skill over {skill}."
    return passed, f"{'Passes' if passed else 'Fails'}: {rule}. {text}"


def _terms(prior: Prior) -> list[Case]:
    """What the design says of further terms, held against the parsimony table of the fit window."""
    table = prior.checks.get("parsimony", ())
    if not table:
        return []
    best = min(table, key=lambda row: float(row["aic_change"]))
    slopes = {row["term"]: float(row["slope"]) for row in table if row["type_group"] == BALLISTIC}
    gains = {row["term"]: float(row["aic_change"]) for row in table if row["type_group"] == BALLISTIC}
    useless = float(best["aic_change"]) > -LEAST_GAIN
    signs = {row["type_group"]: float(row["slope"]) for row in table if row["term"] == best["term"]}
    rising = slopes["salvo"] > 0 and slopes["launches"] > 0
    shared: dict[str, Any] = {
        "kind": "hindcast",
        "block": "one_month",
        "sources": ("github_github_june_2026_kaggle",),
        "tests": _TESTS,
    }
    return [
        Case(
            case="air_defence.parsimony.fit_window",
            title="Stock drawn down, saturation, trend and salvo size do not improve the level model",
            passed=useless,
            why=f"Passes where no term of any type lowers AIC by {LEAST_GAIN:.0f} or more, so that each stays an assumption. "
            f"Best: {best['term']} for {best['type_group']}, {best['aic_change']:+.2f}; slopes of that term by type: "
            + ", ".join(f"{name} {slope:+.2f}" for name, slope in signs.items())
            + ".",
            unit="change of AIC",
            median=float(best["aic_change"]),
            **shared,
        ),
        Case(
            case="air_defence.salvo_slope.fit_window",
            title="The share of ballistic missiles stopped does not fall with the size of the attack (no saturation in national data)",
            passed=rising,
            why=f"Passes where both slopes are positive: {slopes['salvo']:+.2f} on ln of launches an attack (AIC {gains['salvo']:+.2f}), "
            f"{slopes['launches']:+.2f} on ln of launches a month (AIC {gains['launches']:+.2f}). Neither is told from 0 by these data, "
            "so the model carries no slope.",
            unit="logits per unit of ln launches",
            median=slopes["salvo"],
            **shared,
        ),
    ]


# Freezing: a developer's act, not a command


def freeze_air_defence(register: Register, path: Path | None = None) -> None:
    """Fit on the register's fit window and write the frozen file, with the parsimony table and the rolling origin (minutes)."""
    months = _months([r for r in register_observations(register, "air_defence") if r.metric in (*METRICS, "attacks")], (), [])
    fitted = {name: [m for m in months[name] if FIT_FROM <= m.month <= FIT_TO] for name in SCORED}
    checks = {"rolling_origin": _rolling_origin(fitted)}
    freeze(fitted, [LevelBreak(SHAHED, BREAK_MONTHS, _counting_effect(register))], checks, path or model.prior_path())


def _counting_effect(register: Register) -> float:
    """Largest difference in logits that counting lost drones made in a month of the fit window."""
    counts = _counts(
        (r for r in register_observations(register, "air_defence") if r.metric in METRICS and f"{r.start:%Y-%m}" <= FIT_TO),
        [],
        [],
    )
    effects = []
    for (name, month, metric), lost in counts.items():
        if name == SHAHED and metric == "not_reach_goal":
            launched, destroyed = (counts[name, month, m] + 0.5 for m in METRICS[:2])
            logits = [np.log((k + 0.0) / (launched + 0.5 - k)) for k in (destroyed, destroyed + lost)]
            effects.append(float(logits[1] - logits[0]))
    return round(max(effects), 3)


def _rolling_origin(months: Mapping[str, Sequence[Month]]) -> dict[str, Any]:
    """One month ahead with the mode refitted on earlier months only (at least 8): what the fit window says about new months.

    The rivals know earlier months only as well: the shares so far, and the changes so far.
    """
    scores: dict[str, list[float]] = {"model": [], "persistence": [], "mean": []}
    inside: list[bool] = []
    for of_type in months.values():
        for at in range(8, len(of_type)):
            past, now = of_type[:at], of_type[at]
            shares = np.array([m.share for m in past if m.share is not None])
            if now.share is None or len(shares) < 8:
                continue
            draws = model.point_draws(past)
            ensemble = track([*past, now], draws)[0][-1].ensemble
            rivals = _rivals(float(shares[-1]), shares, one_step=True)
            scores["model"].append(float(crps(ensemble, now.share)))
            for rival in ("persistence", "mean"):
                scores[rival].append(float(crps(rivals[rival], now.share)))
            low, high = np.quantile(ensemble, (0.05, 0.95))
            inside.append(bool(low <= now.share <= high))
    return {
        "events": len(inside),
        "cover90": round(float(np.mean(inside)), 3),
        "crps": {name: round(float(np.mean(values)), 4) for name, values in scores.items()},
    }
