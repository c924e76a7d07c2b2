"""An image file -> a net's input, as the net's entry says, or PaddleClas's evaluation.

Decode to RGB, upright as the file's EXIF says; resize the short side to 256; crop the central
224 x 224; scale to 0..1; subtract the mean and divide by the standard deviation of each channel;
channels first, float32. For an input of another size, 256 stands in the same ratio to it. Each step
may be another: `bench.config.images.Preprocess`.

Of the decoders, JPEG and PNG gave the same pixels as OpenCV's; CMYK JPEG differs by one level.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import PIL
from PIL import Image, ImageOps, UnidentifiedImageError

from bench.config.images import Preprocess
from bench.core.errors import BenchError, InputError
from bench.experiments.accuracy.resize import resized

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Pixels = NDArray[np.uint8]

_SHORT_TO_CROP = 256 / 224
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
    """How images become the input of one net: the size of the crop in pixels, and the rest.

    `short` is the short side before the crop, None: the whole image is resized to `how.size`.
    """

    height: int
    width: int
    short: int | None
    how: Preprocess = field(default_factory=Preprocess)
    channels_last: bool = False

    def resized(self, height: int, width: int) -> tuple[int, int]:
        """Return the height and the width of an image once it is resized."""
        if self.short is None:
            return self.how.size or (self.height, self.width)
        scale = self.short / min(height, width)
        return round(height * scale), round(width * scale)


def recipe_for(shape: Sequence[int], how: Preprocess | None = None) -> Recipe:
    """Return the recipe for an input of `shape` (channels, height, width; or channels last).

    Raises InputError where that is no image, and where `how` makes images that are smaller.
    """
    if len(shape) != 3 or 3 not in (shape[0], shape[-1]):
        raise InputError(
            f"the net takes an input of {'x'.join(str(it) for it in shape)}, which is no RGB image",
            hint="choose a variant whose input is 3 x height x width",
        )
    how, last = how or Preprocess(), shape[0] != 3
    height, width = shape[:2] if last else shape[1:]
    short = how.short
    if short is None and how.size is None:
        short = round(max(height, width) * _SHORT_TO_CROP)
    smallest = how.size or (short or 0, short or 0)
    if smallest[0] < height or smallest[1] < width:
        raise InputError(
            f"images are resized to {smallest[0]} x {smallest[1]}, and the net's input is "
            f"{height} x {width}",
            hint="give a larger `short` or `size` as `preprocess` of its entry",
        )
    return Recipe(height=height, width=width, short=short, how=how, channels_last=last)


def load_image(path: Path, recipe: Recipe) -> Floats:
    """Return the input of an image file, without a batch; raises Unreadable."""
    return to_input(read_pixels(path), recipe)


def read_pixels(path: Path) -> Pixels:
    """Return the pixels of an image file as `decode` does; raises Unreadable."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Unreadable(error.strerror or type(error).__name__) from error
    return decode(data)


def to_input(pixels: Pixels, recipe: Recipe) -> Floats:
    """Return `pixels` (height, width, RGB) as `recipe` prepares them for its net."""
    return normalized(crop_resized(pixels, recipe), recipe)


def crop_resized(pixels: Pixels, recipe: Recipe) -> Pixels:
    """Return the central crop of `pixels` (height, width, RGB), resized."""
    return resized(
        pixels,
        recipe.resized(*pixels.shape[:2]),
        (recipe.height, recipe.width),
        backend=recipe.how.backend,
        interpolation=recipe.how.interpolation,
    )


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


def normalized(pixels: Pixels, recipe: Recipe) -> Floats:
    """Return `pixels` (height, width, RGB) as the net's input, channels first unless it has them
    last.
    """
    how = recipe.how
    if how.channels == "bgr":
        pixels = pixels[:, :, ::-1]
    mean, std = np.array(how.mean, np.float32), np.array(how.std, np.float32)
    scaled = (pixels.astype(np.float32) * np.float32(how.scale) - mean) / std
    placed = scaled if recipe.channels_last else scaled.transpose(2, 0, 1)
    return np.ascontiguousarray(placed, dtype=np.float32)
