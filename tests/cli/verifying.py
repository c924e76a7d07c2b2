"""`verify` over a place of its own, and ways to change what lies there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bench.cli.main import main
from bench.experiments.context import Tables
from bench.storage.store import Store
from tests.fakes import tables as fakes

ALL = ("one b1", "one b4", "second b1", "second b4")


@dataclass(frozen=True)
class Place:
    """Results, models and cache of a run of two nets, batches 1 and 4, and `verify` over them."""

    root: Path
    capsys: pytest.CaptureFixture[str]

    @property
    def run(self) -> Path:
        return Store(self.root / "results").run("latest").path

    @property
    def report(self) -> Path:
        return self.root / "results" / "report"

    def flags(self) -> list[str]:
        return [
            flag for name in ("results", "models", "cache")
            for flag in (f"--{name}", str(self.root / name))
        ]  # fmt: skip

    def verify(self, *flags: str, status: int, tables: Tables | None = None) -> str:
        self.capsys.readouterr()
        assert main(["verify", *self.flags(), *flags], tables or fakes.tables()) == status
        out, err = self.capsys.readouterr()
        assert err == ""
        return out

    def told(self, *flags: str, status: int, tables: Tables | None = None) -> Any:
        return json.loads(self.verify("--json", *flags, status=status, tables=tables))

    def cells(self, *flags: str, status: int, tables: Tables | None = None) -> dict[str, str]:
        """Each cell's state by `variant bN`."""
        told = self.told(*flags, status=status, tables=tables)["cells"]
        return {short(one["cell_id"]): one["state"] for one in told}

    def reasons(self, *flags: str, status: int, tables: Tables | None = None) -> set[str]:
        told = self.told(*flags, status=status, tables=tables)["cells"]
        return {reason for one in told for reason in one["reasons"]}


def short(cell_id: str) -> str:
    """Return `variant bN`."""
    variant, _, _, batch, *_ = cell_id.split("-")
    return f"{variant} {batch}"


def edit(path: Path, change: Callable[[str], str]) -> None:
    text = path.read_text()
    assert change(text) != text
    path.write_text(change(text))


def edit_run(place: Place, change: Callable[[Any], object]) -> None:
    def changed(text: str) -> str:
        values = json.loads(text)
        values.pop("digest", None)
        change(values)
        return json.dumps(values)

    edit(place.run / "run.json", changed)


def tables_in(env: str) -> Tables:
    known = fakes.tables()
    runners = {name: replace(entry, env=env) for name, entry in known.runners.items()}
    return replace(known, runners=runners)
