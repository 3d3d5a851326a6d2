"""The folder of a run: `manifest.json` first, then one folder a chunk, written whole under a temporary name and renamed.

A chunk holds `outcomes.parquet` (a row per future × ecosystem × war case), `futures.parquet` (the uncertainties, a row per
future), `reach.parquet`, `donors.parquet`, `fans.parquet` (integer counts) and, for the first futures, `weeks.parquet` (weekly fill).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.errors import Problem, RunError

MANIFEST = "manifest.json"
DERIVED = "derived"
"""Folder of tables about the run as a whole, such as the worth of layers. They follow from the manifest and enter no digest."""
FORMAT = 1
DIGESTED = ("outcomes", "reach")
"""Tables whose values make the digest; the rest follows from them or from the seed."""
ALWAYS = ("outcomes", "futures", "reach", "donors", "fans")
"""Tables that every chunk holds."""


def encode(table: pa.Table) -> bytes:
    """A table as the bytes of a Parquet file. Numbers of futures hardly repeat: a dictionary of them would only cost."""
    numbers = [field.name for field in table.schema if pa.types.is_floating(field.type)]
    names = [field.name for field in table.schema if field.name not in set(numbers)]
    sink = pa.BufferOutputStream()
    pq.write_table(
        table, sink, compression="zstd", use_dictionary=names, use_byte_stream_split=numbers or False, write_statistics=False
    )
    return bytes(sink.getvalue())


class RunFolder:
    """A run on disk. Reading never changes it."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    @property
    def chunks_root(self) -> Path:
        return self.root / "chunks"

    def exists(self) -> bool:
        return (self.root / MANIFEST).is_file()

    def manifest(self) -> dict[str, Any]:
        """The manifest. Raises RunError where the folder holds no run."""
        path = self.root / MANIFEST
        try:
            data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(data, dict) or (data.get("format") == FORMAT and "chunks" not in data):
                raise ValueError
        except (OSError, ValueError):
            problem = Problem(
                str(path), None, None, "no readable manifest", "a folder written by isthmus run", "this is not a run"
            )
            raise RunError([problem]) from None
        if data.get("format") != FORMAT:
            raise RunError(
                [Problem(str(path), None, "format", str(data.get("format")), str(FORMAT), "a run of another version of Isthmus")]
            )
        return data

    def create(self, manifest: Mapping[str, Any]) -> None:
        self.chunks_root.mkdir(parents=True, exist_ok=True)
        _write_whole(self.root / MANIFEST, json.dumps({"format": FORMAT, **manifest}, indent=2, sort_keys=True) + "\n")

    def foreign(self) -> list[str]:
        """What lies in the folder and is no part of a run: neither manifest, nor chunks, nor what a killed writer left."""
        names = sorted(p.name for p in self.root.iterdir())
        return [n for n in names if n not in (MANIFEST, DERIVED, "chunks") and not n.startswith(f".{MANIFEST}.")]

    def chunk(self, index: int) -> Path:
        return self.chunks_root / f"chunk-{index:06d}"

    def done(self, index: int) -> bool:
        return self.chunk(index).is_dir()

    def clean(self) -> None:
        """Remove what an interrupted writer left."""
        if self.chunks_root.is_dir():
            for leftover in self.chunks_root.glob(".writing-*"):
                shutil.rmtree(leftover, ignore_errors=True)

    def write(self, index: int, files: Mapping[str, bytes]) -> None:
        """Write a chunk whole: a reader sees all of it or nothing. A chunk that is there already stays. `files`: see `encode`.

        Raises OSError where the disk does not take it; nothing of the chunk is left then.
        """
        temporary = Path(tempfile.mkdtemp(prefix=".writing-", dir=self.chunks_root))
        try:
            for name, content in files.items():
                path = temporary / f"{name}.parquet"
                path.write_bytes(content)
                _sync(path)
            if self.done(index):
                shutil.rmtree(temporary)
            else:
                temporary.chmod(0o755)
                temporary.rename(self.chunk(index))
                _sync_folder(self.chunks_root)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise

    def write_derived(self, name: str, table: pa.Table) -> None:
        """Write a table that is computed for the run as a whole, under a temporary name first."""
        path = self.derived(name)
        path.parent.mkdir(exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_bytes(encode(table))
        _sync(temporary)
        temporary.replace(path)

    def derived(self, name: str) -> Path:
        """Where such a table lies; it may not be there."""
        return self.root / DERIVED / f"{name}.parquet"

    def complete(self) -> bool:
        return all(self.done(i) for i in range(self.manifest()["chunks"]))

    def require_complete(self) -> dict[str, Any]:
        """The manifest of a finished run. Raises RunError where chunks are missing."""
        manifest = self.manifest()
        missing = sum(not self.done(i) for i in range(manifest["chunks"]))
        if missing:
            found = f"{manifest['chunks'] - missing} of {manifest['chunks']} chunks"
            raise RunError(
                [
                    Problem(
                        str(self.root),
                        None,
                        "chunks",
                        found,
                        "all chunks; finish it with isthmus resume",
                        "the run is not complete",
                    )
                ]
            )
        return manifest

    def tables(self, name: str, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """A table chunk by chunk, in order; only some columns of it, if asked. One chunk is in memory at a time."""
        for index in range(self.manifest()["chunks"]):
            path = self.chunk(index) / f"{name}.parquet"
            if path.is_file() or name in ALWAYS:
                try:
                    yield pq.read_table(path, columns=columns, use_threads=False)
                except (pa.ArrowInvalid, OSError) as bad:
                    raise RunError(
                        [
                            Problem(
                                str(path), None, None, str(bad)[:80], "a Parquet file as it was written", "the chunk is damaged"
                            )
                        ]
                    ) from None

    def columns(self, name: str, columns: list[str]) -> pa.Table:
        """Some columns of a whole table."""
        return pa.concat_tables(self.tables(name, columns)).combine_chunks()

    def digest(self) -> str:
        """Hash over the values of outcomes and reach, by column, in the order of futures; independent of files and chunks."""
        self.require_complete()
        whole = hashlib.sha256()
        for name in DIGESTED:
            hashes: dict[str, Any] = {}
            for table in self.tables(name):
                for column in table.column_names:
                    hashes.setdefault(column, hashlib.sha256()).update(_bytes(table.column(column)))
            for column in sorted(hashes):
                whole.update(f"{name}.{column}:{hashes[column].hexdigest()}\n".encode())
        return whole.hexdigest()


def _bytes(column: pa.ChunkedArray) -> bytes:
    if pa.types.is_dictionary(column.type) or pa.types.is_string(column.type):
        return "\n".join(column.to_pylist()).encode() + b"\n"
    values: npt.NDArray[Any] = column.to_numpy()
    return np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<"), copy=False).tobytes()


def _write_whole(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    _sync(temporary)
    temporary.replace(path)


def _sync(path: Path) -> None:
    """Hand a file to the disk before its name is given away. Raises OSError: some disks say only now that they are full."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    """The same for the names in a folder, which not every system can open."""
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
