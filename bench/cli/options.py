"""The verbs and their flags: what they are called, and what --help says of them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NoReturn

from bench import __version__
from bench.cli.ab_flags import add_ab, add_bisect
from bench.cli.accuracy_flags import add_accuracy, add_predict
from bench.cli.recommend_flags import add_recommend
from bench.core.errors import InputError

VERBS = {
    "run": "measure a suite, record it, write the report",
    "report": "write every table and plot again, from results/ alone",
    "plan": "what would run, in which order, how long it should take",
    "doctor": "what can run on this machine, and what brings the rest",
    "models": "the catalogue with its costs",
    "audit": "figures that can't be right or contradict each other, published and measured",
    "selftest": "how far this machine's figures can be trusted, and what slowdown they can tell",
    "ab": "two arms live, side by side: revisions, environments, runners, models or settings",
    "bisect": "the first revision at which a cell became slower, by live comparisons",
    "verify": "derive the report again and compare; name the cells that are stale",
    "compare": "two stored runs, cell by cell: faster, slower, same, or why that can't be told",
    "baseline": "the run that this system's later ones are held against: set, show or check it",
    "accuracy": "how often nets are right over labelled images, and how engines agree",
    "predict": "the five classes that a net sees in one image, and the time that it takes",
    "recommend": "which net on which engine: the most accurate in a time, the fastest that will do",
    "history": "a cell's figures over the runs, with changes of level and of what it ran in",
}


class Parser(argparse.ArgumentParser):
    """An argument parser that says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        raise InputError(message, hint=f"see `{self.prog} --help`")


