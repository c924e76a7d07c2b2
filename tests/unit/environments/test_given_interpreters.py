"""Interpreters of the user's own: taken as they are, refused where they can't serve."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bench.core.errors import Unavailable, UnknownName
from bench.environments import uv_tool
from bench.environments.inspection import describe
from bench.environments.interpreters import Environments
from bench.environments.specs import ENVIRONMENTS
from bench.environments.uv_tool import run_uv, uv_program


def test_harness_is_the_interpreter_that_runs_this_with_its_packages(tmp_path: Path) -> None:
    environments = Environments(tmp_path)
    found = environments.get("harness")
    assert found.python == Path(sys.executable)
    assert found.packages["python"] == sys.version.split()[0]
    assert "pydantic" in found.packages
    assert environments.is_built("harness")
    assert environments.problem("harness") is None
    assert list(tmp_path.iterdir()) == []


def telling(folder: Path, packages: dict[str, str]) -> Path:
    """Return an interpreter that has those packages, whatever it is asked."""
    python = folder / "python"
    python.write_text(f"#!/bin/sh\necho '{json.dumps(packages)}'\n")
    python.chmod(0o755)
    return python


def test_a_given_interpreter_is_taken_as_it_is_and_nothing_is_built(tmp_path: Path) -> None:
    python = telling(tmp_path, {"paddlepaddle": "3.0", "numpy": "2"})
    environments = Environments(tmp_path / "cache", {"paddle": python})
    found = environments.get("paddle")
    assert (found.name, found.python) == ("paddle", python)
    assert found.packages == {"paddlepaddle": "3.0", "numpy": "2"}
    assert environments.is_built("paddle")
    assert environments.problem("paddle") is None
    assert not (tmp_path / "cache").exists()


def test_a_given_interpreter_without_the_engine_is_refused_before_anything_is_made(
    tmp_path: Path,
) -> None:
    environments = Environments(tmp_path, {"paddle": Path(sys.executable)})
    problem = environments.problem("paddle")
    assert problem is not None
    assert f"{sys.executable}, has no paddlepaddle" in problem.problem
    with pytest.raises(Unavailable, match="has no paddlepaddle"):
        environments.get("paddle")


@pytest.mark.parametrize(
    ("package", "fits"),
    [
        ("tensorrt", True), ("tensorrt_cu12", True), ("tensorrt-cu13-bindings", True),
        ("paddlepaddle-gpu", True), ("tensorrt-lean", False), ("numpy", False),
    ],
)  # fmt: skip
def test_tensorrt_is_taken_under_each_of_its_packages_names(
    tmp_path: Path, package: str, fits: bool
) -> None:
    environments = Environments(tmp_path, {"gpu-volta": telling(tmp_path, {package: "10.3.0"})})
    problem = environments.problem("gpu-volta")
    assert (problem is None) == fits, problem


def test_what_uv_said_is_told_by_its_first_and_last_line_without_addresses() -> None:
    said = "  × No solution found\n  ├─▶ why\n  ╰─▶ x from https://host/wheels/x fails\nhint: y"
    assert uv_tool.cause(said) == "No solution found: x from the registry fails"
    assert uv_tool.cause("") == "uv failed"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (None, "No such file or directory"),
        ("", "Exec format error"),
        ("#!/bin/sh\nexit 3\n", "it left with status 3"),
        ("#!/bin/sh\necho hello\n", "JSONDecodeError"),
    ],
)
def test_a_given_path_that_is_no_python_is_told_with_the_flag_that_mends_it(
    script: str | None, said: str, tmp_path: Path
) -> None:
    python = tmp_path / "python"
    if script is not None:
        python.write_text(script)
        python.chmod(0o755)
    environments = Environments(tmp_path, {"paddle": python})

    with pytest.raises(Unavailable, match=said) as raised:
        environments.get("paddle")

    assert str(python) in raised.value.problem
    assert "--env paddle=PATH" in raised.value.hint
    assert str(environments.problem("paddle")) == str(raised.value)


def test_a_name_that_no_environment_has_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="there is no environment 'padle'") as raised:
        Environments(tmp_path, {"padle": Path(sys.executable)})
    known = ", ".join(sorted(ENVIRONMENTS))
    assert raised.value.hint == f"did you mean 'paddle'? choose from {known}"


def test_the_digest_of_an_interpreter_tells_its_packages_apart(tmp_path: Path) -> None:
    own = describe("one", Path(sys.executable))
    bare = tmp_path / "bare"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    bare.chmod(0o755)
    assert describe("two", bare).digest != own.digest
    assert describe("three", Path(sys.executable)).digest == own.digest


@pytest.fixture
def own_python(tmp_path: Path) -> Path:
    """A Python of the user's own with a package in its folder and one that is edited elsewhere."""
    run_uv([uv_program(), "venv", "--quiet", str(tmp_path / "own")], "own")
    packages = next((tmp_path / "own").glob("lib/*/site-packages"))
    for name, origin in (("paddlepaddle", None), ("mine", tmp_path / "my source")):
        told = packages / f"{name}-1.0.dist-info"
        told.mkdir()
        (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        if origin is not None:
            url = {"url": origin.as_uri(), "dir_info": {"editable": True}}
            (told / "direct_url.json").write_text(json.dumps(url))
    for file in (packages / "paddle" / "net.py", tmp_path / "my source" / "net.yaml"):
        file.parent.mkdir()
        file.write_text("one")
    return tmp_path / "own" / "bin" / "python"


@pytest.mark.parametrize("edited", ["own/lib/*/site-packages/paddle/net.py", "my source/net.yaml"])
def test_a_package_that_was_edited_makes_another_digest_of_a_given_interpreter(
    edited: str, own_python: Path, tmp_path: Path
) -> None:
    def digest() -> str:
        return Environments(tmp_path / "cache", {"paddle": own_python}).get("paddle").digest

    before = digest()
    assert digest() == before
    next(tmp_path.glob(edited)).write_text("another")
    assert digest() != before
