"""What drives an outcome: inputs by their measured influence, with kinds and sources, and the values at which a statement flips.

Everything is estimated from the futures that a run has stored; :mod:`isthmus.study.breakeven` confirms by running again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from math import isfinite, sqrt
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from isthmus.axes import Kind
from isthmus.ensemble import Uncertainty
from isthmus.errors import InputError, Problem, RegisterError
from isthmus.register.register import EVIDENCE, Register
from isthmus.study import sensitivity
from isthmus.study.plan import Plan
from isthmus.study.results import Results
from isthmus.study.runner import plan_of
from isthmus.study.targets import Statement, Target, check_level, inputs_of, inputs_read, moved, stored

F64 = npt.NDArray[np.float64]
Nature = Literal["chance", "knowledge"]
FoundBy = Literal["variance", "distribution", "interaction"]
"""By its share of variance, by what it does to the distribution only, or only together with another input."""

TOP = 10
"""Inputs that are listed for an outcome unless more are asked for."""

SURE = 2.0
"""Inputs of their own random numbers with so many times the share that chance reaches need no second look."""

SURE_SHARE = 0.05
"""Nor do dimensions of the Sobol sequence with so large a share: ties of three dimensions feign one or two in a hundred."""

LEAST_FUTURES = 256
"""Futures below which nothing is said about influence."""


@dataclass(frozen=True)
class Source:
    """A source behind an input."""

    source: str
    title: str
    publisher: str
    url: str
    as_of: str | None
    confidence: str | None


@dataclass(frozen=True)
class Flip:
    """A value of an input at which a statement turns, and the values within which it does, three standard errors to either side."""

    at: float
    low: float
    high: float
    when: str
    """below or above: on which side of `at`, as far as the next flip, the statement is not what it is overall."""


@dataclass(frozen=True)
class Driver:
    """One input of one outcome. Shares are parts of the outcome's variance over futures; None where nothing can be said."""

    outcome: str
    input: str
    share_of_variance: float
    flips_at: float | None
    ecosystem: str
    war_case: str | None
    front: str
    mission: str
    against: str | None
    low: float
    high: float
    """5th and 95th percentile of the share, by the bootstrap over futures."""
    pawn: float
    found_by: FoundBy
    at_low: float
    at_high: float
    """Mean of the outcome where the input is in its lowest and in its highest tenth."""
    statement: str | None
    holds: bool | None
    flips_when: str | None
    """below or above: on which side of `flips_at` the statement turns from what it is overall."""
    flips_low: float | None
    flips_high: float | None
    """Range of values within which the flip lies, three standard errors wide to either side."""
    value_of_knowing: float | None
    """What knowing this input alone would add to the choice whether to rely on the statement: see :meth:`Statement.worth`."""
    nature: Nature | None
    kind: Kind | None
    how_to_know: str | None
    """What would replace the range by a number."""
    unit: str | None
    input_low: float
    input_high: float
    """Lowest and highest value drawn."""
    rests_on: str | None
    """The rule by which the sources became a range, or the reason of an assumption."""
    sources: tuple[Source, ...] = ()
    label: str = ""
    """The input in the register's words."""
    register_rows: tuple[str, ...] = ()
    """Rows that the range rests on: `table:key`. What is missing or wide there is what a curator can look for."""
    share_with_others: float = 0.0
    """Share of variance of what it does only together with one other input, pair by pair: not in `share_of_variance`."""
    acts_with: str | None = None
    """The input with which it does most of that."""
    flips: tuple[Flip, ...] = ()
    """Every flip that the stored futures show, by value; `flips_at` is the one nearest to the median of the input."""
    value_error: float | None = None
    """Standard error of `value_of_knowing`."""
    confirmed: bool | None = None
    """Whether running again at the value bore it out; None where nobody asked."""
    flips_estimate: float | None = None
    """The flip as estimated from stored futures, where `flips_at` is that of the campaigns run again."""
    total_share: float | None = None
    """Share of variance that would be left if all other inputs were known, interactions included; measured by running again."""
    campaigns: int = 0
    """Campaigns run again to confirm."""

    def as_dict(self) -> dict[str, Any]:
        plain = asdict(self)
        return {k: (None if isinstance(v, float) and not isfinite(v) else v) for k, v in plain.items()}


@dataclass(frozen=True)
class Judged:
    """One outcome: the statement about it, and every input by influence."""

    target: Target
    values: F64
    statement: Statement | None
    holds: bool | None
    mean: float
    measured: sensitivity.Measured
    drivers: tuple[Driver, ...] = ()
    """All that are listed, the largest share first."""

    @property
    def explained(self) -> float:
        """Share of the variance that main effects of the listed inputs explain; the rest is interactions and weaker inputs."""
        return sum(max(0.0, d.share_of_variance) for d in self.drivers if d.found_by == "variance")


