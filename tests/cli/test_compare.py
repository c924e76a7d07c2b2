"""`bench compare`: from what is named to verdicts and an exit status."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.cli.main import main
from bench.storage.schema.latency import Record
from bench.storage.schema.layers import EngineLayers, Layer
from bench.storage.store import Store
from tests.cli.process import call, contents
from tests.fakes.records import manifest, provenance, put, record, stored, system

BASE, HEAD = "20240501T120000Z-0badc0de-00000001", "20240502T120000Z-0badc0de-00000002"
SAME = ((2.0,), (2.001,), (1.999,), (2.0,), (2.0,))
SLOWER = ((2.4,), (2.401,), (2.399,), (2.4,), (2.4,))
Compare = Callable[..., tuple[int, str]]


def locked(*records: Record, governor: str = "performance") -> list[Record]:
    before = {"governor": governor}
    return [
        one.model_copy(
            update={"sessions": [s.model_copy(update={"before": before}) for s in one.sessions]}
        )
        for one in records
    ]


def cells(
    *latencies: Sequence[Sequence[float]], governor: str = "performance", **more: Any
) -> list[Record]:
    names = ("mine", "other", "third")
    found = [
        record(name, samples_ms=samples, **more)
        for name, samples in zip(names, latencies, strict=False)
    ]
    return locked(*found, governor=governor)


def selftest(
    results: Path, spread: float, run_id: str = "20240401T120000Z-0badc0de-0000000a"
) -> None:
    """A self-test whose session medians spread by about that share."""
    medians = [[2.0 * (1 + spread * (-1) ** i)] for i in range(12)]
    arms = [record(name, samples_ms=medians) for name in ("base", "again", "slower")]
    put(stored(*arms, suite="selftest", run_id=run_id), results)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two runs of two cells, of which the newer has a slower one, and a self-test that bears it."""
    folder = tmp_path / "results"
    selftest(folder, 0.005)
    put(stored(*cells(SAME, SAME), run_id=BASE), folder)
    put(stored(*cells(SLOWER, SAME), run_id=HEAD), folder)
    return folder


@pytest.fixture
def compare(results: Path, capsys: pytest.CaptureFixture[str]) -> Compare:
    def called(*argv: str) -> tuple[int, str]:
        status = main(["compare", *argv, "--results", str(results)])
        said = capsys.readouterr()
        return status, said.out or said.err

    return called


def verdicts(text: str) -> list[str]:
    return [one["verdict"] for one in json.loads(text)["cells"]]


def test_a_slower_cell_is_a_regression_with_status_one(compare: Compare) -> None:
    status, text = compare(BASE, HEAD, "--json")
    assert (status, verdicts(text)) == (1, ["SLOWER", "SAME"])
    value = json.loads(text)
    assert (value["exit_status"], value["advice"], value["doubts"]) == (1, False, [])


def test_the_other_way_round_it_is_faster_with_status_zero(compare: Compare) -> None:
    status, text = compare(HEAD, BASE, "--json")
    assert (status, verdicts(text)) == (0, ["FASTER", "SAME"])


def test_a_run_may_be_named_by_latest_by_its_folder_and_by_its_manifest(
    compare: Compare, results: Path
) -> None:
    folder = results / "runs/amd-epyc-2c-0123abcd"
    named = compare(BASE, "latest", "--json")[1]
    assert verdicts(named) == ["SLOWER", "SAME"]
    for one in (folder / HEAD, folder / HEAD / "run.json"):
        assert verdicts(compare(str(folder / BASE), str(one), "--json")[1]) == ["SLOWER", "SAME"]


def test_a_self_test_is_never_the_latest(compare: Compare, results: Path) -> None:
    selftest(results, 0.005, "20250101T120000Z-0badc0de-0000000b")
    assert json.loads(compare(BASE, "latest", "--json")[1])["head"] == HEAD
    assert verdicts(compare(BASE, "latest", "--json")[1]) == ["SLOWER", "SAME"]


