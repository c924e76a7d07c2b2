"""Weights from a .pdparams file: its tensors and nothing else.

Such a file is a pickle, which names what is called while it is loaded, `os.system` for one. Here it
may name what `paddle.save` needs for a state_dict alone: tuples, ordered dicts and numpy arrays.
`paddle.load`, which calls whatever is named, gets no file.
"""

from __future__ import annotations

import io
import pickle  # nosec B403
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.core.errors import ArtifactError

if TYPE_CHECKING:
    from numpy import generic
    from numpy.typing import NDArray

_NAMES, _BIG = "StructuredToParameterName@@", "UnpackBigParamInfor@@"
HINT = "save the weights alone, as paddle.save(net.state_dict(), FILE), or take another file"


class _Refused(Exception):
    """The file names something that no tensor needs; it wasn't called."""


class _Tensors(pickle.Unpickler):
    """Loads what is made of numbers, strings, containers and numpy arrays."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what that name stands for; raises _Refused for all but the few of `_allowed`."""
        known = _allowed().get((module, name))
        if known is None:
            raise _Refused(f"{module}.{name}")
        return known


def _allowed() -> Mapping[tuple[str, str], Callable[..., Any]]:
    """Return by module and name, of Python 2 and 3 and of numpy 1 and 2, what may be called."""
    import numpy as np

    # The function that numpy names in each pickle of an array stands under a private name.
    rebuild: Callable[..., Any] = np.empty(0).__reduce__()[0]  # type: ignore[assignment]
    return {
        ("builtins", "tuple"): tuple,
        ("__builtin__", "tuple"): tuple,
        ("collections", "OrderedDict"): OrderedDict,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("numpy.core.multiarray", "_reconstruct"): rebuild,
        ("numpy._core.multiarray", "_reconstruct"): rebuild,
        ("_codecs", "encode"): _latin1,
    }


def _latin1(text: str, encoding: str) -> bytes:
    """Return bytes as protocol 2 writes them; no other codec is looked up."""
    if encoding != "latin1":
        raise _Refused(f"codec {encoding}")
    return text.encode("latin1")


def load(path: Path) -> object:
    """Return what the file holds, of a dict of weights their arrays by name.

    Raises ArtifactError where it names anything else to call, and what pickle raises for a file
    that is none.
    """
    try:
        # latin1: what Python 2 wrote, as paddle.load reads it.
        held = _Tensors(io.BytesIO(path.read_bytes()), encoding="latin1").load()
    except _Refused as refused:
        raise ArtifactError(
            f"{path} holds more than weights: to load it would call {refused}", hint=HINT
        ) from refused
    return _arrays(held) if isinstance(held, Mapping) else held


def _arrays(held: Mapping[str, Any]) -> dict[str, NDArray[generic]]:
    """Return the arrays by name; one that was cut in slices (protocols 2 and 3) is whole."""
    import numpy as np

    found = {name: _array(value) for name, value in held.items() if name not in (_NAMES, _BIG)}
    for name, how in held.get(_BIG, {}).items():
        slices = [found.pop(part) for part in how["slices"]]
        found[name] = np.concatenate(slices).reshape(how["OriginShape"])
    return found


def _array(value: Any) -> Any:
    """Return a tensor's array: it stands alone or, within a container, beside its name."""
    return value[1] if isinstance(value, tuple) and len(value) == 2 else value
