"""Measures of undirected networks on weight matrices: centrality, centralisation, core, communities, their agreement, null models.

A network is a symmetric array (n, n) of weights >= 0 with a zero diagonal; two actors are tied where the weight is above zero. No
register, no names, no files: :mod:`isthmus.interop.networks` puts names to rows. The measures are the same whatever the order of the
rows. So are communities where they are clear; where two partitions are equally good the order decides, and Louvain (NetworkX, seeded)
may differ more.

Sources: Freeman 1978 (Social Networks 1: centrality and centralisation), Bonacich 1987 (American Journal of Sociology 92:
eigenvector centrality), Brandes 2001 (betweenness by accumulation), Borgatti and Everett 2000 (Social Networks 21: core and
periphery), Girvan and Newman 2002 (removal of the ties between communities), Newman and Girvan 2004 (modularity), Clauset, Newman
and Moore 2004 (greedy modularity), Newman 2006 (leading eigenvector), Blondel and others 2008 (Louvain), Hubert and Arabie 1985
(adjusted Rand index), Strehl and Ghosh 2002 (normalised mutual information; here by the arithmetic mean), Strona and others 2014,
Carstens and others 2016 (rewiring by trades).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Partition = list[frozenset[int]]
"""Communities as sets of rows; every row is in exactly one."""

TRADES_PER_NODE = 5
"""Trades for every node (or group) of a rewiring; Strona and others find the mix stable well below this."""

LOUVAIN_RUNS = 3
"""Louvain depends on the order in which nodes are taken: of so many seeded runs the one of highest modularity counts."""

_SQUARINGS = 36
"""Power 2^36: eigenvalues that differ by less than about 1e-9 of the largest count as one."""

_SAME = 1e-9
"""Two correlations, or two modularities, are one below this difference."""


def tied(weights: F64) -> Mask:
    """Who is tied to whom, (n, n)."""
    return np.asarray(weights > 0, dtype=np.bool_)


def degree(weights: F64) -> F64:
    """Number of partners of every row, (n,)."""
    out: F64 = tied(weights).sum(axis=1).astype(np.float64)
    return out


def eigenvector(weights: F64) -> F64:
    """Eigenvector centrality (Bonacich 1987), length 1, (n,); zeros where there is no tie.

    Where several parts of the network share the largest eigenvalue the vector is not unique: the projection of equal values on
    their space is taken, which does not depend on the order of the rows.
    """
    if not weights.any():
        return np.zeros(len(weights))
    out: F64 = np.abs(_leading(weights).sum(axis=1))
    out /= np.linalg.norm(out)
    return out


def _leading(matrix: F64) -> F64:
    """Projection on the space of the largest eigenvalue of a symmetric matrix, (n, n), by squaring it again and again.

    The matrices here have tens of rows, where a library's eigenvalue routine spends its time starting threads.
    """
    out: F64 = matrix + np.eye(len(matrix)) * np.abs(matrix).sum(axis=1).max()
    for _ in range(_SQUARINGS):
        out = out / np.abs(out).max()
        out = out @ out
    out /= np.abs(out).max()
    return out


def betweenness(weights: F64) -> F64:
    """Share of the shortest paths between others that run over a row (Freeman 1978), by number of ties, 0 to 1, (n,)."""
    n = len(weights)
    if n < 3:
        return np.zeros(n)
    out: F64 = _paths_over(weights)[0] / ((n - 1) * (n - 2))
    return out


def _paths_over(weights: F64) -> tuple[F64, F64]:
    """Shortest paths, of every ordered pair in equal parts, over every row (n,) and every tie (n, n): Brandes 2001, all at once."""
    n = len(weights)
    a = tied(weights).astype(np.float64)
    paths, far, level = np.eye(n), np.where(np.eye(n) > 0, 0, -1), 0
    front = paths
    while front.any():
        level += 1
        front = np.where(far < 0, front @ a, 0.0)
        far = np.where(front > 0, level, far)
        paths = paths + front
    leaning, over = np.zeros((n, n)), np.zeros((n, n))
    for step in range(level, 0, -1):
        share = np.where(far == step, (1 + leaning) / np.where(paths > 0, paths, 1.0), 0.0)
        before = np.where(far == step - 1, paths, 0.0)
        over += (before.T @ share) * a
        leaning = leaning + (share @ a) * before
    np.fill_diagonal(leaning, 0.0)
    return leaning.sum(axis=0), over + over.T


def centralisation(values: F64, most: float) -> float | None:
    """How far one row stands above the others (Freeman 1978): sum of differences from the largest, by that of a star (`most`)."""
    return float((values.max() - values).sum() / most) if len(values) > 2 else None


def degree_centralisation(weights: F64) -> float | None:
    """1 for a star, 0 where all have as many partners; None below three rows."""
    n = len(weights)
    return centralisation(degree(weights), (n - 1) * (n - 2))


def betweenness_centralisation(weights: F64) -> float | None:
    """1 for a star, 0 where nobody lies between others more than anybody else; None below three rows."""
    return centralisation(betweenness(weights), len(weights) - 1)


def clustering(weights: F64) -> float | None:
    """Share of pairs of a common partner that are tied themselves (transitivity); None where no row has two partners."""
    a = tied(weights).astype(np.float64)
    partners = a.sum(axis=1)
    open_or_closed = float((partners * (partners - 1)).sum())
    return float(np.trace(a @ a @ a)) / open_or_closed if open_or_closed else None


def density(weights: F64) -> float | None:
    """Tied pairs by all pairs; None below two rows."""
    n = len(weights)
    return float(tied(weights).sum() / (n * (n - 1))) if n > 1 else None


def components(weights: F64) -> Partition:
    """Rows that reach one another, largest first; equal sizes by their smallest row."""
    a = tied(weights)
    left, out = set(range(len(weights))), []
    while left:
        found, front = set(), {min(left)}
        while front:
            found |= front
            front = {int(j) for i in front for j in np.flatnonzero(a[i])} - found
        out.append(frozenset(found))
        left -= found
    return sorted(out, key=lambda c: (-len(c), min(c)))


def pairs_connected(weights: F64) -> float | None:
    """Share of pairs of rows that reach one another; None below two rows."""
    n = len(weights)
    return sum(len(c) * (len(c) - 1) for c in components(weights)) / (n * (n - 1)) if n > 1 else None


def without(weights: F64, row: int) -> F64:
    """The network less one row."""
    return np.delete(np.delete(weights, row, axis=0), row, axis=1)


def core_periphery(weights: F64) -> tuple[Mask, float | None]:
    """The discrete model of Borgatti and Everett 2000: which rows are core, (n,), and the fit, a correlation.

    Ideal pattern: everyone is tied to the core, and the periphery only to the core. Candidates for the core are the rows of
    highest degree, rows of equal degree always together; the one whose pattern correlates best with the ties is taken, the
    smaller of two that do. No core and None where every pattern is flat (no tie, or all tied alike).
    """
    n = len(weights)
    a, partners = tied(weights), degree(weights)
    upper = np.triu_indices(n, 1)
    ties = a[upper].astype(np.float64)
    best, core = -np.inf, np.zeros(n, dtype=bool)
    for cut in sorted(set(partners.tolist()), reverse=True)[:-1]:
        chosen = partners >= cut
        ideal = (chosen[:, None] | chosen[None, :])[upper].astype(np.float64)
        fit = _correlation(ties, ideal)
        if fit is not None and fit > best + _SAME:
            best, core = fit, chosen
    return core, float(best) if np.isfinite(best) else None


def _correlation(x: F64, y: F64) -> float | None:
    x, y = x - x.mean(), y - y.mean()
    spread = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / spread if spread > 0 else None


def modularity(weights: F64, parts: Partition) -> float | None:
    """Weight inside communities beyond what the rows' strengths would give (Newman and Girvan 2004); None without ties."""
    total = float(weights.sum())
    if not total:
        return None
    strength = weights.sum(axis=1)
    inside = sum(float(weights[np.ix_(list(p), list(p))].sum()) for p in parts)
    return inside / total - sum(float(strength[list(p)].sum()) ** 2 for p in parts) / total**2


