"""Names of the axes and of the small closed vocabularies that every layer uses.

Vocabularies that an analyst may extend (actors, missions, materiel …) are tables of the register, not names here.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

Kind = Literal["fact", "estimate", "assumption"]
"""fact: somebody else's published figure; estimate: computed by a named rule; assumption: our judgement, with its reason."""

Confidence = Literal["A", "B", "C"]
"""A official or company statement; B press or think tank; C estimate, contested, copy of a copy."""

Side = Literal["allied", "rival", "neutral"]
Layer = Literal["concept", "doctrine", "capability", "technology", "industry", "standard"]
Maturity = Literal["none", "declared", "agreed", "implemented", "exercised"]
Tier = Literal["campaign", "magazine", "indicator"]
Shape = Literal["pert", "uniform", "loguniform", "lognormal", "bernoulli", "constant"]

SIDES: Final[tuple[str, ...]] = get_args(Side)
LAYERS: Final[tuple[Layer, ...]] = get_args(Layer)

LADDER: Final[dict[str, int]] = {"none": 0, "declared": 1, "agreed": 2, "implemented": 3}
"""Rank of a step of holding. `exercised` is no step: taking part in an exercise does not make an actor hold a concept."""

GRADE_WIDENING: Final[dict[str, float]] = {"A": 0.10, "B": 0.25, "C": 0.50}
"""A value of grade g with low and high l, h is used as [l/(1+w), h·(1+w)], w from this table (docs/reference/register.md)."""
