"""A run in the format of the EMA Workbench (Kwakkel 2017): `ema_workbench.load_results` opens it, and all its analyses apply.

The file is what `save_results` of release 2.5 writes: experiments as CSV, each outcome as a file of its own, and `metadata.json`
that says which classes they are. It is written here without the workbench, which need not be installed.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv

from isthmus.errors import InputError, Problem
from isthmus.study.results import Results
from isthmus.study.targets import DIVIDEND, Target, every_target, inputs_of, stored

VERSION = 0.1
"""Of the format, as the workbench counts it."""


def write_ema(results: Results, path: Path, targets: Sequence[Target]) -> dict[str, Any]:
    """Write experiments and outcomes of the ecosystems and the war case of `targets`; returns path and counts of what was written.

    An experiment is a future in an ecosystem: `scenario` is the future, `policy` the ecosystem, `model` study and war case.
    Outcomes are scalars named `<outcome>.<front>.<mission>`, those of `isthmus results`; shares are 0 or 1 in each experiment.
    Raises InputError where no target has a war case.
    """
    cases = [t.war_case for t in targets if t.war_case is not None]
    if not cases:
        found = ", ".join(sorted({t.outcome for t in targets}))
        raise InputError([Problem("command line", None, "outcome", found, "an outcome of campaigns", "reach has no experiments")])
    war_case = cases[0]
    wanted = {t.ecosystem for t in targets} | {t.against for t in targets}
    ecosystems = [e["name"] for e in results.study["ecosystems"] if e["name"] in wanted]
    chosen = [t for t in every_target(results) if t.war_case == war_case and t.ecosystem in ecosystems and t.outcome != DIVIDEND]
    values = stored(results, chosen)
    names, inputs = inputs_of(results)
    futures = len(inputs)
    columns: dict[str, npt.NDArray[np.float64]] = {}
    for t in (t for t in chosen if t.ecosystem == ecosystems[0]):
        alike = [Target(t.outcome, e, war_case, t.front, t.mission) for e in ecosystems]
        columns[f"{t.outcome}.{t.front}.{t.mission}"] = np.concatenate([values[a] for a in alike])
    experiments: dict[str, npt.NDArray[Any]] = {n: np.tile(inputs[:, i], len(ecosystems)) for i, n in enumerate(names)}
    experiments |= {
        "scenario": np.tile(np.arange(futures), len(ecosystems)),
        "policy": np.repeat(np.array(ecosystems, object), futures),
        "model": np.full(futures * len(ecosystems), f"{results.study['study']}_{war_case}", object),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        text = io.BytesIO()
        csv.write_csv(pa.table(experiments), text)
        _add(archive, "experiments.csv", text.getvalue())
        for name, column in columns.items():
            _add(archive, f"{name}.cls", "".join(f"{v:.9g}\n" for v in column).encode())
        metadata = {
            "version": VERSION,
            "outcomes": [("ScalarOutcome", name, f"{name}.cls") for name in columns],
            "experiments": {k: "float64" if v.dtype.kind == "f" else v.dtype.name for k, v in experiments.items()},
        }
        _add(archive, "metadata.json", json.dumps(metadata).encode())
    return {"path": str(path), "experiments": futures * len(ecosystems), "inputs": len(names), "outcomes": len(columns)}


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))
