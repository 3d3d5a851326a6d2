"""`datapackage.json`: the register described as a Frictionless tabular data package, generated from the schemas.

R, Python and spreadsheet tools can read the tables from it without Isthmus. Columns that hold several ids separated by semicolons
cannot be foreign keys in this format; their description says where the ids point. A key with optional columns is given as
`uniqueKeys`, since a primary key may not be blank.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from isthmus.register.columns import Column, columns
from isthmus.register.records import TABLES, Record

FILE = "datapackage.json"

RELEASE = "1.0.0"
"""Release of the reference register. CHANGELOG.md flags every release that changes results."""


def datapackage() -> dict[str, Any]:
    """The descriptor of every table, in the order of `records.TABLES`."""
    return {
        "profile": "tabular-data-package",
        "name": "isthmus-register",
        "title": "Isthmus reference register",
        "description": "Sourced, graded figures on an alliance system of two theaters. A blank cell is 'not stated', never zero.",
        "version": RELEASE,
        "licenses": [{"name": "Apache-2.0", "path": "https://www.apache.org/licenses/LICENSE-2.0"}],
        "resources": [_resource(model) for model in TABLES],
    }


def text() -> str:
    """The descriptor as the file holds it."""
    return json.dumps(datapackage(), indent=1, ensure_ascii=False) + "\n"


def write(root: Path) -> Path:
    """Write the descriptor beside the tables and return its path. Raises `OSError` where the folder cannot be written."""
    path = root / FILE
    path.write_text(text(), encoding="utf-8")
    return path


def _resource(model: type[Record]) -> dict[str, Any]:
    specs = columns(model)
    required = {c.name for c in specs if c.required}
    schema: dict[str, Any] = {"fields": [_field(c) for c in specs], "missingValues": [""]}
    if set(model.key) <= required:
        schema["primaryKey"] = list(model.key)
    else:
        schema["uniqueKeys"] = [list(model.key)]
    keys = {m.table: m.key[0] for m in TABLES}
    foreign = [
        {"fields": [r.column], "reference": {"resource": r.table, "fields": [keys[r.table]]}}
        for r in model.references
        if not r.many
    ]
    if foreign:
        schema["foreignKeys"] = foreign
    return {
        "profile": "tabular-data-resource",
        "name": model.table,
        "path": f"{model.table}.csv",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "dialect": {"delimiter": ",", "doubleQuote": True, "header": True},
        "schema": schema,
    }


def _field(column: Column) -> dict[str, Any]:
    field: dict[str, Any] = {"name": column.name, "type": {"number": "number", "integer": "integer"}.get(column.kind, "string")}
    if column.description:
        field["description"] = column.description
    constraints: dict[str, Any] = {"required": True} if column.required else {}
    if column.values:
        constraints["enum"] = list(column.values)
    if column.pattern and not (column.reference and column.reference.many):
        constraints["pattern"] = column.pattern
    if column.max_length:
        constraints["maxLength"] = column.max_length
    for name, bound in (("minimum", column.minimum), ("maximum", column.maximum)):
        if bound is not None:
            constraints[name] = int(bound) if float(bound).is_integer() else bound
    if constraints:
        field["constraints"] = constraints
    return field
