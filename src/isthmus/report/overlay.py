"""Which figures of a run rest on rows of a private overlay, so that they are marked wherever they are shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from isthmus.register.register import EVIDENCE, MODELS
from isthmus.study.plan import Plan
from isthmus.study.results import Results
from isthmus.study.store import RunFolder

MARK = "‡"
LEGEND = f"{MARK} rests on rows of a private overlay, which are no part of the public register"
DERIVED = "overlay"
HOLDINGS = ("items", "adoptions", "exercises", "ties", "memberships", "transfers")
"""Tables that say who holds what with whom: they decide access, and leave no binding."""


@dataclass(frozen=True)
class Marks:
    """`tables`: rows of the overlay by table; `inputs`: (field, element) made of them; `places`: (front, mission) whose reach they
    enter; `campaign`: whether they enter what is simulated. Theaters share stocks, lift and decisions, so that a campaign is marked
    as a whole."""

    tables: tuple[tuple[str, int], ...]
    inputs: tuple[tuple[str, str], ...]
    places: frozenset[tuple[str, str]]
    campaign: bool

    @property
    def rows(self) -> int:
        return sum(n for _, n in self.tables)

    def place(self, theater: str, mission: str) -> bool:
        """Whether reach in a theater rests on the overlay: that of a front, or of the opponent to whose it is compared."""
        return any(front.split(".", 1)[0] == theater and m == mission for front, m in self.places)

    def sentence(self, how: str = f"marked {MARK}") -> str:
        """What of a run rests on the overlay, in words. `how`: by what a reader knows the figures."""
        tables = ", ".join(f"{n} in {name}" for name, n in self.tables)
        what = f"{self.rows} row{'s' * (self.rows != 1)} of a private overlay ({tables})"
        if not self.places and not self.campaign:
            return f"The register of this run holds {what}; no figure rests on them."
        return f"Figures {how} rest on {what}, which are no part of the public register."


def marks(plan: Plan) -> Marks | None:
    """Marks of a plan; None where its register holds no row of an overlay."""
    register = plan.register
    own = {name: frame[frame["overlay"]] for name in EVIDENCE for frame in (register.table(name),) if frame["overlay"].any()}
    if not own:
        return None
    facts = {str(f) for frame in own.values() for f in frame["fact_id"]}
    bound = {(b.field, b.element) for s in (plan.wide, plan.supply) for b in s.bindings if not facts.isdisjoint(b.evidence)}
    drawn = {u.name for u in plan.design.uncertainties if not facts.isdisjoint(u.evidence)}
    used = sorted(bound | {(name.split(":", 1)[0], name.split(":", 1)[-1]) for name in drawn})
    who = [
        {actor for c in columns for actor in str(row[c] or "").replace(" ", "").split(";") if actor}
        for name, frame in own.items()
        if name in HOLDINGS
        for columns in ([r.column for r in MODELS[name].references if r.table == "actors"],)
        for row in frame.to_dict("records")
    ]
    places = _places(plan, [set(element.split(":")) for _, element in used], who)
    simulated = {(b.field, b.element) for b in plan.supply.bindings} | {
        (n.split(":", 1)[0], n.split(":", 1)[-1]) for n in plan.supply.uncertainties
    }
    return Marks(
        tuple((name, len(frame)) for name, frame in own.items()),
        tuple(used),
        frozenset(places),
        bool(who) or not simulated.isdisjoint(used),
    )


def _places(plan: Plan, elements: Iterable[set[str]], who: Iterable[set[str]]) -> set[tuple[str, str]]:
    """(front, mission) that an element's actor and materiel take part in; one that names neither enters all of them."""
    actors, materiel = set(plan.register.table("actors")["actor_id"]), plan.register.table("materiel")
    class_of = dict(zip(materiel["materiel_id"], materiel["class_id"], strict=True))
    elements, who = list(elements), list(who)
    blocs = set(plan.register.table("memberships")["bloc_id"])
    out = set()
    for cell in plan.wide.cells:
        front = plan.wide.setting.fronts[cell.front]
        here = {p.actor_id for p in front.participants} | blocs
        for parts in elements:
            named, made = parts & actors, parts & set(class_of)
            if (not named or named & here) and (not made or any(class_of[m] == cell.class_id for m in made)):
                out.add((front.front_id, cell.mission_id))
        if any(not one or one & here for one in who):
            out.add((front.front_id, cell.mission_id))
    return out


def write_marks(folder: RunFolder, plan: Plan) -> None:
    """Keep the marks beside a run, so that whoever lacks the overlay still sees what rests on it."""
    found = marks(plan)
    if found is None:
        return
    rows = [("table", name, str(n)) for name, n in found.tables]
    rows += [("input", *one) for one in found.inputs]
    rows += [("reach", *one) for one in sorted(found.places)]
    rows += [("campaign", "", "")] if found.campaign else []
    folder.write_derived(DERIVED, pa.table({name: [r[i] for r in rows] for i, name in enumerate(("what", "name", "value"))}))


def read_marks(results: Results) -> Marks | None:
    """The marks kept beside a run; None where it was made without an overlay."""
    import pyarrow.parquet as pq

    path = results.folder.derived(DERIVED)
    if not path.is_file():
        return None
    rows = [(str(r["what"]), str(r["name"]), str(r["value"])) for r in pq.read_table(path).to_pylist()]
    return Marks(
        tuple((name, int(value)) for what, name, value in rows if what == "table"),
        tuple((name, value) for what, name, value in rows if what == "input"),
        frozenset((name, value) for what, name, value in rows if what == "reach"),
        any(what == "campaign" for what, _, _ in rows),
    )
