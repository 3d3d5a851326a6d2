"""Importers on the public files themselves, where this machine has copies: published totals are reproduced.

The copies are looked for in the folder named by ISTHMUS_DATASETS, else in ../shared/datasets beside the repository.
"""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from isthmus.register.importers import atop, cow, dod, exercises, icb, kiel, missiles, nisp, oryx, pla, rdmc, read, sipri, un

ROOT = Path(__file__).resolve().parents[2]
DATASETS = Path(os.environ.get("ISTHMUS_DATASETS") or ROOT.parent / "shared" / "datasets")
VALIDATION = ROOT.parent / "shared" / "validation"
NEEDS_OPENPYXL = "the package openpyxl is not installed"


def copy(*parts: str) -> Path:
    path = DATASETS.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"no copy of {'/'.join(parts)}: set ISTHMUS_DATASETS to a folder with the public files")
    return path


def test_nmc_has_17121_state_years() -> None:
    frame = cow.read_nmc(copy("cow", "cow_nmc.csv"))
    assert len(frame) == 17_121
    assert (frame.year.min(), frame.year.max()) == (1816, 2022)
    assert not frame.duplicated(["actor", "year"]).any()
    shares = frame.groupby("year").cinc.sum()
    assert shares.between(0.999, 1.075).all(), "shares of the world; this edition exceeds one by up to 7.5% (1860)"


def test_atop_401_has_745_alliances_and_2398_members() -> None:
    found = atop.read_atop(copy("atop"))
    assert found.alliances is not None
    assert found.members is not None
    assert found.dyad_years is not None
    assert found.dyad_spells is not None
    assert len(found.alliances) == 745
    assert found.alliances.alliance_id.is_unique
    assert len(found.members) == 2_398
    assert set(found.members.alliance_id) == set(found.alliances.alliance_id)
    assert (found.alliances.ended & ~found.alliances.terminated).sum() == 49
    assert len(found.dyad_years) == 136_648
    spells = found.dyad_spells[found.dyad_spells.kind == "any_obligation"]
    assert spells.years.sum() == (spells.end_year - spells.start_year + 1).sum()


def test_fmn_spiral_5_has_136_service_profiles() -> None:
    found = nisp.read_nisp(copy("nisp", "nisp-fmn5-20221202.xml"))
    assert (found.profiles.kind == "service").sum() == 136
    assert set(found.requirements.profile_id) <= set(found.profiles.profile_id)
    everything = nisp.read_folder(copy("nisp"))
    assert (everything["nisp-fmn4-20211022.xml"].profiles.kind == "service").sum() == 71
    assert len(everything["standards.xml"].standards) > 2_000


def test_missiles_give_the_monthly_totals_of_the_hindcast() -> None:
    daily = missiles.read_daily(copy("missile_attacks", "missile_attacks_daily.csv"))
    expected_file = VALIDATION / "hindcast_air_defence_monthly.csv"
    if not expected_file.exists():
        pytest.skip("no copy of hindcast_air_defence_monthly.csv")
    names = ["rows", "launched", "destroyed", "not_reach_goal", "still_attacking"]
    expected = pd.read_csv(expected_file).rename(columns={"n_attack_rows": "rows"}).set_index(["month", "type_group"])[names]
    totals = missiles.totals(daily).set_index(["month", "type_group"])[names].fillna(0)
    totals = totals[totals.index.get_level_values("month") <= "2024-08"]
    assert len(totals) == len(expected) == 167
    pd.testing.assert_frame_equal(
        totals.sort_index(), expected.sort_index(), check_dtype=False, check_index_type=False, check_column_type=False
    )


def test_un() -> None:
    found = un.read_un(copy("un"))
    assert found.votes is not None
    assert found.roll_calls is not None
    assert found.countries is not None
    assert set(found.votes.rcid) <= set(found.roll_calls.rcid)
    assert set(found.votes.country) <= set(found.countries.country)
    assert found.votes.session.max() == 74
    assert len(found.votes) > 860_000


def test_sipri_tables() -> None:
    tiv = sipri.read_tiv(copy("sipri", "tiv_supplier_recipient_year.csv"))
    assert (tiv.year.min(), tiv.year.max()) == (1990, 2024)
    register = sipri.read_trade_register(copy("sipri", "trade_register.csv"))
    assert len(register) == 29_056, "29,058 rows, of which two are second halves"
    assert register.tiv_per_unit.notna().mean() > 0.99


def test_milex() -> None:
    pytest.importorskip("openpyxl", reason=NEEDS_OPENPYXL)
    frame = sipri.read_milex(copy("sipri", "milex_1949-2024.xlsx"))
    assert (frame.year.min(), frame.year.max()) == (1949, 2024)
    share = frame[(frame.actor == "POL") & (frame.year == 2024) & (frame.measure == "share_of_gdp")].value
    assert share.between(0.03, 0.06).all()
    assert len(share) == 1
    assert frame.measure.nunique() == 6


def test_p1_adds_up_to_the_total_of_the_workbook() -> None:
    pytest.importorskip("openpyxl", reason=NEEDS_OPENPYXL)
    sums = dod.read_p1(copy("dod_p1", "p1_display.xlsx")).groupby("fiscal_year")[["quantity", "amount_kusd"]].sum()
    assert sums.to_numpy().tolist() == [[22_219, 190_969_077], [12_843, 177_796_690], [16_260, 182_062_095]]


def test_kiel() -> None:
    pytest.importorskip("openpyxl", reason=NEEDS_OPENPYXL)
    frame = kiel.read_kiel(copy("kiel", "UkraineTracker_Categorized.xlsx"))
    assert len(frame) == 4_444
    assert frame.announced.max() < pd.Timestamp(2025, 1, 1)
    assert set(frame.donor[frame.actor.isna()]) == {
        "EU (Commission and Council)",
        "European Investment Bank",
        "European Peace Facility",
    }


def test_oryx() -> None:
    found = oryx.read_oryx(copy("oryx"))
    assert found.by_type is not None
    parts = found.by_type[~found.by_type.subtotal].groupby("country").total.sum()
    whole = found.by_type[found.by_type.equipment_type == "All Types"].set_index("country").total
    assert (parts - whole).abs().max() <= 5


def test_pla() -> None:
    found = pla.read_pla(copy("pla", "JapanandBattleship.csv"))
    means = found.taiwan.groupby("series").aircraft.mean()
    assert means["from_2022_08"] > 1.5 * means["to_2022_07"]
    assert len(found.japan) > 200


@pytest.mark.parametrize(
    ("name", "parts", "rows"),
    [
        ("troops", ("troops", "troopdata-rebuild-country-year.csv"), 13_135),
        ("natural-earth", ("natural_earth", "ne_110m_admin_0_countries.json"), 177),
        ("chpl", ("chpl", "chpl_hs6_tiers.csv"), 50),
    ],
)
def test_rows(name: str, parts: tuple[str, ...], rows: int) -> None:
    assert len(read(name, copy(*parts))) == rows


def test_icb_exercises_rdmc() -> None:
    found = icb.read_icb(copy("icb"))
    assert found.crises is not None
    assert found.actors is not None
    assert set(found.actors.crisis_id) <= set(found.crises.crisis_id)
    mme = exercises.read_exercises(copy("exercises", "mme_v7.csv"))
    assert len(mme.events) == 3_707
    assert set(mme.participants.row) <= set(mme.events.row)
    stocks = rdmc.read_rdmc(copy("rdmc", "rDMC_wide_v1.csv"))
    assert (stocks.year.min(), stocks.year.max()) == (1970, 2014)
