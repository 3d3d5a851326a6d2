"""How much of every holding a front could use, per future: usability, interchange, floors, friction, decisions.

One lever a layer (``docs/model.md``, section 1). All functions are pure: arrays of shape (n, futures) in and out. What several
ecosystems have in common is computed once a :class:`~isthmus.interop.block.Block`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import special

from isthmus.interop.block import Block, barred, fights
from isthmus.interop.ecosystem import cell_value
from isthmus.interop.fronts import EcosystemRule
from isthmus.interop.output import InputUse, fill_progressively, knots, output_to, ramped
from isthmus.interop.supply import WEEKS_PER_YEAR, Desk, Line, Row, Supply

__all__ = ["Access", "Stocks", "access", "access_in", "barred", "decisions", "fights", "launcher_cap"]

F64 = npt.NDArray[np.float64]

GIVES_ALL = 1e9
"""Weeks of need in a tranche that releases a whole lot at once: a belligerent."""


@dataclass(frozen=True)
class Stocks:
    """Opening stock (rows, futures) in units, and output of the lines (lines, knots, futures) in units a week."""

    stock: F64
    output: F64
    horizon_weeks: int

    @cached_property
    def made(self) -> F64:
        """Output of every line over the horizon, units, lines × futures."""
        return np.array([output_to(path, self.horizon_weeks) for path in self.output]).reshape(-1, self.stock.shape[1])


@dataclass(frozen=True)
class Access:
    """Everything that depends on the ecosystem. Edges: share usable, units kept, share lost; fronts: weeks of integration."""

    rows_usable: Sequence[F64]  # edges
    rows_interchange: Sequence[F64]  # edges
    share: F64  # edges: c = usable × interchange
    floor: F64  # edges, units
    loss: F64  # edges
    integration_weeks: F64  # fronts
    joint: F64  # rows
    fights: F64  # desks: 1 fights, 0 gives at most
    stocks: Stocks

    @cached_property
    def usable(self) -> F64:
        return np.array(self.rows_usable)

    @cached_property
    def interchange(self) -> F64:
        return np.array(self.rows_interchange)


@dataclass(frozen=True)
class _Planned:
    """What a line makes and plans to make, units a year and shares of it; (futures,) each."""

    now: F64
    free: F64
    """Share that no claim takes."""
    above: F64
    """What the plan adds when all of it is funded."""


def access(supply: Supply, rule: EcosystemRule, draws: Mapping[str, F64]) -> Access:
    """Access of every front to every row in one ecosystem, for the futures of `draws`."""
    return access_in(Block(supply, draws), rule)


def access_in(block: Block, rule: EcosystemRule) -> Access:
    """The same for a block of futures; ecosystems that ask the same block share what they have in common."""
    supply, draws, fighting = block.supply, block.draws, block.fighting
    held = _stocks(block, rule)
    shape = (len(supply.edges), block.futures)
    share, floor, loss = (np.empty(shape) for _ in range(3))
    usable, interchange = [block.ones] * len(supply.edges), [block.ones] * len(supply.edges)
    kept, lost = _kept_shares(block, rule), _lost_shares(block, rule)
    for p, edges in enumerate(block.pool_edges):
        if not edges:
            continue
        pool = supply.pools[p]
        front = supply.cells[pool.cell].front
        launchers = _launchers(block, front, pool.materiel_id, _maturity(rule))
        able = _usable(block, p, launchers.total, held)
        family = supply.rows[supply.edges[edges[0]].row].family_id
        makes = supply.interchange.get(family) == "makes"
        mutual = _mutual(block, family, launchers.share, rule) if makes else block.zeros
        for e in edges:
            edge = supply.edges[e]
            actor = supply.rows[edge.row].actor_id
            own = launchers.share.get(actor, block.zeros) if launchers.share else fighting[edge.desk]
            if makes:
                best = _best(block, actor, family, rule)
                # Of all tubes, those of others that share a standard with it.
                shared = best * (mutual - launchers.share.get(actor, 0.0) * best)
                loose = draws[f"interchange.{family}"]
                interchange[e] = own + shared + (1 - own - shared) * loose
            if edge.vetoed or block.hub_parts[e] != 1.0:
                usable[e] = block.zeros if edge.vetoed else able * block.hub_parts[e]
            else:
                usable[e] = able
            np.multiply(usable[e], interchange[e], out=share[e])
            np.multiply(kept[edge.desk], held.stock[edge.row], out=floor[e])
            np.multiply(lost[edge.desk], 1 - own, out=loss[e])
    weeks = np.array([_integration_weeks(block, f, rule) for f in range(len(supply.setting.fronts))])
    joint = [block.ones if r.home_theater is None else block.layers(r.actor_id, "concept", rule) for r in supply.rows]
    return Access(
        usable,
        interchange,
        share,
        floor,
        loss,
        np.maximum(0.0, weeks).reshape(-1, block.futures),
        np.array(joint).reshape(-1, block.futures),
        fighting,
        held,
    )


def _stocks(block: Block, rule: EcosystemRule) -> Stocks:
    """Opening stocks and paths of output after claims, stages and shared inputs.

    Industry lifts the funded share and shortens slip; technology opens licences.
    """
    key = ("stocks", rule.states["industry"], rule.states["technology"])
    return block.kept(key, lambda: _stocks_anew(block, rule))


def _stocks_anew(block: Block, rule: EcosystemRule) -> Stocks:
    supply, draws, layers = block.supply, block.draws, block.layers
    base, gain, ramp = (np.zeros((len(supply.lines), block.futures)) for _ in range(3))
    ramp += 4.0
    licences = supply.holdings.for_families(("technology", "industry"))
    planned = block.kept("planned", lambda: [_planned(block, line) for line in supply.lines])
    for i, (line, p) in enumerate(zip(supply.lines, planned, strict=True)):
        row = supply.rows[line.row]
        base[i] = p.now * p.free / WEEKS_PER_YEAR
        if line.plan is None:
            continue
        label = line.plan.split(":", 1)[1]
        helped = draws["industry.lift"] * layers(row.actor_id, "industry", rule)
        funded = draws[f"line.funded:{label}"]
        funded = funded + np.maximum(0.0, 1 - funded) * helped
        if line.licensed:
            funded = funded * _licence(block, row.actor_id, row.family_id, licences, rule)
        gain[i] = p.above * funded * p.free / WEEKS_PER_YEAR
        ramp[i] = np.maximum(4.0, line.due_weeks + draws[f"line.slip:{label}"] * (1 - helped) * line.lead_weeks)
        for delay in supply.setting.delays:
            if (delay.actor_id, delay.materiel_id) == (row.actor_id, row.materiel_id):
                ramp[i] += delay.weeks
    weeks = knots(supply.setting.horizon_weeks)
    wanted = ramped(base, gain, ramp, weeks)
    output = fill_progressively(wanted, _input_uses(block, base, weeks, rule))
    return Stocks(block.stock, output, supply.setting.horizon_weeks)


def _planned(block: Block, line: Line) -> _Planned:
    supply, draws = block.supply, block.draws
    free = 1 - np.minimum(0.95, draws["claim.peacetime"] + _claimed(supply, supply.rows[line.row], draws))
    now = draws[line.base] * (draws[line.base_factor] if line.base_factor else 1.0) if line.base else block.zeros
    return _Planned(now, free, np.maximum(0.0, draws[line.plan] - now) if line.plan else block.zeros)


def _input_uses(block: Block, base: F64, weeks: F64, rule: EcosystemRule) -> list[InputUse]:
    """Capacity of every stage or input over time, and what lines take of it, units of the input.

    A capacity that the register states below what today's output takes is taken as what it takes: the output was seen.
    """
    supply, draws = block.supply, block.draws
    out = []
    for stage in supply.stages:
        per_unit = np.tile(draws[stage.per_unit], (len(stage.lines), 1))
        taken = (per_unit * base[list(stage.lines)]).sum(axis=0)
        now = np.maximum(draws[stage.capacity] / WEEKS_PER_YEAR, taken)
        gain, ramp = np.zeros_like(now), np.full_like(now, 4.0)
        if stage.plan is not None:
            actor = supply.rows[supply.lines[stage.lines[0]].row].actor_id
            helped = draws["industry.lift"] * block.layers(actor, "industry", rule)
            funded = draws[f"line.funded:{stage.input_id}"]
            funded = funded + np.maximum(0.0, 1 - funded) * helped
            gain = np.maximum(0.0, draws[stage.plan] / WEEKS_PER_YEAR - now) * funded
            slip = draws[f"line.slip:{stage.input_id}"] * (1 - helped) * stage.lead_weeks
            ramp = np.maximum(4.0, stage.due_weeks + slip)
        out.append(InputUse(stage.lines, per_unit, ramped(now[None], gain[None], ramp[None], weeks)[0]))
    return out


def _licence(block: Block, actor: str, family: str, licences: Mapping[str, list[str]], rule: EcosystemRule) -> F64:
    """How far a licensed line may open: the best of the items that license the family, else the actor's technology share."""
    holdings = block.supply.holdings
    values = []
    for item in licences.get(family, ()):
        layer = holdings.items.at[item, "layer"]
        cell = holdings.cell(actor, item)
        if cell is not None:
            values.append(cell_value(cell, layer, rule, block.draws))
    return np.max(values, axis=0) if values else block.layers(actor, "technology", rule)


