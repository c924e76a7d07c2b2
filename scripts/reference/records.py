"""What a run stores, from the JSON schemas of results/schema."""

from __future__ import annotations

import json
from typing import Any

from scripts.reference.markdown import code, kind, page, table
from scripts.write_schemas import schemas

_FILES = {
    "record": "results/runs/SYSTEM_ID/RUN_ID/cells/CELL_ID.json",
    "run": "results/runs/SYSTEM_ID/RUN_ID/run.json",
    "profile": "results/runs/SYSTEM_ID/RUN_ID/profiles/CELL_ID.json, where the run has --profile",
    "system": "results/systems/SYSTEM_ID.json",
    "baseline": "results/baselines/SYSTEM_ID.json",
    "layers": "results/runs/SYSTEM_ID/RUN_ID/layers/DIGEST.json",
    "serving": "results/serving/SYSTEM_ID/RUN_ID/serving.json",
    "serving_line": "a line of results/serving/SYSTEM_ID/RUN_ID/journal.jsonl",
    "journal_entry": "a line of results/runs/SYSTEM_ID/RUN_ID/journal.jsonl, while a run goes on",
}


def records() -> str:
    """Return the page of stored files."""
    parts, shown = list[str](), set[str]()
    for path, text in schemas().items():
        schema = json.loads(text)
        name = path.name.partition(".")[0]
        link = f"[JSON schema](../../{path.as_posix()})"
        parts.append(
            f"## {schema['title']}\n\n{_FILES[name]} ({link}). {_text(schema)}\n\n{_fields(schema)}"
        )
        for title, part in schema.get("$defs", {}).items():
            if title not in shown and "properties" in part:
                shown.add(title)
                parts.append(f"### {title}\n\n{_text(part)}\n\n{_fields(part)}")
    return page(
        "Stored files",
        "JSON with every raw sample; no statistic is stored. Durations are whole nanoseconds. "
        "Version 1: a file of an earlier release stays readable, and a field that it lacks has "
        "its default.",
        *parts,
    )


def _text(schema: dict[str, Any]) -> str:
    return str(schema.get("description", "")).partition("\n\n")[0]


def _fields(schema: dict[str, Any]) -> str:
    needed = schema.get("required", [])
    return table(
        ("field", "holds", "optional", "meaning"),
        (
            (code(name), kind(about), "" if name in needed else "yes", about.get("description", ""))
            for name, about in schema["properties"].items()
        ),
    )