@dataclass(frozen=True)
class Analysis:
    """A run made ready for questions about its drivers. `plan` is None where the run's register is not at hand."""

    results: Results
    plan: Plan | None
    chosen: tuple[Target, ...]
    at: float | None = None
    register_rows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, results: Results, chosen: Iterable[Target], at: float | None = None) -> Analysis:
        """Raises RunError through the folder where files are missing, InputError for a level that means nothing."""
        outcomes = tuple(chosen)
        check_level(outcomes, at)
        try:
            plan = plan_of(results.manifest)
        except RegisterError:  # the folder holds another form of register by now
            plan = None
        return cls(results, plan, outcomes, at, evidence_rows(plan.register) if plan else {})

    @cached_property
    def values(self) -> dict[Target, F64]:
        return stored(self.results, list(self.chosen))

    @cached_property
    def sample(self) -> sensitivity.Sample:
        """Inputs that vary between futures and that the model reads for one of the outcomes."""
        names, values = inputs_of(self.results)
        if self.plan is not None:
            one_of_each = {(t.war_case is None, t.ecosystem, t.against): t for t in self.chosen}
            read: frozenset[str] = frozenset().union(*(inputs_read(self.plan, t) for t in one_of_each.values()))
            kept = [i for i, n in enumerate(names) if n in read]
            names, values = tuple(names[i] for i in kept), np.ascontiguousarray(values[:, kept])
        return sensitivity.Sample.of(names, values)

    @property
    def futures(self) -> int:
        return len(self.sample.values)

    def judge(self, target: Target) -> Judged:
        """Influence of every input on one outcome, and the flips of its statement."""
        values = self.values[target]
        known = np.isfinite(values)
        statement = target.statement(self.at)
        sample = self.sample if known.all() else sensitivity.Sample.of(self.sample.names, self.sample.values[known])
        values = values[known]
        if len(values) < LEAST_FUTURES:
            nothing = sensitivity.Measured(np.zeros(0), (), (), {}, 0.0, 0.0, 0.0)
            return Judged(target, values, statement, None, float("nan"), nothing)
        measured = sensitivity.measure(sample, values)
        event = statement.event(values) if statement else None
        holds = statement.holds(values) if statement else None
        judged = Judged(target, values, statement, holds, float(values.mean()), measured)
        return replace(judged, drivers=tuple(self._driver(judged, sample, event, i) for i in measured.listed))

    def _driver(self, judged: Judged, sample: sensitivity.Sample, event: F64 | None, i: int) -> Driver:
        t, measured, statement = judged.target, judged.measured, judged.statement
        name, x = sample.names[i], sample.column(sample.names[i])
        partial = measured.partial[i]
        part = float(partial.var() / judged.values.var())
        low, high = (part * v for v in sensitivity.interval(sample.fine[i], partial))
        least, most = sample.coarse[i] == 0, sample.coarse[i] == sample.coarse[i].max()
        found = curve = None
        flips: tuple[Flip, ...] = ()
        if statement is not None and event is not None:
            curve = sensitivity.conditional(x, event)
            turns = sensitivity.crossings(curve, statement.level)
            other = {"below": "above", "above": "below"}
            flips = tuple(Flip(c.at, c.low, c.high, c.lower_side if judged.holds else other[c.lower_side]) for c in turns)
            nearest = sensitivity.nearest_the_middle(curve, turns)
            found = None if nearest is None else flips[turns.index(nearest)]
        partner = measured.partner(i)
        u = self.plan.design.by_name.get(name) if self.plan else None
        return Driver(
            outcome=t.outcome,
            input=name,
            share_of_variance=float(measured.share[i]),
            flips_at=found.at if found else None,
            ecosystem=t.ecosystem,
            war_case=t.war_case,
            front=t.front,
            mission=t.mission,
            against=t.against,
            low=low,
            high=high,
            pawn=sensitivity.pawn(sample.coarse[i], sensitivity.Steps.of(judged.values)),
            found_by="variance" if i in measured.main else "distribution" if i in measured.spread else "interaction",
            at_low=float(judged.values[least].mean()),
            at_high=float(judged.values[most].mean()),
            statement=statement.text if statement else None,
            holds=judged.holds,
            flips_when=found.when if found else None,
            flips_low=found.low if found else None,
            flips_high=found.high if found else None,
            value_of_knowing=(statement.worth(curve) if found else 0.0) if statement and curve is not None else None,
            nature=nature(u) if u else None,
            kind=u.kind if u else None,
            how_to_know=how_to_know(u) if u else None,
            unit=u.unit if u else None,
            input_low=float(x.min()),
            input_high=float(x.max()),
            rests_on=self.reason(u) if u else None,
            sources=self.sources(u) if u else (),
            label=label_of(name, self.words),
            register_rows=u.evidence if u else (),
            share_with_others=measured.together(i),
            acts_with=None if partner is None else sample.names[partner],
            flips=flips,
            value_error=statement.worth_error(curve) if statement and curve is not None and found else None,
        )

    @cached_property
    def words(self) -> Mapping[str, str]:
        """Names of the register: of uncertainties, actors, materiel, theaters and the like, by id. Empty without the register."""
        return register_words(self.plan.register) if self.plan else {}

    def reason(self, u: Uncertainty) -> str:
        """Why the range is what it is: notes of the register rows of an assumption, else the rule."""
        rows = [self.register_rows[f] for f in u.evidence if f in self.register_rows]
        notes = "; ".join(dict.fromkeys(str(r["note"]) for r in rows if r["note"] and r["kind"] == "assumption"))
        return notes or u.rule

    def sources(self, u: Uncertainty) -> tuple[Source, ...]:
        """Sources of the register rows that a range rests on, each once; none for an assumption that cites nobody."""
        out: dict[str, Source] = {}
        for row in (self.register_rows[f] for f in u.evidence if f in self.register_rows):
            if row["source_id"]:
                key, title, publisher, url = (str(row[k]) for k in ("source_id", "title", "publisher", "url"))
                out.setdefault(key, Source(key, title, publisher, url, row["as_of"], row["confidence"]))
        return tuple(out.values())

    def groups(self, judged: Judged) -> list[dict[str, Any]]:
        """Inputs of one field (stocks, lines, decisions …) together: sums of first-order shares, weak inputs included.

        A sum over many weak inputs is unbiased, though each of them drowns in noise; `error` is its standard error.
        """
        out: dict[str, list[int]] = {}
        for i, name in enumerate(self.sample.names if len(judged.measured.share) else ()):
            out.setdefault(group_of(name), []).append(i)
        t = judged.target
        rows = []
        for name, members in out.items():
            error = judged.measured.share_noise * sqrt(len(members))
            keys = {k: getattr(t, k) for k in ("outcome", "ecosystem", "war_case", "front", "mission", "against")}
            share = float(judged.measured.share[members].sum())
            listed = sum(i in judged.measured.listed for i in members)
            rows.append(
                {**keys, "group": name, "inputs": len(members), "share_of_variance": share, "error": error, "listed": listed}
            )
        return sorted(rows, key=lambda r: -r["share_of_variance"])


