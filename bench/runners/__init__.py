"""The runners by name. A new engine is one file in this folder and one line here.

Standard library only, and no runner is imported: the parent reads this table to know which
interpreter and which artifact a runner wants; only `bench.worker` loads the class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Cards = tuple[int, int | None]
"""The lowest and the highest compute capability of an NVIDIA GPU, each times ten; None: no end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnEngine:
    """A later version of an engine, which no environment of the harness has.

    An interpreter of the user's own for the environment `env` that has one of `packages`, `*` as in
    a shell, serves the runner in the place of the runner's environment. `cards` as in RunnerEntry.
    """

    env: str
    packages: tuple[str, ...]
    cards: Cards


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerEntry:
    """`path` is "module:Class"; `env` and `artifact` name entries of their own tables.

    `child_env` is set in the worker's environment before it starts; `worker_env` runs a worker that
    `env` is too old for (`bench.environments.interpreters`). `program` names the C++ program that
    drives the engine (`bench.environments.native_programs`). `tolerance` is the relative L2
    distance from the reference logits that FP32 output may have. `tolerances` has the other
    precisions that the engine knows, on some chip, each with its own; `artifacts` the kinds that
    stand in the place of `artifact` for one of them. `cards` are the GPUs that the engine in `env`
    has kernels for; `own` is a later engine of the user's own.
    """

    path: str
    title: str
    env: str
    artifact: str
    target: str = "cpu"
    tolerance: float = 1e-4
    child_env: Mapping[str, str] = field(default_factory=dict)
    worker_env: str | None = None
    program: str | None = None
    tolerances: Mapping[str, float] = field(default_factory=dict)
    artifacts: Mapping[str, str] = field(default_factory=dict)
    cards: Cards | None = None
    own: OwnEngine | None = None
    settings: Mapping[str, tuple[str, ...]]

    @property
    def precisions(self) -> tuple[str, ...]:
        """The precisions that the engine knows, on some chip."""
        return ("fp32", *self.tolerances)

    def tolerance_of(self, precision: str) -> float:
        """Return the distance that output of that precision may have, FP32's for an unknown one."""
        return self.tolerances.get(precision, self.tolerance)

    def artifact_of(self, precision: str) -> str:
        """Return the kind of artifact that cells of that precision load."""
        return self.artifacts.get(precision, self.artifact)


# Relative L2 over the seven nets on an AVX-512 chip: BF16 up to 0.08, FP16 weights 4e-4, INT8 0.18.
# FP16 arithmetic, which that chip lacks, adds to it. The output for another input is 0.27 away or
# more, one with its classes moved 1.4: neither may pass.
_BF16, _FP16, _INT8 = 0.15, 0.02, 0.25

