"""Which share of the register rests on facts, on estimates, on assumptions, and what nobody knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from isthmus.axes import LAYERS, SIDES
from isthmus.register.register import EVIDENCE, Register

_KINDS = ("fact", "estimate", "assumption")


def coverage(register: Register, *, by_actor: bool = False) -> list[dict[str, Any]]:
    """Rows {stage, field, elements, facts, estimates, assumptions, unknown}, and `overlay` where rows come from an overlay.

    One row per table of evidence (field = its name, elements = its rows, unknown = None). Then, for each layer and for each layer
    and side of the items, the cells actor x item (field = 'adoptions.<layer>' and 'adoptions.<layer>.<side>'): a cell exists
    where the item applies to the actor or an adoption row says something; it counts once, by its best kind of row; unknown =
    cells without a row, which is not the same as "does not hold". `by_actor`: also for each layer, side of the items and actor
    (field = 'adoptions.<layer>.<side>.<actor>'). `overlay`: how many of the elements rest on rows of the overlay.
    """
    marked = any(frame["overlay"].any() for frame in register.tables.values())
    out = []
    for name in EVIDENCE:
        table = register.table(name)
        out.append(_count("register", name, table["kind"], overlay=int(table["overlay"].sum()) if marked else None))
    items, adoptions = register.table("items"), register.table("adoptions")
    kinds: dict[tuple[str, str], str] = {}
    for actor, item, kind in zip(adoptions["actor_id"], adoptions["item_id"], adoptions["kind"], strict=True):
        known = kinds.get((actor, item))
        if known is None or _KINDS.index(kind) < _KINDS.index(known):
            kinds[actor, item] = kind
    own = adoptions[adoptions["overlay"]]
    own_cells = set(zip(own["actor_id"], own["item_id"], strict=True))
    cells = applicable(register) | set(kinds)
    place = {item: (layer, side) for item, layer, side in zip(items["item_id"], items["layer"], items["side"], strict=True)}
    grouped: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for cell in sorted(cells):
        grouped.setdefault(place[cell[1]], []).append(cell)

    def count(field: str, of: list[tuple[str, str]]) -> dict[str, Any]:
        found = [kinds.get(cell, "unknown") for cell in of]
        return _count("register", field, found, unknown=True, overlay=sum(cell in own_cells for cell in of) if marked else None)

    for layer in LAYERS:
        of_layer = {side: grouped.get((layer, side), []) for side in SIDES}
        out.append(count(f"adoptions.{layer}", [cell for cells in of_layer.values() for cell in cells]))
        for side, of_side in of_layer.items():
            if of_side:
                out.append(count(f"adoptions.{layer}.{side}", of_side))
            for actor in sorted({actor for actor, _ in of_side}) if by_actor else ():
                out.append(count(f"adoptions.{layer}.{side}.{actor}", [cell for cell in of_side if cell[0] == actor]))
    return out


def of_inputs(inputs: Iterable[tuple[str, str, Sequence[str]]], register: Register) -> list[dict[str, Any]]:
    """What the inputs of a study's campaigns rest on, by field: rows as of :func:`coverage`, with stage 'campaign'.

    `inputs`: (field, kind, fact_ids of the rows it was made of) of every element. An element made of several rows counts once.
    """
    own = {fact for frame in register.tables.values() for fact in frame.loc[frame["overlay"], "fact_id"]}
    grouped: dict[str, list[tuple[str, bool]]] = {}
    for field, kind, facts in inputs:
        grouped.setdefault(field, []).append((kind, not own.isdisjoint(facts)))
    return [
        _count("campaign", field, [k for k, _ in found], overlay=sum(mine for _, mine in found) if own else None)
        for field, found in sorted(grouped.items())
    ]


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


def _count(stage: str, field: str, kinds: Iterable[str], *, unknown: bool = False, overlay: int | None = None) -> dict[str, Any]:
    kinds = list(kinds)
    row = {
        "stage": stage,
        "field": field,
        "elements": len(kinds),
        "facts": kinds.count("fact"),
        "estimates": kinds.count("estimate"),
        "assumptions": kinds.count("assumption"),
        "unknown": kinds.count("unknown") if unknown else None,
    }
    return row if overlay is None else row | {"overlay": overlay}
