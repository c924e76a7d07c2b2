from __future__ import annotations

import pytest

from bench.analysis import naming
from bench.analysis.series import Series
from bench.runners import RUNNERS
from tests.fakes.records import failed, only_series, record, stored, system, view


def series(**cell: object) -> Series:
    return only_series(view(stored(record(**cell))))  # type: ignore[arg-type]


def test_a_heading_names_hardware_engine_version_precision_and_settings() -> None:
    title = RUNNERS["paddle"].title
    assert naming.heading(series(engine="paddle 3.2.0")) == (
        f"AMD EPYC, 2 cores — {title} (paddle 3.2.0), FP32, onednn on, preset standard, suite cpu"
    )


def test_a_heading_has_no_version_where_no_session_told_one() -> None:
    shown = series(outcome=failed(), settings={})
    assert (
        naming.heading(shown)
        == f"AMD EPYC, 2 cores — {RUNNERS['paddle'].title}, FP32, preset standard, suite cpu"
    )


def test_an_emulated_systems_heading_says_so_before_anything_else() -> None:
    on = system("Cortex-A76", emulated=True)
    shown = only_series(view(stored(record(), on=on)))
    assert naming.heading(shown).startswith("emulated: Cortex-A76 — ")


def test_a_runner_of_another_version_of_the_harness_keeps_its_bare_name() -> None:
    assert naming.runner_title("an-engine-to-come") == "an-engine-to-come"


def test_a_column_is_headed_as_the_published_page_heads_it() -> None:
    assert naming.setting(series(), (1, 4)) == "bs=1, thread=4"


def test_a_gpus_column_has_no_threads() -> None:
    shown = only_series(view(stored(record(), target="nvidia-gpu")))
    assert naming.setting(shown, (8, 1)) == "bs=8"


@pytest.mark.parametrize(
    "cell",
    [{"runner": "another"}, {"settings": {"onednn": "off"}}, {"precision": "fp16"}],
    ids=["runner", "settings", "precision"],
)
def test_stems_differ_wherever_the_plot_is_another(cell: dict[str, object]) -> None:
    assert naming.latency_stem(series(**cell)) != naming.latency_stem(series())


def test_stems_differ_between_systems_of_the_same_name() -> None:
    other = only_series(view(stored(record(), on=system(system_id="amd-epyc-2c-ffffffff"))))
    assert naming.latency_stem(other) != naming.latency_stem(series())


def test_a_stem_is_a_files_name_and_does_not_depend_on_preset_or_engine_version() -> None:
    stem = naming.latency_stem(series())
    assert stem == "top1-latency-amd-epyc-2c-0123abcd-paddle-onednn_on-fp32"
    assert naming.latency_stem(series(engine="2", sampling={"preset": "quick"})) == stem


def test_only_v100_columns_are_said_to_be_of_a_v100_and_only_855_columns_of_that_phone() -> None:
    for name, column in naming.PUBLISHED_COLUMNS.items():
        assert ("V100" in column.hardware) == name.startswith("v100_")
        assert ("Snapdragon 855" in column.hardware) == name.startswith("sd855_")
