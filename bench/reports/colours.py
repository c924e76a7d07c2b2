"""The colours that every plot of a report shares: an engine has the same one everywhere."""

from __future__ import annotations

from bench.runners import RUNNERS

# Okabe and Ito's, without the yellow that white paper swallows; black is for our nets.
COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#0072b2", "#d55e00", "#cc79a7")


def engine_rank(runner: str) -> int:
    """Return where a runner stands in the table of runners; one that it lacks comes last."""
    names = list(RUNNERS)
    return names.index(runner) if runner in names else len(names)


def engine_colour(runner: str) -> str:
    """Return the runner's colour; those that share one differ by their marker."""
    return COLOURS[engine_rank(runner) % len(COLOURS)]
