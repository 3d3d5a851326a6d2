"""A register and a study of a war in two theaters whose numbers fit on paper.

Every uncertainty is a constant unless a study overrides it, and every quantity is an assumption, so that nothing is widened: reach
follows by hand. Allied: HUB (no home), WES (home west), EAS (home east), DON (gives only). Rival: RIV (west), RIE (east).
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from isthmus.register import Register
from isthmus.register.records import TABLES
from isthmus.study import Study
from isthmus.study.plan import Plan, make_plan
from tests.conftest import csv_text

WEEKS_A_YEAR = 52.18
GUESS = {"kind": "assumption", "note": "a round figure for tests"}
FACT = {"kind": "fact", "source_id": "gazette", "as_of": "2025-06", "confidence": "A"}

STOCK = {"WES": 1000.0, "HUB": 2000.0, "DON": 500.0, "EAS": 800.0}
"""155 mm shells, units."""
RIVAL_STOCK = {"RIV": 3000.0, "RIE": 1500.0}
"""152 mm shells, units."""
HUB_A_WEEK = 100.0
EAS_A_WEEK = 10.0
RIV_A_WEEK = 20.0
RATE = 5.0
"""Rounds that a tube fires a week, at most."""

CONSTANTS: dict[str, tuple[float, str]] = {
    "interchange.gun_155mm": (0.7, "share"),
    "interchange.gun_152mm": (0.7, "share"),
    "friction.loss.shared": (0.0, "share"),
    "friction.loss.unshared": (0.0, "share"),
    "friction.weeks.shared": (0, "weeks"),
    "friction.weeks.unshared": (0, "weeks"),
    "familiarity.half_life": (24, "months"),
    "familiarity.weight": (0.3, "share"),
    "floor.belligerent": (0.1, "share"),
    "floor.donor.unpooled": (0.6, "share"),
    "floor.donor.pooled": (0.3, "share"),
    "prior.unknown.concept": (0.2, "share"),
    "prior.unknown.doctrine": (0.2, "share"),
    "prior.unknown.capability": (0.2, "share"),
    "prior.unknown.technology": (0.2, "share"),
    "prior.unknown.industry": (0.2, "share"),
    "prior.unknown.standard": (0.2, "share"),
    "prior.unknown.step": (0.5, "share"),
    "fights.sure": (1, "probability"),
    "fights.never": (0, "probability"),
    "fights.ally": (0.65, "probability"),
    "desk.rho": (0.5, "correlation"),
    **{f"desk.{c}.supplies": (1, "probability") for c in ("treaty_ally", "partner_past", "partner_none")},
    **{f"desk.{c}.first": (2, "weeks") for c in ("treaty_ally", "partner_past", "partner_none")},
    **{f"desk.{c}.gap": (4, "weeks") for c in ("treaty_ally", "partner_past", "partner_none")},
    **{f"desk.{c}.size": (5, "weeks") for c in ("treaty_ally", "partner_past", "partner_none")},
    **{f"desk.{c}.stop": (0.001, "probability/month") for c in ("treaty_ally", "partner_past", "partner_none")},
    "lag.near": (1, "weeks"),
    "lag.far": (4, "weeks"),
    "forward.outside": (0.0, "share"),
    "lift.allied": (100000, "tonnes/week"),
    "lift.rival": (100000, "tonnes/week"),
    "line.funded.land_fires": (0.5, "share"),
    "line.funded.missiles": (0.5, "share"),
    "line.slip": (0, "multiple"),
    "line.capacity_use": (0.7, "share"),
    "line.procured_to_output": (1.2, "multiple"),
    "line.complete_of_claimed": (0.6, "share"),
    "industry.lift": (0, "share"),
    "stock.left_of_delivered": (0.75, "share"),
    "claim.peacetime": (0, "share"),
    "plan.weeks": (20, "weeks"),
    "plan.cover": (3, "weeks"),
    "plan.reserve": (0, "weeks"),
    "rate.gun": (RATE, "units/week"),
    "duel.ratio": (5, "ratio"),
    "duel.pressure": (0.25, "share"),
    "exchange.wear": (0.01, "1/week"),
    "exchange.mend": (0.0, "1/week"),
    "exchange.replace": (0.0, "share"),
    **{
        f"need.{f}.{n}": (v, "rounds/week") for f, v in (("west", 100), ("east", 50), ("rival", 200)) for n in ("open", "plateau")
    },
    "need.fade": (4, "weeks"),
}


def _evidence(rows: list[dict[str, str]], evidence: dict[str, str] = GUESS) -> list[dict[str, str]]:
    return [{**row, **evidence} for row in rows]


def _quantity(value: float, unit: str) -> dict[str, str]:
    return {"low": f"{value:.6f}", "mode": f"{value:.6f}", "high": f"{value:.6f}", "unit": unit}


def _actor(actor: str, side: str, home: str = "", hub: str = "no", kind: str = "state") -> dict[str, str]:
    return {"actor_id": actor, "name": actor.title(), "type": kind, "side": side, "home_theater": home, "hub": hub}


def _materiel(materiel: str, class_id: str, family: str) -> dict[str, str]:
    effect = {"effect_low": "1", "effect_mode": "1", "effect_high": "1", "mass_kg": "45", "use": "expendable"}
    return {"materiel_id": materiel, "name": materiel, "mission_id": "fires", "class_id": class_id, "family_id": family, **effect}


def _line(actor: str, materiel: str, a_week: float, measure: str = "complete", **more: str) -> dict[str, str]:
    names = {"line_id": f"{actor.lower()}_{materiel}", "name": "All plants", "scope": "total", "measure": measure}
    return {"actor_id": actor, "materiel_id": materiel, **names, **_quantity(a_week * WEEKS_A_YEAR, "units/year"), **more}


def tables() -> dict[str, list[dict[str, str]]]:
    """Fresh rows of every table, to change and to write."""
    standard = {"WES": "implemented", "HUB": "agreed", "EAS": "declared", "DON": "none"}
    concept = {"WES": "agreed", "HUB": "agreed", "EAS": "declared", "DON": "declared"}
    found: dict[str, list[dict[str, str]]] = {
        "sources": [
            {
                "source_id": "gazette",
                "title": "Gazette",
                "publisher": "Ministry",
                "url": "https://example.org/gazette",
                "host_class": "official_or_company",
            }
        ],
        "theaters": [{"theater_id": "west", "name": "West"}, {"theater_id": "east", "name": "East"}],
        "missions": [{"mission_id": "fires", "name": "Fires", "fill_rule": "pooled", "tier": "campaign"}],
        "classes": [
            {"class_id": "gun", "mission_id": "fires", "name": "Guns", "effect_unit": "one round"},
            {"class_id": "rocket", "mission_id": "fires", "name": "Rockets", "effect_unit": "one rocket"},
        ],
        "layers": [
            {"layer_id": name, "name": name.title(), "lever": name}
            for name in ("concept", "doctrine", "capability", "technology", "industry", "standard")
        ],
        "maturities": [
            {"maturity_id": m, "name": m.title(), "meaning": m}
            for m in ("none", "declared", "agreed", "implemented", "exercised")
        ],
        "tie_types": [{"tie_type_id": "pact", "name": "Pact", "guarantee": "yes"}],
        "families": [
            {"family_id": "gun_155mm", "name": "155 mm", "interchange": "makes"},
            {"family_id": "gun_152mm", "name": "152 mm", "interchange": "makes"},
            {"family_id": "rocket_227mm", "name": "227 mm", "interchange": "common"},
        ],
        "actors": [
            _actor("HUB", "allied", hub="yes"),
            _actor("WES", "allied", "west"),
            _actor("EAS", "allied", "east"),
            _actor("DON", "allied"),
            _actor("RIV", "rival", "west", "yes"),
            _actor("RIE", "rival", "east"),
            _actor("PACT", "allied", kind="bloc"),
        ],
        "memberships": _evidence([{"actor_id": a, "bloc_id": "PACT", "since": "1949"} for a in ("WES", "HUB")], FACT),
        "items": _evidence(
            [
                {"item_id": "one_round", "layer": "standard", "name": "One round", "side": "allied", "families": "gun_155mm"},
                {"item_id": "shared_stock", "layer": "concept", "name": "Shared stock", "side": "allied"},
                {"item_id": "drill", "layer": "doctrine", "name": "Common drill", "side": "allied"},
            ],
            FACT,
        ),
        "adoptions": _evidence(
            [{"actor_id": a, "item_id": "one_round", "maturity": m} for a, m in standard.items()]
            + [{"actor_id": a, "item_id": "shared_stock", "maturity": m} for a, m in concept.items()]
            + [{"actor_id": "WES", "item_id": "drill", "maturity": "implemented"}]
            + [{"actor_id": "HUB", "item_id": "drill", "maturity": "exercised"}],
            FACT,
        ),
        "materiel": _evidence(
            [
                _materiel("shell_155", "gun", "gun_155mm"),
                _materiel("shell_152", "gun", "gun_152mm"),
                _materiel("rocket_227", "rocket", "rocket_227mm"),
            ]
        ),
        "elements": [
            {"element_id": e, "name": e, "mission_id": "fires", "class_id": "gun", "weight": "1"} for e in ("howitzer", "gun_152")
        ],
        "fires": _evidence(
            [
                {"element_id": "howitzer", "materiel_id": "shell_155", "path": "now"},
                {"element_id": "gun_152", "materiel_id": "shell_152", "path": "now"},
            ]
        ),
        "force_elements": _evidence(
            [
                {"actor_id": a, "element_id": e, "maturity": "implemented", **_quantity(n, "units")}
                for a, e, n in (("WES", "howitzer", 40), ("EAS", "howitzer", 20), ("RIV", "gun_152", 50), ("RIE", "gun_152", 25))
            ]
        ),
        "stocks": _evidence(
            [
                {"actor_id": a, "materiel_id": m, "measure": "on_hand", **_quantity(n, "units")}
                for m, held in (("shell_155", STOCK), ("shell_152", RIVAL_STOCK), ("rocket_227", {"HUB": 90.0}))
                for a, n in held.items()
            ]
        ),
        "lines": _evidence(
            [
                _line("HUB", "shell_155", HUB_A_WEEK),
                _line("EAS", "shell_155", EAS_A_WEEK),
                _line("EAS", "shell_155", 3 * EAS_A_WEEK, "plan", due="2027-10", as_of="2026-06"),
                _line("RIV", "shell_152", RIV_A_WEEK),
            ]
        ),
        "uncertainties": _evidence(
            [
                {"uncertainty_id": name, "name": name, "shape": "constant", **_quantity(value, unit)}
                for name, (value, unit) in CONSTANTS.items()
            ]
        ),
    }
    return {model.table: found.get(model.table, []) for model in TABLES}


def write(folder: Path, rows: dict[str, list[dict[str, str]]] | None = None) -> Path:
    """Write the tables into a folder and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for table, content in (rows or tables()).items():
        (folder / f"{table}.csv").write_text(csv_text(table, content), encoding="utf-8")
    return folder


