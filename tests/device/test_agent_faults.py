"""The device program, emulated: what it refuses, and what it leaves when something falls."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bench.runners.paddle_lite.agent_events import AgentFailed, GarbledAgent
from bench.runners.paddle_lite.agent_sessions import MARK, parse
from tests.device.agent_bench import Bench, agent_bench
from tests.device.agent_build import LIBRARY, light_api


@pytest.fixture
def bench(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Bench:
    return agent_bench(tmp_path_factory, tmp_path)


@pytest.mark.parametrize(
    ("flags", "status", "reason"),
    [
        ({"model": None}, 2, "--model is missing"),
        ({"shape": None}, 2, "--shape is missing"),
        ({"input": None}, 2, "--input is missing"),
        ({"bogus": 1}, 2, "there is no flag '--bogus'"),
        ({"threads": 0}, 2, "--threads is '0'"),
        ({"threads": "two"}, 2, "--threads is 'two'"),
        ({"threads": 99_999_999_999_999_999_999}, 2, "--threads is"),
        ({"power_mode": "HIGH"}, 2, "--power-mode is 'HIGH'"),
        ({"warmup": ""}, 2, "--warmup is ''"),
        ({"warmup": -1}, 2, "--warmup is '-1'"),
        ({"warmup": "3.5"}, 2, "--warmup is '3.5'"),
        ({"repeats": 0}, 2, "--repeats is '0'"),
        ({"steady_window": 1}, 2, "--steady-window is '1'"),
        ({"steady_tolerance": "nan"}, 2, "--steady-tolerance is 'nan'"),
        ({"seconds": -0.5}, 2, "--seconds is '-0.5'"),
        ({"seconds": ""}, 2, "--seconds is ''"),
        ({"repeats": 3, "min_repeats": 4}, 2, "--min-repeats is more than --repeats"),
        ({"shape": "1,,3"}, 2, "--shape is ''"),
        ({"shape": "1,3,0"}, 2, "--shape is '0'"),
        ({"shape": "65536,65536,65536"}, 2, "--shape is '65536'"),
        ({"shape": "1,3,4,5"}, 4, "has 192 bytes, the shape takes 240"),
        ({"input": "/no/such/input"}, 4, "input '/no/such/input' can't be read"),
        ({"input": "/usr"}, 4, "input '/usr' can't be read"),
        ({"model": "/no/such/model"}, 3, "model '/no/such/model' can't be read"),
        ({"model": "/usr"}, 3, "model '/usr' is empty or no file"),
        ({"model": "/dev/null"}, 3, "model '/dev/null' is empty or no file"),
        ({"model": 'a "b"\t\\c\nd'}, 3, "model 'a \"b\"\t\\c\nd' can't be read"),
        ({"model": "caf\u00e9"}, 3, "can't be read"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(
    bench: Bench, flags: dict[str, object], status: int, reason: str
) -> None:
    done = bench.end(**flags)
    assert done.returncode == status, done
    with pytest.raises(AgentFailed) as caught:
        parse(done.stdout.splitlines())
    assert reason in caught.value.problem
    assert done.stdout.isascii()


def test_a_flag_without_its_value_is_refused(bench: Bench) -> None:
    done = subprocess.run(
        [*bench.command(), "--seconds"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert Bench.events(done)[-1] == {"event": "error", "reason": "--seconds has no value"}


def test_an_output_of_nothing_is_told_with_what_came_before(bench: Bench) -> None:
    bench.model("EMPTY")
    done = bench.end()
    assert (done.returncode, len(bench.events(done))) == (3, 3)
    with pytest.raises(AgentFailed, match="the output is empty"):
        parse(done.stdout.splitlines())


@pytest.mark.parametrize(
    ("fault", "last", "line"),
    [
        ("ABORT", "nothing", "The model format cannot be recognized"),
        ("RUNABORT", "sample warmup", "Check failed: filter_dims == 4"),
        ("SILENT", "nothing", None),
    ],
)
def test_a_library_that_aborts_leaves_its_line_and_a_session_without_its_end(
    bench: Bench, fault: str, last: str, line: str | None
) -> None:
    bench.model(fault)
    done = bench.end()
    assert done.returncode == -signal.SIGABRT
    fatal = [said for said in done.stderr.splitlines() if said.startswith("[F ")]
    assert [line in said for said in fatal if line] == [True] * (line is not None)
    with pytest.raises(GarbledAgent, match=f"had said {last} last"):
        parse(done.stdout.splitlines())


def test_a_library_of_another_release_than_the_header_is_told(bench: Bench, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed"
    shutil.copytree(bench.agent, mixed)
    other = light_api(tmp_path / "other", "STANDIN_OTHER_RELEASE")
    shutil.copy(other / "cxx" / "lib" / LIBRARY, mixed)
    done = replace(bench, agent=mixed).end()
    assert done.returncode == 3, done.stderr
    with pytest.raises(AgentFailed, match="isn't of the release whose header"):
        parse(done.stdout.splitlines())


def test_lines_come_at_once_and_a_hanging_library_can_be_ended(bench: Bench) -> None:
    bench.model("RUNHANG")
    with subprocess.Popen(bench.command(), stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        lines = [running.stdout.readline().removeprefix(MARK) for _ in range(5)]
        running.terminate()
        assert running.wait(timeout=30) == -signal.SIGTERM
    assert [json.loads(line)["event"] for line in lines] == [
        "start",
        "loaded",
        "first",
        "output",
        "sample",
    ]


def test_it_ends_when_nobody_reads_any_more(bench: Bench) -> None:
    command = bench.command(repeats=1_000_000, seconds=3_600)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        running.stdout.readline()
        running.stdout.close()
        assert running.wait(timeout=30) == 5
