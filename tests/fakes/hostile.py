"""Names as somebody who means harm would write them, and stored values that are full of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_origin

from pydantic import BaseModel

from bench.analysis.series import StoredRun
from tests.fakes.records import put

ATTACKS = {
    "row": "x\n| FORGED | row |\nFORGED SAME",
    "carriage return": "x\rFORGED\r\nFORGED",
    "odd line breaks": "x\u2028FORGED\u2029FORGED\x85FORGED\x0bFORGED\x0cFORGED\x1eFORGED",
    "workflow command": "::error title=FORGED::FORGED",
    "workflow command after spaces": "  \t::set-output name=FORGED::FORGED",
    "workflow command on a line": "x\n::add-mask::FORGED\n::stop-commands::FORGED",
    "old workflow command": "x ##[error]FORGED",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)><!-- FORGED",
    "link": "[FORGED](javascript:alert(1)) ![FORGED](https://example.org/x.png)",
    "reference": "[FORGED][1]\n\n[1]: javascript:alert(1)\n[^1]: FORGED",
    "address": "<javascript:alert(1)> https://example.org www.example.org",
    "emphasis": "**FORGED** _FORGED_ ~~FORGED~~ *a",
    "code": "a`b ``c`` `d|e` \\`f| `\\|` \\",
    "fence": "```\n# FORGED\n~~~\n",
    "heading": "# FORGED",
    "list": "- FORGED\n1. FORGED\n> FORGED\n---",
    "entity": "&lt;script&gt; &#60;script&#62;",
    "ansi": "\x1b[2J\x1b[31mFORGED\x1b]0;FORGED\x07\x1b]8;;javascript:alert(1)\x1b\\",
    "c1": "\x9b2J\x9d0;FORGED\x9c",
    "backspace": "SLOWER\b\b\b\b\b\bSAME\x7f",
    "formula": "=cmd|' /C calc'!A0",
    "plus": "+1+1",
    "minus": "-1+1",
    "at": "@SUM(1)",
    "formula after a tab": "\t=1+1",
    "wide formula": "＝1+1",
    "quotes": '","FORGED",\'',
    "direction": "x\u202eDEGROF\u2066\u200f\u061c",
    "hidden": "a\u200bb\ufeffc\u2060d\U000e0041",
    "nul": "a\x00b\x01c",
    "surrogate": "a\ud800b\udfffc",
    "no character": "a\ufffeb\uffff",
    "xml": "]]>\"/></testcase><testcase name='FORGED'/>&nbsp;",
    "markup": "[red]FORGED[/red] :smile: $x^2$ {x}",
    "path": "../../../FORGED/x",
    "underscore": "_FORGED",
    "long": "x" * 10_000,
    "long words": "y z " * 2_500,
    "spaces": "   ",
}
# What a file can hold, of a readable size: JSON has no half of a surrogate pair.
STORABLE = "\n".join(text for name, text in ATTACKS.items() if name not in ("surrogate", "long"))

# What decides where a figure stands, and the words that the harness looks up.
_SORTED_BY = {"target", "preset", "precision", "runner", "suite", "beside", "published"}
_IDENTITY = {"run_id", "system_id", "cell_id"}
_OWN_KEYS = {"figures_ns", "reported_ns", "conditions", "facts", "before", "after", "covariates"}


def poisoned(run: StoredRun, text: str, *, sorted_by: bool = False) -> StoredRun:
    """Return `run` with `text` at the head of each word of it, the same words alike.

    `sorted_by`: of what decides in which table a figure stands too.
    """
    spared = set() if sorted_by else _SORTED_BY
    return StoredRun(
        manifest=_model(run.manifest, text, spared),
        system=_model(run.system, text, spared),
        records=tuple(_model(one, text, spared) for one in run.records),
    )


def put_poisoned(run: StoredRun, text: str, results: Path) -> None:
    """Write `run` with `text` in all of its words but those that files are found by."""
    spared = _SORTED_BY | _IDENTITY | {"cell", "cells"}
    manifest = _model(run.manifest, text, spared)
    models = dict(zip(run.manifest.models, manifest.models.values(), strict=True))
    put(
        StoredRun(
            manifest=manifest.model_copy(update={"models": models}),
            system=_model(run.system, text, spared),
            records=tuple(_model(one, text, spared) for one in run.records),
        ),
        results,
    )


def _model(model: Any, text: str, spared: set[str]) -> Any:
    kinds = type(model).model_fields
    values = {
        name: getattr(model, name)
        if name in spared or get_origin(field.annotation) is Literal
        else _value(getattr(model, name), text, spared, own_keys=name in _OWN_KEYS)
        for name, field in kinds.items()
    }
    return model.model_copy(update=values)


def _value(value: Any, text: str, spared: set[str], *, own_keys: bool = False) -> Any:
    if isinstance(value, str):
        return f"{text}{value}"
    if isinstance(value, BaseModel):
        return _model(value, text, spared)
    if isinstance(value, dict):
        return {
            key if own_keys else f"{text}{key}": _value(it, text, spared)
            for key, it in value.items()
        }
    if isinstance(value, list | tuple):
        return type(value)(_value(it, text, spared) for it in value)
    return value
