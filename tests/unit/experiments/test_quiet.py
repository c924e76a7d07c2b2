"""Told, refused or waited for: other load before a run and between its sessions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest

from bench.core.cell import TargetSpec
from bench.core.errors import InputError
from bench.devices.host.busy import Busy
from bench.experiments.progress import Lines
from bench.experiments.quiet import Quiet, QuietOptions, TooBusy

BUSY, CALM = Busy(used=1.8, cores=2, processes=(("make", 1.5),)), Busy(used=0.0, cores=2)
HERE, PHONE = TargetSpec(kind="cpu"), TargetSpec(kind="android")
SAID = "busy: 1.8 of 2 cores used by others (make 1.5)"


@dataclass
class Machine:
    """Is as `states` tell, one a look, and then as the last; its clock moves in sleep alone."""

    states: list[Busy | None]
    now: float = 100.0
    slept: list[float] = field(default_factory=list)

    def read(self) -> Busy | None:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def quiet(self, *, wait: float | None = None, require: bool = False) -> Quiet:
        return Quiet(
            options=QuietOptions(wait_quiet=wait, require_quiet=require), read=self.read,
            shown=Lines(), clock=lambda: self.now, sleep=self.sleep,
        )  # fmt: skip


@pytest.mark.parametrize(("state", "said"), [(BUSY, SAID), (CALM, "quiet: 0.0 of 2 cores")])
def test_before_a_run_one_line_says_how_busy_the_machine_is(
    state: Busy, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Machine([state]).quiet().begin(HERE)
    shown = capsys.readouterr().err
    assert shown.startswith(said)
    assert shown.count("\n") == 1


def test_what_can_not_be_read_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    Machine([None]).quiet().begin(HERE)
    assert capsys.readouterr().err == ""


def test_a_busy_machine_is_refused_where_quiet_is_required() -> None:
    with pytest.raises(TooBusy, match=re.escape(SAID)) as refused:
        Machine([BUSY]).quiet(require=True).begin(HERE)
    assert refused.value.exit_status == 2
    assert "--wait-quiet=10m" in refused.value.hint
    with pytest.raises(TooBusy, match="can't be read here"):
        Machine([None]).quiet(require=True).begin(HERE)
    Machine([CALM]).quiet(require=True).begin(HERE)


def test_a_phone_measures_whatever_runs_here(capsys: pytest.CaptureFixture[str]) -> None:
    Machine([BUSY]).quiet().begin(PHONE)
    assert capsys.readouterr().err == ""
    with pytest.raises(InputError, match="--wait-quiet is for what this machine measures"):
        Machine([BUSY]).quiet(wait=60).begin(PHONE)
    with pytest.raises(InputError, match="--require-quiet is for"):
        Machine([BUSY]).quiet(require=True).begin(PHONE)


def test_nothing_is_waited_for_unless_it_is_given() -> None:
    machine = Machine([BUSY])
    machine.quiet().wait()
    assert machine.slept == []


def test_a_session_waits_until_the_machine_is_quiet_and_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    machine = Machine([BUSY, BUSY, CALM])
    quiet = machine.quiet(wait=600)
    quiet.wait()
    assert machine.slept == [5.0, 5.0]
    assert capsys.readouterr().err == f"waiting: {SAID}; 10 min 00 s at most\n"
    assert quiet.measuring_s() == 100.0, "waiting isn't measuring"


def test_the_time_for_waiting_is_of_the_whole_run() -> None:
    machine = Machine([BUSY])
    quiet = machine.quiet(wait=12)
    quiet.wait()
    assert machine.slept == [5.0, 5.0, 2.0]
    quiet.wait()
    assert machine.slept == [5.0, 5.0, 2.0]
    machine.now += 7
    assert quiet.measuring_s() == 107.0
