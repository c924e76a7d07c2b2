# mypy: disable-error-code="misc"
# Paddle is not installed where mypy runs: its Layer is Any.
"""PaddleClas's mobile nets as its trainer names and orders their layers; paddle environment only.

Stand-ins for a person's training: the names, shapes and sums are PaddleClas's, the code is not.
Each function takes a width and a number of classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import paddle
from paddle import nn
from paddle.nn import functional
from paddleclas_ghost import es_net, ghost_net
from paddleclas_parts import (
    Activation,
    Net,
    Old,
    Squeeze,
    Unit,
    end_wide,
    flat,
    meant,
    mixed,
    pooled,
    rounded,
)

__all__ = [
    "es_net",
    "ghost_net",
    "mobile_v1",
    "mobile_v2",
    "mobile_v3",
    "mobile_v3_small",
    "shuffle_net",
    "shuffle_net_swish",
]

BLOCKS = [
    # kernel, expanded, outputs, squeezes, activation, stride
    [3, 16, 16, 0, "relu", 1], [3, 64, 24, 0, "relu", 2], [3, 72, 24, 0, "relu", 1],
    [5, 72, 40, 1, "relu", 2], [5, 120, 40, 1, "relu", 1], [5, 120, 40, 1, "relu", 1],
    [3, 240, 80, 0, "hardswish", 2], [3, 200, 80, 0, "hardswish", 1],
    [3, 184, 80, 0, "hardswish", 1], [3, 184, 80, 0, "hardswish", 1],
    [3, 480, 112, 1, "hardswish", 1], [3, 672, 112, 1, "hardswish", 1],
    [5, 672, 160, 1, "hardswish", 2], [5, 960, 160, 1, "hardswish", 1],
    [5, 960, 160, 1, "hardswish", 1],
]  # fmt: skip
SMALL_BLOCKS = [
    [3, 16, 16, 1, "relu", 2], [3, 72, 24, 0, "relu", 2], [3, 88, 24, 0, "relu", 1],
    [5, 96, 40, 1, "hardswish", 2], [5, 240, 40, 1, "hardswish", 1],
    [5, 240, 40, 1, "hardswish", 1], [5, 120, 48, 1, "hardswish", 1],
    [5, 144, 48, 1, "hardswish", 1], [5, 288, 96, 1, "hardswish", 2],
    [5, 576, 96, 1, "hardswish", 1], [5, 576, 96, 1, "hardswish", 1],
]  # fmt: skip
SHUFFLES = {
    0.25: (24, 48, 96, 512), 0.33: (32, 64, 128, 512), 0.5: (48, 96, 192, 1024),
    1.0: (116, 232, 464, 1024), 1.5: (176, 352, 704, 1024), 2.0: (224, 488, 976, 2048),
}  # fmt: skip


class Shuffle(nn.Layer):
    """A block of ShuffleNetV2 that keeps the size."""

    def __init__(self, width: int, act: Activation) -> None:
        super().__init__()
        half = width // 2
        self._conv_pw = Old(half, half, act=act)
        self._conv_dw = Old(half, half, 3, 1, half)
        self._conv_linear = Old(half, half, act=act)

    def forward(self, x: Any) -> Any:
        kept, x = paddle.split(x, 2, axis=1)
        return mixed(paddle.concat([kept, self._conv_linear(self._conv_dw(self._conv_pw(x)))], 1))


class ShuffleDown(nn.Layer):
    """A block of ShuffleNetV2 that halves the size."""

    def __init__(self, inputs: int, width: int, act: Activation) -> None:
        super().__init__()
        half = width // 2
        self._conv_dw_1 = Old(inputs, inputs, 3, 2, inputs)
        self._conv_linear_1 = Old(inputs, half, act=act)
        self._conv_pw_2 = Old(inputs, half, act=act)
        self._conv_dw_2 = Old(half, half, 3, 2, half)
        self._conv_linear_2 = Old(half, half, act=act)

    def forward(self, x: Any) -> Any:
        one = self._conv_linear_1(self._conv_dw_1(x))
        other = self._conv_linear_2(self._conv_dw_2(self._conv_pw_2(x)))
        return mixed(paddle.concat([one, other], 1))


def shuffle_net(scale: float, classes: int, act: Activation = functional.relu) -> Net:
    """Return ShuffleNetV2."""
    net, width = Net(), 24
    net.add("_conv1", Old(3, width, 3, 2, act=act))
    net.steps.append(pooled)
    *stages, last = SHUFFLES[scale]
    for stage, (outputs, blocks) in enumerate(zip(stages, (4, 8, 4), strict=True), 2):
        net.add(f"{stage}_1", ShuffleDown(width, outputs, act))
        for block in range(2, blocks + 1):
            net.add(f"{stage}_{block}", Shuffle(outputs, act))
        width = outputs
    net.add("_last_conv", Old(width, last, act=act))
    net.steps += [meant, flat]
    net.add("_fc", nn.Linear(last, classes))
    return net


def shuffle_net_swish(scale: float, classes: int) -> Net:
    """Return ShuffleNetV2 with swish."""
    return shuffle_net(scale, classes, functional.swish)


class Separable(nn.Layer):
    """MobileNetV1's block."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.depthwise_conv = Unit(inputs, inputs, 3, stride, inputs, functional.relu)
        self.pointwise_conv = Unit(inputs, outputs, act=functional.relu)

    def forward(self, x: Any) -> Any:
        return self.pointwise_conv(self.depthwise_conv(x))