def test_a_folder_may_lie_in_results_of_another_machine(compare: Compare, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    there = put(stored(*cells(SAME, SAME), on=system(system_id="far-box"), run_id=BASE), other)
    status, text = compare(str(there), HEAD, "--json")
    assert (status, verdicts(text)) == (3, ["INCOMPARABLE", "INCOMPARABLE"])
    assert "far-box in BASE" in json.loads(text)["cells"][0]["reason"]


def test_a_cell_that_vanished_is_missing_and_no_pass(compare: Compare, results: Path) -> None:
    put(stored(*cells(SAME), run_id="20240503T120000Z-0badc0de-00000003"), results)
    status, text = compare(BASE, "latest", "--json")
    assert (status, verdicts(text)) == (3, ["SAME", "MISSING"])


def test_clocks_that_are_not_locked_make_it_advice(compare: Compare, results: Path) -> None:
    loose = cells(SLOWER, SAME, governor="schedutil")
    put(stored(*loose, run_id="20240503T120000Z-0badc0de-00000003"), results)
    status, text = compare(BASE, "latest")
    assert status == 3
    assert "SLOWER" in text
    assert "advice only: the clocks aren't seen to be locked" in text


def test_a_selftest_that_tells_less_makes_it_advice(compare: Compare, results: Path) -> None:
    selftest(results, 0.05, "20240402T120000Z-0badc0de-0000000b")
    status, text = compare(BASE, HEAD)
    assert status == 3
    assert "advice only: the newest self-test tells slowdowns from" in text


def test_the_newest_selftest_counts(compare: Compare, results: Path) -> None:
    selftest(results, 0.05, "20240301T120000Z-0badc0de-0000000b")
    assert compare(BASE, HEAD)[0] == 1


def test_no_selftest_makes_it_advice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(stored(*cells(SAME), run_id=BASE), tmp_path)
    put(stored(*cells(SLOWER), run_id=HEAD), tmp_path)
    assert main(["compare", BASE, HEAD, "--results", str(tmp_path)]) == 3
    assert "advice only: no self-test" in capsys.readouterr().out


def test_a_run_that_isnt_compared_may_be_broken(compare: Compare, results: Path) -> None:
    folder = put(stored(*cells(SAME), run_id="20250601T120000Z-0badc0de-00000004"), results)
    (folder / "run.json").write_text("{")
    assert compare(BASE, HEAD)[0] == 1


def test_a_suite_that_is_gone_is_told_with_the_effect_that_counts_instead(
    compare: Compare, results: Path
) -> None:
    put(
        stored(*cells(SAME, SAME), run_id="20240503T120000Z-0badc0de-00000003", suite="own"),
        results,
    )
    status, text = compare(BASE, "latest")
    assert status == 0
    assert "note: there is no suite own here, so the minimum effect is 3%" in text


@pytest.mark.parametrize(
    ("name", "sign"),
    [
        ("table", "BASE "), ("markdown", "**1 slower"), ("json", "{"), ("junit", "<?xml"),
        ("github", "::error "),
    ],
)  # fmt: skip
def test_each_format_is_printed_and_the_status_stays(
    compare: Compare, name: str, sign: str
) -> None:
    status, text = compare(BASE, HEAD, "--format", name)
    assert status == 1
    assert text.startswith(sign)


def test_the_step_summary_is_added_to(
    compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    compare(BASE, HEAD, "--format", "table")
    assert summary.read_text() == "before\n"
    compare(BASE, HEAD, "--format", "github")
    assert summary.read_text().startswith("before\n## Regression check\n")
    assert "| mine paddle batch 1, 1 thread onednn=on | SLOWER |" in summary.read_text()


def test_nothing_in_results_is_touched(compare: Compare, results: Path) -> None:
    before = contents(results)
    compare(BASE, HEAD)
    assert contents(results) == before


@pytest.mark.parametrize(
    ("argv", "fault"),
    [
        ([], "compare takes BASE and HEAD, and 0 are given"),
        ([BASE], "and 1 are given"),
        ([BASE, HEAD, HEAD], "and 3 are given"),
        (["nothing", HEAD], "there is no run or baseline 'nothing'"),
        ([BASE, HEAD, "--format", "xml"], "there is no --format 'xml'"),
    ],
)
def test_a_slip_is_one_sentence_with_status_two(
    compare: Compare, argv: list[str], fault: str
) -> None:
    status, text = compare(*argv)
    assert status == 2
    assert fault in text
    assert text.count("\n") == 1


def test_a_folder_whose_record_is_cut_off_is_refused(compare: Compare, results: Path) -> None:
    path = next((results / "runs/amd-epyc-2c-0123abcd" / HEAD / "cells").glob("*.json"))
    path.write_bytes(path.read_bytes()[:-20])
    status, text = compare(BASE, HEAD)
    assert status == 2
    assert path.name in text


def test_as_a_program_the_status_is_the_comparisons(results: Path) -> None:
    done = call("compare", BASE, HEAD, "--results", results, "--format", "json")
    assert (done.returncode, done.stderr) == (1, "")
    assert verdicts(done.stdout) == ["SLOWER", "SAME"]


def test_runs_are_read_by_what_they_hold_whatever_else_changed(
    compare: Compare, results: Path
) -> None:
    one = stored(
        *cells(SAME, SAME, engine="paddle 3.3.0"),
        run_id="20240503T120000Z-0badc0de-00000003",
        provenance=provenance(commit="feed" * 10),
    )
    put(one, results)
    status, text = compare(BASE, "latest")
    assert status == 0
    assert "note: between the runs: engine paddle 3.2.0 -> paddle 3.3.0" in text
    assert Store(results).run("latest").manifest() == manifest(
        *one.records, run_id=one.manifest.run_id, provenance=one.manifest.provenance
    )


def test_the_layers_of_stored_engines_explain_a_slower_cell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    selftest(tmp_path, 0.005)
    for run_id, samples, kernel in ((BASE, SAME, "winograd"), (HEAD, SLOWER, "direct")):
        layer = Layer(name="conv", type="", kernel=kernel, tactic="0x1", precision="fp32")
        layers = EngineLayers(layers=[layer])
        [one] = cells(samples)
        ran = [it.model_copy(update={"layers": layers.digest}) for it in one.sessions]
        put(stored(one.model_copy(update={"sessions": ran}), run_id=run_id), tmp_path)
        Store(tmp_path).run(run_id).keep_layers(layers)
    assert main(["compare", BASE, HEAD, "--results", str(tmp_path)]) == 1
    assert "conv: winograd (0x1, fp32) -> direct (0x1, fp32)" in capsys.readouterr().out
    main(["compare", BASE, HEAD, "--results", str(tmp_path), "--format", "json"])
    [cell] = json.loads(capsys.readouterr().out)["cells"]
    assert cell["layers"]["changed"] == [
        {"layer": "conv", "base": ["winograd (0x1, fp32)"], "head": ["direct (0x1, fp32)"]}
    ]
