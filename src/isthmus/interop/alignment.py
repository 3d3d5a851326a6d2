"""Alignment by votes in the General Assembly: one-dimensional ideal points, distances, and whether the two sides consolidate.

Model: graded response (Samejima 1969) with no < abstain < yes, ideal points that move from session to session as a stationary
autoregression, after the dynamic ordinal model of Bailey, Strezhnev and Voeten (2017). Estimated by marginal maximum likelihood
(Bock and Aitkin 1981): ideal points live on a grid, so the expectation step is one exact forward-backward pass per state, and the
maximisation step one Fisher-scoring step per roll call. See ``docs/explanation/alignment.md``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from isthmus.errors import InputError, Problem
from isthmus.register import Register
from isthmus.register.importers import _files, states, un

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

FIRST_YEAR = 1945
"""Session s sits mostly in year 1945 + s, to which the publishers count it; so do special sessions of the same number."""

ANCHOR = "USA"
"""Positive by convention."""

GRID: F64 = np.linspace(-6.0, 6.0, 121)
"""Values that an ideal point may take."""

MOVE = 0.2
"""Standard deviation of a state's movement from one session to the next, as the iteration starts."""
_MOVE_BOUNDS = (0.1, 0.5)
"""The lower bound is one cell of the grid."""

_PRIOR_SD = np.array([3.0, 3.0, 4.0])
"""Of a roll call's threshold, logarithm of the gap to the second threshold, slope: weak, so that unanimity stays finite."""

_FLOOR = 1e-25
"""Probabilities below are set to this: arithmetic on denormal numbers is many times slower."""

INTERVAL = (0.05, 0.95)
TURNING_POINTS = (2014, 2022)
"""Years since which the sides may have consolidated."""

_RUN_UP = 5
"""Sessions before the first one wanted that enter its estimate by the resampling."""

YEARS_BEFORE = 5
"""Years before a turning point with which the years from it on are compared."""
DRAWS = 400
MOST_ITERATIONS = 300
LEAST_ITERATIONS = 5
TOLERANCE = 5e-3
"""Largest change of an ideal point in an iteration at which the estimation stops."""

_OTHERS = """\
Afghanistan=AFG|Andorra=AND|Angola=AGO|Antigua & Barbuda=ATG|Bahamas=BHS|Barbados=BRB|Belize=BLZ|Bhutan=BTN|Bolivia=BOL|
Botswana=BWA|Burundi=BDI|Cameroon=CMR|Cape Verde=CPV|Central African Republic=CAF|Comoros=COM|Congo - Brazzaville=COG|
Congo - Kinshasa=COD|Costa Rica=CRI|Cuba=CUB|Czechoslovakia=CSK|Côte d’Ivoire=CIV|Dominica=DMA|Dominican Republic=DOM|
El Salvador=SLV|Equatorial Guinea=GNQ|Eritrea=ERI|Eswatini=SWZ|Ethiopia=ETH|Federal Republic of Germany=DEU|Gabon=GAB|
Gambia=GMB|German Democratic Republic=DDR|Ghana=GHA|Grenada=GRD|Guatemala=GTM|Guinea=GIN|Guinea-Bissau=GNB|Guyana=GUY|
Haiti=HTI|Honduras=HND|Jamaica=JAM|Kenya=KEN|Kiribati=KIR|Lebanon=LBN|Lesotho=LSO|Liberia=LBR|Libya=LBY|
Liechtenstein=LIE|Madagascar=MDG|Malawi=MWI|Maldives=MDV|Marshall Islands=MHL|Mauritania=MRT|Mauritius=MUS|
Micronesia (Federated States of)=FSM|Monaco=MCO|Mozambique=MOZ|Namibia=NAM|Nauru=NRU|Nepal=NPL|Niger=NER|Nigeria=NGA|
Palau=PLW|Panama=PAN|Paraguay=PRY|Rwanda=RWA|Samoa=WSM|San Marino=SMR|Senegal=SEN|Seychelles=SYC|Sierra Leone=SLE|
Solomon Islands=SLB|Somalia=SOM|South Sudan=SSD|St. Kitts & Nevis=KNA|St. Lucia=LCA|St. Vincent & Grenadines=VCT|
Sudan=SDN|Suriname=SUR|São Tomé & Príncipe=STP|Tanzania=TZA|Togo=TGO|Trinidad & Tobago=TTO|Tunisia=TUN|Tuvalu=TUV|
Uganda=UGA|Uruguay=URY|Vanuatu=VUT|Yemen=YEM|Yemen Arab Republic=YAR|Yemen People's Republic=YMD|Yugoslavia=YUG|
Zambia=ZMB|Zanzibar=ZAN|Zimbabwe=ZWE
"""

CODES: Mapping[str, str] = MappingProxyType(
    {name: code for name, _, code in (pair.strip().partition("=") for pair in _OTHERS.split("|"))}
)
"""Names of the publishers -> code, where the register has no such state. West Germany carries the code of the Germany that
continues it, East Germany, Czechoslovakia and Yugoslavia their own."""


