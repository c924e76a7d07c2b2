"""Images through a worker: its padding without a process, and its ends with real ones."""

from __future__ import annotations

import io
import sys
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.core.cell import TargetSpec
from bench.core.errors import Unavailable
from bench.core.protocol import SessionRequest
from bench.core.tensors import Tensors, only
from bench.experiments.accuracy import engine as engine_module
from bench.experiments.accuracy.engine import Engine, open_engine, write_images
from bench.launcher.client import Worker, WorkerFailed
from bench.runners.base import Array
from bench.storage.schema.accuracy import OpenedFields
from bench.worker.commands import infer
from bench.worker.session import State
from tests.fakes import seeing
from tests.fakes.seeing import Seeing, see
from tests.fakes.values import CELL

BATCH = 4


def images(count: int, seed: int = 3) -> Array:
    shape = (count, 3, seeing.SIZE, seeing.SIZE)
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def inferred(session: Seeing, x: Array, folder: Path) -> tuple[int, Array]:
    """Infer a file of images; return the rows that were told, and the logits."""
    request = SessionRequest(
        runner="m:C", cell=replace(CELL, batch=BATCH), artifact=Path("/a"), reference=Path("/r"),
        tolerance=1e-4,
    )  # fmt: skip
    state, out = State(ExitStack()), folder / "out.npy"
    state.hold(session, request)
    answer = infer(state, {"images": str(write_images(folder, x)), "logits": str(out)})
    return answer["rows"], np.load(out)


@pytest.mark.parametrize("count", [1, 4, 5, 8, 11])
def test_each_image_gets_its_logits_whatever_the_batch(count: int, tmp_path: Path) -> None:
    session, x = Seeing(BATCH), images(count)
    rows, logits = inferred(session, x, tmp_path)
    assert rows == count
    np.testing.assert_allclose(logits, see(x), rtol=1e-6)
    assert session.batches == [BATCH] * -(-count // BATCH)


class Shaped(Seeing):
    """Leaves axes of one that a classifier's logits don't have."""

    def infer(self, feeds: Tensors) -> Tensors:
        return {name: it[:, :, None, None] for name, it in super().infer(feeds).items()}


def test_logits_are_rows_whatever_axes_of_one_an_engine_leaves(tmp_path: Path) -> None:
    x = images(5)
    _, logits = inferred(Shaped(BATCH), x, tmp_path)
    np.testing.assert_allclose(logits, see(x), rtol=1e-6)


class Reusing(Seeing):
    """Hands out one buffer again and again, as engines do that write into it."""

    buffer: Array = np.zeros((BATCH, seeing.CLASSES), np.float32)

    def infer(self, feeds: Tensors) -> Tensors:
        self.buffer[:] = see(only(feeds))
        return {"logits": self.buffer}


def test_an_engine_may_write_its_next_answer_over_the_last(tmp_path: Path) -> None:
    x = images(8)
    np.testing.assert_allclose(inferred(Reusing(BATCH), x, tmp_path)[1], see(x), rtol=1e-6)


@pytest.fixture
def request_for(tmp_path: Path) -> Any:
    """A request of a class of tests/fakes/seeing.py, or of another module."""
    source, options = {"input": [3, 8, 8]}, {"batches": [BATCH], "input_seed": 0}
    seeing.export(source, options, tmp_path)
    made = tmp_path / f"b{BATCH}"

    def make(name: str, module: str = "tests.fakes.seeing") -> SessionRequest:
        return SessionRequest(
            runner=f"{module}:{name}",
            target=TargetSpec(kind="cpu"),
            cell=replace(CELL, batch=BATCH),
            artifact=made / "model.json",
            reference=made / "reference.npz",
            tolerance=1e-4,
        )

    return make


def open_files() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def opened(request: SessionRequest) -> Any:
    return open_engine(request, python=Path(sys.executable), env={})


def test_a_child_stays_open_over_many_files_and_leaves_nothing(
    request_for: Any, tmp_path: Path
) -> None:
    before = open_files()
    with opened(request_for("Sees")) as engine:
        assert engine.opened.facts["engine"] == "fake 1.0"
        assert engine.opened.relative_l2 <= 1e-6
        for seed, count in ((1, 9), (2, 2)):
            x = images(count, seed)
            logits = engine.infer(write_images(tmp_path, x), count)
            np.testing.assert_allclose(logits, see(x), rtol=1e-6)
        assert engine.time(3) == [3_000_000, 4_000_000, 5_000_000]
        pid, folder = engine.worker.pid, engine.worker.folder
    assert engine.worker.process.returncode == 0
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
    with pytest.raises(WorkerFailed) as raised, opened(request_for(name, module)):
        pass
    assert raised.value.failure.kind == kind
    assert raised.value.hint


def test_a_child_that_dies_over_an_image_is_told_by_kind(request_for: Any, tmp_path: Path) -> None:
    with opened(request_for("Dies")) as engine:
        path = write_images(tmp_path, images(1))
        for _ in range(2):  # the second command finds nobody
            with pytest.raises(WorkerFailed) as raised:
                engine.infer(path, 1)
            assert raised.value.failure.kind == "crash"


def test_an_answer_for_another_count_is_garbage(request_for: Any, tmp_path: Path) -> None:
    with opened(request_for("Sees")) as engine:
        path = write_images(tmp_path, images(2))
        with pytest.raises(WorkerFailed, match="to 3 images") as raised:
            engine.infer(path, 3)
    assert raised.value.failure.kind == "garbage-reply"


class _Answers:
    """A worker that answers what it is told to, and writes `logits`."""

    garbage = Worker.garbage

    def __init__(self, folder: Path, answer: dict[str, Any], logits: bytes = b"") -> None:
        self.folder, self.answer, self.logits = folder, answer, logits

    def first(self, **_: Any) -> dict[str, Any]:
        return self.answer

    def call(self, *_: Any, **__: Any) -> dict[str, Any]:
        (self.folder / "logits.npy").write_bytes(self.logits)
        return self.answer


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(array))
    return file.getvalue()


