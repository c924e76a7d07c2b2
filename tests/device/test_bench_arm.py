"""All cells of suite arm on a stand-in, by either way: the table is the page's, and says emulated.

The device program runs emulated, with a stand-in for Paddle Lite: no time in it means anything.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from bench.config.project import default_cache
from bench.storage.schema.latency import Measured
from tests.cli.process import call
from tests.device.adb_server import Adb
from tests.device.agent_build import built_agent, missing_tools
from tests.device.arm_run import Prepared, Ran, hasty_suite, prepared, run_arm, unpublished
from tests.device.daemon import Device, Policy, running_device
from tests.device.test_daemon import eventually

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(missing_tools() is not None, reason=missing_tools() or ""),
]

NETS = ("x0_25", "x0_33", "x0_5", "x1_0", "x1_5", "x2_0", "swish")
FEW = NETS[:2]
WAYS = ("direct", "server")


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("arm")
    return prepared(built_agent(folder / "build"), folder / "agent", NETS)


@pytest.fixture(scope="module", params=WAYS)
def ran(
    request: pytest.FixtureRequest, nets: Prepared, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Ran, Device]]:
    """A run by one way, and the device as it was left.

    Direct with all nets, by the server with two and more than one session of each.
    """
    folder = tmp_path_factory.mktemp(request.param)
    # A home of its own: the key pair is made there, and not in the tester's.
    env = {"HOME": str(folder), "XDG_CACHE_HOME": str(default_cache().parent)}
    with running_device(folder / "device", auth=Policy.ANY_KEY) as device:
        if request.param == "server":
            own_adb: Adb = request.getfixturevalue("own_adb")
            own_adb("connect", device.serial)
            assert eventually(lambda: own_adb.state(device.serial) == "device")
            env["ANDROID_ADB_SERVER_PORT"] = str(own_adb.port)
        direct = request.param == "direct"
        suite = hasty_suite(folder, sessions=1 if direct else 2)
        flags = ("--suite", suite, "--preset", "quick", "--transport", request.param)
        chosen = () if direct else ("--variant", ",".join(FEW))
        one = run_arm(device.serial, nets.agent, folder / "results", *flags, *chosen, env=env)
        if request.param == "server":
            own_adb("disconnect", device.serial)  # other tests count what the server lists
        yield one, device


def test_all_cells_are_measured_with_the_right_output(ran: tuple[Ran, Device]) -> None:
    one, _ = ran
    assert one.done.returncode == 0, one.done.stderr
    assert len(one.records) in {3 * len(NETS), 3 * len(FEW)}
    assert {record.outcome for record in one.records} == {Measured()}
    assert {(r.cell.batch, r.cell.threads) for r in one.records} == {(1, 1), (1, 2), (1, 4)}
    errors = [s.relative_l2 for record in one.records for s in record.sessions]
    assert len(errors) == {3 * len(NETS): 1, 3 * len(FEW): 2}[len(one.records)] * len(one.records)
    assert max(error for error in errors if error is not None) <= 1e-3


def test_the_table_is_the_pages_with_the_published_figures_beside(
    ran: tuple[Ran, Device],
) -> None:
    one, _ = ran
    table = one.page.partition("## emulated Android device")[2].partition("\n## ")[0]
    head, _, *rows = [line for line in table.splitlines() if line.startswith("|")]
    for threads in (1, 2, 4):
        assert f"bs=1, thread={threads}" in head
        assert re.search(rf"published, Snapdragon 855[^|]*thread={threads}", head)
    assert [row.split("|")[1].strip() for row in rows][:2] == [
        "ShuffleNetV2_x0_25", "ShuffleNetV2_x0_33",
    ]  # fmt: skip
    assert 3 * len(rows) == len(one.records)
    assert "| 1.94 |" in rows[0]
    titles = [cell.strip() for cell in head.split("|")]
    sizes = rows[0].split("|")
    assert sizes[titles.index("Storage Size (MiB)<br>Paddle Lite .nb, arm")].strip() == "2.42"
    assert sizes[titles.index("Storage Size (M)<br>published")].strip() == "2.7"


def test_it_says_emulated_wherever_it_stands_and_never_the_reference_phone(
    ran: tuple[Ran, Device],
) -> None:
    one, _ = ran
    assert one.system.emulated
    headings = [line for line in one.page.splitlines() if line.startswith("## ")]
    ours = [line for line in headings if "Paddle Lite," in line or "Paddle Lite (" in line]
    assert ours
    assert all("emulated" in line and "855" not in line for line in ours)
    assert "emulated Android device" in one.done.stdout
    assert "Snapdragon" not in one.done.stdout  # "855" may stand in a run's name
    rows = csv.DictReader((one.results / "report" / "latency.csv").read_text().splitlines())
    assert {row["emulated"] for row in rows} == {"True"}


def test_neither_serial_nor_path_is_kept(ran: tuple[Ran, Device]) -> None:
    one, device = ran
    assert len({s.before["device_id"] for record in one.records for s in record.sessions}) == 1
    for file in [*one.results.rglob("*.json"), *one.results.rglob("*.md")]:
        assert device.serial not in file.read_text(encoding="utf-8"), file.name


def test_nothing_stays_on_the_device_and_each_model_went_there_once(
    ran: tuple[Ran, Device], nets: Prepared
) -> None:
    one, device = ran
    assert device.files() == []
    assert device.processes() == []
    for name in {nets.names[record.cell.variant] for record in one.records}:
        moved = [c for c in device.commands if c.startswith("mv") and f"{name}.part" in c]
        assert len(moved) == 1


def test_what_was_in_force_is_told_not_what_was_asked(ran: tuple[Ran, Device]) -> None:
    one, _ = ran
    facts = [s.facts for record in one.records for s in record.sessions]
    assert {it["engine"] for it in facts} == {"paddle-lite stand-in"}
    # The stand-in's fast cores are none of this machine's: binding to them fails, and it says so.
    assert {it["power_mode"] for it in facts}.isdisjoint({"high"})
    assert "in force where high was asked for" in one.page


@pytest.mark.parametrize("checked", [True, False], ids=["its output checked", "unchecked"])
def test_the_official_tools_own_figures_have_no_interval_and_a_c_at_most(
    nets: Prepared, tmp_path: Path, tool: Callable[[Path], Path], *, checked: bool
) -> None:
    if checked:
        logits = np.fromfile(nets.agent / f"{nets.names['x0_25']}.logits", dtype="<f4")
        lines = "".join(f"out[0][{i}]:{value:.6g}\n" for i, value in enumerate(logits))
        with tool(tmp_path).open("a") as script:
            script.write(f"cat <<'END'\n{lines}END\n")
    else:
        tool(tmp_path)
    with running_device(tmp_path / "device", auth=Policy.OPEN) as device:
        flags = ("--models", unpublished(tmp_path / "models"),
                 "--preset", "quick", "--variant", "x0_25", "--threads", "1",
                 "--benchmark-bin", tmp_path / "benchmark_bin")  # fmt: skip
        one = run_arm(device.serial, nets.agent, tmp_path / "results", *flags)
        assert device.files() == []
    assert one.done.returncode == 0, one.done.stderr
    (record,) = one.records
    session = record.sessions[0]
    assert session.samples_ns == []
    assert (session.relative_l2 is not None and session.relative_l2 < 1e-5) == checked
    assert session.reported_ns == {"min": 14_101_000, "max": 15_900_000, "avg": 14_512_000}
    row = next(line for line in one.page.splitlines() if "x0_25 | 14.5" in line)
    assert "±" not in row
    assert re.search(r"\) [CD]\b", row)


@pytest.fixture
def tool() -> Callable[[Path], Path]:
    """A stand-in for benchmark_bin: it prints a report in that tool's form and measures nothing."""

    def write(folder: Path) -> Path:
        path = folder / "benchmark_bin"
        path.write_text(
            "#!/bin/sh\necho '======= Perf Info ======='\necho 'Time(unit: ms):'\n"
            "echo 'init  = 15.305'\necho 'first = 20.100'\necho 'min   = 14.101'\n"
            "echo 'max   = 15.900'\necho 'avg   = 14.512'\n"
        )
        return path

    return write


