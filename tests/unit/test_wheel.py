"""The wheel holds what an installed harness needs, and nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from uv import find_uv_bin

from bench.core.paths import document

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
DATA = {"envs", "suites", "selftest_models", "regression_models"}
DATA |= {"runners/paddle_lite/agent", "runners/cpp"}


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [find_uv_bin(), "build", "--quiet", "--wheel", "--out-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("shufflenet_bench-*-py3-none-any.whl")
    return set(ZipFile(wheel).namelist())


def tracked(folder: str) -> Iterator[str]:
    done = subprocess.run(
        ["git", "-C", str(ROOT / folder), "ls-files", "--cached", "--others", "--exclude-standard"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return (name for name in done.stdout.splitlines() if (ROOT / folder / name).is_file())


@pytest.mark.slow
@pytest.mark.parametrize("part", sorted(DATA))
def test_data_is_there_in_every_part(part: str, names: set[str]) -> None:
    found = [name for name in names if name.startswith(f"bench/{part}/")]
    assert {f"bench/{part}/{name}" for name in tracked(f"bench/{part}")} == set(found)
    assert found


@pytest.mark.slow
def test_it_holds_the_package_the_catalogue_the_documents_and_no_more(names: set[str]) -> None:
    package = {f"bench/{name}" for name in tracked("bench")}
    catalogue = {f"bench/catalogue/{name}" for name in tracked("models")}
    assert {"bench/catalogue/catalog.toml", "bench/catalogue/published.csv"} <= catalogue
    described = {name for name in names if ".dist-info/" in name}
    documents = {f"bench/docs/{name}" for name in tracked("docs")}
    assert names - described == package | catalogue | documents


@pytest.mark.slow
@pytest.mark.parametrize("page", ["models/README.md", "docs/reference/files.md"])
def test_a_document_that_a_message_names_is_there(
    page: str, names: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    package = tmp_path / "site-packages" / "bench"
    assert document(page, package).removeprefix("site-packages/") in names
    assert document(page, ROOT / "bench") == str(ROOT / page)


def packages_in(lines: Iterator[str] | list[str]) -> set[str]:
    found = (re.match(r"[A-Za-z0-9_.-]+", line) for line in lines)
    return {one[0].lower() for one in found if one}


def test_what_the_clone_installs_is_what_the_wheel_asks_for() -> None:
    """bench/envs/harness.in locks the same packages for a clone."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    extras = ("gpu", "phone", "pandas", "fleet", "serving")
    assert {*extras, "parquet", "mlflow", "all"} == set(optional)
    asked = [*project["dependencies"], *(package for name in extras for package in optional[name])]
    lines = (ROOT / "bench/envs/harness.in").read_text().splitlines()
    locked = packages_in([line for line in lines if not line.startswith("#")])
    assert locked <= packages_in(asked)
