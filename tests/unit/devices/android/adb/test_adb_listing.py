"""Which devices a server and USB list, and what is said where a client is missing."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bench.core.errors import InputError, Unavailable
from bench.devices.android.adb import find, usb
from bench.devices.android.adb.known import Known, host_and_port
from tests.fakes.adb import Wire, closed_port, peer


def test_where_no_server_runs_it_knows_no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(closed_port()))
    assert find.server_devices() == []
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", "none")
    with pytest.raises(InputError):
        find.server_devices()


def test_what_listens_on_the_servers_port_and_is_none_knows_no_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def script(wire: Wire) -> None:
        wire.socket.recv(100)
        wire.socket.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with peer(script) as port:
        monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(port))
        assert find.server_devices() == []


@pytest.mark.parametrize("failure", [ImportError("no usb1"), OSError("no libusb-1.0")])
def test_without_libusb_there_is_nothing_on_usb(
    monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def fails() -> list[object]:
        raise failure

    monkeypatch.setattr(usb, "usb_transports", fails)
    assert find.usb_devices() == []
    with pytest.raises(Unavailable, match="adb start-server"):
        find.open_device("abc", transport="direct")


def test_what_is_on_usb_is_ready_as_far_as_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usb, "usb_transports", lambda: [usb.Usb("abc", object(), "usb:1-2")])
    assert find.usb_devices() == [Known(serial="abc", state="device", path="usb:1-2")]


WITHOUT = """
import sys
for name in ("adb_shell", "usb1", "cryptography"):
    sys.modules[name] = None
from bench.devices.android.adb import find
from bench.core.errors import Unavailable
assert find.usb_devices() == []
assert find.server_devices() == []
for call in (lambda: find.open_device("a:1", transport="direct"), lambda: find.choose(None)):
    try:
        call()
    except Unavailable as error:
        assert "make setup" in error.hint, error
    else:
        raise SystemExit("no error")
"""


def test_without_the_clients_the_module_loads_and_says_what_is_missing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False,
        env=os.environ | {"ANDROID_ADB_SERVER_PORT": str(closed_port())},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_importing_the_module_imports_no_client() -> None:
    code = "import sys, bench.devices.android.adb.find; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & {"adb_shell", "usb1", "cryptography", "requests", "numpy"}


@pytest.mark.parametrize(
    ("serial", "address"),
    [
        ("10.0.0.7:5555", ("10.0.0.7", 5555)), ("[fe80::1]:5555", ("fe80::1", 5555)),
        ("abc", None), (":5555", None), ("h:0", None), ("h:65536", None), ("h:٣", None),
        ("h:-1", None), ("h:", None),
    ],
)  # fmt: skip
def test_an_address_is_a_host_and_a_port(serial: str, address: tuple[str, int] | None) -> None:
    assert host_and_port(serial) == address