@dataclass(frozen=True)
class Succession:
    """From `session` on, the votes under one name are those of another state, or of one under a new constitution."""

    country: str
    session: int
    actor: str


SUCCESSIONS = (
    Succession("Russia", 47, "RUS"),  # the Soviet Union votes into December 1991, the 46th session
    Succession("Yugoslavia", 55, "SRB"),  # admitted anew in November 2000, absent since 1992
    Succession("South Africa", 48, "ZAF"),  # suspended from 1974 to 1994
    Succession("Ukraine", 46, "UKR"),
    Succession("Belarus", 46, "BLR"),
)
"""At these points the chain of sessions is cut: what came before says nothing about what comes after."""


@dataclass(frozen=True)
class RollCalls:
    """Votes as arrays. `codes` (states, roll calls): 0 no, 1 abstain, 2 yes, -1 absent or no member. Columns ordered by session."""

    countries: tuple[str, ...]
    rcid: I64
    session: I64
    codes: npt.NDArray[np.int8]

    @classmethod
    def of(cls, votes: pd.DataFrame) -> RollCalls:
        """From votes cast, one row a vote (rcid, session, country, vote). An absence is no row, hence no opinion."""
        frame = votes[["rcid", "session", "country"]].copy()
        frame["code"] = votes["vote"].astype(str).map({"no": 0, "abstain": 1, "yes": 2})
        calls = frame[["session", "rcid"]].drop_duplicates().sort_values(["session", "rcid"])
        countries = sorted(frame["country"].unique())
        codes = np.full((len(countries), len(calls)), -1, dtype=np.int8)
        rows = frame["country"].map({name: i for i, name in enumerate(countries)}).to_numpy(np.int64)
        columns = frame["rcid"].map(dict(zip(calls["rcid"], range(len(calls)), strict=True))).to_numpy(np.int64)
        codes[rows, columns] = frame["code"].to_numpy(np.int8)
        return cls(tuple(countries), calls["rcid"].to_numpy(np.int64), calls["session"].to_numpy(np.int64), codes)

    @property
    def sessions(self) -> I64:
        return np.unique(self.session)


@dataclass(frozen=True)
class Fit:
    """Estimates. Convention of sign and scale: the United States are positive; in every session the points of the states that vote
    have mean 0 and standard deviation 1. No unit.

    `posterior`: (states, sessions, grid), without meaning where `cast` is 0. `items`: (roll calls, 3): lower threshold,
    upper threshold, slope; a vote is 'no' with logistic probability of lower - slope × point, 'no' or 'abstain' with upper.
    """

    calls: RollCalls
    posterior: F64
    items: F64
    move: float
    iterations: int
    cast: I64
    """(states, sessions): votes cast."""

    @property
    def points(self) -> F64:
        """(states, sessions): posterior means, NaN where a state casts no vote."""
        middle, spread = self.line
        return (_means(self.posterior, self.cast) - middle) / spread

    @property
    def line(self) -> tuple[F64, F64]:
        """(sessions,) each: mean and standard deviation of the posterior means on the grid, by which points are restated."""
        known = _means(self.posterior, self.cast)
        return np.nanmean(known, axis=0), np.nanstd(known, axis=0)

    def interval(self) -> tuple[F64, F64]:
        """(states, sessions) each: bounds of the central 90% of the posterior, the roll calls taken as known."""
        total = np.cumsum(self.posterior, axis=2)
        middle, spread = self.line
        low, high = ((_crossing(total, share) - middle) / spread for share in INTERVAL)
        return np.where(self.cast > 0, low, np.nan), np.where(self.cast > 0, high, np.nan)


def actor_of(country: str, session: int) -> str:
    """Code of the state that votes under a name in a session; the name itself where it has none."""
    for change in SUCCESSIONS:
        if change.country == country and session >= change.session:
            return change.actor
    return states.NAME_TO_ISO3.get(country.lower()) or CODES.get(country, country)


def _one_thread() -> threadpool_limits:
    """The matrices are small: on a busy machine a second thread of the linear algebra costs ten times what it saves."""
    return threadpool_limits(limits=1, user_api="blas")


def find_votes(folder: Path) -> Path:
    """The folder with the roll calls: the one given, or its folder `un`. Raises `InputError` where neither has any."""
    return _find(folder, un.VOTES, "no roll calls of the General Assembly")


def find_points(folder: Path) -> Path:
    """The folder with the published ideal points: the one given, or its folder `un`. Raises `InputError` where neither has any."""
    return _find(folder, un.IDEAL_POINTS, "no published ideal points")


