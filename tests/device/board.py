"""What all connections to one stand-in share."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.device.auth import Gate
from tests.device.child import Child
from tests.device.faults import Faults
from tests.device.phone import Phone

# Those that are served here; "cmd" isn't, so adb takes no short cuts that a phone would offer.
FEATURES = ("shell_v2", "stat_v2", "ls_v2", "fixed_push_mkdir")


@dataclass(slots=True, kw_only=True)
class Board:
    """The phone, what goes wrong on it, whom it trusts; which commands came, and which run."""

    phone: Phone
    faults: Faults
    gate: Gate
    features: tuple[str, ...] = FEATURES
    commands: list[str] = field(default_factory=list)
    children: set[Child] = field(default_factory=set)

    def banner(self) -> bytes:
        """Return what a connection is greeted with."""
        told = {"name": "standin", "model": "stand-in", "device": "standin"}
        words = "".join(f"ro.product.{name}={value};" for name, value in told.items())
        return f"device::{words}features={','.join(self.features)}".encode()
