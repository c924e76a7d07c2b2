"""The models: models/catalog.toml, and the published figures in models/published.csv.

Adding a model is one entry: a `module:function` factory that returns the net, or the path of an
exported Paddle model of one's own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator

from bench.config.published import FAULTS, PUBLISHED
from bench.core.digest import canonical_digest, file_sha256
from bench.core.errors import BrokenFile, InputError, UnknownName
from bench.storage.validation import (
    Positive,
    Strict,
    explain,
    read_toml,
)

CATALOG = "catalog.toml"
_CATALOGUE_FILES = (CATALOG, PUBLISHED, FAULTS, "README.md")
_HASH_DIGITS = 16


class Entry(Strict):
    """One model of the catalogue; exactly one of `factory` and `exported`."""

    factory: str | None = None
    exported: str | None = None
    published: str | None = None
    title: str | None = None
    input: Annotated[tuple[Positive, ...], Field(min_length=1)] = (3, 224, 224)
    tolerance: Annotated[float, Field(gt=0, lt=1)] | None = None
    settings: dict[str, dict[str, str]] = {}

    @model_validator(mode="after")
    def _one_source(self) -> Entry:
        if (self.factory is None) == (self.exported is None):
            raise ValueError("give exactly one of 'factory' and 'exported'")
        if self.factory is not None and not all(self.factory.partition(":")):
            raise ValueError("'factory' is written \"module:function\"")
        return self


class Catalogue(Strict):
    """The whole of catalog.toml."""

    models: Annotated[
        dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_.]+$")], Entry], Field(min_length=1)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Which weights a net gets: seeded (and BN-calibrated), pretrained, or a `.pdparams` file."""

    kind: str = "seeded"
    path: Path | None = None

    @property
    def label(self) -> str:
        """What a report calls them: their kind, a file by the first digits of its SHA-256 too."""
        return self.kind if self.path is None else f"{self.kind} {file_sha256(self.path)[:8]}"

    def source(self) -> dict[str, Any]:
        """Return what the exporter wants to be told."""
        if self.kind == "file":
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

    @property
    def input_text(self) -> str:
        return "x".join(str(extent) for extent in self.input)


def parse_weights(text: str) -> Weights:
    """Return the weights that `--weights` names; raises InputError where it is no such file."""
    if text in ("seeded", "pretrained"):
        return Weights(kind=text)
    path = Path(text)
    if not path.is_file():
        raise InputError(
            f"--weights {text}: there is no such file",
            hint="give 'seeded', 'pretrained' or the path of a .pdparams file",
        )
    return Weights(kind="file", path=path.resolve())


def load_catalogue(folder: Path) -> Catalogue:
    """Return models/catalog.toml; raises BrokenFile."""
    path = folder / CATALOG
    try:
        return Catalogue.model_validate(read_toml(path))
    except ValidationError as error:
        raise BrokenFile(path, explain(error), hint="see models/README.md for the form") from error


def select(catalogue: Catalogue, names: Sequence[str]) -> list[str]:
    """Return the variants that `names` mean, all for none; raises UnknownName."""
    for name in names:
        if name not in catalogue.models:
            raise UnknownName("variant", name, catalogue.models)
    return list(dict.fromkeys(names)) or list(catalogue.models)


def resolve(catalogue: Catalogue, variant: str, folder: Path, weights: Weights) -> Model:
    """Return `variant` with `weights`, hashed; raises BrokenFile where its file isn't there."""
    entry = catalogue.models[variant]
    if entry.exported is not None:
        source, identity = _exported(folder, entry.exported)
        weights = Weights(kind="exported")
    else:
        source = {"factory": entry.factory, "search_path": [str(folder.resolve())]}
        identity = {"factory": entry.factory, "code": _factory_code(str(entry.factory), folder)}
        identity["weights"] = weights.identity()
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
    )


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
    return (
        {"exported": str(path)},
        {"exported": [file_sha256(path), file_sha256(params)]},
    )


def _factory_code(factory: str, folder: Path) -> str | None:
    """Return a digest of what the factory may read where it lies in the models folder, else None.

    Every file of the folder counts: a factory imports some and reads others, such as a YAML file
    that describes the net. A package's factory (paddle.vision) is pinned by its environment.
    """
    top = factory.partition(":")[0].partition(".")[0]
    if not ((folder / f"{top}.py").is_file() or (folder / top).is_dir()):
        return None
    try:
        files = {path.relative_to(folder): file_sha256(path) for path in _files(folder)}
    except OSError as error:
        raise BrokenFile(
            error.filename, str(error.strerror), hint="a model's hash takes every file beside it"
        ) from error
    return canonical_digest([[str(path), files[path]] for path in sorted(files)])


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files below `folder` but hidden ones, bytecode and the catalogue's own.

    Linked folders are followed, each once.
    """
    known = set[Path]()
    for root, folders, names in os.walk(folder, followlinks=True):
        real = Path(root).resolve()
        if real in known:
            folders.clear()
            continue
        known.add(real)
        folders[:] = sorted(it for it in folders if it[0] != "." and it != "__pycache__")
        own = _CATALOGUE_FILES if Path(root) == folder else ()
        paths = (Path(root) / name for name in names if name[0] != "." and name not in own)
        yield from (path for path in paths if path.is_file())


SEEDED = "seeded weights know nothing: what they say of an image is chance"


OTHER_WEIGHTS = "give --weights pretrained, or a .pdparams file"