def _find(folder: Path, patterns: tuple[str, ...], message: str) -> Path:
    for place in (folder, folder / "un"):
        if place.is_dir() and _files.matching(place, *patterns):
            return place
    found = "no such folder" if not folder.exists() else "a file" if not folder.is_dir() else "no file of this name"
    allowed = f"a folder with files named {' or '.join(patterns)}, here or in its folder un"
    raise InputError([Problem(str(folder), None, None, found, allowed, message)])


def estimate(votes: pd.DataFrame, iterations: int = MOST_ITERATIONS) -> Fit:
    """Ideal points of every state and session. Raises `InputError` where the anchor of the sign casts no vote."""
    calls = RollCalls.of(votes)
    at = {name: i for i, name in enumerate(calls.countries)}
    anchor = next((name for name in calls.countries if states.NAME_TO_ISO3.get(name.lower()) == ANCHOR), None)
    if anchor is None:
        raise InputError(
            [Problem("votes", None, None, "no votes of the United States", "a column of them", "no anchor of the sign")]
        )
    sessions = calls.sessions
    blocks = _blocks(calls)
    cast = np.stack([(calls.codes[:, calls.session == s] >= 0).sum(axis=1) for s in sessions], axis=1).astype(np.int64)
    with _one_thread():
        cuts = _cuts(calls, at)
        items = _start(calls.codes, at[anchor])
        move, before, done = MOVE, np.zeros(cast.shape), 0
        for done in range(1, iterations + 1):
            posterior, moved = _smooth(_emission(blocks, items, len(at)), cuts, move)
            items = _centred(_scored(items, _counts(blocks, posterior)), blocks, posterior)
            move = float(np.clip(moved, *_MOVE_BOUNDS))
            points = np.where(cast > 0, posterior @ GRID, 0.0)
            if done > LEAST_ITERATIONS and np.abs(points - before).max() < TOLERANCE:
                break
            before = points
        posterior, _ = _smooth(_emission(blocks, items, len(at)), cuts, move)
    fit = Fit(calls, posterior, _thresholds(items), move, done, cast)
    return fit if np.nanmean(fit.points[at[anchor]]) > 0 else _mirrored(fit)


@dataclass(frozen=True)
class _Block:
    """The roll calls of one session: their columns, the states that vote, and (states, 3 × roll calls) 0 or 1 for each answer."""

    columns: I64
    voters: I64
    answers: npt.NDArray[np.float32]

    def weighted(self, weights: F64) -> _Block:
        """With a weight for each roll call of all sessions."""
        return replace(self, answers=self.answers * np.repeat(weights[self.columns], 3).astype(np.float32))


def _blocks(calls: RollCalls) -> list[_Block]:
    out = []
    for session in calls.sessions:
        columns = np.flatnonzero(calls.session == session)
        codes = calls.codes[:, columns]
        voters = np.flatnonzero((codes >= 0).any(axis=1))
        answers = (codes[voters, :, None] == np.arange(3)).reshape(len(voters), -1).astype(np.float32)
        out.append(_Block(columns, voters, answers))
    return out


def _crossing(total: F64, share: float) -> F64:
    """Where cumulative probabilities over the grid reach a share, between two values by a line."""
    place = np.clip((total < share).sum(axis=2), 1, len(GRID) - 1)[..., None]
    above, below = np.take_along_axis(total, place, 2)[..., 0], np.take_along_axis(total, place - 1, 2)[..., 0]
    part = np.clip((share - below) / np.maximum(above - below, 1e-12), 0.0, 1.0)
    step = GRID[1] - GRID[0]
    return np.asarray(GRID[place[..., 0]] - (1.0 - part) * step + step / 2.0)


def _mirrored(fit: Fit) -> Fit:
    return replace(fit, posterior=fit.posterior[:, :, ::-1].copy(), items=fit.items * np.array([1.0, 1.0, -1.0]))


def _means(posterior: F64, cast: I64) -> F64:
    return np.where(cast > 0, posterior @ GRID, np.nan)


def _cuts(calls: RollCalls, at: Mapping[str, int]) -> npt.NDArray[np.bool_]:
    """(states, sessions): whether the chain begins anew."""
    sessions = calls.sessions
    out = np.zeros((len(at), len(sessions)), dtype=bool)
    for change in SUCCESSIONS:
        if change.country in at:
            out[at[change.country], np.searchsorted(sessions, change.session) :][:1] = True
    return out


def _start(codes: npt.NDArray[np.int8], anchor: int) -> F64:
    """Slopes from the first principal component of the votes, each centred on its mean; (roll calls, 3) as `_update` keeps them."""
    present = codes >= 0
    votes = np.where(present, codes - 1.0, 0.0)
    votes -= np.where(present, votes.sum(axis=0) / np.maximum(present.sum(axis=0), 1), 0.0)
    gram = votes @ votes.T / np.sqrt(np.outer(present.sum(axis=1) + 1.0, present.sum(axis=1) + 1.0))
    axis = np.linalg.eigh(gram)[1][:, -1]
    axis *= np.sign(axis[anchor]) / axis.std()
    slope = np.clip(2.0 * (axis[:, None] * votes).sum(axis=0) / np.maximum(present.sum(axis=0), 1) / 0.5, -3.0, 3.0)
    below = [(present & (codes <= k)).sum(axis=0) + 0.5 for k in (0, 1)]
    lower, upper = (np.log(b / (present.sum(axis=0) + 1.5 - b)) for b in below)
    return np.stack([lower, np.log(np.maximum(upper - lower, 0.05)), slope], axis=1)


