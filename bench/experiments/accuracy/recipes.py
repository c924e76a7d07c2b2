"""What a model's entry, or the inference.yml beside its files, says of images and classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from bench.analysis.topk import are_shares
from bench.artifacts.builder import Artifact
from bench.config.catalog import Model
from bench.config.images import InferenceFile, read_inference
from bench.core.errors import BrokenFile, InputError
from bench.core.tensors import read_reference
from bench.experiments.accuracy.class_names import check_count, read_names
from bench.experiments.accuracy.preprocess import Recipe, decoder, recipe_for
from bench.storage.schema.accuracy import RecipeFields


@dataclass(frozen=True, slots=True, kw_only=True)
class Net:
    """A model as images go through it.

    `output` is the name of the output that has the classes, `classes` how many it has, `names`
    their names where they are known, and `shares` whether they sum to 1 without a softmax. `of`
    says which output of which net that is.
    """

    recipe: Recipe
    output: str
    classes: int
    shares: bool
    names: tuple[str, ...] | None
    of: str


def net_of(model: Model, artifact: Artifact) -> Net:
    """Return how images go through the artifact of `model`; raises InputError."""
    reference = read_reference(artifact.reference)
    shapes = [array.shape[1:] for array in reference.inputs.values()]
    if len(shapes) > 1:
        raise InputError(
            f"{model.variant} takes {len(shapes)} inputs, and an image is one",
            hint="measure its latency, or choose a net of images",
        )
    output = _output(model, list(reference.outputs))
    rows = reference.outputs[output]
    rows = rows.reshape(len(rows), -1)
    return Net(
        recipe=recipe_of(model, shapes[0]),
        output=output,
        classes=rows.shape[1],
        shares=are_shares(rows),
        names=_checked_names(model, rows.shape[1]),
        of=_called(model, output, list(reference.outputs)),
    )


def _called(model: Model, output: str, names: Sequence[str]) -> str:
    """Return the net's name, with its output's where it has several."""
    others = ", ".join(name for name in names if name != output)
    return f"{model.variant}, output {output} (others: {others})" if others else model.variant


def _output(model: Model, names: Sequence[str]) -> str:
    """Return the output that has the classes; raises InputError."""
    if model.output is None:
        return names[0]
    if model.output not in names:
        raise InputError(
            f"{model.variant} has no output '{model.output}'",
            hint=f"name one of {', '.join(names)} as `output` of its entry",
        )
    return model.output


def recipe_of(model: Model, shape: Sequence[int]) -> Recipe:
    """Return how images become an input of `shape`, without the batch.

    Raises InputError, and BrokenFile for an inference.yml that can't be followed.
    """
    if model.preprocess is not None or (beside := _beside(model)) is None:
        return recipe_for(shape, model.preprocess)
    recipe = recipe_for(shape, beside.preprocess)
    if beside.crop not in (None, (recipe.height, recipe.width)):
        raise InputError(
            f"{model.inference_file}: images are cropped to {' x '.join(map(str, beside.crop))}, "
            f"and the net's input is {recipe.height} x {recipe.width}",
            hint=f"give the `input` of {model.variant} in its entry",
        )
    return recipe


def _checked_names(model: Model, classes: int) -> tuple[str, ...] | None:
    names, source = names_of(model), model.class_names or model.inference_file
    if names is not None and source is not None:
        check_count(names, classes, source)
    return names


def names_of(model: Model) -> tuple[str, ...] | None:
    """Return the names of the classes, None where neither file says; raises BrokenFile."""
    if model.class_names is not None:
        return read_names(model.class_names)
    beside = _beside(model)
    return None if beside is None else beside.class_names


def names_of_all(models: Iterable[Model]) -> tuple[str, ...] | None:
    """Return the names of the classes where all `models` that have some have the same ones.

    A file of names that can't be read has none.
    """
    known = set[tuple[str, ...]]()
    for model in models:
        with suppress(BrokenFile):
            known |= {names for names in (names_of(model),) if names is not None}
    return next(iter(known)) if len(known) == 1 else None


def _beside(model: Model) -> InferenceFile | None:
    return None if model.inference_file is None else read_inference(model.inference_file)


def recipe_fields(recipe: Recipe) -> RecipeFields:
    """Return a recipe as a manifest holds it."""
    how = recipe.how
    way = _OPENCV[how.interpolation] if how.backend == "opencv" else f"Pillow {how.interpolation}"
    return RecipeFields(
        short=recipe.short,
        height=recipe.height,
        width=recipe.width,
        resizing=way,
        decoder=decoder(),
        size=how.size,
        scale=how.scale,
        mean=how.mean,
        std=how.std,
        channels=how.channels,
    )


_OPENCV: Mapping[str, str] = {
    "nearest": "INTER_NEAREST",
    "bilinear": "INTER_LINEAR",
    "bicubic": "INTER_CUBIC",
}
