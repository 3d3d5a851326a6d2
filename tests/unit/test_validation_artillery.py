"""The artillery hindcast: closed forms, a planted truth, bad files, the same answer twice, and horizons that do not look back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from isthmus.ensemble.uncertainty import Uncertainty
from isthmus.errors import InputError
from isthmus.register.register import Register
from isthmus.validation import artillery, mass_balance
from isthmus.validation.artillery import Draws, Supply, Variant, World
from isthmus.validation.calibration import Frozen, digest, given_the_rest, log_likelihood, read_priors, resample, sample
from isthmus.validation.observations import (
    COLUMNS,
    Observation,
    episode,
    read_observations,
    register_observations,
    speaker,
    stream,
)

POOLS = artillery.POOLS


@pytest.fixture(scope="module")
def register() -> Register:
    return Register.reference()


@pytest.fixture(scope="module")
def small() -> Iterator[None]:
    """Few draws, so that a whole hindcast takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(artillery, "DRAWS", 128)
        patch.setattr(artillery, "KEPT", 64)
        patch.setattr(artillery, "LEAST_EFFECTIVE", 20.0)
        yield


def parameters(**changed: float) -> dict[str, np.ndarray]:
    values = {p.name: np.array([p.mode]) for p in artillery.PRIORS}
    return {**values, **{name.replace("__", "."): np.array([value]) for name, value in changed.items()}}


def arrivals(weeks: int, **rates: float) -> dict[str, np.ndarray]:
    return {p: np.full((1, weeks), rates.get(p.replace(".", "_"), 0.0)) for p in POOLS}


def row(name: str, start: date, rate: float, **changed: object) -> Observation:
    """A row of Russia's narrow count, rounds a day, over 28 days."""
    plain = Observation(
        observation_id=name,
        metric="fire_rate",
        actor="RUS",
        subject=None,
        start=start,
        end=start + timedelta(days=27),
        low=None,
        mode=rate,
        high=None,
        unit="rounds/day",
        basis="narrow_western",
        role="fit",
        event=name,
        speaker=name,
        episode=episode(start),
        source="made_up",
        confidence="A",
        note="",
    )
    return replace(plain, **changed)  # type: ignore[arg-type]


# Closed forms of the equations.


def test_without_arrivals_stock_falls_by_its_share() -> None:
    draws = parameters(stock__RUS=1e6, plan__RUS=20, reserve__RUS=0.0)
    use = artillery.simulate(draws, arrivals(30))["RUS.all"][0]
    assert use == pytest.approx(1e6 / 20 * (1 - 1 / 20) ** np.arange(30))


def test_a_reserve_is_kept_back() -> None:
    draws = parameters(stock__RUS=1e6, plan__RUS=10, reserve__RUS=0.3)
    use = artillery.simulate(draws, arrivals(400))["RUS.all"][0]
    assert use.sum() == pytest.approx(0.7e6, rel=1e-6)


def test_steady_arrivals_are_fired_as_they_come() -> None:
    draws = parameters(stock__RUS=0.0, reserve__RUS=0.0)
    use = artillery.simulate(draws, arrivals(200, RUS_all=5000))["RUS.all"][0]
    assert use[-1] == pytest.approx(5000)


def test_nothing_is_fired_that_never_came() -> None:
    rng = np.random.default_rng(0)
    draws = artillery.prior_draws()
    come = {p: rng.gamma(0.3, 30000, (draws.n, 120)) for p in POOLS}
    use = artillery.simulate(draws.values, come)
    stock = {"RUS.all": draws.values["stock.RUS"], "UKR.155mm": 0.0, "UKR.soviet": draws.values["stock.UKR.soviet"]}
    for p in POOLS:
        left = np.reshape(stock[p], (-1, 1)) + np.cumsum(come[p] - use[p], axis=1)
        assert np.all(use[p] >= 0)
        assert left.min() > -1e-3


def test_need_caps_only_where_it_is_stated() -> None:
    draws = parameters(stock__UKR__soviet=2e6, plan__UKR=4, need__UKR=50_000, reserve__UKR=0.0)
    use = artillery.simulate(draws, arrivals(80, UKR_155mm=60_000))
    total = (use["UKR.155mm"] + use["UKR.soviet"])[0]
    assert total[0] > 50_000
    assert total[artillery.NEED_FROM :] == pytest.approx(50_000)


