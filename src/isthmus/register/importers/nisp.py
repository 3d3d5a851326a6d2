"""NATO Interoperability Standards and Profiles (NISP) and Federated Mission Networking (FMN) spirals, in the XML of nisp-tools."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from isthmus.errors import InputError, Problem
from isthmus.register.importers import _files
from isthmus.register.importers._tables import MOST_PROBLEMS, check_is_file, fail

FILES = ("nisp-fmn*.xml", "standards.xml")
_ALLOWED = "an XML file with the root <standards> (NISP) or <nispadditions> (FMN spiral)"
_MOST_BYTES = 64 << 20
_KINDS = {"serviceprofile": "service", "profile": "group", "capabilityprofile": "group"}
_PROFILE = ("profile_id", "kind", "title", "specification", "state")
_REQUIREMENT = ("profile_id", "group", "obligation", "lifecycle", "description", "standard_id")
_STANDARD = ("standard_id", "kind", "organization", "number", "title", "date", "version", "state")
_Row = tuple[object, ...]


@dataclass(frozen=True)
class Standards:
    """One file: which profile requires which standard."""

    profiles: pd.DataFrame
    """profile_id, kind ('service' or 'group'), title, specification, state ('accepted', 'deleted', ...)"""
    parts: pd.DataFrame
    """profile_id, part_id: a group profile and the profiles in it"""
    requirements: pd.DataFrame
    """profile_id, group (running number in the profile), obligation, lifecycle, description, standard_id"""
    standards: pd.DataFrame
    """standard_id, kind ('standard' or 'cover'), organization, number, title, date (text), version, state. FMN files hold only
    the standards that they add: the others stand in NISP's standards.xml"""


def read_nisp(path: Path) -> Standards:
    """One file of NISP or of an FMN spiral (spiral 5 of December 2022 has 136 service profiles)."""
    root = _root(path)
    problems: list[Problem] = []
    profiles: list[_Row] = []
    parts: list[_Row] = []
    requirements: list[_Row] = []
    standards: list[_Row] = []
    for element in root.iter():
        if element.tag not in (*_KINDS, "standard", "coverdoc"):
            continue
        identity = element.get("id")
        if not identity:
            message = f"<{element.tag}> without an id"
            problems.append(Problem(path.name, None, element.tag, str(element.get("title")), "an id", message))
        elif element.tag in _KINDS:
            profiles.append(_profile(element, identity))
            parts += [(identity, ref.get("refid")) for ref in element.iterfind("subprofiles/refprofile")]
            requirements += _requirements(element, identity)
        else:
            standards.append(_standard(element, identity))
    if problems:
        raise InputError(problems[:MOST_PROBLEMS])
    if not profiles and not standards:
        fail(path.name, "neither profiles nor standards", _ALLOWED, "no data")
    return Standards(
        profiles=pd.DataFrame(profiles, columns=list(_PROFILE), dtype="string"),
        parts=pd.DataFrame(parts, columns=["profile_id", "part_id"], dtype="string"),
        requirements=_text_but(pd.DataFrame(requirements, columns=list(_REQUIREMENT)), "group"),
        standards=pd.DataFrame(standards, columns=list(_STANDARD), dtype="string"),
    )


def read_folder(path: Path) -> dict[str, Standards]:
    """Every file of the set in a folder (or the one file), by file name."""
    found = _files.matching(path, *FILES)
    if not found:
        fail(path.name, "none of its files", "files named " + ", ".join(FILES), "the folder holds no file of this set")
    return {p.name: read_nisp(p) for p in found}


def _root(path: Path) -> ET.Element:
    check_is_file(path, _ALLOWED)
    size = path.stat().st_size
    if size > _MOST_BYTES:
        fail(path.name, f"{size:,} bytes", f"at most {_MOST_BYTES:,}", "the file is too large")
    try:
        words = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = error.object[: error.start].count(b"\n") + 1
        fail(path.name, f"byte 0x{error.object[error.start]:02x}", "UTF-8", "wrong encoding", row=row)
    except OSError as error:
        fail(path.name, error.strerror or "an unreadable file", _ALLOWED, "unreadable file")
    if "<!ENTITY" in words:
        fail(path.name, "a declaration of entities", "XML without <!ENTITY", "entities are not read")
    try:
        root = ET.fromstring(words.encode())  # noqa: S314 -- no entities (above), and expat opens no other file
    except ET.ParseError as error:
        fail(path.name, str(error), _ALLOWED, "not well-formed XML", row=error.position[0])
    if root.tag not in ("standards", "nispadditions"):
        fail(path.name, f"the root <{root.tag}>", _ALLOWED, "this is another file")
    return root


def _profile(element: ET.Element, identity: str) -> _Row:
    specification = element.find("refprofilespec")
    return (
        identity,
        _KINDS[element.tag],
        _squeeze(element.get("title")),
        None if specification is None else specification.get("refid"),
        _state(element),
    )


def _requirements(element: ET.Element, identity: str) -> Iterator[_Row]:
    for number, group in enumerate(element.iterfind("refgroup"), 1):
        description = group.find("description")
        words = None if description is None else _squeeze(" ".join(description.itertext()))
        for ref in group.iterfind("refstandard"):
            yield identity, number, group.get("obligation"), group.get("lifecycle"), words, ref.get("refid")


def _standard(element: ET.Element, identity: str) -> _Row:
    document = element.find("document")
    cells = [None if document is None else _squeeze(document.get(k)) for k in ("orgid", "pubnum", "title", "date", "version")]
    return identity, "cover" if element.tag == "coverdoc" else "standard", *cells, _state(element)


def _state(element: ET.Element) -> str | None:
    status = element.find("status")
    return None if status is None else status.get("mode")


def _squeeze(words: str | None) -> str | None:
    return " ".join(words.split()) or None if words else None


def _text_but(frame: pd.DataFrame, number: str) -> pd.DataFrame:
    return frame.astype({name: "Int64" if name == number else "string" for name in frame.columns})
