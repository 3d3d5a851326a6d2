"""`isthmus.awareness`: flows, pressure, exercises, statements, declared against done, by hand and by independent programs."""

from __future__ import annotations

import json
import math
import sys
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from isthmus import cli
from isthmus.awareness import declared, exercises, flows, probing, series, statements
from isthmus.awareness.periods import Period, parse_period
from isthmus.awareness.summary import summary
from isthmus.awareness.survey import long_rows, survey
from isthmus.errors import InputError
from isthmus.register import Register
from tests.conftest import FACT, TINY, csv_text, write_tiny
from tests.reference.test_datasets import DATASETS

PLA_HEAD = (
    "date,空中,聯合演訓,艦通過,航母活動,與那國,宮古,大禹,對馬,進,出,艦型,備考,pla_aircraft_sorties,plan_vessel_sorties,國家"
)
ATTACKS_HEAD = "time_start,time_end,model,launched,destroyed,not_reach_goal,still_attacking"


def register_with(folder: Path, **tables: list[dict[str, str]]) -> Register:
    """The tiny register with the rival Russia and North Korea, and these rows instead of its own."""
    write_tiny(folder)
    more = [
        {"actor_id": "RUS", "name": "Russia", "type": "state", "side": "rival", "home_theater": "west", "hub": "no"},
        {"actor_id": "PRK", "name": "North Korea", "type": "state", "side": "rival", "home_theater": "east", "hub": "no"},
        {"actor_id": "TWN", "name": "Taiwan", "type": "state", "side": "allied", "home_theater": "east", "hub": "no"},
        {"actor_id": "UKR", "name": "Ukraine", "type": "state", "side": "allied", "home_theater": "west", "hub": "no"},
        {"actor_id": "WLD", "name": "Any", "type": "bloc", "side": "neutral", "hub": "no"},
    ]
    for name, rows in ({"actors": [*TINY["actors"], *more]} | tables).items():
        (folder / f"{name}.csv").write_text(csv_text(name, rows))
    return Register.load(folder)


def flow(measure: str, start: str, end: str, amount: float, source: str = "gazette", **more: str) -> dict[str, str]:
    row = {"supplier": "PRK", "recipient": "RUS", "goods": "shell_any", "kind_of_goods": "munition", "unit": "rounds"}
    figures = {"low": str(amount), "mode": str(amount), "high": str(amount)}
    return row | figures | FACT | {"measure": measure, "period_from": start, "period_to": end, "source_id": source} | more


# Flows


def test_successive_cumulative_figures_are_never_added(tmp_path: Path) -> None:
    rows = [flow("cumulative", "2023-08", "2023-12", 100), flow("cumulative", "2023-08", "2024-06", 250)]
    found = flows.bands(flows.claims(register_with(tmp_path, flows=rows)))
    assert found["date"].tolist() == ["2023-12-31", "2024-06-30"]
    assert found[["low", "mode", "high"]].to_numpy().tolist() == [[100, 100, 100], [250, 250, 250]]


def test_announced_and_rates_stay_out_of_what_arrived(tmp_path: Path) -> None:
    rows = [
        flow("delivered", "2024-01", "2024-03", 10),
        flow("announced", "2024-01", "2024-12", 5000),
        flow("per_year", "2024", "2024", 900, note="rate"),
        flow("delivered", "2024-02", "2024-02", 7, unit="barrels/day"),
    ]
    claimed = flows.claims(register_with(tmp_path, flows=rows))
    assert sorted(claimed["status"]) == ["announced", "delivered", "rate", "rate"]
    found = flows.bands(claimed)
    assert found[["date", "low", "high"]].to_numpy().tolist() == [["2024-03-31", 10, 10]]


def test_deliveries_of_one_source_add_and_overlapping_sources_are_alternatives(tmp_path: Path) -> None:
    rows = [
        flow("delivered", "2024-01", "2024-03", 10),
        flow("delivered", "2024-04", "2024-06", 20),
        flow("delivered", "2024-05", "2024-06", 50, source="paper"),
    ]
    last = flows.bands(flows.claims(register_with(tmp_path, flows=rows))).iloc[-1]
    assert (last["low"], last["mode"], last["high"]) == (30, 45, 60)


