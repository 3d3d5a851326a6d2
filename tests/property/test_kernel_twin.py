"""The kernel against its plain twin on random networks, and the invariants that hold whatever the network.

Fill is compared everywhere. Counts of weeks and outcomes of duels step at a threshold, so that a rounding may move one by a week:
they are compared only where no week of the future stands within `MARGIN` of the threshold in question. `MARGIN` is wider than the
largest difference in fill that is let pass. Counts are besides checked against the kernel's own fill, without exception.

A few futures in ten thousand magnify every difference, because a rule with a threshold (a tranche, a reserve, a cut) stands on its
edge. There the kernel may differ from the twin by no more than the twin differs from itself
when stocks are moved by five parts in a million, which is what 80 weeks of rounding come to.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isthmus.interop.output import KNOT_WEEKS
from isthmus.sustainment import kernel as k
from isthmus.sustainment.reference import Campaign, run_one
from tests.networks import permuted, random_network

RELATIVE = 1e-4
FILL = 4e-5
MARGIN = 5e-5
WEEKS = 80
COUNTS = ("weeks_met", "weeks_rationed", "weeks_starved")
SEEDS = st.integers(0, 2**32 - 1)

often = settings(
    max_examples=200,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
seldom = settings(often, max_examples=25)


class Watched(Campaign):
    """The twin, which also notes how near each duel came to one of its thresholds."""

    def __init__(self, network: k.Network, lanes: k.Lanes, starts: k.I32, tile: int, lane: int) -> None:
        super().__init__(network, lanes, [int(s) for s in starts], tile, lane)
        self.nearest = [np.inf] * len(network.duel_kind)

    def _spells(self, t: int) -> None:
        super()._spells(t)
        for d in range(len(self.nearest)):
            self.nearest[d] = min([self.nearest[d], *self._distances(d, t)])

    def _distances(self, d: int, t: int) -> Iterator[float]:
        n, x = self.n, self.x
        va, vd = int(n.duel_attacker[d]), int(n.duel_defender[d])
        force = {v: sum(self.use[c] * x["weight"][c] for c in range(len(self.use)) if n.cell_view[c] == v) for v in (va, vd)}
        yield abs(self.fill[va][t] - k.STARVED)
        yield abs(self.fill[vd][t] - k.STARVED)
        for strong, weak in ((force[va], force[vd]), (force[vd], force[va])):
            if strong > 0:
                yield abs(1 - x["ratio"][d] * weak / strong)
        for c in range(len(self.use)):
            if n.cell_view[c] == vd and self.need[c] > 0:
                yield abs(self.use[c] / self.need[c] - k.STARVED)
                yield abs(x["pressure"][d] * x["need_open"][c] / self.need[c] - 1)


def labels(network: k.Network) -> tuple[str, ...]:
    return k.columns(
        network,
        tuple(f"v{v}" for v in range(network.view_front.size)),
        tuple(f"d{d}" for d in range(network.duel_kind.size)),
        tuple(f"g{g}" for g in range(network.n_groups)),
        tuple(f"s{s}" for s in range(network.n_sides)),
        WEEKS,
    )


def near(fill: np.ndarray, *thresholds: float) -> bool:
    """Does any week's fill stand within MARGIN of a threshold?"""
    return any(bool((np.abs(fill - level) <= MARGIN).any()) for level in thresholds)


def spread(network: k.Network, lanes: k.Lanes, starts: k.I32, tile: int, lane: int) -> tuple[np.ndarray, np.ndarray]:
    """How far outcomes and fill of the twin move when every stock is moved by five parts in a million."""
    x = lanes.stock.astype(np.float64)
    moved = [
        run_one(network, lanes._replace(stock=x * factor), starts.tolist(), WEEKS, tile, lane)
        for factor in (1 - 5e-6, 1.0, 1 + 5e-6)
    ]
    return np.ptp([out for out, _ in moved], axis=0), np.ptp([fill for _, fill in moved], axis=0)


