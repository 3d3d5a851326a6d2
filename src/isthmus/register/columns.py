"""What a column of a register table may hold, read off the schemas and said in plain English."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Le
from pydantic import StringConstraints
from pydantic.fields import FieldInfo

from isthmus.register.records import Evidence, PartialDate, Quantity, Record, Reference

DATE_PATTERN = r"^(1[89][0-9]{2}|20[0-9]{2})(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$"
_DATE_MARK = get_args(PartialDate)[1]

ColumnKind = Literal["enum", "number", "integer", "date", "id", "address", "text"]


@dataclass(frozen=True)
class Column:
    """One column of a table. `allowed` says in words what a cell may hold."""

    name: str
    kind: ColumnKind
    required: bool
    description: str | None
    values: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    max_length: int | None = None
    reference: Reference | None = None

    @property
    def allowed(self) -> str:
        if self.kind == "enum":
            return ", ".join(self.values)
        if self.kind in ("number", "integer"):
            noun = "a number" if self.kind == "number" else "a whole number"
            if self.minimum is not None and self.maximum is not None:
                return f"{noun} from {self.minimum:g} to {self.maximum:g}"
            return noun if self.minimum is None else f"{noun} >= {self.minimum:g}"
        if self.kind == "date":
            return "a date as YYYY, YYYY-MM or YYYY-MM-DD"
        if self.kind == "address":
            return "an address that starts with http:// or https://, without spaces"
        if self.reference is not None:
            return ("ids, separated by semicolons, of " if self.reference.many else "an id of ") + f"{self.reference.table}.csv"
        if self.kind == "id":
            return "an id: letters, digits, '_', '.' and '-', first a letter or digit, at most 80 characters"
        return f"text of at most {self.max_length} characters" if self.max_length else "text"


@cache
def columns(model: type[Record]) -> tuple[Column, ...]:
    """The columns of a table, in the order in which its file should have them."""
    hints = get_type_hints(model, include_extras=True)
    references = {r.column: r for r in model.references}
    bases = (Quantity, Evidence)
    rank = {name: 1 + i for i, base in enumerate(bases) if issubclass(model, base) for name in base.__annotations__}
    names = sorted(model.model_fields, key=lambda name: rank.get(name, 0))
    return tuple(_column(name, hints[name], model.model_fields[name], references.get(name)) for name in names)


def _column(name: str, hint: Any, field: FieldInfo, reference: Reference | None) -> Column:
    base, marks = _unwrap(hint)
    marks = [*marks, *field.metadata]
    text = next((m for m in marks if isinstance(m, StringConstraints)), None)
    pattern = str(text.pattern) if text is not None and text.pattern is not None else None
    kind: ColumnKind = "text"
    if get_origin(base) is Literal:
        kind = "enum"
    elif base is float:
        kind = "number"
    elif base is int:
        kind = "integer"
    elif any(m is _DATE_MARK for m in marks):
        kind, pattern = "date", DATE_PATTERN
    elif pattern is not None:
        kind = "address" if pattern.startswith("^http") else "id"
    bounds = list(_flat(marks))
    return Column(
        name=name,
        kind=kind,
        required=field.is_required(),
        description=field.description,
        values=tuple(str(v) for v in get_args(base)) if kind == "enum" else (),
        minimum=next((float(str(m.ge)) for m in bounds if isinstance(m, Ge)), None),
        maximum=next((float(str(m.le)) for m in bounds if isinstance(m, Le)), None),
        pattern=pattern,
        max_length=text.max_length if text is not None else None,
        reference=reference,
    )


def _unwrap(hint: Any) -> tuple[Any, list[Any]]:
    """Strip `| None` and `Annotated[...]` from a type; return the bare type and the annotations."""
    if get_origin(hint) in (Union, types.UnionType):
        return _unwrap(next(a for a in get_args(hint) if a is not type(None)))
    if get_origin(hint) is Annotated:
        inner, *marks = get_args(hint)
        base, more = _unwrap(inner)
        return base, [*more, *marks]
    return hint, []


def _flat(marks: list[Any]) -> Iterator[Any]:
    for mark in marks:
        if isinstance(mark, FieldInfo):
            yield from mark.metadata
        else:
            yield mark
