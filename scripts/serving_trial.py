"""Abuse a server and print what became of it, as a table for docs/serving.md.

    .venv/bin/python scripts/serving_trial.py [--model x0_25] [--runner onnxruntime] [--max-batch 1]

A server of the net answers right requests first, then 200 that aren't any, twice as many at once as
it takes, over and over, and 50 clients that go away in the middle. Memory is what the server and
its engine hold before and after that. An answer is right where it is what the server said to the
same image before (relative L2 of 1e-5): its engine's own first one was held against the net's
reference when it opened.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

import numpy as np

from bench.serving.client import Connection, describe, parse_url
from tests.fakes.abuse import (
    Answer,
    Target,
    at_once,
    drop,
    in_binary,
    in_json,
    malformed,
    rss_kib,
    send,
)
from tests.fakes.serving import Served, started

REQUESTS = 64  # that may be in the server at once
MALFORMED, DROPPED, ROUNDS, IMAGES = 200, 50, 5, 8
WARM = 400
_RIGHT = 1e-5
_SETTLES_S = 3.0


@dataclass(slots=True, kw_only=True)
class Trial:
    """A server, the images that it is sent, and what it said to each at first."""

    server: Served
    target: Target
    images: Sequence[Any]
    wanted: list[Any] = field(default_factory=list)
    wrong: int = 0

    def asks(self, count: int) -> Counter[int]:
        """Ask one after the other; return the answers' statuses."""
        return self.judged((at, send(self.target.address, self.raw(at))) for at in range(count))

    def raw(self, at: int) -> bytes:
        """Return a request, one round of images in four as JSON."""
        write = in_json if at // IMAGES % 4 == 3 else in_binary
        return write(self.target, self.images[at % IMAGES])

    def at_once(self, count: int) -> Counter[int]:
        """Send that many at the same moment; return the answers' statuses."""
        raws = [self.raw(at) for at in range(count)]
        return self.judged(enumerate(at_once(raws, self.target.address)))

    def judged(self, answers: Iterable[tuple[int, Answer]]) -> Counter[int]:
        """Count statuses, and the answers that aren't what the image's first one was."""
        statuses = Counter[int]()
        for at, answer in answers:
            statuses[answer.status] += 1
            if answer.status == 200:
                wanted = self.wanted[at % IMAGES]
                away = np.linalg.norm(np.array(answer.outputs) - wanted) / np.linalg.norm(wanted)
                self.wrong += not away <= _RIGHT
        return statuses

    def memory_kib(self) -> list[int]:
        """Return what the server and its engine hold, once the server has given back the rest."""
        time.sleep(_SETTLES_S)
        return [rss_kib(self.server.process.pid), rss_kib(self.server.engine_pid)]


def opened(server: Served, model: str) -> Trial:
    """Return the trial of a server, its right answers known."""
    connection = Connection(parse_url(server.url), 30.0)
    (one,) = describe(connection, model).inputs
    connection.close()
    shape = [1, *one.shape[1:]]
    target = Target(address=server.address, model=model, input=one.name, shape=shape)
    rng = np.random.default_rng(7)
    images = [rng.standard_normal(shape, dtype=np.float32) for _ in range(IMAGES)]
    trial = Trial(server=server, target=target, images=images)
    trial.wanted = [np.array(send(target.address, trial.raw(at)).outputs) for at in range(IMAGES)]
    return trial


def row(*cells: object) -> None:
    """Print a row of the table."""
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def listed(statuses: Counter[int]) -> str:
    """Return how often there was which status; 0 is a connection that ended without one."""
    names = {0: "connection ended"}
    return ", ".join(f"{names.get(it, it)}: {statuses[it]}" for it in sorted(statuses))


def abuse(trial: Trial) -> None:
    """Do to the server what it has to outlive, a row each."""
    raws = malformed(trial.target, MALFORMED)
    row(
        f"{MALFORMED} malformed requests",
        listed(Counter(send(trial.target.address, it).status for it in raws)),
    )
    overload = Counter[int]()
    for _ in range(ROUNDS):
        overload += trial.at_once(2 * REQUESTS)
    row(
        f"{ROUNDS} times {2 * REQUESTS} requests at once, {REQUESTS} may be there", listed(overload)
    )
    drop(trial.target, DROPPED, trial.images[0])
    row(f"{DROPPED} clients that go away", "none")


def trial(model: str, runner: str, max_batch: int) -> int:
    """Print the table; return 1 where the server fell, leaked or answered wrongly."""
    words = (
        model,
        "--runner",
        runner,
        "--max-batch",
        str(max_batch),
        "--max-requests",
        str(REQUESTS),
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        started("bench", words, Path(folder) / "server.log") as server,
    ):
        own = opened(server, model)
        row(f"{model}, {runner}", "answers by HTTP status")
        row("---", "---")
        row(
            f"{WARM} right requests, then {2 * REQUESTS} at once",
            f"{listed(own.asks(WARM) + own.at_once(2 * REQUESTS))}",
        )
        before = own.memory_kib()
        abuse(own)
        row(f"{WARM} right requests", listed(own.asks(WARM)))
        after = own.memory_kib()
        growth = [now / was - 1 for now, was in zip(after, before, strict=True)]
        for name, was, now, more in zip(("server", "engine"), before, after, growth, strict=True):
            row(f"memory of the {name}", f"{was / 1024:.1f} to {now / 1024:.1f} MiB ({more:+.1%})")
        row("wrong answers", own.wrong)
        status = server.end()
        row("status after SIGTERM", status)
        fell = "engine fell" in server.log.read_text() or "Traceback" in server.log.read_text()
    return int(fell or status != 0 or own.wrong > 0 or max(growth) > 0.05)


def main(argv: Sequence[str]) -> int:
    """Read the flags and do the trial."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--model", default="x0_25")
    parser.add_argument("--runner", default="onnxruntime")
    parser.add_argument("--max-batch", type=int, default=1)
    given = parser.parse_args(argv)
    return trial(given.model, given.runner, given.max_batch)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
