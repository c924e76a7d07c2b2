"""The one way in which an experiment is created, resumed, carried out and finished. No engine."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from bench.core.cell import TargetSpec
from bench.core.digest import canonical_digest
from bench.core.errors import BenchError, InputError, ResultsError, ResultsNotWritable
from bench.core.locks import cache_in_use, held, runtime_folder
from bench.core.output import say, say_command
from bench.core.program import program
from bench.environments.interpreters import Environments
from bench.experiments.context import Options, Tables
from bench.experiments.preparation import say_dropped
from bench.experiments.progress import Display, Units
from bench.experiments.quiet import Quiet, QuietOptions
from bench.experiments.resume import Same, check_same
from bench.storage.directory import RunDirectory
from bench.storage.files import id_after, seconds_behind, utc_now
from bench.storage.schema.common import System
from bench.storage.store import Store
from bench.targets.base import Target, opened

_IN_A_ROW_S = 60.0  # runs in a row move ids ahead of the clock by a second each
INTERRUPTED = 130
"""The exit status of an experiment that a person interrupted."""

Run = TypeVar("Run", bound=RunDirectory[Any, Any])


class Experiment(Protocol[Run]):
    """What latencies, comparisons and accuracies differ in. Its methods are called in this order.

    `verb` resumes it; `directory` is where it is stored. Each method raises InputError for what
    can't be, and Unavailable for what this machine lacks.
    """

    @property
    def verb(self) -> str: ...
    @property
    def directory(self) -> type[Run]: ...
    @property
    def resume_identity(self) -> Sequence[Same]:
        """Which parts of the manifest must be equal to resume a run."""
        ...

    def spec(self) -> TargetSpec:
        """Return where it runs."""
        ...

    def plan(self, target: Target) -> Mapping[str, Any]:
        """Return what is known of the manifest before anything is built."""
        ...

    def prepare(self, target: Target, say: Callable[[str], None]) -> BaseModel:
        """Build what it needs and return the manifest of a run that starts now."""
        ...

    def pending(self, run: Run, target: Target, clock: Callable[[], float]) -> Units:
        """Yield what `run` doesn't hold yet; each unit is executed before the next is drawn.

        `clock` counts the seconds of measuring, without those of waiting for a quiet machine.
        """
        ...

    def resume_flags(self, run: Run) -> Sequence[str]:
        """Return the flags that the command to resume `run` can't do without."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult(Generic[Run]):
    """Where an experiment is stored, the command that resumes it, and whether a person interrupted
    it.
    """

    run: Run
    system: System
    resume: str
    interrupted: bool


def find_unfinished(directory: type[Run], store: Store, run_id: str) -> Run:
    """Return the run of that id, or the newest for `latest`; raises InputError if complete."""
    run = directory.find(store, run_id)
    if run.manifest().status == "complete" and not run.lacks():
        raise InputError(
            f"{run.kind.title} {run.path.name} is complete",
            hint="leave --resume out to start a new one",
        )
    return run


def run_experiment(
    experiment: Experiment[Run],
    options: Options,
    tables: Tables,
    *,
    resumed: Run | None = None,
    shown: Display,
) -> RunResult[Run]:
    """Carry out `experiment` into a new run, or the rest of it into the `resumed` one.

    Whatever aborts it leaves a run that can be resumed. Raises BenchError.
    """
    store = Store(options.results)
    quiet = Quiet(options=options.of(QuietOptions), read=tables.busy, shown=shown)
    with ExitStack() as locks:
        if resumed is not None:
            locks.enter_context(resumed.locked())
        target = locks.enter_context(opened(experiment.spec(), tables.targets, store))
        locks.enter_context(held_target(target.spec.kind, target.spec.device))
        say_dropped(options, target)
        known = {"system_id": target.system.system_id, **experiment.plan(target)}
        if resumed is not None:
            check_same(resumed, known, experiment.resume_identity)
        store.check_writable()
        quiet.begin(target.spec)
        Environments(options.cache, options.envs)  # refuses names that there are none of
        locks.enter_context(cache_in_use(options.cache))
        with _preparing(options):
            manifest = experiment.prepare(target, shown.prepares)
        if resumed is None:
            manifest = _in_order(manifest, experiment.directory, store)
            run = experiment.directory.create(store, manifest, target.system)
            locks.enter_context(run.locked())
        else:
            check_same(resumed, manifest.model_dump(), experiment.resume_identity)
            run = resumed
            _set_status(run, "running", finished=None, sealed={})
        resume = resume_command(experiment, run)
        interrupted = _measure(experiment, run, target, quiet, resume)
    return RunResult(run=run, system=target.system, resume=resume, interrupted=interrupted)


