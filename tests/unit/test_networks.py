"""Networks: measures against NetworkX, scikit-learn and closed forms; bonds from a tiny register; both sides by the same code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from isthmus.errors import InputError
from isthmus.interop import graphs, networks
from isthmus.interop.bonds import Bond, bonds
from isthmus.interop.network_survey import LONG_COLUMNS, long_rows, survey, tables
from isthmus.register import Register
from tests.conftest import FACT, TINY, csv_text, write_tiny

STAR = nx.to_numpy_array(nx.star_graph(9))
COMPLETE = nx.to_numpy_array(nx.complete_graph(7))
CYCLE = nx.to_numpy_array(nx.cycle_graph(8))
TWO_CLIQUES = nx.to_numpy_array(nx.barbell_graph(6, 0))
KARATE = nx.to_numpy_array(nx.karate_club_graph(), weight=None)


def random_graph(n: int, p: float, seed: int) -> np.ndarray:
    return nx.to_numpy_array(nx.gnp_random_graph(n, p, seed=seed))


# Closed forms


def test_a_star_is_fully_centralised_and_a_complete_graph_is_not() -> None:
    """Freeman 1978: both centralisations are 1 for a star and 0 where all are alike."""
    for measure in (graphs.degree_centralisation, graphs.betweenness_centralisation):
        assert measure(STAR) == pytest.approx(1)
        assert measure(COMPLETE) == pytest.approx(0)
        assert measure(CYCLE) == pytest.approx(0)


def test_eigenvector_of_a_star() -> None:
    """The hub has 1/sqrt(2), each of the k others 1/sqrt(2k)."""
    values = graphs.eigenvector(STAR)
    assert values[0] == pytest.approx(1 / np.sqrt(2))
    assert values[1:] == pytest.approx([1 / np.sqrt(18)] * 9)


def test_core_of_a_star_is_its_hub_and_flat_graphs_have_none() -> None:
    core, fit = graphs.core_periphery(STAR)
    assert core.tolist() == [True] + [False] * 9
    assert fit == pytest.approx(1)
    for flat in (COMPLETE, CYCLE, np.zeros((4, 4))):
        core, fit = graphs.core_periphery(flat)
        assert not core.any()
        assert fit is None


def test_an_ideal_core_and_periphery_fits_perfectly() -> None:
    """Everyone tied to a core of three, the periphery to nobody else: the pattern of Borgatti and Everett itself."""
    w = np.zeros((8, 8))
    w[:3, :] = w[:, :3] = 1
    np.fill_diagonal(w, 0)
    core, fit = graphs.core_periphery(w)
    assert core.tolist() == [True] * 3 + [False] * 5
    assert fit == pytest.approx(1)


@pytest.mark.parametrize("method", sorted(graphs.METHODS))
def test_two_cliques_joined_by_a_tie_are_two_communities(method: str) -> None:
    parts = graphs.METHODS[method](TWO_CLIQUES, 0)
    assert sorted(sorted(p) for p in parts) == [list(range(6)), list(range(6, 12))]


@pytest.mark.parametrize("method", sorted(graphs.METHODS))
def test_a_graph_without_ties_has_no_communities(method: str) -> None:
    assert graphs.METHODS[method](np.zeros((3, 3)), 0) == [frozenset({0}), frozenset({1}), frozenset({2})]


def test_without_the_hub_a_star_falls_apart() -> None:
    rest = graphs.without(STAR, 0)
    assert graphs.pairs_connected(STAR) == 1
    assert graphs.pairs_connected(rest) == 0
    assert len(graphs.components(rest)) == 9


def test_agreement_of_labellings_at_its_ends() -> None:
    assert graphs.ari([0, 0, 1, 1], ["b", "b", "a", "a"]) == 1
    assert graphs.nmi([0, 0, 1, 1], [1, 1, 0, 0]) == pytest.approx(1)
    assert graphs.nmi([0, 0, 0], [5, 5, 5]) == 1
    assert graphs.ari([0, 0, 1, 1], [0, 1, 0, 1]) == pytest.approx(-0.5)


# Independent programs


@pytest.mark.parametrize("seed", range(8))
def test_measures_equal_networkx(seed: int) -> None:
    w = random_graph(14, 0.3, seed)
    graph = nx.from_numpy_array(w)
    assert graphs.betweenness(w) == pytest.approx(list(nx.betweenness_centrality(graph).values()))
    edges = nx.edge_betweenness_centrality(graph, normalized=False)
    over = graphs._paths_over(w)[1] / 2
    assert [over[i, j] for i, j in edges] == pytest.approx(list(edges.values()))
    assert graphs.degree(w) / 13 == pytest.approx(list(nx.degree_centrality(graph).values()))
    assert graphs.clustering(w) == pytest.approx(nx.transitivity(graph))
    assert graphs.density(w) == pytest.approx(nx.density(graph))
    assert [set(c) for c in graphs.components(w)] == sorted(nx.connected_components(graph), key=lambda c: (-len(c), min(c)))
    if nx.is_connected(graph):
        expected = nx.eigenvector_centrality_numpy(graph)
        assert graphs.eigenvector(w) == pytest.approx([expected[i] for i in range(14)], abs=1e-8)
    for method in graphs.METHODS.values():
        parts = method(w, seed)
        assert graphs.modularity(w, parts) == pytest.approx(nx.community.modularity(graph, parts))


def test_weighted_measures_equal_networkx() -> None:
    rng = np.random.default_rng(7)
    w = np.triu(rng.random((12, 12)) * (rng.random((12, 12)) < 0.6), 1)
    w = w + w.T
    graph = nx.from_numpy_array(w)
    expected = nx.eigenvector_centrality_numpy(graph, weight="weight")
    assert graphs.eigenvector(w) == pytest.approx([expected[i] for i in range(12)], abs=1e-8)
    parts = graphs.louvain(w, 3)
    assert graphs.modularity(w, parts) == pytest.approx(nx.community.modularity(graph, parts, weight="weight"))


def test_the_first_split_is_that_of_the_leading_eigenvector() -> None:
    """Newman 2006 on the karate club: actors are parted by the sign of the leading eigenvector of the modularity matrix."""
    beyond = nx.modularity_matrix(nx.karate_club_graph(), nodelist=range(34), weight=None)
    sign = np.linalg.eigh(beyond)[1][:, -1] > 0
    parts = graphs.leading_eigenvector(KARATE)
    for part in parts:
        assert len({bool(sign[i]) for i in part}) == 1
    assert (graphs.modularity(KARATE, parts) or 0) > 0.39


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=2, max_size=40))
def test_agreement_equals_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    a, b = [p[0] for p in pairs], [p[1] for p in pairs]
    assert graphs.ari(a, b) == pytest.approx(adjusted_rand_score(a, b), abs=1e-9)
    assert graphs.nmi(a, b) == pytest.approx(normalized_mutual_info_score(a, b), abs=1e-9)


def test_measures_equal_igraph() -> None:
    igraph = pytest.importorskip("igraph")
    graph = igraph.Graph.Famous("Zachary")
    w = np.array(graph.get_adjacency().data, dtype=float)
    assert graphs.degree_centralisation(w) == pytest.approx(sum(max(graph.degree()) - d for d in graph.degree()) / (33 * 32))
    assert graphs.betweenness(w) * 33 * 32 / 2 == pytest.approx(graph.betweenness())
    values = graph.eigenvector_centrality(scale=True)
    mine = graphs.eigenvector(w)
    assert mine / mine.max() == pytest.approx(values, abs=1e-6)
    assert graphs.modularity(w, graphs.leading_eigenvector(w)) == pytest.approx(
        graph.community_leading_eigenvector().modularity, abs=1e-9
    )


# Invariants


@st.composite
def relabelled(draw: Callable[..., Any]) -> tuple[np.ndarray, np.ndarray]:
    n = draw(st.integers(3, 12))
    cells = draw(st.lists(st.sampled_from([0.0, 0.0, 0.25, 1.0, 2.0]), min_size=n * n, max_size=n * n))
    w = np.triu(np.array(cells).reshape(n, n), 1)
    order = draw(st.permutations(range(n)))
    return w + w.T, np.array(order)


@settings(max_examples=80, deadline=None)
@given(relabelled())
def test_measures_do_not_depend_on_the_order_of_actors(case: tuple[np.ndarray, np.ndarray]) -> None:
    w, order = case
    turned = w[np.ix_(order, order)]
    for of_actors in (graphs.degree, graphs.betweenness, graphs.eigenvector):
        assert of_actors(turned) == pytest.approx(of_actors(w)[order], abs=1e-6)
    for of_network in (
        graphs.degree_centralisation,
        graphs.betweenness_centralisation,
        graphs.clustering,
        graphs.density,
        graphs.pairs_connected,
    ):
        assert of_network(turned) == pytest.approx(of_network(w))
    core, fit = graphs.core_periphery(w)
    turned_core, turned_fit = graphs.core_periphery(turned)
    assert turned_fit == pytest.approx(fit)
    assert turned_core.tolist() == core[order].tolist()
    assert sorted(map(len, graphs.components(turned))) == sorted(map(len, graphs.components(w)))


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(12)))
def test_clear_communities_do_not_depend_on_the_order_of_actors(order: list[int]) -> None:
    for method in graphs.METHODS.values():
        parts = method(TWO_CLIQUES[np.ix_(order, order)], 0)
        assert {frozenset(order[i] for i in p) for p in parts} == {frozenset(range(6)), frozenset(range(6, 12))}


@settings(max_examples=40, deadline=None)
@given(relabelled(), st.integers(0, 2**32 - 1))
def test_rewiring_keeps_every_degree(case: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    w = case[0]
    drawn = graphs.rewired(w, np.random.default_rng(seed))
    assert (drawn.sum(axis=1) == graphs.degree(w)).all()
    assert (drawn == drawn.T).all()
    assert not np.diag(drawn).any()
    assert set(np.unique(drawn)) <= {0.0, 1.0}


def test_rewiring_reaches_every_graph_of_its_degrees() -> None:
    """A path of five has degrees 1, 2, 2, 2, 1: seven labelled graphs, each drawn about as often as another."""
    path = nx.to_numpy_array(nx.path_graph(5))
    rng = np.random.default_rng(5)
    seen: dict[bytes, int] = {}
    for _ in range(1400):
        key = graphs.rewired(path, rng).tobytes()
        seen[key] = seen.get(key, 0) + 1
    assert len(seen) == 7
    assert min(seen.values()) > 120
    assert max(seen.values()) < 300


@settings(max_examples=40, deadline=None)
@given(st.lists(st.frozensets(st.integers(0, 7), min_size=1), min_size=1, max_size=10), st.integers(0, 2**32 - 1))
def test_regrouping_keeps_sizes_and_memberships(groups: list[frozenset[int]], seed: int) -> None:
    drawn = graphs.regrouped(groups, np.random.default_rng(seed))
    assert [len(g) for g in drawn] == [len(g) for g in groups]
    for member in range(8):
        assert sum(member in g for g in drawn) == sum(member in g for g in groups)


# Bonds from a register


def tie(a: str, b: str, kind: str, name: str, start: str = "2001", **more: str) -> dict[str, str]:
    return {"actor_a": a, "actor_b": b, "tie_type": kind, "start": start, "name": name, **FACT, **more}


def actor(actor_id: str, side: str, theater: str = "", kind: str = "state", hub: str = "no") -> dict[str, str]:
    return {"actor_id": actor_id, "name": actor_id.title(), "type": kind, "side": side, "home_theater": theater, "hub": hub}


def register_of(folder: Path, **changed: list[dict[str, str]]) -> Register:
    """The tiny register with other actors and ties: a hub and five allies in two theaters, a bloc of three, two rivals."""
    write_tiny(folder)
    tables = {
        "actors": [
            actor("USA", "allied", hub="yes"),
            *(actor(a, "allied", "west") for a in ("POL", "DEU", "FRA")),
            *(actor(a, "allied", "east") for a in ("JPN", "AUS")),
            actor("PACT", "allied", kind="bloc"),
            actor("CHN", "rival", "east", hub="yes"),
            actor("RUS", "rival", "west"),
            actor("IND", "neutral", "east"),
        ],
        "tie_types": [
            {"tie_type_id": t, "name": t, "guarantee": "no"}
            for t in ("defence_pact", "logistics", "partnership_of_my_own", "friction", "codevelopment", "itpp")
        ],
        "memberships": [{"actor_id": a, "bloc_id": "PACT", "since": "1999", **FACT} for a in ("USA", "POL", "DEU", "FRA")],
        "ties": [],
        "exercises": [],
        "transfers": [],
    } | changed
    for name, rows in tables.items():
        (folder / f"{name}.csv").write_text(csv_text(name, rows), encoding="utf-8")
    for name in TINY:
        if name in ("items", "adoptions", "lines", "stocks", "force_elements", "consumption", "plan_actual"):
            rows = [r for r in TINY[name] if name not in tables]
            (folder / f"{name}.csv").write_text(csv_text(name, rows if name == "items" else []), encoding="utf-8")
    return Register.load(folder)


def test_one_treaty_is_one_bond(tmp_path: Path) -> None:
    members = ("USA", "POL", "DEU", "FRA")
    register = register_of(tmp_path, ties=[tie(m, "PACT", "defence_pact", "The treaty") for m in members])
    (bond,) = bonds(register, "2020")
    assert bond.parties == tuple(sorted(members))
    assert bond.pivot is None
    assert bond.weight == pytest.approx(1 / 3)
    assert len(bond.facts) == 4
    treaty = networks.network(register, "2020", [bond], side="allied")
    pair = networks.network(register, "2020", [bond], side="allied", weighting="pair")
    assert treaty.weights.sum(axis=1).max() == pytest.approx(1)
    assert pair.weights.sum(axis=1).max() == pytest.approx(3)
    assert (graphs.tied(treaty.weights) == graphs.tied(pair.weights)).all()


def test_a_treaty_written_as_ties_to_one_member_is_the_blocs(tmp_path: Path) -> None:
    """Whether members are written against the bloc or against one another under its name, the network is the same."""
    register = register_of(tmp_path, ties=[tie("POL", "USA", "defence_pact", "Pact (with DEU and FRA)")])
    (bond,) = bonds(register, "2020")
    assert bond.parties == ("DEU", "FRA", "POL", "USA")


def test_ties_of_each_to_each_under_one_name_are_one_bond(tmp_path: Path) -> None:
    three = [("AUS", "JPN"), ("AUS", "USA"), ("JPN", "USA")]
    whole = register_of(tmp_path / "a", ties=[tie(a, b, "codevelopment", f"Fighter ({a})") for a, b in three])
    assert [b.parties for b in bonds(whole, "2020")] == [("AUS", "JPN", "USA")]
    part = register_of(tmp_path / "b", ties=[tie(a, b, "codevelopment", "Fighter") for a, b in three[:2]])
    assert [b.parties for b in bonds(part, "2020")] == [("AUS", "JPN"), ("AUS", "USA")]


def test_an_outsiders_tie_to_a_bloc_ties_no_member_to_another(tmp_path: Path) -> None:
    register = register_of(tmp_path, ties=[tie("JPN", "PACT", "itpp", "Partnership")])
    (bond,) = bonds(register, "2020")
    assert bond.pivot == "JPN"
    assert bond.pairs == [("DEU", "JPN"), ("FRA", "JPN"), ("JPN", "POL"), ("JPN", "USA")]
    net = networks.network(register, "2020", [bond], side="allied")
    assert net.weights[net.row["JPN"]].sum() == pytest.approx(1)
    assert net.weights[net.row["POL"], net.row["DEU"]] == 0


def test_rows_that_say_the_same_are_one_bond_and_friction_is_none(tmp_path: Path) -> None:
    rows = [tie("CHN", "RUS", "logistics", name, start) for name, start in (("First", "2001"), ("Second", "2005"))]
    rows += [tie("CHN", "RUS", "friction", "Delay"), tie("CHN", "RUS", "partnership_of_my_own", "Named by a user")]
    register = register_of(tmp_path, ties=rows)
    found = bonds(register, "2020")
    assert [(b.layer, len(b.facts)) for b in found] == [("logistics", 2), ("partnership_of_my_own", 1)]
    covered = networks.coverage(register, "2020", found)
    assert covered.loc[covered["scope"] == "rival", "frictions"].tolist() == [1, 1]
    assert not covered["on_all_sides"].any()


def test_bonds_hold_from_their_start_to_their_end(tmp_path: Path) -> None:
    register = register_of(tmp_path, ties=[tie("CHN", "RUS", "logistics", "Once", "2001-07", end="2010-02")])
    assert [len(bonds(register, d)) for d in ("2001-06-30", "2001-07-01", "2010-01-31", "2010-02-01")] == [0, 1, 1, 0]


def test_exercises_count_for_five_years_and_plans_never(tmp_path: Path) -> None:
    def exercise(name: str, year: str, kind: str) -> dict[str, str]:
        cells = {"exercise_id": name, "name": name, "year": year, "participants": "USA; JPN;IND", "exercise_kind": kind}
        return cells | {**FACT, "as_of": year}

    register = register_of(tmp_path, exercises=[exercise("held", "2015", "joint"), exercise("plan", "2016", "joint (planned)")])
    counts = {d: len(bonds(register, d)) for d in ("2014-12-31", "2015-06-30", "2019-12-31", "2020-01-01")}
    assert counts == {"2014-12-31": 0, "2015-06-30": 1, "2019-12-31": 1, "2020-01-01": 0}
    net = networks.network(register, "2016", bonds(register, "2016"), side="allied")
    assert net.weights[net.row["USA"], net.row["JPN"]] == pytest.approx(1 / 2)  # three took part, one of another side


def test_announced_deliveries_are_no_bond(tmp_path: Path) -> None:
    def transfer(measure: str) -> dict[str, str]:
        return TINY["transfers"][0] | {"measure": measure, "period_from": "2024-01", "period_to": "2024-06"}

    for measure, expected in (("announced", 0), ("authorised", 0), ("delivered", 1)):
        register = register_of(tmp_path / measure, transfers=[transfer(measure)])
        assert len(bonds(register, "2025")) == expected
        assert not bonds(register, "2023")


def test_deliveries_of_another_set_join_the_arms_flows(tmp_path: Path) -> None:
    register = register_of(tmp_path)
    arms = pd.DataFrame(
        {
            "supplier_actor": ["USA", "RUS", "USA", pd.NA],
            "recipient_actor": ["JPN", "CHN", "POL", "JPN"],
            "year": [2019, 2012, 2018, 2019],
            "tiv": [3.0, 2.0, 0.0, 1.0],
        }
    )
    assert [b.parties for b in bonds(register, "2020", arms=arms)] == [("JPN", "USA")]


# Measures of a register's networks


def hub_and_spokes(folder: Path) -> Register:
    spokes = [tie("USA", a, "logistics", f"With {a}") for a in ("POL", "DEU", "FRA", "JPN", "AUS")]
    ring = [tie("CHN", "RUS", "logistics", "Both")]
    return register_of(folder, ties=spokes + ring)


def test_hub_and_spokes_measure_as_a_star(tmp_path: Path) -> None:
    register = hub_and_spokes(tmp_path)
    net = networks.network(register, "2020", bonds(register, "2020"), side="allied")
    values = networks.measures(net)
    assert values["degree_centralisation"] == pytest.approx(1)
    assert values["betweenness_centralisation"] == pytest.approx(1)
    assert values["interlocking_index"] == pytest.approx(0)
    assert values["interlocking_bonds"] == 0
    assert values["connected_without_hub"] == 0
    assert values["cross_theater_share"] == 0
    assert networks.most_central(net) == "USA"
    gone = networks.removal(net, ["USA"])
    assert gone["largest"].tolist() == [1, 1]
    assert gone["alone"].tolist() == ["AUS;DEU;FRA;JPN;POL"] * 2
    assert networks.summary(net)["interlocking_by_chance"] == pytest.approx(4 / 6)


def test_a_tie_between_allies_of_two_theaters_is_a_bridge(tmp_path: Path) -> None:
    register = hub_and_spokes(tmp_path)
    more = [*bonds(register, "2020"), Bond("logistics", ("JPN", "POL"), None, ("Both",), (), ("fact",), ("A",))]
    net = networks.network(register, "2020", more, side="allied")
    bridge = networks.bridges(net)
    assert bridge[["actor_a", "actor_b", "bonds_without_hub"]].to_numpy().tolist() == [["JPN", "POL", 1]]
    assert networks.measures(net)["cross_theater_share"] == pytest.approx(1 / 6)
    assert networks.removal(net, ["USA"])["largest"].tolist() == [2, 2]


def test_a_treaty_goes_on_or_lapses_with_the_hub(tmp_path: Path) -> None:
    register = register_of(tmp_path, ties=[tie(m, "PACT", "defence_pact", "The treaty") for m in ("USA", "POL", "DEU", "FRA")])
    net = networks.network(register, "2020", bonds(register, "2020"), side="allied")
    able = pd.DataFrame({"gdp": {"USA": 20.0, "POL": 1.0, "DEU": 4.0}})
    gone = networks.removal(net, ["USA"], able).set_index("rule")
    assert gone.at["ties", "largest"] == 3
    assert gone.at["agreements", "largest"] == 1
    assert gone.at["ties", "gdp_left"] == pytest.approx(5 / 25)
    assert gone.at["ties", "gdp_largest"] == pytest.approx(5 / 25)
    assert gone.at["agreements", "gdp_largest"] == pytest.approx(4 / 25)
    assert gone.at["ties", "gdp_known"] == 3
    nobody = networks.removal(net, ["JPN"], able)
    assert nobody["gdp_left"].isna().all()


def test_every_measure_comes_with_its_null(tmp_path: Path) -> None:
    register = hub_and_spokes(tmp_path)
    net = networks.network(register, "2020", bonds(register, "2020"), side="allied", weighting="pair")
    frame = networks.measured(net, draws=5).set_index("measure")
    assert set(frame.index) == set(networks.MEASURES)
    assert frame.at["degree_centralisation", "null_sd"] == 0  # the degrees of a star allow no other graph
    assert frame.at["degree_centralisation", "null_position"] == 0.5
    assert frame.at["hub_tie_share", "lost_high"] == pytest.approx(1)
    pd.testing.assert_frame_equal(frame, networks.measured(net, draws=5).set_index("measure"))
    bare = networks.measured(net, draws=0)
    assert bare["null_mean"].isna().all()


def test_a_side_without_any_bond_is_measured_as_unknown(tmp_path: Path) -> None:
    register = register_of(tmp_path)
    net = networks.network(register, "2020", [], side="allied")
    values = networks.measures(net)
    assert values["density"] == 0
    assert values["interlocking_index"] is None
    assert values["modularity"] is None
    assert networks.most_central(net) is None
    assert networks.communities(net)[0].empty
    assert networks.actors(net)["community"].isna().all()


def test_drawing_has_a_place_for_every_actor_and_a_row_for_every_tie(tmp_path: Path) -> None:
    register = hub_and_spokes(tmp_path)
    net = networks.network(register, "2020", bonds(register, "2020"), side="allied")
    nodes, edges = networks.drawing(net)
    assert len(nodes) == 6
    assert nodes[["x", "y"]].abs().to_numpy().max() <= 1.0 + 1e-9
    assert len(edges) == 5
    assert edges["touches_hub"].all()


def test_unknown_names_are_listed_together(tmp_path: Path) -> None:
    register = hub_and_spokes(tmp_path)
    with pytest.raises(InputError) as caught:
        networks.network(register, "2020", [], side="blue", layer="roads", weighting="much")
    assert [p.column for p in caught.value.problems] == ["layer", "side", "weighting"]


# The reference register


@pytest.fixture(scope="module")
def reference() -> Register:
    return Register.reference()


def swapped(register: Register) -> Register:
    """The same register with the two sides' names exchanged."""
    actors = register.table("actors").copy()
    actors["side"] = actors["side"].replace({"allied": "rival", "rival": "allied"})
    return replace(register, tables=MappingProxyType({**register.tables, "actors": actors}))


