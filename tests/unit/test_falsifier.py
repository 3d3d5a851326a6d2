"""The falsifier: scores against an independent program, both forms of input, planted signals found and noise called noise."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, roc_auc_score

from isthmus import cli
from isthmus.deterrence.inputs import PRICE_DRAWS, draw_prices
from isthmus.ensemble import Design, Uncertainty
from isthmus.errors import InputError
from isthmus.register.importers import atop, cow, icb
from isthmus.validation.falsifier import (
    ADDS_NOTHING,
    HISTORICAL,
    Gap,
    Then,
    auc,
    built_then,
    crisis_cases,
    eras_of,
    held_out,
    log_score,
    read_cases,
    score,
    verdict,
)
from tests.unit.test_deterrence import ranges

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
    assert len(set(eras_of(frame, "attacked"))) == 4
    one = frame.assign(year=np.linspace(1950, 1980, len(frame)))
    assert sorted(np.bincount(eras_of(one, "attacked"))) == [133, 133, 134]


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


def test_most_noise_adds_nothing() -> None:
    """An interval of 95% lies above nil once in forty where there is nothing."""
    said = [score(cases(200, seed), then(8), bootstraps=100).verdict == ADDS_NOTHING for seed in range(12)]
    assert sum(said) >= 10


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
    assert verdict(unsure, sure) == ADDS_NOTHING
    assert ADDS_NOTHING in verdict(sure, unsure)
    assert ADDS_NOTHING not in verdict(sure, sure)


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
"1",2,200,1838,3,30,0.0909,0.5,0.4,9,-3,3660,12,19,1,0,1,0,0,0,"dem","autoc"
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


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("year,challenger_capability,attacked\n1900,1,0\n", "defender_capability", "a column is missing"),
        ("year,challenger_capability,defender_capability,attacked,luck\n1900,1,1,0,3\n", "luck", "unknown column"),
        ("year,challenger_capability,defender_capability,attacked\n1900,much,1,0\n", "challenger_capability", "not a number"),
        ("year,challenger_capability,defender_capability,attacked\n1900,-1,1,0\n", "challenger_capability", "out of range"),
        ("year,challenger_capability,defender_capability,attacked\n1900,1,1,0.5\n", "attacked", "a yes or a no"),
        ("year,challenger_capability,defender_capability,attacked\n1900,,1,0\n", "challenger_capability", "a value is missing"),
        ("year,challenger_capability,defender_capability,attacked\n1900,0,0,0\n", "challenger_capability", "nobody has any"),
        ("year,balanc,dem1\n1900,0.5,3\n", "sq", "nothing says what happened"),
        ("year,balanc,sq\n1900,1.5,1\n", "balanc", "out of range"),
        ("year,challenger_capability\n1900,1,4,5\n", None, "another length"),
    ],
)
def test_bad_cases_are_told_apart(tmp_path: Path, text: str, column: str | None, message: str) -> None:
    path = tmp_path / "cases.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_cases(path)
    assert any(p.column == column and message in p.message for p in caught.value.problems), caught.value.problems


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


# Cases from public data, in tiny files of each publisher's form


def write_sets(folder: Path) -> Path:
    folder.mkdir()
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
    sets = crisis_cases(write_sets(tmp_path / "sets"))
    crises = sets["icb.crises"].set_index("year")
    assert crises["attacked"].to_dict() == {1920: 1.0, 1925: 0.0, 1927: 0.0}, "one was triggered by no state"
    assert crises.loc[1920, "defender_allies"] == 0.05
    assert crises.loc[1925, "defender_allies"] == 0.05, "the pact held in 1924"
    assert crises.loc[1925, "peace_years"] == 5
    rivals = sets["icb.rivals"]
    assert len(rivals) == 2 * len(range(1920, 1928)), "both ways, every year of the crises' span"
    hit = rivals[rivals["attacked"] == 1]
    assert hit[["challenger", "defender", "year"]].to_numpy().tolist() == [["255", "200", 1920.0]]
    assert rivals[rivals["year"] == 1927]["defender_allies"].sum() == 0, "it had ended by 1926"


def test_a_missing_set_gives_no_case(tmp_path: Path) -> None:
    folder = write_sets(tmp_path / "sets")
    (folder / "cow_nmc.csv").unlink()
    assert crisis_cases(folder) == {}
    assert all(names for names in (icb.ACTORS, cow.FILES, atop.DYAD_SPELLS))
