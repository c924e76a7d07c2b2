from __future__ import annotations

from pathlib import Path

import pytest

from bench.core.errors import InputError
from bench.environments.overrides import Pin
from bench.experiments.ab.spec import ArmSpec, parse_arm


def test_nothing_given_is_what_there_is_now() -> None:
    assert parse_arm([]) == ArmSpec()
    assert parse_arm([]).title == "as it is"


def test_each_kind_says_one_thing_of_an_arm_and_several_add_up(tmp_path: Path) -> None:
    texts = [
        "rev:HEAD~1", "env:PaddlePaddle==3.2.2", "env:numpy==2.0", "runner:ncnn", "precision:int8",
        f"model:{tmp_path}", "weights:pretrained", "set:threads=2", "set:onednn=off",
    ]  # fmt: skip
    spec = parse_arm(texts)
    assert spec == ArmSpec(
        texts=tuple(texts),
        revision="HEAD~1",
        pins=(Pin("paddlepaddle", "3.2.2"), Pin("numpy", "2.0")),
        runner="ncnn",
        precision="int8",
        model=tmp_path,
        weights="pretrained",
        threads=2,
        settings={"onednn": "off"},
    )
    assert spec.title == ", ".join(texts)
    assert parse_arm(["models-rev:v1"]).models_revision == "v1"


@pytest.mark.parametrize(
    ("texts", "problem", "remedy"),
    [
        (["HEAD"], "'HEAD' describes no arm", "KIND:VALUE"),
        (["a/net.onnx"], "'a/net.onnx' describes no arm", "write model:a/net.onnx, or KIND:VALUE"),
        (["rev:"], "'rev:' describes no arm", "KIND:VALUE"),
        (["revv:HEAD"], "there is no kind of arm 'revv'", "did you mean 'rev'?"),
        (["rev:a", "rev:b"], "rev: is given twice for one arm, a and b", "name one"),
        (["rev:a", "models-rev:b"], "rev: and models-rev: are both given", "leave one"),
        (["runner:a", "runner:b"], "runner: is given twice", "name one"),
        (["precision:a", "precision:b"], "precision: is given twice", "name one"),
        (["env:paddlepaddle"], "'paddlepaddle' pins no package", "NAME==VERSION"),
        (["env:a==1", "env:A==2"], "a is pinned twice", "one version"),
        (["model:nowhere"], "model:nowhere: there is no such file", "models folder"),
        (["set:threads"], "set:threads: not NAME=VALUE", "set:threads=2"),
        (["set:threads=0"], "set:threads=0: not a number of threads", "set:threads=2"),
        (["set:threads=two"], "set:threads=two: not a number of threads", "set:threads=2"),
    ],
)
def test_what_describes_no_arm_is_told_with_its_remedy(
    texts: list[str], problem: str, remedy: str
) -> None:
    with pytest.raises(InputError) as raised:
        parse_arm(texts)
    assert problem in raised.value.problem
    assert remedy in raised.value.hint
