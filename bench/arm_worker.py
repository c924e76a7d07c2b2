"""`python -m bench.arm_worker DIR`: one arm of a live comparison, open until it is told to quit.

Opens a session as `bench.worker` does, then obeys the parent's commands (`bench.arm_protocol`). The
parent never lets two arms work at once: between two commands this process waits for a line.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from bench.arm_protocol import ArmRequest
from bench.child import Reply, load, serve
from bench.errors import BenchError, Unavailable
from bench.inforce import TASKS, Thread, read_threads, worked
from bench.measure import check_output, warm_up
from bench.runners.base import DeviceRunner, Session, TargetedRunner
from bench.worker import load_reference, process_facts, process_of, spent

# Intel's OpenMP lets its threads spin for 200 ms after the last work (KMP_BLOCKTIME): they would
# take the other arm's cores. A running thread's time on a CPU is told anew at each tick of the
# scheduler only, which is at most 10 ms long.
_QUIET_CAP_S = 0.4
_QUIET_LOOK_S = 0.012
_QUIET_SHARE = 0.2

Send = Callable[[Mapping[str, Any]], None]
Rest = Callable[[], object]


def be_an_arm(values: Mapping[str, Any], _: Reply) -> None:
    """Open the session that `values` (an ArmRequest) asks for and obey until told to quit."""
    request = ArmRequest.from_json(values)
    os.set_inheritable(request.replies_fd, False)  # noqa: FBT003 - it takes no keyword
    x, logits = load_reference(request.reference)
    runner = load(request.runner)()
    if isinstance(runner, DeviceRunner):
        raise Unavailable(
            "this runner's sessions run on a device from end to end",
            hint="compare runners that stay open, or stored runs: `python -m bench compare`",
        )
    if isinstance(runner, TargetedRunner) and request.target is not None:
        runner = runner.at(request.target)
    started = time.perf_counter_ns()
    with runner.open(request.cell, request.artifact) as session:
        load_ns = time.perf_counter_ns() - started
        started = time.perf_counter_ns()
        output = session.infer(x)
        first_ns = time.perf_counter_ns() - started
        error = check_output(output, logits, request.tolerance)
        if request.cores is not None:
            bind(session, request.cores)
        ready = {
            "load_ns": load_ns,
            "first_inference_ns": first_ns,
            "relative_l2": error,
            "facts": process_facts() | dict(session.facts),
        }
        with os.fdopen(request.replies_fd, "w", encoding="utf-8") as replies:

            def send(reply: Mapping[str, Any]) -> None:
                replies.write(json.dumps(reply) + "\n")
                replies.flush()

            send({"ready": ready})
            obey(session, request, sys.stdin, send, rest_of(request, process_of(session).tasks))


def rest_of(request: ArmRequest, tasks: Path = TASKS) -> Rest:
    """Return how an arm comes to rest: with one thread it is at rest when its call returns."""
    if request.cell.threads == 1:
        return lambda: None
    return partial(wait_until_quiet, partial(read_threads, tasks), time.sleep)


def obey(
    session: Session, request: ArmRequest, commands: Iterable[str], send: Send, rest: Rest
) -> None:
    """Answer each of `commands`, at rest, until one tells to quit, or their end."""
    gc.collect()
    gc.disable()
    process = process_of(session)
    threads, usage = read_threads(process.tasks), process.usage()
    for line in commands:
        command = json.loads(line)
        if "sample" in command:
            samples = session.sample(command["sample"])
            rest()
            send({"ns": samples})
        elif "warm" in command:
            warm = warm_up(session.sample, request.sampling, time.perf_counter_ns)
            rest()
            send({"warm": {"ns": warm.samples_ns, "steady": warm.steady}})
            threads, usage = read_threads(process.tasks), process.usage()
        elif "quit" in command:
            facts = worked(threads, read_threads(process.tasks))
            send({"bye": {"facts": facts, "covariates": spent(usage, process.usage())}})
            return
        else:
            raise BenchError(
                f"an arm has no command {line.strip()}", hint="see bench/arm_protocol.py"
            )


def bind(session: Session, cores: Sequence[int]) -> None:
    """Bind this process and the one that does the work of `session` to `cores`."""
    for tasks in {TASKS, process_of(session).tasks}:
        pin(cores, tasks)


def pin(cores: Sequence[int], tasks: Path = TASKS) -> None:
    """Bind every thread that there is to `cores`; later ones inherit it from their makers.

    Does nothing where the system has no such call (macOS).
    """
    if not hasattr(os, "sched_setaffinity"):
        return
    for folder in tasks.glob("[0-9]*"):
        with suppress(ProcessLookupError):  # it has ended meanwhile
            os.sched_setaffinity(int(folder.name), cores)


def wait_until_quiet(
    read: Callable[[], Mapping[str, Thread]], sleep: Callable[[float], None]
) -> float:
    """Sleep until no thread of this process works any more, `_QUIET_CAP_S` at most.

    Returns the seconds slept; `read` tells each thread's time on a CPU.
    """
    slept_s = 0.0
    before = read()
    while slept_s < _QUIET_CAP_S:
        sleep(_QUIET_LOOK_S)
        slept_s += _QUIET_LOOK_S
        after = read()
        spent_ns = sum(it.on_cpu_ns for it in after.values()) - sum(
            it.on_cpu_ns for it in before.values()
        )
        if spent_ns <= _QUIET_SHARE * _QUIET_LOOK_S * 1e9:
            break
        before = after
    return slept_s


if __name__ == "__main__":
    serve(be_an_arm, sys.argv[1:])
