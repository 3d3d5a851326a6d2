"""The falsifier: scores against an independent program, both forms of input, planted signals found and noise called noise."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from isthmus import cli
from isthmus.deterrence.inputs import PRICE_DRAWS, draw_prices
from isthmus.ensemble import Design, Uncertainty
from isthmus.errors import InputError
from isthmus.register import Register
from isthmus.validation.case_files import COLUMNS, read_cases
from isthmus.validation.falsifier import (
    ADDS_NOTHING,
    HISTORICAL,
    Built,
    Gap,
    Ordering,
    Then,
    auc,
    brier,
    built_then,
    eras_of,
    falsifier_cases,
    held_out,
    lines_of,
    log_score,
    order,
    score,
    score_rows,
    verdict,
)
from isthmus.validation.past_cases import past_cases
from tests.unit.test_deterrence import ranges
from tests.unit.test_importers import DDY_HEAD, DYADIC_HEAD, MIDB_HEAD, ddy, dyadic, midb

F64 = npt.NDArray[np.float64]


def then(draws: int = 32) -> Then:
    own = tuple(Uncertainty(f"{u.name}:then", u.shape, u.low, u.mode, u.high, u.unit, u.kind, (), u.rule) for u in HISTORICAL)
    found = Design(own, 1).draw(0, draws)
    return Then(draw_prices(ranges(), ["then"], 1, draws)["then"], {u.name: found[f"{u.name}:then"] for u in HISTORICAL})


def cases(n: int = 400, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "year": rng.integers(1816, 1990, n).astype(float),
            "challenger_capability": rng.uniform(0.01, 0.3, n),
            "defender_capability": rng.uniform(0.01, 0.3, n),
            "status_quo": rng.uniform(0, 1, n),
            "attacked": (rng.random(n) < 0.4).astype(float),
        }
    )


# Scores


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(1, 4)), min_size=2, max_size=40))
def test_auc_equals_scikit_learn_with_ties_and_weights(rows: list[tuple[int, bool, int]]) -> None:
    scores, happened, weights = (np.array(x, float) for x in zip(*rows, strict=True))
    if 0 < happened.mean() < 1:
        assert auc(scores, happened, weights) == pytest.approx(roc_auc_score(happened, scores, sample_weight=weights))
    else:
        assert np.isnan(auc(scores, happened, weights))


def test_log_score_equals_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    chance, happened = rng.uniform(0.05, 0.95, 50), (rng.random(50) < 0.5).astype(float)
    assert log_score(chance, happened) == pytest.approx(log_loss(happened, chance))
    assert brier(chance, happened) == pytest.approx(brier_score_loss(happened, chance))


def test_chances_are_held_out() -> None:
    """A column that gives the outcome away in one era only is of no use in it: what is learnt comes from the others."""
    rng = np.random.default_rng(3)
    happened = (rng.random(600) < 0.5).astype(float)
    parts = np.repeat([0, 1, 2], 200)
    leak = np.where(parts == 0, happened, rng.random(600))
    chance = held_out(leak[:, None], happened, parts)
    assert np.ptp(chance[parts == 0]) < 0.15, "trained where the column is noise"
    assert auc(chance[parts == 1], happened[parts == 1]) < 0.65


def test_eras_are_historical_where_they_hold_both_outcomes_else_thirds() -> None:
    frame = cases()
    parts, how = eras_of(frame, "attacked")
    assert len(set(parts)) == 4
    assert how == "Each era is held out in turn."
    parts, how = eras_of(frame.assign(year=np.linspace(1950, 1980, len(frame))), "attacked")
    assert sorted(np.bincount(parts)) == [133, 133, 134]
    assert "thirds by year" in how
    parts, how = eras_of(frame.assign(year=np.nan), "attacked")
    assert sorted(np.bincount(parts)) == [133, 133, 134]
    assert "no years" in how


def test_an_era_with_one_event_goes_with_its_neighbour_and_the_file_is_scored() -> None:
    frame = cases(300)
    late = frame["year"] >= 1946
    frame.loc[late, "attacked"] = 0.0
    frame.loc[late[late].index[0], "attacked"] = 1.0
    parts, how = eras_of(frame, "attacked")
    assert len(set(parts)) == 3
    assert "neighbour (1)" in how
    found = score(frame, then(8), bootstraps=50)
    assert [era["n"] for era in found.eras] == [int((parts == p).sum()) for p in sorted(set(parts))]
    assert all(np.isfinite(x) for x in (found.auc, found.auc_logit, found.log_score, found.brier, found.brier_base))


@pytest.mark.parametrize("years", [[1900.0] * 40, [1900.0] * 20 + [1990.0] * 20, [np.nan] * 40])
def test_degenerate_eras_are_scored_and_said(years: list[float]) -> None:
    """One year only; an era without a single event beside one that has them all; no years at all."""
    frame = cases(40).assign(year=years, attacked=[1.0] * 8 + [0.0] * 32)
    found = score(frame, then(8), bootstraps=50)
    assert np.isfinite(found.auc)
    assert found.verdict
    assert any("thirds" in note or "third row" in note for note in found.notes)
    assert len(lines_of(found.row())) == 1 + len(found.eras)


# What the margin finds and does not find


def test_with_capabilities_alone_the_margin_is_the_ratio_and_adds_nothing() -> None:
    frame = cases().drop(columns="status_quo")
    found = score(frame, then(), bootstraps=50)
    assert found.auc == pytest.approx(found.auc_capability)
    assert found.over_capability.value == pytest.approx(0)
    assert found.verdict == ADDS_NOTHING


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_called_noise(seed: int) -> None:
    """Outcomes that hang on nothing are not ordered."""
    found = score(cases(seed=seed), then(), bootstraps=200)
    assert found.auc == pytest.approx(0.5, abs=0.09)
    assert found.log_score > 0.6


def null(seed: int, *, pairs: int, each: int, alike: float) -> pd.DataFrame:
    """Cases of pairs of states whose outcome hangs on nothing but, where `alike`, on the pair: so do their columns."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(pairs), each)

    def column(low: float, high: float) -> F64:
        values: F64 = rng.uniform(low, high, pairs)[who] if alike else rng.uniform(low, high, len(who))
        return values

    chance = 1 / (1 + np.exp(0.5 - rng.normal(0, alike, pairs)[who]))
    return pd.DataFrame(
        {
            "year": rng.integers(1816, 2000, len(who)).astype(float),
            "challenger": [f"A{i}" for i in who],
            "defender": [f"B{i}" for i in who],
            "challenger_capability": column(0.01, 0.3),
            "defender_capability": column(0.01, 0.3),
            "defender_allies": column(0, 0.3),
            "status_quo": column(0, 1),
            "peace_years": column(0, 60),
            "attacked": (rng.random(len(who)) < chance).astype(float),
        }
    )


