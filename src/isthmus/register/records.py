"""One schema per table of the register: the single truth for validation, documentation and `datapackage.json`.

A table is a CSV file `data/register/<name>.csv`. Every row of a table that carries evidence ends in the columns of
:class:`Evidence`. A blank cell is "not stated"; it is never zero.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from isthmus.axes import Confidence, Kind, Layer, Maturity, Shape, Side, Tier

_PARTIAL_DATE = re.compile(r"^(1[89]\d\d|20\d\d)(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?$")


def _check_date(value: object) -> object:
    if value is None or value == "":
        return None
    text = str(value)
    if not _PARTIAL_DATE.match(text):
        raise ValueError("not a date of the form YYYY, YYYY-MM or YYYY-MM-DD")
    if len(text) == 10:
        try:
            date.fromisoformat(text)
        except ValueError:
            raise ValueError("no such day in the calendar") from None
    return text


Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]*$", max_length=80)]
PartialDate = Annotated[str, BeforeValidator(_check_date)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=600)]
Positive = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True)
class Reference:
    """A column whose value must be the key of a row in another table."""

    column: str
    table: str
    many: bool = False
    """True where the cell holds several keys separated by semicolons."""


class Record(BaseModel):
    """A row of a table. `key` names the columns that identify it; `references` point to other tables."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    table: ClassVar[str]
    key: ClassVar[tuple[str, ...]]
    references: ClassVar[tuple[Reference, ...]] = ()


class Evidence(Record):
    """Columns that end every row which carries a figure or a finding."""

    kind: Kind = Field(description="fact, estimate (computed by a named rule) or assumption (a judgement, reason in note)")
    source_id: Id | None = Field(None, description="key of sources; required for facts and estimates")
    as_of: PartialDate | None = Field(
        None, description="date to which the row refers: YYYY, YYYY-MM or YYYY-MM-DD; required for facts"
    )
    confidence: Confidence | None = Field(
        None, description="A official or company, B press or think tank, C contested or copy; required for facts"
    )
    rule: Text | None = Field(None, description="name of the rule, for estimates")
    note: Text | None = Field(None, description="definition, counting basis, reason of an assumption")

    @model_validator(mode="after")
    def _kind_is_backed(self) -> Evidence:
        missing: list[str] = []
        if self.kind == "fact":
            missing = [c for c in ("source_id", "as_of", "confidence") if getattr(self, c) is None]
        elif self.kind == "estimate":
            missing = [c for c in ("source_id", "rule") if getattr(self, c) is None]
        elif self.note is None:
            missing = ["note"]
        if missing:
            raise ValueError(f"kind '{self.kind}' needs {', '.join(missing)}")
        return self


class Quantity(Evidence):
    """A figure with its range. A single reported value is low = mode = high; the model widens it by its grade."""

    low: Positive
    mode: Positive
    high: Positive

    @model_validator(mode="after")
    def _ordered(self) -> Quantity:
        if not self.low <= self.mode <= self.high:
            raise ValueError(f"low <= mode <= high does not hold: {self.low:g}, {self.mode:g}, {self.high:g}")
        return self


SOURCE = Reference("source_id", "sources")
ACTOR = Reference("actor_id", "actors")
MATERIEL = Reference("materiel_id", "materiel")


class Source(Record):
    table = "sources"
    key = ("source_id",)
    source_id: Id
    title: Text
    publisher: Text
    url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$", max_length=600)]
    published: PartialDate | None = None
    accessed: PartialDate | None = None
    host_class: Literal[
        "official_or_company",
        "press_or_thinktank",
        "dataset_mirror",
        "repost_or_aggregator",
        "reference_or_blog",
        "adversary_linked",
    ]
    original: Text | None = Field(None, description="original publisher, where the address is a copy")


class Actor(Record):
    table = "actors"
    key = ("actor_id",)
    references = (Reference("home_theater", "theaters"),)
    actor_id: Id = Field(description="ISO 3166 alpha-3 of a state, or the id of a bloc")
    name: Text
    type: Literal["state", "bloc"]
    side: Side
    home_theater: Id | None = None
    hub: Literal["yes", "no"] = Field(description="yes for the hub of its side")


class Membership(Evidence):
    table = "memberships"
    key = ("actor_id", "bloc_id")
    references = (ACTOR, Reference("bloc_id", "actors"), SOURCE)
    actor_id: Id
    bloc_id: Id
    since: PartialDate
    until: PartialDate | None = None


