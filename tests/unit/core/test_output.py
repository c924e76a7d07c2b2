from __future__ import annotations

import io
import re

import pytest

from bench.core.output import columns, say, show_lines
from bench.core.paths import PROJECT
from tests.fakes.hostile import ATTACKS
from tests.fakes.reading import commands, hidden

# Their processes' own output is a log or a protocol; bootstrap.py runs without the harness.
CHILDREN = ("worker", "runners", "converters", "environments")
ELSEWHERE = {"core/output.py", "cli/bootstrap.py"}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_line_is_one_line_that_steers_nothing(
    attack: str, capsys: pytest.CaptureFixture[str]
) -> None:
    say(ATTACKS[attack])
    show_lines([ATTACKS[attack]])
    for text in capsys.readouterr():
        assert text.count("\n") == 1
        assert not hidden(text)
        assert not commands(text)


def test_nothing_else_writes_to_the_terminal() -> None:
    writers = {
        name
        for path in (PROJECT / "bench").rglob("*.py")
        if (name := str(path.relative_to(PROJECT / "bench"))).split("/")[0] not in CHILDREN
        and re.search(r"\bsys\.std(out|err)\.write|(?<![.\w])print\(", path.read_text())
    }
    assert writers - ELSEWHERE == {"experiments/ab/revisions.py"}  # a child's code, as text


@pytest.mark.parametrize(("said", "width"), [("80", 80), ("", None), ("wide", None), ("0", None)])
def test_columns_says_how_wide_a_pipe_is_too(
    said: str, width: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", said)
    assert columns(io.StringIO()) == width
