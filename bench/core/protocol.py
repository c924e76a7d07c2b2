"""The parent and its worker: the whole protocol, in one place. Standard library only.

The parent writes DIR/request.json and starts `<python> -m bench.worker DIR`. The request bears the
version of this protocol, an operation and the operation's arguments:

    {"protocol": 3, "operation": "measure", ...}

    operation     arguments                        answer
    measure       a SessionRequest                 a whole session: load, inference, samples, and
                                                   `layers` of its engine, where they are known
    measure_pair  a PairRequest                    {"arms": {name: {...}}, "bursts": [{arm, ns}]}
                                                   or {"failed": {arm, kind, message, hint}}
    profile       a SessionRequest                 {relative_l2, facts, plain_ns, profiled_ns,
                                                   resolution_ns, operators: [{name, type, ns,
                                                   calls, kernel}]}; as many inferences without as
                                                   with the engine's profile (bench.worker.profile)
    convert       converter, source, options, out  what the converter says of its files; `engine`, a
                                                   runner, gives the outputs of `main` among them
    probe                                          the versions of Paddle and of its TensorRT
    open          a SessionRequest                 {load_ns, first_inference_ns, relative_l2, facts}
                                                   the session stays open for those below
    warm_up                                        {"warmup_ns": [...], "steady": true}
    sample        count                            {"samples_ns": [...]}, one burst; on Linux also
                                                   its {wait_ns, cpu_ns, wall_ns, started_ns} and
                                                   {canary_ns} with the counters that are known
                                                   (`bench.worker.counters`)
    infer         images, logits (.npy files)      {"rows": n}; the worker writes the logits
    open_batches  sessions, memory_fd, memory_bytes
                                                   {"sessions": [{load_ns, ..., inference_ns}],
                                                   facts}: a session for each batch of one net
    infer_batch   index                            {}; inputs and outputs of that session are in the
                                                   memory (`bench.core.slots`)
    run_command   words, env, cwd, count           {"samples_ns": [...], wait_ns, cpu_ns, wall_ns}
                                                   of `count` fresh processes in a row; wait_ns
                                                   where it is known
    finish                                         {facts, covariates} since the warm-up; no more
                                                   operation follows
    preload       runner, or imports               {"pid"}; the engine is imported, and no more
    fork          folder, commands_fd, replies_fd, {"pid"} of an arm: a fork that does the request
                  close_fds, most_bytes            in `folder` and hears the next on `commands_fd`
    ended         pid, within_s                    {"status"} of an arm, null: it goes on

A request is answered in DIR/reply.json, written beside and renamed, before anything is torn down:

    {"ok": {...}}                                         the operation's answer
    {"error": {"kind": ..., "message": ..., "hint": ...}} what the worker knows of its failure

A request with `replies_fd` makes the worker stay: each answer is one line {"ok": ...} on that pipe,
each line on its standard input is the next operation, and it leaves when they end. The pipe is its
own, so that nothing that an engine prints can garble an answer. An error still goes to reply.json.

An operation bears `paused` where the parent stops the worker once it has answered: then warm_up and
sample don't wait for the engine's threads to be at rest.

What a worker prints goes to stdout.log and stderr.log; nothing is ever parsed out of them. Anything
else (no answer, no file, no JSON, another shape) is the worker's failure, named by
`bench.launcher.process`. So is an answer above MOST_ANSWER_BYTES or nested without end, and a
number that 64 bits don't hold; text that isn't UTF-8 comes with replacement characters, so that
whatever is answered can be stored and read again.
A worker may be another revision of this project: it refuses a request of another version.
"""

from __future__ import annotations

import errno
import json
import math
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from bench.core.cell import Cell, Sampling, TargetSpec
from bench.core.errors import BenchError, Unavailable

PROTOCOL = 3
MODULE = "bench.worker"
REQUEST = "request.json"
REPLY = "reply.json"
STDOUT = "stdout.log"
STDERR = "stderr.log"
# Tell a child the interpreter of an engine that its own can't import, and the compiled program that
# drives its engine (`bench.launcher.engine_process`).
ENGINE_PYTHON = "BENCH_ENGINE_PYTHON"
ENGINE_PROGRAM = "BENCH_ENGINE_PROGRAM"
MOST_ANSWER_BYTES = 64 << 20
_MOST_WHOLE = (1 << 63) - 1
_MOST_DIGITS = 19
_DEEPEST = 16  # lists and objects in one another; a session's samples are in the fourth

_CPU = TargetSpec(kind="cpu")


def request_for(operation: str, **arguments: Any) -> dict[str, Any]:
    """Return the request of an operation, as it is written to the file."""
    return {"protocol": PROTOCOL, "operation": operation, **arguments}


