"""Whose figures answer where no system is named."""

from __future__ import annotations

import pytest

from bench.analysis.series import StoredRun
from bench.cli import systems
from bench.core.paths import PROJECT
from bench.storage.store import Store
from tests.fakes.values import manifest
from tests.unit.targets.test_known_as import HOST


def test_a_machine_that_results_know_under_an_earlier_id_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (committed,) = Store(PROJECT / "results").systems()
    run = StoredRun(manifest=manifest(), system=committed, records=())
    monkeypatch.setattr(systems, "read_host", lambda: HOST)
    assert systems.answering([run], None) == [committed]
    assert systems.elsewhere([run]) == ""
