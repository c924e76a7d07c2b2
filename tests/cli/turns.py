"""`bench ab` on the fake nets, as it is and cut off.

As a program (`python -m tests.cli.turns COUNT ARGS`) it is killed once it has started so many arms.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bench.cli.commands import ab as verb
from bench.cli.main import parse
from bench.core.errors import BenchError, InputError
from bench.experiments.ab.experiment import Seams
from bench.experiments.ab.interleave import Rule
from bench.experiments.context import Tables
from bench.launcher.client import Worker, open_worker
from bench.storage.run_folders import AbFolder
from bench.storage.store import Store
from tests.cli.launches import interrupt
from tests.cli.process import contents
from tests.fakes import tables as fakes
from tests.fakes.arm_tables import QUICK, arm_tables
from tests.fakes.repository import commit, make_repository


@dataclass(frozen=True)
class Ab:
    """Calls the verb on the fake nets, in a place of its own."""

    root: Path
    capsys: pytest.CaptureFixture[str]

    @property
    def where(self) -> list[str]:
        return [
            "--models", str(fakes.MODELS), "--results", str(self.root / "results"),
            "--cache", str(self.root / "cache"),
        ]  # fmt: skip

    def __call__(
        self, *flags: str, tables: Tables | None = None, seams: Seams = QUICK, all_: bool = False
    ) -> int:
        chosen = [] if all_ or "--resume" in flags else ["--variant", "x0_25"]
        argv = ["ab", *self.where, *chosen, *flags]
        options = parse(argv)[1]
        return verb.run(options, tables or arm_tables(), seams=seams)

    def json(self, *flags: str, **how: Any) -> tuple[int, Any]:
        status = self(*flags, "--format", "json", **how)
        return status, json.loads(self.capsys.readouterr().out)

    def refused(self, *flags: str, tables: Tables | None = None) -> str:
        """The sentence with which it refused, before anything was measured."""
        project = make_repository(self.root / "project")
        commit(project)
        with pytest.raises(BenchError) as raised:
            self(*flags, tables=tables, seams=replace(QUICK, project=project))
        assert not AbFolder.all(Store(self.root / "results"))
        return str(raised.value)

    def cut_off(self, *flags: str, tables: Tables | None = None) -> str:
        """Interrupt a comparison in its second session; return its name."""
        assert self(*flags, tables=tables, seams=Opened(most=2).seams) == 130
        return self.only.path.name

    def not_resumed(self, *flags: str, rule: Rule | None = None) -> str:
        """The sentence with which it won't go on, before it has started or written anything."""
        before, opened = contents(self.only.path), Opened()
        seams = replace(opened.seams, rule=rule) if rule else opened.seams
        with pytest.raises(InputError) as raised:
            self("--resume", "latest", *flags, seams=seams)
        assert (opened.runners, contents(self.only.path)) == ([], before)
        return str(raised.value)

    @property
    def only(self) -> AbFolder:
        (found,) = AbFolder.all(Store(self.root / "results"))
        return found


@dataclass
class Opened:
    """Starts arms and keeps their runners' names; `event` happens once `most` were started."""

    most: int = -1
    event: Callable[[], None] = interrupt
    runners: list[str] = field(default_factory=list)

    def __call__(self, request: Any, **how: Any) -> AbstractContextManager[Worker]:
        if len(self.runners) == self.most:
            self.event()
        self.runners.append(request["runner"].rpartition(":")[2])
        return open_worker(request, **how)

    @property
    def seams(self) -> Seams:
        return replace(QUICK, open_worker=self)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    words = sys.argv[2:]
    given = parse(words)[1]
    sys.exit(verb.run(given, arm_tables(), seams=Opened(int(sys.argv[1]), _die).seams))
