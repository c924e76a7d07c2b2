"""MobileNetV1 of paddle.vision in its published widths: Howard et al., "MobileNets", 2017."""

from __future__ import annotations

from functools import partial

from paddle.vision.models import mobilenet_v1

x0_25 = partial(mobilenet_v1, scale=0.25)
x0_5 = partial(mobilenet_v1, scale=0.5)
x0_75 = partial(mobilenet_v1, scale=0.75)
