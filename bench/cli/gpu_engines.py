"""`bench doctor --install`: the engines of a GPU, built and proved to load."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.core.errors import BenchError, Unavailable
from bench.core.output import show_lines
from bench.core.program import command
from bench.core.protocol import request_for
from bench.devices.nvidia.libraries import library_path
from bench.environments.interpreters import Environments
from bench.environments.specs import ENVIRONMENTS
from bench.experiments.context import Options, Tables
from bench.launcher.process import ChildFailed
from bench.runners import RunnerEntry
from bench.targets.nvidia import find_card
from bench.targets.serving import gpu_environments, refusals
from bench.worker.probe import EXPECTED

_TIMEOUT_S = 300.0


def install(options: Options, tables: Tables) -> int:
    """Build the environments that serve the GPU, all of a GPU's where there is none; print what
    was proved of each and return 0. Raises Unavailable where an engine doesn't load.
    """
    environments = Environments(options.cache, options.envs)
    values = {
        name: _probed(name, environments.get(name).python, options, tables)
        for name in _installed(environments, tables)
    }
    lines = [f"ok       environment {name:9} {_proved(it)}" for name, it in values.items()]
    show_lines([json.dumps(values)] if options.as_json else lines)
    return 0


def _installed(environments: Environments, tables: Tables) -> list[str]:
    """Return the environments to build, none of the user's own.

    Raises Unavailable where none serves the GPU.
    """
    try:
        card = find_card()
    except BenchError:
        card = None
    if card is None:
        return _built(tables.runners)
    refused = refusals(card, tables.runners, environments)
    served = {name: it for name, it in tables.runners.items() if name not in refused}
    if names := _built(served):
        return names
    raise Unavailable(
        f"no engine serves {card.name}: {'; '.join(it.problem for it in refused.values())}",
        hint="; ".join(dict.fromkeys(it.hint for it in refused.values())),
    )


def _built(runners: Mapping[str, RunnerEntry]) -> list[str]:
    return [name for name in gpu_environments(runners) if ENVIRONMENTS[name].lock]


def _probed(name: str, python: Path, options: Options, tables: Tables) -> dict[str, Any]:
    """Return what the engines of environment `name` load; raises Unavailable where they don't."""
    paths = library_path(python, options.cache.absolute(), os.environ)
    result = tables.launch(request_for("probe"), python=python, env=paths, timeout_s=_TIMEOUT_S)
    if isinstance(result, ChildFailed):
        raise Unavailable(
            f"the GPU engines don't load: {result.message}", hint=_last_line(result) or result.hint
        )
    value = dict(result.value)
    if "paddle" not in value:
        return value
    loads = tuple(value["loads"])
    expected = tuple(value["built_for"]) if name in options.envs else EXPECTED
    if loads != expected:
        raise Unavailable(
            f"Paddle loads TensorRT {_dotted(loads)}, and it should be {_dotted(expected)}",
            hint=f"delete its environment in the cache, then {command('doctor --install')} again",
        )
    return value


def _proved(value: Mapping[str, Any]) -> str:
    if "paddle" in value:
        return f"paddlepaddle {value['paddle']} loads TensorRT {_dotted(tuple(value['loads']))}"
    return ", ".join(f"{name} {version}" for name, version in value.items())


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _last_line(result: ChildFailed) -> str:
    lines = result.log_tail.strip().splitlines()
    return lines[-1] if lines else ""
