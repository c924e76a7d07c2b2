"""Published rows and measured series -> tables that the rules can look at. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from bench.analysis import naming
from bench.analysis.audit.table import Column, Cost, Row, Table
from bench.analysis.audit.twins import repeatability
from bench.analysis.boxes import Box
from bench.analysis.roofline import FAST_CONVOLUTION, core_rate, most_cores
from bench.analysis.series import Series, View
from bench.config.published import Published
from bench.core.units import BYTES_PER_MIB, to_ms
from bench.storage.schema.latency import ModelFacts

# Two FMA pipes of four FP32 lanes in a Cortex-A76, 2.84 GHz its fastest core (Qualcomm, SM8150).
_SD855_PEAK_A_THREAD = 2 * 4 * 2 * 2.84e9
# NVIDIA's data sheets: V100 SXM2 FP32; T4 FP32, and FP16 of its tensor cores.
_V100_FP32_PEAK, _T4_FP32_PEAK, _T4_FP16_PEAK = 15.7e12, 8.1e12, 65e12


def _batches(stem: str, peak: float) -> list[Column]:
    return [
        Column(name=f"{stem}_ms_bs{batch}", kind="latency", unit="ms", batch=batch, peak=peak)
        for batch in (1, 4, 8)
    ]


_PUBLISHED_LATENCIES: Mapping[str, Sequence[Column]] = {
    "Snapdragon 855, Paddle Lite, FP32": [
        Column(
            name=f"sd855_ms_threads{threads}", kind="latency", unit="ms",
            threads=threads, batch=1, peak=threads * _SD855_PEAK_A_THREAD,
        )
        for threads in (1, 2, 4)
    ],
    "V100, TensorRT, FP32": _batches("v100_trt_fp32", _V100_FP32_PEAK),
    "T4, TensorRT, FP16": _batches("t4_trt_fp16", _T4_FP16_PEAK),
    "T4, TensorRT, FP32": _batches("t4_trt_fp32", _T4_FP32_PEAK),
}  # fmt: skip

_PUBLISHED_COSTS = (
    Column(name="top1", kind="accuracy"),
    Column(name="top5", kind="accuracy"),
    Column(name="reference_top1", kind="accuracy"),
    Column(name="reference_top5", kind="accuracy"),
    Column(name="page_flops_g", kind="flops", unit="G"),
    Column(name="flops_m", kind="flops", unit="M"),
    Column(name="page_params_m", kind="params", unit="M"),
    Column(name="params_m", kind="params", unit="M"),
    Column(name="storage_mb", kind="storage", unit="MiB"),
)


def published_tables(published: Mapping[str, Published]) -> list[Table]:
    """Return published.csv as a table for each hardware and precision, and one of costs."""
    rows = [_published_row(row) for row in published.values()]
    latencies = [
        Table(source="published", title=f"published: {title}", columns=columns, rows=rows)
        for title, columns in _PUBLISHED_LATENCIES.items()
    ]
    known = repeatability(latencies)
    costs = Table(
        source="published",
        title="published: accuracy, costs and storage",
        columns=_PUBLISHED_COSTS,
        rows=rows,
        ascending=(("top1", "top5"), ("reference_top1", "reference_top5")),
    )
    return [*(replace(table, repeatability=known) for table in latencies), costs]


def _published_row(row: Published) -> Row:
    flops, params = row.figures.get("flops_m"), row.figures.get("params_m")
    cost = Cost(flops * 1e6, params * 1e6) if flops and params else None
    return Row(name=row.name, family=row.family, figures=row.figures, texts=row.texts, cost=cost)


def measured_tables(view: View) -> list[Table]:
    """Return a table for each series of `view`, and one of counted costs and file sizes."""
    return [*(_series_table(view, series) for series in view.series), _counted_table(view)]


def _series_table(view: View, series: Series) -> Table:
    columns = {key: _series_column(series, *key) for key in series.columns}
    cores = series.system.facts.get("physical_cores")
    return Table(
        source="measured",
        title=f"measured: {naming.heading(series)}, {series.weights} weights",
        columns=list(columns.values()),
        rows=[_series_row(view, series, variant, columns) for variant in series.variants],
        cores=cores if isinstance(cores, int) else None,
    )


def _series_column(series: Series, batch: int, threads: int) -> Column:
    facts = series.system.facts
    rate, cores = core_rate(facts, series.precision), most_cores(facts, threads)
    return Column(
        name=naming.setting(series, (batch, threads)),
        kind="latency",
        unit="ms",
        threads=threads,
        batch=batch,
        peak=None if rate is None or cores is None else cores * rate * FAST_CONVOLUTION,
    )


def _series_row(
    view: View, series: Series, variant: str, columns: Mapping[tuple[int, int], Column]
) -> Row:
    boxes = series.boxes[variant]
    estimates = {columns[key].name: box.estimate for key, box in boxes.items() if box.estimate}
    halves = {name: estimate.half_width_ns for name, estimate in estimates.items()}
    figures = {name: to_ms(estimate.value_ns) for name, estimate in estimates.items()}
    facts = view.models.get(variant)
    return Row(
        name=facts.title if facts else variant,
        family=_family(view, variant),
        figures=figures,
        texts=_printed(figures),
        intervals={name: to_ms(half) for name, half in halves.items() if half is not None},
        cost=_cost(facts) if facts and _of_net(boxes.values(), facts) else None,
    )


def _of_net(boxes: Iterable[Box], facts: ModelFacts) -> bool:
    """Say whether the boxes are of the net that the facts are of: a net may change its code."""
    return all(box.model_hash == facts.model_hash for box in boxes)


def _counted_table(view: View) -> Table:
    storage = Column(name=".nb", kind="storage", unit="MiB")
    flops = Column(name="FLOPs", kind="flops", unit="M")
    params = Column(name="params", kind="params", unit="M")
    rows = []
    for variant, facts in view.models.items():
        sizes = {storage.name: facts.storage.bytes / BYTES_PER_MIB} if facts.storage else {}
        if facts.costs:
            if facts.costs.operations is not None:
                sizes[flops.name] = facts.costs.flops_paddle / 1e6
            sizes[params.name] = facts.costs.params / 1e6
        rows.append(
            Row(
                name=facts.title, family=_family(view, variant), figures=sizes,
                texts=_printed(sizes), cost=_cost(facts),
            )
        )  # fmt: skip
    return Table(
        source="measured",
        title="measured: counted costs and storage",
        columns=[flops, params, storage],
        rows=rows,
    )


def _family(view: View, variant: str) -> str:
    """Return the published family; a model of one's own is its own."""
    published = view.published_of(variant) if variant in view.models else None
    return published.family if published else variant


def _cost(facts: ModelFacts) -> Cost | None:
    if facts.costs is None or facts.costs.operations is None:
        return None
    return Cost(facts.costs.flops_paddle, facts.costs.params)


def _printed(figures: Mapping[str, float]) -> dict[str, str]:
    """Return figures to the digit: milliseconds to the nanosecond, and no zeros that pad."""
    return {name: f"{value:.6f}".rstrip("0").rstrip(".") for name, value in figures.items()}
