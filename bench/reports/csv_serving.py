"""serving.csv: a row for each load of a server, and each comparison with the in-process call."""

from __future__ import annotations

from bench.analysis.series import View
from bench.analysis.serving import ServedLoad, cost, figure, generator, newest

Row = dict[str, object]

SERVING_HEAD = (
    "system_id", "model", "model_hash", "runner", "threads", "batch", "server", "local", "scenario",
    "outcome", "valid", "reason", "percentile", "latency_bound_ms", "latency_ns", "per_s",
    "p50_ns", "p90_ns", "p99_ns", "queries", "failed", "answers_compared", "answers_wrong",
    "relative_l2", "connections", "client_cpu_ns_per_request", "client_cpu_share", "client_limit",
    "in_process_ns", "served_ns", "added_ns", "added_half_width_95_ns", "rounds", "preset",
    "run_id",
)  # fmt: skip


def serving_rows(view: View) -> list[Row]:
    """Return the rows of serving.csv, the newest of each system, model, engine and scenario."""
    return [_known(it) | _load(it) | _cost(it) for it in newest(view.servings)]


def _known(it: ServedLoad) -> Row:
    manifest, cell, load = it.run.manifest, it.cell, it.line.load
    return {
        "system_id": manifest.system_id, "model": it.title,
        "model_hash": it.model and it.model.model_hash,
        "runner": cell and cell.runner, "threads": cell and cell.threads,
        "batch": cell and cell.batch,
        "server": load and f"{load.server.name} {load.server.version}", "local": manifest.local,
        "scenario": it.planned.scenario or "in-process",
        "outcome": it.why.kind if it.why else "measured",
        "preset": manifest.preset, "run_id": manifest.run_id,
    }  # fmt: skip


def _load(it: ServedLoad) -> Row:
    load = it.line.load
    if load is None:
        return {}
    judged, took, tails = figure(load), generator(load), load.loadgen.percentiles_ns
    return {
        "valid": load.valid, "reason": load.reason, "percentile": load.settings.percentile,
        "latency_bound_ms": load.settings.latency_ms, "latency_ns": judged.latency_ns,
        "per_s": judged.per_s, **{f"p{p}_ns": tails.get(p) for p in ("50", "90", "99")},
        "queries": load.client.requests, "failed": load.failed,
        "answers_compared": load.parity.checked, "answers_wrong": load.parity.wrong,
        "relative_l2": f"{load.parity.relative_l2:.3g}", "connections": load.settings.connections,
        "client_cpu_ns_per_request": round(took.cpu_ns),
        "client_cpu_share": f"{took.cpu_share:.3f}", "client_limit": took.limit,
    }  # fmt: skip


def _cost(it: ServedLoad) -> Row:
    if it.line.cost is None:
        return {}
    value = cost(it.line.cost)
    half = value.half_width_ns
    return {
        "in_process_ns": round(value.in_process_ns), "served_ns": round(value.served_ns),
        "added_ns": round(value.added_ns), "rounds": value.rounds,
        "added_half_width_95_ns": None if half is None else round(half),
    }  # fmt: skip
