"""The environment variables that the harness reads, and what each does. Standard library only.

What a child inherits of the rest is `bench.launcher.environment`'s to say.
"""

from __future__ import annotations

from collections.abc import Mapping

VARIABLES: Mapping[str, str] = {
    "XDG_CACHE_HOME": "the cache is its subfolder shufflenet-bench (without it: ~/.cache)",
    "XDG_CONFIG_HOME": "a fleet's certificates are in its shufflenet-bench/fleet (else ~/.config)",
    "XDG_RUNTIME_DIR": "where locks lie (without it: the cache)",
    "TMPDIR": "where temporary folders are made; then TEMP and TMP",
    "TEMP": "as TMPDIR",
    "TMP": "as TMPDIR",
    "NO_COLOR": "the progress bar has no colours",
    "COLUMNS": "how wide what is printed is, in columns, in a pipe and a file too",
    "ANDROID_SERIAL": "the phone, where --device names none",
    "ADB_SERVER_SOCKET": "address of the adb server, as tcp:HOST:PORT",
    "ANDROID_ADB_SERVER_ADDRESS": "host of the adb server (127.0.0.1)",
    "ANDROID_ADB_SERVER_PORT": "port of the adb server (5037)",
    "ADB_VENDOR_KEYS": "key files, or folders of them, that a phone may know this computer by",
    "CUDA_VISIBLE_DEVICES": "the GPU, where --gpu names none",
    "CUDA_DEVICE_ORDER": "PCI_BUS_ID: an index in CUDA_VISIBLE_DEVICES is the one of nvidia-smi",
    "NVIDIA_TF32_OVERRIDE": "set to 0 by the harness itself for the engines of a GPU: FP32 is FP32",
    "LD_LIBRARY_PATH": "of runs on a GPU: searched after the environment's own libraries",
    "GITHUB_STEP_SUMMARY": "the file to which --format github adds its summary",
    "MLFLOW_TRACKING_URI": "the tracking store of export --to mlflow, where no OUT names one",
    "PYENV_ROOT": "where pyenv's Pythons lie (~/.pyenv)",
    "BENCH_ENGINE_PYTHON": "set by the harness itself for a worker whose engine has another Python",
    "BENCH_ENGINE_PROGRAM": "set by the harness itself for a worker whose engine C++ drives",
    "PADDLE_INFERENCE": "folder of a Paddle Inference SDK, for paddle-cpp in the wheel's place",
    "CXX": "the C++ compiler of the runners in C++ (without it: g++, then c++)",
    "_BENCH_COMPLETE": "set by the shell's completion, as docs/guide/choose.md has it",
}
