"""A git repository of the test's own, with a copy of this project's code in it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_WHO = ("-c", "user.name=someone", "-c", "user.email=someone@example.org")


def run_git(folder: Path, *arguments: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", *_WHO, "-C", str(folder), *arguments],
        env=kept, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.strip()


def make_repository(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    run_git(folder, "init", "--quiet", "--initial-branch=main")
    return folder


def commit(folder: Path, message: str = "change") -> str:
    """Commit everything in `folder` and return the commit's hash."""
    run_git(folder, "add", "--all")
    run_git(folder, "commit", "--quiet", "--allow-empty", "--no-gpg-sign", "-m", message)
    return run_git(folder, "rev-parse", "HEAD")


def copy_of_the_project(folder: Path) -> Path:
    """Return a repository with the code that arms of fake runners need, not committed yet."""
    make_repository(folder)
    ignored = shutil.ignore_patterns("__pycache__", "paddle_lite/agent", "*.txt")
    shutil.copytree(ROOT / "bench", folder / "bench", ignore=ignored)
    (folder / "tests").mkdir()
    shutil.copytree(ROOT / "tests/fakes", folder / "tests/fakes", ignore=ignored)
    (folder / "tests/__init__.py").touch()
    return folder
