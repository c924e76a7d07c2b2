"""The way through an adb server, against scripted servers on a socket."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.core.errors import (
    DeviceError,
    DeviceLost,
    DeviceNotFound,
    DeviceTimeout,
    DeviceUnauthorized,
    InputError,
    PushFailed,
)
from bench.devices.android.adb.known import Known
from bench.devices.android.adb.server import (
    NoServer,
    ServerDevice,
    known_devices,
    server_address,
)
from bench.devices.android.adb.streams import Deadline, SocketStream
from tests.fakes.adb import Wire, closed_port, framed, peer

Script = Callable[[Wire], None]

SERIAL = "x; rm -rf $HOME"


def block(text: str) -> bytes:
    return b"%04x" % len(text.encode()) + text.encode()


def asked(wire: Wire) -> str:
    """Return a request as the server reads it."""
    return wire.exactly(int(wire.exactly(4), 16)).decode()


def refusing(reason: str) -> Script:
    def script(wire: Wire) -> None:
        asked(wire)
        wire.socket.sendall(b"FAIL" + block(reason))

    return script


def telling(request: str, answer: str) -> Script:
    def script(wire: Wire) -> None:
        assert asked(wire) == request
        wire.socket.sendall(b"OKAY" + block(answer))

    return script


FEATURES = telling(f"host-serial:{SERIAL}:features", "cmd,shell_v2\n")


def serving(service: str, *pieces: bytes) -> Script:
    """Join a client to a service that says `pieces` and ends."""

    def script(wire: Wire) -> None:
        assert asked(wire) == f"host:transport:{SERIAL}"
        wire.socket.sendall(b"OKAY")
        assert asked(wire) == service
        wire.socket.sendall(b"OKAY")
        for piece in pieces:
            wire.socket.sendall(piece)

    return script


def hanging(wire: Wire) -> None:
    wire.wait_for_the_end()


def opened(port: int) -> ServerDevice:
    return ServerDevice.open(SERIAL, address=("127.0.0.1", port))


def test_the_devices_that_a_server_knows_come_with_their_states() -> None:
    text = """\
abc                    device usb:1-2.3 product:p model:Pixel_5 device:redfin transport_id:3
1.2.3.4:5              offline transport_id:12
x y                    unauthorized usb:1-1
old                    no permissions (user in plugdev group; are your udev rules wrong?); see [url]
a-serial-of-more-than-22-characters device product: model: device:
junk
"""
    with peer(telling("host:devices-l", text)) as port:
        assert known_devices(("127.0.0.1", port)) == [
            Known(serial="abc", state="device", path="usb:1-2.3", transport_id="3"),
            Known(serial="1.2.3.4:5", state="offline", transport_id="12"),
            Known(serial="x y", state="unauthorized", path="usb:1-1"),
            Known(
                serial="old",
                state="no permissions (user in plugdev group; are your udev rules "
                "wrong?); see [url]",
            ),
            Known(serial="a-serial-of-more-than-22-characters", state="device"),
        ]


def test_a_serial_that_is_no_utf_8_is_listed() -> None:
    def script(wire: Wire) -> None:
        asked(wire)
        row = b"caf\xe9                   device usb:1-2 transport_id:3\n"
        wire.socket.sendall(b"OKAY%04x" % len(row) + row)

    with peer(script) as port:
        assert [each.name for each in known_devices(("127.0.0.1", port))] == ["usb:1-2"]


def test_a_server_that_lists_nothing_says_so_in_its_words() -> None:
    with (
        peer(refusing("unknown host service")) as port,
        pytest.raises(DeviceError, match="doesn't list its devices: 'unknown host service'"),
    ):
        known_devices(("127.0.0.1", port))


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was started of other programs, by whoever."""
    commands: list[object] = []
    monkeypatch.setattr(subprocess, "Popen", lambda *args, **_: commands.append(args))
    return commands


def test_no_server_is_ever_started(
    started: list[object], capfd: pytest.CaptureFixture[str]
) -> None:
    address = ("127.0.0.1", closed_port())
    with pytest.raises(NoServer):
        known_devices(address)
    with pytest.raises(DeviceNotFound, match="adb start-server") as raised:
        ServerDevice.open("abc", address=address)
    assert str(address[1]) in raised.value.hint
    assert started == []
    assert capfd.readouterr() == ("", "")


