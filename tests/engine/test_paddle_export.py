from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from converting import PIR, PROGRAM, Answer, attempt, convert, run

pytestmark = pytest.mark.engine

FORMATS = {"pir": (PIR, "model.json"), "program": (PROGRAM, "model.pdmodel")}
SEEDED = {"kind": "seeded", "seed": 0}
X0_25 = "paddle.vision.models:shufflenet_v2_x0_25"

_NETS = """
import paddle
from paddle import nn


class Tiny(nn.Layer):
    def __init__(self, width=4):
        super().__init__()
        self.conv = nn.Conv2D(3, width, 3)
        self.norm = nn.BatchNorm2D(width)

    def forward(self, x):
        return self.norm(self.conv(x)).mean([2, 3])


class Pair(Tiny):
    def forward(self, x):
        return [self.conv(x), self.norm(self.conv(x))]


class Infinite(Tiny):
    def forward(self, x):
        return super().forward(x) * 1e38 * 1e38


def raising():
    raise ValueError("no such width")


def a_dict():
    return {}
"""

# Exports with shapes of its own: what a person may have made elsewhere.
_SAVE = """
import json, sys
import paddle
from nets import Pair, Tiny

folder = sys.argv[1] + ".made"
spec = paddle.static.InputSpec
for name, net, shape, dtype in json.load(sys.stdin):
    net = {"tiny": Tiny, "pair": Pair}[net]() if net != "integers" else None
    if net is None:
        net = paddle.nn.Sequential(paddle.nn.Embedding(10, 4))
    net.eval()
    paddle.jit.save(net, f"{folder}/{name}", input_spec=[spec(shape, dtype, "image")])
paddle.save({"conv.weight": paddle.zeros([4, 3, 3, 3])}, f"{folder}/short.pdparams")
paddle.save(Tiny(8).state_dict(), f"{folder}/wide.pdparams")
paddle.save(Tiny().state_dict(), f"{folder}/tiny.pdparams")
paddle.save({**Tiny().state_dict(), "head.bias": paddle.zeros([1])}, f"{folder}/long.pdparams")
open(sys.argv[1], "w").write(folder)
"""

_PREDICT = """
import json, sys
import numpy as np
from paddle import inference

model, params, reference = json.load(sys.stdin)
config = inference.Config(model, params)
config.disable_gpu()
if model.endswith(".json"):
    config.enable_new_ir()
    config.enable_new_executor()
predictor = inference.create_predictor(config)
entry = predictor.get_input_handle(predictor.get_input_names()[0])
entry.copy_from_cpu(np.load(reference)["input"])
predictor.run()
output = predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()
wanted = np.load(reference)["logits"]
open(sys.argv[1], "w").write(str(float(np.linalg.norm(output - wanted) / np.linalg.norm(wanted))))
"""


@dataclass(frozen=True)
class Export:
    out: Path
    facts: dict[str, Any]


def options(folder: Path, model_format: str = "pir", batches: list[int] | None = None) -> Any:
    return {
        "format": model_format,
        "batches": batches or [1],
        "input_seed": 0,
        "weights_cache": str(folder / "weights"),
    }


def tiny(folder: Path, name: str = "Tiny", weights: Mapping[str, Any] = SEEDED) -> dict[str, Any]:
    factory = {"factory": f"nets:{name}", "search_path": [str(folder)]}
    return {**factory, "input": [3, 8, 8], "weights": weights}


def zoo(factory: str) -> dict[str, Any]:
    return {"factory": factory, "input": [3, 224, 224], "weights": SEEDED}


def exported(path: Path) -> dict[str, Any]:
    return {"exported": str(path), "input": [3, 8, 8]}


