from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import Any

from bench.reports.build import load_runs, report_folder, view_of, write_report
from tests.cli.process import contents
from tests.cli.verifying import ALL, Place, edit, edit_run, tables_in
from tests.fakes import tables as fakes


def test_a_factory_that_was_changed_makes_the_cells_stale(place: Place) -> None:
    edit(place.root / "models/fake.py", lambda text: text + "# changed\n")
    told = place.told(status=1)
    assert {one["state"] for one in told["report"]} == {"same"}
    assert {one["state"] for one in told["cells"]} == {"stale"}
    assert all("another net" in one["reasons"][0] for one in told["cells"])
    stale = [line for line in place.verify(status=1).splitlines() if line.startswith("stale")]
    assert len(stale) == 4


def test_a_net_that_is_gone_from_the_catalogue_is_stale_and_the_other_is_not(place: Place) -> None:
    edit(place.root / "models/catalog.toml", lambda text: text.partition("[models.second]")[0])
    states = place.cells(status=1)
    assert states == dict(zip(ALL, ["current", "current", "stale", "stale"], strict=True))
    catalog = place.root / "models/catalog.toml"
    assert place.reasons(status=1) == {f"second isn't in {catalog}"}
    assert place.verify(status=1).endswith(
        f"\nsecond isn't in {catalog}: if the run had another folder, give that with --models\n"
    )


def test_a_cell_that_failed_before_its_artifact_was_made_is_said_to_have_failed(
    place: Place,
) -> None:
    (path,) = (place.run / "cells").glob("second-*-b4-*.json")

    def failed(text: str) -> str:
        outcome = {"kind": "failed", "failure": "conversion", "message": "no operator x"}
        values = json.loads(text) | {
            "outcome": outcome | {"hint": "mend the net", "log_tail": ""},
            "sessions": [],
        }
        del values["digest"]
        return json.dumps(values)

    edit(path, failed)
    edit_run(place, lambda run: run["models"]["second"]["artifacts"].pop("paddle-pir b4"))
    edit_run(place, lambda run: run.update(sealed={}))
    assert place.cells(status=1)["second b4"] == "unchecked"
    assert place.reasons(status=1) == {"it failed before paddle-pir b4 was made"}


def test_an_exported_model_whose_file_is_not_here_is_unchecked(place: Place) -> None:
    edit(
        place.root / "models/catalog.toml",
        lambda text: text.replace('factory = "fake:net"', 'exported = "mine.json"', 1),
    )
    states = place.cells(status=0)
    assert states == dict(zip(ALL, ["unchecked", "unchecked", "current", "current"], strict=True))


def test_an_artifact_of_other_bytes_in_the_cache_makes_its_cells_stale(place: Place) -> None:
    (path,) = place.root.glob("cache/artifacts/one-paddle-pir-b4-*/model.json")
    path.write_text("another net")
    states = place.cells(status=1)
    assert states == dict(zip(ALL, ["current", "stale", "current", "current"], strict=True))
    (reason,) = place.reasons(status=1)
    assert reason.startswith("paddle-pir b4: model.json has SHA-256 ")


def test_a_precision_with_an_artifact_of_its_own_is_checked_by_that(place: Place) -> None:
    usual = fakes.tables()
    entry = replace(usual.runners["paddle"], artifacts={"fp32": "paddle-lite-nb"})
    (path,) = place.root.glob("cache/artifacts/one-paddle-lite-nb-b1-*/model.nb")
    path.write_text("another file")
    states = place.cells(status=1, tables=replace(usual, runners={"paddle": entry}))
    assert {name for name, state in states.items() if state == "stale"} == {"one b1"}
    assert "stale" not in place.cells(status=0).values()


def test_without_a_cache_the_cells_are_unchecked_and_none_is_made(place: Place) -> None:
    shutil.rmtree(place.root / "cache")
    assert set(place.cells(status=0).values()) == {"unchecked"}
    lines = place.verify(status=0).splitlines()
    assert [line for line in lines if line.startswith("unchecked")] == [
        f"unchecked  2 cells: paddle-pir b{batch} isn't in the cache as today's code and packages "
        "make it"
        for batch in (1, 4)
    ]
    assert "0 current, 0 stale, 4 unchecked; " in lines[-1]
    assert not (place.root / "cache").exists()


