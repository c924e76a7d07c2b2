from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.core.cell import Cell, Sampling, TargetSpec
from bench.core.protocol import (
    MOST_ANSWER_BYTES,
    PROTOCOL,
    PairRequest,
    SessionRequest,
    check_version,
    is_duration,
    read_json,
    request_for,
    write_json,
)
from tests.fakes.values import SAMPLING

words = st.text(min_size=1, max_size=8)
counts = st.integers(1, 64)
seconds = st.floats(0, 1e4)
paths = st.builds(
    lambda name: Path("/some/folder") / name, st.from_regex(r"[\w ]+", fullmatch=True)
)
settings = st.dictionaries(words, words, max_size=3).map(lambda it: tuple(sorted(it.items())))
cells = st.builds(
    Cell, variant=words, model_hash=words, runner=words, batch=counts, threads=counts,
    precision=words, input=words, settings=settings,
)  # fmt: skip
samplings = st.builds(
    Sampling, preset=words, sessions=counts, samples=counts, min_samples=counts, budget_s=seconds,
    warmup_calls=counts, warmup_s=seconds, warmup_cap_s=seconds, steady_window=counts,
    steady_tolerance=st.none() | seconds, timeout_s=seconds,
)  # fmt: skip
targets = st.builds(
    TargetSpec, kind=st.sampled_from(["cpu", "android"]), device=st.none() | words,
    big_cores=st.tuples(counts, counts),
)  # fmt: skip


def through_a_file(value: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(json.dumps(value, allow_nan=False))
    return told


sessions = st.builds(
    SessionRequest, runner=words, target=targets, cell=cells, sampling=st.none() | samplings,
    artifact=paths, reference=paths, tolerance=seconds, cores=st.none() | st.lists(counts),
)  # fmt: skip
pairs = st.builds(
    PairRequest, arms=st.dictionaries(words, sessions, min_size=2, max_size=3),
    order=st.lists(st.integers(0, 2)), burst_s=seconds, least_calls=counts, most_calls=counts,
)  # fmt: skip


@given(sessions)
def test_a_session_s_request_comes_out_of_its_json_as_it_went_in(request: SessionRequest) -> None:
    back = SessionRequest.from_json(through_a_file(request.to_json()))

    assert back == request
    assert back.cell.id == request.cell.id


@given(pairs)
def test_a_pair_s_request_comes_out_of_its_json_as_it_went_in_arms_in_order(
    request: PairRequest,
) -> None:
    back = PairRequest.from_json(through_a_file(request.to_json()))

    assert back == request
    assert list(back.arms) == list(request.arms)


def test_a_request_bears_the_version_the_operation_and_its_arguments() -> None:
    request = request_for("convert", out="/somewhere")
    assert request == {"protocol": PROTOCOL, "operation": "convert", "out": "/somewhere"}
    check_version(request)


def test_a_sampling_that_lacks_a_field_is_no_sampling() -> None:
    told = SAMPLING.to_json()
    del told["samples"]
    with pytest.raises(TypeError, match="samples"):
        Sampling.from_json(told)


def test_a_json_file_is_replaced_whole_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "reply.json"
    write_json(path, {"ok": "a" * 1000})
    write_json(path, {"ok": "ü"})
    assert json.loads(path.read_text(encoding="utf-8")) == {"ok": "ü"}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("value", [{"ok": float("nan")}, {"ok": object()}])
def test_a_value_that_is_no_json_leaves_no_half_file_where_a_reader_looks(
    value: dict[str, object], tmp_path: Path
) -> None:
    new, old = tmp_path / "new.json", tmp_path / "old.json"
    write_json(old, {"ok": 1})
    for path in (new, old):
        with pytest.raises((TypeError, ValueError)):
            write_json(path, {"first": "part", **value})
    assert not new.exists()
    assert json.loads(old.read_text()) == {"ok": 1}


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"ok": {"message": "a\\udc80b"}}', {"ok": {"message": "a\ufffdb"}}),
        (b'{"a\\uD800": ["\\udfff"]}', {"a\ufffd": ["\ufffd"]}),
        (b'{"ok": "\xff"}', {"ok": "\ufffd"}),
        (rb'["\ud83d\ude00", "\\ud800"]', ["\U0001f600", "\\ud800"]),
        (b"[9223372036854775807, -9223372036854775807, 1e300]",
         [(1 << 63) - 1, 1 - (1 << 63), 1e300]),
    ],
)  # fmt: skip
def test_text_of_an_answer_can_be_written_as_utf_8(data: bytes, value: object) -> None:
    assert read_json(data) == value
    assert json.loads(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"[" * 100_000, "nested too deep"), (b'{"a":' * 100_000, "nested too deep"),
        (b"[9223372036854775808]", "64 bits"), (b"[-9223372036854775808]", "64 bits"),
        (b"1" * 5000, "64 bits"), (b"[NaN]", "finite"), (b"[-Infinity]", "finite"),
        (b"[1e999]", "finite"), (b"[1" + b"0" * 5000 + b".0]", "finite"), (b"", "Expecting"),
        (b" " * (MOST_ANSWER_BYTES + 1), "64 MiB"),
    ],
)  # fmt: skip
def test_an_answer_that_no_record_could_hold_is_none(data: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read_json(data)


@pytest.mark.parametrize("value", [0, -1, True, 1.0, "1", None, [1]])
def test_an_answer_s_durations_are_whole_and_above_0(value: object) -> None:
    assert is_duration(1)
    assert not is_duration(value)
