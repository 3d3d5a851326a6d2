"""Abandonment and access: a run's study again with something changed, and which allied effort brings back what that loses.

Everything runs on the run's own first futures, so that every difference is paired.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import yaml

from isthmus.axes import LAYERS, Layer
from isthmus.deterrence.inputs import Inputs
from isthmus.deterrence.results import Row, absence_rows, fallen, restoration_rows
from isthmus.errors import InputError, Problem, RunError, StudyError
from isthmus.study.deterring import MOST_FUTURES, first_futures, from_run, price_ranges_of, simulate
from isthmus.study.excursions import shipped
from isthmus.study.plan import Plan, make_plan
from isthmus.study.results import Results
from isthmus.study.runner import plan_of
from isthmus.study.schema import EcosystemSpec, Study, find

Step = Callable[[int, int], None]

ABSENCE_FUTURES = 1024
"""The first futures of a run, in which something is changed."""

EVERY_ALLY = "each"
"""In place of an actor: every belligerent of a defending front, one at a time."""

NOT_LAID_OVER = ("base", "study", "title", "date", "futures", "seed")
"""Keys of a study file that say which study it is and not what is changed."""


@dataclass(frozen=True)
class Variant:
    """The study of a run with something changed."""

    name: str
    plan: Plan


def left_out(plan: Plan, actors: Sequence[str]) -> list[Variant]:
    """One variant an actor, who neither fights nor gives; `each` stands for all belligerents. Raises InputError for unknown ones."""
    known = belligerents(plan)
    asked = list(known) if list(actors) == [EVERY_ALLY] else list(actors)
    everybody = set(plan.register.table("actors")["actor_id"])
    problems = [
        Problem("command line", None, "--without", a, ", ".join(known), "no such actor") for a in asked if a not in everybody
    ]
    if problems:
        raise InputError(problems)
    return [_variant(plan, actor, {"absent": tuple(dict.fromkeys((*plan.study.absent, actor)))}) for actor in asked]


def belligerents(plan: Plan) -> list[str]:
    """Actors that fight, if they keep their word, on a defending front."""
    found = [
        p.actor_id
        for f in plan.supply.setting.fronts
        if f.role == "defender"
        for p in f.participants
        if p.fights is not None and not p.fights.startswith("fights.local")
    ]
    return sorted(set(found))


def divided(plan: Plan, shares: Sequence[float]) -> list[Variant]:
    """One variant a share of the hub's stocks and output that is kept for the first theater, the rest for the second.

    Raises InputError for a study of other than two theaters, or a share outside 0 to 1.
    """
    theaters = list(dict.fromkeys(f.theater for f in plan.study.fronts))
    problems = [
        Problem("command line", None, "--split", f"{s:g}", "0 to 1", "no share of a stock") for s in shares if not 0 <= s <= 1
    ]
    if shares and len(theaters) != 2:
        problems.append(
            Problem("command line", None, "--split", ", ".join(theaters), "two theaters", "nothing to divide between")
        )
    if problems:
        raise InputError(problems)
    parts = [dict(zip(theaters, (share, 1 - share), strict=True)) for share in shares]
    return [_variant(plan, "hub split: " + ", ".join(f"{t} {s:.2g}" for t, s in p.items()), {"hub_split": p}) for p in parts]


def laid_over(plan: Plan, names: Sequence[str]) -> list[Variant]:
    """What study files change of their base, changed in this run's study instead: shipped studies and excursions by name, or paths.

    The keys that a file with a base states replace those of the run, its ranges of uncertainties are laid over the run's. A file
    without a base is a whole study. Raises StudyError for files that are none, and where the outcome is no study.
    """
    out = []
    for name in names:
        path = _study_file(name)
        other = Study.load(path)
        stated = yaml.safe_load(path.read_text(encoding="utf-8"))
        keys = (set(stated) if "base" in stated else set(Study.model_fields)) - set(NOT_LAID_OVER)
        change: dict[str, Any] = {key: getattr(other, key) for key in keys}
        if "uncertainties" in change:
            change["uncertainties"] = {**plan.study.uncertainties, **other.uncertainties}
        out.append(_variant(plan, other.title, change))
    return out


def _study_file(name: str) -> Path:
    """A shipped excursion or study by name, or a path. Raises StudyError with all names where there is none of it."""
    excursions = {p.stem: p for p in shipped()}
    if name in excursions:
        return excursions[name]
    try:
        return find(name)
    except StudyError as error:
        allowed = f"the folder of a run, {error.problems[0].allowed}, {', '.join(excursions)}"
        raise StudyError([Problem("command line", None, "--against", name, allowed, "no such run, study or excursion")]) from None


def _variant(plan: Plan, name: str, change: Mapping[str, Any]) -> Variant:
    study = plan.study.model_copy(update=dict(change))
    study.check_names(name)
    other = make_plan(study, plan.register)
    if other.design.shared != plan.design.shared:
        found = ", ".join(sorted(set(other.design.shared) ^ set(plan.design.shared))[:5])
        raise StudyError([Problem(name, None, None, found, "the shared uncertainties of the run", "the futures are not paired")])
    return Variant(name, other)


def changed(plan: Plan, base: Inputs, variants: Sequence[Variant], step: Step | None = None) -> list[Row]:
    """Margins of every variant in the run's first and last ecosystem, beside those of the run."""
    ends = list(dict.fromkeys((base.ecosystems[0], base.ecosystems[-1])))
    futures = min(ABSENCE_FUTURES, plan.study.futures)
    cut, ranges = first_futures(base, futures), price_ranges_of(plan)
    rows: list[Row] = []
    for done, one in enumerate(variants):
        rows += absence_rows(cut, simulate(one.plan, futures, ends, ranges), one.name)
        if step:
            step(done + 1, len(variants))
    return rows


