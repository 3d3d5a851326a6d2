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

import numpy as np
import numpy.typing as npt
import pandas as pd

from isthmus.study.results import Results
from isthmus.study.targets import DIVIDEND, Target, every_target, inputs_of, stored

VERSION = 0.1
"""Of the format, as the workbench counts it."""


def write_ema(results: Results, path: Path, ecosystems: Sequence[str], war_case: str) -> tuple[int, int, int]:
    """Write experiments and outcomes of one war case and some ecosystems; returns experiments, inputs, outcomes.

    An experiment is a future in an ecosystem: `scenario` is the future, `policy` the ecosystem, `model` study and war case.
    Outcomes are scalars named `<outcome>.<front>.<mission>`, those of `isthmus results`; shares are 0 or 1 in each experiment.
    """
    chosen = [t for t in every_target(results) if t.war_case == war_case and t.ecosystem in ecosystems and t.outcome != DIVIDEND]
    values = stored(results, chosen)
    names, inputs = inputs_of(results)
    futures = len(inputs)
    columns: dict[str, npt.NDArray[np.float64]] = {}
    for t in (t for t in chosen if t.ecosystem == ecosystems[0]):
        alike = [Target(t.outcome, e, war_case, t.front, t.mission) for e in ecosystems]
        columns[f"{t.outcome}.{t.front}.{t.mission}"] = np.concatenate([values[a] for a in alike])
    experiments = pd.DataFrame(np.tile(inputs.astype(np.float64), (len(ecosystems), 1)), columns=list(names))
    experiments = experiments.assign(
        scenario=np.tile(np.arange(futures), len(ecosystems)),
        policy=np.repeat(list(ecosystems), futures),
        model=f"{results.study['study']}_{war_case}",
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz", compresslevel=6) as archive:
        _add(archive, "experiments.csv", experiments.to_csv(index=False, float_format="%.9g"))
        for name, column in columns.items():
            _add(archive, f"{name}.cls", "".join(f"{v:.9g}\n" for v in column))
        metadata = {
            "version": VERSION,
            "outcomes": [("ScalarOutcome", name, f"{name}.cls") for name in columns],
            "experiments": {k: ("object" if k in ("policy", "model") else v.name) for k, v in experiments.dtypes.items()},
        }
        _add(archive, "metadata.json", json.dumps(metadata))
    return len(experiments), len(names), len(columns)


def _add(archive: tarfile.TarFile, name: str, text: str) -> None:
    data = text.encode()
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))
