"""A row of images through the engines of one net, and the journal's line of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.analysis.topk import best_classes, farthest, first_infinite
from bench.experiments.accuracy.dataset import Labelled
from bench.experiments.accuracy.engine import Engine, write_images
from bench.experiments.accuracy.preprocess import Recipe, Unreadable, load_image
from bench.launcher.client import WorkerFailed
from bench.launcher.process import ChildFailed
from bench.storage.schema.accuracy import ApartFields, ChunkFields

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Which of a chunk's images could be read, their inputs, and why the others couldn't."""

    start: int
    numbers: tuple[int, ...]
    images: tuple[Labelled, ...]
    arrays: tuple[Floats, ...]
    unreadable: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A chunk's line, and the runners that were lost over it."""

    chunk: ChunkFields
    lost: Mapping[str, ChildFailed] = field(default_factory=dict)


def read_inputs(images: Sequence[Labelled], start: int, recipe: Recipe, pool: Executor) -> Inputs:
    """Read `images`, whose numbers in the data set begin at `start`, side by side."""
    loaded = list(pool.map(partial(_attempt, recipe=recipe), images))
    pairs = list(zip(images, loaded, strict=True))
    read = [(start + at, *it) for at, it in enumerate(pairs) if not isinstance(it[1], Unreadable)]
    return Inputs(
        start=start,
        numbers=tuple(number for number, _, _ in read),
        images=tuple(image for _, image, _ in read),
        arrays=tuple(array for _, _, array in read if not isinstance(array, Unreadable)),
        unreadable={image.name: why.problem for image, why in pairs if isinstance(why, Unreadable)},
    )


def _attempt(image: Labelled, *, recipe: Recipe) -> Floats | Unreadable:
    try:
        return load_image(image.path, recipe)
    except Unreadable as error:
        return error


def see(
    inputs: Inputs, engines: Mapping[str, Engine], scratch: Path, *, output: str | None = None
) -> Seen:
    """Give `inputs` to each of the engines, by runner, one after the other.

    `output` is the name of the output that has the classes, None: the first.
    """
    logits: dict[str, Floats] = {}
    lost: dict[str, ChildFailed] = {}
    if inputs.arrays:
        path = write_images(scratch, np.stack(inputs.arrays))
        names = [image.name for image in inputs.images]
        for runner, engine in engines.items():
            try:
                logits[runner] = check_finite(engine.infer(path, len(names), output=output), names)
            except WorkerFailed as error:
                lost[runner] = error.failure
    return Seen(chunk=_line(inputs, logits), lost=lost)


def check_finite(logits: Floats, names: Sequence[str]) -> Floats:
    """Return `logits`; raises WorkerFailed where a row, of the image in `names`, isn't finite."""
    row = first_infinite(logits)
    if row is not None:
        raise WorkerFailed(
            ChildFailed(
                kind="wrong-output",
                message=f"the logits of {names[row]} hold infinities or NaN",
                hint="the weights or the engine are broken: no share of such answers counts",
            )
        )
    return logits


def _line(inputs: Inputs, logits: Mapping[str, Floats]) -> ChunkFields:
    return ChunkFields(
        start=inputs.start,
        images=list(inputs.numbers),
        labels=[image.label for image in inputs.images],
        unreadable=dict(inputs.unreadable),
        best={runner: best_classes(rows).tolist() for runner, rows in logits.items()},
        apart=[_apart(inputs, one, other, logits) for one, other in combinations(logits, 2)],
    )


def _apart(inputs: Inputs, one: str, other: str, logits: Mapping[str, Floats]) -> ApartFields:
    worst = farthest(logits[one], logits[other])
    return ApartFields(
        one=one, other=other, image=inputs.numbers[worst.row], relative_l2=worst.relative_l2
    )
