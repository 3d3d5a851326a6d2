"""The store of data files: adding, downloading from a server on this machine, checksums, what goes wrong on the way."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from isthmus.errors import InputError
from isthmus.register import datastore
from isthmus.register.importers import catalog

NMC = b"ccode,year,milex,milper,irst,pec,tpop,upop,cinc\n2,1816,3823,17,80,254,8659,101,0.04\n"
DATASETS = Path(__file__).resolve().parents[3] / "shared" / "datasets"
TIERS = b"hs6,tier\n854231,1\n"


class Handler(BaseHTTPRequestHandler):
    """Serves /cow_nmc.csv well and the rest badly."""

    def do_GET(self) -> None:
        folder = self.path.split("/")[1]
        if folder == "absent":
            self.send_error(404)
            return
        body = {"rubbish": b"<html>sign in</html>", "tiers": TIERS}.get(folder, NMC)
        self.send_response(200)
        if folder != "endless":
            length = {"broken": len(body) + 10, "huge": 10**12}.get(folder, len(body))
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body * (10_000 if folder == "endless" else 1))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the name in the base class
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


def message(call: Callable[[], object]) -> str:
    with pytest.raises(InputError) as caught:
        call()
    return str(caught.value)


def files(store: Path) -> set[str]:
    return {p.relative_to(store).as_posix() for p in store.rglob("*")} if store.exists() else set()


def test_add_checks_copies_and_notes_the_sum(tmp_path: Path) -> None:
    source = tmp_path / "cow_nmc.csv"
    source.write_bytes(NMC)
    store = tmp_path / "store"
    kept = datastore.add("cow-nmc", source, store)
    assert kept.read_bytes() == NMC
    assert datastore.path_of("cow-nmc", store) == kept
    noted = json.loads((store / "cow-nmc" / "checksums.json").read_text())
    assert noted["cow_nmc.csv"]["sha256"] == hashlib.sha256(NMC).hexdigest()
    assert files(store) == {"cow-nmc", "cow-nmc/cow_nmc.csv", "cow-nmc/checksums.json"}
    kept.write_bytes(NMC + b"20,1920,1,1,1,1,1,1,0.1\n")
    assert "the file was changed" in message(lambda: datastore.path_of("cow-nmc", store))
    datastore.add("cow-nmc", source, store)
    assert datastore.path_of("cow-nmc", store).read_bytes() == NMC


def test_add_refuses_what_its_importer_cannot_read(tmp_path: Path) -> None:
    source = tmp_path / "cow_nmc.csv"
    source.write_bytes(TIERS)
    store = tmp_path / "store"
    said = message(lambda: datastore.add("cow-nmc", source, store))
    assert said.startswith("cow_nmc.csv, row 1")
    assert "another file" in said
    assert files(store) == {"cow-nmc"}
    assert "no such data set" in message(lambda: datastore.add("nmc", source, store))
    assert "chpl*.csv" in message(lambda: datastore.add("chpl", source, store))
    assert "no such file" in message(lambda: datastore.add("cow-nmc", tmp_path / "nmc_x.csv", store))
    (tmp_path / "nmc_folder.csv").mkdir()
    assert "a folder" in message(lambda: datastore.add("cow-nmc", tmp_path / "nmc_folder.csv", store))
    (tmp_path / "blocked").write_bytes(b"")
    source.write_bytes(NMC)
    assert "no store can be made" in message(lambda: datastore.add("cow-nmc", source, tmp_path / "blocked"))


def test_a_set_of_several_files_lies_in_a_folder(tmp_path: Path) -> None:
    source = tmp_path / "countries.csv"
    source.write_text("country,country_code\nCanada,CA\n", encoding="utf-8")
    datastore.add("un", source, tmp_path / "store")
    assert datastore.path_of("un", tmp_path / "store") == tmp_path / "store" / "un"


def test_what_is_not_in_the_store(tmp_path: Path) -> None:
    assert "isthmus data add icb FILE" in message(lambda: datastore.path_of("icb", tmp_path))
    assert "isthmus data add icb FILE" in message(lambda: datastore.get("icb", tmp_path))
    assert files(tmp_path) == set()


def test_get(tmp_path: Path, server: str) -> None:
    path = datastore.get("cow-nmc", tmp_path, f"{server}/good/cow_nmc.csv", sha256=hashlib.sha256(NMC).hexdigest().upper())
    assert path.read_bytes() == NMC
    noted = json.loads((tmp_path / "cow-nmc" / "checksums.json").read_text())["cow_nmc.csv"]
    assert noted["source"] == f"{server}/good/cow_nmc.csv"
    assert noted["bytes"] == len(NMC)
    assert datastore.get("chpl", tmp_path, f"{server}/tiers/chpl.csv").read_bytes() == TIERS


@pytest.mark.parametrize(
    ("folder", "said", "options"),
    [
        ("good", "checksum differs", {"sha256": "0" * 64}),
        ("broken", "broke off", {}),
        ("huge", "too large", {}),
        ("endless", "too large", {"most_bytes": 1000}),
        ("absent", "HTTP 404", {}),
        ("rubbish", "another file", {}),
    ],
)
def test_a_failed_download_leaves_the_store_as_it_was(
    tmp_path: Path, server: str, folder: str, said: str, options: dict[str, Any]
) -> None:
    source = tmp_path / "cow_nmc.csv"
    source.write_bytes(NMC)
    store = tmp_path / "store"
    kept = datastore.add("cow-nmc", source, store)
    before = files(store)
    assert said in message(lambda: datastore.get("cow-nmc", store, f"{server}/{folder}/cow_nmc.csv", **options))
    assert files(store) == before
    assert datastore.path_of("cow-nmc", store) == kept


def test_a_file_that_its_publisher_changed(tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = catalog.DATASETS["cow-nmc"]
    part = replace(entry.files[0], url=f"{server}/good/cow_nmc.csv", sha256="0" * 64)
    monkeypatch.setattr(datastore, "dataset", lambda _: replace(entry, files=(part,)))
    said = message(lambda: datastore.get("cow-nmc", tmp_path))
    assert "checksum differs" in said
    assert "--changed" in said
    assert "nothing in" in message(lambda: datastore.path_of("cow-nmc", tmp_path))
    assert datastore.get("cow-nmc", tmp_path, changed=True).read_bytes() == NMC
    assert datastore.get("cow-nmc", tmp_path, sha256=hashlib.sha256(NMC).hexdigest()).read_bytes() == NMC


def test_a_sum_must_be_one_and_of_one_file(tmp_path: Path) -> None:
    assert "64 hexadecimal digits" in message(lambda: datastore.get("troops", tmp_path, sha256="abc"))
    assert "which file" in message(lambda: datastore.get("oryx", tmp_path, sha256="0" * 64))


def test_the_catalogue_knows_the_sums_of_the_files_that_it_names() -> None:
    """An address of one version has a sum; the copies that the tests read are those files."""
    named = [(one.url, one.sha256) for entry in catalog.DATASETS.values() for one in entry.files if one.url]
    assert all(sha or "/main/" in url for url, sha in named)
    if not DATASETS.is_dir():
        pytest.skip("no copies of the data sets here")
    copies = {path.name: path for path in DATASETS.rglob("*") if path.is_file()}
    for url, sha in named:
        path = copies[url.rsplit("/", 1)[1]]
        assert sha in (None, hashlib.sha256(path.read_bytes()).hexdigest()), url


def test_addresses_that_are_refused(tmp_path: Path) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("opened")

    for url in ("http://example.org/cow_nmc.csv", "file:///etc/cow_nmc.csv", "ftp://example.org/cow_nmc.csv"):
        assert "https" in message(lambda url=url: datastore.get("cow-nmc", tmp_path, url, never))
    assert "no file of the set" in message(lambda: datastore.get("cow-nmc", tmp_path, "https://example.org/other.csv", never))


def test_no_connection(tmp_path: Path) -> None:
    def down(*_: object, **__: object) -> None:
        raise TimeoutError("timed out")

    assert "timed out" in message(lambda: datastore.get("dod-p1", tmp_path, opener=down))
    assert "cannot be downloaded" in message(lambda: datastore.get("oryx", tmp_path, opener=down))


def test_the_default_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert datastore.default_store() == tmp_path / "isthmus"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    monkeypatch.setattr(datastore.sys, "platform", "linux")
    assert datastore.default_store() == Path.home() / ".local" / "share" / "isthmus"


def test_a_broken_list_of_sums(tmp_path: Path) -> None:
    source = tmp_path / "cow_nmc.csv"
    source.write_bytes(NMC)
    datastore.add("cow-nmc", source, tmp_path / "store")
    (tmp_path / "store" / "cow-nmc" / "checksums.json").write_text("{", encoding="utf-8")
    assert "list of checksums" in message(lambda: datastore.path_of("cow-nmc", tmp_path / "store"))
