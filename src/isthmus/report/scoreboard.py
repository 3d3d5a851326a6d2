"""The scoreboard of a run in a terminal: what a reader wants first, on one screen after another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from isthmus.deterrence.inputs import Inputs
from isthmus.deterrence.results import margin_rows, opportunism_rows
from isthmus.errors import InputError
from isthmus.report.influence import flip_text, kind_text, share_text
from isthmus.report.overlay import MARK, read_marks
from isthmus.study import audit, deterring
from isthmus.study.drivers import LEAST_FUTURES, analyse
from isthmus.study.excursions import headline as excursion_headline
from isthmus.study.layers import main_case
from isthmus.study.plan import Plan
from isthmus.study.results import Results
from isthmus.study.runner import plan_of
from isthmus.study.schema import Study
from isthmus.sustainment.kernel import NEVER_YEARS

WIDTH = 132
"""Columns that the widest table takes; narrower terminals wrap."""


def print_scoreboard(
    results: Results, seconds: float | None = None, console: Console | None = None, plan: Plan | None = None
) -> None:
    """Print reach, supply states, outcome shares, margins, layers, years to rebuild and weakest inputs of a finished run.

    `plan`: that of the run, where it is at hand; else it is made anew, if the run's register can be found.
    """
    console = console or Console(width=max(WIDTH, Console().width), highlight=False)
    plan = plan or plan_of(results.manifest)
    console.print(headline(results, seconds), style="bold")
    console.print(
        "Shares of model worlds, medians with 5-95% in brackets. Not a forecast, and no probability of war.", style="dim"
    )
    for part in (
        reach_table(results),
        weeks_table(results),
        shares_table(results),
        *margin_tables(results, plan),
        layers_table(results),
        rebuild_table(results),
        weakest_table(results, plan),
    ):
        console.print()
        console.print(part)
    found = read_marks(results)
    if found is not None:
        console.print()
        console.print(found.sentence())


def _campaign_mark(results: Results) -> str:
    """The mark of figures that rest on a private overlay, where what is simulated does; empty elsewhere."""
    found = read_marks(results)
    return f" {MARK}" if found is not None and found.campaign else ""


def headline(results: Results, seconds: float | None = None) -> str:
    m = results.manifest
    r = m["register"]
    parts = [
        f"Isthmus · {m['study']['study']} study",
        f"register of {r['newest']}: {r['facts']:,} facts, {r['estimates']:,} estimates, {r['assumptions']:,} assumptions",
        f"{m['study']['futures']:,} futures",
    ]
    if seconds is not None:
        parts.append(f"{seconds:.0f} s")
    return " · ".join(parts)


def _table(title: str, names: list[str], *first: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    for name in first:
        table.add_column(name, no_wrap=True, overflow="fold")
    for name in names:
        table.add_column(name.replace("_", " "), justify="right", no_wrap=True, overflow="fold")
    return table


def _ecosystems(results: Results) -> list[str]:
    return [e["name"] for e in results.study["ecosystems"]]


TIERS = ("campaign", "magazine", "indicator")


def _heading(table: Table, text: str) -> None:
    table.add_row(f"[bold]{text}[/bold]")


def reach_table(results: Results) -> Table:
    """Reach of every front as a share of its coalition's scale, hub share and scale ratio beside."""
    names = _ecosystems(results)
    table = _table("Reach: share of the coalition's stock and output that a front could use", names, "front and mission", "")
    cells = results.reach.set_index(["front", "mission", "measure", "ecosystem"])
    keys = results.reach[["front", "mission", "tier"]].drop_duplicates()
    found = read_marks(results)
    measures = {"reach": "reach", "reach_if_both_draw": "both draw", "hub_share": "hub share", "scale_ratio": "scale ratio"}
    last = ""
    for front, mission, tier in sorted(keys.itertuples(index=False), key=lambda k: (k[0], TIERS.index(k[2]), k[1])):
        if front != last:
            _heading(table, front)
        last = front
        label = f"{_words(mission)} ({tier})" + (
            f" {MARK}" if found is not None and found.place(front.split(".", 1)[0], mission) else ""
        )
        for measure, name in measures.items():
            values = [cells.loc[(front, mission, measure, eco)] for eco in names]
            if all(pd.isna(v["median"]) or (measure == "scale_ratio" and v["median"] == 0) for v in values):
                continue
            table.add_row(label, name, *(_range(v, percent=measure != "scale_ratio") for v in values))
            label = ""
    return table


