"""Fit by tempered sampling, and the frozen result: a small file that says what it rests on and whether that still holds.

Particles start at declared priors and are led to the posterior of the rows of the fit window in steps (sequential Monte Carlo;
Del Moral, Doucet and Jasra 2006, doi:10.1111/j.1467-9868.2006.00553.x). Errors of rows are normal in log units, shared by speaker
and by side, and integrated in closed form. Seeds are fixed, so that the same inputs always give the same particles.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from isthmus.axes import Shape
from isthmus.ensemble.uncertainty import Uncertainty
from isthmus.errors import InputError, Problem
from isthmus.register.csvfile import read_cells
from isthmus.validation.scores import quantiles

F64 = npt.NDArray[np.float64]

NOT_IDENTIFIED = 0.9
"""Posterior over prior spread above which a parameter is listed as not identified."""


@dataclass(frozen=True)
class ErrorModel:
    """Which rows share which error: name of an error -> its covariance over rows at unit size, (rows, rows)."""

    parts: Mapping[str, F64]

    def covariance(self, sizes: Mapping[str, F64]) -> F64:
        """Covariance of the log errors, shape (draws, rows, rows). `sizes`: standard deviation of each error, (draws,)."""
        return np.asarray(sum((sizes[name] ** 2)[:, None, None] * part for name, part in self.parts.items()))

    def variance(self, sizes: Mapping[str, F64]) -> F64:
        """Diagonal of :meth:`covariance`, shape (draws, rows)."""
        return np.asarray(sum((sizes[name] ** 2)[:, None] * np.diagonal(part) for name, part in self.parts.items()))


@dataclass(frozen=True)
class Particles:
    """Equally weighted draws of a posterior."""

    normal: F64
    """Standard normal scores of the priors, (particles, parameters)."""
    log_likelihood: F64
    """(particles,)."""
    logs: F64
    """What each particle gives for every row, (particles, rows)."""


Evaluate = Callable[[F64], tuple[F64, F64]]
"""Scores (particles, parameters) -> log likelihood (particles,) and logs (particles, rows)."""

_LEAST_LEFT = 0.5
"""Share of particles that a step of the tempering leaves effective."""
_MOVES = 4
_LAST_MOVES = 10


def sample(evaluate: Evaluate, normal: F64, rng: np.random.Generator, log_weights: F64 | None = None) -> Particles:
    """Particles of the posterior.

    Args:
        evaluate: likelihood of scores.
        normal: where the particles start: draws of the prior; or, where `log_weights` are given, draws of a posterior nearby.
        log_weights: log of the wanted over the given posterior, (particles,).
    """
    likelihood, logs = evaluate(normal)
    now = Particles(normal, likelihood, logs)
    if log_weights is not None:
        return _moved(_resampled(now, normalised(log_weights), rng), evaluate, 1.0, rng, _LAST_MOVES)
    power = 0.0
    while power < 1.0:
        step = _step(now.log_likelihood, 1.0 - power)
        power = min(1.0, power + step)
        now = _resampled(now, normalised(step * now.log_likelihood), rng)
        now = _moved(now, evaluate, power, rng, _LAST_MOVES if power == 1.0 else _MOVES)
    return now


def _step(log_likelihood: F64, left: float) -> float:
    """The largest step of the power that leaves enough effective particles."""
    enough = _LEAST_LEFT * len(log_likelihood)
    if effective_size(normalised(left * log_likelihood)) >= enough:
        return left
    low, high = 0.0, left
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if effective_size(normalised(middle * log_likelihood)) >= enough else (low, middle)
    return max(low, 1e-4)


def _resampled(now: Particles, weights: F64, rng: np.random.Generator) -> Particles:
    index = resample(weights, len(weights), float(rng.random()))
    return Particles(now.normal[index], now.log_likelihood[index], now.logs[index])


def _moved(now: Particles, evaluate: Evaluate, power: float, rng: np.random.Generator, moves: int) -> Particles:
    """Random-walk steps (Metropolis et al. 1953) that leave prior times likelihood to a power as it is."""
    count, parameters = now.normal.shape
    root = np.linalg.cholesky(np.cov(now.normal.T) + 1e-6 * np.eye(parameters))
    size = 2.38 / np.sqrt(parameters)
    normal, likelihood, logs = now.normal.copy(), now.log_likelihood.copy(), now.logs.copy()
    for _ in range(moves):
        tried = normal + size * rng.standard_normal((count, parameters)) @ root.T
        tried_likelihood, tried_logs = evaluate(tried)
        gain = power * (tried_likelihood - likelihood) + 0.5 * (np.sum(normal**2, axis=1) - np.sum(tried**2, axis=1))
        taken = np.log(rng.random(count)) < gain
        normal[taken], likelihood[taken], logs[taken] = tried[taken], tried_likelihood[taken], tried_logs[taken]
        size *= float(np.exp(taken.mean() - 0.25))
    return Particles(normal, likelihood, logs)


def normalised(log_weights: F64) -> F64:
    """Weights that sum to 1."""
    w = np.exp(log_weights - log_weights.max())
    return np.asarray(w / w.sum())


def effective_size(weights: F64) -> float:
    """Effective number of draws, 1 / sum of squared weights (Kish 1965)."""
    return float(1 / np.sum(weights**2))


def resample(weights: F64, count: int, start: float) -> npt.NDArray[np.int64]:
    """Systematic resampling to equally weighted draws: their indices, (count,). `start` is between 0 and 1."""
    points = (np.arange(count) + start) / count
    return np.minimum(np.searchsorted(np.cumsum(weights), points), len(weights) - 1).astype(np.int64)


def log_likelihood(residuals: F64, covariance: F64) -> F64:
    """Normal log likelihood of residuals, (draws, rows), under (draws, rows, rows): shape (draws,)."""
    root = np.linalg.cholesky(covariance)
    whitened = np.linalg.solve(root, residuals[..., None])[..., 0]
    log_det = 2 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
    return np.asarray(-0.5 * (np.einsum("ni,ni->n", whitened, whitened) + log_det + residuals.shape[1] * np.log(2 * np.pi)))


def given_the_rest(residuals: F64, covariance: F64, events: Sequence[str]) -> dict[str, F64]:
    """Log density of the rows of each event given those of all others, event -> (draws,).

    Args:
        residuals: observed minus modelled log, (draws, rows).
        covariance: (draws, rows, rows), positive definite.
        events: event of each row.

    With the precision P and g = P r, the rows E given all others have the density of a normal with precision P_EE at the
    residual P_EE^-1 g_E (Sundararajan and Keerthi 2001, doi:10.1162/08997660151134343, for one row).
    """
    precision = np.linalg.inv(covariance)
    pull = np.einsum("nij,nj->ni", precision, residuals)
    member = np.asarray(events)
    found = {}
    for event in dict.fromkeys(events):
        at = np.flatnonzero(member == event)
        block = precision[:, at[:, None], at[None, :]]
        g = pull[:, at]
        quadratic = np.einsum("ni,ni->n", g, np.linalg.solve(block, g[..., None])[..., 0])
        found[event] = np.asarray(-0.5 * (quadratic - np.linalg.slogdet(block)[1] + len(at) * np.log(2 * np.pi)))
    return found


def spread(values: F64) -> float:
    """Width of the central 90%."""
    low, high = quantiles(values, (0.05, 0.95))
    return float(high - low)


def identifiability(
    parameters: Sequence[Uncertainty], prior: Mapping[str, F64], draws: Mapping[str, F64]
) -> list[dict[str, Any]]:
    """How far the fit narrowed each parameter: rows of name, quantiles after it, ratio of spreads, verdict.

    Log-uniform and log-normal parameters are compared in logs. `prior` and `draws` are equally weighted draws before and after.
    """
    rows = []
    for p in parameters:
        before, after = (np.log(d[p.name]) if p.shape in ("loguniform", "lognormal") else d[p.name] for d in (prior, draws))
        ratio = spread(after) / max(1e-300, spread(before))
        low, median, high = quantiles(draws[p.name], (0.05, 0.5, 0.95))
        rows.append(
            {
                "parameter": p.name,
                "unit": p.unit,
                "prior_low": p.low,
                "prior_high": p.high,
                "low": float(low),
                "median": float(median),
                "high": float(high),
                "spread_ratio": round(ratio, 3),
                "identified": ratio <= NOT_IDENTIFIED,
                "reason": p.rule,
            }
        )
    return rows


@dataclass(frozen=True)
class Frozen:
    """A fit as it was frozen: settings, what it rests on, and equally weighted draws of its parameters."""

    settings: Mapping[str, Any]
    inputs: Mapping[str, Any]
    summary: Mapping[str, Any]
    index: npt.NDArray[np.int64]
    """Which draw of the prior each draw is: seeds whatever is not a parameter."""
    draws: Mapping[str, F64]

    def document(self) -> dict[str, Any]:
        """As the file holds it, without its hash."""
        return {
            "settings": dict(self.settings),
            "inputs": dict(self.inputs),
            "summary": dict(self.summary),
            "index": [int(i) for i in self.index],
            "draws": {name: [float(f"{v:.6g}") for v in values] for name, values in self.draws.items()},
        }

    @property
    def hash(self) -> str:
        """64 hex digits over the content."""
        return digest(self.document())

    def write(self, path: Path) -> None:
        """Write the file with its hash. Raises `OSError` where it cannot be written."""
        document = {"hash": self.hash, **self.document()}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Frozen:
        """Read a frozen fit. Raises `InputError` where it is missing, damaged, or changed after it was frozen."""
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            said = document.pop("hash")
            frozen = cls(
                settings=document["settings"],
                inputs=document["inputs"],
                summary=document["summary"],
                index=np.asarray(document["index"], dtype=np.int64),
                draws={name: np.asarray(values, dtype=np.float64) for name, values in document["draws"].items()},
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError([_fault(path, type(error).__name__, "the frozen fit cannot be read")]) from error
        if frozen.hash != said:
            raise InputError([_fault(path, str(said)[:16], "the frozen fit was changed after it was frozen")])
        return frozen


PRIOR_COLUMNS = ("name", "shape", "low", "mode", "high", "unit", "reason")


def read_priors(path: Path) -> tuple[Uncertainty, ...]:
    """Declared priors of a hindcast: a CSV file of name, shape, low, mode, high, unit, reason.

    Raises:
        InputError: with every problem of the file.
    """
    cells = read_cells(path, str(path), PRIOR_COLUMNS)
    problems, found = list(cells.problems), []
    for number, row in cells.rows if set(PRIOR_COLUMNS) <= set(cells.columns) else []:
        try:
            if row["shape"] not in get_args(Shape):
                raise ValueError(f"unknown shape '{row['shape']}'")
            low, mode, high = (float(row[c]) for c in ("low", "mode", "high"))
            shape: Shape = row["shape"]  # type: ignore[assignment]
            found.append(Uncertainty(row["name"], shape, low, mode, high, row["unit"], "assumption", rule=row["reason"]))
        except ValueError as error:
            problems.append(Problem(str(path), number, None, row["name"], "shape, and low <= mode <= high", str(error)))
    if problems:
        raise InputError(problems)
    return tuple(found)


def digest(value: object) -> str:
    """SHA-256 over the canonical JSON of a value."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def frozen_path(name: str) -> Path:
    """A file of `data/validation`: inside the package where it was installed from a wheel, else in the repository."""
    packaged = Path(str(resources.files("isthmus"))) / "data" / "validation"
    root = packaged if packaged.is_dir() else Path(__file__).resolve().parents[3] / "data" / "validation"
    return root / name


def _fault(path: Path, found: str, message: str) -> Problem:
    return Problem(str(path), None, None, found, "the file as it was frozen by a fit", message)
