"""What each operator of a session of MNN takes, by the callbacks around it."""

from __future__ import annotations

import time
from typing import Any

from bench.core.errors import BenchError
from bench.runners.profiling import OperatorTime, Tally

_NO_ERROR = 0


class Watch:
    """Runs sessions and tells what each operator took; MNN runs them one after the other."""

    def __init__(self) -> None:
        self._tally = Tally()
        self._started = 0

    def run(self, interpreter: Any, session: Any) -> None:
        """Run `session`; raises BenchError where MNN refuses to."""
        self._tally.begin()
        status = interpreter.runSessionWithCallBackInfo(session, self._before, self._after)
        if status != _NO_ERROR:
            raise BenchError(
                f"MNN's run with callbacks returned {status}", hint="leave --profile out"
            )

    def _before(self, tensors: object, operator: Any) -> bool:
        del tensors, operator
        self._started = time.perf_counter_ns()
        return True  # go on

    def _after(self, tensors: object, operator: Any) -> bool:
        took_ns = time.perf_counter_ns() - self._started
        del tensors
        self._tally.add((operator.getName(), operator.getType()), took_ns)
        return True

    def operators(self) -> list[OperatorTime]:
        """Return the operators in the order in which they ran."""
        return [
            self._tally.operator(key, name=key[0], kind=key[1])
            for key in self._tally
            if isinstance(key, tuple)
        ]
