"""How to cite the register, a table of it, and the sources behind it: plain text, BibTeX, RIS.

Title, licence and release are those of the `datapackage.json` beside the tables, so that a register of one's own is cited under
its own name. The content hash is what identifies the rows: it changes with any of them, whatever the release says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from isthmus.register.package import FILE
from isthmus.register.register import EVIDENCE, Register, period_start
from isthmus.register.show import clean

_HASH_DIGITS = 16
_COPIES: Final = frozenset(("dataset_mirror", "repost_or_aggregator"))
"""Classes of host that repeat what another published."""

_TEX: Final = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def cite(register: Register, table: str | None = None) -> str:
    """One paragraph that identifies the register, or one table of it: title, release, hash, rows, newest date, sources, licence.

    Raises `InputError` where there is no such table.
    """
    names = list(register.tables) if table is None else [table]
    frames = [register.table(name) for name in names]
    package = _descriptor(register)
    title = str(package.get("title") or f"Register {register.root.name}")
    parts = [title if table is None else f"{title}, table {table}"]
    released = release(register)
    parts.append(f"Release {released}" if released else "Unreleased")
    parts.append(f"Content hash {register.hash[:_HASH_DIGITS]}")
    if register.date is not None:
        parts.append(f"As it stood at {register.date}")
    held = _counted(sum(len(frame) for frame in frames), "row")
    own = sum(int(frame["overlay"].sum()) for frame in frames)
    held += f", {own} of them of an overlay" if own else ""
    held += f" in {len(names)} tables" if table is None else ""
    newest = _newest(register, names)
    parts.append(held + (f", the newest of {newest}" if newest else ""))
    sources = len(register.table("sources")) if table is None else len(_sources(register, table))
    if sources and table != "sources":
        parts.append(_counted(sources, "source"))
    licence = _licence(package)
    parts.append(f"Licence: {licence}" if licence else "Licence not stated")
    return ". ".join(parts) + "."


def release(register: Register) -> str | None:
    """The `version` of the register's `datapackage.json`; None where it states none."""
    version = _descriptor(register).get("version")
    return str(version) if version else None


def references(register: Register, table: str | None = None) -> list[str]:
    """The reference line of every source, or of those that a table cites, in order of publisher, title and date."""
    lines = ((str(s["publisher"]).lower(), str(s["title"]).lower(), s["published"] or "", s) for s in _sources(register, table))
    return [reference_line(source) for *_, source in sorted(lines, key=lambda line: line[:3])]


def reference_line(source: Mapping[str, Any]) -> str:
    """'Publisher: Title. Date. Address (accessed date).' `source` is a row of sources.

    A copy stands under its original publisher, with who copied it, or says that no original publisher is stated. A title that begins
    with its publisher does not repeat it.
    """
    published = source["published"] or "Undated"
    accessed = f" (accessed {source['accessed']})" if source["accessed"] else ""
    publisher, copied = _publisher(source)
    title = str(source["title"]).removeprefix(f"{source['publisher']}:").strip().rstrip(".") or str(source["title"])
    return f"{publisher}{f' ({copied})' if copied else ''}: {title}. {published}. {source['url']}{accessed}."


def bibtex(register: Register, table: str | None = None) -> str:
    """The sources, or those that a table cites, as BibTeX: one `@misc` each under its source_id, in UTF-8."""
    return "\n".join(_bibtex(source) for source in _sources(register, table))


def ris(register: Register, table: str | None = None) -> str:
    """The sources, or those that a table cites, as RIS records, in UTF-8 with the line ends that the format asks for."""
    return "".join(_ris(source) for source in _sources(register, table))


def _bibtex(source: Mapping[str, Any]) -> str:
    publisher, copied = _publisher(source)
    date = source["published"] or ""
    fields = {
        "author": f"{{{_tex(publisher)}}}",
        "title": f"{{{_tex(source['title'])}}}",
        "year": date[:4],
        "month": str(int(date[5:7])) if len(date) >= 7 else "",
        "url": _plain_address(source["url"]),
        "urldate": source["accessed"] or "",
        "note": _tex(copied),
    }
    body = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items() if value)
    return f"@misc{{{source['source_id']},\n{body}}}\n"


def _ris(source: Mapping[str, Any]) -> str:
    publisher, copied = _publisher(source)
    fields = (
        ("TY", "ELEC"),
        ("ID", source["source_id"]),
        ("TI", source["title"]),
        ("PB", publisher),
        ("PY", (source["published"] or "")[:4]),
        ("DA", _ris_date(source["published"])),
        ("UR", source["url"]),
        ("Y2", _ris_date(source["accessed"])),
        ("N1", copied),
    )
    return "".join(f"{tag}  - {_line(value)}\r\n" for tag, value in fields if value) + "ER  - \r\n"


def _publisher(source: Mapping[str, Any]) -> tuple[str, str]:
    """Who published it first, as far as it is known, and what is to be said where it was seen as a copy ('' where not)."""
    publisher, original = str(source["publisher"]), source["original"]
    if original and original != publisher:
        return str(original), f"copied by {publisher}"
    if not original and source["host_class"] not in _COPIES:
        return publisher, ""
    host = (urlsplit(str(source["url"])).hostname or "").removeprefix("www.")
    if _letters(publisher) in _letters(host):
        return publisher, "copy, original publisher not stated"
    return publisher, f"copied by {host}"


def _letters(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def _tex(words: str) -> str:
    return "".join(_TEX.get(c, c) for c in _line(words))


def _plain_address(url: str) -> str:
    """An address that needs no escape in a `url` field, which BibTeX takes as it stands."""
    return url.replace("\\", "%5C").replace("{", "%7B").replace("}", "%7D")


def _line(words: str) -> str:
    """On one line: a line end would begin a new field."""
    return re.sub(r"\s+", " ", words).strip()


def _ris_date(date: str | None) -> str:
    """'2025-03' -> '2025/03//', the form of RIS: year/month/day/rest."""
    return "/".join([*date.split("-"), "", "", ""][:4]) if date else ""


def _sources(register: Register, table: str | None) -> list[Mapping[str, Any]]:
    """Rows of sources: all, or those that a table cites."""
    frame = register.table("sources")
    if table is not None and table != "sources":
        rows = register.table(table)
        frame = frame[frame["source_id"].isin(rows.get("source_id", []))]
    return [{str(name): clean(value) for name, value in row.items()} for row in frame.to_dict("records")]


def _newest(register: Register, names: Iterable[str]) -> str | None:
    """As `Register.newest`, of some tables: latest month of an as_of that is not after today."""
    today = datetime.now(UTC).strftime("%Y-%m")
    dates = (date for name in names if name in EVIDENCE for date in register.table(name)["as_of"] if date is not None)
    return max((month for date in dates if (month := period_start(date)[:7]) <= today), default=None)


def _descriptor(register: Register) -> Mapping[str, Any]:
    """The register's `datapackage.json`, empty where there is none that can be read."""
    try:
        package = json.loads((register.root / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return package if isinstance(package, dict) else {}


def _licence(package: Mapping[str, Any]) -> str:
    licences = package.get("licenses")
    named = [one for one in licences if isinstance(one, dict)] if isinstance(licences, list) else []
    return ", ".join(str(one.get("name") or one.get("title") or one.get("path")) for one in named)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"
