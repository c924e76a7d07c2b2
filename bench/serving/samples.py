"""The samples that a load sends, and what their answers must be.

The first sample is the reference's own input. The others are its values moved along an axis: as
valid as those, of the same type and range, and with other answers, so that a server which mixes up
the answers to requests that are in flight together is found out. What those must be is what the
server says to each alone, before the load.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.core.tensors import Tensors
from bench.serving.client import Connection, Served
from bench.serving.messages import Body, RequestFailed, encode
from bench.worker.outputs import WrongOutput, check_outputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

COUNT = 8
_PAUSES_S = (0.1, 0.5, 2.0)


@dataclass(frozen=True, slots=True)
class Sample:
    """A request and the outputs that must come."""

    body: Body
    outputs: Tensors


@dataclass(slots=True)
class Parity:
    """How many answers were compared, how many were wrong, and the greatest distance of a right
    one (relative L2).
    """

    tolerance: float
    checked: int = 0
    wrong: int = 0
    first_wrong: str = ""
    relative_l2: float = field(default=0.0)

    def check(self, outputs: Tensors, wanted: Tensors) -> bool:
        """Compare an answer; tell whether it is right."""
        self.checked += 1
        try:
            distance = check_outputs(outputs, wanted, self.tolerance)
        except WrongOutput as error:
            self.wrong += 1
            self.first_wrong = self.first_wrong or error.problem
            return False
        self.relative_l2 = max(self.relative_l2, distance)
        return True

    def figures(self) -> dict[str, Any]:
        """Return all of it but the first wrong answer's words."""
        names = ("tolerance", "checked", "wrong", "relative_l2")
        return {name: getattr(self, name) for name in names}


def moved(inputs: Tensors, count: int = COUNT) -> list[Tensors]:
    """Return `inputs` and the same values moved along each one's longest axis, `count` in all."""
    return [
        {name: _rolled(array, index, count) for name, array in inputs.items()}
        for index in range(count)
    ]


def _rolled(array: NDArray[Any], index: int, count: int) -> NDArray[Any]:
    if not array.size or not array.ndim:
        return array
    axis = int(np.argmax(array.shape))
    return np.roll(array, index * max(1, array.shape[axis] // count), axis)


def named_as(inputs: Tensors, names: Sequence[str]) -> Tensors:
    """Return `inputs` by the names that a server calls them, where it has one and so have they."""
    if set(inputs) != set(names) and len(inputs) == len(names) == 1:
        return {names[0]: next(iter(inputs.values()))}
    return inputs


def _answer(connection: Connection, path: str, body: Body) -> Tensors:
    """Return the answer to a request; one that is refused for now is sent again, a few times."""
    for pause_s in _PAUSES_S:
        try:
            return connection.infer(path, body)
        except RequestFailed as error:
            if error.kind not in ("status 429", "status 503"):
                raise
        time.sleep(pause_s)
    return connection.infer(path, body)


def prepare(
    connection: Connection,
    served: Served,
    inputs: Sequence[Tensors],
    reference: Tensors | None,
    tolerance: float,
) -> tuple[list[Sample], Parity]:
    """Return a sample for each of `inputs`, with the answers that the server gives one by one.

    The first is compared with the `reference`, where there is one: the parity says how. Raises
    RequestFailed.
    """
    parity = Parity(tolerance)
    names = [] if reference is None else [it.name for it in served.outputs if it.name in reference]
    samples = []
    for one in inputs:
        renamed = named_as(one, [it.name for it in served.inputs])
        body = encode(renamed, names, binary=served.binary)
        samples.append(Sample(body, _answer(connection, served.path, body)))
    if reference is not None:
        parity.check(samples[0].outputs, reference)
    return samples, parity
