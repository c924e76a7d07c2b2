"""What the configuration's tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.config.catalog import Model, Weights, load_catalogue, parse_weights, resolve

NET = "[models.net]\nfactory = 'mynet:net'\n"


Plant = Callable[..., Path]


def net(folder: Path, weights: Weights | None = None, variant: str = "net") -> Model:
    return resolve(load_catalogue(folder), variant, folder, weights or Weights())


def own_weights(path: Path, content: bytes) -> Weights:
    path.write_bytes(content)
    return parse_weights(str(path))


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """Write files into a models folder; `catalog` is catalog.toml's text."""

    def write(catalog: str = NET, **files: str) -> Path:
        for name, text in {"catalog.toml": catalog, **files}.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return write
