"""Inputs of the campaigns that move a margin, or its change between ecosystems, and the values at which its sign turns.

Influence is measured on the stored futures (:mod:`isthmus.study.sensitivity`); values are borne out by running again with the
input fixed (:mod:`isthmus.study.breakeven`), at every point of the grid of what nobody knows about a challenger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from isthmus.deterrence.inputs import DEFENCE_UNSUSTAINED, Duel, Inputs
from isthmus.deterrence.results import Row
from isthmus.deterrence.solve import margin_grid
from isthmus.study.breakeven import Reruns, confirm, reruns_of
from isthmus.study.drivers import Analysis, Driver, Judged, analyse
from isthmus.study.layers import main_case
from isthmus.study.results import Results
from isthmus.study.runner import plan_of
from isthmus.study.schema import Study
from isthmus.study.targets import Column, Statement, Target

F64 = npt.NDArray[np.float64]

SHOWN_INPUTS = 8
"""Inputs listed for one margin at most."""

CONFIRMED_INPUTS = 2
"""Inputs of one margin that are fixed and run again."""

PROBES = (0.005, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.995)
"""Shares of an input's draws below the values at which the campaigns are run again."""


@dataclass(frozen=True, order=True)
class Lost(Target):
    """Worlds in which a defence is unsustained within the weeks that count; against another ecosystem, the change of that."""

    weeks: int = 0
    tie: float = 0.0
    """Median tie chance of the challenger over the draws of his prices."""

    def columns(self) -> tuple[str, ...]:
        view = f"{self.front}.{self.mission}"
        return f"outcome.{view}", f"outcome_week.{view}"

    def value(self, column: Column) -> F64:
        """1 in worlds that are lost in time, else 0: (futures,)."""
        code, week = (column(name) for name in self.columns())
        lost: F64 = ((code == DEFENCE_UNSUSTAINED) & (week <= self.weeks)).astype(np.float64)
        return lost

    def statement(self, at: float | None = None) -> Statement:
        """That the median margin is not below nil; of a change, that it is above nil. `at` takes the place of the tie chance."""
        if self.against is not None:
            text = f"the margin is larger in {self.ecosystem} than in {self.against}"
            return Statement(text, 0.0, lambda y: -y, "share of worlds", "worlds in which the defence is not saved")
        level = self.tie if at is None else at
        return Statement("the margin is not below nil", 1 - level, lambda y: 1 - y, "worlds", "worlds that are lost")


def asked(results: Results, inputs: Inputs) -> list[Lost]:
    """Every duel of the hardest war case: its level in the first and last ecosystem, and the change between the two."""
    case = main_case(Study.model_validate(results.study)).name
    first, last = inputs.ecosystems[0], inputs.ecosystems[-1]
    out = []
    for duel in inputs.duels:
        if (first, case, duel.name) not in inputs.verdicts:
            continue
        tie = _tie(inputs, duel.theater, case)

        def one(eco: str, base: str | None, duel: Duel = duel, tie: float = tie) -> Lost:
            return Lost("share_defence_unsustained", eco, case, duel.theater, duel.mission, base, inputs.window, tie)

        out.append(one(first, None))
        if last != first:
            out += [one(last, None), one(last, first)]
    return out


def _tie(inputs: Inputs, theater: str, case: str) -> float:
    """Median tie chance of a challenger over the draws of his prices."""
    return float(np.median(inputs.prices[theater].tie(bound=_bound(inputs, case))))


def _bound(inputs: Inputs, case: str) -> bool:
    """Whether another challenger's war binds the defenders."""
    return len(inputs.cases.starts[case]) > 1


def judged(results: Results, inputs: Inputs) -> list[Judged]:
    """Influence of every input on those outcomes. Empty lists of drivers where the run has too few futures."""
    return analyse(Analysis.of(results, asked(results, inputs)))


def driver_rows(found: Sequence[Judged]) -> list[Row]:
    """Inputs that move p, and the change of the margin from the first ecosystem to the last, the largest share first."""
    rows = []
    for one in found:
        # A margin falls where p rises.
        sign = 1.0 if one.target.against is None else -1.0
        for d in one.drivers[:SHOWN_INPUTS]:
            rows.append(
                {
                    **_names(one.target),
                    "input": d.input,
                    "kind": d.kind,
                    "nature": d.nature,
                    "share_of_variance": _r(d.share_of_variance),
                    "share_low": _r(d.low),
                    "share_high": _r(d.high),
                    "in_lowest_tenth": _r(sign * d.at_low),
                    "in_highest_tenth": _r(sign * d.at_high),
                    "sign_turns_at": _value(d.flips_at),
                    "unit": d.unit,
                }
            )
    return rows


