"""Access and reach on a register whose numbers fit on paper; and what interchange does to lots and to campaigns."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from isthmus.axes import LAYERS, Layer
from isthmus.interop.access import Access, access, access_in
from isthmus.interop.block import Block
from isthmus.interop.ecosystem import Holdings, held_share
from isthmus.interop.fronts import EcosystemRule
from isthmus.interop.output import output_to
from isthmus.interop.reach import donors, reach
from isthmus.register import Register
from isthmus.study.plan import Plan
from isthmus.study.runner import run_chunk
from isthmus.study.static import reach_rows
from tests import campaign_register as paper
from tests.campaign_register import EAS_A_WEEK, HUB_A_WEEK, RATE, RIVAL_STOCK, STOCK, constant

F64 = npt.NDArray[np.float64]
H = 52
WEST, EAST = ("west.allied", "fires"), ("east.allied", "fires")
EAS_OUTPUT = EAS_A_WEEK * H + EAS_A_WEEK * H**2 / (2 * 56)
"""Base 10 a week; the plan of 30 a week, funded by half, is due 392 days = 56 weeks after the study's date: area under a ramp."""


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Register:
    return Register.load(paper.write(tmp_path_factory.mktemp("paper") / "register"))


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., Register]:
    """Builds a register in which some tables are other."""

    def build(**other: list[dict[str, str]]) -> Register:
        return Register.load(paper.write(tmp_path / "register", {**paper.tables(), **other}))

    return build


def rule(plan: Plan, ecosystem: str = "as_is") -> EcosystemRule:
    return next(e for e in plan.study.ecosystems if e.name == ecosystem).rule()


def ecosystem(threshold: str, *complete: Layer) -> EcosystemRule:
    return EcosystemRule("x", tuple((layer, threshold) for layer in LAYERS), complete)  # type: ignore[misc]


def measured(plan: Plan, name: str = "as_is") -> dict[tuple[str, str], dict[str, F64]]:
    return reach(plan.supply, rule(plan, name), plan.design.draw(0, plan.study.futures))


def opened(plan: Plan, name: str = "as_is") -> Access:
    return access(plan.supply, rule(plan, name), plan.design.draw(0, plan.study.futures))


def edge(plan: Plan, actor: str, front: str = "west.allied", materiel: str = "shell_155") -> int:
    """The edge of one donor's materiel to one front."""
    supply = plan.supply
    found = [
        i
        for i, e in enumerate(supply.edges)
        if (supply.rows[e.row].actor_id, supply.rows[e.row].materiel_id) == (actor, materiel)
        and supply.setting.fronts[supply.desks[e.desk].front].front_id == front
    ]
    assert len(found) == 1
    return found[0]


def test_ecosystems_that_share_a_block_differ_in_nothing_from_ones_that_do_not(register: Register) -> None:
    """Every order of asking, every mix of two layers: what a block keeps is never another ecosystem's."""
    plan = paper.plan(register, futures=8)
    draws = plan.design.draw(0, 8)
    rules = [rule(plan, e.name) for e in plan.study.ecosystems]
    rules += [ecosystem("agreed", *layers) for layers in itertools.combinations(LAYERS, 2)]
    shared = Block(plan.supply, draws)
    for one in [*rules, *reversed(rules)]:
        alone, together = access(plan.supply, one, draws), access_in(shared, one)
        for name in ("usable", "interchange", "share", "floor", "loss", "integration_weeks", "joint", "fights"):
            assert np.array_equal(getattr(alone, name), getattr(together, name)), (one.name, name)
        assert np.array_equal(alone.stocks.output, together.stocks.output)


def outcomes(plan: Plan) -> Any:
    """Outcomes of every future, ecosystem and war case, as a frame."""
    frame = run_chunk(plan, 0, plan.study.futures, threads=2)["outcomes"].to_pandas()
    values = frame.drop(columns=["ecosystem", "war_case"])
    assert np.isfinite(values.to_numpy()).all()
    return frame


