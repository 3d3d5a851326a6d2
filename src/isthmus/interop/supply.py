"""The supply network of a setting: rows of stock, lines of output, pools at the fronts, edges between them.

Everything here is equal for all futures and ecosystems; :mod:`isthmus.interop.access` says how much of it a front could use.
Every number comes from the register by a named rule and leaves a :class:`Binding`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Literal

import pandas as pd

from isthmus.axes import Kind
from isthmus.ensemble import Uncertainty
from isthmus.interop.ecosystem import Holdings
from isthmus.interop.fronts import Front, Need, Setting, Veto
from isthmus.register import Register
from isthmus.register.resolve import Resolved, observations, resolve

WEEKS_PER_YEAR = 52.18

OUTPUT_MEASURES: tuple[tuple[str, str | None], ...] = (
    ("complete", None),
    ("contract_average", None),
    ("refurbished_and_new", "line.complete_of_claimed"),
    ("capacity", "line.capacity_use"),
    ("procured", "line.procured_to_output"),
)
"""Measures of output in order of preference, and the uncertainty that turns each into complete rounds."""

STOCK_MEASURES: tuple[tuple[str, str | None], ...] = (
    ("on_hand", None),
    ("operational", None),
    ("delivered_cumulative", "stock.left_of_delivered"),
    ("purchased_cumulative", "stock.left_of_delivered"),
)

LINE_WINDOW_MONTHS = 12
"""Output moves faster than holdings: observations of a line count for a year."""

COST_WINDOW_MONTHS = 60
"""Prices are stated seldom and move slowly beside what else is unknown of them: five years of observations count."""

OVERDUE_WEEKS = 26.0
"""A plan whose date has passed is not there yet: half a year at least remains (a judgement; slip comes on top)."""

OWN_DRAW = "own draw of "
"""Rule of an uncertainty that draws anew from a shared prior; the prior's name follows."""

PLAN_HORIZON_YEARS = 3.0
"""Weeks to a plan's date where the source gives none."""

FUNDED_BY_MISSION: Mapping[str, str] = {"land_fires": "line.funded.land_fires"}
FUNDED_DEFAULT = "line.funded.missiles"

Rows = Sequence[Any]
"""Rows of a table, as :func:`isthmus.register.resolve.observations` gives them."""

ByHolder = Mapping[tuple[str, str], Rows]
"""(actor, materiel) → its rows."""

DonorClass = Literal["treaty_ally", "partner_past", "partner_none"]


@dataclass(frozen=True)
class Binding:
    """Where one element of an input comes from."""

    field: str
    element: str
    kind: Kind
    evidence: tuple[str, ...]
    rule: str


@dataclass(frozen=True)
class Row:
    actor_id: str
    materiel_id: str
    class_id: str
    family_id: str
    side: str
    hub: bool
    home_theater: str | None
    stock: str | None
    """Uncertainty of the opening stock, units; None where nothing is known and the row is there for its line."""
    stock_factor: str | None

    @property
    def label(self) -> str:
        return f"{self.actor_id}:{self.materiel_id}"


@dataclass(frozen=True)
class Line:
    """Output of one actor's lines of one materiel. Uncertainty names; rates in units a year."""

    row: int
    base: str | None
    base_factor: str | None
    plan: str | None
    due_weeks: float
    lead_weeks: float
    licensed: bool
    licensors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stage:
    """A stage or an input that lines take. Uncertainty names; `per_unit` units of it for one unit of materiel."""

    input_id: str
    lines: tuple[int, ...]
    per_unit: str
    capacity: str
    """Units of the input a year."""
    plan: str | None
    due_weeks: float
    lead_weeks: float


@dataclass(frozen=True)
class NeedCell:
    front: int
    need: Need
    mission_id: str

    @property
    def class_id(self) -> str:
        return self.need.class_id


@dataclass(frozen=True)
class Pool:
    cell: int
    materiel_id: str
    mass_t: float


