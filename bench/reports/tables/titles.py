"""What a series and its figures are called, in the report's language."""

from __future__ import annotations

from bench.analysis import naming
from bench.analysis.boxes import Box
from bench.analysis.series import Series
from bench.analysis.side_by_side import SideBySide
from bench.analysis.statistics import Estimate
from bench.core.escape import file_name
from bench.core.units import significant, to_ms
from bench.reports.language import Words


def heading(series: Series, words: Words) -> str:
    """Return a series' heading: the hardware under its real name, engine and precision.

    The suite stands in it, since the same cells in two suites are two tables.
    """
    version = f" ({series.engine})" if series.engine else ""
    engine = f"{naming.runner_title(series.runner)}{version}"
    parts = [engine, series.precision.upper(), naming.settings(series), *_origin(series, words)]
    text = "heading.sizes" if series.target == "android" else "heading.series"
    what = words("heading.comma").join(part for part in parts if part)
    return words(text, system=system(series, words), what=what)


def side_by_side(one: SideBySide, words: Words) -> str:
    """Return what engines are compared on: the system, precision, batch, threads and suite."""
    series = one.first
    setting = naming.setting(series, one.column)
    parts = [series.precision.upper(), setting, *_origin(series, words)]
    what = words("heading.comma").join(parts)
    return words("heading.series", system=system(series, words), what=what)


def work(series: Series, words: Words) -> str:
    """Return what a series did, without where and by which version."""
    parts = (naming.runner_title(series.runner), series.precision.upper(), naming.settings(series))
    texts = [*filter(None, parts), *_origin(series, words)]
    return words("heading.comma").join(texts)


def _origin(series: Series, words: Words) -> list[str]:
    suite = [words("heading.suite", suite=series.suite)] if series.suite else []
    return [words("heading.preset", preset=series.preset), *suite]


def system(series: Series, words: Words) -> str:
    """Return a series' system as a reader has it: of an emulated one it says so."""
    named = not series.system.emulated or series.name.startswith("emulated")
    return series.name if named else words("heading.emulated", system=series.name)


def most_sessions(one: SideBySide) -> Series:
    """Return the series with the most sessions, which says what all figures are."""
    return max(one.engines, key=lambda series: series.most_sessions)


def statistic(series: Series, words: Words) -> str:
    """Return what a figure of the series is."""
    one = words.of("statistic", series.statistic)
    text = "latency.statistic_of_one" if series.most_sessions == 1 else "latency.statistic"
    return words(text, statistic=one)


def plain_statistic(series: Series, words: Words) -> str:
    """Return the same without what stands beside the figure."""
    text = "seed_page.statistic_of_one" if series.most_sessions == 1 else "seed_page.statistic"
    return words(text, statistic=words.of("statistic", series.statistic))


def weights(series: Series, words: Words) -> str:
    """Return the weights that a series' nets had: seeded, pretrained or those of a file."""
    text = words.of("weights", series.weights)
    return text[:1].upper() + text[1:]


def evidence(box: Box, words: Words) -> str:
    """Return what follows a figure: ` (5) A`, the number of sessions and the grade."""
    count = f"({box.estimate.sessions})" if box.estimate else ""
    parts = (count, box.grade, words("latency.contended") if box.contended else "")
    return "".join(f" {part}" for part in parts if part)


def contended(box: Box, words: Words) -> str:
    """Return what other processes left to a contended box's sessions, nothing for another box."""
    if box.taken is None or not box.taken.contended:
        return ""
    return words("latency.note_contended", share=box.taken.cpu_share)


def interval(estimate: Estimate, words: Words) -> str:
    """Return the ends of an interval and its share of the figure, nothing for what bears none.

    A time has no end below 0: an interval that reaches there is wider than its figure.
    """
    half = estimate.half_width_ns
    if half is None:
        return ""
    low, high = (significant(to_ms(estimate.value_ns + it), 4) for it in (-half, half))
    text = "page.cell.between" if half < estimate.value_ns else "page.cell.wide"
    return words(text, low=low, high=high, share=half / estimate.value_ns)


def slug(series: Series) -> str:
    """Return what tells a series from all others, for the key of a table."""
    settings = [f"{name}_{value}" for name, value in sorted(series.settings.items())]
    parts = [
        series.suite, series.system.system_id, series.runner, *settings, series.precision,
        series.preset, series.statistic, series.weights,
    ]  # fmt: skip
    return file_name("-".join(part for part in parts if part))
