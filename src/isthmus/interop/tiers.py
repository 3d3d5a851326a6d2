"""Missions that are not simulated, as deep as their facts allow: magazines by depth and rate of use, indicators by holdings.

Tier magazine: effect on hand that a front could use, what is made of it, and how fast it was used elsewhere. Tier indicator: what
each side holds, who operates it, what is on order, how common the most common type is, what is built. Both sides alike. See
``docs/reference/commands.md``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from isthmus.interop.access import access, barred
from isthmus.interop.fronts import EcosystemRule
from isthmus.interop.reach import plateau
from isthmus.interop.supply import OUTPUT_MEASURES, WEEKS_PER_YEAR, Supply, total_output
from isthmus.register import Register
from isthmus.register.register import period_start
from isthmus.register.resolve import resolve

F64 = npt.NDArray[np.float64]
View = tuple[str, str]
"""(front, mission)."""

TOTAL = "_all"
"""Ending of the id of an element that counts all types of a kind, as `submarine_all`."""

_PART_OF = re.compile(r"\(part of ([a-z0-9_]+)\)")

_WEEKS: Mapping[str, float] = {"units/day": 1 / 7, "units/month": WEEKS_PER_YEAR / 12, "units/year": WEEKS_PER_YEAR}
"""Weeks in the period of a rate."""


@dataclass(frozen=True)
class Coverage:
    """What figures rest on, as counts of their elements. `unknown`: actors of whom nothing is known."""

    facts: int
    estimates: int
    assumptions: int
    unknown: int


@dataclass(frozen=True)
class Magazine:
    """One front and mission. Arrays of (futures,) in effect; `need` effect a week, zero where none is stated."""

    on_hand: F64
    """Opening stock that the front could use: lots net of floors."""
    output_per_year: F64
    """Output of today of the same lines, as far as the front could use it."""
    need: F64
    coverage: Coverage

    @property
    def stocks_known(self) -> bool:
        """Whether the register knows any stock of the mission that the front may draw on."""
        return bool(self.coverage.facts + self.coverage.estimates + self.coverage.assumptions)


@dataclass(frozen=True)
class Rate:
    """A published rate of use of one materiel, in effect of its class a week."""

    per_week: float
    actor_id: str
    materiel_id: str
    context: str
    fact_id: str

    @property
    def label(self) -> str:
        return f"{self.actor_id} {self.materiel_id}: {self.context}"


@dataclass(frozen=True)
class Holding:
    """What some actors hold of one kind of element, units."""

    kind: str
    """Id of a class, or of the element that no other contains."""
    in_service: float
    operators: int
    on_order: float
    announced: float
    """Beyond what is in service and on order."""
    most_common: str | None
    commonality: float | None
    """Share of the most common type in the holdings whose type is known; None where none is."""
    coverage: Coverage


@dataclass(frozen=True)
class Built:
    """Output of today of one materiel by some actors, units a year."""

    materiel_id: str
    makers: int
    per_year: float
    coverage: Coverage


def stated_needs(supply: Supply, draws: Mapping[str, F64]) -> dict[View, F64]:
    """(front, mission) → stated need after the opening, effect a week, (futures,); zero where none is stated."""
    out: dict[View, F64] = {}
    for cell in supply.cells:
        key = (supply.setting.fronts[cell.front].front_id, cell.mission_id)
        weight = draws[cell.need.weight] if cell.need.weight else 1.0
        need = weight * plateau(supply, cell, draws)
        out[key] = out[key] + need if key in out else need
    return out


def magazines(supply: Supply, rule: EcosystemRule, draws: Mapping[str, F64]) -> dict[View, Magazine]:
    """Depth of every front and mission of the setting, whatever its tier."""
    held = access(supply, rule, draws)
    made = np.zeros_like(held.stocks.stock)
    for i, line in enumerate(supply.lines):
        made[line.row] += held.stocks.output[i, 0] * WEEKS_PER_YEAR
    needs = stated_needs(supply, draws)
    on_hand, output = ({key: np.zeros_like(need) for key, need in needs.items()} for _ in range(2))
    for e, edge in enumerate(supply.edges):
        if barred(supply, e):
            continue
        cell = supply.cells[supply.pools[edge.pool].cell]
        row = supply.rows[edge.row]
        key = (supply.setting.fronts[cell.front].front_id, cell.mission_id)
        unit = held.share[e] * draws[f"effect:{row.materiel_id}"] * (draws[cell.need.weight] if cell.need.weight else 1.0)
        on_hand[key] = on_hand[key] + unit * (held.stocks.stock[edge.row] - held.floor[e])
        output[key] = output[key] + unit * made[edge.row]
    return {key: Magazine(on_hand[key], output[key], needs[key], _stock_coverage(supply, key)) for key in needs}


def _stock_coverage(supply: Supply, view: View) -> Coverage:
    """Kinds of the opening stocks that a front may draw on; unknown: those who may fight there and hold no known stock."""
    front = next(f for f in supply.setting.fronts if f.front_id == view[0])
    classes = {c.class_id for c in supply.cells if (supply.setting.fronts[c.front].front_id, c.mission_id) == view}
    who = {p.actor_id for p in front.participants} - set(front.vetoed) - supply.setting.absent
    rows = [r for r in supply.rows if r.side == front.side and r.actor_id in who and r.class_id in classes and r.stock]
    kind_of = {b.element: b.kind for b in supply.bindings if b.field == "stock"}
    fighters = {p.actor_id for p in front.participants if p.fights is not None} & who
    return _coverage((kind_of[r.label] for r in rows), len(fighters - {r.actor_id for r in rows}))


def published_rates(register: Register, at: str, class_ids: Sequence[str]) -> list[Rate]:
    """Observed use of the materiel of some classes, by whoever used it, lowest first.

    From rows `observed` of the table consumption: a rate by its unit, a total by the days of its period. Rows without a period,
    needs and plans are left out: a need is an input of a study, not an observation.
    """
    materiel = register.table("materiel").set_index("materiel_id")
    chosen = materiel[materiel["class_id"].isin(class_ids)]
    rows = register.at(at).table("consumption")
    rows = rows[(rows["measure"] == "observed") & rows["materiel_id"].isin(chosen.index)]
    out = []
    for r in rows.itertuples():
        weeks = _WEEKS.get(r.unit) or _period_weeks(r.period_from, r.period_to)
        if weeks is not None:
            effect = float(chosen.at[r.materiel_id, "effect_mode"])
            out.append(Rate(float(r.mode) * effect / weeks, r.actor_id, r.materiel_id, r.context, r.fact_id))
    return sorted(out, key=lambda rate: (rate.per_week, rate.fact_id))


def _period_weeks(first: str | None, last: str | None) -> float | None:
    """Weeks from the first day of one partial date to the last day of another; None where a date is missing."""
    if not isinstance(first, str) or not isinstance(last, str):
        return None
    return (_end(last) - date.fromisoformat(period_start(first)) + timedelta(days=1)).days / 7


def _end(text: str) -> date:
    """Last day of a partial date."""
    if len(text) == 10:
        return date.fromisoformat(text)
    year, month = int(text[:4]), int(text[5:7]) if len(text) == 7 else 12
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


def holdings(register: Register, at: str, mission_id: str, actors: Iterable[str]) -> list[Holding]:
    """What `actors` hold in a mission, by kind of element, in the order of the register.

    Elements of the mission's classes add up by the launchers that they stand for. Other elements form trees, by `(part of ID)` in
    their names: of an actor counts the larger of its total and the sum of the parts, so that nothing counts twice.
    """
    actors = sorted(set(actors))
    elements = register.table("elements")
    elements = elements[elements["mission_id"] == mission_id].set_index("element_id")
    classed = elements[elements["class_id"].notna() & elements["weight"].notna()]
    counts = _counts(register, at, elements.index, actors)
    out = []
    for class_id, part in classed.groupby("class_id", sort=False):
        weighted = {
            a: {m: {e: n * float(part.at[e, "weight"]) for e, n in of[m].items() if e in part.index} for m in _LADDER}
            for a, of in counts.items()
        }
        out.append(
            _holding(
                str(class_id),
                {a: {m: sum(of[m].values()) for m in _LADDER} for a, of in weighted.items()},
                [of["implemented"] for of in weighted.values()],
                _kinds(register, at, part.index, actors),
            )
        )
    if len(classed):
        return out
    children = _children(elements["name"])
    for root in (e for e in elements.index if not any(e in c for c in children.values())):
        inside = _inside(root, children)
        total = {a: {m: _tree(root, children, of[m]) for m in _LADDER} for a, of in counts.items()}
        types = list(_types(root, children))
        parts = [{t: _tree(t, children, of["implemented"]) for t in types} for of in counts.values()]
        out.append(_holding(root, total, parts, _kinds(register, at, inside, actors)))
    return [h for h in out if h.in_service or h.on_order or h.announced]


_LADDER = ("implemented", "agreed", "declared")
_Count = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Actor → maturity → element → units, cumulative over maturities."""


