"""Environments that take one of several Pythons, and what is kept out of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.core.errors import Unavailable
from bench.environments import inspection, uv_tool
from bench.environments import interpreters as module
from bench.environments.inspection import Interpreter
from bench.environments.interpreters import LOCKS, build
from bench.environments.specs import ENVIRONMENTS, EnvSpec
from bench.environments.uv_tool import base_python

MonkeyPatch = pytest.MonkeyPatch
HERE = ".".join(sys.version.split(".")[:2])


class Uv:
    """Stands in for `uv python find`, which finds only `has`."""

    def __init__(self, *has: str) -> None:
        self.has = has
        self.asked: list[str] = []

    def __call__(self, command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        self.asked.append(command[-1])
        found = command[-1] in self.has
        return subprocess.CompletedProcess(
            command, 0 if found else 2, f"/usr/bin/python{command[-1]}\n", ""
        )


@pytest.fixture
def uv(monkeypatch: MonkeyPatch) -> Uv:
    stand_in = Uv()
    monkeypatch.setattr(uv_tool, "uv_program", lambda: "uv")
    monkeypatch.setattr(subprocess, "run", stand_in)
    return stand_in


def test_one_of_several_versions_is_this_interpreter_itself(uv: Uv) -> None:
    assert base_python(EnvSpec(lock="x", python=f"2.6,{HERE},2.7")) == base_python(
        EnvSpec(lock="x")
    )
    assert uv.asked == []


def test_the_best_version_that_there_is_comes_first(uv: Uv) -> None:
    uv.has = ("2.7", "2.6")
    assert base_python(EnvSpec(lock="x", python="2.8,2.7,2.6")) == Path("/usr/bin/python2.7")
    assert uv.asked == ["2.8", "2.7"]


def test_where_there_is_none_of_them_all_are_named_and_the_best_is_the_remedy(uv: Uv) -> None:
    with pytest.raises(Unavailable, match=r"no Python 2\.8 or 2\.7 on this .*install 2\.8"):
        base_python(EnvSpec(lock="x", python="2.8,2.7"))


@pytest.mark.parametrize("version", [HERE[:-1], f"{HERE}9"])
def test_a_version_is_not_taken_for_one_that_only_begins_like_it(version: str, uv: Uv) -> None:
    with pytest.raises(Unavailable):
        base_python(EnvSpec(lock="x", python=version))
    assert uv.asked == [version]


@pytest.mark.parametrize("beside", [True, False])
def test_an_installation_keeps_out_what_the_file_beside_the_lock_names(
    beside: bool, tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(module, "run_uv", lambda command, _: commands.append(command))
    monkeypatch.setattr(
        inspection,
        "describe",
        lambda *_: Interpreter(name="own", python=tmp_path, packages={}, digest="d"),
    )
    (tmp_path / "own.txt").write_text("")
    if beside:
        (tmp_path / "own.excludes").write_text("torch\n")
    (folder := tmp_path / "env").mkdir()
    build("own", EnvSpec(lock="own.txt"), folder, locks=tmp_path)
    kept_out = ["--excludes", str(tmp_path / "own.excludes")]
    assert (kept_out[0] in commands[-1]) is beside
    assert not beside or commands[-1][commands[-1].index("--excludes") :][:2] == kept_out


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_what_is_kept_out_of_an_environment_is_not_in_its_lock(name: str) -> None:
    lock = LOCKS / ENVIRONMENTS[name].lock
    left_out = lock.with_suffix(".excludes")
    if not left_out.exists():
        return
    names = {line for line in left_out.read_text().splitlines() if line and line[0] != "#"}
    locked = {line.partition("==")[0] for line in lock.read_text().splitlines() if "==" in line}
    assert names
    assert not names & locked
