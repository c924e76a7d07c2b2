"""What is stored of an accuracy run: its manifest, and a journal of what each engine saw.

The journal stays: it holds each image's label and each engine's best classes, and every share is
derived from it. Logits are not kept; how far engines were apart at most is.

ACCURACY_SCHEMA_VERSION history
    1  first form
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from bench.storage.schema.common import (
    CellFields,
    Distance,
    Duration,
    Failed,
    Id,
    ManifestFields,
    Skipped,
)
from bench.storage.validation import Count, Number, Positive, Strict

ACCURACY_SCHEMA_VERSION: Literal[1] = 1

Best = Annotated[list[Count], Field(min_length=1)]


class DataFields(Strict):
    """The data set: how many images, by what they are labelled, and a digest of all of that.

    `of`: those images are the first ones of so many, by turns over the classes where folders are
    the labels; None: all of them.
    """

    images: Positive
    layout: Literal["folders", "list"]
    digest: str
    of: Positive | None = None


class RecipeFields(Strict):
    """How images became inputs: resized by `short` side, or to `size` (height, width), cropped to
    `height` and `width`, scaled, normalized by channel. None in an earlier file: as PaddleClas.
    """

    short: Positive | None
    height: Positive
    width: Positive
    resizing: str = "INTER_LINEAR"
    decoder: str
    size: tuple[Positive, Positive] | None = None
    scale: Number | None = None
    mean: tuple[Number, Number, Number] | None = None
    std: tuple[Number, Number, Number] | None = None
    channels: Literal["rgb", "bgr"] = "rgb"


class ModelFields(Strict):
    """A net, its weights, and how many classes it tells apart, None where no engine has a file.

    `shares` tells whether its outputs are shares that sum to 1, None: not known. Without a `recipe`
    no image could be prepared for it.
    """

    title: str
    model_hash: str
    weights: str
    weights_sha256: str | None = None
    classes: Positive | None
    shares: bool | None = None
    published: str | None
    recipe: RecipeFields | None


class AccuracyManifest(ManifestFields):
    """accuracy.json: everything of a run that isn't in its journal.

    `variants` and `runners` stand as they were asked for; keys are sorted when they are written.
    """

    schema_version: Literal[1] = ACCURACY_SCHEMA_VERSION
    data: DataFields
    chunk: Positive
    variants: list[str]
    runners: list[str]
    cells: dict[Id, CellFields]
    models: dict[str, ModelFields]


class ApartFields(Strict):
    """The image of a chunk at which `other` differs most from `one` (relative L2 of the logits)."""

    one: str
    other: str
    image: Count
    relative_l2: Distance


class ChunkFields(Strict):
    """A row of images, by their numbers in the data set, through every engine of one net.

    `labels` belong to `images`, as do the lists of `best`: five classes an image, the best first.
    `unreadable` are the names of those that gave no picture, each with the reason.
    """

    start: Count
    images: list[Count]
    labels: list[Count]
    unreadable: dict[str, str]
    best: dict[str, list[Best]]
    apart: list[ApartFields]

    @model_validator(mode="after")
    def _one_of_each(self) -> ChunkFields:
        lengths = {len(self.images), len(self.labels), *(len(it) for it in self.best.values())}
        if len(lengths) > 1:
            raise ValueError("images, labels and classes aren't as many")
        return self


class OpenedFields(Strict):
    """What an engine told of itself once it was open, its output checked."""

    load_ns: Duration
    relative_l2: Distance
    facts: dict[str, str]


class JournalLine(Strict):
    """A line of journal.jsonl, of one variant: a chunk, or what became of one runner."""

    variant: str
    chunk: ChunkFields | None = None
    runner: str | None = None
    opened: OpenedFields | None = None
    failed: Failed | None = None
    skipped: Skipped | None = None
