"""Published figures that the product's own functions must give back, from the inputs that their publishers state.

A case passes where the value, rounded as the publisher rounds, is the published one. What the register supplies is taken from its
rows, so that a case also shows whether the register still says what the study said. A figure whose inputs are not public is not
reproduced, and its case fails with that reason; what this part of the product cannot test is listed in `NOT_TESTED_HERE`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from isthmus.ensemble import Uncertainty
from isthmus.errors import InputError, Problem
from isthmus.register.resolve import Resolved, resolve
from isthmus.sustainment import magazine
from isthmus.sustainment.engagement import (
    expected_mission_use,
    leak_share,
    leak_share_with_tails,
    leak_table,
    salvo_kill,
    shoot_look_shoot,
)
from isthmus.validation.case import Case

if TYPE_CHECKING:
    import pandas as pd

    from isthmus.register.register import Register

FIRST_BATTLE: Final = "github_csis_first_battle"
EMPTY_BINS: Final = "github_csis_empty_bins_jan"
_UNSEEN: Final = "page not seen, so the register has no source for it"


@dataclass(frozen=True)
class Untested:
    """A published statement that no case of this module can test, and where it is tested or why not."""

    statement: str
    why: str


NOT_TESTED_HERE: Final[tuple[Untested, ...]] = (
    Untested(
        "Asymmetric alliances outlast symmetric ones (Morrow 1991).",
        "Needs spells of alliances from a data set of the user: `isthmus durability --data DIR`.",
    ),
    Untested(
        "Institutions do not lengthen alliances; the hazard rises with age (Bennett 1997).",
        "Needs spells of alliances from a data set of the user: `isthmus durability --data DIR`.",
    ),
    Untested(
        "Local and short-term balance matters for extended deterrence, a formal alliance does not (Huth and Russett 1984, 1988).",
        "Needs dispute cases: `isthmus deter-score --cases FILE`.",
    ),
    Untested(
        "Aggression comes more from fear than from opportunity, and ambiguity invites failure (RAND RR2451, 2018).",
        "Needs dispute cases: `isthmus deter-score --cases FILE`.",
    ),
    Untested(
        "Lead time of long-range missiles is about two years (CSIS, Empty Bins, 2023).",
        "An input, not a result: the register's own lead times of JASSM and LRASM lots, from contract to the last missile, are 3.5 to "
        "4.3 years.",
    ),
    Untested(
        "Replacing major inventories at surge rates takes 8.4 years on average (CSIS, Empty Bins, 2023).",
        "The inventories and surge rates behind the average are not published in a form that was found; years to rebuild are computed "
        "for every materiel of the register instead.",
    ),
    Untested(
        "A pipeline of 100 THAAD interceptors, next delivery in April 2027 (CSIS, 5 December 2025).",
        "A stated plan, not a result: it is an input of the register.",
    ),
)


def published_cases(register: Register) -> list[Case]:
    """Every published figure as a case.

    Raises:
        InputError: where the register lacks a row that a case needs.
    """
    return [
        *_thaad(),
        *_salvo(),
        *_doctrine(),
        *_magazines(register),
        *_reliability(register),
        _missions(),
    ]


def _case(
    name: str,
    title: str,
    value: float,
    published: float,
    digits: int,
    unit: str,
    how: str,
    tests: str,
    sources: Iterable[str] = (),
) -> Case:
    """A case that passes where `value` rounds to `published` at `digits` decimals."""
    passed = round(value, digits) == round(published, digits)
    verdict = "is" if passed else "is not"
    return Case(
        case=f"published.{name}",
        kind="published",
        title=title,
        passed=passed,
        why=f"{how}: {value:.{digits + 2}f}, which at {digits} decimals {verdict} the published {published:.{digits}f}.",
        unit=unit,
        observed=published,
        low=value,
        median=value,
        high=value,
        sources=tuple(sources),
        tests=tests,
    )


def _thaad() -> list[Case]:
    """Interceptors loaded and for reload: CSIS, Rumbaugh, The Depleting Missile Defense Interceptor Inventory, 5 December 2025."""
    delivered, batteries, each, engaged = 534.0, 8.0, 48.0, 2.0
    study = f"CSIS, Rumbaugh, 5 December 2025 ({_UNSEEN})"
    asked = (
        ("loaded", "THAAD interceptors loaded on eight batteries", magazine.loaded(batteries, each), 384),
        ("reload", "THAAD interceptors for reload, of 534 delivered", magazine.reload_stock(delivered, batteries, each), 150),
        ("loaded_of_two", "THAAD interceptors that two batteries fire without reload", magazine.loaded(engaged, each), 96),
        ("drawn_by_150", "Of 150 fired by two batteries, from reload", magazine.drawn_from_reload(150, engaged, each), 54),
        ("left_after_150", "Left for reload after 150 fired", magazine.reload_left(delivered, batteries, each, 150, engaged), 96),
        ("drawn_by_200", "Of 200 fired by two batteries, from reload", magazine.drawn_from_reload(200, engaged, each), 104),
        ("left_after_200", "Left for reload after 200 fired", magazine.reload_left(delivered, batteries, each, 200, engaged), 46),
    )
    sources = ("everycrsreport_thaad_if12645",)
    return [
        _case(f"thaad_{name}", title, float(value), number, 0, "interceptors", study, "magazine: loaded and reload", sources)
        for name, title, value, number in asked
    ]


def _salvo() -> list[Case]:
    """Missiles that leak through: CSIS, The First Battle of the Next War, 9 January 2023."""
    failure, kill, terminal, miss, blunder = 0.15, 0.70, 0.70, 0.10, 0.05
    pair = salvo_kill(kill, 2)
    leak = leak_share(failure, pair, terminal, miss)
    undefended = leak_share(failure, 0.0, 0.0, miss)
    mean = _mean_leak(leak, undefended)
    smooth = leak_share_with_tails(leak, undefended, blunder, blunder)
    solved = [
        t / 100 for t in range(0, 101, 10) if round(1000 * _mean_leak(leak_share(failure, pair, t / 100, miss), undefended)) == 74
    ]
    tests = "engagement: closed forms of one salvo"
    how = f"Launch failure 15%, two shots of 0.70, terminal defence 70%, guidance miss 10%; {100 * smooth:.2f}% without the die"
    return [
        _case(
            "two_interceptors",
            "Two interceptors of 0.70 stop a missile",
            pair,
            0.91,
            2,
            "share",
            "1 - 0.3²",
            tests,
            (FIRST_BATTLE,),
        ),
        _case("leak_without_tails", "Missiles that hit, no blunders", 100 * leak, 2.1, 1, "%", how, tests, (FIRST_BATTLE,)),
        _case(
            "leak_subsonic",
            "Subsonic missiles that hit on average, salvoes of 25 on a die of 20 faces",
            100 * mean,
            5.6,
            1,
            "%",
            f"{how}; one face each for a blunder of attacker and defender",
            tests,
            (FIRST_BATTLE,),
        ),
        _case(
            "leak_supersonic",
            "Supersonic missiles that hit on average, salvoes of 25 on a die of 20 faces, terminal defence solved for in tenths",
            100 * _mean_leak(leak_share(failure, pair, solved[0], miss), undefended) if solved else 100 * mean,
            7.4,
            1,
            "%",
            "The study states one set of chances and two results; what differs for supersonic missiles stands in a table that was not "
            f"seen. Of all tenths, a terminal defence of {', '.join(f'{t:.0%}' for t in solved) or 'none'} gives the published figure: "
            "this checks the arithmetic of the tails, not that chance",
            tests,
            (FIRST_BATTLE,),
        ),
    ]


def _mean_leak(leak: float, undefended: float) -> float:
    """Mean share of a salvo of 25 that hits, over the faces of the die."""
    table = leak_table(25, leak, undefended)
    return sum(table) / (25 * len(table))


def _doctrine() -> list[Case]:
    """Interceptors a target: Royal United Services Institute, November 2024."""
    study, tests = f"RUSI, November 2024 ({_UNSEEN}), single shots of 0.9", "engagement: shots a target"
    kill = 0.9
    return [
        _case("two_shot", "Interceptors a target, two shots at once", shoot_look_shoot(0.0, 2), 2.0, 1, "shots", study, tests),
        _case(
            "shoot_look_shoot",
            "Interceptors a target, shoot-look-shoot",
            shoot_look_shoot(kill, 2),
            1.1,
            1,
            "shots",
            study,
            tests,
        ),
        _case("same_kill", "Targets stopped by either", salvo_kill(kill, 2), 0.99, 2, "share", study, tests),
    ]


def _magazines(register: Register) -> list[Case]:
    """Depth of strike magazines: CSIS, The First Battle of the Next War, and Empty Bins, 9 and 23 January 2023."""
    lrasm_use, jassm_use = (_quantity(register, "consumption", m, context_has="CSIS wargame") for m in ("lrasm", "jassm"))
    lrasm = _quantity(register, "stocks", "lrasm", measure="on_hand")
    need = _uncertainty(register, "need.indo_pacific.allied.anti_ship.open")
    depth = float(magazine.depth_weeks(lrasm.mode, need.mode))
    strike = _uncertainty(register, "need.indo_pacific.allied.strike.open")
    rate = float(magazine.weekly_rate(jassm_use.mode, 3.0))
    tests = (
        "register and magazine depth; the register takes these inputs from the study, so agreement is consistency, not evidence"
    )
    return [
        Case(
            case="published.lrasm_first_week",
            kind="published",
            title="The inventory of LRASM is spent within the first week of a war over Taiwan",
            passed=depth <= 1.0 and lrasm_use.mode == lrasm.mode,
            why=f"Stock {lrasm.mode:.0f} at the opening use of anti-ship missiles, {need.mode:.0f} a week, lasts {depth:.2f} weeks; "
            f"at the ends of the range of use {float(magazine.depth_weeks(lrasm.mode, need.high)):.2f} to "
            f"{float(magazine.depth_weeks(lrasm.mode, need.low)):.2f}. The stock in the register is itself read off the study's use.",
            unit="weeks",
            observed=1.0,
            low=float(magazine.depth_weeks(lrasm.mode, need.high)),
            median=depth,
            high=float(magazine.depth_weeks(lrasm.mode, need.low)),
            sources=(FIRST_BATTLE, EMPTY_BINS),
            tests=tests,
        ),
        Case(
            case="published.jassm_three_weeks",
            kind="published",
            title="4,000 JASSM are used in three weeks of a war over Taiwan",
            passed=float(magazine.stock_required(rate, 21.0)) == 4000.0 and strike.low <= rate <= strike.high,
            why=f"Use of {rate:.0f} a week needs a stock of {float(magazine.stock_required(rate, 21.0)):.0f} for 21 days, and lies within "
            f"the opening use of strike missiles in the register, {strike.low:.0f} to {strike.high:.0f} a week.",
            unit="missiles",
            observed=4000.0,
            low=float(magazine.stock_required(strike.low, 21.0)),
            median=float(magazine.stock_required(rate, 21.0)),
            high=float(magazine.stock_required(strike.high, 21.0)),
            sources=(EMPTY_BINS,),
            tests=tests,
        ),
    ]


def _reliability(register: Register) -> list[Case]:
    """Alliances honoured: a prior is a band, and each published rate by its own rule must lie in it."""
    published = {
        "75% of commitments, 1816-1944 (Leeds, Long and Mitchell 2000)": 0.75,
        "66% of alliances invoked, before 1945 (Berkemeier and Fuhrmann 2018)": 0.66,
        "50%, 1816-2003": 0.50,
        "22%, after 1945": 0.22,
    }
    cases = []
    for name, who in (("fights.hub", "the hub"), ("fights.treaty_ally", "a treaty ally")):
        band = _uncertainty(register, name)
        drawn = Uncertainty(name, "pert", band.low, band.mode, band.high, "probability", "assumption")
        low, median, high = (float(v) for v in drawn.quantile(np.array([0.05, 0.5, 0.95])))
        outside = [text for text, share in published.items() if not band.low <= share <= band.high]
        cases.append(
            Case(
                case=f"published.reliability.{name.removeprefix('fights.')}",
                kind="published",
                title=f"Published rates of alliances honoured lie within the prior that {who} fights",
                passed=not outside,
                why=f"Band {band.low:.2f} to {band.high:.2f} (90% of draws {low:.2f} to {high:.2f}). "
                + (f"Outside: {'; '.join(outside)}." if outside else "All four rates lie inside."),
                unit="probability",
                observed=0.50,
                low=low,
                median=median,
                high=high,
                sources=("tamu_berkemeier_fuhrmann",),
                tests="prior of who fights; not of who supplies",
            )
        )
    return cases


def _missions() -> Case:
    """Expected annual demand of missions at random, against a simulation of one million years of them (DRDC, FEAST, 2023)."""
    rate, duration, use, years = 1.7, 6.5, 40.0, 1_000_000
    rng = np.random.default_rng(2023)
    counts = rng.poisson(rate, years)
    # The sum of n lengths, each exponential, is a gamma variate of shape n: one draw a year in place of n.
    lengths = duration * rng.standard_gamma(np.maximum(counts, 1)) * (counts > 0)
    demand = use * lengths
    error = float(demand.std(ddof=1) / np.sqrt(years))
    value = expected_mission_use(rate, duration, use)
    off = (value - float(demand.mean())) / error
    return Case(
        case="published.poisson_missions",
        kind="published",
        title="Expected annual demand of missions at random is rate × duration × use",
        passed=abs(off) < 3.0,
        why=f"{rate} missions a year of {duration} weeks at {use:.0f} a week: {value:.1f} units a year against {demand.mean():.1f} in "
        f"{years:,} simulated years, {off:+.1f} standard errors (limit 3).",
        unit="units/year",
        observed=float(demand.mean()),
        low=value,
        median=value,
        high=value,
        sources=("scitepress_drdc_finite_intervals",),
        tests="engagement: missions at random",
    )


# What the register says


@dataclass(frozen=True)
class _Band:
    low: float
    mode: float
    high: float


def _uncertainty(register: Register, name: str) -> _Band:
    rows = register.table("uncertainties")
    found = rows[rows["uncertainty_id"] == name]
    if found.empty:
        raise _missing("uncertainties.csv", name)
    row = found.iloc[0]
    return _Band(float(row["low"]), float(row["mode"]), float(row["high"]))


def _quantity(
    register: Register, table: str, materiel: str, measure: str | None = None, context_has: str | None = None
) -> Resolved:
    """One US quantity of a table, resolved by the register's own rule."""
    rows: pd.DataFrame = register.table(table)
    found = rows[(rows["actor_id"] == "USA") & (rows["materiel_id"] == materiel)]
    if measure is not None:
        found = found[found["measure"] == measure]
    if context_has is not None:
        found = found[found["context"].str.contains(context_has, regex=False)]
    resolved = None if found.empty else resolve(found)
    if resolved is None:
        raise _missing(f"{table}.csv", f"USA {materiel} {measure or context_has or ''}".strip())
    return resolved


def _missing(file: str, what: str) -> InputError:
    return InputError([Problem(file, None, None, "no such row", what, "a published figure cannot be checked without this row")])
