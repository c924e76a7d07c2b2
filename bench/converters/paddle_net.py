"""A net from its factory: built, given its weights, and run."""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.converters import paddle_weights, weights_mapping
from bench.converters.paddle_call import first_line, forward
from bench.core.errors import ArtifactError
from bench.core.paths import document
from bench.core.tensors import TensorSpec, seeded

CACHED = "weights.pdparams"
CALIBRATION_BATCHES = 4
CALIBRATION_BATCH_SIZE = 8
OTHER_WEIGHTS = "take seeded weights (--weights seeded) or a .pdparams file of your own"


@contextmanager
def importing_from(folders: list[str]) -> Iterator[None]:
    """Look for modules in `folders` first, as long as the block lasts."""
    before = list(sys.path)
    sys.path[:0] = folders
    try:
        yield
    finally:
        sys.path[:] = before


def prepare(
    factory: str, weights: Mapping[str, Any], specs: Mapping[str, TensorSpec], *, cache: Path
) -> tuple[Any, str]:
    """Return the net in eval mode with the weights asked for, and why kept ones weren't taken.

    Seeded and pretrained weights are made once and kept in `cache`, a folder for this net and
    these weights alone: whatever exports the net next gets them to the bit. Those that don't load
    are made anew: '' says that they did.
    """
    kind, kept = weights["kind"], cache / CACHED
    if kind == "file":
        return _with_file(factory, Path(weights["path"])), ""
    remade = ""
    if kept.is_file():
        try:
            return _filled(build(factory), kept, _read(kept)), ""
        except ArtifactError as error:
            remade = error.problem
    if kind == "pretrained":
        net = build(factory, pretrained=True)
    else:
        net = _seed(factory, weights["seed"], specs)
    _keep(net, kept)
    return net, remade


def describe(weights: Mapping[str, Any]) -> str:
    """Return what a report says of a weights spec."""
    if weights["kind"] == "seeded":
        return f"seeded {weights['seed']}"
    return Path(weights["path"]).name if weights["kind"] == "file" else "pretrained"


def digest(net: Any) -> str:
    """Return the SHA-256 over every weight's name, dtype, shape and bytes, in order of names."""
    total = hashlib.sha256()
    for name, tensor in sorted(net.state_dict().items()):
        array = tensor.numpy()
        total.update(f"{name} {array.dtype} {array.shape}\n".encode())
        total.update(array.tobytes())
    return total.hexdigest()


def build(factory: str, **arguments: int) -> Any:
    """Call "module:function" and return the paddle.nn.Layer that comes out, in eval mode."""
    import paddle

    function = _find(factory)
    try:
        net = function(**arguments)
    except Exception as error:
        if "num_classes" in arguments:
            raise ArtifactError(
                f"{factory} can't be built for {arguments['num_classes']} classes, which the "
                f"weights are for ({first_line(error)})",
                hint="give it a parameter num_classes, the width of its last layer",
            ) from error
        if arguments:
            lacking = isinstance(error, TypeError)
            needs = "it has to take `pretrained`" if lacking else "the download needs the network"
            raise ArtifactError(
                f"{factory} gave no pretrained weights ({first_line(error)})",
                hint=f"{needs}; otherwise {OTHER_WEIGHTS}",
            ) from error
        raise ArtifactError(
            f"{factory} raised {first_line(error)}",
            hint=_where_it_stopped(error),
        ) from error
    if not isinstance(net, paddle.nn.Layer):
        raise ArtifactError(
            f"{factory} returned a {type(net).__name__}", hint="it must return a paddle.nn.Layer"
        )
    net.eval()
    return net


def _where_it_stopped(error: Exception) -> str:
    """Return the line of the factory that raised, or that the call itself did."""
    own = error.__traceback__.tb_next if error.__traceback__ else None
    if own is None:
        return "it must run when called with no arguments"
    return f"mend {own.tb_frame.f_code.co_filename}, line {own.tb_lineno}"


def _find(factory: str) -> Any:
    module_name, colon, name = factory.partition(":")
    if not (module_name and colon and name):
        raise ArtifactError(f"'{factory}' names no factory", hint='write it "module:function"')
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise _import_error(module_name, error) from error
    function = getattr(module, name, None)
    if not callable(function):
        raise ArtifactError(
            f"module {module_name} has no function '{name}'",
            hint=f"it was read from {getattr(module, '__file__', None)}",
        )
    return function


