# mypy: disable-error-code="misc"
# Paddle is not installed where mypy runs: its Layer is Any.
"""PaddleClas's mobile nets as its trainer names and orders their layers; paddle environment only.

Stand-ins for a person's training: the names, shapes and sums are PaddleClas's, the code is not.
Each function takes a width and a number of classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import paddle
from paddle import nn
from paddle.nn import functional

Activation = Callable[[Any], Any]
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
GHOSTS = [
    # kernel, expanded, outputs, squeezes, stride
    [3, 16, 16, 0, 1], [3, 48, 24, 0, 2], [3, 72, 24, 0, 1], [5, 72, 40, 1, 2], [5, 120, 40, 1, 1],
    [3, 240, 80, 0, 2], [3, 200, 80, 0, 1], [3, 184, 80, 0, 1], [3, 184, 80, 0, 1],
    [3, 480, 112, 1, 1], [3, 672, 112, 1, 1], [5, 672, 160, 1, 2], [5, 960, 160, 0, 1],
    [5, 960, 160, 1, 1], [5, 960, 160, 0, 1], [5, 960, 160, 1, 1],
]  # fmt: skip
SHUFFLES = {
    0.25: (24, 48, 96, 512), 0.33: (32, 64, 128, 512), 0.5: (48, 96, 192, 1024),
    1.0: (116, 232, 464, 1024), 1.5: (176, 352, 704, 1024), 2.0: (224, 488, 976, 2048),
}  # fmt: skip


def rounded(width: float, by: int = 8) -> int:
    """Return the multiple of `by` that MobileNetV2's authors take for a width."""
    nearest = max(by, int(width + by / 2) // by * by)
    return nearest + by if nearest < 0.9 * width else nearest


def same(x: Any) -> Any:
    """Return what it gets."""
    return x


class Unit(nn.Layer):
    """A convolution, its norm and its activation, the first two under the names given."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        act: Activation = same,
        names: tuple[str, str] = ("conv", "bn"),
    ) -> None:
        super().__init__()
        convolution = nn.Conv2D(
            inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias_attr=False
        )
        self.steps = [
            self.add_sublayer(names[0], convolution),
            self.add_sublayer(names[1], nn.BatchNorm(outputs)),
        ]
        self.act = act

    def forward(self, x: Any) -> Any:
        for step in self.steps:
            x = step(x)
        return self.act(x)


class Old(Unit):
    """The same with the names of the nets in PaddleClas's model_zoo."""

    def __init__(self, *arguments: Any, **others: Any) -> None:
        super().__init__(*arguments, **others, names=("_conv", "_batch_norm"))


class Squeeze(nn.Layer):
    """Scales channels by what two 1x1 convolutions make of their means."""

    def __init__(self, channels: int, slope: float) -> None:
        super().__init__()
        self.conv1 = nn.Conv2D(channels, channels // 4, 1)
        self.conv2 = nn.Conv2D(channels // 4, channels, 1)
        self.slope = slope

    def forward(self, x: Any) -> Any:
        means = functional.adaptive_avg_pool2d(x, 1)
        gate = self.conv2(functional.relu(self.conv1(means)))
        return x * functional.hardsigmoid(gate, slope=self.slope)


class DenseSqueeze(nn.Layer):
    """The same by two dense layers, cut to 0..1: GhostNet's."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, channels // 4)
        self.excitation = nn.Linear(channels // 4, channels)

    def forward(self, x: Any) -> Any:
        means = x.mean([2, 3])
        gate = self.excitation(functional.relu(self.squeeze(means)))
        return x * gate.clip(0, 1).unsqueeze([2, 3])


def mixed(x: Any) -> Any:
    """Return the channels of both halves by turns."""
    n, c, h, w = x.shape
    return x.reshape([n, 2, c // 2, h, w]).transpose([0, 2, 1, 3, 4]).reshape([n, c, h, w])


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


class Net(nn.Layer):
    """Layers that run in the order in which they were added."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Activation] = []

    def add(self, name: str, layer: Any) -> None:
        """Add a layer under a name."""
        self.steps.append(self.add_sublayer(name, layer))

    def forward(self, x: Any) -> Any:
        for step in self.steps:
            x = step(x)
        return x


def pooled(x: Any) -> Any:
    """Return the stem's maxima."""
    return functional.max_pool2d(x, 3, 2, 1)


def meant(x: Any) -> Any:
    """Return the means of the channels."""
    return functional.adaptive_avg_pool2d(x, 1)


def flat(x: Any) -> Any:
    """Return one row for each image."""
    return x.flatten(1)


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


def end_wide(net: Net, width: int, classes: int) -> None:
    """Add the head of MobileNetV3 and ESNet."""
    net.steps.append(meant)
    net.add("last_conv", nn.Conv2D(width, 1280, 1, bias_attr=False))
    net.steps.append(functional.hardswish)
    net.add("dropout", nn.Dropout(0.2, mode="downscale_in_infer"))
    net.steps.append(flat)
    net.add("fc", nn.Linear(1280, classes))


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
