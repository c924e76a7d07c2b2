"""A .pdmodel into Paddle Lite's .nb for x86, with the opt of an interpreter of its own.

The opt whose files run on x86 has a wheel for Python 3.7 only. So the converter runs in another
one, which starts that with a small program; what it can't digest it answers with a C++ abort.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.converters import lite_opt, lite_opt_x86_child
from bench.launcher.engine_process import interpreted, open_engine_process

_PROGRAM = Path(lite_opt_x86_child.__file__)
_WITHIN_S = 300.0


def convert(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write `out`/model.nb for `options["target"]` from `source["model"]` and `source["params"]`.

    Raises ArtifactError for what is no program or gives no file, Unavailable where there is no opt,
    and EngineLost where that falls over.
    """
    facts: dict[str, Any] = {}

    def run_opt(target: str) -> None:
        program, words = interpreted(_PROGRAM), (str(out), target)
        with open_engine_process(program, *words, timeout_s=_WITHIN_S) as process:
            facts.update(process.ready)

    return lite_opt.converted(source, options["target"], out, run_opt) | facts
