"""A conversion in the worker, and the outputs that an engine adds to its reference."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.core.cell import Cell
from bench.core.errors import ArtifactError
from bench.core.tensors import Tensors, read_reference, write_reference
from bench.worker.convert import convert
from bench.worker.session import State

OPENED: list[tuple[int, int, Path]] = []


def import_(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write the inputs of each batch's reference alone, as an importer does."""
    for batch in options["batches"]:
        folder = out / f"b{batch}"
        folder.mkdir()
        write_reference(
            folder / "reference.npz", {"x": np.full((batch, 2), source["value"], np.float32)}, {}
        )
    return {"own": True}


class Halves:
    """An engine whose net halves its input and takes the root of it."""

    facts: Mapping[str, str] = {"engine": "halves 2.0"}

    def open(self, cell: Cell, artifact: Path) -> AbstractContextManager[Halves]:
        OPENED.append((cell.batch, cell.threads, artifact))
        return nullcontext(self)

    def infer(self, feeds: Tensors) -> Tensors:
        with np.errstate(invalid="ignore"):
            return {"half": feeds["x"] / 2, "root": np.sqrt(feeds["x"])}


def converted(out: Path, value: float, **engine: str) -> Mapping[str, Any]:
    arguments = {
        "converter": f"{__name__}:import_",
        "source": {"value": value},
        "options": {"batches": [1, 3]},
        "out": str(out),
        **engine,
    }
    with ExitStack() as stack:
        return convert(State(stack), arguments)


def test_an_engine_gives_the_outputs_of_every_batch_and_is_named(tmp_path: Path) -> None:
    OPENED.clear()
    facts = converted(tmp_path, 4.0, engine=f"{__name__}:Halves", main="model.own")
    assert facts == {"own": True, "reference": "halves 2.0"}
    assert [(it, 1, tmp_path / f"b{it}/model.own") for it in (1, 3)] == OPENED
    told = read_reference(tmp_path / "b3/reference.npz")
    assert told.inputs["x"].tolist() == [[4.0, 4.0]] * 3
    assert {name: it.tolist() for name, it in told.outputs.items()} == {
        "half": [[2.0, 2.0]] * 3, "root": [[2.0, 2.0]] * 3,
    }  # fmt: skip


def test_outputs_that_nothing_can_be_compared_with_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="output 'root' holds infinities or NaN: give inputs"):
        converted(tmp_path, -1.0, engine=f"{__name__}:Halves", main="model.own")


def test_without_an_engine_the_converters_own_reference_stays(tmp_path: Path) -> None:
    assert converted(tmp_path, 4.0) == {"own": True}
