"""Rows of the register for reading: chosen by actor, item, layer or materiel, with their sources and how they resolve."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, get_args

from isthmus.axes import LAYERS, Maturity
from isthmus.errors import InputError, Problem
from isthmus.register.csvfile import closest, quoted
from isthmus.register.register import EVIDENCE, MODELS, Register
from isthmus.register.resolve import QUANTITIES, resolve_by

if TYPE_CHECKING:
    import pandas as pd

_BY_FAMILY = ("items", "adoptions")
_SOURCE_COLUMNS = {"title": "source_title", "publisher": "publisher", "url": "url"}


def find(register: Register, table: str, wanted: Mapping[str, str | None], vocabulary: Register | None = None) -> pd.DataFrame:
    """Rows of a table in which an actor, item, layer or materiel stands (keys of `wanted`; None: any).

    `vocabulary`: the register that says which words exist, where `register` is a view at a date in which an item may be missing.

    An actor may be given by id or by name. Adoptions gain item_name and layer. Items and adoptions have no materiel of their own:
    there a materiel means the standards and technologies that name its family. Raises `InputError` naming every word that the
    register does not know, or that the table has no column for.
    """
    import pandas as pd

    frame = register.table(table)
    if "item_id" in frame and table != "items":
        items = register.table("items").set_index("item_id")
        frame = frame.assign(item_name=frame["item_id"].map(items["name"]), layer=frame["item_id"].map(items["layer"]))
    problems: list[Problem] = []
    keep = pd.Series(data=True, index=frame.index)
    for what, word in wanted.items():
        if word is None:
            continue
        known = _known(vocabulary or register, what)
        one = key_of(vocabulary or register, what, word)
        columns = _columns_for(table, what, frame)
        if one is None:
            near = closest(word, [*known, *known.values()])
            allowed = ", ".join(known) if len(known) <= 20 else f"one of {len(known)} ids"
            problems.append(Problem(table, None, what.upper(), quoted(word), allowed + near, f"unknown {what}"))
        elif what == "materiel" and table in _BY_FAMILY:
            keep &= frame["item_id"].isin(items_for(register, one))
        elif not columns:
            problems.append(
                Problem(table, None, what.upper(), quoted(word), "no such filter here", f"{table} has no column for {what}")
            )
        else:
            hits = [[one in [p.strip() for p in str(cell or "").split(";")] for cell in frame[c]] for c in columns]
            keep &= pd.Series([any(row) for row in zip(*hits, strict=True)], index=frame.index, dtype=bool)
    if problems:
        raise InputError(problems)
    return frame[keep]


def items_for(register: Register, materiel_id: str) -> list[str]:
    """Items that name the family of a materiel: standards that make its makes interchangeable, technologies that license it."""
    materiel, items = register.table("materiel"), register.table("items")
    family = set(materiel.loc[materiel["materiel_id"] == materiel_id, "family_id"])
    named = [family & {one.strip() for one in (cell or "").split(";")} for cell in items["families"]]
    return [item for item, hit in zip(items["item_id"], named, strict=True) if hit]


def key_of(register: Register, what: str, word: str) -> str | None:
    """The id of an actor, item, layer or materiel that is given by id or by name, in any case; None where there is none."""
    known = _known(register, what)
    by_name = {name.lower(): key for key, name in known.items()}
    return word if word in known else {k.lower(): k for k in known}.get(word.lower(), by_name.get(word.lower()))


def ladder_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Adoptions by actor, layer, item and step of the ladder, as one reads them."""
    rank = {
        "layer": {name: i for i, name in enumerate(LAYERS)},
        "maturity": {name: i for i, name in enumerate(get_args(Maturity))},
    }
    by = ["actor_id", "layer", "item_id", "maturity", "since"]
    return frame.sort_values(by, key=lambda c: c.map(rank[c.name]) if c.name in rank else c, kind="stable", na_position="last")


