"""What goes wrong on the way to a phone, in a whole run: one cell's fault is that cell's alone.

Two nets on one thread; what strikes strikes x0_33 alone, unless a test says otherwise.
"""

from __future__ import annotations

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench.storage.schema.common import Failed
from bench.storage.schema.latency import Measured
from tests.cli.process import call, complaint
from tests.device.agent_build import LIBRARY, built_agent, missing_tools
from tests.device.arm_run import Prepared, Ran, prepared, run_arm, unpublished
from tests.device.daemon import CommandFault, Device, Policy, PushFault, State, running_device

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(missing_tools() is not None, reason=missing_tools() or ""),
]

PROGRAM = "/bench_agent --"
SUITE = """
title = "two nets on a stand-in"
target = "android"

[[cells]]
runner = ["paddle-lite"]
batch = [1]
threads = [1]
settings = { power_mode = "no_bind" }

[presets.standard]
sessions = 1
samples = 12
min_samples = 12
budget_s = 60.0
warmup_calls = 2
warmup_s = 0.0
warmup_cap_s = 60.0
steady_tolerance = "none"
"""
NETS = ("x0_25", "x0_33")


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("arm")
    return prepared(built_agent(folder / "build"), folder / "agent", NETS)


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "two.toml"
    path.write_text(SUITE)
    return path


def run(device: Device, nets: Prepared, suite: Path, *flags: str | Path) -> Ran:
    results, models = suite.parent / "results", unpublished(suite.parent / "models")
    return run_arm(device.serial, nets.agent, results, "--suite", suite, "--models", models,
                   "--variant", ",".join(NETS), *flags)  # fmt: skip


def outcomes(ran: Ran) -> dict[str, Measured | Failed]:
    found = {record.cell.variant: record.outcome for record in ran.records}
    return {name: it for name, it in found.items() if isinstance(it, Measured | Failed)}


def left_on(device: Device) -> list[object]:
    return [*device.files(), *device.processes()]


def program_of(nets: Prepared) -> str:
    """Return what only the command that measures x0_33 holds."""
    return f"--model /data/local/tmp/shufflenet-bench/{nets.names['x0_33']}"


@pytest.mark.parametrize("lines", [0, 9], ids=["before a line", "among the samples"])
def test_a_cable_that_is_out_for_a_moment_costs_the_session_and_no_more(
    lines: int, device: Device, nets: Prepared, suite: Path
) -> None:
    fault = CommandFault(matching=program_of(nets), does="drop", after_lines=lines, times=1)
    device.faults.commands.append(fault)
    ran = run(device, nets, suite)
    assert ran.done.returncode == 0, ran.done.stderr
    assert set(outcomes(ran).values()) == {Measured()}
    assert [len(s.samples_ns) for record in ran.records for s in record.sessions] == [12, 12]
    assert sum(program_of(nets) in command for command in device.commands) == 2
    assert left_on(device) == []


def test_a_cable_that_is_out_in_a_push_leaves_no_half_model(
    device: Device, nets: Prepared, suite: Path
) -> None:
    name = nets.names["x0_33"]
    device.faults.pushes.append(PushFault(matching=name, does="drop", after_bytes=100_000, times=1))
    ran = run(device, nets, suite)
    assert ran.done.returncode == 0, ran.done.stderr
    assert set(outcomes(ran).values()) == {Measured()}
    assert left_on(device) == []