def _claimed(supply: Supply, row: Row, draws: Mapping[str, F64]) -> F64:
    total = np.zeros(len(next(iter(draws.values()))))
    for claim in supply.setting.claims:
        name = f"claim.{claim.name}.{row.side}.{row.class_id}"
        if name in draws and row.actor_id in claim.actors:
            total = total + claim.share * draws[name]
    return total


def _kept_shares(block: Block, rule: EcosystemRule) -> F64:
    """Share of a stock that its holder keeps, desks × futures: a donor's floor falls as floors are pooled."""
    draws = block.draws
    out = np.empty((len(block.supply.desks), block.futures))
    for i, desk in enumerate(block.supply.desks):
        pooled = block.layers(desk.actor_id, "concept", rule)
        donor = draws["floor.donor.unpooled"] + (draws["floor.donor.pooled"] - draws["floor.donor.unpooled"]) * pooled
        fighter, own = block.fighting[i], draws["floor.belligerent"]
        out[i] = np.where(fighter > 0, own, np.maximum(donor, own))
    return out


def _lost_shares(block: Block, rule: EcosystemRule) -> F64:
    """Share lost on the way from every desk to launchers that are not the donor's own, desks × futures."""
    draws = block.draws
    out = np.empty((len(block.supply.desks), block.futures))
    for i, desk in enumerate(block.supply.desks):
        ease = _ease(block, desk, rule)
        lost = draws["friction.loss.unshared"] + (draws["friction.loss.shared"] - draws["friction.loss.unshared"]) * ease
        out[i] = np.clip(lost, 0, 1)
    return out


