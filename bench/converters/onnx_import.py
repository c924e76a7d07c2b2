"""A person's own ONNX file into one file of fixed shapes, its tensors within it.

What it computes stays as it is: the engines fold and fuse for themselves.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.converters import own_inputs, subnormals
from bench.converters.own_inputs import Slot
from bench.core.errors import ArtifactError

_DTYPES = {"FLOAT": "float32", "DOUBLE": "float64"}  # the others are called alike
_MOST_BYTES = 1_900_000_000  # of one file: protobuf ends at 2 GiB


def convert(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write `out`/b{batch}/model.onnx and the inputs of its reference, of `source["exported"]`.

    `source["inputs"]` and `source["values"]` say what the file leaves open
    (`bench.converters.own_inputs`). Raises ArtifactError, and Unavailable for a batch that the file
    isn't of.
    """
    try:
        import onnx
    except ImportError as error:
        raise ArtifactError(
            f"onnx can't be imported here ({error})",
            hint="leave --env engines out to have its environment built",
        ) from error
    path, (batch,) = Path(source["exported"]), options["batches"]
    try:
        model = onnx.load(str(path))
        weights = subnormals.count(map(onnx.numpy_helper.to_array, model.graph.initializer))
    except Exception as error:
        raise ArtifactError(
            f"{path.name} can't be read as ONNX ({error})",
            hint="export it again; the files that hold its tensors belong beside it",
        ) from error
    slots = _slots(model)
    said = own_inputs.own(source, slots)
    specs = own_inputs.fixed(said, slots, batch)
    _fix(model, {name: spec.at(batch) for name, spec in specs.items()})
    folder = out / f"b{batch}"
    folder.mkdir()
    _save(model, folder / "model.onnx")
    return {
        "onnx": importlib.metadata.version("onnx"),
        "opset": {it.domain or "ai.onnx": it.version for it in model.opset_import},
        "subnormals": {"weights": weights},
        **own_inputs.write(folder / "reference.npz", said, specs, batch, options["input_seed"]),
    }


def _slots(model: Any) -> list[Slot]:
    """Return the inputs that have no value in the file."""
    weights = {it.name for it in model.graph.initializer}
    return [_slot(it) for it in model.graph.input if it.name not in weights]


def _slot(value: Any) -> Slot:
    import onnx

    kind = value.type.WhichOneof("value")
    if kind != "tensor_type":
        raise ArtifactError(
            f"input '{value.name}' is a {str(kind).removesuffix('_type')}, not a tensor",
            hint="export a net that takes tensors alone",
        )
    tensor = value.type.tensor_type
    name = onnx.TensorProto.DataType.Name(tensor.elem_type)
    has_shape = tensor.HasField("shape")
    return Slot(
        name=value.name,
        shape=tuple(map(_extent, tensor.shape.dim)) if has_shape else None,
        dtype=_DTYPES.get(name, name.lower()),
    )


def _extent(dim: Any) -> int | str | None:
    # Some exporters write -1 or 0 for what is open.
    return dim.dim_value if dim.dim_value > 0 else dim.dim_param or None


def _fix(model: Any, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Give the inputs these shapes, and each extent that shares a name with theirs."""
    from onnxruntime.tools.onnx_model_utils import make_input_shape_fixed

    for value in model.graph.input:
        tensor = value.type.tensor_type
        if value.name in shapes and not tensor.HasField("shape"):
            tensor.shape.SetInParent()
            for _ in shapes[value.name]:
                tensor.shape.dim.add()
    for name, shape in shapes.items():
        make_input_shape_fixed(model.graph, name, shape)
    del model.graph.value_info[:]  # inferred while something was open


def _save(model: Any, made: Path) -> None:
    import onnx

    within = sum(len(it.raw_data) for it in model.graph.initializer) < _MOST_BYTES
    outside = {} if within else {"save_as_external_data": True, "location": f"{made.name}.data"}
    onnx.save(model, str(made), **outside)
