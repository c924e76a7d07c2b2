"""Nets by their files through the engines that can take them: ONNX, OpenVINO, ncnn, MNN."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from bench.artifacts.builder import Artifact, Key, Made, Workshop
from bench.cli.main import main
from bench.config.catalog import Model, Weights, resolve_all
from bench.config.own_nets import own_catalogue
from bench.config.project import default_cache
from bench.core.errors import Unavailable
from bench.core.tensors import Reference, read_reference
from bench.environments.interpreters import Environments
from bench.storage.schema.common import Failed
from bench.storage.schema.latency import Measured, Record
from bench.storage.store import Store
from tests.engine.converting import attempt

pytestmark = pytest.mark.engine

WRITER = Path(__file__).with_name("own_onnx.py")
ENGINES = ("onnxruntime", "openvino", "ncnn", "mnn")
SUITE = """
title = "Once"
target = "cpu"
cells = [{ runner = ["onnxruntime", "openvino", "ncnn", "mnn"], batch = [1] }]

[presets.standard]
sessions = 1
samples = 4
min_samples = 4
budget_s = 0.1
warmup_calls = 1
warmup_s = 0.0
warmup_cap_s = 0.1
steady_window = 4
"""


@pytest.fixture(scope="module")
def nets(environments: Environments, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small ONNX files."""
    folder = tmp_path_factory.mktemp("nets")
    try:
        python = environments.get("engines").python
    except Unavailable as error:
        pytest.skip(f"environment engines: {error}")
    subprocess.run([str(python), str(WRITER), str(folder)], check=True)
    return folder


@pytest.fixture(scope="module")
def workshop(environments: Environments, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("cache"), environments)


def models(*paths: Path, inputs: dict[str, str] | None = None) -> tuple[Model, ...]:
    catalogue = own_catalogue([str(path) for path in paths], inputs or {})
    return resolve_all(catalogue, list(catalogue.models), Path.cwd(), Weights())


def made(workshop: Workshop, model: Model, kind: str, *batches: int) -> Made:
    keys = [Key(model.variant, kind, batch) for batch in batches]
    return workshop.make([model], keys, workers=1)


def reference(workshop: Workshop, model: Model, kind: str, batch: int = 1) -> Reference:
    artifact = made(workshop, model, kind, batch)[Key(model.variant, kind, batch)]
    assert isinstance(artifact, Artifact), artifact
    return read_reference(artifact.reference)


@pytest.fixture(scope="module")
def records(nets: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Record]:
    """What `bench run` stored of three nets on four engines, by net and runner."""
    root = tmp_path_factory.mktemp("run")
    (root / "once.toml").write_text(SUITE)
    paths = [str(nets / f"{name}.onnx") for name in ("opset11", "opset21", "outside", "fixed")]
    where = ["--results", str(root / "results"), "--cache", str(default_cache())]
    assert main(["run", *paths, "--suite", str(root / "once.toml"), *where]) == 0
    tokens = [str(nets / "tokens.onnx"), "--input", "ids=Nx12:int64:0..99"]
    assert main(["run", *tokens, "--suite", str(root / "once.toml"), *where]) == 1
    runs = Store(root / "results").runs()
    return {f"{it.cell.variant} {it.cell.runner}": it for run in runs for it in run.records()}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("net", ["opset11", "opset21", "outside", "fixed"])
def test_an_onnx_file_is_measured_on_every_engine(
    net: str, engine: str, records: dict[str, Record]
) -> None:
    record = records[f"{net} {engine}"]
    assert isinstance(record.outcome, Measured), record.outcome
    (session,) = record.sessions
    assert session.relative_l2 is not None
    assert session.relative_l2 < 1e-4
    assert session.facts["reference"].startswith("onnxruntime ")


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino", "mnn"])
def test_whole_and_float_inputs_and_two_outputs_are_measured(
    engine: str, records: dict[str, Record]
) -> None:
    assert isinstance(records[f"tokens {engine}"].outcome, Measured)


def test_what_an_engine_has_no_layer_for_is_told_in_its_tools_words(
    records: dict[str, Record],
) -> None:
    outcome = records["tokens ncnn"].outcome
    assert isinstance(outcome, Failed)
    assert "layer Gather not exists or registered" in outcome.message


