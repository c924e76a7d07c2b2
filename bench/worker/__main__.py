"""`python -m bench.worker DIR`: do the operations that the parent requests.

`bench.core.protocol` has their arguments and answers. A new operation is one function, which takes
what this worker holds open and the arguments, and one line in the table.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from itertools import chain
from typing import Any

from bench.core.errors import BenchError
from bench.core.protocol import check_version
from bench.worker import forks
from bench.worker.commands import finish, infer, open_session, sample, warm
from bench.worker.convert import convert
from bench.worker.device_pair import measure_pair
from bench.worker.probe import probe
from bench.worker.serve import Reply, load, serve
from bench.worker.session import State, measure

Operation = Callable[[State, Mapping[str, Any]], Mapping[str, Any]]


def fork(_: State, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Fork an arm, which serves the request in its own folder as a worker does."""
    return forks.fork(arguments, lambda folder: serve(work, [folder]))


def later(spec: str) -> Operation:
    """Return the operation "module:function", loaded where it is asked for: most do without."""

    def operation(state: State, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = load(spec)(state, arguments)
        return answer

    return operation


OPERATIONS: Mapping[str, Operation] = {
    "measure": measure,
    "measure_pair": measure_pair,
    "profile": later("bench.worker.profile:profile"),
    "convert": convert,
    "probe": probe,
    "open": open_session,
    "warm_up": warm,
    "sample": sample,
    "infer": infer,
    "open_batches": later("bench.worker.batches:open_batches"),
    "infer_batch": later("bench.worker.batches:infer_batch"),
    "finish": finish,
    "preload": lambda _, arguments: forks.preload(arguments),
    "fork": fork,
    "ended": lambda _, arguments: forks.ended(arguments),
    "run_command": later("bench.worker.run_command:run_command"),
}


def work(request: Mapping[str, Any], reply: Reply) -> None:
    """Answer `request`, and the calls that follow it where it names a pipe for the answers.

    What was opened is torn down after the last answer. Raises what an operation raises, and
    Unavailable for a request of another version.
    """
    check_version(request)
    with ExitStack() as stack:
        state = State(stack)
        if "replies_fd" not in request:
            answer([request], state, reply)
            return
        os.set_inheritable(request["replies_fd"], False)  # noqa: FBT003 - it takes no keyword
        with os.fdopen(request["replies_fd"], "w", encoding="utf-8") as replies:

            def send(result: Mapping[str, Any]) -> None:
                replies.write(json.dumps({"ok": result}) + "\n")
                replies.flush()

            answer(chain([request], map(json.loads, sys.stdin)), state, send)


def answer(calls: Iterable[Mapping[str, Any]], state: State, send: Reply) -> None:
    """Send the answer of each of `calls`, until their end or `finish`."""
    for call in calls:
        name = str(call.get("operation"))
        if name not in OPERATIONS:
            raise BenchError(
                f"a worker has no operation {name!r}", hint="see bench/core/protocol.py"
            )
        send(OPERATIONS[name](state, call))
        if name == "finish":
            return


if __name__ == "__main__":
    serve(work, sys.argv[1:])
