"""Every reader of what comes from outside, with real files of its kind: what fuzzing goes over."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.config.catalog import load_catalogue
from bench.config.images import read_inference
from bench.config.net_files import parts
from bench.config.project import load_project
from bench.config.published import load_faults, load_published
from bench.config.suite import load_suite
from bench.converters.ncnn_import import slots_of
from bench.converters.own_inputs import read_values
from bench.core.protocol import REPLY
from bench.devices.android import sysfs
from bench.devices.android.adb.device import Device, parse_properties
from bench.devices.android.adb.streams import Deadline, Stream
from bench.devices.android.identity import heading, read_identity
from bench.environments.interpreters import Environments
from bench.experiments.accuracy.class_names import read_names
from bench.experiments.accuracy.dataset import read_list
from bench.experiments.latency.session import SessionLauncher
from bench.launcher.process import judge
from bench.runners.paddle_lite.agent_sessions import MARK, parse
from bench.storage.files import to_text
from bench.storage.run_folders import AbFolder, AccuracyFolder, RunFolder
from bench.storage.store import Store
from tests.fakes import real_files, sessions, values
from tests.fakes.device import FakeDevice, said
from tests.fakes.targets import FakeTarget

Read = Callable[[Path, bytes], object]
"""A folder of its own and a file's bytes -> what was read; raises BenchError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """`read` of what is like one of `files`."""

    files: Sequence[bytes]
    read: Read


def _at(name: str, read: Callable[[Path], object]) -> Read:
    """Return a reader of the file `name` below the folder that `read` gets."""

    def call(folder: Path, data: bytes) -> object:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return read(folder)

    return call


def _cell(folder: Path, data: bytes) -> object:
    """Read a cell's file under the name that belongs to it."""
    path = folder / "cells" / f"{values.CELL.id}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return list(RunFolder(folder).records())


def _pair(folder: Path, data: bytes) -> object:
    """Read a cell of a comparison whose manifest is whole."""
    (folder / "ab.json").write_bytes(to_text(real_files.AB).encode())
    return _at(f"pairs/{values.CELL.id}.json", lambda it: list(AbFolder(it).records()))(
        folder, data
    )


@cache
def _environments() -> Environments:
    return Environments(Path())  # of this interpreter, which is described once


def _reply(folder: Path, data: bytes) -> object:
    """Have a worker's reply judged, made a session, written to the journal and read from it."""
    (folder / REPLY).write_bytes(data)
    run = RunFolder(folder)
    launcher = SessionLauncher(
        runners={"fake": sessions.ENTRY}, environments=_environments(),
        artifacts={sessions.ASKED: sessions.ARTIFACT}, sampling=values.SAMPLING, scrub=str,
        launch=lambda *_, **__: judge(folder, 0, pid=7, wall_ns=10**9, timeout_s=1.0),
        target=FakeTarget(dict),
    )  # fmt: skip
    entry = launcher(sessions.STEP)
    run.journal_path.unlink(missing_ok=True)
    run.append(entry)
    assert len(run.journal()) == 1
    return entry


class _Answers(FakeDevice):
    """A device all of whose streams say `data`, by the shell protocol 2 or without."""

    run = Device.run

    def __init__(self, data: bytes, features: frozenset[str]) -> None:
        super().__init__()
        self.data, self.features = data, features

    def _open(self, service: str, deadline: Deadline) -> Stream:
        return _Said(self.data)

    def _features(self, deadline: Deadline) -> frozenset[str]:
        return self.features


class _Said:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, deadline: Deadline) -> bytes:
        taken, self.data = self.data[:65536], self.data[65536:]
        return taken

    def write(self, data: bytes, deadline: Deadline) -> None: ...
    def close(self) -> None: ...
    def answered(self) -> bool:
        return True


def _packets(_: Path, data: bytes) -> object:
    return _Answers(data, frozenset({"shell_v2"})).run(["getprop"])


def _pulled(folder: Path, data: bytes) -> object:
    Device.pull(_Answers(data, frozenset()), "/sdcard/x", folder / "pulled")
    return (folder / "pulled").read_bytes()


def _identity(_: Path, data: bytes) -> object:
    """Read a phone that prints `data` to whatever it is asked."""
    text = data.decode("utf-8", "replace")
    device = FakeDevice(answers={"": said(text)}, properties=parse_properties(text)[0])
    return heading(read_identity(device)), sysfs.entries(text), sysfs.sections(text)


def _agent(_: Path, data: bytes) -> object:
    return parse(data.decode("utf-8", "replace").splitlines(keepends=True))


