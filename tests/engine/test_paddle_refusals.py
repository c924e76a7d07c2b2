from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine.converting import PIR, Answer, attempt
from tests.engine.own_nets import exported, fill_folder, options, tiny

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def folder(paddle_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill_folder(paddle_python, tmp_path_factory.mktemp("own"))


def sources(folder: Path) -> dict[str, dict[str, Any]]:
    """What can't be exported, by a name for each; factories before files."""

    def own(name: str) -> dict[str, Any]:
        return tiny(folder, name)

    def file(name: str) -> dict[str, Any]:
        return tiny(folder, weights={"kind": "file", "path": str(folder / name)})

    words = {"exported": str(folder / "words.json")}
    return {
        "no module": {**own("Tiny"), "factory": "nowhere.at_all:Tiny"},
        "crooked module": {**own("Tiny"), "factory": "crooked:Tiny"},
        "no colon": {**own("Tiny"), "factory": "nets.Tiny"},
        "no function": own("Tinny"),
        "raises": own("raising"),
        "raises below": own("raising_below"),
        "takes arguments": own("of_width"),
        "no layer": own("a_dict"),
        "no tensor": own("Empty"),
        "no such type": own("Brain"),
        "other batch": {**own("Tiny"), "inputs": {"": "4x3x8x8"}},
        "infinite": own("Infinite"),
        "wrong input": {**own("Tiny"), "inputs": {"": "Nx1x8x8"}},
        "not pretrained": tiny(folder, weights={"kind": "pretrained"}),
        "weights gone": file("gone.pdparams"),
        "weights garbage": file("garbage.pdparams"),
        "weights short": file("short.pdparams"),
        "weights wide": file("wide.pdparams"),
        "weights long": file("long.pdparams"),
        "weights double": file("double.pdparams"),
        "weights evil": file("evil.pdparams"),
        "model gone": exported(folder / "gone.json"),
        "params gone": exported(folder / "alone.json"),
        "other format": exported(folder / "old.pdmodel"),
        "model garbage": exported(folder / "broken.json"),
        "fixed batch": exported(folder / "fixed.json"),
        "other input": {**exported(folder / "dynamic.json"), "inputs": {"": "Nx3x9x9"}},
        "open extents": {"exported": str(folder / "inference.json")},
        "other names": {**words, "inputs": {"ids": "Nx6:int64"}},
        "other type": {**words, "inputs": {"tokens": "Nx6:int32"}},
        "beyond its range": {**words, "inputs": {"tokens": "Nx6:int64:10..99"}},
    }


@pytest.fixture(scope="module")
def refused(
    paddle_python: Path, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Answer]:
    """The answers to `sources`, by their names."""
    scratch, asked = tmp_path_factory.mktemp("refused"), sources(folder)
    cases = [
        (source, options(scratch / str(index), batches=[2] if name == "other batch" else [1]))
        for index, (name, source) in enumerate(asked.items())
    ]
    answers = attempt(paddle_python, "paddle_export", cases, out=scratch / "out", env=PIR)
    return dict(zip(asked, answers, strict=True))


REFUSALS = {
    "no module": ("there is no module 'nowhere.at_all'", "folder"),
    "crooked module": ("importing crooked raised ModuleNotFoundError", "paddle environment"),
    "no colon": ("'nets.Tiny' names no factory", "module:function"),
    "no function": ("module nets has no function 'Tinny'", "nets.py"),
    "raises": ("nets:raising raised ValueError: no such width", "/nets.py, line 66"),
    "raises below": ("nets:raising_below raised ", "/nets.py, line 70"),
    "takes arguments": ("nets:of_width raised TypeError: of_width() missing 1", "no arguments"),
    "no layer": ("nets:a_dict returned a dict", "paddle.nn.Layer"),
    "no tensor": ("the net returns a dict without a tensor", "tuples and dicts"),
    "no such type": ("the net's output 0 is bfloat16", "cast"),
    "other batch": ("nets:Tiny is fixed to batch 4", "ask for --batch 4"),
    "infinite": ("the net's output holds infinities or NaN", "weights"),
    "wrong input": ("the net can't take an input of x [", "channels x height x width"),
    "not pretrained": ("nets:Tiny gave no pretrained weights (TypeError", "it has to take `pretr"),
    "weights gone": ("gone.pdparams is no file", "seeded"),
    "weights garbage": ("garbage.pdparams can't be read as weights", "seeded"),
    "weights short": ("'conv.bias' is missing", "seeded"),
    "weights wide": ("'conv.weight' is [8, 3, 3, 3] there and [4, 3, 3, 3] in the net", "seeded"),
    "weights long": ("the net has no 'head.bias'", "seeded"),
    "weights double": ("'conv.weight' is float64 there and float32 in the net", "seeded"),
    "weights evil": (
        "evil.pdparams holds more than weights: to load it would call os.system",
        "save",
    ),
    "model gone": ("gone.json is no file", ".pdmodel"),
    "params gone": ("alone.pdiparams is missing", "beside alone.json"),
    "other format": ("old.pdmodel is no .json file", "Paddle 3's paddle.jit.save"),
    "model garbage": ("broken.json and broken.pdiparams can't be loaded", "again"),
    "fixed batch": ("fixed.json is fixed to batch 2", "ask for --batch 2"),
    "other input": (
        "input 'image' of dynamic.json is ?x3x8x8, not Nx3x9x9",
        "write --input image=",
    ),
    "open extents": ("leaves the shape of input 'image' open: ?x3x?x?", "--input image=Nx3x"),
    "other names": ("words.json has no input 'ids'", "after its inputs: tokens, types"),
    "other type": ("input 'tokens' of words.json is of int64, not int32", "leave its type out"),
    "beyond its range": ("words.json doesn't run (", "of its range"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_be_exported_is_one_sentence_and_a_remedy(
    case: str, refused: dict[str, Answer]
) -> None:
    problem, hint = REFUSALS[case]
    assert problem in refused[case].get("problem", json.dumps(refused[case]))
    assert hint in refused[case]["hint"]
    assert "\n" not in refused[case]["problem"]


def test_weights_that_would_call_something_have_called_nothing(
    folder: Path, refused: dict[str, Answer]
) -> None:
    assert "weights evil" in refused
    assert not (folder / "evil").exists()


def test_every_case_that_was_tried_is_judged(refused: dict[str, Answer]) -> None:
    assert set(refused) == set(REFUSALS)
