"""Scores of a forecast by an ensemble, and how sure one may be of a difference between two of them.

Lower is better for every score. Scores of events that share a cause (an event, a speaker, an episode) are not independent, so
differences are resampled by whole groups: one cause counts once, however many rows it wrote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

Array = npt.NDArray[np.float64]

LEVEL = 0.9
"""Level of the central interval that every case prints."""

_BOOTSTRAPS = 4000
_SEED = 20221


@dataclass(frozen=True)
class Difference:
    """Mean of first minus second score over events. Negative: the first is better."""

    mean: float
    standard_error: float
    """Standard error by a bootstrap over groups; infinite with fewer than two groups."""
    groups: int

    def better(self, errors: float = 1.0) -> bool:
        """Whether the first is better by more than this many standard errors."""
        return self.mean < -errors * self.standard_error

    def worse(self, errors: float = 1.0) -> bool:
        """Whether the first is worse by more than this many standard errors."""
        return self.mean > errors * self.standard_error


@dataclass(frozen=True)
class LeftOut:
    """Scores with the events of one group left out."""

    group: str
    score: float
    rival: str
    """The best rival on the events that stay."""
    rival_score: float
    skill: float
    """1 - score / rival_score: share by which the rival's score falls."""
    difference: Difference
    """Score minus that of the best rival on the events that stay."""


def crps(ensemble: npt.ArrayLike, observed: npt.ArrayLike, weights: npt.ArrayLike | None = None, *, fair: bool = True) -> Array:
    """Continuous ranked probability score of an ensemble: E|X - y| - E|X - X'| / 2.

    Args:
        ensemble: draws, shape (..., n), in the unit of the observation.
        observed: shape (...), or a scalar.
        weights: of the draws, shape (..., n) or (n,), at least 0 and not all 0; equal where None.
        fair: the pair of draws X, X' are two different ones, so that the expected score does not depend on n. False: the
            exact score of the empirical distribution. A single draw always scores |x - y|.

    Returns:
        shape (...), in the unit of the observation.

    Gneiting and Raftery 2007, doi:10.1198/016214506000001437, equation 21; fair form: Ferro 2014, doi:10.1002/qj.2270.
    """
    x = np.asarray(ensemble, dtype=np.float64)
    y = np.asarray(observed, dtype=np.float64)
    if x.shape[-1] == 0:
        raise ValueError("an ensemble needs at least one draw")
    w = np.ones(x.shape[-1]) if weights is None else np.asarray(weights, dtype=np.float64)
    w = np.broadcast_to(w, x.shape)
    w = w / w.sum(axis=-1, keepdims=True)
    distance = (w * np.abs(x - y[..., None])).sum(axis=-1)
    order = np.argsort(x, axis=-1)
    xs, ws = np.take_along_axis(x, order, -1), np.take_along_axis(w, order, -1)
    below = np.cumsum(ws, axis=-1) - ws
    # Sum over pairs i < j of w_i w_j (x_j - x_i), in one pass over the sorted draws.
    spread = (ws * xs * (2 * below + ws - 1.0)).sum(axis=-1)
    if fair:
        other = 1.0 - (ws**2).sum(axis=-1)
        spread = np.where(other > 0, spread / np.where(other > 0, other, 1.0), 0.0)
    return np.asarray(distance - spread)


def crps_normal(mean: npt.ArrayLike, sd: npt.ArrayLike, observed: npt.ArrayLike) -> Array:
    """CRPS of a normal distribution in closed form (Gneiting et al. 2005, doi:10.1175/MWR2904.1, equation 5); all shapes broadcast."""
    m, s, y = (np.asarray(v, dtype=np.float64) for v in (mean, sd, observed))
    z = (y - m) / s
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return np.asarray(s * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / np.sqrt(np.pi)))


