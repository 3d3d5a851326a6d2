"""A tiny register that is complete and consistent, for tests that need one they may break."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from isthmus.register.columns import columns
from isthmus.register.records import TABLES

settings.register_profile("isthmus", deadline=None)  # Time says something of the machine, not of the program.
settings.load_profile("isthmus")

FACT = {"kind": "fact", "source_id": "gazette", "as_of": "2025-06", "confidence": "A"}
GUESS = {"kind": "assumption", "note": "no figure is published"}

TINY: dict[str, list[dict[str, str]]] = {
    "sources": [
        {
            "source_id": "gazette",
            "title": "Gazette",
            "publisher": "Ministry",
            "url": "https://example.org/gazette",
            "host_class": "official_or_company",
        },
        {
            "source_id": "paper",
            "title": "Paper, daily",
            "publisher": "Press",
            "url": "https://example.org/paper",
            "host_class": "press_or_thinktank",
        },
        {
            "source_id": "unread",
            "title": "Unread",
            "publisher": "Press",
            "url": "https://example.org/unread",
            "host_class": "press_or_thinktank",
        },
    ],
    "theaters": [{"theater_id": "west", "name": "West"}, {"theater_id": "east", "name": "East"}],
    "missions": [{"mission_id": "fires", "name": "Fires", "fill_rule": "pooled", "tier": "campaign"}],
    "classes": [{"class_id": "gun", "mission_id": "fires", "name": "Guns", "effect_unit": "one round"}],
    "layers": [{"layer_id": "standard", "name": "Standards", "lever": "interchange"}],
    "maturities": [{"maturity_id": "agreed", "name": "Agreed", "meaning": "signed"}],
    "tie_types": [{"tie_type_id": "pact", "name": "Pact", "guarantee": "yes"}],
    "families": [{"family_id": "gun_155mm", "name": "155 mm", "interchange": "makes"}],
    "actors": [
        {"actor_id": "USA", "name": "United States", "type": "state", "side": "allied", "hub": "yes"},
        {"actor_id": "JPN", "name": "Japan", "type": "state", "side": "allied", "home_theater": "east", "hub": "no"},
        {"actor_id": "POL", "name": "Poland", "type": "state", "side": "allied", "home_theater": "west", "hub": "no"},
        {"actor_id": "CHN", "name": "China", "type": "state", "side": "rival", "home_theater": "east", "hub": "yes"},
        {"actor_id": "PACT", "name": "The Pact", "type": "bloc", "side": "allied", "hub": "no"},
    ],
    "memberships": [
        {"actor_id": "USA", "bloc_id": "PACT", "since": "1949", **FACT},
        {"actor_id": "POL", "bloc_id": "PACT", "since": "1999-03-12", **FACT},
    ],
    "items": [
        {
            "item_id": "round_standard",
            "layer": "standard",
            "name": "One standard round",
            "side": "allied",
            "lead": "USA",
            "since": "2009",
            "applies_to": "PACT;JPN",
            "families": "gun_155mm",
            **FACT,
        },
        {"item_id": "shared_stock", "layer": "concept", "name": "Shared stock", "side": "allied", **FACT},
    ],
    "adoptions": [
        {"actor_id": "JPN", "item_id": "round_standard", "maturity": "declared", "since": "2019", "until": "2024", **FACT},
        {"actor_id": "JPN", "item_id": "round_standard", "maturity": "agreed", "since": "2024", **FACT},
        {"actor_id": "POL", "item_id": "round_standard", "maturity": "implemented", **GUESS},
    ],
    "ties": [
        {
            "actor_a": "USA",
            "actor_b": "JPN",
            "tie_type": "pact",
            "start": "1960",
            "guarantor": "USA",
            "name": "Treaty of 1960",
            **FACT,
        }
    ],
    "exercises": [
        {
            "exercise_id": "shield_2024",
            "name": "Shield",
            "year": "2024",
            "lead": "USA",
            "participants": "USA;JPN",
            "theater_id": "east",
            "exercise_kind": "field",
            **FACT,
        }
    ],
    "materiel": [
        {
            "materiel_id": "shell_155",
            "name": "155 mm shell",
            "mission_id": "fires",
            "class_id": "gun",
            "family_id": "gun_155mm",
            "use": "expendable",
            "effect_low": "1",
            "effect_mode": "1",
            "effect_high": "1",
            "mass_kg": "45",
            **FACT,
        }
    ],
    "elements": [{"element_id": "howitzer", "name": "Howitzer", "mission_id": "fires", "class_id": "gun", "weight": "1"}],
    "fires": [{"element_id": "howitzer", "materiel_id": "shell_155", "path": "now", **FACT}],
    "force_elements": [
        {
            "actor_id": "POL",
            "element_id": "howitzer",
            "maturity": "implemented",
            "low": "200",
            "mode": "220",
            "high": "240",
            "unit": "units",
            **FACT,
        }
    ],
    "lines": [
        {
            "actor_id": "USA",
            "materiel_id": "shell_155",
            "line_id": "usa_155",
            "name": "All plants",
            "scope": "total",
            "measure": "complete",
            "low": "480000",
            "mode": "480000",
            "high": "480000",
            "unit": "units/year",
            **FACT,
        }
    ],
    "stocks": [
        {
            "actor_id": "POL",
            "materiel_id": "shell_155",
            "measure": "on_hand",
            "low": "90",
            "mode": "100",
            "high": "120",
            "unit": "units",
            **FACT,
        },
        {
            "actor_id": "POL",
            "materiel_id": "shell_155",
            "measure": "on_hand",
            "low": "60",
            "mode": "70",
            "high": "80",
            "unit": "units",
            "kind": "fact",
            "source_id": "paper",
            "as_of": "2025-09",
            "confidence": "B",
        },
        {
            "actor_id": "POL",
            "materiel_id": "shell_155",
            "measure": "on_hand",
            "low": "10",
            "mode": "50",
            "high": "500",
            "unit": "units",
            **GUESS,
        },
    ],
    "consumption": [
        {
            "actor_id": "POL",
            "materiel_id": "shell_155",
            "context": "training",
            "measure": "observed",
            "low": "5",
            "mode": "6",
            "high": "7",
            "unit": "units/day",
            **FACT,
        }
    ],
    "transfers": [
        {
            "supplier": "USA",
            "recipient": "POL",
            "materiel_id": "shell_155",
            "measure": "delivered",
            "mode_of_transfer": "sale",
            "low": "10",
            "mode": "10",
            "high": "10",
            "unit": "units",
            **FACT,
        }
    ],
    "unit_costs": [{"materiel_id": "shell_155", "low": "0.003", "mode": "0.004", "high": "0.008", "unit": "MUSD", **FACT}],
    "plan_actual": [
        {
            "programme": "Shells for all",
            "actor_id": "USA",
            "materiel_id": "shell_155",
            "planned": "100",
            "achieved": "80",
            "unit": "units",
            "due": "2025-01",
            "slip_months": "-1.5",
            "share_of_plan": "0.8",
            "outcome": "late",
            **FACT,
        }
    ],
    "uncertainties": [
        {
            "uncertainty_id": "reserve",
            "name": "Reserve floor",
            "shape": "pert",
            "low": "0.1",
            "mode": "0.3",
            "high": "0.6",
            "unit": "share",
            **GUESS,
        }
    ],
}


def csv_text(table: str, rows: list[dict[str, str]]) -> str:
    """Rows as the text of a CSV file with every column of the table."""
    model = next(m for m in TABLES if m.table == table)
    names = [c.name for c in columns(model)]
    lines = [names, *([row.get(name, "") for name in names] for row in rows)]
    return "".join(",".join(f'"{cell}"' if "," in cell else cell for cell in line) + "\n" for line in lines)


def write_tiny(folder: Path) -> Path:
    """Write the tiny register into a folder and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for model in TABLES:
        (folder / f"{model.table}.csv").write_text(csv_text(model.table, TINY.get(model.table, [])), encoding="utf-8")
    return folder


@pytest.fixture
def tiny_register(tmp_path: Path) -> Path:
    """A folder with a register of a few rows per table, without a fault."""
    return write_tiny(tmp_path / "register")
