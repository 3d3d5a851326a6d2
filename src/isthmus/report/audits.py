"""What stands behind a figure of the report: the inputs that it rests on, how many are facts, and the values that would flip it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from isthmus.report.context import Context
from isthmus.report.elements import Body, Link, Row, Table
from isthmus.report.margins import MarginSection
from isthmus.report.wording import number, percent, plain, signed, spread
from isthmus.study import audit
from isthmus.study.drivers import LEAST_FUTURES, Analysis, Judged, analyse, label_of
from isthmus.study.plan import Plan
from isthmus.study.targets import DIVIDEND, Target, every_target

TOP = 5
"""Inputs listed for one number."""

KINDS = ("fact", "estimate", "assumption", "model result")
NOTE = (
    "Share of variance: what the input explains by itself, with its 5–95% interval. A flip holds for one input alone, the others as"
    " they are drawn; “none”: no value in its range flips it. Not listed does not mean without effect."
)


@dataclass(frozen=True)
class Basis:
    """`summary`: one line; `lines`: what to read before the table; `table`: None where a run has too few futures to tell."""

    summary: str
    lines: tuple[str, ...]
    table: Table | None


class AuditSection:
    """Audits of the figures of one run, judged together when the first of them is asked for. None without the register.

    Judged are reach, need met of defending fronts, lost defences and dividends; `margins` brings what it has judged for itself.
    Of other figures the inputs are counted, and the command is named that ranks them.
    """

    def __init__(self, run: Context, margins: MarginSection) -> None:
        self.run = run
        self._margins = margins
        self._counts: dict[tuple[str | None, str, str | None], dict[str, int]] = {}

    @cached_property
    def reach(self) -> list[Basis | None]:
        """A basis for every front, of the missions that are simulated."""
        fronts = [[t for t in self._static if t.front == f] for f in self.run.fronts]
        return [self._basis(f"reach-{i}", mine) for i, mine in enumerate(fronts)]

    @property
    def fans(self) -> list[Basis | None]:
        """A basis for every view, of the share of need met."""
        views = enumerate(self.run.manifest["views"])
        return [self._basis(f"fan-{i}", self._place(v, "fill")) or self.counted("fill", v) for i, v in views]

    @property
    def outcomes(self) -> list[Basis | None]:
        """A basis for every duel, of the share of worlds with the defence unsustained."""
        duels = enumerate(self.run.manifest["duels"])
        return [self._basis(f"outcome-{i}", self._place(d, audit.LOST_DEFENCE)) for i, d in duels]

    @property
    def dividend(self) -> Basis | None:
        return self._basis("dividend", [t for t in self._fought if t.outcome == DIVIDEND])

    def counted(self, outcome: str, view: str = "") -> Basis | None:
        """How many inputs an outcome of the campaigns rests on, and the command that ranks them; None without the register."""
        run = self.run
        if run.plan is None:
            return None
        front, _, mission = view.rpartition(".")
        place = f" --front {front} --mission {mission}" if view else ""
        counts = self._counted(self._any)
        line = f"By influence, with kinds, sources and the values that flip it: `isthmus results {run.results.folder.root.name}"
        return Basis(_summary(counts), (_count_line(counts), f"{line} --why {outcome}{place}`."), None)

    @cached_property
    def margins(self) -> Basis | None:
        """Of every margin of the hardest war case: what moves p, and what is assumed of the challenger."""
        run, found = self.run, self._margins.found
        if run.plan is None or found is None:
            return None
        inputs = [r for r in found["attribution"]["inputs"] if r["of"] == "margin" and r["ecosystem"] == run.first]
        bodies, flips = [], 0
        for margin in found["margins"]:
            keys = ("ecosystem", "war_case", "theater", "mission")
            mine = [r for r in inputs if all(r[k] == margin[k] for k in keys)][:TOP]
            if not mine:
                continue
            even = next(r for r in found["break_evens"] if all(r[k] == margin[k] for k in keys))
            prices = [p for p in found["attribution"]["prices"] if p["theater"] == margin["theater"]]
            rows = [*(self._mover(r) for r in mine), *(self._price(p, even) for p in prices[:TOP])]
            flips += sum(r["sign_turns_at"] is not None for r in mine)
            flips += sum(even.get(p["input"].removeprefix("deter.")) is not None for p in prices[:TOP])
            title = f"{run.names.place(margin['theater'], margin['mission'])}, {plain(margin['war_case'])}: median margin "
            bodies.append(Body(title + signed(margin["median"], 2), tuple(rows)))
        counts = self._counted(self._any)
        line = "p rests on the campaigns and their inputs; p* on what is assumed of the challenger, no fact among it."
        few = f"Which inputs move p cannot be told from fewer than {LEAST_FUTURES} futures."
        if not bodies:
            return Basis(_summary(counts), (_count_line(counts), line, few), None)
        note = "Share of variance: of p for inputs of the campaigns, of p* for what is assumed of the challenger. " + NOTE
        table = self._table_of("margins", f"Inputs of the margin by measured influence, {plain(run.first)}", bodies, note)
        return Basis(_summary(counts, flips), (_count_line(counts), line), table)

    def _mover(self, row: Mapping[str, Any]) -> Row:
        """An input of the campaigns that moves p."""
        u = self._plan.design.by_name[row["input"]]
        at = row["sign_turns_at"]
        ends = f"{percent(row['in_lowest_tenth'])}\u00a0→\u00a0{percent(row['in_highest_tenth'])}"
        share = spread(row["share_low"], row["share_of_variance"], row["share_high"], percent)
        chance = row["nature"] == "chance"
        links = tuple(Link(f"{s.publisher}: {s.title}", s.url, _grade(asdict(s))) for s in self._analysis.sources(u))
        none = (Link("decided when war comes" if chance else self._analysis.reason(u)),)
        flip = "none" if at is None else f"p = p* at {number(at)}" + (f" {row['unit']}" if row["unit"] and not chance else "")
        return Row(self._label(u.name), (u.name, "chance" if chance else str(row["kind"]), share, ends, flip, links or none))

    def _price(self, row: Mapping[str, Any], even: Mapping[str, Any]) -> Row:
        """Something that is assumed of a challenger."""
        name = row["input"].removeprefix("deter.")
        at = even.get(name)
        flip = f"median margin nil at {number(at)}" if at is not None else "none" if name in even else "not sought alone"
        ends = f"{percent(row['tie_chance_in_lowest_tenth'])}\u00a0→\u00a0{percent(row['tie_chance_in_highest_tenth'])}"
        reasons = {r["input"]: r for r in self._margins.found["assumptions"]} if self._margins.found else {}
        mine = reasons[row["input"]]
        label = self.run.names.of("uncertainties", row["input"])
        share = f"{percent(row['share_of_variance'])} of p*"
        return Row(label, (row["input"], mine["kind"], share, ends, flip, (Link(mine["reason"]),)))

    @cached_property
    def _static(self) -> list[Target]:
        """Reach of the missions that are simulated, in the first ecosystem."""
        tiers = {(t, m): name for t, m, name in self.run.manifest["tiers"]}
        found = audit.asked(self.run.results, outcome="reach", ecosystem=self.run.first)
        return [t for t in found if tiers[self.run.theater_of(t.front), t.mission] == "campaign"]

    @cached_property
    def _fought(self) -> list[Target]:
        """What is judged of the campaigns: in the widest war case and the first ecosystem; dividends in the last."""
        run = self.run
        defending = {f["front"] for f in run.study["fronts"] if f["role"] == "defender"} | {
            f["theater"] for f in run.study["fronts"]
        }
        known = {t.outcome for t in every_target(run.results)}
        asked = [("fill", run.first), (audit.LOST_DEFENCE, run.first), (DIVIDEND, run.last)]
        found = [
            t
            for outcome, ecosystem in asked
            if outcome in known
            for t in audit.asked(run.results, outcome=outcome, ecosystem=ecosystem, war_case=run.widest_case)
        ]
        return [t for t in found if t.front in defending]

    def _place(self, view: str, outcome: str) -> list[Target]:
        front, mission = view.rsplit(".", 1)
        return [t for t in self._fought if (t.front, t.mission, t.outcome) == (front, mission, outcome)]

    @cached_property
    def _analysis(self) -> Analysis:
        return audit.analysis_of(self.run.results, self.run.plan, self._fought)

    @cached_property
    def _static_analysis(self) -> Analysis:
        return audit.analysis_of(self.run.results, self.run.plan, self._static)

    @cached_property
    def _judged(self) -> dict[Target, Judged]:
        """Every number that is audited. Reach is judged by itself: it reads fewer inputs, so fewer compete with chance."""
        found: list[Judged] = []
        for one in (self._static_analysis, self._analysis):
            found += analyse(one) if one.chosen else []
        return {j.target: j for j in found}

    @property
    def _plan(self) -> Plan:
        plan = self.run.plan
        if plan is None:  # nothing is asked of a section without the register
            raise RuntimeError(self.run.reason)
        return plan

    def _label(self, name: str) -> str:
        return label_of(name, self._analysis.words)

    @property
    def _any(self) -> Target:
        """A number of the campaigns, in the widest war case: all of them read the same inputs."""
        run = self.run
        view = next(v for v in run.manifest["views"] if run.results.at_war(run.widest_case, v))
        return Target("fill", run.first, run.widest_case, *view.rsplit(".", 1))

    def _counted(self, target: Target) -> dict[str, int]:
        """Inputs by kind: the same for all numbers of one war case and ecosystem."""
        key = (target.war_case, target.ecosystem, target.against)
        if key not in self._counts:
            self._counts[key] = audit.rests_on(self._analysis, target) or {}
        return self._counts[key]

    def _basis(self, name: str, chosen: Sequence[Target]) -> Basis | None:
        if self.run.plan is None or not chosen:
            return None
        return self._told(name, [self._audited(t) for t in chosen])

    def _audited(self, t: Target) -> dict[str, Any]:
        analysis = self._static_analysis if t.war_case is None else self._analysis
        return audit.audit(analysis, self._judged[t], TOP, self._counted(t))

    def _told(self, name: str, found: Sequence[Mapping[str, Any]]) -> Basis:
        counts = found[0]["rests_on"]
        if self.run.futures < LEAST_FUTURES:
            few = f"Which of them move it cannot be told from fewer than {LEAST_FUTURES} futures."
            return Basis(_summary(counts), (_count_line(counts), few), None)
        flips = sum(d["flips_at"] is not None for one in found for d in one["inputs"])
        one = found[0]
        where = f"{plain(one['war_case'])}, " if one["war_case"] else ""
        against = f" against {plain(one['against'])}" if one["against"] else ""
        caption = f"Inputs by measured influence, {where}{plain(one['ecosystem'])}{against}; the first {TOP} of each number"
        bodies = [Body(self._heading(x), tuple(self._rows(x))) for x in found]
        return Basis(_summary(counts, flips), (_count_line(counts),), self._table_of(name, caption, bodies, NOTE))

    def _table_of(self, name: str, caption: str, bodies: Sequence[Body], note: str) -> Table:
        return Table(
            f"t-basis-{name}",
            caption,
            KINDS,
            ("Input", "Name", "Kind", "Share of variance", "Lowest → highest tenth", "Flips the statement", "Sources"),
            tuple(bodies),
            words=(0, 1, 4, 5),
            bands=True,
            note=note,
            marked=self.run.campaign_marked,
        )

    def _heading(self, one: Mapping[str, Any]) -> str:
        run = self.run
        text = f"{run.names.place(one['front'], one['mission'])}, {plain(one['outcome'])}"
        if one["median"] is not None:
            text += f" {spread(one['low'], one['median'], one['high'])}"
        if one["statement"]:
            text += f". {one['statement']}: {'holds' if one['holds'] else 'does not hold'}"
        return text

    def _rows(self, one: Mapping[str, Any]) -> Iterable[Row]:
        for d in one["inputs"]:
            chance = d["nature"] == "chance"
            ends = f"{number(d['at_low'])}\u00a0→\u00a0{number(d['at_high'])}"
            share = spread(d["low"], d["share_of_variance"], d["high"], percent) if d["found_by"] == "variance" else _otherwise(d)
            links = tuple(Link(s["publisher"] + ": " + s["title"], s["url"], _grade(s)) for s in d["sources"])
            none = (Link("decided when war comes" if chance else str(d["rests_on"] or "cites nobody")),)
            yield Row(
                d["label"] or d["input"],
                (d["input"], "chance" if chance else str(d["kind"]), share, ends, _flip(d, one), links or none),
            )
        if not one["inputs"]:
            yield Row("no input stands out of chance", ("–", "–", "–", "–", "–", "–"))


def _summary(counts: Mapping[str, int], flips: int | None = None) -> str:
    text = f"What this rests on: {counts['inputs']:,} inputs, of which {counts['facts']:,} facts"
    if flips is None:
        return text
    return f"{text}; {flips or 'no'} value{'' if flips == 1 else 's'} found that would flip a statement"


def _count_line(counts: Mapping[str, int]) -> str:
    return (
        f"{counts['inputs']:,} ranges are read on the way ({counts['facts']:,} facts, {counts['estimates']:,} estimates,"
        f" {counts['assumptions']:,} assumptions, {counts['chance']:,} draws of chance), and {counts['fixed']:,} fixed figures"
        f" ({counts['fixed_facts']:,} facts): {counts['register_rows']:,} rows of the register from {counts['sources']:,} sources."
    )


def _flip(driver: Mapping[str, Any], one: Mapping[str, Any]) -> str:
    if one["statement"] is None:
        return "no statement"
    if driver["flips_at"] is None:
        return "none"
    unit = f" {driver['unit']}" if driver["unit"] and driver["nature"] != "chance" else ""
    return f"{driver['flips_when']} {number(driver['flips_at'])}{unit} ({number(driver['flips_low'])}–{number(driver['flips_high'])})"


def _otherwise(driver: Mapping[str, Any]) -> str:
    """How an input acts that explains nothing by itself."""
    if driver["found_by"] == "interaction":
        return f"with {driver['acts_with']}: {percent(driver['share_with_others'])}"
    return "spread only"


def _grade(source: Mapping[str, Any]) -> str:
    grade = f"grade {source['confidence']}" if source["confidence"] else ""
    return ", ".join(x for x in (source["as_of"], grade) if x)
