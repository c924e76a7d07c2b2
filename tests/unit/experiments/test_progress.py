from __future__ import annotations

import sys
from io import StringIO

import pytest
from rich.console import Console

from bench.experiments.latency.progress import result_text
from bench.experiments.progress import Bar, Lines, Remaining, Unit, display
from bench.storage.schema.common import Skipped
from bench.storage.schema.latency import JournalEntry
from tests.fakes.values import CELL, cell, entry, failure


def unit(label: str, left: int, *, minor: bool = False) -> Unit:
    return Unit(label=label, left=left, execute=str, minor=minor)


UNITS = [unit(cell(batch=1 + n).label, 3 - n) for n in range(3)]
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which stands still unless a test moves it."""
    time = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: time[0])
    return time


def skipped() -> JournalEntry:
    return JournalEntry(cell_id=CELL.id, skipped=Skipped(reason="no unit", hint="get one"))


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (entry(samples_ns=[3_000_000, 1_000_000, 2_345_678]), "2.35 ms"),
        (entry(samples_ns=[1_000_000, 2_000_000]), "1.50 ms"),
        (entry(samples_ns=[0]), "0 ms"),
        (failure(), "failed (crash)"),
        (skipped(), "skipped"),
    ],
)
def test_a_session_is_told_by_its_median_or_by_what_became_of_it(
    told: JournalEntry, text: str
) -> None:
    assert result_text([told]) == text


def test_each_session_is_one_line_with_its_number_its_result_and_the_time_left(
    capsys: Captured, now: list[float]
) -> None:
    lines = Lines()
    lines.prepares("small paddle-pir")
    for one, result in zip(UNITS, ("3.00 ms", "failed (crash)", "skipped"), strict=True):
        lines.starts(one)
        now[0] += 30
        lines.ended(one, result)

    out, err = capsys.readouterr()

    assert out == ""
    assert err.splitlines() == [
        "preparing: small paddle-pir",
        "[1/3] x0_25 fake batch 1, 1 thread: 3.00 ms; 1 min 00 s left",
        "[2/3] x0_25 fake batch 2, 1 thread: failed (crash); 30 s left",
        "[3/3] x0_25 fake batch 3, 1 thread: skipped; 0 s left",
    ]


def test_the_start_of_a_session_prints_no_line(capsys: Captured) -> None:
    Lines().starts(UNITS[0])
    assert capsys.readouterr().err == ""


def test_a_cell_that_needs_fewer_sessions_makes_the_total_smaller(capsys: Captured) -> None:
    lines = Lines()
    for one in (unit("a", 10), unit("b", 4)):
        lines.starts(one)
        lines.ended(one, "1 ms")
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("[1/10] ")
    assert second.startswith("[2/5] ")


def test_before_any_session_the_sessions_left_are_told_instead_of_a_time() -> None:
    remaining = Remaining()
    assert remaining.starts(7) == "7 sessions"


def test_the_time_left_is_that_of_a_session_so_far_times_those_left(now: list[float]) -> None:
    remaining = Remaining()
    now[0] = 500.0  # the preparation counts for nothing
    remaining.starts(11)
    now[0] += 20
    assert remaining.ended() == "3 min 20 s"
    assert remaining.starts(10) == "3 min 20 s"
    now[0] += 40
    assert remaining.ended() == "4 min 30 s"
    assert remaining.starts(3) == "1 min 30 s"


def test_where_there_is_no_terminal_lines_are_shown() -> None:
    assert not sys.stderr.isatty()
    with display() as shown:
        assert isinstance(shown, Lines)


def drawn(width: int) -> tuple[StringIO, Bar]:
    out = StringIO()
    return out, Bar(Console(file=out, force_terminal=True, width=width, color_system=None))


def test_a_bar_is_drawn_between_sessions_and_tells_the_last_result(now: list[float]) -> None:
    out, bar = drawn(100)
    with bar.progress:
        bar.prepares("small paddle-pir")
        bar.starts(UNITS[0])
        now[0] += 30
        bar.ended(UNITS[0], "3.00 ms")
        bar.starts(UNITS[1])
    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    assert any("preparing: small paddle-pir" in line for line in lines)
    assert any("0/3 x0_25 fake batch 1, 1 thread 3 sessions left" in line for line in lines)
    assert "1/3 x0_25 fake batch 2, 1 thread 1 min 00 s left last: 3.00 ms" in lines[-2]
    assert bar.progress.live.auto_refresh is False


@pytest.mark.parametrize("width", [40, 60, 80, 100])
@pytest.mark.parametrize("result", ["3.00 ms", "12345 ms"])
def test_a_narrow_terminal_cuts_the_label_alone(width: int, result: str, now: list[float]) -> None:
    out, bar = drawn(width)
    long = unit(f"{cell(batch=16).label} fp16 tensor_gc=off enable_mkldnn=on {'x' * 40}", 2)
    with bar.progress:
        bar.starts(long)
        now[0] += 8340
        bar.ended(long, result)
        bar.starts(unit(long.label, 1))
    line = out.getvalue().splitlines()[-2].rpartition("\r")[2].replace("\x1b[2K", "")
    assert len(line) <= width
    assert line.startswith("━" * 8) == (width >= 70)
    assert " 1/2 x0" in f" {line}"
    assert "… 2 h 19 min left" in line
    assert line.endswith(f" left last: {result}") == (width >= 56)


def test_of_minor_units_a_line_comes_every_few_seconds_and_at_the_end(
    capsys: Captured, now: list[float]
) -> None:
    lines = Lines()
    for left, seconds in zip((5, 4, 3, 2, 1), (1, 1, 1, 4, 0.5), strict=True):
        one = unit("x0_25", left, minor=True)
        lines.starts(one)
        now[0] += seconds
        lines.ended(one, "64 images")
    said = capsys.readouterr().err.splitlines()
    assert [line.partition("]")[0] for line in said] == ["[1/5", "[4/5", "[5/5"]


def test_preparation_may_be_left_out(capsys: Captured) -> None:
    Lines(preparation=False).prepares("small paddle-pir")
    assert capsys.readouterr().err == ""
