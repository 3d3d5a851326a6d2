"""Audit of a number: from a result of a run to the inputs that it rests on, their kinds and sources, by measured influence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from isthmus.deterrence.inputs import Inputs
from isthmus.deterrence.results import break_even_rows, margin_rows, price_rows
from isthmus.ensemble import Uncertainty
from isthmus.errors import InputError, Problem
from isthmus.study import deterring, targets
from isthmus.study.drivers import Analysis, Driver, Judged, analyse, evidence_rows, nature
from isthmus.study.plan import Plan
from isthmus.study.results import QUANTILES, Results
from isthmus.study.targets import Statement, Target, every_target, inputs_read
from isthmus.study.turning import Lost

AUDIT_COLUMNS = (
    "outcome",
    "ecosystem",
    "war_case",
    "front",
    "mission",
    "median",
    "input",
    "share_of_variance",
    "kind",
    "nature",
    "flips_when",
    "flips_at",
    "source",
    "confidence",
    "title",
    "url",
)

MARGIN = "margin"
"""Margin of deterrence p* − p of a challenger: rests on the campaigns through p, and on what is assumed of him through p*."""

LOST_DEFENCE = "share_defence_unsustained"

WEEKS_A_YEAR = 52
HALF = ("reach", "reach_if_both_draw", "hub_share", "hub_share_of_supply", "far_share_of_supply")
"""Shares whose statement, where nobody names a level, is that they come to one half in most worlds."""


@dataclass(frozen=True, order=True)
class Level(Target):
    """An outcome without a headline of its own, held against a level that says something of itself."""

    least: float = 0.0

    def statement(self, at: float | None = None) -> Statement | None:
        """At least so much in most worlds. `at` takes the place of the level."""
        return super().statement(self.least if at is None else at)


def with_level(results: Results, target: Target) -> Target:
    """The outcome with a statement about it, where there is a level to name: money has none.

    Shares of reach and of supply: one half. The scale ratio: 1, where the larger side changes. Weeks: half of the horizon. Years
    to rebuild: as long as the horizon. Others keep the headline that they have.
    """
    weeks = results.study["horizon_weeks"]
    level: float | None = None
    if target.outcome in HALF:
        level = 0.5
    elif target.outcome == "scale_ratio":
        level = 1.0
    elif target.outcome.startswith("weeks_"):
        level = weeks / 2
    elif target.outcome == "years_to_rebuild":
        level = weeks / WEEKS_A_YEAR
    if level is None:
        return target
    return Level(**{f.name: getattr(target, f.name) for f in fields(Target)}, least=level)


def asked(results: Results, **wanted: str | None) -> list[Target]:
    """Outcomes other than margins that match all names given, as :func:`isthmus.study.targets.targets`, with statements.

    Raises InputError with what is allowed for names that the run does not have.
    """
    outcome = wanted.get("outcome")
    known = {t.outcome for t in every_target(results)} | {MARGIN}
    if outcome is not None and outcome not in known:
        raise InputError([Problem("command line", None, "outcome", outcome, ", ".join(sorted(known)), "no such one")])
    return [with_level(results, t) for t in targets.targets(results, **wanted)]


def headlines(results: Results) -> list[Target]:
    """The answer that the scoreboard names weakest inputs of: lost defences, in the hardest war case of the first ecosystem."""
    found = {t.outcome for t in every_target(results)}
    return targets.targets(results, outcome=LOST_DEFENCE) if LOST_DEFENCE in found else []


def margin_targets(results: Results, inputs: Inputs, **wanted: str | None) -> list[Lost]:
    """Lost defences as they enter a margin, held against the median tie chance; in the hardest war case and first ecosystem unless named.

    `front` is a theater. Raises InputError for names that no margin has.
    """
    every = [
        Lost(
            "share_defence_unsustained",
            eco,
            case,
            duel.theater,
            duel.mission,
            None,
            inputs.window,
            _tie(inputs, duel.theater, case),
        )
        for eco in inputs.ecosystems
        for case in inputs.cases.starts
        for duel in inputs.duels
        if (eco, case, duel.name) in inputs.verdicts
    ]
    problems = [
        Problem(
            "command line", None, key, value, ", ".join(sorted({str(getattr(t, key)) for t in every})), "no margin has such one"
        )
        for key, value in wanted.items()
        if value is not None and value not in {str(getattr(t, key)) for t in every}
    ]
    if problems or not every:
        raise InputError(
            problems or [Problem(str(results.folder.root), None, None, "no margin", "a simulated duel", "nothing to audit")]
        )
    chosen = {"ecosystem": inputs.ecosystems[0], "war_case": targets.main_case(results, [*every])}
    chosen |= {k: v for k, v in wanted.items() if v is not None}
    found = [t for t in every if all(str(getattr(t, k)) == v for k, v in chosen.items())]
    if not found:
        given = ", ".join(f"{k} {v}" for k, v in chosen.items())
        raise InputError([Problem("command line", None, None, given, "names that occur together in the run", "no such result")])
    return found


def _tie(inputs: Inputs, theater: str, case: str) -> float:
    return float(np.median(inputs.prices[theater].tie(bound=len(inputs.cases.starts[case]) > 1)))


def analysis_of(results: Results, plan: Plan | None, chosen: Iterable[Target]) -> Analysis:
    """As :meth:`Analysis.of`, with a plan that is at hand already."""
    return Analysis(results, plan, tuple(chosen), None, evidence_rows(plan.register) if plan else {})


def why(results: Results, plan: Plan | None, top: int, *, outcome: str, **wanted: str | None) -> list[dict[str, Any]]:
    """Audits of all numbers that match, margins among them. Raises InputError as :func:`asked` and :func:`margin_targets`."""
    if outcome != MARGIN:
        analysis = analysis_of(results, plan, asked(results, outcome=outcome, **wanted))
        return [audit(analysis, judged, top) for judged in analyse(analysis)]
    inputs = deterring.from_run(results, plan.register if plan else None)
    analysis = analysis_of(results, plan, margin_targets(results, inputs, **wanted))
    ranges = deterring.price_ranges(results, plan.register if plan else None)
    return [margin_audit(analysis, judged, inputs, ranges, top) for judged in analyse(analysis)]


def audit_rows(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row for every source of every driver of every number, for tables; one without a source where a driver cites nobody."""
    rows = []
    for one in found:
        keys = {k: one[k] for k in AUDIT_COLUMNS[:6]}
        for driver in one["inputs"]:
            none: dict[str, Any] = {}
            for source in driver["sources"] or (none,):
                rows.append({**keys, **{k: v for k, v in driver.items() if k in AUDIT_COLUMNS}, **source})
        rows += [
            {**keys, "input": p["input"], "kind": p["kind"], "nature": "knowledge", "flips_at": p["median_margin_nil_at"]}
            for p in one.get("prices", ())
        ]
    return rows


