"""ONNX into a graph that needs no ONNX library to be read: graph.json and weights.npz.

ONNX Runtime folds constants and merges what the file leaves apart (its basic optimisations, which
change no result but by rounding); what is left are ONNX's own operators.

    graph.json   {"opset": number, "inputs": {name: [dtype, shape]}, "outputs": [name],
                  "weights": [name], "nodes": [{"name", "op", "inputs": [name],
                  "outputs": [name], "attributes": {}}]}
    weights.npz  the array of each weight by its number in "weights"
"""

from __future__ import annotations

import importlib.metadata
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.converters import onnx_file
from bench.core.errors import ArtifactError


def convert(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write `out`/graph.json and weights.npz from `source["model"]`, an .onnx file.

    Raises ArtifactError where ONNX Runtime can't fold it.
    """
    import numpy as np
    from onnx import load

    with tempfile.TemporaryDirectory() as scratch:
        model = load(_folded(onnx_file.path(source), Path(scratch)))
    graph, arrays = described(model.graph)
    graph["opset"] = next((it.version for it in model.opset_import if not it.domain), 1)
    (out / "graph.json").write_text(json.dumps(graph), encoding="utf-8")
    np.savez(out / "weights.npz", **{str(number): it for number, it in enumerate(arrays)})
    return {
        "onnxruntime": importlib.metadata.version("onnxruntime"),
        "operators": sorted({node["op"] for node in graph["nodes"]}),
    }


def _folded(onnx: Path, scratch: Path) -> Path:
    """Return the file that ONNX Runtime makes of `onnx` in `scratch`."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(scratch / "folded.onnx")
    options.log_severity_level = 3
    try:
        onnxruntime.InferenceSession(str(onnx), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no base of their own
        raise ArtifactError(
            f"ONNX Runtime can't fold {onnx.name}: {str(error).splitlines()[0]}",
            hint="mend the net, or leave out --runner torch",
        ) from error
    return scratch / "folded.onnx"


def described(net: Any) -> tuple[dict[str, Any], list[Any]]:
    """Return what graph.json says of an ONNX graph, and the arrays of weights.npz."""
    from onnx import helper, numpy_helper

    names = [it.name for it in net.initializer]
    arrays = [numpy_helper.to_array(it) for it in net.initializer]
    types = {it.name: it.type.tensor_type for it in net.input}
    nodes = []
    for node in net.node:
        if node.op_type == "Constant":  # what folding left in place
            names.append(node.output[0])
            arrays.append(numpy_helper.to_array(helper.get_node_attr_value(node, "value")))
            continue
        nodes.append({
            "name": node.name,
            "op": node.op_type if not node.domain else f"{node.domain}.{node.op_type}",
            "inputs": list(node.input),
            "outputs": list(node.output),
            "attributes": {
                it.name: _plain(helper.get_attribute_value(it)) for it in node.attribute
            },
        })  # fmt: skip
    graph = {
        "inputs": {
            name: [
                str(helper.tensor_dtype_to_np_dtype(it.elem_type)),
                [side.dim_value for side in it.shape.dim],
            ]
            for name, it in types.items()
            if name not in names
        },
        "outputs": [it.name for it in net.output],
        "weights": names,
        "nodes": nodes,
    }
    return graph, arrays


def _plain(value: Any) -> Any:
    """Return an attribute as JSON has it; what JSON can't have by its type's name."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, int | float | str):
        return value
    if isinstance(value, list | tuple) or type(value).__name__.startswith("Repeated"):
        return [_plain(it) for it in value]
    return {"unread": type(value).__name__}
