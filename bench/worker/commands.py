"""`python -m bench.worker.commands DIR`: one arm of a live comparison, open until it quits.

Opens a session as `bench.worker.session` does, then obeys the parent's commands
(`bench.core.arm_protocol`). The parent never lets two arms work at once: between two commands this
process waits for a line.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench.core.arm_protocol import ArmRequest
from bench.core.errors import BenchError, Unavailable
from bench.runners.base import DeviceRunner, Session, TargetedRunner
from bench.worker.sampling import check_output, warm_up
from bench.worker.serve import Reply, load, serve
from bench.worker.session import load_reference, process_facts, process_of, spent
from bench.worker.threads import TASKS, pin, read_threads, wait_until_quiet, worked

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
                f"an arm has no command {line.strip()}", hint="see bench/core/arm_protocol.py"
            )


def bind(session: Session, cores: Sequence[int]) -> None:
    """Bind this process and the one that does the work of `session` to `cores`."""
    for tasks in {TASKS, process_of(session).tasks}:
        pin(cores, tasks)


if __name__ == "__main__":
    serve(be_an_arm, sys.argv[1:])
