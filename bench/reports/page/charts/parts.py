"""What the charts share: a chart, its theme, switches, and how its data are packed. Pure."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.core.escape import plain

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
HEIGHT = 380

Spec = Mapping[str, Any]
Row = dict[str, str | float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """An interactive plot: `key` is its anchor, `description` says in words what it shows, `spec`
    is Vega-Lite with its data, without colours that hang on the theme; `remark` stands below it,
    `cells` are what it shows at first, as run/cell.
    """

    key: str
    title: str
    description: str
    spec: Spec
    remark: str = ""
    cells: Sequence[str] = ()


def pack(value: object) -> str:
    """Return `value` as JSON, compressed by gzip, in base64: browsers read both by themselves."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return b64encode(gzip.compress(text.encode("utf-8", "replace"), 6, mtime=0)).decode()


def spec(**parts: Any) -> Spec:
    """Return a single view as wide as its figure; `parts` are those of Vega-Lite."""
    return {"$schema": SCHEMA, "width": "container", "height": HEIGHT, **parts}


def shown(text: str) -> str:
    """Return a name of anybody's making as one line, each of whose characters shows.

    Vega finds groups by their names in objects that have these properties from the beginning: a
    space at the end, which no reader sees, makes a name another one.
    """
    name = plain(text)
    return f"{name} " if name in _OF_EVERY_OBJECT else name


_OF_EVERY_OBJECT = {
    "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__", "__proto__",
    "constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString",
    "toString", "valueOf",
}  # fmt: skip


def switch(
    name: str, label: str, options: Iterable[str], *, start: str | None = None, every: str = ""
) -> list[Spec]:
    """Return a select that sets the parameter `name` to one of `options`, at first to `start`.

    `every` is what stands for no choice, the empty string. Where one option is all, nothing shows.
    """
    choices = [*([""] if every else []), *dict.fromkeys(options)]
    one: dict[str, Any] = {"name": name, "value": start if start in choices else choices[0]}
    if len(choices) > (2 if every else 1):
        labels = [choice or every for choice in choices]
        bind = {"input": "select", "options": choices, "labels": labels, "name": label}
        one["bind"] = bind
    return [one]


def tooltip(words: Callable[[str], str], *fields: str) -> list[Spec]:
    """Return what a mark shows when pointed at, a label for each field in the report's language."""
    return [
        {"field": field, "title": words(f"chart.field.{field}"), "type": "nominal"}
        for field in fields
    ]
