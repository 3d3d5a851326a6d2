"""Mass balance by counting basis: could what is said to have been fired have come out of stock and arrivals at all?

    opening stock = rounds fired - rounds that arrived + rounds left, with rounds left at least 0

For each side and basis the rows of that basis are joined to one rate over time and summed. The opening stock that this needs is
held against what is published. A basis that would need more than anybody claims is rejected: it counts something else as well
(mortar rounds, rockets, shots heard), and must not be read as shells out of the same stock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

from isthmus.axes import GRADE_WIDENING
from isthmus.register.register import Register
from isthmus.validation.artillery import START, Supply, supply, week_of
from isthmus.validation.case import Case
from isthmus.validation.observations import FIT_END, Observation, register_observations, stream

UKR_STOCK: Final = (2e5, 2.5e6)
"""Rounds of Soviet calibres that Ukraine may have held: no count is published; the range of the hindcast's prior."""
LEAST_ROWS: Final = 2


@dataclass(frozen=True)
class Fired:
    """Rounds fired over a period by one side on one basis, and what the balance says. Each triple: low, mode, high."""

    side: str
    basis: str
    until: date
    fired: tuple[float, float, float]
    arrived: tuple[float, float, float]
    rows: tuple[Observation, ...]

    @property
    def opening(self) -> tuple[float, float, float]:
        """Opening stock that was at least needed: fired less arrived, ranges taken against each other."""
        (f0, f1, f2), (a0, a1, a2) = self.fired, self.arrived
        return max(0.0, f0 - a2), max(0.0, f1 - a1), max(0.0, f2 - a0)


def mass_balance_cases(register: Register, until: date = FIT_END) -> list[Case]:
    """One case per side and counting basis, over the fit window; with an `until` after it also over the whole period.

    Raises:
        InputError: where the register holds no arrivals for a side.
    """
    rows = [r for r in register_observations(register, "artillery") if r.role in ("fit", "held")]
    published = _published(register_observations(register, "artillery"))
    come = supply(register)
    cases = []
    for end in dict.fromkeys((FIT_END, until)):
        for side in ("RUS", "UKR"):
            for basis in ("narrow", "broad"):
                inside = [r for r in rows if stream(r) == f"{side}.{basis}" and r.end <= end]
                if len(inside) >= LEAST_ROWS:
                    last = FIT_END if end == FIT_END else max(r.end for r in inside)
                    if end == FIT_END or last > FIT_END:
                        cases.append(_case(balance(side, basis, inside, come, last), published[side]))
    return cases


def balance(side: str, basis: str, rows: Sequence[Observation], come: Supply, until: date) -> Fired:
    """Rounds fired and arrived from the start of the war to `until`.

    Rates are joined straight in logs between the middles of the rows, and held before the first and after the last; rows that
    cover the same time are averaged there. A row without a range gets one by its grade, as in the register.
    """
    days = np.arange((until - START).days + 1)
    fired = []
    for level in range(3):
        total, weight = np.zeros(len(days)), np.zeros(len(days))
        for row in rows:
            span = (days >= (row.start - START).days) & (days <= (row.end - START).days)
            total[span] += np.log(_rate(row)[level])
            weight[span] += 1
        seen = weight > 0
        rate = np.exp(np.interp(days, days[seen], total[seen] / weight[seen])) / 7
        fired.append(float(rate.sum()))
    weeks = min(week_of(until) + 1, come.weeks)
    mine = [i for i, d in enumerate(come.donors) if d[1] == side]
    arrived = tuple(float(rates[mine, :weeks].sum()) for rates in (come.low, come.mode, come.high))
    return Fired(side, basis, until, (fired[0], fired[1], fired[2]), (arrived[0], arrived[1], arrived[2]), tuple(rows))


def _rate(row: Observation) -> tuple[float, float, float]:
    """Low, mode, high in rounds a week."""
    mode = row.weekly()
    wide = 1 + GRADE_WIDENING.get(row.confidence or "C", GRADE_WIDENING["C"])  # type: ignore[call-overload]
    scale = mode / (row.central or 1.0)
    low = min(mode / wide, row.low * scale) if row.low is not None else mode / wide
    high = max(mode * wide, row.high * scale) if row.high is not None else mode * wide
    return low, mode, high


def _published(rows: Sequence[Observation]) -> dict[str, tuple[float, float]]:
    stock = [r for r in rows if r.metric == "stock_rounds" and r.actor == "RUS" and r.low is not None and r.high is not None]
    low = min((float(r.low or 0) for r in stock), default=5e5)
    high = max((float(r.high or 0) for r in stock), default=1.6e7)
    return {"RUS": (low, high), "UKR": UKR_STOCK}


def _case(fired: Fired, published: tuple[float, float]) -> Case:
    low, mode, high = fired.opening
    accepted = low <= published[1]
    window = "to the end of the fit window" if fired.until == FIT_END else f"to {fired.until}, with rows after the fit window"
    span = fired.until - START + timedelta(days=1)

    def million(values: tuple[float, float, float]) -> str:
        return f"{values[1] / 1e6:.1f} ({values[0] / 1e6:.1f} to {values[2] / 1e6:.1f})"

    suffix = "" if fired.until == FIT_END else f".to_{fired.until:%Y_%m}"
    verdict = (
        f"at least {low / 1e6:.1f} million; the highest claim is {published[1] / 1e6:.1f} million, so the basis can be rounds out of stock"
        if accepted
        else f"at least {low / 1e6:.1f} million, above the highest claim of {published[1] / 1e6:.1f} million: "
        "basis rejected as rounds out of stock and arrivals"
    )
    return Case(
        case=f"mass_balance.{fired.side}.{fired.basis}{suffix}",
        kind="mass_balance",
        title=f"Opening stock that the {fired.basis} count of fire of {fired.side} needs, {window}",
        passed=accepted,
        why=f"Million rounds in {span.days} days: fired {million(fired.fired)}, arrived {million(fired.arrived)}, so the opening stock was {verdict}.",
        unit="rounds",
        observed=None,
        low=low,
        median=mode,
        high=high,
        sources=tuple(sorted({r.source for r in fired.rows})),
        tests="counting basis and opening stock",
    )
