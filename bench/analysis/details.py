"""What a cell's raw data say beside its figure and grade: whose outputs its own were compared with,
speeds, floor, builds and outliers. Pure.
"""

from __future__ import annotations

from bench.analysis import canary, outliers
from bench.analysis.floor import AT_BEST, floor
from bench.analysis.tactics import builds_apart
from bench.core.program import command
from bench.core.units import to_ms, with_interval
from bench.storage.schema.latency import Measured, Record


def details(record: Record) -> list[str]:
    """Return lines on a measured record, none where it has nothing of the kind."""
    if not isinstance(record.outcome, Measured):
        return []
    samples = sum(len(session.samples_ns) for session in record.sessions)
    return [
        *_reference(record),
        *_speeds(record),
        *_floor(record),
        *_builds(record),
        *outliers.lines(outliers.outliers(record.sessions), samples),
    ]


def _builds(record: Record) -> list[str]:
    which = f"`{command('compare RUN RUN')}` names the layers that other kernels run"
    return [f"builds: {it.sentence}; {which}" for it in builds_apart([record])]


def _reference(record: Record) -> list[str]:
    by = dict.fromkeys(session.facts.get("reference") for session in record.sessions)
    farthest = max((it.relative_l2 or 0.0 for it in record.sessions), default=0.0)
    names = [name for name in by if name is not None]
    said = f"the output is at most {farthest:.2g} from that of {' and '.join(names)} (relative L2)"
    return [f"reference: {said}"] if names else []


def _speeds(record: Record) -> list[str]:
    result = canary.speeds(record.sessions)
    return [f"speed: {canary.sentence(result)}"] if result is not None else []


def _floor(record: Record) -> list[str]:
    result = floor(record.sessions)
    if result is None:
        if canary.best_ns(record.sessions) is None:
            return []
        return [f"floor: no burst was undisturbed and within {AT_BEST - 1:.0%} of the best speed"]
    half_ns = result.half_width_ns
    figure = with_interval(to_ms(result.value_ns), None if half_ns is None else to_ms(half_ns))
    return [f"floor: {figure} ms in {result.sessions} of {len(record.sessions)} sessions"]
