"""Outcomes that one may ask about, named as `isthmus results` names them: from a stored run, or computed anew from other draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, ValuesView
from dataclasses import dataclass
from math import isfinite, sqrt

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isthmus.errors import InputError, Problem
from isthmus.interop.reach import MEASURES, reach
from isthmus.study.plan import Plan
from isthmus.study.results import OUTCOME_CODES, Results
from isthmus.study.sensitivity import Curve
from isthmus.sustainment.campaign import run_campaigns
from isthmus.sustainment.inputs import campaign_inputs
from isthmus.sustainment.kernel import LANES, PER_FRONT, PER_SIDE

F64 = npt.NDArray[np.float64]
Column = Callable[[str], F64]

MOST_FUTURES = 2**16
"""The first futures of a run are read, so that memory stays flat however long the run is."""

MET = 0.8
"""Share of need above which a front counts as supplied; weeks are judged by the same level."""

DIVIDEND = "dividend"
"""Share of need met in one ecosystem less that in the study's first, in the same world."""

SHARES = tuple(f"share_{name}" for name in OUTCOME_CODES.values())
QUOTIENTS = {
    "fill": ("used", "needed"),
    "hub_share_of_supply": ("shipped_hub", "shipped"),
    "far_share_of_supply": ("shipped_far", "shipped"),
}


@dataclass(frozen=True)
class Statement:
    """What is claimed of an outcome over all worlds: the mean of `event` reaches `level`."""

    text: str
    level: float
    event: Callable[[F64], F64]
    unit: str
    """Of `event` and of the worth of knowing."""
    failing: str
    """The worlds in which it fails, in words."""

    def fails(self, values: F64) -> npt.NDArray[np.bool_]:
        """The worlds that count against it: those in which the event did not come, or did not exceed the level."""
        event = self.event(values)
        failed: npt.NDArray[np.bool_] = event < 0.5 if self.unit == "worlds" else event <= self.level
        return failed

    def holds(self, values: F64) -> bool:
        """Whether it holds over worlds; values without meaning (NaN) left out. A dividend has to exceed its level."""
        mean = float(self.event(values[np.isfinite(values)]).mean())
        return bool(mean >= self.level if self.unit == "worlds" else mean > self.level)

    def worth(self, given: Curve) -> float:
        """Expected value of knowing one input before one chooses whether to rely on the statement.

        Relying yields `event` − `level` in a world, not relying nothing, so that one relies where the statement holds. Expected
        value of partial perfect information (Raiffa and Schlaifer 1961), E[max(0, E[gain | input])] − max(0, E[gain]), with
        the conditional mean `given` from the sample itself (Strong, Oakley and Brennan 2014). At a level of one half twice
        that is the share of worlds judged rightly that is added, and is given so.
        """
        gain = given.mean - self.level
        return self._scale * float(given.weight @ np.maximum(0, gain) - max(0.0, float(given.weight @ gain)))

    def worth_error(self, given: Curve) -> float:
        """Standard error of `worth`: it is a mean over futures, of the gain where the choice is another than it would be."""
        gain = given.mean - self.level
        changed = np.where(gain < 0, gain, 0.0) if given.weight @ gain > 0 else np.where(gain > 0, gain, 0.0)
        squares = given.weight @ np.where(changed != 0, given.variance + changed**2, 0.0) - (given.weight @ changed) ** 2
        return self._scale * sqrt(max(0.0, float(squares)) / given.futures)

    @property
    def _scale(self) -> float:
        return 2.0 if self.unit == "worlds" and self.level == 0.5 else 1.0


