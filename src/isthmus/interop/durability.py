"""Durability of alliances: how long pacts last, how they end, and what goes with it. On ATOP and National Material Capabilities.

Years in force are calendar years, the first and the last counted, as in the publishers' dyad spells. Survival is Kaplan and Meier
(1958), ends by cause Aalen and Johansen (1978), hazards Cox (1972) with ties after Efron (1977). Intervals are 90%; those of
shares come from drawing treaties anew, those of hazards from the sandwich of Lin and Wei (1989) summed by treaty: the pairs of one
treaty are one observation. See ``docs/explanation/durability.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import exp, log, sqrt
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from isthmus.errors import InputError, Problem
from isthmus.register import Register
from isthmus.register.importers import _files, atop, cow
from isthmus.register.importers.states import COW_TO_ISO3

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

COLUMNS = ("analysis", "sample", "group", "quantity", "years", "estimate", "low", "high", "n", "events", "note")
HORIZONS = (10, 20, 40)
INTERVAL = (0.05, 0.95)
_Z = 1.6449
DRAWS = 500

ERAS = ((1815, 1945, "begun to 1945"), (1946, 1990, "begun 1946-1990"), (1991, 9999, "begun from 1991"))
RATIOS = ((1.0, 3.0, "CINC ratio below 3"), (3.0, 10.0, "CINC ratio 3 to 10"), (10.0, np.inf, "CINC ratio 10 and more"))
POWERS = ("major-major", "asymmetric", "minor-minor")
"""Both major powers; one of them; none. The major powers are those that the publishers mark in the dyad spells."""

MARKED = (1816, 2016)
"""Years for which the publishers know the major powers; spells that begin outside are marked minor whoever they are."""

CAUSES: Mapping[int, str] = MappingProxyType({1: "expiry", 2: "violation", 3: "new relationship"})
"""Codes of `term`. An end with code 0 is that of a member state, not of the promise."""
STATE_END = "end of a member state"

KINDS: Mapping[str, str] = MappingProxyType(
    {"offense": "offence", "defense": "defence", "neutral": "neutrality", "nonagg": "non-aggression", "consul": "consultation"}
)
"""Obligations, the furthest-reaching first: an alliance counts under its first."""

AGE_BANDS = (5, 10, 20, 40)
"""Upper years of the bands within which the hazard of a pact is taken as constant; the last band is open."""

FORECASTS = (10, 20)
_NONE_LEFT = 1e-12
"""Share alive below which no spell is left."""
WARNING = "a share of past pacts, no forecast: pacts of today were not drawn from that past, and the oldest ages rest on few"
SMALLEST_CLASS = 30
"""Treaties below which a class of comparison is widened."""


# Input


@dataclass(frozen=True)
class Sets:
    """The files; `capabilities` is None where the folder has none."""

    spells: pd.DataFrame
    alliances: pd.DataFrame
    members: pd.DataFrame
    capabilities: pd.DataFrame | None


_NEEDED = (
    ("dyad spells of ATOP", atop.DYAD_SPELLS, "atop"),
    ("alliances of ATOP", atop.ALLIANCES, "atop"),
    ("members of alliances of ATOP", atop.MEMBERS, "atop"),
)
_CAPABILITIES = ("cow", "cow-nmc")


def read_sets(folder: Path) -> Sets:
    """Files in the folder, or in its folders atop and cow. Raises `InputError` that names every file that is missing."""
    if not folder.is_dir():
        found = "a file" if folder.exists() else "no such folder"
        raise InputError([Problem(str(folder), None, None, found, "a folder with the files of ATOP", "not a folder")])
    places = [_place(folder, names, inner) for _, names, inner in _NEEDED]
    problems = [
        Problem(str(folder), None, None, "no such file", f"a file named {' or '.join(names)}, here or in {inner}", f"no {what}")
        for (what, names, inner), place in zip(_NEEDED, places, strict=True)
        if place is None
    ]
    if problems:
        raise InputError(problems)
    spells, alliances, members = (p for p in places if p is not None)
    at = next((p for inner in _CAPABILITIES if (p := _place(folder, cow.FILES, inner)) is not None), None)
    return Sets(
        atop.read_dyad_spells(spells),
        atop.read_alliances(alliances),
        atop.read_members(members),
        cow.read_nmc(at) if at is not None else None,
    )


def _place(folder: Path, names: Sequence[str], inner: str) -> Path | None:
    return next((p for p in (folder, folder / inner) if p.is_dir() and _files.matching(p, *names)), None)


# Samples: one row a spell


def pair_sample(sets: Sets) -> pd.DataFrame:
    """Defence pacts between two states: years, ended, start, power, ratio, era, treaty (cluster), members as COW codes."""
    frame = sets.spells[sets.spells["kind"] == "defense_pact"].reset_index(drop=True)
    high, low = frame[["cinc_a_start", "cinc_b_start"]].max(axis=1), frame[["cinc_a_start", "cinc_b_start"]].min(axis=1)
    ratio = high / low.where(low > 0)
    out = pd.DataFrame(
        {
            "years": frame["years"].astype(int),
            "cause": np.where(frame["right_censored"] == 1, "", "end"),
            "start": frame["start_year"].astype(int),
            "power": [_power([bool(a), bool(b)]) for a, b in zip(frame["major_a"], frame["major_b"], strict=True)],
            "ratio": ratio.where(frame[["cinc_a_start", "cinc_b_start"]].notna().all(axis=1)),
            "treaty": _treaties(sets, frame),
            "members": list(zip(frame["cow_a"].astype(int), frame["cow_b"].astype(int), strict=True)),
        }
    )
    out["era"] = out["start"].map(era_of)
    return out


def treaty_sample(sets: Sets) -> pd.DataFrame:
    """Alliances: years, cause of the end ('' while in force), start, power, ratio, era, bilateral, wartime, institution, kind.

    `ratio`: CINC of the strongest member by that of the second, in the first year; NaN without capabilities.
    """
    frame = sets.alliances
    last = int(max(frame["end_year"].max(), frame["begin_year"].max()))
    major, capability, founders = _majors(sets.spells), _capability(sets.capabilities), _founders(sets.members)
    rows = []
    for row in frame.itertuples():
        codes = tuple(int(c) for c in str(row.members).split(";"))
        start = int(row.begin_year)
        first = founders.get((int(row.alliance_id), start), [])
        known = sorted((v for c in first if (v := capability.get((c, start), 0.0)) > 0), reverse=True)
        rows.append(
            {
                "years": (int(row.end_year) if row.ended else last) - start + 1,
                "cause": CAUSES.get(int(row.term), STATE_END) if row.ended else "",
                "start": start,
                "power": _power([major(c, start) for c in codes]),
                "ratio": known[0] / known[1] if len(known) == len(first) and len(known) > 1 else np.nan,
                "era": era_of(start),
                "bilateral": row.bilat == 1,
                "wartime": row.wartime == 1,
                "institution": None if pd.isna(row.milinst) else int(row.milinst),
                "kind": next((name for code, name in KINDS.items() if getattr(row, code) == 1), "none"),
                "treaty": int(row.alliance_id),
                "members": codes,
            }
        )
    return pd.DataFrame(rows)


def era_of(start: int) -> str:
    return next(name for low, high, name in ERAS if low <= start <= high)


def _power(majors: Sequence[bool]) -> str:
    return POWERS[0] if all(majors) else POWERS[1] if any(majors) else POWERS[2]


def _majors(spells: pd.DataFrame) -> Any:
    """Function (COW code, year) -> major power, by the latest year at or before it in which the dyad spells mark the state, else by
    the first after it."""
    seen: dict[int, dict[int, bool]] = {}
    for side in ("a", "b"):
        for code, year, flag in zip(spells[f"cow_{side}"], spells["start_year"], spells[f"major_{side}"], strict=True):
            if MARKED[0] <= year <= MARKED[1]:
                seen.setdefault(int(code), {})[int(year)] = bool(flag == 1)
    ever = {code: sorted(years.items()) for code, years in seen.items() if any(years.values())}

    def major(code: int, year: int) -> bool:
        marks = ever.get(code, [])
        return next((flag for at, flag in reversed(marks) if at <= year), marks[0][1] if marks else False)

    return major


def _capability(frame: pd.DataFrame | None) -> dict[tuple[int, int], float]:
    if frame is None:
        return {}
    return dict(zip(zip(frame["cow_code"].astype(int), frame["year"].astype(int), strict=True), frame["cinc"], strict=True))


def _founders(members: pd.DataFrame) -> dict[tuple[int, int], list[int]]:
    """(alliance, year) -> COW codes of the members that entered in that year."""
    groups = members.dropna(subset=["entry_year"]).groupby(["alliance_id", "entry_year"])["cow_code"].unique()
    return {(int(a), int(y)): [int(c) for c in codes] for (a, y), codes in groups.items()}


def _treaties(sets: Sets, pairs: pd.DataFrame) -> list[str]:
    """Treaty of each pair's spell: one that both members are in in its first year, the one they entered that year if any, else the
    oldest; the pair itself where no such treaty is known."""
    joint: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
    with_defence = sets.members[sets.members["defense"] == 1]
    for alliance, group in with_defence.groupby("alliance_id"):
        held = [
            (int(r.cow_code), int(r.entry_year), 9999 if pd.isna(r.exit_year) else int(r.exit_year))
            for r in group.itertuples()
            if not pd.isna(r.entry_year)
        ]
        for (a, in_a, out_a), (b, in_b, out_b) in combinations(sorted(held), 2):
            joint.setdefault((a, b), []).append((max(in_a, in_b), min(out_a, out_b), int(alliance)))
    out = []
    for a, b, start in zip(pairs["cow_a"].astype(int), pairs["cow_b"].astype(int), pairs["start_year"].astype(int), strict=True):
        fit = [
            (begin != start, begin, name) for begin, end, name in joint.get((min(a, b), max(a, b)), []) if begin <= start <= end
        ]
        out.append(str(min(fit)[2]) if fit else f"{a}-{b}")
    return out


# Shares: Kaplan-Meier and Aalen-Johansen, treaties drawn anew


@dataclass(frozen=True)
class Curves:
    """Shares by years in force (index = years, 0 first). `alive`: (draws + 1, years); `ended`: cause -> the same; first row the
    estimate, the others from treaties drawn anew. `at_risk` (years,): spells that reached each year."""

    alive: F64
    ended: dict[str, F64]
    at_risk: F64

    def at(self, years: int, cause: str | None = None) -> tuple[float, float, float]:
        """Share and its interval; NaN beyond the oldest spell, if that was still in force."""
        values = self.alive if cause is None else self.ended[cause]
        if years >= values.shape[1] and self.alive[0, -1] > _NONE_LEFT:
            return np.nan, np.nan, np.nan
        years = min(years, values.shape[1] - 1)
        low, high = np.quantile(values[1:, years], INTERVAL) if len(values) > 1 else (np.nan, np.nan)
        return float(values[0, years]), float(low), float(high)


def curves(
    years: Sequence[int],
    causes: Sequence[str],
    clusters: Sequence[Any],
    draws: int = DRAWS,
    seed: int = 1,
    lost: Iterable[str] = (),
) -> Curves:
    """Share alive, and ended by cause, after each number of years.

    `causes`: '' for a spell in force at the end of the data. `lost`: causes that count as leaving observation (censored).
    Ends in a year come before leavings in the same year (Kaplan and Meier 1958).
    """
    length = np.asarray(years, dtype=np.int64)
    kinds = sorted({c for c in causes if c and c not in set(lost)})
    owner = pd.factorize(pd.Series(list(clusters)))[0]
    count, most = int(owner.max()) + 1, int(length.max())
    label = np.asarray(causes, dtype=object)

    def table(mask: npt.NDArray[np.bool_]) -> F64:
        flat = np.bincount(owner[mask] * (most + 1) + length[mask], minlength=count * (most + 1))
        return flat.reshape(count, most + 1).astype(np.float64)

    generator = np.random.default_rng(seed)
    weights = np.vstack([np.ones(count), generator.multinomial(count, np.full(count, 1.0 / count), size=draws)])
    leaving = weights @ table(np.ones(len(length), dtype=bool))
    at_risk = leaving[:, ::-1].cumsum(axis=1)[:, ::-1]
    ends = {kind: weights @ table(label == kind) for kind in kinds}
    share = {kind: np.divide(found, at_risk, out=np.zeros_like(found), where=at_risk > 0) for kind, found in ends.items()}
    hazard = sum(share.values(), np.zeros_like(leaving))
    alive = np.cumprod(1.0 - hazard, axis=1)
    before = np.hstack([np.ones((len(weights), 1)), alive[:, :-1]])
    return Curves(alive, {kind: np.cumsum(before * found, axis=1) for kind, found in share.items()}, at_risk[0])


def share_rows(
    analysis: str, sample: str, groups: Mapping[str, pd.DataFrame], *, lost: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """Rows of shares alive at each horizon, for each group of spells."""
    rows = []
    lost = tuple(lost)
    for name, frame in groups.items():
        if frame.empty:
            continue
        found = curves(frame["years"].tolist(), frame["cause"].tolist(), frame["treaty"].tolist(), lost=lost)
        events = int((~frame["cause"].isin(["", *lost])).sum())
        for years in HORIZONS:
            share = found.at(years)
            note = "no spell is that old" if np.isnan(share[0]) else None
            rows.append(_row(analysis, sample, name, "share alive", years, share, len(frame), events, note))
    return rows


def _row(
    analysis: str,
    sample: str,
    group: str,
    quantity: str,
    years: int | None,
    values: tuple[float, float, float],
    n: int | None = None,
    events: int | None = None,
    note: str | None = None,
) -> dict[str, Any]:
    estimate, low, high = (round(float(v), 4) if np.isfinite(v) else None for v in values)
    cells = (analysis, sample, group, quantity, years, estimate, low, high, n, events, note)
    return dict(zip(COLUMNS, cells, strict=True))


# Hazards: Cox on spell-years


@dataclass(frozen=True)
class Cox:
    """Coefficients on the logarithm of the hazard, their covariance summed by cluster, and the partial log likelihood."""

    names: tuple[str, ...]
    beta: F64
    covariance: F64
    naive: F64
    log_likelihood: float

    def ratio(self, name: str) -> tuple[float, float, float]:
        """Hazard ratio and its 90% interval."""
        at = self.names.index(name)
        half = _Z * sqrt(self.covariance[at, at])
        return exp(self.beta[at]), exp(self.beta[at] - half), exp(self.beta[at] + half)

    def p_value(self, name: str) -> float:
        at = self.names.index(name)
        return float(2.0 * stats.norm.sf(abs(self.beta[at]) / sqrt(self.covariance[at, at])))


def fit_cox(x: F64, year: I64, event: npt.NDArray[np.bool_], cluster: Sequence[Any], names: Sequence[str]) -> Cox:
    """Cox model on spell-years: row i is at risk in year of life `year[i]` only, so covariates may change from year to year.

    Ties after Efron (1977); covariance after Lin and Wei (1989) from score residuals summed by cluster.
    """
    middle, scale = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-9)
    z = (x - middle) / scale
    order = np.argsort(year, kind="stable")
    z, event = z[order], event[order]
    owner = pd.factorize(pd.Series(list(cluster)))[0][order]
    edges = np.flatnonzero(np.diff(year[order], prepend=year[order][0] - 1, append=year[order][-1] + 1))
    risk_sets = [(int(a), int(b)) for a, b in pairwise(edges) if event[a:b].any()]
    beta = np.zeros(z.shape[1])
    for _ in range(50):
        gradient, information, _, value = _cox_pass(z, event, risk_sets, beta)
        step = np.linalg.solve(information, gradient)
        beta = beta + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-9:
            break
    _, information, residual, value = _cox_pass(z, event, risk_sets, beta)
    summed = np.zeros((int(owner.max()) + 1, z.shape[1]))
    np.add.at(summed, owner, residual)
    bread = np.linalg.inv(information)
    rescale = np.outer(1.0 / scale, 1.0 / scale)
    robust = np.asarray(bread @ (summed.T @ summed) @ bread * rescale, dtype=np.float64)
    return Cox(tuple(names), beta / scale, robust, np.asarray(bread * rescale, dtype=np.float64), value)


def _cox_pass(
    z: F64, event: npt.NDArray[np.bool_], risk_sets: Sequence[tuple[int, int]], beta: F64
) -> tuple[F64, F64, F64, float]:
    """Gradient, information, score residual of each row, partial log likelihood."""
    count = z.shape[1]
    gradient, information, residual, value = np.zeros(count), np.zeros((count, count)), np.zeros_like(z), 0.0
    weight = np.exp(np.clip(z @ beta, -50.0, 50.0))
    for a, b in risk_sets:
        rows, hit, theta = z[a:b], event[a:b], weight[a:b]
        ties = int(hit.sum())
        total, first = theta.sum(), theta @ rows
        second = rows.T @ (theta[:, None] * rows)
        tied, tied_first = theta[hit].sum(), theta[hit] @ rows[hit]
        tied_second = rows[hit].T @ (theta[hit, None] * rows[hit])
        value += float((rows[hit] @ beta).sum())
        gradient += rows[hit].sum(axis=0)
        away = np.zeros(count)
        for k in range(ties):
            part = k / ties
            whole = total - part * tied
            mean = (first - part * tied_first) / whole
            value -= log(whole)
            gradient -= mean
            away += mean / ties
            information += (second - part * tied_second) / whole - np.outer(mean, mean)
            at = theta / whole * np.where(hit, 1.0 - part, 1.0)
            residual[a:b] -= at[:, None] * (rows - mean)
        residual[a:b][hit] += rows[hit] - away
    return gradient, information, residual, value


def spell_years(sample: pd.DataFrame, sets: Sets, cause: str | None = None) -> pd.DataFrame:
    """One row a spell and year of life: year, event (of `cause`, or of any but the end of a state), change of capability, and the
    columns of the sample. A spell that ends in another way leaves observation.

    `capability_change`: largest absolute change among the members of the logarithm of CINC since the first year, as of the year
    before; NaN where it is not known.
    """
    capability = _capability(sets.capabilities)
    keep = sample.index.repeat(sample["years"])
    out = sample.loc[keep].reset_index(drop=True)
    out["spell"] = keep
    out["year"] = out.groupby("spell").cumcount() + 1
    last = out["year"] == out["years"]
    wanted = out["cause"].eq(cause) if cause else ~out["cause"].isin(["", STATE_END])
    out["event"] = last & wanted
    change = np.full(len(out), np.nan)
    if capability:
        for i, (members, start, year) in enumerate(zip(out["members"], out["start"], out["year"], strict=True)):
            moves = [_log_change(capability, c, start, start + max(year - 2, 0)) for c in members]
            known = [m for m in moves if m is not None]
            change[i] = max(known) if known else np.nan
    out["capability_change"] = change
    return out


def _log_change(capability: Mapping[tuple[int, int], float], code: int, start: int, year: int) -> float | None:
    before, after = capability.get((code, start), 0.0), capability.get((code, year), 0.0)
    return abs(log(after / before)) if before > 0 and after > 0 else None


# Reliability in war: published shares, as a prior


@dataclass(frozen=True)
class Reliability:
    """Share of the alliances invoked by war that were honoured, as published."""

    scope: str
    share: float
    study: str
    address: str


_BF = ("Berkemeier and Fuhrmann 2018, 1816-2003", "https://vivo.library.tamu.edu/vivo/display/n360351SE")
PUBLISHED = (
    Reliability("all", 0.50, *_BF),
    Reliability(
        "all", 0.745, "Leeds, Long and Mitchell 2000", "https://econpapers.repec.org/RePEc:sae:jocore:v:44:y:2000:i:5:p:686-699"
    ),
    Reliability("all", 2 / 3, "Chiba and others, two hundred years", "https://dainachiba.github.io/research/alliance"),
    Reliability("before 1945", 0.66, *_BF),
    Reliability("1945-2003", 0.22, *_BF),
    Reliability("defence", 0.41, *_BF),
    Reliability("offence", 0.74, *_BF),
    Reliability("neutrality", 0.78, *_BF),
    Reliability("non-aggression", 0.37, *_BF),
)
SELECTION = (
    "only alliances invoked by war are counted; those that deterred were never put to the test, and enemies choose the ones they "
    "expect to fail, so this is no chance that a pact of today would be honoured"
)


def reliability_rows() -> list[dict[str, Any]]:
    """The published shares, and a prior from them: normal on the logit scale.

    Centre: mean logit of the three studies' overall shares, moved by what the one study that splits them finds between the scope
    and its own overall share. Spread: standard deviation of the three overall logits, which is how far studies differ by coding.
    """
    rows = [
        _row(
            "reliability", "published", r.scope, "share honoured", None, (r.share, np.nan, np.nan), note=f"{r.study}: {r.address}"
        )
        for r in PUBLISHED
    ]
    overall = [_logit(r.share) for r in PUBLISHED if r.scope == "all"]
    centre, spread = float(np.mean(overall)), float(np.std(overall, ddof=1))
    base = _logit(next(r.share for r in PUBLISHED if r.scope == "all" and r.study == _BF[0]))
    moves = {"all": 0.0} | {r.scope: _logit(r.share) - base for r in PUBLISHED if r.scope != "all"}
    for scope, move in moves.items():
        bounds = tuple(1.0 / (1.0 + exp(-(centre + move + k * spread))) for k in (0.0, -_Z, _Z))
        rows.append(
            _row("reliability", "prior", scope, "share honoured", None, (bounds[0], bounds[1], bounds[2]), note=SELECTION)
        )
    return rows


def _logit(share: float) -> float:
    return log(share / (1.0 - share))


# Everything together


def durability_rows(sets: Sets, register: Register | None = None) -> list[dict[str, Any]]:
    """All estimates, in the columns `COLUMNS`. Pacts of today are those of the register, if one is given."""
    pairs, treaties = pair_sample(sets), treaty_sample(sets)
    defence = treaties[treaties["kind"].isin(["defence", "offence"])]
    rows = _shares(pairs, defence)
    rows += _ends(treaties)
    rows += hazard_rows("pairs", pairs, sets) + hazard_rows("treaties", defence, sets)
    if register is not None:
        rows += pact_rows(treaties, sets, register)
    return rows + reliability_rows()


def _by(frame: pd.DataFrame, column: str, names: Iterable[str]) -> dict[str, pd.DataFrame]:
    return {name: frame[frame[column] == name] for name in names}


def _shares(pairs: pd.DataFrame, treaties: pd.DataFrame) -> list[dict[str, Any]]:
    eras = [name for _, _, name in ERAS]
    rows = []
    for sample, frame, lost in (("pairs", pairs, ()), ("treaties", treaties, (STATE_END,))):
        crossed = {
            f"{power}, {era}": frame[(frame["power"] == power) & (frame["era"] == era)] for era in eras for power in POWERS
        }
        ratios = {name: frame[(frame["ratio"] >= low) & (frame["ratio"] < high)] for low, high, name in RATIOS}
        largest = frame["treaty"].value_counts().index[0]
        apart = frame[frame["treaty"] != largest]
        era = frame.loc[frame["treaty"] == largest, "era"].iloc[0]
        without = {f"{era}, without the largest treaty": apart[apart["era"] == era]} if sample == "pairs" else {}
        groups = {"all": frame, **_by(frame, "power", POWERS), **ratios, **_by(frame, "era", eras), **crossed, **without}
        rows += share_rows("kaplan_meier", sample, groups, lost=lost)
    flags = {
        "bilateral": treaties[treaties["bilateral"]],
        "multilateral": treaties[~treaties["bilateral"]],
        "begun in war": treaties[treaties["wartime"]],
        "begun in peace": treaties[~treaties["wartime"]],
        "institution none": treaties[treaties["institution"] == 0],
        "institution some": treaties[treaties["institution"] == 1],
        "institution strong": treaties[treaties["institution"] == 2],
    }
    return rows + share_rows("kaplan_meier", "treaties", flags, lost=(STATE_END,))


def _ends(treaties: pd.DataFrame) -> list[dict[str, Any]]:
    """Shares ended by cause (Aalen-Johansen), and the part of all ends that were violations, by kind and era."""
    rows = []
    defence = treaties[treaties["kind"].isin(["defence", "offence"])]
    groups = {"all": defence, **_by(defence, "power", POWERS), **_by(defence, "era", [name for _, _, name in ERAS])}
    groups |= {"bilateral": defence[defence["bilateral"]], "multilateral": defence[~defence["bilateral"]]}
    for name, frame in groups.items():
        if frame.empty:
            continue
        found = curves(frame["years"].tolist(), frame["cause"].tolist(), frame["treaty"].tolist())
        for cause in found.ended:
            for years in HORIZONS:
                events = int((frame["cause"] == cause).sum())
                rows.append(
                    _row(
                        "aalen_johansen", "treaties", name, f"ended by {cause}", years, found.at(years, cause), len(frame), events
                    )
                )
    split = {**_by(treaties, "kind", KINDS.values()), **_by(treaties, "era", [name for _, _, name in ERAS])}
    for name, frame in split.items():
        ended = frame[frame["cause"].isin(CAUSES.values())]
        if len(ended):
            hits = int((ended["cause"] == "violation").sum())
            low, high = stats.beta.ppf(INTERVAL, hits + 0.5, len(ended) - hits + 0.5)
            values = (hits / len(ended), float(low), float(high))
            note = "of ends other than that of a state; pacts still in force are not counted"
            rows.append(_row("ends", "treaties", name, "share of ends by violation", None, values, len(ended), hits, note))
    return rows


_BASE = {
    "asymmetric": ("power", "asymmetric"),
    "major-major": ("power", "major-major"),
    "begun to 1945": ("era", "begun to 1945"),
    "begun from 1991": ("era", "begun from 1991"),
}
_FACTORS = {"power": ("asymmetric", "major-major"), "era": ("begun to 1945", "begun from 1991")}


def hazard_rows(sample: str, frame: pd.DataFrame, sets: Sets) -> list[dict[str, Any]]:
    """Cox models on spell-years: any end; for treaties also violation and expiry, each against the rest; what leaving out a factor
    costs; and whether the hazards stay proportional."""
    rows: list[dict[str, Any]] = []
    for cause in (None,) if sample == "pairs" else (None, "violation", "expiry"):
        years = spell_years(frame, sets, cause)
        x = _design(years)
        known = x.notna().all(axis=1).to_numpy()
        if years.loc[known, "event"].sum() < 10:
            continue
        x, years, never = _estimable(x[known], years[known])
        model = _fit(x, years)
        note = f"{years['spell'].nunique()} of {len(frame)} spells; covariance by treaty"
        counts = (int(years["spell"].nunique()), int(years["event"].sum()))
        ending = cause or "any end"
        for name in model.names:
            rows.append(_row("cox", sample, ending, f"hazard ratio {name}", None, model.ratio(name), *counts, note))
        for name in never:
            values = (np.nan, np.nan, np.nan)
            rows.append(
                _row("cox", sample, ending, f"hazard ratio {name}", None, values, *counts, "no such end among them: left out")
            )
        if cause is None:
            rows += _left_out(sample, x, years, model, counts)
            rows += _proportional(sample, x, years, counts)
    return rows


def _estimable(x: pd.DataFrame, years: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Without groups in which nothing ends, whose hazard ratio would be zero, and without covariates that do not vary or that those
    before them already determine."""
    binary = [name for name in x if set(x[name].unique()) <= {0.0, 1.0}]
    never = [name for name in binary if x[name].any() and not (x[name].eq(1.0) & years["event"]).any()]
    kept = ~x[never].any(axis=1)
    x, years = x[kept], years[kept]
    away = ((x - x.mean()) / x.std().where(x.std() > 0, 1.0)).to_numpy(float)
    chosen: list[int] = []
    for place in range(x.shape[1]):
        if np.linalg.matrix_rank(away[:, [*chosen, place]], tol=1e-6 * sqrt(len(x) + 1)) > len(chosen):
            chosen.append(place)
    return x.iloc[:, chosen], years, never


