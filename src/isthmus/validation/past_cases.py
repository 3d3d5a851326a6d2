"""Cases of the past from public data: crises (ICB) and militarized disputes (MID, GML) with capabilities (NMC) and pacts (ATOP).

What is known of a case is that of the year before. Two sets come of each source: the events themselves, and the years of every pair of
states that ever met in one, both ways. Such pairs are known only afterwards: the sets say nothing of states that never met.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from isthmus.errors import InputError, Problem
from isthmus.register.importers import _files, atop, cow, disputes, gml, icb, mid

VIOLENT_ACT = 9
"""Trigger of a crisis: direct violence, as against words, pressure, a move of forces or violence by others."""
FIRST_NOT_A_STATE = 990
"""Codes of triggering entities from here on are no states: 995 internal, 996 non-state, 997 several."""
USE_OF_FORCE = 4
WAR = 5
"""Levels of hostility in a dispute."""
_FEAR_YEARS = 5
_WHO = ("challenger", "defender", "year")

CRISIS_SETS = ("icb.crises", "icb.rivals")
DISPUTE_SETS = ("mid.disputes", "mid.years", "gml.disputes", "gml.years")


@dataclass(frozen=True)
class PastCases:
    """A set of cases in the dispute form, and what a reader must know of how it was drawn."""

    frame: pd.DataFrame
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _World:
    """What was known of states: CINC by (state, year), and by (state, year) the CINC of each state bound to defend it, and of all."""

    cinc: Mapping[tuple[int, int], float]
    bound: Mapping[tuple[int, int], Mapping[int, float]]
    total: Mapping[tuple[int, int], float]

    def allies(self, state: int, year: int, but: int) -> float:
        """CINC of those bound to defend a state in a year, one state left out."""
        friends = self.bound.get((state, year), {})
        return sum(v for k, v in friends.items() if k != but) if but in friends else self.total.get((state, year), 0.0)


@dataclass(frozen=True)
class _Past:
    """When two states were in a dispute or crisis: sorted years by pair, and the first year that the data know of."""

    years: Mapping[frozenset[int], Sequence[int]]
    first: int

    def peace(self, a: int, b: int, year: int) -> float:
        """Years since the pair's last one before `year`; since the data begin where there was none."""
        known = self.years.get(frozenset((a, b)), ())
        at = bisect_left(known, year)
        return float(year - (known[at - 1] if at else min(self.first, year)))


def past_cases(folder: Path) -> dict[str, PastCases]:
    """Every set that the files of a folder, or of its folders icb, mid, gml, cow and atop, give; by name. Empty without NMC and ATOP.

    `icb.crises`: one case a state in crisis and the state that triggered it; attacked where the trigger was a violent act.
    `icb.rivals`: one case a year of every such pair, both ways; attacked where it triggered a crisis by a violent act in that year.
    `mid.disputes`, `gml.disputes`: one case a dispute and pair of originators; the challenger is the one on side A; attacked where its
    highest act was the use of force or war. `mid.years`, `gml.years`: one case a year of every such pair, both ways, years of a dispute
    under way left out; attacked where it opened a dispute in that year in which it used force.

    Raises InputError for a file that is not what its publisher ships.
    """
    capabilities = _place(folder, cow.FILES, ("cow", "cow-nmc"))
    obligations = _place(folder, atop.DYAD_SPELLS, ("atop",))
    sources = {
        "icb": _place(folder, icb.ACTORS, ("icb",)),
        "mid": _place(folder, (*mid.DYADS, *mid.DYAD_YEARS, *mid.PARTICIPANTS), ("mid",)),
        "gml": _place(folder, (*gml.DYAD_YEARS, *gml.PARTICIPANTS), ("gml",)),
    }
    if capabilities is None or obligations is None or not any(sources.values()):
        return {}
    world = _world(capabilities, obligations)
    out: dict[str, PastCases] = {}
    if sources["icb"] is not None:
        out |= dict(zip(CRISIS_SETS, _of_crises(sources["icb"], world), strict=True))
    if sources["mid"] is not None:
        out |= dict(zip(DISPUTE_SETS[:2], _of_disputes(*_mid_pairs(sources["mid"]), world), strict=True))
    if sources["gml"] is not None:
        out |= dict(zip(DISPUTE_SETS[2:], _of_disputes(*_gml_pairs(sources["gml"]), world), strict=True))
    return out


