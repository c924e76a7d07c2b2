"""Sections 1.2 and 1.3 of a model's page in PaddleClas's documentation, to be pasted into it.

Its headings, anchors, column names and numbers: shares of three digits, FLOPs in G and params in M,
times of two decimals. A column is published or it is of this harness, never both, and the remark
below says which. Emulated systems aren't on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal
from itertools import chain

from bench.analysis import naming
from bench.analysis.boxes import Box
from bench.analysis.series import Column, Series, View
from bench.core.escape import markdown
from bench.core.units import BYTES_PER_MIB, to_ms, two_decimals
from bench.reports.language import Words
from bench.reports.markdown.tables import footnotes, marks, table
from bench.reports.tables import titles
from bench.reports.tables.costs import published
from bench.reports.tables.entries import outcome
from bench.reports.tables.notes import Notes
from bench.storage.schema.latency import ModelFacts

TARGETS = ("android", "nvidia-gpu", "cpu")
"""In the page's order; a target that it doesn't know comes last."""

PREFIX = "page-"  # of its notes, apart from those of the page that it is put into

_ACCURACY = ("top1", "top5", "reference_top1", "reference_top5")

_Cells = tuple[str, Sequence[str]]
"""A column: its head, in plain text of several lines, and what each row has."""


def render(view: View, words: Words) -> str:
    """Return both sections, a system of section 1.3 after the other."""
    if not view.models:
        return markdown(words("report.nothing")) + "\n"
    notes = Notes(words)
    metrics = list(_metrics(view, words, notes))
    if metrics:
        metrics = [_anchor("1.2"), f"### 1.2 {words('seed_page.metrics')}", *metrics]
    blocks = [
        *metrics,
        _anchor("1.3"),
        f"### 1.3 {words('seed_page.benchmark')}",
    ]
    parts = list(_systems(view, words, notes))
    for number, (title, body) in enumerate(parts, 1):
        blocks += [_anchor(f"1.3.{number}"), f"#### 1.3.{number} {markdown(title)}", *body]
    return "\n\n".join([*blocks, *footnotes(notes, PREFIX)]) + "\n"


def _anchor(name: str) -> str:
    return f"<a name='{name}'></a>"


def _remark(words: Words, *sentences: str) -> str:
    text = words("seed_page.space").join(markdown(it) for it in sentences if it)
    return f"**{words('seed_page.remark')}** {text}"


def _frame(
    view: View, words: Words, variants: Sequence[str], cells: Iterable[_Cells], *, centred: bool
) -> str:
    """Return a table of a row a variant; what the cells have is Markdown."""
    columns = [(words("models"), [markdown(view.models[it].title) for it in variants]), *cells]
    heads = ["<br>".join(map(markdown, title.splitlines())) for title, _ in columns]
    rows = list(zip(*(texts for _, texts in columns), strict=True))
    return table(heads, rows, centred=centred).rstrip("\n")


def _metrics(view: View, words: Words, notes: Notes) -> Iterator[str]:
    """Yield section 1.2: published accuracy, and costs that were counted; nothing where none is."""
    variants = list(view.models)
    accuracy = [_accuracy(view, words, name, notes) for name in _ACCURACY]
    costs = [
        (words("seed_page.flops"), _counted(view, _flops_g)),
        (words("seed_page.params"), _counted(view, _params_m)),
    ]
    known = [it for it in costs if any(it[1])]
    shown = accuracy if any(chain.from_iterable(texts for _, texts in accuracy)) else []
    if not shown and not known:
        return
    yield _frame(view, words, variants, [*shown, *known], centred=True)
    yield _remark(
        words,
        words("seed_page.accuracy_remark") if shown else "",
        words("seed_page.costs_remark") if known else "",
    )


def _accuracy(view: View, words: Words, name: str, notes: Notes) -> _Cells:
    _, entry = published(view, words, name)
    texts = []
    for variant in view.models:
        one = entry(variant)
        noted = marks([notes.add(it) for it in one.notes], PREFIX)
        texts.append("" if one.value is None else f"{_three_digits(one.text)}{noted}")
    return words(f"seed_page.{name}"), texts


def _three_digits(printed: str) -> str:
    """Return a share as the page rounds it, by its printed digits: 0.7705 is 0.771."""
    return str(Decimal(printed).quantize(Decimal("0.001"), ROUND_HALF_UP))


def _counted(view: View, measure: Callable[[ModelFacts], float | None]) -> list[str]:
    values = [measure(facts) for facts in view.models.values()]
    return ["" if value is None else f"{value:.3f}" for value in values]


def _flops_g(facts: ModelFacts) -> float | None:
    operations = facts.costs and facts.costs.operations
    return 2 * operations[0] / 1e9 if operations else None  # the page's convention


def _params_m(facts: ModelFacts) -> float | None:
    return facts.costs.params_trainable / 1e6 if facts.costs else None  # the page's convention


def _storage(view: View, words: Words, variants: Iterable[str]) -> list[_Cells]:
    """Return the column of the sizes, none where no size is known."""
    files = [view.models[variant].storage for variant in variants]
    texts = ["" if it is None else f"{it.bytes / BYTES_PER_MIB:.3f}" for it in files]
    return [(words("seed_page.storage"), texts)] if any(texts) else []


def _systems(view: View, words: Words, notes: Notes) -> Iterator[tuple[str, list[str]]]:
    """Yield each measured system: its title, and the tables with their remarks."""
    by_system: dict[tuple[int, str], list[Series]] = {}
    for series in _shown(view.series):
        rank = TARGETS.index(series.target) if series.target in TARGETS else len(TARGETS)
        by_system.setdefault((rank, series.system.system_id), []).append(series)
    phones = False
    for (rank, _), group in sorted(by_system.items(), key=lambda item: item[0][0]):
        phone = TARGETS[rank : rank + 1] == ("android",)
        phones |= phone
        text = "seed_page.speed_and_storage" if phone else "seed_page.speed"
        body = [block for one in group for block in _series(view, one, words, notes)]
        yield words(text, system=_name(group[0], words)), body
    sizes = [] if phones else _storage(view, words, view.models)
    if sizes:  # no phone's table has them
        body = [
            _frame(view, words, list(view.models), sizes, centred=False),
            _remark(words, words("seed_page.storage_remark")),
        ]
        yield words("seed_page.storage_title"), body


def _shown(all_series: Iterable[Series]) -> list[Series]:
    """Return, of an engine's series on a system, the one with most columns, sessions and runs."""
    best: dict[tuple[str, ...], Series] = {}
    for one in all_series:
        if one.system.emulated:
            continue
        settings = naming.settings(one)
        key = (one.target, one.system.system_id, one.runner, settings, one.precision, one.weights)
        held = best.get(key)
        if held is None or _weight(one) > _weight(held):
            best[key] = one
    return list(best.values())


