"""The device program's files have to be those of one build."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from bench.core.errors import Unavailable
from bench.devices.android.device_program import PROGRAM, check_program

LIBRARY = "libpaddle_light_api_shared.so"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return built(tmp_path)


def built(folder: Path) -> Path:
    """Put what a build leaves into `folder`."""
    for name in (PROGRAM, LIBRARY):
        (folder / name).write_bytes(name.encode())
    files = {name: hashlib.sha256(name.encode()).hexdigest() for name in (PROGRAM, LIBRARY)}
    (folder / "agent.json").write_text(json.dumps({"abi": "arm64-v8a", "files": files}))
    return folder


def refused(folder: Path) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        check_program(folder)
    assert "make agent" in caught.value.hint
    return caught.value


def test_what_one_build_left_passes_with_a_file_of_ones_own_beside(folder: Path) -> None:
    (folder / "notes.txt").touch()
    check_program(folder)


@pytest.mark.parametrize("name", [PROGRAM, LIBRARY])
def test_a_file_of_another_build_is_refused_by_name(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"of another release")
    error = refused(folder)
    assert str(folder / name) in error.problem
    assert "header and library of one release" in error.hint


def test_a_library_that_is_gone_is_refused_by_name(folder: Path) -> None:
    (folder / LIBRARY).unlink()
    assert f"{LIBRARY} is missing" in refused(folder).problem


def test_no_program_is_told_as_one_that_is_not_built(tmp_path: Path) -> None:
    assert refused(tmp_path).problem == "the device program isn't built"


@pytest.mark.parametrize(
    "notes", [None, "", "[]", "{}", '{"files": []}', '{"files": {}}', '{"files": {"a": "b"}}']
)
def test_files_of_which_nothing_is_known_are_refused(folder: Path, notes: str | None) -> None:
    (folder / "agent.json").unlink()
    if notes is not None:
        (folder / "agent.json").write_text(notes)
    assert "has no agent.json that says what was built" in refused(folder).problem
