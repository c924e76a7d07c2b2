"""The models: models/catalog.toml, and the published figures in models/published.csv.

Adding a model is one entry: a `module:function` factory that returns the net, or the path of an
exported Paddle model of one's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from bench.config.factories import factory_code
from bench.config.images import INFERENCE_FILE, Preprocess
from bench.config.published import FAULTS, PUBLISHED
from bench.core.digest import canonical_digest, file_sha256
from bench.core.errors import BenchError, BrokenFile, InputError, UnknownName
from bench.storage.validation import Positive, Strict, explain, read_toml

CATALOG = "catalog.toml"
_CATALOGUE_FILES = (CATALOG, PUBLISHED, FAULTS, "README.md")
_HASH_DIGITS = 16
_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
"""An entry's name is part of files' names, of a comparison's twice: 255 letters hold that."""

Share = Annotated[float, Field(gt=0, le=1)]
Task = Literal["classify", "none"]


class Entry(Strict):
    """One model of the catalogue; exactly one of `factory` and `exported`.

    `top1` and `top5` are shares, as in published.csv. `class_names` and `search_path` are paths
    from the catalogue's folder.
    `suites` are those that measure it without its name, None: all do.
    """

    factory: str | None = None
    exported: str | None = None
    weights: str | None = None
    published: str | None = None
    title: str | None = None
    input: Annotated[tuple[Positive, ...], Field(min_length=1)] = (3, 224, 224)
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
        if (self.factory is None) == (self.exported is None):
            raise ValueError("give exactly one of 'factory' and 'exported'")
        if self.factory is not None and not all(self.factory.partition(":")):
            raise ValueError("'factory' is written \"module:function\"")
        if self.weights is not None and self.exported is not None:
            raise ValueError("an exported model has its weights: leave 'weights' out")
        return self

    @model_validator(mode="after")
    def _of_its_task(self) -> Entry:
        given = [name for name in _OF_CLASSES if getattr(self, name) is not None]
        if self.task == "none" and given:
            raise ValueError(f"'{given[0]}' is of a model with classes, and its task is \"none\"")
        if self.top1 is not None and self.top5 is not None and self.top1 > self.top5:
            raise ValueError("'top1' is above 'top5'")
        return self


_OF_CLASSES = ("class_names", "top1", "top5")


class Catalogue(Strict):
    """The whole of catalog.toml."""

    models: Annotated[dict[Annotated[str, Field(pattern=f"^{_NAME}$")], Entry], Field(min_length=1)]


