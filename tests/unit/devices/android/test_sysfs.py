"""How many files come over in one round trip."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.core.errors import CommandFailed
from bench.devices.android.sysfs import cores, entries, memory_kib, per_core, read, script, sections
from tests.fakes.device import FakeDevice, ShellDevice, said


def test_a_part_that_fails_leaves_the_others_alone_and_says_nothing(tmp_path: Path) -> None:
    parts = {"a": "no-such-tool x", "b": "echo one; echo two", "c": "cd /no/such && ls"}
    done = ShellDevice(tmp_path).run(script(parts))
    assert sections(done.text) == {"a": "", "b": "one\ntwo", "c": ""}
    assert (done.status, done.stderr) == (0, b"")


def test_what_stands_before_the_first_mark_belongs_to_no_part() -> None:
    assert sections("a warning\n@@bench a\r\n1\r\n") == {"a": "1"}


def test_a_part_may_lack_the_end_of_its_last_line() -> None:
    assert sections("@@bench a\n1@@bench b\n2") == {"a": "1", "b": "2"}


def test_a_shell_that_fails_gives_no_readings_but_its_reason() -> None:
    killed = FakeDevice({"@@bench": said("@@bench a\n1\n@@ben", status=137)})
    with pytest.raises(CommandFailed, match="reading its state ended with status 137"):
        read(killed, {"a": "x"})


def test_what_a_shell_prints_first_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    device = FakeDevice({"@@bench": said("Welcome!\n@@bench a\n1\n")}, serial="greets")
    assert read(device, {"a": "x"}) == {"a": "1"}
    assert "device greets: reading its state has 1 foreign line" in caplog.text


def test_a_file_is_told_by_its_first_line() -> None:
    text = "present:0-7\ncpu0/cpufreq/related_cpus:0 1\npresent:8\nno entry\n"
    assert entries(text) == {"present": "0-7", "cpu0/cpufreq/related_cpus": "0 1"}


def test_lists_of_cores_are_read_in_both_of_the_kernels_forms() -> None:
    assert cores("0-3,7") == {0, 1, 2, 3, 7}
    assert cores("4 5 6") == {4, 5, 6}
    assert cores("9" * 5000) == frozenset()
    assert cores("") == cores("3-1") == cores("0-99999999999") == frozenset()


def test_digits_without_end_are_no_number() -> None:
    endless = "1" * 5000
    assert per_core({"cpu0/cpufreq/scaling_cur_freq": endless}, "scaling_cur_freq") == {}
    assert memory_kib(f"MemTotal: {endless} kB", "MemTotal") is None