def _front(place: str, side: str, fighters: list[str], donors: list[str]) -> dict[str, Any]:
    need = f"need.{place if side == 'allied' else 'rival'}"
    return {
        "front": f"{place}.{side}",
        "theater": place,
        "side": side,
        "role": "defender" if side == "allied" else "attacker",
        "belligerents": [{"actors": fighters, "fights": "fights.sure"}],
        "donors": donors,
        "needs": [
            {"class": "gun", "open": f"{need}.open", "plateau": f"{need}.plateau", "fade": "need.fade", "rate": "rate.gun"}
        ],
    }


STUDY: dict[str, Any] = {
    "study": "paper",
    "title": "Two theaters on paper",
    "date": "2026-10",
    "horizon_weeks": 52,
    "futures": 128,
    "seed": 7,
    "ecosystems": [
        {"name": "as_is", "threshold": "implemented"},
        {"name": "agreed", "threshold": "agreed"},
        {"name": "declared", "threshold": "declared"},
        {"name": "full", "threshold": "declared", "complete": ["standard", "doctrine", "concept"]},
    ],
    "war_cases": [
        {"name": "west_alone", "starts": {"west": 0}},
        {"name": "east_alone", "starts": {"east": 0}},
        {"name": "both", "starts": {"west": 0, "east": 0}},
        {"name": "west_then_east", "starts": {"west": 0, "east": 13}},
    ],
    "fronts": [
        _front("west", "allied", ["PACT"], ["DON", "EAS"]),
        _front("west", "rival", ["RIV"], ["RIE"]),
        _front("east", "allied", ["EAS", "HUB"], ["DON", "WES"]),
        _front("east", "rival", ["RIE"], ["RIV"]),
    ],
}

