"""`bench ab --cmd A --cmd B`, with real processes that spin for a known CPU time."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bench.cli.commands import ab as verb
from bench.cli.main import main, parse
from bench.core.errors import InputError
from bench.core.paths import PROJECT
from bench.experiments.ab.experiment import REAL, Seams
from bench.experiments.context import Tables
from bench.launcher.client import open_worker
from bench.storage.run_folders import AbFolder
from bench.storage.schema.ab import ArmFailed, CommandFields
from bench.storage.schema.common import Failed
from bench.storage.store import Store
from tests.cli.launches import interrupt
from tests.unit.launcher.test_process import is_running


def spin(seconds: float) -> str:
    """Return a command that takes so much CPU time."""
    code = f"import time\nwhile time.process_time() < {seconds}: pass"
    return shlex.join([sys.executable, "-S", "-c", code])


@dataclass(frozen=True)
class Commands:
    """Calls the verb on two commands, in a folder of results of its own."""

    root: Path
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *flags: str, seams: Seams = REAL) -> tuple[int, Any]:
        argv = ["ab", "--results", str(self.root / "results"), "--format", "json", *flags]
        status = verb.run(parse(argv)[1], Tables(busy=lambda: None), seams=seams)
        out = self.capsys.readouterr().out
        return status, json.loads(out) if out else None

    def two(self, base: str, head: str, *flags: str, **how: Any) -> tuple[int, Any]:
        return self("--cmd", base, "--cmd", head, *flags, **how)

    @property
    def only(self) -> AbFolder:
        (found,) = AbFolder.all(Store(self.root / "results"))
        return found

    def failed(self) -> tuple[str, Failed]:
        (record,) = self.only.records()
        assert isinstance(record.outcome, ArmFailed)
        assert isinstance(record.outcome.why, Failed)
        return record.outcome.arm, record.outcome.why


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(tmp_path, capsys)


def test_a_command_of_twice_the_work_is_slower_and_all_is_kept(commands: Commands) -> None:
    base, head = spin(0.05), spin(0.2)
    status, told = commands.two(base, head, "--measure", "cpu", "--sessions", "4")
    (cell,) = told["cells"]
    assert (status, cell["verdict"], told["measure"]) == (1, "SLOWER", "cpu")
    assert 2 < cell["ratio"] < 4
    manifest = commands.only.manifest()
    assert (manifest.compares, manifest.status, manifest.target) == ("commands", "complete", "cpu")
    assert str(Path(sys.executable).parent) not in manifest.model_dump_json()
    (record,) = commands.only.records()
    assert isinstance(record.base, CommandFields)
    assert record.rule.dropped == 0
    for session in record.sessions:
        assert [len(burst.ns) for burst in session.bursts] == [1] * 10
        assert all(burst.ns[0] >= (burst.cpu_ns or 0) * 0.98 for burst in session.bursts)


def test_wall_time_has_all_of_a_run_and_a_run_that_waits_is_slower(commands: Commands) -> None:
    base, head = "sleep 0.05", "sleep 0.5"
    status, told = commands.two(base, head, "--sessions", "3")
    assert told["cells"][0]["verdict"] == "SLOWER"
    assert (status, told["base"], told["head"]) == (3 if told["doubts"] else 1, base, head)


def test_a_command_compared_with_itself_is_not_slower(commands: Commands) -> None:
    same = spin(0.1)
    status, told = commands.two(same, same, "--measure", "cpu", "--sessions", "6")
    (cell,) = told["cells"]
    assert (status, cell["verdict"]) == (0, "SAME"), told
    assert " -S -c 'import time while" in cell["label"]


def test_short_commands_have_several_runs_a_burst(commands: Commands) -> None:
    commands.two("true", "true", "--sessions", "2")
    (record,) = commands.only.records()
    first = record.sessions[0]
    assert {len(first.arms[it.arm].warmup_ns) for it in first.bursts} == {1}
    assert min(len(burst.ns) for burst in first.bursts) > 1


@pytest.mark.parametrize(
    ("arm", "verdict", "command", "says"),
    [
        ("head", "MISSING", "sh -c 'echo first >&2; echo boom >&2; exit 3'",
         "left with status 3: boom"),
        ("base", "INCOMPARABLE", "sh -c 'kill -9 $$'", "died of SIGKILL"),
        ("head", "MISSING", "false", "`false` left with status 1"),
    ],
)  # fmt: skip
def test_a_command_that_fails_ends_the_comparison_with_its_status_and_last_line(
    arm: str, verdict: str, command: str, says: str, commands: Commands
) -> None:
    pair = (command, "true") if arm == "base" else ("true", command)
    status, told = commands.two(*pair)
    assert (status, told["cells"][0]["verdict"]) == (3, verdict)
    assert says in told["cells"][0]["reason"]
    found, why = commands.failed()
    assert (found, why.failure) == (arm, "command-failed")


def test_a_command_that_fails_later_is_no_figure(commands: Commands, tmp_path: Path) -> None:
    """It ends well three times, then it doesn't."""
    counts = "echo x >> runs; test $(wc -l < runs) -lt 4"
    head = f"sh -c {shlex.quote(f'cd {tmp_path}; {counts}')}"
    status, _ = commands.two("true", head)
    assert (status, commands.failed()[0]) == (3, "head")


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--cmd", "true"], "--cmd is given once"),
        (["--cmd", "true", "--cmd", "nosuchprogram"], "there is no program nosuchprogram"),
        (["--cmd", "true", "--cmd", "true", "--runner", "paddle"], "--runner is of nets"),
        (["--cmd", "true", "--cmd", "true", "--head", "rev:main"], "--head is of nets"),
        (["--cmd", "true", "--cmd", "true", "--device", "SERIAL"], "--device is for a phone"),
    ],
)
def test_what_can_not_be_compared_is_an_error(
    flags: list[str], says: str, commands: Commands
) -> None:
    argv = ["ab", "--results", str(commands.root / "results"), *flags]
    assert main(argv) == 2
    assert says in commands.capsys.readouterr().err
    assert not (commands.root / "results").exists()


