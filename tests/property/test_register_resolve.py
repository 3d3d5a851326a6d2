"""Invariants of the rule that makes one range of several observations."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from isthmus.register.resolve import Resolved, resolve, resolve_by

COLUMNS = ["fact_id", "kind", "as_of", "confidence", "low", "mode", "high"]
number = st.floats(min_value=0, max_value=1e9, allow_nan=False)
date = st.one_of(st.integers(2015, 2026).map(str), st.dates().map(lambda d: f"20{d.year % 27:02d}-{d.month:02d}"))


@st.composite
def observation(draw: st.DrawFn) -> tuple[object, ...]:
    low, mode, high = sorted(draw(st.tuples(number, number, number)))
    kind = draw(st.sampled_from(["fact", "estimate", "assumption"]))
    as_of = draw(date) if kind == "fact" else draw(st.none() | date)
    grade = draw(st.sampled_from("ABC")) if kind == "fact" else draw(st.none() | st.sampled_from("ABC"))
    return (kind, as_of, grade, low, mode, high)


observations = st.lists(observation(), min_size=1, max_size=8)


def frame(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    return pd.DataFrame([(f"r{i}", *row) for i, row in enumerate(rows)], columns=COLUMNS)


def answer(one: Resolved | None) -> tuple[object, ...]:
    assert one is not None
    return (one.low, one.mode, one.high, one.kind, one.grade)


@given(observations, st.randoms(use_true_random=False))
def test_order_does_not_matter(rows: list[tuple[object, ...]], random: object) -> None:
    table = frame(rows)
    shuffled = table.sample(frac=1, random_state=random.getrandbits(32))  # type: ignore[attr-defined]
    assert resolve(shuffled) == resolve(table)


@given(observations)
def test_the_range_contains_its_mode(rows: list[tuple[object, ...]]) -> None:
    one = resolve(frame(rows))
    assert one is not None
    assert one.low <= one.mode <= one.high


@given(observations, st.data())
def test_an_identical_row_changes_nothing(rows: list[tuple[object, ...]], data: st.DataObject) -> None:
    again = data.draw(st.sampled_from(rows))
    assert answer(resolve(frame([*rows, again]))) == answer(resolve(frame(rows)))


@given(observations)
def test_every_row_is_used_or_discarded(rows: list[tuple[object, ...]]) -> None:
    table = frame(rows)
    one = resolve(table)
    assert one is not None
    assert sorted([*one.used, *(fact for fact, _ in one.discarded)]) == sorted(table["fact_id"])


@given(observations, st.lists(st.sampled_from("xyz"), min_size=8, max_size=8))
def test_groups_are_resolved_one_by_one(rows: list[tuple[object, ...]], names: list[str]) -> None:
    table = frame(rows).assign(actor_id=names[: len(rows)])
    expected = {(name,): resolve(group) for name, group in table.groupby("actor_id")}
    assert resolve_by(table, ["actor_id"]) == expected
