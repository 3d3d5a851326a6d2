"""Named excursions from a study: small study files on a common base, run on the same futures, compared by paired differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from isthmus.errors import Problem, StudyError
from isthmus.register import Register
from isthmus.study.layers import main_case
from isthmus.study.plan import Plan, make_plan
from isthmus.study.results import Results
from isthmus.study.runner import start
from isthmus.study.schema import Study, studies_root

EXCURSION_FUTURES = 1024

COLUMNS = (
    "excursion",
    "title",
    "ecosystem",
    "war_case",
    "front",
    "mission",
    "outcome",
    "base",
    "value",
    "difference",
    "standard_error",
    "low",
    "high",
)


def shipped() -> list[Path]:
    """Excursions that ship with Isthmus, by name."""
    return sorted((studies_root() / "excursions").glob("*.yaml"))


def chosen(names: Sequence[str]) -> list[Path]:
    """Files by path, or shipped excursions by name; all shipped ones where none is named. Raises StudyError for unknown ones."""
    known = {p.stem: p for p in shipped()}
    if not names:
        return list(known.values())
    problems = [
        Problem(name, None, None, "no such file", f"a path, or one of: {', '.join(known)}", "excursion not found")
        for name in names
        if name not in known and not Path(name).is_file()
    ]
    if problems:
        raise StudyError(problems)
    return [known.get(name, Path(name)) for name in names]


def run_excursions(
    base: str,
    files: Sequence[Path],
    register: Register,
    out: Path,
    futures: int = EXCURSION_FUTURES,
    step: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """The base and every excursion, each a run under `out`; paired differences from the base, columns :data:`COLUMNS`.

    Excursions draw the same futures as their base, so they must have the same shared uncertainties; a war case or an ecosystem is
    compared where both have one of its name. Raises StudyError where an excursion draws otherwise.
    """
    plans = {"base": make_plan(Study.load(base), register, futures=futures)}
    problems = []
    for path in files:
        plan = make_plan(Study.load(path), register, futures=futures, seed=plans["base"].study.seed)
        if plan.design.shared != plans["base"].design.shared:
            other = sorted(set(plan.design.shared) ^ set(plans["base"].design.shared))
            problems.append(
                Problem(
                    str(path),
                    None,
                    None,
                    ", ".join(other[:5]) + (" …" if len(other) > 5 else ""),
                    "the shared uncertainties of the base",
                    "the excursion draws other futures than its base",
                )
            )
        plans[path.stem] = plan
    if problems:
        raise StudyError(problems)
    total, done = sum(p.campaigns for p in plans.values()), 0
    found = {}
    for name, plan in plans.items():

        def forward(now: int, _: int, before: int = done) -> None:
            if step:
                step(before + now, total)

        start(plan, out / f"{name}-{plan.study.digest()[:8]}-{futures}", forward, layers=False)
        found[name] = Results.open(out / f"{name}-{plan.study.digest()[:8]}-{futures}")
        done += plan.campaigns
    return pd.concat([scorecard(name, plans[name], found["base"], r) for name, r in found.items() if name != "base"])


def scorecard(name: str, plan: Plan, base: Results, other: Results) -> pd.DataFrame:
    """Paired differences of one excursion: need met, and the share of worlds in which the defence is unsustained."""
    rows = []
    before, after = base.outcomes, other.outcomes
    for (eco, case), part in after.groupby(["ecosystem", "war_case"], observed=True, sort=False):
        first = before[(before["ecosystem"] == eco) & (before["war_case"] == case)]
        if not len(first) or len(first) != len(part):
            continue
        pairs = [
            (*view.rsplit(".", 1), "need_met", _need_met(first, view), _need_met(part, view))
            for view in other.manifest["views"]
            if other.at_war(str(case), view)
        ]
        pairs += [
            (*duel.rsplit(".", 1), f"share_{label}", *((f[f"outcome.{duel}"].to_numpy() == code) * 1.0 for f in (first, part)))
            for duel in other.manifest["duels"]
            if other.at_war(str(case), duel)
            for code, label in ((1, "defence_unsustained"), (2, "attack_unsustained"))
        ]
        for front, mission, outcome, old, new in pairs:
            change = new - old
            low, high = np.quantile(change, (0.05, 0.95))
            error = float(change.std(ddof=1) / sqrt(len(change))) if len(change) > 1 else float("nan")
            rows.append(
                (
                    name,
                    plan.study.title,
                    str(eco),
                    str(case),
                    front,
                    mission,
                    outcome,
                    float(old.mean()),
                    float(new.mean()),
                    float(change.mean()),
                    error,
                    float(low),
                    float(high),
                )
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _need_met(frame: pd.DataFrame, view: str) -> npt.NDArray[np.float64]:
    used, needed = (frame[f"{name}.{view}"].to_numpy(np.float64) for name in ("used", "needed"))
    met: npt.NDArray[np.float64] = np.divide(used, needed, out=np.ones_like(used), where=needed > 0)
    return met


def headline(frame: pd.DataFrame, base: Study) -> pd.DataFrame:
    """The rows of a scorecard that fit on a screen: the base's first ecosystem in its hardest war case."""
    case = main_case(base).name
    return frame[(frame["ecosystem"] == base.ecosystems[0].name) & (frame["war_case"] == case)]