class Theater(Record):
    table = "theaters"
    key = ("theater_id",)
    theater_id: Id
    name: Text


class Mission(Record):
    table = "missions"
    key = ("mission_id",)
    mission_id: Id
    name: Text
    fill_rule: Literal["pooled", "weakest"] = Field(
        description="how the fill of a mission follows from its classes: sum of effect, or its weakest class"
    )
    tier: Tier = Field(description="deepest tier that the facts of the reference register allow")
    note: Text | None = None


class MaterielClass(Record):
    table = "classes"
    key = ("class_id",)
    references = (Reference("mission_id", "missions"),)
    class_id: Id = Field(description="materiel substitutes inside a class only")
    mission_id: Id
    name: Text
    effect_unit: Text = Field(description="what one unit of effect is")


class LayerRow(Record):
    table = "layers"
    key = ("layer_id",)
    layer_id: Layer
    name: Text
    lever: Text = Field(description="the one lever that the layer moves")


class MaturityRow(Record):
    table = "maturities"
    key = ("maturity_id",)
    maturity_id: Maturity
    name: Text
    meaning: Text


class TieType(Record):
    table = "tie_types"
    key = ("tie_type_id",)
    tie_type_id: Id
    name: Text
    guarantee: Literal["yes", "no"] = Field(description="yes where the tie promises to fight or to defend")


class Item(Evidence):
    table = "items"
    key = ("item_id",)
    references = (
        Reference("lead", "actors"),
        Reference("applies_to", "actors", many=True),
        Reference("families", "families", many=True),
        SOURCE,
    )
    item_id: Id
    layer: Layer
    name: Text
    side: Side
    lead: Id | None = None
    since: PartialDate | None = None
    applies_to: Text | None = Field(
        None, description="actors or blocs to whom it applies, separated by semicolons; blank: every state of the side"
    )
    families: Text | None = Field(
        None,
        description="standard: families of materiel whose makes it makes interchangeable; technology: families whose production it licenses",
    )


class Adoption(Evidence):
    table = "adoptions"
    key = ("actor_id", "item_id", "maturity", "since", "source_id")
    references = (ACTOR, Reference("item_id", "items"), SOURCE)
    actor_id: Id
    item_id: Id
    maturity: Maturity
    since: PartialDate | None = None
    until: PartialDate | None = None


class Tie(Evidence):
    table = "ties"
    key = ("actor_a", "actor_b", "tie_type", "start", "name", "source_id")
    references = (
        Reference("actor_a", "actors"),
        Reference("actor_b", "actors"),
        Reference("tie_type", "tie_types"),
        Reference("guarantor", "actors"),
        SOURCE,
    )
    actor_a: Id
    actor_b: Id
    tie_type: Id
    start: PartialDate | None = None
    end: PartialDate | None = None
    guarantor: Id | None = Field(None, description="blank where the obligation is mutual between equals")
    name: Text


class Exercise(Evidence):
    table = "exercises"
    key = ("exercise_id",)
    references = (
        Reference("lead", "actors"),
        Reference("participants", "actors", many=True),
        Reference("theater_id", "theaters"),
        SOURCE,
    )
    exercise_id: Id
    name: Text
    year: Annotated[int, Field(ge=1945, le=2030)]
    lead: Id | None = None
    participants: Text = Field(description="actors, separated by semicolons")
    theater_id: Id | None = None
    exercise_kind: Text


class Family(Record):
    table = "families"
    key = ("family_id",)
    family_id: Id
    name: Text
    interchange: Literal["common", "makes"] = Field(
        description="common: one article whoever holds it; makes: several nations make it to one calibre or interface, so makes interchange in part unless a standard is shared"
    )


class Materiel(Evidence):
    table = "materiel"
    key = ("materiel_id",)
    references = (
        Reference("mission_id", "missions"),
        Reference("class_id", "classes"),
        Reference("family_id", "families"),
        SOURCE,
    )
    materiel_id: Id
    name: Text
    mission_id: Id
    class_id: Id | None = Field(None, description="blank where the mission is not modelled by classes")
    family_id: Id
    use: Literal["expendable", "durable"]
    effect_low: Positive | None = Field(None, description="effect per unit, relative within its class (effect_unit of classes)")
    effect_mode: Positive | None = None
    effect_high: Positive | None = None
    mass_kg: Positive | None = Field(None, description="mass as shipped, for lift")

    @model_validator(mode="after")
    def _effect(self) -> Materiel:
        effect = (self.effect_low, self.effect_mode, self.effect_high)
        given = [e for e in effect if e is not None]
        if given and len(given) < 3:
            raise ValueError("effect_low, effect_mode, effect_high: give all three or none")
        if given and given != sorted(given):
            raise ValueError("effect_low <= effect_mode <= effect_high does not hold")
        if self.class_id is not None and not given:
            raise ValueError("materiel with a class_id needs its effect")
        return self


