"""`bench predict`: five classes and a time, of one picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.cli.main import main
from bench.experiments.accuracy.preprocess import load_image, recipe_for
from bench.experiments.context import Tables
from tests.fakes import tables as fakes
from tests.fakes.seeing import SIZE, paint, see, seeing_tables
from tests.fakes.workshop import spoil


class Asking:
    """Calls the verb in a folder of its own."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.image, self.root, self.capsys = root / "cat.png", root, capsys
        paint(self.image, seed=5)

    def call(self, *words: str, tables: Tables | None = None) -> tuple[int, str, str]:
        argv = [
            "predict", "--models", str(fakes.MODELS), "--results", str(self.root / "results"),
            "--cache", str(self.root / "cache"), *words,
        ]  # fmt: skip
        status = main(argv, tables or seeing_tables())
        out, err = self.capsys.readouterr()
        return status, out, err

    def values(self, *words: str) -> Any:
        status, out, err = self.call(str(self.image), "--json", *words)
        assert status == 0, err
        return json.loads(out)

    def refusal(self, *words: str, tables: Tables | None = None) -> str:
        status, out, err = self.call(*words, tables=tables)
        assert (status, out) == (2, "")
        return [line for line in err.splitlines() if line.startswith("bench: ")][-1]


@pytest.fixture
def ask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Asking:
    return Asking(tmp_path, capsys)


def test_an_artifact_that_no_longer_loads_is_made_anew(ask: Asking) -> None:
    tables = seeing_tables(paddle="ReadsItsFile")
    assert ask.call(str(ask.image), tables=tables)[0] == 0
    spoil(ask.root / "cache")
    status, _, err = ask.call(str(ask.image), tables=tables)
    assert (status, "the one in the cache didn't load" in err) == (0, True)


def test_the_five_best_classes_have_their_softmax_shares(ask: Asking) -> None:
    logits = see(load_image(ask.image, recipe_for((3, SIZE, SIZE)))[None])[0].astype(float)
    shares = np.exp(logits) / np.exp(logits).sum()
    best = list(np.argsort(-logits)[:5])
    found = ask.values()["classes"]
    assert [it["class"] for it in found] == best
    assert [it["probability"] for it in found] == pytest.approx([shares[at] for at in best])
    assert {it["name"] for it in found} == {None}


def test_the_time_is_the_median_and_says_what_is_in_it(ask: Asking) -> None:
    values = ask.values()
    # The fake's durations are 3, 4, ... 22 ms.
    assert values["inference_ns"] == 12_500_000
    assert values["reading_ns"] > 0
    assert values["load_ns"] > 0
    _, out, err = ask.call(str(ask.image))
    assert "one inference: 12.5 ms on 1 thread, the median of 20 after 3 to warm up" in out
    assert "the input copied in, the net run, the output copied out" in out
    assert "not in it: " in out
    assert "seeded weights" in out
    assert "bench: seeded weights know nothing" in err


def test_nothing_is_stored(ask: Asking) -> None:
    ask.values()
    assert not (ask.root / "results").exists()


def test_a_file_of_names_gives_each_class_its_own(ask: Asking) -> None:
    labels = ask.root / "labels.txt"
    labels.write_text("\n".join(f"{at} thing {at}" for at in range(10)))
    for it in ask.values("--labels", str(labels))["classes"]:
        assert it["name"] == f"thing {it['class']}"
    labels.write_text("one\ntwo\n")
    assert "names 2 classes, and the net has 10" in ask.refusal(
        str(ask.image), "--labels", str(labels)
    )


def test_another_variant_may_be_asked_and_the_first_is_without(ask: Asking) -> None:
    assert ask.values()["variant"] == "x0_25"
    assert ask.values("--variant", "x0_5")["variant"] == "x0_5"


def test_what_is_no_image_is_one_sentence(ask: Asking) -> None:
    broken = ask.root / "broken.png"
    broken.write_bytes(b"no image")
    assert "broken.png: no image that Pillow knows: give a whole" in ask.refusal(str(broken))
    assert "gone.png: No such file" in ask.refusal(str(ask.root / "gone.png"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "predict takes an image, and a model's file after it, and nothing is given"),
        (("a.png", "b.onnx", "c"), "a model's file after it, and 3 words are given"),
        (("a.png", "b.onnx"), "b.onnx"),
        (("b.onnx", "a b.png"), "takes the image first, and b.onnx is a net's file: write "),
        (("b.onnx", "a b.png"), "predict 'a b.png' b.onnx`"),
        ((".", "a.png"), "takes the image first, and . is a net's file"),
        (("a.png", "--variant", "x0_25,x0_5"), "x0_25, x0_5 are given"),
        (("a.png", "--runner", "nobody"), "there is no runner 'nobody'"),
    ],
)
def test_a_call_that_can_not_be_is_one_sentence(
    words: tuple[str, ...], said: str, ask: Asking
) -> None:
    assert said in ask.refusal(*words)


@pytest.mark.parametrize(
    ("runner", "said"),
    [
        ("Dies", "the child died of SIGSEGV"), ("NotHere", "this chip has no such unit"),
        ("Infinite", "the logits of cat.png hold infinities or NaN"),
    ],
)  # fmt: skip
def test_an_engine_without_an_answer_is_one_sentence(runner: str, said: str, ask: Asking) -> None:
    assert said in ask.refusal(str(ask.image), tables=seeing_tables(paddle=runner))


def test_an_engine_that_dies_is_told_with_its_log_which_no_file_has(ask: Asking) -> None:
    status, out, err = ask.call(str(ask.image), tables=seeing_tables(paddle="Dies"))
    assert (status, out) == (2, "")
    assert "cell's file" not in err
    assert err.splitlines()[-1].startswith("bench: ")
