"""Inputs by name: their form as one types it, their seeded values, and the reference's file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.core.errors import InputError
from bench.core.tensors import (
    TensorSpec,
    only,
    parse,
    read_reference,
    seeded,
    write_reference,
)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("Nx3x224x224", TensorSpec(shape=("N", 3, 224, 224))),
        ("1x3x8x8:float16", TensorSpec(shape=(1, 3, 8, 8), dtype="float16")),
        ("Nx128:int64:0..999", TensorSpec(shape=("N", 128), dtype="int64", low=0, high=999)),
        ("N:float32:-0.5..0.5", TensorSpec(shape=("N",), low=-0.5, high=0.5)),
        ("N:int32:0..1234567", TensorSpec(shape=("N",), dtype="int32", low=0, high=1234567)),
        ("N:float32:-5..0.00001", TensorSpec(shape=("N",), low=-5, high=0.00001)),
        ("N:float32:0..0.12345678", TensorSpec(shape=("N",), low=0, high=0.12345678)),
        ("scalar:bool", TensorSpec(shape=(), dtype="bool")),
    ],
)
def test_a_spec_is_read_and_written_alike(text: str, spec: TensorSpec) -> None:
    assert parse(text) == spec
    assert parse(spec.text) == spec


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("3x", "no shape"), ("", "no shape"), ("Nx0", "extent of 0"), ("Nx3:complex", "complex"),
        ("N:int8:9..1", "empty"), ("N:int8:1.2.3..4", "range"), ("3xN", "no shape"),
        ("N:uint8:0..999", "beyond uint8, of 0 to 255"), ("N:uint8:-1..1", "beyond uint8"),
        ("N:bool:0..5", "beyond bool"), ("N:int64:0.2..0.8", "empty"),
        ("N:int64:0..9223372036854775808", "beyond int64"),
        ("N:float16:0..70000", "beyond float16"), ("N:float32:0..1" + "0" * 400, "beyond float32"),
        ("\u0663x4", "no shape"),
    ],
)  # fmt: skip
def test_another_form_is_refused_in_a_sentence(text: str, word: str) -> None:
    with pytest.raises(InputError, match=word):
        parse(text)


def test_values_are_within_their_range_and_the_same_for_a_seed() -> None:
    specs = {name: parse(text) for name, text in (
        ("images", "Nx3"), ("more", "Nx3"), ("tokens", "Nx50:int64:5..7"), ("mask", "Nx50:bool"),
        ("share", "Nx50:float16:0..1"), ("kind", "Nx50:int32"),
    )}  # fmt: skip
    one, same, larger = (seeded(specs, batch, seed=3) for batch in (2, 2, 4))
    assert list(one) == list(specs)
    for name, array in one.items():
        assert array.dtype == specs[name].dtype
        assert np.array_equal(array, same[name])
        assert np.array_equal(array, larger[name][:2]), "smaller batches are the first of larger"
    assert set(np.unique(one["tokens"])) == {5, 6, 7}
    assert set(np.unique(one["kind"])) == {0, 1}
    assert one["mask"].any()
    assert not one["mask"].all()
    assert 0 <= one["share"].min() < one["share"].max() <= 1
    assert not np.array_equal(one["images"], one["more"])


def test_a_reference_keeps_names_order_and_types(tmp_path: Path) -> None:
    inputs: dict[str, Any] = {"b": np.ones((1, 2), np.int64), "a/x.tmp_0": np.zeros(3, np.float32)}
    write_reference(tmp_path / "reference.npz", inputs, {"y": np.ones(1, bool)})
    read = read_reference(tmp_path / "reference.npz")
    assert list(read.inputs) == ["b", "a/x.tmp_0"]
    assert read.inputs["b"].dtype == np.int64
    assert only(read.outputs).dtype == bool


def test_a_reference_without_outputs_is_none(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {"input/x": np.ones(1)}
    np.savez(tmp_path / "reference.npz", **arrays)
    with pytest.raises(LookupError, match="no output"):
        read_reference(tmp_path / "reference.npz")


def test_the_rows_of_a_batch_are_one_stream_of_standard_normals() -> None:
    """So the weights of nets whose batch norms were calibrated in batches stay as they are."""
    stream = np.random.default_rng(3)
    batches = [stream.standard_normal((8, 3, 5), dtype=np.float32) for _ in range(4)]
    drawn = seeded({"x": parse("Nx3x5")}, 32, 3)["x"]
    assert np.array_equal(drawn, np.concatenate(batches))