def _place(folder: Path, names: Sequence[str], inner: Sequence[str]) -> Path | None:
    return next((p for p in (folder, *(folder / name for name in inner)) if p.is_dir() and _files.matching(p, *names)), None)


def _world(capabilities: Path, obligations: Path) -> _World:
    known = cow.read_nmc(capabilities).set_index(["cow_code", "year"])["cinc"].dropna()
    cinc = {(int(state), int(year)): float(value) for (state, year), value in known.items()}
    spells = atop.read_dyad_spells(obligations)
    bound: dict[tuple[int, int], dict[int, float]] = {}
    for row in spells[spells["kind"] == "defense_pact"].itertuples():
        for year in range(int(row.start_year), int(row.end_year) + 1):
            for own, friend in ((int(row.cow_a), int(row.cow_b)), (int(row.cow_b), int(row.cow_a))):
                strength = cinc.get((friend, year))
                if strength is not None:
                    bound.setdefault((own, year), {})[friend] = strength
    return _World(cinc, bound, {at: sum(friends.values()) for at, friends in bound.items()})


# Crises


def _of_crises(place: Path, world: _World) -> tuple[PastCases, PastCases]:
    actors = icb.read_actors(place)
    missing = [name for name in ("trigent", "triggr") if name not in actors]
    if missing:
        raise InputError(
            Problem(str(place), 1, name, "no such column", name, "crises cannot be told apart without it") for name in missing
        )
    pairs = actors[actors["trigent"].between(1, FIRST_NOT_A_STATE - 1) & (actors["trigent"] != actors["cow_code"])]
    events = pd.DataFrame(
        {
            "challenger": pairs["trigent"].astype(int),
            "defender": pairs["cow_code"].astype(int),
            "year": pairs["trigger_year"].astype(int),
            "attacked": (pairs["triggr"] == VIOLENT_ACT).fillna(value=False).astype(float),
        }
    )
    # Attacked in any of a pair's crises of a year counts once.
    crises = events.groupby(list(_WHO), as_index=False)["attacked"].max()
    past = _past((a, b, year, year) for a, b, year in events[list(_WHO)].itertuples(index=False))
    attacked = crises[crises["attacked"] == 1]
    return _described(crises, past, world), _described(_years(attacked, past, world), past, world)


# Disputes


def _mid_pairs(place: Path) -> tuple[pd.DataFrame, str]:
    if _files.matching(place, *mid.DYADS):
        return mid.read_dyads(place), "the dyadic set"
    if _files.matching(place, *mid.DYAD_YEARS):
        return mid.read_dyad_years(place), "dyadic dispute-years"
    return disputes.opposed(mid.read_participants(place)), "participants paired across the two sides"


def _gml_pairs(place: Path) -> tuple[pd.DataFrame, str]:
    if _files.matching(place, *gml.DYAD_YEARS):
        return gml.read_dyad_years(place), "dyadic dispute-years"
    return disputes.opposed(gml.read_participants(place)), "participants paired across the two sides"


def _of_disputes(pairs: pd.DataFrame, source: str, world: _World) -> tuple[PastCases, PastCases]:
    """Both sets of a file of disputes: the disputes themselves, and the years of pairs of originators."""
    first = pairs[(pairs["originator_a"] == 1) & (pairs["originator_b"] == 1)]
    known = first[first["hostility_a"].notna()]
    notes = [f"Pairs from {source}, {len(pairs):,} in all; joiners are left out ({len(pairs) - len(first):,})."]
    if len(first) > len(known):
        notes.append(f"{len(first) - len(known):,} pairs without a level of hostility are left out.")
    opened = pd.DataFrame(
        {
            "case": known["dispute"].astype(str),
            "challenger": known["cow_a"].astype(int),
            "defender": known["cow_b"].astype(int),
            "year": known["start_year"].astype(int),
            "attacked": (known["hostility_a"] >= USE_OF_FORCE).astype(float),
            "war": (known[["hostility_a", "hostility_b"]].max(axis=1) >= WAR).astype(float),
        }
    )
    if known["revisionist_a"].notna().any():
        opened["revisionist"] = known["revisionist_a"].astype("float64")
    # Joiners are no cases, but a year at war beside an ally is no year of peace.
    spans = pairs[["cow_a", "cow_b", "start_year", "end_year"]].astype(int)
    past = _past(spans.itertuples(index=False, name=None))
    aims = ("Revisionist aims were coded with the dispute, not before it.",) if "revisionist" in opened else ()
    years = _years(opened[opened["attacked"] == 1], past, world, opened)
    at_war = set(opened[opened["war"] == 1][list(_WHO)].itertuples(index=False, name=None))
    years["war"] = [float(row in at_war) for row in years[list(_WHO)].itertuples(index=False, name=None)]
    return _described(opened, past, world, (*notes, *aims)), _described(years, past, world, tuple(notes))