def check_version(request: Mapping[str, Any]) -> None:
    """Raise Unavailable for a request of another version."""
    version = request.get("protocol")
    if version != PROTOCOL:
        raise Unavailable(
            f"this revision's worker speaks protocol {PROTOCOL}, and the request is in {version}",
            hint="compare revisions that speak the same one as the harness that runs them",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRequest:
    """A session of `runner` ("module:Class") on `artifact` at `target`.

    `reference` is a file of `bench.core.tensors.write_reference`: what the runner is fed, and the
    outputs that it must be within `tolerance` of (relative L2) before any time counts. `cores` are
    those that the session may run on, None: all that there are. `sampling` is None where nothing is
    measured.
    """

    runner: str
    target: TargetSpec = _CPU
    cell: Cell
    sampling: Sampling | None = None
    artifact: Path
    reference: Path
    tolerance: float
    cores: Sequence[int] | None = None

    @property
    def rule(self) -> Sampling:
        """How to warm up and sample; raises BenchError where the request doesn't say."""
        if self.sampling is None:
            raise BenchError("this request bears no sampling", hint="see bench/core/protocol.py")
        return self.sampling

    def to_json(self) -> dict[str, Any]:
        return {
            "runner": self.runner,
            "target": self.target.to_json(),
            "cell": self.cell.to_json(),
            "sampling": None if self.sampling is None else self.sampling.to_json(),
            "artifact": str(self.artifact),
            "reference": str(self.reference),
            "tolerance": self.tolerance,
            "cores": None if self.cores is None else list(self.cores),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> SessionRequest:
        sampling = values["sampling"]
        return cls(
            runner=values["runner"],
            target=TargetSpec.from_json(values["target"]),
            cell=Cell.from_json(values["cell"]),
            sampling=None if sampling is None else Sampling.from_json(sampling),
            artifact=Path(values["artifact"]),
            reference=Path(values["reference"]),
            tolerance=values["tolerance"],
            cores=values["cores"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRequest:
    """A session in which a device's own program alternates two models.

    The sessions in `arms`, by name, are opened in their order, on the first one's runner, target
    and sampling; `order` has the index of the arm that runs each burst, whose length
    `bench.experiments.ab.interleave.Rule` explains.
    """

    arms: Mapping[str, SessionRequest]
    order: Sequence[int]
    burst_s: float
    least_calls: int
    most_calls: int

    def to_json(self) -> dict[str, Any]:
        return {
            "arms": {name: arm.to_json() for name, arm in self.arms.items()},
            "order": list(self.order),
            "burst_s": self.burst_s,
            "least_calls": self.least_calls,
            "most_calls": self.most_calls,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> PairRequest:
        arms = values["arms"].items()
        return cls(
            arms={name: SessionRequest.from_json(arm) for name, arm in arms},
            order=values["order"],
            burst_s=values["burst_s"],
            least_calls=values["least_calls"],
            most_calls=values["most_calls"],
        )


def read_json(data: bytes) -> Any:
    """Return the JSON that another process wrote; raises ValueError for anything else.

    Its numbers are finite and fit 64 bits, its texts are UTF-8.
    """
    if len(data) > MOST_ANSWER_BYTES:
        raise ValueError(f"it has more than {MOST_ANSWER_BYTES >> 20} MiB")
    text = data.decode("utf-8", "replace")
    try:
        value = json.loads(text, parse_int=_whole, parse_float=_finite, parse_constant=_finite)
        if "\\ud" in text or "\\uD" in text:  # half of a surrogate pair is no text
            whole = json.dumps(value, ensure_ascii=False).encode("utf-16-le", "surrogatepass")
            value = json.loads(whole.decode("utf-16-le", "replace"))
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    return value


def is_duration(value: object) -> TypeGuard[int]:
    """Tell whether a worker's answer holds a duration: a whole number of nanoseconds from 1 on."""
    return type(value) is int and value > 0


def _whole(digits: str) -> int:
    value = int(digits[: _MOST_DIGITS + 2])
    if len(digits) > _MOST_DIGITS + 1 or abs(value) > _MOST_WHOLE:
        raise ValueError("it holds a whole number of more than 64 bits")
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("it holds a number that isn't finite")
    return value


def write_json(path: Path, value: object) -> None:
    """Write `value` beside `path` and rename it into place: a reader sees all or nothing."""
    beside = path.with_name(path.name + ".tmp")
    with beside.open("w", encoding="utf-8") as file:
        json.dump(value, file, allow_nan=False)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def read_regular(path: Path, *, limit: int = MOST_ANSWER_BYTES, last: int | None = None) -> bytes:
    """Return what a file holds, or its `last` bytes, however a child left it.

    Raises OSError for a folder, a link, a pipe, and for more than `limit` bytes.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        start = 0 if last is None else max(0, status.st_size - last)
        if not stat.S_ISREG(status.st_mode) or status.st_size - start > limit:
            raise OSError(errno.EINVAL, "no file of that size", str(path))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            file.seek(start)
            return file.read(status.st_size - start)
    finally:
        os.close(descriptor)


def read_reply(folder: Path) -> Mapping[str, Any] | None:
    """Return the reply in `folder`, None for anything else; raises FileNotFoundError."""
    try:
        reply = parse_object(read_regular(folder / REPLY))
    except FileNotFoundError:
        raise
    except (OSError, ValueError):
        return None
    return reply if _is_reply(reply) else None


def parse_object(data: bytes) -> dict[str, Any]:
    """Return a JSON object of a child's; raises ValueError for anything else."""
    value = read_json(data)
    if not isinstance(value, dict) or not _is_flat(value):
        raise ValueError("no JSON object")
    return value


def _is_reply(reply: Mapping[str, Any]) -> bool:
    if set(reply) == {"error"}:
        error = reply["error"]
        named = isinstance(error, dict) and set(error) == {"kind", "message", "hint"}
        return named and all(isinstance(text, str) for text in error.values())
    return set(reply) == {"ok"} and isinstance(reply["ok"], dict)


def _is_flat(value: object, left: int = _DEEPEST) -> bool:
    """Tell whether lists and objects aren't nested deeper than anything that is meant."""
    if not isinstance(value, dict | list):
        return True
    items = value.values() if isinstance(value, dict) else value
    return left > 0 and all(_is_flat(item, left - 1) for item in items)
