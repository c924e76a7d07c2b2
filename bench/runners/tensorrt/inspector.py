"""What TensorRT's engine inspector says of a built engine: each layer with the kernel that runs it.

`trt` is the module tensorrt. The whole of it is there where the engine was built with
ProfilingVerbosity.DETAILED; the inspector's own JSON lies beside the engine in the cache.
Sources: TensorRT 8.5.3 Python API reference, "Engine Inspector"; NVIDIA/TensorRT,
tools/experimental/trt-engine-explorer (its fields, and the control characters in its names).
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

LAYERS = "layers.json"
"""The inspector's JSON, beside the engine."""

# Between the names of what was fused, from 8.6 on.
_SEPARATORS = re.compile("[\x1e\x1f]")
# In a tensor's "Format/Datatype", as `Channel major FP16 format where channel % 8 == 0`.
_PRECISION = re.compile(
    r"\b(fp64|fp32|fp16|bf16|fp8|fp4|u?int\d+|bool|double|float|half|bfloat16)\b", re.IGNORECASE
)
_NAMES = {"double": "fp64", "float": "fp32", "half": "fp16", "bfloat16": "bf16"}


def inspected(trt: Any, engine: Any) -> str:
    """Return the inspector's JSON of `engine`, '' where there is none: no figure depends on it."""
    try:
        inspector = engine.create_engine_inspector()
        return str(inspector.get_engine_information(trt.LayerInformationFormat.JSON))
    except Exception as error:  # noqa: BLE001 - TensorRT's errors have no class of their own
        sys.stderr.write(f"TensorRT's engine inspector tells nothing: {error!r}\n")
        return ""


def layers_of(text: str) -> list[dict[str, str]]:
    """Return the layers in the inspector's JSON, in the order in which they run; none: other text.

    Each has `name` (numbered where several have the same), `type`, `kernel` (TensorRT calls it the
    tactic's name), `tactic` (its number) and `precision` of what it computes; '' is unknown.
    """
    try:
        layers = json.loads(text, strict=False)["Layers"]
    except (ValueError, LookupError, TypeError):
        return []
    counted: Counter[str] = Counter()
    known = layers if isinstance(layers, list) else []
    return [_layer(it, counted) for it in known if isinstance(it, dict | str)]


def plain_name(name: str) -> str:
    """Return a layer's name without the control characters between what was fused."""
    return _SEPARATORS.sub("+", name)


def numbered(name: str, counted: Counter[str]) -> str:
    """Return a name that is the layer's own: a second one of the same is `name (2)`."""
    counted[name] += 1
    return name if counted[name] == 1 else f"{name} ({counted[name]})"


def _layer(layer: Mapping[str, Any] | str, counted: Counter[str]) -> dict[str, str]:
    """Return one layer; without detail the inspector has a name for each and no more."""
    known = {"Name": layer} if isinstance(layer, str) else layer
    return {
        "name": numbered(plain_name(str(known.get("Name", ""))), counted),
        "type": str(known.get("ParameterType") or known.get("LayerType") or ""),
        "kernel": str(known.get("TacticName") or ""),
        "tactic": str(known.get("TacticValue") or ""),
        "precision": "+".join(dict.fromkeys(_precisions(known))),
    }


def _precisions(layer: Mapping[str, Any]) -> Iterator[str]:
    """Yield the types of a layer's outputs, as fp32."""
    for tensor in layer.get("Outputs") or ():
        text = tensor.get("Format/Datatype", "") if isinstance(tensor, dict) else ""
        if found := _PRECISION.search(str(text)):
            yield _NAMES.get(found[1].lower(), found[1].lower())
