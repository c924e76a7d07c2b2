"""What the mobile nets are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from paddle import nn


def divisible(channels: float, by: int = 8) -> int:
    """Return the multiple of `by` next to `channels`, and the one above where that takes over 10%.

    The rule of MobileNetV2's authors for a scaled width.
    """
    nearest = max(by, int(channels + by / 2) // by * by)
    return nearest if nearest >= 0.9 * channels else nearest + by


def conv_norm(
    inputs: int,
    outputs: int,
    kernel: int = 1,
    *,
    stride: int = 1,
    groups: int = 1,
    activation: Callable[[], nn.Layer] | None = None,
) -> nn.Sequential:
    """Return a convolution that keeps the size (over `stride`), its batch norm and activation."""
    convolution = nn.Conv2D(
        inputs, outputs, kernel, stride=stride, padding=kernel // 2, groups=groups, bias_attr=False
    )
    layers = [convolution, nn.BatchNorm2D(outputs)]
    return nn.Sequential(*layers, *([activation()] if activation else []))


def depthwise(channels: int, kernel: int, **others: Any) -> nn.Sequential:
    """Return the same with a filter of its own for each channel."""
    return conv_norm(channels, channels, kernel, groups=channels, **others)


class SqueezeExcite(nn.Layer):
    """Scales each channel by what `gate` makes of all channels' means; `narrow` channels between.

    Hu et al., "Squeeze-and-Excitation Networks", 2018.
    """

    def __init__(self, channels: int, narrow: int, gate: nn.Layer) -> None:
        super().__init__()
        self.scale = nn.Sequential(
            nn.AdaptiveAvgPool2D(1),
            nn.Conv2D(channels, narrow, 1),
            nn.ReLU(),
            nn.Conv2D(narrow, channels, 1),
            gate,
        )

    def forward(self, x: Any) -> Any:
        return x * self.scale(x)


def wide_head(inputs: int, classes: int) -> list[nn.Layer]:
    """Return the end of a net: 1,280 channels of the means of the last ones, then the classes.

    Dropout scales at inference, not in training: what the published weights were trained with.
    """
    return [
        nn.AdaptiveAvgPool2D(1),
        nn.Conv2D(inputs, 1280, 1, bias_attr=False),
        nn.Hardswish(),
        nn.Dropout(0.2, mode="downscale_in_infer"),
        nn.Flatten(),
        nn.Linear(1280, classes),
    ]
