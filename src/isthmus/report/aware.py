"""What the rivals exchange, how they probe, what is said, and what of the declared was done: described, never explained."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from isthmus.awareness import statements
from isthmus.awareness.summary import MATERIEL_NOTES, READINESS_NOTES
from isthmus.awareness.survey import NO_CAUSE, Awareness, records, survey
from isthmus.report import panels
from isthmus.report.context import Context
from isthmus.report.elements import Body, Drawing, Row, Table
from isthmus.report.wording import number, percent, plain, rounded

MOST_FLOWS = 6
MOST_SERIES = 3
LEAST_POINTS = 8
"""Fewer points than this are no picture of a series."""
BEHIND = frozenset(
    ("flows", "probing", "statements", "adoptions", "items", "observations", "readiness_inputs", "consumption", "stocks", "lines")
)
LEVELS = dict(zip(statements.LEVELS, ("Declares", "Tasks", "Commits a number or date"), strict=True))


class AwareSection:
    """The picture of `isthmus awareness` at the date of the study; nothing where the register is not at hand."""

    def __init__(self, run: Context) -> None:
        self.run = run

    @cached_property
    def found(self) -> Awareness | None:
        return None if self.run.plan is None else survey(self.run.plan.register, str(self.run.study["date"]))

    @property
    def caveats(self) -> tuple[str, ...]:
        return (
            NO_CAUSE,
            statements.COVERAGE,
            "A flow that rests on one claim is no better known for having no contradiction; announced amounts are in no band.",
        )

    @cached_property
    def marked(self) -> bool:
        return self.run.marks is not None and any(name in BEHIND for name, _ in self.run.marks.tables)

    # flows among rivals

    @cached_property
    def flows(self) -> Table | None:
        """What had arrived in all at the newest date, where several sources speak."""
        lines = []
        for r in self._disputed:
            cells = (
                str(r["date"])[:7],
                *(number(float(r[k])) for k in ("low", "mode", "high")),
                str(r["unit"]),
                str(r["claims"]),
            )
            lines.append(Row(self._flow(r), cells))
        if not lines:
            return None
        single = self._of("bands")["series_id"].nunique() - len(lines)
        return Table(
            "t-aware-flows",
            "Flows among the rivals: arrived in all, where several sources speak",
            ("fact",),
            ("Flow", "By", "Least", "Median", "Greatest", "Unit", "Claims"),
            (Body(None, tuple(lines)),),
            words=(0, 4),
            note=f"The band holds every claim. {single} more flows rest on a single claim and are not shown.",
            marked=self.marked,
        )

    @cached_property
    def contradictions(self) -> Table | None:
        lines = [
            Row(
                self._flow(r),
                (
                    f"{r['longer_from'][:7]} to {r['longer_to'][:7]}",
                    number(float(r["longer_high"])),
                    f"{r['shorter_from'][:7]} to {r['shorter_to'][:7]}",
                    number(float(r["shorter_low"])),
                    number(float(r["ratio"])),
                    "yes" if r["beyond_grades"] else "no",
                ),
                "fail" if r["beyond_grades"] else "",
            )
            for r in records(self._of("contradictions"))
        ]
        if not lines:
            return None
        head = ("Flow", "Longer period", "At most", "Shorter one inside it", "At least", "Ratio", "Beyond their grades")
        return Table(
            "t-aware-contradictions",
            "Claims that cannot both be true",
            ("fact",),
            head,
            (Body(None, tuple(lines)),),
            words=(0, 2, 5),
            marked=self.marked,
        )

    @cached_property
    def flow_drawing(self) -> Drawing | None:
        against: dict[str, list[tuple[float, float]]] = {}
        for r in records(self._of("contradictions")):
            span = panels.decimal_year(r["shorter_from"]), panels.decimal_year(r["shorter_to"], end=True)
            if span not in against.setdefault(r["series_id"], []):
                against[r["series_id"]].append(span)
        bands = self._of("bands")
        shown = []
        for r in self._disputed[:MOST_FLOWS]:
            part = bands[bands["series_id"] == r["series_id"]].sort_values("date")
            low, mode, high = ([float(v) for v in part[k]] for k in ("low", "mode", "high"))
            at = [panels.decimal_year(str(d), end=True) for d in part["date"]]
            title = f"{r['supplier']} to {r['recipient']}: {plain(r['goods'])}"
            shown.append(panels.FlowPanel(title, str(r["unit"]), at, low, mode, high, against.get(r["series_id"], ())))
        if not shown:
            return None
        title = "Flows among the rivals, cumulative"
        note = (
            "At each date at which a claim ends: what had arrived in all, from the least to the greatest claim. Between dates nothing is "
            "claimed. Hatched: periods for which one claim exceeds another that covers them whole."
        )
        svg = panels.flows_figure(shown, f"{title}. {note}", "af")
        return Drawing("fig-aware-flows", title, svg, note, ("fact",), table=self.flows, marked=self.marked)

    @cached_property
    def _disputed(self) -> list[dict[str, Any]]:
        """Newest band of every flow with several claims, most claims first."""
        newest = self._of("bands").sort_values("date").groupby("series_id", sort=True).tail(1)
        found = records(newest[newest["claims"] > 1])
        return sorted(found, key=lambda r: (-r["claims"], r["series_id"]))

    def _flow(self, r: dict[str, Any]) -> str:
        name = self.run.names.of
        return f"{name('actors', r['supplier'])} to {name('actors', r['recipient'])}: {plain(r['goods'])}"

    # probing

    @cached_property
    def probing(self) -> Drawing | None:
        """Of every pair of actors the series with most points and a break of counting, month by month."""
        points, shown, lines, bodies = self._of("points"), [], dict[str, str](), []
        for r in self._broken:
            part = records(points[points["series_id"] == r["series_id"]].sort_values(["period_from", "period_to"]))
            periods = [
                (
                    panels.decimal_year(p["period_from"]),
                    panels.decimal_year(p["period_to"], end=True),
                    float(p["per_month"]),
                    p["segment"] is None,
                )
                for p in part
            ]
            breaks = [(panels.decimal_year(b["first"]), panels.decimal_year(b["resumes"]), plain(b["name"])) for b in r["breaks"]]
            title = f"{r['series_id'].split('|')[0].replace('>', ' against ')}: {plain(r['activity'].replace('.', ' '))}"
            shown.append(panels.CountPanel(title, str(r["unit"]), periods, breaks))
            lines |= {plain(b["name"]): b["what"] for b in r["breaks"]}
            of_period = tuple(
                Row(f"{p['period_from']} to {p['period_to']}", (number(float(p["count"])), number(float(p["per_month"]))))
                for p in part
            )
            bodies.append(Body(f"{title}, {r['unit']}", of_period))
        if not shown:
            return None
        title = "Pressure and attacks, with every break of counting"
        note = " ".join(
            [
                "Each segment between breaks stands on its own; no line joins them.",
                *(f"{n[:1].upper()}{n[1:]}: {w}." for n, w in lines.items()),
            ]
        )
        table = Table(
            "t-aware-probing",
            title,
            ("fact",),
            ("Period", "Count", "A month"),
            tuple(bodies),
            bands=True,
            marked=self.marked,
        )
        svg = panels.counts_figure(shown, f"{title}. {note}", "ap")
        return Drawing("fig-aware-probing", title, svg, note, ("fact",), table=table, marked=self.marked)

    @cached_property
    def _broken(self) -> list[dict[str, Any]]:
        points = self._of("points")
        total = points.groupby("series_id")["count"].sum()
        found = [r for r in records(self._of("series")) if r["breaks"] and r["points"] >= LEAST_POINTS]
        best: dict[str, dict[str, Any]] = {}
        for r in sorted(found, key=lambda r: (-r["points"], -float(total[r["series_id"]]))):
            best.setdefault(r["series_id"].split("|")[0], r)
        return list(best.values())[:MOST_SERIES]

    # readiness

    @cached_property
    def readiness(self) -> Table | None:
        """What missions short of war, and fights that no study holds, take of hours, hulls and stocks."""
        name = self.run.names.of
        hours = [
            Row(
                f"{name('actors', r['actor_id'])}: {plain(r['resource'])}, {plain(r['mission'])}",
                (
                    r["as_of"] or "–",
                    _number(r["consumed"]),
                    _number(r["capacity"]),
                    _percent(r["share_low"]),
                    _percent(r["share"]),
                    _percent(r["share_high"]),
                    ", ".join(plain(a) for a in r["assumed"]) or "–",
                    r["why_not"] or "",
                ),
            )
            for r in records(self._of("hours"))
        ]
        weapons = [
            Row(
                f"{name('actors', r['actor_id'])}: {name('materiel', r['materiel_id'])}",
                (
                    r["as_of"],
                    _number(r["use"]),
                    _number(r["stock"]),
                    _percent(r["share_low"]),
                    _percent(r["share"]),
                    _percent(r["share_high"]),
                    f"{r['episodes']} episodes" if r["episodes"] > 1 else "1 episode",
                    r["why_not"] or "",
                ),
            )
            for r in records(self._of("materiel"))
        ]
        bodies = (
            Body("Hours, days or aircraft, of what the force gives", tuple(hours)),
            Body("Weapons, of the stock", tuple(weapons)),
        )
        if not hours and not weapons:
            return None
        return Table(
            "t-aware-readiness",
            "Readiness claimed short of war, a year",
            ("estimate", "assumption"),
            ("Who, and what for", "Up to", "Taken", "Of", "5%", "Share", "95%", "Assumed, or rests on", "Not known"),
            tuple(b for b in bodies if b.rows),
            words=(0, 6, 7),
            bands=True,
            note=" ".join((*READINESS_NOTES, *MATERIEL_NOTES)),
            marked=self.marked,
        )

    # statements, and what was done

    @cached_property
    def statements(self) -> Table | None:
        """Codings of statements by topic and concreteness, all years."""
        frame = self._of("statements")
        if frame.empty:
            return None
        keyed = frame.groupby(["family", "topic", "side"], sort=True)[["codings", *LEVELS]].sum()
        groups: dict[str, list[Row]] = {}
        for (family, topic, side), part in keyed.iterrows():
            label = f"{plain(str(topic))}, {side}"
            groups.setdefault(plain(str(family)), []).append(Row(label, tuple(str(int(part[c])) for c in ("codings", *LEVELS))))
        return Table(
            "t-aware-statements",
            "Statements by topic and concreteness, all years",
            ("fact",),
            ("Family", "Topic and side", "Codings", *LEVELS.values()),
            tuple(Body(title, tuple(lines)) for title, lines in groups.items()),
            note=statements.COVERAGE,
            marked=self.marked,
        )

    @cached_property
    def done(self) -> Table | None:
        """Which share of declared adoptions was done, from the slow to the fast reading."""
        fast = {r["group"]: r for r in records(self._of("shares")) if r["reading"] == "fast"}
        lines = [
            Row(
                plain(r["group"].replace(".", " ")),
                (
                    *(str(int(r[c])) for c in ("cells", "items", "done", "events", "event_items")),
                    *(_ends(r[f"share_{y}y"], fast[r["group"]][f"share_{y}y"]) for y in (2, 5)),
                    r["why_not"] or "",
                ),
            )
            for r in records(self._of("shares"))
            if r["reading"] == "slow"
        ]
        if not lines:
            return None
        return Table(
            "t-aware-done",
            "Declared to done: share of adoptions done after years, from the slow to the fast reading",
            ("estimate",),
            (
                "Group",
                "Actors × items",
                "Items",
                "Done",
                "Dated deeds",
                "of items",
                "Done in 2 years",
                "Done in 5 years",
                "Not read",
            ),
            (Body(None, tuple(lines)),),
            words=(7,),
            note="Unknown is not none: slow takes what is not recorded as not done, fast only as not known. ? is: too few still watched. "
            "Sides and layers were not looked up evenly; do not rank them by this.",
            marked=self.marked,
        )

    def _of(self, name: str) -> Any:
        return getattr(self.found, name)


def _number(value: float | None) -> str:
    return "–" if value is None else rounded(value)


def _percent(value: float | None) -> str:
    return "–" if value is None else percent(value)


def _ends(slow: float | None, fast: float | None) -> str:
    if slow is None and fast is None:
        return "–"
    return " to ".join("?" if v is None else percent(v) for v in (slow, fast))
