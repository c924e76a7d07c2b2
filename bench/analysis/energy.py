"""The energy of the processor's packages an inference. Pure, and for information: no figure of a
cell's own, since the whole package counts, with what idles and what others run there.
"""

from __future__ import annotations

from statistics import fmean

from bench.storage.schema.latency import Record

_MJ_PER_J = 1000


def energy_mj(record: Record) -> float | None:
    """Return the mean over sessions of mJ an inference, None where no session knows it."""
    used = [
        energy_j * _MJ_PER_J / len(session.samples_ns)
        for session in record.sessions
        if isinstance(energy_j := session.covariates.get("package_energy_j"), int | float)
        and session.samples_ns
    ]
    return fmean(used) if used else None
