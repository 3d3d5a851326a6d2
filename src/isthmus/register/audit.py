"""Does the register look at both sides alike? Kinds of row that exist for one side only, or far more often for one.

Rows are counted by side and divided by the states of that side, so that a side of many small states does not look better covered
than it is. A row of several actors (a tie, an exercise) counts once for each side that takes part. Materiel and its cost have no actor:
they count for the sides whose states produce, hold, use or give it. Neutral states count for neither side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from isthmus.register.register import EVIDENCE, Register

RATIO: Final = 5.0
"""Rows per state of one side over those of the other, above which a kind of row is reported."""

EVERY: Final = "every table"
"""Stands for the table in rows that count over all of them."""

_JUDGED: Final = ("allied", "rival")


class _Rule(NamedTuple):
    """How a table is counted: the columns that hold its actors, and the columns that say of which type a row is."""

    actors: tuple[str, ...]
    types: tuple[str, ...]


_RULES: Final[Mapping[str, _Rule]] = {
    "memberships": _Rule(("actor_id",), ()),
    "items": _Rule((), ("layer",)),
    "adoptions": _Rule(("actor_id",), ("layer", "maturity")),
    "ties": _Rule(("actor_a", "actor_b"), ("tie_type",)),
    "exercises": _Rule(("participants",), ("exercise_kind",)),
    "materiel": _Rule((), ("mission_id",)),
    "force_elements": _Rule(("actor_id",), ("maturity",)),
    "lines": _Rule(("actor_id",), ("measure", "scope")),
    "stocks": _Rule(("actor_id",), ("measure",)),
    "consumption": _Rule(("actor_id",), ("measure",)),
    "transfers": _Rule(("supplier",), ("measure", "mode_of_transfer")),
    "unit_costs": _Rule((), ()),
    "plan_actual": _Rule(("actor_id",), ("outcome",)),
}
_HOLDERS: Final = (("lines", "actor_id"), ("stocks", "actor_id"), ("consumption", "actor_id"), ("transfers", "supplier"))


class _Counted(NamedTuple):
    """One row for one side; `types` are the names of its types, as they are reported."""

    side: str
    types: tuple[str, ...]
    evidence: tuple[str, ...]


def audit(register: Register, ratio: float = RATIO, *, everything: bool = False) -> list[dict[str, Any]]:
    """Rows {table, kind, allied, rival, ratio, denser} of what stands on one side only, or above `ratio` per state.

    `kind` is 'all rows' of the table or a type of row ('layer standard', 'measure on_hand'); under the table `EVERY` it is a kind of
    evidence, a grade or a class of host. `allied` and `rival` are rows, `ratio` those of the denser side per state over those of
    the other, None where the other has none. `everything`: also the kinds that are alike.
    """
    states = _states(register)
    counts: dict[tuple[str, str], Counter[str]] = {}
    for table in _RULES:
        for row in _counted(register, table):
            for kind in ("all rows", *row.types):
                counts.setdefault((table, kind), Counter())[row.side] += 1
            for kind in row.evidence:
                counts.setdefault((EVERY, kind), Counter())[row.side] += 1
    order = [*_RULES, EVERY]
    out = []
    for (table, kind), rows in sorted(
        counts.items(), key=lambda one: (order.index(one[0][0]), one[0][1] != "all rows", one[0][1])
    ):
        dense = {side: rows[side] / states[side] if states[side] else 0.0 for side in _JUDGED}
        denser = "allied" if dense["allied"] >= dense["rival"] else "rival"
        least = min(dense.values())
        unequal = dense[denser] / least if least else None
        if everything or unequal is None or unequal > ratio:
            out.append(
                {
                    "table": table,
                    "kind": kind,
                    "allied": rows["allied"],
                    "rival": rows["rival"],
                    "ratio": unequal,
                    "denser": denser,
                }
            )
    return out


def _states(register: Register) -> dict[str, int]:
    actors = register.table("actors")
    return {side: int(((actors["side"] == side) & (actors["type"] == "state")).sum()) for side in _JUDGED}


def _counted(register: Register, table: str) -> Iterator[_Counted]:
    """Every row of a table, once for each side to which it belongs."""
    actors, items = register.table("actors"), register.table("items")
    side_of = dict(zip(actors["actor_id"], actors["side"], strict=True))
    layer_of = dict(zip(items["item_id"], items["layer"], strict=True))
    sources = register.table("sources")
    host_of = dict(zip(sources["source_id"], sources["host_class"], strict=True))
    holders = _holders(register, side_of) if table in ("materiel", "unit_costs") else {}
    rule = _RULES[table]
    for row in register.table(table).to_dict("records"):
        if table == "items":
            sides = {row["side"]}
        elif not rule.actors:
            sides = holders.get(row["materiel_id"], set())
        else:
            named = (one.strip() for column in rule.actors for one in str(row[column]).split(";"))
            sides = {side_of[one] for one in named if one}
        if table == "adoptions":
            row["layer"] = layer_of[row["item_id"]]
        types = tuple(f"{name.removesuffix('_id')} {row[name]}" for name in rule.types)
        for side in sorted(sides & set(_JUDGED)):
            yield _Counted(side, types, _evidence(row, host_of) if table in EVIDENCE else ())


def _evidence(row: Mapping[Any, Any], host_of: Mapping[str, str]) -> tuple[str, ...]:
    graded = (f"grade {row['confidence']}",) if row["confidence"] is not None else ()
    hosted = (f"host {host_of[row['source_id']]}",) if row["source_id"] is not None else ()
    return (f"kind {row['kind']}", *graded, *hosted)


def _holders(register: Register, side_of: Mapping[str, str]) -> dict[str, set[str]]:
    """Materiel -> sides of the actors that produce, hold, use or give it."""
    out: dict[str, set[str]] = {}
    for table, column in _HOLDERS:
        frame = register.table(table)
        for actor, materiel in zip(frame[column], frame["materiel_id"], strict=True):
            out.setdefault(materiel, set()).add(side_of[actor])
    return out
