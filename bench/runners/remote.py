"""A session whose engine works in a program of its own, which takes commands as lines.

Whatever its program is written in: `bench.launcher.engine_process` starts it.
"""

from __future__ import annotations

from bench.core.units import Nanoseconds
from bench.launcher.engine_process import EngineProcess, garbage
from bench.runners.base import Usage

INFERS_WITHIN_S = 20.0
ANSWERS_WITHIN_S = 30.0


class EngineSession:
    """What a RemoteSession asks of its program; how it infers and its facts are each runner's.

    Its methods raise EngineLost where the program doesn't answer.
    """

    def __init__(self, process: EngineProcess) -> None:
        self.process = process

    @property
    def pid(self) -> int:
        return self.process.pid

    def usage(self) -> Usage:
        answer = self.process.ask({"usage": True}, ANSWERS_WITHIN_S)
        try:
            return Usage(**answer)
        except TypeError:
            raise garbage(answer) from None

    def sample(self, count: int) -> list[Nanoseconds]:
        within_s = ANSWERS_WITHIN_S + count * INFERS_WITHIN_S
        answer = self.process.ask({"sample": count}, within_s)
        samples = answer.get("ns")
        if not isinstance(samples, list) or len(samples) != count:
            raise garbage(answer)
        return [Nanoseconds(sample) for sample in samples]
