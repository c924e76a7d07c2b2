"""ONNX into ncnn's two files, with the program in the `pnnx` wheel; weights in float32."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.converters import onnx_file
from bench.core.errors import ArtifactError

_AXES, _TRIED = 2, 10  # a table's axes; as many whole numbers pnnx tries, from 0 on


def convert(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write `out`/model.ncnn.param and model.ncnn.bin from `source["model"]`, an .onnx file.

    Raises ArtifactError where pnnx fails or leaves a layer that ncnn hasn't got.
    """
    onnx, program = onnx_file.path(source), _program()
    with tempfile.TemporaryDirectory() as scratch:
        _run(program, onnx, Path(scratch))
        for suffix in ("param", "bin"):
            made = Path(scratch) / f"model.ncnn.{suffix}"
            onnx_file.require(made, by="pnnx")
            (out / made.name).write_bytes(made.read_bytes())
    _load(out / "model.ncnn.param")
    return {
        "pnnx": importlib.metadata.version("pnnx"),
        "ncnn": importlib.metadata.version("ncnn"),
        "bytes": (out / "model.ncnn.bin").stat().st_size,
    }


def _program() -> Path:
    """Return the program; the package around it is not imported, it would ask for PyTorch."""
    found = importlib.util.find_spec("pnnx")
    program = Path(found.origin).with_name("pnnx") if found and found.origin else None
    if program is None or not program.is_file():
        raise ArtifactError(
            "pnnx is not installed here", hint="leave --env engines out to have it built"
        )
    return program


def _run(program: Path, onnx: Path, scratch: Path) -> None:
    """Run pnnx in `scratch`, where all nine files go that it writes beside what it reads."""
    if not _lengthen_tables(onnx, scratch / "model.onnx"):
        (scratch / "model.onnx").symlink_to(onnx)
    for part in onnx_file.beside(onnx):
        (scratch / part.name).symlink_to(part)
    command = [str(program), "model.onnx", "fp16=0"]
    done = subprocess.run(
        command, cwd=scratch, capture_output=True, text=True, errors="replace", check=False
    )
    sys.stderr.write(done.stdout + done.stderr)
    if done.returncode != 0:
        raise ArtifactError(
            f"pnnx left with status {done.returncode}"
            if done.returncode > 0
            else f"pnnx died of {signal.Signals(-done.returncode).name}",
            hint="mend the net, or leave out --runner ncnn",
        )


def _lengthen_tables(onnx: Path, copy: Path) -> bool:
    """Write a `copy` whose tables have rows enough for pnnx, which tries a net on whole numbers
    up to 9 and dies where one is beyond a table; tell whether there was need to.

    The rows of zeros that are added are none of the net's own numbers.
    """
    import numpy as np
    from onnx import load, numpy_helper, save

    try:
        model = load(str(onnx), load_external_data=False)
    except Exception:  # noqa: BLE001 - pnnx says what is wrong with the file
        return False
    nodes = model.graph.node
    constants = {
        node.output[0]: node.attribute[0].t for node in nodes if node.op_type == "Constant"
    }
    tables = constants | {it.name: it for it in model.graph.initializer}
    short = {
        node.input[0]: tables[node.input[0]]
        for node in nodes
        if node.op_type == "Gather" and node.input[0] in tables and node.input[1] not in tables
    }
    short = {
        name: it
        for name, it in short.items()
        if len(it.dims) == _AXES and it.dims[0] < _TRIED and not it.external_data
    }
    for name, table in short.items():
        rows = numpy_helper.to_array(table)
        longer = np.concatenate([rows, np.zeros((_TRIED - len(rows), *rows.shape[1:]), rows.dtype)])
        table.CopyFrom(numpy_helper.from_array(longer, name))
    if short:
        save(model, str(copy))
    return bool(short)


def _load(param: Path) -> None:
    """Raise ArtifactError where ncnn can't read what pnnx wrote."""
    try:
        import ncnn
    except ImportError as error:
        raise ArtifactError(
            f"ncnn can't be imported here ({error})",
            hint="leave --env engines out to have its environment built",
        ) from error
    if ncnn.Net().load_param(str(param)) != 0:
        raise ArtifactError(
            "ncnn has no layer for a part of this net",
            hint="build the net without it, or leave out --runner ncnn",
        )
