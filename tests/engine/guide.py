"""The guide's pages as a script: blocks to run, files to write, and what is to be printed."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(
    r"(?:^<!-- (?P<note>[^\n]*) -->\n\n)?"
    r"^```(?P<kind>[a-z]+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_STATUS = re.compile(r"status (\d+(?: or \d+)*)")
NOT_RUN = "not run: "
_ENGINES = "ONNX Runtime|OpenVINO|ncnn|MNN"
_VARYING = (
    (re.compile(r"\d{8}T\d{6}Z-[\w.]+-[0-9a-f]{8}"), "RUN"),
    (re.compile(r"\b[a-z0-9-]+-[0-9a-f]{8}\b"), "SYSTEM"),
    (re.compile(rf"(?:{_ENGINES})(?: \((?:onnxruntime|openvino|ncnn|MNN) [\d.]+\))?"), "ENGINE"),
    (re.compile(r"(?:< )?[+-]?\d[\d.,]*"), "0"),
    (re.compile(r"\(0\) [A-D](?: contended)?"), "(0)"),
    (re.compile(r"\(grade [A-D]\)"), "(grade)"),
    (re.compile(r"─+"), ""),
    (re.compile(r"\s+"), " "),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """`kind` is bash, text (what the block before prints) or a file's, which has a `title`.

    `statuses` are those that the commands may leave with, the first with what the page shows.
    """

    kind: str
    text: str
    title: str | None
    statuses: tuple[int, ...]
    reason: str | None


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page in their order; `reason` is why one isn't run."""
    for found in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        note = found["note"] or ""
        named = _STATUS.fullmatch(note)
        yield Block(
            kind=found["kind"],
            text=found["text"],
            title=found["title"],
            statuses=tuple(map(int, named[1].split(" or "))) if named else (0,),
            reason=note.removeprefix(NOT_RUN) if note.startswith(NOT_RUN) else None,
        )


@dataclass(kw_only=True)
class Shell:
    """A shell in `folder`, which goes along with `cd`."""

    folder: Path
    environment: Mapping[str, str]

    def run(self, text: str) -> tuple[int, str]:
        """Return the status of the first command that fails, else 0, and all that was printed."""
        script = f'trap "pwd >&3" EXIT\nset -e\n{text}'
        where = self.folder / ".folder"
        with where.open("w") as file:
            done = subprocess.run(
                ["bash", "-c", f"exec 3>&{file.fileno()}\n{script}"],
                cwd=self.folder,
                env=self.environment,
                pass_fds=[file.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
        self.folder = Path(where.read_text().strip())
        where.unlink()
        return done.returncode, done.stdout


def missing(shown: str, printed: str, own: Mapping[str, str]) -> list[str]:
    """Return the lines that a page shows and that weren't printed, numbers and engines aside.

    `own` are names of this machine by those that the page has.
    """
    for name, here in own.items():
        shown = shown.replace(name, here)
    there = {alike(line) for line in printed.splitlines()}
    return [it for it in shown.splitlines() if it != "..." and alike(it) not in there]


def alike(line: str) -> str:
    """Return a line without what differs from run to run."""
    for pattern, word in _VARYING:
        line = pattern.sub(word, line)
    return line.strip()
