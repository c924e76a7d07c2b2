"""What the worker costs, checkout against checkout: equal code's spread, and the sampling loop's.

    .venv/bin/python scripts/worker_cost.py 8ee65f2 . [--sessions 12]

A checkout is a folder or a revision, whose worktree stays in the cache. Everything is taken by
turns, each time in a fresh process, on x0_25 and the same files. Printed for each runner:

    spread   SD of the sessions' medians over their mean
    level    mean of the sessions' medians over the first checkout's
    sampled  a call within the runner's sample() over the same call in a bare loop of one process
    loop     ns that the timed loop adds to a call that does nothing
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from bench.artifacts.builder import Key, Workshop
from bench.config.catalog import Weights, load_catalogue, resolve
from bench.config.project import default_cache
from bench.core.cell import Cell, Sampling
from bench.core.errors import BenchError, InputError
from bench.core.protocol import SessionRequest, request_for
from bench.environments.interpreters import Environments
from bench.experiments.ab.revisions import checkout
from bench.launcher.environment import child_environment
from bench.launcher.process import ChildFailed, run_child
from bench.runners import RUNNERS

RULE = Sampling(
    preset="cost", sessions=1, samples=200, min_samples=50, budget_s=10.0, warmup_calls=20,
    warmup_s=0.5, warmup_cap_s=5.0, timeout_s=120.0,
)  # fmt: skip
LOOPS = """
import gc, importlib, json, sys, time
from pathlib import Path
from statistics import median
from types import SimpleNamespace
import numpy as np
from bench.runners.base import time_calls
request = json.loads(sys.argv[1])
module, _, name = request["runner"].partition(":")
runner = getattr(importlib.import_module(module), name)()
def bare(call, count):
    for _ in range(count):
        call()
def ns(run, *arguments):
    started = time.perf_counter_ns()
    run(*arguments)
    return time.perf_counter_ns() - started
with runner.open(SimpleNamespace(**request["cell"]), Path(request["artifact"])) as session:
    arrays = dict(np.load(request["reference"]))  # revisions name them in two ways
    feeds = {name[6:]: it for name, it in arrays.items() if name.startswith("input/")}
    session.infer(feeds or arrays["input"])
    session.sample(50)
    gc.disable()
    call = session._end_to_end  # what sample() times
    ratios = [ns(session.sample, 20) / ns(bare, call, 20) for _ in range(20)]
    loops = [(ns(time_calls, int, 10000) - ns(bare, int, 10000)) / 1e4 for _ in range(20)]
    print(json.dumps([median(ratios), median(loops)]))
"""


def prepared(runner: str, environments: Environments) -> dict[str, Any]:
    """Return the request of one session of x0_25; old workers leave unread what they don't know."""
    folder, entry = PROJECT / "models", RUNNERS[runner]
    model = resolve(load_catalogue(folder), "x0_25", folder, Weights())
    key = Key(model.variant, entry.artifact, 1)
    made = Workshop(default_cache(), environments).make([model], [key], workers=1)[key]
    if isinstance(made, BenchError):
        raise made
    cell = Cell(
        variant=model.variant, model_hash=model.hash, runner=runner, batch=1, threads=1,
        input=model.input_text,
    )  # fmt: skip
    session = SessionRequest(
        runner=entry.path, cell=cell, sampling=RULE, artifact=made.main, reference=made.reference,
        tolerance=entry.tolerance,
    )  # fmt: skip
    return request_for("measure", **session.to_json())


def one_session(request: Any, python: Path, env: dict[str, str]) -> float:
    """Return the median in ns of a session in a fresh worker."""
    result = run_child(request, python=python, env=env, timeout_s=RULE.timeout_s)
    if isinstance(result, ChildFailed):
        raise InputError(f"a session failed: {result.message}", hint=result.log_tail)
    return float(median(result.value["samples_ns"]))


def loops(request: Any, python: Path, env: dict[str, str]) -> tuple[float, ...]:
    """Return a sampled call over a bare one, and what the timed loop adds to a call, in ns."""
    done = subprocess.run(
        [str(python), "-c", LOOPS, json.dumps(request)], env=child_environment(env),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return tuple(json.loads(done.stdout.splitlines()[-1]))


def compare(names: Sequence[str], folders: Sequence[Path], runner: str, sessions: int) -> None:
    """Print one line for each checkout."""
    environments, entry = Environments(default_cache()), RUNNERS[runner]
    request, python = prepared(runner, environments), environments.get(entry.env).python
    common = {"OMP_NUM_THREADS": "1", **dict(entry.child_env)}
    envs = [common | {"PYTHONPATH": str(folder)} for folder in folders]
    taken: list[list[tuple[float, ...]]] = [[] for _ in folders]
    for number in range(sessions):
        order = list(range(len(folders)))[:: 1 if number % 2 == 0 else -1]
        ns = {index: one_session(request, python, envs[index]) for index in order}
        for index in order:
            taken[index].append((ns[index], *loops(request, python, envs[index])))
    base = mean(one[0] for one in taken[0])
    for name, ran in zip(names, taken, strict=True):
        medians, ratios, added = zip(*ran, strict=True)
        level = mean(medians)
        print(
            f"{runner:<12}{name[-13:]:<14}{stdev(medians) / level:8.2%}{level / base:8.4f}"
            f"{median(ratios):9.4f}{median(added):8.0f} ns"
        )


def main() -> None:
    """Read the flags, measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkouts", nargs="+", help="revisions or folders; the first is the base")
    parser.add_argument("--sessions", type=int, default=12, help="of each checkout, 2 at least")
    given = parser.parse_args()
    print(f"{'runner':<12}{'checkout':<14}{'spread':>8}{'level':>8}{'sampled':>9}{'loop':>11}")
    folders = [
        Path(name).resolve()
        if Path(name).is_dir()
        else checkout(PROJECT, name, default_cache()).folder
        for name in given.checkouts
    ]
    for runner in ("onnxruntime", "paddle"):
        compare(given.checkouts, folders, runner, given.sessions)


if __name__ == "__main__":
    main()
