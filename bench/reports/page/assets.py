"""The scripts and styles that stand in the page, and the policy that allows them and nothing else.

DataTables comes from the files of itables, Vega with Vega-Lite and vega-embed from vl-convert.
Neither needs the network, and no other file is read by the page.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from bench.config.project import default_cache
from bench.core.atomic import write_whole

_FOLDER = Path(__file__).parent
_PLOTS = "vl-convert-python"
_EXPORT = re.compile(r"export\{[^}]*?(\w+) as default[^}]*\};?")


@cache
def scripts() -> tuple[str, ...]:
    """Return the modules in their order: the tables' library, the plots' one, the page's own."""
    return tuple(map(_inlined, (_tables(), _plots(), _own("page.js"))))


@cache
def style() -> str:
    """Return the page's style sheet."""
    return _inlined(_own("style.css"))


def policy(scripts: Sequence[str], style: str) -> str:
    """Return the content security policy: these scripts and styles, and no network."""
    allowed = " ".join(map(_hash, scripts))
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_hash(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _own(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")


def _inlined(text: str) -> str:
    """Return `text` as a browser reads it between tags, none of which it closes or comments out."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return lines.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _tables() -> str:
    """Return DataTables, which `window.DataTable` names: one inline module can't import another."""
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
