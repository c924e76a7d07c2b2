"""Fake phones: one answers from a table, one runs its commands in this machine's own shell."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.core.errors import CommandFailed, PushFailed
from bench.devices.android.adb.device import Completed, Device
from bench.devices.android.adb.streams import Deadline, Stream
from bench.devices.android.workspace import PARENT

UNHEARD = Completed(status=127, stdout=b"", stderr=b"sh: inaccessible or not found\n")


def said(stdout: str = "", *, status: int = 0) -> Completed:
    return Completed(status=status, stdout=stdout.encode(), stderr=b"")


class FakeDevice(Device):
    """Answers a command by the first key that stands in it, and knows no other.

    `commands` are those that it was asked, as the shell would read them.
    """

    def __init__(
        self,
        answers: Mapping[str, Completed] | None = None,
        *,
        properties: Mapping[str, str] | None = None,
        serial: str = "fake-serial",
    ) -> None:
        super().__init__(serial)
        self.answers = dict(answers or {})
        self.commands: list[str] = []
        self._properties = dict(properties or {})

    def run(self, command: Sequence[str], *, timeout_s: float = 30.0) -> Completed:
        line = shlex.join(command)
        self.commands.append(line)
        return next((it for key, it in self.answers.items() if key in line), UNHEARD)

    def push(self, local: Path, remote: str, *, mode: int = 0o644, silence_s: float = 60.0) -> None:
        self.commands.append(f"push {local} {remote} {mode:o}")

    def pull(self, remote: str, local: Path, *, silence_s: float = 60.0) -> None:
        raise AssertionError("nothing that is tested on this stand-in pulls")

    def properties(self) -> Mapping[str, str]:
        return self._properties

    def close(self) -> None:
        pass

    def _open(self, service: str, deadline: Deadline) -> Stream:
        raise AssertionError("nothing that is tested on this stand-in opens a stream")

    def _features(self, deadline: Deadline) -> frozenset[str]:
        raise AssertionError("this stand-in is asked for no features")


class ShellDevice(FakeDevice):
    """Has `root` for its /data/local/tmp and this machine's shell; `without` tools it hasn't got.

    A key of `answers` still answers before the shell does. `cut` is how many bytes of a push
    arrive, None for all; `fails` is raised by a push after it.
    """

    def __init__(self, root: Path, *, without: Sequence[str] = (), cut: int | None = None) -> None:
        super().__init__(dict.fromkeys(without, UNHEARD))
        self.root = root
        self.cut = cut
        self.fails: Exception | None = None

    def run(self, command: Sequence[str], *, timeout_s: float = 30.0) -> Completed:
        answer = super().run(command, timeout_s=timeout_s)
        if any(key in self.commands[-1] for key in self.answers):
            return answer
        line = shlex.join(command).replace(PARENT, str(self.root))
        # As on a phone: the whole command is one word for the shell, whatever it holds.
        done = subprocess.run(
            ["sh", "-c", line], capture_output=True, check=False, timeout=timeout_s
        )
        stdout = done.stdout.replace(str(self.root).encode(), PARENT.encode())
        return Completed(status=done.returncode, stdout=stdout, stderr=done.stderr)

    def push(self, local: Path, remote: str, *, mode: int = 0o644, silence_s: float = 60.0) -> None:
        super().push(local, remote, mode=mode, silence_s=silence_s)
        path = self.at(remote)
        try:
            path.write_bytes(local.read_bytes()[: self.cut])
        except OSError as error:
            raise PushFailed(remote, str(error.strerror)) from error
        path.chmod(mode)
        if self.fails:
            raise self.fails

    def pull(self, remote: str, local: Path, *, silence_s: float = 60.0) -> None:
        if not self.at(remote).exists():
            raise CommandFailed(f"pulling {remote}", 1, "No such file or directory")
        shutil.copyfile(self.at(remote), local)

    def at(self, remote: str) -> Path:
        """Return where a path of the phone is on this machine."""
        return Path(remote.replace(PARENT, str(self.root), 1))
