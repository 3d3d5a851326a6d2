"""Alignment by votes in the General Assembly: one-dimensional ideal points, distances, and whether the two sides consolidate.

Model: graded response (Samejima 1969) with no < abstain < yes, ideal points that move from session to session as a stationary
autoregression, after the dynamic ordinal model of Bailey, Strezhnev and Voeten (2017). Estimated by marginal maximum likelihood
(Bock and Aitkin 1981): ideal points live on a grid, so the expectation step is one exact forward-backward pass per state, and the
maximisation step one Fisher-scoring step per roll call. See ``docs/explanation/alignment.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from isthmus.errors import InputError, Problem
from isthmus.register.importers import _files, states, un

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

FIRST_YEAR = 1945
"""Session s sits mostly in year 1945 + s, to which the publishers count it; so do special sessions of the same number."""

ANCHOR = "USA"
"""Positive by convention."""

GRID: F64 = np.linspace(-4.5, 4.5, 91)
"""Values that an ideal point may take."""

MOVE = 0.2
"""Standard deviation of a state's movement from one session to the next, as the iteration starts."""
_MOVE_BOUNDS = (0.12, 0.5)
"""The lower bound is one cell of the grid."""

_PRIOR_SD = np.array([3.0, 3.0, 4.0])
"""Of a roll call's threshold, logarithm of the gap to the second threshold, slope: weak, so that unanimity stays finite."""

INTERVAL = (0.05, 0.95)
TURNING_POINTS = (2014, 2022)
MOST_ITERATIONS = 300
TOLERANCE = 2e-3
"""Largest change of an ideal point in an iteration at which the estimation stops."""

