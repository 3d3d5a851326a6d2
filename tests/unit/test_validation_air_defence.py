"""Air defence: the filter against closed forms, planted truth, frozen parameters, and a user's file with every fault."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from isthmus.errors import InputError
from isthmus.register.register import Register
from isthmus.validation import air_defence_model as model
from isthmus.validation.air_defence import (
    BREAK_MONTHS,
    COVERAGE,
    LEAST_SKILL,
    AirDefence,
    air_defence_cases,
    score_air_defence,
)
from isthmus.validation.air_defence_model import (
    BALLISTIC,
    CRUISE,
    FIT_FROM,
    FIT_TO,
    SCORED,
    SHAHED,
    Filter,
    LevelBreak,
    Month,
    Prior,
    fit_draws,
    load_prior,
    track,
)
from isthmus.validation.observations import COLUMNS, read_observations


@pytest.fixture(scope="module")
def register() -> Register:
    return Register.reference()


@pytest.fixture(scope="module")
def prior() -> Prior:
    return load_prior()


@pytest.fixture(scope="module")
def scored(register: Register) -> AirDefence:
    return score_air_defence(register)


def month_name(index: int, start: int = 2030 * 12) -> str:
    at = start + index
    return f"{at // 12}-{at % 12 + 1:02d}"


def planted(
    seed: int, months: int, level: float, memory: float, spread: float, kappa: float, launched: int = 100, name: str = CRUISE
) -> list[Month]:
    """Months drawn from the model itself."""
    rng = np.random.default_rng(seed)
    x = spread * rng.standard_normal()
    found = []
    for i in range(months):
        if i:
            x = memory * x + spread * np.sqrt(1 - memory**2) * rng.standard_normal()
        p = expit(level + x)
        n = int(rng.integers(launched // 2, 2 * launched))
        found.append(Month(name, month_name(i), n, int(rng.binomial(n, rng.beta(p * kappa, (1 - p) * kappa)))))
    return found


def draw(level: float = 1.5, memory: float = 0.7, spread: float = 0.5, kappa: float = 50.0) -> model.F64:
    return np.array([[level, memory, spread, kappa]])


# The filter


def test_without_spread_the_likelihood_is_that_of_a_beta_binomial() -> None:
    months = planted(1, 12, 1.0, 0.5, 0.5, 20.0)
    _, log = track(months, draw(level=1.0, spread=1e-9, kappa=20.0))
    p = float(expit(1.0))
    expected = sum(stats.betabinom.logpmf(m.stopped, m.launched, p * 20, (1 - p) * 20) for m in months)
    assert float(log[0]) == pytest.approx(expected, rel=1e-9)


def test_the_first_forecast_is_the_stationary_level() -> None:
    """One draw, many launches: the forecast is a logit-normal seen through a beta; its median is the level."""
    forecast = track([Month(CRUISE, "2030-01", 10**6, 1)], draw(level=0.4, kappa=1e6))[0][0]
    assert float(np.median(forecast.ensemble)) == pytest.approx(float(expit(0.4)), abs=0.01)
    high = float(expit(0.4 + 0.5 * stats.norm.ppf(0.95)))
    assert float(np.quantile(forecast.ensemble, 0.95)) == pytest.approx(high, abs=0.015)


def test_the_filter_agrees_with_a_plain_sum_over_two_months() -> None:
    """Direct integration over x1 and x2 on a fine grid of its own."""
    months = [Month(CRUISE, "2030-01", 30, 12), Month(CRUISE, "2030-02", 40, 31)]
    level, memory, spread, kappa = 0.3, 0.6, 0.9, 25.0
    z = np.linspace(-6, 6, 801)
    weight = stats.norm.pdf(z) * (z[1] - z[0])
    p = expit(level + spread * z)
    first = stats.betabinom.pmf(12, 30, p * kappa, (1 - p) * kappa)
    second = stats.betabinom.pmf(31, 40, p * kappa, (1 - p) * kappa)
    step = stats.norm.pdf(z[:, None], memory * z[None, :], np.sqrt(1 - memory**2)) * (z[1] - z[0])
    expected = float(np.log(second @ step @ (weight * first)))
    _, log = track(months, draw(level, memory, spread, kappa))
    assert float(log[0]) == pytest.approx(expected, abs=2e-3)


def test_forecasts_do_not_depend_on_later_months_or_on_the_run() -> None:
    months = planted(2, 20, 1.0, 0.8, 0.6, 40.0)
    whole, part = track(months, draw())[0], track(months[:11], draw())[0]
    for a, b in zip(whole, part, strict=False):
        np.testing.assert_array_equal(a.ensemble, b.ensemble)


def test_a_fixed_origin_ignores_later_outcomes() -> None:
    months = planted(3, 20, 1.0, 0.8, 0.6, 40.0)
    changed = [*months[:10], *(replace(m, stopped=0) for m in months[10:])]
    blind, other = (track(of, draw(), blind_after=months[9].month)[0] for of in (months, changed))
    for a, b in zip(blind, other, strict=True):
        np.testing.assert_array_equal(a.ensemble, b.ensemble)
    seeing = track(changed, draw())[0]
    assert np.median(seeing[-1].ensemble) < np.median(blind[-1].ensemble) - 0.1


def test_a_gap_widens_the_forecast_towards_the_stationary_one() -> None:
    def width(gap: int) -> float:
        months = [Month(CRUISE, month_name(0), 4000, 3600), Month(CRUISE, month_name(1 + gap), 4000, 3000)]
        ensemble = track(months, draw(level=0.0, memory=0.9, spread=1.0, kappa=1000.0))[0][1].ensemble
        return float(np.subtract(*np.quantile(ensemble, (0.95, 0.05))))

    assert width(0) < width(3) < width(24)


def test_months_without_launches_or_outcome_move_the_state_and_are_not_forecast() -> None:
    months = [Month(CRUISE, month_name(0), 50, 40), Month(CRUISE, month_name(1), 0, 0), Month(CRUISE, month_name(2), 50, None)]
    months.append(Month(CRUISE, month_name(3), 50, 40))
    forecasts, _ = track(months, draw())
    assert [f.month.month for f in forecasts] == [month_name(0), month_name(3)]
    plain = track([months[0], months[3]], draw())[0]
    np.testing.assert_array_equal(forecasts[1].ensemble, plain[1].ensemble)


def test_a_break_of_counting_lets_the_level_move_for_good() -> None:
    """Level 0.7 before, 0.97 after: with the break the forecasts follow and stay; before it nothing changes."""
    rng = np.random.default_rng(5)
    names = [f"2024-{m:02d}" for m in range(1, 13)] + [f"2025-{m:02d}" for m in range(1, 13)]
    months = [Month(SHAHED, n, 1000, int(rng.binomial(1000, 0.7 if n < BREAK_MONTHS[0] else 0.97))) for n in names]
    parameters = draw(level=0.85, memory=0.5, spread=0.4, kappa=80.0)
    with_break, without = (track(months, parameters, b)[0] for b in (LevelBreak(SHAHED, BREAK_MONTHS, 1.5), None))
    for a, b in zip(with_break, without, strict=True):
        if a.month.month < BREAK_MONTHS[0]:
            np.testing.assert_allclose(
                np.quantile(a.ensemble, [0.05, 0.5, 0.95]), np.quantile(b.ensemble, [0.05, 0.5, 0.95]), atol=0.02
            )
    at = names.index(BREAK_MONTHS[0])
    assert np.ptp(np.quantile(with_break[at].ensemble, [0.05, 0.95])) > np.ptp(np.quantile(without[at].ensemble, [0.05, 0.95]))
    late = [abs(np.median(f.ensemble) - 0.97) for f in with_break[-6:]], [abs(np.median(f.ensemble) - 0.97) for f in without[-6:]]
    assert max(late[0]) < 0.03 < min(late[1])


def test_parameters_are_never_refitted_by_the_filter() -> None:
    run = Filter(np.vstack([draw(level=-2.0), draw(level=2.0)]))
    for _ in range(30):
        run.step("2030-01")
        run.update(100, 90)
    np.testing.assert_allclose(run.state.sum(axis=(1, 2)), 1.0)


# Fitting


def test_planted_truth_is_covered_and_beats_persistence() -> None:
    months = planted(11, 90, 1.2, 0.8, 0.7, 40.0)
    draws = fit_draws(months[:45])
    truth = (1.2, 0.8, 0.7, 40.0)
    for column, value in enumerate(truth):
        low, high = np.quantile(draws[:, column], (0.01, 0.99))
        assert low <= value <= high, ("a", "memory", "spread", "concentration")[column]
    later = track(months, draws)[0][45:]
    inside = [np.quantile(f.ensemble, 0.05) <= (f.month.share or 0) <= np.quantile(f.ensemble, 0.95) for f in later]
    assert 0.75 <= float(np.mean(inside)) <= 1.0
    model_error = [abs(float(np.median(f.ensemble)) - (f.month.share or 0)) for f in later]
    last = [abs((a.share or 0) - (b.share or 0)) for a, b in itertools.pairwise(months[44:])]
    assert np.mean(model_error) < np.mean(last)


def test_too_few_months_are_not_fitted() -> None:
    with pytest.raises(ValueError, match="at least 8"):
        fit_draws(planted(12, 7, 0.0, 0.5, 0.5, 20.0))


def test_a_planted_slope_is_found_and_a_missing_one_is_not() -> None:
    rng = np.random.default_rng(13)
    launches = np.exp(rng.normal(4, 0.8, 24)).astype(int) + 5
    share = expit(0.2 + 1.5 * (np.log(launches) - np.log(launches).mean()))
    steep = [
        Month(BALLISTIC, month_name(i), int(n), int(rng.binomial(n, p)), 1)
        for i, (n, p) in enumerate(zip(launches, share, strict=True))
    ]
    flat = [Month(CRUISE, month_name(i), int(n), int(rng.binomial(n, 0.6)), 1) for i, n in enumerate(launches)]
    table = {(r["type_group"], r["term"]): r for r in model.parsimony({BALLISTIC: steep, CRUISE: flat})}
    assert table[BALLISTIC, "launches"]["slope"] == pytest.approx(1.5, abs=0.4)
    assert table[BALLISTIC, "launches"]["aic_change"] < -10
    assert table[CRUISE, "launches"]["aic_change"] > -3


# The frozen file


def test_the_frozen_file_is_whole_and_was_made_from_the_register(register: Register, prior: Prior, scored: AirDefence) -> None:
    fitted = {name: [m for m in scored.months[name] if FIT_FROM <= m.month <= FIT_TO] for name in SCORED}
    assert model.rows_hash(fitted) == prior.rows_sha256
    for name in SCORED:
        assert prior.shares[name] == tuple(round(m.share, 4) for m in fitted[name] if m.share is not None)
    np.testing.assert_allclose(prior.draws[CRUISE], fit_draws(fitted[CRUISE]), atol=0.02, rtol=0.02)


def test_a_changed_frozen_file_is_refused(tmp_path: Path) -> None:
    document = json.loads(model.prior_path().read_text(encoding="utf-8"))
    document["draws"][CRUISE][0][0] += 0.1
    changed = tmp_path / "air_defence_prior.json"
    changed.write_text(json.dumps(document), encoding="utf-8")
    for path, message in ((changed, "were changed"), (tmp_path / "none.json", "are missing")):
        with pytest.raises(InputError, match=message):
            load_prior(path)
    changed.write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read"):
        load_prior(changed)


def test_another_fit_window_is_refused(register: Register, prior: Prior) -> None:
    with pytest.raises(InputError, match="not the frozen one"):
        score_air_defence(register, prior=replace(prior, rows_sha256="0" * 64))


# The cases

TERMS = ("parsimony", "salvo_slope")


def test_the_fit_window_follows_the_stated_rule(scored: AirDefence) -> None:
    case = next(c for c in scored.cases if c.case == "air_defence.one_month.fit_window")
    events = scored.events[case.case]
    assert len(events) == 61
    assert {e.month.type_group for e in events} == set(SCORED)
    skills = [1 - case.score / value for value in case.rivals.values() if case.score is not None]
    assert case.cover90 is not None
    if case.passed:
        assert min(skills) >= LEAST_SKILL
        assert COVERAGE[0] <= case.cover90 <= COVERAGE[1]
    assert case.cover90 == pytest.approx(np.mean([e.low <= e.observed <= e.high for e in events]))
    assert set(case.rivals) == {"persistence", "mean", "persistence_point", "mean_point"}


def test_a_rival_never_holds_the_answer(scored: AirDefence, prior: Prior) -> None:
    for event in scored.events["air_defence.one_month.fit_window"]:
        others = np.array(prior.shares[event.month.type_group])
        assert event.rivals["mean_point"] == pytest.approx(
            abs((others.sum() - event.observed) / (len(others) - 1) - event.observed), abs=2e-4
        )


def test_without_later_outcomes_there_are_no_later_cases(scored: AirDefence) -> None:
    assert [c.case for c in scored.cases] == [f"air_defence.{name}.fit_window" for name in ("one_month", "fixed_origin", *TERMS)]
    assert {(r["type_group"], r["term"]) for r in scored.parsimony} == {
        (name, term) for name in SCORED for term in ("salvo", "launches", "saturation", "drawdown", "trend")
    }
    assert scored.rolling_origin["events"] >= 30


def test_scoring_twice_gives_the_same(register: Register, scored: AirDefence) -> None:
    assert air_defence_cases(register) == list(scored.cases)


# A user's file

HEADER = ",".join(COLUMNS["air_defence"])


def line(metric: str, group: str, month: str, value: str, *, role: str = "obs_held", partial: str = "no", end: str = "") -> str:
    last = {"02": "28", "04": "30", "06": "30", "09": "30", "11": "30"}.get(month[5:], "31")
    role = "input" if metric == "launched" else role
    cells = {
        "metric": metric,
        "actor": "RUS" if metric == "launched" else "UKR",
        "type_group": group,
        "period_start": f"{month}-01",
        "period_end": end or f"{month}-{last}",
        "mode": value,
        "unit": "items",
        "source_url": "https://example.org/attacks",
        "source_title": "Planted",
        "confidence": "B",
        "role": role,
        "partial_month": partial,
    }
    return ",".join(cells.get(column, "") for column in COLUMNS["air_defence"])


def score(register: Register, path: Path, lines: Sequence[str], until: str | None = None) -> AirDefence:
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return score_air_defence(register, read_observations(path), until)


def later(months: int, shift: float = 0.0, seed: int = 7) -> list[str]:
    """Outcomes after the fit window from the frozen model, with a shift of the drones' level from the break on."""
    rng = np.random.default_rng(seed)
    frozen = load_prior()
    rows = []
    for name, launched in ((BALLISTIC, 40), (CRUISE, 90), (SHAHED, 1500)):
        level, memory, spread, kappa = frozen.draws[name].mean(axis=0)
        x = 0.0
        for i in range(months):
            month = month_name(i, 2024 * 12 + 8)
            x = memory * x + spread * np.sqrt(1 - memory**2) * rng.standard_normal()
            p = expit(level + x + (shift if name == SHAHED and month >= BREAK_MONTHS[0] else 0.0))
            stopped = int(rng.binomial(launched, rng.beta(p * kappa, (1 - p) * kappa)))
            lost = stopped // 3 if name == SHAHED else 0
            rows += [line("launched", name, month, str(launched)), line("destroyed", name, month, str(stopped - lost))]
            if name == SHAHED:
                rows.append(line("not_reach_goal", name, month, str(lost)))
    return rows


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_later_months_are_scored_and_covered(register: Register, tmp_path: Path, shift: float) -> None:
    found = score(register, tmp_path / "held.csv", later(20, shift))
    case = next(c for c in found.cases if c.case == "air_defence.one_month.later")
    assert len(found.events[case.case]) == 60
    assert case.cover90 is not None
    assert 0.78 <= case.cover90 <= 1.0
    fixed = next(c for c in found.cases if c.case == "air_defence.fixed_origin.later")
    assert fixed.block == "fixed_origin"
    assert "nothing refitted" in fixed.title


