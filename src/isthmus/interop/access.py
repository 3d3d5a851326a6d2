"""How much of every holding a front could use, per future: usability, interchange, floors, friction, decisions.

One lever a layer (``docs/model.md``, section 1). All functions are pure: arrays of shape (n, futures) in and out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import special

from isthmus.axes import Layer
from isthmus.interop.ecosystem import cell_value, held_share
from isthmus.interop.fronts import EcosystemRule
from isthmus.interop.output import InputUse, fill_progressively, knots, output_to, ramped
from isthmus.interop.supply import WEEKS_PER_YEAR, Desk, Row, Supply

F64 = npt.NDArray[np.float64]

GIVES_ALL = 1e9
"""Weeks of need in a tranche that releases a whole lot at once: a belligerent."""


@dataclass(frozen=True)
class Stocks:
    """Opening stock (rows, futures) in units, and output of the lines (lines, knots, futures) in units a week."""

    stock: F64
    output: F64


@dataclass(frozen=True)
class Access:
    """Everything that depends on the ecosystem. Edges: share usable, units kept, share lost; fronts: weeks of integration."""

    usable: F64  # edges
    interchange: F64  # edges
    floor: F64  # edges, units
    loss: F64  # edges
    integration_weeks: F64  # fronts
    joint: F64  # rows
    fights: F64  # desks: 1 fights, 0 gives at most
    stocks: Stocks

    @cached_property
    def share(self) -> F64:
        """c = usable × interchange, edges × futures."""
        return self.usable * self.interchange


class LayerShares:
    """Share of a layer that an actor holds, cached per actor, layer and ecosystem."""

    def __init__(self, supply: Supply, rule: EcosystemRule, draws: Mapping[str, F64]) -> None:
        self.supply, self.rule, self.draws = supply, rule, draws
        self._cache: dict[tuple[str, Layer], F64] = {}

    def __call__(self, actor_id: str, layer: Layer) -> F64:
        key = (actor_id, layer)
        if key not in self._cache:
            members = self.supply.holdings.members.get(actor_id)
            if members:
                self._cache[key] = np.mean([self(m, layer) for m in members], axis=0)
            else:
                self._cache[key] = held_share(self.supply.holdings.cells(actor_id, layer), layer, self.rule, self.draws)
        return self._cache[key]


def fights(supply: Supply, draws: Mapping[str, F64]) -> F64:
    """1 where the actor of a desk fights, else 0; desks × futures. Whether an ally supplies is another draw."""
    rows = []
    for desk in supply.desks:
        if desk.fights is None or desk.actor_id in supply.setting.absent:
            rows.append(np.zeros(_futures(draws)))
        else:
            name = f"fights:{desk.actor_id}@{supply.setting.fronts[desk.front].theater}"
            rows.append((draws[name] < draws[desk.fights]).astype(np.float64))
    return np.array(rows).reshape(-1, _futures(draws))


def stocks(supply: Supply, rule: EcosystemRule, draws: Mapping[str, F64], layers: LayerShares) -> Stocks:
    """Opening stocks and paths of output after claims, stages and shared inputs.

    Industry lifts the funded share and shortens slip; technology opens licences.
    """
    n = _futures(draws)
    stock = np.zeros((len(supply.rows), n))
    for i, row in enumerate(supply.rows):
        if row.stock is not None:
            stock[i] = draws[row.stock] * (draws[row.stock_factor] if row.stock_factor else 1.0)
    base, gain, ramp = (np.zeros((len(supply.lines), n)) for _ in range(3))
    ramp += 4.0
    licences = supply.holdings.for_families(("technology", "industry"))
    for i, line in enumerate(supply.lines):
        row = supply.rows[line.row]
        free = 1 - np.minimum(0.95, draws["claim.peacetime"] + _claimed(supply, row, draws))
        now = draws[line.base] * (draws[line.base_factor] if line.base_factor else 1.0) if line.base else np.zeros(n)
        base[i] = now * free / WEEKS_PER_YEAR
        if line.plan is None:
            continue
        label = line.plan.split(":", 1)[1]
        helped = draws["industry.lift"] * layers(row.actor_id, "industry")
        funded = draws[f"line.funded:{label}"]
        funded = funded + np.maximum(0.0, 1 - funded) * helped
        if line.licensed:
            funded = funded * _licence(supply, row.actor_id, row.family_id, licences, rule, draws, layers)
        gain[i] = np.maximum(0.0, draws[line.plan] - now) * funded * free / WEEKS_PER_YEAR
        ramp[i] = np.maximum(4.0, line.due_weeks + draws[f"line.slip:{label}"] * (1 - helped) * line.lead_weeks)
        for delay in supply.setting.delays:
            if (delay.actor_id, delay.materiel_id) == (row.actor_id, row.materiel_id):
                ramp[i] += delay.weeks
    weeks = knots(supply.setting.horizon_weeks)
    wanted = ramped(base, gain, ramp, weeks)
    return Stocks(stock, fill_progressively(wanted, _input_uses(supply, base, weeks, draws, layers)))


def _input_uses(supply: Supply, base: F64, weeks: F64, draws: Mapping[str, F64], layers: LayerShares) -> list[InputUse]:
    """Capacity of every stage or input over time, and what lines take of it, units of the input.

    A capacity that the register states below what today's output takes is taken as what it takes: the output was seen.
    """
    out = []
    for stage in supply.stages:
        per_unit = np.tile(draws[stage.per_unit], (len(stage.lines), 1))
        taken = (per_unit * base[list(stage.lines)]).sum(axis=0)
        now = np.maximum(draws[stage.capacity] / WEEKS_PER_YEAR, taken)
        gain, ramp = np.zeros_like(now), np.full_like(now, 4.0)
        if stage.plan is not None:
            actor = supply.rows[supply.lines[stage.lines[0]].row].actor_id
            helped = draws["industry.lift"] * layers(actor, "industry")
            funded = draws[f"line.funded:{stage.input_id}"]
            funded = funded + np.maximum(0.0, 1 - funded) * helped
            gain = np.maximum(0.0, draws[stage.plan] / WEEKS_PER_YEAR - now) * funded
            slip = draws[f"line.slip:{stage.input_id}"] * (1 - helped) * stage.lead_weeks
            ramp = np.maximum(4.0, stage.due_weeks + slip)
        out.append(InputUse(stage.lines, per_unit, ramped(now[None], gain[None], ramp[None], weeks)[0]))
    return out


def _licence(
    supply: Supply,
    actor: str,
    family: str,
    licences: Mapping[str, list[str]],
    rule: EcosystemRule,
    draws: Mapping[str, F64],
    layers: LayerShares,
) -> F64:
    """How far a licensed line may open: the best of the items that license the family, else the actor's technology share."""
    values = []
    for item in licences.get(family, ()):
        layer = supply.holdings.items.at[item, "layer"]
        cell = supply.holdings.cell(actor, item)
        if cell is not None:
            values.append(cell_value(cell, layer, rule, draws))
    return np.max(values, axis=0) if values else layers(actor, "technology")


