"""Study files: every fault of a file is told at once, with what was found and what is allowed; the command line exits with 2.

`tests/data/bad/studies/<fault>.yaml` holds one faulty study a file, `<fault>.txt` the exact problems, one a line, file left out.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from isthmus import cli
from isthmus.axes import LAYERS
from isthmus.errors import StudyError
from isthmus.register import Register
from isthmus.study import Study
from isthmus.study.plan import make_plan
from tests import campaign_register as paper

BAD = Path(__file__).parent.parent / "data" / "bad" / "studies"
FAULTS = sorted(p.stem for p in BAD.glob("*.yaml"))


@pytest.fixture(scope="module")
def register_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return paper.write(tmp_path_factory.mktemp("paper") / "register")


@pytest.fixture(scope="module")
def register(register_root: Path) -> Register:
    return Register.load(register_root)


def told(error: StudyError) -> list[str]:
    return [" ".join(str(p).removeprefix(p.file).removeprefix(", ").removeprefix(": ").split()) for p in error.problems]


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_told(fault: str, register: Register) -> None:
    with pytest.raises(StudyError) as caught:
        make_plan(Study.load(BAD / f"{fault}.yaml"), register)
    assert told(caught.value) == (BAD / f"{fault}.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    "fault", ["six_faults", "four_unknown_names", "low_above_mode", "logarithm_of_zero", "latin_1", "broken_yaml"]
)
def test_command_line_lists_all_and_exits_2(
    fault: str, register_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    words = ["isthmus", "run", str(BAD / f"{fault}.yaml"), "--register", str(register_root), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as stop:
        cli.main()
    said = capsys.readouterr()
    expected = (BAD / f"{fault}.txt").read_text(encoding="utf-8").splitlines()
    assert stop.value.code == 2
    assert said.out == ""
    assert "Traceback" not in said.err
    assert said.err.count("    found:   ") == len(expected)
    assert said.err.splitlines()[-1] == f"{len(expected)} problem{'s' * (len(expected) != 1)}."
    assert not out.exists()


def test_a_process_of_its_own_prints_no_traceback(register_root: Path, tmp_path: Path) -> None:
    code = "from isthmus.cli import main; main()"
    words = ["run", str(BAD / "six_faults.yaml"), "--register", str(register_root), "--out", str(tmp_path / "run")]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.rstrip().endswith("6 problems.")


def test_a_folder_is_no_study(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="study not found"):
        Study.load(tmp_path)


def test_a_missing_file_names_what_ships() -> None:
    with pytest.raises(StudyError, match=r"one of: .*reference"):
        Study.load("no_such_study")


def test_a_shipped_study_goes_by_its_name() -> None:
    assert Study.load("reference").study == "reference"


def test_paper_study_has_no_fault(register: Register, tmp_path: Path) -> None:
    plan = make_plan(Study.load(paper.write_study(tmp_path / "paper.yaml")), register)
    assert plan.campaigns == 128 * 4 * 4
    assert plan.study.digest() == Study.model_validate(paper.study()).digest()


def test_layout_of_the_file_does_not_change_the_digest(tmp_path: Path) -> None:
    path = tmp_path / "paper.yaml"
    path.write_text(yaml.safe_dump(paper.study(), sort_keys=True, default_flow_style=True), encoding="utf-8")
    assert Study.load(path).digest() == Study.model_validate(paper.study()).digest()
    assert Study.model_validate(paper.study(seed=8)).digest() != Study.load(path).digest()


def test_a_study_is_frozen() -> None:
    study = Study.model_validate(paper.study())
    with pytest.raises(ValidationError, match="frozen"):
        study.seed = 1  # type: ignore[misc]


def test_layers_override_the_threshold() -> None:
    ecosystem = {"name": "x", "threshold": "declared", "layers": {"standard": "implemented"}, "complete": ["industry"]}
    rule = Study.model_validate(paper.study(ecosystems=[ecosystem])).ecosystems[0].rule()
    assert {layer: rule.threshold(layer) for layer in LAYERS} == {**dict.fromkeys(LAYERS, "declared"), "standard": "implemented"}
    assert rule.complete == ("industry",)


def test_belligerents_win_over_donors_and_later_groups_over_earlier(register: Register) -> None:
    fronts: list[dict[str, Any]] = paper.study()["fronts"]
    fronts[0]["donors"] = ["WES", "DON"]
    fronts[0]["belligerents"] = [{"actors": ["PACT"], "fights": "fights.ally"}, {"actors": ["HUB"], "fights": "fights.sure"}]
    front = Study.model_validate(paper.study(fronts=fronts)).setting(register, campaign=True).fronts[0]
    assert {p.actor_id: p.fights for p in front.participants} == {"DON": None, "HUB": "fights.sure", "WES": "fights.ally"}


def test_a_bloc_as_donor_is_its_members(register: Register) -> None:
    fronts: list[dict[str, Any]] = paper.study()["fronts"]
    fronts[2]["belligerents"] = [{"actors": ["EAS"], "fights": "fights.sure"}]
    fronts[2]["donors"] = ["PACT"]
    front = Study.model_validate(paper.study(fronts=fronts)).setting(register, campaign=True).fronts[2]
    assert [p.actor_id for p in front.participants if p.fights is None] == ["HUB", "WES"]


def test_an_override_changes_only_its_range(register: Register) -> None:
    plain = paper.plan(register)
    other = paper.plan(register, uncertainties={"interchange.gun_155mm": paper.constant(0.9)})
    a, b = plain.design.draw(0, 8), other.design.draw(0, 8)
    assert (b["interchange.gun_155mm"] == 0.9).all()
    assert all((a[name] == b[name]).all() for name in a if name != "interchange.gun_155mm")
    assert other.design.by_name["interchange.gun_155mm"].kind == "assumption"
    assert other.design.by_name["interchange.gun_155mm"].rule == "fixed for a test"


def test_futures_and_seed_of_the_command_line_replace_the_studys(register: Register) -> None:
    plan = make_plan(Study.model_validate(paper.study()), register, futures=64, seed=99)
    assert (plan.study.futures, plan.study.seed, plan.design.seed) == (64, 99, 99)
