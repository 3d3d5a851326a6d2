"""A small document of a validation, as `isthmus validate --out` writes it, with passed and failed cases of every kind."""

from __future__ import annotations

from typing import Any

HASH = "a" * 64
MONTHS = ["2023-08", "2023-09", "2023-10", "2023-11", "2023-12"]


def case(name: str, kind: str, *, passed: bool, **more: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("block", "unit", "observed", "low", "median", "high", "score", "cover90", "leave_one_out_worst"))
    said = {"title": f"Title of {name}", "why": f"Rule of {name}. Numbers follow.", "tests": "", "rivals": {}, "sources": []}
    return {"case": name, "kind": kind, "passed": passed, **empty, **said, **more}


def _row(event: str, role: str, block: str, observed: float, low: float, high: float, **more: Any) -> dict[str, Any]:
    return {
        "set": role,
        "block": block,
        "event": event,
        "speaker": "an_analyst",
        "episode": "autumn",
        "actor": "RUS",
        "basis": "narrow_western",
        "start": "2023-09-01",
        "end": "2023-09-30",
        "unit": "rounds/day",
        "observed": observed,
        "low": low,
        "median": (low + high) / 2,
        "high": high,
        "crps": 0.125,
        "inside": low <= observed <= high,
        "rivals": {"persistence": 0.25, "mass_balance": 0.0625},
        **more,
    }


def _events(kind: str, shares: list[float]) -> list[dict[str, Any]]:
    months = ("2024-06", "2024-07", "2024-08", "2024-09")
    return [
        {"type": kind, "month": m, "observed": s, "low": 0.2, "median": 0.5, "high": 0.8}
        for m, s in zip(months, shares, strict=True)
    ]


def document() -> dict[str, Any]:
    """Seven cases, three of them failed; two parameters, one not identified; one observation outside its interval."""
    series = {"low": [1.0] * 5, "median": [2.0] * 5, "high": [3.0] * 5, "hard": [2.5] * 5}
    rival = {"rival_low": [4.0] * 5, "rival": [5.0] * 5, "rival_high": [6.0] * 5}
    seen = {"at": "2023-10", "low": 2.0, "value": 2.2, "high": 2.4, "source": "somewhere", "scored": True}
    delay = {
        "experiment": "E5",
        "name": "weeks into use",
        "unit": "weeks",
        "at": ["missile on launcher (USA)"],
        **{k: [v] for k, v in (("low", 9.0), ("median", 25.0), ("high", 130.0), ("hard", 156.0))},
        **{k: [v] for k, v in (("rival_low", 3.0), ("rival", 7.0), ("rival_high", 9.0))},
        "seen": [{"at": "missile on launcher (USA)", "low": 65, "value": 65, "high": 65, "source": "somewhere", "scored": True}],
    }
    return {
        "register": {"hash": HASH, "newest": "2026-07"},
        "cases": [
            case("closed_form.stock", "closed_form", passed=True, unit="weeks", observed=42.5, low=42.5, median=42.5, high=42.5),
            case("published.lost", "published", passed=False, unit="%", observed=7.4, low=5.6, median=5.6, high=5.6),
            case("mass_balance.one", "mass_balance", passed=True, unit="rounds", low=2.5e6, median=5e6, high=7.9e6),
            case(
                "artillery.scored",
                "hindcast",
                passed=False,
                block="conditional",
                score=0.24,
                cover90=0.95,
                leave_one_out_worst=-0.14,
                rivals={"persistence": 0.36, "mass_balance": 0.23},
                why="Failed: does not beat mass_balance by more than one s.e.. CRPS less that of the rival follows.",
            ),
            case("air.level", "hindcast", passed=True, score=0.061, rivals={"persistence": 0.074}),
            case("natural.E1.one", "natural_experiment", passed=True, tests="materiel counts where launchers fire it"),
            case("natural.E5.delay", "natural_experiment", passed=False),
        ],
        "artillery": {
            "months": MONTHS,
            "series": {"RUS": [[5000.0] * 5, [10000.0] * 5, [20000.0] * 5]},
            "rows": [
                _row("inside", "fit", "conditional", 11000.0, 5000.0, 20000.0),
                _row("outside", "fit", "conditional", 30000.0, 5000.0, 20000.0, basis="broad_ukr_mod"),
                _row("later", "held", "conditional", 9000.0, 5000.0, 20000.0, start="2023-11-01", end="2023-11-30"),
                _row("ahead", "held", "forecast", 9000.0, 2000.0, 40000.0),
            ],
            "parsimony": [
                {
                    "equation": "reserve kept back",
                    "crps_full": 0.24,
                    "crps_without": 0.23,
                    "difference": 0.01,
                    "standard_error_event": 0.002,
                    "standard_error_speaker": 0.003,
                    "label": "worse than without: assumption, not supported",
                }
            ],
            "identifiability": [
                {
                    "parameter": name,
                    "unit": "weeks",
                    "prior_low": 8.0,
                    "prior_high": 200.0,
                    "low": 11.0,
                    "median": 28.0,
                    "high": 107.0,
                    "spread_ratio": ratio,
                    "identified": ratio < 0.9,
                    "reason": f"no count of {name}",
                }
                for name, ratio in (("plan.RUS", 0.78), ("reserve.RUS", 0.99))
            ],
            "outcome_rule": [
                {"ratio": 3.0, "undecided": 0.375, "defence_unsustained": 0.625},
                {"ratio": 8.0, "undecided": 0.84, "defence_unsustained": 0.16},
            ],
            "frozen": "f" * 64,
            "stale": [],
            "until": "2023-12-31",
            "extrapolated_from": "2023-11-30",
            "unscored": [{"row": "a.peak", "why": "Bound, no mean."}],
        },
        "air_defence": {
            "events": {
                "air_defence.one_month.fit_window": _events("cruise", [0.5, 0.6, 0.7, 0.1])[:3],
                "air_defence.one_month.later": _events("cruise", [0.5, 0.6, 0.7, 0.1])[3:],
            },
            "parsimony": [
                {"type_group": "cruise", "term": "trend", "slope": 0.157, "log_likelihood_gain": 0.09, "aic_change": 1.81}
            ],
            "rolling_origin": {"events": 3, "cover90": 1.0, "crps": {"model": 0.04, "persistence": 0.05, "mean": 0.05}},
            "notes": [],
        },
        "natural": {
            "tests": [
                {
                    "case": "natural.E1.one",
                    "experiment": "E1",
                    "verdict": "compatibility",
                    "hard_does_as_well": True,
                    "informed": "",
                    "threats": "One side only.",
                },
                {
                    "case": "natural.E5.delay",
                    "experiment": "E5",
                    "verdict": "rival",
                    "hard_does_as_well": False,
                    "informed": "",
                    "threats": "Few.",
                },
            ],
            "series": [
                {
                    "experiment": "E1",
                    "name": "fire, all tubes",
                    "unit": "rounds/day",
                    "at": MONTHS,
                    **series,
                    **rival,
                    "seen": [seen],
                },
                {"experiment": "E9", "name": "nothing seen", "unit": "share", "at": MONTHS, **series, **rival, "seen": []},
                delay,
            ],
        },
        "untested": ["No war was fought in two ecosystems.", "Needs data: `isthmus durability`."],
    }
