"""Every error that the harness raises on purpose.

    BenchError                    one sentence and a remedy; the command line prints it and exits
    ├── InputError                what the person typed or wrote
    │   ├── UnknownName           a name that no table has
    │   └── BrokenFile            a suite, catalogue or other input file that can't be read as one
    ├── Unavailable               a target, runner or environment that this machine hasn't got
    ├── DeviceError               a phone over ADB
    │   ├── DeviceNotFound        nothing answers to that serial, or several devices to none
    │   ├── DeviceBusy            another program holds it
    │   ├── DeviceUnauthorized    it waits for its owner to allow this computer
    │   ├── DeviceLost            it went away in the middle
    │   ├── DeviceTimeout         it did not answer in time
    │   ├── PushFailed            a file could not be written there
    │   └── CommandFailed         a command there ended with another status than 0
    ├── ArtifactError             an export or a conversion that did not give its file
    └── ResultsError              results/ can't be read or written
        ├── BrokenResult          a result file that is truncated, foreign or of another version
        └── ResultsNotWritable    read-only, full, or not a folder

Standard library only: workers raise these too.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.core.program import command


class BenchError(Exception):
    """What is wrong, in one clause that names the thing, and the remedy, in another.

    `exit_status` is what the command line leaves with; `command` is what to type in the end, where
    the remedy ends in one that is to be copied: it is printed on a line of its own.
    """

    exit_status = 2
    command: str | None = None

    def __init__(self, problem: str, *, hint: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.problem}: {self.hint}" + (f" `{self.command}`" if self.command else "")


class InputError(BenchError):
    """Something that the person typed can't be used as it is."""


_FIRST = {
    "run": ("measure", "run"),
    "run or baseline": ("measure", "run"),
    "run or cell": ("measure", "run"),
    "baseline": ("set", "baseline set RUN"),
    "comparison": ("make", "ab"),
    "self-test": ("make", "selftest"),
    "cell": ("measure", "run"),
    "accuracy run": ("make", "accuracy --data DIR"),
}


class UnknownName(InputError):
    """`name` is none of the `known` ones of its `kind`, of which there may be none yet.

    `of` is the thing that has those: a suite has presets, a runner settings. `listed_by` is the
    command, its words in backticks, that prints them, where they are too long to be named here.
    """

    def __init__(
        self, kind: str, name: str, known: Iterable[str], *, of: str = "", listed_by: str = ""
    ) -> None:
        choices = sorted(known)
        if not choices:
            does, words = _FIRST.get(kind, ("make", ""))
            hint = f"{does} one: {command(words)}" if words else "make one first"
            super().__init__(f"there is no {kind} yet", hint=hint)
            return
        near = difflib.get_close_matches(name, choices, n=1)
        guess = f"did you mean '{near[0]}'? " if near else ""
        lacks = f"{of} has no" if of else "there is no"
        which = f"{listed_by} lists them" if listed_by else f"choose from {_some(name, choices)}"
        super().__init__(f"{lacks} {kind} '{name}'", hint=f"{guess}{which}")


_MOST_CHOICES, _NEAREST = 30, 5


def _some(name: str, choices: Sequence[str]) -> str:
    """Return all choices, of many the nearest to `name` and how many more there are."""
    if len(choices) <= _MOST_CHOICES:
        return ", ".join(choices)
    near = difflib.get_close_matches(name, choices, n=_NEAREST, cutoff=0.0)
    return f"{', '.join(near)} and {len(choices) - len(near)} more"


class BrokenFile(InputError):
    """An input file that exists, or should, and can't be read as what it is for."""

    def __init__(self, path: Path | str, problem: str, *, hint: str) -> None:
        super().__init__(f"{path}: {problem}", hint=hint)
        self.path = Path(path)


class Unavailable(BenchError):
    """This machine lacks what a target, a runner or an environment needs."""


class Busy(BenchError):
    """Another process holds what this one needs."""

    def __init__(self, what: str, holder: str) -> None:
        super().__init__(
            f"{what} is in use by another process ({holder})",
            hint="wait until that is over, or end it",
        )


class ArtifactError(BenchError):
    """An export or a conversion failed; `log_tail` holds the end of what its process said.

    `failure` is the kind under which a record names it.
    """

    def __init__(
        self, problem: str, *, hint: str, log_tail: str = "", failure: str = "conversion"
    ) -> None:
        super().__init__(problem, hint=hint)
        self.log_tail = log_tail
        self.failure = failure


class DeviceError(BenchError):
    """A device can't serve; `kind` names the failure in a record."""

    kind = "device"


class DeviceNotFound(DeviceError):
    """No device answers to `serial`; without one, none is there or several (`present`) are."""

    kind = "device-not-found"

    def __init__(self, serial: str | None, *, hint: str, present: Sequence[str] = ()) -> None:
        if serial is not None:
            problem = f"there is no device '{serial}'"
        elif present:
            problem = f"{len(present)} devices are there ({', '.join(present)})"
        else:
            problem = "no device is there"
        super().__init__(problem, hint=hint)


class DeviceBusy(DeviceError):
    """Another program holds the device's USB interface."""

    kind = "device-busy"

    def __init__(self, serial: str) -> None:
        super().__init__(
            f"device {serial} is held by another program",
            hint="where that is an adb server, end it: `adb kill-server`",
        )


class DeviceUnauthorized(DeviceError):
    """The device doesn't trust this computer yet."""

    kind = "device-unauthorized"

    def __init__(self, serial: str) -> None:
        super().__init__(
            f"device {serial} doesn't trust this computer yet",
            hint="unlock it and allow USB debugging in the dialog that it shows",
        )


class DeviceLost(DeviceError):
    """The connection ended in the middle of something."""

    kind = "device-lost"

    def __init__(self, serial: str, during: str) -> None:
        super().__init__(
            f"device {serial} went away during {during}",
            hint="check its cable and `adb devices`",
        )


class DeviceTimeout(DeviceError):
    """No answer came in time."""

    kind = "device-timeout"

    def __init__(self, serial: str, during: str, timeout_s: float) -> None:
        super().__init__(
            f"device {serial} gave no answer within {timeout_s:g} s during {during}",
            hint="look at its screen, plug it in again, or restart it",
        )


class PushFailed(DeviceError):
    """A file could not be written on the device."""

    kind = "push-failed"

    def __init__(self, remote: str, reason: str) -> None:
        full = "no space" in reason.lower() or "quota" in reason.lower()
        super().__init__(
            f"{remote} can't be written on the device: {reason}",
            hint="free some space on it (`adb shell df /data`)"
            if full
            else "choose a folder there that adb may write, such as /data/local/tmp",
        )


class CommandFailed(DeviceError):
    """A command on the device ended with `status`; `stderr` is the end of what it printed there."""

    kind = "command-failed"

    def __init__(self, what: str, status: int, stderr: str) -> None:
        last = stderr.strip().splitlines()[-1:] or ["it said nothing"]
        super().__init__(
            f"{what} ended with status {status} on the device: {last[0]}",
            hint="run it by hand in `adb shell` to see more",
        )
        self.status = status
        self.stderr = stderr


class ResultsError(BenchError):
    """The results folder can't serve."""


class BrokenResult(ResultsError):
    """A result file that can't be trusted: truncated, foreign, or of another schema version."""

    def __init__(self, path: Path, problem: str, *, hint: str) -> None:
        super().__init__(f"{path}: {problem}", hint=hint)
        self.path = path


class ResultsNotWritable(ResultsError):
    """Nothing can be written where the results should go."""
