"""The environment variables of a child: an allow-list.

Much that a shell exports changes threads, allocation, kernels or libraries unseen, so that a child
inherits nothing else. Targets, runners and formats add what they need. Standard library only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from bench.core.paths import import_root

_INHERITED = re.compile(
    "HOME|USER|LOGNAME|PATH|SHELL|TMPDIR|TEMP|TMP|TZ|LANG|LANGUAGE|LC_.*|CUDA_VISIBLE_DEVICES"
)
# Of a child that downloads (uv has all of them anyway): proxies and certificates.
_NETWORK = re.compile(
    "((https?|all|no)_proxy|ssl_cert_(file|dir)|requests_ca_bundle|curl_ca_bundle)", re.IGNORECASE
)


def child_environment(
    extra: Mapping[str, str], environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return what a child inherits of `environ`, and `extra`."""
    kept = {name: value for name, value in environ.items() if _INHERITED.fullmatch(name)}
    return kept | {"PYTHONPATH": str(import_root())} | dict(extra)


def network_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what a child that downloads needs beside that: proxies and certificates."""
    return {name: value for name, value in environ.items() if _NETWORK.fullmatch(name)}