def audit(analysis: Analysis, judged: Judged, top: int, counts: Mapping[str, int] | None = None) -> dict[str, Any]:
    """One number with what it rests on: quantiles, the statement about it, counts of inputs by kind, and the drivers in order.

    `counts`: those of :func:`rests_on`, where they are at hand: all numbers of one war case and ecosystem share them.
    """
    t = judged.target
    keys = {f.name: getattr(t, f.name) for f in fields(Target)}
    shares = t.outcome.startswith("share_")
    low, median, high = (
        ([judged.mean] * 3 if shares else [float(v) for v in np.quantile(judged.values, QUANTILES)])
        if len(judged.values)
        else [None] * 3
    )
    return {
        **keys,
        "low": low,
        "median": median,
        "high": high,
        "statement": judged.statement.text if judged.statement else None,
        "holds": judged.holds,
        "explained": judged.explained,
        "rests_on": rests_on(analysis, t) if counts is None else dict(counts),
        "inputs": [d.as_dict() for d in judged.drivers[:top]],
    }


def margin_audit(
    analysis: Analysis, judged: Judged, inputs: Inputs, ranges: Mapping[str, Uncertainty], top: int
) -> dict[str, Any]:
    """The audit of a margin: inputs by what they do to p, flips where p passes the median p*; and `prices`, by what they do to p*.

    Of what stands alone in p*, or weighs all costs, the value at which the median margin is nil is `sought`; there may be none.
    """
    t = judged.target

    def mine(row: Mapping[str, Any]) -> bool:
        keys = {"ecosystem": t.ecosystem, "war_case": t.war_case, "theater": t.front, "mission": t.mission}
        return all(row.get(k, v) == v for k, v in keys.items())

    margin, even = (next(r for r in rows if mine(r)) for rows in (margin_rows(inputs), break_even_rows(inputs)))
    prices = [
        {
            "input": r["input"],
            "share_of_variance": r["share_of_variance"],
            "kind": ranges[r["input"]].kind,
            "rests_on": ranges[r["input"]].rule,
            "sought": r["input"].removeprefix("deter.") in even,
            "median_margin_nil_at": even.get(r["input"].removeprefix("deter.")),
        }
        for r in price_rows(inputs)
        if mine(r)
    ]
    return {
        **audit(analysis, judged, top),
        "outcome": MARGIN,
        **{k: margin[k] for k in ("low", "median", "high")},
        "prices": prices,
    }


def weakest(judged: Judged, count: int) -> tuple[Driver, ...]:
    """The first drivers that are no facts; all kinds where the register is not at hand."""
    return tuple(d for d in judged.drivers if d.kind != "fact")[:count]


def rests_on(analysis: Analysis, target: Target) -> dict[str, int] | None:
    """Inputs that the model reads on the way to the number, by kind; what is fixed besides; sources. None without the register.

    `chance` are single actors' draws, `fixed` launchers, classes of donors, masses and the like, that enter at one value.
    """
    plan = analysis.plan
    if plan is None:
        return None
    read = inputs_read(plan, target)
    ranges = [plan.design.by_name[n] for n in sorted(read)]
    kinds = Counter("chance" if nature(u) == "chance" else u.kind for u in ranges)
    supply = plan.supply if target.war_case else plan.wide
    named = {n.split(":", 1)[-1] for n in plan.design.by_name}
    constant = [b for b in supply.bindings if b.element not in named]
    evidence = {f for u in ranges for f in u.evidence} | {f for b in constant for f in b.evidence}
    rows = [analysis.register_rows[f] for f in evidence if f in analysis.register_rows]
    return {
        "inputs": len(ranges),
        "facts": kinds["fact"],
        "estimates": kinds["estimate"],
        "assumptions": kinds["assumption"],
        "chance": kinds["chance"],
        "fixed": len(constant),
        "fixed_facts": sum(b.kind == "fact" for b in constant),
        "register_rows": len(rows),
        "sources": len({r["source_id"] for r in rows if r["source_id"]}),
    }
