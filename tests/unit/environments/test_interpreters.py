from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.core.errors import Unavailable
from bench.environments import uv_tool
from bench.environments.inspection import Interpreter, describe
from bench.environments.interpreters import LOCKS, Environments, build
from bench.environments.specs import ENVIRONMENTS, EnvSpec
from bench.environments.uv_tool import base_python

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
