"""Run one block of futures in one ecosystem and one war case: arrays in, labelled arrays out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isthmus.sustainment import kernel as k
from isthmus.sustainment.inputs import CampaignInputs

BALANCE_TOLERANCE = 1e-3
"""Largest breach of the balance of materiel that float32 may leave over a horizon, as a share of all materiel of a kind."""


@dataclass(frozen=True)
class CampaignResults:
    """`outcomes`: (futures, columns); `fill`: (tiles, views, weeks, lanes), -1 at peace."""

    columns: tuple[str, ...]
    outcomes: npt.NDArray[np.float32]
    fill: npt.NDArray[np.float32]


def run_campaigns(
    inputs: CampaignInputs, starts: Mapping[str, int], theaters: tuple[str, ...], weeks: int, threads: int | None = None
) -> CampaignResults:
    """Campaigns of every future of `inputs`. Raises ArithmeticError where materiel is not conserved: a fault of the model."""
    out, fill = k.run_tiles(inputs.network, inputs.lanes, inputs.starts(starts, theaters), weeks, threads)
    # Columns lie whole in memory: what reads outcomes reads one at a time.
    outcomes = out.transpose(1, 0, 2).reshape(out.shape[1], -1)[:, : inputs.futures].T
    worst = float(outcomes[:, -1].max(initial=0.0))
    if not worst < BALANCE_TOLERANCE:
        raise ArithmeticError(f"materiel is not conserved: residual {worst:g}")
    return CampaignResults(inputs.labels.columns, outcomes, fill)
