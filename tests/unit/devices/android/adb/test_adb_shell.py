"""A command's output, taken apart as it comes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.devices.android.adb.services import (
    EXIT,
    MOST_BYTES,
    STDERR,
    STDOUT,
    marked_output,
    split_output,
    whole_lines,
)
from bench.devices.android.adb.streams import Deadline, Reader
from tests.fakes.adb import ScriptedStream, framed

MARK = b"bench-0123:"

Output = Iterator[tuple[int, bytes]]


def reader(*pieces: bytes) -> Reader:
    return Reader(ScriptedStream(*filter(None, pieces)), lambda: Deadline.after(5))


def split(*pieces: bytes) -> Output:
    return split_output(reader(*pieces))


def marked(*pieces: bytes) -> Output:
    return marked_output(reader(*pieces), MARK)


def said(output: Output) -> dict[int, bytes]:
    found = {STDOUT: b"", STDERR: b"", EXIT: b""}
    for channel, data in output:
        found[channel] += data
    return found


def cut(whole: bytes, places: Sequence[int]) -> list[bytes]:
    ends = sorted({place % (len(whole) + 1) for place in places})
    return [whole[a:b] for a, b in zip([0, *ends], [*ends, len(whole)], strict=True)]


@given(
    out=st.binary(), err=st.binary(), status=st.integers(0, 255), places=st.lists(st.integers(0))
)
def test_split_output_is_the_same_however_it_is_cut(
    out: bytes, err: bytes, status: int, places: list[int]
) -> None:
    whole = (
        framed(1, out[:3]) + framed(2, err) + framed(9, b"?") + framed(1, out[3:])
        + framed(3, bytes([status]))
    )  # fmt: skip
    assert said(split(*cut(whole, places))) == {STDOUT: out, STDERR: err, EXIT: bytes([status])}


@pytest.mark.parametrize(
    "garbage", [b"\x01\xff\xff\xff\xff", framed(3, b""), framed(3, b"\0\0")], ids=repr
)
def test_bytes_that_are_no_shell_packet_end_the_link(garbage: bytes) -> None:
    with pytest.raises(ConnectionError, match="no shell packet"):
        list(split(garbage))


def test_a_packet_may_be_as_long_as_any_buffer_of_a_device() -> None:
    with pytest.raises(ConnectionError, match="the stream ended"):
        list(split(b"\x01" + MOST_BYTES.to_bytes(4, "little")))


@given(
    out=st.lists(st.sampled_from([b"bench", b"-0123", b":", b"\n", b"b", b"x"])).map(b"".join),
    status=st.integers(0, 255),
    end=st.sampled_from([b"\n", b"\r\n"]),
    places=st.lists(st.integers(0)),
)
def test_marked_output_is_the_same_however_it_is_cut(
    out: bytes, status: int, end: bytes, places: list[int]
) -> None:
    out = out.replace(MARK, b"")
    if MARK in out + MARK[:-1]:
        return
    whole = out + MARK + str(status).encode() + end
    assert said(marked(*cut(whole, places))) == {
        STDOUT: out, STDERR: b"", EXIT: bytes([status])
    }  # fmt: skip


def test_marked_output_comes_line_by_line() -> None:
    output = marked(b"a line\nmore ben", b"efit\n")
    assert [next(output), next(output)] == [(STDOUT, b"a line\n"), (STDOUT, b"more benefit\n")]
    with pytest.raises(ConnectionError, match="the stream ended"):
        next(output)


def test_a_status_counts_only_once_its_line_has_ended() -> None:
    assert list(marked(MARK + b"1", b"27\n")) == [(EXIT, b"\x7f")]
    with pytest.raises(ConnectionError, match="the stream ended"):
        list(marked(MARK + b"127"))


@pytest.mark.parametrize("status", [b"\n", b"x\n", b"-1\n"])
def test_a_mark_without_a_status_ends_the_link(status: bytes) -> None:
    with pytest.raises(ConnectionError, match="no status behind the mark"):
        list(marked(MARK + status))


@pytest.mark.parametrize("output", [split, marked])
def test_a_stream_that_ends_without_a_status_is_no_success(output: object) -> None:
    assert callable(output)
    with pytest.raises(ConnectionError, match="the stream ended"):
        list(output(framed(1, b"half")))


def test_a_line_has_an_end() -> None:
    endless = (bytes(1 << 20) for _ in range(100))
    with pytest.raises(ValueError, match="a line of more than 16 MiB"):
        list(whole_lines(endless))
    assert next(endless, None) is not None
