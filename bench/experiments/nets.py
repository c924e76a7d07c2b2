"""The nets that a command line means: of the catalogue, or by their files."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.config.catalog import Model, load_catalogue, parse_weights, resolve_all, select
from bench.config.entries import Catalogue
from bench.config.own_nets import own_catalogue
from bench.config.suite import Suite
from bench.core.errors import InputError
from bench.experiments.context import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnOptions:
    """Nets by their files, and what is said of their inputs: specs by name, and a file of values.

    `inputs` and `input_values` are of `model_files` alone.
    """

    model_files: Sequence[str] = ()
    inputs: Sequence[tuple[str, str]] = ()
    input_values: Path | None = None

    def flags(self) -> list[str]:
        """Return the words of the command line that say the same."""
        inputs = [f"{name}={spec}".lstrip("=") for name, spec in self.inputs]
        values = (
            [] if self.input_values is None else [f"--input-values {_quoted(self.input_values)}"]
        )
        return [
            *map(_quoted, self.model_files),
            *(f"--input {_quoted(it)}" for it in inputs),
            *values,
        ]


def _quoted(word: object) -> str:
    return shlex.quote(str(word))


def catalogue_of(options: Options) -> tuple[Catalogue, Path]:
    """Return the catalogue of the nets that `options` mean, and the folder its paths are from.

    That is the current one where they name nets by their files. Raises InputError.
    """
    own = options.of(OwnOptions)
    if own.input_values is not None and not own.input_values.is_file():
        raise InputError(
            f"--input-values {own.input_values}: there is no such file",
            hint="give the path of an .npz file",
        )
    if own.model_files:
        values = None if own.input_values is None else str(own.input_values)
        taken = load_catalogue(options.models).models
        own_ones = own_catalogue(own.model_files, dict(own.inputs), values, taken=taken)
        return own_ones, Path.cwd()
    if own.inputs or own.input_values:
        flag = "--input" if own.inputs else "--input-values"
        raise InputError(
            f"{flag} is of a model that is named by its file, and none is",
            hint="name a MODEL, or write `inputs` in the catalogue's entry",
        )
    return load_catalogue(options.models), options.models


def models_of_suite(options: Options, suite: Suite) -> tuple[Model, ...]:
    """Return the models that `options` name, else those that the suite does, else those of the
    catalogue that don't leave it out; raises what `models_of` raises.
    """
    own = options.of(OwnOptions).model_files
    return models_of(options, options.variants or ([] if own else suite.file.models), suite.name)


def models_of(
    options: Options, variants: Sequence[str], suite: str | None = None
) -> tuple[Model, ...]:
    """Return the models of `variants` (none: those `suite` measures) with their weights.

    A model whose file isn't there has that as its problem. Raises InputError, and BrokenFile where
    that is so of all.
    """
    catalogue, folder = catalogue_of(options)
    names = select(catalogue, variants, suite)
    weights = parse_weights(options.weights)
    if weights.path is not None and len(names) > 1:
        raise InputError(
            f"--weights {options.weights} is one file and {len(names)} variants are asked for",
            hint="name the one that it belongs to with --variant",
        )
    if weights.kind != "seeded" and all(catalogue.models[it].factory is None for it in names):
        raise InputError(
            f"--weights {options.weights} is of a factory's net, and {names[0]} has its weights in "
            "its own file",
            hint="leave out --weights",
        )
    models = resolve_all(catalogue, names, folder, weights)
    return tuple(model.with_tolerance(options.tolerance) for model in models)
