"""Paddle Lite's own benchmark_bin instead of the device program.

It times Run() alone and reports totals in ms, no samples. From v2.10 on it takes an input and
prints the elements of its output, which are then checked; an older one's figures stay unchecked.
Its exit status says nothing (a wrong use leaves with 0): only a "Perf Info" block with all its
figures does, or the single line of the older tool.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from bench.core.cell import Cell, Sampling
from bench.core.errors import BenchError
from bench.devices.android.adb.device import Completed
from bench.devices.android.workspace import Workspace
from bench.runners.base import Array, DeviceSession
from bench.runners.paddle_lite.causes import ProgramEnded, last_words

_POWER_MODES = {"high": 0, "low": 1, "full": 2, "no_bind": 3}
_TITLE = "======= Perf Info ======="
_UNIT = "Time(unit: ms):"
_NAMES = ("init", "first", "min", "max", "avg")
_FIGURE = re.compile(r"(\w+)\s*=\s*(\S+)")
_OLD = re.compile(r"min\s*=\s*(\S+)\s+max\s*=\s*(\S+)\s+average\s*=\s*(\S+)")
# The figures are floats, summed as floats and written with 3 decimals or more.
_ROUNDING = 1e-3
_ELEMENT = re.compile(r"^out\[0\]\[(\d+)\]:(\S+)\s*$", re.MULTILINE)


def power_mode_of(cell: Cell) -> str:
    """Return the power mode that `cell` asks for, by its name."""
    return dict(cell.settings).get("power_mode", "high")


@dataclass(frozen=True, slots=True)
class Listed:
    """A file on the device that lists the values of an input of this shape."""

    file: str
    shape: tuple[int, ...]


def by_tool(
    workspace: Workspace, tool: str, cell: Cell, model: str, x: Listed, sampling: Sampling
) -> DeviceSession:
    """Run the official benchmark_bin on the input `x`.

    Success is a "Perf Info" block, never its exit status. `output` is None where it prints none.
    """

    def run(checks: Mapping[str, str]) -> tuple[Reported, str]:
        flags = {**_tool_flags(cell, model, x.shape, sampling), **checks}
        words = [f"--{name}={value}" for name, value in flags.items()]
        done = workspace.device.run(workspace.command(tool, words), timeout_s=sampling.timeout_s)
        return _reported(done, tool), done.text

    checks = {"input_data_path": x.file, "show_output_elem": "true"}
    try:
        reported, text = run(checks)
    except ProgramEnded as error:
        if not any(f"unknown command line flag '{name}'" in error.problem for name in checks):
            raise
        reported, text = run({})
    return DeviceSession(
        load_ns=_ns(reported.init_ms or 0),
        first_inference_ns=_ns(reported.first_ms or 0),
        output=read_elements(text, cell.batch),
        reported_ns={
            "min": _ns(reported.min_ms), "max": _ns(reported.max_ms), "avg": _ns(reported.avg_ms),
        },
        facts={
            "engine": "paddle-lite by its benchmark_bin",
            "precision": "fp32",
            **({"note": reported.note} if reported.note else {}),
        },
        covariates={},
    )  # fmt: skip


def _reported(done: Completed, tool: str) -> Reported:
    """Return the tool's figures; raises ProgramEnded or NoReport with its own words."""
    output = f"{done.text}\n{done.stderr.decode('utf-8', 'replace')}"
    try:
        return parse_benchmark(done.text)
    except NoReport as error:
        sys.stderr.write(output)
        if done.status != 0:
            raise ProgramEnded(tool, done.status, output) from None
        raise NoReport(error.what, output) from None


def _tool_flags(
    cell: Cell, model: str, shape: tuple[int, ...], sampling: Sampling
) -> dict[str, object]:
    return {
        "optimized_model_file": model,
        "input_shape": ",".join(map(str, shape)),
        "backend": "arm",
        "threads": cell.threads,
        "power_mode": _POWER_MODES[power_mode_of(cell)],
        "warmup": sampling.warmup_calls,
        "repeats": sampling.samples,
        "cpu_precision": "fp32",
    }