def _counts(register: Register, at: str, elements: Iterable[str], actors: Sequence[str]) -> _Count:
    rows = register.at(at).table("force_elements")
    rows = rows[rows["element_id"].isin(set(elements)) & rows["actor_id"].isin(actors)]
    out: dict[str, dict[str, dict[str, float]]] = {a: {m: {} for m in _LADDER} for a in actors}
    for (actor, element), part in rows.groupby(["actor_id", "element_id"]):
        best = 0.0
        for maturity in _LADDER:
            found = resolve(part[part["maturity"] == maturity], at)
            best = max(best, found.mode) if found is not None else best
            out[str(actor)][maturity][str(element)] = best
    return out


def _kinds(register: Register, at: str, elements: Iterable[str], actors: Sequence[str]) -> Coverage:
    rows = register.at(at).table("force_elements")
    rows = rows[rows["element_id"].isin(set(elements)) & rows["actor_id"].isin(actors)]
    found = [resolve(part, at) for _, part in rows.groupby(["actor_id", "element_id", "maturity"])]
    return _coverage((f.kind for f in found if f is not None), len(set(actors) - set(rows["actor_id"])))


def _holding(
    kind: str, total: Mapping[str, Mapping[str, float]], types: Iterable[Mapping[str, float]], coverage: Coverage
) -> Holding:
    service, ordered, announced = (sum(of[m] for of in total.values()) for m in _LADDER)
    by_type: Counter[str] = Counter()
    for one in types:
        by_type.update(one)
    known = sum(by_type.values())
    top = max(by_type, key=lambda t: (by_type[t], t)) if known else None
    operators = sum(of["implemented"] > 0 for of in total.values())
    share = by_type[top] / known if top is not None else None
    return Holding(kind, service, operators, ordered - service, announced - ordered, top, share, coverage)


