"""The register as typed, immutable tables: load, view at a date, count."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from isthmus.errors import InputError, Problem, RegisterError
from isthmus.register.columns import columns
from isthmus.register.csvfile import closest, quoted
from isthmus.register.load import Loaded, load_tables
from isthmus.register.records import TABLES, Evidence, Record, _check_date

if TYPE_CHECKING:
    import pandas as pd

STANDING = frozenset(
    (
        "sources",
        "theaters",
        "missions",
        "classes",
        "layers",
        "maturities",
        "tie_types",
        "families",
        "actors",
        "materiel",
        "elements",
        "fires",
        "uncertainties",
    )
)
"""Tables that hold at every date: vocabularies, and what materiel is and what fires it."""

MODELS: Mapping[str, type[Record]] = MappingProxyType({model.table: model for model in TABLES})
EVIDENCE: tuple[str, ...] = tuple(model.table for model in TABLES if issubclass(model, Evidence))
"""Tables whose rows carry kind, source, date and grade."""


def period_start(date: str) -> str:
    """First day of a partial date: '2024' -> '2024-01-01'. Dates so filled compare as text."""
    return date + "-01-01"[len(date) - 4 :] if len(date) < 10 else date


@dataclass(frozen=True, eq=False)
class Register:
    """Sourced facts of the alliance system, one frame per table.

    Every frame has the columns of its schema (numbers as float64, whole numbers as int64, all else text with None for "not
    stated") and two more: `fact_id`, "<table>:<key parts joined by |>", unique and stable; `overlay`, true for rows of the
    user's own folder. `hash` (64 hex digits, of which 16 are shown) is that of the whole register, also in a view at a date.
    """

    tables: Mapping[str, pd.DataFrame]
    root: Path
    hash: str
    date: str | None = None
    _views: dict[str, Register] = field(default_factory=dict, init=False, repr=False)
    """Views that `at` has made: a register never changes, and neither does what it said at a date."""

    @classmethod
    def reference(cls) -> Register:
        """The register that ships with Isthmus. Raises `RegisterError` where it is damaged."""
        return cls.load(reference_root())

    @classmethod
    def load(cls, root: Path | str, overlay: Path | str | None = None) -> Register:
        """Read and check the tables under `root`, with those of `overlay` on top. Raises `RegisterError` with every problem."""
        root = Path(root)
        loaded = load_tables(root, Path(overlay) if overlay is not None else None)
        frames = {name: _frame(MODELS[name], table) for name, table in loaded.items()}
        return cls(MappingProxyType(frames), root, _hash(loaded))

    def at(self, date: str) -> Register:
        """The register as it stood at a date (YYYY, YYYY-MM or YYYY-MM-DD): a new view, the same hash.

        Left out: rows whose since, start or year is after the date; rows whose until or end is not after it; facts and estimates
        whose as_of is after it, unless they are items or their own since or start shows that they held by then; adoptions of an
        item that is left out. A partial date counts as the first day of its period. Tables in `STANDING` are kept whole, and an
        assumption is never too young. Raises `InputError` on a bad date.
        """
        day = period_start(checked_date(date))
        if date not in self._views:
            self._views[date] = self._at(date, day)
        return self._views[date]

    def _at(self, date: str, day: str) -> Register:
        frames = {
            name: frame if name in STANDING else _rows_at(frame, day, dated=name != "items")
            for name, frame in self.tables.items()
        }
        held = frames["adoptions"]["item_id"].isin(frames["items"]["item_id"])
        frames["adoptions"] = frames["adoptions"][held].reset_index(drop=True)
        return replace(self, tables=MappingProxyType(frames), date=date)

    def table(self, name: str) -> pd.DataFrame:
        """One table. Raises `InputError` where there is none of that name."""
        if name not in self.tables:
            message = "unknown table"
            raise InputError(
                [Problem("register", None, "TABLE", quoted(name), ", ".join(self.tables) + closest(name, self.tables), message)]
            )
        return self.tables[name]

    def counts(self) -> dict[str, int]:
        """Rows by kind over all tables, and the numbers of sources, actors and items."""
        total = {"fact": 0, "estimate": 0, "assumption": 0}
        for name in EVIDENCE:
            for kind, count in self.tables[name]["kind"].value_counts().items():
                total[str(kind)] += int(count)
        return {
            "facts": total["fact"],
            "estimates": total["estimate"],
            "assumptions": total["assumption"],
            **{name: len(self.tables[name]) for name in ("sources", "actors", "items")},
        }

    def newest(self) -> str:
        """Latest month (YYYY-MM) to which a row refers, not after today. Raises `RegisterError` where no row is dated."""
        today = datetime.now(UTC).strftime("%Y-%m")
        dates = (d for name in EVIDENCE for d in self.tables[name]["as_of"] if d is not None)
        months = [m for m in (period_start(d)[:7] for d in dates) if m <= today]
        if not months:
            raise RegisterError(
                [Problem(str(self.root), None, "as_of", "no date", "at least one dated row", "the register has no dated row")]
            )
        return max(months)

    def __repr__(self) -> str:
        return f"Register({str(self.root)!r}, hash={self.hash[:16]}, date={self.date})"


def reference_root() -> Path:
    """Folder of the shipped register: inside the package where it was installed from a wheel, else in the repository."""
    packaged = Path(str(resources.files("isthmus"))) / "data" / "register"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[3] / "data" / "register"


def check(root: Path, overlay: Path | None = None) -> tuple[dict[str, int], str]:
    """Counts and hash of a register, as `Register.load` would give them, without the cost of frames. Raises `RegisterError`."""
    loaded = load_tables(root, overlay)
    kinds = [row.kind for table in loaded.values() for row in table.rows if isinstance(row, Evidence)]
    counts = {f"{kind}s": kinds.count(kind) for kind in ("fact", "estimate", "assumption")}
    return {**counts, **{name: len(loaded[name].rows) for name in ("sources", "actors", "items")}}, _hash(loaded)


def checked_date(date: str) -> str:
    """The date, where it is one. Raises `InputError` otherwise."""
    try:
        if _check_date(date) is not None:
            return date
        reason = "blank"
    except ValueError as error:
        reason = str(error)
    raise InputError(
        [
            Problem(
                "register",
                None,
                "DATE",
                quoted(str(date)),
                "YYYY, YYYY-MM or YYYY-MM-DD, from 1800 to 2099",
                f"bad date: {reason}",
            )
        ]
    )


def _frame(model: type[Record], table: Loaded) -> pd.DataFrame:
    import pandas as pd

    data: dict[str, Any] = {}
    for column in columns(model):
        values = [getattr(row, column.name) for row in table.rows]
        dtype = {"number": "float64", "integer": "int64"}.get(column.kind, "object")
        data[column.name] = pd.Series(values, dtype=dtype)
    data["fact_id"] = pd.Series(_fact_ids(model, table.rows), dtype="object")
    data["overlay"] = pd.Series(table.overlay, dtype="bool")
    return pd.DataFrame(data)


def _fact_ids(model: type[Record], rows: list[Record]) -> list[str]:
    seen: dict[str, int] = {}
    out = []
    for row in rows:
        base = f"{model.table}:" + "|".join("" if (v := getattr(row, k)) is None else str(v) for k in model.key)
        seen[base] = seen.get(base, 0) + 1
        out.append(base if seen[base] == 1 else f"{base}:{seen[base]}")
    return out


def _hash(loaded: Mapping[str, Loaded]) -> str:
    """Independent of the order of rows and columns, of quoting and of how a number is written."""
    digest = hashlib.sha256()
    for name in sorted(loaded):
        digest.update(name.encode() + b"\n")
        for row in sorted(json.dumps(r.model_dump(), sort_keys=True, ensure_ascii=True) for r in loaded[name].rows):
            digest.update(row.encode() + b"\n")
    return digest.hexdigest()


def _rows_at(frame: pd.DataFrame, day: str, *, dated: bool) -> pd.DataFrame:
    """Rows that hold on a day. `dated`: a row without a start is known only from its as_of on (not so an item)."""
    import numpy as np

    keep = np.ones(len(frame), dtype=bool)
    began = np.zeros(len(frame), dtype=bool)
    for column in ("since", "start"):
        if column in frame:
            starts = [d is not None and period_start(d) <= day for d in frame[column]]
            keep &= np.array([d is None for d in frame[column]], dtype=bool) | np.array(starts, dtype=bool)
            began |= np.array(starts, dtype=bool)
    if "year" in frame:
        began |= (frame["year"] <= int(day[:4])).to_numpy()
        keep &= began
    for column in ("until", "end"):
        if column in frame:
            keep &= np.array([d is None or period_start(d) > day for d in frame[column]], dtype=bool)
    if dated and "as_of" in frame:
        stated = [
            kind == "assumption" or d is None or period_start(d) <= day
            for kind, d in zip(frame["kind"], frame["as_of"], strict=True)
        ]
        keep &= began | np.array(stated, dtype=bool)
    return frame[keep].reset_index(drop=True)
