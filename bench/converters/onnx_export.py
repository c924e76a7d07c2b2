"""An exported Paddle model into ONNX, with `paddle2onnx`: one batch, float32 throughout.

The file is as the exporter writes it. Its own step of optimising is left out: it calls Polygraphy,
which installs packages while it runs; every engine folds constants when it loads the file.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench.core.errors import ArtifactError
from bench.core.tensors import FLOATS, Reference, read_reference

_FLOATS = ("FLOAT16", "BFLOAT16", "DOUBLE")
# Relative L2; what rounds differently is below 1e-3, a converter's fault is 1e-1 and more.
_ANOTHER = 1e-2
_OF_ANOTHER_SHAPE = float("inf")
_ELSEWHERE = "measure the net with the paddle runner, or build it of other operators"


def convert(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write `out`/model.onnx from `source["model"]` (.pdmodel or .json) and `source["params"]`.

    `options["opset"]` is the least version of the operator set. Open extents become those of the
    inputs in `source["reference"]`, without one the first becomes the batch of
    `options["batches"]`. Raises ArtifactError where the export fails, has other inputs, isn't of
    fixed shape and of float32, or computes something else than the reference says.
    """
    model, params = Path(source["model"]), Path(source["params"])
    if model.suffix == ".json" and model.is_file() and not params.is_file():
        params = out / "none.pdiparams"  # Paddle writes no file for a net without weights
        params.touch()
    for path in (model, params):
        if not path.is_file():
            raise ArtifactError(f"{path} is no file", hint="export the model as program first")
    if model.suffix not in (".pdmodel", ".json"):
        raise ArtifactError(
            f"{model}: paddle2onnx reads .pdmodel and .json only",
            hint="export the model with Paddle",
        )
    made = out / "model.onnx"
    _export(model, params, made, options["opset"])
    (out / "none.pdiparams").unlink(missing_ok=True)
    reference = read_reference(Path(source["reference"])) if "reference" in source else None
    return {
        "paddle2onnx": importlib.metadata.version("paddle2onnx"),
        **_settle(made, reference, batch=min(options["batches"])),
        **({} if reference is None else _compare(made, reference)),
    }


def _export(model: Path, params: Path, made: Path, opset: int) -> None:
    try:
        import paddle2onnx
    except ImportError as error:
        raise ArtifactError(
            f"paddle2onnx can't be imported here ({error})",
            hint="its 2.1.0 wheel needs Python 3.8 to 3.12 and paddlepaddle 3",
        ) from error
    try:
        paddle2onnx.export(
            str(model), str(params), str(made), opset_version=opset, optimize_tool=None
        )
    except (Exception, SystemExit) as error:  # it logs the cause and leaves with exit(-1)
        raise ArtifactError(
            f"paddle2onnx can't export {model}",
            hint="build the net of operators that Paddle2ONNX knows",
        ) from error
    if not made.is_file():
        raise ArtifactError(
            f"paddle2onnx made no {made.name}",
            hint="mend the net, or leave out what needs this format",
        )


def _settle(made: Path, reference: Reference | None, *, batch: int) -> dict[str, Any]:
    """Fix open extents in the file and return what is in it."""
    import onnx

    model = onnx.load(str(made))
    inputs, outputs = model.graph.input, model.graph.output
    wanted = {} if reference is None else {name: it.shape for name, it in reference.inputs.items()}
    if set(wanted) != {it.name for it in inputs}:
        wanted = dict(zip((it.name for it in inputs), wanted.values(), strict=False))
    fixed = [_fix(it, wanted.get(it.name, (batch,))) for it in inputs]
    results = [] if reference is None else [it.shape for it in reference.outputs.values()]
    results = results or [(batch,)] * len(outputs)
    fixed += [_fix(it, shape) for it, shape in zip(outputs, results, strict=False)]
    if any(fixed):
        del model.graph.value_info[:]  # shapes inferred with extents open
        onnx.save(model, str(made))
    shapes = {it.name: _shape(it) for it in inputs}
    for name, shape in shapes.items():
        due = list(wanted.get(name, (batch, *shape[1:])))
        if shape != due or 0 in shape:
            raise ArtifactError(
                f"{made.name} takes an input of {shape}, batch {batch} was asked for",
                hint="export the model with a fixed shape of that batch",
            )
    _check_strides(model)
    types = _tensor_types(model, [*inputs, *outputs])
    if set(_FLOATS) & types:
        raise ArtifactError(
            f"{made.name} holds {', '.join(sorted(types))}", hint="export a net of float32 only"
        )
    return {
        "opset": model.opset_import[0].version,
        "nodes": len(model.graph.node),
        "inputs": shapes,
        "types": sorted(types),
    }


