"""ShuffleNetV2 x0.5, and the same net with a wider end: a few percent slower.

`slower` has WIDER channels instead of 1024 after its last convolution, and a classifier to match:
40.48 M multiply-accumulates become 48.47 M, 19.7% more. They are cheap ones: one large matrix
product, while most of the net's time goes into small and depthwise convolutions. By how much it is
slower is for the self-test to measure; 7 to 11% were seen with Paddle Inference on one thread.
"""

from __future__ import annotations

from typing import Any

from paddle.vision.models import ShuffleNetV2
from paddle.vision.ops import ConvNormActivation

SCALE = 0.5
BEFORE = 192
WIDER = 1792


def base() -> Any:
    """Return paddle.vision's own shufflenet_v2_x0_5."""
    return ShuffleNetV2(scale=SCALE)


def slower() -> Any:
    """Return `base` with a wider end."""
    from paddle import nn

    net = ShuffleNetV2(scale=SCALE)
    net._last_conv = ConvNormActivation(  # noqa: SLF001 - the net has no other name for it
        in_channels=BEFORE, out_channels=WIDER, kernel_size=1, stride=1, padding=0
    )
    net._fc = nn.Linear(WIDER, net.num_classes)  # noqa: SLF001
    return net
