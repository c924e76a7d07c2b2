"""What the value of an option is: a type for each word that the help has for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from bench.config.sustained import parse_duration
from bench.core.errors import InputError
from bench.core.tensors import parse

PATH = click.Path(path_type=Path)


class Value(click.ParamType[Any]):
    """What `parse` makes of the text; where it raises ValueError, a sentence with an example."""

    name = "value"

    def __init__(self, parse: Callable[[str], object], hint: str) -> None:
        self.parse, self.hint = parse, hint

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> object:
        """Return the parsed value; raises InputError."""
        flag = param.opts[0] if param else "the value"
        try:
            return self.parse(value)
        except ValueError as error:
            raise InputError(f"{flag} {error}", hint=self.hint.format(flag=flag)) from error


def _items(text: str) -> list[str]:
    items = [item.strip() for item in text.split(",") if item.strip()]
    if not items:
        raise ValueError("is empty")
    return items


def _is_whole(text: str, least: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19 and int(text) >= least


def _counts(text: str) -> list[int]:
    items = _items(text)
    for item in items:
        if not _is_whole(item, 1):
            raise ValueError(f"{text}: '{item}' is not a whole number from 1 on")
    return [int(item) for item in items]


def whole(least: int, most: int | None = None) -> Value:
    """Return the type of a whole number from `least` on, up to `most` where there is one."""

    def parse(text: str) -> int:
        if not _is_whole(text, least) or (most is not None and int(text) > most):
            up_to = "on" if most is None else f"to {most}"
            raise ValueError(f"{text}: not a whole number from {least} {up_to}")
        return int(text)

    return Value(parse, f"as in {{flag}} {max(least, 1)}")


PORT = whole(0, 65535)


def one_of(*names: str) -> Value:
    """Return the type of one of a few words."""

    def parse(text: str) -> str:
        if text not in names:
            raise ValueError(f"{text}: not {' or '.join(names)}")
        return text

    return Value(parse, f"as in {{flag}} {names[-1]}")


def number(fits: Callable[[float], bool], fault: str, example: str) -> Value:
    """Return the type of a number that fits."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not fits(value):
            raise ValueError(f"{text}: {fault}")
        return value

    return Value(parse, f"as in {{flag}} {example}")


def _name_and_path(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise ValueError(f"{text}: not NAME=PATH")
    return name, Path(path)


def _named_shape(text: str) -> tuple[str, str]:
    """Return the input's name, '' for the only one, and its spec; raises InputError."""
    name, _, spec = text.rpartition("=")
    return name, parse(spec).text


MS_OR_NONE = number(lambda value: 0 <= value < math.inf, "not a number of ms from 0 on", "5")

_SCENARIOS = ("single-stream", "server", "offline")


def _scenarios(text: str) -> list[str]:
    """Return the scenarios of LoadGen that a text names, each once."""
    items = list(dict.fromkeys(_items(text)))
    for item in items:
        if item not in _SCENARIOS:
            raise ValueError(f"{text}: '{item}' is not {', '.join(_SCENARIOS[:-1])} or offline")
    return items


SCENARIO_NAMES = Value(_scenarios, f"as in {{flag}} {','.join(_SCENARIOS[:2])}")
RATE = number(lambda value: 0 < value <= 1e6, "not a rate above 0 and up to 1000000", "100")
PERCENTILE = number(
    lambda value: value in (50, 90, 95, 97, 99, 99.9), "not 50, 90, 95, 97, 99 or 99.9", "99"
)

_AGES = {"h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}


def _age(text: str) -> float:
    """Return the seconds that `12h`, `30d` or `4w` stand for."""
    number_, unit = text[:-1], text[-1:]
    if not (unit in _AGES and _is_whole(number_, 0)):
        raise ValueError(f"{text}: not a number of hours, days or weeks")
    return int(number_) * _AGES[unit]


AGE = Value(_age, "as in {flag} 30d, 12h or 4w")

# What a value is, by the word that the help has for it; any other is a text.
TYPES: Mapping[str | None, click.ParamType[Any]] = {
    "A,B": Value(_items, "name at least one, or leave {flag} out"),
    "N,M": Value(_counts, "write numbers, by comma, as in {flag} 1,2"),
    "DIR": PATH,
    "FILE": PATH,
    "TIME": Value(parse_duration, ""),  # it refuses for itself
    "[NAME=]SHAPE": Value(_named_shape, ""),  # it refuses for itself
    "NAME=PATH": Value(_name_and_path, "as in {flag} paddle=/usr/bin/python3"),
    "SHARE": number(lambda value: 0 < value < 1, "not a share above 0 and below 1", "0.01"),
    "S": number(lambda value: 0 < value < math.inf, "not a number of s above 0", "30"),
    "MS": number(lambda value: 0 < value < math.inf, "not a number of ms above 0", "60"),
    "PERCENT": number(lambda value: 1 <= value <= 100, "not a percentage from 1 to 100", "60"),
}
