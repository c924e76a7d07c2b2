"""A net's inputs and outputs by name: what a feed looks like, and the reference of an artifact.

Standard library; numpy inside the functions that touch arrays.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.core.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Tensors = Mapping[str, NDArray[Any]]
    """Arrays by the names of a net's inputs or outputs, in its order."""
else:
    Tensors = object

BATCH = "N"
"""The extent that is the batch of a cell."""

FLOATS = ("float32", "float16", "float64")
WHOLES = ("int64", "int32", "int16", "int8", "uint8", "bool")
DTYPES = (*FLOATS, *WHOLES)
_MOST = {"float32": (2 - 2**-23) * 2.0**127, "float16": 65504.0, "float64": sys.float_info.max}
_FORM = re.compile(
    r"(?P<shape>(N|\d+)(x\d+)*|scalar)(:(?P<dtype>[a-z0-9]+))?(:(?P<low>-?[\d.]+)\.\.(?P<high>-?[\d.]+))?",
    re.ASCII,
)
_HINT = "write SHAPE[:DTYPE][:LOW..HIGH], as Nx3x224x224 or Nx128:int64:0..999; N is the batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorSpec:
    """An input of a net: its shape with `BATCH` or a number in the first place, and its values.

    Floats are standard normal, or uniform within `low` and `high`; whole numbers are uniform within
    them, both included, 0 and 1 by default: those are valid as tokens, masks and kinds alike.
    """

    shape: tuple[int | str, ...]
    dtype: str = "float32"
    low: float | None = None
    high: float | None = None

    @property
    def batched(self) -> bool:
        """Whether the first extent is the batch of the cell."""
        return self.shape[:1] == (BATCH,)

    @property
    def text(self) -> str:
        """The spec as one writes it; `parse` reads it."""
        shape = "x".join(map(str, self.shape)) or "scalar"
        values = (
            ""
            if self.low is None or self.high is None
            else f":{_number(self.low)}..{_number(self.high)}"
        )
        return f"{shape}:{self.dtype}{values}"

    def at(self, batch: int) -> tuple[int, ...]:
        """Return the shape at that batch."""
        return tuple(batch if extent == BATCH else int(extent) for extent in self.shape)


def parse(text: str) -> TensorSpec:
    """Return the spec that `text` is; raises InputError."""
    form = _FORM.fullmatch(text.strip())
    if form is None:
        raise InputError(f"'{text}' is no shape of an input", hint=_HINT)
    dtype = form["dtype"] or "float32"
    if dtype not in DTYPES:
        raise InputError(
            f"'{text}': there is no type '{dtype}'", hint=f"choose from {', '.join(DTYPES)}"
        )
    extents = [] if form["shape"] == "scalar" else form["shape"].split("x")
    shape = tuple(it if it == BATCH else int(it) for it in extents)
    if 0 in shape:
        raise InputError(f"'{text}' has an extent of 0", hint=_HINT)
    try:
        low, high = (None if form[end] is None else float(form[end]) for end in ("low", "high"))
    except ValueError:
        raise InputError(f"'{text}': its range isn't of two numbers", hint=_HINT) from None
    if low is not None and high is not None:
        _check_range(text, dtype, low, high)
    return TensorSpec(shape=shape, dtype=dtype, low=low, high=high)


def _check_range(text: str, dtype: str, low: float, high: float) -> None:
    """Raise InputError where no value of the type is between these, or one of them isn't one."""
    least, most = _limits(dtype)
    if not least <= low <= most or not least <= high <= most:
        raise InputError(
            f"'{text}': its range is beyond {dtype}, of {_number(least)} to {_number(most)}",
            hint=_HINT,
        )
    if not low <= high or (dtype in WHOLES and math.ceil(low) > high):
        raise InputError(f"'{text}': its range is empty", hint=_HINT)


def _limits(dtype: str) -> tuple[float, float]:
    if dtype in FLOATS:
        return -_MOST[dtype], _MOST[dtype]
    if dtype == "bool":
        return 0, 1
    bits = int(dtype.lstrip("uint"))
    return (0, 2**bits - 1) if dtype[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _number(value: float) -> str:
    """Return all digits of a number, without an exponent."""
    return str(int(value)) if value == int(value) else f"{Decimal(repr(value)):f}"


def seeded(specs: Mapping[str, TensorSpec], batch: int, seed: int) -> dict[str, NDArray[Any]]:
    """Return arrays for `specs`, the same for the same seed; a smaller batch's rows come first.

    Each input has a stream of its own, the first one that of the seed itself.
    """
    return {
        name: _values(spec, spec.at(batch), [seed, *([index] if index else [])])
        for index, (name, spec) in enumerate(specs.items())
    }


def _values(spec: TensorSpec, shape: tuple[int, ...], seed: Sequence[int]) -> NDArray[Any]:
    import numpy as np

    rng = np.random.default_rng(seed[0] if len(seed) == 1 else seed)
    if spec.dtype in WHOLES:
        low, high = (0.0, 1.0) if spec.low is None or spec.high is None else (spec.low, spec.high)
        whole = rng.integers(math.ceil(low), math.floor(high), shape, endpoint=True)
        return whole.astype(spec.dtype)
    if spec.low is None or spec.high is None:
        return rng.standard_normal(shape, dtype=np.float32).astype(spec.dtype, copy=False)
    return rng.uniform(spec.low, spec.high, shape).astype(spec.dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The inputs that an artifact is run on, and what its outputs must be, by name and in order."""

    inputs: Tensors
    outputs: Tensors


def write_reference(path: Path, inputs: Tensors, outputs: Tensors) -> None:
    """Write an .npz file of `input/NAME` and `output/NAME`."""
    import numpy as np

    arrays: dict[str, Any] = {
        **{f"input/{name}": array for name, array in inputs.items()},
        **{f"output/{name}": array for name, array in outputs.items()},
    }
    np.savez(path, **arrays)


def read_reference(path: Path) -> Reference:
    """Return what `write_reference` wrote.

    Raises OSError, ValueError and LookupError where it isn't there whole, zipfile.BadZipFile too.
    """
    import numpy as np

    with np.load(path) as arrays:
        inputs, outputs = (
            {name.removeprefix(end): arrays[name] for name in arrays.files if name.startswith(end)}
            for end in ("input/", "output/")
        )
    if not inputs or not outputs:
        raise LookupError(f"{path.name} has no input or no output")
    return Reference(inputs=inputs, outputs=outputs)


def only(tensors: Tensors) -> NDArray[Any]:
    """Return the one array of `tensors`; raises ValueError where there are more."""
    (array,) = tensors.values()
    return array
