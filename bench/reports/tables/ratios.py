"""Ratios of what took turns to the fastest: of a series' nets, and of a net's engines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.analysis.boxes import Box
from bench.analysis.series import Series, View
from bench.analysis.turns import Race, Ratio
from bench.reports.language import Words
from bench.reports.tables import titles
from bench.reports.tables.entries import Figures, by_model, measured
from bench.reports.tables.model import Entry, Table


def ratios(view: View, series: Series, words: Words) -> Table | None:
    """Return each net's ratio to the fastest of its column, None where none took turns."""
    figures: list[Figures] = []
    some_apart = False
    for setting in series.columns:
        race = series.race(setting)
        if race is None:
            continue
        boxes = [row.get(setting) for row in series.boxes.values()]
        entries = dict(zip(series.boxes, ratio_entries(race, boxes, words), strict=True))
        column, _ = measured(words, "ratios.ratio", series, setting, lambda _: Entry())
        figures.append((column, entries.__getitem__))
        some_apart = some_apart or apart(entries.values())
    if not figures:
        return None
    note = words("ratios.note") + (f"\n{words('ratios.note_apart')}" if some_apart else "")
    return by_model(
        view,
        words,
        series.boxes,
        figures,
        key=f"ratios-{titles.slug(series)}",
        title=titles.heading(series, words),
        caption=words("ratios.caption"),
        remarks=[note],
    )


def ratio_entries(race: Race | None, boxes: Sequence[Box | None], words: Words) -> list[Entry]:
    """Return each box's ratio to the fastest of those that took turns, with its 95% interval.

    A figure without one is apart: a cell that was measured again, or in a run of its own.
    """
    known = race.ratios if race else [None] * len(boxes)
    entries = []
    for index, (box, ratio) in enumerate(zip(boxes, known, strict=True)):
        if box is None or (ratio is None and box.estimate is None):
            entries.append(Entry())
            continue
        first = race is not None and index == race.first
        value = 1.0 if first else ratio.value if ratio else None
        text = "1" if first else ratio_text(ratio) if ratio else words("ratios.apart")
        entries.append(Entry(text=text, value=value, cell=(box.run_id, box.cell_id)))
    return entries


def apart(entries: Iterable[Entry]) -> bool:
    """Tell whether some figure of `entries` has no ratio."""
    return any(entry.cell is not None and entry.value is None for entry in entries)


def ratio_text(ratio: Ratio) -> str:
    """Return a ratio and its interval, to three decimals."""
    return f"{ratio.value:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"