CODES: Mapping[str, str] = MappingProxyType(
    dict(
        pair.split("=")
        for pair in (
            "Afghanistan=AFG|Andorra=AND|Angola=AGO|Antigua & Barbuda=ATG|Bahamas=BHS|Barbados=BRB|Belize=BLZ|Bhutan=BTN|Bolivia=BOL|"
            "Botswana=BWA|Burundi=BDI|Cameroon=CMR|Cape Verde=CPV|Central African Republic=CAF|Comoros=COM|Congo - Brazzaville=COG|"
            "Congo - Kinshasa=COD|Costa Rica=CRI|Cuba=CUB|Czechoslovakia=CSK|Côte d’Ivoire=CIV|Dominica=DMA|Dominican Republic=DOM|"
            "El Salvador=SLV|Equatorial Guinea=GNQ|Eritrea=ERI|Eswatini=SWZ|Ethiopia=ETH|Federal Republic of Germany=DEU|Gabon=GAB|"
            "Gambia=GMB|German Democratic Republic=DDR|Ghana=GHA|Grenada=GRD|Guatemala=GTM|Guinea=GIN|Guinea-Bissau=GNB|Guyana=GUY|"
            "Haiti=HTI|Honduras=HND|Jamaica=JAM|Kenya=KEN|Kiribati=KIR|Lebanon=LBN|Lesotho=LSO|Liberia=LBR|Libya=LBY|"
            "Liechtenstein=LIE|Madagascar=MDG|Malawi=MWI|Maldives=MDV|Marshall Islands=MHL|Mauritania=MRT|Mauritius=MUS|"
            "Micronesia (Federated States of)=FSM|Monaco=MCO|Mozambique=MOZ|Namibia=NAM|Nauru=NRU|Nepal=NPL|Niger=NER|Nigeria=NGA|"
            "Palau=PLW|Panama=PAN|Paraguay=PRY|Rwanda=RWA|Samoa=WSM|San Marino=SMR|Senegal=SEN|Seychelles=SYC|Sierra Leone=SLE|"
            "Solomon Islands=SLB|Somalia=SOM|South Sudan=SSD|St. Kitts & Nevis=KNA|St. Lucia=LCA|St. Vincent & Grenadines=VCT|"
            "Sudan=SDN|Suriname=SUR|São Tomé & Príncipe=STP|Tanzania=TZA|Togo=TGO|Trinidad & Tobago=TTO|Tunisia=TUN|Tuvalu=TUV|"
            "Uganda=UGA|Uruguay=URY|Vanuatu=VUT|Yemen=YEM|Yemen Arab Republic=YAR|Yemen People's Republic=YMD|Yugoslavia=YUG|"
            "Zambia=ZMB|Zanzibar=ZAN|Zimbabwe=ZWE"
        ).split("|")
    )
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
    """Estimates. Ideal points have the prior standard normal in every session; no unit; the United States are positive.

    `posterior`: (states, sessions, grid), zero rows where a state casts no vote. `items`: (roll calls, 3): lower threshold,
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
        return _means(self.posterior, self.cast)

    def actor(self, country: str, session: int) -> str:
        return actor_of(country, session)


def actor_of(country: str, session: int) -> str:
    """Code of the state that votes under a name in a session; the name itself where it has none."""
    for change in SUCCESSIONS:
        if change.country == country and session >= change.session:
            return change.actor
    return states.NAME_TO_ISO3.get(country.lower()) or CODES.get(country, country)


def find_votes(folder: Path) -> Path:
    """The folder with the roll calls: the one given, or its folder `un`. Raises `InputError` where neither has any."""
    for place in (folder, folder / "un"):
        if place.is_dir() and _files.matching(place, *un.VOTES):
            return place
    found = "no such folder" if not folder.exists() else "a file" if not folder.is_dir() else "no file of this name"
    allowed = f"a folder with files named {un.VOTES[0]}, here or in its folder un"
    raise InputError([Problem(str(folder), None, None, found, allowed, "no roll calls of the General Assembly")])


def estimate(votes: pd.DataFrame, iterations: int = MOST_ITERATIONS) -> Fit:
    """Ideal points of every state and session. Raises `InputError` where the anchor of the sign casts no vote."""
    calls = RollCalls.of(votes)
    at = {name: i for i, name in enumerate(calls.countries)}
    anchor = next((name for name in calls.countries if states.NAME_TO_ISO3.get(name.lower()) == ANCHOR), None)
    if anchor is None:
        raise InputError([Problem("votes", None, None, "no votes of the United States", "a column of them", "no anchor of the sign")])
    sessions = calls.sessions
    column = np.searchsorted(sessions, calls.session)
    cast = np.stack([(calls.codes[:, column == s] >= 0).sum(axis=1) for s in range(len(sessions))], axis=1).astype(np.int64)
    masks = np.stack([calls.codes == k for k in range(3)], axis=-1).astype(np.float64)
    parts = [np.flatnonzero(column == s) for s in range(len(sessions))]
    cuts = _cuts(calls, at)
    items = _start(calls.codes, at[anchor])
    move, before, done = MOVE, np.zeros((len(at), len(sessions))), 0
    for done in range(1, iterations + 1):
        emission = _emission(masks, parts, items)
        posterior, moved = _smooth(emission, cuts, move)
        items = _update(items, masks, parts, posterior)
        move = float(np.clip(moved, *_MOVE_BOUNDS))
        points = np.where(cast > 0, posterior @ GRID, 0.0)
        if done > 5 and np.abs(points - before).max() < TOLERANCE:
            break
        before = points
    posterior, _ = _smooth(_emission(masks, parts, items), cuts, move)
    fit = Fit(calls, posterior, _thresholds(items), move, done, cast)
    return fit if np.nanmean(fit.points[at[anchor]]) > 0 else _mirrored(fit)


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
    share = lambda k: (present & (codes <= k)).sum(axis=0) + 0.5  # noqa: E731
    total = present.sum(axis=0) + 1.5
    lower, upper = (np.log(share(k) / (total - share(k))) for k in (0, 1))
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


def _emission(masks: F64, parts: Sequence[I64], items: F64) -> F64:
    """(states, sessions, grid): log likelihood of a state's votes of a session. `masks` may carry weights of roll calls."""
    logs = np.log(_chances(items))
    return np.stack([np.tensordot(masks[:, part], logs[part], axes=([1, 2], [0, 1])) for part in parts], axis=1)


def _transition(move: float) -> tuple[F64, F64]:
    """Prior on the grid, and probabilities from row to column of a stationary first-order autoregression."""
    start = np.exp(-0.5 * GRID**2)
    kernel = np.exp(-0.5 * ((GRID[None, :] - np.sqrt(1.0 - move**2) * GRID[:, None]) / move) ** 2)
    return start / start.sum(), kernel / kernel.sum(axis=1, keepdims=True)


def _smooth(emission: F64, cuts: npt.NDArray[np.bool_], move: float) -> tuple[F64, float]:
    """Posterior of each state and session given all its sessions, and the movement that the posterior implies.

    Forward-backward on the grid (Rabiner 1989, equations 19-27), all states at once.
    """
    start, kernel = _transition(move)
    likely = np.exp(emission - emission.max(axis=2, keepdims=True))
    count = emission.shape[1]
    ahead = np.empty_like(likely)
    for s in range(count):
        prior = np.broadcast_to(start, likely[:, s].shape) if s == 0 else ahead[:, s - 1] @ kernel
        prior = np.where(cuts[:, s, None], start, prior)
        ahead[:, s] = prior * likely[:, s]
        ahead[:, s] /= ahead[:, s].sum(axis=1, keepdims=True)
    behind, posterior = np.ones_like(likely[:, 0]), np.empty_like(likely)
    pairs = np.zeros_like(kernel)
    for s in range(count - 1, -1, -1):
        posterior[:, s] = ahead[:, s] * behind
        posterior[:, s] /= posterior[:, s].sum(axis=1, keepdims=True)
        if s == 0:
            break
        tail = likely[:, s] * behind
        linked = ~cuts[:, s]
        back = tail @ kernel.T
        scale = (ahead[:, s - 1] * back).sum(axis=1, keepdims=True)
        pairs += kernel * ((ahead[:, s - 1] / scale)[linked].T @ tail[linked])
        behind = np.where(linked[:, None], back / back.sum(axis=1, keepdims=True), 1.0)
    stay = np.sqrt(1.0 - move**2)
    square = (GRID[None, :] - stay * GRID[:, None]) ** 2
    return posterior, float(np.sqrt((pairs * square).sum() / max(pairs.sum(), 1e-9)))


def _update(items: F64, masks: F64, parts: Sequence[I64], posterior: F64) -> F64:
    """One damped Fisher-scoring step for every roll call on its expected counts of votes at each value of the grid."""
    out = items.copy()
    for s, part in enumerate(parts):
        counts = np.einsum("ijk,iq->jkq", masks[:, part], posterior[:, s], optimize=True)
        out[part] = _scored(items[part], counts)
    return out


def _scored(items: F64, counts: F64) -> F64:
    """(roll calls, 3) one step on. Derivatives of the cumulative logistic model; `counts` (roll calls, 3, grid)."""
    lower, upper = _cumulative(items)
    gap = np.exp(items[:, 1])
    chance = _chances(items)
    dense_low, dense_up = lower * (1.0 - lower), upper * (1.0 - upper)
    total = counts.sum(axis=1)
    at_low = counts[:, 0] * (1.0 - lower) - counts[:, 1] * dense_low / chance[:, 1]
    at_up = counts[:, 1] * dense_up / chance[:, 1] - counts[:, 2] * upper
    gradient = np.stack(
        [(at_low + at_up).sum(axis=1), gap * at_up.sum(axis=1), -((at_low + at_up) * GRID).sum(axis=1)], axis=1
    )
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
    return items + np.clip(step, -1.0, 1.0)
