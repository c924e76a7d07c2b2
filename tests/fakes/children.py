"""Fake children: `run_child({"does": NAME}, module="tests.fakes.children")` runs one of these."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.worker.serve import Reply, serve


def tells_its_environment(request: Mapping[str, Any], reply: Reply) -> None:
    reply({"environment": dict(os.environ), "path": sys.path, "cwd": str(Path.cwd())})


def sleeps(request: Mapping[str, Any], reply: Reply) -> None:
    time.sleep(request["seconds"])
    reply({})


def prints(request: Mapping[str, Any], reply: Reply) -> None:
    sys.stdout.write(request["out"])
    sys.stderr.write(request["err"])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(3)


def prints_without_end(request: Mapping[str, Any], reply: Reply) -> None:
    while True:
        sys.stderr.write("so much to say\n" * 10_000)
        sys.stderr.flush()


def starts_a_child_and(request: Mapping[str, Any], reply: Reply) -> None:
    """Leave a process behind, its pid in the file `tell`, then hang or leave."""
    code = "import time; time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", code]) as grandchild:
        Path(request["tell"]).write_text(str(grandchild.pid))
        if request["then"] == "leaves":
            reply({})
            os._exit(0)
        time.sleep(600)


def replies_and_hangs(request: Mapping[str, Any], reply: Reply) -> None:
    reply({"figure": 3})
    time.sleep(600)


def replies_and_raises(request: Mapping[str, Any], reply: Reply) -> None:
    reply({"figure": 3})
    raise RuntimeError("while tearing down")


def dies_of(request: Mapping[str, Any], reply: Reply) -> None:
    os.kill(os.getpid(), request["signal"])
    time.sleep(600)


def do(request: Mapping[str, Any], reply: Reply) -> None:
    globals()[request["does"]](request, reply)


if __name__ == "__main__":
    serve(do, sys.argv[1:])
