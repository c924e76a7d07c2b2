"""Programs in C++: compiled once for all that they are made of, or refused with what helps."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.core.errors import Unavailable
from bench.environments import native_programs
from bench.environments.engine_libraries import NativeProgram
from bench.environments.interpreters import Environments
from bench.environments.native_programs import PROGRAMS, SOURCES, compiler
from bench.runners import RUNNERS

MonkeyPatch = pytest.MonkeyPatch
Compile = Callable[..., Path]

SAYS = "int main() { return %s; }\n"
TABLE = {"three": NativeProgram(source="three.cpp", package="json")}


@pytest.fixture
def compiled(tmp_path: Path, monkeypatch: MonkeyPatch) -> Compile:
    """Compile a program of this text, in a cache of its own."""
    monkeypatch.setattr(native_programs, "PROGRAMS", TABLE)
    monkeypatch.delenv("CXX", raising=False)

    def made(text: str = SAYS % 3) -> Path:
        (tmp_path / "three.cpp").write_text(text)
        return Environments(tmp_path / "cache", sources=tmp_path).program("three", "harness")

    return made


def status(program: Path) -> int:
    return os.waitstatus_to_exitcode(os.system(str(program)))  # noqa: S605 - a path of ours


def test_a_program_is_compiled_once_and_anew_when_its_source_or_a_header_changes(
    compiled: Compile, tmp_path: Path
) -> None:
    first = compiled()
    assert status(first) == 3
    made = first.stat().st_ino
    assert compiled() == first
    assert first.stat().st_ino == made
    second = compiled(SAYS % 4)
    assert (status(first), status(second)) == (3, 4)
    (tmp_path / "own.hpp").write_text("")
    assert compiled() != first


def test_another_compiler_makes_another_program(
    compiled: Compile, tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    first = compiled()
    other = tmp_path / "other c++"
    other.write_text('#!/bin/sh\n[ "$1" = --version ] && echo other || exec g++ "$@"\n')
    other.chmod(0o755)
    monkeypatch.setenv("CXX", f"'{other}' -DOWN=5")
    second = compiled(SAYS % "OWN")
    assert (status(second), second == first) == (5, False)


def test_a_machine_without_a_compiler_is_refused_with_how_to_get_one(
    compiled: Compile, tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="no C\\+\\+ compiler on this machine") as refused:
        compiled()
    assert "apt install g++" in refused.value.hint


def test_a_compiler_that_is_named_and_not_there_is_named(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "g++-99 -O3")
    with pytest.raises(Unavailable, match=r"compiler 'g\+\+-99', which CXX names"):
        compiler()


def test_the_compiler_that_the_variable_names_comes_before_any_other(
    monkeypatch: MonkeyPatch,
) -> None:
    monkeypatch.setenv("CXX", "sh -c")
    assert compiler() == ("sh", "-c")
    monkeypatch.delenv("CXX")
    assert shutil.which(compiler()[0])


def test_what_can_not_be_compiled_is_refused_with_the_compilers_first_error(
    compiled: Compile, tmp_path: Path
) -> None:
    with pytest.raises(Unavailable, match=r"three.cpp:1:\d+: error: 'nothing' was not") as refused:
        compiled(SAYS % "nothing")
    assert str(tmp_path) not in str(refused.value)
    assert status(compiled()) == 3, "nothing half-made is left in its place"


def test_a_package_that_lacks_the_engines_library_is_refused_by_name(
    compiled: Compile, monkeypatch: MonkeyPatch
) -> None:
    lacking = replace(TABLE["three"], libraries=("libs/libengine.so*",))
    monkeypatch.setattr(native_programs, "PROGRAMS", {"three": lacking})
    with pytest.raises(Unavailable, match=r"package json .*no library libs/libengine\.so"):
        compiled()
    elsewhere = replace(TABLE["three"], package="no_such_engine")
    monkeypatch.setattr(native_programs, "PROGRAMS", {"three": elsewhere})
    with pytest.raises(Unavailable, match="has no package no_such_engine"):
        compiled()


def test_each_runner_in_cpp_has_a_program_and_each_program_its_source() -> None:
    assert {it.program for it in RUNNERS.values()} - {None} == set(PROGRAMS)
    assert all((SOURCES / it.source).is_file() for it in PROGRAMS.values())
