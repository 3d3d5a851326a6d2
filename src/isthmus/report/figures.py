"""Figures of the report as inline SVG: text stays text, colours are CSS variables so that light and dark both work.

Nothing here computes a result. Every figure is told apart by position, label, line style or hatch as well as by colour.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from isthmus.report.wording import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FAN_SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
MET, STARVED = 0.8, 0.4
"""Bounds of use by need between met, rationed and starved (docs/model.md, section 3)."""

INK, MUTED, GRID, PAPER = "#1c2330", "#566173", "#d5dbe3", "#fdfdfc"
FIRST, LAST, THIRD, FOURTH = "#0b62a8", "#c2500a", "#0a7f5c", "#9a3f86"
DEFENCE, UNDECIDED, ATTACK = "#f2b48c", "#e4e7eb", "#a9cdea"
DONORS = ("#9ecae8", "#f5c391", "#a9dcc4", "#e8b9d5", "#eedd8a", "#c6c3eb", "#bfe2ee")
OTHERS = "#e2e5e9"
VARIABLES: Mapping[str, tuple[str, str]] = {
    INK: ("fig-ink", "#e8ecf2"),
    MUTED: ("fig-muted", "#a3aebd"),
    GRID: ("fig-grid", "#39424f"),
    PAPER: ("fig-paper", "#14181f"),
    FIRST: ("fig-first", "#5db3f0"),
    LAST: ("fig-last", "#ff9d57"),
    THIRD: ("fig-third", "#3fd0a0"),
    FOURTH: ("fig-fourth", "#e3a0d2"),
    DEFENCE: ("fig-defence", "#8a4a1d"),
    UNDECIDED: ("fig-undecided", "#363e4a"),
    ATTACK: ("fig-attack", "#235a85"),
    **{
        c: (f"fig-donor{i}", d)
        for i, (c, d) in enumerate(
            zip(DONORS, ("#22597d", "#87501a", "#206b51", "#7a4064", "#67601a", "#4c498a", "#2a6070"), strict=True)
        )
    },
    OTHERS: ("fig-others", "#3b4350"),
}
"""Colour in light mode → name of its CSS variable, and its colour in dark mode."""

Style = tuple[str, Any]
"""Colour and dash pattern of an ecosystem's line."""
MIDDLE_STYLES: tuple[Style, ...] = ((THIRD, (0, (1, 1.6))), (FOURTH, (0, (6, 2, 1, 2))))


@dataclass(frozen=True)
class Bar:
    """A stacked bar: name and widths of its parts in order, shares of one; `colours` one a part."""

    label: str
    parts: tuple[tuple[str, float], ...]
    colours: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    title: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class FanPanel:
    """One war case. `fans`: ecosystem → weekly quantiles, a column per share of :data:`FAN_SHARES`; `differences`: mean by week."""

    title: str
    fans: Mapping[str, pd.DataFrame]
    differences: Mapping[str, npt.NDArray[np.float64]]


def styles(ecosystems: Sequence[str]) -> dict[str, Style]:
    """Line of every ecosystem: the first solid, the last dashed, those between dotted and dash-dotted in turn."""
    out = {name: MIDDLE_STYLES[i % len(MIDDLE_STYLES)] for i, name in enumerate(ecosystems[1:-1])}
    out[ecosystems[-1]] = (LAST, (0, (5, 2)))
    out[ecosystems[0]] = (FIRST, "solid")
    return out


def css_variables(*, dark: bool) -> str:
    """Declarations of the figures' colours, for the style sheet of the page."""
    return " ".join(f"--{name}: {dark_value if dark else light};" for light, (name, dark_value) in VARIABLES.items())


