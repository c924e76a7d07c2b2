"""What a program in C++ links to: a package of the right version, Python's library, or an SDK."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.core.errors import Unavailable
from bench.environments.engine_libraries import NativeProgram, Sdk, engine_words, stamps
from bench.environments.inspection import Interpreter
from bench.environments.native_programs import PROGRAMS

MonkeyPatch = pytest.MonkeyPatch
Answering = Callable[..., Interpreter]

SDK = Sdk(
    variable="AN_ENGINE",
    title="An Engine",
    defines="AN_SDK",
    include=("include",),
    libraries=("lib/libengine.so",),
    searched=("third_party/*/lib",),
)
PROGRAM = NativeProgram(
    source="engine.cpp",
    package="engine",
    libraries=("libengine.so",),
    distribution=("an-engine", "2.1.0"),
    links_python=True,
    sdk=SDK,
)


@pytest.fixture
def answering(tmp_path: Path, monkeypatch: MonkeyPatch) -> Answering:
    """Return an interpreter of that engine which says `library` of its own shared library."""
    monkeypatch.delenv("AN_ENGINE", raising=False)
    (tmp_path / "libengine.so").touch()

    def made(library: object, version: str = "2.1.0") -> Interpreter:
        told = {"package": str(tmp_path), "library": library}
        told |= {"name": "libpython3.11.so.1.0", "debian": "libpython3.11"}
        python = tmp_path / "python"
        python.write_text(f"#!/bin/sh\necho '{json.dumps(told)}'\n")
        python.chmod(0o755)
        return Interpreter(
            name="paddle", python=python, packages={"an-engine": version}, digest="d"
        )

    return made


def test_the_engines_library_comes_with_pythons_own_and_both_are_found_when_it_runs(
    answering: Answering, tmp_path: Path
) -> None:
    words = engine_words(PROGRAM, answering("/opt/python/lib/libpython3.11.so.1.0"))
    assert words == [
        str(tmp_path / "libengine.so"), "/opt/python/lib/libpython3.11.so.1.0",
        f"-Wl,-rpath,{tmp_path}", "-Wl,-rpath,/opt/python/lib",
    ]  # fmt: skip


def test_a_python_without_a_shared_library_is_refused_with_how_to_get_one(
    answering: Answering,
) -> None:
    with pytest.raises(Unavailable) as refused:
        engine_words(PROGRAM, answering(""))
    assert "'paddle' has no shared library libpython3.11.so.1.0" in str(refused.value)
    assert "apt install libpython3.11" in refused.value.hint
    assert "An Engine SDK in AN_ENGINE" in refused.value.hint


def test_this_python_tells_its_shared_library_if_it_has_one() -> None:
    packages = {"an-engine": "2.1.0"}
    own = Interpreter(name="own", python=Path(sys.executable), packages=packages, digest="d")
    program = NativeProgram(source="", package="json", links_python=True)
    try:
        (library, _) = engine_words(program, own)
    except Unavailable as error:
        found = list(Path(sys.base_prefix, "lib").glob("libpython3.*.so*"))
        assert found == [], str(error)  # noqa: PT017 - a Python that is built so
    else:
        assert Path(library).is_file()
        assert f"libpython{sys.version_info.major}.{sys.version_info.minor}" in library


def test_another_version_than_the_declarations_are_of_is_refused(answering: Answering) -> None:
    with pytest.raises(Unavailable, match=r"fits an-engine 2\.1\.0, .* has an-engine 2\.2\.0"):
        engine_words(PROGRAM, answering("x.so", "2.2.0"))


def test_without_that_package_the_sentence_says_so(answering: Answering) -> None:
    bare = Interpreter(name="own", python=answering("").python, packages={}, digest="d")
    with pytest.raises(Unavailable, match="'own' has no an-engine") as refused:
        engine_words(PROGRAM, bare)
    assert "give it an-engine 2.1.0" in refused.value.hint


@pytest.fixture
def sdk(tmp_path: Path, monkeypatch: MonkeyPatch) -> Path:
    folder = tmp_path / "sdk"
    for name in ("include", "lib", "third_party/mkl/lib", "third_party/onednn/lib"):
        (folder / name).mkdir(parents=True)
    (folder / "lib" / "libengine.so").touch()
    monkeypatch.setenv("AN_ENGINE", os.path.relpath(folder))
    return folder


def test_an_sdk_stands_in_the_place_of_a_package_of_any_version(
    answering: Answering, sdk: Path
) -> None:
    other = answering("", "9.9.9")
    words = engine_words(PROGRAM, other)
    assert words == [
        "-DAN_SDK", "-isystem", str(sdk / "include"), str(sdk / "lib/libengine.so"),
        *(f"-Wl,-rpath,{sdk / name}/lib" for name in ("", "third_party/mkl", "third_party/onednn")),
    ]  # fmt: skip


def test_a_folder_that_is_no_sdk_is_refused_with_what_it_lacks(
    answering: Answering, sdk: Path
) -> None:
    (sdk / "lib" / "libengine.so").unlink()
    with pytest.raises(Unavailable, match=r"AN_ENGINE names .*sdk, .* no lib/libengine\.so"):
        engine_words(PROGRAM, answering("x.so"))


def test_a_library_that_is_replaced_in_its_place_makes_another_program(sdk: Path) -> None:
    words = ["-DAN_SDK", str(sdk / "lib/libengine.so")]
    before = stamps(words)
    (sdk / "lib" / "libengine.so").write_bytes(b"another build")
    assert stamps(words) != before


def test_the_declarations_are_of_the_version_that_the_locked_environment_has() -> None:
    name, version = PROGRAMS["paddle"].distribution or ("", "")
    locked = Path(__file__).parents[3] / "bench" / "envs" / "paddle.txt"
    assert f"\n{name}=={version} " in locked.read_text()
