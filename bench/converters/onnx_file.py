"""The ONNX file that a converter works on. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.core.errors import ArtifactError


def path(source: Mapping[str, Any]) -> Path:
    """Return `source["model"]`; raises ArtifactError unless it is an .onnx file."""
    model = Path(source["model"])
    if not model.is_file():
        raise ArtifactError(f"{model} is no file", hint="export the model as onnx first")
    if model.suffix != ".onnx":
        raise ArtifactError(f"{model} is no .onnx file", hint="export the model as onnx first")
    return model


def beside(onnx: Path) -> list[Path]:
    """Return the files that hold tensors of `onnx`, which has some where it is above 2 GB."""
    return sorted(onnx.parent.glob(f"{onnx.name}.*"))


def require(made: Path, *, by: str) -> None:
    """Raise ArtifactError where a converter that says nothing of its failure left no file.

    A net without weights has an empty .bin.
    """
    if not made.is_file() or (made.stat().st_size == 0 and made.suffix != ".bin"):
        raise ArtifactError(
            f"{by} made no {made.name}", hint="mend the net, or leave out what needs this format"
        )