def test_cases_of_the_fit_window_do_not_see_the_file(register: Register, tmp_path: Path, scored: AirDefence) -> None:
    found = score(register, tmp_path / "held.csv", later(6))
    assert [c for c in found.cases if c.case.endswith("fit_window")] == list(scored.cases)


@pytest.mark.parametrize(
    ("until", "last"), [("2024-10", "2024-10"), ("2024-11-29", "2024-10"), ("2024-11-30", "2024-11"), ("2024", "2024-12")]
)
def test_until_ends_the_outcomes(register: Register, tmp_path: Path, until: str, last: str) -> None:
    found = score(register, tmp_path / "held.csv", later(6), until=until)
    assert max(e.month.month for e in found.events["air_defence.one_month.later"]) == last


def test_claims_on_further_terms_follow_the_table(scored: AirDefence) -> None:
    cases = {c.case: c for c in scored.cases}
    changes = [float(row["aic_change"]) for row in scored.parsimony]
    assert cases["air_defence.parsimony.fit_window"].passed == (min(changes) > -2)
    slopes = [float(r["slope"]) for r in scored.parsimony if r["type_group"] == BALLISTIC and r["term"] in ("salvo", "launches")]
    assert cases["air_defence.salvo_slope.fit_window"].passed == (min(slopes) > 0)


