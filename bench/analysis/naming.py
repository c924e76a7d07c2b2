"""Names that several formats share: headings, column heads, published columns, file stems."""

from __future__ import annotations

from dataclasses import dataclass

from bench.analysis.series import Column, Series
from bench.core.escape import file_name
from bench.runners import RUNNERS


@dataclass(frozen=True, slots=True)
class PublishedColumn:
    """A latency column of published.csv: on what it was measured, and at which setting."""

    hardware: str
    setting: str


PUBLISHED_COLUMNS = {
    **{
        f"sd855_ms_threads{threads}": PublishedColumn(
            "Snapdragon 855, Paddle Lite", f"bs=1, thread={threads}"
        )
        for threads in (1, 2, 4)
    },
    **{
        f"v100_trt_fp32_ms_bs{batch}": PublishedColumn("V100, TensorRT 8.0.3.4", f"bs={batch}")
        for batch in (1, 4, 8)
    },
}


def setting(series: Series, column: Column) -> str:
    """Return how the page heads a column: `bs=1, thread=2`, on a GPU `bs=4`."""
    batch, threads = column
    return f"bs={batch}" if series.target == "nvidia-gpu" else f"bs={batch}, thread={threads}"


def runner_title(runner: str) -> str:
    """Return a runner's title, or its bare name for one that this version doesn't have."""
    return RUNNERS[runner].title if runner in RUNNERS else runner


def settings(series: Series) -> str:
    """Return a series' settings as a reader has them: `onednn on, tensor_gc off`."""
    return ", ".join(f"{name} {value}" for name, value in sorted(series.settings.items()))


def heading(series: Series) -> str:
    """Return a table's heading: the hardware under its real name, engine and precision.

    The suite stands in it, since the same cells in two suites are two tables.
    """
    engine = f"{runner_title(series.runner)}{_version(series)}"
    suite = f"suite {series.suite}" if series.suite else ""
    parts = [engine, series.precision.upper(), settings(series), f"preset {series.preset}", suite]
    what = ", ".join(part for part in parts if part)
    return f"{system(series)} — {what}"


def system(series: Series) -> str:
    """Return a series' system as a reader has it: of an emulated one it says so."""
    return marked(series.name, emulated=series.system.emulated)


def marked(name: str, *, emulated: bool) -> str:
    """Return a system's name with what says that it is emulated, where it is."""
    return f"emulated: {name}" if emulated and not name.startswith("emulated") else name


def _version(series: Series) -> str:
    return f" ({series.engine})" if series.engine else ""


def latency_stem(series: Series) -> str:
    """Return the file stem of a series' plot: one for each system, runner and setting."""
    return file_name(f"top1-latency-{_stem(series)}")


def sustained_stem(series: Series) -> str:
    """Return the same for the plot of its long sessions."""
    return file_name(f"sustained-{_stem(series)}")


def _stem(series: Series) -> str:
    settings = "".join(f"-{name}_{value}" for name, value in sorted(series.settings.items()))
    return f"{series.system.system_id}-{series.runner}{settings}-{series.precision}"
