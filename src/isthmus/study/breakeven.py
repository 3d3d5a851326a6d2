"""Break-even values borne out: the study run again, on its own first futures, with one input fixed at a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from isthmus.ensemble import Uncertainty
from isthmus.errors import Problem, RunError
from isthmus.study.drivers import Driver, Judged
from isthmus.study.plan import Plan
from isthmus.study.schema import Override
from isthmus.study.targets import Statement, Target, campaigns, simulated

F64 = npt.NDArray[np.float64]

RERUN_FUTURES = 1024
"""The first futures of a run, in which an input is fixed."""

PROBES = (0.005, 0.25, 0.5, 0.75, 0.995)
"""Shares of an input's draws below the values that are tried first."""

HALVINGS = 7
"""Of the stretch between two probes in which a statement flips: what is left is 0.2% of the draws."""


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

    `confirmed` is True where campaigns agree with the stored futures that a value flips the statement, or that none does.
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
    at, side = _flip(reruns, target, judged.statement, name, driver.flips_at)
    return replace(
        driver,
        total_share=total,
        flips_estimate=driver.flips_at,
        flips_at=at,
        flips_when=side,
        confirmed=(at is None) == (driver.flips_at is None),
        campaigns=reruns.campaigns - before,
    )


def _flip(
    reruns: Reruns, target: Target, statement: Statement, name: str, estimate: float | None
) -> tuple[float | None, str | None]:
    """The value at which the statement turns, and the side on which it is not what it is overall."""
    u = reruns.plan.design.by_name[name]

    def value(p: float) -> float:
        return float(u.quantile(np.array([p]))[0])

    def holds(p: float) -> bool:
        return statement.holds(reruns.values(target, name, value(p)))

    overall = statement.holds(reruns.values(target))
    probes = [holds(p) for p in PROBES]
    turns = [i for i in range(len(PROBES) - 1) if probes[i] != probes[i + 1]]
    if not turns:
        return None, None
    aim = value(0.5) if estimate is None else estimate
    first = min(turns, key=lambda i: abs(value((PROBES[i] + PROBES[i + 1]) / 2) - aim))
    low, high = PROBES[first], PROBES[first + 1]
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if holds(middle) == probes[first]:
            low = middle
        else:
            high = middle
    return value((low + high) / 2), "below" if probes[first] != overall else "above"


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
