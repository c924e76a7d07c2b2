"""Whether there is an NVIDIA card, from the kernel alone: it takes no driver."""

from __future__ import annotations

from pathlib import Path

from bench.devices.host.procfs import LIVE, text

_NVIDIA = "0x10de"  # PCI's list of vendors
_DISPLAYS = "0x03"  # PCI class of display controllers, 3D ones among them


def has_card(root: Path = LIVE) -> bool:
    """Tell whether the PCI bus of the Linux tree at `root` has a display controller of NVIDIA's."""
    return any(
        text(device / "vendor") == _NVIDIA and text(device / "class").startswith(_DISPLAYS)
        for device in root.glob("sys/bus/pci/devices/*")
    )
