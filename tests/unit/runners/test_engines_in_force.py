"""What the runners say is in force comes from the engine: stand-ins that do other than asked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bench.cell import Cell
from bench.errors import Unavailable
from bench.runners import mnn, ncnn, onnxruntime, openvino
from bench.runners.base import import_engine, require_precision

CELL = Cell(variant="v", model_hash="m", runner="ncnn", batch=1, threads=3)


def runtime_node(precision: str) -> SimpleNamespace:
    told = SimpleNamespace(astype=lambda _: precision)
    return SimpleNamespace(get_rt_info=lambda: {"runtimePrecision": told})


def compiled(*precisions: str) -> Any:
    """Stand in for a compiled model whose hint says f32 whatever its nodes compute in."""
    hint = SimpleNamespace(to_string=lambda: "f32")
    told = {
        "INFERENCE_NUM_THREADS": 2, "INFERENCE_PRECISION_HINT": hint, "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,
    }  # fmt: skip
    graph = SimpleNamespace(get_ops=lambda: [runtime_node(it) for it in precisions])
    request = SimpleNamespace(get_input_tensor=object, get_output_tensor=object)
    return SimpleNamespace(
        get_property=told.__getitem__,
        get_runtime_model=lambda: graph,
        create_infer_request=lambda: request,
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
    facts = openvino.OpenVinoSession(compiled(*nodes), "2026.4.1-22982-abc").facts
    assert facts["precision"] == precision
    assert facts["engine"] == "openvino 2026.4.1"
    assert (facts["threads"], facts["streams"], facts["pinning"]) == ("2", "1", "off")


def test_openvino_is_asked_for_one_stream_of_the_cells_threads_in_fp32() -> None:
    assert openvino.properties(CELL) == {
        "INFERENCE_NUM_THREADS": 3,
        "NUM_STREAMS": 1,
        "INFERENCE_PRECISION_HINT": "f32",
        "ENABLE_CPU_PINNING": False,
    }


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
    facts = ncnn.NcnnSession(net(**options), SimpleNamespace(__version__="1.0.2")).facts
    assert (facts["precision"], facts["engine"], facts["threads"]) == (precision, "ncnn 1.0.2", "1")


def session(kind: str = "tensor(float)", **entries: str) -> Any:
    """Stand in for an ONNX Runtime session with ends of type `kind`."""
    told = {"session.intra_op.allow_spinning": "1", **entries}
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
        (session(**{"mlas.enable_gemm_fastmath_arm64_bfloat16": "1"}), "bf16"),
    ],
)
def test_onnx_runtimes_precision_is_that_of_its_tensors_and_of_its_matrix_product(
    stand_in: Any, precision: str
) -> None:
    facts = onnxruntime.OnnxRuntimeSession(stand_in, "1.23.2").facts
    assert (facts["precision"], facts["threads"], facts["spinning"]) == (precision, "4", "on")


def test_mnns_thread_count_is_read_from_the_bits_of_a_float() -> None:
    tensor = SimpleNamespace(getShape=lambda: (1, 1000))
    interpreter = SimpleNamespace(
        getSessionInput=lambda _: tensor,
        getSessionOutput=lambda _: tensor,
        # What MNN 3.6 says of a session of two threads.
        getSessionInfo=lambda _, code: {2: 13, 4: 2.802596928649634e-45}[code],
    )
    engine = SimpleNamespace(version=lambda: "3.6.1")
    facts = mnn.MnnSession(engine, interpreter, object()).facts
    assert (facts["engine"], facts["threads"]) == ("MNN 3.6.1", "2")
    assert facts["backend"] == "cpu, with the chip's extensions"


def test_a_precision_that_a_runner_has_not_is_named_beside_those_that_it_has() -> None:
    require_precision(CELL, "fp32", "bf16")
    with pytest.raises(
        Unavailable, match=r"the ncnn runner has no fp32 .*use precision fp16 or bf16"
    ):
        require_precision(CELL, "fp16", "bf16")


def test_an_engine_that_is_not_installed_is_unavailable_not_an_error() -> None:
    with pytest.raises(Unavailable, match=r"no_such_engine can't .*leave --env engines"):
        import_engine("no_such_engine", env="engines")