@pytest.mark.parametrize(("pairs", "each", "alike"), [(60, 1, 0.0), (30, 4, 1.5), (12, 10, 3.0)])
def test_nulls_seldom_add(pairs: int, each: int, alike: float) -> None:
    """Of 200 small files of noise at most one in forty is said to add, whatever pairs share.

    One-sided 2.5%: 5 expected at most, and 11 exceeded in one of 100 such tests (binomial). The seeds are fixed.
    """
    at = then(8)
    said = [order(null(seed, pairs=pairs, each=each, alike=alike), at, bootstraps=100).sure for seed in range(200)]
    assert sum(said) <= 5


def test_a_ratio_that_orders_is_not_beaten_by_a_margin_that_dilutes_it() -> None:
    for seed in range(10):
        frame = null(seed, pairs=120, each=1, alike=0.0)
        rng = np.random.default_rng(seed + 1000)
        share = frame["challenger_capability"] / (frame["challenger_capability"] + frame["defender_capability"])
        frame["attacked"] = (rng.random(120) < 1 / (1 + np.exp(-8 * (share - 0.5)))).astype(float)
        assert not order(frame, then(8), bootstraps=100).sure


def test_to_beat_a_misleading_ratio_is_not_enough() -> None:
    """Where the weak attack, the ratio orders worse than a coin and the margin less badly; that adds nothing."""
    rng = np.random.default_rng(4)
    frame = null(4, pairs=600, each=1, alike=0.0).drop(columns=["status_quo", "peace_years"])
    share = frame["challenger_capability"] / (frame["challenger_capability"] + frame["defender_capability"])
    frame["attacked"] = (rng.random(600) < 1 / (1 + np.exp(8 * (share - 0.5)))).astype(float)
    found = score(frame, then(8), bootstraps=100)
    assert found.over_capability.sure
    assert found.auc_high < 0.5
    assert found.verdict == ADDS_NOTHING
    assert any("better than a coin" in note for note in found.notes)


