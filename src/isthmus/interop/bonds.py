"""From rows of the register to bonds: ties, exercises, transfers, flows and licensed lines of one date, layer by layer.

A *bond* is one agreement, series of exercises or flow in one layer among a set of parties: rows that say the same of the same
parties are one bond, so that a side whose ties are written in more rows does not gain by it. A treaty of many is **one** bond.
An agreement between a bloc and an outsider ties the outsider to each member and the members not to one another.
Unknown is not none: what has no row is no bond here, and :func:`isthmus.interop.networks.coverage` counts it.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import Any

import pandas as pd

from isthmus.register import Register
from isthmus.register.register import checked_date, period_start

LAYER_OF: Mapping[str, str] = MappingProxyType(
    {
        "defence_pact": "pacts",
        "nuclear_umbrella": "pacts",
        "consultation_pact": "pacts",
        "nonaggression": "pacts",
        "strategic_partnership": "partnership",
        "itpp": "partnership",
        "liaison_officers": "partnership",
        "combined_command": "command",
        "integrated_air_defence": "command",
        "access_agreement": "access",
        "logistics": "logistics",
        "interoperability": "logistics",
        "information_security": "information",
        "information_sharing": "information",
        "exercise_series": "exercises",
        "training": "training",
        "education_exchange": "training",
        "arms_transfer": "arms_flows",
        "codevelopment": "codevelopment",
        "coproduction": "coproduction",
        "security_of_supply": "supply",
        "industrial_access": "supply",
        "trade_cushion": "trade_cushion",
    }
)
"""Layer of a tie type. A tie type that a register adds and that is not named here is a layer of its own."""

NOT_A_BOND = frozenset({"friction"})
"""Tie types that part two actors; they are counted (:func:`coverage`) and no bond."""

FLOW_LAYER: Mapping[str, str] = MappingProxyType(
    {
        "munition": "arms_flows",
        "platform": "arms_flows",
        "drone": "arms_flows",
        "component": "supply",
        "dual_use": "supply",
        "material": "supply",
        "trade": "trade_cushion",
        "energy": "trade_cushion",
    }
)
"""Layer of a kind of goods in the table `flows`; other kinds are no bond."""

WINDOW_YEARS = 5
"""Exercises and deliveries count for so many years, the period over which arms deliveries are usually added up."""


@dataclass(frozen=True)
class Bond:
    """One agreement, series or flow in one layer. `pivot`: the outsider of an agreement with a bloc, tied to each other party."""

    layer: str
    parties: tuple[str, ...]
    pivot: str | None
    names: tuple[str, ...]
    facts: tuple[str, ...]
    kinds: tuple[str, ...]
    grades: tuple[str, ...]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The pairs that it ties, each in alphabetical order."""
        if self.pivot is None:
            return list(combinations(self.parties, 2))
        return [(min(self.pivot, p), max(self.pivot, p)) for p in self.parties if p != self.pivot]

    @property
    def weight(self) -> float:
        """1/(n - 1): what the bond gives a pair where one treaty is one observation."""
        return 1 / (len(self.parties) - 1)


def bonds(
    register: Register, date: str, *, arms: pd.DataFrame | None = None, window_years: int = WINDOW_YEARS
) -> tuple[Bond, ...]:
    """Every bond of states at a date, from ties, exercises, transfers, flows and licensed lines.

    Ties hold as in :meth:`Register.at`. Exercises and deliveries (measure delivered, cumulative or a rate; never announced) count
    for `window_years` before the date; exercises that were only planned never. `arms`: deliveries by year (supplier_actor,
    recipient_actor, year, tiv), as :func:`isthmus.register.importers.sipri.read_tiv` gives them, added to the layer of
    arms flows. Raises `InputError` on a bad date.
    """
    day = period_start(checked_date(date))
    view = register.at(day)
    found = _Found(_members(view), states_of(register))
    _add_ties(found, view)
    since = f"{int(day[:4]) - window_years}{day[4:]}"
    for row in view.table("exercises").itertuples():
        if not row.exercise_kind.endswith("(planned)") and int(row.year) > int(day[:4]) - window_years:
            found.add("exercises", [p.strip() for p in row.participants.split(";")], None, row, row.name)
    for name in ("transfers", "flows"):
        for row in register.table(name).itertuples():
            layer = "arms_flows" if name == "transfers" else _flow_layer(row)
            given = row.measure not in ("announced", "authorised")
            if layer is not None and given and overlaps(row.period_from, row.period_to, row.as_of, since, day):
                what = row.materiel_id if name == "transfers" else row.goods
                found.between(layer, row.supplier, row.recipient, row, str(what))
    for row in view.table("lines").itertuples():
        if row.licensor is not None and row.licensor != row.actor_id:
            found.between("coproduction", row.licensor, row.actor_id, row, f"licence: {row.name}")
    if arms is not None:
        recent = arms[(arms["year"] > int(since[:4])) & (arms["year"] <= int(day[:4])) & (arms["tiv"] > 0)]
        recent = recent.dropna(subset=["supplier_actor", "recipient_actor"])
        for supplier, recipient in sorted(set(zip(recent["supplier_actor"], recent["recipient_actor"], strict=True))):
            found.between("arms_flows", str(supplier), str(recipient), None, "deliveries of major arms")
    return found.bonds()


