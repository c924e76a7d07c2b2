"""The scripts and styles that stand in the page, and the policy that allows them and nothing else.

DataTables comes from the files of itables, Vega with Vega-Lite and vega-embed from vl-convert.
Neither needs the network, and no other file is read by the page.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from bench.config.project import default_cache
from bench.core.atomic import write_whole
from bench.reports.page.charts import pack

_FOLDER = Path(__file__).parent
_PLOTS = "vl-convert-python"
_EXPORT = re.compile(r"export\{[^}]*?(\w+) as default[^}]*\};?")


@cache
def libraries() -> tuple[str, ...]:
    """Return the scripts of the libraries, each within a function of its own."""
    return tuple(_inlined(f"(()=>{{'use strict';{text}\n}})();") for text in (_tables(), _plots()))


@cache
def packed() -> Mapping[str, str]:
    """Return the same packed, by name: they are three times as large."""
    return {f"library-{number}": pack(text) for number, text in enumerate(libraries())}


@cache
def script() -> str:
    """Return the page's own script, which runs the libraries first."""
    return _inlined((_FOLDER / "page.js").read_text("utf-8"))


@cache
def style() -> str:
    """Return the page's style sheet."""
    return _inlined((_FOLDER / "style.css").read_text("utf-8"))


@cache
def policy() -> str:
    """Return the content security policy: these scripts and styles, and no network."""
    scripts = " ".join(map(_hash, (script(), *libraries())))
    return (
        f"default-src 'none'; script-src {scripts}; style-src {_hash(style())}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _inlined(text: str) -> str:
    """Return `text` as a browser reads it between tags, none of which it closes or comments out."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return lines.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _tables() -> str:
    """Return DataTables, which `window.DataTable` names: a script can't export."""
    spec = find_spec("itables")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("itables", name="itables")
    text = (Path(spec.origin).parent / "html" / "dt_bundle.js").read_text("utf-8")
    return _EXPORT.sub(r"window.DataTable=\1;", text)


def _plots() -> str:
    """Return Vega, from the cache where it has this version: its own package takes seconds."""
    path = default_cache() / "page" / f"{_PLOTS}-{version(_PLOTS)}.js"
    with suppress(OSError, UnicodeDecodeError):
        return path.read_text("utf-8")
    from vl_convert import javascript_bundle

    text = javascript_bundle("window.vega = vega; window.vegaEmbed = vegaEmbed;")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
    return text
