"""CPU time of the harness a session, by number of cells: `python scripts/loop_cost.py [CELLS ...]`.

The sessions are made up, so that all the time is the harness's own: the plan, the journal, the
records. Prints ms of CPU a session, and the ratio to the first number of cells.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.experiments.latency.progress import one_by_one, pending_sessions
from bench.experiments.latency.schedule import Step, make_plan
from bench.storage.run_folders import RunFolder
from bench.storage.schema.latency import JournalEntry
from tests.fakes.values import SAMPLING, cell, manifest, session


def cost_ms(count: int) -> float:
    """Return ms of CPU a session of a run of `count` cells with two sessions each."""
    cells = [cell(variant=f"v{number}", model_hash=f"v{number}") for number in range(count)]
    plan = make_plan(cells, replace(SAMPLING, sessions=2), seed=0)

    made = session()

    def launch(step: Step) -> JournalEntry:
        own = made.model_copy(update={"order": step.order, "round": step.round})
        return JournalEntry.model_construct(cell_id=step.cell.id, session=own)

    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(Path(folder) / "run")
        run.write_manifest(manifest())
        began = time.process_time()
        for unit in pending_sessions(plan, launch=one_by_one(launch), run=run, settled={}):
            unit.execute()
        return 1e3 * (time.process_time() - began) / len(plan.steps)


def main(counts: Sequence[int]) -> None:
    """Print a line for each number of cells."""
    costs = {count: cost_ms(count) for count in counts}
    first = next(iter(costs.values()))
    for count, cost in costs.items():
        print(f"{count:6} cells: {cost:.2f} ms of CPU a session, {cost / first:.2f} of the first")


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [100, 1000, 10_000])
