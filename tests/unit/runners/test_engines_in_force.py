"""What the runners say is in force comes from the engine: stand-ins that do other than asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.core.cell import Cell
from bench.core.errors import Unavailable
from bench.runners import ncnn, onnxruntime, openvino
from bench.runners.base import import_engine, require_precision

CELL = Cell(variant="v", model_hash="m", runner="ncnn", batch=1, threads=3)


def runtime_node(precision: str) -> SimpleNamespace:
    told = SimpleNamespace(astype=lambda _: precision)
    return SimpleNamespace(get_rt_info=lambda: {"runtimePrecision": told})


def compiled(*precisions: str, flushes: bool = True) -> Any:
    """Stand in for a compiled model whose hint says f32 whatever its nodes compute in."""
    hint = SimpleNamespace(to_string=lambda: "f32")
    told: dict[str, Any] = {
        "INFERENCE_NUM_THREADS": 2, "INFERENCE_PRECISION_HINT": hint, "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False, "CPU_DENORMALS_OPTIMIZATION": flushes,
    }  # fmt: skip
    graph = SimpleNamespace(get_ops=lambda: [runtime_node(it) for it in precisions])
    request = SimpleNamespace(get_tensor=object)
    return SimpleNamespace(
        get_property=told.__getitem__,
        get_runtime_model=lambda: graph,
        create_infer_request=lambda: request,
        inputs=[],
        outputs=[],
    )


@pytest.mark.parametrize(
    ("nodes", "precision"),
    [
        (("f32", "i32", "dynamic"), "fp32"),
        (("f32", "bf16"), "bf16"),
        (("f16", "bf16", "f32"), "bf16 and fp16"),
        (("f32", "u8"), "int8"),
        (("i32",), "unknown"),
    ],
)
def test_openvinos_precision_is_that_of_the_graph_that_runs_not_of_the_hint(
    nodes: tuple[str, ...], precision: str
) -> None:
    facts = openvino.OpenVinoSession(lambda: compiled(*nodes), "2026.4.1-22982-abc").facts
    assert facts["precision"] == precision
    assert facts["engine"] == "openvino 2026.4.1"
    assert (facts["threads"], facts["streams"], facts["pinning"]) == ("2", "1", "off")


def test_openvino_is_asked_for_one_stream_of_the_cells_threads_in_fp32() -> None:
    assert openvino.properties(CELL) == {
        "INFERENCE_NUM_THREADS": 3,
        "NUM_STREAMS": 1,
        "INFERENCE_PRECISION_HINT": "f32",
        "ENABLE_CPU_PINNING": False,
        "CPU_DENORMALS_OPTIMIZATION": True,
    }


@pytest.mark.parametrize(("does", "fact"), [(True, "flushed"), (False, "kept")])
def test_what_becomes_of_subnormals_is_read_back_from_the_engine(
    does: bool, fact: str, tmp_path: Path
) -> None:
    told = openvino.OpenVinoSession(lambda: compiled("f32", flushes=does), "2026.4.1").facts
    assert told["subnormals"] == fact
    stand_in = session(**{"session.set_denormal_as_zero": str(int(does))})
    told = onnxruntime.OnnxRuntimeSession(lambda: stand_in, "1.23.2", onnx_file(tmp_path)).facts
    assert told["subnormals"] == fact


@pytest.mark.parametrize(("precision", "hint"), [("bf16", "bf16"), ("fp16", "f16")])
def test_openvino_is_asked_for_a_lower_precision_by_its_hint(precision: str, hint: str) -> None:
    asked = openvino.properties(replace(CELL, precision=precision))
    assert asked["INFERENCE_PRECISION_HINT"] == hint


def test_openvino_refuses_what_the_chip_does_not_tell_it_can() -> None:
    told = ["BF16", "WINOGRAD", "FP32", "INT8"]
    openvino.require_capability(replace(CELL, precision="bf16"), told)
    openvino.require_capability(CELL, [])
    with pytest.raises(Unavailable, match=r"no fp16 on this chip: use precision fp32 or bf16$"):
        openvino.require_capability(replace(CELL, precision="fp16"), told)
    with pytest.raises(Unavailable, match=r"no bf16 on this chip: use precision fp32$"):
        openvino.require_capability(replace(CELL, precision="bf16"), ["FP32"])


def test_openvinos_request_is_told_by_its_own_clock_in_ns() -> None:
    stand_in = compiled("f32")
    request = SimpleNamespace(get_tensor=object, infer=lambda: None, latency=0.6725)
    stand_in.create_infer_request = lambda: request
    samples = openvino.OpenVinoSession(lambda: stand_in, "2026.4.1").sample_request(3)
    assert samples == [672_500, 672_500, 672_500]


def net(**options: object) -> Any:
    """Stand in for an ncnn net whose options are FP32's but for `options`."""
    plain = dict.fromkeys(
        (
            "use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_packed",
            "use_bf16_storage", "use_vulkan_compute",
        ),
        False,
    )  # fmt: skip
    opt = SimpleNamespace(
        **{**plain, "num_threads": 1, "use_winograd_convolution": True, **options}
    )
    return SimpleNamespace(opt=opt, input_names=lambda: ["in0"], output_names=lambda: ["out0"])