@dataclass(frozen=True)
class Edge:
    row: int
    pool: int
    desk: int
    home: bool
    near: bool
    wait: str | None
    """Uncertainty of the weeks of integration, where the front's launchers need it first."""
    vetoed: bool = False
    """This materiel of this donor may not reach this front."""


@dataclass(frozen=True)
class Desk:
    front: int
    actor_id: str
    fights: str | None
    donor_class: DonorClass
    vetoed: bool
    """Gives nothing, whatever was drawn: an export rule, or an actor that is absent."""


@dataclass(frozen=True)
class Launchers:
    """Launchers of a front's participants: counts by maturity, in launcher equivalents."""

    count: Mapping[tuple[str, str, str], float]
    """(actor, materiel, maturity) → launchers that fire the materiel now."""
    of_class: Mapping[tuple[str, str, str], float]
    """(actor, class, maturity) → launchers of the class."""
    later: Mapping[str, tuple[float, float, float]]
    """Materiel → weeks of integration where some launcher could take it after work."""
    dedicated: frozenset[str]
    """Materiel whose launchers are known; other materiel is usable by whoever holds it."""


@dataclass(frozen=True)
class Supply:
    setting: Setting
    holdings: Holdings
    rows: tuple[Row, ...]
    lines: tuple[Line, ...]
    stages: tuple[Stage, ...]
    cells: tuple[NeedCell, ...]
    pools: tuple[Pool, ...]
    edges: tuple[Edge, ...]
    desks: tuple[Desk, ...]
    launchers: Launchers
    interchange: Mapping[str, str]
    """Family → common or makes."""
    familiarity: Mapping[tuple[str, str], tuple[float, ...]]
    """(actor, front) → ages in months of common exercises with its belligerents."""
    uncertainties: Mapping[str, Uncertainty]
    bindings: tuple[Binding, ...]
    materiel: pd.DataFrame = field(repr=False)
    hub_of: Mapping[str, str] = field(default_factory=dict)

    def group_labels(self) -> tuple[str, ...]:
        return tuple(sorted({f"{r.side}.{r.materiel_id}" for r in self.rows}))


