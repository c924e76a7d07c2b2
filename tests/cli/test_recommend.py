"""`bench recommend`: what it says, and the status that it leaves with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.cli.main import main
from bench.cli.systems import is_of
from bench.devices.host.facts import read_host
from bench.storage.schema.common import System
from bench.storage.schema.latency import ModelFacts
from bench.targets.cpu import make_system
from tests.fakes.accuracy_runs import put_accuracy
from tests.fakes.records import facts, put, record, stored, system

Recommend = Callable[..., tuple[int, str, str]]


def of(runner: str, variant: str, value_ms: float, **fields: Any) -> Any:
    return record(
        variant, runner=runner, settings={}, samples_ms=[[value_ms], [1.001 * value_ms]], **fields
    )


@pytest.fixture
def results(tmp_path: Path) -> Path:
    run = stored(
        of("onnxruntime", "x0_25", 1.0),
        of("onnxruntime", "x0_5", 1.4),
        of("mnn", "x0_5", 1.399),
        of("mnn", "x1_0", 4.0),
        of("mnn", "x1_0", 30.0, batch=8),
        models={
            "x0_5": facts("ShuffleNetV2_x0_5", costs=None),
            "x1_0": facts("ShuffleNetV2", costs=None),
        },
    )
    put(run, tmp_path / "results")
    return tmp_path / "results"


@pytest.fixture
def recommend(results: Path, capsys: pytest.CaptureFixture[str]) -> Recommend:
    def called(*argv: str) -> tuple[int, str, str]:
        where = ("--results", str(results), "--system", "amd-epyc-2c-0123abcd")
        status = main(["recommend", *where, *argv])
        said = capsys.readouterr()
        return status, said.out, said.err

    return called


def test_the_most_accurate_in_time_is_named_with_the_engine_that_can_not_be_told_apart(
    recommend: Recommend,
) -> None:
    status, text, _ = recommend("--max-ms", "2")
    first, second, third = text.splitlines()[:3]
    assert status == 0
    assert first == "AMD EPYC, 2 cores"
    assert second.startswith("  x0_5 on MNN, 1 thread: 1.399")
    assert second.endswith("published top-1 60.32%")
    assert third.startswith("  x0_5 on ONNX Runtime, 1 thread can't be told apart: 1.4")
    assert "published figure" in text.splitlines()[-1]


def test_the_fastest_from_an_accuracy_on_is_named(recommend: Recommend) -> None:
    status, text, _ = recommend("--min-top1", "65")
    assert (status, text.count("\n")) == (0, 3)
    assert "x1_0 on MNN, 1 thread: 4.002 ± 0.025 ms" in text


def test_where_nothing_fits_the_nearest_is_named_with_status_1(recommend: Recommend) -> None:
    status, text, _ = recommend("--max-ms", "0.5")
    assert status == 1
    assert "nothing fits; the nearest is x0_25 on ONNX Runtime, 1 thread: 1.0005" in text


def test_a_net_across_the_limit_is_said_to_be_open(recommend: Recommend) -> None:
    status, text, _ = recommend("--max-ms", "4.01")
    assert status == 0
    assert "it can't be told whether x1_0 on MNN, 1 thread fits" in text
    assert "lies across 4.01 ms" in text


def test_json_has_every_value(recommend: Recommend) -> None:
    status, text, _ = recommend("--max-ms", "2", "--runner", "mnn", "--json")
    value = json.loads(text)
    (system,) = value["systems"]
    assert status == 0
    assert value["asked"] == {
        "max_ms": 2.0, "min_top1": None, "batch": 1, "threads": None, "runners": ["mnn"],
    }  # fmt: skip
    assert (system["best"]["variant"], system["best"]["runner"]) == ("x0_5", "mnn")
    assert (system["ties"], system["open"], system["nearest"]) == ([], [], None)
    assert "published" in value["note"]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--max-ms", "fast"), "--max-ms fast: not a number of ms above 0"),
        (("--max-ms", "0"), "--max-ms 0: not a number of ms above 0"),
        (("--max-ms", "inf"), "--max-ms inf: not a number"),
        (("--max-ms", "nan"), "--max-ms nan: not a number"),
        (("--min-top1", "101"), "--min-top1 101: not a percentage from 1 to 100"),
        (
            ("--min-top1", "0.6"),
            "--min-top1 0.6: not a percentage from 1 to 100: as in --min-top1 60",
        ),
        (("--max-ms", "2", "--batch", "1,8"), "--batch takes one value here, and 2 are given"),
        (("--max-ms", "2", "--runner", "mmn"), "there is no runner 'mmn': did you mean 'mnn'?"),
        (("--max-ms", "2", "--batch", "4"), "measure first: `make bench-engines ARGS='--batch 4'`"),
        (
            ("--max-ms", "2", "--runner", "ncnn"),
            "no stored figure of amd-epyc-2c-0123abcd can answer for batch 1, runner ncnn",
        ),
    ],
)
def test_what_can_not_be_answered_is_one_sentence_with_status_2(
    argv: tuple[str, ...], said: str, recommend: Recommend
) -> None:
    status, text, error = recommend(*argv)
    assert (status, text) == (2, "")
    assert error.startswith("bench: ")
    assert said in error
    assert error.count("\n") == 1


def test_without_results_the_command_that_brings_them_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["recommend", "--max-ms", "2", "--results", str(tmp_path / "none")])
    said = capsys.readouterr()
    assert (status, said.out) == (2, "")
    assert "run `make bench-engines` first" in said.err


@pytest.fixture
def own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Recommend:
    """Three figures of two nets that nobody published; `entry` is one net's, in the catalogue."""
    put(stored(of("mnn", "mine", 1.0), of("mnn", "other", 3.0)), tmp_path / "results")

    def called(*argv: str, entry: str = "") -> tuple[int, str, str]:
        (tmp_path / "models").mkdir(exist_ok=True)
        catalogue = f"[models.mine]\nfactory = 'a:b'\n{entry}"
        (tmp_path / "models/catalog.toml").write_text(catalogue)
        where = ("--results", str(tmp_path / "results"), "--models", str(tmp_path / "models"))
        status = main(["recommend", *where, "--system", "amd-epyc-2c-0123abcd", *argv])
        said = capsys.readouterr()
        return status, said.out, said.err

    return called


