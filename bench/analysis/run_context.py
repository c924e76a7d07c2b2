"""What a figure was measured in that may change from run to run: engine, harness, governor. Pure.

The kernel's version is in no record, so a new kernel shows as nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.storage.schema.common import Provenance
from bench.storage.schema.latency import Record, RunManifest

UNKNOWN = "unknown"


def run_context(manifest: RunManifest, records: Sequence[Record]) -> dict[str, str]:
    """Return each part's state, as the sessions of `records` and the manifest have it."""
    sessions = [session for record in records for session in record.sessions]
    origin = manifest.provenance
    return {
        "engine": _joined(sorted({session.facts.get("engine", UNKNOWN) for session in sessions})),
        "python": _joined(sorted({session.facts.get("python", UNKNOWN) for session in sessions})),
        "governor": _joined(
            sorted({str(session.before.get("governor", UNKNOWN)) for session in sessions})
        ),
        "host": origin.host,
        "harness": _harness(origin),
    }


def unfinished(manifest: RunManifest) -> str | None:
    """Return in a clause that a run isn't complete, None where it is."""
    if manifest.status == "complete":
        return None
    how = "was interrupted" if manifest.status == "interrupted" else "is under way or was killed"
    return f"run {manifest.run_id} {how}: cells that were left have no figure in it"


def _harness(origin: Provenance) -> str:
    code = origin.code if origin.commit is None else f"commit {origin.code}"
    return f"{code}, changed" if origin.dirty else code


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """Return a clause for each part that is another one: `engine paddle 3.2 -> paddle 3.3`."""
    return tuple(
        f"{name} {before[name]} -> {after[name]}"
        for name in before
        if name in after and before[name] != after[name]
    )


def _joined(names: Sequence[str]) -> str:
    return ", ".join(names) or UNKNOWN