def _import_error(module_name: str, error: Exception) -> ArtifactError:
    missing = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
    if missing and f"{module_name}.".startswith(f"{missing}."):
        return ArtifactError(
            f"there is no module '{module_name}'", hint="name the folder that it is in"
        )
    return ArtifactError(
        f"importing {module_name} raised {first_line(error)}",
        hint="it must import in the paddle environment",
    )


def _seed(factory: str, seed: int, specs: Mapping[str, TensorSpec]) -> Any:
    """Return a net with seeded weights and batch norms that fit them.

    Initial statistics would let the activations fade to 1e-6, too small to compare engines by. Only
    the batch norms are in train mode meanwhile: dropout and auxiliary heads stay out of it.
    """
    import paddle

    paddle.seed(seed)
    net = build(factory)
    norms = [layer for layer in net.sublayers(include_self=True) if _has_statistics(layer)]
    momenta = [norm._momentum for norm in norms]  # noqa: SLF001 - Paddle has no other name for it
    batches = CALIBRATION_BATCHES if norms else 0
    drawn = seeded(specs, batches * CALIBRATION_BATCH_SIZE, seed)
    for index in range(batches):
        for norm in norms:
            norm.train()
            # i/(i+1) makes the running mean cumulative: the first batch replaces what was there.
            norm._momentum = index / (index + 1)  # noqa: SLF001
        rows = slice(index * CALIBRATION_BATCH_SIZE, (index + 1) * CALIBRATION_BATCH_SIZE)
        forward(net, {it: drawn[it][rows] if specs[it].batched else drawn[it] for it in specs})
    for norm, momentum in zip(norms, momenta, strict=True):
        norm._momentum = momentum  # noqa: SLF001
        norm.eval()
    return net


def _has_statistics(layer: Any) -> bool:
    from paddle import nn

    kinds = (nn.BatchNorm, nn.BatchNorm1D, nn.BatchNorm2D, nn.BatchNorm3D, nn.SyncBatchNorm)
    return isinstance(layer, kinds)


def _keep(net: Any, kept: Path) -> None:
    import paddle

    kept.parent.mkdir(parents=True, exist_ok=True)
    beside = kept.with_name(f"{os.getpid()}.{kept.name}")
    paddle.save(net.state_dict(), str(beside))
    beside.replace(kept)


def _with_file(factory: str, path: Path) -> Any:
    """Return the net with the weights of a person's file, of as many classes as that has."""
    weights, net = _read(path), build(factory)
    classes = weights_mapping.other_classes(_arrays(net), weights)
    return _filled(net if classes is None else build(factory, num_classes=classes), path, weights)


def _read(path: Path) -> Mapping[str, Any]:
    """Return the tensors of a .pdparams file by their names there."""
    if not path.is_file():
        raise ArtifactError(f"{path} is no file", hint=OTHER_WEIGHTS)
    try:
        weights = paddle_weights.load(path)
    except ArtifactError:
        raise
    except Exception as error:
        raise ArtifactError(
            f"{path} can't be read as weights ({first_line(error)})", hint=OTHER_WEIGHTS
        ) from error
    if not isinstance(weights, Mapping):
        held = f"it holds a {type(weights).__name__}, not a dict of weights"
        raise ArtifactError(f"{path} doesn't fit the net: {held}", hint=OTHER_WEIGHTS)
    return weights


def _filled(net: Any, path: Path, weights: Mapping[str, Any]) -> Any:
    """Put the weights of `path` into `net`, all of them or none, and return it."""
    try:
        net.set_state_dict(weights_mapping.fit(_arrays(net), weights))
    except weights_mapping.Misfit as misfit:
        raise ArtifactError(
            f"{path} doesn't fit the net: {misfit}",
            hint=f"{document('docs/weights.md')} tells how names are matched; else {OTHER_WEIGHTS}",
        ) from misfit
    return net


def _arrays(net: Any) -> dict[str, Any]:
    return {name: tensor.numpy() for name, tensor in net.state_dict().items()}