def cut_off(commands: Commands, base: str, head: str) -> list[str]:
    """Interrupt a comparison before its second session; return the words that resume it."""
    opened = []

    def opening(*what: Any, **how: Any) -> Any:
        opened.append(what)
        if len(opened) == 2:
            interrupt()
        return open_worker(*what, **how)

    where = ["--results", str(commands.root / "results")]
    argv = ["ab", *where, "--cmd", base, "--cmd", head, "--sessions", "2"]
    seams = replace(REAL, open_worker=opening)
    assert verb.run(parse(argv)[1], Tables(busy=lambda: None), seams=seams) == 130
    resume = commands.capsys.readouterr().err.splitlines()[-1]
    return shlex.split(resume.partition(" ab ")[2])


def test_it_goes_on_with_the_commands_that_are_stored(commands: Commands) -> None:
    assert "--cmd" not in cut_off(commands, "true 1", "true 2")
    status, told = commands("--resume", "latest")
    assert status in {0, 1, 3}
    assert (told["base"], told["head"]) == ("true 1", "true 2")
    (record,) = commands.only.records()
    assert [it.order for it in record.sessions] == [0, 1]
    assert commands.only.manifest().status == "complete"


def test_commands_with_paths_are_given_again_to_go_on(commands: Commands, tmp_path: Path) -> None:
    script = tmp_path / "a.sh"
    script.write_text("true")
    path = f"sh {script}"
    words = cut_off(commands, "true", path)
    with pytest.raises(InputError, match="has a path, and paths aren't stored: give both again"):
        commands("--resume", "latest")
    with pytest.raises(InputError, match="the command of head isn't what comparison"):
        commands("--resume", "latest", "--cmd", "true", "--cmd", "true")
    script.write_text("true; true")
    with pytest.raises(InputError, match=r"the file …/a\.sh of head's command isn't what"):
        commands("--resume", "latest", "--cmd", "true", "--cmd", path)
    script.write_text("true")
    commands(*words)
    assert commands.only.manifest().status == "complete"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only the command's group is ended")
def test_a_command_ends_with_a_harness_that_is_killed(commands: Commands, tmp_path: Path) -> None:
    left = tmp_path / "pid"
    shell = f"echo $$ > {left}.tmp; mv {left}.tmp {left}; exec sleep 600"
    words = ["ab", "--results", str(tmp_path / "results"), "--cmd", f"sh -c '{shell}'"]
    command = [sys.executable, "-m", "bench", *words, *words[-2:]]
    with subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.DEVNULL) as harness:
        assert eventually(left.exists)
        harness.kill()
    assert eventually(lambda: not is_running(int(left.read_text())))
    assert commands.only.manifest().status == "running"
    assert commands.only.begun()[0].sessions == []


def eventually(holds: Callable[[], bool], within_s: float = 60.0) -> bool:
    until = time.monotonic() + within_s
    while not holds() and time.monotonic() < until:
        time.sleep(0.02)
    return holds()