def _integration_weeks(block: Block, front: int, rule: EcosystemRule) -> F64:
    draws, doctrine = block.draws, _front_doctrine(block, front, rule)
    weeks: F64 = draws["friction.weeks.unshared"] + (draws["friction.weeks.shared"] - draws["friction.weeks.unshared"]) * doctrine
    return weeks


@dataclass(frozen=True)
class _LaunchersOf:
    """Launchers of a front that fire a materiel, (futures,), None where none is known; and each holder's share of them."""

    total: F64 | None
    share: Mapping[str, F64]


def _launchers(block: Block, front: int, materiel_id: str, maturity: str) -> _LaunchersOf:
    return block.kept(("launchers", front, materiel_id, maturity), lambda: _launchers_anew(block, front, materiel_id, maturity))


def _launchers_anew(block: Block, front: int, materiel_id: str, maturity: str) -> _LaunchersOf:
    supply = block.supply
    class_id = str(supply.materiel.at[materiel_id, "class_id"])
    rated = any(c.front == front and c.need.rate is not None and c.class_id == class_id for c in supply.cells)
    if materiel_id not in supply.launchers.dedicated or not rated:
        return _LaunchersOf(None, {})
    total = np.zeros(block.futures)
    each: dict[str, F64] = {}
    for participant in supply.setting.fronts[front].participants:
        count = supply.launchers.count.get((participant.actor_id, materiel_id, maturity), 0.0)
        desk = block.desk_of.get((front, participant.actor_id))
        if count <= 0 or desk is None:
            continue
        each[participant.actor_id] = count * block.fighting[desk]
        total = total + each[participant.actor_id]
    return _LaunchersOf(total, {actor: n / np.maximum(1e-9, total) for actor, n in each.items()})


