"""A person's folder of nets, weights and exported models, good and bad, to convert."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.engine.converting import PIR, run

SEEDED = {"kind": "seeded", "seed": 0}

_NETS = """
import paddle
from paddle import nn


class Tiny(nn.Layer):
    def __init__(self, width=4):
        super().__init__()
        self.conv = nn.Conv2D(3, width, 3)
        self.norm = nn.BatchNorm2D(width)

    def forward(self, x):
        return self.norm(self.conv(x)).mean([2, 3])


class Pair(Tiny):
    def forward(self, x):
        return [self.conv(x), self.norm(self.conv(x))]


class Nested(Tiny):
    "The same tensor twice, what is none, and names whose order isn't that of the dict."

    def forward(self, x):
        wide = self.conv(x)
        tail = [wide.max(), {"deep": wide.min([2, 3])}]
        return {"z": super().forward(x), "again": wide, "a": tail, "wide": wide, "count": 3}


class Words(nn.Layer):
    "Tokens of int64 through a batch norm; what stands between its inputs is left out."

    def __init__(self):
        super().__init__()
        self.tokens, self.types = nn.Embedding(10, 4), nn.Embedding(2, 4)
        self.norm = nn.BatchNorm1D(6)

    def forward(self, tokens, mask=None, types=None):
        x = self.norm(self.tokens(tokens) + self.types(types))
        return (x if mask is None else x * mask), (x.mean(1), tokens + types)


class Empty(Tiny):
    def forward(self, x):
        return {}


class Brain(Tiny):
    def forward(self, x):
        return super().forward(x).astype("bfloat16")


class Wider(Tiny):
    "An adaptive pooling to more places than there are."

    def forward(self, x):
        return nn.functional.adaptive_avg_pool2d(self.conv(x), 16)


class Infinite(Tiny):
    def forward(self, x):
        return super().forward(x) * 1e38 * 1e38


def raising():
    raise ValueError("no such width")


def raising_below():
    return nn.Conv2D(3, "four", 1)


def of_width(width):
    return Tiny(width)


def a_dict():
    return {}
"""

# Exports with shapes of its own: what a person may have made elsewhere.
_SAVE = """
import json, sys
import paddle
from nets import Pair, Tiny, Wider, Words

folder = sys.argv[1] + ".made"
spec = paddle.static.InputSpec
for name, net, shape in json.load(sys.stdin):
    net = {"tiny": Tiny, "pair": Pair, "words": Words, "wider": Wider}[net]()
    net.eval()
    specs = [spec(shape, "float32", "image")]
    if name == "words":
        tokens = spec(shape, "int64", "tokens")
        specs = [tokens, None, spec(shape, "int64", "types")]
    paddle.jit.save(net, f"{folder}/{name}", input_spec=specs)
paddle.save({"conv.weight": paddle.zeros([4, 3, 3, 3])}, f"{folder}/short.pdparams")
paddle.save(Tiny(8).state_dict(), f"{folder}/wide.pdparams")
paddle.save(Tiny().state_dict(), f"{folder}/tiny.pdparams")
doubles = {name: tensor.astype("float64") for name, tensor in Tiny().state_dict().items()}
paddle.save(doubles, f"{folder}/double.pdparams")
paddle.save({**Tiny().state_dict(), "head.bias": paddle.zeros([1])}, f"{folder}/long.pdparams")
open(sys.argv[1], "w").write(folder)
"""


def options(folder: Path, model_format: str = "pir", batches: list[int] | None = None) -> Any:
    return {
        "format": model_format,
        "batches": batches or [1],
        "input_seed": 0,
        "weights_cache": str(folder / "weights"),
    }


def tiny(folder: Path, name: str = "Tiny", weights: Mapping[str, Any] = SEEDED) -> dict[str, Any]:
    factory = {"factory": f"nets:{name}", "search_path": [str(folder)]}
    return {**factory, "inputs": {"": "Nx3x8x8"}, "weights": weights}


def exported(path: Path) -> dict[str, Any]:
    return {"exported": str(path), "inputs": {"": "Nx3x8x8"}}


def fill_folder(python: Path, folder: Path, env: Mapping[str, str] = PIR) -> Path:
    """Put nets.py, exported models and weights into `folder` and return it."""
    (folder / "nets.py").write_text(_NETS)
    (folder / "crooked.py").write_text("import a_module_that_is_not_here\n")
    models = [
        ("fixed", "tiny", [2, 3, 8, 8]),
        ("dynamic", "tiny", [-1, 3, 8, 8]),
        ("inference", "pair", [-1, 3, -1, -1]),
        ("words", "words", [-1, 6]),
        ("wider", "wider", [1, 3, 8, 8]),
    ]
    code = f"import sys; sys.path.append({str(folder)!r})\n{_SAVE}"
    made = Path(run(python, code, models, folder / "saving", env))
    for path in made.iterdir():
        path.rename(folder / path.name)
    if env is not PIR:
        return folder
    (folder / "alone.json").write_bytes((folder / "fixed.json").read_bytes())
    (folder / "broken.json").write_text("garbage")
    (folder / "broken.pdiparams").write_bytes((folder / "fixed.pdiparams").read_bytes())
    (folder / "old.pdmodel").write_text("")
    (folder / "garbage.pdparams").write_text("garbage")
    (folder / "evil.pdparams").write_bytes(f"(S'touch {folder / 'evil'}'\nios\nsystem\n.".encode())
    return folder
