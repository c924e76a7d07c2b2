"""Make one artifact in the interpreter that can make it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.core.cell import Cell
from bench.core.errors import ArtifactError
from bench.core.tensors import Tensors, write_reference
from bench.worker.serve import load
from bench.worker.session import State

_REFERENCE = "reference.npz"


def convert(_: State, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Make files in `out` with `converter` ("module:function"), from `source` and `options`.

    Where an `engine` is named ("module:Class", a runner), its outputs of the file `main` become the
    reference's, whose inputs the converter wrote; the answer says so as `reference`.
    """
    converter, out = load(arguments["converter"]), Path(arguments["out"])
    facts: Mapping[str, Any] = converter(arguments["source"], arguments["options"], out)
    for batch in arguments["options"]["batches"] if "engine" in arguments else ():
        main = out / f"b{batch}" / arguments["main"]
        facts = {**facts, "reference": _refer(load(arguments["engine"])(), main, batch)}
    return facts


def _refer(runner: Any, main: Path, batch: int) -> str:
    """Add the runner's outputs to the reference beside `main`; return the engine's version."""
    import numpy as np

    path = main.with_name(_REFERENCE)
    with np.load(path) as arrays:
        inputs = {name.partition("/")[2]: arrays[name] for name in arrays.files}
    cell = Cell(variant="reference", model_hash="", runner="reference", batch=batch, threads=1)
    with ExitStack() as stack:
        session = stack.enter_context(runner.open(cell, main))
        outputs = session.infer(inputs)
        _check_finite(outputs)
        write_reference(path, inputs, outputs)
        return str(session.facts["engine"])


def _check_finite(outputs: Tensors) -> None:
    import numpy as np

    for name, array in outputs.items():
        if not np.isfinite(array).all():
            raise ArtifactError(
                f"the net's output '{name}' holds infinities or NaN",
                hint="give inputs of its range, as in --input NAME=SHAPE:TYPE:LOW..HIGH",
            )
