"""The verbs: one file each here, `run(options, tables) -> exit status`, and one line in VERBS.

The line, and not the file, holds the options: a verb's file loads pydantic and more, which
`--help` does without.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import click

from bench.cli import options as o
from bench.cli.flags import Flag, words
from bench.cli.server_options import BATCHES, LOAD, SERVE


@dataclass(frozen=True, slots=True)
class Verb:
    """What a verb does, in one line, and its options beside the common ones.

    A function among them stands for the options that it returns when the verb is called.
    """

    text: str
    options: tuple[click.Parameter | Callable[[], tuple[click.Parameter, ...]], ...] = ()

    @property
    def params(self) -> list[click.Parameter]:
        """The options themselves."""
        groups = ((it,) if isinstance(it, click.Parameter) else it() for it in self.options)
        return [param for group in groups for param in group]


_PADDLE = o.RUNNER.but("paddle")
_MANY = (o.VARIANT, _PADDLE, o.BATCH.but("1"), o.THREADS.but("1"), o.WEIGHTS, o.TOLERANCE)
_OF_FILE = "paddle, or the engine of the model's file"
_ACCURACY = (
    o.RUNNER.but(_OF_FILE),
    o.VARIANT,
    o.WEIGHTS,
    o.TOLERANCE,
    o.BATCH.one("1"),
    o.THREADS.one("1"),
)
_PREDICT = (
    o.RUNNER.one(_OF_FILE),
    o.VARIANT.one("the catalogue's first"),
    o.WEIGHTS,
    o.TOLERANCE,
    o.THREADS.one("1"),
)
_SELFTEST = (
    o.SESSIONS,
    o.RUNNER.one("paddle"),
    o.THREADS.one("1"),
    o.SEED,
    o.FROM,
    o.RESUME,
)
_RECOMMEND = (
    o.MAX_MS,
    o.MIN_TOP1,
    o.BATCH.one("1"),
    o.THREADS.one("all that are measured"),
    o.RUNNER.but("all that are measured"),
    o.SYSTEM,
)
_ARMS = (o.BASE, o.HEAD, o.BASE_ENV, o.HEAD_ENV)
_REVISIONS = (o.GOOD, o.BAD)
_LIVE = partial(o.target_flags, live=True)
_CHECKED = partial(o.target_flags, checked=True)
_IMAGES = partial(o.target_flags, images=True)

_EXPORT = (
    Flag(
        "Export", "--to", "FORMAT",
        "csv, parquet, sqlite, pyperf, pytest-benchmark, github-action-benchmark or mlflow",
    ),
    Flag("Export", "--level", "LEVEL", "Rows of csv and parquet: cell, session or sample", "cell"),
    Flag("Export", "--force", None, "Replace what is there"),
    o.RUN.but("all; of pyperf, pytest-benchmark and github-action-benchmark the newest"),
)  # fmt: skip

_PROFILE = (
    Flag(
        "Comparison", "--against", "RUN",
        "Compare the profiles with those of the same cells in this run",
    ),
    Flag(
        "Comparison", "--runner runners", "A,B",
        "One runner, or two by comma: what the second differs from the first by",
    ),
    Flag("Results", "--all every", None, "Show every operator, of one cell in the graph's order"),
    o.RUN.but("the newest with a profile"),
)  # fmt: skip

VERBS: Mapping[str, Verb] = {
    "run": Verb(
        "Measure a suite, or a MODEL by its file on every engine, record it and write the report",
        (
            *o.OWN_MODELS,
            *o.SELECTION,
            o.SUSTAINED,
            o.PROFILE,
            o.target_flags,
            *o.MEASURING,
            *o.QUIET,
            *o.FLEET,
            o.EXPLAIN,
            o.LANG,
            o.VERBOSE,
            o.NO_REPORT,
            o.RESUME,
        ),
    ),
    "report": Verb(
        "Write every table and plot again from the stored results",
        (
            *words("[FILE]..."),
            o.PAGE,
            o.UPDATE,
            o.RUN.but("all runs"),
            o.EXPLAIN,
            o.LANG,
            o.VERBOSE,
        ),
    ),
    "export": Verb(
        "Write stored results as a table, a database, or the file of another benchmark tool",
        (*words("OUT"), *_EXPORT),
    ),
    "show": Verb(
        "Show a stored run's tables (the newest one's), or a cell: its figure, samples, grade and "
        "what it was measured with",
        (*words("[RUN | CELL]"), o.RUN.but("all runs")),
    ),
    "profile": Verb(
        "Show which operators take a cell's time, or which explain what two cells differ by",
        (*words("[RUN] [CELL]"), *_PROFILE),
    ),
    "plan": Verb(
        "Show what would run, in which order, and how long it takes",
        (*o.OWN_MODELS, *o.SELECTION, o.ALL, o.SYSTEM, o.target_flags, *o.ENVIRONMENTS),
    ),
    "doctor": Verb(
        "Check what can run on this machine, and name the command that adds the rest",
        (o.INSTALL, o.SENSORS, _CHECKED, *o.ENVIRONMENTS),
    ),
    "models": Verb("List the models of the catalogue with their costs", (o.VARIANT,)),
    "audit": Verb("Find figures that contradict each other, published and measured"),
    "selftest": Verb(
        "Measure how reliable this machine's figures are and what slowdown they can show",
        (*_SELFTEST, *o.MEASURING, *o.QUIET),
    ),
    "ab": Verb(
        "Interleaved A/B comparison of two arms: revisions, environments, runners, models, "
        "settings or commands",
        (
            *_ARMS,
            o.CMD,
            o.MEASURE,
            o.MOST_SESSIONS.but("10, of commands 30"),
            o.HALF_WIDTH,
            *_MANY,
            o.SEED,
            _LIVE,
            *o.MEASURING,
            *o.QUIET,
            o.FORMAT,
            o.RESUME,
        ),
    ),
    "bisect": Verb(
        "Find the first revision at which a cell became slower, by live comparisons",
        (*_REVISIONS, *o.STOPPING, o.CELL, o.SEED, _LIVE, *o.MEASURING),
    ),
    "verify": Verb(
        "Build the report again, compare it with the stored one, and name the stale cells",
        (
            o.WEIGHTS.but("seeded; give what RUN had"),
            *o.ENVIRONMENTS,
            o.RUN.but("latest"),
            o.SIGNERS,
        ),
    ),
    "sign": Verb(
        "Sign a complete run with an SSH key, so that others can tell whose it is",
        (*words("RUN"), o.KEY),
    ),
    "compare": Verb(
        "Compare two stored runs cell by cell: faster, slower, same or inconclusive",
        (*words("BASE HEAD"), o.FORMAT),
    ),
    "baseline": Verb(
        "Set, show or check the run that later runs of a system are compared with",
        (*words("set RUN | show [SYSTEM] | check [SYSTEM]"), o.FORMAT),
    ),
    "accuracy": Verb(
        "Measure top-1 and top-5 accuracy over labelled images, of the catalogue or of a MODEL by "
        "its file, and how far engines agree",
        (
            *o.OWN_MODELS,
            o.DATA,
            o.LIST,
            o.LABELS,
            o.LIMIT,
            *_ACCURACY,
            _IMAGES,
            *o.MEASURING,
            o.RESUME,
        ),
    ),
    "predict": Verb(
        "Show the five most probable classes of one image, and the inference time",
        (*words("IMAGE [MODEL]"), o.LABELS, *_PREDICT, _IMAGES, *o.MEASURING),
    ),
    "serve": Verb(
        "Serve a MODEL of the catalogue or by its file over HTTP, by KServe's v2 protocol",
        (
            *words("MODEL"),
            *SERVE,
            o.RUNNER.one("onnxruntime"),
            o.BATCH.one("1, or what the net is fixed to"),
            o.THREADS.one("1"),
            o.WEIGHTS,
            o.TOLERANCE,
            o.INPUT,
            o.INPUT_VALUES,
            _IMAGES,
            *o.MEASURING,
        ),
    ),
    "load": Verb(
        "Load a server of KServe's v2 protocol with MLPerf's LoadGen, by its URL or one for each "
        "cell of a suite",
        (
            *words("[URL]"),
            *LOAD,
            *BATCHES,
            o.SUITE.but("none: serving measures what this harness serves"),
            o.PRESET.but("standard"),
            o.RUNNER,
            o.VARIANT.but("the suite's; of a URL the net that must answer as its reference does"),
            o.THREADS,
            o.WEIGHTS,
            o.TOLERANCE.but("the model's, else the runner's; of a URL 0.001"),
            o.SEED,
            *o.MEASURING,
            *o.QUIET,
            o.LANG,
            o.VERBOSE,
            o.RESUME,
        ),
    ),
    "recommend": Verb(
        "Choose a model and an engine: the most accurate within a time, or the fastest, above an "
        "accuracy or of all",
        _RECOMMEND,
    ),
    "history": Verb(
        "Show the figures of a cell over all runs, with changes of level and of environment",
        words("CELL"),
    ),
    "fleet": Verb(
        "Join machines for `run --fleet`: start a scheduler, join this machine, show the state, or "
        "make certificates",
        (
            *words("start | join ADDRESS | status ADDRESS | certificates [DIR]"),
            *o.FLEET_OWN,
            _CHECKED,
            *o.MEASURING,
        ),
    ),
    "cache": Verb(
        "Show what lies in the cache, or remove what isn't needed any more",
        (
            *words("list | prune | path"),
            o.OLDER,
            o.UNUSED,
            o.DRY_RUN,
            *o.ENVIRONMENTS,
        ),
    ),
}
