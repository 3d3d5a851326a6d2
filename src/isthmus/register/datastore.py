"""The user's folder of public data files: files are added from a disk or fetched from their publisher, checked, and kept.

Every file is read by its importer before it is kept, is written to a temporary name first, and has its SHA-256 sum in
`checksums.json` beside it; a file that differs from its sum is refused. Nothing here runs unless it is called.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import http.client
import json
import os
import re
import shutil
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from isthmus.errors import InputError, Problem
from isthmus.register.importers.catalog import DataFile, Dataset, dataset

MOST_BYTES = 200_000_000
"""Of one download. The largest file of any set is 4 MB."""
_SECONDS = 60
_SUMS = "checksums.json"
_CHUNK = 1 << 16
Opener = Callable[..., Any]
"""Called as `opener(request, timeout=seconds)`; gives a response as `urllib.request.urlopen` does."""


def default_store() -> Path:
    """The platform's folder for a user's data: `$XDG_DATA_HOME/isthmus`, or `~/.local/share/isthmus` on Linux."""
    given = os.environ.get("XDG_DATA_HOME", "")
    if Path(given).is_absolute():
        return Path(given) / "isthmus"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "isthmus"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "isthmus"
    return Path.home() / ".local" / "share" / "isthmus"


def add(name: str, file: Path, store: Path | None = None) -> Path:
    """Check a file of the user and copy it into the store; return the copy. For closed networks. Raises `InputError`."""
    entry = dataset(name)
    part = _part(entry, file.name)
    if file.is_dir() or not file.exists():
        found = "a folder" if file.is_dir() else "no such file"
        _fail(str(file), found, "a file named " + " or ".join(entry.patterns), "the file cannot be added")
    with _temporary(_folder(entry, store), file.name) as temporary:
        try:
            shutil.copyfile(file, temporary)
        except OSError as error:
            _fail(str(file), error.strerror or type(error).__name__, "a file that can be read", "the file cannot be copied")
        return _keep(part, temporary, file.name, source="added by hand")


def get(
    name: str,
    store: Path | None = None,
    url: str | None = None,
    opener: Opener = urllib.request.urlopen,
    *,
    sha256: str | None = None,
    changed: bool = False,
    most_bytes: int = MOST_BYTES,
) -> Path:
    """Download the files of a set that have an address, or the one at `url`; return what `path_of` gives.

    `sha256`: the sum that the one file must have, instead of the one in the catalogue. `changed`: take a file whose sum is not the
    one in the catalogue, because its publisher has changed it.

    Raises `InputError` where no address is known, the download fails, breaks off or is too large, the sum differs, `sha256` is no
    sum of one file, or the file is not what its importer reads. What was in the store before then stays as it was.
    """
    entry = dataset(name)
    wanted = [(file, file.url, None if changed else file.sha256) for file in entry.files if file.url]
    if url is not None:
        wanted = [(_part(entry, _name_in(url)), url, sha256)]
    if not wanted:
        allowed = f"isthmus data add {name} FILE, with a file from the publisher: {entry.publisher}"
        _fail(name, "no certain address for this set", allowed, "the set cannot be downloaded")
    if sha256 is not None:
        if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
            _fail("--sha256", f"'{sha256}'", "64 hexadecimal digits", "no SHA-256 sum")
        if len(wanted) > 1:
            allowed = "--url ADDRESS of one of them beside it"
            _fail("--sha256", f"one sum for {len(wanted)} files of {name}", allowed, "which file has this sum is not said")
        wanted = [(part, address, sha256) for part, address, _ in wanted]
    folder = _folder(entry, store)
    for part, address, expected in wanted:
        _download(part, address, expected, folder, opener, most_bytes)
    return path_of(name, store)


def path_of(name: str, store: Path | None = None) -> Path:
    """Where a set lies: its file, or its folder where it has several. Raises `InputError` where it is absent or was changed."""
    entry = dataset(name)
    folder = (store or default_store()) / entry.name
    found = sorted(p for p in folder.iterdir() if entry.file_for(p.name)) if folder.is_dir() else []
    if not found:
        allowed = f"isthmus data get {name}, or isthmus data add {name} FILE"
        _fail(name, f"nothing in {folder}", allowed, "the data set is not in the store")
    sums = _sums(folder)
    for path in found:
        recorded = sums.get(path.name, {}).get("sha256")
        if recorded is not None and recorded != _digest(path):
            _fail(str(path), "other bytes than were stored", f"SHA-256 {recorded}", "the file was changed: add or get it again")
    if len(entry.files) > 1:
        return folder
    return max(found, key=lambda p: (p.stat().st_mtime_ns, p.name))


def _download(part: DataFile, url: str, expected: str | None, folder: Path, opener: Opener, most_bytes: int) -> None:
    _check_address(url)
    name = _name_in(url)
    with _temporary(folder, name) as temporary:
        try:
            request = urllib.request.Request(url, headers={"User-Agent": "isthmus"})  # noqa: S310 -- the scheme is checked
            with opener(request, timeout=_SECONDS) as response, temporary.open("wb") as out:
                _check_address(response.geturl())
                _copy(response, out, url, most_bytes)
        except urllib.error.HTTPError as error:
            error.close()
            _fail(url, f"HTTP {error.code} {error.reason}", "HTTP 200", "the publisher's server refuses the file")
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            _fail(url, str(reason) or type(error).__name__, "a connection to the publisher", "the file cannot be downloaded")
        digest = _digest(temporary)
        if expected is not None and digest != expected.lower():
            allowed = f"SHA-256 {expected.lower()}; --changed takes a file that its publisher has changed, once it is read without fault"
            _fail(url, f"SHA-256 {digest}", allowed, "the file is not the one expected: its checksum differs")
        _keep(part, temporary, name, source=url)


def _copy(response: Any, out: BinaryIO, url: str, most_bytes: int) -> None:
    stated = response.headers.get("Content-Length")
    length = int(stated) if stated and stated.isdigit() else None
    if length is not None and length > most_bytes:
        _fail(url, f"{length:,} bytes", f"at most {most_bytes:,} bytes", "the file is too large")
    done = 0
    while chunk := response.read(_CHUNK):
        done += len(chunk)
        if done > most_bytes:
            _fail(url, f"more than {most_bytes:,} bytes", f"at most {most_bytes:,} bytes", "the file is too large")
        out.write(chunk)
    if length is not None and done != length:
        _fail(url, f"{done:,} bytes", f"{length:,} bytes", "the download broke off: try again")


def _keep(part: DataFile, temporary: Path, name: str, source: str) -> Path:
    """Read the temporary file with its importer, move it to its place, note its sum."""
    try:
        part.read(temporary)
    except InputError as error:
        raise InputError(
            Problem(p.file.replace(temporary.name, name), p.row, p.column, p.found, p.allowed, p.message) for p in error.problems
        ) from None
    folder = temporary.parent.parent
    target = folder / name
    noted = {
        "sha256": _digest(temporary),
        "bytes": temporary.stat().st_size,
        "source": source,
        "stored": dt.datetime.now(dt.UTC).date().isoformat(),
    }
    try:
        temporary.replace(target)
        _write_sums(folder, {**_sums(folder), name: noted})
    except OSError as error:
        _fail(str(target), error.strerror or type(error).__name__, "a folder that can be written", "the file cannot be stored")
    return target


@contextlib.contextmanager
def _temporary(folder: Path, name: str) -> Iterator[Path]:
    """A path of the same name in a temporary folder beside the target (one file system, so that a rename is atomic)."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".incoming-", dir=folder))
    except OSError as error:
        _fail(str(folder), error.strerror or type(error).__name__, "a folder that can be written", "no store can be made there")
    try:
        yield work / name
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _folder(entry: Dataset, store: Path | None) -> Path:
    return (store or default_store()) / entry.name