def _children(names: pd.Series[str]) -> dict[str, list[str]]:
    """Element → elements whose names say that they are part of it."""
    out: dict[str, list[str]] = {}
    for element, name in names.items():
        found = _PART_OF.search(name)
        if found and found[1] in names.index:
            out.setdefault(found[1], []).append(str(element))
    return out


def _inside(root: str, children: Mapping[str, Sequence[str]]) -> list[str]:
    return [root, *(e for c in children.get(root, ()) for e in _inside(c, children))]


def _tree(root: str, children: Mapping[str, Sequence[str]], count: Mapping[str, float]) -> float:
    return max(count.get(root, 0.0), sum(_tree(c, children, count) for c in children.get(root, ())))


def _types(root: str, children: Mapping[str, Sequence[str]]) -> Iterable[str]:
    """The first elements below a root, itself included, that are no totals of all types."""
    if not root.endswith(TOTAL):
        yield root
        return
    for child in children.get(root, ()):
        yield from _types(child, children)


def built(register: Register, at: str, mission_id: str, actors: Iterable[str]) -> list[Built]:
    """Output of today of each materiel of a mission, units a year: the first known measure of each maker, times its factor.

    The factor is the middle of the uncertainty that turns the measure into complete units, as in a campaign.
    """
    actors = sorted(set(actors))
    materiel = register.table("materiel")
    wanted = materiel[materiel["mission_id"] == mission_id]["materiel_id"]
    factors = register.table("uncertainties").set_index("uncertainty_id")["mode"]
    lines = register.at(at).table("lines")
    lines = lines[lines["materiel_id"].isin(wanted) & lines["actor_id"].isin(actors)]
    out = []
    for materiel_id, part in lines.groupby("materiel_id", sort=True):
        rates, kinds = [], []
        for _, of_actor in part.groupby("actor_id"):
            found = _output(of_actor, at, factors)
            if found is not None:
                rates.append(found[0])
                kinds.append(found[1])
        if rates:
            out.append(Built(str(materiel_id), sum(r > 0 for r in rates), sum(rates), _coverage(kinds, 0)))
    return out


def _output(lines: pd.DataFrame, at: str, factors: pd.Series[float]) -> tuple[float, str] | None:
    for measure, factor in OUTPUT_MEASURES:
        found = total_output(lines[lines["measure"] == measure], at)
        if found is not None:
            kind = "estimate" if found.kind == "fact" and factor else found.kind
            return found.mode * (float(factors[factor]) if factor else 1.0), kind
    return None


def _coverage(kinds: Iterable[str], unknown: int) -> Coverage:
    found = Counter(kinds)
    return Coverage(found["fact"], found["estimate"], found["assumption"], unknown)
