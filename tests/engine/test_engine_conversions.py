from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.core.errors import Unavailable
from bench.core.tensors import read_reference, write_reference
from bench.environments.interpreters import Environments
from bench.runners import RUNNERS
from tests.engine.converting import PROGRAM, Answer, attempt, run
from tests.engine.own_nets import fill_folder, options, tiny

pytestmark = pytest.mark.engine

TO_ONNX = {"opset": 13, "batches": [1]}


@pytest.fixture(scope="module")
def onnx_python(environments: Environments) -> Path:
    return python(environments, "onnx")


@pytest.fixture(scope="module")
def engines_python(environments: Environments) -> Path:
    return python(environments, "engines")


def python(environments: Environments, name: str) -> Path:
    try:
        return environments.get(name).python
    except Unavailable as error:
        pytest.skip(f"environment {name}: {error}")


def source(model: Path, reference: Path | None = None) -> dict[str, str]:
    files = {"model": str(model), "params": str(model.with_suffix(".pdiparams"))}
    return files if reference is None else {**files, "reference": str(reference)}


def spoilt(program: Path, path: Path) -> Path:
    """Write the program's reference with other outputs to `path`."""
    right = read_reference(program.with_name("reference.npz"))
    outputs = {name: 1.1 * array for name, array in right.outputs.items()}
    write_reference(path, right.inputs, outputs)
    return path