def column(frame: Any, case: str, name: str, ecosystem: str = "as_is") -> F64:
    part = frame[(frame["war_case"] == case) & (frame["ecosystem"] == ecosystem)]
    found: F64 = part.set_index("future")[name].sort_index().to_numpy(np.float64)
    return found


ONE = {"futures": 1}


# Holdings: the ladder, the unknown, blocs


@pytest.mark.parametrize(
    ("threshold", "held"),
    [
        ("implemented", {"WES": 1, "HUB": 0, "EAS": 0, "DON": 0}),
        ("agreed", {"WES": 1, "HUB": 1, "EAS": 0, "DON": 0}),
        ("declared", {"WES": 1, "HUB": 1, "EAS": 1, "DON": 0}),
    ],
)
def test_threshold_says_who_holds_a_standard(register: Register, threshold: str, held: dict[str, float]) -> None:
    holdings = Holdings(register, "2026-10")
    draws = paper.plan(register, **ONE).design.draw(0, 1)
    for actor, value in held.items():
        assert held_share(holdings.cells(actor, "standard"), "standard", ecosystem(threshold), draws)[0] == value


def test_a_complete_layer_is_held_by_all(register: Register) -> None:
    holdings, draws = Holdings(register, "2026-10"), paper.plan(register, **ONE).design.draw(0, 1)
    full = ecosystem("implemented", "standard")
    assert held_share(holdings.cells("DON", "standard"), "standard", full, draws)[0] == 1
    assert held_share(holdings.cells("DON", "concept"), "concept", full, draws)[0] == 0


def test_unknown_is_not_none(register: Register) -> None:
    """A documented none counts 0; what nobody looked up counts the drawn share, a step more for each step down the ladder."""
    holdings = Holdings(register, "2026-10")
    draws = paper.plan(register, uncertainties={"prior.unknown.doctrine": SPREAD_OF_UNKNOWN}).design.draw(0, 128)
    p, step = draws["prior.unknown.doctrine"], 0.5
    cells = holdings.cells("DON", "doctrine")
    assert [c.rank for c in cells] == [None]
    got = {t: held_share(cells, "doctrine", ecosystem(t), draws) for t in ("implemented", "agreed", "declared")}
    np.testing.assert_allclose(got["implemented"], p)
    np.testing.assert_allclose(got["agreed"], p + (1 - p) * step)
    np.testing.assert_allclose(got["declared"], 1 - (1 - p) * step**2)
    assert (got["implemented"] < got["agreed"]).all()
    assert (got["agreed"] < got["declared"]).all()
    assert not held_share(holdings.cells("DON", "standard"), "standard", ecosystem("declared"), draws).any()


SPREAD_OF_UNKNOWN = {"shape": "uniform", "low": 0.1, "mode": 0.3, "high": 0.7, "reason": "a range for tests"}


def test_exercised_is_no_holding(register: Register) -> None:
    cells = Holdings(register, "2026-10").cells("HUB", "doctrine")
    assert [(c.item_id, c.rank) for c in cells] == [("drill", None)]


def test_later_adoption_does_not_count_before_its_day(changed: Callable[..., Register]) -> None:
    rows = paper.tables()["adoptions"]
    register = changed(adoptions=[{**r, "since": "2026-11"} if r["item_id"] == "one_round" else r for r in rows])
    ranks = {day: Holdings(register, day).cells("WES", "standard")[0].rank for day in ("2026-10", "2026-11")}
    assert ranks == {"2026-10": None, "2026-11": 3}


def test_blocs_are_expanded(register: Register) -> None:
    assert Holdings(register, "2026-10").expand(["PACT", "DON"]) == ["DON", "HUB", "WES"]
    assert Holdings(register, "1948-12").expand(["PACT"]) == ["PACT"]
    front = paper.plan(register, **ONE).supply.setting.fronts[0]
    assert {p.actor_id: p.fights for p in front.participants} == {
        "DON": None,
        "EAS": None,
        "HUB": "fights.sure",
        "WES": "fights.sure",
    }


