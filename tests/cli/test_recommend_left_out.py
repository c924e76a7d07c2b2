"""`bench recommend`: the figures that can't compete, and what would bring others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.cli.main import main
from tests.cli.test_recommend import of
from tests.fakes.records import contended, provenance, put, record, stored


def test_contended_figures_are_shown_and_not_ranked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    busy = [
        contended(of("mnn", "x0_25", 1.0), 0.6),
        contended(of("onnxruntime", "x0_25", 2.0), 0.7),
    ]
    put(stored(*busy), tmp_path / "results")
    where = (
        "recommend", "--results", str(tmp_path / "results"), "--system", "amd-epyc-2c-0123abcd",
    )  # fmt: skip
    assert main(where) == 1
    first, *lines = capsys.readouterr().out.splitlines()[1:4]
    assert first.startswith("  not ranked, contended by other processes: repeat with --wait-quiet")
    assert [it.partition(": ")[0] for it in lines] == [
        "    x0_25 on MNN, 1 thread", "    x0_25 on ONNX Runtime, 1 thread",
    ]  # fmt: skip
    assert "1.0005 ± 0.0064 ms (grade D)" in lines[0]
    assert main((*where, "--json")) == 1
    (system,) = json.loads(capsys.readouterr().out)["systems"]
    assert [(it["runner"], it["grade"]) for it in system["contended"]] == [
        ("mnn", "D"), ("onnxruntime", "D"),
    ]  # fmt: skip
    put(stored(of("ncnn", "x0_25", 3.0), run_id="20240901T120000Z-a-1"), tmp_path / "results")
    assert main(where) == 0
    text = capsys.readouterr().out.splitlines()
    assert text[2].startswith("  x0_25 on ncnn, 1 thread: 3.0")
    assert lines == text[4:6]


def test_a_reason_is_said_once_for_all_that_share_it_but_for_its_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drifts = [
        record(
            runner=runner, settings={},
            samples_ms=[[*[value] * 200, *[by * value] * 100]] * 2,
        )
        for runner, value, by in (("mnn", 1.0, 1.143), ("openvino", 2.0, 1.62))
    ]  # fmt: skip
    put(stored(*drifts, of("ncnn", "x0_25", 1.0)), tmp_path / "results")
    main(["recommend", "--results", str(tmp_path / "results"), "--system", "amd-epyc-2c-0123abcd"])
    (line,) = [it for it in capsys.readouterr().out.splitlines() if "left out" in it]
    assert line.startswith("  left out, a session's last third is 14.3–62.0% slower than its first")
    assert line.endswith("): x0_25 on MNN, 1 thread; x0_25 on OpenVINO, 1 thread")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["my net.onnx", "--batch", "1"], "run 'my net.onnx' --batch 1 --results"),
        (["--suite", "engines", "--models", "mine"], "run --suite engines --models mine --results"),
        (["--suite", "cpu"], "make bench-engines ARGS='--batch 8'"),
        (["--no-such-flag"], "make bench-engines ARGS='--batch 8'"),
    ],
)
def test_what_is_missing_is_measured_as_the_stored_run_of_own_nets_was(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["python", "-m", "bench", "run", *words]
    run = stored(of("mnn", "mine", 1.0), provenance=provenance(command=command))
    put(run, tmp_path / "results")
    where = ("--results", str(tmp_path / "results"), "--system", "amd-epyc-2c-0123abcd")
    assert main(["recommend", *where, "--batch", "8"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "--batch 8" in error
