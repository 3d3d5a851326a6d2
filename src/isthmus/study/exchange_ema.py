"""A run in the format of the EMA Workbench (Kwakkel 2017): `ema_workbench.load_results` opens it, and all its analyses apply.

The file is what `save_results` of release 2.5 writes: experiments as CSV, each outcome as a file of its own, and `metadata.json`
that says which classes they are. It is written and read here without the workbench, which need not be installed.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv

from isthmus.errors import InputError, Problem
from isthmus.study import sensitivity
from isthmus.study.boxes import boxes
from isthmus.study.drivers import LEAST_FUTURES
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


@dataclass(frozen=True)
class Experiments:
    """Experiments of any model, as the workbench saved them. `inputs`: (experiments, names); `outcomes`: name → (experiments,)."""

    names: tuple[str, ...]
    inputs: npt.NDArray[np.float32]
    outcomes: dict[str, npt.NDArray[np.float64]]
    categories: dict[str, tuple[str, ...]]
    """Words of the inputs that are no numbers, in the order of the codes that stand for them."""


IDENTITY = "scenario"
"""Column that numbers the experiments and drives nothing; policy and model are inputs where there are several."""


def read_ema(path: Path) -> Experiments:
    """What `ema_workbench.save_results` wrote: inputs that vary, and outcomes of one number an experiment.

    Raises InputError where the file is none of those, or where columns, metadata and outcomes do not agree: all problems at once.
    """
    try:
        with tarfile.open(path, "r:*") as archive:
            metadata = json.loads(_member(archive, "metadata.json"))
            table = csv.read_csv(io.BytesIO(_member(archive, "experiments.csv")))
            files = {str(n): (str(kind), _member(archive, str(file))) for kind, n, file in metadata["outcomes"]}
    except (OSError, tarfile.TarError, KeyError, TypeError, ValueError, pa.ArrowInvalid) as bad:
        raise InputError(
            [Problem(str(path), None, None, str(bad)[:80], "a file written by ema_workbench.save_results", "not such a file")]
        ) from None
    problems, outcomes = [], {}
    for name, (kind, text) in files.items():
        if kind != "ScalarOutcome":  # series and arrays have no single number to explain
            continue
        try:
            values = np.array([float(v) for v in text.decode().split()])
        except ValueError as bad:
            problems.append(Problem(str(path), None, name, str(bad)[:80], "a number an experiment", "the outcome is unreadable"))
            continue
        if len(values) != table.num_rows:
            found = f"{len(values):,} numbers"
            problems.append(Problem(str(path), None, name, found, f"{table.num_rows:,} experiments", "the outcome does not fit"))
        outcomes[name] = values
    if not files or not outcomes:
        found = ", ".join(f"{n} ({kind})" for n, (kind, _) in files.items()) or "no outcome"
        problems.append(Problem(str(path), None, "outcomes", found, "at least one ScalarOutcome", "nothing to explain"))
    names, columns, categories = [], [], {}
    for name in (c for c in table.column_names if c != IDENTITY):
        column = table.column(name)
        words = column.cast(pa.string()).to_pandas() if not _is_number(column.type) else None
        if words is None:
            values = column.to_numpy().astype(np.float64)
        else:
            seen, codes = np.unique(words.fillna("").to_numpy(str), return_inverse=True)
            values = codes.astype(np.float64)
            if len(seen) > 1:
                categories[name] = tuple(str(v) for v in seen)
        if not np.isfinite(values).all():
            gaps = f"{int((~np.isfinite(values)).sum()):,} empty cells"
            problems.append(Problem(str(path), None, name, gaps, "a value in every experiment", "the input has gaps"))
        elif len(values) and values.max() > values.min():
            names.append(name)
            columns.append(values.astype(np.float32))
    if not names and not problems:
        problems.append(Problem(str(path), None, "experiments", "no input", "inputs that vary", "nothing to explain by"))
    if problems:
        raise InputError(problems)
    return Experiments(tuple(names), np.stack(columns, axis=1), outcomes, categories)


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    held = archive.extractfile(name)
    if held is None:
        raise KeyError(name)
    return held.read()


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


EXPERIMENT_COLUMNS = (
    "outcome",
    "input",
    "share_of_variance",
    "low",
    "high",
    "pawn",
    "found_by",
    "share_with_others",
    "acts_with",
    "at_low",
    "at_high",
    "flips_at",
)


EXPERIMENT_BOX_COLUMNS = ("outcome", "box", "input", "low", "high", "quasi_p", "coverage", "density", "base", "mass")


def explain(experiments: Experiments, outcome: str | None = None, at: float | None = None) -> list[dict[str, Any]]:
    """What drives outcomes of experiments, and in which of them an outcome lies below `at`: a row an outcome.

    Keys: outcome, mean, experiments, drivers (rows of `EXPERIMENT_COLUMNS` with `flips`), boxes, why there are none. `outcome`: only
    this one. Raises InputError for an unknown outcome, for too few experiments, and for a level that is no number.
    """
    wanted = list(experiments.outcomes) if outcome is None else [outcome]
    problems = []
    if outcome is not None and outcome not in experiments.outcomes:
        known = ", ".join(sorted(experiments.outcomes)[:60])
        problems.append(Problem("command line", None, "outcome", outcome, known, "no such one"))
    if at is not None and not np.isfinite(at):
        problems.append(Problem("command line", None, "at", str(at), "a number", "no level"))
    if len(experiments.inputs) < LEAST_FUTURES:
        found = f"{len(experiments.inputs):,} experiments"
        problems.append(Problem("command line", None, "file", found, f"{LEAST_FUTURES} or more", "too few to tell drivers"))
    if problems:
        raise InputError(problems)
    return [_explained(experiments, name, at) for name in wanted]


def _explained(experiments: Experiments, name: str, at: float | None) -> dict[str, Any]:
    known = np.isfinite(experiments.outcomes[name])
    values = experiments.outcomes[name][known]
    out: dict[str, Any] = {"outcome": name, "experiments": len(values), "mean": None, "drivers": [], "boxes": [], "why": None}
    if len(values) < LEAST_FUTURES:
        return {**out, "why": "too few experiments in which it is defined"}
    sample = sensitivity.Sample.of(experiments.names, np.ascontiguousarray(experiments.inputs[known]))
    measured = sensitivity.measure(sample, values)
    below = values < at if at is not None else np.zeros(len(values), bool)
    for i in measured.listed:
        x = sample.column(sample.names[i])
        partial = measured.partial[i]
        part = float(partial.var() / values.var())
        least, most = sample.coarse[i] == 0, sample.coarse[i] == sample.coarse[i].max()
        partner = measured.partner(i)
        flips: list[sensitivity.Crossing] = []
        if at is not None and sample.names[i] not in experiments.categories:
            flips = sensitivity.crossings(sensitivity.conditional(x, 1.0 - below.astype(np.float64)), 0.5)
        low, high = (part * v for v in sensitivity.interval(sample.fine[i], partial))
        out["drivers"].append(
            {
                "outcome": name,
                "input": sample.names[i],
                "share_of_variance": float(measured.share[i]),
                "low": low,
                "high": high,
                "pawn": sensitivity.pawn(sample.coarse[i], sensitivity.Steps.of(values)),
                "found_by": "variance" if i in measured.main else "distribution" if i in measured.spread else "interaction",
                "share_with_others": measured.together(i),
                "acts_with": None if partner is None else sample.names[partner],
                "at_low": float(values[least].mean()),
                "at_high": float(values[most].mean()),
                "flips_at": flips[0].at if len(flips) == 1 else None,
                "flips": [asdict(f) for f in flips],
                "categories": list(experiments.categories.get(sample.names[i], ())),
            }
        )
    names = tuple(d["input"] for d in out["drivers"] if d["input"] not in experiments.categories)[:12]
    if at is not None and names:
        found = boxes(names, np.stack([sample.column(n) for n in names], axis=1), below)
        out |= {
            "boxes": [b.as_dict() for b in found],
            "why": None if found else "no box in few inputs holds them better than chance",
        }
    return {**out, "mean": float(values.mean())}
