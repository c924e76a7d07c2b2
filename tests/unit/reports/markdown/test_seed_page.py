"""Sections 1.2 and 1.3 as PaddleClas's documentation has them, of what is measured here."""

from __future__ import annotations

import re

import pytest

from bench.analysis.series import StoredRun, View
from bench.config.published import Published
from bench.reports.language import words
from bench.reports.markdown.seed_page import render
from tests.fakes.records import contended, costs, facts, failed, record, stored, system, view

PHONE = system("Snapdragon 855 (SM8150), 8 cores, Android 10", system_id="phone-1")
GPU = system("NVIDIA V100", system_id="gpu-1")
PUBLISHED = {
    "ShuffleNetV2_x0_25": Published(
        name="ShuffleNetV2_x0_25", family="ShuffleNetV2",
        texts={"top1": "0.4990", "top5": "0.7705"}, figures={"top1": 0.499, "top5": 0.7705},
    )
}  # fmt: skip


def phone(**fields: object) -> StoredRun:
    cells = [
        record(runner="paddlelite", threads=threads, samples_ms=[[ms], [ms]], engine="lite 2.13")
        for threads, ms in ((1, 1.944), (2, 1.535), (4, 1.43))
    ]
    return stored(*cells, on=PHONE, target="android", suite="arm", run_id=run_id(2), **fields)


def gpu() -> StoredRun:
    cells = [
        record(runner="tensorrt", batch=batch, samples_ms=[[ms], [ms]], engine="tensorrt 8.0.3.4")
        for batch, ms in ((1, 0.92), (4, 1.27), (8, 1.7349))
    ]
    return stored(*cells, on=GPU, target="nvidia-gpu", suite="gpu", run_id=run_id(3))


def cpu(*records: object, **fields: object) -> StoredRun:
    return stored(*(records or (record(),)), run_id=run_id(1), **fields)  # type: ignore[arg-type]


def run_id(number: int) -> str:
    return f"20240501T120000Z-0badc0de-0000000{number}"


def shown(*runs: StoredRun, lang: str = "zh") -> str:
    return render(of(*runs), words(lang))


def of(*runs: StoredRun) -> View:
    return view(*runs, published=PUBLISHED)


def rows(text: str, head: str) -> list[str]:
    """The lines of the table below the first head that begins so."""
    block = next(it for it in text.split("\n\n") if it.startswith(head))
    return block.splitlines()


def headings(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(("#", "<a"))]


def test_the_headings_and_anchors_are_the_pages() -> None:
    assert headings(shown(cpu(), phone(), gpu())) == [
        "<a name='1.2'></a>", "### 1.2 模型指标",
        "<a name='1.3'></a>", "### 1.3 Benchmark",
        "<a name='1.3.1'></a>", "#### 1.3.1 基于 SD855 的预测速度和存储大小",
        "<a name='1.3.2'></a>", "#### 1.3.2 基于 NVIDIA V100 GPU 的预测速度",
        "<a name='1.3.3'></a>", "#### 1.3.3 基于 AMD EPYC, 2 cores 的预测速度",
    ]  # fmt: skip


def test_the_metrics_have_the_pages_columns_and_numbers() -> None:
    assert rows(shown(cpu()), "| Models | Top1") == [
        (
            "| Models | Top1 | Top5 | Reference<br>top1 | Reference<br>top5 | FLOPs<br>(G) "
            "| Params<br>(M) |"
        ),
        "|:--:|:--:|:--:|:--:|:--:|:--:|:--:|",
        "| ShuffleNetV2_x0_25 | 0.499 | 0.771 |  |  | 0.035 | 0.600 |",
    ]


def test_a_phones_table_has_threads_and_storage() -> None:
    assert rows(shown(phone()), "| Models | SD855") == [
        (
            "| Models | SD855 time(ms)<br>bs=1, thread=1 | SD855 time(ms)<br>bs=1, thread=2 | "
            "SD855 time(ms)<br>bs=1, thread=4 | Storage Size(M) |"
        ),
        "|:--:|----|----|----|----|",
        "| ShuffleNetV2_x0_25 | 1.94 | 1.53 | 1.43 | 2.704 |",
    ]


def test_a_gpus_table_has_the_size_and_batches() -> None:
    assert rows(shown(gpu()), "| Models | Size") == [
        "| Models | Size | Latency(ms)<br>bs=1 | Latency(ms)<br>bs=4 | Latency(ms)<br>bs=8 |",
        "|:--:|----|----|----|----|",
        "| ShuffleNetV2_x0_25 | 224 | 0.92 | 1.27 | 1.73 |",
    ]


def test_the_remark_tells_precision_engine_and_what_is_published() -> None:
    text = shown(gpu())
    metrics, times, *_ = [line for line in text.splitlines() if line.startswith("**备注：**")]
    assert "Top1、Top5 和 Reference 为 PaddleClas 公布值" in metrics
    assert "由本工具统计得出" in metrics
    assert "精度类型为 FP32，推理过程使用 TensorRT（tensorrt 8.0.3.4" in times
    assert "由本工具实测" in times
    assert "公布" not in times