class Element(Record):
    table = "elements"
    key = ("element_id",)
    references = (Reference("mission_id", "missions"), Reference("class_id", "classes"))
    element_id: Id = Field(description="a countable part of a national force: a tube, launcher, battery, ship, aircraft")
    name: Text
    mission_id: Id | None = None
    class_id: Id | None = Field(
        None, description="class of materiel that it fires; its count then weighs who on a front can use what"
    )
    weight: Positive | None = Field(
        None, description="launchers (or tubes, cells) that one element stands for, so that elements of a class add up"
    )
    item_id: Id | None = Field(None, description="capability item that the element embodies")


class Fires(Evidence):
    table = "fires"
    key = ("element_id", "materiel_id")
    references = (Reference("element_id", "elements"), MATERIEL, SOURCE)
    element_id: Id
    materiel_id: Id
    path: Literal["now", "after_integration"]
    weeks_low: Positive | None = Field(None, description="weeks of integration, where path is after_integration")
    weeks_mode: Positive | None = None
    weeks_high: Positive | None = None

    @model_validator(mode="after")
    def _weeks(self) -> Fires:
        weeks = [w for w in (self.weeks_low, self.weeks_mode, self.weeks_high) if w is not None]
        if self.path == "after_integration" and (len(weeks) < 3 or weeks != sorted(weeks)):
            raise ValueError("path 'after_integration' needs weeks_low <= weeks_mode <= weeks_high")
        return self


class ForceElement(Quantity):
    table = "force_elements"
    key = ("actor_id", "element_id", "maturity", "as_of", "source_id", "note")
    references = (ACTOR, Reference("element_id", "elements"), SOURCE)
    actor_id: Id
    element_id: Id
    maturity: Literal["implemented", "agreed", "declared"] = Field(
        description="implemented: in service; agreed: in service and on order; declared: in service, on order and announced (cumulative)"
    )
    unit: Literal["units"]


class Line(Quantity):
    table = "lines"
    key = ("actor_id", "materiel_id", "line_id", "measure", "as_of", "source_id")
    references = (ACTOR, MATERIEL, Reference("licensor", "actors"), SOURCE)
    actor_id: Id
    materiel_id: Id
    line_id: Id = Field(
        description="a production line or a national aggregate; lines of one actor and materiel that share scope = total are alternatives, not parts"
    )
    name: Text
    scope: Literal["total", "part"] = Field(
        description="total: the actor's whole output of the materiel; part: one plant or maker; totals win over the sum of parts"
    )
    measure: Literal["complete", "body", "refurbished_and_new", "capacity", "procured", "contract_average", "plan"]
    unit: Literal["units/year"]
    due: PartialDate | None = Field(
        None, description="date for which a plan is stated; required for measure plan where the source gives it"
    )
    licensor: Id | None = None


class LineInput(Quantity):
    """What a stage or an input yields a year, and which lines take how much of it. A stage is an input that one line takes."""

    table = "line_inputs"
    key = ("input_id", "measure", "as_of", "source_id")
    references = (Reference("actor_ids", "actors", many=True), Reference("materiel_ids", "materiel", many=True), SOURCE)
    input_id: Id
    name: Text
    stage: Literal["body", "charge", "fuze", "fill", "motor", "seeker", "material"]
    actor_ids: Text = Field(description="whose lines take it; several separated by semicolons")
    materiel_ids: Text = Field(description="what is made with it; several separated by semicolons")
    measure: Literal["capacity", "plan"]
    unit: Text = Field(description="unit of the input a year")
    due: PartialDate | None = Field(None, description="date for which a plan is stated")
    per_unit_low: Positive = Field(description="units of the input for one unit of materiel")
    per_unit_mode: Positive
    per_unit_high: Positive

    @model_validator(mode="after")
    def _taken(self) -> LineInput:
        if not self.per_unit_low <= self.per_unit_mode <= self.per_unit_high:
            raise ValueError("per_unit_low <= per_unit_mode <= per_unit_high does not hold")
        if self.per_unit_mode <= 0:
            raise ValueError("per_unit_mode must be above 0: a line that takes nothing needs no row")
        return self


