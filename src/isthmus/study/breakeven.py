"""Break-even values borne out: the study run again, on its own first futures, with one input fixed at a value.

What the campaigns say is corrected by how far those futures lie from all futures of the run (a control variate, Lavenberg and Welch
1981), so that they speak of the same worlds as the stored outcomes, and far more narrowly than their number alone would allow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import sqrt

import numpy as np
import numpy.typing as npt

from isthmus.ensemble import Uncertainty
from isthmus.errors import Problem, RunError
from isthmus.study.drivers import Driver, Flip, Judged
from isthmus.study.plan import Plan
from isthmus.study.schema import Override
from isthmus.study.sensitivity import GRID, Curve
from isthmus.study.targets import Statement, Target, campaigns, simulated

F64 = npt.NDArray[np.float64]

RERUN_FUTURES = 1024
"""The first futures of a run, in which an input is fixed."""

PROBES = (0.005, 0.25, 0.5, 0.75, 0.995)
"""Shares of an input's draws below the values that are tried first."""

HALVINGS = 7
"""Of the stretch between two probes in which a statement flips: what is left is 0.2% of the draws."""

CLEAR = 3.0
"""Standard errors by which a mean has to pass a level before the side is taken as told."""


def fixed(plan: Plan, values: dict[str, float]) -> dict[str, Uncertainty]:
    """Ranges that change where inputs are set to values, by the study's own overrides: copies of a template change with it."""
    overrides = {
        name: Override(shape="constant", low=v, mode=v, high=v, reason="fixed to look for a break-even")
        for name, v in values.items()
    }
    old = plan.design.by_name
    new = plan.study.model_copy(update={"uncertainties": overrides}).override(old)
    return {name: u for name, u in new.items() if u is not old[name]}


@dataclass
class Reruns:
    """Campaigns of a plan's first futures with inputs changed, kept so that outcomes of one war case share them."""

    plan: Plan
    futures: int = RERUN_FUTURES
    campaigns: int = 0
    _kept: dict[tuple[str, str, str, float], dict[str, F64]] = field(default_factory=dict)
    _draws: dict[str, F64] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.futures = min(self.futures, self.plan.study.futures)
        self._draws = self.plan.design.draw(0, self.futures)

    def values(self, target: Target, name: str = "", value: float = 0.0) -> F64:
        """The outcome with an input fixed at a value: (futures,). Without a name, as drawn."""
        changed = {n: np.full(self.futures, u.mode) for n, u in fixed(self.plan, {name: value}).items()} if name else {}
        return self._with(target, changed, (name, value))

    def redrawn(self, target: Target, name: str) -> F64:
        """The outcome with an input drawn anew, all else as it is."""
        other = self.plan.design.by_name[name]
        rng = np.random.default_rng(self.plan.study.seed + 1)
        return self._with(target, {name: other.quantile(rng.random(self.futures))}, (name, float("inf")))

    def _with(self, target: Target, changed: dict[str, F64], key: tuple[str, float]) -> F64:
        draws = {**self._draws, **changed}
        if target.war_case is None:
            return simulated(self.plan, target, draws)
        case = target.war_case

        def column(name: str, ecosystem: str) -> F64:
            kept = self._kept.get((ecosystem, case, *key))
            if kept is None:
                kept = campaigns(self.plan, ecosystem, case, draws)
                self.campaigns += self.futures
                self._kept[ecosystem, case, *key] = kept
            return kept[name]

        return target.paired(column)


def confirm(reruns: Reruns, judged: Judged, driver: Driver) -> Driver:
    """The driver with its flip found by running again, or with none where no value flips the statement.

    `confirmed` is True where campaigns and stored futures tell the same flips, each within the other's interval, or both none.
    `total_share` is the total index of Jansen (1999); 0 where redrawing the input changes nothing at all.
    """
    before = reruns.campaigns
    target, name = judged.target, driver.input
    drawn, again = reruns.values(target), reruns.redrawn(target, name)
    known = np.isfinite(drawn) & np.isfinite(again)
    spread = float(drawn[known].var())
    total = float(np.square(drawn - again)[known].mean() / (2 * spread)) if spread > 0 else 0.0
    if judged.statement is None:
        return replace(driver, total_share=total, campaigns=reruns.campaigns - before)
    search = Search(reruns, judged, judged.statement, driver)
    flips = search.flips()
    curve = search.curve()
    aim = float(reruns.plan.design.by_name[name].quantile(np.array([0.5]))[0]) if driver.flips_at is None else driver.flips_at
    nearest = min(flips, key=lambda f: abs(f.at - aim), default=None)
    return replace(
        driver,
        total_share=total,
        flips_estimate=driver.flips_at,
        flips_at=nearest.at if nearest else None,
        flips_when=nearest.when if nearest else None,
        flips_low=nearest.low if nearest else None,
        flips_high=nearest.high if nearest else None,
        flips=flips,
        value_of_knowing=judged.statement.worth(curve) if flips else 0.0,
        value_error=judged.statement.worth_error(curve) if flips else None,
        confirmed=_agree(driver.flips, flips),
        campaigns=reruns.campaigns - before,
    )


def _agree(stored: tuple[Flip, ...], again: tuple[Flip, ...]) -> bool:
    """Whether campaigns run again tell as many flips, the same way, each within the interval of the other."""
    return len(stored) == len(again) and all(
        a.when == b.when and a.low <= b.high and b.low <= a.high for a, b in zip(stored, again, strict=True)
    )


@dataclass(frozen=True)
class Probe:
    """The mean of an event above its level with an input fixed at the value below which a share `p` of its draws lies."""

    p: float
    gain: float
    error: float

    def side(self, errors: float = 0.0) -> int:
        """1 above the level, −1 below it, 0 where it is no further off than so many standard errors."""
        return int(np.sign(self.gain)) if abs(self.gain) > errors * self.error else 0


