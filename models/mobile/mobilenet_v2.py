"""MobileNetV2: Sandler et al., "MobileNetV2: Inverted Residuals", 2018, table 2.

The published nets expand in the first block too, by a factor of 1, and cut scaled widths to whole
numbers. paddle.vision's leave that convolution out and round to a multiple of 8.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from paddle import nn

from mobile.parts import conv_norm, depthwise

STEM, LAST = 32, 1280
STAGES = (  # the factor of expansion, channels, blocks and the first one's stride
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class Block(nn.Layer):
    """Expands, filters each channel and narrows, which no activation follows."""

    def __init__(self, inputs: int, outputs: int, factor: int, stride: int) -> None:
        super().__init__()
        expanded = inputs * factor
        self.body = nn.Sequential(
            conv_norm(inputs, expanded, activation=nn.ReLU6),
            depthwise(expanded, 3, stride=stride, activation=nn.ReLU6),
            conv_norm(expanded, outputs),
        )
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x: Any) -> Any:
        return x + self.body(x) if self.adds else self.body(x)


def mobilenet_v2(scale: float, num_classes: int = 1000) -> nn.Sequential:
    """Return the net with its widths scaled, the last one where that makes it wider."""
    inputs = int(scale * STEM)
    layers: list[nn.Layer] = [conv_norm(3, inputs, 3, stride=2, activation=nn.ReLU6)]
    for factor, channels, blocks, stride in STAGES:
        outputs = int(scale * channels)
        for index in range(blocks):
            layers.append(Block(inputs, outputs, factor, stride if index == 0 else 1))
            inputs = outputs
    last = int(max(scale, 1.0) * LAST)
    return nn.Sequential(
        *layers,
        conv_norm(inputs, last, activation=nn.ReLU6),
        nn.AdaptiveAvgPool2D(1),
        nn.Flatten(),
        nn.Linear(last, num_classes),
    )


x0_25 = partial(mobilenet_v2, 0.25)
x0_5 = partial(mobilenet_v2, 0.5)
x0_75 = partial(mobilenet_v2, 0.75)
x1_0 = partial(mobilenet_v2, 1.0)
x1_5 = partial(mobilenet_v2, 1.5)
x2_0 = partial(mobilenet_v2, 2.0)
