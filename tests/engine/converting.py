"""Run converters in children of the interpreters they need, as the harness does."""

from __future__ import annotations

import csv
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.core.errors import ArtifactError

ROOT = Path(__file__).resolve().parents[2]
PIR = {"FLAGS_enable_pir_api": "1"}
PROGRAM = {"FLAGS_enable_pir_api": "0"}

# paddle.vision's name of each net in the published table.
PUBLISHED_NAMES = {
    "shufflenet_v2_x0_25": "ShuffleNetV2_x0_25",
    "shufflenet_v2_x0_33": "ShuffleNetV2_x0_33",
    "shufflenet_v2_x0_5": "ShuffleNetV2_x0_5",
    "shufflenet_v2_x1_0": "ShuffleNetV2",
    "shufflenet_v2_x1_5": "ShuffleNetV2_x1_5",
    "shufflenet_v2_x2_0": "ShuffleNetV2_x2_0",
    "shufflenet_v2_swish": "ShuffleNetV2_swish",
}

_DRIVER = """
import importlib, json, sys
from pathlib import Path
from bench.core.errors import BenchError

requests, answers = json.load(sys.stdin), []
for request in requests:
    converter = importlib.import_module("bench.converters." + request["converter"])
    out = Path(request["out"])
    out.mkdir(parents=True)
    try:
        answers.append({"facts": converter.convert(request["source"], request["options"], out)})
    except BenchError as error:
        answers.append({"problem": error.problem, "hint": error.hint})
Path(sys.argv[1]).write_text(json.dumps(answers, allow_nan=False))
"""

Answer = dict[str, Any]


def convert(
    python: Path,
    converter: str,
    source: Mapping[str, Any],
    options: Mapping[str, Any],
    *,
    out: Path,
    env: Mapping[str, str],
) -> dict[str, Any]:
    """Return the facts of one conversion into `out`, or raise the ArtifactError of the child."""
    request = {"converter": converter, "source": source, "options": options, "out": str(out)}
    [answer] = _ask(python, [request], out, env)
    if "facts" not in answer:
        raise ArtifactError(answer["problem"], hint=answer["hint"])
    facts: dict[str, Any] = answer["facts"]
    return facts


def attempt(
    python: Path,
    converter: str,
    cases: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
    *,
    out: Path,
    env: Mapping[str, str],
) -> list[Answer]:
    """Convert each (source, options) into `out`/0, `out`/1, ... in one child.

    An answer is {"facts": ...} or {"problem": ..., "hint": ...}.
    """
    requests = [
        {"converter": converter, "source": source, "options": options, "out": str(out / str(index))}
        for index, (source, options) in enumerate(cases)
    ]
    return _ask(python, requests, out, env)


def _ask(
    python: Path, requests: list[dict[str, Any]], out: Path, env: Mapping[str, str]
) -> list[Answer]:
    scratch = out.with_name(f"{out.name}.child")
    answers: list[Answer] = json.loads(run(python, _DRIVER, requests, scratch, env))
    return answers


def run(python: Path, code: str, request: object, scratch: Path, env: Mapping[str, str]) -> str:
    """Run `code` with `request` as JSON on its standard input and the path of a file to answer in.

    Returns that file's text. Paddle reads the source of the layers it exports, hence the file.
    """
    scratch.mkdir()
    driver, answer = scratch / "driver.py", scratch / "answer"
    driver.write_text(code)
    done = subprocess.run(
        [str(python), str(driver), str(answer)],
        input=json.dumps(request),
        env={**os.environ, **env, "PYTHONPATH": str(ROOT)},
        cwd=scratch,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return answer.read_text()


def published(name: str) -> dict[str, str]:
    """Return the row of models/published.csv for a net of paddle.vision."""
    with (ROOT / "models" / "published.csv").open(newline="") as file:
        rows = {row["model"]: row for row in csv.DictReader(file)}
    return rows[PUBLISHED_NAMES[name]]
