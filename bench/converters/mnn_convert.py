"""ONNX into MNN's own file, with the converter in the `MNN` wheel.

The wheel's `mnnconvert` script is passed by: it installs a package for sending logs with the `pip`
that it finds, and tells its makers of each conversion. The function below it does neither.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.converters import onnx_file
from bench.core.errors import ArtifactError


def convert(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write `out`/model.mnn from `source["model"]`, an .onnx file; weights stay in float32."""
    onnx, made = onnx_file.path(source), out / "model.mnn"
    try:
        import _tools
    except ImportError as error:
        raise ArtifactError(
            f"MNN's converter can't be imported here ({error})",
            hint="leave --env engines out to have its environment built",
        ) from error
    # It says True whatever happens: the file tells.
    _tools.mnnconvert(
        [
            "mnnconvert", "-f", "ONNX", "--modelFile", str(onnx), "--MNNModel", str(made),
            "--bizCode", "bench",
        ]
    )  # fmt: skip
    onnx_file.require(made, by="mnnconvert")
    return {"mnn": importlib.metadata.version("mnn"), "bytes": made.stat().st_size}
