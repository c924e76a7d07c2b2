from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.core.tensors import Reference, read_reference
from tests.engine.converting import PIR, PROGRAM, attempt, convert, run
from tests.engine.own_nets import SEEDED, exported, fill_folder, options, tiny

pytestmark = pytest.mark.engine

FORMATS = {"pir": (PIR, "model.json"), "program": (PROGRAM, "model.pdmodel")}
X0_25 = "paddle.vision.models:shufflenet_v2_x0_25"
IMAGE, IMAGE_TEXT = [3, 64, 64], "Nx3x64x64"  # small for the sake of time

_PREDICT = """
import json, sys
from pathlib import Path
import numpy as np
from paddle import inference
from bench.core.tensors import read_reference


def error(model, params, reference):
    config = inference.Config(model, params)
    config.disable_gpu()
    if model.endswith(".json"):
        config.enable_new_ir()
        config.enable_new_executor()
    predictor = inference.create_predictor(config)
    reference = read_reference(Path(reference))
    for name in predictor.get_input_names():
        predictor.get_input_handle(name).copy_from_cpu(reference.inputs[name])
    predictor.run()
    names, worst = predictor.get_output_names(), 0.0
    for name, wanted in zip(names, reference.outputs.values(), strict=True):
        output = predictor.get_output_handle(name).copy_to_cpu()
        assert (output.shape, output.dtype) == (wanted.shape, wanted.dtype), name
        scale = np.linalg.norm(wanted)
        worst = max(worst, float(np.linalg.norm(output - wanted) / scale))
    return worst


open(sys.argv[1], "w").write(json.dumps([error(*files) for files in json.load(sys.stdin)]))
"""


@dataclass(frozen=True)
class Export:
    out: Path
    facts: dict[str, Any]


def zoo(factory: str) -> dict[str, Any]:
    return {"factory": factory, "inputs": {"x": IMAGE_TEXT}, "weights": SEEDED}


def relative_l2(python: Path, models: list[Path], scratch: Path) -> list[float]:
    """Return how far Paddle's optimised predictor is from the reference beside each model.

    Outputs are compared in order, and the largest distance counts.
    """
    files = [
        [str(model), str(model.with_suffix(".pdiparams")), str(model.with_name("reference.npz"))]
        for model in models
    ]
    errors: list[float] = json.loads(run(python, _PREDICT, files, scratch, {}))
    return errors


def reference(out: Path, batch: int) -> Reference:
    return read_reference(out / f"b{batch}" / "reference.npz")


