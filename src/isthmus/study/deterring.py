"""From a run to deterrence: verdicts of its campaigns, prices of its challengers, the document, and checks of sign."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isthmus.deterrence.inputs import PRICES, Duel, Inputs, Verdicts, WarCases, draw_prices
from isthmus.deterrence.results import (
    READING,
    Row,
    balance_rows,
    break_even_rows,
    change_rows,
    grid,
    margin_rows,
    opportunism_rows,
    price_rows,
    region_rows,
    sustained_rows,
)
from isthmus.deterrence.solve import quantiles, thirds
from isthmus.ensemble import Uncertainty
from isthmus.interop.reach import reach
from isthmus.register import Register
from isthmus.study.plan import Plan, make_plan
from isthmus.study.results import Results
from isthmus.study.schema import Study
from isthmus.study.turning import driver_rows, judged
from isthmus.sustainment.campaign import run_campaigns
from isthmus.sustainment.inputs import inputs_in
from isthmus.sustainment.kernel import NEVER_YEARS

F64 = npt.NDArray[np.float64]
Column = Callable[[str], npt.NDArray[Any]]

MOST_FUTURES = 2**16
"""The first futures of a run are read: the standard error of a share is below 0.002 then."""


def from_run(results: Results, register: Register | None = None) -> Inputs:
    """A finished run as deterrence sees it. Raises InputError where the register lacks a price of a challenger.

    War cases with exchange are left out: they stand beside the same case without it.
    """
    study = Study.model_validate(results.study)
    columns = _wanted(study, results.manifest["duels"])
    chunks = -(-MOST_FUTURES // results.manifest["chunk_futures"])
    table = pa.concat_tables(islice(results.folder.tables("outcomes", ["future", "ecosystem", "war_case", *columns]), chunks))
    frame = table.to_pandas()
    found = {
        (str(eco), str(case)): part.sort_values("future")
        for (eco, case), part in frame.groupby(["ecosystem", "war_case"], observed=True, sort=False)
    }
    inputs = _inputs(study, results.manifest["duels"], lambda e, c: _column_of(found[e, c]), price_ranges(results, register))
    return replace(inputs, balance=_balance(study, results, inputs.duels))


def _balance(study: Study, results: Results, duels: Sequence[Duel]) -> dict[tuple[str, str], F64]:
    """Scale ratio of every defending front, as the run has stored it: (ecosystem, duel) → (futures,)."""
    frame = results.folder.columns("reach", ["future", "ecosystem", "front", "mission", "scale_ratio"]).to_pandas()
    frame = frame[frame["future"] < MOST_FUTURES]
    parts = {
        (str(eco), str(front), str(mission)): part.sort_values("future")["scale_ratio"].to_numpy(np.float64)
        for (eco, front, mission), part in frame.groupby(["ecosystem", "front", "mission"], observed=True, sort=False)
    }
    keys = {(e.name, d.name): (e.name, _fronts(study, d.theater)[0], d.mission) for e in study.ecosystems for d in duels}
    return {key: parts[where] for key, where in keys.items() if where in parts}


def _column_of(frame: Any) -> Column:
    def column(name: str) -> npt.NDArray[Any]:
        values: npt.NDArray[Any] = frame[name].to_numpy()
        return values

    return column


def price_ranges(results: Results, register: Register | None = None) -> dict[str, Uncertainty]:
    """Ranges of what an attack costs and the status quo is worth: rows of the register, with the study's own on top."""
    if register is None:
        root = Path(results.manifest["register"]["root"])
        register = Register.load(root) if root.is_dir() else Register.reference()
    return _ranges(Study.model_validate(results.study), register)


def price_ranges_of(plan: Plan) -> dict[str, Uncertainty]:
    """As :func:`price_ranges`, of a plan."""
    return _ranges(plan.study, plan.register)


