"""`bench bisect`: the first revision of this project at which a cell became slower."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

from bench.analysis.verdicts import CellVerdict, percent
from bench.cli.commands.ab import growth_of
from bench.cli.stored import live_comparison
from bench.config.axes import Axes
from bench.config.catalog import load_catalogue, parse_weights, resolve, select
from bench.core.cell import Cell
from bench.core.errors import BenchError, InputError, UnknownName
from bench.core.output import say, show_lines
from bench.core.program import command
from bench.experiments.ab.bisect import BAD, GOOD, SKIP, bisect
from bench.experiments.ab.experiment import REAL, AbExperiment, Seams
from bench.experiments.ab.spec import ArmSpec
from bench.experiments.campaign import INTERRUPTED, run_experiment
from bench.experiments.context import Options, Tables
from bench.experiments.progress import Lines
from bench.launcher.git import check_history, commit_of, git
from bench.runners import RunnerEntry

_CELL = re.compile(
    r"(?P<net>.+-.+)-(?P<precision>[a-z0-9]+)"
    r"-b(?P<batch>[0-9]+)-t(?P<threads>[0-9]+)(-(?P<digest>[0-9a-f]{12}))?"
)
_STATUS: Mapping[str, int] = {"SLOWER": BAD, "SAME": GOOD, "FASTER": GOOD}
_WORDS = {GOOD: "good", BAD: "bad", SKIP: "can't be tested"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionOptions:
    """Between which revisions the cell of that id became slower."""

    good: str | None = None
    bad: str = "HEAD"
    cell: str | None = None


class _Interrupted(Exception):
    """A person interrupted a comparison."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenCell:
    """One cell as the flags of a comparison, its precision, and the settings of its id.

    The settings are None where the id doesn't tell them: the suite's then hold.
    """

    options: Options
    precision: str
    settings: Mapping[str, str] | None = None

    def at(self, revision: str) -> ArmSpec:
        """Return the arm that has the cell at `revision`."""
        settings = self.settings or {}
        words = [f"set:{name}={value}" for name, value in settings.items()]
        return ArmSpec(
            texts=(f"rev:{revision}", f"precision:{self.precision}", *words),
            revision=revision,
            precision=self.precision,
            settings=settings,
            no_others=self.settings is not None,
        )


def run(options: Options, tables: Tables, *, seams: Seams = REAL) -> int:
    """Print the first slower commit, found with git's own bisection.

    Returns 0, 3: it is one of several, between which none can be tested, 130: a person interrupted
    it. Raises InputError, also where BAD isn't slower than GOOD.
    """
    chosen = options.of(RevisionOptions)
    given = {"--good": chosen.good, "--cell": chosen.cell}
    if missing := [flag for flag, value in given.items() if value is None]:
        verb = "is" if len(missing) == 1 else "are"
        raise InputError(
            f"{' and '.join(missing)} {verb} missing", hint=f"see {command('bisect --help')}"
        )
    good, bad = str(chosen.good), chosen.bad
    check_history(seams.project)
    commit_of(seams.project, good)
    bad_commit = commit_of(seams.project, bad)
    test = _Test(good=good, cell=chosen_cell(options, tables), tables=tables, seams=seams)
    try:
        if test(bad_commit) != BAD:
            raise InputError(
                f"{bad} isn't told slower than {good}: {test.last}",
                hint="name revisions between which the cell became slower",
            )
        outcome = bisect(seams.project, good=good, bad=bad, test=test, cache=options.cache)
    except _Interrupted:
        say("bench: interrupted")
        return INTERRUPTED
    for commit in outcome.commits:
        show_lines(git(seams.project, "log", "-1", "--format=%h %s", commit).splitlines())
    if len(outcome.commits) == 1:
        show_lines([f"{outcome.commits[0]} is the first slower commit"])
        return 0
    show_lines(["one of these is the first slower commit: the others can't be tested"])
    return 3