def test_several_sources_stand_side_by_side_and_a_total_never_falls(tmp_path: Path) -> None:
    rows = [
        flow("cumulative", "2023-08", "2024-02", 300),
        flow("cumulative", "2023-08", "2024-06", 100, source="paper"),
        flow("cumulative", "2023-08", "2026-06", 120, source="unread"),
    ]
    register = register_with(tmp_path, flows=rows)
    found = flows.bands(flows.claims(register))
    assert found[["low", "high", "claims"]].to_numpy().tolist() == [[300, 300, 1], [300, 300, 2], [300, 300, 1]]
    assert len(flows.claims(register)) == 3
    rows = [flow("cumulative", "2023-08", "2024-02", 100), flow("cumulative", "2023-08", "2024-06", 300, source="paper")]
    found = flows.bands(flows.claims(register_with(tmp_path, flows=rows)))
    assert found[["low", "mode", "high", "claims"]].to_numpy().tolist() == [[100, 100, 100, 1], [100, 200, 300, 2]]


def test_a_longer_period_cannot_hold_less(tmp_path: Path) -> None:
    rows = [
        flow("cumulative", "2023-09", "2025-03", 400),
        flow("delivered", "2024-01", "2024-12", 900, source="paper"),
        flow("per_year", "2024-01", "2024-12", 300, source="unread"),
        flow("announced", "2024-02", "2024-03", 9999, source="unread"),
        flow("delivered", "2023-10", "2024-02", 399, source="unread"),
    ]
    found = flows.contradictions(flows.claims(register_with(tmp_path, flows=rows)))
    pairs = [(r["longer_source"], r["shorter_source"], r["ratio"], r["beyond_grades"]) for r in found.to_dict("records")]
    assert pairs == [("unread", "paper", 3.0, True), ("gazette", "paper", 2.25, True)]


def test_allied_flows_are_not_among_the_rivals(tmp_path: Path) -> None:
    rows = [flow("delivered", "2024-01", "2024-01", 1), flow("delivered", "2024-01", "2024-01", 1) | {"supplier": "USA"}]
    register = register_with(tmp_path, flows=rows)
    assert len(flows.claims(register)) == 1
    assert len(flows.claims(register, side=None)) == 2


# Series


def test_a_planted_change_is_found_and_a_break_of_counting_is_not_reported() -> None:
    noise = np.random.default_rng(5).normal(0, 0.15, 60)
    step = np.exp(5.0 + 1.2 * (np.arange(60) >= 30) + noise)
    found = series.find_changes(step)
    assert [c.place for c in found] == [30]
    assert found[0].after / found[0].before == pytest.approx(math.exp(1.2), rel=0.25)

    months = [f"{2020 + (k + 1) // 12}-{(k + 1) % 12 + 1:02d}" for k in range(60)]
    assert months[30] == "2022-08"
    points = pd.DataFrame([monthly("CHN", "TWN", "aircraft_reported", m, v) for m, v in zip(months, step, strict=True)])
    assert series.changes(points).empty
    assert sorted(series.trends(points)["segment"]) == [0, 1]
    elsewhere = pd.DataFrame([monthly("CHN", "JPN", "ships", m, v) for m, v in zip(months, step, strict=True)])
    assert series.changes(elsewhere)["period_from"].tolist() == ["2022-08-01"]


def monthly(actor: str, target: str, activity: str, month: str, value: float) -> dict[str, Any]:
    whole = parse_period(month)
    assert whole is not None
    more = {"per_month": value, "theater_id": "east", "origin": "test"}
    return probing._point(actor, target, activity, "sorties", whole, value, **more)


def test_a_steady_trend_is_no_change() -> None:
    growth = np.exp(4.0 + 0.03 * np.arange(60) + np.random.default_rng(2).normal(0, 0.2, 60))
    assert series.find_changes(growth) == []
    assert series.find_changes(np.full(40, 7.0)) == []
    assert series.find_changes(growth[:23]) == []


