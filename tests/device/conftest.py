"""A stand-in of its own for each test that asks for one, the real adb for each module, both ways.

A way is a function from a stand-in to its client.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.devices.android.adb.device import Device as Client
from bench.devices.android.adb.direct import DirectDevice
from bench.devices.android.adb.keys import load_signer
from bench.devices.android.adb.server import ServerDevice
from tests.device.adb_server import Adb, missing_adb, serving
from tests.device.agent_build import built_agent
from tests.device.arm_run import Prepared, prepared
from tests.device.daemon import Device, Policy, running_device
from tests.device.reaching import Reach
from tests.device.test_daemon import eventually
from tests.device.two_nets import NETS, SUITE


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


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("android")
    load_signer(folder)
    return folder


@pytest.fixture
def direct(keys: Path) -> Iterator[Reach]:
    with ExitStack() as opened:

        def call(device: Device) -> Client:
            client = DirectDevice.open(device.serial, auth_timeout_s=1, keys=keys)
            opened.callback(client.close)
            return client

        yield call


@pytest.fixture
def served(own_adb: Adb) -> Iterator[Reach]:
    with ExitStack() as opened:

        def call(device: Device) -> Client:
            own_adb("connect", device.serial)
            opened.callback(own_adb, "disconnect", device.serial)
            settled = {"device", "unauthorized"}
            assert eventually(lambda: own_adb.state(device.serial) in settled)
            return ServerDevice.open(device.serial, address=("127.0.0.1", own_adb.port))

        yield call


@pytest.fixture(params=["direct", "served"])
def reach(request: pytest.FixtureRequest) -> Reach:
    """Each way in turn."""
    way: Reach = request.getfixturevalue(request.param)
    return way


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """The device program with the logits of two nets."""
    folder = tmp_path_factory.mktemp("arm")
    return prepared(built_agent(folder / "build"), folder / "agent", NETS)


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A suite of one session of 12 samples on one thread."""
    path = tmp_path / "two.toml"
    path.write_text(SUITE)
    return path
