"""Which side is the slower one."""

from itertools import pairwise

import pytest
from dativo.observe.bottleneck import Bottleneck, slower_side
from dativo.observe.events import Fill


def fills(*shares):
    names = ["tap", "mapper", "target"] if len(shares) == 2 else ["tap", "target"]
    return [Fill(*pair, share) for pair, share in zip(pairwise(names), shares, strict=True)]


@pytest.mark.parametrize(
    ("shares", "slower"),
    [
        ((1.0,), "target"),
        ((0.75,), "target"),
        ((0.0,), "tap"),
        ((0.05,), "tap"),
        ((0.4,), None),
        ((1.0, 0.0), "mapper"),
        ((1.0, 1.0), "target"),
        ((0.0, 0.0), "tap"),
        ((0.0, 1.0), "target"),
        ((0.5, 0.0), "mapper"),
    ],
)
def test_a_full_pipe_waits_for_its_reader_and_an_empty_one_for_its_writer(shares, slower):
    assert slower_side(fills(*shares)) == slower


def test_the_most_frequent_one_is_told_with_its_share_of_the_time():
    bottleneck = Bottleneck()
    assert str(bottleneck) == ""
    for share in (1.0, 0.9, 0.8, 0.0, 0.4):
        bottleneck.add(fills(share))
    assert str(bottleneck) == "target was the slower side 60 % of the time"
    [pipe] = bottleneck.pipes.values()
    assert (pipe.full_share, pipe.empty_share) == (0.6, 0.2)
