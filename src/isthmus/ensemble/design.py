"""Designs of futures, cut into blocks of any size: a scrambled Sobol sequence for shared ranges, random numbers for the rest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from isthmus.ensemble.uncertainty import Uncertainty

F64 = npt.NDArray[np.float64]

OWN = ":"
"""Stands in the name of an uncertainty of one actor, row or desk, such as ``stock:JPN:pac3_mse``."""

_BLOCK = 4
"""Random numbers that one count of the Philox generator gives."""


@dataclass(frozen=True)
class Design:
    """Futures of a study. The same seed and uncertainties give the same futures, block by block, whatever the block size.

    Shared ranges (names without a colon) are dimensions of a Sobol sequence in the alphabetical order of their names (Sobol 1967;
    scrambling by Owen as in :class:`scipy.stats.qmc.Sobol`). The many ranges of single actors and rows draw from a Philox
    generator each (Salmon et al. 2011), keyed by seed and name: in several hundred dimensions pairs of a Sobol sequence are
    strongly correlated below some thousand points (0.94 between the worst of 1,000 dimensions at 512 points, 0.20 for random
    numbers), and a draw that hangs on its name alone stays paired when the register gains a row.
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

    @cached_property
    def shared(self) -> tuple[str, ...]:
        """Names that are dimensions of the Sobol sequence. Two designs of one seed and equal `shared` are paired."""
        return tuple(name for name in self.order if OWN not in name)

    def probabilities(self, start: int, count: int) -> F64:
        """Points of futures `start` … `start + count - 1`, shape (count, names in `order`), in (0, 1)."""
        sobol = dict(zip(self.shared, self._sobol(start, count).T, strict=True))
        points = np.empty((count, len(self.order)))
        for i, name in enumerate(self.order):
            points[:, i] = sobol[name] if name in sobol else self._own(name, start, count)
        inside: F64 = np.clip(points, 1e-9, 1 - 1e-9)
        return inside

    def _sobol(self, start: int, count: int) -> F64:
        if not self.shared:
            return np.empty((count, 0))
        from scipy.stats import qmc  # heavy, and many commands name uncertainties without drawing them

        # Skipping points takes time for each: block after block, the engine goes on from where it stands. Taken out while it is
        # in use, so that no other thread moves it.
        engine = self.__dict__.pop("_engine", None)
        if engine is None or engine.num_generated > start:
            engine = qmc.Sobol(len(self.shared), scramble=True, rng=self.seed)
        if start > engine.num_generated:
            engine.fast_forward(start - engine.num_generated)
        # Balance holds for the whole design, a power of two; a block is a part of it.
        points: F64 = engine.random(count) if start else engine.random_base2((count - 1).bit_length())[:count]
        self.__dict__["_engine"] = engine
        return points

    def _own(self, name: str, start: int, count: int) -> F64:
        key = int.from_bytes(hashlib.blake2b(f"{self.seed}|{name}".encode(), digest_size=16).digest(), "little")
        generator = np.random.Philox(key=key)
        generator.advance(start // _BLOCK)
        skip = start % _BLOCK
        return np.random.Generator(generator).random(skip + count)[skip:]

    def draw(self, start: int, count: int) -> dict[str, F64]:
        """Values of every uncertainty for the futures asked for: name → (count,)."""
        points = self.probabilities(start, count)
        return {name: self.by_name[name].quantile(points[:, i]) for i, name in enumerate(self.order)}
