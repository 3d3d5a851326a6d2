"""Dependence of each ally on the hub of its side: what it imports, hosts and holds, and what the worlds without the hub leave it.

Two kinds of answer. *Indicators* (:func:`indicators`, :func:`enablers`) read the register: shares and counts as published, with what
is not known left out and counted. *Worlds* take a supply network and its draws, and change one thing: an actor that neither fights
nor gives (:func:`abandonment`), an ally's materiel drawn into a war in the other theater (:func:`entrapment`), two allies that link
without the hub (:func:`links`). The dilemma is Snyder's (1984, World Politics 36: abandonment and entrapment). Worlds are paired:
all use the same draws. The same code serves both sides; the hub is a column of the register, and another can be named instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from isthmus.interop.access import access, barred
from isthmus.interop.bonds import WINDOW_YEARS, overlaps
from isthmus.interop.fronts import EcosystemRule
from isthmus.interop.networks import sides
from isthmus.interop.reach import reach, row_output
from isthmus.interop.supply import Supply
from isthmus.register import Register
from isthmus.register.register import checked_date, period_start
from isthmus.register.resolve import resolve_by

F64 = npt.NDArray[np.float64]

ENABLERS: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "air refuelling": ("tanker_all", ("tanker_a330", "tanker_kc46", "tanker_kc767")),
        "airlift": ("transport_aircraft", ()),
        "sealift": ("ship_roro_sealift", ()),
        "early warning": ("aew_all", ("aew_e7", "aew_e2d")),
        "surveillance drones": ("surveillance_all", ("surveillance_rq4", "surveillance_mq4c", "drone_mq9")),
        "electronic warfare aircraft": ("ew_aircraft_all", ("ew_aircraft_ea18g", "ew_aircraft_j16d")),
        "maritime patrol aircraft": ("maritime_patrol_all", ("maritime_patrol_p8",)),
        "nuclear attack submarines": ("ssn", ("ssn_virginia_class", "ssn_suffren_class", "ssn_los_angeles_class")),
    }
)
"""What lets others fight → the element that counts all of it, and types of it. Types of transport aircraft are left out: the register
knows most of them as deliveries, which says nothing of those who make them."""

INDICATORS: Mapping[str, tuple[str, str, float]] = MappingProxyType(
    {
        "arms_imports_share": ("arms_imports_share_{}", "share", 0.01),
        "troops_hosted": ("troops_hosted_{}", "persons", 1.0),
        "nuclear_weapons_hosted": ("nuclear_weapons_hosted_{}", "yes = 1", 1.0),
    }
)
"""Measure → name of the register's indicator with the hub's id, unit, and factor from the register's unit."""

COLUMNS = ("scope", "actor", "hub", "measure", "low", "value", "high", "unit", "period", "basis", "facts")


def hubs(register: Register) -> dict[str, str]:
    """Side → its hub, as the register declares it; sides without one are left out."""
    actors = register.table("actors")
    found = actors[(actors["hub"] == "yes") & actors["side"].isin(sides(register))]
    return dict(zip(found["side"], found["actor_id"], strict=True))


def indicators(
    register: Register,
    date: str,
    *,
    hub_of: Mapping[str, str] | None = None,
    arms: pd.DataFrame | None = None,
    window_years: int = WINDOW_YEARS,
) -> pd.DataFrame:
    """What each ally has from its hub: a row per actor and measure that is known, columns :data:`COLUMNS`.

    arms_imports_share, troops_hosted, nuclear_weapons_hosted: the newest published figures to the date (low and high: the range of
    those of the same period). With `arms` (supplier_actor, recipient_actor, year, tiv) the share is computed from it over `window_years`
    to the last whole year.
    arms_kinds_share: of the kinds of materiel that the register knows to have been delivered to the ally in the window by others,
    the share that the hub delivered. stock_share.<class>: of the effect of its stocks on hand of a class, low: the share that only
    the hub makes; high: the share that the hub or a licensee of its makes, or whose maker is not known; value: None unless both
    agree. Materiel of a calibre that several nations make says nothing of its maker and is left out. `hub_of`: side → hub, instead of
    the declared ones. Raises `InputError` on a bad date.
    """
    day = period_start(checked_date(date))
    actors = register.table("actors")
    states = actors[actors["type"] == "state"]
    rows: list[dict[str, Any]] = []
    for side, hub in (hubs(register) if hub_of is None else hub_of).items():
        allies = sorted(states.loc[(states["side"] == side) & (states["actor_id"] != hub), "actor_id"])
        found = _published(register, day, hub, allies)
        if arms is not None:
            found = [r for r in found if r["measure"] != "arms_imports_share"] + _import_shares(
                arms, day, hub, allies, window_years
            )
        found += _kinds(register, day, hub, allies, window_years) + _stocks(register, day, hub, allies)
        rows += [{"scope": side, "hub": hub} | r for r in found]
    return pd.DataFrame(rows, columns=list(COLUMNS)).sort_values(["scope", "actor", "measure"], ignore_index=True)


