"""Resizing and cropping as OpenCV or Pillow do it; of OpenCV only its arithmetic is needed.

PaddleClas resizes with OpenCV, INTER_LINEAR: it looks at the four nearest pixels, whatever the
scale. Pillow's own BILINEAR averages over all pixels that a smaller image's pixel covers. On noisy
photographs of 375 x 500 the two are 3 levels of 255 apart on average, so where a net wants
OpenCV's, that is what is computed here: bilinear the same to the bit as OpenCV 4.10 and 5.0 in 8
sizes, nearest too, bicubic within a level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Floats = NDArray[np.float32]
    Wholes = NDArray[np.int32]

Size = tuple[int, int]
# OpenCV weighs 8-bit pixels in whole numbers: 11 bits a weight, 4 dropped between the passes.
_WEIGHT_ONE = 1 << 11
_CUBIC = -0.75  # OpenCV's; Pillow's is -0.5


def resized(pixels: Pixels, size: Size, crop: Size, *, backend: str, interpolation: str) -> Pixels:
    """Return the central `crop` of `pixels` (height, width, RGB) resized to `size`.

    Both are height and width. Of OpenCV's ways only what the crop shows is computed.
    """
    if backend == "pillow":
        way = Image.Resampling[interpolation.upper()]
        whole = np.asarray(Image.fromarray(pixels).resize(size[::-1], way))
        upper, left = ((of - to) // 2 for of, to in zip(size, crop, strict=True))
        return whole[upper : upper + crop[0], left : left + crop[1]]
    down, across = (
        _Axis(*it) for it in zip(pixels.shape[:2], size, crop, strict=True)
    )  # fmt: skip
    ways = {"nearest": _nearest, "bilinear": _bilinear, "bicubic": _bicubic}
    return ways[interpolation](pixels, down, across)


@dataclass(frozen=True, slots=True)
class _Axis:
    """One axis of an image: its extents before and after the resizing, and in the crop."""

    source: int
    resized: int
    crop: int

    @property
    def at(self) -> NDArray[np.int64]:
        """The crop's pixels, counted in the resized image."""
        return np.arange(self.crop) + (self.resized - self.crop) // 2

    @property
    def places(self) -> NDArray[np.float32]:
        """Where in the source the crop's pixels lie, as OpenCV rounds it."""
        scale = self.source / self.resized
        return ((self.at + 0.5) * scale - 0.5).astype(np.float32)

    def clipped(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.clip(numbers, 0, self.source - 1)


def _nearest(pixels: Pixels, down: _Axis, across: _Axis) -> Pixels:
    rows, columns = (
        axis.clipped(np.floor(axis.at * (1 / (axis.resized / axis.source))).astype(np.int64))
        for axis in (down, across)
    )
    return pixels[rows][:, columns]


def _bilinear(pixels: Pixels, down: _Axis, across: _Axis) -> Pixels:
    rows, shares = _neighbours(down)
    columns, weights = _neighbours(across)
    upper, lower = (_sum(pixels[row], columns, weights) >> 4 for row in rows)
    first, second = (share[:, None, None] for share in shares)
    blended = (first * upper >> 16) + (second * lower >> 16)
    return ((blended + 2) >> 2).astype(np.uint8)


def _neighbours(axis: _Axis) -> tuple[list[NDArray[np.int64]], list[Wholes]]:
    """Return the two source pixels of each of the crop's, and their weights."""
    low = np.floor(axis.places)
    inside = (low >= 0) & (low < axis.source - 1)
    share = np.where(inside, axis.places - low, np.float32(0))
    first = axis.clipped(low.astype(np.int64))
    return [first, axis.clipped(first + 1)], [_whole(1 - share), _whole(share)]


def _bicubic(pixels: Pixels, down: _Axis, across: _Axis) -> Pixels:
    rows, shares = _four(down)
    columns, weights = _four(across)
    passed = [_sum(pixels[row], columns, weights).astype(np.float64) for row in rows]
    summed = sum(part * share[:, None, None] for part, share in zip(passed, shares, strict=True))
    return np.clip(np.rint(summed / _WEIGHT_ONE**2), 0, 255).astype(np.uint8)


def _four(axis: _Axis) -> tuple[list[NDArray[np.int64]], list[Wholes]]:
    """Return the four source pixels of each of the crop's, and their weights."""
    low = np.floor(axis.places)
    x = axis.places - low
    ends = [_outer(x + 1), _inner(x), _inner(1 - x)]
    weights = [*ends, 1 - ends[0] - ends[1] - ends[2]]
    first = low.astype(np.int64)
    return [axis.clipped(first + step) for step in range(-1, 3)], [_whole(it) for it in weights]


def _inner(x: Floats) -> Floats:
    inner: Floats = ((_CUBIC + 2) * x - (_CUBIC + 3)) * x * x + 1
    return inner


def _outer(x: Floats) -> Floats:
    outer: Floats = ((_CUBIC * x - 5 * _CUBIC) * x + 8 * _CUBIC) * x - 4 * _CUBIC
    return outer


def _whole(weight: Floats) -> Wholes:
    return np.rint(weight * _WEIGHT_ONE).astype(np.int32)


def _sum(pixels: Pixels, columns: list[NDArray[np.int64]], weights: list[Wholes]) -> Wholes:
    """Return `pixels` resized along their second axis, in units of 1 / 2048 level."""
    picked = pixels.astype(np.int32)
    summed: Wholes = np.zeros((len(pixels), len(columns[0]), 3), np.int32)
    for column, weight in zip(columns, weights, strict=True):
        summed += picked[:, column] * weight[:, None]
    return summed
