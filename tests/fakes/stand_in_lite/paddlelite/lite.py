"""A stand-in for paddlelite.lite: the fake net behind Paddle Lite's Python side.

What is called is written, a line each, into the file that STAND_IN_DIARY names. STAND_IN_FALLS
names the call that ends in a signal, STAND_IN_HANGS the one that never ends, the process's number
then being the last line. STAND_IN_LIBRARIES=none: it came without its libraries.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import time
from pathlib import Path

import numpy as np

from bench.runners.base import Array
from tests.fakes.net import infer


def note(what: str) -> None:
    if diary := os.environ.get("STAND_IN_DIARY"):
        with Path(diary).open("a") as file:
            file.write(f"{what}, collector {'on' if gc.isenabled() else 'off'}\n")
    if what == os.environ.get("STAND_IN_FALLS"):
        os.write(2, b"the stand-in said this before it fell\n")
        os.kill(os.getpid(), signal.SIGSEGV)
    if what == os.environ.get("STAND_IN_HANGS"):
        with Path(os.environ["STAND_IN_DIARY"]).open("a") as file:
            file.write(f"{os.getpid()}\n")
        time.sleep(600)


class Library:
    """Stands in for a shared library: OpenMP's takes any count of threads, MKL's two at most."""

    def __init__(self, path: str) -> None:
        if os.environ.get("STAND_IN_LIBRARIES") == "none":
            raise OSError(f"{Path(path).name}: no such file")
        self._count = 1

    def omp_set_num_threads(self, count: int) -> None:
        self._count = count

    def told(self) -> int:
        return self._count

    def take_two_at_most(self, count: int) -> None:
        self._count = min(count, 2)

    omp_get_max_threads = MKL_Get_Max_Threads = told
    MKL_Set_Num_Threads = take_two_at_most


vars(ctypes)["CDLL"] = Library


class MobileConfig:
    model = ""

    def set_model_from_file(self, path: str) -> None:
        self.model = path


class Tensor:
    def __init__(self) -> None:
        self.values: Array = np.zeros(0, np.float32)

    def from_numpy(self, values: Array) -> None:
        note("from_numpy")
        self.values = values.copy()

    def numpy(self) -> Array:
        note("numpy")
        return self.values


class Predictor:
    def __init__(self, model: str) -> None:
        note(f"open {Path(model).name}")
        self._input, self._output = Tensor(), Tensor()

    def get_version(self) -> str:
        return "v9.9"

    def get_input(self, index: int) -> Tensor:
        assert index == 0
        return self._input

    def get_output(self, index: int) -> Tensor:
        assert index == 0
        return self._output

    def run(self) -> None:
        note("run")
        os.write(1, b"the stand-in prints, as engines do\n")
        self._output.values = infer(self._input.values)


def create_paddle_predictor(config: MobileConfig) -> Predictor:
    return Predictor(config.model)


class Opt:
    """Writes what it was given, and for which places, into the file that it is to make."""

    def __init__(self) -> None:
        self._files = ["", ""]
        self._places = self._out = ""

    def set_model_file(self, path: str) -> None:
        self._files[0] = path

    def set_param_file(self, path: str) -> None:
        self._files[1] = path

    def set_valid_places(self, places: str) -> None:
        self._places = places

    def set_optimize_out(self, prefix: str) -> None:
        self._out = prefix

    def version(self) -> str:
        return "v9.9"

    def run(self) -> None:
        note("opt")
        content = "+".join(Path(file).read_text() for file in self._files)
        if content != "nothing+nothing":
            Path(f"{self._out}.nb").write_text(f"{content} for {self._places}")
