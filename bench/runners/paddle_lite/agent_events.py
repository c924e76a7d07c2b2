"""A line of the device program: a JSON object whose members are checked; and its threads.

Standard library and numpy only; `paddle_lite/agent/LINES.md` has the contract.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeGuard

from bench.core.errors import BenchError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]


POWER_MODES = ("high", "low", "full", "no_bind", "rand_high", "rand_low")

_MASK = re.compile(r"(\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*)?")
_WORKED = 0.5  # of the busiest thread's time, as in bench/worker/threads.py


class AgentFailed(BenchError):
    """The device program gave a `reason` why it can't measure; of two models, `arm` is the one."""

    kind = "agent"

    def __init__(self, reason: str, arm: str | None = None) -> None:
        super().__init__(
            f"the device program gave up: {reason}",
            hint="see that model, library and device program are of one version",
        )
        self.arm = arm


class GarbledAgent(BenchError):
    """What came from the device is no whole session of the device program."""

    kind = "garbage-reply"

    def __init__(self, problem: str) -> None:
        super().__init__(
            problem, hint="run it again; if it stays, run bench_agent by hand in `adb shell`"
        )


@dataclass(frozen=True, slots=True)
class Fields:
    """An object of a line; each member is what it has to be, or the line is refused."""

    line: str
    values: Mapping[str, Any]

    def refuse(self, why: str) -> NoReturn:
        raise GarbledAgent(f"a line of the device program {why}: {self.line[:80]!r}")

    def text(self, name: str) -> str:
        value = self.values.get(name)
        return value if isinstance(value, str) else self.refuse(f"has no text '{name}'")

    def text_or_none(self, name: str) -> str | None:
        return self.text(name) if name in self.values else None

    def flag(self, name: str) -> bool:
        value = self.values.get(name)
        return value if isinstance(value, bool) else self.refuse(f"has no truth '{name}'")

    def whole(self, name: str) -> int:
        value = self.values.get(name)
        return value if is_whole(value) else self.refuse(f"has no whole number '{name}'")

    def wholes(self, name: str) -> list[int]:
        return self.items(name, is_whole)

    def items(self, name: str, valid: Callable[[object], bool]) -> list[Any]:
        value = self.values.get(name)
        if not isinstance(value, list) or not all(map(valid, value)):
            self.refuse(f"has no proper list '{name}'")
        return value

    def objects(self, name: str) -> list[Fields]:
        items = self.items(name, lambda item: isinstance(item, dict))
        return [Fields(self.line, item) for item in items]


def read(line: str) -> Fields:
    """Return the object of one line; raises GarbledAgent."""
    fields = Fields(line.strip(), {})
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        fields.refuse("isn't JSON")
    if not isinstance(values, dict):
        fields.refuse("isn't an object")
    return Fields(fields.line, values)


def read_output(fields: Fields) -> Array:
    """Return the logits of an `output` line, float32, NaN for what wasn't finite."""
    import numpy as np

    shape, data = fields.items("shape", is_whole), fields.items("data", _is_value)
    if not data or math.prod(shape) != len(data):
        fields.refuse(f"has {len(data)} values for the shape {shape}")
    with np.errstate(over="ignore"):  # beyond float32 is infinite, which no output may be
        return np.array(data, dtype=np.float64).astype(np.float32).reshape(shape)


def is_whole(value: object) -> TypeGuard[int]:
    """Tell whether `value` is a whole number from 0 on that 63 bits hold."""
    return type(value) is int and 0 <= value < 1 << 63


def _is_value(value: object) -> bool:
    return value is None or type(value) is float or (type(value) is int and abs(value) < 1 << 63)


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
    """The threads at one moment, and the clock of each core that has one, in kHz."""

    tasks: tuple[Task, ...]
    khz: Mapping[int, int]


def read_tasks(fields: Fields) -> Tasks:
    """Return the content of a `tasks` line."""
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
    """A session whose threads were read before and after its samples.

    `threads` and `power_mode` are what the library reports as effective.
    """

    @property
    def threads(self) -> int: ...

    @property
    def power_mode(self) -> str: ...

    @property
    def tasks_before(self) -> Tasks: ...

    @property
    def tasks_after(self) -> Tasks: ...


def effective(run: Watched, *, asked_threads: int, big_cores: frozenset[int]) -> dict[str, str]:
    """Return what was effective while sampling, as far as the device reports it.

    `threads_worked` and `cores_worked` ("4,5") mean what they mean in `bench.worker.threads`;
    `allowed` are the cores that those threads might use ("4-7"), `khz` the clocks of the cores that
    worked, in their order, `cores_kind` is what those are: big, little or big+little, where the
    device's `big_cores` are known. `crowded` stands where the threads may use fewer cores than
    `asked_threads`.
    """
    workers = _workers(run)
    cores = {task.core for task in workers}
    masks = sorted({task.allowed for task in workers})
    khz = [str(khz) for core, khz in sorted(run.tasks_after.khz.items()) if core in cores]
    usable = {core for mask in masks for core in cores_of(mask)}
    crowded = 0 < len(usable) < asked_threads
    kinds = {"big" if core in big_cores else "little" for core in cores}
    facts = {
        "threads_worked": str(len(workers) or ""),
        "cores_worked": ",".join(map(str, sorted(cores))),
        "allowed": " ".join(masks).strip(),
        "khz": ",".join(khz),
        "cores_kind": "+".join(sorted(kinds)) if big_cores else "",
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