def _check_strides(model: Any) -> None:
    """Raise ArtifactError for a pooling that goes nowhere: it crashes ONNX Runtime."""
    if any(
        0 in it.ints for node in model.graph.node for it in node.attribute if it.name == "strides"
    ):
        raise ArtifactError(
            "paddle2onnx can't convert an adaptive pooling to more than there is (its stride is 0)",
            hint="give the net a larger input",
        )


def _shape(end: Any) -> list[int]:
    return [dim.dim_value for dim in end.type.tensor_type.shape.dim]


def _fix(end: Any, shape: Sequence[int]) -> bool:
    """Set open extents of `end` to those of `shape`; tell whether there were any."""
    dims = end.type.tensor_type.shape.dim
    left_open = [pair for pair in zip(dims, shape, strict=False) if pair[0].dim_value <= 0]
    for dim, extent in left_open:
        dim.dim_value = extent
    return bool(left_open)


def _compare(made: Path, reference: Reference) -> dict[str, float]:
    """Return how far ONNX Runtime's outputs of the file are from the reference.

    Raises ArtifactError for another output. Nothing is compared where ONNX Runtime can't run the
    file: each session checks its engine's outputs too.
    """
    distances = _apart(partial(_distances, made, reference))
    if distances is None:
        return {}
    if len(distances) != len(reference.outputs):
        raise ArtifactError(
            f"paddle2onnx's conversion gives {len(distances)} outputs, not "
            f"{len(reference.outputs)}",
            hint=_ELSEWHERE,
        )
    for name, distance in zip(reference.outputs, distances, strict=True):
        if not distance <= _ANOTHER:  # also true of NaN
            how = f"{distance:.3g} away from Paddle's (relative L2)"
            if distance == _OF_ANOTHER_SHAPE:
                how = "of another shape than Paddle's"
            raise ArtifactError(
                f"paddle2onnx's conversion gives another output: {name} is {how}", hint=_ELSEWHERE
            )
    return {"relative_l2": max(distances)}


def _apart(call: Callable[[], list[float]]) -> list[float] | None:
    """Return what `call` does in a fork of this process, None where it raises or crashes."""
    receiving, sending = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(sending, json.dumps(call()).encode())
        finally:
            os._exit(0)
    os.close(sending)
    with os.fdopen(receiving) as pipe:
        answer = pipe.read()
    os.waitpid(pid, 0)
    return json.loads(answer) if answer else None


def _distances(made: Path, reference: Reference) -> list[float]:
    """Return by output how far it is; of as many as both have."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(made), providers=["CPUExecutionProvider"])
    names = [it.name for it in session.get_inputs()]
    feeds = dict(reference.inputs)
    if set(names) != set(feeds):
        feeds = dict(zip(names, feeds.values(), strict=True))
    given = session.run(None, feeds)
    wanted = [*reference.outputs.values(), *given[len(reference.outputs) :]]
    return [_distance(output, it) for output, it in zip(given, wanted, strict=False)]


def _distance(output: Any, wanted: Any) -> float:
    """Return the relative L2 distance, of whole numbers the share that differs."""
    import numpy as np

    if output.size != wanted.size:
        return _OF_ANOTHER_SHAPE
    output = output.reshape(wanted.shape)
    if wanted.dtype.name not in FLOATS:
        return float(np.mean(output != wanted))
    scale = float(np.linalg.norm(wanted)) or 1.0
    return float(np.linalg.norm(output.astype(np.float64) - wanted)) / scale


def _tensor_types(model: Any, ends: Iterable[Any]) -> set[str]:
    """Return the element types of the file's weights, constants, input and output by name."""
    import onnx

    numbers = {end.type.tensor_type.elem_type for end in ends}
    numbers |= {weight.data_type for weight in model.graph.initializer}
    for node in model.graph.node:
        numbers |= {it.t.data_type for it in node.attribute if it.type == it.TENSOR}
        numbers |= {it.i for it in node.attribute if node.op_type == "Cast" and it.name == "to"}
    return {onnx.TensorProto.DataType.Name(number) for number in numbers}
