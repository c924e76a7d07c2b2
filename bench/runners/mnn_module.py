"""A net with loops or branches in MNN: those run in its modules and not in its sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.core.errors import Unavailable
from bench.core.tensors import Tensors

_TYPES = {"float32": "float", "int32": "int", "uint8": "uint8"}


class MnnModule:
    """A file opened as a module, with variables of its inputs."""

    def __init__(
        self,
        artifact: Path,
        inputs: Sequence[str],
        outputs: Sequence[str],
        *,
        config: Mapping[str, Any],
        hints: Sequence[tuple[int, int]],
    ) -> None:
        from MNN import nn

        manager = nn.create_runtime_manager((dict(config),))
        for hint, value in hints:
            manager.set_hint(hint, value)
        self._outputs = tuple(outputs)
        self._module = nn.load_module_from_file(
            str(artifact), list(inputs), list(outputs), runtime_manager=manager
        )
        self._variables: list[tuple[Any, Any]] = []

    def feed(self, arrays: Tensors) -> None:
        """Take `arrays`, of the types that the file has, for `run`."""
        from MNN import expr

        self._variables = []
        for array in arrays.values():
            kind = _TYPES.get(array.dtype.name)
            if kind is None:
                raise Unavailable(
                    f"MNN's Python side takes no {array.dtype} tensors",
                    hint="measure this net with another runner",
                )
            variable = expr.placeholder(list(array.shape), expr.NCHW, getattr(expr, kind))
            self._variables.append((variable, array))

    def run(self) -> list[Any]:
        """Return the outputs: inputs copied in, the module run, outputs copied out."""
        for variable, array in self._variables:
            variable.write(array)
        given = self._module.onForward([variable for variable, _ in self._variables])
        return [variable.read().copy() for variable in given]
