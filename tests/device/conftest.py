"""A stand-in of its own for each test that asks for one, and the real adb for each module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.device.adb_server import Adb, missing_adb, serving
from tests.device.daemon import Device, Policy, running_device


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    """A stand-in that asks for no key and has no faults yet."""
    with running_device(tmp_path / "device", auth=Policy.OPEN) as running:
        yield running


@pytest.fixture(scope="module")
def own_adb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Adb]:
    """The real adb with a server of its own."""
    if (reason := missing_adb()) is not None:
        pytest.skip(reason)
    with serving(tmp_path_factory.mktemp("home")) as adb:
        yield adb