def make_parser() -> Parser:
    """Return the parser of `python -m bench`."""
    parser = Parser(
        prog="python -m bench",
        description="Measure neural networks on this machine, record how, and write the tables.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"bench {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=Parser)
    for verb, text in VERBS.items():
        sub = verbs.add_parser(verb, help=text, description=text.capitalize(), allow_abbrev=False)
        _add_common(sub)
        _ADD[verb](sub)
    return parser


def _add_common(parser: Parser) -> None:
    add = parser.add_argument
    add("--results", metavar="DIR", help="where results are kept (default: results)")
    add("--models", metavar="DIR", help="the folder of catalog.toml (default: models)")
    add("--json", action="store_true", dest="as_json", help="print JSON")


def _add_selecting(parser: Parser) -> None:
    add = parser.add_argument
    add(
        "--suite",
        metavar="NAME",
        help="cpu, engines, precisions, gpu, arm, or a .toml (default: cpu)",
    )
    add("--preset", metavar="NAME", help="quick, standard or paddleclas (default: standard)")
    add("--runner", metavar="A,B", help="runners, by comma")
    add("--variant", metavar="A,B", help="models of the catalogue, by comma (default: all)")
    add("--batch", metavar="N,M", help="batch sizes, by comma")
    add("--threads", metavar="N,M", help="thread counts, by comma")
    add("--weights", metavar="W", help="seeded (default), pretrained, or a .pdparams file")
    add("--seed", metavar="N", help="seed of the order of sessions (default: 0)")
    _add_phone(parser)
    _add_gpu(parser)


def _add_gpu(parser: Parser) -> None:
    add = parser.add_argument
    add("--gpu", metavar="UUID|INDEX", help="the GPU, as `nvidia-smi -L` lists it (default: first)")
    add("--shared-gpu", action="store_true", help="measure beside other processes on the GPU")
    add(
        "--allow-partial",
        action="store_true",
        help="measure nets that TensorRT takes only in part, and mark them",
    )


def _add_phone(parser: Parser) -> None:
    _add_device(parser)
    parser.add_argument(
        "--benchmark-bin", metavar="PATH", help="use Paddle Lite's own benchmark_bin instead"
    )


def _add_device(parser: Parser) -> None:
    add = parser.add_argument
    add("--device", metavar="SERIAL", help="the phone, as `adb devices` prints it, or host:port")
    add("--agent", metavar="DIR", help="where `make agent` put the device program")
    add("--transport", metavar="WAY", help="direct or server (default: whichever reaches it)")


def _add_environments(parser: Parser) -> None:
    add = parser.add_argument
    add("--env", metavar="NAME=PATH", action="append", help="a Python of your own for NAME")
    add("--cache", metavar="DIR", help="environments and artifacts (default: ~/.cache)")


def _add_run(parser: Parser) -> None:
    _add_selecting(parser)
    _add_environments(parser)
    _add_explain(parser)
    parser.add_argument("--resume", metavar="RUN", help="go on with a run, or with `latest`")
    parser.add_argument(
        "--sustained", metavar="TIME", help="one session a cell that lasts, as in 60s or 2m"
    )


def _add_explain(parser: Parser) -> None:
    parser.add_argument(
        "--explain", action="store_true", help="what lowers each grade, and what would raise it"
    )


def _add_report(parser: Parser) -> None:
    _add_explain(parser)
    parser.add_argument("--run", metavar="RUN", help="only this run, or `latest`; default: all")


def _add_doctor(parser: Parser) -> None:
    _add_environments(parser)
    _add_phone(parser)
    parser.add_argument(
        "--install",
        action="store_true",
        help="build the GPU engines (2.3 GB), prove that they load",
    )
    parser.add_argument(
        "--sensors", action="store_true", help="what reading the machine's state costs, and no more"
    )


def _add_nothing(parser: Parser) -> None:
    """The common flags are all that the verb has."""


def _add_models(parser: Parser) -> None:
    parser.add_argument("--variant", metavar="A,B", help="models, by comma (default: all)")


def _add_verify(parser: Parser) -> None:
    _add_environments(parser)
    add = parser.add_argument
    add("--run", metavar="RUN", help="whose cells are checked (default: latest)")
    add("--weights", metavar="W", help="as RUN had: seeded (default), pretrained, or a file")


def _add_selftest(parser: Parser) -> None:
    add = parser.add_argument
    add("--sessions", metavar="N", help="rounds of three sessions, from 6 on (default: 12)")
    add("--runner", metavar="NAME", help="the runner (default: paddle)")
    add("--threads", metavar="N", help="threads (default: 1)")
    add("--seed", metavar="N", help="seed of the sessions' order and of the draws (default: 0)")
    add("--from", metavar="RUN", dest="run", help="only weigh this run, or `latest`, again")
    add("--resume", metavar="RUN", help="go on with a self-test, or with `latest`")
    _add_environments(parser)


def _add_compare(parser: Parser) -> None:
    _add_words(parser, "BASE HEAD", "runs: ids, `latest`, folders of runs, or a baseline's system")
    _add_format(parser)


def _add_baseline(parser: Parser) -> None:
    _add_words(parser, "WORD", "set RUN, show [SYSTEM], or check [SYSTEM]")
    _add_format(parser)


def _add_history(parser: Parser) -> None:
    _add_words(parser, "CELL", "a cell's id, or how it begins where no other does")


def _add_words(parser: Parser, metavar: str, text: str) -> None:
    parser.add_argument("words", nargs="*", metavar=metavar, help=text)


def _add_format(parser: Parser) -> None:
    parser.add_argument(
        "--format",
        metavar="NAME",
        dest="output_format",
        help="table (default), markdown, json, junit or github",
    )


def _add_ab(parser: Parser) -> None:
    add_ab(parser)
    _add_device(parser)
    _add_gpu(parser)
    _add_format(parser)
    _add_environments(parser)


def _add_bisect(parser: Parser) -> None:
    add_bisect(parser)
    _add_device(parser)
    _add_gpu(parser)
    _add_environments(parser)


def _add_accuracy(parser: Parser) -> None:
    add_accuracy(parser)
    _add_gpu(parser)
    _add_environments(parser)


def _add_predict(parser: Parser) -> None:
    add_predict(parser)
    _add_gpu(parser)
    _add_environments(parser)


_ADD: dict[str, Callable[[Parser], None]] = {
    "run": _add_run,
    "report": _add_report,
    "plan": _add_selecting,
    "doctor": _add_doctor,
    "models": _add_models,
    "audit": _add_nothing,
    "selftest": _add_selftest,
    "verify": _add_verify,
    "ab": _add_ab,
    "bisect": _add_bisect,
    "compare": _add_compare,
    "baseline": _add_baseline,
    "history": _add_history,
    "recommend": add_recommend,
    "accuracy": _add_accuracy,
    "predict": _add_predict,
}
