"""A person's own OpenVINO file, model.xml and model.bin, its shapes fixed."""

from __future__ import annotations

import importlib.metadata
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.converters import own_inputs
from bench.converters.own_inputs import Slot
from bench.core.errors import ArtifactError

_DTYPES = {
    "f32": "float32", "f16": "float16", "f64": "float64", "i64": "int64", "i32": "int32",
    "i16": "int16", "i8": "int8", "u8": "uint8", "boolean": "bool",
}  # fmt: skip


def convert(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write `out`/b{batch}/model.xml and .bin and the inputs of its reference.

    They are those of `source["exported"]` to the byte where it leaves nothing open; else see
    `bench.converters.own_inputs`. Raises ArtifactError, and Unavailable for another batch.
    """
    try:
        import openvino
    except ImportError as error:
        raise ArtifactError(
            f"openvino can't be imported here ({error})",
            hint="leave --env engines out to have its environment built",
        ) from error
    path, (batch,) = Path(source["exported"]), options["batches"]
    try:
        model = openvino.Core().read_model(str(path))
    except RuntimeError as error:
        raise ArtifactError(
            f"OpenVINO can't read {path.name} ({_last(error)})",
            hint=f"export it again; {path.with_suffix('.bin').name} belongs beside it",
        ) from error
    slots = [_slot(port) for port in model.inputs]
    said = own_inputs.own(source, slots)
    specs = own_inputs.fixed(said, slots, batch)
    folder = out / f"b{batch}"
    folder.mkdir()
    if model.is_dynamic():
        shapes = [list(spec.at(batch)) for spec in specs.values()]
        model.reshape(dict(enumerate(shapes)))
        # Its default writes the weights in FP16, which is another net.
        openvino.save_model(model, str(folder / "model.xml"), compress_to_fp16=False)
    else:
        for suffix in (".xml", ".bin"):
            shutil.copyfile(path.with_suffix(suffix), folder / f"model{suffix}")
    return {
        "openvino": importlib.metadata.version("openvino"),
        **own_inputs.write(folder / "reference.npz", said, specs, batch, options["input_seed"]),
    }


def _slot(port: Any) -> Slot:
    names, dtype = sorted(port.get_names()), port.get_element_type().get_type_name()
    shape = port.get_partial_shape()
    return Slot(
        name=names[0] if names else port.get_node().get_friendly_name(),
        shape=tuple(map(_extent, shape)) if shape.rank.is_static else None,
        dtype=_DTYPES.get(dtype, dtype),
    )


def _extent(dimension: Any) -> int | None:
    length: int | None = dimension.get_length() if dimension.is_static else None
    return length


def _last(error: Exception) -> str:
    """Return the last line of what OpenVINO says, above which stand its own source's lines."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
