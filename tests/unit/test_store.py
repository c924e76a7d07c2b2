from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from bench.errors import BrokenResult, ResultsNotWritable, UnknownName
from bench.record import JournalEntry, Measured, Record, RunManifest, Skipped, System
from bench.store import RunFolder, Store, new_run_id, to_text, write_atomic
from tests.fakes.values import CELL, SYSTEM, cell, entry, failure, manifest, record, session

numbers = st.integers(0, 10**15)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["[ 1 ]", "[\n 1,\n 2\n]", "[1,  2]", "\u2028", '"[ 3 ]"', "é", "\r"]
)
floats = st.floats(allow_nan=False, allow_infinity=False)
scalars = texts | st.integers(-(10**15), 10**15) | floats
sessions = st.builds(
    session,
    order=numbers,
    samples_ns=st.lists(numbers, min_size=1),
    warmup_ns=st.lists(numbers),
    relative_l2=st.floats(0, 1),
    facts=st.dictionaries(texts, texts, max_size=3),
    before=st.dictionaries(texts, scalars, max_size=3),
    teardown=st.none() | texts,
)
outcomes = st.just(Measured()) | st.builds(Skipped, reason=texts, hint=texts)
records = st.builds(record, sessions=st.lists(sessions, min_size=1, max_size=3), outcome=outcomes)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return Store(tmp_path / "results").create(manifest(), SYSTEM)


def write_cell(run: RunFolder, change: Callable[[dict[str, Any]], object]) -> Path:
    """Store a record, then change its JSON behind the store's back."""
    run.write_record(record())
    path = run.path / "cells" / f"{CELL.id}.json"
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))
    return path


# The text of a file.


@given(records)
def test_a_record_comes_out_of_its_text_as_it_went_in(value: Record) -> None:
    assert Record.model_validate_json(to_text(value)) == value


@given(st.dictionaries(texts, scalars | st.lists(texts, max_size=3), max_size=4))
def test_a_system_comes_out_of_its_text_as_it_went_in(facts: dict[str, Any]) -> None:
    value = SYSTEM.model_copy(update={"facts": facts})
    assert System.model_validate_json(to_text(value)) == value


@given(records)
def test_the_text_of_a_value_depends_on_nothing_but_the_value(value: Record) -> None:
    text = to_text(value)
    assert to_text(Record.model_validate_json(text)) == text


def test_an_array_of_numbers_is_one_line_and_keys_are_sorted() -> None:
    text = to_text(record(sessions=[session(samples_ns=[30, 4, 500])]))
    assert '\n   "samples_ns": [30, 4, 500],\n' in text
    assert text.endswith("}\n")
    keys = re.findall(r'^ "(\w+)"', text, flags=re.MULTILINE)
    assert keys == sorted(keys)
    assert len(keys) == len(Record.model_fields)


def test_an_array_of_texts_keeps_a_line_for_each() -> None:
    assert '[\n   "avx",\n   "avx2"\n  ]' in to_text(
        SYSTEM.model_copy(update={"facts": {"simd": ["avx", "avx2"]}})
    )


# Writing.


def test_a_file_is_written_whole_with_its_folder_and_nothing_stays_beside_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "new" / "folder" / "file.json"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small file system takes root and mount")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if mounted.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_the_old_file_whole_and_nothing_beside_it(small_disk: Path) -> None:
    path = small_disk / "cell.json"
    write_atomic(path, b"old")

    with pytest.raises(ResultsNotWritable, match="No space left") as raised:
        write_atomic(path, b"x" * 100_000)

    assert path.read_bytes() == b"old"
    assert list(small_disk.iterdir()) == [path]
    assert str(path) in raised.value.problem
    assert "--results DIR" in raised.value.hint
    assert isinstance(raised.value.__cause__, OSError)
    assert raised.value.__cause__.errno == errno.ENOSPC


def test_a_full_disk_in_the_midst_of_a_journal_costs_only_the_line_that_did_not_fit(
    small_disk: Path,
) -> None:
    run = RunFolder(small_disk)
    run.append(entry(order=0))
    with pytest.raises(ResultsNotWritable, match=r"journal\.jsonl.*No space left"):
        run.append(entry(order=1, warmup_ns=[10**9] * 20_000))
    assert run.journal() == [entry(order=0)]


def test_a_disk_that_became_read_only_is_told_as_such(small_disk: Path) -> None:
    path = small_disk / "cell.json"
    write_atomic(path, b"old")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(ResultsNotWritable, match="Read-only file system"):
        write_atomic(path, b"new")
    with pytest.raises(ResultsNotWritable, match=r"journal\.jsonl.*Read-only file system"):
        RunFolder(small_disk).append(entry())
    assert path.read_bytes() == b"old"


def test_a_folder_that_is_a_file_or_takes_no_files_is_not_writable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nowhere")):
        with pytest.raises(ResultsNotWritable, match=str(folder)):
            Store(folder).check_writable()
    assert (tmp_path / "file").read_text() == ""