@pytest.mark.parametrize(
    ("options", "precision"),
    [
        ({}, "fp32"),
        ({"use_fp16_storage": True, "use_fp16_packed": True}, "fp16"),
        ({"use_bf16_storage": True}, "bf16"),
        ({"use_bf16_packed": True, "use_fp16_arithmetic": True}, "bf16 and fp16"),
    ],
)
def test_ncnns_precision_is_read_back_from_its_options(
    options: dict[str, object], precision: str
) -> None:
    facts = ncnn.NcnnSession(net(**options), chip(__version__="1.0.2")).facts
    assert (facts["precision"], facts["engine"], facts["threads"]) == (precision, "ncnn 1.0.2", "1")


def chip(*able: str, **more: object) -> Any:
    """Stand in for the ncnn package on a chip of which the functions in `able` say yes."""
    names = ("cpu_support_x86_avx2", "cpu_support_arm_vfpv4", "cpu_support_arm_asimdhp")
    return SimpleNamespace(**{n: (lambda n=n: int(n in able)) for n in names}, **more)


@pytest.mark.parametrize(
    ("able", "arithmetic"), [("cpu_support_x86_avx2", "off"), ("cpu_support_arm_asimdhp", "on")]
)
def test_ncnn_tells_whether_the_chip_computes_in_fp16_or_only_keeps_weights_in_it(
    able: str, arithmetic: str
) -> None:
    engine = chip(able, __version__="1.0.2")
    ncnn.require_chip(replace(CELL, precision="fp16"), engine)
    facts = ncnn.NcnnSession(net(use_fp16_storage=True), engine).facts
    assert facts["fp16_arithmetic"] == arithmetic
    assert "fp16_arithmetic" not in ncnn.NcnnSession(net(), engine).facts


