"""Whether the margin orders historical cases better than a bare capability ratio. Nothing of it is fitted to what it is scored on.

For each case the margin is built from what existed before it: capabilities of both sides and of those bound to them, distance, what is
known of the status quo. Weights are the ranges of the register and those declared here, drawn, and averaged. Three orderings are set
side by side on the same cases: the margin, the challenger's share of the two sides' capabilities alone, and a logistic regression of all
columns of the file, trained on other eras. Where the margin does not beat the ratio and a coin, the verdict is "adds nothing".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from isthmus.deterrence.inputs import PRICES, Prices, draw_prices
from isthmus.ensemble import Design, Uncertainty
from isthmus.errors import InputError, Problem
from isthmus.register import Register
from isthmus.study.deterring import signs
from isthmus.validation.case import Case
from isthmus.validation.case_files import FEATURES, OUTCOMES, read_cases
from isthmus.validation.past_cases import PastCases, past_cases

F64 = npt.NDArray[np.float64]

ADDS_NOTHING = "adds nothing"

DRAWS = 256
SEED = 20261
BOOTSTRAPS = 1000
LEAST = 30
"""Fewest cases, and fewest of either outcome over 5, that a score is given for."""
FEWEST_OF_A_KIND = 5
FEWEST_PAIRS = 10
"""Fewest pairs of states with the outcome, and without it: with fewer, whole pairs drawn anew give no interval to rest a claim on."""
ERAS = (1816, 1871, 1914, 1946, 1990)
"""First years of the eras that are held out in turn: between general wars, and after the Cold War."""


def _assumed(name: str, low: float, mode: float, high: float, unit: str, why: str, shape: Any = "pert") -> Uncertainty:
    return Uncertainty(name, shape, low, mode, high, unit, "assumption", (), why)


HISTORICAL: tuple[Uncertainty, ...] = (
    _assumed(
        "reliability.before_1945",
        0.5,
        0.66,
        0.75,
        "share",
        "Commitments honoured: 75% (Leeds, Long and Mitchell 2000), 66% (Berkemeier and Fuhrmann 2018)",
    ),
    _assumed(
        "reliability.after_1945",
        0.2,
        0.4,
        0.75,
        "share",
        "22% of those invoked by war (Berkemeier and Fuhrmann 2018); deterred attacks never invoke one, so up to as before",
    ),
    _assumed(
        "halving_km",
        1000,
        4000,
        16000,
        "km",
        "Distance at which half of the strength is left: power declines with distance, by an amount nobody agrees on",
        "loguniform",
    ),
    _assumed(
        "revisionist",
        0.2,
        0.6,
        1.0,
        "share",
        "Value of the status quo that a state with declared revisionist aims lacks: some of it to all",
    ),
    _assumed(
        "peace",
        0.0,
        0.15,
        0.4,
        "share of the gain",
        "What fifty years of peace say of the value of the status quo: nothing to nearly half of the gain",
    ),
    _assumed(
        "democracy",
        0.0,
        0.3,
        1.0,
        "factor",
        "How much heavier a full democracy's ruler weighs costs than an autocrat: not at all to twice",
    ),
    _assumed(
        "nuclear",
        0.0,
        0.4,
        1.0,
        "share of the gain",
        "Punishment that nuclear weapons of the defender add: from none, where they are not believed, to the whole gain",
    ),
)
"""Ranges that only historical cases need, fixed before any case was scored."""


# The margin as it stood then


@dataclass(frozen=True)
class Then:
    """Draws of the ranges that historical cases need; each (draws,)."""

    prices: Prices
    other: Mapping[str, F64]


def draw_then(register: Register, draws: int = DRAWS, seed: int = SEED) -> Then:
    """Prices of the register and the ranges of `HISTORICAL`, drawn. Raises InputError where the register lacks a price."""
    table = register.table("uncertainties")
    ranges = {
        u.uncertainty_id: Uncertainty(
            u.uncertainty_id, u.shape, u.low, u.mode, u.high, u.unit, u.kind, (u.fact_id,), u.note or ""
        )
        for u in table[table["uncertainty_id"].isin(PRICES)].itertuples()
    }
    own = tuple(Uncertainty(f"{u.name}:then", u.shape, u.low, u.mode, u.high, u.unit, u.kind, (), u.rule) for u in HISTORICAL)
    found = Design(own, seed).draw(0, draws)
    return Then(draw_prices(ranges, ["then"], seed, draws)["then"], {u.name: found[f"{u.name}:then"] for u in HISTORICAL})


@dataclass(frozen=True)
class Built:
    """The two parts of the margin of each case, means over draws: (cases,)."""

    tie: F64
    """p*: what the case would have to promise."""
    success: F64
    """p: what it promised."""

    @property
    def margin(self) -> F64:
        found: F64 = self.tie - self.success
        return found


def built_then(cases: pd.DataFrame, then: Then) -> Built:
    """The margin of each case from what existed then.

    p: share of capabilities that could reach, C/(C + D) (the ratio form of a contest; Tullock 1980), C halved every so many km, allies
    by their reliability. p*: value of the status quo less its expected fall, and weighted costs. A column that the file lacks is drawn,
    or left out, alike for all; a cell without a value stands at the mean of its column.
    """
    known = _known_then(cases)
    draws = [_parts(known, then, k) for k in range(len(then.prices.weight))]
    return Built(np.mean([tie for tie, _ in draws], axis=0), np.mean([p for _, p in draws], axis=0))


def _known_then(cases: pd.DataFrame) -> dict[str, F64]:
    """Columns of the file that hold anything, with the mean of each where a cell is missing; (cases,) each."""
    found = {c: cases[c].to_numpy(np.float64) for c in ("year", *FEATURES) if c in cases}
    return {
        name: values if name == "year" else np.where(np.isnan(values), np.nanmean(values), values)
        for name, values in found.items()
        if name == "year" or not np.isnan(values).all()
    }


def _parts(known: Mapping[str, F64], then: Then, k: int) -> tuple[F64, F64]:
    """p* and p of draw k."""
    prices, other = then.prices, {name: float(values[k]) for name, values in then.other.items()}
    year = known["year"]

    def column(name: str, missing: float) -> F64:
        return known[name] if name in known else np.full(len(year), missing)

    reliable = np.where(year < 1945, other["reliability.before_1945"], other["reliability.after_1945"])
    reach = 2.0 ** (-column("distance_km", 0.0) / other["halving_km"])
    attack = column("challenger_capability", 0.0) * reach + reliable * column("challenger_allies", 0.0)
    defence = column("defender_capability", 0.0) + reliable * column("defender_allies", 0.0)
    p = np.divide(attack, attack + defence, out=np.full(len(year), 0.5), where=attack + defence > 0)
    value = column("status_quo", float(prices.status_quo[k])) * (1 - other["revisionist"] * column("revisionist", 0.0))
    value = value + other["peace"] * np.log1p(column("peace_years", 0.0)) / np.log1p(50.0)
    fear = column("fear", float(prices.fear[k]))
    weight = prices.weight[k] * (1 + other["democracy"] * (column("challenger_regime", -10.0) + 10) / 20)
    cost = prices.losses[k] + prices.punishment[k] + prices.cutoff[k] + other["nuclear"] * column("nuclear_defender", 0.0)
    return value - fear + weight * cost, p


# Scores


def auc(scores: F64, happened: F64, weights: F64 | None = None) -> float:
    """Chance that a case in which it happened scores above one in which it did not, ties by half (Mann and Whitney 1947).

    NaN where all cases are alike.
    """
    ask = _ranked(scores, happened, np.arange(len(scores)))
    return ask(np.ones(len(scores)) if weights is None else weights)


def _ranked(scores: F64, happened: F64, cluster: npt.NDArray[np.int64]) -> Callable[[F64], float]:
    """AUC of fixed scores as a function of the clusters' weights: sorted once, however often it is asked."""
    yes, no = (np.flatnonzero(happened == kind) for kind in (1, 0))
    no = no[np.argsort(scores[no], kind="stable")]
    below, not_above = (np.searchsorted(scores[no], scores[yes], side=side) for side in ("left", "right"))
    of_yes, of_no = cluster[yes], cluster[no]

    def weighted(weights: F64) -> float:
        total = np.concatenate([[0.0], np.cumsum(weights[of_no])])
        pairs = float(weights[of_yes].sum() * total[-1])
        return float((weights[of_yes] * (total[below] + total[not_above])).sum() / 2 / pairs) if pairs > 0 else float("nan")

    return weighted


