"""Loads by the real LoadGen, in a child, of the stand-in for a server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.config.loads import LoadPreset
from bench.core.tensors import write_reference
from bench.launcher.client import WorkerFailed
from bench.serving.client import parse_url
from bench.serving.load import Asked, Loader
from bench.serving.loadgen import DETAIL, SUMMARY
from tests.fakes.v2_server import MODEL, WIDTH, Behaviour, answer, v2_server

pytestmark = pytest.mark.slow

TINY = LoadPreset(
    duration_s=0.3, probe_s=0.2, probes=4, proof_s=1.2, latency_ms=20_000.0, rounds=2, round_s=0.2
)  # fmt: skip
P90 = Asked(percentile=90)


@pytest.fixture
def behaviour() -> Behaviour:
    return Behaviour(delay_s=0.0005)


@pytest.fixture
def loader(behaviour: Behaviour, tmp_path: Path) -> Iterator[Loader]:
    x = np.random.default_rng(7).standard_normal((1, WIDTH), dtype=np.float32)
    write_reference(tmp_path / "reference.npz", {"x": x}, {"y": answer(x)})
    with v2_server(behaviour) as url:
        yield Loader(
            endpoint=parse_url(url),
            model=MODEL,
            reference=tmp_path / "reference.npz",
            compared=True,
            tolerance=1e-5,
            preset=TINY,
            asked=P90,
        )


def test_a_single_stream_is_as_loadgen_s_own_summary_says(loader: Loader) -> None:
    loaded = loader.load("single-stream")
    said = loaded.fields.loadgen
    assert loaded.fields.valid
    assert set(loaded.logs) == {SUMMARY, DETAIL}
    summary = loaded.logs[SUMMARY].decode()
    assert f"percentile estimate: {said.early_stopping_ns['90']}" in summary
    assert f"50.00 percentile latency (ns)   : {said.percentiles_ns['50']}" in summary
    assert "Result is : VALID" in summary
    assert said.queries == loaded.fields.client.requests >= 128
    assert loaded.fields.parity.checked > 1
    assert loaded.fields.parity.relative_l2 < 1e-6


def test_a_server_s_rate_is_searched_for_and_proved(loader: Loader) -> None:
    it = loader.load("server").fields
    assert it.valid
    assert it.loadgen.bound_met
    assert 1 <= len(it.probes) <= TINY.probes
    held = [probe.rate for probe in it.probes if probe.holds]
    assert it.settings.rate is not None
    assert it.settings.rate <= max(held)


def test_a_bound_that_can_t_hold_gives_an_invalid_load(loader: Loader) -> None:
    it = replace(loader, asked=Asked(percentile=90, latency_ms=0.01)).load("server").fields
    assert not it.valid
    assert "the latency bound isn't met" in it.reason
    assert not any(probe.holds for probe in it.probes)


def test_a_rate_too_low_to_prove_the_percentile_doesn_t_last(loader: Loader) -> None:
    it = replace(loader, asked=Asked(percentile=99, target_qps=20)).load("server").fields
    assert not it.valid
    assert it.client.requests <= 2 * TINY.proof_s * 20
    assert "too few queries to prove the percentile" in it.reason


def test_offline_has_so_many_samples_that_it_lasts(loader: Loader) -> None:
    it = loader.load("offline").fields
    assert it.valid
    assert it.client.most_in_flight == it.settings.connections == 8
    assert it.loadgen.max_ns >= TINY.duration_s * 1e9


@pytest.mark.parametrize("scenario", ["single-stream", "offline"])
def test_refused_requests_are_counted_and_no_load_with_one_is_valid(
    scenario: str, behaviour: Behaviour, loader: Loader
) -> None:
    behaviour.refuse_every = 20
    it = replace(loader, asked=Asked(percentile=90, target_qps=400)).load(scenario)  # type: ignore[arg-type]
    refused = it.fields.errors["status 503"]
    assert refused == pytest.approx(it.fields.client.requests / 20, abs=2)
    assert not it.fields.valid
    assert f"{refused} x status 503" in it.fields.reason
    assert "the queue is full" in it.fields.first_errors["status 503"]


def test_a_sample_that_is_refused_before_the_load_is_sent_again(
    behaviour: Behaviour, loader: Loader
) -> None:
    behaviour.refuse_every = 3
    it = loader.load("single-stream").fields
    assert it.parity.checked > 1
    assert it.errors["status 503"] == pytest.approx(it.client.requests / 3, abs=2)


def test_a_server_that_answers_to_others_samples_is_found_out(
    behaviour: Behaviour, loader: Loader
) -> None:
    behaviour.mix_up = True
    it = loader.load("offline").fields
    assert it.errors["wrong-output"] == it.parity.wrong > 0
    assert not it.valid


def test_a_net_that_isn_t_the_reference_s_is_found_out(loader: Loader, tmp_path: Path) -> None:
    x = np.ones((1, WIDTH), np.float32)
    write_reference(tmp_path / "other.npz", {"x": x}, {"y": answer(x) * 1.01})
    other = replace(loader, reference=tmp_path / "other.npz")
    it = other.load("single-stream").fields
    assert it.parity.wrong >= 1
    assert "wrong-output" in it.reason
    assert replace(other, compared=False).load("single-stream").fields.valid


def test_a_server_that_goes_ends_the_load_and_is_counted(
    behaviour: Behaviour, loader: Loader
) -> None:
    behaviour.drop_after = 60
    it = loader.load("single-stream").fields
    assert it.errors["connection"] > 20
    assert not it.valid


def test_a_server_that_was_never_there_is_a_failure(loader: Loader) -> None:
    gone = replace(loader, endpoint=parse_url("http://127.0.0.1:9"))
    with pytest.raises(WorkerFailed, match="doesn't answer") as failed:
        gone.load("single-stream")
    assert failed.value.failure.kind == "connection"


def test_a_generator_that_hangs_is_ended(behaviour: Behaviour, loader: Loader) -> None:
    behaviour.delay_s = 5.0
    hasty = replace(loader, timeout_s=0.2)
    with pytest.raises(WorkerFailed, match=r"no answer within 0\.2 s"):
        hasty.load("single-stream")
