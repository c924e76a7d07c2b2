"""What `--cmd` says of an arm -> a command. No process is started here."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.core.digest import canonical_digest, file_sha256
from bench.core.errors import InputError
from bench.core.paths import PROJECT
from bench.experiments.provenance import command_line

_SHELL = {"|", "||", "&", "&&", ";", ">", ">>", "<", "2>", "2>&1"}
_LABEL_CHARS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A program and its arguments, which no shell sees."""

    words: tuple[str, ...]

    @property
    def digest(self) -> str:
        """What tells it from another one, its paths included."""
        return canonical_digest(list(self.words))

    @property
    def id(self) -> str:
        """What names it in a file's name."""
        return f"command-{self.digest}"

    @property
    def shown(self) -> list[str]:
        """Its words without this machine's paths and secrets."""
        return command_line(self.words, PROJECT)

    @property
    def title(self) -> str:
        """What a person reads, as one types it."""
        return shlex.join(self.shown)

    @property
    def label(self) -> str:
        """What a person reads in a table: the title in one line, cut where it is long."""
        line = " ".join(self.title.split())
        return line if len(line) <= _LABEL_CHARS else f"{line[: _LABEL_CHARS - 1]}…"

    def to_json(self) -> dict[str, Any]:
        return {"words": self.shown, "digest": self.digest}

    def files(self) -> dict[str, str]:
        """Return the SHA-256 of its program and of the first file among its arguments, a script
        say: later ones may be what it writes.
        """
        program = shutil.which(self.words[0])
        paths = [] if program is None else [Path(program)]
        paths += [path for path in map(Path, self.words[1:]) if _is_file(path)][:1]
        names = command_line([str(path) for path in paths], PROJECT)
        return {name: file_sha256(path) for name, path in zip(names, paths, strict=True)}


def parse_command(text: str) -> Command:
    """Return the command that `text` is, split as a shell splits words; raises InputError."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise InputError(
            f"--cmd {text}: {str(error).lower()}", hint="quote it as for a shell"
        ) from error
    if not words:
        raise InputError("--cmd is empty", hint="as in --cmd 'python a.py'")
    for word in _SHELL.intersection(words):
        raise InputError(
            f"--cmd {text}: no shell runs it, and {word} is a shell's",
            hint="give it one, as in --cmd \"sh -c 'a | b'\"",
        )
    if shutil.which(words[0]) is None:
        raise InputError(
            f"--cmd {text}: there is no program {words[0]} that can be started",
            hint="install it, give its path, or give a shell's own words as in \"sh -c '...'\"",
        )
    return Command(words=tuple(words))


def parse_commands(texts: Sequence[str]) -> tuple[Command, Command]:
    """Return base and head; raises InputError unless there are two."""
    if len(texts) != 2:
        raise InputError(
            f"--cmd is given {'once' if len(texts) == 1 else f'{len(texts)} times'}",
            hint="give it twice: the first is the base, the second is compared with it",
        )
    base, head = map(parse_command, texts)
    return base, head


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a word that is no path
        return False