# Access


def test_common_families_interchange_whole_and_makes_in_part(register: Register) -> None:
    fronts = paper.study()["fronts"]
    fronts[0]["needs"].append({"class": "rocket"})
    plan = paper.plan(register, fronts=fronts, **ONE)
    held = opened(plan)
    assert held.interchange[edge(plan, "HUB", materiel="rocket_227"), 0] == 1
    assert held.usable[edge(plan, "HUB", materiel="rocket_227"), 0] == 1  # no launcher count: whoever holds it uses it
    assert held.interchange[edge(plan, "DON"), 0] == 0.7
    assert held.interchange[edge(plan, "WES"), 0] == 1  # the front's tubes are all its own


def test_own_share_of_tubes_always_interchanges(changed: Callable[..., Register]) -> None:
    """HUB fights with 10 of 50 tubes: a fifth of them takes its own make, the rest takes 0.7 of it."""
    rows = paper.tables()["force_elements"]
    own = {**rows[0], "actor_id": "HUB", **dict.fromkeys(("low", "mode", "high"), "10")}
    plan = paper.plan(changed(force_elements=[*rows, own]), **ONE)
    held = opened(plan)
    assert held.interchange[edge(plan, "HUB"), 0] == pytest.approx(0.2 + 0.8 * 0.7)
    assert held.interchange[edge(plan, "WES"), 0] == pytest.approx(0.8 + 0.2 * 0.7)
    assert held.interchange[edge(plan, "DON"), 0] == pytest.approx(0.7)


@pytest.mark.parametrize(("ecosystem", "shares"), [("as_is", 0.7), ("agreed", 1.0), ("full", 1.0)])
def test_a_standard_shared_by_both_opens_the_rest(register: Register, ecosystem: str, shares: float) -> None:
    """WES has implemented it and has all tubes of the west; HUB has agreed to it."""
    plan = paper.plan(register, **ONE)
    assert opened(plan, ecosystem).interchange[edge(plan, "HUB"), 0] == pytest.approx(shares)


def test_usability_is_what_the_tubes_can_fire(register: Register) -> None:
    """At 0.1 rounds a week 40 tubes fire 208 rounds in the horizon, of all that could come."""
    plan = paper.plan(register, uncertainties={"rate.gun": constant(0.1)}, **ONE)
    lots = sum(STOCK.values()) + HUB_A_WEEK * H + EAS_OUTPUT
    assert opened(plan).usable[edge(plan, "DON"), 0] == pytest.approx(40 * 0.1 * H / lots)
    assert opened(paper.plan(register, **ONE)).usable[edge(plan, "DON"), 0] == 1


def test_no_tube_that_fires_it_no_use(changed: Callable[..., Register]) -> None:
    """Materiel whose launchers are known, but at this front nobody has any: no edge, now or later."""
    plan = paper.plan(changed(force_elements=paper.tables()["force_elements"][1:]), **ONE)
    assert all(plan.supply.setting.fronts[plan.supply.desks[e.desk].front].front_id != "west.allied" for e in plan.supply.edges)
    frame = outcomes(plan)
    assert (column(frame, "west_alone", "used.west.allied.fires") == 0).all()


def test_integration_opens_whole_after_its_weeks(changed: Callable[..., Register]) -> None:
    """West has no tube for 155 mm now, but could integrate it in ten weeks: nothing arrives before."""
    rows = paper.tables()
    later = {"path": "after_integration", "weeks_low": "10", "weeks_mode": "10", "weeks_high": "10", "element_id": "gun_152"}
    plan = paper.plan(
        changed(
            force_elements=[{**r, "element_id": "gun_152"} if r["actor_id"] == "WES" else r for r in rows["force_elements"]],
            fires=[*rows["fires"], {**rows["fires"][0], **later}],
        ),
        **ONE,
    )
    found = plan.supply.edges[edge(plan, "WES")]
    assert found.wait is not None
    assert plan.design.draw(0, 1)[found.wait][0] == 10
    weeks = run_chunk(plan, 0, 1)["weeks"].to_pandas().query("ecosystem == 'as_is' and war_case == 'west_alone'")
    fill = weeks.set_index("view")["fill"]["west.allied.fires"]
    assert not fill[:10].any()
    assert fill[11] > 0


