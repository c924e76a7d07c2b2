"""The page's tables in Markdown: accuracy and costs, storage, latency, and their sources."""

from __future__ import annotations

import shlex
from pathlib import Path

from bench.analysis import naming
from bench.analysis.boxes import Box
from bench.analysis.run_context import unfinished
from bench.analysis.series import Column, Series, View
from bench.analysis.statistics import PERCENTILES
from bench.core.escape import code, markdown
from bench.core.units import BYTES_PER_MIB, significant, to_ms, two_decimals
from bench.reports.markdown import accuracy as accuracy_text
from bench.reports.markdown import engines as engines_text
from bench.reports.markdown import sustained as sustained_text
from bench.reports.markdown.energy import energy_table
from bench.reports.markdown.gpu import device_table
from bench.reports.markdown.ratios import ratios
from bench.reports.markdown.tables import (
    Footnotes,
    alone_text,
    distance_text,
    latency_text,
    table,
)

NAME = "report.md"
_ABSENT = "–"


_ALONE = """\
Engine alone: without the copies of input and output, as Paddle Lite's benchmark_bin and the
published figures are timed.
"""
_STORAGE = "Storage Size (MiB)<br>Paddle Lite .nb, arm"
_STORAGE_PUBLISHED = "Storage Size (M)<br>published"


def render(view: View) -> str:
    """Return the whole report."""
    notes = Footnotes()
    parts = ["# Results\n", _INTRODUCTION]
    if not view.models and not view.accuracies:
        parts.append("Nothing has been measured yet: run `make bench`.\n")
    else:
        if view.models:
            parts += [costs_table(view, notes), storage_table(view, notes)]
        parts += accuracy_text.section(view)
        parts += [latency_section(view, series, notes) for series in view.series]
        parts += engines_text.section(view, notes)
        parts += sustained_text.section(view, notes)
        parts += [*plots_section(view), *variance_section(view)]
        parts += [sources_section(view)] if view.models else []
    return "\n".join([*parts, *notes.lines()]) + ("\n" if notes.lines() else "")


_INTRODUCTION = """\
Written by `python -m bench.report` from results/ alone. Columns headed "published" hold the figures
of PaddleClas (models/README.md says where they stand); all others were measured or counted by this
harness. Published and measured figures never share a column.
"""


def costs_table(view: View, notes: Footnotes) -> str:
    """Return accuracy, FLOPs and params in the page's form, each convention a column."""
    accuracy = accuracy_text.head(view)
    head = [
        "Models", *accuracy, "MACs (M)", "FLOPs (M),<br>paddle.flops",
        "FLOPs (M)<br>published, list", "FLOPs (G)<br>published, page", "Params (M)",
        "Params (M)<br>published, list", "Params (M)<br>published, page",
    ]  # fmt: skip
    rows = [_costs_row(view, variant, notes) for variant in view.models]
    title = "Accuracy and costs" if accuracy else "Costs"
    return f"## {title}\n\n{table(head, rows)}\n{_COSTS_NOTE}"


_COSTS_NOTE = """\
MACs: multiply-accumulates of convolutions and matrix products. paddle.flops: MACs plus 2 per
element of batch normalisation and adaptive pooling. The page's FLOPs are about 2 x MACs. Params
include batch normalisation's means and variances, as the list's do; the page's leave them out.
"""


def _costs_row(view: View, variant: str, notes: Footnotes) -> list[str]:
    facts = view.models[variant]
    costs, missing = facts.costs, facts.missing.get("costs")
    mark = notes.mark(missing, of=facts.title) if missing else ""
    if costs is not None and costs.uncounted:
        mark = notes.mark(f"not counted: {', '.join(costs.uncounted)}.", of=facts.title)
    macs, flops = (costs and costs.operations) or (None, None)
    counted = {
        "macs": f"{_ABSENT if macs is None else two_decimals(macs / 1e6)}{mark}",
        "flops": _ABSENT if flops is None else two_decimals(flops / 1e6),
        "params": two_decimals(costs.params / 1e6) if costs else _ABSENT,
    }

    def published(column: str) -> str:
        return published_text(view, variant, column, notes)

    return [
        markdown(facts.title),
        *accuracy_text.cells(view, variant, published),
        counted["macs"], counted["flops"], published("flops_m"), published("page_flops_g"),
        counted["params"], published("params_m"), published("page_params_m"),
    ]  # fmt: skip


