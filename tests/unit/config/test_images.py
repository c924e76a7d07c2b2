"""What an inference.yml says of images and classes, and what of it can't be followed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.config.images import Preprocess, read_inference
from bench.core.errors import BrokenFile
from tests.fakes.real_files import INFERENCE


def written(folder: Path, text: str) -> Path:
    path = folder / "inference.yml"
    path.write_text(text)
    return path


def test_what_paddleclas_exports_is_its_own_evaluation(tmp_path: Path) -> None:
    found = read_inference(written(tmp_path, INFERENCE))
    assert found.preprocess == Preprocess(short=256)
    assert found.crop == (224, 224)
    assert found.class_names == ("tench, Tinca tinca", "7")


def operators(*lines: str) -> str:
    return "PreProcess:\n  transform_ops:\n" + "".join(f"  - {line}\n" for line in lines)


@pytest.mark.parametrize(
    ("lines", "preprocess", "crop"),
    [
        (
            [
                "ResizeImage: {size: [320, 240], interpolation: bicubic, backend: pil}",
                "NormalizeImage: {scale: 1.0/127.5, mean: [1, 1, 1], std: [1, 1, 1]}",
            ],
            Preprocess(
                size=(240, 320), interpolation="bicubic", backend="pillow", scale=1 / 127.5,
                mean=(1, 1, 1), std=(1, 1, 1),
            ),
            None,
        ),
        (
            [
                "DecodeImage: {to_rgb: false}", "ResizeImage: {size: 224}",
                "CropImage: {size: [9, 7]}",
            ],
            Preprocess(
                size=(224, 224), channels="bgr", scale=1.0, mean=(0, 0, 0), std=(1, 1, 1)
            ),
            (7, 9),
        ),
        (
            ["ResizeImage: {resize_short: 232, interpolation: nearest}", "NormalizeImage:"],
            Preprocess(short=232, interpolation="nearest"),
            None,
        ),
    ],
)  # fmt: skip
def test_other_ways_are_read_as_paddleclas_does_them(
    tmp_path: Path, lines: list[str], preprocess: Preprocess, crop: tuple[int, int] | None
) -> None:
    found = read_inference(written(tmp_path, operators(*lines)))
    assert (found.preprocess, found.crop, found.class_names) == (preprocess, crop, None)


# Lists of ten aliases each: ten billion items where something writes them out.
BOMB = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{of}'] * 10)}]\n"
    for of, name in zip("abcdeghij", "bcdeghijf", strict=True)
)
RESIZE = "ResizeImage: {resize_short: 256}"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "it has no PreProcess"),
        ("PreProcess: {}", "no PreProcess with transform_ops"),
        ("PreProcess: {transform_ops: []}", "no PreProcess with transform_ops"),
        ("a: [", "not YAML"),
        ("!!python/object/apply:os.getcwd []", "not YAML"),
        (operators("[1]"), "has no name: a list"),
        (BOMB + operators("*f"), "has no name: a list"),
        (BOMB + operators("ResizeImage: {size: 9, backend: *f}"), "backend a list isn't known"),
        (BOMB + operators("ResizeImage: {size: {a: *f}}"), "a dict is no size"),
        (BOMB + operators("ResizeImage: {size: *f}"), "field 'preprocess.size"),
        (BOMB + operators(RESIZE, "NormalizeImage: {channel_num: *f}"), "makes a list channels"),
        (BOMB + operators(RESIZE, "NormalizeImage: {mean: *f}"), "field 'preprocess.mean"),
        (
            BOMB + operators(RESIZE) + "PostProcess: {Topk: {label_list: [*f]}}\n",
            "a class whose name is no word",
        ),
        (operators("ResizeImage: [1]"), "ResizeImage has no arguments by name"),
        (operators("RandFlipImage: {flip_code: 1}"), "operator RandFlipImage isn't known"),
        (operators("ResizeImage: {long: 1}"), "argument long of operator ResizeImage"),
        (operators("CropImage: {size: 224}", RESIZE), "in another order"),
        (operators(RESIZE, RESIZE), "in another order"),
        (operators("NormalizeImage:"), "doesn't resize images"),
        (operators("ResizeImage:"), "neither resize_short nor size"),
        (operators("ResizeImage: {size: a}"), "a is no size"),
        (operators("ResizeImage: {size: [1, 2, 3]}"), "field 'preprocess.size'"),
        (operators("ResizeImage: {resize_short: -1}"), "field 'preprocess.short'"),
        (operators("ResizeImage: {size: 9, interpolation: area}"), "preprocess.interpolation"),
        (operators("ResizeImage: {size: 9, interpolation: box}"), 'needs backend = "pillow"'),
        (operators("ResizeImage: {size: 9, backend: gpu}"), "backend gpu isn't known"),
        (operators(RESIZE, "NormalizeImage: {scale: 1/0}"), "scale 1/0 is no number"),
        (operators(RESIZE, "NormalizeImage: {scale: eval()}"), "is no number"),
        (operators(RESIZE, "NormalizeImage: {channel_num: 4}"), "makes 4 channels of three"),
        (operators(RESIZE, "NormalizeImage: {std: [0, 1, 1]}"), "isn't 0"),
        (operators(RESIZE, "NormalizeImage: {mean: much}"), "field 'preprocess.mean'"),
    ],
)
def test_what_can_not_be_followed_is_refused_by_name(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(BrokenFile, match=fault) as caught:
        read_inference(written(tmp_path, text))
    assert "`preprocess` in models/README.md" in caught.value.hint
