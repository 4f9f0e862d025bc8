"""The queue between reading and writing: in order, bounded by bytes, never stuck."""

from __future__ import annotations

import time
from threading import Thread

from dativo_protocol.handoff import Handoff


def in_background(action) -> Thread:
    thread = Thread(target=action, daemon=True)
    thread.start()
    return thread


def test_items_come_out_in_order():
    queue = Handoff[int](1 << 20)
    thread = in_background(lambda: [queue.put(each, 100) for each in range(1000)])
    assert [queue.get() for _ in range(1000)] == list(range(1000))
    thread.join()


def settled(progress: list[int], expected: list[int]) -> None:
    """Wait until so much was put, and make sure that no more is."""
    deadline = time.monotonic() + 30
    while progress != expected and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)
    assert progress == expected


def test_put_waits_while_the_limit_would_be_exceeded():
    queue = Handoff[int](10_000)
    progress = []
    thread = in_background(lambda: [progress.append(each) for each in range(5) if queue.put(each, 4_000)])
    settled(progress, [0, 1])
    queue.get()
    settled(progress, [0, 1, 2])
    for _ in range(4):
        queue.get()
    thread.join(5)
    assert progress == [0, 1, 2, 3, 4]


def test_an_item_heavier_than_the_limit_passes_alone():
    queue = Handoff[str](1_000)
    assert queue.put("heavy", 1 << 30)
    thread = in_background(lambda: queue.put("next", 1))
    time.sleep(0.1)
    assert thread.is_alive()
    assert queue.get() == "heavy"
    assert queue.get() == "next"


def test_weightless_items_are_bounded_too():
    queue = Handoff[int](512 * 10)
    thread = in_background(lambda: [queue.put(each) for each in range(11)])
    time.sleep(0.2)
    assert thread.is_alive()
    queue.get()
    thread.join(5)
    assert not thread.is_alive()


def test_closing_releases_a_waiting_put_and_refuses_the_next():
    queue = Handoff[int](1_000)
    answers = []
    queue.put(0, 1_000)
    thread = in_background(lambda: answers.append(queue.put(1, 1_000)))
    time.sleep(0.1)
    queue.close()
    thread.join(5)
    assert answers == [False]
    assert queue.put(2) is False
