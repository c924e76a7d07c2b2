"""`bench cache list|prune|path`: what lies in the cache, and the removal of what isn't needed."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from bench.artifacts.builder import Workshop
from bench.artifacts.inventory import KINDS, Item, items, remove, unneeded
from bench.config.catalog import Model, load_catalogue, parse_weights, resolve_all
from bench.core.errors import BenchError, InputError, UnknownName
from bench.core.locks import cache_alone
from bench.core.output import say, show, show_lines
from bench.core.program import command
from bench.core.units import BYTES_PER_MIB, number_of
from bench.environments.interpreters import Environments
from bench.experiments.context import Options, Tables

_HEAD = ("model", "format", "batch", "MiB", "last used")


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheOptions:
    """What `prune` removes: what wasn't used for `older` seconds and, or, what is `unused`."""

    older: float | None = None
    unused: bool = False
    dry_run: bool = False


def run(options: Options, tables: Tables) -> int:
    """Carry out the word after the verb; return 1 where something couldn't be removed.

    Raises InputError, and Busy where a run goes on that may use what would be removed.
    """
    word = " ".join(options.words)
    actions = {"list": _list, "prune": _prune, "path": _path}
    if word not in actions:
        if not word:
            raise InputError("cache takes a word", hint=f"as in {command('cache list')}")
        raise UnknownName("word", word, actions, of="cache")
    return actions[word](options, tables)


def _path(options: Options, tables: Tables) -> int:
    del tables
    show_lines([str(options.cache.absolute())])
    return 0


def _list(options: Options, tables: Tables) -> int:
    found = items(options.cache, list(tables.formats))
    if options.as_json:
        show(json.dumps([_facts(item) for item in found], indent=1) + "\n")
        return 0
    artifacts = [item for item in found if item.kind == "artifacts"]
    rows = [_HEAD, *(_row(item) for item in artifacts)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows] if artifacts else []
    show_lines([*lines, *([""] if lines else []), *_totals(found), f"all of it in {options.cache}"])
    return 0


def _row(item: Item) -> tuple[str, ...]:
    batch = "" if item.batch is None else str(item.batch)
    return (
        item.model or item.path.name,
        item.format,
        batch,
        _mib(item.bytes),
        _day(item.last_used),
    )


def _totals(found: Sequence[Item]) -> list[str]:
    """Return a line for each kind that there is something of."""
    by_kind = {kind: [item for item in found if item.kind == kind] for kind in KINDS}
    return [
        f"{kind.ljust(12)}  {_mib(sum(item.bytes for item in own)).rjust(8)} MiB in {len(own)}"
        for kind, own in by_kind.items()
        if own
    ]


def _prune(options: Options, tables: Tables) -> int:
    flags = options.of(CacheOptions)
    if flags.older is None and not flags.unused:
        raise InputError(
            "prune removes nothing by itself",
            hint=f"say what goes, as in {command('cache prune --unused --older 30d --dry-run')}",
        )
    found = items(options.cache, list(tables.formats))
    if flags.unused:
        found = unneeded(found, *_today(options, tables))
    if flags.older is not None:
        since = time.time() - flags.older
        found = [item for item in found if item.last_used < since]
    if flags.dry_run:
        gone, kept = found, []
    elif found:
        with cache_alone(options.cache):
            kept = [item for item in found if not _removed(item, options)]
            gone = [item for item in found if item not in kept]
    else:
        gone, kept = [], []
    _tell(gone, flags, options)
    return 1 if kept else 0


def _today(options: Options, tables: Tables) -> tuple[Workshop, list[Model]]:
    """Return what makes artifacts today, and the catalogue's models with each kind of weights."""
    environments = Environments(options.cache, options.envs)
    catalogue = load_catalogue(options.models)
    models = [
        model
        for weights in ("seeded", "pretrained")
        for model in resolve_all(
            catalogue, list(catalogue.models), options.models, parse_weights(weights)
        )
    ]
    return Workshop(options.cache, environments, tables.formats, tables.launch), models


def _removed(item: Item, options: Options) -> bool:
    try:
        remove(item, options.cache)
    except (BenchError, OSError) as error:
        say(f"bench: {item.path} stays: {error}")
        return False
    return True


def _tell(gone: Sequence[Item], flags: CacheOptions, options: Options) -> None:
    if options.as_json:
        show(json.dumps([_facts(item) for item in gone], indent=1) + "\n")
        return
    how = "would be removed" if flags.dry_run else "removed"
    total = _mib(sum(item.bytes for item in gone))
    last = (
        f"{how}: {number_of(len(gone), 'item')}, {total} MiB{', which --json names' * bool(gone)}"
    )
    show_lines([*_totals(gone), last])


def _facts(item: Item) -> dict[str, Any]:
    used = (
        datetime.fromtimestamp(item.last_used, timezone.utc)
        .astimezone()
        .isoformat(timespec="seconds")
    )
    return {
        "kind": item.kind,
        "path": str(item.path),
        "model": item.model or None,
        "format": item.format or None,
        "batch": item.batch,
        "bytes": item.bytes,
        "last_used": used,
    }


def _mib(size: int) -> str:
    return f"{size / BYTES_PER_MIB:.1f}"


def _day(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, timezone.utc).astimezone():%Y-%m-%d}"
