"""Readiness as a claim: what missions short of war take of the hours, hulls and stocks that a war would need.

Hours and days. A mission that answers events takes, in a year,

    consumed = f · u · d

with f events a year (counted in `probing`), u units an event and d hours or days of one unit: the expected demand of a Poisson
mission, rate × use × duration (the check made for FEAST, Defence Research and Development Canada, 2023). A mission whose use is
stated as a whole is taken as stated. The force gives, in a year, capacity = elements × time of one, or what is stated. The claim is
consumed / capacity.

Materiel. Weapons fired in fights that no study holds come in episodes. With n episodes in a window of W years, s units an
episode (mean) and r units bought a year, N months take from a stock

    drawn = max(0, K · s − r · N / 12),   K ~ Poisson(n / W · N / 12),

so the expected use is n / W · s a year, and what is bought in those months replaces first. Every factor is drawn from its range.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from scipy import special

from isthmus.awareness.periods import DAYS_PER_YEAR, first_day, last_day
from isthmus.awareness.probing import points
from isthmus.axes import GRADE_WIDENING, Kind
from isthmus.ensemble import Design, Uncertainty
from isthmus.register.resolve import Resolved, resolve

if TYPE_CHECKING:
    import pandas as pd

    from isthmus.register.register import Register

F64 = npt.NDArray[np.float64]

WINDOW_YEARS: Final = 3.0
"""A rate is that of the last years before the newest count; older ones say little of today."""

LEAST_MONTHS: Final = 6.0
"""Counts of shorter periods are not made a year: pressure has seasons."""

FUTURES: Final = 4096
SEED: Final = 20261
LEVELS: Final = (0.05, 0.5, 0.95)

UNITS: Final[Mapping[str, str]] = {
    "fighter_hours": "hours/year",
    "flight_hours": "hours/year",
    "alert_aircraft": "aircraft",
    "hull_days": "days/year",
    "coast_guard_days": "days/year",
}

EVERYONE: Final = "WLD"
"""Actor of the rows that stand in for every actor without one of its own."""

REPLACED: Final = ("procured", "complete", "contract_average", "capacity")
"""Measures of what comes in, in order of preference: what an actor buys replaces its own stock, what its lines make goes to others too."""

HELD: Final = ("on_hand", "operational")

OWN_WAR: Final = ("launched", "fire_rate")
"""Metrics of `observations` whose actor fires in a war of its own."""

GOOD_GRADES: Final = ("A", "B")

HOUR_COLUMNS: Final = (
    "actor_id",
    "resource",
    "mission",
    "unit",
    "as_of",
    "events",
    "consumed_low",
    "consumed",
    "consumed_high",
    "capacity_low",
    "capacity",
    "capacity_high",
    "share_low",
    "share",
    "share_high",
    "musd",
    "kind",
    "assumed",
    "why_not",
    "evidence",
)
MATERIEL_COLUMNS: Final = (
    "actor_id",
    "materiel_id",
    "episodes",
    "window_years",
    "as_of",
    "use_low",
    "use",
    "use_high",
    "bought_low",
    "bought",
    "bought_high",
    "stock_low",
    "stock",
    "stock_high",
    "share_low",
    "share",
    "share_high",
    "drawn_low",
    "drawn",
    "drawn_high",
    "drawn_mean",
    "why_not",
    "evidence",
)


@dataclass(frozen=True)
class Band:
    """A range made of rows of the register: low, mode, high after widening by grade."""

    low: float
    mode: float
    high: float
    kind: Kind
    evidence: tuple[str, ...]
    as_of: str
    """Last day, or date, to which the newest row refers; empty for an assumption."""

    def uncertainty(self, name: str, unit: str) -> Uncertainty:
        return Uncertainty(name, "pert", self.low, self.mode, self.high, unit, self.kind, self.evidence)


@dataclass(frozen=True)
class Drawdown:
    """Use of one materiel by one actor in fights that no study holds, as it would go on."""

    actor_id: str
    materiel_id: str
    episodes: int
    window_years: float
    use: Uncertainty
    """Units an episode."""
    bought: Uncertainty | None
    """Units a year that replace; None: not known, so nothing replaces."""
    as_of: str

    @property
    def rate(self) -> float:
        """Episodes a year."""
        return self.episodes / self.window_years

    def drawn(self, months: float, count: F64, use: F64, bought: F64) -> F64:
        """Units taken from the stock in `months`, net of what is bought; same shape as the draws.

        `count`: probabilities in (0, 1) at which the number of episodes is read; `use`, `bought`: drawn values, units an episode and
        units a year.
        """
        years = months / 12
        return np.maximum(0.0, poisson_quantile(count, self.rate * years) * use - bought * years)


@dataclass(frozen=True)
class StockClaim:
    """A drawdown that goes on for some months before a war, as a claim on the opening stock of a study."""

    drawdown: Drawdown
    months: float

    @property
    def actor_id(self) -> str:
        return self.drawdown.actor_id

    @property
    def materiel_id(self) -> str:
        return self.drawdown.materiel_id

    @property
    def uncertainties(self) -> tuple[Uncertainty, ...]:
        """Chance at which the number of episodes is read, units an episode, units bought a year where that is known."""
        one = self.drawdown
        rule = f"number of episodes: Poisson, {one.rate:.3g} a year for {self.months:g} months"
        chance = Uncertainty(_chance(one), "uniform", 0.0, 0.5, 1.0, "chance", "estimate", one.use.evidence, rule)
        return (chance, one.use, one.bought) if one.bought else (chance, one.use)

    def taken(self, draws: Mapping[str, F64]) -> F64:
        """Units taken from the stock, (futures,), before the stock sets a limit."""
        one = self.drawdown
        use = draws[one.use.name]
        return one.drawn(self.months, draws[_chance(one)], use, draws[one.bought.name] if one.bought else np.zeros_like(use))


def _chance(one: Drawdown) -> str:
    return f"readiness.count:{one.actor_id}:{one.materiel_id}"


def poisson_quantile(p: F64, mean: F64 | float) -> F64:
    """The least k with P(K <= k) >= p for K ~ Poisson(mean); shapes broadcast. Mean 0 gives 0."""
    p, m = np.broadcast_arrays(np.asarray(p, dtype=np.float64), np.asarray(mean, dtype=np.float64))
    none = p <= np.exp(-m)
    safe = np.where(none, 1.0, m)
    k = np.ceil(special.pdtrik(np.where(none, 0.9, p), safe))
    k = np.where(special.pdtr(np.maximum(k - 1, 0), safe) >= np.where(none, 0.9, p), np.maximum(k - 1, 0), k)
    out: F64 = np.where(none, 0.0, k)
    return out


# hours and days


def hour_claims(register: Register, futures: int = FUTURES, seed: int = SEED) -> pd.DataFrame:
    """Share of hours, days or aircraft that each mission takes, columns `HOUR_COLUMNS`, by actor, resource and mission.

    low, middle, high: 5%, 50% and 95% of `futures` draws; `unit` a year, or aircraft held. Missions of one actor overlap
    (`note` of the rows says where) and are never added. Where a factor is not known the share is blank and `why_not` says which.
    `register` is the view at the date asked for.
    """
    import pandas as pd

    table = register.table("readiness_inputs")
    missions = table[table["mission"].notna()][["actor_id", "resource", "mission"]].drop_duplicates()
    counted = points(register)
    rows = []
    for m in missions.sort_values(["actor_id", "resource", "mission"]).itertuples():
        actor, resource, mission = str(m.actor_id), str(m.resource), str(m.mission)
        used = _use_factors(table, counted, actor, resource, mission)
        if any(used.get(name) is not None for name in ("events", "consumed")):  # assumptions hold at every date, missions do not
            cost = _resolved(_of(table, actor, resource, mission, "cost"))
            label = f"{actor}:{resource}:{mission}"
            who = {"actor_id": actor, "resource": resource, "mission": mission, "unit": UNITS[resource]}
            rows.append(who | _hour_claim(label, used, _capacity_factors(register, table, actor, resource), cost, futures, seed))
    return pd.DataFrame(rows, columns=list(HOUR_COLUMNS))


def _hour_claim(
    label: str, used: Mapping[str, Band | None], given: Mapping[str, Band | None], cost: Band | None, futures: int, seed: int
) -> dict[str, Any]:
    """One claim from the factors of its use and of what the force gives."""
    row: dict[str, Any] = dict.fromkeys(HOUR_COLUMNS[4:])
    missing = [name for name, band in (*used.items(), *given.items()) if band is None]
    known = {name: band for name, band in (*used.items(), *given.items()) if band is not None}
    row["as_of"] = max((b.as_of for n, b in known.items() if n in used), default="")[:7] or None
    row["kind"] = _worst(b.kind for b in known.values())
    row["assumed"] = [name for name, b in known.items() if b.kind == "assumption"]
    row["evidence"] = sorted({e for b in known.values() for e in b.evidence})
    if any(name in missing for name in used):
        row["why_not"] = f"not known: {', '.join(missing)}"
        return row
    parts = [b.uncertainty(f"readiness.{name}:{label}", "") for name, b in known.items()]
    chance = Uncertainty(f"readiness.count:{label}", "uniform", 0.0, 0.5, 1.0, "", "assumption")
    draws = Design((*parts, chance), seed).draw(0, futures)
    value = {name: draws[f"readiness.{name}:{label}"] for name in known}
    if "consumed" in used:
        consumed = value["consumed"]
    else:
        row["events"] = known["events"].mode
        count = poisson_quantile(draws[chance.name], value["events"])
        consumed = count * value["units_per_event"] * value["time_per_event"]
    row |= _three("consumed", consumed)
    if cost is not None:
        row["musd"] = float(np.median(consumed)) * cost.mode / 1e6
    if missing:
        row["why_not"] = f"not known: {', '.join(missing)}"
        return row
    capacity = value["capacity"] if "capacity" in given else value["elements"] * value["time_per_unit"]
    row |= _three("capacity", capacity) | _three("share", consumed / capacity)
    if row["share_low"] > 1:
        row["why_not"] = "more than all: the use counts units that the capacity does not"
    return row


def _of(table: pd.DataFrame, actor: str, resource: str, mission: str, measure: str) -> pd.DataFrame:
    return table[
        (table["actor_id"] == actor)
        & (table["resource"] == resource)
        & (table["mission"] == mission)
        & (table["measure"] == measure)
    ]


def _use_factors(table: pd.DataFrame, counted: pd.DataFrame, actor: str, resource: str, mission: str) -> dict[str, Band | None]:
    stated = _of(table, actor, resource, mission, "consumed")
    if len(stated):
        return {
            "consumed": _recent(
                [(last_day(r["period_to"]), r["low"], r["mode"], r["high"], r) for r in stated.to_dict("records")]
            )
        }
    measures = ("units_per_event", "time_per_event")
    return {"events": _events(counted, actor, mission)} | {
        m: _resolved(_of(table, actor, resource, mission, m)) for m in measures
    }


def _events(counted: pd.DataFrame, actor: str, mission: str) -> Band | None:
    """Events a year against an actor: newest of the counts of half a year and more, with the range of the last years.

    Those of several opponents add up, of one opponent they are alternatives.
    """
    found = counted[(counted["target_id"] == actor) & (counted["activity"] == mission) & counted["complete"]]
    found = found[(found["months"] >= LEAST_MONTHS - 0.1) & found["per_month"].notna()]
    bands = []
    for _, part in found.groupby("actor_id", sort=True):
        of_year = [(last_day(r["period_to"]), *3 * (r["per_month"] * 12,), r) for r in part.to_dict("records")]
        bands.append(_recent(of_year))
    if not bands:
        return None
    low, mode, high = (sum(getattr(b, name) for b in bands) for name in ("low", "mode", "high"))
    evidence = tuple(sorted({e for b in bands for e in b.evidence}))
    return Band(low, mode, high, _worst(b.kind for b in bands), evidence, max(b.as_of for b in bands))


def _recent(rows: Sequence[tuple[date, float, float, float, Mapping[str, Any]]]) -> Band:
    """Newest value as mode, least and greatest of the window as range, widened by the grade of the newest."""
    newest = max(end for end, *_ in rows)
    kept = [r for r in rows if (newest - r[0]).days <= WINDOW_YEARS * DAYS_PER_YEAR]
    end, _, mode, _, row = max(kept, key=lambda r: (r[0], r[2]))
    w = 1 + GRADE_WIDENING[row["confidence"] or "C"]
    evidence = tuple(str(r[4]["fact_id"]) for r in kept)
    return Band(min(r[1] for r in kept) / w, mode, max(r[3] for r in kept) * w, _kind(row["kind"]), evidence, end.isoformat())


def _capacity_factors(register: Register, table: pd.DataFrame, actor: str, resource: str) -> dict[str, Band | None]:
    of_resource = table[(table["resource"] == resource) & table["mission"].isna()]
    own = of_resource[of_resource["actor_id"] == actor]
    stated = own[own["measure"] == "capacity"]
    if len(stated):
        return {"capacity": _resolved(stated)}
    gives = own if len(own) else of_resource[of_resource["actor_id"] == EVERYONE]
    if gives.empty:
        return {"elements": None, "time_per_unit": None}
    forces = register.table("force_elements")
    held = forces[
        (forces["actor_id"] == actor)
        & (forces["element_id"] == gives["element_id"].iloc[0])
        & (forces["maturity"] == "implemented")
    ]
    return {"elements": _resolved(held), "time_per_unit": _resolved(gives)}


def _resolved(rows: pd.DataFrame) -> Band | None:
    found: Resolved | None = resolve(rows) if len(rows) else None
    if found is None:
        return None
    dated = [d for d in rows["as_of"] if isinstance(d, str)]
    return Band(found.low, found.mode, found.high, _kind(found.kind), found.used, max(dated, default=""))


# materiel


def materiel_claims(register: Register, months: float = 12.0, futures: int = FUTURES, seed: int = SEED) -> pd.DataFrame:
    """Use of modelled materiel in fights that no study holds, by actor and materiel; columns `MATERIEL_COLUMNS`.

    use, bought: units a year; stock: units; share: of the stock that a year of such use takes, before what is bought; drawn: units
    that `months` of it take from the stock, net. low, middle, high: 5%, 50% and 95% of the draws.
    """
    import pandas as pd

    stocks = register.table("stocks")
    rows = []
    for one in drawdowns(register):
        claim, label = StockClaim(one, months), f"{one.actor_id}:{one.materiel_id}"
        held = stocks[(stocks["actor_id"] == one.actor_id) & (stocks["materiel_id"] == one.materiel_id)]
        stock = next((s for m in HELD if (s := _resolved(held[held["measure"] == m])) is not None), None)
        own = (stock.uncertainty(f"readiness.stock:{label}", "units"),) if stock else ()
        draws = Design((*claim.uncertainties, *own), seed).draw(0, futures)
        row: dict[str, Any] = dict.fromkeys(MATERIEL_COLUMNS) | {"actor_id": one.actor_id, "materiel_id": one.materiel_id}
        row |= {"episodes": one.episodes, "window_years": one.window_years, "as_of": one.as_of[:7]}
        row |= _three("use", one.rate * draws[one.use.name])
        taken = claim.taken(draws)
        row |= _three("drawn", taken) | {"drawn_mean": float(taken.mean())}
        row["evidence"] = sorted(
            {*one.use.evidence, *(one.bought.evidence if one.bought else ()), *(stock.evidence if stock else ())}
        )
        if one.bought:
            row |= _three("bought", draws[one.bought.name])
        if stock:
            row |= _three("stock", draws[f"readiness.stock:{label}"])
            row |= _three("share", one.rate * draws[one.use.name] / np.maximum(draws[f"readiness.stock:{label}"], 1.0))
        unknown = [name for name, known in (("stock", stock), ("purchases", one.bought)) if known is None]
        row["why_not"] = f"not known: {', '.join(unknown)}" if unknown else None
        rows.append(row)
    return pd.DataFrame(rows, columns=list(MATERIEL_COLUMNS))


def drawdowns(register: Register) -> tuple[Drawdown, ...]:
    """Use of every actor and materiel in fights that no study holds, within `WINDOW_YEARS` before the register's date, or its newest row.

    From rows of `consumption` that observe a total over a dated period, of materiel that has a class. Actors whose fire in a war of
    their own is a case of `observations` are left out: a study holds that war as a claim of its own. Rows whose periods overlap are
    one episode.
    """
    materiel = register.table("materiel").set_index("materiel_id")["class_id"]
    fought = register.table("observations")
    at_war = set(fought.loc[fought["metric"].isin(OWN_WAR), "actor"])
    seen = register.table("consumption")
    seen = seen[(seen["measure"] == "observed") & (seen["unit"] == "units") & seen["period_from"].notna()]
    seen = seen[seen["materiel_id"].map(materiel).notna() & ~seen["actor_id"].isin(at_war)]
    if seen.empty:
        return ()
    at = last_day(register.date or register.newest())
    since = at - timedelta(days=round(WINDOW_YEARS * DAYS_PER_YEAR))
    out = []
    for (actor, item), part in seen.groupby(["actor_id", "materiel_id"], sort=True):
        spans = sorted(
            (
                (first_day(r["period_from"]), last_day(r["period_to"] or r["as_of"] or r["period_from"]), r)
                for r in part.to_dict("records")
            ),
            key=lambda s: s[:2],
        )
        episodes = [e for e in _episodes(spans) if e[-1][1] > since and e[0][0] <= at]
        if not episodes:
            continue
        bands = [_episode(e) for e in episodes]
        n = len(bands)
        low, mode, high = (sum(getattr(b, name) for b in bands) / n for name in ("low", "mode", "high"))
        evidence = tuple(sorted({e for b in bands for e in b.evidence}))
        label = f"{actor}:{item}"
        use = Uncertainty(
            f"readiness.use:{label}", "pert", low, mode, high, "units/episode", _worst(b.kind for b in bands), evidence
        )
        bought = _bought(register, str(actor), str(item))
        out.append(
            Drawdown(
                str(actor),
                str(item),
                n,
                WINDOW_YEARS,
                use,
                bought.uncertainty(f"readiness.bought:{label}", "units/year") if bought else None,
                max(b.as_of for b in bands),
            )
        )
    return tuple(out)


Span = tuple[date, date, Mapping[str, Any]]


def _episodes(spans: Iterable[Span]) -> list[list[Span]]:
    """Spans, in order of their first days, joined where they overlap."""
    out: list[list[Span]] = []
    end = date.min
    for span in spans:
        if out and span[0] <= end:
            out[-1].append(span)
        else:
            out.append([span])
        end = max(end, span[1]) if len(out[-1]) > 1 else span[1]
    return out


def _episode(spans: Sequence[Span]) -> Band:
    """One range from the counts of an episode.

    Counts of a part of the use are floors: the mode is the largest count graded A or B, or the largest of all. low is the least
    of the counts for the same period, high the greatest of all.
    """
    graded = [s for s in spans if s[2]["confidence"] in GOOD_GRADES] or list(spans)
    first, end, row = max(graded, key=lambda s: (s[2]["mode"], s[1]))
    alike = [s[2] for s in spans if s[:2] == (first, end)]
    w = 1 + GRADE_WIDENING[row["confidence"] or "C"]
    low, high = min(r["low"] for r in alike), max(s[2]["high"] for s in spans)
    evidence = tuple(str(s[2]["fact_id"]) for s in spans)
    return Band(low / w, row["mode"], high * w, _kind(row["kind"]), evidence, max(s[1] for s in spans).isoformat())


def _bought(register: Register, actor: str, item: str) -> Band | None:
    """What comes in a year: own purchases where they are known, graded A or B where such rows are (a request is not yet bought)."""
    lines = register.table("lines")
    lines = lines[(lines["actor_id"] == actor) & (lines["materiel_id"] == item) & (lines["scope"] == "total")]
    for measure in REPLACED:
        rows = lines[lines["measure"] == measure]
        good = rows[rows["confidence"].isin(GOOD_GRADES)]
        found = _resolved(good if len(good) else rows)
        if found is not None:
            return found
    return None


def claims(register: Register, date: str, months: float) -> tuple[StockClaim, ...]:
    """What `months` before a war take from the opening stocks of a study at `date`, by actor and materiel; none for no months.

    Raises `InputError` on a bad date, `ValueError` on months below 0.
    """
    if not months >= 0:
        raise ValueError(f"months must not be negative: {months}")
    return tuple(StockClaim(d, months) for d in drawdowns(register.at(date))) if months else ()


def _three(name: str, values: F64) -> dict[str, float]:
    low, middle, high = (float(v) for v in np.quantile(values, LEVELS))
    return {f"{name}_low": low, name: middle, f"{name}_high": high}


def _kind(kind: str) -> Kind:
    return "fact" if kind == "fact" else "estimate" if kind == "estimate" else "assumption"


def _worst(kinds: Iterable[str]) -> Kind:
    found = set(kinds)
    return "assumption" if "assumption" in found else "estimate" if "estimate" in found else "fact"