def relative_l2(python: Path, folder: Path, name: str, scratch: Path) -> float:
    """Return how far Paddle's optimised predictor is from the reference beside the model."""
    files = [str(folder / it) for it in (name, "model.pdiparams", "reference.npz")]
    return float(run(python, _PREDICT, files, scratch, {}))


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
    """A person's folder: nets.py, exported models, weights."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "nets.py").write_text(_NETS)
    (folder / "crooked.py").write_text("import a_module_that_is_not_here\n")
    models = [
        ("fixed", "tiny", [2, 3, 8, 8], "float32"),
        ("dynamic", "tiny", [-1, 3, 8, 8], "float32"),
        ("pair", "pair", [1, 3, 8, 8], "float32"),
        ("integers", "integers", [-1, 3, 8, 8], "int64"),
    ]
    code = f"import sys; sys.path.append({str(folder)!r})\n{_SAVE}"
    made = Path(run(paddle_python, code, models, folder / "saving", PIR))
    for path in made.iterdir():
        path.rename(folder / path.name)
    (folder / "alone.json").write_bytes((folder / "fixed.json").read_bytes())
    (folder / "broken.json").write_text("garbage")
    (folder / "broken.pdiparams").write_bytes((folder / "fixed.pdiparams").read_bytes())
    (folder / "old.pdmodel").write_text("")
    (folder / "garbage.pdparams").write_text("garbage")
    return folder


@pytest.fixture(scope="module")
def refused(
    paddle_python: Path, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Answer]:
    """The answers to what can't be exported, by a name for each; factories before files."""

    def own(name: str) -> dict[str, Any]:
        return tiny(folder, name)

    def file(name: str) -> dict[str, Any]:
        return tiny(folder, weights={"kind": "file", "path": str(folder / name)})

    sources = {
        "no module": {**own("Tiny"), "factory": "nowhere.at_all:Tiny"},
        "crooked module": {**own("Tiny"), "factory": "crooked:Tiny"},
        "no colon": {**own("Tiny"), "factory": "nets.Tiny"},
        "no function": own("Tinny"),
        "raises": own("raising"),
        "no layer": own("a_dict"),
        "two outputs": own("Pair"),
        "infinite": own("Infinite"),
        "wrong input": {**own("Tiny"), "input": [1, 8, 8]},
        "not pretrained": tiny(folder, weights={"kind": "pretrained"}),
        "weights gone": file("gone.pdparams"),
        "weights garbage": file("garbage.pdparams"),
        "weights short": file("short.pdparams"),
        "weights wide": file("wide.pdparams"),
        "weights long": file("long.pdparams"),
        "model gone": exported(folder / "gone.json"),
        "params gone": exported(folder / "alone.json"),
        "other format": exported(folder / "old.pdmodel"),
        "model garbage": exported(folder / "broken.json"),
        "fixed batch": exported(folder / "fixed.json"),
        "other input": {**exported(folder / "dynamic.json"), "input": [3, 9, 9]},
        "model two outputs": exported(folder / "pair.json"),
        "model integers": exported(folder / "integers.json"),
    }
    scratch = tmp_path_factory.mktemp("refused")
    cases = [
        (source, options(scratch / str(index))) for index, source in enumerate(sources.values())
    ]
    answers = attempt(paddle_python, "paddle_export", cases, out=scratch / "out", env=PIR)
    return dict(zip(sources, answers, strict=True))


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
    assert exports["pir"].facts["costs"]["flops_paddle"] == 18_945_136
    assert "costs" not in exports["program"].facts


def test_seeded_logits_are_of_order_one(exports: dict[str, Export]) -> None:
    batches = exports["pir"].facts["batches"]
    assert all(0.1 < batches[batch]["logits_std"] < 10 for batch in ("1", "4"))


