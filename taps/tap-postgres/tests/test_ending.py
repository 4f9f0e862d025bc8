"""When a run that reads changes is at its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from dativo_protocol.config import load_settings
from dativo_protocol.postgres import PgChangeKind as Kind
from tap_postgres.ending import Ending
from tap_postgres.settings import TapPostgresSettings

if TYPE_CHECKING:
    from dativo_protocol.postgres import PgChange

END = 1000


@dataclass
class Step:
    kind: Kind
    end_lsn: int = 0
    received_lsn: int = 0


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def ends(*steps: Step | float, **settings: Any) -> list[bool]:
    """After which steps a run would end; a number lets so many seconds pass."""
    clock = Clock()
    ending = Ending(load_settings(TapPostgresSettings, {"database": "d", **settings}), END, clock)
    result = []
    for step in steps:
        if isinstance(step, Step):
            result.append(ending.is_at(cast("PgChange", step)))
        else:
            clock.now += step
    return result


def test_at_the_position_of_the_start() -> None:
    commits = [Step(Kind.COMMIT, END - 1), Step(Kind.COMMIT, END)]
    assert ends(*commits) == [False, True]
    assert ends(*commits, break_at_end_lsn=False) == [False, False]


def test_after_the_longest_run_but_not_within_a_transaction() -> None:
    steps = [5.0, Step(Kind.BATCH), Step(Kind.IDLE, received_lsn=5), Step(Kind.IDLE, received_lsn=6)]
    assert ends(*steps, Step(Kind.COMMIT, 1), replication_max_run_seconds=5) == [False, False, False, True]


def test_after_the_longest_run_when_nothing_comes() -> None:
    steps = [Step(Kind.IDLE, received_lsn=5), 5.0, Step(Kind.IDLE, received_lsn=5)]
    assert ends(*steps, replication_max_run_seconds=5) == [False, True]


def test_when_nothing_changes() -> None:
    idle = Step(Kind.IDLE, received_lsn=5)
    settings = {"replication_idle_exit_seconds": 5, "break_at_end_lsn": False}
    assert ends(idle, 4.0, idle, 1.0, idle, **settings) == [False, False, True]
    assert ends(idle, 4.0, Step(Kind.BATCH), 4.0, idle, **settings) == [False, False, False]
    assert ends(idle, 6.0, idle, replication_idle_exit_seconds=5) == [False, False], "the end is not reached"


def test_soon() -> None:
    ending = Ending(load_settings(TapPostgresSettings, {"database": "d"}), END)
    ending.end_soon("of a reason")
    assert not ending.is_at(cast("PgChange", Step(Kind.BATCH)))
    assert ending.is_at(cast("PgChange", Step(Kind.COMMIT, 1)))