def louvain(weights: F64, seed: int = 0) -> Partition:
    """Communities by Louvain (Blondel and others 2008): the best of :data:`LOUVAIN_RUNS` seeded runs."""
    import networkx as nx

    graph = _graph(weights)
    runs = [_sorted(nx.community.louvain_communities(graph, weight="weight", seed=seed + i)) for i in range(LOUVAIN_RUNS)]
    best = runs[0]
    for other in runs[1:]:
        if (modularity(weights, other) or 0.0) > (modularity(weights, best) or 0.0) + _SAME:
            best = other
    return best


def leading_eigenvector(weights: F64, seed: int = 0) -> Partition:  # noqa: ARG001 - every method takes a seed
    """Communities by splitting along the leading eigenvector of the modularity matrix while modularity rises (Newman 2006)."""
    total = float(weights.sum())
    if not total:
        return [frozenset({i}) for i in range(len(weights))]
    strength = weights.sum(axis=1)
    beyond = weights - np.outer(strength, strength) / total
    whole, done = [np.arange(len(weights))], []
    while whole:
        part = whole.pop()
        inner = beyond[np.ix_(part, part)]
        inner = inner - np.diag(inner.sum(axis=1))
        space = _leading(inner) if inner.any() else inner
        first = space[:, int(np.argmax(np.diag(space)))] > _SAME
        sign = np.where(first, 1.0, -1.0)
        if first.all() or not first.any() or sign @ inner @ sign <= _SAME * total:
            done.append(part)
        else:
            whole += [part[first], part[~first]]
    return _sorted(done)


def greedy_modularity(weights: F64, seed: int = 0) -> Partition:  # noqa: ARG001 - every method takes a seed
    """Communities by merging the pair that raises modularity most (Clauset, Newman and Moore 2004)."""
    import networkx as nx

    if not weights.any():
        return [frozenset({i}) for i in range(len(weights))]
    return _sorted(nx.community.greedy_modularity_communities(_graph(weights), weight="weight"))


