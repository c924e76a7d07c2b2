"""Fake runners that can be an arm: each claims its durations, and takes 1 ms to claim them."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.core.cell import Cell, Sampling, TargetSpec
from bench.core.tensors import Tensors
from bench.core.units import Nanoseconds
from bench.runners.base import Array, Capability, DeviceSession, time_calls
from tests.fakes.net import answers, check_file
from tests.fakes.unwatched import unwatched

NS = 10_000_000
# A burst by turns, of 25 ms, and one of `ab`, of 50; no window of a warm-up has these lengths.
BURSTS = (3, 5)


def as_long_as_claimed() -> int:
    """Return a clock's ns on which arms take as long as they claim."""
    return 100 * time.perf_counter_ns()


class ArmSession:
    """Claims `ns` for each inference."""

    facts: Mapping[str, str] = {"engine": "fake 1.0", "threads": "1", "precision": "fp32"}

    def __init__(self, ns: int) -> None:
        self.ns = ns

    def infer(self, feeds: Tensors) -> Tensors:
        return answers(feeds)

    def sample(self, count: int) -> list[Nanoseconds]:
        time.sleep(0.001)
        return [Nanoseconds(self.ns)] * count


class Steady:
    """The same duration each time; a setting or a second thread changes it."""

    ns = NS

    @unwatched
    def open(self, cell: Cell, artifact: Path) -> Iterator[ArmSession]:
        slower = 1.2 if dict(cell.settings).get("onednn") == "off" else 1.0
        yield ArmSession(round(self.ns * slower / cell.threads))


class ReadsItsFile(Steady):
    """Steady where its file is what the exporter writes."""

    @unwatched
    def open(self, cell: Cell, artifact: Path) -> Iterator[ArmSession]:
        check_file(artifact)
        yield ArmSession(self.ns)


class Slower(Steady):
    """A tenth slower."""

    ns = NS * 11 // 10


class Faster(Steady):
    """A tenth faster."""

    ns = NS * 9 // 10


_WORK_NS = 20_000_000


class Working(ArmSession):
    """Works on a CPU for 20 ms an inference, however long it has to wait for one."""

    def sample(self, count: int) -> list[Nanoseconds]:
        return time_calls(self._work, count)

    def _work(self) -> None:
        end = time.thread_time_ns() + self.ns
        while time.thread_time_ns() < end:
            pass


class Works:
    """Really works; what others take of it is known."""

    @contextmanager
    def open(self, cell: Cell, artifact: Path) -> Iterator[Working]:
        yield Working(_WORK_NS)


class Waiting(Working):
    """Works as long, and sleeps as long again."""

    def _work(self) -> None:
        super()._work()
        time.sleep(self.ns / 1e9)


class WorksAndWaits(Works):
    """Twice as slow as `Works`, with the same CPU time."""

    @contextmanager
    def open(self, cell: Cell, artifact: Path) -> Iterator[Working]:
        yield Waiting(_WORK_NS)


class WorksFirst(Works):
    """Goes before all that others do, where the system lets it: as if nothing else ran."""

    @contextmanager
    def open(self, cell: Cell, artifact: Path) -> Iterator[Working]:
        with suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        with super().open(cell, artifact) as session:
            yield session


class Coarse(Steady):
    """Tells its precision, settings and file; its output in INT8 is as far off as INT8's may be."""

    @unwatched
    def open(self, cell: Cell, artifact: Path) -> Iterator[ArmSession]:
        session = ArmSession(self.ns)
        if cell.precision == "int8":
            session.infer = lambda feeds: answers(feeds, 1.1)  # type: ignore[method-assign]
        session.facts = {
            "engine": "fake 1.0", "precision": cell.precision, "artifact": artifact.name,
            **dict(cell.settings),
        }  # fmt: skip
        yield session


