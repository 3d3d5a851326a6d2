"""A declared uncertainty: name, distribution, unit and what it rests on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import special

from isthmus.axes import Kind, Shape

F64 = npt.NDArray[np.float64]

_Z95 = float(special.ndtri(0.95))
_NODES = (1 - np.cos(np.linspace(0, np.pi, 513))) / 2
"""Probabilities at which a PERT quantile is tabulated: dense at both ends, where it is steep."""


@cache
def _pert_table(low: float, mode: float, high: float) -> F64:
    """Quantiles of a PERT at the nodes."""
    span = high - low
    a = 1 + 4 * (mode - low) / span
    b = 1 + 4 * (high - mode) / span
    table: F64 = low + span * special.betaincinv(a, b, _NODES)
    return table


@dataclass(frozen=True)
class Uncertainty:
    """One input drawn per future.

    `low`, `mode`, `high` in `unit`. pert: scaled Beta with shape 4 (Malcolm et al. 1959); uniform and loguniform between low
    and high; lognormal: 5th percentile, median, 95th percentile; bernoulli: chance `mode` of 1; constant: `mode`.
    """

    name: str
    shape: Shape
    low: float
    mode: float
    high: float
    unit: str
    kind: Kind
    evidence: tuple[str, ...] = field(default=())
    """Ids of the register rows that it rests on."""
    rule: str = ""
    """How the rows became a range; or the reason of an assumption."""

    def __post_init__(self) -> None:
        if not self.low <= self.mode <= self.high:
            raise ValueError(f"{self.name}: low <= mode <= high does not hold: {self.low:g}, {self.mode:g}, {self.high:g}")
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            raise ValueError(f"{self.name}: a range must be finite: {self.low:g}, {self.high:g}")
        if self.shape in ("loguniform", "lognormal") and self.low <= 0:
            raise ValueError(f"{self.name}: shape '{self.shape}' needs low > 0, found {self.low:g}")
        if self.shape == "bernoulli" and not (self.low >= 0 and self.high <= 1):
            raise ValueError(f"{self.name}: shape 'bernoulli' needs a probability between 0 and 1")

    def quantile(self, u: F64) -> F64:
        """Values at the probabilities `u` (any shape), in `unit`."""
        if self.shape == "constant" or (self.low == self.high and self.shape != "bernoulli"):
            return np.full_like(u, self.mode)
        if self.shape == "pert":
            return np.interp(u, _NODES, _pert_table(self.low, self.mode, self.high))
        if self.shape == "uniform":
            return self.low + (self.high - self.low) * u
        if self.shape == "loguniform":
            return self.low * (self.high / self.low) ** u
        if self.shape == "lognormal":
            sigma = np.log(self.high / self.low) / (2 * _Z95)
            out: F64 = self.mode * np.exp(sigma * special.ndtri(np.clip(u, 1e-9, 1 - 1e-9)))
            return out
        return (u < self.mode).astype(np.float64)
