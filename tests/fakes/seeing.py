"""A net of ten classes whose answer hangs on the picture, with runners that see well or badly.

Its logits are fixed sums of the pixels of a 3 x 8 x 8 input. `export` writes the reference that a
runner's first answer has to agree with.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.artifacts.formats import Importer
from bench.core.cell import Cell
from bench.core.tensors import Tensors, only, read_reference, write_reference
from bench.core.units import Nanoseconds
from bench.experiments.context import Tables
from bench.runners import RunnerEntry
from bench.runners.base import Array
from tests.fakes import converter
from tests.fakes.net import check_file
from tests.fakes.tables import FAKE_FORMATS, fake_runner
from tests.fakes.unwatched import unwatched

Net = Callable[[Array], dict[str, Array]]
CLASSES = 10
SIZE = 8


def see(x: Array) -> Array:
    """Return the logits (batch, 10) of images (batch, 3, 8, 8)."""
    sums = np.random.default_rng(7).standard_normal((3 * SIZE * SIZE, CLASSES)) / 10
    logits: Array = (np.asarray(x, np.float64).reshape(len(x), -1) @ sums).astype(np.float32)
    return logits


def export(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write what the fake exporter writes, with this net's reference."""
    return _exported(source, options, out, lambda x: {"logits": see(x)})


def import_(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write what the fake importer writes, with this net's reference."""
    facts = converter.import_(source, options, out)
    for path in out.glob("b*/reference.npz"):
        inputs = read_reference(path).inputs
        write_reference(path, inputs, {"logits": see(only(inputs))})
    return facts


def see_both(x: Array) -> dict[str, Array]:
    """Return two outputs, of which the second has the classes."""
    return {"features": np.asarray(x, np.float32).mean(axis=(2, 3)), "logits": see(x)}


def export_both(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write what the fake exporter writes, with a reference of two outputs."""
    return _exported(source, options, out, see_both)


def see_shares(x: Array) -> dict[str, Array]:
    """Return the softmax of the logits, as a net whose last layer that is."""
    exps = np.exp(see(x))
    return {"softmax": (exps / exps.sum(axis=1, keepdims=True)).astype(np.float32)}


def export_shares(
    source: Mapping[str, Any], options: Mapping[str, Any], out: Path
) -> dict[str, Any]:
    """Write what the fake exporter writes, with a softmax as the reference."""
    return _exported(source, options, out, see_shares)


def _exported(
    source: Mapping[str, Any], options: Mapping[str, Any], out: Path, net: Net
) -> dict[str, Any]:
    facts = converter.export(source, options, out)
    for batch in options["batches"]:
        path = out / f"b{batch}" / "reference.npz"
        inputs = read_reference(path).inputs
        write_reference(path, inputs, net(only(inputs)))
    return facts


class Seeing:
    """A session that counts its answers, so that a later one can be another."""

    facts: Mapping[str, str] = {"engine": "fake 1.0", "threads": "1", "precision": "fp32"}

    def __init__(self, batch: int, first: int = 3) -> None:
        self.batches: list[int] = []
        self.batch = batch
        self.durations = first

    def infer(self, feeds: Tensors) -> Tensors:
        x = only(feeds)
        if len(x) != self.batch:
            raise RuntimeError(f"made for {self.batch} images, and {len(x)} came")
        self.batches.append(len(x))
        return {"logits": self.later(see(x)) if len(self.batches) > 1 else see(x)}

    def later(self, logits: Array) -> Array:
        return logits

    def sample(self, count: int) -> list[Nanoseconds]:
        return [Nanoseconds(1_000_000 * (self.durations + at)) for at in range(count)]


class Sees:
    """Answers rightly."""

    session: type[Seeing] = Seeing

    @unwatched
    def open(self, cell: Cell, artifact: Path) -> Iterator[Seeing]:
        yield self.session(cell.batch)


class ReadsItsFile(Sees):
    """Answers rightly where its file is what the exporter writes."""

    @unwatched
    def open(self, cell: Cell, artifact: Path) -> Iterator[Seeing]:
        check_file(artifact)
        yield self.session(cell.batch)


class _Partial(Seeing):
    def later(self, logits: Array) -> Array:
        logits = logits.copy()
        logits[:, 4] += 1.0
        return logits


class Partial(Sees):
    """Favours class 4 in all answers but the first."""

    session = _Partial


class _Infinite(Seeing):
    def later(self, logits: Array) -> Array:
        logits[-1, 2] = np.nan
        return logits


class Infinite(Sees):
    """Gives a NaN with each answer but the first."""

    session = _Infinite


class _Dies(Seeing):
    def later(self, logits: Array) -> Array:
        os.kill(os.getpid(), signal.SIGSEGV)
        return logits


class Dies(Sees):
    """Dies over the first image after the reference."""

    session = _Dies


class _Both(Seeing):
    def infer(self, feeds: Tensors) -> Tensors:
        """Give the outputs the engine's own names, in its own order."""
        super().infer(feeds)
        both = see_both(only(feeds))
        return {"out_1": both["logits"], "out_0": both["features"]}


class SeesBoth(Sees):
    """Has two outputs."""

    session = _Both


class _Shares(Seeing):
    def infer(self, feeds: Tensors) -> Tensors:
        super().infer(feeds)
        return see_shares(only(feeds))


class SeesShares(Sees):
    """Ends in a softmax."""

    session = _Shares


def seeing_tables(exporter: str = "export", **runners: str) -> Tables:
    """Return tables in which each name is a class here, or of tests/fakes/runner.py; `exporter` is
    a function here.
    """
    chosen = runners or {"paddle": "Sees"}
    function = f"tests.fakes.seeing:{exporter}"
    importer = Importer(converter="tests.fakes.seeing:import_", env="harness", code=())
    pir = replace(FAKE_FORMATS["paddle-pir"], converter=function, importer=importer)
    formats = {**FAKE_FORMATS, "paddle-pir": pir}
    return Tables(
        runners={name: _entry(kind) for name, kind in chosen.items()},
        formats=formats,
        busy=lambda: None,
    )


def _entry(kind: str) -> RunnerEntry:
    entry = fake_runner(kind)
    return replace(entry, path=f"tests.fakes.seeing:{kind}") if kind in globals() else entry


def paint(path: Path, seed: int, size: tuple[int, int] = (20, 16)) -> None:
    """Write a picture of `size` (width, height), another for each seed."""
    width, height = size
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def paint_folders(root: Path, names: Sequence[str], each: int) -> Path:
    """Write `each` pictures into a sub-folder of each name."""
    for place, name in enumerate(names):
        for at in range(each):
            paint(root / name / f"{at:03d}.png", seed=1000 * place + at)
    return root
