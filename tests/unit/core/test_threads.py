"""Threads end with whoever waits for them."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from bench.core.locks import waited_for
from bench.core.threads import check_interrupted, ended_by, pool_of
from tests.unit.core.test_locks import holder


class Stopped(Exception):
    """What ends a pool here."""


def test_an_error_ends_what_threads_wait_for_and_starts_nothing_more() -> None:
    woken, waiting, begun = threading.Event(), threading.Event(), list[int]()

    def waits() -> None:
        with ended_by(woken.set):
            waiting.set()
            assert woken.wait(60.0)

    with pytest.raises(Stopped), pool_of(1) as pool:  # noqa: PT012 - in the middle of it
        first = pool.submit(waits)
        later = [pool.submit(begun.append, number) for number in range(3)]
        assert waiting.wait(60.0)
        raise Stopped
    assert isinstance(first.exception(), KeyboardInterrupt)
    assert (begun, all(it.cancelled() for it in later)) == ([], True)


def test_what_a_thread_begins_after_the_end_is_ended_before_it_begins() -> None:
    going, seen, ended = threading.Event(), list[str](), list[str]()

    def goes_on() -> None:
        going.wait(60.0)
        with ended_by(lambda: ended.append("ended")):
            seen.append("began")

    with pytest.raises(Stopped), pool_of(1) as pool:  # noqa: PT012 - in the middle of it
        it = pool.submit(goes_on)
        threading.Timer(0.1, going.set).start()
        raise Stopped
    assert isinstance(it.exception(), KeyboardInterrupt)
    assert (seen, ended) == ([], [])


def test_a_thread_that_waits_for_another_process_s_lock_waits_no_longer(tmp_path: Path) -> None:
    other = holder(tmp_path / "a.lock")

    def locks() -> None:
        with waited_for(tmp_path / "a.lock", "a"):
            pass

    with other:
        with pytest.raises(Stopped), pool_of(1) as pool:  # noqa: PT012 - in the middle of it
            waiting = pool.submit(locks)
            time.sleep(0.2)
            raise Stopped
        assert isinstance(waiting.exception(), KeyboardInterrupt)
        other.kill()


def test_where_nothing_ends_a_pool_its_threads_and_the_main_one_go_on() -> None:
    def goes_on(number: int) -> int:
        check_interrupted()
        return number

    with pool_of(2) as pool:
        assert [*pool.map(goes_on, range(5))] == [*range(5)]
    with ended_by(lambda: None):
        check_interrupted()
