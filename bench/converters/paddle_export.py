"""A net into the files Paddle loads, one folder a batch size, each with its reference outputs.

The net is what a factory function returns, exported here, or a file that somebody exported before,
copied. One export per batch: with a fixed batch every engine may plan its memory and its kernels.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.converters import (
    op_defaults,
    own_inputs,
    paddle_call,
    paddle_costs,
    paddle_net,
    paddle_program,
    subnormals,
)
from bench.converters.own_inputs import Slot
from bench.core.errors import ArtifactError
from bench.core.tensors import Tensors, TensorSpec, write_reference

SUFFIXES = {"pir": ".json", "program": ".pdmodel"}
INPUT_NAME = "x"

Specs = dict[str, TensorSpec]


def convert(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write `out`/b{batch}/ for each of `options["batches"]` and say what is in it.

    `source` has `inputs` and `values` (`bench.converters.own_inputs`), which an exported file may
    do without, and either

        factory      "module:function", called without arguments (with pretrained=True for such
                     weights); `search_path`: folders to import it from first; `weights`:
                     {"kind": "seeded", "seed": 0}, {"kind": "pretrained"} or {"kind": "file",
                     "path": ...}; `options["weights_cache"]`: the folder that keeps the first two
        exported     a .json or .pdmodel of any name, its .pdiparams of the same name beside it

    `options["format"]` is "pir" (model.json) or "program" (model.pdmodel, which takes
    FLAGS_enable_pir_api=0 in the environment of the process). In a program, ops get what they lack
    of their definitions (`bench.converters.op_defaults`); `defaults_written` counts it.
    reference.npz (`bench.core.tensors`) holds seeded inputs, whose first rows are those of smaller
    batches, and the outputs in the order in which the program gives them.
    `costs` (`bench.converters.paddle_costs`) is there for "pir" and for files. `subnormals` counts
    them among the weights, and among the activations of one image where a factory's layers tell.
    """
    import paddle

    model_format = options["format"]
    if "exported" in source:
        facts, batches, specs = _copy_exported(source, options, out)
    else:
        facts, batches, specs = _export_factory(source, options, out)
    facts |= {"paddle": paddle.__version__, "format": model_format, "batches": batches}
    facts |= {"reference": f"paddlepaddle {paddle.__version__}"}
    batch, first = next(iter(batches.items()))
    if model_format == "pir":
        prefix = (out / first["model"]).with_suffix("")
        return facts | {"costs": paddle_costs.count(prefix, specs, batch=int(batch))}
    written = [op_defaults.patch_file(out / files["model"]) for files in batches.values()]
    return facts | {"defaults_written": written[0]}


def _export_factory(
    source: Mapping[str, Any], options: Mapping[str, Any], out: Path
) -> tuple[dict[str, Any], dict[str, Any], Specs]:
    names = [name or INPUT_NAME for name in source["inputs"]]
    slots = [Slot(name=name, shape=None, dtype=None) for name in names]
    said, seed = own_inputs.own(source, slots), options["input_seed"]
    specs = own_inputs.fixed(said, slots, options["batches"][0])
    with paddle_net.importing_from(source.get("search_path", [])):
        net, remade = paddle_net.prepare(
            source["factory"], source["weights"], specs, cache=Path(options["weights_cache"])
        )
        batches = {}
        with subnormals.counted_activations(net) as counts:
            paddle_call.forward(net, own_inputs.arrays(said, specs, 1, seed))
        for batch in options["batches"]:
            specs = own_inputs.fixed(said, slots, batch)
            inputs: Tensors = own_inputs.arrays(said, specs, batch, seed)
            outputs: Tensors = paddle_call.forward(net, inputs)
            folder = out / f"b{batch}"
            model = _save(net, folder / "model", inputs, SUFFIXES[options["format"]])
            if len(inputs) + len(outputs) > 2:
                inputs, outputs = _as_exported(model, inputs, outputs)
            batches[str(batch)] = _describe(model, inputs, outputs)
    facts = {
        "weights": paddle_net.describe(source["weights"]),
        "weights_sha256": paddle_net.digest(net),
        "subnormals": {"weights": subnormals.count(net.state_dict().values()), **counts},
        **({"weights_remade": remade} if remade else {}),
    }
    return facts, batches, specs


