"""A text is first read without asking for unknown fields: what comes out is as if it were asked."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from bench.storage import validation
from bench.storage.schema.latency import Record, RunManifest
from bench.storage.validation import explain, parsed
from tests.fakes.records import failed, manifest, paced, record

VALUES: tuple[Any, ...] = (
    None, True, 0, 1, 2.5, -1, 1e99, 10**19, "", "median", "x0_25", [], [1], [True], {}, {"a": 1},
    [{"kind": "measured"}], {"kind": "failed"}, float("nan"), float("inf"),
)  # fmt: skip
WHOLE = record(samples_ms=[[1.0, 2.0], [3.0]])
WITH_BURSTS = WHOLE.model_copy(update={"sessions": [paced([1.0, 2.0], [100, 110])]})


@pytest.mark.parametrize(
    "value",
    [WHOLE, WITH_BURSTS, record(outcome=failed()), manifest(WHOLE)],
    ids=["whole", "bursts", "failed", "run"],
)
def test_a_text_is_the_same_value_or_the_same_fault_as_the_model_has_it(value: BaseModel) -> None:
    numbers = random.Random(0)  # noqa: S311
    assert _read(type(value), value.model_dump_json()) == value
    faults = 0
    for _ in range(300):
        changed = json.loads(value.model_dump_json())
        _change(changed, numbers)
        text = json.dumps(changed)
        outcome = _read(type(value), text)
        assert outcome == _read_by_model(type(value), text), text
        faults += isinstance(outcome, str)
    assert 100 < faults < 300


def test_a_text_without_a_fault_is_read_once_without_asking(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the model was asked")

    monkeypatch.setattr(Record, "model_validate_json", refuse)
    assert parsed(Record, WHOLE.model_dump_json().encode()) == WHOLE


def test_many_unknown_fields_of_a_large_text_are_one_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    text = json.dumps(dict.fromkeys(map(str, range(100)), 1)).encode()
    monkeypatch.setattr(validation, "_MOST_QUICK_BYTES", 100)
    monkeypatch.setattr(validation, "_quick", None)
    with pytest.raises(ValidationError) as error:
        parsed(RunManifest, text)
    assert explain(error.value) == "unknown field '0'"


def _change(value: Any, numbers: random.Random) -> None:
    """Change, add or remove something within a value of JSON, by chance."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = numbers.choice(keys) if keys else None
        if key is None or numbers.random() < 0.3:
            break
        if isinstance(value[key], dict | list) and value[key]:
            value = value[key]
        else:
            break
    how = numbers.random()
    if isinstance(value, dict) and (key is None or how < 0.2):
        value["more"] = numbers.choice(VALUES)
    elif key is not None and how < 0.35:
        del value[key]
    elif key is not None:
        value[key] = numbers.choice(VALUES)


def _read(kind: type[BaseModel], text: str) -> BaseModel | str:
    try:
        return parsed(kind, text.encode())
    except ValidationError as error:
        return explain(error)


def _read_by_model(kind: type[BaseModel], text: str) -> BaseModel | str:
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        return explain(error)
