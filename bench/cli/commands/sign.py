"""`bench sign RUN --key FILE`: the SSH signature of a run that is complete, beside its run.json."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from bench.core.errors import InputError
from bench.core.output import show, show_lines
from bench.core.program import command
from bench.experiments.context import Options, Tables
from bench.launcher.signatures import SUFFIX, sign
from bench.storage.files import write_atomic
from bench.storage.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOptions:
    """The file of the private key."""

    key: Path | None = None


def run(options: Options, tables: Tables) -> int:
    """Sign the run.json of a run, whose seals cover its records; return 0.

    Raises InputError for a run that isn't complete or bears no seals, and what `sign` raises.
    """
    del tables
    key = options.of(SignOptions).key
    if key is None or len(options.words) != 1:
        raise InputError(
            "sign takes one run and a key", hint=f"as in {command('sign latest --key KEY_FILE')}"
        )
    folder = Store(options.results).run(options.words[0])
    if folder.manifest().status != "complete":
        raise InputError(
            f"run {folder.path.name} isn't complete",
            hint=f"finish it first: {command(f'run --resume {folder.path.name}')}",
        )
    if not folder.sealed():
        raise InputError(
            f"run {folder.path.name} is of an earlier version, whose run.json covers no record",
            hint="measure it again",
        )
    list(folder.records())  # raises BrokenResult for one that isn't what the run was completed with
    path = folder.manifest_path.with_name(folder.manifest_path.name + SUFFIX)
    write_atomic(path, sign(folder.manifest_path.read_bytes(), key.expanduser()))
    if options.as_json:
        show(json.dumps({"file": str(path), "run": folder.path.name}, indent=1) + "\n")
    else:
        show_lines(
            [
                f"wrote {path}",
                f"check it: {command(f'verify --run {folder.path.name} --signers FILE')}",
            ]
        )
    return 0
