"""The kinds of artifact: which converter makes each, in which environment, of what.

A new kind is one line here. `bench.artifacts.builder` makes them. Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.config.net_files import FACTORY


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """What makes an artifact of a person's own file of its format: a converter in `env`.

    It checks the file, fixes what is open in its shapes and writes the inputs of the reference.
    `engine` is the runner ("module:Class") whose outputs are the reference's, None: the converter
    writes them too.
    """

    converter: str
    env: str
    code: tuple[str, ...]
    engine: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactFormat:
    """How a kind of artifact is made: by `converter` in `env`, of one of `sources`.

    Those are other kinds or FACTORY, the first choice first, another one where it can't be made of
    that; `or_else` are kinds that its engines load as well. `importer` makes it of a file of this
    format. `title` is what a sentence calls it.
    `main` is the file that an engine opens; `code` names the modules that shape its bytes. A
    converter that works on this kind is told `main` as `model` and the files of `beside` by name.
    `imports` are modules that the converter takes long to import: they are imported once for many.
    `worker_env` runs a converter that `env` is too old for; see `bench.environments.interpreters`.
    """

    converter: str
    env: str
    main: str
    code: tuple[str, ...]
    title: str = "that format"
    sources: tuple[str, ...] = (FACTORY,)
    or_else: tuple[str, ...] = ()
    importer: Importer | None = None
    beside: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    child_env: Mapping[str, str] = field(default_factory=dict)
    worker_env: str | None = None
    program: None = None
    imports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One converter at work on the way to a kind: on the net itself, or on an artifact of `source`.

    `batches_at_once`: one child makes all batches, which share the net's weights.
    """

    kind: str
    converter: str
    env: str
    code: tuple[str, ...]
    child_env: Mapping[str, str]
    worker_env: str | None
    source: str | None = None
    engine: str | None = None
    batches_at_once: bool = False
    imports: tuple[str, ...] = ()
    program: None = None


Way = tuple[Step, ...]
"""The steps that make an artifact of a net, first to last."""


def ways(formats: Mapping[str, ArtifactFormat], kind: str, origin: str) -> list[Way]:
    """Return the ways to make `kind` of a net of that `origin`, the first choice first.

    Behind them stand the ways to the kinds that its engines load as well.
    """
    kinds = (kind, *formats[kind].or_else)
    return [it for each in kinds for it in _ways(formats, each, origin, ())]


def _ways(
    formats: Mapping[str, ArtifactFormat], kind: str, origin: str, above: tuple[str, ...]
) -> Iterator[Way]:
    """Yield the ways to that very kind; `above` are the kinds that wait for it."""
    entry = formats.get(kind)
    if entry is None:  # a table of a revision that has no such kind
        return
    if kind == origin:
        if entry.importer is not None:
            yield (_imported(kind, entry, entry.importer),)
        return
    for source in entry.sources:
        if source == FACTORY:
            if origin == FACTORY:
                yield (_converted(kind, entry, None),)
        elif source not in above:
            for below in _ways(formats, source, origin, (*above, kind)):
                yield (*below, _converted(kind, entry, source))


def in_order(chosen: Iterable[Way]) -> list[Way]:
    """Return the ways to each kind on `chosen` ones, sources before what is made of them."""
    by_kinds = sorted(chosen, key=lambda steps: [step.kind for step in steps])
    parts = (steps[: end + 1] for steps in by_kinds for end in range(len(steps)))
    return list({part[-1].kind: part for part in parts}.values())


def _converted(kind: str, entry: ArtifactFormat, source: str | None) -> Step:
    return Step(
        kind=kind,
        converter=entry.converter,
        env=entry.env,
        code=entry.code,
        child_env=entry.child_env,
        worker_env=entry.worker_env,
        source=source,
        batches_at_once=source is None,
        imports=entry.imports,
    )


def _imported(kind: str, entry: ArtifactFormat, importer: Importer) -> Step:
    return Step(
        kind=kind,
        converter=importer.converter,
        env=importer.env,
        code=importer.code,
        child_env=entry.child_env,
        worker_env=None,
        engine=importer.engine,
    )


