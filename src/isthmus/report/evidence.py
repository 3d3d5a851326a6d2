"""What a run rests on: bindings, ranges and the register rows behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import pandas as pd

from isthmus.axes import LAYERS
from isthmus.ensemble import Uncertainty
from isthmus.interop.supply import Binding
from isthmus.register import Register
from isthmus.register.register import EVIDENCE
from isthmus.report.elements import Body, Link, Row, Table
from isthmus.report.overlay import MARK
from isthmus.report.wording import Names, number, plain
from isthmus.study.plan import Plan

INPUTS = {"stock": "opening stock, units", "line.base": "output today, units a year", "line.plan": "output planned, units a year"}
FIELDS = {
    "claim": "What another war and peacetime take first",
    "desk": "How donors decide: first step, size, gap, stop",
    "donor_class": "Treaty ally, past partner or neither",
    "duel": "When a side counts as unsustained",
    "effect": "Effect of one unit, within its class",
    "engage": "Share of launches that is engaged",
    "familiarity": "What common exercises do to friction",
    "fights": "Whether an ally fights",
    "fires": "Which launcher fires which materiel",
    "floor": "Reserve that a holder keeps",
    "forward": "Share of stock held in the theater",
    "friction": "Weeks and losses in taking foreign materiel",
    "industry": "What a security-of-supply agreement adds",
    "interchange": "Interchange between makes of one calibre",
    "lag": "Weeks from decision to arrival",
    "launchers": "Launchers, tubes and cells by maturity",
    "lift": "Tonnes a week that can be moved",
    "line": "From stated output to complete rounds; plans to output",
    "line.base": "Output today",
    "line.plan": "Output planned",
    "mass": "Mass as shipped",
    "need": "Need by week",
    "plan": "How an army rations and orders",
    "prior": "Prior for what nobody looked up",
    "rate": "Highest rate of fire of a launcher",
    "readiness": "What months short of war take from stocks",
    "shots": "Interceptors a target",
    "stock": "Opening stock",
    "weight": "Weights between classes of one mission",
}
OWN_DRAWS = {
    "desk": "Own part of a donor's hesitation, one draw for each donor and front",
    "desk.common": "Common part of hesitation, one draw for each front",
    "fights": "Draw against the chance that an ally fights, one for each ally and theater",
}


class Evidence:
    """What a run rests on: bindings, ranges and the register rows behind them."""

    def __init__(self, plan: Plan, names: Names) -> None:
        self.plan = plan
        self.names = names
        found = {(b.field, b.element): b for supply in (plan.wide, plan.supply) for b in supply.bindings}
        self.bindings: list[Binding] = [found[key] for key in sorted(found)]
        self.uncertainties: dict[str, Uncertainty] = {u.name: u for u in plan.design.uncertainties}
        self._rows = _rows_by_id(plan.register)
        sources = plan.register.table("sources")
        self._sources = {str(s["source_id"]): s for s in sources.to_dict("records")}

    def kind(self, binding: Binding) -> str:
        """Kind of a binding, unless the study has put a range of its own on it."""
        u = self.uncertainties.get(binding.element) or self.uncertainties.get(f"{binding.field}:{binding.element}")
        return u.kind if u else binding.kind

    @property
    def fields_table(self) -> Table:
        rows = []
        for field in sorted({b.field for b in self.bindings}):
            mine = [b for b in self.bindings if b.field == field]
            kinds = [self.kind(b) for b in mine]
            counts = tuple(f"{kinds.count(k):,}" for k in ("fact", "estimate", "assumption"))
            used = len({f for b in mine for f in b.evidence})
            rows.append(Row(FIELDS.get(field, plain(field)), (field, f"{len(mine):,}", *counts, f"{used:,}")))
        head = ("Input", "Field", "Elements", "Facts", "Estimates", "Assumptions", "Register rows used")
        return Table(
            "t-fields",
            "What the inputs rest on, element by element",
            ("fact", "estimate", "assumption"),
            head,
            (Body(None, tuple(rows)),),
            words=(0,),
        )

    @cached_property
    def assumptions_table(self) -> Table:
        groups: dict[str, list[Row]] = {}
        copies: dict[tuple[str, float, float, float], list[Uncertainty]] = {}
        for u in sorted(self.uncertainties.values(), key=lambda u: u.name):
            if u.kind != "assumption":
                continue
            prefix = u.name.split(":", 1)[0]
            if ":" in u.name and (prefix in OWN_DRAWS or u.rule.startswith("own draw of ")):
                copies.setdefault((prefix, u.low, u.mode, u.high), []).append(u)
                continue
            groups.setdefault(_field(u.name), []).append(Row(self._title(u), (u.name, _range(u), u.unit, self._reason(u))))
        for (prefix, *_), same in copies.items():
            title = OWN_DRAWS.get(prefix, same[0].rule)
            name = f"{prefix}:… × {len(same)}"
            groups.setdefault(_field(prefix), []).append(Row(title, (name, _range(same[0]), same[0].unit, same[0].rule)))
        bodies = tuple(Body(FIELDS.get(g, plain(g)), tuple(rows)) for g, rows in sorted(groups.items()))
        head = ("Assumption", "Name in the register or study", "Range", "Unit", "Reason")
        return Table(
            "t-assumptions", "All assumptions that are drawn", ("assumption",), head, bodies, words=(0, 1, 2, 3), filter=True
        )

    @property
    def assumption_count(self) -> int:
        return sum(u.kind == "assumption" for u in self.uncertainties.values())

    @property
    def fixed_table(self) -> Table:
        """Assumptions that enter with one value: nothing is drawn for them."""
        groups: dict[tuple[str, str], list[str]] = {}
        for b in self.bindings:
            drawn = b.element in self.uncertainties or f"{b.field}:{b.element}" in self.uncertainties
            if b.kind == "assumption" and not drawn:
                groups.setdefault((b.field, self._notes(b.evidence) or b.rule), []).append(self.names.element(b.element))
        rows = [Row(FIELDS.get(f, plain(f)), (f"{len(e)}", reason, "; ".join(e))) for (f, reason), e in sorted(groups.items())]
        head = ("Input", "Elements", "Reason", "Which")
        return Table(
            "t-fixed",
            "Assumptions that enter with one value",
            ("assumption",),
            head,
            (Body(None, tuple(rows)),),
            words=(1, 2),
            filter=True,
        )

    @cached_property
    def inputs_table(self) -> Table:
        groups: dict[str, list[Row]] = {}
        for b in self.bindings:
            u = self.uncertainties.get(f"{b.field}:{b.element}")
            if b.field not in INPUTS or u is None:
                continue
            actor, _, materiel = b.element.partition(":")
            rows = [self._rows[f] for f in b.evidence if f in self._rows]
            grades = "/".join(sorted({str(r["confidence"]) for r in rows if r["confidence"]})) or "–"
            links = tuple(self._link(r) for r in rows)
            cells = (
                INPUTS[b.field],
                _range(u),
                u.kind,
                grades,
                f"{len(b.evidence)}",
                b.rule.removeprefix("resolved from "),
                links,
            )
            groups.setdefault(self.names.of("actors", actor), []).append(Row(self.names.of("materiel", materiel), cells))
        head = (
            "Materiel",
            "Input",
            "Low – mode – high",
            "Kind",
            "Grade",
            "Observations",
            "Rule",
            "Source, date and stated value",
        )
        bodies = tuple(Body(actor, tuple(rows)) for actor, rows in sorted(groups.items()))
        return Table(
            "t-inputs",
            "Stocks and lines",
            ("fact", "estimate", "assumption"),
            head,
            bodies,
            words=(0, 2, 3, 5, 6),
            filter=True,
        )

    @property
    def layers_table(self) -> Table:
        """What the ecosystems are read from: items and adoptions by layer and side."""
        view = self.plan.register.at(self.plan.study.date)
        items, adoptions = view.table("items"), self._adoptions
        layer = dict(zip(items["item_id"], items["layer"], strict=True))
        side = dict(zip(items["item_id"], items["side"], strict=True))
        rows = []
        for name in LAYERS:
            cells: list[str] = []
            for which in ("allied", "rival"):
                mine = adoptions[[layer.get(i) == name and side.get(i) == which for i in adoptions["item_id"]]]
                steps = mine["maturity"].value_counts()
                cells.append(f"{int(((items['layer'] == name) & (items['side'] == which)).sum()):,}")
                cells.append(" / ".join(f"{int(steps.get(s, 0)):,}" for s in ("declared", "agreed", "implemented")))
            rows.append(Row(self.names.of("layers", name), tuple(cells)))
        head = (
            "Layer",
            "Items, allied",
            "Adoptions, allied: declared / agreed / implemented",
            "Items, rival",
            "Adoptions, rival: declared / agreed / implemented",
        )
        return Table(
            "t-held",
            "What the ecosystems are read from: register rows by layer and side",
            ("fact", "estimate", "assumption"),
            head,
            (Body(None, tuple(rows)),),
        )

    @cached_property
    def _adoptions(self) -> pd.DataFrame:
        """Adoptions by the actors of the study, or by a bloc that one of them is in."""
        view = self.plan.register.at(self.plan.study.date)
        actors = {p.actor_id for f in self.plan.wide.setting.fronts for p in f.participants}
        members = view.table("memberships")
        actors |= set(members[members["actor_id"].isin(actors)]["bloc_id"])
        adoptions = view.table("adoptions")
        return adoptions[adoptions["actor_id"].isin(actors)]

    @cached_property
    def sources(self) -> list[Mapping[str, Any]]:
        """Sources behind quantities."""
        ids = {f for b in self.bindings for f in b.evidence} | {f for u in self.uncertainties.values() for f in u.evidence}
        return self._listed(str(self._rows[f]["source_id"]) for f in ids if f in self._rows and self._rows[f]["source_id"])

    @cached_property
    def layer_sources(self) -> list[Mapping[str, Any]]:
        """Sources behind items and adoptions that are not among those of quantities."""
        view = self.plan.register.at(self.plan.study.date)
        items = view.table("items")
        held = items[items["item_id"].isin(self._adoptions["item_id"])]
        ids = {str(s) for frame in (held, self._adoptions) for s in frame["source_id"] if s}
        return self._listed(ids - {str(s["source_id"]) for s in self.sources})

    def _listed(self, ids: Iterable[str]) -> list[Mapping[str, Any]]:
        found = [{str(k): v for k, v in self._sources[i].items()} for i in set(ids) if i in self._sources]
        return sorted(found, key=lambda s: (str(s["publisher"]).casefold(), str(s["title"]).casefold(), str(s["source_id"])))

    def _title(self, u: Uncertainty) -> str:
        prefix, _, rest = u.name.partition(":")
        return self.names.element(rest) if rest else self.names.of("uncertainties", prefix)

    def _reason(self, u: Uncertainty) -> str:
        return self._notes(u.evidence) or u.rule

    def _notes(self, evidence: Sequence[str]) -> str:
        return "; ".join(dict.fromkeys(str(self._rows[f]["note"]) for f in evidence if f in self._rows and self._rows[f]["note"]))

    def _link(self, row: Mapping[str, Any]) -> Link:
        source = self._sources.get(str(row["source_id"]), {})
        values = [float(row[k]) for k in ("low", "mode", "high")]
        stated = number(values[1]) if values[0] == values[2] else " – ".join(number(v) for v in values)
        grade = f"grade {row['confidence']}" if row["confidence"] else None
        own = f"{MARK} private overlay" if row.get("overlay") else None
        note = ", ".join(str(x) for x in (row["as_of"], grade, stated, own) if x)
        if not source:
            return Link(str(row["note"] or row["kind"]), None, note)
        return Link(str(source["title"]), str(source["url"]), note)


def _rows_by_id(register: Register) -> dict[str, Mapping[str, Any]]:
    """Every register row that carries evidence, by its fact_id."""
    out: dict[str, Mapping[str, Any]] = {}
    for table in EVIDENCE:
        frame = register.table(table)
        names = [c for c in ("kind", "source_id", "as_of", "confidence", "note", "low", "mode", "high", "overlay") if c in frame]
        for fact_id, *values in zip(frame["fact_id"], *(frame[c].tolist() for c in names), strict=True):
            out[str(fact_id)] = {**dict.fromkeys(("low", "mode", "high"), float("nan")), **dict(zip(names, values, strict=True))}
    return out


def _range(u: Uncertainty) -> str:
    if u.shape == "constant" or u.low == u.high:
        return f"{number(u.mode)} (constant)"
    ends = (u.low, u.high) if u.shape in ("uniform", "loguniform") else (u.low, u.mode, u.high)
    return "\u00a0–\u00a0".join(number(v) for v in ends) + ("" if u.shape == "pert" else f" ({u.shape})")


def _field(name: str) -> str:
    """Field of an uncertainty: as in the bindings."""
    prefix = name.split(":", 1)[0]
    return prefix if prefix in FIELDS else prefix.split(".")[0]