def _claimed(supply: Supply, row: Row, draws: Mapping[str, F64]) -> F64:
    total = np.zeros(_futures(draws))
    for claim in supply.setting.claims:
        name = f"claim.{claim.name}.{row.side}.{row.class_id}"
        if name in draws and row.actor_id in claim.actors:
            total = total + claim.share * draws[name]
    return total


def access(supply: Supply, rule: EcosystemRule, draws: Mapping[str, F64]) -> Access:
    """Access of every front to every row in one ecosystem, for the futures of `draws`."""
    layers = LayerShares(supply, rule, draws)
    n = _futures(draws)
    held = stocks(supply, rule, draws, layers)
    fighting = fights(supply, draws)
    desk_of = {(d.front, d.actor_id): i for i, d in enumerate(supply.desks)}
    usable, interchange, floor, loss = (np.zeros((len(supply.edges), n)) for _ in range(4))
    pool_edges: dict[int, list[int]] = {}
    for e, edge in enumerate(supply.edges):
        pool_edges.setdefault(edge.pool, []).append(e)
    standards = supply.holdings.for_families(("standard",))
    doctrine = {f: _front_doctrine(supply, f, layers, fighting) for f in range(len(supply.setting.fronts))}
    for p, edges in pool_edges.items():
        pool = supply.pools[p]
        front = supply.cells[pool.cell].front
        weight, share = _launchers(supply, front, pool.materiel_id, rule, fighting, desk_of, draws)
        given = {supply.edges[e].row for e in edges if not barred(supply, e)}
        part = {supply.edges[e].row: hub_part(supply, e) for e in edges}
        lots = sum((part[r] * held.stock[r] for r in given), np.zeros(n)) + _horizon_output(
            supply, held, {r: part[r] for r in given}
        )
        able = _usable(supply, p, weight, lots, draws, later=supply.edges[edges[0]].wait is not None)
        family = supply.rows[supply.edges[edges[0]].row].family_id
        mutual = _mutual(supply, family, share, standards, rule, draws)
        for e in edges:
            edge = supply.edges[e]
            actor = supply.rows[edge.row].actor_id
            fighter = fighting[edge.desk]
            own = share.get(actor, fighter if not share else np.zeros(n))
            if supply.interchange.get(family) == "makes":
                best = _best(supply, actor, family, standards, rule, draws)
                shared = best * (
                    mutual - share.get(actor, 0.0) * best
                )  # of all tubes, those of others that share a standard with it
                loose = draws[f"interchange.{family}"]
                interchange[e] = own + shared + (1 - own - shared) * loose
            else:
                interchange[e] = 1.0
            usable[e] = 0.0 if edge.vetoed else able * hub_part(supply, e)
            pooled = layers(actor, "concept")
            donor = draws["floor.donor.unpooled"] + (draws["floor.donor.pooled"] - draws["floor.donor.unpooled"]) * pooled
            keep = np.where(fighter > 0, draws["floor.belligerent"], np.maximum(donor, draws["floor.belligerent"]))
            floor[e] = keep * held.stock[edge.row]
            ease = _ease(supply, actor, front, layers, doctrine[front], draws)
            lost = draws["friction.loss.unshared"] + (draws["friction.loss.shared"] - draws["friction.loss.unshared"]) * ease
            loss[e] = np.clip(lost, 0, 1) * (1 - own)
    weeks = np.array(
        [
            draws["friction.weeks.unshared"] + (draws["friction.weeks.shared"] - draws["friction.weeks.unshared"]) * doctrine[f]
            for f in sorted(doctrine)
        ]
    )
    joint = np.array([np.ones(n) if r.home_theater is None else layers(r.actor_id, "concept") for r in supply.rows]).reshape(
        -1, n
    )
    return Access(usable, interchange, floor, loss, np.maximum(0.0, weeks), joint, fighting, held)


