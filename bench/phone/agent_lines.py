"""What the device program prints, read line by line; `android_agent/LINES.md` has the contract.

A session counts only when it is whole: every event in its order, every number one that can be, and
as many samples as the program says that it printed. Standard library and numpy only.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeGuard

from bench.errors import BenchError
from bench.units import Nanoseconds

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

_MASK = re.compile(r"(\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*)?")
_WORKED = 0.5  # of the busiest thread's time, as in bench/inforce.py


class AgentFailed(BenchError):
    """The device program gave a `reason` why it can't measure."""

    kind = "agent"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the device program gave up: {reason}",
            hint="see that model, library and device program are of one version",
        )


class GarbledAgent(BenchError):
    """What came from the device is no whole session of the device program."""

    kind = "garbage-reply"

    def __init__(self, problem: str) -> None:
        super().__init__(
            problem, hint="run it again; if it stays, run bench_agent by hand in `adb shell`"
        )


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AgentRun:
    """One whole session on the device; `version` is the program's, `library` Paddle Lite's.

    `output` is float32 in its own shape, NaN where the device's value wasn't finite. The first
    inference is in neither `warmup_ns` nor `samples_ns`. `peak_rss_kib` is 0 where unknown.
    """

    version: str
    library: str
    abi: str
    pid: int
    load_ns: int
    first_inference_ns: int
    output: Array
    warmup_ns: list[Nanoseconds]
    samples_ns: list[Nanoseconds]
    steady: bool
    tasks_before: Tasks
    tasks_after: Tasks
    peak_rss_kib: int


def parse(lines: Iterable[str]) -> AgentRun:
    """Return the session that `lines` tell of.

    Raises AgentFailed for the program's own error, GarbledAgent for anything else than a session.
    """
    reader = AgentLines()
    for line in lines:
        reader.feed(line)
    return reader.finish()


class AgentLines:
    """Reads the lines as they come: `feed` each, then `finish`."""

    def __init__(self) -> None:
        self._last = "nothing"
        self._values: dict[str, Any] = {}
        self._samples: dict[str, list[Nanoseconds]] = {"warmup": [], "timed": []}

    @property
    def pid(self) -> int | None:
        """The program's process on the device, once it has said so."""
        return self._values.get("pid")

    def feed(self, line: str) -> None:
        """Take one line; raises AgentFailed or GarbledAgent at once where it ends the session."""
        fields = _read(line)
        event = _event(fields)
        if event == "error":
            raise AgentFailed(fields.text("reason"))
        if self._last not in _AFTER[event]:
            fields.refuse(f"comes after {self._last}")
        if event.startswith("sample "):
            self._samples[fields.text("phase")].append(Nanoseconds(fields.whole("ns")))
        else:
            self._values |= _VALUES[event](fields)
        if event == "end":
            self._check_counts(fields)
        self._last = event

    def finish(self) -> AgentRun:
        """Return the session; raises GarbledAgent where its end is missing."""
        if self._last != "end":
            raise GarbledAgent(f"the device program ended and had said {self._last} last")
        return AgentRun(
            warmup_ns=self._samples["warmup"], samples_ns=self._samples["timed"], **self._values
        )

    def _check_counts(self, fields: _Fields) -> None:
        for phase, taken in self._samples.items():
            if fields.whole(phase) != len(taken):
                fields.refuse(f"counts {fields.whole(phase)} {phase} samples, {len(taken)} came")


@dataclass(frozen=True, slots=True)
class _Fields:
    """An object of a line; each member is what it has to be, or the line is refused."""

    line: str
    values: Mapping[str, Any]

    def refuse(self, why: str) -> NoReturn:
        raise GarbledAgent(f"a line of the device program {why}: {self.line[:80]!r}")

    def text(self, name: str) -> str:
        value = self.values.get(name)
        return value if isinstance(value, str) else self.refuse(f"has no text '{name}'")

    def flag(self, name: str) -> bool:
        value = self.values.get(name)
        return value if isinstance(value, bool) else self.refuse(f"has no truth '{name}'")

    def whole(self, name: str) -> int:
        value = self.values.get(name)
        return value if _is_whole(value) else self.refuse(f"has no whole number '{name}'")

    def items(self, name: str, valid: Callable[[object], bool]) -> list[Any]:
        value = self.values.get(name)
        if not isinstance(value, list) or not all(map(valid, value)):
            self.refuse(f"has no proper list '{name}'")
        return value

    def objects(self, name: str) -> list[_Fields]:
        items = self.items(name, lambda item: isinstance(item, dict))
        return [_Fields(self.line, item) for item in items]


