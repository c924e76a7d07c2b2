"""The files that people write, field by field, and the suites that come with the harness."""

from __future__ import annotations

import json

from pydantic import BaseModel

from bench.config.entries import Entry
from bench.config.images import Preprocess
from bench.config.loads import LoadPreset
from bench.config.project import Project
from bench.config.published import Fault
from bench.config.suite import FOLDER, Group, Preset, SuiteFile, load_suite
from bench.config.thresholds import Gate
from bench.core.paths import PROJECT
from bench.storage.schema.common import SamplingFields
from scripts.reference.markdown import code, kind, page, table

_SECTIONS = {
    "Gate": "`[gate]`",
    "Group": "`[[cells]]`",
    "Preset": "`[presets.NAME]`",
    "LoadPreset": "`[loads.NAME]`",
    "Entry": "`[models.NAME]`",
}

_NAMED = (
    "NAME has letters, digits, `_`, `.` and `-`, at most 64, the first a letter or a digit. "
    "Exactly one of `factory`, `file` and `exported` is given."
)


def files() -> str:
    """Return the page of files that people write."""
    return page(
        "Files that you write",
        "TOML files. A field that isn't known is an error that names it.",
        "## bench.toml",
        "Lies in a project's folder and holds for the folders below it too. Paths are from the "
        "file.",
        fields(Project),
        "## A suite",
        "What a run measures: `--suite NAME` for one of those below, `--suite PATH.toml` for "
        "yours.",
        fields(SuiteFile),
        *_section(
            "[[cells]]", Group, "A group of cells: each runner with each batch and thread count."
        ),
        *_section("[presets.NAME]", Preset, "How thoroughly a session measures."),
        *_section("[loads.NAME]", LoadPreset, "How thoroughly `bench load` loads servers."),
        *_section("[gate]", Gate, "What comparisons count as a change."),
        "### Suites that come with the harness",
        _suites(),
        "### An example",
        f"```toml\n{(FOLDER / 'cpu.toml').read_text(encoding='utf-8').rstrip()}\n```",
        "## catalog.toml",
        "The models: in the folder that `--models` or `bench.toml` names. "
        "[Models of your own](../../models/README.md) tells more.",
        *_section("[models.NAME]", Entry, _NAMED),
        *_section("preprocess", Preprocess, "How an image becomes a net's input."),
        "## known_faults.toml",
        "Beside catalog.toml, where there is one: published figures that are known to be wrong.",
        *_section("[[fault]]", Fault, ""),
    )


def _section(title: str, model: type[BaseModel], intro: str) -> list[str]:
    return [f"### {code(title)}", *([intro] if intro else []), fields(model)]


def fields(model: type[BaseModel]) -> str:
    """Return the table of a model's fields; `Preset` shares its sentences with what is stored."""
    schema = model.model_json_schema()
    needed = schema.get("required", [])
    shared = SamplingFields.model_fields if model is Preset else {}
    return table(
        ("field", "takes", "default", "meaning"),
        (
            (
                code(name),
                _takes(about),
                "required" if name in needed else _default(about["default"]),
                str(shared[name].description if name in shared else about["description"]),
            )
            for name, about in schema["properties"].items()
        ),
    )


def _takes(about: dict[str, object]) -> str:
    text = kind(about)
    for name, title in _SECTIONS.items():
        text = text.replace(f"[{name}](#{name.lower()})", title)
    return text.replace("[Preprocess](#preprocess)", "[`preprocess`](#preprocess)").removesuffix(
        " or null"
    )


def _default(value: object) -> str:
    return "" if value in (None, {}, [], ()) or isinstance(value, dict) else code(json.dumps(value))


def _suites() -> str:
    suites = [load_suite(path.stem) for path in sorted(FOLDER.glob("*.toml"))]
    return table(
        ("suite", "title", "target", "runners", "presets"),
        (
            (
                f"[{it.name}](../../{it.path.relative_to(PROJECT)})",
                it.file.title,
                it.file.target,
                ", ".join(it.runners),
                ", ".join(it.file.presets),
            )
            for it in suites
        ),
    )