def test_an_open_axis_is_fixed_with_all_of_its_name_and_the_batch_is_open(
    nets: Path, workshop: Workshop
) -> None:
    (tokens,) = models(nets / "tokens.onnx", inputs={"mask": "Nx12"})
    one, four = (reference(workshop, tokens, "onnx", batch) for batch in (1, 4))
    assert {name: it.shape for name, it in four.inputs.items()} == {"ids": (4, 12), "mask": (4, 12)}
    assert {name: it.shape for name, it in four.outputs.items()} == {
        "hidden": (4, 12, 16), "pooled": (4, 16),
    }  # fmt: skip
    assert four.inputs["ids"].dtype == np.int64
    for name, array in one.outputs.items():
        np.testing.assert_allclose(array, four.outputs[name][:1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("batch", [4])
def test_what_stays_open_or_fixed_to_another_batch_says_so(
    batch: int, nets: Path, workshop: Workshop
) -> None:
    open_, fixed = models(nets / "open.onnx", nets / "fixed.onnx")
    (left_open,) = made(workshop, open_, "onnx", batch).values()
    (of_one,) = made(workshop, fixed, "onnx", batch).values()
    assert "leaves the shape of input 'x' open: nx3xhxw: fix it, as in --input x=" in str(left_open)
    assert isinstance(of_one, Unavailable)
    assert of_one.problem == "fixed.onnx is fixed to batch 1"


@pytest.mark.parametrize(
    ("kind", "name", "suffixes", "inputs"),
    [
        ("openvino-ir", "model.xml", (".xml", ".bin"), {}),
        ("ncnn", "model.ncnn.param", (".param", ".bin"), {"": "Nx3x8x8"}),
        ("mnn", "model.mnn", (".mnn",), {}),
    ],
)
def test_a_file_of_an_engines_own_format_is_run_by_that_engine(
    kind: str,
    name: str,
    suffixes: tuple[str, ...],
    inputs: dict[str, str],
    nets: Path,
    workshop: Workshop,
    tmp_path: Path,
) -> None:
    (net,) = models(nets / "opset11.onnx")
    artifact = made(workshop, net, kind, 1)[Key(net.variant, kind, 1)]
    assert isinstance(artifact, Artifact), artifact
    for suffix in suffixes:
        shutil.copy((artifact.folder / name).with_suffix(suffix), tmp_path / f"own{suffix}")
    (own,) = models(tmp_path / f"own{suffixes[0]}", inputs=inputs)
    expected, told = reference(workshop, net, "onnx"), reference(workshop, own, kind)
    (x,), (y,) = told.inputs.values(), told.outputs.values()
    np.testing.assert_array_equal(x, expected.inputs["x"])
    np.testing.assert_allclose(y.reshape(1, 10), expected.outputs["y"], rtol=1e-3, atol=1e-5)


def test_values_of_ones_own_are_what_the_net_is_run_on(
    nets: Path, workshop: Workshop, tmp_path: Path
) -> None:
    ids = np.arange(14).reshape(2, 7)
    np.savez(tmp_path / "v.npz", ids=ids)
    catalogue = own_catalogue([str(nets / "tokens.onnx")], {}, str(tmp_path / "v.npz"))
    (tokens,) = resolve_all(catalogue, ["tokens"], Path.cwd(), Weights())
    assert reference(workshop, tokens, "openvino-ir", 2).inputs["ids"].tolist() == ids.tolist()


@pytest.mark.parametrize("converter", ["openvino_ir", "ncnn_pnnx", "mnn_convert", "onnx_int8"])
def test_tensors_beside_a_large_file_go_with_it_through_each_converter(
    converter: str, nets: Path, environments: Environments, tmp_path: Path
) -> None:
    source = {"model": str(nets / "model.onnx")}
    python = environments.get("engines").python
    [answer] = attempt(python, converter, [(source, {})], out=tmp_path / "out", env={})
    assert "facts" in answer, answer


@pytest.mark.parametrize("damage", ["gone", "garbage"])
def test_a_broken_file_is_an_error_in_words(
    damage: str, nets: Path, workshop: Workshop, tmp_path: Path
) -> None:
    shutil.copytree(nets, tmp_path / "nets")
    weights = tmp_path / "nets/weights.data"
    weights.unlink() if damage == "gone" else weights.write_bytes(b"")
    (net,) = models(tmp_path / "nets/outside.onnx")
    (error,) = made(workshop, net, "onnx", 1).values()
    assert "outside.onnx can't be read as ONNX" in str(error)
