"""Which interpreter a child runs in, where its engine's own is too old for a worker."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.artifacts.formats import ARTIFACT_FORMATS
from bench.core.errors import Unavailable
from bench.core.protocol import ENGINE_PYTHON
from bench.environments.interpreters import Entry, worker_of
from bench.runners import RUNNERS
from tests.fakes.workshop import NB, SMALL, Bench, Interpreters


def test_a_worker_runs_in_its_engines_interpreter_and_is_told_of_no_other() -> None:
    python, told = worker_of(replace(NB, child_env={"FLAG": "1"}), Interpreters(), threads=2)
    assert python == Path("/converting/python")
    assert told == {"OMP_NUM_THREADS": "2", "FLAG": "1"}


def test_a_worker_of_an_engine_elsewhere_is_told_that_engines_interpreter() -> None:
    python, told = worker_of(replace(NB, worker_env="exporting"), Interpreters())
    assert python == Path("/exporting/python")
    assert told == {"OMP_NUM_THREADS": "1", ENGINE_PYTHON: "/converting/python"}


@pytest.mark.parametrize("missing", ["converting", "exporting"])
def test_either_interpreter_that_can_not_be_had_is_unavailable(missing: str) -> None:
    with pytest.raises(Unavailable, match=f"there is no {missing}"):
        worker_of(replace(NB, worker_env="exporting"), Interpreters(**{missing: None}))


def test_a_converter_is_run_by_the_worker_and_told_of_its_tools_interpreter(bench: Bench) -> None:
    bench.formats["nb"] = replace(NB, worker_env="exporting")
    bench.artifact(SMALL, "nb")
    options = bench.children.options[-1]
    assert options["python"] == Path("/exporting/python")
    assert options["env"][ENGINE_PYTHON] == "/converting/python"
    assert ENGINE_PYTHON not in bench.children.options[0]["env"]


def test_packages_of_the_tools_interpreter_make_another_artifact_and_the_workers_do_not(
    bench: Bench,
) -> None:
    bench.formats["nb"] = replace(NB, worker_env="working")
    folders = []
    for digests in (
        {"working": "w1"}, {"working": "w2"}, {"working": "w1", "converting": "others"},
    ):  # fmt: skip
        bench.environments = Interpreters(**digests)
        folders.append(bench.artifact(SMALL, "nb").folder)
    assert folders[0] == folders[1] != folders[2]


def test_only_engines_whose_python_is_too_old_have_another_worker() -> None:
    entries: dict[str, Entry] = {**RUNNERS, **ARTIFACT_FORMATS}
    elsewhere = {name: entry for name, entry in entries.items() if entry.worker_env is not None}
    assert set(elsewhere) == {"paddle-lite-x86", "paddle-lite-nb-x86"}
    assert {(it.env, it.worker_env) for it in elsewhere.values()} == {("lite-x86", "harness")}