def test_a_server_that_has_gone_is_not_started_again(started: list[object]) -> None:
    with peer(FEATURES) as port:
        device = opened(port)
    with pytest.raises(DeviceNotFound, match="no adb server listens"):
        device.run(["ls"])
    assert started == []


@pytest.mark.parametrize(
    ("reason", "expected", "word"),
    [
        ("device unauthorized.\nThis adb server's $ADB_VENDOR_KEYS is not set",
         DeviceUnauthorized, "allow USB debugging"),
        ("device still authorizing", DeviceUnauthorized, "allow USB debugging"),
        ("device offline", DeviceNotFound, "adb reconnect"),
        ("device still connecting", DeviceNotFound, "adb reconnect"),
        (f"device '{SERIAL}' not found", DeviceNotFound, "adb devices"),
        ("insufficient permissions for device: udev requires that", DeviceNotFound, "udev"),
        ("no devices/emulators found", DeviceNotFound, "adb devices"),
        ("more than one device/emulator", DeviceNotFound, "USB path"),
        ("closed", DeviceLost, "adb devices"),
    ],
)  # fmt: skip
def test_a_servers_refusal_is_told_as_what_it_means(
    reason: str, expected: type[DeviceError], word: str
) -> None:
    with peer(refusing(reason)) as port, pytest.raises(expected) as raised:
        opened(port)
    assert SERIAL in raised.value.problem
    assert word in raised.value.hint


@pytest.mark.parametrize(
    "reason",
    [
        "unknown host service", "protocol fault (couldn't read status)", "not authorized to debug",
        "adb server version (31) doesn't match this client (41)", "device not founded",
        "cannot connect: host is offline", "",
    ],
)  # fmt: skip
def test_a_refusal_that_is_none_of_adbs_is_quoted_and_no_state_of_the_device(reason: str) -> None:
    with peer(refusing(reason)) as port, pytest.raises(DeviceError) as raised:
        opened(port)
    assert type(raised.value) is DeviceError
    assert raised.value.problem == f"the adb server refuses device {SERIAL}: '{reason}'"
    assert "adb kill-server" in raised.value.hint


@pytest.mark.parametrize(
    "answer", [b"", b"OK", b"HTTP/1.1 400", b"OKAY", b"OKAYzzzz", b"FAIL", b"FAIL00"], ids=repr
)
def test_what_speaks_no_adb_is_a_lost_device(answer: bytes) -> None:
    def script(wire: Wire) -> None:
        asked(wire)
        wire.socket.sendall(answer)

    with peer(script) as port, pytest.raises(DeviceLost):
        opened(port)


def test_a_server_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.devices.android.adb.server.ASK_S", 0.2)
    with peer(hanging) as port, pytest.raises(DeviceTimeout, match=r"within 0\.2 s"):
        opened(port)


def test_a_command_goes_through_with_both_outputs_and_its_status() -> None:
    whole = framed(1, b"out\0") + framed(2, b"err") + framed(3, b"\x07")
    cut = serving("shell,v2,raw:ls 'a b'", *(whole[i : i + 1] for i in range(len(whole))))
    with peer(FEATURES, cut, serving("shell,v2,raw:ls", whole)) as port:
        device = opened(port)
        for command in (["ls", "a b"], ["ls"]):
            done = device.run(command)
            assert (done.status, done.stdout, done.stderr) == (7, b"out\0", b"err")
        device.close()


def test_an_old_device_behind_a_server_tells_its_status_behind_a_mark() -> None:
    def script(wire: Wire) -> None:
        asked(wire)
        wire.socket.sendall(b"OKAY")
        command, _, mark = asked(wire).partition("; echo ")
        assert command == "shell:ls"
        wire.socket.sendall(b"OKAYhi\n" + mark.removesuffix("$?").encode() + b"3\n")

    with peer(telling(f"host-serial:{SERIAL}:features", ""), script) as port:
        done = opened(port).run(["ls"])
    assert (done.status, done.stdout) == (3, b"hi\n")