def test_ncnn_refuses_fp16_where_the_chip_can_not_even_convert_it() -> None:
    ncnn.require_chip(replace(CELL, precision="bf16"), chip())
    with pytest.raises(Unavailable, match="ncnn has no fp16 on this chip"):
        ncnn.require_chip(replace(CELL, precision="fp16"), chip())


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_ncnns_options_are_on_for_the_precision_asked_for_and_for_no_other(
    precision: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    loaded = net(use_fp16_storage=True, use_bf16_storage=True)
    loaded.load_param = loaded.load_model = lambda _: 0
    engine = chip("cpu_support_x86_avx2", Net=lambda: loaded, __version__="1")
    monkeypatch.setattr(ncnn, "import_engine", lambda *_, **__: engine)
    with ncnn.NcnnRunner().open(replace(CELL, precision=precision), tmp_path / "m.param") as opened:
        assert opened.facts["precision"] == precision


def onnx_file(folder: Path, *operators: str, before: int = 9) -> Path:
    """Write nodes as protobuf does, a node's operator behind 0x22 and its length."""
    path = folder / "model.onnx"
    nodes = (b"\x22" + bytes([len(it)]) + it.encode() + b"\x3a\x00" for it in operators)
    path.write_bytes(b"w" * before + b"".join(nodes))
    return path


def session(kind: str = "tensor(float)", **entries: str) -> Any:
    """Stand in for an ONNX Runtime session with ends of type `kind`."""
    told = {"session.intra_op.allow_spinning": "1", **entries}
    told.setdefault("session.set_denormal_as_zero", "1")
    told.setdefault("mlas.enable_gemm_fastmath_arm64_bfloat16", "0")
    options = SimpleNamespace(intra_op_num_threads=4, get_session_config_entry=told.__getitem__)
    return SimpleNamespace(
        get_inputs=lambda: [SimpleNamespace(name="x", type="tensor(float)")],
        get_outputs=lambda: [SimpleNamespace(name="y", type=kind)],
        get_session_options=lambda: options,
        get_providers=lambda: ["CPUExecutionProvider"],
    )


@pytest.mark.parametrize(
    ("stand_in", "precision"),
    [
        (session(), "fp32"),
        (session("tensor(float16)"), "fp16 and fp32"),
        (session("tensor(int64)"), "fp32"),
        (session(**{"mlas.enable_gemm_fastmath_arm64_bfloat16": "1"}), "bf16"),
    ],
)
def test_onnx_runtimes_precision_is_that_of_its_tensors_and_of_its_matrix_product(
    stand_in: Any, precision: str, tmp_path: Path
) -> None:
    facts = onnxruntime.OnnxRuntimeSession(
        lambda: stand_in, "1.23.2", onnx_file(tmp_path, "Conv")
    ).facts
    assert (facts["precision"], facts["threads"], facts["spinning"]) == (precision, "4", "on")


@pytest.mark.parametrize(
    ("operators", "precision"),
    [
        (["Conv", "QuantizeLinear"], "int8"), (["DynamicQuantizeLinear"], "int8"),
        (["QLinearConv"], "int8"), (["MatMulInteger"], "int8"),
        (["DequantizeLinear", "MatMul"], "fp32"),  # its weights alone are in 8 bits
        (["my_QuantizeLinear"], "fp32"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("before", [0, (1 << 20) - 5])
def test_a_quantised_file_whoever_wrote_it_is_int8_in_onnx_runtime(
    operators: list[str], precision: str, before: int, tmp_path: Path
) -> None:
    file = onnx_file(tmp_path, *operators, before=before)
    facts = onnxruntime.OnnxRuntimeSession(session, "1.23.2", file).facts
    assert facts["precision"] == precision


def test_onnx_runtime_tells_no_precision_of_whole_numbers_alone(tmp_path: Path) -> None:
    stand_in = session("tensor(int64)")
    stand_in.get_inputs = stand_in.get_outputs
    facts = onnxruntime.OnnxRuntimeSession(lambda: stand_in, "1.23.2", onnx_file(tmp_path)).facts
    assert "precision" not in facts


def test_a_precision_that_a_runner_has_not_is_named_beside_those_that_it_has() -> None:
    require_precision(CELL, "fp32", "bf16")
    with pytest.raises(
        Unavailable, match=r"the ncnn runner has no fp32 .*use precision fp16 or bf16"
    ):
        require_precision(CELL, "fp16", "bf16")


def test_an_engine_that_is_not_installed_is_unavailable_not_an_error() -> None:
    with pytest.raises(Unavailable, match=r"no_such_engine can't .*leave --env engines"):
        import_engine("no_such_engine", env="engines")
