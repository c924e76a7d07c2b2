"""The threads of the device program, read twice: which of them worked, and on which cores.

Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bench.runners.paddle_lite.agent_events import Fields

_MASK = re.compile(r"(\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*)?")
_WORKED = 0.5  # of the busiest thread's time, as in bench/worker/threads.py


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A thread of the device program, its time on a CPU so far and the core it last ran on.

    `allowed` are the cores that it may run on, as Cpus_allowed_list says: "4-7"; "" where unknown.
    """

    tid: int
    name: str
    allowed: str
    core: int
    on_cpu_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks:
    """The threads at one moment, and the clock of each core that tells it, in kHz."""

    tasks: tuple[Task, ...]
    khz: Mapping[int, int]


def read_tasks(fields: Fields) -> Tasks:
    """Return what a `tasks` line tells."""
    return Tasks(
        tasks=tuple(_task(task) for task in fields.objects("tasks")),
        khz={core.whole("core"): core.whole("khz") for core in fields.objects("cores")},
    )


def _task(fields: Fields) -> Task:
    allowed = fields.text("allowed")
    if not _MASK.fullmatch(allowed):
        fields.refuse("has no list of cores in 'allowed'")
    return Task(
        tid=fields.whole("tid"), name=fields.text("name"), allowed=allowed,
        core=fields.whole("core"), on_cpu_ns=fields.whole("on_cpu_ns"),
    )  # fmt: skip


class Watched(Protocol):
    """A session whose threads were read before and after its samples."""

    @property
    def tasks_before(self) -> Tasks: ...

    @property
    def tasks_after(self) -> Tasks: ...


def in_force(run: Watched, *, asked_threads: int, big_cores: frozenset[int]) -> dict[str, str]:
    """Return what was in force while sampling, as far as the device tells.

    `threads_worked` and `cores_worked` ("4,5") mean what they mean in `bench.worker.threads`;
    `allowed` are the cores that those threads might use ("4-7"), `khz` the clocks of the cores that
    worked, in their order, `cores_kind` tells what those are: big, little or big+little. `crowded`
    stands where the threads may use fewer cores than `asked_threads`.
    """
    workers = _workers(run)
    cores = {task.core for task in workers}
    masks = sorted({task.allowed for task in workers})
    khz = [str(khz) for core, khz in sorted(run.tasks_after.khz.items()) if core in cores]
    usable = {core for mask in masks for core in cores_of(mask)}
    crowded = 0 < len(usable) < asked_threads
    facts = {
        "threads_worked": str(len(workers) or ""),
        "cores_worked": ",".join(map(str, sorted(cores))),
        "allowed": " ".join(masks).strip(),
        "khz": ",".join(khz),
        "cores_kind": "+".join(sorted({"big" if c in big_cores else "little" for c in cores})),
        "crowded": f"{asked_threads} threads for {len(usable)} cores" if crowded else "",
    }
    return {name: value for name, value in facts.items() if value}


def _workers(run: Watched) -> list[Task]:
    before = {task.tid: task.on_cpu_ns for task in run.tasks_before.tasks}
    spent = {task: task.on_cpu_ns - before.get(task.tid, 0) for task in run.tasks_after.tasks}
    busiest = max(spent.values(), default=0)
    return [task for task, ns in spent.items() if busiest > 0 and ns >= _WORKED * busiest]


def cores_of(mask: str) -> frozenset[int]:
    """Return the cores of a list as the kernel writes them, `4-6,7`; several lists by blanks."""
    spans = [part.partition("-") for part in mask.replace(" ", ",").split(",") if part]
    return frozenset(
        core for first, _, last in spans for core in range(int(first), int(last or first) + 1)
    )