STATES = ("met", "rationed", "starved")


def weeks_table(results: Results) -> Table:
    """Weeks met, rationed and starved of the horizon, per war case, front and mission."""
    weeks = results.study["horizon_weeks"]
    names = _ecosystems(results)
    table = _table(f"Weeks met, rationed and starved of {weeks}{_campaign_mark(results)}", names, "mission", "")
    cells = results.quantiles.set_index(["war_case", "front", "mission", "outcome", "ecosystem"]).sort_index()
    chosen = results.quantiles[results.quantiles["outcome"] == "weeks_met"]
    last = ("", "")
    for case, front, mission in chosen[["war_case", "front", "mission"]].drop_duplicates().itertuples(index=False):
        if (case, front) != last:
            _heading(table, f"{_words(case)}, {front}")
        last = (case, front)
        label = _words(mission)
        for state in STATES:
            found = [cells.loc[(case, front, mission, f"weeks_{state}", eco)] for eco in names]
            table.add_row(label, state, *(f"{v['median']:.0f} ({v['low']:.0f}-{v['high']:.0f})" for v in found))
            label = ""
    return table


def shares_table(results: Results) -> Table:
    """Share of worlds: defence unsustained, attack unsustained, undecided."""
    names = _ecosystems(results)
    table = _table(
        f"Share of worlds: defence unsustained · attack unsustained · undecided{_campaign_mark(results)}",
        names,
        "theater and mission",
    )
    cells = results.shares.set_index(["war_case", "front", "mission", "ecosystem"])
    last = ""
    for case, theater, mission in results.shares[["war_case", "front", "mission"]].drop_duplicates().itertuples(index=False):
        if case != last:
            _heading(table, _words(case))
        last = case
        rows = [cells.loc[(case, theater, mission, eco)] for eco in names]
        texts = (" · ".join(_share(r[o]) for o in ("defence_unsustained", "attack_unsustained", "undecided")) for r in rows)
        table.add_row(f"{theater} {_words(mission)}", *texts)
    return table


def margin_tables(results: Results, plan: Plan | None) -> Iterator[Table | str]:
    """Margins by challenger, and what a first war does to the second challenger's; a line with the reason where there are none."""
    if not results.manifest["duels"] or all(c.get("exchange") for c in results.study["war_cases"]):
        yield "Margin of deterrence: left out, as it needs a simulated duel in a war case without force exchange."
        return
    try:
        inputs = deterring.from_run(results, plan.register if plan else None)
    except InputError as bad:
        yield f"Margin of deterrence: left out. {bad}"
        return
    yield _margins(results, inputs)
    rows = opportunism_rows(inputs)
    if rows:
        yield _opportunism(results, rows)
    else:
        yield "What the first war does to the second challenger's margin: no pair of war cases tells it."


def _margins(results: Results, inputs: Inputs) -> Table:
    names = _ecosystems(results)
    table = _table(
        "Margin of deterrence p* - p: by how much the chance of success falls short of what would make attack worth it; never a"
        f" probability of war. Over draws of an attacker's costs and values, all of them assumed{_campaign_mark(results)}",
        names,
        "challenger and mission",
    )
    found: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for r in margin_rows(inputs):
        found.setdefault((r["war_case"], f"{r['challenger']}, {_words(r['mission'])}"), {})[r["ecosystem"]] = r
    last = ""
    for (case, label), by in found.items():
        if case != last:
            _heading(table, _words(case))
        last = case
        table.add_row(label, *(_signed(by[e]["median"], by[e]["low"], by[e]["high"]) for e in names))
    return table


