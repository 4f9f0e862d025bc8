"""The sum of a run."""

from dativo_protocol.tally import Tally


def test_nothing_is_missing_when_the_parts_make_the_whole():
    assert Tally().missing == 0
    assert Tally(read=10, written=6, quarantined=3, skipped=1).missing == 0


def test_what_was_read_and_went_nowhere_is_missing():
    assert Tally(read=10, written=6, quarantined=3).missing == 1
    assert Tally(read=1, written=2).missing == -1


def test_it_says_where_records_went():
    tally = Tally(read=1_000, written=989, quarantined=10, skipped=1)
    assert str(tally) == "1,000 records read: 989 written, 10 quarantined, 1 skipped"
    assert tally.counts() == {"read": 1_000, "written": 989, "quarantined": 10, "skipped": 1}
