"""Cases of the past in a user's file: the dispute form, or the war1800 form of the R packages games, strat and StratSel.

Either becomes one frame: a row a case that might have become an attack, those in which nothing happened among them.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from isthmus.errors import InputError, Problem

KM_PER_MILE = 1.609344
MOST_PROBLEMS = 50


@dataclass(frozen=True)
class Column:
    """A column of the dispute form."""

    name: str
    what: str
    low: float | None = None
    high: float | None = None
    required: bool = False
    whole: bool = False


COLUMNS: tuple[Column, ...] = (
    Column("case", "name of the case"),
    Column("year", "year in which it began", 1, 3000, required=True, whole=True),
    Column("challenger", "who might attack"),
    Column("defender", "who might be attacked"),
    Column("challenger_capability", "capability of the challenger, any unit", 0, required=True),
    Column("defender_capability", "capability of the defender, the same unit", 0, required=True),
    Column("challenger_allies", "capability of those bound to fight beside the challenger, the same unit", 0),
    Column("defender_allies", "capability of those bound to defend the defender, the same unit", 0),
    Column("distance_km", "distance between the two, km", 0),
    Column("status_quo", "value of the status quo to the challenger, 0 to 1 of the gain; an S-score s enters as (s + 1)/2", 0, 1),
    Column("fear", "expected fall of that value, 0 to 1 of the gain", 0, 1),
    Column("revisionist", "1 where the challenger has declared revisionist aims, else 0", 0, 1),
    Column("challenger_regime", "Polity score of the challenger, -10 to 10", -10, 10),
    Column("defender_regime", "Polity score of the defender, -10 to 10", -10, 10),
    Column("peace_years", "years since the last dispute of the two", 0),
    Column("nuclear_defender", "1 where the defender or a state bound to it has nuclear weapons, else 0", 0, 1),
    Column("attacked", "1 where the challenger left the status quo, else 0", 0, 1, required=True),
    Column("war", "1 where it came to war, else 0", 0, 1),
)
"""The dispute form: one row a case that might have become an attack, the status quo among them."""

TEXT = ("case", "challenger", "defender")
OUTCOMES = ("attacked", "war")
FEATURES = tuple(c.name for c in COLUMNS if c.name not in (*TEXT, "year", *OUTCOMES))

WAR1800: Mapping[str, str] = {
    "ccode1": "challenger",
    "ccode2": "defender",
    "year": "year",
    "cap_1": "challenger_capability",
    "cap_2": "defender_capability",
    "balanc": "balance",
    "s_wt_re1": "s_score",
    "dem1": "challenger_regime",
    "dem2": "defender_regime",
    "mixed1": "challenger_mixed",
    "mixed2": "defender_mixed",
    "distance": "distance_miles",
    "peaceyrs": "peace_years",
    "midnum": "case",
    "revis1": "revisionist",
    "sq": "status_quo_kept",
    "capit": "capitulated",
    "war": "war",
    "esc": "escalated",
}
"""Columns of the war1800 form, and what each becomes: package games as it writes them, strat with dots for underscores.

