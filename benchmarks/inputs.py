"""The campaigns that the benchmark runs: those of the reference study."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from isthmus.register import Register
from isthmus.study import Study
from isthmus.study.plan import make_plan
from isthmus.sustainment import kernel as k
from isthmus.sustainment.inputs import campaign_inputs


class Case(NamedTuple):
    """One ecosystem in one war case: what :func:`isthmus.sustainment.kernel.run_tiles` takes."""

    network: k.Network
    lanes: k.Lanes
    starts: k.I32
    weeks: int


def reference_inputs(futures: int) -> list[Case]:
    """One case per ecosystem and war case of the reference study. `futures` is rounded up to whole tiles."""
    plan = make_plan(Study.load("reference"), Register.reference())
    draws = plan.design.draw(0, -(-futures // k.LANES) * k.LANES)
    cases = []
    for ecosystem in plan.study.ecosystems:
        inputs = campaign_inputs(plan.supply, ecosystem.rule(), draws, plan.fill_rules)
        for case in plan.study.war_cases:
            cases.append(Case(inputs.network, inputs.lanes, inputs.starts(case.starts, plan.theaters), plan.study.horizon_weeks))
    return cases


def one_tile(case: Case, tile: int = 0) -> Case:
    """The same case with one tile of futures."""
    return case._replace(lanes=k.Lanes(*(np.ascontiguousarray(a[tile : tile + 1]) for a in case.lanes)))