def _ranges(study: Study, register: Register) -> dict[str, Uncertainty]:
    table = register.table("uncertainties")
    rows = {
        u.uncertainty_id: Uncertainty(
            u.uncertainty_id, u.shape, u.low, u.mode, u.high, u.unit, u.kind, (u.fact_id,), u.note or ""
        )
        for u in table[table["uncertainty_id"].isin(PRICES)].itertuples()
    }
    return study.model_copy(update={"uncertainties": {n: o for n, o in study.uncertainties.items() if n in rows}}).override(rows)


def duels_of(study: Study, names: Sequence[str]) -> tuple[Duel, ...]:
    """Duels of a run with who attacks there: the first group of belligerents of the attacking front."""
    attacker = {f.theater: ", ".join(f.belligerents[0].actors) for f in study.fronts if f.role == "attacker"}
    return tuple(Duel(theater, mission, attacker[theater]) for theater, mission in (n.rsplit(".", 1) for n in names))


def _fronts(study: Study, theater: str) -> tuple[str, str]:
    """Defending and attacking front of a theater."""
    found = {f.role: f.front for f in study.fronts if f.theater == theater}
    return found["defender"], found["attacker"]


def _wanted(study: Study, duels: Sequence[str]) -> list[str]:
    out = []
    for name in duels:
        theater, mission = name.rsplit(".", 1)
        out += [f"outcome.{name}", f"outcome_week.{name}"]
        out += [f"{weeks}.{front}.{mission}" for front in _fronts(study, theater) for weeks in ("weeks_met", "weeks_rationed")]
    return list(dict.fromkeys(out))


def _inputs(
    study: Study, names: Sequence[str], columns: Callable[[str, str], Column], ranges: Mapping[str, Uncertainty]
) -> Inputs:
    duels = duels_of(study, names)
    starts = {w.name: w.starts for w in study.war_cases if not w.exchange}
    theaters = list(dict.fromkeys(d.theater for d in duels))
    verdicts = {}
    for eco in study.ecosystems:
        for case, begins in starts.items():
            column = columns(eco.name, case)
            for duel in duels:
                if duel.theater in begins:
                    verdicts[eco.name, case, duel.name] = _verdicts(study, duel, column)
    return Inputs(
        tuple(e.name for e in study.ecosystems),
        WarCases(starts),
        duels,
        verdicts,
        draw_prices(ranges, theaters, study.seed),
        _window(study),
    )


def _window(study: Study) -> int:
    """Weeks of a war that count in every war case alike."""
    return study.horizon_weeks - max((s for w in study.war_cases if not w.exchange for s in w.starts.values()), default=0)


def _verdicts(study: Study, duel: Duel, column: Column) -> Verdicts:
    defender, attacker = _fronts(study, duel.theater)

    def sustained(front: str) -> F64:
        met, rationed = (column(f"{w}.{front}.{duel.mission}").astype(np.float64) for w in ("weeks_met", "weeks_rationed"))
        total: F64 = met + rationed
        return total

    return Verdicts(
        column(f"outcome.{duel.name}").astype(np.int8),
        column(f"outcome_week.{duel.name}").astype(np.float64),
        sustained(defender),
        sustained(attacker),
    )


def simulate(
    plan: Plan,
    futures: int,
    ecosystems: Sequence[str],
    ranges: Mapping[str, Uncertainty],
    factors: Mapping[str, float] | None = None,
    cases: Collection[str] | None = None,
) -> Inputs:
    """The first futures of a plan in some of its ecosystems and war cases without exchange, computed now.

    `factors`: uncertainty → what its draws are multiplied by. `cases`: names of war cases; all of them where None. The window
    is that of the whole study.
    """
    draws = plan.design.draw(0, futures)
    draws |= {name: factor * draws[name] for name, factor in (factors or {}).items()}
    chosen = {
        "ecosystems": tuple(e for e in plan.study.ecosystems if e.name in set(ecosystems)),
        "war_cases": tuple(w for w in plan.study.war_cases if not w.exchange and (cases is None or w.name in cases)),
    }
    study = plan.study.model_copy(update=chosen)
    kept: dict[tuple[str, str], Column] = {}
    block, _ = plan.block(draws)
    for eco in study.ecosystems:
        inputs = inputs_in(block, eco.rule(), plan.fill_rules)
        for case in study.war_cases:
            run = run_campaigns(inputs, case.starts, plan.theaters, study.horizon_weeks)
            kept[eco.name, case.name] = _column_in(run.columns, run.outcomes)
    return replace(_inputs(study, plan.labels.duels, lambda e, c: kept[e, c], ranges), window=_window(plan.study))


