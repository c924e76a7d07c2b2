"""The reference says something of each field, flag and column, and is what the code gives today."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import pytest
from pydantic import BaseModel

from bench.config.entries import Catalogue
from bench.config.project import Project
from bench.config.published import Faults
from bench.config.suite import Preset, SuiteFile
from bench.storage.schema.baseline import Baseline
from bench.storage.schema.common import SamplingFields, System
from bench.storage.schema.latency import JournalEntry, Record, RunManifest

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
