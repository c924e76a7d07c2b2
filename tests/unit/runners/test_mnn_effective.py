"""What MNN's runner asks of the engine, and what it reads back: stand-ins for the engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench.core.cell import Cell
from bench.core.errors import Unavailable
from bench.runners import mnn

CELL = Cell(variant="v", model_hash="m", runner="mnn", batch=1, threads=3)


@pytest.mark.parametrize(("told", "threads"), [(2.802596928649634e-45, "2"), (0.0, None)])
def test_mnns_thread_count_is_read_from_the_bits_of_a_float_unless_those_were_flushed(
    told: float, threads: str | None
) -> None:
    tensor = SimpleNamespace(getShape=lambda: (1, 1000))
    interpreter = SimpleNamespace(
        getSessionInputAll=lambda _: {"x": tensor},
        getSessionOutputAll=lambda _: {"y": tensor},
        # What MNN 3.6 says of a session of two threads.
        getSessionInfo=lambda _, code: {2: 13, 4: told}[code],
    )
    engine = SimpleNamespace(version=lambda: "3.6.1")
    facts = mnn.MnnSession(engine, interpreter, object()).facts
    assert (facts["engine"], facts.get("threads")) == ("MNN 3.6.1", threads)
    assert facts["backend"] == "cpu, with the chip's extensions"


def mnn_engine(asked: list[Any], hints: list[tuple[int, int]] | None = None) -> Any:
    def create(config: Any) -> object:
        asked.append(config)
        return object()

    tensor = SimpleNamespace(getShape=lambda: (1, 1000))
    interpreter = SimpleNamespace(
        createSession=create,
        setSessionHint=lambda *hint: None if hints is None else hints.append(hint),
        getSessionInputAll=lambda _: {"x": tensor},
        getSessionOutputAll=lambda _: {"y": tensor},
        getSessionInfo=lambda _, code: {2: 13, 4: 0.0}[code],
    )
    return SimpleNamespace(version=lambda: "3.6.1", Interpreter=lambda _: interpreter)


def test_mnn_is_asked_for_low_precision_only_where_the_chip_has_fp16(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []
    low = replace(CELL, precision="fp16")
    monkeypatch.setattr(mnn, "import_engine", lambda *_, **__: mnn_engine(asked))
    monkeypatch.setattr(mnn, "has_fp16", lambda *_: False)
    with (
        pytest.raises(Unavailable, match="MNN has no fp16 on this chip"),
        mnn.MnnRunner().open(low, Path("m.mnn")),
    ):
        pass
    with mnn.MnnRunner().open(CELL, Path("m.mnn")) as opened:
        assert opened.facts["precision"] == "fp32"
    monkeypatch.setattr(mnn, "has_fp16", lambda *_: True)
    with mnn.MnnRunner().open(low, Path("m.mnn")) as opened:
        assert opened.facts["precision"] == "fp16"
    assert [config["precision"] for config in asked] == ["high", "low"]


@pytest.mark.parametrize(
    ("settings", "hint", "fact"),
    [((), 1, "small"), ((("winograd", "large"),), 3, "large")],
)
def test_mnns_winograd_takes_small_blocks_unless_it_is_set_otherwise(
    settings: tuple[tuple[str, str], ...], hint: int, fact: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hints: list[tuple[int, int]] = []
    monkeypatch.setattr(mnn, "import_engine", lambda *_, **__: mnn_engine([], hints))
    with mnn.MnnRunner().open(replace(CELL, settings=settings), Path("m.mnn")) as opened:
        assert opened.facts["winograd"] == fact
    assert hints == [(3, hint)]


@pytest.mark.parametrize(
    ("system", "machine", "flags", "able"),
    [
        ("Linux", "aarch64", "Features : fp asimd fphp asimdhp", True),
        ("Linux", "aarch64", "Features : fp asimd", False),
        ("Linux", "aarch64", None, False),
        ("Linux", "x86_64", "flags : avx512_bf16 asimdhp", False),
        ("Darwin", "arm64", None, True),
        ("Darwin", "x86_64", None, False),
    ],
)
def test_mnn_has_fp16_on_arm_chips_that_compute_in_it(
    system: str, machine: str, flags: str | None, able: bool, tmp_path: Path
) -> None:
    told = tmp_path / "cpuinfo"
    if flags is not None:
        told.write_text(flags)
    assert mnn.has_fp16(system, machine, told) is able


def test_a_net_that_runs_in_mnns_modules_has_no_profile_and_says_why() -> None:
    x = np.zeros((1, 3), np.float32)
    tensors = {
        name: SimpleNamespace(getShape=lambda it=shape: it, getDataType=lambda: "float")
        for name, shape in (("x", (1, 3)), ("y", (1, 0)))  # 0: not known before it runs
    }
    interpreter = SimpleNamespace(
        getSessionInputAll=lambda _: {"x": tensors["x"]},
        getSessionOutputAll=lambda _: {"y": tensors["y"]},
    )
    module: Any = SimpleNamespace(feed=lambda _: None, run=lambda: [x])
    session = mnn.MnnSession(
        SimpleNamespace(Halide_Type_Float="float"), interpreter, object(),
        as_module=lambda *_: module,
    )  # fmt: skip
    session.infer({"x": x})
    with pytest.raises(Unavailable, match="modules, which this net with loops or branches runs in"):
        session.profile(3)