def _known(register: Register, what: str) -> dict[str, str]:
    if what == "layer":
        return {layer: layer for layer in LAYERS}
    table = {"actor": "actors", "item": "items", "materiel": "materiel"}[what]
    frame = register.table(table)
    return dict(zip(frame[MODELS[table].key[0]], frame["name"], strict=True))


def _columns_for(table: str, what: str, frame: pd.DataFrame) -> list[str]:
    if what == "layer":
        return [c for c in ("layer",) if c in frame]
    target = {"actor": "actors", "item": "items", "materiel": "materiel"}[what]
    own = [MODELS[table].key[0]] if table == target else []
    named = [c for c in (f"{what}_id",) if c in frame]
    return list(dict.fromkeys(own + named + [r.column for r in MODELS[table].references if r.table == target]))


def with_sources(register: Register, frame: pd.DataFrame) -> pd.DataFrame:
    """The rows with title, publisher and address of their source; a table that cites none is given back as it is."""
    if "source_id" not in frame or "url" in frame:
        return frame
    sources = register.table("sources").set_index("source_id")
    return frame.assign(**{new: frame["source_id"].map(sources[old]) for old, new in _SOURCE_COLUMNS.items()})


def explain(register: Register, table: str, frame: pd.DataFrame) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows and columns that say what each quantity resolves to, from which rows, and why others are discarded.

    Raises `InputError` where the table holds no quantities.
    """
    if table not in QUANTITIES:
        allowed = ", ".join(QUANTITIES) + closest(table, QUANTITIES)
        raise InputError(
            [Problem(table, None, "--why", quoted(table), allowed, "a table without quantities has nothing to resolve")]
        )
    names = QUANTITIES[table]
    by_id = {row["fact_id"]: row for row in frame_rows(with_sources(register, frame))[0]}
    out = []
    for key, one in resolve_by(frame, names, at=register.date).items():
        labels = {name: clean(value) for name, value in zip(names, key, strict=True)}
        unit = by_id[one.used[0]].get("unit")
        common = {**labels, "unit": unit}
        answer = {"low": one.low, "mode": one.mode, "high": one.high, "kind": one.kind, "confidence": one.grade}
        out.append(
            {
                **common,
                "role": "resolved",
                **answer,
                "reason": f"from {len(one.used)} of {len(one.used) + len(one.discarded)} rows",
            }
        )
        out.extend({**common, "role": "used", **_cited(by_id[used])} for used in one.used)
        out.extend({**common, "role": "discarded", **_cited(by_id[gone]), "reason": reason} for gone, reason in one.discarded)
    cited = [
        "as_of",
        "low",
        "mode",
        "high",
        "kind",
        "confidence",
        "reason",
        "fact_id",
        "note",
        "source_title",
        "publisher",
        "url",
        "overlay",
    ]
    return out, list(dict.fromkeys([*names, "unit", "role", *cited]))


def _cited(row: Mapping[str, Any]) -> dict[str, Any]:
    names = (
        "as_of",
        "low",
        "mode",
        "high",
        "kind",
        "confidence",
        "fact_id",
        "note",
        "source_title",
        "publisher",
        "url",
        "overlay",
    )
    return {name: row[name] for name in names}


def cited(register: Register) -> pd.DataFrame:
    """The table of sources with `rows`, how many rows of all tables cite each."""
    import pandas as pd

    uses = pd.concat([register.table(name)["source_id"] for name in EVIDENCE]).value_counts()
    sources = register.table("sources")
    return sources.assign(rows=sources["source_id"].map(uses).fillna(0).astype("int64"))


def frame_rows(frame: pd.DataFrame) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows as plain dictionaries that JSON can hold (a missing number is None), and the names of the columns."""
    names = [str(c) for c in frame.columns]
    lists: Iterable[tuple[Hashable, ...]] = zip(*(frame[c].tolist() for c in names), strict=True)
    return [{name: clean(value) for name, value in zip(names, row, strict=True)} for row in lists], names


def clean(value: Any) -> Any:
    """None for a missing number, the value otherwise."""
    return None if isinstance(value, float) and math.isnan(value) else value