def published_text(view: View, variant: str, column: str, notes: Footnotes) -> str:
    """Return a published figure as it was printed, its known faults marked."""
    row = view.published_of(variant)
    if row is None or column not in row.texts:
        return ""
    known = [f"{it.model}, published: {it.note}" for it in view.faults_of(row.name, column)]
    marked = [
        f"{row.name}, published: {reason}."
        for reason in view.marks.get(("published", row.name, column), ())
    ]
    marks = [notes.mark(text) for text in known or marked]
    return row.texts[column] + "".join(marks)


def storage_table(view: View, notes: Footnotes) -> str:
    """Return the sizes of the files that a phone would hold."""
    rows = [
        [
            markdown(facts.title),
            storage_text(view, variant, notes),
            _published_storage(view, variant, notes),
        ]
        for variant, facts in view.models.items()
    ]
    return f"## Storage\n\n{table(['Models', _STORAGE, _STORAGE_PUBLISHED], rows)}"


def storage_text(view: View, variant: str, notes: Footnotes) -> str:
    """Return the size of the file that a phone would hold, in MiB."""
    facts = view.models[variant]
    text = two_decimals(facts.storage.bytes / BYTES_PER_MIB) if facts.storage else _ABSENT
    if "storage" in facts.missing:
        text += notes.mark(facts.missing["storage"], of=facts.title)
    return text


def _published_storage(view: View, variant: str, notes: Footnotes) -> str:
    return published_text(view, variant, "storage_mb", notes)


def latency_section(view: View, series: Series, notes: Footnotes) -> str:
    """Return one series' heading, table and remarks."""
    beside = [c for c in series.beside if c in naming.PUBLISHED_COLUMNS]
    columns = series.columns
    lower = series.precision != "fp32"  # how far from FP32's output stands beside each time
    alone = any(box.run_ns is not None for row in series.boxes.values() for box in row.values())
    head = ["Models"]
    for column in columns:
        setting = naming.setting(series, column)
        head += [f"Latency(ms)<br>{setting}", *[f"Engine alone(ms)<br>{setting}"] * alone]
        head += [f"Relative L2<br>{setting}"] * lower
    phone = series.target == "android"  # the page's table of the phone has the sizes too
    head += [_STORAGE] * phone
    for name in beside:
        known = naming.PUBLISHED_COLUMNS[name]
        hardware = known.hardware.replace(", ", ",<br>")
        head.append(f"published, {hardware}:<br>time(ms) {known.setting}")
    head += [_STORAGE_PUBLISHED] * phone
    rows = []
    for variant in series.boxes:
        row = [markdown(view.models[variant].title)]
        for column in columns:
            row.append(_latency(view, series, variant, column, notes))
            row += [alone_text(series.boxes[variant].get(column))] * alone
            row += [distance_text(series.boxes[variant].get(column))] * lower
        row += [storage_text(view, variant, notes)] * phone
        row += [published_text(view, variant, name, notes) for name in beside]
        row += [_published_storage(view, variant, notes)] * phone
        rows.append(row)
    weights = f"{markdown(series.weights.capitalize())} weights. Latency: end to end, "
    return (
        f"## {markdown(naming.heading(series))}\n\n{table(head, rows)}\n"
        f"{weights}{naming.statistic(series)}.\n{_ALONE * alone}{ratios(view, series)}"
        f"{tails(view, series)}"
        f"{device_table(view, series)}{energy_table(view, series)}"
    )