def check_against_twin(network: k.Network, lanes: k.Lanes, starts: k.I32, out: k.F32, fill: k.F32, tile: int, lane: int) -> None:
    twin = Watched(network, lanes, starts, tile, lane)
    for t in range(WEEKS):
        twin.step(t)
    want_fill, want, got = np.array(twin.fill), np.array(twin.close(WEEKS)), out[tile, :, lane].astype(np.float64)
    assert want[-1] < 1e-9, "the twin balances"
    names = labels(network)
    steps = np.array([name.split(".")[0] in (*COUNTS, *k.PER_DUEL) for name in names])
    smooth = ~steps & (np.array(names) != "mass_balance_residual")
    # Float32 holds a stock to a part in ten million, and so a small flow out of it no better.
    there = sum(twin.x["stock"]) + sum(twin.made)
    off_fill = np.abs(fill[tile, :, :, lane] - want_fill).max()
    excess = (np.abs(got - want) - RELATIVE * np.abs(want) - 1e-6 * there)[smooth]
    if off_fill > FILL or excess.max() > 0:
        out_moves, fill_moves = spread(network, lanes, starts, tile, lane)
        assert off_fill <= max(FILL, fill_moves.max())
        assert (excess <= out_moves[smooth]).all(), np.array(names)[smooth][excess > out_moves[smooth]]
    if off_fill > FILL:
        return
    for i in np.flatnonzero(steps):
        kind, _, of = names[i].partition(".")
        n = int(of[1:])
        clear = not near(want_fill[n], k.MET, k.STARVED) if kind in COUNTS else twin.nearest[n] > MARGIN
        assert not clear or got[i] == want[i], names[i]


@often
@given(seed=SEEDS)
def test_the_kernel_is_its_twin(seed: int) -> None:
    network, lanes, starts = random_network(seed)
    out, fill = k.run_tiles(network, lanes, starts, WEEKS, threads=1)
    for lane in (0, 77):
        check_against_twin(network, lanes, starts, out, fill, 0, lane)


@often
@given(seed=SEEDS)
def test_bounds_and_conservation(seed: int) -> None:
    network, lanes, starts = random_network(seed)
    out, fill = k.run_tiles(network, lanes, starts, WEEKS, threads=1)
    names = labels(network)
    assert np.isfinite(out).all()
    assert (out >= 0).all()
    assert (out[:, -1] < 1e-4).all(), "initial + produced = used + lost + on hand + in transit"
    for v, f in enumerate(network.view_front):
        begin = int(starts[f]) if starts[f] >= 0 else WEEKS
        war = fill[:, v, begin:]
        assert (fill[:, v, :begin] == -1).all(), "peace"
        assert ((war >= 0) & (war <= 1)).all()
        counts = [out[:, names.index(f"{count}.v{v}")] for count in COUNTS]
        met, hungry = war >= np.float32(k.MET), war < np.float32(k.STARVED)
        for got, state in zip(counts, (met, ~met & ~hungry, hungry), strict=True):
            np.testing.assert_array_equal(got, state.sum(axis=1))
        used, needed = out[:, names.index(f"used.v{v}")], out[:, names.index(f"needed.v{v}")]
        shipped = out[:, names.index(f"shipped.v{v}")]
        assert (used <= needed * (1 + 1e-5)).all()
        assert (used <= shipped * (1 + 1e-4) + 1e-3).all(), "nothing is used that did not come"
        for part in ("shipped_hub", "shipped_far"):
            assert (out[:, names.index(f"{part}.v{v}")] <= shipped * (1 + 1e-5) + 1e-3).all()


@seldom
@given(seed=SEEDS)
def test_stocks_stay_above_zero_and_floors(seed: int) -> None:
    """Stocks are not an outcome of the kernel; the twin shows them, week by week and materiel by materiel."""
    network, lanes, starts = random_network(seed)
    twin = Campaign(network, lanes, [int(s) for s in starts], lane=5)
    for t in range(WEEKS):
        twin.step(t)
        for r, stock in enumerate(twin.stock):
            assert stock >= min(twin.x["stock"][r], twin.x["row_floor"][r]) - 1e-9
        for pool in twin.pool:
            assert min(pool.values()) >= -1e-9
        for p, pool in enumerate(twin.pool):
            coming = sum(amount for (q, _), amount in twin.due.items() if q == p)
            assert pool["transit"] == pytest.approx(coming, abs=1e-6)
        for g in range(network.n_groups):
            rows = [r for r in range(len(twin.stock)) if network.row_group[r] == g]
            pools = [pool for p, pool in enumerate(twin.pool) if network.pool_group[p] == g]
            came = sum(twin.x["stock"][r] + twin.made[r] for r in rows)
            there = sum(twin.stock[r] for r in rows) + sum(sum(pool.values()) for pool in pools)
            assert there == pytest.approx(came, rel=1e-12)


