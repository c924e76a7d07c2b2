"""What a comparison is going to do, before it takes its time."""

from __future__ import annotations

from bench.analysis.interleaved import Growth
from bench.core.output import say
from bench.core.program import command
from bench.core.units import duration, number_of


def announce(arms: tuple[str, str], *, cells: int, growth: Growth, session_s: float) -> None:
    """Say what is compared, in how many sessions, and how long these take at least.

    `session_s` are the seconds of a session of short inferences; `arms` the titles of both.
    """
    base, head = arms
    what = f"compares {base} (base) with {head} (head)"
    if base == head:
        example = command("ab --head rev:main")
        what = f"compares the base, {base}, with itself: name another arm, as in {example}"
    many = " to ".join(dict.fromkeys(map(str, (growth.sessions, growth.max_sessions))))
    least = duration(cells * growth.sessions * session_s)
    say(f"{what}; {number_of(cells, 'cell')}, {many} sessions each, at least {least}")
