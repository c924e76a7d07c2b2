"""`bench fleet`: start a scheduler, join this machine, show the state, make certificates."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.core.errors import InputError, UnknownName
from bench.core.output import say, say_command, show, show_lines
from bench.core.program import command, program
from bench.core.units import number_of
from bench.experiments.context import Options, Tables
from bench.fleet import scheduler, worker
from bench.fleet.jobs import connected
from bench.fleet.reservations import parsed
from bench.fleet.security import default_folder, make_certificates
from bench.fleet.status import FleetState, JobState, state_of

WATCH_S = 2.0
_CLEAR = "\x1b[H\x1b[2J"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingOptions:
    """Where a scheduler listens and with which dashboard, what a worker is called and what its
    jobs reserve, the folder of the certificates, and whether the state is shown again and again.
    """

    host: str = "127.0.0.1"
    port: int = scheduler.PORT
    name: str = ""
    reserve: Sequence[str] = ()
    certificates: Path | None = None
    dashboard: bool = False
    watch: bool = False


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of `bench fleet`: what it does, and how many words it takes at least and at most."""

    carry_out: Callable[..., None]
    least: int
    most: int
    missing: str = ""


def run(options: Options, tables: Tables) -> int:
    """Carry out one of its words; start and join stay until a signal ends them.

    Returns 0; raises BenchError.
    """
    del tables
    name, *rest = options.words or [""]
    if name not in _WORDS:
        raise (
            UnknownName("word", name, _WORDS, of=command("fleet"))
            if name
            else InputError(
                f"{command('fleet')} lacks a word", hint=f"choose from {', '.join(_WORDS)}"
            )
        )
    word = _WORDS[name]
    if len(rest) < word.least:
        raise InputError(f"{command(f'fleet {name}')} takes 1 address", hint=word.missing)
    if len(rest) > word.most:
        raise InputError(
            f"{command(f'fleet {name}')} takes no word more", hint=f"leave out {rest[-1]}"
        )
    word.carry_out(options, *rest)
    return 0


def _start(options: Options) -> None:
    chosen = options.of(ServingOptions)
    scheduler.serve(
        chosen.host,
        chosen.port,
        _ready,
        certificates=chosen.certificates,
        dashboard=chosen.dashboard,
    )


def _ready(address: str) -> None:
    say_command(
        f"the scheduler is at {address}; join a machine with", f"{program()} fleet join {address}"
    )


def _join(options: Options, address: str) -> None:
    chosen = options.of(ServingOptions)
    name = chosen.name or socket.gethostname()
    worker.join(
        address,
        name,
        options,
        certificates=chosen.certificates,
        reservations=parsed(chosen.reserve),
    )


def _certificates(options: Options, folder: str | None = None) -> None:
    del options
    made = make_certificates(default_folder() if folder is None else Path(folder))
    say(f"wrote the fleet's certificates to {made}: copy that folder to each machine of it")
    say("who has it can run anything on all of them; it is valid for a year")


def _status(options: Options, address: str) -> None:
    chosen = options.of(ServingOptions)
    with connected(address, chosen.certificates) as fleet:
        while True:
            state = state_of(fleet)
            if chosen.watch and sys.stdout.isatty():
                show(_CLEAR)
            if options.as_json:
                show(json.dumps(asdict(state), indent=1) + "\n")
            else:
                show_lines(_lines(state))
            if not chosen.watch:
                return
            time.sleep(WATCH_S)


def _lines(state: FleetState) -> Iterator[str]:
    """Yield the state as text: the machines with what they offer, then the jobs."""
    for it in state.targets:
        silent = state.silent_s.get(it.worker, 0.0)
        gone = f"  silent for {silent:.0f} s" if silent > worker.LOOKS_EVERY_S else ""
        yield f"{it.worker:20}  {it.target}  {it.title}{gone}"
    if not state.targets:
        yield "no machine has joined"
    counts = ((name, state.count(name)) for name in ("running", "waiting", "failed", "done"))
    jobs = ", ".join(f"{count} {name}" for name, count in counts if count)
    yield f"{number_of(len(state.jobs), 'job')}{': ' * bool(jobs)}{jobs}"
    yield from (_line(job) for job in state.jobs if job.state != "done")
    if state.dashboard is not None:
        yield f"Dask's dashboard: {state.dashboard}"


def _line(job: JobState) -> str:
    more = [] if job.on is None else [f"on {job.on}"]
    more += [] if job.for_s is None else [f"for {job.for_s:.0f} s"]
    more += [] if job.sessions is None else [number_of(job.sessions, "session")]
    more += [] if job.why is None else [job.why]
    return f"  {job.state:8}  {job.job}  {', '.join(more)}".rstrip()


_ADDRESS = "give the scheduler's address, as in tcp://127.0.0.1:8786"
_WORDS: Mapping[str, _Word] = {
    "start": _Word(_start, 0, 0),
    "join": _Word(_join, 1, 1, _ADDRESS),
    "status": _Word(_status, 1, 1, _ADDRESS),
    "certificates": _Word(_certificates, 0, 1),
}
