"""What an interpreter is asked for its packages, by this Python and as an older one would."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.environments.inspection import QUERY

# Python 3.7 has no such module.
_OLD = "import sys; sys.modules['importlib.metadata'] = None\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with two packages, one of a name with an underscore, and something else."""
    for name, version in (("Odd_Name", "1.0"), ("paddlelite", "2.12rc1")):
        info = tmp_path / f"{name}-{version}.dist-info"
        info.mkdir()
        told = f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n"
        (info / "METADATA").write_text(told)
    (tmp_path / "other.py").write_text("")
    return tmp_path


def asked(code: str, site: Path) -> dict[str, Any]:
    # -S: none but the packages in `site`.
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": str(site)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("before", ["", _OLD], ids=["this", "3.7"])
def test_packages_are_told_by_name_and_version_and_python_among_them(
    before: str, site: Path
) -> None:
    assert asked(before + QUERY, site) == {
        "odd-name": "1.0",
        "paddlelite": "2.12rc1",
        "python": sys.version.split()[0],
    }


def test_the_question_is_in_the_syntax_of_python_3_7() -> None:
    assert ast.parse(QUERY, feature_version=(3, 7)).body