def test_a_stream_that_the_server_cuts_is_a_lost_device() -> None:
    with peer(FEATURES, serving("shell,v2,raw:ls", framed(1, b"half"))) as port:
        device = opened(port)
        with pytest.raises(DeviceLost, match="during `ls`"):
            device.run(["ls"])


def test_a_deadline_holds_for_a_command_that_keeps_talking() -> None:
    def script(wire: Wire) -> None:
        serving("shell,v2,raw:yes")(wire)
        with pytest.raises(OSError, match=r"(Broken pipe|reset by peer)"):
            endless(wire)

    def endless(wire: Wire) -> None:
        while True:
            wire.socket.sendall(framed(1, b"y\n"))

    with peer(FEATURES, script) as port:
        device = opened(port)
        with pytest.raises(DeviceTimeout):
            device.run(["yes"], timeout_s=0.3)


def test_a_read_waits_for_what_is_left_of_its_deadline_only() -> None:
    here, there = socket.socketpair()
    with here, there:
        here.settimeout(5)
        with pytest.raises(TimeoutError):
            SocketStream(here).read(Deadline.after(0.05))
        assert (here.gettimeout() or 5) <= 0.05


def test_leaving_lines_early_ends_their_connection() -> None:
    def script(wire: Wire) -> None:
        serving("shell,v2,raw:x", framed(1, b"one\n"))(wire)
        wire.wait_for_the_end()

    with peer(FEATURES, script) as port, opened(port).lines(["x"]) as lines:
        assert next(lines) == "one"


def test_the_reason_of_a_refused_push_is_seen_while_data_still_goes_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(16 << 20))
    came = []

    def script(wire: Wire) -> None:
        serving("sync:", b"FAIL\x08\0\0\0no space")(wire)
        while data := wire.socket.recv(1 << 20):
            came.append(len(data))

    with peer(FEATURES, script) as port:
        device = opened(port)
        with pytest.raises(PushFailed, match="no space"):
            device.push(tmp_path / "file", "/data/x")
    assert sum(came) < 16 << 20


def test_a_push_that_nobody_takes_ends_at_its_deadline(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(32 << 20))
    given_up = threading.Event()

    def script(wire: Wire) -> None:
        serving("sync:")(wire)
        assert given_up.wait(20)

    with peer(FEATURES, script) as port:
        device = opened(port)
        with pytest.raises(DeviceTimeout, match="the push of file"):
            device.push(tmp_path / "file", "/data/x", silence_s=0.3)
        given_up.set()


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({}, ("127.0.0.1", 5037)),
        ({"ANDROID_ADB_SERVER_PORT": "6001"}, ("127.0.0.1", 6001)),
        ({"ANDROID_ADB_SERVER_ADDRESS": "box"}, ("box", 5037)),
        ({"ADB_SERVER_SOCKET": "tcp:6002", "ANDROID_ADB_SERVER_PORT": "1"}, ("127.0.0.1", 6002)),
        ({"ADB_SERVER_SOCKET": "tcp:box:6003"}, ("box", 6003)),
        ({"ADB_SERVER_SOCKET": "tcp:[::1]:6004"}, ("::1", 6004)),
        ({"ADB_SERVER_SOCKET": "", "ANDROID_ADB_SERVER_PORT": ""}, ("127.0.0.1", 5037)),
    ],
    ids=repr,
)
def test_the_servers_address_is_where_adb_would_look(
    environment: dict[str, str], address: tuple[str, int]
) -> None:
    assert server_address(environment) == address


@pytest.mark.parametrize(
    "environment",
    [
        {"ADB_SERVER_SOCKET": "localfilesystem:/tmp/adb"}, {"ADB_SERVER_SOCKET": "6002"},
        {"ANDROID_ADB_SERVER_PORT": "many"}, {"ANDROID_ADB_SERVER_PORT": "70000"},
    ],
    ids=repr,
)  # fmt: skip
def test_an_address_that_is_none_says_what_to_set(environment: dict[str, str]) -> None:
    with pytest.raises(InputError, match="can't be an adb server's address") as raised:
        server_address(environment)
    assert "tcp:HOST:PORT" in raised.value.hint
