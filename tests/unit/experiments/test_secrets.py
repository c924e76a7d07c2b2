"""No record holds a password, a token, or the name of a machine or its user."""

from __future__ import annotations

import pytest

from bench.core.paths import PROJECT
from bench.experiments import secrets
from bench.experiments.provenance import command_line, hidden, shown_variable
from bench.experiments.secrets import without_secrets


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.node", lambda: "lab-7.example.org")
    monkeypatch.setattr("getpass.getuser", lambda: "anna")
    secrets._names.cache_clear()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no route: http://anna:pa55@proxy:3128/x", "no route: http://…@proxy:3128/x"),
        ("https://t0ken@host/simple", "https://…@host/simple"),
        ("Authorization: Basic YTpi", "Authorization: …"),
        ('"Proxy-Authorization": "Bearer a.b-c_d"', '"Proxy-Authorization": "…"'),
        ("sent bearer abcdefgh123", "sent bearer …"),
        ("HF_TOKEN=abc123 LANG=C", "HF_TOKEN=… LANG=C"),
        ("https://host/?api_key=1234&x=1", "https://host/?api_key=…&x=1"),
        ("db password='a b' done", "db password=… done"),
        ("AWS_SECRET_ACCESS_KEY=x/y+z", "AWS_SECRET_ACCESS_KEY=…"),
        ("using ghp_0123456789abcdefABCD now", "using … now"),
        ("key AKIAIOSFODNN7EXAMPLE", "key …"),
        ("lab-7.example.org: lab-7 said no to anna", "HOST: HOST said no to USER"),
    ],
)
def test_secrets_and_names_are_hidden(text: str, shown: str) -> None:
    assert without_secrets(text) == shown
    assert hidden(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "Unexpected token ';' at line 3",
        "tokenizer=fast vocabulary",
        "the output is 0.01 away (https://host/a@b is an address)",
        "annabel and lab-75 stay",
        "passes=3 keys=4",
    ],
)
def test_an_engines_own_words_stay(text: str) -> None:
    assert without_secrets(text) == text


def test_a_command_line_and_a_variable_are_stored_without_them() -> None:
    shown = command_line(["--models", "https://anna:pw@host/m"], PROJECT)
    assert shown == ["--models", "https://…@host/m"]
    assert shown_variable("MY_API_KEY", "abc def") == "…"
    assert shown_variable("OMP_PROC_BIND", "close") == "close"