def girvan_newman(weights: F64, seed: int = 0) -> Partition:  # noqa: ARG001 - every method takes a seed
    """Communities by taking away the ties that most shortest paths run over (Girvan and Newman 2002), by ties, not by weight.

    Equal ties go together, so that the order of the rows does not matter; of all stages the one of highest modularity counts.
    """
    left = tied(weights).astype(np.float64)
    best = components(left)
    while left.any():
        over = _paths_over(left)[1]
        left = np.where(over >= over.max() * (1 - _SAME), 0.0, left)
        parts = components(left)
        if len(parts) > len(best) and (modularity(weights, parts) or 0.0) > (modularity(weights, best) or 0.0) + _SAME:
            best = parts
    return best


METHODS: Mapping[str, Callable[[F64, int], Partition]] = {
    "louvain": louvain,
    "leading_eigenvector": leading_eigenvector,
    "greedy_modularity": greedy_modularity,
    "girvan_newman": girvan_newman,
}


def _graph(weights: F64) -> Any:
    import networkx as nx

    return nx.from_numpy_array(weights)


def _sorted(parts: Any) -> Partition:
    return sorted((frozenset(int(i) for i in p) for p in parts), key=lambda p: (-len(p), min(p)))


def labels_of(parts: Partition, n: int) -> npt.NDArray[np.int64]:
    """Number of the community of every row, (n,)."""
    out = np.zeros(n, dtype=np.int64)
    for number, part in enumerate(parts):
        out[list(part)] = number
    return out


def _contingency(a: Sequence[Any] | npt.NDArray[Any], b: Sequence[Any] | npt.NDArray[Any]) -> F64:
    rows, columns = np.unique(np.asarray(a), return_inverse=True)[1], np.unique(np.asarray(b), return_inverse=True)[1]
    table = np.zeros((rows.max() + 1, columns.max() + 1))
    np.add.at(table, (rows, columns), 1.0)
    return table


def nmi(a: Sequence[Any] | npt.NDArray[Any], b: Sequence[Any] | npt.NDArray[Any]) -> float:
    """Normalised mutual information of two labellings of the same rows, 0 to 1; 1 where both put all rows together."""
    table = _contingency(a, b) / len(a)
    p, q = table.sum(axis=1), table.sum(axis=0)
    entropy = [-float((x[x > 0] * np.log(x[x > 0])).sum()) for x in (p, q)]
    if sum(entropy) <= _SAME:
        return 1.0
    known = table > 0
    shared = float((table[known] * np.log(table[known] / np.outer(p, q)[known])).sum())
    return max(0.0, shared / (sum(entropy) / 2))


def ari(a: Sequence[Any] | npt.NDArray[Any], b: Sequence[Any] | npt.NDArray[Any]) -> float:
    """Adjusted Rand index of two labellings (Hubert and Arabie 1985): 1 equal, 0 as by chance, below 0 worse."""
    table = _contingency(a, b)

    def pairs(x: F64) -> float:
        return float((x * (x - 1)).sum() / 2)

    both, first, second = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    every = len(a) * (len(a) - 1) / 2
    expected = first * second / every if every else 0.0
    most = (first + second) / 2
    return 1.0 if abs(most - expected) < _SAME else (both - expected) / (most - expected)


def rewired(weights: F64, rng: np.random.Generator) -> F64:
    """The same degrees, the ties drawn anew: trades of partners between two rows (Carstens and others 2016), ties of weight 1.

    Draws uniformly among simple networks of the same degrees, in the limit of many trades.
    """
    n = len(weights)
    partners = [set(np.flatnonzero(row).tolist()) for row in tied(weights)]
    for i, j in _couples(n, rng):
        mine, theirs = partners[i] - partners[j] - {j}, partners[j] - partners[i] - {i}
        if not mine or not theirs:
            continue
        pool = sorted(mine | theirs)
        rng.shuffle(pool)
        new = set(pool[: len(mine)])
        for k in mine - new:
            partners[i].discard(k)
            partners[k].discard(i)
            partners[j].add(k)
            partners[k].add(j)
        for k in new - mine:
            partners[j].discard(k)
            partners[k].discard(j)
            partners[i].add(k)
            partners[k].add(i)
    out = np.zeros((n, n))
    for i, found in enumerate(partners):
        out[i, list(found)] = 1.0
    return out


def regrouped(groups: Sequence[frozenset[int]], rng: np.random.Generator) -> list[frozenset[int]]:
    """Groups of the same sizes, every member in as many as before: trades of members between two groups (Strona and others 2014)."""
    out = [set(g) for g in groups]
    for i, j in _couples(len(out), rng):
        mine, theirs = out[i] - out[j], out[j] - out[i]
        if not mine or not theirs:
            continue
        pool = sorted(mine | theirs)
        rng.shuffle(pool)
        shared = out[i] & out[j]
        out[i], out[j] = shared | set(pool[: len(mine)]), shared | set(pool[len(mine) :])
    return [frozenset(g) for g in out]


def _couples(n: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    if n < 2:
        return []
    first = rng.integers(0, n, TRADES_PER_NODE * n)
    second = (first + rng.integers(1, n, TRADES_PER_NODE * n)) % n
    return list(zip(first.tolist(), second.tolist(), strict=True))
