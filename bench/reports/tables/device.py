"""What stands below a series' latencies: a GPU's own figures, and the energy of packages."""

from __future__ import annotations

from bench.analysis.boxes import Box
from bench.analysis.gpu_figures import OnDevice
from bench.analysis.series import Column as Setting
from bench.analysis.series import Series, View
from bench.core.units import NS_PER_S, significant, to_ms, with_interval
from bench.reports.language import Words
from bench.reports.tables import titles
from bench.reports.tables.entries import Figures, by_model, figure, measured
from bench.reports.tables.model import Entry, Table


def device(view: View, series: Series, words: Words) -> Table | None:
    """Return the figures on the device, enqueue, energy and builds; None where no cell has any."""
    settings = [it for it in series.columns if any(box.device for box in _boxes(series, it))]
    figures = [it for setting in settings for it in _on_device(series, setting, words)]
    if not figures:
        return None
    return by_model(
        view,
        words,
        series.boxes,
        figures,
        key=f"device-{titles.slug(series)}",
        title=titles.heading(series, words),
        caption=words("device.caption"),
        remarks=[words("device.note")],
    )


def _boxes(series: Series, setting: Setting) -> list[Box]:
    return [row[setting] for row in series.boxes.values() if setting in row]


def _on_device(series: Series, setting: Setting, words: Words) -> list[Figures]:
    def inside(box: Box | None) -> Entry:
        it = box.device if box else None
        half = it.on_device.half_width_ns if it else None
        return figure(
            box,
            to_ms(it.on_device.value_ns) if it else None,
            lambda value: with_interval(value, None if half is None else to_ms(half)),
        )

    def enqueue(box: Box | None) -> Entry:
        it = box.device if box else None
        bound = f" {words('device.launch_bound')}" if it and it.launch_bound else ""
        return figure(
            box,
            to_ms(it.enqueue.value_ns) if it else None,
            lambda value: f"{significant(value)}{bound}",
        )

    def energy(box: Box | None) -> Entry:
        return figure(box, box.device.energy_mj if box and box.device else None)

    def builds(box: Box | None) -> Entry:
        it = box.device if box else None
        return figure(box, it.builds if it else None, lambda _: build_text(it, words) if it else "")

    return [
        measured(words, "device.on_device", series, setting, inside),
        measured(words, "device.enqueue", series, setting, enqueue),
        measured(words, "device.energy", series, setting, energy),
        measured(words, "device.builds", series, setting, builds),
    ]


def build_text(it: OnDevice, words: Words) -> str:
    """Return how many builds there were, how far apart, and what one took."""
    text = str(it.builds)
    if it.build_spread is not None:
        text = words("device.apart", count=text, spread=it.build_spread)
    if it.build_ns is not None:
        text = words("device.each", builds=text, seconds=it.build_ns / NS_PER_S)
    return text


def energy(view: View, series: Series, words: Words) -> Table | None:
    """Return the energy of the processor's packages, None where no cell knows it."""
    figures = [
        measured(words, "energy.energy", series, setting, _energy)
        for setting in series.columns
        if any(_energy(box).text for box in _boxes(series, setting))
    ]
    if not figures:
        return None
    return by_model(
        view,
        words,
        series.boxes,
        figures,
        key=f"energy-{titles.slug(series)}",
        title=titles.heading(series, words),
        caption=words("energy.caption"),
        remarks=[words("energy.note")],
    )


def _energy(box: Box | None) -> Entry:
    return figure(box, box.energy_mj if box else None)
