"""MLPerf's LoadGen: its settings, its run over a system under test, and what its log says of it.

LoadGen can't be ended from within, so that it runs in a child (`bench.serving.generator`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.core.errors import Unavailable
from bench.core.program import install_hint
from bench.serving.scenarios import SCENARIOS, Settings

SUMMARY, DETAIL = "mlperf_log_summary.txt", "mlperf_log_detail.txt"

_PREFIX = ":::MLLOG "
_OFFLINE_SLACK = 1.1  # LoadGen makes so many times the samples that the expected rate takes
_PERCENTILE = re.compile(r"result_(\d+\.\d+)_percentile_latency_ns")
_EARLY = re.compile(r"Early stopping (\d+(?:\.\d+)?)th percentile estimate: (\d+)")
_SEEDS = ("qsl_rng_seed", "sample_index_rng_seed", "schedule_rng_seed")

Issue = Callable[[Sequence[Any]], None]
"""Takes LoadGen's samples of one query, each with an `id` and an `index`."""


def loadgen() -> Any:
    """Return the module; raises Unavailable where the extra isn't installed."""
    try:
        import mlperf_loadgen
    except ImportError as error:
        raise Unavailable(
            "MLPerf's LoadGen isn't installed",
            hint=install_hint("serving"),
        ) from error
    return mlperf_loadgen


def complete(ids: Sequence[int]) -> None:
    """Tell LoadGen that the samples of these ids are answered."""
    lg = loadgen()
    lg.QuerySamplesComplete([lg.QuerySampleResponse(it, 0, 0) for it in ids])


def drive(settings: Settings, issue: Issue, samples: int, folder: Path) -> None:
    """Run LoadGen over `issue` on that many samples, its logs into `folder`; returns at the end."""
    lg = loadgen()
    output = lg.LogOutputSettings()
    output.outdir = str(folder)
    log = lg.LogSettings()
    log.log_output = output
    log.enable_trace = False
    library = lg.ConstructQSL(samples, samples, lambda _: None, lambda _: None)
    system = lg.ConstructSUT(issue, lambda: None)
    try:
        lg.StartTestWithLogSettings(system, library, _test_settings(lg, settings), log, "")
    finally:
        lg.DestroySUT(system)
        lg.DestroyQSL(library)


def _test_settings(lg: Any, it: Settings) -> Any:
    test = lg.TestSettings()
    test.scenario = getattr(lg.TestScenario, SCENARIOS[it.scenario])
    test.mode = lg.TestMode.PerformanceOnly
    test.min_duration_ms = round(it.duration_s * 1000)
    test.min_query_count = it.queries
    for seed in _SEEDS:
        setattr(test, seed, it.seed)
    if it.scenario == "single-stream":
        test.single_stream_target_latency_percentile = it.percentile / 100
    elif it.scenario == "server":
        test.server_target_qps = it.rate
        test.server_target_latency_ns = round((it.latency_ms or 0) * 1e6)
        test.server_target_latency_percentile = it.percentile / 100
    else:
        test.offline_expected_qps = (it.rate or 1.0) / _OFFLINE_SLACK
        test.min_query_count = 1  # the one query has all samples
    return test


def read_log(folder: Path) -> dict[str, Any]:
    """Return what the detailed log in `folder` says, as `LoadGenFields` has it.

    Raises OSError, ValueError and LookupError where it isn't one.
    """
    lines = (folder / DETAIL).read_text(encoding="utf-8", errors="replace").splitlines()
    entries = [json.loads(it.removeprefix(_PREFIX)) for it in lines if it.startswith(_PREFIX)]
    said: dict[str, Any] = {it["key"]: it["value"] for it in entries}
    early = str(said.get("early_stopping_result", ""))
    return {
        "version": str(said["loadgen_version"]).split(" ", 1)[0],
        "valid": said["result_validity"] == "VALID",
        "bound_met": said.get("result_perf_constraints_met"),
        "reason": _reason(said),
        "queries": said["result_query_count"],
        "over_latency": said.get("result_overlatency_query_count"),
        "scheduled_per_s": said.get("result_scheduled_samples_per_sec"),
        "completed_per_s": _rate(said),
        "mean_ns": said["result_mean_latency_ns"],
        "min_ns": said["result_min_latency_ns"],
        "max_ns": said["result_max_latency_ns"],
        "percentiles_ns": {
            f"{float(match[1]):g}": value
            for key, value in said.items()
            if (match := _PERCENTILE.fullmatch(key))
        },
        "early_stopping_ns": {f"{float(p):g}": int(ns) for p, ns in _EARLY.findall(early)},
        "errors": said["num_errors"],
    }


_RATES = (
    "result_completed_samples_per_sec",
    "result_samples_per_second",
    "result_qps_with_loadgen_overhead",
)
_CHECKS = {
    "result_perf_constraints_met": "the latency bound isn't met",
    "result_min_duration_met": "it was shorter than the least duration",
    "result_min_queries_met": "it had fewer queries than the least count",
    "early_stopping_met": "too few queries to prove the percentile (early stopping)",
}


def _rate(said: Mapping[str, Any]) -> float | None:
    return next((float(said[name]) for name in _RATES if name in said), None)


def _reason(said: Mapping[str, Any]) -> str:
    """Return why LoadGen calls a run invalid, "" where it is valid."""
    if said["result_validity"] == "VALID":
        return ""
    return "; ".join(why for key, why in _CHECKS.items() if said.get(key) is False)
