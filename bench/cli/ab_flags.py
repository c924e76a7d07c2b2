"""The flags of `ab` and `bisect`: what they are called, and the values that they become."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from bench.core.errors import InputError

_ARM = (
    "rev:REV, models-rev:REV, env:NAME==VERSION, runner:NAME, model:PATH, "
    "precision:NAME, weights:W, set:threads=N or set:NAME=VALUE; may be given again (default: as "
    "it is now)"
)


def add_ab(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `ab`."""
    add = parser.add_argument
    add("--base", metavar="SPEC", action="append", help=_ARM)
    add("--head", metavar="SPEC", action="append", help="the other arm, as --base")
    for arm in ("base", "head"):
        text = f"--{arm} env:NAME==VERSION"
        add(f"--{arm}-env", metavar="NAME==VERSION", action="append", help=text)
    add("--variant", metavar="A,B", help="models of the catalogue, by comma (default: all)")
    add("--runner", metavar="A,B", help="runners of both arms (default: paddle)")
    add("--batch", metavar="N,M", help="batch sizes, by comma (default: 1)")
    add("--threads", metavar="N,M", help="thread counts, by comma (default: 1)")
    add("--weights", metavar="W", help="seeded (default), pretrained, or a .pdparams file")
    add("--resume", metavar="RUN", help="go on with a comparison, or with `latest`")
    _add_stopping(parser)


def add_bisect(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `bisect`."""
    add = parser.add_argument
    add("--good", metavar="REV", help="a revision that is fast enough")
    add("--bad", metavar="REV", help="a later one that is slower (default: HEAD)")
    add("--cell", metavar="ID", help="the cell that got slower, by its id")
    _add_stopping(parser)


def _add_stopping(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--sessions", metavar="N", dest="most_sessions", help="at most, from 2 on (default: 10)")
    add("--half-width", metavar="SHARE", help="of a 95%% interval that will do (default: 0.01)")
    add("--seed", metavar="N", help="seed of the order of sessions and bursts (default: 0)")


def ab_values(given: Mapping[str, Any]) -> dict[str, object]:
    """Return the flags of `ab` and `bisect` in `given` as values; raises InputError."""
    values: dict[str, object] = {
        name: given[name] for name in ("good", "bad", "cell") if name in given
    }
    for arm in ("base", "head"):
        pins = [f"env:{text}" for text in given.get(f"{arm}_env", [])]
        values[arm] = (*given.get(arm, []), *pins)
    if "half_width" in given:
        values["half_width"] = _share("--half-width", given["half_width"])
    if "most_sessions" in given:
        values["most_sessions"] = _count("--sessions", given["most_sessions"])
    return values


def _share(flag: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise InputError(
            f"{flag} {text}: not a share above 0 and below 1", hint=f"as in {flag} 0.01"
        )
    return value


def _count(flag: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) >= 2):
        raise InputError(
            f"{flag} {text}: not a whole number from 2 on", hint="an interval takes two sessions"
        )
    return int(text)
