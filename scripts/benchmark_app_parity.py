"""OpenVINO's own benchmark_app and the harness on the same model file and threads, in turn.

    .venv/bin/python scripts/benchmark_app_parity.py [--variants x0_25,x0_5,x1_0,x2_0] [--rounds 5]

A round runs one tool and then the other for each net, each in a process of its own, with the same
input. benchmark_app sets its input once and reports what the request tells of itself, without the
call around it, so that the harness's runner is compared by what its request tells too. Its usual
sample is of the call by the harness's clock, the input copied in and the output out: that stands
beside, as "whole". Both have FP32, one stream, one thread and no pinning in force; benchmark_app
left alone would take BF16 where the chip has it and read the input as bytes.

Prints the ratio of medians of each net, harness over benchmark_app, and how the rounds' own ratios
spread. Leaves with status 0 where all are within 3%, else 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from bench.artifacts.builder import Artifact, Key, Workshop
from bench.config.catalog import Model, Weights, load_catalogue, resolve, select
from bench.config.project import default_cache
from bench.core.cell import Cell
from bench.core.errors import BenchError, InputError
from bench.core.units import significant, to_ms
from bench.environments.interpreters import Environments
from bench.launcher.process import ChildFailed, run_child

ALLOWED = 0.03
VARIANTS = "x0_25,x0_5,x1_0,x2_0"
FLAGS = (
    "-d", "CPU", "-api", "sync", "-hint", "none", "-nstreams", "1", "-nthreads", "1",
    "-pin", "NO", "-infer_precision", "f32", "-ip", "f32",
)  # fmt: skip
_START_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """The medians in ns of one net in one round."""

    benchmark_app_ns: float
    request_ns: float
    end_to_end_ns: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """One net over all rounds: medians of the rounds' medians, and the rounds' own ratios."""

    variant: str
    benchmark_app_ns: float
    request_ns: float
    end_to_end_ns: float
    ratios: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """The harness's request over benchmark_app's."""
        return self.request_ns / self.benchmark_app_ns

    @property
    def holds(self) -> bool:
        return abs(self.ratio - 1) <= ALLOWED

    @property
    def text(self) -> str:
        times = [
            f"{significant(to_ms(value), 4):>9}"
            for value in (self.benchmark_app_ns, self.request_ns, self.end_to_end_ns)
        ]
        whole = self.end_to_end_ns / self.benchmark_app_ns
        spread = f"{min(self.ratios):.3f} to {max(self.ratios):.3f}"
        verdict = "" if self.holds else "  beyond 3%"
        return (
            f"{self.variant:<8}{''.join(times)}  {self.ratio:.3f}  ({spread})  {whole:.3f}{verdict}"
        )


def parity_of(variant: str, rounds: Sequence[Round]) -> Parity:
    """Return what the rounds of one net come to."""
    return Parity(
        variant=variant,
        benchmark_app_ns=median(one.benchmark_app_ns for one in rounds),
        request_ns=median(one.request_ns for one in rounds),
        end_to_end_ns=median(one.end_to_end_ns for one in rounds),
        ratios=tuple(one.request_ns / one.benchmark_app_ns for one in rounds),
    )


def made(models: Sequence[Model], environments: Environments) -> dict[str, Artifact]:
    """Return OpenVINO's file of each model by its name; raises the error of one that has none."""
    keys = [Key(model.variant, "openvino-ir", 1) for model in models]
    found = Workshop(default_cache(), environments).make(models, keys, workers=1)
    artifacts = {}
    for key in keys:
        it = found[key]
        if isinstance(it, BenchError):
            raise it
        artifacts[key.variant] = it
    return artifacts


def ask(side: str, model: Model, artifact: Artifact, *, python: Path, seconds: int) -> Any:
    """Return what one tool measured; raises BenchError where it gave nothing."""
    cell = Cell(
        variant=model.variant, model_hash=model.hash, runner="openvino", batch=1, threads=1,
        input=model.input_text,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        request: Mapping[str, Any] = {
            "side": side,
            "cell": cell.to_json(),
            "model": str(artifact.main),
            "reference": str(artifact.reference),
            "flags": [*FLAGS, "-t", str(seconds)],
            "seconds": seconds,
            "scratch": scratch,
        }
        result = run_child(
            request,
            module="scripts.benchmark_app_side",
            python=python,
            env={"OMP_NUM_THREADS": "1"},
            timeout_s=_START_S + 4 * seconds,
        )
    if isinstance(result, ChildFailed):
        raise InputError(f"{side} failed: {result.message}", hint=result.log_tail or result.hint)
    return result.value


def one_round(model: Model, artifact: Artifact, *, python: Path, seconds: int) -> Round:
    """Run one tool and then the other."""
    theirs = ask("benchmark_app", model, artifact, python=python, seconds=seconds)
    ours = ask("harness", model, artifact, python=python, seconds=seconds)
    if ours["facts"]["precision"] != "fp32":
        raise InputError("the harness ran in another precision", hint=str(ours["facts"]))
    return Round(
        benchmark_app_ns=median(theirs["request_ns"]),
        request_ns=median(ours["request_ns"]),
        end_to_end_ns=median(ours["end_to_end_ns"]),
    )


def report(found: Sequence[Parity]) -> int:
    """Print the table; return the status that the script leaves with."""
    print("medians in ms; ratios are harness over benchmark_app")
    print(f"{'net':<8}{'b_app':>9}{'request':>9}{'whole':>9}  ratio  (rounds' spread)  whole")
    for one in found:
        print(one.text)
    print(
        "request: what OpenVINO's request tells of itself, which is benchmark_app's figure; whole: "
        "the harness's own sample, by its clock, the input copied in and the output out"
    )
    beyond = [one.variant for one in found if not one.holds]
    print("all within 3%" if not beyond else f"beyond 3%: {', '.join(beyond)}")
    return 1 if beyond else 0


def run(variants: Sequence[str], *, rounds: int, seconds: int) -> int:
    """Measure, print, and return the exit status; raises BenchError."""
    folder = PROJECT / "models"
    catalogue = load_catalogue(folder)
    names = select(catalogue, variants)
    models = [resolve(catalogue, name, folder, Weights()) for name in names]
    environments = Environments(default_cache())
    artifacts, python = made(models, environments), environments.get("engines").python
    found: dict[str, list[Round]] = {model.variant: [] for model in models}
    for number in range(rounds):
        for model in models:
            artifact = artifacts[model.variant]
            found[model.variant].append(one_round(model, artifact, python=python, seconds=seconds))
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    return report([parity_of(variant, ran) for variant, ran in found.items()])


def main() -> int:
    """Read the flags, run, and print what a BenchError says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--variants", default=VARIANTS, help=f"by comma (default: {VARIANTS})")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of each tool and net in a round")
    given = parser.parse_args()
    if given.rounds < 1 or given.seconds < 1:
        parser.error("--rounds and --seconds are whole numbers from 1 on")
    try:
        return run(given.variants.split(","), rounds=given.rounds, seconds=given.seconds)
    except BenchError as error:
        sys.stderr.write(f"benchmark_app_parity: {error}\n")
        return error.exit_status


if __name__ == "__main__":
    sys.exit(main())
