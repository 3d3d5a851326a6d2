"""The validation in the report, for a reader who distrusts models: what was fitted, what was held back, what failed, what nothing tests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from statistics import median
from typing import Any

from isthmus.errors import InputError, Problem
from isthmus.report import validation_figures as drawn
from isthmus.report.context import Context, Triple
from isthmus.report.elements import Body, Cell, Drawing, Link, Row, Table
from isthmus.report.figures import LAST, THIRD
from isthmus.report.validation import KINDS
from isthmus.report.wording import number, percent, plain, signed, signed_error, spread
from isthmus.validation.air_defence import LEAST_GAIN
from isthmus.validation.air_defence_model import FIT_FROM, FIT_TO
from isthmus.validation.observations import FIT_END

PARTS = ("register", "cases", "artillery", "air_defence", "natural", "untested")
PASS, FAIL = "pass", "FAIL"
FIGURE_KINDS = ("model result", "fact")
BASES = {"narrow_western": "narrow count", "broad_ukr_mod": "broad count", "155mm only": "155 mm only", "ratio": "ratio"}
SHAPES = {"narrow_western": "o", "broad_ukr_mod": "s", "155mm only": "^"}
SETS = {"fit": "fit window", "held": "held back"}
AIR_TYPES = {
    "ballistic_aeroballistic": "Ballistic missiles",
    "cruise": "Cruise missiles",
    "shahed_and_decoy_uav": "Shahed drones and decoys",
}
RIVAL_NAMES = {
    "flattened": "flattened arrivals",
    "minimal": "minimal model",
    "unfitted": "unfitted prior",
    "mass_balance": "mass balance",
    "persistence_point": "persistence, no spread",
    "mean_point": "mean, no spread",
}
SIDES = {"RUS": "Russia", "UKR": "Ukraine", "UKR.155mm": "Ukraine, 155 mm alone", "RUS:UKR": "Ratio, Russia to Ukraine"}
LEAST_FIRE = 300.0
"""Rounds a day where the axis of fire begins."""
RIVAL = "every shell serves every gun"


class ValidationSection:
    """A document of `isthmus.validation.suite` as tables, figures and sentences. Raises InputError where a part of it is missing."""

    def __init__(self, run: Context, document: Mapping[str, Any]) -> None:
        missing = [part for part in PARTS if part not in document]
        if missing:
            problem = Problem(
                "validation",
                None,
                None,
                f"no {', '.join(missing)}",
                "a file of isthmus validate --out of this version",
                "incomplete",
            )
            raise InputError([problem])
        self.run = run
        self.document = document
        self.cases: list[Mapping[str, Any]] = list(document["cases"])

    # at a glance

    @cached_property
    def failed(self) -> list[Mapping[str, Any]]:
        return [c for c in self.cases if not c["passed"]]

    @cached_property
    def passed(self) -> int:
        return len(self.cases) - len(self.failed)

    @cached_property
    def register_differs(self) -> str:
        """Said plainly where the validation was made with another register than the run; empty where it was not."""
        theirs, mine = str(self.document["register"]["hash"]), str(self.run.manifest["register"]["hash"])
        if theirs == mine:
            return ""
        return (
            f"This validation was made with another register than the run: {theirs[:16]} (up to {self.document['register']['newest']})"
            f" against {mine[:16]} (up to {self.run.manifest['register']['newest']}). Its verdicts are those of its own register, and"
            " some may differ for this one."
        )

    @cached_property
    def tally(self) -> Table:
        """Cases passed and failed, by kind."""
        rows = []
        for kind, title in KINDS.items():
            mine = [c for c in self.cases if c["kind"] == kind]
            if mine:
                good = sum(bool(c["passed"]) for c in mine)
                rows.append(
                    Row(title, (f"{len(mine)}", f"{good}", f"{len(mine) - good}"), "fail" if good < len(mine) else "pass")
                )
        rows.append(
            Row("All", (f"{len(self.cases)}", f"{self.passed}", f"{len(self.failed)}"), "fail" if self.failed else "pass")
        )
        return Table(
            "t-tally",
            "Cases held against closed forms, published figures and observations",
            ("model result",),
            ("Kind", "Cases", "Passed", "Failed"),
            (Body(None, tuple(rows)),),
        )

    @cached_property
    def fitted(self) -> list[str]:
        art = self.document["artillery"]
        rows = [r for r in art["rows"] if r["set"] == "fit" and r["block"] == "conditional"]
        events = {r["event"] for r in rows}
        return [
            f"Artillery in Ukraine: {len(art['identifiability'])} parameters on {len(rows)} observations of {len(events)} events up to"
            f" {FIT_END}, frozen as {str(art['frozen'])[:16]}"
            + (f". Changed since: {', '.join(art['stale'])}." if art["stale"] else "; nothing has changed since."),
            f"Air defence over Ukraine: one slowly moving level per type, on {FIT_FROM} to {FIT_TO}.",
            "Plans: how far and how late announced output comes, as quantiles of programmes with a known outcome.",
            "Natural experiments: nothing is fitted.",
        ]

    @cached_property
    def held_back(self) -> list[str]:
        art, air = self.document["artillery"], self.document["air_defence"]
        later = [r for r in art["rows"] if r["set"] != "fit" and r["block"] == "conditional"]
        known = [r for r in later if r["set"] == "held"]
        out = [
            f"Artillery: {len(known)} observations after {FIT_END}, never fitted. The developers knew them before the freeze, so they are no"
            " clean test."
            if known
            else f"Artillery: no observation after {FIT_END}.",
        ]
        if len(later) > len(known):
            out.append(f"Artillery: {len(later) - len(known)} later observations of your own, never fitted.")
        months = [e for name, events in air["events"].items() for e in events if "later" in name and "one_month" in name]
        out.append(
            f"Air defence: {len(months)} months and types after {FIT_TO}, nothing refitted."
            if months
            else f"Air defence: no month after {FIT_TO} is in the register, so nothing was held back; every forecast uses earlier months"
            " only, and its parameters were fitted on the same window."
        )
        tests = self.document["natural"]["tests"]
        out.append(
            f"Natural experiments: all {len(tests)} tests; the ranges that predict them name no observation that is scored."
        )
        return out

    @cached_property
    def unidentified(self) -> list[Mapping[str, Any]]:
        return [row for row in self.document["artillery"]["identifiability"] if not row["identified"]]

    @cached_property
    def untested(self) -> list[str]:
        return [str(u) for u in self.document["untested"]]

    # every case

    @cached_property
    def tables(self) -> list[Table]:
        return [self._cases(kind, title) for kind, title in KINDS.items() if any(c["kind"] == kind for c in self.cases)]

    def _cases(self, kind: str, title: str) -> Table:
        rows = [self._case(c) for c in sorted((c for c in self.cases if c["kind"] == kind), key=lambda c: bool(c["passed"]))]
        return Table(
            f"t-cases-{kind.replace('_', '-')}",
            title,
            FIGURE_KINDS,
            ("Verdict", "Case", "Observed", "Model (90% interval)", "Score, and that of rivals", "Why"),
            (Body(None, tuple(rows)),),
            words=(0, 3, 4),
            note="Failed cases first." if any(r.verdict == "fail" for r in rows) else "",
        )

    def _case(self, case: Mapping[str, Any]) -> Row:
        good = bool(case["passed"])
        tests = f"; speaks for: {case['tests']}" if case["tests"] else ""
        about = (Link(str(case["title"]), note=f"{case['case']}{tests}"),)
        cells: tuple[Cell, ...] = (about, _observed(case), _modelled(case), _scores(case), (Link(str(case["why"])),))
        return Row(PASS if good else FAIL, cells, "pass" if good else "fail")

    @cached_property
    def failures(self) -> Table | None:
        """The failed cases by themselves, as the first thing that is read."""
        if not self.failed:
            return None
        rows = [
            Row(FAIL, ((Link(str(c["title"]), note=str(c["case"])),), (Link(_short(str(c["why"]))),)), "fail")
            for c in self.failed
        ]
        return Table(
            "t-failed",
            f"What failed: {len(self.failed)} of {len(self.cases)} cases",
            FIGURE_KINDS,
            ("Verdict", "Case", "Why"),
            (Body(None, tuple(rows)),),
            words=(0, 1),
        )

    # artillery

    @cached_property
    def artillery(self) -> Drawing | None:
        """Fire by month of both sides, predicted and observed."""
        art = self.document["artillery"]
        months = [str(m) for m in art["months"]]
        panels = [
            drawn.Panel(
                f"{SIDES[side]}: fire, true arrivals given",
                "rounds a day",
                months,
                drawn.Band(range(len(months)), *art["series"][side]),
                tuple(self._seen(months, side)),
                fit_to=_position(months, FIT_END.isoformat(), end=True),
                data_to=_position(months, str(art["extrapolated_from"]), end=True),
                log_from=LEAST_FIRE,
            )
            for side in ("RUS", "UKR", "UKR.155mm")
            if side in art["series"]
        ]
        if not panels:
            return None
        note = (
            "Line and band: rounds a day of the fitted model, month by month, with what is known to have arrived. The narrow count is what"
            " the band predicts; broad counts also hold mortars and other calibres, which the model adds to the band before it is scored."
            " The axis is logarithmic."
            " A bar through a mark is the time that the figure speaks of. Grey: fit window; hollow marks were not fitted."
        )
        end = str(art["extrapolated_from"])
        note += f" Arrivals are known to {end}" + (
            "; what lies beyond is extrapolated and hatched."
            if str(art["until"]) > end
            else ", where the series ends: nothing is extrapolated."
        )
        title = "Artillery in Ukraine: fire by month"
        table = Table(
            "t-artillery-months",
            f"{title}, rounds a day: median (5–95%)",
            ("model result",),
            ("Month", *(SIDES[s] for s in art["series"])),
            (
                Body(
                    None,
                    tuple(
                        Row(month, tuple(spread(*(v[i] for v in art["series"][s])) for s in art["series"]))
                        for i, month in enumerate(months)
                    ),
                ),
            ),
        )
        return Drawing(
            "fig-artillery", title, drawn.panels_figure(panels, f"{title}. {note}", "va"), note, FIGURE_KINDS, table=table
        )

    def _seen(self, months: Sequence[str], side: str) -> Iterable[drawn.Seen]:
        actor, only = side.partition(".")[0], side.endswith("155mm")
        for row in self.document["artillery"]["rows"]:
            if row["block"] != "conditional" or row["actor"] != actor or (row["basis"] == "155mm only") != only:
                continue
            start, end = (_position(months, str(row[k]), end=k == "end") for k in ("start", "end"))
            value = float(row["observed"])
            yield drawn.Seen(start, end, value, value, value, SHAPES.get(str(row["basis"]), "o"), held=row["set"] != "fit")

    @cached_property
    def events(self) -> Drawing | None:
        """Every scored observation of fire against the interval that the model gave it."""
        rows = [r for r in self.document["artillery"]["rows"] if r["block"] == "conditional" and r["unit"] == "rounds/day"]
        if not rows:
            return None
        groups = []
        for actor in dict.fromkeys(r["actor"] for r in rows):
            spans = [
                drawn.Span(
                    f"{str(r['start'])[:7]} · {r['speaker'].replace('_', ' ')} · {BASES.get(r['basis'], r['basis'])}",
                    float(r["low"]),
                    float(r["median"]),
                    float(r["high"]),
                    float(r["observed"]),
                    not r["inside"],
                    hollow=r["set"] != "fit",
                )
                for r in sorted(rows, key=lambda r: str(r["start"]))
                if r["actor"] == actor
            ]
            groups.append((SIDES[actor], spans))
        title = "Artillery in Ukraine: each observation against its prediction"
        wide = median(float(r["high"]) / float(r["low"]) for r in rows)
        note = (
            "Each row is one observation, on its own counting basis. In the fit window each event is predicted by the fit to all others;"
            f" later ones by the frozen fit. Errors of observation included, the middle interval is {wide:.0f} times as high at its upper end as"
            " at its lower."
        )
        svg = drawn.spans_figure(groups, f"{title}. {note}", "ve", "rounds a day, logarithmic")
        return Drawing("fig-artillery-events", title, svg, note, FIGURE_KINDS, table=self._events_table)

    @cached_property
    def _events_table(self) -> Table:
        groups: dict[str, list[Row]] = {}
        for r in self.document["artillery"]["rows"]:
            title = f"{SIDES.get(r['actor'], r['actor'])}, {'true arrivals given' if r['block'] == 'conditional' else 'decisions sampled'}"
            row = Row(
                f"{r['start']} to {r['end']}",
                (
                    f"{r['speaker'].replace('_', ' ')}, {BASES.get(r['basis'], r['basis'])}",
                    SETS.get(r["set"], "later rows"),
                    number(float(r["observed"])),
                    spread(float(r["low"]), float(r["median"]), float(r["high"])),
                    "inside" if r["inside"] else "outside",
                    f"{r['crps']:.3f}",
                    ", ".join(f"{_rival(k)} {v:.3f}" for k, v in r["rivals"].items()),
                ),
                "" if r["inside"] else "fail",
            )
            groups.setdefault(title, []).append(row)
        head = (
            "Dates",
            "Speaker and count",
            "Set",
            "Observed",
            "Predicted: median (5–95%)",
            "90% interval",
            "CRPS, log units",
            "Rivals",
        )
        return Table(
            "t-artillery-events",
            "Scored observations of fire, rounds a day, and of the ratio of fire",
            FIGURE_KINDS,
            head,
            tuple(Body(title, tuple(rows)) for title, rows in groups.items()),
            words=(0, 1, 4, 6),
            bands=True,
        )

    # air defence

    @cached_property
    def air_defence(self) -> Drawing | None:
        """Share stopped by type, forecast one month ahead."""
        events = [e for name, found in self.document["air_defence"]["events"].items() if "one_month" in name for e in found]
        if not events:
            return None
        months = _months(min(e["month"] for e in events), max(e["month"] for e in events))
        panels, bodies = [], []
        for kind in dict.fromkeys(e["type"] for e in events):
            mine = {e["month"]: e for e in events if e["type"] == kind}
            band = drawn.Band(range(len(months)), *([_of(mine.get(m), k) for m in months] for k in ("low", "median", "high")))
            seen = [drawn.Seen(i, i, *(mine[m]["observed"],) * 3, held=m > FIT_TO) for i, m in enumerate(months) if m in mine]
            name = AIR_TYPES.get(kind, plain(kind))
            panels.append(
                drawn.Panel(
                    f"{name}: share stopped",
                    "one month ahead" + ("" if months[-1] > FIT_TO else "; all of it fit window"),
                    months,
                    band,
                    seen,
                    fit_to=_position(months, f"{FIT_TO}-31", end=True),
                    share=True,
                )
            )
            rows = [
                Row(
                    m,
                    (
                        SETS["fit"] if m <= FIT_TO else SETS["held"],
                        percent(e["observed"]),
                        spread(e["low"], e["median"], e["high"], percent),
                        "inside" if e["low"] <= e["observed"] <= e["high"] else "outside",
                    ),
                    "" if e["low"] <= e["observed"] <= e["high"] else "fail",
                )
                for m, e in sorted(mine.items())
            ]
            bodies.append(Body(name, tuple(rows)))
        title = "Air defence over Ukraine: share stopped by type, one month ahead"
        note = (
            "Launches are given; the share counts what was shot down and what was lost on the way, as claimed by the defender. The forecast"
            " of a month uses earlier months only. Months without a forecast have too few launches to be scored."
        )
        head = ("Type and month", "Set", "Claimed", "Forecast: median (5–95%)", "90% interval")
        table = Table("t-air-months", title, FIGURE_KINDS, head, tuple(bodies), words=(0, 3), bands=True)
        svg = drawn.panels_figure(panels, f"{title}. {note}", "vd", height=1.75)
        return Drawing("fig-air-defence", title, svg, note, FIGURE_KINDS, table=table)

    # natural experiments

    @cached_property
    def experiments(self) -> list[Drawing]:
        """Series over months with their rivals, then the delays."""
        series = self.document["natural"]["series"]
        out = [self._experiment(i, s) for i, s in enumerate(series) if len(s["at"]) > 2 and s["seen"]]
        delays = self._delays([s for s in series if s["unit"] == "weeks"])
        return [*out, *((delays,) if delays else ())]

    def _experiment(self, index: int, series: Mapping[str, Any]) -> Drawing:
        months = [str(m) for m in series["at"]]
        seen = [
            drawn.Seen(i, i, float(o["low"]), float(o["value"]), float(o["high"]), "o" if o["scored"] else "x")
            for o in series["seen"]
            for i in (months.index(str(o["at"])),)
        ]
        share = series["unit"] == "share"
        panel = drawn.Panel(
            series["name"][:1].upper() + series["name"][1:],
            series["unit"],
            months,
            drawn.Band(range(len(months)), series["low"], series["median"], series["high"]),
            seen,
            drawn.Band(range(len(months)), series["rival_low"], series["rival"], series["rival_high"]),
            series["hard"],
            data_to=_position(months, str(self.document["artillery"]["extrapolated_from"]), end=True)
            if not share or "fire" in series["name"]
            else None,
            share=share,
        )
        title = f"{series['experiment']}: {series['name']}"
        note = f"Blue: compatibility as a share and a delay. Orange, dashed: the rival, “{RIVAL}”. Green, dotted: a hard yes or no of fit."
        say = percent if share else number
        rows = [
            Row(
                m,
                (
                    spread(*_triple(series, ("low", "median", "high"), i), say),
                    spread(*_triple(series, ("rival_low", "rival", "rival_high"), i), say),
                    say(_nan(series["hard"][i])),
                    ", ".join(
                        say(float(o["value"])) + ("" if o["scored"] else " (not scored)") for o in series["seen"] if o["at"] == m
                    )
                    or "–",
                ),
            )
            for i, m in enumerate(months)
        ]
        head = ("Month", "Compatibility", f"Rival: {RIVAL}", "Hard yes or no", "Observed")
        table = Table(
            f"t-natural-{index}", f"{title}, {series['unit']}: median (5–95%)", FIGURE_KINDS, head, (Body(None, tuple(rows)),)
        )
        svg = drawn.panels_figure([panel], f"{title}. {note}", f"vn{index}", height=2.5)
        return Drawing(f"fig-natural-{index}", title, svg, note, FIGURE_KINDS, table=table)

    def _delays(self, series: Sequence[Mapping[str, Any]]) -> Drawing | None:
        groups, bodies = [], []
        for s in series:
            observed = {str(o["at"]): float(o["value"]) for o in s["seen"]}
            spans, rows = [], []
            for i, at in enumerate(str(a) for a in s["at"]):
                if at not in observed or s["median"][i] is None:
                    continue
                low, middle, high, rival, hard = (float(s[k][i]) for k in ("low", "median", "high", "rival", "hard"))
                missed = not low <= observed[at] <= high
                spans.append(drawn.Span(at, low, middle, high, observed[at], missed, others=(("D", rival), ("s", hard))))
                cells = (
                    number(observed[at]),
                    spread(low, middle, high),
                    number(rival),
                    number(hard),
                    "outside" if missed else "inside",
                )
                rows.append(Row(at, cells, "fail" if missed else ""))
            if spans:
                groups.append((str(s["experiment"]), spans))
                bodies.append(Body(str(s["experiment"]), tuple(rows)))
        if not groups:
            return None
        title = "E3 to E8: weeks from decision to use"
        note = f"Whether foreign materiel that does not fit comes late, and what does fit soon. The rival, “{RIVAL}”, knows no weeks of integration."
        svg = drawn.spans_figure(
            groups, f"{title}. {note}", "vw", "weeks, logarithmic", (("D", LAST, "rival"), ("s", THIRD, "hard yes or no"))
        )
        head = ("Experiment", "Materiel", "Observed", "Compatibility: median (5–95%)", "Rival", "Hard yes or no", "90% interval")
        table = Table("t-delays", f"{title}: median (5–95%)", FIGURE_KINDS, head, tuple(bodies), words=(4,))
        return Drawing("fig-delays", title, svg, note, FIGURE_KINDS, table=table)

    @cached_property
    def verdicts(self) -> Table:
        """Verdict of every test of compatibility, and what threatens it."""
        titles = {c["case"]: c["title"] for c in self.cases}
        says = {"compatibility": "compatibility wins", "rival": "the rival wins", "undecided": "does not separate"}
        rows = [
            Row(
                str(t["experiment"]),
                (
                    str(titles.get(t["case"], t["case"])),
                    says.get(t["verdict"], t["verdict"]),
                    "yes" if t["hard_does_as_well"] else "no",
                    str(t["threats"]),
                ),
                {"compatibility": "pass", "rival": "fail"}.get(t["verdict"], ""),
            )
            for t in self.document["natural"]["tests"]
        ]
        return Table(
            "t-natural",
            "Tests of compatibility, and what threatens each",
            ("model result",),
            ("Experiment", "Test", "Verdict", "Does a hard yes or no as well?", "Threats to it"),
            (Body(None, tuple(rows)),),
            words=(0, 1, 2, 3),
        )

    # what the equations earn

    @cached_property
    def parsimony(self) -> Table:
        rows = [
            Row(
                str(p["equation"]),
                (
                    f"{p['crps_full']:.3f}",
                    f"{p['crps_without']:.3f}",
                    signed_error(float(p["difference"]), float(p["standard_error_event"])),
                    f"{p['standard_error_speaker']:.3f}",
                    str(p["label"]),
                ),
                "pass" if p["label"] == "improves" else "fail" if p["difference"] > p["standard_error_event"] else "",
            )
            for p in self.document["artillery"]["parsimony"]
        ]
        head = ("Equation", "CRPS with it", "CRPS without", "Difference ± s.e. by event", "s.e. by speaker", "So it is")
        return Table(
            "t-parsimony",
            "Parsimony, artillery: what each equation adds; a difference below zero speaks for it",
            ("model result",),
            head,
            (Body(None, tuple(rows)),),
            words=(4,),
        )

    @cached_property
    def air_parsimony(self) -> Table:
        groups: dict[str, list[Row]] = {}
        for p in self.document["air_defence"]["parsimony"]:
            helps = float(p["aic_change"]) <= -LEAST_GAIN
            cells = (
                signed(float(p["slope"]), 2),
                signed(float(p["aic_change"]), 2),
                "would improve" if helps else "left out of the model",
            )
            groups.setdefault(AIR_TYPES.get(p["type_group"], plain(p["type_group"])), []).append(
                Row(str(p["term"]), cells, "fail" if helps else "")
            )
        return Table(
            "t-air-parsimony",
            f"Parsimony, air defence: what a further term would add; AIC must fall by {LEAST_GAIN:.0f} to speak for it",
            ("model result",),
            ("Type", "Term", "Slope, logits", "Change of AIC", "So it is"),
            tuple(Body(title, tuple(rows)) for title, rows in groups.items()),
            words=(2,),
        )

    @cached_property
    def identifiability(self) -> Table:
        rows = [
            Row(
                str(p["parameter"]),
                (
                    str(p["unit"]),
                    f"{number(float(p['prior_low']))} – {number(float(p['prior_high']))}",
                    spread(float(p["low"]), float(p["median"]), float(p["high"])),
                    f"{p['spread_ratio']:.2f}",
                    "identified" if p["identified"] else "not identified",
                    str(p["reason"]),
                ),
                "" if p["identified"] else "fail",
            )
            for p in sorted(self.document["artillery"]["identifiability"], key=lambda p: bool(p["identified"]))
        ]
        head = (
            "Parameter",
            "Unit",
            "Prior, range",
            "Posterior, median (5–95%)",
            "Spread of posterior by that of prior",
            "Reads",
            "Reason for the prior",
        )
        return Table(
            "t-identifiability",
            "Identifiability, artillery: where a posterior is 0.9 times as wide as its prior, or wider, nothing was learnt",
            ("model result", "assumption"),
            head,
            (Body(None, tuple(rows)),),
            words=(0, 4, 5),
        )

    @cached_property
    def outcome_rule(self) -> Table:
        rows = [
            Row(number(float(r["ratio"])), (percent(float(r["undecided"])), percent(float(r["defence_unsustained"]))))
            for r in self.document["artillery"]["outcome_rule"]
        ]
        return Table(
            "t-outcome-rule",
            "The outcome rule on the land fires of 2022 to 2025, which neither side lost: share of fitted draws",
            ("model result",),
            ("Ratio of fire r*", "Undecided", "Ukraine's defence called unsustained"),
            (Body(None, tuple(rows)),),
        )

    @cached_property
    def undecided_range(self) -> str:
        """Where the rule calls a war that nobody lost undecided."""
        rows = self.document["artillery"]["outcome_rule"]
        if not rows:
            return ""
        low, high = rows[0], rows[-1]
        good = [float(r["ratio"]) for r in rows if float(r["undecided"]) > 1 / 2]
        ratio = self.run.plan.design.by_name.get("duel.ratio") if self.run.plan else None
        where = f"most draws are undecided from r* = {number(min(good))} on" if good else "at no r* are most draws undecided"
        return (
            f"Neither side of that war lost on supply, so the rule should say undecided. It does in {percent(float(low['undecided']))} of draws at"
            f" r* = {number(float(low['ratio']))} and in {percent(float(high['undecided']))} at r* = {number(float(high['ratio']))};"
            f" {where}."
            + (
                f" Results draw it from {number(ratio.low)} to {number(ratio.high)}, so a part of “defence unsustained” is the rule and not the war."
                if ratio
                else ""
            )
        )

    @cached_property
    def unscored(self) -> Table | None:
        rows = [Row(str(u["row"]), ((Link(str(u["why"])),),)) for u in self.document["artillery"]["unscored"]]
        if not rows:
            return None
        return Table(
            "t-unscored",
            "Observations that were not scored, and why",
            ("fact",),
            ("Observation", "Why"),
            (Body(None, tuple(rows)),),
            words=(0,),
        )

    @cached_property
    def sources(self) -> list[Mapping[str, Any]]:
        """Sources of what was observed, where the register is at hand."""
        if self.run.plan is None:
            return []
        wanted = {s for c in self.cases for s in c["sources"]}
        frame = self.run.plan.register.table("sources")
        found = [{str(k): v for k, v in s.items()} for s in frame[frame["source_id"].isin(wanted)].to_dict("records")]
        return sorted(found, key=lambda s: (str(s["publisher"]).casefold(), str(s["title"]).casefold(), str(s["source_id"])))


def _short(why: str) -> str:
    """The sentence of a rule that says what failed: the first one, where it says enough."""
    first = re.split(r"(?<=\.)\s+(?=[A-Z0-9])", why, maxsplit=1)[0]
    return first.replace("s.e..", "s.e.")


def _observed(case: Mapping[str, Any]) -> Cell:
    """What was observed; a unit that is one of the score alone (logarithms, nats) is not that of the observation."""
    if case["observed"] is None:
        return "–"
    unit = "" if case["unit"] in ("nats", "log", None) else str(case["unit"]).removeprefix("ln ")
    return f"{number(float(case['observed']))} {unit}".strip()


def _modelled(case: Mapping[str, Any]) -> Cell:
    if case["median"] is None:
        return "–"
    low, middle, high = (float(case["median"] if case[k] is None else case[k]) for k in ("low", "median", "high"))
    return spread(low, middle, high)


def _scores(case: Mapping[str, Any]) -> Cell:
    """The model's score, then its rivals', best first; then how often the interval held, and the worst with an episode left out."""
    out = []
    if case["score"] is not None:
        out.append(Link(f"model {case['score']:.3f}"))
        out += [Link(f"{_rival(k)} {v:.3f}", note="better" if v < case["score"] else "") for k, v in _ranked(case["rivals"])]
    if case["cover90"] is not None:
        out.append(Link(f"{percent(float(case['cover90']))} in the 90% interval"))
    if case["leave_one_out_worst"] is not None:
        out.append(Link(f"worst skill with an episode left out {100 * case['leave_one_out_worst']:+.0f}%".replace("-", "−")))
    return tuple(out) or "–"


def _ranked(rivals: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(((k, float(v)) for k, v in rivals.items()), key=lambda kv: kv[1])


def _rival(name: str) -> str:
    return RIVAL_NAMES.get(name, name.replace("_", " "))


def _months(first: str, last: str) -> list[str]:
    """Every month from the first to the last, YYYY-MM."""
    begin, end = (int(m[:4]) * 12 + int(m[5:7]) - 1 for m in (first, last))
    return [f"{i // 12}-{i % 12 + 1:02d}" for i in range(begin, end + 1)]


def _position(months: Sequence[str], day: str, *, end: bool = False) -> float:
    """Where a day lies on an axis of months whose middles are 0, 1, …; a month is drawn from −0.5 to +0.5."""
    whole = 12 * (int(day[:4]) - int(months[0][:4])) + int(day[5:7]) - int(months[0][5:7])
    number_of_day = int(day[8:10] or 15)
    return whole - 0.5 + min(1.0, (number_of_day - (not end)) / 30.4)


def _of(event: Mapping[str, Any] | None, key: str) -> float | None:
    return None if event is None else float(event[key])


def _triple(series: Mapping[str, Any], names: tuple[str, str, str], index: int) -> Triple:
    low, middle, high = (_nan(series[name][index]) for name in names)
    return low, middle, high


def _nan(value: float | None) -> float:
    return float("nan") if value is None else float(value)