@dataclass(frozen=True, order=True)
class Target:
    """One number of a run: outcome, ecosystem, war case (none for reach), front (theater or side for some), mission (or materiel)."""

    outcome: str
    ecosystem: str
    war_case: str | None
    front: str
    mission: str
    against: str | None = None
    """The ecosystem that a dividend is counted from."""

    @property
    def label(self) -> str:
        words = [self.outcome, self.front, self.mission, self.war_case or "", self.ecosystem]
        return " · ".join(w for w in words if w) + (f" against {self.against}" if self.against else "")

    def columns(self) -> tuple[str, ...]:
        """Columns of outcomes that it takes."""
        view = f"{self.front}.{self.mission}"
        if self.outcome in SHARES:
            return (f"outcome.{view}",)
        if self.outcome in QUOTIENTS or self.outcome == DIVIDEND:
            return tuple(f"{name}.{view}" for name in QUOTIENTS["fill" if self.outcome == DIVIDEND else self.outcome])
        return (f"{self.outcome}.{view}",)

    def value(self, column: Column) -> F64:
        """(futures,) from the columns of one ecosystem; NaN where a quotient has no denominator."""
        found = [column(name).astype(np.float64) for name in self.columns()]
        if self.outcome in SHARES:
            code = next(c for c, name in OUTCOME_CODES.items() if self.outcome == f"share_{name}")
            came: F64 = (found[0] == code).astype(np.float64)
            return came
        if len(found) == 1:
            return found[0]
        top, whole = found
        quotient: F64 = np.divide(top, whole, out=np.full_like(top, np.nan), where=whole > 0)
        return quotient

    def paired(self, column: Callable[[str, str], F64]) -> F64:
        """(futures,) from the columns of any ecosystem, called with column and ecosystem: less the ecosystem that it counts from."""
        here = self.value(lambda name: column(name, self.ecosystem))
        base = self.against
        return here if base is None else here - self.value(lambda name: column(name, base))

    def statement(self, at: float | None = None) -> Statement | None:
        """The headline that an input may flip: a share of need of 0.8 in most worlds, a side sustained in most worlds, a dividend.

        `at`: another level. Other outcomes have a statement only where a level is given: at least so much in most worlds.
        """
        if self.outcome in SHARES:
            most = 0.5 if at is None else at
            what = self.outcome.removeprefix("share_").replace("_", " ")
            return Statement(
                f"{what} in at most {most:.0%} of worlds", 1 - most, lambda y: 1 - y, "worlds", f"worlds with {what}"
            )
        if self.outcome == DIVIDEND:
            least = 0.0 if at is None else at
            return Statement(
                f"{self.ecosystem} meets more than {self.against} by over {least:g}, on average",
                least,
                lambda y: y,
                "share of need",
                f"worlds without a dividend over {least:g}",
            )
        if at is None and self.outcome != "fill":
            return None
        least = MET if at is None else at
        return Statement(
            f"{self.outcome} of at least {least:g} in most worlds",
            0.5,
            lambda y: (y >= least).astype(np.float64),
            "worlds",
            f"worlds with {self.outcome} below {least:g}",
        )


def targets(results: Results, **wanted: str | None) -> list[Target]:
    """Outcomes of a run that match all names given (outcome, ecosystem, war_case, front, mission).

    What is not named is taken as the headline has it: the hardest war case, the first ecosystem (for a dividend the last), fronts
    that defend, share of need met, worlds in which the defence is unsustained, and dividend. Raises InputError for unknown names.
    """
    everything = list(every_target(results))
    problems = [
        Problem(
            "command line", None, key, value, ", ".join(sorted({str(getattr(t, key)) for t in everything})[:60]), "no such one"
        )
        for key, value in wanted.items()
        if value is not None and value not in {str(getattr(t, key)) for t in everything}
    ]
    if problems:
        raise InputError(problems)
    found = [t for t in everything if all(v is None or str(getattr(t, k)) == v for k, v in wanted.items())]
    if wanted.get("outcome") is None:
        found = [t for t in found if t.outcome in ("fill", "share_defence_unsustained", DIVIDEND)]
    if wanted.get("front") is None and wanted.get("outcome") is None:
        attacks = {f["front"] for f in results.study["fronts"] if f["role"] == "attacker"}
        found = [t for t in found if t.front not in attacks]
    if wanted.get("war_case") is None and any(t.war_case for t in found):
        hardest = main_case(results, found)
        found = [t for t in found if t.war_case in (None, hardest)]
    if wanted.get("ecosystem") is None:
        ecosystems = [e["name"] for e in results.study["ecosystems"]]
        found = [t for t in found if t.ecosystem == ecosystems[-1 if t.outcome == DIVIDEND else 0]]
    if not found:
        given = ", ".join(f"{k} {v}" for k, v in wanted.items() if v is not None)
        raise InputError([Problem("command line", None, None, given, "names that occur together in the run", "no such result")])
    return found


def check_level(chosen: Sequence[Target], at: float | None) -> None:
    """Raises InputError where a level means nothing for one of the outcomes: not a number, or a share of worlds outside 0 to 1."""
    if at is None:
        return
    problems = []
    if not isfinite(at):
        problems.append(Problem("command line", None, "at", str(at), "a number", "no level"))
    elif not 0 < at < 1 and (shares := sorted({t.outcome for t in chosen if t.outcome in SHARES})):
        problems.append(
            Problem("command line", None, "at", f"{at:g} for {', '.join(shares)}", "above 0 and below 1", "no share of worlds")
        )
    if problems:
        raise InputError(problems)


