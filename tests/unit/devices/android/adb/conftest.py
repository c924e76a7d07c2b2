"""What the tests of the direct way to a device share: a key pair, and how they connect."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.devices.android.adb.direct import DirectDevice
from bench.devices.android.adb.keys import load_signer

Connect = Callable[..., DirectDevice]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a key pair."""
    folder = tmp_path_factory.mktemp("android")
    load_signer(folder)
    return folder


@pytest.fixture
def connect(keys: Path) -> Connect:
    def call(port: int, auth_timeout_s: float = 5.0) -> DirectDevice:
        return DirectDevice.open(f"127.0.0.1:{port}", auth_timeout_s=auth_timeout_s, keys=keys)

    return call