def run_again(results: Results, inputs: Inputs, step: Callable[[int, int], None] | None = None) -> list[Row]:
    """:func:`turning_rows` of a run. Raises RunError where its register is not at hand."""
    reruns = reruns_of(plan_of(results.manifest), str(results.folder.root))
    return turning_rows(inputs, judged(results, inputs), reruns, step)


def turning_rows(
    inputs: Inputs, found: Sequence[Judged], reruns: Reruns, step: Callable[[int, int], None] | None = None
) -> list[Row]:
    """Values of the leading inputs at which a sign turns, found by running again with the input fixed.

    Of a level: p at eleven values of the input, and at every point of the grid the two neighbouring values between which the
    margin there turns its sign, both run. Of a change, which no point of the grid alters: the one value, by halving.
    """
    todo = [(one, d) for one in found for d in one.drivers[:CONFIRMED_INPUTS]]
    rows = []
    for done, (one, driver) in enumerate(todo):
        level = one.target.against is None
        rows.append(
            {
                **_names(one.target),
                "input": driver.input,
                "unit": driver.unit,
                **(_level(inputs, one.target, driver, reruns) if level else _change(one, driver, reruns)),
                "futures": reruns.futures,
            }
        )
        if step:
            step(done + 1, len(todo))
    return rows


def _level(inputs: Inputs, target: Target, driver: Driver, reruns: Reruns) -> Row:
    u = reruns.plan.design.by_name[driver.input]
    values = [float(v) for v in u.quantile(np.array(PROBES))]
    lost = [reruns.values(target, driver.input, v) for v in values]
    p = np.array([float(y.mean()) for y in lost])
    case = str(target.war_case)
    ties = margin_grid(inputs.prices[target.front], 0.0, bound=_bound(inputs, case))
    between = [[[_bracket(values, p, float(tie)) for tie in line] for line in plane] for plane in ties]
    flat = list(_points(between))
    return {
        "p_at": [
            {"value": _value(v), "p": _r(x), "standard_error": _r(_error(y))} for v, x, y in zip(values, p, lost, strict=True)
        ],
        "sign_turns_at": None,
        "turns_over_draws_between": _bracket(values, p, _tie(inputs, target.front, case)),
        "share_of_grid_that_turns": _r(sum(x is not None for x in flat) / len(flat)),
        "turns_between_by_grid": between,
    }


def _bracket(values: Sequence[float], p: F64, tie: float) -> list[float | None] | None:
    """The neighbouring values, both run again, between which p passes a level; the middlemost where it does so more than once."""
    holds = p <= tie
    turns = np.flatnonzero(holds[1:] != holds[:-1])
    if not len(turns):
        return None
    i = int(turns[np.argmin(np.abs(turns - (len(p) - 2) / 2))])
    return [_value(values[i]), _value(values[i + 1])]


def _change(one: Judged, driver: Driver, reruns: Reruns) -> Row:
    confirmed = confirm(reruns, one, driver)
    return {
        "p_at": None,
        "sign_turns_at": _value(confirmed.flips_at),
        "turns_over_draws_between": None,
        "share_of_grid_that_turns": None,
        "turns_between_by_grid": None,
    }


def _points(nested: list[list[list[list[float | None] | None]]]) -> Iterator[list[float | None] | None]:
    for plane in nested:
        for line in plane:
            yield from line


def _names(target: Target) -> Row:
    return {
        "of": "margin" if target.against is None else "change of the margin",
        "ecosystem": target.ecosystem,
        "against": target.against,
        "war_case": target.war_case,
        "theater": target.front,
        "mission": target.mission,
    }


def _error(values: F64) -> float:
    return float(values.std(ddof=1) / sqrt(len(values))) if len(values) > 1 else float("nan")


def _r(value: float) -> float | None:
    return round(value, 4) + 0.0 if np.isfinite(value) else None


def _value(value: float | None) -> float | None:
    """A value of an input, to four figures."""
    return None if value is None else float(f"{value:.4g}")
