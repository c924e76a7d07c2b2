"""`bench compare BASE HEAD`: two stored runs, cell by cell."""

from __future__ import annotations

from bench.comparing import compare_stored, side_of
from bench.errors import InputError
from bench.options import Options, Tables
from bench.store import Store
from bench.verbs.verdict import chosen_format, tell


def run(options: Options, tables: Tables) -> int:
    """Print the verdicts of HEAD against BASE.

    Returns 0: no regression, 1: a regression, 3: inconclusive, not comparable, or advice. Raises
    InputError's kinds and BrokenResult.
    """
    name = chosen_format(options)
    if len(options.words) != 2:
        raise InputError(
            f"compare takes BASE and HEAD, and {len(options.words)} are given",
            hint="as in `python -m bench compare RUN latest`",
        )
    store = Store(options.results)
    base, head = (side_of(word, store) for word in options.words)
    return tell(compare_stored(base, head, store), name)