def main_case(results: Results, among: list[Target]) -> str:
    """Of the war cases that occur, the one with most theaters at war, earliest, without exchange."""
    present = {t.war_case for t in among}
    cases = [c for c in results.study["war_cases"] if c["name"] in present]
    best = max(cases, key=lambda c: (not c.get("exchange"), len(c["starts"]), -sum(c["starts"].values())))
    return str(best["name"])


def every_target(results: Results) -> Iterator[Target]:
    """Every number of a run that one may ask about."""
    manifest = results.manifest
    ecosystems = [e["name"] for e in results.study["ecosystems"]]
    for eco in ecosystems:
        for case in (c["name"] for c in results.study["war_cases"]):
            for view in (v for v in manifest["views"] if results.at_war(case, v)):
                front, mission = view.rsplit(".", 1)
                for outcome in (*QUOTIENTS, *PER_FRONT):
                    yield Target(outcome, eco, case, front, mission)
                if eco != ecosystems[0]:
                    yield Target(DIVIDEND, eco, case, front, mission, ecosystems[0])
            for duel in (d for d in manifest["duels"] if results.at_war(case, d)):
                theater, mission = duel.rsplit(".", 1)
                for outcome in SHARES:
                    yield Target(outcome, eco, case, theater, mission)
            for name in manifest["columns"]:
                if name.startswith("years_to_rebuild.") or name.split(".", 1)[0] in PER_SIDE:
                    outcome, side, what = name.split(".", 2)
                    yield Target(outcome, eco, case, side, what)
        for front in results.study["fronts"]:
            for theater, mission, _ in manifest["tiers"]:
                if theater == front["theater"]:
                    for measure in MEASURES:
                        yield Target(measure, eco, None, front["front"], mission)


def stored(results: Results, chosen: list[Target]) -> dict[Target, F64]:
    """Values of outcomes in the first futures of a run, chunk by chunk: target → (futures,)."""
    parts: dict[Target, list[F64]] = {t: [] for t in chosen}
    fought = [t for t in chosen if t.war_case is not None]
    read = 0
    wanted = dict.fromkeys(c for t in fought for c in t.columns())
    for table in results.folder.tables("outcomes", ["ecosystem", "war_case", *wanted]) if fought else ():
        eco, case = (np.asarray(table.column(k).to_pandas().astype(str)) for k in ("ecosystem", "war_case"))
        for t in fought:
            parts[t].append(t.paired(_Cells(table, eco, case == t.war_case)))
        read += len(parts[fought[0]][-1])
        if read >= MOST_FUTURES:
            break
    if static := [t for t in chosen if t.war_case is None]:
        frame = results.folder.columns("reach", ["future", "ecosystem", "front", "mission", *MEASURES]).to_pandas()
        for t in static:
            mine = (frame["ecosystem"] == t.ecosystem) & (frame["front"] == t.front) & (frame["mission"] == t.mission)
            parts[t].append(frame.loc[mine, t.outcome].to_numpy(np.float64)[:MOST_FUTURES])
    return {t: np.concatenate(found)[:MOST_FUTURES] for t, found in parts.items()}


PROBED = 32
"""Futures in which an input is moved, to see whether it does anything; and half as many of those where an event came."""

_BATCH = 1024

RARE = 0.1
"""Variance of an event below which it is rare: it comes in under a ninth of all worlds, or in over eight ninths."""


