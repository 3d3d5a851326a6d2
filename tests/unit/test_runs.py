"""Runs: equal inputs give equal digests, nothing that stops a run changes its result, and results are what the files say."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from isthmus import cli
from isthmus.errors import RunError
from isthmus.register import Register
from isthmus.study import runner
from isthmus.study.chunks import WEEKLY_FUTURES
from isthmus.study.plan import Plan
from isthmus.study.results import Results, compare
from isthmus.study.store import RunFolder
from isthmus.sustainment import fans
from isthmus.sustainment.kernel import PER_FRONT, PER_SIDE
from tests import campaign_register as paper

FUTURES = 4096
SMALL: dict[str, Any] = {
    "futures": FUTURES,
    "ecosystems": paper.STUDY["ecosystems"][:1],
    "war_cases": paper.STUDY["war_cases"][2:3],
    "uncertainties": paper.SPREAD,
}
"""One ecosystem and one war case in four chunks."""
WEEKLY: dict[str, Any] = {
    **SMALL,
    "futures": WEEKLY_FUTURES,
    "ecosystems": [paper.STUDY["ecosystems"][0], paper.STUDY["ecosystems"][3]],
    "war_cases": paper.STUDY["war_cases"],
}
"""Every future keeps its weekly fill."""
COMMAND = [sys.executable, "-c", "from isthmus.cli import main; main()"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    paper.write(folder / "register")
    paper.write_study(folder / "small.yaml", **SMALL)
    paper.write_study(folder / "weekly.yaml", **WEEKLY)
    return folder


@pytest.fixture(scope="module")
def register(root: Path) -> Register:
    return Register.load(root / "register")


@pytest.fixture(scope="module")
def small(register: Register) -> Plan:
    return paper.plan(register, **SMALL)


@pytest.fixture(scope="module")
def whole(root: Path, small: Plan) -> tuple[Path, str]:
    """A run that nothing interrupted, and its digest."""
    report = runner.start(small, root / "whole", threads=2)
    assert report.campaigns == FUTURES
    return root / "whole", report.digest


@pytest.fixture(scope="module")
def weekly(root: Path, register: Register) -> Path:
    runner.start(paper.plan(register, **WEEKLY), root / "weekly", threads=2)
    return root / "weekly"


@pytest.fixture
def copied(whole: tuple[Path, str], tmp_path: Path) -> Path:
    """A finished run that a test may damage."""
    return Path(shutil.copytree(whole[0], tmp_path / "run"))


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


def change_manifest(run: Path, **values: Any) -> None:
    path = run / "manifest.json"
    old = json.loads(path.read_text())
    for key, value in values.items():
        old[key] = {**old[key], **value} if isinstance(value, dict) else value
    path.write_text(json.dumps(old))


# Digests


def test_same_study_same_digest_with_other_threads(whole: tuple[Path, str], small: Plan, tmp_path: Path) -> None:
    assert runner.start(small, tmp_path / "run", threads=1).digest == whole[1]
    assert RunFolder(tmp_path / "run").digest() == whole[1]


def test_digest_does_not_depend_on_chunks(
    whole: tuple[Path, str], small: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "CHUNK_FUTURES", 700)
    assert runner.start(small, tmp_path / "run", threads=2).digest == whole[1]


def test_other_seed_or_range_other_digest(whole: tuple[Path, str], register: Register, tmp_path: Path) -> None:
    ranges = {**paper.SPREAD, "plan.weeks": paper.constant(40)}
    digests = {
        runner.start(paper.plan(register, **{**SMALL, **change}), tmp_path / name, threads=2).digest
        for name, change in (("seed", {"seed": 8}), ("range", {"uncertainties": ranges}))
    }
    assert len(digests | {whole[1]}) == 3


def test_first_futures_are_the_same_in_a_longer_run(whole: tuple[Path, str], register: Register, tmp_path: Path) -> None:
    runner.start(paper.plan(register, **{**SMALL, "futures": 256}), tmp_path / "run", threads=2)
    short, long = (Results.open(p).outcomes for p in (tmp_path / "run", whole[0]))
    pd.testing.assert_frame_equal(short, long.iloc[:256])


def test_digest_sees_a_changed_value(copied: Path, whole: tuple[Path, str]) -> None:
    path = copied / "chunks" / "chunk-000002" / "outcomes.parquet"
    table = pq.read_table(path)
    column = table.column_names.index("used.west.allied.fires")
    values = table.column(column).to_numpy().copy()
    values[17] = np.nextafter(values[17], np.float32(np.inf))
    pq.write_table(table.set_column(column, table.column_names[column], [values]), path)
    assert RunFolder(copied).digest() != whole[1]


def test_digest_is_of_values_not_of_files(copied: Path, whole: tuple[Path, str]) -> None:
    for path in copied.glob("chunks/*/*.parquet"):
        pq.write_table(pq.read_table(path), path, compression="none", row_group_size=100)
    assert RunFolder(copied).digest() == whole[1]


# Resume


def test_resume_of_a_finished_run_computes_nothing(
    whole: tuple[Path, str], isthmus: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "run_chunk", lambda *_: pytest.fail("a chunk was computed again"))
    before = {p: p.stat().st_mtime_ns for p in whole[0].rglob("*")}
    code, out, _ = isthmus("resume", whole[0], "--json")
    assert code == 0
    assert json.loads(out) == {
        "run": str(whole[0]),
        "campaigns": FUTURES,
        "seconds": pytest.approx(0, abs=5),
        "campaigns_per_second": 0,
        "digest": whole[1],
    }
    assert {p: p.stat().st_mtime_ns for p in whole[0].rglob("*")} == before


def test_missing_chunks_are_computed_again(copied: Path, whole: tuple[Path, str], register: Register) -> None:
    for index in (0, 2):
        shutil.rmtree(copied / "chunks" / f"chunk-{index:06d}")
    with pytest.raises(RunError, match=r"the run is not complete \(found 2 of 4 chunks"):
        Results.open(copied)
    assert runner.resume(copied, register).digest == whole[1]


def test_leftovers_of_a_killed_writer_are_cleaned(copied: Path, whole: tuple[Path, str], register: Register) -> None:
    (copied / "chunks" / "chunk-000003").rename(copied / "chunks" / ".writing-abc")
    assert runner.resume(copied, register).digest == whole[1]
    assert sorted(p.name for p in (copied / "chunks").iterdir()) == [f"chunk-{i:06d}" for i in range(4)]


def _begin(root: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    words = ["run", str(root / "small.yaml"), "--register", str(root / "register"), "--out", str(out), "--threads", "1", *more]
    return subprocess.Popen(
        [*COMMAND, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_listen_to_ctrl_c,
    )


def _listen_to_ctrl_c() -> None:
    """Tests that run in the background hand down that Ctrl-C is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _wait_for(process: subprocess.Popen[str], seen: Callable[[], bool]) -> bool:
    """Polls until something is seen; False where the process ended first."""
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        if seen():
            return True
        time.sleep(0.0005)
    return False