def eras_of(cases: pd.DataFrame, outcome: str) -> tuple[npt.NDArray[np.int64], str]:
    """Which part each case is held out with, and how the parts were made, in words.

    Historical eras where two hold both outcomes, else thirds by year; where a file has no years, every third row.
    """
    years = cases["year"].to_numpy(np.float64)
    happened = cases[outcome].to_numpy(np.float64)
    if np.isnan(years).any():
        return np.arange(len(years)) % 3, "The file has no years: every third row is held out in turn."
    era = np.digitize(years, ERAS)
    if _usable(era, happened) >= 2:
        merged = _merged(era, happened)
        poor = len(np.unique(era)) - len(np.unique(merged))
        few = f"Eras with fewer than {FEWEST_OF_A_KIND} cases of either outcome are held out with a neighbour ({poor})."
        return merged, few if poor else "Each era is held out in turn."
    # `array_split` of a stable order, so that years that stand on a border are cut by their place in the file.
    parts = np.empty(len(years), np.int64)
    for i, rows in enumerate(np.array_split(np.argsort(years, kind="stable"), 3)):
        parts[rows] = i
    return parts, f"No two eras have {FEWEST_OF_A_KIND} cases of either outcome: thirds by year are held out instead."


def _usable(parts: npt.NDArray[np.int64], happened: F64) -> int:
    return sum(_both(happened[parts == part]) for part in np.unique(parts))


