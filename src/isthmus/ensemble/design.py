"""Designs of futures: a scrambled Sobol sequence, one dimension per uncertainty, cut into blocks of any size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.stats import qmc

from isthmus.ensemble.uncertainty import Uncertainty


@dataclass(frozen=True)
class Design:
    """Futures of a study. The same seed and uncertainties give the same futures, block by block, whatever the block size.

    Dimensions follow the names in alphabetical order (Sobol 1967; scrambling by Owen as in :class:`scipy.stats.qmc.Sobol`).
    """

    uncertainties: tuple[Uncertainty, ...]
    seed: int

    @cached_property
    def by_name(self) -> dict[str, Uncertainty]:
        return {u.name: u for u in self.uncertainties}

    @cached_property
    def order(self) -> tuple[str, ...]:
        names = sorted(self.by_name)
        if len(names) != len(self.uncertainties):
            raise ValueError("two uncertainties of one name")
        return tuple(names)

    def probabilities(self, start: int, count: int) -> npt.NDArray[np.float64]:
        """Points of futures `start` … `start + count - 1`, shape (count, dimensions), in (0, 1)."""
        engine = qmc.Sobol(len(self.order), scramble=True, rng=self.seed)
        if start:
            engine.fast_forward(start)
        # Balance holds for the whole design, a power of two; a block is a part of it.
        points = engine.random(count) if start else engine.random_base2((count - 1).bit_length())[:count]
        inside: npt.NDArray[np.float64] = np.clip(points, 1e-9, 1 - 1e-9)
        return inside

    def draw(self, start: int, count: int) -> dict[str, npt.NDArray[np.float64]]:
        """Values of every uncertainty for the futures asked for: name → (count,)."""
        points = self.probabilities(start, count)
        return {name: self.by_name[name].quantile(points[:, i]) for i, name in enumerate(self.order)}
