"""A person's own ncnn net, .param and .bin, as it is; its inputs are those that it lists."""

from __future__ import annotations

import importlib.metadata
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.converters import own_inputs
from bench.converters.own_inputs import Slot
from bench.core.errors import ArtifactError

_MAGIC = "7767517"
# The parameters of an Input layer: channels, depth, height and width, outermost first.
_EXTENTS = ("2", "11", "1", "0")
_NAME, _DIGITS = 4, 10


def convert(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write `out`/b{batch}/model.ncnn.param and .bin and the inputs of its reference.

    Most such files tell no shape, and none a type: `source["inputs"]` has to
    (`bench.converters.own_inputs`), where the first extent is the batch. Raises ArtifactError.
    """
    path, (batch,) = Path(source["exported"]), options["batches"]
    weights, folder = path.with_suffix(".bin"), out / f"b{batch}"
    for part in (path, weights):
        if not part.is_file():
            raise ArtifactError(f"{part.name} is missing", hint=f"put it beside {path.name}")
    slots = slots_of(path)
    said = own_inputs.own(source, slots)
    specs = own_inputs.fixed(said, slots, batch)
    folder.mkdir()
    shutil.copyfile(path, folder / "model.ncnn.param")
    shutil.copyfile(weights, folder / "model.ncnn.bin")
    return {
        "ncnn": importlib.metadata.version("ncnn"),
        **own_inputs.write(folder / "reference.npz", said, specs, batch, options["input_seed"]),
    }


def slots_of(path: Path) -> list[Slot]:
    """Return the inputs in the order in which the file lists them; raises ArtifactError."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    if not lines or lines[0].strip() != _MAGIC:
        raise ArtifactError(
            f"{path.name} is no ncnn file in text: its first line isn't {_MAGIC}",
            hint="give the .param that pnnx or onnx2ncnn wrote",
        )
    layers = (line.split() for line in lines[2:])
    return [_slot(words) for words in layers if words[:1] == ["Input"] and len(words) > _NAME]


def _slot(words: Sequence[str]) -> Slot:
    """Return the input of a layer: its type, name, numbers of inputs and outputs, the output's name
    and parameters.
    """
    fields = dict(word.split("=", 1) for word in words[_NAME + 1 :] if "=" in word)
    extents = [fields.get(it, "0") for it in _EXTENTS]
    known = [int(it) for it in extents if it.isascii() and it.isdigit() and len(it) < _DIGITS]
    shape = tuple(it for it in known if it)
    return Slot(name=words[_NAME], shape=(None, *shape) if shape else None, dtype=None)
