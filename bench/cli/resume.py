"""The command that resumes a run of which only its stored files are known."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from bench.core.errors import InputError
from bench.core.program import program
from bench.experiments.context import Options
from bench.experiments.preparation import OwnOptions
from bench.storage.schema.latency import RunManifest

_PROGRAM = ["python", "-m", "bench"]
_HIDDEN = "…"


def resume_stored(manifest: RunManifest, options: Options) -> tuple[str, bool]:
    """Return the command that resumes a stored run, and whether folders in it are hidden.

    Nets' files, and what else a run can't be resumed without, are those of its own command. Of
    paths outside the project and the home folder the name alone is stored, behind "…".
    """
    flags = options.again(("results",))
    words = manifest.provenance.command[len(_PROGRAM) :]
    with suppress(InputError, RuntimeError):  # a flag that is no more, a process without a home
        flags = [*_own_flags([_with_home(word) for word in words]), *flags]
    line = " ".join([f"{program()} run --resume {manifest.run_id}", *flags])
    return line, _HIDDEN in line


def _own_flags(words: list[str]) -> list[str]:
    from bench.cli.main import parse

    given = parse(words)[1]
    flags = given.again(("models", "cache", "weights", "tolerance"))
    return [*given.of(OwnOptions).flags(), *flags]


def _with_home(word: str) -> str:
    return str(Path(word).expanduser()) if word.startswith("~") else word
