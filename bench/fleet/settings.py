"""How `distributed` is set up here: quiet beside a measurement, and patient with a lost network.

As it comes, an idle worker takes several percent of a core: it looks at itself, at its event loop
and at the machine many times a second. `scripts/fleet_idle.py` measures that, and what these
settings leave of it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from bench.core.errors import Unavailable
from bench.core.program import install_hint

HEARTBEAT_S = 15
LOST_AFTER_S = 600
"""A worker that says nothing for this long is taken for lost, and its job waits for its return."""

SETTINGS: Mapping[str, object] = {
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    "distributed.admin.tick.interval": "10s",
    "distributed.admin.tick.cycle": "10s",
    "distributed.admin.tick.limit": "1h",
    "distributed.admin.system-monitor.interval": "30s",
    "distributed.admin.system-monitor.disk": False,
    "distributed.admin.system-monitor.gil.enabled": False,
    # A process that looks at a GPU makes a context there.
    "distributed.diagnostics.nvml": False,
    "distributed.client.heartbeat": f"{HEARTBEAT_S}s",
    "distributed.client.scheduler-info-interval": "30s",
    "distributed.scheduler.active-memory-manager.start": False,
    # A job stays where it was sent: its target is there.
    "distributed.scheduler.work-stealing": False,
    # A worker that dies takes no job with it: the job waits until the worker is back.
    "distributed.scheduler.allowed-failures": 1_000_000_000,
    "distributed.scheduler.worker-ttl": f"{LOST_AFTER_S}s",
    "distributed.comm.timeouts.connect": "30s",
    "distributed.comm.timeouts.tcp": f"{LOST_AFTER_S}s",
}


def loaded() -> Any:
    """Return the module `distributed`, set up; raises Unavailable where it isn't installed."""
    try:
        import cryptography  # noqa: F401 - what encrypts comes with what connects
        import dask
        import distributed
    except ImportError as error:
        raise Unavailable(
            f"the packages of the fleet aren't installed ({error.name or error})",
            hint=install_hint("fleet"),
        ) from error
    dask.config.set(SETTINGS)
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    return distributed
