"""Accuracy, FLOPs, params and storage of the models, counted, declared and published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bench.analysis.series import View
from bench.config.published import Published
from bench.core.units import BYTES_PER_MIB, two_decimals
from bench.reports.language import Words
from bench.reports.tables.entries import ABSENT, Figures, by_model, head
from bench.reports.tables.model import Entry, Section
from bench.storage.schema.latency import ModelFacts

_ACCURACY = ("top1", "top5", "reference_top1", "reference_top5")
_DECLARED = ("top1", "top5")
_NOTED = ("macs", "flops", "published page_flops_g", "params", "published page_params_m")


def costs(view: View, words: Words) -> Section:
    """Return accuracy, FLOPs and params in the page's form, each convention a column."""
    accuracy = [
        *(published(view, words, name) for name in _ACCURACY),
        *(_declared(view, words, name) for name in _DECLARED),
    ]
    figures = [
        *accuracy,
        _counted(view, words, "macs", _macs),
        _counted(view, words, "flops", _flops),
        published(view, words, "flops_m"),
        published(view, words, "page_flops_g"),
        _counted(view, words, "params", _params),
        published(view, words, "params_m"),
        published(view, words, "page_params_m"),
    ]
    title = words("costs.title")
    table = by_model(view, words, view.models, figures, key="costs", title=title)
    shown = {column.key for column in table.columns}
    if shown & {column.key for column, _ in accuracy}:
        title = words("costs.title_and_accuracy")
    notes = [words(f"costs.note_{name.rpartition(' ')[2]}") for name in _NOTED if name in shown]
    remarks = ["\n".join(notes)] if notes else []
    table = replace(table, title=title, remarks=[*remarks, *table.remarks])
    return Section(key="costs", title=title, tables=[table])


def storage(view: View, words: Words) -> Section:
    """Return the sizes of the files that a phone would hold."""
    title = words("storage.title")
    figures = [storage_figures(view, words), published(view, words, "storage_mb")]
    table = by_model(view, words, view.models, figures, key="storage", title=title)
    return Section(key="storage", title=title, tables=[table])


def _declared(view: View, words: Words, name: str) -> Figures:
    def entry(variant: str) -> Entry:
        share = getattr(view.declared.get(variant), name, None)
        return Entry() if share is None else Entry(text=f"{share:g}", value=share)

    return head(words, f"declared.{name}", "published", key=f"declared {name}"), entry


def _macs(facts: ModelFacts) -> float | None:
    operations = facts.costs and facts.costs.operations
    return operations[0] if operations else None


def _flops(facts: ModelFacts) -> float | None:
    operations = facts.costs and facts.costs.operations
    return operations[1] if operations else None


def _params(facts: ModelFacts) -> float | None:
    return facts.costs.params if facts.costs else None


def _counted(
    view: View, words: Words, name: str, count: Callable[[ModelFacts], float | None]
) -> Figures:
    """Return a column of counts in millions; why one is missing stands at the first of them."""

    def entry(variant: str) -> Entry:
        facts = view.models[variant]
        number = count(facts)
        notes = _why(facts, words) if name == "macs" else ()
        if number is None:
            return Entry(text=ABSENT, notes=notes)
        return Entry(text=two_decimals(number / 1e6), value=number / 1e6, notes=notes)

    return head(words, f"costs.{name}", "counted", key=name), entry


def _why(facts: ModelFacts, words: Words) -> tuple[str, ...]:
    if facts.costs is not None and facts.costs.uncounted:
        return (words("costs.uncounted", operators=", ".join(facts.costs.uncounted)),)
    missing = facts.missing.get("costs")
    return (missing,) if missing else ()


def storage_figures(view: View, words: Words) -> Figures:
    """Return the size of the file that a phone would hold, in MiB."""

    def entry(variant: str) -> Entry:
        facts = view.models[variant]
        missing = facts.missing.get("storage")
        notes = (missing,) if missing else ()
        if facts.storage is None:
            return Entry(text=ABSENT, notes=notes)
        size = facts.storage.bytes / BYTES_PER_MIB
        return Entry(text=two_decimals(size), value=size, notes=notes)

    return head(words, "storage.measured", "counted", key="storage"), entry


def published(view: View, words: Words, name: str, text: str = "", **values: object) -> Figures:
    """Return a column of published.csv as it was printed, its known faults noted."""
    column = head(
        words, text or f"published.{name}", "published", key=f"published {name}", **values
    )

    def entry(variant: str) -> Entry:
        row = view.published_of(variant)
        if row is None or name not in row.texts:
            return Entry()
        notes = _faults(view, words, row, name)
        return Entry(text=row.texts[name], value=row.figures.get(name), notes=notes)

    return column, entry


def _faults(view: View, words: Words, row: Published, name: str) -> tuple[str, ...]:
    """Return what is known to be wrong with a published figure, else what the audit says of it."""
    known = view.faults_of(row.name, name)
    if known:
        return tuple(words("published.note", model=it.model, note=it.note) for it in known)
    found = view.marks.get(("published", row.name, name), ())
    return tuple(words("published.note", model=row.name, note=f"{it}.") for it in found)
