"""A study made ready to run: networks, design, names of everything that will be computed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from isthmus.ensemble import Design, Uncertainty
from isthmus.errors import Problem, StudyError
from isthmus.interop.block import Block
from isthmus.interop.ecosystem import Holdings
from isthmus.interop.fronts import Front
from isthmus.interop.supply import Supply, SupplyBuilder
from isthmus.register import Register
from isthmus.study.schema import Study
from isthmus.sustainment.inputs import Labels, build_network

F64 = npt.NDArray[np.float64]


class Blocks(NamedTuple):
    """Futures of the networks of a plan: that of its campaigns, and that of its reach."""

    supply: Block
    wide: Block


@dataclass(frozen=True)
class Plan:
    """`supply` holds the needs that are simulated, `wide` also those of magazine and indicator missions, for reach."""

    study: Study
    register: Register
    supply: Supply
    wide: Supply
    design: Design
    fill_rules: Mapping[str, str]

    @cached_property
    def labels(self) -> Labels:
        return build_network(self.supply, self.fill_rules)[1]

    @cached_property
    def theaters(self) -> tuple[str, ...]:
        """Theater of every front of the campaign network."""
        return tuple(f.theater for f in self.supply.setting.fronts)

    def block(self, draws: Mapping[str, F64]) -> Blocks:
        """Futures of both networks, sharing what actors hold."""
        simulated = Block(self.supply, draws)
        return Blocks(simulated, Block(self.wide, draws, simulated.layers))

    @property
    def campaigns(self) -> int:
        return self.study.futures * len(self.study.ecosystems) * len(self.study.war_cases)

    @cached_property
    def input_hash(self) -> str:
        """Hash of the names and ranges of all uncertainties: what the futures are drawn from."""
        rows = [(u.name, u.shape, u.low, u.mode, u.high) for u in sorted(self.design.uncertainties, key=lambda u: u.name)]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def make_plan(study: Study, register: Register, *, futures: int | None = None, seed: int | None = None) -> Plan:
    """Resolve a study against a register. Raises StudyError with everything that it names and the register does not hold."""
    changes = {k: v for k, v in (("futures", futures), ("seed", seed)) if v is not None}
    study = Study.model_validate({**study.model_dump(by_alias=True), **changes}) if changes else study
    holdings = Holdings(register, study.date)
    supply, wide = (
        SupplyBuilder(register, study.setting(register, campaign=campaign), holdings).build() for campaign in (True, False)
    )
    for one, what in ((supply, "a need that is simulated"), (wide, "any need")):
        _check_supplied(study, one, what)
    _check_priors(study, {**wide.uncertainties, **supply.uncertainties})
    ranges: dict[str, Uncertainty] = study.override({**wide.uncertainties, **supply.uncertainties})
    supply, wide = (replace(s, uncertainties={n: ranges[n] for n in s.uncertainties}) for s in (supply, wide))
    _check_two_fronts(study, supply)
    _check_delays(study, supply, wide)
    missions = register.table("missions")
    rules = dict(zip(missions["mission_id"], missions["fill_rule"], strict=True))
    return Plan(study, register, supply, wide, Design(tuple(ranges.values()), study.seed), rules)


ALWAYS_DRAWN = (
    "claim.peacetime",
    "desk.rho",
    "duel.pressure",
    "duel.ratio",
    "exchange.mend",
    "exchange.replace",
    "exchange.wear",
    "familiarity.half_life",
    "familiarity.weight",
    "floor.belligerent",
    "floor.donor.pooled",
    "floor.donor.unpooled",
    "forward.outside",
    "friction.loss.shared",
    "friction.loss.unshared",
    "friction.weeks.shared",
    "friction.weeks.unshared",
    "industry.lift",
    "lag.far",
    "lag.near",
    "plan.cover",
    "plan.reserve",
    "prior.unknown.step",
)
"""Uncertainties that every campaign draws, whatever the study names."""


def _check_priors(study: Study, known: Mapping[str, Uncertainty]) -> None:
    """A register of one's own must hold what every campaign draws."""
    problems = [
        Problem(study.study, None, "uncertainties", "no row", name, "the register lacks an uncertainty that every campaign draws")
        for name in ALWAYS_DRAWN
        if name not in known
    ]
    if problems:
        raise StudyError(problems)


def _check_two_fronts(study: Study, supply: Supply) -> None:
    """A stock serves two fronts at most."""
    drawn: dict[int, list[str]] = {}
    for edge in supply.edges:
        drawn.setdefault(edge.row, []).append(supply.setting.fronts[supply.cells[supply.pools[edge.pool].cell].front].front_id)
    problems = [
        Problem(
            study.study,
            None,
            "fronts",
            ", ".join(fronts),
            "two fronts of a side",
            f"too many fronts draw on {supply.rows[row].label}",
        )
        for row, fronts in sorted(drawn.items())
        if len(fronts) > 2
    ]
    if problems:
        raise StudyError(problems)


def _check_delays(study: Study, *supplies: Supply) -> None:
    """A delay puts off planned output: the line must have a plan."""
    planned = {
        (s.rows[line.row].actor_id, s.rows[line.row].materiel_id) for s in supplies for line in s.lines if line.plan is not None
    }
    problems = [
        Problem(
            study.study,
            None,
            "delays",
            f"{d.actor}, {d.materiel}",
            ", ".join(sorted(f"{a} {m}" for a, m in planned if a == d.actor)) or "a line with a plan",
            "no plan of output to put off",
        )
        for d in study.delays
        if (d.actor, d.materiel) not in planned
    ]
    if problems:
        raise StudyError(problems)


def _check_supplied(study: Study, supply: Supply, what: str) -> None:
    """Every front of a campaign needs an opponent in its theater, or its duel cannot be judged."""
    by_theater: dict[str, list[Front]] = {}
    for front in supply.setting.fronts:
        by_theater.setdefault(front.theater, []).append(front)
    problems = []
    for theater, fronts in sorted(by_theater.items()):
        roles = sorted(f.role for f in fronts)
        if roles != ["attacker", "defender"]:
            problems.append(
                Problem(
                    study.study,
                    None,
                    f"fronts in {theater}",
                    ", ".join(roles),
                    "one attacker and one defender",
                    f"{what} lacks a side",
                )
            )
    if problems:
        raise StudyError(problems)
