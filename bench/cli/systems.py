"""Whose stored figures a verb answers from: this machine's, or of the system that is named."""

from __future__ import annotations

from bench.core.errors import UnknownName
from bench.devices.host.facts import read_host
from bench.storage.directory import Store
from bench.storage.schema.common import System
from bench.targets.cpu import make_system


def answering(store: Store, named: str | None) -> list[System]:
    """Return the systems of `store`'s runs that may answer: the one of that id, or this machine.

    Raises UnknownName for an id that no run has.
    """
    known = _measured(store)
    if named is None:
        here = make_system(read_host())
        return [system for system in known.values() if is_of(here, system)]
    if named not in known:
        raise UnknownName("system", named, known)
    return [known[named]]


def elsewhere(store: Store) -> str:
    """Return how to take another system's figures, '' where there is none."""
    here = {system.system_id for system in answering(store, None)}
    others = [system_id for system_id in _measured(store) if system_id not in here]
    return f"name another system's with --system: {', '.join(others)}" if others else ""


def is_of(here: System, system: System) -> bool:
    """Tell whether `system` is the machine `here`, or a GPU in one whose facts are the same.

    A phone is none of them, whatever it hangs on.
    """
    if here.system_id == system.system_id:
        return True
    facts = system.facts
    return "gpu" in facts and all(facts.get(name) == it for name, it in here.facts.items())


def _measured(store: Store) -> dict[str, System]:
    ids = sorted({run.manifest().system_id for run in store.runs()})
    return {system_id: store.system(system_id) for system_id in ids}
