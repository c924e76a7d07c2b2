"""What an option and the words of a verb are: where the help shows them, and what it says."""

from __future__ import annotations

import copy
from typing import Any

import click

from bench.cli.values import TYPES


class Flag(click.Option):
    """One option: its section of the help, its flag, then its field of Options where that has
    another name, the word for its value, None for a switch, and what the help says of it.

    Without such a field its value is in Options.own.
    """

    def __init__(
        self, section: str, names: str, metavar: str | None, text: str, default: str = "",
        **how: Any,
    ) -> None:  # fmt: skip
        # Click reads an explicit False as "the value may be left out": `flag_value` is taken then.
        self.alone = metavar is None or "flag_value" in how
        is_flag = True if metavar is None else False if self.alone else None
        kind = how.pop("type", None) or TYPES.get(metavar)
        super().__init__(names.split(), metavar=metavar, is_flag=is_flag, type=kind, **how)
        self.section, self.text, self.default = section, text, None
        self.help = f"{text} (default: {default})" if default else text

    def but(self, default: str) -> Flag:
        """Return this option as a verb takes it that has another default."""
        twin = copy.copy(self)
        twin.help = f"{twin.text} (default: {default})"
        return twin

    def one(self, default: str) -> Flag:
        """Return this option as a verb takes it that takes one of the values."""
        twin = copy.copy(self)
        twin.metavar, twin.text = _ONE[self.opts[0]]
        return twin.but(default)


_ONE = {
    "--runner": ("NAME", "The runner"),
    "--variant": ("NAME", "The model, of the catalogue"),
    "--batch": ("N", "The batch size"),
    "--threads": ("N", "The number of threads"),
}


class Words(click.Argument):
    """The words after a verb, and what the help says of them, '' for nothing."""

    def __init__(self, name: str, metavar: str, text: str = "") -> None:
        super().__init__([name], nargs=-1, metavar=metavar)
        self.section, self.text = "Words", text

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        """Return the line of the help."""
        return self.make_metavar(ctx), self.text


def words(metavar: str) -> tuple[click.Argument]:
    """Return the words after a verb; the verb itself checks how many there are."""
    return (Words("words", metavar),)
