"""Durability: curves by hand and against lifelines, Cox against lifelines, treaties as clusters, ends that are no terminations."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lifelines import AalenJohansenFitter, CoxPHFitter, CoxTimeVaryingFitter, KaplanMeierFitter
from typer.testing import CliRunner

from isthmus.cli import app
from isthmus.errors import InputError
from isthmus.interop import durability as du
from isthmus.register.register import Register

ALLIANCE_HEAD = (
    "atopid,begyr,begmo,begday,endyr,endmo,endday,term,defense,offense,neutral,nonagg,consul,bilat,wartime,milinst,mem1,mem2,mem3"
)
MEMBER_HEAD = "atopid,member,yrent,moent,dayent,yrexit,moexit,dayexit,defense,offense,neutral,nonagg,consul"
SPELL_HEAD = (
    "ccode1,ccode2,start,end,any_defense,any_offense,any_neutral,any_nonagg,any_consul,years,right_censored,kind,"
    "cinc1_start,cinc2_start,major1,major2"
)
NMC_HEAD = "ccode,year,milex,milper,irst,pec,tpop,upop,cinc"


def store(folder: Path, *, capabilities: bool = True) -> Path:
    """Forty-eight pacts in the publishers' form: three power classes, three eras, all kinds of end; state 2 and 365 are major."""
    alliances, members, spells = [], [], []
    for n in range(48):
        a, b = ((2, 365), (2, 20), (20, 70))[n % 3]
        begin = (1850, 1950, 1992)[n // 16] + n % 5
        lived = 3 + 7 * (n % 6)
        term, end = (n % 5, begin + lived - 1) if n % 5 < 4 and begin + lived < 2018 else (0, 0)
        open_ended = end == 0
        alliances.append(
            f"{n + 1},{begin},1,1,{end},{0 if open_ended else 6},1,{term},1,0,0,0,1,{int(n % 4 > 0)},{int(n % 7 == 0)},{n % 3},{a},{b},"
        )
        for state in (a, b):
            members.append(f"{n + 1},{state},{begin},1,1,{end},{0 if open_ended else 6},1,1,0,0,0,1")
        last = 2018 if open_ended else end
        spells.append(
            f"{a},{b},{begin},{last},1,0,0,0,1,{last - begin + 1},{int(open_ended)},defense_pact,0.2,{0.15 if b == 365 else 0.01},"
            f"{int(a == 2)},{int(b == 365)}"
        )
    years = [
        f"{c},{y},1,1,1,1,1,1,{v + 0.0005 * (y % 13)}"
        for c, v in ((2, 0.2), (365, 0.15), (20, 0.01), (70, 0.02))
        for y in range(1849, 2019)
    ]
    files = {
        "atop/atop-alliance-level.csv": [ALLIANCE_HEAD, *alliances],
        "atop/atop-member-level.csv": [MEMBER_HEAD, *members],
        "atop/atop51_dyad_spells.csv": [SPELL_HEAD, *spells],
    }
    if capabilities:
        files["cow/cow_nmc.csv"] = [NMC_HEAD, *years]
    for name, lines in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


# Curves


def test_kaplan_meier_by_hand() -> None:
    # ends at 2, 3, 3 of six; one leaves at 3, two at 5: 5/6, then 5/6 x 3/5
    found = du.curves([2, 3, 3, 3, 5, 5], ["end", "end", "end", "", "", ""], range(6), draws=0)
    assert found.alive[0].round(6).tolist() == [1.0, 1.0, 0.833333, 0.5, 0.5, 0.5]
    assert found.at_risk.tolist() == [6, 6, 6, 5, 2, 2]
    assert np.isnan(found.at(6)[0]), "no spell is that old"
    assert du.curves([2, 3], ["end", "end"], range(2), draws=0).at(40)[0] == 0.0, "all had ended"


def sample(seed: int, n: int = 120) -> tuple[list[int], list[str], list[int]]:
    generator = np.random.default_rng(seed)
    years = generator.integers(1, 60, size=n)
    causes = generator.choice(["", "violation", "expiry"], p=[0.4, 0.35, 0.25], size=n)
    return years.tolist(), causes.tolist(), generator.integers(0, 30, size=n).tolist()


def test_kaplan_meier_equals_lifelines() -> None:
    years, causes, treaties = sample(1)
    found = du.curves(years, causes, treaties, draws=0)
    other = KaplanMeierFitter().fit(np.array(years, float), [c != "" for c in causes])
    for t in range(60):
        assert found.alive[0, min(t, max(years))] == pytest.approx(float(other.predict(t)))


def test_lost_causes_are_left_from_view() -> None:
    years, causes, treaties = sample(2)
    found = du.curves(years, causes, treaties, draws=0, lost=("expiry",))
    other = KaplanMeierFitter().fit(np.array(years, float), [c == "violation" for c in causes])
    assert found.alive[0, 30] == pytest.approx(float(other.predict(30)))
    assert list(found.ended) == ["violation"]


def test_aalen_johansen_equals_lifelines_and_adds_up() -> None:
    generator = np.random.default_rng(3)
    years = generator.permutation(np.arange(1, 101))  # no ties, which lifelines would shift at random
    causes = generator.choice(["", "violation", "expiry"], size=100)
    found = du.curves(years.tolist(), causes.tolist(), range(100), draws=0)
    code = pd.Series(causes).map({"": 0, "violation": 1, "expiry": 2})
    for cause, number in (("violation", 1), ("expiry", 2)):
        other = AalenJohansenFitter(calculate_variance=False).fit(years.astype(float), code, event_of_interest=number)
        assert found.at(50, cause)[0] == pytest.approx(float(other.predict(50)))
    total = found.alive[0] + sum(found.ended.values())[0]
    assert np.allclose(total, 1.0)


def test_pairs_of_one_treaty_are_one_observation() -> None:
    years, causes = [10] * 50 + [30] * 50, ["end"] * 50 + [""] * 50
    alone = du.curves(years, causes, range(100)).at(20)
    together = du.curves(years, causes, [0] * 50 + [1] * 50).at(20)
    assert alone[0] == together[0] == 0.5
    assert together[2] - together[1] > 3 * (alone[2] - alone[1])


# Cox


def test_cox_equals_lifelines_with_clustered_covariance() -> None:
    generator = np.random.default_rng(5)
    n = 150
    frame = pd.DataFrame({"x": generator.normal(size=n), "z": (generator.random(n) < 0.4).astype(float)})
    frame["t"] = generator.permutation(n) + 1 + (30 * frame["x"]).astype(int).clip(0)
    frame["t"] = frame["t"].rank(method="first").astype(int)  # no ties
    frame["e"], frame["c"] = generator.random(n) < 0.7, generator.integers(0, 25, size=n)
    other = CoxPHFitter().fit(frame, "t", "e", cluster_col="c")
    rows = frame.loc[frame.index.repeat(frame["t"])]
    year = rows.groupby(level=0).cumcount().to_numpy() + 1
    event = rows["e"].to_numpy() & (year == rows["t"].to_numpy())
    found = du.fit_cox(rows[["x", "z"]].to_numpy(), year, event, rows["c"].tolist(), ["x", "z"])
    assert found.beta == pytest.approx(other.params_.to_numpy(), abs=1e-4)
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(other.standard_errors_.to_numpy(), rel=1e-3)
    assert found.log_likelihood == pytest.approx(other.log_likelihood_, abs=1e-3)
    low, high = found.ratio("x")[1:]
    assert low < np.exp(found.beta[0]) < high


def test_cox_with_ties_and_changing_covariates_equals_lifelines() -> None:
    generator = np.random.default_rng(6)
    rows = []
    for i in range(80):
        last, x = int(generator.integers(1, 12)), generator.normal()
        for year in range(1, last + 1):
            x += generator.normal() * 0.5
            rows.append((i, year - 1, year, x, year == last and generator.random() < 0.7))
    frame = pd.DataFrame(rows, columns=["id", "start", "stop", "x", "event"])
    other = CoxTimeVaryingFitter().fit(frame, "event", start_col="start", stop_col="stop", id_col="id")
    found = du.fit_cox(
        frame[["x"]].to_numpy(), frame["stop"].to_numpy(), frame["event"].to_numpy(bool), frame["id"].tolist(), ["x"]
    )
    assert found.beta == pytest.approx(other.params_.to_numpy(), abs=1e-4)
    assert np.sqrt(np.diag(found.naive)) == pytest.approx(other.standard_errors_.to_numpy(), rel=1e-3)


def test_a_group_in_which_nothing_ends_is_left_out() -> None:
    x = pd.DataFrame({"a": [1.0, 1.0, 0.0, 0.0, 0.0], "b": [0.3, 0.2, 0.1, 0.5, 0.4]})
    years = pd.DataFrame({"event": [False, False, True, True, False]})
    kept, rest, never = du._estimable(x, years)
    assert never == ["a"]
    assert list(kept) == ["b"]
    assert len(kept) == len(rest) == 3


def test_a_covariate_that_the_others_determine_is_left_out() -> None:
    x = pd.DataFrame({"a": [1.0, 0.0, 1.0, 0.0], "b": [0.1, 0.2, 0.4, 0.3]}).assign(c=lambda f: 2 * f.b + f.a, d=1.0)
    assert list(du._estimable(x, pd.DataFrame({"event": [True] * 4}))[0]) == ["a", "b"]


# Samples


def test_not_every_end_is_a_termination(tmp_path: Path) -> None:
    treaties = du.treaty_sample(du.read_sets(store(tmp_path)))
    assert set(treaties["cause"]) == {"", du.STATE_END, *du.CAUSES.values()}
    in_force = treaties[treaties["cause"] == ""]
    last = in_force["start"] + in_force["years"] - 1
    assert len(set(last)) == 1, "pacts in force are observed to the last year of the data"
    row = treaties.set_index("treaty").loc[1]
    assert (row["power"], row["kind"], row["start"], row["cause"]) == ("major-major", "defence", 1850, du.STATE_END)


def test_pairs_know_their_treaty_and_its_class(tmp_path: Path) -> None:
    pairs = du.pair_sample(du.read_sets(store(tmp_path)))
    assert set(pairs["power"]) == set(du.POWERS)
    assert pairs["treaty"].str.isdigit().all()
    assert pairs.loc[1, "ratio"] == pytest.approx(20.0)
    assert set(pairs["era"]) == {name for _, _, name in du.ERAS}


def test_capability_change_is_the_largest_move_as_of_the_year_before() -> None:
    frame = pd.DataFrame({"cow_code": [1, 1, 1, 2, 2, 2], "year": [2000, 2001, 2002] * 2, "cinc": [0.1, 0.1, 0.2, 0.3, 0.1, 0.1]})
    one = pd.DataFrame(
        {"years": [4], "cause": ["violation"], "start": [2000], "members": [(1, 2)], "treaty": [7], "power": ["asymmetric"]}
    )
    sets = du.Sets(pd.DataFrame(), pd.DataFrame(), pd.DataFrame(), frame)
    years = du.spell_years(one, sets, "violation")
    assert years["capability_change"].round(4).tolist() == [0.0, 0.0, round(np.log(3), 4), round(np.log(3), 4)]
    assert years["event"].tolist() == [False, False, False, True]
    assert not du.spell_years(one, sets, "expiry")["event"].any()


def test_hazards_by_age_give_survival_in_closed_form() -> None:
    spent, ends = du._bands(pd.DataFrame({"years": [3, 8, 50], "cause": ["violation", "", "violation"]}), ("violation",))
    assert spent.tolist() == [13.0, 8.0, 10.0, 20.0, 10.0]
    assert ends.tolist() == [1.0, 0.0, 0.0, 0.0, 1.0]
    assert du._time_in_bands(8, 28).tolist() == [0.0, 2.0, 10.0, 8.0, 0.0]


# Everything


def test_all_rows_have_the_documented_columns(tmp_path: Path, tiny_register: Path) -> None:
    rows = du.durability_rows(du.read_sets(store(tmp_path / "data")), Register.load(tiny_register))
    assert all(tuple(r) == du.COLUMNS for r in rows)
    analyses = {r["analysis"] for r in rows}
    assert analyses >= {"kaplan_meier", "aalen_johansen", "ends", "cox", "importance", "proportional_hazards", "reliability"}
    for row in rows:
        if None not in (row["low"], row["estimate"], row["high"]) and row["analysis"] != "kaplan_meier":
            assert row["low"] <= row["high"]
    assert any("capability change" in r["quantity"] for r in rows)
    assert any("state" in r["quantity"] for r in rows if r["analysis"] == "aalen_johansen")
    page = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    for name in (*du.COLUMNS, *analyses, "pact"):
        assert f"`{name}`" in page, f"commands.md does not name {name}"


def test_pacts_of_today_carry_a_warning_and_narrow_with_age(tmp_path: Path, tiny_register: Path) -> None:
    ties = tiny_register / "ties.csv"
    ties.write_text(ties.read_text().replace("pact,1960", "defence_pact,1960"), encoding="utf-8")
    types = tiny_register / "tie_types.csv"
    types.write_text(types.read_text().replace("pact,Pact", "defence_pact,Pact"), encoding="utf-8")
    register = Register.load(tiny_register)
    sets = du.read_sets(store(tmp_path / "data"))
    rows = du.pact_rows(du.treaty_sample(sets), sets, register)
    alive = {r["years"]: r for r in rows if r["quantity"].startswith("share alive")}
    broken = {r["years"]: r for r in rows if r["quantity"].startswith("ended by violation")}
    assert set(alive) == set(du.FORECASTS)
    assert alive[20]["estimate"] < alive[10]["estimate"] < 1.0
    assert alive[10]["estimate"] + broken[10]["estimate"] <= 1.0
    assert all(du.WARNING in r["note"] and r["low"] < r["estimate"] < r["high"] for r in rows)


def test_the_prior_of_reliability_keeps_order_and_says_what_is_wrong_with_it() -> None:
    rows = du.reliability_rows()
    prior = {r["group"]: r for r in rows if r["sample"] == "prior"}
    assert prior["1945-2003"]["high"] < prior["before 1945"]["low"]
    assert prior["all"]["low"] < 0.5 < 0.745 < prior["all"]["high"]
    assert all(r["note"] == du.SELECTION for r in prior.values())
    assert all("https://" in r["note"] for r in rows if r["sample"] == "published")


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["durability", *words], standalone_mode=False)
    if isinstance(done.exception, InputError):
        return done.exception.exit_code, str(done.exception)
    return done.exit_code, done.stdout


def test_the_command_prints_one_document_and_works_without_capabilities(tmp_path: Path) -> None:
    code, out = run("--data", str(store(tmp_path, capabilities=False) / "atop"), "--json")
    assert code == 0
    rows = json.loads(out)
    assert not any("capability" in r["quantity"] for r in rows if r["quantity"])


def test_a_bad_folder_names_everything_that_is_missing(tmp_path: Path) -> None:
    (tmp_path / "atop-member-level.csv").write_text("x\n", encoding="utf-8")
    code, message = run("--data", str(tmp_path))
    assert code == 2
    assert "no dyad spells of ATOP" in message
    assert "no alliances of ATOP" in message
    assert "no members" not in message
    code, message = run("--data", str(tmp_path / "nowhere"))
    assert (code, "no such folder" in message) == (2, True)
