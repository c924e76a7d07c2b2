"""Markdown that GitHub and the site render alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

NOTE = "<!-- Written by `make reference` from the code: change that. -->"


def page(title: str, intro: str, *parts: str) -> str:
    """Return a page of `parts`."""
    return "\n\n".join([NOTE, f"# {title}", intro.strip(), *parts]) + "\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a bar or a line's end in a cell would end it."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def code(text: str) -> str:
    """Return `text` as code; a bar in it would end the cell of a table."""
    if "|" not in text:
        return f"`{text}`"
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "&#124;")
    return f"<code>{escaped}</code>"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def anchor(name: str) -> str:
    """Return the anchor of a heading that is one word."""
    return name.lower()


Schema = dict[str, Any]


def kind(schema: Schema) -> str:
    """Return in words what a JSON schema takes."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{anchor(name)})"
    if parts := schema.get("anyOf", schema.get("oneOf")):
        return " or ".join(kind(it) for it in parts)
    if "const" in schema:
        return code(str(schema["const"]))
    if "enum" in schema:
        return ", ".join(code(str(it)) for it in schema["enum"])
    write = _KINDS[schema.get("type", "object")]
    return write if isinstance(write, str) else write(schema)


_PLURAL = re.compile("^(whole number|number|text)")


def _array(schema: Schema) -> str:
    if "prefixItems" in schema:
        return f"list of {', '.join(kind(it) for it in schema['prefixItems'])}"
    return "list of " + _PLURAL.sub(r"\1s", kind(schema["items"]))


def _object(schema: Schema) -> str:
    patterns = list(schema.get("patternProperties", {}).values())
    values = patterns[0] if patterns else schema["additionalProperties"]
    return f"by name: {kind(values)}"


def _number(schema: Schema) -> str:
    name = "whole number" if schema["type"] == "integer" else "number"
    return name + _bounds(schema)


_BOUNDS = {
    "exclusiveMinimum": "above",
    "minimum": "from",
    "exclusiveMaximum": "below",
    "maximum": "to",
}


def _bounds(schema: Schema) -> str:
    said = [
        f"{word} {schema[key]:g}"
        for key, word in _BOUNDS.items()
        if abs(schema.get(key, 1e9)) < 1e9
    ]
    return f" {' '.join(said)}" if said else ""


def _string(schema: Schema) -> str:
    return "path" if schema.get("format") == "path" else "text"


_KINDS: dict[str, str | Callable[[Schema], str]] = {
    "array": _array,
    "object": _object,
    "integer": _number,
    "number": _number,
    "string": _string,
    "boolean": "true or false",
    "null": "null",
}
