"""Depth of a magazine: what is loaded and what is left for reload, weeks at a rate, years to rebuild, stock for a number of days.

Pure functions of one number each or of arrays of futures, and the answer has their shape. They serve missions of tier magazine,
for which no campaign is run: a depth says how long a published rate of use could be kept up, not that anybody would.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
Value = float | F64

DAYS_PER_WEEK: Final = 7.0


def loaded(launch_units: Value, per_unit: Value) -> F64:
    """Missiles on launchers (units): launch units, such as batteries, times missiles that one holds loaded.

    Raises ValueError where either is negative or not finite.
    """
    return _checked("launch units", launch_units) * _checked("missiles a launch unit", per_unit)


def reload_stock(delivered: Value, launch_units: Value, per_unit: Value) -> F64:
    """Missiles left for reload (units) once every launch unit is loaded: delivered − launch units × missiles a unit, at least 0.

    Source of the rule: CSIS, Rumbaugh, The Depleting Missile Defense Interceptor Inventory, 5 December 2025.
    Raises ValueError where an argument is negative or not finite.
    """
    return np.maximum(0.0, _checked("delivered", delivered) - loaded(launch_units, per_unit))


def drawn_from_reload(fired: Value, engaged_units: Value, per_unit: Value) -> F64:
    """Missiles of `fired` (units) that did not stand on the launchers of the units engaged, and so came from reload; at least 0.

    Raises ValueError where an argument is negative or not finite.
    """
    return np.maximum(0.0, _checked("fired", fired) - loaded(engaged_units, per_unit))


def reload_left(delivered: Value, launch_units: Value, per_unit: Value, fired: Value, engaged_units: Value) -> F64:
    """Missiles left for reload (units) after `engaged_units` of the launch units have fired `fired`, their own load first.

    The launchers that fired stand empty: loading them again takes from what is left. At least 0. Source and errors as in
    :func:`reload_stock`.
    """
    return np.maximum(0.0, reload_stock(delivered, launch_units, per_unit) - drawn_from_reload(fired, engaged_units, per_unit))


def weekly_rate(total: Value, weeks: Value) -> F64:
    """Mean use (units/week) of a published `total` (units) over `weeks`. Raises ValueError where weeks are not above 0."""
    span = _checked("weeks", weeks)
    if np.any(span <= 0):
        raise ValueError(f"weeks must be above 0: {weeks}")
    return np.asarray(_checked("total", total) / span)


def depth_weeks(stock: Value, use: Value, output: Value = 0.0) -> F64:
    """Weeks that `stock` (units) lasts at `use` (units/week) with `output` (units/week): S / (D − p), infinite where p ≥ D.

    Raises ValueError where an argument is negative or not finite.
    """
    held, gap = _checked("stock", stock), _checked("use", use) - _checked("output", output)
    held, gap = np.broadcast_arrays(held, gap)
    return np.asarray(np.divide(held, gap, out=np.full(held.shape, np.inf), where=gap > 0))


def years_to_rebuild(used: Value, output: Value, peacetime_use: Value = 0.0) -> F64:
    """Years until what was `used` (units) is made again at `output` (units/year), less what peace takes (units/year).

    Infinite where output does not exceed the peacetime use; 0 where nothing was used. The time to set up a line is not in it.
    Raises ValueError where an argument is negative or not finite.
    """
    gone, rate = _checked("used", used), _checked("output", output) - _checked("peacetime use", peacetime_use)
    gone, rate = np.broadcast_arrays(gone, rate)
    never = np.where(gone > 0, np.inf, 0.0)
    return np.asarray(np.divide(gone, rate, out=never, where=rate > 0))


def stock_required(use: Value, days: Value, output: Value = 0.0) -> F64:
    """Stock (units) that lasts `days` at `use` (units/week) with `output` (units/week): (D − p) × days / 7, at least 0.

    The level-of-effort method of stockpile planning. Raises ValueError where an argument is negative or not finite.
    """
    gap = np.maximum(0.0, _checked("use", use) - _checked("output", output))
    return np.asarray(gap * _checked("days", days) / DAYS_PER_WEEK)


def _checked(name: str, value: Value) -> F64:
    array = np.asarray(value, np.float64)
    if not np.all(np.isfinite(array)) or np.any(array < 0):
        raise ValueError(f"{name} must be finite and not negative: {value}")
    return array