def test_a_phone_that_is_away_between_sessions_is_waited_for(
    device: Device, nets: Prepared, suite: Path
) -> None:
    def unplug_once_measuring() -> None:
        while not any(PROGRAM in command for command in device.commands):
            time.sleep(0.01)
        device.faults.commands.append(CommandFault(matching="@@bench load", does="drop", times=1))

    with ThreadPoolExecutor() as beside:
        unplugged = beside.submit(unplug_once_measuring)
        ran = run(device, nets, suite)
        unplugged.result()
    assert ran.done.returncode == 0, ran.done.stderr
    assert set(outcomes(ran).values()) == {Measured()}
    (fault,) = device.faults.commands
    assert fault.times == 0
    assert left_on(device) == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (CommandFault(matching="", does="drop", after_lines=5), "device-lost"),
        (CommandFault(matching="", does="kill", after_lines=9), "command-failed"),
        (
            CommandFault(
                matching="", does="garbage", after_lines=9, garbage=b'@bench_agent {"event": "sa\n'
            ),
            "garbage-reply",
        ),
        (CommandFault(matching="", does="truncate", after_lines=9), "garbage-reply"),
        (CommandFault(matching="", does="truncate", after_lines=0), "garbage-reply"),
    ],
    ids=["cable out each time", "killed", "garbage", "truncated", "status 0 and nothing said"],
)  # fmt: skip
def test_a_fault_of_one_cell_is_told_by_its_kind_and_the_other_is_measured(
    fault: CommandFault, kind: str, device: Device, nets: Prepared, suite: Path
) -> None:
    fault.matching = program_of(nets)
    device.faults.commands.append(fault)
    ran = run(device, nets, suite)
    found = outcomes(ran)
    assert ran.done.returncode == 1
    assert found["x0_25"] == Measured()
    assert isinstance(found["x0_33"], Failed)
    assert (found["x0_33"].failure, bool(found["x0_33"].hint)) == (kind, True)
    assert "Traceback" not in ran.done.stderr
    assert device.serial not in found["x0_33"].message
    assert left_on(device) == []


def test_what_others_print_in_between_costs_nothing(
    device: Device, nets: Prepared, suite: Path
) -> None:
    device.faults.commands.append(CommandFault(matching=PROGRAM, does="garbage", after_lines=9))
    ran = run(device, nets, suite)
    assert ran.done.returncode == 0, ran.done.stderr
    assert set(outcomes(ran).values()) == {Measured()}


@pytest.mark.parametrize("does", ["full", "denied"])
def test_a_push_that_the_phone_refuses_fails_that_cell_alone(
    does: str, device: Device, nets: Prepared, suite: Path
) -> None:
    name = nets.names["x0_33"]
    wanted = PushFault(matching=f"{name}.part", does="full" if does == "full" else "denied")
    device.faults.pushes.append(wanted)
    ran = run(device, nets, suite)
    found = outcomes(ran)
    assert ran.done.returncode == 1
    assert found["x0_25"] == Measured()
    assert isinstance(found["x0_33"], Failed)
    assert found["x0_33"].failure == "push-failed"
    assert left_on(device) == []


def test_storage_that_is_full_is_told_with_what_is_needed_and_free(
    device: Device, nets: Prepared, suite: Path
) -> None:
    device.set_state(free_mib=1)
    ran = run(device, nets, suite)
    assert ran.done.returncode == 1
    for outcome in outcomes(ran).values():
        assert isinstance(outcome, Failed)
        assert "it needs 3 MiB and 1 MiB are free" in outcome.message
    assert left_on(device) == []


def test_a_wrong_abi_is_refused_before_anything_is_pushed(
    nets: Prepared, suite: Path, tmp_path: Path
) -> None:
    state = State(abi="armeabi-v7a")
    with running_device(tmp_path / "old", auth=Policy.OPEN, state=state) as device:
        ran = run(device, nets, suite)
        assert ran.done.returncode == 2
        assert "armeabi-v7a" in complaint_of(ran)
        assert left_on(device) == []
    assert not (suite.parent / "results" / "runs").exists()


