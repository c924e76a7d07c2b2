"""The fake net, shared by the fake runner and the fake converter."""

from __future__ import annotations

import numpy as np

from bench.runners.base import Array

CLASSES = 10


def infer(x: Array) -> Array:
    """Return (batch, 10) logits: twice each image's mean plus the class index."""
    means = np.asarray(x, dtype=np.float32).mean(axis=(1, 2, 3))
    logits: Array = 2 * means[:, None] + np.arange(CLASSES, dtype=np.float32)[None, :]
    return logits