def _column_in(names: Sequence[str], values: npt.NDArray[Any]) -> Column:
    place = {name: i for i, name in enumerate(names)}

    def column(name: str) -> npt.NDArray[Any]:
        found: npt.NDArray[Any] = values[:, place[name]]
        return found

    return column


def first_futures(inputs: Inputs, futures: int) -> Inputs:
    """The same run, its first futures only, so that it pairs with what was computed for those."""
    cut = {
        key: Verdicts(v.code[:futures], v.week[:futures], v.defended[:futures], v.attacked[:futures])
        for key, v in inputs.verdicts.items()
    }
    return replace(inputs, verdicts=cut)


# The document


def document(results: Results, register: Register | None = None) -> Row:
    """Everything that needs no campaign run again. Rows are plain objects; see docs/reference/results.md."""
    inputs = from_run(results, register)
    regions, moved = region_rows(inputs)
    return {
        "run": str(results.folder.root),
        "study": results.study["study"],
        "title": results.study["title"],
        "futures": min(results.study["futures"], MOST_FUTURES),
        "window_weeks": inputs.window,
        "reading": list(READING),
        "assumptions": _assumptions(price_ranges(results, register)),
        "grid": grid(),
        "margins": margin_rows(inputs),
        "changes": change_rows(inputs),
        "local_balance": balance_rows(inputs),
        "weeks_sustained": sustained_rows(inputs),
        "attribution": {
            "layers": layer_rows(results),
            "prices": price_rows(inputs),
            "inputs": driver_rows(judged(results, inputs)),
            "inputs_run_again": [],
        },
        "break_evens": break_even_rows(inputs),
        "opportunism": opportunism_rows(inputs),
        "rebuilding": rebuilding_rows(results, inputs),
        "regions": regions,
        "moves": moved,
        "absences": [],
        "restorations": [],
    }


def _assumptions(ranges: Mapping[str, Uncertainty]) -> list[Row]:
    return [
        {
            "input": u.name,
            "shape": u.shape,
            "low": u.low,
            "mode": u.mode,
            "high": u.high,
            "unit": u.unit,
            "kind": u.kind,
            "reason": u.rule,
        }
        for u in (ranges[name] for name in PRICES)
    ]


def layer_rows(results: Results) -> list[Row]:
    """What each layer adds to the margin: the Shapley share of the fall of p, on the first futures and the whole horizon."""
    frame = results.layers
    if frame is None:
        return []
    chosen = frame[frame["outcome"] == "defence_unsustained"]
    return [
        {
            "theater": r.front,
            "mission": r.mission,
            "war_case": r.war_case,
            "layer": r.layer,
            "margin_change": round(-r.shapley, 4) + 0.0 if r.estimable else None,
            "standard_error": round(r.shapley_se, 4) if r.estimable else None,
            "all_layers": round(-r.total, 4) + 0.0,
            "estimable": bool(r.estimable),
            "actors": int(r.actors),
        }
        for r in chosen.itertuples()
    ]