def _both(happened: F64) -> bool:
    return bool(min(happened.sum(), len(happened) - happened.sum()) >= FEWEST_OF_A_KIND)


def _merged(parts: npt.NDArray[np.int64], happened: F64) -> npt.NDArray[np.int64]:
    """An era without enough cases of both outcomes goes with the one before it, the first with the one after."""
    out = parts.copy()
    names = [int(x) for x in np.unique(parts)]
    last = next(x for x in names if _both(happened[parts == x]))
    for name in names:
        if _both(happened[parts == name]):
            last = name
        else:
            out[parts == name] = last
    return out


def held_out(features: F64, happened: F64, parts: npt.NDArray[np.int64]) -> F64:
    """Chance that a logistic regression, trained on the other parts, gives each case: (cases,).

    Features are standardised, weights shrunk by a unit ridge (the library's default). Missing cells stand at the mean of the others.
    """
    out = np.empty(len(happened))
    for part in np.unique(parts):
        here = parts == part
        train = features[~here]
        seen = np.isfinite(train)
        centre = np.where(seen, train, 0.0).sum(axis=0) / np.maximum(1, seen.sum(axis=0))
        known = [np.where(np.isfinite(x), x, centre) for x in (train, features[here])]
        if not 0 < happened[~here].mean() < 1:
            out[here] = np.clip(happened[~here].mean(), 0.01, 0.99)
            continue
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        model.fit(known[0], happened[~here])
        out[here] = model.predict_proba(known[1])[:, 1]
    return out


def brier(chance: F64, happened: F64) -> float:
    """Mean squared distance of the chance from what happened; lower is better (Brier 1950)."""
    return float(np.mean((chance - happened) ** 2))


def log_score(chance: F64, happened: F64) -> float:
    """Mean of −ln of the chance given to what happened; lower is better (Good 1952)."""
    inside = np.clip(chance, 1e-6, 1 - 1e-6)
    return float(-np.mean(np.where(happened == 1, np.log(inside), np.log(1 - inside))))


@dataclass(frozen=True)
class Gap:
    """A difference of two AUC over the same cases, with a 95% interval from resampling whole dyads."""

    value: float
    low: float
    high: float

    @property
    def sure(self) -> bool:
        return self.low > 0