def test_the_trend_is_that_of_scipy_where_months_are_independent() -> None:
    from scipy.stats import theilslopes

    years = np.arange(30) / 12
    alternating = 3.0 * years + np.where(np.arange(30) % 2, 1.0, -1.0) * np.random.default_rng(3).uniform(0.5, 1.5, 30)
    found = series.sen_trend(years, alternating)
    assert found is not None
    assert found.autocorrelation == 0
    expected = theilslopes(alternating, years, 0.95)
    assert (found.slope, found.low, found.high) == pytest.approx((expected.slope, expected.low_slope, expected.high_slope))


def test_dependent_months_widen_the_interval_and_few_give_none() -> None:
    years = np.arange(40) / 12
    walk = np.cumsum(np.random.default_rng(4).normal(0, 1, 40))
    found = series.sen_trend(years, walk)
    assert found is not None
    assert found.autocorrelation > 0.3
    from scipy.stats import theilslopes

    narrow = theilslopes(walk, years, 0.95)
    assert found.high - found.low > 1.3 * (narrow.high_slope - narrow.low_slope)
    assert series.sen_trend(years[:7], walk[:7]) is None


def test_segments_leave_out_what_touches_a_break() -> None:
    breaks = series.breaks_of("UKR", "launched.shahed_and_decoy_uav")
    assert [b.name for b in breaks] == ["drone_accounting"]
    of = {
        m: series.segment_of(period, breaks) for m in ("2024-09", "2024-10", "2024-12", "2025-01") if (period := parse_period(m))
    }
    assert of == {"2024-09": 0, "2024-10": None, "2024-12": None, "2025-01": 1}
    assert series.segment_of(Period(date(2022, 1, 1), date(2022, 12, 31)), series.breaks_of("TWN", "aircraft_in_adiz")) is None
    assert series.breaks_of("UKR", "launched.cruise") == ()
    assert series.breaks_of("JPN", "scrambles") == ()


def test_periods_of_the_register() -> None:
    assert parse_period("FY2024", counted_by="JPN") == Period(date(2024, 4, 1), date(2025, 3, 31))
    assert parse_period("FY2024", counted_by="NATO") is None
    assert parse_period("2025-01/2025-10-22") == Period(date(2025, 1, 1), date(2025, 10, 22))
    february = parse_period("2024-02")
    assert february is not None
    assert (february.days, february.calendar_months) == (29, 1)


# Points


def probe(period: str, count: str, activity: str = "scrambles", **more: str) -> dict[str, str]:
    row = {"actor_id": "CHN", "target_id": "JPN", "theater_id": "east", "activity": activity, "unit": "events"}
    return row | FACT | {"period": period, "count": count} | more


def test_readiness_is_that_of_who_flies(tmp_path: Path) -> None:
    rows = [
        probe("FY2023", "479"),
        probe("2022", "310", activity="patrol_days_reef", unit="days"),
        probe("2024-08", "1", "violation"),
    ]
    found = probing.readiness(probing.points(register_with(tmp_path, probing=rows)))
    assert dict(zip(found["activity"], found["spent_by"], strict=True)) == {"scrambles": "JPN", "patrol_days_reef": "CHN"}
    assert found.set_index("activity")["per_month"]["scrambles"] == pytest.approx(479 / (366 / (365.25 / 12)))