def tails(view: View, series: Series) -> str:
    """Return the percentiles that the counts of samples bear out, nothing where they bear none."""
    columns = [
        (column, percentile)
        for column in series.columns
        for percentile in PERCENTILES
        if any(
            column in row and percentile in row[column].percentiles for row in series.boxes.values()
        )
    ]
    if not columns:
        return ""
    head = ["Models", *(f"p{p}(ms)<br>{naming.setting(series, column)}" for column, p in columns)]
    rows = [
        [
            markdown(view.models[variant].title),
            *(_tail(row.get(column), p) for column, p in columns),
        ]
        for variant, row in series.boxes.items()
    ]
    return f"\n{table(head, rows)}\n{_TAILS_NOTE}"


_TAILS_NOTE = """\
Tails: upper bounds by MLPerf's early-stopping rule at 99% confidence, the mean over sessions, never
pooled; empty where some session has too few samples (p90 takes 64, p95 130, p99 662).
"""


def _tail(box: Box | None, percentile: int) -> str:
    known = box.percentiles if box else {}
    return significant(to_ms(known[percentile])) if percentile in known else ""


def _latency(view: View, series: Series, variant: str, column: Column, notes: Footnotes) -> str:
    title, head = view.models[variant].title, naming.setting(series, column)
    text = latency_text(series.boxes[variant].get(column), notes)
    reasons = view.marks.get(("measured", title, f"{naming.heading(series)}: {head}"), ())
    return text + "".join(notes.mark(f"{title}, {head}: {reason}.") for reason in reasons)


def plots_section(view: View) -> list[str]:
    """Return the section of the pictures, by the names that `plots.figures` gives them.

    Nothing where there is no picture.
    """
    from bench.reports.plots.figures import figures

    lines = [f"![{figure.title}]({figure.name}.svg)\n" for figure in figures(view)]
    return ["## Accuracy against cost\n\n" + "\n".join(lines)] if lines else []


def variance_section(view: View) -> list[str]:
    """Return each run's components of variance and the sentence that follows from them."""
    if not view.variances:
        return []
    head = ["Run", "Iteration", "Session", "Round", "Cells x rounds", "What follows"]
    rows = [
        [
            markdown(run_id), f"{it.iteration:.1%}", f"{it.session:.1%}", f"{it.round:.1%}",
            f"{it.cells} x {it.rounds}", it.sentence,
        ]
        for run_id, it in sorted(view.variances.items())
    ]  # fmt: skip
    return [f"## Where the variance comes from\n\n{table(head, rows)}\n{_VARIANCE_NOTE}"]


_VARIANCE_NOTE = """\
Standard deviations relative to the latency: between samples of a session, between sessions of a
round, between rounds (what all cells of a round have in common).
"""


def sources_section(view: View) -> str:
    """Return which runs the figures come from, and in which state the machine was."""
    head = ["Run", "Status", "Started", "System", "Commit", "Command", "Governor", "Load"]
    rows = []
    for run_id, manifest in sorted(view.sources.items()):
        origin, state = manifest.provenance, manifest.provenance.conditions
        dirty = " (changed)" if origin.dirty else ""
        rows.append(
            [
                *map(markdown, (run_id, manifest.status, manifest.started, manifest.system_id)),
                markdown(origin.code) + dirty,
                code(shlex.join(origin.command)),
                markdown(str(state.get("governor", "unknown"))),
                _load(state.get("load_1m")),
            ]
        )
    whys = {run_id: unfinished(manifest) for run_id, manifest in sorted(view.sources.items())}
    notes = [
        f"{markdown(why[0].upper() + why[1:])}; {code(f'python -m bench run --resume {run_id}')} "
        "measures them.\n"
        for run_id, why in whys.items()
        if why is not None
    ]
    return "\n".join([f"## Where the figures come from\n\n{table(head, rows)}", *notes])


def _load(value: object) -> str:
    return significant(float(value), 2) if isinstance(value, int | float) else "unknown"


def write(view: View, folder: Path) -> dict[Path, bytes]:
    """Return the report's file and bytes."""
    return {folder / NAME: render(view).encode()}
