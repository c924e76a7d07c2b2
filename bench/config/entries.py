"""What models/catalog.toml may say of a model. Adding one is one entry."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from bench.config.images import Preprocess
from bench.core.errors import InputError
from bench.core.tensors import BATCH, TensorSpec, parse
from bench.storage.validation import Positive, Strict

_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
"""An entry's name is part of files' names, of a comparison's twice: 255 letters hold that."""
FACTORYS_INPUT = "x"
"""What the only input of a factory's net is called."""

Share = Annotated[float, Field(gt=0, le=1)]
Task = Literal["classify", "none"]


def _spec(text: str) -> str:
    try:
        return parse(text).text
    except InputError as error:
        raise ValueError(str(error)) from error


class Entry(Strict):
    """One model of the catalogue; exactly one of `factory`, `file` and `exported`.

    `file` and `exported` are the path of a net's file from the catalogue's folder, of any format of
    `bench.config.net_files`; an `exported` one has the `input` of a factory unless it says another.
    `inputs` are shapes and types by name, '' for the only one. `values` is an .npz file of them.

    `top1` and `top5` are shares, as in published.csv. `class_names` and `search_path` are paths
    from the catalogue's folder.
    `suites` are those that measure it without its name, None: all do.
    """

    factory: str | None = None
    exported: str | None = None
    file: str | None = None
    weights: str | None = None
    published: str | None = None
    title: str | None = None
    input: Annotated[tuple[Positive, ...], Field(min_length=1)] = (3, 224, 224)
    inputs: dict[str, Annotated[str, AfterValidator(_spec)]] = {}
    values: str | None = None
    tolerance: Annotated[float, Field(gt=0, lt=1)] | None = None
    settings: dict[str, dict[str, str]] = {}
    task: Task = "classify"
    preprocess: Preprocess | None = None
    class_names: str | None = None
    output: str | None = None
    search_path: tuple[str, ...] = ()
    top1: Share | None = None
    top5: Share | None = None
    suites: list[str] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Entry:
        if sum(it is not None for it in (self.factory, self.exported, self.file)) != 1:
            raise ValueError("give exactly one of 'factory', 'file' and 'exported'")
        if self.factory is not None and not all(self.factory.partition(":")):
            raise ValueError("'factory' is written \"module:function\"")
        if self.weights is not None and self.factory is None:
            raise ValueError("an exported model has its weights: leave 'weights' out")
        if self.inputs and "input" in self.model_fields_set:
            raise ValueError("'input' is the only one of its net: give that or 'inputs'")
        return self

    @model_validator(mode="after")
    def _of_its_task(self) -> Entry:
        given = [name for name in _OF_CLASSES if getattr(self, name) is not None]
        if self.task == "none" and given:
            raise ValueError(f"'{given[0]}' is of a model with classes, and its task is \"none\"")
        if self.top1 is not None and self.top5 is not None and self.top1 > self.top5:
            raise ValueError("'top1' is above 'top5'")
        return self

    @property
    def specs(self) -> dict[str, TensorSpec]:
        """The inputs by name; {}: its file tells them."""
        if self.inputs:
            return {name: parse(text) for name, text in self.inputs.items()}
        if self.file is not None and "input" not in self.model_fields_set:
            return {}
        name = FACTORYS_INPUT if self.factory is not None else ""
        return {name: TensorSpec(shape=(BATCH, *self.input))}

    @property
    def identity(self) -> Any:
        """What its inputs add to the model's hash."""
        if self.inputs or not self.specs:
            return list(self.inputs.items())
        return self.input


_OF_CLASSES = ("class_names", "top1", "top5")


class Catalogue(Strict):
    """The whole of catalog.toml."""

    models: Annotated[dict[Annotated[str, Field(pattern=f"^{_NAME}$")], Entry], Field(min_length=1)]


def entry_name(text: str) -> str:
    """Return `text`, such as a file's name, as an entry may be called."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", text).lstrip("_.-")[:64] or "model"
