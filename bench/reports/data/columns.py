"""The columns of a table of cells, sessions or samples, each with its type and a sentence.

One list for all: DataFrames, exports and the reference have them in this order. A unit stands at
the end of a name (`_ns`, `_mib`, `_s`); a share is from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

TEXT, WHOLE, NUMBER, SWITCH = "string", "Int64", "Float64", "boolean"
TIME, CATEGORY = "datetime64[us, UTC]", "category"
"""Types as pandas names them; each has a value for what isn't known (NA, NaT)."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, its pandas type, and what it holds."""

    name: str
    dtype: str
    text: str


_UNITS = {
    "_ns": "ns", "_s": "s", "_mib": "MiB", "_bytes": "bytes", "_share": "share",
    "_mj_per_inference": "mJ",
}  # fmt: skip


def unit(column: Column) -> str:
    """Return the unit that the column's name ends in, '' for none."""
    return next((unit for end, unit in _UNITS.items() if column.name.endswith(end)), "")


SYSTEM = (
    Column("system_id", TEXT, "The machine or device that was measured: a slug and a digest."),
    Column("system", TEXT, "Its real name."),
    Column("emulated", SWITCH, "Whether it is emulated: its latencies say nothing of hardware."),
)

RUN = (
    Column("run_id", TEXT, "The run; runs sort by it from the oldest to the newest."),
    Column("run_started", TIME, "When the run began."),
    Column("run_finished", TIME, "When it was complete; missing where it isn't."),
    Column("run_status", TEXT, "How far it is: complete, interrupted or running."),
    Column("suite", TEXT, "The suite that was run."),
    Column("target", TEXT, "Where the cells were measured: cpu, android or nvidia-gpu."),
    Column("commit", TEXT, "The harness's commit; missing for an installed harness."),
    Column("changed", SWITCH, "Whether the harness's code had changes that weren't committed."),
    Column("harness", TEXT, "The harness's version."),
    Column("command", TEXT, "The command that made the run."),
    Column("host", TEXT, "A digest of the host's name."),
    Column(
        "operating_system",
        TEXT,
        "The host's operating system with its kernel's release; missing for runs of earlier "
        "versions.",
    ),
)

CELL = (
    Column("cell_id", TEXT, "The cell: a slug and a digest of all that makes it another one."),
    Column("shown", SWITCH, "Whether the report has this figure: the newest of its cell."),
    Column("variant", TEXT, "The model by its name in the catalogue."),
    Column("model", TEXT, "The model's title."),
    Column("model_hash", TEXT, "A digest of the net and its weights."),
    Column("weights", TEXT, "Which weights: seeded, pretrained or a file's name and digest."),
    Column("runner", TEXT, "The runner: the adapter of an engine."),
    Column("engine", TEXT, "The engine and its version, as the sessions report it."),
    Column("settings", TEXT, "The runner's settings, as name=value."),
    Column("precision", TEXT, "The precision that was asked for."),
    Column("batch", WHOLE, "Images a batch: a latency is of a whole batch."),
    Column("threads", WHOLE, "Threads of the engine."),
    Column("input", TEXT, "The shapes of the inputs, without the batch."),
    Column("preset", TEXT, "How thoroughly it was measured."),
    Column("statistic", TEXT, "What stands for a session: the median or mean of its samples."),
    Column(
        "outcome", TEXT, "What came of it: measured, skipped or failed; only measured has figures."
    ),
    Column("failure", TEXT, "The kind of failure, such as crash, timeout or wrong-output."),
    Column("reason", TEXT, "Why there is no figure, in one line, with the remedy."),
    Column("latency_ns", WHOLE, "The mean of the sessions' medians (or means)."),
    Column("half_width_95_ns", WHOLE, "Half the width of its 95% t interval over sessions."),
    Column("sessions", WHOLE, "Sessions behind the figure."),
    Column("samples", WHOLE, "Samples behind the figure, of all sessions."),
    Column("unsettled_sessions", WHOLE, "Sessions whose warm-up ended before it was steady."),
    Column("grade", TEXT, "How far the figure can be trusted, A to D."),
    Column("grade_reasons", TEXT, "What keeps the grade below A, and the remedy."),
    Column("warnings", TEXT, "What a reader of the figure has to know."),
    Column("stopped", TEXT, "Why there are no more sessions: fixed, narrow, cap or time."),
    Column("p90_ns", WHOLE, "The 90th percentile; missing where the samples don't bear it."),
    Column("p95_ns", WHOLE, "The 95th percentile; missing where the samples don't bear it."),
    Column("p99_ns", WHOLE, "The 99th percentile; missing where the samples don't bear it."),
    Column("relative_l2", NUMBER, "How far the output was from the reference at most."),
    Column("contended", SWITCH, "Whether other processes took too much of the CPU."),
    Column("cpu_share", NUMBER, "The share of the CPU that was left to the cell."),
    Column("slow_share", NUMBER, "The share of bursts in which the machine was slow."),
    Column("floor_ns", WHOLE, "The latency where nothing is in the way; never a figure itself."),
    Column("floor_half_width_95_ns", WHOLE, "Half the width of its 95% interval."),
    Column("ratio", NUMBER, "Latency over the fastest net's that it took turns with, if shown."),
    Column("ratio_low", NUMBER, "The lower end of the ratio's 95% interval."),
    Column("ratio_high", NUMBER, "The upper end of the ratio's 95% interval."),
    Column("load_ns", WHOLE, "Time to load the net, the median of the sessions."),
    Column("peak_rss_mib", NUMBER, "Most memory of the process, the median of the sessions."),
    Column("on_device_ns", WHOLE, "On a GPU: the part of the latency that it works."),
    Column("on_device_half_width_95_ns", WHOLE, "Half the width of its 95% interval."),
    Column("enqueue_ns", WHOLE, "On a GPU: the time in which the host hands over the work."),
    Column("launch_bound", SWITCH, "On a GPU: whether the host is slower than the GPU."),
    Column("energy_mj_per_inference", NUMBER, "On a GPU: its energy for one inference."),
    Column("builds", WHOLE, "On a GPU: how many engines were built."),
    Column("build_spread", NUMBER, "On a GPU: how far the engines' latencies lie apart, a share."),
    Column("build_ns", WHOLE, "On a GPU: time to build an engine."),
    Column("package_energy_mj_per_inference", NUMBER, "The processor's energy for one inference."),
    Column("asked_s", NUMBER, "A long session: the time that was asked for."),
    Column("ran_ns", WHOLE, "A long session: the sum of its samples."),
    Column("first_tenth_ns", WHOLE, "A long session: the median of its first tenth."),
    Column("last_tenth_ns", WHOLE, "A long session: the median of its last tenth."),
    Column("last_over_first", NUMBER, "A long session: last tenth over first tenth."),
    Column("capped", SWITCH, "A long session: whether it ended at the most samples allowed."),
    Column("macs", WHOLE, "Multiply-accumulates of one image."),
    Column("flops_paddle", WHOLE, "Operations of one image as paddle.flops counts them."),
    Column("params", WHOLE, "Parameters of the net."),
    Column("storage_bytes", WHOLE, "The size of the file that a phone would hold."),
    Column("packages", TEXT, "The packages of the engine's environment, as JSON."),
)

