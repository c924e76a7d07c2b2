from __future__ import annotations

import re

from bench.core.paths import PROJECT

WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))


def test_each_action_is_named_by_a_commit_and_the_version_that_it_is() -> None:
    used = [line for path in WORKFLOWS for line in path.read_text().splitlines() if "uses:" in line]
    assert used
    for line in used:
        assert re.fullmatch(r"\s*(- )?uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_a_workflow_reads_the_repository_and_keeps_no_credentials() -> None:
    for text in (path.read_text() for path in WORKFLOWS):
        assert "\npermissions:\n  contents: read\n" in text
        assert text.count("persist-credentials: false") == text.count("actions/checkout@")
        assert "pull_request_target" not in text
