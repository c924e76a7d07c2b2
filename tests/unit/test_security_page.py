from __future__ import annotations

import re

import pytest

from bench.core.paths import PROJECT

PAGE = (PROJECT / "docs" / "security.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(set(re.findall(r"tests/[\w/]+\.py", PAGE))))
def test_a_test_that_the_page_names_is_there_and_tests_something(path: str) -> None:
    assert "\ndef test_" in (PROJECT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["README.md", "models/README.md"])
def test_a_page_that_tells_of_models_says_that_they_are_code(page: str) -> None:
    text = (PROJECT / page).read_text(encoding="utf-8")
    assert "security.md" in text
    assert "models folder is code" in text
