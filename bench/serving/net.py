"""The net that a server offers: its name, and what it takes and gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.core.errors import InputError
from bench.core.tensors import Reference, Tensors
from bench.serving.messages import DATATYPES

if TYPE_CHECKING:
    from numpy.typing import NDArray

VERSION = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """An input or output; `row` is its shape, without the batch where it has one (`batched`)."""

    name: str
    dtype: str
    row: tuple[int, ...]
    batched: bool

    @property
    def datatype(self) -> str:
        """Its type as the protocol calls it."""
        return DATATYPES[self.dtype]

    @property
    def row_bytes(self) -> int:
        """The bytes of a row."""
        return prod(self.row) * np.dtype(self.dtype).itemsize

    @property
    def shape(self) -> list[int]:
        """Its shape for the metadata: -1 is an extent that a request chooses."""
        return [-1, *self.row] if self.batched else list(self.row)

    def tensor(self, rows: NDArray[np.uint8]) -> NDArray[Any]:
        """Return the tensor whose bytes are `rows`."""
        whole = rows.reshape(-1).view(self.dtype)
        return whole.reshape((len(rows), *self.row) if self.batched else self.row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Net:
    """A net behind a server. A request has up to `most` rows, of a net without a batch one: all
    that it takes.
    """

    name: str
    platform: str
    inputs: Sequence[Port]
    outputs: Sequence[Port]
    most: int

    def metadata(self) -> dict[str, Any]:
        """Return the model's metadata as the protocol has it."""
        return {
            "name": self.name,
            "versions": [VERSION],
            "platform": self.platform,
            "inputs": _described(self.inputs),
            "outputs": _described(self.outputs),
        }


def _described(ports: Sequence[Port]) -> list[dict[str, Any]]:
    return [{"name": it.name, "datatype": it.datatype, "shape": it.shape} for it in ports]


def net_of(name: str, platform: str, references: Mapping[int, Reference]) -> Net:
    """Return the net whose references for some batches are `references`.

    Of a single one each request takes the whole batch. Raises InputError where there are several,
    and a tensor has no batch as its first extent.
    """
    one, several = references[min(references)], references[max(references)]
    most = max(references) if len(references) > 1 else 1
    return Net(
        name=name,
        platform=platform,
        inputs=_ports("input", one.inputs, several.inputs, most),
        outputs=_ports("output", one.outputs, several.outputs, most),
        most=most,
    )


def _ports(end: str, of_one: Tensors, of_most: Tensors, most: int) -> list[Port]:
    batched = most > 1
    for name, array in of_most.items():
        if batched and (array.shape[:1] != (most,) or of_one[name].shape != (1, *array.shape[1:])):
            raise InputError(
                f"{end} {name} of the net has no batch as its first extent",
                hint="serve it without --max-batch: requests of one image can't share an inference",
            )
    return [
        Port(
            name=name,
            dtype=array.dtype.name,
            row=array.shape[1:] if batched else array.shape,
            batched=batched,
        )
        for name, array in of_one.items()
    ]
