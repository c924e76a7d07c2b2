"""The environments by name: their locked file and Python version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvSpec:
    """What an environment is made of; `python` is a version that it must have, None: any.

    Several versions stand by comma, the best first. A file of the lock's name that ends in
    .excludes names packages that others ask for and that must stay out. With an empty `lock` it is
    the user's own interpreter alone (--env NAME=PATH).
    `purpose` is what it is for, in words. `needs` are the packages of which an interpreter of the
    user's own must have one, `*` as in a shell. `driver` is the oldest NVIDIA driver that its
    libraries take, `disk_gib` what building it takes: both of environments of a GPU.
    """

    lock: str
    purpose: str = ""
    python: str | None = None
    needs: tuple[str, ...] = ()
    driver: str | None = None
    disk_gib: int = 0


ENVIRONMENTS: Mapping[str, EnvSpec] = {
    "paddle": EnvSpec(
        lock="paddle.txt",
        purpose="exporting models, measuring with Paddle Inference",
        needs=("paddlepaddle", "paddlepaddle-gpu"),
    ),
    "lite": EnvSpec(
        lock="lite.txt",
        purpose="storage sizes (Paddle Lite's opt); all else works without it",
        python="3.10",
        needs=("paddlelite",),
    ),
    "lite-x86": EnvSpec(
        lock="lite-x86.txt",
        purpose="measuring with Paddle Lite on x86 (`--suite engines --runner paddle-lite-x86`)",
        python="3.7",
        needs=("paddlelite",),
    ),
    "gpu": EnvSpec(
        lock="gpu.txt",
        purpose="measuring on an NVIDIA GPU of today: ONNX Runtime with CUDA and TensorRT-RTX",
        python="3.13,3.12,3.11",
        needs=("onnxruntime-gpu", "tensorrt", "tensorrt-cu*"),
        driver="580",
        disk_gib=8,
    ),
    "gpu-volta": EnvSpec(
        lock="gpu-volta.txt",
        purpose="measuring on an NVIDIA GPU up to 9.0: TensorRT 8.5, Paddle Inference (2.3 GB)",
        python="3.10",
        needs=("tensorrt", "tensorrt-cu*", "paddlepaddle-gpu"),
        driver="450.80",
        disk_gib=8,
    ),
    "onnx": EnvSpec(
        lock="onnx.txt",
        purpose="exporting to ONNX, which the other engines start from",
        python="3.12,3.11,3.10",
        needs=("paddle2onnx",),
    ),
    "torch": EnvSpec(
        lock="",
        purpose="measuring with PyTorch (`--suite engines --runner torch`)",
        needs=("torch",),
    ),
    "engines": EnvSpec(
        lock="engines.txt",
        purpose="ONNX Runtime, OpenVINO, ncnn and MNN (`--suite engines`)",
        needs=("onnxruntime", "openvino", "ncnn", "mnn"),
    ),
}
