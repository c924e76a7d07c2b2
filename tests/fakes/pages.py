"""Pages of stored runs, and their tables and notes read back."""

from __future__ import annotations

import re
from typing import Any

from bench.analysis.series import StoredRun, View
from bench.config.published import Fault, Published
from bench.reports.markdown.page import render
from bench.storage.schema.latency import Record
from tests.fakes.records import stored, view

OWN = "ShuffleNetV2_x0_25"
TEXTS = {"top1": "0.4990", "flops_m": "18.95", "storage_mb": "2.7", "sd855_ms_threads1": "1.94"}
ROW = Published(OWN, "ShuffleNetV2", {name: float(text) for name, text in TEXTS.items()}, TEXTS)
FAULT = Fault(model=OWN, columns=("sd855_ms_threads1",), note="a copying error.")


def known(*runs: StoredRun, faults: tuple[Fault, ...] = ()) -> View:
    return view(*runs, published={OWN: ROW}, faults=faults)


def page_of(*records: Record, **fields: Any) -> str:
    return render(known(stored(*records, **fields)))


def tables(page: str) -> dict[str, list[dict[str, str]]]:
    """The rows of each section's table, by the section's heading."""
    found = {}
    for section in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        heading, *lines = section.splitlines()
        rows = [re.split(r" (?<!\\)\| ", line[2:-2]) for line in lines if line.startswith("| ")]
        found[heading] = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]] if rows else []
    return found


def latency_rows(page: str) -> list[dict[str, str]]:
    (rows,) = [rows for heading, rows in tables(page).items() if " — " in heading]
    return rows


def note(page: str, mark: str) -> str:
    """The text of the footnote that `mark`, as in `31.21[^1]`, leads to."""
    (number,) = re.findall(r"\[\^(\d+)\]$", mark)
    (text,) = re.findall(rf"^\[\^{number}\]: (.*)$", page, flags=re.MULTILINE)
    return str(text)
