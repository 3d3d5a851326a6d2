"""Nine natural experiments on whether materiel fits, and how a graded rule, a yes-or-no rule and no rule at all foretell them.

Three forms of one claim are held against the same observations, with the same inputs and the same noise of observation:

- **graded**, the rule of the product (``docs/model.md``, section 4): materiel counts where launchers that fire it exist, in the
  share of one family that interchanges, after weeks of integration;
- **hard**: the same with no share, no loss and no delay. What does not fit never fits;
- **rival**: every item serves every platform.

Nothing here is fitted. Priors are rows of the register (`uncertainties`, `fires`, `force_elements`) and those of `PRIORS`, whose
reasons name no observation that is scored. ``docs/explanation/natural-experiments.md`` tells each experiment in plain words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
import numpy.typing as npt
from scipy import special

from isthmus.ensemble.design import Design
from isthmus.ensemble.uncertainty import Uncertainty
from isthmus.errors import InputError, Problem
from isthmus.register.csvfile import quoted, read_cells
from isthmus.register.register import Register
from isthmus.validation.case import Case
from isthmus.validation.observations import ROLES_ALLOWED, is_scored
from isthmus.validation.scores import crps, leave_one_group_out, paired_bootstrap

if TYPE_CHECKING:
    import pandas as pd

F64 = npt.NDArray[np.float64]
Form = Literal["graded", "hard", "rival"]
Verdict = Literal["compatibility", "rival", "undecided", "informed", "not scored"]

FORMS: tuple[Form, ...] = ("graded", "hard", "rival")
FORM_NAMES: Mapping[Form, str] = {
    "graded": "compatibility as a share and a delay",
    "hard": "hard yes or no",
    "rival": "every shell serves every gun",
}
EXPERIMENTS = tuple(f"E{i}" for i in range(1, 10))
COLUMNS = (
    "experiment",
    "metric",
    "actor",
    "donor",
    "calibre_or_family",
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
    "note",
)
"""Columns of a file of observations, as `read_sightings` takes it."""

START = date(2022, 2, 24)
"""First day of the war, week 0 of every series."""
END = date(2026, 12, 31)
FUTURES = 2048
SEED = 20220224
HORIZON_WEEKS = 156.0
"""What a form that says never is scored with: the horizon of the reference study."""
TWICE = 2.0
"""155 mm guns count as better supplied where they get more than this many times the rounds of a Soviet-calibre gun."""
MISTAKEN = 0.1
"""Chance that a reported yes or no is mistaken; keeps the log score of a form that is certain finite. Same for all forms."""
RECORDED_LATE = 4.35
"""Weeks from a loss to its record: losses are dated by the day on which they were recorded."""
EVENTS_FOR_ERRORS = 3
"""From so many independent events on, the standard error decides; below, the 90% interval."""

_WEEK = 7.0
_WEEKS_PER_MONTH = 52.18 / 12
_WEEKS_OF = {"days": 1 / _WEEK, "weeks": 1.0, "months": _WEEKS_PER_MONTH}
_SHOT = 0.7
"""Chance that one interceptor stops its target (two give 0.91, as in the published salvo cases)."""


_SHAPE = Literal["pert", "uniform", "loguniform", "lognormal"]
_PRIORS: tuple[tuple[str, _SHAPE, tuple[float, float, float], str, str], ...] = (
    # What the three forms are given in common
    ("weeks_of_stock", "pert", (5, 6.5, 9), "weeks", "Stock of February 2022 stated as just over six weeks of intense fire"),
    (
        "intense_rate",
        "pert",
        (50, 100, 200),
        "rounds/tube/week",
        "The other side's reported 20,000 to 60,000 rounds a day over its 2,433 tubes: 58 to 173 a week",
    ),
    (
        "mixed_soviet",
        "pert",
        (0.6, 0.9, 1),
        "share",
        "Soviet calibres in arrivals that are not separated: most of them, by their notes",
    ),
    (
        "future_arrivals",
        "lognormal",
        (0.5, 1, 2),
        "multiple",
        "Months after the last recorded one against the year before; judgement",
    ),
    ("rockets", "pert", (0.3, 1, 1.5), "multiple", "Rockets of the first months against the mean of all deliveries; judgement"),
    (
        "rus_from_stock",
        "uniform",
        (0, 1.25e6, 2.5e6),
        "rounds/year",
        "Most of what a stated need of 5.6 m leaves after own output, or less",
    ),
    # What only the graded form has
    (
        "own_makes",
        "uniform",
        (0, 0.5, 1),
        "share",
        "Tubes of the state that made the rounds, or under a shared standard; not counted",
    ),
    ("engaged", "uniform", (0, 0.5, 1), "share", "Ballistic missiles that batteries in service engage: unknown, so anything"),
    (
        "integration",
        "loguniform",
        (2, 18, HORIZON_WEEKS),
        "weeks",
        "What is new to its user: from the least of friction.weeks.unshared to the horizon of the reference study",
    ),
    ("claims", "uniform", (0, 0.02, 0.05), "share", "Intercepts claimed where nothing that fits is in service; judgement"),
    # How things come to be observed, the same for all forms
    ("filming", "lognormal", (1.0, 1.5, 2.5), "odds ratio", "Western guns are hunted and filmed more; judgement"),
    # Places within ranges that the data state
    ("tubes", "uniform", (0, 0.5, 1), "quantile", "Place of tube counts within their ranges"),
    ("rounds_sent", "uniform", (0, 0.5, 1), "quantile", "Place of North Korean rounds within their estimates"),
    ("cruise_spread", "uniform", (0, 0.5, 1), "quantile", "Sampling error of the cruise share of the same months"),
    ("noise", "uniform", (0, 0.5, 1), "quantile", "Error of what was observed, within its stated range"),
    ("sample", "uniform", (0, 0.5, 1), "quantile", "Error of a share of few cases"),
)
PRIORS = tuple(
    Uncertainty(f"natural.{name}", shape, low, mode, high, unit, "assumption", (), why)
    for name, shape, (low, mode, high), unit, why in _PRIORS
)
"""Priors that the register does not hold. Wide, and none informed by an observation that is scored."""

REGISTER_PRIORS = (
    "interchange.gun_155mm",
    "interchange.gun_152mm",
    "friction.loss.unshared",
    "friction.weeks.shared",
    "friction.weeks.unshared",
    "lag.near",
    "lag.far",
    "plan.weeks",
    "rate.gun",
    "rate.rocket",
    "engage.euro_atlantic.bmd",
    "shots.bmd",
)
"""Rows of `uncertainties` that the experiments need."""

_INFORMED = {
    "engaged": "share engaged of the register, informed by these months",
    "weeks": "weeks of the register, informed by such episodes",
    "others": "delays of the other experiments",
}
"""Controls: the product's own priors where they know what is scored, and what the other experiments alone would say."""

