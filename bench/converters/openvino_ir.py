"""ONNX into OpenVINO's own IR: model.xml and model.bin, weights in float32."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.converters import onnx_file
from bench.core.errors import ArtifactError


def convert(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write `out`/model.xml and model.bin from `source["model"]`, an .onnx file."""
    onnx = onnx_file.path(source)
    try:
        import openvino
    except ImportError as error:
        raise ArtifactError(
            f"openvino can't be imported here ({error})",
            hint="leave --env engines out to have its environment built",
        ) from error
    try:
        model = openvino.Core().read_model(str(onnx))
    except RuntimeError as error:
        raise ArtifactError(
            f"OpenVINO can't read {onnx}", hint="mend the net, or leave out --runner openvino"
        ) from error
    # Its default writes the weights in FP16, which is another net.
    openvino.save_model(model, str(out / "model.xml"), compress_to_fp16=False)
    for name in ("model.xml", "model.bin"):
        onnx_file.require(out / name, by="OpenVINO")
    return {"openvino": importlib.metadata.version("openvino"), "types": _constant_types(model)}


def _constant_types(model: Any) -> list[str]:
    """Return the element types of the model's weights and other constants."""
    constants = (op for op in model.get_ops() if op.get_type_name() == "Constant")
    return sorted({op.get_element_type().to_string() for op in constants})
