"""Numbers and names as readers see them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from isthmus.register import Register
from isthmus.sustainment.kernel import NEVER_YEARS


def web(url: object) -> str | None:
    """An address that may become a link, or None: nothing but http and https."""
    return str(url) if str(url).lower().startswith(("https://", "http://")) else None


def percent(value: float) -> str:
    """A share as whole per cents; what is above 0 or below 1 is never rounded to either."""
    if np.isnan(value):
        return "–"
    if 0 < value < 0.005:
        return "<1%"
    if 0.995 <= value < 1:
        return ">99%"
    return f"{value:.0%}"


def number(value: float) -> str:
    """Three significant figures, thousands separated."""
    if np.isnan(value):
        return "–"
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{float(f'{value:.3g}'):g}"


def rounded(value: float) -> str:
    """Three significant figures also of large numbers, where more would pretend to be known."""
    return number(float(f"{value:.3g}")) if np.isfinite(value) else number(value)


def change(before: str, after: str) -> str:
    """From one to another, on one line."""
    return f"{before}\u00a0→\u00a0{after}"


def spread(low: float, median: float, high: float, say: Callable[[float], str] = number) -> str:
    """Median with 5 to 95% in brackets; a dash where there is nothing."""
    if np.isnan(median):
        return "–"
    bottom, middle, top = say(low), say(median), say(high)
    if bottom == middle == top:
        return middle
    to = " to " if " " in top or bottom.startswith(("-", "−")) else "–"
    return f"{middle} ({bottom.removesuffix('%') if top.endswith('%') else bottom}{to}{top})"


def ratio(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.2f}" if value < 9.95 else number(value)


def years(value: float) -> str:
    return "not at this rate" if value >= NEVER_YEARS else "–" if np.isnan(value) else f"{value:.1f}"


def signed(value: float, digits: int = 1) -> str:
    """A number with its sign; 0 where it rounds to nothing."""
    if np.isnan(value):
        return "–"
    shown = f"{value:+.{digits}f}".replace("-", "−")
    return "0" if float(f"{value:.{digits}f}") == 0 else shown


def points(value: float) -> str:
    """A difference of shares in percentage points."""
    return signed(100 * value)


def points_error(value: float, error: float) -> str:
    """A difference of shares in percentage points, with its standard error."""
    if np.isnan(error) or (value == 0 and error == 0):
        return points(value)
    return f"{points(value)}\u00a0±\u00a0{100 * error:.1f}"


def signed_error(value: float, error: float, digits: int = 3) -> str:
    """A difference with its standard error, in the unit of the difference."""
    return signed(value, digits) if np.isnan(error) else f"{signed(value, digits)}\u00a0±\u00a0{error:.{digits}f}"


class Names:
    """Names for readers; without a register an id is read out as it stands."""

    def __init__(self, register: Register | None) -> None:
        self._names: dict[str, dict[str, str]] = {}
        keys = (
            ("actors", "actor_id"),
            ("materiel", "materiel_id"),
            ("missions", "mission_id"),
            ("theaters", "theater_id"),
            ("elements", "element_id"),
        )
        for table, key in (*keys, ("layers", "layer_id"), ("uncertainties", "uncertainty_id")):
            frame = register.table(table) if register is not None else None
            self._names[table] = {} if frame is None else dict(zip(frame[key], frame["name"], strict=True))

    def of(self, table: str, key: str) -> str:
        found = self._names[table].get(key)
        return str(found) if found else plain(key)

    def front(self, front_id: str) -> str:
        theater, _, side = front_id.partition(".")
        return f"{self.of('theaters', theater)}, {side}" if side else self.of("theaters", theater)

    def place(self, front_id: str, mission: str) -> str:
        """A front or theater and one of its missions."""
        return f"{self.front(front_id)}: {self.of('missions', mission)}"

    def element(self, element: str) -> str:
        """An input's element: actor and materiel, or whatever its parts name."""
        tables = ("actors", "materiel", "elements", "uncertainties")
        parts = element.split(":")
        return ": ".join(next((str(self._names[t][p]) for t in tables if p in self._names[t]), p) for p in parts)


PROPER = {
    name.lower(): name
    for name in ("Europe", "Pacific", "Asia", "Korea", "Taiwan", "Ukraine", "Japan", "China", "Russia", "Iran", "Baltic")
}


def plain(identifier: str) -> str:
    return " ".join(PROPER.get(word, word) for word in identifier.split("_"))
