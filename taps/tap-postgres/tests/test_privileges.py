"""What `--test` says of a user's rights."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tap_postgres.connections import Connections
from tap_postgres.privileges import Privileges, read_privileges

if TYPE_CHECKING:
    from conftest import Database

READY = Privileges("loader", False, True, "logical", 3, 3)


def test_nothing_stands_against_it() -> None:
    assert list(READY.obstacles()) == []


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        ({"may_replicate": False}, "user 'loader' lacks the right: ALTER ROLE"),
        ({"wal_level": "replica"}, "wal_level is 'replica': set it to 'logical'"),
        ({"free_slots": 0}, "no replication slot is free: raise max_replication_slots"),
        ({"free_senders": 0}, "no connection for replication is free: raise max_wal_senders"),
    ],
)
def test_each_obstacle(lacking: dict[str, Any], said: str) -> None:
    (obstacle,) = replace(READY, **lacking).obstacles()
    assert obstacle.startswith(said)


def test_of_a_real_server(database: Database) -> None:
    with Connections(database.typed()) as connections, connections.read("test") as connection:
        found = read_privileges(connection)
    assert found.may_replicate  # the owner of the server
    assert not found.is_standby
    assert found.wal_level == "replica"
    assert found.free_slots > 0
    assert found.free_senders > 0
