"""A live comparison of two commands: the same sessions, store and verdicts as that of two nets.

A run is a fresh process and one sample. A session is a block of pairs of bursts, mostly of one run
each: runs that follow each other share the state of the machine, so that the interval is over
blocks. docs/regression.md says more.
"""

from __future__ import annotations

import random
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from bench.analysis.interleaved import ARMS, Burst, Growth, Measure
from bench.core.cell import TargetSpec
from bench.core.digest import canonical_digest
from bench.core.errors import InputError
from bench.core.protocol import request_for
from bench.experiments.ab.alternators import Figures, Starts
from bench.experiments.ab.command import Command, parse_commands
from bench.experiments.ab.interleave import Rule, alternate
from bench.experiments.ab.progress import Pair
from bench.experiments.ab.session import SessionRunner, sessions_left
from bench.experiments.ab.spec import ArmOptions
from bench.experiments.arms import ArmLost
from bench.experiments.context import Options, Tables
from bench.experiments.progress import Units
from bench.experiments.provenance import begun, hidden, make_provenance
from bench.experiments.resume import ANEW, PASSED, SYSTEM, Same
from bench.launcher.client import OpenWorker, Worker, WorkerFailed
from bench.launcher.environment import command_environment
from bench.launcher.process import ChildFailed
from bench.storage.run_folders import AbFolder
from bench.storage.schema.ab import AbManifest, ArmFields, ArmName, Cause, GrowthFields
from bench.targets.base import Target

RULE = Rule(pairs=5, least_calls=1, dropped=0)
"""Bursts of 50 ms, of one run at least; a fresh process has no cold sample to drop."""

_LAST_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Alternates runs of two commands, which one worker starts in `cwd`, one after the other."""

    commands: Mapping[ArmName, Command]
    env: Mapping[str, str]
    open_worker: OpenWorker
    cwd: Path = field(default_factory=Path.cwd)
    timeout_s: float = 600.0
    cause: Cause = "both"

    def __call__(
        self, starts: Starts, opened: Sequence[ArmName], rule: Rule, chance: random.Random
    ) -> Figures:
        """Return the figures; raises ArmLost. A command first runs once without being counted."""
        first, second = opened
        request = request_for("run_command", **self._arguments(first, 1))
        with self.open_worker(request, python=Path(sys.executable), env={}) as worker:
            answer = self._named(first, partial(worker.first, timeout_s=self.timeout_s))
            warm = {first: answer["samples_ns"], second: self._runs(worker, second, 1).ns}
            calls = {name: rule.calls(ns) for name, ns in warm.items()}
            arms = {name: partial(self._runs, worker, name) for name in opened}
            bursts = alternate(arms, calls, rule, chance)
            return {
                "arms": {
                    name: {"kind": "command", "pid": worker.pid, "warmup_ns": list(ns)}
                    for name, ns in warm.items()
                },
                "bursts": [burst.to_json() for burst in bursts],
            }

    def _runs(self, worker: Worker, name: ArmName, count: int) -> Burst:
        arguments = self._arguments(name, count)
        call = partial(worker.call, "run_command", timeout_s=self.timeout_s, **arguments)
        answer = dict(self._named(name, call))
        return Burst(name, tuple(answer.pop("samples_ns")), figures=answer)

    def _arguments(self, name: ArmName, count: int) -> dict[str, Any]:
        words = list(self.commands[name].words)
        return {"words": words, "env": dict(self.env), "cwd": str(self.cwd), "count": count}

    def _named(self, name: ArmName, call: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        try:
            return call()
        except WorkerFailed as failed:
            raise ArmLost(name, self._failure(self.commands[name], failed.failure)) from failed

    def _failure(self, command: Command, failure: ChildFailed) -> ChildFailed:
        """Return a worker's failure as the command's."""
        if failure.kind == "timeout":
            message = f"`{command.label}` wasn't done within {self.timeout_s:g} s and was ended"
            return replace(failure, message=message, hint="compare commands that take less")
        if failure.kind not in {"command-failed", "unavailable"}:
            return replace(failure, message=f"`{command.label}`: {failure.message}")
        lines = [line.strip() for line in failure.log_tail.splitlines() if line.strip()]
        last = f": {lines[-1][-_LAST_CHARS:]}" if lines else ""
        return replace(failure, message=f"`{command.label}` {failure.message}{last}")


@dataclass(slots=True, kw_only=True)
class CommandExperiment:
    """Sessions of two commands, until the interval of their ratio is narrow enough."""

    commands: Mapping[ArmName, Command]
    options: Options
    tables: Tables
    growth: Growth
    open_worker: OpenWorker
    rule: Rule = RULE
    measure: Measure = "wall"
    verb: str = "ab"
    directory: type[AbFolder] = AbFolder
    resume_identity: Sequence[Same] = (
        SYSTEM,
        PASSED,
        Same(
            path="arms.*.code", what="the command of {0}", remedy="give the same --cmd as then"
        ),
        Same(
            path="arms.*.artifacts.*.*",
            what="the file {2} of {0}'s command",
            remedy="bring it back, in the folder of then",
        ),
    )  # fmt: skip

    def spec(self) -> TargetSpec:
        """Return this machine; raises InputError for a flag of nets or of another target."""
        _check_flags(self.options)
        return self.options.checked_target("a command", "cpu", self.tables.targets)

    def plan(self, target: Target) -> Mapping[str, Any]:
        """Return the commands and the files that they name."""
        del target
        arms = {name: _fields(command).model_dump() for name, command in self.commands.items()}
        return {"arms": arms, "pairs": [self._pair.id]}

    @property
    def _pair(self) -> Pair:
        base, head = (self.commands[name] for name in ARMS)
        return Pair(base=base, head=head, start=lambda chance: {})

    def prepare(self, target: Target, say: Callable[[str], None]) -> AbManifest:
        """Return the manifest: there is nothing to build."""
        for name, command in self.commands.items():
            say(f"{name}: {command.label}")
        origin = make_provenance({}, self.options, target)
        return AbManifest(
            **begun(origin, target),
            compares="commands",
            target=target.spec.kind,
            seed=self.options.seed,
            growth=GrowthFields(**asdict(self.growth)),
            measure=self.measure,
            arms={name: _fields(command) for name, command in self.commands.items()},
            pairs=[self._pair.id],
        )

    def pending(self, run: AbFolder, target: Target, clock: Callable[[], float]) -> Units:
        """Yield the sessions that are left."""
        env = command_environment(self.options.passed)
        runner = SessionRunner(
            rule=self.rule,
            target=target,
            alternate=Runs(commands=self.commands, env=env, open_worker=self.open_worker),
            scrub=hidden,
            ratio_of=self.measure,
        )
        return sessions_left(
            [self._pair], runner, run, growth=self.growth, seed=self.options.seed, clock=clock
        )

    def resume_flags(self, run: AbFolder) -> list[str]:
        """Return the commands that aren't stored in full, and the folder of the results."""
        given = [
            f"--cmd {shlex.quote(shlex.join(self.commands[name].words))}"
            for name in ARMS
            if any(map(_lacks_words, run.manifest().arms.values()))
        ]
        return [*given, *self.options.again(("results",), self.tables.targets)]