StratSel has ten of them, without a year; there dem1 and mixed1 are indicators of regime types instead of a Polity score.
"""

POLITY_OF = {"democracy": 8.5, "mixed": 0.0, "autocracy": -8.5}
"""Polity score that stands for a regime type: the middle of the class, which package strat cuts at -7 and 7."""

_BOUNDS: Mapping[str, tuple[float, float]] = {
    "balanc": (0.0, 1.0),
    "s_wt_re1": (-1.0, 1.0),
    "dem1": (-10.0, 10.0),
    "dem2": (-10.0, 10.0),
    "year": (1.0, 3000.0),
} | dict.fromkeys(("sq", "capit", "war", "esc", "revis1", "mixed1", "mixed2"), (0.0, 1.0))
_TRUE, _FALSE, _MISSING = ("1", "1.0", "true", "t", "yes"), ("0", "0.0", "false", "f", "no"), ("", "na", "nan", ".")


def read_cases(path: Path) -> pd.DataFrame:
    """A file of cases in the dispute form or the war1800 form, as the dispute form. Raises InputError with every problem.

    Cells are separated by commas; in a file named .tab or .tsv, as Dataverse ships them, by tabs.
    """
    file = str(path)
    separator = "\t" if path.suffix.lower() in (".tab", ".tsv") else ","
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, delimiter=separator)
            rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as bad:
        raise InputError([Problem(file, None, None, str(bad)[:80], "a CSV file in UTF-8", "the cases cannot be read")]) from None
    if len(rows) < 2:
        raise InputError([Problem(file, None, None, "no rows", "a header and a row a case", "no cases")])
    header = [name.strip().replace(".", "_").lower() for name in rows[0][1]]
    _check_separator(header, separator, file)
    # Saved data frames of R begin with a column without a name, or shorten the header by one.
    if all(len(row) == len(header) + 1 for _, row in rows[1:]):
        header = ["", *header]
    problems = [
        Problem(file, line, None, f"{len(row)} cells", f"{len(header)} cells, as in the header", "a row of another length")
        for line, row in rows[1:]
        if len(row) != len(header)
    ]
    problems += [
        Problem(file, 1, name, "twice", "columns named once", "a column twice")
        for name in sorted({n for n in header if n and header.count(n) > 1})
    ]
    _raise(problems)
    text = pd.DataFrame([row for _, row in rows[1:]], columns=header, index=[line for line, _ in rows[1:]])
    text = text.apply(lambda column: column.str.strip())
    form = _from_war1800 if "balanc" in header or "cap_1" in header else _from_disputes
    frame = form(text, file, problems)
    problems += _faults(frame, file)
    if frame.empty and not problems:
        problems.append(
            Problem(file, None, None, "none", "capabilities, a year and an outcome in the same row", "no complete case")
        )
    _raise(problems)
    return frame.reset_index(drop=True)


def _check_separator(header: Sequence[str], separator: str, file: str) -> None:
    if len(header) > 1:
        return
    other = next((word for mark, word in ((";", "semicolons"), ("\t", "tabs"), (",", "commas")) if mark in header[0]), None)
    if other is not None:
        allowed = f"cells separated by {'tabs' if separator == chr(9) else 'commas'}"
        raise InputError([Problem(file, 1, None, f"cells separated by {other}", allowed, "wrong separator")])


def _numbers(
    text: pd.DataFrame, name: str, low: float | None, high: float | None, file: str, problems: list[Problem]
) -> pd.Series[float]:
    """A column as numbers; NaN where it is missing. Faults are added to `problems`."""
    out = []
    for line, cell in text[name].items():
        word = str(cell).lower()
        value = 1.0 if word in _TRUE[2:] else 0.0 if word in _FALSE[2:] else float("nan")
        if word not in (*_MISSING, *_TRUE[2:], *_FALSE[2:]):
            try:
                value = float(word)
            except ValueError:
                problems.append(Problem(file, int(str(line)), name, str(cell)[:40], "a number", "not a number"))
                out.append(float("nan"))
                continue
            if not np.isfinite(value) or (low is not None and value < low) or (high is not None and value > high):
                allowed = (
                    f"{'' if low is None else f'{low:g} or more'}{'' if high is None else f', at most {high:g}'}" or "a number"
                )
                problems.append(Problem(file, int(str(line)), name, str(cell)[:40], allowed.removeprefix(", "), "out of range"))
                value = float("nan")
        out.append(value)
    return pd.Series(out, index=text.index, dtype=np.float64)


def _from_disputes(text: pd.DataFrame, file: str, problems: list[Problem]) -> pd.DataFrame:
    """The dispute form as numbers. Faults are added to `problems`."""
    needed = [c.name for c in COLUMNS if c.required]
    for name in needed:
        if name not in text.columns:
            allowed = f"columns {', '.join(needed)}, or the war1800 form"
            problems.append(Problem(file, 1, name, ", ".join(c for c in text.columns if c)[:80], allowed, "a column is missing"))
    known = {c.name for c in COLUMNS}
    problems += [
        Problem(file, 1, name, name, ", ".join(sorted(known)), "unknown column")
        for name in text.columns
        if name and name not in known
    ]
    out = pd.DataFrame(index=text.index)
    for column in (c for c in COLUMNS if c.name in text.columns):
        if column.name in TEXT:
            out[column.name] = text[column.name]
            continue
        out[column.name] = _numbers(text, column.name, column.low, column.high, file, problems)
        if column.whole:
            problems += [
                Problem(file, int(line), column.name, str(text.at[line, column.name]), "a whole number", "not a whole number")
                for line in out.index[out[column.name].notna() & (out[column.name] % 1 != 0)]
            ]
        if column.required:
            problems += [
                Problem(file, int(line), column.name, "nothing", column.what, "a value is missing")
                for line in out.index[out[column.name].isna()]
                if str(text.at[line, column.name]).lower() in _MISSING
            ]
    names = [c for c in TEXT if c in out]
    if {"challenger", "defender"} <= set(names) and "year" in out:
        twice = out.duplicated([*names, "year"])
        allowed = "each pair and year once" if "case" not in names else "each case once"
        problems += [
            Problem(file, int(line), names[0], ", ".join(str(out.at[line, n]) for n in names), allowed, "a case twice")
            for line in out.index[twice]
        ]
    return out


def _from_war1800(text: pd.DataFrame, file: str, problems: list[Problem]) -> pd.DataFrame:
    """The war1800 form as the dispute form. Faults are added to `problems`; columns that are missing stop it."""
    have = {name: WAR1800[name] for name in text.columns if name in WAR1800}
    indicators = "mixed1" in have or "mixed2" in have
    if "year" not in have and not indicators:
        problems.append(Problem(file, 1, "year", "no such column", "year", "a column is missing"))
    if not ({"cap_1", "cap_2"} <= set(have) or "balanc" in have):
        problems.append(Problem(file, 1, "balanc", "no such column", "balanc, or cap_1 and cap_2", "a column is missing"))
    if not {"sq", "esc"} & set(have) and not {"capit", "war"} <= set(have):
        problems.append(Problem(file, 1, "sq", "no such column", "sq, esc, or capit and war", "nothing says what happened"))
    lacking = len(problems)
    raw = pd.DataFrame(index=text.index)
    for name, becomes in have.items():
        if becomes in TEXT:
            raw[becomes] = text[name]
        else:
            low, high = (0.0, 1.0) if indicators and name in ("dem1", "dem2") else _BOUNDS.get(name, (0.0, None))
            raw[becomes] = _numbers(text, name, low, high, file, problems)
    problems += _contradictions(raw, file)
    if lacking:
        _raise(problems)
    if indicators:
        for side in ("challenger", "defender"):
            raw[f"{side}_regime"] = _polity(raw, side)
    if "year" not in raw:
        raw["year"] = np.nan
    out = pd.DataFrame({c.name: raw[c.name] for c in COLUMNS if c.name in raw}, index=raw.index)
    if "challenger_capability" not in raw or "defender_capability" not in raw:
        out["challenger_capability"], out["defender_capability"] = raw["balance"], 1 - raw["balance"]
    if "s_score" in raw:
        out["status_quo"] = (raw["s_score"] + 1) / 2
    if "distance_miles" in raw:
        out["distance_km"] = raw["distance_miles"] * KM_PER_MILE
    if "status_quo_kept" in raw:
        out["attacked"] = 1 - raw["status_quo_kept"]
    elif "escalated" in raw:
        out["attacked"] = raw["escalated"]
    else:
        out["attacked"] = np.maximum(raw["capitulated"], raw["war"])
    # Cases without capabilities, a year or an outcome say nothing either way, and published files hold a few.
    needed = ["challenger_capability", "defender_capability", "attacked", *(() if indicators else ("year",))]
    return out.dropna(subset=needed)


def _polity(raw: pd.DataFrame, side: str) -> pd.Series[float]:
    """A Polity score for StratSel's indicators: the middle of democracy, mixed regime or, where neither is set, autocracy."""
    nothing = pd.Series(np.nan, index=raw.index)
    democracy, mixed = (raw.get(name, nothing) for name in (f"{side}_regime", f"{side}_mixed"))
    score = np.select([democracy == 1, mixed == 1], [POLITY_OF["democracy"], POLITY_OF["mixed"]], POLITY_OF["autocracy"])
    return pd.Series(np.where(democracy.isna() | mixed.isna(), np.nan, score), index=raw.index)


