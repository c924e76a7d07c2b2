"""`bench models`: the nets of stored runs and the catalogue's, with their costs."""

from __future__ import annotations

import json
from typing import Any

from bench.cli.console import tell_broken
from bench.cli.stored import viewed
from bench.config.catalog import load_catalogue, select
from bench.config.entries import Entry
from bench.config.published import Published, load_published
from bench.core.errors import BrokenResult
from bench.core.output import show, show_lines
from bench.core.program import command
from bench.core.units import BYTES_PER_MIB, two_decimals
from bench.experiments.context import Options, Tables
from bench.reports.build import view_of
from bench.storage.schema.latency import ModelFacts


def run(options: Options, tables: Tables) -> int:
    """Print one line a model, first those of stored runs that are in no catalogue."""
    catalogue, published = load_catalogue(options.models), load_published(options.models)
    broken: list[BrokenResult] = []
    known = view_of(viewed(options, broken), options.models).models
    names = options.variants or [*known, *catalogue.models]
    own = [it for it in dict.fromkeys(names) if it in known and it not in catalogue.models]
    listed = [it for it in dict.fromkeys(names) if it not in own]
    rows = [_named(variant, None) | describe(known[variant], None) for variant in own]
    for variant in select(catalogue, listed) if listed else ():
        entry = catalogue.models[variant]
        row = describe(known.get(variant), published.get(entry.published or ""))
        rows.append(_named(variant, entry) | row)
    if options.as_json:
        show(json.dumps(rows, indent=1) + "\n")
    else:
        show_lines(_lines(rows))
    return tell_broken(broken)


def _named(variant: str, entry: Entry | None) -> dict[str, Any]:
    """Return what the catalogue's `entry` says of a model; None where it has none."""
    return {
        "variant": variant,
        "published_as": entry and entry.published,
        "source": entry and (entry.factory or entry.file or entry.exported),
        "task": entry and entry.task,
        "declared_top1": entry and entry.top1,
        "declared_top5": entry and entry.top5,
    }


def describe(facts: ModelFacts | None, published: Published | None) -> dict[str, Any]:
    """Return counted and published costs; None is what isn't known."""
    costs, storage = (facts.costs, facts.storage) if facts else (None, None)
    macs, flops = (costs and costs.operations) or (None, None)
    figures = published.figures if published else {}
    return {
        "macs": macs,
        "flops_paddle": flops,
        "params": costs.params if costs else None,
        "storage_bytes": storage.bytes if storage else None,
        "published_flops_m": figures.get("flops_m"),
        "published_params_m": figures.get("params_m"),
        "published_storage_mb": figures.get("storage_mb"),
        "published_top1": figures.get("top1"),
    }


_COLUMNS = (
    ("MACs (M)", "macs", 1e6),
    ("FLOPs (M)", "flops_paddle", 1e6),
    ("published", "published_flops_m", 1),
    ("params (M)", "params", 1e6),
    ("published", "published_params_m", 1),
    (".nb (MiB)", "storage_bytes", BYTES_PER_MIB),
    ("published", "published_storage_mb", 1),
)


_ACCURACY = (("top-1 (published)", "published_top1", 1), ("top-1 (declared)", "declared_top1", 1))


def _columns(rows: list[dict[str, Any]]) -> list[tuple[str, str, float]]:
    """Return the columns: of accuracy those that are known of any model with classes."""
    known = [it for it in _ACCURACY if any(row[it[1]] is not None for row in rows)]
    classify = any(row["task"] == "classify" for row in rows)
    return [*_COLUMNS, *(known if known or not classify else _ACCURACY[:1])]


def _lines(rows: list[dict[str, Any]]) -> list[str]:
    columns, width = _columns(rows), max(10, *(len(row["variant"]) for row in rows))
    lines = ["  ".join(["variant".ljust(width), *(head.rjust(10) for head, _, _ in columns)])]
    for row in rows:
        figures = [_figure(row[key], unit).rjust(max(10, len(head))) for head, key, unit in columns]
        lines.append("  ".join([row["variant"].ljust(width), *figures]))
    if any(row["macs"] is None for row in rows):
        lines.append(f"– not counted yet: {command('run')} counts each model that it measures")
    return lines


def _figure(value: float | None, unit: float) -> str:
    if value is None:
        return "–"
    return f"{value:g}" if unit == 1 else two_decimals(value / unit)
