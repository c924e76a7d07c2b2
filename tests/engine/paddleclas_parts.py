# mypy: disable-error-code="misc"
# Paddle is not installed where mypy runs: its Layer is Any.
"""Layers that several of PaddleClas's nets share; paddle environment only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from paddle import nn
from paddle.nn import functional

Activation = Callable[[Any], Any]


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


def end_wide(net: Net, width: int, classes: int) -> None:
    """Add the head of MobileNetV3 and ESNet."""
    net.steps.append(meant)
    net.add("last_conv", nn.Conv2D(width, 1280, 1, bias_attr=False))
    net.steps.append(functional.hardswish)
    net.add("dropout", nn.Dropout(0.2, mode="downscale_in_infer"))
    net.steps.append(flat)
    net.add("fc", nn.Linear(1280, classes))
