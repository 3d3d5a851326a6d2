"""Which share of the register rests on facts, on estimates, on assumptions, and what nobody knows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from isthmus.axes import LAYERS, SIDES
from isthmus.register.register import EVIDENCE, Register

_KINDS = ("fact", "estimate", "assumption")


def coverage(register: Register) -> list[dict[str, Any]]:
    """Rows {stage, field, elements, facts, estimates, assumptions, unknown}.

    One row per table of evidence (field = its name, elements = its rows, unknown = None). Then, for each layer and for each layer
    and side of the items, the cells actor x item (field = 'adoptions.<layer>' and 'adoptions.<layer>.<side>'): a cell exists
    where the item applies to the actor or an adoption row says something; it counts once, by its best kind of row; unknown =
    cells without a row, which is not the same as "does not hold".
    """
    out = [_count(name, register.table(name)["kind"]) for name in EVIDENCE]
    items, adoptions = register.table("items"), register.table("adoptions")
    kinds: dict[tuple[str, str], str] = {}
    for actor, item, kind in zip(adoptions["actor_id"], adoptions["item_id"], adoptions["kind"], strict=True):
        known = kinds.get((actor, item))
        if known is None or _KINDS.index(kind) < _KINDS.index(known):
            kinds[actor, item] = kind
    cells = applicable(register) | set(kinds)
    place = {item: (layer, side) for item, layer, side in zip(items["item_id"], items["layer"], items["side"], strict=True)}
    grouped: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        grouped.setdefault(place[cell[1]], []).append(kinds.get(cell, "unknown"))
    for layer in LAYERS:
        of_layer = {side: grouped.get((layer, side), []) for side in SIDES}
        out.append(_count(f"adoptions.{layer}", [k for cells in of_layer.values() for k in cells], unknown=True))
        out.extend(_count(f"adoptions.{layer}.{side}", cells, unknown=True) for side, cells in of_layer.items() if cells)
    return out


def applicable(register: Register) -> set[tuple[str, str]]:
    """Every (actor, item) where the item applies to the actor: `applies_to`, blocs as their members, else all states of its side.

    Members are those of the register's date; without a date, those whose membership has no end.
    """
    actors = register.table("actors")
    states = actors[actors["type"] == "state"]
    by_side = {side: set(states.loc[states["side"] == side, "actor_id"]) for side in SIDES}
    blocs = set(actors.loc[actors["type"] == "bloc", "actor_id"])
    memberships = register.table("memberships")
    members: dict[str, set[str]] = {}
    for actor, bloc, until in zip(memberships["actor_id"], memberships["bloc_id"], memberships["until"], strict=True):
        if until is None or register.date is not None:
            members.setdefault(bloc, set()).add(actor)
    items = register.table("items")
    cells: set[tuple[str, str]] = set()
    for item, side, applies_to in zip(items["item_id"], items["side"], items["applies_to"], strict=True):
        named = [one.strip() for one in (applies_to or "").split(";") if one.strip()]
        to = set().union(*(members.get(one, set()) if one in blocs else {one} for one in named)) if named else by_side[side]
        cells |= {(actor, item) for actor in to}
    return cells


def _count(field: str, kinds: Iterable[str], *, unknown: bool = False) -> dict[str, Any]:
    kinds = list(kinds)
    return {
        "stage": "register",
        "field": field,
        "elements": len(kinds),
        "facts": kinds.count("fact"),
        "estimates": kinds.count("estimate"),
        "assumptions": kinds.count("assumption"),
        "unknown": kinds.count("unknown") if unknown else None,
    }