def _thresholds(items: F64) -> F64:
    return np.stack([items[:, 0], items[:, 0] + np.exp(items[:, 1]), items[:, 2]], axis=1)


def _cumulative(items: F64) -> tuple[F64, F64]:
    """Probability of 'no', and of 'no' or 'abstain'; (roll calls, grid)."""
    steps = _thresholds(items)
    pull = steps[:, 2:] * GRID
    return 1.0 / (1.0 + np.exp(pull - steps[:, :1])), 1.0 / (1.0 + np.exp(pull - steps[:, 1:2]))


def _chances(items: F64) -> F64:
    """(roll calls, 3, grid): probability of each vote."""
    lower, upper = _cumulative(items)
    return np.maximum(np.stack([lower, upper - lower, 1.0 - upper], axis=1), 1e-12)


def _emission(blocks: Sequence[_Block], items: F64, count: int) -> F64:
    """(states, sessions, grid): log likelihood of a state's votes of a session; zero where it casts none."""
    logs = np.log(_chances(items)).astype(np.float32)
    out = np.zeros((count, len(blocks), len(GRID)))
    for s, block in enumerate(blocks):
        out[block.voters, s] = block.answers @ logs[block.columns].reshape(-1, len(GRID))
    return out


def _counts(blocks: Sequence[_Block], posterior: F64) -> F64:
    """(roll calls, 3, grid): expected number of each answer at each value of the grid."""
    out = np.empty((sum(len(block.columns) for block in blocks), 3, len(GRID)))
    for s, block in enumerate(blocks):
        found = block.answers.T @ posterior[block.voters, s].astype(np.float32)
        out[block.columns] = found.reshape(-1, 3, len(GRID))
    return out


def _centred(items: F64, blocks: Sequence[_Block], posterior: F64) -> F64:
    """Items restated so that the states voting in each session have mean 0 and variance 1, which is the scale's convention.

    The likelihood knows points only up to a line per session; moving along it speeds the iteration (Liu, Rubin and Wu 1998).
    """
    out = items.copy()
    for s, block in enumerate(blocks):
        weight = posterior[block.voters, s].mean(axis=0)
        middle = float(weight @ GRID)
        spread = float(np.sqrt(weight @ (GRID - middle) ** 2))
        out[block.columns, 0] -= items[block.columns, 2] * middle
        out[block.columns, 2] *= spread
    return out


def _transition(move: float) -> tuple[F64, F64]:
    """Prior on the grid, and probabilities from row to column of a stationary first-order autoregression."""
    start = np.exp(-0.5 * GRID**2)
    kernel = np.exp(-0.5 * ((GRID[None, :] - np.sqrt(1.0 - move**2) * GRID[:, None]) / move) ** 2)
    kernel = np.maximum(kernel, _FLOOR)
    return start / start.sum(), kernel / kernel.sum(axis=1, keepdims=True)


def _smooth(emission: F64, cuts: npt.NDArray[np.bool_], move: float) -> tuple[F64, float]:
    """Posterior of each state and session given all its sessions, and the movement that the posterior implies.

    Forward-backward on the grid (Rabiner 1989, equations 19-27), all states at once.
    """
    start, kernel = _transition(move)
    likely = np.maximum(np.exp(emission - emission.max(axis=2, keepdims=True)), _FLOOR)
    count = emission.shape[1]
    ahead = np.empty_like(likely)
    for s in range(count):
        prior = np.broadcast_to(start, likely[:, s].shape) if s == 0 else ahead[:, s - 1] @ kernel
        prior = np.where(cuts[:, s, None], start, prior)
        ahead[:, s] = np.maximum(prior * likely[:, s], _FLOOR)
        ahead[:, s] /= ahead[:, s].sum(axis=1, keepdims=True)
    behind, posterior = np.ones_like(likely[:, 0]), np.empty_like(likely)
    pairs = np.zeros_like(kernel)
    for s in range(count - 1, -1, -1):
        posterior[:, s] = np.maximum(ahead[:, s] * behind, _FLOOR)
        posterior[:, s] /= posterior[:, s].sum(axis=1, keepdims=True)
        if s == 0:
            break
        tail = likely[:, s] * behind
        linked = ~cuts[:, s]
        back = tail @ kernel.T
        scale = (ahead[:, s - 1] * back).sum(axis=1, keepdims=True)
        pairs += kernel * ((ahead[:, s - 1] / scale)[linked].T @ tail[linked])
        behind = np.where(linked[:, None], np.maximum(back / back.sum(axis=1, keepdims=True), _FLOOR), 1.0)
    stay = np.sqrt(1.0 - move**2)
    square = (GRID[None, :] - stay * GRID[:, None]) ** 2
    return posterior, float(np.sqrt((pairs * square).sum() / max(pairs.sum(), 1e-9)))


