"""The device program with a model and an input beside it, to be run with flags."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.runners.paddle_lite.agent_sessions import MARK, AgentRun, parse
from tests.device.agent_build import built_agent, emulated, missing_tools

SHAPE = (1, 3, 4, 4)
INPUT = np.arange(48, dtype="<f4")


@dataclass(frozen=True)
class Bench:
    """The program, a model and an input; flags are given as `repeats=3`."""

    agent: Path
    folder: Path

    def command(self, **flags: object) -> list[str]:
        given = {
            "model": self.folder / "m.nb", "shape": ",".join(map(str, SHAPE)),
            "input": self.folder / "input.bin", "warmup": 2, "repeats": 3,
        } | flags  # fmt: skip
        words = [
            word
            for name, value in given.items()
            if value is not None
            for word in (f"--{name.replace('_', '-')}", str(value))
        ]
        return emulated(self.agent, *words)

    def end(self, **flags: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(**flags), capture_output=True, text=True, check=False, timeout=120
        )

    def mixed(self, **flags: object) -> list[str]:
        """Return the lines of a run whose stderr comes mixed in, as without shell protocol 2."""
        done = subprocess.run(
            self.command(**flags), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=True, timeout=120,
        )  # fmt: skip
        return done.stdout.splitlines()

    def run(self, **flags: object) -> AgentRun:
        done = self.end(**flags)
        run = parse(done.stdout.splitlines())
        assert done.returncode == 0, done.stderr
        return run

    @staticmethod
    def events(done: subprocess.CompletedProcess[str]) -> list[Any]:
        """Return what the program itself said."""
        marked = [line.partition(MARK) for line in done.stdout.splitlines()]
        return [json.loads(said) for _, mark, said in marked if mark]

    def model(self, text: str) -> None:
        (self.folder / "m.nb").write_text(text)


def agent_bench(factory: pytest.TempPathFactory, folder: Path) -> Bench:
    """Return the program of this test session with a model and an input in `folder`.

    Skips, and says why, where it can't be built or run.
    """
    missing = missing_tools()
    if missing:
        pytest.skip(missing)
    bench = Bench(built_agent(factory.getbasetemp() / "device-program"), folder)
    bench.model("a model")
    INPUT.tofile(folder / "input.bin")
    return bench
