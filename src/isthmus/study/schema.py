"""The study file: frozen schema, unknown keys forbidden, every problem told at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from isthmus.awareness import readiness
from isthmus.axes import Layer, Maturity, Shape, Side, Tier
from isthmus.ensemble import Uncertainty
from isthmus.errors import Problem, StudyError
from isthmus.interop.fronts import Claim, Delay, EcosystemRule, Front, Need, Participant, Reaction, Setting, Veto
from isthmus.interop.supply import OWN_DRAW
from isthmus.register import Register

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
CLAIM_SHARE: Mapping[str, float] = {"ended": 0.0, "frozen": 0.25, "continuing": 1.0}
"""Part of a claim that remains. Frozen: a quarter, for replacement and deterrence along a line of contact (a judgement)."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EcosystemSpec(_Strict):
    name: Name
    threshold: Literal["implemented", "agreed", "declared"]
    layers: dict[Layer, Literal["implemented", "agreed", "declared"]] = {}
    complete: tuple[Layer, ...] = ()

    def rule(self) -> EcosystemRule:
        steps: list[tuple[Layer, Maturity]] = [(layer, self.layers.get(layer, self.threshold)) for layer in get_args(Layer)]
        return EcosystemRule(self.name, tuple(steps), self.complete)


class WarCase(_Strict):
    name: Name
    starts: dict[str, Annotated[int, Field(ge=0, le=520)]] = Field(min_length=1)
    """Theater → week in which its war begins; theaters not named stay at peace."""
    exchange: bool = False
    """Forces wear each other down by volume of fire. Off by default, and only beside the same case without it."""


class Group(_Strict):
    actors: tuple[str, ...] = Field(min_length=1)
    fights: str


class ReactionSpec(_Strict):
    against: str
    engaged: str
    shots: str


class NeedSpec(_Strict):
    class_: str = Field(alias="class")
    open: str | None = None
    plateau: str | None = None
    fade: str | None = None
    reactions: tuple[ReactionSpec, ...] = ()
    weight: str | None = None
    rate: str | None = None
    plan: str = "plan.weeks"
    tier: Tier | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> NeedSpec:
        path = [self.open, self.plateau, self.fade]
        if any(p is not None for p in path) and not all(p is not None for p in path):
            raise ValueError("open, plateau and fade: give all three or none")
        if self.reactions and self.open is not None:
            raise ValueError("a need has a path or reactions, not both")
        return self

    def need(self) -> Need:
        reactions = tuple(Reaction(r.against, r.engaged, r.shots) for r in self.reactions)
        return Need(self.class_, self.open, self.plateau, self.fade, reactions, self.weight, self.rate, self.plan)

    def names(self) -> list[str]:
        """Uncertainties that the need mentions."""
        out = [n for n in (self.open, self.plateau, self.fade, self.weight, self.rate, self.plan) if n is not None]
        return out + [n for r in self.reactions for n in (r.engaged, r.shots)]


class FrontSpec(_Strict):
    front: Annotated[str, Field(pattern=r"^[a-z0-9_]+\.[a-z0-9_]+$")]
    theater: str
    side: Side
    role: Literal["attacker", "defender"]
    belligerents: tuple[Group, ...] = Field(min_length=1)
    aggregates: tuple[Group, ...] = ()
    donors: tuple[str, ...] = ()
    vetoed: tuple[str, ...] = ()
    needs: tuple[NeedSpec, ...] = ()
    magazine: tuple[NeedSpec, ...] = ()


class ClaimSpec(_Strict):
    """Another war that takes part of the output of some actors first."""

    claim: Name
    state: Literal["ended", "frozen", "continuing"]
    actors: tuple[str, ...] = Field(min_length=1)


class PeacetimeSpec(_Strict):
    """Months before the first week of war in which fights that the study does not hold go on as in the last years."""

    months: Annotated[float, Field(ge=0, le=120)]


