"""Paddle Lite on x86, open and timed in a process of its own: `bench.runners.paddle_lite.x86`.

Python 3.7, its standard library, numpy and paddlelite: the Paddle Lite that runs these nets on x86
has a wheel for no other Python, and nothing of `bench` can be imported there.

    x86_child.py MODEL.nb THREADS REPLIES_FD

`bench.launcher.engine_process` says how it begins and ends. Its commands and their answers:

    {"infer": "x.npy", "into": "y.npy"}   {"shape": [1, 1000]}
    {"sample": n}                         {"ns": [...]}
    {"usage": true}                       {"involuntary_switches": n, "cpu_s": s, ...}
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import platform
import resource
import sys
import time
from pathlib import Path
from typing import Any


class Net:
    """A predictor with the input that it is run on."""

    def __init__(self, lite: Any, np: Any, model: str) -> None:
        self._np = np
        config = lite.MobileConfig()
        config.set_model_from_file(model)
        self._predictor = lite.create_paddle_predictor(config)
        self.version: str = self._predictor.get_version().lstrip("v")
        self._input = self._predictor.get_input(0)
        self._x: Any = None

    def infer(self, given: str, into: str) -> list[int]:
        """Write the output for the array in `given`, from now on the input of `sample`.

        Returns its shape.
        """
        self._x = self._np.load(given)
        output = self._end_to_end()
        self._np.save(into, output)
        return list(output.shape)

    def sample(self, count: int) -> list[int]:
        """Return the duration of each of `count` inferences in ns: copy in, run, copy out."""
        clock = time.perf_counter_ns
        samples = [0] * count
        for index in range(count):
            started = clock()
            self._end_to_end()
            samples[index] = clock() - started
        return samples

    def _end_to_end(self) -> Any:
        self._input.from_numpy(self._x)
        self._predictor.run()
        # numpy() is a view of the engine's memory.
        return self._predictor.get_output(0).numpy().copy()


def set_threads(lite: Any, count: int) -> int:
    """Have the engine use `count` threads and return how many it will use.

    It sets one when it opens a net, and its Python side can't ask for more. So this calls what its
    C++ side would: OpenMP and MKL, in the libraries that it has loaded. Raises OSError where it
    came without them.
    """
    libraries = Path(lite.__file__).parent / "libs"
    openmp, mkl = (
        ctypes.CDLL(str(libraries / name)) for name in ("libiomp5.so", "libmklml_intel.so")
    )
    openmp.omp_set_num_threads(count)
    mkl.MKL_Set_Num_Threads(count)
    return min(int(openmp.omp_get_max_threads()), int(mkl.MKL_Get_Max_Threads()))


def usage() -> dict[str, float]:
    """Return what this process has used so far, in seconds and in MiB.

    The peak is that of this program; getrusage's may be its parent's.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    status = Path("/proc/self/status").read_text()
    peak_kib = int(status.partition("VmHWM:")[2].split()[0])
    return {
        "involuntary_switches": used.ru_nivcsw,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_rss_mib": round(peak_kib / 1024, 1),
    }


def answer(net: Net, command: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to one command."""
    if "sample" in command:
        return {"ns": net.sample(command["sample"])}
    if "usage" in command:
        return usage()
    return {"shape": net.infer(command["infer"], command["into"])}


def opened(model: str, threads: int) -> tuple[Net | None, dict[str, Any]]:
    """Return the net and the first answer; without a net, why there is none."""
    try:
        import numpy as np
        from paddlelite import lite
    except ImportError as error:
        return None, {"unavailable": f"paddlelite can't be imported there ({error})"}
    net = Net(lite, np, model)
    try:
        effective = set_threads(lite, threads)
    except OSError as error:
        return None, {"unavailable": f"this paddlelite takes no number of threads ({error})"}
    facts = {
        "paddlelite": net.version,
        "python": platform.python_version(),
        "threads": effective,
    }
    return net, {"ready": facts}


def main(arguments: list[str]) -> None:
    """Open the net, send the first answer, and serve commands until they end."""
    model, threads, descriptor = arguments
    with os.fdopen(int(descriptor), "w") as replies:

        def send(reply: dict[str, Any]) -> None:
            replies.write(json.dumps(reply) + "\n")
            replies.flush()

        net, first = opened(model, int(threads))
        send(first)
        if net is None:
            return
        gc.collect()
        gc.disable()
        for line in sys.stdin:
            send(answer(net, json.loads(line)))


if __name__ == "__main__":
    main(sys.argv[1:])