def _fit(x: pd.DataFrame, years: pd.DataFrame) -> Cox:
    return fit_cox(
        x.to_numpy(float), years["year"].to_numpy(np.int64), years["event"].to_numpy(bool), years["treaty"].tolist(), list(x)
    )


def _design(years: pd.DataFrame) -> pd.DataFrame:
    """Covariates of spell-years; those of capabilities only where these are known at all."""
    out = {name: (years[column] == value).astype(float) for name, (column, value) in _BASE.items()}
    if "bilateral" in years:
        out["bilateral"] = years["bilateral"].astype(float)
        out["begun in war"] = years["wartime"].astype(float)
        institution = pd.to_numeric(years["institution"])
        out["institution some"] = (institution == 1).astype(float).where(institution.notna())
        out["institution strong"] = (institution == 2).astype(float).where(institution.notna())
    if years["capability_change"].notna().any():
        out["log CINC ratio"] = np.log(years["ratio"])
        out["capability change"] = years["capability_change"]
    return pd.DataFrame(out)


def _left_out(sample: str, x: pd.DataFrame, years: pd.DataFrame, model: Cox, counts: tuple[int, int]) -> list[dict[str, Any]]:
    """Twice the partial log likelihood that a factor adds to a model with all others: which factor matters more."""
    rows = []
    for factor, names in {**_FACTORS, "power and CINC ratio": (*_FACTORS["power"], "log CINC ratio")}.items():
        rest = x.drop(columns=[n for n in names if n in x])
        if rest.shape[1] in (0, x.shape[1]):
            continue
        added = 2.0 * (model.log_likelihood - _fit(rest, years).log_likelihood)
        note = f"{x.shape[1] - rest.shape[1]} coefficients; pairs of a treaty are not independent, so compare, do not test"
        rows.append(_row("importance", sample, factor, "likelihood added", None, (added, np.nan, np.nan), *counts, note))
    return rows


