"""Every finding over models/published.csv, reviewed: a changed rule is seen here."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.analysis.audit import Finding, audit, audit_claims, published_tables
from bench.config.published import Published, load_published
from bench.storage.schema.latency import Costs

MODELS = Path(__file__).parents[4] / "models"


def published_findings() -> list[Finding]:
    return audit(published_tables(load_published(MODELS)))


SD855, V100 = "published: Snapdragon 855, Paddle Lite, FP32", "published: V100, TensorRT, FP32"
T4_FP16, T4_FP32 = "published: T4, TensorRT, FP16", "published: T4, TensorRT, FP32"
COSTS = "published: accuracy, costs and storage"

# Reviewed one by one: rule, row, and the columns without their hardware.
REVIEWED = {
    SD855: """
repeated-figure ShuffleNetV2_swish threads1
more-threads-slower ShuffleNetV2_x0_33 threads4 threads2
speedup-above-threads ShuffleNetV2_swish threads1 threads2
""",
    V100: """
repeated-figure MobileNetV3_small_x0_35 bs1 bs4 bs8
larger-net-faster ShuffleNetV2_x1_5 bs1
larger-net-faster ShuffleNetV2_x0_5 bs1
larger-batch-faster ESNet_x0_25 bs8 bs4
""",
    T4_FP16: """
larger-net-faster MobileNetV3_small_x1_0 bs1
larger-net-faster MobileNetV3_small_x0_75 bs1
larger-net-faster MobileNetV3_small_x1_0_ssld bs1
larger-net-faster ShuffleNetV2_x1_5 bs1
larger-net-faster ShuffleNetV2_x0_5 bs1
larger-net-faster MobileNetV2_x0_25 bs4
larger-net-faster MobileNetV3_small_x0_35 bs4
larger-net-faster MobileNetV3_small_x1_0_ssld bs4
larger-net-faster ShuffleNetV2_x0_33 bs4
larger-net-faster ShuffleNetV2 bs4
""",
    T4_FP32: """
larger-net-faster MobileNetV2 bs1
larger-net-faster MobileNetV3_small_x1_0 bs1
larger-net-faster MobileNetV3_small_x1_0_ssld bs1
larger-net-faster ShuffleNetV2_x1_5 bs1
larger-net-faster ShuffleNetV2_x0_5 bs1
larger-net-faster MobileNetV3_large_x0_75 bs4
larger-net-faster MobileNetV3_small_x1_0 bs4
larger-net-faster MobileNetV3_small_x0_75 bs4
larger-net-faster MobileNetV3_small_x1_0_ssld bs4
larger-net-faster ShuffleNetV2_x0_33 bs4
""",
    COSTS: """
