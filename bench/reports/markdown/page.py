"""The report as one page in Markdown: its sections, tables, pictures and footnotes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.analysis.series import View
from bench.analysis.side_by_side import plotted, side_by_side, stem
from bench.core.escape import markdown
from bench.reports.language import ENGLISH, Words, words
from bench.reports.markdown.tables import footnotes, paragraph, written
from bench.reports.tables import report_sections
from bench.reports.tables.model import Section
from bench.reports.tables.notes import Notes

NAME = "report.md"


def render(view: View, texts: Words = ENGLISH) -> str:
    """Return the whole report."""
    notes = Notes(texts)
    sections = report_sections(view, texts)
    columns = [column for one in sections for table in one.tables for column in table.columns]
    introduction = [texts("report.introduction")]
    if any(column.key.startswith("published") for column in columns):
        introduction.append(texts("report.introduction_published"))
    blocks = [f"# {texts('report.title')}", paragraph("\n".join(introduction))]
    if not sections:
        blocks.append(paragraph(texts("report.nothing")))
    for section in sections:
        pictures = _pictures(view, section, texts)
        if section.tables or section.introduction or pictures:
            blocks += [*_blocks(section, notes), *pictures]
    return "\n\n".join([*blocks, *footnotes(notes)]) + "\n"


def _blocks(section: Section, notes: Notes) -> Iterator[str]:
    """Yield a section's heading, paragraphs and tables."""
    yield f"## {markdown(section.title)}"
    yield from map(paragraph, section.introduction)
    title = section.title
    for table in section.tables:
        if table.title != title:
            title = table.title
            yield f"### {markdown(title)}"
        if table.caption:
            yield paragraph(table.caption)
        yield written(table, notes)
        yield from map(paragraph, table.remarks)


def _pictures(view: View, section: Section, texts: Words) -> list[str]:
    """Return the pictures of a section, by the names that the plots' files have."""
    from bench.reports.plots.figures import figures, sustained_figures

    if section.key == "engines":
        shown = [(section.title, stem(one)) for one in plotted(side_by_side(view))]
    elif section.key == "sustained":
        shown = [(one.title, one.name) for one in sustained_figures(view)]
    else:
        shown = [(one.title, one.name) for one in figures(view)] if section.key == "plots" else []
    return [f"![{texts.of('plot_titles', title)}]({name}.svg)" for title, name in shown]


def write(view: View, folder: Path, lang: str = "en") -> dict[Path, bytes]:
    """Return the report's file and bytes."""
    texts = words(lang)
    return {folder / texts.file(NAME): render(view, texts).encode()}
