"""Missions that are not simulated: depth, rates of use and holdings by hand, both sides by one rule."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from isthmus import cli
from isthmus.interop.tiers import Coverage, built, holdings, magazines, published_rates, stated_needs
from isthmus.register import Register
from isthmus.study.plan import Plan
from isthmus.study.static import STOCK_DAYS, TIER_COLUMNS, reach_rows, tier_rows
from tests import campaign_register as paper
from tests.campaign_register import EAS_A_WEEK, HUB_A_WEEK, STOCK, WEEKS_A_YEAR

DATE = "2026-10"
MISSIONS = [
    {"mission_id": "fires", "name": "Fires", "fill_rule": "pooled", "tier": "campaign"},
    {"mission_id": "strike", "name": "Strike", "fill_rule": "pooled", "tier": "magazine"},
    {"mission_id": "undersea", "name": "Undersea", "fill_rule": "pooled", "tier": "indicator"},
]


def element(name: str, text: str = "", mission: str = "undersea", **more: str) -> dict[str, str]:
    return {"element_id": name, "name": f"{name} {text}".strip(), "mission_id": mission, **more}


def held(actor: str, name: str, count: float, maturity: str = "implemented", **more: str) -> dict[str, str]:
    amount = dict.fromkeys(("low", "mode", "high"), str(count))
    return {"actor_id": actor, "element_id": name, "maturity": maturity, "unit": "units", **amount, **paper.GUESS, **more}


def used(
    actor: str, materiel: str, count: float, unit: str, context: str, measure: str = "observed", **more: str
) -> dict[str, str]:
    amount = dict.fromkeys(("low", "mode", "high"), str(count))
    row = {"actor_id": actor, "materiel_id": materiel, "context": context, "measure": measure, "unit": unit}
    return {**row, **amount, **paper.GUESS, **more}


ELEMENTS = [
    element("boat_all"),
    element("nuclear_all", "(part of boat_all)"),
    element("ssn", "(part of nuclear_all)"),
    element("ssn_new", "(part of ssn)"),
    element("ssk", "(part of boat_all)"),
    element("patrol"),
]
FORCES = [
    held("WES", "boat_all", 10),
    held("WES", "ssn", 3),
    held("WES", "ssn_new", 2),
    held("HUB", "ssn", 6),
    held("HUB", "ssn", 8, "agreed"),
    held("HUB", "ssk", 1),
    held("HUB", "ssk", 5, "declared"),
    held("EAS", "ssn_new", 4),
    held("EAS", "patrol", 7),
    held("RIV", "ssk", 9, **paper.FACT, note=""),
    held("RIV", "boat_all", 8),
]
STRIKE = {"class_id": "strike", "mission_id": "strike", "name": "Strike", "effect_unit": "one missile"}
MISSILE = {
    "materiel_id": "missile",
    "name": "Missile",
    "mission_id": "strike",
    "class_id": "strike",
    "family_id": "rocket_227mm",
    **dict.fromkeys(("effect_low", "effect_mode", "effect_high"), "2"),
    "mass_kg": "1000",
    "use": "expendable",
    **paper.GUESS,
}


def stock(actor: str, count: float) -> dict[str, str]:
    amount = dict.fromkeys(("low", "mode", "high"), str(count))
    return {"actor_id": actor, "materiel_id": "missile", "measure": "on_hand", "unit": "units", **amount, **paper.GUESS}


CONSUMPTION = [
    used("HUB", "missile", 70, "units", "A war of ten days", period_from="2025-03-01", period_to="2025-03-10"),
    used("RIV", "missile", 3, "units/day", "Each day"),
    used("RIV", "missile", 12, "units/month", "Each month", period_from="2024", period_to="2024"),
    used("HUB", "missile", 52.18, "units/year", "Peace"),
    used("HUB", "missile", 31, "units", "January", period_from="2025-01", period_to="2025-01"),
    used("HUB", "missile", 999, "units", "A wargame", measure="stated_need"),
    used("HUB", "missile", 999, "units", "No period"),
    used("WES", "shell_155", 999, "units/day", "Another class"),
]


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., Register]:
    def build(**other: list[dict[str, str]]) -> Register:
        return Register.load(paper.write(tmp_path / "register", {**paper.tables(), **other}))

    return build


@pytest.fixture
def wide(changed: Callable[..., Register]) -> Register:
    """The paper register with strike missiles (HUB 100, DON 50; nobody of the rivals) and submarines."""
    tables = paper.tables()
    made = {"line_id": "m", "name": "All plants", "scope": "total", "measure": "complete"}
    amount = dict.fromkeys(("low", "mode", "high"), "30")
    line = {"actor_id": "HUB", "materiel_id": "missile", **made, "unit": "units/year", **amount, **paper.GUESS}
    return changed(
        missions=MISSIONS,
        classes=[*tables["classes"], STRIKE],
        materiel=[*tables["materiel"], MISSILE],
        stocks=[*tables["stocks"], stock("HUB", 100), stock("DON", 50)],
        lines=[*tables["lines"], line],
        consumption=CONSUMPTION,
        elements=[*tables["elements"], *ELEMENTS],
        force_elements=[*tables["force_elements"], *FORCES],
    )


def plan(register: Register, **need: Any) -> Plan:
    fronts = paper.study()["fronts"]
    for front in fronts:
        front["magazine"] = [{"class": "strike", **(need if front["side"] == "allied" else {})}]
    return paper.plan(register, fronts=fronts, futures=2)


# Depth


def test_depth_by_hand(wide: Register) -> None:
    """Effect 2 a missile. East: HUB fights and keeps 0.1, DON gives above 0.6. One missile fits all, no launcher is counted."""
    made = plan(wide)
    draws = made.design.draw(0, 2)
    found = magazines(made.wide, made.study.ecosystems[0].rule(), draws)
    depth = found["east.allied", "strike"]
    assert depth.on_hand == pytest.approx([2 * (0.9 * 100 + 0.4 * 50)] * 2)
    assert depth.output_per_year == pytest.approx([2 * 30.0] * 2)
    assert (depth.need == 0).all()
    assert depth.coverage == Coverage(facts=0, estimates=0, assumptions=2, unknown=1)  # EAS fights there; nobody knows its stock
    assert found["west.rival", "strike"].on_hand == pytest.approx([0, 0])
    assert not found["west.rival", "strike"].stocks_known


def test_depth_of_a_campaign_is_its_days_of_supply(wide: Register) -> None:
    made = plan(wide)
    draws = made.design.draw(0, 2)
    depth = magazines(made.wide, made.study.ecosystems[0].rule(), draws)["west.allied", "fires"]
    row = next(r for r in reach_rows(made) if (r["front"], r["mission"], r["ecosystem"]) == ("west.allied", "fires", "as_is"))
    assert row["days_of_supply"] == pytest.approx(depth.on_hand[0] / (100 / 7))
    assert depth.output_per_year[0] == pytest.approx(0.7 * (HUB_A_WEEK + EAS_A_WEEK) * WEEKS_A_YEAR)


def test_stated_needs_count_the_weight_of_a_class(wide: Register) -> None:
    made = plan(wide, open="need.east.open", plateau="need.east.plateau", fade="need.fade", weight="plan.cover")
    needs = stated_needs(made.wide, made.design.draw(0, 2))
    assert needs["east.allied", "strike"] == pytest.approx([50 * 3] * 2)
    assert needs["east.allied", "fires"] == pytest.approx([50] * 2)
    assert needs["east.rival", "strike"] == pytest.approx([0, 0])


# Rates of use


def test_published_rates_by_hand(wide: Register) -> None:
    """Effect 2. Ten days of 70; 3 a day; 12 a month; 52.18 a year; 31 in 31 days. Needs and rows without a period say no rate."""
    found = {r.context: r.per_week for r in published_rates(wide, DATE, ["strike"])}
    assert found == pytest.approx(
        {
            "Peace": 2.0,
            "Each month": 2 * 12 * 12 / WEEKS_A_YEAR,
            "January": 2 * 7.0,
            "Each day": 2 * 21.0,
            "A war of ten days": 2 * 49.0,
        }
    )
    assert list(found) == ["Peace", "Each month", "January", "Each day", "A war of ten days"]
    assert published_rates(wide, DATE, ["rocket"]) == []


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [("2024", "2024", 366), ("2025-02", "2025-02", 28), ("2024-12", "2025-01", 62), ("2025-03-01", "2025-03-01", 1)],
)
def test_a_partial_date_lasts_to_its_end(changed: Callable[..., Register], first: str, last: str, days: int) -> None:
    rows = [used("WES", "shell_155", days / 7, "units", "x", period_from=first, period_to=last)]
    assert published_rates(changed(consumption=rows), DATE, ["gun"])[0].per_week == pytest.approx(1)


# Holdings


def test_holdings_count_nothing_twice(wide: Register) -> None:
    """WES: the total of 10 is more than its 3 known; HUB 6 + 1; EAS 4, known by their part only. On order HUB 2, announced 4."""
    boats, patrol = holdings(wide, DATE, "undersea", ["WES", "HUB", "EAS", "DON"])
    assert (boats.kind, boats.in_service, boats.operators) == ("boat_all", 10 + 7 + 4, 3)
    assert (boats.on_order, boats.announced) == (2, 4)
    assert (boats.most_common, boats.commonality) == ("ssn", pytest.approx((3 + 6 + 4) / (3 + 6 + 4 + 1)))
    assert boats.coverage == Coverage(facts=0, estimates=0, assumptions=8, unknown=1)
    assert (patrol.kind, patrol.in_service, patrol.most_common, patrol.commonality) == ("patrol", 7, "patrol", 1)


def test_parts_above_the_total_win(wide: Register) -> None:
    (boats,) = holdings(wide, DATE, "undersea", ["RIV"])
    assert (boats.in_service, boats.operators, boats.most_common) == (9, 1, "ssk")
    assert boats.coverage == Coverage(facts=1, estimates=0, assumptions=1, unknown=0)


def test_elements_of_a_class_add_up_by_their_weight(changed: Callable[..., Register]) -> None:
    elements = [
        element("howitzer", "", "fires", class_id="gun", weight="1"),
        element("battery", "", "fires", class_id="gun", weight="6"),
        element("gun_152", "", "fires", class_id="gun", weight="1"),
        element("tube_all", "", "fires"),
    ]
    forces = [held("WES", "howitzer", 40), held("WES", "battery", 5), held("EAS", "battery", 5), held("WES", "tube_all", 900)]
    (guns,) = holdings(changed(elements=elements, force_elements=forces), DATE, "fires", ["WES", "EAS"])
    assert (guns.kind, guns.in_service, guns.operators) == ("gun", 40 + 60, 2)
    assert (guns.most_common, guns.commonality) == ("battery", pytest.approx(0.6))


def test_what_is_built_takes_the_first_measure_and_its_factor(changed: Callable[..., Register]) -> None:
    """HUB complete 100 a week; EAS 10; DON a capacity of 40 at 0.7; a plan builds nothing."""
    lines = [
        *paper.tables()["lines"],
        paper._line("DON", "shell_155", 40, "capacity"),
        paper._line("WES", "shell_155", 500, "plan"),
    ]
    register = changed(lines=[{**r, **paper.GUESS} for r in lines])
    (shells,) = built(register, DATE, "fires", ["HUB", "EAS", "DON", "WES"])
    assert (shells.materiel_id, shells.makers) == ("shell_155", 3)
    assert shells.per_year == pytest.approx((100 + 10 + 0.7 * 40) * WEEKS_A_YEAR, rel=1e-6)
    assert built(register, DATE, "fires", ["DON"])[0].coverage == Coverage(0, 0, 1, 0)


# Rows


def test_magazine_rows_by_hand(wide: Register) -> None:
    """East: 220 on hand, 60 a year made: 3.67 years. At 98 a week 220 / 98 weeks, at 2 a week 110."""
    rows = {r["front"]: r for r in tier_rows(plan(wide)) if r["tier"] == "magazine"}
    assert set(rows) == {"west.allied", "west.rival", "east.allied", "east.rival"}
    east = rows["east.allied"]
    assert (east["ecosystem"], east["side"], east["mission"]) == ("as_is", "allied", "strike")
    assert east["on_hand"] == pytest.approx(220)
    assert east["years_to_rebuild"] == pytest.approx(220 / 60)
    assert east["weeks_at_high"] == pytest.approx(220 / 98)
    assert east["weeks_at_low"] == pytest.approx(110)
    assert east["use_high_by"] == "HUB missile: A war of ten days"
    assert east["days_of_supply"] is None
    assert east["stock_required"] is None
    assert east["shortfall"] is None
    assert (east["assumptions"], east["unknown"]) == (2, 1)


def test_an_unknown_stock_is_not_an_empty_one(wide: Register) -> None:
    row = next(r for r in tier_rows(plan(wide)) if r["front"] == "west.rival")
    assert row["on_hand"] is None
    assert row["weeks_at_high"] is None
    assert row["unknown"] == 1
    assert row["use_high"] == pytest.approx(98)


@pytest.mark.parametrize(("days", "lacking"), [(14, 0.0), (28, 0.0), (42, 80.0)])
def test_stock_required_by_hand(wide: Register, days: float, lacking: float) -> None:
    """50 a week: 28 days need 200 of the 220 there are; 42 days need 300."""
    made = plan(wide, open="need.east.open", plateau="need.east.plateau", fade="need.fade")
    row = next(r for r in tier_rows(made, days) if r["front"] == "east.allied")
    assert row["stock_required"] == pytest.approx(50 * days / 7)
    assert row["shortfall"] == pytest.approx(lacking)
    assert row["days_of_supply"] == pytest.approx(220 / (50 / 7))
    of_reach = next(r for r in reach_rows(made, days) if (r["front"], r["mission"]) == ("east.allied", "strike"))
    assert of_reach["stock_required"] == pytest.approx(row["stock_required"])
    assert of_reach["shortfall"] == pytest.approx(row["shortfall"])


def test_a_mission_no_front_names_is_an_indicator_of_each_side(wide: Register) -> None:
    rows = [r for r in tier_rows(plan(wide)) if r["mission"] == "undersea"]
    assert {(r["front"], r["side"], r["tier"]) for r in rows} == {(None, "allied", "indicator"), (None, "rival", "indicator")}
    assert [(r["side"], r["kind"], r["in_service"]) for r in rows] == [
        ("allied", "boat_all", 21),
        ("allied", "patrol", 7),
        ("rival", "boat_all", 9),
    ]
    assert all(list(r)[: len(TIER_COLUMNS)] == list(TIER_COLUMNS) for r in rows)


def test_an_indicator_of_a_front_counts_who_may_fight_there(wide: Register) -> None:
    fronts = paper.study()["fronts"]
    for front in fronts[:2]:
        front["magazine"] = [{"class": "strike", "tier": "indicator"}]
    rows = tier_rows(paper.plan(wide, fronts=fronts, futures=2))
    west = [r for r in rows if r["front"] == "west.allied"]
    assert [(r["kind"], r["built_per_year"], r["makers"]) for r in west] == [("missile", 30, 1)]
    rival = [r for r in rows if r["front"] == "west.rival"]
    assert [(r["kind"], r["unknown"]) for r in rival] == [(None, 1)]


def test_who_is_absent_is_not_counted(wide: Register) -> None:
    fronts = paper.study()["fronts"]
    rows = tier_rows(paper.plan(wide, fronts=fronts, futures=2, absent=["WES"]))
    boats = next(r for r in rows if (r["side"], r["kind"]) == ("allied", "boat_all"))
    assert (boats["in_service"], boats["operators"]) == (11, 2)


# Commands


@pytest.fixture
def isthmus(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def call(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["isthmus", *words])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        assert stop.value.code in (0, None)
        return capsys.readouterr().out

    return call


def test_the_command_prints_what_the_function_says(wide: Register, tmp_path: Path, isthmus: Callable[..., str]) -> None:
    fronts = paper.study()["fronts"]
    for front in fronts:
        front["magazine"] = [{"class": "strike"}]
    study = str(paper.write_study(tmp_path / "wide.yaml", fronts=fronts))
    words = ("tiers", study, "--register", str(wide.root), "--futures", "2")
    assert json.loads(isthmus(*words, "--json")) == tier_rows(plan(wide))
    lines = isthmus(*words, "--csv").splitlines()
    assert lines[0].split(",") == list(TIER_COLUMNS)
    assert len(lines) == 1 + len(tier_rows(plan(wide)))
    shown = isthmus(*words)
    assert "boat_all" in shown
    assert "use_high 98.0 a week: HUB missile: A war of ten days" in shown


def test_reach_takes_a_number_of_days(wide: Register, tmp_path: Path, isthmus: Callable[..., str]) -> None:
    study = str(paper.write_study(tmp_path / "paper.yaml"))
    words = ("reach", study, "--register", str(wide.root), "--futures", "2", "--json")
    for days in ("14", "700"):
        row = next(r for r in json.loads(isthmus(*words, "--days", days)) if r["front"] == "west.allied")
        kept = 0.9 * STOCK["WES"] + 0.7 * (0.9 * STOCK["HUB"] + 0.4 * STOCK["DON"] + 0.4 * STOCK["EAS"])
        assert row["stock_required"] == pytest.approx(100 * float(days) / 7)
        assert row["shortfall"] == pytest.approx(max(0.0, 100 * float(days) / 7 - kept))
    assert cli.TARGET_DAYS == STOCK_DAYS
