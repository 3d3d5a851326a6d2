"""What each of the six layers is worth, and whether a comparison of sides rests on what was looked up for one of them only.

One lever a layer; every mix of layers is run on the same futures, so that all differences are paired. See ``docs/model.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from math import factorial, sqrt

import numpy as np
import numpy.typing as npt
import pandas as pd

from isthmus.axes import LADDER, LAYERS, Layer, Side
from isthmus.interop.access import access_in
from isthmus.interop.fronts import EcosystemRule
from isthmus.interop.reach import lots_in, reach_in
from isthmus.study.plan import Blocks, Plan
from isthmus.study.schema import Study, WarCase
from isthmus.sustainment.campaign import run_campaigns
from isthmus.sustainment.inputs import inputs_in

F64 = npt.NDArray[np.float64]
Key = tuple[str, str, str]
"""(front or theater, mission, outcome)."""

MIX_FUTURES = 1024
"""The first futures of a study that every mix of layers is run on."""

LEAST_ACTORS = 5
"""Actors of known and differing values that a share needs, or it is not estimable."""

LAYER_COLUMNS = (
    "front",
    "mission",
    "outcome",
    "layer",
    "alone",
    "alone_se",
    "shapley",
    "shapley_se",
    "total",
    "actors",
    "estimable",
    "war_case",
)


@dataclass(frozen=True)
class LayerReport:
    """`shares`: a row per front, mission, outcome and layer; `parity`: headlines as they are and with unknowns drawn alike."""

    shares: pd.DataFrame
    parity: pd.DataFrame


def layer_report(plan: Plan, futures: int = MIX_FUTURES, step: Callable[[int, int], None] | None = None) -> LayerReport:
    """Shapley shares and the parity check of a plan. `step` is called with mixes done and mixes in all."""
    draws = plan.design.draw(0, min(futures, plan.study.futures))
    case = main_case(plan.study)
    block = plan.block(draws)
    mixes = [frozenset(m) for n in range(len(LAYERS) + 1) for m in combinations(LAYERS, n)]
    values: dict[frozenset[str], dict[Key, F64]] = {}
    for done, mix in enumerate(mixes):
        values[mix] = headlines(plan, block, mixed(plan, mix), case)
        if step:
            step(done + 1, len(mixes))
    return LayerReport(_shares(plan, values, case), parity(plan, draws, case))


def main_case(study: Study) -> WarCase:
    """The war case in which most theaters fight from the first week, without exchange: the hardest demand on what is shared."""
    plain = [w for w in study.war_cases if not w.exchange]
    return max(plain, key=lambda w: (len(w.starts), -sum(w.starts.values())))


def mixed(plan: Plan, mix: frozenset[str]) -> EcosystemRule:
    """The study's first ecosystem, with the layers of `mix` as in its last."""
    first, last = plan.study.ecosystems[0].rule(), plan.study.ecosystems[-1].rule()
    steps = tuple((name, last.threshold(name) if name in mix else step) for name, step in first.thresholds)
    complete = tuple(x for x in LAYERS if x in (last.complete if x in mix else first.complete))
    return EcosystemRule("+".join(sorted(mix)) or first.name, steps, complete)


def headlines(plan: Plan, block: Blocks, rule: EcosystemRule, case: WarCase) -> dict[Key, F64]:
    """(front or theater, mission, outcome) → (futures,): reachable effect, scale ratio, share of need met, defence unsustained."""
    out: dict[Key, F64] = {}
    held = access_in(block.wide, rule)
    for (front, mission), measures in reach_in(block.wide, held, lots_in(block.wide, held)).items():
        out[front, mission, "reachable"] = measures["reachable"]
        out[front, mission, "scale_ratio"] = measures["scale_ratio"]
    inputs = inputs_in(block.supply, rule, plan.fill_rules)
    run = run_campaigns(inputs, case.starts, plan.theaters, plan.study.horizon_weeks)
    column = {name: run.outcomes[:, i].astype(np.float64) for i, name in enumerate(run.columns)}
    at_war = set(case.starts)
    theater_of = {f.front: f.theater for f in plan.study.fronts}
    for view in plan.labels.views:
        front, mission = view.rsplit(".", 1)
        if theater_of[front] in at_war:
            used, needed = column[f"used.{view}"], column[f"needed.{view}"]
            out[front, mission, "need_met"] = np.divide(used, needed, out=np.ones_like(used), where=needed > 0)
    for duel in plan.labels.duels:
        theater, mission = duel.rsplit(".", 1)
        if theater in at_war:
            out[theater, mission, "defence_unsustained"] = (column[f"outcome.{duel}"] == 1).astype(np.float64)
    return out


