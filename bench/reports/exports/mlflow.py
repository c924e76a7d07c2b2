"""Stored runs into an MLflow tracking store: a run for each, and a nested run for each cell.

MLflow compares runs by their params and metrics, so that a cell has one of its own: what it is made
of as params, its figures as metrics (the unit in the name, a session a step), the rest as tags, the
stored JSON as artifacts. A cell without a figure is a FAILED run without a metric.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from bench.core.errors import InputError
from bench.core.escape import short
from bench.reports.data.columns import CELL, LEVELS, NUMBER, WHOLE
from bench.reports.data.frame import optional
from bench.reports.data.rows import Stored, session_rows
from bench.reports.exports import Job
from bench.storage.files import to_text

URI = "MLFLOW_TRACKING_URI"
EXPERIMENT = "shufflenet-bench"
_RUN_ID, _PARENT = "bench.run_id", "mlflow.parentRunId"
_PARAMS = (
    "variant", "model", "model_hash", "weights", "runner", "engine", "settings", "precision",
    "batch", "threads", "input", "preset", "statistic", "macs", "flops_paddle", "params",
    "storage_bytes",
)  # fmt: skip
_METRICS = tuple(it.name for it in CELL if it.dtype in {WHOLE, NUMBER} and it.name not in _PARAMS)
_TAGS = tuple(it.name for it in LEVELS["cell"] if it.name not in {*_PARAMS, *_METRICS})
_MOST = 5000


def write(job: Job) -> None:
    """Write each run with its cells, all or none; raises InputError for one that is there already.

    The store is the one that `job.out` names, a URI or a folder, or the environment variable
    MLFLOW_TRACKING_URI. Raises Unavailable without mlflow.
    """
    mlflow: Any = optional("mlflow", "mlflow")
    with _explained(mlflow):
        client = mlflow.MlflowClient(tracking_uri=_uri(job.out))
        experiment = _experiment(client)
        runs = [
            (run_id, list(group))
            for run_id, group in groupby(job.stored, lambda it: it.run.manifest.run_id)
        ]
        earlier = [old for run_id, _ in runs for old in _earlier(client, experiment, run_id)]
        if earlier and not job.replace:
            raise InputError(
                f"run {earlier[0].data.tags[_RUN_ID]} is in that store already",
                hint="name another run with --run RUN, or replace it with --force",
            )
        with _all_or_none(client) as made:
            for _, stored in runs:
                _log_run(_Log(mlflow, client, experiment, made), stored)
        for old in earlier:
            client.delete_run(old.info.run_id)


def _uri(out: str) -> str:
    out = out or os.environ.get(URI, "")
    if not out:
        raise InputError("mlflow needs a tracking store", hint=f"name its URI, or set {URI}")
    return out if ":" in out else Path(out).absolute().as_uri()


@contextmanager
def _explained(mlflow: Any) -> Iterator[None]:
    """Turn what MLflow refuses into an InputError."""
    try:
        yield
    except mlflow.exceptions.MlflowException as error:
        raise InputError(
            f"MLflow refuses: {short(str(error), 200)}",
            hint="name a server's URI; sqlite:///FILE needs the package mlflow, and a folder "
            "MLFLOW_ALLOW_FILE_STORE=true",
        ) from error


@contextmanager
def _all_or_none(client: Any) -> Iterator[list[str]]:
    made: list[str] = []
    try:
        yield made
    except BaseException:
        for run_id in made:
            client.delete_run(run_id)
        raise


def _experiment(client: Any) -> str:
    known = client.get_experiment_by_name(EXPERIMENT)
    return str(known.experiment_id if known else client.create_experiment(EXPERIMENT))


def _earlier(client: Any, experiment: str, run_id: str) -> Sequence[Any]:
    """Return what is stored of that run: itself and its cells. An id holds no quote."""
    found: Sequence[Any] = client.search_runs([experiment], f"tags.`{_RUN_ID}` = '{run_id}'")
    return found


class _Log:
    """Writes runs into one experiment, and notes those that it made."""

    def __init__(self, mlflow: Any, client: Any, experiment: str, made: list[str]) -> None:
        self.entities, self.client = mlflow.entities, client
        self.experiment, self.made = experiment, made

    def start(self, name: str, started: int | None, tags: Mapping[str, str]) -> str:
        """Return the id of a new run."""
        run = self.client.create_run(
            self.experiment, start_time=started, run_name=name, tags=dict(tags)
        )
        self.made.append(run.info.run_id)
        return str(run.info.run_id)

    def metrics(self, run_id: str, values: Sequence[tuple[str, float, int]], at: int) -> None:
        """Write (name, value, step) each; a thousand at a time, as the store takes them."""
        made = [self.entities.Metric(name, value, at, step) for name, value, step in values]
        for begin in range(0, len(made), 1000):
            self.client.log_batch(run_id, metrics=made[begin : begin + 1000])

    def params(self, run_id: str, values: Mapping[str, str]) -> None:
        made = [self.entities.Param(name, value) for name, value in values.items()]
        self.client.log_batch(run_id, params=made)


def _log_run(log: _Log, stored: Sequence[Stored]) -> None:
    manifest = stored[0].run.manifest
    started, finished = _ms(manifest.started), _ms(manifest.finished)
    tags = {_RUN_ID: manifest.run_id, **_texts(stored[0], _TAGS_OF_RUN)}
    parent = log.start(manifest.run_id, started, tags)
    log.client.log_text(parent, to_text(manifest), "run.json")
    for one in stored:
        _log_cell(log, one, parent, started)
    status = "FINISHED" if manifest.status == "complete" else "KILLED"
    log.client.set_terminated(parent, status, finished)


_TAGS_OF_RUN = tuple(it.name for it in LEVELS["cell"] if it not in CELL)


def _log_cell(log: _Log, one: Stored, parent: str, started: int | None) -> None:
    tags = {_RUN_ID: one.run.manifest.run_id, _PARENT: parent, **_texts(one, _TAGS)}
    run_id = log.start(one.record.cell_id, started, tags)
    log.params(run_id, _texts(one, _PARAMS))
    measured = one.row.get("outcome") == "measured"
    log.metrics(run_id, _metrics(one) if measured else [], started or 0)
    log.client.log_text(run_id, to_text(one.record), f"{one.record.cell_id}.json")
    log.client.set_terminated(run_id, "FINISHED" if measured else "FAILED", started)


def _metrics(one: Stored) -> list[tuple[str, float, int]]:
    """Return name, value and step of each figure of a measured cell."""
    known = {name: one.row.get(name) for name in _METRICS}
    sessions = [float(str(it["session_latency_ns"])) for it in session_rows([one])]
    return [
        *((name, float(str(value)), 0) for name, value in known.items() if value is not None),
        *(("session_latency_ns", value, step) for step, value in enumerate(sessions)),
    ]


def _texts(one: Stored, names: Sequence[str]) -> dict[str, str]:
    known = {name: one.row.get(name) for name in names}
    texts = {name: short(str(it), _MOST) for name, it in known.items() if it is not None}
    return {name: text for name, text in texts.items() if text}


def _ms(text: str | None) -> int | None:
    """Return a time in ms since 1970, None for what is none."""
    try:
        return int(datetime.fromisoformat(text or "").timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
