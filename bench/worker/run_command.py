"""The operation `run_command`: one burst of runs of a command, each in a fresh process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from bench.launcher.timed import Run, timed_run
from bench.worker.session import State


def run_command(state: State, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Run the command `count` times in a row; return each one's duration and the burst's times.

    Raises ProgramFailed where one fails, and Unavailable where it can't be started.
    """
    del state  # nothing stays open
    os.chdir(arguments["cwd"])
    words, env = arguments["words"], arguments["env"]
    runs = [timed_run(words, env) for _ in range(arguments["count"])]
    return {"samples_ns": [run.wall_ns for run in runs], **_times(runs)}


def _times(runs: list[Run]) -> dict[str, int]:
    times = {"cpu_ns": sum(run.cpu_ns for run in runs), "wall_ns": sum(run.wall_ns for run in runs)}
    waits = [run.wait_ns for run in runs if run.wait_ns is not None]
    return {**times, "wait_ns": sum(waits)} if len(waits) == len(runs) else times