@pytest.mark.parametrize("flags", [(), ("--max-ms", "5")])
def test_where_no_accuracy_is_known_the_choice_is_by_latency(
    flags: tuple[str, ...], own: Recommend
) -> None:
    status, text, _ = own(*flags)
    assert status == 0
    assert text.splitlines()[1:4] == [
        "  no accuracy is known of these nets: the fastest comes first",
        "  mine on MNN, 1 thread: 1.0005 ± 0.0064 ms (grade C)",
        "  then other on MNN, 1 thread: 3.002 ± 0.019 ms (grade C)",
    ]
    assert "top-1" not in text


def test_a_time_that_nothing_fits_leaves_the_nearest_without_accuracies_too(own: Recommend) -> None:
    status, text, _ = own("--max-ms", "0.5")
    assert status == 1
    assert "nothing fits; the nearest is mine on MNN" in text


def test_without_a_limit_the_fastest_comes_first(recommend: Recommend) -> None:
    status, text, _ = recommend()
    assert status == 0
    assert text.splitlines()[1].startswith("  no limit is given: the fastest comes first")
    assert text.splitlines()[2].startswith("  x0_25 on ONNX Runtime, 1 thread: 1.0")
    assert "then x1_0 on MNN, 1 thread: 4.0" in text


def test_what_an_entry_declares_is_an_accuracy_and_a_net_without_one_is_left_out(
    own: Recommend,
) -> None:
    status, text, _ = own("--max-ms", "5", entry="top1 = 0.612\n")
    assert status == 0
    assert "mine on MNN, 1 thread: 1.0005" in text
    assert "declared top-1 61.20%" in text
    assert "left out, no top-1 is known: declare it in the model's entry" in text
    assert "declared top-1 is what the model's entry says" in text