def stacked_bars(groups: Sequence[Group], label: str, prefix: str, *, xlabel: str, hatches: Sequence[str] = ()) -> str:
    """Groups of horizontal stacked bars on one axis from 0 to 100%. Parts wide enough carry their name, or their share with `hatches`."""
    rows = sum(len(g.bars) + 1 for g in groups)
    with canvas(7.4, 0.62 + 0.235 * rows) as figure:
        axes = figure.add_axes((0.13, 0.5 / figure.get_figheight(), 0.835, 1 - 0.55 / figure.get_figheight()))
        y = 0.0
        ticks: list[tuple[float, str]] = []
        for group in groups:
            axes.text(0, y, group.title, ha="left", va="center", color=INK, fontweight="bold", fontsize=9)
            for bar in group.bars:
                y += 1
                ticks.append((y, bar.label))
                _stack(axes, y, bar, hatches)
            y += 1
        axes.set_ylim(y - 0.4, -0.6)
        axes.set_xlim(0, 1)
        axes.set_yticks([t for t, _ in ticks], [name for _, name in ticks])
        percent_axis(axes, "x")
        axes.set_xlabel(xlabel)
        axes.grid(visible=True, axis="x")
        axes.tick_params(axis="y", length=0)
        return svg_text(figure, label, prefix)


def fan_figure(panels: Sequence[FanPanel], ecosystems: Sequence[str], names: Mapping[str, str], label: str, prefix: str) -> str:
    """Fans of use by need, a column per war case; beneath, the mean paired difference of the other ecosystems from the first."""
    look = styles(ecosystems)
    with canvas(7.4, 4.55) as figure:
        grid = figure.add_gridspec(
            2,
            max(2, len(panels)),
            height_ratios=(2.35, 1),
            left=0.095,
            right=0.985,
            top=0.86,
            bottom=0.1,
            hspace=0.16,
            wspace=0.1,
        )
        span = max([0.1, *(float(np.nanmax(np.abs(d), initial=0.0)) for p in panels for d in p.differences.values())]) * 1.15
        for column, panel in enumerate(panels):
            top, low = figure.add_subplot(grid[0, column]), figure.add_subplot(grid[1, column])
            _fan(top, panel, look)
            for eco, values in panel.differences.items():
                low.plot(np.arange(1, len(values) + 1), values, color=look[eco][0], linestyle=look[eco][1], linewidth=1.4)
            low.axhline(0, color=MUTED, linewidth=0.8)
            low.set_ylim(-span, span)
            low.set_xlabel("week of the study")
            for axes in (top, low):
                axes.set_xlim(1, max(2, max((len(f) for f in panel.fans.values()), default=2)))
                axes.grid(visible=True)
                if column:
                    axes.set_yticklabels([])
            top.set_xticklabels([])
            if not column:
                percent_axis(top, "y")
                low.yaxis.set_major_formatter(lambda v, _: f"{v * 100:+.0f}".replace("+0", "0").replace("-", "−"))
                top.set_ylabel("use by need")
                low.set_ylabel("points")
        _legend(figure, ecosystems, names, look)
        return svg_text(figure, label, prefix)


def _fan(axes: Axes, panel: FanPanel, look: Mapping[str, Style]) -> None:
    for eco, fan in panel.fans.items():
        colour, dash = look[eco]
        week = np.arange(1, len(fan) + 1)
        low, quarter, median, three, high = (fan[s].to_numpy() for s in FAN_SHARES)
        axes.fill_between(week, quarter, three, color=colour, alpha=0.22, linewidth=0)
        for edge in (low, high):
            axes.plot(week, edge, color=colour, linestyle=dash, linewidth=0.8)
        axes.plot(week, median, color=colour, linestyle=dash, linewidth=2.1)
    for bound in (MET, STARVED):
        axes.axhline(bound, color=MUTED, linewidth=0.8, linestyle=(0, (2, 2)))
    for where, word in ((0.90, "met"), (0.60, "rationed"), (0.20, "starved")):
        axes.text(0.985, where, word, transform=axes.get_yaxis_transform(), ha="right", va="center", color=MUTED, fontsize=8)
    axes.set_ylim(0, 1.02)
    axes.set_title(panel.title, loc="left", color=INK, fontsize=9.5, fontweight="bold")


