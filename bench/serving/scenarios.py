"""What LoadGen is asked to do: a scenario's settings, and the search for the rate that holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Scenario = Literal["single-stream", "server", "offline"]

SCENARIOS: Mapping[Scenario, str] = {
    "single-stream": "SingleStream",
    "server": "Server",
    "offline": "Offline",
}
"""LoadGen's own name of each scenario."""

PERCENTILES: Mapping[Scenario, float] = {"single-stream": 90.0, "server": 99.0, "offline": 99.0}
"""The percentile that MLPerf judges each scenario by."""

CONNECTIONS: Mapping[Scenario, int] = {"single-stream": 1, "server": 32, "offline": 8}
"""How many requests may be in flight at once, unless it is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One run of LoadGen: `rate` is the target, in samples a second, of server and offline.

    It lasts at least `duration_s` and `queries`; `latency_ms` is what the percentile of a server's
    latencies must be within. `seed` shifts LoadGen's own seeds.
    """

    scenario: Scenario
    duration_s: float
    queries: int
    percentile: float
    connections: int
    rate: float | None = None
    latency_ms: float | None = None
    seed: int = 0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Probe:
    """A rate that was tried, and whether the bound held at it."""

    rate: float
    holds: bool


def search(
    holds: Callable[[float], bool],
    start: float,
    *,
    probes: int,
    step: float = 1.5,
    close: float = 0.04,
) -> tuple[float | None, list[Probe]]:
    """Return the highest rate that holds, as far as `probes` tries tell, and all that was tried.

    It goes from `start` by `step` until one rate holds and a higher one doesn't, and halves the
    range between them on a logarithmic scale until that is within `close`. None: no rate held.
    """
    tried: list[Probe] = []
    low, high, rate = None, None, start
    while len(tried) < probes:
        tried.append(Probe(rate, holds(rate)))
        if tried[-1].holds:
            low = rate
        else:
            high = rate
        if low is None:
            rate /= step
        elif high is None:
            rate *= step
        elif high / low <= 1 + close:
            break
        else:
            rate = (low * high) ** 0.5
    return low, tried
