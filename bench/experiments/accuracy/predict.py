"""One image through one engine: the best classes, and what one inference takes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Literal

from bench.analysis.topk import are_shares, best_classes, probabilities
from bench.artifacts.builder import Artifact
from bench.core.errors import BenchError, BrokenFile
from bench.core.locks import cache_in_use
from bench.core.output import say
from bench.environments.interpreters import Environments
from bench.experiments.accuracy.batch import check_finite
from bench.experiments.accuracy.cells import Bench, Selection
from bench.experiments.accuracy.engine import Engine, OpenEngine, write_images
from bench.experiments.accuracy.preprocess import (
    Unreadable,
    quiet_decoder,
    read_pixels,
    to_input,
)
from bench.experiments.accuracy.recipes import Net, net_of
from bench.experiments.context import Options, Tables
from bench.experiments.preparation import say_dropped
from bench.launcher.process import request_folder
from bench.storage.schema.latency import reason
from bench.targets.base import opened

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

WARM_UP = 3
TIMED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The best classes with their shares; `outputs` is how many classes there are, `names`
    are theirs where they are known, `softmax` is
    whose it is: the net's own, or one that was applied to its output.

    `inference_ns` is the median of `TIMED` inferences after `WARM_UP` others, each end to end: the
    input copied in, the net run, the output copied out.
    """

    classes: tuple[int, ...]
    shares: tuple[float, ...]
    outputs: int
    names: tuple[str, ...] | None
    softmax: Literal["own", "applied"]
    inference_ns: float
    reading_ns: int
    load_ns: int
    engine: str


def predict(
    path: Path, selection: Selection, options: Options, tables: Tables, *, opener: OpenEngine
) -> Prediction:
    """Return what the one model and runner of `selection` see in an image file.

    Raises InputError, Unavailable, and BenchError where the engine gives no answer.
    """
    started = time.perf_counter_ns()
    try:
        with quiet_decoder():
            pixels = read_pixels(path)
    except Unreadable as error:
        raise BrokenFile(path, error.problem, hint="give a whole image file") from error
    read_ns = time.perf_counter_ns() - started
    with _engine(selection, options, tables, opener) as (engine, net):
        started = time.perf_counter_ns()
        array = to_input(pixels, net.recipe)
        reading_ns = read_ns + time.perf_counter_ns() - started
        return _predicted(engine, net, array, path.name, reading_ns)


@contextmanager
def _engine(
    selection: Selection, options: Options, tables: Tables, opener: OpenEngine
) -> Iterator[tuple[Engine, Net]]:
    (model,) = selection.models
    spec = options.checked_target(selection.runners[0], selection.target, tables.targets)
    with opened(spec, tables.targets) as target, cache_in_use(options.cache):
        say_dropped(options, target)
        environments = Environments(options.cache, options.envs, passed=options.passed)
        bench = Bench(
            tables=tables, options=options, target=target, environments=environments, opener=opener
        )
        (cell,) = selection.cells()
        made = bench.make(selection, [cell], lambda what: say(f"preparing: {what}"))[cell]
        if not isinstance(made, Artifact):
            raise BenchError(
                f"{cell.variant} {cell.runner} {reason(made)}", hint="choose another --runner"
            )
        net = net_of(model, made)
        with bench.open(cell, made) as engine:
            yield engine, net


def _predicted(engine: Engine, net: Net, array: Floats, name: str, reading_ns: int) -> Prediction:
    with request_folder() as scratch:
        images = write_images(scratch, array[None])
        logits = check_finite(engine.infer(images, 1, output=net.output), [name])
        engine.time(WARM_UP)
        samples = engine.time(TIMED)
    classes = best_classes(logits)[0].tolist()
    return Prediction(
        classes=tuple(classes),
        shares=tuple(float(share) for share in probabilities(logits)[0][classes]),
        outputs=logits.shape[1],
        names=net.names,
        softmax="own" if are_shares(logits) else "applied",
        inference_ns=median(samples),
        reading_ns=reading_ns,
        load_ns=engine.opened.load_ns,
        engine=engine.opened.facts.get("engine", "unknown"),
    )
