"""Publication, slot and bookmarks: what is made, what is refused, and with which words."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from dativo_protocol.errors import CatalogError
from dativo_protocol.state import State
from tap_postgres.connections import Connections
from tap_postgres.errors import PermissionDenied, PostgresError, ServerNotReady, SlotError
from tap_postgres.log_setup import LogSetup, set_up
from tap_postgres.replication import Subscription
from tap_postgres.slots import find_slot
from tap_postgres.tap import PostgresTap

if TYPE_CHECKING:
    from conftest import Database

TABLES = "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY)"


def prepared(database: Database, *, only: str | None = None, state: Any = None, **settings: Any) -> LogSetup:
    """Set up for the tables of the database, or for one of them."""
    typed = database.typed(**settings)
    tap = PostgresTap(typed)
    with Connections(typed) as connections, connections.read("test") as control:
        plans = tap.plans(tap.discover(), connections)
        wanted = [plan for plan in plans if only is None or plan.table.name == only]
        found = set_up(wanted, connections, control, typed, State(state))
        found.publication.remove_others(wanted, set())
        return found


def refused(kind: type[Exception], database: Database, **given: Any) -> str:
    with pytest.raises(kind) as caught:
        prepared(database, **given)
    return f"{caught.value} {getattr(caught.value, 'instruction', '')}"


def members(database: Database) -> list[str]:
    with database.connect() as connection:
        found = connection.execute(
            "SELECT tablename FROM pg_publication_tables WHERE pubname = %s ORDER BY 1", [database.name]
        )
        return [name for (name,) in found]


def slots(database: Database) -> list[tuple[str, str]]:
    with database.connect() as connection:
        query = (
            "SELECT slot_name, coalesce(plugin, 'physical') FROM pg_replication_slots "
            "WHERE coalesce(database, current_database()) = current_database() ORDER BY 1"
        )
        return connection.execute(query).fetchall()


def test_publication_and_slot_are_made_once(logged: Database) -> None:
    logged.execute(TABLES)
    first = prepared(logged)
    assert members(logged) == ["a", "b"]
    assert slots(logged) == [(logged.name, "pgoutput")]
    assert prepared(logged).sources == first.sources


def test_the_publication_has_the_tables_that_are_read(logged: Database) -> None:
    logged.execute(TABLES)
    before = prepared(logged, only="a").sources
    assert members(logged) == ["a"]
    after = prepared(logged).sources
    assert members(logged) == ["a", "b"]
    assert after["public-a"] == before["public-a"]
    prepared(logged, only="b")
    assert members(logged) == ["b"]


def test_a_publication_of_others_keeps_its_tables(logged: Database) -> None:
    logged.execute(TABLES + f"; CREATE PUBLICATION {logged.name} FOR TABLE a, b")
    prepared(logged, only="b")
    assert members(logged) == ["a", "b"]


def test_of_a_partitioned_table_the_root_is_published(logged: Database) -> None:
    logged.execute(
        "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);"
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)"
    )
    prepared(logged, only="p")
    assert members(logged) == ["p"]


def test_an_unmanaged_publication_of_partitions_is_refused(logged: Database) -> None:
    logged.execute(
        "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);"
        f"CREATE PUBLICATION {logged.name} FOR TABLE p"
    )
    assert "SET (publish_via_partition_root = true)" in refused(ServerNotReady, logged)


def test_a_publication_without_deletes_is_refused(logged: Database) -> None:
    logged.execute(TABLES + f"; CREATE PUBLICATION {logged.name} FOR TABLE a, b WITH (publish = 'insert')")
    assert "SET (publish = 'insert, update, delete, truncate')" in refused(ServerNotReady, logged)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("manage_publication", "CREATE PUBLICATION"),
        ("manage_slot", "SELECT pg_create_logical_replication_slot("),
    ],
)
def test_what_is_not_ours_to_make(logged: Database, setting: str, said: str) -> None:
    logged.execute(TABLES)
    assert said in refused(PostgresError, logged, **{setting: False})


def test_without_the_right_the_statement_is_shown(logged: Database) -> None:
    logged.execute(TABLES)
    user = logged.reader("SELECT ON a, b")
    logged.execute(f"ALTER ROLE {user['user']} REPLICATION")
    said = refused(PermissionDenied, logged, **user)
    assert 'As owner: CREATE PUBLICATION "' in said
    assert slots(logged) == []  # it would hold WAL for nobody


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("CREATE TABLE t (v int)", "ALTER TABLE public.t REPLICA IDENTITY FULL"),
        (
            "CREATE TABLE t (v int PRIMARY KEY); ALTER TABLE t REPLICA IDENTITY NOTHING",
            "REPLICA IDENTITY FULL",
        ),
        ("CREATE UNLOGGED TABLE t (v int PRIMARY KEY)", "is not logged"),
        ("CREATE VIEW t AS SELECT 1 AS v", "a view has no changes"),
    ],
)
def test_tables_whose_changes_cannot_be_told_apart(logged: Database, table: str, said: str) -> None:
    logged.execute(table)
    assert said in refused(CatalogError, logged)
    assert members(logged) == []


def test_a_key_that_the_identity_lacks(logged: Database) -> None:
    logged.execute("CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL UNIQUE)")
    catalog = logged.catalog()
    catalog["streams"][0]["key_properties"] = ["v"]
    said = logged.refusal(catalog)
    assert "the replica identity of public.t does not have key property 'v'" in said


def test_conditions_do_not_hold_for_changes(logged: Database) -> None:
    logged.execute(TABLES)
    clauses = {"public-a": {"custom_where_clauses": ["id > 1"]}}
    assert "custom_where_clauses" in refused(CatalogError, logged, stream_options=clauses)


def test_a_column_named_as_ours(logged: Database) -> None:
    logged.execute('CREATE TABLE t (id int PRIMARY KEY, "_sdc_lsn" int)')
    assert "a column '_sdc_lsn' of its own" in refused(CatalogError, logged)


def test_a_slot_of_another_plugin_is_left_alone(logged: Database) -> None:
    logged.execute(TABLES + f"; SELECT pg_create_physical_replication_slot('{logged.name}')")
    assert prepared(logged).slot == f"{logged.name}_pgoutput"
    assert slots(logged) == [(logged.name, "physical"), (f"{logged.name}_pgoutput", "pgoutput")]


def test_a_slot_that_is_read_names_the_reader(logged: Database) -> None:
    logged.execute(TABLES)
    prepared(logged)
    with reading(logged) as pid:
        said = refused(SlotError, logged, replication_slot_wait_seconds=1)
        assert f"is being read by process {pid}" in said


class reading:  # noqa: N801 -- a block
    """Reads the slot of a database, as another run would."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stack = ExitStack()

    def __enter__(self) -> int:
        connections = self._stack.enter_context(Connections(self._database.typed()))
        session = self._stack.enter_context(connections.replication("test"))
        session.start(Subscription(self._database.name, self._database.name, 0, streaming=False))
        return session.connection.info.backend_pid

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def test_starting_on_a_slot_that_is_read(logged: Database) -> None:
    logged.execute(TABLES)
    prepared(logged)
    with reading(logged), pytest.raises(SlotError, match="is active for PID"), reading(logged):
        pass


