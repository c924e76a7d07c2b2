"""What cells are called on the terminal, and which of them a remark is of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.core.ranges import merged, without_numbers
from bench.core.units import number_of
from bench.storage.schema.common import CellFields


def short_label(cell: CellFields) -> str:
    """Return `x1_0 onnxruntime b1 t1`, which names the cell on the command line too.

    A precision but FP32 stands behind the runner.
    """
    lower = [] if cell.precision == "fp32" else [cell.precision]
    return " ".join([cell.variant, cell.runner, *lower, f"b{cell.batch}", f"t{cell.threads}"])


def labels(cells: Sequence[CellFields]) -> list[str]:
    """Return the cells' labels, with settings where those tell two of them apart."""
    short = [short_label(cell) for cell in cells]
    settings = [
        " ".join(f"{name}={value}" for name, value in sorted(cell.settings.items()))
        for cell in cells
    ]
    by_label: dict[str, set[str]] = {}
    for label, more in zip(short, settings, strict=True):
        by_label.setdefault(label, set()).add(more)
    return [
        f"{label} {more}".rstrip() if len(by_label[label]) > 1 else label
        for label, more in zip(short, settings, strict=True)
    ]


def shared(said: Iterable[tuple[str, str]]) -> list[tuple[list[str], str]]:
    """Return each text once, with the labels of the cells that it is said of.

    Texts that differ in numbers alone are one, with the numbers' ranges.
    """
    by_text: dict[str, dict[str, str]] = {}
    for label, text in said:
        by_text.setdefault(without_numbers(text), {})[label] = text
    return [(list(texts), merged(list(texts.values()))) for texts in by_text.values()]


def which(cells: Sequence[str], of: int) -> str:
    """Return how many of so many cells `cells` are, of one its label."""
    if len(cells) == 1:
        return cells[0]
    return f"all {of} cells" if len(cells) == of else f"{len(cells)} of {number_of(of, 'cell')}"
