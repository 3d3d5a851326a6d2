"""Exact quantiles of float32 values that come piece by piece and never stand in memory together.

Selection digit by digit: the bits of a float, read as a whole number with the sign turned, sort as the floats do. One pass
counts the values by their leading bits, which says in which bin each order statistic lies; the next two passes count within these
bins by the following bits, until the value is known to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import TypeVar

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]
K = TypeVar("K")
Pieces = Callable[[], Iterable[Mapping[K, F32]]]
"""Gives the same pieces at every call: key → some of its values."""

DIGITS = ((21, 11), (10, 11), (0, 10))
"""Shift and width of the digits of 32 bits, leading ones first: bins enough to part the values, few enough to hold."""

_SIGN = np.uint32(1 << 31)


def quantiles(pieces: Pieces[K], shares: Sequence[float]) -> dict[K, tuple[float, ...]]:
    """Quantiles by key, linear between order statistics: equal to those of :func:`numpy.quantile` on all values in float64.

    NaN where a key has no value, or one that is not a number. A single piece is sorted as it is; more take three passes.
    """
    stream = iter(pieces())
    first, second = next(stream, None), next(stream, None)
    if first is None:
        return {}
    if second is None:
        return {key: _plain(values, shares) for key, values in first.items()}
    found: dict[K, _Selection] = {}
    for piece in chain((first, second), stream):
        for key, values in piece.items():
            found.setdefault(key, _Selection(shares)).count(values)
    for _ in DIGITS[1:]:
        for one in found.values():
            one.narrow()
        for piece in pieces():
            for key, values in piece.items():
                found[key].count(values)
    return {key: one.result() for key, one in found.items()}


def _plain(values: F32, shares: Sequence[float]) -> tuple[float, ...]:
    if not len(values):
        return (np.nan,) * len(shares)
    return tuple(float(x) for x in np.quantile(values.astype(np.float64), shares))


class _Selection:
    """The order statistics that the quantiles of one key lie between. `counts`: leading bits known so far → bins of the next digit."""

    def __init__(self, shares: Sequence[float]) -> None:
        self.shares = shares
        self.digit = 0
        self.counts: dict[int, I64] = {0: _bins(0)}
        self.wanted: dict[int, tuple[int, int]] = {}
        """Rank → (leading bits, rank among the values that have them)."""
        self.total = 0
        self.bad = False

    def count(self, values: F32) -> None:
        keys = _sortable(values)
        shift, width = DIGITS[self.digit]
        if self.digit == 0:
            self.bad = self.bad or bool(np.isnan(values).any())
            self.total += len(values)
            self.counts[0] += np.bincount(keys >> shift, minlength=1 << width)
            return
        leading = keys >> (shift + width)
        for prefix, bins in self.counts.items():
            inside = keys[leading == prefix]
            bins += np.bincount((inside >> shift) & ((1 << width) - 1), minlength=1 << width)

    def narrow(self) -> None:
        """Go on to the next digit, within the bins that hold a wanted rank."""
        if self.digit == 0:
            ranks = {r for share in self.shares for r in _between(share, self.total)[:2]} if self.total else set()
            self.wanted = {rank: (0, rank) for rank in ranks}
        self._find()
        self.digit += 1
        self.counts = {prefix: _bins(self.digit) for prefix, _ in self.wanted.values()}

    def _find(self) -> None:
        width = DIGITS[self.digit][1]
        running = {prefix: bins.cumsum() for prefix, bins in self.counts.items()}
        for rank, (prefix, inside) in self.wanted.items():
            bin_ = int(np.searchsorted(running[prefix], inside, side="right"))
            before = int(running[prefix][bin_ - 1]) if bin_ else 0
            self.wanted[rank] = (prefix << width | bin_, inside - before)

    def result(self) -> tuple[float, ...]:
        if self.bad or not self.total:
            return (np.nan,) * len(self.shares)
        self._find()
        at = {rank: _value(bits) for rank, (bits, _) in self.wanted.items()}
        return tuple(_linear(at[low], at[high], part) for low, high, part in (_between(s, self.total) for s in self.shares))


def _bins(digit: int) -> I64:
    return np.zeros(1 << DIGITS[digit][1], np.int64)


def _sortable(values: F32) -> U32:
    """Whole numbers that sort as the floats do: all bits of a negative float turned, of another one only the sign."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def _value(bits: int) -> float:
    back = bits & 0x7FFFFFFF if bits >> 31 else ~bits & 0xFFFFFFFF
    return float(np.array(back, np.uint32).view(np.float32))


def _between(share: float, total: int) -> tuple[int, int, float]:
    """Ranks below and above a quantile, and how far it lies between them."""
    place = share * (total - 1)
    low = int(place)
    return low, min(low + 1, total - 1), place - low


def _linear(low: float, high: float, part: float) -> float:
    """As NumPy rounds it: from the nearer end."""
    return low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part)
