"""Which versions of a GPU's engines does this interpreter load? No GPU takes part."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

EXPECTED = (8, 5, 3)
"""The TensorRT that the locked environment of Paddle brings."""

_ENGINES = ("onnxruntime", "onnxruntime_ep_nv_tensorrt_rtx", "tensorrt")


def probe(_: object, __: Mapping[str, Any]) -> dict[str, Any]:
    """Return Paddle's version, and the TensorRT that it was built for and that it loads.

    Without Paddle the version of each other engine that is there; raises ImportError without any.
    """
    try:
        import paddle
        from paddle import inference
    except ModuleNotFoundError:
        return _others()
    return {
        "paddle": paddle.__version__,
        "built_for": list(inference.get_trt_compile_version()),
        "loads": list(inference.get_trt_runtime_version()),
    }


def _others() -> dict[str, Any]:
    found = {}
    for name in _ENGINES:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        found[name] = str(getattr(module, "__version__", "unknown"))
    if not found:
        raise ImportError(f"there is no paddle, {', '.join(_ENGINES)}")
    return found
