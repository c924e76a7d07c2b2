"""The kinds of artifact: which converter makes each, in which environment, of what.

A new kind is one line here. `bench.artifacts.builder` makes them. Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactFormat:
    """How a kind of artifact is made: by `converter` in `env`, from a model or from `source`.

    `main` is the file that an engine opens; `code` names the modules that shape its bytes. A
    converter that works on this kind is told `main` as `model` and the files of `beside` by name.
    `worker_env` runs a converter that `env` is too old for; see `bench.environments.interpreters`.
    """

    converter: str
    env: str
    main: str
    code: tuple[str, ...]
    source: str | None = None
    beside: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    child_env: Mapping[str, str] = field(default_factory=dict)
    worker_env: str | None = None


_EXPORT = "bench.converters.paddle_export:convert"
_EXPORT_CODE = (
    "paddle_export.py", "paddle_net.py", "paddle_program.py", "paddle_costs.py",
    "paddle_op_costs.py", "op_defaults.py", "paddle_weights.py", "subnormals.py",
)  # fmt: skip


def _of_onnx(converter: str, *, main: str) -> ArtifactFormat:
    return ArtifactFormat(
        converter=f"bench.converters.{converter}:convert",
        env="engines",
        main=main,
        code=(f"{converter}.py", "onnx_file.py"),
        source="onnx",
    )


ARTIFACT_FORMATS: Mapping[str, ArtifactFormat] = {
    "paddle-pir": ArtifactFormat(
        converter=_EXPORT,
        env="paddle",
        main="model.json",
        code=_EXPORT_CODE,
        beside={"params": "model.pdiparams"},
        options={"format": "pir"},
        child_env={"FLAGS_enable_pir_api": "1"},
    ),
    # Paddle 3 writes the older ProgramDesc only with this flag set before it is imported.
    "paddle-program": ArtifactFormat(
        converter=_EXPORT,
        env="paddle",
        main="model.pdmodel",
        code=_EXPORT_CODE,
        beside={"params": "model.pdiparams"},
        options={"format": "program"},
        child_env={"FLAGS_enable_pir_api": "0"},
    ),
    "paddle-lite-nb": ArtifactFormat(
        converter="bench.converters.lite_opt:convert",
        env="lite",
        main="model.nb",
        code=("lite_opt.py",),
        source="paddle-program",
        options={"target": "arm"},
    ),
    "paddle-lite-nb-x86": ArtifactFormat(
        converter="bench.converters.lite_opt_x86:convert",
        env="lite-x86",
        worker_env="harness",
        main="model.nb",
        code=("lite_opt_x86.py", "lite_opt_x86_child.py", "lite_opt.py"),
        source="paddle-program",
        options={"target": "x86"},
    ),
    "onnx": ArtifactFormat(
        converter="bench.converters.onnx_export:convert",
        env="onnx",
        main="model.onnx",
        code=("onnx_export.py",),
        source="paddle-program",
        options={"opset": 13},
    ),
    "onnx-int8": _of_onnx("onnx_int8", main="model.onnx"),
    "openvino-ir": _of_onnx("openvino_ir", main="model.xml"),
    "ncnn": _of_onnx("ncnn_pnnx", main="model.ncnn.param"),
    "mnn": _of_onnx("mnn_convert", main="model.mnn"),
}
