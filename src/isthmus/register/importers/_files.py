"""Where the files of a set lie: one file, or a folder that holds them."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

from isthmus.register.importers._tables import fail


def matching(path: Path, *patterns: str) -> list[Path]:
    """The file itself, or the files of a folder whose names match, by name. May be empty for a folder."""
    if not path.is_dir():
        return [path]
    return sorted(p for p in path.iterdir() if p.is_file() and any(fnmatchcase(p.name.lower(), q.lower()) for q in patterns))


def one(path: Path, *patterns: str) -> Path:
    """The file itself, or the one file of a folder whose name matches. Raises `InputError`."""
    found = matching(path, *patterns)
    if len(found) != 1:
        names = ", ".join(p.name for p in found) or "no such file"
        fail(
            path.name,
            names,
            "one file named " + " or ".join(patterns),
            "missing file" if not found else "more than one file fits",
        )
    return found[0]


def check_folder(folder: Path, *patterns: str) -> None:
    """Raise unless `folder` is a folder that holds at least one of the files."""
    if not folder.is_dir():
        fail(
            folder.name,
            "no such folder" if not folder.exists() else "a file",
            "a folder with the files of the set",
            "not a folder",
        )
    if not matching(folder, *patterns):
        fail(folder.name, "none of its files", "files named " + ", ".join(patterns), "the folder holds no file of this set")
