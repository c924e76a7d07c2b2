"""What a server counts, as Prometheus reads it (text format 0.0.4)."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip


@dataclass(slots=True)
class Histogram:
    """Durations in s: how many were within each of the bounds, and their sum."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(_SECONDS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(_SECONDS, seconds)] += 1
        self.total += seconds

    def lines(self, name: str, text: str) -> list[str]:
        """Return its lines; each bucket has those of the ones below it, too."""
        lines, below = _head(name, "histogram", text), 0
        for bound, count in zip((*map(str, _SECONDS), "+Inf"), self.counts, strict=True):
            below += count
            lines.append(f'{name}_bucket{{le="{bound}"}} {below}')
        return [*lines, f"{name}_sum {self.total!r}", f"{name}_count {below}"]


@dataclass(slots=True)
class Metrics:
    """Counts since the server's start."""

    answers: Counter[int] = field(default_factory=Counter)
    inferences: Counter[int] = field(default_factory=Counter)
    rows: int = 0
    restarts: int = 0
    request_s: Histogram = field(default_factory=Histogram)
    queue_s: Histogram = field(default_factory=Histogram)
    inference_s: Histogram = field(default_factory=Histogram)

    def text(self, *, in_flight: int, waiting: int, ready: bool) -> str:
        """Return all of it; of the `in_flight` requests just now `waiting` are in the queue."""
        lines = [
            *_labelled("bench_requests_total", "Requests, by HTTP status", "status", self.answers),
            *_labelled("bench_inferences_total", "Inferences, by batch", "batch", self.inferences),
            *_single("bench_rows_total", "counter", "Rows inferred", self.rows),
            *_single(
                "bench_engine_restarts_total",
                "counter",
                "Starts of the engine after a crash",
                self.restarts,
            ),
            *_single("bench_ready", "gauge", "1 while the engine can answer", int(ready)),
            *_single("bench_requests_in_flight", "gauge", "Requests that are here", in_flight),
            *_single("bench_queue_requests", "gauge", "Requests that wait", waiting),
            *self.request_s.lines("bench_request_seconds", "From a request's body to its answer"),
            *self.queue_s.lines("bench_queue_seconds", "From the queue into an inference"),
            *self.inference_s.lines("bench_inference_seconds", "An inference with its copies"),
        ]
        return "\n".join(lines) + "\n"


def _head(name: str, kind: str, text: str) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]


def _single(name: str, kind: str, text: str, value: int) -> list[str]:
    return [*_head(name, kind, text), f"{name} {value}"]


def _labelled(name: str, text: str, label: str, counts: Counter[int]) -> list[str]:
    lines = [f'{name}{{{label}="{key}"}} {counts[key]}' for key in sorted(counts)]
    return [*_head(name, "counter", text), *lines]