def _opportunism(results: Results, rows: list[dict[str, Any]]) -> Table:
    names = _ecosystems(results)
    table = _table(
        "What the first war does to the second challenger's margin: change, and the part of it that the campaigns give ± s.e."
        f" (the rest is assumed){_campaign_mark(results)}",
        names,
        "after the first war",
        "",
    )
    last = ""
    found: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for r in rows:
        after = f"{r['lag_weeks']} weeks, {r['first']}" if r["lag_weeks"] else f"at once, {r['first']}"
        found.setdefault((f"{r['challenger']}, {_words(r['mission'])}", after), {})[r["ecosystem"]] = r
    for (heading, after), by in found.items():
        if heading != last:
            _heading(table, heading)
        last = heading
        changes = (_signed(*(by[e][f"margin_change_{k}"] for k in ("median", "low", "high"))) for e in names)
        table.add_row(after, "change", *changes)
        table.add_row("", "campaigns", *(f"{by[e]['from_campaigns']:+.3f}±{by[e]['p_change_standard_error']:.3f}" for e in names))
    return table


def _signed(median: float, low: float, high: float) -> str:
    return f"{median:+.2f} ({low:.2f} to {high:.2f})"


def widest_case(results: Results) -> str:
    """The war case with most theaters at war, earliest; without exchange where there is one."""
    cases = [c for c in results.study["war_cases"] if not c.get("exchange")] or results.study["war_cases"]
    return str(max(cases, key=lambda c: (len(c["starts"]), -sum(c["starts"].values())))["name"])


def rebuild_table(results: Results) -> Table:
    """Years to rebuild what the widest war used, at the output of its last week; materiel with a median deficit only."""
    names = _ecosystems(results)
    case = widest_case(results)
    table = _table(
        f"Years to rebuild the stocks used in {_words(case)}, at the output of the last week{_campaign_mark(results)}",
        names,
        "side and materiel",
    )
    frame = results.quantiles[(results.quantiles["outcome"] == "years_to_rebuild") & (results.quantiles["war_case"] == case)]
    cells = frame.set_index(["front", "mission", "ecosystem"])
    for side, materiel in frame[["front", "mission"]].drop_duplicates().itertuples(index=False):
        rows = [cells.loc[(side, materiel, eco)] for eco in names]
        if max(r["median"] for r in rows) > 0:
            table.add_row(f"{side} {materiel}", *(_years(r) for r in rows))
    return table


def layers_table(results: Results) -> Table | str:
    """Shapley shares of the layers, in points; a line where the run was not asked for them."""
    frame = results.layers
    if frame is None:
        return "Where the dividend comes from: not asked of this run, or it has one ecosystem only."
    names = [_words(n) for n in _ecosystems(results)]
    case = _words(frame["war_case"].iloc[0])
    title = (
        f"Where the dividend comes from, {names[0]} to {names[-1]}: Shapley shares of need met (fronts) and of worlds in which the"
        f" defence is unsustained (theaters), points ± s.e., {case}; n.e. not estimable{_campaign_mark(results)}"
    )
    layers = [str(x) for x in dict.fromkeys(frame["layer"])]
    table = _table(title, [*layers, "all"], "front and mission")
    shown = frame[frame["outcome"].isin(("need_met", "defence_unsustained"))]
    for (front, mission, _), part in shown.groupby(["front", "mission", "outcome"], sort=False):
        by = part.set_index("layer")
        cells = [
            f"{100 * by.at[x, 'shapley']:+.1f}±{100 * by.at[x, 'shapley_se']:.1f}" if by.at[x, "estimable"] else "n.e."
            for x in layers
        ]
        table.add_row(f"{front} {_words(mission)}", *cells, f"{100 * part['total'].iloc[0]:+.1f}")
    return table