# Reach, by hand


def test_reach_by_hand(register: Register) -> None:
    """As it is: own stock above the floor of a tenth; HUB's too, and its output, at 0.7; two fifths of what donors hold, at 0.7."""
    got = measured(paper.plan(register, **ONE))[WEST]
    wes = 0.9 * STOCK["WES"]
    hub = 0.7 * (0.9 * STOCK["HUB"] + HUB_A_WEEK * H)
    give = 0.7 * 0.4 * STOCK["DON"], 0.7 * (0.4 * STOCK["EAS"] + EAS_OUTPUT)
    coalition = sum(STOCK.values()) + HUB_A_WEEK * H + EAS_OUTPUT
    assert got["reachable"][0] == pytest.approx(wes + hub + sum(give))
    assert got["coalition"][0] == pytest.approx(coalition)
    assert got["reach"][0] == pytest.approx((wes + hub + sum(give)) / coalition)
    assert got["hub_share"][0] == pytest.approx(hub / (wes + hub + sum(give)))
    both = (wes + hub + sum(give)) * 100 / 150  # by stated need: 100 rounds a week here, 50 in the east
    assert got["reach_if_both_draw"][0] == pytest.approx(both / coalition)


def test_days_of_supply_by_hand(register: Register) -> None:
    """Opening stock alone, at the need of a day after the opening: 100 rounds a week."""
    got = measured(paper.plan(register, **ONE))[WEST]["days_of_supply"][0]
    stock = 0.9 * STOCK["WES"] + 0.7 * (0.9 * STOCK["HUB"] + 0.4 * STOCK["DON"] + 0.4 * STOCK["EAS"])
    assert got == pytest.approx(stock / (100 / 7))


def test_pooling_lowers_the_floor_of_donors(register: Register) -> None:
    """Declared: DON has declared the shared stock, so it keeps 0.3, not 0.6; agreed: it has not."""
    plan = paper.plan(register, **ONE)
    floors = {name: opened(plan, name).floor[edge(plan, "DON"), 0] for name in ("as_is", "agreed", "declared", "full")}
    assert floors == pytest.approx({"as_is": 300, "agreed": 300, "declared": 150, "full": 150})


def test_reach_grows_from_ecosystem_to_ecosystem(register: Register) -> None:
    plan = paper.plan(register, uncertainties=paper.SPREAD)
    steps = [measured(plan, name) for name in ("as_is", "agreed", "declared", "full")]
    for front in (WEST, EAST):
        for a, b in itertools.pairwise(steps):
            assert (b[front]["reach"] >= a[front]["reach"] - 1e-12).all()


def test_scale_ratios_of_two_sides_are_reciprocal(register: Register) -> None:
    got = measured(paper.plan(register, uncertainties=paper.SPREAD))
    for place in ("west", "east"):
        a, b = (got[f"{place}.{side}", "fires"]["scale_ratio"] for side in ("allied", "rival"))
        np.testing.assert_allclose(a * b, 1, rtol=1e-12)


def test_donors_add_up_to_what_is_reachable(register: Register) -> None:
    plan = paper.plan(register, uncertainties=paper.SPREAD)
    draws = plan.design.draw(0, 128)
    parts = donors(plan.supply, rule(plan), draws)
    for (front, mission), values in measured(plan).items():
        total = sum(v for (f, m, _), v in parts.items() if (f, m) == (front, mission))
        np.testing.assert_allclose(total, values["reachable"], rtol=1e-12)