class Stock(Quantity):
    table = "stocks"
    key = ("actor_id", "materiel_id", "measure", "as_of", "source_id", "note")
    references = (ACTOR, MATERIEL, SOURCE)
    actor_id: Id
    materiel_id: Id
    measure: Literal["on_hand", "operational", "delivered_cumulative", "purchased_cumulative", "ordered", "requirement"]
    unit: Literal["units"]


class Consumption(Quantity):
    table = "consumption"
    key = ("actor_id", "materiel_id", "context", "period_from", "source_id", "note")
    references = (ACTOR, MATERIEL, SOURCE)
    actor_id: Id
    materiel_id: Id
    context: Text
    measure: Literal["observed", "stated_need", "planned"]
    basis: Text | None = Field(None, description="counting basis, where several exist")
    period_from: PartialDate | None = None
    period_to: PartialDate | None = None
    unit: Literal["units/day", "units/month", "units/year", "units"] = Field(description="units: total over the period")


class Transfer(Quantity):
    table = "transfers"
    key = ("supplier", "recipient", "materiel_id", "measure", "period_from", "period_to", "source_id", "note")
    references = (Reference("supplier", "actors"), Reference("recipient", "actors"), MATERIEL, SOURCE)
    supplier: Id
    recipient: Id
    materiel_id: Id
    measure: Literal["announced", "authorised", "delivered"]
    mode_of_transfer: Literal["donation", "sale", "covert", "swap"]
    unit: Literal["units"]
    period_from: PartialDate | None = None
    period_to: PartialDate | None = None


class UnitCost(Quantity):
    table = "unit_costs"
    key = ("materiel_id", "as_of", "source_id", "note")
    references = (MATERIEL, SOURCE)
    materiel_id: Id
    unit: Literal["MUSD"]


class PlanActual(Evidence):
    table = "plan_actual"
    key = ("programme", "source_id")
    references = (ACTOR, SOURCE)
    programme: Text
    actor_id: Id
    materiel_id: Id | None = None
    planned: Positive | None = None
    achieved: Positive | None = None
    unit: Text | None = None
    stated: PartialDate | None = Field(
        None, description="when the plan was stated; with due it gives the lead that slip is measured in"
    )
    due: PartialDate | None = None
    slip_months: Annotated[float, Field(ge=-120, le=240)] | None = None
    share_of_plan: Positive | None = None
    outcome: Literal["achieved", "short", "late", "interim", "not_found", "open"]


class Indicator(Evidence):
    table = "indicators"
    key = ("actor_id", "indicator", "period", "unit", "source_id", "note")
    references = (ACTOR, SOURCE)
    actor_id: Id
    indicator: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = Field(
        description="what is measured, a stable id: gdp, defence_spending, troops_hosted_usa, cinc …"
    )
    period: Annotated[str, Field(pattern=r"^\d{4}(-\d{2,4})?$")] = Field(
        description="year or span of years, for example 2024 or 2020-24"
    )
    value: Annotated[float, Field(allow_inf_nan=False)]
    unit: Text


class Flow(Quantity):
    table = "flows"
    key = ("supplier", "recipient", "goods", "measure", "period_from", "period_to", "unit", "source_id", "note")
    references = (Reference("supplier", "actors"), Reference("recipient", "actors"), SOURCE)
    supplier: Id
    recipient: Id
    goods: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    kind_of_goods: Literal["munition", "drone", "platform", "component", "dual_use", "material", "energy", "people", "trade"]
    measure: Literal["announced", "delivered", "cumulative", "per_month", "per_year"]
    period_from: PartialDate | None = None
    period_to: PartialDate | None = None
    unit: Text


class Probe(Evidence):
    table = "probing"
    key = ("actor_id", "target_id", "activity", "period", "source_id", "note")
    references = (ACTOR, Reference("target_id", "actors"), Reference("theater_id", "theaters"), SOURCE)
    actor_id: Id
    target_id: Id
    theater_id: Id | None = None
    activity: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = Field(
        description="a stable id of the series: scrambles, aircraft_in_adiz, airspace_violation, cable_damage, missile_launches …"
    )
    period: Annotated[str, Field(pattern=r"^(FY)?\d{4}(-\d{2}(-\d{2})?)?(/\d{4}(-\d{2}(-\d{2})?)?)?$")] = Field(
        description="year, month, day, fiscal year FYyyyy, or from/to"
    )
    count: Positive
    unit: Literal["events", "aircraft", "sorties", "days", "ships", "missiles", "entries"]