def test_a_folder_without_write_permission_is_not_writable(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)
    with pytest.raises(ResultsNotWritable, match="Permission denied"):
        Store(tmp_path).check_writable()


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EROFS, "Read-only file system"),
        (errno.EACCES, "Permission denied"),
        (errno.ENOSPC, "No space left on device"),
    ],
)
def test_a_system_that_refuses_to_move_the_new_file_into_place_leaves_the_old_one(
    number: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cell.json"
    path.write_bytes(b"old")

    def refuse(self: Path, target: Path) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(ResultsNotWritable, match=said):
        write_atomic(path, b"new")

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_look_whether_results_can_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    Store(tmp_path / "results").check_writable()
    assert list((tmp_path / "results").iterdir()) == []


# Reading.


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not whole JSON"),
        ('{"schema_version": 1, "cel', "not whole JSON"),
        ("<html>", "not whole JSON"),
        ("[1, 2]", "object"),
        ('{"name": "package.json"}', "is missing"),
        ('{"schema_version": 2}', "schema version 2, this harness reads 1"),
        ('{"schema_version": "1.0", "cell_id": ""}', "schema version '1.0'"),
    ],
)
def test_a_file_that_is_no_record_is_named_with_what_is_wrong_and_the_remedy(
    text: str, problem: str, run: RunFolder
) -> None:
    path = run.path / "cells" / f"{CELL.id}.json"
    path.parent.mkdir()
    path.write_text(text)

    with pytest.raises(BrokenResult) as raised:
        list(run.records())

    assert raised.value.path == path
    assert raised.value.problem.startswith(f"{path}: ")
    assert problem in raised.value.problem
    assert f"--resume {run.path.name}" in raised.value.hint


def test_a_file_with_bytes_that_are_no_text_is_broken(run: RunFolder) -> None:
    path = run.path / "cells" / f"{CELL.id}.json"
    path.parent.mkdir()
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BrokenResult, match="not whole JSON"):
        list(run.records())


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda it: it.update(median_ns=3), "unknown field 'median_ns'"),
        (lambda it: it["sessions"][0].pop("pid"), "field 'sessions.0.pid' is missing"),
        (lambda it: it["sessions"][0].update(samples_ns=[-1]), "field 'sessions.0.samples_ns.0'"),
        (lambda it: it.update(sessions=[]), "a measured cell has no session"),
        (lambda it: it.update(unit="ms"), "field 'unit'"),
        (lambda it: it["outcome"].update(kind="fine"), "field 'outcome'"),
        (lambda it: it.update(cell_id="another"), "its name isn't its cell's id"),
        (lambda it: it["cell"].update(batch=9), "its name isn't its cell's id"),
    ],
)
def test_a_record_that_was_meddled_with_is_named_with_what_is_wrong(
    change: Callable[[dict[str, Any]], object], problem: str, run: RunFolder
) -> None:
    path = write_cell(run, change)
    with pytest.raises(BrokenResult) as raised:
        list(run.records())
    assert raised.value.path == path
    assert problem in raised.value.problem


def test_a_record_under_another_name_is_broken(run: RunFolder) -> None:
    run.write_record(record())
    path = run.path / "cells" / f"{CELL.id}.json"
    copy = path.rename(path.with_name("copy.json"))
    with pytest.raises(BrokenResult, match="its name isn't its cell's id") as raised:
        list(run.records())
    assert raised.value.path == copy


def test_a_broken_manifest_is_named(run: RunFolder) -> None:
    run.manifest_path.write_text("{}")
    with pytest.raises(BrokenResult, match=r"run\.json: .*is missing") as raised:
        run.manifest()
    assert raised.value.path == run.manifest_path
    assert "restore it" in raised.value.hint


def test_a_system_that_is_not_there_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(BrokenResult, match=r"box-2\.json: No such file") as raised:
        Store(tmp_path).system("box-2")
    assert "from git" in raised.value.hint


# The journal.


def test_the_journal_keeps_entries_in_their_order(run: RunFolder) -> None:
    entries = [entry(order=3), failure(), entry(cell(batch=4), order=1, facts={"a": "é\u2028\n"})]
    for it in entries:
        run.append(it)
    assert run.journal() == entries


def test_a_run_without_a_journal_has_an_empty_one(run: RunFolder) -> None:
    assert run.journal() == []
    run.drop_journal()
    assert run.journal() == []


@given(length=st.integers(0, 10**6))
def test_a_journal_torn_anywhere_keeps_its_whole_lines_and_goes_on(
    length: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    entries = [entry(order=0), failure(), entry(order=2)]
    run = RunFolder(tmp_path_factory.mktemp("run"))
    for it in entries:
        run.append(it)
    data = run.journal_path.read_bytes()
    length %= len(data) + 1
    run.journal_path.write_bytes(data[:length])

    kept = run.journal()
    assert kept == entries[: data[:length].count(b"\n")]

    run.append(entry(order=9))
    assert run.journal() == [*kept, entry(order=9)]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{}", "field 'cell_id' is missing"),
        (b'{"cell_id": "c", "sess', "not whole JSON"),
        (b"", "not whole JSON"),
        (b'{"cell_id": "c", "more": 1}', "unknown field 'more'"),
    ],
)
def test_a_broken_whole_line_is_named_by_its_number_with_the_remedy(
    line: bytes, problem: str, run: RunFolder
) -> None:
    run.append(entry(order=0))
    with run.journal_path.open("ab") as file:
        file.write(line + b"\n")
    run.append(entry(order=1))

    with pytest.raises(BrokenResult) as raised:
        run.journal()

    assert raised.value.path == run.journal_path
    assert f"line 2: {problem}" in raised.value.problem
    assert "delete that line" in raised.value.hint


