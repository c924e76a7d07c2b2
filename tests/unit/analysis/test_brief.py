"""Runs in short: a view of briefs is the view of the whole runs."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from dataclasses import replace

import pytest

from bench.analysis.brief import Brief, Name
from bench.analysis.series import StoredRun, View
from bench.storage.schema.common import Failed, Skipped
from tests.fakes.records import facts, failed, record, skipped, stored, system, view


def test_a_view_of_briefs_is_that_of_the_whole_runs() -> None:
    shortened = 0
    for seed in range(20):
        whole = _runs(random.Random(seed))  # noqa: S311
        brief = _in_short(whole)
        shortened += sum(isinstance(run, Brief) for run in brief)
        assert _shown(view(*brief)) == _shown(view(*whole))
    assert shortened > 100


def test_a_brief_is_the_same_after_it_was_bytes() -> None:
    run = stored(record(), record(batch=4, samples_ms=[[1.0]]), record(batch=8, outcome=failed()))
    brief = Brief.of(run)
    again = Brief.from_bytes(run.run_id, brief.to_bytes())
    assert again == brief
    assert [it[1:] for it in again.earlier()][1] == (1_000_000.0, None, 1, 1)
    assert (len(again.names()), len(list(again.earlier()))) == (4, 2)


@pytest.mark.parametrize("length", [0, 3, 20, 43])
def test_bytes_that_are_cut_off_are_no_brief(length: int) -> None:
    with pytest.raises(struct.error):
        Brief.from_bytes("1", Brief.of(stored(record())).to_bytes()[:length])


def test_a_run_that_lacks_something_is_told_from_a_whole_one() -> None:
    one = record()
    known = Brief.of(stored(one)).names()
    assert Brief.of(stored(one, run_id="2")).names() <= known
    assert not Brief.of(stored(one, status="interrupted")).names() <= known
    assert not Brief.of(stored(one, cells={one.cell_id: one.cell, "b": one.cell})).names() <= known


def _runs(numbers: random.Random) -> list[StoredRun]:
    """Return runs that share cells and differ in what views tell apart, by chance."""
    systems = [system(), system("Another", system_id="b"), system(system_id="c", emulated=True)]
    outcomes: list[Failed | Skipped | None] = [*[None] * 6, failed(), skipped()]
    runs = []
    for index in range(60):
        records = {}
        for _ in range(numbers.randint(1, 2)):
            one = record(
                numbers.choice(["x0_25", "x0_5"]),
                batch=numbers.choice([1, 4]),
                engine=numbers.choice(["paddle 3.1", "paddle 3.2"]),
                outcome=numbers.choice(outcomes),
                model_hash=numbers.choice(["a" * 16] * 5 + ["b" * 16]),
                samples_ms=[[numbers.uniform(1, 2)] for _ in range(numbers.randint(1, 3))],
                sampling={"preset": numbers.choice(["standard"] * 4 + ["sustained"])},
            )
            records[one.cell_id] = one
        known = facts(costs=numbers.choice([None] * 20 + [facts().costs]), model_hash="a" * 16)
        on = numbers.choice(systems)
        run_id = f"20240501T1200{index:02}Z"
        runs.append(stored(*records.values(), on=on, run_id=run_id, models={"x0_25": known}))
    return runs


def _in_short(runs: Sequence[StoredRun]) -> list[StoredRun | Brief]:
    known: set[Name] = set()
    result: list[StoredRun | Brief] = []
    for run in reversed(runs):
        brief = Brief.of(run)
        result.insert(0, brief if brief.names() <= known else run)
        known |= brief.names()
    return result


def _shown(one: View) -> View:
    return replace(one, manifests={})
