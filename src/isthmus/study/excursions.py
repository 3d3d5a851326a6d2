"""Named excursions from a study: small study files on a common base, run on the same futures, compared by paired differences."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from isthmus.errors import InputError, Problem, StudyError
from isthmus.register import Register
from isthmus.study.layers import main_case
from isthmus.study.plan import Plan, make_plan
from isthmus.study.results import Results
from isthmus.study.runner import run_id, start
from isthmus.study.schema import Study, studies_root

EXCURSION_FUTURES = 1024

SCORECARD = "scorecard.json"
"""Name of the saved scorecard in the folder of the excursions' runs."""

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

    Excursions draw the same futures as their base, so they must have the same shared uncertainties; a war case, an ecosystem or a
    front is compared where both have one of its name. A run that is there already is not computed again. Raises StudyError where
    an excursion draws otherwise, or two have one name.
    """
    plans = {"base": make_plan(Study.load(base), register, futures=futures)}
    problems = []
    for path in files:
        if path.stem in plans:
            message = "two excursions of one name" if path.stem != "base" else "the name of the base itself"
            problems.append(Problem(str(path), None, None, path.stem, "a file name of its own", message))
            continue
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

        folder = out / run_id(plan)
        start(plan, folder, forward, layers=False)
        found[name] = Results.open(folder)
        done += plan.campaigns
    return pd.concat([scorecard(name, plans[name], found["base"], r) for name, r in found.items() if name != "base"])


def scorecard(name: str, plan: Plan, base: Results, other: Results) -> pd.DataFrame:
    """Paired differences of one excursion: need met, and the share of worlds in which the defence is unsustained."""
    rows = []
    columns = [
        f"{what}.{view}" for view in other.manifest["views"] for what in ("used", "needed") if view in base.manifest["views"]
    ]
    columns += [f"outcome.{duel}" for duel in other.manifest["duels"] if duel in base.manifest["duels"]]
    before, after = base.select(columns), other.select(columns)
    for (eco, case), part in after.groupby(["ecosystem", "war_case"], observed=True, sort=False):
        first = before[(before["ecosystem"] == eco) & (before["war_case"] == case)]
        if not len(first) or len(first) != len(part):
            continue
        pairs = [
            (*view.rsplit(".", 1), "need_met", _need_met(first, view), _need_met(part, view))
            for view in other.manifest["views"]
            if _compared(base, other, "views", view, str(case))
        ]
        pairs += [
            (*duel.rsplit(".", 1), f"share_{label}", *((f[f"outcome.{duel}"].to_numpy() == code) * 1.0 for f in (first, part)))
            for duel in other.manifest["duels"]
            if _compared(base, other, "duels", duel, str(case))
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


def _compared(base: Results, other: Results, kind: str, name: str, case: str) -> bool:
    """Whether a view or duel exists and is at war in both runs."""
    return name in base.manifest[kind] and base.at_war(case, name) and other.at_war(case, name)


def _need_met(frame: pd.DataFrame, view: str) -> npt.NDArray[np.float64]:
    used, needed = (frame[f"{name}.{view}"].to_numpy(np.float64) for name in ("used", "needed"))
    met: npt.NDArray[np.float64] = np.divide(used, needed, out=np.ones_like(used), where=needed > 0)
    return met


def headline(frame: pd.DataFrame, base: Study) -> pd.DataFrame:
    """The rows of a scorecard that fit on a screen: the base's first ecosystem in its hardest war case."""
    case = main_case(base).name
    return frame[(frame["ecosystem"] == base.ecosystems[0].name) & (frame["war_case"] == case)]


def write_scorecard(frame: pd.DataFrame, base: Study, register: Register, futures: int, out: Path) -> Path:
    """Save a scorecard as `out/scorecard.json`, with what it was made with, for the report of a run of the same base."""
    document = {
        "study": base.study,
        "register": register.hash,
        "futures": futures,
        "ecosystem": base.ecosystems[0].name,
        "war_case": main_case(base).name,
        "defending": sorted({f.front for f in base.fronts if f.role == "defender"} | {f.theater for f in base.fronts}),
        "rows": frame.astype(object).where(frame.notna(), None).to_dict("records"),
    }
    path = out / SCORECARD
    path.write_text(json.dumps(document, ensure_ascii=False, allow_nan=False, indent=0) + "\n", encoding="utf-8")
    return path


def read_scorecard(path: Path) -> dict[str, Any]:
    """A scorecard that was saved, by its file or its folder. Raises InputError for anything else."""
    path = path / SCORECARD if path.is_dir() else path
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        known = ("study", "register", "futures", "ecosystem", "war_case", "defending", "rows")
        if not isinstance(found, dict) or any(key not in found for key in known) or not isinstance(found["rows"], list):
            raise ValueError
        if any(not isinstance(row, dict) or any(c not in row for c in COLUMNS) for row in found["rows"]):
            raise ValueError
    except (OSError, ValueError):
        problem = Problem(str(path), None, None, "no scorecard", "what isthmus excursions --out DIR wrote", "cannot be read")
        raise InputError([problem]) from None
    return found
