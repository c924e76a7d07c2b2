"""`bench selftest`: how far this machine's figures can be trusted.

Measures the nets of bench/selftest_models as a run of suite "selftest", or weighs a stored one. The
run stays out of results/report, whose tables are of models; `bench report --run` writes its page.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from bench.analysis.coverage import SESSIONS, Rate
from bench.analysis.power import Ratio
from bench.analysis.selftest import BASE, SLOWER, Trust, weigh
from bench.cli.console import tell_failures
from bench.core.output import show, show_lines
from bench.core.units import to_ms, with_interval
from bench.experiments.campaign import find_unfinished, run_experiment, tell_interruption
from bench.experiments.context import Options, Tables
from bench.experiments.progress import display
from bench.experiments.selftest import MODELS, arms_of, selftest_experiment, stored_selftest
from bench.storage.run_folders import RunFolder
from bench.storage.schema.latency import Record, RunManifest
from bench.storage.store import Store


def run(options: Options, tables: Tables, *, models: Path = MODELS) -> int:
    """Print what the sessions tell; `models` has the catalogue of the three arms.

    Returns 0, 1: an arm has no figure, 130: a person interrupted it. Raises InputError.
    """
    store = Store(options.results)
    if options.run is not None:
        folder = stored_selftest(store, options.run)
    else:
        resumed = None
        if options.resume is not None:
            name = stored_selftest(store, options.resume).path.name
            resumed = find_unfinished(RunFolder, store, name)
        experiment = selftest_experiment(replace(options, models=models), tables, resumed)
        with display() as shown:
            done = run_experiment(experiment, options, tables, resumed=resumed, shown=shown)
        if done.interrupted:
            return tell_interruption(done.resume)
        folder = done.run
    records = list(folder.records())
    status = tell_failures(records)
    if status == 0:
        _print(folder, records, options)
    return status


def _print(folder: RunFolder, records: Sequence[Record], options: Options) -> None:
    arms, manifest = arms_of(folder, records), folder.manifest()
    trust = weigh({name: one.sessions for name, one in arms.items()}, seed=manifest.seed)
    growth = macs_growth(manifest)
    if options.as_json:
        figures = to_json(trust) | {"run": str(folder.path), "macs_growth": growth}
        show(json.dumps(figures, indent=1) + "\n")
        return
    show_lines([f"self-test, {arms[BASE].cell.to_cell().label.partition(' ')[2]}"])
    show(table(trust, growth))
    show_lines(["", trust.sentence, "", f"run {folder.path}"])


def macs_growth(manifest: RunManifest) -> float | None:
    """Return by which share `slower` has more multiply-accumulates, None where none are counted."""
    costs = [manifest.models[name].costs for name in (BASE, SLOWER)]
    counted = [one.macs for one in costs if one is not None]
    return counted[1] / counted[0] - 1 if len(counted) == 2 else None


def to_json(trust: Trust) -> dict[str, Any]:
    """Return every figure by name, each rate with its share and interval."""
    figures: dict[str, Any] = _plain(trust)
    return figures | {"told_apart": trust.told_apart, "sentence": trust.sentence}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        measured = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        derived = (
            {"share": value.share, "interval": value.interval} if isinstance(value, Rate) else {}
        )
        return measured | derived
    if isinstance(value, Mapping):
        return {str(name): one for name, one in value.items()}
    return value


def table(trust: Trust, macs_growth: float | None) -> str:
    """Return the figures in lines of a name and what it came to."""
    rows = [*_spread_rows(trust), *_alarm_rows(trust), *_slower_rows(trust, macs_growth)]
    width = max(len(name) for name, _ in rows)
    return "".join(f"  {name.ljust(width)}  {text}\n" for name, text in rows)


def _spread_rows(trust: Trust) -> list[tuple[str, str]]:
    cover = trust.coverage
    value = with_interval(to_ms(trust.median_ns), to_ms(trust.half_width_ns))
    return [
        ("base", f"{value} ms; SD {trust.sd:.1%} over {trust.sessions} sessions"),
        (
            f"intervals of {SESSIONS} sessions",
            f"hold the long-run median in {_share(cover.median)}",
        ),
        (
            "  the other sessions' mean",
            f"in {_share(cover.mean)}",
        ),
        ("  consecutive sessions", f"in {_count(cover.in_time)}"),
        ("intervals of one session", f"over its samples, in {_count(trust.naive)}"),
    ]


def _alarm_rows(trust: Trust) -> list[tuple[str, str]]:
    rows = []
    rules = (("Welch's t, p < 5%", trust.alarms.welch), ("means differ by 5%", trust.alarms.rule))
    for name, alarms in rules:
        _, most = alarms.in_time.interval
        text = (
            f"{_share(alarms.drawn)}; {alarms.in_time.hits} of {alarms.in_time.of} "
            f"in a row, so at most {most:.0%}"
        )
        rows.append((f"  {name}", text))
    text = f"{SESSIONS} sessions against {SESSIONS} of the same net; in a row they are independent"
    return [("differences found", text), *rows]


def _slower_rows(trust: Trust, macs_growth: float | None) -> list[tuple[str, str]]:
    verdict = "told apart" if trust.told_apart else "not told apart"
    macs = "" if macs_growth is None else f"; its MACs are {macs_growth:+.1%}"
    least = ", ".join(f"{k} sessions {share:.1%}" for k, share in trust.tells.items())
    return [
        ("again / base", f"{_ratio(trust.equal)}"),
        ("slower / base", f"{_ratio(trust.slower)}: {verdict}{macs}"),
        (f"  by {SESSIONS} sessions a side", f"told in {_share(trust.detections)}"),
        ("smallest slowdown told", f"{least} (power 80%, two-sided 5%)"),
    ]


def _share(rate: Rate) -> str:
    low, high = rate.interval
    return f"{rate.share:.1%} of {rate.of} draws [{low:.1%}, {high:.1%}]"


def _count(rate: Rate) -> str:
    low, high = rate.interval
    return f"{rate.hits} of {rate.of} [{low:.0%}, {high:.0%}]"


def _ratio(ratio: Ratio) -> str:
    return (
        f"{ratio.ratio:.3f} [{ratio.low:.3f}, {ratio.high:.3f}], p {ratio.p:.2g}, "
        f"paired over {ratio.rounds} rounds"
    )