def _shares(plan: Plan, values: Mapping[frozenset[str], Mapping[Key, F64]], case: WarCase) -> pd.DataFrame:
    nobody: frozenset[str] = frozenset()
    everybody = frozenset(LAYERS)
    counts = {(side, layer): known_actors(plan, side, layer) for side in _sides(plan) for layer in LAYERS}
    side_of = {f.front: f.side for f in plan.study.fronts}
    rows = []
    for key in values[nobody]:
        front, _, outcome = key
        if outcome == "scale_ratio":
            continue
        # Against what the coalition reaches as it is: a layer that opens lines would hide in a ratio of its own.
        base = np.maximum(1e-9, values[nobody][key]) if outcome == "reachable" else np.ones_like(values[nobody][key])
        relative = {mix: v[key] / base for mix, v in values.items()}
        total = relative[everybody] - relative[nobody]
        for layer in LAYERS:
            alone = relative[frozenset({layer})] - relative[nobody]
            phi = shapley(relative, layer)
            side = side_of.get(front)
            actors = counts[side, layer] if side else min(counts[s, layer] for s in _sides(plan))
            rows.append(
                (
                    *key,
                    layer,
                    *_mean(alone),
                    *_mean(phi),
                    float(total.mean()),
                    actors,
                    actors >= LEAST_ACTORS,
                    case.name,
                )
            )
    frame = pd.DataFrame(rows, columns=list(LAYER_COLUMNS))
    return frame.assign(outcome=frame["outcome"].replace({"reachable": "reach_gain"}))


def shapley(values: Mapping[frozenset[str], F64], player: str) -> F64:
    """Shapley value of one player, exact over all coalitions, per future (Shapley 1953): (futures,)."""
    players = frozenset().union(*values)
    n = len(players)
    total = np.zeros_like(values[frozenset()])
    for size in range(n):
        weight = factorial(size) * factorial(n - size - 1) / factorial(n)
        for others in combinations(sorted(players - {player}), size):
            coalition = frozenset(others)
            total = total + weight * (values[coalition | {player}] - values[coalition])
    return total


def known_actors(plan: Plan, side: Side, layer: Layer) -> int:
    """Actors of a side whose value in a layer is known of themselves and who do not all hold the same; 0 where all are alike.

    A treaty spelled out for each of its members is one observation, so cells that rest on such rows alone do not count.
    """
    holdings = plan.supply.holdings
    spelled_out = _spelled_out(plan)
    need = LADDER[plan.study.ecosystems[0].rule().threshold(layer)]
    values = {}
    for actor in sorted({p.actor_id for f in plan.wide.setting.fronts if f.side == side for p in f.participants}):
        own = [c for c in holdings.cells(actor, layer) if c.rank is not None and not set(holdings.facts(c)) <= spelled_out]
        if own:
            values[actor] = round(sum(c.rank >= need for c in own if c.rank is not None) / len(own), 6)
    return len(values) if len(set(values.values())) > 1 else 0


def _spelled_out(plan: Plan) -> set[str]:
    rows = plan.register.at(plan.study.date).table("adoptions")
    return set(rows[rows["note"].fillna("").str.contains("(expanded)", regex=False)]["fact_id"])


def _sides(plan: Plan) -> tuple[Side, ...]:
    return tuple(sorted({f.side for f in plan.study.fronts}))


def _mean(values: F64) -> tuple[float, float]:
    """Mean over futures, and its standard error as of independent futures: too wide for a Sobol design, never too narrow."""
    return float(values.mean()), float(values.std(ddof=1) / sqrt(len(values))) if len(values) > 1 else float("nan")


def known_rates(plan: Plan, side: Side) -> tuple[tuple[Layer, tuple[float, float, float]], ...]:
    """Share of a side's known cells at or above declared, agreed and implemented, by layer; layers without a known cell left out."""
    holdings = plan.supply.holdings
    actors = sorted({p.actor_id for f in plan.wide.setting.fronts if f.side == side for p in f.participants})
    out: list[tuple[Layer, tuple[float, float, float]]] = []
    for layer in LAYERS:
        ranks = [c.rank for a in actors for c in holdings.cells(a, layer) if c.rank is not None]
        if ranks:
            declared, agreed, implemented = (sum(r >= step for r in ranks) / len(ranks) for step in (1, 2, 3))
            out.append((layer, (declared, agreed, implemented)))
    return tuple(out)


def _parity_rules(plan: Plan, rule: EcosystemRule) -> Iterator[tuple[str, EcosystemRule]]:
    yield "as drawn", rule
    for other in _sides(plan):
        for first in _sides(plan):
            if first != other:
                rates = tuple((other, layer, steps) for layer, steps in known_rates(plan, first))
                yield f"unknown cells of {other} as the known ones of {first}", replace(rule, unknown=rates)


def parity(plan: Plan, draws: Mapping[str, F64], case: WarCase) -> pd.DataFrame:
    """Every headline again with one side's unknown cells drawn at the rates of the other side's known cells.

    ecosystem, check, front, mission, outcome, mean. A headline that turns with the check rests on who was looked up.
    """
    rows = []
    block = plan.block(draws)
    for eco in (plan.study.ecosystems[0], plan.study.ecosystems[-1]):
        for name, rule in _parity_rules(plan, eco.rule()):
            for (front, mission, outcome), values in headlines(plan, block, rule, case).items():
                if outcome != "reachable":
                    known = values[np.isfinite(values)]
                    if not len(known):
                        continue
                    mean = float(np.median(known) if outcome == "scale_ratio" else known.mean())
                    rows.append((eco.name, name, front, mission, outcome, mean))
    return pd.DataFrame(rows, columns=["ecosystem", "check", "front", "mission", "outcome", "value"])
