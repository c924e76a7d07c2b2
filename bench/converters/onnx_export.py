"""An exported Paddle model into ONNX, with `paddle2onnx`: one batch, float32 throughout.

The file is as the exporter writes it. Its own step of optimising is left out: it calls Polygraphy,
which installs packages while it runs; every engine folds constants when it loads the file.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.core.errors import ArtifactError

_FLOATS = ("FLOAT16", "BFLOAT16", "DOUBLE")


def convert(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write `out`/model.onnx from `source["model"]` (.pdmodel or .json) and `source["params"]`.

    `options["opset"]` is the least version of the operator set; `options["batches"]` has the batch
    that an open first dimension is fixed to. Raises ArtifactError where the export fails or is not
    of one input and output, of fixed shape, and of float32.
    """
    model, params = Path(source["model"]), Path(source["params"])
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
    return {
        "paddle2onnx": importlib.metadata.version("paddle2onnx"),
        **_settle(made, batch=min(options["batches"])),
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


def _settle(made: Path, *, batch: int) -> dict[str, Any]:
    """Fix an open batch in the file and return what is in it."""
    import onnx

    model = onnx.load(str(made))
    ends = [*model.graph.input, *model.graph.output]
    if len(ends) != 2:
        raise ArtifactError(
            f"{made.name} has {len(ends)} inputs and outputs", hint="export a net of one of each"
        )
    if _fix(ends, batch):
        del model.graph.value_info[:]  # shapes inferred with the batch open
        onnx.save(model, str(made))
    shapes = [[dim.dim_value for dim in end.type.tensor_type.shape.dim] for end in ends]
    if shapes[0][:1] != [batch] or 0 in shapes[0]:
        raise ArtifactError(
            f"{made.name} takes an input of {shapes[0]}, batch {batch} was asked for",
            hint="export the model with a fixed shape of that batch",
        )
    types = _tensor_types(model, ends)
    if set(_FLOATS) & types:
        raise ArtifactError(
            f"{made.name} holds {', '.join(sorted(types))}", hint="export a net of float32 only"
        )
    return {
        "opset": model.opset_import[0].version,
        "nodes": len(model.graph.node),
        "input": shapes[0],
        "types": sorted(types),
    }


def _fix(ends: Iterable[Any], batch: int) -> bool:
    """Set an open first dimension of each of `ends` to `batch`; tell whether there was one."""
    first = [end.type.tensor_type.shape.dim[0] for end in ends if end.type.tensor_type.shape.dim]
    left_open = [dim for dim in first if dim.dim_value <= 0]
    for dim in left_open:
        dim.dim_value = batch
    return bool(left_open)


def _tensor_types(model: Any, ends: Iterable[Any]) -> set[str]:
    """Return the element types of the file's weights, constants, input and output by name."""
    import onnx

    numbers = {end.type.tensor_type.elem_type for end in ends}
    numbers |= {weight.data_type for weight in model.graph.initializer}
    for node in model.graph.node:
        numbers |= {it.t.data_type for it in node.attribute if it.type == it.TENSOR}
        numbers |= {it.i for it in node.attribute if node.op_type == "Cast" and it.name == "to"}
    return {onnx.TensorProto.DataType.Name(number) for number in numbers}