def test_a_library_of_another_build_is_refused_before_anything_is_pushed(
    device: Device, nets: Prepared, suite: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(nets.agent, other)
    (other / LIBRARY).write_bytes(b"of another release")
    ran = run(device, Prepared(agent=other, names=nets.names), suite)
    assert ran.done.returncode == 2
    assert f"{LIBRARY} is another file than agent.json says was built" in complaint_of(ran)
    assert "make agent" in complaint_of(ran)
    assert not any(PROGRAM in command for command in device.commands)
    assert left_on(device) == []


def test_a_program_that_cannot_be_linked_says_which_library_it_misses(
    device: Device, nets: Prepared, suite: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(nets.agent, bare)
    (bare / LIBRARY).unlink()
    notes = json.loads((bare / "agent.json").read_text())
    del notes["files"][LIBRARY]
    (bare / "agent.json").write_text(json.dumps(notes))
    ran = run(device, Prepared(agent=bare, names=nets.names), suite)
    assert ran.done.returncode == 1
    for outcome in outcomes(ran).values():
        assert isinstance(outcome, Failed)
        assert outcome.failure == "command-failed"
        assert LIBRARY in outcome.message
    assert left_on(device) == []


@pytest.mark.parametrize("shell_v2", [True, False], ids=["stderr apart", "stderr mixed in"])
def test_a_library_that_aborts_is_told_by_its_own_line(
    shell_v2: bool, nets: Prepared, suite: Path, tmp_path: Path
) -> None:
    agent = tmp_path / "agent"
    shutil.copytree(nets.agent, agent)
    (agent / f"{nets.names['x0_33']}.fault").write_text("RUNABORT")
    with running_device(tmp_path / "old", auth=Policy.OPEN, shell_v2=shell_v2) as device:
        ran = run(device, Prepared(agent=agent, names=nets.names), suite)
    found = outcomes(ran)
    assert found["x0_25"] == Measured()
    failed = found["x0_33"]
    assert isinstance(failed, Failed)
    assert failed.message.startswith("'Check failed: filter_dims == 4: 3!==4', said bench_agent")
    assert "SIGABRT" in failed.message
    assert "Check failed: filter_dims" in failed.log_tail
    assert "Traceback" not in failed.log_tail


def test_a_wrong_answer_has_no_figure(
    device: Device, nets: Prepared, suite: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    for file in nets.agent.iterdir():
        swapped = f"{nets.names['x0_25']}.logits" if nets.names["x0_33"] in file.name else file.name
        (wrong / file.name).write_bytes((nets.agent / swapped).read_bytes())
    ran = run(device, Prepared(agent=wrong, names=nets.names), suite)
    found = outcomes(ran)
    assert found["x0_25"] == Measured()
    assert isinstance(found["x0_33"], Failed)
    assert found["x0_33"].failure == "wrong-output"
    assert left_on(device) == []


@pytest.mark.parametrize("serial", ["x; touch HERE", "$(touch HERE)", "a b'c", "127.0.0.1:1"])
def test_a_serial_that_is_no_device_is_refused_and_no_shell_sees_it(
    serial: str, nets: Prepared, suite: Path, tmp_path: Path
) -> None:
    argv: list[str | Path] = ["run", "--suite", suite, "--device", serial, "--agent", nets.agent]
    line = complaint(call(*argv, "--results", tmp_path / "r", cwd=Path.cwd()))
    assert serial in line
    assert not list(tmp_path.rglob("HERE"))
    assert not Path("HERE").exists()


def test_two_runs_do_not_share_a_phone(device: Device, nets: Prepared, suite: Path) -> None:
    from bench.core.locks import held, runtime_folder
    from bench.devices.android.adb.find import open_device
    from bench.devices.android.identity import serial_digest

    connected = open_device(device.serial)
    try:
        name = serial_digest(connected)
        with held(runtime_folder() / f"phone-{name}.lock", f"phone {name}"):
            ran = run(device, nets, suite)
    finally:
        connected.close()
    assert ran.done.returncode == 2
    assert "in use by another process" in complaint_of(ran)


def complaint_of(ran: Ran) -> str:
    return ran.done.stderr.strip().splitlines()[-1]
