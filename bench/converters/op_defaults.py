"""Write out what an exported program leaves to the definitions of its operators.

Paddle 2.6 and later leave out of a ProgramDesc the attributes that are "extra" to an operator, as
swish's beta and relu6's threshold, and outputs that nothing reads, as flatten's XShape. Paddle
Lite's opt 2.13 knows no such definitions: it aborts ("No attributes called threshold found for
relu6") or reads memory that was never set. With both written out, Paddle loads the file as before
and gives the same output.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Of framework.proto: each AttrType with the field of OpDesc.Attr that has its value.
FIELDS = {
    0: "i", 1: "f", 2: "s", 3: "ints", 4: "floats", 5: "strings", 6: "b", 7: "bools", 9: "l",
    11: "longs",
}  # fmt: skip
_TYPE_OF = {int: 0, float: 1, str: 2, bool: 6}
# What tells an engine how to compute, not what; a missing one is no one's fault.
_HINTS = re.compile(
    r"use_(mkldnn|onednn|cudnn|quantizer|addto)|(mkldnn|onednn)_data_type|workspace_size_MB"
    r"|exhaustive_search|force_\w+|is_test|fuse\w*|Scale_\w+|scale_(in|out|x|y|weights)"
    r"|op_(role|role_var|namescope|callstack|device)|with_quant_attr"
)


_CALLERS = "op_callstack"


@dataclass(frozen=True, slots=True)
class Definition:
    """An operator: its attributes with type and default, and the outputs that it always has."""

    attributes: Mapping[str, tuple[int, Any]]
    outputs: tuple[str, ...] = ()


def complete(program: Any, definition_of: Callable[[str], Definition | None]) -> dict[str, int]:
    """Write what the ops of a ProgramDesc lack into it; return how often, by "op.name".

    Which lines of Python called for an op goes: a program is the same wherever it was exported.
    `definition_of` has None for an operator that isn't known.
    """
    written: Counter[str] = Counter()
    for block in program.blocks:
        for op in block.ops:
            _forget_callers(op)
            definition = definition_of(op.type)
            if definition is not None:
                names = _add_attributes(op, definition) + _add_outputs(block, op, definition)
                written.update(f"{op.type}.{name}" for name in names)
    return dict(sorted(written.items()))


def _forget_callers(op: Any) -> None:
    for index in reversed(range(len(op.attrs))):
        if op.attrs[index].name == _CALLERS:
            del op.attrs[index]


def _add_attributes(op: Any, definition: Definition) -> list[str]:
    missing = definition.attributes.keys() - {attribute.name for attribute in op.attrs}
    for name in sorted(missing):
        kind, value = definition.attributes[name]
        attribute = op.attrs.add()
        attribute.name, attribute.type = name, kind
        if isinstance(value, list):
            getattr(attribute, FIELDS[kind]).extend(value)
        else:
            setattr(attribute, FIELDS[kind], value)
    return sorted(missing)


def _add_outputs(block: Any, op: Any, definition: Definition) -> list[str]:
    """Each gets a variable of its own, of the kind that the op's first output has."""
    had = {output.parameter for output in op.outputs}
    names = [name for output in op.outputs for name in output.arguments]
    first = next((it for it in block.vars if it.name in names), None)
    missing = [name for name in definition.outputs if name not in had and first is not None]
    for name in missing:
        variable, output = block.vars.add(), op.outputs.add()
        variable.CopyFrom(first)
        variable.name = f"{variable.name}.{name}"
        output.parameter = name
        output.arguments.append(variable.name)
    return missing


def patch_file(model: Path) -> dict[str, int]:
    """Do the same to the .pdmodel file `model`; one that lacks nothing stays byte for byte.

    Needs Paddle for the message classes and the definitions.
    """
    from paddle.base.proto import framework_pb2

    program, before = (framework_pb2.ProgramDesc.FromString(model.read_bytes()) for _ in range(2))
    written = complete(program, _definition)
    if program != before:
        model.write_bytes(program.SerializeToString())
    return written


def _definition(kind: str) -> Definition | None:
    """Return what Paddle knows of the operator `kind`."""
    from paddle.base import core
    from paddle.base.framework import OpProtoHolder

    known = OpProtoHolder.instance().op_proto_map
    if kind not in known:
        return None
    types = {attribute.name: attribute.type for attribute in known[kind].attrs}
    defaults = core.get_op_attrs_default_value(kind.encode()) | core.get_op_extra_attrs(kind)
    return Definition(
        attributes={
            name: (types.get(name, _TYPE_OF.get(type(value), -1)), value)
            for name, value in defaults.items()
            if value not in (None, []) and not _HINTS.fullmatch(name)
            and types.get(name, _TYPE_OF.get(type(value))) in FIELDS
        },
        outputs=tuple(it.name for it in known[kind].outputs if not it.dispensable),
    )  # fmt: skip
