"""What each column of the report's CSV files holds. Durations are whole nanoseconds."""

from __future__ import annotations

from collections.abc import Mapping

COLUMNS: Mapping[str, str] = {
    # which cell
    "system_id": "the system that it was measured on",
    "system": "that system's name in the report",
    "emulated": "whether that system's processor is emulated",
    "suite": "the suite of the run",
    "runner": "the runner's name",
    "settings": "the runner's settings, as name=value",
    "precision": "the precision that was asked for",
    "preset": "how thoroughly it was measured",
    "statistic": "what a session's samples are summed up by: median or mean",
    "weights": "the kind of weights; a file of weights by the first digits of its SHA-256",
    "engine": "the engine's name and version",
    "variant": "the model's name in the catalogue",
    "batch": "the batch size",
    "threads": "threads that were asked for",
    "run_id": "the run that the figure is of",
    "cell_id": "the cell's id: its record is runs/SYSTEM_ID/RUN_ID/cells/CELL_ID.json",
    # its figure
    "outcome": "measured, skipped or failed; only a measured one has figures",
    "latency_ns": "mean over sessions of each session's statistic, end to end",
    "half_width_95_ns": "half-width of its 95% t interval over sessions; empty: one session",
    "sessions": "sessions, each a fresh process",
    "samples": "samples in all of them",
    "unsettled_sessions": "sessions whose warm-up hadn't settled when its time was up",
    "grade": "evidence grade, A to D",
    "stopped": "why there are no more sessions: fixed, narrow, cap or time",
    "p90_ns": "90th percentile of all samples; empty: too few to bear it",
    "p95_ns": "95th percentile of all samples; empty: too few to bear it",
    "p99_ns": "99th percentile of all samples; empty: too few to bear it",
    "relative_l2": "the farthest output from the reference, as relative L2",
    "warnings": "what the report remarks at the figure, by semicolon",
    "contended": "whether other processes disturbed most of a session: no burst could be left out",
    "cpu_share": "share of the CPU time asked for that the most disturbed session got",
    "slow_share": "share of the sampling time in which the machine was slower than its best",
    "floor_ns": "latency of undisturbed bursts while the machine is at its best",
    "floor_half_width_95_ns": "half-width of its 95% interval",
    "ratio": "the latency over that of the fastest that it took turns with; 1: it is the fastest",
    "ratio_low": "lower end of the ratio's 95% interval",
    "ratio_high": "upper end of the ratio's 95% interval",
    # engines side by side
    "fastest": "whether it is proved the fastest of its row",
    "load_ns": "median over sessions of the time to load the artifact",
    "peak_rss_mib": "median over sessions of their highest resident memory, in MiB",
    # long sessions
    "asked_s": "seconds that --sustained asked for",
    "ran_ns": "time in inference",
    "first_tenth_ns": "latency in the first tenth of that time",
    "last_tenth_ns": "latency in the last tenth of that time",
    "capped": "whether the most samples that a session may have ended it",
    # on a GPU
    "on_device_ns": "time on the GPU",
    "on_device_half_width_95_ns": "half-width of its 95% interval",
    "enqueue_ns": "time that the host takes to hand the work over",
    "launch_bound": "whether handing over takes over 80% of the time on the GPU",
    "energy_mj_per_inference": "energy of the GPU an inference, in millijoules",
    "builds": "engines that the sessions ran, each a build of its own",
    "build_spread": "how far the builds' figures are apart, as a share of the smallest",
    "build_ns": "mean time to build an engine",
    # energy of the processor
    "package_energy_mj_per_inference": "energy of the processor an inference, in millijoules",
    # a model's costs
    "model": "the model's name in tables",
    "macs": "multiply-accumulates an image of convolutions and matrix products",
    "flops_paddle": "FLOPs an image as paddle.flops counts them",
    "params": "all weights, batch normalisation's running mean and variance included",
    "params_trainable": "weights that training changes",
    "storage_bytes": "size of the file that a phone would hold",
    "storage_format": "the format of that file",
    "published_top1": "published top-1 accuracy, a share",
    "published_top5": "published top-5 accuracy, a share",
    "published_flops_m": "published FLOPs, in millions",
    "published_params_m": "published params, in millions",
    "published_storage_mb": "published storage, in M, which its source doesn't define",
    "declared_top1": "top-1 accuracy that the catalogue's entry declares, a share",
    "declared_top5": "top-5 accuracy that the catalogue's entry declares, a share",
    # accuracy
    "model_hash": "names the net and its weights",
    "weights_sha256": "SHA-256 of the file of weights",
    "images": "images of the data set that count",
    "limited_from": "images that there were before --limit; empty: no limit",
    "read": "images that could be read",
    "data_digest": "names the images and their labels",
    "top1_hits": "images whose most probable class is right",
    "top1": "top-1 accuracy, a share of the images that could be read",
    "top1_low": "lower end of its 95% interval",
    "top1_high": "upper end of its 95% interval",
    "top5_hits": "images whose class is among the five most probable",
    "top5": "top-5 accuracy, a share of the images that could be read",
    "top5_low": "lower end of its 95% interval",
    "top5_high": "upper end of its 95% interval",
}
"""By column. One name has one meaning, but for OF_FILE."""

OF_FILE: Mapping[str, Mapping[str, str]] = {
    "sustained.csv": {"ratio": "the last tenth over the first"},
}
"""What a column holds in one file, where that is another thing, by file."""


def meaning(file: str, column: str) -> str:
    """Return what a column of that file holds."""
    return OF_FILE.get(file, {}).get(column) or COLUMNS.get(column, "")
