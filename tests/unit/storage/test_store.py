from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from bench import __version__
from bench.core.errors import ResultsNotWritable, UnknownName
from bench.core.paths import PROJECT
from bench.storage.files import new_run_id, replace_report, to_text
from bench.storage.run_folders import RunFolder
from bench.storage.schema.common import Skipped, System
from bench.storage.schema.latency import Measured, Record, RunManifest
from bench.storage.store import Store
from tests.fakes.racing import race
from tests.fakes.values import SYSTEM, manifest, record, session

numbers = st.integers(0, 10**15)
durations = st.integers(1, 10**15)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["[ 1 ]", "[\n 1,\n 2\n]", "[1,  2]", "\u2028", '"[ 3 ]"', "é", "\r"]
)
floats = st.floats(-1e100, 1e100)
scalars = texts | st.integers(-(10**15), 10**15) | floats
sessions = st.builds(
    session,
    order=numbers,
    samples_ns=st.lists(durations, min_size=1),
    warmup_ns=st.lists(durations),
    relative_l2=st.floats(0, 1),
    facts=st.dictionaries(texts, texts, max_size=3),
    before=st.dictionaries(texts, scalars, max_size=3),
    teardown=st.none() | texts,
)
outcomes = st.just(Measured()) | st.builds(Skipped, reason=texts, hint=texts)
records = st.builds(record, sessions=st.lists(sessions, min_size=1, max_size=3), outcome=outcomes)


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


_DIES_BEFORE_ITS_RUN_IS_THERE = """
import os, signal, sys
from pathlib import Path
from bench.storage.store import Store
from tests.fakes.values import SYSTEM, manifest
Path.rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
Store(Path(sys.argv[1])).create(manifest(), SYSTEM)
"""


def test_a_run_s_folder_has_a_manifest_or_is_none_of_the_runs(tmp_path: Path) -> None:
    store, program = Store(tmp_path), [sys.executable, "-c", _DIES_BEFORE_ITS_RUN_IS_THERE]
    assert subprocess.run([*program, tmp_path], cwd=PROJECT, check=False).returncode == -9
    folder = tmp_path / "runs" / SYSTEM.system_id
    (left,) = folder.iterdir()
    assert (store.runs(), list(store.without_manifest())) == ([], [])
    run = store.create(manifest(run_id("20260102T000000Z")), SYSTEM)
    assert (list(folder.iterdir()), left.exists()) == ([run.path], False)
    assert run.path.stat().st_mode == folder.stat().st_mode  # not this user's alone


def test_what_an_earlier_version_left_of_a_start_that_was_killed_is_no_broken_run(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "runs" / "box-1" / "20270101T000000Z"
    folder.mkdir(parents=True)
    for name in (".lock", ".run.json-0123456789abcdef.part"):
        (folder / name).touch()
    assert list(Store(tmp_path).without_manifest()) == []


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
    ("commit", "part"), [("0badc0de" + "f" * 32, "0badc0de"), (None, f"v{__version__}")]
)
def test_a_run_id_is_a_time_a_commit_and_a_word_of_its_own(commit: str | None, part: str) -> None:
    first, second = new_run_id(commit), new_run_id(commit)
    assert re.fullmatch(rf"\d{{8}}T\d{{6}}Z-{part}-[0-9a-f]{{8}}", first)
    assert first != second


# A report.


def test_a_report_takes_the_place_of_the_one_before_it(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    earlier = {folder / "top1-a.svg": b"a", folder / "report.md": b"old"}
    replace_report(earlier)
    (folder / "notes.txt").write_text("a person's own")
    files = {folder / "top1-b.svg": b"b", folder / "report.md": b"new"}

    assert replace_report(files, lambda: earlier) == list(files)

    left = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert left == {"top1-b.svg": b"b", "report.md": b"new", "notes.txt": b"a person's own"}


def test_a_report_that_is_the_same_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    replace_report({path: b"same"})
    before = path.stat().st_ino
    replace_report({path: b"same"})
    assert path.stat().st_ino == before


def stored_kinds() -> list[BaseModel]:
    return [record(), manifest(), SYSTEM]


@pytest.mark.parametrize("value", stored_kinds(), ids=lambda it: type(it).__name__)
def test_every_file_bears_the_version_of_its_form(value: BaseModel) -> None:
    assert json.loads(to_text(value))["schema_version"] == 1


def test_reports_written_at_once_are_each_written_as_a_set(tmp_path: Path) -> None:
    assert race("reports", tmp_path / "report", runs=4) == ["done"] * 4
    left = list((tmp_path / "report").iterdir())
    assert len({path.read_bytes() for path in left}) == 1
    assert len(left) == 3


def test_a_report_that_can_not_be_written_whole_leaves_the_one_before_it(small_disk: Path) -> None:
    files = {small_disk / "report.md": b"old", small_disk / "cells.csv": b"old"}
    replace_report(files)
    new = dict.fromkeys(files, b"new") | {small_disk / "plot.svg": b"x" * (512 << 10)}
    with pytest.raises(ResultsNotWritable):
        replace_report(new)
    assert {path: path.read_bytes() for path in small_disk.iterdir()} == files
