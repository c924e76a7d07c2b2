"""What a log may hold that no record should: passwords, tokens, this machine's and its user's name.

Each pattern's repeats are bounded, so that a search takes time in proportion to the text. Pure but
for the two names.
"""

from __future__ import annotations

import getpass
import platform
import re
from functools import cache

_HIDDEN = "…"
_PATTERNS = (
    # A proxy's or a registry's user and password.
    (re.compile(r"(://)[^\s/@\"']{1,256}@"), rf"\1{_HIDDEN}@"),
    (re.compile(r"(?i)(authorization\"?\s?[:=]\s?\"?)[^\n\"]{1,512}"), rf"\1{_HIDDEN}"),
    (re.compile(r"(?i)(\bbearer\s)[\w.~+/=-]{8,512}"), rf"\1{_HIDDEN}"),
    # NAME=VALUE whose name says what the value is.
    (
        re.compile(
            r"(?i)((?:token|secret|passwd|password|credentials?|api_?key|access_?key|private_?key)"
            r"s?(?:_\w{0,32})?\"?=)(?:\"[^\"\n]{0,512}\"|'[^'\n]{0,512}'|[^\s,;&\"']{1,512})"
        ),
        rf"\1{_HIDDEN}",
    ),
    # Tokens by their makers' marks.
    (re.compile(r"\b(?:gh[pousr]_|github_pat_|glpat-|hf_|xox[abprs]-)[\w-]{10,256}"), _HIDDEN),
    (re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"), _HIDDEN),
)
# Names that are words, or everybody's.
_COMMON = {"root", "user", "admin", "ubuntu", "debian", "runner", "localhost", "test", "build"}


def without_secrets(text: str) -> str:
    """Return `text` with "…" for passwords and tokens, HOST and USER for this machine's names."""
    for pattern, put in _PATTERNS:
        text = pattern.sub(put, text)
    for name, put in _names():
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", put, text)
    return text


@cache
def _names() -> tuple[tuple[str, str], ...]:
    host = platform.node()
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # neither a variable nor a line in /etc/passwd has it
        user = ""
    named = ((host, "HOST"), (host.partition(".")[0], "HOST"), (user, "USER"))
    return tuple((it, put) for it, put in named if len(it) > 2 and it.lower() not in _COMMON)
