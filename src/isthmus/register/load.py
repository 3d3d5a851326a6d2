"""Read every table of a register and check everything: cells, rows, keys, references, dates, addresses.

Every problem is collected, with its file, row and column, before one `RegisterError` is raised; nothing is dropped or mended
silently. Blanks around a cell are stripped, rows whose cells are all blank are passed over, and a byte order mark is accepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from isthmus.errors import Problem, RegisterError
from isthmus.register.columns import columns
from isthmus.register.csvfile import Cells, closest, quoted, read_cells
from isthmus.register.explain import check_row
from isthmus.register.records import TABLES, Adoption, Item, Record, Reference

_NOUN = {
    "actors": "actor",
    "sources": "source",
    "items": "item",
    "materiel": "materiel",
    "families": "family",
    "classes": "class",
    "missions": "mission",
    "theaters": "theater",
    "elements": "element",
    "tie_types": "tie type",
}
_PERIODS = (("since", "until"), ("start", "end"), ("period_from", "period_to"))
_MAX_SUGGESTIONS = 300
_EXISTS = ("agreed", "implemented", "exercised")
"""Maturities that only an item that exists can have."""


@dataclass
class Loaded:
    """The rows of one table, in file order, and for each row whether it comes from the overlay."""

    rows: list[Record] = field(default_factory=list)
    overlay: list[bool] = field(default_factory=list)


@dataclass
class _Part:
    """One file of one table. `label` is how messages name it."""

    model: type[Record]
    label: str
    overlay: bool
    cells: Cells
    records: dict[int, Record] = field(default_factory=dict)


def read_tables(root: Path, overlay: Path | None = None) -> dict[str, list[Record]]:
    """Every table of the register under `root` as checked rows. Raises `RegisterError` with every problem found."""
    return {name: loaded.rows for name, loaded in load_tables(root, overlay).items()}


def load_tables(root: Path, overlay: Path | None = None) -> dict[str, Loaded]:
    """As :func:`read_tables`, keeping which rows came from `overlay`: a folder with some of the tables.

    An overlay row with the key of a row of the register stands in its place; every other overlay row is added.
    Raises `RegisterError` with every problem found.
    """
    problems: list[Problem] = []
    parts = _read_folder(root, problems, overlay=False)
    if overlay is not None:
        parts += _read_folder(overlay, problems, overlay=True)
    for part in parts:
        _check_rows(part, problems)
        _check_periods(part, problems)
    replaced = _check_keys(parts, problems)
    _check_references(parts, problems)
    _check_adoptions(parts, replaced, problems)
    _check_addresses(parts, replaced, problems)
    if problems:
        raise RegisterError(problems)
    tables = {model.table: Loaded() for model in TABLES}
    for part in parts:
        loaded = tables[part.model.table]
        for number, record in part.records.items():
            if part.overlay or (part.model.table, number) not in replaced:
                loaded.rows.append(record)
                loaded.overlay.append(part.overlay)
    return tables


def _read_folder(folder: Path, problems: list[Problem], *, overlay: bool) -> list[_Part]:
    what = "overlay" if overlay else "register"
    try:
        present = sorted(p.name for p in folder.iterdir())
    except OSError as error:
        found = "no such folder" if isinstance(error, FileNotFoundError) else error.strerror or "an unreadable folder"
        problems.append(
            Problem(str(folder), None, None, found, f"a folder with the tables of the {what}", f"the {what} cannot be read")
        )
        return []
    prefix = "overlay/" if overlay else ""
    known = [f"{model.table}.csv" for model in TABLES]
    for name in present:
        if name.lower().endswith(".csv") and not name.startswith(".") and name not in known:
            problems.append(
                Problem(prefix + name, None, None, quoted(name), ", ".join(known) + closest(name, known), "unknown table")
            )
    if overlay and not set(present) & set(known):
        problems.append(Problem(str(folder), None, None, "none of the tables", ", ".join(known), "the overlay is empty"))
    parts = []
    for model in TABLES:
        name = f"{model.table}.csv"
        if overlay and name not in present:
            continue
        cells = read_cells(folder / name, prefix + name, tuple(c.name for c in columns(model)))
        problems.extend(cells.problems)
        parts.append(_Part(model, prefix + name, overlay, cells))
    return parts


def _check_rows(part: _Part, problems: list[Problem]) -> None:
    if not part.cells.columns:
        return
    absent = frozenset(c.name for c in columns(part.model)) - set(part.cells.columns)
    bad_cells = {(p.row, p.column) for p in part.cells.problems}
    for number, cells in part.cells.rows:
        outcome = check_row(part.model, part.label, number, cells, absent)
        if isinstance(outcome, Record):
            part.records[number] = outcome
        else:
            problems.extend(p for p in outcome if (p.row, p.column) not in bad_cells)


def _check_periods(part: _Part, problems: list[Problem]) -> None:
    for first, last in _PERIODS:
        if first not in part.model.model_fields or last not in part.model.model_fields:
            continue
        for number, record in part.records.items():
            start, end = getattr(record, first), getattr(record, last)
            if start and end and end[: len(start)] < start[: len(end)]:
                message = f"{last} is before {first}"
                problems.append(
                    Problem(part.label, number, last, f"{first} {start}, {last} {end}", f"{first} <= {last}", message)
                )


def _check_keys(parts: Iterable[_Part], problems: list[Problem]) -> set[tuple[str, int]]:
    """Report keys that stand twice in one file. Give (table, row) of the register's rows that an overlay row replaces."""
    replaced: set[tuple[str, int]] = set()
    base: dict[str, dict[tuple[str, ...], int]] = {}
    for part in parts:
        key = part.model.key
        if not set(key) <= set(part.cells.columns):
            continue
        seen: dict[tuple[str, ...], int] = {}
        for number, cells in part.cells.rows:
            value = tuple(cells[c] for c in key)
            if not any(value):
                continue
            first = seen.setdefault(value, number)
            if first != number:
                found = ", ".join(f"{c} {quoted(v)}" for c, v in zip(key, value, strict=True) if v)
                allowed = f"one row for each {' + '.join(key)}"
                problems.append(
                    Problem(part.label, number, ", ".join(key), found, allowed, f"duplicate key: the same as row {first}")
                )
        if part.overlay:
            table = part.model.table
            replaced |= {(table, base[table][value]) for value in seen if value in base.get(table, {})}
        else:
            base[part.model.table] = seen
    return replaced


