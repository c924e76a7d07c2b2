"""What is stored of the engine that a session ran: its layers, and the kernel that ran each.

Sessions that ran the same layers share a file, layers/<digest>.json, which their records name.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bench.core.digest import canonical_digest
from bench.storage.schema.common import SCHEMA_VERSION, Version
from bench.storage.validation import Strict

LayersId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class Layer(Strict):
    """One layer of an engine, as the engine's builder made it."""

    name: str = Field(description="its name, of one layer alone")
    type: str = Field(description="what it does, in the engine's word; '': not known")
    kernel: str = Field(description="the kernel that runs it; '': not known")
    tactic: str = Field(description="the kernel's number in the engine; '': not known")
    precision: str = Field(description="of what it computes, as fp32; '': not known")


class EngineLayers(Strict):
    """layers/<digest>.json: an engine's layers in the order in which they run."""

    schema_version: Version = SCHEMA_VERSION
    layers: list[Layer] = Field(description="in the order in which they run", min_length=1)

    @property
    def digest(self) -> str:
        """32 hex digits over all of them, which name the file."""
        return canonical_digest([it.model_dump() for it in self.layers], 32)
