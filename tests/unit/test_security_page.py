from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from bench.core.paths import PROJECT

PAGE = (PROJECT / "docs" / "security.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(set(re.findall(r"tests/[\w/]+\.py", PAGE))))
def test_a_test_that_the_page_names_is_there_and_tests_something(path: str) -> None:
    assert "\ndef test_" in (PROJECT / path).read_text(encoding="utf-8")


SOURCES = sorted((PROJECT / "bench").rglob("*.py"))
LOCKS = sorted((PROJECT / "bench" / "envs").glob("*.txt"))


def calls(path: Path) -> set[str]:
    """The names of the functions and methods that a file calls."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    called = [node.func for node in nodes if isinstance(node, ast.Call)]
    return {it.attr if isinstance(it, ast.Attribute) else getattr(it, "id", "") for it in called}


def test_nothing_waits_for_connections_but_a_server_and_a_fleet() -> None:
    assert len(SOURCES) > 100
    opening = {"listen", "create_server", "start_server", "serve_forever"}
    found = {path.relative_to(PROJECT).as_posix(): calls(path) & opening for path in SOURCES}
    assert {path: names for path, names in found.items() if names} == {
        "bench/fleet/scheduler.py": {"create_server"},
        "bench/serving/server.py": {"listen"},
    }


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_names_each_package_by_its_hash(lock: Path) -> None:
    parts = re.split(r"\n(?=[a-z0-9])", re.sub(r"(?m)^ *#.*\n", "", lock.read_text()).strip())
    assert parts
    for part in parts:
        assert re.fullmatch(r"[\w.-]+==\S+( ;[^\\]+)?( \\\n {4}--hash=sha256:[0-9a-f]{64})+", part)


@pytest.mark.parametrize("page", ["README.md", "models/README.md"])
def test_a_page_that_tells_of_models_says_that_they_are_code(page: str) -> None:
    text = (PROJECT / page).read_text(encoding="utf-8")
    assert "security.md" in text
    assert "models folder is code" in text
