"""The inputs of a net's own file: what is open in their shapes fixed, and their values written.

Standard library; numpy inside the functions that touch arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.core.errors import ArtifactError, Unavailable
from bench.core.tensors import BATCH, DTYPES, WHOLES, TensorSpec, parse, seeded, write_reference

if TYPE_CHECKING:
    from numpy.typing import NDArray

Extent = int | str | None
"""Of an input in a file: a number, the name that it shares with other open ones, or None: open."""
_DEFAULT = "float32"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """An input as its file has it; `shape` or `dtype` None: the file tells none."""

    name: str
    shape: tuple[Extent, ...] | None
    dtype: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What a person says of the inputs of `file`: shapes and values by name."""

    file: str
    specs: Mapping[str, TensorSpec]
    values: Mapping[str, NDArray[Any]]


def own(source: Mapping[str, Any], slots: Sequence[Slot]) -> Own:
    """Return what `source` says of the `slots` of its file or factory; raises ArtifactError."""
    file = Path(source.get("exported") or source["factory"]).name
    names = [slot.name for slot in slots]
    if not slots:
        raise ArtifactError(f"{file} has no input", hint="export a net that takes one")
    for slot in slots:
        if slot.dtype not in (None, *DTYPES):
            raise ArtifactError(
                f"input '{slot.name}' of {file} is of {slot.dtype}",
                hint=f"export it with one of {', '.join(DTYPES)}",
            )
    given = {name: parse(text) for name, text in source.get("inputs", {}).items()}
    values = read_values(source.get("values"))
    return Own(
        file=file,
        specs=_by_name(file, names, given, "--input NAME=SHAPE"),
        values=_by_name(file, names, values, "the arrays of --input-values"),
    )


def read_values(path: Path | str | None) -> dict[str, Any]:
    """Return the arrays of an .npz file by name, none for None; raises ArtifactError."""
    import numpy as np

    if path is None:
        return {}
    try:
        with Path(path).open("rb") as file, np.load(file) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except Exception as error:  # zipfile and numpy each have their own ways to say no
        raise ArtifactError(
            f"{Path(path).name} can't be read as an .npz file ({type(error).__name__})",
            hint="write it with numpy.savez, of arrays alone",
        ) from error


def _by_name(
    file: str, names: Sequence[str], given: Mapping[str, Any], what: str
) -> dict[str, Any]:
    """Return `given` by the names of inputs, where '' is the only one; raises ArtifactError."""
    if "" in given and len(names) == 1:
        given = {names[0]: given[""]}
    for name in given:
        if name not in names:
            raise ArtifactError(
                f"{file} has no input '{name}'" if name else f"{file} has {len(names)} inputs",
                hint=f"name {what} after its inputs: {', '.join(names)}",
            )
    return dict(given)


def fixed(said: Own, slots: Sequence[Slot], batch: int) -> dict[str, TensorSpec]:
    """Return the inputs' specs with nothing open but the batch.

    An open first extent is the batch; what is open beside it is as `said`, or as another extent of
    the same name. Raises Unavailable for a batch that the file doesn't take, and ArtifactError.
    """
    wanted = {slot.name: _wanted(said, slot) for slot in slots}
    named: dict[str, int | str] = {}
    for slot in sorted(slots, key=lambda it: wanted[it.name] is not None):
        spec, shape = wanted[slot.name], slot.shape or ()
        spec_shape = [BATCH][: len(shape)] if spec is None else spec.shape
        pairs = zip(shape, spec_shape, strict=False)
        named |= {have: extent for have, extent in pairs if isinstance(have, str)}
    specs = {slot.name: _spec(said.file, slot, wanted[slot.name], named) for slot in slots}
    _check_batch(said.file, slots, specs, batch)
    return specs


def _wanted(said: Own, slot: Slot) -> TensorSpec | None:
    """Return the spec that a person gives an input, by its shape or its values.

    Raises ArtifactError where that isn't what the file has.
    """
    spec = said.specs.get(slot.name)
    if spec is None and slot.name in said.values:
        spec = _like(said.values[slot.name], slot)
    if spec is None:
        return None
    if slot.dtype is not None and spec.dtype not in (_DEFAULT, slot.dtype):
        raise ArtifactError(
            f"input '{slot.name}' of {said.file} is of {slot.dtype}, not {spec.dtype}",
            hint=f"leave its type out, or write {slot.dtype}",
        )
    have = spec.shape if slot.shape is None else slot.shape
    fits = len(have) == len(spec.shape) and all(
        not isinstance(extent, int) or want in (extent, BATCH)
        for extent, want in zip(have, spec.shape, strict=True)
    )
    if not fits:
        shown = _example(slot)
        raise ArtifactError(
            f"input '{slot.name}' of {said.file} is {_text(slot)}, not {spec.text.split(':')[0]}",
            hint=f"write --input {slot.name}={shown}"
            if slot.name in said.specs
            else f"write an array of {_array_text(parse(shown))} to the file of --input-values",
        )
    return spec


def _array_text(spec: TensorSpec) -> str:
    """Return `Nx12 int64 (N: any number of rows)`."""
    shape, dtype = spec.text.split(":")[:2]
    return f"{shape} {dtype}" + (" (N: any number of rows)" if spec.batched else "")


def _like(values: NDArray[Any], slot: Slot) -> TensorSpec:
    """Return the spec of `values`: their first extent is the batch where the file has it open."""
    is_open = not (slot.shape and isinstance(slot.shape[0], int))
    shape = (BATCH, *values.shape[1:]) if values.ndim and is_open else values.shape
    return TensorSpec(shape=shape, dtype=slot.dtype or str(values.dtype))


