"""ONNX in float32 into ONNX whose convolutions and matrix products are in INT8.

Dynamic quantisation: weights once, here; activations at each inference, by the range that they have
then. It needs no images to calibrate on.
"""

from __future__ import annotations

import importlib.metadata
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.converters import onnx_file
from bench.core.errors import ArtifactError

_ERRORS_ONLY = 3
# What there is in float32, and what must stand in its place.
_PRODUCTS = ("Conv", "MatMul", "Gemm")
_IN_INT8 = ("ConvInteger", "MatMulInteger")


def convert(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write `out`/model.onnx from `source["model"]`, an .onnx file in float32.

    Raises ArtifactError where the file can't be quantised, or nothing of it was.
    """
    onnx, made = onnx_file.path(source), out / "model.onnx"
    try:
        import onnx as format_
        import onnxruntime
        from onnxruntime import quantization
        from onnxruntime.quantization import shape_inference
    except ImportError as error:
        raise ArtifactError(
            f"onnxruntime and onnx can't be imported here ({error})",
            hint="leave --env engines out to have its environment built",
        ) from error
    onnxruntime.set_default_logger_severity(_ERRORS_ONLY)
    _quantise(onnx, made, quantization, shape_inference)
    counts = Counter(node.op_type for node in format_.load(str(made)).graph.node)
    return {
        "onnxruntime": importlib.metadata.version("onnxruntime"),
        "bytes": made.stat().st_size,
        **operators(counts),
    }


def _quantise(onnx: Path, made: Path, quantization: Any, shape_inference: Any) -> None:
    """Write `made`; raises ArtifactError."""
    large = bool(onnx_file.beside(onnx))
    outside = {"save_as_external_data": True, "external_data_location": "plain.data"}
    with tempfile.TemporaryDirectory() as scratch:
        plain = Path(scratch) / "plain.onnx"
        try:
            # Weights that an exporter passes through other nodes become the constants they are:
            # else they would be taken for activations, and quantised again at each inference.
            shape_inference.quant_pre_process(
                str(onnx), str(plain), skip_symbolic_shape=True, **(outside if large else {})
            )
            # Unsigned: ONNX Runtime's ConvInteger has no kernel for signed weights.
            quantization.quantize_dynamic(
                str(plain),
                str(made),
                weight_type=quantization.QuantType.QUInt8,
                use_external_data_format=large,
            )
        except Exception as error:
            raise ArtifactError(
                f"ONNX Runtime can't quantise {onnx}",
                hint="mend the net, or leave out precision int8",
            ) from error


def operators(counts: Mapping[str, int]) -> dict[str, Any]:
    """Return which operators are in INT8 and which stayed; raises ArtifactError for none at all."""
    lowered = {name: counts[name] for name in _IN_INT8 if counts.get(name)}
    if not lowered:
        raise ArtifactError(
            "nothing of this net was quantised", hint="it has no convolution with fixed weights"
        )
    return {"int8": lowered, "fp32": {name: counts[name] for name in _PRODUCTS if counts.get(name)}}
