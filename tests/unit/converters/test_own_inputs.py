"""Shapes of a net's own file: what is open, what fixes it, what doesn't fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.converters.own_inputs import Slot, fixed, own, write
from bench.core.errors import ArtifactError, BenchError, Unavailable
from bench.core.tensors import parse

IMAGE = Slot(name="x", shape=(None, 3, 8, 8), dtype="float32")
IDS = Slot(name="ids", shape=("batch", "length"), dtype="int64")
MASK = Slot(name="mask", shape=("batch", "length"), dtype="float32")
FIXED = Slot(name="x", shape=(1, 3), dtype="float32")


def texts(
    *slots: Slot, inputs: dict[str, str], batch: int = 1, values: Path | None = None
) -> dict[str, str]:
    source = {"exported": "/here/net.onnx", "inputs": inputs, "values": values}
    specs = fixed(own(source, slots), slots, batch)
    return {name: spec.text for name, spec in specs.items()}


def saved(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    ("slots", "inputs", "expected"),
    [
        ([IMAGE], {}, {"x": "Nx3x8x8:float32"}),
        ([IMAGE], {"": "Nx3x8x8:0..1"}, {"x": "Nx3x8x8:float32:0..1"}),
        ([IMAGE], {"x": "1x3x8x8"}, {"x": "1x3x8x8:float32"}),
        ([IDS], {"ids": "Nx16"}, {"ids": "Nx16:int64"}),
        ([IDS, MASK], {"ids": "Nx16"}, {"ids": "Nx16:int64", "mask": "Nx16:float32"}),
        ([IDS, MASK], {"mask": "Nx16"}, {"ids": "Nx16:int64", "mask": "Nx16:float32"}),
        ([FIXED], {}, {"x": "1x3:float32"}),
        ([FIXED], {"x": "Nx3"}, {"x": "1x3:float32"}),
        ([Slot(name="s", shape=(), dtype="int64"), IMAGE], {},
         {"s": "scalar:int64", "x": "Nx3x8x8:float32"}),
        ([Slot(name="in0", shape=None, dtype=None)], {"": "Nx4:int64"}, {"in0": "Nx4:int64"}),
        ([Slot(name="x", shape=None, dtype="float32")], {"x": "Nx4"}, {"x": "Nx4:float32"}),
    ],
)  # fmt: skip
def test_an_open_first_extent_is_the_batch_and_others_are_as_they_are_given(
    slots: list[Slot], inputs: dict[str, str], expected: dict[str, str]
) -> None:
    assert texts(*slots, inputs=inputs) == expected


@pytest.mark.parametrize(
    ("slots", "inputs", "problem", "hint"),
    [
        ([IDS], {}, "net.onnx leaves the shape of input 'ids' open: batchxlength",
         "--input ids=Nx128:int64"),
        ([Slot(name="x", shape=(None, 3, None, None), dtype="float32")], {},
         "'x' open: ?x3x?x?", "--input x=Nx3x224x224:float32"),
        ([Slot(name="x", shape=None, dtype=None)], {}, "the file doesn't tell it", "--input x="),
        ([IMAGE], {"y": "Nx3x8x8"}, "net.onnx has no input 'y'", "its inputs: x"),
        ([IDS, MASK], {"": "Nx16"}, "net.onnx has 2 inputs", "ids, mask"),
        ([IMAGE], {"x": "Nx3x9x9"}, "'x' of net.onnx is ?x3x8x8, not Nx3x9x9", "--input x=Nx3x8"),
        ([IMAGE], {"x": "Nx3x8"}, "is ?x3x8x8, not Nx3x8", "write --input x=Nx3x8x8"),
        ([IMAGE], {"x": "Nx3x8x8:int64"}, "is of float32, not int64", "write float32"),
        ([Slot(name="s", shape=(1,), dtype="string")], {}, "'s' of net.onnx is of string",
         "one of float32"),
        ([], {}, "net.onnx has no input", "takes one"),
    ],
)  # fmt: skip
def test_what_stays_open_or_does_not_fit_is_named_with_the_flag_that_helps(
    slots: list[Slot], inputs: dict[str, str], problem: str, hint: str
) -> None:
    with pytest.raises(ArtifactError) as caught:
        texts(*slots, inputs=inputs)
    assert problem in caught.value.problem
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("slots", "inputs", "own_batch"),
    [
        ([FIXED], {}, 1),
        ([FIXED], {"x": "Nx3"}, 1),
        ([Slot(name="x", shape=(8, 3), dtype="float32")], {}, 8),
        ([FIXED, Slot(name="y", shape=(7,), dtype="float32")], {}, 1),
        ([Slot(name="y", shape=(7,), dtype="float32")], {}, 1),
        ([FIXED, Slot(name="y", shape=(7, 2), dtype="float32")], {}, 1),
    ],
)
def test_a_file_of_one_batch_takes_no_other(
    slots: list[Slot], inputs: dict[str, str], own_batch: int
) -> None:
    texts(*slots, batch=own_batch, inputs=inputs)
    with pytest.raises(Unavailable, match=rf"net.onnx is fixed to batch {own_batch}: ask for"):
        texts(*slots, batch=4, inputs=inputs)


def test_a_batch_that_a_given_shape_fixes_is_left_open_by_another_one() -> None:
    inputs = {"ids": "4x12:int64:0..9", "mask": "4x12"}
    texts(IDS, MASK, batch=4, inputs=inputs)
    with pytest.raises(Unavailable) as caught:
        texts(IDS, MASK, batch=1, inputs=inputs)
    assert caught.value.problem == "net.onnx is fixed to batch 4 by the shape of ids and mask"
    assert caught.value.hint == (
        "write --input ids=Nx12:int64:0..9 --input mask=Nx12:float32, where N is the batch, "
        "or ask for --batch 4"
    )
    texts(IDS, MASK, batch=1, inputs={"ids": "Nx12:int64:0..9", "mask": "Nx12:float32"})


def test_values_of_ones_own_fix_a_shape_and_are_the_inputs(tmp_path: Path) -> None:
    ids = np.arange(6).reshape(2, 3)
    path = saved(tmp_path / "v.npz", ids=ids)
    source = {"exported": "net.onnx", "inputs": {}, "values": str(path)}
    for batch, rows in ((1, [0]), (2, [0, 1]), (5, [0, 1, 0, 1, 0])):
        said = own(source, [IDS, MASK])
        specs = fixed(said, [IDS, MASK], batch)
        write(tmp_path / "reference.npz", said, specs, batch, 0)
        with np.load(tmp_path / "reference.npz") as arrays:
            assert arrays["input/ids"].tolist() == ids[rows].tolist()
            assert arrays["input/mask"].shape == (batch, 3)
            assert arrays["input/mask"].dtype == np.float32


def test_the_same_seed_gives_the_same_inputs_and_smaller_batches_their_first_rows(
    tmp_path: Path,
) -> None:
    source = {"exported": "net.onnx", "inputs": {"ids": "Nx16:int64:0..99"}, "values": None}
    made = {}
    for batch in (1, 4):
        said = own(source, [IDS, MASK])
        specs = fixed(said, [IDS, MASK], batch)
        facts = write(tmp_path / "reference.npz", said, specs, batch, 0)
        assert facts["inputs"] == {"ids": "Nx16:int64:0..99", "mask": "Nx16:float32"}
        with np.load(tmp_path / "reference.npz") as arrays:
            made[batch] = {name: arrays[name] for name in arrays.files}
    for name, array in made[1].items():
        assert array.tolist() == made[4][name][:1].tolist()
    assert made[4]["input/ids"].max() > 1


@pytest.mark.parametrize(
    ("arrays", "problem"),
    [
        ({"x": np.zeros((1, 3, 9, 9), np.float32)}, "is ?x3x8x8, not Nx3x9x9"),
        ({"x": np.zeros((0, 3, 8, 8), np.float32)}, "are [0, 3, 8, 8] float32"),
        ({"x": np.zeros((1, 3, 8, 8), np.complex64)}, "[1, 3, 8, 8] complex64, not"),
        ({"y": np.zeros(1)}, "net.onnx has no input 'y'"),
    ],
)
def test_values_that_do_not_fit_are_refused(
    arrays: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    source = {
        "exported": "net.onnx",
        "inputs": {},
        "values": str(saved(tmp_path / "v.npz", **arrays)),
    }

    def import_() -> None:
        said = own(source, [IMAGE])
        write(tmp_path / "reference.npz", said, fixed(said, [IMAGE], 1), 1, 0)

    with pytest.raises(ArtifactError) as caught:
        import_()
    assert problem in caught.value.problem


@pytest.mark.parametrize(
    ("dtype", "array"),
    [
        ("int32", np.array([[2**40]])),
        ("int8", np.array([[300]], np.int16)),
        ("float16", np.array([[1e6]], np.float32)),
    ],
)
def test_values_beyond_the_type_of_the_file_are_refused(
    dtype: str, array: Any, tmp_path: Path
) -> None:
    slots = [Slot(name="x", shape=(None, 1), dtype=dtype)]
    path = saved(tmp_path / "v.npz", x=array)
    said = own({"exported": "net.onnx", "inputs": {}, "values": str(path)}, slots)
    with pytest.raises(ArtifactError, match=f"values of input 'x' of net.onnx are beyond {dtype}"):
        write(tmp_path / "reference.npz", said, fixed(said, slots, 1), 1, 0)


@pytest.mark.parametrize(
    ("slot", "array", "needed"),
    [
        (IMAGE, np.zeros((4, 3, 9, 9), np.float32), "Nx3x8x8 float32 (N: any number of rows)"),
        (IMAGE, np.zeros((3, 8, 8), np.float32), "Nx3x8x8 float32 (N: any number of rows)"),
        (FIXED, np.zeros((4, 5), np.float32), "1x3 float32"),
        (IMAGE, np.full((1, 3, 8, 8), "a"), "Nx3x8x8 float32 (N: any number of rows)"),
    ],
)
def test_an_array_that_does_not_fit_is_named_with_the_one_that_would(
    slot: Slot, array: NDArray[Any], needed: str, tmp_path: Path
) -> None:
    path = saved(tmp_path / "v.npz", x=array)
    said = own({"exported": "net.onnx", "inputs": {}, "values": str(path)}, [slot])
    with pytest.raises(ArtifactError) as caught:
        write(tmp_path / "reference.npz", said, fixed(said, [slot], 1), 1, 0)
    assert caught.value.hint == f"write an array of {needed} to the file of --input-values"


def test_a_range_beyond_the_type_of_the_file_is_refused() -> None:
    with pytest.raises(BenchError, match="beyond uint8, of 0 to 255"):
        texts(Slot(name="x", shape=(None, 1), dtype="uint8"), inputs={"x": "Nx1:0..999"})


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04"])
def test_a_file_of_values_that_is_none_is_named(content: bytes, tmp_path: Path) -> None:
    (path := tmp_path / "v.npz").write_bytes(content)
    with pytest.raises(BenchError, match=r"v\.npz can't be read"):
        texts(IMAGE, inputs={}, values=path)


def test_the_specs_that_come_out_are_read_again() -> None:
    assert parse(texts(IDS, inputs={"ids": "Nx16:int64:0..99"})["ids"]).at(2) == (2, 16)
