"""The rules of the grade: each says of a record which grade it allows, why, and what would raise
it. The bounds stand in the rules' own sentences. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean, median

from bench.analysis.comparability import SETTLED
from bench.analysis.contention import LITTLE_TAKEN, counted_ns, taken
from bench.analysis.gpu_clocks import clocks
from bench.analysis.statistics import t_interval
from bench.analysis.throttling import NVML_READER, SIGNS, Sign, grown
from bench.analysis.time_course import last_over_first
from bench.analysis.unmet import unmet
from bench.core import gpu_state
from bench.core.units import NS_PER_MS
from bench.runners import RUNNERS
from bench.storage.schema.latency import Record, Session

Said = tuple[str, str, str]
"""A grade, the reason, and the remedy, which counts below A only."""

_AGAIN = "measure with `--preset standard`"
_WARM_UP = "raise warmup_s and warmup_cap_s of the preset in the suite's file"
_AGENT = "measure with the harness's own device program (`make agent`)"
_OWN = "where the machine is your own"

# Three samples a third: the preset `standard` takes ten at least.
_TREND_SAMPLES = 9


def target_of(record: Record) -> str:
    """Return the kind of target that the cell's runner measures on."""
    entry = RUNNERS.get(record.cell.runner)
    return "cpu" if entry is None else entry.target


def _by_bounds(value: float, bounds: tuple[float, float, float], figure: str, remedy: str) -> Said:
    """Return the first grade whose bound holds `value`, a share; `bounds` are for A, B and C."""
    letter = next(
        (grade for grade, bound in zip("ABC", bounds, strict=True) if value <= bound), "D"
    )
    allowed = ", ".join(f"{b:.0%} for {grade}" for grade, b in zip("ABC", bounds, strict=True))
    return letter, f"{figure} ({allowed})", remedy


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
    ratios = [
        last_over_first(counted_ns(session), fewest=_TREND_SAMPLES) for session in record.sessions
    ]
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
    """Judge in how many sessions the warm-up ended unsettled."""
    if record.sampling.steady_tolerance is None:
        return "B", "this preset doesn't check whether the warm-up has settled", _AGAIN
    count, unsettled = len(record.sessions), sum(not session.steady for session in record.sessions)
    return _by_bounds(
        unsettled / count, (SETTLED, 0.50, 1.0),
        f"the warm-up had not settled in {unsettled} of {count} sessions", _WARM_UP,
    )  # fmt: skip


def _throttling(record: Record) -> Said:
    """Judge what held sessions back; a sign that can't be read allows B."""
    held = {
        sign: [sign.held(session) for session in record.sessions]
        for sign in SIGNS.get(target_of(record), ())
    }
    if hit := [sign for sign, held_back in held.items() if any(held_back)]:
        count = sum(map(any, zip(*held.values(), strict=True)))
        by = f"throttled by {_joined(hit)} in {count} of {len(record.sessions)} sessions"
        return "C", by, "; ".join(sign.remedy for sign in hit)
    if unread := [sign for sign, held_back in held.items() if None in held_back]:
        reason = f"whether {_joined(unread)} held it back could not be read"
        return "B", reason, "; ".join(sign.reader for sign in unread)
    return "A", "no throttling was seen", ""


def _joined(signs: Sequence[Sign]) -> str:
    return " and ".join(sign.name for sign in signs)


def _steal(record: Record) -> Said:
    if target_of(record) == "android":
        return "A", "a phone has no other guest", ""
    by_session = [_steal_share(session) for session in record.sessions]
    shares = [share for share in by_session if share is not None]
    if len(shares) < len(by_session):
        remedy = "measure on Linux, where /proc/stat tells"
        return "B", "the time that the host took could not be read", remedy
    return _by_bounds(
        max(shares), (0.02, 0.05, 0.15), f"the host took up to {max(shares):.1%} of a session",
        "repeat when the host is less busy, or on a machine alone",
    )  # fmt: skip