def test_few_pairs_make_no_claim() -> None:
    """Every event in six pairs: however well the margin orders them, whole pairs drawn anew say little."""
    frame = null(5, pairs=40, each=10, alike=1.5)
    frame["attacked"] = np.isin(frame["challenger"], [f"A{i}" for i in range(6)]).astype(float)
    frame["status_quo"] = 1 - frame["attacked"]
    found = score(frame, then(8), bootstraps=100)
    assert found.over_capability.sure
    assert found.verdict == ADDS_NOTHING
    assert any("Fewer than 10 pairs" in note for note in found.notes)


def test_a_planted_margin_adds() -> None:
    """What a case promised and had to promise, in one: the margin orders better than the ratio and than a regression can say."""
    frame = null(6, pairs=400, each=2, alike=0.0)
    built = built_then(frame, then(8))
    rng = np.random.default_rng(6)
    scaled = (built.margin - built.margin.mean()) / built.margin.std()
    frame["attacked"] = (rng.random(800) < 1 / (1 + np.exp(3 * scaled))).astype(float)
    found = score(frame, then(8), bootstraps=200)
    assert found.verdict.startswith("orders better than the capability ratio")
    assert found.auc > found.auc_capability + 0.1
    assert found.log_score < found.log_score_capability < found.log_score_base + 0.02
    assert found.brier < found.brier_capability


def test_a_planted_status_quo_is_found_and_owed_to_the_columns() -> None:
    frame = cases(800)
    rng = np.random.default_rng(9)
    frame["attacked"] = (rng.random(800) < 1 / (1 + np.exp(4 * (frame["status_quo"] - 0.5)))).astype(float)
    found = score(frame, then(), bootstraps=200)
    assert found.over_capability.sure
    assert found.auc > found.auc_capability + 0.1
    assert found.auc_tie > 0.6, "what the case had to promise"
    assert found.auc_success < 0.6, "not what it promised: that part orders as chance does"
    assert found.auc_logit >= found.auc - 0.05, "a regression of the same columns finds it too"
    assert not found.verdict.startswith(ADDS_NOTHING)


def test_verdicts_are_never_kinder_than_their_intervals() -> None:
    sure, unsure = Gap(0.1, 0.02, 0.2), Gap(0.1, -0.01, 0.2)
    nothing = np.empty(0)

    def found(over: Gap, low: float = 0.6, *, enough: bool = True) -> Ordering:
        return Ordering(nothing, nothing, nothing, Built(nothing, nothing), {}, over, low, 0.7, 40, enough)

    assert verdict(found(unsure), sure) == ADDS_NOTHING
    assert verdict(found(sure, 0.49), sure) == ADDS_NOTHING
    assert verdict(found(sure, enough=False), sure) == ADDS_NOTHING
    assert ADDS_NOTHING in verdict(found(sure), unsure)
    assert ADDS_NOTHING not in verdict(found(sure), sure)


def test_signs_of_the_historical_margin() -> None:
    base = pd.DataFrame({"year": [1900.0], "challenger_capability": [1.0], "defender_capability": [1.0]})
    at = then()

    def margin(**more: float) -> float:
        return float(built_then(base.assign(**more), at).margin[0])

    assert margin(defender_allies=1.0) > margin(defender_allies=0.0)
    assert margin(challenger_allies=1.0) < margin(challenger_allies=0.0)
    assert margin(distance_km=5000.0) > margin(distance_km=0.0)
    assert margin(status_quo=0.9) > margin(status_quo=0.1)
    assert margin(fear=0.5) < margin(fear=0.0)
    assert margin(status_quo=0.5, revisionist=1.0) < margin(status_quo=0.5, revisionist=0.0)
    assert margin(nuclear_defender=1.0) > margin(nuclear_defender=0.0)
    assert margin(peace_years=50.0) > margin(peace_years=0.0)
    later = base.assign(year=1960.0, defender_allies=1.0)
    assert built_then(later, at).margin[0] < margin(defender_allies=1.0), "allies count for less where they proved less reliable"


def test_too_few_cases_are_refused() -> None:
    with pytest.raises(InputError, match="too few cases"):
        score(cases(20), then())
    with pytest.raises(InputError, match="too few cases"):
        score(cases().assign(attacked=0.0), then())


def test_the_number_of_price_draws_is_a_power_of_two() -> None:
    assert PRICE_DRAWS & (PRICE_DRAWS - 1) == 0


