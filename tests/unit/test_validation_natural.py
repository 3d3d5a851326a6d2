"""Natural experiments: worlds planted from each form, files of later rows, and what must not move."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from isthmus.errors import InputError
from isthmus.register.register import Register
from isthmus.validation.natural import (
    COLUMNS,
    EXPERIMENTS,
    FORM_NAMES,
    NaturalExperiments,
    Sighting,
    Trial,
    delay_class,
    natural_cases,
    natural_experiments,
    read_sightings,
)

SEPARATING = ("natural.E1.which_guns", "natural.E2.share_155", "natural.E4.ballistic_share")
"""Tests that tell the forms apart whatever the noise."""


@pytest.fixture(scope="module")
def register() -> Register:
    return Register.reference()


@pytest.fixture(scope="module")
def result(register: Register) -> NaturalExperiments:
    return natural_experiments(register)


def with_table(register: Register, name: str, frame: object) -> Register:
    return replace(register, tables=MappingProxyType({**register.tables, name: frame}))  # type: ignore[arg-type]


def planted(register: Register, result: NaturalExperiments, form: str, seed: int) -> Register:
    """The register with every scored observation drawn anew inside the 90% interval of one form."""
    rng = np.random.default_rng(seed)
    table = register.table("observations").copy()
    for test in result.tests:
        for event in test.events:
            low, high = (event.low, event.high) if form == "graded" else (event.rival_low, event.rival_high)
            value = low + rng.random() * (high - low)
            rows = (table["event"] == event.event) & (table["role"] == "fit") & table["case"].isin(EXPERIMENTS)
            if test.case.unit == "nats":
                value = float(low > 0.5)
            elif test.case.unit == "ln weeks":
                days = table["unit"].map({"days": 7.0, "weeks": 1.0, "months": 12 / 52.18})
                table.loc[rows, "mode"] = value * days[rows]
                table.loc[rows, ["low", "high"]] = np.nan
                continue
            elif test.case.unit == "share of the last count":
                continue
            table.loc[rows, "mode"] = value
            table.loc[rows, ["low", "high"]] = np.nan
    return with_table(register, "observations", table)


def find(result: NaturalExperiments, case: str) -> Trial:
    return next(t for t in result.tests if t.case.case == case)


def test_every_experiment_is_told(result: NaturalExperiments) -> None:
    assert {t.experiment for t in result.tests} == {*EXPERIMENTS, "all"}
    for test in result.tests:
        assert test.case.kind == "natural_experiment"
        assert test.case.block is None
        assert test.case.why
        assert test.threats
        assert test.case.passed == (test.verdict == "compatibility")
        if test.events:
            assert test.case.rivals[FORM_NAMES["rival"]] >= 0
            assert test.case.sources


def test_series_reach_to_2026_and_are_ordered(result: NaturalExperiments) -> None:
    monthly = [s for s in result.series if s.at[0][:2] == "20"]
    assert {"E1", "E2", "E4"} <= {s.experiment for s in monthly}
    for s in result.series:
        assert (s.low <= s.median + 1e-9).all()
        assert (s.median <= s.high + 1e-9).all()
        assert (s.rival_low <= s.rival + 1e-9).all()
        assert (s.rival <= s.rival_high + 1e-9).all()
        assert len({len(s.at), *(len(a) for a in (s.low, s.median, s.high, s.hard, s.rival))}) == 1
    assert all(s.at[-1] == "2026-12" for s in monthly)


def test_same_twice_and_fast(register: Register, result: NaturalExperiments) -> None:
    start = time.process_time()
    assert natural_cases(register) == result.cases
    assert time.process_time() - start < 20


@pytest.mark.parametrize("seed", [1, 2])
def test_a_world_where_every_shell_serves_every_gun_beats_compatibility(
    register: Register, result: NaturalExperiments, seed: int
) -> None:
    world = natural_experiments(planted(register, result, "rival", seed))
    for case in SEPARATING:
        assert find(world, case).verdict == "rival", find(world, case).case.why
    assert not find(world, "natural.delays").case.passed
    assert not find(world, "natural.E9.pairs").case.passed


@pytest.mark.parametrize("seed", [1, 2])
def test_a_world_of_compatibility_is_recognised(register: Register, result: NaturalExperiments, seed: int) -> None:
    world = natural_experiments(planted(register, result, "graded", seed))
    for case in SEPARATING:
        assert find(world, case).case.passed, find(world, case).case.why


def test_predictions_do_not_move_with_what_was_seen(register: Register, result: NaturalExperiments) -> None:
    world = natural_experiments(planted(register, result, "rival", 3))
    for before, after in zip(result.series, world.series, strict=True):
        if before.at[0][:2] == "20" and before.experiment in ("E1", "E2", "E4"):
            np.testing.assert_array_equal(before.median, after.median)
            np.testing.assert_array_equal(before.rival, after.rival)


def test_without_arrivals_the_guns_are_not_scored(register: Register) -> None:
    bare = with_table(register, "arrivals", register.table("arrivals").iloc[:0])
    world = natural_experiments(bare)
    for case in ("natural.E1.which_guns", "natural.E2.share_155"):
        assert find(world, case).verdict == "not scored"
        assert "no arrivals" in find(world, case).case.why


def test_a_register_without_a_prior_is_refused(register: Register) -> None:
    table = register.table("uncertainties")
    lacking = with_table(register, "uncertainties", table[~table["uncertainty_id"].isin(["lag.far", "plan.weeks"])])
    with pytest.raises(InputError) as raised:
        natural_experiments(lacking)
    assert {p.allowed for p in raised.value.problems} == {"lag.far", "plan.weeks"}


HEADER = ",".join(COLUMNS)
LATER = [
    "E7,lead_time_decision_to_first_delivery,UKR,DNK,F-16,2023-08-20,2024-07-31,,346,,days,https://example.org/f16,Page,B,observation,",
    "E2,share_155_of_documented_tube_losses,UKR,,155mm,2024-01-01,2024-06-30,,0.45,,share,https://example.org/l,Page,B,observation,45 of 100",
    "E4,intercept_share_by_target_class,UKR,,ballistic,2024-07-01,2024-12-31,,0.1,,share,https://example.org/b,P,B,observation,10 of 100",
    "E2,share_155_of_tubes_held_estimate,UKR,,155mm,2025-07-01,2025-12-31,0.3,0.42,0.5,share,https://example.org/t,Page,C,input,",
    "E3,launchers_seen_in_parade,UKR,,HIMARS,2025-01-01,2025-01-01,,3,,launchers,https://example.org/p,Page,B,observation,",
]


def write(path: Path, rows: list[str]) -> Path:
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return path


def test_later_rows_are_scored_apart_without_refitting(register: Register, result: NaturalExperiments, tmp_path: Path) -> None:
    rows = read_sightings(write(tmp_path / "later.csv", LATER))
    world = natural_experiments(register, rows)
    by_name = {t.case.case: t for t in world.tests}
    for name in ("natural.E2.share_155.held", "natural.E4.ballistic_share.held", "natural.E7.delay.held", "natural.delays.held"):
        assert len(by_name[name].events) == 1
    assert by_name["natural.E7.delay.held"].events[0].value == pytest.approx(346 / 7)
    assert by_name["natural.E7.delay.held"].case.sources == ("https://example.org/f16",)
    for test in result.tests:  # what the register holds keeps its score; only the later tube count moves a series, after its time
        if test.experiment != "E9":
            assert by_name[test.case.case].case.score == test.case.score
    assert world.unused == ("E3 launchers_seen_in_parade HIMARS 2025-01-01: no test scores it",)


def test_rows_that_the_register_holds_are_taken_once(register: Register, tmp_path: Path) -> None:
    known = register.table("observations")
    row = known[(known["case"] == "E8") & (known["metric"] == "lead_time_to_use")].iloc[0]
    line = f"E8,{row.metric},{row.actor},{row.donor},{row.subject},{row.period_start},{row.period_end},14,45,90,days,x,y,C,observation,"
    world = natural_experiments(register, read_sightings(write(tmp_path / "again.csv", [line])))
    assert not [t for t in world.tests if t.case.case.endswith(".held")]


def test_all_problems_of_a_file_at_once(tmp_path: Path) -> None:
    rows = [
        "E10,m,UKR,,155mm,2024-01-01,2024-02-01,,1,,share,u,t,A,observation,",
        "E1,,UKR,,155mm,2024-13,2024-02-01,,1,,share,u,t,A,observation,",
        "E1,m,UKR,,155mm,2024-03-01,2024-02-01,,x,,share,u,t,D,seen,",
        "E1,m,UKR,,155mm,2024-01,2024-02,3,2,1,share,u,t,A,input,",
        "E1,m,UKR,,155mm,2024-01,2024-02,,,,share,u,t,A,observation,",
        "E1,m,UKR,,155mm,2024-01,2024-02,,inf,,share,u,t,A,input,",
        "E1,m,UKR",
    ]
    with pytest.raises(InputError) as raised:
        read_sightings(write(tmp_path / "bad.csv", rows))
    found = {(p.row, p.column) for p in raised.value.problems}
    expected = {(2, "experiment"), (3, "metric"), (3, "period_start"), (4, "period_end"), (4, "mode"), (4, "confidence")}
    assert found == expected | {(4, "role"), (5, "mode"), (6, "mode"), (7, "mode"), (8, None)}


@pytest.mark.parametrize("text", ["", "a;b\n1;2\n", HEADER.replace("role,", "") + "\n"])
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError):
        read_sightings(path)


def test_an_input_that_is_a_date_alone_and_further_columns_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "more.csv"
    path.write_text(f"{HEADER},extra\nE4,allocated,UKR,USA,HAWK,2024,2024,,,,items,u,t,C,input,,x\n", encoding="utf-8")
    assert read_sightings(path) == []


def test_a_missing_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="missing file"):
        read_sightings(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("experiment", "subject", "expected"),
    [
        ("E7", "MiG-29", "known"),
        ("E7", "F-16", "new"),
        ("E7", "Mirage 2000-5", "new"),
        ("E8", "AGM-88 on MiG-29", "pair"),
        ("E5", "FrankenSAM", "pair"),
        ("E3", "M270 family", "known"),
        ("E6", "152/122mm", "known"),
        ("E4", "Patriot fire unit", "new"),
    ],
)
def test_what_a_delay_is_the_delay_of(experiment: str, subject: str, expected: str) -> None:
    row = Sighting(experiment, "lead_time", "UKR", "", subject, "2023", "2024", None, 1.0, None, "days", "fit", "", "e")
    assert delay_class(row) == expected
