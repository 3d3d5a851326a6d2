"""Fit by importance sampling, and the frozen result: a small file that says what it rests on and whether that still holds.

Draws come from declared priors, most of them moved to where the likelihood is, and weighted back; their weights are the likelihood
of the rows of the fit window. Errors of rows are normal in
log units, correlated by speaker and by a drift of each side, and integrated in closed form; nothing is optimised, so that the
same inputs always give the same weights.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
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
class Fit:
    """Log likelihood of draws, whole and with each event left out."""

    log_likelihood: F64
    """(draws,)."""
    without: Mapping[str, F64]
    """event -> log likelihood of the rows of all other events, (draws,)."""
    log_base: F64
    """Log of prior over proposal density of each draw, (draws,); zero where draws come from the prior."""

    @property
    def weights(self) -> F64:
        return normalised(self.log_likelihood + self.log_base)

    def weights_without(self, event: str) -> F64:
        return normalised(self.without[event] + self.log_base)

    @property
    def log_evidence(self) -> float:
        """Log of the likelihood averaged over the prior."""
        joint = self.log_likelihood + self.log_base
        top = float(joint.max())
        return top + float(np.log(np.mean(np.exp(joint - top))))


@dataclass(frozen=True)
class Proposal:
    """Mixture from which draws come, in standard normal scores of the priors: the prior, and a normal near the posterior."""

    mean: F64
    root: F64
    """Lower Cholesky factor of the covariance, (parameters, parameters)."""

    @classmethod
    def near(cls, scores: F64, log_weights: F64, least: float = 150.0, widen: float = 1.15) -> Proposal:
        """Moments of weighted draws, their weights tempered until `least` effective draws remain, then widened.

        Args:
            scores: standard normal scores of the draws, (draws, parameters).
            log_weights: log of posterior over the density from which the draws came, (draws,).
        """
        power = 1.0
        while power > 0.01 and effective_size(normalised(power * log_weights)) < least:
            power *= 0.85
        w = normalised(power * log_weights)
        mean = w @ scores
        away = scores - mean
        covariance = widen**2 * (away.T * w) @ away + 1e-6 * np.eye(scores.shape[1])
        return cls(mean, np.linalg.cholesky(covariance))

    def scores(self, standard: F64) -> F64:
        """Scores of the normal part from standard normal numbers, (draws, parameters)."""
        return np.asarray(self.mean + standard @ self.root.T)

    def log_base(self, scores: F64, prior: int) -> F64:
        """Log of prior over proposal density, (draws,), where the first `prior` of the draws come from the prior itself."""
        share = prior / len(scores)
        own = np.linalg.solve(self.root, (scores - self.mean).T).T
        log_ratio = -0.5 * np.sum(own**2, axis=1) - np.log(np.diag(self.root)).sum() + 0.5 * np.sum(scores**2, axis=1)
        return np.asarray(-np.logaddexp(np.log(share), np.log1p(-share) + log_ratio))


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


def fit(residuals: F64, covariance: F64, events: Sequence[str], log_base: F64) -> Fit:
    """Normal log likelihood of residuals per draw, whole and without each event.

    Args:
        residuals: observed minus modelled log, (draws, rows).
        covariance: (draws, rows, rows), positive definite.
        events: event of each row.
        log_base: log of prior over proposal density of the draws, (draws,).

    With the precision P and g = P r, the rows E given all others have the density of a normal with precision P_EE at the
    residual P_EE^-1 g_E; the likelihood of the others is the whole over that (Sundararajan and Keerthi 2001, for one row).
    """
    whole = log_likelihood(residuals, covariance)
    precision = np.linalg.inv(covariance)
    pull = np.einsum("nij,nj->ni", precision, residuals)
    member = np.asarray(events)
    without = {}
    for event in dict.fromkeys(events):
        at = np.flatnonzero(member == event)
        block = precision[:, at[:, None], at[None, :]]
        g = pull[:, at]
        quadratic = np.einsum("ni,ni->n", g, np.linalg.solve(block, g[..., None])[..., 0])
        given = -0.5 * (quadratic - np.linalg.slogdet(block)[1] + len(at) * np.log(2 * np.pi))
        without[event] = np.asarray(whole - given)
    return Fit(whole, without, log_base)


def spread(values: F64, weights: F64 | None = None) -> float:
    """Width of the central 90%."""
    low, high = quantiles(values, (0.05, 0.95), weights)
    return float(high - low)


def identifiability(
    parameters: Sequence[Uncertainty], draws: Mapping[str, F64], weights: F64, prior: F64
) -> list[dict[str, Any]]:
    """How far the fit narrowed each parameter: rows of name, quantiles before and after, ratio of spreads, verdict.

    Log-uniform and log-normal parameters are compared in logs. `weights` and `prior` weigh the draws after and before the fit.
    """
    rows = []
    for p in parameters:
        values = draws[p.name]
        scale = np.log(values) if p.shape in ("loguniform", "lognormal") else values
        ratio = spread(scale, weights) / max(1e-300, spread(scale, prior))
        low, median, high = quantiles(values, (0.05, 0.5, 0.95), weights)
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