def _as_exported(model: Path, inputs: Tensors, outputs: Tensors) -> tuple[Tensors, Tensors]:
    """Return them in the order of the exported `model`, without inputs that it lost as unused."""
    with paddle_program.opened(model, model.suffix) as program:
        inputs = {it.name: inputs[it.name] for it in program.inputs}
        fetched = program.run(inputs).values()
        return inputs, paddle_call.as_fetched(outputs, list(fetched))


def _copy_exported(
    source: Mapping[str, Any], options: Mapping[str, Any], out: Path
) -> tuple[dict[str, Any], dict[str, Any], Specs]:
    origin, suffix = Path(source["exported"]), SUFFIXES[options["format"]]
    batches, specs = {}, Specs()
    with paddle_program.opened(origin, suffix) as program:
        said = own_inputs.own(source, program.inputs)
        for batch in options["batches"]:
            specs = own_inputs.fixed(said, program.inputs, batch)
            inputs = own_inputs.arrays(said, specs, batch, options["input_seed"])
            outputs = program.run(inputs)
            model = out / f"b{batch}" / f"model{suffix}"
            model.parent.mkdir()
            shutil.copyfile(origin, model)
            shutil.copyfile(program.params, model.with_suffix(".pdiparams"))
            batches[str(batch)] = _describe(model, inputs, outputs)
        facts = {
            "weights": "as exported",
            "weights_sha256": hashlib.sha256(program.params.read_bytes()).hexdigest(),
            "subnormals": {"weights": subnormals.count(program.weights())},
        }
        if suffix == SUFFIXES["program"]:
            batch = options["batches"][-1]
            costs = paddle_costs.count_older(program.program, specs, batch=batch)
            facts |= {"costs": costs} if costs else {}
    return facts, batches, specs


def _save(net: Any, prefix: Path, inputs: Tensors, suffix: str) -> Path:
    """Export `net` for inputs of these shapes; nothing but the model and its weights stays."""
    import paddle

    specs = {
        name: paddle.static.InputSpec(list(it.shape), str(it.dtype), name)
        for name, it in inputs.items()
    }
    try:
        paddle.jit.save(net, str(prefix), input_spec=paddle_call.arguments(net, specs))
    except Exception as error:
        raise ArtifactError(
            f"Paddle can't export the net ({paddle_call.first_line(error)})",
            hint="paddle.jit.save must work on it",
        ) from error
    prefix.with_suffix(".pdiparams.info").unlink(missing_ok=True)
    model = prefix.with_suffix(suffix)
    if not model.is_file():
        written = sorted(path.name for path in prefix.parent.iterdir())
        raise ArtifactError(
            f"Paddle {paddle.__version__} wrote {', '.join(written)}, not {model.name}",
            hint="set FLAGS_enable_pir_api to 0 for program and to 1 for pir, before the start",
        )
    return model


def _describe(model: Path, inputs: Tensors, outputs: Tensors) -> dict[str, Any]:
    """Write the reference of one batch and return the entry of `batches`."""
    import numpy as np

    for name, array in outputs.items():
        if not np.isfinite(array).all():
            which = f"output {name}" if len(outputs) > 1 else "output"
            raise ArtifactError(
                f"the net's {which} holds infinities or NaN",
                hint="choose other weights, or mend the net",
            )
    write_reference(model.with_name("reference.npz"), inputs, outputs)
    folder = model.parent.name
    return {
        "model": f"{folder}/{model.name}",
        "params": f"{folder}/{model.stem}.pdiparams",
        "reference": f"{folder}/reference.npz",
        "outputs": {name: f"{list(it.shape)} {it.dtype}" for name, it in outputs.items()},
    }