def _steal_share(session: Session) -> float | None:
    stolen = grown(session, "steal_ms")
    return None if stolen is None else max(0.0, stolen) * NS_PER_MS / max(session.wall_ns, 1)


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


def _clocks(record: Record) -> Said:
    if target_of(record) == "nvidia-gpu":
        return _gpu_clocks(record)
    governors = {str(session.before.get("governor", "unknown")) for session in record.sessions}
    if governors == {"performance"}:
        return "A", "governor performance", ""
    reason = f"clocks aren't seen to be locked (governor {', '.join(sorted(governors))})"
    if target_of(record) == "android":
        return "B", reason, "set the governor performance on a rooted phone"
    if governors == {"unknown"}:
        return "B", reason, "measure where /sys tells the governor: on a machine of its own"
    return "B", reason, f"`sudo cpupower frequency-set -g performance` {_OWN}"


def _gpu_clocks(record: Record) -> Said:
    it = clocks([s.before for s in record.sessions], [s.covariates for s in record.sessions])
    if it is None:
        return "B", "the GPU's clock could not be read", NVML_READER
    how = "held still" if it.held else "not seen to be locked"
    return "AB"[not it.held], f"{it.reason}, {how}", f"`{it.command}` {_OWN}"


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


def _contention(record: Record) -> Said:
    """Judge what others took of the CPU; a record from before that was kept stays as it is."""
    shares = [taken_share for taken_share in map(taken, record.sessions) if taken_share is not None]
    if not shares:
        return "A", "what other processes took of the CPU isn't known", ""
    share = min(taken_share.cpu_share for taken_share in shares)
    remedy = "repeat with --wait-quiet, or end what else runs"
    if held := sum(taken_share.contended for taken_share in shares):
        many = f"contended in {held} of {len(shares)} sessions"
        return "D", f"{many}: as little as {share:.0%} of the CPU was left to them", remedy
    least = f"{share:.0%} of the CPU or more was left to the sessions ({LITTLE_TAKEN:.0%} for A)"
    if share < LITTLE_TAKEN:
        return "C", f"{least}, and what was disturbed doesn't count", remedy
    return "A", least, ""


def _alone(record: Record) -> Said:
    """Judge whether other processes computed on the GPU; the child's own has ended by then."""
    if target_of(record) != "nvidia-gpu":
        return "A", "no accelerator takes part", ""
    shared = sum(
        gpu_state.has_company(session.before, session.after) for session in record.sessions
    )
    if shared:
        many = f"in {shared} of {len(record.sessions)} sessions"
        remedy = "end them and leave --shared-gpu out"
        return "C", f"other processes computed on the GPU {many}", remedy
    readings = [
        reading for session in record.sessions for reading in (session.before, session.after)
    ]
    if any(gpu_state.COMPUTE_PROCESSES not in reading for reading in readings):
        remedy = "see what `nvidia-smi` lists; a container or a MIG instance may hide it"
        return "B", "whether other processes computed on the GPU could not be read", remedy
    return "A", "no other process computed on the GPU", ""


def _variables(record: Record) -> Said:
    """Judge whether the engine inherited variables of a person's shell."""
    variables = {session.facts.get("passed_env") for session in record.sessions} - {None}
    if not variables:
        return "A", "no variable of the shell was let in", ""
    named = "; ".join(sorted(map(str, variables)))
    return "B", f"the engine inherited {named} from the shell", "leave --pass-env out"


RULES: dict[str, Callable[[Record], Said]] = {
    "sessions": _sessions,
    "interval": _interval,
    "drift": _drift,
    "trend": _trend,
    "settled": _settled,
    "throttling": _throttling,
    "steal": _steal,
    "contention": _contention,
    "threads": _threads,
    "settings": _settings,
    "variables": _variables,
    "offload": _offload,
    "subnormals": _subnormals,
    "alone": _alone,
    "parity": _parity,
    "clocks": _clocks,
}

REMARKS = frozenset(
    {"contention", "threads", "settings", "trend", "throttling", "offload", "alone", "subnormals"}
)
"""The rules whose fault is a remark at the figure too."""
