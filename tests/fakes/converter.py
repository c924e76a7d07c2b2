"""Fake converters: they write small files where the real ones export and convert nets."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.core.errors import ArtifactError
from bench.core.tensors import write_reference
from tests.fakes.net import infer


def export(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write b<batch>/model.json, model.pdiparams and reference.npz."""
    for batch in options["batches"]:
        folder = out / f"b{batch}"
        folder.mkdir()
        (folder / "model.json").write_text(f"fake net, batch {batch}")
        (folder / "model.pdiparams").write_bytes(b"fake weights")
        shape = (batch, *source["input"])
        x = np.random.default_rng(options["input_seed"]).standard_normal(shape, dtype=np.float32)
        write_reference(folder / "reference.npz", {"x": x}, {"logits": infer(x)})
    return {
        "paddle": "fake",
        "weights_sha256": "f" * 64,
        "costs": {
            "params": 607712,
            "params_trainable": 600000,
            "macs": 10,
            "flops_paddle": 202,
            "uncounted": [],
        },
    }


def import_(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write the same of a person's own file, which says "broken" or is a net of 3x8x8."""
    if "broken" in Path(source["exported"]).read_text():
        raise ArtifactError("this file can't be read", hint="export it again")
    return {**export({"input": (3, 8, 8)}, options, out), "reference": "fake 1.0"}


def export_large(
    source: Mapping[str, Any], options: Mapping[str, Any], out: Path
) -> dict[str, Any]:
    """Write the same, of a net that counts a hundred billion MACs: no core does that in 10 ms."""
    made = export(source, options, out)
    return {**made, "costs": {**made["costs"], "macs": 10**11}}


def convert(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write model.nb."""
    (out / "model.nb").write_bytes(b"x" * 1000)
    return {"paddlelite": "fake", "target": "arm", "bytes": 1000, "sha256_body": "e" * 64}


def hangs(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write half of an export, and end only when it is ended."""
    (out / "b1").mkdir()
    (out / "b1" / "model.json").write_text("half")
    time.sleep(600)
    return {}


def refuse(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    sys.stderr.write("the converter's own words\n")
    raise ArtifactError("this net can't be converted", hint="take another net")
