"""A workshop whose converters run in this process, over nets and environments of one's choice."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.artifacts.builder import Artifact, ArtifactFormat, Key, Made, Workshop
from bench.config.catalog import Model
from bench.core.digest import file_sha256
from bench.core.errors import ArtifactError, BenchError, Unavailable
from bench.environments.inspection import Interpreter
from bench.environments.interpreters import Environments
from bench.environments.specs import EnvSpec
from bench.launcher.process import ChildFailed, ChildResult, Replied
from bench.worker.serve import load
from tests.fakes import converter
from tests.fakes.values import model

SMALL, BIG = model("small"), model("big")
BROKEN = model("broken", source={"factory": "fake:broken"})


class Children:
    """Runs converters in this process and keeps what they were asked; an `answer` is for all."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.options: list[dict[str, Any]] = []
        self.answer: ChildFailed | None = None
        self._lock = threading.Lock()

    def __call__(self, request: dict[str, Any], **options: Any) -> ChildResult:
        assert request["operation"] == "convert"
        with self._lock:
            self.requests.append(request)
            self.options.append(options)
        if self.answer is not None:
            return self.answer
        converter, out = load(request["converter"]), Path(request["out"])
        try:
            facts = converter(request["source"], request["options"], out)
        except BenchError as error:
            kind = "unavailable" if isinstance(error, Unavailable) else "conversion"
            return ChildFailed(
                kind=kind, message=error.problem, hint=error.hint, log_tail="its log"
            )
        return Replied(value=facts, pid=1, wall_ns=1)

    @property
    def batches(self) -> list[list[int]]:
        return [request["options"]["batches"] for request in self.requests]


class Interpreters(Environments):
    """Environments that are there, each with a digest of one's choice, or can't be had."""

    def __init__(self, **digests: str | None) -> None:
        super().__init__(Path("/nowhere"))
        self.specs = dict.fromkeys(["exporting", "converting"], EnvSpec(lock="none.txt"))
        self.digests: dict[str, str | None] = {"exporting": "e1", "converting": "c1", **digests}

    def is_built(self, name: str) -> bool:
        return self.digests[name] is not None

    def folders(self) -> dict[str, Path | None]:
        return {}

    def get(self, name: str) -> Interpreter:
        digest = self.digests[name]
        if digest is None:
            raise Unavailable(f"there is no {name}", hint="install it")
        return Interpreter(name=name, python=Path(f"/{name}/python"), packages={}, digest=digest)


def export(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    if source["factory"] == "fake:broken":
        raise ArtifactError("this net can't be exported", hint="mend it")
    return converter.export(source, options, out)


def concatenate(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    parts = [Path(source[name]).read_bytes() for name in ("model", "params")]
    (out / "model.nb").write_bytes(b"".join(parts))
    return {"bytes": sum(len(part) for part in parts)}


PIR = ArtifactFormat(
    converter=f"{__name__}:export", env="exporting", main="model.json", code=(),
    beside={"params": "model.pdiparams"}, options={"format": "pir"}, child_env={"FLAG": "1"},
)  # fmt: skip
NB = ArtifactFormat(
    converter=f"{__name__}:concatenate",
    env="converting",
    main="model.nb",
    code=(),
    sources=("pir",),
)


def spoil(cache: Path) -> None:
    """Put into every export in `cache` what no engine loads, with the hash of it."""
    for manifest in cache.glob("artifacts/*-paddle-pir-*/artifact.json"):
        main, values = manifest.with_name("model.json"), json.loads(manifest.read_text())
        main.write_text("of a version that no engine reads")
        values["files"][main.name] = file_sha256(main)
        manifest.write_text(json.dumps(values))


@dataclass
class Bench:
    """A workshop with its children."""

    cache: Path
    formats: dict[str, ArtifactFormat] = field(default_factory=lambda: {"pir": PIR, "nb": NB})
    environments: Interpreters = field(default_factory=Interpreters)
    children: Children = field(default_factory=Children)
    done: list[str] = field(default_factory=list)

    def make(self, *models: Model, formats: str = "pir", batches: tuple[int, ...] = (1,)) -> Made:
        wanted = [
            Key(m.variant, kind, b) for m in models for kind in formats.split() for b in batches
        ]
        return self.workshop().make(models, wanted, workers=2, on_done=self.done.append)

    def workshop(self) -> Workshop:
        return Workshop(self.cache, self.environments, self.formats, self.children)

    def artifact(self, of: Model = SMALL, kind: str = "pir", batch: int = 1) -> Artifact:
        made = self.make(of, formats=kind, batches=(batch,))[Key(of.variant, kind, batch)]
        assert isinstance(made, Artifact)
        return made
