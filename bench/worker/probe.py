"""Which TensorRT does this interpreter's Paddle load? No GPU takes part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EXPECTED = (8, 5, 3)
"""The TensorRT that the locked environment brings."""


def probe(_: object, __: Mapping[str, Any]) -> dict[str, Any]:
    """Return Paddle's version, and the TensorRT that it was built for and that it loads."""
    import paddle
    from paddle import inference

    return {
        "paddle": paddle.__version__,
        "built_for": list(inference.get_trt_compile_version()),
        "loads": list(inference.get_trt_runtime_version()),
    }
