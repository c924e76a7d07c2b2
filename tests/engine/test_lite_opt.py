from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.core.errors import ArtifactError
from tests.engine.converting import PROGRAM, PUBLISHED_NAMES, attempt, convert, published

pytestmark = pytest.mark.engine

MIB = 1 << 20
ARM = {"target": "arm"}


@pytest.fixture(scope="module")
def programs(paddle_python: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """All seven nets as programs of batch 1: {name: its model.pdmodel}.

    The images are small for the sake of time: what a file takes doesn't depend on them.
    """
    folder = tmp_path_factory.mktemp("programs")
    cases = [
        (
            {
                "factory": f"paddle.vision.models:{name}",
                "inputs": {"x": "Nx3x64x64"},
                "weights": {"kind": "seeded", "seed": 0},
            },
            {
                "format": "program",
                "batches": [1],
                "input_seed": 0,
                "weights_cache": str(folder / name),
            },
        )
        for name in PUBLISHED_NAMES
    ]
    attempt(paddle_python, "paddle_export", cases, out=folder / "out", env=PROGRAM)
    return {
        name: folder / "out" / str(index) / "b1" / "model.pdmodel"
        for index, name in enumerate(PUBLISHED_NAMES)
    }


@pytest.fixture(scope="module")
def optimized(
    lite_python: Path, programs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """The facts of each net's .nb, and its `path`."""
    out = tmp_path_factory.mktemp("nb") / "out"
    cases = [(source(model), ARM) for model in programs.values()]
    answers = attempt(lite_python, "lite_opt", cases, out=out, env={})
    return {
        name: {**answer["facts"], "path": out / str(index) / "model.nb"}
        for index, (name, answer) in enumerate(zip(programs, answers, strict=True))
    }


def source(model: Path) -> dict[str, str]:
    return {"model": str(model), "params": str(model.with_suffix(".pdiparams"))}


@pytest.mark.parametrize("name", PUBLISHED_NAMES)
def test_each_net_takes_about_the_published_storage(
    name: str, optimized: dict[str, dict[str, Any]]
) -> None:
    storage_mib = optimized[name]["bytes"] / MIB
    assert storage_mib == pytest.approx(float(published(name)["storage_mb"]), rel=0.11)


def test_the_facts_describe_the_file(optimized: dict[str, dict[str, Any]]) -> None:
    facts = optimized["shufflenet_v2_x0_25"]
    assert facts["bytes"] == facts["path"].stat().st_size
    assert (facts["paddlelite"], facts["target"]) == ("2.13rc0", "arm")


def test_two_runs_agree_in_the_hash_of_the_body(
    lite_python: Path,
    programs: dict[str, Path],
    optimized: dict[str, dict[str, Any]],
    tmp_path: Path,
) -> None:
    name = "shufflenet_v2_x0_25"
    again = convert(
        lite_python, "lite_opt", source(programs[name]), ARM, out=tmp_path / "again", env={}
    )
    assert again["sha256_body"] == optimized[name]["sha256_body"]
    assert again["sha256_body"] != optimized["shufflenet_v2_x0_33"]["sha256_body"]


def test_weights_that_are_missing_are_named(
    lite_python: Path, programs: dict[str, Path], tmp_path: Path
) -> None:
    missing = tmp_path / "gone.pdiparams"
    broken = {"model": str(programs["shufflenet_v2_x0_25"]), "params": str(missing)}
    with pytest.raises(ArtifactError) as raised:
        convert(lite_python, "lite_opt", broken, ARM, out=tmp_path / "out", env={})
    assert raised.value.problem == f"{missing} is no file"


def test_a_pir_model_is_refused_before_opt_aborts_on_it(lite_python: Path, tmp_path: Path) -> None:
    model = tmp_path / "model.json"
    for path in (model, model.with_suffix(".pdiparams")):
        path.write_text("{}")
    with pytest.raises(ArtifactError, match=r"reads \.pdmodel only: export the model as program"):
        convert(lite_python, "lite_opt", source(model), ARM, out=tmp_path / "out", env={})


def test_an_interpreter_without_paddlelite_is_told_what_is_missing(
    paddle_python: Path, programs: dict[str, Path], tmp_path: Path
) -> None:
    model = source(programs["shufflenet_v2_x0_25"])
    with pytest.raises(ArtifactError, match=r"paddlelite can't be imported here"):
        convert(paddle_python, "lite_opt", model, ARM, out=tmp_path / "out", env={})