def test_a_reference_is_float32_and_starts_with_the_images_of_smaller_batches(
    exports: dict[str, Export],
) -> None:
    one, four = (np.load(exports["pir"].out / f"b{batch}" / "reference.npz") for batch in (1, 4))
    assert (four["input"].dtype, four["logits"].dtype) == (np.float32, np.float32)
    assert (four["input"].shape, four["logits"].shape) == ((4, 3, 224, 224), (4, 1000))
    assert np.array_equal(one["input"], four["input"][:1])
    np.testing.assert_allclose(one["logits"], four["logits"][:1], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("model_format", FORMATS)
def test_the_optimised_predictor_agrees_with_the_reference(
    model_format: str, exports: dict[str, Export], paddle_python: Path, tmp_path: Path
) -> None:
    folder, main = exports[model_format].out / "b4", FORMATS[model_format][1]
    assert relative_l2(paddle_python, folder, main, tmp_path / "predict") < 1e-5


def test_a_second_export_is_the_same_to_the_byte(
    exports: dict[str, Export], paddle_python: Path, tmp_path: Path
) -> None:
    again, out = options(tmp_path, "pir", [1, 4]), tmp_path / "out"
    facts = convert(paddle_python, "paddle_export", zoo(X0_25), again, out=out, env=PIR)
    assert facts == exports["pir"].facts
    assert content(out) == content(exports["pir"].out)


def test_swish_ops_get_their_beta_and_the_output_stays(paddle_python: Path, tmp_path: Path) -> None:
    source = zoo("paddle.vision.models:shufflenet_v2_swish")
    wanted, out = options(tmp_path, "program"), tmp_path / "out"
    facts = convert(paddle_python, "paddle_export", source, wanted, out=out, env=PROGRAM)
    assert facts["swish_beta_added"] == 37
    assert relative_l2(paddle_python, out / "b1", "model.pdmodel", tmp_path / "predict") < 1e-5


def test_the_wrong_flag_is_told_apart_from_a_format(paddle_python: Path, folder: Path) -> None:
    wanted, out = options(folder / "flag", "program"), folder / "flag-out"
    [answer] = attempt(paddle_python, "paddle_export", [(tiny(folder), wanted)], out=out, env=PIR)
    assert answer["problem"] == "Paddle 3.3.1 wrote model.json, model.pdiparams, not model.pdmodel"
    assert "FLAGS_enable_pir_api" in answer["hint"]


def test_a_factory_and_weights_of_ones_own_export(
    paddle_python: Path, folder: Path, tmp_path: Path
) -> None:
    weights = {"kind": "file", "path": str(folder / "tiny.pdparams")}
    source, out = tiny(folder, weights=weights), tmp_path / "out"
    facts = convert(paddle_python, "paddle_export", source, options(tmp_path), out=out, env=PIR)
    assert facts["weights"] == "tiny.pdparams"
    assert facts["costs"]["params"] == 4 * 3 * 9 + 4 + 4 * 4
    assert not (tmp_path / "weights").exists()


def test_weights_are_taken_from_the_cache_once_they_are_there(
    paddle_python: Path, folder: Path, tmp_path: Path
) -> None:
    cases = [(tiny(folder), options(tmp_path)), (tiny(folder), options(tmp_path / "other"))]
    kept = tmp_path / "weights" / "weights.pdparams"
    kept.parent.mkdir()
    kept.write_bytes((folder / "tiny.pdparams").read_bytes())
    cached, fresh = attempt(paddle_python, "paddle_export", cases, out=tmp_path / "out", env=PIR)
    assert cached["facts"]["weights_sha256"] != fresh["facts"]["weights_sha256"]
    assert [it.name for it in (tmp_path / "other" / "weights").iterdir()] == ["weights.pdparams"]


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
    assert relative_l2(paddle_python, out / "b4", "model.json", tmp_path / "predict") < 1e-5


REFUSALS = {
    "no module": ("there is no module 'nowhere.at_all'", "folder"),
    "crooked module": ("importing crooked raised ModuleNotFoundError", "paddle environment"),
    "no colon": ("'nets.Tiny' names no factory", "module:function"),
    "no function": ("module nets has no function 'Tinny'", "nets.py"),
    "raises": ("nets:raising raised ValueError: no such width", "no arguments"),
    "no layer": ("nets:a_dict returned a dict", "paddle.nn.Layer"),
    "two outputs": ("the net returns a list", "one tensor"),
    "infinite": ("the net's output holds infinities or NaN", "weights"),
    "wrong input": ("the net can't take an input of [", "channels x height x width"),
    "not pretrained": ("nets:Tiny gave no pretrained weights (TypeError", "--weights seeded"),
    "weights gone": ("gone.pdparams is no file", "seeded"),
    "weights garbage": ("garbage.pdparams can't be read as weights", "seeded"),
    "weights short": ("'conv.bias' is missing", "seeded"),
    "weights wide": ("'conv.weight' is [8, 3, 3, 3] there and [4, 3, 3, 3] in the net", "seeded"),
    "weights long": ("the net has no 'head.bias'", "seeded"),
    "model gone": ("gone.json is no file", ".pdmodel"),
    "params gone": ("alone.pdiparams is missing", "beside alone.json"),
    "other format": ("old.pdmodel is no .json file", "Paddle 3's paddle.jit.save"),
    "model garbage": ("broken.json and broken.pdiparams can't be loaded", "again"),
    "fixed batch": ("fixed.json is fixed to batch 2, not 1", "ask for batch 2"),
    "other input": ("takes an input of [-1, 3, 8, 8], not [1, 3, 9, 9]", "channels"),
    "model two outputs": ("pair.json has 1 inputs and 2 outputs", "one output"),
    "model integers": ("integers.json takes paddle.int64 input", "float32"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_be_exported_is_one_sentence_and_a_remedy(
    case: str, refused: dict[str, Answer]
) -> None:
    problem, hint = REFUSALS[case]
    assert problem in refused[case].get("problem", json.dumps(refused[case]))
    assert hint in refused[case]["hint"]
    assert "\n" not in refused[case]["problem"]


def test_every_case_that_was_tried_is_judged(refused: dict[str, Answer]) -> None:
    assert set(refused) == set(REFUSALS)
