"""A validation in a terminal: every case with its verdict, then what was fitted, what was held back, and what nothing tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

WIDTH = 150

KINDS: Mapping[str, str] = {
    "closed_form": "Closed forms: the program computes what the equations say",
    "published": "Published cases: figures that others computed or reported",
    "mass_balance": "Mass balance: what was fired against what there was, by counting basis",
    "hindcast": "Hindcasts: the war in Ukraine, plans and what came of them",
    "sign": "Signs that the literature states about deterrence, by construction or as a result",
    "natural_experiment": "Natural experiments of compatibility, against 'every shell serves every gun'",
}


def print_validation(document: Mapping[str, Any], console: Console | None = None) -> None:
    """Print every case; lines of a failed case say what failed."""
    console = console or Console(width=max(WIDTH, Console().width), highlight=False)
    cases = document["cases"]
    failed = [c for c in cases if not c["passed"]]
    console.print(f"Validation · {len(cases)} cases: {len(cases) - len(failed)} passed, {len(failed)} failed", style="bold")
    for kind, title in KINDS.items():
        rows = [c for c in cases if c["kind"] == kind]
        if rows:
            console.print()
            console.print(_table(title, rows))
    console.print()
    _lists(document, console)


def _table(title: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    for name, justify in (
        ("", "left"),
        ("case", "left"),
        ("observed", "right"),
        ("model", "right"),
        ("score", "right"),
        ("why", "left"),
    ):
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for case in rows:
        verdict = "[green]pass[/green]" if case["passed"] else "[red]FAIL[/red]"
        table.add_row(verdict, case["case"], _number(case["observed"]), _range(case), _score(case), case["why"])
    return table


def _lists(document: Mapping[str, Any], console: Console) -> None:
    unknown = [row for row in document["artillery"]["identifiability"] if not row.get("identified", True)]
    if unknown:
        names = ", ".join(str(row["parameter"]) for row in unknown)
        console.print("[bold]Not identified[/bold] (posterior as wide as the prior; the prior goes into every result): " + names)
    console.print("[bold]What no data here test[/bold]")
    for line in document["untested"]:
        console.print(f"  - {line}")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def _range(case: Mapping[str, Any]) -> str:
    if case["median"] is None:
        return ""
    if case["low"] is None or case["low"] == case["high"]:
        return _number(case["median"])
    return f"{_number(case['median'])} ({_number(case['low'])} to {_number(case['high'])})"


def _score(case: Mapping[str, Any]) -> str:
    if case["score"] is None:
        return ""
    best = min(case["rivals"].values(), default=None)
    return _number(case["score"]) + (f" against {_number(best)}" if best is not None else "")