class ReadinessInput(Quantity):
    """What a mission short of war takes of a force in a year, and what the force gives.

    A mission is an activity of `probing` (its events are counted there, never here) or one whose use is stated as a whole.
    """

    table = "readiness_inputs"
    key = ("actor_id", "resource", "mission", "measure", "period_from", "source_id", "note")
    references = (ACTOR, Reference("element_id", "elements"), SOURCE)
    actor_id: Id = Field(description="who spends; WLD: used for every actor without a row of its own")
    resource: Literal["fighter_hours", "flight_hours", "alert_aircraft", "hull_days", "coast_guard_days"]
    mission: Id | None = Field(None, description="blank for what the force gives in all")
    measure: Literal["units_per_event", "time_per_event", "consumed", "time_per_unit", "capacity", "cost"] = Field(
        description="units_per_event, time_per_event (of one unit): with the events of probing they give the use; consumed: the use as "
        "stated; time_per_unit: what one element gives; capacity: what the force gives as stated; cost: of an hour or day"
    )
    element_id: Id | None = Field(None, description="whose count time_per_unit multiplies")
    period_from: PartialDate | None = None
    period_to: PartialDate | None = None
    unit: Literal["units", "hours", "days", "hours/year", "days/year", "share", "USD/hour", "USD/day"]

    @model_validator(mode="after")
    def _whole(self) -> ReadinessInput:
        allowed = {
            "units_per_event": ("units",),
            "time_per_event": ("hours", "days"),
            "time_per_unit": ("hours/year", "days/year", "share"),
            "cost": ("USD/hour", "USD/day"),
        }.get(self.measure, ("hours/year", "days/year", "units"))
        if self.unit not in allowed:
            raise ValueError(f"measure '{self.measure}' has the unit {' or '.join(allowed)}, not {self.unit}")
        if (self.measure == "time_per_unit") != (self.element_id is not None):
            raise ValueError("element_id belongs to measure 'time_per_unit', and only there")
        if (self.mission is None) != (self.measure in ("time_per_unit", "capacity")):
            raise ValueError("a mission is named by every measure except time_per_unit and capacity")
        if self.measure == "consumed" and (self.period_from is None or self.period_to is None):
            raise ValueError("measure 'consumed' needs period_from and period_to")
        return self


class Statement(Evidence):
    table = "statements"
    key = ("date", "issuer", "topic", "source_id", "note")
    references = (SOURCE,)
    date: PartialDate
    title: Text
    issuer: Text = Field(description="actor or bloc ids separated by semicolons, or the name of the format")
    topic: Literal[
        "great_power_deterrence",
        "collective_defence",
        "transnational",
        "industrial",
        "technology",
        "standards",
        "exercises",
        "assistance",
        "nuclear",
        "maritime_order",
        "theater_link",
        "other",
    ]
    concreteness: Literal["declares", "tasks", "commits_number_or_date"]


class Initiative(Evidence):
    table = "initiatives"
    key = ("initiative_id",)
    references = (Reference("actors", "actors", many=True), SOURCE)
    initiative_id: Id
    name: Text
    type: Literal[
        "produce",
        "stage_capacity",
        "pooled_procurement",
        "license",
        "stock",
        "adopt",
        "depot",
        "rule_change",
        "preposition",
        "lift",
    ]
    actors: Text
    target: Text | None = Field(None, description="item or materiel that it changes")
    theaters: Text | None = None
    status: Literal["proposed", "announced", "funded", "under_way", "done"]
    cost_low: Positive | None = None
    cost_mode: Positive | None = None
    cost_high: Positive | None = None
    cost_unit: Literal["MUSD"] | None = None
    cost_basis: Literal["capex", "programme", "per_year", "loans_or_equity", "grants", "not_stated"] = "not_stated"
    lead_months_low: Positive | None = None
    lead_months_mode: Positive | None = None
    lead_months_high: Positive | None = None
    effect: Text | None = None
    consent_needed: Text | None = None
    constraint: Text | None = None


class LeadTime(Evidence):
    table = "lead_times"
    key = ("step", "subject", "source_id", "note")
    references = (SOURCE,)
    step: Text
    subject: Text
    months_low: Positive
    months_mode: Positive
    months_high: Positive | None = None