DRIVER_COLUMNS = tuple(f.name for f in fields(Driver) if f.name not in ("sources", "rests_on", "flips", "register_rows"))
GROUP_COLUMNS = (
    "outcome",
    "ecosystem",
    "war_case",
    "front",
    "mission",
    "against",
    "group",
    "inputs",
    "share_of_variance",
    "error",
    "listed",
)


FIELD_WORDS = {
    "stock": "Opening stock",
    "line.base": "Output today",
    "line.plan": "Planned output",
    "line.funded": "Funded share of the plan",
    "line.slip": "Slip of the plan",
    "input": "Capacity of a shared input",
    "input.plan": "Planned capacity of a shared input",
    "input.per_unit": "Shared input taken by a unit",
    "cost": "Unit cost",
    "effect": "Effect of a unit",
    "integration": "Integration",
    "fights": "Draw: fights",
    "desk": "Draw: own hesitation",
    "desk.common": "Draw: common hesitation",
}
"""What an input of a row or an actor is, by its field; what follows in its name is the row."""

NAMED = (
    ("uncertainties", "uncertainty_id"),
    ("actors", "actor_id"),
    ("materiel", "materiel_id"),
    ("theaters", "theater_id"),
    ("missions", "mission_id"),
)


def register_words(register: Register) -> dict[str, str]:
    """Id → name, of the tables whose ids make up the names of inputs."""
    return {
        str(key): str(name)
        for table, column in NAMED
        for key, name in register.table(table)[[column, "name"]].itertuples(index=False)
    }


def label_of(name: str, words: Mapping[str, str]) -> str:
    """An input in the register's words: "Funded share of the plan, United States, 155 mm shell"; its own name where there are none."""
    of_field, _, row = name.partition(":")
    if not row:
        return words.get(name, name)
    parts = row.replace("@", ":").split(":")
    named = ", ".join(words.get(p, p.replace("_", " ")) for part in parts for p in part.split("."))
    return f"{FIELD_WORDS.get(of_field, of_field)}, {named}"


