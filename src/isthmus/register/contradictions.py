"""Quantities on which the sources of the register contradict each other.

Two observations of one quantity contradict each other where their ranges, each widened by its own grade as the register uses
them, do not overlap, or where their modes differ by more than `FACTOR`. Only rows that the rule of `resolve` uses are compared: a row
that it discards (too old, an estimate beside a fact) is shown, and contradicts nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Final

from isthmus.axes import GRADE_WIDENING
from isthmus.register.register import Register
from isthmus.register.resolve import QUANTITIES, WINDOW_MONTHS, Resolved, resolve_by
from isthmus.register.show import clean

FACTOR: Final = 1.5
"""Modes further apart than this contradict each other."""

NOTED: Final = 3.0
"""From this ratio on the page shows what each row counts, as its note says it: the reader shall see why they differ."""

PAGE: Final = "docs/reference/contradictions.md"

_Key = tuple[Hashable, ...]


@dataclass(frozen=True)
class Observation:
    """One row of a quantity, as it stands in the register, with its source. `reason` says why it was discarded, if it was."""

    fact_id: str
    low: float
    mode: float
    high: float
    kind: str
    date: str | None
    grade: str | None
    source_id: str | None
    publisher: str | None
    url: str | None
    reason: str | None = None
    note: str | None = None
    overlay: bool = False

    @property
    def widened(self) -> tuple[float, float]:
        """low and high widened by the row's own grade; an assumption is not widened."""
        width = 0.0 if self.kind == "assumption" else GRADE_WIDENING[self.grade or "C"]
        return self.low / (1 + width), self.high * (1 + width)


@dataclass(frozen=True)
class Contradiction:
    """One quantity whose observations contradict each other, and what they resolve to."""

    table: str
    quantity: Mapping[str, Any]
    """The columns of `QUANTITIES` that name it, with their values."""
    unit: str
    resolved: Resolved
    ratio: float | None
    """Greatest mode over least; None where the least is 0."""
    apart: bool
    """Two ranges do not overlap, even widened."""
    same_year: bool
    """Two rows that contradict each other are of one year or undated; otherwise the difference may be a change in time."""
    used: tuple[Observation, ...]
    discarded: tuple[Observation, ...]

    @property
    def sources(self) -> int:
        return len({o.source_id for o in self.used})


def contradictions(register: Register, window_months: int = WINDOW_MONTHS) -> list[Contradiction]:
    """Every contradicted quantity at the register's date: by table, the greatest ratio first, then by name."""
    by_source = register.table("sources").set_index("source_id")[["publisher", "url"]].to_dict("index")
    out: list[Contradiction] = []
    for table, names in QUANTITIES.items():
        frame = register.table(table)
        rows = {str(row["fact_id"]): row for row in frame.to_dict("records")}
        found = [
            _contradiction(table, names, key, one, rows, by_source)
            for key, one in resolve_by(frame, names, at=register.date, window_months=window_months).items()
            if len(one.used) > 1
        ]
        out += sorted((c for c in found if c is not None), key=_order)
    return out