def test_without_a_name_the_only_device_is_taken_and_two_are_named(
    own_adb: Adb, nets: Prepared, tmp_path: Path
) -> None:
    env = {"ANDROID_ADB_SERVER_PORT": str(own_adb.port)}
    argv: list[str | Path] = ["doctor", "--agent", nets.agent]
    with running_device(tmp_path / "one", auth=Policy.OPEN) as one:
        own_adb("connect", one.serial)
        assert eventually(lambda: own_adb.state(one.serial) == "device")
        assert "ok       suite arm" in call(*argv, env=env).stdout
        with running_device(tmp_path / "two", auth=Policy.OPEN) as two:
            own_adb("connect", two.serial)
            assert eventually(lambda: own_adb.state(two.serial) == "device")
            told = call(*argv, env=env).stdout
            assert "2 devices are there" in told
            assert [it for it in (one.serial, two.serial) if it not in told] == []
            own_adb("disconnect", two.serial)
        own_adb("disconnect", one.serial)


def test_a_phone_that_does_not_trust_this_computer_is_told_as_that(
    own_adb: Adb, nets: Prepared, tmp_path: Path
) -> None:
    env = {"ANDROID_ADB_SERVER_PORT": str(own_adb.port)}
    with running_device(tmp_path / "shy", auth=Policy.NEVER) as shy:
        own_adb("connect", shy.serial)
        assert eventually(lambda: own_adb.state(shy.serial) == "unauthorized")
        flags = ("--transport", "server")
        ran = run_arm(shy.serial, nets.agent, tmp_path / "results", *flags, env=env)
        own_adb("disconnect", shy.serial)
    assert ran.done.returncode == 2
    assert "doesn't trust this computer yet" in ran.done.stderr
    assert "allow USB debugging" in ran.done.stderr