def _proportional(sample: str, x: pd.DataFrame, years: pd.DataFrame, counts: tuple[int, int]) -> list[dict[str, Any]]:
    """For each covariate, how its effect changes with the logarithm of age: the model with that one term more (Cox 1972)."""
    rows = []
    age = np.log(years["year"].to_numpy(float))
    for name in x:
        term = f"{name} by log age"
        wider = x.assign(**{term: x[name].to_numpy() * (age - age.mean())})
        model = _fit(wider, years)
        p = model.p_value(term)
        note = f"p = {p:.3f}" + ("; not proportional: read its hazard ratio as an average over ages" if p < 0.05 else "")
        rows.append(
            _row(
                "proportional_hazards", sample, name, "change of hazard ratio by log age", None, model.ratio(term), *counts, note
            )
        )
    return rows


# Pacts of today


@dataclass(frozen=True)
class Pact:
    """A defence pact of the register that is in force."""

    name: str
    members: tuple[str, ...]
    start: int


def pacts_of(register: Register) -> tuple[list[Pact], int]:
    """Defence pacts in force, one a treaty, and the year of the newest tie. Members of a bloc share its treaty."""
    ties = register.table("ties")
    today = int(max(str(d)[:4] for d in ties["as_of"].dropna()))
    frame = ties[(ties["tie_type"] == "defence_pact") & ties["start"].notna()]
    frame = frame[frame["end"].isna() | (frame["end"].fillna("").astype(str).str[:4] > str(today))]
    actors = register.table("actors").set_index("actor_id")
    found: dict[str, tuple[set[str], list[int]]] = {}
    for row in frame.itertuples():
        both = (str(row.actor_a), str(row.actor_b))
        blocs = [a for a in both if a in actors.index and actors.at[a, "type"] != "state"]
        plain = str(row.name).split(" (")[0].split(";")[0]
        name = str(actors.at[blocs[0], "name"]) if blocs else plain
        members, starts = found.setdefault(name, (set(), []))
        members.update(a for a in both if a not in blocs)
        starts.append(int(str(row.start)[:4]))
    pacts = [Pact(name, tuple(sorted(members)), min(starts)) for name, (members, starts) in found.items()]
    return sorted(pacts, key=lambda p: (p.start, p.name)), today


