"""Abuse a server and print what became of it, as a table for docs/serving.md.

    .venv/bin/python scripts/serving_trial.py [--write] [--model A,B] [--runner A,B] [--max-batch N]

A server of the net answers right requests first, then 200 that aren't any, twice as many at once as
it takes, over and over, and 50 clients that go away in the middle. Memory is what the server and
its engine hold before and after that. An answer is right where it is what the server said to the
same image before (relative L2 of 1e-5): its engine's own first one was held against the net's
reference when it opened.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

import numpy as np

from bench.devices.host.facts import heading, read_host
from bench.serving.client import Connection, describe, parse_url
from scripts.marked_text import write_between
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
MOST_GROWTH = 1.05
_SETTLES_S = 3.0
PAGE = PROJECT / "docs" / "serving.md"
BEGIN, END = "<!-- trial:begin -->", "<!-- trial:end -->"


@dataclass(slots=True, kw_only=True)
class Trial:
    """A server, the images that it is sent, and what it said to each at first."""

    server: Served
    target: Target
    images: Sequence[Any]
    wanted: list[Any] = field(default_factory=list)
    wrong: int = 0
    fails: bool = False

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


def listed(statuses: Counter[int]) -> str:
    """Return how often there was which status; 0 is a connection that ended without one."""
    names = {0: "connection ended"}
    return ", ".join(f"{names.get(it, it)}: {statuses[it]}" for it in sorted(statuses))


def abuse(own: Trial) -> Iterator[tuple[str, str]]:
    """Do to the server what it has to outlive; yield each step and what was answered."""
    raws = malformed(own.target, MALFORMED)
    answered = Counter(send(own.target.address, it).status for it in raws)
    yield f"{MALFORMED} malformed requests", listed(answered)
    overload = Counter[int]()
    for _ in range(ROUNDS):
        overload += own.at_once(2 * REQUESTS)
    yield f"{ROUNDS} times {2 * REQUESTS} at once, {REQUESTS} may be there", listed(overload)
    drop(own.target, DROPPED, own.images[0])
    yield f"{DROPPED} clients that go away", "nobody is there"


def steps(own: Trial) -> Iterator[tuple[str, str]]:
    """Yield the rows of a server's column."""
    first = own.asks(WARM) + own.at_once(2 * REQUESTS)
    yield f"{WARM} right requests, then {2 * REQUESTS} at once", listed(first)
    before = own.memory_kib()
    yield from abuse(own)
    yield f"{WARM} right requests", listed(own.asks(WARM))
    after = own.memory_kib()
    for name, was, now in zip(("server", "engine"), before, after, strict=True):
        own.fails |= now > MOST_GROWTH * was
        yield f"memory of the {name}", f"{was / 1024:.1f} to {now / 1024:.1f} MiB"
    yield "wrong answers", str(own.wrong)
    status, log = own.server.end(), own.server.log.read_text()
    yield "status after SIGTERM", str(status)
    own.fails |= status != 0 or own.wrong > 0 or "engine fell" in log or "Traceback" in log


def column(model: str, runner: str, max_batch: int) -> tuple[dict[str, str], bool]:
    """Return a server's column, and whether it fell, leaked or answered wrongly."""
    words = [model, "--runner", runner, "--max-requests", str(REQUESTS)]
    with (
        tempfile.TemporaryDirectory() as folder,
        started("bench", [*words, "--max-batch", str(max_batch)], Path(folder) / "log") as server,
    ):
        own = opened(server, model)
        return dict(steps(own)), own.fails


def table(columns: Mapping[str, Mapping[str, str]]) -> str:
    """Return the columns side by side."""
    first = next(iter(columns.values()))
    rows = [["HTTP statuses", *columns], ["---"] * (len(columns) + 1)]
    rows += [[step, *(column[step] for column in columns.values())] for step in first]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main(argv: Sequence[str]) -> int:
    """Do the trial of each pair and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--model", default="x0_25", help="models, by comma")
    parser.add_argument("--runner", default="onnxruntime,openvino", help="runners, by comma")
    parser.add_argument("--max-batch", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="put it into docs/serving.md")
    given = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # its servers end with it
    columns, failed = {}, False
    for model, runner in product(given.model.split(","), given.runner.split(",")):
        columns[f"{model}, {runner}"], fails = column(model, runner, given.max_batch)
        failed |= fails
    print(text := table(columns))
    if given.write:
        dated = f"{text}\n\n{heading(read_host())}, {time.strftime('%Y-%m-%d')}."
        write_between(PAGE, BEGIN, END, dated)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