def test_killed_at_any_moment_a_run_ends_with_the_same_digest(root: Path, whole: tuple[Path, str], tmp_path: Path) -> None:
    """SIGKILL once as soon as the folder is there, once while a chunk is being written, then soon after another chunk."""
    out = tmp_path / "run"
    chance = random.Random(20261)  # noqa: S311
    killed = 0

    def done() -> int:
        return len(list((out / "chunks").glob("chunk-*")))

    for number in range(4):
        before = done()
        moments: list[Callable[[], bool]] = [out.exists, lambda: any((out / "chunks").glob(".writing-*/*"))]
        process = _begin(root, out)
        if _wait_for(process, moments[number] if number < 2 else lambda seen=before: done() > seen):  # type: ignore[misc]
            time.sleep(chance.random() * 0.05 if number > 1 else 0)
            process.kill()
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        if number == 1:
            assert done() < 4  # it was killed with chunks to go
    assert killed >= 3
    ended = subprocess.run([*COMMAND, "resume", str(out), "--json"], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["digest"] == whole[1]
    assert sorted(p.name for p in (out / "chunks").iterdir()) == [f"chunk-{i:06d}" for i in range(4)]


def test_a_kill_before_the_manifest_leaves_a_folder_that_run_accepts(
    small: Plan, tmp_path: Path, whole: tuple[Path, str]
) -> None:
    """The folder is made before the manifest is: what a kill between the two leaves is no foreign folder."""
    out = tmp_path / "run"
    (out / "chunks").mkdir(parents=True)
    assert runner.start(small, out, threads=2).digest == whole[1]


def test_ctrl_c_exits_3_and_says_how_to_go_on(root: Path, whole: tuple[Path, str], tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = _begin(root, out, "--futures", "262144")
    assert _wait_for(process, lambda: any((out / "chunks").glob("chunk-*")))
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 3
    assert f"isthmus resume {out}" in said
    assert "Traceback" not in said
    assert not RunFolder(out).complete()
    assert not list((out / "chunks").glob(".writing-*"))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"register": {"hash": "0" * 64}}, "the register has changed"),
        ({"kernel": "skylake-lanes128-v0"}, "kernel"),
        ({"version": "0.0.1"}, "version"),
        ({"libraries": {"numpy": "1.0.0"}}, "libraries.numpy"),
        ({"input_hash": "0" * 64}, "input_hash"),
        ({"chunk_futures": 512}, "chunk_futures"),
    ],
)
def test_resume_refuses_what_is_not_the_same(
    copied: Path, change: dict[str, Any], word: str, isthmus: Callable[..., tuple[int, str, str]]
) -> None:
    shutil.rmtree(copied / "chunks" / "chunk-000003")
    change_manifest(copied, **change)
    code, out, err = isthmus("resume", copied)
    assert code == 2
    assert out == ""
    assert word in err
    assert "Traceback" not in err
    assert not (copied / "chunks" / "chunk-000003").exists()


