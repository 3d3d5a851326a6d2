"""Figures of the validation: what was predicted, what was observed, what a simple rival says. Colours and frame of :mod:`figures`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isthmus.report.figures import FIRST, INK, LAST, MUTED, THIRD, canvas, percent_axis, svg_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Values = Sequence[float | None]


@dataclass(frozen=True)
class Seen:
    """An observation: from when to when (positions of months), its value and range; `shape` tells its kind, `held` is not fitted."""

    start: float
    end: float
    low: float
    value: float
    high: float
    shape: str = "o"
    held: bool = False


@dataclass(frozen=True)
class Band:
    """A monthly series: 5th percentile, median, 95th percentile."""

    at: Sequence[float]
    low: Values
    median: Values
    high: Values


@dataclass(frozen=True)
class Panel:
    """One panel over months. `rival`: its band; `hard`: a line; `fit_to`, `data_to`: positions where the fit and the input end."""

    title: str
    unit: str
    months: Sequence[str]
    model: Band
    seen: Sequence[Seen]
    rival: Band | None = None
    hard: Values | None = None
    fit_to: float | None = None
    data_to: float | None = None
    share: bool = False
    log_from: float | None = None
    """Logarithmic from this value on."""


@dataclass(frozen=True)
class Span:
    """One event: predicted 90% interval and median, what was observed, and other answers as (marker, value)."""

    label: str
    low: float
    median: float
    high: float
    observed: float
    missed: bool
    hollow: bool = False
    others: tuple[tuple[str, float], ...] = ()


def panels_figure(panels: Sequence[Panel], label: str, prefix: str, height: float = 2.35) -> str:
    """Panels beneath each other on one axis of months, with a legend above."""
    with canvas(7.4, 0.45 + height * len(panels)) as figure:
        total = figure.get_figheight()
        grid = figure.add_gridspec(len(panels), 1, left=0.1, right=0.985, top=1 - 0.62 / total, bottom=0.32 / total, hspace=0.36)
        for i, panel in enumerate(panels):
            _panel(figure.add_subplot(grid[i, 0]), panel)
        _legend(figure, panels)
        return svg_text(figure, label, prefix)


def _panel(axes: Axes, panel: Panel) -> None:
    last = len(panel.months) - 1
    if panel.rival is not None:
        at, low, median, high = _arrays(panel.rival)
        axes.fill_between(at, low, high, color=LAST, alpha=0.14, linewidth=0)
        axes.plot(at, median, color=LAST, linestyle=(0, (5, 2)), linewidth=1.4, marker="." if len(at) < 3 else None)
    at, low, median, high = _arrays(panel.model)
    axes.fill_between(at, low, high, color=FIRST, alpha=0.2, linewidth=0)
    for edge in (low, high):
        axes.plot(at, edge, color=FIRST, linewidth=0.7)
    axes.plot(at, median, color=FIRST, linewidth=1.9)
    known = np.concatenate(([False], np.isfinite(median), [False]))
    for i in np.flatnonzero(known[1:-1] & ~known[:-2] & ~known[2:]):  # a month between two without a forecast has no line
        axes.plot([at[i], at[i]], [low[i], high[i]], color=FIRST, alpha=0.45, linewidth=4)
        axes.plot([at[i]], [median[i]], color=FIRST, marker="_", markersize=8, markeredgewidth=1.9, linestyle="none")
    if panel.hard is not None:
        axes.plot(
            panel.model.at,
            np.array([np.nan if v is None else v for v in panel.hard]),
            color=THIRD,
            linestyle=(0, (1, 1.4)),
            linewidth=1.5,
        )
    for one in panel.seen:
        _seen(axes, one)
    axes.set_xlim(-0.5, last + 0.5)
    top = max([np.nanmax(high, initial=0.0), *(s.high for s in panel.seen)])
    if panel.log_from is not None:
        axes.set_yscale("log")
        axes.yaxis.set_minor_formatter(lambda *_: "")
        axes.set_ylim(panel.log_from, top * 1.25)
    else:
        axes.set_ylim(0, 1.03 if panel.share else top * 1.06)
    if panel.share:
        percent_axis(axes, "y")
    else:
        axes.yaxis.set_major_formatter(lambda v, _: f"{v:,.0f}")
    _marks(axes, panel, last)
    step = 6 if last > 30 else 3
    shown = [i for i, m in enumerate(panel.months) if int(m[5:7]) % step == 1]
    axes.set_xticks(shown, [panel.months[i] for i in shown])
    axes.set_title(f"{panel.title}, {panel.unit}", loc="left", color=INK, fontsize=9.2, fontweight="bold")
    axes.grid(visible=True)


def _marks(axes: Axes, panel: Panel, last: int) -> None:
    """What was fitted and what came after; where the input ends and its continuation begins."""
    where = axes.get_xaxis_transform()
    if panel.fit_to is not None:
        axes.axvspan(-0.5, panel.fit_to, color=MUTED, alpha=0.09, linewidth=0)
        if panel.fit_to < last:
            axes.axvline(panel.fit_to, color=MUTED, linewidth=1.0)
            for word, step, side in (("fit window", -0.25, "right"), ("after it", 0.25, "left")):
                axes.text(panel.fit_to + step, 0.03, word, transform=where, ha=side, va="bottom", color=MUTED, fontsize=7.8)
    if panel.data_to is not None and panel.data_to < last:
        axes.axvspan(panel.data_to, last + 0.5, facecolor="none", edgecolor=MUTED, hatch="////", alpha=0.5, linewidth=0)
        axes.axvline(panel.data_to, color=MUTED, linewidth=1.0, linestyle=(0, (2, 2)))
        axes.text(
            panel.data_to,
            1.02,
            "input ends: extrapolated →",
            transform=where,
            ha="center",
            va="bottom",
            color=MUTED,
            fontsize=7.6,
        )


def _seen(axes: Axes, one: Seen) -> None:
    middle = (one.start + one.end) / 2
    if one.end - one.start > 0.6:
        axes.plot([one.start, one.end], [one.value, one.value], color=INK, linewidth=1.0)
    if one.high > one.low:
        axes.plot([middle, middle], [one.low, one.high], color=INK, linewidth=1.0)
    axes.plot(
        [middle],
        [one.value],
        marker=one.shape,
        color=INK,
        markerfacecolor="none" if one.held else INK,
        markersize=5.0,
        markeredgewidth=1.2,
        linestyle="none",
    )


def _arrays(band: Band) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    at, low, median, high = (
        np.array([np.nan if v is None else float(v) for v in x]) for x in (band.at, band.low, band.median, band.high)
    )
    return at, low, median, high


def _legend(figure: Figure, panels: Sequence[Panel]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    shapes = dict.fromkeys((s.shape, s.held) for p in panels for s in p.seen)
    names = {
        ("o", False): "observed",
        ("o", True): "observed, not fitted",
        ("s", False): "observed, broad count",
        ("s", True): "broad count, not fitted",
        ("^", False): "observed, 155 mm only",
        ("^", True): "155 mm only, not fitted",
        ("x", False): "seen, not scored",
        ("x", True): "seen, not scored",
    }
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=FIRST, linewidth=1.9, label="model, median"),
        Patch(color=FIRST, alpha=0.2, label="model, 5–95%"),
    ]
    if any(p.rival is not None for p in panels):
        handles.append(Line2D([], [], color=LAST, linewidth=1.4, linestyle=(0, (5, 2)), label="rival, median and 5–95%"))
    if any(p.hard is not None for p in panels):
        handles.append(Line2D([], [], color=THIRD, linewidth=1.5, linestyle=(0, (1, 1.4)), label="hard yes or no"))
    handles += [
        Line2D(
            [],
            [],
            color=INK,
            marker=shape,
            markerfacecolor="none" if held else INK,
            linestyle="none",
            markersize=5,
            label=names[shape, held],
        )
        for shape, held in shapes
    ]
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.09, 1.0),
        ncols=4,
        frameon=False,
        fontsize=7.8,
        labelcolor=INK,
        columnspacing=1.3,
        handlelength=1.8,
    )


def spans_figure(
    groups: Sequence[tuple[str, Sequence[Span]]],
    label: str,
    prefix: str,
    xlabel: str,
    others: Sequence[tuple[str, str, str]] = (),
) -> str:
    """Events down, a log axis across: predicted interval, median, observation. `others`: (marker, colour, name) of other answers."""
    rows = sum(len(spans) + 1 for _, spans in groups)
    with canvas(7.4, 0.95 + 0.21 * rows) as figure:
        total = figure.get_figheight()
        axes = figure.add_axes((0.33, 0.46 / total, 0.655, 1 - 0.88 / total))
        ticks: list[tuple[float, str]] = []
        colour = {marker: c for marker, c, _ in others}
        sizes = {marker: 7.5 - 3.0 * i for i, (marker, _, _) in enumerate(others)}
        y = 0.0
        for title, spans in groups:
            axes.text(0.0, y, title, transform=axes.get_yaxis_transform(), ha="right", va="center", color=INK, fontweight="bold")
            for one in spans:
                y += 1
                ticks.append((y, one.label))
                axes.plot([one.low, one.high], [y, y], color=FIRST, alpha=0.45, linewidth=5.5)
                axes.plot([one.median], [y], color=FIRST, marker="|", markersize=9, markeredgewidth=1.8, linestyle="none")
                for marker, value in one.others:
                    axes.plot([value], [y], marker=marker, color=colour[marker], markersize=sizes[marker], linestyle="none")
                axes.plot(
                    [one.observed],
                    [y],
                    marker="o",
                    color=INK,
                    markerfacecolor="none" if one.hollow else INK,
                    markersize=5,
                    linestyle="none",
                )
                if one.missed:
                    axes.text(
                        1.0, y, "outside", transform=axes.get_yaxis_transform(), ha="right", va="center", color=INK, fontsize=7.4
                    )
            y += 1
        axes.set_xscale("log")
        axes.set_ylim(y - 0.3, -0.7)
        axes.set_yticks([t for t, _ in ticks], [name for _, name in ticks])
        axes.tick_params(axis="y", length=0)
        axes.xaxis.set_major_formatter(lambda v, _: f"{v:,.0f}" if v >= 1 else f"{v:g}")
        axes.xaxis.set_minor_formatter(lambda *_: "")
        axes.set_xlabel(xlabel)
        axes.grid(visible=True, axis="x")
        _spans_legend(figure, hollow=any(s.hollow for _, spans in groups for s in spans), others=others)
        return svg_text(figure, label, prefix)


def _spans_legend(figure: Figure, *, hollow: bool, others: Sequence[tuple[str, str, str]]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=FIRST, alpha=0.45, linewidth=5.5, label="model, 5–95%"),
        Line2D([], [], color=FIRST, marker="|", markersize=9, markeredgewidth=1.8, linestyle="none", label="median"),
        Line2D([], [], color=INK, marker="o", linestyle="none", markersize=5, label="observed"),
    ]
    if hollow:
        handles.append(
            Line2D(
                [],
                [],
                color=INK,
                marker="o",
                markerfacecolor="none",
                linestyle="none",
                markersize=5,
                label="observed, not fitted",
            )
        )
    handles += [Line2D([], [], color=c, marker=m, linestyle="none", markersize=5, label=name) for m, c, name in others]
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0.02, 1.0), ncols=6, frameon=False, fontsize=7.8, labelcolor=INK
    )