class Override(_Strict):
    """Another range for an uncertainty, or the same one times a factor; an assumption of the study, so it states its reason."""

    low: float | None = None
    mode: float | None = None
    high: float | None = None
    times: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    shape: Shape | None = None
    reason: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _range_or_factor(self) -> Override:
        given = [v is not None for v in (self.low, self.mode, self.high)]
        if any(given) == (self.times is not None) or any(given) != all(given):
            raise ValueError("give low, mode and high, or times alone")
        return self

    def applied(self, old: Uncertainty) -> Uncertainty:
        """The uncertainty with this override on top. Raises ValueError for a range that its shape does not allow."""
        if self.times is not None:
            low, mode, high = (self.times * v for v in (old.low, old.mode, old.high))
        else:
            low, mode, high = (float(v) for v in (self.low, self.mode, self.high) if v is not None)
        return Uncertainty(old.name, self.shape or old.shape, low, mode, high, old.unit, "assumption", (), self.reason)


class VetoSpec(_Strict):
    """A rule that keeps materiel from a front: of some donors, of some licensor, or of some kinds. Switched by `on`."""

    veto: Name
    front: str
    donors: tuple[str, ...] = ()
    licensor: str | None = None
    materiel: tuple[str, ...] = ()
    on: bool = True

    @model_validator(mode="after")
    def _says_what(self) -> VetoSpec:
        if not (self.donors or self.licensor or self.materiel):
            raise ValueError("name donors, a licensor or materiel: a veto of everything is no rule")
        return self


class DelaySpec(_Strict):
    """Planned output of a line that comes later than stated."""

    actor: str
    materiel: str
    weeks: Annotated[float, Field(gt=0, le=520)]


