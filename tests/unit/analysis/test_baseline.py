"""Which run may be a baseline, what is kept of it, and what the store makes of its file."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bench.analysis.baseline import check_acceptable, commit_of, make_baseline
from bench.core.errors import BrokenResult, InputError, UnknownName
from bench.launcher.git import git_file
from bench.storage.schema.baseline import Baseline
from bench.storage.schema.latency import Record, RunManifest
from bench.storage.store import Store
from tests.fakes.records import facts, failed, manifest, provenance, record, skipped, system

STEADY = [[2.0], [2.001], [1.999], [2.0], [2.0]]
GOOD = record(samples_ms=STEADY)
ACCEPTED = "2024-06-01T00:00:00+00:00"


def refusal(*records: Record, emulated: bool = False, **fields: Any) -> str:
    with pytest.raises(InputError) as caught:
        check_acceptable(manifest(*records, **fields), system(emulated=emulated), records)
    return caught.value.problem


def baseline(**fields: Any) -> Baseline:
    return make_baseline(manifest(GOOD, **fields), accepted=ACCEPTED, locks={"harness": "ab" * 32})


def test_a_good_run_may_be_a_baseline() -> None:
    check_acceptable(manifest(GOOD), system(), [GOOD])


def test_an_emulated_system_gives_none() -> None:
    assert "amd-epyc-2c-0123abcd is emulated" in refusal(GOOD, emulated=True)


@pytest.mark.parametrize("status", ["running", "interrupted"])
def test_a_run_that_is_not_complete_is_none(status: str) -> None:
    assert f"it is {status}" in refusal(GOOD, status=status)


@pytest.mark.parametrize("outcome", [failed(), skipped()])
def test_a_run_in_which_a_cell_has_no_figure_is_none_and_the_cell_is_named(outcome: Any) -> None:
    bad = record("x1_0", outcome=outcome)
    said = refusal(GOOD, bad)
    assert f"no figure: {bad.cell_id}" in said
    assert GOOD.cell_id not in said


def test_a_cell_that_the_plan_has_and_no_file_is_named() -> None:
    other = record("x1_0")
    said = refusal(GOOD, cells={one.cell_id: one.cell for one in (GOOD, other)})
    assert f"no figure: {other.cell_id}" in said


def test_a_run_of_nothing_is_none() -> None:
    assert "it has no cell" in refusal()


@pytest.mark.parametrize(
    ("origin", "fault"),
    [
        ({"dirty": True}, "its tree had changes that are in no commit"),
        ({"dirty": None}, "its tree had changes that are in no commit"),
        ({"commit": None, "dirty": None}, "its commit is not known"),
    ],
)
def test_a_run_that_no_commit_can_repeat_is_none(origin: dict[str, Any], fault: str) -> None:
    assert fault in refusal(GOOD, provenance=provenance(**origin))


def test_a_cell_of_grade_d_is_named() -> None:
    weak = record("x1_0", samples_ms=[[2.0]])
    said = refusal(GOOD, weak)
    assert f"grade D: {weak.cell_id}" in said
    assert GOOD.cell_id not in said


def test_every_fault_is_told_at_once() -> None:
    weak = record("x1_0", samples_ms=[[2.0]])
    said = refusal(GOOD, weak, emulated=True, status="interrupted")
    assert [part in said for part in ("emulated", "interrupted", "grade D")] == [True] * 3


def test_the_recipe_says_how_to_measure_it_again() -> None:
    artifacts = {"paddle-pir b1": {"model.json": "c" * 64}}
    known = facts("a net", weights_sha256="d" * 64, artifacts=artifacts)
    found = baseline(models={"x0_25": known})
    assert found.cells == {GOOD.cell_id: manifest(GOOD).run_id}
    assert (found.suite, found.preset, found.accepted) == ("cpu", "standard", ACCEPTED)
    recipe = found.recipe
    assert recipe.commit == "0badc0de" * 5
    assert recipe.locks == {"harness": "ab" * 32}
    assert recipe.environments == {"paddle": {"paddlepaddle": "3.2.0"}}
    assert recipe.harness == {"numpy": "2.2"}
    assert recipe.command == ["python", "-m", "bench", "run"]
    net = recipe.models["x0_25"]
    assert (net.model_hash, net.weights_sha256) == ("0123456789abcdef", "d" * 64)
    assert net.artifacts == artifacts


def test_a_run_without_a_commit_has_no_recipe() -> None:
    nameless: RunManifest = manifest(GOOD, provenance=provenance(commit=None))
    with pytest.raises(InputError, match="has no commit"):
        commit_of(nameless)


def test_the_store_gives_back_what_it_was_given(tmp_path: Path) -> None:
    store = Store(tmp_path / "results")
    assert store.baselines() == []
    path = store.write_baseline(baseline())
    assert path == tmp_path / "results/baselines/amd-epyc-2c-0123abcd.json"
    assert store.baselines() == ["amd-epyc-2c-0123abcd"]
    assert store.baseline("amd-epyc-2c-0123abcd") == baseline()


def test_an_unknown_system_has_no_baseline_and_the_known_ones_are_named(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write_baseline(baseline())
    with pytest.raises(UnknownName, match="amd-epyc-2c-0123abcd"):
        store.baseline("another")


def test_a_file_of_cells_of_several_runs_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path = store.write_baseline(baseline())
    value = json.loads(path.read_text())
    value.pop("digest", None)
    value["cells"]["another-cell"] = "another run"
    path.write_text(json.dumps(value))
    with pytest.raises(BrokenResult, match="of several runs"):
        store.baseline("amd-epyc-2c-0123abcd")


def test_a_lock_file_is_read_as_the_commit_has_it(tmp_path: Path) -> None:
    def git(*argv: str) -> str:
        told = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        done = subprocess.run(
            ["git", "-C", str(tmp_path), *told, *argv], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    git("init", "--quiet")
    lock = tmp_path / "lock.txt"
    lock.write_text("numpy==1\n")
    git("add", "lock.txt")
    git("commit", "--quiet", "-m", "a lock")
    commit = git("rev-parse", "HEAD")
    lock.write_text("numpy==2\n")
    assert git_file(tmp_path, commit, "lock.txt") == b"numpy==1\n"
    assert git_file(tmp_path, commit, "other.txt") is None
    assert git_file(tmp_path, "0badc0de" * 5, "lock.txt") is None