def print_excursions(frame: pd.DataFrame, base: Study) -> None:
    """The scorecard: excursions down; need met of defending fronts and outcome shares across, mean paired differences."""
    shown = excursion_headline(frame, base)
    defending = {f.front for f in base.fronts if f.role == "defender"} | {f.theater for f in base.fronts}
    shown = shown[shown["front"].isin(defending) & (shown["outcome"] != "share_attack_unsustained")]
    columns = list(dict.fromkeys(zip(shown["front"], shown["mission"], shown["outcome"], strict=True)))
    title = (
        f"Excursions from {base.study}, {_words(main_case(base).name)}, {_words(base.ecosystems[0].name)}: change in points ± 2 s.e."
        " of need met (fronts) and of worlds with the defence unsustained (theaters)"
    )
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    table.add_column("excursion", ratio=2)
    for front, mission, outcome in columns:
        table.add_column(f"{_words(front)} {_words(mission)}: {_words(outcome).removeprefix('share ')}", justify="right", ratio=1)
    for _, part in shown.groupby("excursion", sort=False):
        by = part.set_index(["front", "mission", "outcome"])
        cells = [f"{100 * by.at[key, 'difference']:+.1f} ± {200 * by.at[key, 'standard_error']:.1f}" for key in columns]
        table.add_row(part["title"].iloc[0], *cells)
    Console(width=max(WIDTH, Console().width), highlight=False).print(table)


WEAKEST = 4
"""Inputs named for each answer."""


def weakest_table(results: Results, plan: Plan | None) -> Table | str:
    """What moves the share of lost defences most and is no fact, and the value that would flip the verdict on it."""
    targets = audit.headlines(results)
    if results.study["futures"] < LEAST_FUTURES or not targets:
        return f"Weakest inputs: left out, as it takes {LEAST_FUTURES} futures and a simulated duel to tell what moves an answer."
    found = analyse(audit.analysis_of(results, plan, targets))
    table = Table(
        title="Weakest inputs: estimates, assumptions and draws that move the share of worlds with the defence unsustained most"
        f" ({_words(targets[0].war_case)}, {_words(targets[0].ecosystem)}), and the value of one alone that would flip the verdict:"
        f" {found[0].statement.text if found[0].statement else ''}{_campaign_mark(results)}",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        header_style="dim",
    )
    for name in ("theater, mission and input", "share of variance (5-95%)", "kind", "flips the verdict"):
        table.add_column(name, no_wrap=True, justify="right" if "share" in name else "left", overflow="fold")
    for judged in found:
        t = judged.target
        _heading(table, f"{t.front} {_words(t.mission)}: {'holds' if judged.holds else 'does not hold'}")
        for d in audit.weakest(judged, WEAKEST):
            flips = flip_text(d) if d.flips_at is not None else "no value in its range flips it"
            table.add_row(d.input, share_text(d), kind_text(d), flips)
        if not judged.drivers:
            table.add_row("no input stands out of chance")
    return table


def _range(cell: pd.Series[Any], *, percent: bool) -> str:
    if pd.isna(cell["median"]):
        return "-"
    median, low, high = (_one(cell[k], percent=percent) for k in ("median", "low", "high"))
    return f"{median}{'%' if percent else ''} ({low}-{high})"


def _one(value: float, *, percent: bool) -> str:
    if percent:
        return f"{100 * value:.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.0f}"


def _share(value: float) -> str:
    """A share of worlds; none and few are told apart."""
    return "<1%" if 0 < value < 0.005 else f"{100 * value:.0f}%"


def _years(cell: pd.Series[Any]) -> str:
    low, median, high = (
        f"{NEVER_YEARS:.0f}+" if v >= NEVER_YEARS else f"{v:.1f}" for v in (cell["low"], cell["median"], cell["high"])
    )
    return median if low == high else f"{median} ({low}-{high})"


def _words(name: object) -> str:
    return str(name).replace("_", " ")
