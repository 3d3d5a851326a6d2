"""The falsifier on the public files themselves, where this machine has copies. What it says is a result, and may change with data."""

from __future__ import annotations

import pytest

from isthmus.register import Register
from isthmus.validation.falsifier import ADDS_NOTHING, falsifier_cases
from isthmus.validation.past_cases import CRISIS_SETS, DISPUTE_SETS, past_cases
from tests.reference.test_datasets import DATASETS, copy

ACTORS_IN_CRISIS = 1064
"""Crisis actors of ICB version 13, rows of its actor-level file."""


@pytest.fixture(scope="module", autouse=True)
def _sets() -> None:
    for name in ("icb", "cow", "atop"):
        copy(name)


def test_crises_with_a_state_behind_them_become_cases() -> None:
    found = past_cases(DATASETS)
    assert tuple(found)[:2] == CRISIS_SETS
    assert set(found) <= {*CRISIS_SETS, *DISPUTE_SETS}
    crises, rivals = (found[name].frame for name in CRISIS_SETS)
    assert 600 < len(crises) < ACTORS_IN_CRISIS
    assert rivals["attacked"].sum() == crises["attacked"].sum(), "each violent opening is one event in either set"
    for frame in (crises, rivals):
        assert frame["challenger_capability"].between(0, 1).all()
        assert frame.notna().all(axis=None)


def test_the_verdict_follows_from_the_interval_it_prints() -> None:
    cases = falsifier_cases(DATASETS, Register.reference())
    assert {c.case for c in cases} >= {f"deterrence.{name}" for name in CRISIS_SETS}
    for case in cases:
        assert case.passed == (not case.why.startswith(ADDS_NOTHING))
        assert case.median is not None
        assert 0.4 < case.median < 0.8
