"""Commands that messages name."""

from __future__ import annotations

import pytest

from bench.core import paths


@pytest.mark.parametrize(
    ("checkout", "suite", "flags", "command"),
    [
        (True, "cpu", "", "make bench"),
        (True, "engines", "--batch 4", "make bench-engines ARGS='--batch 4'"),
        (False, "cpu", "", "bench run"),
        (False, "engines", "--batch 4", "bench run --suite engines --batch 4"),
    ],
)
def test_an_installed_harness_names_its_own_program(
    checkout: bool, suite: str, flags: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "is_checkout", lambda: checkout)
    assert paths.run_command(suite, flags) == command
