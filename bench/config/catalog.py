"""The models: models/catalog.toml, and the published figures in models/published.csv.

Adding a model is one entry: a `module:function` factory that returns the net, or the path of an
exported Paddle model of one's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bench.config.entries import Catalogue, Entry, Task
from bench.config.factories import factory_code
from bench.config.images import Preprocess
from bench.config.net_files import (
    FACTORY,
    FILE_FORMATS,
    inference_file,
    origin_of,
    own_file,
    sha256_of,
)
from bench.config.published import FAULTS, PUBLISHED
from bench.core.digest import canonical_digest, file_sha256
from bench.core.errors import BenchError, BrokenFile, InputError, UnknownName
from bench.core.paths import document
from bench.core.tensors import BATCH, TensorSpec
from bench.storage.validation import explain, read_toml

CATALOG = "catalog.toml"
_CATALOGUE_FILES = (CATALOG, PUBLISHED, FAULTS, "README.md")
_HASH_DIGITS = 16
EXPORTED = "exported"
"""The kind of weights that a net's own file has."""


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

    `inputs` are what its entry says of them, by name, '' for the only one; {}: its file tells all.
    `values` is an .npz file of arrays by the names of inputs, which take the place of seeded ones.
    `origin` is FACTORY, or the format of artifact that its file is of; `digests` are of its files.
    `tolerance` is the relative L2 distance that FP32 output of it may have, None: the runner's;
    `settings` are those of runners, by name, that take the place of a suite's.

    `task` "none": it has no classes. `preprocess` and `class_names` are its entry's, None: the
    `inference_file` beside an exported model says, where there is one. `output` is the name of the
    output that holds the classes, None: the first. `top1` and `top5` are its entry's shares.

    `problem` is why it can't be had: nothing is made of it, and the others go on.
    """

    variant: str
    title: str
    inputs: Mapping[str, TensorSpec]
    source: Mapping[str, Any]
    weights: Weights
    hash: str
    origin: str = FACTORY
    values: Path | None = None
    digests: Sequence[str | None] = ()
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
    def input(self) -> tuple[int, ...]:
        """The extents of its only image, without the batch; () where it takes anything else."""
        specs = list(self.inputs.values())
        plain = len(specs) == 1 and specs[0] == TensorSpec(shape=(BATCH, *specs[0].shape[1:]))
        return tuple(int(extent) for extent in specs[0].shape[1:]) if plain else ()

    @property
    def input_text(self) -> str:
        """What a cell's id has of the inputs."""
        image = "x".join(str(extent) for extent in self.input)
        every = ", ".join(f"{name}={spec.text}" for name, spec in self.inputs.items())
        return image or every or "as in the file"

    @property
    def called(self) -> str:
        """What it is, for a sentence: the name of its file and the format of that."""
        if self.origin == FACTORY:
            return f"{self.variant} is a factory's net"
        path = Path(self.source["exported"])
        return f"{path.name} is {FILE_FORMATS[path.suffix].called}"

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
        raise BrokenFile(
            path, explain(error), hint=f"see {document('models/README.md')} for the form"
        ) from error


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
        if entry.values is not None:
            identity["values"] = sha256_of(folder / entry.values)
    except BrokenFile as error:
        source, identity, problem = {}, {"missing": entry.model_dump(mode="json")}, error
    return Model(
        variant=variant,
        title=entry.title or entry.published or variant,
        inputs=entry.specs,
        source=source,
        weights=weights,
        hash=canonical_digest([identity, entry.identity], _HASH_DIGITS),
        origin=origin_of(source),
        values=None if entry.values is None else (folder / entry.values).resolve(),
        digests=identity.get("file") or identity.get("exported") or (),
        published=entry.published,
        tolerance=entry.tolerance,
        settings=entry.settings,
        task=entry.task,
        preprocess=entry.preprocess,
        inference_file=inference_file(source),
        class_names=folder / entry.class_names if entry.class_names else None,
        output=entry.output,
        top1=entry.top1,
        top5=entry.top5,
        problem=problem,
    )


def _weights(entry: Entry, folder: Path, weights: Weights) -> Weights:
    """Return the weights of `entry`, whose own take the place of seeded ones alone."""
    if entry.factory is None:
        return Weights(kind=EXPORTED)
    if entry.weights is not None and weights.kind == "seeded":
        return Weights(kind="own", path=(folder / entry.weights).resolve())
    return weights


def _check_beside(entry: Entry, folder: Path) -> None:
    """Raise BrokenFile where a path of `entry` beside its source leads nowhere."""
    files = (
        ("the file of class names", entry.class_names, "class_names"),
        ("the .pdparams file", entry.weights, "weights"),
        ("the .npz file", entry.values, "values"),
    )
    missing = [it for it in files if it[1] is not None and not (folder / it[1]).is_file()]
    missing += [
        ("the folder of modules", path, "search_path")
        for path in entry.search_path
        if not (folder / path).is_dir()
    ]
    for what, path, name in missing:
        hint = f"give its path from this folder as {name}"
        raise BrokenFile(folder / CATALOG, f"{what} isn't at {path}", hint=hint)


def _source(
    entry: Entry, folder: Path, weights: Weights, apart: Set[Path]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return where the net is from, and what names it; raises BrokenFile.

    The files `apart` are no code: the catalogue's own, and weights that entries name.
    """
    if entry.factory is None:
        given = str(entry.file or entry.exported)
        file, contents = own_file(folder, given, folder / CATALOG)
        return {"exported": str(file)}, {"file" if entry.file else "exported": contents}
    factory = str(entry.factory)
    path = [folder, *(folder / it for it in entry.search_path)]
    whole = (folder / CATALOG).is_file()
    code = factory_code(factory, path, apart, whole=whole)
    return (
        {"factory": factory, "search_path": [str(it.resolve()) for it in path]},
        {"factory": factory, "code": code, "weights": weights.identity()},
    )


SEEDED = "seeded weights know nothing: what they say of an image is chance"


OTHER_WEIGHTS = "give --weights pretrained, or a .pdparams file"