def _contradictions(raw: pd.DataFrame, file: str) -> list[Problem]:
    """Rows whose outcomes exclude one another: exactly one of status quo, capitulation and war; escalation is not the status quo."""
    problems: list[Problem] = []
    ladder = [c for c in ("status_quo_kept", "capitulated", "war") if c in raw]
    if len(ladder) == 3:
        known = raw[ladder].notna().all(axis=1)
        problems += [
            Problem(file, int(line), "sq", "sq, capit, war: " + ", ".join(f"{x:g}" for x in raw.loc[line, ladder]), "one of them 1",
                    "outcomes contradict one another")
            for line in raw.index[known & (raw[ladder].sum(axis=1) != 1)]
        ]  # fmt: skip
    if {"status_quo_kept", "escalated"} <= set(raw):
        both = raw["status_quo_kept"].notna() & raw["escalated"].notna()
        problems += [
            Problem(file, int(line), "esc", f"sq {raw.at[line, 'status_quo_kept']:g}, esc {raw.at[line, 'escalated']:g}",
                    "esc = 1 - sq", "outcomes contradict one another")
            for line in raw.index[both & (raw["status_quo_kept"] + raw["escalated"] != 1)]
        ]  # fmt: skip
    return problems


def _faults(frame: pd.DataFrame, file: str) -> list[Problem]:
    """What rows may not hold beside one another, in whatever form they came."""
    problems = [
        Problem(file, int(str(line)), name, f"{frame.at[line, name]:g}", "0 or 1", "an outcome is a yes or a no")
        for name in OUTCOMES
        if name in frame
        for line in frame.index[frame[name].notna() & ~frame[name].isin([0.0, 1.0])]
    ]
    if set(OUTCOMES) <= set(frame):
        problems += [
            Problem(
                file, int(str(line)), "war", "war 1, attacked 0", "attacked 1 where war is 1", "outcomes contradict one another"
            )
            for line in frame.index[(frame["war"] == 1) & (frame["attacked"] == 0)]
        ]
    if {"challenger_capability", "defender_capability"} <= set(frame):
        problems += [
            Problem(file, int(str(line)), "challenger_capability", "0 and 0", "one above 0", "nobody has any capability")
            for line in frame.index[frame["challenger_capability"] + frame["defender_capability"] <= 0]
        ]
    if {"challenger", "defender"} <= set(frame):
        same = (frame["challenger"] == frame["defender"]) & ~frame["challenger"].str.lower().isin(_MISSING)
        problems += [
            Problem(
                file, int(str(line)), "defender", str(frame.at[line, "defender"])[:40], "two states", "a state against itself"
            )
            for line in frame.index[same]
        ]
    return problems


def _raise(problems: Sequence[Problem]) -> None:
    if problems:
        raise InputError(problems[:MOST_PROBLEMS])