def test_a_missing_month_is_stepped_over_and_named(register: Register, tmp_path: Path) -> None:
    rows = [r for r in later(6) if not ("2024-11" in r and "destroyed" in r and CRUISE in r)]
    found = score(register, tmp_path / "held.csv", rows)
    assert f"{CRUISE} 2024-11: launches without an outcome, not scored" in found.notes
    assert len(found.events["air_defence.one_month.later"]) == 17


UNUSED = (
    (line("destroyed", CRUISE, "2024-09", "3", partial="yes"), "partial month"),
    (line("destroyed", "dirigible", "2024-09", "3"), "type group dirigible is not known"),
    (line("intercept_share", CRUISE, "2024-09", "0.5"), "intercept_share is not scored"),
    (line("destroyed", CRUISE, "2024-09", "3", end="2024-10-31"), "is no calendar month"),
    (line("destroyed", CRUISE, "2024-10", "99999"), "counted as all"),
    (line("destroyed", BALLISTIC, "2027-01", "5"), "an outcome without launches is not scored"),
    (line("not_reach_goal", CRUISE, "2024-11", "2"), "lost is stated but not shot down"),
    (line("destroyed", SHAHED, "2024-12", "900"), "no lost drones stated, counted as none"),
    (line("destroyed", CRUISE, "2024-08", "1"), "differs from the frozen fit window"),
    (line("launched", CRUISE, "2024-09", "77"), "in the register: the file is used"),
    (line("destroyed", CRUISE, "2024-09", "3", role="not_scored"), "marked as not scored"),
    (line("destroyed", CRUISE, "2024-12", ""), "no count is stated"),
    (line("destroyed", BALLISTIC, "2024-09", "2"), "nothing"),
    (line("destroyed", BALLISTIC, "2024-09", "3"), "destroyed 3 beside 2 in held.csv:"),
)


