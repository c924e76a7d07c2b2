"""A child of an installed harness imports `bench`, and nothing else that is installed beside it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.core.paths import PACKAGE, import_root

_TELLS = """
import importlib.util, json, sys
from bench.core.paths import PACKAGE, import_root
found = {name: importlib.util.find_spec(name) is not None for name in ("numpy", "beside")}
print(json.dumps({**found, "package": str(PACKAGE), "root": str(import_root())}))
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site-packages with `bench` and another package in it."""
    folder = tmp_path / "site-packages"
    shutil.copytree(PACKAGE, folder / "bench", ignore=lambda _, names: {"__pycache__"} & set(names))
    (folder / "beside.py").touch()
    (folder / "numpy.py").touch()
    return folder


def asked(site: Path, root: Path) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-S", "-c", _TELLS],  # -S: none but what PYTHONPATH names
        env={"PYTHONPATH": str(root)}, cwd=site.parent, capture_output=True, text=True, check=True,
    )  # fmt: skip
    told: dict[str, object] = json.loads(done.stdout)
    return told


def test_a_child_s_path_holds_the_installed_package_and_nothing_beside_it(site: Path) -> None:
    root = import_root(site / "bench")
    assert asked(site, root) == {
        "numpy": False, "beside": False, "package": str(site / "bench"), "root": str(root),
    }  # fmt: skip


def test_the_folder_of_that_path_has_one_entry(site: Path) -> None:
    asked(site, import_root(site / "bench"))
    assert [it.name for it in import_root(site / "bench").iterdir()] == ["bench"]
