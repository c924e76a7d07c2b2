from __future__ import annotations

import pytest

from bench.analysis.interleaved import Growth
from bench.experiments.ab.announcement import announce


def test_two_arms_are_named_with_the_time_that_their_sessions_take_at_least(
    capsys: pytest.CaptureFixture[str],
) -> None:
    announce(("as it is", "rev:main"), cells=28, growth=Growth(), session_s=3.6)
    announce(("a", "a"), cells=1, growth=Growth(sessions=2, max_sessions=2), session_s=3.0)
    assert capsys.readouterr().err.splitlines() == [
        (
            "compares as it is (base) with rev:main (head); 28 cells, 3 to 10 sessions each, "
            "at least 5 min 02 s"
        ),
        (
            "compares the base, a, with itself: name another arm, as in `python -m bench ab --head "
            "rev:main`; 1 cell, 2 sessions each, at least 6 s"
        ),
    ]
