"""`bench ab`: two arms live, by turns, until the intervals are narrow enough."""

from __future__ import annotations

from dataclasses import replace

from bench.analysis.interleaved import Growth
from bench.cli.console import chosen_format, tell
from bench.cli.stored import live_comparison
from bench.core.errors import InputError
from bench.core.output import say
from bench.experiments.ab.commands import new_commands, resumed_commands
from bench.experiments.ab.experiment import REAL, AbExperiment, Seams, resumed_experiment
from bench.experiments.ab.spec import ArmOptions, parse_arm
from bench.experiments.campaign import (
    Experiment,
    find_unfinished,
    run_experiment,
    tell_interruption,
)
from bench.experiments.context import Options, Tables
from bench.experiments.progress import display
from bench.storage.run_folders import AbFolder
from bench.storage.store import Store

NETS = Growth()
COMMANDS = Growth(sessions=5, max_sessions=30)
"""Blocks of five pairs are shorter than sessions of nets, and there are more of them."""


def run(options: Options, tables: Tables, *, seams: Seams = REAL) -> int:
    """Print the verdicts of HEAD against BASE.

    Returns 0: no regression, 1: a regression, 3: inconclusive or an arm without a figure, 130: a
    person interrupted it, and what was measured is kept. Raises InputError and Unavailable.
    """
    name, resumed = chosen_format(options), None
    if options.resume is not None:
        resumed = find_unfinished(AbFolder, Store(options.results), options.resume)
    experiment = _experiment(options, tables, seams, resumed)
    with display() as shown:
        done = run_experiment(experiment, options, tables, resumed=resumed, shown=shown)
    say(f"kept in {done.run.path}")
    if done.interrupted:
        return tell_interruption(done.resume)
    return tell(live_comparison(done.run, list(done.run.records()), done.system), name)


def _experiment(
    options: Options, tables: Tables, seams: Seams, resumed: AbFolder | None
) -> Experiment[AbFolder]:
    """Return the comparison of nets or of commands, new or resumed."""
    given = options.of(ArmOptions)
    if resumed is not None:
        if resumed.manifest().compares == "commands":
            return resumed_commands(resumed, options, tables, seams.open_worker)
        if given.cmd:
            raise InputError(
                f"comparison {resumed.path.name} is of nets, and --cmd is of commands",
                hint="leave --cmd out",
            )
        return resumed_experiment(resumed, options, tables, seams)
    if given.cmd:
        growth = growth_of(options, COMMANDS)
        return new_commands(options, tables, growth, seams.open_worker)
    return AbExperiment(
        base=parse_arm(given.base),
        head=parse_arm(given.head),
        options=options,
        tables=tables,
        growth=growth_of(options),
        measure=given.measure,
        seams=seams,
    )


def growth_of(options: Options, plain: Growth = NETS) -> Growth:
    """Return when a cell of the comparison has enough sessions, by default as `plain` says."""
    given = options.of(ArmOptions)
    most = given.most_sessions or plain.max_sessions
    return replace(
        plain,
        sessions=min(plain.sessions, most),
        max_sessions=most,
        half_width=given.half_width,
    )