def _published(register: Register, day: str, hub: str, allies: Sequence[str]) -> list[dict[str, Any]]:
    table = register.table("indicators")
    table = table[table["actor_id"].isin(allies)]
    out = []
    for measure, (name, unit, factor) in INDICATORS.items():
        of = table[table["indicator"] == name.format(hub.lower())]
        ends = of["period"].map(_last_year)
        of = of.assign(last=ends)[ends <= int(day[:4])]
        for actor, rows in of.groupby("actor_id"):
            newest = rows[rows["last"] == rows["last"].max()].sort_values(["as_of", "value"])
            values = newest["value"] * (factor if "%" in str(newest["unit"].iloc[-1]) else 1.0)
            last = newest.iloc[-1]
            out.append(
                {
                    "actor": actor,
                    "measure": measure,
                    "low": float(values.min()),
                    "value": float(values.iloc[-1]),
                    "high": float(values.max()),
                    "unit": unit,
                    "period": last["period"],
                    "basis": f"published, {len(newest)} of {len(rows)} rows",
                    "facts": ";".join(newest["fact_id"]),
                }
            )
    return out


def _last_year(period: str) -> int:
    """'2019-23' and '2019-2023' → 2023; '2024' and '2024-06' → 2024."""
    first, _, last = period.partition("-")
    if len(last) == 4:
        return int(last)
    return int(first[:2] + last) if len(last) == 2 and int(last) > 12 else int(first)


def _import_shares(arms: pd.DataFrame, day: str, hub: str, allies: Sequence[str], years: int) -> list[dict[str, Any]]:
    last = min(int(day[:4]) - (day[5:] < "12-31"), int(arms["year"].max()))
    recent = arms[(arms["year"] > last - years) & (arms["year"] <= last)]
    out = []
    for actor in allies:
        mine = recent[recent["recipient_actor"] == actor]
        total = float(mine["tiv"].sum())
        if total > 0:
            share = float(mine.loc[mine["supplier_actor"] == hub, "tiv"].sum()) / total
            values: dict[str, Any] = {"low": share, "value": share, "high": share}
            said = {"period": f"{last - years + 1}-{last}", "basis": f"deliveries of {total:.0f} million TIV", "facts": ""}
            out.append({"actor": actor, "measure": "arms_imports_share", "unit": "share", **values, **said})
    return out


def _kinds(register: Register, day: str, hub: str, allies: Sequence[str], years: int) -> list[dict[str, Any]]:
    since = f"{int(day[:4]) - years}{day[4:]}"
    given = register.table("transfers")
    given = given[(given["measure"] == "delivered") & (given["supplier"] != given["recipient"])]
    now = [overlaps(*cells, since, day) for cells in zip(given["period_from"], given["period_to"], given["as_of"], strict=True)]
    given = given[np.array(now, dtype=bool)]
    out = []
    for actor, rows in given[given["recipient"].isin(allies)].groupby("recipient"):
        kinds, hubs_kinds = set(rows["materiel_id"]), set(rows.loc[rows["supplier"] == hub, "materiel_id"])
        share = len(hubs_kinds) / len(kinds)
        values = {"low": share, "value": share, "high": share}
        said = {"period": f"{since[:4]}-{day[:4]}", "basis": f"{len(kinds)} kinds of materiel known to be delivered"}
        out.append(
            {"actor": actor, "measure": "arms_kinds_share", "unit": "share", **values, **said, "facts": ";".join(rows["fact_id"])}
        )
    return out


def _stocks(register: Register, day: str, hub: str, allies: Sequence[str]) -> list[dict[str, Any]]:
    lines = register.at(day).table("lines")
    makers = {str(m): set(rows["actor_id"]) for m, rows in lines.groupby("materiel_id")}
    licensed = set(zip(*(lines.loc[lines["licensor"] == hub, c] for c in ("actor_id", "materiel_id")), strict=True))
    materiel = register.table("materiel").set_index("materiel_id")
    families = register.table("families").set_index("family_id")["interchange"]
    stocks = register.table("stocks")
    stocks = stocks[(stocks["measure"] == "on_hand") & stocks["actor_id"].isin(allies)]
    stocks = stocks[stocks["materiel_id"].map(materiel["family_id"]).map(families) == "common"]
    held: dict[tuple[str, str], list[tuple[float, bool, bool, tuple[str, ...]]]] = {}
    for (actor, item), found in resolve_by(stocks, ("actor_id", "materiel_id"), day).items():
        class_id, effect = materiel.at[item, "class_id"], materiel.at[item, "effect_mode"]
        if not isinstance(class_id, str) or effect != effect:
            continue
        by = makers.get(str(item))
        only = by is not None and by == {hub}
        could = by is None or hub in by or any((maker, item) in licensed for maker in by)
        if by is None and _home_made(register, str(actor), str(item)):
            could = False
        held.setdefault((str(actor), class_id), []).append((found.mode * float(effect), only, could, found.used))
    out = []
    for (actor, class_id), parts in sorted(held.items()):
        total = sum(p[0] for p in parts)
        if total <= 0:
            continue
        low, high = sum(p[0] for p in parts if p[1]) / total, sum(p[0] for p in parts if p[2]) / total
        values: dict[str, Any] = {"low": low, "value": low if abs(high - low) < 1e-9 else None, "high": high}
        said = {"period": day, "basis": f"{len(parts)} kinds on hand", "facts": ";".join(f for p in parts for f in p[3])}
        out.append({"actor": actor, "measure": f"stock_share.{class_id}", "unit": "share", **values, **said})
    return out


