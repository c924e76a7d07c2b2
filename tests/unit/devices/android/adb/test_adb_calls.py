"""A device's calls over scripted streams: what they return, raise and leave behind."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from adb_shell.adb_message import AdbMessage  # type: ignore[import-untyped]
from adb_shell.exceptions import (  # type: ignore[import-untyped]
    DeviceAuthError,
    InvalidCommandError,
)
from usb1 import USBErrorIO  # type: ignore[import-untyped]

from bench.core.errors import (
    CommandFailed,
    DeviceError,
    DeviceLost,
    DeviceTimeout,
)
from bench.devices.android.adb.streams import Deadline
from tests.fakes.adb import ScriptedDevice, ScriptedStream, framed


def exit_with(status: int) -> bytes:
    return framed(3, bytes([status]))


def test_a_commands_words_reach_the_device_quoted_each_as_itself() -> None:
    device = ScriptedDevice(ScriptedStream(exit_with(0)))
    device.run(["echo", "a b'c", "$HOME; rm -rf /", "plain"])
    assert device.services == ["""shell,v2,raw:echo 'a b'"'"'c' '$HOME; rm -rf /' plain"""]


def test_both_outputs_and_the_status_come_back_as_they_are() -> None:
    stream = ScriptedStream(framed(1, b"\xff\0\r\n"), framed(2, b"bad"), exit_with(7))
    done = ScriptedDevice(stream).run(["x"])
    assert (done.status, done.stdout, done.stderr) == (7, b"\xff\0\r\n", b"bad")
    assert stream.closed


def test_an_old_device_is_asked_for_the_status_behind_a_mark_of_its_own() -> None:
    device = ScriptedDevice(ScriptedStream(), ScriptedStream(), features="cmd")
    for _ in range(2):
        with pytest.raises(DeviceLost):
            device.run(["ls", "a b"])
    first, second = device.services
    assert first.startswith("shell:ls 'a b'; echo bench-")
    assert first.endswith(":$?")
    assert first != second


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (TimeoutError(), DeviceTimeout), (ConnectionError(), DeviceLost),
        (ConnectionResetError(), DeviceLost), (BrokenPipeError(), DeviceLost),
    ],
)  # fmt: skip
def test_a_link_that_fails_is_told_as_the_devices_failure_and_dropped(
    failure: Exception, expected: type[DeviceError]
) -> None:
    stream = ScriptedStream(framed(1, b"half"), failure)
    device = ScriptedDevice(stream)
    with pytest.raises(expected, match=r"fake .* during `agent`"):
        device.run(["/data/local/tmp/agent", "--x"], timeout_s=5)
    assert stream.closed
    assert device.drops == 1


def test_a_time_out_names_the_seconds_that_were_given() -> None:
    with pytest.raises(DeviceTimeout, match=r"within 2\.5 s"):
        ScriptedDevice(ScriptedStream(TimeoutError())).run(["x"], timeout_s=2.5)


def test_lines_come_without_their_ends_and_the_last_may_lack_one() -> None:
    stream = ScriptedStream(framed(1, b"a\r\nb\xc3"), framed(1, b"\xa9\n\nla"), framed(1, b"st"),
                            exit_with(0))  # fmt: skip
    with ScriptedDevice(stream).lines(["x"]) as lines:
        assert list(lines) == ["a", "bé", "", "last"]


def test_a_line_is_there_before_the_next_has_begun() -> None:
    stream = ScriptedStream(framed(1, b"first\nsec"), AssertionError("asked for more"))
    with ScriptedDevice(stream).lines(["x"]) as lines:
        assert next(lines) == "first"


def test_a_command_that_fails_says_so_after_its_last_line() -> None:
    said = b"".join(b"note %d\n" % n for n in range(5000)) + b"the reason\n"
    stream = ScriptedStream(framed(1, b"one\ntwo"), framed(2, said), exit_with(3))
    with ScriptedDevice(stream).lines(["/tmp/agent"]) as lines:
        assert [next(lines), next(lines)] == ["one", "two"]
        with pytest.raises(CommandFailed) as raised:
            next(lines)
    assert raised.value.problem == "`agent` ended with status 3 on the device: the reason"
    assert raised.value.status == 3
    assert len(raised.value.stderr) <= 4096


@pytest.mark.parametrize(
    ("failure", "expected"), [(TimeoutError(), DeviceTimeout), (b"", DeviceLost)]
)
def test_a_silence_or_an_end_among_the_lines_is_told(
    failure: bytes | Exception, expected: type[DeviceError]
) -> None:
    stream = ScriptedStream(framed(1, b"one\n"), failure)
    with ScriptedDevice(stream).lines(["x"], silence_s=5) as lines:
        assert next(lines) == "one"
        with pytest.raises(expected):
            next(lines)
    assert stream.closed


def test_leaving_the_lines_early_closes_their_stream_and_keeps_the_link() -> None:
    stream = ScriptedStream(framed(1, b"one\ntwo\nthree\n"))
    device = ScriptedDevice(stream)
    with device.lines(["x"]) as lines:
        next(lines)
    assert stream.closed
    assert device.drops == 0
    assert list(lines) == []


@pytest.mark.parametrize("mine", [TimeoutError("mine"), ConnectionError("mine"), OSError("mine")])
def test_what_the_reader_of_lines_raises_is_not_taken_for_the_devices(mine: Exception) -> None:
    device = ScriptedDevice(ScriptedStream(framed(1, b"one\n")))
    with pytest.raises(type(mine), match="mine"), device.lines(["x"]):
        raise mine
    assert device.drops == 0


def test_properties_keep_values_of_many_lines_and_brackets() -> None:
    said = b"[ro.a]: [1]\r\n[ro.empty]: []\n[ro.b]: [two\nlines]\n[ro.c]: [x [y]]\nnoise\n"
    device = ScriptedDevice(ScriptedStream(framed(1, said), exit_with(0)))
    assert device.properties() == {
        "ro.a": "1", "ro.empty": "", "ro.b": "two\nlines", "ro.c": "x [y]"
    }  # fmt: skip


def test_properties_are_read_in_one_pass() -> None:
    # Were each value's end searched for in all that follows, a MiB would take half an hour.
    said = b"[ro.b]: [1]\n" + b"[a]: [x\n" * 150_000
    device = ScriptedDevice(ScriptedStream(framed(1, said), exit_with(0)))
    assert device.properties() == {"ro.b": "1"}


def test_a_property_that_is_no_utf_8_is_read() -> None:
    device = ScriptedDevice(ScriptedStream(framed(1, b"[ro.a]: [\xff\xfe]\n"), exit_with(0)))
    assert device.properties() == {"ro.a": "\ufffd\ufffd"}


def test_what_a_command_prints_is_bounded() -> None:
    mib = framed(1, bytes(1 << 20))
    device = ScriptedDevice(ScriptedStream(*[mib] * 17), ScriptedStream(*[mib] * 18))
    with pytest.raises(
        DeviceError, match=r"device fake: `yes` failed \(it printed more than 16 MiB"
    ):
        device.run(["/bin/yes"])
    with (
        device.lines(["yes"]) as lines,
        pytest.raises(DeviceError, match="a line of more than 16 MiB"),
    ):
        next(lines)
    assert device.drops == 2


def in_the_library() -> None:
    AdbMessage(b"NOPE", 0, 0).pack()


@pytest.mark.parametrize(
    "failure",
    [
        struct.error("unpack requires a buffer"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no"),
        InvalidCommandError("unknown"), DeviceAuthError("no"), USBErrorIO(),
    ],
    ids=repr,
)  # fmt: skip
def test_what_a_library_raises_is_the_devices_failure_in_one_sentence(failure: Exception) -> None:
    device = ScriptedDevice(ScriptedStream(failure))
    with pytest.raises(DeviceError, match=rf"device fake: `x` failed .*{type(failure).__name__}"):
        device.run(["x"])
    assert device.drops == 1


class Reaches(ScriptedStream):
    """Does `call` at a read."""

    def __init__(self, call: Callable[[], None]) -> None:
        super().__init__()
        self._call = call

    def read(self, deadline: Deadline) -> bytes:
        self._call()
        return super().read(deadline)


def test_only_a_fault_of_this_program_comes_as_it_is() -> None:
    def own() -> None:
        raise KeyError("a bug")

    with pytest.raises(DeviceError, match="adb kill-server"):
        ScriptedDevice(Reaches(in_the_library)).run(["x"])
    with pytest.raises(KeyError, match="a bug"):
        ScriptedDevice(Reaches(own)).run(["x"])


class OldDevice(ScriptedDevice):
    """A device without the shell protocol 2, on which each command prints `said` and ends so."""

    def __init__(self, said: bytes, status: int = 0) -> None:
        super().__init__(features="cmd")
        self._said, self._status = said, status

    def _open(self, service: str, deadline: Deadline) -> ScriptedStream:
        mark = service.rpartition("echo ")[2].removesuffix("$?").encode()
        whole = self._said + mark + b"%d\n" % self._status
        return ScriptedStream(*(whole[at : at + 7] for at in range(0, len(whole), 7)))


WARNING = b"WARNING: linker: /system/lib/libx.so: unused DT entry: type 0x6ffffef5 arg 0x2b4\n"


def test_what_an_old_devices_linker_warns_of_is_none_of_the_output() -> None:
    done = OldDevice(WARNING + b"one\n" + WARNING + b"WARNING: mine\ntwo").run(["x"])
    assert (done.stdout, done.stderr) == (b"one\nWARNING: mine\ntwo", 2 * WARNING)
    with OldDevice(WARNING + b"one\n" + WARNING + b"two").lines(["x"]) as lines:
        assert list(lines) == ["one", "two"]


def test_a_new_devices_output_is_its_own_whatever_it_says() -> None:
    stream = ScriptedStream(framed(1, WARNING), exit_with(0))
    assert ScriptedDevice(stream).run(["x"]).stdout == WARNING


def test_the_reason_of_a_failure_on_an_old_device_is_what_was_printed_last() -> None:
    with (
        OldDevice(b"one\nsh: no such tool\n", 127).lines(["x"]) as lines,
        pytest.raises(CommandFailed, match="status 127 on the device: sh: no such tool"),
    ):
        list(lines)
    with pytest.raises(CommandFailed, match="status 1 on the device: no properties"):
        OldDevice(WARNING + b"[a]: [1]\nno properties\n", 1).properties()


def test_foreign_lines_among_properties_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    device = OldDevice(b"Welcome!\n[a]: [1]\r\n" + WARNING + b"hint\n[b]: [2\n3]\n[c]: [cut")
    device.serial = "one that nobody else has"
    for _ in range(2):
        assert device.properties() == {"a": "1", "b": "2\n3"}
    (record,) = caplog.records
    assert record.getMessage() == (
        "device one that nobody else has: `getprop` has 3 foreign line(s), which are ignored, "
        "such as 'Welcome!'"
    )


def test_a_device_without_getprop_says_so() -> None:
    device = ScriptedDevice(ScriptedStream(framed(2, b"sh: getprop: not found\n"), exit_with(127)))
    with pytest.raises(CommandFailed, match="getprop: not found"):
        device.properties()