def test_what_is_not_used_is_named(register: Register, tmp_path: Path) -> None:
    found = score(register, tmp_path / "held.csv", [row for row, _ in UNUSED])
    for _, note in UNUSED:
        assert note == "nothing" or any(note in text for text in found.notes), (note, found.notes)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([line("destroyed", CRUISE, "2024-09", "-3")], "not a count"),
        ([line("destroyed", CRUISE, "2024-09", "2.5")], "not a count"),
    ],
)
def test_rows_that_cannot_be_counts_are_refused_with_their_line(
    register: Register, tmp_path: Path, rows: list[str], message: str
) -> None:
    with pytest.raises(InputError, match=message) as error:
        score(register, tmp_path / "held.csv", rows)
    assert {(p.file, p.row) for p in error.value.problems} == {("held.csv", len(rows) + 1)}


def test_a_month_without_launches_is_named(register: Register, tmp_path: Path) -> None:
    rows = [*later(3), line("launched", CRUISE, "2024-12", "0"), line("launched", BALLISTIC, "2024-12", "9")]
    found = score(register, tmp_path / "held.csv", [*rows, line("destroyed", BALLISTIC, "2024-12", "3")])
    assert f"{CRUISE} 2024-12: no launches, nothing to score" in found.notes


def test_types_that_are_not_scored_are_shown(scored: AirDefence) -> None:
    assert "kh22_32_supersonic_asm" in scored.months
    assert all(e.month.type_group in SCORED for events in scored.events.values() for e in events)
