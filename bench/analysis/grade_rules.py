"""The rules of the grade: each says of a record which grade it allows, why, and what would raise
it. The bounds stand in the rules' own sentences. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean, median

from bench.analysis import phone_throttling
from bench.analysis.gpu_clocks import clocks
from bench.analysis.statistics import t_interval
from bench.analysis.time_course import last_over_first
from bench.analysis.unmet import unmet
from bench.core import gpu_state
from bench.core.units import NS_PER_MS
from bench.storage.schema.latency import Record, Session

Said = tuple[str, str, str]
"""A grade, the reason, and the remedy, which counts below A only."""

_AGAIN = "measure with `--preset standard`"
_WARM_UP = "raise warmup_s and warmup_cap_s of the preset in the suite's file"
_AGENT = "measure with the harness's own device program (`make agent`)"

# Three samples a third: the preset `standard` takes ten at least.
_TREND_SAMPLES = 9


def _by_bounds(value: float, bounds: tuple[float, float, float], figure: str, remedy: str) -> Said:
    """Return the first grade whose bound holds `value`, a share; `bounds` are for A, B and C."""
    letter = next(
        (grade for grade, bound in zip("ABC", bounds, strict=True) if value <= bound), "D"
    )
    allowed = ", ".join(f"{b:.0%} for {grade}" for grade, b in zip("ABC", bounds, strict=True))
    return letter, f"{figure} ({allowed})", remedy


def _session_medians(record: Record) -> list[float]:
    return [median(session.durations_ns) for session in record.sessions]


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
    return _by_bounds(
        share, (0.02, 0.05, 0.10), f"half-width {share:.1%} of the figure",
        "let it take more sessions, on a quieter machine",
    )  # fmt: skip


def _drift(record: Record) -> Said:
    medians = _session_medians(record)
    half = len(medians) // 2
    moved = abs(fmean(medians[-half:]) / fmean(medians[:half]) - 1) if half else 0.0
    return _by_bounds(
        moved, (0.05, 0.10, 0.20), f"later rounds are {moved:.1%} off the earlier",
        "repeat the run when the machine is idle",
    )  # fmt: skip


def _trend(record: Record) -> Said:
    """Judge how far the latency moves within a session, by the median over the sessions.

    Its bounds are those of the interval: a figure that moves by more isn't in it. Over 63 cells on
    a shared 2-core machine it was 0.4% in the median, above 2% in 4 and above 3% in 1.
    """
    ratios = [last_over_first(it.samples_ns, fewest=_TREND_SAMPLES) for it in record.sessions]
    known = [ratio for ratio in ratios if ratio is not None]
    if not known:
        return "B", f"sessions of under {_TREND_SAMPLES} samples show no trend", _AGAIN
    moved = median(known) - 1
    return _by_bounds(
        abs(moved), (0.02, 0.05, 0.10),
        f"a session's last third is {abs(moved):.1%} {'slower' if moved > 0 else 'faster'} than "
        "its first", _WARM_UP,
    )  # fmt: skip


def _settled(record: Record) -> Said:
    """Judge in how many sessions the warm-up ended unsettled: by chance that happens to one."""
    if record.sampling.steady_tolerance is None:
        return "B", "this preset doesn't check whether the warm-up has settled", _AGAIN
    count, unsettled = len(record.sessions), sum(not it.steady for it in record.sessions)
    return _by_bounds(
        unsettled / count, (0.20, 0.50, 1.0),
        f"the warm-up had not settled in {unsettled} of {count} sessions", _WARM_UP,
    )  # fmt: skip


def _throttling(record: Record) -> Said:
    hit = sum(map(_throttled, record.sessions))
    if not hit:
        return "A", "no throttling was seen", ""
    remedy = "let it cool down, or cap the clock below its limit"
    return "C", f"throttled in {hit} of {len(record.sessions)} sessions", remedy


def _throttled(session: Session) -> bool:
    """Tell whether a throttle counter moved during the session, or a GPU or phone was held back."""
    counters = ("throttle_count", "cgroup_throttled")
    moved = any((_grown(session, name) or 0) > 0 for name in counters)
    held = gpu_state.reasons(session.before, session.after, session.covariates)
    return moved or bool(held) or _phone_throttled(session)


def _phone_throttled(session: Session) -> bool:
    before, after = session.before, session.after
    if phone_throttling.KEYS.isdisjoint(before | after):
        return False
    return bool(phone_throttling.throttled(before, after, session.samples_ns))


def _steal(record: Record) -> Said:
    shares = [share for share in map(_steal_share, record.sessions) if share is not None]
    if not shares:
        return "A", "this machine counts no steal time", ""
    return _by_bounds(
        max(shares), (0.02, 0.05, 0.15), f"the host took up to {max(shares):.1%} of a session",
        "repeat when the host is less busy, or on a machine alone",
    )  # fmt: skip


def _steal_share(session: Session) -> float | None:
    grown = _grown(session, "steal_ms")
    return None if grown is None else max(0.0, grown) * NS_PER_MS / max(session.wall_ns, 1)


def _grown(session: Session, name: str) -> float | None:
    before, after = session.before.get(name), session.after.get(name)
    if isinstance(before, int | float) and isinstance(after, int | float):
        return after - before
    return None


def _settings(record: Record) -> Said:
    wrong = unmet(record.cell, [session.facts for session in record.sessions])
    if not wrong:
        return "A", "precision and settings as asked for", ""
    return "D", "; ".join(wrong), "the engine can't do it on this chip: ask for what it can"


def _threads(record: Record) -> Said:
    asked = record.cell.threads
    worked = {session.facts.get("threads_worked") for session in record.sessions} - {None}
    if not worked:
        remedy = "measure on Linux, where /proc tells"
        return "B", "which threads worked could not be read", remedy
    wrong = sorted(str(count) for count in worked if count != str(asked))
    if not wrong:
        return "A", f"{asked} worked, as asked for", ""
    remedy = "free the cores that other processes use, or ask for fewer threads"
    return "C", f"threads that worked: {' or '.join(wrong)}, asked for: {asked}", remedy


def _parity(record: Record) -> Said:
    checked = [one.relative_l2 for one in record.sessions if one.relative_l2 is not None]
    if len(checked) < len(record.sessions):
        return "C", "the tool that measured prints no output to check", _AGENT
    return "A", f"the output is within {max(checked):.1g} of the reference (relative L2)", ""


def _clocks(record: Record) -> Said:
    on_gpu = clocks([s.before for s in record.sessions], [s.covariates for s in record.sessions])
    own = "where the machine is your own"
    if on_gpu is not None:
        how = "held still" if on_gpu.held else "not seen to be locked"
        return "AB"[not on_gpu.held], f"{on_gpu.reason}, {how}", f"`{on_gpu.command}` {own}"
    governors = {str(session.before.get("governor", "unknown")) for session in record.sessions}
    if governors == {"performance"}:
        return "A", "governor performance", ""
    reason = f"clocks aren't seen to be locked (governor {', '.join(sorted(governors))})"
    return "B", reason, f"`sudo cpupower frequency-set -g performance` {own}"


def _offload(record: Record) -> Said:
    """Judge how much of the net ran in the engine that the figure is named after."""
    told = {session.facts.get("offload", "whole") for session in record.sessions} - {"whole"}
    if not told:
        return "A", "the engine took the whole net", ""
    remedy = "measure with a runner that takes the whole net"
    return "D", f"offload {'; '.join(sorted(told))}", remedy


def _alone(record: Record) -> Said:
    """Judge whether other processes computed on the GPU; the child's own has ended by then."""
    shared = sum(gpu_state.has_company(it.before, it.after) for it in record.sessions)
    if not shared:
        return "A", "no other process was seen on an accelerator", ""
    many = f"in {shared} of {len(record.sessions)} sessions"
    remedy = "end them and leave --shared-gpu out"
    return "C", f"other processes computed on the GPU {many}", remedy


RULES: dict[str, Callable[[Record], Said]] = {
    "sessions": _sessions,
    "interval": _interval,
    "drift": _drift,
    "trend": _trend,
    "settled": _settled,
    "throttling": _throttling,
    "steal": _steal,
    "threads": _threads,
    "settings": _settings,
    "offload": _offload,
    "alone": _alone,
    "parity": _parity,
    "clocks": _clocks,
}

REMARKS = frozenset({"threads", "settings", "trend", "throttling", "offload", "alone"})
"""The rules whose fault is a remark at the figure too."""