def _check_references(parts: list[_Part], problems: list[Problem]) -> None:
    names: dict[str, dict[str, str]] = {}
    """table -> key -> name, of every table that could be read whole."""
    unreadable: set[str] = set()
    for part in parts:
        key = part.model.key[0]
        table = names.setdefault(part.model.table, {})
        if not part.cells.complete or key not in part.cells.columns:
            unreadable.add(part.model.table)
            continue
        position = part.cells.columns.index(key)
        table.update((cells[key], cells.get("name", "")) for _, cells in part.cells.rows)
        table.update((cells[position], "") for cells in part.cells.ragged if len(cells) > position)
    suggestions: dict[tuple[str, str], str] = {}
    for part in parts:
        for reference in part.model.references:
            known = names.get(reference.table, {})
            if reference.column not in part.cells.columns or reference.table in unreadable:
                continue
            bad = {p.row for p in part.cells.problems if p.column == reference.column}
            for number, cells in part.cells.rows:
                if number in bad:
                    continue
                targets = _targets(cells[reference.column], reference)
                if reference.many and cells[reference.column] and (not targets or len(set(targets)) < len(targets)):
                    message = "an id stands twice in the list" if targets else "a list without an id"
                    allowed = f"ids of {reference.table}.csv, separated by semicolons, each once"
                    found = quoted(cells[reference.column])
                    problems.append(Problem(part.label, number, reference.column, found, allowed, message))
                for one in dict.fromkeys(targets):
                    if one not in known:
                        problems.append(_orphan(part, number, reference, one, known, suggestions))


def _check_adoptions(parts: Iterable[_Part], replaced: set[tuple[str, int]], problems: list[Problem]) -> None:
    """What does not exist yet may be declared, and no more. Partial dates compare as far as both are given."""
    began: dict[str, str] = {}
    for part in parts:
        if part.model is Item:
            # An overlay comes after the register and stands in its place.
            began.update((r.item_id, r.since or "") for r in part.records.values() if isinstance(r, Item))
    for part in parts:
        for number, record in part.records.items():
            if not isinstance(record, Adoption) or (not part.overlay and ("adoptions", number) in replaced):
                continue
            since, item = record.since or "", began.get(record.item_id, "")
            if record.maturity in _EXISTS and since[: len(item)] < item[: len(since)]:
                message = f"{record.maturity} before the item existed"
                found = f"since {since}, while {record.item_id} is since {item}"
                allowed = f"a date from {item} on, or an earlier since of the item in items.csv"
                problems.append(Problem(part.label, number, "since", found, allowed, message))


def _targets(cell: str, reference: Reference) -> list[str]:
    if not reference.many:
        return [cell] if cell else []
    return [one.strip() for one in cell.split(";") if one.strip()]


def _orphan(
    part: _Part, row: int, reference: Reference, one: str, known: Mapping[str, str], suggestions: dict[tuple[str, str], str]
) -> Problem:
    noun = _NOUN.get(reference.table, reference.table)
    message = f"unknown {noun}"
    if reference.table == "items":
        message = "orphan item: no such row in items.csv"
    elif reference.table == "sources":
        message = "missing source: no such row in sources.csv"
    asked = (reference.table, one)
    if asked not in suggestions and len(suggestions) < _MAX_SUGGESTIONS:
        by_name = {name.lower(): key for key, name in known.items() if name}
        named = by_name.get(one.lower())
        suggestions[asked] = f"; closest: {named}" if named else closest(one, known)
    allowed = f"{'ids' if reference.many else 'an id'} of {reference.table}.csv" + suggestions.get(asked, "")
    return Problem(part.label, row, reference.column, quoted(one), allowed, message)


def _check_addresses(parts: Iterable[_Part], replaced: set[tuple[str, int]], problems: list[Problem]) -> None:
    """One address under two source ids would count one source twice."""
    seen: dict[str, tuple[str, int, str]] = {}
    for part in parts:
        if part.model.table != "sources" or not {"url", "source_id"} <= set(part.cells.columns):
            continue
        for number, cells in part.cells.rows:
            address = _normal(cells["url"])
            if cells["url"].startswith("http") and address is None:
                allowed = "an address with a host, as a browser takes it"
                problems.append(Problem(part.label, number, "url", quoted(cells["url"]), allowed, "not an address"))
                continue
            if address is None or not cells["url"].startswith("http") or (not part.overlay and ("sources", number) in replaced):
                continue
            label, row, source = seen.setdefault(address, (part.label, number, cells["source_id"]))
            if source != cells["source_id"]:
                message = f"the same address as source {quoted(source)} in {label}, row {row}"
                problems.append(
                    Problem(part.label, number, "url", quoted(cells["url"]), "each address under one source_id", message)
                )


def _normal(url: str) -> str | None:
    """The address in the form in which two spellings of one are equal; None where it is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if not parts.netloc:
        return None
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{parts.path.rstrip('/')}" + (f"?{parts.query}" if parts.query else "")
