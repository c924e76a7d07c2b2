"""What docs/seed-page.md names is there: commands that parse, files, tests, targets of make."""

from __future__ import annotations

import re
import shlex

import pytest

from bench.cli.main import parse
from bench.core.paths import PROJECT

PAGE = (PROJECT / "docs" / "seed-page.md").read_text(encoding="utf-8")
NAMED = list(dict.fromkeys(re.findall(r"`([^`]+)`", PAGE)))
COMMANDS = [text for text in NAMED if text.startswith("bench ")]
TARGETS = [text.split()[1] for text in NAMED if text.startswith("make ")]
FILES = [text for text in NAMED if re.match(r"(tests|results|docs|models)/", text)]
SECTIONS = ("1.1", "1.2", "1.3.1", "1.3.2", "2", "3", "4.1", "4.2", "4.3", "4.4", "4.5", "4.6")


@pytest.mark.parametrize("section", SECTIONS)
def test_each_section_of_the_page_has_a_row(section: str) -> None:
    assert re.search(rf"(?m)^\| {re.escape(section)}[ :]", PAGE), section


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_one(command: str) -> None:
    verb, *_ = parse(shlex.split(command)[1:])
    assert verb == command.split()[1]


@pytest.mark.parametrize("target", TARGETS)
def test_each_target_of_make_is_there(target: str) -> None:
    assert re.search(rf"(?m)^{target}:", (PROJECT / "Makefile").read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", FILES)
def test_each_file_is_there(file: str) -> None:
    assert (PROJECT / file).exists()
