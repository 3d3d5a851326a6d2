"""Two alignments as networks: who is tied to whom, by layer and date; what depends on the hub; what chance alone would give.

A *bond* (:mod:`isthmus.interop.bonds`) is one agreement, series of exercises or flow; a treaty of many is **one** bond.
Two ways to turn it into pairs, always named beside the result (:data:`WEIGHTINGS`):

- ``treaty``: every pair of its n parties gets 1/(n - 1), so that each party gets 1 from it (Newman 2001, Physical Review E 64);
- ``pair``: every pair gets 1, whatever n (the dyadic expansion), at most 1 in a layer.

The layer ``all`` adds up the layers, each at most 1 a pair; ``common`` only those on which every side has a bond.

The measures are those of :mod:`isthmus.interop.graphs`, which names their sources. Each comes with a *null model* that keeps what
is plain counting: with ``treaty`` every agreement keeps its number of parties and every actor its number of agreements in each
layer; with ``pair`` every actor keeps its number of partners. Unknown is not none: see :func:`coverage`. The same code serves both
sides; sides, hubs and theaters are columns of the register's table of actors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from isthmus.axes import SIDES
from isthmus.errors import InputError, Problem
from isthmus.interop import graphs
from isthmus.interop.bonds import LAYER_OF, NOT_A_BOND, Bond, bonds, states_of
from isthmus.interop.graphs import F64, METHODS, Partition
from isthmus.register import Register
from isthmus.register.register import checked_date, period_start
from isthmus.register.resolve import resolve_by

WEIGHTINGS = ("treaty", "pair")

ALL, COMMON = "all", "common"

DRAWS, SEED = 50, 20261
LOST = 0.2
"""Share of bonds left out at random to see how far a measure depends on bonds that nobody may have found."""

CAPABILITY_YEARS = 3
"""An indicator of so many years before the date still counts."""


@dataclass(frozen=True)
class Network:
    """Bonds among some actors (alphabetical). `hub`: the hub of the side as the register declares it; None across sides."""

    date: str
    scope: str
    layer: str
    actors: tuple[str, ...]
    bonds: tuple[Bond, ...]
    hub: str | None
    theater: Mapping[str, str | None]
    side: Mapping[str, str]
    weighting: str = "treaty"

    @cached_property
    def row(self) -> Mapping[str, int]:
        return {actor: i for i, actor in enumerate(self.actors)}

    @cached_property
    def weights(self) -> F64:
        """Weight of every pair, (actors, actors)."""
        return self.weighed([(b.layer, *self._rows(b), b.weight) for b in self.bonds])

    @cached_property
    def bridging(self) -> graphs.Mask:
        """Pairs of different home theaters, neither of them the hub, (actors, actors)."""
        homes = np.array([("" if a == self.hub else self.theater[a]) or "" for a in self.actors], dtype=object)
        settled = homes != ""
        return np.asarray((homes[:, None] != homes[None, :]) & settled[:, None] & settled[None, :], dtype=np.bool_)

    @property
    def hub_row(self) -> int | None:
        return self.row.get(self.hub) if self.hub is not None else None

    def _rows(self, bond: Bond) -> tuple[frozenset[int], int | None]:
        inside = frozenset(self.row[p] for p in bond.parties if p in self.row)
        return inside, self.row[bond.pivot] if bond.pivot is not None else None

    def weighed(self, groups: Iterable[tuple[str, frozenset[int], int | None, float]]) -> F64:
        """Weights from (layer, rows of the parties, row of the pivot, weight of a pair): summed and capped in a layer, then added."""
        n = len(self.actors)
        by_layer: dict[str, list[tuple[frozenset[int], int | None, float]]] = {}
        for layer, rows, pivot, weight in groups:
            by_layer.setdefault(layer, []).append((rows, pivot, weight if self.weighting == "treaty" else 1.0))
        total = np.zeros((n, n))
        for given in by_layer.values():
            party = np.zeros((len(given), n))
            for k, (rows, _, _) in enumerate(given):
                party[k, list(rows)] = 1.0
            whole = np.array([w if pivot is None else 0.0 for _, pivot, w in given])
            layer_weights = party.T @ (whole[:, None] * party)
            for k, (_, pivot, w) in enumerate(given):
                if pivot is not None:
                    layer_weights[pivot] += w * party[k]
                    layer_weights[:, pivot] += w * party[k]
            total += np.minimum(1.0, layer_weights)
        np.fill_diagonal(total, 0.0)
        return total

    def less(self, bonds: Iterable[Bond]) -> Network:
        """The same actors without some bonds."""
        gone = set(bonds)
        return replace(self, bonds=tuple(b for b in self.bonds if b not in gone))


def sides(register: Register) -> tuple[str, ...]:
    """The sides that the register judges: those with states, without the neutral."""
    actors = register.table("actors")
    present = set(actors.loc[actors["type"] == "state", "side"])
    return tuple(s for s in SIDES if s in present and s != "neutral")


def network(
    register: Register,
    date: str,
    found: Sequence[Bond],
    *,
    side: str | None = None,
    layer: str = ALL,
    weighting: str = "treaty",
) -> Network:
    """The network of a side (its states, tied or not) or, without one, across: all judged sides and whoever is tied to them.

    `found`: what :func:`bonds` gave for the date. Raises `InputError` for a side, a layer or a weighting that is not there.
    """
    _check(register, found, side, layer, weighting)
    actors = register.table("actors")
    states = actors[actors["type"] == "state"]
    side_of = dict(zip(states["actor_id"], states["side"], strict=True))
    judged = sides(register)
    shared = common_layers(register, found) if layer == COMMON else frozenset()
    chosen = [b for b in found if layer in (ALL, b.layer) or b.layer in shared]
    if side is not None:
        members = {a for a, s in side_of.items() if s == side}
        hubs = sorted(states.loc[(states["side"] == side) & (states["hub"] == "yes"), "actor_id"])
    else:
        members = {a for a, s in side_of.items() if s in judged}
        members |= {p for b in chosen if members & set(b.parties) for p in b.parties}
        hubs = []
    kept = tuple(b for b in chosen if (b.pivot is None or b.pivot in members) and len(members & set(b.parties)) > 1)
    theaters = dict(zip(states["actor_id"], states["home_theater"], strict=True))
    names = tuple(sorted(members))
    return Network(
        period_start(date),
        side or "across",
        layer,
        names,
        kept,
        hubs[0] if hubs else None,
        {a: theaters[a] for a in names},
        {a: side_of[a] for a in names},
        weighting,
    )


def layers(found: Iterable[Bond]) -> tuple[str, ...]:
    """Names of the layers that have a bond, in the order of :data:`LAYER_OF`, then others by name."""
    present = {b.layer for b in found}
    known = list(dict.fromkeys(LAYER_OF.values()))
    return (*(name for name in known if name in present), *sorted(present - set(known)))


def common_layers(register: Register, found: Iterable[Bond]) -> frozenset[str]:
    """Layers on which every judged side has a bond between two of its states: the only ones on which sides compare."""
    actors = register.table("actors")
    side_of = dict(zip(actors["actor_id"], actors["side"], strict=True))
    held: dict[str, set[str]] = {}
    for bond in found:
        held.setdefault(bond.layer, set()).update(side_of[a] for a, b in bond.pairs if side_of[a] == side_of[b])
    judged = set(sides(register))
    return frozenset(name for name, on in held.items() if judged <= on)


def _check(register: Register, found: Sequence[Bond], side: str | None, layer: str, weighting: str) -> None:
    known_layers = (ALL, COMMON, *dict.fromkeys((*LAYER_OF.values(), *layers(found))))
    problems = [
        Problem("network", None, what, str(value), ", ".join(allowed), f"no such {what}")
        for what, value, allowed in (
            ("side", side, sides(register)),
            ("layer", layer, known_layers),
            ("weighting", weighting, WEIGHTINGS),
        )
        if value is not None and value not in allowed
    ]
    if problems:
        raise InputError(problems)


# Measures


MEASURES: Mapping[str, str] = MappingProxyType(
    {
        "density": "tied pairs by all pairs",
        "degree_centralisation": "Freeman: 1 a star, 0 all alike, by number of partners",
        "betweenness_centralisation": "Freeman: 1 all paths run over one actor, 0 nobody stands between",
        "clustering": "share of pairs with a common partner that are tied themselves",
        "core_fit": "correlation of the ties with a core that is tied to all and a periphery tied only to it",
        "modularity": "weight inside communities (leading eigenvector) beyond what strengths alone would give",
        "hub_tie_share": "share of tie weight that touches the hub",
        "interlocking_index": "share of tie weight that does not touch the hub",
        "interlocking_bonds": "share of agreements to which the hub is no party",
        "connected_without_hub": "share of pairs of the others that still reach one another without the hub",
        "largest_without_hub": "share of the others in the largest connected part without the hub",
        "connected_without_hub_bonds": "the same where every agreement lapses to which the hub is a party",
        "cross_theater_share": "share of tie weight that joins two theaters without the hub",
    }
)
"""Measures of a network: shares, or correlations for core_fit; None where one is not defined."""


def measures(net: Network, weights: F64 | None = None, groups: Sequence[frozenset[int]] | None = None) -> dict[str, float | None]:
    """Every measure of :data:`MEASURES`. `weights`, `groups`: of a null model of the network, instead of its own."""
    w = net.weights if weights is None else weights
    own = [net._rows(b)[0] for b in net.bonds] if groups is None else list(groups)
    hub, total = net.hub_row, float(w.sum())
    out: dict[str, float | None] = {
        "density": graphs.density(w),
        "degree_centralisation": graphs.degree_centralisation(w),
        "betweenness_centralisation": graphs.betweenness_centralisation(w),
        "clustering": graphs.clustering(w),
        "core_fit": graphs.core_periphery(w)[1],
        "modularity": graphs.modularity(w, graphs.leading_eigenvector(w)),
    }
    bridging = net.bridging
    out["cross_theater_share"] = float(w[bridging].sum()) / total if total else None
    if hub is None:
        return out
    touched = 2 * float(w[hub].sum()) / total if total else None
    rest = graphs.without(w, hub)
    largest = max(len(c) for c in graphs.components(rest)) / len(rest) if len(rest) else None
    out |= {
        "hub_tie_share": touched,
        "interlocking_index": None if touched is None else 1 - touched,
        "interlocking_bonds": sum(hub not in g for g in own) / len(own) if own else None,
        "connected_without_hub": graphs.pairs_connected(rest),
        "largest_without_hub": largest,
    }
    if groups is None or net.weighting == "treaty":
        out["connected_without_hub_bonds"] = graphs.pairs_connected(graphs.without(_joined(own, len(w), hub), hub))
    return out


def _joined(groups: Iterable[frozenset[int]], n: int, hub: int) -> F64:
    """Who is joined by groups to which the hub is no party, (n, n); a star of them connects as well as all pairs."""
    party = np.array([[float(i in g) for i in range(n)] for g in groups if hub not in g]).reshape(-1, n)
    out: F64 = party.T @ party
    np.fill_diagonal(out, 0.0)
    return out


def measured(net: Network, *, draws: int = DRAWS, seed: int = SEED) -> pd.DataFrame:
    """A row per measure: scope, layer, weighting, measure, value, null_mean, null_sd, null_position, lost_low, lost_high, draws.

    null_*: mean and standard deviation over `draws` networks of the null model, and the share of them below the value (ties
    count half). lost_*: 5 and 95% of the measure with :data:`LOST` of the bonds left out at random, which says how far it hangs on
    bonds that may not have been found. None where `draws` is 0, or where a null model says nothing (see :data:`MEASURES`).
    """
    rng = np.random.default_rng(seed)
    value = measures(net)
    null = [measures(net, *_null(net, rng)) for _ in range(draws)]
    lost = [measures(net.less(b for b in net.bonds if rng.random() < LOST)) for _ in range(draws if net.bonds else 0)]
    rows = []
    for name in MEASURES:
        if name not in value:
            continue
        row: dict[str, Any] = {"scope": net.scope, "layer": net.layer, "weighting": net.weighting, "measure": name}
        rows.append(
            row | {"value": value[name]} | _beside(value[name], _known(null, name), _known(lost, name)) | {"draws": draws}
        )
    return pd.DataFrame(rows)


def _known(drawn: Iterable[Mapping[str, float | None]], name: str) -> F64:
    return np.array([v for d in drawn if (v := d.get(name)) is not None], dtype=np.float64)


def _beside(value: float | None, null: F64, lost: F64) -> dict[str, float | None]:
    low, high = (float(q) for q in np.quantile(lost, (0.05, 0.95))) if len(lost) else (None, None)
    return {
        "null_mean": float(null.mean()) if len(null) else None,
        "null_sd": float(null.std(ddof=1)) if len(null) > 1 else None,
        "null_position": _position(value, null) if value is not None and len(null) else None,
        "lost_low": low,
        "lost_high": high,
    }


def _position(value: float, null: F64) -> float:
    same = np.abs(null - value) <= 1e-9
    return float(((null < value) & ~same).mean() + same.mean() / 2)


def _null(net: Network, rng: np.random.Generator) -> tuple[F64, list[frozenset[int]]]:
    """One network of the null model: its weights, and the rows of the parties of every bond."""
    own = [net._rows(b) for b in net.bonds]
    if net.weighting == "pair":
        return graphs.rewired(net.weights, rng), [rows for rows, _ in own]
    drawn: list[frozenset[int]] = [frozenset()] * len(own)
    for layer in {b.layer for b in net.bonds}:
        at = [i for i, b in enumerate(net.bonds) if b.layer == layer]
        for i, group in zip(at, graphs.regrouped([own[i][0] for i in at], rng), strict=True):
            drawn[i] = group
    triples = []
    for bond, group, (_, pivot) in zip(net.bonds, drawn, own, strict=True):
        turned = None if pivot is None else int(rng.choice(sorted(group)))
        triples.append((bond.layer, group, turned, bond.weight))
    return net.weighed(triples), drawn


def actors(net: Network) -> pd.DataFrame:
    """A row per actor: scope, layer, actor, hub, theater, partners, bonds, strength, degree, eigenvector, betweenness, core, community.

    degree: partners by the number there could be; eigenvector: length 1; core: whether in the core of :func:`graphs.core_periphery`;
    community: number in the partition of Louvain, None for an actor without a tie (which is unknown, not alone).
    """
    w = net.weights
    partners = graphs.degree(w)
    core, _ = graphs.core_periphery(w)
    community = graphs.labels_of(graphs.louvain(w, SEED), len(w))
    eigen, between = graphs.eigenvector(w), graphs.betweenness(w)
    return pd.DataFrame(
        [
            {
                "scope": net.scope,
                "layer": net.layer,
                "actor": actor,
                "side": net.side[actor],
                "hub": actor == net.hub,
                "theater": net.theater[actor],
                "partners": int(partners[i]),
                "bonds": sum(actor in b.parties for b in net.bonds),
                "strength": float(w[i].sum()),
                "degree": float(partners[i] / max(1, len(w) - 1)),
                "eigenvector": float(eigen[i]),
                "betweenness": float(between[i]),
                "core": bool(core[i]),
                "community": int(community[i]) if partners[i] else None,
            }
            for i, actor in enumerate(net.actors)
        ]
    )


def most_central(net: Network) -> str | None:
    """The actor that the network itself puts first: highest eigenvector centrality; None without ties."""
    if not net.weights.any():
        return None
    values = graphs.eigenvector(net.weights)
    return net.actors[int(np.flatnonzero(values > values.max() - 1e-9)[0])]


def removal(net: Network, who: Sequence[str] | None = None, capability: pd.DataFrame | None = None) -> pd.DataFrame:
    """What stays connected without an actor: a row per removed actor and rule. `who`: every actor by default.

    Rules: ``ties`` - only its own ties go, a treaty goes on among the others; ``agreements`` - every agreement lapses to which it is
    a party, the other bound. Columns: scope, layer, removed, declared_hub, rule, left, parts, largest (actors in the largest part),
    connected (share of pairs of the others that reach one another), weight_kept (share of tie weight), alone (actors without a
    tie left that had one). With `capability` (actors × measures, :func:`capability`), per measure: <m>_left (share of the scope's known sum that the
    others hold) and <m>_largest (share held by the strongest connected part), None where the removed actor's is unknown, and
    <m>_known (actors whose value is known).
    """
    rows = []
    total = float(net.weights.sum())
    for actor in net.actors if who is None else who:
        for rule in ("ties", "agreements"):
            gone = [b for b in net.bonds if rule == "agreements" and actor in b.parties]
            rest = graphs.without(net.less(gone).weights, net.row[actor])
            names = [a for a in net.actors if a != actor]
            parts = graphs.components(rest)
            had = graphs.degree(net.weights)
            alone = [a for a, partners in zip(names, graphs.degree(rest), strict=True) if not partners and had[net.row[a]]]
            row = {
                "scope": net.scope,
                "layer": net.layer,
                "removed": actor,
                "declared_hub": actor == net.hub,
                "rule": rule,
                "left": len(names),
                "parts": len(parts),
                "largest": len(parts[0]) if parts else 0,
                "connected": graphs.pairs_connected(rest),
                "weight_kept": float(rest.sum()) / total if total else None,
                "alone": ";".join(alone),
            }
            rows.append(row | _capability_left(names, actor, parts, capability))
    return pd.DataFrame(rows)


def _capability_left(names: Sequence[str], removed: str, parts: Partition, capability: pd.DataFrame | None) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if capability is None:
        return out
    for measure in capability.columns:
        known = {a: float(v) for a, v in capability[measure].items() if v == v and (a == removed or a in set(names))}
        everything = sum(known.values())
        shares = [sum(known.get(names[i], 0.0) for i in part) for part in parts]
        defined = everything > 0 and removed in known
        out[f"{measure}_left"] = 1 - known[removed] / everything if defined else None
        out[f"{measure}_largest"] = max(shares) / everything if defined and shares else None
        out[f"{measure}_known"] = len(known)
    return out


def capability(register: Register, date: str, *, cinc: pd.DataFrame | None = None) -> pd.DataFrame:
    """Actors × measures at a date, NaN where unknown: defence_spending, gdp, cinc, and stock_<mission>.

    Indicators are the newest of a whole year within :data:`CAPABILITY_YEARS` before the date, in one unit each (USD billion of 2023
    prices, USD trillion, share of the world). stock_<mission>: effect of the stocks on hand whose count is known, middle values,
    resolved as in :mod:`isthmus.register.resolve`. `cinc`: state-years (actor, year, cinc) that replace the register's.
    """
    day = period_start(checked_date(date))
    wanted = {
        "defence_spending": ("defence_spending", "USD billion (2023 prices)"),
        "gdp": ("gdp_implied", "USD trillion (current)"),
        "cinc": ("cinc", "share of world"),
    }
    rows = register.table("indicators")
    rows = rows[rows["period"].str.fullmatch(r"\d{4}")]
    year = rows["period"].astype(int)
    rows = rows.assign(year=year)[(year <= int(day[:4])) & (year > int(day[:4]) - CAPABILITY_YEARS - 1)].sort_values("year")
    columns = {
        name: rows[(rows["indicator"] == indicator) & (rows["unit"] == unit)].groupby("actor_id")["value"].last()
        for name, (indicator, unit) in wanted.items()
    }
    if cinc is not None:
        known = cinc[(cinc["year"] <= int(day[:4])) & (cinc["year"] > int(day[:4]) - CAPABILITY_YEARS - 1)].dropna(
            subset=["cinc"]
        )
        columns["cinc"] = known.sort_values("year").groupby("actor")["cinc"].last()
    columns |= {f"stock_{mission}": values for mission, values in _stock_effect(register, day).items()}
    return pd.DataFrame({name: values for name, values in columns.items() if len(values)})


def _stock_effect(register: Register, day: str) -> dict[str, pd.Series]:
    stocks = register.table("stocks")
    stocks = stocks[(stocks["measure"] == "on_hand") & stocks["actor_id"].isin(states_of(register))]
    materiel = register.table("materiel").set_index("materiel_id")
    out: dict[str, dict[str, float]] = {}
    for (actor, item), found in resolve_by(stocks, ("actor_id", "materiel_id"), day).items():
        effect = materiel.at[item, "effect_mode"]
        if effect == effect and effect is not None:
            of = out.setdefault(str(materiel.at[item, "mission_id"]), {})
            of[str(actor)] = of.get(str(actor), 0.0) + found.mode * float(effect)
    return {mission: pd.Series(values) for mission, values in sorted(out.items())}


def communities(net: Network, seed: int = SEED) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Communities of the tied actors by every method, and how far the methods agree.

    First frame: scope, layer, method, community, actors. Second: scope, layer, first, second, actors (on which both speak), nmi,
    ari, and modularity of the first; methods against one another, against home theaters and, across sides, against the sides.
    """
    tied = [i for i, d in enumerate(graphs.degree(net.weights)) if d]
    w = net.weights[np.ix_(tied, tied)]
    keys: dict[str, Any] = {"scope": net.scope, "layer": net.layer}
    partitions: dict[str, Partition] = {name: method(w, seed) for name, method in METHODS.items()} if tied else {}
    listed = [
        keys | {"method": name, "community": k, "actors": ";".join(net.actors[tied[i]] for i in sorted(part))}
        for name, parts in partitions.items()
        for k, part in enumerate(parts)
    ]
    judged = {side for side in net.side.values() if side != "neutral"}
    labelled: dict[str, list[Any]] = {n: graphs.labels_of(p, len(tied)).tolist() for n, p in partitions.items()}
    labelled["home_theater"] = [net.theater[net.actors[i]] for i in tied]
    if len(judged) > 1:
        labelled["side"] = [s if (s := net.side[net.actors[i]]) in judged else None for i in tied]
    agreed = []
    for a, b in combinations(labelled, 2):
        both = [(x, y) for x, y in zip(labelled[a], labelled[b], strict=True) if x is not None and y is not None]
        if a in partitions and both:
            first, second = zip(*both, strict=True)
            agreed.append(
                keys
                | {
                    "first": a,
                    "second": b,
                    "actors": len(both),
                    "nmi": graphs.nmi(first, second),
                    "ari": graphs.ari(first, second),
                    "modularity": graphs.modularity(w, partitions[a]),
                }
            )
    columns = [*keys, "first", "second", "actors", "nmi", "ari", "modularity"]
    return pd.DataFrame(listed, columns=[*keys, "method", "community", "actors"]), pd.DataFrame(agreed, columns=columns)