@contextmanager
def _preparing(options: Options) -> Iterator[None]:
    """Say at an interruption what stays, and the command that goes on from there."""
    try:
        yield
    except KeyboardInterrupt:
        again = f"{program()} {shlex.join(options.command)}"
        raise KeyboardInterrupt(
            "nothing was measured yet, and what is whole stays in the cache; go on with", again
        ) from None


def _measure(
    experiment: Experiment[Run], run: Run, target: Target, quiet: Quiet, resume: str
) -> bool:
    """Execute what is pending; return whether a person interrupted it."""
    with kept(run, resume) as end:
        with closing(experiment.pending(run, target, quiet.measuring_s)) as units:
            for unit in units:
                quiet.wait()
                quiet.shown.starts(unit)
                quiet.shown.ended(unit, unit.execute())
        _set_status(run, "complete", finished=utc_now(), sealed=run.seals())
        run.unlock()
    return end.interrupted


def _in_order(manifest: BaseModel, directory: type[Run], store: Store) -> BaseModel:
    """Return the manifest under an id that sorts behind those of all stored runs of its kind."""
    stored = store.run_folders(directory.kind.folder)
    newest = stored[-1].name if stored else None
    own = getattr(manifest, "run_id")  # noqa: B009 - every manifest has one
    later = id_after(own, newest)
    if newest is not None and seconds_behind(own, newest) > _IN_A_ROW_S:
        say(f"bench: the clock is behind run {newest}: this run is {later}, to stay the newest")
    return manifest.model_copy(update={"run_id": later})


def held_target(kind: str, device: str | None) -> AbstractContextManager[None]:
    """Hold a target for this process alone: two at a time would share its cores."""
    of = "" if device is None else f"-{canonical_digest(device)}"
    return held(runtime_folder() / f"{kind}{of}.lock", f"target {kind}")


def resume_command(experiment: Experiment[Run], run: Run) -> str:
    """Return the command that resumes `run`."""
    words = [f"{program()} {experiment.verb} --resume {run.path.name}"]
    return " ".join([*words, *experiment.resume_flags(run)])


def tell_interruption(resume: str) -> int:
    """Write that a person interrupted a run and the command to resume it; return the status."""
    say("")
    say_command("bench: interrupted; what was measured is kept; resume with", resume)
    return INTERRUPTED


@dataclass(slots=True)
class End:
    """How an experiment ended: `interrupted` by a person, or not."""

    interrupted: bool = False


@contextmanager
def kept(run: RunDirectory[Any, Any], resume: str) -> Iterator[End]:
    """Add the command `resume` to errors that abort a run, and mark the run as interrupted.

    A run that has stored nothing yet when such an error comes leaves no folder.
    The status stays as it is where nothing can be written. A person's interruption goes no further:
    what is yielded says so.
    """
    end = End()
    try:
        yield end
    except ResultsNotWritable as error:
        _add_resume(error, "free some space", resume)
        raise
    except BenchError as error:
        if run.drop_if_empty():
            raise
        _interrupt(run)
        _add_resume(error, error.hint, resume)
        raise
    except KeyboardInterrupt:
        _interrupt(run)
        end.interrupted = True
    except BaseException:
        _interrupt(run)
        say_command("bench: what was measured is kept; resume with", resume)
        raise


def _add_resume(error: BenchError, remedy: str, resume: str) -> None:
    error.problem = f"{error.problem}; what was measured before is kept"
    error.hint, error.command = f"{remedy}, then resume with", resume


def _interrupt(run: RunDirectory[Any, Any]) -> None:
    """Mark the run; where that fails, the error that aborted it matters more."""
    with suppress(ResultsError):
        _set_status(run, "interrupted")


def _set_status(run: RunDirectory[Any, Any], status: str, **fields: object) -> None:
    run.write_manifest(run.manifest().model_copy(update={"status": status, **fields}))
