"""`bench predict`: the five classes that a net sees in one image, and what one inference takes."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.config.catalog import OTHER_WEIGHTS, SEEDED
from bench.config.net_files import FILE_FORMATS
from bench.core.errors import InputError
from bench.core.output import say, show, show_lines
from bench.core.program import command
from bench.core.units import significant, to_ms
from bench.experiments.accuracy.cells import Selection, select
from bench.experiments.accuracy.class_names import check_count, read_names
from bench.experiments.accuracy.dataset import ImageOptions
from bench.experiments.accuracy.engine import OpenEngine, open_engine
from bench.experiments.accuracy.predict import TIMED, WARM_UP, Prediction, predict
from bench.experiments.context import Options, Tables
from bench.experiments.nets import catalogue_of

_INCLUDES = "the input copied in, the net run, the output copied out"


def run(options: Options, tables: Tables, *, opener: OpenEngine = open_engine) -> int:
    """Print what one net sees in one image. Returns 0.

    Raises InputError, Unavailable, and BenchError where the engine gives no answer.
    """
    path, options = _image(options)
    selection = _selected(options, tables)
    labels = options.of(ImageOptions).labels
    names = None if labels is None else read_names(labels)
    prediction = predict(path, selection, options, tables, opener=opener)
    if names is None:
        names = prediction.names
    elif labels is not None:
        check_count(names, prediction.outputs, labels)
    if options.as_json:
        show(json.dumps(_values(selection, prediction, names), indent=1) + "\n")
    else:
        show_lines(_lines(selection, prediction, names))
    if selection.models[0].weights.kind == "seeded":
        say(f"bench: {SEEDED}; {OTHER_WEIGHTS}")
    return 0


def _image(options: Options) -> tuple[Path, Options]:
    """Return the image, and the options with the net that is named by its file, if any."""
    if len(options.words) not in (1, 2):
        given = f"{len(options.words)} words are" if options.words else "nothing is"
        raise InputError(
            f"predict takes an image, and a model's file after it, and {given} given",
            hint=f"as in {command('predict cat.jpg')}, or {command('predict cat.jpg net.onnx')}",
        )
    image, *files = options.words
    if files and _is_net(image) and not _is_net(files[0]):
        swapped = shlex.join([files[0], image])
        raise InputError(
            f"predict takes the image first, and {image} is a net's file",
            hint=f"write {command(f'predict {swapped}')}",
        )
    own = {**options.own, "model_files": files} if files else options.own
    return Path(image), replace(options, own=own)


def _is_net(word: str) -> bool:
    return Path(word).is_dir() or Path(word).suffix in FILE_FORMATS


def _selected(options: Options, tables: Tables) -> Selection:
    """Return the one model and runner; raises InputError where several are named."""
    several = next((it for it in (options.variants, options.axes.runners) if len(it) > 1), None)
    if several is not None:
        raise InputError(
            f"predict asks one engine about one net, and {', '.join(several)} are given",
            hint="name one --variant and one --runner",
        )
    models = catalogue_of(options)[0].models
    first = next((name for name, it in models.items() if it.task == "classify"), next(iter(models)))
    return select(replace(options, variants=options.variants or [first]), tables)


def _lines(selection: Selection, prediction: Prediction, names: Sequence[str] | None) -> list[str]:
    (model,), (runner,) = selection.models, selection.runners
    head = f"{model.title}, {model.weights.label} weights, {runner} ({prediction.engine})"
    own = prediction.softmax == "own"
    lines = [f"{head}; the shares are the net's own softmax" if own else head, ""]
    for number, share in zip(prediction.classes, prediction.shares, strict=True):
        name = "" if names is None else f"  {names[number]}"
        lines.append(f"  {share:8.3%}  class {number}{name}")
    threads = "1 thread" if selection.threads == 1 else f"{selection.threads} threads"
    inference, reading, load = map(
        _ms, (prediction.inference_ns, prediction.reading_ns, prediction.load_ns)
    )
    lines.append("")
    lines.append(
        f"one inference: {inference} ms on {threads}, the median of {TIMED} after {WARM_UP} to "
        f"warm up: {_INCLUDES}"
    )
    lines.append(
        f"not in it: {reading} ms to read and prepare the image, {load} ms to load the net; "
        f"{command('run')} measures with intervals"
    )
    return lines


def _ms(nanoseconds: float) -> str:
    return significant(to_ms(nanoseconds))


def _values(
    selection: Selection, prediction: Prediction, names: Sequence[str] | None
) -> dict[str, Any]:
    (model,), (runner,) = selection.models, selection.runners
    best = zip(prediction.classes, prediction.shares, strict=True)
    return {
        "variant": model.variant,
        "runner": runner,
        "engine": prediction.engine,
        "weights": model.weights.label,
        "threads": selection.threads,
        "softmax": prediction.softmax,
        "classes": [
            {"class": number, "name": names[number] if names else None, "probability": share}
            for number, share in best
        ],
        "inference_ns": prediction.inference_ns,
        "inference_includes": _INCLUDES,
        "reading_ns": prediction.reading_ns,
        "load_ns": prediction.load_ns,
    }