def test_a_constant_rate_spends_stock_and_arrivals() -> None:
    draws = parameters(stock__RUS=1e6)
    use = artillery.simulate(draws, arrivals(50, RUS_all=1000), "constant")["RUS.all"][0]
    assert use == pytest.approx(1e6 / 50 + 1000)


def test_observed_rates_follow_the_basis() -> None:
    draws = parameters(beyond__RUS=7000, beyond__UKR=3500, beyond__in_ratio=1.0)
    use = {"RUS.all": np.full((1, 60), 14000.0), "UKR.155mm": np.full((1, 60), 2000.0), "UKR.soviet": np.full((1, 60), 1500.0)}
    narrow = row("narrow", date(2022, 6, 1), 1.0)
    rows = [
        narrow,
        replace(narrow, basis="broad_ukr_mod"),
        replace(narrow, actor="UKR"),
        replace(narrow, actor="UKR", metric="monthly_fire_155mm", basis="155mm only"),
        replace(narrow, actor="RUS:UKR", metric="fire_ratio_rus_per_ukr", basis="ratio", unit="ratio"),
    ]
    assert [stream(r) for r in rows] == ["RUS.narrow", "RUS.broad", "UKR.narrow", "UKR.155mm", "ratio"]
    assert np.exp(artillery.observed_log(use, draws, rows)[0]) == pytest.approx([14000, 21000, 3500, 2000, 3.0])


def test_units_become_rounds_a_week() -> None:
    day = row("x", date(2022, 3, 1), 1000.0)
    assert day.weekly() == pytest.approx(7000)
    assert replace(day, unit="rounds/month").weekly() == pytest.approx(1000 * 7 / 30.4375)
    total = replace(day, unit="rounds", start=date(2024, 1, 1), end=date(2024, 12, 31), mode=366_000.0)
    assert total.weekly() == pytest.approx(7000)
    assert replace(day, mode=None, low=10.0, high=16.9).central == pytest.approx(13.0)
    assert replace(day, mode=None, low=10.0, high=40.0).central is None


# The fit.


def test_likelihood_is_that_of_a_normal() -> None:
    cov = np.array([[[2.0, 0.5], [0.5, 1.0]]])
    r = np.array([[0.3, -1.0]])
    expected = -0.5 * (r[0] @ np.linalg.inv(cov[0]) @ r[0] + np.log(np.linalg.det(cov[0])) + 2 * np.log(2 * np.pi))
    assert log_likelihood(r, cov)[0] == pytest.approx(expected)


def test_an_event_given_the_rest_is_a_quotient_of_likelihoods() -> None:
    rng = np.random.default_rng(4)
    root = rng.normal(size=(6, 5, 5))
    cov = root @ root.transpose(0, 2, 1) + np.eye(5)
    r = rng.normal(size=(6, 5))
    found = given_the_rest(r, cov, ["a", "b", "a", "c", "c"])
    whole = log_likelihood(r, cov)
    for event, keep in {"b": [0, 2, 3, 4], "a": [1, 3, 4], "c": [0, 1, 2]}.items():
        at = np.array(keep)
        assert found[event] == pytest.approx(whole - log_likelihood(r[:, at], cov[:, at[:, None], at[None, :]]))


