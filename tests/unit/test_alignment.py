"""Ideal points: planted ones are found, the sign and scale are the convention's, absences are no opinion, successors are apart."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from isthmus.cli import app
from isthmus.errors import InputError
from isthmus.interop import alignment as al
from isthmus.register.importers import un

STATES = (
    "United States",
    "United Kingdom",
    "France",
    "Japan",
    "Australia",
    "Canada",
    "Norway",
    "Russia",
    "China",
    "India",
    "Iran",
    "North Korea",
    "Brazil",
    "Cuba",
    "Kenya",
    "Côte d’Ivoire",
    "Egypt",
    "Mexico",
    "Nepal",
    "Israel",
)
SESSIONS = range(60, 68)
PER_SESSION = 40


def planted(seed: int = 4, *, flip: bool = False) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Wide votes in the publishers' form, and the points that made them (states by sessions, standardised by session)."""
    generator = np.random.default_rng(seed)
    points = np.linspace(2.0, -2.0, len(STATES))[:, None] + 0.1 * generator.standard_normal((len(STATES), len(SESSIONS))).cumsum(
        1
    )
    points = (points - points.mean(axis=0)) / points.std(axis=0)
    rows = []
    for s, session in enumerate(SESSIONS):
        for n in range(PER_SESSION):
            slope, middle = generator.choice([-1, 1]) * generator.uniform(1.5, 4.0), generator.normal()
            score = (-1 if flip else 1) * slope * (points[:, s] - middle) + generator.logistic(size=len(STATES))
            vote = np.where(score > 0.7, "1", np.where(score < -0.7, "3", "2"))
            vote = np.where(generator.random(len(STATES)) < 0.1, "", vote)
            rows.append([str(1000 * session + n), f"{session}.0", *vote])
    table = pd.DataFrame(rows, columns=["rcid", "session", *STATES])
    return table, pd.DataFrame(points, index=STATES, columns=list(SESSIONS))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("store") / "un"
    place.mkdir()
    planted()[0].to_csv(place / "un_votes_wide_s60_67.csv", index=False)
    calls = planted()[0][["rcid", "session"]]
    calls = calls.assign(
        importantvote=0, date="2005-10-01", unres="R/" + (calls.rcid.astype(int) // 2).astype(str), amend=0, para=0
    )
    calls.assign(short="title").to_csv(place / "un_roll_calls.csv", index=False)
    pd.DataFrame({"rcid": ["60000", "67000"], "short_name": "nu", "issue": "Nuclear"}).to_csv(
        place / "un_roll_call_issues.csv", index=False
    )
    return place


@pytest.fixture(scope="module")
def fit(folder: Path) -> al.Fit:
    return al.estimate(un.read_votes(folder))


def test_planted_points_are_found(fit: al.Fit) -> None:
    truth = planted()[1].loc[list(fit.calls.countries)].to_numpy()
    for s in range(len(SESSIONS)):
        assert np.corrcoef(fit.points[:, s], truth[:, s])[0, 1] > 0.97
    low, high = fit.interval()
    assert (low < fit.points).all()
    assert (fit.points < high).all()


def test_intervals_hold_nine_in_ten_points_of_an_assembly_of_its_size() -> None:
    """The roll calls are taken as known, which needs many states; with twenty the intervals are too narrow."""
    generator = np.random.default_rng(0)
    names, sessions, move = ["United States", *(f"S{n}" for n in range(1, 150))], range(50, 56), 0.16
    truth = generator.normal(size=(len(names), 1)).repeat(len(sessions), axis=1)
    for s in range(1, len(sessions)):
        truth[:, s] = np.sqrt(1 - move**2) * truth[:, s - 1] + move * generator.normal(size=len(names))
    truth = (truth - truth.mean(axis=0)) / truth.std(axis=0) * np.sign(truth[0].mean())
    rows = []
    for s, session in enumerate(sessions):
        for n in range(70):
            slope, middle = generator.choice([-1, 1]) * generator.uniform(0.5, 3.0), generator.normal() - 0.8
            score = slope * (truth[:, s] - middle) + generator.logistic(size=len(names))
            vote = np.where(score > 0.5, "yes", np.where(score < -0.5, "no", "abstain"))
            rows += [(1000 * session + n, session, names[i], vote[i]) for i in range(len(names)) if generator.random() > 0.12]
    fit = al.estimate(pd.DataFrame(rows, columns=["rcid", "session", "country", "vote"]))
    order = [fit.calls.countries.index(name) for name in names]
    low, high = (bound[order] for bound in fit.interval())
    assert 0.85 < ((low < truth) & (truth < high)).mean() < 0.95
    assert all(np.corrcoef(fit.points[order][:, s], truth[:, s])[0, 1] > 0.98 for s in range(len(sessions)))


def test_the_united_states_are_positive_whichever_way_the_votes_run(fit: al.Fit) -> None:
    at = fit.calls.countries.index("United States")
    assert (fit.points[at] > 0).all()
    table, _ = planted(flip=True)
    mirrored = al.estimate(long(table))
    assert (mirrored.points[at] > 0).all()


def long(table: pd.DataFrame) -> pd.DataFrame:
    out = table.melt(["rcid", "session"], var_name="country", value_name="vote")
    out = out[out.vote != ""].assign(vote=lambda f: f.vote.map({"1": "yes", "2": "abstain", "3": "no"}))
    return out.assign(rcid=out.rcid.astype(int), session=out.session.astype(float).astype(int))


def test_each_session_has_mean_zero_and_deviation_one(fit: al.Fit) -> None:
    assert np.allclose(fit.points.mean(axis=0), 0.0)
    assert np.allclose(fit.points.std(axis=0), 1.0)
    middle, spread = fit.line
    assert np.abs(middle).max() < 0.1, "the scale of the grid is close to the convention already"
    assert np.abs(spread - 1.0).max() < 0.2


def test_an_absence_is_no_opinion_and_an_absent_state_gets_no_row() -> None:
    table, _ = planted()
    table.loc[table.session == "63.0", "Kenya"] = ""
    rows = al.point_rows(al.estimate(long(table), 20))
    assert not [r for r in rows if r["actor"] == "KEN" and r["year"] == 2008]
    assert len([r for r in rows if r["actor"] == "KEN"]) == len(SESSIONS) - 1


def test_a_session_with_one_vote_leans_on_its_neighbours_and_is_less_sure(fit: al.Fit) -> None:
    table, truth = planted()
    one = table[(table.session != "63.0") | (table.rcid == "63000")]
    found = al.estimate(long(one))
    s = list(SESSIONS).index(63)
    known = np.isfinite(found.points[:, s])
    assert np.corrcoef(found.points[known, s], truth[63].loc[list(found.calls.countries)].to_numpy()[known])[0, 1] > 0.9
    low, high = found.interval()
    assert np.nanmean((high - low)[:, s]) > np.nanmean((high - low)[:, s + 2])


def test_forward_backward_equals_summing_over_all_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(al, "GRID", np.linspace(-1.0, 1.0, 3))
    emission = np.log(np.random.default_rng(0).uniform(0.1, 1.0, size=(2, 3, 3)))
    cuts = np.zeros((2, 3), dtype=bool)
    cuts[1, 2] = True
    posterior, _ = al._smooth(emission, cuts, 0.6)
    start, kernel = al._transition(0.6)
    for i in range(2):
        weight = np.zeros((3, 3))
        for path in product(range(3), repeat=3):
            p = start[path[0]] * np.exp(emission[i, 0, path[0]])
            for s in (1, 2):
                p *= (start[path[s]] if cuts[i, s] else kernel[path[s - 1], path[s]]) * np.exp(emission[i, s, path[s]])
            for s in range(3):
                weight[s, path[s]] += p
        assert np.allclose(posterior[i], weight / weight.sum(axis=1, keepdims=True))


def test_a_scoring_step_raises_the_penalised_likelihood() -> None:
    generator = np.random.default_rng(2)
    counts = generator.uniform(0.0, 3.0, size=(5, 3, len(al.GRID)))
    items = np.stack([generator.normal(size=5), generator.normal(size=5), generator.normal(size=5)], axis=1)

    def value(x: al.F64) -> al.F64:
        inside: al.F64 = (counts * np.log(al._chances(x))).sum(axis=(1, 2))
        return inside - 0.5 * ((x / al._PRIOR_SD) ** 2).sum(axis=1)

    path = [items]
    for _ in range(40):
        path.append(al._scored(path[-1], counts))
    assert (value(path[1]) > value(items)).all()
    assert np.allclose(path[-1], path[-2], atol=1e-6)
    for k, h in product(range(3), (1e-4, -1e-4)):
        moved = path[-1].copy()
        moved[:, k] += h
        assert (value(moved) < value(path[-1])).all()


@pytest.mark.parametrize(
    ("country", "session", "actor"),
    [
        ("Russia", 46, "RUS"),
        ("Yugoslavia", 46, "YUG"),
        ("Yugoslavia", 55, "SRB"),
        ("Federal Republic of Germany", 30, "DEU"),
        ("German Democratic Republic", 30, "DDR"),
        ("Germany", 46, "DEU"),
        ("Taiwan", 20, "TWN"),
        ("China", 26, "CHN"),
        ("Côte d’Ivoire", 60, "CIV"),
        ("Atlantis", 1, "Atlantis"),
    ],
)
def test_names_are_those_of_the_state_of_the_day(country: str, session: int, actor: str) -> None:
    assert al.actor_of(country, session) == actor


def test_the_chain_is_cut_where_a_state_succeeds_another() -> None:
    calls = al.RollCalls(("Russia",), np.array([1, 2, 3]), np.array([46, 47, 48]), np.zeros((1, 3), dtype=np.int8))
    assert al._cuts(calls, {"Russia": 0}).tolist() == [[False, True, False]]
    late = al.RollCalls(("Russia",), np.array([1]), np.array([40]), np.zeros((1, 1), dtype=np.int8))
    assert not al._cuts(late, {"Russia": 0}).any(), "no session from the succession on"


def test_without_the_anchor_there_is_no_sign() -> None:
    table, _ = planted()
    with pytest.raises(InputError, match="anchor"):
        al.estimate(long(table.drop(columns="United States")))


SIDES = al.Sides(
    {"allied": ("USA", "GBR", "FRA", "JPN"), "rival": ("RUS", "CHN", "IRN")}, {"allied": "USA", "rival": "CHN"}, (("IND", "RUS"),)
)


def test_sides_by_year_and_what_cannot_be_said(fit: al.Fit, folder: Path) -> None:
    rows = al.voted_side_rows(fit, folder, SIDES, 2006)
    assert {r["year"] for r in rows if r["since"] is None} == set(range(2006, 2013))
    for row in rows:
        if row["since"] is not None:
            assert row["estimate"] is None
            assert row["note"] == "cannot be said: the data end in 2012"
        elif row["measure"] in ("within_spread", "between_distance"):
            assert row["low"] <= row["estimate"] + 0.3
            assert row["high"] >= row["estimate"] - 0.3
    spread = next(r for r in rows if (r["measure"], r["group"], r["year"]) == ("within_spread", "rival", 2010))
    at = {r["actor"]: r["ideal_point"] for r in al.point_rows(fit, 2010, 2010)}
    assert spread["estimate"] == pytest.approx(np.std([at[a] for a in SIDES.members["rival"]], ddof=1), abs=0.06)
    assert {r["issue"] for r in rows if r["measure"] == "disagreement_within"} == {"all", "Nuclear"}
    assert al.distance(al.point_rows(fit), "IND", "RUS")[2010] == pytest.approx(abs(at["IND"] - at["RUS"]))


def test_changes_are_after_less_before() -> None:
    years = tuple(range(2009, 2020))
    values = np.tile(np.where(np.array(years) >= 2014, 3.0, 1.0), (3, 1))
    rows = {r["since"]: r for r in al._series_rows("m", "g", "all", years, values) if r["since"]}
    assert rows[2014]["estimate"] == 2.0
    assert rows[2014]["note"] == "2014-2019 less 2009-2013"
    assert rows[2022]["estimate"] is None


def test_disagreement_by_hand() -> None:
    # two yes, one abstains, one no: gaps 0, .5, .5, 1, 1, .5 over six pairs
    codes = np.array([[2], [2], [1], [0], [0]], dtype=np.int8)
    names = ("United States", "United Kingdom", "France", "Japan", "Russia")
    calls = al.RollCalls(names, np.array([1]), np.array([60]), codes)
    gap, pairs = al._gaps(al._tally(calls, {"USA", "GBR", "FRA", "JPN"}))
    assert (gap[0], pairs[0]) == (3.5, 6.0)
    gap, pairs = al._gaps(al._tally(calls, {"USA", "GBR", "FRA", "JPN"}), al._tally(calls, {"RUS"}))
    assert (gap[0], pairs[0]) == (2.5, 4.0)


def test_draws_around_published_points_keep_their_bounds() -> None:
    frame = pd.DataFrame({"iso3": ["USA", "RUS"], "year": [2004, 2004], "ideal_point": [3.0, 0.5], "low_5": [2.5, 0.2]})
    draws = al.published_draws(frame.assign(high_95=[3.5, 0.8]), ["USA", "RUS"], draws=4000)
    assert draws.points[0, draws.actors.index("USA"), 0] == 3.0
    assert np.quantile(draws.points[1:, draws.actors.index("USA"), 0], [0.05, 0.95]) == pytest.approx([2.5, 3.5], abs=0.05)


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["alignment", *words], standalone_mode=False, catch_exceptions=True)
    if isinstance(done.exception, InputError):
        return done.exception.exit_code, str(done.exception)
    return done.exit_code, done.stdout


def test_the_command_prints_the_contract(folder: Path) -> None:
    code, out = run("--data", str(folder.parent), "--from", "2006", "--to", "2007", "--json")
    rows = json.loads(out)
    assert code == 0
    assert {r["year"] for r in rows} == {2006, 2007}
    assert all(list(r)[:5] == ["actor", "year", "ideal_point", "low", "high"] for r in rows)
    assert all(r["low"] <= r["ideal_point"] <= r["high"] for r in rows)
    code, out = run("--data", str(folder), "--to", "2005", "--csv")
    assert out.splitlines()[0] == ",".join(al.POINT_COLUMNS)


@pytest.mark.parametrize("words", [(), ("--published",)])
def test_a_folder_without_the_files_is_one_clear_error(tmp_path: Path, words: tuple[str, ...]) -> None:
    for place in (tmp_path, tmp_path / "nowhere"):
        code, message = run("--data", str(place), *words)
        assert code == 2
        assert "here or in its folder un" in message
