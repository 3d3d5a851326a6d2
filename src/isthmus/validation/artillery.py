"""The artillery war in Ukraine as a hindcast: arrivals in, rounds fired out, held against observed rates.

Model, per week and pool of ammunition (all of Russia's; Ukraine's 155 mm; Ukraine's Soviet calibres), in rounds:

    F <- F + (arrivals - F) / 13                    smoothed arrivals
    R  = F + max(0, Q - reserve) / T                planned use: armies ration
    R  = max(R, min(F + Q / T, 0.4 need))           the reserve is released when starved
    U  = min(R, need, Q)                            use; Q falls by it

These are steps 4 to 6 of the campaign (docs/model.md, section 7) with observed arrivals in place of orders. A need holds where one
is stated: Ukraine's from 2023 on. Observation: log y = log(U + m of the basis) + error; errors are shared by speaker, pass within
months (tempo) or last (drift), side by side. Everything that is not observed is a declared prior: data/validation/artillery_priors.csv.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from isthmus.ensemble.design import Design
from isthmus.ensemble.uncertainty import Uncertainty
from isthmus.errors import InputError, Problem
from isthmus.register.register import Register
from isthmus.validation import scores
from isthmus.validation.calibration import (
    ErrorModel,
    Evaluate,
    Frozen,
    Particles,
    digest,
    effective_size,
    frozen_path,
    given_the_rest,
    identifiability,
    log_likelihood,
    normalised,
    read_priors,
    sample,
)
from isthmus.validation.case import Case
from isthmus.validation.observations import FIT_END, Observation, ObservationFile, register_observations, stream

F64 = npt.NDArray[np.float64]
Form = Literal["full", "minimal", "constant", "no_reserve", "no_need", "no_smoothing"]

START: Final = date(2022, 2, 24)
SIDES: Final = ("RUS", "UKR")
POOLS: Final = ("RUS.all", "UKR.155mm", "UKR.soviet")
FROZEN: Final = frozen_path("artillery_prior.json")

DRAWS: Final = 1024
"""Draws of the prior, and particles of each fit; a power of two."""
LEAST_EFFECTIVE: Final = 200.0
"""Effective draws below which a fit without an event draws anew."""
ERRORS: Final = 8
"""Errors of observation that are drawn for each draw."""
KEPT: Final = 512
"""Draws of the posterior that are frozen."""
SEED: Final = 20220224

SMOOTHING_WEEKS: Final = 13.0
STARVED: Final = 0.4
"""Share of need below which a side is starved, as in the campaign."""
SPELL_WEEKS: Final = 13
TEMPO_YEARS: Final = 0.25
"""Time over which what the equations leave out for some months is forgotten."""
LEAST_USE: Final = 100.0
"""Rounds a week below which a logarithm is not taken."""
LEVEL_WEEKS: Final = 26
"""Weeks over which a donor's level is measured where his arrivals are continued."""
ORIGINS: Final = (date(2022, 9, 1), date(2023, 3, 1))
"""Origins of the forecast block inside the fit window; rows after the window are forecast from its end."""
GAP_SHARE: Final = 0.5
"""A supply gap: mean use of a side's main pool below this share of its best 13 weeks before."""
LEAST_EVENTS: Final = 3
"""Events below which no verdict is given."""
RIVALS: Final = ("persistence", "mean", "mass_balance")
_FAMILY = {"gun_155mm": "155mm", "gun_105mm": "155mm", "gun_152mm": "soviet", "gun_122mm": "soviet"}
_MIXED = "ammunition_mixed"

PRIORS: Final = read_priors(frozen_path("artillery_priors.csv"))
"""Everything that is not observed, each with its reason; reserves, weeks and shares as in the campaign's equations."""


@dataclass(frozen=True)
class Supply:
    """Monthly arrivals as weekly rates, donor by donor.

    `low`, `mode`, `high`: rounds a week, shape (donors, weeks); zero after `known[donor]`, the first week without a row.
    """

    donors: tuple[tuple[str, str, str], ...]
    """Supplier, recipient, ammunition: 155mm, soviet, mixed."""
    low: F64
    mode: F64
    high: F64
    known: tuple[int, ...]
    end: date
    """Last day of the last month with a row."""
    hash: str
    """Over the rows of months inside the fit window."""

    @property
    def weeks(self) -> int:
        return int(self.mode.shape[1])


@dataclass(frozen=True)
class Scored:
    """Scores of one block on the same rows, averaged to one number per event and actor."""

    block: Literal["conditional", "forecast"]
    rows: tuple[Observation, ...]
    """One per unit, its first row."""
    observed: F64
    low: F64
    median: F64
    high: F64
    """Rounds a week, or the ratio; shape (units,)."""
    crps: F64
    interval: F64
    rival_crps: Mapping[str, F64]
    rival_interval: Mapping[str, F64]
    effective: float
    """Least effective number of draws behind a unit."""

    def only(self, keep: npt.NDArray[np.bool_]) -> Scored:
        """The units where `keep` holds."""
        return Scored(
            block=self.block,
            rows=tuple(r for r, k in zip(self.rows, keep, strict=True) if k),
            observed=self.observed[keep],
            low=self.low[keep],
            median=self.median[keep],
            high=self.high[keep],
            crps=self.crps[keep],
            interval=self.interval[keep],
            rival_crps={name: v[keep] for name, v in self.rival_crps.items()},
            rival_interval={name: v[keep] for name, v in self.rival_interval.items()},
            effective=self.effective,
        )


@dataclass(frozen=True)
class ArtilleryResult:
    """Everything that the hindcast found."""

    cases: tuple[Case, ...]
    months: tuple[str, ...]
    series: Mapping[str, F64]
    """Side (RUS, UKR) and "UKR.155mm" -> 5%, 50%, 95% of rounds a day on the narrow basis, shape (3, months), true arrivals given."""
    rows: tuple[dict[str, Any], ...]
    """One per scored event, actor and block: what was observed and what the model gave, in rounds a day or as a ratio."""
    unscored: tuple[Observation, ...]
    parsimony: tuple[dict[str, Any], ...]
    identifiability: tuple[dict[str, Any], ...]
    outcome_rule: tuple[dict[str, float], ...]
    """r* -> shares of draws: undecided, defence unsustained, attack unsustained."""
    frozen_hash: str
    stale: tuple[str, ...]
    """Inputs of the frozen fit that have changed since; empty where it still holds."""
    until: date
    extrapolated_from: date
    """Last day with arrivals; later months continue them by the stated rule."""


@dataclass(frozen=True)
class Draws:
    """Parameters of an ensemble: name -> (n,), and the draw of the prior that each is."""

    values: Mapping[str, F64]
    index: npt.NDArray[np.int64]

    @property
    def n(self) -> int:
        return len(self.index)

    def uniform(self, key: str, low: float = 0.0, high: float = 1.0) -> F64:
        """One number per draw that depends on the key and the draw only, whatever else is drawn."""
        rng = np.random.default_rng([SEED, zlib.crc32(key.encode())])
        return np.asarray(low + (high - low) * rng.random(DRAWS)[self.index])

    def normal(self, key: str, columns: int = 1) -> F64:
        """Standard normal numbers, (n, columns); a longer row begins like a shorter one."""
        found = np.empty((columns, self.n))
        rng = np.random.default_rng([SEED + 1, zlib.crc32(key.encode())])
        for c in range(columns):
            found[c] = rng.standard_normal(DRAWS)[self.index]
        return found.T


