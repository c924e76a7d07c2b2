"""A fleet of real processes on this machine: a scheduler and workers, each a host of its own."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.cli.process import FAKE, ROOT, Done, call
from tests.conftest import FAKE_SUITE

PATIENCE_S = 90.0
_ADDRESS = re.compile(r"(?:tcp|tls)://[0-9.]+:\d+")


def eventually(true: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """Wait until it is true."""
    until = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.05)


@dataclass
class Program:
    """A program that stays, what it writes, and its end."""

    words: tuple[str | Path, ...]
    folder: Path
    module: str = FAKE
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        """Start it, or start it again; it has locks of its own, as another machine has."""
        self.folder.mkdir(parents=True, exist_ok=True)
        own = {"XDG_RUNTIME_DIR": str(self.folder), "PYTHONPATH": str(ROOT), **self.environment}
        with (self.folder / "said.txt").open("ab") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.module, *map(str, self.words)],
                env={**os.environ, **own}, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=said,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    @property
    def said(self) -> str:
        return (self.folder / "said.txt").read_text()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, SIGTERM unless another is named; return the status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


@dataclass
class TestFleet:
    """The scheduler's address, the workers by name, and the folder of all."""

    __test__ = False

    folder: Path
    stack: ExitStack
    models: Path
    module: str = FAKE
    cache: Path | None = None
    address: str = ""
    workers: dict[str, Program] = field(default_factory=dict)
    scheduler: Program = field(init=False)

    def begin(self, port: int = 0, *flags: str | Path) -> None:
        """Start a scheduler at `port`, 0 for any."""
        words = ("fleet", "start", "--port", str(port), *flags)
        self.scheduler = Program(words, self.folder / f"scheduler-{port}", self.module)
        self._keep(self.scheduler)
        eventually(lambda: _ADDRESS.search(self.scheduler.said))
        found = _ADDRESS.search(self.scheduler.said)
        assert found is not None
        self.address = found[0]

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def join(self, name: str, *flags: str | Path, address: str = "") -> Program:
        """Start a worker of that name and wait until it has joined."""
        folder = self.folder / name
        words = (
            "fleet", "join", address or self.address, "--name", name,
            "--results", folder / "results", "--cache", self.cache or self.folder / "cache",
            "--models", self.models, *flags,
        )  # fmt: skip
        self.workers[name] = Program(words, folder, self.module)
        self._keep(self.workers[name])
        self.await_join(name, 1)
        return self.workers[name]

    def await_join(self, name: str, count: int) -> None:
        """Wait until that worker has joined so many times."""
        eventually(lambda: self.workers[name].said.count(f"{name} joined") >= count)

    def _keep(self, program: Program) -> None:
        program.start()
        self.stack.callback(lambda: program.process.poll() is None and program.end(signal.SIGKILL))

    def run(
        self, *flags: str | Path, suite: Path = FAKE_SUITE, env: Mapping[str, str] = {}
    ) -> Done:
        """`bench run --fleet` into the folder `mine`."""
        return call(*self.words(*flags, suite=suite), module=FAKE, env=env, timeout_s=PATIENCE_S)

    def words(self, *flags: str | Path, suite: Path = FAKE_SUITE) -> tuple[str | Path, ...]:
        return (
            "run", "--fleet", self.address, "--suite", suite, "--models", self.models,
            "--results", self.mine, *flags,
        )  # fmt: skip

    @contextmanager
    def running(self, *flags: str | Path, suite: Path = FAKE_SUITE) -> Iterator[Program]:
        """`bench run --fleet` while it runs."""
        program = Program(
            self.words(*flags, suite=suite), self.folder / f"client-{secrets.token_hex(3)}"
        )
        self._keep(program)
        yield program

    def journals(self, name: str) -> list[bytes]:
        """Return the lines of the journals of a worker's runs that haven't ended."""
        journals = self.workers[name].folder.glob("results/fleet/*/runs/*/*/journal.jsonl")
        return [line for path in journals for line in path.read_bytes().splitlines()]

    @property
    def mine(self) -> Path:
        return self.folder / "mine"

    def runs_of(self, name: str) -> dict[str, Path]:
        """Return the folders of a worker's runs by their ids."""
        found = self.workers[name].folder.glob("results/fleet/*/runs/*/*")
        return {path.name: path for path in found}


@contextmanager
def fleet(
    folder: Path,
    models: Path,
    *flags: str | Path,
    module: str = FAKE,
    cache: Path | None = None,
) -> Iterator[TestFleet]:
    """Start a scheduler; it and the workers that join are killed at the end."""
    with ExitStack() as stack:
        made = TestFleet(folder, stack, models, module, cache)
        made.begin(0, *flags)
        yield made
