"""Dependence on the hub: indicators from a tiny register, worlds on the reference study's network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from isthmus.errors import InputError
from isthmus.interop import dependence
from isthmus.interop.fronts import EcosystemRule
from isthmus.interop.reach import reach
from isthmus.interop.supply import Supply
from isthmus.register import Register
from isthmus.study import Study
from isthmus.study.plan import make_plan
from tests.conftest import FACT, TINY, csv_text, write_tiny

SHELL, MISSILE = TINY["materiel"][0], TINY["materiel"][0] | {"materiel_id": "missile", "family_id": "one_article"}


def register_of(folder: Path, **changed: list[dict[str, str]]) -> Register:
    write_tiny(folder)
    tables = {
        "families": [*TINY["families"], {"family_id": "one_article", "name": "One article", "interchange": "common"}],
        "materiel": [SHELL, MISSILE],
    } | changed
    for name, rows in tables.items():
        (folder / f"{name}.csv").write_text(csv_text(name, rows), encoding="utf-8")
    return Register.load(folder)


def indicator(name: str, period: str, value: str, unit: str) -> dict[str, str]:
    return {"actor_id": "JPN", "indicator": name, "period": period, "value": value, "unit": unit, **FACT, "as_of": "2025-06"}


def value_of(frame: pd.DataFrame, measure: str, actor: str = "JPN") -> pd.Series:
    (row,) = [r for _, r in frame[(frame["measure"] == measure) & (frame["actor"] == actor)].iterrows()]
    return row


def test_published_shares_are_the_newest_to_the_date(tmp_path: Path) -> None:
    rows = [
        indicator("arms_imports_share_usa", "2014-18", "60", "%"),
        indicator("arms_imports_share_usa", "2019-23", "97", "%"),
        indicator("troops_hosted_usa", "2024", "52000", "persons"),
        indicator("troops_hosted_usa", "2024", "55000", "persons") | {"source_id": "paper"},
    ]
    register = register_of(tmp_path, indicators=rows)
    now = dependence.indicators(register, "2026")
    assert value_of(now, "arms_imports_share")["value"] == pytest.approx(0.97)
    troops = value_of(now, "troops_hosted")
    assert (troops["low"], troops["high"]) == (52000, 55000)
    then = dependence.indicators(register, "2020")
    assert value_of(then, "arms_imports_share")["value"] == pytest.approx(0.60)
    assert "troops_hosted" not in set(then["measure"])  # not known yet is not none


def test_shares_of_imports_from_deliveries_by_year(tmp_path: Path) -> None:
    arms = pd.DataFrame(
        {
            "supplier_actor": ["USA", "POL", "USA"],
            "recipient_actor": ["JPN", "JPN", "JPN"],
            "year": [2019, 2018, 2005],
            "tiv": [30.0, 10.0, 500.0],
        }
    )
    frame = dependence.indicators(register_of(tmp_path), "2020-12-31", arms=arms)
    assert value_of(frame, "arms_imports_share")["value"] == pytest.approx(0.75)


def stock(materiel: str, actor: str, count: str) -> dict[str, str]:
    return {
        "actor_id": actor,
        "materiel_id": materiel,
        "measure": "on_hand",
        "unit": "units",
        "low": count,
        "mode": count,
        "high": count,
        **FACT,
    }


def line(materiel: str, actor: str, licensor: str = "") -> dict[str, str]:
    return TINY["lines"][0] | {"materiel_id": materiel, "actor_id": actor, "line_id": f"{actor}_{materiel}", "licensor": licensor}


@pytest.mark.parametrize(
    ("lines", "low", "high"),
    [
        ([line("missile", "USA")], 1, 1),  # only the hub makes it
        ([line("missile", "USA"), line("missile", "JPN", "USA")], 0, 1),  # made under the hub's licence as well
        ([line("missile", "POL")], 0, 0),  # another ally makes it
        ([], 0, 1),  # nobody knows who makes it
    ],
)
def test_stocks_that_the_hub_makes(tmp_path: Path, lines: list[dict[str, str]], low: float, high: float) -> None:
    register = register_of(tmp_path, stocks=[stock("missile", "JPN", "10"), stock("shell_155", "JPN", "500")], lines=lines)
    row = value_of(dependence.indicators(register, "2026"), "stock_share.gun")
    assert (row["low"], row["high"]) == (low, high)
    assert pd.isna(row["value"]) == (low != high)


def test_another_hub_can_be_named(tmp_path: Path) -> None:
    register = register_of(tmp_path, stocks=[stock("missile", "JPN", "10")], lines=[line("missile", "POL")])
    frame = dependence.indicators(register, "2026", hub_of={"allied": "POL"})
    assert value_of(frame, "stock_share.gun")["value"] == 1
    assert set(frame["hub"]) == {"POL"}


def test_kinds_delivered_count_once(tmp_path: Path) -> None:
    def gift(supplier: str, materiel: str, measure: str = "delivered") -> dict[str, str]:
        row = TINY["transfers"][0] | {"supplier": supplier, "materiel_id": materiel, "measure": measure, "recipient": "JPN"}
        return row | {"period_from": "2024-01", "period_to": "2024-12"}

    rows = [gift("USA", "shell_155"), gift("POL", "shell_155"), gift("POL", "missile"), gift("USA", "missile", "announced")]
    frame = dependence.indicators(register_of(tmp_path, transfers=rows), "2026")
    assert value_of(frame, "arms_kinds_share")["value"] == pytest.approx(1 / 2)


def test_enablers_of_a_hub_without_a_count_are_unknown() -> None:
    frame = dependence.enablers(Register.reference(), "2026-06-30")
    assert frame.loc[frame["in_service"].isna(), "hub_share"].isna().all()
    assert frame["hub_share"].dropna().between(0, 1).all()
    assert (frame.groupby("scope").size() == len(dependence.ENABLERS)).all()


# Worlds


@pytest.fixture(scope="module")
def world() -> tuple[Supply, EcosystemRule, Mapping[str, np.ndarray]]:
    plan = make_plan(Study.load("reference"), Register.reference(), futures=64)
    return plan.wide, plan.study.ecosystems[0].rule(), plan.design.draw(0, 64)


def test_an_absent_actor_is_one_that_the_study_leaves_out(world: tuple[Supply, EcosystemRule, Mapping[str, np.ndarray]]) -> None:
    """Taking an actor out of a built network gives what a study with `absent` gives."""
    supply, rule, draws = world
    study = Study.load("reference").model_copy(update={"absent": ("USA",)})
    built = make_plan(study, Register.reference(), futures=64)
    expected = reach(built.wide, rule, draws)
    found = reach(dependence.with_absent(supply, ["USA"]), rule, draws)
    for key, values in expected.items():
        np.testing.assert_allclose(found[key]["reachable"], values["reachable"])


def test_nobody_gains_by_an_absence(world: tuple[Supply, EcosystemRule, Mapping[str, np.ndarray]]) -> None:
    supply, rule, draws = world
    frame = dependence.abandonment(supply, rule, draws)
    assert set(frame["absent"]) == set(supply.hub_of.values())
    assert frame["hub"].all()
    sides = {f.front_id: f.side for f in supply.setting.fronts}
    assert all(supply.hub_of[sides[front]] == absent for front, absent in zip(frame["front"], frame["absent"], strict=True))
    known = frame.dropna(subset=["kept"])
    assert known["kept"].between(0, 1 + 1e-9).all()
    assert (known["kept_low"] <= known["kept_high"]).all()
    nobody = dependence.abandonment(supply, rule, draws, ["ISL"])
    assert nobody["kept"].dropna().to_numpy() == pytest.approx(1.0, abs=0.05)


def test_what_one_front_takes_another_lacks(world: tuple[Supply, EcosystemRule, Mapping[str, np.ndarray]]) -> None:
    supply, rule, draws = world
    frame = dependence.entrapment(supply, rule, draws)
    assert frame["lost"].dropna().between(0, 1 + 1e-9).all()
    (only,) = set(dependence.entrapment(supply, rule, draws, ["JPN"])["drawn_in"])
    assert only == "JPN"
    gone = dependence.with_absent(supply, ["JPN"])
    assert "JPN" not in set(dependence.entrapment(gone, rule, draws)["drawn_in"])


def test_a_front_without_a_rival_front_loses_nothing(world: tuple[Supply, EcosystemRule, Mapping[str, np.ndarray]]) -> None:
    """Where an ally's lots fit one front only, being drawn into the other war takes nothing from it."""
    supply, rule, draws = world
    one = supply.setting.fronts[0].front_id
    kept = [e for e in supply.edges if supply.setting.fronts[supply.cells[supply.pools[e.pool].cell].front].front_id == one]
    assert dependence.entrapment(replace(supply, edges=tuple(kept)), rule, draws).empty


def test_links_lower_the_hubs_share(world: tuple[Supply, EcosystemRule, Mapping[str, np.ndarray]]) -> None:
    supply, rule, draws = world
    frame = dependence.links(supply, rule, draws)
    assert not set(frame["donor"]) & set(supply.hub_of.values())
    assert (frame["gain"] >= 0).all()
    assert (frame["hub_share_linked"] <= frame["hub_share"] + 1e-12).all()
    assert frame["gain"].is_monotonic_decreasing


def test_the_command_gives_the_frames_and_names_what_it_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    from isthmus import cli

    cli.app(["dependence", "--actor", "USA", "--futures", "64", "--json"], standalone_mode=False)
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"abandonment", "entrapment", "links"}
    assert {row["absent"] for row in found["abandonment"]} == {"USA"}
    assert all(0 <= row["kept_low"] <= row["kept"] <= row["kept_high"] <= 1 for row in found["abandonment"])
    with pytest.raises(InputError) as caught:
        cli.app(["dependence", "--actor", "XXX", "--ecosystem", "none", "--futures", "64"], standalone_mode=False)
    assert {p.found for p in caught.value.problems} == {"none", "XXX"}
