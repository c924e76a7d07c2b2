"""ESNet, the enhanced ShuffleNet of "PP-PicoDet": Yu et al., 2021."""

from __future__ import annotations

from functools import partial
from typing import Any

import paddle
from paddle import nn

from mobile.parts import SqueezeExcite, conv_norm, depthwise, divisible, wide_head

STEM, LAST = 24, 1024
STAGES = ((116, 3), (232, 7), (464, 3))  # channels and blocks
HS = nn.Hardswish


def squeeze(channels: int) -> SqueezeExcite:
    """Return the weighing of channels that all blocks have."""
    return SqueezeExcite(channels, channels // 4, nn.Hardsigmoid())


def shuffled(x: Any) -> Any:
    """Return the channels of both halves by turns, as ops that engines know to fuse."""
    batch, channels, height, width = x.shape
    halves = x.reshape([batch, 2, channels // 2, height, width])
    return halves.transpose([0, 2, 1, 3, 4]).reshape([batch, channels, height, width])


class Block(nn.Layer):
    """Half of the channels pass; the other half goes through a ghost module. Then both mix."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.primary = conv_norm(half, half, activation=HS)
        self.cheap = depthwise(half, 3)
        self.narrow = nn.Sequential(squeeze(channels), conv_norm(channels, half, activation=HS))

    def forward(self, x: Any) -> Any:
        passing, x = paddle.split(x, 2, axis=1)
        x = self.primary(x)
        x = self.narrow(paddle.concat([x, self.cheap(x)], axis=1))
        return shuffled(paddle.concat([passing, x], axis=1))


class Downsampling(nn.Layer):
    """Two branches at half the size, mixed by a depthwise and a pointwise convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half = outputs // 2
        # Of equal shapes: by these names of PaddleClas its weights are told apart.
        self.one = nn.Sequential(
            ("filters", depthwise(inputs, 3, stride=2)),
            ("pw_1", conv_norm(inputs, half, activation=HS)),
        )
        self.other = nn.Sequential(
            ("pw_2_1", conv_norm(inputs, half, activation=HS)),
            ("filters", depthwise(half, 3, stride=2)),
            ("squeeze", squeeze(half)),
            ("narrow", conv_norm(half, half, activation=HS)),
        )
        self.mix = nn.Sequential(
            depthwise(outputs, 3, activation=HS), conv_norm(outputs, outputs, activation=HS)
        )

    def forward(self, x: Any) -> Any:
        return self.mix(paddle.concat([self.one(x), self.other(x)], axis=1))


def esnet(scale: float, num_classes: int = 1000) -> nn.Sequential:
    """Return the net with the widths of its stages scaled."""
    layers = [
        conv_norm(3, STEM, 3, stride=2, activation=HS),
        nn.MaxPool2D(3, stride=2, padding=1),
    ]
    inputs = STEM
    for width, blocks in STAGES:
        outputs = divisible(scale * width)
        layers.append(Downsampling(inputs, outputs))
        layers += [Block(outputs) for _ in range(blocks - 1)]
        inputs = outputs
    last = conv_norm(inputs, LAST, activation=HS)
    return nn.Sequential(*layers, last, *wide_head(LAST, num_classes))


x0_25 = partial(esnet, 0.25)
x0_5 = partial(esnet, 0.5)
x0_75 = partial(esnet, 0.75)
x1_0 = partial(esnet, 1.0)