def prior_draws() -> Draws:
    """Draws of the prior, always the same."""
    return Draws(Design(PRIORS, SEED).draw(0, DRAWS), np.arange(DRAWS))


def _from_scores(design: Design, normal: F64) -> Draws:
    points = np.clip(ndtr(normal), 1e-9, 1 - 1e-9)
    values = {name: design.by_name[name].quantile(points[:, i]) for i, name in enumerate(design.order)}
    return Draws(values, np.arange(len(normal)))


def week_of(day: date) -> int:
    """Week of the war in which a day lies, from 0."""
    return (day - START).days // 7


WINDOW: Final = week_of(FIT_END) + 1
"""Weeks of the fit window."""
NEED_FROM: Final = week_of(date(2023, 1, 1))
"""Week from which Ukraine's need caps its use: none is stated for 2022, when six weeks' stock was fired at parity."""


def supply(register: Register) -> Supply:
    """Weekly arrivals of artillery rounds from the register's table `arrivals`.

    Raises:
        InputError: where the table has no row for one of the two sides.
    """
    frame = register.table("arrivals")
    materiel = register.table("materiel").set_index("materiel_id")
    family = materiel["family_id"].reindex(frame["materiel_id"]).to_numpy()
    calibre = np.array([_FAMILY.get(str(f), "mixed" if f == _MIXED else "") for f in family])
    rounds = np.array([str(m).startswith("shell") for m in frame["materiel_id"]], dtype=bool)
    use = frame["recipient"].isin(SIDES).to_numpy() & (calibre != "") & rounds & (frame["month"] >= f"{START:%Y-%m}").to_numpy()
    frame = frame.loc[use].assign(calibre=calibre[use])
    missing = [side for side in SIDES if not (frame["recipient"] == side).any()]
    if missing:
        raise InputError(
            [
                Problem(
                    "arrivals.csv", None, "recipient", "no row", f"artillery rounds for {side} by month", "no arrivals to run on"
                )
                for side in missing
            ]
        )
    end = _month_end(str(frame["month"].max()))
    weeks = week_of(end) + 1
    donors = sorted(
        {(str(s), str(r), str(c)) for s, r, c in zip(frame["supplier"], frame["recipient"], frame["calibre"], strict=True)}
    )
    place = {d: i for i, d in enumerate(donors)}
    rates = {level: np.zeros((len(donors), weeks)) for level in ("low", "mode", "high")}
    known = [0] * len(donors)
    for row in frame.to_dict("records"):
        d = place[(row["supplier"], row["recipient"], row["calibre"])]
        days = _days_by_week(str(row["month"]), weeks)
        for level, rate in rates.items():
            for week, share in days.items():
                rate[d, week] += share * float(row[level])
        known[d] = max(known[d], week_of(_month_end(str(row["month"]))) + 1)
    inside = frame.loc[
        frame["month"] <= f"{FIT_END:%Y-%m}", ["supplier", "recipient", "materiel_id", "month", "low", "mode", "high"]
    ]
    rows = sorted([str(v) if isinstance(v, str) else f"{v:g}" for v in row] for row in inside.itertuples(index=False))
    return Supply(tuple(donors), rates["low"], rates["mode"], rates["high"], tuple(known), end, digest(rows))


