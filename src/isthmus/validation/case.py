"""One case of validation: what was observed, what the model gives, how it scores, and whether it passes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

CaseKind = Literal["closed_form", "published", "mass_balance", "hindcast", "natural_experiment", "sign"]
Block = Literal["conditional", "forecast", "one_month", "fixed_origin"]


@dataclass(frozen=True)
class Case:
    """A case and its verdict. Numbers are in `unit`; scores are means over events, lower is better."""

    case: str
    """Short id, for example `artillery.conditional.RUS.fire_rate` or `published.thaad_reload`."""
    kind: CaseKind
    title: str
    """One line for a reader who does not know the code."""
    passed: bool
    why: str
    """The rule that decided, with the numbers that it compared; for a failure, what failed."""
    block: Block | None = None
    unit: str | None = None
    observed: float | None = None
    low: float | None = None
    """5% quantile of the model, or the value itself where it is a number."""
    median: float | None = None
    high: float | None = None
    score: float | None = None
    """Mean CRPS of the model (log units for rates, share for intercepts), where events are scored."""
    cover90: float | None = None
    """Share of scored events inside the 90% interval."""
    leave_one_out_worst: float | None = None
    """Worst skill against the best rival with one episode left out, share of the rival's score."""
    rivals: dict[str, float] = field(default_factory=dict)
    """Name of rival or control -> its mean score on the same events."""
    sources: tuple[str, ...] = ()
    """source_id of what was observed or published; empty for closed forms."""
    tests: str = ""
    """What of the model this case can speak for, in a few words."""

    def row(self) -> dict[str, Any]:
        """The case as one object of the JSON document."""
        return asdict(self)
