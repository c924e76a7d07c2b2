"""The parent's side of an inferring child: start it, give it images, end it.

While the child works this process sleeps in poll() on its pipe. Whatever a child does instead of
answering becomes an ArmLost with the kind that `bench.launcher.process` would give it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.core.inference_protocol import MODULE, InferenceRequest
from bench.core.protocol import REQUEST, write_json
from bench.launcher.client import ArmLost, LiveArm
from bench.launcher.process import ChildFailed, child_environment, log_tail, request_folder, started

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_OPENS_WITHIN_S = 300.0
_ONE_IMAGE_WITHIN_S = 10.0
_LEAVES_WITHIN_S = 10.0
_IMAGES = "images.npy"
_LOGITS = "logits.npy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What a child told of its engine once it was open."""

    load_ns: int
    relative_l2: float
    facts: Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class Engine:
    """A process that holds one engine open; `commands` is the descriptor of its input."""

    arm: LiveArm
    commands: int
    ready: Ready

    def infer(self, images: Path, count: int) -> NDArray[np.float32]:
        """Return the logits of the .npy file of `count` images; raises ArmLost."""
        import numpy as np

        logits = self.arm.folder / _LOGITS
        command = {"images": str(images), "logits": str(logits)}
        answer = self._ask(command, _OPENS_WITHIN_S + count * _ONE_IMAGE_WITHIN_S)
        if answer != {"written": count}:
            raise _garbage(self.arm, f"it answered {answer} to {count} images")
        found: NDArray[np.float32] = np.load(logits)
        return found

    def time(self, count: int) -> list[int]:
        """Return the durations, in ns, of `count` inferences of the last images."""
        answer = self._ask({"time": count}, _OPENS_WITHIN_S + count * _ONE_IMAGE_WITHIN_S)
        samples = answer.get("ns")
        if not isinstance(samples, list) or len(samples) != count:
            raise _garbage(self.arm, f"it answered {answer} to being timed {count} times")
        return samples

    def _ask(self, command: Mapping[str, object], timeout_s: float) -> Mapping[str, Any]:
        with suppress(BrokenPipeError):  # it has gone, and hear() tells how
            os.write(self.commands, json.dumps(command).encode() + b"\n")
        return self.arm.hear(timeout_s)


OpenEngine = Callable[..., AbstractContextManager[Engine]]


@contextmanager
def open_engine(
    request: InferenceRequest, *, python: Path, env: Mapping[str, str]
) -> Iterator[Engine]:
    """Start a child, wait until its engine is open and right, and end it afterwards.

    Raises ArmLost where that goes wrong, Unavailable where `python` can't be started.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(request_folder())
        heard, replies = _pipe(stack)
        told, commands = _pipe(stack)
        write_json(folder / REQUEST, {**request.to_json(), "replies_fd": replies.number})
        process = stack.enter_context(
            started(
                MODULE, folder, python, child_environment(env),
                stdin=told.number, pass_fds=[replies.number],
            )
        )  # fmt: skip
        replies.close()
        told.close()
        arm = LiveArm(process=process, folder=folder, replies=heard.number)
        yield Engine(arm=arm, commands=commands.number, ready=_ready(arm))
        commands.close()  # a child whose input ends tears its engine down and leaves
        with suppress(Exception):  # a time-out: it is ended below
            process.wait(_LEAVES_WITHIN_S)


def _ready(arm: LiveArm) -> Ready:
    told = arm.hear(_OPENS_WITHIN_S)
    try:
        return Ready(**told["ready"])
    except (KeyError, TypeError):
        raise _garbage(arm, f"it said {told} where it should be ready") from None


def _garbage(arm: LiveArm, message: str) -> ArmLost:
    return ArmLost(
        ChildFailed(
            kind="garbage-reply",
            message=message,
            hint="its interpreter runs another version of the harness",
            log_tail=log_tail(arm.folder),
        )
    )


@dataclass(slots=True)
class _End:
    """One end of a pipe, closed once."""

    number: int

    def close(self) -> None:
        if self.number >= 0:
            os.close(self.number)
        self.number = -1


def _pipe(stack: ExitStack) -> tuple[_End, _End]:
    """Return a pipe's reading and writing end, each closed with `stack` at the latest."""
    reading, writing = (_End(number) for number in os.pipe())
    for end in (reading, writing):
        stack.callback(end.close)
    return reading, writing


def write_images(folder: Path, images: NDArray[np.float32]) -> Path:
    """Write what children are to infer into `folder`, over what it held; return the file."""
    import numpy as np

    path = folder / _IMAGES
    np.save(path, images)
    return path
