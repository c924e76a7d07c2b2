from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from bench.experiments.context import Tables
from bench.storage.run_folders import RunFolder
from bench.storage.store import Store
from tests.cli.disks import filled
from tests.cli.launches import Counted
from tests.cli.process import call, complaint, contents
from tests.fakes import tables as fakes
from tests.fakes.records import put, record, stored

Run = Callable[..., int]


@pytest.fixture
def read_only(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A results folder with a run in it that nobody can write."""
    if os.geteuid() == 0:
        folder: Path = request.getfixturevalue("small_disk")
        put(stored(record("mine")), folder)
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        yield folder
        return
    folder = tmp_path / "results"
    put(stored(record("mine")), folder)
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)


@pytest.mark.parametrize("verb", ["run", "report"])
def test_results_that_can_not_be_written_are_refused_before_anything_is_measured(
    verb: str, read_only: Path, tmp_path: Path
) -> None:
    before = contents(read_only)
    cache = ["--cache", str(tmp_path / "cache")] if verb == "run" else []
    line = complaint(call(verb, "--results", read_only, "--models", fakes.MODELS, *cache))
    assert str(read_only) in line
    assert "can't be written" in line
    assert "--results DIR" in line
    assert contents(read_only) == before
    assert not (tmp_path / "cache").exists()


def measured(run: RunFolder) -> dict[int, int]:
    """The pid of each session that `run` holds, by its place in the order."""
    in_journal = [entry.session for entry in run.journal() if entry.session]
    in_records = [session for done in run.records() for session in done.sessions]
    return {session.order: session.pid for session in (*in_journal, *in_records)}


@pytest.mark.slow
def test_a_disk_that_fills_up_keeps_what_was_measured_and_resume_finishes(
    plain_run: Run, small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ballast = small_disk / "ballast"

    def launching(launch: Counted) -> Tables:
        return replace(fakes.tables(), launch=launch)

    first = Counted(after=5, event=partial(filled, ballast))
    assert plain_run(tables=launching(first)) == 2
    err = capsys.readouterr().err.splitlines()
    (line,) = [text for text in err if "bench:" in text]
    assert str(small_disk) in line
    assert "No space left on device" in line
    assert line.endswith("kept: free some space, then resume with:")
    assert err[-1].startswith("  python -m bench run --resume")

    (run,) = Store(small_disk).runs()
    kept = measured(run)
    assert len(kept) >= 5
    ballast.unlink()
    # The page of a report takes more than the disk had.
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    rest = Counted()
    assert plain_run("--resume", "latest", tables=launching(rest)) == 0
    sessions = measured(run)
    assert len(sessions) == 12
    assert kept.items() <= sessions.items()
    assert len(rest.sessions) == 12 - len(kept)
    assert not [name for name in contents(small_disk) if name.endswith(".tmp")]
