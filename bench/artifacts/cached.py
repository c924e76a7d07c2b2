"""An artifact in the cache: its files with their hashes, whole or not there at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from bench.artifacts.formats import ArtifactFormat
from bench.core.digest import file_sha256
from bench.core.protocol import write_json
from bench.core.tensors import read_reference

REFERENCE = "reference.npz"
SUBNORMALS, WEIGHTS, REFERENCE_BY = "subnormals", "weights_sha256", "reference"
OF_NET = (SUBNORMALS, WEIGHTS, REFERENCE_BY)
"""Facts of a net, and so of all that is made of it."""
_MANIFEST = "artifact.json"


@dataclass(frozen=True, slots=True)
class Key:
    """Which artifact: of which variant, of which kind, for which batch."""

    variant: str
    kind: str
    batch: int


def never() -> bool:
    """Make nothing anew."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """Files in the cache. `reference` holds the seeded inputs and what the outputs must be.

    `is_new` tells that it was made just now, not found in the cache; `tolerance` is its model's.
    `remake` makes it anew in its place, once, where it was in the cache; it tells whether it did.
    """

    folder: Path
    main: Path
    reference: Path
    files: Mapping[str, str]
    facts: Mapping[str, Any]
    is_new: bool = field(default=False, compare=False)
    tolerance: float | None = field(default=None, compare=False)
    remake: Callable[[], bool] = field(default=never, compare=False)

    @property
    def remade(self) -> str:
        """Why the cached weights weren't taken when it was made, '' where they were."""
        return str(self.facts.get("weights_remade", ""))

    @property
    def session_facts(self) -> dict[str, str]:
        """What a session's facts hold of its net.

        The model's own `tolerance`, where it has one; which engine's outputs are the `reference`;
        how many subnormal numbers there are: `subnormal_weights`, and `subnormal_activations` of
        one image. What isn't known isn't there.
        """
        subnormals, by = self.facts.get(SUBNORMALS), self.facts.get(REFERENCE_BY)
        counts = subnormals.items() if isinstance(subnormals, dict) else ()
        own = {} if self.tolerance is None else {"tolerance": f"{self.tolerance:g}"}
        reference = {"reference": by} if isinstance(by, str) else {}
        return own | reference | {f"subnormal_{name}": str(count) for name, count in counts}


def settle(made: Path, folder: Path, facts: Mapping[str, Any]) -> None:
    """Move a finished artifact to its place in the cache, its hashes with it."""
    files = {path.name: file_sha256(path) for path in sorted(made.iterdir())}
    write_json(made / _MANIFEST, {"facts": facts, "files": files})
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(made, folder)  # noqa: PTH105 - replaces an empty folder too


def has_reference(folder: Path) -> bool:
    """Tell whether there is a whole reference in `folder`, of finite outputs."""
    try:
        outputs = read_reference(folder / REFERENCE).outputs
        return all(bool(np.isfinite(array).all()) for array in outputs.values())
    except (OSError, ValueError, LookupError, EOFError, TypeError, BadZipFile):
        return False


def load(folder: Path, kind: ArtifactFormat) -> Artifact | None:
    """Return the artifact in `folder`, or None where it isn't there whole."""
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        whole = all(file_sha256(folder / name) == sha for name, sha in manifest["files"].items())
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    if not whole or not isinstance(manifest["facts"], dict):
        return None
    return Artifact(
        folder=folder,
        main=folder / kind.main,
        reference=folder / REFERENCE,
        files=manifest["files"],
        facts=manifest["facts"],
    )