SESSION = (
    Column("session", WHOLE, "The session's number within its cell, from 0 on."),
    Column("session_started", TIME, "When the session began."),
    Column("order", WHOLE, "Its number within the run, from 0 on."),
    Column("round", WHOLE, "The round over all cells that it was in."),
    Column("turn", WHOLE, "The turn that it shared with sessions of other cells."),
    Column("session_latency_ns", NUMBER, "The median (or mean) of the samples that count."),
    Column("session_samples", WHOLE, "Samples that count: not those of disturbed bursts."),
    Column("warmup_calls", WHOLE, "Inferences before the first sample."),
    Column("steady", SWITCH, "Whether the warm-up ended because it was steady."),
    Column("session_load_ns", WHOLE, "Time to load the net."),
    Column("first_inference_ns", WHOLE, "The first inference after loading."),
    Column("session_build_ns", WHOLE, "Time to build the engine, where it was built."),
    Column("wall_ns", WHOLE, "The session from start to end; of a turn, all of it."),
    Column("session_relative_l2", NUMBER, "How far the output was from the reference."),
    Column("session_contended", SWITCH, "Whether other processes took too much of the CPU."),
    Column("session_cpu_share", NUMBER, "The share of the CPU that was left to it."),
    Column("reported", SWITCH, "Whether a tool gave an average only, and no samples."),
    Column("facts", TEXT, "What the engine reports of itself, as JSON: effective settings."),
    Column("covariates", TEXT, "What was counted while sampling, as JSON."),
    Column("before", TEXT, "The machine's state before the session, as JSON."),
    Column("after", TEXT, "The machine's state after the session, as JSON."),
    Column("teardown", TEXT, "What was odd about the end of its process."),
)

SAMPLE = (
    Column("sample", WHOLE, "The sample's number within its session, from 0 on."),
    Column("burst", WHOLE, "The burst that it is of, from 0 on."),
    Column("sample_ns", WHOLE, "The duration of one inference."),
    Column("counts", SWITCH, "Whether the figure is of it too: its burst wasn't disturbed."),
)

COMPARISON = (
    Column("cell_id", TEXT, "The cell: a slug and a digest of all that makes it another one."),
    Column("label", TEXT, "The cell in words."),
    Column("verdict", TEXT, "FASTER, SLOWER, SAME, INCONCLUSIVE, MISSING or INCOMPARABLE."),
    Column("reason", TEXT, "Why."),
    Column("ratio", NUMBER, "HEAD's latency over BASE's."),
    Column("low", NUMBER, "The lower end of the ratio's two-sided 95% interval."),
    Column("high", NUMBER, "The upper end of the ratio's two-sided 95% interval."),
    Column("q", NUMBER, "The p of the ratio's direction, adjusted over the cells."),
    Column("min_effect", NUMBER, "The least change that a verdict is about, a share."),
    Column("base_ns", NUMBER, "BASE's latency."),
    Column("head_ns", NUMBER, "HEAD's latency."),
)
"""The columns of a comparison of two runs: a row a cell."""

_IDENTITY = (
    "system_id", "run_id", "cell_id", "shown", "variant", "runner", "engine", "settings",
    "precision", "batch", "threads", "preset",
)  # fmt: skip
_REPEATED = tuple(it for it in (*SYSTEM, *RUN, *CELL) if it.name in _IDENTITY)


def _category(column: Column) -> Column:
    return replace(column, dtype=CATEGORY) if column.dtype == TEXT else column


LEVELS: Mapping[str, Sequence[Column]] = {
    "cell": (*SYSTEM, *RUN, *CELL),
    "session": (*_REPEATED, *SESSION),
    "sample": (*map(_category, _REPEATED), SESSION[0], *SAMPLE),
}
"""The columns of each level, in order."""
