"""Everything that the product holds against reality, in one run: cases with a verdict, and what lies behind them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.errors import InputError, Problem
from isthmus.register import Register
from isthmus.validation.air_defence import AirDefence, score_air_defence
from isthmus.validation.artillery import ArtilleryResult, hindcast
from isthmus.validation.calibration import frozen_path
from isthmus.validation.case import Case
from isthmus.validation.closed_forms import closed_form_cases
from isthmus.validation.falsifier import falsifier_cases, sign_cases
from isthmus.validation.mass_balance import mass_balance_cases
from isthmus.validation.natural import COLUMNS as NATURAL_COLUMNS
from isthmus.validation.natural import NaturalExperiments, natural_experiments, read_sightings
from isthmus.validation.observations import ObservationFile, read_observations
from isthmus.validation.plans import plan_cases
from isthmus.validation.pressure import pressure_cases
from isthmus.validation.published import NOT_TESTED_HERE, published_cases

UNTESTED = (
    "No hindcast row tests what reach says of a coalition, nor how an ecosystem moves it: no war was fought in two ecosystems.",
    "Compatibility is tested by nine natural experiments of one war only, and there the yes or no of fit does about as well as its degrees.",
    "Whether and when donors decide is calibrated on aid to one party of one war; the forecast claims no skill.",
    "Nothing tests the campaigns of the Indo-Pacific, the needs of a war that has not been fought, or the shares in which a hub divides its stocks.",
    "The outcome rule (13 weeks, the ratio of fire, the line of 0.4) has no case of a defence that was lost on supply to be held against.",
)
"""What no data here test."""


@dataclass(frozen=True)
class Validation:
    """All cases, and the results behind them for tables and figures."""

    cases: tuple[Case, ...]
    artillery: ArtilleryResult
    air_defence: AirDefence
    natural: NaturalExperiments


def validate(
    register: Register,
    observations: Path | None = None,
    until: date | None = None,
    data: Path | None = None,
    step: Callable[[str], None] | None = None,
) -> Validation:
    """Run every case.

    Args:
        observations: later rows in the form of the artillery case, the air defence case or the natural experiments; the header
            decides. They are scored without refitting.
        data: folder of public data sets; with ICB, NMC and ATOP the margin of deterrence is held against past crises.
        until: last day of the hindcasts; by default as far as arrivals and observations go.
        step: called with the name of the part that begins.

    Raises:
        InputError: for a file that cannot be read, with everything that is wrong, or a register that lacks what a case needs.
    """
    begin = step or (lambda _: None)
    rows: ObservationFile | None = None
    sightings = None
    if observations is not None:
        if _is_natural(observations):
            sightings = read_sightings(observations)
        else:
            rows = read_observations(observations, register)
    cases: list[Case] = []
    for name, part in (
        ("closed forms", closed_form_cases),
        ("published cases", lambda: published_cases(register)),
        ("plans", lambda: plan_cases(register)),
        ("mass balance", lambda: mass_balance_cases(register)),
    ):
        begin(name)
        cases += part()
    begin("artillery")
    artillery = hindcast(register, rows, until)
    begin("air defence")
    air = score_air_defence(register, rows, until.isoformat() if until else None)
    begin("natural experiments")
    natural = natural_experiments(register, sightings)
    cases += [*artillery.cases, *air.cases, *natural.cases]
    begin("signs of deterrence")
    cases += sign_cases(register)
    begin("causal term of pressure")
    cases += pressure_cases(register, data)
    if data is not None:
        begin("margins against past crises and disputes")
        cases += falsifier_cases(data, register)
    return Validation(tuple(cases), artillery, air, natural)


def _is_natural(path: Path) -> bool:
    """Whether a file's header is that of the natural experiments."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            header = file.readline()
    except (OSError, UnicodeDecodeError):
        return False
    return NATURAL_COLUMNS[0] in [name.strip() for name in header.split(",")]


def document(found: Validation, register: Register) -> dict[str, Any]:
    """What a report needs of a validation, as plain objects: cases, series, tables, what is not tested."""
    art = found.artillery
    return {
        "register": {"hash": register.hash, "newest": register.newest()},
        "cases": [_plain(case.row()) for case in found.cases],
        "artillery": {
            "months": list(art.months),
            "series": {name: _plain(values) for name, values in art.series.items()},
            "rows": _plain(art.rows),
            "parsimony": _plain(art.parsimony),
            "identifiability": _plain(art.identifiability),
            "outcome_rule": _plain(art.outcome_rule),
            "frozen": art.frozen_hash,
            "stale": list(art.stale),
            "until": art.until.isoformat(),
            "extrapolated_from": art.extrapolated_from.isoformat(),
            "unscored": [{"row": r.observation_id, "why": r.note} for r in art.unscored],
        },
        "air_defence": {
            "events": {
                name: [
                    {
                        "type": e.month.type_group,
                        "month": e.month.month,
                        "observed": e.observed,
                        "low": e.low,
                        "median": e.median,
                        "high": e.high,
                    }
                    for e in events
                ]
                for name, events in found.air_defence.events.items()
            },
            "parsimony": _plain(found.air_defence.parsimony),
            "rolling_origin": _plain(found.air_defence.rolling_origin),
            "notes": list(found.air_defence.notes),
        },
        "natural": {
            "tests": [
                {
                    "case": t.case.case,
                    "experiment": t.experiment,
                    "verdict": t.verdict,
                    "hard_does_as_well": t.hard_does_as_well,
                    "informed": t.informed,
                    "threats": t.threats,
                }
                for t in found.natural.tests
            ],
            "series": [
                {
                    "experiment": s.experiment,
                    "name": s.name,
                    "unit": s.unit,
                    "at": list(s.at),
                    **{k: _plain(getattr(s, k)) for k in ("low", "median", "high", "hard", "rival_low", "rival", "rival_high")},
                    "seen": [
                        {"at": o.at, "low": o.low, "value": o.value, "high": o.high, "source": o.source, "scored": o.scored}
                        for o in s.seen
                    ],
                }
                for s in found.natural.series
            ],
        },
        "untested": [*UNTESTED, *(f"{u.statement} {u.why}" for u in NOT_TESTED_HERE)],
    }


def _plain(value: Any) -> Any:
    """Arrays, mappings, dates and numbers that are none as what JSON holds."""
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return round(value, 6) if np.isfinite(value) else None
    return value


def shipped_path() -> Path:
    """The validation that ships with Isthmus: of its own register, as its developers ran it."""
    return frozen_path("validation.json")


def write_document(document: Mapping[str, Any], path: Path) -> None:
    """Write a document of :func:`document`, one line a case so that a review sees what changed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(case, ensure_ascii=False, allow_nan=False) for case in document["cases"]]
    parts = [
        f"{json.dumps(k)}: "
        + ("[\n" + ",\n".join(lines) + "\n]" if k == "cases" else json.dumps(v, ensure_ascii=False, allow_nan=False))
        for k, v in document.items()
    ]
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def read_document(path: Path | None = None) -> dict[str, Any] | None:
    """A validation written before; None where there is none. Raises InputError for a file that is none."""
    path = path or shipped_path()
    if not path.is_file():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict) or "cases" not in found:
            raise ValueError
    except (OSError, ValueError):
        problem = Problem(str(path), None, None, "no validation", "a file written by isthmus validate --out", "cannot be read")
        raise InputError([problem]) from None
    return found