FIT_WITHIN_CALIBRE = {
    ("E9", "gepard_norwegian_rounds_recognised"): "rounds of a new maker in guns of the calibre",
    ("E9", "japan_155_plan_dropped"): "rounds of a new maker in guns of the calibre",
    ("E9", "korea_shells_via_us"): "rounds of a new maker in guns of the calibre",
    ("E6", "share_of_fire_from_PRK"): "rounds of a new maker in guns of the calibre",
    ("E6", "ukraine_fires_seized_PRK_rockets"): "rounds of a new maker in launchers of the calibre",
}
"""Observations that say whether rounds of one maker worked in guns of another, inside one calibre. Above zero: they did."""

THREATS: Mapping[str, str] = {
    "E1": "Soviet-calibre fire of late 2022 is not known apart; statements come from one side; barrels also wear from misuse.",
    "E2": "Tube shares are an estimate; losses carry a filming bias and are dated late; total fire is a press figure.",
    "E3": "Rocket and launcher differ in guidance as well as in fit; rocket counts are estimates; no monthly use is known.",
    "E4": "One side's claims; two raids recorded before the first battery; difficulty of the target and fit go together.",
    "E5": "Numbers of converted launchers are not public; the first success does not name the variant.",
    "E6": "Sources are hostile to the user of the rounds; containers hold one calibre or another; guns may come for their range.",
    "E7": "Political delay is mixed with conversion time; the known type had been refused for a year before.",
    "E8": "Announcement dates hide when the work began; the figure is a guess range.",
    "E9": "Few pairs, and failures make news; one report rests on a single blog.",
}


@dataclass(frozen=True)
class Sighting:
    """One row about an experiment: an input, or something observed. `value` is its mode, else the middle of its range."""

    experiment: str
    metric: str
    actor: str
    donor: str
    subject: str
    start: str
    end: str
    low: float | None
    mode: float | None
    high: float | None
    unit: str
    role: Literal["input", "fit", "held", "not_scored"]
    source: str
    """Id of a source of the register, or the address of a user's row."""
    event: str
    note: str = ""

    @property
    def value(self) -> float:
        if self.mode is not None:
            return self.mode
        known = [v for v in (self.low, self.high) if v is not None]
        return sum(known) / len(known)

    @property
    def scored(self) -> bool:
        return self.role in ("fit", "held")

    @property
    def cases(self) -> tuple[int, int] | None:
        """`x of n` where the note says so."""
        found = re.search(r"\b(\d+) of (\d+)\b", self.note)
        return (int(found[1]), int(found[2])) if found else None

    def same(self) -> tuple[object, ...]:
        """What makes two rows one."""
        numbers = tuple(None if v is None else round(v, 6) for v in (self.low, self.mode, self.high))
        return (self.experiment, self.metric, self.actor, self.donor, self.subject, self.start, self.end, *numbers)


@dataclass(frozen=True)
class Seen:
    """An observation as a figure shows it: month or label, value and range in the unit of its series."""

    at: str
    low: float
    value: float
    high: float
    source: str
    scored: bool


@dataclass(frozen=True)
class Series:
    """What the three forms foretell and what was seen. Arrays run over `at`; a test of single numbers has one label an event."""

    experiment: str
    name: str
    unit: str
    at: tuple[str, ...]
    low: F64
    median: F64
    high: F64
    hard: F64
    """Median of the hard form."""
    rival_low: F64
    rival: F64
    """Median of the rival."""
    rival_high: F64
    seen: tuple[Seen, ...] = ()


@dataclass(frozen=True)
class Scored:
    """One event scored for the three forms. Lower is better."""

    event: str
    label: str
    value: float
    scores: Mapping[str, float]
    """Form, or name of a control, -> score."""
    inside: Mapping[Form, bool]
    """Form -> whether its 90% interval holds the value (a yes or no: whether it gave what happened at least even odds)."""
    low: float
    median: float
    high: float
    rival_low: float
    rival_high: float
    source: str


@dataclass(frozen=True)
class Trial:
    """One test of one experiment: a case of validation with the events behind it."""

    case: Case
    experiment: str
    verdict: Verdict
    hard_does_as_well: bool
    informed: str
    """Which priors know the episode, and how; blank where none does."""
    events: tuple[Scored, ...]

    @property
    def threats(self) -> str:
        """What threatens the reading, whoever wins."""
        return THREATS.get(self.experiment, "The threats to its parts.")


@dataclass(frozen=True)
class NaturalExperiments:
    """All tests, and the series for figures."""

    tests: tuple[Trial, ...]
    series: tuple[Series, ...]
    unused: tuple[str, ...] = field(default=())
    """Rows of the user's file that no test reads, one line each."""

    @property
    def cases(self) -> list[Case]:
        return [t.case for t in self.tests]


# ---------------------------------------------------------------------------------------------------------------- reading


def read_sightings(path: Path | str) -> list[Sighting]:
    """Rows of a CSV file with the columns `COLUMNS`: later observations, and inputs that go with them.

    Role `observation` is scored as held back, `input` is used and never scored; an input without a number (a date alone) is
    passed over, as are further columns. Dates are YYYY, YYYY-MM or YYYY-MM-DD.
    Raises `InputError` with every problem of the file.
    """
    path = Path(path)
    cells = read_cells(path, path.name, COLUMNS)
    problems = [p for p in cells.problems if p.message != "unknown column"]
    rows: list[Sighting] = []

    def fault(row: int, column: str, found: str, allowed: str, message: str) -> None:
        problems.append(Problem(path.name, row, column, quoted(found), allowed, message))

    header_fits = set(COLUMNS) <= set(cells.columns)
    for number, c in cells.rows if header_fits else []:
        before = len(problems)
        if c["experiment"] not in EXPERIMENTS:
            fault(number, "experiment", c["experiment"], ", ".join(EXPERIMENTS), "unknown experiment")
        for column in ("metric", "actor", "unit"):
            if not c[column]:
                fault(number, column, "", "text", f"'{column}' is blank")
        if c["role"] not in ("input", "not_scored") and not is_scored(c["role"]):
            fault(number, "role", c["role"], ROLES_ALLOWED, "unknown role")
        if c["confidence"] not in ("A", "B", "C"):
            fault(number, "confidence", c["confidence"], "A, B, C", "unknown grade")
        days = {}
        for column in ("period_start", "period_end"):
            try:
                days[column] = _day(c[column], last=column == "period_end")
            except ValueError:
                fault(number, column, c[column], "YYYY, YYYY-MM or YYYY-MM-DD", "not a date")
        if len(days) == 2 and days["period_start"] > days["period_end"]:
            fault(number, "period_end", c["period_end"], f"{c['period_start']} or later", "the period ends before it starts")
        numbers: dict[str, float | None] = {}
        for column in ("low", "mode", "high"):
            try:
                numbers[column] = float(c[column]) if c[column] else None
                if numbers[column] is not None and not math.isfinite(cast(float, numbers[column])):
                    raise ValueError
            except ValueError:
                fault(number, column, c[column], "a number with a point, or blank", "not a number")
        if len(numbers) == 3:
            known = [v for v in numbers.values() if v is not None]
            if not known and c["role"] == "input":
                continue
            if not known:
                fault(number, "mode", "", "a number in low, mode or high", "a row without a number")
            if known != sorted(known):
                fault(number, "mode", str(c["mode"]), "low <= mode <= high", "the range is out of order")
        if len(problems) > before:
            continue
        rows.append(
            Sighting(
                c["experiment"],
                c["metric"],
                c["actor"],
                c["donor"],
                c["calibre_or_family"],
                c["period_start"],
                c["period_end"],
                numbers["low"],
                numbers["mode"],
                numbers["high"],
                c["unit"],
                "input" if c["role"] == "input" else "not_scored" if c["role"] == "not_scored" else "held",
                c["source_url"] or c["source_title"],
                _event(c),
                c["note"],
            )
        )
    if problems:
        raise InputError(problems)
    return rows


