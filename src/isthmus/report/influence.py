"""Drivers, boxes and audits in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.table import Table

from isthmus.study.drivers import Analysis, Driver, Flip, Judged
from isthmus.study.sensitivity import CHANCE
from isthmus.study.targets import Target

WIDTH = 180

WORTH_SHOWN = 12


def console() -> Console:
    """Wide enough for a driver on one line."""
    return Console(width=max(WIDTH, Console().width), highlight=False, markup=False)


def print_drivers(analysis: Analysis, judged: Sequence[Judged], top: int) -> None:
    """Outcomes one after the other, with their drivers; what is worth finding at the end."""
    out = console()
    inputs = len(analysis.sample.names)
    out.print(
        f"{inputs:,} inputs share {analysis.futures:,} futures, so only strong effects can be told from chance: an input is listed where"
        f" inputs without effect would be listed once in {1 / CHANCE:.0f} outcomes. Not listed does not mean without effect.",
        style="dim",
    )
    if analysis.plan is None:
        out.print(
            "The register of this run is not at hand or has changed since: kinds and sources are left out, and weak inputs"
            " were not looked at a second time.",
            style="dim",
        )
    for one in judged:
        out.print()
        _heading(out, one)
        if one.drivers:
            out.print(_table(one.drivers[:top]))
            rest = len(one.drivers) - top
            if rest > 0:
                out.print(f"and {rest} more: --top {len(one.drivers)}", style="dim")
        else:
            out.print("No input stands out of chance: see --groups, or run more futures.")
    print_worth_finding(out, judged)


def _heading(out: Console, judged: Judged) -> None:
    out.print(judged.target.label.replace("_", " "), style="bold")
    if judged.holds is None and judged.statement is not None:
        out.print("Too few worlds in which this is defined.")
        return
    text = f"mean {judged.mean:.3g}; main effects of the listed inputs explain {judged.explained:.0%} of the variance"
    if judged.statement is not None:
        text += f". {judged.statement.text}: {'holds' if judged.holds else 'does not hold'}"
    out.print(text)


def _table(drivers: Sequence[Driver]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    columns = ("input", "share of variance (5-95%)", "outcome: low → high tenth", "statement flips", "drawn from", "kind")
    for name in columns:
        table.add_column(name, justify="right" if "→" in name or "%" in name else "left", no_wrap=True)
    for d in drivers:
        table.add_row(d.input, share_text(d), f"{_short(d.at_low)} → {_short(d.at_high)}", flip_text(d), drawn(d), kind_text(d))
    return table


def share_text(d: Driver) -> str:
    """What the input explains of the variance by itself, with its interval; else how else it acts."""
    if d.found_by == "variance":
        return f"{d.share_of_variance:.1%} ({100 * d.low:.1f}-{100 * d.high:.1f})"
    return f"with {d.acts_with}: {d.share_with_others:.1%}" if d.found_by == "interaction" else "spread only"


def drawn(d: Driver) -> str:
    """The range that was drawn, or what a draw of chance stands for."""
    if d.nature == "chance":
        return (d.rests_on or "").replace("draw against", "fights below")
    return f"{_short(d.input_low)} to {_short(d.input_high)} {d.unit or ''}".rstrip()


def kind_text(d: Driver) -> str:
    """Kind, and how many sources stand behind it."""
    if d.nature == "chance":
        return "chance"
    return (d.kind or "") + (f", {len(d.sources)} source{'s' * (len(d.sources) != 1)}" if d.sources else "")


def flip_text(d: Driver) -> str:
    """What it takes to flip the statement, and whether campaigns run again bear it out."""
    if d.statement is None:
        return ""
    if d.flips_at is None:
        text = "no value alone" + ("" if d.confirmed is None else ", confirmed" if d.confirmed else " when run again")
        return text if d.flips_estimate is None else f"{text}; estimated {_short(d.flips_estimate)}"
    text = " and ".join(f"{f.when} {_short(f.at)}" for f in d.flips) or f"{d.flips_when} {_short(d.flips_at)}"
    if d.confirmed is None:
        return f"{text} ({_short(d.flips_low)} – {_short(d.flips_high)})"
    if d.confirmed:
        return text + (f", confirmed (estimated {_short(d.flips_estimate)})" if d.flips_estimate is not None else ", confirmed")
    return f"{text} when run again" + (f"; estimated {_short(d.flips_estimate)}" if d.flips_estimate is not None else "")


def print_worth_finding(out: Console, judged: Sequence[Judged]) -> None:
    """Inputs by what knowing them would add to any of the choices; nothing where no single input would change a verdict."""
    rows = [(d, j) for j in judged for d in j.drivers if d.value_of_knowing is not None and d.value_of_knowing > 0]
    if all(j.statement is None for j in judged):
        return
    out.print()
    if not rows:
        out.print("No single input, known for certain, would change one of these verdicts.", style="bold")
        return
    out.print(
        "Worth finding: what knowing one input alone would add to a verdict (expected value of partial information)", style="bold"
    )
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("input", "adds", "to the verdict on", "range now", "register row", "kind"):
        table.add_column(name, no_wrap=True)
    for d, j in sorted(rows, key=lambda r: (r[0].nature == "chance", -float(r[0].value_of_knowing or 0)))[:WORTH_SHOWN]:
        worlds = j.statement is not None and j.statement.unit == "worlds"
        adds = f"{100 * float(d.value_of_knowing or 0):.1f} " + ("worlds in 100" if worlds else "points of need")
        target = replace(j.target, ecosystem="", war_case=None, against=None)
        if d.value_error:
            adds = adds.replace(" ", f" ± {100 * d.value_error:.1f} ", 1)
        row = d.register_rows[0].split("|http")[0][:60] if d.register_rows else "study file or chance"
        table.add_row(d.input, adds, target.label.replace("_", " "), drawn(d), row, kind_text(d))
    out.print(table)
    out.print(
        "Estimates and assumptions could be replaced by a stated figure; chance is decided when war comes and cannot be looked up.",
        style="dim",
    )


def print_groups(rows: Sequence[Mapping[str, Any]]) -> None:
    """Fields of inputs together, outcome by outcome."""
    out = console()
    last = None
    for row in rows:
        target = Target(*(row[k] for k in ("outcome", "ecosystem", "war_case", "front", "mission", "against")))
        if target != last:
            out.print()
            out.print(target.label.replace("_", " "), style="bold")
        last = target
        if row["share_of_variance"] > 2 * row["error"]:
            out.print(
                f"  {row['group']:<20} {row['share_of_variance']:6.1%} ± {row['error']:.1%}   {row['inputs']} inputs, {row['listed']} listed"
            )


def print_boxes(rows: Sequence[Mapping[str, Any]]) -> None:
    """Boxes outcome by outcome, with what they hold."""
    out = console()
    for row in rows:
        out.print()
        out.print(f"{row['worlds_where']} ({row['cases']:,} of {row['futures']:,} worlds): {row['label']}", style="bold")
        if row["why"]:
            out.print(row["why"])
        for n, box in enumerate(row["boxes"], 1):
            out.print(
                f"  box {n}: {box['density']:.0%} of its worlds against {box['base']:.0%} of all; holds {box['coverage']:.0%} of these worlds"
                f" in {box['mass']:.0%} of all (half of the futures fitted it, these are the other half)"
            )
            for limit in box["limits"]:
                ends = [f"≥ {_short(limit['low'])}"] * (limit["low"] is not None) + [f"≤ {_short(limit['high'])}"] * (
                    limit["high"] is not None
                )
                out.print(f"    {limit['input']} {' and '.join(ends)}   (quasi-p {limit['quasi_p']:.2g})")


def print_audit(found: Mapping[str, Any]) -> None:
    """One number, what it rests on, and its inputs in the order of their influence, with sources."""
    out = console()
    words = [found[k] for k in ("outcome", "front", "mission", "war_case", "ecosystem") if found[k]]
    out.print()
    out.print(" · ".join(words).replace("_", " "), style="bold")
    if found["median"] is None:
        out.print("Not defined in this run.")
        return
    spread = "" if found["low"] == found["high"] else f" ({_short(found['low'])} – {_short(found['high'])})"
    out.print(
        f"{_short(found['median'])}{spread}"
        + (f". {found['statement']}: {'holds' if found['holds'] else 'does not hold'}" if found["statement"] else "")
    )
    if (n := found["rests_on"]) is not None:
        out.print(
            f"Rests on {n['inputs']} ranges that the model reads ({n['facts']} facts, {n['estimates']} estimates, {n['assumptions']} assumptions,"
            f" {n['chance']} draws of chance) and {n['fixed']} fixed figures ({n['fixed_facts']} facts): {n['register_rows']} rows of the"
            f" register, {n['sources']} sources."
        )
    of = "the variance of p" if "prices" in found else "its variance"
    out.print(f"The inputs below explain {found['explained']:.0%} of {of} by their main effects.")
    for d in found["inputs"]:
        driver = Driver(**{**d, "sources": (), "flips": tuple(Flip(**f) for f in d["flips"])})
        out.print()
        kind = "chance" if driver.nature == "chance" else driver.kind or "kind unknown"
        out.print(f"{driver.input} · {kind} · {driver.share_of_variance:.1%} of the variance", style="bold")
        out.print(
            f"  {drawn(driver)}; outcome {_short(driver.at_low)} → {_short(driver.at_high)} from its lowest to its highest tenth"
        )
        if driver.statement:
            out.print(f"  flips: {flip_text(driver)}")
        if driver.rests_on and driver.nature != "chance":
            out.print(f"  {driver.rests_on}")
        for s in d["sources"]:
            grade = f", grade {s['confidence']}" if s["confidence"] else ""
            out.print(f"  {s['publisher']}: {s['title']}. {s['url']} ({s['as_of'] or 'no date'}{grade})")

    for p in found.get("prices", ()):
        at = p["median_margin_nil_at"]
        flip = f"median margin nil at {_short(at)}" if at is not None else "no value alone" if p["sought"] else "not sought alone"
        out.print()
        out.print(f"{p['input']} · {p['kind']} · {p['share_of_variance']:.1%} of the variance of p*", style="bold")
        out.print(f"  flips: {flip}")
        out.print(f"  {p['rests_on']}")


def _short(value: float | None) -> str:
    if value is None:
        return "?"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
