"""How far a cell's figure can be trusted, A to D: the worst of the rules in one table. Pure.

A rule looks at a record and says which grade it allows, why, and what would raise it. The bounds
stand in the rules' own sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from bench.analysis import phone_throttling as throttling
from bench.analysis.gpu_clocks import clocks
from bench.analysis.statistics import t_interval
from bench.analysis.unmet import unmet
from bench.core import gpu_state
from bench.core.gpu_state import has_company
from bench.core.units import NS_PER_MS
from bench.storage.schema.latency import Measured, Record, Session

GRADES = "ABCD"

# The rules about what was in force: a fault of theirs is a remark at the figure too.
_IN_FORCE = ("threads", "settings", "throttling", "offload", "alone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one rule allows: a grade, the reason, and the remedy ('' for an A)."""

    rule: str
    grade: str
    reason: str
    remedy: str = ""


def grade(found: Sequence[Finding]) -> str | None:
    """Return the worst grade of what `findings` found, None where that is nothing."""
    return max((finding.grade for finding in found), default=None)


def findings(record: Record) -> list[Finding]:
    """Return what each rule says of a measured record, none of any other."""
    if not isinstance(record.outcome, Measured):
        return []
    return [rule(record) for rule in RULES.values()]


def explain(found: Sequence[Finding]) -> list[str]:
    """Return what keeps a figure below A, each with what would raise it, worst first."""
    below = sorted(
        (finding for finding in found if finding.grade != "A"),
        key=lambda finding: finding.grade,
        reverse=True,
    )
    return [f"{it.grade} {it.rule}: {it.reason}: {it.remedy}" for it in below]


def warnings(found: Sequence[Finding]) -> list[str]:
    """Return what isn't in force as it was asked for, each in one clause."""
    return [f.reason for f in found if f.rule in _IN_FORCE and f.grade > "B"]


def _by_bound(value: float, bounds: Sequence[float]) -> str:
    """Return the first grade whose bound holds `value`; `bounds` are for A, B and C."""
    for letter, bound in zip(GRADES, bounds, strict=False):
        if value <= bound:
            return letter
    return "D"


def _session_medians(record: Record) -> list[float]:
    return [median(session.durations_ns) for session in record.sessions]


def _sessions(record: Record) -> Finding:
    count = len(record.sessions)
    letter = "A" if count >= 5 else "B" if count >= 3 else "C" if count == 2 else "D"
    return Finding(
        rule="sessions",
        grade=letter,
        reason=f"{count} session{'s' if count != 1 else ''} (5 for A, 3 for B, 2 for C)",
        remedy="" if letter == "A" else "measure with `--preset standard`",
    )


def _interval(record: Record) -> Finding:
    value, half = t_interval(_session_medians(record))
    if any(session.reported_ns is not None for session in record.sessions):
        return Finding(
            rule="interval",
            grade="C",
            reason="a tool's own averages bear no interval",
            remedy="measure with the harness's own device program (`make agent`)",
        )
    if half is None:
        return Finding(
            rule="interval",
            grade="D",
            reason="one session bears no interval",
            remedy="measure with `--preset standard`",
        )
    share = half / value
    letter = _by_bound(share, (0.02, 0.05, 0.10))
    return Finding(
        rule="interval",
        grade=letter,
        reason=f"half-width {share:.1%} of the figure (2% for A, 5% for B, 10% for C)",
        remedy="" if letter == "A" else "let it take more sessions, on a quieter machine",
    )


def _drift(record: Record) -> Finding:
    medians = _session_medians(record)
    half = len(medians) // 2
    moved = abs(fmean(medians[-half:]) / fmean(medians[:half]) - 1) if half else 0.0
    letter = _by_bound(moved, (0.05, 0.10, 0.20))
    return Finding(
        rule="drift",
        grade=letter,
        reason=f"later rounds are {moved:.1%} off the earlier (5% for A, 10% for B, 20% for C)",
        remedy="" if letter == "A" else "repeat the run when the machine is idle",
    )


def _throttling(record: Record) -> Finding:
    hit = sum(_throttled(session) for session in record.sessions)
    return Finding(
        rule="throttling",
        grade="C" if hit else "A",
        reason=f"throttled in {hit} of {len(record.sessions)} sessions"
        if hit
        else "no throttling was seen",
        remedy="let it cool down, or cap the clock below its limit" if hit else "",
    )


def _throttled(session: Session) -> bool:
    """Tell whether a throttle counter moved during the session, or a GPU or phone was held back."""
    counters = ("throttle_count", "cgroup_throttled")
    moved = any((_grown(session, name) or 0) > 0 for name in counters)
    held = gpu_state.reasons(session.before, session.after, session.covariates)
    return moved or bool(held) or _phone_throttled(session)


def _phone_throttled(session: Session) -> bool:
    before, after = session.before, session.after
    if throttling.KEYS.isdisjoint(before | after):
        return False
    return bool(throttling.throttled(before, after, session.samples_ns))


