"""Images into inputs: OpenCV's own pixels, upright, cropped, normalised; broken files by reason."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bench.config.images import Preprocess
from bench.core.errors import InputError
from bench.experiments.accuracy.preprocess import (
    Recipe,
    Unreadable,
    crop_resized,
    decode,
    load_image,
    normalized,
    quiet_decoder,
    recipe_for,
)
from bench.experiments.accuracy.resize import resized

Pixels = NDArray[np.uint8]

IMAGENET = recipe_for((3, 224, 224))


def recipe(**how: Any) -> Recipe:
    return recipe_for((3, 224, 224), Preprocess.model_validate(how))


def pattern(height: int, width: int) -> Pixels:
    """Return pixels that any program can make from whole numbers alone."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    pixels: Pixels = ((x * x * 7 + y * y * 13 + x * y * 5 + c * 91) % 256).astype(np.uint8)
    return pixels


def encoded(pixels: NDArray[Any], kind: str = "PNG", **how: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **how)
    return file.getvalue()


def test_a_net_of_224_gets_the_short_side_256_and_others_the_same_ratio() -> None:
    assert Recipe(height=224, width=224, short=256) == IMAGENET
    assert recipe_for((3, 8, 8)).short == 9
    assert recipe_for((3, 112, 224)) == Recipe(height=112, width=224, short=256)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 224), (10,)])
def test_an_input_that_is_no_rgb_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="which is no RGB image"):
        recipe_for(shape)


# CRC-32 of cv2.resize(pattern, ..., INTER_LINEAR), short side 256, central 224 x 224: OpenCV 4.10
# and 5.0 gave the same.
OPENCV = {
    (375, 500): 1853775464,
    (500, 333): 1094467205,
    (120, 90): 452738885,
    (256, 300): 431133224,
    (512, 512): 2629668601,
    (37, 1000): 1488949116,
}


@pytest.mark.parametrize("size", OPENCV)
def test_resizing_and_cropping_give_open_cvs_pixels_to_the_bit(size: tuple[int, int]) -> None:
    pixels = crop_resized(pattern(*size), IMAGENET)
    assert pixels.shape == (224, 224, 3)
    assert zlib.crc32(pixels.tobytes()) == OPENCV[size]


# The same of INTER_NEAREST.
NEAREST = {(375, 500): 1342550527, (500, 333): 2302682134, (37, 1000): 472457976}


@pytest.mark.parametrize("size", NEAREST)
def test_the_nearest_pixels_are_open_cvs_too(size: tuple[int, int]) -> None:
    pixels = crop_resized(pattern(*size), recipe(interpolation="nearest"))
    assert zlib.crc32(pixels.tobytes()) == NEAREST[size]


# The red of cv2.resize(pattern(7, 5), (8, 6), INTER_CUBIC) of OpenCV 5.0.
CUBIC = [
    [0, 2, 9, 20, 40, 61, 96, 119], [20, 24, 36, 50, 74, 99, 143, 174],
    [74, 80, 98, 128, 170, 195, 163, 127], [188, 213, 209, 112, 77, 126, 115, 96],
    [86, 101, 120, 117, 148, 185, 105, 25], [198, 233, 230, 101, 47, 110, 156, 182],
]  # fmt: skip


def test_bicubic_is_within_a_level_of_open_cvs() -> None:
    pixels = resized(pattern(7, 5), (6, 8), (6, 8), backend="opencv", interpolation="bicubic")
    assert np.abs(pixels[:, :, 0].astype(int) - CUBIC).max() <= 1


@pytest.mark.parametrize("way", ["nearest", "bilinear", "bicubic", "box", "hamming", "lanczos"])
def test_pillows_ways_are_pillows(way: Any) -> None:
    pixels = crop_resized(pattern(30, 40), recipe(backend="pillow", interpolation=way))
    whole = Image.fromarray(pattern(30, 40)).resize((341, 256), Image.Resampling[way.upper()])
    assert (pixels == np.asarray(whole)[16:240, 58:282]).all()


def test_a_size_stretches_the_whole_image() -> None:
    halves = np.zeros((10, 40, 3), np.uint8)
    halves[:, 20:] = 255
    pixels = crop_resized(halves, recipe(size=(224, 224)))
    assert (pixels[:, :100] == 0).all()
    assert (pixels[:, 124:] == 255).all()


