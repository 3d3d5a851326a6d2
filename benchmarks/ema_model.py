"""The plain-Python twin driven one experiment at a time by EMA Workbench, as most exploratory models of policy are run."""

from __future__ import annotations

import logging
import time
import warnings
from typing import Any

from isthmus.sustainment import kernel as k
from isthmus.sustainment import reference

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # evaluators for clusters that are not installed
    from ema_workbench import ArrayOutcome, IntegerParameter, Model, SequentialEvaluator

logging.getLogger("ema_workbench").setLevel(logging.ERROR)


def run(network: k.Network, lanes: k.Lanes, starts: k.I32, weeks: int, experiments: int) -> tuple[float, Any]:
    """Seconds, and the outcomes in the order in which the Workbench drew the futures."""
    futures = lanes.stock.shape[0] * k.LANES
    begin = [int(s) for s in starts]

    def campaign(future: int) -> dict[str, list[float]]:
        tile, lane = divmod(int(future), k.LANES)
        return {"outcomes": reference.run_one(network, lanes, begin, weeks, tile, lane)[0]}

    model = Model("campaign", function=campaign)
    model.uncertainties = [IntegerParameter("future", 0, futures - 1)]
    model.outcomes = [ArrayOutcome("outcomes")]
    with SequentialEvaluator(model) as evaluator:
        began = time.perf_counter()
        result = evaluator.perform_experiments(scenarios=experiments)
        return time.perf_counter() - began, result
