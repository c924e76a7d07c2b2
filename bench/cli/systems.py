"""Whose stored figures a verb answers from: this machine's, or of the system that is named."""

from __future__ import annotations

from collections.abc import Sequence

from bench.analysis.series import StoredRun
from bench.core.errors import UnknownName
from bench.devices.host.facts import read_host
from bench.storage.schema.common import System
from bench.targets.base import known_as
from bench.targets.cpu import make_system


def answering(runs: Sequence[StoredRun], named: str | None) -> list[System]:
    """Return the systems of `runs` that may answer: the one of that id, or this machine.

    Raises UnknownName for an id that no run has.
    """
    known = _measured(runs)
    if named is None:
        here = known_as(make_system(read_host()), known.values())
        return [system for system in known.values() if is_of(here, system)]
    if named not in known:
        raise UnknownName("system", named, known)
    return [known[named]]


def elsewhere(runs: Sequence[StoredRun]) -> str:
    """Return how to take another system's figures, '' where there is none."""
    here = {system.system_id for system in answering(runs, None)}
    others = [system_id for system_id in _measured(runs) if system_id not in here]
    return f"name another system's with --system: {', '.join(others)}" if others else ""


def is_of(here: System, system: System) -> bool:
    """Tell whether `system` is the machine `here`, or a GPU in one whose facts are the same.

    A phone is none of them, whatever it hangs on.
    """
    if here.system_id == system.system_id:
        return True
    facts = system.facts
    return "gpu" in facts and all(facts.get(name) == it for name, it in here.facts.items())


def _measured(runs: Sequence[StoredRun]) -> dict[str, System]:
    return {one.system.system_id: one.system for one in sorted(runs, key=_system_id)}


def _system_id(run: StoredRun) -> str:
    return run.system.system_id
