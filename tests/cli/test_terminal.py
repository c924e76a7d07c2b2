"""What a person sees on terminals of several widths and kinds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.terminal import COMMAND, on_terminal, shown_lines

PROGRESS = "tests.cli.terminal"


@pytest.mark.parametrize("columns", [200, 80, 60, 40])
def test_the_counter_and_the_time_left_fit_every_terminal(columns: int) -> None:
    lines = shown_lines(on_terminal(PROGRESS, columns=columns))
    bars = [line for line in lines if "/280" in line]
    assert bars
    assert max(map(len, bars)) <= columns
    assert any("280 sessions left" in line for line in bars)
    last = [line for line in bars if line.lstrip("━╸╺ ").startswith("2/280 x1_0 paddle")]
    assert last, bars
    assert ("12345 ms" in last[-1]) == (columns >= 60)


@pytest.mark.parametrize("columns", [200, 80, 60, 40])
@pytest.mark.parametrize("env", [{}, {"TERM": "dumb"}, {"NO_COLOR": "1"}, {"FORCE_COLOR": "1"}])
def test_a_command_to_copy_is_on_a_line_of_its_own_and_whole(
    columns: int, env: dict[str, str]
) -> None:
    written = on_terminal(PROGRESS, columns=columns, env=env)
    assert f"  {COMMAND}" in shown_lines(written)


def test_a_terminal_that_can_not_move_its_cursor_gets_lines() -> None:
    written = on_terminal(PROGRESS, columns=120, env={"TERM": "dumb"})
    assert "\x1b" not in written
    assert [line[:8] for line in shown_lines(written)[:4]] == [
        "preparin", "[1/280] ", "[2/280] ", "[3/280] ",
    ]  # fmt: skip


def test_no_color_leaves_the_colours_out_of_the_bar() -> None:
    assert "\x1b[38" in on_terminal(PROGRESS, columns=80)
    assert "\x1b[38" not in on_terminal(PROGRESS, columns=80, env={"NO_COLOR": "1"})


def test_a_log_gets_lines_whatever_a_variable_forces() -> None:
    from tests.cli.process import call

    done = call(module=PROGRESS, env={"FORCE_COLOR": "1", "TERM": os.environ.get("TERM", "xterm")})
    assert "\x1b" not in done.stderr
    assert done.stderr.splitlines()[1].startswith("[1/280] ")


def test_what_is_said_on_a_terminal_is_wrapped_at_words_though_stdout_is_a_pipe() -> None:
    with Path(os.devnull).open("w") as nowhere:
        written = on_terminal("bench", "rnu", columns=50, stdout=nowhere.fileno())
    lines = shown_lines(written)
    assert len(lines) > 3
    assert max(map(len, lines)) <= 50
    assert " ".join(lines).startswith("bench: there is no verb 'rnu': did you mean 'run'? choose")
