"""The options of `serve` and `load`, beside those that other verbs take too."""

from __future__ import annotations

from functools import partial

from bench.cli.flags import Flag
from bench.cli.values import MS_OR_NONE, PERCENTILE, PORT, RATE, SCENARIO_NAMES, Value, whole
from bench.config.sustained import parse_duration

_AT, _LIMITS = "Address", "Batches and limits"
_SERVER, _SCENARIOS = "Server", "Scenarios"

_MOST_CONNECTIONS = 1024  # a thread of the load generator each

BATCHES = (
    Flag(
        _LIMITS, "--max-batch", "N",
        "Rows of waiting requests that may share an inference; a session for each power of two",
        "none share", type=whole(1),
    ),
    Flag(
        _LIMITS, "--max-delay-ms", "MS",
        "How long a request waits for others that share its inference",
        "0: it takes what waits", type=MS_OR_NONE,
    ),
)  # fmt: skip

SERVE = (
    Flag(
        _AT, "--host", "ADDRESS", "An address of this machine; 0.0.0.0 is all of them",
        "127.0.0.1",
    ),
    Flag(_AT, "--port", "N", "0 is any that is free", "8000", type=PORT),
    *BATCHES,
    Flag(
        _LIMITS, "--max-requests most_requests", "N",
        "Requests that may be in the server at once; others get status 503", "64", type=whole(1),
    ),
    Flag(
        _LIMITS, "--timeout-s", "S",
        "How long a request may take to come, and again to be answered", "30",
    ),
)  # fmt: skip

LOAD = (
    Flag(
        _SERVER, "--model served_model", "NAME", "The model as the server calls it",
        "its only one",
    ),
    Flag(
        _SERVER, "--reference", "FILE",
        "An .npz file of input/NAME, what is sent, and output/NAME, what must come; without one "
        "the server's own answers before the load are compared with those under it",
    ),
    Flag(
        _SCENARIOS, "--scenario scenarios", "A,B", "single-stream, server and offline, by comma",
        "all three", type=SCENARIO_NAMES,
    ),
    Flag(
        _SCENARIOS, "--latency-ms", "MS",
        "What the percentile of a server's latencies must be within",
        "the preset's, 50",
    ),
    Flag(
        _SCENARIOS, "--percentile", "PERCENT",
        "The percentile: 50, 90, 95, 97, 99 or 99.9", "90 of single-stream, 99 of server",
        type=PERCENTILE,
    ),
    Flag(
        _SCENARIOS, "--target-qps", "N",
        "The rate of server instead of a search for the highest; the least that offline expects",
        type=RATE,
    ),
    Flag(
        _SCENARIOS, "--connections", "N", "Requests in flight at once, at most",
        "32 of server, 8 of offline", type=whole(1, _MOST_CONNECTIONS),
    ),
    Flag(
        _SCENARIOS, "--duration duration_s", "TIME", "The least time of a load", "the preset's",
        type=Value(partial(parse_duration, flag="--duration", least=0.1), ""),
    ),
)  # fmt: skip
