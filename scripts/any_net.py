"""Measure nets of all shapes on every engine of this machine's CPU and print which pairs work.

    .venv/bin/python scripts/any_net.py [NET,NET...] [--cache DIR]

A transformer over tokens, an LSTM, a detector's head and nets of paddle.vision, as a catalogue of
one's own in a temporary folder, through `python -m bench run`. The table has a net a row, an engine
a column: its median in ms, or why there is none, in the engine's own words.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from bench.cli.main import main as bench
from bench.core.units import significant, to_ms
from bench.storage.schema.common import Failed
from bench.storage.schema.latency import Measured, Record
from bench.storage.store import Store

NETS = """
import paddle
from paddle import nn


class Encoder(nn.Layer):
    "Two layers of a transformer over tokens of two types."

    def __init__(self, vocabulary=100, width=32, length=16):
        super().__init__()
        self.tokens, self.types = nn.Embedding(vocabulary, width), nn.Embedding(2, width)
        self.places = self.create_parameter([1, length, width])
        layer = nn.TransformerEncoderLayer(width, 2, 2 * width, activation="gelu")
        self.layers, self.pool = nn.TransformerEncoder(layer, 2), nn.Linear(width, width)

    def forward(self, tokens, types):
        x = self.layers(self.tokens(tokens) + self.types(types) + self.places)
        return {"last": x, "pooled": nn.functional.tanh(self.pool(x[:, 0]))}


class Memory(nn.Layer):
    "A sequence through an LSTM, and the state that it ends in."

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(8, 16)

    def forward(self, x):
        return self.lstm(x)


class Detector(nn.Layer):
    "Convolutions with two heads: the boxes and the scores of each place."

    def __init__(self, classes=5):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2D(3, 16, 3, 2, 1), nn.BatchNorm2D(16), nn.ReLU(), nn.Conv2D(16, 32, 3, 2, 1)
        )
        self.boxes, self.scores = nn.Conv2D(32, 4, 1), nn.Conv2D(32, classes, 1)

    def forward(self, image):
        x = nn.functional.relu(self.body(image))
        heads = {"boxes": self.boxes(x), "scores": nn.functional.sigmoid(self.scores(x))}
        return {name: it.flatten(2).transpose([0, 2, 1]) for name, it in heads.items()}


class Plain(nn.Layer):
    "No weights at all."

    def forward(self, x):
        return nn.functional.softmax(nn.functional.relu(x).flatten(1), -1)


class Views(nn.Layer):
    "One backbone, three outputs of the same shape."

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2D(3, 8, 3)
        self.heads = nn.LayerList([nn.Linear(8, 10) for _ in range(3)])

    def forward(self, image):
        x = nn.functional.relu(self.conv(image)).mean([2, 3])
        return [head(x) for head in self.heads]
"""
OWN = {
    "encoder": ("nets:Encoder", {"tokens": "Nx16:int64:0..99", "types": "Nx16:int64:0..1"}),
    "lstm": ("nets:Memory", {"x": "Nx12x8"}),
    "detector": ("nets:Detector", {"image": "Nx3x32x32"}),
    "plain": ("nets:Plain", {"x": "Nx5x8x8"}),
    "views": ("nets:Views", {"image": "Nx3x16x16"}),
}
ZOO = {
    "googlenet": 224, "inception_v3": 299, "densenet121": 64, "vgg11": 224, "squeezenet1_1": 64,
    "resnet18": 64, "resnet50": 64, "mobilenet_v3_small": 64, "resnext50_32x4d": 64,
    "alexnet": 224,
}  # fmt: skip
ENTRIES = OWN | {
    name: (f"paddle.vision.models:{name}", {"image": f"Nx3x{size}x{size}"})
    for name, size in ZOO.items()
}
# MNN computes the transformer to 1.5e-4, ncnn the large convolutions to 1.8e-4.
TOLERANCES = {"encoder": 1e-3, "inception_v3": 1e-3}
RUNNERS = ("paddle", "paddle-cpp", "onnxruntime", "openvino", "openvino-cpp", "ncnn", "mnn")
ASKED = ("--suite", "engines", "--preset", "quick", "--batch", "1", "--threads", "1")


def write_folder(folder: Path, names: Iterable[str]) -> None:
    """Write nets.py and a catalog.toml of `names` into `folder`."""
    (folder / "nets.py").write_text(NETS, encoding="utf-8")
    lines = []
    for name in names:
        factory, inputs = ENTRIES[name]
        shapes = ", ".join(f'{it} = "{spec}"' for it, spec in inputs.items())
        lines += [f"[models.{name}]", f'factory = "{factory}"', f"inputs = {{ {shapes} }}"]
        lines += [f"tolerance = {TOLERANCES[name]}"] if name in TOLERANCES else []
    (folder / "catalog.toml").write_text("\n".join(lines), encoding="utf-8")


def told(record: Record) -> str:
    """Return what the table says of a cell."""
    outcome = record.outcome
    if isinstance(outcome, Measured):
        ms = to_ms(median([median(one.samples_ns) for one in record.sessions]))
        return f"{significant(ms)} ms"
    return outcome.message if isinstance(outcome, Failed) else outcome.reason


def table(records: Iterable[Record]) -> str:
    """Return the table of nets and engines in Markdown."""
    said = {(it.cell.variant, it.cell.runner): told(it) for it in records}
    lines = [("net", *RUNNERS), ("---",) * (1 + len(RUNNERS))]
    lines += [
        (net, *(said.get((net, it), "").replace("|", "/") for it in RUNNERS))
        for net in dict.fromkeys(net for net, _ in said)
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(argv: Sequence[str]) -> int:
    """Run the nets and print the table; return the run's status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nets", nargs="?", default=",".join(ENTRIES))
    parser.add_argument("--cache", default=None)
    flags = parser.parse_args(argv)
    cache = ("--cache", flags.cache) if flags.cache else ()
    with tempfile.TemporaryDirectory() as scratch:
        folder, results = Path(scratch, "models"), Path(scratch, "results")
        folder.mkdir()
        write_folder(folder, flags.nets.split(","))
        status = bench(["run", *ASKED, "--models", str(folder), "--results", str(results), *cache])
        runs = Store(results).runs()
        if runs:
            print(f"\n{table(runs[-1].records())}")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