@often
@given(seed=SEEDS)
def test_the_order_of_fronts_donors_and_edges_does_not_matter(seed: int) -> None:
    network, lanes, starts = random_network(seed)
    other, other_lanes, other_starts, order = permuted(seed + 1, network, lanes, starts)
    out, fill = k.run_tiles(network, lanes, starts, WEEKS, threads=1)
    again, fill_again = k.run_tiles(other, other_lanes, other_starts, WEEKS, threads=1)
    off = np.abs(fill_again - fill[:, order["views"]]).max(axis=(0, 1, 2))
    steady = off <= FILL
    assert off.max() < 1e-2
    assert (~steady).sum() <= 3, "all but the few futures that magnify rounding"
    names = labels(network)
    there = lanes.stock.sum(axis=1) + KNOT_WEEKS * lanes.line_path.sum(axis=1)
    for v_new, v in enumerate(order["views"]):
        for column in k.PER_FRONT:
            if column not in COUNTS:
                a, b = out[:, names.index(f"{column}.v{v}")], again[:, names.index(f"{column}.v{v_new}")]
                relative = 5e-3 if column.startswith("shipped") else RELATIVE  # Shipments feel a threshold that fill does not.
                assert (np.abs(b - a) <= relative * a + 1e-6 * there)[:, steady].all(), column
    rebuild = [i for i, name in enumerate(names) if name.startswith("years_to_rebuild")]
    before = out[:, rebuild][:, order["groups"]]
    np.testing.assert_allclose(again[:, rebuild][..., steady], before[..., steady], rtol=RELATIVE, atol=1e-3)


@lru_cache(maxsize=1)
def three_tiles() -> tuple[k.Network, k.Lanes, k.I32, k.F32, k.F32]:
    network, lanes, starts = random_network(11, tiles=3, theaters=2)
    starts = np.array([0, 0, 26, 26], np.int32)
    return network, lanes, starts, *k.run_tiles(network, lanes, starts, WEEKS, threads=1)


def test_chunks_do_not_matter() -> None:
    network, lanes, starts, out, fill = three_tiles()
    for tile in range(3):
        one = k.Lanes(*(values[tile : tile + 1] for values in lanes))
        got, got_fill = k.run_tiles(network, one, starts, WEEKS, threads=1)
        np.testing.assert_array_equal(got, out[tile : tile + 1])
        np.testing.assert_array_equal(got_fill, fill[tile : tile + 1])


def test_threads_do_not_matter() -> None:
    network, lanes, starts, out, fill = three_tiles()
    got, got_fill = k.run_tiles(network, lanes, starts, WEEKS, threads=2)
    np.testing.assert_array_equal(got, out)
    np.testing.assert_array_equal(got_fill, fill)


@seldom
@given(seed=SEEDS)
def test_futures_do_not_see_each_other(seed: int) -> None:
    network, lanes, starts, out, fill = three_tiles()
    shuffle = np.random.default_rng(seed).permutation(k.LANES)
    got, got_fill = k.run_tiles(network, k.Lanes(*(values[:, :, shuffle] for values in lanes)), starts, WEEKS, threads=1)
    np.testing.assert_array_equal(got, out[:, :, shuffle])
    np.testing.assert_array_equal(got_fill, fill[:, :, :, shuffle])


def test_weeks_beyond_the_horizon_do_not_reach_back() -> None:
    network, lanes, starts, _, fill = three_tiles()
    _, shorter = k.run_tiles(network, lanes, starts, WEEKS // 2, threads=1)
    np.testing.assert_array_equal(shorter, fill[:, :, : WEEKS // 2])


@seldom
@given(seed=SEEDS)
def test_labels_must_fit_the_network(seed: int) -> None:
    network, _, _ = random_network(seed)
    assert (
        len(labels(network)) == network.view_front.size * len(k.PER_FRONT) + network.duel_kind.size * 2 + network.n_groups + 8 + 1
    )
    with pytest.raises(ValueError, match="labels do not fit"):
        k.columns(network, (), (), (), (), WEEKS)