def pact_rows(treaties: pd.DataFrame, sets: Sets, register: Register, draws: int = 2000, seed: int = 1) -> list[dict[str, Any]]:
    """Share of comparable past pacts, as old as this one, that lasted on: by hazards constant within bands of age.

    Past the oldest age observed the last band goes on. Interval: posterior of the hazards under Jeffreys' prior.
    """
    code = {iso3: cow_code for cow_code, iso3 in COW_TO_ISO3.items()}
    major = _majors(sets.spells)
    past = treaties[treaties["kind"].isin(["defence", "offence"]) & (treaties["start"] >= ERAS[1][0])]
    pacts, today = pacts_of(register)
    rows = []
    for pact in pacts:
        power = _power([major(code[m], pact.start) for m in pact.members if m in code])
        name, peers = _peers(past, power, len(pact.members) == 2)
        age = max(today - pact.start + 1, 1)
        generator = np.random.default_rng(seed)
        spent, broken = _bands(peers, ("violation",))
        _, other = _bands(peers, tuple(c for c in CAUSES.values() if c != "violation"))
        break_rate, other_rate = (
            np.vstack([(ends + 0.5) / spent, generator.gamma(ends + 0.5, 1.0 / spent, size=(draws, len(ends)))])
            for ends in (broken, other)
        )
        for ahead in FORECASTS:
            lived = _time_in_bands(age, age + ahead)
            kept = np.exp(-(break_rate + other_rate) * lived)
            before = np.cumprod(np.hstack([np.ones((len(kept), 1)), kept[:, :-1]]), axis=1)
            violated = (before * (1.0 - kept) * break_rate / (break_rate + other_rate)).sum(axis=1)
            oldest = int(peers["years"].max())
            note = f"{WARNING}; age {age}, compared with {name} begun from {ERAS[1][0]}, the oldest {oldest} years"
            group = f"{pact.name} ({', '.join(pact.members)})" if len(pact.members) < 4 else pact.name
            for quantity, values in (("share alive", kept.prod(axis=1)), ("ended by violation", violated)):
                low, high = np.quantile(values[1:], INTERVAL)
                shown = (float(values[0]), float(low), float(high))
                events = int(broken.sum() + (other.sum() if quantity == "share alive" else 0))
                rows.append(
                    _row("pact", "treaties", group, f"{quantity} after more years", ahead, shown, len(peers), events, note)
                )
    return rows


