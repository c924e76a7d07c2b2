from __future__ import annotations

import ast
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.artifacts import CONVERTERS, KINDS, Artifact, Key, Kind, Made, Workshop
from bench.catalog import Model, file_sha256
from bench.child import load
from bench.environments import Environments, Interpreter
from bench.errors import ArtifactError, BenchError, Unavailable
from bench.launch import ChildFailed, ChildResult, Replied, run_child
from bench.protocol import ConvertRequest
from tests.fakes import converter
from tests.fakes.tables import FAKE_KINDS
from tests.fakes.values import model

SMALL, BIG = model("small"), model("big")
BROKEN = model("broken", source={"factory": "fake:broken"})


class Children:
    """Runs converters in this process and keeps what they were asked."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.options: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def __call__(self, module: str, request: dict[str, Any], **options: Any) -> ChildResult:
        assert module == "bench.converter"
        with self._lock:
            self.requests.append(request)
            self.options.append(options)
        asked = ConvertRequest.from_json(request)
        try:
            facts = load(asked.converter)(asked.source, asked.options, asked.out)
        except BenchError as error:
            return ChildFailed(
                kind="conversion", message=error.problem, hint=error.hint, log_tail="its log"
            )
        return Replied(value=facts, pid=1, wall_ns=1)

    @property
    def batches(self) -> list[list[int]]:
        return [request["options"]["batches"] for request in self.requests]


class Interpreters(Environments):
    """Environments that are there, each with a digest of one's choice, or can't be had."""

    def __init__(self, **digests: str | None) -> None:
        super().__init__(Path("/nowhere"))
        self.digests: dict[str, str | None] = {"exporting": "e1", "converting": "c1", **digests}

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


def concatenate_but_batch_4(
    source: Mapping[str, Any], options: Mapping[str, Any], out: Path
) -> dict[str, Any]:
    if options["batches"] == [4]:
        raise ArtifactError("batch 4 is too big", hint="take a smaller one")
    return concatenate(source, options, out)


def write_nothing(
    source: Mapping[str, Any], options: Mapping[str, Any], out: Path
) -> dict[str, Any]:
    for batch in options["batches"]:
        (out / f"b{batch}").mkdir()
    return {}


PIR = Kind(
    converter=f"{__name__}:export", env="exporting", main="model.json", code=(),
    options={"format": "pir"}, child_env={"FLAG": "1"},
)  # fmt: skip
NB = Kind(
    converter=f"{__name__}:concatenate", env="converting", main="model.nb", code=(), source="pir"
)


@dataclass
class Bench:
    """A workshop with its children."""

    cache: Path
    kinds: dict[str, Kind] = field(default_factory=lambda: {"pir": PIR, "nb": NB})
    environments: Interpreters = field(default_factory=Interpreters)
    children: Children = field(default_factory=Children)
    done: list[str] = field(default_factory=list)

    def make(self, *models: Model, kinds: str = "pir", batches: tuple[int, ...] = (1,)) -> Made:
        workshop = Workshop(self.cache, self.environments, self.kinds, self.children)
        wanted = [
            Key(m.variant, kind, b) for m in models for kind in kinds.split() for b in batches
        ]
        return workshop.make(models, wanted, workers=2, on_done=self.done.append)

    def artifact(self, of: Model = SMALL, kind: str = "pir", batch: int = 1) -> Artifact:
        made = self.make(of, kinds=kind, batches=(batch,))[Key(of.variant, kind, batch)]
        assert isinstance(made, Artifact)
        return made


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "cache")


def test_an_artifact_has_its_files_with_their_hashes_and_the_facts_of_its_converter(
    bench: Bench,
) -> None:
    artifact = bench.artifact()
    assert artifact.main == artifact.folder / "model.json"
    assert artifact.main.read_text() == "fake net, batch 1"
    assert artifact.files == {
        name: file_sha256(artifact.folder / name)
        for name in ("model.json", "model.pdiparams", "reference.npz")
    }
    assert artifact.facts["costs"]["macs"] == 17576000
    with np.load(artifact.reference) as arrays:
        assert arrays["input"].shape == (1, 3, 8, 8)


def test_the_converter_is_told_of_its_model_and_runs_in_its_own_interpreter(bench: Bench) -> None:
    bench.make(SMALL, batches=(4, 1))
    [request], [options] = bench.children.requests, bench.children.options
    assert request["source"] == {
        "factory": "fake:net", "input": [3, 8, 8], "weights": {"kind": "seeded", "seed": 0},
    }  # fmt: skip
    told = dict(request["options"])
    weights = Path(told.pop("weights_cache"))
    assert told == {"format": "pir", "batches": [1, 4], "input_seed": 0}
    assert weights == bench.cache / "weights" / f"small-{SMALL.hash}-e1"
    assert options["python"] == Path("/exporting/python")
    assert options["env"] == {"OMP_NUM_THREADS": "1", "FLAG": "1"}


def test_a_second_time_everything_comes_from_the_cache(bench: Bench) -> None:
    first = bench.make(SMALL, BIG, kinds="pir nb", batches=(1, 4))
    asked = len(bench.children.requests)
    assert bench.make(SMALL, BIG, kinds="pir nb", batches=(1, 4)) == first
    assert len(bench.children.requests) == asked


def test_one_child_makes_all_missing_batches_of_an_export(bench: Bench) -> None:
    bench.make(SMALL, batches=(4,))
    made = bench.make(SMALL, batches=(1, 4, 16))
    assert bench.children.batches == [[4], [1, 16]]
    assert sorted(key.batch for key in made) == [1, 4, 16]
    texts = {k.batch: it.main.read_text() for k, it in made.items() if isinstance(it, Artifact)}
    assert texts == {batch: f"fake net, batch {batch}" for batch in (1, 4, 16)}


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "model.pdiparams").write_bytes(b"fake weightz"),
        lambda folder: (folder / "reference.npz").unlink(),
        lambda folder: (folder / "artifact.json").unlink(),
        lambda folder: (folder / "artifact.json").write_text('{"facts": {}'),
        lambda folder: (folder / "artifact.json").write_text("[]"),
        lambda folder: (folder / "artifact.json").write_text('{"facts": {}}'),
    ],
)
def test_an_artifact_that_was_damaged_in_the_cache_is_made_anew_alone(
    damage: Any, bench: Bench
) -> None:
    before = bench.make(SMALL, BIG, batches=(1, 4))
    artifact = bench.artifact(SMALL, batch=4)
    damage(artifact.folder)

    after = bench.make(SMALL, BIG, batches=(1, 4))

    assert bench.children.batches[2:] == [[4]]
    assert after == before
    assert artifact.reference.is_file()
    assert {n: file_sha256(artifact.folder / n) for n in artifact.files} == artifact.files


def test_a_conversion_is_made_of_its_source_and_takes_the_reference_over(bench: Bench) -> None:
    made = bench.make(SMALL, kinds="pir nb", batches=(1, 4))
    for batch in (1, 4):
        pir, nb = made[Key("small", "pir", batch)], made[Key("small", "nb", batch)]
        assert isinstance(pir, Artifact)
        assert isinstance(nb, Artifact)
        assert nb.main.read_bytes() == pir.main.read_bytes() + b"fake weights"
        assert nb.reference != pir.reference
        assert nb.reference.read_bytes() == pir.reference.read_bytes()
    assert bench.children.batches == [[1, 4], [1], [4]]
    assert bench.children.options[1]["python"] == Path("/converting/python")


def test_what_a_conversion_is_made_of_is_made_though_nobody_asked_for_it(bench: Bench) -> None:
    nb = bench.artifact(kind="nb", batch=4)
    assert nb.main.name == "model.nb"
    assert [Path(r["converter"]).name.split(":")[1] for r in bench.children.requests] == [
        "export", "concatenate",
    ]  # fmt: skip


def test_a_chain_of_conversions_is_made_from_its_first_source_on(bench: Bench) -> None:
    again = replace(NB, converter="tests.fakes.converter:convert", source="nb")
    bench.kinds["further"] = again
    assert bench.artifact(kind="further", batch=4).main.read_bytes() == b"x" * 1000
    assert bench.children.batches == [[4], [4], [4]]


def test_a_failed_export_takes_the_place_of_its_own_artifacts_only(bench: Bench) -> None:
    made = bench.make(SMALL, BROKEN, kinds="pir nb")
    assert {k.variant for k, it in made.items() if isinstance(it, Artifact)} == {"small"}
    for kind in ("pir", "nb"):
        error = made[Key("broken", kind, 1)]
        assert isinstance(error, ArtifactError)
        assert error.problem == "pir: this net can't be exported"
        assert (error.hint, error.log_tail) == ("mend it", "its log")


def test_a_failed_conversion_leaves_its_source_and_other_kinds_alone(bench: Bench) -> None:
    bench.kinds["nb"] = replace(NB, converter="tests.fakes.converter:refuse")
    bench.kinds["other"] = NB
    made = bench.make(SMALL, kinds="pir nb other")
    outcomes = {key.kind: type(it).__name__ for key, it in made.items()}
    assert outcomes == {"pir": "Artifact", "nb": "ArtifactError", "other": "Artifact"}


def test_a_failed_conversion_leaves_other_batches_alone(bench: Bench) -> None:
    bench.kinds["nb"] = replace(NB, converter=f"{__name__}:concatenate_but_batch_4")
    made = bench.make(SMALL, kinds="nb", batches=(1, 4, 16))
    failed = {key.batch for key, it in made.items() if not isinstance(it, Artifact)}
    assert failed == {4}


def test_a_failure_is_tried_again_the_next_time_and_leaves_nothing_in_the_cache(
    bench: Bench,
) -> None:
    bench.make(BROKEN)
    assert list((bench.cache / "artifacts").iterdir()) == []
    bench.make(BROKEN)
    assert len(bench.children.requests) == 2


def test_a_converter_that_writes_nothing_is_a_failed_conversion(bench: Bench) -> None:
    bench.kinds["pir"] = replace(PIR, converter=f"{__name__}:write_nothing")
    error = bench.make(SMALL)[Key("small", "pir", 1)]
    assert isinstance(error, ArtifactError)
    assert error.problem == "pir: the converter wrote no model.json"


def test_an_interpreter_that_cannot_be_had_is_the_outcome_of_what_it_should_make(
    bench: Bench,
) -> None:
    bench.environments = Interpreters(converting=None)
    made = bench.make(SMALL, kinds="pir nb")
    assert isinstance(made[Key("small", "pir", 1)], Artifact)
    assert isinstance(made[Key("small", "nb", 1)], Unavailable)

    bench.environments = Interpreters(exporting=None)
    made = bench.make(SMALL, kinds="pir nb", batches=(1, 4))
    assert {type(it) for it in made.values()} == {Unavailable}
    assert len(made) == 4


@pytest.mark.parametrize("kind", ["pir", "nb"])
@pytest.mark.parametrize(
    "changed",
    [
        replace(SMALL, hash="another hash"),
        replace(SMALL, input=(3, 16, 16)),
    ],
    ids=["model", "input"],
)
def test_another_model_or_input_is_another_artifact(
    changed: Model, kind: str, bench: Bench
) -> None:
    assert bench.artifact(changed, kind).folder != bench.artifact(SMALL, kind).folder


def test_another_batch_is_another_artifact(bench: Bench) -> None:
    assert bench.artifact(batch=1).folder != bench.artifact(batch=4).folder


@pytest.mark.parametrize(
    ("kind", "environment", "changes"),
    [
        ("pir", "exporting", True),
        ("nb", "converting", True),
        ("nb", "exporting", True),
        ("pir", "converting", False),
    ],
)
def test_other_packages_make_another_artifact_of_what_they_shape_only(
    kind: str, environment: str, changes: bool, bench: Bench
) -> None:
    before = bench.artifact(kind=kind).folder
    bench.environments = Interpreters(**{environment: "others"})
    assert (bench.artifact(kind=kind).folder != before) is changes


def test_a_changed_converter_makes_another_artifact(bench: Bench, tmp_path: Path) -> None:
    code = tmp_path / "converter.py"
    code.write_text("one = 1")
    bench.kinds["pir"] = replace(PIR, code=(str(code),))
    before = bench.artifact().folder
    code.write_text("one = 1.0")
    assert bench.artifact().folder != before


def test_another_name_for_the_same_net_is_no_other_net_but_another_folder(bench: Bench) -> None:
    twin = replace(SMALL, variant="twin")
    first, second = bench.artifact(SMALL).folder.name, bench.artifact(twin).folder.name
    assert first.rpartition("-")[2] == second.rpartition("-")[2]
    assert first != second


def test_each_kind_of_each_model_is_told_when_it_is_done(bench: Bench) -> None:
    bench.make(SMALL, BIG, kinds="nb")
    assert sorted(bench.done) == ["big nb", "big pir", "small nb", "small pir"]
    assert bench.done.index("small pir") < bench.done.index("small nb")


def test_real_children_make_what_is_missing_and_only_that(tmp_path: Path) -> None:
    launched: list[dict[str, Any]] = []

    def launch(module: str, request: dict[str, Any], **options: Any) -> ChildResult:
        launched.append(request)
        return run_child(module, request, **options)

    kinds = {
        **FAKE_KINDS,
        "refused": replace(FAKE_KINDS["paddle-lite-nb"], converter="tests.fakes.converter:refuse"),
    }
    workshop = Workshop(tmp_path, Environments(tmp_path), kinds, launch)
    wanted = [Key("small", kind, 1) for kind in kinds]

    first = workshop.make([SMALL], wanted, workers=2)
    again = workshop.make([SMALL], wanted[:2], workers=2)

    nb, refused = first[Key("small", "paddle-lite-nb", 1)], first[Key("small", "refused", 1)]
    assert isinstance(nb, Artifact)
    assert nb.main.read_bytes() == b"x" * 1000
    assert isinstance(refused, ArtifactError)
    assert refused.problem == "refused: this net can't be converted"
    assert "Traceback" in refused.log_tail
    assert again == {key: it for key, it in first.items() if key.kind != "refused"}
    assert len(launched) == 3


@pytest.mark.parametrize("name", KINDS)
def test_the_code_of_a_kind_is_every_module_that_its_converter_takes_in(name: str) -> None:
    kind = KINDS[name]
    first = kind.converter.partition(":")[0].rpartition(".")[2]
    assert set(kind.code) == modules_below(first, set())


def modules_below(module: str, seen: set[str]) -> set[str]:
    """Return the files of bench/converters that `module` imports, itself among them."""
    name = f"{module}.py"
    if name in seen or not (CONVERTERS / name).is_file():
        return seen
    seen.add(name)
    for node in ast.walk(ast.parse((CONVERTERS / name).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("bench.converters"):
            tail = str(node.module).removeprefix("bench.converters").lstrip(".")
            for it in [tail] if tail else [alias.name for alias in node.names]:
                modules_below(it, seen)
    return seen
