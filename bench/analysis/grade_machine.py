"""Rules of the grade on the machine: what held it back, who else used it, how it was set up."""

from __future__ import annotations

from collections.abc import Sequence

from bench.analysis.canary import sentence, speeds
from bench.analysis.contention import LITTLE_TAKEN, taken
from bench.analysis.gpu_clocks import clocks
from bench.analysis.grade_basics import OWN, Said, by_bounds, target_of
from bench.analysis.throttling import NVML_READER, SIGNS, Sign, grown
from bench.core import gpu_state
from bench.core.units import NS_PER_MS
from bench.storage.schema.latency import Record, Session

QUIETER = "repeat with --wait-quiet, or end what else runs"


def throttling_rule(record: Record) -> Said:
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


def steal_rule(record: Record) -> Said:
    """Judge the time that a virtual machine's host took."""
    if target_of(record) == "android":
        return "A", "a phone has no other guest", ""
    by_session = [_steal_share(session) for session in record.sessions]
    shares = [share for share in by_session if share is not None]
    if len(shares) < len(by_session):
        remedy = "measure on Linux, where /proc/stat tells"
        return "B", "the time that the host took could not be read", remedy
    return by_bounds(
        max(shares), (0.02, 0.05, 0.15), f"the host took up to {max(shares):.1%} of a session",
        "repeat when the host is less busy, or on a machine alone",
    )  # fmt: skip


def _steal_share(session: Session) -> float | None:
    stolen = grown(session, "steal_ms")
    return None if stolen is None else max(0.0, stolen) * NS_PER_MS / max(session.wall_ns, 1)


def clocks_rule(record: Record) -> Said:
    """Judge whether the clocks were held still."""
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
    return "B", reason, f"`sudo cpupower frequency-set -g performance` {OWN}"


def _gpu_clocks(record: Record) -> Said:
    it = clocks([s.before for s in record.sessions], [s.covariates for s in record.sessions])
    if it is None:
        return "B", "the GPU's clock could not be read", NVML_READER
    how = "held still" if it.held else "not seen to be locked"
    return "AB"[not it.held], f"{it.reason}, {how}", f"`{it.command}` {OWN}"


def contention_rule(record: Record) -> Said:
    """Judge what others took of the CPU; a record from before that was kept stays as it is."""
    shares = [taken_share for taken_share in map(taken, record.sessions) if taken_share is not None]
    if not shares:
        return "A", "what other processes took of the CPU isn't known", ""
    share = min(taken_share.cpu_share for taken_share in shares)
    if held := sum(taken_share.contended for taken_share in shares):
        many = f"contended in {held} of {len(shares)} sessions"
        return "D", f"{many}: as little as {share:.0%} of the CPU was left to them", QUIETER
    least = f"{share:.0%} of the CPU or more was left to the sessions ({LITTLE_TAKEN:.0%} for A)"
    if share < LITTLE_TAKEN:
        return "C", f"{least}, and what was disturbed doesn't count", QUIETER
    return "A", least, ""


def speed_rule(record: Record) -> Said:
    """Judge how long the machine was slow by its own best; a record from before that was kept, and
    one whose work isn't on this machine's cores, stay as they are.

    A figure taken mostly on a slow machine is right for that machine alone: the sessions agree, and
    the next run may not.
    """
    result = speeds(record.sessions) if target_of(record) == "cpu" else None
    if result is None:
        return "A", "how fast the machine was isn't known", ""
    return by_bounds(
        result.slow_share, (0.10, 0.50, 1.0), sentence(result),
        "repeat it when the machine is at its best, on cores of its own and with clocks held still",
    )  # fmt: skip


def alone_rule(record: Record) -> Said:
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


def variables_rule(record: Record) -> Said:
    """Judge whether the engine inherited variables of a person's shell."""
    variables = {session.facts.get("passed_env") for session in record.sessions} - {None}
    if not variables:
        return "A", "no variable of the shell was let in", ""
    named = "; ".join(sorted(map(str, variables)))
    return "B", f"the engine inherited {named} from the shell", "leave --pass-env out"