def test_sides_are_names_only(reference: Register) -> None:
    other = swapped(reference)
    date = "2026-06-30"
    found = bonds(reference, date)
    assert bonds(other, date) == found
    for side, name in (("allied", "rival"), ("rival", "allied")):
        mine = networks.measured(networks.network(reference, date, found, side=side), draws=2).drop(columns="scope")
        theirs = networks.measured(networks.network(other, date, found, side=name), draws=2).drop(columns="scope")
        pd.testing.assert_frame_equal(mine, theirs)


@pytest.mark.parametrize("date", ["1991", "2014", "2022", "2026-06-30"])
def test_hub_removal_says_what_each_side_keeps(reference: Register, date: str) -> None:
    found = bonds(reference, date)
    able = networks.capability(reference, date)
    for side in networks.sides(reference):
        net = networks.network(reference, date, found, side=side)
        assert net.hub is not None
        gone = networks.removal(net, [net.hub], able)
        assert gone["rule"].tolist() == ["ties", "agreements"]
        assert (gone["left"] == len(net.actors) - 1).all()
        assert gone["connected"].between(0, 1).all()
        assert gone.at[1, "connected"] <= gone.at[0, "connected"]
        assert gone.at[1, "weight_kept"] <= gone.at[0, "weight_kept"] + 1e-12


