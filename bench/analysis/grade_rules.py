"""The rules of the grade: each says of a record which grade it allows, why, and what would raise
it. The bounds stand in the rules' own sentences. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean, median

from bench.analysis.comparability import SETTLED
from bench.analysis.contention import counted_ns, least_left
from bench.analysis.grade_basics import Said, by_bounds, target_of
from bench.analysis.grade_machine import (
    QUIETER,
    alone_rule,
    clocks_rule,
    contention_rule,
    speed_rule,
    steal_rule,
    throttling_rule,
    variables_rule,
)
from bench.analysis.statistics import t_interval
from bench.analysis.time_course import last_over_first
from bench.analysis.unmet import unmet
from bench.core.program import agent_command
from bench.runners import RUNNERS
from bench.storage.schema.latency import Record

_AGAIN = "measure with `--preset standard`"
_WARM_UP = "raise warmup_s and warmup_cap_s of the preset in the suite's file"
_AGENT = f"measure with the harness's own device program ({agent_command()})"

# Three samples a third: the preset `standard` takes ten at least.
_TREND_SAMPLES = 9


def _session_medians(record: Record) -> list[float]:
    return [median(counted_ns(session)) for session in record.sessions]


def _sessions(record: Record) -> Said:
    count = len(record.sessions)
    letter = "A" if count >= 5 else "B" if count >= 3 else "C" if count == 2 else "D"
    many = f"{count} session{'s' if count != 1 else ''}"
    return letter, f"{many} (5 for A, 3 for B, 2 for C)", _AGAIN


def _interval(record: Record) -> Said:
    if any(session.reported_ns is not None for session in record.sessions):
        return "C", "a tool's own averages bear no interval", _AGENT
    value, half = t_interval(_session_medians(record))
    if half is None:
        return "D", "one session bears no interval", _AGAIN
    share = half / value
    return by_bounds(
        share, (0.02, 0.05, 0.10), f"half-width {share:.1%} of the figure",
        "let it take more sessions, on a quieter machine",
    )  # fmt: skip


def _drift(record: Record) -> Said:
    medians = _session_medians(record)
    half = len(medians) // 2
    moved = abs(fmean(medians[-half:]) / fmean(medians[:half]) - 1) if half else 0.0
    return by_bounds(
        moved, (0.05, 0.10, 0.20), f"later rounds are {moved:.1%} off the earlier",
        "repeat the run when the machine is idle",
    )  # fmt: skip


def _trend(record: Record) -> Said:
    """Judge how far the latency moves within a session, by the median over the sessions.

    Its bounds are those of the interval: a figure that moves by more isn't in it. Over 63 cells on
    a shared 2-core machine it was 0.4% in the median, above 2% in 4 and above 3% in 1.
    """
    ratios = [
        last_over_first(counted_ns(session), fewest=_TREND_SAMPLES) for session in record.sessions
    ]
    known = [ratio for ratio in ratios if ratio is not None]
    if not known:
        return "B", f"sessions of under {_TREND_SAMPLES} samples show no trend", _AGAIN
    moved = median(known) - 1
    return by_bounds(
        abs(moved), (0.02, 0.05, 0.10),
        f"a session's last third is {abs(moved):.1%} {'slower' if moved > 0 else 'faster'} than "
        "its first", _steadier(record),
    )  # fmt: skip


def _steadier(record: Record) -> str:
    """Return what lets a latency settle; where others took the CPU no warm-up does."""
    left = least_left(record.sessions)
    return QUIETER if left is not None and left.contended else _WARM_UP


def _settled(record: Record) -> Said:
    """Judge in how many sessions the warm-up ended unsettled."""
    if record.sampling.steady_tolerance is None:
        return "B", "this preset doesn't check whether the warm-up has settled", _AGAIN
    count, unsettled = len(record.sessions), sum(not session.steady for session in record.sessions)
    return by_bounds(
        unsettled / count, (SETTLED, 0.50, 1.0),
        f"the warm-up had not settled in {unsettled} of {count} sessions", _steadier(record),
    )  # fmt: skip


def _settings(record: Record) -> Said:
    facts = [session.facts for session in record.sessions]
    if wrong := unmet(record.cell, facts):
        return "D", "; ".join(wrong), "the engine can't do it on this chip: ask for what it can"
    requested = ["precision", *sorted(record.cell.settings)]
    if unread := [name for name in requested if any(name not in effective for effective in facts)]:
        reason = f"the effective {', '.join(unread)} could not be read"
        return "B", reason, "measure with an engine that reports it"
    return "A", "precision and settings as asked for", ""


def _threads(record: Record) -> Said:
    requested = record.cell.threads
    worked = [session.facts.get("threads_worked") for session in record.sessions]
    if wrong := sorted({count for count in worked if count not in (None, str(requested))}):
        reason = f"threads that worked: {' or '.join(wrong)}, asked for: {requested}"
        return "C", reason, "free the cores that other processes use, or ask for fewer threads"
    if None in worked:
        remedy = "measure on Linux, where /proc tells"
        return "B", "which threads worked could not be read", remedy
    return "A", f"{requested} worked, as asked for", ""


def _parity(record: Record) -> Said:
    checked = [
        session.relative_l2 for session in record.sessions if session.relative_l2 is not None
    ]
    if len(checked) < len(record.sessions):
        return "C", "the tool that measured prints no output to check", _AGENT
    return "A", f"the output is within {max(checked):.1g} of the reference (relative L2)", ""


# Relative L2 in FP32: what rounds differently is below 1e-3, another net's output 1e-1 and more.
_ANOTHER = 1e-2


def _tolerance(record: Record) -> Said:
    """Judge how far the output is beyond the runner's own tolerance, where a wider one was set."""
    entry, far = RUNNERS.get(record.cell.runner), _farthest(record)
    usual = float("inf") if entry is None else entry.tolerance_of(record.cell.precision)
    if far <= usual:
        return "A", "the output is within the engine's own tolerance", ""
    reason = f"the output is {far:.2g} away from the reference (relative L2), {usual:.2g} is usual"
    if far <= _ANOTHER:
        return "B", reason, "leave the tolerance out to see what fails"
    return "D", f"{reason}: it may be another net's", "leave the tolerance out: it hides what fails"


