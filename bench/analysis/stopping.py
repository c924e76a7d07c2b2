"""When a cell has enough sessions: its interval's width or a cap, never significance. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bench.analysis.statistics import summarize
from bench.core.cell import Sampling


def stopped(sessions: Sequence[Sequence[int]], rule: Sampling, *, elapsed_s: float) -> str | None:
    """Return why a cell with these sessions of samples (ns) takes no more, None: it takes another.

    fixed    the preset has one number of sessions, and that many are in
    narrow   the 95% interval's half-width is within `rule.half_width` of the figure
    cap      `rule.max_sessions` are in
    time     the run has lasted `rule.grow_for_s`, and `rule.sessions` are in
    """
    if len(sessions) < rule.sessions:
        return None
    if rule.max_sessions is None or rule.half_width is None:
        return "fixed"
    estimate = summarize(sessions, rule.statistic)
    half = estimate.half_width_ns
    if half is not None and half <= rule.half_width * estimate.value_ns:
        return "narrow"
    if len(sessions) >= rule.max_sessions:
        return "cap"
    return "time" if elapsed_s >= rule.grow_for_s else None