def test_particles_reach_a_posterior_in_closed_form() -> None:
    def evaluate(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return -0.5 * np.sum(((z - 1.5) / 0.3) ** 2, axis=1), z

    start = np.random.default_rng(1).standard_normal((2000, 3))
    found = sample(evaluate, start, np.random.default_rng(2))
    # Normal prior N(0, 1) times N(1.5, 0.3): mean 1.5 / 1.09, variance 0.09 / 1.09.
    assert found.normal.mean(axis=0) == pytest.approx([1.5 / 1.09] * 3, abs=0.03)
    assert found.normal.var(axis=0) == pytest.approx([0.09 / 1.09] * 3, rel=0.15)
    assert found.logs == pytest.approx(found.normal)

    def wider(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return -0.5 * np.sum(((z - 1.5) / 0.6) ** 2, axis=1), z

    moved = sample(wider, found.normal, np.random.default_rng(3), wider(found.normal)[0] - found.log_likelihood)
    assert moved.normal.mean(axis=0) == pytest.approx([1.5 / 1.36] * 3, abs=0.06)
    assert moved.normal.var(axis=0) == pytest.approx([0.36 / 1.36] * 3, rel=0.25)


def test_resampling_is_systematic() -> None:
    assert resample(np.array([0.5, 0.0, 0.5]), 4, 0.5).tolist() == [0, 0, 2, 2]


def planted() -> tuple[World, tuple[Observation, ...], Draws, int]:
    """A war in which the model is true: arrivals come in three waves, and one draw of the prior fires them."""
    weeks = artillery.WINDOW
    wave = 40_000 * (1 + np.sign(np.sin(np.arange(weeks) / 9)))
    zero = np.zeros(weeks)
    mode = np.stack([wave, zero + 3000, zero + 20_000])
    donors = (("PRK", "RUS", "mixed"), ("RUS", "RUS", "soviet"), ("USA", "UKR", "155mm"))
    world = World(
        Supply(donors, 0.9 * mode, mode, 1.1 * mode, (weeks,) * 3, artillery.FIT_END, "made up"),
        {
            "desk.rho": Uncertainty("desk.rho", "uniform", 0.2, 0.5, 0.8, "", "assumption"),
            "desk.partner_past.gap": Uncertainty("gap", "lognormal", 3, 8, 26, "weeks", "assumption"),
            "desk.partner_past.stop": Uncertainty("stop", "pert", 0.005, 0.03, 0.1, "", "assumption"),
        },
    )
    prior = artillery.prior_draws()
    # A draw of ordinary stock that fires in about ten weeks what it has, so that the waves show.
    fit_for = (
        np.abs(np.log(prior.values["plan.RUS"] / 10))
        + np.abs(np.log(prior.values["stock.RUS"] / 2e6))
        + prior.values["error.row"]
    )
    truth = int(np.argmin(fit_for))
    use = artillery.simulate(prior.values, world.arrivals(prior, weeks))
    rng = np.random.default_rng(8)
    rows = []
    for k in range(18):
        start = artillery.START + timedelta(days=7 + 33 * k)
        clean = row(f"row{k}", start, 1.0)
        logs = artillery.observed_log(use, prior.values, [clean])[truth, 0]
        rows.append(row(f"row{k}", start, float(np.exp(logs + 0.1 * rng.standard_normal()) / 7)))
    return world, tuple(rows), prior, truth


def test_a_planted_truth_is_found_and_covered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artillery, "DRAWS", 512)
    monkeypatch.setattr(artillery, "LEAST_EFFECTIVE", 150.0)
    world, rows, prior, truth = planted()
    full, flat = Variant(world, rows), Variant(world, rows, flat=True)
    for name in ("plan.RUS", "stock.RUS"):
        values = np.log(full.draws.values[name])
        true = np.log(prior.values[name][truth])
        assert abs(values.mean() - true) < 2.5 * values.std(), name
        assert values.std() < 0.7 * np.log(prior.values[name]).std(), name
    inside = 0
    for i, one in enumerate(rows):
        low, _, high = full.row_scores(i)[2]
        inside += low <= np.log(one.weekly()) <= high
    assert inside >= 15
    assert full.crps().mean() < 0.8 * flat.crps().mean()


# The frozen fit, the horizon, the same answer twice.


@pytest.fixture(scope="module")
def frozen(small: None, register: Register, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("frozen") / "prior.json"
    artillery.refit(register).write(path)
    return path


def test_the_same_answer_twice_and_earlier_months_do_not_move(register: Register, frozen: Path) -> None:
    short = artillery.hindcast(register, until=date(2024, 6, 30), frozen=frozen)
    again = artillery.hindcast(register, until=date(2024, 6, 30), frozen=frozen)
    far = artillery.hindcast(register, until=date(2027, 6, 30), frozen=frozen)
    assert [c.row() for c in short.cases] == [c.row() for c in again.cases]
    n = len(short.months)
    assert far.months[:n] == short.months
    for side, values in short.series.items():
        assert np.array_equal(far.series[side][:, :n], values)
        assert np.all(np.diff(far.series[side], axis=0) >= 0)
    by_name = {c.case: c for c in far.cases}
    for case in short.cases:
        if ".fit" in case.case:
            assert by_name[case.case] == case
    assert far.until > far.extrapolated_from
    assert by_name["artillery.frozen"].passed
    assert {c.block for c in far.cases} >= {"conditional", "forecast"}
    assert all(c.why and c.title for c in far.cases)


def test_a_users_rows_are_scored_without_refitting(register: Register, frozen: Path, tmp_path: Path) -> None:
    path = tmp_path / "later.csv"
    path.write_text(
        ",".join(COLUMNS["artillery"]) + "\n"
        "fire_rate,RUS,2025-09-01,2025-09-30,,9000,,rounds/day,https://e.org/a,Paper 2025-10-01: Analyst,B,obs_held,narrow_western,\n"
        "fire_rate,UKR,2025-09-01,2025-09-30,,5000,,rounds/day,https://e.org/a,Paper 2025-10-01: Analyst,B,obs_held,narrow_western,\n"
        "annual_fire_total,RUS,2024-01-01,2024-12-31,,11000000,,rounds,https://e.org/b,Ministry report,B,obs_held,broad_ukr_mod,\n"
        "fire_rate,UKR,2026-01-01,2026-01-31,,,8000,rounds/day,https://e.org/c,Ministry report,B,obs_held,narrow_western,\n"
        "shell_hunger_flag,UKR,2026-02-01,2026-02-28,,0,,0/1,https://e.org/d,Ministry report,B,obs_held,flag,\n"
    )
    file = read_observations(path, register)
    assert [r.role for r in file.rows] == ["held", "held", "held", "not_scored", "held"]
    before = frozen.read_bytes()
    found = artillery.hindcast(register, file, frozen=frozen)
    assert frozen.read_bytes() == before
    rows = [r for r in found.rows if r["set"] == "observations" and r["block"] == "conditional"]
    assert [(r["actor"], round(r["observed"])) for r in rows] == [("RUS", 9000), ("UKR", 5000), ("RUS", 30055)]
    names = {c.case for c in found.cases}
    assert {
        "artillery.conditional.observations",
        "artillery.forecast.observations",
        "artillery.conditional.gap.UKR.2026_02",
    } <= names
    assert any("bound" in r.note.lower() for r in found.unscored if r.observation_id.startswith("later.csv"))


def test_a_changed_or_broken_freeze_is_refused(frozen: Path, register: Register, tmp_path: Path) -> None:
    document = json.loads(frozen.read_text())
    document["draws"]["stock.RUS"][0] *= 2
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(document))
    with pytest.raises(InputError, match="changed after it was frozen"):
        Frozen.read(changed)
    changed.write_text("{}")
    with pytest.raises(InputError, match="cannot be read"):
        artillery.hindcast(register, frozen=changed)


def test_a_freeze_says_what_has_changed(frozen: Path, register: Register, tmp_path: Path) -> None:
    old = Frozen.read(frozen)
    other = tmp_path / "other.json"
    replace(old, inputs={**old.inputs, "arrivals": "0" * 64}).write(other)
    found = artillery.hindcast(register, frozen=other, until=date(2024, 1, 31))
    assert found.stale == ("arrivals",)
    case = next(c for c in found.cases if c.case == "artillery.frozen")
    assert not case.passed
    assert "arrivals" in case.why


def test_the_shipped_freeze_matches_the_register(register: Register) -> None:
    shipped = Frozen.read(artillery.FROZEN)
    assert shipped.inputs["arrivals"] == artillery.supply(register).hash
    assert digest([[p.name, p.low, p.high] for p in artillery.PRIORS])
    assert set(shipped.draws) == {p.name for p in artillery.PRIORS}


def test_the_hindcast_cannot_end_inside_the_window(register: Register) -> None:
    with pytest.raises(InputError, match="cannot end earlier"):
        artillery.hindcast(register, until=date(2023, 1, 1))


def test_arrivals_of_a_month_are_spread_over_its_days(register: Register) -> None:
    come = artillery.supply(register)
    frame = register.table("arrivals")
    mine = frame[(frame["supplier"] == "USA") & (frame["recipient"] == "UKR") & (frame["materiel_id"] == "shell_155mm")]
    d = come.donors.index(("USA", "UKR", "155mm"))
    other = frame[(frame["supplier"] == "USA") & (frame["recipient"] == "UKR") & (frame["materiel_id"] == "shell_105mm")]
    assert come.mode[d].sum() == pytest.approx(mine["mode"].sum() + other["mode"].sum())
    assert np.all(come.low <= come.mode + 1e-9)
    assert np.all(come.mode <= come.high + 1e-9)


def test_every_scored_row_of_the_register_can_be_scored(register: Register) -> None:
    rows = register_observations(register, "artillery")
    for one in rows:
        if one.role in ("fit", "held"):
            assert one.event
            assert one.speaker
            assert one.episode == episode(one.middle)
            assert one.metric == "shell_hunger_flag" or (stream(one) and one.weekly() > 0)
        if one.role == "fit":
            assert one.end <= artillery.FIT_END
        if one.role == "held":
            assert one.start > artillery.FIT_END
        if one.role == "not_scored":
            assert one.note, one.observation_id


# A user's file.


def test_every_problem_of_a_file_is_listed(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(
        ",".join(COLUMNS["artillery"]) + "\n"
        "fire_rate,RUS,2024-13-01,2024-02-01,,1000,,rounds/day,u,t,A,obs_held,narrow_western,\n"
        "fire_rate,RUS,2024-03-01,2024-02-01,,1000,,rounds/day,u,t,A,obs_held,narrow_western,\n"
        "fire_rate,CHN,2024-01-01,2024-02-01,,1000,,shells,u,t,A,obs_held,narrow_western,\n"
        "fire_rate,UKR,2024-01-01,2024-02-01,30,20,x,rounds/day,u,t,A,whatever,narrow_western,\n"
        "fire_rate,UKR,2024-01-01,2024-02-01,,0,,rounds/day,u,t,A,obs_held,narrow_western,\n"
        "shell_hunger_flag,UKR,2024-01-01,2024-02-01,,2,,0/1,u,t,A,obs_held,flag,\n"
    )
    with pytest.raises(InputError) as caught:
        read_observations(path)
    found = {(p.row, p.column) for p in caught.value.problems}
    assert found == {
        (2, "period_start"),
        (3, "period_end"),
        (4, "actor"),
        (4, "unit"),
        (5, "high"),
        (5, "low, mode, high"),
        (5, "role"),
        (6, "low, mode, high"),
        (7, "mode"),
    }
    assert all(p.file and p.found and p.allowed for p in caught.value.problems)


@pytest.mark.parametrize("text", ["", "metric,actor\n", "a;b;c\n1;2;3\n"])
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.csv"
    path.write_text(text)
    with pytest.raises(InputError):
        read_observations(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="missing file"):
        read_observations(tmp_path / "none.csv")


def test_rows_that_are_not_scored_say_why(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    head = ",".join(COLUMNS["artillery"])
    lines = [
        "fire_rate,RUS,2024-02-01,2024-02-28,,10000,10000,rounds/day,u1,Staff 2024: One,A,obs_held,narrow_western,",
        "fire_rate,RUS,2024-02-01,2024-02-28,5000,,20000,rounds/day,u2,Staff 2024: One,A,obs_held,narrow_western,",
        "fire_rate,RUS,2023-09-01,2023-12-31,,9000,,rounds/day,u3,Staff 2024: One,A,obs_held,narrow_western,",
        "fire_rate,RUS,2024-02-01,2024-02-28,,9000,,rounds/day,u4,Staff 2024: One,A,obs_held,narrow_western,one sector",
        "fire_rate,RUS,2024-02-01,2024-02-28,,9000,,rounds/day,u5,Staff 2024: One,A,obs_held,other,",
        "fire_rate,RUS,2024-02-01,2024-02-28,,9000,,rounds/day,u6,Staff 2024: One,A,obs_held,narrow_western,",
        "fire_rate,UKR,2024-02-01,2024-02-28,,3000,,rounds/day,u6,Staff 2024: One,A,obs_held,narrow_western,",
        "fire_ratio_rus_per_ukr,RUS:UKR,2024-02-01,2024-02-28,,3,,ratio,u6,Staff 2024: One,A,obs_held,ratio,",
        "fire_rate,RUS,2024-02-01,2024-02-28,,9040,,rounds/day,u7,Staff 2024: Two,A,obs_held,narrow_western,",
        "production_per_month_155mm,USA,2024-02-01,2024-02-28,,9000,,rounds/month,u8,Army,A,obs_held,155mm,",
        "guns_barrel,RUS,2024-02-01,2024-02-28,,4780,,systems,u9,Army,A,input,structure,",
    ]
    path.write_text("\n".join([head, *lines]) + "\n")
    file = read_observations(path)
    reasons = [r.note for r in file.rows]
    for place, word in {
        0: "bound",
        1: "range",
        2: "Across",
        3: "Local",
        4: "basis",
        7: "quotient",
        8: "Repeats",
        9: "Not an outcome",
    }.items():
        assert file.rows[place].role == "not_scored", place
        assert word.lower() in reasons[place].lower(), place
    assert [r.role for r in (file.rows[5], file.rows[6], file.rows[10])] == ["held", "held", "input"]
    assert len(file.scored) == 2


def test_speakers_by_rule() -> None:
    assert speaker("Censor.net 2024-08-20: Syrskyi on ammunition ratio", "") == "syrskyi"
    assert speaker("Univision citing FT: Reznikov letter to EU", "") == "reznikov"
    assert speaker("RUSI Meatgrinder: Russian Tactics (19 May 2023)", "") == "rusi"
    assert speaker("A Hollow Force (8 Jul 2024)", "") == "hollow"
    assert speaker("", "https://example.org/x") == "example_org"


def test_air_defence_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "air.csv"
    path.write_text(
        ",".join(COLUMNS["air_defence"]) + "\n"
        "destroyed,UKR,cruise,2024-09-01,2024-09-30,,40,,items,https://e.org,Copy,B,obs_held,no,7,\n"
    )
    file = read_observations(path)
    assert file.form == "air_defence"
    assert (file.rows[0].subject, file.rows[0].mode, file.rows[0].partial, file.rows[0].role) == ("cruise", 40.0, False, "held")


def test_priors_with_faults_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "priors.csv"
    path.write_text("name,shape,low,mode,high,unit,reason\na,uniform,2,1,3,x,y\nb,flat,0,1,2,x,y\n")
    with pytest.raises(InputError) as caught:
        read_priors(path)
    assert {p.row for p in caught.value.problems} == {2, 3}


# Mass balance.


def test_opening_stock_by_hand() -> None:
    weeks = 20
    come = Supply((("RUS", "RUS", "soviet"),), *(np.full((1, weeks), 700.0) for _ in range(3)), (weeks,), date(2022, 7, 13), "")
    rows = [row("a", artillery.START, 1000.0, low=1000.0, high=1000.0, end=artillery.START + timedelta(days=139))]
    exact = [replace(r, confidence="A") for r in rows]
    found = mass_balance.balance("RUS", "narrow", exact, come, artillery.START + timedelta(days=139), 1e9)
    # 140 days at 1,000 a day, of which 100 a day arrive; a grade A row is widened by a tenth.
    assert found.fired[1] == pytest.approx(140_000, rel=0.01)
    assert found.arrived[1] == pytest.approx(14_000)
    assert found.opening[1] == pytest.approx(126_000, rel=0.02)
    assert found.possible == 1.0
    assert mass_balance.balance("RUS", "narrow", exact, come, artillery.START + timedelta(days=139), 1000).possible == 0.0


def test_early_fire_needs_stock_that_later_arrivals_cannot_give() -> None:
    late = np.concatenate([np.zeros(10), np.full(10, 14_000.0)])[None, :]
    come = Supply((("RUS", "RUS", "soviet"),), late, late, late, (20,), date(2022, 7, 13), "")
    rows = [row("a", artillery.START, 1000.0, end=artillery.START + timedelta(days=139))]
    found = mass_balance.balance("RUS", "narrow", rows, come, artillery.START + timedelta(days=139), 1e9)
    assert found.arrived[1] == pytest.approx(140_000)
    assert found.opening[1] == pytest.approx(70_000, rel=0.05)


def test_mass_balance_of_the_register(register: Register) -> None:
    cases = mass_balance.mass_balance_cases(register)
    assert {c.case for c in cases} >= {"mass_balance.RUS.narrow", "mass_balance.RUS.broad", "mass_balance.UKR.narrow"}
    narrow, broad = (next(c for c in cases if c.case == f"mass_balance.RUS.{b}") for b in ("narrow", "broad"))
    assert narrow.median is not None
    assert broad.median is not None
    assert broad.median > narrow.median