def _farthest(record: Record) -> float:
    return max((session.relative_l2 or 0.0 for session in record.sessions), default=0.0)


def _offload(record: Record) -> Said:
    """Judge how much of the net ran in the engine that the figure is named after."""
    partial = {session.facts.get("offload", "whole") for session in record.sessions} - {"whole"}
    if not partial:
        return "A", "the engine took the whole net", ""
    remedy = "measure with a runner that takes the whole net"
    return "D", f"offload {'; '.join(sorted(partial))}", remedy


def _subnormals(record: Record) -> Said:
    """Judge whether subnormal numbers were computed with: many chips are slow at them."""
    if target_of(record) == "nvidia-gpu":
        return "A", "a GPU computes with subnormal numbers as fast as with others", ""
    facts = [session.facts for session in record.sessions]
    most = {
        name: max(_count(own.get(f"subnormal_{name}", "")) for own in facts)
        for name in ("weights", "activations")
    }
    many = " and ".join(f"{count} {name}" for name, count in most.items() if count)
    if not many:
        return "A", "no subnormal number was counted", ""
    if all(own.get("subnormals") == "flushed" for own in facts):
        return "A", f"{many} are subnormal, and flushed to zero", ""
    remedy = "take weights of order 1 (`--weights pretrained`, or a .pdparams file)"
    return "C", f"{many} are subnormal, and not seen to be flushed to zero", remedy


def _count(text: str) -> int:
    return int(text) if text.isdecimal() else 0


RULES: dict[str, Callable[[Record], Said]] = {
    "sessions": _sessions,
    "interval": _interval,
    "drift": _drift,
    "trend": _trend,
    "settled": _settled,
    "throttling": throttling_rule,
    "steal": steal_rule,
    "contention": contention_rule,
    "speed": speed_rule,
    "threads": _threads,
    "settings": _settings,
    "variables": variables_rule,
    "offload": _offload,
    "subnormals": _subnormals,
    "alone": alone_rule,
    "parity": _parity,
    "tolerance": _tolerance,
    "clocks": clocks_rule,
}

REMARKS = frozenset(
    {
        "contention",
        "speed",
        "threads",
        "settings",
        "trend",
        "throttling",
        "offload",
        "alone",
        "subnormals",
        "tolerance",
    }
)
"""The rules whose fault is a remark at the figure too."""