_EXPORT = "bench.converters.paddle_export:convert"
_EXPORT_CODE = (
    "paddle_export.py", "paddle_net.py", "paddle_call.py", "paddle_program.py", "own_inputs.py",
    "paddle_costs.py",
    "paddle_op_costs.py", "op_defaults.py", "paddle_weights.py", "weights_mapping.py",
    "subnormals.py",
)  # fmt: skip
_PADDLE_IMPORT = Importer(converter=_EXPORT, env="paddle", code=_EXPORT_CODE)


def _of_onnx(
    converter: str,
    *,
    main: str,
    title: str,
    imports: tuple[str, ...],
    importer: Importer | None = None,
) -> ArtifactFormat:
    return ArtifactFormat(
        converter=f"bench.converters.{converter}:convert",
        env="engines",
        main=main,
        title=title,
        code=(f"{converter}.py", "onnx_file.py"),
        sources=("onnx",),
        importer=importer,
        imports=imports,
    )


def _by_engine(converter: str, engine: str, *more: str) -> Importer:
    return Importer(
        converter=f"bench.converters.{converter}:convert",
        env="engines",
        code=(f"{converter}.py", "own_inputs.py", *more),
        engine=f"bench.runners.{engine}",
    )


ARTIFACT_FORMATS: Mapping[str, ArtifactFormat] = {
    "paddle-pir": ArtifactFormat(
        converter=_EXPORT,
        env="paddle",
        main="model.json",
        title="Paddle's format",
        code=_EXPORT_CODE,
        or_else=("paddle-program",),
        importer=_PADDLE_IMPORT,
        beside={"params": "model.pdiparams"},
        options={"format": "pir"},
        child_env={"FLAGS_enable_pir_api": "1"},
        imports=("paddle",),
    ),
    # Paddle 3 writes the older ProgramDesc only with this flag set before it is imported.
    "paddle-program": ArtifactFormat(
        converter=_EXPORT,
        env="paddle",
        main="model.pdmodel",
        title="Paddle's older format",
        code=_EXPORT_CODE,
        importer=_PADDLE_IMPORT,
        beside={"params": "model.pdiparams"},
        options={"format": "program"},
        child_env={"FLAGS_enable_pir_api": "0"},
        imports=("paddle",),
    ),
    "paddle-lite-nb": ArtifactFormat(
        converter="bench.converters.lite_opt:convert",
        env="lite",
        main="model.nb",
        title="Paddle Lite's format",
        code=("lite_opt.py",),
        sources=("paddle-program",),
        options={"target": "arm"},
        imports=("paddlelite.lite",),
    ),
    "paddle-lite-nb-x86": ArtifactFormat(
        converter="bench.converters.lite_opt_x86:convert",
        env="lite-x86",
        worker_env="harness",
        main="model.nb",
        title="Paddle Lite's format",
        code=("lite_opt_x86.py", "lite_opt_x86_child.py", "lite_opt.py"),
        sources=("paddle-program",),
        options={"target": "x86"},
    ),
    "onnx": ArtifactFormat(
        converter="bench.converters.onnx_export:convert",
        env="onnx",
        main="model.onnx",
        title="ONNX",
        code=("onnx_export.py",),
        imports=("paddle2onnx", "onnx"),
        sources=("paddle-program", "paddle-pir"),
        importer=_by_engine("onnx_import", "onnxruntime:OnnxRuntimeRunner", "subnormals.py"),
        options={"opset": 13},
    ),
    "onnx-int8": _of_onnx(
        "onnx_int8",
        main="model.onnx",
        title="ONNX in INT8",
        imports=("onnx", "onnxruntime.quantization"),
    ),
    "openvino-ir": _of_onnx(
        "openvino_ir",
        main="model.xml",
        title="OpenVINO's format",
        imports=("openvino",),
        importer=_by_engine("openvino_import", "openvino:OpenVinoRunner"),
    ),
    "ncnn": _of_onnx(
        "ncnn_pnnx",
        main="model.ncnn.param",
        title="ncnn's format",
        imports=("ncnn",),
        importer=_by_engine("ncnn_import", "ncnn:NcnnRunner"),
    ),
    "torch-graph": _of_onnx(
        "onnx_graph",
        main="graph.json",
        title="a graph for PyTorch",
        imports=("onnx", "onnxruntime"),
    ),
    "mnn": _of_onnx(
        "mnn_convert",
        main="model.mnn",
        title="MNN's format",
        imports=("_tools",),
        importer=_by_engine("mnn_import", "mnn:MnnRunner"),
    ),
}
