"""What the configuration's tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

NET = "[models.net]\nfactory = 'mynet:net'\n"


Plant = Callable[..., Path]


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """Write files into a models folder; `catalog` is catalog.toml's text."""

    def write(catalog: str = NET, **files: str) -> Path:
        for name, text in {"catalog.toml": catalog, **files}.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return write