def _part(entry: Dataset, name: str) -> DataFile:
    part = entry.file_for(name)
    if part is None:
        _fail(name, f"the name '{name}'", "a file named " + " or ".join(entry.patterns), f"no file of the set {entry.name}")
    return part


def _name_in(url: str) -> str:
    return Path(urllib.parse.unquote(urllib.parse.urlsplit(url).path)).name


def _check_address(url: str) -> None:
    parts = urllib.parse.urlsplit(url)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        _fail(url, f"the scheme '{parts.scheme}'", "an https address", "only https is used")


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        _fail(str(path), error.strerror or type(error).__name__, "a file that can be read", "unreadable file")


def _sums(folder: Path) -> dict[str, dict[str, Any]]:
    path = folder / _SUMS
    if not path.exists():
        return {}
    try:
        sums = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        sums = None
    if not isinstance(sums, dict) or not all(isinstance(noted, dict) for noted in sums.values()):
        _fail(
            str(path), "no readable list of checksums", "the file as Isthmus wrote it", "remove it, and add or get the set again"
        )
    return sums


def _write_sums(folder: Path, sums: dict[str, dict[str, Any]]) -> None:
    handle, name = tempfile.mkstemp(prefix=".sums-", dir=folder)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump(dict(sorted(sums.items())), out, indent=1)
        out.write("\n")
    Path(name).replace(folder / _SUMS)


def _fail(file: str, found: str, allowed: str, message: str) -> NoReturn:
    raise InputError([Problem(file, None, None, found, allowed, message)])