def new_commands(
    options: Options, tables: Tables, growth: Growth, open_worker: OpenWorker
) -> CommandExperiment:
    """Return the comparison of the commands in `options`; raises InputError."""
    base, head = parse_commands(options.of(ArmOptions).cmd)
    return CommandExperiment(
        commands={"base": base, "head": head},
        options=options,
        tables=tables,
        growth=growth,
        open_worker=open_worker,
        measure=options.of(ArmOptions).measure,
    )


def resumed_commands(
    run: AbFolder, options: Options, tables: Tables, open_worker: OpenWorker
) -> CommandExperiment:
    """Return what `run` began with; raises InputError for a command that isn't stored in full."""
    manifest, given = run.manifest(), options.of(ArmOptions).cmd
    if not given and any(map(_lacks_words, manifest.arms.values())):
        raise InputError(
            f"a command of comparison {run.path.name} has a path, and paths aren't stored",
            hint=f"give both again with --cmd, or {ANEW}",
        )
    base, head = parse_commands(given or [shlex.join(manifest.arms[it].asked) for it in ARMS])
    return CommandExperiment(
        commands={"base": base, "head": head},
        options=replace(options, seed=manifest.seed),
        tables=tables,
        growth=Growth(**manifest.growth.model_dump()),
        open_worker=open_worker,
        measure=manifest.measure,
    )


def _fields(command: Command) -> ArmFields:
    return ArmFields(
        asked=command.shown,
        title=command.title,
        commit=None,
        dirty=None,
        code=command.digest,
        environments={},
        models={},
        artifacts={"files": command.files()},
    )


def _lacks_words(arm: ArmFields) -> bool:
    """Tell whether the stored words aren't the command's, since it has a path or a secret."""
    return canonical_digest(arm.asked) != arm.code


def _check_flags(options: Options) -> None:
    """Raise InputError for a flag that says something of nets."""
    axes = options.axes
    given = {
        "--base": "base" in options.own,
        "--head": "head" in options.own,
        "--variant": options.variants,
        "--runner": axes.runners,
        "--batch": axes.batches,
        "--threads": axes.threads,
    }
    for flag in (flag for flag, value in given.items() if value):
        raise InputError(
            f"--cmd compares commands, and {flag} is of nets", hint="leave one of them out"
        )
