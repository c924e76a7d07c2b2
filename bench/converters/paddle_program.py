"""A program that was exported before, run by Paddle's executor as it is written, unoptimised."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.converters.own_inputs import Slot
from bench.converters.paddle_call import first_line
from bench.core.errors import ArtifactError
from bench.core.tensors import Tensors

if TYPE_CHECKING:
    from numpy.typing import NDArray

OPEN = -1  # Paddle's sign for an extent that is known at run time
REMEDIES = {
    ".json": "export it with Paddle 3's paddle.jit.save, or give the factory",
    ".pdmodel": "export it with FLAGS_enable_pir_api=0 in the environment, or give the factory",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedProgram:
    """A program in Paddle's global scope, with its inputs and the names of its outputs."""

    model: Path
    params: Path
    inputs: tuple[Slot, ...]
    outputs: tuple[str, ...]
    executor: Any
    program: Any
    fetches: list[Any]

    def run(self, inputs: Tensors) -> dict[str, NDArray[Any]]:
        """Return the outputs for `inputs`, by name, in the program's order."""
        try:
            outputs = self.executor.run(
                self.program,
                feed={it.name: inputs[it.name] for it in self.inputs},
                fetch_list=self.fetches,
            )
        except Exception as error:
            raise ArtifactError(
                f"{self.model} doesn't run ({first_line(error)})",
                hint=f"is {self.params.name} the one that was exported with it, and are the "
                "inputs of its range?",
            ) from error
        return dict(zip(self.outputs, outputs, strict=True))

    def weights(self) -> Iterator[NDArray[Any]]:
        """Yield the arrays of the loaded parameters."""
        import numpy as np
        import paddle

        scope = paddle.static.global_scope()
        for name in _parameters(self.program):
            yield np.array(scope.find_var(name).get_tensor())


@contextmanager
def static_mode() -> Iterator[Any]:
    """Put Paddle in static mode and yield an executor."""
    import paddle

    was_dynamic = paddle.in_dynamic_mode()
    paddle.enable_static()
    try:
        yield paddle.static.Executor(paddle.CPUPlace())
    finally:
        if was_dynamic:
            paddle.disable_static()


@contextmanager
def opened(model: Path, suffix: str) -> Iterator[ExportedProgram]:
    """Load `model`, which must end in `suffix`; Paddle is in static mode as long as it is open."""
    import paddle

    params = model.with_suffix(".pdiparams")
    _check_files(model, params, suffix)
    with static_mode() as executor:
        try:
            program, names, fetches = paddle.static.load_inference_model(
                str(model.with_suffix("")), executor
            )
        except Exception as error:
            raise ArtifactError(
                f"{model} and {params.name} can't be loaded ({first_line(error)})",
                hint="export the model again; both files must come from one export",
            ) from error
        if not names or not fetches:
            raise ArtifactError(
                f"{model} has {len(names)} inputs and {len(fetches)} outputs",
                hint="export a net with one of each at least",
            )
        yield ExportedProgram(
            model=model,
            params=params,
            inputs=tuple(_slot(program, name) for name in names),
            outputs=_output_names(program, fetches),
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


def _slot(program: Any, name: str) -> Slot:
    """Return an input, which the two program formats keep in different places."""
    block = program.global_block()
    if hasattr(block, "var"):
        value = block.var(name)
    else:
        datas = (op for op in block.ops if op.name() == "pd_op.data")
        value = next(op.results()[0] for op in datas if op.attrs()["name"] == name)
    shape = tuple(None if extent == OPEN else extent for extent in value.shape)
    return Slot(name=name, shape=shape, dtype=dtype_of(value))


def dtype_of(value: Any) -> str:
    """Return the type of a program's value, as numpy names it."""
    from paddle.base.data_feeder import convert_dtype

    return str(convert_dtype(value.dtype))


def _output_names(program: Any, fetches: list[Any]) -> tuple[str, ...]:
    """Return the names that engines know the outputs by, out0, out1, ... where two are the same."""
    block = program.global_block()
    if hasattr(block, "var"):
        names = [it.name for it in fetches]
    else:
        names = [op.attrs()["name"] for op in block.ops if op.name() == "pd_op.fetch"]
    if len(set(names)) == len(fetches):
        return tuple(names)
    return tuple(f"out{index}" for index in range(len(fetches)))
