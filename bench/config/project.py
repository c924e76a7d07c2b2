"""bench.toml: where the models, the results and the cache of a folder lie.

    models = "nets"             # the folder of catalog.toml
    results = "measured"
    cache = "~/big/cache"

Each key is optional; a path is relative to the file. The file holds for its folder and those below
it. Without a key: models/ where it has a catalogue, else the catalogue that comes with the harness;
results/; ~/.cache/shufflenet-bench, or $XDG_CACHE_HOME.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError

from bench.config.catalog import CATALOG
from bench.core.errors import BrokenFile
from bench.core.paths import PROJECT, is_checkout, shipped_catalogue
from bench.storage.validation import Strict, explain, read_toml

FILE = "bench.toml"


def _usable(path: Path) -> Path:
    if "\0" in str(path):
        raise ValueError("a path holds no NUL")
    try:
        return path.expanduser()
    except RuntimeError as error:  # ~name, and nobody has that name
        raise ValueError(str(error)) from error


Folder = Annotated[Path, AfterValidator(_usable)]


class Project(Strict):
    """The whole of a bench.toml."""

    models: Folder | None = Field(
        default=None, description="the folder of catalog.toml, as `--models`"
    )
    results: Folder | None = Field(default=None, description="the results folder, as `--results`")
    cache: Folder | None = Field(
        default=None, description="the folder of environments and artifacts, as `--cache`"
    )


def find_project(start: Path) -> Path | None:
    """Return the bench.toml that holds for `start`: its own, or the nearest one above it."""
    folders = (start, *start.parents)
    return next((it / FILE for it in folders if (it / FILE).is_file()), None)


def load_project(start: Path) -> Project:
    """Return what holds for `start`, its paths made ready to use; raises BrokenFile."""
    path = find_project(start)
    if path is None:
        return Project()
    try:
        read = Project.model_validate(read_toml(path))
    except ValidationError as error:
        raise BrokenFile(
            path, explain(error), hint="the keys are models, results, cache"
        ) from error
    return Project(
        **{name: _below(path.parent, value, start) for name, value in read if value is not None}
    )


def _below(folder: Path, value: Path, start: Path) -> Path:
    """Return `value` as the file in `folder` means it; relative where it lies below `start`."""
    path = Path(os.path.normpath(folder / value))
    return path.relative_to(start) if path.is_relative_to(start) else path


def default_models() -> Path:
    """Return the models' folder unless --models says otherwise; raises BrokenFile."""
    if (models := load_project(Path.cwd()).models) is not None:
        return models
    here = Path("models")
    return here if (here / CATALOG).is_file() else shipped_catalogue()


def default_results() -> Path:
    """Return where results go unless --results says otherwise; raises BrokenFile."""
    return load_project(Path.cwd()).results or Path("results")


def default_cache() -> Path:
    """Return where environments and artifacts go unless --cache does; raises BrokenFile."""
    return load_project(Path.cwd()).cache or _user_cache()


def default_agent() -> Path:
    """Return where the device program is unless --agent says otherwise.

    That is where `make agent` puts it: build/agent in a clone, which the current folder may be too.
    """
    here = Path("build") / "agent"
    if is_checkout():
        return PROJECT / here
    return here if here.is_dir() else _user_cache() / "agent"


def _user_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "shufflenet-bench"