def _scored(items: F64, counts: F64) -> F64:
    """One damped Fisher-scoring step of the cumulative logistic model for every roll call; `counts` (roll calls, 3, grid)."""
    lower, upper = _cumulative(items)
    gap = np.exp(items[:, 1])
    chance = _chances(items)
    dense_low, dense_up = lower * (1.0 - lower), upper * (1.0 - upper)
    total = counts.sum(axis=1)
    at_low = counts[:, 0] * (1.0 - lower) - counts[:, 1] * dense_low / chance[:, 1]
    at_up = counts[:, 1] * dense_up / chance[:, 1] - counts[:, 2] * upper
    gradient = np.stack([(at_low + at_up).sum(axis=1), gap * at_up.sum(axis=1), -((at_low + at_up) * GRID).sum(axis=1)], axis=1)
    low_low = total * dense_low**2 * (1.0 / chance[:, 0] + 1.0 / chance[:, 1])
    up_up = total * dense_up**2 * (1.0 / chance[:, 1] + 1.0 / chance[:, 2])
    low_up = -total * dense_low * dense_up / chance[:, 1]
    both, tail = low_low + up_up + 2.0 * low_up, up_up + low_up
    fisher = np.empty((len(items), 3, 3))
    fisher[:, 0, 0] = both.sum(axis=1)
    fisher[:, 0, 1] = fisher[:, 1, 0] = gap * tail.sum(axis=1)
    fisher[:, 1, 1] = gap**2 * up_up.sum(axis=1)
    fisher[:, 0, 2] = fisher[:, 2, 0] = -(both * GRID).sum(axis=1)
    fisher[:, 1, 2] = fisher[:, 2, 1] = -gap * (tail * GRID).sum(axis=1)
    fisher[:, 2, 2] = (both * GRID**2).sum(axis=1)
    gradient -= items / _PRIOR_SD**2
    fisher += np.diag(1.0 / _PRIOR_SD**2)
    step = np.linalg.solve(fisher, gradient[..., None])[..., 0]
    return np.asarray(items + np.clip(step, -1.0, 1.0))


# What comes out


POINT_COLUMNS = ("actor", "year", "ideal_point", "low", "high", "votes")


def point_rows(fit: Fit, first: int | None = None, last: int | None = None) -> list[dict[str, Any]]:
    """One row a state and session in which it votes: actor, year, ideal_point, low, high, votes."""
    points, (low, high) = fit.points, fit.interval()
    rows = []
    for i, country in enumerate(fit.calls.countries):
        for s, session in enumerate(fit.calls.sessions):
            year = FIRST_YEAR + int(session)
            if fit.cast[i, s] and (first or year) <= year <= (last or year):
                values = (round(float(v[i, s]), 4) for v in (points, low, high))
                row = dict(zip(("ideal_point", "low", "high"), values, strict=True))
                rows.append({"actor": actor_of(country, int(session)), "year": year, **row, "votes": int(fit.cast[i, s])})
    return sorted(rows, key=lambda row: (row["actor"], row["year"]))


def published_rows(frame: pd.DataFrame, first: int | None = None, last: int | None = None) -> list[dict[str, Any]]:
    """The publishers' own ideal points (`un.read_ideal_points`) in the same columns, with their 5% and 95% bounds."""
    known = frame.dropna(subset=["ideal_point", "iso3"])
    known = known[known["year"].between(first or 0, last or 9999)].sort_values(["iso3", "year"])
    return [
        {
            "actor": str(row.iso3),
            "year": int(row.year),
            "ideal_point": float(row.ideal_point),
            "low": float(row.low_5),
            "high": float(row.high_95),
            "votes": None if pd.isna(row.votes) else int(row.votes),
        }
        for row in known.itertuples()
    ]


def distance(rows: Sequence[Mapping[str, Any]], first: str, second: str) -> dict[int, float]:
    """Distance of two actors by year, from rows of ideal points."""
    at = {(row["actor"], row["year"]): row["ideal_point"] for row in rows}
    years = sorted({year for actor, year in at if actor == first and (second, year) in at})
    return {year: abs(at[first, year] - at[second, year]) for year in years}


# Are the sides consolidating?


@dataclass(frozen=True)
class Draws:
    """Ideal points by draw: `points` (draws + 1, actors, years), the first the estimate itself; NaN where unknown."""

    actors: tuple[str, ...]
    years: tuple[int, ...]
    points: F64

    def of(self, actors: Sequence[str]) -> F64:
        return self.points[:, [self.actors.index(a) for a in actors if a in self.actors]]