def _peers(past: pd.DataFrame, power: str, bilateral: bool) -> tuple[str, pd.DataFrame]:
    """Past pacts of the same power and number of sides; wider where these are few."""
    same = past[past["power"] == power]
    close = same[same["bilateral"] == bilateral]
    sides = "bilateral" if bilateral else "multilateral"
    if len(close) >= SMALLEST_CLASS:
        return f"{len(close)} {sides} {power} pacts", close
    if len(same) >= SMALLEST_CLASS:
        return f"{len(same)} {power} pacts", same
    return f"all {len(past)} pacts", past


def _bands(frame: pd.DataFrame, causes: Sequence[str]) -> tuple[F64, F64]:
    """Years lived and ends of the given causes in each band of age."""
    spent = np.array([_time_in_bands(0, years) for years in frame["years"]]).sum(axis=0)
    ended = frame[frame["cause"].isin(causes)]
    place = np.searchsorted(AGE_BANDS, ended["years"].to_numpy(), side="left")
    return np.maximum(spent, 0.5), np.bincount(place, minlength=len(AGE_BANDS) + 1).astype(np.float64)


def _time_in_bands(start: float, end: float) -> F64:
    edges = np.array([0.0, *AGE_BANDS, np.inf])
    return np.asarray(np.clip(np.minimum(end, edges[1:]) - np.maximum(start, edges[:-1]), 0.0, None))
