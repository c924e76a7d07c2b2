"""A program that was exported before, run by Paddle's executor as it is written, unoptimised."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.converters.paddle_net import first_line
from bench.core.errors import ArtifactError

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

REMEDIES = {
    ".json": "export it with Paddle 3's paddle.jit.save, or give the factory",
    ".pdmodel": "export it with FLAGS_enable_pir_api=0 in the environment, or give the factory",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedProgram:
    """One input, one output; -1 in `shape` is a dimension that is open."""

    model: Path
    params: Path
    input_name: str
    shape: tuple[int, ...]
    executor: Any
    program: Any
    fetches: list[Any]

    def check_input(self, wanted: tuple[int, ...]) -> None:
        """Raise ArtifactError unless the program takes an input of shape `wanted`."""
        fits = len(self.shape) == len(wanted) and all(
            have in (-1, want) for have, want in zip(self.shape, wanted, strict=True)
        )
        if fits:
            return
        if self.shape[1:] == wanted[1:]:
            raise ArtifactError(
                f"{self.model} is fixed to batch {self.shape[0]}, not {wanted[0]}",
                hint=f"ask for batch {self.shape[0]}, or export it with batch None",
            )
        raise ArtifactError(
            f"{self.model} takes an input of {list(self.shape)}, not {list(wanted)}",
            hint="give the model's input as channels x height x width",
        )

    def run(self, x: NDArray[float32]) -> NDArray[float32]:
        """Return the output for `x`."""
        try:
            outputs = self.executor.run(
                self.program, feed={self.input_name: x}, fetch_list=self.fetches
            )
        except Exception as error:
            raise ArtifactError(
                f"{self.model} doesn't run ({first_line(error)})",
                hint=f"is {self.params.name} the one that was exported with it?",
            ) from error
        array: NDArray[float32] = outputs[0]
        return array

    def weights(self) -> Iterator[NDArray[Any]]:
        """Yield the arrays of the loaded parameters."""
        import numpy as np
        import paddle

        scope = paddle.static.global_scope()
        for name in _parameters(self.program):
            yield np.array(scope.find_var(name).get_tensor())


def load(model: Path, suffix: str) -> ExportedProgram:
    """Load `model`, which must end in `suffix`, in static mode, where Paddle stays from then on."""
    import paddle

    params = model.with_suffix(".pdiparams")
    _check_files(model, params, suffix)
    paddle.enable_static()
    executor = paddle.static.Executor(paddle.CPUPlace())
    try:
        program, names, fetches = paddle.static.load_inference_model(
            str(model.with_suffix("")), executor
        )
    except Exception as error:
        raise ArtifactError(
            f"{model} and {params.name} can't be loaded ({first_line(error)})",
            hint="export the model again; both files must come from one export",
        ) from error
    if (len(names), len(fetches)) != (1, 1):
        raise ArtifactError(
            f"{model} has {len(names)} inputs and {len(fetches)} outputs",
            hint="export a net of one input and one output",
        )
    value = _input(program, names[0])
    if value.dtype != paddle.float32:
        raise ArtifactError(
            f"{model} takes {value.dtype} input", hint="export a net that takes float32 images"
        )
    return ExportedProgram(
        model=model,
        params=params,
        input_name=names[0],
        shape=tuple(value.shape),
        executor=executor,
        program=program,
        fetches=fetches,
    )


def _check_files(model: Path, params: Path, suffix: str) -> None:
    if not model.is_file():
        raise ArtifactError(f"{model} is no file", hint="give the path of a .json or .pdmodel file")
    if model.suffix != suffix:
        raise ArtifactError(f"{model} is no {suffix} file", hint=REMEDIES[suffix])
    if not params.is_file():
        raise ArtifactError(
            f"{params} is missing", hint=f"put the weights beside {model.name}, by that name"
        )


def _parameters(program: Any) -> list[str]:
    """Return the names of the parameters, which the two program formats keep apart too."""
    block = program.global_block()
    if hasattr(block, "var"):
        held = [it.name for it in program.list_vars() if it.persistable]
        return [name for name in held if name not in ("feed", "fetch")]
    ops = (op for op in block.ops if op.name() == "builtin.parameter")
    return [op.attrs()["parameter_name"] for op in ops]


def _input(program: Any, name: str) -> Any:
    """Return the input, which the two program formats keep in different places."""
    block = program.global_block()
    if hasattr(block, "var"):
        return block.var(name)
    return next(
        op.results()[0]
        for op in block.ops
        if op.name() == "pd_op.data" and op.attrs()["name"] == name
    )
