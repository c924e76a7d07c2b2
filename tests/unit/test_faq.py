"""Each message that the FAQ quotes is one that the code can still say."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from bench.core.errors import UnknownName
from bench.core.paths import PACKAGE, PROJECT

PAGE = (PROJECT / "docs" / "faq.md").read_text(encoding="utf-8")
QUOTED = [
    line
    for block in re.findall(r"(?ms)^```message\n(.*?)^```$", PAGE)
    for line in block.splitlines()
]
HOLE, _HOLE = "…", "(?:(?!: ).)*?"
_LEAST = 7
"""Letters of its own that a template has: others, of a name alone, would match anything."""


def test_there_is_something_to_look_at() -> None:
    assert len(QUOTED) > 50


@pytest.mark.parametrize("line", QUOTED)
def test_each_quoted_message_is_in_the_code(line: str) -> None:
    assert is_said(line), line


@pytest.mark.parametrize(
    "line",
    ["the child went for a walk", "… is no net's file: eat it", "unknown field: unknown net"],
)
def test_another_message_is_not(line: str) -> None:
    assert not is_said(line)


def is_said(line: str) -> bool:
    """Whether a line is a template of the code, or several, one behind each colon."""
    whole = (line, f"bench: {line}")
    if line == HOLE or any(it.fullmatch(text) for it in templates() for text in whole):
        return True
    cuts = [found.start() for found in re.finditer(": ", line)]
    return any(
        any(it.fullmatch(line[:cut]) for it in templates()) and is_said(line[cut + 2 :])
        for cut in cuts
    )


@cache
def templates() -> list[re.Pattern[str]]:
    """The texts of the code as patterns, what is put into them as anything."""
    texts = {text for path in PACKAGE.rglob("*.py") for text in texts_of(path.read_text("utf-8"))}
    unknown = UnknownName("suite", "cup", ["cpu"], of="")
    texts |= {unknown.problem, "did you mean 'cpu'? choose from \0", "\0 has no preset '\0'"}
    long = [it for it in texts if len(re.sub(r"[\0\W]", "", it)) >= _LEAST]
    return [re.compile(_HOLE.join(map(re.escape, it.split("\0"))), re.DOTALL) for it in long]


def texts_of(code: str) -> Iterator[str]:
    """Each string of some code that isn't a docstring, `\\0` in the place of what is put in."""
    for node in ast.walk(ast.parse(code)):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.JoinedStr):
                parts = child.values
                yield "".join(
                    str(it.value) if isinstance(it, ast.Constant) else "\0" for it in parts
                )
            elif isinstance(child, ast.Constant) and not isinstance(node, ast.Expr | ast.JoinedStr):
                yield str(child.value)