def compared(results: Results, base: Inputs, others: Sequence[Results]) -> list[Row]:
    """Margins of other runs of the same futures, by the title of their study. Raises RunError where a run is not paired."""
    rows = []
    for other in others:
        asked = [(f"study.{key}", results.study[key], other.study[key]) for key in ("seed", "horizon_weeks")]
        asked.append(("register", *(r.manifest["register"]["hash"][:16] for r in (results, other))))
        problems = [
            Problem(str(other.folder.root), None, key, str(theirs), str(ours), "the runs are not paired")
            for key, ours, theirs in asked
            if ours != theirs
        ]
        if problems:
            raise RunError(problems)
        found = replace(from_run(other), prices=base.prices)
        futures = min(results.study["futures"], other.study["futures"], MOST_FUTURES)
        window = min(base.window, found.window)
        ours, theirs = (replace(first_futures(i, futures), window=window) for i in (base, found))
        rows += absence_rows(ours, theirs, other.study["title"])
    return rows


def run_again(
    results: Results,
    base: Inputs,
    *,
    against: Sequence[str] = (),
    without: Sequence[str] = (),
    split: Sequence[float] = (),
    restore: Sequence[float] = (),
    step: Step | None = None,
) -> tuple[list[Row], list[Row]]:
    """Margins with something missing or otherwise, and of what that costs, what allied efforts of some sizes bring back.

    `against`: folders of runs, and names or files of studies. Raises InputError, StudyError, RunError as the functions below.
    """
    runs = [Results.open(Path(name)) for name in against if (Path(name) / "manifest.json").is_file()]
    studies = [name for name in against if not (Path(name) / "manifest.json").is_file()]
    if restore and not (studies or without or split):
        allowed = "--without, --split, or --against with a study"
        raise InputError([Problem("command line", None, "--restore", "nothing missing", allowed, "nothing to bring back")])
    found = compared(results, base, runs)
    if not (studies or without or split):
        return found, []
    plan = plan_of(results.manifest)
    if plan is None:
        allowed = "the register as it was when the run was made"
        raise RunError([Problem(str(results.folder.root), None, "register", "another one", allowed, "it cannot be run again")])
    asked, variants = _asked(plan, studies, without, split, restore)
    found += changed(plan, base, variants, step)
    return found, restorations(plan, base, variants, asked, step) if asked else []


def _asked(
    plan: Plan, studies: Sequence[str], without: Sequence[str], split: Sequence[float], restore: Sequence[float]
) -> tuple[list[Effort], list[Variant]]:
    """Efforts and variants of a command line. Raises InputError with everything that is wrong in any of its options."""
    efforts_of: list[Effort] = []
    variants: list[Variant] = []
    problems: list[Problem] = []
    for size in restore:
        try:
            efforts_of += efforts(plan, size)
        except InputError as error:
            problems += error.problems
    for vary in (
        partial(left_out, plan, without),
        partial(divided, plan, split),
        *(partial(laid_over, plan, [name]) for name in studies),
    ):
        try:
            variants += vary()
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return efforts_of + (layer_efforts(plan) if restore else []), variants


# Efforts of those who stay


@dataclass(frozen=True)
class Effort:
    """Something that those who stay could do more of: draws times factors, or layers as in the run's last ecosystem."""

    name: str
    lever: str
    """What it multiplies, in words; the uncertainties are those of these names."""
    holds_for: Literal["defenders", "both sides"]
    size: float | None = None
    """By how much more, a share; None for layers, which are there or not."""
    factors: Mapping[str, float] | None = None
    """Uncertainty → factor on what is drawn, as `times` in a study file."""
    layers: tuple[Layer, ...] = ()

    def applied(self, plan: Plan) -> Plan:
        """The plan whose first ecosystem holds the layers of this effort as its last does."""
        if not self.layers:
            return plan
        mix = _mixed(plan.study, self.layers)
        return replace(plan, study=plan.study.model_copy(update={"ecosystems": (mix, *plan.study.ecosystems[1:])}))