@dataclass(slots=True, kw_only=True)
class _Test:
    """Compares a revision with GOOD, live; `last` is what that came to, in words."""

    good: str
    cell: ChosenCell
    tables: Tables
    seams: Seams
    last: str = ""

    def __call__(self, revision: str) -> int:
        """Return GOOD, BAD or SKIP. Whatever keeps a revision from being measured skips it."""
        status = SKIP
        try:
            cell = self._compare(revision)
        except BenchError as error:
            self.last = str(error)
        else:
            change = f" ({percent(cell.ratio)})" if cell.ratio is not None else f", {cell.reason}"
            self.last = cell.verdict.lower() + change
            status = _STATUS.get(cell.verdict, SKIP)
        say(f"{revision[:12]} {_WORDS[status]}: {self.last}")
        return status

    def _compare(self, revision: str) -> CellVerdict:
        options = self.cell.options
        experiment = AbExperiment(
            base=self.cell.at(self.good),
            head=self.cell.at(revision),
            options=options,
            tables=self.tables,
            growth=growth_of(options),
            seams=self.seams,
        )
        done = run_experiment(experiment, options, self.tables, shown=Lines(preparation=False))
        if done.interrupted:
            raise _Interrupted
        comparison = live_comparison(done.run, list(done.run.records()), done.system)
        (cell,) = comparison.cells
        return cell


def chosen_cell(options: Options, tables: Tables) -> ChosenCell:
    """Return the cell that `--cell` names; its digest may be left out, and the suite's settings
    then hold.

    Raises InputError for what is no cell's id, UnknownName for a runner, its precision or a variant
    that isn't here.
    """
    name = options.of(RevisionOptions).cell
    match = _CELL.fullmatch(str(name))
    if match is None:
        raise InputError(
            f"--cell {name}: no cell's id",
            hint="as in x0_5-paddle-fp32-b1-t1; the files in a run's cells/ are named by them",
        )
    variant, runner = split_net(match["net"], load_catalogue(options.models).models, tables.runners)
    known, precision = tables.runners[runner].precisions, match["precision"]
    if precision not in known:
        raise UnknownName("precision", precision, known, of=f"runner {runner}")
    axes = Axes(
        runners=[runner],
        batches=[int(match["batch"])],
        threads=[int(match["threads"])],
    )
    chosen = replace(options, variants=[variant], axes=axes)
    settings = _settings(chosen, tables, match["digest"], precision)
    return ChosenCell(options=chosen, precision=precision, settings=settings)


def split_net(text: str, variants: Iterable[str], runners: Iterable[str]) -> tuple[str, str]:
    """Return the variant and the runner of a cell's id: both may have dashes in their names.

    Raises UnknownName, and InputError where it may be of two nets.
    """
    names = list(variants)
    ends = [(text.removesuffix(f"-{it}"), it) for it in runners if text.endswith(f"-{it}")]
    fitting = [pair for pair in ends if pair[0] in names]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        either = " or ".join(f"{variant} on {runner}" for variant, runner in fitting)
        raise InputError(
            f"--cell {text}-...: that is {either}", hint="rename one of the two nets' entries"
        )
    if ends:
        raise UnknownName("variant", min((it for it, _ in ends), key=len), names)
    variant = max((it for it in names if text.startswith(f"{it}-")), key=len, default=None)
    runner = text.partition("-")[2] if variant is None else text.removeprefix(f"{variant}-")
    raise UnknownName("runner", runner, runners)


def _settings(
    options: Options, tables: Tables, digest: str | None, precision: str
) -> Mapping[str, str] | None:
    if digest is None:
        return None
    (variant,) = select(load_catalogue(options.models), options.variants)
    model = resolve(
        load_catalogue(options.models), variant, options.models, parse_weights(options.weights)
    )
    (runner,), (batch,), (threads,) = (
        options.axes.runners,
        options.axes.batches,
        options.axes.threads,
    )
    for settings in _combinations(tables.runners[runner]):
        cell = Cell(
            variant=variant,
            model_hash=model.hash,
            runner=runner,
            batch=batch,
            threads=threads,
            precision=precision,
            input=model.input_text,
            settings=tuple(sorted(settings.items())),
        )
        if cell.id.endswith(digest):
            return settings
    say(f"{options.own['cell']} is of another net or setting: the suite's settings hold")
    return None


def _combinations(entry: RunnerEntry) -> Iterator[dict[str, str]]:
    """Yield every choice of the runner's settings, each of them set or not."""
    names = list(entry.settings)
    for values in product(*((None, *entry.settings[name]) for name in names)):
        chosen = zip(names, values, strict=True)
        yield {name: value for name, value in chosen if value is not None}