def mobile_v1(scale: float, classes: int) -> Net:
    """Return MobileNetV1."""
    widths = [int(scale * it) for it in (32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024)]
    strides = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
    net = Net()
    net.add("conv", Unit(3, widths[0], 3, 2, act=functional.relu))
    pairs = zip(widths, widths[1:], strides, strict=False)
    net.add("blocks", nn.Sequential(*(Separable(*it) for it in pairs)))
    net.steps += [meant, flat]
    net.add("fc", nn.Linear(widths[-1], classes))
    return net


class Inverted(nn.Layer):
    """MobileNetV2's block."""

    def __init__(self, inputs: int, outputs: int, factor: int, stride: int, adds: bool) -> None:
        super().__init__()
        wide = inputs * factor
        self._expand_conv = Old(inputs, wide, act=functional.relu6)
        self._bottleneck_conv = Old(wide, wide, 3, stride, wide, functional.relu6)
        self._linear_conv = Old(wide, outputs)
        self.adds = adds

    def forward(self, x: Any) -> Any:
        y = self._linear_conv(self._bottleneck_conv(self._expand_conv(x)))
        return x + y if self.adds else y


def mobile_v2(scale: float, classes: int) -> Net:
    """Return MobileNetV2, whose first block expands by 1, and whose widths aren't rounded."""
    rows = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
            (6, 160, 3, 2), (6, 320, 1, 1))  # fmt: skip
    net, width = Net(), int(32 * scale)
    net.add("conv1", Old(3, width, 3, 2, act=functional.relu6))
    for index, (factor, channels, blocks, stride) in enumerate(rows, 2):
        outputs, stage = int(channels * scale), Net()
        stage.add("_first_block", Inverted(width, outputs, factor, stride, adds=False))
        for block in range(2, blocks + 1):
            stage.add(f"conv{index}_{block}", Inverted(outputs, outputs, factor, 1, adds=True))
        net.add(f"conv{index}", stage)
        width = outputs
    last = int(1280 * max(scale, 1.0))
    net.add("conv9", Old(width, last, act=functional.relu6))
    net.steps += [meant, flat]
    net.add("out", nn.Linear(last, classes))
    return net


class Residual(nn.Layer):
    """MobileNetV3's block."""

    def __init__(self, inputs: int, scale: float, row: Sequence[Any]) -> None:
        super().__init__()
        kernel, expanded, outputs, squeezes, name, stride = row
        wide, narrow = rounded(scale * expanded), rounded(scale * outputs)
        act = getattr(functional, name)
        self.expand_conv = Unit(inputs, wide, act=act)
        self.bottleneck_conv = Unit(wide, wide, kernel, stride, wide, act)
        if squeezes:
            self.mid_se = Squeeze(wide, 0.2)
        self.weigh: list[Activation] = [self.mid_se] if squeezes else []
        self.linear_conv = Unit(wide, narrow)
        self.adds = stride == 1 and inputs == narrow

    def forward(self, x: Any) -> Any:
        y = self.bottleneck_conv(self.expand_conv(x))
        for step in self.weigh:
            y = step(y)
        y = self.linear_conv(y)
        return x + y if self.adds else y


def mobile_v3(scale: float, classes: int, rows: Sequence[Sequence[Any]] = BLOCKS) -> Net:
    """Return MobileNetV3 large."""
    widths = [rounded(scale * it) for it in (16, *(row[2] for row in rows))]
    net, last = Net(), rounded(scale * rows[-1][1])
    net.add("conv", Unit(3, widths[0], 3, 2, act=functional.hardswish))
    blocks = (Residual(width, scale, row) for width, row in zip(widths, rows, strict=False))
    net.add("blocks", nn.Sequential(*blocks))
    net.add("last_second_conv", Unit(widths[-1], last, act=functional.hardswish))
    end_wide(net, last, classes)
    return net


def mobile_v3_small(scale: float, classes: int) -> Net:
    """Return MobileNetV3 small."""
    return mobile_v3(scale, classes, SMALL_BLOCKS)
