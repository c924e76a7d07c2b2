"""A verb on the fake models, called in this process, and what it prints."""

from __future__ import annotations

import pytest

from bench.cli.main import main
from tests.fakes import tables as fakes


def printed(capsys: pytest.CaptureFixture[str], *argv: str, status: int = 0) -> str:
    assert main(argv, fakes.tables()) == status
    out, err = capsys.readouterr()
    assert err == ""
    return out
