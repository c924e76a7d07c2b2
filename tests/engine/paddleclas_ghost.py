# mypy: disable-error-code="misc"
# Paddle is not installed where mypy runs: its Layer is Any.
"""PaddleClas's GhostNet and ESNet; paddle environment only. See paddleclas_nets.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import paddle
from paddle import nn
from paddle.nn import functional
from paddleclas_parts import (
    Activation,
    DenseSqueeze,
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
    same,
)

GHOSTS = [
    # kernel, expanded, outputs, squeezes, stride
    [3, 16, 16, 0, 1], [3, 48, 24, 0, 2], [3, 72, 24, 0, 1], [5, 72, 40, 1, 2], [5, 120, 40, 1, 1],
    [3, 240, 80, 0, 2], [3, 200, 80, 0, 1], [3, 184, 80, 0, 1], [3, 184, 80, 0, 1],
    [3, 480, 112, 1, 1], [3, 672, 112, 1, 1], [5, 672, 160, 1, 2], [5, 960, 160, 0, 1],
    [5, 960, 160, 1, 1], [5, 960, 160, 0, 1], [5, 960, 160, 1, 1],
]  # fmt: skip


class Ghost(nn.Layer):
    """GhostNet's module: half of the maps made cheaply."""

    def __init__(self, inputs: int, outputs: int, act: Activation = same) -> None:
        super().__init__()
        made = -(-outputs // 2)
        self.primary_conv = Old(inputs, made, act=act)
        self.cheap_operation = Old(made, made, 3, 1, made, act)

    def forward(self, x: Any) -> Any:
        x = self.primary_conv(x)
        return paddle.concat([x, self.cheap_operation(x)], 1)


class GhostBlock(nn.Layer):
    """GhostNet's block."""

    def __init__(self, inputs: int, scale: float, row: Sequence[int]) -> None:
        super().__init__()
        kernel, expanded, outputs, squeezes, stride = row
        wide, narrow = rounded(scale * expanded, 4), rounded(scale * outputs, 4)
        self.steps: list[Activation] = []
        self.beside: list[Activation] = []
        self._add("ghost_module_1", Ghost(inputs, wide, functional.relu))
        if stride == 2:
            self._add("depthwise_conv", Old(wide, wide, kernel, 2, wide))
        if squeezes:
            self._add("se_block", DenseSqueeze(wide))
        self._add("ghost_module_2", Ghost(wide, narrow))
        if stride == 2 or inputs != narrow:
            self.shortcut_depthwise = Old(inputs, inputs, kernel, stride, inputs)
            self.shortcut_conv = Old(inputs, narrow)
            self.beside = [self.shortcut_depthwise, self.shortcut_conv]

    def _add(self, name: str, layer: Any) -> None:
        self.steps.append(self.add_sublayer(name, layer))

    def forward(self, x: Any) -> Any:
        y = x
        for step in self.steps:
            y = step(y)
        for step in self.beside:
            x = step(x)
        return x + y


def ghost_net(scale: float, classes: int) -> Net:
    """Return GhostNet."""
    widths = [rounded(scale * it, 4) for it in (16, *(row[2] for row in GHOSTS))]
    net, last = Net(), rounded(scale * 960, 4)
    net.add("conv1", Old(3, widths[0], 3, 2, act=functional.relu))
    for index, (width, row) in enumerate(zip(widths, GHOSTS, strict=False)):
        net.add(f"_ghostbottleneck_{index}", GhostBlock(width, scale, row))
    net.add("conv_last", Old(widths[-1], last, act=functional.relu))
    net.steps.append(meant)
    net.add("fc_0", Old(last, 1280, act=functional.relu))
    net.add("dropout", nn.Dropout(0.2))
    net.steps.append(flat)
    net.add("fc_1", nn.Linear(1280, classes))
    return net


class EsBlock(nn.Layer):
    """ESNet's block that keeps the size."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        self.pw_1_1 = Unit(half, half, act=functional.hardswish)
        self.dw_1 = Unit(half, half, 3, 1, half)
        self.se = Squeeze(width, 1 / 6)
        self.pw_1_2 = Unit(width, half, act=functional.hardswish)

    def forward(self, x: Any) -> Any:
        kept, x = paddle.split(x, 2, axis=1)
        x = self.pw_1_1(x)
        x = self.pw_1_2(self.se(paddle.concat([x, self.dw_1(x)], 1)))
        return mixed(paddle.concat([kept, x], 1))


class EsDown(nn.Layer):
    """ESNet's block that halves the size."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half, act = outputs // 2, functional.hardswish
        self.dw_1 = Unit(inputs, inputs, 3, 2, inputs)
        self.pw_1 = Unit(inputs, half, act=act)
        self.pw_2_1 = Unit(inputs, half, act=act)
        self.dw_2 = Unit(half, half, 3, 2, half)
        self.se = Squeeze(half, 1 / 6)
        self.pw_2_2 = Unit(half, half, act=act)
        self.concat_dw = Unit(outputs, outputs, 3, 1, outputs, act)
        self.concat_pw = Unit(outputs, outputs, act=act)

    def forward(self, x: Any) -> Any:
        one = self.pw_1(self.dw_1(x))
        other = self.pw_2_2(self.se(self.dw_2(self.pw_2_1(x))))
        return self.concat_pw(self.concat_dw(paddle.concat([one, other], 1)))


def es_net(scale: float, classes: int) -> Net:
    """Return ESNet."""
    net, width = Net(), 24
    net.add("conv1", Unit(3, width, 3, 2, act=functional.hardswish))
    net.steps.append(pooled)
    blocks: list[Any] = []
    for channels, count in ((116, 3), (232, 7), (464, 3)):
        outputs = rounded(scale * channels)
        blocks += [EsDown(width, outputs), *(EsBlock(outputs) for _ in range(count - 1))]
        width = outputs
    net.add("blocks", nn.Sequential(*blocks))
    net.add("conv2", Unit(width, 1024, act=functional.hardswish))
    end_wide(net, 1024, classes)
    return net