def content(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def exports(paddle_python: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Export]:
    """x0_25 with batches 1 and 4 in both formats, the weights from one cache."""
    folder = tmp_path_factory.mktemp("x0_25")
    made = {}
    for name, (env, _) in FORMATS.items():
        out = folder / name
        wanted = options(folder, name, [1, 4])
        facts = convert(paddle_python, "paddle_export", zoo(X0_25), wanted, out=out, env=env)
        made[name] = Export(out, facts)
    return made


@pytest.fixture(scope="module")
def folder(paddle_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill_folder(paddle_python, tmp_path_factory.mktemp("own"))


@pytest.mark.parametrize("model_format", FORMATS)
def test_a_batch_gets_a_model_its_weights_and_a_reference_and_nothing_else(
    model_format: str, exports: dict[str, Export]
) -> None:
    export, main = exports[model_format], FORMATS[model_format][1]
    names = {main, "model.pdiparams", "reference.npz"}
    assert set(content(export.out)) == {f"b{batch}/{name}" for batch in (1, 4) for name in names}
    told = export.facts["batches"]["4"]
    assert [told[it] for it in ("model", "params", "reference")] == [
        f"b4/{main}",
        "b4/model.pdiparams",
        "b4/reference.npz",
    ]


def test_both_formats_hold_the_same_weights(exports: dict[str, Export]) -> None:
    pir, program = exports["pir"], exports["program"]
    assert pir.facts["weights_sha256"] == program.facts["weights_sha256"]
    for name in ("b1/model.pdiparams", "b4/model.pdiparams", "b4/reference.npz"):
        assert content(pir.out)[name] == content(program.out)[name]


def test_costs_are_counted_where_the_program_is_pir(exports: dict[str, Export]) -> None:
    assert exports["pir"].facts["costs"]["params"] == 607_712
    assert "costs" not in exports["program"].facts


def test_seeded_logits_are_of_order_one(exports: dict[str, Export]) -> None:
    for batch in (1, 4):
        assert 0.1 < reference(exports["pir"].out, batch).outputs["out0"].std() < 10


def test_a_reference_is_float32_and_starts_with_the_images_of_smaller_batches(
    exports: dict[str, Export],
) -> None:
    one, four = (reference(exports["pir"].out, batch) for batch in (1, 4))
    x, logits = four.inputs["x"], four.outputs["out0"]
    assert {x.dtype.name, logits.dtype.name} == {"float32"}
    assert (x.shape, logits.shape) == ((4, *IMAGE), (4, 1000))
    assert np.array_equal(one.inputs["x"], x[:1])
    np.testing.assert_allclose(one.outputs["out0"], logits[:1], rtol=1e-3, atol=1e-4)


def test_the_optimised_predictor_agrees_with_the_reference_in_both_formats(
    exports: dict[str, Export], paddle_python: Path, tmp_path: Path
) -> None:
    models = [exports[name].out / "b4" / main for name, (_, main) in FORMATS.items()]
    assert max(relative_l2(paddle_python, models, tmp_path / "predict")) < 1e-4


def test_a_second_export_is_the_same_to_the_byte(
    exports: dict[str, Export], paddle_python: Path, tmp_path: Path
) -> None:
    again, out = options(tmp_path, "pir", [1, 4]), tmp_path / "out"
    facts = convert(paddle_python, "paddle_export", zoo(X0_25), again, out=out, env=PIR)
    assert facts == exports["pir"].facts
    assert content(out) == content(exports["pir"].out)


def test_ops_get_what_they_lack_and_the_output_stays(paddle_python: Path, tmp_path: Path) -> None:
    source = zoo("paddle.vision.models:shufflenet_v2_swish")
    wanted, out = options(tmp_path, "program"), tmp_path / "out"
    facts = convert(paddle_python, "paddle_export", source, wanted, out=out, env=PROGRAM)
    assert facts["defaults_written"]["swish.beta"] == 37
    assert (
        relative_l2(paddle_python, [out / "b1" / "model.pdmodel"], tmp_path / "predict")[0] < 1e-4
    )


def test_the_wrong_flag_is_told_apart_from_a_format(paddle_python: Path, folder: Path) -> None:
    wanted, out = options(folder / "flag", "program"), folder / "flag-out"
    [answer] = attempt(paddle_python, "paddle_export", [(tiny(folder), wanted)], out=out, env=PIR)
    assert answer["problem"] == "Paddle 3.3.1 wrote model.json, model.pdiparams, not model.pdmodel"
    assert "FLAGS_enable_pir_api" in answer["hint"]


def test_weights_come_from_a_file_or_from_the_cache_or_are_made(
    paddle_python: Path, folder: Path, tmp_path: Path
) -> None:
    file = folder / "tiny.pdparams"
    kept = tmp_path / "cached" / "weights" / "weights.pdparams"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(file.read_bytes())
    cases = [
        (tiny(folder, weights={"kind": "file", "path": str(file)}), options(tmp_path / "file")),
        (tiny(folder), options(tmp_path / "cached")),
        (tiny(folder), options(tmp_path / "made")),
    ]
    answers = attempt(paddle_python, "paddle_export", cases, out=tmp_path / "out", env=PIR)
    own, cached, made = (answer["facts"] for answer in answers)
    assert own["weights_sha256"] == cached["weights_sha256"] != made["weights_sha256"]
    assert [it["weights"] for it in (own, made)] == ["tiny.pdparams", "seeded 0"]
    assert own["costs"]["params"] == 4 * 3 * 9 + 4 + 4 * 4
    assert not (tmp_path / "file" / "weights").exists()
    assert [it.name for it in (tmp_path / "made" / "weights").iterdir()] == ["weights.pdparams"]


@pytest.mark.parametrize(
    "kept", ["garbage.pdparams", "wide.pdparams"], ids=["unreadable", "of another net"]
)
def test_kept_weights_that_do_not_load_are_made_anew_and_that_is_told(
    kept: str, paddle_python: Path, folder: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "weights" / "weights.pdparams"
    cache.parent.mkdir()
    cache.write_bytes((folder / kept).read_bytes())
    cases = [(tiny(folder), options(tmp_path))] * 2
    first, second = attempt(paddle_python, "paddle_export", cases, out=tmp_path / "out", env=PIR)
    assert str(cache) in first["facts"]["weights_remade"]
    assert "weights_remade" not in second["facts"]
    assert first["facts"]["weights_sha256"] == second["facts"]["weights_sha256"]


def test_a_model_of_dynamic_batch_is_copied_as_it_is(
    paddle_python: Path, folder: Path, tmp_path: Path
) -> None:
    wanted, out = options(tmp_path, "pir", [1, 4]), tmp_path / "out"
    source = exported(folder / "dynamic.json")
    facts = convert(paddle_python, "paddle_export", source, wanted, out=out, env=PIR)
    for name in ("json", "pdiparams"):
        original = (folder / f"dynamic.{name}").read_bytes()
        assert content(out)[f"b1/model.{name}"] == original == content(out)[f"b4/model.{name}"]
    assert facts["weights"] == "as exported"
    assert facts["costs"]["macs"] == 6 * 6 * 4 * 3 * 9
    assert relative_l2(paddle_python, [out / "b4" / "model.json"], tmp_path / "predict")[0] < 1e-4