@pytest.mark.parametrize(("date", "parties"), [("1991", 16), ("2026-06-30", 32)])
def test_the_pact_of_1949_is_one_observation(reference: Register, date: str, parties: int) -> None:
    pacts = [b for b in bonds(reference, date) if b.layer == "pacts" and b.pivot is None]
    (treaty,) = [b for b in pacts if len(b.parties) > 10 and "USA" in b.parties]
    assert len(treaty.parties) == parties
    assert treaty.weight == pytest.approx(1 / (parties - 1))


def test_change_follows_the_dates(reference: Register) -> None:
    frame = networks.history(reference, ["1991", "2026-06-30"])
    assert frame["date"].tolist() == ["1991-01-01"] * 2 + ["2026-06-30"] * 2
    for _, rows in frame.groupby("scope"):
        assert rows["bonds"].is_monotonic_increasing
    assert {"without_hub_ties_connected", "without_most_central_agreements_largest"} <= set(frame.columns)


def test_the_survey_reads_and_prints(reference: Register) -> None:
    found = survey(reference, "2022", draws=2, since=("1991",))
    document = found.document()
    assert json.loads(json.dumps(document, allow_nan=False))["date"] == "2022-01-01"
    assert {r["scope"] for r in document["sides"]} == {*networks.sides(reference), "across"}
    assert {r["actor"] for r in document["actors"]} >= {"JPN", "PRK"}
    assert {r["measure"] for r in document["measures"]} == set(networks.MEASURES)
    assert len(document["history"]) == 4
    assert all(set(row) == set(LONG_COLUMNS) for row in long_rows(found))
    titles = [t.title for t in tables(found)]
    assert titles[0].startswith("Networks at 2022-01-01")
    assert len(titles) == 8


