"""What each column of the report's CSV files holds: as in a DataFrame, and some of their own."""

from __future__ import annotations

from collections.abc import Mapping

from bench.reports.data.columns import LEVELS

PLOT = "the .csv beside each plot"

COLUMNS: Mapping[str, str] = {
    **{column.name: column.text for column in LEVELS["cell"]},
    "fastest": "Whether it is proved the fastest of its row.",
    "params_trainable": "Weights that training changes.",
    "storage_format": "The format of that file.",
    "published_top1": "Published top-1 accuracy, a share.",
    "published_top5": "Published top-5 accuracy, a share.",
    "published_flops_m": "Published FLOPs, in millions.",
    "published_params_m": "Published params, in millions.",
    "published_storage_mb": "Published storage, in M, which its source doesn't define.",
    "declared_top1": "Top-1 accuracy that the catalogue's entry declares, a share.",
    "declared_top5": "Top-5 accuracy that the catalogue's entry declares, a share.",
    "weights_sha256": "SHA-256 of the file of weights.",
    "images": "Images of the data set that count.",
    "limited_from": "Images that there were before --limit; empty: no limit.",
    "read": "Images that could be read.",
    "data_digest": "Names the images and their labels.",
    "top1_hits": "Images whose most probable class is right.",
    "top1": "Top-1 accuracy, a share of the images that could be read.",
    "top1_low": "Lower end of its 95% interval.",
    "top1_high": "Upper end of its 95% interval.",
    "top5_hits": "Images whose class is among the five most probable.",
    "top5": "Top-5 accuracy, a share of the images that could be read.",
    "top5_low": "Lower end of its 95% interval.",
    "top5_high": "Upper end of its 95% interval.",
    "server": "The name and version that the server gives.",
    "local": "Whether the server ran on the machine that made the load.",
    "scenario": "LoadGen's scenario, or in-process: the comparison with the in-process call.",
    "valid": "Whether LoadGen calls the load valid and each request had a right answer.",
    "reason": "Why the load isn't valid.",
    "percentile": "The percentile of the latencies that the load is judged by.",
    "latency_bound_ms": "What that percentile of a server's latencies must be within, in ms.",
    "per_s": "Samples a second; of server the highest rate found at which the bound holds.",
    "p50_ns": "The median of the latencies, ns.",
    "queries": "Requests that were sent.",
    "failed": "Requests without a right answer.",
    "answers_compared": "Answers that were compared with what they must be.",
    "answers_wrong": "Those of them that were wrong.",
    "connections": "Requests in flight at once, at most.",
    "client_cpu_ns_per_request": "CPU time of the load generator's process a request, ns.",
    "client_cpu_share": "That CPU time as a share of a core.",
    "client_limit": "What of the load generator may have been the limit; empty: nothing.",
    "in_process_ns": "The in-process call: the mean over rounds of their medians, ns.",
    "served_ns": "The same of a single stream through the server.",
    "position": "The operator's place in the order of the engine's graph, from 0.",
    "operator": "Its name in that graph.",
    "operator_type": "Its type, as the engine calls it.",
    "kind_of_work": "What work that is, under the same name for all engines.",
    "kernel": "Which code ran, as far as the engine tells.",
    "calls": "Its calls an inference.",
    "operator_ns": "Its time in the profiled inference in the middle, ns.",
    "operator_share": "That time over all operators' of the cell.",
    "added_ns": "What serving adds: the mean of the rounds' differences, ns.",
    "added_half_width_95_ns": "Half-width of its 95% interval over rounds, ns.",
    "rounds": "Rounds of the in-process call and the served one.",
}
"""By column. One name has one meaning, but for OF_FILE."""

OF_FILE: Mapping[str, Mapping[str, str]] = {
    "sustained.csv": {"ratio": "The last tenth over the first."},
    "serving.csv": {
        "latency_ns": "Of single-stream the bound on the percentile that LoadGen proves, ns.",
        "p90_ns": "The 90th percentile of the latencies, ns.",
        "p99_ns": "The 99th percentile of the latencies, ns.",
        "relative_l2": "The greatest distance of a right answer.",
        "outcome": "measured, failed or skipped.",
    },
    PLOT: {
        "panel": "The title of the axes.",
        "series": "What the legend calls it: an engine, a front, a family.",
        "label": "What the point is of: a net, a run, a tenth of the time.",
        "x": "Where it is drawn, in the unit of `x_axis`.",
        "low": "Lower end of the drawn interval or band of the latency; empty: none is drawn.",
        "high": "Upper end of it.",
        "y": "Where it is drawn, in the unit of `y_axis`, or a name on an axis of names.",
        "origin": "Where the latency or the cost is from: measured, counted or published.",
        "x_axis": "The label of the x axis, with its unit.",
        "y_axis": "The label of the y axis, with its unit.",
    },
}
"""What a column holds in one file, where that is another thing, by file."""


def meaning(file: str, column: str) -> str:
    """Return what a column of that file holds."""
    return OF_FILE.get(file, {}).get(column) or COLUMNS.get(column, "")
