"""The two alignments at a date in one picture: what `isthmus network` prints, for people and for machines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from isthmus.interop import dependence, networks
from isthmus.interop.bonds import WINDOW_YEARS, bonds
from isthmus.interop.networks import ALL, COMMON, DRAWS, LOST, SEED
from isthmus.register import Register
from isthmus.register.register import checked_date, period_start

NOTES = (
    "A bond is one agreement, series of exercises or flow among a set of parties; one treaty is one bond.",
    "Ties were looked for unevenly: what no row shows is unknown, not absent. lost_low to lost_high: the measure with a fifth of the "
    "bonds left out at random.",
    "null: the same measure where partners are drawn anew and everybody keeps the number of agreements (treaty) or partners (pair); "
    "position: share of such networks below the measure.",
)

LONG_COLUMNS = (
    "table",
    "scope",
    "layer",
    "actor",
    "measure",
    "value",
    "null_mean",
    "null_sd",
    "null_position",
    "lost_low",
    "lost_high",
)
"""Columns of the one table that `--csv` prints."""


@dataclass(frozen=True, eq=False)
class Survey:
    """Frames of :mod:`isthmus.interop.networks` and :mod:`isthmus.interop.dependence` at a date, for the sides asked for."""

    date: str
    register_hash: str
    layer: str
    weighting: str
    draws: int
    seed: int
    sides: pd.DataFrame
    layers: pd.DataFrame
    measures: pd.DataFrame
    actors: pd.DataFrame
    removals: pd.DataFrame
    communities: pd.DataFrame
    agreement: pd.DataFrame
    bridges: pd.DataFrame
    coverage: pd.DataFrame
    dependence: pd.DataFrame
    enablers: pd.DataFrame
    history: pd.DataFrame

    def document(self) -> dict[str, Any]:
        """One JSON document: what was asked, then a list of rows per table; missing numbers are null."""
        asked: dict[str, Any] = {
            "date": self.date,
            "register": self.register_hash[:16],
            "layer": self.layer,
            "weighting": self.weighting,
        }
        asked |= {"draws": self.draws, "seed": self.seed, "window_years": WINDOW_YEARS, "share_left_out": LOST}
        return asked | {name: rows(frame) for name, frame in self._frames()} | {"notes": list(NOTES)}

    def _frames(self) -> Iterator[tuple[str, pd.DataFrame]]:
        for name, value in vars(self).items():
            if isinstance(value, pd.DataFrame):
                yield name, value


@dataclass(frozen=True)
class Table:
    """A table for reading, with notes below it."""

    title: str
    rows: Sequence[Mapping[str, Any]]
    notes: tuple[str, ...] = ()


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a frame with plain Python values, and None where a number is missing."""
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(k): v.item() if hasattr(v, "item") else v for k, v in row.items()} for row in plain.to_dict("records")]


