"""What was published of models, and which of it is known to be wrong: two files of models/."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

from bench.core.errors import BrokenFile
from bench.storage.validation import (
    MOST_NUMBER,
    Strict,
    explain,
    read_text,
    read_toml,
    short,
)

PUBLISHED = "published.csv"
FAULTS = "known_faults.toml"
_SHARES = frozenset({"top1", "top5", "reference_top1", "reference_top5"})


@dataclass(frozen=True, slots=True)
class Published:
    """One row of published.csv: figures by column, an empty field left out."""

    name: str
    family: str
    figures: Mapping[str, float]
    texts: Mapping[str, str]


class Fault(Strict):
    """A published figure that can't be right, or means something else than it seems to."""

    model: str = Field(description="the row of published.csv")
    columns: tuple[str, ...] = Field(description="the columns of that row that the fault is in")
    note: str = Field(description="what is wrong: a footnote at those figures")


class Faults(Strict):
    """The whole of known_faults.toml."""

    fault: tuple[Fault, ...] = Field(default=(), description="each fault, as a section `[[fault]]`")


def load_published(folder: Path) -> dict[str, Published]:
    """Return published.csv by model name, empty where there is none; raises BrokenFile."""
    path = folder / PUBLISHED
    if not path.exists():
        return {}
    reader, rows = csv.DictReader(read_text(path).splitlines()), dict[str, Published]()
    try:
        for row in reader:
            entry = _published(row)
            if entry.name in rows:
                raise ValueError(f"{entry.name} has a row already")
            rows[entry.name] = entry
    except (ValueError, csv.Error) as error:
        raise BrokenFile(
            path, f"not the published table: line {reader.line_num}: {short(str(error))}",
            hint="mend that line: fields as the header has them, empty for what wasn't published",
        ) from error  # fmt: skip
    return rows


def load_faults(folder: Path) -> tuple[Fault, ...]:
    """Return known_faults.toml, empty where there is none; raises BrokenFile."""
    path = folder / FAULTS
    if not path.exists():
        return ()
    try:
        return Faults.model_validate(read_toml(path)).fault
    except ValidationError as error:
        raise BrokenFile(
            path, explain(error), hint="give each [[fault]] a model, columns and a note"
        ) from error


def _published(row: Mapping[str, str | None]) -> Published:
    """Return a row; raises ValueError for a figure that nothing can have."""
    names = {"model", "family"}
    if None in row or None in row.values() or not names <= row.keys() or not row["model"]:
        raise ValueError("its fields aren't those of the header, model and family among them")
    texts = {name: text.strip() for name, text in row.items() if text and name not in names}
    figures = {name: _figure(name, text) for name, text in texts.items() if text}
    kept = {name: texts[name] for name in figures}
    return Published(str(row["model"]), str(row["family"]), figures, kept)


def _figure(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{name} {text} is no number") from None
    if not 0 < value < MOST_NUMBER:
        raise ValueError(f"{name} {text} isn't finite and above 0")
    if name in _SHARES and value > 1:
        raise ValueError(f"{name} {text} is above 1: write it as a share, 0.709 for 70.9%")
    return value
