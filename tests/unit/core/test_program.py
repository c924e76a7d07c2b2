"""Commands that messages name."""

from __future__ import annotations

import ast
import re
import sys

import pytest

from bench.core import program
from bench.core.errors import UnknownName
from bench.core.paths import PACKAGE

MODULE, SCRIPT = "/clone/bench/__main__.py", "/usr/bin/bench"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """The program as started by the file and from the place that the test names."""
    argv, checkout = request.param
    monkeypatch.setattr(sys, "argv", [argv])
    monkeypatch.setattr(program, "is_checkout", lambda: checkout)


@pytest.mark.parametrize(
    ("started", "name"),
    [
        ((MODULE, True), "python -m bench"),
        (("/clone/bench/worker/__main__.py", True), "python -m bench"),
        ((SCRIPT, True), "bench"),
        ((SCRIPT, False), "bench"),
        (("/site-packages/bench/worker/__main__.py", False), "bench"),
    ],
    indirect=["started"],
)
@pytest.mark.usefixtures("started")
def test_a_command_begins_with_the_program_that_is_there(name: str) -> None:
    assert program.command("ab --resume x") == f"`{name} ab --resume x`"
    assert f"measure one: `{name} run`" in str(UnknownName("run", "latest", []))


@pytest.mark.parametrize(
    ("started", "suite", "flags", "device", "command"),
    [
        ((MODULE, True), "cpu", "", None, "make bench"),
        ((MODULE, True), "engines", "--batch 4", None, "make bench-engines ARGS='--batch 4'"),
        ((MODULE, True), "arm", "", "a b", "make bench-arm DEVICE='a b'"),
        ((SCRIPT, True), "cpu", "", None, "bench run"),
        ((MODULE, False), "cpu", "", None, "bench run"),
        ((SCRIPT, False), "engines", "--batch 4", None, "bench run --suite engines --batch 4"),
        ((SCRIPT, False), "arm", "", "a b", "bench run --suite arm --device 'a b'"),
    ],
    indirect=["started"],
)
@pytest.mark.usefixtures("started")
def test_an_installed_harness_names_its_own_program(
    suite: str, flags: str, device: str | None, command: str
) -> None:
    assert program.run_command(suite, flags, device=device) == command


@pytest.mark.parametrize(
    ("started", "hint", "agent"),
    [
        ((MODULE, True), "run `make setup` in the project's folder", "PADDLE_LITE=...`"),
        (
            (SCRIPT, False),
            "install shufflenet-bench[phone], by pip or uv as before",
            "PADDLE_LITE=...` in a clone of the project",
        ),
    ],
    indirect=["started"],
)
@pytest.mark.usefixtures("started")
def test_what_brings_the_rest_depends_on_how_the_harness_came(hint: str, agent: str) -> None:
    assert program.install_hint("phone") == hint
    assert program.agent_command().endswith(agent)


ELSEWHERE = {"core/program.py", "cli/bootstrap.py"}


def test_no_message_has_a_program_of_its_own() -> None:
    """Only docstrings may, and what no installation gets to."""
    named = {
        f"{path.relative_to(PACKAGE)}: {text}"
        for path in PACKAGE.rglob("*.py")
        if str(path.relative_to(PACKAGE)) not in ELSEWHERE
        for text in _texts(path.read_text(encoding="utf-8"))
        if _NAMED.search(text)
    }
    assert named == {
        "worker/serve.py: usage: python -m bench.worker DIR (see bench/core/protocol.py)",
        "targets/__init__.py: The folder of the device program that `make agent` builds",
    }


_NAMED = re.compile("python -m bench|`make ")


def _texts(source: str) -> list[str]:
    """Return a module's strings that are no docstrings, of one that names a program at all."""
    if not _NAMED.search(source):
        return []
    tree = ast.parse(source)
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    ]
