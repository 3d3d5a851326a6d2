"""Answers that fit on paper, run through the campaign kernel as cases.

One small network is enough: one donor with one stock and one line, one front, one class of materiel. Every case runs 128 futures
or more at once, each with other numbers, and shows the largest deviation among them. The kernel works in 32-bit numbers, so an
answer that is exact on paper is met to about a part in 100,000. What passes here is the program, not a claim about the world.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from isthmus.interop.output import KNOT_WEEKS
from isthmus.sustainment import kernel as k
from isthmus.sustainment.engagement import expected_mission_use, salvo_kill, shoot_look_shoot
from isthmus.sustainment.magazine import depth_weeks
from isthmus.validation.case import Case

F64 = npt.NDArray[np.float64]

PLENTY: Final = 1e6
"""Stands for infinite: units of a bottomless stock, weeks that never come. A 32-bit number still resolves 0.06 beside it."""

TOLERANCE: Final = 1e-4
"""Largest relative deviation at which a case passes; rounding in 32-bit numbers stays ten times below it."""

_TESTS: Final = "the program: equations computed as written"
_LANE: Final[F64] = np.arange(k.LANES, dtype=np.float64) % 128

_BASE: Final[dict[str, float]] = {
    "joint": 1.0,
    "access": 1.0,
    "plan_share": 1.0,
    "lift": PLENTY,
    "effect": 1.0,
    "tranche_gap": 1.0,
    "tranche_stop": PLENTY,
    "tranche_size": PLENTY,
    "tranche_unit": 1.0,
    "weight": 1.0,
    "cap": 1e30,
    "cover": 1.0,
    "plan_weeks": 1.0,
    "ratio": 3.0,
    "pressure": 0.2,
}
"""Values of a network in which nothing binds; whatever is not named is 0."""

_ABSENT: Final = ("wait", "reaction", "ratio", "pressure", "wear", "mend", "replace")
"""Arrays of parts that the network does not have: waits, reactions, duels."""


def closed_form_cases() -> list[Case]:
    """Every closed form of the design as a case, in the order of the documentation."""
    return [_stock(), _output(), _ramp(), *_poisson(), *_shots(), _conservation(), _donor()]


# The one network


def network(mode: int = k.HOME) -> k.Network:
    """One donor, one stock with a line, one front, one class; no duel, no reaction, no wait.

    `mode` is where the donor stands: HOME, NEAR or FAR.
    """
    one, none, absent = np.zeros(1, np.int32), np.zeros(0, np.int32), np.full(1, -1, np.int32)
    return k.Network(
        row_group=one,
        row_home_edge=one,
        row_away_edge=absent,
        line_row=one,
        edge_row=one,
        edge_home_front=absent,
        edge_pool=one,
        edge_desk=one,
        edge_mode=np.full(1, mode, np.int32),
        edge_wait=absent,
        edge_hub=one,
        pool_cell=one,
        pool_group=one,
        pool_mass_t=np.ones(1, np.float32),
        cell_front=one,
        cell_view=one,
        cell_kind=np.full(1, k.PATH, np.int32),
        reaction_cell=none,
        reaction_source=none,
        desk_front=one,
        view_front=one,
        view_rule=np.full(1, k.POOLED, np.int32),
        duel_attacker=none,
        duel_defender=none,
        duel_kind=none,
        group_side=one,
        n_groups=1,
        n_fronts=1,
        n_sides=1,
        exchange=0,
    )


def lanes(weeks: int, **values: float | F64) -> k.Lanes:
    """Values of :func:`network`, each a number or one per future, (futures,) in whole tiles.

    Names are those of :class:`isthmus.sustainment.kernel.Lanes`, and besides: `need` (units/week, constant), `output` and `growth`
    (units/week, and by how much that rises a week; output of week t is output + growth · t, which the knots hold exactly), `lag`
    (weeks under way). Unnamed values bind nothing. Raises ValueError for a name that the kernel does not know.
    """
    given = {**_BASE, **values}
    need, output, growth = (np.asarray(given.pop(name, 0.0), np.float64) for name in ("need", "output", "growth"))
    unknown = set(given) - set(k.Lanes._fields)
    if unknown:
        raise ValueError(f"no such value of the kernel: {', '.join(sorted(unknown))}")
    given.update(need_open=need, need_plateau=need, reference_need=need, row_floor=given.get("floor", 0.0))
    knots = KNOT_WEEKS * np.arange(weeks // KNOT_WEEKS + 2)
    futures = max((np.asarray(v).size for v in (*given.values(), output, growth)), default=1)
    tiles = -(-futures // k.LANES)

    def shaped(value: Any, rows: int = 1) -> k.F32:
        flat = np.broadcast_to(np.asarray(value, np.float32), (tiles * k.LANES,)).reshape(tiles, 1, k.LANES)
        return np.ascontiguousarray(np.repeat(flat, rows, axis=1))

    arrays = {name: shaped(given.get(name, 0.0), 2 if name == "lag" else 1) for name in k.Lanes._fields}
    arrays["line_path"] = np.ascontiguousarray(np.concatenate([shaped(output + growth * t) for t in knots], axis=1))
    for name in _ABSENT:
        arrays[name] = np.zeros((tiles, 0, k.LANES), np.float32)
    return k.Lanes(**arrays)


def run(weeks: int, mode: int = k.HOME, **values: float | F64) -> tuple[dict[str, F64], F64]:
    """Outcomes by column, (futures,), and fill, (weeks, futures), of the network at war from week 0."""
    net = network(mode)
    out, fill = k.run_tiles(net, lanes(weeks, **values), np.zeros(1, np.int32), weeks, threads=1)
    names = k.columns(net, ("front",), (), ("stock",), ("side",), weeks)
    flat = {name: out[:, i].reshape(-1).astype(np.float64) for i, name in enumerate(names)}
    return flat, np.moveaxis(fill[:, 0], 1, 0).reshape(weeks, -1).astype(np.float64)


# The cases


def _case(name: str, title: str, got: F64, expected: F64, unit: str, how: str) -> Case:
    """Passes where every future is within the tolerance; the numbers shown are those of the last future."""
    worst = float(np.max(np.abs(got - expected) / np.maximum(np.abs(expected), 1e-9)))
    passed = bool(worst <= TOLERANCE)
    return Case(
        case=f"closed_form.{name}",
        kind="closed_form",
        title=title,
        passed=passed,
        why=f"{how}: largest deviation {worst:.1e} of the closed form over {got.size:,} futures ({'within' if passed else 'above'} "
        f"{TOLERANCE:.0e}).",
        unit=unit,
        observed=float(expected[-1]),
        low=float(got[-1]),
        median=float(got[-1]),
        high=float(got[-1]),
        tests=_TESTS,
    )


def _stock() -> Case:
    stock, use = 10.0 * (_LANE + 1), 30.0
    _, fill = run(60, stock=stock, need=use, forward=1.0)
    return _case(
        "stock", "A stock S at use D lasts S / D weeks", fill.sum(axis=0), depth_weeks(stock, use), "weeks", "Weeks served"
    )


def _output() -> Case:
    stock, use, output = 10.0 * (_LANE + 1), 30.0, 12.0
    _, fill = run(90, stock=stock, need=use, output=output, forward=1.0)
    got = (fill - output / use).sum(axis=0) / (1 - output / use)
    return _case(
        "output", "With output p below use it lasts S / (D - p) weeks", got, depth_weeks(stock, use, output), "weeks", "Weeks"
    )


def _ramp() -> Case:
    """Output of week t is p + g·(t + ½), so n weeks make p·n + g·n²/2, and the last week in full is the whole part of the root."""
    stock, p, g, use = 10.0 * (_LANE + 1) + 0.37, 10.0, 0.1, 30.0
    root = ((use - p) - np.sqrt((use - p) ** 2 - 2 * g * stock)) / g
    _, fill = run(100, stock=stock, need=use, output=p + g / 2, growth=g, forward=1.0)
    got = (fill < 1 - 1e-5).argmax(axis=0).astype(np.float64)
    how = "Weeks served in full against the whole part of the root of S + (p - D)·t + g·t²/2"
    return _case("ramp", "With a linear ramp it lasts to the root of a parabola", got, np.floor(root), "weeks", how)


def _poisson() -> list[Case]:
    """Missions are drawn, each future uses what its missions need, and the mean use is compared with rate × duration × use."""
    rate, duration, use, futures = 4.0, 6.5, 40.0, 64 * k.LANES
    missions = np.random.default_rng(1837).poisson(rate, futures).astype(np.float64)
    outcome, _ = run(52, stock=PLENTY, need=missions * duration * use / 52, forward=1.0)
    used = outcome["used.front"]
    expected, error = expected_mission_use(rate, duration, use), float(used.std(ddof=1) / np.sqrt(futures))
    off = (float(used.mean()) - expected) / error
    passed = abs(off) < 3.0
    sampled = Case(
        case="closed_form.poisson",
        kind="closed_form",
        title="Missions at random of rate f, duration D and use u take f · D · u a year on average",
        passed=passed,
        why=f"Mean use of {futures:,} futures is {off:+.1f} standard errors off (limit 3).",
        unit="units/year",
        observed=expected,
        low=float(np.quantile(used, 0.05)),
        median=float(used.mean()),
        high=float(np.quantile(used, 0.95)),
        tests=_TESTS,
    )
    exact = _case("poisson_use", "A future uses what its own missions need", used, missions * duration * use, "units/year", "Use")
    return [sampled, exact]


def _shots() -> list[Case]:
    kill, shots = np.array([salvo_kill(0.7, 2)]), np.array([shoot_look_shoot(0.9, 2)])
    return [
        _case("two_shots", "Two shots of 0.7 stop 0.91 of targets", kill, np.array([0.91]), "share", "Share stopped"),
        _case("shoot_look_shoot", "Shoot-look-shoot at 0.9 takes 1.1 shots a target", shots, np.array([1.1]), "shots", "Shots"),
    ]


def _conservation() -> Case:
    rng = np.random.default_rng(1785)
    u = {name: rng.uniform(low, high, k.LANES) for name, low, high in (("stock", 0, 2000), ("output", 0, 40), ("loss", 0, 0.5))}
    u |= {
        name: rng.uniform(low, high, k.LANES) for name, low, high in (("access", 0.2, 1), ("floor", 0, 300), ("forward", 0, 0.9))
    }
    u |= {
        name: rng.uniform(low, high, k.LANES) for name, low, high in (("need", 0, 120), ("cover", 1, 6), ("plan_weeks", 1, 100))
    }
    u |= {
        "tranche_size": rng.uniform(0, 20, k.LANES),
        "tranche_unit": np.full(k.LANES, 0.04),
        "tranche_gap": np.full(k.LANES, 4.0),
    }
    outcome, _ = run(156, mode=k.FAR, lag=np.floor(rng.uniform(0, 20, k.LANES)), lift=rng.uniform(5, 200, k.LANES), **u)
    worst = float(outcome["mass_balance_residual"].max())
    passed = worst <= TOLERANCE
    return Case(
        case="closed_form.conservation",
        kind="closed_form",
        title="Opening stock and output equal what was used, lost, is on hand, under way and left",
        passed=passed,
        why=f"Largest relative breach {worst:.1e} over {k.LANES} futures of 156 weeks ({'within' if passed else 'above'} {TOLERANCE:.0e}).",
        unit="share of what was ever there",
        observed=0.0,
        low=worst,
        median=worst,
        high=worst,
        tests=_TESTS,
    )


def _donor() -> Case:
    """Every cover from 1, every lag, every loss: from the week of first arrival on, every need is filled, to the last week."""
    cover, lag, loss = 1.0 + 0.5 * (_LANE % 6), np.floor(_LANE / 6) % 21, (_LANE % 3) / 4
    _, fill = run(100, mode=k.NEAR, stock=PLENTY, need=100.0, cover=cover, lag=lag, loss=loss, plan_weeks=8.0)
    served = np.where(np.arange(100)[:, None] >= lag, fill, 1.0).min(axis=0)
    how = "Least fill of any week from the first arrival on, for covers of 1 to 3.5 weeks, lags of 0 to 20, losses of 0 to 0.5"
    return _case("infinite_donor", "An infinite donor fills every need", served, np.ones(k.LANES), "fill", how)