def test_one_side_alone_is_what_it_is_beside_the_other(reference: Register) -> None:
    both, one = survey(reference, "2022", draws=2), survey(reference, "2022", side="rival", draws=2)
    pd.testing.assert_frame_equal(one.measures, both.measures[both.measures["scope"] == "rival"].reset_index(drop=True))
    assert set(one.actors["scope"]) == {"rival"}


def test_data_sets_join_where_a_folder_holds_them(reference: Register, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        survey(reference, "2022", draws=0, data=tmp_path)
    text = "supplier,recipient,year,tiv,recipient_iso3,supplier_iso3\nUnited States,Japan,2021,4,JPN,USA\nJapan,Australia,2020,1,AUS,JPN\n"
    (tmp_path / "tiv_supplier_recipient_year.csv").write_text(text, encoding="utf-8")
    found = survey(reference, "2022", side="allied", layer="arms_flows", draws=0, data=tmp_path)
    shares = found.dependence[found.dependence["measure"] == "arms_imports_share"].set_index("actor")["value"]
    assert shares.to_dict() == {"AUS": 0.0, "JPN": 1.0}
    assert ("AUS", "JPN") in set(zip(found.bridges["actor_a"], found.bridges["actor_b"], strict=True)) or len(found.bridges) == 0


def run_cli(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "isthmus.cli", "network", *words], capture_output=True, text=True, check=False)


def test_the_command_prints_one_document() -> None:
    done = run_cli("--at", "2022", "--side", "rival", "--draws", "2", "--json")
    assert done.returncode == 0, done.stderr
    assert {r["scope"] for r in json.loads(done.stdout)["measures"]} == {"rival"}


def test_the_command_lists_every_fault() -> None:
    done = run_cli("--side", "blue", "--layer", "roads", "--draws", "0", "--json")
    assert done.returncode == 2
    assert [p["column"] for p in json.loads(done.stdout)["problems"]] == ["layer", "side"]
