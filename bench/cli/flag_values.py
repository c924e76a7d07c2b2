"""Flags as typed -> the values that they stand for, each checked."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.ab_flags import ab_values
from bench.cli.recommend_flags import recommend_values
from bench.core.errors import InputError, UnknownName

if TYPE_CHECKING:
    from bench.experiments.context import Options

_OF_A_NEW_RUN = (
    "preset", "runner", "variant", "batch", "threads", "seed", "sustained", "sessions",
    "most_sessions", "half_width",
)  # fmt: skip
_TYPED = {"most_sessions": "sessions", "half_width": "half-width"}


def _check_resume(given: Mapping[str, object]) -> None:
    """Refuse flags that choose cells beside --resume, which goes on with the run's own."""
    beside = [_TYPED.get(name, name) for name in _OF_A_NEW_RUN if name in given]
    if "resume" in given and beside:
        raise InputError(
            f"--resume goes on with what the run began with, and --{beside[0]} is a part of that",
            hint=f"leave out --{beside[0]}, or leave out --resume to start a new run",
        )


_AS_GIVEN = (
    "suite",
    "preset",
    "weights",
    "device",
    "resume",
    "run",
    "gpu",
    "shared_gpu",
    "allow_partial",
    "install",
    "as_json",
    "sensors",
    "explain",
    "output_format",
)
_PATHS = (
    "results", "models", "cache", "agent", "benchmark_bin", "data", "list_file", "labels",
)  # fmt: skip
_TRANSPORTS = ("direct", "server")  # fmt: skip


def to_options(arguments: argparse.Namespace, argv: Sequence[str]) -> Options:
    """Return the flags as values; raises InputError for one that isn't what it should be."""
    from bench.config.suite import Axes
    from bench.config.sustained import parse_duration
    from bench.experiments.context import Options

    given = {name: value for name, value in vars(arguments).items() if value is not None}
    values: dict[str, object] = {name: given[name] for name in _AS_GIVEN if name in given}
    values |= {name: Path(given[name]) for name in _PATHS if name in given}
    _check_resume(given)
    if "seed" in given:
        values["seed"] = _integer("--seed", given["seed"])
    values["words"] = tuple(given.get("words", ()))
    values |= ab_values(given)
    values |= recommend_values(given)
    if "sessions" in given:
        values["sessions"] = _integer("--sessions", given["sessions"], least=6)
    if "transport" in given:
        if given["transport"] not in _TRANSPORTS:
            raise UnknownName("--transport", given["transport"], _TRANSPORTS)
        values["transport"] = given["transport"]
    if "sustained" in given:
        values["sustained_s"] = parse_duration(given["sustained"])
    axes = Axes(
        runners=_names("--runner", given.get("runner")),
        batches=_integers("--batch", given.get("batch"), least=1),
        threads=_integers("--threads", given.get("threads"), least=1),
    )
    return Options(
        variants=_names("--variant", given.get("variant")),
        axes=axes,
        envs=_environments(given.get("env", [])),
        command=list(argv),
        **values,  # type: ignore[arg-type]
    )


def _names(flag: str, text: str | None) -> list[str]:
    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    if text is not None and not names:
        raise InputError(f"{flag} is empty", hint=f"name something, or leave {flag} out for all")
    return names


def _integers(flag: str, text: str | None, *, least: int) -> list[int]:
    names = _names(flag, text)
    for name in names:
        if not (name.isascii() and name.isdigit() and int(name) >= least):
            raise InputError(
                f"{flag} {text}: '{name}' is not a whole number from {least} on",
                hint=f"write numbers, by comma, as in {flag} 1,2",
            )
    return [int(name) for name in names]


def _integer(flag: str, text: str, *, least: int = 0) -> int:
    if not (text.isascii() and text.isdigit() and int(text) >= least):
        raise InputError(
            f"{flag} {text}: not a whole number from {least} on",
            hint=f"as in {flag} {max(least, 1)}",
        )
    return int(text)


def _environments(texts: Sequence[str]) -> dict[str, Path]:
    found = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise InputError(
                f"--env {text}: not NAME=PATH", hint="as in --env paddle=/usr/bin/python3"
            )
        found[name] = Path(path)
    return found
