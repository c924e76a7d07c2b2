"""Every option of the command line, defined once.

A verb names the options that it takes in its line of `bench.cli.commands`, and makes those there
that it alone has; those of a target come from `bench.targets`. Light: `--help` loads this.
"""

from __future__ import annotations

from functools import partial

import click

from bench.cli.flags import Flag, Words
from bench.cli.values import AGE, PATH, PORT, Value, one_of, whole
from bench.config.sustained import parse_duration
from bench.targets import TARGETS, TargetOption

MODEL_FILES = Words(
    "model_files",
    "[MODEL]...",
    "A net's file (.onnx, .pdmodel, .json, .xml, .param, .mnn), a folder with one, or "
    "module:function; none: the models of the catalogue",
)

_SELECT, _RESULTS, _COMPARE, _IMAGES = "Selection", "Results", "Comparison", "Images"
_ENVIRONMENTS, _CHECKS, _LIMITS = "Environments", "Checks", "Limits"
_QUIET, _CACHED, _FLEET = "Other load", "Removal", "Fleet"
_SUITES = "cpu, engines, mobile, precisions, cpp, serving, gpu, arm, or a .toml file"
_SHAPE = (
    "Shape of an input that a MODEL's file leaves open, N for the batch, with its type and range: "
    "ids=Nx128:int64:0..999; may be repeated, and the only input needs no name"
)
_ARM = (
    "rev:REV, models-rev:REV, env:NAME==VERSION, runner:NAME, model:PATH, precision:NAME, "
    "weights:W, set:threads=N or set:NAME=VALUE; may be repeated"
)
_ENOUGH = "Stop when the half-width of the 95% interval is below this"

SUITE = Flag(_SELECT, "--suite", "NAME", _SUITES, "cpu, of a MODEL engines")
PRESET = Flag(_SELECT, "--preset", "NAME", "quick, standard or paddleclas", "standard")
RUNNER = Flag(
    _SELECT, "--runner runners", "A,B", "Runners, by comma, or `all` of the target",
    "the suite's, of a MODEL all",
)  # fmt: skip
VARIANT = Flag(
    _SELECT, "--variant variants", "A,B", "Models of the catalogue, by comma", "the suite's"
)
BATCH = Flag(_SELECT, "--batch batches", "N,M", "Batch sizes, by comma", "the suite's")
THREADS = Flag(_SELECT, "--threads", "N,M", "Thread counts, by comma", "the suite's")
WEIGHTS = Flag(
    _SELECT,
    "--weights",
    "W",
    "seeded, pretrained, or a .pdparams file (its tensors alone)",
    "seeded",
)
TOLERANCE = Flag(
    _SELECT,
    "--tolerance",
    "SHARE",
    "How far FP32 output may be from the reference, as relative L2",
    "the model's, else the runner's",
)
SEED = Flag(_SELECT, "--seed", "N", "Seed of the session order", "0", type=whole(0))
SUSTAINED = Flag(
    _SELECT, "--sustained sustained_s", "TIME", "Run each cell in one session, as in 60s or 2m"
)
TURNS = Flag(
    _SELECT, "--turns", None,
    "Have the cells of a table open at once, a burst of each by turns: sharp ratios",
)  # fmt: skip
NO_TURNS = Flag(_SELECT, "--no-turns", None, "Measure each cell in sessions of its own")
PROFILE = Flag(
    _SELECT, "--profile", None,
    "Profile each measured cell by operator, after all sessions: `bench profile` shows it",
)  # fmt: skip
SESSIONS = Flag(
    _SELECT, "--sessions", "N", "Rounds of three sessions, from 6 on", "12", type=whole(6)
)
WAIT_QUIET = Flag(
    _QUIET,
    "--wait-quiet",
    "[TIME]",
    "Wait before a session until little else runs here, this long in all; 10m unless it is given",
    type=Value(partial(parse_duration, flag="--wait-quiet"), ""),
    flag_value="10m",
)
REQUIRE_QUIET = Flag(_QUIET, "--require-quiet", None, "Refuse to start while much else runs here")
CELL = Flag(_SELECT, "--cell", "ID", "The id of the cell that became slower")

