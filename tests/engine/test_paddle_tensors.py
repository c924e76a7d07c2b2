"""Nets of several inputs and outputs and of other types than float32, by factory and by file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.core.tensors import Reference, read_reference
from tests.engine.converting import PIR, PROGRAM, Answer, attempt
from tests.engine.own_nets import fill_folder, options, tiny
from tests.engine.test_paddle_export import relative_l2

pytestmark = pytest.mark.engine

ENVS = {"pir": PIR, "program": PROGRAM}
SUFFIXES = {"pir": "json", "program": "pdmodel"}
WORDS = {"tokens": "Nx6:int64:0..9", "types": "Nx6:int64"}
Made = dict[str, tuple[Path, Answer]]


def cases(folder: Path, model_format: str) -> dict[str, tuple[dict[str, Any], Any]]:
    def file(name: str, **inputs: str) -> dict[str, Any]:
        return {"exported": str(folder / f"{name}.{SUFFIXES[model_format]}"), "inputs": inputs}

    sources = {
        "Nested": tiny(folder, "Nested"),
        "Words": {**tiny(folder, "Words"), "inputs": WORDS, "values": str(folder / "values.npz")},
        "words": file("words", tokens="Nx6:int64:0..9"),
        "inference": file("inference", image="Nx3x10x12"),
        "fixed": file("fixed"),
    }
    return {
        name: (source, options(folder / name, model_format, [2] if name == "fixed" else [1, 2]))
        for name, source in sources.items()
    }


@pytest.fixture(scope="module", params=ENVS)
def made(
    request: pytest.FixtureRequest, paddle_python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Made:
    """Where each of `cases` went, in one of both formats, with its answer."""
    env = ENVS[request.param]
    folder = fill_folder(paddle_python, tmp_path_factory.mktemp("own"), env)
    np.savez(folder / "values.npz", types=[[0, 0, 0, 1, 1, 1]])
    wanted, out = cases(folder, request.param), folder / "out"
    answers = attempt(paddle_python, "paddle_export", list(wanted.values()), out=out, env=env)
    assert all("facts" in answer for answer in answers), answers
    return {
        name: (out / str(index), answer)
        for index, (name, answer) in enumerate(zip(wanted, answers, strict=True))
    }


def reference(made: Made, name: str, batch: int = 2) -> Reference:
    return read_reference(made[name][0] / f"b{batch}" / "reference.npz")


def test_paddles_predictor_gives_the_outputs_of_each_in_the_order_of_the_reference(
    made: Made, paddle_python: Path, tmp_path: Path
) -> None:
    models = [
        next(path for path in folder.rglob("b2/model.*") if path.suffix != ".pdiparams")
        for folder, _ in made.values()
    ]
    assert max(relative_l2(paddle_python, models, tmp_path / "predict")) < 1e-4


def test_an_output_is_named_by_its_keys_and_stands_there_once(made: Made) -> None:
    outputs = reference(made, "Nested").outputs
    assert sorted(outputs) == ["a.0", "a.1.deep", "again", "z"]
    assert outputs["a.0"].shape == ()
    assert outputs["again"].shape == (2, 4, 6, 6)


def test_outputs_without_names_are_numbered_and_keep_their_types(made: Made) -> None:
    outputs = reference(made, "Words").outputs
    assert list(outputs) == ["out0", "out1", "out2"]
    assert [it.dtype.name for it in outputs.values()] == ["float32", "float32", "int64"]


def test_inputs_go_to_the_parameters_of_their_names_with_values_of_their_range(made: Made) -> None:
    inputs = reference(made, "Words").inputs
    assert [(name, it.dtype.name) for name, it in inputs.items()] == [
        ("tokens", "int64"),
        ("types", "int64"),
    ]
    assert inputs["tokens"].max() > 1
    assert np.array_equal(reference(made, "Words", 1).inputs["tokens"], inputs["tokens"][:1])


def test_values_of_a_file_take_the_place_of_seeded_ones(made: Made) -> None:
    assert reference(made, "Words").inputs["types"].tolist() == [[0, 0, 0, 1, 1, 1]] * 2


def test_a_batch_norm_behind_whole_numbers_is_calibrated(made: Made) -> None:
    """What it gives is of mean 0 and deviation 1 over the words, which its initial state isn't."""
    outputs = reference(made, "Words").outputs["out0"]
    assert abs(float(outputs.mean())) < 0.5
    assert 0.5 < float(outputs.std()) < 2


def test_a_file_tells_what_isnt_given_and_open_extents_come_from_what_is(made: Made) -> None:
    words, image = reference(made, "words").inputs, reference(made, "inference").inputs["image"]
    assert {name: (it.shape, it.dtype.name) for name, it in words.items()} == {
        "tokens": ((2, 6), "int64"),
        "types": ((2, 6), "int64"),
    }
    assert image.shape == (2, 3, 10, 12)
    assert reference(made, "fixed").inputs["image"].shape == (2, 3, 8, 8)


def test_costs_of_a_file_are_per_image_at_the_given_shape(made: Made) -> None:
    inference, fixed = (made[name][1]["facts"]["costs"] for name in ("inference", "fixed"))
    assert inference["macs"] == 2 * 8 * 10 * 4 * 3 * 9
    assert fixed["macs"] == 6 * 6 * 4 * 3 * 9
    assert inference["uncounted"] == fixed["uncounted"] == []
