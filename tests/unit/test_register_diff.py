"""Two registers differ by what was edited and nothing else; the reference register differs between two dates as its sources say."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from isthmus import Register
from isthmus.errors import RegisterError
from isthmus.register.diff import NAMES, REFERENCE, Change, diff, diff_rows, summary
from isthmus.register.records import TABLES
from tests.conftest import TINY, csv_text, write_tiny


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    return write_tiny(tmp_path / "a"), write_tiny(tmp_path / "b")


def rewrite(folder: Path, table: str, rows: list[dict[str, str]]) -> None:
    (folder / f"{table}.csv").write_text(csv_text(table, rows), encoding="utf-8")


def test_equal_registers_do_not_differ(pair: tuple[Path, Path]) -> None:
    a, b = pair
    for table, rows in TINY.items():
        rewrite(b, table, random.Random(1).sample(rows, len(rows)))  # noqa: S311
    assert diff(Register.load(a), Register.load(b)) == []
    assert diff_rows(a, b) == ([], list(NAMES))
    assert summary([]) == []


def test_every_edit_is_one_change(pair: tuple[Path, Path]) -> None:
    a, b = pair
    first, second, guess = TINY["stocks"]
    rewrite(b, "stocks", [{**first, "mode": "110", "high": "130"}, {**second, "source_id": "unread"}, guess])
    rewrite(b, "theaters", [*TINY["theaters"], {"theater_id": "north", "name": "North"}])
    rewrite(b, "actors", [{**row, "home_theater": ""} for row in TINY["actors"]])
    stated = "unit=units; low=60; mode=70; high=80; kind=fact; confidence=B"
    changes = diff(Register.load(a), Register.load(b))
    assert changes == [
        Change("theaters", "north", "added", None, None, "name=North"),
        Change("actors", "CHN", "changed", "home_theater", "east", None),
        Change("actors", "JPN", "changed", "home_theater", "east", None),
        Change("actors", "POL", "changed", "home_theater", "west", None),
        Change("stocks", "POL|shell_155|on_hand|2025-06|gazette|", "changed", "mode", 100.0, 110.0),
        Change("stocks", "POL|shell_155|on_hand|2025-06|gazette|", "changed", "high", 120.0, 130.0),
        Change("stocks", "POL|shell_155|on_hand|2025-09|paper|", "removed", None, stated, None),
        Change("stocks", "POL|shell_155|on_hand|2025-09|unread|", "added", None, None, stated),
    ]
    assert summary(changes) == [
        {"table": "theaters", "added": 1, "removed": 0, "changed": 0, "cells": 0},
        {"table": "actors", "added": 0, "removed": 0, "changed": 3, "cells": 3},
        {"table": "stocks", "added": 1, "removed": 1, "changed": 1, "cells": 2},
    ]


def test_the_way_back_is_the_mirror_image(pair: tuple[Path, Path]) -> None:
    a, b = (Register.load(folder) for folder in pair)
    other = {"added": "removed", "removed": "added", "changed": "changed"}
    there, back = diff(a, b.at("2020")), diff(b.at("2020"), a)
    assert there
    assert back == [Change(c.table, c.key, other[c.change], c.column, c.after, c.before) for c in there]  # type: ignore[arg-type]


def test_the_changes_stand_in_the_order_of_the_schema(tiny_register: Path) -> None:
    changes = diff(Register.load(tiny_register), Register.reference())
    order = [model.table for model in TABLES]
    assert [c.table for c in changes] == sorted((c.table for c in changes), key=order.index)


def test_reference_stands_for_the_register_that_ships(tiny_register: Path) -> None:
    assert diff_rows(REFERENCE, REFERENCE)[0] == []
    rows, names = diff_rows(tiny_register, REFERENCE)
    assert all(list(row) == names for row in rows)
    assert {row["change"] for row in rows} == {"added", "removed", "changed"}
    assert summary(Change(**row) for row in rows)[0]["table"] == "sources"


def test_the_problems_of_both_registers_are_reported(pair: tuple[Path, Path]) -> None:
    a, b = pair
    rewrite(a, "theaters", [{"theater_id": "west"}])
    rewrite(b, "missions", [{**TINY["missions"][0], "tier": "deep"}])
    with pytest.raises(RegisterError) as caught:
        diff_rows(a, b)
    assert {p.file for p in caught.value.problems} >= {f"{a}/theaters.csv", f"{b}/missions.csv"}
    with pytest.raises(RegisterError) as missing:
        diff_rows(a.parent / "none", b.parent / "none")
    assert [p.file for p in missing.value.problems] == [str(a.parent / "none")]


@pytest.fixture(scope="module")
def history() -> tuple[Register, Register]:
    register = Register.reference()
    return register.at("2015-01-01"), register.at("2026-06-30")


def steps(register: Register, item: str) -> set[tuple[str, str | None, str]]:
    """(maturity, since, source) of Japan's rows about an item."""
    frame = register.table("adoptions")
    frame = frame[(frame["actor_id"] == "JPN") & (frame["item_id"] == item)]
    return set(zip(frame["maturity"], frame["since"], frame["source_id"], strict=True))


@pytest.mark.parametrize(
    ("item", "step"),
    [
        # fairbd.net, "Japan three documents Dec 2022": approved on 16 December 2022
        ("jpn_counterstrike", ("agreed", "2022-12", "fairbd_japan_three_documents_dec")),
        # The Japan Times, "Japan, UK, Italy sign GIGO treaty", 14 December 2023
        ("gcap", ("agreed", "2023-12", "japantimes_japan_italy_sign_gigo")),
        # US DoD news, "USFJ upgrade phase one", March 2025: joint operations command established on 24 March 2025
        ("jjoc", ("implemented", "2025-03-24", "pulsewaveglobal_dod_news_usfj_upgrade")),
        # f35.com, "F-35 global participation": first jet assembled at Nagoya, June 2017
        ("f35", ("implemented", "2017-06", "f35_global_participation_lockheed_martin")),
        # Jiji, "Japan announces start of Tomahawk deliveries to MSDF", March 2026
        ("tomahawk", ("implemented", "2026-03", "nippon_jiji_japan_announces_start")),
    ],
)
def test_what_japan_took_up_after_2015(history: tuple[Register, Register], item: str, step: tuple[str, str | None, str]) -> None:
    before, after = history
    assert steps(before, item) == set()
    assert step in steps(after, item)


@pytest.mark.parametrize(
    ("item", "step"),
    [
        # Defense Daily, December 2014: Japan and Australia assigned regional F-35 maintenance
        ("f35_mro", ("agreed", "2014-12", "defensedaily_dod_awards_japan_australia")),
        # SIPRI Arms Transfers Database: Patriot delivered from 1989, KC-767 from 2008
        ("patriot", ("implemented", "1989", "sipri_sipri_arms_transfers_database")),
        ("kc767", ("implemented", "2008", "sipri_sipri_arms_transfers_database")),
    ],
)
def test_what_japan_held_already(history: tuple[Register, Register], item: str, step: tuple[str, str | None, str]) -> None:
    before, after = history
    assert step in steps(before, item)
    assert step in steps(after, item)


def test_the_difference_of_the_two_dates_names_the_command_of_2025(history: tuple[Register, Register]) -> None:
    added = {c.key for c in diff(*history) if c.table == "adoptions" and c.change == "added"}
    assert "JPN|jjoc|implemented|2025-03-24|pulsewaveglobal_dod_news_usfj_upgrade" in added
