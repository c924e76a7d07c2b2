"""`bench compare BASE HEAD`: two stored runs, cell by cell."""

from __future__ import annotations

from bench.analysis.verdicts import Comparison
from bench.cli.console import chosen_format, tell
from bench.cli.stored import compare_stored, side_of
from bench.core.errors import InputError
from bench.core.program import command
from bench.experiments.context import Options, Tables
from bench.storage.store import Store


def run(options: Options, tables: Tables) -> int:
    """Print the verdicts of HEAD against BASE.

    Returns 0: no regression, 1: a regression, 3: inconclusive, not comparable, or advice. Raises
    InputError and BrokenResult.
    """
    name = chosen_format(options)
    return tell(compared(options), name)


def compared(options: Options) -> Comparison:
    """Return the verdicts on the two runs that `options` name; raises InputError."""
    if len(options.words) != 2:
        raise InputError(
            f"compare takes BASE and HEAD, and {len(options.words)} are given",
            hint=f"as in {command('compare RUN latest')}",
        )
    store = Store(options.results)
    base, head = (side_of(word, store) for word in options.words)
    return compare_stored(base, head, store)
