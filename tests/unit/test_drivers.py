"""Drivers: shares against closed forms and brute force, chance kept out, flips borne out by running again, runs opened elsewhere."""

from __future__ import annotations

import importlib
import io
import json
import shutil
import sys
import tarfile
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from isthmus import cli
from isthmus.ensemble import Design, Uncertainty
from isthmus.errors import InputError, RunError
from isthmus.register import Register
from isthmus.study import runner, sensitivity
from isthmus.study.audit import audit
from isthmus.study.boxes import MOST_LIMITS, Box, boxes
from isthmus.study.breakeven import Reruns, Search, confirm, confirmed, fixed, reruns_of
from isthmus.study.discovery import discover
from isthmus.study.drivers import Analysis, Judged, analyse, flip_sentence, label_of
from isthmus.study.exchange_ema import explain, read_ema, write_ema
from isthmus.study.plan import Plan
from isthmus.study.results import Results
from isthmus.study.targets import Statement, Target, inputs_read, simulated, stored, targets
from tests import campaign_register as paper

FUTURES = 4096
SMALL: dict[str, Any] = {
    "futures": FUTURES,
    "ecosystems": [paper.STUDY["ecosystems"][0], paper.STUDY["ecosystems"][3]],
    "war_cases": paper.STUDY["war_cases"][2:3],
    "uncertainties": paper.SPREAD,
}
FILL = Target("fill", "as_is", "both", "west.allied", "fires")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drivers")
    paper.write(folder / "register")
    return folder


@pytest.fixture(scope="module")
def register(root: Path) -> Register:
    return Register.load(root / "register")


@pytest.fixture(scope="module")
def plan(register: Register) -> Plan:
    return paper.plan(register, **SMALL)


@pytest.fixture(scope="module")
def run(root: Path, plan: Plan) -> Results:
    runner.start(plan, root / "run", threads=2, layers=False)
    return Results.open(root / "run")


@pytest.fixture(scope="module")
def judged(run: Results) -> tuple[Analysis, Judged]:
    analysis = Analysis.of(run, [FILL])
    return analysis, analyse(analysis)[0]


@pytest.fixture(scope="module")
def workbench() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("ema_workbench", reason="the EMA Workbench is not installed (uv sync --group bench)")


