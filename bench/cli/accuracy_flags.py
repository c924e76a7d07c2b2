"""The flags of `accuracy` and `predict`. Standard library only: the command line reads them."""

from __future__ import annotations

import argparse

_WEIGHTS = "seeded (default), pretrained, or a .pdparams file"
_LABELS = "class names, one a line, in the order of the net's outputs"


def add_accuracy(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `accuracy`."""
    add = parser.add_argument
    add("--data", metavar="DIR", help="a folder with a sub-folder for each class")
    add("--list", metavar="FILE", dest="list_file", help="`path label` lines instead, below --data")
    add("--labels", metavar="FILE", help=f"{_LABELS}: numbers the sub-folders")
    add("--runner", metavar="A,B", help="runners, by comma, side by side (default: paddle)")
    add("--variant", metavar="A,B", help="models of the catalogue, by comma (default: all)")
    add("--weights", metavar="W", help=_WEIGHTS)
    add("--batch", metavar="N", help="images at a time (default: 1)")
    add("--threads", metavar="N", help="threads of an engine (default: 1)")
    add("--resume", metavar="RUN", help="go on with an accuracy run, or with `latest`")


def add_predict(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `predict`."""
    add = parser.add_argument
    add("words", nargs="*", metavar="IMAGE", help="an image file")
    add("--labels", metavar="FILE", help=_LABELS)
    add("--runner", metavar="NAME", help="the runner (default: paddle)")
    add("--variant", metavar="NAME", help="the model (default: the catalogue's first)")
    add("--weights", metavar="W", help=_WEIGHTS)
    add("--threads", metavar="N", help="threads of the engine (default: 1)")
