"""Share of launches stopped, by type and month: a slow level that returns to its mean, seen through a beta-binomial.

For type g in month t, with n launched and k stopped (shot down, or lost on the way):

    logit s = a_g + x_gt + d_gt (+ b·c_gt),   x_t = φ·x_(t−1) + e_t,   k ~ beta-binomial(n, s·κ, (1 − s)·κ)

x is an Ornstein-Uhlenbeck process seen once a month (first-order autoregression with stationary standard deviation σ), d a lasting
shift of the level where the counting of lost drones changes, b·c an optional term of the parsimony table. The state lives on a
grid, so the filter is exact up to the grid and needs no random numbers (Kitagawa 1987, doi:10.1080/01621459.1987.10478534).

a, φ, σ, κ are fitted once, to the months of the fit window, and frozen as equally weighted draws in a file with a hash. After that
the filter moves the state with every month that becomes known; it never touches the four again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import betaln, expit, gammaln, logit

from isthmus.errors import InputError, Problem
from isthmus.register.register import reference_root

F64 = npt.NDArray[np.float64]

BALLISTIC: Final = "ballistic_aeroballistic"
CRUISE: Final = "cruise"
SHAHED: Final = "shahed_and_decoy_uav"
SCORED: Final = (BALLISTIC, CRUISE, SHAHED)
"""Types that are scored, fixed before any outcome after the fit window was seen."""

FIT_FROM: Final = "2022-10"
FIT_TO: Final = "2024-08"

_Z: Final[F64] = np.linspace(-5.0, 5.0, 81)
"""Grid of x / σ."""
_SHIFTS: Final[F64] = np.linspace(-2.5, 2.5, 21)
"""Grid of d over its prior standard deviation."""
_LONGEST_MEMORY: Final = 0.97
"""Cap of φ: above it the step of a month is finer than the grid."""
_SAMPLES: Final = 2000
_FROZEN_DRAWS: Final = 48
_PROPOSALS: Final = 1500
_SEED: Final = 20240831

PRIOR_OF: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "level": (0.0, 2.5),
        "memory": (1.5, 1.2),
        "spread": (float(np.log(0.7)), 0.6),
        "concentration": (float(np.log(40.0)), 1.5),
        "slope": (0.0, 1.0),
    }
)
"""Weak normal priors (mean, standard deviation) of a, logit φ, ln σ, ln κ and b. They keep a type with 18 months from running off
to a fixed level or a random walk; each is wide against what it bounds (φ 0.3 to 0.98, σ 0.2 to 2.3, κ 2 to 750 at two deviations)."""


@dataclass(frozen=True)
class Month:
    """What is known of one type in one month."""

    type_group: str
    month: str
    """YYYY-MM."""
    launched: int
    stopped: int | None
    """Shot down or lost on the way, at most `launched`; None where no outcome is known."""
    attacks: int | None = None
    """Rows of the daily file in the month, where known: launched / attacks is the mean salvo."""

    @property
    def share(self) -> float | None:
        """Share stopped; None without an outcome or without launches."""
        return None if self.stopped is None or self.launched == 0 else self.stopped / self.launched

    @property
    def index(self) -> int:
        """Months since year 0, so that gaps are seen."""
        return int(self.month[:4]) * 12 + int(self.month[5:7]) - 1


@dataclass(frozen=True)
class LevelBreak:
    """A change of counting: the level may shift for good, by a normal step in each month of `months`."""

    type_group: str
    months: tuple[str, ...]
    deviation: float
    """Standard deviation of the whole shift, in logits."""


@dataclass(frozen=True)
class Prior:
    """Frozen parameters of every scored type, and what was found when they were fitted."""

    draws: Mapping[str, F64]
    """Type -> (draws, 4): a, φ, σ, κ, equally weighted."""
    breaks: tuple[LevelBreak, ...]
    shares: Mapping[str, tuple[float, ...]]
    """Type -> observed shares of the fit window in order of time, from which the rivals take their spread."""
    checks: Mapping[str, Any]
    """Parsimony table and rolling origin of the fit window, as fitted."""
    rows_sha256: str
    """Of the rows that were fitted, so that a changed register shows."""
    sha256: str


@dataclass(frozen=True)
class Forecast:
    """Forecast of the share of one month, made before its outcome was used."""

    month: Month
    ensemble: F64
    """Draws of the share stopped, (draws,)."""


def _beta_binomial(k: int, n: int, p: F64, kappa: F64) -> F64:
    """Log probability of k out of n with mean p and concentration κ, all of the shape of p."""
    a, b = p * kappa, (1.0 - p) * kappa
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) + betaln(k + a, n - k + b) - betaln(a, b))


class Filter:
    """Grid filter of one type, for all frozen draws at once. State: (draws, shifts, grid), summing to 1 within each draw.

    `draws` (draws, 4): a, φ, σ, κ. `slope` (draws,) multiplies the covariate that :meth:`update` is given. Draws keep equal
    weight whatever comes: what is frozen stays so.
    """

    def __init__(self, draws: F64, level_break: LevelBreak | None = None, slope: F64 | None = None) -> None:
        self.level, self.memory, self.spread, self.kappa = (draws[:, i] for i in range(4))
        self.slope = np.zeros(len(draws)) if slope is None else slope
        self.level_break = level_break
        self.shift = np.zeros(1)
        step = np.sqrt(1.0 - self.memory**2)[:, None, None]
        # kernel[draw, to, from]: the month's step of the standardised state.
        kernel = np.exp(-0.5 * ((_Z[None, :, None] - self.memory[:, None, None] * _Z[None, None, :]) / step) ** 2)
        self.kernel = kernel / kernel.sum(axis=1, keepdims=True)
        stationary = np.exp(-0.5 * _Z**2)
        self.state = np.broadcast_to(stationary / stationary.sum(), (len(draws), 1, len(_Z)))
        self.log_likelihood = np.zeros(len(draws))

    def step(self, month: str) -> None:
        """One month on: the state returns towards its mean, and the level may shift where the counting changes."""
        self.state = np.einsum("dij,dsj->dsi", self.kernel, self.state)
        if self.level_break is not None and month in self.level_break.months:
            if len(self.shift) == 1:  # before the first such month there is no shift to carry
                self.shift = self.level_break.deviation * _SHIFTS
                self.state = self.state * (_SHIFTS == 0.0)[None, :, None]
            deviation = self.level_break.deviation / np.sqrt(len(self.level_break.months))
            move = np.exp(-0.5 * ((self.shift[:, None] - self.shift[None, :]) / deviation) ** 2)
            self.state = np.einsum("st,dti->dsi", move / move.sum(axis=0), self.state)

    def shares(self, covariate: float = 0.0) -> F64:
        """Share stopped at every point of the state, (draws, shifts, grid)."""
        x = self.spread[:, None, None] * _Z[None, None, :] + self.shift[None, :, None]
        level = (self.level + self.slope * covariate)[:, None, None]
        return np.asarray(np.clip(expit(level + x), 1e-6, 1 - 1e-6))

    def update(self, launched: int, stopped: int, covariate: float = 0.0) -> None:
        """Take in the outcome of a month."""
        p = self.shares(covariate)
        log = _beta_binomial(stopped, launched, p, self.kappa[:, None, None])
        top = log.max(axis=(1, 2), keepdims=True)
        joint = self.state * np.exp(log - top)
        total = joint.sum(axis=(1, 2), keepdims=True)
        self.state = joint / total
        self.log_likelihood += (np.log(total) + top)[:, 0, 0]

    def forecast(self, launched: int, key: str, covariate: float = 0.0) -> F64:
        """Draws of the share stopped of `launched` (at least 1), (_SAMPLES,). `key` seeds them: the same month, the same draws."""
        rng = np.random.default_rng(int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big"))
        p = self.shares(covariate).reshape(-1)
        edges = np.cumsum(self.state.reshape(-1) / len(self.state))
        spots = (np.arange(_SAMPLES) + 0.5) / _SAMPLES * edges[-1]
        at = np.minimum(np.searchsorted(edges, spots), len(p) - 1)
        kappa = self.kappa[at // (self.state.shape[1] * self.state.shape[2])]
        share = rng.beta(p[at] * kappa, (1.0 - p[at]) * kappa)
        return np.asarray(rng.binomial(launched, np.clip(share, 0.0, 1.0)) / launched)


def track(
    months: Sequence[Month],
    draws: F64,
    level_break: LevelBreak | None = None,
    blind_after: str | None = None,
    covariate: Mapping[str, float] | None = None,
    slope: F64 | None = None,
) -> tuple[list[Forecast], F64]:
    """Forecasts of every month with an outcome, each from the months before it, and the log likelihood per draw.

    `months`: of one type, in order of time, gaps allowed: the state moves on through months without an outcome.
    `blind_after`: outcomes of later months are forecast but not taken in (a fixed origin). `covariate`: month -> value.
    """
    run = Filter(draws, level_break, slope)
    found: list[Forecast] = []
    last: int | None = None
    for month in months:
        if last is not None:
            for index in range(last + 1, month.index + 1):
                run.step(f"{index // 12}-{index % 12 + 1:02d}")
        last = month.index
        if month.stopped is None or month.launched == 0:
            continue
        value = 0.0 if covariate is None else covariate[month.month]
        if slope is None:
            found.append(Forecast(month, run.forecast(month.launched, f"{month.type_group}/{month.month}")))
        if blind_after is None or month.month <= blind_after:
            run.update(month.launched, month.stopped, value)
    return found, run.log_likelihood


# Fitting: done once, by a developer; the result is the frozen file.


def _natural(u: F64) -> F64:
    """(n, 4) of a, logit φ, ln σ, ln κ -> a, φ, σ, κ."""
    return np.stack(
        [u[:, 0], np.minimum(expit(u[:, 1]), _LONGEST_MEMORY), np.exp(u[:, 2]), np.exp(np.clip(u[:, 3], -2, 9))], axis=1
    )


def _log_posterior(u: F64, months: Sequence[Month], covariate: Mapping[str, float] | None) -> F64:
    """Log posterior of (n, 4) or, with a covariate, (n, 5) parameters on the whole line; a constant is left out."""
    slope = u[:, 4] if covariate is not None else np.zeros(len(u))
    _, likelihood = track(months, _natural(u), covariate=covariate or dict.fromkeys((m.month for m in months), 0.0), slope=slope)
    means, deviations = np.array(list(PRIOR_OF.values())).T
    return np.asarray(likelihood - 0.5 * (((u - means[: u.shape[1]]) / deviations[: u.shape[1]]) ** 2).sum(axis=1))


def _mode(months: Sequence[Month], covariate: Mapping[str, float] | None = None) -> F64:
    """Highest point of the log posterior, (4,) or (5,)."""
    shares = [m.share for m in months if m.share is not None]
    start = np.array([float(logit(np.clip(np.mean(shares), 0.03, 0.97))), 1.5, -0.4, 3.7, 0.0][: 4 if covariate is None else 5])
    simplex = np.vstack([start, start + 0.4 * np.eye(len(start))])
    result = minimize(
        lambda u: -float(_log_posterior(u[None], months, covariate)[0]),
        start,
        method="Nelder-Mead",
        options={"maxiter": 600, "xatol": 3e-3, "fatol": 3e-3, "initial_simplex": simplex},
    )
    return np.asarray(result.x)


def fit_draws(months: Sequence[Month]) -> F64:
    """Equally weighted draws (draws, 4) of a, φ, σ, κ by importance sampling around the mode, from months of one type.

    Proposal: normal at the mode with twice the inverse curvature; weights corrected to the posterior and resampled systematically.
    Raises ValueError with fewer than 8 outcomes: the four are then not worth freezing.
    """
    if sum(m.share is not None for m in months) < 8:
        raise ValueError("a type needs at least 8 months with an outcome to be fitted")
    mode = _mode(months)
    width = np.array([0.1, 0.15, 0.08, 0.15])
    corners = np.array([[i, j, a, b] for i in range(4) for j in range(4) for a in (-1, 1) for b in (-1, 1)])
    points = np.array([mode + a * width * np.eye(4)[i] + b * width * np.eye(4)[j] for i, j, a, b in corners])
    height = _log_posterior(points, months, None)
    curvature = np.zeros((4, 4))
    for (i, j, a, b), value in zip(corners, height, strict=True):
        curvature[i, j] -= a * b * value / (4 * width[i] * width[j])
    values, vectors = np.linalg.eigh((curvature + curvature.T) / 2)
    covariance = 2.0 * (vectors / np.maximum(values, 0.2)) @ vectors.T
    rng = np.random.default_rng(_SEED)
    root = np.linalg.cholesky(covariance)
    z = rng.standard_normal((_PROPOSALS, 4))
    proposals = mode + z @ root.T
    log = np.concatenate([_log_posterior(part, months, None) for part in np.array_split(proposals, 30)]) + 0.5 * (z**2).sum(
        axis=1
    )
    weight = np.exp(log - log.max())
    edges = np.cumsum(weight / weight.sum())
    at = np.searchsorted(edges, (np.arange(_FROZEN_DRAWS) + 0.5) / _FROZEN_DRAWS)
    return _natural(proposals[np.minimum(at, _PROPOSALS - 1)])


def point_draws(months: Sequence[Month]) -> F64:
    """The mode alone, as one draw (1, 4): for repeated fits."""
    return _natural(_mode(months)[None])


def parsimony(months: Mapping[str, Sequence[Month]]) -> list[dict[str, Any]]:
    """What each further term adds, per type: slope at the mode, gain in log likelihood, change of AIC (below 0: the term helps).

    Terms, each standardised to mean 0 over the type's months: salvo, ln of launches per attack; launches, ln of the month's
    launches; saturation, ln of launches above their median (a defence that is swamped shows a negative slope); drawdown, ln of
    launches of all types in the three months before (a stock that runs down shows a negative slope); trend, years.
    """
    every = [m for of_type in months.values() for m in of_type]
    by_month: dict[int, int] = {}
    for m in every:
        by_month[m.index] = by_month.get(m.index, 0) + m.launched
    rows = []
    for name, of_type in months.items():
        known = [m for m in of_type if m.share is not None]
        plain = _mode(of_type)
        base = float(
            track(of_type, _natural(plain[None]), covariate=dict.fromkeys((m.month for m in of_type), 0.0), slope=np.zeros(1))[1][
                0
            ]
        )
        for term in ("salvo", "launches", "saturation", "drawdown", "trend"):
            values = {m.month: _term(term, m, known, by_month) for m in known}
            middle = float(np.mean(list(values.values())))
            centred = {month: value - middle for month, value in values.items()}
            mode = _mode(of_type, centred)
            with_term = float(track(of_type, _natural(mode[None, :4]), covariate=centred, slope=mode[None, 4])[1][0])
            rows.append(
                {
                    "type_group": name,
                    "term": term,
                    "slope": round(float(mode[4]), 3) + 0.0,
                    "log_likelihood_gain": round(with_term - base, 2) + 0.0,
                    "aic_change": round(2 - 2 * (with_term - base), 2),
                }
            )
    return rows


def _term(term: str, m: Month, known: Sequence[Month], launches: Mapping[int, int]) -> float:
    if term == "salvo":
        return float(np.log(m.launched / (m.attacks or 1)))
    if term == "launches":
        return float(np.log(m.launched))
    if term == "saturation":
        return max(0.0, float(np.log(m.launched / np.median([k.launched for k in known]))))
    if term == "drawdown":
        return float(np.log(max(1, sum(launches.get(m.index - lag, 0) for lag in (1, 2, 3)))))
    return m.index / 12.0


def rows_hash(months: Mapping[str, Sequence[Month]]) -> str:
    """Hash of what is fitted: type, month, launched, stopped."""
    text = "\n".join(f"{m.type_group},{m.month},{m.launched},{m.stopped}" for name in sorted(months) for m in months[name])
    return hashlib.sha256(text.encode()).hexdigest()


# The frozen file


def prior_path() -> Path:
    """The frozen file that ships with Isthmus."""
    return reference_root().parent / "validation" / "air_defence_prior.json"


def _hash(document: Mapping[str, Any]) -> str:
    kept = {key: value for key, value in document.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(kept, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def freeze(months: Mapping[str, Sequence[Month]], breaks: Sequence[LevelBreak], checks: Mapping[str, Any], path: Path) -> None:
    """Fit every type to its months of the fit window and write the frozen file. Not part of any command: a look by itself."""
    document: dict[str, Any] = {
        "what": "Share of launches stopped: draws of a, phi, sigma, kappa per type, equally weighted (docs/model.md, validation)",
        "made_by": "isthmus.validation.air_defence_model.freeze: mode of the posterior, then importance sampling",
        "fit_window": [FIT_FROM, FIT_TO],
        "prior_of": {key: list(value) for key, value in PRIOR_OF.items()},
        "seed": _SEED,
        "rows_sha256": rows_hash(months),
        "breaks": [{"type_group": b.type_group, "months": list(b.months), "deviation": b.deviation} for b in breaks],
        "draws": {name: [[round(float(v), 4) for v in row] for row in fit_draws(of_type)] for name, of_type in months.items()},
        "shares": {name: [round(m.share, 4) for m in of_type if m.share is not None] for name, of_type in months.items()},
        "checks": {**checks, "parsimony": parsimony(months)},
    }
    document["sha256"] = _hash(document)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def load_prior(path: Path | None = None) -> Prior:
    """The frozen parameters. Raises `InputError` where the file is missing, is no JSON, or was changed after it was frozen."""
    path = prior_path() if path is None else path
    allowed = "the file as it was frozen"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError([Problem(path.name, None, None, "no such file", allowed, "frozen parameters are missing")]) from None
    except ValueError:
        raise InputError([Problem(path.name, None, None, "no JSON", allowed, "frozen parameters cannot be read")]) from None
    if not isinstance(document, dict) or document.get("sha256") != _hash(document):
        raise InputError([Problem(path.name, None, "sha256", "another hash", allowed, "frozen parameters were changed")])
    return Prior(
        draws=MappingProxyType({name: np.asarray(rows, float) for name, rows in document["draws"].items()}),
        breaks=tuple(LevelBreak(b["type_group"], tuple(b["months"]), b["deviation"]) for b in document["breaks"]),
        shares=MappingProxyType({name: tuple(values) for name, values in document["shares"].items()}),
        checks=MappingProxyType(document["checks"]),
        rows_sha256=document["rows_sha256"],
        sha256=document["sha256"],
    )
