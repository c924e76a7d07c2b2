"""What a GPU's sessions tell beside the latency, which is end to end: the time on the device, the
time that the host takes to hand the work over, energy, and what building the engine took.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from bench.analysis.statistics import Estimate, summarize
from bench.storage.schema.latency import Record, Session

ON_DEVICE, ENQUEUE = "on_device", "enqueue"
LAUNCH_BOUND = 0.8
"""Above this share of the time on the device one measures handing over (trtexec's rule)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDevice:
    """The other figures of one cell.

    `builds` counts the engines that its sessions ran; `build_spread` is how far their figures are
    apart, as a share of the smallest, None for a single one. `build_ns` is None where no session
    built.
    """

    on_device: Estimate
    enqueue: Estimate
    launch_bound: bool
    energy_mj: float | None
    builds: int
    build_spread: float | None
    build_ns: float | None


def on_device(record: Record) -> OnDevice | None:
    """Return the other figures of a measured record, None where it has none."""
    sessions = record.sessions
    if not sessions or not all(
        {ON_DEVICE, ENQUEUE} <= set(session.figures_ns) for session in sessions
    ):
        return None
    inside = [session.figures_ns[ON_DEVICE] for session in sessions]
    handing = [session.figures_ns[ENQUEUE] for session in sessions]
    by_build = _by_build(sessions)
    built = [session.build_ns for session in sessions if session.build_ns is not None]
    return OnDevice(
        on_device=summarize(inside, record.sampling.statistic),
        enqueue=summarize(handing, record.sampling.statistic),
        launch_bound=fmean(map(median, handing)) > LAUNCH_BOUND * fmean(map(median, inside)),
        energy_mj=_energy_mj(sessions),
        builds=len(by_build),
        build_spread=max(by_build) / min(by_build) - 1 if len(by_build) > 1 else None,
        build_ns=fmean(built) if built else None,
    )


def _by_build(sessions: Sequence[Session]) -> list[float]:
    """Return the mean of the sessions' medians on the device, build by build."""
    builds: dict[str, list[float]] = {}
    for session in sessions:
        build = session.facts.get("build", "0")
        builds.setdefault(build, []).append(median(session.figures_ns[ON_DEVICE]))
    return [fmean(medians) for medians in builds.values()]


def _energy_mj(sessions: Sequence[Session]) -> float | None:
    energies = [session.covariates.get("energy_mj_per_inference") for session in sessions]
    known = [value for value in energies if isinstance(value, int | float)]
    return fmean(known) if known else None