@dataclass(frozen=True)
class Score:
    """How the margin orders cases, beside its rivals. AUC: higher is better; log scores: lower is better."""

    outcome: str
    n: int
    events: int
    dyads: int
    auc: float
    auc_low: float
    auc_high: float
    auc_capability: float
    auc_logit: float
    """Of a logistic regression of all columns, each era held out in turn."""
    auc_logit_with_margin: float
    auc_tie: float
    """Of p* alone, and of p alone: which part of the margin orders."""
    auc_success: float
    over_capability: Gap
    over_logit: Gap
    """What the margin adds to the logistic regression."""
    log_score: float
    """Of the margin through a logistic regression of it alone, each era held out; so are the others."""
    log_score_capability: float
    log_score_logit: float
    log_score_base: float
    """Of the share of events in the other eras."""
    brier: float
    """Of the same four chances, in the same order."""
    brier_capability: float
    brier_logit: float
    brier_base: float
    eras: tuple[dict[str, Any], ...]
    columns: tuple[str, ...]
    """Columns that the logistic regression and the margin had."""
    verdict: str
    notes: tuple[str, ...] = field(default=())

    def row(self) -> dict[str, Any]:
        """The score as one object of the JSON document."""
        return {
            **{name: getattr(self, name) for name in _COUNTS},
            **{name: _round(getattr(self, of)) for name, of in _NUMBERS.items()},
            **{name: {k: _round(getattr(getattr(self, of), k)) for k in ("value", "low", "high")} for name, of in _GAPS.items()},
            "eras": list(self.eras),
            "columns": list(self.columns),
            "verdict": self.verdict,
            "notes": list(self.notes),
        }


_COUNTS = ("n", "outcome", "events", "dyads")
_NUMBERS = {
    name: {"auc_tie_chance_alone": "auc_tie", "auc_success_alone": "auc_success"}.get(name, name)
    for name in (
        *("auc", "auc_low", "auc_high", "auc_capability", "auc_logit", "auc_logit_with_margin"),
        *("auc_tie_chance_alone", "auc_success_alone"),
        *("log_score", "log_score_capability", "log_score_logit", "log_score_base"),
        *("brier", "brier_capability", "brier_logit", "brier_base"),
    )
}
_GAPS = {"auc_over_capability": "over_capability", "auc_over_logit": "over_logit"}
"""Fields of the JSON document, and what of a score each is."""


def _not_scored(cases: PastCases, outcome: str, few: InputError) -> dict[str, Any]:
    """The object of a set that holds too few cases: every field of a score, and why it is empty."""
    why = few.problems[0]
    return {
        **dict.fromkeys((*_COUNTS, *_NUMBERS)),
        **{name: dict.fromkeys(("value", "low", "high")) for name in _GAPS},
        "n": len(cases.frame),
        "outcome": outcome,
        "eras": [],
        "columns": [],
        "verdict": "not scored: too few cases",
        "notes": [f"Found: {why.found}. Needed: {why.allowed}."],
    }


def _round(value: float) -> float | None:
    return round(value, 4) if np.isfinite(value) else None


@dataclass(frozen=True)
class Ordering:
    """How margins order cases beside the capability ratio, without any regression."""

    margin: F64
    """Higher where an attack is likelier: (cases,). So is `ratio`."""
    ratio: F64
    happened: F64
    built: Built
    draws: Mapping[str, F64]
    """AUC of margin and ratio over samples of whole pairs: (samples,)."""
    over_capability: Gap
    low: float
    high: float
    """Of the AUC of the margin."""
    pairs: int
    enough_pairs: bool

    @property
    def sure(self) -> bool:
        """Better than the ratio, better than a coin, and on pairs enough to say so."""
        return self.over_capability.sure and self.low > 0.5 and self.enough_pairs


