"""Labelled images: a folder with a sub-folder for each class, or a list file of paths and labels.

Labels are numbers from 0 on, in the order of the net's outputs. Sub-folders are numbered by their
sorted names, which for ImageNet's 1000 WordNet ids is the order of the synsets; names that are
numbers mean themselves; and a file of class names settles it where only some classes are there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from bench.core.digest import canonical_digest
from bench.core.errors import BrokenFile, InputError
from bench.experiments.accuracy.class_names import read_lines
from bench.storage.validation import short

_WORDNET = re.compile(r"n\d{8}")
_LIST_HINT = "write `path label` on each line, paths below --data and labels from 0 on"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageOptions:
    """Where the images are, a file of their labels, a file of class names, and how many to take."""

    data: Path | None = None
    list_file: Path | None = None
    labels: Path | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One image: where it lies, what it is called below its data set, and its class."""

    path: Path
    name: str
    label: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Images in a fixed order; `layout` is "folders" or "list".

    `sorted_names` are the sub-folders that were numbered by their order, empty where something else
    says the numbers. `of` is how many there were before they were limited, None: as many.
    """

    images: tuple[Labelled, ...]
    layout: str
    sorted_names: tuple[str, ...] = ()
    of: int | None = None

    @property
    def digest(self) -> str:
        """Hex digits over names, labels and sizes: another data set has another one."""
        return canonical_digest([[it.name, it.label, _size(it.path)] for it in self.images], 16)

    def limited(self, count: int) -> Dataset:
        """Return the first `count` images: of a list in its order, of folders the first of each
        class, then the second of each, and so on.
        """
        if count >= len(self.images):
            return self
        images = list(self.images)
        if self.layout == "folders":
            images = _by_turns(images)
        return replace(self, images=tuple(images[:count]), of=len(self.images))


def _by_turns(images: Sequence[Labelled]) -> list[Labelled]:
    """Return `images` in rows of one of each class."""
    classes: dict[int, list[Labelled]] = {}
    for image in images:
        classes.setdefault(image.label, []).append(image)
    return [it for row in zip_longest(*classes.values()) for it in row if it is not None]


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:  # listed, and not there: the reading says so
        return None


def read_folder(
    folder: Path, *, classes: Sequence[str] | None = None, known: Sequence[str] | None = None
) -> Dataset:
    """Return every file below the sub-folders of `folder`, hidden ones left out, labelled.

    `classes` are the class names in order, None: `known` ones where every sub-folder is one of
    those, else see the module. Raises InputError.
    """
    _check_folder(folder)
    names = sorted(it.name for it in folder.iterdir() if it.is_dir() and not _hidden(it.name))
    if not names:
        raise InputError(
            f"--data {folder} has no sub-folder, so no image in it has a label",
            hint="keep each class in a folder of its own, or name a list file with --list",
        )
    if classes is None and known and all(_line(name, known) is not None for name in names):
        classes = known
    numbers = _numbers(names, classes)
    images = tuple(
        Labelled(path=path, name=path.relative_to(folder).as_posix(), label=number)
        for name, number in zip(names, numbers, strict=True)
        for path in sorted((folder / name).rglob("*"))
        if path.is_file() and not _hidden(path.name)
    )
    if not images:
        raise InputError(
            f"no file is in any of the {len(names)} sub-folders of --data {folder}",
            hint="put the images of each class into its folder",
        )
    by_order = classes is None and not _all_numbers(names)
    return Dataset(images=images, layout="folders", sorted_names=tuple(names) if by_order else ())


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "isn't there"
        raise InputError(f"--data {folder} {what}", hint="name the folder that holds the images")


def _hidden(name: str) -> bool:
    return name.startswith(".")


def _all_numbers(names: Sequence[str]) -> bool:
    return all(map(_is_number, names))


def _is_number(text: str) -> bool:
    """Tell whether `text` may be a class's number: no net has a billion."""
    return text.isascii() and text.isdigit() and len(text) < 10


def _numbers(names: Sequence[str], classes: Sequence[str] | None) -> list[int]:
    if classes is not None:
        return [_place(name, classes) for name in names]
    return [int(name) for name in names] if _all_numbers(names) else list(range(len(names)))


def _line(name: str, classes: Sequence[str]) -> int | None:
    """Return the line of the class: the whole of it is `name`, or its first word is."""
    for number, line in enumerate(classes):
        if name in (line, *(word.rstrip(",") for word in line.split()[:1])):
            return number
    return None


def _place(name: str, classes: Sequence[str]) -> int:
    """Return the line of the class; raises InputError."""
    number = _line(name, classes)
    if number is not None:
        return number
    raise InputError(
        f"sub-folder {name} is no line of --labels",
        hint="begin a class's line with the name of its folder, or rename the folder",
    )


def read_list(folder: Path, path: Path) -> Dataset:
    """Return the images that a list file names, below `folder`, in its order.

    Each line is a path and, after blanks, a label, as in PaddleClas's val_list.txt. A file that
    isn't there is one that can't be read, and no fault of the list. Raises InputError, BrokenFile.
    """
    _check_folder(folder)
    lines = read_lines(path)
    images = tuple(
        _labelled(folder, path, number, line) for number, line in enumerate(lines, 1) if line
    )
    if not images:
        raise BrokenFile(path, "it names no image", hint=_LIST_HINT)
    return Dataset(images=images, layout="list")


def _labelled(folder: Path, path: Path, number: int, line: str) -> Labelled:
    name, _, label = re.sub(r"\s+(\S+)$", r"\n\1", line).partition("\n")
    if not label:
        raise BrokenFile(path, f"line {number} has no label", hint=_LIST_HINT)
    if not _is_number(label):
        problem = f"line {number}: label '{short(label)}' is no number"
        raise BrokenFile(path, problem, hint=_LIST_HINT)
    if "\0" in name:
        raise BrokenFile(path, f"line {number}: no file's name holds a NUL", hint=_LIST_HINT)
    return Labelled(path=folder / name, name=name, label=int(label))


def check_labels(dataset: Dataset, classes: int, net: str = "the net") -> str | None:
    """Return what a reader has to know of labels for a net of `classes` outputs, None: nothing.

    `net` is what a message calls it. Raises InputError where a label can't be right.
    """
    for image in dataset.images:
        if image.label >= classes:
            raise InputError(
                f"{image.name} has label {image.label}, and the classes of {net} are 0 to "
                f"{classes - 1}",
                hint="labels count from 0, in the order of the net's outputs; where another output "
                "has the classes, name that as `output` of its entry",
            )
    count = len(dataset.sorted_names)
    if count in (0, classes):
        return None
    if all(_WORDNET.fullmatch(name) for name in dataset.sorted_names):
        raise InputError(
            f"{count} WordNet ids don't tell which of the net's {classes} classes they are",
            hint="give all ids in order, one a line, with --labels FILE",
        )
    return (
        f"the {count} sub-folders are taken for the first {count} of the net's {classes} classes, "
        f"in order of their names; --labels FILE says otherwise"
    )
