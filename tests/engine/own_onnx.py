"""Small ONNX files, written in the `engines` environment: `python own_onnx.py FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np


def main(folder: Path) -> None:
    """Write every file below `folder`."""
    import onnx

    floats, wholes = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
    rng = np.random.default_rng(0)

    def weights(*shape: int) -> Any:
        return 0.3 * rng.standard_normal(shape).astype(np.float32)

    def save(
        name: str, opset: int, nodes: list[Any], inputs: Any, outputs: Any, held: Any, **how: Any
    ) -> None:
        ends = [
            [onnx.helper.make_tensor_value_info(*it) for it in end] for end in (inputs, outputs)
        ]
        arrays = [onnx.numpy_helper.from_array(array, name) for name, array in held.items()]
        graph = onnx.helper.make_graph(nodes, "graph", *ends, arrays)
        opsets = [onnx.helper.make_opsetid("", opset)]
        model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8)
        onnx.checker.check_model(model)
        onnx.save(model, str(folder / f"{name}.onnx"), **how)

    node = onnx.helper.make_node
    image = [
        node("Conv", ["x", "kernel"], ["c"], pads=[1, 1, 1, 1]),
        node("Relu", ["c"], ["r"]),
        node("GlobalAveragePool", ["r"], ["p"]),
        node("Flatten", ["p"], ["f"]),
        node("MatMul", ["f", "classes"], ["y"]),
    ]
    held = {"kernel": weights(8, 3, 3, 3), "classes": weights(8, 10)}
    outside = {"save_as_external_data": True, "location": "weights.data", "size_threshold": 0}
    large = {**outside, "location": "model.onnx.data"}  # as the importer writes what is above 2 GB
    for name, opset, shape, how in (
        ("opset11", 11, ["n", 3, 8, 8], {}),
        ("opset21", 21, ["n", 3, 8, 8], {}),
        ("outside", 17, ["n", 3, 8, 8], outside),
        ("model", 17, [1, 3, 8, 8], large),
        ("fixed", 17, [1, 3, 8, 8], {}),
        ("open", 17, ["n", 3, "h", "w"], {}),
    ):
        save(name, opset, image, [("x", floats, shape)], [("y", floats, ["n", 10])], held, **how)
    tokens = [
        node("Gather", ["table", "ids"], ["e"], axis=0),
        node("Unsqueeze", ["mask", "axis"], ["m"]),
        node("Mul", ["e", "m"], ["masked"]),
        node("MatMul", ["masked", "w"], ["hidden"]),
        node("ReduceMean", ["hidden"], ["pooled"], axes=[1], keepdims=0),
    ]
    save(
        "tokens", 17, tokens,
        [("ids", wholes, ["n", "length"]), ("mask", floats, ["n", "length"])],
        [("hidden", floats, ["n", "length", 16]), ("pooled", floats, ["n", 16])],
        {"table": weights(100, 32), "w": weights(32, 16), "axis": np.array([2], np.int64)},
    )  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]))