def resampled(
    fit: Fit,
    actors: Sequence[str],
    clusters: Mapping[int, str] | None = None,
    first: int = FIRST_YEAR,
    draws: int = DRAWS,
    seed: int = 1,
) -> Draws:
    """Ideal points of actors from year `first` on, under votes drawn anew with replacement within each session, items held.

    `clusters`: roll call -> resolution; votes on one resolution are drawn together, since they are near-copies of one another.
    """
    wanted = set(actors)
    late = fit.calls.session >= first - FIRST_YEAR - _RUN_UP
    kept = [i for i, c in enumerate(fit.calls.countries) if any(actor_of(c, int(s)) in wanted for s in fit.calls.sessions)]
    names = tuple(fit.calls.countries[i] for i in kept)
    small = RollCalls(names, fit.calls.rcid[late], fit.calls.session[late], fit.calls.codes[kept][:, late])
    sessions = small.sessions
    same = np.isin(fit.calls.sessions, sessions)
    cast = fit.cast[kept][:, same]
    middle, spread = (line[same] for line in fit.line)
    blocks, cuts = _blocks(small), _cuts(small, {c: i for i, c in enumerate(small.countries)})
    inner = fit.items[late]
    inner[:, 1] = np.log(np.maximum(inner[:, 1] - inner[:, 0], 1e-9))
    label = _labels(small, clusters)
    owner = pd.Series(small.session).groupby(label).first().to_numpy()
    generator = np.random.default_rng(seed)
    order = tuple(sorted(wanted))
    years = tuple(FIRST_YEAR + int(s) for s in sessions)
    out = np.full((draws + 1, len(order), len(years)), np.nan)
    for d in range(draws + 1):
        weight = np.ones(len(owner)) if d == 0 else _multinomial(generator, owner)
        drawn = [block.weighted(weight[label]) for block in blocks]
        with _one_thread():
            posterior, _ = _smooth(_emission(drawn, inner, len(kept)), cuts, fit.move)
        points = (_means(posterior, cast) - middle) / spread
        for i, country in enumerate(small.countries):
            for s, session in enumerate(sessions):
                actor = actor_of(country, int(session))
                if actor in wanted and np.isfinite(points[i, s]):
                    out[d, order.index(actor), s] = points[i, s]
    shown = [n for n, year in enumerate(years) if year >= first]
    return Draws(order, tuple(years[n] for n in shown), out[:, :, shown])


def _multinomial(generator: np.random.Generator, owner: I64) -> F64:
    """How often each cluster is drawn, as many draws in a session as it has clusters."""
    out = np.zeros(len(owner))
    for session in np.unique(owner):
        mine = np.flatnonzero(owner == session)
        out[mine] = generator.multinomial(len(mine), np.full(len(mine), 1.0 / len(mine)))
    return out


def published_draws(frame: pd.DataFrame, actors: Sequence[str], draws: int = DRAWS, seed: int = 1) -> Draws:
    """Draws around the publishers' ideal points, normal with their bounds, independent over states and years."""
    known = frame.dropna(subset=["ideal_point", "iso3"])
    known = known[known["iso3"].isin(list(actors))]
    order, years = tuple(sorted(set(actors))), tuple(sorted(int(y) for y in known["year"].unique()))
    out = np.full((draws + 1, len(order), len(years)), np.nan)
    noise = np.random.default_rng(seed).standard_normal((draws, len(known)))
    for n, row in enumerate(known.itertuples()):
        spread = (row.high_95 - row.low_5) / (2 * 1.6449)
        at = (order.index(str(row.iso3)), years.index(int(row.year)))
        out[0, *at], out[1:, *at] = row.ideal_point, row.ideal_point + spread * noise[:, n]
    return Draws(order, years, out)


FIRST_OF_SIDES = 1990
"""First year of the comparison of sides, unless another is asked for: before it the sides are not those of today."""

SIDE_COLUMNS = ("measure", "group", "issue", "since", "year", "estimate", "low", "high", "note")


@dataclass(frozen=True)
class Sides:
    """Two sides, side -> actors; the hub of each; pairs whose distance is wanted: those within the rivals, and the frictions."""

    members: dict[str, tuple[str, ...]]
    hubs: dict[str, str]
    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, register: Register) -> Sides:
        """The states of the register by side, and the pairs between which it knows a friction."""
        actors = register.table("actors")
        actors = actors[actors["type"] == "state"]
        members = {side: tuple(actors.loc[actors["side"] == side, "actor_id"].astype(str)) for side in ("allied", "rival")}
        hubs = actors[(actors["hub"] == "yes") & actors["side"].isin(list(members))]
        ties = register.table("ties")
        frictions = ties[ties["tie_type"] == "friction"]
        found = [tuple(sorted((str(a), str(b)))) for a, b in zip(frictions["actor_a"], frictions["actor_b"], strict=True)]
        pairs = sorted({*combinations(sorted(members["rival"]), 2), *found})
        return cls(members, dict(zip(hubs["side"], hubs["actor_id"], strict=True)), tuple((a, b) for a, b in pairs))

    @property
    def actors(self) -> tuple[str, ...]:
        return tuple(sorted({a for group in (*self.members.values(), *self.pairs) for a in group}))


