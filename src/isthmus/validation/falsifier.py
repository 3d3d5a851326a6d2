"""Whether the margin orders historical cases better than a bare capability ratio. Nothing of it is fitted to what it is scored on.

For each case the margin is built from what existed before it: capabilities of both sides and of those bound to them, distance, what is
known of the status quo. Weights are the ranges of the register and those declared here, drawn, and averaged. Three orderings are set
side by side on the same cases: the margin, the challenger's share of the two sides' capabilities alone, and a logistic regression of all
columns of the file, trained on other eras. Where the margin does not beat the ratio, the verdict is "adds nothing".
"""

from __future__ import annotations

import csv
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
from isthmus.register.importers import _files, atop, cow, icb
from isthmus.study.deterring import signs
from isthmus.validation.case import Case

F64 = npt.NDArray[np.float64]

ADDS_NOTHING = "adds nothing"

KM_PER_MILE = 1.609344
DRAWS = 256
SEED = 20261
BOOTSTRAPS = 1000
LEAST = 30
"""Fewest cases, and fewest of either outcome over 5, that a score is given for."""
FEWEST_OF_A_KIND = 5
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


@dataclass(frozen=True)
class Column:
    """A column of the dispute form."""

    name: str
    what: str
    low: float | None = None
    high: float | None = None
    required: bool = False
    whole: bool = False


COLUMNS: tuple[Column, ...] = (
    Column("case", "name of the case"),
    Column("year", "year in which it began", 1, 3000, required=True, whole=True),
    Column("challenger", "who might attack"),
    Column("defender", "who might be attacked"),
    Column("challenger_capability", "capability of the challenger, any unit", 0, required=True),
    Column("defender_capability", "capability of the defender, the same unit", 0, required=True),
    Column("challenger_allies", "capability of those bound to fight beside the challenger, the same unit", 0),
    Column("defender_allies", "capability of those bound to defend the defender, the same unit", 0),
    Column("distance_km", "distance between the two, km", 0),
    Column("status_quo", "value of the status quo to the challenger, 0 to 1 of the gain; an S-score s enters as (s + 1)/2", 0, 1),
    Column("fear", "expected fall of that value, 0 to 1 of the gain", 0, 1),
    Column("revisionist", "1 where the challenger has declared revisionist aims, else 0", 0, 1),
    Column("challenger_regime", "Polity score of the challenger, -10 to 10", -10, 10),
    Column("defender_regime", "Polity score of the defender, -10 to 10", -10, 10),
    Column("peace_years", "years since the last dispute of the two", 0),
    Column("nuclear_defender", "1 where the defender or a state bound to it has nuclear weapons, else 0", 0, 1),
    Column("attacked", "1 where the challenger left the status quo, else 0", 0, 1, required=True),
    Column("war", "1 where it came to war, else 0", 0, 1),
)
"""The dispute form: one row a case that might have become an attack, the status quo among them."""

TEXT = ("case", "challenger", "defender")
FEATURES = tuple(c.name for c in COLUMNS if c.name not in (*TEXT, "year", "attacked", "war"))

WAR1800: Mapping[str, str] = {
    "ccode1": "challenger",
    "ccode2": "defender",
    "year": "year",
    "cap_1": "challenger_capability",
    "cap_2": "defender_capability",
    "balanc": "balance",
    "s_wt_re1": "s_score",
    "dem1": "challenger_regime",
    "dem2": "defender_regime",
    "distance": "distance_miles",
    "peaceyrs": "peace_years",
    "midnum": "case",
    "revis1": "revisionist",
    "sq": "status_quo_kept",
    "capit": "capitulated",
    "war": "war",
    "esc": "escalated",
}
"""Columns of the war1800 form (package games of R), and what each becomes. Dots for underscores are taken as well."""

_TRUE, _FALSE, _MISSING = ("1", "1.0", "true", "t", "yes"), ("0", "0.0", "false", "f", "no"), ("", "na", "nan", ".")


