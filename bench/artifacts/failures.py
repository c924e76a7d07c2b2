"""A converter's child that failed -> one error: the tool's own words first, then what helps.

A new tool's way to say what it can't is one line in a table here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from bench.artifacts.formats import ArtifactFormat, ways
from bench.config.catalog import Model
from bench.config.net_files import FILE_FORMATS
from bench.core.errors import ArtifactError, Unavailable
from bench.launcher.process import ChildFailed, is_full
from bench.storage.schema.common import PASSING

# What stands before a tool's own words, the surest first: glog's fatal lines, opt's verdict,
# Paddle2ONNX's list of operators and its errors, ncnn's missing layer, glog's errors, what an
# exception says that nothing caught, and ONNX Runtime's error within pnnx.
_WORDS = tuple(
    map(
        re.compile,
        (
            r"^\[F [^\]]*\] (.+)",
            r"^Error: (.+)",
            r"(Oops, there are some operators not supported yet, including .+)",
            r"^(layer \S+ not exists or registered)",
            r"\[ERROR\]\S*\s*(.+)",
            r"^[EF]\d{4} [\d:.]+ +\d+ [^\]]*\] (.+)",
            r"^\s+what\(\):\s+(.+)",
            r"^ort Run failed (.+)",
            r"^(unsupported tensor elem data type \d+)",
            r"^(OpenVINO does not support the following ONNX operations: .+)",
        ),
    )
)
_COLOURS = re.compile(r"\x1b?\[[0-9;]*m")
_WITHOUT = "build the net without it, or leave out what needs this format"
_MEND = "mend the net, or leave out what needs this format"
# What a tool says, and what helps.
_REMEDIES = (
    (
        re.compile(r"No attributes called (?P<name>\w+) found for (?P<op>\w+)"),
        "Paddle defines no default of it that bench/converters/op_defaults.py could write out",
    ),
    (
        re.compile(r"must be Value, but got"),
        "this Paddle exports it as PIR only: leave out what needs the older format (Paddle Lite)",
    ),
    (
        re.compile(r"indices element out of data bounds|expected >= 0 and <"),
        "give inputs of its range, as in --input NAME=SHAPE:TYPE:LOW..HIGH",
    ),
    (re.compile(r"not supported|not exists or registered|unsupported"), _WITHOUT),
)
# A converter that fell over says nothing that helps by itself.
_FELL = {
    **dict.fromkeys(("crash", "abort", "no-reply", "garbage-reply", "error"), _MEND),
    "timeout": "the net may be too large for this converter",
    "killed": "the system may have run out of memory",
}


def own_words(log: str) -> str:
    """Return what a tool's log says of its failure, in one line; '' where none is known to."""
    lines = [_COLOURS.sub("", line).rstrip() for line in log.splitlines()]
    for pattern in _WORDS:
        for line in lines:
            if match := pattern.search(line):
                return match[1].strip()
    return ""


def no_way(model: Model, kind: str, formats: Mapping[str, ArtifactFormat]) -> Unavailable:
    """Return the error of a `kind` of artifact that can't be made of what `model` is."""
    files = FILE_FORMATS.values()
    able = ", ".join(dict.fromkeys(it.called for it in files if ways(formats, kind, it.origin)))
    return Unavailable(
        f"{model.called}, and no converter makes {formats[kind].title} of it",
        hint=f"give the net as {able}{' or ' * bool(able)}a factory, or leave out what needs that",
    )


def conversion_error(kind: str, result: ChildFailed, log: Path) -> ArtifactError | Unavailable:
    """Return the error that takes the place of an artifact of `kind`; its log is kept as `log`."""
    if result.kind == "unavailable":
        return Unavailable(result.message, hint=result.hint)
    words = own_words(result.log_tail)
    news = words and words not in result.message
    helps = [remedy for pattern, remedy in _REMEDIES if pattern.search(words or result.message)]
    if not helps:
        helps = [_FELL.get(result.kind, result.hint)]
    kept = _keep(log, result.log_tail)
    kind_of_failure = "disk-full" if is_full(log.parent) else result.kind
    return ArtifactError(
        f"{kind}: {words} ({result.message})" if news else f"{kind}: {result.message}",
        hint=f"{helps[0]}{f'; its log is logs/{log.name} in the cache' if kept else ''}",
        log_tail=result.log_tail,
        failure=kind_of_failure if kind_of_failure in PASSING else "conversion",
    )


def _keep(log: Path, text: str) -> bool:
    """Write the log; tell whether there is one."""
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(text, encoding="utf-8")
    except OSError:
        return False
    return bool(text)
