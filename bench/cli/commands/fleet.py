"""`bench fleet`: start a scheduler, join this machine to it, or show what it has."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from bench.core.errors import InputError, UnknownName
from bench.core.output import say_command, show, show_lines
from bench.core.program import program
from bench.experiments.context import Options, Tables
from bench.fleet import scheduler, worker
from bench.fleet.jobs import connected


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingOptions:
    """Where a scheduler listens, and what a worker is called."""

    host: str = "127.0.0.1"
    port: int = scheduler.PORT
    name: str = ""


def run(options: Options, tables: Tables) -> int:
    """Carry out one of start, join and status; the first two stay until a signal ends them.

    Returns 0; raises BenchError.
    """
    del tables
    word, *rest = options.words or [""]
    if word not in _WORDS:
        raise (
            UnknownName("word of `bench fleet`", word, _WORDS)
            if word
            else InputError("`bench fleet` lacks a word", hint=f"choose from {', '.join(_WORDS)}")
        )
    wanted = int(word != "start")
    if len(rest) != wanted:
        hint = (
            "give the scheduler's address, as in tcp://127.0.0.1:8786" if wanted else "leave it out"
        )
        raise InputError(f"`bench fleet {word}` takes {wanted or 'no'} address", hint=hint)
    _WORDS[word](options, *rest)
    return 0


def _start(options: Options) -> None:
    chosen = options.of(ServingOptions)
    scheduler.serve(chosen.host, chosen.port, _ready)


def _ready(address: str) -> None:
    say_command(
        f"the scheduler is at {address}; join a machine with", f"{program()} fleet join {address}"
    )


def _join(options: Options, address: str) -> None:
    worker.join(address, options.of(ServingOptions).name or socket.gethostname(), options)


def _status(options: Options, address: str) -> None:
    with connected(address) as fleet:
        places = fleet.places()
    if options.as_json:
        show(json.dumps({"targets": [asdict(it) for it in places]}, indent=1) + "\n")
    else:
        show_lines(f"{it.worker:20}  {it.target}  {it.title}" for it in places)


_WORDS: Mapping[str, Callable[..., None]] = {"start": _start, "join": _join, "status": _status}
