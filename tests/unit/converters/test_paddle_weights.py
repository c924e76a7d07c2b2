"""A .pdparams gives its tensors, and calls nothing else. tests/engine has files of paddle.save."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.converters import paddle_weights
from bench.core.errors import ArtifactError

ARRAY = np.arange(6, dtype=np.float32).reshape(2, 3)


class Calls:
    """Pickled, it has `function` called when it is loaded."""

    def __init__(self, function: Callable[..., Any], *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def payloads(made: Path) -> dict[str, bytes]:
    """Files that would make `made` when pickle loads them, each its own way."""
    shell = f"touch {made}"
    system = Calls(os.system, shell)
    boxed = np.array([system], dtype=object)
    hidden = {"w": ARRAY, "StructuredToParameterName@@": {"w": system}}
    return {
        "posix.system": pickle.dumps({"w": system}, 4),
        "posix.system, in an array": pickle.dumps({"w": boxed}, 4),
        "posix.system, in the names": pickle.dumps(hidden, 2),
        "posix.system, as a state": pickle.dumps(OrderedDict(w=system), 0),
        "builtins.eval": pickle.dumps(Calls(eval, f"__import__('os').system({shell!r})"), 4),
        "__builtin__.exec": pickle.dumps(Calls(exec, f"open({str(made)!r}, 'w')"), 2),
        "builtins.getattr": pickle.dumps(Calls(getattr, ARRAY, "tofile"), 4),
        "os.system": f"(S'{shell}'\nios\nsystem\n.".encode(),
        "pathlib.Path.touch": pickle.dumps(Calls(Path.touch, made), 4),
        "numpy.load": pickle.dumps(Calls(np.load, str(made), None, True), 4),
    }


@pytest.mark.parametrize("payload", payloads(Path("x")))
def test_a_file_that_calls_something_is_refused_by_its_name_and_calls_nothing(
    payload: str, tmp_path: Path
) -> None:
    made, file = tmp_path / "made", tmp_path / "evil.pdparams"
    file.write_bytes(payloads(made)[payload])
    with pytest.raises(ArtifactError) as refused:
        paddle_weights.load(file)
    assert not made.exists()
    name = payload.partition(",")[0]
    assert refused.value.problem == f"{file} holds more than weights: to load it would call {name}"
    assert "paddle.save(net.state_dict(), FILE)" in refused.value.hint


def test_the_payloads_do_call_where_nothing_restricts_them(tmp_path: Path) -> None:
    made = tmp_path / "made"
    pickle.loads(payloads(made)["posix.system"])  # noqa: S301 - it is the one above
    assert made.exists()


@pytest.mark.parametrize("protocol", [0, 2, 3, 4])
@pytest.mark.parametrize(
    "held",
    [{"w": ARRAY}, OrderedDict(w=ARRAY), {"w": ("conv_0.w_0", ARRAY)}],
    ids=["arrays", "in order", "with names"],
)
def test_arrays_are_what_was_saved(held: Any, protocol: int, tmp_path: Path) -> None:
    file = tmp_path / "w.pdparams"
    names = {"StructuredToParameterName@@": {"w": "conv_0.w_0"}}
    file.write_bytes(pickle.dumps({**held, **names}, protocol))
    found = paddle_weights.load(file)
    assert isinstance(found, dict)
    assert list(found) == ["w"]
    np.testing.assert_array_equal(found["w"], ARRAY)


def test_an_array_that_was_cut_in_slices_is_whole(tmp_path: Path) -> None:
    file, flat = tmp_path / "w.pdparams", ARRAY.ravel()
    slices = {"w@@.0": flat[:4], "w@@.1": flat[4:]}
    how = {"w": {"OriginShape": (2, 3), "slices": list(slices)}}
    file.write_bytes(pickle.dumps({**slices, "UnpackBigParamInfor@@": how}, 2))
    found = paddle_weights.load(file)
    assert isinstance(found, dict)
    np.testing.assert_array_equal(found["w"], ARRAY)
