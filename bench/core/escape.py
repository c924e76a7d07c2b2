"""Text of others in each format that the harness writes: one function a format.

Names, titles, notes, messages and the tails of logs come from the results and catalogues of
anybody. A writer passes each through the function of its format, so that none of them starts a row,
a link, a formula, a sequence for the terminal or a command of a workflow. JSON needs none:
`json.dumps` escapes all but ASCII.

    plain       one line of visible characters: a terminal's cell, XML, SVG
    lines       lines of text for the terminal or a log
    printed     a whole output on its way to the terminal
    markdown    words within a line of Markdown; `code` words between backticks
    cell        a cell of CSV
    data        the message of a workflow command; `title` its title
    file_name   a part of a file's name
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from bench.core.digest import canonical_digest

_BREAKS = re.compile("[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
# Controls, signs that show nothing or turn the direction of what follows, halves of surrogate pairs
# and what XML 1.0 has no place for. The joiners of scripts and emoji (200c, 200d) stay.
_HIDDEN = "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
_HIDDEN += "\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f"
_INVISIBLE, _UNPRINTED = re.compile(f"[{_HIDDEN}\t\n]"), re.compile(f"[{_HIDDEN}]")
_REPLACEMENT = "\ufffd"
# A runner of GitHub Actions takes a line that begins with the first for a command, and one that has
# the second in it (src/Runner.Common/ActionCommand.cs of github.com/actions/runner).
_COMMAND, _OLD_COMMAND = re.compile(r"^(\s*):(?=:)"), "##["
# Underscores within a word (tensor_gc) are none of Markdown's signs.
_SIGNS = re.compile(
    r"`(?P<code>[^`]+)`|[\\`*\[\]|~$&<]|(?<![^\W_])_|_(?![^\W_])|(?<=:)/|(?<=\bwww)\."
)
_ENTITIES = {"&": "&amp;", "<": "&lt;"}
_FIRST_SIGN = re.compile(r"^(?=[#+=:>-])|^\d+(?=[.)](?:\s|$))")
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_MOST_NAME = 200


def plain(text: str) -> str:
    """Return `text` as one line in which every character shows."""
    if text.isascii() and text.isprintable():
        return text
    return _INVISIBLE.sub(_REPLACEMENT, _BREAKS.sub(" ", text))


def short(text: str, most: int) -> str:
    """Return `text` as one line, cut at `most` characters."""
    line = plain(text)
    return line if len(line) <= most else f"{line[: most - 1]}…"


def lines(texts: Iterable[str]) -> str:
    """Return each of `texts` as one line, ended, none of which is a workflow command."""
    return "".join(_COMMAND.sub(r"\1\\u003a", plain(text)) + "\n" for text in texts)


def printed(text: str) -> str:
    """Return an output for the terminal without anything that steers it or a log's reader.

    Its lines are the writer's own. What is put in is an escape of JSON too, for the same text.
    """
    return _UNPRINTED.sub(_REPLACEMENT, text).replace(_OLD_COMMAND, r"##\u005b")


def markdown(text: str) -> str:
    """Return `text` so that Markdown shows it as it is, in a line or in a table's cell.

    What stands between two backticks is code, as in a message that names a command.
    """
    line = _SIGNS.sub(_escaped, plain(text).strip())
    return _FIRST_SIGN.sub(lambda found: f"{found[0]}\\", line)


def _escaped(found: re.Match[str]) -> str:
    if found["code"]:
        return code(found["code"])
    return _ENTITIES.get(found[0], f"\\{found[0]}")


def code(text: str) -> str:
    """Return `text` between backticks, more of them than it has in a row."""
    # A pipe ends a table's cell in code too, unless an odd number of backslashes stands before it.
    line = re.sub(r"(\\*)\|", r"\1\1\\|", plain(text))
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    space = " " * (fence != "`")
    return f"{fence}{space}{line}{space}{fence}"


def cell(value: object) -> object:
    """Return a value of a CSV table; text that a spreadsheet would compute gets an apostrophe."""
    if not isinstance(value, str):
        return value
    line = plain(value).strip()
    return f"'{line}" if line.startswith(_FORMULA) else line


def data(texts: Iterable[str]) -> str:
    """Return the message of a workflow command, a line each of `texts`.

    As @actions/core has it (packages/core/src/command.ts of github.com/actions/toolkit).
    """
    return "%0A".join(plain(text).replace("%", "%25") for text in texts)


def title(text: str) -> str:
    """Return a property of a workflow command."""
    return data([text]).replace(":", "%3A").replace(",", "%2C")


def file_name(text: str) -> str:
    """Return `text` as a part of a file's name, the same for the same text.

    One that can't be it as it is ends in a digest of itself.
    """
    safe = re.sub(r"[^A-Za-z0-9._+=-]", "-", text).lstrip(".")[:_MOST_NAME]
    return safe if safe == text else f"{safe}-{canonical_digest(text)}"
