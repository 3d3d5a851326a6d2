"""Figures of the two systems, of awareness and of the challengers' game. Colours and frame of :mod:`figures`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil, floor
from typing import TYPE_CHECKING, Any

from isthmus.report.figures import FIRST, INK, LAST, MUTED, PAPER, canvas, svg_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 3
"""Small panels beside each other."""
LINES = ((FIRST, "solid", "o"), (LAST, (0, (5, 2)), "s"))


@dataclass(frozen=True)
class YearPanel:
    """One measure over dates. `lines`: side → (decimal year, value); None where the measure is not defined."""

    title: str
    lines: Mapping[str, Sequence[tuple[float, float | None]]]


@dataclass(frozen=True)
class FlowPanel:
    """What had arrived in all. `at`: decimal years; `against`: periods (decimal years) in which claims cannot both be true."""

    title: str
    unit: str
    at: Sequence[float]
    low: Sequence[float]
    mode: Sequence[float]
    high: Sequence[float]
    against: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class CountPanel:
    """Counts by period. `periods`: (begin, end, a month, whether it spans a break); `breaks`: (begin, end, name). Decimal years."""

    title: str
    unit: str
    periods: Sequence[tuple[float, float, float, bool]]
    breaks: Sequence[tuple[float, float, str]]


@dataclass(frozen=True)
class MapPanel:
    """One part of the grid: `cells` by status quo (rows, least first), then weight of costs (columns)."""

    title: str
    cells: Sequence[Sequence[str]]


def decimal_year(day: str, *, end: bool = False) -> float:
    """A day, YYYY-MM-DD, as a number of years; `end`: its evening."""
    found = date.fromisoformat(day)
    return found.year + (found.timetuple().tm_yday - (not end)) / 365.25


def years_figure(panels: Sequence[YearPanel], label: str, prefix: str) -> str:
    """Small panels of shares from 0 to 1, a line per side, with a legend above."""
    with canvas(7.4, 0.5 + 1.75 * -(-len(panels) // COLUMNS)) as figure:
        names = list(dict.fromkeys(n for p in panels for n in p.lines))
        looks = dict(zip(names, LINES, strict=False))
        for axes, panel in zip(_grid(figure, len(panels), COLUMNS), panels, strict=True):
            for name, line in panel.lines.items():
                colour, dash, marker = looks[name]
                known = [(at, value) for at, value in line if value is not None]
                at, values = ([k[i] for k in known] for i in (0, 1))
                axes.plot(at, values, color=colour, linestyle=dash, marker=marker, markersize=4, linewidth=1.6, clip_on=False)
            axes.set_ylim(0, 1.03)
            _named(axes, panel.title)
        _legend(figure, [(n, {"color": c, "linestyle": d, "marker": m, "markersize": 4}) for n, (c, d, m) in looks.items()])
        return svg_text(figure, label, prefix)


def flows_figure(panels: Sequence[FlowPanel], label: str, prefix: str) -> str:
    """Cumulative bands from the least to the greatest claim; hatched where two claims contradict each other."""
    columns = min(2, len(panels))
    with canvas(7.4, 0.5 + 1.95 * -(-len(panels) // columns)) as figure:
        for axes, panel in zip(_grid(figure, len(panels), columns), panels, strict=True):
            for begin, end in panel.against:
                axes.axvspan(begin, end, facecolor="none", edgecolor=LAST, hatch="////", alpha=0.55, linewidth=0)
            axes.fill_between(panel.at, panel.low, panel.high, color=FIRST, alpha=0.2, linewidth=0)
            for at, low, high in zip(panel.at, panel.low, panel.high, strict=True):
                axes.plot([at, at], [low, high], color=FIRST, linewidth=2.2, alpha=0.6)
            axes.plot(panel.at, panel.mode, color=FIRST, linewidth=1.2, marker="o", markersize=4, clip_on=False)
            axes.set_ylim(0, max(panel.high) * 1.08)
            ends = [*panel.at, *(x for pair in panel.against for x in pair)]
            axes.set_xlim(floor(min(ends)), ceil(max(ends)))
            axes.yaxis.set_major_formatter(_thousands)
            _named(axes, f"{panel.title}, {panel.unit}")
        looks: list[tuple[str, dict[str, Any]]] = [
            ("median of claims", {"color": FIRST, "linewidth": 1.2, "marker": "o", "markersize": 4}),
            ("least to greatest claim", {"color": FIRST, "alpha": 0.4, "linewidth": 5}),
        ]
        _legend(figure, looks, hatched="claims that contradict each other")
        return svg_text(figure, label, prefix)


def counts_figure(panels: Sequence[CountPanel], label: str, prefix: str) -> str:
    """Counts a month over the period that each covers; a break of counting is a marked line or band."""
    with canvas(7.4, 0.5 + 2.1 * len(panels)) as figure:
        for axes, panel in zip(_grid(figure, len(panels), 1), panels, strict=True):
            for begin, end, value, spans in panel.periods:
                axes.plot([begin, end], [value, value], color=MUTED if spans else FIRST, linewidth=1.4)
                fill = "none" if spans else FIRST
                axes.plot(
                    [(begin + end) / 2],
                    [value],
                    marker="o",
                    markersize=4,
                    color=MUTED if spans else FIRST,
                    markerfacecolor=fill,
                    linestyle="none",
                )
            for begin, end, name in panel.breaks:
                axes.axvspan(begin, end, facecolor="none", edgecolor=LAST, hatch="////", alpha=0.6, linewidth=0)
                axes.axvline(begin, color=LAST, linewidth=1.4, linestyle=(0, (4, 2)))
                axes.text(
                    begin, 0.98, f" {name}", transform=axes.get_xaxis_transform(), ha="left", va="top", color=INK, fontsize=7.6
                )
            axes.set_ylim(0, max(p[2] for p in panel.periods) * 1.18)
            axes.yaxis.set_major_formatter(_thousands)
            _named(axes, f"{panel.title}, {panel.unit} a month")
        looks: list[tuple[str, dict[str, Any]]] = [
            ("count a month over its period", {"color": FIRST, "marker": "o", "markersize": 4}),
            ("period that spans a break", {"color": MUTED, "marker": "o", "markersize": 4, "markerfacecolor": "none"}),
            ("break of counting", {"color": LAST, "linestyle": (0, (4, 2))}),
        ]
        _legend(figure, looks)
        return svg_text(figure, label, prefix)


def maps_figure(
    rows: Sequence[tuple[str, Sequence[MapPanel]]],
    weights: Sequence[float],
    status_quo: Sequence[float],
    looks: Mapping[str, tuple[str, str]],
    label: str,
    prefix: str,
) -> str:
    """Maps of the grid, a row per ecosystem and a column per fear. `looks`: region → (colour, sign), so that it reads without colour."""
    with canvas(7.4, 0.45 + 2.45 * len(rows)) as figure:
        grids = _grid(figure, sum(len(p) for _, p in rows), max(len(p) for _, p in rows), top=0.46, between=0.46)
        for axes, (name, panel) in zip(grids, [(n, p) for n, panels in rows for p in panels], strict=True):
            for y, line in enumerate(panel.cells):
                for x, cell in enumerate(line):
                    colour, sign = looks[cell]
                    axes.barh(y, 1, left=x - 0.5, height=1, color=colour, edgecolor=PAPER, linewidth=0.6)
                    axes.text(x, y, sign, ha="center", va="center", color=INK, fontsize=7)
            axes.set_xlim(-0.5, len(weights) - 0.5)
            axes.set_ylim(-0.5, len(status_quo) - 0.5)
            axes.set_xticks(range(len(weights)), [f"{w:g}" for w in weights])
            axes.set_yticks(range(0, len(status_quo), 2), [f"{s:g}" for s in status_quo[::2]])
            axes.tick_params(length=0)
            axes.set_title(f"{name}, {panel.title}", loc="left", color=INK, fontsize=8.6, fontweight="bold")
        figure.supxlabel("weight of costs", color=MUTED, fontsize=8.5, y=0.005)
        figure.supylabel("value of the status quo, share of the gain", color=MUTED, fontsize=8.5, x=0.005)
        return svg_text(figure, label, prefix)


def _grid(figure: Figure, count: int, columns: int, *, top: float = 0.62, between: float = 0.5) -> list[Axes]:
    height, lines = figure.get_figheight(), -(-count // columns)
    grid = figure.add_gridspec(
        lines,
        columns,
        left=0.085,
        right=0.965,  # room for half the label of a tick at the very end
        top=1 - top / height,
        bottom=0.42 / height,
        hspace=between,
        wspace=0.24,
    )
    return [figure.add_subplot(grid[i // columns, i % columns]) for i in range(count)]


def _named(axes: Axes, title: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    axes.xaxis.set_major_formatter(lambda v, _: f"{v:.0f}")
    axes.set_title(title, loc="left", color=INK, fontsize=8.6, fontweight="bold")
    axes.grid(visible=True)


def _thousands(value: float, _: object) -> str:
    return f"{value / 1e6:g} M" if value >= 1e6 else f"{value:,.0f}"


def _legend(figure: Figure, looks: Sequence[tuple[str, Mapping[str, Any]]], hatched: str = "") -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Line2D | Patch] = [Line2D([], [], label=name, **look) for name, look in looks]
    if hatched:
        handles.append(Patch(facecolor="none", edgecolor=LAST, hatch="////", label=hatched))
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0.03, 1.0), ncols=4, frameon=False, fontsize=8, labelcolor=INK
    )
