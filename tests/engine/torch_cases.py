"""One small ONNX net an operator, what ONNX Runtime computes of it, and its graph for PyTorch.

Runs in the `engines` environment: `python torch_cases.py FOLDER` writes FOLDER/NAME/ with
graph.json, weights.npz and expected.npz (x: the input, y: the output).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

OPSET = 17
IMAGE = (2, 4, 9, 7)
RNG = np.random.default_rng(0)


def weights(*shape: int) -> Any:
    return RNG.standard_normal(shape).astype(np.float32)


def ints(*values: int) -> Any:
    return np.array(values, np.int64)


# name: operator, shape of the input, the other inputs, attributes
Case = tuple[str, tuple[int, ...], list[Any], dict[str, Any]]
CASES: dict[str, Case] = {
    "conv": ("Conv", IMAGE, [weights(6, 4, 3, 3), weights(6)], {"pads": [1, 1, 1, 1]}),
    "conv_groups": ("Conv", IMAGE, [weights(4, 1, 3, 3)], {"group": 4, "strides": [2, 1]}),
    "conv_uneven": (
        "Conv", IMAGE, [weights(6, 4, 3, 2)], {"pads": [0, 1, 2, 0], "dilations": [2, 1]},
    ),
    "conv_same_upper": (
        "Conv", IMAGE, [weights(6, 4, 2, 3)], {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
    ),
    "conv_same_lower": ("Conv", IMAGE, [weights(6, 4, 2, 4)], {"auto_pad": "SAME_LOWER"}),
    "conv_1d": ("Conv", (2, 4, 9), [weights(6, 4, 3)], {"pads": [1, 1]}),
    "max_pool": ("MaxPool", IMAGE, [], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    "max_pool_uneven": (
        "MaxPool", IMAGE, [], {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [0, 0, 1, 1]},
    ),
    "max_pool_ceil": (
        "MaxPool", IMAGE, [], {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1},
    ),
    "average_pool": (
        "AveragePool", IMAGE, [], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [2, 2]},
    ),
    "average_pool_counts": (
        "AveragePool", IMAGE, [],
        {"kernel_shape": [3, 3], "pads": [0, 1, 1, 0], "count_include_pad": 1},
    ),
    "global_average": ("GlobalAveragePool", IMAGE, [], {}),
    "global_max": ("GlobalMaxPool", IMAGE, [], {}),
    "batch_norm": (
        "BatchNormalization", IMAGE, [weights(4), weights(4), weights(4), weights(4) ** 2], {},
    ),
    "layer_norm": ("LayerNormalization", (2, 5, 8), [weights(8), weights(8)], {"axis": -1}),
    "gemm": ("Gemm", (3, 5), [weights(4, 5), weights(4)], {"transB": 1}),
    "gemm_scaled": (
        "Gemm", (5, 3), [weights(5, 4), weights(4)], {"transA": 1, "alpha": 0.5, "beta": 2.0},
    ),
    "matmul": ("MatMul", (2, 3, 5), [weights(5, 4)], {}),
    "add": ("Add", IMAGE, [weights(4, 1, 1)], {}),
    "sub": ("Sub", IMAGE, [weights(7)], {}),
    "mul": ("Mul", IMAGE, [weights(1)], {}),
    "div": ("Div", IMAGE, [weights(7) + 4], {}),
    "pow": ("Pow", IMAGE, [np.float32(2.0)], {}),
    "max": ("Max", IMAGE, [weights(7), weights(9, 1)], {}),
    "min": ("Min", IMAGE, [weights(7)], {}),
    "sum": ("Sum", IMAGE, [weights(7), weights(4, 1, 1)], {}),
    "clip": ("Clip", IMAGE, [np.float32(-0.2), np.float32(0.6)], {}),
    "clip_above": ("Clip", IMAGE, [None, np.float32(0.6)], {}),
    "relu": ("Relu", IMAGE, [], {}),
    "leaky": ("LeakyRelu", IMAGE, [], {"alpha": 0.2}),
    "elu": ("Elu", IMAGE, [], {"alpha": 0.7}),
    "sigmoid": ("Sigmoid", IMAGE, [], {}),
    "hard_sigmoid": ("HardSigmoid", IMAGE, [], {"alpha": 0.3, "beta": 0.4}),
    "hard_swish": ("HardSwish", IMAGE, [], {}),
    "softplus": ("Softplus", IMAGE, [], {}),
    "softmax": ("Softmax", IMAGE, [], {"axis": 1}),
    "log_softmax": ("LogSoftmax", IMAGE, [], {}),
    "tanh": ("Tanh", IMAGE, [], {}),
    "erf": ("Erf", IMAGE, [], {}),
    "exp": ("Exp", IMAGE, [], {}),
    "abs": ("Abs", IMAGE, [], {}),
    "neg": ("Neg", IMAGE, [], {}),
    "floor": ("Floor", IMAGE, [], {}),
    "reduce_mean": ("ReduceMean", IMAGE, [], {"axes": [2, 3], "keepdims": 0}),
    "reduce_mean_all": ("ReduceMean", IMAGE, [], {}),
    "reduce_sum": ("ReduceSum", IMAGE, [ints(-1)], {}),
    "reduce_max": ("ReduceMax", IMAGE, [], {"axes": [1]}),
    "reshape": ("Reshape", IMAGE, [ints(0, 2, -1)], {}),
    "flatten": ("Flatten", IMAGE, [], {}),
    "flatten_2": ("Flatten", IMAGE, [], {"axis": 2}),
    "transpose": ("Transpose", IMAGE, [], {"perm": [0, 2, 3, 1]}),
    "transpose_all": ("Transpose", IMAGE, [], {}),
    "concat": ("Concat", IMAGE, [weights(2, 1, 9, 7)], {"axis": 1}),
    "slice": ("Slice", IMAGE, [ints(1, -4), ints(100, -1), ints(1, 3), ints(2, 1)], {}),
    "squeeze": ("Squeeze", (2, 1, 3, 1), [ints(1)], {}),
    "squeeze_all": ("Squeeze", (2, 1, 3, 1), [], {}),
    "unsqueeze": ("Unsqueeze", (2, 3), [ints(0, -1)], {}),
    "pad": ("Pad", IMAGE, [ints(0, 0, 1, 0, 0, 0, 0, 2), np.float32(1.5)], {}),
    "gather": ("Gather", IMAGE, [np.array([[2, -1], [0, 1]])], {"axis": 1}),
    "expand": ("Expand", (2, 1, 3), [ints(4, 1, 5, 1)], {}),
    "lstm": (
        "LSTM", (5, 2, 3), [weights(2, 16, 3), weights(2, 16, 4), weights(2, 32)],
        {"hidden_size": 4, "direction": "bidirectional"},
    ),
    "lstm_plain": ("LSTM", (5, 2, 3), [weights(1, 16, 3), weights(1, 16, 4)], {"hidden_size": 4}),
    "lstm_states": (
        "LSTM", (5, 2, 3),
        [weights(1, 16, 3), weights(1, 16, 4), weights(1, 32), None, weights(1, 2, 4),
         weights(1, 2, 4)], {"hidden_size": 4},
    ),
    "gru": (
        "GRU", (5, 2, 3), [weights(1, 12, 3), weights(1, 12, 4), weights(1, 24)],
        {"hidden_size": 4, "linear_before_reset": 1},
    ),
    "lstm_first_output": (
        "LSTM", (5, 2, 3), [weights(1, 16, 3), weights(1, 16, 4), None, None, weights(1, 2, 4)],
        {"hidden_size": 4},
    ),
    "lstm_first_memory": (
        "LSTM", (5, 2, 3),
        [weights(1, 16, 3), weights(1, 16, 4), None, None, None, weights(1, 2, 4)],
        {"hidden_size": 4},
    ),
    "max_pool_ceil_uneven": (
        "MaxPool", IMAGE, [],
        {"kernel_shape": [2, 3], "strides": [2, 3], "pads": [0, 0, 1, 1], "ceil_mode": 1},
    ),
    "max_pool_wide_pads": ("MaxPool", IMAGE, [], {"kernel_shape": [3, 3], "pads": [2, 2, 2, 2]}),
    "max_pool_dilated": (
        "MaxPool", IMAGE, [], {"kernel_shape": [3, 3], "pads": [2] * 4, "dilations": [2, 2]},
    ),
    "average_pool_wide_pads": (
        "AveragePool", IMAGE, [],
        {"kernel_shape": [3, 3], "pads": [2, 2, 2, 2], "count_include_pad": 1},
    ),
    "clip_nothing": ("Clip", IMAGE, [], {}),
    "div_whole": ("Div", (2, 3), [ints(2, -2, 3)], {}),
    "pow_whole": ("Pow", (2, 3), [np.float32(2.0)], {}),
    "reduce_sum_whole": ("ReduceSum", (2, 3), [ints(1)], {}),
    "reduce_mean_nothing": ("ReduceMean", IMAGE, [ints()], {"noop_with_empty_axes": 1}),
    "softmax_several_axes": ("Softmax", IMAGE, [], {}),
    "log_softmax_several_axes": ("LogSoftmax", IMAGE, [], {"axis": -2}),
    "flatten_one_axis": ("Flatten", (5,), [], {}),
    "pad_value_of_one": ("Pad", IMAGE, [ints(0, 0, 1, 0, 0, 0, 0, 2), weights(1)], {}),
    "slice_from_the_end": ("Slice", IMAGE, [ints(-(2**63)), ints(3), ints(2)], {}),
    "slice_nothing": ("Slice", IMAGE, [ints(), ints(), ints()], {}),
}  # fmt: skip
REFUSED: dict[str, Case] = {
    "pads that differ": (
        "AveragePool", IMAGE, [],
        {"kernel_shape": [3, 3], "pads": [0, 0, 1, 1], "ceil_mode": 1, "count_include_pad": 1},
    ),
    "dilations": ("AveragePool", IMAGE, [], {"kernel_shape": [2, 2], "dilations": [2, 2]}),
    "both ceil_mode and count_include_pad": (
        "AveragePool", IMAGE, [],
        {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1, "count_include_pad": 1},
    ),
    "training mode": ("Dropout", IMAGE, [np.float32(0.5), np.bool_(True)], {}),
    "LSTM with clip": (
        "LSTM", (5, 2, 3), [weights(1, 16, 3), weights(1, 16, 4)],
        {"hidden_size": 4, "clip": 0.1},
    ),
    "input_forget": (
        "LSTM", (5, 2, 3), [weights(1, 16, 3), weights(1, 16, 4)],
        {"hidden_size": 4, "input_forget": 1},
    ),
    "peepholes": (
        "LSTM", (5, 2, 3),
        [weights(1, 16, 3), weights(1, 16, 4), None, None, None, None, weights(1, 12)],
        {"hidden_size": 4},
    ),
    "GRU with clip": (
        "GRU", (5, 2, 3), [weights(1, 12, 3), weights(1, 12, 4)],
        {"hidden_size": 4, "linear_before_reset": 1, "clip": 0.1},
    ),
}  # fmt: skip
"""What PyTorch computes otherwise or can't, by what is said of it."""
OPSETS = {"softmax_several_axes": 11, "log_softmax_several_axes": 11, "reduce_mean_nothing": 18,
          "dilations": 19}  # fmt: skip
