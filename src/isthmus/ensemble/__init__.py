"""Uncertainties, designs of futures, random numbers. Knows nothing of alliances."""

from isthmus.ensemble.design import Design
from isthmus.ensemble.uncertainty import Uncertainty

__all__ = ["Design", "Uncertainty"]