@pytest.mark.parametrize("ecosystem", ["as_is", "full"])
def test_lots_of_two_fronts_are_counted_once(register: Register, ecosystem: str) -> None:
    """Σ over fronts of what both draw never exceeds stock − floor + output, whatever the needs."""
    plan = paper.plan(register, uncertainties=paper.SPREAD)
    got, held = measured(plan, ecosystem), opened(plan, ecosystem)
    drawn = sum(got[f]["reach_if_both_draw"] * got[f]["coalition"] for f in (WEST, EAST))
    assert (drawn < sum(got[f]["reachable"] for f in (WEST, EAST))).all()
    lowest = {
        r: np.min([held.floor[i] for i, e in enumerate(plan.supply.edges) if e.row == r], axis=0)
        for r in range(len(plan.supply.rows))
    }
    made = {r: np.zeros(128) for r in lowest}
    for i, line in enumerate(plan.supply.lines):
        made[line.row] = made[line.row] + output_to(held.stocks.output[i], H)
    available = sum(held.stocks.stock[r] - lowest[r] + made[r] for r, row in enumerate(plan.supply.rows) if row.side == "allied")
    assert (drawn <= available * (1 + 1e-12)).all()


# Vetoes


def test_a_vetoed_donor_gives_nothing_to_reach(register: Register) -> None:
    fronts = paper.study()["fronts"]
    fronts[0]["vetoed"] = ["DON"]
    with_veto = measured(paper.plan(register, fronts=fronts, **ONE))[WEST]
    without = measured(paper.plan(register, **ONE))[WEST]
    assert without["reachable"][0] - with_veto["reachable"][0] == pytest.approx(0.7 * 0.4 * STOCK["DON"])
    assert with_veto["coalition"][0] == pytest.approx(without["coalition"][0])


@pytest.mark.parametrize("rate", [RATE, 0.5])
def test_a_veto_is_as_good_as_absence(register: Register, rate: float) -> None:
    """What a vetoed donor holds neither feeds the front, nor takes the place of others at its tubes, nor is kept for it."""
    fronts = paper.study()["fronts"]
    fronts[0]["vetoed"] = ["DON"]
    vetoed = paper.plan(register, fronts=fronts, uncertainties={"rate.gun": constant(rate)}, **ONE)
    fronts[0]["donors"], fronts[0]["vetoed"] = ["EAS"], []
    absent = paper.plan(register, fronts=fronts, uncertainties={"rate.gun": constant(rate)}, **ONE)
    a, b = measured(vetoed), measured(absent)
    for front in (WEST, EAST):
        np.testing.assert_allclose(a[front]["reachable"], b[front]["reachable"], rtol=1e-9)
        both = [m[front]["reach_if_both_draw"] * m[front]["coalition"] for m in (a, b)]
        np.testing.assert_allclose(both[0], both[1], rtol=1e-9)


def test_tubes_count_without_own_stock(changed: Callable[..., Register]) -> None:
    """WES has forty tubes and no round of its own: what others give is still usable."""
    stocks = [r for r in paper.tables()["stocks"] if r["actor_id"] != "WES"]
    plan = paper.plan(changed(stocks=stocks), **ONE)
    assert opened(plan).usable[edge(plan, "DON"), 0] == 1
    assert (column(outcomes(plan), "west_alone", "used.west.allied.fires") > 0).all()


def test_a_vetoed_donor_gives_nothing_in_campaigns(changed: Callable[..., Register]) -> None:
    """WES has a hundredth of DON's rounds: without the veto the front uses many times what it can use under it."""
    fronts = paper.study()["fronts"]
    fronts[0]["belligerents"], fronts[0]["donors"] = [{"actors": ["WES"], "fights": "fights.sure"}], ["DON"]
    stocks = [
        {**r, **dict.fromkeys(("low", "mode", "high"), "5")} if r["actor_id"] == "WES" else r for r in paper.tables()["stocks"]
    ]
    register = changed(stocks=stocks)
    used, far = {}, {}
    for name, veto in (("free", []), ("vetoed", ["DON"])):
        fronts[0]["vetoed"] = veto
        frame = outcomes(paper.plan(register, fronts=fronts))
        used[name] = column(frame, "west_alone", "used.west.allied.fires")
        far[name] = column(frame, "west_alone", "shipped_far.west.allied.fires")
    assert (used["free"] > 100).all()
    assert (far["free"] > 100).all()
    assert (used["vetoed"] <= 4.5 * (1 + 1e-5)).all()
    assert (used["vetoed"] > 0).all()
    assert (far["vetoed"] == 0).all()


