"""The log of a run: what was said, and of a flood its beginning and its end."""

from __future__ import annotations

from itertools import pairwise

from dativo.observe.log_lines import LogLine
from dativo.observe.run_log import RunLog, read_log


def test_every_line_is_kept_with_time_side_and_trace(told, tmp_path):
    told.observer.add(RunLog(told.tally, tmp_path))
    told.whole_run()
    hurt, gap = read_log(tmp_path)
    assert hurt == {
        "at": "2026-11-24T00:00:01.000Z",
        "side": "tap-x",
        "level": "ERROR",
        "message": "it hurts",
        "trace": ["  at a.py:1 in f"],
    }
    assert (gap["side"], gap["level"]) == (None, "WARNING")
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_of_a_flood_the_beginning_and_the_end_are_kept_and_the_gap_is_counted(told, tmp_path):
    log = RunLog(told.tally, tmp_path, part_bytes=1000)
    told.observer.add(log)
    told.start()
    for number in range(300):
        told.observer.logged("tap-x", LogLine("INFO", f"line {number}"))
    told.observer.ended("succeeded", None, 0)
    lines = list(read_log(tmp_path))
    kept = [int(line["message"].split()[1]) for line in lines if "dropped" not in line]
    [gap] = [line["dropped"] for line in lines if "dropped" in line]
    assert kept[:5] == [0, 1, 2, 3, 4]
    assert kept[-5:] == [295, 296, 297, 298, 299]
    assert len(kept) + gap == 300
    jump = next(index for index, (one, two) in enumerate(pairwise(kept)) if two != one + 1)
    assert lines[jump + 1] == {"dropped": gap}
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 3 * 1100


def test_a_torn_last_line_is_passed_over(tmp_path):
    (tmp_path / "log.jsonl").write_text('{"message": "whole"}\n{"message": "to')
    assert list(read_log(tmp_path)) == [{"message": "whole"}]
    assert list(read_log(tmp_path / "nowhere")) == []
