"""The real adb with a server and keys of its own, so that a tester's own server is left alone."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.device.test_daemon import eventually

PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Adb:
    """A client of a server of its own, with keys of its own."""

    program: str
    port: int
    home: Path

    def environment(self) -> dict[str, str]:
        home = str(self.home)
        return {"PATH": os.environ["PATH"], "HOME": home, "TMPDIR": home, "ADB_MDNS": "0"}

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.program, "-P", str(self.port), *words], env=self.environment(),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S,
            check=False,
        )  # fmt: skip

    def on(self, serial: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run it on a device that is connected first."""
        self("connect", serial)
        assert eventually(lambda: self.state(serial) == "device")
        return self("-s", serial, *words)

    def state(self, serial: str) -> str | None:
        """Return what `adb devices` says of a device, None where it isn't listed."""
        lines = (line.split("\t") for line in self("devices").stdout.splitlines())
        return {words[0]: words[1] for words in lines if len(words) == 2}.get(serial)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def missing_adb() -> str | None:
    """Return why there is no adb, as a reason to skip; None: there is one."""
    return None if shutil.which("adb") else "no adb here: on Debian, apt install adb"


@contextmanager
def serving(home: Path) -> Iterator[Adb]:
    """Run a server on a free port, its keys in `home`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    adb = Adb(program=shutil.which("adb") or "adb", port=port, home=home)
    server = subprocess.Popen(
        [adb.program, "-P", str(port), "nodaemon", "server"], env=adb.environment(),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert eventually(lambda: listens(port))
        yield adb
    finally:
        server.terminate()
        server.wait(PATIENCE_S)
