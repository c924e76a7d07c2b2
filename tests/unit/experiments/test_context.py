"""What holds where the command line says nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.artifacts.builder import ARTIFACT_FORMATS
from bench.config.project import default_cache
from bench.experiments.context import Options, Tables
from bench.launcher.process import run_child
from bench.runners import RUNNERS


def test_the_cache_lies_where_the_person_keeps_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere/cache")
    assert default_cache() == Path("/somewhere/cache/shufflenet-bench")
    assert Options().cache == default_cache()


@pytest.mark.parametrize("unset", [True, False])
def test_without_a_cache_folder_of_ones_own_the_home_folders_is_taken(
    monkeypatch: pytest.MonkeyPatch, unset: bool
) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    if unset:
        monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_cache() == Path("/home/someone/.cache/shufflenet-bench")


def test_the_real_tables_are_plugged_in_unless_others_are_given() -> None:
    tables = Tables()
    assert (tables.runners, tables.formats, tables.launch) == (RUNNERS, ARTIFACT_FORMATS, run_child)


def test_every_runner_wants_an_artifact_that_can_be_made() -> None:
    assert {entry.artifact for entry in RUNNERS.values()} <= set(ARTIFACT_FORMATS)


def test_the_flags_of_a_gpu_arrive_at_its_target() -> None:
    plain = Options(cache=Path("/c")).target("nvidia-gpu")
    assert (plain.device, plain.engines, plain.own_python) == (None, "/c/engines", None)
    assert (plain.sharing, plain.partial) == ("refused", "refused")
    options = Options(
        own={"gpu": "GPU-1", "shared_gpu": True, "allow_partial": True},
        envs={"gpu": Path("/p/python")},
    )
    told = options.target("nvidia-gpu")
    assert (told.device, told.own_python) == ("GPU-1", "/p/python")
    assert (told.sharing, told.partial) == ("allowed", "allowed")
    assert options.target("cpu").device is None