def _month_end(month: str) -> date:
    year, number = int(month[:4]), int(month[5:7])
    return date(year + number // 12, number % 12 + 1, 1) - timedelta(days=1)


def _days_by_week(month: str, weeks: int) -> dict[int, float]:
    """Week -> share of the month's days in it; days before the war fall away."""
    first, last = date.fromisoformat(month + "-01"), _month_end(month)
    count = (last - first).days + 1
    shares: dict[int, float] = {}
    for offset in range(count):
        day = first + timedelta(days=offset)
        if day >= START and week_of(day) < weeks:
            shares[week_of(day)] = shares.get(week_of(day), 0.0) + 1 / count
    return shares


@dataclass(frozen=True)
class World:
    """Arrivals of an ensemble at any origin: what is known to a week, and what is sampled after it."""

    supply: Supply
    desk: Mapping[str, Uncertainty]
    """Priors of donors' decisions, by name: desk.rho, desk.partner_past.gap, desk.partner_past.stop."""

    def arrivals(self, draws: Draws, weeks: int, origin: int | None = None, flatten_to: int | None = None) -> dict[str, F64]:
        """Rounds a week by pool, shape (draws, weeks).

        Args:
            weeks: length of the series.
            origin: week from which donors' decisions are sampled; None: from the last month known of each donor.
            flatten_to: where given, the total of the weeks before it comes at a constant rate, in every pool.
        """
        pools = {pool: np.zeros((draws.n, weeks)) for pool in POOLS}
        groups: dict[tuple[str, str, str], list[int]] = {}
        for d, (supplier, recipient, calibre) in enumerate(self.supply.donors):
            groups.setdefault(
                (recipient, calibre, "own" if supplier == recipient else "PRK" if supplier == "PRK" else "foreign"), []
            ).append(d)
        for (recipient, calibre, whose), members in groups.items():
            level = draws.values[f"level.{recipient}.{_source(recipient, calibre, whose)}"]
            less, more = np.maximum(0, 1 - 2 * level), np.maximum(0, 2 * level - 1)
            stops = [self.supply.known[d] if origin is None else min(origin, self.supply.known[d]) for d in members]
            low, mode, high = (self._cut(r, members, stops, weeks) for r in (self.supply.low, self.supply.mode, self.supply.high))
            rate = mode.sum(axis=0) + more[:, None] * (high - mode).sum(axis=0) - less[:, None] * (mode - low).sum(axis=0)
            for k, (d, stop) in enumerate(zip(members, stops, strict=True)):
                goes_on = stop == origin or (origin is None and not self._ended(d))
                if stop >= weeks or not goes_on:
                    continue
                recent = slice(max(0, stop - LEVEL_WEEKS), stop)
                size = mode[k, recent].mean() + more * (high - mode)[k, recent].mean() - less * (mode - low)[k, recent].mean()
                if np.any(size > 0):
                    rate[:, stop:] += size[:, None] * self._ahead(draws, self.supply.donors[d][0], recipient, stop, weeks - stop)
            if whose == "PRK":
                rate *= draws.values["usable.PRK"][:, None]
            if recipient == "RUS":
                pools["RUS.all"] += rate
            elif calibre == "mixed":
                share = draws.values["mixed.155mm"][:, None]
                rate *= draws.values["mixed.gun"][:, None]
                pools["UKR.155mm"] += share * rate
                pools["UKR.soviet"] += (1 - share) * rate
            else:
                pools[f"UKR.{calibre}"] += rate
        if flatten_to is not None:
            cut = min(flatten_to, weeks)
            for rate in pools.values():
                rate[:, :cut] = rate[:, :cut].mean(axis=1, keepdims=True)
        return pools

    @staticmethod
    def _cut(rates: F64, members: Sequence[int], stops: Sequence[int], weeks: int) -> F64:
        """Rates of some donors to the week in which each stops to be known, (members, weeks)."""
        out = np.zeros((len(members), weeks))
        for k, (d, stop) in enumerate(zip(members, stops, strict=True)):
            end = min(stop, weeks)
            out[k, :end] = rates[d, :end]
        return out

    def _ended(self, donor: int) -> bool:
        """Whether a donor's rows end more than half a year before the last month of his recipient: he then counts as done."""
        recipient = self.supply.donors[donor][1]
        last = max(k for k, d in zip(self.supply.known, self.supply.donors, strict=True) if d[1] == recipient)
        return last - self.supply.known[donor] > LEVEL_WEEKS

    def _ahead(self, draws: Draws, supplier: str, recipient: str, origin: int, weeks: int) -> F64:
        """What comes after the origin as a share of the level before it, (draws, weeks)."""
        own = supplier == recipient
        speed = draws.values["ahead.own" if own else "ahead.foreign"]
        steps = draws.normal(f"walk|{recipient}|{'own' if own else 'foreign'}|{origin}", weeks)
        level = np.exp(speed[:, None] * np.cumsum(steps, axis=1) / np.sqrt(52.18))
        if own:
            return np.asarray(level)
        rho = self.desk["desk.rho"].quantile(draws.uniform(f"rho|{recipient}"))
        common = draws.normal(f"hesitation|{recipient}|{origin}")[:, 0]
        alone = draws.normal(f"hesitation|{supplier}|{recipient}|{origin}")[:, 0]
        hesitant = np.clip(ndtr(np.sqrt(rho) * common + np.sqrt(1 - rho) * alone), 1e-6, 1 - 1e-6)
        gap = np.maximum(1.0, self.desk["desk.partner_past.gap"].quantile(hesitant))
        chance = self.desk["desk.partner_past.stop"].quantile(draws.uniform(f"stop|{supplier}|{recipient}"))
        stops = -np.log(hesitant) / np.maximum(1e-9, chance * 12 / 52.18)
        first = gap * draws.uniform(f"first|{supplier}|{recipient}|{origin}")
        t = np.arange(weeks + 1)
        decided = np.maximum(0, np.floor((np.minimum(t, stops[:, None]) - first[:, None]) / gap[:, None]) + 1) * gap[:, None]
        return np.asarray(np.diff(decided, axis=1) * level)


def _source(recipient: str, calibre: str, whose: str) -> str:
    """Which `level` of the priors an arrival shares: own or foreign output for Russia, 155 mm or other for Ukraine."""
    if recipient == "RUS":
        return "own" if whose == "own" else "foreign"
    return "155mm" if calibre == "155mm" else "other"


def desk_priors(register: Register) -> dict[str, Uncertainty]:
    """Priors of donors' decisions that the forecast needs. Raises `InputError` where the register lacks one."""
    frame = register.table("uncertainties").set_index("uncertainty_id")
    names = ("desk.rho", "desk.partner_past.gap", "desk.partner_past.stop")
    lacking = [n for n in names if n not in frame.index]
    if lacking:
        raise InputError(
            [Problem("uncertainties.csv", None, "uncertainty_id", "no row", n, f"'{n}' is missing") for n in lacking]
        )
    return {
        n: Uncertainty(n, r["shape"], float(r["low"]), float(r["mode"]), float(r["high"]), r["unit"], r["kind"])
        for n, r in frame.loc[list(names)].to_dict("index").items()
    }


def simulate(draws: Mapping[str, F64], arrivals: Mapping[str, F64], form: Form = "full") -> dict[str, F64]:
    """Rounds fired a week by pool.

    Args:
        draws: parameters of `PRIORS`, each (n,).
        arrivals: pool of `POOLS` -> rounds a week, (n, weeks).
        form: full: the equations of the module. minimal: U = F + Q / T. constant: stock and arrivals at one constant rate.
            no_reserve, no_need, no_smoothing: full without one equation.

    Returns:
        pool -> (n, weeks), rounds a week.
    """
    n, weeks = next(iter(arrivals.values())).shape
    stock = {"RUS.all": draws["stock.RUS"], "UKR.155mm": np.zeros(n), "UKR.soviet": draws["stock.UKR.soviet"]}
    if form == "constant":
        return {p: np.repeat(((stock[p] + a.sum(axis=1)) / weeks)[:, None], weeks, axis=1) for p, a in arrivals.items()}
    held = {p: s.copy() for p, s in stock.items()}
    smooth = {p: arrivals[p][:, :4].mean(axis=1) for p in POOLS}
    use = {p: np.zeros((n, weeks)) for p in POOLS}
    reserves = 0.0 if form in ("minimal", "no_reserve") else 1.0
    capped = form not in ("minimal", "no_need")
    for t in range(weeks):
        planned, starved = {}, {}
        for p in POOLS:
            side = p[:3]
            come = arrivals[p][:, t]
            held[p] += come
            smooth[p] = come if form == "no_smoothing" else smooth[p] + (come - smooth[p]) / SMOOTHING_WEEKS
            keep = reserves * draws[f"reserve.{side}"] * stock[p]
            planned[p] = smooth[p] + np.maximum(0, held[p] - keep) / draws[f"plan.{side}"]
            starved[p] = smooth[p] + held[p] / draws[f"plan.{side}"]
        if capped and t >= NEED_FROM:
            need = draws["need.UKR"]
            wanted = planned["UKR.155mm"] + planned["UKR.soviet"]
            reach = starved["UKR.155mm"] + starved["UKR.soviet"]
            target = np.minimum(need, np.maximum(wanted, np.minimum(reach, STARVED * need)))
            for p in ("UKR.155mm", "UKR.soviet"):
                planned[p] = planned[p] * target / np.maximum(1e-9, wanted)
        for p in POOLS:
            use[p][:, t] = np.minimum(planned[p], held[p])
            held[p] -= use[p][:, t]
    return use


def observed_log(use: Mapping[str, F64], draws: Mapping[str, F64], rows: Sequence[Observation]) -> F64:
    """Log of what each row would show without error, (n, rows). Rows must end before the series does."""
    found = []
    for row in rows:
        window = slice(max(0, week_of(row.start)), week_of(row.end) + 1)
        rus = use["RUS.all"][:, window].mean(axis=1)
        west = use["UKR.155mm"][:, window].mean(axis=1)
        ukr = west + use["UKR.soviet"][:, window].mean(axis=1)
        share = draws["beyond.in_ratio"]
        what = stream(row)
        if what == "ratio":
            value = np.log(np.maximum(LEAST_USE, rus + share * draws["beyond.RUS"])) - np.log(
                np.maximum(LEAST_USE, ukr + share * draws["beyond.UKR"])
            )
            found.append(value)
            continue
        level = {
            "RUS.narrow": rus,
            "RUS.broad": rus + draws["beyond.RUS"],
            "UKR.narrow": ukr,
            "UKR.broad": ukr + draws["beyond.UKR"],
            "UKR.155mm": west,
        }[str(what)]
        found.append(np.log(np.maximum(LEAST_USE, level)))
    return np.stack(found, axis=1)


def error_model(rows: Sequence[Observation]) -> ErrorModel:
    """Shared errors of rows: by speaker within a stream, and a drift of each side since the start of the war."""
    streams = [str(stream(r)) for r in rows]
    side = [s.split(".")[0] for s in streams]
    years = np.array([max(0.02, (r.middle - START).days / 365.25) for r in rows])
    n = len(rows)
    speaker = np.zeros((n, n))
    drift = np.zeros((n, n))
    tempo = {name: np.zeros((n, n)) for name in SIDES}
    for i in range(n):
        for j in range(n):
            speaker[i, j] = streams[i] == streams[j] and rows[i].speaker == rows[j].speaker
            if side[i] != side[j]:
                continue
            both = streams[i].endswith("broad") and streams[j].endswith("broad")
            drift[i, j] = min(years[i], years[j]) * (2.0 if both or side[i] == "ratio" else 1.0)
            for name in SIDES if side[i] == "ratio" else (side[i],):
                tempo[name][i, j] = np.exp(-abs(years[i] - years[j]) / TEMPO_YEARS)
    return ErrorModel({"row": np.eye(n), "speaker": speaker, "drift": drift, **{f"tempo.{k}": v for k, v in tempo.items()}})


def _errors(draws: Mapping[str, F64]) -> dict[str, F64]:
    return {name: draws[f"error.{name}"] for name in ("row", "speaker", "drift", "tempo.RUS", "tempo.UKR")}


@dataclass(frozen=True)
class Posterior:
    """A fit: draws, what they give for every row of the window, and their weights; None where these are equal."""

    draws: Draws
    logs: F64
    """(draws, rows)."""
    weights: F64 | None

    @property
    def effective(self) -> float:
        return float(self.draws.n) if self.weights is None else effective_size(self.weights)


@dataclass
class Variant:
    """One form of the model, fitted to the fit window. Every form is fitted in the same way, so that none has better draws."""

    world: World
    fitted: tuple[Observation, ...]
    """Rows of the fit window that are scored, flags left out."""
    form: Form = "full"
    flat: bool = False
    """Whether arrivals of the window come at a constant rate."""

    @cached_property
    def observed(self) -> F64:
        return np.log([r.weekly() for r in self.fitted])

    @cached_property
    def errors(self) -> ErrorModel:
        return error_model(self.fitted)

    def arrivals(self, draws: Draws) -> dict[str, F64]:
        """Of the fit window."""
        return self.world.arrivals(draws, WINDOW, flatten_to=WINDOW if self.flat else None)

    def logs(self, draws: Draws) -> F64:
        return observed_log(simulate(draws.values, self.arrivals(draws), self.form), draws.values, self.fitted)

    def _likelihood(self, draws: Draws, modelled: F64, rows: Sequence[int]) -> F64:
        keep = np.asarray(rows)
        covariance = self.errors.covariance(_errors(draws.values))[:, keep[:, None], keep[None, :]]
        return log_likelihood((self.observed - modelled)[:, keep], covariance)

    @cached_property
    def design(self) -> Design:
        return Design(PRIORS, SEED)

    def _evaluate(self, rows: Sequence[int]) -> Evaluate:
        def evaluate(normal: F64) -> tuple[F64, F64]:
            draws = _from_scores(self.design, normal)
            logs = self.logs(draws)
            return self._likelihood(draws, logs, rows), logs

        return evaluate

    @cached_property
    def _whole(self) -> Particles:
        normal = ndtri(self.design.probabilities(0, DRAWS))
        return sample(self._evaluate(range(len(self.fitted))), normal, np.random.default_rng(SEED))

    def given(self, rows: Sequence[int]) -> Posterior:
        """Fit to some rows only."""
        normal = ndtri(self.design.probabilities(0, DRAWS))
        return self._posterior(sample(self._evaluate(rows), normal, np.random.default_rng(SEED)))

    def _posterior(self, found: Particles, weights: F64 | None = None) -> Posterior:
        return Posterior(_from_scores(self.design, found.normal), found.logs, weights)

    @cached_property
    def draws(self) -> Draws:
        """Equally weighted draws of the fit to all rows."""
        return _from_scores(self.design, self._whole.normal)

    @cached_property
    def _rest(self) -> dict[str, F64]:
        covariance = self.errors.covariance(_errors(self.draws.values))
        return given_the_rest(self.observed - self._whole.logs, covariance, [str(r.event) for r in self.fitted])

    def without(self, event: str) -> Posterior:
        """Fit to all events but one: the whole fit weighted back, and moved on where few of its draws serve for that."""
        if event not in self._left:
            weights = normalised(-self._rest[event])
            if effective_size(weights) < LEAST_EFFECTIVE:
                rows = [i for i, r in enumerate(self.fitted) if r.event != event]
                rng = np.random.default_rng(SEED)
                self._left[event] = self._posterior(sample(self._evaluate(rows), self._whole.normal, rng, -self._rest[event]))
            else:
                self._left[event] = self._posterior(self._whole, weights)
        return self._left[event]

    @cached_property
    def _left(self) -> dict[str, Posterior]:
        return {}

    def kept(self) -> Draws:
        """Some of the draws of the fit."""
        index = np.arange(KEPT) * (self.draws.n // KEPT)
        return Draws({name: v[index] for name, v in self.draws.values.items()}, index)

    def crps(self) -> F64:
        """Score of each row by the fit to all other events."""
        return np.array([self.row_scores(i)[0] for i in range(len(self.fitted))])

    def row_scores(self, i: int) -> tuple[float, float, tuple[float, float, float]]:
        given = self.without(str(self.fitted[i].event))
        variance = self.errors.variance(_errors(given.draws.values))
        return _row_scores(given.logs[:, i], variance[:, i], given.draws, self.fitted[i], given.weights)


@dataclass
class _Hindcast:
    """The case: the model, and its rivals and controls fitted to the same rows."""

    world: World
    fitted: tuple[Observation, ...]

    @cached_property
    def full(self) -> Variant:
        return Variant(self.world, self.fitted)

    @cached_property
    def others(self) -> dict[str, Variant]:
        return {
            "mass_balance": Variant(self.world, self.fitted, "constant"),
            "flattened": Variant(self.world, self.fitted, flat=True),
            "minimal": Variant(self.world, self.fitted, "minimal"),
        }


def _row_scores(
    modelled: F64, variance: F64, draws: Draws, row: Observation, weights: F64 | None
) -> tuple[float, float, tuple[float, float, float]]:
    """CRPS, interval score and quantiles in logs of one row; every draw has several errors, so that few draws do not look sure."""
    key = f"error|{row.metric}|{row.actor}|{row.start}|{row.end}|{row.basis}|{row.speaker}"
    sample = (modelled[:, None] + np.sqrt(variance)[:, None] * draws.normal(key, ERRORS)).ravel()
    every = None if weights is None else np.repeat(weights, ERRORS)
    y = float(np.log(row.weekly()))
    low, median, high = (float(q) for q in scores.quantiles(sample, (0.05, 0.5, 0.95), every))
    return float(scores.crps(sample, y, every)), float(scores.interval_score(low, high, y)), (low, median, high)


def _gaussian(mean: float, sd: float, row: Observation) -> tuple[float, float]:
    y = float(np.log(row.weekly()))
    z = 1.6448536269514722
    return float(scores.crps_normal(mean, sd, y)), float(scores.interval_score(mean - z * sd, mean + z * sd, y))


def _simple_rivals(row: Observation, known: Sequence[Observation]) -> dict[str, tuple[float, float]]:
    """Persistence and mean of what is known: CRPS and interval score of one row in logs.

    Persistence: the last known row of the same stream that ended before this one began, with the spread of steps between rows of a
    stream. Mean: of the known rows of the stream, with their spread. Without a row of the stream both take the side's rows.
    """
    what = str(stream(row))
    same = [r for r in known if stream(r) == what]
    side = [r for r in known if str(stream(r)).split(".")[0] == what.split(".")[0]] or list(known)
    pool = same or side
    other_basis = 0.0 if same else 0.5
    logs = np.array([np.log(r.weekly()) for r in pool])
    steps, levels = [], []
    for name in dict.fromkeys(str(stream(r)) for r in known):
        series = [
            np.log(r.weekly())
            for r in sorted((r for r in known if stream(r) == name), key=lambda r: (r.middle, r.observation_id))
        ]
        steps += list(np.diff(series))
        levels += list(np.asarray(series) - np.mean(series)) if len(series) > 1 else []
    step = max(0.1, float(np.sqrt(np.mean(np.square(steps))))) if steps else 0.5
    level = max(0.1, float(np.std(levels, ddof=1))) if len(levels) > 1 else 0.5
    before = [r for r in pool if r.end < row.start]
    last = max(before, key=lambda r: (r.end, r.observation_id)) if before else None
    start = float(np.log(last.weekly())) if last is not None else float(logs.mean())
    return {
        "persistence": _gaussian(start, float(np.hypot(step, other_basis)), row),
        "mean": _gaussian(float(logs.mean()), float(np.hypot(level * np.sqrt(1 + 1 / len(pool)), other_basis)), row),
    }


class _Collector:
    """Scores of rows, gathered and then averaged to one number per event and actor."""

    def __init__(self, block: Literal["conditional", "forecast"]) -> None:
        self.block = block
        self.entries: list[tuple[Observation, float, float, tuple[float, float, float], dict[str, tuple[float, float]]]] = []
        self.effective = float("inf")

    def add(
        self,
        row: Observation,
        own: tuple[float, float, tuple[float, float, float]],
        rivals: dict[str, tuple[float, float]],
        effective: float,
    ) -> None:
        self.entries.append((row, *own, rivals))
        self.effective = min(self.effective, effective)

    def scored(self) -> Scored | None:
        """The block; None where no row was scored."""
        units: dict[tuple[str, str], list[int]] = {}
        for i, entry in enumerate(self.entries):
            units.setdefault((str(entry[0].event), entry[0].actor), []).append(i)
        if not units:
            return None
        names = list(self.entries[0][4])

        def mean(pick: Any) -> F64:
            return np.array([np.mean([pick(self.entries[i]) for i in members]) for members in units.values()])

        return Scored(
            block=self.block,
            rows=tuple(self.entries[members[0]][0] for members in units.values()),
            observed=np.exp(mean(lambda e: np.log(e[0].weekly()))),
            low=np.exp(mean(lambda e: e[3][0])),
            median=np.exp(mean(lambda e: e[3][1])),
            high=np.exp(mean(lambda e: e[3][2])),
            crps=mean(lambda e: e[1]),
            interval=mean(lambda e: e[2]),
            rival_crps={n: mean(lambda e, n=n: e[4][n][0]) for n in names},
            rival_interval={n: mean(lambda e, n=n: e[4][n][1]) for n in names},
            effective=self.effective,
        )


def _conditional_fit(run: _Hindcast) -> Scored | None:
    """Rows of the fit window, each predicted by the fit to all other events, true arrivals given."""
    found = _Collector("conditional")
    prior = prior_draws()
    unfitted = run.full.logs(prior)
    loose = run.full.errors.variance(_errors(prior.values))
    for i, row in enumerate(run.fitted):
        rivals = _simple_rivals(row, [r for r in run.fitted if r.event != row.event])
        for name, variant in run.others.items():
            rivals[name] = variant.row_scores(i)[:2]
        rivals["unfitted"] = _row_scores(unfitted[:, i], loose[:, i], prior, row, None)[:2]
        effective = run.full.without(str(row.event)).effective
        found.add(row, run.full.row_scores(i), rivals, effective)
    return found.scored()


def _forecast_fit(run: _Hindcast) -> Scored | None:
    """Rows of the fit window after an origin; decisions after it sampled, fit to rows that ended before it."""
    found = _Collector("forecast")
    full, flat = run.full, run.others["mass_balance"]
    for origin, end in zip(ORIGINS, (*ORIGINS[1:], FIT_END + timedelta(days=1)), strict=True):
        known = [i for i, r in enumerate(run.fitted) if r.end < origin]
        ahead = [i for i, r in enumerate(run.fitted) if r.start >= origin and origin <= r.middle < end]
        if not known or not ahead:
            continue
        week = week_of(origin)
        past, rows = [run.fitted[i] for i in known], [run.fitted[i] for i in ahead]
        own, level = full.given(known), flat.given(known)
        draws, even = own.draws, level.draws
        use = simulate(draws.values, run.world.arrivals(draws, WINDOW, week))
        constant = simulate(even.values, _flat_ahead(flat.arrivals(even), week), "constant")
        modelled, modelled_even = observed_log(use, draws.values, rows), observed_log(constant, even.values, rows)
        variance, variance_even = (full.errors.variance(_errors(d.values)) for d in (draws, even))
        for k, (i, row) in enumerate(zip(ahead, rows, strict=True)):
            rivals = _simple_rivals(row, past)
            rivals["mass_balance"] = _row_scores(modelled_even[:, k], variance_even[:, i], even, row, level.weights)[:2]
            mine = _row_scores(modelled[:, k], variance[:, i], draws, row, own.weights)
            found.add(row, mine, rivals, own.effective)
    return found.scored()


def _flat_ahead(arrivals: Mapping[str, F64], origin: int) -> dict[str, F64]:
    """Arrivals before the origin at their mean rate throughout: all that a constant rate may know at the origin."""
    return {p: np.repeat(a[:, :origin].mean(axis=1, keepdims=True), a.shape[1], axis=1) for p, a in arrivals.items()}


def _later(run: _Hindcast, frozen: Draws, rows: Sequence[Observation]) -> list[Scored]:
    """Rows that were never fitted, by the frozen draws: true arrivals given, and decisions sampled from the end of the window."""
    if not rows:
        return []
    world, errors = run.world, error_model(rows)
    last = max(week_of(r.end) for r in rows) + 1
    ensembles: dict[str, tuple[Draws, F64]] = {}
    for name, variant in run.others.items():
        draws = variant.kept()
        arrivals = world.arrivals(draws, last, flatten_to=last if variant.flat else None)
        ensembles[name] = (draws, observed_log(simulate(draws.values, arrivals, variant.form), draws.values, rows))
    prior = prior_draws()
    ensembles["unfitted"] = (prior, observed_log(simulate(prior.values, world.arrivals(prior, last)), prior.values, rows))
    blocks = []
    for block, origin in (("conditional", None), ("forecast", WINDOW)):
        modelled = observed_log(simulate(frozen.values, world.arrivals(frozen, last, origin)), frozen.values, rows)
        variance = errors.variance(_errors(frozen.values))
        found = _Collector("conditional" if block == "conditional" else "forecast")
        for i, row in enumerate(rows):
            rivals = _simple_rivals(row, run.fitted)
            for name, (draws, logs) in ensembles.items():
                if block == "conditional" or name == "mass_balance":
                    spread = errors.variance(_errors(draws.values))[:, i]
                    rivals[name] = _row_scores(logs[:, i], spread, draws, row, None)[:2]
            found.add(row, _row_scores(modelled[:, i], variance[:, i], frozen, row, None), rivals, float(frozen.n))
        scored = found.scored()
        if scored is not None:
            blocks.append(scored)
    return blocks


def refit(register: Register) -> Frozen:
    """Fit to the rows of the fit window and give what `isthmus validate` freezes. Takes some seconds."""
    full = _hindcast(register).full
    kept = full.kept()
    table = identifiability(PRIORS, prior_draws().values, full.draws.values)
    return Frozen(
        settings=_settings(),
        inputs={**_inputs(full), "rows": [r.observation_id for r in full.fitted]},
        summary={
            "how": "particles led from the priors to the posterior in tempered steps; equally weighted",
            "particles": DRAWS,
            "quantiles": {r["parameter"]: [float(f"{r[k]:.4g}") for k in ("low", "median", "high")] for r in table},
        },
        index=kept.index,
        draws={name: np.array([float(f"{v:.6g}") for v in values]) for name, values in kept.values.items()},
    )


def _settings() -> dict[str, Any]:
    return {
        "draws": DRAWS,
        "kept": KEPT,
        "seed": SEED,
        "fit_end": FIT_END.isoformat(),
        "priors": [[p.name, p.shape, p.low, p.mode, p.high, p.unit, p.rule] for p in PRIORS],
    }


def _inputs(run: Variant) -> dict[str, str]:
    rows = [
        [r.observation_id, r.metric, r.actor, r.start.isoformat(), r.end.isoformat(), r.weekly(), r.basis, r.event, r.speaker]
        for r in run.fitted
    ]
    return {"observations": digest(rows), "arrivals": run.world.supply.hash}


def _hindcast(register: Register) -> _Hindcast:
    rows = register_observations(register, "artillery")
    fitted = tuple(r for r in rows if r.role == "fit" and stream(r) is not None)
    if not fitted:
        raise InputError(
            [Problem("observations.csv", None, "role", "no row", "rows of case artillery with role fit", "nothing to fit to")]
        )
    return _Hindcast(World(supply(register), desk_priors(register)), fitted)


def hindcast(
    register: Register, observations: ObservationFile | None = None, until: date | None = None, frozen: Path = FROZEN
) -> ArtilleryResult:
    """Run the hindcast: score the fit window by cross-validation, later rows by the frozen fit.

    Args:
        observations: rows of a user's file in the form of the artillery case, scored without refitting.
        until: last day of the series; by default the last month with arrivals, or the last row if that is later.
        frozen: the frozen fit.

    Raises:
        InputError: for a frozen fit that cannot be read, a register without arrivals, or an `until` before the end of the fit window.
    """
    if until is not None and until < FIT_END:
        raise InputError(
            [Problem("--until", None, None, str(until), f"a day from {FIT_END} on", "the hindcast cannot end earlier")]
        )
    run = _hindcast(register)
    freeze = Frozen.read(frozen)
    kept = Draws(freeze.draws, freeze.index)
    everything = register_observations(register, "artillery")
    sets = {"held": tuple(r for r in everything if r.role == "held")}
    if observations is not None and observations.form == "artillery":
        sets["observations"] = observations.scored
    limit = until or max([run.world.supply.end, *(r.end for rows in sets.values() for r in rows)])
    weeks = week_of(limit) + 1
    late = [r for rows in sets.values() for r in rows if r.end > limit]

    cases: list[Case] = []
    table: list[dict[str, Any]] = []
    for block in (_conditional_fit(run), _forecast_fit(run)):
        cases += _block_cases(block, "fit", table)
    for name, rows in sets.items():
        usable = [r for r in rows if stream(r) is not None and r.end <= limit]
        for later in _later(run, kept, usable):
            cases += _block_cases(later, name, table)
    use = simulate(kept.values, run.world.arrivals(kept, weeks))
    flags = [r for r in everything if r.role == "fit"] + [r for rows in sets.values() for r in rows if r.end <= limit]
    cases += _gap_cases(run, kept, use, [r for r in flags if r.metric == "shell_hunger_flag"], weeks)
    rule = _outcome_rule(kept, use, min(weeks, week_of(date(2025, 12, 31)) + 1))
    cases.append(_outcome_case(rule))
    stale = _stale(freeze, run)
    cases.append(_frozen_case(freeze, stale))
    months, series = _series(use, limit)
    return ArtilleryResult(
        cases=tuple(cases),
        months=months,
        series=series,
        rows=tuple(table),
        unscored=tuple(
            r
            for r in (*everything, *(observations.rows if "observations" in sets and observations else ()))
            if r.role == "not_scored"
        )
        + tuple(late),
        parsimony=tuple(_parsimony(run)),
        identifiability=tuple(identifiability(PRIORS, prior_draws().values, run.full.draws.values)),
        outcome_rule=tuple(rule),
        frozen_hash=freeze.hash,
        stale=stale,
        until=limit,
        extrapolated_from=run.world.supply.end,
    )


_WHERE = {
    "fit": "fit window, each event predicted by the fit to all others",
    "held": "rows after the fit window, known to the developers before the freeze",
    "observations": "rows of the user's file, never fitted",
}
_GIVEN = {"conditional": "true arrivals given", "forecast": "donors' decisions sampled after the origin"}


def _block_cases(block: Scored | None, name: str, table: list[dict[str, Any]]) -> list[Case]:
    """The verdict on all rows of a block, then side by side. Adds one line per unit to `table`."""
    if block is None:
        return []
    for i, row in enumerate(block.rows):
        scale = 1.0 if row.unit == "ratio" else 1 / 7
        table.append(
            {
                "set": name,
                "block": block.block,
                "event": row.event,
                "speaker": row.speaker,
                "episode": row.episode,
                "actor": row.actor,
                "basis": row.basis,
                "start": row.start.isoformat(),
                "end": row.end.isoformat(),
                "unit": "ratio" if row.unit == "ratio" else "rounds/day",
                "observed": float(block.observed[i] * scale),
                "low": float(block.low[i] * scale),
                "median": float(block.median[i] * scale),
                "high": float(block.high[i] * scale),
                "crps": float(block.crps[i]),
                "inside": bool(block.low[i] <= block.observed[i] <= block.high[i]),
                "rivals": {rival: float(v[i]) for rival, v in block.rival_crps.items()},
            }
        )
    actors = np.array([r.actor for r in block.rows])
    cases = [_block_case(block, name, None)]
    # Fewer events than that are in the whole block and in the table of rows; a verdict of their own would be noise.
    some = [str(a) for a in dict.fromkeys(actors) if np.sum(actors == a) >= LEAST_EVENTS]
    return [*cases, *(_block_case(block.only(actors == actor), name, actor) for actor in some)]


def _block_case(block: Scored, name: str, actor: str | None) -> Case:
    what = {
        None: "Fire of both sides and their ratio",
        "RUS": "Fire of Russia",
        "UKR": "Fire of Ukraine",
        "RUS:UKR": "Ratio of fire",
    }
    verdict = _conditional_verdict if block.block == "conditional" else _forecast_verdict
    # A share of a handful says nothing: cover decides on whole blocks, and with arrivals given inside the fit window.
    passed, why, worst = verdict(block, judge_cover=actor is None and (name == "fit" or block.block == "forecast"))
    scale = 1.0 if actor == "RUS:UKR" else 1 / 7
    numbers: dict[str, Any] = {}
    if actor is not None:
        values = {"observed": block.observed, "low": block.low, "median": block.median, "high": block.high}
        numbers = {key: float(np.exp(np.log(v).mean()) * scale) for key, v in values.items()}
        numbers["unit"] = "ratio" if actor == "RUS:UKR" else "rounds/day"
    else:
        numbers["unit"] = "log"
    suffix = "" if actor is None else "." + actor.replace(":", "_")
    return Case(
        case=f"artillery.{block.block}.{name}{suffix}",
        kind="hindcast",
        title=f"{what[actor]} in Ukraine, {_GIVEN[block.block]}: {_WHERE[name]}",
        passed=passed,
        why=why,
        block=block.block,
        score=float(block.crps.mean()),
        cover90=scores.coverage(block.low, block.high, block.observed),
        leave_one_out_worst=worst,
        rivals={rival: float(v.mean()) for rival, v in block.rival_crps.items()},
        sources=tuple(sorted({r.source for r in block.rows})),
        tests="stock, smoothed arrivals, rationing; nothing of compatibility, lots or ecosystems",
        **numbers,
    )


COVER: Final = (0.80, 0.97)
"""Share of events that 90% intervals must hold."""


def _cover_text(block: Scored) -> tuple[bool, str]:
    inside = int(np.sum((block.low <= block.observed) & (block.observed <= block.high)))
    share = inside / len(block.observed)
    return COVER[0] <= share <= COVER[1], f"90% intervals hold {inside} of {len(block.observed)} ({share:.0%})"


def _too_few(block: Scored) -> list[str]:
    few = len(block.rows) < LEAST_EVENTS
    return [f"fewer than {LEAST_EVENTS} events, too few for a verdict"] if few else []


def _conditional_verdict(block: Scored, *, judge_cover: bool) -> tuple[bool, str, float | None]:
    """Passed, why, and the worst skill with one episode left out."""
    groups = {g: [str(getattr(r, g)) for r in block.rows] for g in ("event", "speaker", "episode")}
    rivals = {name: block.rival_crps[name] for name in (*RIVALS, "flattened")}
    failed, said = [], []
    for name, values in rivals.items():
        by = {g: scores.paired_bootstrap(block.crps, values, members) for g, members in groups.items()}
        errors = ", ".join(f"{d.standard_error:.3f} by {g}" for g, d in by.items())
        said.append(f"{name} {by['event'].mean:+.3f} (s.e. {errors})")
        if not all(by[g].better() for g in ("event", "speaker")):
            failed.append(f"does not beat {name} by more than one s.e.")
    left = scores.leave_one_group_out(block.crps, rivals, [str(r.episode) for r in block.rows])
    worse = [x for x in left if x.difference.worse()]
    failed += [f"worse than {x.rival} by more than one s.e. without {x.group}" for x in worse]
    covered, cover = _cover_text(block)
    if judge_cover and not covered:
        failed.append(f"{cover}, not 80 to 97%")
    failed += _too_few(block)
    worst = min(left, key=lambda x: x.skill) if left else None
    text = "CRPS less that of the rival: " + "; ".join(said) + f". {cover}; {block.effective:.0f} effective draws or more."
    if worst is not None:
        text += f" Worst with an episode left out ({worst.group}): skill {worst.skill:+.0%} against {worst.rival}."
    return not failed, ("Failed: " + "; ".join(failed) + ". " if failed else "") + text, worst.skill if worst else None


def _forecast_verdict(block: Scored, *, judge_cover: bool) -> tuple[bool, str, float | None]:
    """Claims no skill: cover, and interval score no worse than any rival's by more than one s.e."""
    groups = {g: [str(getattr(r, g)) for r in block.rows] for g in ("event", "speaker", "episode")}
    failed, said = [], []
    for name in RIVALS:
        by = {g: scores.paired_bootstrap(block.interval, block.rival_interval[name], members) for g, members in groups.items()}
        errors = ", ".join(f"{d.standard_error:.2f} by {g}" for g, d in by.items())
        said.append(f"{name} {by['event'].mean:+.2f} (s.e. {errors})")
        if any(by[g].worse() for g in ("event", "speaker")):
            failed.append(f"interval score worse than that of {name} by more than one s.e.")
    covered, cover = _cover_text(block)
    if judge_cover and not covered:
        failed.append(f"{cover}, not 80 to 97%")
    failed += _too_few(block)
    left = scores.leave_one_group_out(block.crps, {n: block.rival_crps[n] for n in RIVALS}, [str(r.episode) for r in block.rows])
    worst = min(left, key=lambda x: x.skill) if left else None
    text = "Claims no skill. Interval score less that of the rival: " + "; ".join(said) + f". {cover}."
    return not failed, ("Failed: " + "; ".join(failed) + ". " if failed else "") + text, worst.skill if worst else None


def _gap_cases(run: _Hindcast, kept: Draws, use: Mapping[str, F64], flags: Sequence[Observation], weeks: int) -> list[Case]:
    """The chance given to each reported supply gap."""
    cases = []
    for flag in flags:
        given: dict[str, float] = {"conditional": _gap_chance(use, flag)}
        origins = [o for o in (*ORIGINS, FIT_END + timedelta(days=1)) if o <= flag.start]
        if origins:
            ahead = simulate(kept.values, run.world.arrivals(kept, weeks, week_of(origins[-1])))
            given["forecast"] = _gap_chance(ahead, flag)
        there = bool(flag.mode)
        for block, chance in given.items():
            side = chance >= 0.5 if there else chance <= 0.5
            open_to = chance >= 0.05 if there else chance <= 0.95
            passed = side if block == "conditional" else open_to
            rule = "on the right side of one half" if block == "conditional" else "not ruled out: at least 5% on what happened"
            cases.append(
                Case(
                    case=f"artillery.{block}.gap.{flag.actor}.{flag.start:%Y_%m}",
                    kind="hindcast",
                    title=f"Chance given to a supply gap of {flag.actor} from {flag.start} to {flag.end}: {_GIVEN[block]}",
                    passed=passed,
                    why=f"{'A gap' if there else 'No gap'} was reported; chance {chance:.0%}. Rule: {rule}. Gap: mean use of the main pool "
                    f"below {GAP_SHARE:g} of its best {SPELL_WEEKS} weeks before. Parameters are those of the frozen fit.",
                    block="conditional" if block == "conditional" else "forecast",
                    unit="chance",
                    observed=1.0 if there else 0.0,
                    low=chance,
                    median=chance,
                    high=chance,
                    sources=(flag.source,),
                    tests="timing of arrivals and rationing",
                )
            )
    return cases


def _gap_chance(use: Mapping[str, F64], flag: Observation) -> float:
    """Share of draws with a supply gap in the weeks of a flag, in the pool that has fired most until then."""
    first, last = week_of(flag.start), week_of(flag.end) + 1
    pools = [p for p in POOLS if p.startswith(flag.actor)]
    fired = np.stack([use[p][:, :first].sum(axis=1) for p in pools])
    main = np.argmax(fired, axis=0)
    found = np.zeros(fired.shape[1], dtype=bool)
    for i, p in enumerate(pools):
        total = np.cumsum(np.pad(use[p][:, :first], ((0, 0), (1, 0))), axis=1)
        span = min(SPELL_WEEKS, first)
        best = ((total[:, span:] - total[:, :-span]) / span).max(axis=1)
        gap = use[p][:, first:last].mean(axis=1) < GAP_SHARE * best
        found |= (main == i) & gap
    return float(found.mean())


def _outcome_rule(kept: Draws, use: Mapping[str, F64], weeks: int) -> list[dict[str, float]]:
    """Shares of outcomes of the campaign's rule on the war as it was, for ratios r* from 3 to 8."""
    rus = use["RUS.all"][:, :weeks]
    ukr = use["UKR.155mm"][:, :weeks] + use["UKR.soviet"][:, :weeks]
    starved = ukr < STARVED * kept.values["need.UKR"][:, None]
    rows = []
    for ratio in np.linspace(3, 8, 11):
        bad = starved & (rus > ratio * ukr)
        run = np.zeros(len(bad))
        lost = np.zeros(len(bad), dtype=bool)
        for t in range(weeks):
            run = np.where(bad[:, t], run + 1, 0)
            lost |= run >= SPELL_WEEKS
        rows.append({"ratio": float(ratio), "undecided": float(1 - lost.mean()), "defence_unsustained": float(lost.mean())})
    return rows


def _outcome_case(rule: Sequence[Mapping[str, float]]) -> Case:
    undecided = np.array([r["undecided"] for r in rule])
    most = float(np.mean(undecided >= 0.5))
    return Case(
        case="artillery.outcome_rule",
        kind="hindcast",
        title="The rule for outcomes on the land fires of 2022 to 2025, which neither side lost",
        passed=most > 0.5,
        why=f"Most draws undecided on {most:.0%} of the range of r* from 3 to 8; must be more than half. Undecided "
        f"{undecided[0]:.0%} of draws at r* = 3, {undecided[-1]:.0%} at r* = 8. No need of Russia is stated, so the attack cannot be found starved.",
        unit="share of draws undecided",
        observed=1.0,
        low=float(undecided.min()),
        median=float(np.median(undecided)),
        high=float(undecided.max()),
        tests="spells of 13 weeks, ratio r* and starved line",
    )


def _stale(freeze: Frozen, run: _Hindcast) -> tuple[str, ...]:
    now = _inputs(run.full)
    changed = [name for name, value in now.items() if freeze.inputs.get(name) != value]
    return tuple(changed + (["settings"] if digest(dict(freeze.settings)) != digest(_settings()) else []))


def _frozen_case(freeze: Frozen, stale: tuple[str, ...]) -> Case:
    rests = f"{len(freeze.inputs['rows'])} rows to {freeze.settings['fit_end']}, {len(freeze.index)} draws"
    return Case(
        case="artillery.frozen",
        kind="hindcast",
        title="The frozen fit still matches what it was fitted to",
        passed=not stale,
        why=f"Frozen as {freeze.hash[:16]}: {rests}. "
        + (
            f"Changed since: {', '.join(stale)}. Later rows are scored with the fit as frozen."
            if stale
            else "Nothing has changed since."
        ),
        tests="that later rows are scored without refitting",
    )


def _parsimony(run: _Hindcast) -> list[dict[str, Any]]:
    """What each equation adds: CRPS of the full model less that without it, by event and by speaker."""
    events, speakers = [str(r.event) for r in run.fitted], [str(r.speaker) for r in run.fitted]
    full = run.full.crps()
    equations = [
        ("reserve kept back", Variant(run.world, run.fitted, "no_reserve")),
        ("use capped by a stated need, reserve released when starved", Variant(run.world, run.fitted, "no_need")),
        ("arrivals smoothed over 13 weeks", Variant(run.world, run.fitted, "no_smoothing")),
        ("all of these but smoothing (minimal model U = F + Q / T)", run.others["minimal"]),
        ("months of arrivals (against the same total at a constant rate)", run.others["flattened"]),
    ]
    rows = []
    for name, variant in equations:
        without = variant.crps()
        by = [scores.paired_bootstrap(full, without, groups) for groups in (events, speakers)]
        rows.append(
            {
                "equation": name,
                "crps_full": float(full.mean()),
                "crps_without": float(without.mean()),
                "difference": by[0].mean,
                "standard_error_event": by[0].standard_error,
                "standard_error_speaker": by[1].standard_error,
                "label": "improves"
                if all(d.better() for d in by)
                else "worse than without: assumption, not supported"
                if all(d.worse() for d in by)
                else "assumption, not tested",
            }
        )
    return rows


def _series(use: Mapping[str, F64], until: date) -> tuple[tuple[str, ...], dict[str, F64]]:
    """Quantiles of rounds a day by month."""
    weekly = {"RUS": use["RUS.all"], "UKR": use["UKR.155mm"] + use["UKR.soviet"], "UKR.155mm": use["UKR.155mm"]}
    months = []
    columns: list[slice] = []
    day = START
    while day <= until:
        month = f"{day:%Y-%m}"
        last = min(until, _month_end(month))
        months.append(month)
        columns.append(slice(week_of(day), week_of(last) + 1))
        day = _month_end(month) + timedelta(days=1)
    series = {
        name: np.stack([scores.quantiles(v[:, c].mean(axis=1) / 7, (0.05, 0.5, 0.95)) for c in columns], axis=1)
        for name, v in weekly.items()
    }
    return tuple(months), series