# The interchange sweep: the lever of standards, from lots to campaigns

SWEEP = (0.4, 0.55, 0.7, 0.85, 0.95)


def swept(register: Register, value: float, **changes: Any) -> Plan:
    ranges = {**paper.SPREAD, **changes.pop("uncertainties", {}), "interchange.gun_155mm": constant(value)}
    return paper.plan(register, uncertainties=ranges, **{"futures": 512, **changes})


def test_drawable_lots_rise_in_proportion_to_interchange(register: Register) -> None:
    """DON and HUB own no tube of the west and share no standard as it is: their lots are exactly linear in the override."""
    got = {v: swept(register, v) for v in SWEEP}
    lots = {}
    for value, plan in got.items():
        draws = plan.design.draw(0, 512)
        lots[value] = {d: x for (f, _, d), x in donors(plan.supply, rule(plan), draws).items() if f == "west.allied"}
    for value in SWEEP:
        for actor in ("DON", "HUB", "EAS"):
            np.testing.assert_allclose(lots[value][actor], lots[0.4][actor] * value / 0.4, rtol=1e-12)
        np.testing.assert_allclose(lots[value]["WES"], lots[0.4]["WES"], rtol=1e-12)  # its own tubes


def test_a_shared_standard_makes_the_override_void(register: Register) -> None:
    low, high = (measured(swept(register, v, futures=16), "full")[WEST]["reachable"] for v in (0.4, 0.95))
    np.testing.assert_allclose(low, high, rtol=1e-12)


NO_LAG = {"lag.near": constant(0), "lag.far": constant(0), "rate.gun": constant(100)}
LONG_WAR = {"need.west.open": constant(400), "need.west.plateau": constant(400)}
"""More than ever comes, so that supply binds to the last week."""


def _never_falls(plans: list[Plan], outcome: str, case: str, fronts: tuple[str, ...], rounding: float) -> F64:
    """An outcome summed over fronts along a sweep, values × futures; asserts that it never falls in any future."""
    frames = [outcomes(plan) for plan in plans]
    found = np.array([np.sum([column(f, case, f"{outcome}.{p}.allied.fires") for p in fronts], axis=0) for f in frames])
    for before, after in itertools.pairwise(found):
        assert (after >= before * (1 - rounding)).all()
    return found


def test_use_rises_with_interchange_where_supply_binds(register: Register) -> None:
    """No lags, so that use is a matter of how much; the west needs 400 a week and never gets it."""
    plans = [swept(register, v, uncertainties={**NO_LAG, **LONG_WAR}) for v in SWEEP]
    used = _never_falls(plans, "used", "west_alone", ("west",), 1e-5)
    assert (used[-1] > 1.2 * used[0]).all()
    assert (np.diff(used, axis=0) > 0).all()


@pytest.mark.parametrize("place", ["west", "east"])
def test_use_of_one_front_never_falls_with_interchange(register: Register, place: str) -> None:
    plans = [swept(register, v, uncertainties=NO_LAG) for v in SWEEP]
    used = _never_falls(plans, "used", f"{place}_alone", (place,), 1e-4)
    assert used[-1].sum() > 1.02 * used[0].sum()


