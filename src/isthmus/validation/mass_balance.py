"""Mass balance by counting basis: could what is said to have been fired have come out of stock and arrivals at all?

    opening stock >= rounds fired to a day - rounds that arrived by that day, on every day

For each side and basis the rows of that basis are joined to one rate over time. The opening stock that this needs is
held against what is published, with rates and arrivals drawn from their ranges. A basis that would need more than anybody claims
is rejected: it counts something else as well (mortar rounds, rockets, shots heard), and must not be read as shells out of the
same stock.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt

from isthmus.axes import GRADE_WIDENING
from isthmus.ensemble.uncertainty import Uncertainty
from isthmus.register.register import Register
from isthmus.validation.artillery import PRIORS, START, Supply, supply
from isthmus.validation.case import Case
from isthmus.validation.observations import FIT_END, Observation, register_observations, stream
from isthmus.validation.scores import quantiles

F64 = npt.NDArray[np.float64]

LEAST_ROWS: Final = 2
DRAWS: Final = 2000
SEED: Final = 20220225
LEAST_CHANCE: Final = 0.05
"""Share of draws with an opening stock within the highest claim below which a basis is rejected."""


@dataclass(frozen=True)
class Balance:
    """One side on one basis from the start of the war: 5%, 50%, 95% of draws, in rounds."""

    side: str
    basis: str
    until: date
    fired: tuple[float, float, float]
    arrived: tuple[float, float, float]
    opening: tuple[float, float, float]
    """Opening stock that was at least needed."""
    possible: float
    """Share of draws in which the opening stock stays within the highest claim."""
    rows: tuple[Observation, ...]


def mass_balance_cases(register: Register, until: date = FIT_END) -> list[Case]:
    """One case per side and counting basis, over the fit window; with an `until` after it also over the whole period.

    Raises:
        InputError: where the register holds no arrivals for a side.
    """
    rows = [r for r in register_observations(register, "artillery") if r.role in ("fit", "held")]
    claims = _claims(register_observations(register, "artillery"))
    come = supply(register)
    cases = []
    for end in dict.fromkeys((FIT_END, until)):
        for side in ("RUS", "UKR"):
            for basis in ("narrow", "broad"):
                inside = [r for r in rows if stream(r) == f"{side}.{basis}" and r.end <= end]
                if len(inside) >= LEAST_ROWS:
                    last = FIT_END if end == FIT_END else max(r.end for r in inside)
                    if end == FIT_END or last > FIT_END:
                        cases.append(_case(balance(side, basis, inside, come, last, claims[side]), claims[side]))
    return cases


def balance(side: str, basis: str, rows: Sequence[Observation], come: Supply, until: date, claim: float) -> Balance:
    """Fired against arrived from the start of the war to `until`.

    Rates are joined straight in logs between rows and held before the first and after the last; rows that cover the same day are
    averaged there. Every row and every donor is drawn from its own range (PERT); a row without a range gets one by its grade, as
    in the register.

    Args:
        claim: highest published opening stock, rounds.
    """
    rng = np.random.default_rng([SEED, zlib.crc32(f"{side}.{basis}".encode())])
    days = np.arange((until - START).days + 1)
    total, weight = np.zeros((DRAWS, len(days))), np.zeros(len(days))
    for row in rows:
        span = (days >= (row.start - START).days) & (days <= (row.end - START).days)
        low, mode, high = _rate(row)
        drawn = Uncertainty(row.observation_id, "pert", low, mode, high, row.unit, "fact").quantile(rng.random(DRAWS))
        total[:, span] += np.log(drawn)[:, None]
        weight[span] += 1
    seen = np.flatnonzero(weight)
    logs = total[:, seen] / weight[seen]
    fired = np.exp(np.stack([np.interp(days, seen, one) for one in logs])) / 7
    weekly = np.zeros((DRAWS, come.weeks))
    for d, donor in enumerate(come.donors):
        if donor[1] == side:
            u = rng.random(DRAWS)
            less, more = np.maximum(0, 1 - 2 * u)[:, None], np.maximum(0, 2 * u - 1)[:, None]
            weekly += come.mode[d] + more * (come.high[d] - come.mode[d]) - less * (come.mode[d] - come.low[d])
    # Beyond the last month with arrivals nothing more is counted as arrived.
    arrived = np.where(days // 7 < come.weeks, weekly[:, np.minimum(days // 7, come.weeks - 1)] / 7, 0.0)
    short = np.maximum(0.0, (np.cumsum(fired, axis=1) - np.cumsum(arrived, axis=1)).max(axis=1))

    def triple(values: F64) -> tuple[float, float, float]:
        low, mode, high = quantiles(values, (0.05, 0.5, 0.95))
        return float(low), float(mode), float(high)

    return Balance(
        side=side,
        basis=basis,
        until=until,
        fired=triple(fired.sum(axis=1)),
        arrived=triple(arrived.sum(axis=1)),
        opening=triple(short),
        possible=float(np.mean(short <= claim)),
        rows=tuple(rows),
    )


def _rate(row: Observation) -> tuple[float, float, float]:
    """Low, mode, high in rounds a week."""
    mode = row.weekly()
    wide = 1 + GRADE_WIDENING.get(row.confidence or "C", GRADE_WIDENING["C"])
    scale = mode / (row.central or 1.0)
    low = min(mode / wide, row.low * scale) if row.low is not None else mode / wide
    high = max(mode * wide, row.high * scale) if row.high is not None else mode * wide
    return low, mode, high


def _claims(rows: Sequence[Observation]) -> dict[str, float]:
    """Highest opening stock: of Russia the highest published, of Ukraine, where none is, the upper end of the hindcast's prior."""
    prior = next(p for p in PRIORS if p.name == "stock.UKR.soviet")
    published = [r.high for r in rows if r.metric == "stock_rounds" and r.actor == "RUS" and r.high is not None]
    own = next(p for p in PRIORS if p.name == "stock.RUS")
    return {"RUS": max(published, default=own.high), "UKR": prior.high}


def _case(found: Balance, claim: float) -> Case:
    def million(values: tuple[float, float, float]) -> str:
        return f"{values[1] / 1e6:.1f} ({values[0] / 1e6:.1f} to {values[2] / 1e6:.1f})"

    accepted = found.possible >= LEAST_CHANCE
    inside = found.until == FIT_END
    window = "to the end of the fit window" if inside else f"to {found.until}, with rows after the fit window"
    verdict = "can be rounds out of stock and arrivals" if accepted else "is rejected as rounds out of stock and arrivals"
    return Case(
        case=f"mass_balance.{found.side}.{found.basis}" + ("" if inside else f".to_{found.until:%Y_%m}"),
        kind="mass_balance",
        title=f"Opening stock that the {found.basis} count of fire of {found.side} needs, {window}",
        passed=accepted,
        why=f"Million rounds in {(found.until - START).days + 1} days: fired {million(found.fired)}, arrived {million(found.arrived)}, so "
        f"an opening stock of at least {million(found.opening)}. Highest claim {claim / 1e6:.1f} million: kept in {found.possible:.0%} of draws, "
        f"so the basis {verdict} (rule: at least {LEAST_CHANCE:.0%}).",
        unit="rounds",
        low=found.opening[0],
        median=found.opening[1],
        high=found.opening[2],
        sources=tuple(sorted({r.source for r in found.rows})),
        tests="counting basis and opening stock",
    )