def _legend(figure: Figure, ecosystems: Sequence[str], names: Mapping[str, str], look: Mapping[str, Style]) -> None:
    from matplotlib.lines import Line2D

    shown = [e for i, e in enumerate(ecosystems) if i in (0, len(ecosystems) - 1)] + list(ecosystems[1:-1])
    lines = [Line2D([], [], color=look[e][0], linestyle=look[e][1], linewidth=2.1) for e in shown]
    labels = [names[e] + ("" if e in (ecosystems[0], ecosystems[-1]) else " (difference only)") for e in shown]
    figure.legend(
        lines,
        labels,
        loc="upper left",
        bbox_to_anchor=(0.088, 1.0),
        ncols=len(shown),
        frameon=False,
        fontsize=9,
        labelcolor=INK,
        handlelength=2.6,
        columnspacing=1.6,
    )


def _stack(axes: Axes, y: float, bar: Bar, hatches: Sequence[str]) -> None:
    left = 0.0
    for i, ((name, width), colour) in enumerate(zip(bar.parts, bar.colours, strict=True)):
        if width <= 0:
            continue
        hatch = hatches[i] if hatches else None
        axes.barh(
            y,
            width,
            left=left,
            height=0.86,
            color=colour,
            edgecolor=MUTED if hatch else PAPER,
            linewidth=0.0 if hatch else 0.9,
            hatch=hatch,
        )
        text = (percent(width) if width >= 0.045 else "") if hatches else (name if width >= 0.05 else "")
        if text:
            box = {"facecolor": colour, "edgecolor": "none", "pad": 1.0} if hatch else None
            axes.text(left + width / 2, y, text, ha="center", va="center", color=INK, fontsize=7.8, bbox=box)
        left += width


def percent_axis(axes: Axes, which: str) -> None:
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(_locator())
    axis.set_major_formatter(lambda v, _: f"{v:.0%}")


def _locator() -> Any:
    from matplotlib.ticker import FixedLocator

    return FixedLocator([0, 0.2, 0.4, 0.6, 0.8, 1])


@contextmanager
def canvas(width: float, height: float) -> Iterator[Figure]:
    """A figure of a size in inches, drawn without a window system, pyplot or the user's own settings."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    settings: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": "isthmus",
        "text.parse_math": False,
        "font.family": "DejaVu Sans",
        "font.size": 8.5,
        "axes.edgecolor": MUTED,
        "axes.labelcolor": MUTED,
        "axes.linewidth": 0.6,
        "axes.facecolor": "none",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "grid.color": GRID,
        "grid.linewidth": 0.6,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "ytick.labelcolor": INK,
        "xtick.labelcolor": MUTED,
        "hatch.linewidth": 0.5,
        "figure.facecolor": "none",
    }
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(settings)
        yield Figure(figsize=(width, height))


def svg_text(figure: Figure, label: str, prefix: str) -> str:
    """The figure as an SVG element for an HTML page: its own ids, no outside address, colours by name, numbers cut short."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<style.*?</style>", "", text, flags=re.DOTALL)
    box = re.search(r'viewBox="[^"]*"', text)
    opening = f'<svg role="img" aria-label="{html.escape(label)}" {box.group(0) if box else ""}>'
    text = opening + text[text.index(">") + 1 :]
    text = text.replace("xlink:href=", "href=")
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}-", text)
    text = re.sub(r' d="[^"]*"', lambda m: re.sub(r"(\.\d)\d+", r"\1", m.group(0)), text)
    text = re.sub(r"'DejaVu Sans'(, [^;\"]*)?", "var(--font)", text)
    for colour, (name, _) in VARIABLES.items():
        text = re.sub(re.escape(colour), f"var(--{name})", text, flags=re.IGNORECASE)
    return re.sub(r"\n\s*", "\n", text).strip()
