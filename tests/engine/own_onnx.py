"""Small ONNX files, written in the `engines` environment: `python own_onnx.py FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

FLOATS, WHOLES = 1, 7  # of onnx.TensorProto
RNG = np.random.default_rng(0)


def main(folder: Path) -> None:
    """Write every file below `folder`."""
    import onnx

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
        ends = [("x", FLOATS, shape)], [("y", FLOATS, ["n", 10])]
        save(folder / f"{name}.onnx", opset, image, *ends, held, **how)
    save_tokens(folder / "tokens.onnx")
    deeper = [*image[:2], node("Conv", ["r", "more"], ["d"], pads=[1, 1, 1, 1]), *image[2:]]
    deeper[3] = node("GlobalAveragePool", ["d"], ["p"])
    ends = [("x", FLOATS, [1, 3, 8, 8])], [("y", FLOATS, ["n", 10])]
    save(folder / "deeper.onnx", 17, deeper, *ends, {**held, "more": weights(8, 8, 3, 3)})


def save_tokens(path: Path) -> None:
    """Write a net of two inputs, one of whole numbers, and two outputs."""
    import onnx

    node = onnx.helper.make_node
    tokens = [
        node("Gather", ["table", "ids"], ["e"], axis=0),
        node("Unsqueeze", ["mask", "axis"], ["m"]),
        node("Mul", ["e", "m"], ["masked"]),
        node("MatMul", ["masked", "w"], ["hidden"]),
        node("ReduceMean", ["hidden"], ["pooled"], axes=[1], keepdims=0),
    ]
    save(
        path, 17, tokens,
        [("ids", WHOLES, ["n", "length"]), ("mask", FLOATS, ["n", "length"])],
        [("hidden", FLOATS, ["n", "length", 16]), ("pooled", FLOATS, ["n", 16])],
        {"table": weights(100, 32), "w": weights(32, 16), "axis": np.array([2], np.int64)},
    )  # fmt: skip


def weights(*shape: int) -> Any:
    """Return the next of the seeded weights."""
    return 0.3 * RNG.standard_normal(shape).astype(np.float32)


def save(
    path: Path, opset: int, nodes: list[Any], inputs: Any, outputs: Any, held: Any, **how: Any
) -> None:
    """Write a net that ONNX's own checker accepts."""
    import onnx

    ends = [[onnx.helper.make_tensor_value_info(*it) for it in end] for end in (inputs, outputs)]
    arrays = [onnx.numpy_helper.from_array(array, name) for name, array in held.items()]
    graph = onnx.helper.make_graph(nodes, "graph", *ends, arrays)
    opsets = [onnx.helper.make_opsetid("", opset)]
    model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path), **how)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