def entry_name(text: str) -> str:
    """Return `text`, such as a file's name, as an entry may be called."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", text).lstrip("_.-")[:64] or "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Which weights a net gets: seeded (and BN-calibrated), pretrained, or a `.pdparams` file.

    "own" are those of a file that the net's entry names.
    """

    kind: str = "seeded"
    path: Path | None = None

    @property
    def label(self) -> str:
        """What a report calls them: their kind, a file by the first digits of its SHA-256 too."""
        if self.path is None or self.kind == "own":
            return self.kind
        return f"{self.kind} {file_sha256(self.path)[:8]}"

    def source(self) -> dict[str, Any]:
        """Return what the exporter wants to be told."""
        if self.path is not None:
            return {"kind": "file", "path": str(self.path)}
        return {"kind": "seeded", "seed": 0} if self.kind == "seeded" else {"kind": self.kind}

    def identity(self) -> dict[str, Any]:
        """Return what names these weights wherever they lie."""
        if self.path is not None:
            return {"kind": "file", "sha256": file_sha256(self.path)}
        return self.source()


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A net with its weights: what an artifact is made from. `hash` is part of each cell's id.

    `tolerance` is the relative L2 distance that FP32 output of it may have, None: the runner's;
    `settings` are those of runners, by name, that take the place of a suite's.

    `task` "none": it has no classes. `preprocess` and `class_names` are its entry's, None: the
    `inference_file` beside an exported model says, where there is one. `output` is the name of the
    output that holds the classes, None: the first. `top1` and `top5` are its entry's shares.

    `problem` is why it can't be had: nothing is made of it, and the others go on.
    """

    variant: str
    title: str
    input: tuple[int, ...]
    source: Mapping[str, Any]
    weights: Weights
    hash: str
    published: str | None = None
    tolerance: float | None = None
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    task: Task = "classify"
    preprocess: Preprocess | None = None
    inference_file: Path | None = None
    class_names: Path | None = None
    output: str | None = None
    top1: float | None = None
    top5: float | None = None
    problem: BenchError | None = field(default=None, compare=False)

    @property
    def input_text(self) -> str:
        return "x".join(str(extent) for extent in self.input)

    def with_tolerance(self, tolerance: float | None) -> Model:
        """Return this model with another tolerance, None: with its own."""
        return self if tolerance is None else replace(self, tolerance=tolerance)


def parse_weights(text: str) -> Weights:
    """Return the weights that `--weights` names; raises InputError where it is no such file."""
    if text in ("seeded", "pretrained"):
        return Weights(kind=text)
    path = Path(text)
    if not path.is_file():
        inside = sorted(path.glob("*.pdparams"))[:1] if path.is_dir() else []
        raise InputError(
            f"--weights {text}: there is no such file",
            hint=f"name the file in it, as in --weights {inside[0]}"
            if inside
            else "give 'seeded', 'pretrained' or the path of a .pdparams file",
        )
    return Weights(kind="file", path=path.resolve())


def load_catalogue(folder: Path) -> Catalogue:
    """Return models/catalog.toml; raises BrokenFile."""
    path = folder / CATALOG
    try:
        return Catalogue.model_validate(read_toml(path))
    except ValidationError as error:
        raise BrokenFile(path, explain(error), hint="see models/README.md for the form") from error


def select(catalogue: Catalogue, names: Sequence[str], suite: str | None = None) -> list[str]:
    """Return the variants that `names` mean; for none those that `suite` measures unnamed.

    Without a suite those that every suite does. Raises UnknownName, and InputError for no variant.
    """
    for name in names:
        if name not in catalogue.models:
            raise UnknownName("variant", name, catalogue.models)
    entries = catalogue.models.items()
    unnamed = [name for name, it in entries if it.suites is None or suite in it.suites]
    if not (names or unnamed):
        raise InputError(
            f"each model of {CATALOG} has `suites`, which leave this work out",
            hint=f"name one with --variant, as in --variant {next(iter(catalogue.models))}",
        )
    return list(dict.fromkeys(names)) or unnamed


def resolve(catalogue: Catalogue, variant: str, folder: Path, weights: Weights) -> Model:
    """Return `variant` with `weights`, hashed; raises BrokenFile where its file isn't there."""
    model = _resolve(catalogue, variant, folder, weights)
    if model.problem is not None:
        raise model.problem
    return model


def resolve_all(
    catalogue: Catalogue, names: Sequence[str], folder: Path, weights: Weights
) -> tuple[Model, ...]:
    """Return the models of `names`, each with its problem; raises BrokenFile where all have one."""
    models = tuple(_resolve(catalogue, name, folder, weights) for name in names)
    problems = [model.problem for model in models if model.problem is not None]
    if len(problems) == len(models):
        raise problems[0]
    return models


