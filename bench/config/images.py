"""How images become a net's input: an entry's `preprocess`, or PaddleClas's inference.yml.

PaddleClas writes an inference.yml beside each model that it exports: what it does to an image, and
the names of the classes. Operators that have no counterpart here are refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from bench.core.errors import BrokenFile
from bench.core.paths import document
from bench.storage.validation import Positive, Strict, explain, read_text, short

INFERENCE_FILE = "inference.yml"
_MOST_BYTES = 1 << 20

Interpolation = Literal["nearest", "bilinear", "bicubic", "box", "hamming", "lanczos"]
_OF_PILLOW_ALONE = ("box", "hamming", "lanczos")


def _not_zero(std: tuple[float, ...]) -> tuple[float, ...]:
    if 0 in std:
        raise ValueError("a standard deviation isn't 0")
    return std


class Preprocess(Strict):
    """What is done to an image, in this order; the defaults are PaddleClas's for ImageNet.

    It is resized, and its centre is cropped to the net's input; then its values are normalized.
    """

    short: Positive | None = Field(
        default=None,
        description="pixels to which an image's short side is resized; without `size` 256 for an "
        "input of 224, in that ratio for others",
    )
    size: tuple[Positive, Positive] | None = Field(
        default=None,
        description="height and width to which the whole image is resized, in place of `short`",
    )
    interpolation: Interpolation = Field(
        default="bilinear",
        description="how it is resized; `box`, `hamming` and `lanczos` are Pillow's",
    )
    backend: Literal["opencv", "pillow"] = Field(
        default="opencv",
        description="whose arithmetic resizes: OpenCV's looks at the nearest pixels, Pillow's "
        "averages over all that a smaller image's pixel covers",
    )
    scale: Annotated[float, Field(gt=0)] = Field(
        default=1 / 255, description="what values of 0 to 255 are multiplied by"
    )
    mean: tuple[float, float, float] = Field(
        default=(0.485, 0.456, 0.406),
        description="what is subtracted from each channel afterwards, in the order of `channels`",
    )
    std: Annotated[tuple[float, float, float], AfterValidator(_not_zero)] = Field(
        default=(0.229, 0.224, 0.225),
        description="what each channel is divided by afterwards, in the order of `channels`",
    )
    channels: Literal["rgb", "bgr"] = Field(default="rgb", description="the order of the channels")

    @model_validator(mode="after")
    def _one_way(self) -> Preprocess:
        if self.short is not None and self.size is not None:
            raise ValueError("give one of 'short' and 'size'")
        if self.backend == "opencv" and self.interpolation in _OF_PILLOW_ALONE:
            raise ValueError(f"interpolation '{self.interpolation}' needs backend = \"pillow\"")
        return self


class InferenceFile(Strict):
    """What an inference.yml says: how images are prepared, the crop of it (height, width), and the
    names of the classes; None where it doesn't say.
    """

    preprocess: Preprocess
    crop: tuple[Positive, Positive] | None = None
    class_names: tuple[str, ...] | None = None


def read_inference(path: Path) -> InferenceFile:
    """Return what PaddleClas's inference.yml says; raises BrokenFile."""
    hint = f"describe it in the model's entry: see `preprocess` in {document('models/README.md')}"
    try:
        content = _yaml(path)
        fields, crop = _preprocess(_operators(content))
        return InferenceFile.model_validate(
            {"preprocess": fields, "crop": crop, "class_names": _class_names(content)}
        )
    except ValidationError as error:
        raise BrokenFile(path, explain(error), hint=hint) from error
    except (TypeError, ValueError) as error:
        raise BrokenFile(path, short(str(error)), hint=hint) from error


def _yaml(path: Path) -> Mapping[str, Any]:
    import yaml  # few models have such a file

    try:
        content = yaml.safe_load(read_text(path, most=_MOST_BYTES))
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"not YAML: {error}") from error
    if not isinstance(content, dict):
        raise TypeError("it has no PreProcess")
    return content


