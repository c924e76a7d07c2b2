"""A run on its way: it arrives byte for byte, or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.core.errors import ResultsError
from bench.fleet.archive import LIST, BrokenArchive, merge, packed
from bench.storage.store import Store
from tests.cli.process import contents
from tests.fakes.records import put, record, stored

Files = dict[str, bytes]


@pytest.fixture
def sent(tmp_path: Path) -> Store:
    """A worker's results with one run."""
    put(stored(record("mine"), record("mine", batch=4)), tmp_path / "sent")
    return Store(tmp_path / "sent")


@pytest.fixture
def mine(tmp_path: Path) -> Store:
    return Store(tmp_path / "mine")


def archive_of(store: Store) -> bytes:
    (run,) = store.runs()
    return packed(store, run)


def files_in(archive: bytes) -> Files:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        found = {it.name: tar.extractfile(it) for it in tar}
        return {name: file.read() for name, file in found.items() if file is not None}


def tar_of(files: Files, *, kind: bytes = tarfile.REGTYPE, listed: bool = True) -> bytes:
    """Return an archive with a right list of `files`, the last one of that kind."""
    out = io.BytesIO()
    files = {name: data for name, data in files.items() if name != LIST}
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    head = {LIST: json.dumps(digests).encode()} if listed else {}
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, data in (head | files).items():
            info = tarfile.TarInfo(name)
            last = name == list(files)[-1]
            info.type = kind if last else tarfile.REGTYPE
            info.linkname = "/etc/passwd"
            info.size = len(data) if info.isreg() else 0
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def test_a_run_arrives_with_its_system_byte_for_byte(sent: Store, mine: Store) -> None:
    (run,) = sent.runs()
    (run.path / ".lock").touch()
    merged = merge(archive_of(sent), mine)
    (run.path / ".lock").unlink()
    assert not merged.known
    assert contents(mine.root) == contents(sent.root)


def test_what_is_there_already_stays_and_counts_as_merged(sent: Store, mine: Store) -> None:
    merge(archive_of(sent), mine)
    before = contents(mine.root)
    assert merge(archive_of(sent), mine).known
    assert contents(mine.root) == before


@pytest.mark.parametrize("change", ["other bytes", "a file more"])
def test_a_run_that_is_there_with_other_contents_is_refused_by_name(
    sent: Store, mine: Store, change: str
) -> None:
    (run,) = sent.runs()
    own = merge(archive_of(sent), mine).folder.path
    more = own / ("extra.json" if change == "a file more" else "run.json")
    more.write_bytes(b"{}\n")
    before = contents(mine.root)
    with pytest.raises(ResultsError, match=f"run {run.path.name} is in .* with other contents"):
        merge(archive_of(sent), mine)
    assert contents(mine.root) == before


def _renamed(name: str) -> Callable[[Files], bytes]:
    return lambda files: tar_of({**files, name: b"x"})


HOSTILE: dict[str, Callable[[Files], bytes]] = {
    "no archive": lambda _: b"no tar at all",
    "nothing": lambda _: tar_of({"x": b""}, listed=False),
    "cut off": lambda files: tar_of(files)[:-400],
    "above": _renamed("runs/a/../../../escaped"),
    "absolute": _renamed("/tmp/escaped"),
    "hidden": _renamed("runs/amd/one/.lock"),
    "elsewhere": _renamed("report/report.md"),
    "two runs": _renamed("runs/other/run/run.json"),
    "another system": _renamed("systems/other.json"),
    "a link": lambda files: tar_of(files, kind=tarfile.SYMTYPE),
    "a hard link": lambda files: tar_of(files, kind=tarfile.LNKTYPE),
    "a device": lambda files: tar_of(files, kind=tarfile.CHRTYPE),
    "a folder": lambda files: tar_of(files, kind=tarfile.DIRTYPE),
    "a record that isn't one": lambda files: tar_of(
        {name: b"{}\n" if "/cells/" in name else data for name, data in files.items()}
    ),
    "no run.json": lambda files: tar_of(
        {name: data for name, data in files.items() if not name.endswith("run.json")}
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_archive_is_refused_and_leaves_nothing(
    sent: Store, mine: Store, case: str, tmp_path: Path
) -> None:
    archive = HOSTILE[case](files_in(archive_of(sent)))
    before = contents(tmp_path)
    with pytest.raises(BrokenArchive):
        merge(archive, mine)
    assert contents(tmp_path) in (before, {**before, "mine": None})


def test_a_file_with_other_bytes_than_its_digest_says_is_refused(sent: Store, mine: Store) -> None:
    files = files_in(archive_of(sent))
    name = next(it for it in files if it.endswith("run.json"))
    listed = json.loads(files[LIST])
    listed[name] = hashlib.sha256(b"other").hexdigest()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for path, data in {**files, LIST: json.dumps(listed).encode()}.items():
            info = tarfile.TarInfo(path)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    with pytest.raises(BrokenArchive, match=r"run\.json"):
        merge(out.getvalue(), mine)