def test_an_artifact_that_is_not_whole_in_the_cache_is_unchecked(place: Place) -> None:
    (path,) = place.root.glob("cache/artifacts/one-paddle-pir-b4-*/model.pdiparams")
    path.unlink()
    assert place.cells(status=0)["one b4"] == "unchecked"
    assert place.reasons(status=0) == {"paddle-pir b4: the cache lacks model.pdiparams"}


def test_other_packages_make_the_cells_stale_and_are_named(place: Place) -> None:
    edit_run(
        place, lambda run: run["provenance"]["environments"]["harness"].update(gone="1", numpy="0")
    )
    assert set(place.cells(status=1).values()) == {"stale"}
    gone, other = sorted(place.reasons(status=1))
    assert gone == "harness: gone 1 then, absent now"
    assert other.startswith("harness: numpy 0 then, ")


def test_many_reasons_are_shortened_in_the_text_only(place: Place) -> None:
    more = {f"package-{number}": "1" for number in range(5)}
    edit_run(place, lambda run: run["provenance"]["environments"]["harness"].update(more))
    assert len(place.reasons(status=1)) == 5
    line = next(text for text in place.verify(status=1).splitlines() if text.startswith("stale"))
    assert line.endswith("package-2 1 then, absent now; and 2 more (--json has them)")


def test_an_environment_that_is_not_built_is_unchecked_and_stays_so(place: Place) -> None:
    edit_run(
        place,
        lambda run: run["provenance"]["environments"].update(
            paddle={"paddlepaddle": "3", "numpy": "1"}
        ),
    )
    before = contents(place.root)
    assert set(place.cells(status=0, tables=tables_in("paddle")).values()) == {"unchecked"}
    reasons = place.reasons(status=0, tables=tables_in("paddle"))
    assert reasons == {"environment paddle isn't built here"}
    assert contents(place.root) == before


def test_an_artifact_whose_maker_is_not_built_is_unchecked(place: Place) -> None:
    formats = {name: replace(kind, env="paddle") for name, kind in fakes.FAKE_FORMATS.items()}
    reasons = place.reasons(status=0, tables=replace(fakes.tables(), formats=formats))
    assert "paddle-pir b1: its key in the cache needs environment paddle" in reasons


def test_an_interpreter_of_ones_own_is_asked_for_its_packages(place: Place) -> None:
    python = place.root / "python"
    python.write_text('#!/bin/sh\necho \'{"paddlepaddle": "3", "numpy": "2"}\'\n')
    python.chmod(0o755)
    edit_run(
        place,
        lambda run: run["provenance"]["environments"].update(
            paddle={"paddlepaddle": "3", "numpy": "1"}
        ),
    )
    given = ("--env", f"paddle={python}")
    reasons = place.reasons(*given, status=1, tables=tables_in("paddle"))
    assert reasons == {"paddle: numpy 1 then, 2 now"}
    python.unlink()
    (reason,) = place.reasons(*given, status=0, tables=tables_in("paddle"))
    assert "doesn't run" in reason


def test_a_runner_that_is_gone_makes_its_cells_stale(place: Place) -> None:
    reasons = place.reasons(status=1, tables=fakes.tables(another="Ok"))
    assert reasons == {"there is no runner 'paddle' any more"}


def test_a_kind_of_artifact_that_is_gone_makes_its_cells_stale(place: Place) -> None:
    reasons = place.reasons(status=1, tables=replace(fakes.tables(), formats={}))
    assert reasons == {"there is no kind of artifact 'paddle-pir' any more"}


def test_weights_of_another_kind_than_the_runs_leave_the_cells_unchecked(place: Place) -> None:
    reasons = place.reasons("--weights", "pretrained", status=0)
    assert reasons == {
        f"{variant} had seeded weights: give seeded with --weights" for variant in ("one", "second")
    }


def test_a_record_that_is_gone_makes_a_complete_run_stale_and_no_other(place: Place) -> None:
    next((place.run / "cells").glob("one-*-b4-*.json")).unlink()
    assert place.cells(status=1)["one b4"] == "stale"
    edit_run(place, lambda run: run.update(status="interrupted"))
    results = place.root / "results"
    view = view_of(load_runs(results, broken=[]), place.root / "models")
    write_report(view, report_folder(results))
    assert place.cells(status=0)["one b4"] == "unchecked"


def test_a_record_that_the_run_does_not_know_is_stale(place: Place) -> None:
    def forget(run: Any) -> None:
        run["cells"] = {name: it for name, it in run["cells"].items() if "one" not in name}

    edit_run(place, forget)
    assert "run.json has no such cell" in place.reasons(status=1)
