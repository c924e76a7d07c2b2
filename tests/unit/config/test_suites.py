"""The suites that the project ships: they load, and measure what the published tables list."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from bench.config.axes import Axes, Selected, select_cells
from bench.config.catalog import load_catalogue, select
from bench.config.published import load_published
from bench.config.suite import FOLDER, load_suite
from bench.experiments.context import Options
from bench.experiments.nets import models_of_suite
from bench.runners import RUNNERS
from tests.fakes.tables import fake_runner
from tests.fakes.values import model

REAL = sorted(path.stem for path in FOLDER.glob("*.toml"))
MODELS = Path(__file__).parents[3] / "models"
NAMED = {
    "paddle-lite": replace(
        fake_runner("Ok"), target="android", settings={"power_mode": ("high", "no_bind")}
    ),
}


def chosen(name: str, cores: int | None) -> Selected:
    return select_cells(
        load_suite(name), [model()], Axes(), cores=cores, runners={**RUNNERS, **NAMED}
    )


def pairs(selected: Selected) -> list[tuple[int, int]]:
    return [(cell.batch, cell.threads) for cell in selected.cells]


def test_the_suites_are_here() -> None:
    assert REAL == [
        "arm", "cpp", "cpu", "engines", "gpu", "mobile", "precisions", "serving",
    ]  # fmt: skip


@pytest.mark.parametrize("name", [name for name in REAL if name not in ("mobile", "serving")])
def test_a_suite_measures_the_seven_shufflenets_where_none_is_named(name: str) -> None:
    catalogue = load_catalogue(MODELS)
    entries = [catalogue.models[variant] for variant in select(catalogue, [], name)]
    family = {r.name for r in load_published(MODELS).values() if r.family == "ShuffleNetV2"}
    assert {entry.published for entry in entries} == family
    assert len(entries) == 7


def test_the_mobile_suite_measures_all_published_nets_and_no_twin_that_differs_in_weights() -> None:
    catalogue, published = load_catalogue(MODELS), load_published(MODELS)
    entries = [catalogue.models[name] for name in select(catalogue, [], "mobile")]
    twins = {name for name in published if name.endswith("_ssld")}
    assert {entry.published for entry in entries} == set(published) - twins
    assert len({entry.factory for entry in entries}) == len(entries) == 34


def test_the_mobile_suite_gives_the_cells_that_the_engines_suite_does() -> None:
    mobile, engines = (
        {cell.id for cell in chosen(name, 2).cells} for name in ("mobile", "engines")
    )
    assert mobile == engines


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("preset", ["quick", "standard", "paddleclas"])
def test_every_real_suite_has_every_preset(name: str, preset: str) -> None:
    sampling = load_suite(name).sampling(preset)
    assert sampling.preset == preset
    if preset == "quick":
        assert sampling.sessions == 2, "the fewest that give an interval"
    if preset == "standard":
        assert sampling.sessions >= 3
    if preset == "paddleclas":
        assert (sampling.statistic, sampling.sessions) == ("mean", 1)
        assert (sampling.warmup_s, sampling.steady_tolerance) == (0.0, None)
        assert sampling.min_samples == sampling.samples, "the procedure's own count, whole"


@pytest.mark.parametrize(
    ("name", "calls"), [("cpu", (10, 30)), ("arm", (10, 30)), ("gpu", (100, 2000))]
)
def test_the_paddleclas_preset_is_its_own_procedure(name: str, calls: tuple[int, int]) -> None:
    sampling = load_suite(name).sampling("paddleclas")
    assert (sampling.warmup_calls, sampling.samples) == calls


@pytest.mark.parametrize("name", REAL)
def test_a_real_suite_stands_beside_columns_that_were_published(name: str) -> None:
    text = (MODELS / "published.csv").read_text(encoding="utf-8")
    columns = next(csv.reader(text.splitlines()))
    assert set(load_suite(name).file.beside) <= set(columns)


def test_the_cpu_suite_is_batch_1_on_1_2_and_4_threads_and_batches_4_and_8() -> None:
    selected = chosen("cpu", cores=4)
    assert pairs(selected) == [(1, 1), (1, 2), (1, 4), (4, 1), (8, 1)]
    assert {(cell.runner, cell.settings) for cell in selected.cells} == {
        ("paddle", (("onednn", "on"), ("tensor_gc", "off")))
    }


def test_the_engines_suite_is_five_engines_with_one_image_on_one_thread() -> None:
    cells = chosen("engines", cores=2).cells
    assert [cell.runner for cell in cells] == ["paddle", "onnxruntime", "openvino", "ncnn", "mnn"]
    assert {(cell.batch, cell.threads, cell.precision) for cell in cells} == {(1, 1, "fp32")}
    assert dict(cells[0].settings) == {"onednn": "on", "tensor_gc": "off"}


def test_the_cpp_suite_is_each_engine_in_python_and_in_cpp_alike_but_for_that() -> None:
    cells = chosen("cpp", cores=2).cells
    in_cpp = {name for name, entry in RUNNERS.items() if entry.program is not None}
    assert {cell.runner for cell in cells} == in_cpp | {it.removesuffix("-cpp") for it in in_cpp}
    for cell in cells:
        twin = replace(cell, runner=f"{cell.runner.removesuffix('-cpp')}-cpp")
        assert twin in cells
        python, program = (RUNNERS[it.runner] for it in (cell, twin))
        assert python.artifact == program.artifact
        assert python.settings == program.settings
        assert python.tolerances == program.tolerances


def test_the_precisions_suite_has_no_fp32_and_each_precision_of_each_engine_on_the_cpu() -> None:
    cells = chosen("precisions", cores=2).cells
    known = {
        (name, precision)
        for name, entry in RUNNERS.items()
        for precision in entry.tolerances
        if entry.target == "cpu" and entry.program is None
    }
    assert {(cell.runner, cell.precision) for cell in cells} == known
    assert len(cells) == len(known) == 6
    assert "fp32" not in {cell.precision for cell in cells}
    assert {(cell.batch, cell.threads) for cell in cells} == {(1, 1)}


def test_the_engines_suite_gives_the_cells_that_the_cpu_suite_has_of_another_runner() -> None:
    suites = [load_suite(name) for name in ("engines", "cpu")]
    axes = Axes(runners=["ncnn"], batches=[1], threads=[1])
    (first,), (second,) = (
        select_cells(suite, [model()], axes, cores=2, runners=RUNNERS).cells for suite in suites
    )
    assert first.id == second.id


def test_the_cpu_suite_on_two_cores_leaves_four_threads_out() -> None:
    selected = chosen("cpu", cores=2)
    assert pairs(selected) == [(1, 1), (1, 2), (4, 1), (8, 1)]
    assert len(selected.left_out) == 1


@pytest.mark.parametrize(
    ("name", "target", "expected"),
    [
        ("gpu", "nvidia-gpu", {(1, 1), (4, 1), (8, 1)}),
        ("arm", "android", {(1, 1), (1, 2), (1, 4)}),
    ],
)  # fmt: skip
def test_the_suites_of_the_other_targets_cover_the_published_columns(
    name: str, target: str, expected: set[tuple[int, int]]
) -> None:
    assert load_suite(name).file.target == target
    assert set(pairs(chosen(name, cores=None))) == expected


def test_the_gpu_suite_is_every_runner_the_native_one_with_and_without_a_graph() -> None:
    cells = chosen("gpu", cores=None).cells
    assert {(cell.runner, dict(cell.settings).get("cuda_graph")) for cell in cells} == {
        ("paddle-tensorrt", None), ("tensorrt", "off"), ("tensorrt", "on"),
        ("onnxruntime-cuda", None), ("onnxruntime-tensorrt-rtx", None),
    }  # fmt: skip
    assert len({cell.id for cell in cells}) == len(cells) == 5 * 3


def test_the_paced_preset_of_the_gpu_suite_pauses_in_every_cell_and_is_no_cell_of_the_other() -> (
    None
):
    suite = load_suite("gpu")
    plain, paced = (
        {c.id: dict(c.settings)["sleep_ms"] for c in select_cells(
            suite.in_preset(name), [model()], Axes(), cores=None, runners=RUNNERS).cells}
        for name in ("paddleclas", "paddleclas-sleep")
    )  # fmt: skip
    assert set(plain.values()) == {"0"}
    assert set(paced.values()) == {"10"}
    assert not set(plain) & set(paced)
    sampling = suite.sampling("paddleclas-sleep")
    assert (sampling.warmup_calls, sampling.samples, sampling.statistic) == (100, 2000, "mean")


@pytest.mark.parametrize("cores", [4, 8])
def test_the_whole_cpu_suite_is_thirty_five_cells(cores: int) -> None:
    models = [model(variant) for variant in select(load_catalogue(MODELS), [], "cpu")]
    selected = select_cells(load_suite("cpu"), models, Axes(), cores=cores, runners=RUNNERS)
    assert len({cell.id for cell in selected.cells}) == len(selected.cells) == 7 * 5


def test_the_serving_suite_is_of_two_nets_that_a_run_takes_too(tmp_path: Path) -> None:
    suite = load_suite("serving")
    options = Options(models=MODELS, results=tmp_path)
    assert [it.variant for it in models_of_suite(options, suite)] == ["x0_25", "x1_0"]
    one = replace(options, variants=["x2_0"])
    assert [it.variant for it in models_of_suite(one, suite)] == ["x2_0"]
    every = models_of_suite(options, load_suite("engines"))
    assert len(every) == 7