def test_sessions_that_have_to_wait_are_not_ended_for_it(logged: Database) -> None:
    """An administrator may end idle sessions; those of a run are idle while another one works."""
    logged.execute(TABLES)
    with logged.connect() as owner:
        owner.execute(
            f"ALTER ROLE {owner.info.user} IN DATABASE {logged.name} SET idle_session_timeout = '1s'"
        )
        try:
            with (
                Connections(logged.typed()) as connections,
                connections.read("test") as reader,
                connections.replication("test") as session,
            ):
                owner.execute("SELECT pg_sleep(2)")
                assert reader.execute("SELECT 1").fetchone() == (1,)
                assert session.system()
        finally:
            owner.execute(f"ALTER ROLE {owner.info.user} IN DATABASE {logged.name} RESET ALL")


def test_waiting_for_writers_ends_and_names_them(logged: Database) -> None:
    logged.execute(TABLES)
    with logged.connect() as writer, writer.transaction():
        writer.execute("INSERT INTO a VALUES (1)")
        said = refused(SlotError, logged, replication_slot_wait_seconds=1)
        assert f"still open after 1 s, of the processes {writer.info.backend_pid}" in said
    assert slots(logged) == []
    assert prepared(logged).slot == logged.name


@pytest.fixture
def positioned(logged: Database) -> tuple[Database, dict[str, Any]]:
    """A database with a slot, and a bookmark that is as far as the slot."""
    logged.execute(TABLES)
    setup = prepared(logged)
    with logged.connect() as connection:
        slot = find_slot(connection, setup.slot)
    assert slot is not None
    at = {"replication_key": "_sdc_lsn", "replication_key_value": slot.confirmed, "version": 1}
    return logged, {"bookmarks": {"public-a": at | setup.sources["public-a"].to_dict()}}


def test_going_on(positioned: tuple[Database, dict[str, Any]]) -> None:
    database, state = positioned
    prepared(database, state=state)


def test_a_state_before_the_slot(positioned: tuple[Database, dict[str, Any]]) -> None:
    database, state = positioned
    state["bookmarks"]["public-a"]["replication_key_value"] -= 1
    said = refused(SlotError, database, state=state)
    assert said.startswith(f"changes are lost of public-a: slot '{database.name}' is at ")
    assert "on_lost_slot" in said
    prepared(database, state=state, on_lost_slot="resnapshot")


def test_a_state_of_another_server(positioned: tuple[Database, dict[str, Any]]) -> None:
    database, state = positioned
    state["bookmarks"]["public-a"]["system"] = "1"
    assert "this is another server than the one of the STATE" in refused(SlotError, database, state=state)


def test_a_slot_that_is_gone(positioned: tuple[Database, dict[str, Any]]) -> None:
    database, state = positioned
    database.execute(f"SELECT pg_drop_replication_slot('{database.name}')")
    assert f"public-a: slot '{database.name}' is gone" in refused(SlotError, database, state=state)
    assert slots(database) == []  # a new one would make the loss look like a gap of nothing


def test_a_table_that_was_out_of_the_publication(positioned: tuple[Database, dict[str, Any]]) -> None:
    database, state = positioned
    database.execute(
        f"ALTER PUBLICATION {database.name} DROP TABLE a; ALTER PUBLICATION {database.name} ADD TABLE a"
    )
    assert "was not in the publication all the time" in refused(SlotError, database, state=state)


def test_a_server_without_changes(database: Database) -> None:
    database.execute(TABLES)
    said = database.failure(default_replication_method="LOG_BASED")
    assert said.startswith(
        "log-based replication is not possible: wal_level is 'replica': set it to 'logical'"
    )


def test_a_user_without_the_right(logged: Database) -> None:
    logged.execute(TABLES)
    user = logged.reader("SELECT ON a, b")
    assert "lacks the right: ALTER ROLE ... REPLICATION" in refused(ServerNotReady, logged, **user)


def test_a_trial_leaves_no_traces(logged: Database) -> None:
    logged.execute(TABLES + "; INSERT INTO a VALUES (1), (2)")
    outcome = logged.run("--test")
    assert outcome.code == 0, outcome.stderr
    assert b'"_sdc_lsn"' in outcome.stdout
    assert slots(logged) == []
    assert members(logged) == []
