"""A table as Parquet: units and meanings are metadata of the columns, provenance of the file."""

from __future__ import annotations

import json
from typing import Any

from bench import __version__
from bench.reports.data.columns import LEVELS, unit
from bench.reports.data.frame import frame_of, optional
from bench.reports.exports import Job


def write(job: Job) -> None:
    """Write the table of the job's level; raises Unavailable without pyarrow and pandas."""
    arrow: Any = optional("pyarrow", "parquet")
    parquet: Any = optional("pyarrow.parquet", "parquet")
    frame = frame_of(job.level, job.stored)
    table = arrow.Table.from_pandas(frame, preserve_index=False)
    fields = [
        field.with_metadata({"unit": unit(column), "description": column.text})
        for field, column in zip(table.schema, LEVELS[job.level], strict=True)
    ]
    about = {
        "written_by": f"shufflenet-bench {__version__}",
        "level": job.level,
        "runs": list(dict.fromkeys(map(str, frame["run_id"]))),
    }
    metadata = {**table.schema.metadata, b"shufflenet-bench": json.dumps(about).encode()}
    parquet.write_table(table.cast(arrow.schema(fields, metadata=metadata)), job.path)
