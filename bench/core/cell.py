"""What is measured: one net, one runner, one setting of its axes. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from bench.core.digest import canonical_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One box of a results table.

    `model_hash` names the net and the weights that were asked for, not the bytes that one
    exporter version made of them. What varies with time (engine version, driver, commit) is no
    part of a cell: that is what one compares.
    """

    variant: str
    model_hash: str
    runner: str
    batch: int
    threads: int
    precision: str = "fp32"
    input: str = "3x224x224"
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def id(self) -> str:
        """A readable slug and 12 hex digits over everything that makes this cell another one."""
        return _cell_id(self)

    @property
    def label(self) -> str:
        """What a person reads while it runs."""
        extra = "".join(f" {name}={value}" for name, value in self.settings)
        lower = "" if self.precision == "fp32" else f" {self.precision}"
        return f"{self.variant} {self.runner}{lower} {self.work}{extra}"

    @property
    def work(self) -> str:
        """Its batch and threads in words."""
        return f"batch {self.batch}, {_threads(self.threads)}"

    def to_json(self) -> dict[str, Any]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return values | {"settings": dict(self.settings)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Cell:
        settings = tuple(sorted(values.get("settings", {}).items()))
        return cls(**{**values, "settings": settings})


@lru_cache(maxsize=1 << 16)
def _cell_id(cell: Cell) -> str:
    identity = {
        "model": cell.model_hash,
        "runner": cell.runner,
        "precision": cell.precision,
        "batch": cell.batch,
        "threads": cell.threads,
        "input": cell.input,
        "settings": dict(cell.settings),
    }
    slug = f"{cell.variant}-{cell.runner}-{cell.precision}-b{cell.batch}-t{cell.threads}"
    return f"{slug}-{canonical_digest(identity)}"


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"


DEVICE_ID = "device_id"
"""The reading that tells devices of one name apart: a digest of a GPU's UUID, a phone's serial."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSpec:
    """Where cells run: `kind` is cpu, nvidia-gpu or android.

    For a phone: its serial, the folder of the device program (`agent`), the official benchmark_bin
    where that is to be used instead, "direct" or "server" where one way to it is forced, and, once
    the phone was reached, which of its cores are the fast ones.

    For a GPU: its UUID or index as `device` (its UUID once it was found), its name and compute
    capability once it was found, the folder of built engines, the person's own interpreter for its
    engines, if any, and whether other processes on it and nets that TensorRT takes only in part are
    "refused" or "allowed".
    """

    kind: str
    device: str | None = None
    agent: str | None = None
    benchmark_bin: str | None = None
    transport: str | None = None
    big_cores: tuple[int, ...] = ()
    gpu_name: str | None = None
    capability: str | None = None
    engines: str | None = None
    own_python: str | None = None
    sharing: str = "refused"
    partial: str = "refused"

    def to_json(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> TargetSpec:
        return cls(**{**values, "big_cores": tuple(values["big_cores"])})


BURST_S, MOST_CALLS = 0.025, 200
"""How long a burst of inferences lasts where cells take turns, and the most that it has.

Half of what `ab` takes: in the same time twice the laps, whose ratios are as sharp, since the
bursts of a net stand nearer together (docs/measurement.md). A canary and two readings are 3% of it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How one session samples, and how many sessions a cell gets.

    A cell gets `sessions`, and where `max_sessions` is given as many more as its interval needs to
    be within `half_width` (a share of the figure), up to that cap, while the run is younger than
    `grow_for_s`.

    Warm-up ends after `warmup_calls` calls and `warmup_s` seconds, and, where `steady_tolerance`
    is not None, once the two halves of a window of `steady_window` calls agree within it; at
    `warmup_cap_s` it ends all the same. Sampling ends at `samples`, or after `budget_s` once
    `min_samples` are in.

    Where `laps` is given, the cells of a table are open at once, each in a process of its own, and
    take turns: in each lap each of them takes one burst. Then `laps` ends sampling.
    """

    preset: str
    sessions: int
    samples: int
    min_samples: int
    budget_s: float
    warmup_calls: int
    warmup_s: float
    warmup_cap_s: float
    steady_window: int = 10
    steady_tolerance: float | None = 0.05
    statistic: str = "median"
    timeout_s: float = 300.0
    max_sessions: int | None = None
    half_width: float | None = None
    grow_for_s: float = 0.0
    laps: int | None = None

    @property
    def most_sessions(self) -> int:
        """The most sessions that a cell may get."""
        return self.max_sessions or self.sessions

    def to_json(self) -> dict[str, Any]:
        """Return the fields, `laps` only where there are any: earlier code has no such field."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: it for name, it in values.items() if name != "laps" or it is not None}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Sampling:
        return cls(**values)