flops-conventions all page_flops_g flops_m
one-cost-two-figures ShuffleNetV2_swish page_flops_g
""",
}


@pytest.mark.parametrize("table", REVIEWED)
def test_the_published_tables_have_the_findings_that_were_reviewed_and_no_others(
    table: str,
) -> None:
    named = [
        " ".join([one.rule, one.row or "all", *(c.split("_ms_")[-1] for c in one.columns)])
        for one in published_findings()
        if one.table == table
    ]
    assert named == REVIEWED[table].split("\n")[1:-1]


def test_every_published_table_with_a_finding_was_reviewed() -> None:
    assert {one.table for one in published_findings()} == set(REVIEWED)


@pytest.mark.parametrize(
    "reason",
    [
        (
            "31.21 ms: the same to the digit as ShuffleNetV2_x2_0's, a net of 571.70 M FLOPs and "
            "7.40 M parameters where this one has 148.86 M FLOPs and 2.29 M parameters"
        ),
        "9.06 ms with 2 threads, 31.21 ms with 1: a speed-up of 3.44, above 2",
        "1.79 ms with 4 threads is above the 1.70 ms with 2",
        (
            "0.89 ms is below the smaller ShuffleNetV2_x0_25 (0.92 ms): the widest part by 3.4% "
            "(3.1% may be chance)"
        ),
        (
            "0.93 ms is below the smaller ShuffleNetV2 (1.05 ms): the widest part by 12.9% "
            "(3.1% may be chance)"
        ),
        "1.37 ms for a batch of 8 is below the 1.41 ms for one of 4",
        (
            "in 36 rows page_flops_g is 1.46 to 1.98 times flops_m (median 1.89): two conventions, "
            "about two operations a multiply-add in one of them"
        ),
    ],
)
def test_the_known_faults_are_found_with_their_reasons(reason: str) -> None:
    assert reason in {one.reason for one in published_findings()}


def test_every_value_of_a_published_finding_is_in_the_reason_or_in_the_table() -> None:
    known = load_published(MODELS)
    for one in published_findings():
        for column, value in zip(one.columns, one.values, strict=False):
            assert not one.row or value.startswith(known[one.row].texts[column])
            assert value in one.reason


def test_distilled_rows_say_how_far_two_measurements_of_a_net_part() -> None:
    v100, t4 = (
        table.repeatability
        for table in published_tables(load_published(MODELS))
        if table.title in (V100, T4_FP32)
    )
    assert v100["v100_trt_fp32_ms_bs1"] == pytest.approx(0.66 / 0.64)
    assert v100["v100_trt_fp32_ms_bs4"] == pytest.approx(2.67 / 2.47)
    own = {ratio for name, ratio in t4.items() if name.startswith("t4")}
    assert own == {v100["v100_trt_fp32_ms_bs4"]}  # its own rows are copies


def changed(name: str, column: str, text: str) -> list[Finding]:
    """Return the findings with one published figure changed."""
    known = load_published(MODELS)
    row = known[name]
    known[name] = Published(
        row.name, row.family, {**row.figures, column: float(text)}, {**row.texts, column: text}
    )
    return audit(published_tables(known))


@pytest.mark.parametrize("text", ["6.6", "0.066", "660"])
def test_one_slip_is_found_and_hides_no_other_finding(text: str) -> None:
    column = "v100_trt_fp32_ms_bs1"
    before = {(one.rule, one.row, one.columns) for one in published_findings()}
    after = {(one.rule, one.row, one.columns) for one in changed("MobileNetV1_ssld", column, text)}
    assert before <= after
    assert ("twins-part", "MobileNetV1_ssld", (column,)) in after


@pytest.mark.parametrize(
    ("column", "text"), [("flops_m", "1578.81"), ("params_m", "5.26"), ("storage_mb", "32")]
)
def test_a_distilled_copy_of_other_costs_is_found(column: str, text: str) -> None:
    found = [one for one in changed("MobileNetV1_ssld", column, text) if one.rule == "twins-part"]
    assert [(one.row, one.columns) for one in found] == [("MobileNetV1_ssld", (column,))]


def test_a_column_that_two_precisions_share_to_the_digit_is_found() -> None:
    known = {
        name: Published(
            it.name, it.family,
            {**it.figures, "t4_trt_fp16_ms_bs8": it.figures.get("t4_trt_fp32_ms_bs8", 1.0)},
            {**it.texts, "t4_trt_fp16_ms_bs8": it.texts.get("t4_trt_fp32_ms_bs8", "1.0")},
        )
        for name, it in load_published(MODELS).items()
    }  # fmt: skip
    found = [one for one in audit(published_tables(known)) if one.rule == "copied-column"]
    assert [(one.table, one.row, one.columns) for one in found] == [
        (T4_FP32, "", ("t4_trt_fp32_ms_bs8",))
    ]
    assert "figures are to the digit t4_trt_fp16_ms_bs8's in the table" in found[0].reason


def test_one_figure_that_two_precisions_share_to_the_digit_is_found() -> None:
    found = changed("MobileNetV1_x0_25", "t4_trt_fp32_ms_bs4", "1.13021")
    assert [one.row for one in found if one.rule == "copied-column"] == ["MobileNetV1_x0_25"]


COUNTED = Costs(
    params=1_370_000, params_trainable=1_360_000, macs=41_280_000, flops_paddle=43_430_000,
    uncounted=[],
)  # fmt: skip


@pytest.mark.parametrize(
    ("row", "costs", "why"),
    [
        ("ShuffleNetV2_x0_5", COUNTED, None),
        ("ShuffleNetV2_x0_5", None, None),
        (None, COUNTED, None),
        ("ShuffleNetV2_x0_6", None, "published.csv has no such row"),
        ("ShuffleNetV2_x0_33", COUNTED, "41.28 M FLOPs were counted, and the row"),
        (
            "ShuffleNetV2_x0_5",
            COUNTED.model_copy(update={"params": 1_600_000}),
            "1.60 M parameters were counted, and the row ShuffleNetV2_x0_5 has params_m 1.37",
        ),
    ],
)
def test_a_net_that_claims_another_ones_row_is_found(
    row: str | None, costs: Costs | None, why: str | None
) -> None:
    found = audit_claims({"a net": (row, costs)}, load_published(MODELS))
    assert [one.rule for one in found] == ([] if why is None else ["another-nets-row"])
    assert why is None or why in found[0].reason


@pytest.mark.parametrize("convention", [{"page_flops_g": 0.08256}, {"flops_m": 41.28}])
def test_operations_may_be_counted_once_or_twice(convention: dict[str, float]) -> None:
    texts = {name: str(value) for name, value in convention.items()}
    rows = {"mine": Published("mine", "mine", convention, texts)}
    assert audit_claims({"a net": ("mine", COUNTED)}, rows) == []
