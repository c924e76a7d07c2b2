"""From what a person names to a comparison: runs, folders of runs, baselines, self-tests."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from bench.analysis.contention import counted_ns
from bench.analysis.coverage import SESSIONS
from bench.analysis.live_verdicts import verdicts
from bench.analysis.power import log_sd, smallest_slowdown
from bench.analysis.selftest import AGAIN, BASE, SUITE
from bench.analysis.stored_doubts import Side
from bench.analysis.stored_runs import compare_runs
from bench.analysis.tactics import with_tactics
from bench.analysis.verdicts import Comparison, share
from bench.config.suite import load_suite
from bench.config.thresholds import DEFAULT, Gate
from bench.core.errors import BrokenResult, InputError, ResultsError, UnknownName
from bench.core.program import command, run_command
from bench.experiments.context import Options
from bench.reports.build import ViewedRuns
from bench.storage.index import Index
from bench.storage.run_folders import AbFolder, RunFolder
from bench.storage.schema.ab import AbRecord
from bench.storage.schema.baseline import Baseline
from bench.storage.schema.common import System
from bench.storage.schema.latency import Measured, Record, RunManifest
from bench.storage.store import Store
from bench.targets import entry_of


def check_results(results: Path, suite: str) -> None:
    """Raise ResultsError where there is no results folder; a run of `suite` would make it."""
    Store(results).check_folder()
    if not results.exists():
        raise ResultsError(
            f"there is no results folder {results}",
            hint=f"run `{run_command(suite)}` first, or name one with --results DIR",
        )


def viewed(
    options: Options, broken: list[BrokenResult], *, whole: Collection[str] = ()
) -> ViewedRuns:
    """Return what a view of all results is of, what is as it was from the index in the cache."""
    return ViewedRuns(options.results, broken, Index.of(options.results, options.cache), whole)


def compare_stored(base: Side, head: Side, store: Store) -> Comparison:
    """Return the verdicts of `head` against `base` by the gate of `head`'s suite."""
    tells = smallest_told(store, head.manifest.system_id)
    suite = head.manifest.suite
    gate = gate_of(suite)
    judged = compare_runs(base, head, gate or DEFAULT, tells=tells)
    comparison = with_tactics(judged, base, head)
    if gate is not None:
        return comparison
    note = f"there is no suite {suite} here, so the minimum effect is {share(DEFAULT.min_effect)}"
    return replace(comparison, notes=(*comparison.notes, note))


def live_comparison(folder: AbFolder, records: Sequence[AbRecord], system: System) -> Comparison:
    """Return the verdicts of a live comparison; on an emulated `system` they are advice."""
    manifest = folder.manifest()
    titles = {name: arm.title for name, arm in manifest.arms.items()}
    gate = load_suite(entry_of(manifest.target).suite).file.gate
    doubts = ["the system is emulated"] if system.emulated else []
    return verdicts(
        records,
        base=titles["base"],
        head=titles["head"],
        gate=gate,
        doubts=doubts,
        measure=manifest.measure,
    )


def gate_of(suite: str) -> Gate | None:
    """Return the gate of the suite of that name, None where there is none any more."""
    try:
        return load_suite(suite).file.gate
    except UnknownName:
        return None


def side_of(name: str, store: Store) -> Side:
    """Return the run that `name` means: an id, `latest`, a run's folder, a baseline's system.

    Raises UnknownName, InputError or BrokenResult.
    """
    if name in store.baselines():
        return baseline_side(store.baseline(name), store)
    folder = Path(name)
    if (folder / "run.json").is_file():
        return _side(name, RunFolder(folder), _store_of(folder, store))
    if folder.name == "run.json" and folder.is_file():
        return _side(name, RunFolder(folder.parent), _store_of(folder.parent, store))
    if name == "latest":
        return _latest(store)
    try:
        return _side(name, store.run(name), store)
    except UnknownName as error:
        if name in {one.path.name for one in AbFolder.all(store)}:
            raise InputError(
                f"{name} is a live comparison and no run",
                hint="its verdicts were printed when it ended; name two runs",
            ) from error
        known = [*store.baselines(), *(run.path.name for run in store.runs()[-10:])]
        raise UnknownName("run or baseline", name, known) from error


def baseline_side(baseline: Baseline, store: Store) -> Side:
    """Return the run of `baseline`, with the baseline's cells alone; raises InputError."""
    run_id = baseline.run_id
    try:
        folder = store.run(run_id)
    except UnknownName as error:
        raise InputError(
            f"the baseline of {baseline.system_id} is run {run_id}, which isn't in {store.root}",
            hint="bring its folder back (`git add -f` keeps it), or set another baseline",
        ) from error
    whole = _side(f"baseline {baseline.system_id}", folder, store)
    kept = {i: record for i, record in whole.records.items() if i in baseline.cells}
    if lost := sorted(set(baseline.cells) - set(kept)):
        raise InputError(
            f"run {run_id} of the baseline has no record of {', '.join(lost)}",
            hint="restore its files, or set another baseline",
        )
    return replace(whole, records=kept)


def newest_of(store: Store, *, system_id: str, suite: str, preset: str) -> Side:
    """Return a system's newest run of that suite and preset; raises InputError without one."""
    for run in reversed(store.runs()):
        manifest = run.manifest()
        if (manifest.system_id, manifest.suite, manifest.sampling.preset) == (
            system_id,
            suite,
            preset,
        ):
            return _side(manifest.run_id, run, store)
    raise InputError(
        f"there is no run of suite {suite}, preset {preset}, on {system_id}",
        hint=f"measure one: {command(f'run --suite {suite} --preset {preset}')}",
    )


def smallest_told(store: Store, system_id: str) -> float | None:
    """Return the smallest slowdown (a share) that 5 sessions tell there, by the newest self-test.

    None: there is none that is complete. As `bench.analysis.selftest.weigh` has it.
    """
    for run in reversed(store.runs()):
        if not run.mentions(SUITE):
            continue
        manifest = run.manifest()
        if manifest.suite == SUITE and manifest.system_id == system_id:
            medians = _equal_medians(list(run.records([])))
            if len(medians) >= SESSIONS:
                return smallest_slowdown(log_sd(medians), SESSIONS)
    return None


def _equal_medians(records: Sequence[Record]) -> list[float]:
    arms = {r.cell.variant: r for r in records if isinstance(r.outcome, Measured)}
    equal = [session for arm in (BASE, AGAIN) if arm in arms for session in arms[arm].sessions]
    return [float(median(counted_ns(session))) for session in equal]


def _latest(store: Store) -> Side:
    """Return the newest run that is of models and no self-test."""
    for run in reversed(store.runs()):
        if not is_apart(run.manifest()):
            return _side(run.path.name, run, store)
    raise UnknownName("run", "latest", [])


def is_apart(manifest: RunManifest) -> bool:
    """Tell whether a run is a self-test, which no table of models shows."""
    return manifest.suite == SUITE


def _side(name: str, folder: RunFolder, store: Store) -> Side:
    manifest = folder.manifest()
    records = {record.cell_id: record for record in folder.records()}
    return Side(
        name=name,
        manifest=manifest,
        system=store.system(manifest.system_id),
        records=records,
        layers=folder.layers(records.values(), []),
    )


def _store_of(folder: Path, store: Store) -> Store:
    """Return the store that knows the system of the run at `folder`: its own, or ours."""
    own = Store(folder.absolute().parent.parent.parent)
    try:
        own.system(RunFolder(folder).manifest().system_id)
    except BrokenResult:
        return store
    return own
