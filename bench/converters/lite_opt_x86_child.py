"""Paddle Lite's opt for x86, in a process of its own: `bench.converters.lite_opt_x86`.

Python 3.7, its standard library and paddlelite: the opt whose files run on x86 has a wheel for no
other Python, and nothing of `bench` can be imported there.

    lite_opt_x86_child.py FOLDER TARGET REPLIES_FD

makes model.nb of the program m and the weights p, all in FOLDER, and then tells that it is ready,
as `bench.launcher.engine_process` has it.
"""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def main(arguments: list[str]) -> None:
    """Convert, tell so and leave."""
    folder, target, descriptor = arguments
    os.chdir(folder)
    with os.fdopen(int(descriptor), "w") as replies:
        # A thread of its own has a fresh heap, by whose addresses opt names buffers.
        with ThreadPoolExecutor(max_workers=1) as fresh_heap:
            first = fresh_heap.submit(optimized, target).result()
        replies.write(json.dumps(first) + "\n")


def optimized(target: str) -> dict[str, Any]:
    """Make model.nb of m and p in the current folder; return what there is to say first.

    What opt can't digest it answers with a C++ abort.
    """
    try:
        from paddlelite import lite
    except ImportError as error:
        return {"unavailable": f"paddlelite can't be imported there ({error})"}
    opt = lite.Opt()
    opt.set_model_file("m")
    opt.set_param_file("p")
    opt.set_valid_places(target)
    opt.set_optimize_out("model")
    opt.run()
    return {"ready": {"paddlelite": opt.version().lstrip("v")}}


if __name__ == "__main__":
    main(sys.argv[1:])
