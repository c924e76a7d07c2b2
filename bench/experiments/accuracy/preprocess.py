"""An image file -> a net's input, as PaddleClas prepares images for its evaluation.

Decode to RGB, upright as the file's EXIF says; resize the short side to 256; crop the central
224 x 224; scale to 0..1; subtract the mean and divide by the standard deviation of each channel;
channels first, float32. For an input of another size, 256 stands in the same ratio to it.

PaddleClas resizes with OpenCV, INTER_LINEAR: it looks at the four nearest pixels, whatever the
scale. Pillow's own BILINEAR averages over all pixels that a smaller image's pixel covers. On noisy
photographs of 375 x 500 the two are 3 levels of 255 apart on average, so Pillow only decodes here,
and the resizing is OpenCV's own arithmetic: the same to the bit as OpenCV 4.10 and 5.0 in 8 sizes.
Of the decoders, JPEG and PNG gave the same pixels; CMYK JPEG differs by one level.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import PIL
from PIL import Image, ImageOps, UnidentifiedImageError

from bench.core.errors import BenchError, InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Pixels = NDArray[np.uint8]

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
_SHORT_TO_CROP = 256 / 224
# OpenCV weighs 8-bit pixels in whole numbers: 11 bits a weight, 4 dropped between the passes.
_WEIGHT_ONE = 1 << 11
# What Pillow raises over broken EXIF, which is no reason to refuse the pixels.
_BROKEN_EXIF = (
    SyntaxError, struct.error, ValueError, TypeError, KeyError, IndexError, OverflowError,
)  # fmt: skip


class Unreadable(BenchError):
    """A file that gives no picture; `problem` is the reason alone."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, hint="restore the file, or take it out of the data set")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The size of the crop and of the short side before it, in pixels."""

    height: int
    width: int
    short: int


def recipe_for(shape: Sequence[int]) -> Recipe:
    """Return the recipe for an input of `shape` (channels, height, width); raises InputError."""
    if len(shape) != 3 or shape[0] != 3:
        raise InputError(
            f"the net takes an input of {'x'.join(str(it) for it in shape)}, which is no RGB image",
            hint="choose a variant whose input is 3 x height x width",
        )
    _, height, width = shape
    short = round(max(height, width) * _SHORT_TO_CROP)
    return Recipe(height=height, width=width, short=short)


def load_image(path: Path, recipe: Recipe) -> Floats:
    """Return the input (channels, height, width) of an image file; raises Unreadable."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Unreadable(error.strerror or type(error).__name__) from error
    return normalized(crop_resized(decode(data), recipe))


def decode(data: bytes) -> Pixels:
    """Return an image file's pixels (height, width, RGB), upright; raises Unreadable."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            return _rgb(_upright(image))
    except Unreadable:
        raise
    except UnidentifiedImageError as error:
        raise Unreadable("no image that Pillow knows" if data else "it is empty") from error
    except Exception as error:  # decoders raise what they like over broken files
        raise Unreadable(" ".join(str(error).split()) or type(error).__name__) from error


def decoder() -> str:
    """Return what decodes images, with its version."""
    return f"Pillow {PIL.__version__}"


@contextmanager
def quiet_decoder() -> Iterator[None]:
    """Keep Pillow's warnings (large image, odd EXIF) from standing between a person's lines."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _upright(image: Image.Image) -> Image.Image:
    with suppress(*_BROKEN_EXIF):
        return ImageOps.exif_transpose(image)
    return image


def _rgb(image: Image.Image) -> Pixels:
    if image.mode.startswith("I;16"):
        gray = (np.asarray(image) >> 8).astype(np.uint8)
        return np.repeat(gray[:, :, None], 3, axis=2)
    if image.mode in ("I", "F"):
        raise Unreadable(f"its pixels are of Pillow's mode {image.mode}, not 8 or 16 bits")
    return np.asarray(image.convert("RGB"))


def crop_resized(pixels: Pixels, recipe: Recipe) -> Pixels:
    """Return the central crop of `pixels`, resized; only what the crop shows is computed."""
    height, width = pixels.shape[:2]
    scale = recipe.short / min(height, width)
    down = _Axis.of(height, round(height * scale), recipe.height)
    across = _Axis.of(width, round(width * scale), recipe.width)
    upper, lower = (across.blend(pixels, rows) for rows in (down.first, down.second))
    blended = (down.weights(0) * (upper >> 4) >> 16) + (down.weights(1) * (lower >> 4) >> 16)
    return ((blended + 2) >> 2).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class _Axis:
    """For each pixel of the crop along one axis, the two source pixels and their weights."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    share: Floats

    @classmethod
    def of(cls, source: int, resized: int, crop: int) -> _Axis:
        at = np.arange(crop) + (resized - crop) // 2
        place = ((at + 0.5) * (source / resized) - 0.5).astype(np.float32)
        low = np.floor(place)
        share = np.where((low < 0) | (low >= source - 1), np.float32(0), place - low)
        first = np.clip(low, 0, source - 1).astype(np.int64)
        return cls(first, np.minimum(first + 1, source - 1), share)

    def weights(self, which: int) -> NDArray[np.int32]:
        """Return the weights of the first (0) or second (1) pixels, for each row."""
        share = self.share if which else 1 - self.share
        return np.rint(share * _WEIGHT_ONE).astype(np.int32)[:, None, None]

    def blend(self, pixels: Pixels, rows: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return those `rows`, resized along this axis, in units of 1 / 2048 level."""
        picked = pixels[rows].astype(np.int32)
        first, second = self.weights(0)[:, 0], self.weights(1)[:, 0]
        blended: NDArray[np.int32] = picked[:, self.first] * first + picked[:, self.second] * second
        return blended


def normalized(pixels: Pixels) -> Floats:
    """Return `pixels` (height, width, RGB) as a net's input, channels first."""
    mean, std = np.array(MEAN, np.float32), np.array(STD, np.float32)
    scaled = (pixels.astype(np.float32) * np.float32(1 / 255) - mean) / std
    return np.ascontiguousarray(scaled.transpose(2, 0, 1), dtype=np.float32)