def survey(
    register: Register,
    at: str | None = None,
    *,
    side: str | None = None,
    layer: str = ALL,
    weighting: str = "treaty",
    draws: int = DRAWS,
    seed: int = SEED,
    data: Path | None = None,
    since: Sequence[str] = (),
) -> Survey:
    """Measures per side and per actor at a date, the register's newest month by default.

    `data`: folder with the files of the sets sipri and cow; their deliveries of major arms then join the arms flows and give the
    shares of imports, their capabilities replace the register's. `since`: earlier dates for the table `history`. Raises
    `InputError` for a bad date, side, layer or weighting, or a file that cannot be read.
    """
    date = period_start(checked_date(at)) if at is not None else period_start(register.newest())
    arms, cinc = _data_sets(data)
    found = bonds(register, date, arms=arms)
    able = networks.capability(register, date, cinc=cinc)
    chosen = networks.sides(register) if side is None else (side,)
    nets = [networks.network(register, date, found, side=s, layer=layer, weighting=weighting) for s in chosen]
    across = [] if side is not None else [networks.network(register, date, found, layer=layer, weighting=weighting)]
    split = [networks.communities(net, seed) for net in (*nets, *across)]
    layered = [
        networks.network(register, date, found, side=s, layer=name, weighting=weighting)
        for s in chosen
        for name in (ALL, COMMON, *networks.layers(found))
    ]
    return Survey(
        date,
        register.hash,
        layer,
        weighting,
        draws,
        seed,
        sides=pd.DataFrame([networks.summary(net) for net in (*nets, *across)]),
        layers=pd.DataFrame([networks.summary(net) | networks.measures(net) for net in layered]),
        measures=_stacked(networks.measured(net, draws=draws, seed=seed) for net in nets),
        actors=_stacked(networks.actors(net) for net in (*nets, *across)),
        removals=_stacked(networks.removal(net, capability=able) for net in nets),
        communities=_stacked(listed for listed, _ in split),
        agreement=_stacked(agreed for _, agreed in split),
        bridges=_stacked(networks.bridges(net) for net in nets),
        coverage=_of(networks.coverage(register, date, found), chosen),
        dependence=_of(dependence.indicators(register, date, arms=arms), chosen),
        enablers=_of(dependence.enablers(register, date), chosen),
        history=_of(
            networks.history(register, [*since, date], layer=layer, weighting=weighting, arms=arms, cinc=cinc)
            if since
            else pd.DataFrame({"scope": []}),
            chosen,
        ),
    )