def test_a_line_of_the_journal_comes_out_as_it_went_in() -> None:
    for it in (entry(), failure()):
        assert JournalEntry.model_validate_json(it.model_dump_json()) == it


# Runs.


def run_id(stamp: str) -> str:
    return f"{stamp}-0badc0de-00000001"


def test_a_run_is_found_by_its_id_and_the_newest_as_latest(tmp_path: Path) -> None:
    store = Store(tmp_path)
    other = SYSTEM.model_copy(update={"system_id": "a-box"})
    stamps = ["20260103T000000Z", "20260101T000000Z", "20260102T000000Z"]
    for stamp, system in zip(stamps, (other, SYSTEM, SYSTEM), strict=True):
        store.create(manifest(run_id(stamp), system_id=system.system_id), system)

    assert [run.path.name for run in store.runs()] == [run_id(stamp) for stamp in sorted(stamps)]
    assert store.run("latest").manifest().run_id == run_id("20260103T000000Z")
    assert store.run(run_id("20260101T000000Z")).manifest().started == manifest().started


def test_an_unknown_run_is_told_with_those_that_there_are(run: RunFolder, tmp_path: Path) -> None:
    store = Store(tmp_path / "results")
    with pytest.raises(UnknownName, match="there is no run '20260102'") as raised:
        store.run("20260102")
    assert run.path.name in raised.value.hint


@pytest.mark.parametrize("asked", ["latest", "20260102"])
def test_where_there_is_no_run_that_is_said(asked: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="no run yet"):
        Store(tmp_path).run(asked)


def test_a_folder_without_a_manifest_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "runs" / "box-1" / "20270101T000000Z").mkdir(parents=True)
    assert Store(tmp_path).runs() == []


def test_a_system_that_is_known_keeps_its_file(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.create(manifest(run_id("20260101T000000Z")), SYSTEM)
    store.create(
        manifest(run_id("20260102T000000Z")), SYSTEM.model_copy(update={"heading": "Another"})
    )
    assert store.system(SYSTEM.system_id) == SYSTEM


def test_a_manifest_comes_out_as_it_went_in(run: RunFolder) -> None:
    done = manifest(status="complete", finished="2026-01-02T03:05:00+00:00")
    run.write_manifest(done)
    assert run.manifest() == done
    assert RunManifest.model_validate_json(to_text(done)) == done


@pytest.mark.parametrize(
    ("commit", "part"), [("0badc0de" + "f" * 32, "0badc0de"), (None, "no-commi")]
)
def test_a_run_id_is_a_time_a_commit_and_a_word_of_its_own(commit: str | None, part: str) -> None:
    first, second = new_run_id(commit), new_run_id(commit)
    assert re.fullmatch(rf"\d{{8}}T\d{{6}}Z-{part}-[0-9a-f]{{8}}", first)
    assert first != second


# A report.


def test_a_report_takes_the_place_of_the_one_before_it(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    store = Store(tmp_path)
    store.replace_report(folder, {folder / "top1-a.svg": b"a", folder / "report.md": b"old"})
    (folder / "notes.txt").write_text("a person's own")
    files = {folder / "top1-b.svg": b"b", folder / "report.md": b"new"}

    assert store.replace_report(folder, files) == list(files)

    left = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert left == {"top1-b.svg": b"b", "report.md": b"new", "notes.txt": b"a person's own"}


def test_a_report_without_long_sessions_leaves_none_of_an_earlier_ones_files(
    tmp_path: Path,
) -> None:
    store, page = Store(tmp_path), tmp_path / "report.md"
    long = {tmp_path / name: b"x" for name in ("sustained-a.svg", "sustained-a.png")}
    store.replace_report(tmp_path, {page: b"old", tmp_path / "sustained.csv": b"x"} | long)
    (tmp_path / "sustained-notes.txt").write_text("a person's own")
    store.replace_report(tmp_path, {page: b"new"})
    assert {path.name for path in tmp_path.iterdir()} == {"report.md", "sustained-notes.txt"}


def test_a_report_that_is_the_same_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    store = Store(tmp_path)
    store.replace_report(tmp_path, {path: b"same"})
    before = path.stat().st_ino
    store.replace_report(tmp_path, {path: b"same"})
    assert path.stat().st_ino == before


def stored_kinds() -> list[BaseModel]:
    return [record(), manifest(), SYSTEM]


@pytest.mark.parametrize("value", stored_kinds(), ids=lambda it: type(it).__name__)
def test_every_file_bears_the_version_of_its_form(value: BaseModel) -> None:
    assert json.loads(to_text(value))["schema_version"] == 1
