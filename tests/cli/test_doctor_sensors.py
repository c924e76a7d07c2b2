"""`doctor --sensors`: what reading the machine's state costs."""

from __future__ import annotations

import json

import pytest

from bench.analysis import sensor_cost as sensors
from bench.cli.main import main
from bench.devices.host.state import SENSORS


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sensors, "READS", 3)
    monkeypatch.setattr(sensors, "BURSTS", 2)


def printed(capsys: pytest.CaptureFixture[str], *flags: str) -> str:
    assert main(["doctor", "--sensors", *flags]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_each_sensor_has_a_line_and_a_sentence_says_what_follows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    head, *lines = printed(capsys).splitlines()
    assert head.split() == ["sensor", "median,", "us", "max,", "us"]
    names = [line[:20].strip() for line in lines[: lines.index("")]]
    assert names == [*SENSORS, "run queue", "burst counters", "canary", "all of them"]
    assert lines[-1].startswith("Reading all of them before and after a burst ")


def test_json_has_the_same_and_the_interval(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(printed(capsys, "--json"))
    assert [one["sensor"] for one in found["reads"]] == [
        *SENSORS,
        "run queue",
        "burst counters",
        "canary",
        "all of them",
    ]
    assert {one["reads"] for one in found["reads"]} == {3}
    assert all(0 < one["median_us"] <= one["max_us"] for one in found["reads"])
    effect = found["effect"]
    assert (effect["pairs"], effect["low"] <= effect["ratio"] <= effect["high"]) == (2, True)
    assert effect["sentence"].startswith("Reading all of them before and after a burst ")