def daily_files(folder: Path) -> Path:
    """Two years of made-up days: 2 aircraft each fourth day to July 2022, then 10 every day; drones 5 a day, then 50."""
    folder.mkdir()
    days = pd.date_range("2021-08-01", "2023-07-31")
    lines = [PLA_HEAD]
    for k, day in enumerate(days):
        new = day >= pd.Timestamp(2022, 8, 1)
        if new or k % 2 == 0:
            lines.append(f"{day:%Y/%m/%d}" + "," * 13 + ("10,3" if new else "2,") + ",")
    (folder / "JapanandBattleship.csv").write_text("\n".join(lines) + "\n")
    lines = [ATTACKS_HEAD]
    for day in pd.date_range("2024-01-01", "2025-06-10"):
        count = 5 if day < pd.Timestamp(2024, 10, 1) else 50
        lines.append(f"{day:%Y-%m-%d} 01:00,{day:%Y-%m-%d} 05:00,Shahed-136/131,{count},,,")
        if day.month != 3:
            lines.append(f"{day:%Y-%m-%d} 01:00,{day:%Y-%m-%d} 05:00,Kalibr,1,1,,")
    (folder / "missile_attacks_daily.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_daily_files_become_months_with_their_breaks(tmp_path: Path) -> None:
    register = register_with(tmp_path / "register")
    found = survey(register, data=daily_files(tmp_path / "data"))
    points = found.points.set_index("series_id")
    aircraft = points.loc["CHN>TWN|aircraft_reported|sorties"].set_index("period_from")
    assert aircraft["segment"].tolist() == [0] * 12 + [1] * 12
    assert aircraft["per_month"]["2023-02-01"] == pytest.approx(10 * 365.25 / 12)  # every day stated: the mean of the days
    assert aircraft["count"]["2021-08-01"] == 32  # 16 of 31 days stated
    assert aircraft["per_month"]["2021-08-01"] == pytest.approx(32 / 31 * 365.25 / 12)  # silent days held no entry
    drones = points.loc["RUS>UKR|launched.shahed_and_decoy_uav|weapons"].set_index("period_from")
    assert drones["segment"]["2024-11-01":"2024-11-01"].isna().all()
    assert not drones["complete"]["2025-06-01"]
    cruise = points.loc["RUS>UKR|launched.cruise|weapons"].set_index("period_from")
    assert cruise["count"]["2024-03-01"] == 0  # nobody claimed one
    destroyed = points.loc["RUS>UKR|destroyed.cruise|weapons"].set_index("period_from")
    assert "2024-03-01" not in destroyed.index  # not stated is not zero
    marks = {s: [b["name"] for b in m] for s, m in zip(found.series["series_id"], found.series["breaks"], strict=True)}
    assert marks["CHN>TWN|aircraft_reported|sorties"] == marks["CHN>TWN|vessels_reported|ships"] == ["pla_count"]
    assert marks["RUS>UKR|launched.shahed_and_decoy_uav|weapons"] == ["drone_accounting"]
    assert marks["RUS>UKR|launched.cruise|weapons"] == []
    assert found.changes.empty


def test_nothing_later_than_the_date_leaks(tmp_path: Path) -> None:
    early, late = {"as_of": "2021"}, {"as_of": "2025-06"}
    register = register_with(
        tmp_path / "register",
        flows=[flow("delivered", "2020-01", "2020-06", 1, **early), flow("delivered", "2024-01", "2024-06", 1, **late)],
        probing=[probe("2020", "5", **early), probe("2022", "6", **early), probe("2024", "7", **late)],
        statements=[statement("2020-05", "transnational"), statement("2024-05", "nuclear")],
        exercises=[exercise("a", "2020"), exercise("b", "2022", as_of="2022-02"), exercise("c", "2022", as_of="2022-11")],
        adoptions=[adoption("agreed", "2019"), adoption("implemented", "2024-01")],
    )
    data = daily_files(tmp_path / "data")
    found = survey(register, at="2022-09-15", data=data)
    document = found.document()
    assert [c["period_to"] for c in document["flows"]["claims"]] == ["2020-06"]
    assert max(p["period_to"] for p in document["probing"]["points"]) == "2022-09-15"
    assert [p["period_from"] for p in document["readiness"]["points"]] == ["2020-01-01"]
    assert [s["date"] for s in document["statements"]["rows"]] == ["2020-05"]
    assert [e["exercise_id"] for e in document["exercises"]["rows"]] == ["a", "b"]
    assert [c["state"] for c in document["declared_to_done"]["cells"]] == ["open"]
    september = found.points[found.points["period_from"] == "2022-09-01"].set_index("activity")
    assert september["days_stated"]["aircraft_reported"] == 15
    assert not september["complete"]["aircraft_reported"]
    assert [c["state"] for c in survey(register).document()["declared_to_done"]["cells"]] == ["done"]


# Exercises and statements


def exercise(name: str, year: str, participants: str = "USA;JPN", **more: str) -> dict[str, str]:
    row = {"exercise_id": name, "name": name, "year": year, "participants": participants, "theater_id": "east"}
    return row | {"exercise_kind": "joint"} | FACT | more


def test_exercises_by_hand(tmp_path: Path) -> None:
    rows = [
        exercise("home", "2024"),
        exercise("away", "2024", "USA;JPN;POL"),
        exercise("rivals", "2024", "CHN;RUS"),
        exercise("both", "2024", "CHN;JPN"),
        exercise("nowhere", "2024", "USA;POL", theater_id=""),
        exercise("hoped", "2024", "USA;POL", exercise_kind="joint (planned)"),
    ]
    held = exercises.exercise_rows(register_with(tmp_path, exercises=rows))
    assert dict(zip(held["exercise_id"], held["side"], strict=True)) == {
        "home": "allied",
        "away": "allied",
        "rivals": "rival",
        "both": "mixed",
        "nowhere": "allied",
        "hoped": "allied",
    }
    counts = exercises.by_year(held).set_index(["theater_id", "side"])
    east = counts.loc[("east", "allied")]
    assert (east["exercises"], east["planned"], east["cross_theater_share"]) == (2, 1, 0.5)
    assert (east["participants_median"], east["participants_distinct"]) == (2.5, 3)
    assert counts.loc[("east", "rival"), "cross_theater_share"] == 1
    assert pd.isna(counts.loc[("elsewhere", "allied"), "cross_theater_share"])


def statement(day: str, topic: str, issuer: str = "USA;JPN", level: str = "declares", **more: str) -> dict[str, str]:
    return {"date": day, "title": "Words", "issuer": issuer, "topic": topic, "concreteness": level} | FACT | more


def test_statements_by_hand(tmp_path: Path) -> None:
    rows = [
        statement("2024-07-10", "transnational"),
        statement("2024-07-10", "nuclear", level="tasks"),
        statement("2024-07-10", "nuclear", note="second clause"),
        statement("2024-07-11", "nuclear", issuer="CHN;RUS", level="commits_number_or_date"),
        statement("2024-07-12", "nuclear", issuer="CHN;JPN"),
        statement("2024-07-13", "industrial", issuer="A format"),
    ]
    coded = statements.statement_rows(register_with(tmp_path, statements=rows))
    assert coded["side"].tolist() == ["allied", "allied", "allied", "rival", "mixed", "unlisted"]
    found = statements.by_topic(coded).set_index(["side", "topic"])
    allied = found.loc[("allied", "nuclear")]
    assert (allied["statements"], allied["codings"], allied["declares"], allied["tasks"]) == (1, 2, 1, 1)
    assert found.loc[("allied", "transnational"), "family"] == "transnational"
    assert found.loc[("rival", "nuclear"), "commits_number_or_date"] == 1


# Declared against done


def adoption(maturity: str, since: str = "", actor: str = "JPN", item: str = "round_standard", **more: str) -> dict[str, str]:
    return {"actor_id": actor, "item_id": item, "maturity": maturity, "since": since} | FACT | more


def test_kaplan_meier_by_hand_and_by_lifelines() -> None:
    years = np.array([1.0, 2.0, 2.0, 3.0, 4.0, 4.0])
    events = np.array([True, True, False, False, True, False])
    curve = declared.kaplan_meier(years, events)
    assert curve.at_risk.tolist() == [6, 5, 3, 2]
    assert curve.share_done.tolist() == pytest.approx([1 / 6, 1 - 5 / 6 * 4 / 5, 1 - 5 / 6 * 4 / 5, 1 - 5 / 6 * 4 / 5 / 2])
    from lifelines import KaplanMeierFitter

    random = np.random.default_rng(0)
    years, events = np.round(random.exponential(5, 200), 1), random.random(200) < 0.6
    theirs = KaplanMeierFitter().fit(years, events).survival_function_["KM_estimate"]
    ours = declared.kaplan_meier(years, events)
    assert ours.share_done == pytest.approx(1 - theirs[theirs.index.isin(ours.years)].to_numpy()[-len(ours.years) :])


def test_nothing_is_read_off_where_few_are_watched() -> None:
    years = np.append(np.full(10, 2.0), np.full(9, 6.0))
    curve = declared.kaplan_meier(years, np.append(np.ones(10, bool), np.zeros(9, bool)))
    assert curve.at(1) == 0
    assert curve.at(2) == pytest.approx(10 / 19)
    assert curve.at(5) is None
    assert curve.reached(0.5) == 2


def test_states_of_declared_cells(tmp_path: Path) -> None:
    rows = [
        adoption("agreed", "2020-01-01", as_of="2021-01-01"),
        adoption("declared", "2019-01-01", "POL", as_of="2020"),
        adoption("implemented", "2021-01-01", "POL"),
        adoption("agreed", "2020-01-01", "USA", as_of="2020"),
        adoption("implemented", "", "USA", as_of="2023-01-01"),
        adoption("agreed", "2020", "CHN"),
        adoption("implemented", "2018", "CHN"),
        adoption("agreed", "", "RUS"),
        adoption("agreed", "2020-01-01", "TWN", until="2021-01-01"),
        adoption("implemented", "2020", "PRK"),
        adoption("agreed", "2024-06", "UKR", as_of="2024"),
        adoption("implemented", "2024", "UKR"),
    ]
    found = declared.cells(register_with(tmp_path, adoptions=rows), at="2025-01-01").set_index("actor_id")
    assert found["state"].to_dict() == {
        "JPN": "open",
        "POL": "done",
        "USA": "done_undated",
        "CHN": "done_before",
        "RUS": "open",
        "TWN": "withdrawn",
        "UKR": "done",
    }
    assert found["years_slow"].to_dict() == pytest.approx(
        {
            "JPN": 1827 / 365.25,
            "POL": 731 / 365.25,
            "USA": 1096 / 365.25,
            "CHN": math.nan,
            "RUS": math.nan,
            "TWN": 366 / 365.25,
            "UKR": 16 / 365.25,
        },
        nan_ok=True,
    )
    assert found["years_fast"][["JPN", "USA"]].tolist() == pytest.approx([366 / 365.25, 0.0])
    assert found["event_slow"][["JPN", "POL", "USA", "TWN"]].tolist() == [False, True, True, False]


def test_below_five_deeds_nothing_is_estimated() -> None:
    def cell(number: int, *, done: bool) -> dict[str, Any]:
        head = {"actor_id": f"a{number}", "item_id": f"i{number}", "layer": "standard", "side": "allied", "step": "agreed"}
        times = {"years_slow": 2.0, "event_slow": done, "years_fast": 2.0, "event_fast": done}
        return head | {"started": "2020", "state": "done" if done else "open", "done": None} | times

    four, five = (pd.DataFrame([cell(k, done=k < n) for k in range(20)]) for n in (4, 5))
    shares, curves = declared.shares(four)
    assert set(shares["why_not"]) == {"not estimable: 4 deeds of 4 items"}
    assert curves.empty
    shares, curves = declared.shares(five)
    first = shares.iloc[0]
    assert (first["cells"], first["events"], first["share_2y"]) == (20, 5, 0.25)
    assert 0 < first["share_2y_low"] < 0.25 < first["share_2y_high"] < 1


# The command


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["isthmus", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    out, err = capsys.readouterr()
    return int(stop.value.code or 0), out, err


@pytest.fixture
def isthmus(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    return lambda *words: run(monkeypatch, capsys, *words)


def test_the_command_prints_one_document(isthmus: Any) -> None:
    code, out, err = isthmus("awareness", "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert {"flows", "probing", "readiness", "exercises", "statements", "declared_to_done"} < set(document)
    assert all("breaks" in s for s in document["probing"]["series"])
    by_id = {s["series_id"]: [b["first"] for b in s["breaks"]] for s in document["probing"]["series"]}
    assert by_id["CHN>TWN|aircraft_in_adiz|aircraft"] == ["2022-08-01"]
    assert by_id["RUS>UKR|launched.shahed_and_decoy_uav|weapons"] == ["2024-10-01"]
    assert document["flows"]["contradictions"]


def test_the_command_reads_on_a_terminal_and_as_csv(isthmus: Any) -> None:
    code, out, _ = isthmus("awareness", "--at", "2024-06")
    assert code == 0
    for words in ("Flows among the rivals", "pla_count", "Readiness spent", "Declared against done", "not estimable"):
        assert words in out
    code, out, _ = isthmus("awareness", "--csv")
    assert code == 0
    assert out.splitlines()[0].startswith("section,series,period_from")
    assert sum(",level_break," in line for line in out.splitlines()) > 5


def test_bad_folders_and_dates_are_refused(isthmus: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    (tmp_path / "twice" / "a").mkdir(parents=True)
    for place in ("twice", "twice/a"):
        (tmp_path / place / "missile_attacks_daily.csv").write_text(ATTACKS_HEAD + "\n")
    for name, words in (
        ("empty", "no data set to read"),
        ("file", "not a folder"),
        ("missing", "not a folder"),
        ("twice", "more than one file fits"),
    ):
        code, out, err = isthmus("awareness", "--data", tmp_path / name)
        assert (code, out) == (2, "")
        assert words in err
        assert err.endswith("1 problem.\n")
    (tmp_path / "empty" / "JapanandBattleship.csv").write_text("a,b\n1,2\n")
    code, out, err = isthmus("awareness", "--data", tmp_path / "empty", "--json")
    assert code == 2
    assert json.loads(out)["ok"] is False
    assert isthmus("awareness", "--at", "yesterday")[0] == 2


def test_an_empty_register_gives_empty_parts(tmp_path: Path) -> None:
    empty: dict[str, list[dict[str, str]]] = {
        t: [] for t in ("flows", "probing", "statements", "exercises", "adoptions", "observations")
    }
    found = survey(register_with(tmp_path, **empty))
    assert found.document()["probing"]["points"] == []
    assert summary(found) == []
    assert long_rows(found) == []


def test_a_date_before_everything_is_empty_not_an_error() -> None:
    found = survey(Register.reference(), at="1900")
    assert found.points.empty
    assert found.bands.empty
    assert summary(found) == []


@pytest.mark.skipif(
    not ((DATASETS / "pla").is_dir() and (DATASETS / "missile_attacks").is_dir()),
    reason=f"the pla and missile_attacks data sets are not under {DATASETS}",
)
def test_reference_files_mark_their_breaks_and_match_published_sums() -> None:
    found = survey(Register.reference(), data=DATASETS)
    points = found.points[found.points["origin"].str.startswith("data")]
    aircraft = points[points["activity"] == "aircraft_reported"].set_index("period_from")
    assert aircraft["segment"]["2022-07-01"] == 0
    assert aircraft["segment"]["2022-08-01"] == 1
    year = aircraft[aircraft.index.str.startswith("2021")]["count"].sum()
    assert year == pytest.approx(972, rel=0.05)  # aircraft in the zone in 2021, another count of the same reports
    drones = points[points["activity"] == "launched.shahed_and_decoy_uav"].set_index("period_from")
    assert drones["segment"][["2024-10-01", "2024-11-01", "2024-12-01"]].isna().all()
    assert (
        not found.changes["period_from"]
        .isin(["2022-08-01", "2024-10-01", "2024-11-01", "2024-12-01", "2025-01-01"])[
            found.changes["series_id"].isin(
                ["CHN>TWN|aircraft_reported|sorties", "RUS>UKR|launched.shahed_and_decoy_uav|weapons"]
            )
        ]
        .any()
    )


def test_a_bad_date_is_an_input_error() -> None:
    with pytest.raises(InputError):
        survey(Register.reference(), at="2024-13")
