"""`--require-quiet` and `--wait-quiet` on the command line; the machine is as the test says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bench.devices.host.busy import Busy
from tests.fakes import tables as fakes

BUSY, CALM = Busy(used=1.8, cores=2), Busy(used=0.0, cores=2)
Run = Callable[..., int]


@pytest.fixture(autouse=True)
def _no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.experiments.quiet._POLL_S", 0.0)


def test_a_busy_machine_is_refused_before_anything_is_built(
    bench_run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = replace(fakes.tables(), busy=lambda: BUSY)
    assert bench_run("--require-quiet", tables=tables) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("bench: busy: 1.8 of 2 cores used by others: end what else runs")
    assert "preparing" not in shown


@pytest.mark.parametrize("flag", [("--wait-quiet",), ("--wait-quiet=60s",), ("--wait-quiet", "1m")])
def test_a_session_waits_for_quiet(
    flag: tuple[str, ...], bench_run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    looks = [BUSY, BUSY, CALM]
    tables = replace(fakes.tables(), busy=lambda: looks.pop(0) if looks else CALM)
    assert bench_run(*flag, "--variant", "x0_25", "--preset", "quick", tables=tables) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "busy: 1.8 of 2 cores used by others"
    limit = "10 min 00 s" if flag == ("--wait-quiet",) else "1 min 00 s"
    assert sum(line.startswith("waiting: busy: 1.8 of 2") and limit in line for line in lines) == 1


def test_a_time_that_is_none_is_refused(bench_run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_run("--wait-quiet=soon") == 2
    assert capsys.readouterr().err.startswith("bench: --wait-quiet soon: not a duration: give 5 s")
