"""`bench doctor`: what can run on this machine, what is missing for the rest, what brings it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from bench.analysis import sensor_cost as sensors
from bench.cli.gpu_engines import install
from bench.config.suite import FOLDER, load_suite
from bench.core.errors import BenchError, ResultsError, Unavailable
from bench.core.output import show, show_lines
from bench.core.units import number_of
from bench.devices.host.energy import packages, read_energy
from bench.devices.host.facts import heading, read_host, usable_cores
from bench.devices.host.procfs import LIVE
from bench.devices.host.state import SENSORS, read_state
from bench.environments import native_programs
from bench.environments.interpreters import Environments
from bench.environments.specs import ENVIRONMENTS
from bench.experiments.context import Options, Tables
from bench.storage.store import Store
from bench.targets.base import missing_for
from bench.targets.nvidia import find_card
from bench.targets.serving import KIND, refusals
from bench.worker.canary import canary_ns
from bench.worker.counters import Counters
from bench.worker.cpu_time import read_cpu_time
from bench.worker.threads import TASKS


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """What is done instead of all the checks."""

    install: bool = False
    sensors: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the doctor: `state` is ok, note or missing."""

    item: str
    state: str
    detail: str
    remedy: str = ""


def run(options: Options, tables: Tables) -> int:
    """Print the findings; 0 where the local CPU can be measured, else 1.

    With --sensors print what reading the machine's state costs instead, and return 0.
    With --install build the GPU engines' environments instead; see
    `bench.cli.commands.doctor`.
    """
    chosen = options.of(CheckOptions)
    if chosen.sensors:
        return _sensors(options)
    if chosen.install:
        return install(options, tables)
    findings = [
        *_machine(),
        *_environments(options),
        *_programs(options, tables),
        *gpu_findings(options, tables),
        _results(options),
        *_suites(options, tables),
    ]
    if options.as_json:
        show(json.dumps([asdict(one) for one in findings], indent=1) + "\n")
    else:
        show_lines(line for one in findings for line in _lines(one))
    needed = {"environment paddle", "results", "suite cpu"}
    return int(any(one.item in needed and one.state == "missing" for one in findings))


def _machine() -> list[Finding]:
    host, state = read_host(), read_state()
    governor = str(state.get("governor", "unknown"))
    findings = [
        Finding(
            item="machine",
            state="ok",
            detail=f"{heading(host)}; {usable_cores()} usable cores, {host.memory_gib} GiB",
        )
    ]
    if governor not in ("performance", "unknown"):
        findings.append(
            Finding(
                item="governor",
                state="note",
                detail=f"the frequency governor is '{governor}': clocks move while one measures",
                remedy="sudo cpupower frequency-set -g performance",
            )
        )
    if governor == "unknown":
        findings.append(
            Finding(item="governor", state="note", detail="unknown, as in most virtual machines")
        )
    return [*findings, *energy_findings()]


def energy_findings(root: Path = LIVE) -> list[Finding]:
    """Return whether the packages' energy can be read, nothing where there is no counter of it."""
    zones = packages(root)
    if not zones:
        return []
    if read_energy(root):
        what = "sessions store what the processor's packages used"
        return [Finding(item="energy", state="ok", detail=what)]
    return [
        Finding(
            item="energy",
            state="note",
            detail=f"{number_of(len(zones), 'package counter')} of RAPL can't be read: "
            "sessions store no energy",
            remedy="sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj",
        )
    ]


def _environments(options: Options) -> list[Finding]:
    environments = Environments(options.cache, options.envs)
    findings = []
    for name, spec in ENVIRONMENTS.items():
        problem = environments.problem(name)
        if problem is not None:
            detail = f"{problem.problem} (for {spec.purpose})"
            state, remedy = "missing" if spec.lock else "note", problem.hint
        else:
            built = environments.is_built(name)
            how = "ready" if built else "not built yet: built by the first run"
            detail, state, remedy = f"{how} (for {spec.purpose})", "ok", ""
        findings.append(
            Finding(item=f"environment {name}", state=state, detail=detail, remedy=remedy)
        )
    return findings


