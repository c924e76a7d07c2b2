"""What was given on the command line -> Options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from bench.cli.options import OF_A_NEW_RUN
from bench.core.errors import InputError
from bench.launcher.environment import passed_environment

if TYPE_CHECKING:
    from bench.experiments.context import Options


def to_options(given: Mapping[str, Any], argv: Sequence[str]) -> Options:
    """Return what a verb's options say; raises InputError for a combination that can't be."""
    from bench.config.axes import Axes
    from bench.experiments.context import Options

    values = {
        name: value
        for name, value in given.items()
        if value is not None and value is not False and value != ()  # 0 is a value
    }
    _check_resume(values)
    axes = {name: values.pop(name, []) for name in ("runners", "batches", "threads")}
    for arm in ("base", "head"):
        pins = [f"env:{text}" for text in values.pop(f"{arm}_env", ())]
        if texts := (*values.pop(arm, ()), *pins):
            values[arm] = texts
    shared = values.keys() & {it.name for it in fields(Options)} - {"envs", "passed"}
    return Options(
        axes=Axes(**axes),
        envs=dict(values.pop("envs", ())),
        passed=passed_environment(values.pop("passed", ())),
        command=list(argv),
        own={name: value for name, value in values.items() if name not in shared},
        **{name: values[name] for name in shared},
    )


def _check_resume(given: Mapping[str, object]) -> None:
    beside = [option.opts[0] for option in OF_A_NEW_RUN if option.name in given]
    if "resume" in given and beside:
        raise InputError(
            f"--resume goes on with what the run began with, and {beside[0]} is a part of that",
            hint=f"leave out {beside[0]}, or leave out --resume to start a new run",
        )