@pytest.fixture
def isthmus(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs a command in this process: exit code, standard output, standard error."""

    def call(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["isthmus", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return call


def ishigami(points: Any) -> Any:
    """Ishigami and Homma (1990) with a = 7, b = 0.1, of points in (0, 1)."""
    x = 2 * np.pi * points[:, :3].astype(float) - np.pi
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def ishigami_shares() -> tuple[float, float, float]:
    """First-order shares in closed form (Saltelli et al. 2008, Global Sensitivity Analysis, section 4)."""
    a, b, pi = 7.0, 0.1, np.pi
    first, second = 0.5 * (1 + b * pi**4 / 5) ** 2, a**2 / 8
    whole = first + second + 8 * b**2 * pi**8 / 225
    return first / whole, second / whole, 0.0


def sample(points: Any, prefix: str = "own:") -> sensitivity.Sample:
    return sensitivity.Sample.of(tuple(f"{prefix}{i}" for i in range(points.shape[1])), points.astype(np.float32))


# Shares of variance


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_shares_agree_with_the_closed_form_of_ishigami(seed: int) -> None:
    points = np.random.default_rng(seed).random((8192, 40))
    found = sensitivity.measure(sample(points), ishigami(points))
    assert found.share[:3] == pytest.approx(ishigami_shares(), abs=0.02)
    # The third acts only together with the first: on the spread, not on the mean. Forty others do nothing.
    assert sorted(found.main) == [0, 1]
    assert found.spread == (2,)
    assert [(p.one, p.other) for p in found.pairs] == [(0, 2)]
    # Together they make 0.2437 (the same page). Of sin(πt) a line holds 6/π² of the variance, of t⁴ a parabola 225/245: a lower bound.
    seen = (1 - sum(ishigami_shares())) * 6 / np.pi**2 * 225 / 245
    assert found.together(0) == found.together(2) == pytest.approx(seen, abs=0.015)
    assert (found.partner(0), found.partner(1), found.partner(2)) == (2, None, 0)


def test_an_interval_holds_the_closed_form() -> None:
    held = 0
    for seed in range(20):
        points = np.random.default_rng(seed).random((4096, 3))
        outcome = points[:, 0] + 2 * points[:, 1]  # shares 1/5 and 4/5
        low, high = sensitivity.interval(*sensitivity.bins_of(points[:, 0], sensitivity.slices(4096)), outcome)
        held += low <= 0.2 <= high
    assert held >= 15


def test_pawn_agrees_with_salib() -> None:
    salib = importlib.import_module("SALib.analyze.pawn")
    points = np.random.default_rng(4).random((4096, 4))
    outcome = ishigami(points)
    theirs = salib.analyze({"num_vars": 4, "names": list("abcd"), "bounds": [[0, 1]] * 4}, points, outcome, S=10)
    steps = sensitivity.Steps.of(outcome)
    ours = [sensitivity.pawn(c, steps) for c in sample(points).coarse]
    assert ours == pytest.approx(theirs["maximum"], abs=0.01)


def test_inputs_that_do_nothing_are_not_listed() -> None:
    listed = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        found = sensitivity.measure(sample(rng.random((1024, 100))), rng.normal(size=1024))
        listed += bool(found.listed)
    assert listed <= 4  # one in twenty is meant; five or more of twenty happen once in four hundred


def test_dimensions_of_a_sobol_sequence_do_not_feign_effects() -> None:
    """At 2,048 points of 130 dimensions some pairs are so tied that a plain share calls an idle input a driver."""
    ranges = tuple(Uncertainty(f"u{i:03d}", "uniform", 0, 0.5, 1, "share", "assumption") for i in range(130))
    acts = ("u045", "u099", "u114")
    plain = 0
    for seed in (1, 2, 3):
        draws = Design(ranges, seed).draw(0, 2048)
        points = np.stack(list(draws.values()), axis=1)
        outcome = np.maximum(0, draws[acts[0]] - 0.5) + 0.4 * draws[acts[1]] * draws[acts[2]]
        taken = sensitivity.Sample.of(tuple(draws), points.astype(np.float32))
        found = sensitivity.measure(taken, outcome)
        assert {taken.names[i] for i in found.listed} == set(acts)
        plain += sum(sensitivity.first_order(c, outcome) > found.share_threshold for c in taken.fine) - len(acts)
    assert plain > 0, "the trap this test is for is not there: choose other dimensions"


def test_shares_agree_with_brute_force(plan: Plan, judged: tuple[Analysis, Judged]) -> None:
    """Pick-freeze through SALib: campaigns run anew on Saltelli's design of every input that varies and is read."""
    sobol, saltelli = (importlib.import_module(f"SALib.{m}") for m in ("analyze.sobol", "sample.sobol"))
    analysis, one = judged
    names = list(analysis.sample.names)
    problem = {"num_vars": len(names), "names": names, "bounds": [[0, 1]] * len(names)}
    points = np.clip(saltelli.sample(problem, 256, calc_second_order=False, seed=5), 1e-9, 1 - 1e-9)
    draws = {n: np.full(len(points), u.mode) for n, u in plan.design.by_name.items()}
    draws |= {n: plan.design.by_name[n].quantile(points[:, i]) for i, n in enumerate(names)}
    brute = sobol.analyze(problem, simulated(plan, FILL, draws), calc_second_order=False, seed=5)
    for name, share, spread in zip(names, brute["S1"], brute["S1_conf"], strict=True):
        assert one.measured.share[names.index(name)] == pytest.approx(share, abs=max(0.03, 1.5 * spread)), name
    strongest = names[int(np.argmax(brute["S1"]))]
    assert one.drivers[0].input == strongest


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("kind", ["event", "number", "rare"])
def test_inputs_that_act_only_together_are_not_nil(seed: int, kind: str) -> None:
    """Either both high or both low: no share of its own for either, and the whole variance together (the parity of two)."""
    rng = np.random.default_rng(seed)
    points = rng.random((4096, 60))
    alike = (points[:, 7] > 0.5) == (points[:, 31] > 0.5)
    outcome = {"event": alike * 1.0, "number": alike + rng.normal(size=4096), "rare": (alike & (rng.random(4096) < 0.04)) * 1.0}
    found = sensitivity.measure(sample(points), outcome[kind])
    assert {7, 31} <= set(found.listed)
    assert len(found.listed) <= 3  # chance may add one, once in twenty outcomes
    assert not {7, 31} & set(found.main)
    assert (found.partner(7), found.partner(31)) == (31, 7)
    if kind == "event":  # of a step a line holds three quarters of the variance, a product of two steps nine sixteenths
        assert found.together(7) == pytest.approx(9 / 16, abs=0.03)


def test_effects_in_a_design_of_one_sequence_do_not_feign_pairs() -> None:
    ranges = tuple(Uncertainty(f"u{i:03d}", "uniform", 0, 0.5, 1, "share", "assumption") for i in range(130))
    for seed in (4, 5):
        draws = Design(ranges, seed).draw(0, 4096)
        points = np.stack(list(draws.values()), axis=1).astype(np.float32)
        outcome = draws["u010"] + draws["u020"] * draws["u030"] + 2 * (draws["u040"] - 0.5) * (draws["u050"] - 0.5)
        found = sensitivity.measure(sensitivity.Sample.of(tuple(draws), points), outcome)
        pairs = {(p.one, p.other) for p in found.pairs}
        assert (40, 50) in pairs
        assert pairs <= {(40, 50), (20, 30)}


@pytest.mark.parametrize("share", [0.98, 0.02])
def test_an_outcome_at_an_atom_in_nearly_all_worlds(share: float) -> None:
    """Away from its atom only where the first input is high: half the variance between bins, by the closed form of an event."""
    for seed in range(4):
        points = np.random.default_rng(seed).random((8192, 50))
        away = points[:, 0] > 0.98
        outcome = np.where(away, points[:, 1], 0.0) if share == 0.98 else np.where(away, 1 - points[:, 1], 1.0)
        found = sensitivity.measure(sample(points), outcome)
        assert found.listed[0] == 0
        assert set(found.listed) <= {0, 1}
        flat = sensitivity.measure(sample(points), np.where(np.random.default_rng(90 + seed).random(8192) < 0.02, 0.0, 1.0))
        assert len(flat.listed) <= 1


def test_inputs_of_few_values_are_measured_and_flip_between_values() -> None:
    rng = np.random.default_rng(21)
    points = rng.random((4096, 20))
    points[:, 0] = np.floor(points[:, 0] * 4)  # 0, 1, 2, 3
    points[:, 1] = np.floor(points[:, 1] * 2)
    outcome = (rng.random(4096) < np.array([0.2, 0.3, 0.7, 0.9])[points[:, 0].astype(int)]).astype(float)
    found = sensitivity.measure(sample(points), outcome)
    assert found.listed == [0]
    # Variance of the four means over that of the event, 0.525 of which come: closed form.
    assert found.share[0] == pytest.approx(np.var([0.2, 0.3, 0.7, 0.9]) / (0.525 * 0.475), abs=0.03)
    curve = sensitivity.conditional(points[:, 0], outcome)
    (flip,) = sensitivity.crossings(curve, 0.5)
    assert (flip.at, flip.low, flip.high, flip.lower_side) == (1.5, 1, 2, "below")
    # A bet at one half: worth E max(0, p − 1/2) − 0.025 with p of 0.2, 0.3, 0.7, 0.9 alike, twice that in verdicts.
    worth = Statement("", 0.5, lambda y: y, "worlds", "").worth(curve)
    assert worth == pytest.approx(2 * ((0.2 + 0.4) / 4 - 0.025), abs=0.02)


def test_two_dimensions_tied_do_not_both_count() -> None:
    """A second outcome that is nearly the first has the same drivers, and a constant one none."""
    points = np.random.default_rng(22).random((4096, 30))
    first = points[:, 3] + 0.5 * points[:, 4]
    second = first + 0.01 * np.random.default_rng(23).normal(size=4096)
    listed = [sensitivity.measure(sample(points), y).listed for y in (first, second, np.full(4096, 0.3))]
    assert listed == [[3, 4], [3, 4], []]


def test_a_share_holds_for_outcomes_of_two_values() -> None:
    points = np.random.default_rng(6).random((8192, 30))
    outcome = (points[:, 0] < 0.3).astype(float)
    found = sensitivity.measure(sample(points), outcome)
    assert found.share[0] == pytest.approx(1, abs=0.06)  # one bin holds worlds of both kinds
    assert found.listed == [0]


def test_an_outcome_that_never_varies_has_no_drivers() -> None:
    points = np.random.default_rng(7).random((512, 5))
    assert sensitivity.measure(sample(points), np.ones(512)).listed == []


# Flips and the worth of knowing


def test_a_crossing_is_where_the_conditional_mean_passes_the_level() -> None:
    rng = np.random.default_rng(8)
    x = rng.random(8192) * 10
    event = (rng.random(8192) < x / 10).astype(float)
    (found,) = sensitivity.crossings(sensitivity.conditional(x, event), 0.3)
    assert found.low <= found.at <= found.high
    assert found.at == pytest.approx(3, abs=0.3)
    assert found.lower_side == "below"
    assert sensitivity.crossings(sensitivity.conditional(rng.random(8192), event), 0.5) == []


def test_every_crossing_is_told() -> None:
    """An event that comes only in the middle of a range turns the statement twice; where it never comes, not at all."""
    rng = np.random.default_rng(24)
    x = rng.random(8192)
    event = (rng.random(8192) < np.where((x > 0.3) & (x < 0.8), 0.9, 0.1)).astype(float)
    curve = sensitivity.conditional(x, event)
    found = sensitivity.crossings(curve, 0.5)
    assert [c.lower_side for c in found] == ["below", "above"]
    assert [c.at for c in found] == pytest.approx([0.3, 0.8], abs=0.02)
    nearest = sensitivity.nearest_the_middle(curve, found)
    assert nearest is not None
    assert nearest.at == pytest.approx(0.3, abs=0.02)
    assert sensitivity.crossings(sensitivity.conditional(x, np.zeros(8192)), 0.5) == []


def test_the_interval_of_a_crossing_holds_it_where_the_mean_bends() -> None:
    """A mean that falls steeply and then slowly, through the level just at the bend: a smooth curve misses it, its interval may not."""
    held = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        x = rng.random(4096)
        chance = np.where(x < 0.15, 0.5 + 3 * (0.15 - x), 0.5 - 0.35 * (x - 0.15))
        (found,) = sensitivity.crossings(sensitivity.conditional(x, (rng.random(4096) < chance).astype(float)), 0.5)
        held.append(found.low <= 0.15 <= found.high)
    assert sum(held) >= 27


@pytest.mark.parametrize("futures", [256, 2048, 8192])
def test_inputs_that_do_nothing_flip_nothing(futures: int) -> None:
    flips = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        event = (rng.random(futures) < 0.5).astype(float)
        flips += bool(sensitivity.crossings(sensitivity.conditional(rng.random(futures), event), 0.5))
    assert flips <= 3


def test_the_error_of_the_worth_of_knowing_covers_the_closed_form() -> None:
    """As below, x uniform and the bet on x > 1/2 paid by a coin of chance x: worth 1/8, whatever the coin adds."""
    statement = Statement("", 0.5, lambda y: y, "worlds", "")
    away = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x = rng.random(2048)
        curve = sensitivity.conditional(x, (rng.random(2048) < x).astype(float))
        away.append((statement.worth(curve) - 0.25) / statement.worth_error(curve))
    assert np.mean(np.abs(away) < 2) > 0.85
    assert 0.5 < np.std(away) < 1.3


def test_the_worth_of_knowing_agrees_with_the_closed_form() -> None:
    """A bet on x > 1/2 with x uniform pays x − 1/2: knowing x is worth E max(0, x − 1/2) = 1/8, twice that in verdicts."""
    x = np.random.default_rng(9).random(8192)
    statement = Statement("", 0.5, lambda y: y, "worlds", "")
    assert statement.worth(sensitivity.conditional(x, x)) == pytest.approx(0.25, abs=0.01)
    idle = np.random.default_rng(10).random(8192)
    assert statement.worth(sensitivity.conditional(idle, x)) < 0.02
    sure = Statement("", 0.0, lambda y: y, "share of need", "")
    assert sure.worth(sensitivity.conditional(x, x)) == pytest.approx(0, abs=1e-9)


def test_campaigns_run_again_are_those_of_the_run(plan: Plan, run: Results) -> None:
    for target in (FILL, replace(FILL, outcome="dividend", ecosystem="full", against="as_is"), *targets(run)):
        kept = stored(run, [target])[target][:256]
        np.testing.assert_array_equal(simulated(plan, target, plan.design.draw(0, 256)), kept)


def test_a_break_even_is_confirmed_by_running_the_study_at_it(
    plan: Plan, judged: tuple[Analysis, Judged], register: Register, tmp_path: Path
) -> None:
    one = judged[1]
    statement = FILL.statement(at=float(np.median(one.values)) * 1.1)
    assert statement is not None
    asked = Analysis.of(judged[0].results, [FILL], at=float(np.median(one.values)) * 1.1)
    again = analyse(asked)[0]
    driver = next(d for d in again.drivers if d.flips_at is not None and d.nature == "knowledge")
    found = confirm(Reruns(plan), again, driver)
    assert found.confirmed
    assert found.campaigns >= 8 * 1024
    assert found.flips_at is not None
    assert driver.flips_low is not None
    assert driver.flips_high is not None
    width = driver.flips_high - driver.flips_low
    assert driver.flips_low - width <= found.flips_at <= driver.flips_high + width
    # Not by the same code: whole runs of study files with the input fixed on either side.
    held = {}
    for side, factor in (("below", 0.97), ("above", 1.03)):
        ranges = {**paper.SPREAD, driver.input: paper.constant(found.flips_at * factor)}
        other = paper.plan(register, **{**SMALL, "futures": 1024, "uncertainties": ranges})
        runner.start(other, tmp_path / side, threads=2, layers=False)
        held[side] = statement.holds(stored(Results.open(tmp_path / side), [FILL])[FILL])
    assert held["below"] != held["above"]
    assert held[str(found.flips_when)] != again.holds


def test_where_no_value_flips_it_the_campaigns_say_so(plan: Plan, run: Results) -> None:
    one = analyse(Analysis.of(run, [FILL], at=1.5))[0]
    found = confirm(Reruns(plan, 256), one, one.drivers[0])
    assert one.drivers[0].flips_at is None
    assert (found.flips_at, found.confirmed) == (None, True)
    assert found.total_share is not None
    assert found.total_share > found.share_of_variance / 2
    assert "no value of" in flip_sentence(found)
    assert "flips it alone (confirmed by running again)" in flip_sentence(found)


def test_a_run_of_few_futures_says_more_when_run_again(plan: Plan, run: Results) -> None:
    """What 1,024 campaigns at a value say of the whole run: no further from its own than their standard error allows."""
    at = float(np.median(stored(run, [FILL])[FILL]))
    one = analyse(Analysis.of(run, [FILL], at=at))[0]
    assert one.statement is not None
    whole = float(one.statement.event(one.values).mean())
    idle = replace(one.drivers[0], input="exchange.wear")  # read by nothing: fixing it leaves every campaign as it was
    for futures in (64, 256, 1024):
        probe = Search(Reruns(plan, futures), one, one.statement, idle).probe(0.5)
        assert probe.gain + one.statement.level == pytest.approx(whole, abs=1e-9)
        assert probe.error < 0.02


def test_an_input_that_does_nothing_is_dropped_when_confirmed(plan: Plan, judged: tuple[Analysis, Judged]) -> None:
    one = judged[1]
    idle = replace(one.drivers[0], input="exchange.wear")
    assert confirmed(Reruns(plan, 128), [replace(one, drivers=(idle,))], 5)[0].drivers == ()


def test_fixing_a_template_fixes_its_copies(plan: Plan) -> None:
    changed = fixed(plan, {"line.funded.missiles": 0.25})
    copies = [n for n in plan.design.by_name if n.startswith("line.funded:")]
    assert copies
    assert {n for n in changed if n.startswith("line.funded:")} == set(copies)
    assert {changed[n].mode for n in copies} == {0.25}


def test_without_the_register_nothing_is_confirmed(run: Results) -> None:
    with pytest.raises(RunError, match="cannot be run again"):
        reruns_of(None, str(run.folder.root))


# Boxes


def planted(seed: int, noise: float) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    inputs = rng.random((4096, 10))
    case = (inputs[:, 1] > 0.7) & (inputs[:, 4] < 0.4)
    return inputs, case ^ (rng.random(4096) < noise)


HIDDEN = tuple(f"x{i:02d}" for i in range(42))


def limited(box: Box) -> dict[str, tuple[float | None, float | None]]:
    return {x.input: (x.low, x.high) for x in box.limits}


def test_a_box_is_found_among_forty_idle_inputs() -> None:
    rng = np.random.default_rng(13)
    inputs = rng.random((2048, 42))
    case = ((inputs[:, 3] > 0.7) & (inputs[:, 9] < 0.4)) ^ (rng.random(2048) < 0.05)
    (found,) = boxes(HIDDEN, inputs, case)
    assert set(limited(found)) == {"x03", "x09"}
    assert limited(found)["x03"] == (pytest.approx(0.7, abs=0.03), None)
    assert limited(found)["x09"] == (None, pytest.approx(0.4, abs=0.03))
    # Of 12% in the box 95% are of the kind, of the rest 5%: 0.72 of the kind lie in it, by the planted chances.
    assert found.coverage == pytest.approx(0.114 / (0.114 + 0.044), abs=0.08)
    assert found.density == pytest.approx(0.95, abs=0.08)
    assert found.chance < 1e-30


def test_two_boxes_a_band_and_an_end_are_found() -> None:
    rng = np.random.default_rng(14)
    inputs = rng.random((4096, 12))
    names = HIDDEN[:12]
    either = ((inputs[:, 1] > 0.75) & (inputs[:, 2] > 0.6)) | ((inputs[:, 3] < 0.2) & (inputs[:, 4] < 0.5))
    assert {frozenset(limited(b)) for b in boxes(names, inputs, either)[:2]} == {
        frozenset({"x01", "x02"}),
        frozenset({"x03", "x04"}),
    }
    (band,) = boxes(names, inputs, (inputs[:, 5] > 0.4) & (inputs[:, 5] < 0.6))
    assert limited(band) == {"x05": (pytest.approx(0.4, abs=0.02), pytest.approx(0.6, abs=0.02))}
    (end,) = boxes(names, inputs, inputs[:, 5] > 0.9)
    assert limited(end) == {"x05": (pytest.approx(0.9, abs=0.02), None)}


def test_a_kind_that_most_worlds_are_of_has_its_box_too() -> None:
    """All but a corner: the two half-spaces beside it, by which the corner is told."""
    rng = np.random.default_rng(15)
    inputs = rng.random((4096, 12))
    found = boxes(HIDDEN[:12], inputs, ~((inputs[:, 1] > 0.7) & (inputs[:, 2] > 0.6)))
    assert {frozenset(limited(b)) for b in found} == {frozenset({"x01"}), frozenset({"x02"})}
    assert sum(b.coverage for b in found) > 0.97


def test_the_box_is_that_of_the_ema_workbench(workbench: ModuleType) -> None:
    """Its patient rule induction on the same data: the densest box that holds four fifths of the worlds has the same limits."""
    names = tuple("abcde")
    inputs = np.random.default_rng(16).random((1500, 5))
    case = (inputs[:, 1] > 0.7) & (inputs[:, 4] < 0.4)
    pandas = importlib.import_module("pandas")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        prim = importlib.import_module("ema_workbench.analysis.prim")
        box = prim.Prim(pandas.DataFrame(inputs, columns=list(names)), case.astype(int), threshold=0.8).find_box()
        theirs = box.box_lims[-1]
    ours = limited(boxes(names, inputs, case)[0])
    assert set(ours) == {"b", "e"}
    assert ours["b"][0] == pytest.approx(float(theirs["b"].iloc[0]), abs=0.03)
    assert ours["e"][1] == pytest.approx(float(theirs["e"].iloc[1]), abs=0.03)


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_a_planted_box_is_found(noise: float) -> None:
    names = tuple("abcdefghij")
    inputs, case = planted(11, noise)
    found = boxes(names, inputs, case)
    first = found[0]
    limits = {x.input: (x.low, x.high) for x in first.limits}
    assert set(limits) == {"b", "e"}
    assert limits["b"][0] == pytest.approx(0.7, abs=0.03)
    assert limits["e"][1] == pytest.approx(0.4, abs=0.03)
    assert (limits["b"][1], limits["e"][0]) == (None, None)
    assert first.density > 0.9
    assert first.coverage > (0.95 if not noise else 0.6)
    assert all(x.quasi_p < 1e-6 for x in first.limits)
    inside = first.holds(names, inputs)
    assert case[inside].mean() == pytest.approx(first.density, abs=0.05)


@pytest.mark.parametrize("base", [0.04, 0.3, 0.7])
def test_no_box_where_there_is_none(base: float) -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        assert boxes(HIDDEN[:20], rng.random((1024, 20)), rng.random(1024) < base) == []


def test_a_box_limits_few_inputs() -> None:
    rng = np.random.default_rng(12)
    inputs = rng.random((8192, 8))
    found = boxes(tuple("abcdefgh"), inputs, inputs[:, :7].sum(axis=1) > 4.2)
    assert found
    assert all(len(b.limits) <= MOST_LIMITS for b in found)


def test_worlds_of_a_run_are_told_apart(run: Results) -> None:
    analysis = Analysis.of(run, [FILL], at=0.5)
    found = discover(analysis, analyse(analysis)[0])
    assert found["why"] is None
    assert found["boxes"][0]["density"] > found["boxes"][0]["base"]
    nothing = Analysis.of(run, [FILL], at=-1.0)
    assert "too few worlds" in str(discover(nothing, analyse(nothing)[0])["why"])


# Targets and the audit


def test_headlines_are_chosen_where_nothing_is_named(run: Results) -> None:
    found = targets(run)
    assert {t.outcome for t in found} == {"fill", "share_defence_unsustained", "dividend"}
    assert {t.front for t in found} == {"west.allied", "east.allied", "west", "east"}
    assert {t.ecosystem for t in found if t.outcome == "dividend"} == {"full"}
    assert {t.ecosystem for t in found if t.outcome != "dividend"} == {"as_is"}


def test_unknown_names_are_all_told(run: Results) -> None:
    with pytest.raises(InputError) as caught:
        targets(run, outcome="victory", front="north")
    assert [p.column for p in caught.value.problems] == ["front", "outcome"]
    with pytest.raises(InputError, match="no such result"):
        targets(run, outcome="share_undecided", front="west.allied")


def test_only_inputs_that_the_model_reads_are_candidates(plan: Plan, judged: tuple[Analysis, Judged]) -> None:
    read = inputs_read(plan, FILL)
    assert "line.funded.land_fires" not in read
    assert {d.input for d in judged[1].drivers} <= set(judged[0].sample.names) <= read


def test_an_audit_leads_from_a_number_to_kinds_and_sources(judged: tuple[Analysis, Judged], run: Results) -> None:
    analysis, one = judged
    found = audit(analysis, one, 5)
    quantiles = run.quantiles.set_index(["ecosystem", "war_case", "front", "mission", "outcome"])
    row = quantiles.loc[("as_is", "both", "west.allied", "fires", "fill")]
    assert [found[k] for k in ("low", "median", "high")] == pytest.approx([row["low"], row["median"], row["high"]])
    counts = found["rests_on"]
    assert counts is not None
    assert counts["inputs"] == sum(counts[k] for k in ("facts", "estimates", "assumptions", "chance"))
    assert [d["share_of_variance"] for d in found["inputs"]] == sorted(
        (d["share_of_variance"] for d in found["inputs"]), reverse=True
    )
    assert all(d["kind"] in ("fact", "estimate", "assumption") for d in found["inputs"])


def test_groups_add_up_to_the_shares_of_all_inputs(judged: tuple[Analysis, Judged]) -> None:
    analysis, one = judged
    rows = analysis.groups(one)
    assert sum(r["inputs"] for r in rows) == len(analysis.sample.names)
    assert sum(r["share_of_variance"] for r in rows) == pytest.approx(float(one.measured.share.sum()))


# The command line


def test_the_command_prints_what_the_contract_says(run: Results, isthmus: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = isthmus("drivers", run.folder.root, "--json")
    rows = json.loads(out)
    assert code == 0
    assert rows
    for row in rows:
        assert {"outcome", "input", "share_of_variance", "flips_at", "ecosystem", "war_case", "front", "mission"} <= set(row)
    code, out, _ = isthmus("drivers", run.folder.root, "--csv", "--top", "2")
    assert out.startswith("outcome,input,share_of_variance,flips_at")


def test_the_command_reads_well(run: Results, isthmus: Callable[..., tuple[int, str, str]]) -> None:
    for more in ((), ("--groups",), ("--boxes",)):
        code, out, _ = isthmus("drivers", run.folder.root, *more)
        assert code == 0
        assert "west" in out
    code, out, _ = isthmus("results", run.folder.root, "--why", "fill", "--front", "west.allied", "--ecosystem", "as_is")
    assert code == 0
    assert "Rests on" in out


def test_bad_questions_are_told_whole(run: Results, isthmus: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    for words, told in (
        (("--outcome", "share_undecided", "--at", "1.5"), "above 0 and below 1"),
        (("--outcome", "fill", "--at", "nan"), "a number"),
        (("--groups", "--boxes"), "one view at a time"),
        (("--top", "0"), ""),
    ):
        code, out, err = isthmus("drivers", run.folder.root, *words)
        assert (code, out) == (2, ""), words
        assert told in err
    code, _, err = isthmus(
        "drivers", run.folder.root, "--outcome", "victory", "--front", "north", "--mission", "x", "--war-case", "y"
    )
    assert code == 2
    assert "4 problems" in err
    code, _, err = isthmus("drivers", tmp_path)
    assert code == 2
    assert "not a run" in err


def test_a_run_too_small_or_unfinished_is_refused(
    plan: Plan, register: Register, isthmus: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    for futures in (1, 100):  # neither is a power of two that a design fills, and both run
        runner.start(paper.plan(register, **{**SMALL, "futures": futures}), tmp_path / str(futures), threads=1, layers=False)
        code, _, err = isthmus("drivers", tmp_path / str(futures))
        assert code == 2
        assert "256 or more" in err
    shutil.copytree(tmp_path / "100", tmp_path / "torn")
    shutil.rmtree(tmp_path / "torn" / "chunks" / "chunk-000000")
    code, _, err = isthmus("drivers", tmp_path / "torn")
    assert code == 2
    assert "not complete" in err


def test_a_number_of_futures_that_is_no_power_of_two_is_analysed(register: Register, tmp_path: Path) -> None:
    runner.start(paper.plan(register, **{**SMALL, "futures": 700}), tmp_path / "run", threads=1, layers=False)
    judged = analyse(Analysis.of(Results.open(tmp_path / "run"), [FILL]))[0]
    assert len(judged.values) == 700
    assert judged.drivers[0].input == "need.west.open"


def test_a_run_whose_register_is_of_another_form_is_analysed_without_it(run: Results, tmp_path: Path) -> None:
    copy = shutil.copytree(run.folder.root, tmp_path / "run")
    manifest = json.loads((copy / "manifest.json").read_text())
    (tmp_path / "older").mkdir()
    manifest["register"]["root"] = str(tmp_path / "older")
    (copy / "manifest.json").write_text(json.dumps(manifest))
    analysis = Analysis.of(Results.open(copy), [FILL])
    assert analysis.plan is None
    driver = analyse(analysis)[0].drivers[0]
    assert (driver.input, driver.kind, driver.label) == ("need.west.open", None, "need.west.open")


def test_drivers_name_the_rows_of_the_register_and_their_flips_in_words(run: Results) -> None:
    one = analyse(Analysis.of(run, [FILL], at=0.4))[0]
    known = [d for d in one.drivers if d.nature == "knowledge"]
    assert known
    assert all(":" in row for d in known for row in d.register_rows)
    for d in known:
        assert d.label in flip_sentence(d)
        assert ("flips if" in flip_sentence(d)) == (d.flips_at is not None)
        assert (d.value_of_knowing or 0) == 0 or d.value_error
    assert label_of("line.funded:USA:pac3_mse", {"USA": "United States", "pac3_mse": "PAC-3 MSE"}) == (
        "Funded share of the plan, United States, PAC-3 MSE"
    )


def test_a_word_that_the_run_does_not_know_is_bad_input(run: Results, isthmus: Callable[..., tuple[int, str, str]]) -> None:
    code, _, err = isthmus("drivers", run.folder.root, "--outcome", "victory")
    assert code == 2
    assert "victory" in err


# EMA Workbench


def test_a_run_is_opened_and_analysed_in_the_ema_workbench(run: Results, workbench: ModuleType, tmp_path: Path) -> None:
    written = write_ema(run, tmp_path / "run.tar.gz", [FILL, replace(FILL, ecosystem="full")])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        experiments, outcomes = workbench.load_results(str(tmp_path / "run.tar.gz"))
        assert len(experiments) == written["experiments"] == 2 * FUTURES
        mine = (experiments["policy"] == "as_is").to_numpy()
        values = outcomes["fill.west.allied.fires"][mine]
        np.testing.assert_allclose(values, stored(run, [FILL])[FILL], rtol=1e-6)
        inputs = experiments.loc[mine].drop(columns=["policy", "model", "scenario"]).reset_index(drop=True)
        scoring = importlib.import_module("ema_workbench.analysis.feature_scoring")
        scores = scoring.get_ex_feature_scores(inputs, values, mode=scoring.RuleInductionType.REGRESSION)[0]
        prim = importlib.import_module("ema_workbench.analysis.prim")
        box = prim.Prim(inputs, (values < np.median(values)).astype(int), threshold=0.5).find_box()
    ours = analyse(Analysis.of(run, [FILL]))[0]
    strongest = ours.drivers[0].input
    assert scores.index[0] == strongest or strongest in scores.index[:2]
    assert box is not None
    assert box.density > 0.5


def test_the_file_is_what_the_workbench_writes(run: Results, tmp_path: Path) -> None:
    written = write_ema(run, tmp_path / "deep" / "run.tar.gz", [FILL])
    with tarfile.open(tmp_path / "deep" / "run.tar.gz") as archive:
        names = archive.getnames()
        entry = archive.extractfile("metadata.json")
        assert entry is not None
        metadata = json.loads(entry.read())
        values = archive.extractfile("fill.west.allied.fires.cls")
        assert values is not None
        assert len(values.read().splitlines()) == written["experiments"] == FUTURES
    assert names[0] == "experiments.csv"
    assert names[-1] == "metadata.json"
    assert {"version", "outcomes", "experiments"} == set(metadata)
    assert ["ScalarOutcome", "fill.west.allied.fires", "fill.west.allied.fires.cls"] in metadata["outcomes"]
    with pytest.raises(InputError, match="reach has no experiments"):
        write_ema(run, tmp_path / "none.tar.gz", targets(run, outcome="reach"))


def test_experiments_of_the_workbench_are_explained_here(
    workbench: ModuleType, tmp_path: Path, isthmus: Callable[..., tuple[int, str, str]]
) -> None:
    """The other way: a model run by the workbench, saved by it, read here; Ishigami's shares in closed form."""

    def model(x1: float, x2: float, x3: float, how: str) -> dict[str, float]:
        return {"y": float(ishigami(np.array([[x1, x2, x3]]))[0]), "late": float(how == "late")}

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = workbench.Model("ishigami", function=model)
        made.uncertainties = [workbench.RealParameter(n, 0, 1) for n in ("x1", "x2", "x3")]
        made.uncertainties = [*made.uncertainties, workbench.CategoricalParameter("how", ("early", "late"))]
        made.outcomes = [workbench.ScalarOutcome("y"), workbench.ScalarOutcome("late")]
        results = workbench.perform_experiments(made, scenarios=2048, log_progress=False)
        workbench.save_results(results, str(tmp_path / "made.tar.gz"))
    held = read_ema(tmp_path / "made.tar.gz")
    assert set(held.names) == {"x1", "x2", "x3", "how"}
    assert held.categories == {"how": ("early", "late")}
    np.testing.assert_allclose(held.outcomes["y"], results[1]["y"], rtol=1e-12)
    rows = {d["input"]: d for d in explain(held, "y", at=0.0)[0]["drivers"]}
    assert set(rows) == {"x1", "x2", "x3"}
    for name, share in zip(("x1", "x2"), ishigami_shares(), strict=False):
        assert rows[name]["share_of_variance"] == pytest.approx(share, abs=0.05)
    assert (rows["x3"]["share_of_variance"], rows["x3"]["acts_with"]) == (pytest.approx(0, abs=0.04), "x1")
    (late,) = explain(held, "late")[0]["drivers"]
    assert (late["input"], late["share_of_variance"]) == ("how", pytest.approx(1, abs=1e-6))
    code, out, _ = isthmus("drivers", tmp_path / "made.tar.gz", "--outcome", "y", "--at", "0", "--boxes", "--json")
    assert code == 0
    assert {b["input"] for b in json.loads(out)[0]["boxes"][0]["limits"]} <= {"x1", "x2", "x3"}
    for more in ((), ("--csv",), ("--at", "1", "--boxes")):
        assert isthmus("drivers", tmp_path / "made.tar.gz", *more)[0] == 0
    code, _, err = isthmus("drivers", tmp_path / "made.tar.gz", "--boxes", "--confirm", "--front", "x")
    assert code == 2
    assert "3 problems" in err
    code, _, err = isthmus("drivers", tmp_path / "made.tar.gz", "--outcome", "z")
    assert code == 2
    assert "late, y" in err


def test_a_run_goes_out_and_comes_back(run: Results, tmp_path: Path) -> None:
    """Written for the workbench and read as anyone's experiments: the same inputs, outcomes and strongest driver."""
    write_ema(run, tmp_path / "run.tar.gz", [FILL])
    back = read_ema(tmp_path / "run.tar.gz")
    np.testing.assert_allclose(back.outcomes["fill.west.allied.fires"], stored(run, [FILL])[FILL], rtol=1e-6)
    strongest = explain(back, "fill.west.allied.fires")[0]["drivers"][0]
    assert strongest["input"] == analyse(Analysis.of(run, [FILL]))[0].drivers[0].input


def test_files_that_hold_no_experiments_are_told(tmp_path: Path) -> None:
    (tmp_path / "text.tar.gz").write_text("no archive")
    with pytest.raises(InputError, match="not such a file"):
        read_ema(tmp_path / "text.tar.gz")
    members = {
        "experiments.csv": b"a,b,scenario\n1,,0\n2,3,1\n",
        "y.cls": b"1.0\n",
        "z.cls": b"one\ntwo\n",
        "metadata.json": json.dumps(
            {"version": 0.1, "outcomes": [["ScalarOutcome", "y", "y.cls"], ["ScalarOutcome", "z", "z.cls"]], "experiments": {}}
        ).encode(),
    }
    with tarfile.open(tmp_path / "torn.tar.gz", "w:gz") as archive:
        for name, text in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
    with pytest.raises(InputError) as caught:
        read_ema(tmp_path / "torn.tar.gz")
    assert {p.column for p in caught.value.problems} == {"b", "y", "z"}
