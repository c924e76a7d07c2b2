"""The catalogue's nets: each costs what was published of it, and takes its storage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.config.catalog import load_catalogue, select
from bench.config.published import load_published
from tests.engine.converting import PIR, PROGRAM, ROOT, attempt, run
from tests.engine.own_nets import SEEDED, options

pytestmark = pytest.mark.engine

MODELS = ROOT / "models"
ENTRIES = load_catalogue(MODELS).models
# test_paddle_costs.py and test_lite_opt.py have the seven ShuffleNetV2.
NETS = [name for name in select(load_catalogue(MODELS), [], "mobile") if ENTRIES[name].suites]
PUBLISHED = load_published(MODELS)

_COUNT = """
import importlib, json, sys
from pathlib import Path

import paddle
from bench.converters.paddle_costs import count

models, factories = json.load(sys.stdin)
sys.path.insert(0, models)
answers = {}
for name, factory in factories.items():
    module, _, function = factory.partition(":")
    net = getattr(importlib.import_module(module), function)()
    net.eval()
    image = [paddle.static.InputSpec([1, 3, 224, 224], "float32", "x")]
    paddle.jit.save(net, f"{sys.argv[1]}.{name}", input_spec=image)
    answers[name] = count(Path(f"{sys.argv[1]}.{name}"))
Path(sys.argv[1]).write_text(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def counted(paddle_python: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The counts of each net, nine nets a child."""
    answers: dict[str, Any] = {}
    for at in range(0, len(NETS), 9):
        factories = {name: ENTRIES[name].factory for name in NETS[at : at + 9]}
        scratch = tmp_path_factory.mktemp("costs") / "nets"
        request = [str(MODELS), factories]
        answers |= json.loads(run(paddle_python, _COUNT, request, scratch, PIR))
    return answers


@pytest.mark.parametrize("name", NETS)
def test_each_net_costs_what_is_published_within_the_last_digit(
    name: str, counted: dict[str, Any]
) -> None:
    figures = PUBLISHED[str(ENTRIES[name].published)].figures
    costs = counted[name]
    assert costs["flops_paddle"] / 1e6 == pytest.approx(figures["flops_m"], abs=0.01)
    assert costs["params"] / 1e6 == pytest.approx(figures["params_m"], abs=0.005)
    assert costs["uncounted"] == []


SMALLEST = (
    "MobileNetV1_x0_25",
    "MobileNetV2_x0_25",
    "MobileNetV3_small_x0_35",
    "MobileNetV3_large_x0_35",
    "GhostNet_x0_5",
    "ESNet_x0_25",
)


@pytest.fixture(scope="module")
def optimized(
    paddle_python: Path, lite_python: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """The facts of the .nb of each family's smallest net, or why there is none.

    The images are small for the sake of time: what a file takes doesn't depend on them.
    """
    folder = tmp_path_factory.mktemp("nb")
    sources = [
        {
            "factory": ENTRIES[name].factory,
            "search_path": [str(MODELS)],
            "inputs": {"x": "Nx3x64x64"},
            "weights": SEEDED,
        }
        for name in SMALLEST
    ]
    cases = [(it, options(folder / str(at), "program")) for at, it in enumerate(sources)]
    attempt(paddle_python, "paddle_export", cases, out=folder / "out", env=PROGRAM)
    made = [folder / "out" / str(at) / "b1" / "model.pdmodel" for at in range(len(SMALLEST))]
    programs = [{"model": str(it), "params": str(it.with_suffix(".pdiparams"))} for it in made]
    answers = attempt(
        lite_python, "lite_opt", [(it, {"target": "arm"}) for it in programs],
        out=folder / "opt", env={},
    )  # fmt: skip
    return dict(zip(SMALLEST, answers, strict=True))


@pytest.mark.parametrize("name", SMALLEST)
def test_a_net_takes_about_the_published_storage(name: str, optimized: dict[str, Any]) -> None:
    mib = optimized[name]["facts"]["bytes"] / (1 << 20)
    published = PUBLISHED[str(ENTRIES[name].published)].figures["storage_mb"]
    assert mib == pytest.approx(published, rel=0.1)
