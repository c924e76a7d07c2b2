"""The verbs with their flags, exit statuses, and the environment variables that are read."""

from __future__ import annotations

from itertools import groupby

import click

from bench.cli.commands import VERBS, Verb
from bench.cli.options import COMMON
from bench.cli.statuses import STATUSES
from bench.core.variables import VARIABLES
from scripts.reference.markdown import code, page, table


def verbs() -> str:
    """Return the page of verbs."""
    return page(
        "Verbs and flags",
        "`bench VERB`, or `python -m bench VERB` in a clone's environment. Every verb also takes "
        "the [flags of all verbs](#flags-of-all-verbs) and `--help`.",
        table(
            ("verb", "does"), ((f"[{name}](#{name})", verb.text) for name, verb in VERBS.items())
        ),
        *(_verb(name, verb) for name, verb in VERBS.items()),
        "## Flags of all verbs",
        _flags(list(COMMON)),
        "## Exit statuses",
        table(("status", "means"), ((str(it), text) for it, text in STATUSES.items())),
    )


def _verb(name: str, verb: Verb) -> str:
    command = click.Command(name, params=verb.params)
    with click.Context(command, info_name=f"bench {name}") as context:
        words = " ".join(command.collect_usage_pieces(context))
    parts = [f"## {name}", f"{verb.text}.", f"```\nbench {name} {words}\n```"]
    return "\n\n".join([*parts, _flags(verb.params)])


def _flags(params: list[click.Parameter]) -> str:
    """Return a table for each section, in the verb's order."""
    tables = []
    for section, options in groupby(params, lambda it: getattr(it, "section", "Other")):
        rows = [
            (_usage(it), _text(it)) for it in options if isinstance(it, click.Option) or _text(it)
        ]
        if rows:
            tables.append(table((section, "does"), rows))
    return "\n\n".join(tables)


def _text(param: click.Parameter) -> str:
    return str(getattr(param, "help", None) or getattr(param, "text", ""))


def _usage(param: click.Parameter) -> str:
    if isinstance(param, click.Argument):
        return code(str(param.metavar))
    value = "" if param.metavar is None else f" {param.metavar}"
    return code(f"{param.opts[0]}{value}")


def variables() -> str:
    """Return the page of environment variables."""
    return page(
        "Environment variables",
        "The harness reads these. A child that measures inherits HOME, PATH, the locale, the "
        "folders for temporary files and CUDA_VISIBLE_DEVICES from the shell, and no other "
        "variable: `--pass-env NAME` lets one in, and a run names those that it dropped and that "
        "would have shifted figures. Programs that the harness calls, such as git, uv and adb, "
        "read their own.",
        table(("variable", "does"), ((code(name), text) for name, text in VARIABLES.items())),
    )