def _home_made(register: Register, actor: str, item: str) -> bool:
    """Whether any line of the actor makes the materiel at any date in the register: then the hub does not."""
    lines = register.table("lines")
    return bool(((lines["actor_id"] == actor) & (lines["materiel_id"] == item) & lines["licensor"].isna()).any())


def enablers(register: Register, date: str, *, hub_of: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Who holds what lets others fight: scope, hub, enabler, hub_share, in_service, holders, states, elements.

    In service, middle values of the resolved counts; of an actor the larger of the count of all and the sum of the types. hub_share:
    None where the hub's own count is not known - its share is then unknown, not zero. `states`: states of the side; those that
    are no holders are unknown. Raises `InputError` on a bad date.
    """
    day = period_start(checked_date(date))
    actors = register.table("actors")
    states = actors[actors["type"] == "state"]
    counts = register.table("force_elements")
    counts = counts[counts["maturity"] == "implemented"]
    known = {(str(a), str(e)): found.mode for (a, e), found in resolve_by(counts, ("actor_id", "element_id"), day).items()}
    rows = []
    for side, hub in (hubs(register) if hub_of is None else hub_of).items():
        who = sorted(states.loc[states["side"] == side, "actor_id"])
        for enabler, (whole, types) in ENABLERS.items():
            elements = {e for e in (whole, *types) for a in who if (a, e) in known}
            own = {
                a: max(known.get((a, whole), 0.0), sum(known.get((a, e), 0.0) for e in types))
                for a in who
                if any((a, e) in known for e in (whole, *types))
            }
            total = sum(own.values())
            rows.append(
                {
                    "scope": side,
                    "hub": hub,
                    "enabler": enabler,
                    "hub_share": own[hub] / total if hub in own and total > 0 else None,
                    "in_service": total if own else None,
                    "holders": len(own),
                    "states": len(who),
                    "elements": ";".join(sorted(elements)),
                }
            )
    return pd.DataFrame(rows)


# Worlds


def with_absent(supply: Supply, who: Iterable[str]) -> Supply:
    """The same network with actors that neither fight nor give, beside those already absent."""
    gone = frozenset(who) | supply.setting.absent
    desks = tuple(replace(d, vetoed=d.vetoed or d.actor_id in gone) for d in supply.desks)
    return replace(supply, setting=replace(supply.setting, absent=gone), desks=desks)


def abandonment(supply: Supply, rule: EcosystemRule, draws: Mapping[str, F64], who: Sequence[str] | None = None) -> pd.DataFrame:
    """Reach in worlds in which one actor does not show up: absent, hub, front, mission, kept_low, kept, kept_high, scale_ratio.

    kept: reachable effect by that of the same world with everybody, median with 5 and 95%; scale_ratio: median, after. Only fronts of
    the absent actor's side; a row where the actor has no desk is left out. `who`: the hubs by default.
    """
    base = reach(supply, rule, draws)
    by_front = {f.front_id: f for f in supply.setting.fronts}
    side_of = {r.actor_id: r.side for r in supply.rows}
    rows = []
    for actor in list(supply.hub_of.values()) if who is None else who:
        after = reach(with_absent(supply, [actor]), rule, draws)
        takes_part = {supply.setting.fronts[d.front].front_id for d in supply.desks if d.actor_id == actor}
        for (front, mission), values in sorted(after.items()):
            if front not in takes_part:
                continue
            share = _ratio(values["reachable"], base[front, mission]["reachable"])
            rows.append(
                {
                    "absent": actor,
                    "side": by_front[front].side,
                    "hub": supply.hub_of.get(side_of.get(actor, "")) == actor,
                    "front": front,
                    "mission": mission,
                    **_spread("kept", share),
                    "scale_ratio": _median(values["scale_ratio"]),
                }
            )
    return pd.DataFrame(rows)


def entrapment(supply: Supply, rule: EcosystemRule, draws: Mapping[str, F64], who: Sequence[str] | None = None) -> pd.DataFrame:
    """What a front loses when an ally's materiel is claimed by the other front of its side first: drawn_in, hub, front, mission, lost….

    Per lot L that both fronts may use, c of it here and c' there: the other takes c'L, so here max(0, (c + c' - 1)L) is lost (what one
    front takes the other cannot). lost: share of the front's whole reachable effect, median with 5 and 95%. An upper bound for
    each ally alone: the other front takes all that it can use. `who`: every actor with a lot that two fronts may use.
    """
    held = access(supply, rule, draws)
    output = row_output(supply, held)
    base = reach(supply, rule, draws)
    by_row: dict[int, list[int]] = {}
    for e, edge in enumerate(supply.edges):
        if not barred(supply, e):
            by_row.setdefault(edge.row, []).append(e)
    lost: dict[tuple[str, str, str], F64] = {}
    for r, edges in by_row.items():
        row = supply.rows[r]
        if who is not None and row.actor_id not in who:
            continue
        for e in edges:
            here = supply.cells[supply.pools[supply.edges[e].pool].cell]
            for o in edges:
                if supply.cells[supply.pools[supply.edges[o].pool].cell].front == here.front:
                    continue
                lot = held.stocks.stock[r] - np.maximum(held.floor[e], held.floor[o]) + output[r]
                unit = draws[f"effect:{row.materiel_id}"] * (draws[here.need.weight] if here.need.weight else 1.0)
                key = (row.actor_id, supply.setting.fronts[here.front].front_id, here.mission_id)
                gone = unit * lot * np.maximum(0.0, held.share[e] + held.share[o] - 1)
                lost[key] = lost.get(key, np.zeros_like(gone)) + gone
    hub = set(supply.hub_of.values())
    return pd.DataFrame(
        [
            {"drawn_in": actor, "hub": actor in hub, "front": front, "mission": mission}
            | _spread("lost", _ratio(gone, base[front, mission]["reachable"]))
            for (actor, front, mission), gone in sorted(lost.items())
        ]
    )


def links(supply: Supply, rule: EcosystemRule, draws: Mapping[str, F64]) -> pd.DataFrame:
    """Where dependence falls when an ally's makes fit the front without the hub: donor, front, mission, gain, hub_share, hub_share_linked.

    The ally's own makes (families that several nations make) are taken as fully interchangeable on the front, as if the two had
    agreed it between them; nothing else changes. gain: growth of the front's reach without the hub, as a share of it; hub_share
    before and after, with the hub there. Medians over the same draws; rows without a gain are left out.
    """
    held = access(supply, rule, draws)
    output = row_output(supply, held)
    base = reach(supply, rule, draws)
    hub = set(supply.hub_of.values())
    more: dict[tuple[str, str, str], F64] = {}
    for e, edge in enumerate(supply.edges):
        row = supply.rows[edge.row]
        if barred(supply, e) or row.actor_id in hub:
            continue
        cell = supply.cells[supply.pools[edge.pool].cell]
        unit = draws[f"effect:{row.materiel_id}"] * (draws[cell.need.weight] if cell.need.weight else 1.0)
        lot = held.stocks.stock[edge.row] - held.floor[e] + output[edge.row]
        key = (row.actor_id, supply.setting.fronts[cell.front].front_id, cell.mission_id)
        gain = unit * lot * held.usable[e] * (1 - held.interchange[e])
        more[key] = more.get(key, np.zeros_like(gain)) + gain
    rows = []
    for (actor, front, mission), gain in sorted(more.items()):
        values = base[front, mission]
        from_hub = values["hub_share"] * values["reachable"]
        if not np.any(gain > 0):
            continue
        rows.append(
            {
                "donor": actor,
                "front": front,
                "mission": mission,
                **_spread("gain", _ratio(gain, values["reachable"] - from_hub)),
                "hub_share": _median(values["hub_share"]),
                "hub_share_linked": _median(_ratio(from_hub, values["reachable"] + gain)),
            }
        )
    columns = ["donor", "front", "mission", "gain_low", "gain", "gain_high", "hub_share", "hub_share_linked"]
    return pd.DataFrame(rows, columns=columns).sort_values("gain", ascending=False, ignore_index=True)


def _ratio(part: F64, whole: F64) -> F64:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / whole, np.nan)


def _median(values: F64) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else None


def _spread(name: str, values: F64) -> dict[str, float | None]:
    known = values[np.isfinite(values)]
    if not len(known):
        return {f"{name}_low": None, name: None, f"{name}_high": None}
    low, middle, high = (float(q) for q in np.quantile(known, (0.05, 0.5, 0.95)))
    return {f"{name}_low": low, name: middle, f"{name}_high": high}