def moved(
    plan: Plan, doubted: Mapping[Target, Sequence[str]], values: Mapping[Target, F64]
) -> Iterator[tuple[Target, dict[str, float]]]:
    """How far an outcome changes when an input is moved to an end of its range: mean square of the change by twice the variance.

    Exactly 0 where nothing changes in any future, and at least the input's total share of variance in expectation, ends being
    further away than other draws. The campaigns are run again, some futures of the run with one input moved, many inputs at once.
    `values`: stored outcomes. Of a rare event, futures in which it came are among those looked at, and any change counts as far.
    """
    for case in sorted({t.war_case or "" for t in doubted}):
        mine = [t for t in doubted if (t.war_case or "") == case]
        names = sorted({n for t in mine for n in doubted[t]})
        if not names:
            continue
        rare = [np.flatnonzero(values[t] == 1)[: PROBED // 2] for t in mine if _rare(t, values[t])]
        picked = np.unique(np.concatenate([np.arange(min(PROBED, plan.study.futures)), *rare])).astype(np.int64)
        base = {n: v[picked] for n, v in plan.design.draw(0, int(picked.max()) + 1).items()}
        before = _several(plan, mine, base)
        found: dict[Target, dict[str, float]] = {t: {} for t in mine}
        size = max(1, _BATCH // len(picked))
        ends = np.where(np.arange(len(picked)) % 2, 0.99, 0.01)
        for first in range(0, len(names), size):
            part = names[first : first + size]
            draws = {n: np.tile(v, len(part)) for n, v in base.items()}
            for k, name in enumerate(part):
                draws[name][k * len(picked) : (k + 1) * len(picked)] = plan.design.by_name[name].quantile(ends)
            after = _several(plan, mine, draws)
            for t in mine:
                change = np.nan_to_num(after[t].reshape(len(part), -1) - before[t])
                far = np.square(change).mean(axis=1) / (2 * max(float(np.nanvar(values[t])), 1e-300))
                for n, one in zip(part, far.tolist(), strict=True):
                    found[t][n] = float("inf") if one and _rare(t, values[t]) else one
        yield from ((t, {n: found[t][n] for n in doubted[t]}) for t in mine)


def _rare(target: Target, values: F64) -> bool:
    """Whether an event comes, or stays away, so seldom that some futures say little of it."""
    return target.outcome in SHARES and float(values.var()) < RARE


def _several(plan: Plan, chosen: Sequence[Target], draws: Mapping[str, F64]) -> dict[Target, F64]:
    """Outcomes of one war case from one set of draws, campaigns run once for each ecosystem."""
    runs: dict[str, dict[str, F64]] = {}
    out = {}
    for t in chosen:
        if t.war_case is None:
            out[t] = simulated(plan, t, draws)
            continue
        for e in (t.ecosystem, t.against):
            if e is not None and e not in runs:
                runs[e] = campaigns(plan, e, t.war_case, draws)
        out[t] = t.paired(lambda name, ecosystem: runs[ecosystem][name])
    return out


@dataclass(frozen=True)
class _Cells:
    """Columns of a stored table for one war case, by ecosystem."""

    table: pa.Table
    ecosystems: npt.NDArray[np.str_]
    mine: npt.NDArray[np.bool_]

    def __call__(self, column: str, ecosystem: str) -> F64:
        found: F64 = self.table.column(column).to_numpy()[self.mine & (self.ecosystems == ecosystem)]
        return found


def simulated(plan: Plan, target: Target, draws: Mapping[str, F64]) -> F64:
    """The outcome computed from draws: (futures,). Equal to what a run stores of the same draws."""
    if target.war_case is None:
        rule = next(e.rule() for e in plan.study.ecosystems if e.name == target.ecosystem)
        return reach(plan.wide, rule, draws)[target.front, target.mission][target.outcome]
    return _several(plan, [target], draws)[target]


def campaigns(plan: Plan, ecosystem: str, war_case: str, draws: Mapping[str, F64]) -> dict[str, F64]:
    """All outcomes of the campaigns of one ecosystem and war case: column → (futures,)."""
    rule = next(e.rule() for e in plan.study.ecosystems if e.name == ecosystem)
    case = next(c for c in plan.study.war_cases if c.name == war_case)
    inputs = campaign_inputs(plan.supply, rule, draws, plan.fill_rules).with_exchange(case.exchange)
    run = run_campaigns(inputs, case.starts, plan.theaters, plan.study.horizon_weeks)
    return {c: run.outcomes[:, i].astype(np.float64) for i, c in enumerate(run.columns)}


def inputs_of(results: Results) -> tuple[tuple[str, ...], npt.NDArray[np.float32]]:
    """Inputs that vary between futures, and their values in the first futures: names, (futures, inputs)."""
    parts: list[npt.NDArray[np.float32]] = []
    names: list[str] = []
    read = 0
    for table in results.folder.tables("futures"):
        names = [c for c in table.column_names if c != "future"]
        parts.append(np.stack([table.column(c).to_numpy() for c in names], axis=1))
        read += len(parts[-1])
        if read >= MOST_FUTURES:
            break
    values = np.concatenate(parts)[:MOST_FUTURES]
    varies = values.max(axis=0) > values.min(axis=0)
    return tuple(n for n, v in zip(names, varies, strict=True) if v), values[:, varies]


class _Reads(Mapping[str, F64]):
    """Draws that remember which of them were asked for."""

    def __init__(self, draws: Mapping[str, F64]) -> None:
        self.draws = draws
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> F64:
        value = self.draws[name]
        self.names.add(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self.draws)

    def __len__(self) -> int:
        return len(self.draws)

    def values(self) -> ValuesView[F64]:
        return self.draws.values()


def inputs_read(plan: Plan, target: Target) -> frozenset[str]:
    """Uncertainties that the model reads on the way to an outcome. Others, such as templates of lines, cannot move it."""
    reads = _Reads(plan.design.draw(0, LANES))
    simulated(plan, target, reads)
    return frozenset(reads.names)
