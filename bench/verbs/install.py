"""`bench doctor --install`: build the GPU engines' environment and prove that they load.

It needs no GPU: what fits together can be told on any machine.
"""

from __future__ import annotations

import json
import os
import sys

from bench.environments import Environments
from bench.errors import Unavailable
from bench.gpu.links import library_path
from bench.gpu.probe import EXPECTED
from bench.launch import ChildFailed
from bench.options import Options, Tables

_TIMEOUT_S = 300.0


def install(options: Options, tables: Tables) -> int:
    """Print what was proved and return 0; raises Unavailable where TensorRT doesn't load."""
    interpreter = Environments(options.cache, options.envs).get("gpu")
    paths = library_path(interpreter.python, options.cache.absolute(), os.environ)
    result = tables.launch(
        "bench.gpu.probe", {}, python=interpreter.python, env=paths, timeout_s=_TIMEOUT_S
    )
    if isinstance(result, ChildFailed):
        raise Unavailable(
            f"the GPU engines don't load: {result.message}", hint=_last_line(result) or result.hint
        )
    loads = tuple(result.value["loads"])
    expected = EXPECTED if "gpu" not in options.envs else tuple(result.value["built_for"])
    if loads != expected:
        raise Unavailable(
            f"Paddle loads TensorRT {_dotted(loads)}, and it should be {_dotted(expected)}",
            hint="delete its environment in the cache, and run `doctor --install` again",
        )
    told = f"paddlepaddle {result.value['paddle']} loads TensorRT {_dotted(loads)}"
    text = (
        json.dumps(dict(result.value))
        if options.as_json
        else f"ok       environment gpu     {told}"
    )
    sys.stdout.write(text + "\n")
    return 0


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _last_line(result: ChildFailed) -> str:
    lines = result.log_tail.strip().splitlines()
    return lines[-1] if lines else ""