class Study(_Strict):
    """A study. Build it with :meth:`load`; everything it names is checked against a register by :meth:`setting`."""

    study: Name
    title: str
    date: Annotated[str, Field(pattern=r"^(19|20)\d{2}-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?$")]
    horizon_weeks: Annotated[int, Field(ge=1, le=1040)]
    futures: Annotated[int, Field(ge=1, le=2**30)]
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    ecosystems: tuple[EcosystemSpec, ...] = Field(min_length=1)
    war_cases: tuple[WarCase, ...] = Field(min_length=1)
    fronts: tuple[FrontSpec, ...] = Field(min_length=1)
    claims: tuple[ClaimSpec, ...] = ()
    peacetime: PeacetimeSpec | None = None
    uncertainties: dict[str, Override] = {}
    absent: tuple[str, ...] = ()
    """Actors that neither fight nor give."""
    vetoes: tuple[VetoSpec, ...] = ()
    delays: tuple[DelaySpec, ...] = ()
    hub_split: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}
    """Theater → share of every stock and output of a hub that only its front may draw; empty: by need."""

    @classmethod
    def load(cls, path: Path | str) -> Study:
        """Read a study file, or one that ships with Isthmus by its name. Raises StudyError with every problem."""
        where = find(path)
        try:
            data = yaml.safe_load(where.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as bad:
            mark = getattr(bad, "problem_mark", None)
            line = mark.line + 1 if mark else None
            raise StudyError(
                [Problem(str(where), line, None, str(getattr(bad, "problem", bad)), "YAML in UTF-8", "the file cannot be read")]
            ) from None
        if not isinstance(data, dict):
            raise StudyError([Problem(str(where), None, None, type(data).__name__, "keys and values", "the file is not a study")])
        if "base" in data:
            data = _on_base(data, where)
        try:
            study = cls.model_validate(data)
        except ValidationError as bad:
            # A list whose parts have faults counts as too short as well: say what is wrong with the parts only.
            found = [e for e in bad.errors() if e["type"] != "too_short" or not e["input"]]
            raise StudyError(_problem(str(where), e) for e in found) from None
        study.check_names(str(where))
        return study

    def check_names(self, where: str) -> None:
        """Names that must be unique or known inside the file. Raises StudyError."""
        problems = []
        for label, names in (
            ("ecosystems", [e.name for e in self.ecosystems]),
            ("war_cases", [w.name for w in self.war_cases]),
            ("fronts", [f.front for f in self.fronts]),
            *((f"{f.front}.needs", [n.class_ for n in f.needs + f.magazine]) for f in self.fronts),
        ):
            problems += [
                Problem(where, None, label, n, "names used once", "named twice")
                for n in sorted({n for n in names if names.count(n) > 1})
            ]
        theaters = sorted({f.theater for f in self.fronts})
        problems += self._check_options(where, theaters)
        for case in self.war_cases:
            for theater, start in case.starts.items():
                if theater not in theaters:
                    problems.append(
                        Problem(
                            where, None, f"war_cases.{case.name}.starts", theater, ", ".join(theaters), "no front in this theater"
                        )
                    )
                elif start >= self.horizon_weeks:
                    problems.append(
                        Problem(
                            where,
                            None,
                            f"war_cases.{case.name}.starts",
                            str(start),
                            f"below {self.horizon_weeks}",
                            "starts after the horizon",
                        )
                    )
        for front in self.fronts:
            theirs = {n.class_ for f in self.fronts if f.theater == front.theater and f.side != front.side for n in f.needs}
            against = [r.against for n in front.needs for r in n.reactions]
            problems += [
                Problem(
                    where,
                    None,
                    f"{front.front}.needs",
                    one,
                    ", ".join(sorted(theirs)) or "a need of the other side",
                    "a reaction to what nobody launches",
                )
                for one in against
                if one not in theirs
            ]
        if problems:
            raise StudyError(problems)

    def _check_options(self, where: str, theaters: list[str]) -> list[Problem]:
        """Exchange beside its twin, a split of the hub that adds up, vetoes of fronts that exist."""
        problems = []
        plain = [w.starts for w in self.war_cases if not w.exchange]
        for case in self.war_cases:
            if case.exchange and case.starts not in plain:
                found, allowed = "exchange: true alone", "the same starts in a case without exchange"
                problems.append(
                    Problem(
                        where,
                        None,
                        f"war_cases.{case.name}",
                        found,
                        allowed,
                        "the exchange is shown only beside the same case without it",
                    )
                )
        for theater in sorted(set(self.hub_split) - set(theaters)):
            problems.append(Problem(where, None, "hub_split", theater, ", ".join(theaters), "no front in this theater"))
        if self.hub_split and (set(self.hub_split) != set(theaters) or sum(self.hub_split.values()) > 1 + 1e-9):
            found = ", ".join(f"{t}: {s:g}" for t, s in self.hub_split.items())
            problems.append(
                Problem(
                    where, None, "hub_split", found, "a share for every theater, together at most 1", "the split does not add up"
                )
            )
        names = [f.front for f in self.fronts]
        problems += [
            Problem(where, None, f"vetoes.{v.veto}", v.front, ", ".join(names), "no such front")
            for v in self.vetoes
            if v.front not in names
        ]
        return problems

    def setting(self, register: Register, *, campaign: bool) -> Setting:
        """Fronts with blocs expanded; with `campaign` only the needs that are simulated. Raises StudyError with every unknown name."""
        self._check_against(register)
        members = register.at(self.date).table("memberships").groupby("bloc_id")["actor_id"].agg(sorted).to_dict()
        fronts = []
        for spec in self.fronts:
            needs = tuple(n.need() for n in (spec.needs if campaign else spec.needs + spec.magazine))
            if campaign and not needs:
                continue
            fronts.append(
                Front(
                    spec.front,
                    spec.theater,
                    spec.side,
                    spec.role,
                    _participants(spec, members),
                    needs,
                    tuple(_expand(spec.vetoed, members)),
                )
            )
        claims = tuple(
            Claim(c.claim, CLAIM_SHARE[c.state], frozenset(c.actors) | frozenset(_expand(c.actors, members))) for c in self.claims
        )
        vetoes = tuple(Veto(v.front, tuple(_expand(v.donors, members)), v.licensor, v.materiel) for v in self.vetoes if v.on)
        delays = tuple(Delay(d.actor, d.materiel, d.weeks) for d in self.delays)
        return Setting(
            self.date,
            self.horizon_weeks,
            tuple(fronts),
            claims,
            self.tiers(register),
            vetoes,
            delays,
            frozenset(_expand(self.absent, members)),
            tuple(sorted(self.hub_split.items())),
            readiness.claims(register, self.date, self.peacetime.months) if self.peacetime else (),
        )

    def tiers(self, register: Register) -> tuple[tuple[str, str, Tier], ...]:
        """(theater, mission, tier): campaign where a need is simulated, else as the study says, else as the register says."""
        mission_of = register.table("classes").set_index("class_id")["mission_id"].to_dict()
        default = register.table("missions").set_index("mission_id")["tier"].to_dict()
        out: dict[tuple[str, str], Tier] = {}
        for spec in self.fronts:
            for need in spec.needs:
                out[spec.theater, mission_of[need.class_]] = "campaign"
        for spec in self.fronts:
            for need in spec.magazine:
                tier = need.tier or default[mission_of[need.class_]]
                out.setdefault((spec.theater, mission_of[need.class_]), "magazine" if tier == "campaign" else tier)
        return tuple((t, m, tier) for (t, m), tier in sorted(out.items()))

    def override(self, uncertainties: Mapping[str, Uncertainty]) -> dict[str, Uncertainty]:
        """The register's uncertainties with the study's own ranges on top. Raises StudyError for names nobody uses."""
        out = dict(uncertainties)
        problems = []
        for name, o in self.uncertainties.items():
            old = out.get(name)
            if old is None:
                near = ", ".join(get_close_matches(name, out, 3)) or "a name of the register table uncertainties"
                problems.append(Problem(self.study, None, "uncertainties", name, near, "no such uncertainty"))
                continue
            try:
                out[name] = o.applied(old)
            except ValueError as bad:
                problems.append(
                    Problem(
                        self.study,
                        None,
                        f"uncertainties.{name}",
                        ", ".join(f"{v:g}" for v in (o.low, o.mode, o.high, o.times) if v is not None),
                        "a range that its shape allows",
                        str(bad).removeprefix(f"{name}: "),
                    )
                )
        if problems:
            raise StudyError(problems)
        # A line or an integration draws anew from a shared prior: an override of the prior is one of all its copies.
        for name, u in uncertainties.items():
            prior = u.rule.removeprefix(OWN_DRAW)
            if u.rule.startswith(OWN_DRAW) and prior in self.uncertainties and name not in self.uncertainties:
                new = out[prior]
                out[name] = Uncertainty(name, new.shape, new.low, new.mode, new.high, u.unit, "assumption", (), u.rule)
        return out

    def digest(self) -> str:
        """Hash of what the study asks, whatever the layout of its file."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json", by_alias=True), sort_keys=True).encode()).hexdigest()

    def _check_against(self, register: Register) -> None:
        actors = set(register.table("actors")["actor_id"])
        theaters = set(register.table("theaters")["theater_id"])
        classes = set(register.table("classes")["class_id"])
        known = set(register.table("uncertainties")["uncertainty_id"])
        problems: list[Problem] = []

        def check(where: str, found: Iterable[str], allowed: set[str], what: str) -> None:
            for one in found:
                if one not in allowed:
                    near = get_close_matches(one, allowed, 3)
                    hint = (
                        ", ".join(near)
                        if near
                        else (", ".join(sorted(allowed)) if len(allowed) < 15 else f"a row of the register ({what}s)")
                    )
                    problems.append(Problem(self.study, None, where, one, hint, f"unknown {what}"))

        prefixes = {u.split(".")[1] for u in known if u.startswith("claim.") and u.count(".") >= 3}
        check("claims", [c.claim for c in self.claims], prefixes, "claim")
        materiel = set(register.table("materiel")["materiel_id"])
        check("absent", self.absent, actors, "actor")
        check("vetoes.donors", [d for v in self.vetoes for d in v.donors], actors, "actor")
        check("vetoes.licensor", [v.licensor for v in self.vetoes if v.licensor], actors, "actor")
        check("vetoes.materiel", [m for v in self.vetoes for m in v.materiel], materiel, "materiel")
        check("delays.actor", [d.actor for d in self.delays], actors, "actor")
        check("delays.materiel", [d.materiel for d in self.delays], materiel, "materiel")
        check("claims.actors", [a for c in self.claims for a in c.actors], actors, "actor")
        for spec in self.fronts:
            check(f"{spec.front}.theater", [spec.theater], theaters, "theater")
            for label, groups in (("belligerents", spec.belligerents), ("aggregates", spec.aggregates)):
                for group in groups:
                    check(f"{spec.front}.{label}", group.actors, actors, "actor")
                    check(f"{spec.front}.{label}.fights", [group.fights], known, "uncertainty")
            check(f"{spec.front}.donors", spec.donors, actors, "actor")
            check(f"{spec.front}.vetoed", spec.vetoed, actors, "actor")
            for need in spec.needs + spec.magazine:
                check(f"{spec.front}.needs", [need.class_, *(r.against for r in need.reactions)], classes, "class")
                check(f"{spec.front}.needs.{need.class_}", need.names(), known, "uncertainty")
        if problems:
            raise StudyError(problems)


def _on_base(data: dict[Any, Any], where: Path) -> dict[Any, Any]:
    """The study that `base` names, with this file's keys on top; ranges of uncertainties are laid over those of the base."""
    base = str(data["base"])
    beside = where.parent / base
    try:
        source = beside if beside.is_file() else find(base)
    except StudyError as error:
        raise StudyError([Problem(str(where), None, "base", base, error.problems[0].allowed, "the base is not found")]) from None
    if source.resolve() == where.resolve():
        raise StudyError([Problem(str(where), None, "base", base, "another study", "a study cannot stand on itself")])
    try:
        under = yaml.safe_load(source.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as bad:
        found = str(getattr(bad, "problem", bad))[:80]
        raise StudyError([Problem(str(source), None, None, found, "YAML in UTF-8", "the base cannot be read")]) from None
    if not isinstance(under, dict) or "base" in under:
        raise StudyError([Problem(str(where), None, "base", base, "a whole study", "a base must not have a base of its own")])
    merged = {**under, **{k: v for k, v in data.items() if k != "base"}}
    if isinstance(under.get("uncertainties"), dict) and isinstance(data.get("uncertainties"), dict):
        merged["uncertainties"] = {**under["uncertainties"], **data["uncertainties"]}
    return merged


def find(path: Path | str) -> Path:
    """A study file by path, or a shipped one by name. Raises StudyError where neither exists."""
    given = Path(path)
    if given.is_file():
        return given
    root = studies_root()
    shipped = root / f"{given.name.removesuffix('.yaml')}.yaml"
    if shipped.is_file() and given.name == str(path):
        return shipped
    names = ", ".join(sorted(p.stem for p in root.glob("*.yaml")))
    raise StudyError([Problem(str(path), None, None, "no such file", f"a path, or one of: {names}", "study not found")])


def studies_root() -> Path:
    """Folder of the studies that ship with Isthmus: inside the wheel, or beside the sources."""
    inside = Path(str(resources.files("isthmus"))) / "data" / "studies"
    return inside if inside.is_dir() else Path(__file__).resolve().parents[3] / "data" / "studies"


def _expand(ids: Iterable[str], members: Mapping[str, list[str]]) -> list[str]:
    return sorted({m for one in ids for m in members.get(one, [one])})


def _participants(spec: FrontSpec, members: Mapping[str, list[str]]) -> tuple[Participant, ...]:
    """Later groups win over earlier ones, and belligerents over donors."""
    chosen: dict[str, str | None] = dict.fromkeys(_expand(spec.donors, members))
    for group in spec.belligerents:
        for actor in _expand(group.actors, members):
            chosen[actor] = group.fights
    for group in spec.aggregates:
        for actor in group.actors:
            chosen[actor] = group.fights
    return tuple(Participant(a, f) for a, f in sorted(chosen.items()))


def _problem(where: str, error: Any) -> Problem:
    column = ".".join(str(p) for p in error["loc"]) or None
    found = error.get("input")
    allowed = {
        "extra_forbidden": "a key of the study schema (docs/reference/study.md)",
        "missing": "a value",
    }.get(error["type"], error["msg"].removeprefix("Value error, "))
    message = {"extra_forbidden": "unknown key", "missing": "required key is missing"}.get(
        error["type"], error["msg"].removeprefix("Value error, ")
    )
    shown = (
        "nothing"
        if error["type"] == "missing"
        else (repr(found) if not isinstance(found, dict | list | tuple) else type(found).__name__)
    )
    return Problem(where, None, column, shown[:80], allowed, message)