RESULTS = Flag(_RESULTS, "--results", "DIR", "Results folder: data, from anybody", "results")
_DIR = "The folder of catalog.toml, published.csv or not: code, which is run"
MODELS = Flag(_RESULTS, "--models", "DIR", _DIR, "models")
JSON = Flag(_RESULTS, "--json as_json", None, "Print JSON")
FORMAT = Flag(
    _RESULTS, "--format output_format", "NAME", "table, markdown, json, junit or github", "table"
)
EXPLAIN = Flag(_RESULTS, "--explain", None, "Show what lowers each grade, and what raises it")
LANG = Flag(
    _RESULTS, "--lang", "LANG", "en, or zh for the report in Chinese beside the English one", "en",
    type=one_of("en", "zh"),
)  # fmt: skip
PAGE = Flag(
    _RESULTS, "--page", None,
    "Print the tables of a page of PaddleClas's documentation instead, by default in Chinese",
)  # fmt: skip
UPDATE = Flag(
    _RESULTS, "--update", None,
    "Rewrite the tables between bench:begin and bench:end in each FILE instead; without one, list "
    "their keys",
)  # fmt: skip
VERBOSE = Flag(_RESULTS, "--verbose", None, "Name each file that is written")
ALL = Flag(_SELECT, "--all all_sessions", None, "Show every session in its order")
RUN = Flag(_RESULTS, "--run", "RUN", "The id of a run, or `latest`")
FROM = Flag(_RESULTS, "--from run", "RUN", "Analyze this stored run, or `latest`; measure nothing")
RESUME = Flag(_RESULTS, "--resume", "RUN", "Resume an interrupted run: its id, or `latest`")

ENV = Flag(_ENVIRONMENTS, "--env envs", "NAME=PATH", "Your own Python for NAME", multiple=True)
CACHE = Flag(_ENVIRONMENTS, "--cache", "DIR", "Environments and artifacts", "~/.cache")
PASS_ENV = Flag(
    _ENVIRONMENTS,
    "--pass-env passed",
    "NAME",
    "Let the engines inherit this environment variable; it is recorded, and allows grade B at most",
    multiple=True,
)
OLDER = Flag(_CACHED, "--older", "TIME", "Remove what wasn't used for that long", type=AGE)
UNUSED = Flag(_CACHED, "--unused", None, "Remove what neither this version nor these models need")
DRY_RUN = Flag(_CACHED, "--dry-run", None, "Show what would go, and remove nothing")
KEY = Flag(_CHECKS, "--key", "FILE", "Your private SSH key", type=PATH)
SIGNERS = Flag(
    _CHECKS,
    "--signers",
    "FILE",
    "Whose SSH signature of the run to accept: a line of name and public key each",
    type=PATH,
)
INSTALL = Flag(_CHECKS, "--install", None, "Build and check the engines of the GPU")
SENSORS = Flag(_CHECKS, "--sensors", None, "Measure only the cost of reading the machine's state")

_TCP = "tls://HOST:PORT"
_CERTIFICATES = Flag(
    _FLEET, "--certificates", "DIR",
    "The fleet's certificates, which `fleet certificates` makes; needed beyond the loopback",
    "in ~/.config", type=PATH,
)  # fmt: skip
FLEET = (
    Flag(_FLEET, "--fleet", _TCP, "Measure by a fleet's scheduler: a job at each target that fits"),
    Flag(
        _FLEET, "--at", "NAME",
        "Only at this target or worker, as `fleet status` names them; may be repeated",
        "every one that fits", multiple=True,
    ),
    Flag(
        _FLEET, "--elsewhere", None,
        "Measure a lost worker's job anew where its target is offered; else it waits there",
    ),
    Flag(
        _FLEET, "--share-host", None,
        "Leave a phone's or GPU's host to the jobs of its other phones and GPUs",
    ),
    Flag(_FLEET, "--campaign", "ID", "Go on with the jobs of an interrupted run over a fleet"),
    _CERTIFICATES,
)  # fmt: skip
FLEET_OWN = (
    Flag(_FLEET, "--host", "HOST", "Where `start` listens", "127.0.0.1"),
    Flag(_FLEET, "--port", "N", "The port at which it does, 0 for any", "8786", type=PORT),
    Flag(_FLEET, "--name", "NAME", "What `join` calls this machine", "its host name"),
    _CERTIFICATES,
    Flag(
        _FLEET,
        "--reserve",
        "PLACE",
        "What jobs here hold in the lab's own system: [TARGET=]labgrid:PLACE; may be repeated",
        multiple=True,
    ),
    Flag(_FLEET, "--dashboard", None, "`start` serves Dask's own dashboard too (package bokeh)"),
    Flag(_FLEET, "--watch", None, "`status` shows the state again every two seconds, until Ctrl-C"),
)
NO_REPORT = Flag(_RESULTS, "--no-report", None, "Record only; `bench report` writes the report")

