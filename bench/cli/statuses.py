"""What the command line's exit statuses mean."""

from __future__ import annotations

from collections.abc import Mapping

STATUSES: Mapping[int, str] = {
    0: "success",
    1: "the verb has an answer and it isn't good: a cell has no figure or is slower, `audit` or "
    "`verify` found a fault, a stored result can't be read, nothing fits what `recommend` is asked "
    "for, or `cache prune` couldn't remove something",
    2: "an error: one sentence on stderr, with what helps",
    3: "no verdict: a comparison is inconclusive or advice alone, `bisect` found no revision, or "
    "`accuracy` couldn't read an image",
    130: "interrupted by Ctrl-C, SIGTERM or SIGHUP: what was measured is kept",
}