def barred(supply: Supply, e: int) -> bool:
    """Whether nothing may flow on an edge: its donor may give nothing, or this materiel may not reach this front."""
    edge = supply.edges[e]
    return edge.vetoed or supply.desks[edge.desk].vetoed


def hub_part(supply: Supply, e: int) -> float:
    """The part of a hub's stock and output that the study reserves for the theater of an edge; 1 where it leaves that to need."""
    edge = supply.edges[e]
    row = supply.rows[edge.row]
    # A hub that lives in one of the theaters keeps its own stocks there: the split is that of one that lives in neither.
    if not supply.setting.hub_split or not row.hub or row.home_theater is not None:
        return 1.0
    front = supply.setting.fronts[supply.cells[supply.pools[edge.pool].cell].front]
    drawn_by = {
        supply.cells[supply.pools[other.pool].cell].front
        for i, other in enumerate(supply.edges)
        if other.row == edge.row and not barred(supply, i)
    }
    return dict(supply.setting.hub_split).get(front.theater, 1.0) if len(drawn_by) > 1 else 1.0


def _launchers(
    supply: Supply,
    front: int,
    materiel_id: str,
    rule: EcosystemRule,
    fighting: F64,
    desk_of: Mapping[tuple[int, str], int],
    draws: Mapping[str, F64],
) -> tuple[F64 | None, dict[str, F64]]:
    """Launchers of the front that fire the materiel (futures,), None where none is known; and each holder's share of them."""
    rated = any(c.front == front and c.need.rate is not None and c.class_id == _class(supply, materiel_id) for c in supply.cells)
    if materiel_id not in supply.launchers.dedicated or not rated:
        return None, {}
    total = np.zeros(_futures(draws))
    each: dict[str, F64] = {}
    for participant in supply.setting.fronts[front].participants:
        count = supply.launchers.count.get((participant.actor_id, materiel_id, _maturity(rule)), 0.0)
        desk = desk_of.get((front, participant.actor_id))
        if count <= 0 or desk is None:
            continue
        each[participant.actor_id] = count * fighting[desk]
        total = total + each[participant.actor_id]
    return total, {actor: n / np.maximum(1e-9, total) for actor, n in each.items()}


def _class(supply: Supply, materiel_id: str) -> str:
    return str(supply.materiel.at[materiel_id, "class_id"])


def _maturity(rule: EcosystemRule) -> str:
    return rule.threshold("capability")


def _usable(supply: Supply, pool: int, launchers: F64 | None, lots: F64, draws: Mapping[str, F64], *, later: bool) -> F64:
    """Share of the lots that the front's launchers could fire over the horizon; 1 where no launcher count exists.

    Materiel that waits for integration opens as a whole after its delay: what it would take is time, not launchers.
    """
    rate = supply.cells[supply.pools[pool].cell].need.rate
    if launchers is None or later or rate is None:
        return np.ones_like(lots)
    share: F64 = np.minimum(1.0, launchers * draws[rate] * supply.setting.horizon_weeks / np.maximum(1.0, lots))
    return share


