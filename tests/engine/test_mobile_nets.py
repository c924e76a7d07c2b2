"""The catalogue's nets: each costs what was published of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.config.catalog import load_catalogue, select
from bench.config.published import load_published
from tests.engine.converting import PIR, ROOT, run

pytestmark = pytest.mark.engine

MODELS = ROOT / "models"
ENTRIES = load_catalogue(MODELS).models
NETS = select(load_catalogue(MODELS), [], "mobile")
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
    factories = {name: ENTRIES[name].factory for name in NETS}
    scratch = tmp_path_factory.mktemp("costs") / "nets"
    answers: dict[str, Any] = json.loads(
        run(paddle_python, _COUNT, [str(MODELS), factories], scratch, PIR)
    )
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