def flip_sentence(driver: Driver) -> str:
    """What it takes to flip the statement, with name, value and unit: a sentence that can be quoted with its interval."""
    unit = f" {driver.unit}" if driver.unit and driver.nature != "chance" else ""
    name = driver.label or driver.input
    if driver.statement is None:
        return f"{name}: no statement about the outcome to flip"
    if driver.flips_at is None:
        none = (
            f"no value of {name} in its range ({_number(driver.input_low)} to {_number(driver.input_high)}{unit}) flips it alone"
        )
        return none + {None: "", True: " (confirmed by running again)", False: " when run again"}[driver.confirmed]
    text = f"flips if {name} is {driver.flips_when} {_number(driver.flips_at)}{unit}"
    if driver.flips_low is not None and driver.flips_high is not None:
        text += f" ({_number(driver.flips_low)} to {_number(driver.flips_high)})"
    others = [f for f in driver.flips if f.at not in (driver.flips_at, driver.flips_estimate)]
    if others:
        text += ", and back " + " and ".join(f"{f.when} {_number(f.at)}" for f in others)
    return text + {None: "", True: ", confirmed by running again", False: ", found by running again only"}[driver.confirmed]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def group_of(name: str) -> str:
    """Field of an input: what stands before the colon, or before the first dot."""
    return name.split(":", 1)[0] if ":" in name else name.split(".", 1)[0]


def nature(u: Uncertainty) -> Nature:
    """chance: the luck of one actor's draw, which nobody can look up; else knowledge.

    Draws of single actors against a probability of the register are uniform from 0 to 1 and rest on no row.
    """
    return "chance" if u.shape == "uniform" and (u.low, u.high) == (0, 1) and not u.evidence else "knowledge"


def how_to_know(u: Uncertainty) -> str:
    """What would replace a range by a number, by what the range rests on."""
    if nature(u) == "chance":
        return "nobody can look it up: it is decided when war comes"
    return {
        "fact": "stated already; a newer or closer count narrows it",
        "estimate": "a stated figure would replace the estimate",
        "assumption": "nobody states it; a source, or a study of it, would replace the assumption",
    }[u.kind]


def evidence_rows(register: Register) -> dict[str, Mapping[str, Any]]:
    """Every register row that carries evidence, with its source: fact_id → kind, note, as_of, confidence, source_id, title …"""
    sources = {s["source_id"]: s for s in register.table("sources").to_dict("records")}
    blank = dict.fromkeys(("title", "publisher", "url"))
    out: dict[str, Mapping[str, Any]] = {}
    for table in EVIDENCE:
        frame = register.table(table)
        columns = [c for c in ("kind", "source_id", "as_of", "confidence", "note") if c in frame]
        for fact_id, *cells in zip(frame["fact_id"], *(frame[c].tolist() for c in columns), strict=True):
            row = {**dict.fromkeys(("as_of", "confidence", "note", "source_id")), **dict(zip(columns, cells, strict=True))}
            source = sources.get(row["source_id"], {})
            out[str(fact_id)] = {**row, **{k: source.get(k) for k in blank}}
    return out


def require_futures(results: Results) -> None:
    """Raises InputError where a run has too few futures to tell any influence from chance."""
    found = int(results.study["futures"])
    if found < LEAST_FUTURES:
        raise InputError(
            [
                Problem(
                    str(results.folder.root), None, "futures", str(found), f"{LEAST_FUTURES} or more", "too few to tell drivers"
                )
            ]
        )


def analyse(analysis: Analysis) -> list[Judged]:
    """Every outcome of an analysis, judged; inputs that do not bear it out when they are moved are dropped."""
    judged = [analysis.judge(t) for t in analysis.chosen]
    if analysis.plan is None:
        return judged
    # A Sobol sequence ties its dimensions to one another at some thousand points, two by two and three by three.
    woven = dict(zip(analysis.sample.names, analysis.sample.woven, strict=True))
    doubted = {
        j.target: [
            d.input
            for d in j.drivers
            if d.share_of_variance < (SURE_SHARE if woven[d.input] else SURE * j.measured.share_threshold)
        ]
        for j in judged
    }
    found = dict(moved(analysis.plan, doubted, analysis.values))
    return [replace(j, drivers=tuple(d for d in j.drivers if _borne_out(d, found.get(j.target, {})))) for j in judged]


def _borne_out(driver: Driver, far: Mapping[str, float]) -> bool:
    """Whether an input moves the outcome as far as its share says; half of that leaves room for the few futures looked at."""
    if driver.input not in far:
        return True
    return far[driver.input] > (driver.low / 2 if driver.found_by == "variance" else 0.0)