@pytest.mark.parametrize("case", ["both", "west_then_east"])
def test_what_two_fronts_use_hardly_falls_with_interchange(register: Register, case: str) -> None:
    """A front that is met keeps weeks of cover to the end out of lots that the other could have used: a few per cent, no more."""
    frames = [outcomes(swept(register, v, uncertainties=NO_LAG)) for v in SWEEP]
    used = [column(f, case, "used.west.allied.fires") + column(f, case, "used.east.allied.fires") for f in frames]
    assert all((after >= 0.95 * before).all() for before, after in itertools.pairwise(used))
    assert used[-1].sum() > 1.05 * used[0].sum()


def test_use_never_falls_with_interchange_under_lags(register: Register) -> None:
    _never_falls([swept(register, v) for v in SWEEP], "used", "west_alone", ("west",), 1e-4)


def test_other_side_does_not_feel_the_sweep(register: Register) -> None:
    """The rival fires 152 mm, and his need is a path: nothing of his may change."""
    low, high = (outcomes(swept(register, v)) for v in (0.4, 0.95))
    for outcome in ("used", "needed", "shipped", "weeks_starved"):
        name = f"{outcome}.west.rival.fires"
        assert np.array_equal(column(low, "west_alone", name), column(high, "west_alone", name))


# Nothing to link


def _bare(changed: Callable[..., Register], **rows: list[dict[str, str]]) -> Register:
    return changed(**{"stocks": [], "lines": [], **rows})


SINGLE = [
    {**front, "belligerents": [{"actors": [actor], "fights": "fights.sure"}], "donors": []}
    for front, actor in zip(paper.STUDY["fronts"][:2], ("WES", "RIV"), strict=True)
]
ALONE = {"fronts": SINGLE, "war_cases": [{"name": "west_alone", "starts": {"west": 0}}]}


def test_single_actors_without_any_stock_starve_to_the_end(changed: Callable[..., Register]) -> None:
    plan = paper.plan(_bare(changed), **ALONE)
    frame = outcomes(plan)
    for side in ("allied", "rival"):
        assert (frame[f"weeks_starved.west.{side}.fires"] == H).all()
        assert not frame[f"used.west.{side}.fires"].any()
    assert not frame["outcome.west.fires"].any()  # two sides that cannot fire: nobody is outshot
    for row in reach_rows(plan):
        assert row["reach"] is None
        assert row["days_of_supply"] == 0


def test_one_side_without_links_starves_and_the_other_wins_no_more_than_supply(changed: Callable[..., Register]) -> None:
    stocks = [r for r in paper.tables()["stocks"] if r["actor_id"] == "RIV"]
    frame = outcomes(paper.plan(_bare(changed, stocks=stocks), **ALONE))
    assert (frame["weeks_starved.west.allied.fires"] == H).all()
    assert (frame["used.west.rival.fires"] > 0).all()
    assert (frame["used.west.rival.fires"] <= RIVAL_STOCK["RIV"] * 0.9 * (1 + 1e-4)).all()
    assert (frame["outcome.west.fires"] == 1).all()
    assert (frame["outcome_week.west.fires"] == 13).all()  # thirteen weeks on end, from the first


def test_single_actors_with_stock_use_only_their_own(changed: Callable[..., Register]) -> None:
    frame = outcomes(paper.plan(changed(lines=[]), **ALONE))
    assert (frame["used.west.allied.fires"] <= STOCK["WES"] * 0.9 * (1 + 1e-4)).all()
    assert (frame["used.west.allied.fires"] > 0.5 * STOCK["WES"]).all()
    assert not frame["shipped_hub.west.allied.fires"].any()
    assert not frame["shipped_far.west.allied.fires"].any()


def test_nobody_fights_nobody_uses(register: Register) -> None:
    """A belligerent that never shows up is a donor at most; with no donors the front has nothing."""
    fronts = [{**f, "belligerents": [{**f["belligerents"][0], "fights": "fights.never"}]} for f in SINGLE]
    frame = outcomes(paper.plan(register, **{**ALONE, "fronts": fronts}))
    assert not frame["used.west.allied.fires"].any()
    assert (frame["weeks_starved.west.allied.fires"] == H).all()