def efforts(plan: Plan, size: float) -> list[Effort]:
    """Efforts of one size, so that they can be ranked: half as much again is a factor of 1.5, or of 1/1.5 where less is more.

    Equal size is not equal cost: nothing here is priced. Raises InputError for a size that is not above 0.
    """
    if not size > 0:
        raise InputError([Problem("command line", None, "--restore", f"{size:g}", "above 0", "no effort")])
    more, less = 1 + size, 1 / (1 + size)
    setting = plan.supply.setting
    fronts = [f for f in setting.fronts if f.role == "defender"]
    sides = {f.side for f in fronts}
    mine = [r.side in sides for r in plan.supply.rows]
    lines = [line for line in plan.supply.lines if mine[line.row]]
    inputs = [s for s in plan.supply.stages if all(mine[plan.supply.lines[i].row] for i in s.lines)]
    stocks = [r.stock for r, own in zip(plan.supply.rows, mine, strict=True) if own]
    output = [name for x in lines for name in (x.base, x.plan)] + [name for s in inputs for name in (s.capacity, s.plan)]
    desks = [f"desk.common:{f.front_id}" for f in fronts]
    desks += [f"desk:{d.actor_id}@{f.front_id}" for d in plan.supply.desks for f in [setting.fronts[d.front]] if f in fronts]
    fights = [f"fights:{p.actor_id}@{f.theater}" for f in fronts for p in f.participants]
    # What the register states once for both sides cannot be changed for one.
    floors = [n for n in plan.design.by_name if n.startswith("floor.")]
    parts: list[tuple[str, str, Sequence[str | None], float, Literal["defenders", "both sides"]]] = [
        ("larger stocks", "stock", stocks, more, "defenders"),
        ("more output", "line.base, line.plan, input", output, more, "defenders"),
        ("decisions with less hesitation", "desk, desk.common", desks, less, "defenders"),
        ("allies likelier to fight", "fights", fights, less, "defenders"),
        ("more lift", "lift", [f"lift.{s}" for s in sorted(sides)], more, "defenders"),
        ("lower floors", "floor", floors, less, "both sides"),
    ]
    known = plan.design.by_name
    found = []
    for name, lever, names, factor, who in parts:
        factors = {n: factor for n in names if n is not None and n in known}
        if factors:
            found.append(Effort(name, lever, who, size, factors))
    return found


def layer_efforts(plan: Plan) -> list[Effort]:
    """Each layer as in the run's last ecosystem, and all of them; none where the run has one ecosystem only."""
    first, last = plan.study.ecosystems[0], plan.study.ecosystems[-1]
    if first.rule() == replace(last.rule(), name=first.name):
        return []
    each = [Effort(f"{layer} as in {last.name}", layer, "both sides", layers=(layer,)) for layer in LAYERS]
    return [*each, Effort(f"all layers as in {last.name}", "all layers", "both sides", layers=tuple(LAYERS))]


def _mixed(study: Study, layers: Sequence[Layer]) -> EcosystemSpec:
    """The first ecosystem, by its name, with some layers as in the last."""
    first, last = study.ecosystems[0], study.ecosystems[-1]
    of = {layer: last if layer in layers else first for layer in LAYERS}
    return EcosystemSpec(
        name=first.name,
        threshold=first.threshold,
        layers={layer: spec.layers.get(layer, spec.threshold) for layer, spec in of.items()},
        complete=tuple(layer for layer in LAYERS if layer in of[layer].complete),
    )


def restorations(
    plan: Plan, base: Inputs, variants: Sequence[Variant], asked: Sequence[Effort], step: Step | None = None
) -> list[Row]:
    """Of what every variant costs the margin in the run's first ecosystem: how much each effort brings back, the most first.

    Only in war cases in which a margin falls by more than two standard errors: elsewhere there is nothing to bring back.
    """
    futures = min(ABSENCE_FUTURES, plan.study.futures)
    cut, ranges = first_futures(base, futures), price_ranges_of(plan)
    first = [base.ecosystems[0]]
    rows: list[Row] = []
    for done, one in enumerate(variants):
        bare = simulate(one.plan, futures, first, ranges)
        cases = fallen(cut, bare)
        if not cases and step:
            step((done + 1) * len(asked), len(variants) * len(asked))
        mended = []
        for k, effort in enumerate(asked if cases else ()):
            label = {"effort": effort.name, "lever": effort.lever, "size": effort.size, "holds_for": effort.holds_for}
            mended.append((label, simulate(effort.applied(one.plan), futures, first, ranges, effort.factors, cases)))
            if step:
                step(done * len(asked) + k + 1, len(variants) * len(asked))
        rows += restoration_rows(cut, bare, mended, one.name)
    return rows