def _maturity(rule: EcosystemRule) -> str:
    return rule.threshold("capability")


def _usable(block: Block, p: int, launchers: F64 | None, held: Stocks) -> F64:
    """Share of a pool's lots that the front's launchers could fire over the horizon; 1 where no launcher count exists.

    Materiel that waits for integration opens as a whole after its delay: what it would take is time, not launchers.
    """
    supply = block.supply
    edges = block.pool_edges[p]
    rate = supply.cells[supply.pools[p].cell].need.rate
    if launchers is None or rate is None or supply.edges[edges[0]].wait is not None:
        return block.ones
    parts = {supply.edges[e].row: block.hub_parts[e] for e in edges if not block.barred[e]}
    lots = sum((parts[r] * held.stock[r] for r in parts), block.zeros) + _horizon_output(block, held, parts)
    share: F64 = np.minimum(1.0, launchers * block.draws[rate] * supply.setting.horizon_weeks / np.maximum(1.0, lots))
    return share


def _horizon_output(block: Block, held: Stocks, parts: Mapping[int, float]) -> F64:
    """Output of rows over the horizon, each times its part, units, (futures,)."""
    total = np.zeros(block.futures)
    for i, line in enumerate(block.supply.lines):
        if line.row in parts:
            total += parts[line.row] * held.made[i]
    return total


def _best(block: Block, actor: str, family: str, rule: EcosystemRule) -> F64:
    """How far an actor holds a standard that makes the family's makes interchange, (futures,); a bloc by its members' mean."""
    key = ("best", actor, family, rule.states["standard"])
    return block.kept(key, lambda: _best_anew(block, actor, family, rule))


def _best_anew(block: Block, actor: str, family: str, rule: EcosystemRule) -> F64:
    holdings = block.supply.holdings
    if "standard" in rule.complete:
        return block.ones
    members = holdings.members.get(actor)
    if members:
        mean: F64 = np.mean([_best(block, m, family, rule) for m in members], axis=0)
        return mean
    standards = block.kept("standards", lambda: holdings.for_families(("standard",)))
    cells = [holdings.cell(actor, item) for item in standards.get(family, ())]
    values = [cell_value(cell, "standard", rule, block.draws) for cell in cells if cell is not None]
    return np.max(values, axis=0) if values else block.zeros


def _mutual(block: Block, family: str, share: Mapping[str, F64], rule: EcosystemRule) -> F64:
    """Part of the front's launchers whose holder shares a standard of the family, (futures,)."""
    total = np.zeros(block.futures)
    for actor, part in share.items():
        total += part * _best(block, actor, family, rule)
    return total


def _front_doctrine(block: Block, front: int, rule: EcosystemRule) -> F64:
    """Mean share of doctrine held by those who fight at the front, (futures,)."""
    return block.kept(("doctrine", front, rule.states["doctrine"]), lambda: _front_doctrine_anew(block, front, rule))


def _front_doctrine_anew(block: Block, front: int, rule: EcosystemRule) -> F64:
    total, weight = np.zeros(block.futures), np.zeros(block.futures)
    for i, desk in enumerate(block.supply.desks):
        if desk.front == front and desk.fights is not None:
            total += block.fighting[i] * block.layers(desk.actor_id, "doctrine", rule)
            weight += block.fighting[i]
    mean: F64 = total / np.maximum(1.0, weight)
    return mean


