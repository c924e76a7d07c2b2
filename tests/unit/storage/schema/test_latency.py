"""What is stored: comes back whole, and is refused by the field that is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from bench.core.cell import Cell, Sampling
from bench.storage.schema.common import (
    SCHEMA_VERSION,
    CellFields,
    Failed,
    SamplingFields,
    Skipped,
    System,
)
from bench.storage.schema.latency import JournalEntry, Measured, Record, RunManifest, Session
from bench.storage.validation import explain
from tests.fakes import values
from tests.fakes.values import CELL, SAMPLING, SESSION, SYSTEM, manifest, record

RECORD = record().model_dump()
OUTCOMES = [
    Measured(),
    Skipped(reason="no such unit", hint="take another chip"),
    Failed(failure="crash", message="it fell", hint="see the log", log_tail="Killed"),
]
STORED: list[BaseModel] = [record(), manifest(), SYSTEM, values.entry(), values.failure()]
SCALARS = st.text(max_size=5) | st.integers(-(2**60), 2**60) | st.floats(-1e100, 1e100)


def fault(kind: type[BaseModel], fields: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        kind.model_validate(fields)
    return explain(caught.value)


@pytest.mark.parametrize("value", STORED, ids=lambda value: type(value).__name__)
def test_what_is_stored_comes_back_whole(value: BaseModel) -> None:
    assert type(value).model_validate_json(value.model_dump_json()) == value


@given(
    samples=st.lists(st.integers(1, 2**53), min_size=1, max_size=5),
    covariates=st.dictionaries(st.text(max_size=3), SCALARS, max_size=4),
)
def test_samples_and_covariates_come_back_to_the_digit(
    samples: list[int], covariates: dict[str, Any]
) -> None:
    fields = SESSION.model_dump() | {"samples_ns": samples, "covariates": covariates}
    back = Session.model_validate_json(Session.model_validate(fields).model_dump_json())
    assert back.samples_ns == samples
    assert back.covariates == covariates
    assert [type(v) for v in back.covariates.values()] == [type(v) for v in covariates.values()]


def test_a_cell_and_a_sampling_are_stored_with_all_their_fields() -> None:
    assert CellFields(**CELL.to_json()).to_cell() == CELL
    assert CellFields(**CELL.to_json()).to_cell().id == CELL.id
    assert SamplingFields(**SAMPLING.to_json()).model_dump() == SAMPLING.to_json() | {"laps": None}
    assert set(CellFields.model_fields) == set(Cell.__slots__)
    assert set(SamplingFields.model_fields) == set(Sampling.__slots__)


@pytest.mark.parametrize("value", STORED, ids=lambda value: type(value).__name__)
def test_an_unknown_field_is_named(value: BaseModel) -> None:
    fields = value.model_dump() | {"mean_ns": 3}
    assert fault(type(value), fields) == "unknown field 'mean_ns'"


def test_an_unknown_field_inside_a_session_is_named_with_its_way() -> None:
    sessions = [SESSION.model_dump(), SESSION.model_dump() | {"median": 1}]
    assert fault(Record, RECORD | {"sessions": sessions}) == "unknown field 'sessions.1.median'"


@pytest.mark.parametrize("name", [n for n, f in Record.model_fields.items() if f.is_required()])
def test_a_missing_field_of_a_record_is_named(name: str) -> None:
    fields = {key: value for key, value in RECORD.items() if key != name}
    assert fault(Record, fields) == f"field '{name}' is missing"


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: outcome.kind)
def test_an_outcome_comes_back_as_its_own_kind(outcome: Measured | Skipped | Failed) -> None:
    stored = Record.model_validate(RECORD | {"outcome": outcome.model_dump()})
    back = Record.model_validate_json(stored.model_dump_json()).outcome
    assert type(back) is type(outcome)
    assert back == outcome


@pytest.mark.parametrize(
    ("outcome", "clause"),
    [
        ({"kind": "fine"}, "field 'outcome'"), ({}, "field 'outcome'"),
        ({"kind": "measured", "reason": "none"}, "unknown field 'outcome.measured.reason'"),
        ({"kind": "skipped", "reason": "no"}, "field 'outcome.skipped.hint' is missing"),
        ({"kind": "failed", "failure": "crash", "message": "it fell", "hint": "see"},
         "field 'outcome.failed.log_tail' is missing"),
    ],
)  # fmt: skip
def test_an_outcome_is_one_of_three_and_whole(outcome: dict[str, str], clause: str) -> None:
    assert clause in fault(Record, RECORD | {"outcome": outcome})


def test_a_measured_cell_without_a_session_is_refused() -> None:
    assert "a measured cell has no session" in fault(Record, RECORD | {"sessions": []})


@pytest.mark.parametrize("outcome", OUTCOMES[1:], ids=lambda outcome: outcome.kind)
def test_a_cell_that_gave_no_figure_needs_no_session(outcome: Skipped | Failed) -> None:
    fields = RECORD | {"sessions": [], "outcome": outcome.model_dump()}
    assert Record.model_validate(fields).sessions == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("samples_ns", [-1]), ("samples_ns", [1.5]), ("warmup_ns", [-1]),
        ("samples_ns", [2, 0]), ("warmup_ns", [0]), ("figures_ns", {"on_device": [0]}),
        ("wall_ns", -1), ("order", -1), ("round", -1), ("relative_l2", -0.1),
        ("relative_l2", float("inf")), ("before", {"x": float("inf")}), ("covariates", {"x": None}),
    ],
)  # fmt: skip
def test_a_session_that_no_run_can_give_is_refused(name: str, value: object) -> None:
    assert f"'{name}" in fault(Session, SESSION.model_dump() | {name: value})


BURSTS = {"samples": [2, 1], "wait_ns": [0, 9], "cpu_ns": [8, 5], "wall_ns": [8, 14]}


def test_the_bursts_of_a_session_hold_its_samples_and_a_session_without_any_is_read() -> None:
    fields = SESSION.model_dump()
    assert len(fields["samples_ns"]) == 3
    back = Session.model_validate(fields | {"bursts": BURSTS})
    assert back.bursts is not None
    assert back.bursts.model_dump(exclude_unset=True) == BURSTS
    assert back.bursts.canary_ns is back.bursts.started_ns is back.bursts.migrations is None
    assert Session.model_validate({k: v for k, v in fields.items() if k != "bursts"}).bursts is None


def test_a_burst_of_a_machine_that_has_run_for_a_year_is_stored() -> None:
    bursts = BURSTS | {"started_ns": [365 * 86_400 * 10**9] * 2, "canary_ns": [9, 9]}
    back = Session.model_validate(SESSION.model_dump() | {"bursts": bursts})
    assert back.bursts is not None
    assert back.bursts.started_ns == bursts["started_ns"]


@pytest.mark.parametrize(
    ("bursts", "clause"),
    [
        (BURSTS | {"samples": [2, 2]}, "don't hold its samples"),
        (BURSTS | {"wait_ns": [0]}, "aren't equally long"),
        (BURSTS | {"wait_ns": [0, -1]}, "bursts.wait_ns"),
        (BURSTS | {"wall_ns": [0, 1]}, "bursts.wall_ns"),
        (BURSTS | {"canary_ns": [5]}, "aren't equally long"),
        (BURSTS | {"canary_ns": [5, 0]}, "bursts.canary_ns"),
        (BURSTS | {"migrations": [0, -1]}, "bursts.migrations"),
    ],
)
def test_bursts_that_no_session_can_have_are_refused(bursts: object, clause: str) -> None:
    assert clause in fault(Session, SESSION.model_dump() | {"bursts": bursts})


@pytest.mark.parametrize(
    ("kind", "fields"),
    [(Record, RECORD), (RunManifest, manifest().model_dump()), (System, SYSTEM.model_dump())],
)
def test_a_file_of_another_schema_version_is_refused(
    kind: type[BaseModel], fields: dict[str, Any]
) -> None:
    other = fields | {"schema_version": SCHEMA_VERSION + 1}
    assert fault(kind, other).startswith("field 'schema_version'")


def test_durations_are_in_nanoseconds_and_nothing_else() -> None:
    assert fault(Record, RECORD | {"unit": "ms"}).startswith("field 'unit'")


@pytest.mark.parametrize("status", ["done", "", None])
def test_a_runs_status_is_one_of_three(status: str | None) -> None:
    fields = manifest().model_dump() | {"status": status}
    assert fault(RunManifest, fields).startswith("field 'status'")


@pytest.mark.parametrize("name", ["batch", "threads"])
def test_a_stored_cell_has_at_least_one_image_and_one_thread(name: str) -> None:
    assert fault(CellFields, CELL.to_json() | {name: 0}).startswith(f"field '{name}'")


def test_a_journals_line_names_its_cell() -> None:
    assert fault(JournalEntry, {}) == "field 'cell_id' is missing"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"samples_ns": []}, "no sample"),
        ({"relative_l2": None}, "its output wasn't checked"),
        ({"reported_ns": {"avg": 3}}, "a tool's figures and samples"),
        ({"reported_ns": {"min": 3}, "samples_ns": []}, "no average"),
    ],
)
def test_a_session_has_samples_or_what_a_tool_reported(
    changes: dict[str, object], said: str
) -> None:
    assert said in fault(Session, SESSION.model_dump() | changes)
