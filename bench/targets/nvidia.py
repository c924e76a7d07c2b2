"""An NVIDIA GPU of this machine, alone unless --shared-gpu says otherwise."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from bench.core.cell import DEVICE_ID, TargetSpec
from bench.core.digest import canonical_digest
from bench.core.errors import BenchError, Unavailable
from bench.core.gpu_state import KEY, THROTTLED, has_company, reasons
from bench.core.program import run_command
from bench.devices.host.facts import HostFacts, hardware, read_host, usable_cores
from bench.devices.host.state import read_state
from bench.devices.nvidia.choice import Gpu, choose, count
from bench.devices.nvidia.identity import Identity, read_identity
from bench.devices.nvidia.libraries import library_path
from bench.devices.nvidia.nvml import Nvml, open_nvml
from bench.devices.nvidia.presence import has_card
from bench.devices.nvidia.readings import compute_processes, read
from bench.environments.interpreters import Environments
from bench.launcher.process import ChildFailed
from bench.runners import RUNNERS, RunnerEntry
from bench.storage.schema.common import Scalar, System
from bench.targets.base import Given, Missing, Readings
from bench.targets.serving import KIND, Card, gpu_environments, lacks_kernels, refusals

COOLS_S = 60.0
_POLL_S = 1.0
_DRIVER = Path("/proc/driver/nvidia/version")


class NvidiaTarget:
    """One GPU, or one instance that MIG made of it. Raises Unavailable and InputError."""

    @staticmethod
    def describe(given: Given) -> TargetSpec:
        """Return the GPU that the flags name, and what is allowed on it."""
        flags = given.flags
        own = next((given.envs[it] for it in gpu_environments(RUNNERS) if it in given.envs), None)
        return TargetSpec(
            kind="nvidia-gpu",
            device=flags.get("gpu"),
            engines=str(given.cache / "engines"),
            own_python=None if own is None else str(own),
            sharing="allowed" if flags.get("shared_gpu") else "refused",
            partial="allowed" if flags.get("allow_partial") else "refused",
        )

    @staticmethod
    def missing(spec: TargetSpec) -> list[Missing]:
        """Return whether a GPU, its driver or what every engine's environment needs is missing."""
        return _missing_card(spec)

    def __init__(
        self,
        spec: TargetSpec,
        *,
        nvml: Nvml | None = None,
        environ: Mapping[str, str] = os.environ,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._nvml, self._environ, self._sleep = nvml or open_nvml(), environ, sleep
        visible = environ.get("CUDA_VISIBLE_DEVICES")
        order = environ.get("CUDA_DEVICE_ORDER")
        self._gpu = choose(self._nvml, name=spec.device, visible=visible, order=order)
        self._identity = read_identity(self._nvml, self._gpu)
        self.spec = replace(
            spec,
            device=self._gpu.uuid,
            gpu_name=self._identity.name,
            capability=self._identity.capability,
        )
        self.system = make_system(self._identity, read_host())
        self.cores = usable_cores()
        _check_alone(self._nvml, self._gpu, self.spec)

    def state(self) -> Mapping[str, Scalar]:
        """Read the host and the GPU; how the GPU is set up was read once and stands beside."""
        now = read(self._nvml, self._gpu)
        card = {DEVICE_ID: canonical_digest(self._gpu.uuid)}
        return {**read_state(), **card, **self._identity.setup, **now}

    def ready(self) -> Mapping[str, Scalar]:
        """Return its state once nothing holds its clock back, or after COOLS_S seconds."""
        for _ in range(int(COOLS_S / _POLL_S)):
            bits = read(self._nvml, self._gpu).get(KEY, 0)
            if not (isinstance(bits, int) and bits & THROTTLED):
                break
            self._sleep(_POLL_S)
        return self.state()

    def reconnected(self, failure: ChildFailed) -> bool:
        """Tell that it never went: a failure here is the cell's own, whatever `failure` is."""
        del failure
        return False

    def child_env(self, python: Path) -> Mapping[str, str]:
        """Return what shows a child this GPU alone, and its libraries."""
        cache = Path(self.spec.engines or "engines").parent
        return {
            "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
            "CUDA_VISIBLE_DEVICES": self._gpu.uuid,
            **library_path(python, cache, self._environ),
        }

    def needs_retry(self, session: Readings) -> bool:
        """Tell whether the clock was held back, or other processes came."""
        if reasons(session.before, session.after, session.covariates):
            return True
        return self.spec.sharing == "refused" and has_company(session.after)

    def refusals(
        self, runners: Mapping[str, RunnerEntry], environments: Environments
    ) -> Mapping[str, Unavailable]:
        """Return what has no kernels for this card, or no environment on this machine."""
        return refusals(card_of(self._identity), runners, environments)

    def close(self) -> None:
        self._nvml.close()


def _check_alone(nvml: Nvml, gpu: Gpu, target: TargetSpec) -> None:
    others = compute_processes(nvml, gpu)
    if not others or target.sharing == "allowed":
        return
    many = "another process computes" if others == 1 else f"{others} other processes compute"
    raise Unavailable(
        f"{many} on {target.gpu_name}",
        hint="wait for its end (`nvidia-smi`), or measure beside it with --shared-gpu",
    )


def make_system(identity: Identity, host: HostFacts) -> System:
    """Return the GPU and the machine around it as results/systems stores them."""
    known = {name: value for name, value in asdict(host).items() if value is not None}
    around = {name: list(v) if isinstance(v, tuple) else v for name, v in known.items()}
    facts = {**around, **identity.facts}
    slug = re.sub(r"[^a-z0-9]+", "-", identity.name.lower()).strip("-")
    # Older drivers don't tell the cores, which the name and the capability stand for.
    stable = {name: value for name, value in identity.facts.items() if name != "gpu_cores"}
    digest = canonical_digest({**hardware(host), **stable})
    return System(
        system_id=f"{slug}-{digest[:8]}", heading=identity.name, hardware=digest, facts=facts
    )


def _missing_card(spec: TargetSpec) -> list[Missing]:
    """Return whether GPU, driver or both are missing, or what keeps every engine from the card.

    The driver knows best which cards there are; without it the PCI bus does.
    """
    elsewhere = f"run it on a machine with one; `{run_command('cpu')}` measures this machine's CPU"
    if _DRIVER.exists() or shutil.which("nvidia-smi"):
        try:
            card = find_card(spec.device)
        except BenchError as error:
            return [Missing(error.problem, error.hint)]
        if card is None:
            return [Missing("the driver sees no NVIDIA GPU", elsewhere)]
        return [] if spec.own_python else _missing_engines(card, spec)
    driver = Missing(
        "there is no NVIDIA driver (no /proc/driver/nvidia/version, no nvidia-smi)",
        "install the driver of your distribution, 450.80 or later, and restart",
    )
    return [driver] if has_card() else [Missing("there is no NVIDIA GPU", elsewhere), driver]


def _missing_engines(card: Card, spec: TargetSpec) -> list[Missing]:
    """Return why no engine can be measured on `card`, nothing where one can."""
    # Without those of which an environment is the user's own.
    runners = {name: it for name, it in RUNNERS.items() if it.target == KIND and it.cards}
    refused = refusals(card, runners, Environments(Path(spec.engines or "engines").parent))
    if len(refused) < len(runners):
        return []
    able = [name for name in runners if lacks_kernels(name, runners, card) is None]
    reasons = {refused[name].problem: refused[name].hint for name in able or runners}
    return [Missing(problem, hint) for problem, hint in reasons.items()]


def find_card(name: str | None = None) -> Card | None:
    """Return the GPU called `name`, or the first visible one, None where the driver sees none.

    Raises Unavailable where the driver can't be asked, InputError where no GPU is called so.
    """
    nvml = open_nvml()
    try:
        if not count(nvml):
            return None
        visible, order = (
            os.environ.get(f"CUDA_{it}") for it in ("VISIBLE_DEVICES", "DEVICE_ORDER")
        )
        return card_of(read_identity(nvml, choose(nvml, name=name, visible=visible, order=order)))
    finally:
        nvml.close()


def card_of(identity: Identity) -> Card:
    """Return what decides which engines serve a GPU."""
    driver = identity.setup.get("driver")
    return Card(
        name=identity.name,
        capability=identity.capability,
        driver=None if driver is None else str(driver),
    )
