"""Dynamic batching: what waits is inferred as full as an inference gets, and handed out again."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from bench.core.errors import BenchError
from bench.core.output import say
from bench.core.units import NS_PER_S
from bench.serving.engine import Engine
from bench.serving.metrics import Metrics
from bench.serving.protocol import Refusal
from bench.serving.waiting import Part, Queue, Waiting

if TYPE_CHECKING:
    from bench.serving.waiting import Rows

Result = TypeVar("Result")

_MOST_FALLS = 2
_BACK_OFF_S = (1.0, 2.0, 5.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`requests` may be in the server at once, each `timeout_s` for its body and again for its
    answer; the first that waits does so `delay_s` for others that share its inference.
    """

    requests: int
    timeout_s: float
    delay_s: float


@dataclass(slots=True, kw_only=True)
class Batcher:
    """The queue of one engine, which infers in the one thread of `thread`; `run` is to be a task.

    `problem` is why the engine can't answer just now, None: it can.
    """

    engine: Engine
    limits: Limits
    thread: Executor
    metrics: Metrics
    problem: str | None = None
    queue: Queue = field(default_factory=Queue)
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    async def infer(self, inputs: Sequence[Rows]) -> list[Rows]:
        """Return the rows of each output; raises Refusal where there is no answer in time."""
        if self.problem is not None:
            raise Refusal(self.problem, status=503, retry_after_s=1)
        answer = asyncio.get_running_loop().create_future()
        own = Waiting(inputs=inputs, answer=answer, came=time.monotonic())
        self.queue.add(own)
        self._came.set()
        try:
            rows: list[Rows] = await asyncio.wait_for(answer, self.limits.timeout_s)
        except asyncio.TimeoutError:
            within = f"{self.limits.timeout_s:g} s"
            raise Refusal(f"there was no answer within {within}", status=504) from None
        finally:  # its client may have gone
            self.queue.leave(own)
        return rows

    def through_in_s(self) -> int:
        """Return after how many s the requests that may be here are through, 1 at least."""
        took_ns = min(ns / size for size, ns in self.engine.inference_ns.items())
        return math.ceil(took_ns / NS_PER_S * self.limits.requests)

    async def run(self) -> None:
        """Infer what comes, until this task is cancelled."""
        while True:
            if not self.queue:
                self._came.clear()
                await self._came.wait()
            else:
                await self._delay()
                await self._infer()

    async def _delay(self) -> None:
        """Wait until an inference is full, or its first request has waited for others."""
        until, most = self.queue.first.came + self.limits.delay_s, self.engine.net.most
        while self.queue.rows(most) < most and (left_s := until - time.monotonic()) > 0:
            self._came.clear()
            try:
                await asyncio.wait_for(self._came.wait(), left_s)
            except asyncio.TimeoutError:
                return

    async def _infer(self) -> None:
        """Infer the rows at the queue's front, if they are still there."""
        rows = self.queue.rows(self.engine.net.most)
        if not rows:
            return
        size = self.engine.batch_for[rows]
        parts = self.queue.take(min(rows, size))
        began = time.monotonic()
        inputs = [
            [part.rows(index) for part in parts] for index in range(len(self.engine.net.inputs))
        ]
        try:
            outputs = await self._in_thread(self.engine.infer, size, inputs)
        except BenchError as error:
            await self._recover(parts, error)
            return
        self._count(size, parts, began)
        at = 0
        for part in parts:
            part.of.give([rows[at : at + part.count] for rows in outputs])
            at += part.count

    def _count(self, size: int, parts: Sequence[Part], began: float) -> None:
        self.metrics.inferences[size] += 1
        self.metrics.rows += sum(part.count for part in parts)
        self.metrics.inference_s.add(time.monotonic() - began)
        for part in parts:
            if part.start == 0:
                self.metrics.queue_s.add(began - part.of.came)

    async def _recover(self, parts: Sequence[Part], error: BenchError) -> None:
        """Start the engine anew. A request is tried again, alone, and refused where it falls again.

        So one that no engine survives takes nobody else's answer with it.
        """
        for part in parts:
            part.of.falls += 1
            if part.of.falls >= _MOST_FALLS:
                part.of.refuse(Refusal(f"the engine fell over it: {error.problem}", status=500))
        self.queue.put_back(parts)
        say(f"bench: the engine fell, and is started again: {error.problem}")
        self.metrics.restarts += 1
        self.problem = f"the engine fell and is being started again: {error.problem}"
        for wait_s in (*_BACK_OFF_S, *[_BACK_OFF_S[-1]] * 1000):
            try:
                await self._in_thread(self.engine.start)
            except BenchError as why:
                self.problem = f"the engine doesn't start any more: {why.problem}"
                say(f"bench: {self.problem}; the next try is in {wait_s:g} s")
                self.queue.refuse_all(Refusal(self.problem, status=503, retry_after_s=int(wait_s)))
                await asyncio.sleep(wait_s)
            else:
                break
        self.problem = None

    async def _in_thread(self, call: Callable[..., Result], *words: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self.thread, call, *words)
