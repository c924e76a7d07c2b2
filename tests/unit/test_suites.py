"""The suites that the project ships: they load, and measure what the published tables list."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from bench.catalog import load_catalogue
from bench.runners import RUNNERS
from bench.suite import FOLDER, Axes, Selected, load_suite, select_cells
from tests.fakes.tables import fake_runner
from tests.fakes.values import model

REAL = sorted(path.stem for path in FOLDER.glob("*.toml"))
MODELS = Path(__file__).parents[2] / "models"
NAMED = {
    "paddle-tensorrt": replace(fake_runner("Ok"), target="nvidia-gpu"),
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


def test_the_three_suites_are_here() -> None:
    assert REAL == ["arm", "cpu", "gpu"]


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


@pytest.mark.parametrize("cores", [4, 8])
def test_the_whole_cpu_suite_is_thirty_five_cells(cores: int) -> None:
    models = [model(variant) for variant in load_catalogue(MODELS).models]
    selected = select_cells(load_suite("cpu"), models, Axes(), cores=cores, runners=RUNNERS)
    assert len({cell.id for cell in selected.cells}) == len(selected.cells) == 7 * 5