def known_cases(cases: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """The cases whose outcome is known. Raises InputError where there are too few of them, or of either outcome."""
    cases = cases[cases[outcome].notna()].reset_index(drop=True) if outcome in cases else cases.iloc[:0]
    events = int(cases[outcome].sum()) if len(cases) else 0
    if len(cases) < LEAST or min(events, len(cases) - events) < FEWEST_OF_A_KIND:
        found = f"{len(cases)} cases, {events} of them with the outcome"
        allowed = f"{LEAST} cases or more, {FEWEST_OF_A_KIND} or more of either outcome"
        raise InputError([Problem("cases", None, outcome, found, allowed, "too few cases to score an ordering")])
    return cases


def order(cases: pd.DataFrame, then: Then, outcome: str = "attacked", bootstraps: int = BOOTSTRAPS) -> Ordering:
    """The orderings of margin and ratio and how sure their difference is. Raises InputError as `known_cases` does."""
    cases = known_cases(cases, outcome)
    happened = cases[outcome].to_numpy(np.float64)
    built = built_then(cases, then)
    cluster = _clusters(cases)
    orders = {"margin": -built.margin, "ratio": _ratio(cases)}
    draws = _bootstrap(orders, happened, cluster, bootstraps)
    low, high = np.nanquantile(draws["margin"], (0.025, 0.975))
    pairs = min(len(np.unique(cluster[happened == kind])) for kind in (0, 1))
    return Ordering(
        orders["margin"],
        orders["ratio"],
        happened,
        built,
        draws,
        _gap(orders["margin"], orders["ratio"], happened, draws["margin"] - draws["ratio"]),
        float(low),
        float(high),
        len(np.unique(cluster)),
        pairs >= FEWEST_PAIRS,
    )


def _gap(first: F64, second: F64, happened: F64, differences: F64) -> Gap:
    low, high = np.nanquantile(differences, (0.025, 0.975))
    return Gap(auc(first, happened) - auc(second, happened), float(low), float(high))


def score(cases: pd.DataFrame, then: Then, outcome: str = "attacked", bootstraps: int = BOOTSTRAPS) -> Score:
    """Set the margin's ordering beside its rivals'. Raises InputError where there are too few cases of either outcome."""
    cases = known_cases(cases, outcome)
    found = order(cases, then, outcome, bootstraps)
    happened, margin, ratio = found.happened, found.margin, found.ratio
    parts, split = eras_of(cases, outcome)
    columns, features = _features(cases)
    logit = held_out(features, happened, parts)
    joined = held_out(np.column_stack([features, margin]), happened, parts)
    draws = _bootstrap({"logit": logit, "joined": joined}, happened, _clusters(cases), bootstraps)
    beyond = _gap(joined, logit, happened, draws["joined"] - draws["logit"])
    base = np.empty(len(cases))
    for part in np.unique(parts):
        base[parts == part] = happened[parts != part].mean()
    chances = (held_out(margin[:, None], happened, parts), held_out(ratio[:, None], happened, parts), logit, base)
    logs, briers = ([rule(chance, happened) for chance in chances] for rule in (log_score, brier))
    return Score(
        outcome=outcome,
        n=len(cases),
        events=int(happened.sum()),
        dyads=found.pairs,
        auc=auc(margin, happened),
        auc_low=found.low,
        auc_high=found.high,
        auc_capability=auc(ratio, happened),
        auc_logit=auc(logit, happened),
        auc_logit_with_margin=auc(joined, happened),
        auc_tie=auc(-found.built.tie, happened),
        auc_success=auc(found.built.success, happened),
        over_capability=found.over_capability,
        over_logit=beyond,
        log_score=logs[0],
        log_score_capability=logs[1],
        log_score_logit=logs[2],
        log_score_base=logs[3],
        brier=briers[0],
        brier_capability=briers[1],
        brier_logit=briers[2],
        brier_base=briers[3],
        eras=tuple(_era_rows(cases, happened, parts, {"margin": margin, "ratio": ratio, "logit": logit})),
        columns=columns,
        verdict=verdict(found, beyond),
        notes=_notes(columns, found, split),
    )


def verdict(found: Ordering, beyond: Gap) -> str:
    """In words, and never kinder than the intervals."""
    if not found.sure:
        return ADDS_NOTHING
    if not beyond.sure:
        return "orders better than the capability ratio; adds nothing to a logistic regression of the same columns"
    return "orders better than the capability ratio, and adds to a logistic regression of the same columns"


def _notes(columns: Sequence[str], found: Ordering, split: str) -> tuple[str, ...]:
    notes = [f"Weights are assumptions fixed beforehand; the regression is trained on other parts of the same file. {split}"]
    if set(columns) <= {"challenger_capability", "defender_capability"}:
        notes.append("With capabilities alone the margin orders as the ratio does, so it cannot add anything here.")
    if found.over_capability.sure and found.low <= 0.5:
        notes.append("The margin orders better than the ratio, but not better than a coin: that adds nothing.")
    if not found.enough_pairs:
        notes.append(
            f"Fewer than {FEWEST_PAIRS} pairs of states with the outcome, or without it: no interval to rest a claim on."
        )
    return tuple(notes)


def _ratio(cases: pd.DataFrame) -> F64:
    """The challenger's share of the two sides' capabilities: the rival."""
    own, theirs = (cases[name].to_numpy(np.float64) for name in ("challenger_capability", "defender_capability"))
    share: F64 = own / (own + theirs)
    return share


def _features(cases: pd.DataFrame) -> tuple[tuple[str, ...], F64]:
    """What the logistic regression sees: capabilities as the logarithm of their ratio, allies and distance as logarithms."""
    used = tuple(c for c in FEATURES if c in cases and cases[c].notna().any())
    own, theirs = (np.maximum(cases[c].to_numpy(np.float64), 1e-6) for c in ("challenger_capability", "defender_capability"))
    out = [np.log(own / theirs)]
    for name in used:
        values = cases[name].to_numpy(np.float64)
        if name in ("challenger_allies", "defender_allies"):
            values = np.log1p(values / (own + theirs))
        elif name in ("distance_km", "peace_years"):
            values = np.log1p(values)
        elif name in ("challenger_capability", "defender_capability"):
            continue
        out.append(values)
    return used, np.column_stack(out)


def _clusters(cases: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Cases of one pair of states are one cause; without names every case is its own."""
    if "challenger" not in cases or "defender" not in cases:
        return np.arange(len(cases))
    pairs = ["|".join(sorted((str(a), str(b)))) for a, b in zip(cases["challenger"], cases["defender"], strict=True)]
    codes: npt.NDArray[np.int64] = np.unique(pairs, return_inverse=True)[1].astype(np.int64)
    return codes


def _bootstrap(orders: Mapping[str, F64], happened: F64, cluster: npt.NDArray[np.int64], times: int) -> dict[str, F64]:
    """AUC of each ordering over samples of whole clusters, the same samples for all. Held-out chances are not trained again."""
    rng = np.random.default_rng(SEED)
    n = int(cluster.max()) + 1
    ranked = {name: _ranked(scores, happened, cluster) for name, scores in orders.items()}
    out = {name: np.empty(times) for name in orders}
    for i in range(times):
        weights = np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float64)
        for name, asked in ranked.items():
            out[name][i] = asked(weights)
    return out


def _era_rows(
    cases: pd.DataFrame, happened: F64, parts: npt.NDArray[np.int64], orders: Mapping[str, F64]
) -> list[dict[str, Any]]:
    rows = []
    years = cases["year"].to_numpy(np.float64)
    for part in np.unique(parts):
        here = parts == part
        dated = not np.isnan(years[here]).any()
        rows.append(
            {
                "from": int(years[here].min()) if dated else None,
                "to": int(years[here].max()) if dated else None,
                "n": int(here.sum()),
                "events": int(happened[here].sum()),
                "auc": _round(auc(orders["margin"][here], happened[here])),
                "auc_capability": _round(auc(orders["ratio"][here], happened[here])),
                "auc_logit": _round(auc(orders["logit"][here], happened[here])),
            }
        )
    return rows


# Cases of validation

_TITLES = {
    "icb.crises": "Crises, 1918 on: does the margin order those that opened with violence?",
    "icb.rivals": "Years of pairs that met in a crisis: does the margin order those in which one attacked?",
    "mid.disputes": "Militarized disputes (COW): does the margin order those in which the opener used force?",
    "mid.years": "Years of pairs that met in a dispute (COW): does the margin order those in which one opened one with force?",
    "gml.disputes": "Militarized disputes (GML): does the margin order those in which the opener used force?",
    "gml.years": "Years of pairs that met in a dispute (GML): does the margin order those in which one opened one with force?",
}
_TESTS = "whether margins order cases; no test of any level, nor of the margins of today's theaters"


def falsifier_cases(data_dir: Path, register: Register | None = None) -> list[Case]:
    """The margin against the capability ratio on public data; none where the folder lacks NMC, ATOP, or all of ICB, MID and GML."""
    found = past_cases(data_dir)
    then = draw_then(register or Register.reference()) if found else None
    return [_case(name, cases, then) for name, cases in found.items() if then is not None]


def _case(name: str, cases: PastCases, then: Then) -> Case:
    try:
        found = score(cases.frame, then)
    except InputError as few:
        why = f"Not scored: {few.problems[0].found}; {few.problems[0].allowed} are needed."
        return Case(f"deterrence.{name}", "hindcast", _TITLES[name], passed=False, why=why, unit="AUC", tests=_TESTS)
    over, beyond = found.over_capability, found.over_logit
    why = (
        f"{found.verdict}: AUC {found.auc:.3f} against {found.auc_capability:.3f} of the capability ratio alone "
        f"(difference {over.value:+.3f}, 95% from {over.low:+.3f} to {over.high:+.3f}) and {found.auc_logit:.3f} of a logistic "
        f"regression of the same columns, to which the margin adds {beyond.value:+.3f} ({beyond.low:+.3f} to {beyond.high:+.3f}); "
        f"p* alone {found.auc_tie:.3f}, p alone {found.auc_success:.3f}; "
        f"{found.n:,} cases, {found.events:,} events, {found.dyads:,} pairs; passes where the first interval lies above nil and the "
        f"margin's own ({found.auc_low:.3f} to {found.auc_high:.3f}) above a coin"
    )
    return Case(
        case=f"deterrence.{name}",
        kind="hindcast",
        title=_TITLES[name],
        passed=found.verdict != ADDS_NOTHING,
        why=why,
        unit="AUC",
        low=found.auc_low,
        median=found.auc,
        high=found.auc_high,
        score=found.log_score,
        rivals={
            "capability ratio": found.log_score_capability,
            "logistic regression": found.log_score_logit,
            "share of events": found.log_score_base,
        },
        tests=_TESTS,
    )


def sign_cases(register: Register) -> list[Case]:
    """Signs that the literature states, each by construction or a result of the reference study's campaigns."""
    return [
        Case(
            case=f"sign.{s.sign}",
            kind="sign",
            title=f"{s.statement} ({s.source}) — {s.basis}",
            passed=s.held,
            why=s.why,
            observed=None,
            median=s.value,
            unit="share" if s.error is not None else None,
            tests="nothing: the equations leave no other answer" if s.basis == "by construction" else "a sign, not a size",
        )
        for s in signs(register)
    ]


# The command


def score_rows(register: Register, cases: Path | None, data: Path | None, outcome: str = "attacked") -> list[dict[str, Any]]:
    """Scores of a file of cases, of public data, or of both, as plain objects.

    Raises InputError where neither gives any case, or the file's are too few. Sets of the folder that hold too few are reported so.
    """
    if outcome not in OUTCOMES:
        raise InputError([Problem("command line", None, "--outcome", outcome, ", ".join(OUTCOMES), "no such outcome")])
    if cases is None and data is None:
        raise InputError([Problem("command line", None, "--cases", "nothing", "--cases FILE, or --data DIR", "no cases")])
    given = read_cases(cases) if cases is not None else None
    found = past_cases(data) if data is not None else {}
    if data is not None and not found:
        allowed = "files of cow-nmc and atop and of icb, mid or gml, there or in folders of these names"
        raise InputError([Problem(str(data), None, None, "not all of them", allowed, "no cases can be built")])
    then = draw_then(register)
    rows: list[dict[str, Any]] = []
    if cases is not None and given is not None:
        rows.append({**score(given, then, outcome).row(), "set": cases.name})
    for name, drawn in found.items():
        try:
            row = score(drawn.frame, then, outcome).row()
        except InputError as few:
            row = _not_scored(drawn, outcome, few)
        rows.append({**row, "notes": [*drawn.notes, *row["notes"]], "set": name})
    return rows


TEXT_COLUMNS = (
    *("set", "n", "outcome", "events", "dyads", "auc", "auc_low", "auc_high", "auc_capability", "auc_logit"),
    *("log_score", "brier"),
)
"""Fields of a score that a terminal shows as a table; the others are in the JSON and CSV output."""


def lines_of(row: Mapping[str, Any]) -> list[str]:
    """What a terminal says below the table: the two differences, and a line for each part held out."""

    def number(value: float | None, form: str = ".2f") -> str:
        return "–" if value is None else format(value, form)

    def gap(name: str) -> str:
        value, low, high = (number(row[name][k], "+.3f") for k in ("value", "low", "high"))
        return f"{value} (95% from {low} to {high})"

    differences = f"AUC over the ratio {gap('auc_over_capability')}; added to the regression {gap('auc_over_logit')}."
    return [
        *([] if row["auc"] is None else [differences]),
        *(
            f"{'part' if era['from'] is None else str(era['from']) + '–' + str(era['to'])}: {era['n']:,} cases, "
            f"{era['events']:,} events, AUC {number(era['auc'])}, ratio {number(era['auc_capability'])}, "
            f"regression {number(era['auc_logit'])}"
            for era in row["eras"]
        ),
    ]
