"""What matplotlib's SVG lacks: a title and a description that are read aloud, and fallback fonts.

Text stays text. Its layout is that of the font that matplotlib brings along, on every machine; a
reader without that font sees the next of FONTS.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from bench.core.escape import plain
from bench.reports.plots.style import FONT

FONTS = f"'{FONT}', Verdana, Geneva, sans-serif"  # Verdana is as wide
HALO = 'stroke="white" stroke-width="2" paint-order="stroke"'

_FAMILY = re.compile(rf"(?<=[\" ])font-family: '{FONT}'(?:; )?")
_TITLE = re.compile(r"<title>.*?</title>", re.DOTALL)


def accessible(svg: str, *, title: str, description: str, haloed: Iterable[str] = ()) -> str:
    """Return `svg` as an image with a name and a description; the groups `haloed` get a halo."""
    named = (
        f'<title id="plot-title">{html.escape(plain(title), quote=False)}</title>\n'
        f' <desc id="plot-description">{html.escape(plain(description), quote=False)}</desc>'
    )
    role = 'role="img" aria-labelledby="plot-title plot-description"'
    svg = svg.replace("<svg ", f'<svg {role} font-family="{FONTS}" ', 1)
    svg = _FAMILY.sub("", _TITLE.sub(lambda _: named, svg, count=1))
    for name in haloed:
        svg = svg.replace(f'<g id="{name}">', f'<g id="{name}" {HALO}>', 1)
    return svg
