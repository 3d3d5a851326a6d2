"""What layers are worth: Shapley shares against games solved by hand, and the parity check against registers that are alike."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.axes import LAYERS
from isthmus.register import Register
from isthmus.study.layers import (
    LAYER_COLUMNS,
    LEAST_ACTORS,
    known_actors,
    known_rates,
    layer_report,
    main_case,
    mixed,
    parity,
    shapley,
)
from isthmus.study.plan import Plan
from isthmus.study.schema import Study
from tests import campaign_register as paper

F64 = npt.NDArray[np.float64]
Game = dict[frozenset[str], F64]


def coalitions(players: Iterable[str]) -> list[frozenset[str]]:
    players = sorted(players)
    return [frozenset(c) for n in range(len(players) + 1) for c in itertools.combinations(players, n)]


def game(players: str, worth: Callable[[frozenset[str]], float]) -> Game:
    return {c: np.array([worth(c)], np.float64) for c in coalitions(players)}


# Shapley values


def test_gloves() -> None:
    """One left glove, two right ones, a pair is worth 1: 2/3 and 1/6 each (Shapley and Shubik 1969)."""
    gloves = game("lrs", lambda c: float("l" in c and bool(c & {"r", "s"})))
    assert [shapley(gloves, p)[0] for p in "lrs"] == pytest.approx([2 / 3, 1 / 6, 1 / 6])


def test_an_additive_game_gives_everybody_his_own() -> None:
    own = {"a": 1.0, "b": -2.5, "c": 0.0, "d": 7.0}
    found = game("abcd", lambda c: sum(own[p] for p in c))
    assert {p: shapley(found, p)[0] for p in own} == pytest.approx(own)


def test_unanimity_is_shared_alike() -> None:
    found = game("abcdef", lambda c: float(len(c) == 6))
    assert [shapley(found, p)[0] for p in "abcdef"] == pytest.approx([1 / 6] * 6)


def test_a_weighted_majority() -> None:
    """Quota 51 of 50, 49, 1: the first is in every majority with any other; 4/6, 1/6, 1/6 (Shapley and Shubik 1954)."""
    votes = {"a": 50, "b": 49, "c": 1}
    found = game("abc", lambda c: float(sum(votes[p] for p in c) >= 51))
    assert [shapley(found, p)[0] for p in "abc"] == pytest.approx([4 / 6, 1 / 6, 1 / 6])


@given(st.lists(st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=3), min_size=16, max_size=16))
def test_shares_add_up_to_the_whole(values: list[list[float]]) -> None:
    """Efficiency, future by future, and a player that adds nothing has nothing."""
    found = dict(zip(coalitions("abcd"), map(np.array, values), strict=True))
    total = sum(shapley(found, p) for p in "abcd")
    np.testing.assert_allclose(total, found[frozenset("abcd")] - found[frozenset()], atol=1e-8)
    with_nobody = found | {c | {"z"}: v for c, v in found.items()}
    np.testing.assert_allclose(shapley(with_nobody, "z"), 0, atol=1e-8)
    for player in "abcd":
        np.testing.assert_allclose(shapley(with_nobody, player), shapley(found, player), atol=1e-8)


# Layers of a study


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Register:
    return Register.load(paper.write(tmp_path_factory.mktemp("paper") / "register"))


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., Register]:
    def build(**other: list[dict[str, str]]) -> Register:
        return Register.load(paper.write(tmp_path / "register", {**paper.tables(), **other}))

    return build


@pytest.fixture(scope="module")
def shares(register: Register) -> pd.DataFrame:
    return layer_report(paper.plan(register, futures=16), 16).shares


def test_shares_of_layers_add_up_to_the_dividend(shares: pd.DataFrame) -> None:
    assert list(shares.columns) == list(LAYER_COLUMNS)
    for _, part in shares.groupby(["front", "mission", "outcome"]):
        assert list(part["layer"]) == list(LAYERS)
        assert part["shapley"].sum() == pytest.approx(part["total"].iloc[0], abs=1e-9)
    reach = shares[shares["outcome"] == "reach_gain"]
    assert set(reach["front"]) == {"west.allied", "west.rival", "east.allied", "east.rival"}
    assert (reach[reach["front"] == "west.allied"]["total"] > 0.05).all()


def test_a_layer_without_an_item_is_worth_nothing_and_is_not_estimable(shares: pd.DataFrame) -> None:
    """The paper register has items of concept, doctrine and standard only."""
    others = shares[shares["layer"].isin(["technology", "industry"]) & (shares["outcome"] == "reach_gain")]
    np.testing.assert_allclose(others[["alone", "shapley"]], 0, atol=1e-12)
    assert not others["estimable"].any()


def test_fewer_than_five_actors_are_not_estimable(shares: pd.DataFrame) -> None:
    assert LEAST_ACTORS == 5
    assert (shares["actors"] <= 4).all()
    assert not shares["estimable"].any()


def test_a_mix_of_nothing_is_the_first_ecosystem_and_of_all_the_last(register: Register) -> None:
    plan = paper.plan(register)
    none, full = mixed(plan, frozenset()), mixed(plan, frozenset(LAYERS))
    first, last = plan.study.ecosystems[0].rule(), plan.study.ecosystems[-1].rule()
    assert (dict(none.thresholds), set(none.complete)) == (dict(first.thresholds), set(first.complete))
    assert (dict(full.thresholds), set(full.complete)) == (dict(last.thresholds), set(last.complete))
    one = mixed(plan, frozenset({"standard"}))
    assert set(one.complete) == {"standard"}
    assert {layer: one.threshold(layer) for layer in LAYERS} == {
        **dict.fromkeys(LAYERS, "implemented"),
        "standard": "declared",
    }


def test_the_main_case_is_the_hardest_without_exchange() -> None:
    both = {"starts": {"west": 0, "east": 0}}
    cases = [
        {"name": "west", "starts": {"west": 0}},
        {"name": "worn", "exchange": True, **both},
        {"name": "later", "starts": {"west": 0, "east": 26}},
        {"name": "both", **both},
    ]
    assert main_case(Study.model_validate(paper.study(war_cases=cases))).name == "both"


# Parity of the sides


def cells(side: dict[str, dict[str, str]], **more: str) -> list[dict[str, str]]:
    """Adoptions of {actor: {item: maturity}}."""
    return [
        {"actor_id": a, "item_id": i, "maturity": m, **paper.FACT, **more} for a, held in side.items() for i, m in held.items()
    ]


def mirrored() -> list[dict[str, str]]:
    """The items of the paper register, once for each side."""
    items = [i for i in paper.tables()["items"] if i["layer"] != "standard"]
    return items + [{**i, "item_id": f"their_{i['item_id']}", "side": "rival"} for i in items]


def values(plan: Plan) -> pd.DataFrame:
    frame = parity(plan, plan.design.draw(0, 8), plan.study.war_cases[2])
    keys = ["ecosystem", "front", "mission", "outcome"]
    return frame.set_index([*keys, "check"])["value"].unstack().dropna()  # noqa: PD010


def test_known_rates_by_hand(changed: Callable[..., Register]) -> None:
    """Concept: agreed, agreed, declared, declared → all declared, half agreed, none implemented. Doctrine: WES implemented only."""
    plan = paper.plan(changed())
    found = dict(known_rates(plan, "allied"))
    assert found["concept"] == (1.0, 0.5, 0.0)
    assert found["doctrine"] == (1.0, 1.0, 1.0)
    assert "technology" not in found
    assert known_rates(plan, "rival") == ()


def test_known_rates_leave_out_the_unknown_and_count_a_known_no(changed: Callable[..., Register]) -> None:
    held = {"RIV": {"their_shared_stock": "implemented"}, "RIE": {"their_shared_stock": "none", "their_drill": "agreed"}}
    plan = paper.plan(changed(items=mirrored(), adoptions=cells(held)))
    assert dict(known_rates(plan, "rival")) == {"concept": (0.5, 0.5, 0.5), "doctrine": (1.0, 1.0, 0.0)}


def test_sides_known_alike_have_the_same_headlines_under_every_check(changed: Callable[..., Register]) -> None:
    """Where nothing is unknown, no check has anything to draw anew."""
    held: dict[str, dict[str, str]] = {}
    for actors, prefix in ((("HUB", "WES", "EAS", "DON"), ""), (("RIV", "RIE"), "their_")):
        for actor in actors:
            held[actor] = {f"{prefix}shared_stock": "implemented", f"{prefix}drill": "agreed"}
    found = values(paper.plan(changed(items=mirrored(), adoptions=cells(held)), futures=8))
    assert found.shape[1] == 3
    for check in found.columns:
        np.testing.assert_allclose(found[check], found["as drawn"], rtol=1e-12)


def test_unknown_drawn_at_the_rate_of_the_prior_changes_nothing(changed: Callable[..., Register]) -> None:
    """One of five known cells is held, as the prior of 0.2 says: the check draws the other side's unknown ones just so."""
    items = [
        {"item_id": f"{side}_{n}", "layer": "concept", "name": f"{side} {n}", "side": side, **paper.FACT}
        for side in ("allied", "rival")
        for n in range(5)
    ]
    held = {"WES": {f"allied_{n}": "implemented" if n == 0 else "none" for n in range(5)}}
    plan = paper.plan(changed(items=items, adoptions=cells(held)), futures=8)
    assert dict(known_rates(plan, "allied"))["concept"] == pytest.approx((0.2, 0.2, 0.2))
    found = values(plan).loc["as_is"]
    np.testing.assert_allclose(found["unknown cells of rival as the known ones of allied"], found["as drawn"], rtol=1e-12)


