"""Stored accuracy runs: each image's label and what each engine answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from bench.analysis.accuracy import StoredAccuracy, summarize
from bench.storage.run_folders import AccuracyFolder
from bench.storage.schema.accuracy import (
    AccuracyManifest,
    ApartFields,
    ChunkFields,
    DataFields,
    JournalLine,
    ModelFields,
    RecipeFields,
)
from bench.storage.store import Store
from tests.fakes.records import MODEL_HASH, provenance, system

RUN_ID = "20240601T120000Z-0badc0de-00000001"
Answers = Mapping[str, Mapping[str, Sequence[int]]]
"""By variant and runner, the class that is named first for each image."""


def model(**fields: Any) -> ModelFields:
    recipe = RecipeFields(short=256, height=224, width=224, decoder="Pillow 1")
    values: dict[str, Any] = {
        "title": "a net", "model_hash": MODEL_HASH, "weights": "pretrained", "classes": 10,
        "published": None, "recipe": recipe,
    }  # fmt: skip
    return ModelFields(**(values | fields))


def manifest(labels: Sequence[int], answers: Answers, **fields: Any) -> AccuracyManifest:
    values: dict[str, Any] = {
        "run_id": RUN_ID, "system_id": system().system_id, "status": "complete",
        "started": "2024-06-01T12:00:00+00:00", "target": "cpu",
        "data": DataFields(images=len(labels), layout="folders", digest="0123456789abcdef"),
        "chunk": 64, "variants": list(answers), "cells": {}, "provenance": provenance(),
        "runners": list(dict.fromkeys(it for runners in answers.values() for it in runners)),
        "models": {variant: model() for variant in answers},
    }  # fmt: skip
    return AccuracyManifest(**(values | fields))


def lines(labels: Sequence[int], answers: Answers) -> list[JournalLine]:
    """Return the journal: one chunk a variant; the second best class is the first one's next."""
    return [
        JournalLine(
            variant=variant,
            chunk=ChunkFields(
                start=0,
                images=list(range(len(labels))),
                labels=list(labels),
                unreadable={},
                best={name: [[it, it + 1] for it in row] for name, row in runners.items()},
                apart=[
                    ApartFields(one=one, other=other, image=0, relative_l2=0.1)
                    for one, other in combinations(runners, 2)
                ],
            ),
        )
        for variant, runners in answers.items()
    ]


def accuracy_run(labels: Sequence[int], answers: Answers, **fields: Any) -> StoredAccuracy:
    """Return a run; `fields` are those of its manifest."""
    whole = manifest(labels, answers, **fields)
    return StoredAccuracy(manifest=whole, summary=summarize(whole, lines(labels, answers)))


def put_accuracy(results: Path, labels: Sequence[int], answers: Answers, **fields: Any) -> Path:
    """Write a run into a results folder and return its own."""
    whole = manifest(labels, answers, **fields)
    folder = AccuracyFolder.create(Store(results), whole, system())
    for line in lines(labels, answers):
        folder.append(line)
    return folder.path
