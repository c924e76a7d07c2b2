"""What `--base` and `--head` say of an arm -> a value. Pure.

    rev:REV             this project's code, locks and models at a git revision
    models-rev:REV      the models folder at a git revision, the code as it is
    env:NAME==VERSION   that package of the environment in that version (also --base-env)
    runner:NAME         that runner
    model:PATH          a models folder, or a net's own file (models/README.md)
    precision:NAME      fp32, or a lower one that the runner has, as in precision:int8
    weights:W           seeded, pretrained, or a .pdparams file
    set:threads=N       a number of threads
    set:NAME=VALUE      a setting of the runner, as in set:onednn=off

Several may be given; what none of them says is as it is now.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.analysis.interleaved import Measure
from bench.config.net_files import FILE_FORMATS
from bench.core.errors import InputError, UnknownName
from bench.environments.overrides import Pin, parse_pin


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmOptions:
    """The arms as they were given, when a cell has enough sessions, and what its ratio is of."""

    base: Sequence[str] = ()
    head: Sequence[str] = ()
    cmd: Sequence[str] = ()
    most_sessions: int | None = None
    half_width: float = 0.01
    measure: Measure = "wall"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmSpec:
    """An arm as it was asked for; nothing given: what is there now.

    With `no_others` its settings are all that its cells have: the suite's aren't added.
    """

    texts: tuple[str, ...] = ()
    revision: str | None = None
    models_revision: str | None = None
    pins: tuple[Pin, ...] = ()
    runner: str | None = None
    model: Path | None = None
    weights: str | None = None
    threads: int | None = None
    precision: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    no_others: bool = False

    @property
    def title(self) -> str:
        """What a person reads."""
        return ", ".join(self.texts) or "as it is"


def parse_arm(texts: Sequence[str]) -> ArmSpec:
    """Return the arm that `texts` describe; raises InputError."""
    spec = ArmSpec(texts=tuple(texts))
    for text in texts:
        kind, colon, value = text.partition(":")
        if not colon or not value:
            net = f"write model:{text}, or " if Path(text).suffix in FILE_FORMATS else "write "
            raise InputError(
                f"'{text}' describes no arm",
                hint=f"{net}KIND:VALUE, KIND one of {', '.join(_KINDS)}",
            )
        if kind not in _KINDS:
            raise UnknownName("kind of arm", kind, _KINDS)
        spec = _KINDS[kind](spec, value)
    if spec.revision is not None and spec.models_revision is not None:
        raise InputError(
            "rev: and models-rev: are both given for one arm",
            hint="rev: takes the models of its revision too; leave one of them out",
        )
    return spec


def _revision(spec: ArmSpec, value: str) -> ArmSpec:
    return replace(spec, revision=_once("rev", spec.revision, value))


def _models_revision(spec: ArmSpec, value: str) -> ArmSpec:
    return replace(spec, models_revision=_once("models-rev", spec.models_revision, value))


def _environment(spec: ArmSpec, value: str) -> ArmSpec:
    pin = parse_pin(value)
    if pin.package in {other.package for other in spec.pins}:
        raise InputError(f"{pin.package} is pinned twice", hint="name one version of it")
    return replace(spec, pins=(*spec.pins, pin))


def _runner(spec: ArmSpec, value: str) -> ArmSpec:
    return replace(spec, runner=_once("runner", spec.runner, value))


def _model(spec: ArmSpec, value: str) -> ArmSpec:
    path = Path(value)
    if not path.exists():
        raise InputError(
            f"model:{value}: there is no such file or folder",
            hint="give a models folder, or a net's file, such as an .onnx",
        )
    _once("model", None if spec.model is None else str(spec.model), value)
    return replace(spec, model=path)


def _precision(spec: ArmSpec, value: str) -> ArmSpec:
    return replace(spec, precision=_once("precision", spec.precision, value))


def _weights(spec: ArmSpec, value: str) -> ArmSpec:
    return replace(spec, weights=_once("weights", spec.weights, value))


def _setting(spec: ArmSpec, value: str) -> ArmSpec:
    name, equals, setting = value.partition("=")
    if not (name and equals and setting):
        raise InputError(f"set:{value}: not NAME=VALUE", hint="as in set:threads=2")
    if name != "threads":
        return replace(spec, settings={**spec.settings, name: setting})
    if not (setting.isascii() and setting.isdigit() and len(setting) < 10 and int(setting) > 0):
        raise InputError(f"set:{value}: not a number of threads", hint="as in set:threads=2")
    return replace(spec, threads=int(setting))


def _once(kind: str, before: str | None, value: str) -> str:
    if before is not None:
        raise InputError(
            f"{kind}: is given twice for one arm, {before} and {value}", hint="name one of them"
        )
    return value


_KINDS: Mapping[str, Callable[[ArmSpec, str], ArmSpec]] = {
    "rev": _revision,
    "models-rev": _models_revision,
    "env": _environment,
    "runner": _runner,
    "model": _model,
    "precision": _precision,
    "weights": _weights,
    "set": _setting,
}
