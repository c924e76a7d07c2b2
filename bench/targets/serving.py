"""Which runners can be measured on an NVIDIA GPU, by its compute capability and its driver, the
engines' environments and what this machine has for them; and in a sentence why the others can't.
"""

from __future__ import annotations

import platform
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bench.core.errors import Unavailable
from bench.environments.inspection import describe
from bench.environments.interpreters import Environments, has_any
from bench.environments.specs import ENVIRONMENTS, EnvSpec
from bench.runners import Cards, RunnerEntry

KIND = "nvidia-gpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A GPU: its name, compute capability as "8.6", and driver as "580.65.06", if known."""

    name: str
    capability: str
    driver: str | None = None


def refusals(
    card: Card, runners: Mapping[str, RunnerEntry], environments: Environments
) -> dict[str, Unavailable]:
    """Return why each of the GPU's `runners` can't be measured on `card`; the others can be."""
    problems = {
        name: None if name in environments.given else environment_problem(name, card, environments)
        for name in gpu_environments(runners)
    }
    found = {
        name: lacks_kernels(name, runners, card) or problems[entry.env]
        for name, entry in runners.items()
        if entry.target == KIND
    }
    return {name: error for name, error in found.items() if error is not None}


def gpu_environments(runners: Mapping[str, RunnerEntry]) -> list[str]:
    """Return the environments of the GPU's runners by name, once each."""
    return list(dict.fromkeys(it.env for it in runners.values() if it.target == KIND))


def lacks_kernels(name: str, runners: Mapping[str, RunnerEntry], card: Card) -> Unavailable | None:
    """Return why the engine of runner `name` has no kernels for `card`, None where it has."""
    entry = runners[name]
    if entry.cards is None or _fits(entry.cards, card.capability):
        return None
    able = [
        it for it, other in runners.items() if other.cards and _fits(other.cards, card.capability)
    ]
    more = f"measure it with --runner {' or '.join(able)}" if able else "measure on a later GPU"
    if entry.own is not None and _fits(entry.own.cards, card.capability):
        more = f"a Python with a later {entry.title} serves it: --env {entry.own.env}=PATH"
    return Unavailable(
        f"{name} has kernels for compute capability {_span(entry.cards)}, and {card.name} has "
        f"{card.capability}",
        hint=more,
    )


def _fits(cards: Cards, capability: str) -> bool:
    lowest, highest = cards
    number = int(capability.replace(".", ""))
    return lowest <= number and (highest is None or number <= highest)


def _span(cards: Cards) -> str:
    lowest, highest = (None if it is None else f"{it // 10}.{it % 10}" for it in cards)
    return f"{lowest} or higher" if highest is None else f"{lowest} to {highest}"


def environment_problem(name: str, card: Card, environments: Environments) -> Unavailable | None:
    """Return why environment `name` doesn't work with the driver of `card` or can't be built."""
    spec = ENVIRONMENTS[name]
    if spec.driver and card.driver and _numbers(card.driver) < _numbers(spec.driver):
        return Unavailable(
            f"environment {name} takes an NVIDIA driver from {spec.driver} on, and this machine "
            f"has {card.driver}",
            hint="update the driver and restart",
        )
    if environments.is_built(name):
        return None
    return _wrong_platform() or environments.problem(name) or _full(name, spec, environments.cache)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _wrong_platform() -> Unavailable | None:
    here = platform.system(), platform.machine()
    if here == ("Linux", "x86_64"):
        return None
    return Unavailable(
        f"the engines exist for Linux on x86-64, and this is {here[0]} on {here[1]}",
        hint="give a Python that has TensorRT with --env gpu=PATH, and `--runner tensorrt`",
    )


def _full(name: str, spec: EnvSpec, cache: Path) -> Unavailable | None:
    free_gib = _free_bytes(cache) / 2**30
    if free_gib >= spec.disk_gib:
        return None
    return Unavailable(
        f"{free_gib:.1f} GiB of disk are free for {cache}, environment {name} takes "
        f"{spec.disk_gib}",
        hint="free some, or name another folder with --cache DIR",
    )


def _free_bytes(folder: Path) -> int:
    """Return what is free where `folder` is or would be."""
    paths = (folder, *folder.absolute().parents)
    return shutil.disk_usage(next(path for path in paths if path.exists())).free


def with_own_engines(
    runners: Mapping[str, RunnerEntry], given: Mapping[str, Path]
) -> Mapping[str, RunnerEntry]:
    """Return `runners`, those served by one of the user's own interpreters `given` moved there."""
    moved = {
        name: replace(entry, env=entry.own.env, cards=entry.own.cards)
        for name, entry in runners.items()
        if entry.own is not None and entry.own.env in given
        if _has(entry.own.env, given[entry.own.env], entry.own.packages)
    }
    return {**runners, **moved} if moved else runners


def _has(env: str, python: Path, packages: tuple[str, ...]) -> bool:
    try:
        return has_any(describe(env, python).packages, packages)
    except Unavailable:  # whoever needs that interpreter says so
        return False
