"""The commands that resume or repeat a run of which only its stored files are known."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bench.core.errors import InputError
from bench.core.program import program
from bench.experiments.context import Options
from bench.experiments.nets import OwnOptions
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


def repeat_stored(manifest: RunManifest, options: Options, more: Sequence[str]) -> str | None:
    """Return the command of a stored run with the flags `more`, None for a suite of the catalogue.

    That is where it measured nets of the user's own, by their files or from a catalogue. What comes
    last counts, so that `more` takes the place of the run's own flags.
    """
    from bench.cli.main import parse

    words = manifest.provenance.command[len(_PROGRAM) :]
    try:
        given = parse([_with_home(word) for word in words])[1]
    except (InputError, RuntimeError):
        return None
    if not given.of(OwnOptions).model_files and not given.again(("models",)):
        return None
    where = options.again(("results",)) if given.results != options.results else []
    return " ".join([program(), *map(shlex.quote, words), *where, *more])


def _own_flags(words: list[str]) -> list[str]:
    from bench.cli.main import parse

    given = parse(words)[1]
    flags = given.again(("models", "cache", "weights", "tolerance"))
    return [*given.of(OwnOptions).flags(), *flags]


def _with_home(word: str) -> str:
    return str(Path(word).expanduser()) if word.startswith("~") else word
