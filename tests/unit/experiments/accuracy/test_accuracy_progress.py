"""How many images are done and left, without a line for each chunk."""

from __future__ import annotations

from bench.experiments.accuracy.progress import Progress


def lines(*times: float, total: int, done: int = 0, each: int = 10) -> list[str]:
    said: list[str] = []
    clock = iter([0.0, *times])
    progress = Progress(total=total, write=said.append, clock=lambda: next(clock))
    progress.starts(done)
    for _ in times:
        progress.saw(each, "x0_25")
    return said


def test_a_line_tells_what_is_done_and_left_and_for_how_long() -> None:
    assert lines(20.0, total=40) == ["[10/40] x0_25: 30 images left, about 1 min 00 s"]


def test_lines_come_every_few_seconds_and_at_the_end() -> None:
    said = lines(1.0, 2.0, 3.0, 7.0, 7.5, total=50)
    assert [line.partition("]")[0] for line in said] == ["[10/50", "[40/50", "[50/50"]
    assert said[-1] == "[50/50] x0_25: 0 images left"


def test_images_of_an_earlier_try_are_done_and_took_no_time() -> None:
    assert lines(20.0, total=40, done=20) == ["[30/40] x0_25: 10 images left, about 20 s"]


def test_a_terminal_is_drawn_over_each_time_and_left_on_a_new_line() -> None:
    drawn: list[str] = []
    said: list[str] = []
    progress = Progress(total=2, write=said.append, redraw=drawn.append, clock=lambda: 1.0)
    progress.starts(0)
    progress.saw(1, "a")
    progress.saw(1, "a")
    assert len(drawn) == 2
    assert said == [""]
