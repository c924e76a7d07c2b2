"""`bench baseline set|show|check`."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli.commands import baseline as verb
from bench.cli.main import main
from bench.storage.store import Store
from bench.targets.cpu import CpuTarget
from tests.cli.process import contents
from tests.cli.test_compare import BASE, HEAD, SAME, SLOWER, cells, selftest
from tests.fakes.records import put, record, stored, system

BOX = "amd-epyc-2c-0123abcd"
LOCKS = {"bench/envs/harness.txt": b"numpy==1\n", "bench/envs/paddle.txt": b"paddle==1\n"}
Baseline = Callable[..., tuple[int, str]]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    selftest(folder, 0.005)
    put(stored(*cells(SAME, SAME), run_id=BASE), folder)
    return folder


@pytest.fixture
def baseline(
    results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Baseline:
    """The verb on a machine that is the one of the runs, in a clone that has their commit."""
    monkeypatch.setattr(verb, "git_file", lambda folder, commit, path: LOCKS.get(path))
    monkeypatch.setattr(CpuTarget, "__init__", as_the_box)

    def called(*argv: str) -> tuple[int, str]:
        status = main(["baseline", *argv, "--results", str(results)])
        said = capsys.readouterr()
        return status, said.out or said.err

    return called


def as_the_box(target: CpuTarget, _: object) -> None:
    del _
    target.system = system()


def test_a_run_that_is_set_is_kept_with_its_recipe(baseline: Baseline, results: Path) -> None:
    status, text = baseline("set", "latest")
    path = results / f"baselines/{BOX}.json"
    assert status == 0
    assert f"wrote {path}\n" in text
    assert "git add -f" in text
    value = json.loads(path.read_text())
    value.pop("digest", None)
    assert set(value["cells"].values()) == {BASE}
    assert value["recipe"]["locks"] == {
        name: hashlib.sha256(LOCKS[f"bench/envs/{name}.txt"]).hexdigest()
        for name in ("harness", "paddle")
    }
    assert value["recipe"]["commit"] == "0badc0de" * 5


def test_what_is_set_is_shown(baseline: Baseline) -> None:
    assert baseline("show") == (0, "there is no baseline yet\n")
    baseline("set", BASE)
    status, text = baseline("show")
    assert status == 0
    assert text.startswith(f"{BOX}\n  run       {BASE}, accepted ")
    assert "2 cells" in text
    assert json.loads(baseline("show", BOX, "--json")[1])[0]["system_id"] == BOX


def test_a_run_that_is_no_baseline_is_refused_and_nothing_is_written(
    baseline: Baseline, results: Path
) -> None:
    weak = record("mine", samples_ms=[[2.0]])
    put(stored(weak, run_id=HEAD), results)
    before = contents(results)
    status, text = baseline("set", HEAD)
    assert status == 2
    assert f"run {HEAD} can't be a baseline: grade D: {weak.cell_id}" in text
    assert contents(results) == before


def test_an_emulated_run_is_refused(baseline: Baseline, results: Path) -> None:
    emulated = system(system_id="emulator-1", emulated=True)
    put(stored(*cells(SAME), on=emulated, run_id=HEAD), results)
    status, text = baseline("set", "latest")
    assert status == 2
    assert "emulator-1 is emulated" in text


def test_a_commit_that_this_clone_lacks_is_refused(
    baseline: Baseline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verb, "git_file", lambda folder, commit, path: None)
    status, text = baseline("set", BASE)
    assert status == 2
    assert "commit 0badc0de" in text
    assert "isn't in this clone" in text


def test_a_self_test_is_no_baseline(baseline: Baseline) -> None:
    status, text = baseline("set", "20240401T120000Z-0badc0de-0000000a")
    assert status == 2
    assert f"choose from {BASE}" in text


def test_the_newest_run_is_checked_against_it(baseline: Baseline, results: Path) -> None:
    baseline("set", BASE)
    put(stored(*cells(SAME, SLOWER), run_id=HEAD), results)
    quick = {"preset": "quick"}
    other = cells(SAME, sampling=quick)
    newer = "20240503T120000Z-0badc0de-00000003"
    sampling = other[0].sampling
    put(stored(*other, run_id=newer, sampling=sampling), results)
    status, text = baseline("check", "--json")
    value = json.loads(text)
    value.pop("digest", None)
    assert status == 1
    assert (value["base"], value["head"]) == (f"baseline {BOX}", HEAD)
    assert [one["verdict"] for one in value["cells"]] == ["SAME", "SLOWER"]


def test_a_baseline_is_a_side_of_a_comparison_by_its_system(
    baseline: Baseline, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    baseline("set", BASE)
    put(stored(*cells(SLOWER, SAME), run_id=HEAD), results)
    assert main(["compare", BOX, "latest", "--results", str(results), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["base"] == f"baseline {BOX}"


def test_without_a_newer_run_there_is_nothing_to_check(baseline: Baseline, results: Path) -> None:
    baseline("set", BASE)
    status, text = baseline("check")
    assert status == 2
    assert f"{BOX} has no run beside its baseline {BASE}" in text
    path = results / f"baselines/{BOX}.json"
    value = json.loads(path.read_text())
    value.pop("digest", None)
    value["recipe"]["command"] += ["--runner", "onnxruntime", "--models", "my nets"]
    path.write_text(json.dumps(value))
    typed = "`python -m bench run --runner onnxruntime --models 'my nets'`"
    assert f"measure one as then: {typed}" in baseline("check")[1]


def test_a_system_without_a_baseline_is_told(baseline: Baseline) -> None:
    status, text = baseline("check")
    assert status == 2
    assert "there is no baseline yet: set one: `python -m bench baseline set RUN`" in text


def test_a_cell_that_was_taken_out_of_the_baseline_is_not_checked(
    baseline: Baseline, results: Path
) -> None:
    baseline("set", BASE)
    path = results / f"baselines/{BOX}.json"
    value = json.loads(path.read_text())
    value.pop("digest", None)
    value["cells"] = {i: run for i, run in value["cells"].items() if i.startswith("other")}
    path.write_text(json.dumps(value))
    put(stored(*cells(SLOWER, SAME), run_id=HEAD), results)
    status, text = baseline("check", "--json")
    assert (status, [one["verdict"] for one in json.loads(text)["cells"]]) == (0, ["SAME"])


def test_a_baseline_whose_run_is_gone_is_told(baseline: Baseline, results: Path) -> None:
    baseline("set", BASE)
    shutil.rmtree(Store(results).run(BASE).path)
    put(stored(*cells(SAME, SAME), run_id=HEAD), results)
    status, text = baseline("check")
    assert status == 2
    assert f"is run {BASE}, which isn't in" in text


def test_a_baseline_whose_record_is_gone_is_told(baseline: Baseline, results: Path) -> None:
    baseline("set", BASE)
    put(stored(*cells(SAME, SAME), run_id=HEAD), results)
    lost = next((Store(results).run(BASE).path / "cells").glob("other-*.json"))
    lost.unlink()
    status, text = baseline("check")
    assert status == 2
    assert f"has no record of {lost.stem}" in text


@pytest.mark.parametrize(
    ("argv", "fault"),
    [
        ([], "baseline takes a word"),
        (["put"], "baseline has no word 'put'"),
        (["set"], "set takes one run, and 0 are given"),
        (["set", "a", "b"], "set takes one run, and 2 are given"),
        (["set", "a"], "there is no run 'a'"),
        (["check", "a", "b"], "check takes one system, and 2 are given"),
        (["show", "a"], "there is no baseline yet: set one"),
        (["check", "--format", "xml"], "there is no --format 'xml'"),
    ],
)
def test_a_slip_is_one_sentence_with_status_two(
    baseline: Baseline, argv: list[str], fault: str
) -> None:
    status, text = baseline(*argv)
    assert status == 2
    assert fault in text
    assert text.count("\n") == 1
