"""A run as the sections of the report see it: its results, looked up by key, and names for readers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

from isthmus.errors import IsthmusError
from isthmus.register import Register
from isthmus.report.overlay import Marks, marks, read_marks
from isthmus.report.wording import Names
from isthmus.study.plan import Plan, make_plan
from isthmus.study.results import Results
from isthmus.study.schema import Study

TIERS = ("campaign", "magazine", "indicator")
Triple = tuple[float, float, float]
"""5th percentile, median, 95th percentile."""


def basis(results: Results, register: Register | None = None) -> tuple[Plan | None, str]:
    """The plan of the run, rebuilt from the register it was made with; or why that cannot be done.

    `register`: the one to try before that of the manifest and the shipped one, as with a private overlay on top.
    """
    wanted = results.manifest["register"]["hash"]
    root = Path(results.manifest["register"]["root"])
    seen = []
    loads: list[Callable[[], Register]] = [lambda: Register.load(root), Register.reference]
    if register is not None:
        given = register
        loads.insert(0, lambda: given)
    for load in loads:
        try:
            found = load()
            if found.hash == wanted:
                plan = make_plan(Study.model_validate(results.study), found)
                if plan.input_hash == results.manifest["input_hash"]:
                    return plan, ""
                return None, "this version of Isthmus draws its futures from other ranges than the version that made the run"
            seen.append(found.hash[:16])
        except (IsthmusError, OSError, ValueError) as bad:
            seen.append(type(bad).__name__)
    return (
        None,
        f"the run was made with the register {wanted[:16]}, and the register at hand is another one ({', '.join(dict.fromkeys(seen))})",
    )


class Context:
    """What every section needs of a run."""

    def __init__(self, results: Results, register: Register | None = None) -> None:
        self.results = results
        self.manifest = results.manifest
        self.study = results.study
        with ThreadPoolExecutor(1) as beside:
            digest = beside.submit(results.folder.digest)
            self.plan, self.reason = basis(results, register)
            self.digest = digest.result()
        self.marks: Marks | None = marks(self.plan) if self.plan else read_marks(results)
        self.names = Names(self.plan.register if self.plan else None)
        self.ecosystems = [str(e["name"]) for e in self.study["ecosystems"]]
        self.first, self.last = self.ecosystems[0], self.ecosystems[-1]
        self.ends = tuple(dict.fromkeys((self.first, self.last)))
        self.fronts = [str(f["front"]) for f in self.study["fronts"]]
        self.horizon = int(self.study["horizon_weeks"])
        self.futures = int(self.study["futures"])

    @property
    def campaign_marked(self) -> bool:
        """Whether what is simulated rests on rows of a private overlay."""
        return self.marks is not None and self.marks.campaign

    @property
    def war_cases(self) -> list[dict[str, Any]]:
        return list(self.study["war_cases"])

    @property
    def plain_cases(self) -> list[dict[str, Any]]:
        """War cases without force exchange."""
        return [c for c in self.war_cases if not c.get("exchange")]

    @property
    def widest_case(self) -> str:
        """The war case with most theaters at war, earliest; without exchange where there is one."""
        cases = self.plain_cases or self.war_cases
        return str(max(cases, key=lambda c: (len(c["starts"]), -sum(c["starts"].values())))["name"])

    def cases_of(self, theater: str) -> list[str]:
        """The war case of this theater alone and the one of every theater from the start; where neither exists, the first two with it."""
        theaters = {f["theater"] for f in self.study["fronts"]}
        cases = {c["name"]: c["starts"] for c in self.plain_cases or self.war_cases if theater in c["starts"]}
        alone = [n for n, starts in cases.items() if set(starts) == {theater}]
        both = [n for n, starts in cases.items() if set(starts) == theaters and not any(starts.values())]
        chosen = list(dict.fromkeys(alone[:1] + both[:1]))
        return chosen or list(cases)[:2]

    def theater_of(self, front: str) -> str:
        """Theater of a front; of a theater, itself."""
        return next((str(f["theater"]) for f in self.study["fronts"] if f["front"] == front), front)

    def defender(self, theater: str) -> str:
        return next(str(f["front"]) for f in self.study["fronts"] if f["theater"] == theater and f["role"] == "defender")

    def tier(self, front: str, mission: str) -> str:
        theater = self.theater_of(front)
        return next(str(name) for t, m, name in self.manifest["tiers"] if (t, m) == (theater, mission))

    def missions(self, front: str) -> list[str]:
        """Missions of a front, those simulated first."""
        return sorted({m for _, f, m, _ in self.reach if f == front}, key=lambda m: (TIERS.index(self.tier(front, m)), m))

    def held(self, front: str, mission: str) -> bool:
        """Whether the register knows of anything that the side holds or makes for a mission."""
        return any(self.reach[e, front, mission, "coalition"][1] > 0 for e in self.ecosystems)

    @cached_property
    def reach(self) -> dict[tuple[str, str, str, str], Triple]:
        """(ecosystem, front, mission, measure) → range."""
        frame = self.results.reach
        keys = zip(frame["ecosystem"], frame["front"], frame["mission"], frame["measure"], strict=True)
        return dict(zip(keys, zip(frame["low"], frame["median"], frame["high"], strict=True), strict=True))

    @cached_property
    def quantile(self) -> dict[tuple[str, str, str, str, str], Triple]:
        """(ecosystem, war case, front or side, mission, materiel or year, outcome) → range."""
        frame = self.results.quantiles
        keys = zip(frame["ecosystem"], frame["war_case"], frame["front"], frame["mission"], frame["outcome"], strict=True)
        return dict(zip(keys, zip(frame["low"], frame["median"], frame["high"], strict=True), strict=True))

    @cached_property
    def shares(self) -> dict[tuple[str, str, str, str], Mapping[str, Any]]:
        """(ecosystem, war case, theater, mission) → share of worlds by outcome."""
        return {
            (r["ecosystem"], r["war_case"], r["front"], r["mission"]): {str(k): v for k, v in r.items()}
            for r in self.results.shares.to_dict("records")
        }
