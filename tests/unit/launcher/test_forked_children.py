"""Children that are forked from a process which has imported their modules."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bench.core.protocol import request_for
from bench.launcher import forked_children
from bench.launcher.forked_children import ForkedChildren
from bench.launcher.process import ChildFailed, ChildResult, Replied
from tests.fakes.orphans import eventually
from tests.unit.launcher.test_process import is_running

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only there it forks")
IMPORTS = ["xml.dom.minidom"]


@pytest.fixture
def children() -> Iterator[ForkedChildren]:
    opened = ForkedChildren()
    yield opened
    opened.close()


def ask(children: ForkedChildren, what: str = "tell", imports: Any = IMPORTS, **source: Any) -> Any:
    request = request_for(
        "convert",
        converter=f"tests.fakes.parentage:{what}",
        source=source,
        options={"batches": [1]},
        out="/nowhere",
        imports=imports,
    )
    return children(request, python=Path(sys.executable), env={}, timeout_s=60.0)


def told(result: ChildResult) -> Any:
    assert isinstance(result, Replied), result
    return result.value


def test_children_share_what_was_imported_and_nothing_else(children: ForkedChildren) -> None:
    first, second = (told(ask(children)) for _ in range(2))
    assert first["parent"] == second["parent"]
    assert first["pid"] != second["pid"]
    assert (first["imported"], first["calls"], second["calls"]) == (True, 1, 1)


def test_threads_share_a_process_and_work_at_once(children: ForkedChildren) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: told(ask(children, sleeps_s=0.2)), range(8)))
    assert len({it["parent"] for it in answers}) == 1
    assert len({it["pid"] for it in answers}) == 8


def test_a_process_that_is_out_of_forks_makes_room_for_the_next(
    children: ForkedChildren, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forked_children, "_CHILDREN", 2)
    parents = [told(ask(children))["parent"] for _ in range(5)]
    assert [parents.count(it) for it in dict.fromkeys(parents)] == [2, 2, 1]
    assert not is_running(parents[0])


def test_other_imports_are_another_process(children: ForkedChildren) -> None:
    parents = {told(ask(children, imports=it))["parent"] for it in (IMPORTS, ["csv"])}
    assert len(parents) == 2


@pytest.mark.parametrize("imports", [[], ["no.such_module"]])
def test_what_can_not_be_imported_ahead_is_no_hindrance(
    imports: list[str], children: ForkedChildren
) -> None:
    assert not told(ask(children, imports=imports))["imported"]


def test_a_refusal_is_the_childs_own_with_its_log(children: ForkedChildren) -> None:
    told(ask(children))
    refused = ask(children, "refuse")
    assert isinstance(refused, ChildFailed)
    assert (refused.kind, refused.message, refused.hint) == ("conversion", "it can't", "mend it")
    assert "the tool's own words" in refused.log_tail


@pytest.mark.parametrize("once", [True, False])
def test_what_a_fork_falls_over_is_tried_by_a_child_of_its_own(
    once: bool, children: ForkedChildren, tmp_path: Path
) -> None:
    result = ask(children, "abort", left=str(tmp_path / "left"), once=once)
    if once:
        assert told(result) == {"aborted": "before"}
    else:
        assert isinstance(result, ChildFailed)
        assert result.kind == "abort"
    assert told(ask(children))["imported"]


def test_a_process_that_was_killed_is_started_again(children: ForkedChildren) -> None:
    import os
    from signal import SIGKILL

    parent = told(ask(children))["parent"]
    os.kill(parent, SIGKILL)
    assert eventually(lambda: not is_running(parent))
    assert told(ask(children))["calls"] == 1
    assert told(ask(children))["imported"]


def test_nothing_is_left_in_the_end() -> None:
    children = ForkedChildren()
    answer = told(ask(children))
    children.close()
    assert eventually(lambda: not any(map(is_running, (answer["pid"], answer["parent"]))))