def test_a_stored_accuracy_run_is_an_accuracy(own: Recommend, tmp_path: Path) -> None:
    answers = {"mine": {"mnn": [1, 2, 3, 9]}}
    put_accuracy(tmp_path / "results", [1, 2, 3, 4], answers)
    status, text, _ = own("--min-top1", "70", entry="top1 = 0.1\n")
    assert status == 0
    assert "mine on MNN" in text
    assert "measured top-1 75.00% over 4 images" in text


def test_an_accuracy_that_is_asked_for_and_not_known_is_no_answer(own: Recommend) -> None:
    status, text, err = own("--min-top1", "60")
    assert (status, text) == (2, "")
    assert "(no top-1 is known: declare it in the model's entry, or measure it by" in err


HERE = make_system(read_host())


def test_the_figures_of_another_machine_are_no_answer_for_this_one_unless_it_is_named(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ("recommend", "--max-ms", "2", "--results", str(results))
    assert main(flags) == 2
    error = capsys.readouterr().err
    assert "no stored figure of this machine can answer for batch 1: measure first" in error
    assert "name another system's with --system: amd-epyc-2c-0123abcd" in error
    put(stored(of("mnn", "x0_25", 1.5), on=HERE, run_id="20240601T120000Z-a-1"), results)
    assert main(flags) == 0
    heading, choice = capsys.readouterr().out.splitlines()[:2]
    assert heading == HERE.heading
    assert choice.startswith("  x0_25 on MNN")
    assert main((*flags, "--system", "amd-epyc-2c-0123abcd")) == 0
    assert capsys.readouterr().out.startswith("AMD EPYC, 2 cores\n  x0_5 on MNN")


def test_a_system_that_no_run_has_is_refused_with_those_that_there_are(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["recommend", "--max-ms", "2", "--results", str(results), "--system", "amd-epyc"])
    said = "bench: there is no system 'amd-epyc': choose from amd-epyc-2c-0123abcd\n"
    assert (status, capsys.readouterr().err) == (2, said)


def test_a_figure_that_is_one_of_several_says_which_and_lists_the_others(
    results: Path, recommend: Recommend
) -> None:
    models = {"x0_5": facts("ShuffleNetV2_x0_5", costs=None)}
    later = of("mnn", "x0_5", 1.2, engine="mnn 2", sampling={"preset": "quick"})
    put(stored(later, run_id="20240701T120000Z-a-1", models=models), results)
    earlier = of("mnn", "x0_5", 1.6)
    put(stored(earlier, run_id="20240401T120000Z-a-1", models=models), results)
    _, text, _ = recommend("--max-ms", "2", "--runner", "mnn")
    said = text.splitlines()[2]
    assert said.startswith("  that is the newest of 3 figures; the others: 1.399")
    assert "1.601 ± 0.010 ms (20240401T120000Z-a-1, standard, paddle 3.2.0)" in said


def test_a_gpu_of_this_machine_answers_and_one_of_another_does_not() -> None:
    def card(**facts: Any) -> System:
        return system("Tesla", system_id="tesla", facts={**HERE.facts, "gpu": "Tesla", **facts})

    assert is_of(HERE, HERE)
    assert is_of(HERE, card())
    assert not is_of(HERE, card(memory_gib=-1))
    assert not is_of(HERE, system("a phone", system_id="phone", facts={"soc": "SM8150"}))


@pytest.mark.parametrize(
    "claim",
    [facts("ShuffleNetV2_x2_0"), facts("ShuffleNetV2_x0_52")],
    ids=["another net's row", "no row"],
)
def test_a_net_whose_published_row_is_not_its_own_is_no_choice(
    claim: ModelFacts, results: Path, recommend: Recommend
) -> None:
    run = stored(of("ncnn", "x0_25", 0.1), run_id="20240901T120000Z-a-1", models={"x0_25": claim})
    put(run, results)
    _, text, _ = recommend("--min-top1", "40")
    *ranked, left_out, _ = text.splitlines()
    assert "x0_25" not in "".join(ranked)
    assert left_out.startswith("  left out, a published row that isn't the net's own")
    assert left_out.endswith(": x0_25 on ncnn, 1 thread; x0_25 on ONNX Runtime, 1 thread")