class Arrival(Quantity):
    """What reached a recipient in one month, by supplier. Rows of one pair and materiel never overlap, so they may be added."""

    table = "arrivals"
    key = ("supplier", "recipient", "materiel_id", "month")
    references = (Reference("supplier", "actors"), Reference("recipient", "actors"), MATERIEL, SOURCE)
    supplier: Id = Field(description="the donor, or the recipient itself for its own output")
    recipient: Id
    materiel_id: Id
    month: Annotated[str, Field(pattern=r"^20\d\d-(0[1-9]|1[0-2])$")]
    unit: Literal["units"]
    precision: Literal["month", "quarter", "half_year", "year", "period"] = Field(
        description="how finely the source dates it; anything coarser than a month was spread by the rule"
    )


class Observation(Evidence):
    """An observation, or an input, of a war that the model is held against. Blank low and high: a single reported value."""

    table = "observations"
    key = ("observation_id",)
    references = (MATERIEL, SOURCE)
    observation_id: Id
    case: Literal["artillery", "air_defence", "E1", "E2", "E3", "E4", "E5", "E6", "E7", "E8", "E9"]
    metric: Text
    actor: Text = Field(description="actor, or a pair such as RUS:UKR for a quotient, or donor->recipient")
    donor: Text | None = None
    subject: Text | None = Field(None, description="calibre, family, type of missile as the source counts it")
    materiel_id: Id | None = None
    period_start: PartialDate
    period_end: PartialDate
    low: float | None = Field(None, allow_inf_nan=False)
    mode: float | None = Field(None, allow_inf_nan=False)
    high: float | None = Field(None, allow_inf_nan=False)
    unit: Text
    basis: Text | None = Field(None, description="counting basis: bases are never mixed")
    role: Literal["input", "fit", "held", "not_scored"]
    event: Id | None = Field(None, description="rows of one event are one observation")
    speaker: Id | None = Field(None, description="who counted; shares one bias")
    episode: Id | None = Field(None, description="phase of the war, left out as a whole")


class Bottleneck(Evidence):
    table = "bottlenecks"
    key = ("input", "actor_id", "source_id", "note")
    references = (ACTOR, SOURCE)
    input: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    actor_id: Id
    capacity: Positive | None = None
    capacity_unit: Text | None = None
    demand: Positive | None = None
    demand_unit: Text | None = None
    use_per_unit: Text | None = None
    concentration: Text | None = None


class LiftLag(Evidence):
    table = "lift_and_lag"
    key = ("event", "source_id", "note")
    references = (SOURCE,)
    event: Text
    origin: Text | None = None
    destination: Text | None = None
    cargo: Text
    quantity: Positive | None = None
    unit: Text | None = None
    days_low: Positive | None = None
    days_mode: Positive | None = None
    days_high: Positive | None = None
    means: Text | None = None


class UncertaintyRow(Evidence):
    table = "uncertainties"
    key = ("uncertainty_id",)
    references = (SOURCE,)
    uncertainty_id: Id
    name: Text
    shape: Shape
    low: float = Field(allow_inf_nan=False, description="lower bound; lognormal: 5th percentile")
    mode: float = Field(allow_inf_nan=False, description="most likely value; lognormal: median; bernoulli: probability")
    high: float = Field(allow_inf_nan=False, description="upper bound; lognormal: 95th percentile")
    unit: Text

    @model_validator(mode="after")
    def _shape(self) -> UncertaintyRow:
        if not self.low <= self.mode <= self.high:
            raise ValueError(f"low <= mode <= high does not hold: {self.low:g}, {self.mode:g}, {self.high:g}")
        if self.shape in ("loguniform", "lognormal") and self.low <= 0:
            raise ValueError(f"shape '{self.shape}' needs low > 0, found {self.low:g}")
        if self.shape == "bernoulli" and not (self.low >= 0 and self.high <= 1):
            raise ValueError("shape 'bernoulli' needs a probability between 0 and 1")
        if self.shape == "constant" and self.low != self.high:
            raise ValueError("shape 'constant' needs low = mode = high")
        return self


TABLES: tuple[type[Record], ...] = (
    Source,
    Theater,
    Mission,
    MaterielClass,
    LayerRow,
    MaturityRow,
    TieType,
    Family,
    Actor,
    Membership,
    Item,
    Adoption,
    Tie,
    Exercise,
    Materiel,
    Element,
    Fires,
    ForceElement,
    Line,
    LineInput,
    Stock,
    Consumption,
    Transfer,
    Arrival,
    Observation,
    UnitCost,
    PlanActual,
    Indicator,
    Flow,
    Probe,
    ReadinessInput,
    Statement,
    Initiative,
    LeadTime,
    Bottleneck,
    LiftLag,
    UncertaintyRow,
)
"""Every table, those that others refer to first."""