def read_cases(path: Path) -> pd.DataFrame:
    """A file of cases in the dispute form or the war1800 form, as the dispute form. Raises InputError with every problem."""
    file = str(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = [row for row in csv.reader(stream) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as bad:
        raise InputError([Problem(file, None, None, str(bad)[:80], "a CSV file in UTF-8", "the cases cannot be read")]) from None
    if len(rows) < 2:
        raise InputError([Problem(file, None, None, "no rows", "a header and a row a case", "no cases")])
    header = [name.strip().replace(".", "_").lower() for name in rows[0]]
    # Saved data frames of R begin with a column without a name, or shorten the header by one.
    if all(len(row) == len(header) + 1 for row in rows[1:]):
        header = ["", *header]
    problems = [
        Problem(file, i, None, f"{len(row)} cells", f"{len(header)} cells, as in the header", "a row of another length")
        for i, row in enumerate(rows[1:], 2)
        if len(row) != len(header)
    ]
    problems += [
        Problem(file, 1, name, "twice", "columns named once", "a column twice")
        for name in sorted({n for n in header if n and header.count(n) > 1})
    ]
    if problems:
        raise InputError(problems[:50])
    text = pd.DataFrame(rows[1:], columns=header).apply(lambda column: column.str.strip())
    frame = _from_war1800(text, file) if "balanc" in header or "cap_1" in header else _from_disputes(text, file)
    _check_outcomes(frame, file)
    return frame


def _numbers(
    text: pd.DataFrame, name: str, low: float | None, high: float | None, file: str, problems: list[Problem]
) -> pd.Series[float]:
    """A column as numbers; NaN where it is missing. Faults are added to `problems`."""
    out = []
    for i, cell in enumerate(text[name], 2):
        word = str(cell).lower()
        value = 1.0 if word in _TRUE[2:] else 0.0 if word in _FALSE[2:] else float("nan")
        if word not in (*_MISSING, *_TRUE[2:], *_FALSE[2:]):
            try:
                value = float(word)
            except ValueError:
                problems.append(Problem(file, i, name, str(cell)[:40], "a number", "not a number"))
            if not np.isfinite(value) or (low is not None and value < low) or (high is not None and value > high):
                allowed = (
                    f"{'' if low is None else f'{low:g} or more'}{'' if high is None else f', at most {high:g}'}" or "a number"
                )
                problems.append(Problem(file, i, name, str(cell)[:40], allowed.removeprefix(", "), "out of range"))
                value = float("nan")
        out.append(value)
    return pd.Series(out, index=text.index, dtype=np.float64)


def _from_disputes(text: pd.DataFrame, file: str) -> pd.DataFrame:
    problems: list[Problem] = []
    needed = [c.name for c in COLUMNS if c.required]
    for name in needed:
        if name not in text.columns:
            allowed = f"columns {', '.join(needed)}, or the war1800 form"
            problems.append(Problem(file, 1, name, ", ".join(c for c in text.columns if c)[:80], allowed, "a column is missing"))
    known = {c.name for c in COLUMNS}
    problems += [
        Problem(file, 1, name, name, ", ".join(sorted(known)), "unknown column")
        for name in text.columns
        if name and name not in known
    ]
    if problems:
        raise InputError(problems)
    out = pd.DataFrame(index=text.index)
    for column in COLUMNS:
        if column.name not in text.columns:
            continue
        if column.name in TEXT:
            out[column.name] = text[column.name]
            continue
        out[column.name] = _numbers(text, column.name, column.low, column.high, file, problems)
        if column.required:
            problems += [
                Problem(file, int(i) + 2, column.name, "nothing", column.what, "a value is missing")
                for i in out.index[out[column.name].isna()]
                if str(text.at[i, column.name]).lower() in _MISSING
            ]
    _raise(problems)
    return out


def _from_war1800(text: pd.DataFrame, file: str) -> pd.DataFrame:
    problems: list[Problem] = []
    have = {name: WAR1800[name] for name in text.columns if name in WAR1800}
    if "year" not in have:
        problems.append(Problem(file, 1, "year", "no such column", "year", "a column is missing"))
    if not ({"cap_1", "cap_2"} <= set(have) or "balanc" in have):
        problems.append(Problem(file, 1, "balanc", "no such column", "balanc, or cap_1 and cap_2", "a column is missing"))
    if not {"sq", "esc"} & set(have) and not {"capit", "war"} <= set(have):
        problems.append(Problem(file, 1, "sq", "no such column", "sq, esc, or capit and war", "nothing says what happened"))
    _raise(problems)
    bounds = {"balanc": (0.0, 1.0), "s_wt_re1": (-1.0, 1.0), "dem1": (-10.0, 10.0), "dem2": (-10.0, 10.0)} | dict.fromkeys(
        ("sq", "capit", "war", "esc", "revis1"), (0.0, 1.0)
    )
    raw = pd.DataFrame(index=text.index)
    for name, becomes in have.items():
        if becomes in TEXT:
            raw[becomes] = text[name]
        else:
            low, high = bounds.get(name, (0.0, None))
            raw[becomes] = _numbers(text, name, low, high, file, problems)
    _raise(problems)
    out = pd.DataFrame(index=raw.index)
    for name in (c.name for c in COLUMNS):
        if name in raw:
            out[name] = raw[name]
    if "challenger_capability" not in raw or "defender_capability" not in raw:
        out["challenger_capability"], out["defender_capability"] = raw["balance"], 1 - raw["balance"]
    if "s_score" in raw:
        out["status_quo"] = (raw["s_score"] + 1) / 2
    if "distance_miles" in raw:
        out["distance_km"] = raw["distance_miles"] * KM_PER_MILE
    if "status_quo_kept" in raw:
        out["attacked"] = 1 - raw["status_quo_kept"]
    elif "escalated" in raw:
        out["attacked"] = raw["escalated"]
    else:
        out["attacked"] = np.maximum(raw["capitulated"], raw["war"])
    # Cases without capabilities, a year or an outcome say nothing either way, and published files hold a few.
    return out.dropna(subset=["year", "challenger_capability", "defender_capability", "attacked"]).reset_index(drop=True)


def _check_outcomes(frame: pd.DataFrame, file: str) -> None:
    problems = []
    for name in ("attacked", "war"):
        if name in frame and not frame[name].dropna().isin([0.0, 1.0]).all():
            problems.append(Problem(file, None, name, "other numbers", "0 or 1", "an outcome is a yes or a no"))
    none = frame[(frame["challenger_capability"] + frame["defender_capability"]) <= 0]
    problems += [
        Problem(file, int(i) + 2, "challenger_capability", "0 and 0", "one above 0", "nobody has any capability")
        for i in none.index[:10]
    ]
    _raise(problems)


def _raise(problems: Sequence[Problem]) -> None:
    if problems:
        raise InputError(problems[:50])


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
    draws = [_parts(cases, then, k) for k in range(len(then.prices.weight))]
    return Built(np.mean([tie for tie, _ in draws], axis=0), np.mean([p for _, p in draws], axis=0))


def _parts(cases: pd.DataFrame, then: Then, k: int) -> tuple[F64, F64]:
    prices, other = then.prices, {name: float(values[k]) for name, values in then.other.items()}

    def column(name: str, missing: float) -> F64:
        known = cases[name].dropna() if name in cases else None
        if known is None or known.empty:
            return np.full(len(cases), missing)
        values: F64 = cases[name].fillna(float(known.mean())).to_numpy(np.float64)
        return values

    year = cases["year"].to_numpy(np.float64)
    reliable = np.where(year < 1945, other["reliability.before_1945"], other["reliability.after_1945"])
    reach = 2.0 ** (-column("distance_km", 0.0) / other["halving_km"])
    attack = column("challenger_capability", 0.0) * reach + reliable * column("challenger_allies", 0.0)
    defence = column("defender_capability", 0.0) + reliable * column("defender_allies", 0.0)
    p = np.divide(attack, attack + defence, out=np.full(len(cases), 0.5), where=attack + defence > 0)
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
    return _ranked(scores, happened)(np.ones(len(scores)) if weights is None else weights)


def _ranked(scores: F64, happened: F64) -> Callable[[F64], float]:
    """AUC of fixed scores as a function of the cases' weights: sorted once, however often it is asked."""
    _, place = np.unique(scores, return_inverse=True)
    levels = int(place.max()) + 1

    def weighted(weights: F64) -> float:
        yes = np.bincount(place, weights * happened, levels)
        no = np.bincount(place, weights * (1 - happened), levels)
        pairs = float(yes.sum() * no.sum())
        return float((yes * (no.cumsum() - no / 2)).sum() / pairs) if pairs > 0 else float("nan")

    return weighted


def eras_of(cases: pd.DataFrame, outcome: str) -> npt.NDArray[np.int64]:
    """Which part each case is held out with: historical eras where two hold both outcomes, else thirds by year."""
    years = cases["year"].to_numpy(np.float64)
    era = np.digitize(years, ERAS)
    if _usable(era, cases[outcome].to_numpy(np.float64)) >= 2:
        return _merged(era, cases[outcome].to_numpy(np.float64))
    order = np.argsort(years, kind="stable")
    parts = np.empty(len(years), np.int64)
    for i, rows in enumerate(np.array_split(order, 3)):
        parts[rows] = i
    return parts


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
    eras: tuple[dict[str, Any], ...]
    columns: tuple[str, ...]
    """Columns that the logistic regression and the margin had."""
    verdict: str
    notes: tuple[str, ...] = field(default=())

    def row(self) -> dict[str, Any]:
        """The score as one object of the JSON document."""
        return {
            "n": self.n,
            "outcome": self.outcome,
            "events": self.events,
            "dyads": self.dyads,
            "auc": _round(self.auc),
            "auc_low": _round(self.auc_low),
            "auc_high": _round(self.auc_high),
            "auc_capability": _round(self.auc_capability),
            "auc_logit": _round(self.auc_logit),
            "auc_logit_with_margin": _round(self.auc_logit_with_margin),
            "auc_tie_chance_alone": _round(self.auc_tie),
            "auc_success_alone": _round(self.auc_success),
            "auc_over_capability": {k: _round(getattr(self.over_capability, k)) for k in ("value", "low", "high")},
            "auc_over_logit": {k: _round(getattr(self.over_logit, k)) for k in ("value", "low", "high")},
            "log_score": _round(self.log_score),
            "log_score_capability": _round(self.log_score_capability),
            "log_score_logit": _round(self.log_score_logit),
            "log_score_base": _round(self.log_score_base),
            "eras": list(self.eras),
            "columns": list(self.columns),
            "verdict": self.verdict,
            "notes": list(self.notes),
        }


def _round(value: float) -> float | None:
    return round(value, 4) if np.isfinite(value) else None


def score(cases: pd.DataFrame, then: Then, outcome: str = "attacked", bootstraps: int = BOOTSTRAPS) -> Score:
    """Set the margin's ordering beside its rivals'. Raises InputError where there are too few cases of either outcome."""
    cases = cases[cases[outcome].notna()].reset_index(drop=True) if outcome in cases else cases.iloc[:0]
    happened = cases[outcome].to_numpy(np.float64) if len(cases) else np.empty(0)
    events = int(happened.sum())
    if len(cases) < LEAST or min(events, len(cases) - events) < FEWEST_OF_A_KIND:
        found = f"{len(cases)} cases, {events} of them with the outcome"
        allowed = f"{LEAST} cases or more, {FEWEST_OF_A_KIND} or more of either outcome"
        raise InputError([Problem("cases", None, outcome, found, allowed, "too few cases to score an ordering")])
    built = built_then(cases, then)
    margin = -built.margin
    ratio = _ratio(cases)
    parts = eras_of(cases, outcome)
    columns, features = _features(cases)
    logit = held_out(features, happened, parts)
    joined = held_out(np.column_stack([features, margin]), happened, parts)
    cluster = _clusters(cases)
    orders = {"margin": margin, "ratio": ratio, "logit": logit, "joined": joined}
    values = {name: auc(s, happened) for name, s in orders.items()}
    spread = _bootstrap(orders, happened, cluster, bootstraps)

    def gap(first: str, second: str) -> Gap:
        low, high = np.nanquantile(spread[first] - spread[second], (0.025, 0.975))
        return Gap(values[first] - values[second], float(low), float(high))

    over, beyond = gap("margin", "ratio"), gap("joined", "logit")
    low, high = np.nanquantile(spread["margin"], (0.025, 0.975))
    base = (
        np.array([happened[parts != part].mean() for part in parts])
        if len(np.unique(parts)) > 1
        else np.full(len(cases), happened.mean())
    )
    return Score(
        outcome,
        len(cases),
        events,
        len(np.unique(cluster)),
        values["margin"],
        float(low),
        float(high),
        values["ratio"],
        values["logit"],
        values["joined"],
        auc(-built.tie, happened),
        auc(built.success, happened),
        over,
        beyond,
        log_score(held_out(margin[:, None], happened, parts), happened),
        log_score(held_out(ratio[:, None], happened, parts), happened),
        log_score(logit, happened),
        log_score(base, happened),
        tuple(_era_rows(cases, happened, parts, orders)),
        columns,
        verdict(over, beyond),
        _notes(columns),
    )


def verdict(over: Gap, beyond: Gap) -> str:
    """In words, and never kinder than the intervals."""
    if not over.sure:
        return ADDS_NOTHING
    if not beyond.sure:
        return "orders better than the capability ratio; adds nothing to a logistic regression of the same columns"
    return "orders better than the capability ratio, and adds to a logistic regression of the same columns"


def _notes(columns: Sequence[str]) -> tuple[str, ...]:
    notes = ["Weights are assumptions fixed beforehand; the regression is trained on other eras of the same file."]
    if set(columns) <= {"challenger_capability", "defender_capability"}:
        notes.append("With capabilities alone the margin orders as the ratio does, so it cannot add anything here.")
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
    ranked = {name: _ranked(scores, happened) for name, scores in orders.items()}
    out = {name: np.empty(times) for name in orders}
    for i in range(times):
        weights = np.bincount(rng.integers(0, n, n), minlength=n)[cluster].astype(np.float64)
        for name, asked in ranked.items():
            out[name][i] = asked(weights)
    return out


def _era_rows(
    cases: pd.DataFrame, happened: F64, parts: npt.NDArray[np.int64], orders: Mapping[str, F64]
) -> list[dict[str, Any]]:
    rows = []
    years = cases["year"].to_numpy(np.int64)
    for part in np.unique(parts):
        here = parts == part
        rows.append(
            {
                "from": int(years[here].min()),
                "to": int(years[here].max()),
                "n": int(here.sum()),
                "events": int(happened[here].sum()),
                "auc": _round(auc(orders["margin"][here], happened[here])),
                "auc_capability": _round(auc(orders["ratio"][here], happened[here])),
                "auc_logit": _round(auc(orders["logit"][here], happened[here])),
            }
        )
    return rows


# Cases from public data: crises (ICB), capabilities (NMC), obligations (ATOP)

VIOLENT_ACT = 9
"""Trigger of a crisis: direct violence, as against words, pressure, a move of forces or violence by others."""
FIRST_NOT_A_STATE = 990
"""Codes of triggering entities from here on are no states: 995 internal, 996 non-state, 997 several."""
_FEAR_YEARS = 5

SETS = ("icb.crises", "icb.rivals")


def crisis_cases(folder: Path) -> dict[str, pd.DataFrame]:
    """Both sets of cases that a folder with ICB, NMC and ATOP files gives, by name; empty where a file is missing.

    `icb.crises`: one case a state in crisis and the state that triggered it; attacked where the trigger was a violent act.
    `icb.rivals`: one case a year of every such pair; attacked where it triggered a crisis by a violent act in that year. Pairs are
    known to be rivals only afterwards, so the set says nothing of states that never met in a crisis.
    What is known of a case is that of the year before.
    """
    places = [
        _place(folder, names, inner)
        for names, inner in ((icb.ACTORS, ("icb",)), (cow.FILES, ("cow", "cow-nmc")), (atop.DYAD_SPELLS, ("atop",)))
    ]
    if any(p is None for p in places):
        return {}
    crises, capabilities, obligations = (p for p in places if p is not None)
    actors = icb.read_actors(crises)
    _raise(
        [
            Problem(str(crises), 1, name, "no such column", name, "crises cannot be told apart without it")
            for name in ("trigent", "triggr")
            if name not in actors
        ]
    )
    cinc = cow.read_nmc(capabilities).set_index(["cow_code", "year"])["cinc"].dropna()
    spells = atop.read_dyad_spells(obligations)
    allies = _allied(spells[spells["kind"] == "defense_pact"], cinc)
    pairs = actors[actors["trigent"].between(1, FIRST_NOT_A_STATE - 1) & (actors["trigent"] != actors["cow_code"])]
    events = pd.DataFrame(
        {
            "challenger": pairs["trigent"].astype(int),
            "defender": pairs["cow_code"].astype(int),
            "year": pairs["trigger_year"].astype(int),
            "attacked": (pairs["triggr"] == VIOLENT_ACT).fillna(value=False).astype(float),
        }
    )
    return {
        name: frame
        for name, frame in zip(SETS, (_crises(events, cinc, allies), _rivals(events, cinc, allies)), strict=True)
        if len(frame)
    }


def _place(folder: Path, names: Sequence[str], inner: Sequence[str]) -> Path | None:
    return next((p for p in (folder, *(folder / name for name in inner)) if p.is_dir() and _files.matching(p, *names)), None)


def _allied(pacts: pd.DataFrame, cinc: pd.Series[float]) -> dict[tuple[int, int], dict[int, float]]:
    """(state, year) → capability of each state bound to defend it."""
    out: dict[tuple[int, int], dict[int, float]] = {}
    known = cinc.to_dict()
    for row in pacts.itertuples():
        for year in range(int(row.start_year), int(row.end_year) + 1):
            for own, friend in ((int(row.cow_a), int(row.cow_b)), (int(row.cow_b), int(row.cow_a))):
                strength = known.get((friend, year))
                if strength is not None:
                    out.setdefault((own, year), {})[friend] = strength
    return out


def _crises(events: pd.DataFrame, cinc: pd.Series[float], allies: Mapping[tuple[int, int], Mapping[int, float]]) -> pd.DataFrame:
    """Attacked in any of a pair's crises of a year counts once; peace since the pair's last crisis."""
    cases = events.groupby(["challenger", "defender", "year"], as_index=False)["attacked"].max()
    return _described(cases, events, cinc, allies)


def _rivals(events: pd.DataFrame, cinc: pd.Series[float], allies: Mapping[tuple[int, int], Mapping[int, float]]) -> pd.DataFrame:
    attacked = set(map(tuple, events[events["attacked"] == 1][["challenger", "defender", "year"]].to_numpy().tolist()))
    years: dict[int, set[int]] = {}
    for state, year in cinc.index:
        years.setdefault(int(state), set()).add(int(year))
    span = range(int(events["year"].min()), int(events["year"].max()) + 1)
    pairs = {frozenset((int(a), int(b))) for a, b in zip(events["challenger"], events["defender"], strict=True)}
    rows = [
        (a, b, year, float((a, b, year) in attacked))
        for pair in sorted(pairs, key=sorted)
        for a, b in (tuple(sorted(pair)), tuple(sorted(pair, reverse=True)))
        for year in span
        if year - 1 in years.get(a, ()) and year - 1 in years.get(b, ())
    ]
    return _described(pd.DataFrame(rows, columns=["challenger", "defender", "year", "attacked"]), events, cinc, allies)


def _described(
    cases: pd.DataFrame, events: pd.DataFrame, cinc: pd.Series[float], allies: Mapping[tuple[int, int], Mapping[int, float]]
) -> pd.DataFrame:
    """Capabilities, allies, fear and peace as they stood the year before; cases whose capabilities are unknown are left out."""
    known = cinc.to_dict()
    crises: dict[frozenset[int], list[int]] = {}
    for a, b, year in zip(events["challenger"], events["defender"], events["year"], strict=True):
        crises.setdefault(frozenset((int(a), int(b))), []).append(int(year))
    first = int(events["year"].min())
    rows = []
    for a, b, year, attacked in cases[["challenger", "defender", "year", "attacked"]].itertuples(index=False):
        own, theirs = known.get((a, year - 1)), known.get((b, year - 1))
        if own is None or theirs is None or own + theirs <= 0:
            continue
        friends = {side: allies.get((side, year - 1), {}) for side in (a, b)}
        past = [y for y in crises[frozenset((a, b))] if y < year]
        rows.append(
            {
                "year": float(year),
                "challenger": str(a),
                "defender": str(b),
                "challenger_capability": own,
                "defender_capability": theirs,
                "challenger_allies": sum(v for k, v in friends[a].items() if k != b),
                "defender_allies": sum(v for k, v in friends[b].items() if k != a),
                "fear": _decline(known, a, b, year - 1),
                "peace_years": float(year - max(past, default=first)),
                "attacked": attacked,
            }
        )
    return pd.DataFrame(rows)


def _decline(known: Mapping[tuple[int, int], float], a: int, b: int, year: int) -> float:
    """By how much the challenger's share of the two sides' capabilities fell in five years; 0 where it rose or nothing is known."""

    def part(at: int) -> float | None:
        own, theirs = known.get((a, at)), known.get((b, at))
        return own / (own + theirs) if own is not None and theirs is not None and own + theirs > 0 else None

    now, then = part(year), part(year - _FEAR_YEARS)
    return max(0.0, then - now) if now is not None and then is not None else 0.0


# Cases of validation

_TITLES = {
    "icb.crises": "Crises, 1918 on: does the margin order those that opened with violence?",
    "icb.rivals": "Years of pairs that met in a crisis: does the margin order those in which one attacked?",
}


def falsifier_cases(data_dir: Path, register: Register | None = None) -> list[Case]:
    """The margin against the capability ratio on public data; no case where the folder lacks ICB, NMC or ATOP."""
    then = draw_then(register or Register.reference())
    return [_case(name, score(frame, then)) for name, frame in crisis_cases(data_dir).items()]


def _case(name: str, found: Score) -> Case:
    over, beyond = found.over_capability, found.over_logit
    why = (
        f"{found.verdict}: AUC {found.auc:.3f} against {found.auc_capability:.3f} of the capability ratio alone "
        f"(difference {over.value:+.3f}, 95% from {over.low:+.3f} to {over.high:+.3f}) and {found.auc_logit:.3f} of a logistic "
        f"regression of the same columns, to which the margin adds {beyond.value:+.3f} ({beyond.low:+.3f} to {beyond.high:+.3f}); "
        f"p* alone {found.auc_tie:.3f}, p alone {found.auc_success:.3f}; "
        f"{found.n:,} cases, {found.events:,} events, {found.dyads:,} pairs; passes where the first interval lies above nil"
    )
    return Case(
        case=f"deterrence.{name}",
        kind="hindcast",
        title=_TITLES[name],
        passed=over.sure,
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
        tests="whether margins order cases; no test of any level, nor of the margins of today's theaters",
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
    """Scores of a file of cases, of public data, or of both, as plain objects. Raises InputError where neither gives any."""
    if outcome not in ("attacked", "war"):
        raise InputError([Problem("command line", None, "--outcome", outcome, "attacked, war", "no such outcome")])
    sets: dict[str, pd.DataFrame] = {}
    if cases is not None:
        sets[cases.name] = read_cases(cases)
    if data is not None:
        found = crisis_cases(data)
        if not found:
            allowed = "files of the sets icb, cow and atop, there or in folders of these names"
            raise InputError([Problem(str(data), None, None, "not all of them", allowed, "no cases can be built")])
        sets |= found
    if not sets:
        raise InputError([Problem("command line", None, "--cases", "nothing", "--cases FILE, or --data DIR", "no cases")])
    then = draw_then(register)
    return [{**score(frame, then, outcome).row(), "set": name} for name, frame in sets.items()]
