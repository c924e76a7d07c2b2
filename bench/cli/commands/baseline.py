"""`bench baseline set RUN | show [SYSTEM] | check [SYSTEM]`: the run that later ones must match."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Sequence

from bench.analysis.baseline import check_acceptable, commit_of, make_baseline
from bench.cli.console import chosen_format, tell
from bench.cli.stored import baseline_side, compare_stored, is_apart, newest_of
from bench.core.errors import InputError, UnknownName
from bench.core.escape import lines
from bench.core.output import show, show_lines
from bench.core.paths import PROJECT
from bench.core.program import command
from bench.core.units import number_of
from bench.experiments.context import Options, Tables
from bench.launcher.git import git_file
from bench.storage.files import utc_now
from bench.storage.run_folders import RunFolder
from bench.storage.schema.baseline import Baseline
from bench.storage.schema.latency import RunManifest
from bench.storage.store import Store
from bench.targets.base import opened


def run(options: Options, tables: Tables) -> int:
    """Carry out the word after the verb.

    Returns 0, or for `check` what `compare` returns. Raises InputError and ResultsError's.
    """
    word, *rest = options.words or ("",)
    actions = {"set": _set, "show": _show, "check": _check}
    if word not in actions:
        if not word:
            raise InputError(
                "baseline takes a word", hint=f"as in {command('baseline set latest')}"
            )
        raise UnknownName("word", word, actions, of="baseline")
    return actions[word](options, tables, rest)


def _set(options: Options, tables: Tables, rest: Sequence[str]) -> int:
    store = Store(options.results)
    folder = _run(store, _only(rest, "set takes one run", command("baseline set latest")))
    manifest = folder.manifest()
    check_acceptable(manifest, store.system(manifest.system_id), list(folder.records()))
    baseline = make_baseline(manifest, accepted=utc_now(), locks=_locks(manifest))
    path = store.write_baseline(baseline)
    if options.as_json:
        show(json.dumps({"file": str(path), "run": str(folder.path)}, indent=1) + "\n")
    else:
        show_lines([f"wrote {path}", f"keep the run with it: git add -f {folder.path} {path}"])
    return 0


def _show(options: Options, tables: Tables, rest: Sequence[str]) -> int:
    store = Store(options.results)
    names = rest or store.baselines()
    baselines = [store.baseline(name) for name in names]
    if options.as_json:
        values = [one.model_dump(mode="json") for one in baselines]
        show(json.dumps(values, indent=1) + "\n")
    else:
        show("\n".join(map(_text, baselines)) or "there is no baseline yet\n")
    return 0


def _check(options: Options, tables: Tables, rest: Sequence[str]) -> int:
    name, store = chosen_format(options), Store(options.results)
    with opened(options.target("cpu"), tables.targets, store) as target:
        here = target.system.system_id
    hint = command(f"baseline check {here}")
    baseline = store.baseline(_only(rest or [here], "check takes one system", hint))
    base = baseline_side(baseline, store)
    head = newest_of(
        store, system_id=baseline.system_id, suite=baseline.suite, preset=baseline.preset
    )
    if head.manifest.run_id == base.manifest.run_id:
        raise InputError(
            f"{baseline.system_id} has no run beside its baseline {base.manifest.run_id}",
            hint=f"measure one as then: `{shlex.join(baseline.recipe.command)}`",
        )
    return tell(compare_stored(base, head, store), name)


def _only(words: Sequence[str], fault: str, example: str) -> str:
    if len(words) != 1:
        raise InputError(f"{fault}, and {len(words)} are given", hint=f"as in {example}")
    return words[0]


def _run(store: Store, name: str) -> RunFolder:
    """Return the run to set; `latest` is the newest that is of models."""
    runs = {run.path.name: run for run in store.runs() if not is_apart(run.manifest())}
    if name == "latest" and runs:
        return list(runs.values())[-1]
    if name not in runs:
        raise UnknownName("run", name, list(runs)[-10:])
    return runs[name]


def _locks(manifest: RunManifest) -> dict[str, str]:
    """Return the SHA-256 of the lock files that the run's commit has, by environment."""
    commit = commit_of(manifest)
    digests = {}
    for name in ("harness", *sorted(manifest.provenance.environments)):
        data = git_file(PROJECT, commit, f"bench/envs/{name}.txt")
        if data is not None:
            digests[name] = hashlib.sha256(data).hexdigest()
    if "harness" not in digests:
        raise InputError(
            f"commit {commit[:8]} of run {manifest.run_id} isn't in this clone",
            hint="fetch it (`git fetch --unshallow`), so that the baseline can name its lock files",
        )
    return digests


def _text(baseline: Baseline) -> str:
    recipe, cells = baseline.recipe, number_of(len(baseline.cells), "cell")
    packages = [f"{name}: {_packages(versions)}" for name, versions in recipe.environments.items()]
    return lines(
        [
            baseline.system_id,
            f"  run       {baseline.run_id}, accepted {baseline.accepted}",
            f"  suite     {baseline.suite}, preset {baseline.preset}, {cells}",
            f"  commit    {recipe.commit}",
            f"  command   {shlex.join(recipe.command)}",
            f"  packages  {'; '.join(packages)}",
            *(f"  lock      {name} {digest[:12]}" for name, digest in recipe.locks.items()),
            *(f"  net       {v} {net.model_hash}" for v, net in recipe.models.items()),
        ]
    )


def _packages(packages: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(packages.items()))
