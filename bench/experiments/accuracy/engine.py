"""A worker that holds one engine open and infers file after file of images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from bench.core.protocol import SessionRequest, is_duration, request_for
from bench.launcher.client import Worker, WorkerFailed, open_worker
from bench.storage.schema.accuracy import OpenedFields
from bench.storage.validation import explain

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OPENS_WITHIN_S = 300.0
_ONE_IMAGE_WITHIN_S = 10.0


@dataclass(slots=True, kw_only=True)
class Engine:
    """An open worker; `opened` is what it said of its engine once that was open and right."""

    worker: Worker
    opened: OpenedFields

    def infer(self, images: Path, count: int, *, output: str | None = None) -> NDArray[np.float32]:
        """Return the logits of the .npy file of `count` images; raises WorkerFailed.

        `output` is the name of the output that has them, as the reference calls it, None: the
        engine's first.
        """
        logits = self.worker.folder / "logits.npy"
        answer = self._call("infer", count, images=str(images), logits=str(logits), output=output)
        if answer != {"rows": count}:
            raise self._garbage(f"it answered {answer} to {count} images")
        try:
            rows: NDArray[np.float32] = np.array(np.lib.format.open_memmap(logits, mode="r"))
        except (OSError, ValueError, EOFError) as error:
            raise self._garbage(f"its logits can't be read: {error}") from error
        if rows.dtype != np.float32 or rows.ndim != 2 or len(rows) != count or not rows.size:
            raise self._garbage(f"its logits are {rows.dtype}{rows.shape} for {count} images")
        return rows

    def time(self, count: int) -> list[int]:
        """Return the durations, in ns, of `count` inferences of the last images."""
        answer = self._call("sample", count, count=count)
        samples = answer.get("samples_ns")
        if (
            not isinstance(samples, list)
            or len(samples) != count
            or not all(map(is_duration, samples))
        ):
            raise self._garbage(f"it answered {answer} to being timed {count} times")
        return samples

    def _call(self, operation: str, inferences: int, **arguments: Any) -> Mapping[str, Any]:
        timeout_s = _OPENS_WITHIN_S + inferences * _ONE_IMAGE_WITHIN_S
        return self.worker.call(operation, timeout_s=timeout_s, **arguments)

    def _garbage(self, message: str) -> WorkerFailed:
        return WorkerFailed(self.worker.garbage(message))


OpenEngine = Callable[..., AbstractContextManager[Engine]]


@contextmanager
def open_engine(
    request: SessionRequest, *, python: Path, env: Mapping[str, str]
) -> Iterator[Engine]:
    """Start a worker, wait until its engine is open and right, and end it afterwards.

    Raises WorkerFailed where that goes wrong, Unavailable where `python` can't be started.
    """
    first = request_for("open", **request.to_json())
    with open_worker(first, python=python, env=env) as worker:
        said = worker.first(timeout_s=_OPENS_WITHIN_S)
        try:
            names = OpenedFields.model_fields
            opened = OpenedFields.model_validate({name: said.get(name) for name in names})
        except ValidationError as error:
            raise WorkerFailed(worker.garbage(f"what it opened: {explain(error)}")) from error
        yield Engine(worker=worker, opened=opened)


def write_images(folder: Path, images: NDArray[np.float32]) -> Path:
    """Write what workers are to infer into `folder`, over what it held; return the file."""
    path = folder / "images.npy"
    np.save(path, images)
    return path
