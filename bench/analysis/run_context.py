"""What a figure was measured in that may change from run to run: engine, commit, governor. Pure.

The kernel's version is in no record, so a new kernel shows as nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.storage.schema.latency import Record, RunManifest

UNKNOWN = "unknown"


def surroundings(manifest: RunManifest, records: Sequence[Record]) -> dict[str, str]:
    """Return each part's state, as the sessions of `records` and the manifest tell it."""
    sessions = [session for record in records for session in record.sessions]
    origin = manifest.provenance
    return {
        "engine": _told(sorted({one.facts.get("engine", UNKNOWN) for one in sessions})),
        "python": _told(sorted({one.facts.get("python", UNKNOWN) for one in sessions})),
        "governor": _told(sorted({str(one.before.get("governor", UNKNOWN)) for one in sessions})),
        "host": origin.host,
        "commit": f"{origin.code}, changed" if origin.dirty else origin.code,
    }


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """Return a clause for each part that is another one: `engine paddle 3.2 -> paddle 3.3`."""
    return tuple(
        f"{name} {before[name]} -> {after[name]}"
        for name in before
        if name in after and before[name] != after[name]
    )


def _told(names: Sequence[str]) -> str:
    return ", ".join(names) or UNKNOWN