RUNNERS: Mapping[str, RunnerEntry] = {
    "paddle": RunnerEntry(
        path="bench.runners.paddle:PaddleRunner",
        title="Paddle Inference",
        env="paddle",
        artifact="paddle-pir",
        settings={"onednn": ("on", "off"), "tensor_gc": ("off", "eager")},
    ),
    "onnxruntime": RunnerEntry(
        path="bench.runners.onnxruntime:OnnxRuntimeRunner",
        title="ONNX Runtime",
        env="engines",
        artifact="onnx",
        tolerances={"int8": _INT8},
        artifacts={"int8": "onnx-int8"},
        settings={"spinning": ("on", "off")},
    ),
    "openvino": RunnerEntry(
        path="bench.runners.openvino:OpenVinoRunner",
        title="OpenVINO",
        env="engines",
        artifact="openvino-ir",
        tolerances={"bf16": _BF16, "fp16": _FP16},
        settings={},
    ),
    "ncnn": RunnerEntry(
        path="bench.runners.ncnn:NcnnRunner",
        title="ncnn",
        env="engines",
        artifact="ncnn",
        tolerances={"bf16": _BF16, "fp16": _FP16},
        settings={},
    ),
    "mnn": RunnerEntry(
        path="bench.runners.mnn:MnnRunner",
        title="MNN",
        env="engines",
        artifact="mnn",
        tolerances={"fp16": _FP16},
        settings={"winograd": ("small", "large")},
    ),
    "torch": RunnerEntry(
        path="bench.runners.torch.runner:TorchRunner",
        title="PyTorch",
        env="torch",
        artifact="torch-graph",
        settings={"mode": ("eager", "inductor")},
    ),
    "onnxruntime-cuda": RunnerEntry(
        path="bench.runners.onnxruntime_gpu:OnnxRuntimeCudaRunner",
        title="ONNX Runtime with CUDA",
        env="gpu",
        artifact="onnx",
        target="nvidia-gpu",
        cards=(75, 120),
        child_env={"NVIDIA_TF32_OVERRIDE": "0"},
        settings={"sleep_ms": ("0", "10")},
    ),
    "onnxruntime-tensorrt-rtx": RunnerEntry(
        path="bench.runners.onnxruntime_gpu:OnnxRuntimeTensorrtRtxRunner",
        title="ONNX Runtime with TensorRT-RTX",
        env="gpu",
        artifact="onnx",
        target="nvidia-gpu",
        cards=(80, 120),
        child_env={"NVIDIA_TF32_OVERRIDE": "0"},
        settings={"sleep_ms": ("0", "10")},
    ),
    "torch-cuda": RunnerEntry(
        path="bench.runners.torch.cuda:TorchCudaRunner",
        title="PyTorch with CUDA",
        env="torch",
        artifact="torch-graph",
        target="nvidia-gpu",
        child_env={"NVIDIA_TF32_OVERRIDE": "0"},
        settings={"mode": ("eager", "cuda_graph", "inductor"), "sleep_ms": ("0", "10")},
    ),
    "paddle-tensorrt": RunnerEntry(
        path="bench.runners.tensorrt.paddle:PaddleTensorrtRunner",
        title="Paddle Inference with TensorRT",
        env="gpu-volta",
        artifact="paddle-program",
        target="nvidia-gpu",
        # 6.1, 7.0, 7.5, 8.0 and 8.6, and no PTX that a driver could compile for others.
        cards=(61, 86),
        # The log has to show how much of the net TensorRT took, and FP32 has to be FP32.
        child_env={
            "GLOG_logtostderr": "1",
            "GLOG_vmodule": "tensorrt_subgraph_pass=3",
            "NVIDIA_TF32_OVERRIDE": "0",
        },
        settings={"sleep_ms": ("0", "10")},
    ),
    "tensorrt": RunnerEntry(
        path="bench.runners.tensorrt.native:TensorrtRunner",
        title="TensorRT",
        env="gpu-volta",
        artifact="onnx",
        target="nvidia-gpu",
        cards=(60, 90),
        # TensorRT 10 and 11: 10.5 was the first without Volta.
        own=OwnEngine(env="gpu", packages=("tensorrt", "tensorrt-cu*"), cards=(75, None)),
        child_env={"NVIDIA_TF32_OVERRIDE": "0"},
        settings={
            "cuda_graph": ("off", "on"),
            "sleep_ms": ("0", "10"),
            "tactics": ("all", "own"),
        },
    ),
    "paddle-lite": RunnerEntry(
        path="bench.runners.paddle_lite.android:PaddleLiteRunner",
        title="Paddle Lite",
        env="harness",
        artifact="paddle-lite-nb",
        target="android",
        tolerance=1e-3,
        settings={"power_mode": ("high", "low", "full", "no_bind")},
    ),
    "paddle-lite-x86": RunnerEntry(
        path="bench.runners.paddle_lite.x86:PaddleLiteX86Runner",
        title="Paddle Lite on x86",
        env="lite-x86",
        worker_env="harness",
        artifact="paddle-lite-nb-x86",
        settings={},
    ),
    # Later ones at the end: plots take an engine's colour by its place here.
    "paddle-cpp": RunnerEntry(
        path="bench.runners.cpp:CppRunner",
        title="Paddle Inference in C++",
        env="paddle",
        program="paddle",
        artifact="paddle-pir",
        settings={"onednn": ("on", "off"), "tensor_gc": ("off", "eager")},
    ),
    "openvino-cpp": RunnerEntry(
        path="bench.runners.cpp:CppRunner",
        title="OpenVINO in C++",
        env="engines",
        program="openvino",
        artifact="openvino-ir",
        tolerances={"bf16": _BF16, "fp16": _FP16},
        settings={},
    ),
    "onnxruntime-tensorrt": RunnerEntry(
        path="bench.runners.onnxruntime_gpu:OnnxRuntimeTensorrtRunner",
        title="ONNX Runtime with TensorRT",
        env="gpu",
        artifact="onnx",
        target="nvidia-gpu",
        cards=(75, 120),
        child_env={"NVIDIA_TF32_OVERRIDE": "0"},
        settings={"sleep_ms": ("0", "10")},
    ),
}

SETTINGS: Mapping[str, str] = {
    "onednn": "Paddle's kernels from oneDNN",
    "tensor_gc": "`eager`: Paddle frees each tensor after its last use, in a second thread; `off`: "
    "it "
    "keeps them, and one thread works alone",
    "spinning": "whether ONNX Runtime's threads spin while they wait for work",
    "mode": "how PyTorch runs the net: `eager`, call by call; `inductor`, by torch.compile; "
    "`cuda_graph`, on a GPU, as one CUDA graph",
    "winograd": "blocks of MNN's Winograd convolutions: `large` is MNN's default, and less exact",
    "sleep_ms": "pause between two inferences, in milliseconds, as some published procedures have",
    "cuda_graph": "whether an inference is one CUDA graph, in place of a launch a kernel",
    "tactics": "`own` leaves kernels of cuDNN and cuBLAS out of TensorRT's choice",
    "power_mode": "which of a phone's cores Paddle Lite binds its threads to",
}
"""What each setting does."""