def _weight(series: Series) -> tuple[int, int, str]:
    return len(series.columns), series.most_sessions, max(series.runs, default="")


def _name(series: Series, words: Words) -> str:
    """Return the system's name as the page has it: `SD855` of a phone, `V100 GPU`."""
    name = series.name
    if series.target == "nvidia-gpu" and "GPU" not in name:
        return f"{name} GPU"
    if series.target != "android":
        return name
    return words.of("hardware", name.partition(",")[0].partition(" (")[0])


def _series(view: View, series: Series, words: Words, notes: Notes) -> list[str]:
    """Return a series' table and its remark."""
    variants, cells = list(series.boxes), list[_Cells]()
    if series.target == "nvidia-gpu":
        cells.append((words("seed_page.size"), [_size(view, series, it) for it in variants]))
    for column in series.columns:
        boxes = [series.boxes[variant].get(column) for variant in variants]
        texts = [
            _time(words, view, variant, box, notes)
            for variant, box in zip(variants, boxes, strict=True)
        ]
        cells.append((_time_head(series, column, words), texts))
    sizes = _storage(view, words, variants) if series.target == "android" else []
    size_remark = words("seed_page.storage_remark") if sizes else ""
    return [
        _frame(view, words, variants, [*cells, *sizes], centred=False),
        _remark(words, *_series_remarks(series, words), size_remark),
    ]


def _time_head(series: Series, column: Column, words: Words) -> str:
    at = naming.setting(series, column)
    if series.target == "android":
        return words("seed_page.phone_time", system=_name(series, words), setting=at)
    return words("latency.latency", setting=at)


def _size(view: View, series: Series, variant: str) -> str:
    """Return the side of the images, `224`, or the shape of what isn't square."""
    keys = ((box.run_id, box.cell_id) for box in series.boxes[variant].values())
    shapes = {view.records[key].cell.input for key in keys if key in view.records}
    sides = {shape.split("x")[-1] if len(set(shape.split("x")[1:])) == 1 else shape
             for shape in shapes}  # fmt: skip
    return markdown(", ".join(sorted(sides)))


def _time(words: Words, view: View, variant: str, box: Box | None, notes: Notes) -> str:
    """Return a latency in ms, or what became of the cell; never a number without an estimate.

    A contended one says so, with a note of what was left to it.
    """
    if box is None:
        return ""
    title = view.models[variant].title
    if box.estimate is not None:
        text = two_decimals(to_ms(box.estimate.value_ns))
        if not box.contended:
            return text
        note = notes.add(f"{titles.contended(box, words)}.", of=title, ranged=True)
        return f"{text} {markdown(words('latency.contended'))}" + marks([note], PREFIX)
    one = outcome(words, box)
    numbers = [notes.add(note, of=title, row=title) for note in one.notes]
    return markdown(one.text) + marks(numbers, PREFIX)


def _series_remarks(series: Series, words: Words) -> list[str]:
    """Return precision and engine, what a time is, and how far it can be trusted."""
    boxes = [box for row in series.boxes.values() for box in row.values()]
    estimates = [box.estimate for box in boxes if box.estimate is not None]
    spans = [it.half_width_ns / it.value_ns for it in estimates if it.half_width_ns]
    grades = sorted({box.grade for box in boxes if box.grade})
    settings = naming.settings(series)
    comma = words("heading.comma")
    engine = comma.join(it for it in (series.engine or "", settings) if it)
    more = words("seed_page.in_brackets", text=engine) if engine else ""
    remarks = [
        words("seed_page.on", system=series.name) if series.target == "android" else "",
        words(
            "seed_page.engine_remark",
            precision=series.precision.upper(),
            engine=f"{naming.runner_title(series.runner)}{more}",
            weights=titles.weights(series, words),
        ),
        words("seed_page.time_remark", statistic=titles.plain_statistic(series, words)),
        words("seed_page.interval_remark", share=max(spans)) if spans else "",
    ]
    if grades:
        remarks.append(words("seed_page.grade_remark", grades=comma.join(grades)))
    return remarks
