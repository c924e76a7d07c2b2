"""Single cells as text for the terminal: one with all that is known of it, several in a table."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from bench.analysis import naming
from bench.analysis.boxes import Box
from bench.analysis.contention import counted_ns, taken
from bench.analysis.details import details
from bench.analysis.grade import explain, findings
from bench.analysis.run_context import run_context
from bench.analysis.series import Column, Series, View
from bench.analysis.side_by_side import side_by_side
from bench.core import escape
from bench.core.output import wrapped
from bench.core.units import number_of, significant, to_ms, with_interval
from bench.reports.language import ENGLISH
from bench.reports.tables import titles
from bench.reports.terminal import RACED_NOTE, figure, ratio_texts
from bench.reports.terminal.drawing import drawn
from bench.reports.terminal.histogram import bins, histogram
from bench.reports.terminal.labels import labels
from bench.storage.schema.common import Failed
from bench.storage.schema.latency import Measured, Record, Session, reason

_BAR = 40
_UNREAD = ("threads", "0")
"""What a record says of an engine whose count of threads could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A cell of a view: its box and record, and the series that it stands in."""

    series: Series
    variant: str
    column: Column
    box: Box
    record: Record

    @property
    def work(self) -> tuple[object, ...]:
        """What cells agree in that can stand side by side."""
        return self.variant, self.column, self.series.precision


def shown_cells(view: View) -> list[Shown]:
    """Return all cells of `view`, in its order."""
    return [
        Shown(
            series=series,
            variant=variant,
            column=column,
            box=box,
            record=view.records[box.run_id, box.cell_id],
        )
        for series in (*view.series, *view.sustained)
        for variant, row in series.boxes.items()
        for column, box in sorted(row.items())
    ]


def cells_table(view: View, cells: Sequence[Shown], width: int | None) -> str:
    """Return the cells a row each: which, its latency, and its ratio to the fastest of its row."""
    ratios = {
        (box.run_id, box.cell_id): text
        for table in side_by_side(view)
        for variant, row in table.rows.items()
        for box, text in zip(row, ratio_texts(table, variant), strict=True)
        if box is not None
    }
    known = [ratios.get((one.box.run_id, one.box.cell_id), "") for one in cells]
    raced = any(text not in ("", "apart") for text in known)
    columns = [("cell", labels([one.record.cell for one in cells]))]
    columns += [
        (name, texts)
        for name, texts in (
            ("system", [naming.system(one.series) for one in cells]),
            ("suite", [one.series.suite for one in cells]),
            ("preset", [one.series.preset for one in cells]),
        )
        if len(set(texts)) > 1
    ]
    columns.append(("latency, ms", [figure(one.box) for one in cells]))
    if raced:
        columns.append(("over the fastest", known))
    head = [name for name, _ in columns]
    rows = list(zip(*(texts for _, texts in columns), strict=True))
    return drawn("", head, rows, RACED_NOTE if raced else "", width=width)


def cell_text(view: View, one: Shown, width: int | None) -> str:
    """Return all that is known of a cell: figure, samples, sessions, grade and why, and its run."""
    record = one.record
    heading = wrapped(titles.heading(one.series, ENGLISH), width)
    lines = [record.cell.to_cell().label, *heading, ""]
    lines += [text for part in _figure(one) for text in wrapped(part, width)]
    text = escape.lines(lines)
    if isinstance(record.outcome, Measured):
        text += escape.lines(["", *_samples(record, width), "", "sessions"])
        text += drawn("", *_sessions(record.sessions), width=width)
    return text + escape.lines(_basis(view, one, width))


def beside_text(view: View, cells: Sequence[Shown], width: int | None) -> str:
    """Return a table of `cells` and all that do the same work, '' where none does."""
    works = {one.work for one in cells}
    others = [it for it in shown_cells(view) if it.work in works]
    if len(others) == len(cells):
        return ""
    return escape.lines(["", "the same work, side by side"]) + cells_table(view, others, width)


def _figure(one: Shown) -> Iterator[str]:
    record, estimate = one.record, one.box.estimate
    if not isinstance(record.outcome, Measured):
        yield reason(record.outcome)
        if isinstance(record.outcome, Failed):
            yield from record.outcome.log_tail.splitlines()
        return
    if estimate is None:
        yield "a long session: the tables of its run show it by tenths"
        return
    value, half = to_ms(estimate.value_ns), estimate.half_width_ns
    text = with_interval(value, None if half is None else to_ms(half))
    yield f"latency  {text} ms, {titles.statistic(one.series, ENGLISH).partition(' (')[0]}"
    if half is not None:
        yield f"95%      {titles.interval(estimate, ENGLISH)}"
    yield f"grade    {one.box.grade}"
    for why in explain(findings(record)):
        yield f"  {why}"


def _samples(record: Record, width: int | None) -> list[str]:
    """Return the histogram of the samples that the figure is of."""
    samples = [ns for session in record.sessions for ns in counted_ns(session)]
    all_of_them = sum(len(session.samples_ns) for session in record.sessions)
    left_out = all_of_them - len(samples)
    disturbed = f"; {left_out} more were disturbed and don't count" if left_out > 0 else ""
    head = f"samples, ms: {len(samples)} in {number_of(len(record.sessions), 'session')}{disturbed}"
    room = _BAR if width is None else max(8, min(_BAR, width - 32))
    return [*wrapped(head, width), *(f"  {it}" for it in histogram(bins(samples), room))]


def _sessions(sessions: Sequence[Session]) -> tuple[list[str], list[list[str]]]:
    """Return a row a session: what it measured, and what of the CPU was left to it."""
    head = ["", "median, ms", "samples", "load, ms", "first, ms", "settled", "CPU left"]
    rows = []
    for number, session in enumerate(sessions, 1):
        left = taken(session)
        rows.append(
            [
                str(number),
                significant(to_ms(median(counted_ns(session))), 4),
                str(len(counted_ns(session))),
                significant(to_ms(session.load_ns)),
                significant(to_ms(session.first_inference_ns)),
                "yes" if session.steady else "no",
                "" if left is None else f"{left.cpu_share:.0%}",
            ]
        )
    return head, rows


def _basis(view: View, one: Shown, width: int | None) -> list[str]:
    """Return what the raw data say, the versions, and the run with its command."""
    manifest = view.manifests[one.box.run_id]
    origin = manifest.provenance
    context = run_context(manifest, [one.record])
    known = _effective(one.record, context)
    versions = ", ".join(f"{name} {it}" for name, it in context.items())
    # What a finding of the grade says already isn't said again.
    said = [it for it in details(one.record) if not it.startswith("speed:") or _is_fast(one.record)]
    lines = [*said, f"versions: {versions}"]
    lines += [f"effective: {', '.join(known)}"] * bool(known)
    lines += [f"run: {manifest.run_id}, {manifest.status}, started {manifest.started}"]
    if one.box.older:
        lines += [f"earlier figures: {len(one.box.older)}, the history verb shows them"]
    return [
        *(text for line in lines for text in wrapped(line, width)),
        "command:",
        f"  {shlex.join(origin.command)}",
        f"cell: {one.box.cell_id}",
    ]


def _effective(record: Record, without: Collection[str]) -> list[str]:
    """Return each fact of the sessions with its values, where they differ all of them."""
    facts: dict[str, dict[str, None]] = {}
    for session in record.sessions:
        for name, value in session.facts.items():
            if name not in without and (name, value) != _UNREAD:
                facts.setdefault(name, {})[value] = None
    values_of = {name: " or ".join(values) for name, values in sorted(facts.items())}
    worked, cores = values_of.pop("threads_worked", None), values_of.pop("cores_worked", None)
    known = [f"{name} {values}" for name, values in values_of.items()]
    if worked is not None:
        known.append(f"threads that worked {worked}" + (f" (on core {cores})" if cores else ""))
    return known


def _is_fast(record: Record) -> bool:
    return all(it.grade == "A" for it in findings(record) if it.rule == "speed")
