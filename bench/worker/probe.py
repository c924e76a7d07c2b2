"""`python -m bench.worker.probe DIR`: which TensorRT does this interpreter's Paddle load?

No GPU takes part: the library is loaded, and no more.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from bench.worker.serve import Reply, serve

EXPECTED = (8, 5, 3)
"""The TensorRT that the locked environment brings."""


def probe(_: Mapping[str, Any], reply: Reply) -> None:
    """Reply with Paddle's version, and the TensorRT that it was built for and that it loads."""
    import paddle
    from paddle import inference

    reply(
        {
            "paddle": paddle.__version__,
            "built_for": list(inference.get_trt_compile_version()),
            "loads": list(inference.get_trt_runtime_version()),
        }
    )


if __name__ == "__main__":
    serve(probe, sys.argv[1:])
