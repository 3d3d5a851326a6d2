"""Drivers: shares against closed forms and brute force, chance kept out, flips borne out by running again, runs opened elsewhere."""

from __future__ import annotations

import importlib
import json
import sys
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
from isthmus.study.boxes import MOST_LIMITS, boxes
from isthmus.study.breakeven import Reruns, confirm, confirmed, fixed, reruns_of
from isthmus.study.discovery import discover
from isthmus.study.drivers import Analysis, Judged, analyse
from isthmus.study.exchange_ema import write_ema
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


def test_an_interval_holds_the_closed_form() -> None:
    held = 0
    for seed in range(20):
        points = np.random.default_rng(seed).random((4096, 3))
        outcome = points[:, 0] + 2 * points[:, 1]  # shares 1/5 and 4/5
        low, high = sensitivity.interval(sensitivity.bins_of(points[:, 0], sensitivity.slices(4096)), outcome)
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
    found = sensitivity.crossing(sensitivity.conditional(x, event), 0.3)
    assert found is not None
    assert found.low <= found.at <= found.high
    assert found.at == pytest.approx(3, abs=0.3)
    assert found.lower_side == "below"
    assert sensitivity.crossing(sensitivity.conditional(rng.random(8192), event), 0.5) is None


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


def test_no_box_where_there_is_none() -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        assert boxes(tuple("abcdef"), rng.random((2048, 6)), rng.random(2048) < 0.3) == []


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


def test_a_word_that_the_run_does_not_know_is_bad_input(run: Results, isthmus: Callable[..., tuple[int, str, str]]) -> None:
    code, _, err = isthmus("drivers", run.folder.root, "--outcome", "victory")
    assert code == 2
    assert "victory" in err


# EMA Workbench


@pytest.fixture(scope="module")
def workbench() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("ema_workbench", reason="the EMA Workbench is not installed (uv sync --group bench)")


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
    import tarfile

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
