"""The environments by name: their locked file and Python version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvSpec:
    """What an environment is made of; `python` is a version that it must have, None: any.

    Several versions stand by comma, the best first. A file of the lock's name that ends in
    .excludes names packages that others ask for and that must stay out.
    With an empty `lock` it is the user's own interpreter alone (--env NAME=PATH).
    `needs` are the packages of which an interpreter of the user's own must have one, `*` as in a
    shell.
    """

    lock: str
    python: str | None = None
    needs: tuple[str, ...] = ()


ENVIRONMENTS: Mapping[str, EnvSpec] = {
    "paddle": EnvSpec(lock="paddle.txt", needs=("paddlepaddle", "paddlepaddle-gpu")),
    "lite": EnvSpec(lock="lite.txt", python="3.10", needs=("paddlelite",)),
    "lite-x86": EnvSpec(lock="lite-x86.txt", python="3.7", needs=("paddlelite",)),
    "gpu": EnvSpec(
        lock="gpu.txt", python="3.10", needs=("tensorrt", "tensorrt-cu*", "paddlepaddle-gpu")
    ),
    "onnx": EnvSpec(lock="onnx.txt", python="3.12,3.11,3.10", needs=("paddle2onnx",)),
    "torch": EnvSpec(lock="", needs=("torch",)),
    "engines": EnvSpec(lock="engines.txt", needs=("onnxruntime", "openvino", "ncnn", "mnn")),
}
