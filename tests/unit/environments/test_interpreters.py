from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.core.errors import Unavailable, UnknownName
from bench.environments import uv_tool
from bench.environments.inspection import Interpreter, describe
from bench.environments.interpreters import LOCKS, Environments, build
from bench.environments.specs import ENVIRONMENTS, EnvSpec
from bench.environments.uv_tool import base_python, run_uv, uv_program

MonkeyPatch = pytest.MonkeyPatch
NO_SUCH_PYTHON = EnvSpec(lock="lite.txt", python="3.99")


@dataclass(frozen=True)
class Locked:
    """The environment `paddle` made of a lock file of the test's own, without network."""

    cache: Path
    lock: Path

    def get(self) -> Interpreter:
        return Environments(self.cache).get("paddle")

    @property
    def folders(self) -> list[Path]:
        return sorted(path for path in (self.cache / "envs").glob("*") if path.is_dir())


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: MonkeyPatch) -> Locked:
    lock = tmp_path / "empty.txt"
    lock.write_text("# nothing\n")
    monkeypatch.setitem(ENVIRONMENTS, "paddle", EnvSpec(lock=str(lock)))
    return Locked(tmp_path / "cache", lock)


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


def test_an_environment_is_built_by_uv_from_its_lock_once(locked: Locked) -> None:
    assert not Environments(locked.cache).is_built("paddle")

    first = locked.get()
    made = (
        first.python.stat().st_ino,
        (first.python.parents[1] / "complete.json").stat().st_mtime_ns,
    )

    assert first.packages == {"python": sys.version.split()[0]}
    assert first.python.is_relative_to(locked.cache)
    assert Environments(locked.cache).is_built("paddle")
    assert locked.get() == first
    assert made == (
        first.python.stat().st_ino, (first.python.parents[1] / "complete.json").stat().st_mtime_ns,
    )  # fmt: skip


@pytest.mark.parametrize("left", [None, "", '{"packages": {"pyth', '{"packages": 3}', "[]"])
def test_an_environment_that_was_never_completed_is_built_again(
    left: str | None, locked: Locked
) -> None:
    first = locked.get()
    folder = first.python.parents[1]
    (folder / "complete.json").unlink()
    if left is not None:
        (folder / "complete.json").write_text(left)
    (folder / "left-over").write_text("half an installation")

    assert not Environments(locked.cache).is_built("paddle")
    assert locked.get() == first
    assert not (folder / "left-over").exists()
    assert json.loads((folder / "complete.json").read_text())["digest"] == first.digest


def test_another_lock_is_another_environment_and_the_first_one_stays(locked: Locked) -> None:
    first = locked.get()
    locked.lock.write_text("# nothing else\n")
    assert not Environments(locked.cache).is_built("paddle")
    second = locked.get()
    assert first.python != second.python
    assert len(locked.folders) == 2


def test_a_lock_that_cannot_be_installed_is_told_in_a_sentence_and_never_counts_as_built(
    locked: Locked,
) -> None:
    locked.lock.write_text("some-package==1.0\n")
    for _ in range(2):
        with pytest.raises(Unavailable, match="environment 'paddle' could not be made: ") as raised:
            locked.get()
        assert "--require-hashes" in raised.value.problem
        assert "\n" not in raised.value.problem
        assert "--env paddle=PATH" in raised.value.hint
    assert not Environments(locked.cache).is_built("paddle")


def test_a_python_version_that_is_not_here_is_told_with_the_way_to_get_it(
    tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setitem(ENVIRONMENTS, "lite", NO_SUCH_PYTHON)
    environments = Environments(tmp_path / "cache")

    with pytest.raises(Unavailable, match=r"there is no Python 3\.99 on this machine") as raised:
        environments.get("lite")

    assert "uv python install 3.99" in raised.value.hint
    assert str(environments.problem("lite")) == str(raised.value)
    assert not environments.is_built("lite")
    assert not (tmp_path / "cache").exists()


def test_a_look_for_problems_builds_nothing(locked: Locked) -> None:
    environments = Environments(locked.cache)
    assert environments.problem("paddle") is None
    assert not environments.is_built("paddle")
    assert not locked.cache.exists()


def test_an_environment_that_takes_any_python_is_not_built_on_top_of_this_one() -> None:
    base = base_python(EnvSpec(lock="paddle.txt"))
    assert base.is_file()
    if sys.prefix != sys.base_prefix:
        assert not base.is_relative_to(sys.prefix)


def test_the_version_of_this_interpreter_is_found_without_asking_uv(
    monkeypatch: MonkeyPatch,
) -> None:
    def no_uv() -> str:
        raise AssertionError("uv was asked")

    monkeypatch.setattr(uv_tool, "uv_program", no_uv)
    version = ".".join(sys.version.split(".")[:2])
    assert base_python(EnvSpec(lock="x", python=version)) == base_python(EnvSpec(lock="x"))


def test_an_environment_asked_for_twice_is_found_once(locked: Locked) -> None:
    environments = Environments(locked.cache)
    assert environments.get("paddle") is environments.get("paddle")


def test_a_build_says_what_it_made(tmp_path: Path) -> None:
    lock = tmp_path / "empty.txt"
    lock.write_text("")
    build("own", EnvSpec(lock=str(lock)), tmp_path / "env")
    told = json.loads((tmp_path / "env" / "complete.json").read_text())
    found = describe("own", tmp_path / "env" / "bin" / "python")
    assert told == {"packages": dict(found.packages), "digest": found.digest}


@pytest.mark.parametrize("name", [name for name, spec in ENVIRONMENTS.items() if spec.lock])
def test_every_environment_has_a_lock_in_which_each_package_has_its_hash(name: str) -> None:
    lines = (LOCKS / ENVIRONMENTS[name].lock).read_text().replace("\\\n", "").splitlines()
    packages = [line for line in lines if line.strip() and not line.strip().startswith("#")]
    assert packages
    assert all("==" in line and "--hash=sha256:" in line for line in packages)


def test_an_environment_without_a_lock_is_the_users_own_alone(tmp_path: Path) -> None:
    environments = Environments(tmp_path)
    problem = environments.problem("torch")
    assert problem is not None
    assert problem.hint == "give a Python that has torch: --env torch=PATH"
    with pytest.raises(Unavailable, match="an interpreter of your own"):
        environments.get("torch")
    assert environments.folders()["torch"] is None
    assert not environments.is_built("torch")
