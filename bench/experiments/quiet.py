"""What else this machine does: told before a run, refused, or waited for between sessions."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.core.cell import TargetSpec
from bench.core.errors import BenchError, InputError
from bench.core.output import say
from bench.core.units import duration
from bench.devices.host.busy import Busy
from bench.experiments.progress import Display

ReadBusy = Callable[[], Busy | None]

_POLL_S = 5.0


class TooBusy(BenchError):
    """Other processes use this machine's CPU, and --require-quiet was given."""

    kind = "busy"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietOptions:
    """For how many seconds in all to wait for quiet, None for not at all; whether to insist."""

    wait_quiet: float | None = None
    require_quiet: bool = False


@dataclass(slots=True, kw_only=True)
class Quiet:
    """Looks at the machine before a run and between its sessions; `clock` is in seconds."""

    options: QuietOptions
    read: ReadBusy
    shown: Display
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    waited_s: float = field(default=0.0, init=False)

    def begin(self, spec: TargetSpec) -> None:
        """Say how busy this machine is before a run at `spec`.

        Raises TooBusy where quiet is required and isn't known, InputError where a phone measures.
        """
        if spec.kind == "android":
            self._check_elsewhere()
            return
        busy = self.read()
        if busy is not None and (busy.is_quiet or not self.options.require_quiet):
            say(busy.sentence)
        elif self.options.require_quiet:
            raise TooBusy(
                busy.sentence if busy else "how busy this machine is can't be read here",
                hint="end what else runs, wait for that with `--wait-quiet=10m`, or leave "
                "--require-quiet out: what others disturb is marked",
            )

    def _check_elsewhere(self) -> None:
        given = self.options
        if given.require_quiet or given.wait_quiet is not None:
            flag = "--require-quiet" if given.require_quiet else "--wait-quiet"
            raise InputError(
                f"{flag} is for what this machine measures, and here a phone does",
                hint="leave it out",
            )

    def wait(self) -> None:
        """Wait until this machine is quiet, or until the time for that is spent."""
        left_s = (self.options.wait_quiet or 0.0) - self.waited_s
        if left_s <= 0:
            return
        started = self.clock()
        while (spent_s := self.clock() - started) < left_s:
            busy = self.read()
            if busy is None or busy.is_quiet:
                break
            self.shown.waits(f"{busy.sentence}; {duration(left_s - spent_s)} at most")
            self.sleep(min(_POLL_S, left_s - spent_s))
        self.waited_s += self.clock() - started

    def measuring_s(self) -> float:
        """Return the clock without what was spent waiting."""
        return self.clock() - self.waited_s
