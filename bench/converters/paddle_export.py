"""A net into the files Paddle loads, one folder a batch size, each with its reference output.

The net is what a factory function returns, exported here, or a file that somebody exported before,
copied. One export per batch: with a fixed batch every engine may plan its memory and its kernels.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.converters import op_defaults, paddle_costs, paddle_net, paddle_program, subnormals
from bench.core.errors import ArtifactError
from bench.core.tensors import write_reference

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

SUFFIXES = {"pir": ".json", "program": ".pdmodel"}
INPUT_NAME = "x"


def convert(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write `out`/b{batch}/ for each of `options["batches"]` and say what is in it.

    `source` has `input` (channels, height, width) and either

        factory      "module:function", called without arguments (with pretrained=True for such
                     weights); `search_path`: folders to import it from first; `weights`:
                     {"kind": "seeded", "seed": 0}, {"kind": "pretrained"} or {"kind": "file",
                     "path": ...}; `options["weights_cache"]`: the folder that keeps the first two
        exported     a model.json or model.pdmodel with its .pdiparams beside it

    `options["format"]` is "pir" (model.json) or "program" (model.pdmodel, which takes
    FLAGS_enable_pir_api=0 in the environment of the process). In a program, ops get what they lack
    of their definitions (`bench.converters.op_defaults`); `defaults_written` counts it.
    reference.npz holds `input`, seeded standard-normal float32 whose first images are those of
    smaller batches, and `logits`.
    `costs` (`bench.converters.paddle_costs`) is there for "pir" only. `subnormals` counts them
    among the weights, and among the activations of one image where a factory's layers tell.
    """
    import paddle

    model_format = options["format"]
    if "exported" in source:
        facts, batches = _copy_exported(source, options, out)
    else:
        facts, batches = _export_factory(source, options, out)
    facts |= {"paddle": paddle.__version__, "format": model_format, "batches": batches}
    first = out / next(iter(batches.values()))["model"]
    if model_format == "pir":
        return facts | {"costs": paddle_costs.count(first.with_suffix(""), source["input"])}
    written = [op_defaults.patch_file(out / files["model"]) for files in batches.values()]
    return facts | {"defaults_written": written[0]}


def _export_factory(
    source: Mapping[str, Any], options: Mapping[str, Any], out: Path
) -> tuple[dict[str, Any], dict[str, Any]]:
    shape, suffix = source["input"], SUFFIXES[options["format"]]
    with paddle_net.importing_from(source.get("search_path", [])):
        net, remade = paddle_net.prepare(
            source["factory"], source["weights"], shape, cache=Path(options["weights_cache"])
        )
        batches, smallest = {}, reference_input(options["input_seed"], 1, shape)
        with subnormals.counted_activations(net) as counts:
            paddle_net.forward(net, smallest)
        for batch in options["batches"]:
            x = reference_input(options["input_seed"], batch, shape)
            logits = paddle_net.forward(net, x)
            folder = out / f"b{batch}"
            _save(net, folder / "model", x.shape, suffix)
            batches[str(batch)] = _describe(folder, suffix, x, logits)
    facts = {
        "weights": paddle_net.describe(source["weights"]),
        "weights_sha256": paddle_net.digest(net),
        "subnormals": {"weights": subnormals.count(net.state_dict().values()), **counts},
        **({"weights_remade": remade} if remade else {}),
    }
    return facts, batches


def _copy_exported(
    source: Mapping[str, Any], options: Mapping[str, Any], out: Path
) -> tuple[dict[str, Any], dict[str, Any]]:
    model, suffix = Path(source["exported"]), SUFFIXES[options["format"]]
    program = paddle_program.load(model, suffix)
    batches = {}
    for batch in options["batches"]:
        x = reference_input(options["input_seed"], batch, source["input"])
        program.check_input(x.shape)
        logits = program.run(x)
        folder = out / f"b{batch}"
        folder.mkdir()
        shutil.copyfile(model, folder / f"model{suffix}")
        shutil.copyfile(program.params, folder / "model.pdiparams")
        batches[str(batch)] = _describe(folder, suffix, x, logits)
    facts = {
        "weights": "as exported",
        "weights_sha256": hashlib.sha256(program.params.read_bytes()).hexdigest(),
        "subnormals": {"weights": subnormals.count(program.weights())},
    }
    return facts, batches


def reference_input(seed: int, batch: int, shape: list[int]) -> NDArray[float32]:
    """Return float32 standard-normal images; the generator fills them one after another."""
    import numpy as np

    return np.random.default_rng(seed).standard_normal((batch, *shape), dtype=np.float32)


def _save(net: Any, prefix: Path, shape: tuple[int, ...], suffix: str) -> None:
    """Export `net` for one input shape; nothing but the model and its weights stays."""
    import paddle

    spec = paddle.static.InputSpec(list(shape), "float32", INPUT_NAME)
    try:
        paddle.jit.save(net, str(prefix), input_spec=[spec])
    except Exception as error:
        raise ArtifactError(
            f"Paddle can't export the net ({paddle_net.first_line(error)})",
            hint="paddle.jit.save must work on it",
        ) from error
    prefix.with_suffix(".pdiparams.info").unlink(missing_ok=True)
    if not prefix.with_suffix(suffix).is_file():
        written = sorted(path.name for path in prefix.parent.iterdir())
        raise ArtifactError(
            f"Paddle {paddle.__version__} wrote {', '.join(written)}, not model{suffix}",
            hint="set FLAGS_enable_pir_api to 0 for program and to 1 for pir, before the start",
        )


def _describe(
    folder: Path, suffix: str, x: NDArray[float32], logits: NDArray[float32]
) -> dict[str, Any]:
    """Write the reference of one batch and return the entry of `batches`."""
    import numpy as np

    if not np.isfinite(logits).all():
        raise ArtifactError(
            "the net's output holds infinities or NaN", hint="choose other weights, or mend the net"
        )
    write_reference(folder / "reference.npz", {INPUT_NAME: x}, {"logits": logits})
    return {
        "model": f"{folder.name}/model{suffix}",
        "params": f"{folder.name}/model.pdiparams",
        "reference": f"{folder.name}/reference.npz",
        "logits_std": float(logits.std()),
    }