class SupplyBuilder:
    """Builds a :class:`Supply` from a register and a setting, collecting uncertainties and bindings on the way.

    `holdings`: those of the register at the setting's date, where the caller has them.
    """

    def __init__(self, register: Register, setting: Setting, holdings: Holdings | None = None) -> None:
        self.register = register
        self.setting = setting
        self.view = register.at(setting.date)
        self.holdings = holdings or Holdings(register, setting.date)
        self.uncertainties: dict[str, Uncertainty] = {}
        self.bindings: list[Binding] = []
        self.materiel = register.table("materiel").set_index("materiel_id")
        self.actors = register.table("actors").set_index("actor_id")
        self.mission_of = register.table("classes").set_index("class_id")["mission_id"].to_dict()
        types = register.table("tie_types")
        promising = set(types[types["guarantee"] == "yes"]["tie_type_id"])
        self._pacts = [tie for tie in observations(self.view.table("ties")) if tie.tie_type in promising]
        ends = {end for tie in self._pacts for end in (tie.actor_a, tie.actor_b)}
        self._promising_blocs = ends & set(self.holdings.members)
        self._costs = _grouped(self.view.table("unit_costs"), "materiel_id")
        self._given = [t for t in observations(self.view.table("transfers")) if t.measure != "announced"]
        self._theater_of: dict[str, str | None] = self.actors["home_theater"].to_dict()
        for u in register.table("uncertainties").itertuples():
            self._declare_row(u)

    def build(self) -> Supply:
        cells = self._cells()
        classes = {c.class_id for c in cells}
        rows, lines = self._rows_and_lines(classes)
        self._peacetime(rows)
        launchers = self._launchers(classes)
        pools, edges, desks = self._edges(rows, lines, cells, launchers)
        for materiel_id in sorted({r.materiel_id for r in rows}):
            self._effect(materiel_id)
            self._cost(materiel_id)
        hubs = self.actors[self.actors["hub"] == "yes"]
        return Supply(
            self.setting,
            self.holdings,
            tuple(rows),
            tuple(lines),
            tuple(self._stages(rows, lines)),
            tuple(cells),
            tuple(pools),
            tuple(edges),
            tuple(desks),
            launchers,
            self.register.table("families").set_index("family_id")["interchange"].to_dict(),
            self._familiarity(),
            self.uncertainties,
            tuple(self.bindings),
            self.materiel,
            {str(side): str(actor) for actor, side in hubs["side"].items()},
        )

    # uncertainties and bindings

    def _declare_row(self, u: Any) -> None:
        self.uncertainties[u.uncertainty_id] = Uncertainty(
            u.uncertainty_id, u.shape, u.low, u.mode, u.high, u.unit, u.kind, (u.fact_id,), u.rule or (u.note or "")
        )
        field_name = u.uncertainty_id.split(".")[0]
        self.bindings.append(Binding(field_name, u.uncertainty_id, u.kind, (u.fact_id,), u.rule or "declared"))

    def _declare(self, name: str, found: Resolved, unit: str, field_name: str, rule: str) -> str:
        # A fact times an assumed factor is an estimate.
        kind: Kind = (
            "assumption" if found.kind == "assumption" else "estimate" if found.kind == "estimate" or "×" in rule else "fact"
        )
        self.uncertainties[name] = Uncertainty(name, "pert", found.low, found.mode, found.high, unit, kind, found.used, rule)
        self.bindings.append(Binding(field_name, name.split(":", 1)[1], kind, found.used, rule))
        return name

    def _effect(self, materiel_id: str) -> None:
        m = self.materiel.loc[materiel_id]
        name = f"effect:{materiel_id}"
        low, mode, high = float(m["effect_low"]), float(m["effect_mode"]), float(m["effect_high"])
        self.uncertainties[name] = Uncertainty(
            name, "pert", low, mode, high, "effect/unit", m["kind"], (m["fact_id"],), "effect columns of materiel"
        )
        self.bindings.append(Binding("effect", materiel_id, m["kind"], (m["fact_id"],), "effect columns of materiel"))
        mass_kind: Kind = "assumption" if pd.isna(m["mass_kg"]) else m["kind"]
        self.bindings.append(
            Binding("mass", materiel_id, mass_kind, (m["fact_id"],), "mass_kg of materiel, else the mean of its class")
        )

    def _cost(self, materiel_id: str) -> None:
        """Cost of a unit, in millions of dollars, where one is known; without one the materiel stays out of the money."""
        found = resolve(self._costs.get(materiel_id, ()), self.setting.date, COST_WINDOW_MONTHS)
        if found is not None:
            self._declare(f"cost:{materiel_id}", found, "MUSD/unit", "cost", "resolved from unit_costs")

    # cells: what launches first, so that a reaction sees this week's launches

    def _cells(self) -> list[NeedCell]:
        cells = [
            NeedCell(i, need, self.mission_of[need.class_id])
            for i, front in enumerate(self.setting.fronts)
            for need in front.needs
        ]
        return sorted(cells, key=lambda c: (c.need.kind == "reactive", c.front, c.class_id))

    # rows and lines

    def _sides(self) -> dict[str, set[str]]:
        out: dict[str, set[str]] = defaultdict(set)
        for front in self.setting.fronts:
            out[front.side].update(p.actor_id for p in front.participants)
        return out

    def _rows_and_lines(self, classes: set[str]) -> tuple[list[Row], list[Line]]:
        stocks, lines = (_grouped(self.view.table(t), "actor_id", "materiel_id") for t in ("stocks", "lines"))
        hubs = set(self.actors.index[self.actors["hub"] == "yes"])
        wanted = self.materiel[self.materiel["class_id"].isin(classes)]
        kinds = list(zip(wanted.index, wanted["class_id"].astype(str), wanted["family_id"].astype(str), strict=True))
        rows: list[Row] = []
        found_lines: list[Line] = []
        for side, actors in sorted(self._sides().items()):
            for actor in sorted(actors):
                for materiel_id, class_id, family_id in kinds:
                    if (actor, materiel_id) not in stocks and (actor, materiel_id) not in lines:
                        continue
                    stock = self._stock(actor, materiel_id, stocks)
                    line = self._line(actor, materiel_id, lines, actors)
                    if stock is None and line is None:
                        continue
                    name, factor = stock or (None, None)
                    home = self._theater_of[actor]
                    home_theater = None if pd.isna(home) else str(home)
                    if line is not None:
                        found_lines.append(Line(len(rows), *line))
                    rows.append(Row(actor, materiel_id, class_id, family_id, side, actor in hubs, home_theater, name, factor))
        return rows, found_lines

    def _stock(self, actor: str, materiel_id: str, stocks: ByHolder) -> tuple[str, str | None] | None:
        here = stocks.get((actor, materiel_id))
        if here is None:
            return None
        for measure, factor in STOCK_MEASURES:
            found = resolve(_measured(here, measure), self.setting.date)
            if found is not None and found.high <= 0:
                return None
            if found is not None:
                return self._declare(f"stock:{actor}:{materiel_id}", found, "units", "stock", _rule(measure, factor)), factor
        return None

    def _peacetime(self, rows: list[Row]) -> None:
        """Ranges of what months short of war take from stocks that are there."""
        held = {(row.actor_id, row.materiel_id) for row in rows if row.stock is not None}
        for claim in self.setting.peacetime:
            if (claim.actor_id, claim.materiel_id) in held:
                for u in claim.uncertainties:
                    self.uncertainties[u.name] = u
                    name = u.name.split(":", 1)
                    self.bindings.append(
                        Binding(name[0], name[1], u.kind, u.evidence, u.rule or "resolved from consumption and lines")
                    )

    def _line(
        self, actor: str, materiel_id: str, lines: ByHolder, members: set[str]
    ) -> tuple[str | None, str | None, str | None, float, float, bool, tuple[str, ...]] | None:
        here = lines.get((actor, materiel_id))
        if here is None:
            return None
        base, factor = None, None
        licensors = tuple(sorted({row.licensor for row in here if row.licensor is not None}))
        for measure, name in OUTPUT_MEASURES:
            found = total_output(_measured(here, measure), self.setting.date)
            if found is not None:
                found = self._less_members(actor, materiel_id, found, lines, members, self._scale(name), plan=False)
                base = self._declare(f"line.base:{actor}:{materiel_id}", found, "units/year", "line.base", _rule(measure, name))
                factor = name
                break
        plans = _latest_plans(_measured(here, "plan"))
        found = total_output(plans, self.setting.date)
        stated = found.used if found else ()
        if found is None:
            return (base, factor, None, 0.0, 0.0, False, licensors) if base else None
        found = self._less_members(actor, materiel_id, found, lines, members, 1.0, plan=True)
        plan = self._declare(f"line.plan:{actor}:{materiel_id}", found, "units/year", "line.plan", "resolved from measure plan")
        mission = self.mission_of[str(self.materiel.at[materiel_id, "class_id"])]
        label = f"{actor}:{materiel_id}"
        self._copy(FUNDED_BY_MISSION.get(mission, FUNDED_DEFAULT), f"line.funded:{label}")
        self._copy("line.slip", f"line.slip:{label}")
        due, lead = self._due([row for row in plans if row.fact_id in stated])
        return base, factor, plan, due, lead, any(row.licensor is not None for row in plans), licensors

    def _scale(self, factor: str | None) -> float:
        """Middle of the factor that turns a measure into complete rounds."""
        return self.uncertainties[factor].mode if factor else 1.0

    def _stages(self, rows: list[Row], lines: list[Line]) -> list[Stage]:
        """Inputs of the register that some line of the study takes."""
        out = []
        for name, part in sorted(_grouped(self.view.table("line_inputs"), "input_id").items()):
            taken = {
                (actor, materiel_id) for row in part for actor in _ids(row.actor_ids) for materiel_id in _ids(row.materiel_ids)
            }
            takes = [i for i, line in enumerate(lines) if (rows[line.row].actor_id, rows[line.row].materiel_id) in taken]
            now, later = _measured(part, "capacity"), _measured(part, "plan")
            capacity, plan = (resolve(rows_of, self.setting.date) for rows_of in (now, later))
            if not takes or capacity is None:
                continue
            self._declare(f"input:{name}", capacity, "units/year", "input", "resolved from measure capacity")
            first = part[0]
            kinds: tuple[Kind, ...] = tuple(sorted({row.kind for row in part}))
            self.uncertainties[f"input.per_unit:{name}"] = Uncertainty(
                f"input.per_unit:{name}",
                "pert",
                float(first.per_unit_low),
                float(first.per_unit_mode),
                float(first.per_unit_high),
                "input/unit",
                kinds[0],
                (first.fact_id,),
                "per_unit columns of line_inputs",
            )
            due, lead = 0.0, 0.0
            if plan is not None:
                self._declare(f"input.plan:{name}", plan, "units/year", "input", "resolved from measure plan")
                mission = self.mission_of[rows[lines[takes[0]].row].class_id]
                self._copy(FUNDED_BY_MISSION.get(mission, FUNDED_DEFAULT), f"line.funded:{name}")
                self._copy("line.slip", f"line.slip:{name}")
                due, lead = self._due([row for row in later if row.fact_id in plan.used])
            out.append(
                Stage(
                    name,
                    tuple(takes),
                    f"input.per_unit:{name}",
                    f"input:{name}",
                    f"input.plan:{name}" if plan is not None else None,
                    due,
                    lead,
                )
            )
        return out

    def _less_members(
        self, actor: str, materiel_id: str, found: Resolved, lines: ByHolder, members: set[str], scale: float, *, plan: bool
    ) -> Resolved:
        """A bloc's line is what its members that have lines of their own leave of the bloc's total.

        `scale` turns the bloc's measure into complete rounds, as the members' measures are before they are taken off.
        """
        if self.actors.at[actor, "type"] != "bloc":
            return found
        named = 0.0
        for member in self.holdings.members.get(actor, ()):
            here = lines.get((member, materiel_id))
            if member not in members or here is None:
                continue
            part = total_output(_latest_plans(_measured(here, "plan")), self.setting.date) if plan else None
            for measure, factor in OUTPUT_MEASURES if part is None else ():
                part = total_output(_measured(here, measure), self.setting.date)
                if part is not None:
                    named += part.mode * self._scale(factor)
                    break
            else:
                named += part.mode if part else 0.0
        rest = [max(0.0, v - named / scale) for v in (found.low, found.mode, found.high)]
        return Resolved(rest[0], rest[1], rest[2], "estimate", found.grade, found.used, found.discarded)

    def _copy(self, prior: str, name: str) -> None:
        """An own draw from a shared prior."""
        p = self.uncertainties[prior]
        self.uncertainties[name] = Uncertainty(
            name, p.shape, p.low, p.mode, p.high, p.unit, p.kind, p.evidence, f"{OWN_DRAW}{prior}"
        )

    def _due(self, plans: Rows) -> tuple[float, float]:
        """Weeks from the study's date to the plan's date, and the stated lead in weeks; medians over the rows that count."""
        today = datetime.fromisoformat(_day(self.setting.date))
        due, lead = [], []
        for row in plans:
            stated = datetime.fromisoformat(_day(row.as_of)) if isinstance(row.as_of, str) else today
            end = (
                datetime.fromisoformat(_day(row.due, end=True))
                if isinstance(row.due, str)
                else stated + timedelta(days=365.25 * PLAN_HORIZON_YEARS)
            )
            due.append(max(OVERDUE_WEEKS, (end - today).days / 7))
            lead.append(max(0.0, (end - stated).days / 7))
        return median(due), median(lead)

    # launchers

    def _launchers(self, classes: set[str]) -> Launchers:
        elements = self.register.table("elements")
        elements = elements[elements["class_id"].isin(classes) & elements["weight"].notna()].set_index("element_id")
        fires = self.register.table("fires")
        fires = fires[fires["element_id"].isin(elements.index)]
        now: dict[str, list[str]] = defaultdict(list)
        later: dict[str, tuple[float, float, float]] = {}
        for f in fires.itertuples():
            if f.path == "now":
                now[f.element_id].append(f.materiel_id)
            else:
                later[f.materiel_id] = (float(f.weeks_low), float(f.weeks_mode), float(f.weeks_high))
            self.bindings.append(Binding("fires", f"{f.element_id}:{f.materiel_id}", f.kind, (f.fact_id,), f"path {f.path}"))
        count: dict[tuple[str, str, str], float] = defaultdict(float)
        of_class: dict[tuple[str, str, str], float] = defaultdict(float)
        everyone = set().union(*self._sides().values()) if self._sides() else set()
        class_of, weights = elements["class_id"].to_dict(), elements["weight"].to_dict()
        for (actor, element), part in sorted(_grouped(self.view.table("force_elements"), "actor_id", "element_id").items()):
            if actor not in everyone or element not in weights:
                continue
            best = 0.0
            weight = float(weights[element])
            for maturity in ("implemented", "agreed", "declared"):
                found = resolve([row for row in part if row.maturity == maturity], self.setting.date)
                if found is not None:
                    best = max(best, found.mode)
                    kind: Kind = "fact" if found.kind == "fact" else "estimate" if found.kind == "estimate" else "assumption"
                    self.bindings.append(
                        Binding(
                            "launchers", f"{actor}:{element}:{maturity}", kind, found.used, "mode of the resolved count × weight"
                        )
                    )
                of_class[actor, str(class_of[element]), maturity] += best * weight
                for materiel_id in now[element]:
                    count[actor, materiel_id, maturity] += best * weight
        return Launchers(dict(count), dict(of_class), later, frozenset(fires["materiel_id"]))

    # edges

    def _edges(
        self, rows: list[Row], lines: list[Line], cells: list[NeedCell], launchers: Launchers
    ) -> tuple[list[Pool], list[Edge], list[Desk]]:
        licensors = {line.row: line.licensors for line in lines}
        pools: list[Pool] = []
        edges: list[Edge] = []
        desks: list[Desk] = []
        desk_of: dict[tuple[int, str], int] = {}
        for c, cell in enumerate(cells):
            front = self.setting.fronts[cell.front]
            by_actor = {p.actor_id: p for p in front.participants}
            for materiel_id in sorted({r.materiel_id for r in rows if r.class_id == cell.class_id and r.side == front.side}):
                holders = [
                    i
                    for i, r in enumerate(rows)
                    if r.materiel_id == materiel_id and r.side == front.side and r.actor_id in by_actor
                ]
                wait = self._wait(materiel_id, front, launchers) if cell.need.rate is not None else "now"
                if not holders or wait == "never":
                    continue
                pools.append(Pool(c, materiel_id, self._mass_t(materiel_id)))
                delay = None if wait == "now" else self._delay(front, materiel_id, wait)
                for i in holders:
                    actor = rows[i].actor_id
                    if (cell.front, actor) not in desk_of:
                        desk_of[cell.front, actor] = len(desks)
                        desks.append(self._desk(cell.front, front, actor))
                    near = rows[i].home_theater == front.theater
                    home = near and by_actor[actor].fights is not None
                    barred = any(_bars(v, front.front_id, rows[i], licensors.get(i, ())) for v in self.setting.vetoes)
                    edges.append(Edge(i, len(pools) - 1, desk_of[cell.front, actor], home, near, delay, barred))
        for f, front in enumerate(self.setting.fronts):  # who fights counts with his launchers and doctrine, whatever he holds
            for p in front.participants:
                if p.fights is not None and (f, p.actor_id) not in desk_of:
                    desk_of[f, p.actor_id] = len(desks)
                    desks.append(self._desk(f, front, p.actor_id))
        return pools, edges, desks

    def _wait(self, materiel_id: str, front: Front, launchers: Launchers) -> Literal["now", "never"] | tuple[float, float, float]:
        if materiel_id not in launchers.dedicated:
            return "now"
        who = [p.actor_id for p in front.participants if p.fights is not None]
        if any(launchers.count.get((a, materiel_id, "declared"), 0) > 0 for a in who):
            return "now"
        return launchers.later.get(materiel_id, "never")

    def _delay(self, front: Front, materiel_id: str, weeks: tuple[float, float, float]) -> str:
        name = f"integration:{materiel_id}@{front.front_id}"
        facts = self.register.table("fires")
        rows = facts[(facts["materiel_id"] == materiel_id) & (facts["path"] == "after_integration")]
        kind: Kind = "fact" if set(rows["kind"]) == {"fact"} else "assumption"
        self.uncertainties[name] = Uncertainty(
            name, "pert", *weeks, "weeks", kind, tuple(rows["fact_id"]), "weeks columns of fires"
        )
        return name

    def _mass_t(self, materiel_id: str) -> float:
        mass = self.materiel.at[materiel_id, "mass_kg"]
        if pd.isna(mass):
            same = self.materiel[self.materiel["class_id"] == self.materiel.at[materiel_id, "class_id"]]["mass_kg"]
            mass = same.mean() if same.notna().any() else self.materiel["mass_kg"].median()
        return float(mass) / 1000

    def _desk(self, index: int, front: Front, actor: str) -> Desk:
        fights = next(p.fights for p in front.participants if p.actor_id == actor)
        self.uncertainties[f"desk:{actor}@{front.front_id}"] = Uncertainty(
            f"desk:{actor}@{front.front_id}",
            "uniform",
            0,
            0.5,
            1,
            "probability",
            "assumption",
            (),
            "own part of a donor's hesitation",
        )
        common = f"desk.common:{front.front_id}"
        self.uncertainties[common] = Uncertainty(
            common, "uniform", 0, 0.5, 1, "probability", "assumption", (), "common part of hesitation"
        )
        if fights is not None:
            name = f"fights:{actor}@{front.theater}"
            self.uncertainties[name] = Uncertainty(
                name, "uniform", 0, 0.5, 1, "probability", "assumption", (), f"draw against {fights}"
            )
        cls, facts = self._donor_class(front, actor)
        self.bindings.append(Binding("donor_class", f"{actor}@{front.front_id}", "estimate", facts, f"ties and transfers: {cls}"))
        return Desk(index, actor, fights, cls, actor in front.vetoed or actor in self.setting.absent)

    def _donor_class(self, front: Front, actor: str) -> tuple[DonorClass, tuple[str, ...]]:
        """Treaty ally, partner with past deliveries, or neither; and the facts that say so.

        A pact counts where it is with a belligerent of the theater, or where the actor itself lives in the theater: a promise
        to the hub is no promise to supply a region on the other side of the world.
        """
        theater_of = self._theater_of
        local = theater_of.get(actor) == front.theater
        fighters = {p.actor_id for p in front.participants if p.fights is not None} - {actor}
        partners = {f for f in fighters if local or theater_of.get(f) == front.theater}
        blocs = {
            b
            for b, m in self.holdings.members.items()
            if actor in m and partners & set(m) and theater_of.get(b) == front.theater and b in self._promising_blocs
        }
        held_to = partners | blocs
        direct = tuple(
            tie.fact_id
            for tie in self._pacts
            if (tie.actor_a == actor and tie.actor_b in held_to) or (tie.actor_b == actor and tie.actor_a in held_to)
        )
        if direct or blocs:
            return "treaty_ally", direct
        past = tuple(t.fact_id for t in self._given if t.supplier == actor and t.recipient in fighters)
        return ("partner_past" if past else "partner_none"), past

    def _familiarity(self) -> dict[tuple[str, str], tuple[float, ...]]:
        """Ages in months of the exercises an actor shared with belligerents of a front, one per exercise."""
        today = int(self.setting.date[:4]) + (int(self.setting.date[5:7]) - 0.5 if len(self.setting.date) >= 7 else 6) / 12
        out: dict[tuple[str, str], list[float]] = defaultdict(list)
        for e in self.view.table("exercises").itertuples():
            who = {p.strip() for p in e.participants.split(";")}
            for front in self.setting.fronts:
                fighters = who & {p.actor_id for p in front.participants if p.fights is not None}
                for p in front.participants:
                    if p.actor_id in who and fighters - {p.actor_id}:
                        out[p.actor_id, front.front_id].append(max(0.0, (today - e.year - 0.5) * 12))
        return {key: tuple(sorted(ages)) for key, ages in out.items()}


