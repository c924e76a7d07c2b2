"""One contract for both ways to a device: straight to the stand-in, and through a real adb server.

The stand-in shares no code with the client, and neither does adb.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import shlex
from pathlib import Path

import pytest

from bench.core.errors import CommandFailed
from tests.device.daemon import Device, Faults, Policy, running_device
from tests.device.reaching import MIB, TMP, Reach, shell
from tests.device.test_daemon import eventually


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


def test_what_an_old_devices_linker_warns_of_is_none_of_the_output(
    reach: Reach, tmp_path: Path
) -> None:
    script = "echo 'WARNING: linker: unused DT entry' >&2; echo out"
    with running_device(tmp_path, auth=Policy.OPEN, shell_v2=False) as device:
        client = reach(device)
        assert client.run(shell(script)).stdout == b"out\n"
        with client.lines(shell(script)) as lines:
            assert list(lines) == ["out"]


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


def test_a_file_takes_as_long_as_it_needs_while_bytes_flow(
    reach: Reach, device: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local, back = tmp_path / "local", tmp_path / "back"
    local.write_bytes(bytes(8 * MIB))
    client = reach(device)
    clock = itertools.count(step=2)  # two seconds each time that a deadline looks at it
    monkeypatch.setattr("bench.devices.android.adb.streams.monotonic", lambda: next(clock))
    client.push(local, f"{TMP}/file")
    pushed_s = next(clock)
    client.pull(f"{TMP}/file", back)
    assert pushed_s > 200
    assert next(clock) - pushed_s > 200
    assert back.stat().st_size == 8 * MIB


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
