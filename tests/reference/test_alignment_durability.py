"""Ideal points and durations on the public files themselves, where this machine has copies: published figures are reproduced.

The copies are looked for in the folder named by ISTHMUS_DATASETS, else in ../shared/datasets beside the repository.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pandas as pd
import pytest

from isthmus.interop import alignment as al
from isthmus.interop import durability as du
from isthmus.register.importers import un
from isthmus.register.register import Register, reference_root

ROOT = Path(__file__).resolve().parents[2]
DATASETS = Path(os.environ.get("ISTHMUS_DATASETS") or ROOT.parent / "shared" / "datasets")


def copy(name: str) -> Path:
    path = DATASETS / name
    if not path.exists():
        pytest.skip(f"no copy of {name}: set ISTHMUS_DATASETS to a folder with the public files")
    return path


@pytest.fixture(scope="module")
def fit() -> tuple[al.Fit, float]:
    votes = un.read_votes(copy("un"))
    start = time.perf_counter()
    return al.estimate(votes), time.perf_counter() - start


@pytest.mark.slow
def test_all_sessions_take_less_than_two_minutes(fit: tuple[al.Fit, float]) -> None:
    assert fit[1] < 120
    assert fit[0].iterations < al.MOST_ITERATIONS, "it came to rest"
    assert fit[0].calls.sessions.tolist() == list(range(1, 75))


@pytest.mark.slow
def test_ideal_points_agree_with_the_published_ones(fit: tuple[al.Fit, float]) -> None:
    published = un.read_ideal_points(copy("un")).dropna(subset=["ideal_point"]).rename(columns={"ideal_point": "known"})
    ours = pd.DataFrame(al.point_rows(fit[0], 1990, 2005))
    both = ours.merge(published.assign(actor=published["iso3"].astype(object))[["actor", "year", "known"]], on=["actor", "year"])
    assert len(both) > 2_700
    assert both["ideal_point"].corr(both["known"]) >= 0.95
    by_year = both.groupby("year").apply(lambda g: g["ideal_point"].corr(g["known"]), include_groups=False)
    assert (by_year >= 0.90).all(), by_year.to_dict()


@pytest.mark.slow
def test_sides_since_2014_and_nothing_beyond_the_data(fit: tuple[al.Fit, float]) -> None:
    sides = al.Sides.of(Register.load(reference_root()))
    rows = al.side_rows(al.resampled(fit[0], sides.actors, al.resolutions(copy("un")), 2005, draws=60), sides)
    change = {(r["measure"], r["group"], r["since"]): r for r in rows if r["since"]}
    assert all(r["estimate"] is None and "end in 2019" in r["note"] for k, r in change.items() if k[2] == 2022)
    assert change["within_spread", "rival", 2014]["high"] < 0
    assert change["within_spread", "allied", 2014]["low"] > 0
    friction = change["pair_distance", "IND-RUS", 2014]
    assert friction["low"] < 0 < friction["high"]


def sets() -> du.Sets:
    copy("atop")
    copy("cow")
    return du.read_sets(DATASETS)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return pd.DataFrame(du.durability_rows(sets(), Register.load(reference_root())))


@pytest.mark.slow
def test_shares_alive_after_forty_years(rows: pd.DataFrame) -> None:
    found = rows[(rows.analysis == "kaplan_meier") & (rows["sample"] == "pairs") & (rows.years == 40)].set_index("group").estimate
    assert {power: round(found[power], 2) for power in du.POWERS} == {
        "asymmetric": 0.36,
        "major-major": 0.09,
        "minor-minor": 0.55,
    }


@pytest.mark.slow
@pytest.mark.parametrize("sample", ["pairs", "treaties"])
def test_the_era_matters_more_than_asymmetry(rows: pd.DataFrame, sample: str) -> None:
    mine = rows[rows["sample"] == sample]
    added = mine[mine.analysis == "importance"].set_index("group").estimate
    assert added["era"] > 3 * added["power and CINC ratio"] >= added["power"]
    alive = mine[(mine.analysis == "kaplan_meier") & (mine.years == 20)].set_index("group").estimate
    for power in ("asymmetric", "minor-minor"):
        early, late = (alive[f"{power}, {era}"] for _, _, era in du.ERAS[:2])
        assert late > early + 0.15
    within = abs(alive["asymmetric, begun to 1945"] - alive["minor-minor, begun to 1945"])
    assert within < 0.12


@pytest.mark.slow
def test_forty_nine_ends_are_no_terminations() -> None:
    treaties = du.treaty_sample(sets())
    assert (treaties["cause"] == du.STATE_END).sum() == 49
    assert len(treaties) == 745


@pytest.mark.slow
def test_pacts_of_today_have_intervals(rows: pd.DataFrame) -> None:
    pacts = rows[rows.analysis == "pact"]
    assert pacts.group.str.startswith("North Atlantic").any()
    assert (pacts.low < pacts.estimate).all()
    assert (pacts.estimate < pacts.high).all()
    assert pacts.note.str.contains("no forecast").all()
