"""A command's output, taken apart as it comes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.devices.android.adb.shell import (
    MOST_BYTES,
    STDERR,
    STDOUT,
    MarkedOutput,
    Output,
    Shell,
    SplitOutput,
)
from bench.devices.android.adb.streams import Deadline
from tests.fakes.adb import ScriptedStream, framed

MARK = b"bench-0123:"


def fed(output: Output, pieces: Sequence[bytes]) -> dict[int, bytes]:
    said = {STDOUT: b"", STDERR: b""}
    for piece in pieces:
        for channel, data in output.feed(piece):
            said[channel] += data
    return said


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
    output = SplitOutput()
    assert fed(output, cut(whole, places)) == {STDOUT: out, STDERR: err}
    assert output.status == status


@pytest.mark.parametrize(
    "garbage", [b"\x01\xff\xff\xff\xff", framed(3, b""), framed(3, b"\0\0")], ids=repr
)
def test_bytes_that_are_no_shell_packet_end_the_link(garbage: bytes) -> None:
    with pytest.raises(ConnectionError, match="no shell packet"):
        SplitOutput().feed(garbage)


def test_a_packet_may_be_as_long_as_any_buffer_of_a_device() -> None:
    assert SplitOutput().feed(b"\x01" + MOST_BYTES.to_bytes(4, "little")) == []


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
    output = MarkedOutput(mark=MARK)
    whole = out + MARK + str(status).encode() + end
    assert fed(output, cut(whole, places))[STDOUT] == out
    assert output.status == status


def test_marked_output_holds_back_only_what_may_be_the_mark() -> None:
    output = MarkedOutput(mark=MARK)
    assert output.feed(b"a line\n") == [(STDOUT, b"a line\n")]
    assert output.feed(b"more ben") == [(STDOUT, b"more ")]
    assert output.feed(b"efit") == [(STDOUT, b"benefit")]


def test_a_status_counts_only_once_its_line_has_ended() -> None:
    output = MarkedOutput(mark=MARK)
    output.feed(MARK + b"1")
    assert output.status is None
    output.feed(b"27\n")
    assert output.status == 127


@pytest.mark.parametrize("status", [b"x" * 30, b"\n", b"x\n", b"-1\n"])
def test_a_mark_without_a_status_ends_the_link(status: bytes) -> None:
    with pytest.raises(ConnectionError, match="no status behind the mark"):
        MarkedOutput(mark=MARK).feed(MARK + status)


@pytest.mark.parametrize("output", [SplitOutput(), MarkedOutput(mark=MARK)])
def test_a_stream_that_ends_without_a_status_is_no_success(output: Output) -> None:
    shell = Shell(ScriptedStream(framed(1, b"half")), output)
    with pytest.raises(ConnectionError, match="before the command's status"):
        shell.finish(Deadline.after(5))