BASE = Flag(_COMPARE, "--base", "SPEC", _ARM, "the present state", multiple=True)
HEAD = Flag(_COMPARE, "--head", "SPEC", "The other arm, as --base", multiple=True)
BASE_ENV, HEAD_ENV = (
    Flag(
        _COMPARE, f"{arm}-env", "NAME==VERSION", f"Short for {arm} env:NAME==VERSION", multiple=True
    )
    for arm in ("--base", "--head")
)
CMD = Flag(
    _COMPARE,
    "--cmd",
    "COMMAND",
    "Compare two commands instead of nets, the first one as the base; give it twice. Each is split "
    "into words and run without a shell (\"sh -c '...'\" is one), in a fresh process each time: "
    "its start is part of the figure",
    multiple=True,
)
MOST_SESSIONS = Flag(
    _COMPARE,
    "--sessions most_sessions",
    "N",
    "At most, from 2 on",
    "10",
    type=whole(2),
)
HALF_WIDTH = Flag(_COMPARE, "--half-width", "SHARE", _ENOUGH, "0.01")
MEASURE = Flag(
    _COMPARE,
    "--measure",
    "wall|cpu",
    "What the change is of: wall is the latency, cpu the CPU time of all threads (on Linux). cpu "
    "is the better one on a busy machine: what others take of a core adds to a latency, and hardly "
    "to CPU time. It misleads where threads spin, which counts as work, and where they wait (for a "
    "disk, a GPU or each other), which doesn't count",
    "wall",
    type=click.Choice(["wall", "cpu"]),
)
GOOD = Flag(_COMPARE, "--good", "REV", "A revision that is fast enough")
BAD = Flag(_COMPARE, "--bad", "REV", "A later revision that is slower", "HEAD")

DATA = Flag(_IMAGES, "--data", "DIR", "A folder with a sub-folder for each class")
LIST = Flag(_IMAGES, "--list list_file", "FILE", "Lines of `path label` for images below --data")
LABELS = Flag(
    _IMAGES, "--labels", "FILE", "Class names, one a line, in the order of the model's outputs"
)
INPUT = Flag(_SELECT, "--input inputs", "[NAME=]SHAPE", _SHAPE, multiple=True)
INPUT_VALUES = Flag(
    _SELECT, "--input-values", "FILE",
    "An .npz file of arrays by the names of inputs, in the place of seeded ones",
)  # fmt: skip
_FIRST = "The first N images: of folders by turns over the classes, of a list in its order"
LIMIT = Flag(_IMAGES, "--limit", "N", _FIRST, type=whole(1))
SYSTEM = Flag(_SELECT, "--system", "ID", "Answer from the figures of that system", "this machine")
MAX_MS = Flag(_LIMITS, "--max-ms", "MS", "Find the most accurate within this time a batch")
MIN_TOP1 = Flag(_LIMITS, "--min-top1", "PERCENT", "Find the fastest from this top-1 accuracy on")

SELECTION = (
    SUITE, PRESET, RUNNER, VARIANT, BATCH, THREADS, WEIGHTS, TOLERANCE, SEED, TURNS, NO_TURNS,
)  # fmt: skip
OWN_MODELS = (MODEL_FILES, INPUT, INPUT_VALUES)
ENVIRONMENTS = (ENV, CACHE)
MEASURING = (*ENVIRONMENTS, PASS_ENV)
COMMON = (RESULTS, MODELS, JSON)
QUIET = (WAIT_QUIET, REQUIRE_QUIET)
STOPPING = (MOST_SESSIONS, HALF_WIDTH)
# What a resumed run has already.
OF_A_NEW_RUN = (
    PRESET, RUNNER, VARIANT, BATCH, THREADS, SEED, SUSTAINED, TURNS, NO_TURNS, PROFILE, SESSIONS,
    MOST_SESSIONS, HALF_WIDTH,
    MEASURE,
)  # fmt: skip


def target_flags(
    *, live: bool = False, checked: bool = False, images: bool = False
) -> tuple[Flag, ...]:
    """Return the targets' own options.

    `live`, `checked`: those alone that a live comparison or the doctor takes; `images`: of those
    targets alone that take images.
    """
    return tuple(
        _target_flag(entry.title, option)
        for entry in TARGETS.values()
        if not (images and entry.runs_sessions)
        for option in entry.options
        if (option.live or not live) and (option.checked or not checked)
    )


def _target_flag(title: str, option: TargetOption) -> Flag:
    kind = click.Choice(option.choices) if option.choices else PATH if option.is_path else None
    return Flag(f"On {title}", option.flag, option.metavar, option.help, type=kind)