def _programs(options: Options, tables: Tables) -> list[Finding]:
    """Return whether there is a C++ compiler, and which engines don't fit their program."""
    programs = {
        name: (entry.program, entry.env)
        for name, entry in tables.runners.items()
        if entry.program is not None
    }
    purpose = f" (for {' and '.join(programs)}: `--suite cpp`)" if programs else ""
    try:
        words = " ".join(native_programs.compiler())
    except Unavailable as error:
        detail = f"{error.problem}{purpose}"
        return [Finding(item="C++ compiler", state="note", detail=detail, remedy=error.hint)]
    findings = [Finding(item="C++ compiler", state="ok", detail=f"{words}{purpose}")]
    environments = Environments(options.cache, options.envs)
    for name, (program, env) in programs.items():
        if environments.problem(env) is not None:
            continue  # its own line says why
        if (problem := environments.program_problem(program, env)) is not None:
            findings.append(
                Finding(
                    item=f"runner {name}",
                    state="note",
                    detail=problem.problem,
                    remedy=problem.hint,
                )
            )
    return findings


def gpu_findings(options: Options, tables: Tables) -> list[Finding]:
    """Return which runners serve the GPU, in which environment, and why the others don't.

    Nothing without a GPU: the suite's line says what is missing.
    """
    try:
        card = find_card()
    except BenchError:
        return []
    if card is None:
        return []
    refused = refusals(card, tables.runners, Environments(options.cache, options.envs))
    what = f"{card.name}: compute capability {card.capability}, driver {card.driver or 'unknown'}"
    served = [
        Finding(
            item="GPU runner", state="ok", detail=f"{name} runs on it in environment {entry.env}"
        )
        for name, entry in tables.runners.items()
        if entry.target == KIND and name not in refused
    ]
    reasons = {error.problem: error for error in refused.values()}
    others = [
        Finding(item="GPU runner", state="note", detail=_refused(it, refused), remedy=it.hint)
        for it in reasons.values()
    ]
    return [Finding(item="GPU", state="ok", detail=what), *served, *others]


def _refused(error: Unavailable, refused: Mapping[str, Unavailable]) -> str:
    """Return why runners can't be measured, their names before a sentence that has none."""
    names = [name for name, other in refused.items() if other.problem == error.problem]
    if error.problem.startswith(names[0]):
        return error.problem
    return f"{', '.join(names)}: {error.problem}"


def _results(options: Options) -> Finding:
    store = Store(options.results)
    if not options.results.exists():
        return Finding(item="results", state="ok", detail=f"{options.results}: made by a run")
    try:
        store.check_writable()
        runs = number_of(len(store.runs()), "run")
        return Finding(item="results", state="ok", detail=f"{options.results}: {runs}")
    except ResultsError as error:
        return Finding(item="results", state="missing", detail=error.problem, remedy=error.hint)


def _suites(options: Options, tables: Tables) -> list[Finding]:
    findings = []
    for path in sorted(FOLDER.glob("*.toml")):
        suite = load_suite(path.stem)
        target = options.target(suite.file.target, tables.targets)
        lacks = missing_for(target, tables.targets)
        item = f"suite {suite.name}"
        if not lacks:
            findings.append(Finding(item=item, state="ok", detail=suite.file.title))
        findings += [
            Finding(item=item, state="missing", detail=one.what, remedy=one.remedy) for one in lacks
        ]
    return findings


def _sensors(options: Options) -> int:
    readers: dict[str, Callable[[], object]] = {
        name: partial(sensor, LIVE) for name, sensor in SENSORS.items()
    }
    readers["run queue"] = partial(read_cpu_time, TASKS)
    readers["burst counters"] = Counters(TASKS, own=True).read
    readers["canary"] = canary_ns

    def read_all() -> None:
        for read in tuple(readers.values()):
            read()

    costs = sensors.read_costs(
        {**readers, "all of them": read_all}, time.perf_counter_ns, reads=sensors.READS
    )
    effect = sensors.effect(sensors.count_up, read_all, time.perf_counter_ns, bursts=sensors.BURSTS)
    if options.as_json:
        shown = asdict(effect) | {"sentence": effect.sentence}
        value = {"reads": [asdict(one) for one in costs], "effect": shown}
        show(json.dumps(value, indent=1) + "\n")
    else:
        lines = [f"{'sensor':20}{'median, us':>12}{'max, us':>12}"]
        lines += [f"{one.sensor:20}{one.median_us:12.1f}{one.max_us:12.1f}" for one in costs]
        show_lines([*lines, "", effect.sentence])
    return 0


def _lines(one: Finding) -> list[str]:
    remedy = [f"{'':29}-> {one.remedy}"] if one.remedy else []
    return [f"{one.state:8} {one.item:19} {one.detail}", *remedy]
