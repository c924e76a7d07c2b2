"""The reference says something of each field, flag and column, and is what the code gives today."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from bench.config.entries import Catalogue
from bench.config.project import Project
from bench.config.published import Faults
from bench.config.suite import Preset, SuiteFile
from bench.core.paths import PACKAGE, PROJECT
from bench.core.variables import VARIABLES
from bench.reports import csv_tables
from bench.reports.csv_columns import COLUMNS, OF_FILE, PLOT
from bench.reports.data.columns import LEVELS
from bench.reports.plots.data import HEAD
from bench.runners import RUNNERS, SETTINGS
from bench.storage.schema.baseline import Baseline
from bench.storage.schema.common import SamplingFields, System
from bench.storage.schema.latency import JournalEntry, Record, RunManifest
from scripts import write_reference

WRITTEN = (Project, SuiteFile, Catalogue, Faults)
STORED = (Record, RunManifest, System, Baseline, JournalEntry)


def models(kind: object) -> Iterator[type[BaseModel]]:
    """A model and those that its fields hold."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
        for field in kind.model_fields.values():
            yield from models(field.annotation)
    for part in get_args(kind):
        yield from models(part)


MODELS = dict.fromkeys(it for top in (*WRITTEN, *STORED) for it in models(top))


@pytest.mark.parametrize("model", MODELS)
def test_each_field_has_a_sentence(model: type[BaseModel]) -> None:
    fields = model.model_fields
    if model is Preset:
        fields = {name: SamplingFields.model_fields.get(name, it) for name, it in fields.items()}
    known = {name: it.description for name, it in fields.items() if name != "schema_version"}
    assert not [name for name, text in known.items() if not text or text == "nanoseconds"]


@pytest.mark.parametrize(("path", "text"), write_reference.pages().items())
def test_each_page_is_what_the_code_gives(path: Path, text: str) -> None:
    written = (PROJECT / path).read_text(encoding="utf-8")
    assert written == text, "run `make reference`"


def test_no_page_is_of_a_reference_that_was() -> None:
    there = {path.relative_to(PROJECT) for path in (PROJECT / "docs/reference").iterdir()}
    assert there == set(write_reference.pages())


def test_each_column_has_a_sentence_and_each_sentence_a_column() -> None:
    heads = {name: head for name, head in vars(csv_tables).items() if name.endswith("_HEAD")}
    columns = {column for head in heads.values() for column in head}
    of_frames = {column.name for column in LEVELS["cell"]}
    assert columns | set(csv_tables.DECLARED) | of_frames == set(COLUMNS)
    assert {column for file in OF_FILE.values() for column in file} <= columns | set(HEAD)
    assert set(OF_FILE[PLOT]) == set(HEAD)


def test_each_setting_of_a_runner_has_a_sentence() -> None:
    assert {name for runner in RUNNERS.values() for name in runner.settings} == set(SETTINGS)


def read_in(path: Path) -> Iterator[str]:
    """The environment variables that a module reads by name, constants of its own looked up."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        source, key = None, None
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            source, key = node.value, node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            source, key = (
                (node.func.value, node.args[0]) if node.func.attr == "get" else (None, None)
            )
        called = getattr(source, "attr", getattr(source, "id", ""))
        if called not in ("environ", "environment"):
            continue
        if isinstance(key, ast.Constant):
            yield str(key.value)
        elif isinstance(key, ast.Name):
            name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
            yield from filter(None, [getattr(importlib.import_module(name), key.id, None)])


def test_each_variable_that_is_read_has_a_sentence() -> None:
    read = {name for path in PACKAGE.rglob("*.py") for name in read_in(path)}
    assert len(read) > 10
    assert read <= set(VARIABLES)
