"""The verbs for notebooks and scripts: `import bench; bench.load("results")`.

The options of `run` and `compare` are those of the verbs, by keyword: `--wait-quiet` is
`wait_quiet`. What a verb refuses with a message and a status is raised here as a BenchError. No
signal handler is set and no progress bar drawn, so that they work beside an event loop; progress is
lines on stderr. Each session is a process of its own, as ever.
"""

from __future__ import annotations

import html
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.analysis.verdicts import Comparison
from bench.cli.commands import VERBS
from bench.cli.commands.compare import compared
from bench.cli.commands.run import measure
from bench.cli.console import renew_report
from bench.cli.main import parse
from bench.cli.options import COMMON
from bench.cli.stored import check_results
from bench.config.project import default_results
from bench.core.errors import BrokenResult, InputError, UnknownName
from bench.experiments.context import Options, Tables
from bench.experiments.progress import Lines
from bench.reports.build import load_runs
from bench.reports.comparison.formats import sentence
from bench.reports.data.columns import COMPARISON, LEVELS
from bench.reports.data.frame import frame, frame_of, optional, shown_as_html
from bench.reports.data.rows import cells

if TYPE_CHECKING:
    from pandas import DataFrame

_OF_THE_TERMINAL = {"json", "explain", "verbose", "format"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run that was measured: its id, its folder, the files of the report, and its cells.

    `frame` is as `load(level="cell")` has it, of this run alone. A notebook shows it as a table.
    """

    run_id: str
    folder: Path
    files: Sequence[Path] = field(repr=False)
    frame: DataFrame = field(repr=False)

    @property
    def exit_status(self) -> int:
        """0: every cell has a figure, 1: some hasn't; `frame.reason` says why."""
        return int(bool((self.frame["outcome"] != "measured").any()))

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self.run_id)}</p>{shown_as_html(self.frame)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What a comparison came to: the verb's exit status, and a row a cell in `frame`.

    `doubts` say why the verdicts are advice and no more. A notebook shows it as a table.
    """

    base: str
    head: str
    exit_status: int
    summary: str
    notes: Sequence[str]
    doubts: Sequence[str]
    frame: DataFrame = field(repr=False)

    def _repr_html_(self) -> str:
        lines = [self.summary, *(f"advice only: {it}" for it in self.doubts), *self.notes]
        shown = self.frame[["label", "verdict", "ratio", "low", "high", "reason"]]
        table: str = shown.to_html(index=False, na_rep="", float_format="{:.4g}".format)
        return "".join([*(f"<p>{html.escape(line)}</p>" for line in lines), table])


def load(
    results: str | PathLike[str] | None = None, level: str = "cell", *, run: str | None = None
) -> DataFrame:
    """Return what is stored in the folder `results`: a row a cell, a session or a sample.

    All stored records are there, with and without a figure; `shown` tells which ones the report
    shows. `run` is a run's id or `latest`, None all runs but self-tests. What can't be read is left
    out with a warning. docs/reference/columns.md says what each column is.

    Raises UnknownName, ResultsError, and Unavailable without pandas.
    """
    if level not in LEVELS:
        raise UnknownName("level", level, LEVELS)
    optional("pandas", "pandas")
    folder = default_results() if results is None else Path(results)
    check_results(folder, "cpu")
    broken: list[BrokenResult] = []
    runs = load_runs(folder, run, broken=broken)
    _warn(broken)
    return frame_of(level, cells(runs))


def run(*models: str | PathLike[str], **options: Any) -> Run:
    """Measure a suite, or `models` by their files, and write the report, as `bench run` does.

    `options` are the verb's: suite="cpu", preset="quick", runner=["paddle", "mnn"], variant="x0_5",
    batch=[1, 4], threads=1, results="results", resume="latest", ... Lists stand for commas, True
    for a switch.

    Raises BenchError; KeyboardInterrupt where a person interrupts it: what was measured is kept.
    """
    return measured(options_of("run", models, options), Tables())


def compare(base: str, head: str, **options: Any) -> Compared:
    """Compare two stored runs cell by cell, as `bench compare` does; raises BenchError."""
    optional("pandas", "pandas")
    comparison = compared(options_of("compare", (base, head), options))
    return Compared(
        base=comparison.base,
        head=comparison.head,
        exit_status=comparison.exit_status,
        summary=sentence(comparison),
        notes=comparison.notes,
        doubts=comparison.doubts,
        frame=comparison_frame(comparison),
    )


def comparison_frame(comparison: Comparison) -> DataFrame:
    """Return a row for each cell."""
    return frame(COMPARISON, (asdict(one) for one in comparison.cells))


def measured(options: Options, tables: Tables) -> Run:
    """Measure what `options` say; raises as `run` does."""
    optional("pandas", "pandas")  # not after minutes of measuring
    done = measure(options, tables, Lines())
    run_id = done.run.path.name
    if done.interrupted:
        again = f"bench.run(resume='{run_id}')"
        raise KeyboardInterrupt(f"what was measured is kept: resume with {again}, or {done.resume}")
    broken: list[BrokenResult] = []
    runs, files = renew_report(options, broken, whole=[run_id])
    _warn(broken)
    own = [one for one in cells(runs) if one.run.manifest.run_id == run_id]
    return Run(run_id=run_id, folder=done.run.path, files=files, frame=frame_of("cell", own))


def options_of(
    verb: str, words: Sequence[str | PathLike[str]], given: Mapping[str, Any]
) -> Options:
    """Return the options of `verb` that keywords ask for; raises UnknownName and InputError."""
    flags = keywords(verb)
    typed: list[str] = []
    for name, value in given.items():
        if name not in flags:
            raise UnknownName("option", name, flags, of=f"bench.{verb}")
        typed += _typed(flags[name], value)
    return parse([verb, *typed, "--", *map(str, words)])[1]


def keywords(verb: str) -> dict[str, click.Option]:
    """Return the options of `verb` that a caller may give, by keyword."""
    flags = [it for it in (*VERBS[verb].params, *COMMON) if isinstance(it, click.Option)]
    named = {it.opts[0].removeprefix("--").replace("-", "_"): it for it in flags}
    return {name: it for name, it in named.items() if name not in _OF_THE_TERMINAL}


def _typed(flag: click.Option, value: Any) -> Iterator[str]:
    """Yield an option as a person types it, none for None and False; raises InputError."""
    name = flag.opts[0]
    if value is None or value is False:
        return
    if value is True and not getattr(flag, "alone", False):
        raise InputError(f"option '{name}' takes a value", hint="True is for switches")
    if value is True:
        yield name
    elif flag.multiple:
        items = [value] if isinstance(value, str | PathLike) else value
        pairs = value.items() if isinstance(value, Mapping) else ()
        for text in [f"{key}={it}" for key, it in pairs] or items:
            yield f"{name}={text}"
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield f"{name}={','.join(map(str, value))}"
    else:
        yield f"{name}={value}"


def _warn(broken: Sequence[BrokenResult]) -> None:
    for error in broken:
        warnings.warn(f"left out: {error}", stacklevel=3)
