"""An inferring child: its commands and padding without a process, and its ends with real ones."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.core.cell import Target
from bench.core.errors import BenchError, Unavailable
from bench.core.inference_protocol import InferenceRequest
from bench.launcher.client import ArmLost
from bench.launcher.engine import open_engine, write_images
from bench.runners.base import Array
from bench.worker.inference import infer_file, obey
from tests.fakes import seeing
from tests.fakes.seeing import Seeing, see
from tests.fakes.values import CELL

BATCH = 4


def images(count: int, seed: int = 3) -> Array:
    shape = (count, 3, seeing.SIZE, seeing.SIZE)
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


@pytest.mark.parametrize("count", [1, 4, 5, 8, 11])
def test_each_image_gets_its_logits_whatever_the_batch(count: int, tmp_path: Path) -> None:
    session, x = Seeing(BATCH), images(count)
    path = write_images(tmp_path, x)
    assert infer_file(session, BATCH, str(path), str(tmp_path / "out.npy")) == count
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), see(x), rtol=1e-6)
    assert session.batches == [BATCH] * -(-count // BATCH)


class Reusing(Seeing):
    """Hands out one buffer again and again, as engines do that write into it."""

    buffer: Array = np.zeros((BATCH, seeing.CLASSES), np.float32)

    def infer(self, x: Array) -> Array:
        self.buffer[:] = see(x)
        return self.buffer


def test_an_engine_may_write_its_next_answer_over_the_last(tmp_path: Path) -> None:
    x = images(8)
    infer_file(Reusing(BATCH), BATCH, str(write_images(tmp_path, x)), str(tmp_path / "out.npy"))
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), see(x), rtol=1e-6)


def answers(*commands: Mapping[str, object]) -> list[Mapping[str, Any]]:
    sent: list[Mapping[str, Any]] = []
    obey(Seeing(BATCH), BATCH, [json.dumps(it) for it in commands], sent.append)
    return sent


def test_each_command_has_one_answer(tmp_path: Path) -> None:
    files = {"images": str(write_images(tmp_path, images(3))), "logits": str(tmp_path / "o.npy")}
    assert answers(files, {"time": 2}) == [{"written": 3}, {"ns": [3_000_000, 4_000_000]}]


def test_an_unknown_command_is_an_error() -> None:
    with pytest.raises(BenchError, match="no command"):
        answers({"dance": 1})


@pytest.fixture
def request_for(tmp_path: Path) -> Any:
    """A request of a class of tests/fakes/seeing.py, or of another module."""
    source, options = {"input": [3, 8, 8]}, {"batches": [BATCH], "input_seed": 0}
    seeing.export(source, options, tmp_path)
    made = tmp_path / f"b{BATCH}"

    def make(name: str, module: str = "tests.fakes.seeing") -> InferenceRequest:
        return InferenceRequest(
            runner=f"{module}:{name}",
            target=Target(kind="cpu"),
            cell=replace(CELL, batch=BATCH),
            artifact=made / "model.json",
            reference=made / "reference.npz",
            tolerance=1e-4,
        )

    return make


def test_a_request_survives_its_way_through_json(request_for: Any) -> None:
    request = request_for("Sees")
    assert InferenceRequest.from_json(json.loads(json.dumps(request.to_json()))) == request


def open_files() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def opened(request: InferenceRequest) -> Any:
    return open_engine(request, python=Path(sys.executable), env={})


def test_a_child_stays_open_over_many_files_and_leaves_nothing(
    request_for: Any, tmp_path: Path
) -> None:
    before = open_files()
    with opened(request_for("Sees")) as engine:
        assert engine.ready.facts["engine"] == "fake 1.0"
        assert engine.ready.relative_l2 <= 1e-6
        for seed, count in ((1, 9), (2, 2)):
            x = images(count, seed)
            logits = engine.infer(write_images(tmp_path, x), count)
            np.testing.assert_allclose(logits, see(x), rtol=1e-6)
        assert engine.time(3) == [3_000_000, 4_000_000, 5_000_000]
        pid, folder = engine.arm.pid, engine.arm.folder
    assert engine.arm.process.returncode == 0
    assert not Path(f"/proc/{pid}").exists()
    assert not folder.exists()
    assert open_files() == before


@pytest.mark.parametrize(
    ("name", "module", "kind"),
    [
        ("Crash", "tests.fakes.runner", "crash"), ("NotHere", "tests.fakes.runner", "unavailable"),
        ("Raises", "tests.fakes.runner", "error"), ("Ok", "tests.fakes.runner", "wrong-output"),
        ("SilentExit", "tests.fakes.runner", "no-reply"),
    ],
)  # fmt: skip
def test_a_child_that_does_not_open_is_told_by_kind(
    name: str, module: str, kind: str, request_for: Any
) -> None:
    with pytest.raises(ArmLost) as raised, opened(request_for(name, module)):
        pass
    assert raised.value.failure.kind == kind
    assert raised.value.hint


def test_a_child_that_dies_over_an_image_is_told_by_kind(request_for: Any, tmp_path: Path) -> None:
    with opened(request_for("Dies")) as engine:
        path = write_images(tmp_path, images(1))
        for _ in range(2):  # the second command finds nobody
            with pytest.raises(ArmLost) as raised:
                engine.infer(path, 1)
            assert raised.value.failure.kind == "crash"


def test_an_answer_for_another_count_is_garbage(request_for: Any, tmp_path: Path) -> None:
    with opened(request_for("Sees")) as engine:
        path = write_images(tmp_path, images(2))
        with pytest.raises(ArmLost, match="to 3 images") as raised:
            engine.infer(path, 3)
    assert raised.value.failure.kind == "garbage-reply"


def test_a_runner_of_a_device_takes_no_images(request_for: Any) -> None:
    with (
        pytest.raises(ArmLost, match="take no images") as raised,
        opened(request_for("PaddleLiteRunner", "bench.runners.paddle_lite.android")),
    ):
        pass
    assert raised.value.failure.kind == "unavailable"


def test_an_interpreter_that_is_not_there_is_one_sentence(request_for: Any, tmp_path: Path) -> None:
    with (
        pytest.raises(Unavailable, match="can't be started"),
        open_engine(request_for("Sees"), python=tmp_path / "no-python", env={}),
    ):
        pass