def read_elements(text: str, batch: int) -> Array | None:
    """Return the elements of the first output in `text` by rows of `batch`, None where it has none.

    Raises NoReport where some are missing or are no numbers.
    """
    import numpy as np

    elements = _ELEMENT.findall(text)
    if not elements:
        return None
    if [int(index) for index, _ in elements] != list(range(len(elements))) or len(elements) % batch:
        raise NoReport(f"printed {len(elements)} elements of an output, not all in order", text)
    try:
        values = np.array([float(value) for _, value in elements], dtype=np.float32)
    except ValueError:
        raise NoReport("printed an output that is no number", text) from None
    return values.reshape(batch, -1)


def _ns(milliseconds: float) -> int:
    return round(milliseconds * 1e6)


class NoReport(BenchError):
    """The text holds no whole report of benchmark_bin: `what` it did instead."""

    kind = "garbage-reply"

    def __init__(self, what: str, text: str) -> None:
        words = last_words(text)
        super().__init__(
            f"benchmark_bin {what} and said nothing"
            if words is None
            else f"'{words}', said benchmark_bin, and {what}",
            hint="see that it is of the model's version and knows the flags",
        )
        self.what = what


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """Its figures in ms; the older tool has no `init_ms` and no `first_ms`.

    `first_ms` is the first warm-up run where there is one. `note` names what was corrected.
    """

    init_ms: float | None
    first_ms: float | None
    min_ms: float
    max_ms: float
    avg_ms: float
    note: str | None = None


def parse_benchmark(text: str) -> Reported:
    """Return the last report in `text`; raises NoReport where there is no whole one."""
    _, title, after = text.rpartition(_TITLE)
    if title:
        return _checked(_block(after, text), text)
    old = list(_OLD.finditer(text))
    if not old:
        raise NoReport("printed no Perf Info", text)
    return _checked(_line(old[-1], text), text)


def _block(after: str, text: str) -> Reported:
    """Read the block; a later part of it has an `init` of its own, in MB."""
    lines = [line.strip() for line in after.strip().splitlines()]
    if lines[:1] != [_UNIT]:
        raise NoReport(f"printed a Perf Info without '{_UNIT}'", text)
    figures: dict[str, float] = {}
    for line in lines[1:]:
        match = _FIGURE.fullmatch(line)
        if match is None:
            break
        figures[match[1]] = _ms(match[2], text)
    missing = [name for name in _NAMES if name not in figures]
    if missing:
        raise NoReport(f"printed a Perf Info without {', '.join(missing)}", text)
    return Reported(
        init_ms=figures["init"], first_ms=figures["first"], min_ms=figures["min"],
        max_ms=figures["max"], avg_ms=figures["avg"],
    )  # fmt: skip


def _line(match: re.Match[str], text: str) -> Reported:
    least, most, average = (_ms(match[group], text) for group in (1, 2, 3))
    note = None
    if least > most:
        # Version 2.6 writes each under the other's name.
        least, most, note = most, least, "min and max were swapped in the tool's line"
    return Reported(
        init_ms=None, first_ms=None, min_ms=least, max_ms=most, avg_ms=average, note=note
    )


def _ms(figure: str, text: str) -> float:
    try:
        value = float(figure)
    except ValueError:
        _no_duration(figure, text)
    return value if math.isfinite(value) and value >= 0 else _no_duration(figure, text)


def _no_duration(figure: str, text: str) -> NoReturn:
    raise NoReport(f"printed '{figure}' for a duration", text)


def _checked(report: Reported, text: str) -> Reported:
    slack = _ROUNDING * (1 + report.max_ms)
    if not report.min_ms - slack <= report.avg_ms <= report.max_ms + slack:
        raise NoReport(
            f"printed an average of {report.avg_ms:g} ms "
            f"outside {report.min_ms:g} to {report.max_ms:g} ms",
            text,
        )
    return report
