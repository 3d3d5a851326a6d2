"""Output of production lines over time: plans that slip, and stages and inputs that several lines share.

A path is the weekly output at every :data:`KNOT_WEEKS`-th week, linear between. See ``docs/model.md``, section 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

KNOT_WEEKS: Final = 13
"""Weeks between two knots of a path."""


def knots(horizon_weeks: int) -> F64:
    """Weeks of the knots that a horizon needs: from 0 to the first at or beyond its end, and never fewer than two."""
    return KNOT_WEEKS * np.arange(max(2, -(-horizon_weeks // KNOT_WEEKS) + 1), dtype=np.float64)


def ramped(base: F64, gain: F64, ramp: F64, weeks: F64) -> F64:
    """base + gain × min(1, t / ramp): (n, futures) each → (n, knots, futures), units a week."""
    out = np.empty((len(base), len(weeks), base.shape[1]))
    for i, path in enumerate(out):  # one path after the other: each fits a processor's cache
        np.divide(weeks[:, None], ramp[i], out=path)
        np.minimum(1.0, path, out=path)
        path *= gain[i]
        path += base[i]
    return out


def output_to(path: F64, weeks: float) -> F64:
    """Units made up to `weeks`: the area under a path (knots, futures) → (futures,). Raises ValueError beyond its last knot."""
    whole, part = divmod(float(weeks), KNOT_WEEKS)
    k = int(whole)
    if k > len(path) - 1 or (part > 0 and k + 1 > len(path) - 1):
        raise ValueError(f"a path of {len(path)} knots ends before week {weeks:g}")
    area: F64 = KNOT_WEEKS * (path[: k + 1].sum(axis=0) - (path[0] + path[k]) / 2)
    if part > 0:
        end = path[k] + (path[k + 1] - path[k]) * part / KNOT_WEEKS
        area = area + part * (path[k] + end) / 2
    return area


@dataclass(frozen=True)
class InputUse:
    """What some lines take of one stage or input: `per_unit` of it for each unit of output, (lines in `lines`, futures)."""

    lines: tuple[int, ...]
    per_unit: F64
    capacity: F64
    """(knots, futures), units of the input a week."""


def fill_progressively(wanted: F64, uses: Sequence[InputUse]) -> F64:
    """Output of lines that share inputs: (lines, knots, futures), never above what is wanted or what inputs allow.

    All lines rise together as shares of what they want, until an input is used up; the lines that take it stop there and the rest
    go on (progressive filling, Bertsekas and Gallager, Data Networks, 1992, section 6.5.2). So no capacity that a line could
    still use stays idle.
    """
    touched = sorted({line for use in uses for line in use.lines})
    out = wanted.copy()
    out[touched] = _filled(wanted[touched], [replace(u, lines=tuple(touched.index(line) for line in u.lines)) for u in uses])
    return out


def _filled(wanted: F64, uses: Sequence[InputUse]) -> F64:
    """The same where every line takes of some input."""
    level = np.zeros_like(wanted)
    rising = np.ones(wanted.shape, bool)
    left = [use.capacity.copy() for use in uses]
    for _ in range(len(uses) + 1):
        if not rising.any():
            break
        room = np.where(rising, 1.0 - level, np.inf).min(axis=0)
        demand = []
        for use, have in zip(uses, left, strict=True):
            idx = list(use.lines)
            load = (use.per_unit[:, None, :] * wanted[idx] * rising[idx]).sum(axis=0)
            demand.append(load)
            room = np.where(load > 0, np.minimum(room, have / np.where(load > 0, load, 1.0)), room)
        room = np.where(np.isfinite(room), np.maximum(0.0, room), 0.0)
        level = level + np.where(rising, room, 0.0)
        stop = level >= 1.0 - 1e-12
        for j, (use, load) in enumerate(zip(uses, demand, strict=True)):
            left[j] = left[j] - room * load
            spent = (load > 0) & (left[j] <= 1e-9 * np.maximum(1.0, use.capacity))
            for line in use.lines:
                stop[line] |= spent
        rising &= ~stop
    return wanted * np.minimum(1.0, level)
