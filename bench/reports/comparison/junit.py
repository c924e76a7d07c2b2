"""A comparison as JUnit XML: a test case a cell, which fails where the cell is slower.

SLOWER is a failure, MISSING an error; INCONCLUSIVE, INCOMPARABLE and a SLOWER that is advice are
skipped, with the reason.
A reader that counts skipped tests as passed has the exit status beside it.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET  # nosec B405
from collections.abc import Sequence

from bench.analysis.verdicts import CellVerdict, Comparison, Word, percent
from bench.core.escape import plain

_ELEMENTS: dict[Word, str] = {
    "SLOWER": "failure",
    "MISSING": "error",
    "INCONCLUSIVE": "skipped",
    "INCOMPARABLE": "skipped",
}


def document(comparison: Comparison) -> str:
    """Return the whole document."""
    elements = [_element(one, comparison) for one in comparison.cells]
    suite = ET.Element(
        "testsuite",
        name=plain(f"{comparison.head} against {comparison.base}"),
        tests=str(len(elements)),
        failures=str(elements.count("failure")),
        errors=str(elements.count("error")),
        skipped=str(elements.count("skipped")),
    )
    for one, kind in zip(comparison.cells, elements, strict=True):
        _add_case(suite, one, kind, comparison.doubts)
    remarks = [f"advice only: {doubt}" for doubt in comparison.doubts]
    remarks += [f"note: {note}" for note in comparison.notes]
    if remarks:
        ET.SubElement(suite, "system-out").text = "\n".join(map(plain, remarks))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _element(one: CellVerdict, comparison: Comparison) -> str | None:
    """Return what becomes of a cell's test case, None where it passes; advice fails nothing."""
    kind = _ELEMENTS.get(one.verdict)
    return "skipped" if kind == "failure" and comparison.doubts else kind


def _add_case(suite: ET.Element, one: CellVerdict, kind: str | None, doubts: Sequence[str]) -> None:
    case = ET.SubElement(suite, "testcase", classname="bench", name=plain(one.cell_id))
    if kind is not None:
        advice = f"; advice only: {'; '.join(doubts)}" if one.verdict == "SLOWER" and doubts else ""
        what = ET.SubElement(case, kind, message=plain(f"{one.verdict}: {one.reason}{advice}"))
        what.text = plain(f"{one.label}{_change(one)}")
        if kind != "skipped":
            what.set("type", one.verdict)


def _change(one: CellVerdict) -> str:
    if one.ratio is None or one.low is None or one.high is None:
        return ""
    return f": {percent(one.ratio)} [{percent(one.low)}, {percent(one.high)}]"
