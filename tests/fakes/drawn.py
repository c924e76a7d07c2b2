"""What Vega-Lite draws of a chart's spec: the marks and their items, with no browser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import vl_convert

from bench.reports.page.charts.parts import Spec
from bench.reports.page.charts.theme import theme

VERSION = "6.4"
THEMES = {
    "light": theme(ink="#1b1f24", muted="#59626d", grid="#dcdfe4", paper="#ffffff", mark="#8a4b08"),
    "dark": theme(ink="#e5e8eb", muted="#a4adb8", grid="#353b43", paper="#15181c", mark="#e8b678"),
}
Item = Mapping[str, Any]


def drawn(spec: Spec, colours: str = "light", **chosen: str) -> list[tuple[str, list[Item]]]:
    """Return each mark's type and its items, in the order of drawing, axes and legends left out.

    `chosen` are the switches' values. Raises ValueError for a spec that Vega-Lite doesn't take.
    """
    graph = vl_convert.vegalite_to_scenegraph(
        _chosen(spec, chosen), vl_version=VERSION, config=dict(THEMES[colours])
    )
    return list(_marks(graph["scenegraph"]))


def svg(spec: Spec, **chosen: str) -> str:
    """Return the drawing with its title, axes and legends, as SVG."""
    return str(vl_convert.vegalite_to_svg(_chosen(spec, chosen), vl_version=VERSION))


def _chosen(spec: Spec, chosen: Mapping[str, str]) -> dict[str, Any]:
    params = [
        one | ({"value": chosen[one["name"]]} if one["name"] in chosen else {})
        for one in spec.get("params", ())
    ]
    assert set(chosen) <= {one["name"] for one in params}
    return {**spec, "params": params, "width": 600}


def of(marks: list[tuple[str, list[Item]]], kind: str) -> list[Item]:
    """Return the items of all marks of a type."""
    return [item for name, items in marks if name == kind for item in items]


def texts(marks: list[tuple[str, list[Item]]]) -> list[str]:
    return [str(item["text"]) for item in of(marks, "text")]


def _marks(mark: Mapping[str, Any]) -> Iterator[tuple[str, list[Item]]]:
    if mark.get("role", "") in ("mark", "") and mark.get("marktype") != "group":
        yield str(mark["marktype"]), list(mark.get("items", ()))
    for item in mark.get("items", ()):
        for inner in item.get("items", ()):
            if inner.get("role") in ("frame", "mark", "scope"):
                yield from _marks(inner)
