"""bench.toml, and where things lie without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.config.project import (
    default_agent,
    default_cache,
    default_models,
    default_results,
    find_project,
    load_project,
)
from bench.core.errors import BrokenFile
from bench.core.paths import PROJECT, import_root, shipped_catalogue
from bench.experiments.context import Options


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, empty, two below that of the tests; the user's cache is c/ beside it."""
    here = tmp_path / "top" / "below"
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    return here


def write(folder: Path, text: str) -> Path:
    path = folder / "bench.toml"
    path.write_text(text)
    return path


def catalogue_in(folder: Path) -> Path:
    folder.mkdir()
    (folder / "catalog.toml").touch()
    return folder


def test_the_nearest_file_above_holds(folder: Path) -> None:
    assert find_project(folder) is None
    above = write(folder.parent, "")
    assert find_project(folder) == above
    assert find_project(folder.parent) == above
    own = write(folder, "")
    assert find_project(folder) == own


def test_a_folder_of_that_name_is_no_file(folder: Path) -> None:
    (folder / "bench.toml").mkdir()
    above = write(folder.parent, "")
    assert find_project(folder) == above


def test_paths_are_relative_to_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    write(folder.parent, 'models = "../nets"\nresults = "below/r"\ncache = "~/c"')
    told = load_project(folder)
    assert told.models == folder.parent.parent / "nets"
    assert told.results == Path("r")
    assert told.cache == Path("/home/someone/c")


def test_what_the_file_says_holds_unless_a_flag_says_otherwise(folder: Path) -> None:
    write(folder.parent, 'models = "n"\nresults = "r"\ncache = "/big"')
    top = folder.parent
    plain = Options()
    assert (plain.models, plain.results, plain.cache) == (top / "n", top / "r", Path("/big"))
    assert Options(models=Path("own")).models == Path("own")
    assert plain.again(["models", "results", "cache"]) == []


def test_an_unknown_key_is_refused_in_one_sentence(folder: Path) -> None:
    path = write(folder, 'model = "n"')
    with pytest.raises(BrokenFile) as caught:
        load_project(folder)
    assert str(caught.value) == (
        f"{path}: unknown field 'model': the keys are models, results, cache"
    )


def test_without_a_file_the_current_folder_s_catalogue_comes_first(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "models").mkdir()
    assert default_models() == shipped_catalogue()  # a folder of nets, perhaps, but no catalogue
    (folder / "models" / "catalog.toml").touch()
    assert default_models() == Path("models")
    assert default_results() == Path("results")
    assert default_cache() == tmp_path / "c" / "shufflenet-bench"


def test_a_file_goes_before_the_current_folder_s_catalogue(folder: Path) -> None:
    catalogue_in(folder / "models")
    write(folder.parent, 'models = "nets"')
    assert default_models() == folder.parent / "nets"


def test_the_device_program_of_a_clone_is_the_clone_s(folder: Path) -> None:
    (folder / "build" / "agent").mkdir(parents=True)
    assert default_agent() == PROJECT / "build" / "agent"


def test_the_device_program_of_an_installed_harness_is_here_or_in_the_cache(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.config.project.is_checkout", lambda: False)
    assert default_agent() == tmp_path / "c" / "shufflenet-bench" / "agent"
    (folder / "build" / "agent").mkdir(parents=True)
    assert default_agent() == Path("build/agent")


def test_what_is_installed_has_its_catalogue_and_its_import_root_inside(tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / "bench"
    assert shipped_catalogue(package) == package / "catalogue"
    assert import_root(package) == package / "launcher" / "alone"


def test_a_clone_has_them_at_its_top(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    assert shipped_catalogue(tmp_path / "bench") == tmp_path / "models"
    assert import_root(tmp_path / "bench") == tmp_path


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('cache = "~nobody-of-that-name/x"', "field 'cache'"), ('results = "a\\u0000b"', "no NUL"),
        ("models = 3", "field 'models'"), ("models = nan", "field 'models'"),
    ],
)  # fmt: skip
def test_a_path_that_can_be_none_is_refused(folder: Path, text: str, fault: str) -> None:
    write(folder, text)
    with pytest.raises(BrokenFile, match=fault):
        load_project(folder)