def test_blue_may_come_first_and_channels_last() -> None:
    pixels = np.full((224, 224, 3), (255, 51, 0), np.uint8)
    how = {"channels": "bgr", "scale": 1.0, "mean": (1, 2, 3), "std": (2, 1, 1)}
    first = normalized(pixels, recipe(**how))
    assert first[:, 0, 0].tolist() == [-0.5, 49.0, 252.0]
    last = recipe_for((224, 224, 3), Preprocess.model_validate(how))
    assert (normalized(pixels, last) == first.transpose(1, 2, 0)).all()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"short": 200}, "images are resized to 200 x 200, and the net's input is 224 x 224"),
        ({"size": (224, 200)}, "resized to 224 x 200"),
    ],
)
def test_images_that_are_smaller_than_the_input_are_refused(how: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        recipe(**how)


def test_an_image_of_the_right_short_side_is_only_cropped() -> None:
    pixels = pattern(256, 301)
    assert (crop_resized(pixels, IMAGENET) == pixels[16:240, 38:262]).all()


def test_beyond_the_outer_pixels_centres_an_enlarged_image_is_as_they_are() -> None:
    pixels = np.repeat(np.array([[[10], [200]]] * 2, np.uint8), 3, axis=2)
    row = crop_resized(pixels, recipe_for((3, 8, 8)))[0, :, 0].tolist()
    assert row[:2] == [10, 10]
    assert row[7] == 200
    assert row == sorted(row)


def test_an_image_of_one_pixel_fills_the_crop() -> None:
    pixels = crop_resized(np.full((1, 1, 3), 77, np.uint8), IMAGENET)
    assert (pixels == 77).all()


def test_channels_come_first_and_each_has_its_mean_and_deviation() -> None:
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    pixels = np.zeros((2, 3, 3), np.uint8)
    pixels[1, 2] = (255, 51, 0)
    array = normalized(pixels, IMAGENET)
    assert (array.shape, str(array.dtype)) == ((3, 2, 3), "float32")
    for channel, value in enumerate((1.0, 0.2, 0.0)):
        assert array[channel, 1, 2] == pytest.approx((value - mean[channel]) / std[channel])
        assert array[channel, 0, 0] == pytest.approx(-mean[channel] / std[channel])


def test_a_file_becomes_an_input(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(pattern(20, 30)))
    wanted = normalized(crop_resized(pattern(20, 30), IMAGENET), IMAGENET)
    assert (load_image(path, IMAGENET) == wanted).all()


@pytest.mark.parametrize(
    ("orientation", "turned"), [(3, np.s_[::-1, ::-1]), (2, np.s_[:, ::-1]), (4, np.s_[::-1])]
)
def test_an_image_is_turned_upright_as_its_exif_says(
    orientation: int, turned: tuple[slice, ...]
) -> None:
    exif = Image.Exif()
    exif[0x112] = orientation
    assert (decode(encoded(pattern(6, 9), exif=exif)) == pattern(6, 9)[turned]).all()


def test_an_image_on_its_side_changes_height_and_width() -> None:
    exif = Image.Exif()
    exif[0x112] = 6
    assert decode(encoded(pattern(6, 9), exif=exif)).shape == (9, 6, 3)


def test_broken_exif_is_no_reason_to_refuse_the_pixels() -> None:
    whole = encoded(pattern(6, 9))
    chunk = b"eXIf" + b"no TIFF at all"
    size = struct.pack(">I", len(chunk) - 4)
    at = whole.index(b"IDAT") - 4
    broken = whole[:at] + size + chunk + struct.pack(">I", zlib.crc32(chunk)) + whole[at:]
    with quiet_decoder():
        assert (decode(broken) == pattern(6, 9)).all()


def test_gray_and_palette_and_transparent_images_become_rgb() -> None:
    gray = decode(encoded(pattern(6, 9)[:, :, 0]))
    assert (gray == pattern(6, 9)[:, :, :1]).all()
    assert gray.shape == (6, 9, 3)
    clear = np.dstack([pattern(6, 9), np.zeros((6, 9), np.uint8)])
    assert (decode(encoded(clear)) == pattern(6, 9)).all()
    file = io.BytesIO()
    Image.fromarray(pattern(6, 9)).quantize(8).save(file, "PNG")
    assert decode(file.getvalue()).shape == (6, 9, 3)


def test_of_sixteen_bits_the_upper_eight_count() -> None:
    deep = pattern(6, 9)[:, :, 0].astype(np.uint16) << 8 | 0x7F
    assert (decode(encoded(deep)) == pattern(6, 9)[:, :, :1]).all()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"), (b"no image at all", "no image that Pillow knows"),
        (encoded(pattern(99, 99))[:900], "truncated"),
        (encoded(pattern(99, 99), "JPEG")[:900], "truncated"),
    ],
)  # fmt: skip
def test_a_broken_file_is_told_by_its_reason_alone(data: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason) as raised:
        decode(data)
    assert "BytesIO" not in raised.value.problem


def test_pixels_of_no_eight_or_sixteen_bits_are_refused_and_not_clipped() -> None:
    file = io.BytesIO()
    Image.fromarray(np.ones((4, 4), np.float32)).save(file, "TIFF")
    with pytest.raises(Unreadable, match="mode F"):
        decode(file.getvalue())


def test_a_file_that_is_not_there_is_unreadable_too(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="No such file") as raised:
        load_image(tmp_path / "gone.png", IMAGENET)
    assert str(tmp_path) not in raised.value.problem
