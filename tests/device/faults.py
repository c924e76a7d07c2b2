"""What can go wrong on the stand-in, set before it runs or while it does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeVar

from tests.device.wire import MAX_PAYLOAD


@dataclass(slots=True, kw_only=True)
class CommandFault:
    """A fault of each command whose service, as "shell,v2,raw:ls /", holds `matching`.

    It strikes when `after_lines` lines of the command's stdout have been passed on, with 0 at once,
    and never where the command ends before. `times` is how many commands it strikes, None all.

    drop      the connection ends
    truncate  the stream ends as after success; the command is killed. With 0 lines: status 0, and
              nothing said
    kill      the command's processes get SIGKILL
    garbage   `garbage` comes in between
    hang      nothing more comes, and the stream stays open

    "sync:" is a service too: it can hang or drop, at once.
    """

    matching: str
    does: Literal["drop", "truncate", "kill", "garbage", "hang"]
    after_lines: int = 0
    times: int | None = None
    garbage: bytes = b"\xff\xfe\x00 this is none of the program's lines\n"


@dataclass(slots=True, kw_only=True)
class PushFault:
    """A fault of each push whose path on the device holds `matching`, after `after_bytes` bytes.

    drop    the connection ends; what came so far stays in the file
    full    the device answers that no space is left, and removes the file
    denied  the device refuses to create the file, at once
    """

    matching: str
    does: Literal["drop", "full", "denied"]
    after_bytes: int = 0
    times: int | None = None


class _Fault(Protocol):
    matching: str
    times: int | None


_F = TypeVar("_F", bound=_Fault)


@dataclass(slots=True, kw_only=True)
class Faults:
    """All faults; none by default.

    What the device sends comes in pieces of `chunk_bytes` at most, `pause_s` seconds before each.
    A command that `outlives` its stream goes on when the stream or the connection ends; otherwise
    its process group gets SIGHUP then.
    """

    commands: list[CommandFault] = field(default_factory=list)
    pushes: list[PushFault] = field(default_factory=list)
    chunk_bytes: int = MAX_PAYLOAD
    pause_s: float = 0.0
    outlives: bool = False

    def of_command(self, service: str) -> CommandFault | None:
        return _take(self.commands, service)

    def of_push(self, path: str) -> PushFault | None:
        return _take(self.pushes, path)


def _take(faults: list[_F], name: str) -> _F | None:
    """Return the first fault that strikes `name`, and count it."""
    for fault in faults:
        if fault.matching in name and fault.times != 0:
            if fault.times is not None:
                fault.times -= 1
            return fault
    return None