def rebuilding_rows(results: Results, inputs: Inputs) -> list[Row]:
    """Years until the defenders' stocks stand again after a war in one theater; from then on the margin is that of one war alone."""
    rows = []
    sides = {f["theater"]: f["side"] for f in results.study["fronts"] if f["role"] == "defender"}
    for theater in dict.fromkeys(d.theater for d in inputs.duels):
        case = inputs.cases.alone(theater)
        groups = [g for g in results.manifest["groups"] if g.split(".", 1)[0] == sides[theater]]
        if case is None or not groups:
            continue
        frame = results.folder.columns(
            "outcomes", ["ecosystem", "war_case", *(f"years_to_rebuild.{g}" for g in groups)]
        ).to_pandas()
        for ecosystem in inputs.ecosystems:
            part = frame[(frame["ecosystem"] == ecosystem) & (frame["war_case"] == case)][
                [f"years_to_rebuild.{g}" for g in groups]
            ]
            medians = part.median().rename(lambda name: name.split(".", 2)[2])
            never = medians[medians >= NEVER_YEARS]
            made = medians[(medians < NEVER_YEARS) & (medians > 0)]
            slowest = str(made.idxmax()) if len(made) else None
            years = quantiles(part[f"years_to_rebuild.{sides[theater]}.{slowest}"].to_numpy(np.float64)) if slowest else None
            rows.append(
                {
                    "ecosystem": ecosystem,
                    "after": theater,
                    "war_case": case,
                    "slowest_of_those_made": slowest,
                    **{f"years_{at}": round(y, 2) for at, y in zip(("low", "median", "high"), years or (), strict=False)},
                    "median_over_materiel": round(float(made.median()), 2) if len(made) else 0.0,
                    "not_made_any_more": sorted(map(str, never.index)),
                }
            )
    return rows


# Signs that the literature states


@dataclass(frozen=True)
class Sign:
    """A sign that studies of deterrence report, and what the model has to say about it."""

    sign: str
    statement: str
    source: str
    basis: str
    """`by construction`: the equations leave no other answer, so it tests nothing; `result`: it could have come out otherwise."""
    held: bool
    why: str
    value: float | None = None
    error: float | None = None


SIGN_FUTURES = 512


def signs(register: Register, study: str = "reference", futures: int = SIGN_FUTURES) -> list[Sign]:
    """Every sign check, on the first ecosystem of a study. Raises StudyError where the register does not hold what it names."""
    plan = make_plan(Study.load(study), register, futures=futures)
    ranges = _ranges(plan.study, register)
    inputs = simulate(plan, futures, [plan.study.ecosystems[0].name], ranges)
    draws = plan.design.draw(0, futures)
    return [
        *_built_in(inputs, ranges),
        *_balance_signs(plan, inputs, draws),
        *_hub_sign(plan, inputs, draws),
        *_opportunism_signs(inputs),
    ]


HUTH = "Huth and Russett (1984, 1988)"
BUILT_IN, RESULT = "by construction", "result"
NO_VERDICT_BEFORE = 12
"""Weeks in which no campaign can be lost: a verdict takes a spell of 13 starved weeks."""


def _built_in(inputs: Inputs, ranges: Mapping[str, Uncertainty]) -> list[Sign]:
    prices = next(iter(inputs.prices.values()))
    fall = float(np.median(prices.tie(fear=0.4) - prices.tie(fear=0.0)))
    keep = float(np.median(prices.tie(status_quo=0.8) - prices.tie(status_quo=0.2)))
    lost = np.concatenate([v.lost(inputs.window) for v in inputs.verdicts.values()])
    sustained = np.concatenate([v.defended for v in inputs.verdicts.values()])
    weeks = float(sustained[lost].mean() - sustained[~lost].mean()) if lost.any() and not lost.all() else float("nan")
    early = float(np.mean([v.lost(NO_VERDICT_BEFORE).mean() for v in inputs.verdicts.values()]))
    named = [n for n in ranges if "ally" in n or "pact" in n]
    return [
        Sign(
            "fear",
            "A worse outlook makes attack likelier to pay",
            "RAND RR2451 (2018)",
            BUILT_IN,
            fall < 0,
            "p* holds the expected fall of the status quo with a minus; that fear weighs more than opportunity is not tested",
            fall,
        ),
        Sign(
            "status_quo",
            "A better status quo deters",
            "RAND RR2451 (2018)",
            BUILT_IN,
            keep > 0,
            "p* holds the value of the status quo with a plus",
            keep,
        ),
        Sign(
            "weeks_sustained",
            "A defence that is sustained longer is lost less often",
            "the definition of a verdict",
            BUILT_IN,
            weeks < 0,
            "a defence is unsustained because it is starved: weeks sustained in lost worlds, less those in the others",
            weeks,
        ),
        Sign(
            "short_term",
            "The short-term balance matters",
            HUTH,
            BUILT_IN,
            early > 0,
            "a verdict takes 13 starved weeks, so no world is lost in 12: the sign cannot show, a fait accompli is outside the model",
            early,
        ),
        Sign(
            "paper_alliance",
            "A formal alliance alone does not predict success",
            HUTH,
            BUILT_IN,
            not named,
            "no term of the margin holds an alliance; it acts through who fights and who supplies only",
        ),
        Sign(
            "alliance_fights",
            "An alliance predicts who fights once deterrence has failed",
            HUTH,
            BUILT_IN,
            not named,
            "treaty allies draw a higher chance to fight than partners: a prior of the register, not a finding",
        ),
    ]


