"""The report formats by name. A new format is one file in this folder and one line here."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.analysis.series import View
from bench.reports.language import LANGUAGES, words


@dataclass(frozen=True, slots=True)
class Format:
    """What writes a format's files, and patterns of those that a report has or not.

    `write` names a function `(view, folder) -> {path: bytes}`: a format computes, the store writes.
    One with `languages` takes the language too. What is `large` isn't in git, and is checked only
    where it is.
    """

    write: str
    optional: tuple[str, ...] = ()
    large: bool = False
    languages: bool = False


FORMATS: Mapping[str, Format] = {
    "markdown": Format("bench.reports.markdown.page:write", languages=True),
    "csv": Format(
        "bench.reports.csv_tables:write",
        (
            "sustained.csv",
            "device.csv",
            "energy.csv",
            "engines.csv",
            "accuracy.csv",
            "serving.csv",
            "operators.csv",
        ),
    ),
    "plots": Format(
        "bench.reports.plots.figures:write",
        tuple(
            f"{stem}-*.{end}"
            for stem in ("top1", "sustained", "engines")
            for end in ("svg", "png", "csv")
        ),
    ),
    "page": Format(
        "bench.reports.page.write:write",
        ("index.html", "index.zh.html"),
        large=True,
        languages=True,
    ),
}


def render_all(view: View, folder: Path, lang: str = "en") -> dict[Path, bytes]:
    """Return every format's files below `folder`, and their bytes.

    They are in English, in `lang`, and in each language that `folder` has a report in.
    """
    there = {one for one in LANGUAGES if (folder / words(one).file("report.md")).is_file()}
    languages = [one for one in LANGUAGES if one in {"en", lang} | there]
    files: dict[Path, bytes] = {}
    for each in FORMATS.values():
        module, _, name = each.write.partition(":")
        write: Callable[..., dict[Path, bytes]]
        write = getattr(importlib.import_module(module), name)
        for more in [[one] for one in languages] if each.languages else [[]]:
            files |= write(view, folder, *more)
    return files


def optional_files(folder: Path) -> set[Path]:
    """Return the files of a report in `folder` that another report may lack."""
    patterns = [pattern for each in FORMATS.values() for pattern in each.optional]
    return {path for pattern in patterns for path in folder.glob(pattern)}


def without_absent(files: Mapping[Path, bytes]) -> dict[Path, bytes]:
    """Return a report's files but the large ones that aren't there: git doesn't have them."""
    patterns = [pattern for each in FORMATS.values() if each.large for pattern in each.optional]
    return {
        path: data
        for path, data in files.items()
        if path.is_file() or not any(path.match(pattern) for pattern in patterns)
    }
