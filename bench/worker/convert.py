"""`python -m bench.worker.convert DIR`: make one artifact in the interpreter that can make it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from bench.core.protocol import ConvertRequest
from bench.worker.serve import Reply, load, serve


def convert(values: Mapping[str, Any], reply: Reply) -> None:
    """Run the converter that `values` (a ConvertRequest) names and reply with its facts."""
    request = ConvertRequest.from_json(values)
    reply(load(request.converter)(request.source, request.options, request.out))


if __name__ == "__main__":
    serve(convert, sys.argv[1:])