def test_resume_refuses_a_changed_register(
    copied: Path, root: Path, tmp_path: Path, isthmus: Callable[..., tuple[int, str, str]]
) -> None:
    rows = paper.tables()
    rows["stocks"][0] |= {"low": "1", "mode": "2", "high": "3"}
    other = paper.write(tmp_path / "other", rows)
    code, _, err = isthmus("resume", copied, "--register", other)
    assert code == 2
    assert "the register has changed" in err


def test_run_refuses_a_folder_of_another_study(copied: Path, register: Register) -> None:
    with pytest.raises(RunError, match="the run in this folder began otherwise"):
        runner.start(paper.plan(register, **{**SMALL, "seed": 8}), copied)


@pytest.mark.parametrize("what", ["folder", "file"])
def test_run_refuses_what_is_not_its_own(
    what: str, root: Path, tmp_path: Path, isthmus: Callable[..., tuple[int, str, str]]
) -> None:
    out = tmp_path / "mine"
    if what == "folder":
        out.mkdir()
        (out / "thesis.txt").write_text("years of work")
    else:
        out.write_text("years of work")
    code, _, err = isthmus("run", root / "small.yaml", "--register", root / "register", "--out", out)
    assert code == 2
    assert "the run cannot be written here" in err
    kept = out / "thesis.txt" if what == "folder" else out
    assert kept.read_text() == "years of work"


# Damage


