"""`bench ab`: two arms live, by turns, until the intervals are narrow enough."""

from __future__ import annotations

from bench.analysis.interleaved import Growth
from bench.cli.console import chosen_format, tell
from bench.cli.stored import live_comparison
from bench.core.output import say
from bench.experiments.ab.experiment import REAL, AbExperiment, Seams, resumed_experiment
from bench.experiments.ab.spec import ArmOptions, parse_arm
from bench.experiments.campaign import find_unfinished, run_experiment, tell_interruption
from bench.experiments.context import Options, Tables
from bench.experiments.progress import display
from bench.storage.directory import AbFolder
from bench.storage.store import Store


def run(options: Options, tables: Tables, *, seams: Seams = REAL) -> int:
    """Print the verdicts of HEAD against BASE.

    Returns 0: no regression, 1: a regression, 3: inconclusive or an arm without a figure, 130: a
    person interrupted it, and what was measured is kept. Raises InputError and Unavailable.
    """
    name, resumed = chosen_format(options), None
    if options.resume is None:
        experiment = AbExperiment(
            base=parse_arm(options.of(ArmOptions).base),
            head=parse_arm(options.of(ArmOptions).head),
            options=options,
            tables=tables,
            growth=growth_of(options),
            measure=options.of(ArmOptions).measure,
            seams=seams,
        )
    else:
        resumed = find_unfinished(AbFolder, Store(options.results), options.resume)
        experiment = resumed_experiment(resumed, options, tables, seams)
    with display() as shown:
        done = run_experiment(experiment, options, tables, resumed=resumed, shown=shown)
    say(f"kept in {done.run.path}")
    if done.resume is not None:
        return tell_interruption(done.resume)
    return tell(live_comparison(done.run, list(done.run.records()), done.system), name)


def growth_of(options: Options) -> Growth:
    """Return when a cell of the comparison has enough sessions."""
    plain, given = Growth(), options.of(ArmOptions)
    most = given.most_sessions
    return Growth(
        sessions=min(plain.sessions, most),
        max_sessions=most,
        half_width=given.half_width,
        grow_for_s=plain.grow_for_s,
    )
