"""Does `bench ab` hold beside busy loops? A/A comparisons and true slowdowns of 5%, by turns.

    .venv/bin/python scripts/ab_under_load.py [--repeats 30] [--loops 2] [--sessions 5]
        [--net x0_25] [--channels N] [--state DIR]

Each trial is one `bench ab` of a net with itself, or with a wider last convolution. --channels is
the width that makes it 5% slower; left out, it is sought on the quiet machine first. What is done
stands in DIR/trials.jsonl: started again, it goes on from there.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from bench.devices.host.facts import heading, read_host
from bench.reports.markdown.tables import table
from scripts.busy_machine import loops
from scripts.regression_report import NETS, Bench, arms, widths
from scripts.regression_tally import select, told

VERDICTS = ("SLOWER", "FASTER", "SAME", "INCONCLUSIVE")


def main() -> None:
    """Make the trials that are missing and print how they were called."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--loops", type=int, default=2)
    parser.add_argument("--sessions", default="5")
    parser.add_argument("--net", default="x0_25", choices=list(NETS))
    parser.add_argument("--channels", type=int)
    parser.add_argument("--state", type=Path, default=PROJECT / "build" / "ab-under-load")
    given = parser.parse_args()
    state = given.state.absolute()
    bench = Bench(
        state=state, runner="onnxruntime", repeats=given.repeats, seven=0, older="", page=state
    )
    wider = given.channels or widths(bench, given.net)["plus5"]
    kinds = {"same": NETS[given.net], "plus5": wider}
    todo = [(kind, number) for kind in kinds for number in range(given.repeats)]
    random.Random(0).shuffle(todo)  # noqa: S311 - an order, not a secret
    with loops(given.loops, 1.0):
        for kind, number in todo:
            if not bench.has("load", given.net, kind, number):
                flags = [*arms(bench, given.net, kinds[kind]), "--sessions", given.sessions]
                names = {"part": "load", "net": given.net, "kind": kind, "number": number}
                bench.compare(*flags, "--seed", str(number), **names)
    print(f"{heading(read_host())}; {given.loops} loops, {given.net}, at most {given.sessions} "
          "sessions a comparison.\n")  # fmt: skip
    rows = []
    for kind, title in (("same", "the same net"), ("plus5", "slower by 5%")):
        trials = select(bench.trials, "load", kind)
        counts = [told(sum(it.has(verdict) for it in trials), len(trials)) for verdict in VERDICTS]
        rows.append([title, *counts])
    print(table(["HEAD is", *(f"called {verdict}" for verdict in VERDICTS)], rows))


if __name__ == "__main__":
    main()
