"""A .pdmodel into Paddle Lite's .nb, with the opt tool of the `paddlelite` wheel.

Standard library only: the wheel exists for few Python versions and brings no numpy. What opt can't
digest (a .json model, an unknown target, an operator it has no kernel for) it answers with a C++
abort; whoever started the process reports that.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.core.errors import ArtifactError

# Bytes up to here hold the tool's version string with uninitialised padding: two runs differ there.
HEADER_BYTES = 18


def convert(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write `out`/model.nb for `options["target"]` from `source["model"]` and `source["params"]`.

    Targets are Paddle Lite's names, split by comma: "arm". `sha256_body` leaves the header out,
    which differs from run to run.
    """
    facts = converted(source, options["target"], out, _run_opt)
    return {"paddlelite": importlib.metadata.version("paddlelite"), **facts}


def converted(
    source: Mapping[str, Any], target: str, out: Path, run_opt: Callable[[str], None]
) -> dict[str, Any]:
    """Return what there is to tell of the `out`/model.nb that `run_opt(target)` makes.

    It makes it of m and p, all in the current folder. Raises ArtifactError for what is no program,
    and where no file was made.
    """
    model, params = Path(source["model"]), Path(source["params"])
    for path in (model, params):
        if not path.is_file():
            raise ArtifactError(f"{path} is no file", hint="export the model as program first")
    if model.suffix != ".pdmodel":
        raise ArtifactError(
            f"{model}: Paddle Lite's opt reads .pdmodel only", hint="export the model as program"
        )
    body = _optimize(model, params, out, lambda: run_opt(target))[HEADER_BYTES:]
    return {
        "target": target,
        "bytes": HEADER_BYTES + len(body),
        "sha256_body": hashlib.sha256(body).hexdigest(),
    }


def _optimize(model: Path, params: Path, out: Path, run_opt: Callable[[], None]) -> bytes:
    """Run opt and return the bytes of the file that it wrote.

    Which buffers share a name in the .nb follows addresses in opt's heap. So that one model gives
    one body, opt gets the same short paths every time, and a thread of its own: glibc serves a new
    thread from a new arena, which the interpreter's past (paths, environment) hasn't touched.
    """
    with _inside(out), ThreadPoolExecutor(max_workers=1) as fresh_heap:
        Path("m").symlink_to(model)
        Path("p").symlink_to(params)
        fresh_heap.submit(run_opt).result()
        Path("m").unlink()
        Path("p").unlink()
    made = out / "model.nb"
    if not made.is_file() or made.stat().st_size <= HEADER_BYTES:
        raise ArtifactError(
            f"Paddle Lite's opt made no .nb file of {model}",
            hint="mend the net, or leave out what needs this format",
        )
    return made.read_bytes()


def _run_opt(target: str) -> None:
    """Make model.nb of m and p, all in the current folder."""
    try:
        from paddlelite.lite import Opt
    except ImportError as error:
        raise ArtifactError(
            f"paddlelite can't be imported here ({error})",
            hint="its 2.13rc0 wheel needs Python 3.8 or 3.10 on x86-64 Linux",
        ) from error
    opt = Opt()
    opt.set_model_file("m")
    opt.set_param_file("p")
    opt.set_valid_places(target)
    opt.set_optimize_out("model")
    opt.run()


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
