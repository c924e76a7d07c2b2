"""What is loaded: a server that is there by its URL, or one that is started for a cell."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.core.cell import Cell
from bench.core.errors import BrokenFile, InputError
from bench.core.tensors import TensorSpec, read_reference, seeded, write_reference
from bench.launcher.process import request_folder
from bench.serving.client import Connection, Endpoint, Served, describe
from bench.serving.load import Loader
from bench.serving.messages import DTYPES
from bench.serving.samples import named_as
from bench.storage.schema.serving import CostFields

URL = "url"
"""What the loads of a server that was given by its URL are called."""

_ANSWERS_WITHIN_S = 30.0
_SEED = 20240229


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A server that answers: its model, and what is sent. `compared`: the reference's outputs are
    the net's own.
    """

    endpoint: Endpoint
    model: str | None
    reference: Path
    compared: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A server to be loaded; `open` may raise WorkerFailed. `cell` is what it serves, if known.

    `compare` has the in-process call and the served one take turns, None where the engine that is
    served isn't known; it may raise WorkerFailed.
    """

    name: str
    label: str
    cell: Cell | None
    tolerance: float
    open: Callable[[], AbstractContextManager[Opened]]
    compare: Callable[[Loader], CostFields] | None = None


@contextmanager
def at_url(endpoint: Endpoint, model: str | None, reference: Path | None) -> Iterator[Opened]:
    """Yield the server at `endpoint`, with inputs from the file `reference`, else seeded ones.

    Raises RequestFailed where it doesn't answer, InputError where its model can't be known, and
    where the reference or its inputs can't be used.
    """
    connection = Connection(endpoint, _ANSWERS_WITHIN_S)
    served = describe(connection, model)
    connection.close()
    if reference is not None:
        _check_reference(reference, served)
        yield Opened(endpoint=endpoint, model=served.model, reference=reference, compared=True)
        return
    with request_folder() as folder:
        path = folder / "reference.npz"
        inputs = seeded(_specs(served), 1, _SEED)
        write_reference(path, inputs, {it.name: np.zeros(1) for it in served.outputs})
        yield Opened(endpoint=endpoint, model=served.model, reference=path, compared=False)


def _specs(served: Served) -> dict[str, TensorSpec]:
    """Return specs for a model's inputs: an extent that is left open is 1. Raises InputError."""
    for it in served.inputs:
        if it.datatype not in DTYPES or DTYPES[it.datatype].startswith(("uint1", "uint3", "uint6")):
            raise InputError(
                f"input {it.name} of model {served.model} is of {it.datatype}, which has no seeded "
                "values",
                hint="give its inputs and what it must answer with --reference FILE.npz",
            )
    return {
        it.name: TensorSpec(
            shape=tuple(1 if extent < 1 else extent for extent in it.shape),
            dtype=DTYPES[it.datatype],
        )
        for it in served.inputs
    }


def _check_reference(path: Path, served: Served) -> None:
    """Raise BrokenFile where `path` isn't a reference for the model's inputs."""
    hint = "it is an .npz file with the arrays input/NAME and output/NAME"
    try:
        reference = read_reference(path)
    except (OSError, ValueError, LookupError, zipfile.BadZipFile) as error:
        problem = getattr(error, "strerror", None) or f"{error}"
        raise BrokenFile(path, problem, hint=hint) from error
    names = [it.name for it in served.inputs]
    if set(named_as(reference.inputs, names)) != set(names):
        problem = f"its inputs are {', '.join(reference.inputs)}, the model's {', '.join(names)}"
        raise BrokenFile(path, problem, hint=hint)