def _spec(
    file: str, slot: Slot, wanted: TensorSpec | None, named: Mapping[str, int | str]
) -> TensorSpec:
    """Return the spec of one input; raises ArtifactError where an extent stays open."""
    spec_shape: Sequence[int | str | None] = () if wanted is None else wanted.shape
    have = [None] * len(spec_shape) if slot.shape is None else slot.shape
    spec_shape = spec_shape or [None] * len(have)
    extents = [_extent(*it, named) for it in zip(range(len(have)), have, spec_shape, strict=True)]
    if None in extents or (slot.shape is None and wanted is None):
        raise ArtifactError(
            f"{file} leaves the shape of input '{slot.name}' open: {_text(slot)}",
            hint=f"fix it, as in --input {slot.name}={_example(slot)}",
        )
    shape = tuple(extent for extent in extents if extent is not None)
    spec = wanted or TensorSpec(shape=shape)
    # Read again: its range may be beyond the type that the file has.
    return parse(replace(spec, shape=shape, dtype=slot.dtype or spec.dtype).text)


def _extent(
    axis: int, have: Extent, extent: int | str | None, named: Mapping[str, int | str]
) -> int | str | None:
    """Return a number or BATCH, None where nothing says what the extent is."""
    if isinstance(have, int):
        return have
    if extent is not None:
        return extent
    if have is not None and have in named:
        return named[have]
    return BATCH if axis == 0 else None


def _text(slot: Slot) -> str:
    if slot.shape is None:
        return "the file doesn't tell it"
    return "x".join("?" if it is None else str(it) for it in slot.shape) or "scalar"


def _example(slot: Slot) -> str:
    """Return a spec that would do, with a common extent in the place of an open one."""
    shape = (None, 3, None, None) if slot.shape is None else slot.shape
    usual = 224 if len(shape) > _OF_SEQUENCES else 128
    rest = (str(it) if isinstance(it, int) else str(usual) for it in shape[1:])
    first = str(shape[0]) if isinstance(shape[0], int) else BATCH
    return f"{'x'.join([first, *rest])}:{slot.dtype or _DEFAULT}"


_OF_SEQUENCES = 3  # the axes of a batch of sequences of vectors; images have more


def _check_batch(
    file: str, slots: Sequence[Slot], specs: Mapping[str, TensorSpec], batch: int
) -> None:
    """Raise Unavailable where no input has an open batch and the fixed one is another.

    That is the first extent which all inputs but vectors have, else 1.
    """
    if any(spec.batched for spec in specs.values()):
        return
    firsts = {spec.shape[0] for spec in specs.values() if len(spec.shape) > 1}
    own_batch = int(firsts.pop()) if len(firsts) == 1 else 1
    if batch == own_batch:
        return
    opened = {
        slot.name: replace(specs[slot.name], shape=(BATCH, *specs[slot.name].shape[1:])).text
        for slot in slots
        if specs[slot.name].shape and not (slot.shape and isinstance(slot.shape[0], int))
    }
    if opened:
        flags = " ".join(f"--input {name}={text}" for name, text in opened.items())
        raise Unavailable(
            f"{file} is fixed to batch {own_batch} by the shape of {' and '.join(opened)}",
            hint=f"write {flags}, where N is the batch, or ask for --batch {own_batch}",
        )
    raise Unavailable(
        f"{file} is fixed to batch {own_batch}",
        hint=f"ask for --batch {own_batch}, or export it with an open first axis",
    )


def arrays(
    said: Own, specs: Mapping[str, TensorSpec], batch: int, seed: int
) -> dict[str, NDArray[Any]]:
    """Return the inputs, seeded or as `said`; raises ArtifactError for values that don't fit."""
    given = {
        name: _rows(said.file, name, values, specs[name], batch)
        for name, values in said.values.items()
    }
    return seeded(specs, batch, seed) | given


def write(
    path: Path, said: Own, specs: Mapping[str, TensorSpec], batch: int, seed: int
) -> dict[str, Any]:
    """Write the inputs of a reference to `path` and return a fact of them; raises ArtifactError."""
    write_reference(path, arrays(said, specs, batch, seed), {})
    return {"inputs": {name: spec.text for name, spec in specs.items()}}


def _rows(file: str, name: str, values: Any, spec: TensorSpec, batch: int) -> Any:
    """Return `values` for a batch: its first rows, from the first one again where it has fewer."""
    import numpy as np

    shape = spec.at(batch)
    same = values.shape[1:] == shape[1:] and (spec.batched or values.shape == shape)
    if not same or not values.size or not np.can_cast(values.dtype, spec.dtype, "same_kind"):
        raise ArtifactError(
            f"the values of input '{name}' of {file} are {list(values.shape)} {values.dtype}, "
            f"not {list(shape)} {spec.dtype}",
            hint=f"write an array of {_array_text(spec)} to the file of --input-values",
        )
    with np.errstate(over="ignore"):  # infinities, refused below
        cast = values.astype(spec.dtype)
    if not np.array_equal(np.isfinite(values), np.isfinite(cast)) or (
        spec.dtype in WHOLES and not np.array_equal(values, cast)
    ):
        raise ArtifactError(
            f"values of input '{name}' of {file} are beyond {spec.dtype}",
            hint=f"write values of {spec.dtype} to the file of --input-values",
        )
    return np.resize(cast, shape)
