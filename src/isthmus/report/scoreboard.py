"""The scoreboard of a run in a terminal: what a reader wants first, on one screen after another."""

from __future__ import annotations

from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from isthmus.report.overlay import MARK, read_marks
from isthmus.study.excursions import headline as excursion_headline
from isthmus.study.layers import main_case
from isthmus.study.results import Results
from isthmus.study.runner import plan_of
from isthmus.study.schema import Study
from isthmus.sustainment.kernel import NEVER_YEARS

WIDTH = 132
"""Columns that the widest table takes; narrower terminals wrap."""


def print_scoreboard(results: Results, seconds: float | None = None, console: Console | None = None) -> None:
    """Print reach, supply states, outcome shares, layers and years to rebuild of a finished run."""
    console = console or Console(width=max(WIDTH, Console().width), highlight=False)
    console.print(headline(results, seconds), style="bold")
    console.print(
        "Shares of model worlds, medians with 5-95% in brackets. Not a forecast, and no probability of war.", style="dim"
    )
    for table in (
        reach_table(results),
        weeks_table(results),
        shares_table(results),
        rebuild_table(results),
        layers_table(results),
        weakest_table(results),
    ):
        if table is not None:
            console.print()
            console.print(table)
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


def weeks_table(results: Results) -> Table:
    """Weeks met, rationed and starved of the horizon, per war case, front and mission."""
    weeks = results.study["horizon_weeks"]
    names = _ecosystems(results)
    table = _table(
        f"Weeks met / rationed / starved of {weeks}: medians, and 5-95% of the weeks starved{_campaign_mark(results)}",
        names,
        "mission",
    )
    cells = results.quantiles.set_index(["war_case", "front", "mission", "outcome", "ecosystem"])
    chosen = results.quantiles[results.quantiles["outcome"] == "weeks_met"]
    last = ("", "")
    for case, front, mission in chosen[["war_case", "front", "mission"]].drop_duplicates().itertuples(index=False):
        if (case, front) != last:
            _heading(table, f"{_words(case)}, {front}")
        last = (case, front)
        texts = []
        for eco in names:
            states = [cells.loc[(case, front, mission, o, eco)] for o in ("weeks_met", "weeks_rationed", "weeks_starved")]
            medians = " / ".join(f"{s['median']:.0f}" for s in states)
            texts.append(f"{medians} ({states[2]['low']:.0f}-{states[2]['high']:.0f})")
        table.add_row(_words(mission), *texts)
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


def layers_table(results: Results) -> Table | None:
    """Shapley shares of the layers, in points; None where the run was not asked for them."""
    frame = results.layers
    if frame is None:
        return None
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


def weakest_table(results: Results, count: int = 3) -> Table:
    """The inputs that move the weeks met most, per front and mission, and whether they are assumptions."""
    case, eco = widest_case(results), _ecosystems(results)[0]
    table = Table(
        title=f"Weakest inputs: what moves the weeks met most ({_words(case)}, {_words(eco)}); square of the rank correlation",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        header_style="dim",
    )
    for name in ("front and mission", "input", "share", "kind"):
        table.add_column(name, no_wrap=True, overflow="fold")
    plan = plan_of(results.manifest)
    for view in results.manifest["views"]:
        if not results.at_war(case, view):
            continue
        front, mission = view.rsplit(".", 1)
        label = f"{front} {_words(mission)}"
        for row in results.influences(f"weeks_met.{view}", case, eco).head(count).itertuples():
            kind = plan.design.by_name[row.input].kind if plan is not None else ""
            table.add_row(label, row.input, f"{100 * row.share:.0f}%", kind)
            label = ""
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
