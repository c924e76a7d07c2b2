"""Flags whose number has a most: what is beyond it is refused before anything starts."""

from __future__ import annotations

import pytest

from bench.cli.main import main
from tests.fakes import tables as fakes


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (["fleet", "start", "--port", "99999"], "--port 99999: not a whole number from 0 to 65535"),
        (["serve", "x", "--port", "65536"], "--port 65536: not a whole number from 0 to 65535"),
        (
            ["load", "http://127.0.0.1:1", "--connections", "1025"],
            "--connections 1025: not a whole number from 1 to 1024: as in --connections 1",
        ),
    ],
)
def test_a_number_beyond_its_most_is_refused(
    argv: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv, fakes.tables()) == 2
    assert problem in capsys.readouterr().err
