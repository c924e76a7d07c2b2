"""Write results/schema/v<version>/*.schema.json from the models in bench/storage/schema."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from pydantic import BaseModel

from bench.storage.schema.baseline import Baseline
from bench.storage.schema.common import SCHEMA_VERSION, System
from bench.storage.schema.latency import JournalEntry, Record, RunManifest
from bench.storage.schema.layers import EngineLayers
from bench.storage.schema.profile import ProfileRecord
from bench.storage.schema.serving import ServingLine, ServingManifest

MODELS: dict[str, type[BaseModel]] = {
    "record": Record,
    "run": RunManifest,
    "profile": ProfileRecord,
    "system": System,
    "baseline": Baseline,
    "journal_entry": JournalEntry,
    "layers": EngineLayers,
    "serving": ServingManifest,
    "serving_line": ServingLine,
}


DIGEST = {
    "description": "SHA-256 of the text without this field; a file of before has none",
    "pattern": "^[0-9a-f]{64}$",
    "type": "string",
}


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of a file of `model`, with the digest that it bears."""
    schema = model.model_json_schema()
    return {**schema, "properties": {"digest": DIGEST, **schema["properties"]}}


def schemas() -> dict[Path, str]:
    """Return each schema's path below the project and its text."""
    folder = Path("results") / "schema" / f"v{SCHEMA_VERSION}"
    return {
        folder / f"{name}.schema.json": json.dumps(_schema(model), indent=1) + "\n"
        for name, model in MODELS.items()
    }


def main() -> None:
    """Write them all and name them."""
    for path, text in schemas().items():
        (PROJECT / path).parent.mkdir(parents=True, exist_ok=True)
        (PROJECT / path).write_text(text, encoding="utf-8")
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