@pytest.fixture(scope="module")
def program(paddle_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small net as a program of batch 1."""
    folder = fill_folder(paddle_python, tmp_path_factory.mktemp("own"))
    out = folder.with_name("programs")
    asked = (tiny(folder), options(folder / "scratch", "program"))
    attempt(paddle_python, "paddle_export", [asked], out=out, env=PROGRAM)
    return out / "0" / "b1" / "model.pdmodel"


@pytest.fixture(scope="module")
def open_batch(paddle_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small net as a person exported it, its batch open."""
    return fill_folder(paddle_python, tmp_path_factory.mktemp("open")) / "dynamic.json"


@pytest.fixture(scope="module")
def to_onnx(
    onnx_python: Path, program: Path, open_batch: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Answer]:
    """The answers of the export to ONNX, by a name for each case; `path` is the file made."""
    out = tmp_path_factory.mktemp("onnx") / "out"
    garbage = out.with_name("garbage.pdmodel")
    garbage.write_text("garbage")
    garbage.with_suffix(".pdiparams").write_text("garbage")
    (alone := out.with_name("alone.pdmodel")).write_text("garbage")
    any_size, sized = open_batch.with_stem("inference"), out.with_name("sized.npz")
    image = np.zeros((2, 3, 10, 12), np.float32)
    write_reference(sized, {"image": image}, {"a": image[:, :1], "b": image[:, :1]})
    (other := out.with_name("net.nb")).write_text("")
    other.with_suffix(".pdiparams").write_text("")
    cases = {
        "good": (source(program), TO_ONNX),
        "open": (source(open_batch), {**TO_ONNX, "batches": [4]}),
        "other batch": (source(program), {**TO_ONNX, "batches": [2]}),
        "garbage": (source(garbage), TO_ONNX),
        "no weights": (source(alone), TO_ONNX),
        "other format": (source(other), TO_ONNX),
        "compared": (source(program, program.with_name("reference.npz")), TO_ONNX),
        "another": (source(program, spoilt(program, out.with_name("another.npz"))), TO_ONNX),
        "any size": (source(any_size, sized), {**TO_ONNX, "batches": [2]}),
        "wider": (source(any_size.with_stem("wider")), TO_ONNX),
    }
    answers = attempt(onnx_python, "onnx_export", list(cases.values()), out=out, env={})
    return {
        name: {**answer, "path": str(out / str(index) / "model.onnx")}
        for index, (name, answer) in enumerate(zip(cases, answers, strict=True))
    }


def test_the_export_tells_its_converter_and_what_is_in_the_file(to_onnx: dict[str, Answer]) -> None:
    facts = to_onnx["good"]["facts"]
    assert (facts["paddle2onnx"], facts["opset"]) == ("2.1.0", 13)
    assert facts["inputs"] == {"x": [1, 3, 8, 8]}
    assert "FLOAT" in facts["types"]
    assert not {"FLOAT16", "BFLOAT16", "DOUBLE"} & set(facts["types"])


def test_an_open_batch_becomes_the_one_asked_for(to_onnx: dict[str, Answer]) -> None:
    assert to_onnx["open"]["facts"]["inputs"] == {"image": [4, 3, 8, 8]}


def test_the_file_is_compared_with_what_paddle_computes(to_onnx: dict[str, Answer]) -> None:
    assert 0 < to_onnx["compared"]["facts"]["relative_l2"] < 1e-5
    assert "relative_l2" not in to_onnx["good"]["facts"]


@pytest.mark.parametrize(
    ("name", "problem", "remedy"),
    [
        ("other batch", "takes an input of [1, 3, 8, 8], batch 2", "of that batch"),
        ("garbage", "paddle2onnx can't export", "operators that Paddle2ONNX knows"),
        ("no weights", "alone.pdiparams is no file", "program"),
        ("other format", "net.nb: paddle2onnx reads .pdmodel and .json only", "Paddle"),
        ("another", "another output: out0 is 0.0909 away from Paddle's", "other operators"),
        ("any size", "another output: a is of another shape than Paddle's", "other operators"),
        ("wider", "adaptive pooling to more than there is (its stride is 0)", "larger input"),
    ],
)
def test_what_cannot_be_exported_is_named_with_a_remedy(
    name: str, problem: str, remedy: str, to_onnx: dict[str, Answer]
) -> None:
    assert problem in to_onnx[name]["problem"]
    assert remedy in to_onnx[name]["hint"]


def only(python: Path, converter: str, model: Path, scratch: Path) -> list[Answer]:
    return attempt(python, converter, [({"model": str(model)}, {})], out=scratch / "out", env={})


CONVERTERS = {
    "openvino_ir": ["model.bin", "model.xml"],
    "ncnn_pnnx": ["model.ncnn.bin", "model.ncnn.param"],
    "mnn_convert": ["model.mnn"],
    "onnx_int8": ["model.onnx"],
}


@pytest.mark.parametrize("converter", CONVERTERS)
def test_a_conversion_leaves_its_files_and_nothing_beside_its_source(
    converter: str, engines_python: Path, to_onnx: dict[str, Answer], tmp_path: Path
) -> None:
    onnx = Path(to_onnx["good"]["path"])
    before = {path.name: path.read_bytes() for path in onnx.parent.iterdir()}
    [answer] = only(engines_python, converter, onnx, tmp_path)
    assert "facts" in answer, answer
    assert sorted(path.name for path in (tmp_path / "out/0").iterdir()) == CONVERTERS[converter]
    assert {path.name: path.read_bytes() for path in onnx.parent.iterdir()} == before


def test_openvinos_weights_stay_in_float32(
    engines_python: Path, to_onnx: dict[str, Answer], tmp_path: Path
) -> None:
    [answer] = only(engines_python, "openvino_ir", Path(to_onnx["good"]["path"]), tmp_path)
    assert "f32" in answer["facts"]["types"]
    assert "f16" not in answer["facts"]["types"]
    xml = (tmp_path / "out/0/model.xml").read_text()
    assert 'element_type="f16"' not in xml


def test_quantised_weights_are_in_int8_and_no_product_stays_in_float(
    engines_python: Path, to_onnx: dict[str, Answer], tmp_path: Path
) -> None:
    onnx = Path(to_onnx["good"]["path"])
    [answer] = only(engines_python, "onnx_int8", onnx, tmp_path)
    facts = answer["facts"]
    assert set(facts["int8"]) <= {"ConvInteger", "MatMulInteger"}
    assert sum(facts["int8"].values()) > 0
    assert facts["fp32"] == {}
    assert facts["bytes"] == (tmp_path / "out/0/model.onnx").stat().st_size


@pytest.mark.parametrize(
    ("converter", "problem"),
    [
        ("openvino_ir", "OpenVINO can't read"),
        ("ncnn_pnnx", "pnnx left with status 255"),
        ("mnn_convert", "mnnconvert made no model.mnn"),
        ("onnx_int8", "ONNX Runtime can't quantise"),
    ],
)
def test_a_file_that_is_no_net_is_refused(
    converter: str, problem: str, engines_python: Path, tmp_path: Path
) -> None:
    (garbage := tmp_path / "garbage.onnx").write_text("garbage")
    (paddle := tmp_path / "model.pdmodel").write_text("")
    cases: list[tuple[dict[str, str], dict[str, str]]] = [
        ({"model": str(path)}, {}) for path in (garbage, paddle, tmp_path / "gone.onnx")
    ]
    answers = attempt(engines_python, converter, cases, out=tmp_path / "out", env={})
    assert [answer.get("problem", answer)[: len(problem)] for answer in answers[:1]] == [problem]
    assert answers[1]["problem"] == f"{paddle} is no .onnx file"
    assert answers[2]["problem"] == f"{tmp_path / 'gone.onnx'} is no file"


@pytest.mark.parametrize(
    ("converter", "problem"),
    [
        ("onnx_export", "paddle2onnx can't be imported here"),
        ("openvino_ir", "openvino can't be imported here"),
        ("ncnn_pnnx", "pnnx is not installed here"),
        ("mnn_convert", "MNN's converter can't be imported here"),
        ("onnx_int8", "onnxruntime and onnx can't be imported here"),
    ],
)
def test_an_interpreter_without_the_tool_is_told_what_is_missing(
    converter: str,
    problem: str,
    paddle_python: Path,
    program: Path,
    to_onnx: dict[str, Answer],
    tmp_path: Path,
) -> None:
    told = source(program) if converter == "onnx_export" else {"model": to_onnx["good"]["path"]}
    [answer] = attempt(paddle_python, converter, [(told, TO_ONNX)], out=tmp_path / "out", env={})
    assert answer["problem"].startswith(problem)
    assert answer["hint"]


_OPEN = """
import json, sys
from pathlib import Path
from bench.core.cell import Cell
from bench.worker.serve import load
from bench.core.errors import BenchError

told = {}
for name, path, artifact in json.load(sys.stdin):
    cell = Cell(variant="v", model_hash="m", runner=name, batch=1, threads=1)
    try:
        with load(path)().open(cell, Path(artifact)):
            told[name] = "opened"
    except BenchError as error:
        told[name] = str(error)
Path(sys.argv[1]).write_text(json.dumps(told))
"""


def test_a_runner_whose_engine_is_not_there_says_so(paddle_python: Path, tmp_path: Path) -> None:
    names = {"onnxruntime": "onnxruntime", "openvino": "openvino", "ncnn": "ncnn", "mnn": "MNN"}
    asked = [(name, RUNNERS[name].path, "nowhere") for name in names]
    told = json.loads(run(paddle_python, _OPEN, asked, tmp_path / "scratch", {}))
    for name, module in names.items():
        assert told[name].startswith(f"{module} can't be imported here")
        assert "--env engines" in told[name]