@pytest.mark.parametrize("table", ["outcomes", "reach"])
@pytest.mark.parametrize("damage", ["truncated", "empty", "text", "gone"])
def test_a_damaged_chunk_gives_a_clear_error(
    table: str, damage: str, copied: Path, isthmus: Callable[..., tuple[int, str, str]]
) -> None:
    path = copied / "chunks" / "chunk-000001" / f"{table}.parquet"
    if damage == "gone":
        path.unlink()
    else:
        data = path.read_bytes()
        path.write_bytes({"truncated": data[: len(data) // 2], "empty": b"", "text": b"not Parquet"}[damage])
    code, out, err = isthmus("digest", copied)
    assert code == 2
    assert out == ""
    assert str(path) in err
    assert "Traceback" not in err


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 99}', '{"format": 1}'])
def test_a_damaged_manifest_gives_a_clear_error(text: str, copied: Path, isthmus: Callable[..., tuple[int, str, str]]) -> None:
    (copied / "manifest.json").write_text(text)
    for command in ("digest", "resume", "results"):
        code, _, err = isthmus(command, copied)
        assert code == 2
        assert str(copied / "manifest.json") in err


def test_a_folder_without_a_run(tmp_path: Path, isthmus: Callable[..., tuple[int, str, str]]) -> None:
    for command in ("digest", "resume", "results"):
        code, _, err = isthmus(command, tmp_path / "nothing")
        assert code == 2
        assert "this is not a run" in err


# Results


def test_run_prints_one_json_document(root: Path, tmp_path: Path, isthmus: Callable[..., tuple[int, str, str]]) -> None:
    words = ("run", root / "small.yaml", "--register", root / "register", "--out", tmp_path / "run", "--futures", "128", "--json")
    code, out, _ = isthmus(*words)
    found = json.loads(out)
    assert code == 0
    assert set(found) >= {"run", "campaigns", "seconds", "campaigns_per_second", "digest"}
    assert found["campaigns"] == 128
    assert json.loads(isthmus("digest", tmp_path / "run", "--json")[1]) == {"digest": found["digest"]}


def test_plan_runs_nothing(root: Path, tmp_path: Path, isthmus: Callable[..., tuple[int, str, str]]) -> None:
    words = ("run", root / "small.yaml", "--register", root / "register", "--out", tmp_path / "run", "--plan", "--json")
    code, out, _ = isthmus(*words)
    assert code == 0
    assert json.loads(out)["campaigns"] == FUTURES
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("futures", [1, 100, 129, 1000])
def test_any_number_of_futures_runs(futures: int, register: Register, tmp_path: Path) -> None:
    runner.start(paper.plan(register, **{**SMALL, "futures": futures}), tmp_path / "run", threads=1)
    assert len(Results.open(tmp_path / "run").outcomes) == futures


def test_results_are_the_quantiles_of_the_files(weekly: Path, isthmus: Callable[..., tuple[int, str, str]]) -> None:
    """Computed again from the Parquet files with pandas alone."""
    code, out, _ = isthmus("results", weekly, "--json")
    rows = json.loads(out)
    assert code == 0
    assert all(set(r) >= {"ecosystem", "war_case", "front", "mission", "outcome", "low", "median", "high"} for r in rows)
    frame = pd.concat(pd.read_parquet(p) for p in sorted(weekly.glob("chunks/*/outcomes.parquet")))
    checked = 0
    for (eco, case), part in frame.groupby(["ecosystem", "war_case"], observed=True):
        for row in (r for r in rows if (r["ecosystem"], r["war_case"]) == (eco, case)):
            name = f"{row['outcome']}.{row['front']}.{row['mission']}"
            if name in part:
                want = part[name].astype(float).quantile([0.05, 0.5, 0.95]).to_numpy()
                np.testing.assert_allclose([row["low"], row["median"], row["high"]], want, rtol=1e-9, atol=1e-12)
                checked += 1
    # Fronts at war × outcomes; shells to rebuild; costs of two sides in the one year.
    assert checked == 2 * (2 * 2 + 2 * 4) * len(PER_FRONT) + 2 * 4 * 2 + 2 * 4 * 2 * len(PER_SIDE)


def test_outcome_shares_sum_to_one(weekly: Path, isthmus: Callable[..., tuple[int, str, str]]) -> None:
    rows = [r for r in json.loads(isthmus("results", weekly, "--json")[1]) if r["outcome"].startswith("share_")]
    frame = pd.DataFrame(rows)
    assert set(frame["outcome"]) == {"share_undecided", "share_defence_unsustained", "share_attack_unsustained"}
    sums = frame.groupby(["ecosystem", "war_case", "front", "mission"])["median"].sum()
    assert len(sums) == 2 * 6
    np.testing.assert_allclose(sums, 1, atol=1e-12)
    codes = pd.read_parquet(weekly / "chunks" / "chunk-000000" / "outcomes.parquet")
    part = codes[(codes["ecosystem"] == "as_is") & (codes["war_case"] == "both")]["outcome.east.fires"]
    row = next(
        r for r in rows if (r["ecosystem"], r["war_case"], r["front"]) == ("as_is", "both", "east") and "attack" in r["outcome"]
    )
    assert row["median"] == pytest.approx((part == 2).mean())


def test_results_can_be_narrowed_and_refuse_unknown_names(weekly: Path, isthmus: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = isthmus("results", weekly, "--war-case", "both", "--outcome", "used", "--json")
    assert code == 0
    assert {(r["war_case"], r["outcome"]) for r in json.loads(out)} == {("both", "used")}
    code, _, err = isthmus("results", weekly, "--war-case", "bothh")
    assert code == 2
    assert "both" in err


def test_weeks_and_use_add_up(weekly: Path) -> None:
    frame = Results.open(weekly).outcomes
    for view, place in (("west.allied.fires", "west"), ("east.rival.fires", "east")):
        for case in paper.STUDY["war_cases"]:
            part = frame[frame["war_case"] == case["name"]]
            weeks = part[[f"weeks_{s}.{view}" for s in ("met", "rationed", "starved")]].sum(axis=1)
            assert (weeks == (52 - case["starts"][place] if place in case["starts"] else 0)).all()
            assert (part[f"used.{view}"] <= part[f"needed.{view}"] * (1 + 1e-5)).all()


def test_materiel_balances_in_every_future(whole: tuple[Path, str], weekly: Path) -> None:
    for run in (whole[0], weekly):
        residual = Results.open(run).outcomes["mass_balance_residual"]
        assert residual.max() < 1e-3
        assert residual.min() >= 0


@pytest.fixture(scope="module")
def trajectories(weekly: Path) -> pd.DataFrame:
    return pd.concat(pd.read_parquet(p) for p in sorted(weekly.glob("chunks/*/weeks.parquet")))


@pytest.mark.parametrize("ecosystem", ["as_is", "full"])
@pytest.mark.parametrize("case", [c["name"] for c in paper.STUDY["war_cases"]])
def test_fans_are_the_quantiles_of_the_trajectories(weekly: Path, trajectories: pd.DataFrame, ecosystem: str, case: str) -> None:
    """Counts sum to the futures in every week at war and to none at peace; quantiles lie within a bin of the exact ones."""
    opened = Results.open(weekly)
    starts = next(c["starts"] for c in paper.STUDY["war_cases"] if c["name"] == case)
    chosen = trajectories[(trajectories["ecosystem"] == ecosystem) & (trajectories["war_case"] == case)]
    for view in opened.manifest["views"]:
        exact = np.stack(chosen[chosen["view"] == view]["fill"].to_list())
        assert exact.shape == (WEEKLY_FUTURES, 52)
        start = starts.get(view.split(".")[0], 52)
        assert (exact[:, :start] == -1).all()
        assert (exact[:, start:] >= 0).all()
        assert (exact <= 1).all()
        counts = opened._counts["level"].get((ecosystem, case, view), np.zeros((52, fans.LEVEL_BINS), np.int64))
        assert (counts.sum(1) == np.where(np.arange(52) >= start, WEEKLY_FUTURES, 0)).all()
        fan = opened.fan(view, case, ecosystem).to_numpy()
        assert np.isnan(fan[:start]).all()
        want = np.quantile(exact[:, start:], (0.05, 0.25, 0.5, 0.75, 0.95), axis=0, method="inverted_cdf").T
        assert np.abs(fan[start:] - want).max(initial=0) <= 0.05 + 1e-6


def test_mean_differences_are_those_of_the_trajectories(weekly: Path, trajectories: pd.DataFrame) -> None:
    opened = Results.open(weekly)
    chosen = trajectories[(trajectories["war_case"] == "both") & (trajectories["view"] == "east.allied.fires")]
    full, base = (np.stack(chosen[chosen["ecosystem"] == e]["fill"].to_list()).astype(float) for e in ("full", "as_is"))
    got = opened.mean_difference("east.allied.fires", "both", "full")
    assert np.abs(got - (full - base).mean(axis=0)).max() <= 0.025
    assert np.abs(got).max() > 0.05


def test_reach_of_a_run_is_that_of_the_command(weekly: Path, root: Path, isthmus: Callable[..., tuple[int, str, str]]) -> None:
    words = ("reach", root / "weekly.yaml", "--register", root / "register", "--futures", str(WEEKLY_FUTURES), "--json")
    code, out, _ = isthmus(*words)
    rows = json.loads(out)
    assert code == 0
    fields = (
        "ecosystem",
        "front",
        "mission",
        "tier",
        "reach",
        "reach_if_both_draw",
        "hub_share",
        "scale_ratio",
        "days_of_supply",
    )
    assert all(set(r) >= set(fields) for r in rows)
    assert {(r["ecosystem"], r["front"]) for r in rows} == {
        (e, f["front"]) for e in ("as_is", "full") for f in paper.STUDY["fronts"]
    }
    assert {r["tier"] for r in rows} == {"campaign"}
    kept = Results.open(weekly).reach.set_index(["ecosystem", "front", "mission", "measure"])["median"]
    for row in rows:
        for measure in fields[4:]:
            assert kept[row["ecosystem"], row["front"], row["mission"], measure] == pytest.approx(row[measure], rel=1e-6)


def test_reach_counts_no_more_than_there_is(weekly: Path) -> None:
    table = pd.concat(pd.read_parquet(p) for p in weekly.glob("chunks/*/reach.parquet"))
    assert table[["reach", "reach_if_both_draw", "hub_share"]].min().min() >= 0
    assert table[["reach", "hub_share"]].max().max() <= 1 + 1e-6
    assert (table["reach_if_both_draw"] <= table["reach"] * (1 + 1e-6)).all()


# Compare


def test_a_run_compared_with_itself_is_zero(weekly: Path, isthmus: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = isthmus("compare", weekly, weekly, "--json")
    frame = pd.DataFrame(json.loads(out))
    assert code == 0
    assert len(frame) > 100
    assert not frame[["low", "median", "high", "mean", "share_changed"]].to_numpy().any()


def test_compare_pairs_futures(whole: tuple[Path, str], register: Register, tmp_path: Path) -> None:
    """Differences are those of pandas on the two files, future by future."""
    changed = {**SMALL, "uncertainties": {**paper.SPREAD, "interchange.gun_155mm": paper.constant(0.95)}}
    runner.start(paper.plan(register, **changed), tmp_path / "run", threads=2)
    a, b = Results.open(whole[0]), Results.open(tmp_path / "run")
    rows = compare(a, b).set_index(["outcome", "front_mission"])
    name = "used.west.allied.fires"
    want = (b.outcomes[name].astype(float) - a.outcomes[name].astype(float)).quantile([0.05, 0.5, 0.95])
    got = rows.loc[("used", "west.allied.fires"), ["low", "median", "high"]].astype(float)
    np.testing.assert_allclose(got, want, rtol=1e-3, atol=0.01)
    back = compare(b, a).set_index(["outcome", "front_mission"])
    np.testing.assert_allclose(back["mean"], -rows["mean"], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("change", [{"seed": 8}, {"futures": 128}])
def test_compare_refuses_other_draws(
    change: dict[str, Any], weekly: Path, register: Register, tmp_path: Path, isthmus: Callable[..., tuple[int, str, str]]
) -> None:
    runner.start(paper.plan(register, **{**WEEKLY, **change}), tmp_path / "run", threads=2)
    code, _, err = isthmus("compare", weekly, tmp_path / "run")
    assert code == 2
    assert "the runs are not paired" in err
