"""`bench cache`: what it shows, what it removes, and what it leaves alone."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.cli.main import main
from bench.core.errors import Busy
from bench.core.locks import cache_alone, cache_in_use
from bench.launcher.process import ChildResult, run_child
from tests.cli.process import call
from tests.fakes import tables as fakes


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache with an environment that no lock file names, and a log."""
    for name in ("envs/onnx-0123456789ab/bin/python", "logs/gone-paddle-pir.log"):
        path = tmp_path / "cache" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x" * 1024)
    return tmp_path / "cache"


def bench(capsys: pytest.CaptureFixture[str], cache: Path, *argv: str, status: int = 0) -> str:
    flags = ["--cache", str(cache), "--models", str(fakes.MODELS)]
    assert main(["cache", *argv, *flags], fakes.tables()) == status
    out, err = capsys.readouterr()
    return out + err


def age(path: Path, seconds: float = 10**9) -> None:
    for folder, _, names in os.walk(path):
        for name in (*names, "."):
            os.utime(Path(folder) / name, (seconds, seconds))


def test_path_prints_the_folder(capsys: pytest.CaptureFixture[str], cache: Path) -> None:
    assert bench(capsys, cache, "path") == f"{cache}\n"


def test_list_has_each_artifact_and_a_total_of_each_kind(
    capsys: pytest.CaptureFixture[str], cache: Path, tmp_path: Path
) -> None:
    argv = ["run", "--suite", str(Path(fakes.__file__).parent / "suite.toml"), "--cache"]
    argv += [str(cache), "--models", str(fakes.MODELS), "--results", str(tmp_path / "results")]
    main(argv, fakes.tables())
    capsys.readouterr()
    lines = bench(capsys, cache, "list").splitlines()
    assert lines[0].split() == ["model", "format", "batch", "MiB", "last", "used"]
    assert any("paddle-pir" in line for line in lines)
    assert any(line.startswith("environments") and line.endswith("in 1") for line in lines)
    facts: list[dict[str, Any]] = json.loads(bench(capsys, cache, "list", "--json"))
    assert {it["kind"] for it in facts} >= {"artifacts", "environments", "logs"}


def test_an_environment_that_no_lock_file_names_goes_and_a_trial_run_removes_nothing(
    capsys: pytest.CaptureFixture[str], cache: Path
) -> None:
    stale = cache / "envs" / "onnx-0123456789ab"
    assert "would be removed: 2 items" in bench(capsys, cache, "prune", "--unused", "--dry-run")
    assert stale.is_dir()
    assert "removed: 2 items" in bench(capsys, cache, "prune", "--unused")
    assert not stale.exists()


def test_what_was_used_lately_stays_where_an_age_is_given(
    capsys: pytest.CaptureFixture[str], cache: Path
) -> None:
    age(cache / "logs")
    bench(capsys, cache, "prune", "--older", "30d")
    assert [it.name for it in sorted(cache.glob("*/*-*")) if it.suffix != ".lock"] == [
        "onnx-0123456789ab"
    ]
    assert "0 items" in bench(capsys, cache, "prune", "--unused", "--older", "30d")


def test_nothing_goes_while_a_run_goes_on(capsys: pytest.CaptureFixture[str], cache: Path) -> None:
    with cache_in_use(cache), cache_in_use(cache):
        said = bench(capsys, cache, "prune", "--unused", status=2)
    assert f"the cache is in use by another process (pid {os.getpid()}" in said
    assert (cache / "envs" / "onnx-0123456789ab").is_dir()


def test_a_run_keeps_its_cache_from_being_pruned(cache: Path, tmp_path: Path) -> None:
    refused: list[bool] = []

    def launch(request: dict[str, Any], **how: Any) -> ChildResult:
        try:
            with cache_alone(cache):
                refused.append(False)
        except Busy:
            refused.append(True)
        return run_child(request, **how)

    argv = ["run", "--suite", str(Path(fakes.__file__).parent / "suite.toml"), "--preset", "quick"]
    argv += ["--cache", str(cache), "--models", str(fakes.MODELS)]
    main([*argv, "--results", str(tmp_path / "results")], replace(fakes.tables(), launch=launch))
    assert refused
    assert all(refused)
    with cache_alone(cache):
        pass


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ((), "cache takes a word"),
        (("clean",), "cache has no word 'clean'"),
        (("prune",), "prune removes nothing by itself"),
        (("prune", "--older", "30"), "not a number of hours, days or weeks"),
        (("prune", "--older", "d"), "not a number of hours, days or weeks"),
    ],
)
def test_what_is_not_clear_is_refused_and_removes_nothing(
    argv: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str], cache: Path
) -> None:
    assert said in bench(capsys, cache, *argv, status=2)
    assert (cache / "envs" / "onnx-0123456789ab").is_dir()


def test_the_users_own_cache_is_named_without_one_given() -> None:
    done = call("cache", "path", env={"XDG_CACHE_HOME": "/somewhere"})
    assert done.stdout == "/somewhere/shufflenet-bench\n"