def _read(line: str) -> _Fields:
    fields = _Fields(line.strip(), {})
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        fields.refuse("isn't JSON")
    if not isinstance(values, dict):
        fields.refuse("isn't an object")
    return _Fields(fields.line, values)


def _event(fields: _Fields) -> str:
    """Return the event's name, with the phase of a sample and the time of a reading of tasks."""
    name = fields.text("event")
    more = {"sample": "phase", "tasks": "when"}.get(name)
    event = f"{name} {fields.text(more)}" if more else name
    if event != "error" and event not in _AFTER:
        fields.refuse("is of no known kind")
    return event


def _output(fields: _Fields) -> Array:
    import numpy as np

    shape, data = fields.items("shape", _is_whole), fields.items("data", _is_value)
    if not data or math.prod(shape) != len(data):
        fields.refuse(f"has {len(data)} values for the shape {shape}")
    with np.errstate(over="ignore"):  # beyond float32 is infinite: the check of the output tells
        return np.array(data, dtype=np.float64).astype(np.float32).reshape(shape)


def _tasks(fields: _Fields) -> Tasks:
    return Tasks(
        tasks=tuple(_task(task) for task in fields.objects("tasks")),
        khz={core.whole("core"): core.whole("khz") for core in fields.objects("cores")},
    )


def _task(fields: _Fields) -> Task:
    allowed = fields.text("allowed")
    if not _MASK.fullmatch(allowed):
        fields.refuse("has no list of cores in 'allowed'")
    return Task(
        tid=fields.whole("tid"), name=fields.text("name"), allowed=allowed,
        core=fields.whole("core"), on_cpu_ns=fields.whole("on_cpu_ns"),
    )  # fmt: skip


def _is_whole(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < 1 << 63


def _is_value(value: object) -> bool:
    return value is None or type(value) is float or (type(value) is int and abs(value) < 1 << 63)


# What may stand before each event.
_AFTER: Mapping[str, tuple[str, ...]] = {
    "start": ("nothing",),
    "loaded": ("start",),
    "first": ("loaded",),
    "output": ("first",),
    "sample warmup": ("output", "sample warmup"),
    "steady": ("output", "sample warmup"),
    "tasks before": ("steady",),
    "sample timed": ("tasks before", "sample timed"),
    "tasks after": ("sample timed",),
    "end": ("tasks after",),
}
_VALUES: Mapping[str, Callable[[_Fields], dict[str, Any]]] = {
    "start": lambda line: {
        "version": line.text("agent"), "library": line.text("library"), "abi": line.text("abi"),
        "pid": line.whole("pid"),
    },
    "loaded": lambda line: {"load_ns": line.whole("load_ns")},
    "first": lambda line: {"first_inference_ns": line.whole("first_inference_ns")},
    "output": lambda line: {"output": _output(line)},
    "steady": lambda line: {"steady": line.flag("steady")},
    "tasks before": lambda line: {"tasks_before": _tasks(line)},
    "tasks after": lambda line: {"tasks_after": _tasks(line)},
    "end": lambda line: {"peak_rss_kib": line.whole("peak_rss_kib")},
}  # fmt: skip


def in_force(run: AgentRun, *, asked_threads: int, big_cores: frozenset[int]) -> dict[str, str]:
    """Return what was in force while sampling, as far as the device tells.

    `threads_worked` and `cores_worked` ("4,5") mean what they mean in `bench.inforce`; `allowed`
    are the cores that those threads might use ("4-7"), `khz` the clocks of the cores that worked,
    in their order, `cores_kind` tells what those are: big, little or big+little. `crowded` stands
    where the threads may use fewer cores than `asked_threads`.
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


def _workers(run: AgentRun) -> list[Task]:
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
