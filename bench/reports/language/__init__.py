"""The texts of a report by key, in English and in Chinese: one file a language, the same keys."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePath
from typing import Any

from bench.core.escape import plain

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LANGUAGES = ("en", "zh")
_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language; `words("costs.title")` is that text, its placeholders filled."""

    lang: str
    texts: Mapping[str, str]

    def __call__(self, key: str, /, **values: object) -> str:
        """Return the text of that key, each of `values` in it as one line."""
        shown = {name: plain(it) if isinstance(it, str) else it for name, it in values.items()}
        return self.texts[key].format(**shown)

    def of(self, group: str, word: str) -> str:
        """Return a stored word in this language, the word itself where it is somebody's own."""
        return self.texts.get(f"{group}.{word}", word)

    def file(self, name: str) -> str:
        """Return a file's name in this language: report.md in English, else report.zh.md."""
        path = PurePath(name)
        return name if self.lang == "en" else f"{path.stem}.{self.lang}{path.suffix}"


@cache
def words(lang: str) -> Words:
    """Return the texts of a language of `LANGUAGES`."""
    data = tomllib.loads((_FOLDER / f"{lang}.toml").read_text("utf-8"))
    return Words(lang, dict(_flat(data)))


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield each text under its key: the text of `title` in [costs] is "costs.title"."""
    for name, value in table.items():
        if isinstance(value, str):
            yield f"{prefix}{name}", value.strip("\n")
        else:
            yield from _flat(value, f"{prefix}{name}.")


ENGLISH = words("en")