_SYSTEM = values.SYSTEM.system_id


def _suite_of(folder: Path) -> object:
    suite = load_suite(str(folder / "mine.toml"))
    return [suite.in_preset(preset).sampling(preset) for preset in suite.file.presets]


READERS: Mapping[str, Reader] = {
    "run.json": Reader(
        files=real_files.stored(real_files.RUN),
        read=_at("run.json", lambda it: RunFolder(it).manifest()),
    ),
    "a cell": Reader(files=real_files.stored(values.record()), read=_cell),
    "journal.jsonl": Reader(
        files=[real_files.journal(values.entry(), values.failure(), values.entry(order=1))],
        read=_at("journal.jsonl", lambda it: RunFolder(it).journal()),
    ),
    "a system": Reader(
        files=real_files.stored(values.SYSTEM),
        read=_at(f"systems/{_SYSTEM}.json", lambda it: Store(it).system(_SYSTEM)),
    ),
    "a baseline": Reader(
        files=real_files.stored(real_files.BASELINE),
        read=_at(
            f"baselines/{real_files.RUN.system_id}.json",
            lambda it: Store(it).baseline(real_files.RUN.system_id),
        ),
    ),
    "ab.json": Reader(
        files=real_files.stored(real_files.AB),
        read=_at("ab.json", lambda it: AbFolder(it).manifest()),
    ),
    "a pair": Reader(files=real_files.stored(real_files.PAIR), read=_pair),
    "accuracy.json": Reader(
        files=real_files.stored(real_files.ACCURACY),
        read=_at("accuracy.json", lambda it: AccuracyFolder(it).manifest()),
    ),
    "accuracy journal": Reader(
        files=[real_files.journal(*real_files.LINES)],
        read=_at("journal.jsonl", lambda it: AccuracyFolder(it).journal()),
    ),
    "catalog.toml": Reader(
        files=real_files.shipped("*/*catalog.toml")
        + real_files.shipped("tests/fakes/models/catalog.toml"),
        read=_at("catalog.toml", load_catalogue),
    ),
    "published.csv": Reader(
        files=real_files.shipped("models/published.csv"), read=_at("published.csv", load_published)
    ),
    "known_faults.toml": Reader(
        files=real_files.shipped("models/known_faults.toml"),
        read=_at("known_faults.toml", load_faults),
    ),
    "a suite": Reader(
        files=real_files.shipped("bench/suites/*.toml"), read=_at("mine.toml", _suite_of)
    ),
    "bench.toml": Reader(
        files=[b'models = "nets"\nresults = "../measured"\ncache = "~/big/cache"\n'],
        read=_at("bench.toml", load_project),
    ),
    "an image list": Reader(
        files=[real_files.LIST], read=_at("list", lambda it: read_list(it, it / "list").digest)
    ),
    "class names": Reader(
        files=[b"0 tench, Tinca\n1 goldfish\n2 shark\n", b"a\nb b\nc"],
        read=_at("names", lambda it: read_names(it / "names")),
    ),
    "inference.yml": Reader(
        files=[real_files.INFERENCE.encode()],
        read=_at("inference.yml", lambda it: read_inference(it / "inference.yml")),
    ),
    "an ONNX file's parts": Reader(
        files=[real_files.ONNX], read=_at("net.onnx", lambda it: parts(it / "net.onnx"))
    ),
    "an ncnn file": Reader(
        files=[real_files.NCNN.encode()],
        read=_at("net.param", lambda it: slots_of(it / "net.param")),
    ),
    "values of inputs": Reader(
        files=[real_files.values_file()],
        read=_at("values.npz", lambda it: read_values(it / "values.npz")),
    ),
    "a worker's reply": Reader(
        files=[json.dumps(it).encode() for it in ({"ok": sessions.FIGURES}, real_files.ERROR)],
        read=_reply,
    ),
    "the device program": Reader(
        files=["".join(f"{MARK}{json.dumps(it)}\n" for it in real_files.EVENTS).encode()],
        read=_agent,
    ),
    "a phone's getprop": Reader(files=[real_files.PHONE.encode()], read=_identity),
    "adb shell packets": Reader(
        files=[
            real_files.packet(1, b"some\ntext\n")
            + real_files.packet(2, b"WARNING: x\n")
            + real_files.packet(3, b"\0")
        ],
        read=_packets,
    ),
    "adb sync packets": Reader(
        files=[
            real_files.piece(b"DATA", b"x" * 100) * 2 + real_files.piece(b"DONE", b""),
            real_files.piece(b"FAIL", b"No such file"),
        ],
        read=_pulled,
    ),
}
