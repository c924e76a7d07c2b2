"""ShuffleNetV2 x0.25 and x0.5 with as many channels after the last convolution as a name says.

`nets:x0_5_1024` and `nets:x0_25_512` are paddle.vision's own; more channels make a net slower by
little steps, so that one can be had that is slower by a share that was asked for. By how much it is
slower hangs on the engine and the machine, and is for a long comparison to measure
(`scripts/regression_report.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from paddle.vision.models import ShuffleNetV2
from paddle.vision.ops import ConvNormActivation

# Scale, and the channels before the last convolution.
SCALES = {"x0_25": (0.25, 96), "x0_5": (0.5, 192)}


def __getattr__(name: str) -> Callable[[], Any]:
    """Return the factory of the net that `name`, as in `x0_5_1280`, stands for."""
    scale, _, channels = name.rpartition("_")
    if scale not in SCALES or not channels.isdigit():
        raise AttributeError(name)
    return lambda: widened(scale, int(channels))


def widened(name: str, channels: int) -> Any:
    """Return net `name` with that many channels after its last convolution."""
    from paddle import nn

    scale, before = SCALES[name]
    net = ShuffleNetV2(scale=scale)
    net._last_conv = ConvNormActivation(  # noqa: SLF001 - the net has no other name for it
        in_channels=before, out_channels=channels, kernel_size=1, stride=1, padding=0
    )
    net._fc = nn.Linear(channels, net.num_classes)  # noqa: SLF001
    return net
