"""A person's own MNN file, as it is."""

from __future__ import annotations

import importlib.metadata
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.converters import own_inputs
from bench.converters.own_inputs import Slot
from bench.core.errors import ArtifactError

_DTYPES = {"Float": "float32", "Int": "int32", "Int64": "int64", "Uint8": "uint8"}


def convert(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write `out`/b{batch}/model.mnn and the inputs of its reference.

    See `bench.converters.own_inputs` for what the file leaves open. Raises ArtifactError, and
    Unavailable for a batch that the file isn't of.
    """
    try:
        import MNN
    except ImportError as error:
        raise ArtifactError(
            f"MNN can't be imported here ({error})",
            hint="leave --env engines out to have its environment built",
        ) from error
    path, (batch,) = Path(source["exported"]), options["batches"]
    interpreter = MNN.Interpreter(str(path))
    session = interpreter.createSession({"numThread": 1, "backend": "CPU"})
    inputs = interpreter.getSessionInputAll(session)
    slots = [_slot(MNN, name, tensor) for name, tensor in inputs.items()]
    said = own_inputs.own(source, slots)
    specs = own_inputs.fixed(said, slots, batch)
    folder = out / f"b{batch}"
    folder.mkdir()
    shutil.copyfile(path, folder / "model.mnn")
    return {
        "mnn": importlib.metadata.version("mnn"),
        **own_inputs.write(folder / "reference.npz", said, specs, batch, options["input_seed"]),
    }


def _slot(engine: Any, name: str, tensor: Any) -> Slot:
    shape = tuple(extent if extent > 0 else None for extent in tensor.getShape())
    kind = tensor.getDataType()
    known = (it for it in _DTYPES if kind == getattr(engine, f"Halide_Type_{it}"))
    return Slot(name=name, shape=shape, dtype=_DTYPES.get(next(known, ""), "a type of its own"))
