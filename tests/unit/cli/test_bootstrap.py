"""`python -m bench` typed with a Python that lacks the harness's packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli.bootstrap import ensure

BENCH = Path(__file__).resolve().parents[3] / "bench"
ECHO = '#!/bin/sh\necho "$0" "$@"\nexit 5\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The harness's first modules alone, without its .venv."""
    folder = tmp_path / "project"
    (folder / "bench" / "cli").mkdir(parents=True)
    for name in ("__init__.py", "__main__.py", "report.py", "cli/__init__.py", "cli/bootstrap.py"):
        shutil.copy(BENCH / name, folder / "bench" / name)
    return folder


def bare(project: Path, *command: str, python: str = sys.executable) -> tuple[int, str, str]:
    """Run without site-packages; return status, stdout and stderr."""
    done = subprocess.run(
        [python, "-S", "-m", *command],
        cwd=project, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def with_venv(project: Path, script: str) -> Path:
    python = project / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(script)
    python.chmod(0o755)
    return python


def test_without_its_packages_and_without_a_venv_it_says_so_in_one_sentence(project: Path) -> None:
    status, out, err = bare(project, "bench", "run")
    assert status == 2
    assert out == ""
    assert err == (
        "bench: this Python has no package 'pydantic': run `make setup` in the project's folder, "
        "then the same command again\n"
    )


@pytest.mark.parametrize("module", ["bench", "bench.report"])
def test_without_its_packages_it_starts_again_in_the_projects_own_venv(
    module: str, project: Path
) -> None:
    python = with_venv(project, ECHO)
    status, out, err = bare(project, module, "--suite", "a b")
    assert (status, err) == (5, "")
    assert out == f"{python} -m {module} --suite a b\n"


def test_a_venv_that_lacks_the_packages_itself_does_not_start_itself_for_ever(
    project: Path,
) -> None:
    command = [sys.executable, "-m", "venv", "--without-pip", str(project / ".venv")]
    subprocess.run(command, check=True, capture_output=True)
    python = str(project / ".venv" / "bin" / "python")
    for started_with in (python, sys.executable):
        status, _, err = bare(project, "bench", python=started_with)
        assert status == 2
        assert "make setup" in err


def test_an_interpreter_that_has_the_packages_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started: list[tuple[object, ...]] = []
    monkeypatch.setattr(os, "execv", lambda *command: started.append(command))
    ensure("bench")
    assert started == []
    assert capsys.readouterr() == ("", "")
