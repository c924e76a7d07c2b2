"""A device whose repeated sessions spread more than the others' shows; chance alone doesn't."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

import pytest

from bench.analysis.series import StoredRun, View
from bench.analysis.stability import Stability, stability
from bench.reports.markdown import page as markdown
from tests.fakes.records import facts, record, stored, system, view

NETS = ("x0_25", "x0_33", "x0_5", "x1_0", "x1_5", "x2_0", "swish")
COLUMNS = ((1, 1), (1, 2), (1, 4))


def run(
    name: str, spread: float, *, seed: int, number: int = 1, columns: tuple[tuple[int, int], ...]
) -> StoredRun:
    """A system with cells of five sessions, whose medians spread by that much."""
    draw = random.Random(seed)  # noqa: S311 - spreads, no secrets
    cells = [
        record(
            net,
            batch=batch,
            threads=threads,
            samples_ms=[[math.exp(draw.gauss(1.0, spread))] * 5 for _ in range(5)],
        )
        for net in NETS
        for batch, threads in columns
    ]
    return stored(
        *cells,
        models={net: facts() for net in NETS},
        run_id=f"202405{number:02}T120000Z-0badc0de-{seed:08}",
        on=system(name, system_id=name),
    )


def farm(
    spreads: Mapping[str, float],
    *,
    seed: int = 1,
    columns: tuple[tuple[int, int], ...] = COLUMNS,
) -> View:
    runs = [
        run(name, spread, seed=100 * seed + number, number=number, columns=columns)
        for number, (name, spread) in enumerate(spreads.items(), start=1)
    ]
    return view(*runs, order=NETS)


def by_name(shown: View) -> dict[str, Stability]:
    return {it.system.system_id: it for it in stability(shown)}


def test_the_bad_phone_of_a_farm_shows() -> None:
    found = by_name(farm({"one": 0.01, "two": 0.01, "bad": 0.04, "three": 0.01}))
    assert {name: it.unsteady for name, it in found.items()} == {
        "one": False, "two": False, "bad": True, "three": False,
    }  # fmt: skip
    assert found["bad"].ratio == pytest.approx(4.0, rel=0.4)
    assert found["bad"].spread == pytest.approx(0.04, rel=0.4)
    assert (found["bad"].cells, found["bad"].shared) == (21, 21)


def test_systems_that_are_alike_are_not_called_unsteady() -> None:
    called = [
        it.unsteady
        for seed in range(2, 22)
        for it in stability(farm(dict.fromkeys(["one", "two", "three"], 0.01), seed=seed))
    ]
    assert called.count(True) == 0
    assert called.count(None) == 0


def test_what_spreads_a_little_more_is_not_unsteady_however_sure_that_is() -> None:
    many = tuple((1, threads) for threads in range(1, 40))
    found = by_name(farm({"one": 0.010, "two": 0.010, "more": 0.013}, columns=many))
    assert found["more"].ratio == pytest.approx(1.3, rel=0.1)
    assert found["more"].unsteady is False


def test_too_few_cells_tell_nothing() -> None:
    shown = farm({"one": 0.01, "bad": 0.2})
    few = [
        run(name, spread, seed=number, number=number, columns=((1, 1),))
        for number, (name, spread) in enumerate({"one": 0.01, "bad": 0.2}.items(), start=1)
    ]
    few = [StoredRun(manifest=it.manifest, system=it.system, records=it.records[:4]) for it in few]
    assert by_name(shown)["bad"].unsteady is True
    assert by_name(view(*few, order=NETS))["bad"].unsteady is None


def test_a_system_alone_has_a_spread_and_no_verdict() -> None:
    (alone,) = stability(farm({"one": 0.02}))
    assert (alone.ratio, alone.unsteady, alone.shared) == (None, None, 0)
    assert alone.spread == pytest.approx(0.02, rel=0.4)
    assert alone.runs is None


def test_the_figures_of_repeated_runs_have_a_spread_of_their_own() -> None:
    first = run("one", 0.0, seed=1, number=1, columns=((1, 1),))
    again = run("one", 0.0, seed=2, number=2, columns=((1, 1),))
    slower = [record(it.cell.variant, samples_ms=[[math.exp(1.1)] * 5] * 5) for it in again.records]
    second = StoredRun(manifest=again.manifest, system=again.system, records=slower)
    (found,) = stability(view(first, second, order=NETS))
    assert (found.spread, found.repeated) == (0.0, 7)
    assert found.runs == pytest.approx(0.1 / math.sqrt(2), rel=1e-3)


def test_the_report_names_the_unsteady_one_first_and_only_where_systems_stand_side_by_side() -> (
    None
):
    several = markdown.render(farm({"one": 0.01, "bad": 0.04}))
    table = several.split("### Stability of each system\n")[1].split("\n## ")[0]
    first, second = [line for line in table.splitlines() if line.startswith(("| bad", "| one"))]
    assert first.startswith("| bad")
    assert "| unsteady |" in first
    assert "not unsteady" in second
    assert "Stability" not in markdown.render(farm({"one": 0.01}))