@dataclass
class Search:
    """Looks for the values of one input at which a statement turns."""

    reruns: Reruns
    judged: Judged
    statement: Statement
    driver: Driver
    seen: dict[float, Probe] = field(default_factory=dict)

    def flips(self) -> tuple[Flip, ...]:
        """Flips by value. One that is not told apart from noise counts only where the stored futures show one as well."""
        shown = {self._share(v) for f in self.driver.flips for v in (f.low, f.high)}
        probes = [self.probe(p) for p in sorted({*PROBES, *(min(max(p, PROBES[0]), PROBES[-1]) for p in shown)})]
        told = [q for q in probes if q.side(CLEAR)]
        turns = [(a, b) for a, b in pairwise(told) if a.side() != b.side()]
        if not turns and self.driver.flips:
            turns = [(a, b) for a, b in pairwise(probes) if a.side() * b.side() < 0]
        found = [self._between(a.p, b.p) for a, b in turns]
        return tuple(sorted(found, key=lambda f: f.at))

    def curve(self) -> Curve:
        """The mean of the event over the draws of the input, between the values that were tried."""
        tried = sorted(self.seen.values(), key=lambda q: q.p)
        p = [q.p for q in tried]
        mean = np.interp(GRID, p, [q.gain + self.statement.level for q in tried])
        event = self.statement.event(self.judged.values)
        return Curve(
            self._range.quantile(GRID),
            mean,
            np.interp(GRID, p, [q.error for q in tried]),
            np.full(len(GRID), 1 / len(GRID)),
            self.reruns.futures,
            float(event.var()),
        )

    def _between(self, low: float, high: float) -> Flip:
        """The value between two shares of draws at which the mean passes the level, with its interval."""
        left = self.probe(low).side()
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            if self.probe(middle).side() == left:
                low = middle
            else:
                high = middle
        below = "below" if (left > 0) != bool(self.judged.holds) else "above"
        ends = self._reached(low, left, -1), self._reached(high, -left, 1)
        first, last = (self._value(p) for p in ends)
        return Flip((self._value(low) + self._value(high)) / 2, first, last, below)

    def _reached(self, start: float, side: int, step: int) -> float:
        """Share of draws at which, going from `start` down (−1) or up (1), the side is told; the end of the range where never."""
        nearer = self.probe(start)
        if nearer.side(CLEAR) == side:
            return start
        for q in sorted((q for q in self.seen.values() if (q.p - start) * step > 0), key=lambda q: step * q.p):
            if q.side(CLEAR) == side:
                here, there = (side * x.gain / max(x.error, 1e-12) for x in (nearer, q))
                return nearer.p + (q.p - nearer.p) * min(1.0, max(0.0, (CLEAR - here) / max(there - here, 1e-12)))
            nearer = q
        return PROBES[0] if step < 0 else PROBES[-1]

    def probe(self, p: float) -> Probe:
        if p not in self.seen:
            self.seen[p] = self._measured(p)
        return self.seen[p]

    def _measured(self, p: float) -> Probe:
        """The mean over all futures of the run, from its first ones: what they say, less what they say too much of the run as drawn."""
        drawn = self.reruns.values(self.judged.target)
        fixed_at = self.reruns.values(self.judged.target, self.driver.input, self._value(p))
        known = np.isfinite(drawn) & np.isfinite(fixed_at)
        event, plain = (self.statement.event(v[known]) for v in (fixed_at, drawn))
        whole = self.statement.event(self.judged.values)
        n, spread = len(event), float(plain.var())
        slope = float(((event - event.mean()) * (plain - plain.mean())).mean()) / spread if spread > 0 else 0.0
        mean = float(event.mean()) - slope * (float(plain.mean()) - float(whole.mean()))
        # Nothing is known more narrowly than one world in all.
        error = sqrt(float((event - slope * plain).var()) / n + slope**2 * float(whole.var()) / len(whole) + 1 / n**2)
        gain = mean - self.statement.level
        return Probe(p, gain if gain or self.statement.unit != "worlds" else 1e-12, error)

    def _value(self, p: float) -> float:
        return float(self._range.quantile(np.array([p]))[0])

    def _share(self, value: float) -> float:
        """Share of the draws below a value."""
        return float(np.interp(value, self._range.quantile(_SHARES), _SHARES))

    @property
    def _range(self) -> Uncertainty:
        return self.reruns.plan.design.by_name[self.driver.input]


_SHARES = np.linspace(0.001, 0.999, 999)


def confirmed(reruns: Reruns, judged: list[Judged], top: int, step: Callable[[int, int], None] | None = None) -> list[Judged]:
    """Outcomes with their first `top` drivers confirmed; those that do nothing when they are redrawn are dropped.

    `step` is called with campaigns done and in all, as far as the drivers so far tell.
    """
    total = sum(min(top, len(j.drivers)) for j in judged)
    done, out = 0, []
    for j in judged:
        kept = []
        for driver in j.drivers[:top]:
            found = confirm(reruns, j, driver)
            if found.total_share:
                kept.append(found)
            done += 1
            if step:
                step(reruns.campaigns, reruns.campaigns * total // done)
        out.append(replace(j, drivers=(*kept, *j.drivers[top:])))
    return out


def reruns_of(plan: Plan | None, folder: str) -> Reruns:
    """Campaigns to run again of a run's plan. Raises RunError where its register is not at hand."""
    if plan is None:
        allowed = "the register as it was when the run was made"
        raise RunError([Problem(folder, None, "register", "another one", allowed, "the run cannot be run again to confirm")])
    return Reruns(plan)