def _judged(sign: str, statement: str, source: str, what: str, change: float, error: float) -> Sign:
    """A sign that came out, or did not: it must lie more than two standard errors above nil."""
    held = change > 2 * error
    verdict = "shown" if held else "contradicted" if change < -2 * error else "not shown: within two standard errors of nil"
    return Sign(
        sign, statement, source, RESULT, held, f"{what}: {change:+.3f} (standard error {error:.3f}), {verdict}", change, error
    )


def _balance_signs(plan: Plan, inputs: Inputs, draws: Mapping[str, F64]) -> list[Sign]:
    """The local balance matters: where the defender can reach less before the first shot, the defence is lost more often.

    Not by construction: need, decisions, lags, lift and rates stand between what could be reached and a verdict.
    """
    before = reach(plan.wide, plan.study.ecosystems[0].rule(), draws)
    out = []
    for duel in inputs.duels:
        case = inputs.cases.alone(duel.theater)
        balance = before[_fronts(plan.study, duel.theater)[0], duel.mission]["scale_ratio"]
        known = ~np.isnan(balance)
        if case is None or not known.any():
            continue
        lost = inputs.verdicts[inputs.ecosystems[0], case, duel.name].lost(inputs.window)
        _, _, gap, error = thirds(lost[known], balance[known])
        statement = f"The local balance matters: {duel.theater}, {duel.mission}"
        what = "p in the third of worlds with the worst balance before the war, less p in the third with the best"
        out.append(_judged(f"local_balance.{duel.name}", statement, HUTH, what, gap, error))
    return out


def _hub_sign(plan: Plan, inputs: Inputs, draws: Mapping[str, F64]) -> list[Sign]:
    """Ambiguity invites failure: where the hub does not fight, the defence is lost more often."""
    out = []
    for front in plan.supply.setting.fronts:
        for p in front.participants:
            name = f"fights:{p.actor_id}@{front.theater}"
            if front.role != "defender" or p.actor_id not in plan.supply.hub_of.values() or p.fights is None or name not in draws:
                continue
            stays = draws[name] >= draws[p.fights]
            for duel in inputs.duels:
                case = inputs.cases.alone(duel.theater)
                if duel.theater != front.theater or case is None or not 5 < stays.sum() < len(stays) - 5:
                    continue
                lost = inputs.verdicts[inputs.ecosystems[0], case, duel.name].lost(inputs.window)
                gap = float(lost[stays].mean() - lost[~stays].mean())
                error = float(np.sqrt(lost[stays].var() / stays.sum() + lost[~stays].var() / (~stays).sum()))
                statement = f"Doubt about the hub invites failure: {duel.theater}, {duel.mission}"
                what = f"p where {p.actor_id} stays out less p where it fights"
                out.append(_judged(f"ambiguity.{duel.name}", statement, "RAND RR2451 (2018)", what, gap, error))
    return out


def _opportunism_signs(inputs: Inputs) -> list[Sign]:
    out = []
    for row in opportunism_rows(inputs):
        if row["lag_weeks"] == 0:
            name = f"opportunism.{row['second']}.{row['mission']}"
            statement = f"A war in {row['first']} raises what an attack in {row['second']} promises: {row['mission']}"
            what = "p of the second challenger with the first war, less without"
            source = "the thesis of opportunism"
            out.append(_judged(name, statement, source, what, row["p_change"], row["p_change_standard_error"]))
    return out
