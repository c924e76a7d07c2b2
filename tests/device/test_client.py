"""One contract for both ways to a device: straight to the stand-in, and through a real adb server.

The stand-in shares no code with the client, and neither does adb.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from bench.adb import find
from bench.adb.calls import StreamedDevice
from bench.adb.direct import DirectDevice
from bench.adb.keys import load_signer
from bench.adb.known import Known
from bench.adb.server import ServerDevice
from bench.errors import (
    CommandFailed,
    DeviceError,
    DeviceLost,
    DeviceNotFound,
    DeviceTimeout,
    DeviceUnauthorized,
    PushFailed,
)
from tests.device.adb_server import Adb
from tests.device.daemon import CommandFault, Device, Faults, Policy, PushFault, running_device
from tests.device.test_daemon import eventually

TMP = "/data/local/tmp"
MIB = 1 << 20

Reach = Callable[[Device], StreamedDevice]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("android")
    load_signer(folder)
    return folder


@pytest.fixture
def direct(keys: Path) -> Iterator[Reach]:
    with ExitStack() as opened:

        def call(device: Device) -> StreamedDevice:
            client = DirectDevice.open(device.serial, auth_timeout_s=1, keys=keys)
            opened.callback(client.close)
            return client

        yield call


@pytest.fixture
def served(own_adb: Adb) -> Iterator[Reach]:
    with ExitStack() as opened:

        def call(device: Device) -> StreamedDevice:
            own_adb("connect", device.serial)
            opened.callback(own_adb, "disconnect", device.serial)
            settled = {"device", "unauthorized"}
            assert eventually(lambda: own_adb.state(device.serial) in settled)
            return ServerDevice.open(device.serial, address=("127.0.0.1", own_adb.port))

        yield call


@pytest.fixture(params=["direct", "served"])
def reach(request: pytest.FixtureRequest) -> Reach:
    """Each way in turn."""
    way: Reach = request.getfixturevalue(request.param)
    return way


def shell(script: str) -> Sequence[str]:
    return ["sh", "-c", script]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_command_gives_its_status_and_both_outputs_apart(reach: Reach, device: Device) -> None:
    done = reach(device).run(shell("echo out; echo err >&2; exit 7"))
    assert (done.status, done.stdout, done.stderr) == (7, b"out\n", b"err\n")


def test_an_old_device_gives_its_status_too(reach: Reach, tmp_path: Path) -> None:
    with running_device(tmp_path, auth=Policy.OPEN, shell_v2=False) as device:
        client = reach(device)
        done = client.run(shell("echo out; echo err >&2; printf end; exit 7"))
        assert (done.status, done.stdout, done.stderr) == (7, b"out\nerr\nend", b"")
        with client.lines(shell("echo one; printf two; exit 3")) as lines:
            assert [next(lines), next(lines)] == ["one", "two"]
            with pytest.raises(CommandFailed, match="status 3"):
                next(lines)


@pytest.mark.parametrize("chunk_bytes", [1 << 20, 7])
def test_every_byte_of_an_output_comes_as_it_was(
    reach: Reach, tmp_path: Path, chunk_bytes: int
) -> None:
    every = bytes(range(256)) * 8
    faults = Faults(chunk_bytes=chunk_bytes)
    with running_device(tmp_path, auth=Policy.OPEN, faults=faults) as device:
        device.path(f"{TMP}/bytes").write_bytes(every)
        assert reach(device).run(["cat", f"{TMP}/bytes"]).stdout == every


def test_an_output_of_many_mib_comes_whole(reach: Reach, device: Device) -> None:
    done = reach(device).run(["head", "-c", str(8 * MIB), "/dev/zero"])
    assert (done.status, done.stdout) == (0, bytes(8 * MIB))


def test_words_reach_the_command_as_they_are(reach: Reach, device: Device) -> None:
    words = ["a b'c", "$HOME", "; reboot", "", "é", "*", '"', "\\", "line\nfeed"]
    assert reach(device).run(["printf", "%s|", *words]).text == "|".join([*words, ""])


def test_properties_are_those_of_the_device(reach: Reach, device: Device) -> None:
    device.set_state(properties={"ro.bench.test": "x [y]"})
    told = reach(device).properties()
    assert told["ro.product.model"] == "stand-in"
    assert told["ro.bench.test"] == "x [y]"


def test_a_file_goes_there_and_back_unchanged(reach: Reach, device: Device, tmp_path: Path) -> None:
    local, back = tmp_path / "local", tmp_path / "back"
    local.write_bytes(os.urandom(8 * MIB))
    client = reach(device)
    client.push(local, f"{TMP}/own/file", mode=0o755)
    client.pull(f"{TMP}/own/file", back)
    assert digest(local) == digest(device.path(f"{TMP}/own/file")) == digest(back)
    assert device.path(f"{TMP}/own/file").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("size", [0, 1, 503, 504, 64 * 1024, 64 * 1024 + 1])
def test_a_file_of_any_size_goes_there_and_back(
    reach: Reach, device: Device, tmp_path: Path, size: int
) -> None:
    local, back = tmp_path / "local", tmp_path / "back"
    local.write_bytes(os.urandom(size))
    client = reach(device)
    client.push(local, f"{TMP}/file")
    client.pull(f"{TMP}/file", back)
    assert local.read_bytes() == back.read_bytes()


def test_a_file_that_is_not_there_is_told_and_the_link_kept(
    reach: Reach, device: Device, tmp_path: Path
) -> None:
    client = reach(device)
    with pytest.raises(CommandFailed, match="No such file"):
        client.pull(f"{TMP}/nothing", tmp_path / "back")
    assert not (tmp_path / "back").exists()
    assert client.run(["echo", "on"]).stdout == b"on\n"


def test_a_line_comes_before_the_command_says_the_next(reach: Reach, device: Device) -> None:
    go = device.path(f"{TMP}/go")
    script = f"echo one; while [ ! -e {shlex.quote(str(go))} ]; do sleep 0.01; done; echo two"
    with reach(device).lines(shell(script)) as lines:
        assert next(lines) == "one"
        go.write_text("")
        assert list(lines) == ["two"]


def test_lines_end_with_the_commands_failure(reach: Reach, device: Device) -> None:
    with reach(device).lines(shell("echo one; echo why >&2; exit 3")) as lines:
        assert next(lines) == "one"
        with pytest.raises(CommandFailed, match="`sh` ended with status 3 on the device: why"):
            next(lines)


def test_leaving_the_lines_ends_the_command_and_keeps_the_link(
    reach: Reach, device: Device
) -> None:
    client = reach(device)
    with client.lines(shell("while :; do echo x; sleep 0.01; done")) as lines:
        assert next(lines) == "x"
        assert device.processes()
    assert eventually(lambda: not device.processes())
    assert client.run(["echo", "on"]).stdout == b"on\n"


@pytest.mark.parametrize("script", ["sleep 60", "while :; do echo y; done"])
def test_a_deadline_ends_the_command_and_the_next_call_serves(
    reach: Reach, device: Device, script: str
) -> None:
    client = reach(device)
    with pytest.raises(DeviceTimeout, match=r"within 0\.5 s during `sh`"):
        client.run(shell(script), timeout_s=0.5)
    assert eventually(lambda: not device.processes())
    assert client.run(["echo", "on"]).stdout == b"on\n"


def test_silence_among_the_lines_ends_them(reach: Reach, device: Device) -> None:
    device.faults.commands.append(CommandFault(matching="seq", does="hang", after_lines=2))
    with reach(device).lines(["seq", "5"], silence_s=0.5) as lines:
        assert [next(lines), next(lines)] == ["1", "2"]
        with pytest.raises(DeviceTimeout, match="during `seq`"):
            next(lines)


def test_a_file_service_that_hangs_ends_at_its_deadline(
    reach: Reach, device: Device, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(bytes(32 * MIB))
    device.faults.commands.append(CommandFault(matching="sync:", does="hang"))
    client = reach(device)
    with pytest.raises(DeviceTimeout, match="the push of file"):
        client.push(tmp_path / "file", f"{TMP}/file", timeout_s=0.5)
    with pytest.raises(DeviceTimeout, match="the pull of"):
        client.pull(f"{TMP}/file", tmp_path / "back", timeout_s=0.5)
    device.faults.commands.clear()
    assert client.run(["echo", "on"]).stdout == b"on\n"


@pytest.mark.parametrize("does", ["drop", "hang"])
def test_a_device_that_goes_in_the_middle_of_a_command_is_lost(
    reach: Reach, device: Device, does: str
) -> None:
    device.faults.commands.append(
        CommandFault(matching="seq", does="drop" if does == "drop" else "hang", after_lines=2)
    )
    client = reach(device)
    with client.lines(["seq", "5"]) as lines:
        assert [next(lines), next(lines)] == ["1", "2"]
        if does == "hang":
            device.drop_connections()
        with pytest.raises(DeviceLost, match="during `seq`"):
            next(lines)
    device.faults.commands.clear()
    assert reach(device).run(["echo", "on"]).stdout == b"on\n"


def test_a_stream_cut_before_its_status_is_no_success(reach: Reach, device: Device) -> None:
    device.faults.commands.append(CommandFault(matching="seq", does="kill", after_lines=1))
    done = reach(device).run(shell("seq 5; sleep 60"))
    assert done.status != 0


def test_a_device_that_goes_in_the_middle_of_a_push_is_lost(
    reach: Reach, device: Device, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(bytes(8 * MIB))
    device.faults.pushes.append(PushFault(matching="file", does="drop", after_bytes=MIB, times=1))
    with pytest.raises(DeviceLost, match="the push of file"):
        reach(device).push(tmp_path / "file", f"{TMP}/file")
    reach(device).push(tmp_path / "file", f"{TMP}/file")
    assert device.path(f"{TMP}/file").stat().st_size == 8 * MIB


@pytest.mark.parametrize(
    ("fault", "reason", "remedy"),
    [
        (PushFault(matching="file", does="full", after_bytes=MIB), "No space left", "free some"),
        (PushFault(matching="file", does="full", after_bytes=8 * MIB - 1), "No space left", "free"),
        (PushFault(matching="file", does="denied"), "Permission denied", "/data/local/tmp"),
    ],
    ids=["full in the middle", "full at the end", "denied"],
)
def test_a_file_that_the_device_will_not_take_is_told_with_its_reason(
    reach: Reach, device: Device, tmp_path: Path, fault: PushFault, reason: str, remedy: str
) -> None:
    (tmp_path / "file").write_bytes(bytes(8 * MIB))
    (tmp_path / "other").write_bytes(b"small")
    device.faults.pushes.append(fault)
    client = reach(device)
    with pytest.raises(PushFailed, match=reason) as raised:
        client.push(tmp_path / "file", f"{TMP}/file")
    assert remedy in raised.value.hint
    client.push(tmp_path / "other", f"{TMP}/other")
    assert client.run(["cat", f"{TMP}/other"]).stdout == b"small"


def test_a_device_that_trusts_nobody_says_where_to_allow_it(reach: Reach, tmp_path: Path) -> None:
    with (
        running_device(tmp_path, auth=Policy.NEVER) as device,
        pytest.raises(DeviceUnauthorized, match=f"device {device.serial} doesn't trust"),
    ):
        reach(device)


def test_a_device_allows_a_key_once_and_knows_it_then(reach: Reach, tmp_path: Path) -> None:
    with running_device(tmp_path, auth=Policy.ANY_KEY) as device:
        assert reach(device).run(["true"]).status == 0
        device.gate.policy = Policy.KNOWN_KEYS
        assert reach(device).run(["true"]).status == 0
        assert len(device.gate.known) == 1


def test_a_direct_connection_that_was_lost_is_opened_anew(direct: Reach, device: Device) -> None:
    client = direct(device)
    device.drop_connections()
    with pytest.raises(DeviceLost):
        client.run(["true"])
    assert client.run(["echo", "on"]).stdout == b"on\n"


def seen_by(client: StreamedDevice, folder: Path) -> list[object]:
    """What a client returns and raises, call by call."""
    folder.mkdir()
    (folder / "file").write_bytes(bytes(range(256)) * 1000)
    seen: list[object] = [
        client.run(shell("echo a; echo b >&2; exit 9")), client.run(["no-such-command"]).status,
        dict(client.properties()),
    ]  # fmt: skip
    calls: list[Callable[[], object]] = [
        lambda: client.push(folder / "file", "/system/file"),
        lambda: client.pull(f"{TMP}/nothing", folder / "back"),
        lambda: client.run(["sleep", "60"], timeout_s=0.3),
        lambda: client.run(["drop-here"]),
    ]
    for call in calls:
        with pytest.raises(DeviceError) as raised:
            call()
        seen.append((raised.value.kind, str(raised.value)))
    return seen


def test_both_ways_give_the_same(
    direct: Reach, served: Reach, device: Device, tmp_path: Path
) -> None:
    device.faults.commands.append(CommandFault(matching="drop-here", does="drop"))
    assert seen_by(direct(device), tmp_path / "a") == seen_by(served(device), tmp_path / "b")


def test_the_server_is_the_way_to_a_device_that_it_has(
    own_adb: Adb, served: Reach, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(own_adb.port))
    monkeypatch.setattr(find, "usb_devices", list)
    with closing(find.open_device(device.serial)) as client:
        assert isinstance(client, DirectDevice)
    served(device)
    assert Known(serial=device.serial, state="device") in find.server_devices()
    with closing(find.open_device(device.serial)) as client:
        assert isinstance(client, ServerDevice)
    assert find.choose(None) == device.serial


@pytest.mark.parametrize("serial", ["x; rm -rf $HOME", "a b'c", "$(reboot)", "a:b:c", ""])
def test_a_serial_for_a_shell_is_just_not_found_by_a_real_server(
    own_adb: Adb, serial: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(DeviceNotFound) as raised:
        ServerDevice.open(serial, address=("127.0.0.1", own_adb.port))
    assert raised.value.serial == serial