# Reading cases

WAR1800 = """"","ccode1","ccode2","year","cap_1","cap_2","balanc","s_wt_re1","s_wt_re2","dem1","dem2","distance","peaceyrs",\
"midnum","revis1","revis2","sq","capit","war","esc","regime1","regime2"
"1",2,200,1838,3,30,0.0909,0.5,0.4,9,-3,3660,12,19,1,0,1,0,0,0,"dem","mixed"
"2",300,325,1848,10,5,0.6667,-0.2,0.1,NA,-6,475,NA,60,0,0,0,0,1,1,"autoc","autoc"
"3",200,365,1854,28,22,0.56,0,0,4,-10,1500,30,57,0,1,0,1,0,1,"mixed","autoc"
"""


def test_the_war1800_form_is_read(tmp_path: Path) -> None:
    path = tmp_path / "war1800.csv"
    path.write_text(WAR1800, encoding="utf-8")
    frame = read_cases(path)
    assert frame["attacked"].tolist() == [0, 1, 1]
    assert frame["war"].tolist() == [0, 1, 0]
    assert frame["status_quo"].tolist() == [0.75, 0.4, 0.5]
    assert frame["distance_km"][0] == pytest.approx(3660 * 1.609344)
    assert frame["challenger_capability"].tolist() == [3, 10, 28]
    assert np.isnan(frame["challenger_regime"][1])
    assert frame["revisionist"].tolist() == [1, 0, 0]


def test_war1800_with_dots_logicals_and_the_balance_alone(tmp_path: Path) -> None:
    path = tmp_path / "strat.csv"
    path.write_text(
        "year,balanc,s.wt.re1,revis1,sq,capit,war\n1838,0.25,0.5,TRUE,FALSE,TRUE,FALSE\n1850,0.5,0,FALSE,TRUE,FALSE,FALSE\n"
    )
    frame = read_cases(path)
    assert frame["challenger_capability"].tolist() == [0.25, 0.5]
    assert frame["defender_capability"].tolist() == [0.75, 0.5]
    assert frame["attacked"].tolist() == [1, 0]
    assert frame["revisionist"].tolist() == [1, 0]


def test_war1800_of_stratsel_has_no_years_and_indicators_for_regimes(tmp_path: Path) -> None:
    path = tmp_path / "stratsel.csv"
    path.write_text(
        '"","esc","war","dem1","mixed1","dem2","mixed2","s_wt_re1","revis1","balanc","Y"\n'
        '"1",0,0,1,0,0,0,0.5,1,0.25,1\n"2",1,0,0,1,0,1,-0.5,0,0.5,3\n"3",1,1,0,0,NA,0,0,0,0.75,4\n'
    )
    frame = read_cases(path)
    assert frame["year"].isna().all()
    assert frame["attacked"].tolist() == [0, 1, 1]
    assert frame["challenger_regime"].tolist() == [8.5, 0, -8.5]
    assert np.isnan(frame["defender_regime"][2])
    assert frame["status_quo"].tolist() == [0.75, 0.25, 0.5]


def war1800(n: int = 313, seed: int = 8) -> str:
    """Invented rows in the form of package games, as many as its file has, its gaps among them."""
    rng = np.random.default_rng(seed)
    lines = [WAR1800.splitlines()[0]]
    for i in range(n):
        one, two = rng.uniform(0.1, 30, 2)
        sq = rng.random() < 0.6
        war = not sq and rng.random() < 0.4
        polity = "NA" if rng.random() < 0.1 else str(rng.integers(-10, 11))
        cells = [f'"{i + 1}"', 2 + i % 7, 200 + i % 23, 1816 + i % 84, f"{one:.3f}", f"{two:.3f}", f"{one / (one + two):.4f}"]
        cells += [f"{rng.uniform(-1, 1):.3f}", f"{rng.uniform(-1, 1):.3f}", polity, rng.integers(-10, 11), rng.integers(0, 9000)]
        cells += [
            i % 40,
            i + 1,
            int(rng.random() < 0.5),
            0,
            int(sq),
            int(not sq and not war),
            int(war),
            int(not sq),
            '"dem"',
            '"autoc"',
        ]
        lines.append(",".join(str(cell) for cell in cells))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("outcome", ["attacked", "war"])
