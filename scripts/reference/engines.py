"""Runners with their settings, targets, environments, and formats of nets and of output."""

from __future__ import annotations

import importlib

from bench.artifacts.formats import ARTIFACT_FORMATS
from bench.config.net_files import FILE_FORMATS
from bench.environments.specs import ENVIRONMENTS
from bench.reports.comparison.formats import FORMATS
from bench.reports.data.columns import LEVELS
from bench.reports.exports import EXPORTS, ExportFormat
from bench.runners import RUNNERS, SETTINGS
from bench.targets import TARGETS
from scripts.reference.markdown import code, page, table


def engines() -> str:
    """Return the page of runners."""
    return page(
        "Runners, targets and formats",
        "A runner is the adapter of an engine; `--runner` takes its name.",
        *_runners(),
        *_machines(),
        *_formats(),
    )


def _runners() -> tuple[str, ...]:
    """Return the sections of runners and their settings."""
    return (
        "## Runners",
        table(
            ("runner", "engine", "target", "environment", "loads", "precisions and tolerances"),
            (
                (
                    code(name), it.title, it.target, it.env, it.artifact,
                    ", ".join(f"{p} {it.tolerance_of(p):g}" for p in it.precisions),
                )
                for name, it in RUNNERS.items()
            ),
        ),
        ("A tolerance is how far output may be from the reference, as relative L2; beyond it the "
        "outcome is `wrong-output`, and there is no figure."),
        "## Settings",
        ("In a suite's `settings`, in a model's, and for `bench ab` as `set:NAME=VALUE`. The first "
        "value is the default."),
        table(
            ("runner", "setting", "values", "does"),
            (
                (code(name), code(setting), ", ".join(map(code, values)), SETTINGS.get(setting, ""))
                for name, it in RUNNERS.items()
                for setting, values in it.settings.items()
            ),
        ),
    )  # fmt: skip


def _machines() -> tuple[str, ...]:
    """Return the sections of targets and environments."""
    return (
        "## Targets",
        table(
            ("target", "is", "its suite"),
            ((code(name), it.title, code(it.suite)) for name, it in TARGETS.items()),
        ),
        "## Environments",
        ("Each engine's Python packages, built on first use in the cache; `--env NAME=PATH` takes "
        "an interpreter of your own."),
        table(
            ("environment", "locked in", "Python", "an own interpreter has one of"),
            (
                (
                    code(name),
                    code(f"bench/envs/{it.lock}") if it.lock else "your own",
                    it.python or "the harness's",
                    ", ".join(map(code, it.needs)),
                )
                for name, it in ENVIRONMENTS.items()
            ),
        ),
    )  # fmt: skip


def _formats() -> tuple[str, ...]:
    """Return the sections of formats: of nets, of artifacts, of output."""
    return (
        "## Files of nets",
        "What `bench run MODEL` and an entry's `file` take.",
        table(
            ("ends in", "is", "beside it"),
            (
                (code(end), it.called, code(it.beside) if it.beside else "")
                for end, it in FILE_FORMATS.items()
            ),
        ),
        "## Artifacts",
        "What engines load, made of a net and kept in the cache.",
        table(
            ("artifact", "is", "made of"),
            (
                (code(name), it.title, ", ".join(it.sources))
                for name, it in ARTIFACT_FORMATS.items()
            ),
        ),
        "## Formats of a comparison",
        f"`--format` of `compare`, `baseline check` and `ab`: {', '.join(map(code, FORMATS))}.",
        "## Formats of an export",
        "`bench export --to FORMAT OUT`; tables have the [columns of a DataFrame](columns.md).",
        table(
            ("format", "is", "holds"),
            ((code(name), _export(it), _of(it)) for name, it in EXPORTS.items()),
        ),
    )  # fmt: skip


def _export(form: ExportFormat) -> str:
    """Return the first sentence of what a format's module says of itself."""
    text = importlib.import_module(form.write.partition(":")[0]).__doc__ or ""
    return text.strip().splitlines()[0]


def _of(form: ExportFormat) -> str:
    if form.levels:
        return "a table of one `--level`: " + ", ".join(map(code, LEVELS))
    return "the figures of one run" if form.figures else "all levels of all runs, or of `--run`"
