"""The register leaves Isthmus and comes back unchanged, and its descriptor is right: another program reads it by that alone."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from isthmus import Register
from isthmus.register import package
from isthmus.register.columns import columns
from isthmus.register.records import TABLES
from isthmus.register.register import reference_root
from tests.conftest import write_tiny

Descriptor = dict[str, Any]
Table = list[dict[str, Any]]


def export(register: Register, folder: Path) -> Path:
    """Write the frames of a register as a data package, by the standard library alone."""
    folder.mkdir(parents=True)
    for model in TABLES:
        names = [c.name for c in columns(model)]
        with (folder / f"{model.table}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            frame = register.table(model.table)
            for row in zip(*(frame[name].tolist() for name in names), strict=True):
                writer.writerow("" if cell is None or (isinstance(cell, float) and math.isnan(cell)) else cell for cell in row)
    package.write(folder)
    return folder


@pytest.fixture(scope="module")
def reference() -> Register:
    return Register.reference()


@pytest.fixture(scope="module")
def exported(reference: Register, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(reference, tmp_path_factory.mktemp("package") / "register")


def test_a_register_comes_back_with_its_hash(reference: Register, exported: Path) -> None:
    again = Register.load(exported)
    assert again.hash == reference.hash
    for name, frame in reference.tables.items():
        assert again.table(name).equals(frame), name


def test_frictionless_finds_nothing_to_mend(exported: Path) -> None:
    import frictionless

    report = frictionless.validate(str(exported / package.FILE))
    assert report.valid, report.flatten(["title", "rowNumber", "fieldName", "message"])[:20]
    assert report.stats["tasks"] == len(TABLES)


# An independent reader: Table Schema (https://specs.frictionlessdata.io/table-schema/) by csv, json and re. It knows nothing of Isthmus.


def read_package(path: Path) -> tuple[dict[str, Table], list[str]]:
    """Every resource of a data package as typed rows, and every breach of its Table Schemas."""
    descriptor = json.loads(path.read_text(encoding="utf-8"))
    tables: dict[str, Table] = {}
    faults: list[str] = []
    for resource in descriptor["resources"]:
        tables[resource["name"]] = read_resource(path.parent, resource, faults)
    for resource in descriptor["resources"]:
        check_keys(resource["name"], resource["schema"], tables, faults)
    return tables, faults


def read_resource(folder: Path, resource: Descriptor, faults: list[str]) -> Table:
    fields, missing = resource["schema"]["fields"], set(resource["schema"].get("missingValues", [""]))
    dialect = resource["dialect"]
    with (folder / resource["path"]).open(encoding=resource["encoding"], newline="") as file:
        reader = csv.reader(file, delimiter=dialect["delimiter"], doublequote=dialect["doubleQuote"], strict=True)
        header = next(reader)
        if header != [field["name"] for field in fields]:
            faults.append(f"{resource['name']}: header {header}")
            return []
        rows: Table = []
        for number, cells in enumerate(reader, 2):
            if len(cells) != len(fields):
                faults.append(f"{resource['name']} {number}: {len(cells)} cells")
                continue
            row = {}
            for field, cell in zip(fields, cells, strict=True):
                value, fault = read_cell(field, None if cell in missing else cell)
                row[field["name"]] = value
                if fault:
                    faults.append(f"{resource['name']} {number} {field['name']}: {fault}")
            rows.append(row)
        return rows


def read_cell(field: Descriptor, cell: str | None) -> tuple[Any, str | None]:
    """The typed value, and what is wrong with it."""
    rules = field.get("constraints", {})
    if cell is None:
        return None, "required" if rules.get("required") else None
    value: Any = cell
    if field["type"] == "integer":
        if not re.fullmatch(r"[+-]?\d+", cell):
            return None, "type"
        value = int(cell)
    elif field["type"] == "number":
        if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", cell):
            return None, "type"
        value = float(cell)
    elif field["type"] != "string":
        return None, f"type {field['type']} that this reader does not know"
    broken = {
        "enum": "enum" in rules and value not in rules["enum"],
        "pattern": "pattern" in rules and not re.fullmatch(rules["pattern"], cell),
        "maxLength": "maxLength" in rules and len(cell) > rules["maxLength"],
        "minimum": "minimum" in rules and value < rules["minimum"],
        "maximum": "maximum" in rules and value > rules["maximum"],
    }
    unknown = set(rules) - set(broken) - {"required"}
    return value, next((name for name, is_broken in broken.items() if is_broken), None) or (f"{unknown}" if unknown else None)


def check_keys(name: str, schema: Descriptor, tables: dict[str, Table], faults: list[str]) -> None:
    rows = tables[name]
    primary = schema.get("primaryKey", [])
    faults += [f"{name}: blank primaryKey" for row in rows if any(row[k] is None for k in primary)]
    for keys in [primary, *schema.get("uniqueKeys", [])]:
        values = [tuple(row[k] for k in keys) for row in rows] if keys else []
        if len(set(values)) != len(values):
            faults.append(f"{name}: {keys} not unique")
    for foreign in schema.get("foreignKeys", []):
        target = foreign["reference"]
        known = {tuple(row[k] for k in target["fields"]) for row in tables[target["resource"]]}
        for row in rows:
            value = tuple(row[k] for k in foreign["fields"])
            if None not in value and value not in known:
                faults.append(f"{name}: foreignKeys {value}")


@pytest.mark.parametrize("where", ["committed", "exported"])
def test_an_independent_reader_finds_nothing_to_mend(where: str, reference: Register, exported: Path) -> None:
    root = reference_root() if where == "committed" else exported
    tables, faults = read_package(root / package.FILE)
    assert faults == []
    assert {name: len(rows) for name, rows in tables.items()} == {n: len(frame) for n, frame in reference.tables.items()}


def test_an_independent_reader_sees_the_same_cells(reference: Register) -> None:
    tables, _ = read_package(reference_root() / package.FILE)
    for name, rows in tables.items():
        frame = reference.table(name)
        for column in rows[0] if rows else ():
            seen = [row[column] for row in rows]
            held = [None if isinstance(v, float) and math.isnan(v) else v for v in frame[column].tolist()]
            assert [s.strip() if isinstance(s, str) else s for s in seen] == held, f"{name}.{column}"


def test_every_table_is_described_with_a_key() -> None:
    for resource in package.datapackage()["resources"]:
        schema = resource["schema"]
        names = {field["name"] for field in schema["fields"]}
        keys = [schema["primaryKey"]] if "primaryKey" in schema else schema["uniqueKeys"]
        assert all(set(key) <= names for key in keys)
        required = {f["name"] for f in schema["fields"] if f.get("constraints", {}).get("required")}
        assert set(schema.get("primaryKey", [])) <= required


@pytest.mark.parametrize(
    ("table", "edit", "fault"),
    [
        ("actors", lambda t: t.replace("allied", "ours", 1), "actors 2 side: enum"),
        ("actors", lambda t: t.replace("Japan", ""), "actors 3 name: required"),
        ("actors", lambda t: t.replace("JPN", "J PN"), "actors 3 actor_id: pattern"),
        ("actors", lambda t: t + "USA,Again,state,allied,,no\n", "actors: ['actor_id'] not unique"),
        ("actors", lambda t: t.replace("home_theater", "home"), "actors: header"),
        ("actors", lambda t: t.replace("Japan", "J" * 601), "actors 3 name: maxLength"),
        ("stocks", lambda t: t.replace("100", "1 00", 1), "stocks 2 mode: type"),
        ("stocks", lambda t: t.replace("90", "-90", 1), "stocks 2 low: minimum"),
        ("stocks", lambda t: t.replace("POL", "POX", 1), "stocks: foreignKeys ('POX',)"),
        ("stocks", lambda t: t + t.splitlines()[-1] + "\n", "not unique"),
        ("exercises", lambda t: t.replace("2024,", "2031,"), "exercises 2 year: maximum"),
        ("exercises", lambda t: t.replace("2024,", "2024.5,"), "exercises 2 year: type"),
        ("memberships", lambda t: t.replace("1999-03-12", "1999-13-12"), "memberships 3 since: pattern"),
    ],
)
def test_the_independent_reader_sees_each_breach(table: str, edit: Callable[[str], str], fault: str, tmp_path: Path) -> None:
    """Otherwise it would prove nothing that it finds none in the register."""
    folder = write_tiny(tmp_path / "register")
    package.write(folder)
    assert read_package(folder / package.FILE)[1] == []
    path = folder / f"{table}.csv"
    text = path.read_text(encoding="utf-8")
    assert edit(text) != text
    path.write_text(edit(text), encoding="utf-8")
    assert any(fault in found for found in read_package(folder / package.FILE)[1])
