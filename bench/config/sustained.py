"""`run --sustained`: each cell keeps running in one session, so that its drift can be seen.

Every sample is kept, up to MAX_SAMPLES: there a session ends though its time isn't up (a net of
1 ms gets there after 500 s), and the report says so. Standard library only.
"""

from __future__ import annotations

import re
from dataclasses import replace

from bench.core.cell import Sampling
from bench.core.errors import InputError

PRESET = "sustained"
MAX_SAMPLES = 500_000  # 4 MB of record at 8 digits a sample
LEAST_S, MOST_S = 5.0, 3600.0

_TIMEOUT_ROOM_S = 120.0
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_HINT = "give {least:g} s to 1 h, as in {flag} 60s, 60 or 2m"


def parse_duration(text: str, *, flag: str = "--sustained", least: float = LEAST_S) -> float:
    """Return the seconds that `60s`, `60`, `2m` or `1h` stand for; raises InputError."""
    hint = _HINT.format(flag=flag, least=least)
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smh]?)", text.strip())
    if match is None:
        raise InputError(f"{flag} {text}: not a duration", hint=hint)
    seconds = float(match[1]) * _UNITS[match[2]]
    if not least <= seconds <= MOST_S:
        raise InputError(f"{flag} {text}: too short or too long", hint=hint)
    return seconds


def sustained(preset: Sampling, seconds: float) -> Sampling:
    """Return `preset` made into one session of `seconds`.

    Of the warm-up only the preset's calls are left: the burst at the start is to be seen.
    """
    return replace(
        preset,
        preset=PRESET,
        sessions=1,
        max_sessions=None,
        half_width=None,
        grow_for_s=0.0,
        samples=MAX_SAMPLES,
        min_samples=1,
        budget_s=seconds,
        warmup_s=0.0,
        steady_tolerance=None,
        statistic="median",
        timeout_s=seconds + _TIMEOUT_ROOM_S,
    )
