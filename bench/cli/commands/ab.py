"""`bench ab`: two arms live, by turns, until the intervals are narrow enough."""

from __future__ import annotations

import sys
from contextlib import suppress

from bench.analysis.interleaved import Growth, estimate
from bench.analysis.verdicts import percent
from bench.cli.console import chosen_format, tell
from bench.experiments.ab.experiment import REAL, Seams, compare_live
from bench.experiments.ab.progress import log_ratios
from bench.experiments.ab.resume import asked_before, growth_before, resume_command, unfinished
from bench.experiments.ab.spec import parse_arm
from bench.experiments.campaign import interruption
from bench.experiments.context import Options, Tables
from bench.storage.directory import Store
from bench.storage.schema.ab import AbRecord, ArmFailed

INTERRUPTED = 130


def run(options: Options, tables: Tables, *, seams: Seams = REAL) -> int:
    """Print the verdicts of HEAD against BASE.

    Returns 0: no regression, 1: a regression, 3: inconclusive or an arm without a figure, 130: a
    person interrupted it, and what was measured is kept. Raises InputError and Unavailable.
    """
    name, resumed = chosen_format(options), None
    if options.resume is not None:
        resumed = unfinished(Store(options.results), options.resume)
        options = asked_before(resumed, options)
    base, head = parse_arm(options.base), parse_arm(options.head)
    done = compare_live(
        base,
        head,
        options,
        tables,
        growth=growth_of(options) if resumed is None else growth_before(resumed),
        say=say,
        observer=observe,
        seams=seams,
        resumed=resumed,
    )
    say(f"kept in {done.folder.path}")
    if done.interrupted:
        say(interruption(resume_command(done.folder, options)))
        return INTERRUPTED
    return tell(done.comparison, name)


def growth_of(options: Options) -> Growth:
    """Return when a cell of the comparison has enough sessions."""
    plain = Growth()
    most = options.most_sessions
    return Growth(
        sessions=min(plain.sessions, most),
        max_sessions=most,
        half_width=options.half_width,
        grow_for_s=plain.grow_for_s,
    )


def observe(record: AbRecord, *, left_at_most: int) -> None:
    """Say what a session came to."""
    left = f"at most {left_at_most} to come" if left_at_most else "the last one"
    say(f"{record.label}: {_so_far(record)}; {left}")


def _so_far(record: AbRecord) -> str:
    if isinstance(record.outcome, ArmFailed):
        why = record.outcome.why
        kind = why.failure if why.kind == "failed" else "not available"
        return f"{record.outcome.arm} failed ({kind})"
    ratios = log_ratios(record)
    if len(ratios) < 2:
        return "1 session"
    found = estimate(ratios)
    return f"{percent(found.ratio)} after {len(ratios)} sessions"


def say(text: str) -> None:
    """Write a line of progress, which nobody need read."""
    with suppress(BrokenPipeError):
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