def _horizon_output(supply: Supply, held: Stocks, rows: Mapping[int, float]) -> F64:
    """Output of the rows over the horizon, each times its part, units, (futures,)."""
    total = np.zeros(held.stock.shape[1])
    for i, line in enumerate(supply.lines):
        if line.row in rows:
            total = total + rows[line.row] * output_to(held.output[i], supply.setting.horizon_weeks)
    return total


def _best(
    supply: Supply, actor: str, family: str, standards: Mapping[str, list[str]], rule: EcosystemRule, draws: Mapping[str, F64]
) -> F64:
    """How far an actor holds a standard that makes the family's makes interchange, (futures,); a bloc by its members' mean."""
    if "standard" in rule.complete:
        return np.ones(_futures(draws))
    members = supply.holdings.members.get(actor)
    if members:
        mean: F64 = np.mean([_best(supply, m, family, standards, rule, draws) for m in members], axis=0)
        return mean
    values = [
        cell_value(supply.holdings.cell(actor, item), "standard", rule, draws)
        for item in standards.get(family, ())
        if supply.holdings.cell(actor, item)
    ]
    return np.max(values, axis=0) if values else np.zeros(_futures(draws))


def _mutual(
    supply: Supply,
    family: str,
    share: Mapping[str, F64],
    standards: Mapping[str, list[str]],
    rule: EcosystemRule,
    draws: Mapping[str, F64],
) -> F64:
    """Part of the front's launchers whose holder shares a standard of the family, (futures,)."""
    total = np.zeros(_futures(draws))
    for actor, part in share.items():
        total = total + part * _best(supply, actor, family, standards, rule, draws)
    return total


def _front_doctrine(supply: Supply, front: int, layers: LayerShares, fighting: F64) -> F64:
    """Mean share of doctrine held by those who fight at the front, (futures,)."""
    total, weight = np.zeros(fighting.shape[1]), np.zeros(fighting.shape[1])
    for i, desk in enumerate(supply.desks):
        if desk.front == front and desk.fights is not None:
            total = total + fighting[i] * layers(desk.actor_id, "doctrine")
            weight = weight + fighting[i]
    mean: F64 = total / np.maximum(1.0, weight)
    return mean


def _ease(supply: Supply, actor: str, front: int, layers: LayerShares, doctrine: F64, draws: Mapping[str, F64]) -> F64:
    """0 nothing shared, 1 all shared: doctrine held by both, plus what recent common exercises left."""
    base = layers(actor, "doctrine") * doctrine
    ages = supply.familiarity.get((actor, supply.setting.fronts[front].front_id), ())
    fresh = np.zeros_like(base)
    for age in ages[:1]:
        fresh = 0.5 ** (age / draws["familiarity.half_life"])
    return base + (1 - base) * draws["familiarity.weight"] * fresh


def decisions(supply: Supply, held: Access, draws: Mapping[str, F64]) -> dict[str, F64]:
    """Tranches of every desk: first, gap and stop in weeks, size in weeks of need; desks × futures.

    One normal per donor, correlated by a common factor of the front, drives whether, when, how often and how long a donor
    gives: the risk that matters is everybody hesitating at once.
    """
    n = _futures(draws)
    out = {name: np.zeros((len(supply.desks), n)) for name in ("first", "gap", "stop", "size")}
    root, rest = np.sqrt(draws["desk.rho"]), np.sqrt(1 - draws["desk.rho"])
    for i, desk in enumerate(supply.desks):
        front = supply.setting.fronts[desk.front].front_id
        h = root * special.ndtri(draws[f"desk.common:{front}"]) + rest * special.ndtri(draws[f"desk:{desk.actor_id}@{front}"])
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


def launcher_cap(supply: Supply, cell: int, rule: EcosystemRule, fighting: F64, draws: Mapping[str, F64]) -> F64 | None:
    """Most that a front's launchers of a class can fire a week, (futures,); None where no count or no rate is known."""
    c = supply.cells[cell]
    if c.need.rate is None:
        return None
    desk_of = {(d.front, d.actor_id): i for i, d in enumerate(supply.desks)}
    total = np.zeros(fighting.shape[1])
    for participant in supply.setting.fronts[c.front].participants:
        count = supply.launchers.of_class.get((participant.actor_id, c.class_id, _maturity(rule)), 0.0)
        desk = desk_of.get((c.front, participant.actor_id))
        if count > 0 and desk is not None:
            total = total + count * fighting[desk]
    if not total.any():
        return None
    cap: F64 = total * draws[c.need.rate]
    return cap


def _futures(draws: Mapping[str, F64]) -> int:
    return len(next(iter(draws.values())))