def quantiles(ensemble: npt.ArrayLike, probabilities: Sequence[float], weights: npt.ArrayLike | None = None) -> Array:
    """Quantiles of weighted draws: the least draw whose cumulated weight reaches the probability.

    Args:
        ensemble: shape (..., n).
        probabilities: between 0 and 1.
        weights: shape (..., n) or (n,); equal where None.

    Returns:
        shape (len(probabilities), ...).
    """
    x = np.asarray(ensemble, dtype=np.float64)
    if weights is None:
        return np.asarray(np.quantile(x, probabilities, axis=-1))
    w = np.broadcast_to(np.asarray(weights, dtype=np.float64), x.shape)
    order = np.argsort(x, axis=-1)
    xs, ws = np.take_along_axis(x, order, -1), np.take_along_axis(w, order, -1)
    reached = np.cumsum(ws, axis=-1) / ws.sum(axis=-1, keepdims=True)
    found = []
    for p in probabilities:
        place = np.minimum((reached < p - 1e-12).sum(axis=-1), x.shape[-1] - 1)
        found.append(np.take_along_axis(xs, place[..., None], -1)[..., 0])
    return np.asarray(found)


def interval_score(low: npt.ArrayLike, high: npt.ArrayLike, observed: npt.ArrayLike, level: float = LEVEL) -> Array:
    """Interval score of a central interval: width plus 2 / (1 - level) times the distance by which it misses.

    Gneiting and Raftery 2007, doi:10.1198/016214506000001437, equation 43. All shapes broadcast; unit of the observation.
    """
    lo, hi, y = (np.asarray(v, dtype=np.float64) for v in (low, high, observed))
    return np.asarray((hi - lo) + 2 / (1 - level) * (np.maximum(lo - y, 0) + np.maximum(y - hi, 0)))


def coverage(low: npt.ArrayLike, high: npt.ArrayLike, observed: npt.ArrayLike) -> float:
    """Share of observations inside their intervals, ends included; not a number where there is none."""
    y = np.asarray(observed, dtype=np.float64)
    inside = (np.asarray(low, dtype=np.float64) <= y) & (y <= np.asarray(high, dtype=np.float64))
    return float(np.mean(inside)) if inside.size else float("nan")


def paired_bootstrap(
    first: npt.ArrayLike, second: npt.ArrayLike, groups: Sequence[str], bootstraps: int = _BOOTSTRAPS, seed: int = _SEED
) -> Difference:
    """Mean of first minus second score and its standard error, groups drawn whole with replacement.

    Args:
        first, second: scores of the same events, shape (events,).
        groups: the event, speaker, episode or block of each event.

    Returns:
        the difference; its mean is over events, so that large groups weigh more, as in the score itself.

    Raises:
        ValueError: where the three differ in length or are empty.
    """
    gap = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    if gap.ndim != 1 or len(gap) != len(groups) or not len(gap):
        raise ValueError("scores and groups must be as many, and at least one")
    names, member = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    if len(names) < 2:
        return Difference(float(gap.mean()), float("inf"), len(names))
    total = np.bincount(member, weights=gap)
    size = np.bincount(member)
    drawn = np.random.default_rng(seed).integers(len(names), size=(bootstraps, len(names)))
    means = total[drawn].sum(axis=1) / size[drawn].sum(axis=1)
    return Difference(float(gap.mean()), float(means.std(ddof=1)), len(names))


def leave_one_group_out(score: npt.ArrayLike, rivals: Mapping[str, npt.ArrayLike], groups: Sequence[str]) -> list[LeftOut]:
    """Skill against the best rival with each group left out in turn, groups in the order of their names.

    Args:
        score: of the model, shape (events,).
        rivals: name of the rival -> its scores of the same events.
        groups: the group of each event; groups whose removal leaves nothing are skipped.
    """
    own = np.asarray(score, dtype=np.float64)
    member = np.asarray(groups, dtype=str)
    found = []
    for name in np.unique(member):
        stays = member != name
        if not stays.any():
            continue
        others = {rival: np.asarray(values, dtype=np.float64)[stays] for rival, values in rivals.items()}
        best = min(others, key=lambda rival: (float(others[rival].mean()), rival))
        mean, rival_mean = float(own[stays].mean()), float(others[best].mean())
        found.append(
            LeftOut(
                group=str(name),
                score=mean,
                rival=best,
                rival_score=rival_mean,
                skill=1 - mean / rival_mean if rival_mean > 0 else 0.0,
                difference=paired_bootstrap(own[stays], others[best], list(member[stays])),
            )
        )
    return found
