"""An arm as a comparison's manifest stores it: without this machine's paths."""

from __future__ import annotations

from bench.core.errors import InputError
from bench.storage.schema.ab import AbManifest, ArmFields, ArmName


def stored_texts(manifest: AbManifest, name: ArmName) -> list[str]:
    """Return what arm `name` was given as; raises InputError where that has to be given again."""
    arm = manifest.arms[name]
    if holds_path(arm):
        raise InputError(
            f"{name} of comparison {manifest.run_id} was {arm.title}, and paths aren't stored",
            hint=f"give all of it again with --{name}",
        )
    return arm.asked


def holds_path(arm: ArmFields) -> bool:
    """Return whether the arm's texts name a path, which isn't stored."""
    return any("…" in text or text.startswith("model:") or _is_file(text) for text in arm.asked)


def _is_file(text: str) -> bool:
    kind, _, value = text.partition(":")
    return kind == "weights" and value not in ("seeded", "pretrained")