def resolutions(folder: Path) -> dict[int, str] | None:
    """Roll call -> resolution, where the folder says so."""
    if not _files.matching(folder, *un.ROLL_CALLS):
        return None
    frame = un.read_roll_calls(folder).dropna(subset=["resolution"])
    return dict(zip(frame["rcid"].astype(int), frame["resolution"].astype(str), strict=True))


def voted_side_rows(fit: Fit, folder: Path, sides: Sides, first: int = FIRST_OF_SIDES) -> list[dict[str, Any]]:
    """`side_rows` of estimated points, then `disagreement_rows`, by issue where the folder has the issues."""
    clusters = resolutions(folder)
    issues = un.read_issues(folder) if _files.matching(folder, *un.ISSUES) else None
    late = fit.calls.session >= first - FIRST_YEAR
    calls = replace(fit.calls, rcid=fit.calls.rcid[late], session=fit.calls.session[late], codes=fit.calls.codes[:, late])
    return side_rows(resampled(fit, sides.actors, clusters, first), sides) + disagreement_rows(calls, sides, issues, clusters)


def side_rows(draws: Draws, sides: Sides) -> list[dict[str, Any]]:
    """Spread within each side, distance to its hub, distance between the two, separation, pairs: by year, and as change since 2014
    and 2022.

    Spread: standard deviation over the members that vote. Separation: distance between the means by the mean of the two spreads;
    it does not depend on the scale of a session.
    """
    (one, first), (two, second) = sides.members.items()
    a, b = draws.of(first), draws.of(second)
    spread = {one: _spread(a), two: _spread(b)}
    between = np.abs(_middle(a) - _middle(b))
    series: list[tuple[str, str, F64]] = [("within_spread", side, values) for side, values in spread.items()]
    series += [("between_distance", f"{one}-{two}", between)]
    series += [("separation", f"{one}-{two}", between / ((spread[one] + spread[two]) / 2.0))]
    for side, hub in sides.hubs.items():
        others = draws.of([m for m in sides.members[side] if m != hub])
        if hub in draws.actors and others.shape[1]:
            series.append(("hub_distance", f"{side} to {hub}", _middle(np.abs(others - draws.of([hub])))))
    for x, y in sides.pairs:
        if x in draws.actors and y in draws.actors:
            gap = np.abs(draws.of([x])[:, 0] - draws.of([y])[:, 0])
            series.append(("pair_distance", f"{x}-{y}", gap))
    rows: list[dict[str, Any]] = []
    for measure, group, values in series:
        found = _series_rows(measure, group, "all", draws.years, values)
        if measure == "within_spread":
            _note_members(found, draws, sides.members[group])
        rows += found
    return rows


def _note_members(rows: list[dict[str, Any]], draws: Draws, members: Sequence[str]) -> None:
    """Add to the changes of a side's spread what they would be without the one member on whom they rest most."""
    known = [m for m in members if m in draws.actors]
    for row in rows:
        if row["since"] is None or row["estimate"] is None or len(known) < 3:
            continue
        left = {}
        for member in known:
            spread = _spread(draws.of([m for m in known if m != member])[:1])
            changes = [r for r in _series_rows("", "", "", draws.years, spread) if r["since"] == row["since"]]
            left[member] = changes[0]["estimate"]
        sign = 1.0 if row["estimate"] > 0 else -1.0
        most = min(left, key=lambda m: sign * left[m])
        row["note"] += f"; {left[most]:+.2f} without {most}"


def _middle(values: F64) -> F64:
    known = np.isfinite(values)
    return np.asarray(np.where(known, values, 0.0).sum(axis=1) / np.where(known.any(axis=1), known.sum(axis=1), np.nan))