def test_war1800_is_scored_for_either_outcome(tmp_path: Path, outcome: str) -> None:
    path = tmp_path / "war1800.csv"
    path.write_text(war1800())
    frame = read_cases(path)
    assert len(frame) == 313
    found = score(frame, then(8), outcome, bootstraps=50)
    assert found.n == 313
    assert found.verdict == ADDS_NOTHING, "its outcomes are drawn"
    assert [era["from"] for era in found.eras] == [1816, 1871]
    assert set(found.columns) == {
        *("challenger_capability", "defender_capability", "distance_km", "status_quo", "revisionist"),
        *("challenger_regime", "defender_regime", "peace_years"),
    }


def test_a_dataverse_tab_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "war1800.tab"
    path.write_text(WAR1800.replace(",", "\t"))
    assert len(read_cases(path)) == 3


HEAD = "year,challenger_capability,defender_capability,attacked\n"
NAMED = "case,challenger,defender," + HEAD
SQ = "year,balanc,sq,capit,war,esc\n"


@pytest.mark.parametrize(
    ("text", "row", "column", "message"),
    [
        ("year,challenger_capability,attacked\n1900,1,0\n", 1, "defender_capability", "a column is missing"),
        (HEAD.replace("attacked", "attacked,luck") + "1900,1,1,0,3\n", 1, "luck", "unknown column"),
        (HEAD + "1900,much,1,0\n", 2, "challenger_capability", "not a number"),
        (HEAD + "1900,-1,1,0\n", 2, "challenger_capability", "out of range"),
        (HEAD + "1900,inf,1,0\n", 2, "challenger_capability", "out of range"),
        (HEAD + "1900.5,1,1,0\n", 2, "year", "not a whole number"),
        (HEAD + "1900,1,1,0.5\n", 2, "attacked", "a yes or a no"),
        (HEAD + "1900,,1,0\n", 2, "challenger_capability", "a value is missing"),
        (HEAD + "1900,0,0,0\n", 2, "challenger_capability", "nobody has any"),
        (HEAD.replace("\n", ",war\n") + "1900,1,1,0,1\n", 2, "war", "outcomes contradict"),
        (HEAD.replace(",", ";") + "1900;1;1;0\n", 1, None, "wrong separator"),
        (HEAD.replace(",", "\t") + "1900\t1\t1\t0\n", 1, None, "wrong separator"),
        (NAMED + "a,Österreich,Preußen,1866,1,1,1\na,Österreich,Preußen,1866,2,1,0\n", 3, "case", "a case twice"),
        (NAMED + "a,CHN,CHN,1900,1,1,0\n", 2, "defender", "a state against itself"),
        (NAMED.replace("case,", "") + "A,B,1900,1,1,0\nA,B,1900,1,2,0\n", 3, "challenger", "a case twice"),
        ("year,balanc,dem1\n1900,0.5,3\n", 1, "sq", "nothing says what happened"),
        ("year,balanc,sq\n1900,1.5,1\n", 2, "balanc", "out of range"),
        ("balanc,sq\n0.5,1\n", 1, "year", "a column is missing"),
        ("year,sq\n1900,1\n", 1, "challenger_capability", "a column is missing"),
        (SQ + "1900,0.5,1,0,1,0\n", 2, "sq", "outcomes contradict"),
        (SQ + "1900,0.5,1,0,0,1\n", 2, "esc", "outcomes contradict"),
        ("year,balanc,sq\nNA,0.5,1\n", None, None, "no complete case"),
        ("year,challenger_capability\n1900,1,4,5\n", 2, None, "another length"),
        (HEAD, None, None, "no cases"),
    ],
)
def test_bad_cases_are_told_apart(tmp_path: Path, text: str, row: int | None, column: str | None, message: str) -> None:
    path = tmp_path / "cases.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_cases(path)
    hit = [p for p in caught.value.problems if p.column == column and message in p.message]
    assert hit, caught.value.problems
    assert hit[0].row == row


