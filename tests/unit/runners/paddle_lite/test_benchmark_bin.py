"""What Paddle Lite's own tool prints, in its present form and in its older one."""

from __future__ import annotations

import re

import numpy as np
import pytest

from bench.core.errors import BenchError
from bench.devices.android.adb.device import Completed
from bench.devices.android.workspace import Workspace
from bench.runners.paddle_lite.benchmark_bin import (
    Listed,
    NoReport,
    Reported,
    by_tool,
    parse_benchmark,
    read_elements,
)
from tests.fakes.device import FakeDevice
from tests.fakes.values import SAMPLING, cell

X = Listed("x.txt", (1, 3, 9, 7))
REPORT = """
======= Device Info =======
Brand: stand-in

======= Model Info =======
optimized_model_file: m.nb
input_shape: 1,3,224,224
output tensor 0 mean value: 0.001

======= Runtime Info =======
threads: 1
warmup: 10

======= Backend Info =======
backend: arm
cpu precision: fp32

======= Perf Info =======
Time(unit: ms):
init  = 15.305
first = 12.250
min   = 8.125
max   = 9.500
avg   = 8.500

"""
FIGURES = Reported(init_ms=15.305, first_ms=12.25, min_ms=8.125, max_ms=9.5, avg_ms=8.5)
OLD = "shufflenet_x1_0               min = 8.12500     max = 9.50000     average = 8.50000     \n"


def padded(text: str) -> str:
    """As its source writes a figure: left-aligned in 12 columns."""
    return re.sub(r"= (\d+\.\d{3})$", lambda found: f"= {found[1]:<12}", text, flags=re.MULTILINE)


def refused(text: str) -> str:
    with pytest.raises(NoReport) as caught:
        parse_benchmark(text)
    assert caught.value.kind == "garbage-reply"
    return caught.value.problem


def test_the_perf_block_is_read() -> None:
    assert parse_benchmark(REPORT) == FIGURES
    assert parse_benchmark(padded(REPORT)) == FIGURES
    assert padded(REPORT) != REPORT


def test_a_terminals_line_ends_change_nothing() -> None:
    assert parse_benchmark(REPORT.replace("\n", "\r\n")) == FIGURES


def test_the_memory_block_after_it_has_no_say() -> None:
    memory = "Memory Usage(unit: MB):\ninit  = 99.000      \npeak  = 120.000     \n"
    assert parse_benchmark(REPORT + memory) == FIGURES
    assert parse_benchmark(REPORT.rstrip("\n") + "\n" + memory) == FIGURES


def test_of_several_reports_the_last_counts() -> None:
    assert parse_benchmark(REPORT.replace("8.500", "8.600") + REPORT) == FIGURES
    assert parse_benchmark(OLD.replace("8.5", "8.6") + OLD).avg_ms == 8.5


def test_the_usage_that_a_bad_flag_brings_is_no_report() -> None:
    text = "Usage: ./benchmark_bin --optimized_model_file=...\n  --repeats (default: 1)\n"
    assert "printed no Perf Info" in refused(text)
    assert "--repeats (default: 1)" in refused(text)


def test_nothing_is_no_report() -> None:
    assert refused("") == "benchmark_bin printed no Perf Info and said nothing"


@pytest.mark.parametrize("name", ["init ", "first", "min  ", "max  ", "avg  "])
def test_a_block_without_one_of_its_figures_is_no_report(name: str) -> None:
    lines = [line for line in REPORT.splitlines() if not line.startswith(f"{name} =")]
    assert f"without {name.strip()}" in refused("\n".join(lines))


def test_a_block_that_was_cut_is_no_report() -> None:
    assert "without min, max, avg" in refused(REPORT[: REPORT.index("min   =")])
    assert "without 'Time(unit: ms):'" in refused(REPORT[: REPORT.index("Time(unit")])


def test_another_unit_is_not_taken_for_ms() -> None:
    assert "without 'Time(unit: ms):'" in refused(REPORT.replace("unit: ms", "unit: us"))


@pytest.mark.parametrize("figure", ["nan", "inf", "-1.000", "8,500", "--"])
def test_a_figure_that_is_no_duration_is_refused(figure: str) -> None:
    assert f"printed '{figure}' for a duration" in refused(REPORT.replace("8.500", figure))


def test_an_average_outside_its_range_is_refused() -> None:
    assert "average of 7.5 ms outside 8.125 to 9.5 ms" in refused(REPORT.replace("8.500", "7.500"))
    assert "average of 99 ms" in refused(REPORT.replace("8.500", "99.000"))


def test_an_average_may_be_off_by_its_rounding() -> None:
    text = REPORT.replace("9.500", "8.125").replace("8.500", "8.126")
    assert parse_benchmark(text).avg_ms == 8.126


def test_the_older_tools_line_is_read_though_it_tells_less() -> None:
    assert parse_benchmark(OLD) == Reported(
        init_ms=None, first_ms=None, min_ms=8.125, max_ms=9.5, avg_ms=8.5
    )