def test_no_published_time_or_size_is_on_the_page() -> None:
    row = PUBLISHED["ShuffleNetV2_x0_25"]
    more = {"sd855_ms_threads1": 7.77, "storage_mb": 8.88, "page_flops_g": 9.99}
    loud = Published(
        name=row.name, family=row.family, figures={**row.figures, **more},
        texts={**row.texts, **{name: str(value) for name, value in more.items()}},
    )  # fmt: skip
    one = view(cpu(beside=list(more)), phone(beside=list(more)), published={row.name: loud})
    text = render(one, words("en"))
    assert not [value for value in more.values() if str(value) in text]


def test_an_emulated_system_is_nowhere() -> None:
    unreal = system("an emulated phone", system_id="phone-2", emulated=True)
    run = stored(record(samples_ms=[[77.0], [77.0]]), on=unreal, target="android")
    text = shown(run, cpu())
    assert "emulated" not in text
    assert "77.00" not in text
    assert shown(run).count("#### ") == 1, "the sizes alone, which were counted"


def test_without_a_phone_the_sizes_have_a_table_of_their_own() -> None:
    text = shown(cpu())
    assert "#### 1.3.2 存储大小" in text
    assert rows(text, "| Models | Storage")[2] == "| ShuffleNetV2_x0_25 | 2.704 |"
    assert "1.3.3" not in shown(cpu(), phone())


def test_a_net_of_ones_own_has_no_columns_that_nothing_is_known_of() -> None:
    run = cpu(record("mine"), models={"mine": facts(None, costs=costs(), storage=None)})
    text = render(view(run), words("en"))
    assert rows(text, "| Models | FLOPs")[0] == "| Models | FLOPs<br>(G) | Params<br>(M) |"
    assert "Top1" not in text
    assert "Storage" not in text


def test_what_failed_is_no_number_and_the_reason_stands_below() -> None:
    run = cpu(record("x0_25"), record("x0_5", outcome=failed("the child died")))
    text = shown(run)
    assert "| ShuffleNetV2_x0_5 | 失败[^page-1] |" in text
    assert text.rstrip().splitlines()[-1].startswith("[^page-1]: ")
    assert "the child died" in text


def test_of_an_engines_tables_the_one_with_most_columns_is_shown() -> None:
    wide = cpu(record(), record(threads=2), suite="cpu")
    narrow = stored(record(samples_ms=[[5.0], [5.0]]), suite="engines", run_id=run_id(4))
    text = shown(wide, narrow)
    assert text.count("thread=1") == 1
    assert "5.00" not in text


def test_in_english_it_has_the_same_tables() -> None:
    chinese, english = (shown(cpu(), phone(), gpu(), lang=lang) for lang in ("zh", "en"))
    assert "### 1.2 Accuracy, FLOPs, params" in english
    numbers = [re.findall(r"(?m)^\| ShuffleNetV2.*", text) for text in (chinese, english)]
    assert numbers[0] == numbers[1]
    assert not re.search(r"[\u4e00-\u9fff]", english)


@pytest.mark.parametrize("name", ["a | b", "<!-- bench:end -->", "a\n| b", "# x"])
def test_a_hostile_name_stays_within_its_cell(name: str) -> None:
    run = cpu(record("mine"), models={"mine": facts(None, title=name)})
    text = render(view(run), words("zh"))
    assert "<!-- bench" not in text
    widths = {line.replace("\\|", "").count("|") for line in rows(text, "| Models | FLOPs")}
    assert len(widths) == 1


def test_without_results_it_says_so() -> None:
    assert "make bench" in render(view(), words("en"))


def test_a_contended_figure_says_so_as_the_report_does() -> None:
    text = shown(cpu(contended(record(samples_ms=[[3.0] * 8] * 2), 0.5, 0.6)))
    row = rows(text, "| Models | Latency(ms)")[2]
    assert row == "| ShuffleNetV2_x0_25 | 3.00 受争用[^page-1] |"
    assert re.search(r"^\[\^page-1\]: .*受争用：某个会话最少只分到 \d+% 的 CPU", text, re.MULTILINE)
    assert "contended" in shown(cpu(contended(record(samples_ms=[[3.0] * 8] * 2), 0.6)), lang="en")
    assert "受争用" not in shown(cpu(record(samples_ms=[[3.0] * 8] * 2)))


def test_a_net_of_which_nothing_but_the_time_is_known_has_no_empty_table_or_remark() -> None:
    run = cpu(
        record("mine", samples_ms=[[0.0039], [0.0039]]),
        models={"mine": facts(None, costs=None, storage=None)},
    )
    text = render(view(run), words("zh"))
    assert "| Models |\n" not in text
    assert not re.search(r"\*\*备注：\*\*\s*$", text, re.MULTILINE)
    assert headings(text)[:2] == ["<a name='1.3'></a>", "### 1.3 Benchmark"]
    assert text.count("| 0.0039 |") == 1
