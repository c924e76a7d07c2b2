"""A cell's identity: what makes it another cell, and what does not."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.core.cell import Cell, Sampling
from bench.core.digest import canonical_digest
from tests.fakes.values import SAMPLING

CELL = Cell(
    variant="x0_5", model_hash="cafe", runner="paddle", batch=1, threads=2,
    settings=(("onednn", "on"),),
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
SETTINGS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["on", "off"]))
CELLS = st.builds(
    Cell, variant=st.sampled_from(["x0_5", "x1_0"]), model_hash=st.sampled_from(["cafe", "beef"]),
    runner=st.sampled_from(["paddle", "other"]), batch=st.integers(1, 8), threads=st.integers(1, 8),
    settings=SETTINGS.map(lambda settings: tuple(sorted(settings.items()))),
)  # fmt: skip
CHANGES: dict[str, Any] = {
    "variant": "x1_0", "model_hash": "beef", "runner": "other", "batch": 4, "threads": 1,
    "precision": "fp16", "input": "3x192x192", "settings": (("onednn", "off"),),
}  # fmt: skip


def test_a_cells_id_is_the_one_that_stored_results_bear() -> None:
    identity = (
        '{"batch":1,"input":"3x224x224","model":"cafe","precision":"fp32","runner":"paddle",'
        '"settings":{"onednn":"on"},"threads":2}'
    )
    digest = hashlib.sha256(identity.encode()).hexdigest()[:12]
    assert CELL.id == f"x0_5-paddle-fp32-b1-t2-{digest}"
    assert CELL.id == "x0_5-paddle-fp32-b1-t2-a02485e040c8"


@pytest.mark.parametrize("name", [field.name for field in fields(Cell)])
def test_every_field_of_a_cell_makes_another_id(name: str) -> None:
    other: Cell = replace(CELL, **{name: CHANGES[name]})
    assert other.id != CELL.id


@pytest.mark.parametrize("name", [name for name in CHANGES if name != "variant"])
def test_every_field_but_the_nets_name_is_in_the_digest(name: str) -> None:
    other: Cell = replace(CELL, **{name: CHANGES[name]})
    assert other.id[-12:] != CELL.id[-12:]


def test_what_varies_with_time_is_no_part_of_a_cell() -> None:
    assert set(CELL.to_json()) == set(CHANGES)


@given(cell=CELLS)
def test_a_cells_id_can_name_a_file(cell: Cell) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_.-]+-[0-9a-f]{12}", cell.id)


@given(one=CELLS, other=CELLS)
def test_two_cells_share_an_id_only_when_they_are_equal(one: Cell, other: Cell) -> None:
    assert (one.id == other.id) == (one == other)


@given(cell=CELLS)
def test_a_cell_comes_back_from_its_json_whole(cell: Cell) -> None:
    assert Cell.from_json(json.loads(json.dumps(cell.to_json()))) == cell


@given(cell=CELLS)
def test_a_cell_is_the_same_in_whatever_order_its_json_lists_the_settings(cell: Cell) -> None:
    values = cell.to_json()
    backwards = dict(reversed(values["settings"].items()))
    assert Cell.from_json(values | {"settings": backwards}) == cell
    assert replace(cell, settings=tuple(backwards.items())).id == cell.id


@given(value=st.dictionaries(st.text(max_size=3), JSON))
def test_a_digest_does_not_depend_on_the_order_of_keys(value: dict[str, object]) -> None:
    assert canonical_digest(dict(reversed(value.items()))) == canonical_digest(value)


@given(value=JSON, length=st.integers(1, 64))
def test_a_digest_has_the_length_asked_for_and_begins_alike(value: object, length: int) -> None:
    digest = canonical_digest(value, length)
    assert len(digest) == length
    assert canonical_digest(value, 64).startswith(digest)


@pytest.mark.parametrize(
    ("threads", "settings", "label"),
    [
        (1, (), "x0_5 paddle batch 1, 1 thread"),
        (2, (("onednn", "on"),), "x0_5 paddle batch 1, 2 threads onednn=on"),
    ],
)
def test_a_label_reads_as_a_person_would_say_it(
    threads: int, settings: tuple[tuple[str, str], ...], label: str
) -> None:
    assert replace(CELL, threads=threads, settings=settings).label == label


def test_a_label_names_a_precision_below_fp32() -> None:
    assert replace(CELL, threads=1, precision="bf16", settings=()).label == (
        "x0_5 paddle bf16 batch 1, 1 thread"
    )


def test_a_sampling_comes_back_from_its_json_whole() -> None:
    sampling = replace(SAMPLING, steady_tolerance=None, statistic="mean")
    assert Sampling.from_json(json.loads(json.dumps(sampling.to_json()))) == sampling