def _ease(block: Block, desk: Desk, rule: EcosystemRule) -> F64:
    """0 nothing shared, 1 all shared: doctrine held by both, plus what recent common exercises left."""
    draws, supply = block.draws, block.supply
    base: F64 = block.layers(desk.actor_id, "doctrine", rule) * _front_doctrine(block, desk.front, rule)
    ages = supply.familiarity.get((desk.actor_id, supply.setting.fronts[desk.front].front_id), ())
    if not ages:
        return base
    fresh = block.kept(("fresh", ages[0]), lambda: 0.5 ** (ages[0] / draws["familiarity.half_life"]))
    return base + (1 - base) * draws["familiarity.weight"] * fresh


def decisions(supply: Supply, held: Access, draws: Mapping[str, F64]) -> dict[str, F64]:
    """Tranches of every desk: first, gap and stop in weeks, size in weeks of need; desks × futures.

    One normal per donor, correlated by a common factor of the front, drives whether, when, how often and how long a donor
    gives: the risk that matters is everybody hesitating at once.
    """
    shape = (len(supply.desks), len(next(iter(draws.values()))))
    out = {name: np.zeros(shape) for name in ("first", "gap", "stop", "size")}
    root, rest = np.sqrt(draws["desk.rho"]), np.sqrt(1 - draws["desk.rho"])
    fronts = [f.front_id for f in supply.setting.fronts]
    common = {f: root * special.ndtri(draws[f"desk.common:{fronts[f]}"]) for f in {d.front for d in supply.desks}}
    for i, desk in enumerate(supply.desks):
        front = fronts[desk.front]
        h = common[desk.front] + rest * special.ndtri(draws[f"desk:{desk.actor_id}@{front}"])
        u = special.ndtr(h)
        fighter = held.fights[i] > 0
        chance = draws[f"desk.{desk.donor_class}.supplies"]
        gives = (u < chance) & (not desk.vetoed)
        # Among those who give, the least hesitant are the quickest: their own quantile runs from 0 to 1.
        u = np.minimum(1 - 1e-9, u / np.maximum(1e-9, chance))
        out["first"][i] = np.where(fighter, 0.0, _timing(supply, desk, "first", u))
        out["gap"][i] = np.where(fighter, 1.0, np.maximum(1.0, _timing(supply, desk, "gap", u)))
        weekly = draws[f"desk.{desk.donor_class}.stop"] * 12 / WEEKS_PER_YEAR
        out["stop"][i] = np.where(fighter, 1e9, -np.log(np.maximum(1e-9, u)) / np.maximum(1e-9, weekly))
        out["size"][i] = np.where(fighter, GIVES_ALL, np.where(gives, draws[f"desk.{desk.donor_class}.size"], 0.0))
    return out


def _timing(supply: Supply, desk: Desk, what: str, u: F64) -> F64:
    """Weeks at the donor's own quantile of its class."""
    return supply.uncertainties[f"desk.{desk.donor_class}.{what}"].quantile(u)


def launcher_cap(block: Block, cell: int, rule: EcosystemRule) -> F64 | None:
    """Most that a front's launchers of a class can fire a week, (futures,); None where no count or no rate is known."""
    maturity = _maturity(rule)
    return block.kept(("cap", cell, maturity), lambda: _launcher_cap_anew(block, cell, maturity))


def _launcher_cap_anew(block: Block, cell: int, maturity: str) -> F64 | None:
    supply, c = block.supply, block.supply.cells[cell]
    if c.need.rate is None:
        return None
    total = np.zeros(block.futures)
    for participant in supply.setting.fronts[c.front].participants:
        count = supply.launchers.of_class.get((participant.actor_id, c.class_id, maturity), 0.0)
        desk = block.desk_of.get((c.front, participant.actor_id))
        if count > 0 and desk is not None:
            total += count * block.fighting[desk]
    if not total.any():
        return None
    cap: F64 = total * block.draws[c.need.rate]
    return cap
