"""Reservations of a lab's own system, held while a job measures. A new system is one line.

Where people share boards by labgrid, a job takes its place there as a person does, by
`labgrid-client -p PLACE acquire`, and waits while somebody else has it.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.core.errors import BenchError, InputError, Unavailable, UnknownName
from bench.core.output import say
from bench.core.threads import check_interrupted
from bench.launcher.programs import run_program

TRIES_EVERY_S = 15.0
_ANSWERS_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Provider:
    """A program, and its words for taking and giving back a place."""

    program: str
    acquire: tuple[str, ...]
    release: tuple[str, ...]


PROVIDERS: Mapping[str, Provider] = {
    "labgrid": Provider("labgrid-client", ("-p", "{}", "acquire"), ("-p", "{}", "release")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A place that jobs at `target` need, "" for all of this machine's jobs."""

    provider: str
    place: str
    target: str = ""

    def call(self, words: Sequence[str]) -> tuple[int, str]:
        """Run its program; return its status and what it wrote. Raises Unavailable."""
        command = [PROVIDERS[self.provider].program, *(it.format(self.place) for it in words)]
        done = run_program(command, env=os.environ, cwd=Path.cwd(), timeout_s=_ANSWERS_WITHIN_S)
        return done.returncode, f"{done.stdout}\n{done.stderr}"


def parsed(texts: Sequence[str]) -> tuple[Reservation, ...]:
    """Return the reservations that `[TARGET=]PROVIDER:PLACE` name.

    Raises InputError for another form, UnknownName and Unavailable for a provider.
    """
    return tuple(map(_parsed, texts))


def _parsed(text: str) -> Reservation:
    target, equals, rest = text.rpartition("=")
    provider, colon, place = rest.partition(":")
    if not (colon and place) or (equals and not target):
        raise InputError(
            f"'{text}' is no reservation", hint="write PROVIDER:PLACE or TARGET=PROVIDER:PLACE"
        )
    if provider not in PROVIDERS:
        raise UnknownName("system of reservations", provider, PROVIDERS)
    program = PROVIDERS[provider].program
    if shutil.which(program) is None:
        raise Unavailable(
            f"the program {program} isn't on PATH", hint=f"install {provider} on this machine"
        )
    return Reservation(provider=provider, place=place, target=target)


@contextmanager
def reserved(
    reservations: Sequence[Reservation], target: str, given_up: threading.Event
) -> Iterator[None]:
    """Hold the places that jobs at `target` need, in the order of their names.

    Waits while somebody else has one; raises BenchError once `given_up` is set.
    """
    with ExitStack() as stack:
        needed = [it for it in reservations if it.target in ("", target)]
        for each in sorted(needed, key=lambda it: (it.provider, it.place)):
            _acquire(each, given_up)
            stack.callback(_release, each)
        yield


def _acquire(one: Reservation, given_up: threading.Event) -> None:
    said = ""
    while True:
        status, text = one.call(PROVIDERS[one.provider].acquire)
        if status == 0:
            return
        why = next((it for it in reversed(text.split("\n")) if it.strip()), "it gave no reason")
        if why != said:
            say(f"waiting for {one.provider}'s place {one.place}: {why}")
        said = why
        check_interrupted()
        if given_up.wait(TRIES_EVERY_S):
            raise BenchError(
                f"the job was taken back while it waited for {one.place}", hint="send it again"
            )


def _release(one: Reservation) -> None:
    if one.call(PROVIDERS[one.provider].release)[0] != 0:
        say(f"bench: {one.provider}'s place {one.place} couldn't be released: do it by hand")