def test_a_headline_that_rests_on_what_was_looked_up_turns_with_the_check(changed: Callable[..., Register]) -> None:
    """All that is known of the allies is held: the rival's donor then pools as they do, gives more, and its scale ratio grows."""
    held = {a: {"shared_stock": "implemented", "drill": "implemented"} for a in ("HUB", "WES", "EAS", "DON")}
    found = values(paper.plan(changed(items=mirrored(), adoptions=cells(held)), futures=8)).loc["as_is"]
    check = "unknown cells of rival as the known ones of allied"
    rival, allied = (found.loc[(front, "fires", "scale_ratio")] for front in ("west.rival", "west.allied"))
    assert rival[check] > rival["as drawn"] * 1.01
    assert allied[check] * rival[check] == pytest.approx(1)


@pytest.mark.parametrize(("note", "count"), [("", 4), ("STANAG of the pact (expanded)", 0)])
def test_a_treaty_spelled_out_is_one_observation(changed: Callable[..., Register], note: str, count: int) -> None:
    held = {"WES": "implemented", "HUB": "implemented", "EAS": "none", "DON": "none"}
    rows = cells({a: {"shared_stock": m} for a, m in held.items()}, note=note)
    plan = paper.plan(changed(adoptions=rows))
    assert known_actors(plan, "allied", "concept") == count


def test_actors_that_are_all_alike_teach_nothing(changed: Callable[..., Register]) -> None:
    held = {a: {"shared_stock": "implemented"} for a in ("WES", "HUB", "EAS", "DON")}
    assert known_actors(paper.plan(changed(adoptions=cells(held))), "allied", "concept") == 0