def _steal(record: Record) -> Finding:
    shares = [share for share in map(_steal_share, record.sessions) if share is not None]
    if not shares:
        return Finding(rule="steal", grade="A", reason="this machine counts no steal time")
    worst = max(shares)
    letter = _by_bound(worst, (0.02, 0.05, 0.15))
    return Finding(
        rule="steal",
        grade=letter,
        reason=f"the host took up to {worst:.1%} of a session (2% for A, 5% for B, 15% for C)",
        remedy="" if letter == "A" else "repeat when the host is less busy, or on a machine alone",
    )


def _steal_share(session: Session) -> float | None:
    grown = _grown(session, "steal_ms")
    return None if grown is None else max(0.0, grown) * NS_PER_MS / max(session.wall_ns, 1)


def _grown(session: Session, name: str) -> float | None:
    before, after = session.before.get(name), session.after.get(name)
    if isinstance(before, int | float) and isinstance(after, int | float):
        return after - before
    return None


def _settings(record: Record) -> Finding:
    wrong = unmet(record.cell, [session.facts for session in record.sessions])
    if not wrong:
        return Finding(rule="settings", grade="A", reason="precision and settings as asked for")
    return Finding(
        rule="settings",
        grade="D",
        reason="; ".join(wrong),
        remedy="the engine can't do it on this chip: ask for what it can",
    )


def _threads(record: Record) -> Finding:
    asked = record.cell.threads
    worked = {session.facts.get("threads_worked") for session in record.sessions} - {None}
    if not worked:
        return Finding(
            rule="threads",
            grade="B",
            reason="which threads worked could not be read",
            remedy="measure on Linux, where /proc tells",
        )
    wrong = sorted(str(count) for count in worked if count != str(asked))
    if not wrong:
        return Finding(rule="threads", grade="A", reason=f"{asked} worked, as asked for")
    return Finding(
        rule="threads",
        grade="C",
        reason=f"threads that worked: {' or '.join(wrong)}, asked for: {asked}",
        remedy="free the cores that other processes use, or ask for fewer threads",
    )


def _parity(record: Record) -> Finding:
    checked = [one.relative_l2 for one in record.sessions if one.relative_l2 is not None]
    if len(checked) < len(record.sessions):
        return Finding(
            rule="parity",
            grade="C",
            reason="the tool that measured prints no output to check",
            remedy="measure with the harness's own device program (`make agent`)",
        )
    worst = max(checked)
    return Finding(
        rule="parity",
        grade="A",
        reason=f"the output is within {worst:.1g} of the reference (relative L2)",
    )


def _clocks(record: Record) -> Finding:
    on_gpu = clocks([s.before for s in record.sessions], [s.covariates for s in record.sessions])
    if on_gpu is not None:
        return Finding(
            rule="clocks",
            grade="A" if on_gpu.held else "B",
            reason=f"{on_gpu.reason}, {'held still' if on_gpu.held else 'not seen to be locked'}",
            remedy="" if on_gpu.held else f"`{on_gpu.command}` where the machine is your own",
        )
    governors = {str(session.before.get("governor", "unknown")) for session in record.sessions}
    if governors == {"performance"}:
        return Finding(rule="clocks", grade="A", reason="governor performance")
    named = ", ".join(sorted(governors))
    return Finding(
        rule="clocks",
        grade="B",
        reason=f"clocks aren't seen to be locked (governor {named})",
        remedy="`sudo cpupower frequency-set -g performance` where the machine is your own",
    )


def _offload(record: Record) -> Finding:
    """Judge how much of the net ran in the engine that the figure is named after."""
    told = {session.facts.get("offload", "whole") for session in record.sessions} - {"whole"}
    if not told:
        return Finding(rule="offload", grade="A", reason="the engine took the whole net")
    return Finding(
        rule="offload",
        grade="D",
        reason=f"offload {'; '.join(sorted(told))}",
        remedy="measure with a runner that takes the whole net",
    )


def _alone(record: Record) -> Finding:
    """Judge whether other processes computed on the GPU; the child's own has ended by then."""
    shared = sum(has_company(session.before, session.after) for session in record.sessions)
    return Finding(
        rule="alone",
        grade="C" if shared else "A",
        reason=f"other processes computed on the GPU in {shared} of {len(record.sessions)} sessions"
        if shared
        else "no other process was seen on an accelerator",
        remedy="end them and leave --shared-gpu out" if shared else "",
    )


RULES: dict[str, Callable[[Record], Finding]] = {
    "sessions": _sessions,
    "interval": _interval,
    "drift": _drift,
    "throttling": _throttling,
    "steal": _steal,
    "threads": _threads,
    "settings": _settings,
    "offload": _offload,
    "alone": _alone,
    "parity": _parity,
    "clocks": _clocks,
}