SPREAD: dict[str, dict[str, Any]] = {
    name: {"shape": shape, "low": low, "mode": mode, "high": high, "reason": "a range for tests"}
    for name, shape, low, mode, high in (
        ("interchange.gun_155mm", "pert", 0.4, 0.7, 0.95),
        ("floor.donor.unpooled", "pert", 0.4, 0.65, 0.9),
        ("stock:HUB:shell_155", "pert", 500, 2000, 6000),
        ("stock:RIV:shell_152", "pert", 500, 3000, 9000),
        ("need.west.open", "uniform", 60, 120, 400),
        ("need.east.open", "uniform", 30, 60, 200),
        ("need.rival.open", "pert", 50, 200, 600),
        ("plan.weeks", "loguniform", 8, 40, 200),
        ("desk.partner_none.first", "lognormal", 6, 20, 60),
        ("desk.partner_none.size", "pert", 0.2, 1, 5),
        ("desk.rho", "uniform", 0.2, 0.5, 0.8),
        ("friction.loss.unshared", "pert", 0.02, 0.08, 0.25),
        ("lag.far", "pert", 4, 6, 15),
        ("duel.ratio", "uniform", 3, 5, 8),
    )
}
"""Ranges that make futures differ."""


def constant(value: float) -> dict[str, Any]:
    """An override that fixes an uncertainty."""
    return {"shape": "constant", "low": value, "mode": value, "high": value, "reason": "fixed for a test"}


def study(**changes: Any) -> dict[str, Any]:
    """A fresh copy of the study with other values at its top level."""
    return {**deepcopy(STUDY), **changes}


def write_study(path: Path, **changes: Any) -> Path:
    path.write_text(yaml.safe_dump(study(**changes), sort_keys=False), encoding="utf-8")
    return path


def plan(register: Register, **changes: Any) -> Plan:
    """A plan of the study against a register."""
    return make_plan(Study.model_validate(study(**changes)), register)