def _ids(cell: str) -> set[str]:
    return {part.strip() for part in cell.split(";")}


def _bars(veto: Veto, front_id: str, row: Row, licensors: tuple[str, ...]) -> bool:
    """Does the veto bar what this row holds from the front?"""
    return (
        veto.front_id == front_id
        and (not veto.donors or row.actor_id in veto.donors)
        and (veto.licensor is None or veto.licensor in licensors)
        and (not veto.materiel or row.materiel_id in veto.materiel)
    )


def _rule(measure: str, factor: str | None) -> str:
    return f"resolved from measure {measure}" + (f" × {factor}" if factor else "")


def _grouped(frame: pd.DataFrame, *columns: str) -> dict[Any, list[Any]]:
    """Value of a column, or values of columns, → its rows, in the order of the frame. Rows that lack one are left out."""
    out: dict[Any, list[Any]] = {}
    for row in observations(frame):
        key = tuple(getattr(row, c) for c in columns)
        if None not in key:
            out.setdefault(key if len(columns) > 1 else key[0], []).append(row)
    return out


def _measured(rows: Rows, measure: str) -> list[Any]:
    return [row for row in rows if row.measure == measure]


def total_output(rows: pd.DataFrame | Rows, date: str) -> Resolved | None:
    """Total of an actor: rows that state a total are alternatives; without one, parts are resolved line by line and added."""
    listed = rows if isinstance(rows, Sequence) else observations(rows)
    whole = resolve([row for row in listed if row.scope == "total"], date, LINE_WINDOW_MONTHS)
    if whole is not None:
        return whole
    names = sorted({row.line_id for row in listed if row.line_id is not None})
    by_line = ([row for row in listed if row.line_id == name] for name in names)
    parts = [p for part in by_line if (p := resolve(part, date, LINE_WINDOW_MONTHS)) is not None]
    if not parts:
        return None
    used = tuple(f for p in parts for f in p.used)
    worst = max((p.grade or "C") for p in parts)
    kinds = {p.kind for p in parts}
    kind = "fact" if kinds == {"fact"} else "estimate" if "assumption" not in kinds else "assumption"
    low, mode, high = (sum(getattr(p, n) for p in parts) for n in ("low", "mode", "high"))
    return Resolved(low, mode, high, kind, worst, used, tuple(d for p in parts for d in p.discarded))


def _latest_plans(plans: Rows) -> list[Any]:
    """Plans for different dates are different plans: of each line, the rows of the date that was stated last (the nearer of two)."""
    lines: dict[tuple[str, str], list[Any]] = {}
    for row in plans:
        if row.line_id is not None and row.scope is not None:
            lines.setdefault((row.line_id, row.scope), []).append(row)
    kept = []
    for line in lines.values():
        stated: dict[str, str] = {}
        for row in line:
            if row.as_of is not None:
                stated[row.due or ""] = max(row.as_of, stated.get(row.due or "", ""))
        newest = min((due for due, day in stated.items() if day == max(stated.values())), default=line[0].due or "")
        kept += [row for row in line if (row.due or "") == newest]
    return kept or list(plans)


def _day(text: str, *, end: bool = False) -> str:
    """A partial date as a day: the first of its period, or roughly its end."""
    tail = (
        "-12-31"
        if end and len(text) == 4
        else "-28"
        if end and len(text) == 7
        else "-01-01"
        if len(text) == 4
        else "-01"
        if len(text) == 7
        else ""
    )
    return text + tail