def test_a_min_and_a_max_under_each_others_name_are_put_right_and_noted() -> None:
    swapped = OLD.replace("8.12500", "?").replace("9.50000", "8.12500").replace("?", "9.50000")
    report = parse_benchmark(swapped)
    assert (report.min_ms, report.max_ms) == (8.125, 9.5)
    assert report.note
    assert parse_benchmark(OLD).note is None


@pytest.mark.parametrize(
    ("status", "stdout", "stderr", "problem"),
    [
        (0, b"Usage: ...\n", b"Must set --backend option!\n",
         "'Must set --backend option!', said benchmark_bin, and printed no Perf Info"),
        (1, b"", b"ERROR: unknown command line flag 'x'\n",
         "'ERROR: unknown command line flag 'x'', said benchmark_bin, and ended with"),
        (134, b"", b"[F  1/ 2  3: 4: 5.678 a.cc:1 f] Failed to read 4 bytes\nAborted\n",
         "'Failed to read 4 bytes', said benchmark_bin, and ended by SIGABRT"),
        (134, b"[F  1/ 2  3: 4: 5.678 a.cc:1 f] Failed to read 4 bytes\nAborted\n", b"",
         "'Failed to read 4 bytes', said benchmark_bin, and ended by SIGABRT"),
    ],
)  # fmt: skip
def test_what_the_tool_said_on_stderr_is_the_message(
    status: int, stdout: bytes, stderr: bytes, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    done = Completed(status=status, stdout=stdout, stderr=stderr)
    there = Workspace(FakeDevice({"benchmark_bin": done}))
    with pytest.raises(BenchError) as caught:
        by_tool(there, "benchmark_bin", cell(), "m.nb", X, SAMPLING)
    assert caught.value.problem.startswith(problem)
    assert (stdout + stderr).decode() in capsys.readouterr().err.replace("\n\n", "\n") + "\n"


ELEMENTS = """
--- output tensor 0 ---
output shape(NCHW): 1 3
output tensor 0 elem num: 3
out[0][0]:0.5
out[0][1]:-1.25e-05
out[0][2]:3
--- output tensor 1 ---
out[1][0]:7
"""


def test_the_output_is_read_where_the_tool_prints_its_elements() -> None:
    output = read_elements(ELEMENTS.replace("\n", "\r\n"), 1)
    assert output is not None
    assert output.tolist() == [[0.5, float(np.float32(-1.25e-05)), 3]]
    by_rows = read_elements("out[0][0]:1\nout[0][1]:2\n", 2)
    assert by_rows is not None
    assert by_rows.tolist() == [[1], [2]]
    assert read_elements(REPORT, 1) is None


@pytest.mark.parametrize(
    ("text", "batch", "problem"),
    [
        (ELEMENTS.replace("out[0][1]", "out[0][7]"), 1, "printed 3 elements of an output, not all"),
        (ELEMENTS.replace("out[0][0]:0.5\n", ""), 1, "printed 2 elements of an output, not all"),
        (ELEMENTS, 2, "printed 3 elements of an output, not all"),
        (ELEMENTS.replace("0.5", "0x"), 1, "printed an output that is no number"),
    ],
)
def test_an_output_that_is_not_whole_is_refused(text: str, batch: int, problem: str) -> None:
    with pytest.raises(NoReport, match=re.escape(problem)):
        read_elements(text, batch)


def ended(status: int, stdout: str, stderr: str = "") -> Completed:
    return Completed(status=status, stdout=stdout.encode(), stderr=stderr.encode())


def test_the_tool_gets_the_input_and_its_output_is_handed_on() -> None:
    device = FakeDevice({"benchmark_bin": ended(0, ELEMENTS + REPORT)})
    session = by_tool(Workspace(device), "benchmark_bin", cell(), "m.nb", X, SAMPLING)
    assert session.output is not None
    assert session.output.shape == (1, 3)
    assert session.reported_ns == {"min": 8_125_000, "max": 9_500_000, "avg": 8_500_000}
    [command] = device.commands
    assert "--input_data_path=x.txt --show_output_elem=true" in command
    assert "--input_shape=1,3,9,7 " in command


def test_an_older_tool_is_run_without_the_flags_that_it_lacks_and_stays_unchecked() -> None:
    unknown = "ERROR: unknown command line flag 'input_data_path'\n"
    device = FakeDevice(
        {"--input_data_path": ended(1, "", unknown), "benchmark_bin": ended(0, REPORT)}
    )
    session = by_tool(Workspace(device), "benchmark_bin", cell(), "m.nb", X, SAMPLING)
    assert (session.output, len(device.commands)) == (None, 2)
    device = FakeDevice({"benchmark_bin": ended(1, "", unknown.replace("input_data_path", "x"))})
    with pytest.raises(BenchError, match="unknown command line flag"):
        by_tool(Workspace(device), "benchmark_bin", cell(), "m.nb", X, SAMPLING)
    assert len(device.commands) == 1


def test_a_block_whose_min_is_above_its_max_is_refused() -> None:
    assert refused(REPORT.replace("8.125", "9.900"))