def _resolve(catalogue: Catalogue, variant: str, folder: Path, weights: Weights) -> Model:
    """Return `variant` with `weights`, hashed.

    Where a file of it isn't there the model has that as its `problem`, and the hash is that of what
    its entry says.
    """
    entry, problem = catalogue.models[variant], None
    weights = _weights(entry, folder, weights)
    named = [*_CATALOGUE_FILES, *(it.weights for it in catalogue.models.values() if it.weights)]
    try:
        _check_beside(entry, folder)
        source, identity = _source(
            entry, folder, weights, {(folder / it).resolve() for it in named}
        )
    except BrokenFile as error:
        source, identity, problem = {}, {"missing": entry.model_dump(mode="json")}, error
    return Model(
        variant=variant,
        title=entry.title or entry.published or variant,
        input=entry.input,
        source=source,
        weights=weights,
        hash=canonical_digest([identity, entry.input], _HASH_DIGITS),
        published=entry.published,
        tolerance=entry.tolerance,
        settings=entry.settings,
        task=entry.task,
        preprocess=entry.preprocess,
        inference_file=_inference_file(entry, folder),
        class_names=folder / entry.class_names if entry.class_names else None,
        output=entry.output,
        top1=entry.top1,
        top5=entry.top5,
        problem=problem,
    )


def _weights(entry: Entry, folder: Path, weights: Weights) -> Weights:
    """Return the weights of `entry`, whose own take the place of seeded ones alone."""
    if entry.exported is not None:
        return Weights(kind="exported")
    if entry.weights is not None and weights.kind == "seeded":
        return Weights(kind="own", path=(folder / entry.weights).resolve())
    return weights


def _check_beside(entry: Entry, folder: Path) -> None:
    """Raise BrokenFile where a path of `entry` beside its source leads nowhere."""
    if entry.class_names is not None and not (folder / entry.class_names).is_file():
        raise BrokenFile(
            folder / CATALOG,
            f"the file of class names isn't at {entry.class_names}",
            hint="give its path from this folder as class_names",
        )
    if entry.weights is not None and not (folder / entry.weights).is_file():
        raise BrokenFile(
            folder / CATALOG,
            f"the weights {entry.weights} aren't there",
            hint="give the path of a .pdparams file, from this folder, as weights",
        )
    for path in entry.search_path:
        if not (folder / path).is_dir():
            raise BrokenFile(
                folder / CATALOG,
                f"there is no folder {path} to look for modules in",
                hint="give folders from this one as search_path",
            )


def _source(
    entry: Entry, folder: Path, weights: Weights, apart: Set[Path]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return where the net is from, and what names it; raises BrokenFile.

    The files `apart` are no code: the catalogue's own, and weights that entries name.
    """
    if entry.exported is not None:
        return _exported(folder, entry.exported)
    factory = str(entry.factory)
    path = [folder, *(folder / it for it in entry.search_path)]
    code = next((it for one in path if (it := factory_code(factory, one, apart))), None)
    return (
        {"factory": factory, "search_path": [str(it.resolve()) for it in path]},
        {"factory": factory, "code": code, "weights": weights.identity()},
    )


def _inference_file(entry: Entry, folder: Path) -> Path | None:
    """Return the inference.yml beside an exported model, None where there is none."""
    if entry.exported is None:
        return None
    path = (folder / entry.exported).with_name(INFERENCE_FILE)
    return path if path.is_file() else None


def _exported(folder: Path, exported: str) -> tuple[dict[str, Any], dict[str, Any]]:
    path = (folder / exported).resolve()
    params = path.with_suffix(".pdiparams")
    for needed in (path, params):
        if not needed.is_file():
            raise BrokenFile(
                folder / CATALOG,
                f"the exported model's file {needed.name} isn't at {exported}",
                hint="give the path of its .json or .pdmodel, the .pdiparams beside it",
            )
    return {"exported": str(path)}, {"exported": [_sha256(path), _sha256(params)]}


def _sha256(path: Path) -> str:
    """Return the SHA-256 of a model's file; raises BrokenFile."""
    try:
        return file_sha256(path)
    except OSError as error:
        raise BrokenFile(path, str(error.strerror), hint="make it readable") from error


SEEDED = "seeded weights know nothing: what they say of an image is chance"


OTHER_WEIGHTS = "give --weights pretrained, or a .pdparams file"