def _stacked(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Frames of the same columns, one below the other; unlike `concat`, columns without any value are no trouble."""
    held = list(frames)
    return pd.DataFrame([row for frame in held for row in frame.to_dict("records")], columns=held[0].columns)


def _of(frame: pd.DataFrame, chosen: Sequence[str]) -> pd.DataFrame:
    return frame[frame["scope"].isin(chosen)].reset_index(drop=True)


def _data_sets(data: Path | None) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """Deliveries of major arms and capabilities under a folder, in it or in folders named as the sets; None where not there."""
    if data is None:
        return None, None
    from isthmus.register.importers import _files, cow, sipri

    of_sipri, of_cow = (data / name if (data / name).is_dir() else data for name in ("sipri", "cow"))
    arms = sipri.read_tiv(of_sipri) if _files.matching(of_sipri, *sipri.TIV) else None
    cinc = cow.read_nmc(of_cow) if _files.matching(of_cow, *cow.FILES) else None
    if arms is None and cinc is None:
        _files.check_folder(data, *sipri.TIV, *cow.FILES)
    return arms, cinc


def long_rows(found: Survey) -> list[dict[str, Any]]:
    """Measures of sides and layers, and numbers of actors, in one long table, :data:`LONG_COLUMNS`."""
    out = [{"table": "sides"} | row for row in rows(found.measures)]
    for name, frame, keys in (
        ("layers", found.layers, ()),
        ("actors", found.actors, ("actor",)),
        ("dependence", found.dependence, ()),
    ):
        for row in rows(frame):
            if name == "dependence":
                out.append({"table": name, "lost_low": row["low"], "lost_high": row["high"]} | row)
                continue
            numbers = {k: v for k, v in row.items() if isinstance(v, int | float) and not isinstance(v, bool)}
            kept = {k: row[k] for k in ("scope", "layer", *keys)}
            out += [{"table": name} | kept | {"measure": k, "value": v} for k, v in numbers.items()]
    return [{c: row.get(c) for c in LONG_COLUMNS} for row in out]


def tables(found: Survey) -> list[Table]:
    """What an analyst reads first: measures side by side, what is left without the hub, layers, change, actors, communities, bridges, coverage."""
    return [
        t
        for t in (
            _by_side(found),
            _without(found),
            _layers(found),
            _change(found),
            _actors(found),
            _communities(found),
            _bridges(found),
            _coverage(found),
        )
        if t.rows
    ]


def _by_side(found: Survey) -> Table:
    names = list(dict.fromkeys(found.measures["scope"]))
    by = {(r["scope"], r["measure"]): r for r in rows(found.measures)}
    out = []
    for measure in dict.fromkeys(found.measures["measure"]):
        row: dict[str, Any] = {"measure": measure}
        for side in names:
            one = by.get((side, measure), {})
            row |= {
                side: _short(one.get("value")),
                f"null ({side})": _spread(one),
                f"position ({side})": _short(one.get("null_position")),
            }
            row[f"a fifth lost ({side})"] = _band(one.get("lost_low"), one.get("lost_high"))
        out.append(row)
    notes = []
    for r in rows(found.sides):
        if r["scope"] in names:
            chance = (
                f"; {r['interlocking_by_chance']:.2f} of ties would miss the hub by chance" if r["interlocking_by_chance"] else ""
            )
            notes.append(
                f"{r['scope']}: {r['tied_actors']} of {r['actors']} states tied, {r['ties']} pairs, {r['bonds']} bonds; "
                f"hub {r['hub']}, most central {r['most_central']}{chance}."
            )
    title = f"Networks at {found.date} · layer {found.layer} · weighting {found.weighting}"
    return Table(title, out, (*notes, *NOTES))


def _without(found: Survey) -> Table:
    hubs = {(r["scope"], r["hub"]) for r in rows(found.sides)} | {(r["scope"], r["most_central"]) for r in rows(found.sides)}
    out = []
    for r in rows(found.removals):
        if (r["scope"], r["removed"]) in hubs:
            row = {"side": r["scope"], "without": r["removed"], "lapses": r["rule"], "left": r["left"], "parts": r["parts"]}
            row |= {"largest": r["largest"], "connected": _short(r["connected"]), "weight kept": _short(r["weight_kept"])}
            for name in [k.removesuffix("_left") for k in r if k.endswith("_left")]:
                if r[f"{name}_left"] is not None:
                    row[name.removeprefix("stock_")] = f"{r[f'{name}_left']:.2f} of {r[f'{name}_known']}"
            out.append(row)
    notes = (
        "lapses: `ties` - only its own ties go, treaties go on among the others; `agreements` - every agreement lapses to which it is a party.",
        "Capability: share of the side's known sum that the others hold, and of how many actors it is known.",
    )
    return Table("What each side keeps without its hub, and without its most central actor", out, notes)


def _layers(found: Survey) -> Table:
    wanted: tuple[str, ...] = ("scope", "layer", "tied_actors", "ties", "bonds", "most_central", "degree_centralisation")
    wanted += ("interlocking_index", "interlocking_bonds", "connected_without_hub", "connected_without_hub_bonds")
    wanted += ("cross_theater_bonds_without_hub",)
    short = {"connected_without_hub": "connected", "connected_without_hub_bonds": "if lapsed", "most_central": "most central"}
    short |= {"cross_theater_bonds_without_hub": "bridges", "degree_centralisation": "centralisation"}
    short |= {"interlocking_index": "interlocking", "interlocking_bonds": "of bonds", "tied_actors": "tied"}
    out = [{short.get(c, c): _short(r[c]) for c in wanted} for r in rows(found.layers) if r["bonds"]]
    notes = (
        "common: the layers on which every side has a bond; only there do sides compare. interlocking: share of tie weight, of bonds: "
        "share of agreements without the hub.",
        "connected: pairs of the others that still reach one another without the hub; if lapsed: where its agreements lapse with it; "
        "bridges: agreements between theaters without the hub.",
    )
    return Table("Layer by layer", out, notes)


def _change(found: Survey) -> Table:
    wanted = ["date", "scope", "tied_actors", "ties", "bonds", "most_central", "degree_centralisation", "interlocking_index"]
    wanted += ["cross_theater_bonds_without_hub", "without_hub_ties_connected", "without_hub_agreements_connected"]
    short = {"most_central": "most central", "degree_centralisation": "centralisation", "interlocking_index": "interlocking"}
    short |= {"cross_theater_bonds_without_hub": "bridges", "without_hub_ties_connected": "connected", "tied_actors": "tied"}
    short |= {"without_hub_agreements_connected": "if lapsed"}
    out = [{short.get(c, c): _short(r.get(c)) for c in wanted} for r in rows(found.history)]
    notes = (
        "States carry today's side back. Rows grow with what is written: part of the growth is that recent years were searched harder.",
    )
    return Table("Change", out, notes)


def _actors(found: Survey, most: int = 8) -> Table:
    measured = {(r["scope"], r["actor"]): r for r in rows(found.dependence) if r["measure"] == "arms_imports_share"}
    out = []
    for scope in dict.fromkeys(found.removals["scope"]):
        mine = found.actors[found.actors["scope"] == scope].sort_values("eigenvector", ascending=False, kind="stable").head(most)
        for r in rows(mine):
            row = {
                k: _short(r[k])
                for k in ("scope", "actor", "partners", "bonds", "strength", "eigenvector", "betweenness", "community")
            }
            share = measured.get((scope, r["actor"]))
            out.append(row | {"arms imports from hub": _short(share["value"]) if share else None})
    return Table(f"Most central actors (of each side the first {most}, by eigenvector centrality)", out)


def _communities(found: Survey) -> Table:
    listed = rows(found.communities)
    out = []
    for r in rows(found.agreement):
        if r["second"] in ("home_theater", "side") or r["first"] == "louvain":
            sizes = [len(one["actors"].split(";")) for one in listed if (one["scope"], one["method"]) == (r["scope"], r["first"])]
            row = {
                "scope": r["scope"],
                "method": r["first"],
                "sizes": ", ".join(map(str, sizes)),
                "modularity": _short(r["modularity"]),
            }
            out.append(row | {"against": r["second"], "on actors": r["actors"], "nmi": _short(r["nmi"]), "ari": _short(r["ari"])})
    notes = ("ari: 1 the same communities, 0 no more alike than by chance. Methods that disagree found no clear communities.",)
    return Table("Communities, and how far methods agree with one another, with home theaters and with sides", out, notes)


def _bridges(found: Survey, most: int = 8) -> Table:
    out: list[dict[str, Any]] = []
    for scope in dict.fromkeys(found.removals["scope"]):
        mine = found.bridges[(found.bridges["scope"] == scope) & (found.bridges["bonds_without_hub"] > 0)].head(most)
        for r in rows(mine):
            layers = ", ".join(dict.fromkeys(part.split(":")[0] for part in r["names"].split("; ") if ":" in part))
            out.append(
                {
                    "scope": scope,
                    "pair": f"{r['actor_a']}-{r['actor_b']}",
                    "bonds without hub": r["bonds_without_hub"],
                    "layers": layers,
                }
            )
    return Table("Ties between the theaters without the hub (the strongest)", out)


def _coverage(found: Survey) -> Table:
    wanted = (
        "scope",
        "layer",
        "states_with_a_bond",
        "bonds",
        "pairs_known",
        "pairs_possible",
        "weakest",
        "undated",
        "on_all_sides",
    )
    out = [{c: _short(r[c]) for c in wanted} for r in rows(found.coverage)]
    notes = (
        "weakest: share of bonds that rest on grade C alone; undated: ties known only from a later date, without a start.",
        "A pair without a row is unknown: nobody may have looked.",
    )
    return Table("Coverage: what was found, of what there could be", out, notes)


def _short(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value


def _spread(row: Mapping[str, Any]) -> str | None:
    mean, sd = row.get("null_mean"), row.get("null_sd")
    return None if mean is None else f"{mean:.3f} ± {sd or 0:.3f}"


def _band(low: float | None, high: float | None) -> str | None:
    return None if low is None or high is None else f"{low:.2f} to {high:.2f}"
