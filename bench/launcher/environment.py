"""The environment variables of a child: an allow-list, and what a person adds with --pass-env.

Much that a shell exports changes threads, allocation, kernels or libraries unseen, so that a child
inherits nothing else. Targets, runners and formats add what they need. Standard library only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence

from bench.core.errors import InputError
from bench.core.paths import import_root
from bench.core.protocol import ENGINE_PROGRAM, ENGINE_PYTHON

_INHERITED = re.compile(
    "HOME|USER|LOGNAME|PATH|SHELL|TMPDIR|TEMP|TMP|TZ|LANG|LANGUAGE|LC_.*|CUDA_VISIBLE_DEVICES"
)
# Of a child that downloads (uv has all of them anyway): proxies and certificates.
_NETWORK = re.compile(
    "((https?|all|no)_proxy|ssl_cert_(file|dir)|requests_ca_bundle|curl_ca_bundle)", re.IGNORECASE
)
# What the harness sets itself, with the flag that says it.
_OWN = {
    "OMP_NUM_THREADS": "--threads",
    "CUDA_VISIBLE_DEVICES": "--gpu",
    "CUDA_DEVICE_ORDER": "--gpu",
    "PYTHONPATH": "--env",
    ENGINE_PYTHON: "--env",
    ENGINE_PROGRAM: "CXX",
}
# What shifts a figure. The harness drops far more; these are worth a line.
_SHIFTS_FIGURES = re.compile(
    # the loader, the allocator, libc
    "LD_.*|DYLD_.*|(TC|MI|JE)?MALLOC_.*|_RJEM_.*|GLIBC_TUNABLES|PYTHON(MALLOC|OPTIMIZE|DEVMODE|JIT)"
    # threads and linear algebra
    # (scikit-learn sets two of KMP in a process that imports it)
    "|KMP_(?!DUPLICATE_LIB_OK$|INIT_AT_FORK$).*"
    "|G?OMP_.*|LIBOMP_.*|MKL_.*|DNNL_.*|ONEDNN_.*|OPENBLAS_.*|GOTO_.*|BLIS_.*|ATLAS_.*"
    "|VECLIB_.*|NUMEXPR_.*|TBB_.*|ARMPL_.*|NVPL_.*|ZEN.*_.*|RAYON_NUM_THREADS"
    # engines
    "|FLAGS_.*|GLOG_.*|ORT_.*|ORTMODULE_.*|OPENVINO_.*|OV_.*|MNN_.*|NCNN_.*|PADDLE_.*|XNNPACK_.*"
    "|TF_(NUM|CPP|XLA|GPU|ENABLE|DISABLE|USE|FORCE|CUDNN|CUBLAS|DETERMIN|TENSORRT|TRT).*|XLA_.*"
    # GPUs
    "|CUDA_(?!(VERSION|HOME|PATH|ROOT|VISIBLE_DEVICES)$).*|CU(DNN|BLAS|BLASLT|FFT)_.*|NVIDIA_TF32.*"
    "|TRT_.*|TENSORRT_.*|__GL_.*|VK_.*|NCCL_.*"
)


def child_environment(
    extra: Mapping[str, str], environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return what a child inherits of `environ`, and `extra`."""
    return command_environment({"PYTHONPATH": str(import_root()), **extra}, environ)


def command_environment(
    extra: Mapping[str, str], environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return what a person's own command inherits of `environ`, and `extra`: nothing of ours."""
    return {k: v for k, v in environ.items() if _INHERITED.fullmatch(k)} | dict(extra)


def network_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what a child that downloads needs beside that: proxies and certificates."""
    return {name: value for name, value in environ.items() if _NETWORK.fullmatch(name)}


def dropped(passed: Iterable[str], environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the variables that would shift figures and that no child gets, sorted.

    `passed` are the names that a person lets in.
    """
    shifting = {
        name for name, value in environ.items() if value and _SHIFTS_FIGURES.fullmatch(name)
    }
    return sorted(shifting - set(passed))


def passed_environment(
    names: Sequence[str], environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the variables that a person lets in; raises InputError for one that can't be."""
    for name in names:
        if name in _OWN:
            raise InputError(
                f"--pass-env {name}: the harness sets it itself", hint=f"use {_OWN[name]}"
            )
        if name not in environ:
            raise InputError(
                f"--pass-env {name}: there is no such variable",
                hint=f"set it first, as in `export {name}=VALUE`, or leave it out",
            )
    return {name: environ[name] for name in sorted(set(names))}