def _past(spans: Iterable[tuple[int, int, int, int]]) -> _Past:
    """Of (state, state, first year, last year) rows."""
    years: dict[frozenset[int], set[int]] = {}
    for a, b, start, end in spans:
        years.setdefault(frozenset((int(a), int(b))), set()).update(range(int(start), int(end) + 1))
    first = min((min(found) for found in years.values()), default=0)
    return _Past({pair: sorted(found) for pair, found in years.items()}, first)


def _years(attacked: pd.DataFrame, past: _Past, world: _World, opened: pd.DataFrame | None = None) -> pd.DataFrame:
    """A row a year and direction of every pair, from the first year of the data to the last.

    With `opened`, the disputes that either of a pair opened, years of a dispute under way are left out unless another began in them, and
    so are pairs that opened none.
    """
    events = set(attacked[list(_WHO)].itertuples(index=False, name=None))
    began = set() if opened is None else {(frozenset((a, b)), year) for a, b, year in opened[list(_WHO)].itertuples(index=False)}
    pairs = sorted(past.years if opened is None else {pair for pair, _ in began}, key=sorted)
    last = max((years[-1] for years in past.years.values()), default=past.first - 1)
    living: dict[int, set[int]] = {}
    for state, year in world.cinc:
        living.setdefault(state, set()).add(year)
    rows = []
    for pair in pairs:
        a, b = sorted(pair)
        both = living.get(a, set()) & living.get(b, set())
        under_way = set() if opened is None else set(past.years[pair])
        for year in range(past.first, last + 1):
            if year - 1 not in both or (year in under_way and (pair, year) not in began):
                continue
            rows += [(one, other, year, float((one, other, year) in events)) for one, other in ((a, b), (b, a))]
    return pd.DataFrame(rows, columns=[*_WHO, "attacked"])


# What was known the year before


def _described(cases: pd.DataFrame, past: _Past, world: _World, notes: tuple[str, ...] = ()) -> PastCases:
    """Capabilities, allies, fear and peace as they stood the year before; cases whose capabilities are unknown are left out."""
    rows, unknown = [], set()
    kept = [c for c in cases if c not in _WHO]
    for case in cases.to_dict("records"):
        a, b, year = int(case["challenger"]), int(case["defender"]), int(case["year"])
        own, theirs = world.cinc.get((a, year - 1)), world.cinc.get((b, year - 1))
        if own is None or theirs is None or own + theirs <= 0:
            unknown |= {s for s, v in ((a, own), (b, theirs)) if v is None}
            continue
        rows.append(
            {
                "year": float(year),
                "challenger": str(a),
                "defender": str(b),
                "challenger_capability": own,
                "defender_capability": theirs,
                "challenger_allies": world.allies(a, year - 1, b),
                "defender_allies": world.allies(b, year - 1, a),
                "fear": _decline(world.cinc, a, b, year - 1),
                "peace_years": past.peace(a, b, year),
                **{name: case[name] for name in kept},
            }
        )
    if len(rows) < len(cases):
        codes = ", ".join(str(code) for code in sorted(unknown)[:8]) + (", …" if len(unknown) > 8 else "")
        notes = (
            *notes,
            f"{len(cases) - len(rows):,} of {len(cases):,} cases are left out: capabilities of the year before are unknown"
            + (f" (states {codes})." if codes else "."),
        )
    return PastCases(pd.DataFrame(rows, columns=None if rows else [*_WHO, *kept]), notes)


def _decline(known: Mapping[tuple[int, int], float], a: int, b: int, year: int) -> float:
    """By how much the challenger's share of the two sides' capabilities fell in five years; 0 where it rose or nothing is known."""

    def part(at: int) -> float | None:
        own, theirs = known.get((a, at)), known.get((b, at))
        return own / (own + theirs) if own is not None and theirs is not None and own + theirs > 0 else None

    now, then = part(year), part(year - _FEAR_YEARS)
    return max(0.0, then - now) if now is not None and then is not None else 0.0
