"""`bench run --fleet`: jobs sent, their runs merged as they come in, one report on all of them."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from bench.cli import options as o
from bench.cli.commands import VERBS
from bench.cli.console import OutputOptions, conclude
from bench.core.errors import BenchError, InputError
from bench.core.output import say
from bench.core.program import command, program
from bench.core.units import number_of
from bench.experiments.context import Options
from bench.experiments.latency.job import suite_of
from bench.experiments.progress import Display, Unit, display
from bench.fleet.archive import merge
from bench.fleet.jobs import (
    Delivery,
    Fleet,
    FleetOptions,
    Job,
    connected,
    fitting,
    jobs_for,
    new_campaign,
)
from bench.storage.run_folders import RunFolder
from bench.storage.store import Store

_ON_EACH_MACHINE = {"results", "cache", "envs", "device", "gpu"}
_OF_THIS_ONE = {"as_json", "explain", "lang", "verbose", "no_report", "resume"}
_LINES = 8


@dataclass(slots=True)
class _Jobs:
    """What this run has sent, and what it came to."""

    store: Store
    fleet: Fleet
    shown: Display
    runs: list[RunFolder] = field(default_factory=list)
    failed: int = 0

    def fetch(self, futures: Sequence[object]) -> None:
        """Merge what comes in until every job has ended; raises BenchError."""
        left = len(futures)
        self._starts(left)
        for job, delivery in self.fleet.deliveries(futures):
            where = job.worker if isinstance(delivery, BenchError) else delivery.worker
            unit = Unit(label=f"{job.target} on {where}", left=left, execute=str)
            self.shown.ended(unit, self._take(unit.label, delivery))
            left -= 1
            self._starts(left)

    def _starts(self, left: int) -> None:
        if left:
            self.shown.starts(Unit(label=number_of(left, "job"), left=left, execute=str))

    def _take(self, label: str, delivery: Delivery | BenchError) -> str:
        try:
            if isinstance(delivery, BenchError):
                raise delivery
            if delivery.archive is None:
                lines = delivery.log_tail.strip().splitlines() or ["it printed nothing"]
                why = "\n".join(lines[-_LINES:]).removeprefix("bench: ")
                raise BenchError(f"status {delivery.status}: {why}", hint=f"see {delivery.worker}")
            merged = merge(delivery.archive, self.store)
        except BenchError as error:
            self.failed += 1
            say(f"bench: {label} failed: {error.problem}: {error.hint}")
            return "failed"
        self.runs.append(merged.folder)
        return f"run {merged.folder.path.name}{' (there already)' * merged.known}"


def run_fleet(options: Options) -> int:
    """Measure at each target of the fleet that fits, merge the runs and report on them.

    Returns 0: every cell is measured, 1: some isn't, or a job failed. Raises BenchError, and
    KeyboardInterrupt with the command that goes on.
    """
    chosen = options.of(FleetOptions)
    if options.resume is not None:
        raise InputError("--resume is of one run", hint="go on over a fleet with --campaign ID")
    chosen = replace(chosen, campaign=chosen.campaign or new_campaign())
    kind = suite_of(options).file.target
    store = Store(options.results)
    store.check_writable()
    with connected(chosen.fleet, chosen.certificates) as fleet, display() as shown:
        places = fitting(fleet.places(), kind, chosen.at)
        jobs = jobs_for(places, chosen, *job_words(options.command))
        sent = _Jobs(store=store, fleet=fleet, shown=shown)
        many, state = number_of(len(jobs), "job"), command(f"fleet status {chosen.fleet}")
        say(f"campaign {chosen.campaign}: {many}; {state} shows where they are")
        _carry_out(sent, jobs, again_command(options.command, chosen.campaign))
    status = int(bool(sent.failed))
    if not sent.runs or options.of(OutputOptions).no_report:
        return status
    return max(status, conclude(options, sent.runs, None))


def _carry_out(sent: _Jobs, jobs: Sequence[Job], again: str) -> None:
    futures = sent.fleet.submit(jobs)
    try:
        sent.fetch(futures)
    except KeyboardInterrupt:
        sent.fleet.end(futures)
        done = f"{len(sent.runs)} of {number_of(len(jobs), 'job')} merged"
        raise KeyboardInterrupt(
            f"{done}; what the others measured is kept; go on with", again
        ) from None
    except BenchError as error:
        error.command = again
        raise


def job_words(command: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words of a job of `bench run --fleet`, and those of its resumption."""
    fleet = {str(it.name) for it in o.FLEET}
    words = list(_without(command[1:], {*fleet, *_ON_EACH_MACHINE, *_OF_THIS_ONE}))
    return words, list(_without(words, {str(it.name) for it in o.OF_A_NEW_RUN}))


def again_command(command: Sequence[str], campaign: str) -> str:
    """Return the command line that goes on with the jobs of a campaign."""
    words = [command[0], *_without(command[1:], {"campaign"}), "--campaign", campaign]
    return f"{program()} {shlex.join(words)}"


def _without(words: Sequence[str], dropped: Collection[str]) -> Iterator[str]:
    """Yield the words of `bench run` but for the options of those names and their values."""
    flags = {flag: it for it in (*VERBS["run"].params, *o.COMMON) for flag in it.opts}
    rest = iter(words)
    for word in rest:
        flag, equals, _ = word.partition("=")
        option = flags.get(flag)
        if option is None or option.name not in dropped:
            yield word
        elif not equals and not getattr(option, "alone", True):
            next(rest, None)
