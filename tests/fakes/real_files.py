"""A real file of each kind that the harness reads: what fuzzing begins with."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
from pydantic import BaseModel

from bench.core.paths import PROJECT
from bench.storage.files import to_line, to_text
from bench.storage.schema.ab import AbManifest, AbRecord
from bench.storage.schema.accuracy import (
    AccuracyManifest,
    ApartFields,
    ChunkFields,
    JournalLine,
    OpenedFields,
)
from bench.storage.schema.baseline import Baseline, Recipe
from tests.fakes import values
from tests.fakes.phones import MEMINFO, SD855, SD855_KHZ, cpufreq, grepped

RUN = values.manifest()
_BURSTS = [{"arm": arm, "ns": [9_000_000, 1_000_000]} for arm in ("base", "head")] * 2
_ARM = {
    "pid": 1, "load_ns": 1, "first_inference_ns": 1, "relative_l2": 0.0, "steady": True,
    "warmup_ns": [1], "facts": {"engine": "fake"}, "covariates": {"cpu_s": 0.5},
}  # fmt: skip
PAIR = AbRecord.model_validate(
    {
        "pair_id": values.CELL.id, "label": "a cell", "base": values.CELL.to_json(),
        "head": values.CELL.to_json(), "outcome": {"kind": "measured", "stopped": "cap"},
        "rule": {"pairs": 2, "burst_s": 0.05, "least_calls": 2, "most_calls": 9, "dropped": 1},
        "sessions": [
            {
                "started": RUN.started, "order": 0, "round": 0, "opened": ["head", "base"],
                "cores": [0], "wall_ns": 9, "arms": {"base": _ARM, "head": _ARM},
                "bursts": _BURSTS, "before": {"load_1m": 0.5}, "after": {},
            }
        ],
    }
)  # fmt: skip
_SIDE = {
    "asked": ["rev:main"], "title": "main", "commit": None, "dirty": False, "environments": {},
    "models": {"x0_25": "abc"}, "artifacts": {},
}  # fmt: skip
AB = AbManifest.model_validate(
    {
        "run_id": RUN.run_id, "system_id": RUN.system_id, "status": "complete",
        "started": RUN.started, "target": "cpu", "seed": 0, "pairs": [values.CELL.id],
        "growth": {"sessions": 2, "max_sessions": 3, "half_width": 0.01, "grow_for_s": 1.0},
        "arms": {"base": _SIDE, "head": _SIDE}, "provenance": RUN.provenance,
    }
)  # fmt: skip
ACCURACY = AccuracyManifest.model_validate(
    {
        "run_id": RUN.run_id, "system_id": RUN.system_id, "status": "running",
        "started": RUN.started, "target": "cpu", "chunk": 4, "variants": ["x0_25"],
        "data": {"images": 3, "layout": "list", "digest": "d"}, "runners": ["fake"],
        "cells": {values.CELL.id: values.CELL.to_json()}, "models": {},
        "provenance": RUN.provenance,
    }
)  # fmt: skip
LINES = [
    JournalLine(
        variant="x0_25", runner="fake",
        opened=OpenedFields(load_ns=1, relative_l2=0.0, facts={"engine": "fake"}),
    ),
    JournalLine(
        variant="x0_25",
        chunk=ChunkFields(
            start=0, images=[0, 1], labels=[3, 4], unreadable={"a.png": "no image"},
            best={"fake": [[3, 1], [2, 4]]},
            apart=[ApartFields(one="a", other="b", image=1, relative_l2=0.5)],
        ),
    ),
    JournalLine(variant="x0_25", runner="other", failed=values.FAILED),
]  # fmt: skip
BASELINE = Baseline(
    system_id=RUN.system_id, accepted=RUN.started, suite="cpu", preset="standard",
    cells={values.CELL.id: RUN.run_id},
    recipe=Recipe(commit="c", command=["python"], locks={}, harness={}, environments={}, models={}),
)  # fmt: skip
LIST = b"\xef\xbb\xbfval/1.JPEG 65\r\nval/a b.JPEG\t970\n\nval/3.JPEG 0\n"
EVENTS: list[dict[str, Any]] = [
    {"event": "start", "agent": "3", "library": "v2.12", "abi": "arm64-v8a", "pid": 4711},
    {"event": "loaded", "load_ns": 90_000, "threads": 2, "power_mode": "high"},
    {"event": "first", "first_inference_ns": 8_000},
    {"event": "output", "shape": [1, 3], "data": [0.5, -2, 1e-08]},
    {"event": "sample", "phase": "warmup", "ns": 7_000, "run_ns": 6_900},
    {"event": "steady", "steady": True},
    {"event": "tasks", "when": "before", "cores": [{"core": 7, "khz": 9}], "tasks": []},
    {"event": "sample", "phase": "timed", "ns": 5_000, "run_ns": 4_800},
    {"event": "tasks", "when": "after", "cores": [{"core": 7, "khz": 9}], "tasks": []},
    {"event": "end", "warmup": 1, "timed": 1, "peak_rss_kib": 70_000},
]
ERROR = {"error": {"kind": "error", "message": "it can't be loaded", "hint": "make it again"}}
PHONE = "".join(f"[{name}]: [{value}]\n" for name, value in SD855.items()) + "".join(
    f"@@bench {name}\n{text}\n"
    for name, text in (("cores", grepped(cpufreq(SD855_KHZ))), ("memory", MEMINFO))
)


def stored(*kept: BaseModel) -> list[bytes]:
    return [to_text(value).encode() for value in kept]


def journal(*lines: BaseModel) -> bytes:
    return b"".join(to_line(line, brief=False) + b"\n" for line in lines)


def shipped(pattern: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted(PROJECT.glob(pattern))]


def packet(channel: int, data: bytes) -> bytes:
    return struct.pack("<BI", channel, len(data)) + data


def piece(kind: bytes, data: bytes) -> bytes:
    return struct.pack("<4sI", kind, len(data)) + data


# As PaddleClas writes it.
INFERENCE = """
Global:
  model_name: PP-LCNet_x1_0
Hpi:
  backend_configs:
    paddle_infer:
      trt_dynamic_shapes: {x: [[1, 3, 224, 224], [1, 3, 224, 224], [8, 3, 224, 224]]}
PreProcess:
  transform_ops:
  - ResizeImage:
      resize_short: 256
  - CropImage:
      size: 224
  - NormalizeImage:
      channel_num: 3
      mean: [0.485, 0.456, 0.406]
      order: ''
      scale: 0.00392156862745098
      std: [0.229, 0.224, 0.225]
  - ToCHWImage: null
PostProcess:
  Topk:
    topk: 5
    label_list:
    - tench, Tinca tinca
    - 7
"""


_LOCATION = b"\x0a\x08location\x12"
ONNX = b"\x08\x08" + _LOCATION + b"\x0cweights.data" + _LOCATION + b"\x81\x01" + b"w" * 129
NCNN = """7767517
3 3
Input                    in0                      0 1 in0 0=8 1=8 2=3
Input                    in1                      0 1 in1
Convolution              conv_0                   1 1 in0 out0 0=8 1=3
"""


def values_file() -> bytes:
    """Return an .npz file of two inputs."""
    np.savez(file := io.BytesIO(), ids=np.arange(6).reshape(2, 3), mask=np.ones((2, 3)))
    return file.getvalue()
