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
from tests.device.agent_build import LIBRARY, missing_tools
from tests.device.arm_run import Prepared
from tests.device.daemon import CommandFault, Device, Policy, PushFault, running_device
from tests.device.two_nets import NETS, PROGRAM, left_on, outcomes, run

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(missing_tools() is not None, reason=missing_tools() or ""),
]


def program_of(nets: Prepared, net: str = "x0_33") -> str:
    """Return what only the command that measures `net` holds."""
    return f"--model /data/local/tmp/shufflenet-bench/{nets.names[net]}"


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
    fault = PushFault(matching=name, does="drop", after_bytes=100_000, times=1)
    device.faults.pushes.append(fault)
    ran = run(device, nets, suite)
    assert ran.done.returncode == 0, ran.done.stderr
    assert fault.times == 0
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
    device.faults.commands += [
        CommandFault(matching=program_of(nets, net), does="garbage", after_lines=9, times=1)
        for net in NETS
    ]
    ran = run(device, nets, suite)
    assert ran.done.returncode == 0, ran.done.stderr
    assert [fault.times for fault in device.faults.commands] == [0, 0]
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
    assert set(outcomes(ran)) == {*NETS}
    for outcome in outcomes(ran).values():
        assert isinstance(outcome, Failed)
        assert "it needs 3 MiB and 1 MiB are free" in outcome.message
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
    assert set(outcomes(ran)) == {*NETS}
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