TYPES = {"div_whole": np.int64, "pow_whole": np.int64, "reduce_sum_whole": np.int32}


def main(folder: Path) -> None:
    """Write every case below `folder`."""
    import onnx
    import onnxruntime

    from bench.converters import onnx_graph

    for name, (op, shape, others, attributes) in (CASES | REFUSED).items():
        out = folder / name
        out.mkdir()
        named = {f"w{number}": it for number, it in enumerate(others) if it is not None}
        names = [f"w{n}" if it is not None else "" for n, it in enumerate(others)]
        kind = np.dtype(TYPES.get(name, np.float32))
        number = onnx.helper.np_dtype_to_tensor_dtype(kind)
        node = onnx.helper.make_node(op, ["x", *names], ["y"], **attributes)
        graph = onnx.helper.make_graph(
            [node], name,
            [onnx.helper.make_tensor_value_info("x", number, shape)],
            [onnx.helper.make_tensor_value_info("y", number, None)],
            [onnx.numpy_helper.from_array(np.asarray(it), key) for key, it in named.items()],
        )  # fmt: skip
        opsets = [onnx.helper.make_opsetid("", OPSETS.get(name, OPSET))]
        model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=9)
        path = out / "model.onnx"
        onnx.save(model, path)
        x = (RNG.standard_normal(shape) * (1 if kind == np.float32 else 9)).astype(kind)
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(str(path), options)
        np.savez(out / "expected.npz", x=x, y=session.run(None, {"x": x})[0])
        onnx_graph.convert({"model": str(path)}, {}, out)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