class Targeted(Steady):
    """Has to be told where it runs, and tells what it was told."""

    capabilities: frozenset[Capability] = frozenset({"targeted"})
    target = TargetSpec(kind="nowhere")

    def at(self, target: TargetSpec) -> Targeted:
        told = Targeted()
        told.target = target
        return told

    @unwatched
    def open(self, cell: Cell, artifact: Path) -> Iterator[ArmSession]:
        session = ArmSession(self.ns)
        place = os.environ.get("OF_THE_PLACE", "")
        session.facts = {"engine": "fake 1.0", "at": self.target.kind, "of_the_place": place}
        yield session


class _InABurst(Steady):
    """Warms up like any, then misbehaves in its third burst."""

    @unwatched
    def open(self, cell: Cell, artifact: Path) -> Iterator[ArmSession]:
        session = ArmSession(NS)
        sample, bursts = session.sample, 0

        def third(count: int) -> list[Nanoseconds]:
            nonlocal bursts
            bursts += count in BURSTS
            return self.misbehave(count) if count in BURSTS and bursts == 3 else sample(count)

        session.sample = third  # type: ignore[method-assign]
        yield session

    def misbehave(self, count: int) -> list[Nanoseconds]:
        raise AssertionError("each kind says what it does")


class CrashesInABurst(_InABurst):
    def misbehave(self, count: int) -> list[Nanoseconds]:
        sys.stderr.write("the engine said this before it fell\n")
        sys.stderr.flush()
        os.kill(os.getpid(), signal.SIGSEGV)
        return []


class HangsInABurst(_InABurst):
    def misbehave(self, count: int) -> list[Nanoseconds]:
        time.sleep(600)
        return []


class RaisesInABurst(_InABurst):
    def misbehave(self, count: int) -> list[Nanoseconds]:
        raise RuntimeError("the engine's own words")


class LeavesInABurst(_InABurst):
    def misbehave(self, count: int) -> list[Nanoseconds]:
        os._exit(0)


class ForgetsASample(_InABurst):
    def misbehave(self, count: int) -> list[Nanoseconds]:
        return [Nanoseconds(NS)] * (count - 1)


class NegativeInABurst(_InABurst):
    def misbehave(self, count: int) -> list[Nanoseconds]:
        return [Nanoseconds(-1)] * count


class GarblesItsPipe(_InABurst):
    """Writes to every descriptor that it has, as a broken engine might."""

    def misbehave(self, count: int) -> list[Nanoseconds]:
        for descriptor in range(3, 64):
            with suppress(OSError):
                os.write(descriptor, b"this is no answer\n")
        return [Nanoseconds(NS)] * count


class Talks(Steady):
    """Prints all the while, to both of its outputs, without a line's end too."""

    @unwatched
    def open(self, cell: Cell, artifact: Path) -> Iterator[ArmSession]:
        session = ArmSession(NS)
        sample = session.sample

        def loudly(count: int) -> list[Nanoseconds]:
            os.write(1, b'{"ns": [1, 2, 3]}\n{"half a line')
            os.write(2, b"warning: something\n")
            return sample(count)

        session.sample = loudly  # type: ignore[method-assign]
        yield session


class WrongOutput(Steady):
    @unwatched
    def open(self, cell: Cell, artifact: Path) -> Iterator[ArmSession]:
        session = ArmSession(NS)
        session.infer = lambda feeds: answers(feeds, 1.01)  # type: ignore[method-assign]
        yield session


class CrashesWhileOpening(Steady):
    @unwatched
    def open(self, cell: Cell, artifact: Path) -> Iterator[ArmSession]:
        os.kill(os.getpid(), signal.SIGABRT)
        yield ArmSession(NS)


class FallsOnTheWayDown(Steady):
    """Answers rightly to the end, then dies while it tears its engine down."""

    @unwatched
    def open(self, cell: Cell, artifact: Path) -> Iterator[ArmSession]:
        yield ArmSession(NS)
        os.kill(os.getpid(), signal.SIGSEGV)


class OnADevice:
    """Runs whole sessions by itself, and so can't be an arm."""

    capabilities: frozenset[Capability] = frozenset({"device"})

    def run(
        self, target: TargetSpec, cell: Cell, artifact: Path, x: Array, sampling: Sampling
    ) -> DeviceSession:
        raise AssertionError("nobody asks an arm to")
