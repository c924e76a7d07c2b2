"""Sessions of several cells that are alive together and take turns, burst by burst.

Each cell has a fresh process, and in each lap each of them works for one burst, never two at once:
the nets in random order, and the engines of each in random order right after each other. What the
machine does to one it does to the next, so that it falls out of their ratios
(`bench.analysis.turns`), as in `bench ab`. The nearer two bursts are, the more of it does. An
engine is imported once and its processes are forked from there. As many cells are open as there is
memory for: the rest of them take turns after that, the engines of a net together where they fit.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bench.core.cell import BURST_S
from bench.core.protocol import request_for
from bench.devices.host.memory import has_room
from bench.experiments.ab.interleave import Rule
from bench.experiments.arms import Arm, ArmLost
from bench.experiments.latency.schedule import Step, net_by_net
from bench.experiments.latency.session import Around, SessionLauncher
from bench.experiments.session import Attempt, Start, attempt
from bench.launcher.client import WorkerFailed
from bench.launcher.forks import Forker, OpenForker, open_forker
from bench.launcher.process import ChildFailed, Replied
from bench.storage.files import utc_now
from bench.storage.schema.latency import JournalEntry
from bench.worker.cpu_time import columns


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnLauncher:
    """Launches the steps of a turn; `sessions` says how each starts and what it comes to."""

    sessions: SessionLauncher
    chance: random.Random
    open_forker: OpenForker = open_forker
    has_room: Callable[[], bool] = has_room
    clock: Callable[[], int] = time.perf_counter_ns

    def __call__(self, steps: Sequence[Step]) -> Iterator[JournalEntry]:
        """Measure one session of each of `steps`; whatever a child does becomes an entry."""
        left = list(steps)
        while left:
            with ExitStack() as stack:
                entries = _Turn(launcher=self, stack=stack).measure(left)
            yield from entries
            left = left[len(entries) :]


def _net_of(arm: Arm[Step]) -> str:
    return arm.name.cell.variant


@dataclass(slots=True, kw_only=True)
class _Turn:
    """The cells that are open at once."""

    launcher: TurnLauncher
    stack: ExitStack
    engines: Counter[str] = field(default_factory=Counter)
    forkers: dict[object, Forker] = field(default_factory=dict)
    arms: list[Arm[Step]] = field(default_factory=list)
    bursts: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    lost: dict[int, ChildFailed] = field(default_factory=dict)

    def measure(self, steps: Sequence[Step]) -> list[JournalEntry]:
        """Return an entry for each of the first of `steps`, as many as there is memory for."""
        target, make = self.launcher.sessions.target, self.launcher.sessions
        before, started, began = dict(target.ready()), utc_now(), self.launcher.clock()
        opened = self._open(steps)
        self._each(Arm.warms_up)
        self._sample()
        self._each(Arm.finishes)
        wall_ns = self.launcher.clock() - began
        around = Around(started=started, before=before, after=dict(target.state()))
        entries = []
        for step in opened:
            if step.order in self.lost:
                entries.append(make.failure(step.cell, self.lost[step.order]))
            else:
                reply = self._reply(step, wall_ns)
                entries.append(make.session(step, around, reply, turn=opened[0].order))
        return entries

    def _open(self, steps: Sequence[Step]) -> list[Step]:
        """Open one after the other: one that loads beside another takes longer."""
        self.engines.update(step.cell.runner for step in steps)
        opened: list[Step] = []
        for step in steps:
            if self.arms and not self.launcher.has_room():
                return self._without(step.cell.variant, opened)
            opened.append(step)
            arm = attempt(self.launcher.sessions.target, partial(self._opened, step))
            if arm is not None:
                self.arms.append(arm)
        return opened

    def _without(self, variant: str, opened: list[Step]) -> list[Step]:
        """Close the net that isn't open as a whole, if there are others; return the steps left."""
        left = [step for step in opened if step.cell.variant != variant]
        if not left:
            return opened
        for arm in [arm for arm in self.arms if _net_of(arm) == variant]:
            self.arms.remove(arm)
            arm.worker.process.kill()
        return left

    def _opened(self, step: Step) -> Attempt[Arm[Step] | None]:
        make = self.launcher.sessions
        start = make.start(step.cell)
        request = request_for("open", **start.request.to_json())
        self.lost.pop(step.order, None)
        try:
            worker = self._forker(start, self.engines[step.cell.runner]).fork(request)
            arm = Arm(name=step, worker=worker, timeout_s=make.sampling.timeout_s)
            arm.gets_ready()
        except (WorkerFailed, ArmLost) as lost:
            self.lost[step.order] = lost.failure
            return Attempt(result=None, failure=lost.failure, remake=start.remake)
        return Attempt(result=arm)

    def _forker(self, start: Start, most: int) -> Forker:
        """Return a worker that has imported the engine and can fork an arm."""
        key = (start.request.runner, start.python, tuple(sorted(start.env.items())))
        if key not in self.forkers or not self.forkers[key].left:
            opening = self.launcher.open_forker(
                start.request.runner, python=start.python, env=start.env, most=most
            )
            self.forkers[key] = self.stack.enter_context(opening)
        return self.forkers[key]

    def _each(self, do: Callable[[Arm[Step]], object]) -> None:
        """Have each arm do that, and leave out those that are lost."""
        for arm in list(self.arms):
            self._kept(arm, partial(do, arm))

    def _kept(self, arm: Arm[Step], do: Callable[[], object]) -> None:
        try:
            do()
        except ArmLost as lost:
            self.lost[arm.name.order] = lost.failure
            self.arms.remove(arm)
            arm.worker.process.kill()

    def _sample(self) -> None:
        rule = Rule(least_calls=2, burst_s=BURST_S)
        calls = {arm.name.order: rule.calls(arm.figures["warmup_ns"]) for arm in self.arms}
        for _ in range(self.launcher.sessions.sampling.laps or 1):
            for arm in net_by_net(self.arms, _net_of, self.launcher.chance):
                self._kept(arm, partial(self._burst, arm, calls[arm.name.order]))

    def _burst(self, arm: Arm[Step], count: int) -> None:
        self.bursts.setdefault(arm.name.order, []).append(arm.sample(count))

    def _reply(self, step: Step, wall_ns: int) -> Replied:
        """Return what an arm has answered in all, in the form of a worker's one reply."""
        (arm,) = (arm for arm in self.arms if arm.name is step)
        bursts = self.bursts[step.order]
        figures = {name: it for name, it in arm.figures.items() if name != "pid"}
        samples = [ns for burst in bursts for ns in burst["samples_ns"]]
        counted = [{**burst, "samples": len(burst["samples_ns"])} for burst in bursts]
        value = {**figures, "samples_ns": samples, "bursts": columns(counted)}
        return Replied(value=value, pid=arm.figures["pid"], wall_ns=wall_ns)