OPENED = OpenedFields(load_ns=1, relative_l2=0.0, facts={})


@pytest.mark.parametrize(
    "logits",
    [
        b"", b"\x93NUMPY\x01\x00\xff", b"PK\x03\x04", npy([[1.0]]), npy(np.zeros(4, np.float32)),
        npy(np.zeros((3, 4), np.float32)), npy(np.zeros((4, 0), np.float32)), npy([["a"]] * 4),
        npy(np.zeros((4, 2), np.float32))[:-1], npy([[None]] * 4),
        npy(np.zeros((4, 2), np.float32)).replace(b"(4, 2)", b"(4, 9**15)"),
    ],
)  # fmt: skip
def test_logits_of_another_form_are_garbage(logits: bytes, tmp_path: Path) -> None:
    worker: Any = _Answers(tmp_path, {"rows": 4}, logits)
    with pytest.raises(WorkerFailed, match="its logits") as raised:
        Engine(worker=worker, opened=OPENED).infer(tmp_path / "images.npy", 4)
    assert raised.value.failure.kind == "garbage-reply"


@pytest.mark.parametrize("samples", [None, 3, [1, 2], [1, 2, 0], [1, 2, 3.0], [1, 2, "3"]])
def test_durations_of_another_form_are_garbage(samples: object, tmp_path: Path) -> None:
    worker: Any = _Answers(tmp_path, {"samples_ns": samples})
    with pytest.raises(WorkerFailed, match="being timed 3 times"):
        Engine(worker=worker, opened=OPENED).time(3)


@pytest.mark.parametrize(
    "said", [{}, {"load_ns": -1, "relative_l2": 0.0, "facts": {}},
             {"load_ns": 1, "relative_l2": 0.0, "facts": {"engine": 1}}],
)  # fmt: skip
def test_what_no_engine_says_of_itself_is_garbage(
    said: dict[str, Any], request_for: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = _Answers(tmp_path, said)
    monkeypatch.setattr(engine_module, "open_worker", lambda *_, **__: nullcontext(worker))
    with pytest.raises(WorkerFailed) as raised, opened(request_for("Sees")):
        pass
    assert raised.value.failure.kind == "garbage-reply"


def test_a_runner_of_a_device_takes_no_images(request_for: Any) -> None:
    with (
        pytest.raises(WorkerFailed, match="take no images") as raised,
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