@pytest.mark.parametrize("content", [b"\xff\xfe\x00\x01", b"\x1f\x8b\x08\x00\xfe", b"year,\xe9\n1,2\n", b""])
def test_files_that_are_no_text(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "war1800.rda"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_cases(path)
    assert len(caught.value.problems) == 1


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    path.write_text(
        NAMED.replace("\n", ",luck\n") + "a,A,B,1900,x,1,0,1\nb,A,B,,1,1,2,1\nb,A,B,1901,1,-1,0,1\nc,A,A,1902,0,0,0,1\n"
    )
    with pytest.raises(InputError) as caught:
        read_cases(path)
    assert {(p.row, p.column) for p in caught.value.problems} == {
        (1, "luck"),
        (2, "challenger_capability"),
        (3, "year"),
        (3, "attacked"),
        (4, "defender_capability"),
        (5, "challenger_capability"),
        (5, "defender"),
    }


def test_all_that_is_wrong_with_a_war1800_file_is_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "war1800.csv"
    path.write_text("ccode1,ccode2,year,balanc,sq,capit,war\n2,200,1838,1.5,1,0,0\n2,2,1840,0.5,1,0,0\n2,200,x,0.5,0,1,1\n")
    with pytest.raises(InputError) as caught:
        read_cases(path)
    assert {(p.row, p.column) for p in caught.value.problems} == {(2, "balanc"), (3, "defender"), (4, "year"), (4, "sq")}


def test_rows_are_counted_as_in_the_file(tmp_path: Path) -> None:
    """Blank lines, and cells that hold a line break, move no row."""
    path = tmp_path / "cases.csv"
    path.write_text("case," + HEAD + '\n"a\nb",1900,1,1,0\n\nc,1900,-1,1,0\n')
    with pytest.raises(InputError) as caught:
        read_cases(path)
    assert [p.row for p in caught.value.problems] == [6]


@given(st.lists(st.sampled_from([c.name for c in COLUMNS]), unique=True), st.text(max_size=20))
def test_no_file_of_cases_makes_a_traceback(tmp_path_factory: pytest.TempPathFactory, names: list[str], cell: str) -> None:
    path = tmp_path_factory.mktemp("cases") / "cases.csv"
    path.write_text(",".join(names) + "\n" + ",".join(cell for _ in names) + "\n", encoding="utf-8", errors="replace")
    with contextlib.suppress(InputError):
        read_cases(path)


def call(*words: str) -> int:
    before, sys.argv = sys.argv, ["isthmus", *words]
    try:
        with pytest.raises(SystemExit) as stop:
            cli.main()
    finally:
        sys.argv = before
    return int(stop.value.code or 0)


def test_the_command_gives_one_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cases.csv"
    cases(80).to_csv(path, index=False)
    assert call("deter-score", "--cases", str(path), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["n"] == 80
    assert {"auc", "auc_capability", "auc_logit", "log_score", "verdict"} <= set(found)
    assert call("deter-score", "--cases", str(path)) == 0
    assert found["verdict"] in capsys.readouterr().out
    assert call("deter-score", "--json") == 2


@pytest.mark.parametrize("attacked", [0.0, 1.0])
def test_one_outcome_only_is_an_error_and_not_a_score(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], attacked: float
) -> None:
    path = tmp_path / "cases.csv"
    cases(80).assign(attacked=attacked).to_csv(path, index=False)
    assert call("deter-score", "--cases", str(path), "--json") == 2
    assert "5 or more of either outcome" in capsys.readouterr().err


# Cases from public data, in tiny files of each publisher's form


def write_sets(folder: Path, *, icb: bool = True) -> Path:
    folder.mkdir()
    if icb:
        (folder / "icb2v13.csv").write_text(
            "icb2,crisno,cracid,actor,crisname,yrtrig,motrig,datrig,yrterm,moterm,daterm,outcom,trigent,triggr\n"
            "ICB2,1,200,UKG,ONE,1920,1,1,1920,2,1,1,255,9\n"
            "ICB2,2,200,UKG,TWO,1925,1,1,1925,2,1,1,255,7\n"
            "ICB2,3,200,UKG,THREE,1926,1,1,1926,2,1,1,996,9\n"
            "ICB2,4,200,UKG,FOUR,1927,1,1,1927,2,1,1,255,1\n",
            encoding="utf-8",
        )
    years = range(1912, 1929)
    rows = [f"{code},{year},{value},1,1,1,1,1,1" for code, value in ((200, 0.1), (255, 0.2), (220, 0.05)) for year in years]
    header = "ccode,year,cinc,milex,milper,irst,pec,tpop,upop\n"
    (folder / "cow_nmc.csv").write_text(header + "\n".join(rows) + "\n", encoding="utf-8")
    (folder / "atop51_dyad_spells.csv").write_text(
        "ccode1,ccode2,start,end,kind,years,right_censored,any_defense,any_offense,any_neutral,any_nonagg,any_consul,"
        "cinc1_start,cinc2_start,major1,major2\n"
        "200,220,1919,1924,defense_pact,6,0,1,0,0,0,0,0.1,0.05,1,1\n",
        encoding="utf-8",
    )
    return folder


def test_cases_are_built_from_what_was_known_the_year_before(tmp_path: Path) -> None:
    sets = past_cases(write_sets(tmp_path / "sets"))
    crises = sets["icb.crises"].frame.set_index("year")
    assert crises["attacked"].to_dict() == {1920: 1.0, 1925: 0.0, 1927: 0.0}, "one was triggered by no state"
    assert crises.loc[1920, "defender_allies"] == 0.05
    assert crises.loc[1925, "defender_allies"] == 0.05, "the pact held in 1924"
    assert crises.loc[1925, "peace_years"] == 5
    rivals = sets["icb.rivals"].frame
    assert len(rivals) == 2 * len(range(1920, 1928)), "both ways, every year of the crises' span"
    hit = rivals[rivals["attacked"] == 1]
    assert hit[["challenger", "defender", "year"]].to_numpy().tolist() == [["255", "200", 1920.0]]
    assert rivals[rivals["year"] == 1927]["defender_allies"].sum() == 0, "it had ended by 1926"


def test_without_capabilities_pacts_or_events_there_is_no_case(tmp_path: Path) -> None:
    folder = write_sets(tmp_path / "sets")
    (folder / "cow_nmc.csv").unlink()
    assert past_cases(folder) == {}
    assert past_cases(write_sets(tmp_path / "none", icb=False)) == {}
    assert past_cases(tmp_path / "absent") == {}


DISPUTES_OF = {
    "MIDB 5.0.csv": (
        MIDB_HEAD,
        [
            midb(1, 255, 1, 4, start=1914, end=1916),
            midb(1, 200, 0, 5, start=1914, end=1916),
            midb(1, 220, 0, 5, start=1915, end=1916, orig=0),
            midb(2, 255, 1, 2, start=1920, end=1920, revstate=-9),
            midb(2, 200, 0, 3, start=1920, end=1920),
            midb(3, 200, 1, -9, start=1924, end=1924),
            midb(3, 255, 0, 1, start=1924, end=1924),
            midb(4, 999, 1, 4, start=1925, end=1925),
            midb(4, 200, 0, 1, start=1925, end=1925),
        ],
    ),
    "gml-ddy-disputes-2.1.1.csv": (
        DDY_HEAD,
        [
            *(ddy(1, 255, 200, year, (4, 5)) for year in (1914, 1915, 1916)),
            *(ddy(1, 200, 255, year, (5, 4), side=0, revstate1=0, revstate2=1) for year in (1914, 1915, 1916)),
            *(ddy(1, 255, 220, year, (4, 5), orig2=0) for year in (1915, 1916)),
            ddy(2, 255, 200, 1920, (2, 3), revstate1=-9),
            ddy(3, 200, 255, 1924, (-9, 1)),
            ddy(4, 999, 200, 1925, (4, 1)),
        ],
    ),
    "dyadic_mid_4.03.csv": (
        DYADIC_HEAD,
        [
            *(dyadic(1, 255, 200, year, (4, 5), strtyr=1914, endyear=1916, revstata=1) for year in (1914, 1915, 1916)),
            dyadic(1, 255, 220, 1915, (4, 5), orignatb=0, endyear=1916, revstata=1),
            dyadic(2, 255, 200, 1920, (2, 3)),
            dyadic(3, 200, 255, 1924, (-9, 1)),
            dyadic(4, 999, 200, 1925, (4, 1)),
        ],
    ),
}
"""The same four invented disputes in three publishers' forms."""


@pytest.mark.parametrize("name", list(DISPUTES_OF))
def test_disputes_become_the_same_cases_from_every_form(tmp_path: Path, name: str) -> None:
    folder = write_sets(tmp_path / "sets", icb=False)
    (folder / "cow_nmc.csv").rename(tmp_path / "nmc.csv")
    (folder / "cow").mkdir()
    (tmp_path / "nmc.csv").rename(folder / "cow" / "cow_nmc.csv")
    head, rows = DISPUTES_OF[name]
    source = "gml" if name.startswith("gml") else "mid"
    (folder / source).mkdir()
    (folder / source / name).write_text("\n".join((head, *rows)), encoding="latin-1")
    sets = past_cases(folder)
    assert list(sets) == [f"{source}.disputes", f"{source}.years"]
    opened = sets[f"{source}.disputes"]
    assert opened.frame[["challenger", "defender", "year", "attacked", "war"]].to_numpy().tolist() == [
        ["255", "200", 1914.0, 1.0, 1.0],
        ["255", "200", 1920.0, 0.0, 0.0],
    ], "no joiner, no dispute without a level, none of a state without capabilities"
    assert opened.frame["peace_years"].tolist() == [0.0, 4.0]
    assert opened.frame["revisionist"].tolist()[0] == 1.0
    assert np.isnan(opened.frame["revisionist"][1])
    assert any("joiners" in note for note in opened.notes)
    assert any("1 of 3 cases are left out" in note and "999" in note for note in opened.notes)
    years = sets[f"{source}.years"].frame
    assert "revisionist" not in years, "aims are known only where there was a dispute"
    assert sorted(set(years["year"])) == [1914, 1917, 1918, 1919, 1920, 1921, 1922, 1923, 1925], "1915, 1916, 1924: under way"
    assert len(years) == 2 * 9
    hit = years[years["attacked"] == 1]
    assert hit[["challenger", "defender", "year", "war"]].to_numpy().tolist() == [["255", "200", 1914.0, 1.0]]
    assert years[years["year"] == 1918]["peace_years"].tolist() == [2.0, 2.0]


def test_too_few_cases_of_a_set_are_reported_beside_the_others(tmp_path: Path) -> None:
    folder = write_sets(tmp_path / "sets")
    head, rows = DISPUTES_OF["MIDB 5.0.csv"]
    (folder / "MIDB 5.0.csv").write_text("\n".join((head, *rows)))
    register = Register.reference()
    found = {row["set"]: row for row in score_rows(register, None, folder)}
    assert set(found) == {"icb.crises", "icb.rivals", "mid.disputes", "mid.years"}
    assert all(row["verdict"] == "not scored: too few cases" for row in found.values())
    assert len({tuple(sorted(row)) for row in found.values()}) == 1, "the same fields, scored or not"
    assert set(found["mid.years"]) == {*score(cases(80), then(4), bootstraps=20).row(), "set"}
    for case in falsifier_cases(folder, register):
        assert not case.passed
        assert case.why.startswith("Not scored")


def test_a_folder_with_many_disputes_is_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Sixty invented states, a dispute of one pair a year or two; force is drawn, so nothing is to be found."""
    rng = np.random.default_rng(11)
    folder = tmp_path / "sets"
    folder.mkdir()
    codes = range(700, 760)
    header = "ccode,year,cinc,milex,milper,irst,pec,tpop,upop\n"
    rows = [f"{code},{year},{rng.uniform(0.001, 0.1):.4f},1,1,1,1,1,1" for code in codes for year in range(1890, 1935)]
    (folder / "cow_nmc.csv").write_text(header + "\n".join(rows) + "\n")
    spells = "ccode1,ccode2,start,end,kind,years,right_censored,any_defense,any_offense,any_neutral,any_nonagg,any_consul,"
    (folder / "atop51_dyad_spells.csv").write_text(
        spells + "cinc1_start,cinc2_start,major1,major2\n700,701,1870,1900,defense_pact,31,0,1,0,0,0,0,0.1,0.05,1,1\n"
    )
    disputes = [MIDB_HEAD]
    for number in range(1, 141):
        one, two = rng.choice(list(codes), 2, replace=False)
        year = int(rng.integers(1892, 1933))
        disputes += [
            midb(number, one, 1, int(rng.integers(2, 6)), start=year, end=year),
            midb(number, two, 0, 3, start=year, end=year),
        ]
    (folder / "MIDB 5.0.csv").write_text("\n".join(disputes))
    assert call("deter-score", "--data", str(folder), "--outcome", "war") == 0
    text = capsys.readouterr().out
    assert f"mid.disputes: {ADDS_NOTHING}.\nAUC over the ratio " in text
    assert "\n1892–1913: " in text, "the parts that were held out"
    assert f"mid.years: {ADDS_NOTHING}." in text
    assert "participants paired" in text
    (folder / "MIDB 5.0.csv").write_text("\n".join([*disputes, midb(7, 700, 3, 9), midb(8, 700, 1, 9)]))
    assert call("deter-score", "--data", str(folder)) == 2
    assert capsys.readouterr().err.count("MIDB 5.0.csv, row") == 3
