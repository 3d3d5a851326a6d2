"""What every benchmark hands back: rows of name, value, unit and what the value stands against."""

from __future__ import annotations

import contextlib
import json
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.peak import cores
from isthmus.sustainment.kernel import KERNEL_TARGET

ROOT: Final = Path(__file__).resolve().parent.parent
WIDTH: Final = 140
"""Characters of a table."""


class Row(NamedTuple):
    """One measurement, as it stands in ``bench.json``."""

    name: str
    value: float
    unit: str
    against: str


def wide_console() -> Console:
    """A console on which tables keep their columns, also where the output goes into a file."""
    console = Console()
    return console if console.width >= WIDTH else Console(width=WIDTH)


def machine() -> str:
    """Processor, cores that this process may use, Python and the libraries that decide the speed."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    libraries = ", ".join(f"{name} {version(name)}" for name in ("numpy", "numba", "ema-workbench"))
    return f"{model}, {cores()} cores, {platform.system()}, Python {platform.python_version()}, {libraries}, {KERNEL_TARGET}"


def write(path: Path, part: str, rows: Iterable[Row]) -> None:
    """Put the rows of one part into the file; those of other parts stay, each with the machine and the time it was measured."""
    kept: list[dict[str, Any]] = []
    with contextlib.suppress(OSError, ValueError):
        kept = [row for row in json.loads(path.read_text(encoding="utf-8")) if row.get("part", part) != part]
    same = {"machine": machine(), "part": part, "measured": datetime.now(UTC).isoformat(timespec="seconds")}
    path.parent.mkdir(parents=True, exist_ok=True)
    document = [*kept, *({**row._asdict(), **same} for row in rows)]
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def show(rows: Iterable[Row], console: Console, title: str) -> None:
    table = Table(title=title, title_justify="left")
    for name in ("measure", "value", "unit", "against"):
        table.add_column(name, justify="right" if name == "value" else "left", overflow="fold", no_wrap=name == "measure")
    for row in rows:
        table.add_row(row.name, digits(row.value), row.unit, row.against)
    console.print(table)


def digits(value: float) -> str:
    """A value with as many digits as say something."""
    return f"{value:.1e}" if 0 < abs(value) < 0.001 else f"{value:,.{0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 3}f}"
