"""The formats of `bench export` by name. A new one is one file in this folder and one line here."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bench.core.atomic import take_name, temporary_beside
from bench.core.errors import InputError, UnknownName
from bench.reports.data.columns import LEVELS
from bench.reports.data.rows import Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFormat:
    """What writes a format.

    `write` names a function `(job) -> None` that writes to `job.path`: a file beside the one that
    is named, which takes its name once it is whole. A format with `levels` is a table of one of
    them. One of `figures` holds figures alone, of one run. Where `is_file` is False, it writes to
    the store that `job.out` names.
    """

    write: str
    levels: bool = False
    figures: bool = False
    is_file: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is exported: records with their rows, the level, and where to."""

    stored: Iterable[Stored]
    level: str
    out: str
    path: Path = Path()
    replace: bool = False


EXPORTS: Mapping[str, ExportFormat] = {
    "csv": ExportFormat(write="bench.reports.exports.csv_file:write", levels=True),
    "parquet": ExportFormat(write="bench.reports.exports.parquet:write", levels=True),
    "sqlite": ExportFormat(write="bench.reports.exports.sqlite:write"),
    "pyperf": ExportFormat(write="bench.reports.exports.pyperf:write", figures=True),
    "pytest-benchmark": ExportFormat(
        write="bench.reports.exports.pytest_benchmark:write", figures=True
    ),
    "github-action-benchmark": ExportFormat(
        write="bench.reports.exports.github_action:write", figures=True
    ),
    "mlflow": ExportFormat(write="bench.reports.exports.mlflow:write", is_file=False),
}


def format_of(name: str, level: str | None) -> ExportFormat:
    """Return the format of that name; raises UnknownName, InputError where it has no levels."""
    if name not in EXPORTS:
        raise UnknownName("--to", name, EXPORTS)
    if level is not None and level not in LEVELS:
        raise UnknownName("--level", level, LEVELS)
    if level is not None and not EXPORTS[name].levels:
        tables = " and ".join(it for it, one in EXPORTS.items() if one.levels)
        raise InputError(f"--level is for {tables}, and not for {name}", hint="leave it out")
    return EXPORTS[name]


def export(form: ExportFormat, job: Job) -> list[Stored]:
    """Write `job`, whole or not at all; return the records that the format has no place for.

    A format of all records goes over `job.stored` as its file grows, and may do so more than once.

    Raises InputError for what can't be written or is there already, Unavailable without a package.
    """
    module, _, name = form.write.partition(":")
    write: Callable[[Job], None] = getattr(importlib.import_module(module), name)
    left_out: list[Stored] = []
    if form.figures:
        stored = list(job.stored)
        kept, left_out = ([it for it in stored if _has_figure(it) is has] for has in (True, False))
        job = replace(job, stored=kept)
    if next(iter(job.stored), None) is None:
        raise InputError("no cell has a figure to export", hint="name another run with --run RUN")
    if form.is_file:
        _write_file(write, job)
    else:
        write(job)
    return left_out


def _has_figure(one: Stored) -> bool:
    return one.row.get("latency_ns") is not None


def _write_file(write: Callable[[Job], None], job: Job) -> None:
    out = Path(job.out)
    _check_free(out, job)
    try:
        with temporary_beside(out) as part:
            write(replace(job, path=part))
            with part.open("rb") as file:
                os.fsync(file.fileno())
            _check_free(out, job)
            take_name(part, out)
    except OSError as error:
        raise InputError(
            f"{out} can't be written: {error.strerror}",
            hint="name a file in a folder that is there and can be written",
        ) from error


def _check_free(out: Path, job: Job) -> None:
    if out.is_dir():
        raise InputError(f"{out} is a folder", hint="name a file")
    if out.exists() and not out.is_file():
        raise InputError(f"{out} is no regular file", hint="name a file")
    if not job.replace and (out.exists() or out.is_symlink()):
        raise InputError(f"{out} is there already", hint="name another, or replace it with --force")