def _spread(values: F64) -> F64:
    """Standard deviation over actors (axis 1) that are known; NaN for fewer than two."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    away = np.where(known, values - _middle(values)[:, None], 0.0)
    return np.asarray(np.sqrt((away**2).sum(axis=1) / np.where(count > 1, count - 1, np.nan)))


def _series_rows(measure: str, group: str, issue: str, years: Sequence[int], values: F64) -> list[dict[str, Any]]:
    """Rows of a series (draws + 1, years): each year, then each turning point."""
    head = {"measure": measure, "group": group, "issue": issue}
    rows = [
        {**head, "since": None, "year": year, **_estimate(values[:, n]), "note": None}
        for n, year in enumerate(years)
        if np.isfinite(values[0, n])
    ]
    known = [year for n, year in enumerate(years) if np.isfinite(values[0, n])]
    for turn in TURNING_POINTS:
        before = [n for n, y in enumerate(years) if turn - YEARS_BEFORE <= y < turn and np.isfinite(values[0, n])]
        after = [n for n, y in enumerate(years) if y >= turn and np.isfinite(values[0, n])]
        if not before or not after:
            ends = f"the data end in {max(known)}" if known and max(known) < turn else "no votes on one side of the year"
            rows.append(
                {
                    **head,
                    "since": turn,
                    "year": None,
                    "estimate": None,
                    "low": None,
                    "high": None,
                    "note": f"cannot be said: {ends}",
                }
            )
            continue
        change = values[:, after].mean(axis=1) - values[:, before].mean(axis=1)
        note = f"{years[after[0]]}-{years[after[-1]]} less {years[before[0]]}-{years[before[-1]]}"
        rows.append({**head, "since": turn, "year": None, **_estimate(change), "note": note})
    return rows


def _estimate(values: F64) -> dict[str, float]:
    low, high = np.nanquantile(values[1:], INTERVAL) if len(values) > 1 else (values[0], values[0])
    return {"estimate": round(float(values[0]), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def disagreement_rows(
    calls: RollCalls,
    sides: Sides,
    issues: pd.DataFrame | None = None,
    clusters: Mapping[int, str] | None = None,
    draws: int = DRAWS,
    seed: int = 1,
) -> list[dict[str, Any]]:
    """Mean distance of two votes (yes to abstain 0.5, yes to no 1) within and between sides, over all votes and by issue.

    No model, hence no correction for what was put to the vote. `issues`: roll call and name of its issue, as `un.read_issues`.
    """
    one, two = sides.members
    tally = {side: _tally(calls, set(members)) for side, members in sides.members.items()}
    labels = _labels(calls, clusters)
    topics: dict[str, npt.NDArray[np.bool_]] = {"all": np.ones(len(calls.rcid), dtype=bool)}
    if issues is not None:
        for name, rows in issues.groupby("issue"):
            topics[str(name)] = np.isin(calls.rcid, rows["rcid"].to_numpy(np.int64))
    out: list[dict[str, Any]] = []
    for issue, chosen in topics.items():
        for measure, group, gaps, weight in (
            ("disagreement_within", one, *_gaps(tally[one])),
            ("disagreement_within", two, *_gaps(tally[two])),
            ("disagreement_between", f"{one}-{two}", *_gaps(tally[one], tally[two])),
        ):
            years, values = _by_year(calls, np.where(chosen, gaps, 0.0), weight * chosen, labels, draws, seed)
            out += _series_rows(measure, group, issue, years, values)
    return out


def _labels(calls: RollCalls, clusters: Mapping[int, str] | None) -> I64:
    """Number of the resolution of each roll call; a roll call of its own where it is not known."""
    names = [(clusters or {}).get(int(r), f"roll call {r}") for r in calls.rcid]
    return np.asarray(pd.factorize(pd.Series([f"{s} {n}" for s, n in zip(calls.session, names, strict=True)]))[0], dtype=np.int64)


def _tally(calls: RollCalls, members: set[str]) -> F64:
    """(3, roll calls): members that voted no, abstain, yes."""
    mine = np.array([[actor_of(c, int(s)) in members for s in calls.sessions] for c in calls.countries])
    mask = mine[:, np.searchsorted(calls.sessions, calls.session)]
    return np.stack([((calls.codes == k) & mask).sum(axis=0) for k in range(3)]).astype(np.float64)


def _gaps(one: F64, two: F64 | None = None) -> tuple[F64, F64]:
    """Sum of the distances over pairs of voters, and number of pairs, for each roll call."""
    if two is None:
        total = one.sum(axis=0)
        return one[0] * one[2] + 0.5 * one[1] * (one[0] + one[2]), total * (total - 1.0) / 2.0
    far = one[0] * two[2] + one[2] * two[0]
    near = one[1] * (two[0] + two[2]) + two[1] * (one[0] + one[2])
    return far + 0.5 * near, one.sum(axis=0) * two.sum(axis=0)


def _by_year(calls: RollCalls, gaps: F64, pairs: F64, labels: I64, draws: int, seed: int) -> tuple[tuple[int, ...], F64]:
    """(draws + 1, years): mean distance of a year's votes, resolutions drawn anew within sessions; NaN where none."""
    sessions = calls.sessions
    column = np.searchsorted(sessions, calls.session)
    owner = pd.Series(calls.session).groupby(labels).first().to_numpy()
    generator = np.random.default_rng(seed)
    out = np.full((draws + 1, len(sessions)), np.nan)
    for d in range(draws + 1):
        weight = (np.ones(len(owner)) if d == 0 else _multinomial(generator, owner))[labels]
        total = np.bincount(column, weight * pairs, len(sessions))
        out[d] = np.bincount(column, weight * gaps, len(sessions)) / np.where(total > 0, total, np.nan)
    return tuple(FIRST_YEAR + int(s) for s in sessions), out
