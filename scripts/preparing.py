"""How long it takes to prepare nets for every engine, with nothing in the cache but environments.

    .venv/bin/python scripts/preparing.py [--variant A,B] [--batch 1,4] [--pairs 2]

Without --variant: all nets of the suite mobile. Each pair prepares everything twice: with a child
that imports its tools for each conversion ("each"), and with children that are forked from
processes which have imported them ("shared"); the second pair in the other order. --only leaves one
out. Printed: the seconds of each and of CPU time, the ratio of CPU times, which other load hardly
shifts, and how many artifacts weren't made.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from bench.artifacts.builder import Artifact, Key, Workshop
from bench.config.catalog import Model, Weights, load_catalogue, resolve_all, select
from bench.config.project import default_cache
from bench.devices.host.facts import usable_cores
from bench.environments.interpreters import Environments
from bench.experiments.preparation import COSTS_FORMAT, STORAGE_FORMAT
from bench.launcher.process import ChildResult, run_child

KINDS = (COSTS_FORMAT, "onnx", "openvino-ir", "ncnn", "mnn")


def main(argv: Sequence[str]) -> int:
    """Print what the docstring says; return 1 where an artifact wasn't made."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--variant", default="")
    parser.add_argument("--batch", default="1")
    parser.add_argument("--pairs", type=int, default=1)
    parser.add_argument("--only", choices=["each", "shared"])
    flags = parser.parse_args(argv)
    models = _models([it for it in flags.variant.split(",") if it])
    wanted = [
        *(
            Key(model.variant, kind, int(batch))
            for model in models
            for kind in KINDS
            for batch in flags.batch.split(",")
        ),
        *(Key(model.variant, STORAGE_FORMAT, 1) for model in models),
    ]
    seconds: dict[str, list[float]] = {"each": [], "shared": []}
    missing = 0
    for pair in range(flags.pairs):
        order = ("each", "shared") if pair % 2 == 0 else ("shared", "each")
        for how in order:
            if flags.only in (how, None):
                launch = _alone if how == "each" else run_child
                taken, used, failed = _prepare(models, wanted, launch)
                seconds[how].append(used)
                missing += failed
                print(
                    f"{how}: {taken:.0f} s on {usable_cores()} cores, {used:.0f} s of CPU time; "
                    f"{len(wanted)} artifacts of {len(models)} nets, {failed} not made"
                )
    if all(seconds.values()):
        ratio = sum(seconds["shared"]) / sum(seconds["each"])
        print(f"CPU time, shared over each: {ratio:.2f}")
    return 1 if missing else 0


def _models(variants: Sequence[str]) -> Sequence[Model]:
    catalogue, folder = load_catalogue(PROJECT / "models"), PROJECT / "models"
    return resolve_all(catalogue, select(catalogue, variants, "mobile"), folder, Weights())


def _alone(request: dict[str, Any], **how: Any) -> ChildResult:
    return run_child(request, **how)


def _prepare(
    models: Sequence[Model], wanted: Sequence[Key], launch: Any
) -> tuple[float, float, int]:
    """Return the seconds that it takes in an empty cache, those of CPU time, and what failed."""
    with tempfile.TemporaryDirectory(prefix="preparing-") as folder:
        cache = Path(folder)
        (cache / "envs").symlink_to(default_cache().expanduser() / "envs")
        workshop = Workshop(cache, Environments(cache), launch=launch)
        for name in {name for key in wanted for name in workshop.makers(models[0], key.kind)}:
            workshop.environments.get(name)
        before, began = _used(), time.monotonic()
        made = workshop.make(models, wanted, workers=usable_cores())
        taken, used = time.monotonic() - began, _used() - before
    failed = [key for key in wanted if not isinstance(made[key], Artifact)]
    for key in failed:
        print(f"  {key.variant} {key.kind} batch {key.batch}: {made[key]}", file=sys.stderr)
    return taken, used, len(failed)


def _used() -> float:
    """Return the seconds of CPU time of all children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
