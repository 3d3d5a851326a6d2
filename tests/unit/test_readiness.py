"""`isthmus.awareness.readiness`, and the test of a causal term in `isthmus.validation.pressure`: closed forms, brute force, by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from isthmus.awareness import probing, readiness
from isthmus.awareness.readiness import Band, Drawdown, poisson_quantile
from isthmus.awareness.summary import summary
from isthmus.awareness.survey import long_rows, survey
from isthmus.ensemble import Uncertainty
from isthmus.errors import InputError
from isthmus.interop.block import Block
from isthmus.register import Register
from isthmus.register.records import ReadinessInput
from isthmus.report.aware import AwareSection
from isthmus.report.wording import percent, rounded
from isthmus.study.plan import Plan, make_plan
from isthmus.study.schema import Study
from isthmus.validation import pressure
from tests.conftest import FACT, TINY, csv_text, write_tiny
from tests.reference.test_datasets import DATASETS

WORLD = [
    {"actor_id": "WLD", "name": "Any", "type": "bloc", "side": "neutral", "hub": "no"},
    {"actor_id": "RUS", "name": "Russia", "type": "state", "side": "rival", "home_theater": "west", "hub": "no"},
]
JET = {"element_id": "jet", "name": "Jets"}


def register_with(folder: Path, **tables: list[dict[str, str]]) -> Register:
    """The tiny register with these rows instead of its own, Russia, any nation and an element `jet`."""
    write_tiny(folder)
    base = {"actors": [*TINY["actors"], *WORLD], "elements": [*TINY["elements"], JET]}
    for name, rows in (base | tables).items():
        (folder / f"{name}.csv").write_text(csv_text(name, rows))
    return Register.load(folder)


def taken(measure: str, amount: float, unit: str, mission: str = "scrambles", **more: str) -> dict[str, str]:
    figures = {"low": str(amount), "mode": str(amount), "high": str(amount)}
    assumed = {"kind": "assumption", "note": "a test"}
    named = {"actor_id": "JPN", "resource": "fighter_hours", "mission": mission, "measure": measure, "unit": unit}
    return named | figures | assumed | more


def counted(period: str, count: float, actor: str = "CHN", **more: str) -> dict[str, str]:
    named = {"actor_id": actor, "target_id": "JPN", "theater_id": "east", "activity": "scrambles", "period": period}
    return named | {"count": str(count), "unit": "events"} | FACT | more


def gives(amount: float = 100, **more: str) -> dict[str, str]:
    return taken("time_per_unit", amount, "hours/year", "", element_id="jet", **more)


def jets(count: float, actor: str = "JPN") -> dict[str, str]:
    figures = {"low": str(count), "mode": str(count), "high": str(count), "unit": "units"}
    return {"actor_id": actor, "element_id": "jet", "maturity": "implemented"} | figures | FACT


MISSION = [taken("units_per_event", 2, "units"), taken("time_per_event", 1.5, "hours")]


# the claim on hours


@given(st.floats(0.0005, 0.9995), st.one_of(st.just(0.0), st.floats(1e-6, 2000)))
def test_the_poisson_quantile_is_that_of_scipy_stats(p: float, mean: float) -> None:
    assert poisson_quantile(np.array([p]), mean)[0] == stats.poisson.ppf(p, mean)


def exact(value: float, kind: Any = "fact") -> Band:
    return Band(value, value, value, kind, (), "2025-01-01")


def test_a_poisson_mission_takes_rate_times_use_times_duration() -> None:
    """Expected annual demand = rate × duration × use (FEAST, DRDC 2023), and its spread is that of the Poisson number alone."""
    used = {"events": exact(700.0), "units_per_event": exact(4.0), "time_per_event": exact(1.5)}
    row = readiness._hour_claim("A:fighter_hours:m", used, {"capacity": exact(42_000.0)}, None, 2**14, 1)
    low, middle, high = stats.poisson.ppf([0.05, 0.5, 0.95], 700) * 6
    assert [row["consumed_low"], row["consumed"], row["consumed_high"]] == pytest.approx([low, middle, high], abs=12.1)
    assert row["share"] == pytest.approx(700 * 4 * 1.5 / 42_000, rel=0.01)
    assert (row["kind"], row["assumed"], row["why_not"]) == ("fact", [], None)


def test_a_claim_by_hand_through_the_register(tmp_path: Path) -> None:
    rows = [*MISSION, gives(), taken("cost", 20_000, "USD/hour")]
    register = register_with(tmp_path, readiness_inputs=rows, probing=[counted("2024", 365)], force_elements=[jets(100)])
    (row,) = readiness.hour_claims(register).to_dict("records")
    assert (row["actor_id"], row["resource"], row["mission"], row["unit"]) == ("JPN", "fighter_hours", "scrambles", "hours/year")
    per_year = 365 / (366 / 365.25)  # counts of a leap year, per year of equal length
    assert row["events"] == pytest.approx(per_year)
    assert row["consumed"] == pytest.approx(per_year * 2 * 1.5, rel=0.02)
    assert row["capacity"] == pytest.approx(100 * 100, rel=0.02)
    assert row["share"] == pytest.approx(per_year * 3 / 10_000, rel=0.02)
    assert row["musd"] == pytest.approx(row["consumed"] * 20_000 / 1e6)
    assert row["assumed"] == ["units_per_event", "time_per_event", "time_per_unit"]
    assert row["kind"] == "assumption"
    assert "probing:CHN|JPN|scrambles|2024|gazette|" in row["evidence"]
    assert row["as_of"] == "2024-12"


def test_events_of_opponents_add_and_those_of_one_opponent_are_alternatives(tmp_path: Path) -> None:
    rows = [
        counted("2021", 999),  # older than the window before the newest
        counted("2023", 200),
        counted("2024", 100),
        counted("2025-01/2025-02", 500),  # too short to stand for a year
        counted("2024-04/2024-12", 90, actor="RUS"),  # nine months
    ]
    register = register_with(tmp_path, readiness_inputs=[*MISSION, gives()], probing=rows, force_elements=[jets(100)])
    found = readiness._events(readiness.points(register), "JPN", "scrambles")
    assert found is not None
    year, russian = 365.25 / 366, 90 / (275 / 365.25)
    assert found.mode == pytest.approx(100 * year + russian)
    assert found.low == pytest.approx((100 * year + russian) / 1.1)
    assert found.high == pytest.approx((200 * 365.25 / 365 + russian) * 1.1)


def test_an_actors_own_row_comes_before_everybodys_and_a_stated_capacity_before_both(tmp_path: Path) -> None:
    def share(*rows: dict[str, str]) -> float:
        register = register_with(
            tmp_path, readiness_inputs=[*MISSION, *rows], probing=[counted("2025", 365)], force_elements=[jets(100)]
        )
        return float(readiness.hour_claims(register)["capacity"].iloc[0])

    everybody = gives(50, actor_id="WLD")
    assert share(everybody) == pytest.approx(5_000, rel=0.02)
    assert share(everybody, gives(200)) == pytest.approx(20_000, rel=0.02)
    assert share(everybody, gives(200), taken("capacity", 777, "hours/year", "")) == pytest.approx(777)


def test_what_is_not_known_is_said_and_nothing_is_made_up(tmp_path: Path) -> None:
    no_fleet = register_with(
        tmp_path / "a", readiness_inputs=[*MISSION, gives()], probing=[counted("2025", 10)], force_elements=[]
    )
    (row,) = readiness.hour_claims(no_fleet).to_dict("records")
    assert row["why_not"] == "not known: elements"
    assert row["consumed"] > 0
    assert row["share"] is None or math.isnan(row["share"])
    no_time = register_with(tmp_path / "b", readiness_inputs=[MISSION[0]], probing=[counted("2025", 10)])
    (row,) = readiness.hour_claims(no_time).to_dict("records")
    assert row["why_not"] == "not known: time_per_event, elements, time_per_unit"
    assert pd.isna(row["consumed"])
    no_events = register_with(tmp_path / "c", readiness_inputs=[*MISSION, gives()], force_elements=[jets(100)])
    assert readiness.hour_claims(no_events).empty


def test_a_use_stated_as_a_whole_is_taken_as_stated_and_more_than_all_is_flagged(tmp_path: Path) -> None:
    stated = {"period_from": "2024-01", "period_to": "2024-12"}
    older = {"period_from": "2023-01", "period_to": "2023-12"}
    rows = [
        taken("consumed", 900, "hours/year", "patrols", **stated, **FACT, note=""),
        taken("consumed", 600, "hours/year", "patrols", **older, **FACT, note=""),
        gives(5),
    ]
    (row,) = readiness.hour_claims(register_with(tmp_path, readiness_inputs=rows, force_elements=[jets(100)])).to_dict("records")
    assert 600 / 1.1 < row["consumed_low"] < 800 < row["consumed_high"] < 900 * 1.1
    assert pd.isna(row["events"])
    assert row["share_low"] > 1
    assert row["why_not"] == "more than all: the use counts units that the capacity does not"


def test_at_a_date_only_what_was_known_by_then_counts(tmp_path: Path) -> None:
    register = register_with(
        tmp_path, readiness_inputs=[*MISSION, gives()], probing=[counted("2025", 10)], force_elements=[jets(100)]
    )
    assert readiness.hour_claims(register.at("2025-03")).empty
    assert len(readiness.hour_claims(register.at("2026-03"))) == 1


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (taken("time_per_event", 1, "units"), "measure 'time_per_event' has the unit hours or days, not units"),
        (taken("time_per_unit", 1, "hours/year", ""), "element_id belongs to measure 'time_per_unit', and only there"),
        (taken("units_per_event", 1, "units", element_id="jet"), "element_id belongs to measure 'time_per_unit', and only there"),
        (taken("capacity", 1, "hours/year"), "a mission is named by every measure except time_per_unit and capacity"),
        (taken("units_per_event", 1, "units", ""), "a mission is named by every measure except time_per_unit and capacity"),
        (taken("consumed", 1, "hours/year"), "measure 'consumed' needs period_from and period_to"),
    ],
)
def test_a_row_that_cannot_be_used_is_refused(row: dict[str, str], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        ReadinessInput.model_validate({k: v for k, v in row.items() if v != ""})


# weapons


def drawdown(episodes: int, use: float, bought: float | None) -> Drawdown:
    size = Uncertainty("u", "constant", use, use, use, "units/episode", "fact")
    rate = None if bought is None else Uncertainty("b", "constant", bought, bought, bought, "units/year", "fact")
    return Drawdown("USA", "shell_155", episodes, 3.0, size, rate, "2025-06-30")


@pytest.mark.parametrize(("episodes", "use", "bought", "months"), [(2, 150.0, 37.0, 12), (1, 80.0, 125.0, 36), (3, 10.0, 0.0, 6)])
def test_what_months_take_from_a_stock_has_the_mean_of_its_closed_form(
    episodes: int, use: float, bought: float, months: int
) -> None:
    """E max(0, K·s - r·t), summed over the Poisson chances of K by an independent program."""
    years = months / 12
    k = np.arange(200)
    wanted = float((stats.poisson.pmf(k, episodes / 3 * years) * np.maximum(0, k * use - bought * years)).sum())
    n = 2**16
    p = (np.arange(n) + 0.5) / n
    found = drawdown(episodes, use, bought).drawn(months, p, np.full(n, use), np.full(n, bought))
    assert found.mean() == pytest.approx(wanted, rel=2e-3, abs=1e-3)


@given(st.floats(0, 60), st.floats(0.001, 0.999), st.floats(0, 500), st.floats(0, 500))
def test_nothing_is_drawn_in_no_time_and_purchases_never_add_to_a_stock(
    months: float, p: float, use: float, bought: float
) -> None:
    one = drawdown(2, use, bought)
    draws = (np.array([p]), np.array([use]), np.array([bought]))
    assert one.drawn(0.0, *draws)[0] == 0
    assert one.drawn(months, *draws)[0] >= 0
    assert one.drawn(months, *draws)[0] <= one.drawn(months, draws[0], draws[1], np.zeros(1))[0]


def fired(start: str, end: str, amount: float, grade: str = "B", actor: str = "USA", **more: str) -> dict[str, str]:
    figures = {"low": str(amount), "mode": str(amount), "high": str(amount), "unit": "units"}
    named = {"actor_id": actor, "materiel_id": "shell_155", "context": f"{start} {amount} {grade}", "measure": "observed"}
    return named | figures | {"period_from": start, "period_to": end} | FACT | {"confidence": grade} | more


def test_overlapping_counts_are_one_episode_and_parts_are_floors(tmp_path: Path) -> None:
    rows = [
        fired("2023-10", "2025-01", 100),
        fired("2023-10", "2025-01", 40, "C"),  # another count of the same months
        fired("2023-10", "2024-05", 60),  # a part of them: a floor, no lower end
        fired("2025-03", "2025-03", 200, "C"),
        fired("2019-01", "2019-02", 9999),  # before the window
        fired("2024-06", "2024-06", 5555, actor="RUS"),  # fights a war of its own
        fired("2024-06", "2024-06", 7777, unit="units/day"),
    ]
    war = {"observation_id": "r", "case": "artillery", "metric": "fire_rate", "actor": "RUS", "unit": "rounds/day", "role": "fit"}
    war |= {"period_start": "2024-01", "period_end": "2024-02"} | FACT
    register = register_with(tmp_path, consumption=rows, observations=[war])
    (one,) = readiness.drawdowns(register.at("2025-12"))
    assert (one.actor_id, one.materiel_id, one.episodes) == ("USA", "shell_155", 2)
    assert one.rate == pytest.approx(2 / 3)
    assert one.use.low == pytest.approx((40 / 1.25 + 200 / 1.5) / 2)
    assert one.use.mode == (100 + 200) / 2
    assert one.use.high == pytest.approx((100 * 1.25 + 200 * 1.5) / 2)
    assert one.as_of == "2025-03-31"
    assert len(one.use.evidence) == 4


def test_what_is_bought_comes_before_what_is_made_and_requests_without_grade_stay_out(tmp_path: Path) -> None:
    def line(measure: str, amount: float, grade: str, name: str) -> dict[str, str]:
        return TINY["lines"][0] | {
            "line_id": name,
            "measure": measure,
            "due": "",
            **dict.fromkeys(("low", "mode", "high"), str(amount)),
            **FACT,
            "confidence": grade,
        }

    def bought(*lines: dict[str, str]) -> float | None:
        found = readiness._bought(register_with(tmp_path, lines=list(lines)), "USA", "shell_155")
        return None if found is None else found.mode

    made, purchase, request = line("complete", 600, "A", "a"), line("procured", 37, "B", "b"), line("procured", 857, "C", "c")
    assert bought() is None
    assert bought(made) == 600
    assert bought(made, purchase) == 37
    assert bought(made, purchase, request) == 37
    assert bought(request) == 857


def test_claims_of_no_months_are_none_and_bad_ones_are_refused(tmp_path: Path) -> None:
    register = register_with(tmp_path, consumption=[fired("2024-06", "2024-06", 10)])
    assert readiness.claims(register, "2025-12", 0) == ()
    assert [(c.actor_id, c.materiel_id) for c in readiness.claims(register, "2025-12", 6)] == [("USA", "shell_155")]
    assert readiness.claims(register, "2024-01", 6) == ()
    with pytest.raises(ValueError, match="months must not be negative"):
        readiness.claims(register, "2025-12", -1)
    with pytest.raises(InputError):
        readiness.claims(register, "2025-13", 6)


# the reference register


@pytest.fixture(scope="module")
def reference() -> Register:
    return Register.reference()


def test_reference_claims_are_ordered_sourced_and_leave_out_the_war_that_studies_hold(reference: Register) -> None:
    hours, weapons = readiness.hour_claims(reference), readiness.materiel_claims(reference)
    for frame in (hours, weapons):
        known = frame[frame["share"].notna()]
        assert len(known) >= 8
        assert (known["share_low"] <= known["share"]).all()
        assert (known["share"] <= known["share_high"]).all()
        assert (known["share_low"] > 0).all()
        assert frame["evidence"].map(len).gt(0).all()
    facts = {
        f
        for name in ("readiness_inputs", "probing", "force_elements", "consumption", "stocks", "lines")
        for f in reference.table(name)["fact_id"]
    }
    assert {e for frame in (hours, weapons) for row in frame["evidence"] for e in row} <= facts
    assert not set(weapons["actor_id"]) & {"UKR", "RUS"}
    classes = reference.table("materiel").set_index("materiel_id")["class_id"]
    assert classes[weapons["materiel_id"]].notna().all()


def test_reference_use_of_thaad_is_that_of_its_two_episodes(reference: Register) -> None:
    """150 fired in June 2025 and 150 in 2026, in three years: CSIS and the press, rows of `consumption`."""
    one = next(c.drawdown for c in readiness.claims(reference, "2026-07", 12) if c.materiel_id == "thaad")
    assert (one.episodes, one.window_years, one.use.mode) == (2, 3.0, 150.0)
    assert one.rate * one.use.mode == 100.0
    assert one.bought is not None
    assert one.bought.high < 60  # what was bought, not the request of 857


def test_every_claim_is_shown_in_the_tables_the_document_and_the_long_table(reference: Register) -> None:
    found = survey(reference, "2026-07")
    titles = [t.title for t in summary(found)]
    assert "Readiness claimed: hours, days and aircraft" in titles
    assert "Readiness claimed: weapons used in fights that no study holds" in titles
    document = json.loads(json.dumps(found.document(), allow_nan=False))["readiness"]
    assert set(document) == {"series", "points", "hours", "materiel"}
    assert {r["actor_id"] for r in document["hours"]} >= {"JPN", "TWN", "KOR", "NATO", "CHN"}
    assert set(document["hours"][0]) == set(readiness.HOUR_COLUMNS)
    assert set(document["materiel"][0]) == set(readiness.MATERIEL_COLUMNS)
    shown = {(r["series"], r["measure"]) for r in long_rows(found) if r["section"] == "readiness"}
    assert shown >= {("JPN|fighter_hours|scrambles_total", "share"), ("USA|thaad", "stock")}


def test_the_report_shows_the_claims_of_the_survey(reference: Register) -> None:
    section = AwareSection(SimpleNamespace(marks=None, names=SimpleNamespace(of=lambda _, i: i)))  # type: ignore[arg-type]
    section.__dict__["found"] = found = survey(reference, "2026-07")
    table = section.readiness
    assert table is not None
    hours, weapons = table.bodies
    assert len(hours.rows) == len(found.hours)
    assert len(weapons.rows) == len(found.materiel)
    thaad = next(r for r in weapons.rows if r.label == "USA: thaad")
    row = found.materiel.set_index(["actor_id", "materiel_id"]).loc[("USA", "thaad")]
    assert thaad.cells == (
        row["as_of"],
        rounded(row["use"]),
        rounded(row["stock"]),
        *(percent(row[n]) for n in ("share_low", "share", "share_high")),
        "2 episodes",
        "",
    )


# the claim on a study


def plan_with(register: Register, **keys: Any) -> Plan:
    base = Study.load("reference").model_dump(by_alias=True)
    return make_plan(Study.model_validate({**base, **keys}), register, futures=64)


def test_a_study_starts_from_what_peacetime_left_and_all_else_stays_paired(reference: Register) -> None:
    without, nil, three = (
        plan_with(reference, **keys) for keys in ({}, {"peacetime": {"months": 0}}, {"peacetime": {"months": 36}})
    )
    plain, draws = without.design.draw(0, 64), three.design.draw(0, 64)
    assert list(nil.design.draw(0, 64)) == list(plain)
    assert all(np.array_equal(draws[name], plain[name]) for name in plain)
    before, after = Block(without.wide, plain).stock, Block(three.wide, draws).stock
    claimed = {(c.actor_id, c.materiel_id): c.drawdown for c in readiness.claims(reference, "2026-07", 36)}
    for i, row in enumerate(three.wide.rows):
        label = f"{row.actor_id}:{row.materiel_id}"
        if (row.actor_id, row.materiel_id) not in claimed or row.stock is None:
            assert np.array_equal(after[i], before[i]), label
            continue
        one = claimed[row.actor_id, row.materiel_id]
        number = stats.poisson.ppf(draws[f"readiness.count:{label}"], one.episodes)  # 36 months: as many as in the window
        bought = draws.get(f"readiness.bought:{label}", np.zeros(64))
        wanted = np.maximum(0, before[i] - np.maximum(0, number * draws[f"readiness.use:{label}"] - 3 * bought))
        assert after[i] == pytest.approx(wanted), label
    assert (after < before).any()
    fields = {b.field for b in three.wide.bindings} - {b.field for b in without.wide.bindings}
    assert fields == {"readiness.count", "readiness.use", "readiness.bought"}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"months": -1}, "greater than or equal to 0"),
        ({"months": 999}, "less than or equal to 120"),
        ({"weeks": 3}, "Extra inputs"),
    ],
)
def test_a_peacetime_that_makes_no_sense_is_refused(given: dict[str, float], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Study.model_validate({**Study.load("reference").model_dump(by_alias=True), "peacetime": given})


# a causal term


def made_up(kind: str, seed: int, years: int = 24) -> pd.DataFrame:
    """Points of two series in each of two theaters: growths that feed on themselves, or none but chance."""
    random = np.random.default_rng(seed)
    rows = []
    for theater in ("east", "west"):
        for series in ("x", "y"):
            growth, level = 0.0, 6.0
            for year in range(2000, 2000 + years):
                growth = (0.8 * growth if kind == "fed" else 0.0) + float(random.normal(0, 0.1))
                level += growth
                rows.append((f"{theater}.{series}", theater, year, math.expm1(level)))
    frame = pd.DataFrame(rows, columns=["series_id", "theater_id", "year", "count"])
    return frame.assign(
        target_id=frame["series_id"],
        period_from=frame["year"].map("{}-01-01".format),
        months=12.0,
        per_month=frame["count"] / 12,
        complete=True,
        monthly=False,
        segment=0,
        role="pressure",
        activity="scrambles",
        source_id="s",
    )


def test_a_term_that_is_there_is_found_and_one_that_is_not_is_not() -> None:
    fed = pressure.directions(pressure.growths(made_up("fed", 3), "year"), "year", "own")
    assert [(w.fitted_in, w.scored_in) for w in fed] == [("east", "west"), ("west", "east")]
    assert all(w.predicts for w in fed)
    assert all(w.slope == pytest.approx(0.8, abs=0.25) for w in fed)
    apart = [pressure.directions(pressure.growths(made_up("fed", s), "year"), "year", "elsewhere") for s in range(8)]
    assert sum(all(w.predicts for w in ways) for ways in apart) <= 1
    for term in ("own", "elsewhere"):
        chance = [pressure.directions(pressure.growths(made_up("chance", s), "year"), "year", term) for s in range(8)]
        assert sum(all(w.predicts for w in ways) for ways in chance) <= 1


def test_growths_by_hand_never_cross_a_break_or_a_missing_year() -> None:
    points = made_up("chance", 1, years=5).query("series_id == 'east.x' or series_id == 'west.x'").reset_index(drop=True)
    points["per_month"] = np.array([10, 20, 40, 40, 80, 30, 30, 60, 60, 60]) / 12.0
    points.loc[points.index[:5], "segment"] = [0, 0, 0, 1, 1]
    found = pressure.growths(points.drop(index=6), "year").set_index(["series_id", "period"])  # west.x has no 2001
    assert sorted(found.index) == [
        ("east.x", 2001), ("east.x", 2002), ("east.x", 2004), ("west.x", 2003), ("west.x", 2004)
    ]  # fmt: skip
    assert found.loc[("east.x", 2002), "growth"] == pytest.approx(math.log(41 / 21))
    assert found.loc[("east.x", 2002), "own"] == pytest.approx(math.log(21 / 11))
    assert found.loc[("east.x", 2002), "to_mean"] == pytest.approx((math.log(11) + math.log(21)) / 2 - math.log(21))
    assert math.isnan(found.loc[("east.x", 2004), "own"])
    assert found.loc[("east.x", 2004), "elsewhere"] == found.loc[("west.x", 2003), "growth"]
    assert found.loc[("west.x", 2003), "elsewhere"] == pytest.approx(math.log(41 / 21))
    assert math.isnan(found.loc[("east.x", 2001), "elsewhere"])


def test_the_fit_is_that_of_scipy_stats_and_its_interval_that_of_the_normal_linear_model() -> None:
    random = np.random.default_rng(5)
    x = random.normal(size=40)
    y = 0.3 + 0.5 * x + random.normal(0, 0.2, 40)
    found, line = pressure.fit(x, y), stats.linregress(x, y)
    assert (found.slope, found.intercept) == pytest.approx((line.slope, line.intercept))
    assert found.sigma / math.sqrt(found.spread) == pytest.approx(line.stderr)
    mean, sd = found.predict(np.array([x.mean()]))
    assert mean[0] == pytest.approx(y.mean())
    assert sd[0] == pytest.approx(found.sigma * math.sqrt(1 + 1 / 40))
    with pytest.raises(ValueError, match="a driver that moves"):
        pressure.fit(np.ones(9), np.arange(9.0))


def test_too_few_periods_give_no_verdict() -> None:
    found = pressure.growths(made_up("fed", 3, years=5), "year")
    ways = pressure.directions(found, "year", "own")
    assert all(w.why_not == "6 growths to fit in " + w.fitted_in + ", 8 wanted" for w in ways)
    assert not any(w.predicts for w in ways)


def test_a_reference_register_holds_no_causal_term(reference: Register) -> None:
    cases = pressure.pressure_cases(reference)
    assert [c.case for c in cases] == ["pressure.year.own", "pressure.year.elsewhere"]
    for case in cases:
        assert not case.passed
        assert case.why.startswith(pressure.NO_TERM)
        assert "euro_atlantic → indo_pacific" in case.why
        assert case.sources


def test_folders_without_daily_files_leave_the_months_out(reference: Register, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a\n")
    assert not probing.holds_daily(tmp_path)
    assert not probing.holds_daily(tmp_path / "missing")
    assert [c.case for c in pressure.pressure_cases(reference, tmp_path)] == ["pressure.year.own", "pressure.year.elsewhere"]


@pytest.mark.skipif(
    not ((DATASETS / "pla").is_dir() and (DATASETS / "missile_attacks").is_dir()),
    reason=f"the pla and missile_attacks data sets are not under {DATASETS}",
)
def test_by_month_what_beats_persistence_is_noise_that_returns(reference: Register) -> None:
    found = {c.case: c for c in pressure.pressure_cases(reference, DATASETS)}
    own = found["pressure.month.own"]
    assert not own.passed
    assert own.why.count("below nil: no cause") == 2
    assert own.score is not None
    assert own.score < own.rivals["persistence"]
    assert not found["pressure.month.elsewhere"].passed
