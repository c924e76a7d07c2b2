"""A comparison as JUnit XML: a test case a cell, which fails where the cell is slower.

SLOWER is a failure, MISSING an error; INCONCLUSIVE and INCOMPARABLE are skipped, with the reason.
A reader that counts skipped tests as passed has the exit status beside it.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET  # nosec B405

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
    elements = [_ELEMENTS.get(one.verdict) for one in comparison.cells]
    suite = ET.Element(
        "testsuite",
        name=plain(f"{comparison.head} against {comparison.base}"),
        tests=str(len(elements)),
        failures=str(elements.count("failure")),
        errors=str(elements.count("error")),
        skipped=str(elements.count("skipped")),
    )
    for one in comparison.cells:
        _add_case(suite, one)
    remarks = [f"advice only: {doubt}" for doubt in comparison.doubts]
    remarks += [f"note: {note}" for note in comparison.notes]
    if remarks:
        ET.SubElement(suite, "system-out").text = "\n".join(map(plain, remarks))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _add_case(suite: ET.Element, one: CellVerdict) -> None:
    case = ET.SubElement(suite, "testcase", classname="bench", name=plain(one.cell_id))
    kind = _ELEMENTS.get(one.verdict)
    if kind is not None:
        what = ET.SubElement(case, kind, message=plain(f"{one.verdict}: {one.reason}"))
        what.text = plain(f"{one.label}{_change(one)}")
        if kind != "skipped":
            what.set("type", one.verdict)


def _change(one: CellVerdict) -> str:
    if one.ratio is None or one.low is None or one.high is None:
        return ""
    return f": {percent(one.ratio)} [{percent(one.low)}, {percent(one.high)}]"
