"""Fake runners: each behaves in one way. They run in real worker processes.

The fake net is `logits = 2 * mean of each image`, over all 10 classes plus the class index; see
`tests/fakes/converter.py`, which writes the reference that it must agree with.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.core.cell import Cell
from bench.core.errors import Unavailable
from bench.core.tensors import Tensors
from bench.core.units import Nanoseconds
from bench.runners.base import Capability, time_calls
from bench.runners.profiling import OperatorTime, Profile
from tests.fakes.net import answers
from tests.fakes.unwatched import unwatched


class FakeSession:
    facts: Mapping[str, str] = {"engine": "fake 1.0", "threads": "1", "precision": "fp32"}

    def infer(self, feeds: Tensors) -> Tensors:
        return answers(feeds)

    def sample(self, count: int) -> list[Nanoseconds]:
        return time_calls(lambda: None, count)


class Ok:
    """Infers rightly, and each sample is a real, tiny duration."""

    @unwatched
    def open(self, cell: Cell, artifact: Path) -> Iterator[FakeSession]:
        if cell.precision != "fp32":
            raise Unavailable(f"the fake has no {cell.precision}", hint="use fp32")
        yield FakeSession()


class ProfiledFakeSession(FakeSession):
    """Tells of two operators."""

    def profile(self, count: int) -> Profile:
        operators = [
            OperatorTime(name="mean", type="ReduceMean", ns=250.0, kernel="plain"),
            OperatorTime(name="add", type="Add", ns=100.0, kernel="plain"),
        ]
        return Profile(samples_ns=[Nanoseconds(1000)] * count, operators=operators)


class Profiles(Ok):
    """Has a profile by operator."""

    capabilities: frozenset[Capability] = frozenset({"profiled"})

    @unwatched
    def open(self, cell: Cell, artifact: Path) -> Iterator[ProfiledFakeSession]:
        yield ProfiledFakeSession()


class LayeredFakeSession(FakeSession):
    """Tells the kernel of its one layer."""

    def layers(self) -> list[dict[str, str]]:
        return [
            {"name": "mean", "type": "", "kernel": "plain", "tactic": "0x1", "precision": "fp32"}
        ]


class Layered(Ok):
    """Has an engine that tells its layers."""

    capabilities: frozenset[Capability] = frozenset({"layered"})

    @unwatched
    def open(self, cell: Cell, artifact: Path) -> Iterator[LayeredFakeSession]:
        yield LayeredFakeSession()


class NoOperator(Profiles):
    """Has a profile without anything in it."""

    @unwatched
    def open(self, cell: Cell, artifact: Path) -> Iterator[ProfiledFakeSession]:
        session = ProfiledFakeSession()
        session.profile = lambda count: Profile(  # type: ignore[method-assign]
            samples_ns=[Nanoseconds(1000)] * count, operators=[]
        )
        yield session


class TellsVariables(Ok):
    """Tells which environment variables of a test's it has inherited, by `SHIFT`'s beginning."""

    @unwatched
    def open(self, cell: Cell, artifact: Path) -> Iterator[FakeSession]:
        session = FakeSession()
        kept = {k: v for k, v in os.environ.items() if k.startswith(("MALLOC_", "KMP_"))}
        session.facts = {**session.facts, **kept}
        yield session


class _Misbehaving(Ok):
    def misbehave(self) -> None:
        raise AssertionError("each kind says what it does")

    @unwatched
    def open(self, cell: Cell, artifact: Path) -> Iterator[FakeSession]:
        sys.stderr.write("the engine said this before it fell\n")
        sys.stderr.flush()
        self.misbehave()
        yield FakeSession()


class Crash(_Misbehaving):
    def misbehave(self) -> None:
        os.kill(os.getpid(), signal.SIGSEGV)


class Abort(_Misbehaving):
    def misbehave(self) -> None:
        os.abort()


class Killed(_Misbehaving):
    def misbehave(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class Hang(_Misbehaving):
    def misbehave(self) -> None:
        time.sleep(600)


class SilentExit(_Misbehaving):
    def misbehave(self) -> None:
        os._exit(0)


class ExitSeven(_Misbehaving):
    def misbehave(self) -> None:
        os._exit(7)


class Raises(_Misbehaving):
    def misbehave(self) -> None:
        raise RuntimeError("the engine's own words")


class DiskFull(_Misbehaving):
    def misbehave(self) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class NotHere(_Misbehaving):
    def misbehave(self) -> None:
        raise Unavailable("this chip has no such unit", hint="take another chip")


class Garbage(_Misbehaving):
    """Writes a reply of its own that is no JSON and leaves with status 0."""

    def misbehave(self) -> None:
        Path(sys.argv[1], "reply.json").write_text("{ this is no reply")
        os._exit(0)


class WrongOutput(Ok):
    @unwatched
    def open(self, cell: Cell, artifact: Path) -> Iterator[FakeSession]:
        session = FakeSession()
        session.infer = lambda feeds: answers(feeds, 1.01)  # type: ignore[method-assign]
        yield session


class NegativeSamples(Ok):
    @unwatched
    def open(self, cell: Cell, artifact: Path) -> Iterator[FakeSession]:
        session = FakeSession()
        session.sample = lambda count: [Nanoseconds(-1)] * count  # type: ignore[method-assign]
        yield session


class FallsOnTheWayDown(Ok):
    """Answers rightly, then dies while it tears its engine down."""

    @unwatched
    def open(self, cell: Cell, artifact: Path) -> Iterator[FakeSession]:
        yield FakeSession()
        os.kill(os.getpid(), signal.SIGSEGV)
