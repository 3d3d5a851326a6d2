"""Sheets of a workbook (.xlsx), read with openpyxl, which is loaded only here and only when asked for."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from typing import Any

from isthmus.register.importers._tables import check_is_file, fail

Row = tuple[Any, ...]
_ALLOWED = "a workbook (.xlsx) as its publisher ships it"
_MOST_BYTES = 1 << 30
"""Uncompressed. The largest workbook read here unpacks to some 30 MB."""


def read_sheets(path: Path) -> dict[str, list[Row]]:
    """Name of each sheet -> its rows of cell values, formulas as their stored results. Raises `InputError`."""
    check_is_file(path, _ALLOWED)
    _check_archive(path)
    try:
        import openpyxl  # type: ignore[import-untyped,import-not-found,unused-ignore]
    except ImportError:
        fail(path.name, "the package openpyxl is not installed", "openpyxl 3.1 or later", "a workbook needs the package openpyxl")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of styles and checks that no importer uses
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            try:
                return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}
            finally:
                book.close()
    except Exception as error:  # bytes of strangers in a parser that promises no errors of its own
        fail(path.name, f"{type(error).__name__}: {error}"[:120], _ALLOWED, "the workbook cannot be read")


def _check_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            size = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        with path.open("rb") as stream:
            old = stream.read(4) == b"\xd0\xcf\x11\xe0"
        found = "an old .xls or protected workbook" if old else str(error)
        fail(path.name, found, _ALLOWED, "not a workbook")
    if "xl/workbook.xml" not in names:
        fail(path.name, "an archive without xl/workbook.xml", _ALLOWED, "not a workbook")
    if size > _MOST_BYTES:
        fail(path.name, f"{size:,} bytes unpacked", f"at most {_MOST_BYTES:,}", "the workbook is too large")


def text(cell: object) -> str:
    """A cell as stripped text, '' for an empty one."""
    return "" if cell is None else str(cell).replace("\xa0", " ").strip()