def _event(cells: Mapping[str, str]) -> str:
    """Copies of one statement, about one thing and of one month, are one event."""
    return ".".join(
        ("held", cells["experiment"], cells["metric"], cells["donor"], cells["calibre_or_family"], cells["period_end"][:7])
    )


def _day(text: str, *, last: bool = False) -> date:
    """First (or last) day of a partial date. Raises `ValueError`."""
    if not re.fullmatch(r"\d{4}(-\d{2}(-\d{2})?)?", text):
        raise ValueError(text)
    parts = [int(p) for p in text.split("-")]
    if len(parts) == 3:
        return date(*parts)
    if not last:
        return date(parts[0], parts[1] if len(parts) > 1 else 1, 1)
    month = parts[1] if len(parts) > 1 else 12
    following = date(parts[0] + month // 12, month % 12 + 1, 1)
    return date.fromordinal(following.toordinal() - 1)


def _week(text: str, *, last: bool = False) -> float:
    return (_day(text, last=last) - START).days / _WEEK


def _from_register(register: Register) -> list[Sighting]:
    table = register.table("observations")
    rows = []
    for r in table[table["case"].isin(EXPERIMENTS)].itertuples():
        low, mode, high = (None if math.isnan(v) else float(v) for v in (r.low, r.mode, r.high))
        if low is None and mode is None and high is None:
            continue
        rows.append(
            Sighting(
                r.case,
                r.metric,
                r.actor,
                r.donor or "",
                r.subject or "",
                r.period_start,
                r.period_end,
                low,
                mode,
                high,
                r.unit,
                r.role,
                r.source_id or "",
                r.event or r.observation_id,
                r.note or "",
            )
        )
    return rows


# ---------------------------------------------------------------------------------------------------------------- the forms


@dataclass(frozen=True)
class _World:
    """Everything the tests read: rows, draws and the register's other tables."""

    register: Register
    rows: tuple[Sighting, ...]
    draws: Mapping[str, F64]
    phase: Literal["fit", "held"] = "fit"
    """Which observations are scored: those of the register, or the later ones of a user's file."""

    def pick(self, experiment: str, metric: str) -> list[Sighting]:
        return [r for r in self.rows if r.experiment == experiment and r.metric == metric]

    def scores(self, row: Sighting) -> bool:
        return row.role == self.phase

    def noisy(self, draws: F64, row: Sighting, scale: str, turn: int) -> F64:
        """A prediction as it would be reported: with the error that the row's own range states."""
        if row.low is None or row.high is None or row.low == row.high:
            return draws
        # One noise for all forms; another place of the same quantiles for each event.
        z = special.ndtri(np.clip((self.draws["natural.noise"] + 0.381966 * turn) % 1.0, 1e-6, 1 - 1e-6))
        if scale == "share":
            low, high = (float(special.logit(min(max(v, 1e-3), 1 - 1e-3))) for v in (row.low, row.high))
            out: F64 = special.expit(special.logit(np.clip(draws, 1e-4, 1 - 1e-4)) + z * (high - low) / 3.29)
            return out
        if row.low <= 0:
            return draws
        return np.asarray(draws * np.exp(z * math.log(row.high / row.low) / 3.29))

    def sampled(self, share: F64, cases: int, turn: int) -> F64:
        """Share of `cases` trials, by the binomial quantile of each future."""
        u = np.clip((self.draws["natural.sample"] + 0.618034 * turn) % 1.0, 1e-6, 1 - 1e-6)
        p = np.clip(share, 0.0, 1.0)
        # Quantile of the binomial by its distribution function: few cases, so a table of cases + 1 columns is small.
        k = np.arange(cases + 1)
        reached = special.bdtr(k[None, :], cases, p[:, None])
        found: F64 = (reached < u[:, None]).sum(axis=1) / cases
        return np.minimum(1.0, found)


_GROUPS: Mapping[str, tuple[str, ...]] = {
    "155": ("shell_155mm",),
    "105": ("shell_105mm",),
    "soviet": ("shell_152mm", "shell_122mm", "shell_203mm", "shell_130mm"),
    "any": ("shell_any", "shell_large_calibre"),
}


def _months(first: date, last: date) -> list[str]:
    out, year, month = [], first.year, first.month
    while (year, month) <= (last.year, last.month):
        out.append(f"{year}-{month:02d}")
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return out


MONTHS = tuple(_months(date(2022, 3, 1), END))


def _arrivals(world: _World) -> dict[str, F64] | None:
    """Rounds a week that reached Ukraine, by group, weeks × futures; None where the register holds no arrivals.

    After the last recorded month each group keeps the mean of its last twelve, times one multiple a future.
    """
    table = world.register.table("arrivals")
    mine = table[(table["recipient"] == "UKR") & (table["materiel_id"].isin([m for g in _GROUPS.values() for m in g]))]
    if not len(mine):
        return None
    months = _months(START, END)
    last = max(mine["month"])
    weeks = int((END - START).days // _WEEK) + 1
    of_week = [months.index(date.fromordinal(START.toordinal() + int(w * _WEEK)).strftime("%Y-%m")) for w in range(weeks)]
    n = len(world.draws["natural.future_arrivals"])
    # Months of one donor are off together, donors apart: who counts a flow counts all its months.
    rng = np.random.default_rng(SEED)
    place = {pair: rng.random(n) for pair in sorted({(r.materiel_id, r.supplier) for r in mine.itertuples()})}
    out = {}
    for group, materiel in _GROUPS.items():
        by_month = np.zeros((len(months), n))
        for r in mine[mine["materiel_id"].isin(materiel)].itertuples():
            if r.month in months:
                by_month[months.index(r.month)] += _pert(r.low, r.mode, r.high, place[r.materiel_id, r.supplier])
        after = months.index(last) + 1
        by_month[after:] = by_month[max(0, after - 12) : after].mean(axis=0) * world.draws["natural.future_arrivals"]
        out[group] = by_month[of_week] / _WEEKS_PER_MONTH
    return out


def _tubes(world: _World, delay: F64 | None) -> dict[str, F64]:
    """Tubes held by group, weeks × futures. 155 mm: what was allocated in 2022, then the half-yearly balance; late by `delay`."""
    weeks = np.arange(int((END - START).days // _WEEK) + 1, dtype=np.float64)
    u = world.draws["natural.tubes"]
    elements = world.register.table("force_elements")
    held = elements[(elements["actor_id"] == "UKR") & (elements["maturity"] == "implemented")]

    def points(element: str, rule: str) -> dict[float, tuple[float, float, float]]:
        rows = held[(held["element_id"] == element) & (held["rule"] == rule)]
        return {_week(r.as_of, last=True): (r.low, r.mode, r.high) for r in rows.itertuples()}

    balance = points("tube_155", "tubes_held_balance")
    first_balance = min(balance, default=math.inf)
    given = {_week(r.end): _range(r) for r in world.pick("E1", "guns_155_cumulative_allocated") if _week(r.end) < first_balance}
    before = {r.subject: r.value for r in world.pick("E1", "tubes_prewar")}
    prewar = sum(before.get(calibre, 0.0) for calibre in ("152mm", "122mm", "203mm"))
    known = {
        "155": {0.0: (1.0, 1.0, 1.0), **given, **balance},
        "105": {0.0: (0.0, 0.0, 0.0), **points("tube_105", "sum_of_deliveries")},
        "soviet": {0.0: (prewar, prewar, prewar), **points("tube_soviet", "tubes_held_balance")},
    }
    for row in world.pick("E2", "share_155_of_tubes_held_estimate"):
        at = _week(row.end, last=True)
        if at > max(known["155"]):  # a later estimate of the share than the register's counts: on their last sum
            total = sum(known[g][max(known[g])][1] for g in ("155", "soviet"))
            low, mode, high = _range(row)
            known["155"][at] = (low * total, mode * total, high * total)
            known["soviet"][at] = ((1 - high) * total, (1 - mode) * total, (1 - low) * total)
    out = {}
    for group, counts in known.items():
        at_weeks = np.array(sorted(counts))
        # The range of the share joins few tubes of one kind with many of the other.
        place = 1 - u if group == "soviet" else u
        values = np.array([_pert(*counts[w], place) for w in at_weeks])
        shift = np.zeros(len(u)) if delay is None or group == "soviet" else delay
        out[group] = np.stack([np.interp(weeks - shift[i], at_weeks, values[:, i]) for i in range(len(u))], axis=1)
    return out


def _pert(low: float, mode: float, high: float, u: F64) -> F64:
    """Quantiles of a PERT at the probabilities `u`, in the unit of its bounds."""
    return Uncertainty("", "pert", low, mode, high, "", "estimate").quantile(u)


def _range(row: Sighting) -> tuple[float, float, float]:
    low, high = (row.value if v is None else v for v in (row.low, row.high))
    return low, row.value, high


@dataclass(frozen=True)
class _Fire:
    """Rounds a week by group, and tubes held, weeks × futures."""

    use: Mapping[str, F64]
    tubes: Mapping[str, F64]

    def mean(self, what: F64, start: str, end: str, shift: float = 0.0) -> F64:
        first = int(np.clip(_week(start) - shift, 0, len(what) - 1))
        last = int(np.clip(_week(end, last=True) - shift, first, len(what) - 1))
        out: F64 = what[first : last + 1].mean(axis=0)
        return out

    @property
    def total(self) -> F64:
        return np.asarray(sum(self.use.values()))


_MEMORY = 13.0
"""Weeks of the average inflow by which an army plans (``docs/model.md``, section 7)."""


def _run(
    inflow: Mapping[str, F64], stock: Mapping[str, F64], tubes: Mapping[str, F64], draws: Mapping[str, F64]
) -> dict[str, F64]:
    """Use by pile: U = min(F + Q / T, tubes × rate, Q), a week a step; F the average inflow. Equal to ``docs/model.md``, section 7."""
    out = {}
    for name, arriving in inflow.items():
        q, f = stock[name].copy(), np.zeros_like(stock[name])
        use = np.zeros_like(arriving)
        for t in range(len(arriving)):
            q = q + arriving[t]
            f = f + (arriving[t] - f) / _MEMORY
            use[t] = np.minimum(np.minimum(q, f + q / draws["plan.weeks"]), tubes[name][t] * draws["rate.gun"])
            q = q - use[t]
        out[name] = use
    return out


def _fire(world: _World) -> dict[Form, _Fire] | None:
    """Fire of Ukraine's guns by calibre in the three forms; None where there are no arrivals."""
    inflow = _arrivals(world)
    if inflow is None:
        return None
    d = world.draws
    n = len(d["plan.weeks"])
    mixed = d["natural.mixed_soviet"]
    soviet = inflow["soviet"] + inflow["any"] * mixed
    west = {"155": inflow["155"] + inflow["any"] * (1 - mixed), "105": inflow["105"]}
    known = _tubes(world, None)
    first = d["natural.weeks_of_stock"] * d["natural.intense_rate"] * known["soviet"][0]
    stock = {"155": np.zeros(n), "105": np.zeros(n), "soviet": first}
    own = d["natural.own_makes"]
    fits = own + (1 - own) * d["interchange.gun_155mm"]
    kept = 1 - (1 - own) * d["friction.loss.unshared"]
    late = _tubes(world, d["friction.weeks.unshared"])
    graded_in = {"155": west["155"] * fits * kept, "105": west["105"] * fits * kept, "soviet": soviet}
    hard_in = {**west, "soviet": soviet}
    all_tubes = known["155"] + known["105"] + known["soviet"]
    one = _run({"all": soviet + west["155"] + west["105"]}, {"all": first}, {"all": all_tubes}, d)["all"]
    return {
        "graded": _Fire(_run(graded_in, stock, late, d), late),
        "hard": _Fire(_run(hard_in, stock, known, d), known),
        "rival": _Fire({g: one * known[g] / all_tubes for g in known}, known),
    }


# ---------------------------------------------------------------------------------------------------------------- scoring


def _crps_event(
    row: Sighting, label: str, draws: Mapping[Form, F64], value: float, *, log: bool, controls: Mapping[str, F64] | None = None
) -> Scored:
    change: Callable[[F64], F64] = (lambda x: np.log(np.maximum(x, 1e-9))) if log else (lambda x: x)
    y = float(change(np.array([value]))[0])
    scores: dict[str, float] = {f: float(crps(change(draws[f]), y)) for f in FORMS}
    scores |= {name: float(crps(change(x), y)) for name, x in (controls or {}).items()}
    q = {f: np.quantile(draws[f], (0.05, 0.5, 0.95)) for f in FORMS}
    slack = 1e-9
    inside = {f: bool(q[f][0] - slack <= value <= q[f][2] + slack) for f in FORMS}
    low, median, high = (float(v) for v in q["graded"])
    return Scored(
        row.event, label, value, scores, inside, low, median, high, float(q["rival"][0]), float(q["rival"][2]), row.source
    )


def _flag_event(row: Sighting, label: str, happened: bool, chance: Mapping[Form, float]) -> Scored:
    """A yes or no: log score in nats, -ln of the chance that the form gave to what was reported."""
    p = {f: MISTAKEN + (1 - 2 * MISTAKEN) * c for f, c in chance.items()}
    given = {f: v if happened else 1 - v for f, v in p.items()}
    return Scored(
        row.event,
        label,
        float(happened),
        {f: -math.log(v) for f, v in given.items()},
        {f: v >= 0.5 for f, v in given.items()},
        p["graded"],
        p["graded"],
        p["graded"],
        p["rival"],
        p["rival"],
        row.source,
    )


def _test(
    experiment: str,
    name: str,
    title: str,
    tests: str,
    unit: str,
    events: Sequence[Scored],
    *,
    groups: Sequence[str] | None = None,
    informed: str = "",
    missing: str = "nothing of it is observed",
) -> Trial:
    """Verdict of a test: standard errors over events and over speakers where there are enough events, else the intervals."""
    case_id = f"natural.{experiment}.{name}" if experiment in EXPERIMENTS else f"natural.{name}"
    if not events:
        case = Case(case_id, "natural_experiment", title, passed=False, why=f"not scored: {missing}", unit=unit, tests=tests)
        return Trial(case, experiment, "not scored", hard_does_as_well=False, informed=informed, events=())
    own = np.array([e.scores["graded"] for e in events])
    rival = np.array([e.scores["rival"] for e in events])
    hard = np.array([e.scores["hard"] for e in events])
    groups = groups or [e.event for e in events]
    against, between = paired_bootstrap(own, rival, groups), paired_bootstrap(hard, own, groups)
    enough = against.groups >= EVENTS_FOR_ERRORS
    verdict: Verdict = "undecided"
    if enough:
        verdict = "compatibility" if against.better() else "rival" if against.worse() else "undecided"
        rule = (
            f"score {own.mean():.3f} against {rival.mean():.3f}, difference {against.mean:+.3f} ± {against.standard_error:.3f} "
            f"over {len(events)} events in {against.groups} groups"
        )
    else:
        mine, theirs = all(e.inside["graded"] for e in events), all(e.inside["rival"] for e in events)
        verdict = "compatibility" if mine and not theirs else "rival" if theirs and not mine else "undecided"
        holds = {True: "holds", False: "misses"}
        rule = (
            f"the 90% interval {holds[mine]} what was seen and the rival's {holds[theirs]} it "
            f"({len(events)} event{'s' if len(events) > 1 else ''}; score {own.mean():.3f} against {rival.mean():.3f})"
        )
    speakers = [e.source for e in events]
    if enough and len(set(speakers)) > 1:
        by_speaker = paired_bootstrap(own, rival, speakers)
        rule += f", ± {by_speaker.standard_error:.3f} by speaker"
        if (verdict == "compatibility" and not by_speaker.better()) or (verdict == "rival" and not by_speaker.worse()):
            verdict = "undecided"
    elif enough:
        rule += ", all from one source"
    # Not worse than the graded form by more than one standard error; with few events, by more than a tenth of its score.
    hard_does = not between.worse() if enough else bool(hard.mean() <= 1.1 * own.mean())
    words: Mapping[Verdict, str] = {
        "compatibility": "compatibility wins",
        "rival": "the rival wins",
        "undecided": "does not separate",
        "informed": "no test, since a prior knows the episode; compatibility would win",
    }
    if informed and verdict == "compatibility":
        verdict = "informed"
    why = f"{words[verdict]}: {rule}"
    why += f"; the hard form {'does as well' if hard_does else 'does worse'} ({hard.mean():.3f})"
    if informed:
        why += f"; {informed}"
    controls = [k for k in events[0].scores if k not in FORMS and all(k in e.scores for e in events)]
    rivals = {FORM_NAMES["rival"]: float(rival.mean()), FORM_NAMES["hard"]: float(hard.mean())}
    rivals |= {k: float(np.mean([e.scores[k] for e in events])) for k in controls}
    single = events[0] if len(events) == 1 else None
    flags = unit == "nats"
    case = Case(
        case_id,
        "natural_experiment",
        title,
        verdict == "compatibility",
        why,
        unit=unit,
        observed=single.value if single else None,
        low=single.low if single else None,
        median=single.median if single else None,
        high=single.high if single else None,
        score=float(own.mean()),
        leave_one_out_worst=min((left.skill for left in leave_one_group_out(own, {"rival": rival}, groups)), default=None)
        if enough
        else None,
        cover90=None if flags else float(np.mean([e.inside["graded"] for e in events])),
        rivals=rivals,
        sources=tuple(sorted({e.source for e in events if e.source})),
        tests=tests,
    )
    return Trial(case, experiment, verdict, hard_does, informed, tuple(events))


def _apart(world: _World, experiment: str, metric: str, subject: str = "") -> list[Sighting]:
    """Rows to be scored, in the order of time. One number an event: of rows that share days, the first to start is kept."""
    out: list[Sighting] = []
    rows = [r for r in world.pick(experiment, metric) if r.scored and r.subject.startswith(subject)]
    for row in sorted(rows, key=lambda r: (_day(r.start), -_day(r.end, last=True).toordinal())):
        if not out or _day(row.start) > _day(out[-1].end, last=True):
            out.append(row)
    return [r for r in out if world.scores(r)]


def _seen(row: Sighting, factor: float = 1.0) -> Seen:
    middle = date.fromordinal((_day(row.start).toordinal() + _day(row.end, last=True).toordinal()) // 2)
    low, high = (row.value if v is None else v for v in (row.low, row.high))
    return Seen(middle.strftime("%Y-%m"), factor * low, factor * row.value, factor * high, row.source, row.scored)


def _monthly(
    experiment: str,
    name: str,
    unit: str,
    draws: Callable[[Form, str], F64],
    seen: Sequence[Seen],
    months: Sequence[str] = MONTHS,
) -> Series:
    q = {f: np.array([np.quantile(draws(f, m), (0.05, 0.5, 0.95)) for m in months]) for f in FORMS}
    g, r = q["graded"], q["rival"]
    return Series(
        experiment, name, unit, tuple(months), g[:, 0], g[:, 1], g[:, 2], q["hard"][:, 1], r[:, 0], r[:, 1], r[:, 2], tuple(seen)
    )


def _by_event(
    experiment: str, name: str, unit: str, events: Sequence[Scored], hard: Sequence[float], rival: Sequence[float]
) -> Series:
    at = tuple(e.label for e in events)
    seen = tuple(Seen(e.label, e.value, e.value, e.value, e.source, scored=True) for e in events)
    of: Callable[[str], F64] = lambda what: np.array([getattr(e, what) for e in events])  # noqa: E731
    return Series(
        experiment,
        name,
        unit,
        at,
        of("low"),
        of("median"),
        of("high"),
        np.array(hard),
        of("rival_low"),
        np.array(rival),
        of("rival_high"),
        seen,
    )


# ---------------------------------------------------------------------------------------------------------------- experiments


def _guns(world: _World, fire: Mapping[Form, _Fire] | None) -> tuple[list[Trial], list[Series]]:
    """E1 and E2: fire by calibre from what arrived."""
    no_arrivals = "the register holds no arrivals of rounds for Ukraine"
    which: list[Scored] = []
    totals: list[Scored] = []
    shares: list[Scored] = []
    series: list[Series] = []
    if fire is not None:

        def per_tube(form: Form, start: str, end: str) -> F64:
            f = fire[form]
            a = f.mean(f.use["155"], start, end) / np.maximum(1.0, f.mean(f.tubes["155"], start, end))
            b = f.mean(f.use["soviet"], start, end) / np.maximum(1.0, f.mean(f.tubes["soviet"], start, end))
            return np.asarray(a / np.maximum(1e-9, b))

        flags = [
            r
            for metric in ("soviet_calibre_exhausted_statement", "statement_155_enough")
            for r in world.pick("E1", metric)
            if world.scores(r)
        ]
        done: set[str] = set()
        for row in flags:
            if row.event in done or row.value not in (0.0, 1.0):
                continue
            done.add(row.event)
            chance = {f: float((per_tube(f, row.start, row.end) > TWICE).mean()) for f in FORMS}
            label = f"155 mm guns better supplied, {row.start[:7]}"
            which.append(_flag_event(row, label, row.value == 1.0, cast(Mapping[Form, float], chance)))
        for i, row in enumerate(r for r in world.pick("E1", "fire_rate_total") if world.scores(r)):
            got = {f: world.noisy(fire[f].mean(fire[f].total, row.start, row.end) / _WEEK, row, "level", i) for f in FORMS}
            totals.append(_crps_event(row, row.start[:7], got, row.value, log=True))

        def share(form: Form, start: str, end: str, shift: float = 0.0) -> F64:
            f = fire[form]
            return np.asarray(f.mean(f.use["155"], start, end, shift) / np.maximum(1e-9, f.mean(f.total, start, end, shift)))

        for i, row in enumerate(_apart(world, "E2", "share_155_of_fire")):
            got = {f: world.noisy(share(f, row.start, row.end), row, "share", i + 10) for f in FORMS}
            shares.append(_crps_event(row, f"fire {row.start[:7]}", got, row.value, log=False))
        bias = world.draws["natural.filming"]
        for i, row in enumerate(_apart(world, "E2", "share_155_of_documented_tube_losses")):
            cases = row.cases or (0, _losses(world, row))
            got = {}
            for f in FORMS:
                exposed = np.clip(share(f, row.start, row.end, RECORDED_LATE), 1e-6, 1 - 1e-6)
                odds = exposed / (1 - exposed) * bias
                got[f] = world.sampled(odds / (1 + odds), cases[1], i)
            shares.append(_crps_event(row, f"losses {row.start[:7]}", got, row.value, log=False))

        def per_day(group: str, form: Form, month: str) -> F64:
            f = fire[form]
            return np.asarray(f.mean(f.total if group == "all" else f.use[group], month, month) / _WEEK)

        seen = [_seen(r) for m in ("share_155_of_fire", "share_155_of_documented_tube_losses") for r in world.pick("E2", m)]
        series.append(_monthly("E2", "155 mm share of fire", "share", lambda f, m: share(f, m, m), seen))
        for group, name in {"155": "155 mm", "105": "105 mm", "soviet": "Soviet calibres", "all": "all tubes"}.items():
            marks = {"155": [_seen(r, 12 / 365.25) for r in world.pick("E2", "fire_155mm")]}
            marks["all"] = [_seen(r) for r in world.pick("E1", "fire_rate_total")]
            series.append(_monthly("E1", f"fire, {name}", "rounds/day", partial(per_day, group), marks.get(group, [])))
    lack = no_arrivals if fire is None else "nothing of it is observed"
    tests = [
        _test(
            "E1",
            "which_guns",
            "Soviet-calibre guns run short while 155 mm guns are supplied",
            "materiel counts only where launchers that fire it exist",
            "nats",
            which,
            missing=lack,
        ),
        _test(
            "E1",
            "fire_total",
            "Total fire of Ukraine's guns",
            "little: what arrived is given, so that all forms foretell nearly the same total",
            "ln rounds/day",
            totals,
            missing=lack,
        ),
        _test(
            "E2",
            "share_155",
            "155 mm share of fire and of documented gun losses",
            "fire follows the shells of a calibre, not the tubes",
            "share",
            shares,
            missing=lack,
        ),
    ]
    return tests, series


def _losses(world: _World, row: Sighting) -> int:
    """Documented losses behind a share; 100 where they are not given."""
    total = sum(r.value for r in world.pick("E2", "tubes_lost_documented") if (r.start, r.end) == (row.start, row.end))
    return round(total) or 100


def _rockets(world: _World) -> tuple[list[Trial], list[Series]]:
    """E3: whether rockets or launchers bind."""
    table = world.register.table("transfers")
    rows = table[(table["recipient"] == "UKR") & (table["materiel_id"] == "gmlrs") & (table["measure"] == "delivered")]
    events = []
    flags = [r for r in world.pick("E3", "launchers_sufficient_rockets_binding") if world.scores(r)]
    if len(rows) and flags:
        weeks = max(_week(r.period_to or r.as_of, last=True) for r in rows.itertuples()) - _week("2022-06-23")
        inflow = float(rows["mode"].sum()) / weeks * world.draws["natural.rockets"]
        soviet = max((r.value for r in world.pick("E1", "rocket_launchers_prewar")), default=0.0)
        for row in flags:
            own = [r for r in world.pick("E3", "launchers_in_service") if _week(r.end) <= _week(row.end) + 1]
            fitting = max((r.value for r in own), default=19.0)
            rate = world.draws["rate.rocket"]
            fits = float((fitting * rate > inflow).mean())
            chance: dict[Form, float] = {
                "graded": fits,
                "hard": fits,
                "rival": float(((fitting + soviet) * rate > inflow).mean()),
            }
            events.append(_flag_event(row, f"rockets bind, {row.end[:7]}", row.value == 1.0, chance))
    test = _test(
        "E3",
        "rockets_bind",
        "With nineteen launchers of one rocket family, rockets and not launchers are short",
        "nothing that separates: a launcher of every kind would make rockets shorter still",
        "nats",
        events,
        missing="no rocket deliveries, or nothing of it is observed",
    )
    return [test], []


def _ballistic(world: _World) -> tuple[list[Trial], list[Series]]:
    """E4: share of ballistic missiles stopped, by the share of cruise missiles of the same months and by what fits."""
    d = world.draws
    active = [_week(r.start) for r in world.pick("E4", "patriot_first_battery_active")]
    rows = world.pick("E4", "intercept_share_by_target_class")
    ballistic = _apart(world, "E4", "intercept_share_by_target_class", "ballistic")
    cruise = [r for r in rows if r.subject.startswith("cruise") and r.cases]
    kill = 1 - (1 - _SHOT) ** d["shots.bmd"]
    after = d["natural.engaged"] * kill

    def other(start: str, end: str) -> F64:
        """Cruise share of the same days, or of the nearest period, as a Beta."""
        middle = (_week(start) + _week(end, last=True)) / 2
        row = min(cruise, key=lambda r: abs((_week(r.start) + _week(r.end, last=True)) / 2 - middle))
        x, n = cast(tuple[int, int], row.cases)
        found: F64 = special.betaincinv(x + 1.0, n - x + 1.0, np.clip(d["natural.cruise_spread"], 1e-6, 1 - 1e-6))
        return found

    def present(start: str, end: str) -> float:
        a, b = _week(start), _week(end, last=True) + 1 / _WEEK
        return float(np.clip((b - min(active)) / (b - a), 0, 1))

    def share(form: Form, start: str, end: str) -> F64:
        if form == "rival":
            return other(start, end)
        on = present(start, end)
        return np.asarray(on * (after if form == "graded" else other(start, end)) + (1 - on) * d["natural.claims"])

    events, series = [], []
    if active and cruise:
        for i, row in enumerate(ballistic):
            cases = row.cases[1] if row.cases else 30
            got = {f: world.sampled(share(f, row.start, row.end), cases, i + 20) for f in FORMS}
            on = present(row.start, row.end)
            engaged = on * d["engage.euro_atlantic.bmd"] * kill + (1 - on) * d["natural.claims"]
            controls = {_INFORMED["engaged"]: world.sampled(engaged, cases, i + 20)}
            events.append(_crps_event(row, f"{row.start} to {row.end}", got, row.value, log=False, controls=controls))
        months = [m for m in MONTHS if m >= "2022-10"]
        shown = [*world.pick("E4", "intercept_share_by_month"), *rows]
        seen = [_seen(r) for r in shown if r.subject.startswith("ballistic")]
        series.append(_monthly("E4", "ballistic missiles stopped", "share", lambda f, m: share(f, m, m), seen, months))
    test = _test(
        "E4",
        "ballistic_share",
        "Ballistic missiles stopped before and after the first battery that can",
        "interceptors count only where a launcher and a family fit the target",
        "share",
        events,
        missing="no date of the first battery, no cruise share of the same months, or nothing of it is observed",
    )
    return [test], series


DelayClass = Literal["known", "new", "pair"]
_KNOWN = re.compile(r"MiG|Su-2|Su-25|S-300|S-125|Buk|Kub|152|122|130|M270|HIMARS|GMLRS|T-72|Mi-\d", re.IGNORECASE)


def delay_class(row: Sighting) -> DelayClass:
    """known: a type or family that the user fires already; new: a system that comes whole; pair: a weapon on a foreign launcher."""
    if re.search(r"\bon\b", row.subject) or row.experiment in ("E5", "E8"):
        return "pair"
    return "known" if _KNOWN.search(row.subject) else "new"


def _delay_rows(world: _World) -> list[Sighting]:
    """Lead times of systems, weapons and rounds into use. That of E9 is the building of a line, which is not fit."""
    return [
        r
        for r in world.rows
        if r.role in ("fit", world.phase)
        and r.unit in _WEEKS_OF
        and r.experiment != "E9"
        and re.search(r"lead_time|decision_to_arrival", r.metric)
    ]


def _delays(world: _World) -> tuple[list[Trial], list[Series]]:
    """E3 to E8: weeks from decision or request to use, by whether the type is known, new, or a weapon on a foreign launcher."""
    d = world.draws
    actors = world.register.table("actors").set_index("actor_id")["home_theater"]
    rows = _delay_rows(world)
    observed = [(r, delay_class(r), r.value * _WEEKS_OF[r.unit]) for r in rows]
    fires = world.register.table("fires")
    stated = fires[(fires["path"] == "after_integration") & (fires["kind"] == "fact")]
    titles = {
        "E3": "A third launcher of one rocket family, from decision to arrival",
        "E4": "New air defence systems, from announcement to use",
        "E5": "Foreign missiles on own launchers, from request to first success",
        "E6": "Foreign rounds of an own calibre, from shipment to the front",
        "E7": "Aircraft, from decision to delivery",
        "E8": "Foreign missiles on own aircraft, from the start of the work to use",
    }
    per: dict[str, list[tuple[Scored, F64, F64]]] = {e: [] for e in titles}
    for i, (row, kind, weeks) in enumerate(observed):
        if not world.scores(row):
            continue
        donor = re.split(r"[+/, ]", row.donor)[0]
        near = donor in actors.index and actors[donor] == "euro_atlantic"
        lag = d["lag.near"] if near else d["lag.far"]
        wait = d["friction.weeks.shared"] if kind == "known" else d["natural.integration"]
        raw: dict[Form, F64] = {
            "graded": lag + wait,
            "hard": lag if kind != "pair" else np.full_like(lag, HORIZON_WEEKS),
            "rival": lag,
        }
        noise = [None if v is None else v * _WEEKS_OF[row.unit] for v in (row.low, row.high)]
        in_weeks = replace(row, low=noise[0], high=noise[1])
        got = {f: world.noisy(x, in_weeks, "level", i + 30) for f, x in raw.items()}
        controls = {}
        others = [math.log(w) for r, k, w in observed if r.experiment != row.experiment and (k == "known") == (kind == "known")]
        if len(others) > 1:
            controls[_INFORMED["others"]] = _reference_class(others, d["natural.integration"])
        if kind == "new":
            controls[_INFORMED["weeks"]] = world.noisy(lag + d["friction.weeks.unshared"], in_weeks, "level", i + 30)
        elif row.experiment == "E5" and len(stated):
            low, mode, high = (float(stated.iloc[0][c]) for c in ("weeks_low", "weeks_mode", "weeks_high"))
            pair = _pert(low, mode, high, d["natural.sample"])
            controls[_INFORMED["weeks"]] = world.noisy(pair, in_weeks, "level", i + 30)
        event = _crps_event(row, f"{row.subject} ({row.donor})", got, weeks, log=True, controls=controls)
        if row.experiment in per:
            per[row.experiment].append((event, got["hard"], got["rival"]))
    tests, series = [], []
    informed = {"E7": "that known types take weeks (friction.weeks.shared) is a judgement that rests on such episodes"}
    for experiment, title in titles.items():
        found = per[experiment]
        events = [e for e, _, _ in found]
        tests.append(
            _test(
                experiment,
                "delay",
                title,
                "what fits is usable in weeks, what does not costs time",
                "ln weeks",
                events,
                informed=informed.get(experiment, "") if events else "",
            )
        )
        if events:
            hard, rival = ([float(np.median(x)) for x in each] for each in ([h for _, h, _ in found], [r for _, _, r in found]))
            series.append(_by_event(experiment, "weeks into use", "weeks", events, hard, rival))
    pooled = [(experiment, e) for experiment, found in per.items() for e, _, _ in found]
    tests.append(
        _test(
            "all",
            "delays",
            "Weeks into use over all experiments",
            "a delay, by whether the type is known",
            "ln weeks",
            [e for _, e in pooled],
            groups=[experiment for experiment, _ in pooled],
        )
    )
    return tests, series


def _reference_class(logs: Sequence[float], like: F64) -> F64:
    """Delays of the other experiments as a Student t in ln weeks, weeks; its spread never below a factor of e to the half."""
    n = len(logs)
    mean, sd = float(np.mean(logs)), max(0.5, float(np.std(logs, ddof=1)))
    rank = (np.argsort(np.argsort(like, kind="stable"), kind="stable") + 0.5) / len(like)
    # A thousand weeks bounds the tails of a t with few degrees of freedom.
    out: F64 = np.exp(np.clip(mean + sd * math.sqrt(1 + 1 / n) * special.stdtrit(n - 1, rank), -7, 7))
    return out


def _foreign_rounds(world: _World) -> tuple[list[Trial], list[Series]]:
    """E6: share of Russian fire from North Korea, and when stored 130 mm guns came out."""
    d = world.draws
    # The year of the first observation; a later year in a user's file is no second source of the same rounds.
    own = sum(r.value for metric in ("production_152", "production_122") for r in world.pick("E6", metric)[:1])
    shares: list[Scored] = []
    if own > 0 and len(_rates(world)):
        rest = own + d["natural.rus_from_stock"]
        fits = d["interchange.gun_152mm"] * (1 - d["friction.loss.unshared"])
        forms: dict[Form, F64] = {"graded": fits, "hard": np.ones_like(fits), "rival": np.ones_like(fits)}
        sent = _rounds_sent(world)
        got = {f: c * sent / (rest + c * sent) for f, c in forms.items()}
        for i, row in enumerate(r for r in world.pick("E6", "share_of_fire_from_PRK") if world.scores(r)):
            noisy = {f: world.noisy(x, row, "share", i + 50) for f, x in got.items()}
            shares.append(_crps_event(row, row.end[:7], noisy, row.value, log=False))
    dated = [r for r in world.pick("E6", "storage_guns_withdrawn") if r.role in ("fit", world.phase)]
    counts = sorted(dated, key=lambda r: r.end)
    first = min((_week(r.start) for r in world.pick("E6", "containers_shipped")), default=None)
    timing: list[Scored] = []
    if len(counts) > 1 and first is not None:
        final = counts[-1]
        usable = first + d["lag.far"] + d["friction.weeks.unshared"]
        for row in (r for r in counts[:-1] if world.scores(r) or world.scores(final)):
            at, end = _week(row.end), _week(final.end)
            graded = np.clip((at - usable) / np.maximum(1.0, end - usable), 0, 1)
            hard = np.clip((at - first - d["lag.far"]) / np.maximum(1.0, end - first - d["lag.far"]), 0, 1)
            rival = np.full_like(graded, at / end)
            draws: dict[Form, F64] = {"graded": graded, "hard": hard, "rival": rival}
            timing.append(_crps_event(row, f"withdrawn by {row.end[:7]}", draws, row.value / final.value, log=False))
    return [
        _test(
            "E6",
            "share_of_fire",
            "Share of Russian fire with North Korean rounds",
            "rounds of an own calibre count at once, less what does not work",
            "share",
            shares,
        ),
        _test(
            "E6",
            "stored_guns",
            "Stored 130 mm guns come out when a foreign round for them exists",
            "a gun counts only where rounds for it exist",
            "share of the last count",
            timing,
            missing="fewer than two dated counts, or no shipments",
        ),
    ], []


def _rates(world: _World) -> list[float]:
    """Estimates of the rounds that North Korea delivered, rounds a year, sorted: each total over the span that it covers."""
    table = world.register.table("transfers")
    rows = table[(table["supplier"] == "PRK") & (table["recipient"] == "RUS") & (table["measure"] == "delivered")]
    rows = rows[rows["materiel_id"].isin(("shell_any", "shell_152mm")) & rows["period_from"].notna() & rows["period_to"].notna()]
    spans = [(r.mode, (_week(r.period_to, last=True) - _week(r.period_from)) / 52.18) for r in rows.itertuples()]
    return sorted(mode / years for mode, years in spans if years > 0.2)


def _rounds_sent(world: _World) -> F64:
    """Rounds a year between the least and the highest of the estimates, their median as mode, (futures,)."""
    rates = _rates(world)
    return _pert(rates[0], float(np.median(rates)), rates[-1], world.draws["natural.rounds_sent"])


def _within_calibre(world: _World) -> list[Trial]:
    """E9: whether rounds of one maker worked in guns of another, inside one calibre."""
    mean = float(world.draws["interchange.gun_155mm"].mean())
    chance: dict[Form, float] = {"graded": mean, "hard": 1.0, "rival": 1.0}
    events, done = [], set()
    for row in world.rows:
        pair = (row.experiment, row.metric, row.donor)
        if (row.experiment, row.metric) in FIT_WITHIN_CALIBRE and pair not in done:
            done.add(pair)
            if (row.role == "held") != (world.phase == "held"):
                continue
            events.append(_flag_event(row, f"{row.donor} {row.subject}", row.value > 0, chance))
    return [
        _test(
            "E9",
            "pairs",
            "Rounds of one maker in guns of another, inside one calibre",
            "interchange is a share inside one calibre",
            "nats",
            events,
        )
    ]


def _all_tests(world: _World, fire: Mapping[Form, _Fire] | None) -> tuple[list[Trial], list[Series]]:
    parts = [_guns(world, fire), *(part(world) for part in (_rockets, _ballistic, _delays, _foreign_rounds))]
    tests = [t for found, _ in parts for t in found] + _within_calibre(world)
    return tests, [s for _, found in parts for s in found]


def _as_later(test: Trial) -> Trial:
    """The same test on rows of a user's file, under a name of its own."""
    case = replace(test.case, case=f"{test.case.case}.held", title=f"{test.case.title}, later observations")
    return replace(test, case=case)


def natural_experiments(register: Register, extra_rows: Sequence[Sighting] | None = None) -> NaturalExperiments:
    """Score the nine experiments with the rows of the register and, where given, later rows (`read_sightings`).

    Deterministic. Later rows are scored apart, under names that end in `.held`; nothing is refitted. A later row that the
    register holds already is taken once. Raises `InputError` where the register lacks a
    prior that the experiments need.
    """
    rows = _from_register(register)
    known = {r.same() for r in rows}
    extra = [r for r in extra_rows or () if r.same() not in known]
    world = _World(register, tuple(rows + extra), _draw(register))
    fire = _fire(world)
    tests, series = _all_tests(world, fire)
    if any(r.scored for r in extra):
        later, _ = _all_tests(replace(world, phase="held"), fire)
        tests += [_as_later(t) for t in later if t.events]
    order = {e: i for i, e in enumerate((*EXPERIMENTS, "all"))}
    tests.sort(key=lambda t: order[t.experiment])
    series.sort(key=lambda s: order[s.experiment])
    used = {e.event for t in tests for e in t.events}
    unused = tuple(
        f"{r.experiment} {r.metric} {r.subject} {r.end}: no test scores it" for r in extra if r.scored and r.event not in used
    )
    return NaturalExperiments(tuple(tests), tuple(series), unused)


def natural_cases(register: Register, extra_rows: Sequence[Sighting] | None = None) -> list[Case]:
    """Cases of the nine experiments; `natural_experiments` gives the events and series behind them."""
    return natural_experiments(register, extra_rows).cases


def _draw(register: Register) -> dict[str, F64]:
    table: pd.DataFrame = register.table("uncertainties").set_index("uncertainty_id")
    lacking = [name for name in REGISTER_PRIORS if name not in table.index]
    if lacking:
        raise InputError(
            [
                Problem("uncertainties.csv", None, "uncertainty_id", "no such row", name, "the natural experiments need this row")
                for name in lacking
            ]
        )
    stated = [
        Uncertainty(name, r["shape"], float(r["low"]), float(r["mode"]), float(r["high"]), r["unit"], r["kind"])
        for name in REGISTER_PRIORS
        for r in [table.loc[name]]
    ]
    return Design((*stated, *PRIORS), SEED).draw(0, FUTURES)
