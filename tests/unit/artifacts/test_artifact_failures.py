from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.artifacts.builder import Artifact, Key
from bench.core.errors import ArtifactError, Unavailable
from tests.fakes.workshop import BROKEN, NB, PIR, SMALL, Bench, Interpreters, concatenate


def concatenate_but_batch_4(
    source: Mapping[str, Any], options: Mapping[str, Any], out: Path
) -> dict[str, Any]:
    if options["batches"] == [4]:
        raise ArtifactError("batch 4 is too big", hint="take a smaller one")
    return concatenate(source, options, out)


def write_nothing(
    source: Mapping[str, Any], options: Mapping[str, Any], out: Path
) -> dict[str, Any]:
    for batch in options["batches"]:
        (out / f"b{batch}").mkdir()
    return {}


def test_a_failed_export_takes_the_place_of_its_own_artifacts_only(bench: Bench) -> None:
    made = bench.make(SMALL, BROKEN, formats="pir nb")
    assert {k.variant for k, it in made.items() if isinstance(it, Artifact)} == {"small"}
    for kind in ("pir", "nb"):
        error = made[Key("broken", kind, 1)]
        assert isinstance(error, ArtifactError)
        assert error.problem == "pir: this net can't be exported"
        log = bench.cache / "logs" / "broken-pir.log"
        assert (error.hint, error.log_tail) == (
            "mend it; its log is logs/broken-pir.log in the cache",
            "its log",
        )
        assert log.read_text() == "its log"


def test_a_failed_conversion_leaves_its_source_and_other_kinds_alone(bench: Bench) -> None:
    bench.formats["nb"] = replace(NB, converter="tests.fakes.converter:refuse")
    bench.formats["other"] = NB
    made = bench.make(SMALL, formats="pir nb other")
    outcomes = {key.kind: type(it).__name__ for key, it in made.items()}
    assert outcomes == {"pir": "Artifact", "nb": "ArtifactError", "other": "Artifact"}


def test_a_failed_conversion_leaves_other_batches_alone(bench: Bench) -> None:
    bench.formats["nb"] = replace(NB, converter=f"{__name__}:concatenate_but_batch_4")
    made = bench.make(SMALL, formats="nb", batches=(1, 4, 16))
    failed = {key.batch for key, it in made.items() if not isinstance(it, Artifact)}
    assert failed == {4}


def test_a_failure_is_tried_again_the_next_time_and_leaves_nothing_in_the_cache(
    bench: Bench,
) -> None:
    bench.make(BROKEN)
    assert list((bench.cache / "artifacts").iterdir()) == []
    bench.make(BROKEN)
    assert len(bench.children.requests) == 2


def test_a_converter_that_writes_nothing_is_a_failed_conversion(bench: Bench) -> None:
    bench.formats["pir"] = replace(PIR, converter=f"{__name__}:write_nothing")
    error = bench.make(SMALL)[Key("small", "pir", 1)]
    assert isinstance(error, ArtifactError)
    assert error.problem == "pir: the converter wrote no model.json"


def test_an_interpreter_that_cannot_be_had_is_the_outcome_of_what_it_should_make(
    bench: Bench,
) -> None:
    bench.environments = Interpreters(converting=None)
    made = bench.make(SMALL, formats="pir nb")
    assert isinstance(made[Key("small", "pir", 1)], Artifact)
    assert isinstance(made[Key("small", "nb", 1)], Unavailable)

    bench.environments = Interpreters(exporting=None)
    made = bench.make(SMALL, formats="pir nb", batches=(1, 4))
    assert {type(it) for it in made.values()} == {Unavailable}
    assert len(made) == 4