def contradiction_rows(register: Register) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows and columns for printing: one row per contradicted quantity, observations as text."""
    rows = [
        {
            "table": c.table,
            "quantity": quantity_name(c),
            "unit": c.unit,
            "low": c.resolved.low,
            "mode": c.resolved.mode,
            "high": c.resolved.high,
            "kind": c.resolved.kind,
            "ratio": c.ratio,
            "apart": c.apart,
            "same_year": c.same_year,
            "sources": c.sources,
            "used": "; ".join(f"{_range(o)} ({_when(o)}, {_from(o)})" for o in c.used),
            "discarded": "; ".join(f"{_range(o)} ({_when(o)}, {_from(o)}: {o.reason})" for o in c.discarded),
        }
        for c in contradictions(register)
    ]
    names = "table quantity unit low mode high kind ratio apart same_year sources used discarded"
    return rows, names.split()


def quantity_name(one: Contradiction) -> str:
    """The stated values of the columns that name it: 'RUS, iskander_m, complete'."""
    return ", ".join(str(value) for value in one.quantity.values() if value is not None)


def text(register: Register) -> str:
    """The page as the file holds it. It names no date and no hash, so that it changes only where a contradiction does."""
    found = contradictions(register)
    lines = [*_INTRODUCTION, "| table | quantities | with two or more rows in the window | contradicted | of one year |"]
    lines.append("|---|---|---|---|---|")
    for table, names in QUANTITIES.items():
        resolved = resolve_by(register.table(table), names, at=register.date).values()
        several = sum(len(one.used) > 1 for one in resolved)
        of_table = [c for c in found if c.table == table]
        of_year = sum(c.same_year for c in of_table)
        lines.append(f"| [{table}](#{table}) | {len(resolved)} | {several} | {len(of_table)} | {of_year} |")
    for table in QUANTITIES:
        lines += ["", f"## {table}", ""]
        of_table = [c for c in found if c.table == table]
        if not of_table:
            lines.append("None.")
            continue
        lines += ["| quantity | ratio | years | used as | rows used | rows discarded |", "|---|---|---|---|---|---|"]
        lines += [_line(c) for c in of_table]
    return "\n".join(lines) + "\n"


def write(register: Register, path: Path) -> Path:
    """Write the page and return its path. Raises `OSError` where it cannot be written."""
    path.write_text(text(register), encoding="utf-8")
    return path


_INTRODUCTION: Final = (
    "# Contradictions",
    "",
    "Quantities of the reference register on which its sources contradict each other. This page is generated from the register, and a test",
    "compares the two. All rows are kept; how one range is made of them is said in",
    "[The register](register.md#how-several-observations-become-one-range).",
    "",
    "Two rows of one quantity contradict each other where their ranges do not overlap, each widened by its own grade, or where their modes",
    f"differ by more than a factor of {FACTOR:g}. Only rows that the rule uses are compared. **ratio** is the greatest mode over the least.",
    "**years** is *same* where two rows that contradict each other are of one year, or undated; *different* where none are: then",
    "the quantity itself may have changed. **used as** is low / mode / high after the rule. A row reads: figure or range (date, grade, source).",
    f"Where the ratio is {NOTED:g} or more, the row's note follows: it says what was counted.",
    "",
)


def _contradiction(
    table: str,
    names: Sequence[str],
    key: _Key,
    one: Resolved,
    rows: Mapping[str, Mapping[Any, Any]],
    by_source: Mapping[Any, Mapping[Any, Any]],
) -> Contradiction | None:
    used = _observations(((fact_id, None) for fact_id in one.used), rows, by_source)
    against = [pair for pair in combinations(used, 2) if _apart(*pair) or _far(*pair)]
    if not against:
        return None
    least, greatest = min(o.mode for o in used), max(o.mode for o in used)
    return Contradiction(
        table=table,
        quantity={name: clean(value) for name, value in zip(names, key, strict=True)},
        unit=str(rows[one.used[0]]["unit"]),
        resolved=one,
        ratio=greatest / least if least else None,
        apart=any(_apart(*pair) for pair in against),
        same_year=any(a.date is None or b.date is None or a.date[:4] == b.date[:4] for a, b in against),
        used=used,
        discarded=_observations(one.discarded, rows, by_source),
    )


def _observations(
    wanted: Iterable[tuple[str, str | None]], rows: Mapping[str, Mapping[Any, Any]], by_source: Mapping[Any, Mapping[Any, Any]]
) -> tuple[Observation, ...]:
    """The newest first; of one date, by fact_id."""
    out = []
    for fact_id, reason in wanted:
        row = rows[fact_id]
        source = by_source.get(row["source_id"], {"publisher": None, "url": None})
        figures = (row["low"], row["mode"], row["high"], row["kind"], row["as_of"], row["confidence"], row["source_id"])
        out.append(
            Observation(fact_id, *figures, source["publisher"], source["url"], reason, clean(row["note"]), bool(row["overlay"]))
        )
    return tuple(sorted(sorted(out, key=lambda o: o.fact_id), key=lambda o: o.date or "", reverse=True))


def _apart(a: Observation, b: Observation) -> bool:
    return max(a.widened[0], b.widened[0]) > min(a.widened[1], b.widened[1])


def _far(a: Observation, b: Observation) -> bool:
    return max(a.mode, b.mode) > FACTOR * min(a.mode, b.mode)


def _order(one: Contradiction) -> tuple[float, str]:
    return (float("-inf") if one.ratio is None else -one.ratio, quantity_name(one))


def _line(one: Contradiction) -> str:
    used_as = " / ".join(_number(v, digits=3) for v in (one.resolved.low, one.resolved.mode, one.resolved.high))
    cells = (
        _cell(quantity_name(one)),
        "from 0" if one.ratio is None else _number(one.ratio, digits=3),
        "same" if one.same_year else "different",
        f"{used_as} {one.unit}",
        "<br>".join(_cited(o, noted=one.ratio is None or one.ratio >= NOTED) for o in one.used),
        "<br>".join(_cited(o) for o in one.discarded),
    )
    return "| " + " | ".join(cells) + " |"


def _cited(one: Observation, *, noted: bool = False) -> str:
    source = "no source" if one.publisher is None else f"[{_cell(one.publisher)}]({_address(one.url or '')})"
    note = f": {_cell(one.note)}" if noted and one.note else ""
    return f"{_range(one)} ({_when(one)}, {source}{': ' + _cell(one.reason) if one.reason else ''}){note}"


def _range(one: Observation) -> str:
    return _number(one.mode) if one.low == one.high else f"{_number(one.low)}–{_number(one.mode)}–{_number(one.high)}"


def _when(one: Observation) -> str:
    return f"{one.date or 'undated'}, {one.grade or one.kind}"


def _from(one: Observation) -> str:
    return (one.source_id or "no source") + (", overlay" if one.overlay else "")


def _number(value: float, digits: int = 10) -> str:
    return f"{float(f'{value:.{digits}g}'):,.10g}"


def _cell(words: str) -> str:
    """Words inside a cell of a Markdown table, or inside the brackets of a link."""
    return "".join(f"\\{c}" if c in "\\|[]*`<" else c for c in words)


def _address(url: str) -> str:
    return url.replace("(", "%28").replace(")", "%29").replace("|", "%7C").replace("<", "%3C").replace(">", "%3E")