def _operators(content: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the name and the arguments of each operator; raises ValueError."""
    part = content.get("PreProcess")
    listed = part.get("transform_ops") if isinstance(part, dict) else None
    if not isinstance(listed, list) or not listed:
        raise ValueError("it has no PreProcess with transform_ops")
    operators: list[tuple[str, Mapping[str, Any]]] = []
    for item in listed:
        if not isinstance(item, dict) or len(item) != 1:
            raise ValueError(f"an operator of transform_ops has no name: {_word(item)}")
        ((name, arguments),) = item.items()
        if arguments is not None and not isinstance(arguments, dict):
            raise ValueError(f"operator {name} has no arguments by name")
        operators.append((str(name), arguments or {}))
    return operators


_ARGUMENTS: Mapping[str, Sequence[str]] = {
    "DecodeImage": ("to_rgb", "to_np", "channel_first", "backend"),
    "ResizeImage": ("resize_short", "size", "interpolation", "backend", "return_numpy"),
    "CropImage": ("size",),
    "NormalizeImage": ("scale", "mean", "std", "order", "channel_num", "output_fp16"),
    "ToCHWImage": (),
}
_ORDER = tuple(_ARGUMENTS)


def _preprocess(
    operators: Sequence[tuple[str, Mapping[str, Any]]],
) -> tuple[dict[str, Any], tuple[Any, ...] | None]:
    """Return the fields of a Preprocess and the crop; raises ValueError for what can't be done."""
    names = [name for name, _ in operators]
    for name, arguments in operators:
        if name not in _ARGUMENTS:
            raise ValueError(f"operator {name} isn't known here")
        for argument in arguments:
            if argument not in _ARGUMENTS[name]:
                raise ValueError(f"argument {argument} of operator {name} isn't known here")
    if names != sorted(set(names), key=_ORDER.index):
        raise ValueError(f"its operators come in another order than {', '.join(_ORDER)}")
    given = dict(operators)
    fields = _resizing(given.get("ResizeImage")) | _normalizing(given.get("NormalizeImage"))
    if given.get("DecodeImage", {}).get("to_rgb") is False:
        fields["channels"] = "bgr"
    return fields, _pair(given.get("CropImage", {}).get("size"))


def _resizing(given: Mapping[str, Any] | None) -> dict[str, Any]:
    if given is None:
        raise ValueError("it doesn't resize images, and images have all sizes")
    backend = _word(given.get("backend") or "cv2").lower()
    interpolation = _word(given.get("interpolation") or "bilinear").lower()
    if backend not in ("cv2", "pil"):
        raise ValueError(f"ResizeImage's backend {backend} isn't known here")
    fields: dict[str, Any] = {
        "interpolation": interpolation,
        "backend": "opencv" if backend == "cv2" else "pillow",
    }
    if given.get("resize_short"):
        return fields | {"short": given["resize_short"]}
    size = _pair(given.get("size"))
    if size is None:
        raise ValueError("ResizeImage has neither resize_short nor size")
    return fields | {"size": size}


def _pair(size: Any) -> tuple[Any, ...] | None:
    """Return PaddleClas's size (one number, or width and height) as height and width."""
    if size is None or isinstance(size, int):
        return None if size is None else (size, size)
    if not isinstance(size, list):
        raise TypeError(f"{_word(size)} is no size")
    return tuple(reversed(size))


def _normalizing(given: Mapping[str, Any] | None) -> dict[str, Any]:
    if given is None:
        return {"scale": 1.0, "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
    if given.get("channel_num") not in (None, 3):
        channels = _word(given["channel_num"])
        raise ValueError(f"NormalizeImage makes {channels} channels of three")
    fields = {name: given[name] for name in ("mean", "std") if given.get(name) is not None}
    scale = given.get("scale")
    return fields | ({} if scale is None else {"scale": _scale(scale)})


def _scale(value: Any) -> Any:
    """Return a scale, also one that is written as 1.0/255.0: PaddleClas evaluates it."""
    if not isinstance(value, str):
        return value
    over, _, under = value.partition("/")
    try:
        return float(over) / float(under or 1)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"NormalizeImage's scale {value} is no number") from None


def _class_names(content: Mapping[str, Any]) -> Any:
    """Return the names of the classes, None where the file has none."""
    after = content.get("PostProcess")
    parts = after.values() if isinstance(after, dict) else ()
    lists = [
        part["label_list"] for part in parts if isinstance(part, dict) and "label_list" in part
    ]
    if not lists or not isinstance(lists[0], list):
        return None
    if not all(isinstance(name, _SCALARS) for name in lists[0]):
        raise TypeError("label_list has a class whose name is no word")
    return tuple(map(str, lists[0]))


_SCALARS = (str, int, float)


def _word(value: Any) -> str:
    """Return a value as text; of a list or a mapping its type alone, since the aliases of a few
    lines make one of billions.
    """
    return str(value) if isinstance(value, _SCALARS) else f"a {type(value).__name__}"
