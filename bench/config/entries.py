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

    Paths are from the catalogue's folder; the formats are those of `bench.config.net_files`.
    """

    factory: str | None = Field(
        default=None,
        description='`"module:function"`, called without arguments, returns a `paddle.nn.Layer`; '
        "the module may lie beside the catalogue",
    )
    exported: str | None = Field(
        default=None,
        description="the path of a net's file whose `input` is that of a factory's net unless it "
        "says otherwise",
    )
    file: str | None = Field(
        default=None,
        description="the path of a net's file, or of a folder with one, whose inputs are as in the "
        "file",
    )
    weights: str | None = Field(
        default=None,
        description="a `.pdparams` file of its own for a factory's net, in place of seeded ones",
    )
    published: str | None = Field(
        default=None, description="the row of published.csv to print beside it"
    )
    title: str | None = Field(
        default=None,
        description="the name in tables; without it `published`, then the entry's own name",
    )
    input: Annotated[tuple[Positive, ...], Field(min_length=1)] = Field(
        default=(3, 224, 224), description="channels, height and width of the only input"
    )
    inputs: dict[str, Annotated[str, AfterValidator(_spec)]] = Field(
        default={},
        description="shape, type and range of each input by its name, in place of `input`; N is "
        "the batch",
    )
    values: str | None = Field(
        default=None,
        description="an .npz file of arrays by the names of inputs, in place of seeded ones",
    )
    tolerance: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None,
        description="how far FP32 output may be from the reference, as relative L2; without it the "
        "runner's, mostly 1e-4",
    )
    settings: dict[str, dict[str, str]] = Field(
        default={}, description="settings by runner, in place of a suite's"
    )
    task: Task = Field(
        default="classify",
        description="`none` is a net without classes: it has latencies and costs, and no accuracy",
    )
    preprocess: Preprocess | None = Field(
        default=None, description="how an image becomes the input; a section of its own"
    )
    class_names: str | None = Field(
        default=None, description="a file of class names, one a line in the order of the outputs"
    )
    output: str | None = Field(
        default=None,
        description="the name of the output that has the classes; without it the first",
    )
    search_path: tuple[str, ...] = Field(
        default=(),
        description="folders in which a factory's module is looked for after the catalogue's; "
        "their files are part of the model's hash",
    )
    top1: Share | None = Field(
        default=None, description="its top-1 accuracy as a share, where nobody published it"
    )
    top5: Share | None = Field(default=None, description="its top-5 accuracy as a share")
    suites: list[str] | None = Field(
        default=None,
        description="the suites that measure it where no model is named; without it all",
    )

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

    models: Annotated[
        dict[Annotated[str, Field(pattern=f"^{_NAME}$")], Entry], Field(min_length=1)
    ] = Field(
        description="the models by the names that `--variant` takes, each a section `[models.NAME]`"
    )


def entry_name(text: str) -> str:
    """Return `text`, such as a file's name, as an entry may be called."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", text).lstrip("_.-")[:64] or "model"