def _flow_layer(row: Any) -> str | None:
    """Layer of a flow; sums of aid, which the register files under trade, say neither what was given nor that it arrived."""
    return None if "aid" in row.goods.split("_") else FLOW_LAYER.get(row.kind_of_goods)


class _Found:
    """Bonds while they are gathered: one for each layer, set of parties and pivot."""

    def __init__(self, members: Mapping[str, frozenset[str]], states: frozenset[str]) -> None:
        self.members, self.states = members, states
        self._rows: dict[tuple[str, frozenset[str], str | None], list[tuple[str, str, str, str]]] = {}

    def add(self, layer: str, parties: Iterable[str], pivot: str | None, row: Any, name: str) -> None:
        """One row for a bond; blocs among the parties count as their members, what is neither state nor bloc is left out."""
        who = frozenset(s for p in parties for s in self.members.get(p, {p}) if s in self.states)
        if len(who) < 2 or (pivot is not None and pivot not in who):
            return
        if len(who) == 2:
            pivot = None
        said = ("", "fact", "", name) if row is None else (row.fact_id, row.kind, row.confidence or "", name)
        self._rows.setdefault((layer, who, pivot), []).append(said)

    def between(self, layer: str, a: str, b: str, row: Any, name: str) -> None:
        """A bond of two; where one end is a bloc and the other no member of it, the other end is the pivot."""
        outsider = next((x for x, bloc in ((a, b), (b, a)) if bloc in self.members and x not in self.members), None)
        self.add(layer, (a, b), outsider, row, name)

    def bonds(self) -> tuple[Bond, ...]:
        out = []
        for (layer, parties, pivot), rows in self._rows.items():
            facts, kinds, grades, names = (tuple(dict.fromkeys(column)) for column in zip(*rows, strict=True))
            out.append(Bond(layer, tuple(sorted(parties)), pivot, names, tuple(f for f in facts if f), kinds, grades))
        return tuple(sorted(out, key=lambda b: (b.layer, b.parties, b.pivot or "")))


def _add_ties(found: _Found, view: Register) -> None:
    """Ties of a bloc's own treaty, of a treaty among several, and of two.

    A tie of a member with its bloc, or one that bears the bloc's name, is part of the bloc's treaty. Ties of one type, name (to
    the first bracket) and start that tie each of three or more actors to every other are one treaty as well. The rest are pairs.
    """
    blocs = {name: bloc for name, bloc in _bloc_names(view).items() if bloc in found.members}
    treaties: dict[tuple[str, str], tuple[set[str], list[Any]]] = {}
    named: dict[tuple[str, str, str | None], list[Any]] = {}
    for row in view.table("ties").itertuples():
        if row.tie_type in NOT_A_BOND:
            continue
        ends, stem = {row.actor_a, row.actor_b}, row.name.split(" (")[0]
        bloc = next((b for b in ends & set(found.members) if ends - {b} <= found.members[b]), blocs.get(stem))
        if bloc is None:
            named.setdefault((row.tie_type, stem, row.start), []).append(row)
            continue
        parties, rows = treaties.setdefault((row.tie_type, bloc), (set(), []))
        parties |= ends - {bloc}
        rows.append(row)
    for (tie_type, bloc), (parties, rows) in sorted(treaties.items()):
        whole = parties | found.members[bloc] if blocs.get(rows[0].name.split(" (")[0]) == bloc else parties
        for row in rows:
            found.add(LAYER_OF.get(tie_type, tie_type), whole, None, row, row.name)
    for (tie_type, _, _), rows in named.items():
        layer, everyone = LAYER_OF.get(tie_type, tie_type), {a for r in rows for a in (r.actor_a, r.actor_b)}
        pairs = {frozenset((r.actor_a, r.actor_b)) for r in rows}
        for row in rows:
            if len(everyone) > 2 and len(pairs) == len(everyone) * (len(everyone) - 1) // 2:
                found.add(layer, everyone, None, row, row.name)
            else:
                found.between(layer, row.actor_a, row.actor_b, row, row.name)


def _bloc_names(register: Register) -> dict[str, str]:
    actors = register.table("actors")
    blocs = actors[actors["type"] == "bloc"]
    return dict(zip(blocs["name"], blocs["actor_id"], strict=True))


def _members(view: Register) -> dict[str, frozenset[str]]:
    memberships = view.table("memberships")
    return {str(bloc): frozenset(rows["actor_id"]) for bloc, rows in memberships.groupby("bloc_id")}


def states_of(register: Register) -> frozenset[str]:
    """Ids of every state, blocs left out."""
    actors = register.table("actors")
    return frozenset(actors.loc[actors["type"] == "state", "actor_id"])


def overlaps(first: str | None, last: str | None, as_of: str | None, since: str, day: str) -> bool:
    """Whether a period, stated in part or by its source's date alone, reaches into the days after `since` up to `day`."""
    start, end = first or last or as_of, last or as_of or first
    return start is not None and end is not None and period_start(start) <= day and _period_end(end) > since


def _period_end(date: str) -> str:
    if len(date) == 4:
        return f"{date}-12-31"
    return f"{date}-{calendar.monthrange(int(date[:4]), int(date[5:7]))[1]:02d}" if len(date) == 7 else date