def bridges(net: Network) -> pd.DataFrame:
    """Ties of an actor of one theater with one of another, neither the hub: scope, layer, actor_a, actor_b, theater_a, theater_b,
    weight, bonds, bonds_without_hub, names (of the bonds without the hub)."""
    rows = []
    by_pair: dict[tuple[str, str], list[Bond]] = {}
    for bond in net.bonds:
        for pair in bond.pairs:
            by_pair.setdefault(pair, []).append(bond)
    for i, j in np.argwhere(np.triu(net.bridging & (net.weights > 0))):
        a, b = net.actors[i], net.actors[j]
        own = [bond for bond in by_pair[a, b] if net.hub not in bond.parties]
        rows.append(
            {
                "scope": net.scope,
                "layer": net.layer,
                "actor_a": a,
                "actor_b": b,
                "theater_a": net.theater[a],
                "theater_b": net.theater[b],
                "weight": float(net.weights[i, j]),
                "bonds": len(by_pair[a, b]),
                "bonds_without_hub": len(own),
                "names": "; ".join(f"{bond.layer}: {bond.names[0]}" for bond in own),
            }
        )
    columns = ["scope", "layer", "actor_a", "actor_b", "theater_a", "theater_b", "weight", "bonds", "bonds_without_hub", "names"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.sort_values(["bonds_without_hub", "weight"], ascending=False, kind="stable").reset_index(drop=True)


def summary(net: Network) -> dict[str, Any]:
    """Counts of a network and what chance placement of its ties would give the interlocking index, (n - 2)/n."""
    n = len(net.actors)
    bridge = bridges(net)
    dual = [b for b in net.bonds if _spans(net, b)]
    return {
        "scope": net.scope,
        "layer": net.layer,
        "weighting": net.weighting,
        "hub": net.hub,
        "most_central": most_central(net),
        "actors": n,
        "tied_actors": int((graphs.degree(net.weights) > 0).sum()),
        "ties": int(graphs.tied(net.weights).sum() // 2),
        "bonds": len(net.bonds),
        "interlocking_by_chance": (n - 2) / n if n > 2 and net.hub else None,
        "cross_theater_pairs": len(bridge),
        "cross_theater_bonds": len(dual),
        "cross_theater_bonds_without_hub": sum(net.hub not in b.parties for b in dual),
        "core": ";".join(a for a, c in zip(net.actors, graphs.core_periphery(net.weights)[0], strict=True) if c),
    }


def _spans(net: Network, bond: Bond) -> bool:
    """Whether a bond ties two theaters without counting the hub."""
    rows, pivot = net._rows(bond)
    among = net.bridging[sorted(rows)][:, sorted(rows) if pivot is None else [pivot]]
    return bool(among.any())


def coverage(register: Register, date: str, found: Sequence[Bond]) -> pd.DataFrame:
    """What is known and what is not, per side and layer: an absent row is unknown, not a documented no.

    Columns: scope, layer, states, states_with_a_bond, bonds, pairs_known, pairs_possible, facts, estimates, assumptions (bonds by
    the best kind of row), weakest (share of bonds that rest on grade C alone), undated (ties of the layer that the register knows
    only from a later date, without a start: they may have held), frictions (rows of friction among the side's states, any layer),
    on_all_sides (whether every side has a bond of the layer: if not, it may have been looked for on one side only).
    """
    view = register.at(date)
    left = register.table("ties")
    left = left[left["start"].isna() & ~left["fact_id"].isin(view.table("ties")["fact_id"])]
    friction = view.table("ties")
    friction = friction[friction["tie_type"].isin(NOT_A_BOND)]
    shared, rows = common_layers(register, found), []
    for side in sides(register):
        for layer in layers(found):
            net = network(register, date, found, side=side, layer=layer, weighting="pair")
            who, n = set(net.actors), len(net.actors)
            kinds = [min(b.kinds, key=("fact", "estimate", "assumption").index) for b in net.bonds]
            mine = left[left["actor_a"].isin(who) & left["actor_b"].isin(who)]
            rows.append(
                {
                    "scope": side,
                    "layer": layer,
                    "states": n,
                    "states_with_a_bond": int((graphs.degree(net.weights) > 0).sum()),
                    "bonds": len(net.bonds),
                    "pairs_known": int(graphs.tied(net.weights).sum() // 2),
                    "pairs_possible": n * (n - 1) // 2,
                    **{f"{kind}s": kinds.count(kind) for kind in ("fact", "estimate", "assumption")},
                    "weakest": sum(set(b.grades) <= {"C"} for b in net.bonds) / len(net.bonds) if net.bonds else None,
                    "undated": int((mine["tie_type"].map(lambda t: LAYER_OF.get(t, t)) == layer).sum()),
                    "frictions": int((friction["actor_a"].isin(who) & friction["actor_b"].isin(who)).sum()),
                    "on_all_sides": layer in shared,
                }
            )
    return pd.DataFrame(rows)


def history(
    register: Register,
    dates: Iterable[str],
    *,
    layer: str = ALL,
    weighting: str = "treaty",
    arms: pd.DataFrame | None = None,
    cinc: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Per date and side: date, :func:`summary`, :func:`measures`, and what stays without the hub and without the most central
    actor (`without_<who>_<rule>_<column>` of :func:`removal`). States carry today's side back; see :func:`coverage` at each date.
    """
    rows = []
    for date in dates:
        found = bonds(register, date, arms=arms)
        able = capability(register, date, cinc=cinc)
        for side in sides(register):
            net = network(register, date, found, side=side, layer=layer, weighting=weighting)
            row: dict[str, Any] = {"date": net.date} | summary(net) | measures(net)
            for name, who in (("hub", net.hub), ("most_central", most_central(net))):
                for one in [] if who is None else removal(net, [who], able).to_dict("records"):
                    kept = {
                        k: v
                        for k, v in one.items()
                        if k in ("parts", "largest", "connected") or k.endswith(("_left", "_largest"))
                    }
                    row |= {f"without_{name}_{one['rule']}_{k}": v for k, v in kept.items()}
            rows.append(row)
    return pd.DataFrame(rows)


def drawing(net: Network, seed: int = SEED) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What a figure of the network needs: nodes (actor, side, hub, theater, community, strength, x, y) and edges (actor_a, actor_b,
    weight, touches_hub, crosses_theaters, layers). Positions by Fruchterman and Reingold 1991, seeded, in [-1, 1]."""
    import networkx as nx

    place = nx.spring_layout(nx.from_numpy_array(net.weights), weight="weight", seed=seed)
    nodes = actors(net)[["actor", "side", "hub", "theater", "community", "strength"]]
    nodes = nodes.assign(x=[float(place[i][0]) for i in range(len(nodes))], y=[float(place[i][1]) for i in range(len(nodes))])
    crossing, hub = net.bridging, net.hub_row
    by_pair: dict[tuple[str, str], set[str]] = {}
    for bond in net.bonds:
        for pair in bond.pairs:
            by_pair.setdefault(pair, set()).add(bond.layer)
    edges = [
        {
            "actor_a": net.actors[i],
            "actor_b": net.actors[j],
            "weight": float(net.weights[i, j]),
            "touches_hub": hub is not None and hub in (i, j),
            "crosses_theaters": bool(crossing[i, j]),
            "layers": ";".join(sorted(by_pair[net.actors[i], net.actors[j]])),
        }
        for i, j in np.argwhere(np.triu(net.weights > 0))
    ]
    return nodes, pd.DataFrame(edges, columns=["actor_a", "actor_b", "weight", "touches_hub", "crosses_theaters", "layers"])
