"""The child of test_real_wheel.py: what the real wheels make of this harness's configuration."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.core.cell import Cell
from bench.core.tensors import only, read_reference
from bench.runners.tensorrt.paddle import configure
from bench.worker.serve import Reply, serve

CELL = Cell(variant="x0_25", model_hash="m", runner="paddle-tensorrt", batch=1, threads=1)


def examine(request: Mapping[str, Any], reply: Reply) -> None:
    import tensorrt
    from paddle import inference

    artifact = Path(request["artifact"])
    config = configure(inference, CELL, artifact, Path(request["engines"]))
    reference = read_reference(Path(request["reference"]))
    logits = only(reference.outputs)
    got = on_cpu(inference, artifact, only(reference.inputs))
    reply(
        {
            "tensorrt_enabled": bool(config.tensorrt_engine_enabled()),
            "away": float(np.linalg.norm(got - logits) / np.linalg.norm(logits)),
            "lacks": [name for name in request["names"] if not has(tensorrt, name)],
        }
    )


def on_cpu(inference: Any, artifact: Path, x: Any) -> Any:
    """Run the exported net: Paddle 2.6 has to read what Paddle 3 wrote."""
    config = inference.Config(str(artifact), str(artifact.with_suffix(".pdiparams")))
    config.disable_gpu()
    predictor = inference.create_predictor(config)
    given = predictor.get_input_handle(predictor.get_input_names()[0])
    given.copy_from_cpu(x)
    predictor.run()
    return predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()


def has(module: Any, name: str) -> bool:
    """Tell whether `module` has the attribute of that dotted name."""
    for part in name.split("."):
        if not hasattr(module, part):
            return False
        module = getattr(module, part)
    return True


if __name__ == "__main__":
    serve(examine, sys.argv[1:])
