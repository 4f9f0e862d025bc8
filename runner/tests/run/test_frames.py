"""Frames between processes of the runner."""

from __future__ import annotations

import os

import pytest
from dativo.observe.events import Logged
from dativo.observe.log_lines import LogLine
from dativo.run.frames import FrameReader, write_frame

THINGS = [Logged(1.5, "tap", LogLine("INFO", "ü" * 100)), {"n": 1}, None]


@pytest.mark.parametrize("size", [1, 3, 7, 1000, 1 << 20])
def test_whatever_the_pipe_makes_of_them_they_arrive(size):
    reader, writer = os.pipe()
    for thing in THINGS:
        write_frame(writer, thing)
    os.close(writer)
    frames, found = FrameReader(), []
    while data := os.read(reader, size):
        found += frames.feed(data)
    os.close(reader)
    assert found == THINGS


def test_nobody_reads_any_more():
    reader, writer = os.pipe()
    os.close(reader)
    with pytest.raises(BrokenPipeError):
        write_frame(writer, "x")
    os.close(writer)
