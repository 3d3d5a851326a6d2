"""Excursions: each option of a study does what it says and nothing else; what ships can be run; paired differences add up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import yaml

from isthmus.errors import StudyError
from isthmus.interop.access import access, decisions, fights
from isthmus.interop.reach import reach
from isthmus.register import Register
from isthmus.study import Study
from isthmus.study.excursions import COLUMNS, chosen, headline, run_excursions, shipped
from isthmus.study.plan import Plan, make_plan
from isthmus.study.runner import run_chunk
from isthmus.study.schema import studies_root
from tests import campaign_register as paper
from tests.campaign_register import EAS_A_WEEK, HUB_A_WEEK, STOCK, constant

F64 = npt.NDArray[np.float64]
WEST, EAST = ("west.allied", "fires"), ("east.allied", "fires")
RIVALS = (("west.rival", "fires"), ("east.rival", "fires"))
H = 52
EAS_OUTPUT = EAS_A_WEEK * H + EAS_A_WEEK * H**2 / (2 * 56)
"""Base 10 a week; 10 more by the plan, funded by half, over the 56 weeks to its date: area under a ramp."""


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Register:
    return Register.load(paper.write(tmp_path_factory.mktemp("paper") / "register"))


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., Register]:
    def build(**other: list[dict[str, str]]) -> Register:
        return Register.load(paper.write(tmp_path / "register", {**paper.tables(), **other}))

    return build


def reached(plan: Plan) -> dict[tuple[str, str], float]:
    """Effect that each front could use, in the first ecosystem and future."""
    draws = plan.design.draw(0, 1)
    return {key: float(v["reachable"][0]) for key, v in reach(plan.supply, plan.study.ecosystems[0].rule(), draws).items()}


def outcomes(plan: Plan) -> pd.DataFrame:
    frame: pd.DataFrame = run_chunk(plan, 0, plan.study.futures, threads=2)["outcomes"].to_pandas()
    return frame[frame["ecosystem"] == plan.study.ecosystems[0].name].set_index(["war_case", "future"]).drop(columns="ecosystem")


def of_front(frame: pd.DataFrame, front: str) -> pd.DataFrame:
    return frame[[c for c in frame.columns if f".{front}." in c]]


ONE: dict[str, Any] = {"futures": 1}
FAST: dict[str, Any] = {"futures": 1, "uncertainties": {"rate.gun": constant(100)}}
"""Tubes that could fire everything there is."""
VARIED: dict[str, Any] = {"futures": 64, "uncertainties": paper.SPREAD}

# By hand, west.allied: tubes of WES only (HUB and PACT hold none), so that what WES holds fits and of the rest 0.7. DON gives above
# its floor of 0.6; WES and HUB keep 0.1.
DON_IN_WEST = 0.7 * 0.4 * STOCK["DON"]


# Vetoes


def test_a_veto_of_a_donor_takes_its_lot_out_of_one_front(register: Register) -> None:
    veto = {"veto": "x", "front": "west.allied", "donors": ["DON"]}
    base, other = reached(paper.plan(register, **ONE)), reached(paper.plan(register, vetoes=[veto], **ONE))
    assert base[WEST] - other[WEST] == pytest.approx(DON_IN_WEST)
    assert all(other[key] == base[key] for key in (EAST, *RIVALS))


def test_a_veto_is_the_same_as_vetoed_of_the_front(register: Register) -> None:
    fronts = paper.study()["fronts"]
    fronts[0]["vetoed"] = ["DON"]
    plain = outcomes(paper.plan(register, fronts=fronts, **VARIED))
    rule = outcomes(paper.plan(register, vetoes=[{"veto": "x", "front": "west.allied", "donors": ["DON"]}], **VARIED))
    pd.testing.assert_frame_equal(rule, plain)


def test_a_veto_of_a_bloc_is_one_of_its_members(register: Register) -> None:
    veto = {"veto": "x", "front": "east.allied", "donors": ["PACT"]}
    members = {"veto": "x", "front": "east.allied", "donors": ["HUB", "WES"]}
    plans = [paper.plan(register, vetoes=[v], **ONE) for v in (veto, members)]
    assert reached(plans[0]) == reached(plans[1])
    assert reached(plans[0])[EAST] < reached(paper.plan(register, **ONE))[EAST]


def test_a_veto_of_materiel(register: Register) -> None:
    """All 155 mm shells barred from the west; elsewhere nothing changes."""
    veto = {"veto": "x", "front": "west.allied", "materiel": ["shell_155"]}
    base, other = reached(paper.plan(register, **ONE)), reached(paper.plan(register, vetoes=[veto], **ONE))
    assert other[WEST] == 0
    assert all(other[key] == base[key] for key in (EAST, *RIVALS))
    never = {"veto": "x", "front": "west.allied", "materiel": ["shell_152"]}
    assert reached(paper.plan(register, vetoes=[never], **ONE)) == base


def test_a_licensors_refusal_bars_what_is_made_under_its_licence(changed: Callable[..., Register]) -> None:
    """EAS makes under a licence of HUB: its shells stay out of the west and serve at home. HUB and WES make nothing so."""
    lines = [{**r, "licensor": "HUB"} if r["actor_id"] == "EAS" else r for r in paper.tables()["lines"]]
    register = changed(lines=lines)
    veto = {"veto": "x", "front": "west.allied", "licensor": "HUB"}
    base, other = reached(paper.plan(register, **ONE)), reached(paper.plan(register, vetoes=[veto], **ONE))
    only_eas = {"veto": "x", "front": "west.allied", "donors": ["EAS"]}
    assert other == reached(paper.plan(register, vetoes=[only_eas], **ONE))
    assert other[WEST] < base[WEST]
    assert other[EAST] == base[EAST]
    nobody = {"veto": "x", "front": "west.allied", "licensor": "WES"}
    assert reached(paper.plan(register, vetoes=[nobody], **ONE)) == base


def test_conditions_of_a_veto_hold_together(changed: Callable[..., Register]) -> None:
    """DON and a licence of HUB: DON makes nothing under one, so nothing is barred."""
    lines = [{**r, "licensor": "HUB"} if r["actor_id"] == "EAS" else r for r in paper.tables()["lines"]]
    register = changed(lines=lines)
    veto = {"veto": "x", "front": "west.allied", "donors": ["DON"], "licensor": "HUB"}
    assert reached(paper.plan(register, vetoes=[veto], **ONE)) == reached(paper.plan(register, **ONE))


def test_a_veto_that_is_off_changes_no_outcome(register: Register) -> None:
    veto = {"veto": "x", "front": "west.allied", "donors": ["DON"], "on": False}
    pd.testing.assert_frame_equal(
        outcomes(paper.plan(register, vetoes=[veto], **VARIED)), outcomes(paper.plan(register, **VARIED))
    )


# Delays


def test_a_delay_takes_what_the_later_ramp_does_not_make(register: Register) -> None:
    """Ramp of 56 + 28 weeks: 10 × 52² / 2 × (1/56 − 1/84) rounds less; EAS gives them to the west at 0.7 of its output."""
    late = paper.plan(register, delays=[{"actor": "EAS", "materiel": "shell_155", "weeks": 28}], **FAST)
    base, other = reached(paper.plan(register, **FAST)), reached(late)
    missing = EAS_A_WEEK * H**2 / 2 * (1 / 56 - 1 / 84)
    assert base[WEST] - other[WEST] == pytest.approx(0.7 * missing)
    assert base[EAST] - other[EAST] == pytest.approx(missing)
    assert all(other[key] == base[key] for key in RIVALS)


def test_a_delay_of_what_has_no_plan_is_refused(register: Register) -> None:
    with pytest.raises(StudyError) as caught:
        paper.plan(register, delays=[{"actor": "HUB", "materiel": "shell_155", "weeks": 52}], **ONE)
    assert caught.value.problems[0].found == "HUB, shell_155"


# Absence


def test_who_is_absent_neither_fights_nor_gives(register: Register) -> None:
    plan = paper.plan(register, absent=["HUB"], **VARIED)
    draws = plan.design.draw(0, 64)
    held = access(plan.supply, plan.study.ecosystems[0].rule(), draws)
    at = fights(plan.supply, draws)
    decided = decisions(plan.supply, held, draws)
    mine = [i for i, d in enumerate(plan.supply.desks) if d.actor_id == "HUB"]
    assert len(mine) == 2
    assert not at[mine].any()
    assert not decided["size"][mine].any()
    frame = outcomes(plan)
    assert (frame[[c for c in frame.columns if c.startswith("shipped_hub.") and "allied" in c]] == 0).all().all()


def test_absence_leaves_the_draws_and_the_other_side_alone(register: Register) -> None:
    base, other = paper.plan(register, **VARIED), paper.plan(register, absent=["HUB"], **VARIED)
    a, b = base.design.draw(0, 64), other.design.draw(0, 64)
    assert a.keys() == b.keys()
    assert all(np.array_equal(a[name], b[name]) for name in a)
    x, y = outcomes(base), outcomes(other)
    for front in ("west.rival", "east.rival"):
        pd.testing.assert_frame_equal(of_front(y, front), of_front(x, front))


def test_absence_by_hand(register: Register) -> None:
    """West without HUB: its 2,000 less the floor of a tenth, and 52 weeks of 100, at 0.7, as its tubes are those of WES."""
    base, other = reached(paper.plan(register, **ONE)), reached(paper.plan(register, absent=["HUB"], **ONE))
    assert base[WEST] - other[WEST] == pytest.approx(0.7 * (0.9 * STOCK["HUB"] + HUB_A_WEEK * H))
    assert all(other[key] == base[key] for key in RIVALS)


def test_a_bloc_that_is_absent_is_all_its_members(register: Register) -> None:
    by_name, by_bloc = (reached(paper.plan(register, absent=a, **ONE)) for a in (["HUB", "WES"], ["PACT"]))
    assert by_name == by_bloc


# The split of the hub


def test_shares_of_a_split_add_up_to_what_the_hub_has(register: Register) -> None:
    """Everything the hub can spare fits at 0.7 in both places, so the parts of a split are parts of one lot."""
    none = reached(paper.plan(register, absent=["HUB"], **FAST))
    whole = reached(paper.plan(register, **FAST))
    for west in (0.0, 0.3, 0.8, 1.0):
        parts = reached(paper.plan(register, hub_split={"west": west, "east": 1 - west}, **FAST))
        for front, share in ((WEST, west), (EAST, 1 - west)):
            assert parts[front] - none[front] == pytest.approx(share * (whole[front] - none[front]))


def test_all_to_one_front_is_that_front_alone(register: Register) -> None:
    """With everything kept for it, a front is served as if the other had no claim on the hub."""
    quick = {**VARIED, "uncertainties": paper.SPREAD | {"rate.gun": constant(1000)}}
    split = outcomes(paper.plan(register, hub_split={"west": 1, "east": 0}, **quick))
    veto = outcomes(paper.plan(register, vetoes=[{"veto": "x", "front": "east.allied", "donors": ["HUB"]}], **quick))
    for front in ("west.allied", "east.allied"):
        pd.testing.assert_frame_equal(of_front(split, front), of_front(veto, front))


# Exchange, and ranges times a factor


def test_exchange_stands_beside_its_twin_and_leaves_it_alone(register: Register) -> None:
    twin = {"name": "west_alone", "starts": {"west": 0}}
    worn = {"name": "west_worn", "starts": {"west": 0}, "exchange": True}
    both = outcomes(paper.plan(register, war_cases=[twin, worn], **VARIED))
    alone = outcomes(paper.plan(register, war_cases=[twin], **VARIED))
    pd.testing.assert_frame_equal(both.loc["west_alone"], alone.loc["west_alone"])
    left = [c for c in both.columns if c.startswith("force_left.west")]
    assert len(left) == 2
    assert (both.loc["west_alone", left] == 1).all().all()
    assert (both.loc["west_worn", left] < 1).any().any()


def test_times_scales_a_range_and_nothing_else(register: Register) -> None:
    half = {**paper.SPREAD, "lag.far": {"times": 0.5, "reason": "half"}}
    lag = {"low": 4, "mode": 6, "high": 15, "shape": "pert", "reason": "x"}
    base = paper.plan(register, futures=64, uncertainties=paper.SPREAD)
    other = paper.plan(register, futures=64, uncertainties=half)
    # The register's lag.far is a constant of 4: times takes the register's range, not that of another override.
    assert (other.design.draw(0, 64)["lag.far"] == 2).all()
    assert Study.model_validate(paper.study(uncertainties={"lag.far": lag})).uncertainties["lag.far"].times is None
    a, b = base.design.draw(0, 64), other.design.draw(0, 64)
    assert all(np.array_equal(a[name], b[name]) for name in a if name != "lag.far")


def test_times_of_a_template_reaches_all_its_copies(register: Register) -> None:
    funded = {"line.funded.missiles": {"times": 0.5, "reason": "half"}}
    plan = paper.plan(register, futures=4, uncertainties=funded)
    assert (plan.design.draw(0, 4)["line.funded:EAS:shell_155"] == 0.25).all()


# A base and what stands on it


def excursion(folder: Path, name: str, **keys: Any) -> Path:
    base = paper.write_study(folder / "paper.yaml", futures=64)
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({"base": base.name, "study": name, "title": name, **keys}), encoding="utf-8")
    return path


def test_keys_of_the_excursion_win_and_the_rest_is_the_base(tmp_path: Path) -> None:
    path = excursion(tmp_path, "shorter", horizon_weeks=26, absent=["HUB"])
    study, base = Study.load(path), Study.load(tmp_path / "paper.yaml")
    assert (study.study, study.horizon_weeks, study.absent) == ("shorter", 26, ("HUB",))
    assert (study.fronts, study.ecosystems, study.seed) == (base.fronts, base.ecosystems, base.seed)


def test_ranges_are_laid_over_those_of_the_base(tmp_path: Path) -> None:
    paper.write_study(tmp_path / "paper.yaml", uncertainties={"lag.far": constant(5), "lag.near": constant(2)})
    path = tmp_path / "x.yaml"
    own = {"lag.far": constant(9)}
    path.write_text(yaml.safe_dump({"base": "paper.yaml", "study": "x", "uncertainties": own}), encoding="utf-8")
    found = Study.load(path).uncertainties
    assert {name: o.mode for name, o in found.items()} == {"lag.far": 9, "lag.near": 2}


def test_a_base_may_be_a_shipped_study(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("base: reference\nstudy: x\nfutures: 8\n", encoding="utf-8")
    assert Study.load(path).fronts == Study.load("reference").fronts


def test_a_base_that_is_nowhere_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("base: no_such_base\nstudy: x\n", encoding="utf-8")
    with pytest.raises(StudyError, match=r"the base is not found .*no_such_base.*reference"):
        Study.load(path)


# Running them


def test_an_excursion_that_changes_nothing_differs_by_nothing(register: Register, tmp_path: Path) -> None:
    path = excursion(tmp_path, "same")
    frame = run_excursions(str(tmp_path / "paper.yaml"), [path], register, tmp_path / "out", 64)
    assert list(frame.columns) == list(COLUMNS)
    assert (frame[["difference", "standard_error", "low", "high"]] == 0).all().all()
    assert set(frame["war_case"]) == {"west_alone", "east_alone", "both", "west_then_east"}
    assert set(frame[frame["war_case"] == "west_alone"]["front"]) == {"west.allied", "west.rival", "west"}


def test_differences_are_of_the_same_futures(register: Register, tmp_path: Path) -> None:
    """HUB absent: the scorecard against outcomes computed here."""
    path = excursion(tmp_path, "alone", absent=["HUB"])
    frame = run_excursions(str(tmp_path / "paper.yaml"), [path], register, tmp_path / "out", 64)
    row = frame[
        (frame["ecosystem"] == "as_is")
        & (frame["war_case"] == "both")
        & (frame["front"] == "west.allied")
        & (frame["outcome"] == "need_met")
    ].iloc[0]
    before, after = (
        outcomes(make_plan(Study.load(p), register, futures=64)).loc["both"] for p in (tmp_path / "paper.yaml", path)
    )
    met = [f["used.west.allied.fires"] / f["needed.west.allied.fires"] for f in (before, after)]
    assert row["base"] == pytest.approx(met[0].mean(), rel=1e-6)
    assert row["value"] == pytest.approx(met[1].mean(), rel=1e-6)
    assert row["difference"] == pytest.approx((met[1] - met[0]).mean(), rel=1e-5)
    assert row["difference"] < -0.05
    shown = headline(frame, Study.load(tmp_path / "paper.yaml"))
    assert set(zip(shown["ecosystem"], shown["war_case"], strict=True)) == {("as_is", "both")}


def test_a_second_time_nothing_is_computed(register: Register, tmp_path: Path) -> None:
    path = excursion(tmp_path, "again", absent=["HUB"])
    first = run_excursions(str(tmp_path / "paper.yaml"), [path], register, tmp_path / "out", 64)
    stamps = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*.parquet")}
    second = run_excursions(str(tmp_path / "paper.yaml"), [path], register, tmp_path / "out", 64)
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*.parquet")} == stamps
    pd.testing.assert_frame_equal(first, second)


def test_two_excursions_of_one_name_are_refused(register: Register, tmp_path: Path) -> None:
    path = excursion(tmp_path, "twin")
    (tmp_path / "other").mkdir()
    again = excursion(tmp_path / "other", "twin")
    with pytest.raises(StudyError, match="two excursions of one name"):
        run_excursions(str(tmp_path / "paper.yaml"), [path, again], register, tmp_path / "out", 64)


def test_unknown_names_are_all_told() -> None:
    with pytest.raises(StudyError) as caught:
        chosen(["japan_out", "no_such", "nor_this"])
    assert [p.file for p in caught.value.problems] == ["no_such", "nor_this"]


# What ships


NAMES = {
    "china_supplies_not",
    "europe_first_split",
    "germany_out",
    "hub_out",
    "japan_out",
    "korea_supplies_not",
    "licence_refused",
    "lift_halved",
    "pac3_line_late",
    "pacific_first_split",
    "rival_transfers_stop",
    "second_theater_first",
    "ukraine_continues",
    "ukraine_ended",
}


def test_all_excursions_ship() -> None:
    assert {p.stem for p in shipped()} >= NAMES
    assert {p.stem for p in chosen([])} == {p.stem for p in shipped()}


@pytest.mark.parametrize("path", shipped(), ids=lambda p: p.stem)
def test_a_shipped_excursion_says_what_it_asks_and_is_named_like_its_file(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# ")
    study = Study.load(path)
    assert study.study == path.stem
    assert study.title != Study.load("reference").title


@pytest.fixture(scope="module")
def reference() -> Register:
    return Register.reference()


OTHERS = sorted(p.stem for p in studies_root().glob("*.yaml") if p.stem != "reference")


@pytest.mark.parametrize("name", OTHERS)
def test_a_shipped_study_holds_against_the_register(name: str, reference: Register) -> None:
    plan = make_plan(Study.load(name), reference, futures=2)
    assert plan.campaigns >= 2
    assert plan.study.study == name.replace("-", "_")


def test_delays_and_licences_of_shipped_excursions_meet_a_line(reference: Register) -> None:
    """A delay of a line that has no plan, or a refusal of a licence that nobody has, would ask nothing."""
    files = {p.stem: p for p in shipped()}
    late = make_plan(Study.load(files["pac3_line_late"]), reference, futures=2)
    planned = {late.supply.rows[line.row].label for line in late.supply.lines if line.plan is not None}
    assert {f"{d.actor}:{d.materiel}" for d in late.study.delays} <= planned
    refused = make_plan(Study.load(files["licence_refused"]), reference, futures=2)
    barred = {refused.supply.rows[e.row].label for e in refused.supply.edges if e.vetoed}
    assert {"JPN:pac3_mse", "DEU:pac2_gemt"} <= barred
    assert not {label for label in barred if label.startswith("USA:")}


def test_without_its_hub_the_pacific_has_nothing_of_it(reference: Register) -> None:
    plan = make_plan(Study.load("no-hub-pacific"), reference, futures=16)
    draws = plan.design.draw(0, 16)
    at = fights(plan.supply, draws)
    fronts = plan.supply.setting.fronts
    desks = {fronts[d.front].front_id: at[i] for i, d in enumerate(plan.supply.desks) if d.actor_id == "USA"}
    assert not desks["indo_pacific.allied"].any()
    assert desks["euro_atlantic.allied"].any()
    frame = outcomes(plan)
    assert (frame["shipped_hub.indo_pacific.allied.air_missile_defence"] == 0).all()
    assert (frame.loc["both_at_once", "shipped_hub.euro_atlantic.allied.air_missile_defence"] > 0).any()


def test_the_tutorial_fits_on_paper(reference: Register) -> None:
    """12,000 / (500 − 100) = 30 weeks; 104,000 / 2,000 = 52 weeks; thirteen weeks of 2,000 against 100 from week 30 on."""
    frame = outcomes(make_plan(Study.load("tutorial"), reference)).loc["duel"]
    defence, attack = ("euro_atlantic.allied.land_fires", "euro_atlantic.rival.land_fires")
    expected = {
        f"weeks_met.{defence}": 12_000 / (500 - 100),
        f"weeks_starved.{defence}": 78 - 30,
        f"used.{defence}": 12_000 + 78 * 100,
        f"needed.{defence}": 78 * 500,
        f"weeks_met.{attack}": 104_000 / 2_000,
        f"weeks_starved.{attack}": 78 - 52,
        f"used.{attack}": 104_000,
        "outcome.euro_atlantic.land_fires": 1,
        "outcome_week.euro_atlantic.land_fires": 30 + 13,
        "years_to_rebuild.allied.shell_155mm": 12_000 / 5_218,
        "years_to_rebuild.rival.shell_152mm": 100,
    }
    for name, value in expected.items():
        np.testing.assert_allclose(frame[name], value, rtol=1e-5, err_msg=name)
