"""The document of deterrence as tables for reading and as long rows, always with its grid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]

LONG_COLUMNS = (
    "table",
    "ecosystem",
    "war_case",
    "theater",
    "challenger",
    "mission",
    "without",
    "effort",
    "size",
    "fear",
    "status_quo",
    "cost_weight",
    "p",
    "margin",
)

SHOWN_STATUS_QUO = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class Table:
    """Rows under a title, with what must be known to read them."""

    title: str
    rows: list[Row]
    notes: tuple[str, ...] = ()


def long_rows(document: Mapping[str, Any]) -> Iterator[Row]:
    """A row per margin and point of the grid, absences and efforts too: nothing without its grid."""
    for table, chance in (("margins", "p"), ("absences", "p_without"), ("restorations", "p_with_effort")):
        for row in document[table]:
            names = {c: row.get(c) for c in LONG_COLUMNS[1 : LONG_COLUMNS.index("fear")]}
            p = row[chance]
            for point, margin in _points(document["grid"], row["by_grid"]):
                yield {"table": table, **names, **point, "p": p, "margin": margin}


def _points(grid: Mapping[str, Any], values: Sequence[Sequence[Sequence[Any]]]) -> Iterator[tuple[Row, Any]]:
    for fear, plane in zip(grid["fear"], values, strict=True):
        for status_quo, line in zip(grid["status_quo"], plane, strict=True):
            for weight, value in zip(grid["cost_weight"], line, strict=True):
                yield {"fear": fear, "status_quo": status_quo, "cost_weight": weight}, value


def tables(document: Mapping[str, Any]) -> list[Table]:
    """Tables in the order in which they should be read; empty ones are left out."""
    ends = _ends(document)
    found = [
        _margins(document, ends),
        *_grids(document, ends),
        _balance(document, ends),
        _weeks(document, ends),
        _opportunism(document, ends),
        *_regions(document, ends),
        _attribution(document),
        _prices(document),
        _inputs(document),
        *_run_again(document),
        _break_evens(document, ends),
        _rebuilding(document, ends),
        _absences(document, ends[0]),
        *_restorations(document),
    ]
    return [t for t in found if t.rows]


def _ends(document: Mapping[str, Any]) -> tuple[str, ...]:
    """First and last ecosystem: what stands between is in the JSON."""
    names = list(dict.fromkeys(r["ecosystem"] for r in document["margins"]))
    return tuple(dict.fromkeys((names[0], names[-1]))) if names else ()


def _margins(document: Mapping[str, Any], ends: Sequence[str]) -> Table:
    rows = []
    for r in document["margins"]:
        if r["ecosystem"] in ends:
            rows.append(
                {
                    "war case": r["war_case"],
                    "challenger": r["challenger"],
                    "mission": r["mission"],
                    "ecosystem": r["ecosystem"],
                    "p": f"{r['p']:.2f}",
                    "margin, median (5 to 95% of draws)": f"{r['median']:+.2f} ({r['low']:+.2f} to {r['high']:+.2f})",
                    "if undecided counts": f"{r['median_if_undecided_counts']:+.2f}",
                    "above nil on the grid": f"{r['share_of_grid_positive']:.0%}",
                }
            )
    rows.sort(key=lambda r: (r["war case"], r["challenger"], r["mission"]))
    return Table(
        f"Margins p* - p: by how much aggression fails to pay, in the first {document['window_weeks']} weeks of a war",
        rows,
        tuple(document["reading"]),
    )


def _grids(document: Mapping[str, Any], ends: Sequence[str]) -> Iterator[Table]:
    """The grid of each duel in the war case of its own theater, first ecosystem to last."""
    grid = document["grid"]
    by = {(r["ecosystem"], r["war_case"], r["theater"], r["mission"]): r for r in document["margins"]}
    for theater, mission in dict.fromkeys((r["theater"], r["mission"]) for r in document["margins"]):
        case = next(r["war_case"] for r in document["margins"] if (r["theater"], r["mission"]) == (theater, mission))
        chosen = [by[e, case, theater, mission] for e in ends]
        rows = []
        for f, fear in enumerate(grid["fear"]):
            for s, status_quo in enumerate(grid["status_quo"]):
                if status_quo in SHOWN_STATUS_QUO:
                    line: Row = {"fear": f"{fear:g}", "status quo": f"{status_quo:g}"}
                    for w, weight in enumerate(grid["cost_weight"]):
                        line[f"costs × {weight:g}"] = " → ".join(f"{r['by_grid'][f][s][w]:+.2f}" for r in chosen)
                    rows.append(line)
        yield Table(f"Median margin over the grid, {chosen[0]['challenger']}, {mission}, {case}: {' → '.join(ends)}", rows)


def _balance(document: Mapping[str, Any], ends: Sequence[str]) -> Table:
    rows = [
        {
            "theater": r["theater"],
            "mission": r["mission"],
            "ecosystem": r["ecosystem"],
            "defender by attacker (5 to 95%)": _ratio(r),
            "worlds in which the defender is ahead": f"{r['share_of_worlds_ahead']:.0%}",
            "p in the worst third": f"{r['p_in_lowest_third']:.3f}",
            "p in the best third": f"{r['p_in_highest_third']:.3f}",
            "difference": f"{r['difference']:+.3f} ± {r['standard_error']:.3f}",
        }
        for r in document["local_balance"]
        if r["ecosystem"] in ends and r["ratio_median"] is not None and r["difference"] is not None
    ]
    notes = (
        "Effect that either can reach in its theater before the first shot; p in the war of that theater alone, by thirds of worlds.",
    )
    return Table("Local balance, apart from the margin and from weeks sustained", rows, notes)


def _ratio(r: Mapping[str, Any]) -> str:
    low, median, high = ("no limit" if r[f"ratio_{k}"] is None else f"{r[f'ratio_{k}']:.2f}" for k in ("low", "median", "high"))
    return f"{median} ({low} to {high})"


def _weeks(document: Mapping[str, Any], ends: Sequence[str]) -> Table:
    rows = [
        {
            "war case": r["war_case"],
            "theater": r["theater"],
            "mission": r["mission"],
            "ecosystem": r["ecosystem"],
            "weeks sustained (5 to 95%)": f"{r['weeks_median']:.0f} ({r['weeks_low']:.0f} to {r['weeks_high']:.0f})",
            **{f"unsustained in {w} weeks": f"{r[f'unsustained_in_{w}_weeks']:.1%}" for w in (13, 26, 52)},
        }
        for r in document["weeks_sustained"]
        if r["ecosystem"] in ends and r["who"] == "defender"
    ]
    rows.sort(key=lambda r: (r["theater"], r["mission"], r["war case"]))
    return Table("Weeks sustained: weeks in which the defender is not starved, and worlds lost in the short term", rows)


def _opportunism(document: Mapping[str, Any], ends: Sequence[str]) -> Table:
    rows = [
        {
            "second challenger": r["challenger"],
            "mission": r["mission"],
            "weeks after the first": f"{r['lag_weeks']}{'' if r['weeks_of_peace_in_the_change'] == 0 else ' *'}",
            "ecosystem": r["ecosystem"],
            "p alone": f"{r['p_alone']:.3f}",
            "p with the first war": f"{r['p_with_first_war']:.3f}",
            "change of margin": f"{r['margin_change_median']:+.3f} ({r['margin_change_low']:+.3f} to {r['margin_change_high']:+.3f})",
            "by campaigns": f"{r['from_campaigns']:+.3f} ± {r['p_change_standard_error']:.3f}",
            "by assumption": f"{r['from_divided_attention']:+.3f}",
            "flips at cost weight": "never"
            if r["change_flips_at_cost_weight"] is None
            else f"{r['change_flips_at_cost_weight']:.2f}",
            "opened at most": f"{_largest(document, r['opened_by_grid']):.0%}",
        }
        for r in document["opportunism"]
        if r["ecosystem"] in ends
    ]
    confounded = any(r["weeks_of_peace_in_the_change"] for r in document["opportunism"])
    notes = (
        "by campaigns: the change of p, from stocks that two wars share, with its standard error; by assumption: punishment divided.",
        "The change does not depend on the status quo, by construction. Whether the margin's own sign turns does: opened at most is the",
        "largest share of draws, over the grid, in which the first war turns it against deterrence; opened_by_grid has all points.",
        *(("* against a war alone that begins earlier: what those weeks of peace change is in it too.",) if confounded else ()),
    )
    return Table("Opportunism: what a first war does to the second challenger's margin", rows, notes)


def _largest(document: Mapping[str, Any], values: Sequence[Sequence[Sequence[float]]]) -> float:
    """Over the grid, but for costs that weigh nothing: there all draws are one."""
    weighed = [w > 0 for w in document["grid"]["cost_weight"]]
    return max(x for plane in values for line in plane for x, counts in zip(line, weighed, strict=True) if counts)


def _regions(document: Mapping[str, Any], ends: Sequence[str]) -> Iterator[Table]:
    titles = {
        "attack_or_not": "Attack or not: regions of equilibria, share of draws and points of the grid",
        "now_or_later": "Now or later, were both to attack: regions of equilibria, share of draws and points of the grid",
    }
    for game, title in titles.items():
        rows = []
        for r in document["regions"]:
            if r["game"] == game and r["ecosystem"] in ends:
                shares = {name: f"{value:.1%}" for name, value in r["share_of_worlds"].items()}
                rows.append(
                    {
                        "challengers": " and ".join(r["challengers"]),
                        "mission": r["mission"],
                        "ecosystem": r["ecosystem"],
                        **shares,
                    }
                )
        moved = [
            f"{m['share_of_worlds']:.2%} go from {m['from']} to {m['to']} ({m['mission']}, {m['from_ecosystem']} to {m['to_ecosystem']}),"
            f" most of them at {_where(document, m['by_grid'])}"
            for m in document["moves"]
            if m["game"] == game and m["share_of_worlds"] >= 0.001
        ]
        several = [
            f"{r['ecosystem']} ({r['mission']}): where two equilibria are stable, with a mixed one between, risk dominance picks {picks(r)}."
            for r in document["regions"]
            if r["game"] == game and r["ecosystem"] in ends and picks(r)
        ]
        if not several:
            several = ["Two equilibria are stable nowhere on the grid, so none had to be selected."]
        columns = list(dict.fromkeys(c for r in rows for c in r))
        yield Table(title, [{c: r.get(c) for c in columns} for r in rows], (*moved, *several) if rows else ())


def picks(region: Mapping[str, Any]) -> str:
    """Which of several stable equilibria risk dominance would pick, in words; empty where nowhere are several stable."""
    found = region["where_several_are_stable_risk_dominance_picks"]
    return ", ".join(f"{name} in {share:.0%}" for name, share in found.items())


def _where(document: Mapping[str, Any], values: Sequence[Sequence[Sequence[float]]]) -> str:
    """The point of the grid with the largest value, in words; but for costs that weigh nothing: there all draws are one."""
    point, most = max(_points(document["grid"], values), key=lambda found: (found[0]["cost_weight"] > 0, found[1]))
    return (
        f"fear {point['fear']:g}, status quo {point['status_quo']:g}, costs × {point['cost_weight']:g}: {most:.0%} of draws there"
    )


def _attribution(document: Mapping[str, Any]) -> Table:
    rows = [
        {
            "theater": r["theater"],
            "mission": r["mission"],
            "war case": r["war_case"],
            "layer": r["layer"],
            "adds to the margin": "not estimable"
            if r["margin_change"] is None
            else f"{r['margin_change']:+.3f} ± {r['standard_error']:.3f}",
            "all layers": f"{r['all_layers']:+.3f}",
        }
        for r in document["attribution"]["layers"]
    ]
    notes = (
        "Over the whole horizon and on the first futures of the run, so the sum may differ from the change above by some hundredths.",
        "Equal at every point of the grid: what a layer changes is p.",
    )
    return Table("Which layer moves the margin: Shapley shares of its change, and their standard errors", rows, notes)


def _prices(document: Mapping[str, Any]) -> Table:
    rows = [
        {
            "challenger": r["challenger"],
            "assumption": r["input"],
            "share of the spread of p*": f"{r['share_of_variance']:.0%}",
            "p* in its lowest tenth": f"{r['tie_chance_in_lowest_tenth']:.2f}",
            "p* in its highest tenth": f"{r['tie_chance_in_highest_tenth']:.2f}",
        }
        for r in document["attribution"]["prices"]
    ]
    return Table("Which assumption about a challenger moves the tie chance most", rows)


def _inputs(document: Mapping[str, Any]) -> Table:
    rows = [
        {
            "of": "p" if r["against"] is None else "change of the margin",
            "ecosystem": r["ecosystem"],
            "mission": f"{r['theater']}, {r['mission']}",
            "input": r["input"],
            "share of its spread (90%)": f"{r['share_of_variance']:.0%} ({r['share_low']:.0%} to {r['share_high']:.0%})",
            "in the input's lowest tenth": f"{r['in_lowest_tenth']:+.2f}",
            "in its highest tenth": f"{r['in_highest_tenth']:+.2f}",
        }
        for r in document["attribution"]["inputs"]
    ]
    case = next((r["war_case"] for r in document["attribution"]["inputs"]), "")
    notes = (
        f"In {case}, the hardest war case. Only what chance does not explain is listed; with few futures that is little.",
        "At which values a margin turns its sign: --confirm, which runs the campaigns again with the input fixed.",
    )
    return Table("Which named inputs move p, and the change of the margin from first to last ecosystem", rows, notes)


def _run_again(document: Mapping[str, Any]) -> Iterator[Table]:
    """Inputs fixed and run again: an overview, and for each the values at which the sign turns over the grid."""
    found = document["attribution"]["inputs_run_again"]
    rows = []
    for r in found:
        low, high = (r["p_at"][0], r["p_at"][-1]) if r["p_at"] else (None, None)
        rows.append(
            {
                "of": r["of"],
                "ecosystem": r["ecosystem"],
                "mission": f"{r['theater']}, {r['mission']}",
                "input": r["input"],
                "p at its lowest value": "" if low is None else f"{low['p']:.2f} at {low['value']:g}",
                "p at its highest value": "" if high is None else f"{high['p']:.2f} at {high['value']:g}",
                "sign turns": _turns(r),
                "of the grid": "every one alike" if low is None else f"{r['share_of_grid_that_turns']:.0%}",
            }
        )
    notes = (
        "Run again with the input fixed, all else as drawn. Over draws: against the median tie chance.",
        "Of the grid: points at which some value of the input turns the sign.",
    )
    yield Table("Break-evens of inputs, confirmed by running again", rows, notes)
    grid = document["grid"]
    for r in found:
        if not r["share_of_grid_that_turns"]:
            continue
        title = f"{r['input']}, {r['unit']}: values between which the margin turns its sign, {r['theater']}, {r['mission']}, {r['ecosystem']}"
        lines = []
        for f, fear in enumerate(grid["fear"]):
            for s, status_quo in enumerate(grid["status_quo"]):
                cells = r["turns_between_by_grid"][f][s]
                if status_quo in SHOWN_STATUS_QUO and any(cells):
                    line: Row = {"fear": f"{fear:g}", "status quo": f"{status_quo:g}"}
                    named = zip(grid["cost_weight"], cells, strict=True)
                    lines.append(
                        {**line, **{f"costs × {w:g}": "" if c is None else f"{c[0]:.3g} to {c[1]:.3g}" for w, c in named}}
                    )
        yield Table(title, lines, ("Blank: no value of the input turns it there.",))


def _turns(r: Mapping[str, Any]) -> str:
    if r["p_at"] is None:
        return "at no value" if r["sign_turns_at"] is None else f"at {r['sign_turns_at']:.3g}"
    between = r["turns_over_draws_between"]
    return "over draws at no value" if between is None else f"over draws between {between[0]:.3g} and {between[1]:.3g}"


def _break_evens(document: Mapping[str, Any], ends: Sequence[str]) -> Table:
    def at(value: float | None) -> str:
        return "nowhere" if value is None else f"{value:.2f}"

    rows = [
        {
            "war case": r["war_case"],
            "challenger": r["challenger"],
            "mission": r["mission"],
            "ecosystem": r["ecosystem"],
            "success needed": f"{r['success_needed']:.2f}",
            "status quo": at(r["status_quo"]),
            "fear": at(r["fear"]),
            "cost weight": at(r["cost_weight"]),
        }
        for r in document["break_evens"]
        if r["ecosystem"] in ends
    ]
    return Table("Break-evens: the value of each, all else as drawn, at which the median margin is nil", rows)


def _rebuilding(document: Mapping[str, Any], ends: Sequence[str]) -> Table:
    rows = [
        {
            "after a war in": r["after"],
            "ecosystem": r["ecosystem"],
            "slowest of what is made": r["slowest_of_those_made"],
            "years, median": r.get("years_median"),
            "half of the materiel within": r["median_over_materiel"],
            "not made any more": ", ".join(r["not_made_any_more"]),
        }
        for r in document["rebuilding"]
        if r["ecosystem"] in ends
    ]
    notes = ("Once stocks stand again the margin is that of one war alone, by construction.",)
    return Table("Years until the defenders' stocks stand again", rows, notes)


def _absences(document: Mapping[str, Any], first: str) -> Table:
    rows = [
        {
            "without": r["without"],
            "war case": r["war_case"],
            "challenger": r["challenger"],
            "mission": r["mission"],
            "ecosystem": r["ecosystem"],
            "p": f"{r['p']:.2f} → {r['p_without']:.2f}",
            "change of margin": f"{r['margin_change']:+.3f} ± {r['standard_error']:.3f}",
            "margin, median": f"{r['median']:+.2f}",
            "of the fall restored": "" if r["ecosystem"] == first else _restored(r["restored_of_fall"]),
        }
        for r in document["absences"]
        if abs(r["margin_change"]) > 2 * r["standard_error"]
    ]
    notes = (
        f"{len(document['absences']) - len(rows)} margins that change by two standard errors or less are left out here, and are in the JSON.",
        "Restored: of what the margin loses in the first ecosystem; blank where that fall is within two standard errors of nil.",
    )
    return Table("Abandonment and access: margins without an actor, or in another study", rows, notes)


def _restorations(document: Mapping[str, Any]) -> Iterator[Table]:
    """Efforts by what they bring back, for every absence and duel in the war of that theater alone."""
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for r in document["restorations"]:
        groups.setdefault((r["without"], r["theater"], r["mission"]), []).append(r)
    for (without, _, mission), found in groups.items():
        case = found[0]["war_case"]
        mine = [r for r in found if r["war_case"] == case]
        clear = [r for r in mine if r["margin_change"] > 2 * r["standard_error"]]
        rows = [
            {
                "effort": r["effort"] + ("" if r["size"] is None else f", {r['size']:.0%}"),
                "for": r["holds_for"],
                "p": f"{r['p_without']:.2f} → {r['p_with_effort']:.2f}",
                "change of margin": f"{r['margin_change']:+.3f} ± {r['standard_error']:.3f}",
                "of the fall restored": f"{r['restored_of_fall']:.0%} ± {r['restored_standard_error']:.0%}",
                "behind the first": ""
                if r["rank"] == 1
                else f"{r['behind_the_first']:.3f} ± {r['behind_standard_error']:.3f}"
                + ("" if r["behind_the_first"] > 2 * r["behind_standard_error"] else ", not distinct"),
                "margin above nil on the grid": f"{r['share_of_grid_positive']:.0%}",
            }
            for r in clear
        ]
        others = ", ".join(r["effort"] for r in mine if r not in clear)
        first = mine[0]
        notes = (
            *((f"Within two standard errors of nothing, or worse: {others}.",) if others else ()),
            "Sizes are equal, costs are not: nothing here is priced. Other war cases are in the JSON.",
        )
        fall = f"p {first['p']:.2f} → {first['p_without']:.2f}"
        yield Table(f"What restores the margin without {without}: {first['challenger']}, {mission}, {case}, {fall}", rows, notes)


def _restored(share: float | None) -> str:
    if share is None:
        return ""
    return "all and more" if share > 1 else "none" if share <= 0 else f"{share:.0%}"
